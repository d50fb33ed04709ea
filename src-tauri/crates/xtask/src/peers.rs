//! Concord and others at the same work against our sandboxes, in one run: the scripts of `tests/bench` measure, this installs
//! what they need and tells what came of it.

use std::{
    collections::BTreeSet,
    io::{BufRead as _, BufReader},
    path::PathBuf,
    process::{Command, Stdio},
};

use serde_json::Value;

use crate::{
    node,
    plot::Bar,
    python,
    tool::{cargo, line, run, tool},
    workspace::{Workspace, program, root},
};

/// The one that the others are compared with.
pub const OURS: &str = "Concord";

/// A program that the bench compares us with.
struct Peer {
    /// As it is asked for.
    key: &'static str,
    /// As it stands in the tables.
    name: &'static str,
    /// The variables that name its interpreters, and the packages that each has, as seen from `tests`.
    needs: &'static [(&'static str, &'static str)],
}

const PEERS: [Peer; 7] = [
    Peer {
        key: "script",
        name: "hubspot-api-client script",
        needs: &[("BENCH_HUBSPOT_PYTHON", "conformance/hubspot/requirements.txt")],
    },
    Peer {
        key: "one-by-one",
        name: "one call per record",
        needs: &[("BENCH_HUBSPOT_PYTHON", "conformance/hubspot/requirements.txt")],
    },
    Peer { key: "dlt", name: "dlt", needs: &[("BENCH_DLT_PYTHON", "bench/requirements-dlt.txt")] },
    Peer {
        key: "singer",
        name: "singer (tap-hubspot, target-sqlite)",
        needs: &[
            ("BENCH_TAP_PYTHON", "bench/requirements-tap.txt"),
            ("BENCH_TARGET_PYTHON", "bench/requirements-target.txt"),
        ],
    },
    Peer {
        key: "airbyte",
        name: "airbyte-source-hubspot",
        needs: &[("BENCH_AIRBYTE_PYTHON", "bench/requirements-airbyte.txt")],
    },
    Peer {
        key: "simple-salesforce",
        name: "simple-salesforce script",
        needs: &[("BENCH_SALESFORCE_PYTHON", "conformance/salesforce/requirements.txt")],
    },
    Peer { key: "jsforce", name: "jsforce script", needs: &[("BENCH_NODE", "conformance/salesforce")] },
];

/// The names by which peers are asked for.
pub fn keys() -> Vec<&'static str> {
    PEERS.iter().map(|peer| peer.key).collect()
}

/// Our released program, and the peers that are installed.
pub struct Field {
    folder: PathBuf,
    keys: Vec<&'static str>,
    environment: Vec<(&'static str, PathBuf)>,
    /// Who is not there, and why.
    pub absent: Vec<String>,
}

impl Field {
    /// Builds our program and installs the peers that are asked for. One that cannot be had stays away, and the tables say so.
    ///
    /// # Errors
    /// When our own program cannot be built.
    pub fn ready(asked: &[String]) -> Result<Self, String> {
        run(&mut cargo(&["build", "--release", "-p", "cli"]))?;
        let programs = Workspace::read()?.released();
        let folder = programs.join("bench-peers");
        let mut field = Self {
            environment: vec![("CONCORD_BIN", program(&programs, "concord"))],
            folder,
            keys: Vec::new(),
            absent: Vec::new(),
        };
        for peer in PEERS.iter().filter(|peer| asked.iter().any(|key| key == peer.key)) {
            match peer.needs.iter().try_for_each(|(variable, packages)| field.install(variable, packages)) {
                Ok(()) => field.keys.push(peer.key),
                Err(problem) => {
                    let words = format!(
                        "{} was not measured, because it could not be installed: {problem}",
                        peer.name
                    );
                    eprintln!("{words}");
                    field.absent.push(words);
                }
            }
        }
        Ok(field)
    }

    fn install(&mut self, variable: &'static str, packages: &str) -> Result<(), String> {
        if self.environment.iter().any(|(name, _)| *name == variable) {
            return Ok(());
        }
        let tests = root().join("tests");
        let interpreter = if variable == "BENCH_NODE" {
            node::check()?;
            node::install(&tests.join(packages))?;
            PathBuf::from("node")
        } else {
            let name = variable.trim_start_matches("BENCH_").trim_end_matches("_PYTHON").to_lowercase();
            python::environment(&self.folder.join(name), &tests.join(packages))?
        };
        self.environment.push((variable, interpreter));
        Ok(())
    }

