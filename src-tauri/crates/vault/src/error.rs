//! Why a vault did not open, and the way out.

use crate::{KeySource, WrappedBy};

/// Why the place that keeps key-encryption keys could not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// No keyring at all: no session bus, no secret service, an unsupported platform.
    #[error("there is no system keyring here ({0})")]
    Unavailable(String),
    /// The keyring exists but gives nothing out: it is locked, or the prompt to unlock it was dismissed.
    #[error("the system keyring did not give access ({0})")]
    NoAccess(String),
    /// No answer in time; usually a prompt to unlock the keyring is still open.
    #[error("the system keyring did not answer within {seconds} s; it may be waiting for its password")]
    TimedOut {
        /// How long it was given.
        seconds: u64,
    },
    /// The entry exists but is not a key that Concord wrote.
    #[error("the system keyring's entry for this vault is damaged ({0})")]
    Malformed(&'static str),
}

/// Why an operation on the vault failed. No message contains key material or a secret.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A vault was to be created, and there is no keyring to keep its key in.
    #[error(
        "cannot keep the vault's key: {0}. Unlock the login keyring and start Concord again, or protect the vault \
         with a passphrase"
    )]
    NoKeyring(KeyError),
    /// The vault's key is in the keyring, and the keyring cannot be read now.
    #[error(
        "the vault is locked: {0}. Unlock the login keyring and start Concord again, or open the vault with its \
         recovery key"
    )]
    KeyringUnreadable(KeyError),
    /// The keyring works and has no key for this vault. No new one was made: it could not open the secrets.
    #[error(
        "the vault is locked: the system keyring holds no key for vault {vault_id}. Log in as the user who created \
         it, or open the vault with its recovery key"
    )]
    KeyMissing {
        /// The vault whose key is gone.
        vault_id: String,
    },
    /// The given key does not open this vault (or its wrapped root key was altered, which looks the same).
    #[error("the vault is locked: {}", wrong_key(.0))]
    WrongKey(WrappedBy),
    /// The vault is protected by the other source than the one that was tried.
    #[error("the vault is locked: it is protected by {}, so open it with that or with its recovery key", .0.noun())]
    OtherSource(KeySource),
    /// A new recovery key is asked of a vault that the old one has opened.
    #[error(
        "the vault was opened with its recovery key; choose a new passphrase first, then make another recovery key"
    )]
    OpenedByRecovery,
    /// A key row that the header speaks of is not there.
    #[error("the vault's {what} is missing from the database; restore the database from a backup")]
    RowMissing {
        /// Which row.
        what: String,
    },
    /// Something stored fails its authentication: altered, moved from another place, or rolled back.
    #[error(
        "{field} was altered outside Concord, or moved from another place, and is not used; enter it again"
    )]
    Tampered {
        /// Where: `table/row/field` of a value, or the name of the vault's own part.
        field: String,
    },
    /// Written by a newer Concord, or not by Concord at all.
    #[error("{what} has format {found}, which this version of Concord does not know; update Concord")]
    UnknownFormat {
        /// What was read.
        what: &'static str,
        /// The version found.
        found: u32,
    },
    /// The stored header is not a header.
    #[error("the vault's header cannot be read ({why}); restore the database from a backup")]
    MalformedHeader {
        /// What is wrong with it.
        why: String,
    },
    /// Parameters of the key derivation that are too weak to accept or too heavy to run.
    #[error(
        "the passphrase's key derivation parameters are refused: {why}. If nobody changed them on purpose, the \
         database was tampered with; restore it from a backup"
    )]
    KdfRefused {
        /// Which parameter, and its limit.
        why: String,
    },
    /// A new passphrase is too short.
    #[error("the passphrase is too short: use at least {minimum} characters")]
    PassphraseTooShort {
        /// The fewest characters accepted.
        minimum: usize,
    },
    /// The recovery key was typed wrong; it was not tried.
    #[error("the recovery key is mistyped: {why}")]
    RecoveryKeyMistyped {
        /// What gave it away.
        why: String,
    },
    /// The operating system's random generator failed.
    #[error("the operating system gave no random numbers ({0}); no key was made")]
    NoRandomness(getrandom::Error),
    /// Encryption or key derivation itself failed; not expected with the sizes that occur here.
    #[error("the vault's {0} failed; nothing was stored")]
    Crypto(&'static str),
}

impl Error {
    /// Whether the vault is sound but could not be opened now, so that the right key would help.
    pub fn is_locked(&self) -> bool {
        matches!(
            self,
            Self::KeyringUnreadable(_) | Self::KeyMissing { .. } | Self::WrongKey(_) | Self::OtherSource(_)
        )
    }
}

fn wrong_key(tried: &WrappedBy) -> &'static str {
    match tried {
        WrappedBy::Passphrase => {
            "the passphrase is wrong. Enter it again, or open the vault with its recovery key"
        }
        WrappedBy::Keyring => {
            "the key in the system keyring belongs to another vault. Open this vault with its recovery key"
        }
        WrappedBy::Recovery => {
            "the recovery key belongs to another vault or has been replaced. Use the newest recovery key of this vault"
        }
        WrappedBy::Root => "its root key does not open its data keys. Restore the database from a backup",
    }
}
