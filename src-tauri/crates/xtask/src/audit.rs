//! `cargo xtask audit`: what comes from others. Known advisories need the network, so it is no step of the tests; `--offline`
//! leaves them out. What the tests hold all the same is in `tests/architecture/others.rs`: licences, bans and sources by the
//! lock file.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::{
    tool::{cargo, line, run, there_is, tool, watch},
    workspace::{root, short},
};

/// Folders with lock files of npm, and folders of such folders.
const NPM: [&str; 3] = ["ui", "tests/browser", "tests/conformance"];

/// The workspace of the programs that libFuzzer runs.
const FUZZ: &str = "tests/fuzz/Cargo.toml";

/// What came of asking for advisories.
#[derive(Debug, PartialEq)]
enum Asked {
    /// As many packages have one.
    Found(u64),
    /// Nobody answered, and why.
    Nobody(String),
}

/// Checks `deny.toml` (licences, banned crates, sources), and known advisories of crates and npm packages by their lock files.
///
/// # Errors
/// With everything that was found, and with what could not be asked: an audit that nobody answered is none.
pub fn check(arguments: &[String]) -> Result<(), String> {
    let offline = match arguments {
        [] => false,
        [only] if only == "--offline" => true,
        _ => return Err("cargo xtask audit [--offline]".to_owned()),
    };
    if !there_is("cargo-deny") {
        println!("cargo-deny is not there; it is built now, which takes some minutes.");
        run(&mut cargo(&["install", "cargo-deny", "--locked"]))?;
    }
    let mut wrong: Vec<String> = Vec::new();
    let mut unasked: Vec<String> = Vec::new();
    wrong.extend(run(&mut cargo(&["deny", "check", "bans", "licenses", "sources"])).err());
    // The programs of the long run of hostile input have a lock file of their own. Nobody hands them on, so licences do not matter.
    let fuzz = ["deny", "--manifest-path", FUZZ, "check"];
    wrong.extend(run(cargo(&fuzz).args(["bans", "sources"])).err());
    if !offline {
        println!("Advisories are asked for over the network now.");
        for mut command in
            [cargo(&["deny", "check", "advisories"]), cargo(&[&fuzz[..], &["advisories"]].concat())]
        {
            let ended = watch(&mut command);
            if ended.ok {
                continue;
            }
            if is_unfetched(&ended.said) {
                unasked.push(
                    "crates: the database of advisories (github.com/RustSec/advisory-db) could not be fetched; above is why.".to_owned(),
                );
                break;
            }
            wrong.push(format!("`{}` failed; above is why.", line(&command)));
        }
        for folder in locked(root())? {
            match asked(&folder)? {
                Asked::Found(0) => println!("{}: no known advisory.", short(&folder)),
                Asked::Found(count) => wrong.push(format!(
                    "{}: {count} npm packages with known advisories; `npm audit` in that folder names them.",
                    short(&folder)
                )),
                Asked::Nobody(why) => unasked.push(format!(
                    "{}: the registry does not answer about npm packages ({why}); ask one that does (`npm config set registry ADDRESS`).",
                    short(&folder)
                )),
            }
        }
    }
    if let Some(told) = concluded(&wrong, &unasked) {
        return Err(told);
    }
    println!(
        "Passed: licences, bans, sources{}.",
        if offline {
            "; advisories were not asked for (--offline)"
        } else {
            ", advisories of crates and npm packages"
        }
    );
    Ok(())
}

/// What was found and what nobody answered, told apart; `None` where there is neither.
fn concluded(wrong: &[String], unasked: &[String]) -> Option<String> {
    let list = |title: &str, lines: &[String]| match lines {
        [] => String::new(),
        lines => format!("{title}:\n  {}\n", lines.join("\n  ")),
    };
    let told = list("Found", wrong) + &list("Not checked, because nobody answered", unasked);
    (!told.is_empty()).then(|| told.trim_end().to_owned())
}

/// Whether cargo-deny says that it has no advisories to look at.
fn is_unfetched(said: &str) -> bool {
    ["failed to fetch advisory database", "failed to load advisory database"]
        .iter()
        .any(|words| said.contains(words))
}

/// The folders that hold a lock file of npm.
fn locked(root: &Path) -> Result<Vec<PathBuf>, String> {
    let mut found = Vec::new();
    for name in NPM {
        let folder = root.join(name);
        if folder.join("package-lock.json").is_file() {
            found.push(folder);
            continue;
        }
        let inside = fs::read_dir(&folder).map_err(|problem| format!("{}: {problem}", folder.display()))?;
        found.extend(
            inside
                .flatten()
                .map(|entry| entry.path())
                .filter(|path| path.join("package-lock.json").is_file()),
        );
    }
    found.sort();
    Ok(found)
}

/// Asks about the packages of one lock file. Nothing is installed.
fn asked(folder: &Path) -> Result<Asked, String> {
    let mut command = tool("npm", &["audit", "--package-lock-only", "--json"]);
    let output = command
        .current_dir(folder)
        .output()
        .map_err(|problem| format!("npm could not be started: {problem}."))?;
    Ok(told(&String::from_utf8_lossy(&output.stdout)))
}

/// What `npm audit --json` says.
fn told(text: &str) -> Asked {
    let Ok(document) = serde_json::from_str::<Value>(text) else {
        return Asked::Nobody("its answer is not JSON".to_owned());
    };
    let total = document.pointer("/metadata/vulnerabilities/total").and_then(Value::as_u64);
    match total {
        Some(total) => Asked::Found(total),
        None => {
            let words =
                ["/message", "/error/summary"].iter().find_map(|place| document.pointer(place)?.as_str());
            // Only what comes before the address: the registry is the reader's own.
            let words = words.unwrap_or("it gives no reason").split(" - ").next().unwrap_or_default();
            Asked::Nobody(words.to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_told_from_none() {
        for (text, expect) in [
            (
                r#"{"auditReportVersion": 2, "vulnerabilities": {}, "metadata": {"vulnerabilities": {"total": 0}}}"#,
                Asked::Found(0),
            ),
            (r#"{"metadata": {"vulnerabilities": {"high": 2, "total": 3}}}"#, Asked::Found(3)),
            (
                r#"{"message": "405 Method Not Allowed - POST https://x/y", "statusCode": 405}"#,
                Asked::Nobody("405 Method Not Allowed".into()),
            ),
            (
                r#"{"error": {"code": "ENOLOCK", "summary": "no lock file"}}"#,
                Asked::Nobody("no lock file".into()),
            ),
            ("{}", Asked::Nobody("it gives no reason".into())),
            ("npm error", Asked::Nobody("its answer is not JSON".into())),
        ] {
            assert_eq!(told(text), expect, "{text}");
        }
    }

    #[test]
    fn what_was_not_checked_is_no_finding_and_no_success() {
        let lines = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
        assert_eq!(concluded(&[], &[]), None);
        let told = concluded(&lines(&["a licence"]), &lines(&["ui", "crates"])).unwrap();
        assert_eq!(told, "Found:\n  a licence\nNot checked, because nobody answered:\n  ui\n  crates");
        assert!(is_unfetched(
            "[ERROR] failed to fetch advisory database https://x with cli: failed to clone"
        ));
        assert!(!is_unfetched("error[vulnerability]: Heap overflow"));
    }

    #[test]
    fn every_lock_file_is_asked_about() {
        let found: Vec<String> = locked(root()).unwrap().iter().map(|folder| short(folder)).collect();
        assert!(found.len() >= 3, "{found:?}");
        for expected in ["tests/browser", "ui"] {
            assert!(found.iter().any(|folder| folder == expected), "{found:?}");
        }
    }
}
