//! Implicit sync: carries single changes of managed objects on, mapping by mapping, each on its own, with retry and back-off.

use std::collections::{BTreeSet, HashMap, HashSet};

use connector::ErrorKind;
use futures::future::join_all;
use model::{Action, Attributes, ResourcePath, mapping_config::SyncMode};
use store::{BackOff, Entry, EntryStatus, NewInboxRow, QueueChange, QueueRow, QueueState, Reader, Walk};

use crate::{
    Engine, EngineError,
    after::question,
    ends::{Prepared, Scope},
    execute::{Context, ORDER, Settled, batch_limit},
    judge::{Judge, Judgement},
    plan,
};

/// Tries before a person has to decide: with the back-off below, after a day.
const TRIES: u32 = 19;
/// Between two tries.
const BACK_OFF: BackOff = BackOff { first_ms: 2_000, longest_ms: 4 * 3_600_000 };
/// Rows taken at a time: what most systems take with one call.
const BATCH: usize = 100;

/// How a delivery of due rows went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Delivery {
    /// Rows that reached their target, or had nothing to carry.
    pub delivered: u64,
    /// Rows that failed this time.
    pub failed: u64,
    /// Rows whose mapping is being run; they wait for it.
    pub waiting: u64,
}

/// How one change stands at one target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncResult {
    /// The mapping.
    pub mapping: String,
    /// Its target.
    pub target: String,
    /// `true` delivered, `false` failed, `None` waiting.
    pub ok: Option<bool>,
    /// In words.
    pub message: String,
}

impl Engine {
    /// Delivers rows that are due, once, of all mappings beside each other.
    pub async fn deliver_due(&self) -> Result<Delivery, EngineError> {
        let due = self.due_mappings().await?;
        let mut total = Delivery::default();
        for delivery in join_all(due.iter().map(|mapping| self.deliver_due_of(mapping))).await {
            let delivery = delivery?;
            total.delivered += delivery.delivered;
            total.failed += delivery.failed;
            total.waiting += delivery.waiting;
        }
        Ok(total)
    }

