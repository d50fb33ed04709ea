//! Writing records: one outcome per item, whatever way they take.
//!
//! Up to some thousands of records go in collections of 200, more than that as a bulk job. What Salesforce is
//! known to refuse is not sent. Records that are locked are tried again in smaller and smaller collections.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::time::Duration;

use futures::StreamExt as _;
use model::Attributes;
use reqwest::Method;
use serde_json::{Value, json};

use super::answers::{Problem, SaveResult, problems};
use super::bulk::{Job, row_error};
use super::csv::{NULL, write_line};
use super::describe::{Described, Writing};
use super::objects::{COLLECTION, ID, ObjectType, USERNAME};
use super::read::distinct;
use super::settings::UserDelete;
use super::words::{DEACTIVATION_REFUSED, clean};
use super::{Salesforce, TITLE, ids};
use crate::error::ErrorKind;
use crate::http::{Failure, Repeat, with_jitter};
use crate::outcomes::{DEFAULT_RETRY, Outcomes, Sent, not_done};
use crate::port::{Change, Creation, Outcome, RemoteObject};

/// Collections on their way at the same time. More would meet each other's locks.
const AT_ONCE: usize = 3;
/// How many records share a call, from the first try on. Locks are met again and again by those who write together.
const SIZES: [usize; 4] = [COLLECTION, 50, 20, 10];
const LOCK_PAUSE: Duration = Duration::from_millis(300);
/// How long a record that stays locked waits.
const LOCKED_FOR: Duration = Duration::from_secs(15);
const NO_ID: &str = "Salesforce says that it made the record, but not its id";

#[derive(Debug, Clone, PartialEq, Eq)]
enum Operation {
    Create,
    /// By this external id.
    Upsert(String),
    Update,
    Delete,
}

/// One record of a call.
#[derive(Debug, Clone)]
struct Item {
    /// The record id; empty for a new record.
    uid: String,
    fields: Attributes,
    /// The places in the caller's batch that it answers for.
    slots: Vec<usize>,
}

impl Item {
    fn text(&self, field: &str) -> Option<&str> {
        self.fields.get(field)?.as_str().filter(|t| !t.is_empty())
    }
}

/// What became of one record of a call.
enum Verdict {
    Settled(Outcome),
    /// Nothing was done; another call may get through.
    Locked(Problem),
    /// The user name is taken, here or in another organization.
    UserNameTaken(Problem),
    /// The record or one that it refers to is not there.
    MayBeGone(Problem),
}

impl Sent for Item {
    fn slots(&self) -> &[usize] {
        &self.slots
    }
}

impl Salesforce {
    pub(super) async fn create_batch(&self, kind: &ObjectType, batch: &[Creation]) -> Vec<Outcome> {
        let mut outcomes = Outcomes::new(batch.len());
        let described = match self.described(kind).await {
            Ok(described) => described,
            Err(error) => return vec![not_done(&error); batch.len()],
        };
        let mut items: Vec<Item> = Vec::with_capacity(batch.len());
        for (slot, creation) in batch.iter().enumerate() {
            match described.check(Writing::Create, &kind.written(&creation.attributes)) {
                Ok(fields) => items.push(Item { uid: String::new(), fields, slots: vec![slot] }),
                Err(refused) => outcomes
                    .put(slot, Outcome::Rejected { reason: refused.reason, attribute: refused.attribute }),
            }
        }
        match &kind.external_id {
            Some(field) => {
                let (keyed, others): (Vec<Item>, Vec<Item>) =
                    items.into_iter().partition(|item| item.text(field).is_some());
                self.upsert(kind, &described, field, keyed, &mut outcomes).await;
                self.settle(&Operation::Create, kind, others, &mut outcomes).await;
            }
            None => self.settle(&Operation::Create, kind, items, &mut outcomes).await,
        }
        outcomes.finish(TITLE)
    }

