//! Runs: start, apply, cancel, look at.

use std::{
    sync::{Arc, OnceLock, PoisonError},
    time::Duration,
};

use engine::{Begun, CancellationToken, Overrides, RunRequest};
use model::{Action, Situation};
use serde_json::{Map, Value};
use store::{Entry, EntryCount, EntryFilter, EntryStatus, Run, Store};
use tokio::sync::watch;

use crate::{
    ApiError, App, ErrorCode,
    app::Running,
    dto::{
        self, AuditTopic, ById, ChangeRow, Count, EntriesRequest, EntryPage, EntryRow, Fix, GuardRow,
        RunApply, RunDetail, RunMode, RunPage, RunStart, RunState, RunSummary, RunUndo, RunUnfinished,
        RunsRequest, Trouble,
    },
    exports::entry_filter,
    overview::failure_cause,
};

/// Entries in a page when nobody says how many.
const PAGE: usize = 100;
/// Entries in a page at most.
const LARGEST_PAGE: u32 = 1000;

impl App {
    /// Starts a run and gives its row; the run goes on in the background.
    pub async fn run_start(&self, request: RunStart) -> Result<RunSummary, ApiError> {
        self.run_start_with(request, Map::new()).await
    }

    /// The same with keys of the mapping that hold for this run only, in IDM's shape.
    pub async fn run_start_with(
        &self,
        request: RunStart,
        overrides: Map<String, Value>,
    ) -> Result<RunSummary, ApiError> {
        let overrides = Overrides::parse(overrides)?;
        let mode = match request.mode {
            RunMode::Preview => store::RunMode::Preview,
            RunMode::Reconcile => store::RunMode::Reconcile,
            RunMode::Apply => {
                return Err(ApiError::new(
                    ErrorCode::Invalid,
                    "a plan is carried out by its run's id, not started anew",
                ));
            }
        };
        let whole = !request.incremental && request.ids.is_empty();
        let begun = self
            .engine
            .begin_with(
                RunRequest {
                    mapping: request.mapping,
                    mode,
                    ids: request.ids,
                    allow_deletes: request.allow_deletes,
                    incremental: request.incremental,
                },
                &overrides,
            )
            .await?;
        self.go(begun, whole).await
    }

    /// Runs those sources of an ended run again that it left undone.
    pub async fn run_unfinished(&self, request: RunUnfinished) -> Result<RunSummary, ApiError> {
        let mode = if request.preview { store::RunMode::Preview } else { store::RunMode::Reconcile };
        let begun = self.engine.begin_unfinished(&request.id, mode, request.allow_deletes).await?;
        self.go(begun, false).await
    }

    /// Carries out the plan of a preview, or releases a held run.
    pub async fn run_apply(&self, request: RunApply) -> Result<RunSummary, ApiError> {
        let begun = self.engine.begin_apply(&request.id, request.allow_deletes).await?;
        // What asked an earlier process to end the same run is not meant for this one.
        forget_cancel(&self.store, &request.id).await;
        self.go(begun, false).await
    }

    /// Takes back what a run did, as a run of its own: planned, guarded, and only then carried out.
    pub async fn run_undo(&self, request: RunUndo) -> Result<RunSummary, ApiError> {
        let mode = if request.preview { store::RunMode::Preview } else { store::RunMode::Reconcile };
        let begun = self.engine.begin_undo(&request.id, mode, request.allow_deletes).await?;
        self.go(begun, false).await
    }

    /// Lets the runs go on whose rest is over. One whose mapping is being run by another process stays for the next time.
    pub(crate) async fn wake_rested_runs(&self) -> Result<(), ApiError> {
        for id in self.engine.rested_runs().await? {
            match self.run_apply(RunApply { id: id.clone(), allow_deletes: None }).await {
                Ok(run) => tracing::info!(rested = id, run = run.id, "run goes on"),
                // Whoever holds the mapping is done with it soon.
                Err(error) if error.code == ErrorCode::Conflict => {}
                Err(error) => {
                    tracing::warn!(run = id, %error, "a run that rested could not go on");
                    self.engine.rest_on(&id, &error.message).await?;
                }
            }
        }
        Ok(())
    }

