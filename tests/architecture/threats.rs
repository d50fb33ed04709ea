//! The threat model names a test for every threat, and every test that it names is there.

use std::fs;

use crate::sources::{Source, root, sources};

/// Where the tests of a package are.
fn folder(package: &str) -> String {
    match package {
        "concord-desktop" => "src-tauri".to_owned(),
        "desktop" | "hostile" => format!("tests/{package}"),
        "browser" => "tests/browser/specs".to_owned(),
        package => format!("src-tauri/crates/{package}"),
    }
}

/// Whether a file has this test: a function that is marked as one, a row of the short runs, or a title.
fn holds(file: &Source, test: &str) -> bool {
    if file.path.ends_with(".ts") {
        return file.text.contains(&format!("test(\"{test}\""));
    }
    if let Some((_, rows)) = file.text.split_once("\nshort_runs! {") {
        let rows = rows.split('}').next().unwrap_or_default();
        return rows.split_whitespace().any(|row| row == test);
    }
    let lines: Vec<&str> = file.text.lines().map(str::trim).collect();
    let name = format!("fn {test}(");
    lines.iter().enumerate().any(|(at, line)| {
        let before = lines.get(at.saturating_sub(4)..at).unwrap_or_default();
        line.trim_start_matches("async ").starts_with(&name)
            && before.iter().any(|line| line.starts_with("#[test]") || line.starts_with("#[tokio::test"))
    })
}

/// The tests that a text names between backticks.
fn named(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).filter(|words| words.split("::").count() == 3).collect()
}

#[test]
fn every_threat_names_tests_that_are_there() {
    let text = fs::read_to_string(root().join("docs/threat-model.md")).unwrap();
    let mut wrong = Vec::new();
    let mut rows = 0;
    for line in text.lines() {
        let names = named(line);
        if line.starts_with("| ") && !line.starts_with("| attempt |") {
            rows += 1;
            let tests = line.trim_end_matches('|').rsplit('|').next().unwrap_or_default();
            if named(tests).is_empty() {
                wrong.push(format!("no test: {line}"));
            }
        }
        for name in names.into_iter().filter(|name| *name != "package::file::test") {
            let parts: Vec<&str> = name.splitn(3, "::").collect();
            let [package, file, test] = parts.as_slice() else { continue };
            let ending = if *package == "browser" { ".spec.ts" } else { ".rs" };
            let found = sources(&folder(package), &[ending])
                .into_iter()
                .any(|source| source.path.ends_with(&format!("/{file}{ending}")) && holds(&source, test));
            if !found {
                wrong.push(format!("there is no test {name}"));
            }
        }
    }
    assert!(rows > 30, "the tables of the threat model are not found");
    assert!(wrong.is_empty(), "{wrong:#?}");
}