    /// The mappings that have rows which are due.
    pub async fn due_mappings(&self) -> Result<Vec<String>, EngineError> {
        let now = self.now().as_millisecond();
        let due = move |r: &Reader<'_>| {
            let mut due = Vec::new();
            for mapping in r.mappings()? {
                if !r.queue_due(&mapping.config.name, now, BACK_OFF, 1)?.is_empty() {
                    due.push(mapping.config.name);
                }
            }
            Ok(due)
        };
        Ok(self.store.read(due).await?)
    }

    /// Delivers rows of a mapping that are due, once. A slow target keeps nobody else's waiting.
    pub async fn deliver_due_of(&self, mapping: &str) -> Result<Delivery, EngineError> {
        let (now, mapping) = (self.now().as_millisecond(), mapping.to_owned());
        let rows = self.store.read(move |r| r.queue_due(&mapping, now, BACK_OFF, BATCH)).await?;
        let mut delivery = Delivery::default();
        let goes = |row: &QueueRow| row.change == QueueChange::Delete;
        // What goes may make room for what comes: neither overtakes the other.
        for rows in rows.chunk_by(|a, b| goes(a) == goes(b)) {
            match self.deliver(rows).await? {
                None => delivery.waiting += rows.len() as u64,
                Some(reached) => {
                    let delivered = reached.iter().filter(|reached| **reached).count();
                    delivery.delivered += delivered as u64;
                    delivery.failed += (reached.len() - delivered) as u64;
                }
            }
        }
        Ok(delivery)
    }

    /// Delivers the waiting rows of one object now, due or not, and says how it stands at every target.
    pub async fn deliver_object(&self, kind: &str, id: &str) -> Result<Vec<SyncResult>, EngineError> {
        self.deliver_rows_of(kind, id, None).await?;
        self.sync_results(kind, id).await
    }

    /// Delivers the waiting rows of one object for those mappings that a write waits for (`syncMode: blocking`).
    pub async fn deliver_blocking(&self, kind: &str, id: &str) -> Result<(), EngineError> {
        let mappings = self.store.read(|r| r.mappings()).await?;
        let blocking: BTreeSet<String> = mappings
            .into_iter()
            .filter(|m| m.config.sync_mode == Some(SyncMode::Blocking))
            .map(|m| m.config.name)
            .collect();
        if blocking.is_empty() {
            return Ok(());
        }
        self.deliver_rows_of(kind, id, Some(&blocking)).await
    }

    async fn deliver_rows_of(
        &self,
        kind: &str,
        id: &str,
        only: Option<&BTreeSet<String>>,
    ) -> Result<(), EngineError> {
        for _ in 0..40 {
            let (k, i) = (kind.to_owned(), id.to_owned());
            let rows = self.store.read(move |r| r.queue_of(&k, &i)).await?;
            let mut busy = false;
            for row in &rows {
                if row.attempts == 0 && only.is_none_or(|names| names.contains(&row.mapping)) {
                    busy |= self.deliver(std::slice::from_ref(row)).await?.is_none();
                }
            }
            if !busy {
                break;
            }
            // Another process or a short sync has the mapping; it tells nobody when it is through.
            #[allow(clippy::disallowed_methods)]
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        Ok(())
    }

    /// How the last change of an object stands at every target.
    pub async fn sync_results(&self, kind: &str, id: &str) -> Result<Vec<SyncResult>, EngineError> {
        let (kind, id) = (kind.to_owned(), id.to_owned());
        let (waiting, outcomes, mappings) = self
            .store
            .read(move |r| Ok((r.queue_of(&kind, &id)?, r.sync_outcomes(&kind, &id)?, r.mappings()?)))
            .await?;
        let mut results = Vec::new();
        for mapping in mappings.iter().map(|m| &m.config) {
            let row = waiting.iter().find(|r| r.mapping == mapping.name);
            let outcome = outcomes.iter().find(|o| o.mapping == mapping.name);
            let (ok, message) = match (row, outcome) {
                (Some(row), _) if row.state == QueueState::Failed => {
                    (Some(false), row.message.clone().unwrap_or_else(|| "failed".into()))
                }
                (Some(row), _) => (
                    if row.attempts > 0 { Some(false) } else { None },
                    row.message.clone().map_or_else(|| "waiting".into(), |m| tried_again(&m)),
                ),
                (None, Some(outcome)) => (Some(outcome.ok), outcome.message.clone()),
                (None, None) => continue,
            };
            results.push(SyncResult {
                mapping: mapping.name.clone(),
                target: mapping.target.clone(),
                ok,
                message,
            });
        }
        Ok(results)
    }

    /// Delivers rows of one mapping together, and says of each whether it reached its target. `None` when the mapping is being
    /// run.
    async fn deliver(&self, rows: &[QueueRow]) -> Result<Option<Vec<bool>>, EngineError> {
        let Some(first) = rows.first() else { return Ok(Some(Vec::new())) };
        let Some(_lock) = self.keep_still(&first.mapping)? else { return Ok(None) };
        let begun = self.as_they_are(rows).await?;
        let carried = match self.prepare(&first.mapping).await {
            Ok(prepared) => self.carry_each(&prepared, rows).await?,
            Err(error) => vec![failed(error)?; rows.len()],
        };
        let (at, now) = (self.at(), self.now().as_millisecond());
        let ended: Vec<(QueueRow, Carried)> = rows.iter().cloned().zip(carried).collect();
        let note = move |w: &store::Writer<'_>| {
            let mut reached = Vec::with_capacity(ended.len());
            for ((row, carried), begun) in ended.iter().zip(&begun) {
                reached.push(matches!(carried, Carried::Done(_)));
                match carried {
                    Carried::Done(message) => {
                        w.goes_on_from(row, begun.as_ref())?;
                        w.delivered(row, message, &at)?;
                    }
                    Carried::NeedsPerson(message) => w.not_delivered(row, None, message, &at)?,
                    Carried::Failed(message) => {
                        tracing::info!(mapping = row.mapping, object = row.object_id, %message, "implicit sync failed");
                        let tries = row.attempts + 1;
                        let next = (tries < TRIES).then(|| now + BACK_OFF.wait_ms(tries));
                        w.not_delivered(row, next, message, &at)?;
                    }
                }
            }
            Ok(reached)
        };
        Ok(Some(self.store.write(note).await?))
    }

    /// What the objects of rows are like as their delivery begins, of those that somebody asks what they were before.
    async fn as_they_are(&self, rows: &[QueueRow]) -> Result<Vec<Option<Attributes>>, EngineError> {
        if rows.iter().all(|row| row.old.is_none()) {
            return Ok(vec![None; rows.len()]);
        }
        let wanted: Vec<(String, String, bool)> =
            rows.iter().map(|row| (row.kind.clone(), row.object_id.clone(), row.old.is_some())).collect();
        let read = move |r: &Reader<'_>| {
            let mut objects = Vec::with_capacity(wanted.len());
            for (kind, id, asked) in wanted {
                let object = if asked { r.managed(&kind, &id)? } else { None };
                objects.push(object.map(|object| object.attributes));
            }
            Ok(objects)
        };
        Ok(self.store.read(read).await?)
    }

    /// Carries rows on together, and alone those that cannot go together.
    async fn carry_each(&self, prepared: &Prepared, rows: &[QueueRow]) -> Result<Vec<Carried>, EngineError> {
        let changes: Vec<Change<'_>> =
            rows.iter().map(|row| Change { object: &row.object_id, old: old_of(row) }).collect();
        let together = match self.carry_on(prepared, &changes).await {
            Ok(carried) => carried,
            // Nobody there takes calls, whomever they are about.
            Err(error) if rows.len() == 1 || is_outage(&error) => {
                return Ok(vec![failed(error)?; rows.len()]);
            }
            // One of them is why.
            Err(EngineError::Store(error)) => return Err(error.into()),
            Err(_) => vec![None; rows.len()],
        };
        let mut carried = Vec::with_capacity(rows.len());
        for (change, outcome) in changes.iter().zip(together) {
            carried.push(match outcome {
                Some(outcome) => outcome,
                None => match self.carry_on(prepared, std::slice::from_ref(change)).await {
                    Ok(alone) => alone.into_iter().flatten().next().unwrap_or_default(),
                    Err(error) => failed(error)?,
                },
            });
        }
        Ok(carried)
    }

    /// Brings one source in line now, by the mapping's policies, and says what was done.
    pub(crate) async fn deliver_one(&self, mapping: &str, source: &str) -> Result<String, EngineError> {
        let prepared = self.prepare(mapping).await?;
        let _lock = self.lock_mapping(prepared.name()).await?;
        let rows = self.rows_of(&prepared, source).await?;
        let carried = self.carry_on(&prepared, &[Change { object: source, old: None }]).await?;
        Ok(match carried.into_iter().flatten().next().unwrap_or_default() {
            Carried::Done(words) => {
                let (said, at) = (words.clone(), self.at());
                self.store
                    .write(move |w| rows.iter().try_for_each(|row| w.delivered(row, &said, &at)))
                    .await?;
                words
            }
            Carried::Failed(words) | Carried::NeedsPerson(words) => words,
        })
    }

    /// The rows of the queue that wait for this mapping to carry a source on.
    pub(crate) async fn rows_of(
        &self,
        prepared: &Prepared,
        source: &str,
    ) -> Result<Vec<QueueRow>, EngineError> {
        let (path, mapping, source) =
            (prepared.source_path.clone(), prepared.name().to_owned(), source.to_owned());
        Ok(self.store.read(move |r| waiting_in_queue(r, &path, &mapping, &source)).await?)
    }

    /// Takes changes out of the queue where a run has brought both sides in line: there is nothing left to deliver, and nobody
    /// has to decide about those that had been given up. While the run holds its mapping's lock none is delivered or given up,
    /// and one whose object changes again stays.
    pub(crate) async fn clear_what_is_in_line(
        &self,
        prepared: &Prepared,
        run: &str,
    ) -> Result<(), EngineError> {
        if !prepared.source_path.is_managed() {
            return Ok(());
        }
        let mut walks = Vec::new();
        for state in [QueueState::Failed, QueueState::Waiting] {
            let mut after = 0;
            loop {
                let mapping = prepared.name().to_owned();
                let rows = self.store.read(move |r| r.queue_for(&mapping, state, after, BATCH)).await?;
                let Some(last) = rows.last() else { break };
                after = last.seq;
                if walks.is_empty() {
                    let (mapping, scripts) = prepared.compile()?;
                    let qualifiers = prepared.qualifiers(&mapping, &scripts)?;
                    walks.extend(qualifiers.iter().map(|name| prepared.walk(name, Scope::Some(&[]))));
                }
                let (walks, message, at) =
                    (walks.clone(), format!("brought in line by run {run}"), self.at());
                self.store
                    .write(move |w| {
                        for row in rows {
                            if is_in_line(w, &walks, &row.object_id)? {
                                w.delivered(&row, &message, &at)?;
                            }
                        }
                        Ok(())
                    })
                    .await?;
            }
        }
        Ok(())
    }

    /// Brings sources in line, with one read and one write for all of them. `None` stands for one that wants what another one of
    /// them has or makes: it goes alone, after that one.
    async fn carry_on(
        &self,
        prepared: &Prepared,
        changes: &[Change<'_>],
    ) -> Result<Vec<Option<Carried>>, EngineError> {
        self.must_lead_where_links_do(prepared)?;
        self.note_linked_accounts(prepared).await?;
        let mut ids: Vec<String> = changes.iter().map(|change| change.object.to_owned()).collect();
        self.resolve_doubts(prepared, None).await?;
        self.read_partial(prepared, &ids).await?;
        let old = |id: &str| changes.iter().find(|change| change.object == id).and_then(|change| change.old);
        let mut entries = self.gone_entries(prepared, "", &ids, &old, None).await?;
        ids.retain(|id| !entries.iter().any(|entry| entry.source_id.as_ref() == Some(id)));
        if !ids.is_empty() {
            entries.extend(self.plan_some(prepared, &ids, &old).await?);
        }
        let mut claimed = HashSet::new();
        let mut planned: Vec<Option<Vec<Entry>>> = Vec::with_capacity(changes.len());
        let mut seq = 0;
        for change in changes {
            let mut own: Vec<Entry> =
                entries.extract_if(.., |entry| entry.source_id.as_deref() == Some(change.object)).collect();
            for entry in &mut own {
                entry.seq = seq;
                seq += 1;
            }
            self.renew_questions(prepared, change.object, &own).await?;
            let wanted: Vec<(String, String)> = own
                .iter()
                .filter(|entry| entry.status == EntryStatus::Planned)
                .flat_map(|entry| {
                    let target = entry.target_id.as_ref().map(|id| format!("target {id}"));
                    let wanted: BTreeSet<String> = entry.claim.clone().into_iter().chain(target).collect();
                    wanted.into_iter().map(|claim| (entry.qualifier.clone(), claim))
                })
                .collect();
            let free = wanted.iter().all(|claim| !claimed.contains(claim));
            claimed.extend(wanted);
            planned.push(free.then_some(own));
        }
        let mut settled = self.execute_together(prepared, planned.iter().flatten().flatten()).await?;
        tokio::task::block_in_place(|| {
            let (mapping, scripts) = prepared.compile()?;
            let after = |entry: Entry, outcome: &Settled| {
                if !mapping.has_after() {
                    return Ok(None);
                }
                self.after_entry("", prepared, &mapping, &scripts, &ended_as(entry, outcome))
            };
            let mut carried = Vec::with_capacity(planned.len());
            for own in planned {
                carried.push(own.map(|own| conclude(own, &mut settled, &after)).transpose()?);
            }
            Ok(carried)
        })
    }

    /// Carries out what of these entries is planned, action by action; gives how each ended, by its number.
    async fn execute_together<'e>(
        &self,
        prepared: &Prepared,
        entries: impl Iterator<Item = &'e Entry>,
    ) -> Result<HashMap<i64, Settled>, EngineError> {
        let context = Context {
            run: None,
            who: format!("implicit sync of {}", prepared.name()),
            recheck: false,
            aged: false,
            cancel: crate::CancellationToken::new(),
            rest: Default::default(),
        };
        let planned: Vec<&Entry> = entries.filter(|entry| entry.status == EntryStatus::Planned).collect();
        let mut settled = HashMap::with_capacity(planned.len());
        for action in ORDER {
            let mut same: Vec<Entry> =
                planned.iter().filter(|entry| entry.action == action).map(|entry| (*entry).clone()).collect();
            while !same.is_empty() {
                let rest = same.split_off(batch_limit(prepared).min(same.len()));
                let ended = self.execute_batch(&context, prepared, action, same).await?;
                settled.extend(ended.into_iter().map(|ended| (ended.seq, ended)));
                same = rest;
            }
        }
        Ok(settled)
    }

    /// The inbox holds what this object's change asks a person now, and nothing that it asked before.
    async fn renew_questions(
        &self,
        prepared: &Prepared,
        source: &str,
        entries: &[Entry],
    ) -> Result<(), EngineError> {
        let (name, source, at) = (prepared.name().to_owned(), source.to_owned(), self.at());
        let asked: Vec<NewInboxRow> =
            entries.iter().filter_map(|entry| question(&name, entry.clone())).collect();
        self.store
            .write(move |w| {
                w.answered(&name, &source)?;
                asked.iter().try_for_each(|question| w.ask(question, None, &at))
            })
            .await?;
        Ok(())
    }

    /// Plans some sources in memory; links of records in sync are stamped.
    async fn plan_some<'o>(
        &self,
        prepared: &Prepared,
        ids: &[String],
        old: &(dyn Fn(&str) -> Option<&'o Attributes> + Sync),
    ) -> Result<Vec<Entry>, EngineError> {
        let (entries, stamps) = tokio::task::block_in_place(|| -> Result<_, EngineError> {
            let (mapping, scripts) = prepared.compile()?;
            let old_source = |id: &str| old(id).cloned();
            let judge = Judge {
                narrowed: false,
                old_source: &old_source,
                ..plan::judge(prepared, &mapping, &scripts, "")
            };
            let qualifiers = prepared.qualifiers(&mapping, &scripts)?;
            let (mut entries, mut stamps) = (Vec::new(), Vec::new());
            for qualifier in &qualifiers {
                let walk = prepared.walk(qualifier, Scope::Some(ids));
                let lookup = plan::StoreLookup { view: plan::View::Now(&self.store), prepared, walk: &walk };
                for candidate in &self.store.read_blocking(|r| r.candidates(&walk, "", ids.len()))? {
                    match judge.source(qualifier, candidate, &lookup) {
                        Judgement::InSync(link) => stamps.push(*link),
                        Judgement::Silent { .. } | Judgement::Outside => {}
                        Judgement::Entry(entry, stamp) => {
                            entries.push(plan::with_policies(
                                plan::View::Now(&self.store),
                                prepared,
                                *entry,
                            )?);
                            stamps.extend(stamp.map(|s| *s));
                        }
                    }
                }
            }
            Ok((entries, stamps))
        })?;
        let at = self.at();
        self.store.write(move |w| stamps.iter().try_for_each(|link| plan::stamp(w, link, &at))).await?;
        Ok(entries)
    }
}