    /// Carries a run out in the background, after a look at the schemas of both ends when it is a `whole` one.
    async fn go(&self, begun: Begun, whole: bool) -> Result<RunSummary, ApiError> {
        let run = begun.run.clone();
        let cancel = CancellationToken::new();
        let (done, ended) = watch::channel(false);
        let problem = Arc::new(OnceLock::new());
        let calls_before = self.calls_of(&run.mapping).await?;
        let running = Running { cancel: cancel.clone(), ended, problem: Arc::clone(&problem), calls_before };
        self.remember_running(&run.id, running);
        let (engine, store, id) = (self.engine.clone(), self.store.clone(), run.id.clone());
        let (cancels, stopped) = (store.clone(), cancel.clone());
        let (looking, mapping) = (self.me.upgrade().filter(|_| whole), run.mapping.clone());
        tokio::spawn(async move {
            let asked = cancel.clone();
            let key = cancel_key(&id);
            let watching = tokio::spawn(async move {
                let mut ticks = tokio::time::interval(Duration::from_millis(500));
                // Another process asks for the end of this run through the repository.
                while !asked.is_cancelled() {
                    ticks.tick().await;
                    let key = key.clone();
                    if matches!(store.read(move |r| r.setting(&key)).await, Ok(Some(word)) if word == "asked")
                    {
                        asked.cancel();
                    }
                }
            });
            if let Some(app) = looking {
                tokio::select! {
                    () = app.look_for_drift_before(&mapping) => {}
                    () = cancel.cancelled() => {}
                }
            }
            if let Err(error) = engine.carry_out(begun, cancel).await {
                tracing::error!(run = id, %error, "the run's end could not be written down");
                // Set once, and here only.
                let _ = problem.set(error.into());
            }
            watching.abort();
            if stopped.is_cancelled() {
                forget_cancel(&cancels, &id).await;
            }
            // Nobody may be waiting any more.
            let _ = done.send(true);
        });
        self.audit(AuditTopic::Run, &run.id, &format!("{} of {} started", run.mode.as_str(), run.mapping))
            .await?;
        self.run_summary(&run).await
    }

    /// Waits for a run of this process to end and gives its row. `progress` is called while it goes on.
    pub async fn run_wait(
        &self,
        id: &str,
        mut progress: impl FnMut(&RunSummary),
    ) -> Result<RunSummary, ApiError> {
        let running = self.running().get(id).cloned();
        if let Some(mut running) = running {
            let mut ticks = tokio::time::interval(Duration::from_millis(500));
            loop {
                tokio::select! {
                    // Only the news is kept: what borrows the channel must not be carried over a wait.
                    _ = async { running.ended.wait_for(|ended| *ended).await.is_ok() } => break,
                    _ = ticks.tick() => progress(&self.run_get(ById { id: id.to_owned() }).await?.summary),
                }
            }
            self.running().remove(id);
            self.wake_worker();
            if let Some(problem) = running.problem.get() {
                return Err(problem.clone());
            }
        }
        Ok(self.run_get(ById { id: id.to_owned() }).await?.summary)
    }

    /// Asks a run to end; it does after the batch that is under way, whichever process it is in.
    pub async fn run_cancel(&self, request: ById) -> Result<RunSummary, ApiError> {
        let id = request.id.clone();
        let ended = self.store.write(move |w| end_before_it_goes_on(w, &id)).await?;
        if let Some((run, why)) = ended {
            self.audit(AuditTopic::Run, &run.id, why).await?;
            return self.run_summary(&run).await;
        }
        let run = self.engine.run_row(&request.id).await?;
        if run.state != store::RunState::Active {
            return Err(ApiError::new(
                ErrorCode::Conflict,
                format!("run {} has ended already ({})", run.id, run.state.as_str()),
            ));
        }
        let here = self.running().get(&request.id).map(|r| r.cancel.clone());
        match here {
            Some(cancel) => cancel.cancel(),
            None => {
                let key = cancel_key(&run.id);
                self.store.write(move |w| w.set_setting(&key, "asked")).await?;
            }
        }
        self.audit(AuditTopic::Run, &run.id, "cancel asked for").await?;
        self.run_summary(&run).await
    }

