//! Schedules of an IDM project.

use std::collections::BTreeSet;

use engine::Timetable;
use jiff::tz::TimeZone;
use model::{ScheduleConfig, schedule_config::check_schedule_name};

use super::files::{Document, Documents, wrong};
use crate::ApiError;

/// A schedule as it comes in.
pub(super) struct Incoming {
    pub name: String,
    pub file: String,
    pub config: ScheduleConfig,
    /// Why its times cannot be followed.
    pub problem: Option<String>,
    /// Whether it fires as it is.
    pub runs: bool,
}

/// The schedules of a project. One whose times cannot be followed is kept and never fires.
pub(super) fn read(documents: &mut Documents) -> Result<Vec<Incoming>, ApiError> {
    let mut names = BTreeSet::new();
    let mut found = Vec::new();
    for (name, Document { file, value }) in std::mem::take(&mut documents.schedules) {
        check_schedule_name(&name).map_err(|e| wrong(&file, e))?;
        let (_, config) = ScheduleConfig::from_value(value).map_err(|e| wrong(&file, e))?;
        if !names.insert(name.to_lowercase()) {
            return Err(wrong(&file, format!("schedule `{name}` stands twice in the project")));
        }
        let problem = Timetable::of(&config, &TimeZone::system()).err().map(|e| e.to_string());
        found.push(Incoming { name, file, config, problem, runs: false });
    }
    Ok(found)
}
