//! A run from beginning to end.

use std::collections::HashSet;

use mapping::Hook;
use model::{Action, Attributes, Situation};
use serde_json::json;
use store::{
    Entry, EntryCount, EntryFilter, EntryStatus, Feed, FileLock, Locked, NewRun, Progress, Reader, Run,
    RunMode, RunState, Side,
};
use tokio_util::sync::CancellationToken;

use crate::{
    Engine, EngineError, Overrides,
    after::Looked,
    ends::{End, Prepared, Scope, UNSETTLED},
    feed::LOOKED_THROUGH,
    guard,
    judge::{Gone, Judge},
    plan,
    read::Linked,
    remedy::Remedy,
    unique::{self, Holders},
};

/// Finished runs that are kept per mapping, unless its `keepRuns` says otherwise.
pub const DEFAULT_KEPT_RUNS: usize = 30;

/// What to run.
#[derive(Debug, Clone)]
pub struct RunRequest {
    /// The mapping.
    pub mapping: String,
    /// Preview or reconcile.
    pub mode: RunMode,
    /// Only these sources; empty means all.
    pub ids: Vec<String>,
    /// For this run only: deletes that the guard lets through.
    pub allow_deletes: Option<u64>,
    /// Only what has changed since the last run looked, on either side. The first time, and whenever the mapping itself has
    /// changed, that is everything.
    pub incremental: bool,
}

/// A run that has begun and holds its mapping's lock, to be carried out.
pub struct Begun {
    /// Its row.
    pub run: Run,
    prepared: Prepared,
    allow_deletes: Option<u64>,
    plan: Plan,
    _lock: FileLock,
}

/// What the read phase has brought.
#[derive(Debug, Default)]
pub(crate) struct Read {
    /// Only these sources are to be looked at; `None` means all.
    pub sources: Option<Vec<String>>,
    /// How far the changes of each end are taken in once the run has succeeded.
    pub feeds: Vec<Feed>,
}

/// The phase that writes, among a run's durations.
const EXECUTING: &str = "updateTargetObject";

/// Where a run's plan comes from.
#[derive(Debug, Clone)]
enum Plan {
    /// Both sides are read and compared.
    Make,
    /// It was made before, by a preview or a held run.
    Stored,
    /// It takes back what this run did.
    Undo(Box<Run>),
}

/// What a new run is begun for, where it is not for itself.
#[derive(Debug, Default)]
pub(crate) struct Place {
    /// The run that rested and that it takes the place of, by `_id`.
    pub rested: Option<String>,
    /// The run that it takes back.
    pub undoes: Option<Run>,
}

impl Engine {
    /// Begins a run: everything that can be refused is refused here.
    pub async fn begin(&self, request: RunRequest) -> Result<Begun, EngineError> {
        self.begin_with(request, &Overrides::default()).await
    }

    /// The same with keys of the mapping that hold for this run only.
    pub async fn begin_with(&self, request: RunRequest, overrides: &Overrides) -> Result<Begun, EngineError> {
        // It is large, and so would be whatever begins a run.
        Box::pin(self.begin_as(request, overrides, Place::default())).await
    }

    /// The same in the place of a run that rested, or to take one back.
    pub(crate) async fn begin_as(
        &self,
        request: RunRequest,
        overrides: &Overrides,
        place: Place,
    ) -> Result<Begun, EngineError> {
        let prepared = Box::pin(self.prepare_with(&request.mapping, overrides)).await?;
        if let Some(done) = &place.undoes {
            prepared.must_be_for(done)?;
            self.must_be_in_the_accounts_of(&prepared, done).await?;
        }
        let lock = self.lock_mapping(prepared.name()).await?;
        let prepared = self.as_under_lock(prepared, overrides).await?;
        self.clear_up(prepared.name()).await?;
        let mut ids: Vec<String> = request.ids.into_iter().map(|id| prepared.source.id(id)).collect();
        let mut once = HashSet::new();
        ids.retain(|id| once.insert(id.clone()));
        let new = NewRun {
            id: self.new_id(),
            mapping: prepared.name().to_owned(),
            mode: request.mode,
            stage: "ACTIVE_INITIALIZED".into(),
            started: self.at(),
            ids,
            incremental: request.incremental,
        };
        let (id, version, changed) = (new.id.clone(), prepared.version, overrides.keys().clone());
        let ends = prepared.described.clone();
        let accounts = self.accounts(&prepared, false).await?;
        let kept = prepared.config.keep_runs.unwrap_or(DEFAULT_KEPT_RUNS).max(1);
        let Place { rested, undoes } = place;
        self.store.prune_runs(prepared.name(), kept, undoes.as_ref().map(|run| run.id.as_str())).await?;
        let undone = undoes.as_ref().map(|run| run.id.clone());
        let run = self
            .store
            .write(move |w| {
                end_rests(w, &new, undone.is_some(), rested.as_deref())?;
                w.begin_run(&new)?;
                let gone = || store::StoreError::not_found(format!("run {}", new.id));
                let mut run = w.run(&new.id)?.ok_or_else(gone)?;
                run.progress =
                    Progress { version, ends, accounts, overrides: changed, undoes: undone, ..run.progress };
                w.put_run(&run)?;
                Ok(run)
            })
            .await?;
        tracing::info!(run = id, mapping = prepared.name(), mode = request.mode.as_str(), "run begun");
        let plan = undoes.map_or(Plan::Make, |done| Plan::Undo(Box::new(done)));
        Ok(Begun { run, prepared, allow_deletes: request.allow_deletes, plan, _lock: lock })
    }

