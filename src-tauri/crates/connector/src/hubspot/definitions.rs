//! Property definitions as records: the object types `contactProperties` and `companyProperties`.
//!
//! `__UID__` and `__NAME__` are the property's name. HubSpot lists all definitions in one answer, so reading one costs
//! as much as reading all. What HubSpot itself defines can be read only; it says so when it is asked to change it.

use std::collections::{HashMap, HashSet};

use model::{Attributes, Filter};
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::answers::{Problem, some_id};
use super::write::{Operation, failed, judged};
use super::{Hubspot, ObjectType};
use crate::error::ConnectorError;
use crate::http::{Call, Failure, Repeat};
use crate::port::{
    AttributeSchema, Change, Creation, ObjectTypeSchema, Outcome, Page, Pages, RemoteObject, Search,
};

const KINDS: &[&str] = &["bool", "date", "datetime", "enumeration", "number", "phone_number", "string"];
const FIELDS: &[&str] = &[
    "booleancheckbox",
    "calculation_equation",
    "checkbox",
    "date",
    "file",
    "html",
    "number",
    "phonenumber",
    "radio",
    "select",
    "text",
    "textarea",
];

/// When an attribute of a definition can be written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Written {
    Always,
    OnCreate,
    Never,
}

/// Name, label, type, when it can be written.
const ATTRIBUTES: &[(&str, &str, &str, Written)] = &[
    ("name", "Internal name", "string", Written::OnCreate),
    ("label", "Label", "string", Written::Always),
    ("type", "Type", "enumeration", Written::Always),
    ("fieldType", "Field type", "enumeration", Written::Always),
    ("groupName", "Group", "string", Written::Always),
    ("description", "Description", "string", Written::Always),
    ("options", "Options", "array", Written::Always),
    ("displayOrder", "Display order", "number", Written::Always),
    ("hidden", "Hidden", "bool", Written::Always),
    ("formField", "Can be used in forms", "bool", Written::Always),
    ("hasUniqueValue", "Values are unique", "bool", Written::OnCreate),
    ("calculated", "Calculated", "bool", Written::Never),
    ("externalOptions", "Options are kept elsewhere", "bool", Written::Never),
    ("hubspotDefined", "Defined by HubSpot", "bool", Written::Never),
    ("archived", "Archived", "bool", Written::Never),
    ("dataSensitivity", "Sensitivity", "string", Written::Never),
    ("modificationMetadata", "What can be changed", "object", Written::Never),
    ("createdAt", "Created", "datetime", Written::Never),
    ("updatedAt", "Last modified", "datetime", Written::Never),
];

#[derive(Deserialize)]
struct Definitions {
    results: Vec<Definition>,
    #[serde(default)]
    errors: Vec<Problem>,
}

