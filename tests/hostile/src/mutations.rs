//! Mutations of seeds, the same ones for the same number: what the short run tries.

use std::sync::LazyLock;

use crate::documents::mutated;

/// The words that parsers know, one a line in libFuzzer's form, shared with the long run.
const DICTIONARY: &str = include_str!("../../fuzz/dictionary.txt");

/// Words to put into input.
pub fn words() -> Vec<Vec<u8>> {
    DICTIONARY.lines().filter_map(word).collect()
}

/// `"a\x00\"b"` as bytes; `None` for comments and blank lines.
fn word(line: &str) -> Option<Vec<u8>> {
    let mut rest = line.trim().strip_prefix('"')?.strip_suffix('"')?.chars();
    let mut bytes = Vec::new();
    while let Some(c) = rest.next() {
        match c {
            '\\' => match rest.next()? {
                'x' => {
                    let digits: String = rest.by_ref().take(2).collect();
                    bytes.push(u8::from_str_radix(&digits, 16).ok()?);
                }
                other => bytes.extend(other.to_string().bytes()),
            },
            c => bytes.extend(c.to_string().bytes()),
        }
    }
    Some(bytes)
}

/// No input becomes longer.
pub(crate) const LONGEST: usize = 8192;

/// What decides where something has to: the same for the same number.
#[derive(Debug)]
pub(crate) struct Chance(u64);

impl Chance {
    /// Numbers that are near to each other are made unlike.
    pub(crate) fn of(number: u64) -> Self {
        Self(number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number below `most`; 0 for 0.
    pub(crate) fn below(&mut self, most: usize) -> usize {
        // Xorshift: nothing here has to be unforeseeable.
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        let number = usize::try_from(self.0 >> 11).unwrap_or_default();
        number.checked_rem(most).unwrap_or_default()
    }

    /// A word that parsers know.
    pub(crate) fn word(&mut self) -> &'static [u8] {
        static WORDS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(words);
        WORDS.get(self.below(WORDS.len())).map(Vec::as_slice).unwrap_or_default()
    }
}

/// An endless list of inputs made of seeds.
#[derive(Debug)]
pub struct Mutations {
    chance: Chance,
    seeds: Vec<Vec<u8>>,
}

impl Mutations {
    /// Made of these seeds, with this number to begin with.
    pub fn of(seeds: Vec<Vec<u8>>, number: u64) -> Self {
        Self { chance: Chance::of(number), seeds }
    }

    fn below(&mut self, most: usize) -> usize {
        self.chance.below(most)
    }

    fn seed(&mut self) -> Vec<u8> {
        let which = self.below(self.seeds.len());
        self.seeds.get(which).cloned().unwrap_or_default()
    }

    fn mutate(&mut self, input: &mut Vec<u8>) {
        let at = self.below(input.len() + 1);
        match self.below(8) {
            0 => {
                let bits = 1_u8 << self.below(8);
                if let Some(byte) = input.get_mut(at) {
                    *byte ^= bits;
                }
            }
            1 => input.insert(at, u8::try_from(self.below(256)).unwrap_or_default()),
            2 => {
                let end = (at + 1 + self.below(24)).min(input.len());
                input.drain(at.min(end)..end);
            }
            3 => {
                let end = (at + 1 + self.below(40)).min(input.len());
                let part = input.get(at.min(end)..end).unwrap_or_default().to_vec();
                for _ in 0..=self.below(6) {
                    input.splice(at..at, part.iter().copied());
                }
            }
            4 | 5 => {
                let word = self.chance.word();
                let end = if self.below(2) == 0 { at } else { (at + word.len()).min(input.len()) };
                input.splice(at..end, word.iter().copied());
            }
            6 => {
                // A number becomes one that is too small, too large, or on an edge.
                const EDGES: [&str; 8] = [
                    "0",
                    "-1",
                    "255",
                    "65536",
                    "2147483648",
                    "9223372036854775807",
                    "18446744073709551615",
                    "1e308",
                ];
                let digits = input.iter().skip(at).position(u8::is_ascii_digit).map(|found| at + found);
                let Some(from) = digits else { return };
                let until = input.iter().skip(from).position(|b| !b.is_ascii_digit());
                let until = until.map_or(input.len(), |length| from + length);
                let edge = EDGES.get(self.below(EDGES.len())).copied().unwrap_or_default();
                input.splice(from..until, edge.bytes());
            }
            _ => {
                let other = self.seed();
                let from = self.below(other.len() + 1);
                input.truncate(at);
                input.extend(other.get(from..).unwrap_or_default());
            }
        }
        input.truncate(LONGEST);
    }
}

impl Iterator for Mutations {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut input = self.seed();
        let number = u64::try_from(self.below(usize::MAX)).unwrap_or_default();
        // Half of the inputs keep their documents whole.
        if number.is_multiple_of(2)
            && let Some(made) = mutated(&input, number, LONGEST)
        {
            return Some(made);
        }
        for _ in 0..=self.below(5) {
            self.mutate(&mut input);
        }
        Some(input)
    }
}

#[cfg(test)]
mod tests {
    use super::{Mutations, word, words};

    #[test]
    fn the_dictionary_is_read_as_libfuzzer_reads_it() {
        for (line, bytes) in [
            (r#""and""#, Some(b"and".to_vec())),
            (r#""\"\\""#, Some(b"\"\\".to_vec())),
            (r#""\x0d\x0A""#, Some(b"\r\n".to_vec())),
            ("# a comment", None),
            ("", None),
        ] {
            assert_eq!(word(line), bytes, "{line}");
        }
        assert!(words().len() > 100);
    }

    #[test]
    fn the_same_number_gives_the_same_input() {
        let seeds = vec![b"mail eq \"x\"".to_vec(), b"sn pr".to_vec()];
        let some = |number| Mutations::of(seeds.clone(), number).take(200).collect::<Vec<_>>();
        assert_eq!(some(7), some(7));
        assert_ne!(some(7), some(8));
    }
}
