//! The use cases: what the desktop shell, the command line and (later) the server ask for, as requests and answers.
//!
//! Invariants: every caller goes through here; errors leave as [`ApiError`] with a code and a sentence; no answer
//! holds a secret; nothing here knows a window or a terminal.

pub mod app;
pub mod commands;
pub mod dto;
mod error;

pub use app::{App, AppOptions, Authorizing, AuthorizationCode, Redirect};
pub use error::{ApiError, ErrorCode};