/// What became of one source, after what follows each of its entries; `after` runs that, and gives the complaint of a script that
/// failed.
fn conclude(
    entries: Vec<Entry>,
    settled: &mut HashMap<i64, Settled>,
    after: &dyn Fn(Entry, &Settled) -> Result<Option<String>, EngineError>,
) -> Result<Carried, EngineError> {
    let mut said = Vec::new();
    for entry in entries {
        match entry.status {
            EntryStatus::Planned => {
                let Some(outcome) = settled.remove(&entry.seq) else { continue };
                let reason = || outcome.reason.clone().unwrap_or_else(|| entry.reason.clone());
                match outcome.status {
                    EntryStatus::Done => {
                        said.push(in_words(&entry, &outcome));
                        said.extend(after(entry, &outcome)?);
                    }
                    EntryStatus::Skipped => {
                        said.push(format!("nothing to do: {}", reason()));
                        said.extend(after(entry, &outcome)?);
                    }
                    EntryStatus::NeedsYou => {
                        let reason = format!("{}: {}", entry.situation, reason());
                        return Ok(Carried::NeedsPerson(with_remedy(reason, outcome.remedy.as_deref())));
                    }
                    _ => return Ok(Carried::Failed(with_remedy(reason(), outcome.remedy.as_deref()))),
                }
            }
            EntryStatus::Failed => {
                return Ok(Carried::Failed(with_remedy(entry.reason, entry.remedy.as_deref())));
            }
            EntryStatus::NeedsYou => {
                let reason = format!("{}: {}", entry.situation, entry.reason);
                return Ok(Carried::NeedsPerson(with_remedy(reason, entry.remedy.as_deref())));
            }
            _ => {
                said.push(format!("nothing to do: {}", entry.reason));
                let outcome = Settled { action: entry.action, ..Settled::ended(&entry, entry.status, "") };
                said.extend(after(entry, &outcome)?);
            }
        }
    }
    Ok(if said.is_empty() { Carried::default() } else { Carried::Done(said.join("; ")) })
}

