//! The short run: every seed, and mutations of them that are the same every time, given to every target.
//!
//! `CONCORD_HOSTILE_TIMES` (1) makes it so many times longer, `CONCORD_HOSTILE_NUMBER` (1) makes other mutations of the seeds.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "tests")]

use std::collections::BTreeSet;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use hostile::{Mutations, TARGETS, Target, target};

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("fuzz")
}

fn seeds(name: &str) -> Vec<Vec<u8>> {
    let folder = fuzz().join("seeds").join(name);
    let mut files: Vec<PathBuf> = fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| fs::read(file).unwrap()).collect()
}

fn number(name: &str) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(1)
}

/// Gives an input to a target; one that is a finding is kept where the long run would keep it.
fn give(target: &Target, input: &[u8]) {
    if catch_unwind(AssertUnwindSafe(|| (target.run)(input))).is_ok() {
        return;
    }
    let folder = fuzz().join("artifacts").join(target.name);
    fs::create_dir_all(&folder).unwrap();
    let file = folder.join("found-by-the-short-run");
    fs::write(&file, input).unwrap();
    panic!(
        "{}: a finding, kept in {}. Once it is mended, put it beside the seeds. As text: {:?}",
        target.name,
        file.display(),
        String::from_utf8_lossy(input)
    );
}

fn run(name: &str) {
    let target = target(name).unwrap();
    let seeds = seeds(name);
    for seed in &seeds {
        give(target, seed);
    }
    give(target, b"");
    let times = usize::try_from(number("CONCORD_HOSTILE_TIMES")).unwrap();
    for input in Mutations::of(seeds, number("CONCORD_HOSTILE_NUMBER")).take(target.short * times) {
        give(target, &input);
    }
}

macro_rules! short_runs {
    ($($name:ident)*) => {
        $(#[test] fn $name() { run(stringify!($name)); })*

        #[test]
        fn every_target_has_its_short_run() {
            let here = BTreeSet::from([$(stringify!($name)),*]);
            assert_eq!(here, TARGETS.iter().map(|target| target.name).collect());
        }
    };
}

short_runs! {
    query_filter scim_filter scim_patch crest_patch soql
    hubspot_answers salesforce_answers scim_answers oauth_answers
    connector_config mapping_config managed_config schedule_config idm_project
    bulk_csv export_csv claims vault_envelope stored_database
}

#[test]
fn every_target_has_seeds_and_a_long_run() {
    let manifest = fs::read_to_string(fuzz().join("Cargo.toml")).unwrap();
    for target in TARGETS {
        assert!(!seeds(target.name).is_empty(), "{} has no seeds", target.name);
        assert!(manifest.contains(&format!("name = \"{}\"", target.name)), "{} has no long run", target.name);
        let program = fuzz().join("fuzz_targets").join(format!("{}.rs", target.name));
        let text = fs::read_to_string(program).unwrap();
        assert!(text.contains(&format!("targets::{})", target.name)), "{} runs another target", target.name);
    }
    let folders = fs::read_dir(fuzz().join("seeds")).unwrap().count();
    assert_eq!(folders, TARGETS.len(), "seeds of a target that is not there");
}

/// Seeds that are refused at the door leave what is behind it untried; some are there for the door itself.
#[test]
fn half_of_the_seeds_are_taken() {
    for target in TARGETS {
        let seeds = seeds(target.name);
        let taken = seeds.iter().filter(|seed| (target.run)(seed)).count();
        assert!(taken * 2 >= seeds.len(), "{}: {taken} of {} seeds are taken", target.name, seeds.len());
    }
}

#[test]
fn seeds_are_few_and_small() {
    for target in TARGETS {
        let seeds = seeds(target.name);
        assert!(seeds.len() <= 40, "{} has too many seeds", target.name);
        assert!(seeds.iter().all(|seed| seed.len() <= 4096), "{} has large seeds", target.name);
    }
}
