//! The change feed: what is new, changed or archived since a cursor, at the cost of what changed.
//!
//! HubSpot's search finds what was modified, but its index lags behind the records, so each pass begins some minutes
//! before the end of the last one and reads what it found once more by id. What the index shows in the very version
//! that was told before is not told again. Searches leave archived records out; those are in the recycle bin's list,
//! which can neither be sorted nor filtered by time. A bin of one page is read every time. A larger one is read only
//! when the number of live records does not explain itself, and once a day whatever the number says. A record that was in
//! the bin and is not any more was restored, maybe without a new time of its last change: it is read by its id.

use std::collections::{HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};
use model::Attributes;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::answers::{Record, RecordPage};
use super::list::{IDLE_PAGES, LIST_PAGE, Next, Scope};
use super::read::{Behind, is_id};
use super::{BATCH, Hubspot, ObjectType, pick, properties};
use crate::error::{ConnectorError, ErrorKind};
use crate::http::{Failure, Repeat};
use crate::port::{ChangePage, Changes, Feed, RemoteObject};

/// How far a pass looks back behind the end of the last one. Reports of index lag go up to half a minute.
const OVERLAP: SignedDuration = SignedDuration::from_mins(5);
/// A large recycle bin is read whole at least this often.
const WHOLE_BIN: SignedDuration = SignedDuration::from_hours(24);
/// HubSpot forgets what is in the recycle bin after 90 days; a feed that stood still longer would miss deletions.
const OLDEST: SignedDuration = SignedDuration::from_hours(80 * 24);
/// Most versions that a cursor remembers. What it forgets is told once more, which does no harm.
const REMEMBERED: usize = 2_000;
/// The record ids that were merged into a record.
pub(super) const MERGED_IDS: &str = "hs_merged_object_ids";
const FORMAT: u8 = 1;

/// Where the feed stands. Its JSON text is the cursor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Place {
    format: u8,
    /// Everything that the index showed by then is told. Milliseconds, as all times here.
    at: i64,
    /// The feed's start: it never looks further back.
    start: i64,
    /// What was told of the time that the next pass looks at again: id and the time of its version.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    told: Vec<(u64, i64)>,
    /// Live records at the end of the last pass, where they were counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    live: Option<u64>,
    /// When the recycle bin was last read whole.
    bin_read: i64,
    /// What was in it then, where that was not more than [`REMEMBERED`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    bin: Vec<u64>,
    /// A pass that is under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pass: Option<Pass>,
}

/// The part of a pass that is committed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Pass {
    /// When it began.
    began: i64,
    /// The highest id of the search that is told.
    after: u64,
    /// Records so far that were made since the last pass.
    made: u64,
}

impl Place {
    fn text(&self) -> String {
        // A struct of numbers always has a JSON text.
        serde_json::to_string(self).unwrap_or_default()
    }

    fn parse(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok().filter(|place: &Self| place.format == FORMAT)
    }

    /// From when on changes are looked at.
    fn from(&self) -> i64 {
        self.at.saturating_sub(millis(OVERLAP)).max(self.start)
    }
}

/// A page of the recycle bin, and the time on HubSpot's clock.
struct Bin {
    records: Vec<Record>,
    next: Option<Next>,
    date: Option<Timestamp>,
}

