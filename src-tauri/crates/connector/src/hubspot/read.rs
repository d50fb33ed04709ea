//! Reading records: searches that walk along the ids, and reads by id or e-mail that account for every one asked.

use std::collections::HashSet;

use model::{Attributes, Filter};
use serde_json::{Value, json};

use super::answers::{BatchAnswer, Record, RecordPage};
use super::list::{Scope, ascending, number};
use super::search::{LocalCheck, Plan};
use super::{BATCH, Hubspot, ObjectType, pick, properties};
use crate::error::{ConnectorError, ErrorKind};
use crate::http::{Failure, Repeat};
use crate::port::{Page, Pages, RemoteObject, Search};

/// Most records on a search page.
const SEARCH_PAGE: usize = 200;
/// Longest body of a search.
const LONGEST_SEARCH: usize = 3_000;

/// The id that a search goes on behind; zero is the beginning. Its text form is [`Page::next`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Behind(pub u64);

impl Hubspot {
    pub(super) fn pages(&self, object_type: ObjectType, search: Search) -> Pages<'_> {
        Box::pin(async_stream::try_stream! {
            let plan = search.filter.as_ref().map_or(Plan::Everything, |f| Plan::new(object_type, f));
            let (after, wanted) = (search.after.as_deref(), search.attributes.as_slice());
            let scope = Scope::of(object_type);
            let mut fallback = None;
            match &plan {
                Plan::Nothing => yield Page::default(),
                Plan::Everything => {
                    for await page in self.list_pages(scope, after, wanted, None) {
                        yield page?;
                    }
                }
                Plan::Locally(check) => {
                    let scope = Scope { archived: check.archived(), ..scope };
                    for await page in self.list_pages(scope, after, wanted, Some(check)) {
                        yield page?;
                    }
                }
                Plan::ByIds(ids, check) => {
                    let all = wanted_with(wanted, Some(check));
                    let mut objects = self.read_ids(object_type, ids, &all).await?;
                    objects.retain(|object| check.matches(object));
                    for object in &mut objects {
                        keep(&mut object.attributes, wanted);
                    }
                    yield Page { objects, ..Page::default() };
                }
                Plan::Remotely { groups, check } => {
                    let mut behind = match after {
                        None => Behind(0),
                        Some(text) => Behind(text.parse().map_err(|_| self.no_such_place())?),
                    };
                    loop {
                        let step = match self.search_page(object_type, &behind, groups, wanted, check.as_ref()).await {
                            Ok(step) => step,
                            // HubSpot does not offer every operator for every property. Filtering here is always right.
                            Err(Failure::Refused(refusal)) if refusal.status == 400 && behind == Behind(0) => {
                                tracing::info!(connector = %self.name, "the filter is evaluated here: {}", refusal.error);
                                let filter = search.filter.clone().unwrap_or(Filter::Always(true));
                                fallback = Some(LocalCheck::new(object_type, &filter));
                                break;
                            }
                            Err(failure) => Err(ConnectorError::from(failure))?,
                        };
                        let next = step.next;
                        yield Page { next: next.map(|at| at.0.to_string()), ..step.page };
                        match next {
                            Some(next) => behind = next,
                            None => break,
                        }
                    }
                }
            }
            if let Some(check) = &fallback {
                for await page in self.list_pages(scope, None, wanted, Some(check)) {
                    yield page?;
                }
            }
        })
    }

    /// One page of a search, as a walk along the ids: HubSpot ends every search at 10,000 records, but not this one.
    pub(super) async fn search_page(
        &self,
        object_type: ObjectType,
        behind: &Behind,
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
                if behind.0 > 0 {
                    filters.push(json!({"propertyName": "hs_object_id", "operator": "GT", "value": behind.0.to_string()}));
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
        if !narrow {
            self.check_defined(object_type, &page.results, &names).await.map_err(Failure::NotDone)?;
        }
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
        let mut ids = HashSet::with_capacity(records.len());
        if !ascending(&records) && records.iter().all(|r| ids.insert(r.id.as_str())) {
            return Err(untrusted("a search came in another order than asked for".to_owned()));
        }
        // Later records of a page that holds some twice are brought again by the next one.
        let mut floor = behind.0;
        records.retain(|r| {
            let higher = number(r).filter(|id| *id > floor);
            floor = higher.unwrap_or(floor);
            higher.is_some()
        });
        let repeated = delivered - records.len() as u64;
        let more = total > delivered;
        let last = records.iter().filter_map(number).max();
        let next = match last {
            Some(last) if more => Some(Behind(last)),
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
            records.sort_by_key(|r| number(r).unwrap_or(u64::MAX));
        }
        self.read_links(object_type, &wanted, &mut records).await.map_err(Failure::NotDone)?;
        Ok(Step {
            page: Page {
                objects: finish(object_type, records, attributes, &wanted, check),
                next: None,
                repeated,
            },
            next,
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
            let mut records = self.batch_read(object_type, ids, &names, None).await?;
            self.read_links(object_type, attributes, &mut records).await?;
            for record in records {
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
            let mut records = self.batch_read(object_type, values, &names, Some(key)).await?;
            self.read_links(object_type, &wanted, &mut records).await?;
            for record in records {
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
        Ok(self.batch_read_in(Scope::of(object_type), ids, names, id_property).await?.records)
    }

    /// The same for the recycle bin as well.
    pub(super) async fn batch_read_in(
        &self,
        scope: Scope,
        ids: &[String],
        names: &[&str],
        id_property: Option<&str>,
    ) -> Result<BatchRead, ConnectorError> {
        let object_type = scope.object_type;
        let mut url = self.paths.objects(object_type.plural(), "batch/read");
        if scope.archived {
            url.query_pairs_mut().append_pair("archived", "true");
        }
        let mut records = Vec::with_capacity(ids.len());
        let mut all_missing = HashSet::new();
        for ids in ids.chunks(BATCH) {
            let inputs: Vec<Value> = ids.iter().map(|id| json!({"id": id})).collect();
            let mut body = json!({"inputs": inputs, "properties": names});
            if let Some(id_property) = id_property {
                body["idProperty"] = json!(id_property);
            }
            let call = self.post(url.clone(), &body, Repeat::Safe);
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
            all_missing.extend(missing);
        }
        self.check_defined(object_type, &records, names).await?;
        Ok(BatchRead { records, missing: all_missing })
    }

    pub(super) fn untrusted(&self, what: impl std::fmt::Display) -> ConnectorError {
        self.error(ErrorKind::Untrusted, what)
    }
}

/// What a batch read brought.
pub(super) struct BatchRead {
    pub records: Vec<Record>,
    /// What HubSpot says is not there, in lower case.
    pub missing: HashSet<String>,
}

/// A page of a search and where it goes on.
pub(super) struct Step {
    pub page: Page,
    pub next: Option<Behind>,
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
    !text.is_empty() && text.len() <= 64 && text.bytes().all(|b| b.is_ascii_digit())
}

fn distinct(values: impl Iterator<Item = String>) -> Vec<String> {
    let mut seen = HashSet::new();
    values.filter(|v| seen.insert(v.clone())).collect()
}

/// The asked attributes and those that the filter reads.
pub(super) fn wanted_with(attributes: &[String], check: Option<&LocalCheck>) -> Vec<String> {
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

pub(super) fn finish(
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
                keep(&mut object.attributes, attributes);
                object
            })
            .collect(),
    }
}

/// Leaves the attributes that were asked for; without a wish all of them.
fn keep(attributes: &mut Attributes, wanted: &[String]) {
    if !wanted.is_empty() {
        attributes.retain(|name, _| wanted.contains(name));
    }
}
