//! Writes in doubt: sent, and the process ended or the answer was lost. They are resolved by looking, never by repeating, and
//! nobody looks while the provider still works on what may hold them.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use connector::{Connector, ConnectorError, ErrorKind, RemoteObject};
use mapping::canonical::Sameness;
use serde_json::Value;
use store::{EntryStatus, JournalRow, JournalState, LinkSpace, NewLink, Operation, StoreError, Walk, Writer};
use tokio_util::sync::CancellationToken;

use crate::{
    Engine, EngineError,
    ends::{End, Prepared, Remote},
    execute_remote::{pause, was_written},
    read::seen_page,
    remedy::Remedy,
};

/// What looking has shown.
pub(crate) enum Doubt {
    /// The write was done; the record as it is.
    Arrived(RemoteObject),
    /// The record holds what was sent, but for these attributes.
    Partly(RemoteObject, Vec<String>),
    /// It was not.
    NeverArrived,
    /// There is nothing to find it by yet.
    CannotTell,
}

/// Records that rows in doubt are about, as they are now.
struct Seen {
    objects: Vec<RemoteObject>,
    /// Those found by their natural key.
    keyed: Vec<RemoteObject>,
}

/// Rows looked at with one call each for creates and for the others.
const TOGETHER: usize = 100;
/// How long a run waits for what the provider works on, and how often it asks meanwhile.
const LONGEST_WORK: Duration = Duration::from_secs(2 * 3600);
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Waits until the provider works on nothing any more that it was given before: what is not there by then never arrived.
/// `cancel` ends the wait. Without one nobody waits, as in the sync of a single change, which is tried again anyway.
async fn at_rest(
    connector: &dyn Connector,
    object_type: &str,
    cancel: Option<&CancellationToken>,
) -> Result<(), EngineError> {
    let (mut waited, mut next) = (Duration::ZERO, FIRST_PAUSE);
    while let Some(what) = connector.under_way(object_type).await? {
        let Some(cancel) = cancel.filter(|_| waited < LONGEST_WORK) else {
            let message = format!(
                "{what}. Until then nobody can tell what became of earlier writes whose answers were lost, so they are not sent again; run again later"
            );
            return Err(ConnectorError::new(ErrorKind::Unavailable, message).into());
        };
        tracing::info!(seconds = next.as_secs_f32(), "waiting before writes in doubt are looked for: {what}");
        tokio::select! {
            () = cancel.cancelled() => return Err(EngineError::Canceled),
            () = pause(next) => {}
        }
        waited += next;
        next = (next * 2).min(LONGEST_PAUSE);
    }
    Ok(())
}

impl Engine {
    /// Looks whether writes were done, many with one call: one answer per row, in order, up to the first look that failed.
    /// `cancel` is whose end a wait for the provider does not outlast; without one there is no such wait.
    pub(crate) async fn look_all(
        &self,
        prepared: &Prepared,
        remote: &Remote,
        rows: &[JournalRow],
        cancel: Option<&CancellationToken>,
    ) -> (Vec<Doubt>, Result<(), EngineError>) {
        let mut doubts = Vec::with_capacity(rows.len());
        if rows.is_empty() {
            return (doubts, Ok(()));
        }
        if let Err(error) = at_rest(remote.connector.as_ref(), &remote.object_type.name, cancel).await {
            return (doubts, Err(error));
        }
        for chunk in rows.chunks(TOGETHER) {
            match self.look(prepared, remote, chunk).await {
                Ok(seen) => doubts.extend(seen),
                Err(error) => return (doubts, Err(error)),
            }
        }
        (doubts, Ok(()))
    }

    async fn look(
        &self,
        prepared: &Prepared,
        remote: &Remote,
        rows: &[JournalRow],
    ) -> Result<Vec<Doubt>, EngineError> {
        let seen = self.seen_of(remote, rows).await?;
        let strangers = self.strangers(prepared, remote, rows, &seen.keyed).await?;
        // A record that was found by a key and does not bear it was found by another name of that key.
        let keys: Vec<&str> = rows.iter().filter_map(|row| key_of(remote, row)).collect();
        let unclear = seen.keyed.iter().any(|object| !keys.iter().any(|key| bears(remote, object, key)));
        let mut doubts = Vec::with_capacity(rows.len());
        for row in rows {
            doubts.push(match row.operation {
                Operation::Create => match key_of(remote, row) {
                    None => Doubt::CannotTell,
                    Some(key) => match seen.keyed.iter().find(|object| {
                        bears(remote, object, key) && !strangers.contains(&(row.seq, object.uid.as_str()))
                    }) {
                        Some(object) => Doubt::Arrived(object.clone()),
                        None if unclear => self.look_for(prepared, remote, row, key).await?,
                        None => Doubt::NeverArrived,
                    },
                },
                operation => of_known(&remote.sameness(), operation, row, &seen.objects),
            });
        }
        Ok(doubts)
    }

