//! What comes from others, by the lock file and without network: its licences, its sources, what is banned. The rules are those
//! of `deny.toml`; `cargo xtask audit` holds them too, and knows advisories.

use std::{collections::BTreeSet, fs};

use cargo_metadata::{Metadata, MetadataCommand};

use crate::sources::root;

/// Every package that is in the lock file for a system of `deny.toml`.
fn packages() -> Metadata {
    let systems = rules().into_iter().filter(|text| text.contains("-linux-"));
    let here = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let here = systems.into_iter().find(|system| *system == here).unwrap_or(here);
    MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .other_options(["--filter-platform".to_owned(), here, "--locked".to_owned()])
        .exec()
        .unwrap()
}

/// The texts of `deny.toml`, comments left out.
fn rules() -> Vec<String> {
    let text = fs::read_to_string(root().join("deny.toml")).unwrap();
    let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
    lines.flat_map(|line| line.split('"').skip(1).step_by(2)).map(str::to_owned).collect()
}

/// Whether an expression of SPDX can be met by allowed licences alone. `/` is an old way to say `OR`.
fn met(expression: &str, allowed: &BTreeSet<String>) -> bool {
    let plain = expression.replace(['(', ')'], " ").replace('/', " OR ");
    if expression.contains('(') && plain.contains(" AND ") && plain.contains(" OR ") {
        // `(A OR B) AND C`: each part in its parentheses, and what is outside of them.
        return expression.split(" AND ").all(|part| met(part.trim().trim_matches(['(', ')']), allowed));
    }
    plain.split(" OR ").any(|choice| choice.split(" AND ").all(|licence| allowed.contains(licence.trim())))
}

#[test]
fn every_licence_is_one_that_we_can_keep() {
    let allowed: BTreeSet<String> = rules().into_iter().collect();
    let metadata = packages();
    assert!(metadata.packages.len() > 100, "the packages of others are not found");
    let mut wrong = Vec::new();
    for package in &metadata.packages {
        match &package.license {
            Some(licence) if met(licence, &allowed) => {}
            other => wrong.push(format!("{} {}: {other:?}", package.name, package.version)),
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn everything_comes_from_the_registry_or_from_here() {
    let strange = |source: &cargo_metadata::Source| !source.is_crates_io();
    let metadata = packages();
    let wrong: Vec<_> = metadata
        .packages
        .iter()
        .filter(|package| package.source.as_ref().is_some_and(strange))
        .map(|package| (&package.name, &package.source))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn nothing_that_is_banned_comes_in() {
    let text = fs::read_to_string(root().join("deny.toml")).unwrap();
    let banned: Vec<&str> = text
        .lines()
        .filter(|line| !line.contains("wrappers"))
        .filter_map(|line| line.split_once("{ crate = \"")?.1.split('"').next())
        .collect();
    assert!(banned.contains(&"openssl-sys"), "{banned:?}");
    let metadata = packages();
    let names: BTreeSet<&str> = metadata.packages.iter().map(|package| package.name.as_str()).collect();
    let found: Vec<_> = banned.iter().filter(|name| names.contains(*name)).collect();
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn expressions_of_licences_are_understood() {
    let allowed: BTreeSet<String> = ["MIT", "Apache-2.0", "ISC", "Unicode-3.0"].map(str::to_owned).into();
    for (expression, fine) in [
        ("MIT", true),
        ("MIT OR GPL-3.0", true),
        ("GPL-3.0/MIT", true),
        ("MIT AND ISC", true),
        ("MIT AND GPL-3.0", false),
        ("(MIT OR GPL-3.0) AND Unicode-3.0", true),
        ("(MIT OR Apache-2.0) AND GPL-3.0", false),
        ("ISC AND (Apache-2.0 OR ISC)", true),
        ("GPL-3.0", false),
    ] {
        assert_eq!(met(expression, &allowed), fine, "{expression}");
    }
}