    /// Begins to carry out the plan of a preview, a held run's, or what is left of the plan of a run that was canceled or cut
    /// off, under the same `_id`.
    pub async fn begin_apply(&self, id: &str, allow_deletes: Option<u64>) -> Result<Begun, EngineError> {
        let row = self.run_row(id).await?;
        if row.state == RunState::Paused && !row.progress.durations.contains_key(EXECUTING) {
            let allowed = allow_deletes.or(row.progress.allow_deletes);
            return self.begin_anew(row, allowed).await;
        }
        let overrides = row.progress.overrides.clone().into();
        let prepared = self.prepare_with(&row.mapping, &overrides).await?;
        prepared.must_be_for(&row)?;
        self.must_be_in_the_accounts_of(&prepared, &row).await?;
        let lock = self.lock_mapping(prepared.name()).await?;
        let mut prepared = self.as_under_lock(prepared, &overrides).await?;
        prepared.must_be_for(&row)?;
        self.clear_up(prepared.name()).await?;
        // Another applier may have been quicker; under the lock the row says what is so.
        let mut run = self.run_row(id).await?;
        let seq = run.seq;
        let left = self
            .store
            .read(move |r| {
                let planned = EntryFilter { status: Some(EntryStatus::Planned), ..EntryFilter::default() };
                r.entry_count(seq, &planned)
            })
            .await?;
        match run.state {
            RunState::Planned | RunState::Held | RunState::Paused => {}
            // It got as far as its writes, so its plan was whole and its guards were kept.
            RunState::Canceled | RunState::Failed | RunState::Interrupted
                if left > 0 && run.progress.durations.contains_key(EXECUTING) => {}
            RunState::Active => {
                return Err(EngineError::Busy(format!(
                    "run {id} is still under way; wait for it or cancel it"
                )));
            }
            RunState::Success | RunState::Canceled | RunState::Failed | RunState::Interrupted => {
                return Err(EngineError::config(format!(
                    "run {id} has ended ({}); only a preview, a held run or one with writes left can be carried out. Start a new run of {}",
                    run.state.as_str(),
                    run.mapping
                )));
            }
        }
        // A mapping that was changed since has not judged what is carried out here: its next run does.
        if run.progress.version != prepared.version {
            prepared.version = UNSETTLED;
        }
        let allow_deletes = allow_deletes.or(run.progress.allow_deletes.take());
        if run.state != RunState::Paused {
            run.mode = RunMode::Apply;
        }
        run.state = RunState::Active;
        run.progress.resume_at = None;
        // Those of the plan; whoever looks on counts what becomes of it.
        run.progress.counts = None;
        // The time that a person took to look at the plan is not the run's.
        run.started = self.at();
        run.ended = None;
        run.message = None;
        self.put_run(&run).await?;
        Ok(Begun { run, prepared, allow_deletes, plan: Plan::Stored, _lock: lock })
    }

    /// Begins to take back what a run did. The undo is a run of its own: planned, guarded, kept.
    pub async fn begin_undo(
        &self,
        id: &str,
        mode: RunMode,
        allow_deletes: Option<u64>,
    ) -> Result<Begun, EngineError> {
        self.begin_undo_as(id, mode, allow_deletes, None).await
    }

