//! Executing: by operation, in batches, each batch durable before the next.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use connector::ConnectorError;
use model::{Action, Attributes, Pointer, Situation, policy::Rules};
use store::{Entry, EntryStatus, Hash, LinkSpace, Load, NewLink, Run, Side, Store, Walk, Writer};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::{
    Engine, EngineError,
    ends::{End, Prepared},
    execute_managed::Ready,
    judge::{Found, Lookup as _, with_id},
    partners::Patience,
    plan,
    remedy::Remedy,
    targets::Ask,
};

/// Creates first, so that what is new can be linked; deletes last, so that nothing is gone before all else went well.
pub(crate) const ORDER: [Action; 5] =
    [Action::Create, Action::Update, Action::Link, Action::Unlink, Action::Delete];

/// The actions that give an object values.
const CLAIMING: [Action; 2] = [Action::Create, Action::Update];

/// Entries per transaction when the target is the repository.
const LOCAL_BATCH: usize = 1000;

/// On whose behalf entries are carried out.
#[derive(Debug, Clone)]
pub(crate) struct Context {
    /// The run: number and `_id`. An implicit sync has none.
    pub run: Option<(i64, String)>,
    /// For history and audit.
    pub who: String,
    /// The plan was made some time ago.
    pub recheck: bool,
    /// The records that it was made of were read some time ago, by a run before this one: look at each target again before it
    /// is touched.
    pub aged: bool,
    /// A person has asked for the end.
    pub cancel: CancellationToken,
    /// The provider takes no calls for so long that the run has to rest. What is left stays planned.
    pub rest: Arc<OnceLock<ConnectorError>>,
}

/// How one entry ended.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Settled {
    pub seq: i64,
    pub action: Action,
    pub status: EntryStatus,
    pub target_id: Option<String>,
    pub reason: Option<String>,
    pub remedy: Option<String>,
    /// A link was made by it.
    pub linked: bool,
    /// Something else was changed by it.
    pub changed: bool,
    /// It was refused for nothing but unique values that other objects have.
    pub contested: bool,
}

impl Settled {
    pub(crate) fn done(entry: &Entry, target_id: Option<String>, linked: bool) -> Self {
        Self {
            seq: entry.seq,
            action: entry.action,
            status: EntryStatus::Done,
            target_id,
            reason: None,
            remedy: None,
            linked,
            changed: !entry.changes.is_empty(),
            contested: false,
        }
    }

    pub(crate) fn ended(entry: &Entry, status: EntryStatus, reason: impl Into<String>) -> Self {
        Self {
            seq: entry.seq,
            action: entry.action,
            status,
            target_id: None,
            reason: Some(reason.into()),
            remedy: None,
            linked: false,
            changed: false,
            contested: false,
        }
    }

    pub(crate) fn with_remedy(mut self, remedy: Remedy) -> Self {
        self.remedy = Some(remedy.to_string());
        self
    }
}

/// Writes how entries ended into their run, in the transaction of their changes.
pub(crate) fn settle(
    w: &Writer<'_>,
    context: &Context,
    settled: &[Settled],
) -> Result<(), store::StoreError> {
    let Some((run, _)) = &context.run else { return Ok(()) };
    for s in settled {
        w.settle_entry(
            *run,
            s.seq,
            s.status,
            s.target_id.as_deref(),
            s.reason.as_deref(),
            s.remedy.as_deref(),
        )?;
    }
    Ok(())
}

