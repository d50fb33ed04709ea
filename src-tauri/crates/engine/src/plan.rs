//! Planning: walks the candidates and writes entries, in chunks, on one thread.

use std::collections::BTreeMap;

use mapping::{Correlation, Interpreter, Mapping};
use model::{Action, Filter, Situation, filter::Op};
use serde_json::Value;
use store::{Entry, EntryStatus, NewLink, Run, Store, Walk};
use tokio_util::sync::CancellationToken;

use crate::{
    EngineError,
    ends::{End, Prepared},
    error::{POLICY_REMEDY, policy_text},
    execute::apply_changes,
    judge::{Found, Judge, Judgement, Lookup},
    people::new_violations,
};

/// Records judged per transaction.
const CHUNK: usize = 1000;

/// Finds targets for correlation in the repository or in the mirror.
pub(crate) struct StoreLookup<'a> {
    pub store: &'a Store,
    pub prepared: &'a Prepared,
    pub walk: &'a Walk,
}

impl Lookup for StoreLookup<'_> {
    fn find(&self, correlation: &Correlation, source_id: &str) -> Result<Found, String> {
        let (ids, claim) = match correlation {
            Correlation::NotDefined => return Ok(Found::default()),
            Correlation::NoKey => return Ok(Found { asked: true, ..Found::default() }),
            Correlation::Ids(ids) => (ids.clone(), None),
            Correlation::Query(query) => (self.ids(&query.filter)?, Some(query.key())),
        };
        let mut found = Found { asked: true, ids, claim, ..Found::default() };
        if let [only] = found.ids.as_slice() {
            let (walk, only) = (self.walk.clone(), only.clone());
            let (link, target) = self
                .store
                .read_blocking(move |r| {
                    Ok((r.link_of_target(&walk.kind, walk.orientation, &only)?, r.target(&walk, &only)?))
                })
                .map_err(|e| e.to_string())?;
            found.owner = link.map(|l| l.source_id).filter(|owner| owner != source_id);
            found.target = target;
            if found.target.is_none() {
                // Correlated by a script, or gone between two reads: as good as not there.
                found.ids.clear();
            }
        }
        Ok(found)
    }
}

impl StoreLookup<'_> {
    fn ids(&self, filter: &Filter) -> Result<Vec<String>, String> {
        match &self.prepared.target {
            End::Managed(config) => {
                self.store.read_blocking(|r| r.managed_ids(config, filter, 3)).map_err(|e| e.to_string())
            }
            End::Remote(_) => {
                let mut ids = self.mirrored(filter)?;
                ids.sort();
                ids.dedup();
                Ok(ids)
            }
        }
    }

    /// Equality, `and` and `or` over indexed attributes: what correlation rules are made of.
    fn mirrored(&self, filter: &Filter) -> Result<Vec<String>, String> {
        const MOST: usize = 100;
        match filter {
            Filter::Or(parts) => {
                let lists = parts.iter().map(|p| self.mirrored(p)).collect::<Result<Vec<_>, _>>()?;
                Ok(lists.concat())
            }
            Filter::And(parts) => {
                let mut lists =
                    parts.iter().map(|p| self.mirrored(p)).collect::<Result<Vec<_>, _>>()?.into_iter();
                let first = lists.next().unwrap_or_default();
                Ok(lists.fold(first, |both, list| both.into_iter().filter(|id| list.contains(id)).collect()))
            }
            Filter::Compare(pointer, Op::Eq, value) => {
                let attribute = pointer.to_string();
                let remote = self.prepared.target.remote().ok_or("the target is not remote")?;
                if !remote.indexed.contains(&attribute) {
                    return Err(format!(
                        "correlation asks for `{attribute}` of {}; write the rule as an expression tree, so that this attribute is read and indexed",
                        remote.path
                    ));
                }
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                self.store
                    .read_blocking(|r| {
                        r.mirrored_by_value(&remote.path, &attribute, &text, self.walk.read, MOST)
                    })
                    .map_err(|e| e.to_string())
            }
            other => {
                Err(format!("correlation on a remote target understands `eq`, `and` and `or`, not `{other}`"))
            }
        }
    }
}

