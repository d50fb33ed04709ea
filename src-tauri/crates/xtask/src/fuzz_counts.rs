//! What `cargo xtask fuzz` has run: read from what libFuzzer says, added up over its runs, and shown as a table that the documents
//! can hold as it is.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::{Value, json};

use crate::workspace::short;

/// What came of one run of a target.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Ran {
    /// Processor time, in its own code and in the system's.
    pub cpu: Duration,
    /// Inputs that were tried.
    pub inputs: u64,
    /// Edges of the code that they reached.
    pub edges: u64,
    /// Of so many inputs, so many came past the door.
    pub taken: (u64, u64),
    /// The files with what the target was given.
    pub findings: Vec<String>,
}

impl Ran {
    /// Reads what libFuzzer and the target's program say.
    pub fn told(said: &str, cpu: Duration) -> Self {
        let number = |text: &str| text.split_whitespace().next()?.parse::<u64>().ok();
        let last = |mark: &str| said.lines().rev().find_map(|line| line.strip_prefix(mark));
        // A program that broke off in the middle has no last word on it.
        let inputs = last("stat::number_of_executed_units:")
            .and_then(number)
            .or_else(|| said.lines().filter_map(|line| number(line.strip_prefix('#')?)).max());
        let edges = said.lines().filter_map(|line| number(line.split_once(" cov: ")?.1)).max();
        let taken = last("taken: ").and_then(|text| {
            let (taken, of) = text.split_once(" of ")?;
            Some((number(taken)?, number(of)?))
        });
        Self {
            cpu,
            inputs: inputs.unwrap_or_default(),
            edges: edges.unwrap_or_default(),
            taken: taken.unwrap_or_default(),
            findings: Vec::new(),
        }
    }

    /// Goes on with this.
    pub fn add(&mut self, more: &Self) {
        self.cpu += more.cpu;
        self.inputs += more.inputs;
        self.edges = self.edges.max(more.edges);
        self.taken = (self.taken.0 + more.taken.0, self.taken.1 + more.taken.1);
        self.findings.extend(more.findings.iter().cloned());
    }

    /// In a line.
    pub fn line(&self) -> String {
        format!(
            "{} inputs in {} s of processor time, {} edges, {}",
            self.inputs,
            self.cpu.as_secs(),
            self.edges,
            match self.findings.as_slice() {
                [] => "nothing found".to_owned(),
                found => format!("FINDING: {}", found.join(", ")),
            }
        )
    }
}

/// What all runs of a target came to.
#[derive(Debug, Default, Clone, PartialEq)]
struct Count {
    cpu: Duration,
    /// Of it, since the last finding.
    quiet: Duration,
    inputs: u64,
    findings: u64,
    /// Of the last run alone: both depend on what the code was.
    edges: u64,
    taken: (u64, u64),
}

/// The counts of all targets, kept in a file beside what libFuzzer has learnt.
#[derive(Debug)]
pub struct Counts {
    file: PathBuf,
    targets: BTreeMap<String, Count>,
}

impl Counts {
    /// Of the runs so far; none where the folder is new.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn read(learnt: &Path) -> Result<Self, String> {
        let file = learnt.join("counts.json");
        let document = match fs::read_to_string(&file) {
            Ok(text) => {
                serde_json::from_str(&text).map_err(|problem| format!("{}: {problem}", short(&file)))?
            }
            Err(problem) if problem.kind() == std::io::ErrorKind::NotFound => json!({}),
            Err(problem) => return Err(format!("{}: {problem}", short(&file))),
        };
        let members = document.as_object().cloned().unwrap_or_default();
        let targets = members.iter().map(|(name, value)| (name.clone(), Count::of(value))).collect();
        Ok(Self { file, targets })
    }

    /// Adds a run of a target.
    pub fn add(&mut self, name: &str, ran: &Ran) {
        let count = self.targets.entry(name.to_owned()).or_default();
        count.cpu += ran.cpu;
        count.quiet = if ran.findings.is_empty() { count.quiet + ran.cpu } else { Duration::ZERO };
        count.inputs += ran.inputs;
        count.findings += u64::try_from(ran.findings.len()).unwrap_or_default();
        count.edges = ran.edges;
        count.taken = ran.taken;
    }

    /// Writes the file.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep(&self) -> Result<(), String> {
        let document: BTreeMap<&str, Value> =
            self.targets.iter().map(|(name, count)| (name.as_str(), count.document())).collect();
        let text = serde_json::to_string_pretty(&document).map_err(|problem| problem.to_string())?;
        fs::write(&self.file, text).map_err(|problem| format!("{}: {problem}", short(&self.file)))
    }

    /// As a table of Markdown, the targets in this order.
    pub fn table(&self, order: &[String]) -> String {
        let mut text = "| target | CPU minutes | since the last finding | inputs | a second | taken | edges | findings |\n\
                        |---|--:|--:|--:|--:|--:|--:|--:|\n"
            .to_owned();
        for (name, count) in order.iter().filter_map(|name| Some((name, self.targets.get(name)?))) {
            let seconds = count.cpu.as_secs().max(1);
            let taken = match count.taken {
                (_, 0) => "-".to_owned(),
                (taken, of) => format!("{} %", taken * 100 / of),
            };
            text.push_str(&format!(
                "| `{name}` | {} | {} | {} | {} | {taken} | {} | {} |\n",
                minutes(count.cpu),
                minutes(count.quiet),
                thousands(count.inputs),
                thousands(count.inputs / seconds),
                thousands(count.edges),
                count.findings
            ));
        }
        text
    }
}

