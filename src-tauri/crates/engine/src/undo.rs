//! Undo: a plan made from what a run did, entry by entry. It is previewed and guarded like any other plan. A value that somebody
//! has changed since stays as it is, and so does a record that the run made and that somebody has added something to.

use std::collections::{BTreeSet, HashMap};

use mapping::{
    Base,
    canonical::{Sameness, is_empty},
};
use model::{Action, Attributes, Pointer, ResourcePath, policy::Rules};
use serde_json::Value;
use store::{Entry, EntryFilter, EntryStatus, Hash, Link, LinkSpace, Run, StoredChange};
use tokio_util::sync::CancellationToken;

use crate::{
    Engine, EngineError,
    decide::losses,
    ends::{End, Prepared},
    execute::{Context, Settled, apply_changes, settle},
    judge::base_of,
};

/// Entries taken back per transaction.
const CHUNK: usize = 500;

impl Engine {
    /// Writes the plan that takes back what `done` did into `run`.
    pub(crate) async fn plan_undo(
        &self,
        run: &mut Run,
        prepared: &Prepared,
        done: &Run,
        cancel: &CancellationToken,
    ) -> Result<(), EngineError> {
        let mut filter =
            EntryFilter { status: Some(EntryStatus::Done), limit: CHUNK, ..EntryFilter::default() };
        let place = self.place_of(prepared, done).await?;
        let (seq, id) = (done.seq, done.id.clone());
        let partly = self.store.read(move |r| r.partly_written(seq, &id)).await?;
        let mut next_seq = 1;
        loop {
            if cancel.is_cancelled() {
                return Err(EngineError::Canceled);
            }
            let (seq, asked) = (done.seq, filter.clone());
            let mut page = self.store.read(move |r| r.entries(seq, &asked)).await?;
            page.rows.retain(|entry| entry.status == EntryStatus::Done || partly.contains(&entry.seq));
            let deleted = page.rows.iter().filter(|entry| entry.action == Action::Delete);
            let remade = self.remade(prepared, done, deleted.filter_map(remaking).collect()).await?;
            let targets: Vec<String> = page.rows.iter().filter_map(|e| e.target_id.clone()).collect();
            if let Some(remote) = prepared.target.remote() {
                self.read_some(remote, &targets).await?;
            }
            let (walk, kind, orientation, rows) =
                (prepared.here(), prepared.link_type().to_owned(), prepared.orientation, page.rows);
            let standing = self
                .store
                .read(move |r| {
                    rows.into_iter()
                        .map(|entry| {
                            let target = match &entry.target_id {
                                Some(id) => r.target(&walk, id)?,
                                None => None,
                            };
                            let link = match &entry.source_id {
                                Some(id) => {
                                    let qualifier = entry.qualifier.clone();
                                    let space = LinkSpace { kind: kind.clone(), qualifier, orientation };
                                    r.link_of_source(&space, id)?
                                }
                                None => None,
                            };
                            let secrets = match (&entry.target_id, &walk.target) {
                                (Some(id), ResourcePath::Managed(kind)) if entry.action == Action::Create => {
                                    r.protected_set(kind, id)?.into_iter().map(|(name, _)| name).collect()
                                }
                                _ => Vec::new(),
                            };
                            let remade = remaking(&entry).and_then(|claim| remade.get(&claim).cloned());
                            Ok((entry, Standing { target, secrets, link, remade }))
                        })
                        .collect::<Result<Vec<_>, store::StoreError>>()
                })
                .await?;
            let mut entries = Vec::new();
            for (entry, standing) in &standing {
                for taken_back in take_back(&place, entry, standing) {
                    entries.push(Entry { seq: next_seq, ..prepared.allowed(taken_back) });
                    next_seq += 1;
                }
            }
            run.progress.stage_processed += standing.len() as u64;
            let seq = run.seq;
            self.store.write(move |w| w.add_entries(seq, &entries)).await?;
            self.put_run(run).await?;
            match page.next.and_then(|n| n.parse().ok()) {
                Some(after) => filter.after = after,
                // Of records that failed, some were written but for a value that was refused.
                None if filter.status == Some(EntryStatus::Done) && !partly.is_empty() => {
                    (filter.status, filter.after) = (Some(EntryStatus::Failed), 0);
                }
                None => {
                    run.progress.source_total = Some(run.progress.stage_processed);
                    return Ok(());
                }
            }
        }
    }
}