    /// Makes records by their external id. An upsert overwrites whatever has that id, so what is there already is looked up
    /// first, and is for the caller to judge.
    async fn upsert(
        &self,
        kind: &ObjectType,
        described: &Described,
        field: &str,
        items: Vec<Item>,
        outcomes: &mut Outcomes,
    ) {
        let folded = |text: &str| described.folded(field, text);
        let ids = distinct(items.iter().filter_map(|item| Some(item.text(field)?.trim().to_owned())));
        let fields = [ID.to_owned(), field.to_owned()];
        let found = match self.query_values(kind, field, &ids, &fields).await {
            Ok(found) => found,
            Err(error) => {
                items.iter().for_each(|item| outcomes.set(item, &not_done(&error)));
                return;
            }
        };
        let mut holders: HashMap<String, Vec<String>> = HashMap::new();
        for record in &found {
            let text = |field: &str| record.get(field).and_then(Value::as_str);
            if let (Some(external), Some(uid)) = (text(field), text(ID).and_then(ids::long)) {
                holders.entry(folded(external)).or_default().push(uid);
            }
        }
        let mut new = Vec::with_capacity(items.len());
        let mut taken = HashSet::new();
        for item in items {
            let external = item.text(field).unwrap_or_default();
            match holders.get(&folded(external)).map(Vec::as_slice) {
                Some([existing]) => outcomes.set(&item, &there_already(field, external, existing)),
                // Where several have it Salesforce refuses to choose.
                _ if taken.insert(folded(external)) => new.push(item),
                _ => {
                    let reason = format!(
                        "not sent: another new {} has the same {field} ({}), and would be overwritten; external ids are for one record each",
                        kind.name,
                        clean(external)
                    );
                    outcomes.set(&item, &Outcome::Rejected { reason, attribute: Some(field.to_owned()) });
                }
            }
        }
        self.settle(&Operation::Upsert(field.to_owned()), kind, new, outcomes).await;
    }

    pub(super) async fn update_batch(&self, kind: &ObjectType, batch: &[Change]) -> Vec<Outcome> {
        let mut outcomes = Outcomes::new(batch.len());
        let described = match self.described(kind).await {
            Ok(described) => described,
            Err(error) => return vec![not_done(&error); batch.len()],
        };
        let mut items: Vec<Item> = Vec::with_capacity(batch.len());
        let mut places: HashMap<String, usize> = HashMap::new();
        for (slot, change) in batch.iter().enumerate() {
            let Some(uid) = ids::long(&change.uid) else {
                outcomes.put(slot, Outcome::Gone);
                continue;
            };
            let fields = match described.check(Writing::Update, &kind.written(&change.attributes)) {
                Ok(fields) => fields,
                Err(refused) => {
                    let rejected = Outcome::Rejected { reason: refused.reason, attribute: refused.attribute };
                    outcomes.put(slot, rejected);
                    continue;
                }
            };
            // Salesforce refuses a record that is twice in one call, so changes of one record become one, in order.
            match places.entry(uid.clone()) {
                Entry::Occupied(place) => {
                    if let Some(item) = items.get_mut(*place.get()) {
                        item.fields.extend(fields);
                        item.slots.push(slot);
                    }
                }
                Entry::Vacant(free) => {
                    free.insert(items.len());
                    items.push(Item { uid, fields, slots: vec![slot] });
                }
            }
        }
        let (items, empty): (Vec<Item>, Vec<Item>) = items.into_iter().partition(|i| !i.fields.is_empty());
        for item in empty {
            outcomes.set(&item, &done(&item.uid));
        }
        self.settle(&Operation::Update, kind, items, &mut outcomes).await;
        outcomes.finish(TITLE)
    }

    pub(super) async fn delete_batch(&self, kind: &ObjectType, uids: &[String]) -> Vec<Outcome> {
        let mut outcomes = Outcomes::new(uids.len());
        let mut items: Vec<Item> = Vec::with_capacity(uids.len());
        let mut places: HashMap<String, usize> = HashMap::new();
        for (slot, uid) in uids.iter().enumerate() {
            let Some(uid) = ids::long(uid) else {
                outcomes.put(slot, Outcome::Gone);
                continue;
            };
            let place = *places.entry(uid.clone()).or_insert(items.len());
            match items.get_mut(place) {
                Some(item) => item.slots.push(slot),
                None => items.push(Item { uid, fields: Attributes::new(), slots: vec![slot] }),
            }
        }
        if kind.is_user() {
            match self.settings.user_delete {
                UserDelete::Deactivate => self.deactivate(kind, items, &mut outcomes).await,
                UserDelete::Freeze => self.freeze(items, &mut outcomes).await,
            }
            return outcomes.finish(TITLE);
        }
        match self.described(kind).await {
            Ok(described) if described.deletable() => {
                self.settle(&Operation::Delete, kind, items, &mut outcomes).await;
            }
            Ok(_) => {
                let reason = format!(
                    "records of type {} cannot be deleted, at least not by the user that authorized",
                    kind.name
                );
                for item in &items {
                    outcomes.set(item, &Outcome::Rejected { reason: reason.clone(), attribute: None });
                }
            }
            Err(error) => items.iter().for_each(|item| outcomes.set(item, &not_done(&error))),
        }
        outcomes.finish(TITLE)
    }

