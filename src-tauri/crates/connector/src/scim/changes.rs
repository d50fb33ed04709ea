//! The change feed: what was modified since a moment, by `meta.lastModified`.
//!
//! SCIM does not tell what was deleted; a full reconciliation finds that. A record can be committed later than another one
//! with a later time, so every window reaches back a little behind the end of the one before, and records may come again.
//! A server whose filters cannot be relied on is read whole, and the descriptor says that it has no feed.

use std::sync::atomic::Ordering;

use async_stream::try_stream;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::names::Path;
use super::read::flattened;
use super::walk::Walk;
use super::{Kind, LAST_MODIFIED, Scim};
use crate::error::{ConnectorError, ErrorKind};
use crate::port::{ChangePage, Changes, Feed, RemoteObject};

/// How late a record may be committed, and how far clocks of one server may differ.
const OVERLAP: SignedDuration = SignedDuration::from_mins(10);

impl Scim {
    pub(super) fn change_pages(&self, feed: Feed) -> Changes<'_> {
        Box::pin(try_stream! {
            let kind = self.kind(&feed.object_type).await?;
            let stamp = kind.path_of(LAST_MODIFIED).map_err(|name| self.no_attribute(&kind, &name))?;
            let Some(since) = &feed.since else {
                yield ChangePage { cursor: self.now_there(&kind).await?.to_string(), ..ChangePage::default() };
                return;
            };
            let since: Timestamp = since.parse().map_err(|_| {
                self.error(ErrorKind::Configuration, "the stored place in the change feed cannot be read; start the feed again and run a full reconciliation")
            })?;
            let wanted = self.wanted(&kind, &feed.attributes)?;
            let mut read = wanted.clone();
            read.push((LAST_MODIFIED.to_owned(), stamp.clone()));
            let narrow = self.narrowed(&feed.attributes, &read);
            let asked = if self.filters_by_time(&kind).await? {
                Some(format!("{LAST_MODIFIED} ge \"{since}\""))
            } else {
                self.without_feed.store(true, Ordering::Relaxed);
                None
            };
            let mut end = None;
            let mut walk = start(self, &kind, narrow, asked)?;
            while let Some(step) = walk.step(self).await? {
                let here = step.date.unwrap_or_else(|| self.http.now());
                // Whatever is committed after the first page belongs to the next window.
                let end = *end.get_or_insert(behind(here).max(since));
                let objects = step
                    .fresh
                    .into_iter()
                    // Without a time a record may have changed.
                    .filter(|(_, resource)| modified(&stamp, resource).is_none_or(|at| at >= since))
                    .map(|(uid, resource)| RemoteObject { uid, attributes: flattened(&wanted, &resource) })
                    .collect();
                let cursor = if step.next.is_none() { end } else { since };
                yield ChangePage { objects, deleted: Vec::new(), cursor: cursor.to_string() };
            }
        })
    }

    /// From when on the next window asks.
    async fn now_there(&self, kind: &Kind) -> Result<Timestamp, ConnectorError> {
        let mut walk = start(self, kind, Some("id".to_owned()), None)?.only(1);
        let date = walk.step(self).await?.and_then(|step| step.date);
        Ok(behind(date.unwrap_or_else(|| self.http.now())))
    }

    /// Whether the server's filter finds records by their time: there are servers that take the filter and find nothing.
    async fn filters_by_time(&self, kind: &Kind) -> Result<bool, ConnectorError> {
        if !self.filters() || self.without_feed.load(Ordering::Relaxed) {
            return Ok(false);
        }
        let id = || Some("id".to_owned());
        let mut every = start(self, kind, id(), None)?.only(1);
        every.step(self).await?;
        let always = format!("{LAST_MODIFIED} ge \"1970-01-01T00:00:00Z\"");
        let mut since_ever = start(self, kind, id(), Some(always))?.only(1);
        since_ever.step(self).await?;
        Ok(since_ever.is_filtered() && since_ever.total() >= every.total() && every.total().is_some())
    }
}

fn start(
    scim: &Scim,
    kind: &Kind,
    narrow: Option<String>,
    asked: Option<String>,
) -> Result<Walk, ConnectorError> {
    let begun = Walk::new(scim, kind, narrow, asked, None).map(Walk::doubting);
    begun
        .ok_or_else(|| scim.error(ErrorKind::Configuration, "the list cannot be begun; start the feed again"))
}

fn behind(at: Timestamp) -> Timestamp {
    at.checked_sub(OVERLAP).unwrap_or(at)
}

fn modified(stamp: &Path, resource: &serde_json::Map<String, Value>) -> Option<Timestamp> {
    stamp.read(resource)?.as_str()?.parse().ok()
}
