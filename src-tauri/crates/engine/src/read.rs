//! Reading: remote pages stream into the mirror; what was linked and did not show up is looked for by id before it counts as
//! gone.

use std::{collections::HashMap, sync::PoisonError};

use connector::{ErrorKind, Page, RemoteObject, Search};
use futures::StreamExt;
use mapping::canonical;
use model::{Action, Situation};
use store::{
    Entry, LinkSpace, Met, Orientation, Run, RunState, SeenPage, Side, StoreError, UnfinishedRead, Writer,
};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::{
    Engine, EngineError,
    ends::{End, Prepared, Remote},
};

/// Records that are compared with the mirror together; of those that have to be written, so many make a transaction.
const COMMIT: usize = 1000;
/// Records that are read again at most, where a read is taken up: so many that did not change are met without a transaction.
const MET: usize = 10_000;
/// How long a run may stand still for those who look on, and a read for whoever takes it up, while records come.
const STILL_MS: i64 = 250;
/// Pages that may wait for the repository while the next one is fetched.
const AHEAD: usize = 4;
/// Ids per call when absence is confirmed.
const CONFIRM: usize = 100;

pub(crate) fn seen_page(remote: &Remote, read: i64, objects: Vec<RemoteObject>) -> SeenPage {
    SeenPage {
        path: remote.path.clone(),
        read,
        rows: objects
            .into_iter()
            .map(|o| (remote.id(o.uid), canonical::hash(&o.attributes), o.attributes))
            .collect(),
        indexed: remote.indexed.clone(),
    }
}

/// Which links count when a full read looks for what is gone.
pub(crate) struct Linked<'a> {
    pub kind: &'a str,
    pub orientation: Orientation,
    pub side: Side,
}

/// A record that was merged into another one.
struct Moved {
    old: String,
    new: String,
    /// The natural key that it had, in lower case.
    key: Option<String>,
}

/// A full read that is under way.
#[derive(Clone)]
pub(crate) struct Reading {
    /// Where it stands.
    pub at: UnfinishedRead,
    /// What it has met and did not have to write.
    pub met: Met,
}

/// What a read has brought and not committed.
#[derive(Default)]
struct Unsaved {
    page: SeenPage,
    /// Records since the last commit, those that did not change among them.
    records: usize,
    /// When that was.
    since_ms: i64,
}

/// The commit that is under way, one at a time, so that what is on its way is little and in its order.
#[derive(Default)]
struct Committing(Option<JoinHandle<Result<(), StoreError>>>);

impl Committing {
    async fn begin(
        &mut self,
        commit: impl Future<Output = Result<(), StoreError>> + Send + 'static,
    ) -> Result<(), EngineError> {
        self.wait().await?;
        self.0 = Some(tokio::spawn(commit));
        Ok(())
    }

    async fn wait(&mut self) -> Result<(), EngineError> {
        let Some(commit) = self.0.take() else { return Ok(()) };
        commit.await.map_err(|error| EngineError::config(format!("a commit broke off: {error}")))??;
        Ok(())
    }

    fn is_done(&self) -> bool {
        self.0.as_ref().is_none_or(JoinHandle::is_finished)
    }
}

/// How long an unfinished read can be taken up: what it has seen must still be about as it was.
const TAKEN_UP_WITHIN_MS: i64 = 30 * 60_000;

impl Engine {
    /// Reads every record of a remote type. A read that cannot prove itself complete is an error, and then nothing is
    /// forgotten and nothing is planned. One that an earlier run could not finish is taken up at its last page. Where it then
    /// does not add up, what was wrong may stand in front of that page, and it is read from the start.
    pub(crate) async fn read_all(
        &self,
        remote: &Remote,
        run: &mut Run,
        linked: Linked<'_>,
        cancel: &CancellationToken,
    ) -> Result<(), EngineError> {
        let taken_up = match self.take_up(remote).await? {
            None => None,
            Some(reading) => self.go_on(remote, run, reading, cancel).await?,
        };
        let met = match taken_up {
            Some(met) => met,
            None => self.read_list(remote, run, self.fresh_reading(remote, run), cancel).await?,
        };
        let (path, known) = (remote.path.clone(), met.clone());
        // As a rule a read has met all that is remembered, and then nobody has to ask record by record.
        let all_met = self.store.read(move |r| r.unmet_count(&path, &known)).await? == 0;
        let unmet = (!all_met).then(|| met.clone());
        self.confirm_absences(remote, run, unmet, linked, cancel).await?;
        let path = remote.path.clone();
        self.store
            .write(move |w| {
                if !all_met {
                    w.forget_unmet(&path, &met)?;
                }
                w.drop_met(&path, met.read)?;
                w.end_read(&path)
            })
            .await?;
        Ok(())
    }