    /// Salesforce keeps users: the nearest thing to deleting one is to deactivate it.
    async fn deactivate(&self, kind: &ObjectType, mut items: Vec<Item>, outcomes: &mut Outcomes) {
        for item in &mut items {
            item.fields.extend(deactivated());
        }
        let touched: Vec<usize> = items.iter().flat_map(|item| item.slots.clone()).collect();
        self.settle(&Operation::Update, kind, items, outcomes).await;
        for slot in touched {
            if let Some(Some(Outcome::Rejected { reason, .. })) = outcomes.0.get_mut(slot) {
                *reason = format!("{reason}; {DEACTIVATION_REFUSED}");
            }
        }
    }

    /// Keeps users from signing in without freeing their licences.
    async fn freeze(&self, items: Vec<Item>, outcomes: &mut Outcomes) {
        let logins = ObjectType::new("UserLogin", &self.settings);
        let uids: Vec<String> = items.iter().map(|item| item.uid.clone()).collect();
        let fields = [ID.to_owned(), "UserId".to_owned()];
        let found = match self.query_values(&logins, "UserId", &uids, &fields).await {
            Ok(found) => found,
            Err(error) => {
                items.iter().for_each(|item| outcomes.set(item, &not_done(&error)));
                return;
            }
        };
        let id =
            |record: &Attributes, field: &str| record.get(field).and_then(Value::as_str).and_then(ids::long);
        let by_user: HashMap<String, String> =
            found.iter().filter_map(|r| Some((id(r, "UserId")?, id(r, ID)?))).collect();
        let mut frozen = Vec::with_capacity(items.len());
        for item in items {
            match by_user.get(&item.uid) {
                Some(login) => {
                    let fields = Attributes::from_iter([("IsFrozen".to_owned(), json!(true))]);
                    frozen.push(Item { uid: login.clone(), fields, slots: item.slots });
                }
                None => {
                    let reason = "the user has no UserLogin to freeze (guest users have none), or the user that authorized lacks Manage Users".to_owned();
                    outcomes.set(&item, &Outcome::Rejected { reason, attribute: None });
                }
            }
        }
        self.settle(&Operation::Update, &logins, frozen, outcomes).await;
    }

    /// Sends items until each has an outcome.
    async fn settle(
        &self,
        operation: &Operation,
        kind: &ObjectType,
        mut items: Vec<Item>,
        outcomes: &mut Outcomes,
    ) {
        // Records of one parent lock each other out when they travel in different calls.
        items.sort_by(|a, b| a.text("AccountId").cmp(&b.text("AccountId")));
        if kind.bulk && items.len() > self.settings.bulk_write_from {
            items = self.write_in_bulk(operation, kind, items, outcomes).await;
        }
        let (mut taken, mut doubtful) = (Vec::new(), Vec::new());
        let mut last_lock = None;
        for (round, size) in SIZES.into_iter().enumerate() {
            if items.is_empty() {
                break;
            }
            if last_lock.is_some() {
                self.waiter.wait(with_jitter(LOCK_PAUSE * 2u32.pow(round as u32))).await;
            }
            let verdicts = self.send_collections(operation, kind, items, size).await;
            items = Vec::new();
            for (item, verdict) in verdicts {
                match verdict {
                    Verdict::Settled(outcome) => outcomes.set(&item, &outcome),
                    Verdict::Locked(problem) => {
                        last_lock = Some(problem);
                        items.push(item);
                    }
                    Verdict::UserNameTaken(problem) => taken.push((item, problem)),
                    Verdict::MayBeGone(problem) => doubtful.push((item, problem)),
                }
            }
        }
        let reason = last_lock.map(|p| p.words()).unwrap_or_default();
        for item in &items {
            outcomes.set(item, &Outcome::Retry { after: LOCKED_FOR, reason: reason.clone() });
        }
        self.settle_user_names(kind, taken, outcomes).await;
        self.settle_gone(kind, doubtful, outcomes).await;
    }

