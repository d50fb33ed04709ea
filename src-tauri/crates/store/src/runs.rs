//! Runs: each a row from its start on, so that a killed process leaves a trace and the next one knows.

use std::collections::BTreeMap;

use model::{Action, Attributes, Situation};
use rusqlite::{OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};

use crate::{
    EntryStatus, Page, Reader, Store, StoreError, Writer,
    limit::{one_more, rows_at_most},
};

/// What a run is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunMode {
    /// Stops after the guard.
    Preview,
    /// All phases.
    Reconcile,
    /// A preview's plan, carried out.
    Apply,
}

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunState {
    /// Under way.
    Active,
    /// Finished.
    Success,
    /// Planned, waiting to be carried out.
    Planned,
    /// Stopped by a guard.
    Held,
    /// Stopped by a person.
    Canceled,
    /// Could not be finished.
    Failed,
    /// Its process ended before it did.
    Interrupted,
    /// The provider takes no calls for a while; it goes on when that is over.
    Paused,
}

macro_rules! stored_words {
    ($name:ident: $($variant:ident = $text:literal),+) => {
        impl $name {
            /// The word in which it is stored.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            fn parse(text: &str) -> Result<Self, StoreError> {
                match text { $($text => Ok(Self::$variant),)+ other => Err(StoreError::damaged(format!("run {other}"))) }
            }
        }
    };
}
stored_words!(RunMode: Preview = "preview", Reconcile = "reconcile", Apply = "apply");
stored_words!(RunState: Active = "active", Success = "success", Planned = "planned", Held = "held",
    Canceled = "canceled", Failed = "failed", Interrupted = "interrupted", Paused = "paused");

/// A guard and how the plan stands to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GuardResult {
    /// `maxDeletes`, `shortSource`, ...
    pub name: String,
    /// What is allowed.
    pub limit: String,
    /// What is planned.
    pub planned: String,
    /// Whether it stops the run.
    pub holds: bool,
    /// In words.
    pub message: String,
}

/// The counts of a run.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Progress {
    /// Sources seen.
    pub source_total: Option<u64>,
    /// There are sources, and the mapping's `sourceQuery` takes in none of them.
    pub none_in_query: bool,
    /// Sources dealt with.
    pub source_processed: u64,
    /// Targets seen.
    pub target_total: Option<u64>,
    /// Targets dealt with in the target phase.
    pub target_processed: u64,
    /// Links when the run began: one for each qualifier of a record.
    pub links_total: u64,
    /// Sources that had a link then.
    pub linked_sources: u64,
    /// Records dealt with in the stage under way.
    pub stage_processed: u64,
    /// Records to deal with in it.
    pub stage_total: Option<u64>,
    /// Records by situation, with and without an entry.
    pub situations: BTreeMap<String, u64>,
    /// Of these, the records that left no entry.
    pub unlisted: BTreeMap<String, u64>,
    /// Records that stood unchanged.
    pub unchanged: u64,
    /// Targets made.
    pub created: u64,
    /// Targets changed.
    pub updated: u64,
    /// Targets deleted.
    pub deleted: u64,
    /// Links made.
    pub linked: u64,
    /// Links removed.
    pub unlinked: u64,
    /// Calls to remote systems.
    pub calls: u64,
    /// Sources that failed to be judged.
    pub failed_sources: u64,
    /// The guards and how the plan stands to them.
    pub guards: Vec<GuardResult>,
    /// Milliseconds per phase.
    pub durations: BTreeMap<String, u64>,
    /// Only these source ids.
    pub ids: Vec<String>,
    /// What its caller has changed of the mapping for this run, in IDM's shape.
    #[serde(skip_serializing_if = "Attributes::is_empty")]
    pub overrides: Attributes,
    /// The run that this one takes back.
    pub undoes: Option<String>,
    /// The version of the mapping by which its plan was made; 0 for that of no mapping.
    pub version: i64,
    /// Between which resources, each with where its system is; empty for runs of older versions of Concord.
    pub ends: Vec<String>,
    /// The accounts of both ends by their ids, each empty where it was not known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub accounts: Vec<String>,
    /// The newest entry of the history when its plan was made.
    pub history: Option<i64>,
    /// Only what has changed since the last run of the mapping was looked at.
    pub incremental: bool,
    /// The run whose unfinished read this one has taken up.
    pub resumed: Option<i64>,
    /// Records that the provider delivered a second time, and that were left out.
    pub repeated: u64,
    /// Links that followed a record which was merged into another one.
    pub followed: u64,
    /// Writes of earlier runs whose answer was lost, and that were found done.
    pub found_done: u64,
    /// When a run that rests goes on.
    pub resume_at: Option<String>,
    /// What a person has allowed it to delete, for when it goes on.
    pub allow_deletes: Option<u64>,
    /// It dealt with everything and failed only after that: nobody was told.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unreported: bool,
    /// What kind of trouble a remote system made, when the run failed because of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
    /// Entries by situation, action and status once the run has ended.
    pub counts: Option<Vec<EntryCount>>,
}