    /// Goes on with a read that an earlier run could not finish. `None` where it does not add up: it is forgotten.
    async fn go_on(
        &self,
        remote: &Remote,
        run: &mut Run,
        reading: Reading,
        cancel: &CancellationToken,
    ) -> Result<Option<Met>, EngineError> {
        let (seen, resumed) = (reading.at.seen, run.progress.resumed);
        tracing::info!(path = remote.path, seen, "taking up an unfinished read");
        run.progress.resumed = Some(seen);
        let error = match self.read_list(remote, run, reading, cancel).await {
            Err(EngineError::Remote(error)) if error.kind == ErrorKind::Untrusted => error,
            read => return read.map(Some),
        };
        tracing::info!(path = remote.path, seen, "the read is begun again: {error}");
        let path = remote.path.clone();
        self.store
            .write(move |w| {
                w.drop_met(&path, seen)?;
                w.end_read(&path)
            })
            .await?;
        run.progress.resumed = resumed;
        run.progress.stage_processed = 0;
        Ok(None)
    }

    /// Reads a list from where this reading stands to its end; gives what it has met.
    async fn read_list(
        &self,
        remote: &Remote,
        run: &mut Run,
        reading: Reading,
        cancel: &CancellationToken,
    ) -> Result<Met, EngineError> {
        let search = Search {
            object_type: remote.object_type.name.clone(),
            filter: None,
            attributes: remote.attributes.clone(),
            after: (!reading.at.cursor.is_empty()).then(|| reading.at.cursor.clone()),
        };
        // The next page is fetched while the last ones are committed.
        let (sender, mut pages) =
            tokio::sync::mpsc::channel::<Result<Page, connector::ConnectorError>>(AHEAD);
        let connector = remote.connector.clone();
        let fetching = tokio::spawn(async move {
            let mut stream = connector.search(search);
            while let Some(page) = stream.next().await {
                let last = page.is_err();
                if sender.send(page).await.is_err() || last {
                    return;
                }
            }
        });
        let taken_in = self.take_in(remote, run, reading, &mut pages, cancel).await;
        drop(pages);
        if taken_in.is_err() {
            fetching.abort();
        } else if let Err(error) = fetching.await {
            // A stream that broke off looks like one that has ended.
            return Err(EngineError::config(format!("reading {} broke off: {error}", remote.path)));
        }
        Ok(taken_in?.met)
    }

    fn fresh_reading(&self, remote: &Remote, run: &Run) -> Reading {
        let at = UnfinishedRead {
            path: remote.path.clone(),
            seen: run.seq,
            cursor: String::new(),
            attributes: remote.signature(),
            began_ms: self.now().as_millisecond(),
        };
        Reading { met: Met::nothing(at.seen), at }
    }

    /// Where an earlier run had to stop reading a resource, if this run can go on there.
    async fn take_up(&self, remote: &Remote) -> Result<Option<Reading>, EngineError> {
        let now = self.now().as_millisecond();
        let (path, signature) = (remote.path.clone(), remote.signature());
        let (found, stale) = self
            .store
            .read(move |r| {
                let active: Vec<i64> = r.runs_in(RunState::Active)?.into_iter().map(|run| run.seq).collect();
                let found = r.unfinished_read(&path)?.filter(|found| {
                    found.attributes == signature
                        && (0..TAKEN_UP_WITHIN_MS).contains(&(now - found.began_ms))
                        && !active.contains(&found.seen)
                });
                let taken_up = found.as_ref().map(|found| found.seen);
                let mut stale = r.kept_reads(&path)?;
                stale.retain(|read| Some(*read) != taken_up && !active.contains(read));
                let found =
                    found.map(|at| r.met(&path, at.seen).map(|met| Reading { at, met })).transpose()?;
                Ok((found, stale))
            })
            .await?;
        if !stale.is_empty() {
            let path = remote.path.clone();
            self.store.write(move |w| stale.iter().try_for_each(|read| w.drop_met(&path, *read))).await?;
        }
        Ok(found)
    }