#[derive(Deserialize)]
struct Definition {
    #[serde(deserialize_with = "some_id")]
    name: String,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

impl Definition {
    fn object(self, wanted: &[String]) -> RemoteObject {
        let mut all = Attributes::with_capacity(self.rest.len() + 3);
        all.insert("name".to_owned(), Value::String(self.name.clone()));
        all.extend(self.rest);
        for own in ["__NAME__", "__UID__", "_id"] {
            if wanted.iter().any(|w| w == own) {
                all.insert(own.to_owned(), Value::String(self.name.clone()));
            }
        }
        if !wanted.is_empty() {
            all.retain(|name, _| wanted.contains(name));
        }
        RemoteObject { uid: self.name, attributes: all }
    }
}

/// A property's name in HubSpot: lower-case letters, digits and underscores.
fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 100
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// The attributes as HubSpot takes them, or the first that it does not and why.
fn body(attributes: &Attributes, creating: bool) -> Result<Map<String, Value>, (String, String)> {
    let mut body = Map::new();
    for (attribute, value) in attributes {
        let name = match attribute.as_str() {
            "__NAME__" | "__UID__" | "_id" => "name",
            other => other,
        };
        let written = ATTRIBUTES.iter().find(|(known, ..)| *known == name).map(|(.., written)| *written);
        let why = match written {
            Some(Written::Always) => None,
            Some(Written::OnCreate) if creating => None,
            Some(Written::OnCreate) => Some("can be given only when the property is made"),
            Some(Written::Never) => Some("is kept by HubSpot itself"),
            None => Some("is no attribute of a property definition"),
        };
        if let Some(why) = why {
            return Err((name.to_owned(), format!("`{name}` {why}; take it out of the mapping")));
        }
        if value.is_null() && creating {
            continue;
        }
        let value = match (name, value) {
            ("options", Value::Array(options)) => options.iter().enumerate().map(option).collect(),
            (_, Value::Null) => Value::String(String::new()),
            (_, value) => value.clone(),
        };
        body.insert(name.to_owned(), value);
    }
    Ok(body)
}

/// An option may be given as its value alone.
fn option((place, option): (usize, &Value)) -> Value {
    match option {
        Value::String(text) => json!({"label": text, "value": text, "displayOrder": place, "hidden": false}),
        other => other.clone(),
    }
}

/// What HubSpot wants of a new property and what follows from the rest where it is not given.
fn complete(object_type: ObjectType, body: &mut Map<String, Value>) {
    let default = |body: &mut Map<String, Value>, name: &str, value: &str| {
        body.entry(name).or_insert_with(|| json!(value));
    };
    let name = body.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
    default(body, "label", &name);
    default(body, "type", "string");
    default(body, "groupName", &format!("{}information", object_type.name()));
    let field = match body.get("type").and_then(Value::as_str).unwrap_or_default() {
        "bool" => "booleancheckbox",
        "date" | "datetime" => "date",
        "enumeration" => "select",
        "number" => "number",
        "phone_number" => "phonenumber",
        _ => "text",
    };
    default(body, "fieldType", field);
}

impl Hubspot {
    /// Every definition of an object type, by name.
    async fn definitions(&self, object_type: ObjectType) -> Result<Vec<Definition>, ConnectorError> {
        let call = self.get(self.paths.properties(object_type.plural(), ""));
        let answer: Definitions = self.http.send(&call, |a| a.json()).await?;
        let mut names = HashSet::new();
        if !answer.results.iter().all(|d| names.insert(d.name.as_str())) {
            return Err(self.untrusted(format!("HubSpot named a property of {} twice", object_type.plural())));
        }
        drop(names);
        Ok(answer.results)
    }

    pub(super) fn definition_pages(&self, object_type: ObjectType, search: Search) -> Pages<'_> {
        Box::pin(futures::stream::once(async move {
            let keys = ["__NAME__", "__UID__", "_id"].map(str::to_owned);
            let matches = |definition: &RemoteObject, filter: &Filter| {
                filter.matches(&Value::Object(definition.attributes.clone()))
            };
            let mut objects = Vec::new();
            for definition in self.definitions(object_type).await? {
                let Definition { name, rest } = definition;
                if let Some(filter) = &search.filter {
                    let mut whole: Vec<String> = rest.keys().cloned().chain(keys.clone()).collect();
                    whole.push("name".to_owned());
                    let all = Definition { name: name.clone(), rest: rest.clone() }.object(&whole);
                    if !matches(&all, filter) {
                        continue;
                    }
                }
                objects.push(Definition { name, rest }.object(&search.attributes));
            }
            Ok(Page { objects, ..Page::default() })
        }))
    }

    pub(super) async fn read_definitions(
        &self,
        object_type: ObjectType,
        names: &[String],
        wanted: &[String],
    ) -> Result<Vec<RemoteObject>, ConnectorError> {
        if !names.iter().any(|n| is_name(n)) {
            return Ok(Vec::new());
        }
        let all = self.definitions(object_type).await?;
        Ok(all.into_iter().filter(|d| names.contains(&d.name)).map(|d| d.object(wanted)).collect())
    }

