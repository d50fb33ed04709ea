//! The errands of the workspace: what a person would otherwise have to look up before the first run or the first test.
//!
//! Invariants:
//! - An errand says what it is about to do, streams what the tools say, and ends with a plain line of what passed.
//! - Nothing is skipped in silence: a step that cannot run is a failed step.
//! - Only the standard library and `serde_json`, so that it is there within seconds on a fresh machine.
//!
//! It must never install anything beyond the packages that it names, and never change a file under version control
//! except those that are generated: the TypeScript types, the licences of others, the pictures.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "its output is the terminal")]

mod audit;
mod bench;
mod bindings;
mod clean_debian;
mod conformance;
mod counts;
mod fault_table;
mod fuzz;
mod fuzz_counts;
mod installers;
mod licences;
mod node;
mod packages;
mod peers;
mod pictures;
mod plot;
mod python;
mod start;
#[cfg(unix)]
mod startup;
mod suite;
mod tool;
mod workspace;
mod worlds;

use std::process::ExitCode;

const USAGE: &str = "\
cargo xtask run [ARGUMENTS]   installs what is missing, builds the UI, starts the application with a HubSpot sandbox
cargo xtask test [STEP]       installs what the tests need and runs all of them, or one step with what it needs
cargo xtask bench             measures the engine beside its floors, the program beside others against the sandboxes, and how
                              close it comes to an account's limit of calls; installs the others where they are missing
      [--quick]               without the large sizes
      [--sizes N,N] [--latencies MS,MS] [--peers NAME,NAME|none] [--only engine,beside,limit,faults]
cargo xtask bench --faults    runs the program and others under the faults of tests/bench/faults.json
cargo xtask bench --users [N] measures every page of the list of a million users (or N)
cargo xtask histories [--count N] [--first SEED]
                              looks at N (10,000) random histories of two systems and people who edit both
cargo xtask kills [--count N] [--first SEED]
                              kills the program or cuts its power at N (1,000) moments, and lets a quarter as many disks fail
cargo xtask bindings          writes the UI's TypeScript types from the Rust types
cargo xtask package [--check] makes .deb and .rpm packages (--check: installs and uses them in a clean Debian; as root)
cargo xtask startup [--runs N] [--program PATH]
                              measures the start of the released application, from the process to a whole first screen
cargo xtask licences          writes the licences of what others wrote, after a change of dependencies
cargo xtask pictures [--as-they-are]
                              makes the pictures of all screens for the README (--as-they-are: from the last browser tests)
cargo xtask audit [--offline] checks licences, banned crates, sources, and known advisories (needs network; --offline: not those)
cargo xtask fuzz [--minutes N] [--at-once N] [TARGET...]
                              lets libFuzzer look for input that breaks a parser, N (2) minutes for each target
";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let errand = arguments.next();
    let rest: Vec<String> = arguments.collect();
    let outcome = match errand.as_deref() {
        Some("run") => start::run(&rest).map(|()| ExitCode::SUCCESS),
        Some("test") => suite::run(&rest),
        Some("bench") => bench::measure(&rest).map(|()| ExitCode::SUCCESS),
        Some("bindings") => bindings::write().map(|()| ExitCode::SUCCESS),
        Some("package") => installers::make(&rest).map(|()| ExitCode::SUCCESS),
        #[cfg(unix)]
        Some("startup") => startup::measure(&rest).map(|()| ExitCode::SUCCESS),
        Some("licences") => licences::write().map(|()| ExitCode::SUCCESS),
        Some("pictures") => pictures::make(&rest).map(|()| ExitCode::SUCCESS),
        Some("histories") => worlds::histories(&rest).map(|()| ExitCode::SUCCESS),
        Some("kills") => worlds::kills(&rest).map(|()| ExitCode::SUCCESS),
        Some("audit") => audit::check(&rest).map(|()| ExitCode::SUCCESS),
        Some("fuzz") => fuzz::check(&rest).map(|()| ExitCode::SUCCESS),
        Some("help" | "--help" | "-h") => {
            print!("{USAGE}\nSteps of the test, in their order: {}\n", suite::step_names().join(", "));
            Ok(ExitCode::SUCCESS)
        }
        other => {
            if let Some(other) = other {
                eprintln!("There is no errand `{other}`.\n");
            }
            eprint!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(code) => code,
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}