    async fn take_in(
        &self,
        remote: &Remote,
        run: &mut Run,
        mut reading: Reading,
        pages: &mut tokio::sync::mpsc::Receiver<Result<Page, connector::ConnectorError>>,
        cancel: &CancellationToken,
    ) -> Result<Reading, EngineError> {
        let mut waiting: Vec<RemoteObject> = Vec::new();
        let mut unsaved = Unsaved { since_ms: self.now().as_millisecond(), ..Unsaved::default() };
        // What was taken in last is on its way into the repository while more comes.
        let mut committing = Committing::default();
        loop {
            let page = tokio::select! {
                () = cancel.cancelled() => {
                    committing.wait().await?;
                    return Err(EngineError::Canceled);
                }
                page = pages.recv() => page,
            };
            let ended = page.is_none();
            let mut failed = None;
            match page {
                None => {}
                Some(Ok(page)) => {
                    run.progress.repeated += page.repeated;
                    waiting.extend(page.objects);
                    reading.at.cursor = page.next.unwrap_or_default();
                }
                // What came before stays, so that the next run can go on from there.
                Some(Err(error)) => failed = Some(error),
            }
            let last = ended || failed.is_some();
            let idle = pages.is_empty() && committing.is_done();
            if last || waiting.len() >= COMMIT || (idle && waiting.len() >= COMMIT / 4) {
                run.progress.stage_processed += waiting.len() as u64;
                self.meet(remote, &mut reading.met, &mut unsaved, std::mem::take(&mut waiting))?;
                let still = self.now().as_millisecond() - unsaved.since_ms;
                if unsaved.page.rows.len() >= COMMIT
                    || unsaved.records >= MET
                    || (last && unsaved.records > 0)
                    || (idle && unsaved.records > 0 && still >= STILL_MS)
                {
                    let page = std::mem::take(&mut unsaved.page);
                    (unsaved.records, unsaved.since_ms) = (0, self.now().as_millisecond());
                    committing.begin(self.commit_seen(run, &mut reading, page)).await?;
                }
            }
            if let Some(error) = failed {
                committing.wait().await?;
                return Err(error.into());
            }
            if ended {
                committing.wait().await?;
                return Ok(reading);
            }
        }
    }

    /// Compares records with the mirror: one that stands there as it is is only marked as met.
    fn meet(
        &self,
        remote: &Remote,
        met: &mut Met,
        unsaved: &mut Unsaved,
        objects: Vec<RemoteObject>,
    ) -> Result<(), EngineError> {
        unsaved.records += objects.len();
        let page = seen_page(remote, met.read, objects);
        let known = tokio::task::block_in_place(|| self.store.read_blocking(|r| r.mirror_known(&page)))?;
        let SeenPage { path, read, rows, indexed } = page;
        let mut new = std::mem::take(&mut unsaved.page.rows);
        for (row, known) in rows.into_iter().zip(known) {
            match known {
                Some(number) => met.insert(number),
                None => new.push(row),
            }
        }
        unsaved.page = SeenPage { path, read, rows: new, indexed };
        Ok(())
    }