    /// The same in the place of an undo that rested.
    pub(crate) async fn begin_undo_as(
        &self,
        id: &str,
        mode: RunMode,
        allow_deletes: Option<u64>,
        rested: Option<String>,
    ) -> Result<Begun, EngineError> {
        let done = self.run_row(id).await?;
        match done.state {
            RunState::Success | RunState::Canceled | RunState::Failed | RunState::Interrupted => {}
            RunState::Active => {
                return Err(EngineError::Busy(format!(
                    "run {id} is still under way; wait for it or cancel it"
                )));
            }
            RunState::Paused => {
                return Err(EngineError::Busy(format!(
                    "run {id} rests and will go on; cancel it before it is taken back"
                ))
                .with_hint(format!("`concord run cancel {id}` cancels it")));
            }
            RunState::Planned | RunState::Held => {
                return Err(EngineError::config(format!(
                    "run {id} has written nothing; there is nothing to undo"
                )));
            }
        }
        let mapping = done.mapping.clone();
        let request = RunRequest { mapping, mode, ids: Vec::new(), allow_deletes, incremental: false };
        let place = Place { rested, undoes: Some(done) };
        Box::pin(self.begin_as(request, &Overrides::default(), place)).await
    }

    /// Begins a run over those sources of an ended run that failed, were stale or wait for a person.
    pub async fn begin_unfinished(
        &self,
        id: &str,
        mode: RunMode,
        allow_deletes: Option<u64>,
    ) -> Result<Begun, EngineError> {
        let done = self.run_row(id).await?;
        if done.state == RunState::Active {
            return Err(EngineError::Busy(format!("run {id} is still under way; wait for it or cancel it")));
        }
        let ids = self.store.read(move |r| r.unfinished_sources(done.seq)).await?;
        if ids.is_empty() {
            return Err(EngineError::config(format!(
                "run {id} left no source record undone; there is nothing to run again"
            )));
        }
        self.begin(RunRequest { mapping: done.mapping, mode, ids, allow_deletes, incremental: false }).await
    }

    /// Carries a run out and gives its row as it ended. A run that fails ends as a row with its reason; only a repository
    /// that cannot be written is an error.
    pub async fn carry_out(&self, begun: Begun, cancel: CancellationToken) -> Result<Run, EngineError> {
        let Begun { mut run, prepared, allow_deletes, plan, _lock } = begun;
        let calls = prepared.calls();
        // Whoever carries out a run in the midst of other things has room for them on its stack.
        let outcome = Box::pin(self.phases(&mut run, &prepared, allow_deletes, &plan, &cancel)).await;
        run.progress.calls += prepared.calls() - calls;
        match outcome {
            Ok(()) => {}
            Err(EngineError::Canceled) => {
                run.state = RunState::Canceled;
                run.stage = "COMPLETED_CANCELED".into();
                run.message = Some("canceled; what was done until then stays, run it again to go on".into());
            }
            Err(error) if self.put_to_rest(&mut run, &error, allow_deletes) => {}
            Err(error) => {
                run.state = RunState::Failed;
                run.stage = "COMPLETED_FAILED".into();
                run.progress.trouble = match &error {
                    EngineError::Remote(error) => Some(error.kind.as_str().to_owned()),
                    _ => None,
                };
                run.message = Some(error.to_string());
                tracing::warn!(run = run.id, %error, "run failed");
            }
        }
        run.ended = Some(self.at());
        let linking = prepared.config.linking_enabled();
        self.store
            .write(move |w| {
                let counts = w.entry_counts(run.seq)?;
                count_done(w, &mut run, &counts, linking)?;
                run.progress.counts = Some(counts);
                w.put_run(&run)?;
                Ok(run)
            })
            .await
            .map_err(EngineError::from)
    }

