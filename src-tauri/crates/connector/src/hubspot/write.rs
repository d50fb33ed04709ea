//! Writing records in batches, with one outcome per item.
//!
//! HubSpot may refuse a whole batch for one bad record. Such a batch is taken apart until every good record is
//! written, with as few calls as its error allows: conflicts are looked up together, properties that do not exist
//! settle every record that carries them, named values are tried alone, and only then is the batch halved.
//!
//! `batch/upsert` by e-mail is not used, because there is no place where it is safe:
//!
//! - A create that meets an existing contact has to become a conflict, so that the mapping's correlation and policies
//!   decide about that contact; an upsert would overwrite it unseen.
//! - A create whose answer was lost is no exception. The lost answer may have been the refusal that says whose the address
//!   is, and a contact that is there now may be another app's. Looking by e-mail and comparing tells; an upsert does not
//!   look, and it saves no call: a lookup that finds the contact needs no write after it.
//! - An update of a linked contact goes by record id, because its address may have moved to another contact meanwhile, and
//!   an upsert by address would change that one, or make a second contact of somebody whose address changed.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::Duration;

use jiff::{
    Timestamp,
    civil::{Date, Time},
    tz::Offset,
};
use model::Attributes;
use serde_json::{Value, json};

use super::answers::{BatchAnswer, Problem, Record};
use super::read::{emails, is_id};
use super::read_only;
use super::{BATCH, Hubspot, ObjectType};
use crate::error::{ConnectorError, ErrorKind};
use crate::http::{Failure, Refusal, Repeat};
use crate::outcomes::{DEFAULT_RETRY, Outcomes, Sent};
use crate::port::{Change, Creation, Outcome, RemoteObject};

const LIFECYCLE_STAGE: &str = "lifecyclestage";
/// How long one throttled record of a batch waits.
const RECORD_RETRY: Duration = Duration::from_secs(10);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    Create,
    Update,
    Archive,
}

impl Operation {
    fn path(self) -> &'static str {
        match self {
            Self::Create => "batch/create",
            Self::Update => "batch/update",
            Self::Archive => "batch/archive",
        }
    }
}

/// One input of a batch call.
#[derive(Debug, Clone)]
struct Item {
    /// The write trace of a creation, else the record id.
    key: String,
    properties: Attributes,
    /// The places in the caller's batch that it answers for.
    slots: Vec<usize>,
}

impl Item {
    fn text(&self, property: &str) -> Option<&str> {
        self.properties.get(property)?.as_str().filter(|t| !t.is_empty())
    }

    fn input(&self, operation: Operation) -> Value {
        match operation {
            Operation::Create => json!({"properties": self.properties, "objectWriteTraceId": self.key}),
            Operation::Update => json!({"id": self.key, "properties": self.properties}),
            Operation::Archive => json!({"id": self.key}),
        }
    }
}

impl Sent for Item {
    fn slots(&self) -> &[usize] {
        &self.slots
    }
}

impl Hubspot {
    pub(super) async fn create_batch(&self, object_type: ObjectType, batch: &[Creation]) -> Vec<Outcome> {
        let mut outcomes = Outcomes::new(batch.len());
        let mut items: Vec<Item> = Vec::with_capacity(batch.len());
        let mut traces = HashSet::new();
        let mut twins: HashMap<String, &str> = HashMap::new();
        for (slot, creation) in batch.iter().enumerate() {
            if creation.trace.is_empty() || !traces.insert(creation.trace.as_str()) {
                let reason = format!("write trace `{}` is empty or used twice in the batch", creation.trace);
                outcomes.put(slot, Outcome::Rejected { reason, attribute: None });
                continue;
            }
            let properties = wire(object_type, &creation.attributes, false);
            if let Some(refused) = self.refuse_read_only(object_type, &properties) {
                outcomes.put(slot, refused);
                continue;
            }
            let item = Item { key: creation.trace.clone(), properties, slots: vec![slot] };
            // Two records of one batch with the same address make HubSpot refuse the whole batch.
            let unique = object_type.natural_key().and_then(|key| Some((key, item.text(key)?)));
            if let Some((key, value)) = unique {
                match twins.entry(value.trim().to_lowercase()) {
                    Entry::Vacant(free) => {
                        free.insert(&creation.trace);
                    }
                    Entry::Occupied(twin) => {
                        let reason = format!(
                            "{key} `{value}` is also the {key} of another record in the same batch ({}); HubSpot keeps it unique",
                            twin.get()
                        );
                        outcomes.put(slot, Outcome::Rejected { reason, attribute: Some(key.to_owned()) });
                        continue;
                    }
                }
            }
            items.push(item);
        }
        self.settle(Operation::Create, object_type, items, &mut outcomes).await;
        outcomes.finish("HubSpot")
    }

