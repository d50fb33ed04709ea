//! Incremental reading: what has changed on either side since the mapping's last run looked. Its cost is by what changed.

use std::collections::BTreeSet;

use futures::StreamExt;
use store::{Feed, Run, RunMode, RunState, Side};
use tokio_util::sync::CancellationToken;

use crate::{
    Engine, EngineError,
    ends::{End, Prepared, Remote},
    read::seen_page,
    run::Read,
};

/// Runs that are looked through for the last one that dealt with everything.
pub(crate) const LOOKED_THROUGH: usize = 20;

/// What one end has to tell.
struct Told {
    /// Records that changed or are gone; `None` when everything has to be read.
    ids: Option<BTreeSet<String>>,
    /// How far that is.
    feed: Option<Feed>,
}

impl Engine {
    /// Brings the mirrors of both ends up to date by their change feeds and says which sources are concerned; no sources
    /// means that everything has to be read. Either way it says how far the feeds are.
    pub(crate) async fn read_changes(
        &self,
        run: &mut Run,
        prepared: &Prepared,
        cancel: &CancellationToken,
    ) -> Result<Read, EngineError> {
        let mut told = Vec::new();
        for (end, side) in [
            (&prepared.source, Side::of_source(prepared.orientation)),
            (&prepared.target, Side::of_target(prepared.orientation)),
        ] {
            told.push(match end {
                End::Managed(config) => self.managed_changes(run, prepared, &config.name).await?,
                End::Remote(remote) => self.remote_changes(run, prepared, remote, side, cancel).await?,
            });
        }
        let feeds = told.iter().filter_map(|t| t.feed.clone()).collect();
        let [Told { ids: Some(sources), .. }, Told { ids: Some(targets), .. }] = told.as_slice() else {
            return Ok(Read { sources: None, feeds });
        };
        if !run.progress.incremental {
            return Ok(Read { sources: None, feeds });
        }
        let mut sources = sources.clone();
        let (kind, targets) = (prepared.link_type().to_owned(), targets.clone());
        let (name, orientation, before) = (prepared.name().to_owned(), prepared.orientation, run.seq);
        let more = self
            .store
            .read(move |r| {
                let mut more = Vec::new();
                for qualifier in r.link_qualifiers(&kind)? {
                    let space = store::LinkSpace { kind: kind.clone(), qualifier, orientation };
                    for target in &targets {
                        more.extend(r.link_of_target(&space, target)?.map(|link| link.source_id));
                    }
                }
                // What the runs since left undone has not changed, and is still to be done; and of two records that are
                // taken for the same, the one that did not change must be seen beside the other.
                for run in r.runs(Some(&name), Some(before), LOOKED_THROUGH)?.rows {
                    if run.mode == RunMode::Preview {
                        continue;
                    }
                    more.extend(r.unfinished_sources(run.seq)?);
                    let p = &run.progress;
                    let complete = run.state == RunState::Success || p.unreported;
                    if complete && p.ids.is_empty() && p.undoes.is_none() {
                        return Ok(Some(more));
                    }
                }
                Ok(None)
            })
            .await?;
        // So many runs have ended early that nobody knows any more what is undone.
        let Some(more) = more else { return Ok(Read { sources: None, feeds }) };
        sources.extend(more);
        let sources: Vec<String> = sources.into_iter().collect();
        self.read_targets(prepared, &sources, crate::targets::Ask { linked: false, matching: false }).await?;
        Ok(Read { sources: Some(sources), feeds })
    }

    async fn managed_changes(&self, run: &Run, prepared: &Prepared, kind: &str) -> Result<Told, EngineError> {
        let (name, path, wanted) = (prepared.name().to_owned(), format!("managed/{kind}"), kind.to_owned());
        let attributes = prepared.version.to_string();
        let at = self.at();
        // A full run looks at everything, whatever has changed.
        let follows = run.progress.incremental;
        let (ids, feed) = self
            .store
            .read(move |r| {
                let newest = r.newest_history()?;
                let known = r.feed(&name, &path)?.filter(|feed| follows && feed.attributes == attributes);
                let ids = match known.and_then(|feed| feed.cursor.parse().ok()) {
                    Some(seq) => Some(r.changed_since(&wanted, seq)?),
                    None => None,
                };
                Ok((ids, Feed { mapping: name, path, cursor: newest.to_string(), attributes, updated: at }))
            })
            .await?;
        Ok(Told { ids: ids.map(|ids| ids.into_iter().collect()), feed: Some(feed) })
    }

    async fn remote_changes(
        &self,
        run: &mut Run,
        prepared: &Prepared,
        remote: &Remote,
        side: Side,
        cancel: &CancellationToken,
    ) -> Result<Told, EngineError> {
        if !remote.object_type.change_feed {
            return Ok(Told { ids: None, feed: None });
        }
        let (name, path) = (prepared.name().to_owned(), remote.path.clone());
        let attributes = format!("{} {}", prepared.version, remote.signature());
        let known = self.store.read(move |r| r.feed(&name, &path)).await?;
        // A full run has no use for a feed that nobody follows.
        if known.is_none() && !run.progress.incremental {
            return Ok(Told { ids: None, feed: None });
        }
        let since = known
            .filter(|feed| run.progress.incremental && feed.attributes == attributes)
            .map(|feed| feed.cursor);
        let follows = since.is_some();
        let mut pages = remote.connector.changes(connector::Feed {
            object_type: remote.object_type.name.clone(),
            attributes: remote.attributes.clone(),
            since,
        });
        let (mut ids, mut cursor, mut deleted) = (BTreeSet::new(), None, BTreeSet::new());
        while let Some(page) = pages.next().await {
            if cancel.is_cancelled() {
                return Err(EngineError::Canceled);
            }
            let page = page?;
            run.progress.stage_processed += page.objects.len() as u64;
            for object in &page.objects {
                let id = remote.id(object.uid.clone());
                deleted.remove(&id);
                ids.insert(id);
            }
            deleted.extend(page.deleted.into_iter().map(|id| remote.id(id)));
            cursor = Some(page.cursor);
            let (seen, at) = (seen_page(remote, 0, page.objects), self.at());
            self.store.write(move |w| w.mirror_fresh(&seen, &at)).await?;
        }
        run.progress.followed += self.confirm_deleted(prepared, remote, side, &deleted).await?;
        ids.extend(deleted);
        let feed = cursor.map(|cursor| Feed {
            mapping: prepared.name().to_owned(),
            path: remote.path.clone(),
            cursor,
            attributes,
            updated: self.at(),
        });
        Ok(Told { ids: follows.then_some(ids), feed })
    }

    /// What a feed says is gone is looked for by its id before it counts as gone. Gives how many links followed records that
    /// were merged into others.
    async fn confirm_deleted(
        &self,
        prepared: &Prepared,
        remote: &Remote,
        side: Side,
        deleted: &BTreeSet<String>,
    ) -> Result<u64, EngineError> {
        let ids: Vec<String> = deleted.iter().cloned().collect();
        self.read_as_now(remote, prepared.link_type(), side, &ids).await
    }
}