    /// A run with its counts.
    pub async fn run_get(&self, request: ById) -> Result<RunDetail, ApiError> {
        let run = self.engine.run_row(&request.id).await?;
        let seq = run.seq;
        let counts = self.counts(&run).await?;
        let causes = self.store.read(move |r| r.failure_causes(seq, 20)).await?;
        let count_of =
            |name: String, meaning: &str, count: u64| Count { name, meaning: meaning.into(), count };
        let situations = Situation::ALL
            .iter()
            .filter_map(|s| {
                let listed: u64 =
                    counts.iter().filter(|(situation, ..)| situation == s).map(|(.., n)| n).sum();
                let n = listed + run.progress.unlisted.get(s.as_str()).copied().unwrap_or(0);
                (n > 0).then(|| count_of(s.to_string(), s.meaning(), n))
            })
            .collect();
        let actions = Action::ALL
            .iter()
            .filter_map(|a| {
                let n: u64 = counts.iter().filter(|(_, action, ..)| action == a).map(|(.., n)| n).sum();
                (n > 0).then(|| count_of(a.to_string(), "", n))
            })
            .chain(
                (run.progress.unchanged > 0)
                    .then(|| count_of("UNCHANGED".into(), "in sync, nothing to do", run.progress.unchanged)),
            )
            .collect();
        let planned = Action::ALL
            .iter()
            .filter_map(|a| {
                let of =
                    |(_, action, status, _): &&EntryCount| action == a && *status == EntryStatus::Planned;
                let n: u64 = counts.iter().filter(of).map(|(.., n)| n).sum();
                (n > 0).then(|| count_of(a.to_string(), "", n))
            })
            .collect();
        Ok(RunDetail {
            summary: RunSummary { calls: self.live_calls(&run), ..summary(&run, &counts, self.clock.now()) },
            situations,
            actions,
            planned,
            guards: run
                .progress
                .guards
                .iter()
                .map(|g| GuardRow {
                    name: g.name.clone(),
                    limit: g.limit.clone(),
                    planned: g.planned.clone(),
                    holds: g.holds,
                    releasable: engine::is_releasable(&g.name),
                    message: g.message.clone(),
                })
                .collect(),
            causes: causes.into_iter().map(|c| failure_cause(c, &run.mapping, &run.id)).collect(),
            trouble: Trouble::read(run.progress.trouble.as_deref()),
            resume_at: run.progress.resume_at.clone(),
            undone_by: self.undone_by(&run).await?,
        })
    }

    async fn undone_by(&self, run: &Run) -> Result<Option<RunSummary>, ApiError> {
        // Whoever looks on at a run asks often, and nobody takes it back meanwhile.
        if matches!(run.state, store::RunState::Active | store::RunState::Planned | store::RunState::Held) {
            return Ok(None);
        }
        for undo in self.engine.undos_of(run).await? {
            let summary = self.run_summary(&undo).await?;
            if summary.done > 0 {
                return Ok(Some(summary));
            }
        }
        Ok(None)
    }

    /// A page of a run's entries.
    pub async fn run_entries(&self, request: EntriesRequest) -> Result<EntryPage, ApiError> {
        let run = self.engine.run_row(&request.id).await?;
        let filter = EntryFilter {
            after: request.after.as_deref().and_then(|a| a.parse().ok()).unwrap_or(0),
            limit: request.limit.map_or(PAGE, |n| n.clamp(1, LARGEST_PAGE) as usize),
            ..entry_filter(&request)?
        };
        let (seq, count_filter) = (run.seq, EntryFilter { after: 0, ..filter.clone() });
        let (page, total) = self
            .store
            .read(move |r| Ok((r.entries(seq, &filter)?, r.entry_count(seq, &count_filter)?)))
            .await?;
        Ok(EntryPage { entries: page.rows.into_iter().map(entry_row).collect(), next: page.next, total })
    }

    /// Runs, newest first.
    pub async fn runs_list(&self, request: RunsRequest) -> Result<RunPage, ApiError> {
        let before = request.after.as_deref().and_then(|a| a.parse().ok());
        let limit = request.limit.map_or(PAGE, |n| n.clamp(1, LARGEST_PAGE) as usize);
        let page = self
            .store
            .read(move |r| r.runs(request.mapping.as_deref().filter(|m| !m.is_empty()), before, limit))
            .await?;
        let mut runs = Vec::with_capacity(page.rows.len());
        for run in &page.rows {
            runs.push(self.run_summary(run).await?);
        }
        Ok(RunPage { runs, next: page.next })
    }

    /// IDM's summary document of a run.
    pub async fn run_document(&self, id: &str) -> Result<Value, ApiError> {
        let run = self.engine.run_row(id).await?;
        let mapping = run.mapping.clone();
        let counts = self.counts(&run).await?;
        let row = self.store.read(move |r| r.mapping(&mapping)).await?;
        Ok(engine::summary(
            &run,
            row.as_ref().map(|m| &m.config),
            &counts,
            duration_ms(&run, self.clock.now()),
        ))
    }