    /// Sends items in collections of at most this size.
    async fn send_collections(
        &self,
        operation: &Operation,
        kind: &ObjectType,
        items: Vec<Item>,
        size: usize,
    ) -> Vec<(Item, Verdict)> {
        let chunks: Vec<Vec<Item>> = items.chunks(size).map(<[Item]>::to_vec).collect();
        let sent: Vec<Vec<(Item, Verdict)>> = futures::stream::iter(chunks)
            .map(|chunk| self.send_collection(operation, kind, chunk))
            .buffered(AT_ONCE)
            .collect()
            .await;
        sent.into_iter().flatten().collect()
    }

    /// One collection. Where Salesforce refuses the whole call for what one record holds, it is halved.
    async fn send_collection(
        &self,
        operation: &Operation,
        kind: &ObjectType,
        items: Vec<Item>,
    ) -> Vec<(Item, Verdict)> {
        let mut waiting = vec![items];
        let mut verdicts = Vec::new();
        while let Some(mut group) = waiting.pop() {
            match self.call_collection(operation, kind, &group).await {
                Ok(results) => verdicts.extend(group.into_iter().zip(results).map(|(item, result)| {
                    let verdict = judge(operation, &item, result);
                    (item, verdict)
                })),
                Err(Failure::Refused(refusal))
                    if group.len() > 1
                        && refusal.status == 400
                        && refusal.error.kind == ErrorKind::Refused =>
                {
                    let half = group.split_off(group.len() / 2);
                    waiting.extend([half, group]);
                }
                Err(failure) => verdicts.extend(group.into_iter().map(|item| {
                    let outcome = failed(operation, &failure);
                    (item, outcome)
                })),
            }
        }
        verdicts
    }

    /// The results of one call, one for each item, in order.
    async fn call_collection(
        &self,
        operation: &Operation,
        kind: &ObjectType,
        items: &[Item],
    ) -> Result<Vec<SaveResult>, Failure> {
        let record = |item: &Item| {
            let mut record = json!({"attributes": {"type": kind.name}});
            if let Value::Object(map) = &mut record {
                if !item.uid.is_empty() {
                    map.insert("id".to_owned(), json!(item.uid));
                }
                map.extend(item.fields.clone());
            }
            record
        };
        let body = || json!({"allOrNone": false, "records": items.iter().map(record).collect::<Vec<_>>()});
        let url = self.url("composite/sobjects");
        let call = match operation {
            Operation::Create => self.call(Method::POST, url, &body(), Repeat::Never),
            Operation::Update => self.call(Method::PATCH, url, &body(), Repeat::Never),
            Operation::Upsert(field) => {
                let url = self.url(&format!("composite/sobjects/{}/{field}", kind.name));
                self.call(Method::PATCH, url, &body(), Repeat::Never)
            }
            Operation::Delete => {
                let mut url = url;
                let uids: Vec<&str> = items.iter().map(|item| item.uid.as_str()).collect();
                url.query_pairs_mut().append_pair("ids", &uids.join(",")).append_pair("allOrNone", "false");
                let mut call = self.get(url);
                (call.method, call.repeat) = (Method::DELETE, Repeat::Never);
                call
            }
        };
        self.send(&call, |answer| {
            let results = answer.json_quoting(
                |results: &Vec<SaveResult>| results.iter().any(|result| !result.errors.is_empty()),
                |results, quotable| {
                    results
                        .iter_mut()
                        .zip(quotable)
                        .for_each(|(result, quotable)| result.errors = quotable.errors);
                },
            )?;
            if results.len() == items.len() {
                Ok(results)
            } else {
                Err(format!("the answer has {} results for {} records", results.len(), items.len()))
            }
        })
        .await
    }

