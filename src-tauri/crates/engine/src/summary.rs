//! IDM's documents about a run: the summary of `recon/<id>` and the entries of `recon/assoc`.

use model::{MappingConfig, Situation, mapping_config::QueryConfig};
use serde_json::{Map, Value, json};
use store::{Entry, EntryStatus, Run, RunMode, RunState};

use crate::{ends, run::is_failure};

/// IDM's words for a stage.
pub fn stage_description(stage: &str) -> &'static str {
    match stage {
        "ACTIVE_INITIALIZED" => "initialized",
        "ACTIVE_QUERY_ENTRIES" => "querying sets of entries to reconcile",
        "ACTIVE_RECONCILING_SOURCE" => "reconciling source entries",
        "ACTIVE_RECONCILING_TARGET" => "reconciling target entries",
        "ACTIVE_PROCESSING_RESULTS" => "processing reconciling results",
        "ACTIVE_CANCELING" => "aborting reconciling",
        "COMPLETED_SUCCESS" => "reconciliation completed.",
        "COMPLETED_CANCELED" => "reconciliation aborted.",
        "COMPLETED_FAILED" => "reconciliation failed",
        _ => "reconciling",
    }
}

/// The summary document. `counts` are the run's entries by situation, action and status. What IDM does not know (a preview,
/// a held run) is told in `concord`, so that scripts written for IDM read the rest as ever.
pub fn summary(
    run: &Run,
    config: Option<&MappingConfig>,
    counts: &[(Situation, model::Action, EntryStatus, u64)],
    duration_ms: u64,
) -> Value {
    let progress = &run.progress;
    let total = |n: Option<u64>| n.map_or_else(|| "?".to_owned(), |n| n.to_string());
    let situations: Map<String, Value> = Situation::ALL
        .iter()
        .map(|s| (s.to_string(), json!(progress.situations.get(s.as_str()).copied().unwrap_or(0))))
        .collect();
    let failures: u64 = counts.iter().filter(|(_, _, status, _)| is_failure(*status)).map(|(.., n)| n).sum();
    let entries: u64 = counts.iter().map(|(.., n)| n).sum();
    let unlisted: u64 = progress.unlisted.values().sum();
    let durations: Map<String, Value> = progress
        .durations
        .iter()
        .map(|(name, ms)| {
            (name.clone(), json!({"min": ms, "max": ms, "mean": ms, "count": 1, "sum": ms, "stdDev": 0}))
        })
        .collect();
    let state = match run.state {
        RunState::Active | RunState::Paused => "ACTIVE",
        RunState::Held if is_held(run) => "FAILED",
        RunState::Success | RunState::Planned | RunState::Held => "SUCCESS",
        RunState::Canceled => "CANCELED",
        RunState::Failed | RunState::Interrupted => "FAILED",
    };
    let (stage, description) = if is_held(run) {
        let reasons = run.message.as_deref().unwrap_or_default();
        let reasons = reasons.strip_prefix("held: ").unwrap_or(reasons);
        ("COMPLETED_FAILED", format!("held by a guard: {reasons}"))
    } else {
        (run.stage.as_str(), stage_description(&run.stage).to_owned())
    };
    let mut query = Map::new();
    if let Some(config) = config {
        let overrides = &progress.overrides;
        for (key, resource, own) in [
            ("sourceQuery", &config.source, &config.source_query),
            ("targetQuery", &config.target, &config.target_query),
        ] {
            query.insert(key.into(), query_of(resource, overrides.get(key), own.as_ref()));
        }
        let switches = overrides.iter().filter(|(_, value)| value.is_boolean());
        query.extend(switches.map(|(key, value)| (key.clone(), value.clone())));
    }
    let pending = |action: model::Action| -> u64 {
        counts.iter().filter(|(_, a, s, _)| *a == action && *s == EntryStatus::Planned).map(|(.., n)| n).sum()
    };
    let all = |wanted: EntryStatus| -> u64 {
        counts.iter().filter(|(_, _, status, _)| *status == wanted).map(|(.., n)| n).sum()
    };
    // What a run left undone is no success; a preview was to do nothing.
    let undone = if run.mode == RunMode::Preview { 0 } else { all(EntryStatus::Planned) };
    json!({
        "_id": run.id,
        "mapping": run.mapping,
        "state": state,
        "stage": stage,
        "stageDescription": description,
        "progress": {
            "source": {"existing": {"processed": progress.source_processed, "total": total(progress.source_total)}},
            "target": {
                "existing": {"processed": progress.target_processed, "total": total(progress.target_total)},
                "created": progress.created,
                "unchanged": progress.unchanged,
                "updated": progress.updated,
                "deleted": progress.deleted,
            },
            "links": {
                "existing": {"processed": progress.links_total, "total": progress.links_total.to_string()},
                "created": progress.linked,
            },
        },
        "situationSummary": situations,
        "statusSummary": {
            "SUCCESS": (entries + unlisted).saturating_sub(failures + undone),
            "FAILURE": failures
        },
        "durationSummary": durations,
        "parameters": query,
        "started": run.started,
        "ended": run.ended.clone().unwrap_or_default(),
        "duration": duration_ms,
        "sourceProcessedByNode": {},
        "concord": {
            "mode": run.mode.as_str(),
            "undoes": progress.undoes,
            "state": run.state.as_str(),
            "message": run.message,
            "resumeAt": run.progress.resume_at,
            "calls": progress.calls,
            "stale": all(EntryStatus::Stale),
            "planned": {
                "create": pending(model::Action::Create),
                "update": pending(model::Action::Update),
                "link": pending(model::Action::Link),
                "unlink": pending(model::Action::Unlink),
                "delete": pending(model::Action::Delete),
            },
            "guards": progress.guards,
        },
    })
}

