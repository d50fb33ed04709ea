//! The type that a token, a password or a passphrase travels in.

use std::fmt;

use zeroize::Zeroizing;

/// A secret text: wiped on drop, printed as `Secret(redacted)`, impossible to serialise by accident.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes over `text` without copying it.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text itself. Name every use: it must not reach a log, an error or a screen.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether there is nothing in it, which for most forms means "not given".
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(redacted)")
    }
}