    /// A script of `tests/bench` with the peers' keys after its own arguments, and what it prints, line by line.
    ///
    /// # Errors
    /// When it ends badly.
    pub fn listen(
        &self,
        script: &str,
        arguments: &[&str],
        mut heard: impl FnMut(&str),
    ) -> Result<(), String> {
        let mut command: Command = tool("python3", &[&format!("tests/bench/{script}")]);
        command.args(arguments).arg(self.keys.join(","));
        // Compiled files have no place beside the sources.
        command.envs(self.environment.iter().cloned()).env("PYTHONDONTWRITEBYTECODE", "1");
        let told = line(&command);
        println!("$ {told}");
        let failed = |problem: &dyn std::fmt::Display| format!("`{told}` failed ({problem}).");
        let mut child = match command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn() {
            Ok(child) => child,
            Err(problem) => return Err(failed(&problem)),
        };
        for text in child.stdout.take().map(BufReader::new).into_iter().flat_map(BufReader::lines) {
            heard(&text.unwrap_or_default());
        }
        match child.wait() {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(failed(&status)),
            Err(problem) => Err(failed(&problem)),
        }
    }

    /// Measures everybody with a script.
    ///
    /// # Errors
    /// When a program does not do its work.
    pub fn measure(&self, script: &str, arguments: &[&str]) -> Result<Vec<Measured>, String> {
        let mut all = Vec::new();
        self.listen(script, arguments, |text| {
            if let Some(measured) = Measured::parse(text) {
                println!("  {}", measured.line());
                all.push(measured);
            }
        })?;
        Ok(all)
    }
}

/// What one program took for one phase.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    pub system: String,
    pub who: String,
    pub phase: String,
    pub records: u64,
    pub latency: u64,
    pub seconds: f64,
    pub cpu: f64,
    pub peak_mib: f64,
    pub calls: u64,
    /// Calls that nobody can do without.
    pub least: u64,
    /// Calls that were refused over a limit.
    pub refused: u64,
}

impl Measured {
    fn parse(text: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(text).ok()?;
        let word = |key: &str| Some(value.get(key)?.as_str()?.to_owned());
        let number = |key: &str| value.get(key)?.as_u64();
        let key = word("who")?;
        Some(Self {
            system: word("system")?,
            who: PEERS.iter().find(|peer| peer.key == key).map_or(key, |peer| peer.name.to_owned()),
            phase: word("phase")?,
            records: number("records")?,
            latency: number("latency")?,
            seconds: value.get("seconds")?.as_f64()?,
            cpu: value.get("cpu")?.as_f64()?,
            peak_mib: value.get("peakKib")?.as_f64()? / 1024.0,
            calls: number("calls")?,
            least: number("least")?,
            refused: number("refused")?,
        })
    }

    /// Records per second.
    pub fn rate(&self) -> f64 {
        self.records as f64 / self.seconds.max(1e-9)
    }

    /// Records per second of processor time, which depends less on what else the machine does.
    pub fn rate_of_processor(&self) -> f64 {
        self.records as f64 / self.cpu.max(1e-9)
    }

    /// Ours for the same phase at the same latency: of as many records, else of the nearest number, because what a record
    /// costs hardly depends on how many there are.
    fn ours<'m>(&self, all: &'m [Self]) -> Option<&'m Self> {
        all.iter()
            .filter(|m| m.who == OURS)
            .filter(|m| m.system == self.system && m.phase == self.phase && m.latency == self.latency)
            .min_by_key(|m| m.records.abs_diff(self.records))
    }

    /// How many times our wall clock and our processor time this took for a record.
    fn times(&self, all: &[Self]) -> Option<(f64, f64)> {
        let ours = self.ours(all).filter(|_| self.who != OURS)?;
        let share = self.records.max(1) as f64 / ours.records.max(1) as f64;
        Some((self.seconds / ours.seconds.max(1e-9) / share, self.cpu / ours.cpu.max(1e-9) / share))
    }

    fn line(&self) -> String {
        format!(
            "{:<11} {:<36} {:<18} {:>8} {:>4} ms {:>9.2} s {:>8.2} s cpu {:>6.0} MiB {:>8} calls",
            self.system,
            self.who,
            self.phase,
            self.records,
            self.latency,
            self.seconds,
            self.cpu,
            self.peak_mib,
            self.calls
        )
    }
}