/// The link that an entry leaves behind.
pub(crate) fn link_for(
    prepared: &Prepared,
    entry: &Entry,
    target_id: &str,
    target_hash: Option<Hash>,
    target_now: Option<&Attributes>,
) -> NewLink {
    let part = |name: &str| {
        entry.base.as_ref().and_then(|b| b.get(name)).and_then(|v| v.as_object()).cloned().unwrap_or_default()
    };
    let mut base_target = part("target");
    // The provider may have stored another spelling than it was sent; what it has is what it will be compared with. What was
    // not sent keeps its base: it may be waiting for somebody, or for the mapping in the other direction.
    if let Some(now) = target_now {
        let sent: Vec<Pointer> = entry.changes.iter().map(|c| Pointer::parse(&c.attribute)).collect();
        for (name, value) in base_target.iter_mut().filter(|(name, _)| sent.contains(&Pointer::parse(name))) {
            if let Some(stored) = Pointer::parse(name).get_in(now) {
                *value = stored.clone();
            }
        }
    }
    // While a person is asked about an attribute, the pair is looked at by every run.
    let judged = entry.base.is_some() && target_hash.is_some() && entry.question.is_none();
    NewLink {
        space: prepared.space(&entry.qualifier),
        source_id: entry.source_id.clone().unwrap_or_default(),
        target_id: target_id.to_owned(),
        source_hash: entry.source_hash.filter(|_| judged),
        target_hash: target_hash.filter(|_| judged),
        // Version 0 is no mapping's: a link that was made without judging the values is judged by the next run.
        version: if judged { prepared.version } else { 0 },
        base_source: part("source"),
        base_target,
    }
}

/// Whether the target may be this entry's source's: it is nobody's or its own, or the source that has it is gone; then that
/// link is taken away.
pub(crate) fn free_target(
    w: &Writer<'_>,
    walk: &Walk,
    space: &LinkSpace,
    entry: &Entry,
    target: &str,
) -> Result<bool, store::StoreError> {
    let Some(owner) = w.source_linked(space, target)? else { return Ok(true) };
    if entry.source_id.as_deref().unwrap_or_default() == owner {
        return Ok(true);
    }
    if entry.situation == Situation::FoundAlreadyLinked && w.source(walk, &owner)?.is_none() {
        return w.remove_link(space, &owner);
    }
    Ok(false)
}

/// Whether the source may be linked to this target: it is linked to none, to this one, or to one that is gone.
pub(crate) fn free_source(
    w: &Writer<'_>,
    walk: &Walk,
    linked: Option<&str>,
    target: &str,
) -> Result<bool, store::StoreError> {
    Ok(match linked {
        Some(other) if other != target => w.target(walk, other)?.is_none(),
        _ => true,
    })
}

/// Why an entry that was planned some time ago does not hold for its source any more, if it does not.
fn why_outdated(
    w: &Writer<'_>,
    walk: &Walk,
    space: &LinkSpace,
    entry: &Entry,
) -> Result<Option<&'static str>, store::StoreError> {
    // A target that no source accounts for has none to look at.
    let Some(source) = &entry.source_id else { return Ok(None) };
    let now = w.source(walk, source)?.map(|(_, hash)| hash);
    let takes_away = matches!(entry.action, Action::Delete | Action::Unlink);
    let why = match (entry.source_hash, now) {
        (None, None) if takes_away => None,
        (_, None) => Some("the source record is gone"),
        (None, Some(_)) if takes_away => Some("the source record is there again"),
        (Some(planned), Some(now)) if takes_away && planned != now => {
            Some("the source record has changed since this was planned")
        }
        _ => None,
    };
    let was_linked = takes_away || entry.situation == Situation::Confirmed;
    if why.is_none() && was_linked && w.target_linked(space, source)? != entry.target_id {
        return Ok(Some("the two records are not linked any more"));
    }
    Ok(why)
}

