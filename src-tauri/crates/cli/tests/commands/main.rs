//! The real `concord` binary in data folders of its own, against a sandbox in this process.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on ends there")]

mod api_token;
mod claims;
mod connector;
mod demo;
mod house;
mod idm;
mod manual;
mod mapping;
mod queue;
mod recon;
mod run;
mod sandbox_command;
mod schedule;
mod scim_token;
mod serve;
mod troubles;
mod user;
mod vault;
