//! Key-encryption keys and the places they are kept.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use zeroize::{Zeroize, Zeroizing};

use crate::aead::Key;
use crate::{KeyError, Result};

/// A key that wraps the vault's root key. Only a [`KekStore`] needs to see its text.
#[derive(Clone)]
pub struct Kek(pub(crate) Key);

impl Kek {
    pub(crate) fn random() -> Result<Self> {
        Key::random().map(Self)
    }

    /// The key as base64 text, because KWallet keeps nothing but UTF-8.
    pub fn to_base64(&self) -> Zeroizing<String> {
        Zeroizing::new(BASE64_STANDARD.encode(self.0.bytes()))
    }

    /// The reverse of [`Kek::to_base64`]; the error names what is wrong with the text, not the text.
    pub fn from_base64(text: &str) -> Result<Self, KeyError> {
        let mut bytes = BASE64_STANDARD.decode(text).map_err(|_| KeyError::Malformed("not base64"))?;
        let key = Key::from_slice(&bytes).ok_or(KeyError::Malformed("not 32 bytes"));
        bytes.zeroize();
        key.map(Self)
    }
}

impl fmt::Debug for Kek {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Kek(redacted)")
    }
}

/// Keeps one key-encryption key per vault. Calls may block for as long as the implementation's own time limit.
pub trait KekStore: Send + Sync {
    /// The vault's key; `None` when the store works and has none.
    fn load(&self, vault_id: &str) -> Result<Option<Kek>, KeyError>;
    /// Keeps the vault's key, in place of an earlier one.
    fn save(&self, vault_id: &str, kek: &Kek) -> Result<(), KeyError>;
    /// Removes the vault's key; not an error when there is none.
    fn delete(&self, vault_id: &str) -> Result<(), KeyError>;
}

/// Keys in this process's memory, gone with it: for tests and throw-away demonstrations.
#[derive(Debug, Default)]
pub struct Memory {
    keys: Mutex<HashMap<String, Kek>>,
    failure: Mutex<Option<KeyError>>,
}

impl Memory {
    /// From now on every call fails with `failure`; `None` ends that.
    pub fn fail_with(&self, failure: Option<KeyError>) {
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = failure;
    }

    fn answer<T>(&self, work: impl FnOnce(&mut HashMap<String, Kek>) -> T) -> Result<T, KeyError> {
        if let Some(failure) = self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone() {
            return Err(failure);
        }
        Ok(work(&mut self.keys.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}

impl KekStore for Memory {
    fn load(&self, vault_id: &str) -> Result<Option<Kek>, KeyError> {
        self.answer(|keys| keys.get(vault_id).cloned())
    }

    fn save(&self, vault_id: &str, kek: &Kek) -> Result<(), KeyError> {
        self.answer(|keys| {
            keys.insert(vault_id.to_owned(), kek.clone());
        })
    }

    fn delete(&self, vault_id: &str) -> Result<(), KeyError> {
        self.answer(|keys| {
            keys.remove(vault_id);
        })
    }
}
