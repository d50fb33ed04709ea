//! IDM's documents about runs, for callers that speak IDM: `recon` and `recon/assoc`.

use model::Filter;
use serde_json::{Value, json};
use store::{EntryFilter, Run};

use crate::{ApiError, App};

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