/// A table for each system, latency and number of records, with how many times as much a record takes as with us.
pub fn tables(all: &[Measured]) -> String {
    let mut seen = BTreeSet::new();
    let mut text = String::new();
    for m in all {
        if !seen.insert((&m.system, m.latency, m.records)) {
            continue;
        }
        text.push_str(&format!(
            "\n### {}, {} records, {} ms\n\n\
             | phase | program | wall s | CPU s | MiB | calls | least | records/s | wall x Concord | CPU x Concord |\n\
             |---|---|--:|--:|--:|--:|--:|--:|--:|--:|\n",
            m.system, m.records, m.latency
        ));
        let here = |o: &&Measured| o.system == m.system && o.latency == m.latency && o.records == m.records;
        let mut phases: Vec<&str> = Vec::new();
        for one in all.iter().filter(here) {
            if !phases.contains(&one.phase.as_str()) {
                phases.push(&one.phase);
            }
        }
        for phase in phases {
            for one in all.iter().filter(here).filter(|one| one.phase == phase) {
                let (wall, cpu) = one.times(all).map_or((String::new(), String::new()), |(wall, cpu)| {
                    (format!("{wall:.1}"), format!("{cpu:.1}"))
                });
                text.push_str(&format!(
                    "| {phase} | {} | {:.2} | {:.2} | {:.0} | {} | {} | {:.0} | {wall} | {cpu} |\n",
                    one.who,
                    one.seconds,
                    one.cpu,
                    one.peak_mib,
                    one.calls,
                    one.least,
                    one.rate()
                ));
            }
        }
    }
    text
}

/// How many times as long as we each peer has to take for a full import.
const AHEAD: [(&str, f64); 3] = [("script", 5.0), ("singer", 30.0), ("airbyte", 40.0)];
/// Phases that read everything, and the most calls for each that is needed.
const READING: [&str; 3] = ["full import", "unchanged", "1 % changed"];
const MOST_CALLS: f64 = 1.02;
/// Of few records, one call more is already many.
const ENOUGH_RECORDS: u64 = 50_000;

/// The bars of the side-by-side runs, each at the largest size that was measured without latency: they depend on the machine
/// and are told, not enforced.
pub fn bars(all: &[Measured]) -> Vec<(bool, String)> {
    let mut bars = Vec::new();
    for (key, least) in AHEAD {
        let name = PEERS.iter().find(|peer| peer.key == key).map_or(key, |peer| peer.name);
        let largest = all
            .iter()
            .filter(|m| m.who == name && m.latency == 0 && m.phase == "full import")
            .max_by_key(|m| m.records);
        let Some((m, (wall, cpu))) = largest.and_then(|m| Some((m, m.times(all)?))) else { continue };
        let words = format!(
            "{name}: {wall:.1} times our wall clock and {cpu:.1} times our processor time for the full import of {} records; \
             the bar is {least:.0} times",
            m.records
        );
        bars.push((wall >= least, words));
    }
    for m in all.iter().filter(|m| {
        m.who == OURS
            && m.system == "hubspot"
            && m.latency == 0
            && m.records >= ENOUGH_RECORDS
            && READING.contains(&m.phase.as_str())
    }) {
        let words = format!(
            "{} of {} records: {} calls, {} are needed; the bar is 2 % more",
            m.phase, m.records, m.calls, m.least
        );
        bars.push((m.calls as f64 <= m.least as f64 * MOST_CALLS, words));
    }
    bars
}

/// Calls that the account of the run at the limit takes in a second.
const CALLS_PER_SECOND: f64 = 19.0;

/// The table of the run at an account's limit of calls.
pub fn limit_table(all: &[Measured]) -> String {
    let mut text = String::from(
        "| phase | program | records | calls | refused | wall s | calls/s | share of the limit |\n\
         |---|---|--:|--:|--:|--:|--:|--:|\n",
    );
    for m in all {
        let rate = m.calls as f64 / m.seconds.max(1e-9);
        text.push_str(&format!(
            "| {} | {} | {} | {} | {} | {:.1} | {rate:.1} | {:.0} % |\n",
            m.phase,
            m.who,
            m.records,
            m.calls,
            m.refused,
            m.seconds,
            rate / CALLS_PER_SECOND * 100.0
        ));
    }
    text
}

/// Whether we come within a tenth of the limit.
pub fn limit_bars(all: &[Measured]) -> Vec<(bool, String)> {
    let ours = all.iter().filter(|m| m.who == OURS);
    ours.map(|m| {
        let share = m.calls as f64 / m.seconds.max(1e-9) / CALLS_PER_SECOND;
        let words = format!(
            "{} of {} records at {} ms: {:.0} % of 190 calls in 10 s; the bar is 90 %",
            m.phase,
            m.records,
            m.latency,
            share * 100.0
        );
        (share >= 0.9, words)
    })
    .collect()
}