    async fn seen_of(&self, remote: &Remote, rows: &[JournalRow]) -> Result<Seen, EngineError> {
        let kind = &remote.object_type.name;
        let uids: Vec<String> = rows
            .iter()
            .filter(|row| row.operation != Operation::Create)
            .filter_map(|row| row.target_id.clone())
            .collect();
        let mut keys: Vec<String> = rows
            .iter()
            .filter(|row| row.operation == Operation::Create)
            .filter_map(|row| key_of(remote, row).map(str::to_owned))
            .collect();
        keys.sort();
        keys.dedup();
        let connector = &remote.connector;
        let objects = match uids.as_slice() {
            [] => Vec::new(),
            uids => connector.read(kind, uids, &remote.attributes).await?,
        };
        let keyed = match keys.as_slice() {
            [] => Vec::new(),
            keys => connector.find_by_key(kind, keys, &remote.attributes).await?,
        };
        Ok(Seen { objects: kept(remote, objects), keyed: kept(remote, keyed) })
    }

    async fn look_for(
        &self,
        prepared: &Prepared,
        remote: &Remote,
        row: &JournalRow,
        key: &str,
    ) -> Result<Doubt, EngineError> {
        let found = remote
            .connector
            .find_by_key(&remote.object_type.name, &[key.to_owned()], &remote.attributes)
            .await?;
        let found = kept(remote, found);
        let strangers = self.strangers(prepared, remote, std::slice::from_ref(row), &found).await?;
        let ours = found.iter().find(|object| !strangers.contains(&(row.seq, object.uid.as_str())));
        Ok(ours.cloned().map_or(Doubt::NeverArrived, Doubt::Arrived))
    }

