//! Concord and others under the faults of `tests/bench/faults.json`, side by side: `tests/bench/faults.py` carries them out,
//! this tells what came of it. For us nothing may be lost in silence, doubled, repeated for ever or sent to another host.

use serde_json::Value;

use crate::peers::Field;

/// What the name of ours begins with; it meets each fault in more than one phase.
const OURS: &str = "Concord";

/// What one program made of one fault.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    fault: String,
    who: String,
    code: i64,
    seconds: f64,
    calls: u64,
    records: u64,
    missing: u64,
    lost: u64,
    duplicates: u64,
    endless: bool,
    late: bool,
    foreign: u64,
}

impl Cell {
    fn parse(text: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(text).ok()?;
        let word = |key: &str| Some(value.get(key)?.as_str()?.to_owned());
        let number = |key: &str| value.get(key)?.as_u64();
        let flag = |key: &str| value.get(key)?.as_bool();
        Some(Self {
            fault: word("fault")?,
            who: word("who")?,
            code: value.get("code")?.as_i64()?,
            seconds: value.get("seconds")?.as_f64()?,
            calls: number("calls")?,
            records: number("records")?,
            missing: number("missing")?,
            lost: number("silentLoss")?,
            duplicates: number("duplicates")?,
            endless: flag("endless")?,
            late: flag("late")?,
            foreign: number("foreign")?,
        })
    }

    fn is_ours(&self) -> bool {
        self.who.starts_with(OURS)
    }

    fn is_harmless(&self) -> bool {
        self.lost == 0 && self.duplicates == 0 && !self.endless && self.foreign == 0
    }

    /// In a few words.
    fn told(&self) -> String {
        let mut words = Vec::new();
        if self.endless {
            words.push(format!("**never ends** ({} calls)", self.calls));
        } else if self.late {
            words.push(format!("not done after {:.0} s", self.seconds));
        } else if self.lost > 0 {
            words.push(format!("**loses {} of {} in silence**", self.lost, self.records));
        } else if self.code != 0 {
            let short =
                if self.missing == 0 { "all kept".to_owned() } else { format!("{} short", self.missing) };
            words.push(format!("stops and says so, {short}"));
        } else {
            words.push("all there".to_owned());
        }
        if self.duplicates > 0 {
            words.push(format!("**{} twice**", self.duplicates));
        }
        if self.foreign > 0 {
            words.push("**follows to the other host**".to_owned());
        }
        words.join(", ")
    }
}

/// Runs the program and the peers under every fault.
///
/// # Errors
/// When the runs cannot be carried out.
pub fn measure(field: &Field, records: u64) -> Result<Vec<Cell>, String> {
    let mut cells = Vec::new();
    field.listen("faults.py", &[&records.to_string()], |text| {
        if let Some(cell) = Cell::parse(text) {
            println!("  {:<34} {:<18} {}", cell.fault, cell.who, cell.told().replace("**", ""));
            cells.push(cell);
        }
    })?;
    Ok(cells)
}

/// The faults down, the programs across, and the sums at the bottom.
pub fn table(cells: &[Cell]) -> String {
    let names = |of: fn(&Cell) -> &String| {
        let mut names: Vec<&str> = Vec::new();
        for cell in cells {
            if !names.contains(&of(cell).as_str()) {
                names.push(of(cell));
            }
        }
        names
    };
    let (faults, programs) = (names(|cell| &cell.fault), names(|cell| &cell.who));
    let row = |title: &str, cells: Vec<String>| format!("| {title} | {} |\n", cells.join(" | "));
    let mut text = row("fault", programs.iter().map(|name| (*name).to_owned()).collect());
    text.push_str(&format!("|---|{}\n", "---|".repeat(programs.len())));
    for fault in faults {
        let found = |who: &&str| cells.iter().find(|cell| cell.fault == fault && cell.who == *who);
        let told = programs.iter().map(|who| found(who).map_or_else(String::new, Cell::told)).collect();
        text.push_str(&row(fault, told));
    }
    let sums: [(&str, fn(&Cell) -> bool); 4] = [
        ("faults with a silent loss", |cell| cell.lost > 0),
        ("faults with duplicates", |cell| cell.duplicates > 0),
        ("endless loops", |cell| cell.endless),
        ("faults that led to another host", |cell| cell.foreign > 0),
    ];
    for (title, counts) in sums {
        let sum =
            |who: &&str| cells.iter().filter(|cell| cell.who == *who && counts(cell)).count().to_string();
        text.push_str(&row(&format!("**{title}**"), programs.iter().map(sum).collect()));
    }
    text
}

