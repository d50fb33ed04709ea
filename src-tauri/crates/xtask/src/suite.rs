//! `cargo xtask test`: every check and every test, one step after the other, then what came of each.

use std::{
    fmt::Write as _,
    process::{Command, ExitCode},
    time::{Duration, Instant},
};

use crate::{
    bindings, conformance,
    counts::{Counts, Teller},
    node, packages,
    tool::{cargo, there_is, tool, watch},
    workspace::{Workspace, program, root},
};

/// Needs a display and a keyring for each test, so it does not run beside the others.
const DESKTOP: &str = "desktop";

/// One step of the suite.
struct Step {
    name: &'static str,
    title: &'static str,
    /// Steps that this one cannot do without.
    needs: &'static [&'static str],
    run: fn(&Workspace) -> Done,
}

/// What came of a step: its counts, or why it failed.
#[derive(Default)]
pub struct Done {
    pub counts: Counts,
    pub problem: Option<String>,
}

const STEPS: &[Step] = &[
    Step { name: "format", title: "Formatting", needs: &[], run: format },
    Step { name: "ui", title: "UI: lint and tests", needs: &[], run: ui },
    // Embedded in the desktop application, which does not compile without it.
    Step { name: "ui-build", title: "UI: build", needs: &[], run: ui_build },
    Step { name: "clippy", title: "Lints of the Rust code", needs: &["ui-build"], run: clippy },
    Step { name: "build", title: "Build of all programs and tests", needs: &["ui-build"], run: build },
    Step { name: "rust", title: "Rust tests", needs: &["build"], run: rust },
    Step { name: "doc", title: "Examples in the documentation", needs: &["build"], run: doc },
    Step { name: "bindings", title: "Generated TypeScript types", needs: &["build"], run: generated },
    Step {
        name: "conformance",
        title: "Conformance: others' clients against the sandboxes",
        needs: &["build"],
        run: conformance::run,
    },
    Step {
        name: "desktop",
        title: "Desktop tests: the real application under Xvfb",
        needs: &["build"],
        run: desktop,
    },
    Step {
        name: "browser",
        title: "Browser tests: the built UI over the real engine",
        needs: &["build"],
        run: browser,
    },
];

/// The names by which single steps are run.
pub fn step_names() -> Vec<&'static str> {
    STEPS.iter().map(|step| step.name).collect()
}

/// A step after those that it cannot do without, in their order.
fn with_needs(name: &str) -> Option<Vec<&'static Step>> {
    let step = STEPS.iter().find(|step| step.name == name)?;
    let mut found: Vec<&Step> = Vec::new();
    for earlier in step.needs.iter().filter_map(|name| with_needs(name)).flatten().chain([step]) {
        if !found.iter().any(|known| known.name == earlier.name) {
            found.push(earlier);
        }
    }
    Some(found)
}