    async fn phases(
        &self,
        run: &mut Run,
        prepared: &Prepared,
        allow_deletes: Option<u64>,
        plan: &Plan,
        cancel: &CancellationToken,
    ) -> Result<(), EngineError> {
        run.progress.found_done += self.resolve_doubts(prepared, Some(cancel)).await?;
        run.progress.found_done += Box::pin(self.resolve_doubts_of_partners(prepared)).await?;
        let partial = run.progress.incremental || !run.progress.ids.is_empty();
        let as_configured = run.progress.overrides.is_empty();
        let mut looked = Looked::Earlier { whole: !partial && as_configured };
        let mut feeds = Vec::new();
        match plan {
            // What it had done before, and what was found done of that, counts as well.
            Plan::Stored => self.recount(run, prepared).await?,
            Plan::Undo(done) => {
                run.stage = "ACTIVE_RECONCILING_TARGET".into();
                self.put_run(run).await?;
                self.plan_undo(run, prepared, done, cancel).await?;
                self.recount(run, prepared).await?;
            }
            Plan::Make => {
                self.run_event(prepared, run, Hook::Recon)?;
                let mut read = Read::default();
                self.timed(run, "sourceQuery", async |engine, run| {
                    read = engine.read_phase(run, prepared, cancel).await?;
                    Ok(())
                })
                .await?;
                run.stage = "ACTIVE_RECONCILING_SOURCE".into();
                self.put_run(run).await?;
                self.timed(run, "sourcePhase", async |engine, run| {
                    engine.plan_phase(run, prepared, read.sources.as_deref(), cancel).await
                })
                .await?;
                feeds = read.feeds;
                looked = match read.sources {
                    _ if !as_configured => Looked::AtEntries,
                    None => Looked::AtAll,
                    Some(ids) => Looked::At(ids),
                };
            }
        }
        // The read may have found that an incremental run has to look at everything.
        let partial = run.progress.incremental || !run.progress.ids.is_empty();
        let held = !self.guard_phase(run, prepared, partial, allow_deletes).await?;
        if held || run.mode == RunMode::Preview {
            self.note_accounts(run, prepared).await;
        }
        if held {
            return Ok(());
        }
        if matches!(plan, Plan::Stored) && as_configured && prepared.version == UNSETTLED {
            let found = run.message.take().into_iter();
            run.message = Some(found.chain([OUTDATED.to_owned()]).collect::<Vec<_>>().join("; "));
        }
        if run.mode == RunMode::Preview {
            run.state = RunState::Planned;
            run.stage = "COMPLETED_SUCCESS".into();
            return Ok(());
        }
        self.note_linked_accounts(prepared).await?;
        run.stage = "ACTIVE_RECONCILING_TARGET".into();
        let recheck = matches!(plan, Plan::Stored);
        self.timed(run, EXECUTING, async |engine, run| engine.execute(run, prepared, recheck, cancel).await)
            .await?;
        run.stage = "ACTIVE_PROCESSING_RESULTS".into();
        self.put_run(run).await?;
        self.after_actions(run, prepared)?;
        self.put_questions(run, prepared, &looked).await?;
        self.clear_what_is_in_line(prepared, &run.id).await?;
        self.recount(run, prepared).await?;
        let reported = self.run_event(prepared, run, Hook::Result);
        // Some pages of a read that was taken up are older than this run: what has changed on them since is still to come, from
        // where the feeds stood before.
        if run.progress.resumed.is_some() {
            feeds.clear();
        }
        // Only now: whatever ended before this is looked at again by the next incremental run.
        self.store.write(move |w| feeds.iter().try_for_each(|feed| w.put_feed(feed))).await?;
        run.progress.unreported = reported.is_err();
        // As in IDM: who reads of a success must be able to count on what the script does with it.
        reported.map_err(|error| {
            EngineError::config(format!("the records were dealt with, but the run is not reported: {error}"))
        })?;
        run.state = RunState::Success;
        run.stage = "COMPLETED_SUCCESS".into();
        Ok(())
    }

    /// Runs a script of the mapping that belongs to the run as a whole.
    fn run_event(&self, prepared: &Prepared, run: &Run, hook: Hook) -> Result<(), EngineError> {
        let (mapping, scripts) = prepared.compile()?;
        if !mapping.has_hook(hook) {
            return Ok(());
        }
        let context = json!({"reconId": run.id, "mapping": prepared.name()});
        let statistics = json!({"situations": run.progress.situations, "created": run.progress.created,
            "updated": run.progress.updated, "deleted": run.progress.deleted});
        let config = serde_json::to_value(&prepared.config).unwrap_or_default();
        let resource = |path: &str| json!({"name": path});
        let (source, target) = (resource(&prepared.config.source), resource(&prepared.config.target));
        let variables = [
            ("context", &context),
            ("mappingConfig", &config),
            ("source", &source),
            ("targetResource", &target),
            ("global", &statistics),
        ];
        mapping
            .run_hook(&scripts, hook, &variables, &Attributes::new())
            .map(|_| ())
            .map_err(|problem| EngineError::config(format!("mapping `{}`: {problem}", prepared.name())))
    }

    async fn timed(
        &self,
        run: &mut Run,
        phase: &str,
        work: impl AsyncFnOnce(&Self, &mut Run) -> Result<(), EngineError>,
    ) -> Result<(), EngineError> {
        let began = self.now();
        // A run that is cut off in a phase has been in it.
        run.progress.durations.insert(phase.to_owned(), 0);
        let result = work(self, run).await;
        let took = self.now().duration_since(began).as_millis();
        run.progress.durations.insert(phase.to_owned(), u64::try_from(took).unwrap_or(0));
        result
    }