impl Engine {
    /// Carries out the planned entries of a run.
    pub(crate) async fn execute(
        &self,
        run: &mut Run,
        prepared: &Prepared,
        recheck: bool,
        cancel: &CancellationToken,
    ) -> Result<(), EngineError> {
        let context = Context {
            run: Some((run.seq, run.id.clone())),
            who: format!("run {}", run.id),
            recheck,
            aged: recheck || run.progress.resumed.is_some(),
            cancel: cancel.clone(),
            rest: Arc::default(),
        };
        let seq = run.seq;
        let counts = self.store.read(move |r| r.entry_counts(seq)).await?;
        let planned = |wanted: Action| -> u64 {
            let of_it = counts
                .iter()
                .filter(|(_, action, status, _)| *action == wanted && *status == EntryStatus::Planned);
            of_it.map(|(.., n)| n).sum()
        };
        run.progress.stage_total = Some(ORDER.into_iter().map(planned).sum());
        run.progress.stage_processed = 0;
        self.put_run(run).await?;
        let calls_before = prepared.calls();
        let calls_so_far = run.progress.calls;
        let limit = batch_limit(prepared);
        let carrying = Carrying {
            prepared,
            context,
            limit,
            // Shown while the run goes on; the end of the run adds the exact number of calls.
            calls: &|| calls_so_far + (prepared.calls() - calls_before),
            waiting: matches!(prepared.target, End::Managed(_)),
        };
        if recheck && run.progress.undoes.is_none() {
            self.leave_out_what_matches_now(run, &carrying).await?;
        }
        for action in ORDER {
            if action == Action::Create
                && let Some(load) = self.begin_load(prepared, planned(action)).await?
            {
                let loaded =
                    self.carry_out_planned(run, &carrying, action, Some(&Arc::new(Mutex::new(load)))).await;
                let built = self.store.build_column_indexes().await;
                loaded?;
                built?;
            }
            // What a load left waiting among them.
            self.carry_out_planned(run, &carrying, action, None).await?;
        }
        if !carrying.waiting {
            return Ok(());
        }
        // There is rarely anything left, and it is large.
        Box::pin(self.carry_out_contested(run, &carrying)).await
    }

    /// Carries out what waits for unique values of each other, as far as that goes, and settles the rest.
    async fn carry_out_contested(&self, run: &mut Run, carrying: &Carrying<'_>) -> Result<(), EngineError> {
        while self.carry_out_swaps(run, carrying).await? > 0 {
            self.put_run(run).await?;
        }
        let Carrying { prepared, ref context, limit, calls, .. } = *carrying;
        let last = Carrying { prepared, context: context.clone(), limit, calls, waiting: false };
        for action in CLAIMING {
            self.carry_out_planned(run, &last, action, None).await?;
        }
        Ok(())
    }

    /// One look at all that waits for unique values of each other; gives how much of it is settled by it.
    async fn carry_out_swaps(&self, run: &mut Run, carrying: &Carrying<'_>) -> Result<usize, EngineError> {
        let &Carrying { prepared, ref context, limit, .. } = carrying;
        let (seq, mut after, mut settled) = (run.seq, CLAIMING.map(|_| 0), 0);
        loop {
            if context.cancel.is_cancelled() {
                return Err(EngineError::Canceled);
            }
            let mut entries = Vec::new();
            for (action, after) in CLAIMING.into_iter().zip(&mut after) {
                let from = *after;
                let next = self.store.read(move |r| r.planned(seq, action, from, limit)).await?;
                *after = next.last().map_or(from, |entry| entry.seq);
                entries.extend(next);
            }
            if entries.is_empty() {
                return Ok(settled);
            }
            let ended = self.execute_swap(context, prepared, entries).await?;
            tally(run, &ended);
            settled += ended.len();
        }
    }

    /// Makes the repository ready where so many new objects go into it.
    async fn begin_load(&self, prepared: &Prepared, objects: u64) -> Result<Option<Load>, EngineError> {
        let End::Managed(config) = &prepared.target else { return Ok(None) };
        if !Load::is_worth_it(objects) {
            return Ok(None);
        }
        let config = config.clone();
        let begin = move |w: &Writer<'_>| w.begin_load(&config, Rules::of(&config).unique(), objects);
        Ok(self.store.write(begin).await?)
    }

    /// Carries out the planned entries of one action, batch by batch; those of a load, as far as that may go.
    async fn carry_out_planned(
        &self,
        run: &mut Run,
        carrying: &Carrying<'_>,
        action: Action,
        load: Option<&SharedLoad>,
    ) -> Result<(), EngineError> {
        let mut under_way = UnderWay::default();
        let carried_out = self.begin_batches(run, carrying, action, load, &mut under_way).await;
        // However it ended, what was begun is done and counts.
        let ended = under_way.end().await.map(|settled| tally(run, &settled));
        ended.and(carried_out)
    }

