//! The page on faults: every row is there, and the tests that it names are too.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use crate::sources::{root, sources};

/// Where the tests of a package are.
fn folders(package: &str) -> Vec<String> {
    match package {
        "concord-desktop" => vec!["src-tauri/src".into()],
        "acceptance" => vec!["tests/architecture".into(), "tests/desktop".into()],
        package => ["src", "tests"]
            .iter()
            .map(|folder| format!("src-tauri/crates/{package}/{folder}"))
            .filter(|folder| root().join(folder).exists())
            .collect(),
    }
}

/// The names of functions, and those that the macros of tests are given.
fn functions(package: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for folder in folders(package) {
        for file in sources(&folder, &[".rs"]) {
            for line in file.text.lines() {
                let line = line.trim_start();
                let declared = line.split_once("fn ").map_or(line, |(_, rest)| rest);
                names.extend(declared.split_once('(').map(|(name, _)| name.to_owned()));
            }
        }
    }
    names
}

/// What stands in backticks in a cell and looks like a test or a file of tests.
fn named(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

#[test]
fn every_fault_has_its_test_or_its_reason() {
    let page = fs::read_to_string(root().join("docs/faults.md")).unwrap();
    let mut rows: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for line in page.lines().filter(|line| line.starts_with("| R") || line.starts_with("| S")) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let known = rows.insert(cells[0].to_owned(), cells);
        assert!(known.is_none(), "two rows are called alike: {line}");
    }
    let expected: BTreeSet<String> =
        (1..=23).map(|n| format!("R{n}")).chain((1..=27).map(|n| format!("S{n}"))).collect();
    assert_eq!(rows.keys().cloned().collect::<BTreeSet<_>>(), expected);

    let mut known: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut wrong = Vec::new();
    for (id, cells) in &rows {
        assert_eq!(cells.len(), 4, "{id}: {cells:?}");
        let tests = named(cells[3]);
        if tests.is_empty() && !cells[2].contains("Why not") {
            wrong.push(format!("{id} names neither a test nor a reason"));
        }
        for test in tests {
            let is_there = match test.split_once("::") {
                Some((package, name)) => {
                    known.entry(package.to_owned()).or_insert_with(|| functions(package)).contains(name)
                }
                None => root().join(test).is_file(),
            };
            if !is_there {
                wrong.push(format!("{id}: there is no {test}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
