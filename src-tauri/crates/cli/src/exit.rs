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

impl Exit {
    /// The exit code of what is done already, whether or not anybody reads what was printed of it: a run that is held stays
    /// held when its reader has seen enough. `what` says what was done, for where it could not be printed.
    pub fn however_read(self, printed: Result<(), Failure>, what: &str) -> Result<Self, Failure> {
        match printed {
            Ok(()) | Err(Failure::NobodyReads) => Ok(self),
            Err(Failure::Told(exit, why)) => {
                let exit = if self == Self::Done { exit } else { self };
                Err(Failure::Told(exit, format!("{why}; {what}")))
            }
            refused @ Err(Failure::Refused(_)) => refused.map(|()| self),
        }
    }
}

/// How a command is told what opens the vault.
pub const PASSPHRASE_HINT: &str =
    "CONCORD_PASSPHRASE gives a command the vault's passphrase, or its recovery key";

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

    /// The sentence for stderr, with what helps in a terminal, and below it one line for each policy that is not met.
    pub fn lines(&self) -> Vec<String> {
        match self {
            Self::Refused(error) if error.policies.len() > 1 => {
                let count = error.policies.len();
                let rows = error.policies.iter().map(|p| format!("  {}: {}", p.property, p.message));
                std::iter::once(format!("{count} policies are not met")).chain(rows).collect()
            }
            Self::Refused(error) => {
                let locked = (error.code == ErrorCode::Locked).then_some(PASSPHRASE_HINT);
                vec![match error.hint.as_deref().or(locked) {
                    Some(hint) => format!("{}; {hint}", error.message),
                    None => error.message.clone(),
                }]
            }
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
    fn what_was_done_ends_alike_whoever_reads() {
        for exit in [Exit::Done, Exit::Held, Exit::SomeFailed, Exit::Error] {
            assert_eq!(exit.however_read(Ok(()), "").unwrap(), exit);
            assert_eq!(exit.however_read(Err(Failure::NobodyReads), "").unwrap(), exit);
        }
        let full = || Err(Failure::error("stdout is full"));
        let told = Exit::Held.however_read(full(), "run r1 is held").unwrap_err();
        assert_eq!(
            (told.exit(), told.lines()),
            (Exit::Held, vec!["stdout is full; run r1 is held".to_owned()])
        );
        assert_eq!(Exit::Done.however_read(full(), "done").unwrap_err().exit(), Exit::Error);
    }

    #[test]
    fn what_helps_in_a_terminal_stands_behind_the_message() {
        let gone = ApiError::new(ErrorCode::NotFound, "there is no run `r1`");
        assert_eq!(Failure::from(gone.clone()).lines(), ["there is no run `r1`"]);
        let hinted = gone.with_hint("`concord run list` shows the runs");
        assert_eq!(
            Failure::from(hinted).lines(),
            ["there is no run `r1`; `concord run list` shows the runs"]
        );
        let locked = Failure::from(ApiError::new(ErrorCode::Locked, "the vault is locked")).lines();
        assert_eq!(locked, [format!("the vault is locked; {PASSPHRASE_HINT}")]);
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
