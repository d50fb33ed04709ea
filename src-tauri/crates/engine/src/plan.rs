//! Planning: walks the candidates in chunks, has them judged, and writes entries in the order of the walk.

use std::collections::{BTreeMap, HashSet};

use jiff::Timestamp;
use mapping::{Correlation, Decision, Interpreter, Mapping, Newer};
use model::{Action, Filter, ManagedObjectConfig, ResourcePath, Situation, filter::Op, policy::Rules};
use serde_json::Value;
use store::{Entry, EntryStatus, NewLink, Reader, Run, RunMode, Store, Walk, Writing, claim_key};
use tokio_util::sync::CancellationToken;

use crate::{
    EngineError,
    ends::{End, Prepared, Remote, Scope},
    execute::apply_changes,
    judge::{Found, Judge, Judgement, Lookup, MOST_MATCHES, with_id},
    judges::{Court, Judges, Ruling},
    people::{new_violations, wrong_id},
    remedy::Remedy,
    title::title_of,
    unique::{self, Contested, Holders, Refusal},
};

/// Records judged per transaction, unless the mapping says otherwise.
const CHUNK: usize = 1000;
/// The most that a mapping can ask for.
const LARGEST_CHUNK: usize = 10_000;

/// How many records a mapping wants to have looked at together.
fn chunk(asked: Option<usize>) -> usize {
    asked.filter(|size| *size > 0).unwrap_or(CHUNK).min(LARGEST_CHUNK)
}

/// How the repository is read for a record: each time as it is then, or as it was when the record's chunk began. Beginning to
/// read costs as much as a few lookups, so a walk over many records begins once for each chunk.
#[derive(Clone, Copy)]
pub(crate) enum View<'a, 'c> {
    Now(&'a Store),
    Chunk(&'a Reader<'c>),
}

impl View<'_, '_> {
    fn read<T>(
        self,
        work: impl FnOnce(&Reader<'_>) -> Result<T, store::StoreError>,
    ) -> Result<T, store::StoreError> {
        match self {
            Self::Now(store) => store.read_blocking(work),
            Self::Chunk(reader) => work(reader),
        }
    }
}

/// Finds targets for correlation in the repository or in the mirror.
pub(crate) struct StoreLookup<'a, 'c> {
    pub view: View<'a, 'c>,
    pub prepared: &'a Prepared,
    pub walk: &'a Walk,
}

impl Lookup for StoreLookup<'_, '_> {
    fn find(&self, correlation: &Correlation, qualifier: &str, source_id: &str) -> Result<Found, String> {
        let claim = match correlation {
            Correlation::NotDefined => return Ok(Found::default()),
            Correlation::Query(query) => Some(query.key()),
            Correlation::NoKey | Correlation::Ids(_) => None,
        };
        let mut found = Found { asked: true, ids: self.matches(correlation)?, claim, ..Found::default() };
        if let [only] = found.ids.as_slice() {
            let (walk, only, space) = (self.walk.clone(), only.clone(), self.prepared.space(qualifier));
            let (owner, there, target) = self
                .view
                .read(move |r| {
                    let owner = r.source_linked(&space, &only)?;
                    let there = match &owner {
                        Some(owner) => r.source(&walk, owner)?,
                        None => None,
                    };
                    Ok((owner, there, r.target(&walk, &only)?))
                })
                .map_err(|e| e.to_string())?;
            found.owner = owner.filter(|owner| owner != source_id);
            found.owner_gone = found.owner.is_some() && there.is_none();
            found.owner_title = found.owner.as_ref().zip(there).map(|(id, (owner, _))| title_of(&owner, id));
            found.target = target;
            if found.target.is_none() {
                // Correlated by a script, or gone between two reads: as good as not there.
                found.ids.clear();
            }
        }
        Ok(found)
    }