/// Installs what is missing, runs all steps or the one that is named with what it needs, and reports.
///
/// # Errors
/// When there is no such step, or what the tests need cannot be had. A step that fails is in the report.
pub fn run(arguments: &[String]) -> Result<ExitCode, String> {
    let wanted = match arguments {
        [] => Some(STEPS.iter().collect()),
        [name] => with_needs(name),
        _ => None,
    };
    let Some(wanted) = wanted else {
        return Err(format!(
            "There is no step `{}`. The steps are: {}.",
            arguments.join(" "),
            step_names().join(", ")
        ));
    };

    heading("What the tests need");
    packages::ensure(&packages::for_tests())?;
    node::check()?;
    node::install(&root().join("ui"))?;
    node::install(&root().join("tests/browser"))?;
    let workspace = Workspace::read()?;

    let mut report: Vec<(&Step, Done, Duration)> = Vec::new();
    for step in wanted {
        heading(step.title);
        let failed =
            |name: &&str| report.iter().any(|(step, done, _)| step.name == *name && done.problem.is_some());
        let started = now();
        let done = match step.needs.iter().find(|name| failed(name)) {
            Some(name) => Done::failed(format!("not run, because `{name}` failed")),
            None => (step.run)(&workspace),
        };
        if let Some(problem) = &done.problem {
            println!("{problem}");
        }
        report.push((step, done, now().saturating_duration_since(started)));
    }
    let rows: Vec<(&str, &Done, Duration)> =
        report.iter().map(|(step, done, took)| (step.name, done, *took)).collect();
    let (text, failed) = closing(&rows);
    // Nothing comes after its last line, for whoever reads only that one.
    print!("{text}");
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl Done {
    /// A step that could not be carried out.
    pub fn failed(problem: impl Into<String>) -> Self {
        Self { counts: Counts { failed: 1, ..Counts::default() }, problem: Some(problem.into()) }
    }

    /// Runs commands that count nothing, up to the first that fails.
    fn all(commands: impl IntoIterator<Item = Command>) -> Self {
        for mut command in commands {
            if !watch(&mut command).ok {
                return Self::failed(format!("`{}` failed", crate::tool::line(&command)));
            }
        }
        Self::default()
    }

    /// Runs a command that counts its tests.
    fn counted(mut command: Command, teller: Teller) -> Self {
        let ended = watch(&mut command);
        Self::of(&crate::tool::line(&command), ended.ok, teller.read(&ended.said))
    }

    /// A command by how it ended and what it counted.
    pub fn of(line: &str, ok: bool, counted: Option<Counts>) -> Self {
        let mut counts = counted.unwrap_or_default();
        let problem = match (ok, counted) {
            (true, None) => Some(format!("`{line}` did not say how many tests passed")),
            (true, Some(counts)) if counts.failed == 0 => None,
            (_, Some(counts)) if counts.failed > 0 => {
                Some(format!("{} of {} tests failed", counts.failed, counts.passed + counts.failed))
            }
            _ => Some(format!("`{line}` failed")),
        };
        if problem.is_some() {
            // It may fail for a reason that is no test.
            counts.failed = counts.failed.max(1);
        }
        Self { counts, problem }
    }

    /// Goes on with another part of the same step, unless this one failed.
    fn then(self, next: impl FnOnce() -> Self) -> Self {
        if self.problem.is_some() {
            return self;
        }
        next().and(self)
    }

    /// Adds an independent part of the same step; both problems are told.
    pub fn and(mut self, other: Self) -> Self {
        self.counts += other.counts;
        self.problem = match (self.problem, other.problem) {
            (Some(one), Some(two)) => Some(format!("{one}; {two}")),
            (one, two) => one.or(two),
        };
        self
    }
}

fn format(_: &Workspace) -> Done {
    Done::all([cargo(&["fmt", "--all", "--check"])])
}

fn ui(_: &Workspace) -> Done {
    Done::all([npm("lint")]).then(|| Done::counted(npm("test"), Teller::Vitest))
}

fn ui_build(_: &Workspace) -> Done {
    Done::all([npm("build")])
}

/// A script of the UI.
fn npm(script: &str) -> Command {
    let mut command = tool("npm", &["run", "--silent", script]);
    command.current_dir(root().join("ui"));
    command
}

fn clippy(_: &Workspace) -> Done {
    Done::all([cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])])
}

/// The same targets of the same packages as the tests, so that features unify alike and nothing is built twice.
fn build(_: &Workspace) -> Done {
    Done::all([cargo(&["build", "--workspace", "--all-targets"])])
}

fn rust(workspace: &Workspace) -> Done {
    let programs = workspace.test_programs().into_iter().filter(|name| name != DESKTOP);
    let mut targets = vec!["--lib".to_owned(), "--bins".to_owned()];
    targets.extend(programs.map(|name| format!("--test={name}")));
    tests(&targets, &[])
}

fn desktop(workspace: &Workspace) -> Done {
    if !workspace.test_programs().iter().any(|name| name == DESKTOP) {
        return Done::failed(format!("there is no test program `{DESKTOP}` in the workspace"));
    }
    tests(&[format!("--test={DESKTOP}")], &["--test-threads=1"])
}

/// By cargo-nextest where it is there: each test in a process of its own, and all processors busy.
fn tests(targets: &[String], how: &[&str]) -> Done {
    if there_is("cargo-nextest") {
        let mut command = cargo(&["nextest", "run", "--workspace", "--no-fail-fast"]);
        command.args(targets).args(how);
        Done::counted(command, Teller::Nextest)
    } else {
        println!(
            "cargo-nextest is not there (`cargo install cargo-nextest --locked`), so `cargo test` runs them, which takes longer."
        );
        let mut command = cargo(&["test", "--workspace", "--no-fail-fast"]);
        command.args(targets).arg("--").args(how);
        Done::counted(command, Teller::Libtest)
    }
}

fn doc(_: &Workspace) -> Done {
    Done::counted(cargo(&["test", "--workspace", "--doc"]), Teller::Libtest)
}

fn generated(_: &Workspace) -> Done {
    bindings::check().map_or_else(Done::failed, |()| Done::default())
}

fn browser(workspace: &Workspace) -> Done {
    let mut command = tool("npm", &["run", "--silent", "test"]);
    command.current_dir(root().join("tests/browser"));
    command.env("CONCORD_DEVHOST_BIN", program(&workspace.programs(), "devhost"));
    Done::counted(command, Teller::Playwright)
}