impl Engine {
    /// The runs that were to take this one back, however far they got, newest first.
    pub async fn undos_of(&self, done: &Run) -> Result<Vec<Run>, EngineError> {
        let (mapping, id) = (done.mapping.clone(), done.id.clone());
        let after = done.seq;
        Ok(self
            .store
            .read(move |r| {
                let (mut undos, mut before) = (Vec::new(), None);
                loop {
                    let runs = r.runs(Some(&mapping), before, CHUNK)?.rows;
                    before = runs.last().map(|run| run.seq).filter(|seq| *seq > after);
                    let since = runs.into_iter().take_while(|run| run.seq > after);
                    undos.extend(since.filter(|run| run.progress.undoes.as_deref() == Some(&id)));
                    if before.is_none() {
                        return Ok(undos);
                    }
                }
            })
            .await?)
    }

    /// Of records that were deleted, those that an earlier undo has made again under these keys, and that are there.
    async fn remade(
        &self,
        prepared: &Prepared,
        done: &Run,
        claims: Vec<String>,
    ) -> Result<HashMap<String, String>, EngineError> {
        let Some(remote) = prepared.target.remote().filter(|_| !claims.is_empty()) else {
            return Ok(HashMap::new());
        };
        let earlier = self.undos_of(done).await?;
        if earlier.is_empty() {
            return Ok(HashMap::new());
        }
        let made: Vec<(String, String)> = self
            .store
            .read(move |r| {
                let mut made = Vec::new();
                for claim in claims {
                    for run in &earlier {
                        let id = r.done_for_claim(run.seq, &claim)?.and_then(|entry| entry.target_id);
                        made.extend(id.map(|id| (claim.clone(), id)));
                    }
                }
                Ok(made)
            })
            .await?;
        let ids: Vec<String> = made.iter().map(|(_, id)| id.clone()).collect();
        self.read_some(remote, &ids).await?;
        let walk = prepared.here();
        Ok(self
            .store
            .read(move |r| {
                let mut there = HashMap::new();
                for (claim, id) in made {
                    if r.target(&walk, &id)?.is_some() {
                        there.insert(claim, id);
                    }
                }
                Ok(there)
            })
            .await?)
    }

    /// Of the deleted records that an undo is to make again, those that no other undo of the same run has made since it was
    /// planned, and how the others end.
    pub(crate) async fn not_remade(
        &self,
        context: &Context,
        prepared: &Prepared,
        done: &str,
        entries: Vec<Entry>,
    ) -> Result<(Vec<Entry>, Vec<Settled>), EngineError> {
        let claims = entries.iter().filter_map(|entry| entry.claim.clone()).collect();
        let remade = self.remade(prepared, &self.run_row(done).await?, claims).await?;
        let mut stale = Vec::new();
        let mut left = entries;
        left.retain(|entry| match entry.claim.as_ref().and_then(|claim| remade.get(claim)) {
            None => true,
            Some(id) => {
                let why = format!("{}; not carried out: {}", entry.reason, made_again(id));
                stale.push(Settled::ended(entry, EntryStatus::Stale, why));
                false
            }
        });
        if !stale.is_empty() {
            let (context, noted) = (context.clone(), stale.clone());
            self.store.write(move |w| settle(w, &context, &noted)).await?;
        }
        Ok((left, stale))
    }

    async fn place_of<'p>(&self, prepared: &'p Prepared, done: &'p Run) -> Result<Place<'p>, EngineError> {
        let mut place = Place {
            run: &done.id,
            end: &prepared.target,
            sameness: prepared.target.sameness(),
            mapped: prepared.config.named_target_attributes(),
            defaults: Attributes::new(),
            read_only: BTreeSet::new(),
            kept: prepared
                .target
                .remote()
                .and_then(|remote| remote.connector.delete_writes(&remote.object_type.name)),
        };
        match &prepared.target {
            End::Managed(config) => place.defaults = Rules::of(config).defaults().clone(),
            End::Remote(remote) => {
                let seq = done.seq;
                let deletes = EntryFilter {
                    action: Some(Action::Delete),
                    status: Some(EntryStatus::Done),
                    ..EntryFilter::default()
                };
                if self.store.read(move |r| r.entry_count(seq, &deletes)).await? > 0 {
                    match remote.connector.schema(&remote.object_type.name).await {
                        Ok(schema) => {
                            let fixed = schema.attributes.into_iter().filter(|attribute| !attribute.writable);
                            place.read_only = fixed.map(|attribute| attribute.name).collect();
                        }
                        // What can only be read, such a system refuses or passes over by itself.
                        Err(error) if error.kind == connector::ErrorKind::Unsupported => {}
                        Err(error) => return Err(error.into()),
                    }
                }
            }
        }
        Ok(place)
    }
}