/// How many entries of a run share situation, action and status.
pub type EntryCount = (Situation, Action, EntryStatus, u64);

/// A run.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// Its number; entries and mirrors refer to it.
    pub seq: i64,
    /// `_id`.
    pub id: String,
    /// The mapping's name.
    pub mapping: String,
    /// What it is for.
    pub mode: RunMode,
    /// Where it stands.
    pub state: RunState,
    /// IDM's stage name.
    pub stage: String,
    /// When it started.
    pub started: String,
    /// When it ended.
    pub ended: Option<String>,
    /// Its counts.
    pub progress: Progress,
    /// Why it was held or failed.
    pub message: Option<String>,
}

/// A run to begin.
#[derive(Debug, Clone, PartialEq)]
pub struct NewRun {
    /// `_id`.
    pub id: String,
    /// The mapping's name.
    pub mapping: String,
    /// What it is for.
    pub mode: RunMode,
    /// Its first stage.
    pub stage: String,
    /// When.
    pub started: String,
    /// Only these source ids.
    pub ids: Vec<String>,
    /// Only what has changed since.
    pub incremental: bool,
}

const COLUMNS: &str = "seq, id, mapping, mode, state, stage, started, ended, progress, message";

fn from_row(row: &Row<'_>) -> Result<Run, StoreError> {
    Ok(Run {
        seq: row.get(0)?,
        id: row.get(1)?,
        mapping: row.get(2)?,
        mode: RunMode::parse(&row.get::<_, String>(3)?)?,
        state: RunState::parse(&row.get::<_, String>(4)?)?,
        stage: row.get(5)?,
        started: row.get(6)?,
        ended: row.get(7)?,
        progress: serde_json::from_str(&row.get::<_, String>(8)?).map_err(StoreError::damaged)?,
        message: row.get(9)?,
    })
}

impl Reader<'_> {
    /// A run by `_id`.
    pub fn run(&self, id: &str) -> Result<Option<Run>, StoreError> {
        let mut statement =
            self.connection.prepare_cached(&format!("SELECT {COLUMNS} FROM run WHERE id = ?1"))?;
        let mut rows = statement.query([id])?;
        rows.next()?.map(from_row).transpose()
    }

    /// The newest run of a mapping.
    pub fn last_run(&self, mapping: &str) -> Result<Option<Run>, StoreError> {
        Ok(self.runs(Some(mapping), None, 1)?.rows.into_iter().next())
    }

    /// Runs, newest first.
    pub fn runs(
        &self,
        mapping: Option<&str>,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Page<Run>, StoreError> {
        let narrowed = if mapping.is_some() { "mapping = ?1" } else { "?1 IS NULL" };
        let sql =
            format!("SELECT {COLUMNS} FROM run WHERE {narrowed} AND seq < ?2 ORDER BY seq DESC LIMIT ?3");
        let mut statement = self.connection.prepare_cached(&sql)?;
        let mut found = statement.query(params![mapping, before.unwrap_or(i64::MAX), one_more(limit)])?;
        let mut rows = Vec::new();
        while let Some(row) = found.next()? {
            rows.push(from_row(row)?);
        }
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| more).map(|last| last.seq.to_string());
        Ok(Page { rows, next })
    }

    /// Runs in a state, oldest first. Those that are active were under way when their process ended, or still are.
    pub fn runs_in(&self, state: RunState) -> Result<Vec<Run>, StoreError> {
        // Only a state in the statement itself leads to the index of those that are active.
        let mut statement = self.connection.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM run WHERE state = '{}' ORDER BY seq",
            state.as_str()
        ))?;
        let mut found = statement.query([])?;
        let mut rows = Vec::new();
        while let Some(row) = found.next()? {
            rows.push(from_row(row)?);
        }
        Ok(rows)
    }
}