    pub(super) async fn update_batch(&self, object_type: ObjectType, batch: &[Change]) -> Vec<Outcome> {
        let mut outcomes = Outcomes::new(batch.len());
        let mut items: Vec<Item> = Vec::with_capacity(batch.len());
        let mut places: HashMap<&str, usize> = HashMap::new();
        for (slot, change) in batch.iter().enumerate() {
            if !is_id(&change.uid) {
                outcomes.put(slot, Outcome::Gone);
                continue;
            }
            let properties = wire(object_type, &change.attributes, true);
            // HubSpot refuses a batch with the same record twice, so changes of one record become one, in their order.
            match places.get(change.uid.as_str()).and_then(|place| items.get_mut(*place)) {
                Some(item) => {
                    item.properties.extend(properties);
                    item.slots.push(slot);
                }
                None => {
                    places.insert(&change.uid, items.len());
                    items.push(Item { key: change.uid.clone(), properties, slots: vec![slot] });
                }
            }
        }
        let (items, empty): (Vec<Item>, Vec<Item>) =
            items.into_iter().partition(|item| !item.properties.is_empty());
        for item in empty {
            let object = RemoteObject { uid: item.key.clone(), ..RemoteObject::default() };
            outcomes.set(&item, &Outcome::Done(object));
        }
        let writable = self.writable(object_type, items.clone(), &mut outcomes);
        self.settle(Operation::Update, object_type, writable, &mut outcomes).await;
        self.move_stages_back(object_type, &items, &mut outcomes).await;
        for item in &items {
            let mut refused = self.read_only.all_of(object_type, &item.properties);
            let (object, reason) = match (found(&outcomes, item), refused.first()) {
                (Some(Outcome::Done(object)), Some(first)) => (object.clone(), read_only::reason(first)),
                (Some(Outcome::Partly { object, refused: stage, reason }), _) => {
                    let both = (object.as_ref().clone(), reason.clone());
                    refused.splice(..0, stage.iter().cloned());
                    both
                }
                _ => continue,
            };
            outcomes.set(item, &written_without(item, object, refused, reason));
        }
        outcomes.finish("HubSpot")
    }

    pub(super) async fn archive_batch(&self, object_type: ObjectType, uids: &[String]) -> Vec<Outcome> {
        let mut outcomes = Outcomes::new(uids.len());
        let mut items: Vec<Item> = Vec::with_capacity(uids.len());
        for (slot, uid) in uids.iter().enumerate() {
            if !is_id(uid) {
                outcomes.put(slot, Outcome::Gone);
            } else if let Some(item) = items.iter_mut().find(|item| item.key == *uid) {
                item.slots.push(slot);
            } else {
                items.push(Item { key: uid.clone(), properties: Attributes::new(), slots: vec![slot] });
            }
        }
        self.settle(Operation::Archive, object_type, items, &mut outcomes).await;
        outcomes.finish("HubSpot")
    }

    fn refuse_read_only(&self, object_type: ObjectType, properties: &Attributes) -> Option<Outcome> {
        let property = self.read_only.first_of(object_type, properties)?;
        let reason = read_only::reason(property);
        Some(Outcome::Rejected { reason, attribute: Some(property.to_owned()) })
    }