impl Hubspot {
    pub(super) fn feed(&self, feed: Feed) -> Changes<'_> {
        Box::pin(async_stream::try_stream! {
            let object_type = self.records_of(&feed.object_type)?;
            match &feed.since {
                None => yield self.begin(object_type).await?,
                Some(cursor) => {
                    let mut place = self.place(cursor)?;
                    let bin = self.bin(object_type, None).await?;
                    let mut pass = place.pass.clone().unwrap_or(Pass { began: self.earlier_clock(bin.date), after: 0, made: 0 });
                    let mut known: HashMap<u64, i64> = place.told.iter().copied().collect();
                    let mut walk = Behind(pass.after);
                    loop {
                        let step = self.modified_page(object_type, &walk, place.from()).await?;
                        let page = self.told_page(object_type, step.objects, &mut known, &mut pass, place.from(), &feed.attributes).await?;
                        let Some(next) = step.next else {
                            let end = self.end(&feed, &place, pass, page, bin, known).await?;
                            yield end;
                            break;
                        };
                        walk = next;
                        pass.after = walk.0;
                        if !page.objects.is_empty() || !page.deleted.is_empty() {
                            place.told = remembered(&known, place.from());
                            place.pass = Some(pass.clone());
                            yield ChangePage { cursor: place.text(), ..page };
                        }
                    }
                }
            }
        })
    }

    fn place(&self, cursor: &str) -> Result<Place, ConnectorError> {
        let place = Place::parse(cursor).ok_or_else(|| {
            self.error(
                ErrorKind::Configuration,
                "the stored place in the change feed cannot be read; start the feed again and run a full reconciliation",
            )
        })?;
        if self.http.now().as_millisecond().saturating_sub(place.at) > millis(OLDEST) {
            return Err(self.untrusted(
                "the change feed was last read more than 80 days ago and HubSpot forgets deletions after 90; start the feed again and run a full reconciliation",
            ));
        }
        Ok(place)
    }

    /// The earlier of HubSpot's clock and this one, in milliseconds: a pass that begins too early only reads more.
    fn earlier_clock(&self, date: Option<Timestamp>) -> i64 {
        let here = self.http.now();
        date.map_or(here, |there| there.min(here)).as_millisecond()
    }

    /// The start of a feed: nothing is told, and the cursor stands for now.
    async fn begin(&self, object_type: ObjectType) -> Result<ChangePage, ConnectorError> {
        let (live, date) = self.live(object_type).await?;
        let at = self.earlier_clock(date);
        let place = Place {
            format: FORMAT,
            at,
            start: at,
            told: Vec::new(),
            live,
            bin_read: at,
            bin: Vec::new(),
            pass: None,
        };
        Ok(ChangePage { cursor: place.text(), ..ChangePage::default() })
    }

    /// How many live records the search index counts.
    async fn live(
        &self,
        object_type: ObjectType,
    ) -> Result<(Option<u64>, Option<Timestamp>), ConnectorError> {
        let body = json!({"filterGroups": [], "properties": ["hs_object_id"], "limit": 1});
        let mut call = self.post(self.paths.objects(object_type.plural(), "search"), &body, Repeat::Safe);
        call.search = true;
        let read = |a: &crate::http::Answer| Ok((a.json::<RecordPage>()?.total, a.date()));
        Ok(self.http.send(&call, read).await?)
    }

    /// A page of what the index shows as modified since a moment, in the order of ids.
    async fn modified_page(
        &self,
        object_type: ObjectType,
        walk: &Behind,
        from: i64,
    ) -> Result<ModifiedPage, ConnectorError> {
        let modified = object_type.modified();
        let filter = json!({"propertyName": modified, "operator": "GTE", "value": from.to_string()});
        let wanted = [modified.to_owned(), "createdate".to_owned()];
        let step = self.search_page(object_type, walk, &[vec![filter]], &wanted, None).await?;
        Ok(ModifiedPage { objects: step.page.objects, next: step.next })
    }

    /// What of a page of the index is news, read by id: the index may show old values, reads by id do not.
    async fn told_page(
        &self,
        object_type: ObjectType,
        found: Vec<RemoteObject>,
        known: &mut HashMap<u64, i64>,
        pass: &mut Pass,
        from: i64,
        attributes: &[String],
    ) -> Result<ChangePage, ConnectorError> {
        let mut news: Vec<String> = Vec::new();
        for object in found {
            let Ok(id) = object.uid.parse::<u64>() else {
                // Nothing remembers such an id, so it is told once more than needed.
                news.push(object.uid);
                continue;
            };
            let version = time_of(&object.attributes, object_type.modified()).unwrap_or(from);
            if time_of(&object.attributes, "createdate").is_some_and(|at| at >= from)
                && !known.contains_key(&id)
            {
                pass.made += 1;
            }
            if known.insert(id, version) != Some(version) {
                news.push(object.uid);
            }
        }
        let mut page = ChangePage::default();
        let names = with_merged_ids(properties(object_type, attributes));
        for ids in news.chunks(BATCH) {
            let records = self.batch_read(object_type, ids, &names, None).await?;
            let here: HashSet<&str> = records.iter().map(|r| r.id.as_str()).collect();
            // The index still shows what is archived or merged away by now.
            page.deleted.extend(ids.iter().filter(|id| !here.contains(id.as_str())).cloned());
            for mut record in records {
                page.deleted.extend(merged_ids(&record));
                if !attributes.iter().any(|a| a == MERGED_IDS) {
                    record.properties.swap_remove(MERGED_IDS);
                }
                page.objects.push(pick(object_type, record.id, record.properties, attributes));
            }
        }
        Ok(page)
    }

    /// The last page of a pass: what the search gave last, and what went to the recycle bin.
    async fn end(
        &self,
        feed: &Feed,
        place: &Place,
        pass: Pass,
        mut page: ChangePage,
        bin: Bin,
        mut known: HashMap<u64, i64>,
    ) -> Result<ChangePage, ConnectorError> {
        let object_type = self.records_of(&feed.object_type)?;
        let from = place.from();
        let mut binned = bin.records;
        let (mut live, mut bin_read, mut whole) = (None, pass.began, true);
        if let Some(next) = bin.next {
            live = self.live(object_type).await?.0;
            let explained = match (live, place.live) {
                (Some(now), Some(before)) => now == before.saturating_add(pass.made),
                _ => false,
            };
            let due = pass.began.saturating_sub(place.bin_read) >= millis(WHOLE_BIN);
            if explained && !due {
                (bin_read, whole) = (place.bin_read, false);
            } else {
                let mut after = Some(next);
                let mut been = HashSet::new();
                let mut known: HashSet<String> = binned.iter().map(|record| record.id.clone()).collect();
                let mut idle = 0;
                while let Some(at) = after {
                    let more = self.bin(object_type, Some(&at)).await?;
                    let before = known.len();
                    known.extend(more.records.iter().map(|record| record.id.clone()));
                    idle = if known.len() == before { idle + 1 } else { 0 };
                    let stands = match (&more.next, &at) {
                        (Some(Next::Number(next)), Next::Number(at)) => next <= at,
                        (Some(next), at) => next == at || !been.insert(next.text()),
                        (None, _) => false,
                    };
                    if stands || idle > IDLE_PAGES {
                        return Err(self.untrusted(format!(
                            "the list of archived {} does not advance",
                            object_type.plural()
                        )));
                    }
                    binned.extend(more.records);
                    after = more.next;
                }
            }
        }
        let mut kept = place.bin.clone();
        if whole {
            let now: HashSet<u64> = binned.iter().filter_map(|record| record.id.parse().ok()).collect();
            let restored: Vec<String> =
                kept.iter().filter(|id| !now.contains(id)).map(u64::to_string).collect();
            page.objects
                .extend(self.restored(object_type, &restored, &page.objects, &feed.attributes).await?);
            kept = if now.len() > REMEMBERED { Vec::new() } else { now.into_iter().collect() };
            kept.sort_unstable();
        }
        for record in binned {
            let archived = record.archived_at.as_deref().and_then(moment);
            // Without its time nothing tells that a deletion is old, and a deletion may be told twice.
            let at = archived.unwrap_or(from);
            let told =
                record.id.parse::<u64>().is_ok_and(|id| at >= from && known.insert(id, at) == Some(at));
            if at >= from && !told {
                page.deleted.push(record.id);
            }
        }
        // What is there again after all is not gone.
        let here: HashSet<&String> = page.objects.iter().map(|o| &o.uid).collect();
        let mut gone = HashSet::new();
        page.deleted.retain(|id| !here.contains(id) && gone.insert(id.clone()));
        let mut next = Place { at: pass.began, live, bin_read, bin: kept, pass: None, ..place.clone() };
        next.told = remembered(&known, next.from());
        Ok(ChangePage { cursor: next.text(), ..page })
    }

    /// Of the records that left the recycle bin, those that are there again and are not told already.
    async fn restored(
        &self,
        object_type: ObjectType,
        left: &[String],
        told: &[RemoteObject],
        attributes: &[String],
    ) -> Result<Vec<RemoteObject>, ConnectorError> {
        let news: Vec<String> =
            left.iter().filter(|id| !told.iter().any(|object| object.uid == **id)).cloned().collect();
        let names = properties(object_type, attributes);
        let mut objects = Vec::new();
        for ids in news.chunks(BATCH) {
            let records = self.batch_read(object_type, ids, &names, None).await?;
            // One that was merged meanwhile answers under another id, and is told as what changed there.
            let here = records.into_iter().filter(|record| ids.contains(&record.id));
            objects.extend(here.map(|r| pick(object_type, r.id, r.properties, attributes)));
        }
        Ok(objects)
    }

    async fn bin(&self, object_type: ObjectType, after: Option<&Next>) -> Result<Bin, ConnectorError> {
        let scope = Scope { archived: true, ..Scope::of(object_type) };
        let url = self.list_url(&scope, after.map(Next::text).as_deref(), &["hs_object_id"]);
        let read = |a: &crate::http::Answer| Ok((a.json::<RecordPage>()?, a.date()));
        let (page, date) = self.http.send(&self.get(url), read).await?;
        let next = self.next_of(&page)?;
        if page.results.len() > LIST_PAGE {
            return Err(self.untrusted("a page of the recycle bin is longer than asked for"));
        }
        Ok(Bin { records: page.results, next, date })
    }

    /// Where merged records went. A read brings the record that an id leads to now, and `hs_merged_object_ids` tells of
    /// which ids it is. An id that none of them names, and that is not missing either, is asked for alone.
    pub(super) async fn moved_ids(
        &self,
        object_type: ObjectType,
        uids: &[String],
    ) -> Result<Vec<(String, String)>, ConnectorError> {
        let asked: Vec<String> = uids.iter().filter(|u| is_id(u)).cloned().collect();
        let mut moved = Vec::new();
        for ids in asked.chunks(BATCH) {
            let read = self.batch_read_in(Scope::of(object_type), ids, &[MERGED_IDS], None).await?;
            let here: HashSet<&str> = read.records.iter().map(|r| r.id.as_str()).collect();
            let heirs: HashMap<String, &str> = read
                .records
                .iter()
                .flat_map(|r| merged_ids(r).into_iter().map(|former| (former, r.id.as_str())))
                .collect();
            for id in ids.iter().filter(|id| !here.contains(id.as_str())) {
                let now = match heirs.get(id) {
                    Some(heir) => Some((*heir).to_owned()),
                    None if read.missing.contains(id) => None,
                    None => self.id_now(object_type, id).await?,
                };
                moved.extend(now.map(|now| (id.clone(), now)));
            }
        }
        Ok(moved)
    }

    /// The id of the record that a merged id leads to; `None` where there is none.
    async fn id_now(&self, object_type: ObjectType, id: &str) -> Result<Option<String>, ConnectorError> {
        let mut url = self.paths.objects(object_type.plural(), id);
        url.query_pairs_mut().append_pair("properties", "hs_object_id");
        match self.http.send(&self.get(url), |a| a.json::<Record>()).await {
            Ok(record) if record.id == id => Err(self.untrusted(format!(
                "HubSpot left {} {id} out of a batch and brings it alone",
                object_type.name()
            ))),
            Ok(record) => Ok(Some(record.id)),
            Err(Failure::Refused(refusal)) if refusal.status == 404 => Ok(None),
            Err(failure) => Err(failure.into()),
        }
    }
}