    async fn begin_batches(
        &self,
        run: &mut Run,
        carrying: &Carrying<'_>,
        action: Action,
        load: Option<&SharedLoad>,
        under_way: &mut UnderWay,
    ) -> Result<(), EngineError> {
        let &Carrying { prepared, ref context, limit, calls, waiting } = carrying;
        // The next entries are read while these are carried out, which does not touch any that come later.
        let seq = run.seq;
        let read = |after| {
            let store = self.store.clone();
            let planned = async move { store.read(move |r| r.planned(seq, action, after, limit)).await };
            tokio::spawn(planned)
        };
        let shown = |run: &Run| {
            let mut shown = run.clone();
            shown.progress.calls = calls();
            shown
        };
        let mut next = read(0);
        let mut patience = Patience::default();
        loop {
            if context.cancel.is_cancelled() {
                return Err(EngineError::Canceled);
            }
            let entries = next.await.map_err(|error| broken_off("reading the plan", &error))??;
            let Some(last) = entries.last() else { return Ok(()) };
            next = read(last.seq);
            let (mut entries, gone) = self.still_there(context, run, prepared, action, entries).await?;
            tally(run, &gone);
            if action == Action::Create && run.progress.undoes.is_none() {
                let unsure;
                let looked = self.not_being_made(context, prepared, entries, &mut patience);
                // It is rarely gone through, and large.
                (entries, unsure) = Box::pin(looked).await?;
                tally(run, &unsure);
            } else if let (Action::Create, Some(done)) = (action, &run.progress.undoes) {
                let remade;
                (entries, remade) = Box::pin(self.not_remade(context, prepared, done, entries)).await?;
                tally(run, &remade);
            }
            if is_local(prepared, action) {
                // These are made ready while the ones before are written.
                let ready = self.ready_managed(context, prepared, entries)?.in_load(load.cloned());
                let ready = if waiting { ready.waiting() } else { ready };
                tally(run, &under_way.end().await?);
                if load.is_some_and(|load| guarded(load).is_over()) {
                    return Ok(());
                }
                under_way.begin(&self.store, ready, shown(run));
            } else {
                self.must_still_lead_there(prepared).await?;
                tally(run, &self.execute_batch(context, prepared, action, entries).await?);
                self.put_run(&shown(run)).await?;
            }
            if let Some(error) = context.rest.get() {
                return Err(EngineError::from(error.clone()));
            }
        }
    }

    /// A stored plan, and a read that was taken up again, hold sources as they were some time ago. Before anything is done about
    /// one of these it is looked at by its id; entries that do not hold for it any more are settled here.
    async fn still_there(
        &self,
        context: &Context,
        run: &Run,
        prepared: &Prepared,
        action: Action,
        entries: Vec<Entry>,
    ) -> Result<(Vec<Entry>, Vec<Settled>), EngineError> {
        let old = context.recheck || (context.aged && matches!(action, Action::Create | Action::Link));
        if !old || run.progress.undoes.is_some() {
            return Ok((entries, Vec::new()));
        }
        let mut ids: Vec<String> = entries.iter().filter_map(|entry| entry.source_id.clone()).collect();
        ids.sort();
        ids.dedup();
        if let Some(remote) = prepared.source.remote() {
            // A source that was merged into another one is not gone: its link follows it.
            let side = Side::of_source(prepared.orientation);
            self.read_as_now(remote, prepared.link_type(), side, &ids).await?;
        }
        let (mut entries, mut outdated) = (entries, Vec::new());
        if action == Action::Create && prepared.target.remote().is_some() {
            self.read_targets(prepared, &ids, Ask { linked: false, matching: true }).await?;
            (entries, outdated) = self.matched_since(prepared, entries)?;
        }
        if let (Action::Link, Some(remote)) = (action, prepared.target.remote()) {
            let targets: Vec<String> = entries.iter().filter_map(|entry| entry.target_id.clone()).collect();
            self.read_some(remote, &targets).await?;
        }
        let (kind, orientation) = (prepared.link_type().to_owned(), prepared.orientation);
        let (walk, context) = (prepared.here(), context.clone());
        Ok(self
            .store
            .write(move |w| {
                let mut holding = Vec::new();
                for entry in entries {
                    let space =
                        LinkSpace { kind: kind.clone(), qualifier: entry.qualifier.clone(), orientation };
                    match why_outdated(w, &walk, &space, &entry)? {
                        None => holding.push(entry),
                        Some(why) => {
                            let why = format!("{}; not carried out: {why}", entry.reason);
                            outdated.push(Settled::ended(&entry, EntryStatus::Stale, why));
                        }
                    }
                }
                settle(w, &context, &outdated)?;
                Ok((holding, outdated))
            })
            .await?)
    }

