//! Keeps secrets unreadable at rest: key sources, envelope encryption and the types secrets travel in.
//!
//! Three layers of keys. A key-encryption key comes from the system keyring, a passphrase or the recovery key
//! ([`KekStore`], [`Kdf`], [`RecoveryKey`]); each of them wraps the same random *root key*. The root key wraps the
//! *data keys*, and a data key seals values ([`Vault::seal`]). So changing the passphrase re-wraps one row, rotating
//! adds one row, and the recovery key keeps working through both.
//!
//! Invariants:
//! - A missing or wrong key is an error. It is never answered with a new key, a constant key or plaintext.
//! - A sealed value opens only in the vault, table, row, field and revision it was sealed for.
//! - The header (key source, KDF parameters, key versions) is authenticated by the root key; weak KDF parameters are
//!   refused before they are used.
//! - Key material and secrets are wiped on drop, have no `Serialize` and a redacted `Debug`.
//! - Operations that change keys return a new [`Vault`]. The old one and its rows stay valid until the caller has
//!   committed the new rows, so a crash in between loses nothing.
//!
//! It must never touch the database, write a log line, or put a secret into an error's text. Callers store the
//! [`Header`] and the [`WrappedKey`] rows; neither holds anything secret. Keys in memory are kept from core files and from
//! other processes of the same user ([`keep_memory_private`]), not from root.

mod aead;
mod error;
mod header;
mod kek;
mod passphrase;
mod password;
mod process;
mod recovery;
mod system_keyring;
#[allow(clippy::module_inception, reason = "the crate's main type, in the file of its name")]
mod vault;

pub use aead::Field;
pub use error::{Error, KeyError};
pub use header::{Header, KeySource, WrappedBy, WrappedKey};
pub use kek::{Kek, KekStore, Memory};
pub use model::Secret;
pub use passphrase::{Kdf, MIN_PASSPHRASE_CHARS};
pub use password::{hash_password, password_matches, random_password};
pub use process::{MemoryKept, Swap, keep_memory_private, memory_kept, write_no_core_file};
pub use recovery::RecoveryKey;
pub use system_keyring::Keyring;
pub use vault::Vault;

/// What every fallible operation of this crate returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;
