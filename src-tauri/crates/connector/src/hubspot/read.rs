//! Reading records: lists that prove themselves complete, and reads by id or e-mail that account for every one asked.

use std::collections::{HashMap, HashSet};

use model::Filter;
use serde_json::{Value, json};
use url::Url;

use super::answers::{BatchAnswer, Record, RecordPage};
use super::search::{LocalCheck, Plan};
use super::{BATCH, Hubspot, ObjectType, pick, properties};
use crate::error::{ConnectorError, ErrorKind};
use crate::http::{Failure, Repeat};
use crate::port::{Page, Pages, RemoteObject, Search};

/// Most records on a list page.
const LIST_PAGE: usize = 100;
/// Most records on a search page.
const SEARCH_PAGE: usize = 200;
/// HubSpot's edge answers 414 with a web page to long addresses, from about 8,000 characters on; peers stay under this.
const LONGEST_URL: usize = 2_000;
/// Longest body of a search.
const LONGEST_SEARCH: usize = 3_000;

/// Where a pass over a list or a search stands. Its text form is [`Page::next`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Cursor {
    /// What HubSpot is asked to go on after; zero is the beginning.
    after: u64,
    /// Records delivered before; unknown when a pass starts in the middle.
    seen: Option<u64>,
    /// The highest id delivered before.
    highest: u64,
}

impl Cursor {
    fn start() -> Self {
        Self { after: 0, seen: Some(0), highest: 0 }
    }

    /// Reads `after.seen.highest`, or a plain id to start behind.
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        let after = parts.next()?.parse().ok()?;
        match (parts.next(), parts.next(), parts.next()) {
            (None, ..) => Some(Self { after, seen: None, highest: 0 }),
            (Some(seen), Some(highest), None) => {
                Some(Self { after, seen: Some(seen.parse().ok()?), highest: highest.parse().ok()? })
            }
            _ => None,
        }
    }

    fn text(&self) -> String {
        match self.seen {
            Some(seen) => format!("{}.{seen}.{}", self.after, self.highest),
            None => self.after.to_string(),
        }
    }
}

/// Sees to it that a pass delivers every id once. Ids ascend on HubSpot, so the highest one is all that has to be
/// remembered; where they turn out not to, all ids of the pass are.
#[derive(Default)]
struct Seen {
    all: Option<HashSet<String>>,
}

impl Seen {
    /// Takes the records that were there before out of the page; gives how many.
    fn drop_repeated(&mut self, records: &mut Vec<Record>, cursor: &Cursor) -> u64 {
        let before = records.len();
        let first_page = cursor.seen == Some(0);
        if self.all.is_none() && first_page && !ascending(records) {
            self.all = Some(HashSet::new());
        }
        match &mut self.all {
            Some(all) => records.retain(|r| all.insert(r.id.clone())),
            None => {
                let mut page = HashSet::with_capacity(records.len());
                records.retain(|r| match r.id.parse::<u64>() {
                    Ok(id) => id > cursor.highest && page.insert(id),
                    Err(_) => true,
                });
            }
        }
        (before - records.len()) as u64
    }
}

fn ascending(records: &[Record]) -> bool {
    let ids: Option<Vec<u64>> = records.iter().map(|r| r.id.parse().ok()).collect();
    ids.is_some_and(|ids| ids.is_sorted_by(|a, b| a < b))
}

