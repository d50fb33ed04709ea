//! The rules of the house, held by tests: who may depend on whom, and what no file may contain.

#![allow(clippy::unwrap_used, reason = "a test that cannot read the project has failed")]

mod edges;
mod faults;
mod others;
mod sources;
mod threats;
mod words;