    /// Items without what can only be read. Those of which nothing is left are refused.
    fn writable(&self, object_type: ObjectType, items: Vec<Item>, outcomes: &mut Outcomes) -> Vec<Item> {
        items
            .into_iter()
            .filter_map(|mut item| {
                let Some(refused) = self.refuse_read_only(object_type, &item.properties) else {
                    return Some(item);
                };
                self.read_only.take_out(object_type, &mut item.properties);
                if item.properties.is_empty() {
                    outcomes.set(&item, &refused);
                }
                (!item.properties.is_empty()).then_some(item)
            })
            .collect()
    }

    /// Sends items until each has an outcome.
    async fn settle(
        &self,
        operation: Operation,
        object_type: ObjectType,
        items: Vec<Item>,
        outcomes: &mut Outcomes,
    ) {
        let mut waiting: Vec<Vec<Item>> = items.chunks(BATCH).map(<[Item]>::to_vec).collect();
        waiting.reverse();
        while let Some(group) = waiting.pop() {
            if group.is_empty() {
                continue;
            }
            let inputs: Vec<Value> = group.iter().map(|item| item.input(operation)).collect();
            let url = self.paths.objects(object_type.plural(), operation.path());
            let call = self.post(url, &json!({"inputs": inputs}), Repeat::Never);
            let sent = self
                .http
                .send(&call, |answer| match (operation, answer.body.is_empty()) {
                    (Operation::Archive, true) => Ok(None),
                    _ => BatchAnswer::read(answer).map(Some),
                })
                .await;
            match sent {
                Ok(None) => {
                    for item in &group {
                        let object = RemoteObject { uid: item.key.clone(), ..RemoteObject::default() };
                        outcomes.set(item, &Outcome::Done(object));
                    }
                }
                Ok(Some(answer)) => {
                    answer.errors.iter().for_each(|p| self.read_only.refused(object_type, p));
                    assign(operation, object_type, &group, answer, outcomes);
                    if operation == Operation::Update {
                        let refused = |item: &Item| {
                            let attribute = match found(outcomes, item) {
                                Some(Outcome::Rejected { attribute, .. }) => attribute.as_deref(),
                                _ => None,
                            };
                            let known = self.read_only.first_of(object_type, &item.properties);
                            attribute.is_some() && known.is_some()
                        };
                        let again = group.into_iter().filter(refused).collect();
                        waiting.push(self.writable(object_type, again, outcomes));
                    }
                }
                Err(Failure::Refused(refusal))
                    if operation == Operation::Update
                        && self.names_read_only(object_type, &refusal, &group) =>
                {
                    waiting.push(self.writable(object_type, group, outcomes));
                }
                Err(Failure::Refused(refusal)) if group.len() > 1 && may_be_one_item(&refusal) => {
                    let parts = self.take_apart(operation, object_type, group, &refusal, outcomes).await;
                    waiting.extend(parts.into_iter().rev());
                }
                Err(failure) => {
                    for item in &group {
                        outcomes.set(item, &failed(operation, &failure));
                    }
                }
            }
        }
    }

    /// Whether a batch was refused because it holds what can only be read.
    fn names_read_only(&self, object_type: ObjectType, refusal: &Refusal, group: &[Item]) -> bool {
        let problem = Problem::parse(&refusal.body);
        self.read_only.refused(object_type, &problem);
        problem.value_problems().iter().filter(|p| p.code == "READ_ONLY_VALUE").any(|p| {
            let named = p.property.as_deref();
            named.is_some_and(|name| group.iter().any(|item| item.properties.contains_key(name)))
        })
    }