    /// A plan says CREATE where nothing matched. What has come into the repository since is found before a second one is made of
    /// it, and before a load puts the indexes aside that lead to it. Records of remote systems are asked for batch by batch.
    async fn leave_out_what_matches_now(
        &self,
        run: &mut Run,
        carrying: &Carrying<'_>,
    ) -> Result<(), EngineError> {
        let &Carrying { prepared, ref context, .. } = carrying;
        let same = self.store.read(|r| r.newest_history()).await?;
        if prepared.target.remote().is_some() || run.progress.history == Some(same) {
            return Ok(());
        }
        let (seq, mut after) = (run.seq, 0);
        loop {
            if context.cancel.is_cancelled() {
                return Err(EngineError::Canceled);
            }
            let entries =
                self.store.read(move |r| r.planned(seq, Action::Create, after, LOCAL_BATCH)).await?;
            let Some(last) = entries.last() else { return Ok(()) };
            after = last.seq;
            let matched = self.matched_since(prepared, entries)?.1;
            if !matched.is_empty() {
                tally(run, &matched);
                let context = context.clone();
                self.store.write(move |w| settle(w, &context, &matched)).await?;
            }
        }
    }

    /// Of planned creates, those whose source still matches nothing, and how the others end.
    fn matched_since(
        &self,
        prepared: &Prepared,
        entries: Vec<Entry>,
    ) -> Result<(Vec<Entry>, Vec<Settled>), EngineError> {
        tokio::task::block_in_place(|| {
            let (mapping, scripts) = prepared.compile()?;
            let walk = prepared.here();
            let lookup = plan::StoreLookup { view: plan::View::Now(&self.store), prepared, walk: &walk };
            let (mut none, mut matched) = (Vec::new(), Vec::new());
            for entry in entries {
                let source = entry.source_id.clone().unwrap_or_default();
                // In any other situation, and of a match that the plan knew, somebody has decided about what matches.
                let asked = match entry.situation {
                    Situation::Absent => true,
                    Situation::Missing => entry.target_hash.is_none() && entry.ambiguous.is_empty(),
                    _ => false,
                };
                let attributes = match asked {
                    true => self.store.read_blocking(|r| r.source(&walk, &source))?,
                    false => None,
                };
                let found = match attributes {
                    Some((attributes, _)) => mapping
                        .correlate(&scripts, &entry.qualifier, &with_id(&attributes, &source))
                        .map_err(|problem| problem.reason)
                        .and_then(|rule| lookup.find(&rule, &entry.qualifier, &source)),
                    None => Ok(Found::default()),
                };
                match found {
                    Ok(found) if found.ids.is_empty() => none.push(entry),
                    Ok(found) => {
                        let why = format!("{} has come since, which matches", found.ids.join(", "));
                        let reason = format!("{}; not carried out: {why}", entry.reason);
                        matched.push(Settled::ended(&entry, EntryStatus::Stale, reason));
                    }
                    Err(reason) => matched.push(Settled::ended(&entry, EntryStatus::Failed, reason)),
                }
            }
            Ok((none, matched))
        })
    }

