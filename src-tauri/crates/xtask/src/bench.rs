//! Measures the engine beside its floors: what a run costs per record, and that this does not grow with their number. Then the
//! whole program beside others at the same work against our sandboxes ([`peers`]), at an account's limit of calls, and under
//! faults ([`fault_table`]). Tables and plots are left in `target/bench`.
//!
//! Each phase of the engine is a process of its own over the same data folder, so that its peak of memory is its own. The source
//! makes its records up in the same process; nothing goes over a network.

use std::{fs, path::Path, process::Command};

use serde_json::Value;

use crate::{
    fault_table,
    peers::{self, Field, Measured},
    plot::{self, Bar},
    tool::{ask, cargo, line, run},
    workspace::{Workspace, program},
};

/// Phases in their order: each leaves the data folder as the next one needs it.
const PHASES: [&str; 6] =
    ["first load", "unchanged", "1 % changed", "incremental, 1 %", "incremental, none", "outbound"];

/// What a phase is compared with.
const FLOORS: [(&str, &str); 2] = [("first load", "bulk insert"), ("unchanged", "floor")];

/// The least records per second of one core.
const BARS: [(&str, f64); 2] = [("first load", 60_000.0), ("unchanged", 150_000.0)];

/// The most memory that a recon without changes may take, whatever the number of records.
const MOST_MEMORY_MIB: f64 = 150.0;

/// How much more of it ten times as many records may take.
const MOST_GROWTH: f64 = 1.3;

/// How many times the floor a record without changes is meant to cost.
const MOST_FLOORS: f64 = 2.0;

/// The most calls of an incremental run without changes.
const MOST_IDLE_CALLS: u64 = 3;

/// How much dearer a record may be among ten times as many.
const STEEPEST: f64 = 1.5;

/// One phase at one size.
#[derive(Debug, Clone, PartialEq)]
struct Cost {
    phase: String,
    records: u64,
    seconds: f64,
    cpu: f64,
    peak_mib: f64,
    calls: u64,
}

impl Cost {
    fn parse(text: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(text.lines().next()?).ok()?;
        Some(Self {
            phase: value.get("phase")?.as_str()?.to_owned(),
            records: value.get("records")?.as_u64()?,
            seconds: value.get("seconds")?.as_f64()?,
            cpu: value.get("cpu")?.as_f64()?,
            peak_mib: value.get("peakKib")?.as_f64()? / 1024.0,
            calls: value.get("calls")?.as_u64()?,
        })
    }

    fn rate(&self) -> f64 {
        self.records as f64 / self.seconds.max(1e-9)
    }

    /// Processor time: what else the machine does hardly touches it.
    fn micros_per_record(&self) -> f64 {
        self.cpu * 1e6 / self.records.max(1) as f64
    }

    /// How many records one core does in a second.
    fn rate_of_core(&self) -> f64 {
        self.records as f64 / self.cpu.max(1e-9)
    }
}

/// What can be measured apart from the rest.
const PARTS: [&str; 4] = ["engine", "beside", "limit", "faults"];

/// What was asked for on the command line.
#[derive(Debug, PartialEq)]
struct Asked {
    /// Numbers of records of the engine and of the others.
    engine: Vec<u64>,
    beside: Vec<u64>,
    latencies: Vec<u64>,
    /// Records of the run at an account's limit, and of the runs under faults.
    limit: u64,
    faults: u64,
    peers: Vec<String>,
    parts: Vec<String>,
}

impl Asked {
    fn read(arguments: &[String]) -> Result<Self, String> {
        let mut asked = Self {
            engine: vec![10_000, 100_000, 1_000_000],
            beside: vec![10_000, 50_000, 100_000, 1_000_000],
            latencies: vec![0, 50],
            limit: 50_000,
            faults: 5_000,
            peers: peers::keys().into_iter().map(str::to_owned).collect(),
            parts: ["engine", "beside", "limit"].map(str::to_owned).to_vec(),
        };
        let mut rest = arguments.iter();
        while let Some(option) = rest.next() {
            match option.as_str() {
                "--quick" => {
                    asked.engine = vec![10_000, 100_000];
                    asked.beside = vec![10_000];
                    asked.limit = 10_000;
                }
                "--engine" => asked.parts = vec!["engine".to_owned()],
                "--faults" => asked.parts = vec!["faults".to_owned()],
                "--only" => asked.parts = names(option, rest.next(), &PARTS)?,
                "--peers" if rest.as_slice().first().is_some_and(|one| one == "none") => {
                    rest.next();
                    asked.peers.clear();
                }
                "--peers" => asked.peers = names(option, rest.next(), &peers::keys())?,
                "--latencies" => asked.latencies = numbers(option, rest.next())?,
                "--sizes" => {
                    asked.engine = numbers(option, rest.next())?;
                    asked.beside.clone_from(&asked.engine);
                    let largest = asked.engine.iter().copied().max().unwrap_or(0);
                    (asked.limit, asked.faults) = (largest, largest);
                }
                _ => {
                    return Err(format!(
                        "`cargo xtask bench` does not know `{option}`; `cargo xtask help` tells what it takes."
                    ));
                }
            }
        }
        Ok(asked)
    }

