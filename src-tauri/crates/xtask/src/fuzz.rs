//! `cargo xtask fuzz`: the long run of the targets in `tests/hostile`, under libFuzzer. The short run is one of the ordinary tests.
//!
//! A target runs for so many minutes of processor time, so that a busy computer makes the run longer and not shorter. What
//! libFuzzer learns stays in `target/fuzz-corpus` and is where the next run begins; [`crate::fuzz_counts`] adds up what was run.

use std::{
    collections::VecDeque,
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
    sync::{Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    fuzz_counts::{Counts, Ran},
    tool::{ask, cargo, line, run, there_is, tool},
    workspace::{program, root, short},
};

/// Minutes for each target where none are said.
const MINUTES: u64 = 2;
/// An input that takes the processor for longer is a finding.
const TOO_SLOW: Duration = Duration::from_secs(10);
/// An input that is tried again is given up after this much processor time.
const HANGS: Duration = Duration::from_secs(60);

/// What to run.
#[derive(Debug, PartialEq)]
struct Wanted {
    minutes: u64,
    at_once: usize,
    /// All where none is named.
    targets: Vec<String>,
}

/// Where everything is.
struct Places {
    /// `tests/fuzz`.
    folder: PathBuf,
    /// The built programs.
    programs: PathBuf,
    /// What libFuzzer has learnt, and the counts.
    learnt: PathBuf,
}

/// Runs targets, each for so many minutes of processor time, and says what came of all that was ever run.
///
/// # Errors
/// When a target found something: what it was given is in `tests/fuzz/artifacts`.
pub fn check(arguments: &[String]) -> Result<(), String> {
    let folder = root().join("tests/fuzz");
    let known = targets(&folder)?;
    let wanted = read(arguments, &known)?;
    let places = built(folder, &wanted)?;
    let waiting = Mutex::new(VecDeque::from(wanted.targets.clone()));
    let counts = Mutex::new(Counts::read(&places.learnt)?);
    let found: Mutex<Vec<String>> = Mutex::default();
    thread::scope(|scope| {
        let runners: Vec<_> = (0..wanted.at_once)
            .map(|_| scope.spawn(|| in_turn(&places, wanted.minutes, &waiting, &counts, &found)))
            .collect();
        runners
            .into_iter()
            .try_for_each(|runner| runner.join().unwrap_or_else(|_| Err("A thread ended early.".to_owned())))
    })?;
    print!("\n{}", held(&counts).table(&known));
    println!("\nAll that was run since {} began; delete it to begin anew.", short(&places.learnt));
    let found = held(&found);
    if found.is_empty() {
        println!("Passed: {} targets without a finding.", wanted.targets.len());
        Ok(())
    } else {
        Err(format!(
            "{} findings:\n  {}\nA target's program, given such a file, repeats it. Once it is mended, put the file beside the seeds \
             of its target, where the ordinary tests try it.",
            found.len(),
            found.join("\n  ")
        ))
    }
}

/// A lock that another thread let fall still guards sound values here: they are changed in one step.
fn held<T>(value: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    value.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The targets, by their programs.
fn targets(folder: &Path) -> Result<Vec<String>, String> {
    let programs = folder.join("fuzz_targets");
    let mut names: Vec<String> =
        files(&programs)?.iter().filter_map(|file| file.strip_suffix(".rs").map(str::to_owned)).collect();
    names.sort();
    Ok(names)
}

/// The names of the files in a folder.
fn files(folder: &Path) -> Result<Vec<String>, String> {
    let entries = fs::read_dir(folder).map_err(|problem| format!("{}: {problem}", short(folder)))?;
    Ok(entries.flatten().filter_map(|file| file.file_name().into_string().ok()).collect())
}

fn read(arguments: &[String], known: &[String]) -> Result<Wanted, String> {
    let mut wanted = Wanted { minutes: MINUTES, at_once: 1, targets: Vec::new() };
    let mut rest = arguments.iter();
    let number = |text: Option<&String>, most: u64| {
        text.and_then(|text| text.parse().ok()).filter(|number| (1..=most).contains(number))
    };
    while let Some(argument) = rest.next() {
        if argument == "--minutes" {
            wanted.minutes = number(rest.next(), 10_000).ok_or("--minutes takes a number from 1 to 10000")?;
        } else if argument == "--at-once" {
            wanted.at_once = number(rest.next(), 256)
                .and_then(|number| usize::try_from(number).ok())
                .ok_or("--at-once takes a number from 1 to 256")?;
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

/// Builds the programs.
fn built(folder: PathBuf, wanted: &Wanted) -> Result<Places, String> {
    if !["c++", "g++", "clang++"].iter().any(|compiler| there_is(compiler)) {
        return Err(
            "libFuzzer is written in C++, and there is no compiler for it: sudo apt-get install g++".into()
        );
    }
    if !there_is("cargo-fuzz") {
        println!("cargo-fuzz is not there; it is built now, which takes some minutes.");
        run(&mut cargo(&["install", "cargo-fuzz", "--locked"]))
            .map_err(|problem| format!("{problem} It needs the network once; all the rest is here."))?;
    }
    println!("The first build takes a while: everything is built once more, with what libFuzzer watches.");
    // Nothing here is unsafe, so a sanitizer would only cost time and a nightly toolchain.
    let mut build = cargo(&["fuzz", "build", "--fuzz-dir", "tests/fuzz", "--sanitizer", "none"]);
    if let [only] = wanted.targets.as_slice() {
        build.arg(only);
    }
    run(&mut build)?;
    let manifest = folder.join("Cargo.toml");
    let mut metadata = cargo(&["metadata", "--no-deps", "--format-version", "1"]);
    metadata.arg("--manifest-path").arg(&manifest);
    let told = ask(&mut metadata).and_then(|text| serde_json::from_str::<Value>(&text).ok());
    let target = told.as_ref().and_then(|told| told.get("target_directory")).and_then(Value::as_str);
    let target = target.ok_or_else(|| format!("`{}` failed; run it to see why.", line(&metadata)))?;
    let rustc = ask(&mut tool("rustc", &["-vV"])).unwrap_or_default();
    let host =
        rustc.lines().find_map(|line| line.strip_prefix("host: ")).ok_or("`rustc -vV` names no host")?;
    Ok(Places {
        programs: Path::new(target).join(host).join("release"),
        learnt: root().join("target/fuzz-corpus"),
        folder,
    })
}

/// Runs targets one after the other until none waits any more.
fn in_turn(
    places: &Places,
    minutes: u64,
    waiting: &Mutex<VecDeque<String>>,
    counts: &Mutex<Counts>,
    found: &Mutex<Vec<String>>,
) -> Result<(), String> {
    loop {
        let Some(name) = held(waiting).pop_front() else { return Ok(()) };
        println!("{name}: {minutes} minutes of processor time");
        let ran = one(places, &name, Duration::from_secs(minutes * 60))?;
        println!("{name}: {}", ran.line());
        held(found).extend(ran.findings.iter().cloned());
        // Another run may have counted meanwhile.
        let mut counts = held(counts);
        *counts = Counts::read(&places.learnt)?;
        counts.add(&name, &ran);
        counts.keep()?;
    }
}

fn one(places: &Places, name: &str, budget: Duration) -> Result<Ran, String> {
    // What libFuzzer learns goes here; the seeds stay few.
    let learnt = places.learnt.join(name);
    let artifacts = places.folder.join("artifacts").join(name);
    for folder in [&learnt, &artifacts] {
        fs::create_dir_all(folder).map_err(|problem| format!("{}: {problem}", short(folder)))?;
    }
    let log = places.learnt.join(format!("{name}.log"));
    let mut all = Ran::default();
    while all.cpu < budget && all.findings.is_empty() {
        let before = files(&artifacts)?;
        let mut command = Command::new(program(&places.programs, name));
        command.current_dir(root()).arg(&learnt).arg(places.folder.join("seeds").join(name)).args([
            format!("-dict={}", places.folder.join("dictionary.txt").display()),
            format!("-artifact_prefix={}/", artifacts.display()),
            "-max_len=8192".to_owned(),
            // By the clock on the wall: what a busy computer did to it is found out below.
            "-timeout=120".to_owned(),
            "-rss_limit_mb=2048".to_owned(),
            // Nobody else puts anything into its folder.
            "-reload=0".to_owned(),
            "-print_final_stats=1".to_owned(),
        ]);
        let (ended, cpu) = watched(&mut command, &log, budget.saturating_sub(all.cpu), AtLimit::Asked)?;
        let said = fs::read_to_string(&log).unwrap_or_default();
        all.add(&Ran::told(&said, cpu));
        let mut new: Vec<String> = files(&artifacts)?;
        new.retain(|file| !before.contains(file));
        for file in &new {
            let file = artifacts.join(file);
            if is_slow(&file) && !slow_again(places, name, &file)? {
                fs::remove_file(&file).map_err(|problem| format!("{}: {problem}", short(&file)))?;
            } else {
                all.findings.push(short(&file));
            }
        }
        if !ended.success() && new.is_empty() {
            return Err(format!("{name} ended early ({ended}); {} says why.", short(&log)));
        }
        // It ends well before its time only when there is nothing to try.
        if ended.success() {
            break;
        }
    }
    Ok(all)
}

/// Whether libFuzzer complains of the time that an input took.
fn is_slow(artifact: &Path) -> bool {
    let name = artifact.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    name.starts_with("timeout-") || name.starts_with("slow-unit-")
}

/// Whether an input takes long by the processor's clock too: a busy or halted computer makes everything slow.
fn slow_again(places: &Places, name: &str, input: &Path) -> Result<bool, String> {
    let mut command = Command::new(program(&places.programs, name));
    command.current_dir(root()).arg(input).arg("-timeout=100000");
    let log = places.learnt.join(format!("{name}.again.log"));
    let (ended, cpu) = watched(&mut command, &log, HANGS, AtLimit::Ended)?;
    Ok(!ended.success() || cpu > TOO_SLOW)
}

/// What happens to a program whose time is up.
#[derive(Clone, Copy, PartialEq)]
enum AtLimit {
    /// It is asked to end after its current input.
    Asked,
    /// It is ended.
    Ended,
}

/// Runs a program until it ends or has had so much processor time; what it says goes into the file.
fn watched(
    command: &mut Command,
    log: &Path,
    limit: Duration,
    then: AtLimit,
) -> Result<(ExitStatus, Duration), String> {
    let shown = line(command);
    let failed = |problem: std::io::Error| format!("`{shown}`: {problem}");
    let file = File::create(log).map_err(|problem| format!("{}: {problem}", short(log)))?;
    let other = file.try_clone().map_err(failed)?;
    let mut child = command.stdin(Stdio::null()).stdout(file).stderr(other).spawn().map_err(failed)?;
    let started = now();
    let mut cpu = Duration::ZERO;
    loop {
        if let Some(ended) = child.try_wait().map_err(failed)? {
            return Ok((ended, cpu));
        }
        // Where the system does not tell, the clock on the wall has to do.
        cpu = cpu_of(child.id()).unwrap_or_else(|| now().saturating_duration_since(started)).max(cpu);
        if cpu >= limit {
            match then {
                AtLimit::Asked => {
                    let _ = Command::new("kill").args(["-USR1", &child.id().to_string()]).status();
                }
                AtLimit::Ended => child.kill().map_err(failed)?,
            }
        }
        pause();
    }
}

/// The processor time of a process, in its own code and in the system's.
fn cpu_of(process: u32) -> Option<Duration> {
    cpu_in(&fs::read_to_string(format!("/proc/{process}/stat")).ok()?)
}

/// The processor time in a line of `/proc/PID/stat`, which counts in hundredths of a second.
fn cpu_in(stat: &str) -> Option<Duration> {
    // The name of the program stands in parentheses and may hold anything.
    let mut fields = stat.get(stat.rfind(')')? + 1..)?.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(Duration::from_millis((user + system) * 10))
}

/// How long a target ran is what this clock is for.
#[allow(
    clippy::disallowed_methods,
    reason = "measures the targets where the system does not; decides nothing else"
)]
fn now() -> Instant {
    Instant::now()
}

#[allow(clippy::disallowed_methods, reason = "no event tells that a process has had its processor time")]
fn pause() {
    thread::sleep(Duration::from_millis(500));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_to_run_is_read() {
        let known = ["a".to_owned(), "b".to_owned()];
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let wanted =
            |minutes, at_once, targets: &[&str]| Ok(Wanted { minutes, at_once, targets: words(targets) });
        assert_eq!(read(&[], &known), wanted(MINUTES, 1, &["a", "b"]));
        assert_eq!(read(&words(&["--minutes", "20", "b"]), &known), wanted(20, 1, &["b"]));
        assert_eq!(read(&words(&["a", "--at-once", "2"]), &known), wanted(MINUTES, 2, &["a"]));
        for wrong in
            [&["c"][..], &["--minutes"], &["--minutes", "0"], &["--minutes", "x"], &["--at-once", "0"]]
        {
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
    fn processor_time_is_read() {
        let stat = "4711 (a) b (c)) S 1 2 3 4 5 6 7 8 9 10 250 50 0 0 20 0 1 0 99 1000";
        assert_eq!(cpu_in(stat), Some(Duration::from_secs(3)));
        assert_eq!(cpu_in("4711 (a) S 1"), None);
        assert_eq!(cpu_in(""), None);
    }

    #[test]
    fn a_slow_input_is_told_from_a_broken_promise() {
        for (name, slow) in
            [("timeout-1f", true), ("slow-unit-1f", true), ("crash-1f", false), ("oom-1f", false)]
        {
            assert_eq!(is_slow(&Path::new("artifacts").join(name)), slow, "{name}");
        }
    }
}