    /// A user name that is taken in this organization leads to its user; one that is taken elsewhere leads nowhere.
    async fn settle_user_names(
        &self,
        kind: &ObjectType,
        taken: Vec<(Item, Problem)>,
        outcomes: &mut Outcomes,
    ) {
        if taken.is_empty() {
            return;
        }
        let names: Vec<String> =
            taken.iter().filter_map(|(i, _)| i.text(USERNAME).map(str::to_owned)).collect();
        let fields = [ID.to_owned(), USERNAME.to_owned()];
        let found = match self.query_values(kind, USERNAME, &names, &fields).await {
            Ok(found) => found,
            Err(error) => {
                // Who has the name is not known; the refusal stands.
                tracing::debug!(connector = %self.name, "existing user names could not be looked up: {error}");
                Vec::new()
            }
        };
        let owner = |name: &str| {
            found.iter().find_map(|record| {
                let here = record.get(USERNAME)?.as_str()?.eq_ignore_ascii_case(name);
                here.then(|| ids::long(record.get(ID)?.as_str()?)).flatten()
            })
        };
        for (item, problem) in taken {
            let name = item.text(USERNAME).unwrap_or_default();
            let outcome = match owner(name) {
                Some(existing) if item.uid.is_empty() => Outcome::Conflict {
                    existing,
                    reason: format!("Salesforce already has a user with the user name {name}"),
                },
                Some(existing) => Outcome::Rejected {
                    reason: format!(
                        "the user name {name} belongs to another user ({existing}) of this organization"
                    ),
                    attribute: Some(USERNAME.to_owned()),
                },
                None => Outcome::Rejected {
                    reason: format!(
                        "the user name {name} is taken in another Salesforce organization: {}",
                        problem.words()
                    ),
                    attribute: Some(USERNAME.to_owned()),
                },
            };
            outcomes.set(&item, &outcome);
        }
    }

    /// A record that cannot be read is gone; of one that can, something else was refused.
    async fn settle_gone(&self, kind: &ObjectType, doubtful: Vec<(Item, Problem)>, outcomes: &mut Outcomes) {
        if doubtful.is_empty() {
            return;
        }
        let uids: Vec<String> = doubtful.iter().map(|(item, _)| item.uid.clone()).collect();
        let there: Option<HashSet<String>> = match self.read_ids(kind, &uids, &[ID.to_owned()]).await {
            Ok(objects) => Some(objects.into_iter().map(|object| object.uid).collect()),
            Err(error) => {
                // The refusal stands.
                tracing::debug!(connector = %self.name, "refused records could not be looked up: {error}");
                None
            }
        };
        for (item, problem) in doubtful {
            let gone = there.as_ref().is_some_and(|there| !there.contains(&item.uid));
            outcomes.set(&item, &if gone { Outcome::Gone } else { refused(&problem) });
        }
    }

    /// Writes items by a bulk job. Gives those that have to take the other way.
    async fn write_in_bulk(
        &self,
        operation: &Operation,
        kind: &ObjectType,
        items: Vec<Item>,
        outcomes: &mut Outcomes,
    ) -> Vec<Item> {
        // What means "no value" in a job cannot be written by one.
        let (items, mut others): (Vec<Item>, Vec<Item>) =
            items.into_iter().partition(|item| item.fields.values().all(|v| v.as_str() != Some(NULL)));
        let (word, external_id) = match operation {
            Operation::Create => ("insert", None),
            Operation::Upsert(field) => ("upsert", Some(field.as_str())),
            Operation::Update => ("update", None),
            Operation::Delete => ("delete", None),
        };
        let columns = columns(operation, &items);
        let job = match self.ingest(kind, word, external_id, table(&columns, &items)).await {
            Ok(job) => job,
            Err(Failure::Refused(refusal)) if matches!(refusal.status, 400 | 403..=405) => {
                tracing::info!(connector = %self.name, "writing in collections instead of in bulk: {}", refusal.error);
                others.extend(items);
                return others;
            }
            Err(Failure::Lost(error)) => {
                let unknown = Outcome::Unknown { reason: error.message };
                items.iter().for_each(|item| outcomes.set(item, &unknown));
                return others;
            }
            Err(failure) => {
                items.iter().for_each(|item| outcomes.set(item, &not_done(failure.error())));
                return others;
            }
        };
        let all_done = matches!(operation, Operation::Update | Operation::Delete)
            && job.state == "JobComplete"
            && job.number_records_failed == Some(0)
            && job.number_records_processed == Some(items.len() as u64);
        if all_done {
            items.iter().for_each(|item| outcomes.set(item, &done(&item.uid)));
            return others;
        }
        match self.bulk_verdicts(operation, &job, &columns, &items).await {
            Ok(mut verdicts) => {
                for item in &items {
                    match verdicts.get_mut(&cells(&columns, item)).and_then(Vec::pop) {
                        Some(Verdict::Settled(outcome)) => outcomes.set(item, &outcome),
                        Some(_) => others.push(item.clone()),
                        None => {
                            let reason =
                                format!("the results of bulk job {} do not mention this record", job.id);
                            outcomes.set(item, &Outcome::Unknown { reason });
                        }
                    }
                }
            }
            Err(failure) => {
                let reason =
                    format!("the results of bulk job {} could not be read: {}", job.id, failure.error());
                let unknown = Outcome::Unknown { reason };
                items.iter().for_each(|item| outcomes.set(item, &unknown));
            }
        }
        others
    }