    fn has(&self, part: &str) -> bool {
        self.parts.iter().any(|one| one == part)
    }
}

fn list<T>(
    option: &str,
    given: Option<&String>,
    read: impl Fn(&str) -> Result<T, String>,
) -> Result<Vec<T>, String> {
    let given = given.ok_or_else(|| format!("`{option}` takes a list with commas between."))?;
    given.split(',').map(|one| read(one.trim())).collect()
}

fn numbers(option: &str, given: Option<&String>) -> Result<Vec<u64>, String> {
    list(option, given, |one| one.parse().map_err(|_| format!("`{option}`: `{one}` is no number.")))
}

fn names(option: &str, given: Option<&String>, known: &[&str]) -> Result<Vec<String>, String> {
    list(option, given, |one| {
        let found = known.contains(&one).then(|| one.to_owned());
        found.ok_or_else(|| format!("`{option}`: there is no `{one}`; there are {}.", known.join(", ")))
    })
}

/// Runs the benchmark as the arguments say; `--users` measures the list of users instead.
///
/// # Errors
/// When something cannot be measured, or does not hold that must hold on every machine.
pub fn measure(arguments: &[String]) -> Result<(), String> {
    match arguments {
        [one] if one == "--users" => return pages(USERS),
        [one, many] if one == "--users" => {
            return pages(many.parse().map_err(|_| format!("`{many}` is no number of users."))?);
        }
        _ => {}
    }
    let asked = Asked::read(arguments)?;
    let programs = Workspace::read()?.released();
    let results = programs.with_file_name("bench");
    fs::create_dir_all(&results)
        .map_err(|problem| format!("{} cannot be made: {problem}.", results.display()))?;
    let mut report = Report::new(arguments);
    let mut problems = Vec::new();
    if asked.has("engine") {
        run(&mut cargo(&["build", "--release", "-p", "engine", "--example", "bench"]))?;
        run(&mut cargo(&["build", "--release", "-p", "store", "--example", "bulk_insert"]))?;
        let costs = costs(&asked.engine, &programs)?;
        report.part("The engine beside its floors", &table(&costs), &bars(&costs));
        keep(&results, "engine.svg", &plot::bars("Records per second in one process", &groups(&costs)))?;
        problems = self::problems(&costs);
    }
    if asked.has("beside") || asked.has("limit") || asked.has("faults") {
        let field = Field::ready(&asked.peers)?;
        report.absent(&field.absent);
        if asked.has("beside") {
            let joined = |numbers: &[u64]| numbers.iter().map(u64::to_string).collect::<Vec<_>>().join(",");
            let measured =
                field.measure("side_by_side.py", &[&joined(&asked.beside), &joined(&asked.latencies)])?;
            report.part("Beside others", &peers::tables(&measured), &peers::bars(&measured));
            type Plot = (&'static str, &'static str, fn(&Measured) -> f64);
            let plots: [Plot; 2] = [
                ("peers.svg", "Records per second against our sandboxes", Measured::rate),
                ("processor.svg", "Records per second of processor time", Measured::rate_of_processor),
            ];
            for (file, title, rate) in plots {
                keep(&results, file, &plot::bars(title, &peers::groups(&measured, rate)))?;
            }
        }
        if asked.has("limit") {
            let measured = field.measure("limit.py", &[&asked.limit.to_string()])?;
            let title = "At a limit of 190 calls in 10 s, with answers after 150 ms";
            report.part(title, &peers::limit_table(&measured), &peers::limit_bars(&measured));
        }
        if asked.has("faults") {
            let cells = fault_table::measure(&field, asked.faults)?;
            report.part("Under faults", &fault_table::table(&cells), &[]);
            problems.extend(fault_table::problems(&cells));
        }
    }
    let file = format!("{}.md", if asked.parts == ["faults"] { "faults" } else { "results" });
    keep(&results, &file, &report.text)?;
    println!("\nThe tables and plots are in {}.", results.display());
    if problems.is_empty() { Ok(()) } else { Err(problems.join("\n")) }
}