    /// Entries in the shape of IDM's recon/assoc entries, all of them, page by page.
    pub async fn run_assoc(
        &self,
        id: &str,
        situation: Option<String>,
        failed: bool,
        mut each: impl FnMut(Value),
    ) -> Result<u64, ApiError> {
        let run = self.engine.run_row(id).await?;
        let mapping = run.mapping.clone();
        let row = self.store.read(move |r| r.mapping(&mapping)).await?;
        let situation = situation
            .map(|s| s.parse::<Situation>())
            .transpose()
            .map_err(|e| ApiError::new(ErrorCode::Invalid, e.to_string()))?;
        let mut filter = EntryFilter {
            situation,
            status: failed.then_some(EntryStatus::Failed),
            limit: 1000,
            ..EntryFilter::default()
        };
        let mut count = 0;
        loop {
            let (seq, asked) = (run.seq, filter.clone());
            let page = self.store.read(move |r| r.entries(seq, &asked)).await?;
            for entry in &page.rows {
                count += 1;
                each(engine::assoc_entry(&run, row.as_ref().map(|m| &m.config), entry));
            }
            match page.next.and_then(|n| n.parse().ok()) {
                Some(after) => filter.after = after,
                None => return Ok(count),
            }
        }
    }

    pub(crate) async fn run_summary(&self, run: &Run) -> Result<RunSummary, ApiError> {
        let counts = self.counts(run).await?;
        Ok(RunSummary { calls: self.live_calls(run), ..summary(run, &counts, self.clock.now()) })
    }

    /// The connectors of a mapping, each with the calls that it has made in this process.
    async fn calls_of(&self, mapping: &str) -> Result<Vec<(String, u64)>, ApiError> {
        let config = self.mapping_config(mapping).await?;
        let mut names: Vec<String> = [config.source_path()?, config.target_path()?]
            .iter()
            .filter_map(|path| path.connector().map(str::to_owned))
            .collect();
        names.dedup();
        let calls = |name: &str| self.pool.usage(name).map_or(0, |usage| usage.calls);
        Ok(names
            .into_iter()
            .map(|name| {
                let before = calls(&name);
                (name, before)
            })
            .collect())
    }

    /// The calls of a run: of one that is under way in this process as far as it is, of any other as it was noted last.
    fn live_calls(&self, run: &Run) -> u64 {
        let running = self.running();
        let Some(here) = running.get(&run.id).filter(|_| run.state == store::RunState::Active) else {
            return run.progress.calls;
        };
        let made: u64 = here
            .calls_before
            .iter()
            .map(|(name, before)| {
                self.pool.usage(name).map_or(0, |usage| usage.calls).saturating_sub(*before)
            })
            .sum();
        made.max(run.progress.calls)
    }

    /// The counts of a run's entries: as they were noted when it ended, or as they are now.
    async fn counts(&self, run: &Run) -> Result<Vec<EntryCount>, ApiError> {
        match &run.progress.counts {
            Some(counts) if run.state != store::RunState::Active => Ok(counts.clone()),
            _ => {
                let (seq, begun) = (run.seq, self.clock.now());
                if let Some(counts) = self.live_counts.fresh(seq, begun) {
                    return Ok(counts);
                }
                let counts = self.store.read(move |r| r.entry_counts(seq)).await?;
                self.live_counts.keep(seq, &counts, begun, self.clock.now());
                Ok(counts)
            }
        }
    }

    fn remember_running(&self, id: &str, run: Running) {
        let mut known = self.running();
        // Those that have ended and that nobody waits for here.
        known.retain(|_, run| !*run.ended.borrow());
        known.insert(id.to_owned(), run);
    }