    fn commit_seen(
        &self,
        run: &Run,
        reading: &mut Reading,
        page: SeenPage,
    ) -> impl Future<Output = Result<(), StoreError>> + Send + use<> {
        // After the last page there is nowhere to go on, and nothing to keep for that.
        let kept = (!reading.at.cursor.is_empty()).then(|| (reading.at.clone(), reading.met.take_changed()));
        let (run, at, store) = (run.clone(), self.at(), self.store.clone());
        async move {
            let taken_in = move |w: &Writer<'_>| {
                if !page.rows.is_empty() {
                    w.mirror_page(&page, &at)?;
                }
                if let Some((reading, blocks)) = kept {
                    w.keep_met(&reading.path, reading.seen, &blocks)?;
                    w.put_unfinished_read(&reading)?;
                }
                w.put_run(&run)
            };
            store.write(taken_in).await
        }
    }

    /// Reads the linked records that the list did not show, by id. Those that are there after all count as seen.
    async fn confirm_absences(
        &self,
        remote: &Remote,
        run: &mut Run,
        mut unmet: Option<Met>,
        linked: Linked<'_>,
        cancel: &CancellationToken,
    ) -> Result<(), EngineError> {
        let kind = linked.kind.to_owned();
        for qualifier in self.store.read(move |r| r.link_qualifiers(&kind)).await? {
            let (mut after, mut moved) = (String::new(), Vec::new());
            loop {
                if cancel.is_cancelled() {
                    return Err(EngineError::Canceled);
                }
                let (path, side, from) = (remote.path.clone(), linked.side, after.clone());
                let met = unmet.take();
                let links = LinkSpace {
                    kind: linked.kind.to_owned(),
                    qualifier: qualifier.clone(),
                    orientation: linked.orientation,
                };
                let missing;
                (unmet, missing) = self
                    .store
                    .read(move |r| {
                        let missing =
                            r.linked_but_unseen(&path, met.as_ref(), &links, side, &from, CONFIRM)?;
                        Ok((met, missing))
                    })
                    .await?;
                let Some(last) = missing.last() else { break };
                after = last.clone();
                let found =
                    remote.connector.read(&remote.object_type.name, &missing, &remote.attributes).await?;
                let gone: Vec<String> = missing
                    .into_iter()
                    .filter(|uid| !found.iter().any(|o| remote.id(o.uid.clone()) == *uid))
                    .collect();
                let keys = self.natural_keys(remote, &gone).await?;
                moved.extend(self.moved(remote, &gone, keys).await?);
                if !found.is_empty() {
                    let (page, run, at) = (seen_page(remote, 0, found), run.clone(), self.at());
                    self.store
                        .write(move |w| {
                            w.mirror_fresh(&page, &at)?;
                            w.put_run(&run)
                        })
                        .await?;
                }
            }
            let followed = self.follow(remote, linked.kind, linked.side, moved).await?;
            run.progress.followed += followed.len() as u64;
        }
        Ok(())
    }

    /// The natural keys that these records have in the mirror, where the type has one.
    async fn natural_keys(
        &self,
        remote: &Remote,
        uids: &[String],
    ) -> Result<HashMap<String, String>, EngineError> {
        let Some(key) = remote.object_type.natural_key.clone() else { return Ok(HashMap::new()) };
        let (path, uids) = (remote.path.clone(), uids.to_vec());
        Ok(self
            .store
            .read(move |r| {
                let mut keys = HashMap::new();
                for uid in uids {
                    let known = r.mirrored(&path, &uid)?;
                    let value = known.as_ref().and_then(|row| row.attributes.get(&key)?.as_str());
                    if let Some(value) = value.map(str::to_lowercase) {
                        keys.insert(uid, value);
                    }
                }
                Ok(keys)
            })
            .await?)
    }

    /// Where those of these records went that were merged into others. `keys` are the natural keys that they had.
    async fn moved(
        &self,
        remote: &Remote,
        gone: &[String],
        mut keys: HashMap<String, String>,
    ) -> Result<Vec<Moved>, EngineError> {
        let mut all = Vec::new();
        if !remote.follows {
            return Ok(all);
        }
        for chunk in gone.chunks(CONFIRM) {
            let moved = remote.connector.moved(&remote.object_type.name, chunk).await?;
            all.extend(moved.into_iter().map(|(old, new)| {
                let old = remote.id(old);
                Moved { key: keys.remove(&old), old, new: remote.id(new) }
            }));
        }
        let mut became = remote.became.lock().unwrap_or_else(PoisonError::into_inner);
        became.extend(gone.iter().map(|id| (id.clone(), None)));
        became.extend(all.iter().map(|to| (to.old.clone(), Some(to.new.clone()))));
        drop(became);
        Ok(all)
    }

    /// Asks of the sources that these entries hold for gone, and of which nobody has asked yet, whether they were merged into
    /// others, and says whether any was: of all whose target is to be deleted, and of some of the others, for the reason alone.
    pub(crate) async fn ask_what_became(
        &self,
        prepared: &Prepared,
        entries: &[Entry],
    ) -> Result<bool, EngineError> {
        let End::Remote(remote) = &prepared.source else { return Ok(false) };
        let asked = remote.found_became();
        let lost = |deleted: bool| {
            let of_these = entries.iter().filter(move |entry| {
                entry.situation == Situation::SourceMissing && (entry.action == Action::Delete) == deleted
            });
            of_these.filter_map(|entry| entry.source_id.clone()).filter(|id| !asked.contains_key(id))
        };
        let mut ids: Vec<String> = lost(true).chain(lost(false).take(CONFIRM)).collect();
        ids.sort();
        ids.dedup();
        Ok(!self.moved(remote, &ids, HashMap::new()).await?.is_empty())
    }

    /// Records that were merged into others are the same people under another id: their links follow them, so that nobody is
    /// made a second time. Of several that became one, the one whose natural key this still has comes first: that is who they
    /// are now, and the other links stay as they are. Gives the ids that links lead to now.
    async fn follow(
        &self,
        remote: &Remote,
        kind: &str,
        side: Side,
        mut moved: Vec<Moved>,
    ) -> Result<Vec<String>, EngineError> {
        if moved.is_empty() {
            return Ok(Vec::new());
        }
        tracing::info!(path = remote.path, records = moved.len(), "links follow merged records");
        let mut became: HashMap<&str, usize> = HashMap::new();
        for to in &moved {
            *became.entry(to.new.as_str()).or_default() += 1;
        }
        let shared: Vec<String> =
            became.iter().filter(|(_, olds)| **olds > 1).map(|(new, _)| (*new).to_owned()).collect();
        if !shared.is_empty() {
            self.read_some(remote, &shared).await?;
            let now = self.natural_keys(remote, &shared).await?;
            moved.sort_by_key(|to| to.key.is_none() || now.get(&to.new) != to.key.as_ref());
        }
        let kind = kind.to_owned();
        let led = self.store.write(move |w| {
            let mut led = Vec::new();
            for Moved { old, new, .. } in moved {
                if w.move_link(&kind, side, &old, &new)? > 0 {
                    led.push(new);
                }
            }
            Ok(led)
        });
        Ok(led.await?)
    }

    /// Brings single records up to date as those that they are now: links follow the ones that were merged into others. Gives
    /// how many did.
    pub(crate) async fn read_as_now(
        &self,
        remote: &Remote,
        kind: &str,
        side: Side,
        uids: &[String],
    ) -> Result<u64, EngineError> {
        let keys = self.natural_keys(remote, uids).await?;
        let gone = self.read_some(remote, uids).await?;
        let moved = self.moved(remote, &gone, keys).await?;
        let followed = self.follow(remote, kind, side, moved).await?;
        self.read_some(remote, &followed).await?;
        Ok(followed.len() as u64)
    }

    /// Brings single records of the mirror up to date; those that are gone are forgotten, and given.
    pub(crate) async fn read_some(
        &self,
        remote: &Remote,
        uids: &[String],
    ) -> Result<Vec<String>, EngineError> {
        let mut all_gone = Vec::new();
        for chunk in uids.chunks(CONFIRM) {
            let found = remote.connector.read(&remote.object_type.name, chunk, &remote.attributes).await?;
            let gone: Vec<String> = chunk
                .iter()
                .filter(|uid| !found.iter().any(|o| remote.id(o.uid.clone()) == **uid))
                .cloned()
                .collect();
            all_gone.extend(gone.iter().cloned());
            let (page, at, path) = (seen_page(remote, 0, found), self.at(), remote.path.clone());
            self.store
                .write(move |w| {
                    w.mirror_fresh(&page, &at)?;
                    gone.iter().try_for_each(|uid| w.forget_mirrored(&path, uid))
                })
                .await?;
        }
        Ok(all_gone)
    }

    /// Reads the records with these natural keys into the mirror, so that correlation sees what is there now, and gives their
    /// ids.
    pub(crate) async fn read_by_key(
        &self,
        remote: &Remote,
        keys: &[String],
    ) -> Result<Vec<String>, EngineError> {
        let mut all = Vec::new();
        for chunk in keys.chunks(CONFIRM) {
            let found =
                remote.connector.find_by_key(&remote.object_type.name, chunk, &remote.attributes).await?;
            all.extend(self.take_as_now(remote, found).await?);
        }
        Ok(all)
    }

    /// Takes single records into the mirror as they are now, and gives their ids.
    pub(crate) async fn take_as_now(
        &self,
        remote: &Remote,
        found: Vec<RemoteObject>,
    ) -> Result<Vec<String>, EngineError> {
        let (page, at) = (seen_page(remote, 0, found), self.at());
        let ids = page.rows.iter().map(|(id, ..)| id.clone()).collect();
        if !page.rows.is_empty() {
            self.store.write(move |w| w.mirror_fresh(&page, &at)).await?;
        }
        Ok(ids)
    }
}
