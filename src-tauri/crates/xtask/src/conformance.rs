//! Others' clients against our sandboxes: the scripts below `tests/conformance`, a folder for each provider.
//!
//! A folder holds `client.py` with its `requirements.txt`, `client.mjs` with its `package.json` and lock file, or both. A
//! script starts the sandbox that it needs, prints `ok NAME` or `FAILED NAME: reason` for each check, and a sum at its
//! end; `tests/conformance/checks.py` and `checks.mjs` do that for it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    counts::Teller,
    node, python,
    suite::Done,
    tool::{tool, watch},
    workspace::{Workspace, program, root, short},
};

/// Installs what the clients of every provider need, and runs their scripts.
pub fn run(workspace: &Workspace) -> Done {
    let folder = root().join("tests/conformance");
    let providers = match providers(&folder) {
        Ok(providers) => providers,
        Err(problem) => return Done::failed(problem),
    };
    let concord = program(&workspace.programs(), "concord");
    let mut all = Done::default();
    for provider in providers {
        match scripts(&provider, &workspace.programs()) {
            Ok(commands) => {
                for mut command in commands {
                    all = all.and(checked(command.env("CONCORD_BIN", &concord)));
                }
            }
            Err(problem) => all = all.and(Done::failed(problem)),
        }
    }
    all
}

/// The folders that hold something to run. None at all would be a suite that proves nothing.
fn providers(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let entries =
        fs::read_dir(folder).map_err(|problem| format!("{} cannot be read: {problem}", short(folder)))?;
    let mut found: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| ["client.py", "client.mjs"].iter().any(|script| path.join(script).is_file()))
        .collect();
    found.sort();
    if found.is_empty() {
        return Err(format!("there is no client.py and no client.mjs in a folder of {}", short(folder)));
    }
    Ok(found)
}

/// The commands of one provider, with their packages installed.
fn scripts(provider: &Path, programs: &Path) -> Result<Vec<Command>, String> {
    let name = provider.file_name().unwrap_or_default();
    let mut commands = Vec::new();
    let script = provider.join("client.py");
    if script.is_file() {
        let environment = programs.with_file_name("conformance").join(name);
        let interpreter = python::environment(&environment, &provider.join("requirements.txt"))?;
        let mut command = tool(interpreter, &[&short(&script)]);
        command.env("PYTHONPATH", root().join("tests/conformance"));
        // Compiled files have no place beside the sources.
        command.env("PYTHONDONTWRITEBYTECODE", "1");
        commands.push(command);
    }
    let script = provider.join("client.mjs");
    if script.is_file() {
        node::install(provider)?;
        commands.push(tool("node", &[&short(&script)]));
    }
    Ok(commands)
}

/// Runs one script; a check that fails is named.
fn checked(command: &mut Command) -> Done {
    let ended = watch(command);
    let line = crate::tool::line(command);
    let mut done = Done::of(&line, ended.ok, Teller::Checks.read(&ended.said));
    let names = failures(&ended.said);
    if let (Some(problem), false) = (&mut done.problem, names.is_empty()) {
        *problem = format!("{problem}: {}", names.join("; "));
    }
    done
}

/// The names of the checks that failed.
fn failures(said: &str) -> Vec<&str> {
    said.lines()
        .filter_map(|line| line.strip_prefix("FAILED "))
        .map(|rest| rest.split_once(": ").map_or(rest, |(name, _)| name))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_that_fails_is_named() {
        let script = "echo 'ok one'; echo 'FAILED two three: 409: taken'; echo '1 passed, 1 failed'; exit 1";
        let done = checked(&mut tool("sh", &["-c", script]));
        assert_eq!((done.counts.passed, done.counts.failed), (1, 1));
        assert!(done.problem.unwrap().ends_with(": two three"));
    }

    #[test]
    fn a_script_without_an_end_has_failed() {
        for script in ["echo 'ok one'", "exit 0", "echo 'ok one'; exit 1"] {
            let done = checked(&mut tool("sh", &["-c", script]));
            assert!(done.problem.is_some() && done.counts.failed == 1, "{script}");
        }
        let done = checked(&mut tool("sh", &["-c", "echo 'ok one'; echo '1 passed, 0 failed'"]));
        assert_eq!((done.problem, done.counts.passed), (None, 1));
    }

    #[test]
    fn every_provider_has_what_its_scripts_need() {
        for provider in providers(&root().join("tests/conformance")).unwrap() {
            let has = |name: &str| provider.join(name).is_file();
            assert!(!has("client.py") || has("requirements.txt"), "{}", provider.display());
            assert!(!has("client.mjs") || has("package-lock.json"), "{}", provider.display());
        }
        assert!(providers(&root().join("icons")).is_err());
    }
}
