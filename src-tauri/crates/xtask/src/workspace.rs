//! Where things are in this workspace.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::tool::{ask, cargo, line};

/// The folder of the workspace.
pub fn root() -> &'static Path {
    // Three folders up from this crate, which is src-tauri/crates/xtask.
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(3).unwrap_or(here)
}

/// A path as seen from the workspace.
pub fn short(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

/// A program in a folder, by its name on this system.
pub fn program(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
}

/// What cargo knows about the workspace's own packages.
pub struct Workspace(Value);

impl Workspace {
    /// Asks cargo.
    pub fn read() -> Result<Self, String> {
        let mut command = cargo(&["metadata", "--no-deps", "--format-version", "1"]);
        let text =
            ask(&mut command).ok_or_else(|| format!("`{}` failed; run it to see why.", line(&command)))?;
        serde_json::from_str(&text)
            .map(Self)
            .map_err(|problem| format!("cargo's metadata cannot be read: {problem}."))
    }

    /// Where the programs are that a plain `cargo build` makes.
    pub fn programs(&self) -> PathBuf {
        let target = self.0.get("target_directory").and_then(Value::as_str).unwrap_or("target");
        Path::new(target).join("debug")
    }

    /// Where the programs are that `cargo build --release` makes.
    pub fn released(&self) -> PathBuf {
        self.programs().with_file_name("release")
    }

    /// The names of the test programs (`[[test]]` and `tests/*.rs`) of all packages, each once.
    pub fn test_programs(&self) -> Vec<String> {
        let list = |value: &Value, name: &str| {
            value.get(name).and_then(Value::as_array).cloned().unwrap_or_default()
        };
        let mut names: Vec<String> = list(&self.0, "packages")
            .iter()
            .flat_map(|package| list(package, "targets"))
            .filter(|target| list(target, "kind").iter().any(|kind| kind == "test"))
            .filter_map(|target| target.get("name").and_then(Value::as_str).map(str::to_owned))
            .collect();
        names.sort();
        names.dedup();
        names
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_root_is_where_the_lock_file_is() {
        assert!(root().join("Cargo.lock").is_file());
    }

    #[test]
    fn test_programs_are_those_of_all_packages() {
        let target = |name: &str, kind: &str| json!({ "name": name, "kind": [kind] });
        let workspace = Workspace(json!({
            "target_directory": "/t",
            "packages": [
                { "targets": [target("a", "lib"), target("reads", "test")] },
                { "targets": [target("b", "bin"), target("desktop", "test"), target("reads", "test")] },
            ],
        }));
        assert_eq!(workspace.test_programs(), ["desktop", "reads"]);
        assert_eq!(workspace.programs(), Path::new("/t/debug"));
    }
}