    /// Parts of a batch that was refused as a whole. What the refusal settles at once is settled here; every part is
    /// smaller than the batch.
    async fn take_apart(
        &self,
        operation: Operation,
        object_type: ObjectType,
        group: Vec<Item>,
        refusal: &Refusal,
        outcomes: &mut Outcomes,
    ) -> Vec<Vec<Item>> {
        let problem = Problem::parse(&refusal.body);
        self.read_only.refused(object_type, &problem);
        let len = group.len();
        let mut rest = group;
        if let (409, Operation::Create, Some(key)) = (refusal.status, operation, object_type.natural_key()) {
            rest = self.settle_conflicts(object_type, key, rest, &problem, outcomes).await;
            if rest.len() < len {
                return if rest.is_empty() { Vec::new() } else { vec![rest] };
            }
        }
        let problems = problem.value_problems();
        for wrong in
            problems.iter().filter(|p| matches!(p.code.as_str(), "PROPERTY_DOESNT_EXIST" | "READ_ONLY_VALUE"))
        {
            let Some(property) = wrong.property.as_deref() else { continue };
            let (hit, others): (Vec<Item>, Vec<Item>) =
                rest.into_iter().partition(|item| item.properties.contains_key(property));
            for item in &hit {
                let reason = format!("HubSpot refused: {}", wrong.message);
                outcomes.set(item, &Outcome::Rejected { reason, attribute: Some(property.to_owned()) });
            }
            rest = others;
        }
        if rest.len() < len {
            return if rest.is_empty() { Vec::new() } else { vec![rest] };
        }
        // What follows a bracket lists what would have been allowed.
        let named = |item: &Item| {
            problems.iter().any(|p| {
                let words = p.message.split('[').next().unwrap_or_default();
                let value = p.property.as_deref().and_then(|property| item.text(property));
                value.is_some_and(|value| words.contains(value))
            })
        };
        let (suspects, others): (Vec<Item>, Vec<Item>) = rest.iter().cloned().partition(named);
        if !suspects.is_empty() && suspects.len() <= others.len() {
            return std::iter::once(others).chain(suspects.into_iter().map(|item| vec![item])).collect();
        }
        let half = rest.split_off(len / 2);
        vec![rest, half]
    }

    /// HubSpot names only the first record that already exists. One read finds all of them. Gives the other items.
    async fn settle_conflicts(
        &self,
        object_type: ObjectType,
        key: &str,
        group: Vec<Item>,
        problem: &Problem,
        outcomes: &mut Outcomes,
    ) -> Vec<Item> {
        let values: Vec<String> =
            group.iter().filter_map(|i| i.text(key)).map(|t| t.trim().to_lowercase()).collect();
        let found = match self
            .batch_read(object_type, &values, &[key, "hs_additional_emails"], Some(key))
            .await
        {
            Ok(found) => found,
            Err(error) => {
                tracing::debug!(connector = %self.name, "existing records could not be looked up: {error}");
                return group;
            }
        };
        let owners: HashMap<String, &str> =
            found.iter().flat_map(|r| emails(r, key).into_iter().map(|mail| (mail, r.id.as_str()))).collect();
        group
            .into_iter()
            .filter(|item| {
                let owner = item.text(key).and_then(|t| owners.get(&t.trim().to_lowercase()));
                if let Some(owner) = owner {
                    let reason = if problem.existing_id().as_deref() == Some(owner) {
                        problem.words()
                    } else {
                        format!("HubSpot already has a {} with this {key}", object_type.name())
                    };
                    outcomes.set(item, &Outcome::Conflict { existing: (*owner).to_owned(), reason });
                }
                owner.is_none()
            })
            .collect()
    }

