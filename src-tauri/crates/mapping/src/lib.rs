//! The rules of synchronisation as pure functions: what situation a record is in, what is done about it, which
//! attributes change and why.
//!
//! Invariants: no I/O, no async, no clock, no randomness. Scripts run behind the [`Interpreter`] trait. Nothing here
//! fails a run: a record that cannot be judged gives a [`Problem`] with its reason, and the caller goes on with the next.

pub mod assess;
pub mod canonical;
mod compiled;
mod conflict;
mod correlation;
mod date;
mod decision;
mod hooks;
mod phone;
mod properties;
mod qualifiers;
pub mod trace;
mod transform;

pub use compiled::{
    CompileError, DEFAULT_QUALIFIER, Interpreter, Mapping, NoScripts, Place, Problem, ScriptId, Validity,
};
pub use conflict::{Conflict, Since};
pub use correlation::{Correlation, Query};
pub use decision::{Decided, Decision};
pub use hooks::Hook;
pub use properties::{AttributeChange, Base, Evaluation, Newer, Occasion};
pub use trace::Trace;
