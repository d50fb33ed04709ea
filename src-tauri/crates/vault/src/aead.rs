//! XChaCha20-Poly1305 over 32-byte keys, and the associated data that ties a ciphertext to its place.

use std::fmt;

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::{Error, Result};

/// Written in front of every ciphertext and into its associated data.
pub(crate) const FORMAT: u8 = 1;
pub(crate) const NONCE_BYTES: usize = 24;
pub(crate) const KEY_BYTES: usize = 32;

/// Where a sealed value lives. A value opens only at the place and revision it was sealed for, so rows can neither be
/// swapped nor rolled back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field<'a> {
    /// The table, such as `secret`.
    pub table: &'a str,
    /// The row's id.
    pub row: &'a str,
    /// The column or property, such as `refreshToken`.
    pub field: &'a str,
    /// Counts the writes of this value; the caller keeps it outside the sealed value's own row where it can.
    pub revision: u64,
}

impl fmt::Display for Field<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{} (revision {})", self.table, self.row, self.field, self.revision)
    }
}

/// A 256-bit key: wiped on drop, never printed.
#[derive(Clone)]
pub(crate) struct Key(Zeroizing<[u8; KEY_BYTES]>);

impl Key {
    pub(crate) fn random() -> Result<Self> {
        let mut key = Self::zero();
        fill_random(key.bytes_mut())?;
        Ok(key)
    }

    /// All zeroes, to be filled in place; not a key until then.
    pub(crate) fn zero() -> Self {
        Self(Zeroizing::new([0; KEY_BYTES]))
    }

    pub(crate) fn from_slice(bytes: &[u8]) -> Option<Self> {
        let mut key = Self::zero();
        (bytes.len() == KEY_BYTES).then(|| key.bytes_mut().copy_from_slice(bytes))?;
        Some(key)
    }

    pub(crate) fn bytes(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }

    pub(crate) fn bytes_mut(&mut self) -> &mut [u8; KEY_BYTES] {
        &mut self.0
    }

    pub(crate) fn same_as(&self, other: &Self) -> bool {
        self.0.ct_eq(&*other.0).into()
    }

    /// `nonce ‖ ciphertext ‖ tag`, with a fresh random nonce.
    pub(crate) fn encrypt(&self, aad: &[u8], plain: &[u8]) -> Result<Vec<u8>> {
        let mut nonce = [0u8; NONCE_BYTES];
        fill_random(&mut nonce)?;
        let sealed = self
            .cipher()
            .encrypt(&XNonce::from(nonce), Payload { msg: plain, aad })
            .map_err(|_| Error::Crypto("encryption"))?;
        let mut out = Vec::with_capacity(NONCE_BYTES + sealed.len());
        out.extend_from_slice(&nonce);
        out.extend_from_slice(&sealed);
        Ok(out)
    }

    /// The plaintext, or `None` when key, associated data or any bit differs.
    pub(crate) fn decrypt(&self, aad: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, ciphertext) = sealed.split_first_chunk::<NONCE_BYTES>()?;
        let payload = Payload { msg: ciphertext, aad };
        self.cipher().decrypt(&XNonce::from(*nonce), payload).ok().map(Zeroizing::new)
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(self.bytes().into())
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(redacted)")
    }
}

pub(crate) fn fill_random(bytes: &mut [u8]) -> Result<()> {
    getrandom::fill(bytes).map_err(Error::NoRandomness)
}

/// Associated data: a purpose and parts, each with its length in front, so that no two lists of parts look alike.
pub(crate) struct Aad(Vec<u8>);

impl Aad {
    pub(crate) fn new(purpose: &str) -> Self {
        Self(Vec::with_capacity(160)).text(purpose).bytes(&[FORMAT])
    }

    pub(crate) fn bytes(mut self, part: &[u8]) -> Self {
        self.0.extend_from_slice(&(part.len() as u64).to_be_bytes());
        self.0.extend_from_slice(part);
        self
    }

    pub(crate) fn text(self, part: &str) -> Self {
        self.bytes(part.as_bytes())
    }

    pub(crate) fn number(self, part: u64) -> Self {
        self.bytes(&part.to_be_bytes())
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_cannot_be_shifted_into_each_other() {
        let one = Aad::new("test").text("ab").text("c");
        let other = Aad::new("test").text("a").text("bc");
        assert_ne!(one.as_slice(), other.as_slice());
    }

    #[test]
    fn a_key_is_exactly_32_bytes() {
        for (length, accepted) in [(0, false), (31, false), (32, true), (33, false)] {
            assert_eq!(Key::from_slice(&vec![7; length]).is_some(), accepted, "{length} bytes");
        }
    }

    #[test]
    fn nonces_do_not_repeat() {
        let key = Key::random().unwrap();
        let (one, two) = (key.encrypt(b"", b"same").unwrap(), key.encrypt(b"", b"same").unwrap());
        assert_ne!(one, two);
    }
}