/// What is told at the end and kept: tables in Markdown.
struct Report {
    text: String,
}

impl Report {
    fn new(arguments: &[String]) -> Self {
        let command = std::iter::once("cargo xtask bench").chain(arguments.iter().map(String::as_str));
        let command = command.collect::<Vec<_>>().join(" ");
        Self { text: format!("`{command}` on {}\n", machine()) }
    }

    fn part(&mut self, title: &str, table: &str, bars: &[(bool, String)]) {
        let mut text = format!("\n## {title}\n\n{}\n", table.trim());
        if !bars.is_empty() {
            text.push('\n');
        }
        for (met, words) in bars {
            text.push_str(&format!("- {}: {words}\n", if *met { "met" } else { "**missed**" }));
        }
        println!("{text}");
        self.text.push_str(&text);
    }

    fn absent(&mut self, absent: &[String]) {
        for words in absent {
            self.text.push_str(&format!("\n{words}\n"));
        }
    }
}

/// The processor, and how busy the machine is with other things: wall clocks are worth what that says.
fn machine() -> String {
    let information = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = information.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or_default().to_owned();
    format!(
        "{cores} cores of {}{}",
        name.map_or("an unknown processor", |(_, name)| name),
        if load.is_empty() { String::new() } else { format!(", load {load} before it began") }
    )
}

fn keep(folder: &Path, name: &str, text: &str) -> Result<(), String> {
    let file = folder.join(name);
    fs::write(&file, text).map_err(|problem| format!("{} cannot be written: {problem}.", file.display()))
}

/// The phases of the engine and their floors at these sizes.
fn costs(sizes: &[u64], programs: &Path) -> Result<Vec<Cost>, String> {
    let examples = programs.join("examples");
    let mut costs = Vec::new();
    for size in sizes {
        println!("\n{size} records");
        let folder = programs.join("bench").join(size.to_string());
        empty(&folder)?;
        let cost = |command: &mut Command| {
            let cost = ask(command).and_then(|said| Cost::parse(&said));
            let cost = cost.ok_or_else(|| format!("`{}` failed; run it to see why.", line(command)))?;
            println!("  {:<18} {:>9.2} s", cost.phase, cost.seconds);
            Ok::<Cost, String>(cost)
        };
        let bench = |phase: &str| {
            let mut command = Command::new(program(&examples, "bench"));
            command.arg(phase).arg(size.to_string()).arg(&folder);
            command
        };
        costs.push(cost(&mut bench("floor"))?);
        costs.push(cost(Command::new(program(&examples, "bulk_insert")).arg(size.to_string()).arg(&folder))?);
        for phase in PHASES {
            costs.push(cost(&mut bench(phase))?);
        }
        fs::remove_dir_all(&folder)
            .map_err(|problem| format!("{} cannot be removed: {problem}.", folder.display()))?;
    }
    Ok(costs)
}

/// The bars of a plot: the phases and their floors at each size.
fn groups(costs: &[Cost]) -> Vec<(String, Vec<Bar>)> {
    let mut groups: Vec<(String, Vec<Bar>)> = Vec::new();
    for cost in costs {
        let title = format!("{} records", cost.records);
        let ours = PHASES.contains(&cost.phase.as_str());
        let bar = Bar { name: cost.phase.clone(), rate: cost.rate(), ours };
        match groups.iter_mut().find(|(name, _)| *name == title) {
            Some((_, bars)) => bars.push(bar),
            None => groups.push((title, vec![bar])),
        }
    }
    groups
}

/// Users whose list is measured.
const USERS: u64 = 1_000_000;
/// The longest that a page of their list may take, in milliseconds.
const SLOWEST_PAGE_MS: f64 = 100.0;