fn heading(title: &str) {
    println!("\n=== {title} ===");
}

/// How long a step takes is what this clock is for.
#[allow(clippy::disallowed_methods, reason = "measures the steps for the table; decides nothing")]
fn now() -> Instant {
    Instant::now()
}

/// The table of steps, the reasons of those that failed, the plain line, and how many failed.
fn closing(rows: &[(&str, &Done, Duration)]) -> (String, u64) {
    let mut sum = Counts::default();
    let mut text = String::from("\n=== What came of it ===\n");
    let _ = writeln!(text, "{:<12} {:>8} {:>7} {:>7} {:>8}", "step", "outcome", "passed", "failed", "time");
    for (name, done, took) in rows {
        sum += done.counts;
        let outcome = if done.problem.is_none() { "ok" } else { "FAILED" };
        let seconds = took.as_secs();
        let time = format!("{}:{:02}", seconds / 60, seconds % 60);
        let Counts { passed, failed, skipped } = done.counts;
        let note = if skipped == 0 { String::new() } else { format!("{skipped} skipped") };
        let _ = writeln!(
            text,
            "{}",
            format!("{name:<12} {outcome:>8} {passed:>7} {failed:>7} {time:>8}  {note}").trim_end()
        );
    }
    for (name, done, _) in rows {
        if let Some(problem) = &done.problem {
            let _ = writeln!(text, "{name}: {problem}");
        }
    }
    let _ = writeln!(text, "{} passed, {} failed", sum.passed, sum.failed);
    (text, sum.failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(passed: u64, failed: u64, skipped: u64) -> Counts {
        Counts { passed, failed, skipped }
    }

    #[test]
    fn a_step_fails_whatever_the_reason() {
        for (ok, counted, failed) in [
            (true, Some(counts(3, 0, 0)), 0),
            (true, Some(counts(3, 0, 2)), 0),
            (true, Some(counts(3, 1, 0)), 1),
            (false, Some(counts(3, 2, 0)), 2),
            (false, Some(counts(3, 0, 0)), 1),
            (false, None, 1),
            (true, None, 1),
        ] {
            let done = Done::of("tool", ok, counted);
            assert_eq!(done.counts.failed, failed, "{ok} {counted:?}");
            assert_eq!(done.problem.is_some(), failed > 0, "{ok} {counted:?}");
        }
    }

    #[test]
    fn parts_of_a_step_add_up_until_one_fails() {
        let passed = |passed| Done { counts: counts(passed, 0, 0), problem: None };
        assert_eq!(passed(2).then(|| passed(3)).counts, counts(5, 0, 0));
        let both = Done::failed("one").and(passed(2)).and(Done::failed("two"));
        assert_eq!((both.counts, both.problem.as_deref()), (counts(2, 2, 0), Some("one; two")));
        let failed = passed(2).then(|| Done::failed("broken")).then(|| passed(3));
        assert_eq!((failed.counts, failed.problem.as_deref()), (counts(2, 1, 0), Some("broken")));
    }

    #[test]
    fn the_last_line_is_the_sum_alone() {
        let format = Done::default();
        let ui = Done { counts: counts(14, 0, 1), problem: None };
        let rust = Done { counts: counts(100, 2, 0), problem: Some("`cargo nextest run` failed".to_owned()) };
        let second = Duration::from_secs(1);
        let (text, failed) =
            closing(&[("format", &format, second), ("ui", &ui, second * 75), ("rust", &rust, second * 3)]);
        assert_eq!(failed, 2);
        assert!(text.ends_with("\n114 passed, 2 failed\n"), "{text}");
        assert!(text.contains("1:15  1 skipped\n"), "{text}");
        assert!(text.contains("\nrust: `cargo nextest run` failed\n"), "{text}");
        assert!(text.lines().all(|line| line == line.trim_end()), "{text}");
    }

    #[test]
    fn a_step_alone_comes_with_what_it_needs() {
        let names =
            |name| with_needs(name).map(|steps| steps.iter().map(|step| step.name).collect::<Vec<_>>());
        assert_eq!(names("browser").unwrap(), ["ui-build", "build", "browser"]);
        assert_eq!(names("format").unwrap(), ["format"]);
        assert_eq!(names("nonsense"), None);
    }

    #[test]
    fn steps_come_after_what_they_need() {
        for (place, step) in STEPS.iter().enumerate() {
            for needed in step.needs {
                let there = STEPS.iter().take(place).any(|earlier| earlier.name == *needed);
                assert!(there, "{} needs {needed} before it", step.name);
            }
        }
    }
}
