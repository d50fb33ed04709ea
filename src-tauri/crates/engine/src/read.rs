//! Reading: remote pages stream into the mirror; what was linked and did not show up is looked for by id before it counts as
//! gone.

use connector::{Page, RemoteObject, Search};
use futures::StreamExt;
use mapping::canonical;
use store::{Run, SeenPage, Side};
use tokio_util::sync::CancellationToken;

use crate::{Engine, EngineError, ends::Remote};

/// Records per transaction while reading.
const COMMIT: usize = 1000;
/// Pages that may wait for the repository while the next one is fetched.
const AHEAD: usize = 4;
/// Ids per call when absence is confirmed.
const CONFIRM: usize = 100;

pub(crate) fn seen_page(remote: &Remote, read: i64, objects: Vec<RemoteObject>) -> SeenPage {
    SeenPage {
        path: remote.path.clone(),
        read,
        rows: objects.into_iter().map(|o| (o.uid, canonical::hash(&o.attributes), o.attributes)).collect(),
        indexed: remote.indexed.clone(),
    }
}

/// Which links count when a full read looks for what is gone.
pub(crate) struct Linked<'a> {
    pub kind: &'a str,
    pub side: Side,
}

impl Engine {
    /// Reads every record of a remote type. A read that cannot prove itself complete is an error, and then nothing is
    /// forgotten and nothing is planned.
    pub(crate) async fn read_all(
        &self,
        remote: &Remote,
        run: &mut Run,
        linked: Linked<'_>,
        cancel: &CancellationToken,
    ) -> Result<(), EngineError> {
        let search = Search {
            object_type: remote.object_type.name.clone(),
            filter: None,
            attributes: remote.attributes.clone(),
            after: None,
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
        let result = self.take_in(remote, run, &mut pages, cancel).await;
        drop(pages);
        fetching.abort();
        result?;
        self.confirm_absences(remote, run, linked, cancel).await?;
        let (path, read) = (remote.path.clone(), run.seq);
        self.store.write(move |w| w.forget_unseen(&path, read)).await?;
        Ok(())
    }

    async fn take_in(
        &self,
        remote: &Remote,
        run: &mut Run,
        pages: &mut tokio::sync::mpsc::Receiver<Result<Page, connector::ConnectorError>>,
        cancel: &CancellationToken,
    ) -> Result<(), EngineError> {
        let mut waiting: Vec<RemoteObject> = Vec::new();
        loop {
            let page = tokio::select! {
                () = cancel.cancelled() => return Err(EngineError::Canceled),
                page = pages.recv() => page,
            };
            let ended = page.is_none();
            if let Some(page) = page {
                waiting.extend(page?.objects);
            }
            if waiting.len() >= COMMIT
                || (ended && !waiting.is_empty())
                || (pages.is_empty() && waiting.len() >= COMMIT / 4)
            {
                run.progress.stage_processed += waiting.len() as u64;
                self.commit_seen(remote, run, std::mem::take(&mut waiting)).await?;
            }
            if ended {
                return Ok(());
            }
        }
    }

    async fn commit_seen(
        &self,
        remote: &Remote,
        run: &Run,
        objects: Vec<RemoteObject>,
    ) -> Result<(), EngineError> {
        let (page, run, at) = (seen_page(remote, run.seq, objects), run.clone(), self.at());
        self.store
            .write(move |w| {
                w.mirror_page(&page, &at)?;
                w.put_run(&run)
            })
            .await?;
        Ok(())
    }

    /// Reads the linked records that the list did not show, by id. Those that are there after all count as seen.
    async fn confirm_absences(
        &self,
        remote: &Remote,
        run: &mut Run,
        linked: Linked<'_>,
        cancel: &CancellationToken,
    ) -> Result<(), EngineError> {
        let mut after = String::new();
        loop {
            if cancel.is_cancelled() {
                return Err(EngineError::Canceled);
            }
            let (path, read, kind, side, from) =
                (remote.path.clone(), run.seq, linked.kind.to_owned(), linked.side, after.clone());
            let missing = self
                .store
                .read(move |r| r.linked_but_unseen(&path, read, &kind, side, &from, CONFIRM))
                .await?;
            let Some(last) = missing.last() else { return Ok(()) };
            after = last.clone();
            let found = remote.connector.read(&remote.object_type.name, &missing, &remote.attributes).await?;
            if !found.is_empty() {
                self.commit_seen(remote, run, found).await?;
            }
        }
    }

    /// Brings single records of the mirror up to date; those that are gone are forgotten.
    pub(crate) async fn read_some(&self, remote: &Remote, uids: &[String]) -> Result<(), EngineError> {
        for chunk in uids.chunks(CONFIRM) {
            let found = remote.connector.read(&remote.object_type.name, chunk, &remote.attributes).await?;
            let gone: Vec<String> =
                chunk.iter().filter(|uid| !found.iter().any(|o| o.uid == **uid)).cloned().collect();
            let (page, at, path) = (seen_page(remote, 0, found), self.at(), remote.path.clone());
            self.store
                .write(move |w| {
                    w.mirror_fresh(&page, &at)?;
                    gone.iter().try_for_each(|uid| w.forget_mirrored(&path, uid))
                })
                .await?;
        }
        Ok(())
    }

    /// Reads the records with these natural keys into the mirror, so that correlation sees what is there now.
    pub(crate) async fn read_by_key(&self, remote: &Remote, keys: &[String]) -> Result<(), EngineError> {
        for chunk in keys.chunks(CONFIRM) {
            let found =
                remote.connector.find_by_key(&remote.object_type.name, chunk, &remote.attributes).await?;
            let (page, at) = (seen_page(remote, 0, found), self.at());
            self.store.write(move |w| w.mirror_fresh(&page, &at)).await?;
        }
        Ok(())
    }
}