/// An entry as it ended.
fn ended_as(entry: Entry, outcome: &Settled) -> Entry {
    Entry {
        action: outcome.action,
        status: outcome.status,
        target_id: outcome.target_id.clone().or(entry.target_id),
        reason: String::new(),
        ..entry
    }
}

/// The rows of the queue that wait for a mapping to carry a source on.
pub(crate) fn waiting_in_queue(
    r: &Reader<'_>,
    path: &ResourcePath,
    mapping: &str,
    source: &str,
) -> Result<Vec<QueueRow>, store::StoreError> {
    let ResourcePath::Managed(kind) = path else { return Ok(Vec::new()) };
    let mut rows = r.queue_of(kind, source)?;
    rows.retain(|row| row.mapping.eq_ignore_ascii_case(mapping));
    Ok(rows)
}

/// What the object of a row was like before. One that is still to be made over there has changed from nothing.
fn old_of(row: &QueueRow) -> Option<&Attributes> {
    row.old.as_ref().filter(|_| row.change != QueueChange::Create)
}

/// A source that has changed.
struct Change<'a> {
    object: &'a str,
    /// What it was like before, where that is known.
    old: Option<&'a Attributes>,
}

#[derive(Clone)]
enum Carried {
    Done(String),
    /// To be tried again.
    Failed(String),
    /// Trying again would end the same.
    NeedsPerson(String),
}

