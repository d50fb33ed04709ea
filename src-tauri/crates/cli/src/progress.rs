//! How far a run is, on stderr.

use std::io::{self, Write};

use api::dto::{RunState, RunSummary};

use crate::output::is_watched;

/// A run that takes no longer than this needs no progress where nobody watches.
const QUIET_MS: u64 = 2_000;

/// One line that is written over where a person watches; elsewhere one line for each stage of a long run.
pub struct Progress {
    watched: bool,
    width: usize,
    stage: String,
}

impl Progress {
    /// Nothing is printed yet.
    pub fn new() -> Self {
        Self { watched: is_watched(), width: 0, stage: String::new() }
    }

    /// Shows where the run stands.
    pub fn show(&mut self, run: &RunSummary) {
        if run.state != RunState::Active {
            return;
        }
        let text = line(run);
        if self.watched {
            let pad = self.width.saturating_sub(text.chars().count());
            let _ = write!(io::stderr(), "\r{text}{}", " ".repeat(pad));
            let _ = io::stderr().flush();
            self.width = text.chars().count();
        } else if run.stage != self.stage && run.duration_ms > QUIET_MS {
            let _ = writeln!(io::stderr(), "{text}");
            self.stage.clone_from(&run.stage);
        }
    }

    /// Takes the line away.
    pub fn end(self) {
        if self.width > 0 {
            let _ = write!(io::stderr(), "\r{}\r", " ".repeat(self.width));
            let _ = io::stderr().flush();
        }
    }
}

fn line(run: &RunSummary) -> String {
    let of = run.total.map_or_else(String::new, |total| format!(" of {total}"));
    let done = if run.done > 0 { format!(", {} done", run.done) } else { String::new() };
    let failed = if run.failed > 0 { format!(", {} failed", run.failed) } else { String::new() };
    format!("{}: {}{of}{done}{failed}", run.stage_description, run.processed)
}
