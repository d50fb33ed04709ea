//! Reading records: queries that walk along the ids and prove themselves complete, and reads by id or key.
//!
//! Every query is ordered by id. So the last id that was delivered is all that has to be known to go on: when a cursor
//! of Salesforce's dies, repeats itself or ends early, and in another process. There it comes with how many records were
//! delivered up to it, so that whoever goes on can tell whether those were all.

use std::collections::HashSet;

use async_stream::try_stream;
use futures::StreamExt as _;
use model::Attributes;
use reqwest::Method;
use serde_json::{Value, json};
use url::Url;

use super::answers::{QueryPage, problems};
use super::objects::{ID, ObjectType};
use super::soql::{LocalCheck, Names, Plan, text_literal};
use super::{Salesforce, ids};
use crate::error::{ConnectorError, ErrorKind, NO_PLACE};
use crate::http::{Failure, Repeat};
use crate::port::{Page, Pages, RemoteObject, Search};

/// Most ids in one collections retrieve.
const RETRIEVE: usize = 2_000;
/// Address and headers share 16,384 bytes; longer queries go another way.
const LONGEST_URL: usize = 12_000;
/// Records on a page that comes out of a bulk job.
pub(super) const PAGE: usize = 2_000;
/// How often a read starts anew behind its last id without having come further.
const STALLS: u32 = 3;

/// A pass over a query.
struct Pass<'s> {
    kind: &'s ObjectType,
    /// The attributes that a record is to have, and the fields that are asked for.
    wanted: Vec<String>,
    fields: Vec<String>,
    condition: Option<String>,
    /// The last id delivered.
    last: Option<String>,
    /// Where it began.
    start: Option<String>,
    /// Records delivered up to there by whoever read before, where that is known.
    before: Option<u64>,
    /// Records delivered since then.
    delivered: u64,
    /// All ids, where they turn out not to ascend.
    all: Option<HashSet<String>>,
    stalls: u32,
}

impl<'s> Pass<'s> {
    /// Where another process can go on: [`Page::next`].
    fn place(&self) -> Option<String> {
        let last = self.last.as_ref()?;
        Some(match self.before {
            Some(before) => format!("{last}.{}", before + self.delivered),
            None => last.clone(),
        })
    }

    fn soql(&self) -> String {
        query(self.kind, &self.fields.join(", "), &self.conditions(self.last.as_deref()), " ORDER BY Id")
    }

    /// The same records as a number, from where the pass began.
    fn count_soql(&self) -> String {
        query(self.kind, "COUNT()", &self.conditions(self.start.as_deref()), "")
    }

    fn conditions(&self, behind: Option<&str>) -> Vec<String> {
        let behind = behind.map(|id| format!("Id > {}", text_literal(id)));
        self.condition.iter().cloned().chain(behind).collect()
    }

    /// Takes note of records; gives those that were not there before, and how many were.
    fn take(&mut self, records: &[Attributes]) -> Result<(Vec<RemoteObject>, u64), String> {
        let records = records.iter().map(|record| self.kind.record(record, &self.wanted));
        let records = records.collect::<Result<Vec<_>, String>>()?;
        let mut fresh = Vec::with_capacity(records.len());
        let mut repeated = 0;
        let mut highest = self.last.clone();
        // Salesforce's order is that of the texts; should it ever be another one, all ids are remembered.
        if self.all.is_none() && self.delivered == 0 && !records.is_sorted_by(|a, b| a.uid < b.uid) {
            self.all = Some(HashSet::new());
        }
        for record in records {
            let new = match &mut self.all {
                Some(all) => all.insert(record.uid.clone()),
                None => highest.as_ref().is_none_or(|last| record.uid > *last),
            };
            if new {
                highest = Some(record.uid.clone());
                fresh.push(record);
            } else {
                repeated += 1;
            }
        }
        if !fresh.is_empty() {
            self.stalls = 0;
        }
        self.last = highest;
        self.delivered += fresh.len() as u64;
        Ok((fresh, repeated))
    }
}