    /// Records that are not what a create made, although they bear its key: those that another source is linked to, and those
    /// that were known before and hold other values than were sent. A key need not be anybody's alone.
    async fn strangers<'o>(
        &self,
        prepared: &Prepared,
        remote: &Remote,
        rows: &[JournalRow],
        found: &'o [RemoteObject],
    ) -> Result<BTreeSet<(i64, &'o str)>, EngineError> {
        let uids: Vec<String> = found.iter().map(|object| object.uid.clone()).collect();
        let spaces: Vec<_> = rows.iter().map(|row| prepared.space(&row.qualifier)).collect();
        let path = remote.path.clone();
        let (known, owners) = self
            .store
            .read(move |r| {
                let (mut known, mut owners) = (Vec::with_capacity(uids.len()), BTreeMap::new());
                for (place, uid) in uids.iter().enumerate() {
                    known.push(r.mirrored(&path, uid)?.is_some());
                    for (number, space) in spaces.iter().enumerate() {
                        if let Some(link) = r.link_of_target(space, uid)? {
                            owners.insert((number, place), link.source_id);
                        }
                    }
                }
                Ok((known, owners))
            })
            .await?;
        let sameness = remote.sameness();
        let mut strangers = BTreeSet::new();
        for (number, row) in rows.iter().enumerate() {
            for (place, (object, known)) in found.iter().zip(&known).enumerate() {
                let stranger = match owners.get(&(number, place)) {
                    Some(owner) => Some(owner) != row.source_id.as_ref(),
                    None => *known && !holds_what_was_sent(&sameness, row, object),
                };
                if stranger {
                    strangers.insert((row.seq, object.uid.as_str()));
                }
            }
        }
        Ok(strangers)
    }

    /// Resolves what an ended process left in doubt for this mapping. Creates without a key to find them by are looked for
    /// in a complete list of the target, which is read for them. Gives how many were found done. With a `cancel`, what the
    /// provider still works on is waited for.
    pub(crate) async fn resolve_doubts(
        &self,
        prepared: &Prepared,
        cancel: Option<&CancellationToken>,
    ) -> Result<u64, EngineError> {
        let End::Remote(remote) = &prepared.target else { return Ok(0) };
        // What was sent to one account is not looked for in another.
        if prepared.strayed.is_some() {
            return Ok(0);
        }
        let name = prepared.name().to_owned();
        let rows = self.store.read(move |r| r.in_doubt(&name)).await?;
        if rows.is_empty() {
            return Ok(0);
        }
        tracing::info!(mapping = prepared.name(), rows = rows.len(), "resolving writes in doubt");
        let (mut keyless, mut done) = (Vec::new(), 0);
        let (doubts, looked) = self.look_all(prepared, remote, &rows, cancel).await;
        for (row, doubt) in rows.into_iter().zip(doubts) {
            match doubt {
                Doubt::Arrived(object) => {
                    self.settle_doubt(prepared, remote, &row, Some(object)).await?;
                    done += 1;
                }
                Doubt::Partly(object, missing) => {
                    self.settle_partly(prepared, remote, &row, object, missing).await?;
                }
                Doubt::NeverArrived => self.settle_doubt(prepared, remote, &row, None).await?,
                Doubt::CannotTell => keyless.push(row),
            }
        }
        looked?;
        if !keyless.is_empty() {
            done += self.resolve_keyless(prepared, remote, keyless).await?;
        }
        Ok(done)
    }

    /// A create without a natural key arrived when the list holds an unlinked record with exactly the values that were sent.
    async fn resolve_keyless(
        &self,
        prepared: &Prepared,
        remote: &Remote,
        rows: Vec<JournalRow>,
    ) -> Result<u64, EngineError> {
        use futures::StreamExt;
        let mut done = 0;
        let sameness = remote.sameness();
        let mut open: Vec<Option<JournalRow>> = rows.into_iter().map(Some).collect();
        let mut pages = remote.connector.search(connector::Search {
            object_type: remote.object_type.name.clone(),
            attributes: remote.attributes.clone(),
            ..connector::Search::default()
        });
        while let Some(page) = pages.next().await {
            for object in kept(remote, page?.objects) {
                let uid = object.uid.clone();
                for slot in &mut open {
                    let fits = slot.as_ref().is_some_and(|row| holds_what_was_sent(&sameness, row, &object));
                    if !fits {
                        continue;
                    }
                    let qualifier = slot.as_ref().map(|row| row.qualifier.as_str()).unwrap_or_default();
                    let (space, uid) = (prepared.space(qualifier), uid.clone());
                    let taken = self.store.read(move |r| r.link_of_target(&space, &uid)).await?;
                    if taken.is_none() {
                        if let Some(row) = slot.take() {
                            self.settle_doubt(prepared, remote, &row, Some(object.clone())).await?;
                            done += 1;
                        }
                        break;
                    }
                }
            }
        }
        for row in open.into_iter().flatten() {
            self.settle_doubt(prepared, remote, &row, None).await?;
        }
        Ok(done)
    }

    async fn settle_doubt(
        &self,
        prepared: &Prepared,
        remote: &Remote,
        row: &JournalRow,
        arrived: Option<RemoteObject>,
    ) -> Result<(), EngineError> {
        let (row, at, path) = (row.clone(), self.at(), remote.path.clone());
        let uid = arrived.as_ref().map(|object| object.uid.clone());
        // Without its copy the record that was written would count as gone.
        let written = arrived.filter(|_| row.operation != Operation::Delete);
        let page = seen_page(remote, 0, Vec::from_iter(written));
        let (space, walk) = (prepared.space(&row.qualifier), prepared.here());
        let linking = prepared.config.linking_enabled();
        self.store
            .write(move |w| {
                let (state, message) = match &uid {
                    Some(_) => (JournalState::Done, "found when its outcome was in doubt"),
                    None => (JournalState::Failed, "did not arrive"),
                };
                w.journal_settled(row.seq, state, uid.as_deref(), Some(message), &at)?;
                if !page.rows.is_empty() {
                    w.mirror_fresh(&page, &at)?;
                }
                let source = row.source_id.clone().unwrap_or_default();
                match (&uid, row.operation) {
                    (Some(uid), Operation::Create | Operation::Update) if linking && !source.is_empty() => {
                        link_found(w, &walk, &space, &source, uid, &at)?;
                    }
                    (Some(uid), Operation::Delete) => {
                        w.forget_mirrored(&path, uid)?;
                        w.remove_link(&space, &source)?;
                    }
                    _ => {}
                }
                // What did not arrive is still planned: whoever goes on with the run carries it out.
                if let (Some(uid), Some(run), Some(entry)) = (&uid, &row.run, row.entry)
                    && let Some(run) = w.run(run)?
                {
                    w.settle_entry(run.seq, entry, EntryStatus::Done, Some(uid), Some(message), None)?;
                }
                Ok(())
            })
            .await?;
        Ok(())
    }
}