    fn newer(&self, source_id: &str, target_id: &str) -> Result<Option<Newer>, String> {
        let prepared = self.prepared;
        let (source, target) = self
            .view
            .read(|r| {
                Ok((
                    changed_at(r, &prepared.source, &prepared.source_path, source_id)?,
                    changed_at(r, &prepared.target, &prepared.target_path, target_id)?,
                ))
            })
            .map_err(|e| e.to_string())?;
        Ok(source.zip(target).map(
            |(source, target)| {
                if source >= target { Newer::Source } else { Newer::Target }
            },
        ))
    }
}

/// When a record was changed last, by its own account.
fn changed_at(
    r: &store::Reader<'_>,
    end: &End,
    path: &ResourcePath,
    id: &str,
) -> Result<Option<Timestamp>, store::StoreError> {
    Ok(match end {
        End::Managed(config) => r.managed(&config.name, id)?.and_then(|m| m.updated.parse().ok()),
        End::Remote(remote) => match &remote.object_type.modified_attribute {
            None => None,
            Some(name) => r
                .mirrored(&path.to_string(), id)?
                .and_then(|m| m.attributes.get(name).and_then(Value::as_str).and_then(timestamp)),
        },
    })
}

/// HubSpot writes `Z` or an offset, Salesforce an offset without a colon.
pub(crate) fn timestamp(text: &str) -> Option<Timestamp> {
    text.parse().or_else(|_| Timestamp::strptime("%Y-%m-%dT%H:%M:%S%.f%z", text)).ok()
}

impl StoreLookup<'_, '_> {
    /// The targets that a rule leads to, by what is known here.
    pub(crate) fn matches(&self, correlation: &Correlation) -> Result<Vec<String>, String> {
        match correlation {
            Correlation::NotDefined | Correlation::NoKey => Ok(Vec::new()),
            Correlation::Ids(ids) => Ok(self.as_kept(ids)),
            Correlation::Query(query) => self.ids(&query.filter),
        }
    }

    fn as_kept(&self, ids: &[String]) -> Vec<String> {
        match &self.prepared.target {
            End::Managed(_) => ids.to_vec(),
            End::Remote(remote) => ids.iter().map(|id| remote.id(id.clone())).collect(),
        }
    }

    fn ids(&self, filter: &Filter) -> Result<Vec<String>, String> {
        match &self.prepared.target {
            End::Managed(config) => {
                self.view.read(|r| r.managed_ids(config, filter, MOST_MATCHES + 1)).map_err(|e| e.to_string())
            }
            End::Remote(_) => {
                let mut ids = self.mirrored(filter)?;
                ids.sort();
                ids.dedup();
                ids.truncate(MOST_MATCHES + 1);
                Ok(ids)
            }
        }
    }

    /// Equality, `and` and `or` over indexed attributes: what correlation rules are made of.
    fn mirrored(&self, filter: &Filter) -> Result<Vec<String>, String> {
        match filter {
            Filter::Or(parts) => {
                let lists = parts.iter().map(|p| self.mirrored(p)).collect::<Result<Vec<_>, _>>()?;
                Ok(lists.concat())
            }
            Filter::And(parts) => {
                // Each value alone may be that of many records: they are asked for together.
                let (equal, others): (Vec<&Filter>, Vec<&Filter>) =
                    parts.iter().partition(|part| matches!(part, Filter::Compare(_, Op::Eq, _)));
                let mut lists = Vec::with_capacity(1 + others.len());
                if !equal.is_empty() {
                    lists.push(self.mirrored_with(&equal)?);
                }
                for other in others {
                    lists.push(self.mirrored(other)?);
                }
                let mut lists = lists.into_iter();
                let first = lists.next().unwrap_or_default();
                Ok(lists.fold(first, |both, list| both.into_iter().filter(|id| list.contains(id)).collect()))
            }
            Filter::Compare(_, Op::Eq, _) => self.mirrored_with(&[filter]),
            other => {
                Err(format!("correlation on a remote target understands `eq`, `and` and `or`, not `{other}`"))
            }
        }
    }

