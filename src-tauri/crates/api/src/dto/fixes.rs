//! What would mend something, told so that a screen can offer the button that does it.

use connector::ErrorKind;
use engine::Remedy;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What would mend a record that failed or waits: the kind of its remedy, and what that is about. The sentence stands beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "camelCase")]
#[ts(export)]
// The engine's remedies, whose comments say what they mean.
#[allow(missing_docs)]
pub enum Fix {
    RunAgain,
    RunAgainForMissing,
    RunAgainInDoubt,
    RunAgainAfter { seconds: u32 },
    ClearFailures,
    Authorize,
    CorrectAttribute { attribute: String },
    MeetPolicy { attribute: String },
    CorrectMapping,
    PolicyForExisting { situation: String },
    PolicyForAbsent { situation: String },
    Policy { situation: String },
    PolicyForMissing,
    PolicyForSourceMissing,
    PolicyForUnassigned,
    LinkByHand,
    LinkToMatch,
    RemoveLink,
    RemoveLinkOrKey,
    DecideConflict,
    DecideOther,
}

impl From<Remedy> for Fix {
    fn from(remedy: Remedy) -> Self {
        match remedy {
            Remedy::RunAgain => Self::RunAgain,
            Remedy::RunAgainForMissing => Self::RunAgainForMissing,
            Remedy::RunAgainInDoubt => Self::RunAgainInDoubt,
            Remedy::RunAgainAfter(seconds) => {
                Self::RunAgainAfter { seconds: u32::try_from(seconds).unwrap_or(u32::MAX) }
            }
            Remedy::ClearFailures => Self::ClearFailures,
            Remedy::Authorize => Self::Authorize,
            Remedy::CorrectAttribute(attribute) => Self::CorrectAttribute { attribute },
            Remedy::MeetPolicy(attribute) => Self::MeetPolicy { attribute },
            Remedy::CorrectMapping => Self::CorrectMapping,
            Remedy::PolicyForExisting(s) => Self::PolicyForExisting { situation: s.to_string() },
            Remedy::PolicyForAbsent(s) => Self::PolicyForAbsent { situation: s.to_string() },
            Remedy::Policy(s) => Self::Policy { situation: s.to_string() },
            Remedy::PolicyForMissing => Self::PolicyForMissing,
            Remedy::PolicyForSourceMissing => Self::PolicyForSourceMissing,
            Remedy::PolicyForUnassigned => Self::PolicyForUnassigned,
            Remedy::LinkByHand => Self::LinkByHand,
            Remedy::LinkToMatch => Self::LinkToMatch,
            Remedy::RemoveLink => Self::RemoveLink,
            Remedy::RemoveLinkOrKey => Self::RemoveLinkOrKey,
            Remedy::DecideConflict => Self::DecideConflict,
            Remedy::DecideOther => Self::DecideOther,
        }
    }
}

impl Fix {
    /// The fix that a stored remedy names.
    pub(crate) fn read(remedy: Option<&str>) -> Option<Self> {
        remedy.and_then(Remedy::read).map(Self::from)
    }

    /// What a message says besides the remedy with which it ends, and that remedy.
    pub(crate) fn apart(message: Option<String>) -> (Option<String>, Option<Self>) {
        let Some(message) = message else { return (None, None) };
        match Remedy::apart(&message) {
            Some((said, remedy)) => (Some(said.to_owned()), Some(remedy.into())),
            None => (Some(message), None),
        }
    }
}

words! {
    /// What a person has to do about a system that makes trouble.
    pub enum Trouble {
        /// Give consent again, or enter a valid key.
        Authorize,
        /// Give the token another scope or permission at the provider.
        Permission,
        /// Correct a setting.
        Settings,
        /// Look whether it can be reached, then try again.
        Reach,
        /// Wait.
        Wait,
        /// Unlock the vault.
        Vault,
        /// What the sentence says.
        Other,
    }
}

impl Trouble {
    pub(crate) fn of(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::Unauthorized => Self::Authorize,
            ErrorKind::Forbidden => Self::Permission,
            ErrorKind::Configuration | ErrorKind::Unsupported => Self::Settings,
            ErrorKind::Unreachable | ErrorKind::Unavailable => Self::Reach,
            ErrorKind::RateLimited => Self::Wait,
            ErrorKind::Credentials => Self::Vault,
            ErrorKind::Untrusted | ErrorKind::Refused | ErrorKind::Storage => Self::Other,
        }
    }

    /// The trouble that a kept word means.
    pub(crate) fn read(word: Option<&str>) -> Option<Self> {
        word.and_then(ErrorKind::parse).map(Self::of)
    }
}
