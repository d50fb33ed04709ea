//! Single records: list, read, create, update, archive, merge, erase.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::answer::Answer;
use crate::request::Request;

use super::access::Caller;
use super::associations;
use super::crm::Crm;
use super::problem::Problem;
use super::record::Record;
use super::request::properties;
use super::state::{Changes, Claims, ObjectKind, Table};
use super::view::{Selection, View};

/// Where the paging of a list goes on.
#[derive(Serialize)]
pub(crate) struct Paging {
    next: Next,
}

#[derive(Serialize)]
struct Next {
    after: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<String>,
}

impl Paging {
    pub(crate) fn new(after: String, link: Option<String>) -> Paging {
        Paging { next: Next { after, link } }
    }
}

#[derive(Serialize)]
struct Page<'a> {
    results: Vec<View<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    paging: Option<Paging>,
}

/// The properties and associations that a GET asks for.
fn selection(request: &Request, table: &Table) -> Result<Selection, Problem> {
    let mut selection = Selection::of(table, &request.query_list("properties"))
        .with_history(table, &request.query_list("propertiesWithHistory"));
    for name in request.query_list("associations") {
        selection.associations.push(ObjectKind::parse(&name).ok_or_else(|| Problem::kind(&name))?);
    }
    Ok(selection)
}

pub(crate) fn list(crm: &Crm, request: &Request, kind: ObjectKind) -> Result<Answer, Problem> {
    let table = crm.table(kind);
    let selection = selection(request, table)?;
    let most = if selection.history.is_empty() { 100 } else { 50 };
    let limit: usize = match request.query("limit").unwrap_or("10").parse() {
        Ok(limit) if (1..=most).contains(&limit) => limit,
        Ok(limit) => {
            return Err(Problem::validation(format!(
                "Invalid limit {limit}: it must be between 1 and {most}."
            )));
        }
        Err(_) => return Err(Problem::validation("Invalid limit: it must be a number.")),
    };
    let after: u64 = match request.query("after").filter(|after| !after.is_empty()) {
        None => 0,
        Some(after) => {
            after.parse().map_err(|_| Problem::validation(format!("Invalid paging cursor: {after}")))?
        }
    };
    let records = if request.query_flag("archived") { &table.archived } else { &table.live };
    // Keyset paging: the cursor is the last id seen, so records created or removed meanwhile move nothing.
    let mut found = records.range(after.saturating_add(1)..).map(|(_, record)| record);
    let results: Vec<View> =
        found.by_ref().take(limit).map(|record| View::of(crm, table, record, &selection)).collect();
    let paging = results.last().filter(|_| found.next().is_some()).map(|last| {
        let after = last.record.id.to_string();
        let link = request.link_with("after", &after);
        Paging::new(after, Some(link))
    });
    Ok(Answer::json(200, &Page { results, paging }))
}

/// The live record that a path segment means, by record id or by a unique property.
pub(crate) fn locate(table: &Table, id: &str, id_property: Option<&str>) -> Result<Option<u64>, Problem> {
    match id_property.filter(|name| !name.is_empty() && *name != "hs_object_id") {
        None => Ok(id.parse().ok().and_then(|id| table.find(id)).map(|record| record.id)),
        Some(name) => match table.properties.find(name) {
            Some((property, definition)) if definition.unique => Ok(table.holder(property, id)),
            _ => Err(Problem::validation(format!(
                "Unable to perform read/update by non-unique {} property {name}",
                table.kind.type_id()
            ))),
        },
    }
}

pub(crate) fn read(crm: &Crm, request: &Request, kind: ObjectKind, id: &str) -> Result<Answer, Problem> {
    let table = crm.table(kind);
    let selection = selection(request, table)?;
    let record: Option<&Record> = if request.query_flag("archived") {
        id.parse::<u64>().ok().and_then(|id| table.archived.get(&id))
    } else {
        locate(table, id, request.query("idProperty"))?.and_then(|id| table.live.get(&id))
    };
    let record = record.ok_or_else(Problem::not_found)?;
    Ok(Answer::json(200, &View::of(crm, table, record, &selection)))
}