    /// Carries out entries of one action.
    pub(crate) async fn execute_batch(
        &self,
        context: &Context,
        prepared: &Prepared,
        action: Action,
        entries: Vec<Entry>,
    ) -> Result<Vec<Settled>, EngineError> {
        match &prepared.target {
            End::Remote(remote) if !is_local(prepared, action) => {
                self.execute_remote(context, prepared, remote, action, entries).await
            }
            _ => self.execute_managed(context, prepared, entries).await,
        }
    }
}

/// Entries that are carried out together.
pub(crate) fn batch_limit(prepared: &Prepared) -> usize {
    match &prepared.target {
        End::Managed(_) => LOCAL_BATCH,
        End::Remote(remote) => remote.object_type.batch_size.max(1),
    }
}

/// Whether an action touches the repository alone. Links are the repository's own, whatever they lead to.
fn is_local(prepared: &Prepared, action: Action) -> bool {
    matches!(prepared.target, End::Managed(_)) || matches!(action, Action::Link | Action::Unlink)
}

fn broken_off(what: &str, error: &tokio::task::JoinError) -> EngineError {
    EngineError::config(format!("{what} broke off: {error}"))
}

/// A load that the batches of a run share, one after the other.
pub(crate) type SharedLoad = Arc<Mutex<Load>>;

pub(crate) fn guarded(load: &SharedLoad) -> MutexGuard<'_, Load> {
    load.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How the entries of a run are carried out.
struct Carrying<'a> {
    prepared: &'a Prepared,
    context: Context,
    /// Entries per batch.
    limit: usize,
    /// Calls of the run so far.
    calls: &'a (dyn Fn() -> u64 + Sync),
    /// What wants a unique value that another object has waits until all others are carried out.
    waiting: bool,
}

/// The batch that is being written, if any.
#[derive(Default)]
struct UnderWay(Option<JoinHandle<Result<Vec<Settled>, store::StoreError>>>);

impl UnderWay {
    /// Begins to write them; how far the run was is written along.
    fn begin(&mut self, store: &Store, ready: Ready, run: Run) {
        let store = store.clone();
        self.0 = Some(tokio::spawn(async move {
            let work = move |w: &Writer<'_>| {
                w.put_run(&run)?;
                ready.carry_out(w)
            };
            let (settled, _) = store.write(work).await?;
            Ok(settled)
        }));
    }

    async fn end(&mut self) -> Result<Vec<Settled>, EngineError> {
        match self.0.take() {
            None => Ok(Vec::new()),
            Some(writing) => {
                Ok(writing.await.map_err(|error| broken_off("carrying out a plan", &error))??)
            }
        }
    }
}

fn tally(run: &mut Run, settled: &[Settled]) {
    let progress = &mut run.progress;
    progress.stage_processed += settled.len() as u64;
    for s in settled.iter().filter(|s| s.status == EntryStatus::Done) {
        match s.action {
            Action::Create => progress.created += 1,
            Action::Update => progress.updated += u64::from(s.changed),
            Action::Delete => progress.deleted += 1,
            Action::Unlink => progress.unlinked += 1,
            _ => {}
        }
        if s.linked {
            progress.linked += 1;
        }
    }
}

/// The attributes after the changes.
pub(crate) fn apply_changes(attributes: &Attributes, entry: &Entry) -> Attributes {
    let mut after = attributes.clone();
    for change in &entry.changes {
        // An attribute at the top, which nearly all are, is no path.
        if !change.attribute.contains(['/', '~']) {
            if change.after.is_null() {
                after.shift_remove(&change.attribute);
            } else if !change.attribute.is_empty() {
                after.insert(change.attribute.clone(), change.after.clone());
            }
            continue;
        }
        let pointer = Pointer::parse(&change.attribute);
        if change.after.is_null() {
            pointer.remove_in(&mut after);
        } else {
            pointer.set_in(&mut after, change.after.clone());
        }
    }
    after
}