    /// Makes definitions by one call; where HubSpot refuses the batch, one by one.
    pub(super) async fn create_definitions(
        &self,
        object_type: ObjectType,
        batch: &[Creation],
    ) -> Vec<Outcome> {
        let mut outcomes: Vec<Option<Outcome>> = vec![None; batch.len()];
        let mut ready: Vec<(usize, Map<String, Value>)> = Vec::new();
        let mut names = HashMap::new();
        for (slot, creation) in batch.iter().enumerate() {
            let refused = match body(&creation.attributes, true) {
                Err((attribute, reason)) => Some((attribute, reason)),
                Ok(mut body) => {
                    let name = body.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
                    if !is_name(&name) {
                        let reason = format!(
                            "`{name}` is no name for a property; use lower-case letters, digits and underscores"
                        );
                        Some(("name".to_owned(), reason))
                    } else if let Some(twin) = names.insert(name.clone(), &creation.trace) {
                        let reason = format!(
                            "the property `{name}` is also made by another record in the same batch ({twin})"
                        );
                        Some(("name".to_owned(), reason))
                    } else {
                        complete(object_type, &mut body);
                        ready.push((slot, body));
                        None
                    }
                }
            };
            if let (Some((attribute, reason)), Some(place)) = (refused, outcomes.get_mut(slot)) {
                *place = Some(Outcome::Rejected { reason, attribute: Some(attribute) });
            }
        }
        let url = self.paths.properties(object_type.plural(), "batch/create");
        let mut alone = Vec::new();
        for group in ready.chunks(super::BATCH) {
            if let [only] = group {
                alone.push(only.clone());
                continue;
            }
            let inputs: Vec<&Map<String, Value>> = group.iter().map(|(_, body)| body).collect();
            let call = self.post(url.clone(), &json!({ "inputs": inputs }), Repeat::Never);
            match self.http.send(&call, |a| a.json::<Definitions>()).await {
                Ok(answer) => {
                    let mut made: HashMap<String, RemoteObject> =
                        answer.results.into_iter().map(|d| (d.name.clone(), d.object(&[]))).collect();
                    let told: Vec<String> = answer.errors.iter().map(Problem::words).collect();
                    for (slot, body) in group {
                        let name = body.get("name").and_then(Value::as_str).unwrap_or_default();
                        let named = |p: &&Problem| p.context("name").contains(&name);
                        let outcome = match (made.remove(name), answer.errors.iter().find(named)) {
                            (Some(object), _) => Outcome::Done(object),
                            (None, Some(problem)) => judged(Operation::Create, problem),
                            (None, None) => Outcome::Unknown {
                                reason: format!(
                                    "HubSpot's answer does not mention this property. {}",
                                    told.join("; ")
                                ),
                            },
                        };
                        put(&mut outcomes, *slot, outcome);
                    }
                }
                Err(Failure::Refused(refusal)) if matches!(refusal.status, 400 | 409) => {
                    alone.extend_from_slice(group);
                }
                Err(failure) => {
                    for (slot, _) in group {
                        put(&mut outcomes, *slot, failed(Operation::Create, &failure));
                    }
                }
            }
        }
        for (slot, body) in alone {
            let url = self.paths.properties(object_type.plural(), "");
            let name = body.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
            let call = self.post(url, &Value::Object(body), Repeat::Never);
            let outcome = match self.http.send(&call, |a| a.json::<Definition>()).await {
                Ok(made) => Outcome::Done(made.object(&[])),
                Err(Failure::Refused(refusal)) if refusal.status == 409 => Outcome::Conflict {
                    existing: name,
                    reason: format!("HubSpot refused: {}", Problem::parse(&refusal.body).words()),
                },
                Err(failure) => failed(Operation::Create, &failure),
            };
            put(&mut outcomes, slot, outcome);
        }
        finish(outcomes)
    }

