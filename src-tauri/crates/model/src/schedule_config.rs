//! A schedule in the shape of IDM's `schedule-<name>.json`. Concord's addition, `incremental` in `invokeContext`, is optional.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::path::ResourcePath;

/// The package that IDM puts before the short names of its services.
const SERVICES: &str = "org.forgerock.openidm.";

/// When something is to be done by itself. Its name is that of its file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ScheduleConfig {
    /// Whether it fires.
    #[serde(default = "yes", deserialize_with = "switch")]
    pub enabled: bool,
    /// `cron`, or `simple` for an interval; IDM takes a document without one as `cron`.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// A Quartz cron expression.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<String>,
    /// Milliseconds from one time to the next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeat_interval: Option<i64>,
    /// How often an interval comes again after the first time; absent and -1 mean without end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeat_count: Option<i64>,
    /// Whether a time that passed while nothing was running counts as missed; otherwise it is forgotten.
    #[serde(default, deserialize_with = "switch")]
    pub persisted: bool,
    /// What becomes of a time that was missed.
    #[serde(default)]
    pub misfire_policy: MisfirePolicy,
    /// Kept as it is: of a mapping at most one run is ever under way.
    #[serde(default, deserialize_with = "switch")]
    pub concurrent_execution: bool,
    /// The earliest time: with its offset, or in the schedule's time zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_time: Option<String>,
    /// The time after which it never fires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_time: Option<String>,
    /// An IANA name; without one, the time zone of the machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// `sync` or `provisioner`.
    #[serde(default)]
    pub invoke_service: String,
    /// What to do.
    #[serde(default)]
    pub invoke_context: Value,
    /// Everything else in the document, kept as it is.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// What becomes of a time that passed while nothing was running.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum MisfirePolicy {
    /// It is made up for, once, however many were missed.
    #[default]
    FireAndProceed,
    /// It is left out.
    DoNothing,
}

/// What a schedule does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Task {
    /// A reconciliation.
    Reconcile {
        /// The mapping.
        mapping: String,
        /// Only what has changed since the last run looked.
        incremental: bool,
    },
    /// What has changed in a source goes through every mapping that reads it.
    LiveSync {
        /// The source.
        source: ResourcePath,
    },
    /// Something that only IDM can do, in words.
    Other(String),
}

/// Why a schedule cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ScheduleConfigError {
    /// Not JSON, or not an object of the expected shape.
    #[error("this is not a schedule: {0}; expected the shape of IDM's schedule-<name>.json")]
    Shape(String),
    /// A name that cannot be used.
    #[error(
        "schedule name `{0}` cannot be used; use letters, digits, `_`, `-` and `.`, at most 100 characters"
    )]
    Name(String),
    /// No name anywhere.
    #[error("the schedule has no name; call its file schedule-NAME.json, or say --name NAME")]
    Nameless,
}

impl ScheduleConfig {
    /// Reads a document, with the name that is in its `_id`, if there is one.
    pub fn from_value(mut document: Value) -> Result<(Option<String>, Self), ScheduleConfigError> {
        let id = document.as_object_mut().and_then(|map| map.shift_remove("_id"));
        let name = id
            .as_ref()
            .and_then(Value::as_str)
            .map(|id| id.rsplit_once('/').map_or(id, |(_, name)| name).to_owned())
            .filter(|name| !name.is_empty());
        let config =
            serde_json::from_value(document).map_err(|e| ScheduleConfigError::Shape(e.to_string()))?;
        Ok((name, config))
    }

    /// What it does.
    pub fn task(&self) -> Task {
        let text = |key: &str| self.invoke_context.get(key).and_then(Value::as_str).unwrap_or_default();
        let service = self.invoke_service.strip_prefix(SERVICES).unwrap_or(&self.invoke_service);
        match (service, text("action")) {
            ("sync", "reconcile") => match self.invoke_context.get("mapping") {
                Some(Value::String(mapping)) if !mapping.is_empty() => Task::Reconcile {
                    mapping: mapping.clone(),
                    incremental: self.invoke_context.get("incremental").and_then(Value::as_bool)
                        == Some(true),
                },
                Some(Value::Object(_)) => Task::Other(
                    "its mapping is written into the schedule; add it as a mapping and name it here".into(),
                ),
                _ => Task::Other("its invokeContext names no mapping".into()),
            },
            ("provisioner", "liveSync" | "activeSync") => match text("source").parse::<ResourcePath>() {
                Ok(source @ ResourcePath::System { .. }) => Task::LiveSync { source },
                _ => Task::Other(
                    "its invokeContext names no source; write `system/<connector>/<object type>`".into(),
                ),
            },
            (service, action) => Task::Other(format!(
                "it calls `{service}`{}, which Concord has not; it knows `sync` with `reconcile` and `provisioner` with `liveSync`",
                if action.is_empty() { String::new() } else { format!(" with `{action}`") }
            )),
        }
    }
}