/// Where a run wrote that is taken back.
struct Place<'p> {
    /// The run's `_id`.
    run: &'p str,
    end: &'p End,
    sameness: Sameness,
    /// The target's attributes that the mapping writes.
    mapped: BTreeSet<String>,
    /// What a new object has before anything is written into it.
    defaults: Attributes,
    /// Attributes that a record cannot be made with again.
    read_only: BTreeSet<String>,
    /// What a delete writes there, where it leaves the record.
    kept: Option<Attributes>,
}

impl Place<'_> {
    /// The attributes of a record that was made by this entry and that hold what it did not write: what somebody has added. Of
    /// a remote record that can only be told for what the mapping would have written.
    fn added_since<'n>(&self, entry: &Entry, now: &'n Attributes) -> Vec<&'n str> {
        let made = apply_changes(&self.defaults, entry);
        let somebodys = |name: &str, value: &Value| match self.end {
            End::Managed(config) => !config.flag(name, "isVirtual", false),
            End::Remote(remote) => {
                self.mapped.contains(name)
                    && *value != Value::Bool(false)
                    && !remote.connector.fills_in(&remote.object_type.name, name)
            }
        };
        now.iter()
            .filter(|(name, value)| !name.starts_with('_') && !is_empty(value) && somebodys(name, value))
            .filter(|(name, value)| !self.sameness.same(name, made.get(*name).unwrap_or(&Value::Null), value))
            .map(|(name, _)| name.as_str())
            .collect()
    }
}

/// A target and its source as they are now.
struct Standing {
    target: Option<(Attributes, Hash)>,
    /// The attributes of the target that have a value which nobody may read, and no mapping writes.
    secrets: Vec<String>,
    /// The link of the source.
    link: Option<Link>,
    /// The record that an earlier undo has made in the place of a deleted target, and that is still there.
    remade: Option<String>,
}

impl Standing {
    /// What the link is to remember of both sides once these values are as they were: the target has them of its own again, and
    /// the source has not changed since. Else the mapping in the other direction would take what is taken back for an edit, and
    /// carry it over the value that it came from.
    fn base_with(&self, undone: &[StoredChange]) -> Option<Attributes> {
        let Base { source, mut target } = base_of(self.link.as_ref()?)?;
        for change in undone {
            if !target.contains_key(&change.attribute) {
                continue;
            }
            if is_empty(&change.after) {
                target.shift_remove(&change.attribute);
            } else {
                target.insert(change.attribute.clone(), change.after.clone());
            }
        }
        let sides = [("source", source), ("target", target)];
        Some(sides.into_iter().map(|(side, values)| (side.to_owned(), Value::Object(values))).collect())
    }
}