/// `{properties, associations}` of a create.
#[derive(Debug, Deserialize)]
struct Input {
    #[serde(default)]
    properties: Map<String, Value>,
    #[serde(default)]
    associations: Vec<Association>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Association {
    to: AssociationTarget,
}

#[derive(Debug, Deserialize)]
struct AssociationTarget {
    id: Value,
}

/// What a new record comes to, or why it is refused.
pub(crate) fn check_new(
    crm: &Crm,
    caller: &Caller,
    kind: ObjectKind,
    input: &Map<String, Value>,
    claims: &mut Claims,
) -> Result<Changes, Problem> {
    caller.check_required(kind, input)?;
    let table = crm.table(kind);
    let refused = |refusal| Problem::refused(&refusal, kind, caller.portal);
    let changes = table.check(&properties(input)?).map_err(refused)?;
    table.check_naming(&changes).map_err(refused)?;
    table.claim(&changes, None, claims).map_err(refused)?;
    Ok(changes)
}

/// What a change of a record comes to, or why it is refused.
pub(crate) fn check_existing(
    crm: &Crm,
    caller: &Caller,
    kind: ObjectKind,
    id: u64,
    input: &Map<String, Value>,
    claims: &mut Claims,
) -> Result<Changes, Problem> {
    let table = crm.table(kind);
    let refused = |refusal| Problem::refused(&refusal, kind, caller.portal);
    let changes = table.check(&properties(input)?).map_err(refused)?;
    table.claim(&changes, Some(id), claims).map_err(refused)?;
    Ok(changes)
}

/// Links a new record to the others its input names.
pub(crate) fn associate(crm: &mut Crm, kind: ObjectKind, id: u64, input: &[Association]) {
    for association in input {
        let target = match &association.to.id {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        associations::link(crm, kind, &id.to_string(), &target);
    }
}

pub(crate) fn create(
    crm: &mut Crm,
    request: &Request,
    caller: &Caller,
    kind: ObjectKind,
) -> Result<Answer, Problem> {
    let input: Input = request.json()?;
    let changes = check_new(crm, caller, kind, &input.properties, &mut Claims::new())?;
    let id = crm.create(kind, &changes, request.now, caller.source());
    associate(crm, kind, id, &input.associations);
    Ok(Answer::json(201, &Written { crm, kind, id, shown: Selection::everything() }.view()))
}

/// A record after a write.
struct Written<'a> {
    crm: &'a Crm,
    kind: ObjectKind,
    id: u64,
    shown: Selection,
}

impl Written<'_> {
    fn view(&self) -> Option<View<'_>> {
        let table = self.crm.table(self.kind);
        Some(View::of(self.crm, table, table.live.get(&self.id)?, &self.shown))
    }
}

#[derive(Deserialize)]
struct Patch {
    #[serde(default)]
    properties: Map<String, Value>,
}

pub(crate) fn update(
    crm: &mut Crm,
    request: &Request,
    caller: &Caller,
    kind: ObjectKind,
    id: &str,
) -> Result<Answer, Problem> {
    let input: Patch = request.json()?;
    let table = crm.table(kind);
    let id = locate(table, id, request.query("idProperty"))?.ok_or_else(Problem::not_found)?;
    let changes = check_existing(crm, caller, kind, id, &input.properties, &mut Claims::new())?;
    crm.update(kind, id, &changes, request.now, &caller.source());
    // HubSpot answers an update with what was sent, not with the whole record.
    let names: Vec<String> = input.properties.keys().cloned().collect();
    let mut shown = Selection::of(crm.table(kind), &names);
    if names.is_empty() {
        shown = Selection::of(crm.table(kind), &["hs_object_id".to_owned()]);
    }
    Ok(Answer::json(200, &Written { crm, kind, id, shown }.view()))
}

/// Archiving an id that is already gone is no error.
pub(crate) fn archive(
    crm: &mut Crm,
    request: &Request,
    caller: &Caller,
    kind: ObjectKind,
    id: &str,
) -> Answer {
    if let Ok(id) = id.parse() {
        crm.archive(kind, id, request.now, &caller.source());
    }
    Answer::empty(204)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MergeInput {
    primary_object_id: String,
    object_id_to_merge: String,
}

pub(crate) fn merge(
    crm: &mut Crm,
    request: &Request,
    caller: &Caller,
    kind: ObjectKind,
) -> Result<Answer, Problem> {
    let input: MergeInput = request.json()?;
    let (Ok(primary), Ok(other)) = (input.primary_object_id.parse(), input.object_id_to_merge.parse()) else {
        return Err(Problem::validation("primaryObjectId and objectIdToMerge must be record ids."));
    };
    if crm.table(kind).resolve(primary) == crm.table(kind).resolve(other) {
        return Err(Problem::validation("A record cannot be merged with itself."));
    }
    let id = crm
        .merge(kind, primary, other, request.now, &caller.source())
        .map_err(|refusal| Problem::refused(&refusal, kind, caller.portal))?;
    Ok(Answer::json(200, &Written { crm, kind, id, shown: Selection::everything() }.view()))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct EraseInput {
    object_id: String,
    id_property: Option<String>,
}

pub(crate) fn erase(
    crm: &mut Crm,
    request: &Request,
    caller: &Caller,
    kind: ObjectKind,
) -> Result<Answer, Problem> {
    let input: EraseInput = request.json()?;
    if let Some(id) = locate(crm.table(kind), &input.object_id, input.id_property.as_deref())? {
        crm.purge(kind, id, &caller.source());
    }
    Ok(Answer::empty(204))
}