/// Reads `id.delivered`, or a plain id to start behind.
fn parse_place(text: &str) -> Option<(String, Option<u64>)> {
    let (id, delivered) = match text.split_once('.') {
        Some((id, delivered)) => (id, Some(delivered.parse().ok()?)),
        None => (text, None),
    };
    Some((ids::long(id)?, delivered))
}

pub(super) fn query(kind: &ObjectType, what: &str, conditions: &[String], tail: &str) -> String {
    let conditions =
        if conditions.is_empty() { String::new() } else { format!(" WHERE {}", conditions.join(" AND ")) };
    format!("SELECT {what} FROM {}{conditions}{tail}", kind.name)
}

/// One query of a pass: from its first page to its last.
#[derive(Default)]
struct Leg {
    total: u64,
    seen: u64,
    next: Option<String>,
}

impl Salesforce {
    pub(super) fn pages(&self, search: Search) -> Pages<'_> {
        Box::pin(try_stream! {
            let kind = self.object_type(&search.object_type)?;
            let (start, before) = match &search.after {
                None => (None, Some(0)),
                Some(text) => {
                    let (id, before) =
                        parse_place(text).ok_or_else(|| self.error(ErrorKind::Configuration, NO_PLACE))?;
                    (Some(id), before)
                }
            };
            let (condition, check) = match &search.filter {
                None => (None, None),
                Some(filter) => {
                    let described = self.described(kind).await?;
                    let plan = Plan::new(kind, &described, filter).map_err(|name| self.no_attribute(kind, &name))?;
                    match plan {
                        Plan::Nothing => {
                            yield Page::default();
                            return;
                        }
                        Plan::Ask { condition, check } => (condition, check),
                    }
                }
            };
            let wanted = wanted_with(&search.attributes, check.as_ref());
            let fields = kind.fields(&wanted).map_err(|name| self.no_attribute(kind, &name))?;
            let mut pass = Pass {
                kind,
                wanted,
                fields,
                condition,
                last: start.clone(),
                start,
                before,
                delivered: 0,
                all: None,
                stalls: 0,
            };
            let finish = |objects: Vec<RemoteObject>| checked(objects, &search.attributes, check.as_ref());
            self.confirm_before(&pass).await?;
            let mut leg = Leg::default();
            // Records that a query before counted and did not deliver.
            let mut missing = 0;
            let mut bulk_refused = !kind.bulk;
            loop {
                let page = match leg.next.take() {
                    Some(path) => match self.next_page(&path).await {
                        Ok(page) => page,
                        Err(Failure::Refused(refusal)) if cursor_died(&refusal.body, refusal.status) => {
                            tracing::info!(connector = %self.name, "a cursor has ended; going on behind the last id");
                            self.stalled(&mut pass)?;
                            continue;
                        }
                        Err(failure) => Err(ConnectorError::from(failure))?,
                    },
                    None => {
                        let page = self.query_page(&pass.soql()).await?;
                        if page.total_size < missing {
                            self.confirm_gap(&pass, page.total_size).await?;
                        }
                        leg = Leg { total: page.total_size, ..Leg::default() };
                        if !bulk_refused && page.total_size > self.settings.bulk_read_from && !page.done {
                            match self.start_query(kind, &pass.fields, &pass.soql()).await? {
                                None => bulk_refused = true,
                                Some(job) => {
                                    let mut results = self.results(job);
                                    while let Some(page) = results.next().await {
                                        let (fresh, repeated) = pass.take(&page?).map_err(|e| self.untrusted(e))?;
                                        leg.seen += fresh.len() as u64;
                                        yield Page { objects: finish(fresh), next: pass.place(), repeated };
                                    }
                                    // What the job did not deliver is asked for behind its last id; mostly nothing.
                                    missing = leg.total.saturating_sub(leg.seen);
                                    if missing == 0 {
                                        yield Page::default();
                                        return;
                                    }
                                    bulk_refused = true;
                                    self.stalled(&mut pass)?;
                                    continue;
                                }
                            }
                        }
                        page
                    }
                };
                let (fresh, repeated) = pass.take(&page.records).map_err(|e| self.untrusted(e))?;
                leg.seen += fresh.len() as u64;
                let last = if page.done {
                    missing = leg.total.saturating_sub(leg.seen);
                    missing == 0
                } else {
                    leg.next = page.next_records_url.filter(|_| !fresh.is_empty());
                    false
                };
                // A page that brings nothing new, an end that comes early, a page without its next one: the query
                // starts anew behind the last id.
                if !last && leg.next.is_none() && (fresh.is_empty() || page.done) {
                    self.stalled(&mut pass)?;
                }
                let next = if last { None } else { pass.place() };
                yield Page { objects: finish(fresh), next, repeated };
                if last {
                    return;
                }
            }
        })
    }

    /// Counts a new start that has brought nothing new so far.
    fn stalled(&self, pass: &mut Pass<'_>) -> Result<(), ConnectorError> {
        pass.stalls += 1;
        if pass.stalls > STALLS {
            return Err(self.untrusted(format!(
                "the list of {} does not advance behind {}; nothing was done with the incomplete list, run again",
                pass.kind.name,
                pass.last.as_deref().unwrap_or("its beginning")
            )));
        }
        Ok(())
    }

    /// Records were counted, not delivered, and are not behind the last id: either they were deleted meanwhile, or the
    /// list has a hole.
    async fn confirm_gap(&self, pass: &Pass<'_>, behind: u64) -> Result<(), ConnectorError> {
        let count = self.query_page(&pass.count_soql()).await?.total_size;
        self.no_hole(pass, count, pass.delivered + behind)
    }

    /// A pass that goes on where another one ended asks only for what is behind that place. Whether all that is in front of
    /// it was delivered, a count tells.
    async fn confirm_before(&self, pass: &Pass<'_>) -> Result<(), ConnectorError> {
        let (Some(start), Some(before)) = (&pass.start, pass.before) else { return Ok(()) };
        let up_to = format!("Id <= {}", text_literal(start));
        let conditions: Vec<String> = pass.condition.iter().cloned().chain([up_to]).collect();
        let count = self.query_page(&query(pass.kind, "COUNT()", &conditions, "")).await?.total_size;
        self.no_hole(pass, count, before)
    }

    fn no_hole(&self, pass: &Pass<'_>, count: u64, delivered: u64) -> Result<(), ConnectorError> {
        if count > delivered {
            return Err(self.untrusted(format!(
                "the list of {} has a hole: Salesforce counts {count} and delivered {delivered}; nothing was done with the incomplete list, run again",
                pass.kind.name
            )));
        }
        Ok(())
    }

    /// The first page of a query.
    pub(super) async fn query_page(&self, soql: &str) -> Result<QueryPage, ConnectorError> {
        Ok(self.query_at("query", soql).await?)
    }

    pub(super) async fn query_at(&self, resource: &str, soql: &str) -> Result<QueryPage, Failure> {
        let mut url = self.url(resource);
        url.query_pairs_mut().append_pair("q", soql);
        if url.as_str().len() <= LONGEST_URL {
            return self.send(&self.get(url), |a| a.json()).await;
        }
        // A batch of one carries the address in its body, where it may be as long as it likes.
        let part = url.as_str().split_once("/services/data/").map(|(_, part)| part).unwrap_or_default();
        let body = json!({"batchRequests": [{"method": "GET", "url": part}]});
        let call = self.call(Method::POST, self.url("composite/batch"), &body, Repeat::Safe);
        self.send(&call, |answer| {
            let mut answer: Value = answer.json()?;
            let result = answer.pointer_mut("/results/0").map(Value::take).unwrap_or_default();
            match result.get("statusCode").and_then(Value::as_u64) {
                Some(200) => serde_json::from_value(result.get("result").cloned().unwrap_or_default())
                    .map_err(|e| format!("the answer has an unexpected shape ({e})")),
                _ => {
                    let body = result.get("result").cloned().unwrap_or_default().to_string();
                    let said: Vec<String> = problems(body.as_bytes()).iter().map(|p| p.words()).collect();
                    Err(format!("the query was refused: {}", said.join("; ")))
                }
            }
        })
        .await
    }

    /// The page at a path that an answer named. Only its path counts: an answer never says where the token goes.
    pub(super) async fn next_page(&self, path: &str) -> Result<QueryPage, Failure> {
        let url = Url::parse(path).ok().or_else(|| self.somewhere.join(path).ok());
        let path =
            url.as_ref().map(Url::path).filter(|p| p.starts_with("/services/data/")).ok_or_else(|| {
                Failure::NotDone(
                    self.untrusted("the list goes on at an address that is none of Salesforce's API"),
                )
            })?;
        let mut url = self.somewhere.clone();
        url.set_path(path);
        self.send(&self.get(url), |a| a.json()).await
    }

    /// The records of a page and of those behind it. An address that comes twice would never end, nor would a list that gives
    /// more than it counted.
    pub(super) async fn all_behind(&self, mut page: QueryPage) -> Result<Vec<Attributes>, ConnectorError> {
        let mut records = std::mem::take(&mut page.records);
        let total = page.total_size;
        let mut been = HashSet::new();
        while !page.done {
            let path = page.next_records_url.unwrap_or_default();
            page = self.next_page(&path).await?;
            if !been.insert(path) {
                return Err(self.untrusted("the list leads back to a page that was read; run again"));
            }
            if page.records.is_empty() {
                break;
            }
            records.append(&mut page.records);
            if records.len() as u64 > total {
                return Err(self.untrusted(format!(
                    "Salesforce counted {total} records and goes on after {}; run again",
                    records.len()
                )));
            }
        }
        Ok(records)
    }

    /// Every record of a query that is known to be small.
    async fn query_all(&self, soql: &str) -> Result<Vec<Attributes>, ConnectorError> {
        let page = self.query_page(soql).await?;
        let total = page.total_size;
        let records = self.all_behind(page).await?;
        if records.len() as u64 != total {
            return Err(
                self.untrusted(format!("Salesforce counted {total} records and delivered {}", records.len()))
            );
        }
        Ok(records)
    }

    /// The records with one of these values in a field.
    pub(super) async fn query_values(
        &self,
        kind: &ObjectType,
        field: &str,
        values: &[String],
        fields: &[String],
    ) -> Result<Vec<Attributes>, ConnectorError> {
        let mut records = Vec::new();
        let mut rest = values;
        while !rest.is_empty() {
            let mut end = 0;
            let mut list = String::new();
            // Percent-encoding makes up to three bytes of one.
            while let Some(value) =
                rest.get(end).filter(|v| end == 0 || (list.len() + v.len()) * 3 < LONGEST_URL - 2_000)
            {
                list.push_str(if end > 0 { "," } else { "" });
                list.push_str(&text_literal(value));
                end += 1;
            }
            let soql = query(kind, &fields.join(", "), &[format!("{field} IN ({list})")], "");
            records.append(&mut self.query_all(&soql).await?);
            rest = rest.get(end..).unwrap_or_default();
        }
        Ok(records)
    }

    pub(super) async fn read_ids(
        &self,
        kind: &ObjectType,
        uids: &[String],
        attributes: &[String],
    ) -> Result<Vec<RemoteObject>, ConnectorError> {
        // What is no id cannot be there, and would spoil the whole call.
        let uids = distinct(uids.iter().filter_map(|uid| ids::long(uid)));
        let fields = kind.fields(attributes).map_err(|name| self.no_attribute(kind, &name))?;
        let records = if fields.iter().any(|f| f.contains('.')) {
            self.query_values(kind, ID, &uids, &fields).await?
        } else {
            let mut records = Vec::with_capacity(uids.len());
            for uids in uids.chunks(RETRIEVE) {
                records.append(&mut self.retrieve(kind, uids, &fields).await?);
            }
            records
        };
        let asked: HashSet<&String> = uids.iter().collect();
        let mut found = HashSet::new();
        let mut objects = Vec::with_capacity(records.len());
        for record in &records {
            let object = kind.record(record, attributes).map_err(|e| self.untrusted(e))?;
            if !asked.contains(&object.uid) {
                return Err(
                    self.untrusted(format!("{} {} came without being asked for", kind.name, object.uid))
                );
            }
            if found.insert(object.uid.clone()) {
                objects.push(object);
            }
        }
        Ok(objects)
    }

    /// Records by id; the answer has a place for each, null where there is none.
    async fn retrieve(
        &self,
        kind: &ObjectType,
        uids: &[String],
        fields: &[String],
    ) -> Result<Vec<Attributes>, ConnectorError> {
        let body = json!({"ids": uids, "fields": fields});
        let url = self.url(&format!("composite/sobjects/{}", kind.name));
        let call = self.call(Method::POST, url, &body, Repeat::Safe);
        let found: Vec<Option<Attributes>> = self.send(&call, |a| a.json()).await?;
        if found.len() != uids.len() {
            return Err(self.untrusted(format!(
                "{} records were asked for by id and {} places came",
                uids.len(),
                found.len()
            )));
        }
        Ok(found.into_iter().flatten().collect())
    }

    /// Records by natural key. The key always comes along, so that the caller can tell which value led where.
    pub(super) async fn read_keys(
        &self,
        kind: &ObjectType,
        values: &[String],
        attributes: &[String],
    ) -> Result<Vec<RemoteObject>, ConnectorError> {
        let Some(key) = &kind.key else {
            return Err(self.error(
                ErrorKind::Unsupported,
                format!("nothing keeps records of type {} apart but their ids; name an external id in externalIds", kind.name),
            ));
        };
        let values =
            distinct(values.iter().map(|v| v.trim()).filter(|v| !v.is_empty()).map(|v| kind.outward(key, v)));
        let mut wanted = attributes.to_vec();
        if !wanted.contains(key) {
            wanted.push(key.clone());
        }
        let fields = kind.fields(&wanted).map_err(|name| self.no_attribute(kind, &name))?;
        let records = self.query_values(kind, key, &values, &fields).await?;
        let mut found = HashSet::new();
        let mut objects = Vec::with_capacity(records.len());
        for record in &records {
            let object = kind.record(record, &wanted).map_err(|e| self.untrusted(e))?;
            if found.insert(object.uid.clone()) {
                objects.push(object);
            }
        }
        Ok(objects)
    }

    pub(super) fn no_attribute(&self, kind: &ObjectType, name: &str) -> ConnectorError {
        self.error(
            ErrorKind::Configuration,
            format!(
                "object type {} has no attribute `{name}`; read the schema again and correct the mapping",
                kind.name
            ),
        )
    }
}