/// Judges every source (and target) of the walk and writes the plan into the run.
pub(crate) fn plan(
    store: &Store,
    prepared: &Prepared,
    walk: &Walk,
    run: &mut Run,
    at: &str,
    cancel: &CancellationToken,
) -> Result<(), EngineError> {
    let (mapping, scripts) = prepared.compile()?;
    let judge = judge(prepared, &mapping, &scripts);
    let lookup = StoreLookup { store, prepared, walk };
    let mut situations: BTreeMap<String, u64> = BTreeMap::new();
    let mut next_seq = 1;
    let mut judged = 0;
    let mut after = String::new();
    let (total, links) = {
        let walk = walk.clone();
        store.read_blocking(move |r| Ok((r.source_count(&walk)?, r.link_count(&walk.kind)?)))?
    };
    run.progress.source_total = Some(walk.ids.as_ref().map_or(total, |ids| ids.len() as u64));
    run.progress.links_total = links;
    run.progress.stage_total = run.progress.source_total;
    run.progress.stage_processed = 0;
    loop {
        if cancel.is_cancelled() {
            return Err(EngineError::Canceled);
        }
        let candidates = store.read_blocking(|r| r.candidates(walk, &after, CHUNK))?;
        let Some(last) = candidates.last() else { break };
        after = last.id.clone();
        let mut entries: Vec<Entry> = Vec::new();
        let mut stamps: Vec<NewLink> = Vec::new();
        for candidate in &candidates {
            judged += 1;
            match judge.source(candidate, &lookup) {
                Judgement::InSync(link) => {
                    *situations.entry(Situation::Confirmed.to_string()).or_default() += 1;
                    run.progress.unchanged += 1;
                    stamps.push(*link);
                }
                Judgement::Silent(situation) => *situations.entry(situation.to_string()).or_default() += 1,
                Judgement::Entry(mut entry, stamp) => {
                    stamps.extend(stamp.map(|s| *s));
                    *entry = with_policies(store, prepared, *entry)?;
                    entry.seq = next_seq;
                    next_seq += 1;
                    if entry.status == EntryStatus::Failed {
                        run.progress.failed_sources += 1;
                    }
                    entries.push(*entry);
                }
            }
        }
        run.progress.source_processed = judged;
        run.progress.stage_processed = judged;
        write_chunk(store, run, entries, stamps, at)?;
    }
    if walk.ids.is_none() {
        // What the walk left out stands unchanged.
        let untouched = total.saturating_sub(judged);
        run.progress.unchanged += untouched;
        *situations.entry(Situation::Confirmed.to_string()).or_default() += untouched;
        run.progress.source_processed = total;
    }
    settle_claims(store, run, &judge)?;
    if walk.ids.is_none() && prepared.config.run_target_phase.unwrap_or(true) {
        target_phase(store, walk, run, &judge, &mut next_seq, at, cancel)?;
    }
    run.progress.unlisted = situations;
    Ok(())
}

/// A judge for a prepared mapping.
pub(crate) fn judge<'a>(
    prepared: &'a Prepared,
    mapping: &'a Mapping,
    scripts: &'a dyn Interpreter,
) -> Judge<'a> {
    Judge {
        mapping,
        scripts,
        kind: prepared.link_type(),
        orientation: prepared.orientation,
        version: prepared.version,
        source_title: prepared.source_path.object_type(),
        target_title: prepared.target_path.object_type(),
    }
}