    fn running(&self) -> std::sync::MutexGuard<'_, std::collections::HashMap<String, Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Forgets that another process asked for the end of a run.
async fn forget_cancel(store: &Store, id: &str) {
    let key = cancel_key(id);
    if let Err(error) = store.write(move |w| w.remove_setting(&key)).await {
        tracing::warn!(run = id, %error, "a request to cancel could not be forgotten");
    }
}

/// Ends a run that is not under way: a plan that waits is discarded, one that rests does not go on. Gives it, and what is to be
/// said of it in the audit.
fn end_before_it_goes_on(
    w: &store::Writer<'_>,
    id: &str,
) -> Result<Option<(Run, &'static str)>, store::StoreError> {
    let Some(mut run) = w.run(id)? else { return Ok(None) };
    let (message, why) = match run.state {
        store::RunState::Planned | store::RunState::Held => {
            ("discarded before anything was written", "plan discarded")
        }
        store::RunState::Paused => {
            ("canceled while it rested; what was done until then stays", "canceled while it rested")
        }
        _ => return Ok(None),
    };
    run.state = store::RunState::Canceled;
    run.stage = "COMPLETED_CANCELED".into();
    run.progress.resume_at = None;
    run.message = Some(message.into());
    w.put_run(&run)?;
    Ok(Some((run, why)))
}

fn cancel_key(id: &str) -> String {
    format!("cancel:{id}")
}

fn duration_ms(run: &Run, now: jiff::Timestamp) -> u64 {
    let start: Option<jiff::Timestamp> = run.started.parse().ok();
    let end = run.ended.as_deref().and_then(|e| e.parse().ok()).unwrap_or(now);
    start.map_or(0, |start| u64::try_from(end.duration_since(start).as_millis()).unwrap_or(0))
}

fn summary(run: &Run, counts: &[(Situation, Action, EntryStatus, u64)], now: jiff::Timestamp) -> RunSummary {
    let progress = &run.progress;
    let with = |wanted: EntryStatus| {
        counts.iter().filter(|(_, _, status, _)| *status == wanted).map(|(.., n)| n).sum::<u64>()
    };
    let changes = counts
        .iter()
        .filter(|(_, action, status, _)| {
            action.changes_something()
                && matches!(status, EntryStatus::Planned | EntryStatus::Done | EntryStatus::Stale)
        })
        .map(|(.., n)| n)
        .sum();
    let state = match run.state {
        store::RunState::Active => RunState::Active,
        store::RunState::Success => RunState::Success,
        store::RunState::Planned => RunState::Planned,
        store::RunState::Held => RunState::Held,
        store::RunState::Canceled => RunState::Canceled,
        store::RunState::Failed => RunState::Failed,
        store::RunState::Interrupted => RunState::Interrupted,
        store::RunState::Paused => RunState::Paused,
    };
    let active = state == RunState::Active;
    RunSummary {
        id: run.id.clone(),
        mapping: run.mapping.clone(),
        mode: match run.mode {
            store::RunMode::Preview => RunMode::Preview,
            store::RunMode::Reconcile => RunMode::Reconcile,
            store::RunMode::Apply => RunMode::Apply,
        },
        state,
        stage: run.stage.clone(),
        stage_description: engine::stage_description(&run.stage).into(),
        started: run.started.clone(),
        ended: run.ended.clone(),
        duration_ms: duration_ms(run, now),
        processed: if active { progress.stage_processed } else { progress.source_processed },
        total: if active { progress.stage_total } else { progress.source_total },
        changes,
        done: with(EntryStatus::Done),
        failed: with(EntryStatus::Failed),
        stale: with(EntryStatus::Stale),
        needs_you: with(EntryStatus::NeedsYou),
        calls: progress.calls,
        undoes: progress.undoes.clone(),
        message: run.message.clone(),
    }
}

impl From<EntryStatus> for dto::EntryStatus {
    fn from(status: EntryStatus) -> Self {
        match status {
            EntryStatus::Planned => Self::Planned,
            EntryStatus::Done => Self::Done,
            EntryStatus::Failed => Self::Failed,
            EntryStatus::Stale => Self::Stale,
            EntryStatus::Skipped => Self::Skipped,
            EntryStatus::NeedsYou => Self::NeedsYou,
        }
    }
}

fn entry_row(entry: Entry) -> EntryRow {
    EntryRow {
        id: entry.seq.to_string(),
        title: entry.title,
        situation: entry.situation.to_string(),
        meaning: entry.situation.meaning().into(),
        action: entry.action.to_string(),
        status: entry.status.into(),
        reason: entry.reason,
        fix: Fix::read(entry.remedy.as_deref()),
        remedy: entry.remedy,
        link_qualifier: entry.qualifier,
        source_id: entry.source_id,
        target_id: entry.target_id,
        ambiguous_target_ids: entry.ambiguous,
        changes: entry
            .changes
            .into_iter()
            .map(|c| ChangeRow { attribute: c.attribute, before: c.before, after: c.after })
            .collect(),
    }
}