    /// Changes definitions, one call each: HubSpot has no batch for it.
    pub(super) async fn update_definitions(&self, object_type: ObjectType, batch: &[Change]) -> Vec<Outcome> {
        let mut outcomes = Vec::with_capacity(batch.len());
        for change in batch {
            if !is_name(&change.uid) {
                outcomes.push(Outcome::Gone);
                continue;
            }
            let body = match body(&change.attributes, false) {
                Ok(body) => body,
                Err((attribute, reason)) => {
                    outcomes.push(Outcome::Rejected { reason, attribute: Some(attribute) });
                    continue;
                }
            };
            if body.is_empty() {
                outcomes
                    .push(Outcome::Done(RemoteObject { uid: change.uid.clone(), ..RemoteObject::default() }));
                continue;
            }
            let url = self.paths.properties(object_type.plural(), &change.uid);
            let call = Call { method: Method::PATCH, ..self.post(url, &Value::Object(body), Repeat::Never) };
            outcomes.push(match self.http.send(&call, |a| a.json::<Definition>()).await {
                Ok(changed) => Outcome::Done(changed.object(&[])),
                Err(Failure::Refused(refusal)) if refusal.status == 404 => Outcome::Gone,
                Err(failure) => failed(Operation::Update, &failure),
            });
        }
        outcomes
    }

    /// Archives definitions by one call; where HubSpot refuses the batch, one by one.
    pub(super) async fn archive_definitions(
        &self,
        object_type: ObjectType,
        names: &[String],
    ) -> Vec<Outcome> {
        let mut outcomes: Vec<Option<Outcome>> = vec![None; names.len()];
        let mut ready = Vec::new();
        for (slot, name) in names.iter().enumerate() {
            if is_name(name) {
                ready.push((slot, name));
            } else {
                put(&mut outcomes, slot, Outcome::Gone);
            }
        }
        let done =
            |name: &String| Outcome::Done(RemoteObject { uid: name.clone(), ..RemoteObject::default() });
        for group in ready.chunks(super::BATCH) {
            let mut distinct = HashSet::new();
            let inputs: Vec<Value> = group
                .iter()
                .filter(|(_, name)| distinct.insert(*name))
                .map(|(_, name)| json!({ "name": name }))
                .collect();
            let url = self.paths.properties(object_type.plural(), "batch/archive");
            let call = self.post(url, &json!({ "inputs": inputs }), Repeat::Never);
            match self.http.send(&call, |_| Ok(())).await {
                Ok(()) => group.iter().for_each(|(slot, name)| put(&mut outcomes, *slot, done(name))),
                Err(Failure::Refused(refusal)) if matches!(refusal.status, 400 | 404) => {
                    for (slot, name) in group {
                        let url = self.paths.properties(object_type.plural(), name);
                        let call = Call { method: Method::DELETE, repeat: Repeat::Never, ..self.get(url) };
                        let outcome = match self.http.send(&call, |_| Ok(())).await {
                            Ok(()) => done(name),
                            // The refused batch may have come as far as this one.
                            Err(Failure::Refused(refusal)) if refusal.status == 404 => done(name),
                            Err(failure) => failed(Operation::Archive, &failure),
                        };
                        put(&mut outcomes, *slot, outcome);
                    }
                }
                Err(failure) => {
                    for (slot, _) in group {
                        put(&mut outcomes, *slot, failed(Operation::Archive, &failure));
                    }
                }
            }
        }
        finish(outcomes)
    }
}

fn put(outcomes: &mut [Option<Outcome>], slot: usize, outcome: Outcome) {
    if let Some(place) = outcomes.get_mut(slot) {
        *place = Some(outcome);
    }
}

fn finish(outcomes: Vec<Option<Outcome>>) -> Vec<Outcome> {
    let open = || Outcome::Unknown { reason: "HubSpot's answer does not mention this property".to_owned() };
    outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(open)).collect()
}

/// The attributes of a definition; they are the same in every account.
pub(super) fn schema(object_type: &str) -> ObjectTypeSchema {
    let texts = |list: &[&str]| list.iter().map(|t| (*t).to_owned()).collect();
    let attributes = ATTRIBUTES
        .iter()
        .map(|(name, label, kind, written)| AttributeSchema {
            name: (*name).to_owned(),
            label: (*label).to_owned(),
            kind: (*kind).to_owned(),
            required: *name == "name",
            writable: *written != Written::Never,
            unique: *name == "name",
            options: match *name {
                "type" => texts(KINDS),
                "fieldType" => texts(FIELDS),
                _ => Vec::new(),
            },
        })
        .collect();
    ObjectTypeSchema { object_type: object_type.to_owned(), attributes }
}
