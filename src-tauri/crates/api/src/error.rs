//! The one error that callers see: a code to act on, a sentence to read.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{dto::PolicyFailure, managed_objects::policy_failure};

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
    /// Somebody decided that this is not to be done here.
    Forbidden,
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
    /// What helps in a terminal and nowhere else: a command. It is no part of the message and goes to no screen.
    #[serde(skip)]
    #[ts(skip)]
    pub hint: Option<String>,
    /// Every policy that is not met, when the code is `policy`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<PolicyFailure>,
}

impl ApiError {
    /// An error of this kind.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            field: None,
            retry_after: None,
            hint: None,
            policies: Vec::new(),
        }
    }

    /// The same about a field of the form that asked.
    pub fn about(self, field: impl Into<String>) -> Self {
        Self { field: Some(field.into()), ..self }
    }

    /// The same with what helps in a terminal.
    pub fn with_hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}

impl From<store::StoreError> for ApiError {
    fn from(error: store::StoreError) -> Self {
        let code = match error.kind {
            store::ErrorKind::NotFound => ErrorCode::NotFound,
            store::ErrorKind::Stale => ErrorCode::Stale,
            store::ErrorKind::Unique | store::ErrorKind::Busy => ErrorCode::Conflict,
            _ => ErrorCode::Storage,
        };
        Self::new(code, error.to_string())
    }
}

impl From<connector::ConnectorError> for ApiError {
    fn from(error: connector::ConnectorError) -> Self {
        use connector::ErrorKind;
        let code = match error.kind {
            ErrorKind::Configuration | ErrorKind::Unsupported => ErrorCode::Invalid,
            ErrorKind::Unauthorized => ErrorCode::Unauthorized,
            ErrorKind::Credentials => ErrorCode::Locked,
            ErrorKind::Storage => ErrorCode::Storage,
            _ => ErrorCode::Remote,
        };
        let mut this = Self::new(code, error.to_string());
        this.retry_after = error.retry_after.map(|d| d.as_secs());
        this
    }
}

impl From<engine::EngineError> for ApiError {
    fn from(error: engine::EngineError) -> Self {
        use engine::EngineError;
        match error {
            EngineError::Store(error) => error.into(),
            EngineError::Remote(error) => error.into(),
            EngineError::Config(message) => Self::new(ErrorCode::Invalid, message),
            EngineError::NotFound(message) => Self::new(ErrorCode::NotFound, message),
            EngineError::Busy(message) | EngineError::Conflict(message) => {
                Self::new(ErrorCode::Conflict, message)
            }
            EngineError::Locked(message) => Self::new(ErrorCode::Locked, message),
            EngineError::Hinted(error, hint) => Self::from(*error).with_hint(hint),
            EngineError::Canceled => Self::new(ErrorCode::Conflict, "canceled"),
            EngineError::Policy(violations) => {
                let mut this =
                    Self::new(ErrorCode::Policy, EngineError::Policy(violations.clone()).to_string());
                this.field = violations.first().map(|v| v.property.clone());
                this.policies = violations.into_iter().map(policy_failure).collect();
                this
            }
        }
    }
}

impl From<model::connector_config::ConnectorConfigError> for ApiError {
    fn from(error: model::connector_config::ConnectorConfigError) -> Self {
        let this = Self::new(ErrorCode::Invalid, error.to_string());
        match error {
            model::connector_config::ConnectorConfigError::Name(_) => this.about("name"),
            _ => this,
        }
    }
}

impl From<model::mapping_config::MappingConfigError> for ApiError {
    fn from(error: model::mapping_config::MappingConfigError) -> Self {
        Self::new(ErrorCode::Invalid, error.to_string())
    }
}