/// A planned entry whose values the managed object's policies would refuse fails in the plan already, so that a preview says
/// what the run will do. Two new objects of one plan that want the same unique value are found out when they are written.
pub(crate) fn with_policies(
    store: &Store,
    prepared: &Prepared,
    mut entry: Entry,
) -> Result<Entry, EngineError> {
    let End::Managed(config) = &prepared.target else { return Ok(entry) };
    if entry.status != EntryStatus::Planned || !matches!(entry.action, Action::Create | Action::Update) {
        return Ok(entry);
    }
    let target = entry.target_id.clone().unwrap_or_default();
    let violations = store.read_blocking(|r| {
        let before = match entry.action {
            Action::Update => r.managed(&config.name, &target)?.map(|m| m.attributes),
            _ => None,
        };
        let defaults: model::Attributes = config.defaults().map(|(n, v)| (n.to_owned(), v.clone())).collect();
        let after = apply_changes(before.as_ref().unwrap_or(&defaults), &entry);
        new_violations(r, config, &target, before.as_ref(), &after)
    })?;
    if !violations.is_empty() {
        entry.status = EntryStatus::Failed;
        entry.claim = None;
        entry.reason = policy_text(&violations);
        entry.remedy = Some(POLICY_REMEDY.into());
    }
    Ok(entry)
}

fn write_chunk(
    store: &Store,
    run: &Run,
    entries: Vec<Entry>,
    stamps: Vec<NewLink>,
    at: &str,
) -> Result<(), EngineError> {
    let (run, at) = (run.clone(), at.to_owned());
    store.write_blocking(move |w| {
        w.add_entries(run.seq, &entries)?;
        for link in &stamps {
            w.put_link(link, &at)?;
        }
        w.put_run(&run)
    })?;
    Ok(())
}

/// Two sources of one run that claim the same target, or would both make it, are AMBIGUOUS, all of them.
fn settle_claims(store: &Store, run: &Run, judge: &Judge<'_>) -> Result<(), EngineError> {
    let seq = run.seq;
    let shared = store.write_blocking(move |w| w.shared_claims(seq))?;
    if shared.is_empty() {
        return Ok(());
    }
    let action = judge
        .mapping
        .action(judge.scripts, mapping::DEFAULT_QUALIFIER, Situation::Ambiguous, &Value::Null, &Value::Null)
        .unwrap_or(Action::Exception);
    // Whatever the policy says, there is no one target to create or change.
    let (action, status) = match action {
        Action::Exception
        | Action::Create
        | Action::Update
        | Action::Link
        | Action::Delete
        | Action::Unlink => (Action::Exception, EntryStatus::NeedsYou),
        other => (other, EntryStatus::Skipped),
    };
    let source_title = judge.source_title.to_owned();
    store.write_blocking(move |w| {
        for (entry, claim, sharing) in shared {
            let claimed = claim.strip_prefix("target ").map_or_else(
                || format!("would make the same new record ({})", claim.trim_start_matches('/')),
                |id| format!("match the same record {id}"),
            );
            let reason = format!("{sharing} {source_title} records {claimed}; a person has to choose");
            w.make_ambiguous(seq, entry, action, status, &reason)?;
        }
        Ok(())
    })?;
    Ok(())
}

fn target_phase(
    store: &Store,
    walk: &Walk,
    run: &mut Run,
    judge: &Judge<'_>,
    next_seq: &mut i64,
    at: &str,
    cancel: &CancellationToken,
) -> Result<(), EngineError> {
    run.stage = "ACTIVE_RECONCILING_TARGET".into();
    let failed = run.progress.failed_sources;
    let why = format!("{failed} source records of this run could not be judged");
    let allowed = if failed > 0 { Err(why.as_str()) } else { Ok(()) };
    run.progress.target_total = Some(store.read_blocking(|r| r.target_count(walk))?);
    let mut after = String::new();
    loop {
        if cancel.is_cancelled() {
            return Err(EngineError::Canceled);
        }
        let candidates = store.read_blocking(|r| r.unaccounted_targets(walk, run.seq, &after, CHUNK))?;
        let Some(last) = candidates.last() else { return Ok(()) };
        after = last.id.clone();
        let mut entries = Vec::new();
        for candidate in &candidates {
            run.progress.target_processed += 1;
            if let Some(mut entry) = judge.target(candidate, allowed) {
                entry.seq = *next_seq;
                *next_seq += 1;
                entries.push(entry);
            }
        }
        write_chunk(store, run, entries, Vec::new(), at)?;
    }
}
