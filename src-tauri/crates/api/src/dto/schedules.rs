//! Schedules at the edge.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use ts_rs::TS;

use super::RunSummary;

dto! {
    /// Asks for schedules: all of them, or those that concern a mapping.
    pub struct SchedulesRequest {
        #[serde(default)]
        mapping: Option<String>,
    }

    /// A schedule and how it stands.
    pub struct ScheduleInfo {
        name: String,
        /// The whole document in the shape of `schedule-<name>.json`.
        #[ts(type = "Record<string, unknown>")]
        config: Value,
        enabled: bool,
        /// `reconcile`, `liveSync` or `other`.
        task: String,
        /// What it does, in words.
        title: String,
        /// The mappings that it runs.
        mappings: Vec<String>,
        /// The resource whose changes it follows.
        source: Option<String>,
        incremental: bool,
        /// When it fires, in words.
        words: String,
        /// The next times, soonest first; none when it is off or over.
        next: Vec<String>,
        /// Why it does not fire as it stands.
        problem: Option<String>,
        last_fired: Option<String>,
        /// What came of it, in words.
        last_outcome: Option<String>,
        last_run: Option<RunSummary>,
    }

    /// A schedule to create or change.
    pub struct ScheduleDraft {
        create: bool,
        name: String,
        #[ts(type = "Record<string, unknown>")]
        config: Value,
    }

    /// Switches a schedule on or off.
    pub struct ScheduleEnable { name: String, enabled: bool, }

    /// A schedule, saved or not, whose times are asked for.
    pub struct ScheduleTry {
        #[ts(type = "Record<string, unknown>")]
        config: Value,
    }

    /// When a schedule would fire.
    pub struct ScheduleOutlook {
        words: String,
        /// The next five times.
        next: Vec<String>,
        /// The time zone in which its expression is read.
        time_zone: Option<String>,
        /// What is wrong with it, with the key at fault before a colon.
        problem: Option<String>,
    }

    /// What firing a schedule by hand did.
    pub struct ScheduleRan { outcome: String, runs: Vec<RunSummary>, }

    /// A source whose changes can be followed, for a mapping.
    pub struct ChangeFeed {
        source: String,
        title: String,
        /// Whether its connector can tell what has changed.
        follows: bool,
        /// Why not.
        problem: Option<String>,
    }
}
