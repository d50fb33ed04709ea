//! Concord and others at the same work against our sandboxes, in one run: `tests/bench/side_by_side.py` measures, this installs
//! what it needs and tells what came of it.

use std::{
    collections::BTreeSet,
    io::{BufRead as _, BufReader},
    path::Path,
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
    pub done: u64,
}

impl Measured {
    fn parse(text: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(text).ok()?;
        let word = |key: &str| Some(value.get(key)?.as_str()?.to_owned());
        let number = |key: &str| value.get(key)?.as_u64();
        Some(Self {
            system: word("system")?,
            who: word("who")?,
            phase: word("phase")?,
            records: number("records")?,
            latency: number("latency")?,
            seconds: value.get("seconds")?.as_f64()?,
            cpu: value.get("cpu")?.as_f64()?,
            peak_mib: value.get("peakKib")?.as_f64()? / 1024.0,
            calls: number("calls")?,
            done: number("done")?,
        })
    }

    /// Records per second.
    pub fn rate(&self) -> f64 {
        self.records as f64 / self.seconds.max(1e-9)
    }

    /// Ours for the same phase at the same latency: of as many records, else of the nearest number, because what a record
    /// costs hardly depends on how many there are.
    fn ours<'m>(&self, all: &'m [Self]) -> Option<&'m Self> {
        all.iter()
            .filter(|m| m.who == OURS)
            .filter(|m| m.system == self.system && m.phase == self.phase && m.latency == self.latency)
            .min_by_key(|m| m.records.abs_diff(self.records))
    }
}

/// Installs the peers and measures everybody at these sizes, at 0 and 50 ms.
///
/// # Errors
/// When something cannot be installed, or a program does not do its work.
pub fn measure(sizes: &[u64]) -> Result<Vec<Measured>, String> {
    run(&mut cargo(&["build", "--release", "-p", "cli"]))?;
    let programs = Workspace::read()?.released();
    let conformance = root().join("tests/conformance");
    let bench = root().join("tests/bench");
    let environments = programs.join("bench-peers");
    let environment =
        |name: &str, requirements: &Path| python::environment(&environments.join(name), requirements);
    let hubspot = environment("hubspot", &conformance.join("hubspot/requirements.txt"))?;
    let salesforce = environment("salesforce", &conformance.join("salesforce/requirements.txt"))?;
    let dlt = environment("dlt", &bench.join("requirements-dlt.txt"))?;
    node::check()?;
    node::install(&conformance.join("salesforce"))?;
    let sizes: Vec<String> = sizes.iter().map(u64::to_string).collect();
    let mut command = tool("python3", &["tests/bench/side_by_side.py", &sizes.join(","), "0,50"]);
    command
        .env("CONCORD_BIN", program(&programs, "concord"))
        .env("BENCH_HUBSPOT_PYTHON", hubspot)
        .env("BENCH_SALESFORCE_PYTHON", salesforce)
        .env("BENCH_DLT_PYTHON", dlt)
        .env("BENCH_NODE", "node")
        // Compiled files have no place beside the sources.
        .env("PYTHONDONTWRITEBYTECODE", "1");
    listen(&mut command)
}

/// Runs the measurements and tells each as it comes.
fn listen(command: &mut Command) -> Result<Vec<Measured>, String> {
    let told = line(command);
    let failed = |problem: &dyn std::fmt::Display| format!("`{told}` failed ({problem}).");
    let mut child = match command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn() {
        Ok(child) => child,
        Err(problem) => return Err(failed(&problem)),
    };
    let mut all = Vec::new();
    for text in child.stdout.take().map(BufReader::new).into_iter().flat_map(BufReader::lines) {
        let Some(measured) = text.ok().and_then(|text| Measured::parse(&text)) else { continue };
        println!("  {}", row(&measured, ""));
        all.push(measured);
    }
    match child.wait() {
        Ok(status) if status.success() => Ok(all),
        Ok(status) => Err(failed(&status)),
        Err(problem) => Err(failed(&problem)),
    }
}

fn row(m: &Measured, times: &str) -> String {
    format!(
        "{:<11} {:<25} {:<18} {:>8} {:>4} {:>9.2} {:>8.2} {:>8.0} {:>8} {:>9.0} {:>8}",
        m.system,
        m.who,
        m.phase,
        m.records,
        m.latency,
        m.seconds,
        m.cpu,
        m.peak_mib,
        m.calls,
        m.rate(),
        times
    )
}

/// A line for each measurement, with how many times as long a record takes as with us.
pub fn table(all: &[Measured]) -> String {
    let mut text = format!(
        "{:<11} {:<25} {:<18} {:>8} {:>4} {:>9} {:>8} {:>8} {:>8} {:>9} {:>8}\n",
        "system",
        "who",
        "phase",
        "records",
        "ms",
        "seconds",
        "cpu s",
        "MiB",
        "calls",
        "records/s",
        "x Concord"
    );
    for m in all {
        let ours = m.ours(all).filter(|_| m.who != OURS);
        let times = ours.map_or(String::new(), |ours| format!("{:.1}", ours.rate() / m.rate().max(1e-9)));
        text.push_str(row(m, &times).trim_end());
        text.push('\n');
    }
    text
}

/// The groups of a plot: one for each system, latency and phase, with the records per second of everybody at the largest
/// number of records that they had in it.
pub fn groups(all: &[Measured]) -> Vec<(String, Vec<Bar>)> {
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
        let bar = |m: &Measured| Bar { name: m.who.clone(), rate: m.rate(), ours: m.who == OURS };
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
            phase: "unchanged".into(),
            records,
            latency: 0,
            seconds,
            cpu: seconds,
            peak_mib: 30.0,
            calls: records / 100,
            done: 0,
        }
    }

    #[test]
    fn a_line_is_read() {
        let text = r#"{"system":"hubspot","who":"dlt","phase":"unchanged","records":100,"latency":0,"seconds":2.0,"cpu":2.0,
            "peakKib":30720,"calls":1,"done":0}"#;
        assert_eq!(Measured::parse(text), Some(Measured { calls: 1, ..measured("dlt", 100, 2.0) }));
        assert_eq!(Measured::parse("{}"), None);
        assert_eq!(Measured::parse("nonsense"), None);
    }

    #[test]
    fn others_are_compared_by_what_a_record_takes() {
        let all = [measured(OURS, 1000, 1.0), measured("same", 1000, 5.0), measured("fewer", 100, 1.0)];
        let table = table(&all);
        let times: Vec<&str> = table.lines().skip(1).map(|line| line.rsplit(' ').next().unwrap()).collect();
        assert_eq!(times, ["1000", "5.0", "10.0"]);
    }

    #[test]
    fn a_plot_shows_each_at_its_most_records() {
        let all = [measured(OURS, 100, 1.0), measured(OURS, 1000, 1.0), measured("dlt", 100, 1.0)];
        let bar = |name: &str, rate, ours| Bar { name: name.into(), rate, ours };
        let bars = vec![bar(OURS, 1000.0, true), bar("dlt", 100.0, false)];
        assert_eq!(groups(&all), [("hubspot, 0 ms: unchanged".to_owned(), bars)]);
    }
}
