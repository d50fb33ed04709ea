//! Passwords with which somebody signs in here: generated with full strength, kept as argon2id hashes.

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher, PasswordVerifier},
};

use crate::{Error, Kdf, Result, Secret};

/// Letters and digits that nobody takes for another one.
const ALPHABET: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz023456789";
/// 32 of 32 characters: 160 bits.
const LENGTH: usize = 32;

/// A password of 160 random bits.
pub fn random_password() -> Result<Secret> {
    let mut bytes = [0_u8; LENGTH];
    getrandom::fill(&mut bytes).map_err(|_| Error::Crypto("random numbers"))?;
    Ok(Secret::new(
        bytes
            .iter()
            .filter_map(|byte| ALPHABET.get(usize::from(byte % 32)).copied().map(char::from))
            .collect::<String>(),
    ))
}

/// The argon2id hash of a password with a salt of its own, in PHC's text form. Takes tens of milliseconds on purpose.
pub fn hash_password(password: &Secret) -> Result<String> {
    let kdf = Kdf::MINIMUM;
    let params = Params::new(kdf.memory_kib, kdf.iterations, kdf.parallelism, None)
        .map_err(|error| Error::KdfRefused { why: error.to_string() })?;
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password(password.expose().as_bytes())
        .map(|hash| hash.to_string())
        .map_err(|_| Error::Crypto("password hashing"))
}

/// Whether a password is the one of a hash, compared in constant time. A hash that cannot be read is nobody's.
pub fn password_matches(hash: &str, password: &Secret) -> bool {
    Argon2::default().verify_password(password.expose().as_bytes(), hash).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_knows_its_password_and_no_other() {
        let password = random_password().unwrap();
        assert_eq!(password.expose().len(), LENGTH);
        assert_ne!(random_password().unwrap().expose(), password.expose());
        let hash = hash_password(&password).unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert_ne!(hash_password(&password).unwrap(), hash, "each hash has a salt of its own");
        assert!(password_matches(&hash, &password));
        for (hash, wrong) in
            [(hash.as_str(), "openidm-admin"), (hash.as_str(), ""), ("", ""), ("$argon2id$", "x")]
        {
            assert!(!password_matches(hash, &Secret::new(wrong)), "{hash} {wrong}");
        }
    }
}
