//! The UI's TypeScript types: ts-rs writes them from the Rust types while tests of the `api` crate run.

use crate::tool::{ask, cargo, run, tool};

const FOLDER: &str = "ui/src/backend/bindings";

/// Writes them anew.
pub fn write() -> Result<(), String> {
    // Only this package: its types are wanted before the UI can be built, and the desktop shell needs a built UI.
    generate("--package=api")?;
    println!("Passed: the types in {FOLDER} are those of the Rust code.");
    Ok(())
}

/// Writes them anew and fails if that changed anything.
pub fn check() -> Result<(), String> {
    // The whole workspace, because features unify as in the other steps and nothing has to be built again.
    generate("--workspace")?;
    let changed = ask(&mut tool("git", &["status", "--porcelain", "--", FOLDER]))
        .ok_or("git cannot say whether the types changed; run this in a checkout of the repository.")?;
    if changed.trim().is_empty() {
        return Ok(());
    }
    Err(format!(
        "The committed types are not those of the Rust code. Commit what `cargo xtask bindings` writes:\n{}",
        changed.trim_end()
    ))
}

fn generate(packages: &str) -> Result<(), String> {
    run(&mut cargo(&["test", "--quiet", packages, "--lib", "export_bindings"]))
}