    /// The records for which all of these equalities hold.
    fn mirrored_with(&self, equal: &[&Filter]) -> Result<Vec<String>, String> {
        let remote = self.prepared.target.remote().ok_or("the target is not remote")?;
        let mut values = Vec::with_capacity(equal.len());
        for filter in equal {
            let Filter::Compare(pointer, _, value) = filter else { continue };
            let attribute = pointer.to_string();
            if !remote.indexed.contains(&attribute) {
                return Err(format!(
                    "correlation asks for `{attribute}` of {}, and nothing told before that it would; map the attribute and write its name in the script, or write the rule as an expression tree, so that it is read and indexed",
                    remote.path
                ));
            }
            values.push((attribute, value.as_str().map_or_else(|| value.to_string(), str::to_owned)));
        }
        self.view
            .read(|r| r.mirrored_by_values(&remote.path, &values, MOST_MATCHES + 1))
            .map_err(|e| e.to_string())
    }
}

/// Judges every source (and target) in scope and writes the plan into the run. Gives the entries that count on another one of
/// the run to give up a unique value.
pub(crate) fn plan(
    store: &Store,
    prepared: &Prepared,
    scope: Scope<'_>,
    run: &mut Run,
    at: &str,
    cancel: &CancellationToken,
) -> Result<Vec<Contested>, EngineError> {
    let (mapping, scripts) = prepared.compile()?;
    let id = run.id.clone();
    let judge = judge(prepared, &mapping, &scripts, &id);
    let qualifiers = prepared.qualifiers(&mapping, &scripts)?;
    let whole = matches!(scope, Scope::All);
    let walk = prepared.walk(mapping::DEFAULT_QUALIFIER, scope);
    // Where somebody has named records, those that stand as they are count as well.
    let named = walk.ids.as_deref().filter(|_| !run.progress.incremental);
    let (total, links, linked, named) = store.read_blocking(|r| {
        let named = match named {
            Some(ids) => {
                let mut there = 0;
                for id in ids {
                    there += u64::from(r.source(&walk, id)?.is_some());
                }
                Some(there)
            }
            None => None,
        };
        Ok((r.source_count(&walk)?, r.link_count(&walk.links.kind)?, r.linked_sources(&walk)?, named))
    })?;
    run.progress.source_total = Some(walk.ids.as_ref().map_or(total, |ids| ids.len() as u64));
    run.progress.links_total = links;
    run.progress.linked_sources = linked;
    run.progress.stage_total = run.progress.source_total.map(|n| n * qualifiers.len() as u64);
    run.progress.stage_processed = 0;
    let mut planning = Planning {
        store,
        prepared,
        judge: &judge,
        at,
        cancel,
        situations: BTreeMap::new(),
        next_seq: 1,
        accounted: 0,
        claims: Vec::new(),
        contested: Vec::new(),
        boundless: 0,
        writing: None,
    };
    for qualifier in &qualifiers {
        let walk = prepared.walk(qualifier, scope);
        let judged = planning.sources(run, qualifier, &walk)?;
        if let Some(looked_at) = named.or(whole.then_some(total)) {
            // What the walk left out stands unchanged.
            let untouched = looked_at.saturating_sub(judged);
            planning.accounted += untouched;
            run.progress.unchanged += untouched;
            *planning.situations.entry(Situation::Confirmed.to_string()).or_default() += untouched;
            run.progress.stage_processed += untouched;
        }
    }
    run.progress.source_processed = run.progress.source_total.unwrap_or(total);
    let looked_at = planning.next_seq > 1 || planning.situations.values().any(|n| *n > 0);
    run.progress.none_in_query = total > 0 && !looked_at && mapping.narrows_sources();
    settle_claims(store, run, &judge, &walk, repeated(std::mem::take(&mut planning.claims)))?;
    let mut contested = std::mem::take(&mut planning.contested);
    unique::settle(store, prepared, run, &mut contested, Holders::MayGo)?;
    if whole && prepared.config.run_target_phase.unwrap_or(true) {
        let first = planning.next_seq;
        planning.targets(run, &qualifiers, &walk)?;
        if unique::settle(store, prepared, run, &mut contested, Holders::Stay)? > 0 {
            hold_back(store, run, first)?;
            unique::settle(store, prepared, run, &mut contested, Holders::Stay)?;
        }
    }
    run.progress.unlisted = planning.situations;
    Ok(contested)
}

/// No target goes while a source of the run could not be dealt with.
fn hold_back(store: &Store, run: &Run, first: i64) -> Result<(), EngineError> {
    let (seq, why) =
        (run.seq, format!("; not carried out, because {}", failures(run.progress.failed_sources)));
    let remedy = Remedy::ClearFailures.to_string();
    Ok(store.write_blocking(move |w| w.hold_back(seq, first, &why, &remedy))?)
}

fn failures(failed: u64) -> String {
    let records = if failed == 1 { "record" } else { "records" };
    format!("{failed} source {records} of this run could not be judged")
}

/// What is written down of a chunk.
#[derive(Default)]
struct Taken {
    entries: Vec<Entry>,
    /// Links that are only to be stamped.
    stamps: Vec<NewLink>,
    /// Targets of sources that leave no entry.
    spoken_for: Vec<String>,
}

/// A plan in the making.
struct Planning<'a> {
    store: &'a Store,
    prepared: &'a Prepared,
    judge: &'a Judge<'a>,
    at: &'a str,
    cancel: &'a CancellationToken,
    /// Records without an entry, by situation.
    situations: BTreeMap<String, u64>,
    next_seq: i64,
    /// Links seen so far whose source and target are both there.
    accounted: u64,
    /// The keys of what the planned records would claim, for finding those that claim the same.
    claims: Vec<u64>,
    /// Sources that match more targets than are named.
    boundless: u64,
    /// Entries that want a unique value which another object has.
    contested: Vec<Contested>,
    /// The last chunk on its way into the repository, while the next one is judged.
    writing: Option<Writing<()>>,
}

impl Planning<'_> {
    /// The source phase under one qualifier; gives how many sources had to be looked at.
    fn sources(&mut self, run: &mut Run, qualifier: &str, walk: &Walk) -> Result<u64, EngineError> {
        let store = self.store;
        // Two ways to the same candidates: where there are links and their targets stand, targets need not be looked at. That
        // they do is noted before the first of them is made.
        let targets_stand = walk.ids.is_none() && store.targets_stand(walk)? && run.progress.links_total > 0;
        let size = chunk(self.prepared.config.recon_source_query_page_size);
        let mut after = String::new();
        let mut next = || {
            let candidates = store.read_blocking(|r| match targets_stand {
                true => r.changed_sources(walk, &after, size),
                false => r.candidates(walk, &after, size),
            })?;
            if let Some(last) = candidates.last() {
                after.clone_from(&last.id);
            }
            Ok::<_, EngineError>((!candidates.is_empty()).then_some(candidates))
        };
        let court = Court { store, prepared: self.prepared, run: &run.id.clone(), qualifier, walk };
        let threads = court.threads(run.progress.source_total.unwrap_or_default(), size);
        let mut judged = 0;
        std::thread::scope(|scope| {
            let mut judges = Judges::of(&court, self.judge, threads, scope);
            loop {
                if self.cancel.is_cancelled() {
                    return Err(EngineError::Canceled);
                }
                let Some(chunk) = judges.next(&mut next)? else { return self.written() };
                judged += chunk.sources;
                self.accounted += chunk.with_target;
                run.progress.source_processed = run.progress.source_processed.max(judged);
                run.progress.stage_processed += chunk.sources;
                let taken = self.take(run, chunk.rulings);
                self.write_chunk(run, taken)?;
            }
        })?;
        Ok(judged)
    }

