//! The recovery key: 160 random bits that a person writes down once, in a form that survives handwriting.

use std::fmt;

use zeroize::Zeroizing;

use crate::aead::{Key, fill_random};
use crate::{Error, Kek, Result, Secret};

/// Crockford's base 32: no I, L, O or U, and what is misread for another symbol is read as that symbol.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const ENTROPY_BYTES: usize = 20;
const ENTROPY_SYMBOLS: usize = ENTROPY_BYTES * 8 / 5;
const CHECK_SYMBOLS: usize = 4;
const SYMBOLS: usize = ENTROPY_SYMBOLS + CHECK_SYMBOLS;
const GROUP: usize = 6;
const KEK_CONTEXT: &str = "org.concord.Concord 2026 vault recovery key to key-encryption key";
const CHECK_CONTEXT: &str = "org.concord.Concord 2026 vault recovery key checksum";

/// Opens the vault when the keyring or the passphrase is lost. Shown once, never stored.
#[derive(Clone)]
pub struct RecoveryKey(Zeroizing<[u8; ENTROPY_BYTES]>);

impl RecoveryKey {
    pub(crate) fn random() -> Result<Self> {
        let mut key = Self(Zeroizing::new([0; ENTROPY_BYTES]));
        fill_random(&mut *key.0)?;
        Ok(key)
    }

    /// The text to show: six groups of six letters and digits, the last four of them a checksum.
    pub fn reveal(&self) -> Secret {
        let mut text = String::with_capacity(SYMBOLS + SYMBOLS / GROUP);
        for (index, symbol) in self.symbols().iter().enumerate() {
            if index > 0 && index % GROUP == 0 {
                text.push('-');
            }
            text.push(char::from(ALPHABET[usize::from(*symbol)]));
        }
        Secret::new(text)
    }

    /// Reads what a person typed: case, spaces and dashes do not matter; I and L are read as 1, O as 0.
    pub fn parse(typed: &Secret) -> Result<Self> {
        let mut symbols = Zeroizing::new(Vec::with_capacity(SYMBOLS));
        for (position, c) in typed.expose().chars().filter(|c| !c.is_whitespace() && *c != '-').enumerate() {
            let symbol = symbol_of(c).ok_or_else(|| Error::RecoveryKeyMistyped {
                why: format!("symbol {} is none that occurs in a recovery key", position + 1),
            })?;
            symbols.push(symbol);
        }
        if symbols.len() != SYMBOLS {
            let why = format!("it has {} symbols instead of {SYMBOLS}", symbols.len());
            return Err(Error::RecoveryKeyMistyped { why });
        }
        let mut key = Self(Zeroizing::new([0; ENTROPY_BYTES]));
        // Eight symbols of five bits are five bytes.
        for (bytes, group) in key.0.chunks_exact_mut(5).zip(symbols.chunks_exact(8)) {
            let bits = group.iter().fold(0u64, |bits, symbol| bits << 5 | u64::from(*symbol));
            bytes.copy_from_slice(&bits.to_be_bytes()[3..]);
        }
        if *key.symbols() != **symbols {
            let why = "its checksum does not fit; compare it group by group with what you wrote down".into();
            return Err(Error::RecoveryKeyMistyped { why });
        }
        Ok(key)
    }

    /// With 160 random bits there is nothing to guess, so a plain hash is enough.
    pub(crate) fn kek(&self, vault_id: &str) -> Kek {
        let mut hasher = blake3::Hasher::new_derive_key(KEK_CONTEXT);
        hasher.update(&*self.0);
        hasher.update(vault_id.as_bytes());
        let mut key = Key::zero();
        hasher.finalize_xof().fill(key.bytes_mut());
        Kek(key)
    }

    fn symbols(&self) -> Zeroizing<[u8; SYMBOLS]> {
        let check = blake3::derive_key(CHECK_CONTEXT, &*self.0);
        let mut symbols = Zeroizing::new([0u8; SYMBOLS]);
        let (entropy, checksum) = symbols.split_at_mut(ENTROPY_SYMBOLS);
        for (group, bytes) in entropy.chunks_exact_mut(8).zip(self.0.chunks_exact(5)) {
            let bits = bytes.iter().fold(0u64, |bits, byte| bits << 8 | u64::from(*byte));
            for (index, symbol) in group.iter_mut().enumerate() {
                *symbol = (bits >> (35 - 5 * index)) as u8 & 31;
            }
        }
        for (symbol, byte) in checksum.iter_mut().zip(check) {
            *symbol = byte & 31;
        }
        symbols
    }
}

impl fmt::Debug for RecoveryKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecoveryKey(redacted)")
    }
}

fn symbol_of(c: char) -> Option<u8> {
    let c = match c.to_ascii_uppercase() {
        'I' | 'L' => '1',
        'O' => '0',
        other => other,
    };
    ALPHABET.iter().position(|symbol| char::from(*symbol) == c).map(|index| index as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> RecoveryKey {
        RecoveryKey(Zeroizing::new(std::array::from_fn(|index| (index * 37 + 11) as u8)))
    }

    fn parse(text: &str) -> Result<RecoveryKey> {
        RecoveryKey::parse(&Secret::new(text))
    }

    #[test]
    fn reads_back_what_it_shows_however_it_is_typed() {
        let shown = key().reveal();
        let shown = shown.expose();
        assert_eq!(shown.split('-').map(str::len).collect::<Vec<_>>(), [GROUP; 6]);
        for typed in [
            shown.to_owned(),
            shown.to_lowercase(),
            shown.replace('-', " "),
            shown.replace('-', ""),
            format!("  {shown}\n"),
            shown.replace('0', "O").replace('1', "l"),
        ] {
            assert_eq!(*parse(&typed).unwrap().0, *key().0, "{typed}");
        }
        for _ in 0..50 {
            let random = RecoveryKey::random().unwrap();
            assert_eq!(*RecoveryKey::parse(&random.reveal()).unwrap().0, *random.0);
        }
    }

    #[test]
    fn every_wrong_symbol_and_every_swap_of_neighbours_is_noticed() {
        let shown = key().reveal().expose().replace('-', "");
        for index in 0..shown.len() {
            for symbol in ALPHABET {
                let mut typed = shown.clone().into_bytes();
                if typed[index] == *symbol {
                    continue;
                }
                typed[index] = *symbol;
                let typed = String::from_utf8(typed).unwrap();
                assert!(matches!(parse(&typed), Err(Error::RecoveryKeyMistyped { .. })), "{typed}");
            }
            let mut swapped = shown.clone().into_bytes();
            if index > 0 && swapped[index - 1] != swapped[index] {
                swapped.swap(index - 1, index);
                assert!(parse(&String::from_utf8(swapped).unwrap()).is_err(), "swap before {index}");
            }
        }
    }

    #[test]
    fn says_what_is_wrong_without_repeating_the_key() {
        let shown = key().reveal();
        for (typed, expected) in [
            (String::new(), "0 symbols instead of 36"),
            (shown.expose()[..10].to_owned(), "9 symbols instead of 36"),
            (format!("{}X", shown.expose()), "37 symbols"),
            (shown.expose().replacen(|c: char| c.is_ascii_digit(), "U", 1), "none that occurs"),
        ] {
            let message = parse(&typed).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
            assert!(!message.contains(&shown.expose()[..6]), "{message}");
        }
    }

    #[test]
    fn each_vault_gets_its_own_key_from_it() {
        assert!(!key().kek("one").0.same_as(&key().kek("two").0));
    }
}
