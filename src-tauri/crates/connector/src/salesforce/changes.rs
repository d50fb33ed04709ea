//! The change feed: what was touched since a moment, by `SystemModstamp`, and what was deleted.
//!
//! A record can be committed later than another one with a later stamp. So every window reaches back a little behind the
//! end of the one before, and records may come again.

use std::collections::HashSet;

use async_stream::try_stream;
use jiff::{SignedDuration, Timestamp};
use model::Attributes;
use serde::Deserialize;
use serde_json::Value;

use super::Salesforce;
use super::answers::problems;
use super::objects::{ID, ObjectType};
use super::read::{distinct, query};
use super::soql::{time, time_literal};
use crate::error::{ConnectorError, ErrorKind};
use crate::http::Failure;
use crate::port::{ChangePage, Changes, Feed};

const STAMP: &str = "SystemModstamp";
/// How late a record may be committed.
const OVERLAP: SignedDuration = SignedDuration::from_mins(10);
/// Salesforce forgets deletions after 15 days.
const DELETIONS_KEPT: SignedDuration = SignedDuration::from_hours(15 * 24 - 1);
/// How often a window begins anew because its cursor died.
const RESTARTS: u32 = 5;

/// From where changes and deletions are asked for. Its text form is [`ChangePage::cursor`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cursor {
    changed: Timestamp,
    deleted: Timestamp,
}

impl Cursor {
    /// Everything up to this moment has been told.
    fn covering(at: Timestamp) -> Self {
        let from = at.checked_sub(OVERLAP).unwrap_or(at);
        Self { changed: from, deleted: from }
    }

    /// Nothing is told again that was told before `began`.
    fn not_before(self, began: Self) -> Self {
        Self { changed: self.changed.max(began.changed), deleted: self.deleted.max(began.deleted) }
    }

    fn parse(text: &str) -> Option<Self> {
        let (changed, deleted) = text.split_once(';')?;
        Some(Self { changed: changed.parse().ok()?, deleted: deleted.parse().ok()? })
    }