impl Writer<'_> {
    /// Begins a run and gives its number.
    pub fn begin_run(&self, run: &NewRun) -> Result<i64, StoreError> {
        let progress = Progress { ids: run.ids.clone(), incremental: run.incremental, ..Progress::default() };
        self.connection.execute(
            "INSERT INTO run (id, mapping, mode, state, stage, started, progress) VALUES (?1, ?2, ?3, 'active', ?4, ?5, ?6)",
            params![
                run.id,
                run.mapping,
                run.mode.as_str(),
                run.stage,
                run.started,
                serde_json::to_string(&progress).map_err(StoreError::damaged)?
            ],
        )?;
        Ok(self.connection.last_insert_rowid())
    }

    /// Writes down where a run stands.
    pub fn put_run(&self, run: &Run) -> Result<(), StoreError> {
        self.connection
            .prepare_cached("UPDATE run SET mode = ?2, state = ?3, stage = ?4, ended = ?5, progress = ?6, message = ?7, started = ?8 WHERE seq = ?1")?
            .execute(params![
                run.seq,
                run.mode.as_str(),
                run.state.as_str(),
                run.stage,
                run.ended,
                serde_json::to_string(&run.progress).map_err(StoreError::damaged)?,
                run.message,
                run.started
            ])?;
        Ok(())
    }

    /// A finished run of a mapping beyond the newest `keep` of them: the oldest.
    fn run_to_prune(
        &self,
        mapping: &str,
        keep: usize,
        spared: Option<&str>,
    ) -> Result<Option<(i64, String)>, StoreError> {
        const SQL: &str = "SELECT seq, id FROM run
             WHERE mapping = ?1 AND state NOT IN ('active', 'paused') AND id IS NOT ?3 AND seq <= (
               SELECT seq FROM run WHERE mapping = ?1 AND state NOT IN ('active', 'paused')
               ORDER BY seq DESC LIMIT 1 OFFSET ?2)
             ORDER BY seq LIMIT 1";
        let row = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
        Ok(self.connection.query_row(SQL, params![mapping, rows_at_most(keep), spared], row).optional()?)
    }

    /// Removes a part of what a run holds, and the run once it holds nothing. Gives whether it is gone.
    fn remove_part(&self, run: i64, id: &str) -> Result<bool, StoreError> {
        let entries = "SELECT seq FROM run_entry WHERE run = ?1 ORDER BY seq LIMIT 1";
        let first = |offset: i64| {
            let sql = format!("{entries} OFFSET {offset}");
            self.connection.query_row(&sql, [run], |row| row.get::<_, i64>(0)).optional()
        };
        if let Some(rest) = first(REMOVED_AT_ONCE)? {
            for table in ["run_entry_doc", "run_entry"] {
                self.connection
                    .execute(&format!("DELETE FROM {table} WHERE run = ?1 AND seq < ?2"), [run, rest])?;
            }
            return Ok(false);
        }
        let sent = "DELETE FROM journal WHERE seq IN (
               SELECT seq FROM journal WHERE run = ?1 AND state <> 'sending' LIMIT ?2)";
        if self.connection.execute(sent, params![id, REMOVED_AT_ONCE])? as i64 == REMOVED_AT_ONCE {
            return Ok(false);
        }
        self.connection.execute("DELETE FROM run WHERE seq = ?1", [run])?;
        Ok(true)
    }
}

/// Entries, or writes in the journal, that one transaction removes at most.
const REMOVED_AT_ONCE: i64 = 5_000;

/// What is removed with a run goes in small transactions, so that whoever saves something meanwhile does not wait for a million of
/// entries. A process that dies leaves the rest to whoever removes that run next.
impl Store {
    /// Drops a run with its entries and what the journal holds of it, except writes that are still in doubt. One that still goes
    /// on, or will, stays: then this gives `false`.
    pub async fn remove_run(&self, id: &str) -> Result<bool, StoreError> {
        const OVER: &str = "SELECT seq FROM run WHERE id = ?1 AND state NOT IN ('active', 'paused')";
        let mut removed = false;
        loop {
            let id = id.to_owned();
            let gone = self
                .write(move |w| {
                    let over: Option<i64> =
                        w.connection.query_row(OVER, [&id], |row| row.get(0)).optional()?;
                    over.map(|run| w.remove_part(run, &id)).transpose()
                })
                .await?;
            match gone {
                None => return Ok(removed),
                Some(gone) => removed = gone,
            }
        }
    }

    /// Keeps the newest `keep` finished runs of a mapping, drops the older ones with their entries and what the journal holds of
    /// them, except writes that are still in doubt. The `spared` one stays as well, and those that rest.
    pub async fn prune_runs(
        &self,
        mapping: &str,
        keep: usize,
        spared: Option<&str>,
    ) -> Result<(), StoreError> {
        loop {
            let (mapping, spared) = (mapping.to_owned(), spared.map(str::to_owned));
            let part = move |w: &Writer<'_>| match w.run_to_prune(&mapping, keep, spared.as_deref())? {
                None => Ok(false),
                Some((run, id)) => w.remove_part(run, &id).map(|_| true),
            };
            if !self.write(part).await? {
                return Ok(());
            }
        }
    }
}
