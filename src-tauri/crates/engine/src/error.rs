//! Why something could not be done at all (a record that fails is not one of these: it is an entry).

use connector::ConnectorError;
use store::StoreError;

use crate::remedy::Remedy;

/// An error of the engine, in words.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// A configuration is wrong or missing.
    #[error("{0}")]
    Config(String),
    /// There is no such thing.
    #[error("{0}")]
    NotFound(String),
    /// Something else is under way.
    #[error("{0}")]
    Busy(String),
    /// Something stands in the way of what was asked: another link, another situation.
    #[error("{0}")]
    Conflict(String),
    /// The vault is locked.
    #[error("{0}")]
    Locked(String),
    /// A managed object's policies refuse the values.
    #[error("{}", policy_text(.0))]
    Policy(Vec<model::policy::Violation>),
    /// One of the others, with what helps in a terminal and nowhere else.
    #[error("{0}")]
    Hinted(Box<EngineError>, String),
    /// A person stopped it.
    #[error("canceled")]
    Canceled,
    /// The repository failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A remote system failed.
    #[error(transparent)]
    Remote(#[from] ConnectorError),
}

impl EngineError {
    /// A configuration error.
    pub fn config(message: impl Into<String>) -> Self {
        Self::Config(message.into())
    }

    /// The same with what helps in a terminal.
    pub fn with_hint(self, hint: impl Into<String>) -> Self {
        Self::Hinted(Box::new(self), hint.into())
    }
}

impl From<model::mapping_config::MappingConfigError> for EngineError {
    fn from(error: model::mapping_config::MappingConfigError) -> Self {
        Self::Config(error.to_string())
    }
}

impl From<mapping::CompileError> for EngineError {
    fn from(error: mapping::CompileError) -> Self {
        Self::Config(error.to_string())
    }
}

/// What to do about a record that policies refuse.
pub(crate) fn policy_remedy(violations: &[model::policy::Violation]) -> Option<Remedy> {
    violations.first().map(|violation| Remedy::MeetPolicy(violation.property.clone()))
}

pub(crate) fn policy_text(violations: &[model::policy::Violation]) -> String {
    let texts: Vec<&str> = violations.iter().map(|v| v.message.as_str()).collect();
    format!("policy validation failed: {}", texts.join("; "))
}
