//! Links between contacts and companies as an attribute: `__COMPANIES__` of a contact and `__CONTACTS__` of a company
//! are the ids of the linked records. A list brings the first hundred along; everything else is asked for by batch.
//!
//! The primary company alone is a property of the contact as well (`associatedcompanyid`) and needs none of this.

use std::collections::{HashMap, HashSet};

use serde::Deserialize;
use serde_json::{Value, json};

use super::answers::{Problem, Record};
use super::{Hubspot, ObjectType};
use crate::error::{ConnectorError, ErrorKind};
use crate::http::{Answer, Repeat};

/// Most records in one batch read of links.
const BATCH: usize = 1_000;
/// Most batches that are asked for in a row, so that a page that goes on without end is no endless loop.
const MOST_PAGES: usize = 1_000;

#[derive(Deserialize)]
struct Links {
    results: Vec<Linked>,
    #[serde(default)]
    errors: Vec<Problem>,
}

impl Links {
    fn read(answer: &Answer) -> Result<Self, String> {
        answer.json_quoting(
            |whole: &Self| !whole.errors.is_empty(),
            |whole, quotable| whole.errors = quotable.errors,
        )
    }
}

#[derive(Deserialize)]
struct Linked {
    from: From,
    #[serde(default)]
    to: Vec<To>,
    #[serde(default)]
    paging: Option<Paging>,
}

#[derive(Deserialize)]
struct From {
    id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct To {
    to_object_id: Value,
}

#[derive(Deserialize)]
struct Paging {
    #[serde(default)]
    next: Option<Next>,
}

#[derive(Deserialize)]
struct Next {
    after: String,
}

/// Whether the linked records are asked for.
pub(super) fn is_wanted(object_type: ObjectType, attributes: &[String]) -> bool {
    attributes.iter().any(|a| a == object_type.links())
}

fn put(object_type: ObjectType, record: &mut Record, ids: Vec<String>) {
    let mut seen = HashSet::new();
    let ids: Vec<Value> = ids.into_iter().filter(|id| seen.insert(id.clone())).map(Value::String).collect();
    record.properties.insert(object_type.links().to_owned(), Value::Array(ids));
}

impl Hubspot {
    /// Makes the links that a list page brought an attribute; those beyond its first hundred are asked for.
    pub(super) async fn take_links(
        &self,
        object_type: ObjectType,
        records: &mut [Record],
    ) -> Result<(), ConnectorError> {
        let mut more: Vec<usize> = Vec::new();
        for (at, record) in records.iter_mut().enumerate() {
            let links = record.associations.remove(object_type.other().plural()).unwrap_or_default();
            if links.paging.is_some() {
                more.push(at);
            }
            put(object_type, record, links.results.into_iter().map(|link| link.id).collect());
        }
        let ids: Vec<String> = more.iter().filter_map(|at| records.get(*at)).map(|r| r.id.clone()).collect();
        if ids.is_empty() {
            return Ok(());
        }
        let mut found = self.links_of(object_type, &ids).await?;
        for record in more {
            if let Some(record) = records.get_mut(record) {
                let ids = found.remove(&record.id).unwrap_or_default();
                put(object_type, record, ids);
            }
        }
        Ok(())
    }

    /// Asks for the links of records that came without them, where a mapping wants them.
    pub(super) async fn read_links(
        &self,
        object_type: ObjectType,
        wanted: &[String],
        records: &mut [Record],
    ) -> Result<(), ConnectorError> {
        if !is_wanted(object_type, wanted) || records.is_empty() {
            return Ok(());
        }
        let ids: Vec<String> = records.iter().map(|r| r.id.clone()).collect();
        let mut found = self.links_of(object_type, &ids).await?;
        for record in records {
            let ids = found.remove(&record.id).unwrap_or_default();
            put(object_type, record, ids);
        }
        Ok(())
    }

    async fn links_of(
        &self,
        object_type: ObjectType,
        ids: &[String],
    ) -> Result<HashMap<String, Vec<String>>, ConnectorError> {
        let url = self.paths.associations(object_type.plural(), object_type.other().plural());
        let mut waiting: Vec<Value> = ids.iter().map(|id| json!({"id": id})).collect();
        let mut found: HashMap<String, Vec<String>> = HashMap::new();
        for _ in 0..MOST_PAGES {
            if waiting.is_empty() {
                return Ok(found);
            }
            let inputs: Vec<Value> = waiting.drain(..waiting.len().min(BATCH)).collect();
            let call = self.post(url.clone(), &json!({"inputs": inputs}), Repeat::Safe);
            let answer = self.http.send(&call, Links::read).await?;
            // A record without links is named among the errors.
            if let Some(problem) = answer.errors.iter().find(|p| !p.is("OBJECT_NOT_FOUND")) {
                return Err(self.error(
                    ErrorKind::Refused,
                    format!(
                        "HubSpot could not read the links of some {}: {}",
                        object_type.plural(),
                        problem.words()
                    ),
                ));
            }
            for linked in answer.results {
                let ids = found.entry(linked.from.id.clone()).or_default();
                ids.extend(linked.to.into_iter().map(|to| match to.to_object_id {
                    Value::String(id) => id,
                    other => other.to_string(),
                }));
                if let Some(next) = linked.paging.and_then(|p| p.next) {
                    waiting.push(json!({"id": linked.from.id, "after": next.after}));
                }
            }
        }
        Err(self.untrusted("the links of a record go on without end"))
    }
}