/// The groups of a plot: one for each system, latency and phase, with the rate of everybody at the largest number of records
/// that they had in it.
pub fn groups(all: &[Measured], rate: fn(&Measured) -> f64) -> Vec<(String, Vec<Bar>)> {
    let mut seen = BTreeSet::new();
    let mut groups = Vec::new();
    for m in all {
        if !seen.insert((&m.system, m.latency, &m.phase)) {
            continue;
        }
        let same = |o: &&Measured| o.system == m.system && o.latency == m.latency && o.phase == m.phase;
        let mut bars: Vec<&Measured> = Vec::new();
        for other in all.iter().filter(same) {
            match bars.iter_mut().find(|bar| bar.who == other.who) {
                Some(bar) if bar.records < other.records => *bar = other,
                Some(_) => {}
                None => bars.push(other),
            }
        }
        let title = format!("{}, {} ms: {}", m.system, m.latency, m.phase);
        let bar = |m: &Measured| Bar { name: m.who.clone(), rate: rate(m), ours: m.who == OURS };
        groups.push((title, bars.into_iter().map(bar).collect()));
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(who: &str, records: u64, seconds: f64) -> Measured {
        Measured {
            system: "hubspot".into(),
            who: who.into(),
            phase: "full import".into(),
            records,
            latency: 0,
            seconds,
            cpu: seconds,
            peak_mib: 30.0,
            calls: records / 100,
            least: records / 100,
            refused: 0,
        }
    }

    #[test]
    fn a_line_is_read() {
        let text = r#"{"system":"hubspot","who":"dlt","phase":"full import","records":100,"latency":0,"seconds":2.0,"cpu":2.0,
            "peakKib":30720,"calls":1,"least":1,"refused":0,"done":0}"#;
        assert_eq!(Measured::parse(text), Some(measured("dlt", 100, 2.0)));
        let singer = Measured::parse(&text.replace("dlt", "singer")).unwrap();
        assert!(singer.who.contains("tap-hubspot"), "a key becomes a name: {}", singer.who);
        assert_eq!(Measured::parse("{}"), None);
        assert_eq!(Measured::parse("nonsense"), None);
    }

    #[test]
    fn others_are_compared_by_what_a_record_takes() {
        let all = [measured(OURS, 1000, 1.0), measured("same", 1000, 5.0), measured("fewer", 100, 1.0)];
        let tables = tables(&all);
        let times: Vec<&str> = tables
            .lines()
            .filter(|line| line.starts_with("| full import"))
            .map(|line| line.split('|').nth(9).unwrap().trim())
            .collect();
        assert_eq!(times, ["", "5.0", "10.0"]);
        assert_eq!(tables.matches("###").count(), 2, "one for each number of records");
    }

    #[test]
    fn the_bars_are_told() {
        let script = "hubspot-api-client script";
        let ours = Measured { calls: 511, ..measured(OURS, 50_000, 1.0) };
        let all = [ours, measured(script, 10_000, 2.0), measured(script, 50_000, 4.0)];
        let told = bars(&all);
        assert_eq!(told.iter().map(|(met, _)| *met).collect::<Vec<_>>(), [false, false], "{told:?}");
        assert!(told[0].1.contains("4.0 times our wall clock"), "{told:?}");
        assert!(told[1].1.contains("511 calls"), "{told:?}");
    }

    #[test]
    fn the_share_of_the_limit_is_told() {
        let near = Measured { calls: 500, ..measured(OURS, 50_000, 27.0) };
        let far = Measured { calls: 500, ..measured(OURS, 50_000, 30.0) };
        let bars = limit_bars(&[near, far, measured("dlt", 50_000, 30.0)]);
        assert_eq!(bars.iter().map(|(met, _)| *met).collect::<Vec<_>>(), [true, false]);
    }

    #[test]
    fn a_plot_shows_each_at_its_most_records() {
        let all = [measured(OURS, 100, 1.0), measured(OURS, 1000, 1.0), measured("dlt", 100, 1.0)];
        let bar = |name: &str, rate, ours| Bar { name: name.into(), rate, ours };
        let bars = vec![bar(OURS, 1000.0, true), bar("dlt", 100.0, false)];
        assert_eq!(groups(&all, Measured::rate), [("hubspot, 0 ms: full import".to_owned(), bars)]);
    }

    #[test]
    fn every_peer_says_what_it_needs() {
        for (_, packages) in PEERS.iter().flat_map(|peer| peer.needs) {
            assert!(root().join("tests").join(packages).exists(), "{packages}");
        }
    }
}