/// Whether a guard kept this run from writing. Scripts read it as failed, as a run that IDM's own guard ends: else they would
/// believe that it was done. A preview was not to write anything.
fn is_held(run: &Run) -> bool {
    run.state == RunState::Held && run.mode != RunMode::Preview
}

/// The query that a run asks of one of its ends: its caller's, else the mapping's, else everything.
fn query_of(resource: &str, overridden: Option<&Value>, own: Option<&QueryConfig>) -> Value {
    let own = || own.and_then(|query| serde_json::to_value(query).ok());
    let mut query = match overridden.cloned().or_else(own) {
        Some(Value::Object(query)) => query,
        _ => Map::new(),
    };
    query.insert("resourceName".into(), resource.into());
    if !query.keys().any(|key| key.starts_with("_query")) {
        query.insert("_queryFilter".into(), "true".into());
    }
    Value::Object(query)
}

/// Between which resources a run went. The mapping may go between others by now.
fn resources<'r>(run: &'r Run, config: Option<&'r MappingConfig>) -> [Option<&'r str>; 2] {
    match (run.progress.ends.as_slice(), config) {
        ([source, target], _) => [source, target].map(|end| Some(ends::resource_of(end))),
        (_, Some(config)) => [Some(&config.source), Some(&config.target)],
        (_, None) => [None, None],
    }
}

/// An entry in the shape of IDM's recon/assoc entries, with its changes and its reason.
pub fn assoc_entry(run: &Run, config: Option<&MappingConfig>, entry: &Entry) -> Value {
    let [source, target] = resources(run, config);
    let path = |collection: Option<&str>, id: &Option<String>| match (collection, id) {
        (Some(collection), Some(id)) => json!(format!("{collection}/{id}")),
        (None, Some(id)) => json!(id),
        (_, None) => Value::Null,
    };
    let failed = is_failure(entry.status);
    json!({
        "_id": format!("{}-{}", run.id, entry.seq),
        "reconId": run.id,
        "mapping": run.mapping,
        "situation": entry.situation.as_str(),
        "action": entry.action.as_str(),
        "linkQualifier": entry.qualifier,
        "sourceObjectId": path(source, &entry.source_id),
        "targetObjectId": path(target, &entry.target_id),
        "ambiguousTargetObjectIds": entry.ambiguous.join(", "),
        "status": if failed { "FAILURE" } else { "SUCCESS" },
        "message": if failed || entry.status == EntryStatus::NeedsYou { json!(entry.reason) } else { Value::Null },
        "messageDetail": entry.remedy,
        "phase": entry.phase,
        "state": entry.status.as_str(),
        "title": entry.title,
        "changes": entry.changes,
        "reason": entry.reason,
    })
}
