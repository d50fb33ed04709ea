//! The one error that callers see: a code to act on, a sentence to read.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::dto::PolicyFailure;

/// What a caller may want to tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub enum ErrorCode {
    /// The request or a document in it is wrong.
    Invalid,
    /// No such thing.
    NotFound,
    /// It exists already, or something else stands in the way.
    Conflict,
    /// The revision is not the one in force.
    Stale,
    /// Values that the managed object's policies refuse.
    Policy,
    /// The vault is locked.
    Locked,
    /// The remote system refused the token: authorize again.
    Unauthorized,
    /// The remote system could not be reached or is in trouble.
    Remote,
    /// The repository could not be read or written (disk full, damaged, newer than this program).
    Storage,
    /// Anything else.
    Internal,
}

/// An error at the edge.
#[derive(Debug, Clone, PartialEq, thiserror::Error, Serialize, Deserialize, TS)]
#[error("{message}")]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct ApiError {
    /// What kind.
    pub code: ErrorCode,
    /// What was wrong with what, and what to do next. Holds no secret.
    pub message: String,
    /// The field at fault, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub field: Option<String>,
    /// Seconds to wait before trying again, where known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub retry_after: Option<u64>,
    /// Every policy that is not met, when the code is `policy`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<PolicyFailure>,
}

impl ApiError {
    /// An error of this kind.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), field: None, retry_after: None, policies: Vec::new() }
    }
}