    /// What became of the records of a job, by their cells that tell them apart. Its results come in any order, and new
    /// records that are alike in everything may stand for one another.
    async fn bulk_verdicts(
        &self,
        operation: &Operation,
        job: &Job,
        columns: &[&str],
        items: &[Item],
    ) -> Result<HashMap<Vec<String>, Vec<Verdict>>, Failure> {
        let known: HashMap<Vec<String>, &Item> =
            items.iter().map(|item| (cells(columns, item), item)).collect();
        let mut verdicts: HashMap<Vec<String>, Vec<Verdict>> = HashMap::with_capacity(items.len());
        for which in ["successfulResults", "failedResults", "unprocessedrecords"] {
            let mut lines = self.ingest_results(job, which).await?.into_iter();
            let Some(head) = lines.next() else { continue };
            let column = |name: &str| head.iter().position(|h| h.eq_ignore_ascii_case(name));
            let (told, created, error) = (column("sf__Id"), column("sf__Created"), column("sf__Error"));
            let places: Vec<Option<usize>> = columns.iter().map(|name| column(name)).collect();
            for line in lines {
                let cell = |at: Option<usize>| {
                    at.and_then(|at| line.get(at)).map(String::as_str).unwrap_or_default()
                };
                let told = ids::long(cell(told));
                let key: Vec<String> = match columns {
                    [ID] => {
                        let ours = places.first().copied().flatten();
                        ids::long(cell(ours)).or_else(|| told.clone()).into_iter().collect()
                    }
                    _ => places.iter().map(|at| cell(*at).to_owned()).collect(),
                };
                let Some(item) = known.get(&key) else { continue };
                let verdict = match which {
                    "successfulResults" => {
                        match told.as_deref().or(Some(&item.uid)).filter(|uid| !uid.is_empty()) {
                            Some(uid) => Verdict::Settled(written(
                                operation,
                                item,
                                uid,
                                !cell(created).eq_ignore_ascii_case("false"),
                            )),
                            None => Verdict::Settled(Outcome::Unknown { reason: NO_ID.to_owned() }),
                        }
                    }
                    "failedResults" => match row_error(cell(error)) {
                        // A job cannot say that duplicates are meant; a collection can.
                        problem if self.settings.save_duplicates && problem.is(&["DUPLICATES_DETECTED"]) => {
                            Verdict::Locked(problem)
                        }
                        problem => judge_problem(operation, item, problem),
                    },
                    _ => Verdict::Settled(Outcome::Retry {
                        after: DEFAULT_RETRY,
                        reason: format!(
                            "bulk job {} ended before it came to this record ({})",
                            job.id,
                            job.error_message.as_deref().map_or_else(|| job.state.clone(), clean)
                        ),
                    }),
                };
                verdicts.entry(key).or_default().push(verdict);
            }
        }
        Ok(verdicts)
    }
}

/// What deactivates a user.
pub(super) fn deactivated() -> Attributes {
    Attributes::from_iter([("IsActive".to_owned(), json!(false))])
}

fn done(uid: &str) -> Outcome {
    Outcome::Done(RemoteObject { uid: uid.to_owned(), ..RemoteObject::default() })
}

/// What a write that was done means. An upsert that did not create has met a record that came after the look-up: it is not
/// ours to take back.
fn written(operation: &Operation, item: &Item, uid: &str, created: bool) -> Outcome {
    match operation {
        Operation::Upsert(field) if !created => {
            there_already(field, item.text(field).unwrap_or_default(), uid)
        }
        _ => done(uid),
    }
}