impl Count {
    fn of(value: &Value) -> Self {
        let number = |name: &str| value.get(name).and_then(Value::as_u64).unwrap_or_default();
        Self {
            cpu: Duration::from_millis(number("cpuMs")),
            quiet: Duration::from_millis(number("quietMs")),
            inputs: number("inputs"),
            findings: number("findings"),
            edges: number("edges"),
            taken: (number("taken"), number("takenOf")),
        }
    }

    fn document(&self) -> Value {
        let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        json!({
            "cpuMs": ms(self.cpu), "quietMs": ms(self.quiet), "inputs": self.inputs, "findings": self.findings,
            "edges": self.edges, "taken": self.taken.0, "takenOf": self.taken.1,
        })
    }
}

fn minutes(time: Duration) -> String {
    let tenths = time.as_secs() / 6;
    format!("{}.{}", tenths / 10, tenths % 10)
}

/// `1234567` as `1,234,567`.
fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ran(seconds: u64, inputs: u64, findings: &[&str]) -> Ran {
        let findings = findings.iter().map(|file| (*file).to_owned()).collect();
        Ran { cpu: Duration::from_secs(seconds), inputs, edges: 1024, taken: (1, 4), findings }
    }

    #[test]
    fn what_libfuzzer_says_is_read() {
        let cpu = Duration::from_secs(1);
        let said = "INFO: seed corpus\ntaken: 1 of 2\n#2\tINITED cov: 812 ft: 900 corp: 1/5b\ntaken: 700 of 1024\n\
                    #900\tNEW    cov: 1024 ft: 9\nstat::number_of_executed_units: 4711\n";
        let read = Ran { cpu, inputs: 4711, edges: 1024, taken: (700, 1024), findings: vec![] };
        assert_eq!(Ran::told(said, cpu), read);
        let broken_off = "#2\tINITED cov: 812 ft: 9\n#900\tNEW    cov: 813 ft: 9\nthread panicked\n";
        assert_eq!(Ran::told(broken_off, cpu).inputs, 900);
        assert_eq!(Ran::told("nothing", cpu), Ran { cpu, ..Ran::default() });
    }

    #[test]
    fn runs_are_added_up_and_a_finding_begins_the_quiet_time_anew() {
        let folder = std::env::temp_dir().join(format!("concord-fuzz-counts-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let mut counts = Counts::read(&folder).unwrap();
        counts.add("a", &ran(90, 1_000_000, &[]));
        counts.add("a", &ran(30, 234_567, &["artifacts/a/crash-1"]));
        counts.add("a", &ran(60, 0, &[]));
        counts.add("b", &ran(6, 12, &[]));
        counts.keep().unwrap();
        let read = Counts::read(&folder).unwrap();
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(read.targets, counts.targets);
        let table = read.table(&["b".to_owned(), "a".to_owned(), "never run".to_owned()]);
        let rows: Vec<&str> = table.lines().skip(2).collect();
        assert_eq!(
            rows,
            [
                "| `b` | 0.1 | 0.1 | 12 | 2 | 25 % | 1,024 | 0 |",
                "| `a` | 3.0 | 1.0 | 1,234,567 | 6,858 | 25 % | 1,024 | 1 |",
            ]
        );
    }

    #[test]
    fn a_run_that_goes_on_is_one_run() {
        let mut all = ran(10, 5, &[]);
        all.add(&ran(20, 6, &["x"]));
        assert_eq!(all, Ran { taken: (2, 8), ..ran(30, 11, &["x"]) });
        assert!(all.line().contains("FINDING: x"));
        assert!(ran(1, 1, &[]).line().ends_with("nothing found"));
    }
}