    async fn read_phase(
        &self,
        run: &mut Run,
        prepared: &Prepared,
        cancel: &CancellationToken,
    ) -> Result<Read, EngineError> {
        run.stage = "ACTIVE_QUERY_ENTRIES".into();
        run.progress.stage_processed = 0;
        self.put_run(run).await?;
        if !run.progress.ids.is_empty() {
            let ids = run.progress.ids.clone();
            run.progress.followed += self.read_partial(prepared, &ids).await?;
            return Ok(Read { sources: Some(ids), ..Read::default() });
        }
        // What has changed in one account is not told by the feed of another.
        run.progress.incremental &= prepared.strayed.is_none();
        let read = self.read_changes(run, prepared, cancel).await?;
        if read.sources.is_some() {
            return Ok(read);
        }
        run.progress.incremental = false;
        for (end, side) in [
            (&prepared.source, Side::of_source(prepared.orientation)),
            (&prepared.target, Side::of_target(prepared.orientation)),
        ] {
            if let End::Remote(remote) = end {
                let linked = Linked { kind: prepared.link_type(), orientation: prepared.orientation, side };
                self.read_all(remote, run, linked, cancel).await?;
            }
        }
        Ok(read)
    }

    async fn plan_phase(
        &self,
        run: &mut Run,
        prepared: &Prepared,
        sources: Option<&[String]>,
        cancel: &CancellationToken,
    ) -> Result<(), EngineError> {
        let (store, at) = (self.store.clone(), self.at());
        run.progress.history = Some(self.store.read(|r| r.newest_history()).await?);
        let mut working = run.clone();
        // The interpreter stays on one thread, and the repository's calls block: both want a thread of their own.
        let planned: Result<_, EngineError> = tokio::task::block_in_place(|| {
            let scope = sources.map_or(Scope::All, Scope::Some);
            let contested = plan::plan(&store, prepared, scope, &mut working, &at, cancel)?;
            Ok((working, contested))
        });
        let mut contested;
        (*run, contested) = planned?;
        if let Some(ids) = sources {
            self.plan_gone(run, prepared, ids).await?;
            tokio::task::block_in_place(|| {
                unique::settle(&self.store, prepared, run, &mut contested, Holders::Stay)
            })?;
        }
        self.recount(run, prepared).await
    }

    /// Of the ids asked for, those whose source is gone.
    async fn plan_gone(&self, run: &mut Run, prepared: &Prepared, ids: &[String]) -> Result<(), EngineError> {
        let mut entries = self.gone_entries(prepared, &run.id, ids, &|_| None, None).await?;
        if self.ask_what_became(prepared, &entries).await? {
            entries = self.gone_entries(prepared, &run.id, ids, &|_| None, None).await?;
        }
        if entries.is_empty() {
            return Ok(());
        }
        let seq = run.seq;
        self.store
            .write(move |w| {
                let first =
                    1 + i64::try_from(w.entry_count(seq, &store::EntryFilter::default())?).unwrap_or(0);
                let mut planned = Vec::with_capacity(entries.len());
                for (entry, number) in entries.into_iter().zip(first..) {
                    let taken = match &entry.target_id {
                        Some(target) => w.target_taken(seq, target)?,
                        None => None,
                    };
                    planned.push(Entry { seq: number, ..yields(entry, taken) });
                }
                w.add_entries(seq, &planned)
            })
            .await?;
        Ok(())
    }

    /// Entries for those of these sources that are gone. `old` tells what each was like, where that is known; `chosen` is what a
    /// person wants done about them.
    pub(crate) async fn gone_entries<'o>(
        &self,
        prepared: &Prepared,
        run: &str,
        ids: &[String],
        old: &(dyn Fn(&str) -> Option<&'o Attributes> + Sync),
        chosen: Option<Action>,
    ) -> Result<Vec<Entry>, EngineError> {
        let (walk, wanted) = (prepared.here(), ids.to_vec());
        let gone: Vec<String> = self
            .store
            .read(move |r| {
                let mut gone = Vec::new();
                for id in wanted {
                    if r.source(&walk, &id)?.is_none() {
                        gone.push(id);
                    }
                }
                Ok(gone)
            })
            .await?;
        if gone.is_empty() {
            return Ok(Vec::new());
        }
        tokio::task::block_in_place(|| self.judged_as_gone(prepared, run, &gone, &|id| old(id), chosen))
    }