/// Measures the list of so many users: every kind of page in every order, by the program that fills and asks the repository.
fn pages(records: u64) -> Result<(), String> {
    run(&mut cargo(&["build", "--release", "-p", "store", "--example", "people"]))?;
    let programs = Workspace::read()?.released();
    let folder = programs.join("bench").join("users");
    empty(&folder)?;
    let mut command = Command::new(program(&programs.join("examples"), "people"));
    command.arg(records.to_string()).arg(&folder);
    let said = ask(&mut command).ok_or_else(|| format!("`{}` failed; run it to see why.", line(&command)))?;
    fs::remove_dir_all(&folder)
        .map_err(|problem| format!("{} cannot be removed: {problem}.", folder.display()))?;
    let pages: Vec<Page> = said.lines().filter_map(Page::parse).collect();
    let slow: Vec<&Page> = pages.iter().filter(|page| page.ms > SLOWEST_PAGE_MS).collect();
    let slowest = pages.iter().max_by(|a, b| a.ms.total_cmp(&b.ms));
    let slowest = slowest.ok_or("the program measured no page.")?;
    println!(
        "{} pages of the list of {records} users; the slowest takes {:.1} ms: {}",
        pages.len(),
        slowest.ms,
        slowest.name
    );
    if slow.is_empty() {
        return Ok(());
    }
    let lines: Vec<String> =
        slow.iter().map(|page| format!("  {:>8.1} ms  {}", page.ms, page.name)).collect();
    Err(format!("{} pages take more than {SLOWEST_PAGE_MS} ms:\n{}", slow.len(), lines.join("\n")))
}

/// How long one page of a list takes.
struct Page {
    name: String,
    ms: f64,
}

impl Page {
    fn parse(text: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(text).ok()?;
        Some(Self { name: value.get("page")?.as_str()?.to_owned(), ms: value.get("ms")?.as_f64()? })
    }
}

fn empty(folder: &Path) -> Result<(), String> {
    let failed = |problem| format!("{} cannot be made: {problem}.", folder.display());
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(failed)?;
    }
    fs::create_dir_all(folder).map_err(failed)
}

fn find<'c>(costs: &'c [Cost], phase: &str, records: u64) -> Option<&'c Cost> {
    costs.iter().find(|c| c.phase == phase && c.records == records)
}

fn floor_of(phase: &str) -> Option<&'static str> {
    FLOORS.iter().find(|(name, _)| *name == phase).map(|(_, floor)| *floor)
}

/// A line for each phase at each size.
fn table(costs: &[Cost]) -> String {
    let mut text = String::from(
        "| phase | records | wall s | CPU s | records/s | CPU us/record | MiB | calls | wall x floor | CPU x floor |\n\
         |---|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n",
    );
    for cost in costs {
        let floor = floor_of(&cost.phase).and_then(|floor| find(costs, floor, cost.records));
        let ratio = |ours: f64, floor: f64| format!("{:.1}", ours / floor.max(1e-9));
        let (wall, cpu) = floor.map_or((String::new(), String::new()), |floor| {
            (ratio(cost.seconds, floor.seconds), ratio(cost.cpu, floor.cpu))
        });
        text.push_str(&format!(
            "| {} | {} | {:.2} | {:.2} | {:.0} | {:.2} | {:.0} | {} | {wall} | {cpu} |\n",
            cost.phase,
            cost.records,
            cost.seconds,
            cost.cpu,
            cost.rate(),
            cost.micros_per_record(),
            cost.peak_mib,
            cost.calls,
        ));
    }
    text
}

/// The bars of the design, at the largest size: they depend on the machine and are told, not enforced.
fn bars(costs: &[Cost]) -> Vec<(bool, String)> {
    let largest = costs.iter().map(|c| c.records).max().unwrap_or(0);
    let mut bars: Vec<(bool, String)> = BARS
        .iter()
        .filter_map(|(phase, least)| {
            let cost = find(costs, phase, largest)?;
            let rate = cost.rate_of_core();
            Some((rate >= *least, format!("{phase}: {rate:.0} records/s of one core, the bar is {least:.0}")))
        })
        .collect();
    if let (Some(ours), Some(floor)) = (find(costs, "unchanged", largest), find(costs, "floor", largest)) {
        let times = ours.cpu / floor.cpu.max(1e-9);
        let words = format!(
            "unchanged: {times:.1} times the processor time of the floor, the bar is {MOST_FLOORS:.0}"
        );
        bars.push((times <= MOST_FLOORS, words));
    }
    bars
}