impl Engine {
    /// A write of which something arrived, and not all: its entry has failed and holds what did, so that an undo takes it back.
    /// Where no run has sent it, whoever did sends it again.
    async fn settle_partly(
        &self,
        prepared: &Prepared,
        remote: &Remote,
        row: &JournalRow,
        object: RemoteObject,
        missing: Vec<String>,
    ) -> Result<(), EngineError> {
        let (id, seq) = (row.run.clone(), row.entry);
        let entry = self
            .store
            .read(move |r| {
                let (Some(id), Some(seq)) = (id, seq) else { return Ok(None) };
                let Some(run) = r.run(&id)? else { return Ok(None) };
                Ok(r.entry(run.seq, seq)?.map(|entry| (run.seq, entry)))
            })
            .await?;
        let Some((run, mut entry)) = entry else {
            return self.settle_doubt(prepared, remote, row, None).await;
        };
        entry.changes.retain(|change| was_written(change, &missing));
        let (journal, at, uid) = (row.seq, self.at(), object.uid.clone());
        let page = seen_page(remote, 0, vec![object]);
        let message = format!("found when its outcome was in doubt, without {}", missing.join(", "));
        self.store
            .write(move |w| {
                w.journal_settled(journal, JournalState::Done, Some(&uid), Some(&message), &at)?;
                w.mirror_fresh(&page, &at)?;
                w.put_changes(run, entry.seq, &entry.changes)?;
                let remedy = Remedy::RunAgain.to_string();
                w.settle_entry(run, entry.seq, EntryStatus::Failed, Some(&uid), Some(&message), Some(&remedy))
            })
            .await?;
        Ok(())
    }
}

/// Links a source to the record that was found written for it, unless one of the two has become another one's. A link whose
/// target is gone is pointed to it.
fn link_found(
    w: &Writer<'_>,
    walk: &Walk,
    space: &LinkSpace,
    source: &str,
    uid: &str,
    at: &str,
) -> Result<(), StoreError> {
    let free = match w.target_linked(space, source)? {
        None => true,
        Some(linked) => linked != uid && w.target(walk, &linked)?.is_none(),
    };
    if !free || w.source_linked(space, uid)?.is_some() {
        return Ok(());
    }
    let link = NewLink {
        space: space.clone(),
        source_id: source.to_owned(),
        target_id: uid.to_owned(),
        source_hash: None,
        target_hash: None,
        // Version 0 is no mapping's: the next plan compares the values.
        version: 0,
        base_source: model::Attributes::new(),
        base_target: model::Attributes::new(),
    };
    w.put_link(&link, at)
}

/// Records under their ids as these are kept.
fn kept(remote: &Remote, objects: Vec<RemoteObject>) -> Vec<RemoteObject> {
    objects.into_iter().map(|object| RemoteObject { uid: remote.id(object.uid), ..object }).collect()
}

/// The value by which a create is found again.
fn key_of<'r>(remote: &Remote, row: &'r JournalRow) -> Option<&'r str> {
    let name = remote.object_type.natural_key.as_ref()?;
    row.payload.get(name).and_then(Value::as_str).filter(|key| !key.is_empty())
}

fn bears(remote: &Remote, object: &RemoteObject, key: &str) -> bool {
    let value = remote.object_type.natural_key.as_ref().and_then(|name| object.attributes.get(name));
    value.and_then(Value::as_str).is_some_and(|value| value.to_lowercase() == key.to_lowercase())
}

fn holds_what_was_sent(sameness: &Sameness, row: &JournalRow, object: &RemoteObject) -> bool {
    missing_of_what_was_sent(sameness, row, object).is_empty()
}

