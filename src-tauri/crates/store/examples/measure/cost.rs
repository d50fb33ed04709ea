//! What a measurement cost: the clock, the processor and the memory of this process, as Linux tells them.

use std::{fs, time::Instant};

use serde_json::json;

/// Where a measurement began.
pub struct Cost {
    clock: Instant,
    processor: f64,
}

impl Cost {
    /// From now on.
    // The one clock of a measurement.
    #[allow(clippy::disallowed_methods)]
    pub fn from_now() -> Self {
        Self { clock: Instant::now(), processor: processor_seconds() }
    }

    /// What it has cost until now, as one line of JSON.
    pub fn line(&self, phase: &str, records: u64, calls: u64, done: u64) -> String {
        json!({"phase": phase, "records": records, "seconds": self.clock.elapsed().as_secs_f64(),
            "cpu": processor_seconds() - self.processor, "peakKib": peak_kib(), "calls": calls, "done": done})
        .to_string()
    }
}

/// Processor time of this process in seconds, of all the threads that it has had.
fn processor_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    // The 14th and 15th field of the line are the 12th and 13th after the name; Linux counts them in hundredths.
    let ticks: f64 = [11, 12].iter().filter_map(|i| fields.get(*i)?.parse::<f64>().ok()).sum();
    ticks / 100.0
}

fn peak_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .and_then(|rest| rest.trim().trim_end_matches("kB").trim().parse().ok())
        .unwrap_or(0)
}
