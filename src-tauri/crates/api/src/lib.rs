//! The use cases: what the desktop shell, the command line and (later) the server ask for, as requests and answers.
//!
//! Invariants: every caller goes through here; errors leave as [`ApiError`] with a code and a sentence; no answer
//! holds a secret; nothing here knows a window or a terminal.

pub mod app;
pub mod commands;
mod connectors;
mod consent;
pub mod dto;
mod error;
mod mapping_lab;
mod mapping_templates;
mod mappings;
mod pool;
mod runs;
mod samples;
mod users;
mod vaulting;

pub use app::{App, AppOptions};
pub use consent::{AuthorizationCode, Authorizing, Redirect};
pub use error::{ApiError, ErrorCode};
pub use users::rest_object;