    fn text(self) -> String {
        format!("{};{}", self.changed, self.deleted)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Deleted {
    deleted_records: Vec<DeletedRecord>,
    #[serde(default)]
    latest_date_covered: Option<String>,
}

#[derive(Deserialize)]
struct DeletedRecord {
    id: String,
}

/// What was deleted, and up to when Salesforce has told it by its own clock.
struct Deletions {
    uids: Vec<String>,
    covered: Option<Timestamp>,
}

impl Salesforce {
    pub(super) fn change_pages(&self, feed: Feed) -> Changes<'_> {
        Box::pin(try_stream! {
            let kind = self.object_type(&feed.object_type)?;
            if !kind.has_change_feed() {
                Err(ConnectorError::unsupported(&self.name, format!("change feeds of `{}`", kind.name)))?;
            }
            let now = self.clock.now();
            let Some(since) = &feed.since else {
                let from = now.checked_sub(OVERLAP).unwrap_or(now);
                let covered = match self.deletions(kind, from, now).await?.covered {
                    Some(covered) => covered,
                    None => self.newest(kind).await?.unwrap_or(now),
                };
                yield ChangePage { cursor: Cursor::covering(covered).text(), ..ChangePage::default() };
                return;
            };
            let began = Cursor::parse(since).ok_or_else(|| {
                self.error(ErrorKind::Configuration, "the stored place in the change feed cannot be read; start the feed again and run a full reconciliation")
            })?;
            if now.duration_since(began.deleted) > DELETIONS_KEPT {
                Err(self.error(
                    ErrorKind::Refused,
                    format!("the change feed of {} was last read more than 15 days ago, and Salesforce forgets deletions after that; run a full reconciliation and start the feed again", kind.name),
                ))?;
            }
            // Asked first: what is committed after the moment that this covers belongs to the next window.
            let deletions = self.deletions(kind, began.deleted, now).await?;
            let mut wanted = feed.attributes.clone();
            if !wanted.iter().any(|a| a == STAMP) {
                wanted.push(STAMP.to_owned());
            }
            let fields = kind.fields(&wanted).map_err(|name| self.no_attribute(kind, &name))?;
            let (mut newest, mut restarts) = (began.changed, 0);
            // A window that begins anew goes on where its pages ended.
            let mut read_to = began.changed;
            let (mut next, mut total, mut delivered) = (None::<String>, 0, 0);
            let mut been = HashSet::new();
            loop {
                let page = match next.take() {
                    None => {
                        let conditions = [format!("{STAMP} >= {}", time_literal(read_to))];
                        let soql = query(kind, &fields.join(", "), &conditions, &format!(" ORDER BY {STAMP}, {ID}"));
                        let page = self.query_page(&soql).await?;
                        (total, delivered) = (page.total_size, 0);
                        page
                    }
                    Some(path) => match self.next_page(&path).await {
                        Ok(page) => page,
                        Err(Failure::Refused(refusal))
                            if restarts < RESTARTS
                                && problems(&refusal.body).iter().any(|p| p.is(&["INVALID_QUERY_LOCATOR"])) =>
                        {
                            restarts += 1;
                            continue;
                        }
                        Err(failure) => Err(ConnectorError::from(failure))?,
                    },
                };
                delivered += page.records.len() as u64;
                let mut objects = Vec::with_capacity(page.records.len());
                for record in &page.records {
                    newest = newest.max(stamp(record).unwrap_or(newest));
                    let object = kind.record(record, &wanted).map_err(|e| self.untrusted(e))?;
                    objects.push(object);
                }
                if !feed.attributes.iter().any(|a| a == STAMP) {
                    objects.iter_mut().for_each(|o| { o.attributes.shift_remove(STAMP); });
                }
                if page.done {
                    if delivered != total {
                        Err(self.untrusted(format!("Salesforce counted {total} changed records of type {} and delivered {delivered}", kind.name)))?;
                    }
                    let covered = deletions.covered.unwrap_or(newest);
                    let cursor = Cursor::covering(covered).not_before(began);
                    yield ChangePage { objects, deleted: deletions.uids, cursor: cursor.text() };
                    return;
                }
                // An address that comes twice would never end.
                let stands = page.next_records_url.as_ref().is_none_or(|path| !been.insert(path.clone()));
                if page.records.is_empty() || stands || delivered > total {
                    Err(self.untrusted(format!("the changes of {} break off after {delivered} of {total}", kind.name)))?;
                }
                next = page.next_records_url;
                // Deletions are told at the end, so they are asked for again from where they were.
                read_to = newest;
                let so_far = Cursor { deleted: began.deleted, ..Cursor::covering(newest).not_before(began) };
                yield ChangePage { objects, deleted: Vec::new(), cursor: so_far.text() };
            }
        })
    }

    async fn deletions(
        &self,
        kind: &ObjectType,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Deletions, ConnectorError> {
        // The window is at least a minute, counted in whole ones.
        let from = from.min(to.checked_sub(SignedDuration::from_mins(2)).unwrap_or(from));
        let mut url = self.url(&format!("sobjects/{}/deleted/", kind.name));
        let moment = |at: Timestamp| at.strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string();
        url.query_pairs_mut().append_pair("start", &moment(from)).append_pair("end", &moment(to));
        match self.send(&self.get(url), |a| a.json::<Deleted>()).await {
            Ok(told) => Ok(Deletions {
                uids: distinct(told.deleted_records.iter().filter_map(|r| super::ids::long(&r.id))),
                covered: told.latest_date_covered.as_deref().and_then(time),
            }),
            // Not every type is replicated, not every window is accepted; the recycle bin can be asked as well.
            Err(Failure::Refused(refusal)) if matches!(refusal.status, 400 | 404 | 405) => {
                tracing::debug!(connector = %self.name, "deletions are asked for by query: {}", refusal.error);
                Ok(Deletions { uids: self.deleted_by_query(kind, from).await?, covered: None })
            }
            Err(failure) => Err(failure.into()),
        }
    }

    async fn deleted_by_query(
        &self,
        kind: &ObjectType,
        from: Timestamp,
    ) -> Result<Vec<String>, ConnectorError> {
        if self.described(kind).await?.field("IsDeleted").is_none() {
            return Ok(Vec::new());
        }
        let conditions = ["IsDeleted = true".to_owned(), format!("{STAMP} >= {}", time_literal(from))];
        let soql = query(kind, ID, &conditions, &format!(" ORDER BY {ID}"));
        let page = self.query_at("queryAll", &soql).await?;
        let records = self.all_behind(page).await?;
        Ok(distinct(records.iter().filter_map(|r| super::ids::long(r.get(ID)?.as_str()?))))
    }

    /// The latest stamp of a type: the organization's clock, where nothing else tells it.
    async fn newest(&self, kind: &ObjectType) -> Result<Option<Timestamp>, ConnectorError> {
        let soql = query(kind, STAMP, &[], &format!(" ORDER BY {STAMP} DESC LIMIT 1"));
        Ok(self.query_page(&soql).await?.records.first().and_then(stamp))
    }
}

fn stamp(record: &Attributes) -> Option<Timestamp> {
    record.get(STAMP).and_then(Value::as_str).and_then(time)
}

#[cfg(test)]
mod tests {
    use super::Cursor;

    #[test]
    fn cursors_survive_their_text_form() {
        let cursor = Cursor::covering("2026-01-02T03:04:05Z".parse().unwrap());
        assert_eq!(cursor.text(), "2026-01-02T02:54:05Z;2026-01-02T02:54:05Z");
        assert_eq!(Cursor::parse(&cursor.text()), Some(cursor));
        for wrong in ["", "x", "2026-01-02T03:04:05Z", "a;b"] {
            assert_eq!(Cursor::parse(wrong), None, "{wrong}");
        }
    }
}
