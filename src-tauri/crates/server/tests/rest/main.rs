//! The real server on a port of its own, over a fresh data folder and the HubSpot sandbox, asked by a plain HTTP client.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a broken set-up may end a test")]
#![allow(clippy::disallowed_methods, reason = "how long an answer takes is what some of these are about")]

mod arriving;
mod busy;
mod config;
mod door;
mod house;
mod managed;
mod recon;
mod switch;
mod system;
mod tokens;