/// Whether a schedule can have this name.
pub fn check_schedule_name(name: &str) -> Result<(), ScheduleConfigError> {
    let fits = !name.is_empty()
        && name.chars().count() <= 100
        && !name.starts_with('.')
        && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'));
    if fits { Ok(()) } else { Err(ScheduleConfigError::Name(name.to_owned())) }
}

fn yes() -> bool {
    true
}

/// IDM takes a switch as a text too.
fn switch<'de, D: Deserializer<'de>>(from: D) -> Result<bool, D::Error> {
    match Value::deserialize(from)? {
        Value::Bool(on) => Ok(on),
        Value::String(text) => Ok(text.eq_ignore_ascii_case("true")),
        other => Err(serde::de::Error::custom(format!("{other} is neither true nor false"))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(document: Value) -> ScheduleConfig {
        ScheduleConfig::from_value(document).unwrap().1
    }

    #[test]
    fn a_document_of_idm_comes_back_as_it_was() {
        let document = json!({
            "enabled": false, "type": "cron", "schedule": "0 0 2 * * ?", "persisted": true,
            "misfirePolicy": "doNothing", "concurrentExecution": false, "startTime": "2026-01-01T00:00:00Z",
            "timeZone": "Europe/Berlin", "invokeService": "sync",
            "invokeContext": {"action": "reconcile", "mapping": "m", "numThreads": 4},
            "invokeLogLevel": "info", "recoverable": true
        });
        assert_eq!(serde_json::to_value(read(document.clone())).unwrap(), document);
    }

    #[test]
    fn what_is_left_out_is_as_in_idm() {
        let config = read(json!({"schedule": "0 0 2 * * ?", "startTime": null, "persisted": "true"}));
        assert!(config.enabled && config.persisted && !config.concurrent_execution);
        assert_eq!(config.misfire_policy, MisfirePolicy::FireAndProceed);
        assert_eq!(config.start_time, None);
        assert!(!read(json!({})).persisted);
        for wrong in [json!({"misfirePolicy": "never"}), json!({"enabled": 1}), json!([]), json!("x")] {
            let error = ScheduleConfig::from_value(wrong).unwrap_err().to_string();
            assert!(error.contains("schedule-<name>.json"), "{error}");
        }
    }

    #[test]
    fn a_name_is_in_the_id() {
        for (id, name) in [("schedule/nightly", Some("nightly")), ("nightly", Some("nightly")), ("", None)] {
            let (found, config) = ScheduleConfig::from_value(json!({"_id": id})).unwrap();
            assert_eq!((found.as_deref(), config.rest.is_empty()), (name, true));
        }
        for wrong in ["", "a/b", "..", ".hidden", "a b"] {
            assert!(check_schedule_name(wrong).is_err(), "{wrong}");
        }
        assert!(check_schedule_name("nightly-2.full_x").is_ok());
    }

    #[test]
    fn the_task_is_told_by_service_and_context() {
        let task = |service: &str, context: Value| {
            read(json!({"invokeService": service, "invokeContext": context})).task()
        };
        let recon = |incremental| Task::Reconcile { mapping: "m".into(), incremental };
        let reconcile = json!({"action": "reconcile", "mapping": "m"});
        assert_eq!(task("sync", reconcile.clone()), recon(false));
        assert_eq!(task("org.forgerock.openidm.sync", reconcile), recon(false));
        assert_eq!(
            task("sync", json!({"action": "reconcile", "mapping": "m", "incremental": true})),
            recon(true)
        );
        assert_eq!(
            task("provisioner", json!({"action": "liveSync", "source": "system/hubspot/contact"})),
            Task::LiveSync { source: "system/hubspot/contact".parse().unwrap() }
        );
        for (service, context, words) in [
            ("sync", json!({"action": "reconcile"}), "names no mapping"),
            ("sync", json!({"action": "reconcile", "mapping": {"name": "m"}}), "written into"),
            ("provisioner", json!({"action": "liveSync", "source": "managed/user"}), "no source"),
            ("taskscanner", json!({}), "`taskscanner`"),
            ("script", Value::Null, "`script`"),
        ] {
            let Task::Other(why) = task(service, context) else { panic!("{service}") };
            assert!(why.contains(words), "{why}");
        }
    }
}