/// What must hold on every machine and does not.
fn problems(costs: &[Cost]) -> Vec<String> {
    let mut problems = Vec::new();
    for cost in costs {
        let smaller = find(costs, &cost.phase, cost.records / 10);
        if let Some(smaller) = smaller
            && PHASES.contains(&cost.phase.as_str())
            && cost.micros_per_record() > smaller.micros_per_record() * STEEPEST
        {
            problems.push(format!(
                "{}: a record costs {:.2} us among {}, but {:.2} us among {}.",
                cost.phase,
                cost.micros_per_record(),
                cost.records,
                smaller.micros_per_record(),
                smaller.records
            ));
        }
        if let Some(smaller) = smaller
            && cost.phase == "unchanged"
            && cost.peak_mib > smaller.peak_mib * MOST_GROWTH
        {
            problems.push(format!(
                "unchanged: {} records took {:.0} MiB, where {} took {:.0}.",
                cost.records, cost.peak_mib, smaller.records, smaller.peak_mib
            ));
        }
        if cost.phase == "unchanged" && cost.peak_mib > MOST_MEMORY_MIB {
            problems.push(format!(
                "unchanged: {} records took {:.0} MiB, more than {MOST_MEMORY_MIB:.0}.",
                cost.records, cost.peak_mib
            ));
        }
        if cost.phase == "incremental, none" && cost.calls > MOST_IDLE_CALLS {
            problems.push(format!(
                "incremental, none: {} calls among {} records, more than {MOST_IDLE_CALLS}.",
                cost.calls, cost.records
            ));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cost(phase: &str, records: u64, seconds: f64) -> Cost {
        Cost { phase: phase.into(), records, seconds, cpu: seconds, peak_mib: 50.0, calls: 1 }
    }

    #[test]
    fn a_line_of_a_measurement_is_read() {
        let text = r#"{"phase":"unchanged","records":10,"seconds":0.5,"cpu":0.25,"peakKib":2048,"calls":3,"done":0}"#;
        let want =
            Cost { phase: "unchanged".into(), records: 10, seconds: 0.5, cpu: 0.25, peak_mib: 2.0, calls: 3 };
        assert_eq!(Cost::parse(text), Some(want));
        assert_eq!(Cost::parse("nonsense"), None);
        assert_eq!(Cost::parse(""), None);
    }

    #[test]
    fn a_record_may_not_cost_more_among_many() {
        let straight = [cost("unchanged", 10_000, 0.1), cost("unchanged", 100_000, 1.1)];
        assert_eq!(problems(&straight), [""; 0]);
        let steep = [cost("unchanged", 10_000, 0.1), cost("unchanged", 100_000, 2.0)];
        assert_eq!(problems(&steep).len(), 1);
        let floors_are_not_ours = [cost("floor", 10_000, 0.1), cost("floor", 100_000, 2.0)];
        assert_eq!(problems(&floors_are_not_ours), [""; 0]);
    }

    #[test]
    fn memory_and_idle_calls_have_their_limits() {
        let hungry = Cost { peak_mib: 151.0, ..cost("unchanged", 10, 1.0) };
        let growing = [cost("unchanged", 10, 1.0), Cost { peak_mib: 66.0, ..cost("unchanged", 100, 9.0) }];
        assert_eq!(problems(&growing).len(), 1);
        let chatty = Cost { calls: 4, ..cost("incremental, none", 10, 1.0) };
        assert_eq!(problems(&[hungry, chatty]).len(), 2);
    }

    #[test]
    fn the_bars_are_held_against_the_largest_size() {
        let costs = [cost("unchanged", 10, 1.0), cost("unchanged", 1_000_000, 5.0)];
        let bars = bars(&costs);
        assert_eq!(bars.iter().map(|(met, _)| *met).collect::<Vec<_>>(), [true]);
        let beside_floor = [cost("floor", 10, 1.0), cost("unchanged", 10, 3.0)];
        assert!(table(&beside_floor).contains("| 3.0 | 3.0 |"));
        let told = super::bars(&beside_floor);
        assert_eq!(told.iter().map(|(met, _)| *met).collect::<Vec<_>>(), [false, false], "{told:?}");
    }

    #[test]
    fn what_is_asked_for() {
        let read = |line: &str| Asked::read(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
        let all = read("").unwrap();
        assert_eq!(all.engine, [10_000, 100_000, 1_000_000]);
        assert_eq!(all.parts, ["engine", "beside", "limit"]);
        let quick = read("--quick --only beside").unwrap();
        assert_eq!((quick.beside, quick.limit), (vec![10_000], 10_000));
        assert_eq!(quick.parts, ["beside"]);
        let few = read("--peers dlt,singer --sizes 100,200 --latencies 0").unwrap();
        assert_eq!(few.peers, ["dlt", "singer"]);
        assert_eq!((few.beside, few.latencies, few.faults), (vec![100, 200], vec![0], 200));
        assert_eq!(read("--peers none --faults").unwrap().peers, [""; 0]);
        for (line, word) in [
            ("--peers oracle", "oracle"),
            ("--sizes many", "many"),
            ("--sizes", "--sizes"),
            ("--only speed", "engine, beside"),
            ("--fast", "--fast"),
        ] {
            let refused = read(line).unwrap_err();
            assert!(refused.contains(word), "{line}: {refused}");
        }
    }
}