    /// Entries for these sources, judged as if they were gone. `old` tells what each was like, where that is known.
    pub(crate) fn judged_as_gone<'o>(
        &self,
        prepared: &Prepared,
        run: &str,
        gone: &[String],
        old: &(dyn Fn(&str) -> Option<&'o Attributes> + Sync),
        chosen: Option<Action>,
    ) -> Result<Vec<Entry>, EngineError> {
        let (mapping, scripts) = prepared.compile()?;
        let old_source = |id: &str| old(id).cloned();
        let judge =
            Judge { chosen, old_source: &old_source, ..plan::judge(prepared, &mapping, &scripts, run) };
        let walk = prepared.here();
        let lookup = plan::StoreLookup { view: plan::View::Now(&self.store), prepared, walk: &walk };
        let qualifiers = prepared.qualifiers(&mapping, &scripts)?;
        let mut entries = Vec::new();
        for id in gone {
            let old = old(id);
            let mut unlinked = Vec::new();
            let before = entries.len();
            for qualifier in &qualifiers {
                let space = prepared.space(qualifier);
                let (link, target) = self.store.read_blocking(|r| {
                    let link = r.link_of_source(&space, id)?;
                    let target = match &link {
                        Some(link) => r.target(&walk, &link.target_id)?,
                        None => None,
                    };
                    Ok((link, target))
                })?;
                let title = match (&target, old) {
                    (Some((attributes, _)), _) => crate::title_of(attributes, id),
                    (None, Some(old)) => crate::title_of(old, id),
                    (None, None) => id.clone(),
                };
                let gone =
                    Gone { qualifier, id, title: &title, old, link: link.as_ref(), target: target.as_ref() };
                let entry = judge.gone(&gone, &lookup);
                if link.is_some() { entries.push(entry) } else { unlinked.push(entry) }
            }
            // A source without links has nothing to say for each account that it might have had.
            if entries.len() == before {
                entries.extend(unlinked.into_iter().take(1));
            }
        }
        Ok(entries.into_iter().map(|entry| prepared.allowed(entry)).collect())
    }

    /// Holds the plan against the guards; false when it is held.
    async fn guard_phase(
        &self,
        run: &mut Run,
        prepared: &Prepared,
        partial: bool,
        allow_deletes: Option<u64>,
    ) -> Result<bool, EngineError> {
        let seq = run.seq;
        let counts = self.store.read(move |r| r.entry_counts(seq)).await?;
        let planned = guard::Planned::count(&counts);
        let last_sources = self.last_sources(prepared.name(), seq).await?;
        run.progress.guards = guard::check(
            prepared.config.guards,
            prepared.config.allow_empty_source_set.unwrap_or(false),
            partial || run.progress.undoes.is_some(),
            planned,
            &run.progress,
            last_sources,
            allow_deletes,
        );
        let elsewhere = prepared.strayed.iter().map(|strayed| strayed.guard(allow_deletes.is_some()));
        run.progress.guards.splice(0..0, elsewhere);
        let reasons: Vec<&str> =
            run.progress.guards.iter().filter(|g| g.holds).map(|g| g.message.as_str()).collect();
        if reasons.is_empty() {
            run.message = found_out(&run.progress);
            return Ok(true);
        }
        run.message = Some(format!("held: {}", reasons.join("; ")));
        run.state = RunState::Held;
        run.stage = "COMPLETED_SUCCESS".into();
        Ok(false)
    }

    /// How many sources the last run of a mapping had, before this one, that looked at all of them and was carried out.
    async fn last_sources(&self, mapping: &str, before: i64) -> Result<Option<u64>, EngineError> {
        let name = mapping.to_owned();
        let earlier = self.store.read(move |r| r.runs(Some(&name), Some(before), LOOKED_THROUGH)).await?.rows;
        let looked_at_all = |run: &Run| {
            let p = &run.progress;
            (run.state == RunState::Success || p.unreported)
                && !p.incremental
                && p.ids.is_empty()
                && p.undoes.is_none()
                && p.overrides.is_empty()
        };
        Ok(earlier.into_iter().find(looked_at_all).and_then(|run| run.progress.source_total))
    }

    /// Counts entries by situation on top of what stood unchanged or left none, and what was done of them.
    async fn recount(&self, run: &mut Run, prepared: &Prepared) -> Result<(), EngineError> {
        let (mut counted, linking) = (run.clone(), prepared.config.linking_enabled());
        let counts;
        (*run, counts) = self
            .store
            .read(move |r| {
                let counts = r.entry_counts(counted.seq)?;
                count_done(r, &mut counted, &counts, linking)?;
                Ok((counted, counts))
            })
            .await?;
        let mut situations = run.progress.unlisted.clone();
        for (situation, _, _, n) in &counts {
            *situations.entry(situation.to_string()).or_default() += n;
        }
        run.progress.situations = situations;
        self.put_run(run).await
    }

    pub(crate) async fn put_run(&self, run: &Run) -> Result<(), EngineError> {
        let run = run.clone();
        Ok(self.store.write(move |w| w.put_run(&run)).await?)
    }