    /// Counts what was judged, and gives what of it is written down.
    fn take(&mut self, run: &mut Run, rulings: Vec<Ruling>) -> Taken {
        let Taken { mut entries, mut stamps, mut spoken_for } = Taken::default();
        for Ruling { judgement, contested } in rulings {
            match judgement {
                Judgement::Outside => {}
                Judgement::InSync(link) => {
                    *self.situations.entry(Situation::Confirmed.to_string()).or_default() += 1;
                    run.progress.unchanged += 1;
                    stamps.push(*link);
                }
                Judgement::Silent { situation, targets } => {
                    *self.situations.entry(situation.to_string()).or_default() += 1;
                    self.boundless += u64::from(targets.len() > MOST_MATCHES);
                    spoken_for.extend(targets);
                }
                Judgement::Entry(entry, stamp) => {
                    // A preview leaves it unstamped, so that the run says the same.
                    stamps.extend(stamp.filter(|_| run.mode != RunMode::Preview).map(|s| *s));
                    let entry = self.numbered(run, self.prepared.allowed(*entry));
                    if entry.action == Action::Create && entry.status == EntryStatus::Failed {
                        // Its target is no new record: it was found, and nothing is made beside it.
                        spoken_for.extend(entry.target_id.clone());
                    }
                    self.contested.extend(contested.map(|refusal| Contested { entry: entry.seq, refusal }));
                    entries.push(entry);
                }
            }
        }
        Taken { entries, stamps, spoken_for }
    }