fn missing_of_what_was_sent(sameness: &Sameness, row: &JournalRow, object: &RemoteObject) -> Vec<String> {
    let now = |name: &str| object.attributes.get(name).unwrap_or(&Value::Null);
    let missing = row.payload.iter().filter(|(name, value)| !sameness.same(name, now(name), value));
    missing.map(|(name, _)| name.clone()).collect()
}

/// What became of an update or a delete of a record whose id is known.
fn of_known(sameness: &Sameness, operation: Operation, row: &JournalRow, objects: &[RemoteObject]) -> Doubt {
    let Some(uid) = &row.target_id else { return Doubt::NeverArrived };
    let found = objects.iter().find(|object| object.uid == *uid);
    match (operation, found) {
        (Operation::Delete, None) => {
            Doubt::Arrived(RemoteObject { uid: uid.clone(), ..RemoteObject::default() })
        }
        (Operation::Update, Some(object)) => {
            let missing = missing_of_what_was_sent(sameness, row, object);
            match missing.len() {
                0 => Doubt::Arrived(object.clone()),
                // What is sent had another value when it was planned.
                some if some < row.payload.len() => Doubt::Partly(object.clone(), missing),
                _ => Doubt::NeverArrived,
            }
        }
        _ => Doubt::NeverArrived,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use async_trait::async_trait;
    use connector::{
        Change, Creation, Descriptor, ObjectTypeSchema, Outcome, Pages, Search, TestReport, Usage,
    };

    use super::*;

    /// A system that works on something for so many looks.
    struct Busy(AtomicU32);

    #[async_trait]
    impl Connector for Busy {
        fn descriptor(&self) -> &Descriptor {
            unreachable!("nobody asks what it can do")
        }

        fn usage(&self) -> Usage {
            Usage::default()
        }

        async fn test(&self) -> Result<TestReport, ConnectorError> {
            Ok(TestReport::default())
        }

        async fn schema(&self, object_type: &str) -> Result<ObjectTypeSchema, ConnectorError> {
            Err(ConnectorError::unsupported("busy", object_type))
        }

        fn search(&self, _search: Search) -> Pages<'_> {
            Box::pin(futures::stream::empty())
        }

        async fn read(
            &self,
            _: &str,
            _: &[String],
            _: &[String],
        ) -> Result<Vec<RemoteObject>, ConnectorError> {
            Ok(Vec::new())
        }

        async fn find_by_key(
            &self,
            _: &str,
            _: &[String],
            _: &[String],
        ) -> Result<Vec<RemoteObject>, ConnectorError> {
            Ok(Vec::new())
        }

        async fn under_way(&self, _: &str) -> Result<Option<String>, ConnectorError> {
            let left = self.0.load(Ordering::SeqCst);
            self.0.store(left.saturating_sub(1), Ordering::SeqCst);
            Ok((left > 0).then(|| "a job is under way".to_owned()))
        }

        async fn create(&self, _: &str, _: &[Creation]) -> Vec<Outcome> {
            Vec::new()
        }

        async fn update(&self, _: &str, _: &[Change]) -> Vec<Outcome> {
            Vec::new()
        }

        async fn delete(&self, _: &str, _: &[String]) -> Vec<Outcome> {
            Vec::new()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn work_that_is_under_way_is_waited_for_and_not_for_ever() {
        let began = tokio::time::Instant::now();
        let token = CancellationToken::new();
        let busy = |looks| Busy(AtomicU32::new(looks));
        at_rest(&busy(20), "Contact", Some(&token)).await.unwrap();
        let never = busy(u32::MAX);
        let error = at_rest(&never, "Contact", Some(&token)).await.unwrap_err().to_string();
        assert!(error.starts_with("a job is under way. ") && error.contains("not sent again"), "{error}");
        let looks = u32::MAX - never.0.load(Ordering::SeqCst);
        assert!(began.elapsed() > LONGEST_WORK && looks < 300, "{looks} looks");
        // A single change does not wait, and a person may have enough.
        let began = tokio::time::Instant::now();
        at_rest(&busy(1), "Contact", None).await.unwrap_err();
        token.cancel();
        let canceled = at_rest(&never, "Contact", Some(&token)).await.unwrap_err();
        assert!(matches!(canceled, EngineError::Canceled), "{canceled}");
        assert_eq!(began.elapsed(), Duration::ZERO);
    }
}