/// Why a target has not got a change yet, and that this is not the end of it.
fn tried_again(message: &str) -> String {
    let message = message.trim_end();
    let stop = if message.ends_with(['.', '!', '?', '…']) { "" } else { "." };
    format!("{message}{stop} It will be tried again.")
}

impl Default for Carried {
    fn default() -> Self {
        Self::Done("nothing to change there".into())
    }
}

/// Whether a run would find nothing to do about an object as it is now, under any of the qualifiers.
fn is_in_line(r: &Reader<'_>, walks: &[Walk], object: &str) -> Result<bool, store::StoreError> {
    let (mut in_line, mut there) = (!walks.is_empty(), false);
    for walk in walks {
        let walk = Walk { ids: Some(vec![object.to_owned()]), ..walk.clone() };
        there |= r.source(&walk, object)?.is_some();
        in_line &= match there {
            true => r.candidates(&walk, "", 1)?.is_empty(),
            false => r.target_linked(&walk.links, object)?.is_none(),
        };
    }
    Ok(in_line)
}

/// A delivery that ended in an error. A repository that cannot be written cannot note it either.
fn failed(error: EngineError) -> Result<Carried, EngineError> {
    match error {
        EngineError::Store(error) => Err(error.into()),
        error => Ok(Carried::Failed(error.to_string())),
    }
}