    /// An entry with its number, counted.
    fn numbered(&mut self, run: &mut Run, entry: Entry) -> Entry {
        let seq = self.next_seq;
        self.next_seq += 1;
        run.progress.failed_sources += u64::from(entry.status == EntryStatus::Failed);
        self.boundless += u64::from(entry.ambiguous.len() > MOST_MATCHES);
        self.claims.extend(entry.claim.as_ref().map(|claim| claim_key(&entry.qualifier, claim)));
        Entry { seq, ..entry }
    }

    /// The target phase: what no source accounts for.
    fn targets(&mut self, run: &mut Run, qualifiers: &[String], walk: &Walk) -> Result<(), EngineError> {
        run.stage = "ACTIVE_RECONCILING_TARGET".into();
        let failed = run.progress.failed_sources;
        let why = match self.boundless {
            _ if failed > 0 => Some(failures(failed)),
            0 => None,
            n => Some(format!(
                "{n} source records of this run match more than {MOST_MATCHES} {} records each, this one perhaps among them",
                self.judge.target_title
            )),
        };
        let allowed = why.as_deref().map_or(Ok(()), Err);
        let total = self.store.read_blocking(|r| r.target_count(walk))?;
        run.progress.target_total = Some(total);
        // A target has one link at most under a qualifier, so where there are as many links as targets nobody is left over.
        if qualifiers.len() == 1 && self.accounted == total {
            return Ok(());
        }
        let size = chunk(self.prepared.config.recon_target_query_page_size);
        let mut after = String::new();
        loop {
            if self.cancel.is_cancelled() {
                return Err(EngineError::Canceled);
            }
            let candidates = self
                .store
                .read_blocking(|r| r.unaccounted_targets(walk, qualifiers, run.seq, &after, size))?;
            let Some(last) = candidates.last() else { return self.written() };
            after = last.id.clone();
            let mut entries = Vec::new();
            for candidate in &candidates {
                run.progress.target_processed += 1;
                if let Some(entry) = self.judge.target(candidate, allowed) {
                    entries.push(Entry { seq: self.next_seq, ..self.prepared.allowed(entry) });
                    self.next_seq += 1;
                }
            }
            self.write_chunk(run, Taken { entries, ..Taken::default() })?;
        }
    }

    /// Sends a chunk to the repository once the one before is there. What is judged next lies behind this chunk in the order of
    /// the walk and does not depend on it.
    fn write_chunk(&mut self, run: &Run, taken: Taken) -> Result<(), EngineError> {
        self.written()?;
        let Taken { entries, stamps, spoken_for } = taken;
        let (run, at) = (run.clone(), self.at.to_owned());
        self.writing = Some(self.store.begin_write(move |w| {
            w.add_entries(run.seq, &entries)?;
            w.speak_for(run.seq, &spoken_for)?;
            for link in &stamps {
                stamp(w, link, &at)?;
            }
            w.put_run(&run)
        })?);
        Ok(())
    }

    /// Waits until the last chunk is in the repository.
    fn written(&mut self) -> Result<(), EngineError> {
        Ok(self.writing.take().map_or(Ok(()), Writing::wait)?)
    }
}

/// Stamps the link of a pair that was found in sync. One that the other direction has removed or moved since then stays so.
pub(crate) fn stamp(w: &store::Writer<'_>, link: &NewLink, at: &str) -> Result<(), store::StoreError> {
    match w.target_linked(&link.space, &link.source_id)? {
        Some(target) if target == link.target_id => w.put_link(link, at),
        _ => Ok(()),
    }
}