fn there_already(field: &str, external: &str, uid: &str) -> Outcome {
    Outcome::Conflict {
        existing: uid.to_owned(),
        reason: format!("Salesforce already has a record whose {field} is {}.", clean(external)),
    }
}

/// The columns that tell the records of a job apart: the id where there is one, all fields of new records.
fn columns<'i>(operation: &'i Operation, items: &'i [Item]) -> Vec<&'i str> {
    match operation {
        Operation::Create => fields(items),
        Operation::Upsert(field) => vec![field],
        Operation::Update | Operation::Delete => vec![ID],
    }
}

fn fields(items: &[Item]) -> Vec<&str> {
    let mut fields: Vec<&str> = Vec::new();
    for field in items.iter().flat_map(|item| item.fields.keys()) {
        if !fields.contains(&field.as_str()) {
            fields.push(field);
        }
    }
    fields
}

/// The records of a job. A field that a record does not change stays empty, which leaves it alone.
fn table(columns: &[&str], items: &[Item]) -> Vec<u8> {
    let mut all = columns.to_vec();
    all.extend(fields(items).into_iter().filter(|field| !columns.contains(field)));
    let mut out = Vec::new();
    write_line(&mut out, all.iter().copied());
    for item in items {
        write_line(&mut out, cells(&all, item).iter().map(String::as_str));
    }
    out
}

/// What stands in these columns for a record.
fn cells(columns: &[&str], item: &Item) -> Vec<String> {
    let cell = |column: &&str| match item.fields.get(*column) {
        _ if *column == ID => item.uid.clone(),
        None => String::new(),
        Some(Value::Null) if item.uid.is_empty() => String::new(),
        Some(Value::Null) => NULL.to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    columns.iter().map(cell).collect()
}

fn judge(operation: &Operation, item: &Item, result: SaveResult) -> Verdict {
    if result.success {
        let uid = result.id.as_deref().and_then(ids::long).unwrap_or_else(|| item.uid.clone());
        if uid.is_empty() {
            return Verdict::Settled(Outcome::Unknown { reason: NO_ID.to_owned() });
        }
        return Verdict::Settled(written(operation, item, &uid, result.created != Some(false)));
    }
    judge_problem(operation, item, result.errors.into_iter().next().unwrap_or_default())
}

fn judge_problem(operation: &Operation, item: &Item, problem: Problem) -> Verdict {
    let creating = matches!(operation, Operation::Create | Operation::Upsert(_));
    if problem.is_locked() {
        return Verdict::Locked(problem);
    }
    if problem.is(&["DUPLICATE_USERNAME"]) && item.text(USERNAME).is_some() {
        return Verdict::UserNameTaken(problem);
    }
    if !creating && problem.may_be_gone() {
        return Verdict::MayBeGone(problem);
    }
    Verdict::Settled(match problem.existing() {
        Some(existing) if creating => Outcome::Conflict { existing, reason: refused_in_words(&problem) },
        _ if !creating && problem.is_gone() => Outcome::Gone,
        _ if problem.passes() => Outcome::Retry { after: DEFAULT_RETRY, reason: problem.words() },
        _ => refused(&problem),
    })
}

fn refused(problem: &Problem) -> Outcome {
    Outcome::Rejected { reason: refused_in_words(problem), attribute: problem.attribute() }
}

fn refused_in_words(problem: &Problem) -> String {
    format!("Salesforce refused: {}", problem.words())
}

/// What a call that failed as a whole means for one of its records.
fn failed(operation: &Operation, failure: &Failure) -> Verdict {
    match failure {
        Failure::Lost(error) => Verdict::Settled(Outcome::Unknown { reason: error.message.clone() }),
        Failure::Refused(refusal) if refusal.error.kind == ErrorKind::Refused => {
            match problems(&refusal.body).into_iter().next() {
                Some(problem) => {
                    let nobody = Item { uid: String::new(), fields: Attributes::new(), slots: Vec::new() };
                    judge_problem(operation, &nobody, problem)
                }
                None => Verdict::Settled(not_done(&refusal.error)),
            }
        }
        other => Verdict::Settled(not_done(other.error())),
    }
}