/// Whether the system as a whole takes no calls, or none of ours.
fn is_outage(error: &EngineError) -> bool {
    match error {
        EngineError::Remote(error) => matches!(
            error.kind,
            ErrorKind::Unreachable
                | ErrorKind::Unauthorized
                | ErrorKind::RateLimited
                | ErrorKind::Unavailable
                | ErrorKind::Credentials
                | ErrorKind::Storage
        ),
        EngineError::Locked(_) => true,
        _ => false,
    }
}

fn with_remedy(reason: String, remedy: Option<&str>) -> String {
    match remedy {
        Some(remedy) => format!("{reason}; {remedy}"),
        None => reason,
    }
}

pub(crate) fn in_words(entry: &Entry, outcome: &Settled) -> String {
    let target = outcome.target_id.as_deref().or(entry.target_id.as_deref()).unwrap_or_default();
    let names: Vec<&str> = entry.changes.iter().map(|c| c.attribute.as_str()).collect();
    match outcome.action {
        Action::Create => format!("created {target}"),
        Action::Update if names.is_empty() => format!("linked {target}"),
        Action::Update => format!("updated {target}: {}", names.join(", ")),
        Action::Delete => format!("deleted {target}"),
        Action::Unlink => format!("unlinked {target}"),
        Action::Link => format!("linked {target}"),
        other => format!("{other} {target}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_tried_for_a_day_before_a_person_has_to_decide() {
        let waits: i64 = (1..TRIES).map(|tries| BACK_OFF.wait_ms(tries)).sum();
        let hours = waits / 3_600_000;
        assert!((24..30).contains(&hours), "{hours} hours");
    }

    #[test]
    fn what_will_be_tried_again_is_told_in_sentences() {
        for (message, told) in [
            ("check the proxy settings", "check the proxy settings. It will be tried again."),
            ("Is it up?", "Is it up? It will be tried again."),
            ("It did not answer. ", "It did not answer. It will be tried again."),
        ] {
            assert_eq!(tried_again(message), told);
        }
    }
}
