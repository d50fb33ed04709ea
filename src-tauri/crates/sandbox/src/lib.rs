//! Stateful stand-ins for the remote systems that Concord connects to.
//!
//! People use them for first steps without an account, tests use them in place of the real thing, and
//! the providers' own client libraries are run against them to prove that they answer as the real thing does.
//!
//! Invariants:
//! - A stand-in follows the provider's published behaviour, never the habits of our own connectors. This crate
//!   depends on no other crate of the workspace.
//! - Only a loopback listener is accepted, and only requests whose `Host` names the loopback are answered.
//! - All seeded data is fictional and depends on the seed alone.
//! - Every fault that a test can ask for is listed in [`faults`]; without faults a stand-in never misbehaves.
//!
//! It must never be given a real credential or hold a real person's data: its state file is plain JSON.

pub mod calls;
pub mod faults;
pub mod hubspot;
pub mod limits;
pub mod salesforce;

mod answer;
mod bend;
mod clock;
mod consent;
mod dice;
mod frame;
mod html;
mod net;
mod request;
mod values;