    /// HubSpot accepts a lifecycle stage that lies before the present one and keeps the present one. The way back is
    /// to clear it and then to set it, in two calls, because the order inside one is not promised. Where HubSpot refuses
    /// the second, the former stage is put back.
    async fn move_stages_back(&self, object_type: ObjectType, sent: &[Item], outcomes: &mut Outcomes) {
        let len = outcomes.0.len();
        let kept: Vec<KeptStage> = sent
            .iter()
            .filter_map(|item| {
                let Some(Outcome::Done(object)) = found(outcomes, item) else { return None };
                let former = object.attributes.get(LIFECYCLE_STAGE)?.as_str().unwrap_or_default();
                let wish = item.text(LIFECYCLE_STAGE)?;
                (!former.eq_ignore_ascii_case(wish)).then(|| KeptStage {
                    former: former.to_owned(),
                    item: with_stage(&object.uid, wish, &item.slots),
                })
            })
            .collect();
        if kept.is_empty() {
            return;
        }
        let mut cleared = Outcomes::new(len);
        let clearing = kept.iter().map(|stage| stage.with("")).collect();
        self.settle(Operation::Update, object_type, clearing, &mut cleared).await;
        let (ready, stuck): (Vec<KeptStage>, Vec<KeptStage>) = kept
            .into_iter()
            .partition(|stage| matches!(found(&cleared, &stage.item), Some(Outcome::Done(_))));
        let mut set = Outcomes::new(len);
        let setting = ready.iter().map(|stage| stage.item.clone()).collect();
        self.settle(Operation::Update, object_type, setting, &mut set).await;
        let mut restored = Outcomes::new(len);
        let restoring = ready
            .iter()
            .filter(|stage| matches!(found(&set, &stage.item), Some(Outcome::Rejected { .. })))
            .map(|stage| stage.with(&stage.former))
            .collect();
        self.settle(Operation::Update, object_type, restoring, &mut restored).await;
        for (stages, answers, is_cleared) in [(stuck, &cleared, false), (ready, &set, true)] {
            for KeptStage { former, item } in stages {
                let outcome = found(answers, &item).cloned().map(|outcome| {
                    match stage_now(&outcome, &former, is_cleared, found(&restored, &item)) {
                        Some(now) => with_words(outcome, &now),
                        None => outcome,
                    }
                });
                for slot in &item.slots {
                    let Some(place) = outcomes.0.get_mut(*slot) else { continue };
                    *place = match (place.take(), &outcome) {
                        (Some(Outcome::Done(mut object)), Some(Outcome::Done(after))) => {
                            object.attributes.extend(after.attributes.clone());
                            Some(still_kept(&item, object))
                        }
                        (Some(Outcome::Done(object)), Some(Outcome::Rejected { reason, .. })) => {
                            Some(without_stage(object, reason.clone()))
                        }
                        (_, outcome) => outcome.clone(),
                    };
                }
            }
        }
    }
}

/// A lifecycle stage that HubSpot kept.
struct KeptStage {
    former: String,
    /// The stage that was wished for.
    item: Item,
}

impl KeptStage {
    fn with(&self, stage: &str) -> Item {
        with_stage(&self.item.key, stage, &self.item.slots)
    }
}

fn with_stage(id: &str, stage: &str, slots: &[usize]) -> Item {
    let properties = Attributes::from_iter([(LIFECYCLE_STAGE.to_owned(), json!(stage))]);
    Item { key: id.to_owned(), properties, slots: slots.to_vec() }
}

fn found<'a>(outcomes: &'a Outcomes, item: &Item) -> Option<&'a Outcome> {
    outcomes.0.get(*item.slots.first()?)?.as_ref()
}

/// What a record holds whose stage did not move, where that is not plain from the outcome. `back` is the outcome of
/// putting the former stage back, where that was tried.
fn stage_now(outcome: &Outcome, former: &str, is_cleared: bool, back: Option<&Outcome>) -> Option<String> {
    let restored = match back {
        Some(Outcome::Done(object)) => {
            object.attributes.get(LIFECYCLE_STAGE).is_none_or(|stage| stage == former)
        }
        _ => false,
    };
    match (outcome, back) {
        (Outcome::Rejected { .. }, _) if restored => Some(format!("the lifecycle stage stays `{former}`")),
        (Outcome::Rejected { .. }, Some(Outcome::Unknown { .. })) | (Outcome::Unknown { .. }, _) => {
            Some(format!("the lifecycle stage was `{former}` and may be empty now; look at it in HubSpot"))
        }
        (Outcome::Rejected { .. }, Some(_)) => Some(format!(
            "the lifecycle stage was `{former}` and is empty now, because it could not be put back; set it in HubSpot"
        )),
        (Outcome::Retry { .. }, _) if is_cleared => {
            Some(format!("the lifecycle stage was `{former}` and is empty until then"))
        }
        _ => None,
    }
}

