//! What can go wrong with a remote system, sorted by what a person has to do about it.

use std::time::Duration;

use model::connector_config::ConnectorConfigError;

/// A read that is to go on from a place that its list never gave. The place is not repeated: it may be any text.
pub(crate) const NO_PLACE: &str = "what was given is no place to go on from; start the read again";

/// The kind of trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The configuration is incomplete or wrong.
    Configuration,
    /// The system cannot be reached.
    Unreachable,
    /// The token is missing, wrong or expired beyond refresh: authorize again.
    Unauthorized,
    /// The token lacks a scope or a permission.
    Forbidden,
    /// Too many calls; wait.
    RateLimited,
    /// The system answered something that cannot be trusted: wrong shape, a repeated cursor, a short list.
    Untrusted,
    /// The system refused the request.
    Refused,
    /// The system is in trouble itself (5xx) beyond the retries.
    Unavailable,
    /// The vault could not give or keep a secret.
    Credentials,
    /// The data folder could not be read or written.
    Storage,
    /// Concord cannot do this with this kind of system.
    Unsupported,
}

impl ErrorKind {
    /// Every kind.
    pub const ALL: [Self; 11] = [
        Self::Configuration,
        Self::Unreachable,
        Self::Unauthorized,
        Self::Forbidden,
        Self::RateLimited,
        Self::Untrusted,
        Self::Refused,
        Self::Unavailable,
        Self::Credentials,
        Self::Storage,
        Self::Unsupported,
    ];

    /// The word under which it is kept.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Configuration => "configuration",
            Self::Unreachable => "unreachable",
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::RateLimited => "rateLimited",
            Self::Untrusted => "untrusted",
            Self::Refused => "refused",
            Self::Unavailable => "unavailable",
            Self::Credentials => "credentials",
            Self::Storage => "storage",
            Self::Unsupported => "unsupported",
        }
    }

    /// The kind that a kept word means.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// An error of a connection. The text names the connection, what was wrong and what to do next, and holds no secret.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct ConnectorError {
    /// What kind of trouble.
    pub kind: ErrorKind,
    /// For people.
    pub message: String,
    /// The least time to wait before trying again, where the provider told.
    pub retry_after: Option<Duration>,
}

impl ConnectorError {
    /// An error of this kind. What steers terminals, as quoted words may hold it, becomes blanks.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        let message: String = message.into();
        Self { kind, message: message.replace(char::is_control, " "), retry_after: None }
    }

    /// This kind of system is not supported (yet) for what was asked.
    pub fn unsupported(connector: &str, what: impl std::fmt::Display) -> Self {
        Self::new(
            ErrorKind::Unsupported,
            format!("connector `{connector}`: {what} are not supported by this version of Concord"),
        )
    }
}

impl From<ConnectorConfigError> for ConnectorError {
    fn from(error: ConnectorConfigError) -> Self {
        Self::new(ErrorKind::Configuration, error.to_string())
    }
}