impl Hubspot {
    pub(super) fn pages(&self, search: Search) -> Pages<'_> {
        Box::pin(async_stream::try_stream! {
            let object_type = self.object_type(&search.object_type)?;
            let mut cursor = match &search.after {
                None => Cursor::start(),
                Some(text) => Cursor::parse(text).ok_or_else(|| {
                    self.error(ErrorKind::Configuration, format!("`{text}` is no place to go on from; start the read again"))
                })?,
            };
            let mut plan = search.filter.as_ref().map_or(Plan::Everything, |f| Plan::new(object_type, f));
            let mut seen = Seen::default();
            let mut suspicious = false;
            loop {
                let step = match &plan {
                    Plan::Nothing => Step { page: Page::default(), next: None, suspicious: false },
                    Plan::Everything => {
                        self.list_page(object_type, &cursor, &mut seen, suspicious, &search.attributes, None).await?
                    }
                    Plan::Locally(check) => {
                        self.list_page(object_type, &cursor, &mut seen, suspicious, &search.attributes, Some(check)).await?
                    }
                    Plan::Remotely { groups, check } => {
                        match self.search_page(object_type, &cursor, groups, &search.attributes, check.as_ref()).await {
                            Ok(step) => step,
                            // HubSpot does not offer every operator for every property. Filtering here is always right.
                            Err(Failure::Refused(refusal)) if refusal.status == 400 => {
                                tracing::info!(connector = %self.name, "the filter is evaluated here: {}", refusal.error);
                                let filter = search.filter.clone().unwrap_or(Filter::Always(true));
                                plan = Plan::Locally(LocalCheck::new(object_type, &filter));
                                continue;
                            }
                            Err(failure) => Err(ConnectorError::from(failure))?,
                        }
                    }
                };
                suspicious |= step.suspicious;
                let last = step.next.is_none();
                if let Some(next) = step.next {
                    cursor = next;
                }
                yield Page { next: (!last).then(|| cursor.text()), ..step.page };
                if last {
                    break;
                }
            }
        })
    }

    /// One page of the list, checked. `doubtful` is set when an earlier page of the pass was odd.
    async fn list_page(
        &self,
        object_type: ObjectType,
        cursor: &Cursor,
        seen: &mut Seen,
        doubtful: bool,
        attributes: &[String],
        check: Option<&LocalCheck>,
    ) -> Result<Step, ConnectorError> {
        let wanted = wanted_with(attributes, check);
        let names = properties(object_type, &wanted);
        let mut url = self.list_url(object_type, cursor.after, &names);
        let narrow = url.as_str().len() > LONGEST_URL;
        if narrow {
            url = self.list_url(object_type, cursor.after, &["hs_object_id"]);
        }
        let mut listed = self.list(&url).await?;
        let mut repeated = 0;
        let known = |page: &RecordPage| {
            page.results.iter().filter(|r| r.id.parse::<u64>().is_ok_and(|id| id <= cursor.highest)).count()
        };
        let nothing_new = seen.all.is_none()
            && !listed.page.results.is_empty()
            && known(&listed.page) == listed.page.results.len();
        if nothing_new || listed.next.is_some_and(|n| n <= cursor.after) {
            // A page that was delivered twice by mistake is right the second time it is asked for.
            repeated += known(&listed.page) as u64;
            listed = self.list(&url).await?;
        }
        let Listed { page, next } = listed;
        if let Some(next) = next.filter(|n| *n <= cursor.after) {
            return Err(self.untrusted(format!(
                "the list of {} does not advance: after {} HubSpot points to {next}",
                object_type.plural(),
                cursor.after
            )));
        }
        let mut records = page.results;
        let delivered = records.len();
        repeated += seen.drop_repeated(&mut records, cursor);
        let suspicious = repeated > 0 || (delivered == 0 && next.is_some());
        let highest = records.iter().filter_map(|r| r.id.parse().ok()).max().unwrap_or(0).max(cursor.highest);
        let now_seen = cursor.seen.map(|n| n + records.len() as u64);
        if next.is_none() && (delivered == LIST_PAGE || delivered == 0 || suspicious || doubtful) {
            self.confirm_end(object_type, now_seen, highest.max(cursor.after)).await?;
        }
        if narrow {
            let ids: Vec<String> = records.iter().map(|r| r.id.clone()).collect();
            let mut values: HashMap<String, Record> = self
                .batch_read(object_type, &ids, &names, None)
                .await?
                .into_iter()
                .map(|r| (r.id.clone(), r))
                .collect();
            // What was merged or archived since the list was read is left out; a merged record comes later in the list.
            records = ids.iter().filter_map(|id| values.remove(id)).collect();
        }
        Ok(Step {
            page: Page {
                objects: finish(object_type, records, attributes, &wanted, check),
                next: None,
                repeated,
            },
            next: next.map(|after| Cursor { after, seen: now_seen, highest }),
            suspicious,
        })
    }

    fn list_url(&self, object_type: ObjectType, after: u64, names: &[&str]) -> Url {
        let mut url = self.paths.objects(object_type.plural(), "");
        {
            let mut query = url.query_pairs_mut();
            query.append_pair("limit", &LIST_PAGE.to_string());
            if after > 0 {
                query.append_pair("after", &after.to_string());
            }
            if !names.is_empty() {
                query.append_pair("properties", &names.join(","));
            }
        }
        url
    }

    async fn list(&self, url: &Url) -> Result<Listed, ConnectorError> {
        let page: RecordPage = self.http.send(&self.get(url.clone()), |a| a.json()).await?;
        if page.results.len() > LIST_PAGE {
            return Err(self
                .untrusted(format!("{} records came on a page of at most {LIST_PAGE}", page.results.len())));
        }
        let next =
            match page.paging.as_ref().and_then(|p| p.next.as_ref()) {
                None => None,
                Some(next) => {
                    let number = match &next.after {
                        Value::String(text) => text.parse().ok(),
                        other => other.as_u64(),
                    };
                    Some(number.ok_or_else(|| {
                        self.untrusted("the list goes on after something that is not a number")
                    })?)
                }
            };
        Ok(Listed { page, next })
    }

    /// A list that may have been cut off is compared with HubSpot's own count, or, where the pass began in the middle
    /// and nothing can be counted, with what HubSpot has behind the last id.
    async fn confirm_end(
        &self,
        object_type: ObjectType,
        seen: Option<u64>,
        last: u64,
    ) -> Result<(), ConnectorError> {
        let plural = object_type.plural();
        let Some(seen) = seen else {
            let behind = self.list(&self.list_url(object_type, last, &["hs_object_id"])).await?;
            if behind.page.results.iter().any(|r| r.id.parse::<u64>().is_ok_and(|id| id > last)) {
                return Err(self.untrusted(format!(
                    "the list ended early: there are {plural} behind the last one that was delivered"
                )));
            }
            return Ok(());
        };
        let body = json!({"filterGroups": [], "properties": ["hs_object_id"], "limit": 1});
        let mut call = self.post(self.paths.objects(plural, "search"), &body, Repeat::Safe);
        call.search = true;
        let page: RecordPage = self.http.send(&call, |a| a.json()).await.map_err(|failure| {
            let error = failure.error();
            ConnectorError {
                message: format!(
                    "{}; so the end of the list of {plural} could not be confirmed",
                    error.message
                ),
                ..error.clone()
            }
        })?;
        match page.total {
            Some(total) if total <= seen => Ok(()),
            Some(total) => Err(self.untrusted(format!(
                "the list ended early: HubSpot counts {total} {plural} and delivered {seen}; nothing was done with the incomplete list, run again"
            ))),
            None => Err(self.untrusted(format!("HubSpot did not say how many {plural} there are, so the end of the list could not be confirmed"))),
        }
    }

    /// One page of a search, as a walk along the ids: HubSpot ends every search at 10,000 records, but not this one.
    async fn search_page(
        &self,
        object_type: ObjectType,
        cursor: &Cursor,
        groups: &[Vec<Value>],
        attributes: &[String],
        check: Option<&LocalCheck>,
    ) -> Result<Step, Failure> {
        let wanted = wanted_with(attributes, check);
        let names = properties(object_type, &wanted);
        let groups: Vec<Value> = groups
            .iter()
            .map(|filters| {
                let mut filters = filters.clone();
                if cursor.after > 0 {
                    filters.push(json!({"propertyName": "hs_object_id", "operator": "GT", "value": cursor.after.to_string()}));
                }
                json!({"filters": filters})
            })
            .collect();
        let mut body = json!({
            "filterGroups": groups,
            "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
            "properties": names,
            "limit": SEARCH_PAGE,
        });
        let narrow = body.to_string().len() > LONGEST_SEARCH;
        if narrow {
            body["properties"] = json!(["hs_object_id"]);
        }
        let mut call = self.post(self.paths.objects(object_type.plural(), "search"), &body, Repeat::Safe);
        call.search = true;
        let page: RecordPage = self.http.send(&call, |a| a.json()).await?;
        let mut records = page.results;
        let delivered = records.len() as u64;
        let untrusted = |what: String| Failure::NotDone(self.untrusted(what));
        let total = page.total.ok_or_else(|| untrusted("a search came without its total".to_owned()))?;
        if records.len() > SEARCH_PAGE {
            return Err(untrusted(format!(
                "{} records came on a page of at most {SEARCH_PAGE}",
                records.len()
            )));
        }
        if !ascending(&records) && Seen::default().drop_repeated(&mut records, &Cursor::start()) == 0 {
            return Err(untrusted("a search came in another order than asked for".to_owned()));
        }
        let floor = cursor.after.max(cursor.highest);
        records.retain(|r| r.id.parse::<u64>().is_ok_and(|id| id > floor));
        let repeated = delivered - records.len() as u64;
        let more = total > delivered;
        let last = records.iter().filter_map(|r| r.id.parse().ok()).max();
        let next = match last {
            Some(last) if more => Some(Cursor { after: last, seen: None, highest: last }),
            None if more => {
                return Err(untrusted(format!(
                    "the search ended early: {total} records match and none came"
                )));
            }
            _ => None,
        };
        if more && (delivered as usize) < SEARCH_PAGE && repeated == 0 {
            tracing::debug!(connector = %self.name, total, delivered, "a short search page with more to come");
        }
        if narrow {
            let ids: Vec<String> = records.iter().map(|r| r.id.clone()).collect();
            records = self.batch_read(object_type, &ids, &names, None).await.map_err(Failure::NotDone)?;
            records.retain(|r| ids.contains(&r.id));
            records.sort_by_key(|r| r.id.parse::<u64>().unwrap_or(u64::MAX));
        }
        Ok(Step {
            page: Page {
                objects: finish(object_type, records, attributes, &wanted, check),
                next: None,
                repeated,
            },
            next,
            suspicious: false,
        })
    }

    pub(super) async fn read_ids(
        &self,
        object_type: ObjectType,
        uids: &[String],
        attributes: &[String],
    ) -> Result<Vec<RemoteObject>, ConnectorError> {
        // HubSpot's ids are numbers; anything else cannot be there and would spoil the whole batch.
        let ids = distinct(uids.iter().filter(|u| is_id(u)).cloned());
        let names = properties(object_type, attributes);
        let mut found = HashSet::new();
        let mut objects = Vec::with_capacity(ids.len());
        for ids in ids.chunks(BATCH) {
            for record in self.batch_read(object_type, ids, &names, None).await? {
                // Two ids that were merged give the same record.
                if found.insert(record.id.clone()) {
                    objects.push(pick(object_type, record.id, record.properties, attributes));
                }
            }
        }
        Ok(objects)
    }

    /// Records by e-mail, primary or additional. `email` and `hs_additional_emails` always come along, so that the
    /// caller can tell which value led to which record.
    pub(super) async fn read_keys(
        &self,
        object_type: ObjectType,
        values: &[String],
        attributes: &[String],
    ) -> Result<Vec<RemoteObject>, ConnectorError> {
        let Some(key) = object_type.natural_key() else {
            return Err(self.error(
                ErrorKind::Unsupported,
                format!("HubSpot keeps no attribute of a {} unique", object_type.name()),
            ));
        };
        let values = distinct(values.iter().map(|v| v.trim().to_lowercase()).filter(|v| !v.is_empty()));
        let mut wanted = attributes.to_vec();
        for extra in [key, "hs_additional_emails"] {
            if !wanted.iter().any(|w| w == extra) {
                wanted.push(extra.to_owned());
            }
        }
        let names = properties(object_type, &wanted);
        let mut found = HashSet::new();
        let mut objects = Vec::new();
        for values in values.chunks(BATCH) {
            for record in self.batch_read(object_type, values, &names, Some(key)).await? {
                if found.insert(record.id.clone()) {
                    objects.push(pick(object_type, record.id, record.properties, &wanted));
                }
            }
        }
        Ok(objects)
    }

    /// One batch read. Every id that was asked for is either answered or named as missing; a batch that leaves some
    /// out without a word is not trusted, because the engine takes absence as a fact.
    pub(super) async fn batch_read(
        &self,
        object_type: ObjectType,
        ids: &[String],
        names: &[&str],
        id_property: Option<&str>,
    ) -> Result<Vec<Record>, ConnectorError> {
        let mut records = Vec::with_capacity(ids.len());
        for ids in ids.chunks(BATCH) {
            let inputs: Vec<Value> = ids.iter().map(|id| json!({"id": id})).collect();
            let mut body = json!({"inputs": inputs, "properties": names});
            if let Some(id_property) = id_property {
                body["idProperty"] = json!(id_property);
            }
            let call = self.post(self.paths.objects(object_type.plural(), "batch/read"), &body, Repeat::Safe);
            let answer: BatchAnswer = self.http.send(&call, |a| a.json()).await?;
            let mut missing = HashSet::new();
            for problem in &answer.errors {
                let named = problem.context("ids");
                if !problem.is("OBJECT_NOT_FOUND") || named.is_empty() {
                    return Err(self.error(
                        ErrorKind::Refused,
                        format!("HubSpot could not read some {}: {}", object_type.plural(), problem.words()),
                    ));
                }
                missing.extend(named.into_iter().map(str::to_lowercase));
            }
            let mut answered: HashSet<String> = HashSet::new();
            // Records that came under another id: merged since, so each may answer for several of the asked ones.
            let mut moved = 0usize;
            for record in &answer.results {
                let keys = match id_property {
                    None => vec![record.id.clone()],
                    Some(property) => emails(record, property),
                };
                let mut known = false;
                for key in keys {
                    known |= ids.contains(&key);
                    answered.insert(key);
                }
                moved += usize::from(!known);
            }
            let silent = ids
                .iter()
                .filter(|id| !answered.contains(*id) && !missing.contains(&id.to_lowercase()))
                .count();
            if silent > 0 && moved == 0 {
                return Err(self.untrusted(format!(
                    "HubSpot left {silent} of {} {} out of an answer without saying that they are missing",
                    ids.len(),
                    object_type.plural()
                )));
            }
            records.extend(answer.results);
        }
        Ok(records)
    }

    pub(super) fn untrusted(&self, what: impl std::fmt::Display) -> ConnectorError {
        self.error(ErrorKind::Untrusted, what)
    }
}

