//! What the database keeps about a vault: its header and its wrapped keys. Nothing in here is secret.

use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};

use crate::aead::{Aad, FORMAT, Key};
use crate::{Error, Kdf, Result};

/// What protects the vault in daily use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeySource {
    /// A key in the operating system's keyring.
    Keyring,
    /// A passphrase that a person or `CONCORD_PASSPHRASE` gives.
    Passphrase,
}

impl KeySource {
    /// `keyring` or `passphrase`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Keyring => "keyring",
            Self::Passphrase => "passphrase",
        }
    }

    pub(crate) fn noun(self) -> &'static str {
        match self {
            Self::Keyring => "the system keyring",
            Self::Passphrase => "a passphrase",
        }
    }

    pub(crate) fn wraps_as(self) -> WrappedBy {
        match self {
            Self::Keyring => WrappedBy::Keyring,
            Self::Passphrase => WrappedBy::Passphrase,
        }
    }
}

impl fmt::Display for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Which key a [`WrappedKey`] is encrypted with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WrappedBy {
    /// A root key, by the key in the system keyring.
    Keyring,
    /// A root key, by the passphrase.
    Passphrase,
    /// A root key, by the recovery key.
    Recovery,
    /// A data key, by the root key.
    Root,
}

impl WrappedBy {
    /// The text for a database column.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Keyring => "keyring",
            Self::Passphrase => "passphrase",
            Self::Recovery => "recovery",
            Self::Root => "root",
        }
    }

    /// The reverse of [`WrappedBy::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Keyring, Self::Passphrase, Self::Recovery, Self::Root]
            .into_iter()
            .find(|by| by.as_str() == text)
    }
}

/// One row of the table `vault_key`. `(wrapped_by, version)` identifies it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WrappedKey {
    /// Counts data keys where `wrapped_by` is [`WrappedBy::Root`], and root keys otherwise; from 1.
    pub version: u32,
    /// The key it is encrypted with.
    pub wrapped_by: WrappedBy,
    /// A format byte, the nonce, and the encrypted key with its tag (XChaCha20-Poly1305).
    pub wrapped: Vec<u8>,
}

/// A salt and the parameters that turn the passphrase into a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct PassphraseKdf {
    pub(crate) algorithm: KdfAlgorithm,
    pub(crate) cost: Kdf,
    #[serde(with = "base64_text")]
    pub(crate) salt: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum KdfAlgorithm {
    #[serde(rename = "argon2id")]
    Argon2id,
}

/// The vault's description, stored once per database. Authenticated by the root key: a vault whose header was altered
/// does not open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Header {
    pub(crate) format: u32,
    pub(crate) vault_id: String,
    pub(crate) source: KeySource,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) kdf: Option<PassphraseKdf>,
    pub(crate) root_version: u32,
    pub(crate) data_version: u32,
    #[serde(with = "base64_text")]
    pub(crate) mac: Vec<u8>,
}

const MAC_CONTEXT: &str = "org.concord.Concord 2026 vault header authentication";

impl Header {
    /// The vault's id, which is also the user name of its entry in the keyring.
    pub fn vault_id(&self) -> &str {
        &self.vault_id
    }

    /// What opens the vault in daily use; asks for a passphrase only where it is one.
    pub fn source(&self) -> KeySource {
        self.source
    }

    /// The cost of the passphrase's key derivation, if there is a passphrase.
    pub fn kdf(&self) -> Option<Kdf> {
        self.kdf.as_ref().map(|kdf| kdf.cost)
    }

    /// The data key that new values are sealed with.
    pub fn data_key_version(&self) -> u32 {
        self.data_version
    }

    /// The text to store.
    pub fn to_json(&self) -> Result<String> {
        serde_json::to_string(self).map_err(|error| Error::MalformedHeader { why: error.to_string() })
    }

    /// Reads what [`Header::to_json`] wrote. Its authenticity shows only when the vault is unlocked.
    pub fn from_json(text: &str) -> Result<Self> {
        #[derive(Deserialize)]
        struct Format {
            format: u32,
        }
        let malformed = |error: serde_json::Error| Error::MalformedHeader { why: error.to_string() };
        let Format { format } = serde_json::from_str(text).map_err(malformed)?;
        if format != u32::from(FORMAT) {
            return Err(Error::UnknownFormat { what: "the vault's header", found: format });
        }
        let header: Self = serde_json::from_str(text).map_err(malformed)?;
        if let Some(kdf) = &header.kdf {
            kdf.cost.check()?;
        }
        Ok(header)
    }

    pub(crate) fn sign(&mut self, root: &Key) {
        self.mac = self.mac_under(root).as_bytes().to_vec();
    }

    pub(crate) fn verify(&self, root: &Key) -> Result<()> {
        // Comparing with `blake3::Hash` takes the same time wherever the difference is.
        if self.mac_under(root) == *self.mac {
            return Ok(());
        }
        Err(Error::Tampered { field: "the vault's header".into() })
    }

    fn mac_under(&self, root: &Key) -> blake3::Hash {
        let mut key = Key::zero();
        blake3::Hasher::new_derive_key(MAC_CONTEXT).update(root.bytes()).finalize_xof().fill(key.bytes_mut());
        let content = self
            .describe_kdf(Aad::new("vault header").number(self.format.into()).text(&self.vault_id))
            .text(self.source.as_str())
            .number(self.root_version.into())
            .number(self.data_version.into());
        blake3::keyed_hash(key.bytes(), content.as_slice())
    }

    /// Associated data of a wrapped key: which one it is, in which vault, and for the passphrase how it was derived.
    pub(crate) fn wrap_aad(&self, wrapped_by: WrappedBy, version: u32) -> Aad {
        let aad = Aad::new("vault key").text(&self.vault_id).text(wrapped_by.as_str()).number(version.into());
        if wrapped_by == WrappedBy::Passphrase { self.describe_kdf(aad) } else { aad }
    }

    fn describe_kdf(&self, aad: Aad) -> Aad {
        match &self.kdf {
            None => aad.text("no passphrase"),
            Some(kdf) => match kdf.algorithm {
                KdfAlgorithm::Argon2id => aad
                    .text("argon2id")
                    .number(kdf.cost.memory_kib.into())
                    .number(kdf.cost.iterations.into())
                    .number(kdf.cost.parallelism.into())
                    .bytes(&kdf.salt),
            },
        }
    }
}

mod base64_text {
    use super::*;
    use serde::{Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&BASE64_STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(from)?;
        BASE64_STANDARD.decode(text).map_err(|_| D::Error::custom("not base64"))
    }
}
