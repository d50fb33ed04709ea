//! `cargo xtask audit`: what comes from others. It needs the network for the advisories, so it is no step of the tests.

use crate::tool::{cargo, run, there_is};

/// Checks `deny.toml`: licences, banned crates, sources, known advisories.
pub fn check() -> Result<(), String> {
    if !there_is("cargo-deny") {
        println!("cargo-deny is not there; it is built now, which takes some minutes.");
        run(&mut cargo(&["install", "cargo-deny", "--locked"]))?;
    }
    run(&mut cargo(&["deny", "check", "bans", "licenses", "sources"]))?;
    println!("Advisories are fetched from the network now.");
    run(&mut cargo(&["deny", "check", "advisories"]))?;
    println!("Passed: licences, bans, sources, advisories.");
    Ok(())
}