/// A judge for a prepared mapping.
pub(crate) fn judge<'a>(
    prepared: &'a Prepared,
    mapping: &'a Mapping,
    scripts: &'a dyn Interpreter,
    run: &'a str,
) -> Judge<'a> {
    Judge {
        mapping,
        scripts,
        kind: prepared.link_type(),
        orientation: prepared.orientation,
        version: prepared.version,
        run,
        narrowed: true,
        chosen: None,
        old_source: &|_| None,
        source_title: prepared.source_path.object_type(),
        target_title: prepared.target_path.object_type(),
        target_key: match &prepared.target {
            End::Remote(remote) => remote.object_type.natural_key.as_deref(),
            End::Managed(_) => None,
        },
        became: prepared.source.remote().map(Remote::found_became).unwrap_or_default(),
    }
}

/// A planned entry whose values the managed object's policies would refuse fails in the plan already, so that a preview says
/// what the run will do. Two new objects of one plan that want the same unique value are found out when they are written.
/// What the document of a remote target denies is left out of the plan likewise.
pub(crate) fn with_policies(
    view: View<'_, '_>,
    prepared: &Prepared,
    entry: Entry,
) -> Result<Entry, store::StoreError> {
    match &prepared.target {
        End::Managed(config) => with_policies_of(view, config, entry),
        End::Remote(_) => Ok(prepared.allowed(entry)),
    }
}

/// As [`with_policies`], of a target of this type.
pub(crate) fn with_policies_of(
    view: View<'_, '_>,
    config: &ManagedObjectConfig,
    entry: Entry,
) -> Result<Entry, store::StoreError> {
    Ok(match check(view, &Rules::of(config), &entry)? {
        Check::Passed => entry,
        Check::Contested(refusal) | Check::Refused(refusal) => refusal.of(entry),
    })
}

/// What policies say of a planned entry.
pub(crate) enum Check {
    Passed,
    /// Nothing but that another object has a value that must be unique. That one may give it up in the same run.
    Contested(Refusal),
    Refused(Refusal),
}

/// Asks the policies of the target's type about an entry.
pub(crate) fn check(
    view: View<'_, '_>,
    rules: &Rules<'_>,
    entry: &Entry,
) -> Result<Check, store::StoreError> {
    if entry.status != EntryStatus::Planned || !matches!(entry.action, Action::Create | Action::Update) {
        return Ok(Check::Passed);
    }
    if let Some(wrong) = wrong_chosen_id(entry) {
        return Ok(Check::Refused(Refusal::of_mapping(wrong)));
    }
    let config = rules.config();
    let target = entry.target_id.clone().unwrap_or_default();
    let violations = view.read(|r| {
        let before = match entry.action {
            Action::Update => r.managed(&config.name, &target)?.map(|m| m.attributes),
            _ => None,
        };
        let after = apply_changes(before.as_ref().unwrap_or(rules.defaults()), entry);
        new_violations(r, rules, &target, before.as_ref(), &after)
    })?;
    Ok(match violations.iter().find(|violation| !violation.is_taken()) {
        _ if violations.is_empty() => Check::Passed,
        None => Check::Contested(Refusal::by(&violations)),
        Some(_) => Check::Refused(Refusal::by(&violations)),
    })
}

/// Why no object can be made with the id that the mapping says, if it says one.
fn wrong_chosen_id(entry: &Entry) -> Option<String> {
    if entry.action != Action::Create {
        return None;
    }
    match &entry.changes.iter().find(|change| change.attribute == "_id")?.after {
        Value::String(id) => wrong_id(id),
        other => Some(format!("the mapping gives {other} as `_id`; an id is a text")),
    }
}

/// The keys that occur more than once.
fn repeated(mut keys: Vec<u64>) -> HashSet<u64> {
    keys.sort_unstable();
    keys.windows(2).filter_map(|pair| if let [a, b] = pair { (a == b).then_some(*a) } else { None }).collect()
}