struct ModifiedPage {
    objects: Vec<RemoteObject>,
    next: Option<Behind>,
}

fn millis(duration: SignedDuration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

fn moment(text: &str) -> Option<i64> {
    text.parse().ok().or_else(|| text.parse::<Timestamp>().ok().map(Timestamp::as_millisecond))
}

fn time_of(attributes: &Attributes, name: &str) -> Option<i64> {
    moment(attributes.get(name).and_then(Value::as_str)?)
}

/// The versions that the next pass would see again, the latest where there are too many.
fn remembered(known: &HashMap<u64, i64>, from: i64) -> Vec<(u64, i64)> {
    let mut told: Vec<(u64, i64)> =
        known.iter().filter(|(_, at)| **at >= from).map(|(id, at)| (*id, *at)).collect();
    told.sort_unstable_by_key(|(id, at)| (std::cmp::Reverse(*at), *id));
    told.truncate(REMEMBERED);
    told
}

fn with_merged_ids(mut names: Vec<&str>) -> Vec<&str> {
    if !names.contains(&MERGED_IDS) {
        names.push(MERGED_IDS);
    }
    names
}

/// The ids that were merged into a record.
fn merged_ids(record: &Record) -> Vec<String> {
    let text = record.properties.get(MERGED_IDS).and_then(Value::as_str).unwrap_or_default();
    text.split(';').map(str::trim).filter(|id| is_id(id) && *id != record.id).map(str::to_owned).collect()
}