/// What takes one entry back.
fn take_back(place: &Place<'_>, entry: &Entry, standing: &Standing) -> Vec<Entry> {
    let (run, sameness) = (place.run, &place.sameness);
    let target = standing.target.as_ref();
    let linked = standing.link.as_ref().map(|link| link.target_id.as_str());
    let undo = |action: Action| Entry {
        action,
        status: EntryStatus::Planned,
        phase: "source",
        changes: Vec::new(),
        reason: format!("takes back {} of run {run}", entry.action),
        remedy: None,
        claim: None,
        source_hash: None,
        target_hash: target.map(|(_, hash)| *hash),
        base: None,
        policy: None,
        question: None,
        ambiguous: Vec::new(),
        ..entry.clone()
    };
    let skipped = |action: Action, why: &str| Entry {
        status: EntryStatus::Skipped,
        reason: format!("takes back {} of run {run}; not carried out: {why}", entry.action),
        ..undo(action)
    };
    let still_linked = entry.target_id.is_some() && linked == entry.target_id.as_deref();
    match entry.action {
        Action::Create => match target {
            None => vec![skipped(Action::Delete, "the record is gone already")],
            Some((now, _)) => {
                let changed: Vec<&str> = changed_since(sameness, entry, now);
                if !changed.is_empty() {
                    let why = format!("{} was changed since", changed.join(", "));
                    return vec![skipped(Action::Delete, &why)];
                }
                let mut added = place.added_since(entry, now);
                added.extend(standing.secrets.iter().map(String::as_str));
                if !added.is_empty() {
                    let why = format!("{} was added since", added.join(", "));
                    return vec![skipped(Action::Delete, &why)];
                }
                vec![Entry { changes: losses(now), ..undo(Action::Delete) }]
            }
        },
        Action::Update => {
            let Some((now, _)) = target else { return vec![skipped(Action::Update, "the record is gone")] };
            let changed = changed_since(sameness, entry, now);
            let mut update = undo(Action::Update);
            update.changes = entry
                .changes
                .iter()
                .filter(|c| !changed.contains(&c.attribute.as_str()))
                .map(|c| StoredChange {
                    attribute: c.attribute.clone(),
                    before: c.after.clone(),
                    after: c.before.clone(),
                })
                .collect();
            if !changed.is_empty() {
                update.reason =
                    format!("{}; {} stays, because it was changed since", update.reason, changed.join(", "));
            }
            if update.changes.is_empty() {
                update.status = EntryStatus::Skipped;
            } else if still_linked {
                update.base = standing.base_with(&update.changes);
            }
            let mut taken_back = vec![update];
            // The run linked the two records; before it they were strangers.
            if entry.situation != model::Situation::Confirmed && still_linked {
                taken_back.push(undo(Action::Unlink));
            }
            taken_back
        }
        Action::Link if still_linked => vec![undo(Action::Unlink)],
        Action::Link => vec![skipped(Action::Unlink, "they are not linked any more")],
        Action::Unlink if linked.is_some() => {
            vec![skipped(Action::Link, "the source is linked to another record now")]
        }
        Action::Unlink if target.is_none() => vec![skipped(Action::Link, "the target record is gone")],
        Action::Unlink => vec![undo(Action::Link)],
        Action::Delete if target.is_some() => vec![match (&place.kept, target) {
            (Some(written), Some((now, _))) if linked.is_none() || still_linked => {
                let changes = kept_back(sameness, entry, written, now);
                if !changes.is_empty() {
                    Entry { changes, ..undo(Action::Update) }
                } else if linked.is_none() {
                    let link = undo(Action::Link);
                    let why = "the record was not deleted over there; it is linked again, and otherwise stays as it is";
                    Entry { reason: format!("{}: {why}", link.reason), ..link }
                } else {
                    skipped(Action::Create, "the record is there")
                }
            }
            _ => skipped(Action::Create, "the record is there"),
        }],
        // As after this undo, which may have been carried out once already.
        Action::Delete if linked.is_some() && !still_linked => {
            vec![skipped(Action::Create, "the source is linked to another record now")]
        }
        Action::Delete if standing.remade.is_some() => {
            let id = standing.remade.as_deref().unwrap_or_default();
            vec![skipped(Action::Create, &made_again(id))]
        }
        Action::Delete => {
            let mut create = undo(Action::Create);
            create.claim = remaking(entry);
            create.changes = entry
                .changes
                .iter()
                .filter(|c| !place.read_only.contains(&c.attribute))
                .map(|c| StoredChange {
                    attribute: c.attribute.clone(),
                    before: Value::Null,
                    after: c.before.clone(),
                })
                .collect();
            // In the repository it comes back under its own id; a provider gives a new one.
            if let (End::Managed(_), Some(id)) = (place.end, &entry.target_id) {
                create.changes.push(StoredChange {
                    attribute: "_id".into(),
                    before: Value::Null,
                    after: Value::from(id.as_str()),
                });
            }
            create.target_id = None;
            vec![create]
        }
        _ => Vec::new(),
    }
}

/// What takes back the values that a delete has written into a record that stays: only where it wrote them, and only those that
/// nobody has changed since.
fn kept_back(
    sameness: &Sameness,
    entry: &Entry,
    written: &Attributes,
    now: &Attributes,
) -> Vec<StoredChange> {
    let was = |name: &str| entry.changes.iter().find(|change| change.attribute == name);
    written
        .iter()
        .filter(|(name, value)| sameness.same(name, now.get(*name).unwrap_or(&Value::Null), value))
        .filter_map(|(name, value)| was(name).map(|change| (name, value, &change.before)))
        .filter(|(name, value, before)| !is_empty(before) && !sameness.same(name, before, value))
        .map(|(name, value, before)| StoredChange {
            attribute: name.clone(),
            before: value.clone(),
            after: before.clone(),
        })
        .collect()
}

fn made_again(id: &str) -> String {
    format!("an earlier undo has made it again, as {id}")
}

/// The key under which an undo makes a deleted target again: a provider gives the new record another id.
fn remaking(deleted: &Entry) -> Option<String> {
    deleted.target_id.as_ref().map(|id| format!("again {} {id}", deleted.qualifier))
}

/// The attributes that the entry wrote and that have another value now.
fn changed_since<'e>(sameness: &Sameness, entry: &'e Entry, now: &Attributes) -> Vec<&'e str> {
    entry
        .changes
        .iter()
        .filter(|c| {
            let value = Pointer::parse(&c.attribute).get_in(now).unwrap_or(&Value::Null);
            !sameness.same(&c.attribute, value, &c.after)
        })
        .map(|c| c.attribute.as_str())
        .collect()
}