struct Listed {
    page: RecordPage,
    next: Option<u64>,
}

/// A page and where the pass stands after it.
struct Step {
    page: Page,
    next: Option<Cursor>,
    suspicious: bool,
}

/// All addresses of a record, in lower case.
pub(super) fn emails(record: &Record, property: &str) -> Vec<String> {
    [property, "hs_additional_emails"]
        .iter()
        .filter_map(|name| record.properties.get(*name)?.as_str())
        .flat_map(|text| text.split(';'))
        .map(|mail| mail.trim().to_lowercase())
        .filter(|mail| !mail.is_empty())
        .collect()
}

/// HubSpot's record ids are numbers.
pub(super) fn is_id(text: &str) -> bool {
    !text.is_empty() && text.len() <= 20 && text.bytes().all(|b| b.is_ascii_digit())
}

fn distinct(values: impl Iterator<Item = String>) -> Vec<String> {
    let mut seen = HashSet::new();
    values.filter(|v| seen.insert(v.clone())).collect()
}

/// The asked attributes and those that the filter reads.
fn wanted_with(attributes: &[String], check: Option<&LocalCheck>) -> Vec<String> {
    let mut wanted = attributes.to_vec();
    if let Some(check) = check {
        for attribute in check.attributes() {
            if !wanted.contains(attribute) {
                wanted.push(attribute.clone());
            }
        }
    }
    wanted
}

fn finish(
    object_type: ObjectType,
    records: Vec<Record>,
    attributes: &[String],
    wanted: &[String],
    check: Option<&LocalCheck>,
) -> Vec<RemoteObject> {
    let objects = records.into_iter().map(|r| pick(object_type, r.id, r.properties, wanted));
    match check {
        None => objects.collect(),
        Some(check) => objects
            .filter(|object| check.matches(object))
            .map(|mut object| {
                if !attributes.is_empty() {
                    object.attributes.retain(|name, _| attributes.contains(name));
                }
                object
            })
            .collect(),
    }
}
