//! `cargo xtask fuzz`: the long run of the targets in `tests/hostile`, by cargo-fuzz. The short run is one of the ordinary tests.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use crate::{
    tool::{cargo, run, there_is, watch},
    workspace::{root, short},
};

/// Minutes for each target where none are said.
const MINUTES: u64 = 2;

/// What to run.
#[derive(Debug, PartialEq)]
struct Wanted {
    minutes: u64,
    /// All where none is named.
    targets: Vec<String>,
}

/// What came of one target.
struct Ran {
    name: String,
    took: Duration,
    /// Inputs that were tried, and the edges of the code that they reached.
    tried: u64,
    reached: u64,
    found: bool,
}

/// Runs targets one after the other, each for so many minutes, and says what came of each.
///
/// # Errors
/// When a target found something: what it was given is in `tests/fuzz/artifacts`.
pub fn check(arguments: &[String]) -> Result<(), String> {
    let folder = root().join("tests/fuzz");
    let known = targets(&folder)?;
    let wanted = read(arguments, &known)?;
    if !there_is("cargo-fuzz") {
        println!("cargo-fuzz is not there; it is built now, which takes some minutes.");
        run(&mut cargo(&["install", "cargo-fuzz", "--locked"]))?;
    }
    // Nothing here is unsafe, so a sanitizer would only cost time and a nightly toolchain.
    let common = ["--fuzz-dir", "tests/fuzz", "--sanitizer", "none"];
    run(cargo(&["fuzz", "build"]).args(common))?;
    let mut all = Vec::new();
    for name in &wanted.targets {
        all.push(one(&folder, name, wanted.minutes, &common)?);
    }
    print!("{}", summary(&all));
    let found: Vec<&str> = all.iter().filter(|ran| ran.found).map(|ran| ran.name.as_str()).collect();
    if found.is_empty() {
        println!("Passed: {} targets without a finding.", all.len());
        Ok(())
    } else {
        Err(format!(
            "Findings in {}: the input is in tests/fuzz/artifacts; `cargo fuzz run --fuzz-dir tests/fuzz --sanitizer none TARGET FILE` \
             repeats it. Once it is mended, put it beside the seeds of its target.",
            found.join(", ")
        ))
    }
}

/// The targets, by their programs.
fn targets(folder: &Path) -> Result<Vec<String>, String> {
    let programs = folder.join("fuzz_targets");
    let files = fs::read_dir(&programs).map_err(|problem| format!("{}: {problem}", short(&programs)))?;
    let mut names: Vec<String> = files
        .flatten()
        .filter_map(|file| file.file_name().to_str()?.strip_suffix(".rs").map(str::to_owned))
        .collect();
    names.sort();
    Ok(names)
}

fn read(arguments: &[String], known: &[String]) -> Result<Wanted, String> {
    let mut wanted = Wanted { minutes: MINUTES, targets: Vec::new() };
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        if argument == "--minutes" {
            wanted.minutes = rest
                .next()
                .and_then(|text| text.parse().ok())
                .filter(|minutes| (1..=10_000).contains(minutes))
                .ok_or("--minutes takes a number from 1 to 10000")?;
        } else if known.contains(argument) {
            wanted.targets.push(argument.clone());
        } else {
            return Err(format!("There is no target `{argument}`. The targets are: {}.", known.join(", ")));
        }
    }
    if wanted.targets.is_empty() {
        wanted.targets = known.to_vec();
    }
    Ok(wanted)
}

fn one(folder: &Path, name: &str, minutes: u64, common: &[&str]) -> Result<Ran, String> {
    println!("\n=== {name} ===");
    // What libFuzzer learns goes here; the seeds stay few.
    let learnt = root().join("target/fuzz-corpus").join(name);
    fs::create_dir_all(&learnt).map_err(|problem| format!("{}: {problem}", short(&learnt)))?;
    let mut command = cargo(&["fuzz", "run"]);
    command.args(common).arg(name).arg(&learnt).arg(folder.join("seeds").join(name)).arg("--").args([
        format!("-dict={}", folder.join("dictionary.txt").display()),
        format!("-max_total_time={}", minutes * 60),
        "-max_len=8192".to_owned(),
        "-timeout=30".to_owned(),
        "-rss_limit_mb=2048".to_owned(),
        "-print_final_stats=1".to_owned(),
    ]);
    let started = now();
    let ended = watch(&mut command);
    let (tried, reached) = counted(&ended.said);
    let took = now().saturating_duration_since(started);
    Ok(Ran { name: name.to_owned(), took, tried, reached, found: !ended.ok })
}

/// How many inputs libFuzzer says that it tried, and the most edges that it reached.
fn counted(said: &str) -> (u64, u64) {
    let number = |text: &str| text.split_whitespace().next().and_then(|word| word.parse::<u64>().ok());
    let tried = said.lines().find_map(|line| number(line.strip_prefix("stat::number_of_executed_units:")?));
    let reached = said.lines().filter_map(|line| number(line.split_once(" cov: ")?.1)).max();
    (tried.unwrap_or_default(), reached.unwrap_or_default())
}

fn summary(all: &[Ran]) -> String {
    let mut text = format!("\n{:<20} {:>8} {:>12} {:>10}  outcome\n", "target", "time", "inputs", "edges");
    for ran in all {
        let seconds = ran.took.as_secs();
        let time = format!("{}:{:02}", seconds / 60, seconds % 60);
        let outcome = if ran.found { "FINDING" } else { "nothing found" };
        text.push_str(&format!(
            "{:<20} {time:>8} {:>12} {:>10}  {outcome}\n",
            ran.name, ran.tried, ran.reached
        ));
    }
    text
}

/// How long a target ran is what this clock is for.
#[allow(clippy::disallowed_methods, reason = "measures the targets for the table; decides nothing")]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_to_run_is_read() {
        let known = ["a".to_owned(), "b".to_owned()];
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let wanted = |minutes, targets: &[&str]| Ok(Wanted { minutes, targets: words(targets) });
        assert_eq!(read(&[], &known), wanted(MINUTES, &["a", "b"]));
        assert_eq!(read(&words(&["--minutes", "20", "b"]), &known), wanted(20, &["b"]));
        for wrong in [&["c"][..], &["--minutes"], &["--minutes", "0"], &["--minutes", "x"]] {
            assert!(read(&words(wrong), &known).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn every_target_has_seeds() {
        let folder = root().join("tests/fuzz");
        let names = targets(&folder).unwrap();
        assert!(names.len() > 15, "{names:?}");
        for name in names {
            assert!(folder.join("seeds").join(&name).is_dir(), "{name}");
        }
    }

    #[test]
    fn what_libfuzzer_counted_is_read() {
        let said = "INFO: seed corpus\n#2\tINITED cov: 812 ft: 900 corp: 1/5b\n#900\tNEW    cov: 1024 ft: 9\nstat::number_of_executed_units: 4711\n";
        assert_eq!(counted(said), (4711, 1024));
        assert_eq!(counted("nothing"), (0, 0));
        let ran =
            Ran { name: "a".into(), took: Duration::from_secs(61), tried: 4711, reached: 1024, found: true };
        assert!(summary(&[ran]).contains("1:01         4711       1024  FINDING"));
    }
}
