//! The operating system's keyring: Secret Service on Linux, Keychain on macOS, Credential Manager on Windows.

use std::sync::mpsc;
use std::time::Duration;

use zeroize::Zeroizing;

use crate::{Kek, KekStore, KeyError, Result};

/// Entries are filed under the application's identifier, with the vault's id as the user.
const SERVICE: &str = "org.concord.Concord";
/// Long enough to type a keyring's password, short enough that a headless machine is not taken for a hung program.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Keeps keys in the operating system's keyring.
///
/// A locked keyring asks the user for its password and blocks until that is answered, so every call runs on a thread
/// of its own and is abandoned after a time limit. The connection to the keyring is made once per process: if there
/// was none at the first call, Concord has to be started again.
#[derive(Debug, Clone)]
pub struct Keyring {
    timeout: Duration,
}

impl Default for Keyring {
    fn default() -> Self {
        Self { timeout: TIMEOUT }
    }
}

impl Keyring {
    /// A keyring that is given up after `timeout` instead of 20 s.
    pub fn with_timeout(timeout: Duration) -> Self {
        Self { timeout }
    }

    fn ask<T: Send + 'static>(
        &self,
        vault_id: &str,
        question: impl FnOnce(&keyring::Entry) -> keyring::Result<T> + Send + 'static,
    ) -> Result<T, KeyError> {
        let vault_id = vault_id.to_owned();
        within(self.timeout, move || {
            if let Err(why) = keyring::Entry::store_status() {
                return Err(KeyError::Unavailable(describe(why)));
            }
            let entry = keyring::Entry::new(SERVICE, &vault_id).map_err(|error| key_error(&error))?;
            question(&entry).map_err(|error| key_error(&error))
        })
    }
}

impl KekStore for Keyring {
    fn load(&self, vault_id: &str) -> Result<Option<Kek>, KeyError> {
        let text = self.ask(vault_id, |entry| match entry.get_password() {
            Ok(text) => Ok(Some(Zeroizing::new(text))),
            Err(keyring::Error::NoEntry) => Ok(None),
            Err(error) => Err(error),
        })?;
        text.map(|text| Kek::from_base64(&text)).transpose()
    }

    fn save(&self, vault_id: &str, kek: &Kek) -> Result<(), KeyError> {
        let text = kek.to_base64();
        self.ask(vault_id, move |entry| entry.set_password(&text))
    }

    fn delete(&self, vault_id: &str) -> Result<(), KeyError> {
        self.ask(vault_id, |entry| match entry.delete_credential() {
            Err(keyring::Error::NoEntry) => Ok(()),
            other => other,
        })
    }
}

/// Runs `work` on a thread of its own. After `timeout` the thread is left to itself and its answer is dropped.
fn within<T: Send + 'static>(
    timeout: Duration,
    work: impl FnOnce() -> Result<T, KeyError> + Send + 'static,
) -> Result<T, KeyError> {
    let (answer, answers) = mpsc::sync_channel(1);
    std::thread::Builder::new()
        .name("keyring".into())
        .spawn(move || {
            // Nobody listens any more after the time limit, and then there is nobody to tell.
            let _ = answer.send(work());
        })
        .map_err(|error| KeyError::Unavailable(error.to_string()))?;
    match answers.recv_timeout(timeout) {
        Ok(answer) => answer,
        Err(mpsc::RecvTimeoutError::Timeout) => Err(KeyError::TimedOut { seconds: timeout.as_secs() }),
        Err(mpsc::RecvTimeoutError::Disconnected) => {
            Err(KeyError::Unavailable("its client stopped unexpectedly".into()))
        }
    }
}

fn key_error(error: &keyring::Error) -> KeyError {
    match error {
        keyring::Error::NoDefaultStore | keyring::Error::PlatformFailure(_) => {
            KeyError::Unavailable(describe(error))
        }
        keyring::Error::BadEncoding(_) => KeyError::Malformed("not text"),
        keyring::Error::BadDataFormat(..) => KeyError::Malformed("not in the keyring's own format"),
        keyring::Error::Ambiguous(_) => KeyError::Malformed("there is more than one"),
        _ => KeyError::NoAccess(describe(error)),
    }
}

/// The keyring's words. Variants that carry an entry's content are not printed.
fn describe(error: &keyring::Error) -> String {
    match error {
        keyring::Error::BadEncoding(_)
        | keyring::Error::BadDataFormat(..)
        | keyring::Error::Ambiguous(_)
        | keyring::Error::NoEntry => "unexpected content".into(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keyring_that_never_answers_is_given_up() {
        let (_never_answered, prompt) = mpsc::channel::<()>();
        let result = within(Duration::from_millis(10), move || {
            let _ = prompt.recv();
            Ok(())
        });
        assert_eq!(result, Err(KeyError::TimedOut { seconds: 0 }));
    }

    #[test]
    fn a_crash_inside_the_keyring_client_is_an_error() {
        let result: Result<(), _> = within(Duration::from_secs(5), || panic!("client bug"));
        assert!(matches!(result, Err(KeyError::Unavailable(_))), "{result:?}");
    }

    #[test]
    fn an_entrys_content_is_never_part_of_an_error() {
        let content = b"canary".to_vec();
        for error in [
            keyring::Error::BadEncoding(content.clone()),
            keyring::Error::BadDataFormat(content, "canary".into()),
        ] {
            let text = format!("{:?} {}", key_error(&error), describe(&error));
            assert!(!text.contains("canary") && !text.contains("99, 97"), "{text}");
        }
    }
}
