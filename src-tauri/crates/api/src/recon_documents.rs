//! IDM's documents about runs, for callers that speak IDM: `recon` and `recon/assoc`.

use model::{Filter, ResourcePath};
use serde_json::{Value, json};
use store::{EntryFilter, Run};

use crate::{
    ApiError, App, ErrorCode,
    dto::{AuditTopic, RunMode, RunStart},
};

/// Runs in a list of summaries; IDM keeps about as many in memory.
const SUMMARIES: usize = 100;
/// Entries that are looked at in one go.
const SCAN: usize = 1000;

/// A part of a run's entries.
#[derive(Debug, Clone, PartialEq)]
pub struct AssocPage {
    /// Entries in the shape of IDM's recon/assoc entries.
    pub entries: Vec<Value>,
    /// Where to go on, if there are more.
    pub next: Option<i64>,
}

impl App {
    /// The summaries of the latest runs, newest first.
    pub async fn recon_summaries(&self) -> Result<Vec<Value>, ApiError> {
        let mut summaries = Vec::new();
        for run in self.latest_runs().await? {
            summaries.push(self.run_document(&run.id).await?);
        }
        Ok(summaries)
    }

    /// The latest runs in the shape of IDM's recon/assoc, newest first.
    pub async fn assoc_runs(&self) -> Result<Vec<Value>, ApiError> {
        let (runs, mappings) = (self.latest_runs().await?, self.store.read(|r| r.mappings()).await?);
        Ok(runs
            .iter()
            .map(|run| assoc_run(run, mappings.iter().map(|m| &m.config).find(|m| m.name == run.mapping)))
            .collect())
    }

    /// One run in the shape of IDM's recon/assoc.
    pub async fn assoc_run(&self, id: &str) -> Result<Value, ApiError> {
        let run = self.engine.run_row(id).await?;
        let mapping = run.mapping.clone();
        let row = self.store.read(move |r| r.mapping(&mapping)).await?;
        Ok(assoc_run(&run, row.as_ref().map(|m| &m.config)))
    }

    /// The entries of a run that match, from after an entry on, at most `limit`.
    pub async fn assoc_entries(
        &self,
        id: &str,
        filter: &Filter,
        after: i64,
        limit: usize,
    ) -> Result<AssocPage, ApiError> {
        let run = self.engine.run_row(id).await?;
        let mapping = run.mapping.clone();
        let row = self.store.read(move |r| r.mapping(&mapping)).await?;
        let config = row.as_ref().map(|m| &m.config);
        let (mut entries, mut after) = (Vec::new(), after);
        loop {
            let (seq, asked) = (run.seq, EntryFilter { after, limit: SCAN, ..EntryFilter::default() });
            let page = self.store.read(move |r| r.entries(seq, &asked)).await?;
            let more = page.next.is_some();
            for entry in &page.rows {
                let document = engine::assoc_entry(&run, config, entry);
                if filter.matches(&document) {
                    if entries.len() == limit {
                        return Ok(AssocPage { entries, next: Some(after) });
                    }
                    entries.push(document);
                }
                after = entry.seq;
            }
            if !more {
                return Ok(AssocPage { entries, next: None });
            }
        }
    }

    /// Drops a run that is over, and gives its summary.
    pub async fn recon_remove(&self, id: &str) -> Result<Value, ApiError> {
        let document = self.run_document(id).await?;
        if !self.store.remove_run(id).await? {
            let what = format!("run `{id}` is not over; cancel it first");
            return Err(ApiError::new(ErrorCode::Conflict, what));
        }
        self.audit(AuditTopic::Run, id, "removed with its entries").await?;
        Ok(document)
    }

    /// Brings in what has changed in a system, by every mapping that follows it, and says so in the shape of IDM's liveSync.
    pub async fn live_sync_document(&self, connector: &str, object_type: &str) -> Result<Value, ApiError> {
        let source = ResourcePath::System { connector: connector.into(), object_type: object_type.into() };
        let mappings = self.store.read(|r| r.mappings()).await?;
        let following: Vec<String> = mappings
            .into_iter()
            .filter(|row| {
                row.config.sync_enabled() && row.config.source_path().is_ok_and(|path| path == source)
            })
            .map(|row| row.config.name)
            .collect();
        if following.is_empty() {
            let what = format!(
                "no mapping with enableSync takes its records from {source}; add one, or switch it on there"
            );
            return Err(ApiError::new(ErrorCode::Invalid, what));
        }
        let (mut runs, mut token) = (Vec::new(), Value::Null);
        for mapping in following {
            let begun = self
                .run_start(RunStart {
                    mapping: mapping.clone(),
                    mode: RunMode::Reconcile,
                    ids: Vec::new(),
                    allow_deletes: None,
                    incremental: true,
                })
                .await?;
            let ended = self.run_wait(&begun.id, |_| ()).await?;
            let document = self.run_document(&ended.id).await?;
            token = document.get("started").cloned().unwrap_or_default();
            runs.push(json!({"_id": ended.id, "mapping": mapping, "state": document.get("state")}));
        }
        Ok(json!({
            "_id": format!("SYSTEM{connector}{object_type}").to_uppercase(),
            "_rev": "0",
            "connectorData": {"nativeType": object_type, "syncToken": token},
            "runs": runs,
        }))
    }

    async fn latest_runs(&self) -> Result<Vec<Run>, ApiError> {
        Ok(self.store.read(|r| r.runs(None, None, SUMMARIES)).await?.rows)
    }
}

fn assoc_run(run: &Run, config: Option<&model::MappingConfig>) -> Value {
    json!({
        "_id": run.id,
        "mapping": run.mapping,
        "sourceResourceCollection": config.map(|c| &c.source),
        "targetResourceCollection": config.map(|c| &c.target),
        "isAnalysis": run.mode == store::RunMode::Preview,
        "finishTime": run.ended,
    })
}