/// Whether a refusal means that a query cannot go on from where it was.
fn cursor_died(body: &[u8], status: u16) -> bool {
    status == 404 || problems(body).iter().any(|p| p.is(&["INVALID_QUERY_LOCATOR", "QUERY_TIMEOUT"]))
}

pub(super) fn distinct(values: impl Iterator<Item = String>) -> Vec<String> {
    let mut seen = HashSet::new();
    values.filter(|v| seen.insert(v.clone())).collect()
}

/// The asked attributes and those that the filter reads.
fn wanted_with(attributes: &[String], check: Option<&LocalCheck>) -> Vec<String> {
    let mut wanted = attributes.to_vec();
    for attribute in check.iter().flat_map(|c| c.attributes()) {
        if !wanted.contains(attribute) {
            wanted.push(attribute.clone());
        }
    }
    wanted
}

fn checked(
    objects: Vec<RemoteObject>,
    attributes: &[String],
    check: Option<&LocalCheck>,
) -> Vec<RemoteObject> {
    let Some(check) = check else { return objects };
    objects
        .into_iter()
        .filter(|object| check.matches(object))
        .map(|mut object| {
            if !attributes.is_empty() {
                object.attributes.retain(|name, _| attributes.contains(name));
            }
            object
        })
        .collect()
}
