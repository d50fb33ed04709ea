//! Runs the JavaScript of mappings (transforms, conditions, hooks) in a sandbox: QuickJS with limits on memory, time and
//! stack, and nothing to reach the outside with.
//!
//! Invariants:
//! - A script sees its variables, its `globals`, the language's own objects and a silent `logger` and `console`. No
//!   network, files, timers, modules, Java classes or `openidm`; who asks for one is told what is not there.
//! - One call cannot influence another: variables are parameters of a fresh call, given as copies; the language's objects
//!   are frozen; what a call leaves in the global object is removed after it. Where that cannot be shown (memory or time
//!   ran out, a job was left behind, the global object was tampered with), the whole interpreter is replaced.
//! - Every failure names the mapping, the property and, where the engine knows it, the line.
//! - A call returns JSON of a bounded size or an error; NaN, functions and cycles are errors, never a silent `null`.
//!
//! It must never log a script's values, and must not be entered for what needs no script (a copy, a constant).
//! Numbers are JavaScript's: whole numbers beyond 2^53 lose digits on the way in.

mod absent;
mod engine;
mod error;
mod form;
mod json;
mod runtime;

pub use error::{Owner, Place, ScriptError};
pub use runtime::{Limits, Runtime, Script};