/// The same outcome with more to its reason.
fn with_words(outcome: Outcome, more: &str) -> Outcome {
    let and = |reason: String| format!("{reason}; {more}");
    match outcome {
        Outcome::Rejected { reason, attribute } => Outcome::Rejected { reason: and(reason), attribute },
        Outcome::Retry { after, reason } => Outcome::Retry { after, reason: and(reason) },
        Outcome::Unknown { reason } => Outcome::Unknown { reason: and(reason) },
        Outcome::Conflict { existing, reason } => Outcome::Conflict { existing, reason: and(reason) },
        other => other,
    }
}

/// Whether a refusal of the whole batch may be about some of its items only.
fn may_be_one_item(refusal: &Refusal) -> bool {
    match refusal.status {
        400 | 409 | 413 | 414 => true,
        404 => Problem::parse(&refusal.body).is("OBJECT_NOT_FOUND"),
        _ => false,
    }
}

fn still_kept(item: &Item, object: RemoteObject) -> Outcome {
    let wish = item.text(LIFECYCLE_STAGE).unwrap_or_default();
    match object.attributes.get(LIFECYCLE_STAGE).and_then(Value::as_str) {
        Some(told) if !told.eq_ignore_ascii_case(wish) => {
            let reason = format!(
                "HubSpot keeps the lifecycle stage `{told}` and does not take `{wish}`, even after it was cleared"
            );
            without_stage(object, reason)
        }
        _ => Outcome::Done(object),
    }
}

fn without_stage(object: RemoteObject, reason: String) -> Outcome {
    Outcome::Partly { object: Box::new(object), refused: vec![LIFECYCLE_STAGE.to_owned()], reason }
}

/// A record that was written without these properties. Where it was to have no others, nothing of it was.
fn written_without(item: &Item, object: RemoteObject, refused: Vec<String>, reason: String) -> Outcome {
    if item.properties.keys().all(|name| refused.contains(name)) {
        return Outcome::Rejected { reason, attribute: refused.into_iter().next() };
    }
    Outcome::Partly {
        object: Box::new(object),
        refused,
        reason: format!("{reason}; the record's other values were written"),
    }
}

/// The same answer for every item of a batch that was never sent.
pub(super) fn refuse_all(len: usize, error: &ConnectorError) -> Vec<Outcome> {
    vec![Outcome::Rejected { reason: error.message.clone(), attribute: None }; len]
}

/// Attribute values as HubSpot takes them: texts. In an update null clears; in a creation it is left out.
fn wire(object_type: ObjectType, attributes: &Attributes, clearing: bool) -> Attributes {
    let mut properties = Attributes::with_capacity(attributes.len());
    for (attribute, value) in attributes {
        let Some(property) = object_type.property(attribute).filter(|p| *p != "hs_object_id") else {
            continue;
        };
        // The property under its own name wins over `__NAME__`.
        if attribute == "__NAME__" && attributes.contains_key(property) {
            continue;
        }
        let text = wire_text(value);
        if !text.is_empty() || clearing {
            properties.insert(property.to_owned(), Value::String(text));
        }
    }
    properties
}

fn wire_text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => value.to_string(),
        // How HubSpot writes several options of one property.
        Value::Array(items) => items.iter().map(wire_text).collect::<Vec<_>>().join(";"),
    }
}

