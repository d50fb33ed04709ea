//! Where a script stands and how it failed.

use std::fmt;

/// Whose script it is, by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// A mapping.
    Mapping(String),
    /// A connector.
    Connector(String),
}

/// Where a script stands in the configuration; the beginning of every error's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Whose it is.
    pub owner: Owner,
    /// The target property whose script it is, if it belongs to one; a connector's script has its id here.
    pub property: Option<String>,
    /// What the script is for: `transform`, `condition`, `onCreate`, ...
    pub hook: &'static str,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.owner, &self.property) {
            (Owner::Mapping(name), None) => write!(f, "mapping {name} ({})", self.hook),
            (Owner::Mapping(name), Some(property)) => {
                write!(f, "mapping {name}, property {property} ({})", self.hook)
            }
            (Owner::Connector(name), id) => {
                write!(f, "connector {name}, script {}", id.as_deref().unwrap_or(self.hook))
            }
        }
    }
}

/// Why a script gave no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScriptError {
    /// The text is not JavaScript.
    #[error("{place}{}: {message}", at(.line))]
    Syntax {
        /// The script.
        place: Place,
        /// The line in the script, from 1.
        line: Option<u32>,
        /// The engine's words.
        message: String,
    },
    /// It threw, or the engine threw for it.
    #[error("{place}{}: {message}", at(.line))]
    Threw {
        /// The script.
        place: Place,
        /// The line in the script, from 1; not known when something else than an `Error` was thrown.
        line: Option<u32>,
        /// `TypeError: ...`, or what was thrown.
        message: String,
    },
    /// It ran longer than it may.
    #[error("{place}{}: it ran longer than {limit_ms} ms and was stopped; look for a loop that does not end", near(.line))]
    TimedOut {
        /// The script.
        place: Place,
        /// The last line before the place where it was stopped that the engine has a note of; a bare loop has none.
        line: Option<u32>,
        /// The limit.
        limit_ms: u128,
    },
    /// It used more memory than it may.
    #[error("{place}{}: it used more than {} MiB and was stopped; look for a text or list that grows", near(.line), .limit_bytes >> 20)]
    OutOfMemory {
        /// The script.
        place: Place,
        /// The last line before the place where it was stopped that the engine has a note of; a bare loop has none.
        line: Option<u32>,
        /// The limit.
        limit_bytes: usize,
    },
    /// Its value, or a variable it changed, is longer than any attribute can be.
    #[error("{place}: it gave {} KiB, and at most {} are taken; look for a text or list that grows", .bytes >> 10, .limit_bytes >> 10)]
    TooLong {
        /// The script.
        place: Place,
        /// How much it gave.
        bytes: usize,
        /// The limit.
        limit_bytes: usize,
    },
    /// Its value, or a variable it changed, cannot be stored as JSON.
    #[error(
        "{place}: it gave {what}, which is not a JSON value; return a text, number, true or false, null, list or object"
    )]
    NotJson {
        /// The script.
        place: Place,
        /// What it was.
        what: String,
    },
    /// The interpreter itself could not be started.
    #[error("the script interpreter cannot start: {message}")]
    Start {
        /// The engine's words.
        message: String,
    },
}

fn at(line: &Option<u32>) -> String {
    line.map(|line| format!(", line {line}")).unwrap_or_default()
}

fn near(line: &Option<u32>) -> String {
    line.map(|line| format!(", near line {line}")).unwrap_or_default()
}
