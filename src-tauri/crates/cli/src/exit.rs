//! How a command ends.

use std::process::ExitCode;

use api::{ApiError, ErrorCode};

/// The exit codes. Scripts rely on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Everything is done.
    Done = 0,
    /// It could not be done.
    Error = 1,
    /// The command line makes no sense. Also what clap gives for one that it cannot read.
    Usage = 2,
    /// Done, but some records or targets failed.
    SomeFailed = 3,
    /// A guard held the run before its first write.
    Held = 4,
    /// The vault is locked.
    Locked = 5,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}

/// Why a command could not be done.
#[derive(Debug)]
pub enum Failure {
    /// A use case was refused.
    Refused(ApiError),
    /// Something of the terminal's side: a file, a folder, a signal.
    Told(Exit, String),
    /// Nobody reads the output any more, as when it goes to `head`.
    NobodyReads,
}

impl Failure {
    /// An error in words.
    pub fn error(message: impl Into<String>) -> Self {
        Self::Told(Exit::Error, message.into())
    }

    /// The exit code.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Refused(ApiError { code: ErrorCode::Locked, .. }) => Exit::Locked,
            Self::Refused(_) => Exit::Error,
            Self::Told(exit, _) => *exit,
            Self::NobodyReads => Exit::Done,
        }
    }

    /// The sentence for stderr, and below it one line for each policy that is not met.
    pub fn lines(&self) -> Vec<String> {
        match self {
            Self::Refused(error) if error.policies.len() > 1 => {
                let count = error.policies.len();
                let rows = error.policies.iter().map(|p| format!("  {}: {}", p.property, p.message));
                std::iter::once(format!("{count} policies are not met")).chain(rows).collect()
            }
            Self::Refused(error) => vec![error.message.clone()],
            Self::Told(_, message) => vec![message.clone()],
            Self::NobodyReads => Vec::new(),
        }
    }
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        Self::Refused(error)
    }
}

#[cfg(test)]
mod tests {
    use api::dto::PolicyFailure;

    use super::*;

    #[test]
    fn every_code_has_its_exit() {
        for (code, exit) in [
            (ErrorCode::Invalid, Exit::Error),
            (ErrorCode::NotFound, Exit::Error),
            (ErrorCode::Storage, Exit::Error),
            (ErrorCode::Unauthorized, Exit::Error),
            (ErrorCode::Locked, Exit::Locked),
        ] {
            assert_eq!(Failure::from(ApiError::new(code, "m")).exit(), exit, "{code:?}");
        }
        assert_eq!(Failure::NobodyReads.exit(), Exit::Done);
    }

    #[test]
    fn each_policy_is_told() {
        let mut error = ApiError::new(ErrorCode::Policy, "mail is required; sn is required");
        for property in ["mail", "sn"] {
            error.policies.push(PolicyFailure {
                property: property.into(),
                policy: "REQUIRED".into(),
                params: None,
                message: "is required".into(),
            });
        }
        let lines = Failure::from(error).lines();
        assert_eq!(lines, ["2 policies are not met", "  mail: is required", "  sn: is required"]);
    }
}
