//! `cargo xtask histories` and `cargo xtask kills`: the long runs of the tests that draw their cases from seeds. The ordinary
//! tests look at the first few; here it is as many as somebody has time for.

use std::{path::Path, process::Command};

use crate::tool::{Ended, cargo, watch};

/// Histories that the tests of the random world look at when nobody asks for more.
const ONE_ROUND: u64 = 236;
/// One disk fails for so many processes that are killed.
const KILLS_PER_DISK: u64 = 4;

/// Which cases are asked for.
struct Asked {
    count: u64,
    first: u64,
}

impl Asked {
    fn of(arguments: &[String], count: u64) -> Result<Self, String> {
        let mut asked = Self { count, first: 0 };
        let mut rest = arguments.iter();
        while let Some(name) = rest.next() {
            let number = rest.next().and_then(|text| text.parse::<u64>().ok());
            match (name.as_str(), number) {
                ("--count", Some(number)) if number > 0 => asked.count = number,
                ("--first", Some(number)) => asked.first = number,
                _ => {
                    return Err(format!(
                        "`{name}` is not understood here; write `--count N`, and `--first SEED` to begin with another seed"
                    ));
                }
            }
        }
        Ok(asked)
    }
}

/// Random histories of two systems and people who edit both.
pub fn histories(arguments: &[String]) -> Result<(), String> {
    let asked = Asked::of(arguments, 10_000)?;
    let rounds = asked.count.div_ceil(ONE_ROUND);
    let mut tests = cargo(&["test", "--package", "engine", "--test", "world", "--", "--nocapture"]);
    tests.env("CONCORD_HISTORIES", rounds.to_string()).env("CONCORD_FIRST", asked.first.to_string());
    in_memory(&mut tests);
    let ended = watch(&mut tests);
    let seen = sum(&ended, "", "histories");
    conclude(&ended, "histories", seen, asked.count)
}

/// The real program, killed or cut off from its power at any step, and on disks that fail.
pub fn kills(arguments: &[String]) -> Result<(), String> {
    let asked = Asked::of(arguments, 1000)?;
    let mut tests = cargo(&["test", "--package", "cli", "--test", "disk", "--", "--nocapture"]);
    tests
        .env("CONCORD_KILLS", asked.count.to_string())
        .env("CONCORD_DISKS", asked.count.div_ceil(KILLS_PER_DISK).to_string())
        .env("CONCORD_FIRST", asked.first.to_string());
    in_memory(&mut tests);
    let ended = watch(&mut tests);
    // The disks that fail come on top of the kills.
    let seen = sum(&ended, "a_process", "cases");
    conclude(&ended, "kills", seen, asked.count)
}

/// The files of thousands of cases need no disk: nothing of them has to outlive the machine.
fn in_memory(tests: &mut Command) {
    let memory = Path::new("/dev/shm");
    if std::env::var_os("TMPDIR").is_none() && memory.is_dir() {
        tests.env("TMPDIR", memory);
    }
}

/// The sum of what the tests whose names begin so say at their ends: `NAME: 120 cases, ...`.
fn sum(ended: &Ended, tests: &str, what: &str) -> u64 {
    ended.said.lines().filter(|line| line.starts_with(tests)).filter_map(|line| counted(line, what)).sum()
}

fn counted(line: &str, what: &str) -> Option<u64> {
    let (_, rest) = line.split_once(": ")?;
    let (number, rest) = rest.split_once(' ')?;
    let rest = rest.strip_prefix(what)?;
    if rest.contains(" 0 findings") { number.parse().ok() } else { None }
}

fn conclude(ended: &Ended, what: &str, seen: u64, asked: u64) -> Result<(), String> {
    if !ended.ok {
        let repeat = ended.said.lines().filter(|line| line.starts_with("to repeat"));
        let repeat: Vec<&str> = repeat.collect();
        return Err(format!("There is a finding.\n{}", repeat.join("\n")));
    }
    if seen < asked {
        return Err(format!("Only {seen} of {asked} {what} were looked at."));
    }
    println!("Passed: {seen} {what}, 0 findings.");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Asked, ONE_ROUND, counted};
    use crate::workspace::root;

    #[test]
    fn a_round_is_what_the_tests_look_at() {
        let file = root().join("src-tauri/crates/engine/tests/world/main.rs");
        let text = std::fs::read_to_string(file).unwrap();
        let counts = text.split("histories(\"").skip(1).map(|rest| {
            let count = rest.split(", ").nth(1).unwrap();
            count.parse::<u64>().unwrap()
        });
        assert_eq!(counts.sum::<u64>(), ONE_ROUND);
    }

    #[test]
    fn the_ends_of_tests_are_counted() {
        for (line, expected) in [
            ("a_pair_comes_to_rest: 25 histories, 0 findings", Some(25)),
            ("a_process_ends: 1000 cases, 980 hit, 0 findings: {", None),
            ("test a_pair_comes_to_rest ... ok", None),
            ("a_pair_comes_to_rest: many histories, 0 findings", None),
        ] {
            assert_eq!(counted(line, "histories"), expected, "{line}");
        }
        assert_eq!(counted("a_process_ends: 1000 cases, 980 hit, 0 findings: {", "cases"), Some(1000));
    }

    #[test]
    fn what_is_asked_for_is_read() {
        let of = |words: &[&str]| {
            let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            Asked::of(&words, 7).map(|asked| (asked.count, asked.first)).ok()
        };
        for (words, expected) in [
            (&[][..], Some((7, 0))),
            (&["--count", "20"], Some((20, 0))),
            (&["--first", "9", "--count", "20"], Some((20, 9))),
            (&["--count"], None),
            (&["--count", "0"], None),
            (&["--count", "many"], None),
            (&["20"], None),
        ] {
            assert_eq!(of(words), expected, "{words:?}");
        }
    }
}