    /// A run by `_id`.
    pub async fn run_row(&self, id: &str) -> Result<Run, EngineError> {
        let wanted = id.to_owned();
        self.store.read(move |r| r.run(&wanted)).await?.ok_or_else(|| {
            EngineError::NotFound(format!("there is no run `{id}`"))
                .with_hint("`concord run list` shows the runs")
        })
    }

    /// Takes a mapping's lock. A short implicit sync is waited for, a run is not.
    pub(crate) async fn lock_mapping(&self, mapping: &str) -> Result<FileLock, EngineError> {
        for _ in 0..40 {
            if let Some(lock) = self.keep_still(mapping)? {
                return Ok(lock);
            }
            // The lock may be another process's, which can tell nobody when it lets go.
            #[allow(clippy::disallowed_methods)]
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        Err(EngineError::Busy(format!(
            "mapping `{mapping}` is being run already; wait for that run to end or cancel it"
        )))
    }

    /// The mapping as it is now that nobody else runs or removes it.
    async fn as_under_lock(
        &self,
        prepared: Prepared,
        overrides: &Overrides,
    ) -> Result<Prepared, EngineError> {
        let name = prepared.name().to_owned();
        let version = self.store.read(move |r| r.mapping(&name)).await?.map(|row| row.version);
        if version == Some(prepared.stored_version) {
            return Ok(prepared);
        }
        // It is rarely gone through, and large.
        Box::pin(self.prepare_with(prepared.name(), overrides)).await
    }

    /// What processes that are gone have left, before a run of this mapping begins: its dead runs, and the indexes that some
    /// load put aside and could not build.
    async fn clear_up(&self, mapping: &str) -> Result<(), EngineError> {
        self.bury_dead_runs(mapping).await?;
        Ok(self.store.build_column_indexes().await?)
    }

    /// Runs of a mapping that are marked as under way although nobody holds its lock: their process is gone.
    async fn bury_dead_runs(&self, mapping: &str) -> Result<(), EngineError> {
        let (mapping, at) = (mapping.to_owned(), self.at());
        self.store.write(move |w| bury(w, &mapping, &at)).await?;
        Ok(())
    }

    /// Marks every run whose process is gone, at start.
    pub async fn bury_all_dead_runs(&self) -> Result<(), EngineError> {
        for run in self.store.read(|r| r.runs_in(RunState::Active)).await? {
            if let Some(_lock) = self.keep_still(&run.mapping)? {
                self.bury_dead_runs(&run.mapping).await?;
            }
        }
        Ok(())
    }

    /// Keeps runs and implicit syncs of a mapping from beginning, in every process, until this is dropped; `None` while one is
    /// under way.
    pub fn keep_still(&self, mapping: &str) -> Result<Option<FileLock>, EngineError> {
        Ok(Locked::Mapping(mapping).try_lock(&self.folder)?)
    }

    /// Whether a run or an implicit sync of this mapping is under way in any process.
    pub fn is_busy(&self, mapping: &str) -> Result<bool, EngineError> {
        Ok(self.keep_still(mapping)?.is_none())
    }
}

/// What is said of a plan that its mapping would not make any more.
const OUTDATED: &str = "the mapping was changed after this was planned; it was carried out as planned";

/// What a run has found out about links. A preview writes to neither side and finds the same, so it is told there already.
fn found_out(progress: &Progress) -> Option<String> {
    let found = match progress.found_done {
        0 => None,
        1 => Some("1 write of an earlier run, whose answer was lost, was found done".to_owned()),
        n => Some(format!("{n} writes of earlier runs, whose answers were lost, were found done")),
    };
    let followed = match progress.followed {
        0 => None,
        1 => Some("1 link follows its record, which was merged into another one".to_owned()),
        n => Some(format!("{n} links follow their records, which were merged into others")),
    };
    let resumed = progress.resumed.map(|_| {
        "the read that an earlier run could not finish was taken up; what has changed since on the pages that it had read is seen by the next run"
            .to_owned()
    });
    let all: Vec<String> = found.into_iter().chain(followed).chain(resumed).collect();
    (!all.is_empty()).then(|| all.join("; "))
}

/// What rests is done by the run that begins now, where that does it all; by others, only the one whose place they take.
fn end_rests(
    w: &store::Writer<'_>,
    new: &NewRun,
    undoes: bool,
    rested: Option<&str>,
) -> Result<(), store::StoreError> {
    let does_it_all = new.mode != RunMode::Preview && new.ids.is_empty() && !undoes;
    let resting = w.runs_in(RunState::Paused)?;
    if let Some(rested) = rested.filter(|rested| !resting.iter().any(|run| run.id == *rested)) {
        return Err(store::StoreError::new(
            store::ErrorKind::Busy,
            format!("run {rested} rests no more: another process has let it go on, or it was canceled"),
        ));
    }
    for mut run in resting {
        let same = new.mapping.eq_ignore_ascii_case(&run.mapping);
        if same && (does_it_all || rested == Some(run.id.as_str())) {
            run.state = RunState::Interrupted;
            run.stage = "COMPLETED_FAILED".into();
            run.message =
                Some(format!("rested for a limit of the provider; run {} began in its place", new.id));
            w.put_run(&run)?;
        }
    }
    Ok(())
}

/// Counts what was done by the run's entries, whoever noted it there, in place of what the run counted while it went on: a
/// process that ended may not have come to that.
fn count_done(
    r: &Reader<'_>,
    run: &mut Run,
    counts: &[EntryCount],
    linking: bool,
) -> Result<(), store::StoreError> {
    let done = |wanted: &dyn Fn(Situation, Action) -> bool| -> u64 {
        let of_them = counts.iter().filter(|(situation, action, status, _)| {
            *status == EntryStatus::Done && wanted(*situation, *action)
        });
        of_them.map(|(.., n)| n).sum()
    };
    let undoes = run.progress.undoes.is_some();
    // An undone delete of a target that no source accounted for has nothing to be linked to.
    let linked = |situation, action| match action {
        Action::Create => situation != Situation::Unassigned,
        Action::Link => true,
        Action::Update => situation != Situation::Confirmed && !undoes,
        _ => false,
    };
    let updated = done(&|_, action| action == Action::Update);
    let untouched =
        match done(&|situation, action| action == Action::Update && situation != Situation::Confirmed) {
            0 => 0,
            _ => r.updates_without_changes(run.seq)?,
        };
    let progress = &mut run.progress;
    progress.created = done(&|_, action| action == Action::Create);
    progress.updated = updated.saturating_sub(untouched);
    progress.deleted = done(&|_, action| action == Action::Delete);
    progress.unlinked = done(&|_, action| action == Action::Unlink);
    progress.linked = if linking { done(&linked) } else { 0 };
    Ok(())
}

fn bury(w: &store::Writer<'_>, mapping: &str, at: &str) -> Result<(), store::StoreError> {
    for mut run in w.runs_in(RunState::Active)? {
        if mapping.eq_ignore_ascii_case(&run.mapping) {
            run.state = RunState::Interrupted;
            run.stage = "COMPLETED_FAILED".into();
            run.ended = Some(at.to_owned());
            let linking = w.mapping(&run.mapping)?.is_none_or(|row| row.config.linking_enabled());
            let counts = w.entry_counts(run.seq)?;
            count_done(w, &mut run, &counts, linking)?;
            run.progress.counts = Some(counts);
            run.message = Some(
                "its process ended before the run did; what was done until then stays, run it again to go on"
                    .into(),
            );
            w.put_run(&run)?;
        }
    }
    Ok(())
}

impl Prepared {
    /// Calls that its connectors have made so far.
    pub(crate) fn calls(&self) -> u64 {
        [&self.source, &self.target]
            .into_iter()
            .filter_map(End::remote)
            .map(|r| r.connector.usage().calls)
            .sum()
    }
}

/// Whether an entry failed in the sense of IDM's statusSummary: it did, and not because EXCEPTION was asked for.
pub(crate) fn is_failure(status: EntryStatus) -> bool {
    matches!(status, EntryStatus::Failed)
}

/// What is gone gives way to a record of the same run that matches its target: what that one is about to have is not deleted,
/// nor what a person has yet to decide about. A full run comes to the same, because its target phase leaves out what a source
/// has spoken for.
fn yields(entry: Entry, taken: Option<EntryStatus>) -> Entry {
    let destructive = matches!(entry.action, Action::Delete | Action::Unlink);
    let Some(taken) = taken.filter(|_| destructive && entry.status == EntryStatus::Planned) else {
        return entry;
    };
    let (status, why, remedy) = if taken == EntryStatus::Planned {
        (EntryStatus::Skipped, "another record takes its target over", None)
    } else {
        (
            EntryStatus::NeedsYou,
            "another record matches its target, which stays until that one is settled",
            Some(Remedy::DecideOther),
        )
    };
    Entry {
        action: Action::Exception,
        status,
        reason: format!("{}; {why}", entry.reason),
        remedy: remedy.map(|remedy| remedy.to_string()),
        changes: Vec::new(),
        ..entry
    }
}