/// Two sources of one run that claim the same target, or would both make it, are AMBIGUOUS, all of them.
fn settle_claims(
    store: &Store,
    run: &Run,
    judge: &Judge<'_>,
    walk: &Walk,
    suspects: HashSet<u64>,
) -> Result<(), EngineError> {
    let seq = run.seq;
    let shared = store.write_blocking(move |w| w.shared_claims(seq, &suspects))?;
    for shared in shared.chunks(CHUNK) {
        let decided = store.read_blocking(|r| {
            let decided = shared.iter().map(|(entry, claim, _)| {
                let entry = r.entry(seq, *entry)?;
                let id = entry.as_ref().and_then(|entry| entry.source_id.as_deref());
                let source = id.map(|id| r.source(walk, id)).transpose()?.flatten();
                Ok(entry
                    .zip(source)
                    .and_then(|(entry, source)| decide_claim(judge, &entry, &source.0, claim)))
            });
            decided.collect::<Result<Vec<_>, store::StoreError>>()
        })?;
        let source_title = judge.source_title.to_owned();
        let shared = shared.to_vec();
        store.write_blocking(move |w| {
            for ((entry, claim, sharing), decided) in shared.into_iter().zip(decided) {
                let claimed = claim.strip_prefix("target ").map_or_else(
                    || format!("would make the same new record ({})", claim.trim_start_matches('/')),
                    |id| format!("match the same record {id}"),
                );
                let reason = format!("{sharing} {source_title} records {claimed}; a person has to choose");
                // Whatever the policy says, there is no one target to create or change.
                let (action, policy, status) = match decided {
                    Some((
                        action @ (Action::Ignore | Action::Report | Action::NoReport | Action::Async),
                        policy,
                    )) => (action, policy, EntryStatus::Skipped),
                    other => (Action::Exception, other.and_then(|(_, policy)| policy), EntryStatus::NeedsYou),
                };
                w.make_ambiguous(seq, entry, action, policy, status, &reason)?;
            }
            Ok(())
        })?;
    }
    Ok(())
}

/// What the mapping does about a source whose claim another one shares: the action and the number of its policy.
fn decide_claim(
    judge: &Judge<'_>,
    entry: &Entry,
    source: &model::Attributes,
    claim: &str,
) -> Option<(Action, Option<i64>)> {
    let source_id = entry.source_id.as_deref()?;
    let targets: Vec<String> = claim.strip_prefix("target ").map(str::to_owned).into_iter().collect();
    let decided = judge.mapping.action(
        judge.scripts,
        &Decision {
            mapping: &judge.mapping.config.name,
            run: judge.run,
            qualifier: &entry.qualifier,
            situation: Situation::Ambiguous,
            from_source: true,
            source: &Value::Object(with_id(source, source_id)),
            target: &Value::Null,
            source_id: Some(source_id),
            target_id: None,
            ambiguous: &targets,
        },
    );
    decided.ok().map(|decided| (decided.action, decided.number()))
}

#[cfg(test)]
mod tests {
    use model::Attributes;
    use store::{LinkSpace, Orientation};

    use super::*;

    /// While a plan is made, the mapping in the other direction may remove a link, or have it lead somewhere else.
    #[test]
    fn a_stamp_brings_no_link_back() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let space =
            LinkSpace { kind: "m".into(), qualifier: "default".into(), orientation: Orientation::Forward };
        let link = |target: &str, version| NewLink {
            space: space.clone(),
            source_id: "a".into(),
            target_id: target.into(),
            source_hash: Some([1; 16]),
            target_hash: Some([2; 16]),
            version,
            base_source: Attributes::new(),
            base_target: Attributes::new(),
        };
        let stamped = |link: NewLink| {
            let (space, at) = (link.space.clone(), "2026-01-02T03:04:05Z");
            store.write_blocking(move |w| stamp(w, &link, at)).unwrap();
            let found = store.read_blocking(|r| r.link_of_source(&space, "a")).unwrap();
            found.map(|link| (link.target_id, link.version))
        };
        assert_eq!(stamped(link("b", 2)), None);
        let made = link("b", 1);
        store.write_blocking(move |w| w.put_link(&made, "2026-01-02T03:04:05Z")).unwrap();
        assert_eq!(stamped(link("c", 2)), Some(("b".into(), Some(1))));
        assert_eq!(stamped(link("b", 2)), Some(("b".into(), Some(2))));
    }
}