/// Where we do harm.
pub fn problems(cells: &[Cell]) -> Vec<String> {
    let harmful = cells.iter().filter(|cell| cell.is_ours() && !cell.is_harmless());
    let mut problems: Vec<String> =
        harmful.map(|cell| format!("{} under `{}`: {}.", cell.who, cell.fault, cell.told())).collect();
    let late = cells.iter().filter(|cell| cell.is_ours() && cell.late);
    problems.extend(late.map(|cell| format!("{} under `{}` was not done in time.", cell.who, cell.fault)));
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(who: &str) -> Cell {
        Cell {
            fault: "200 with `{}`".into(),
            who: who.into(),
            code: 0,
            seconds: 1.5,
            calls: 51,
            records: 5000,
            missing: 0,
            lost: 0,
            duplicates: 0,
            endless: false,
            late: false,
            foreign: 0,
        }
    }

    #[test]
    fn a_line_is_read() {
        let text = r#"{"fault": "200 with `{}`", "who": "dlt", "code": 0, "seconds": 1.5, "calls": 51, "records": 5000,
            "missing": 0, "silentLoss": 0, "duplicates": 0, "endless": false, "late": false, "foreign": 0}"#;
        assert_eq!(Cell::parse(text), Some(cell("dlt")));
        assert_eq!(Cell::parse("{}"), None);
        assert_eq!(Cell::parse("nonsense"), None);
    }

    #[test]
    fn each_outcome_has_its_words() {
        let plain = cell("dlt");
        for (cell, words) in [
            (plain.clone(), "all there"),
            (Cell { code: 1, missing: 2600, ..plain.clone() }, "stops and says so, 2600 short"),
            (Cell { code: 1, ..plain.clone() }, "stops and says so, all kept"),
            (Cell { lost: 2600, missing: 2600, ..plain.clone() }, "**loses 2600 of 5000 in silence**"),
            (Cell { duplicates: 100, ..plain.clone() }, "all there, **100 twice**"),
            (Cell { endless: true, code: -9, calls: 501, ..plain.clone() }, "**never ends** (501 calls)"),
            (Cell { late: true, code: -9, seconds: 600.0, ..plain.clone() }, "not done after 600 s"),
            (
                Cell { foreign: 1, lost: 1, ..plain },
                "**loses 1 of 5000 in silence**, **follows to the other host**",
            ),
        ] {
            assert_eq!(cell.told(), words);
        }
    }

    #[test]
    fn sums_stand_below() {
        let table = table(&[cell("Concord, import"), Cell { lost: 5, ..cell("dlt") }]);
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(lines[0], "| fault | Concord, import | dlt |");
        assert_eq!(lines[2], "| 200 with `{}` | all there | **loses 5 of 5000 in silence** |");
        assert_eq!(lines[3], "| **faults with a silent loss** | 0 | 1 |");
        assert_eq!(lines.len(), 7);
    }

    #[test]
    fn only_our_harm_is_a_problem() {
        let harm = |who: &str| Cell { duplicates: 1, ..cell(who) };
        assert_eq!(problems(&[harm("dlt"), cell("Concord, import")]), [""; 0]);
        assert_eq!(problems(&[harm("Concord, recon")]).len(), 1);
        assert_eq!(problems(&[Cell { late: true, ..cell("Concord, recon") }]).len(), 1);
    }
}