/// Whether HubSpot keeps two values of a property as one. E-mail addresses have no case there. A time may be sent as its
/// milliseconds since 1970 and a date as those of its midnight, and both are read back as text. A list is read back as the text
/// of its options, in their own order.
pub(super) fn keeps_alike(object_type: ObjectType, attribute: &str, a: &Value, b: &Value) -> bool {
    let (one, other) = (wire_text(a), wire_text(b));
    if one == other {
        return true;
    }
    if a.is_array() || b.is_array() {
        let options = |text: &str| text.split(';').map(str::to_owned).collect::<BTreeSet<_>>();
        return options(&one) == options(&other);
    }
    if object_type == ObjectType::Contact && object_type.property(attribute) == Some("email") {
        return one.trim().to_lowercase() == other.trim().to_lowercase();
    }
    match (one.parse(), other.parse()) {
        (Ok(millis), Err(_)) => is_moment(&other, millis),
        (Err(_), Ok(millis)) => is_moment(&one, millis),
        _ => false,
    }
}

/// Whether a text is the time, or the date, that begins so many milliseconds after 1970.
fn is_moment(text: &str, millis: i64) -> bool {
    let midnight = || Offset::UTC.to_timestamp(text.parse::<Date>().ok()?.to_datetime(Time::midnight())).ok();
    text.parse::<Timestamp>().ok().or_else(midnight).is_some_and(|at| at.as_millisecond() == millis)
}

/// The outcome of one item whose whole call failed.
pub(super) fn failed(operation: Operation, failure: &Failure) -> Outcome {
    match failure {
        Failure::Lost(error) => Outcome::Unknown { reason: error.message.clone() },
        Failure::Refused(refusal) => {
            let problem = Problem::parse(&refusal.body);
            match refusal.error.kind {
                ErrorKind::Unauthorized => Outcome::retry(&refusal.error, DEFAULT_RETRY),
                ErrorKind::Refused if problem.message.is_some() => judged(operation, &problem),
                _ => Outcome::Rejected { reason: refusal.error.message.clone(), attribute: None },
            }
        }
        Failure::NotDone(error) => match error.kind {
            ErrorKind::Configuration | ErrorKind::Unsupported => {
                Outcome::Rejected { reason: error.message.clone(), attribute: None }
            }
            _ => Outcome::retry(error, DEFAULT_RETRY),
        },
    }
}

/// The outcome of one item that HubSpot explains.
pub(super) fn judged(operation: Operation, problem: &Problem) -> Outcome {
    if let (Operation::Create, Some(existing)) = (operation, problem.existing_id()) {
        return Outcome::Conflict { existing, reason: problem.words() };
    }
    if problem.is("OBJECT_NOT_FOUND") && operation != Operation::Create {
        return Outcome::Gone;
    }
    if problem.is("RATE_LIMITS") || problem.is("RATE_LIMIT") {
        return Outcome::Retry { after: RECORD_RETRY, reason: problem.words() };
    }
    let attribute = problem.value_problems().into_iter().find_map(|p| p.property);
    Outcome::Rejected { reason: format!("HubSpot refused: {}", problem.words()), attribute }
}

