//! From a passphrase to a key: argon2id, with parameters that can be raised but not lowered.

use allocator_api2::{alloc::System, vec::Vec};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use serde::{Deserialize, Serialize};

use crate::aead::{KEY_BYTES, Key};
use crate::{Error, Kek, Result, Secret};

/// The fewest characters a new passphrase may have.
pub const MIN_PASSPHRASE_CHARS: usize = 8;

/// How much work argon2id makes of one guess.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Kdf {
    /// Memory, in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub iterations: u32,
    /// Lanes.
    pub parallelism: u32,
}

impl Default for Kdf {
    /// 64 MiB, three passes, one lane: a fraction of a second on a desktop.
    fn default() -> Self {
        Self { memory_kib: 64 * 1024, iterations: 3, parallelism: 1 }
    }
}

impl Kdf {
    /// The least that is accepted, at creation and from a stored header
    /// (OWASP Password Storage Cheat Sheet: 19 MiB and two passes).
    pub const MINIMUM: Self = Self { memory_kib: 19 * 1024, iterations: 2, parallelism: 1 };
    /// More than this in a stored header would only keep the owner out.
    pub const MAXIMUM: Self = Self { memory_kib: 1024 * 1024, iterations: 64, parallelism: 16 };

    pub(crate) fn check(&self) -> Result<()> {
        let (low, high) = (Self::MINIMUM, Self::MAXIMUM);
        for (name, value, least, most) in [
            ("memory (KiB)", self.memory_kib, low.memory_kib, high.memory_kib),
            ("iterations", self.iterations, low.iterations, high.iterations),
            ("parallelism", self.parallelism, low.parallelism, high.parallelism),
        ] {
            if !(least..=most).contains(&value) {
                return Err(Error::KdfRefused { why: format!("{name} is {value}, not {least} to {most}") });
            }
        }
        Ok(())
    }

    /// Takes the passphrase's bytes as they are: no trimming, no normalisation.
    pub(crate) fn derive(&self, passphrase: &Secret, salt: &[u8]) -> Result<Kek> {
        self.check()?;
        let params = Params::new(self.memory_kib, self.iterations, self.parallelism, Some(KEY_BYTES))
            .map_err(|error| Error::KdfRefused { why: error.to_string() })?;
        let mut key = Key::zero();
        // The programs' own allocator keeps what is freed for a second, and a run that begins meanwhile would need half as
        // much memory again. The system's gives so large a piece back at once.
        let mut memory = Vec::new_in(System);
        memory.resize(params.block_count(), Block::default());
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into_with_memory(
                passphrase.expose().as_bytes(),
                salt,
                key.bytes_mut(),
                memory.as_mut_slice(),
            )
            .map_err(|_| Error::Crypto("key derivation"))?;
        Ok(Kek(key))
    }
}

pub(crate) fn check_length(passphrase: &Secret) -> Result<()> {
    if passphrase.expose().chars().count() < MIN_PASSPHRASE_CHARS {
        return Err(Error::PassphraseTooShort { minimum: MIN_PASSPHRASE_CHARS });
    }
    Ok(())
}
