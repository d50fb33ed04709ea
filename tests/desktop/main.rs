//! The real application under Xvfb, driven by WebDriver: the story of a first day, and consent in the embedded window.
//!
//! Each test has a desktop of its own. Build the application first: `(cd ui && npm ci && npm run build) && cargo build
//! -p concord-desktop`.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod consent;
mod first_day;
mod notifications;
mod picture;
mod screen;
mod window;