/// Gives each item of a batch its part of the answer. Results come in any order.
fn assign(
    operation: Operation,
    object_type: ObjectType,
    group: &[Item],
    answer: BatchAnswer,
    outcomes: &mut Outcomes,
) {
    let mut open: Vec<&Item> = group.iter().collect();
    let mut take = |outcomes: &mut Outcomes, outcome: &Outcome, fits: &dyn Fn(&Item) -> bool| {
        let Some(place) = open.iter().position(|item| fits(item)) else { return false };
        outcomes.set(open.swap_remove(place), outcome);
        true
    };
    let mut strays: Vec<Record> = Vec::new();
    for record in answer.results {
        let done =
            Outcome::Done(RemoteObject { uid: record.id.clone(), attributes: record.properties.clone() });
        let known = match (operation, &record.object_write_trace_id) {
            (Operation::Create, Some(trace)) => take(outcomes, &done, &|item| item.key == *trace),
            (Operation::Create, None) => match object_type.natural_key() {
                Some(key) => {
                    let mails = emails(&record, key);
                    take(outcomes, &done, &|item| {
                        item.text(key).is_some_and(|t| mails.contains(&t.trim().to_lowercase()))
                    })
                }
                None => false,
            },
            _ => take(outcomes, &done, &|item| item.key == record.id),
        };
        if !known {
            strays.push(record);
        }
    }
    let mut loose: Vec<&Problem> = Vec::new();
    for problem in &answer.errors {
        let outcome = judged(operation, problem);
        let keys = match operation {
            Operation::Create => problem.context("objectWriteTraceId"),
            _ => [problem.context("ids"), problem.context("id"), problem.context("objectWriteTraceId")]
                .concat(),
        };
        let mut known = false;
        for key in &keys {
            known |= take(outcomes, &outcome, &|item| item.key == *key);
        }
        if !known {
            loose.push(problem);
        }
    }
    // A record that was merged answers under another id, and a server may forget the trace: what it holds tells whose
    // answer it is, if only one item fits.
    for record in &strays {
        let carries = |item: &Item| {
            item.properties.iter().all(|(name, value)| record.properties.get(name) == Some(value))
        };
        let fitting: Vec<usize> =
            open.iter().enumerate().filter(|(_, item)| carries(item)).map(|(at, _)| at).collect();
        let place = match fitting.as_slice() {
            [only] => Some(*only),
            _ if open.len() == 1 && strays.len() == 1 && loose.is_empty() => Some(0),
            _ => None,
        };
        if let Some(place) = place {
            let done =
                Outcome::Done(RemoteObject { uid: record.id.clone(), attributes: record.properties.clone() });
            outcomes.set(open.swap_remove(place), &done);
        }
    }
    if let ([problem], [item]) = (loose.as_slice(), open.as_slice()) {
        outcomes.set(*item, &judged(operation, problem));
        return;
    }
    let told: Vec<String> = loose.iter().map(|p| p.words()).collect();
    let failed = answer.num_errors.unwrap_or(0);
    for item in open {
        let reason = match told.as_slice() {
            [] if failed == 0 => "HubSpot's answer does not mention this record".to_owned(),
            [] => format!(
                "HubSpot reports {failed} errors in the batch without saying which records they are about"
            ),
            told => format!(
                "HubSpot reports errors without saying which records they are about: {}",
                told.join("; ")
            ),
        };
        outcomes.set(item, &Outcome::Unknown { reason });
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{ObjectType, keeps_alike};

    #[test]
    fn a_property_keeps_as_one_what_it_reads_back_the_same() {
        let day = 1_767_225_600_000_i64;
        for (property, a, b, alike) in [
            ("email", json!("Ann@X.org"), json!("ann@x.org"), true),
            ("__NAME__", json!("Ann@X.org "), json!("ann@x.org"), true),
            ("firstname", json!("Ann"), json!("ann"), false),
            ("last_visit_at", json!(day), json!("2026-01-01T00:00:00.000Z"), true),
            ("last_visit_at", json!(day.to_string()), json!("2026-01-01T00:00:00Z"), true),
            ("last_visit_at", json!(day + 1), json!("2026-01-01T00:00:00Z"), false),
            ("birthday", json!(day), json!("2026-01-01"), true),
            ("birthday", json!(day), json!("2026-01-02"), false),
            ("phone", json!("4930123"), json!("4930124"), false),
            ("topics", json!(["b", "a"]), json!("a;b"), true),
            ("topics", json!(["b"]), json!("a;b"), false),
            ("zip", json!("a;b"), json!("b;a"), false),
        ] {
            let kind = ObjectType::Contact;
            assert_eq!(keeps_alike(kind, property, &a, &b), alike, "{property}: {a} {b}");
            assert_eq!(keeps_alike(kind, property, &b, &a), alike, "{property}: {b} {a}");
        }
        assert!(!keeps_alike(ObjectType::Company, "email", &json!("A@x"), &json!("a@x")));
    }
}
