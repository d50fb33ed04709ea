//! Links between contacts and companies, and the associations API. Type ids as HubSpot documents them: contact to
//! company 279, primary 1; company to contact 280, primary 2.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::answer::Answer;
use crate::request::Request;

use super::access::Caller;
use super::crm::Crm;
use super::problem::Problem;
use super::record::Record;
use super::server::Shared;
use super::state::ObjectKind;
use super::time::iso;

/// Linked records shown with a record before the list needs paging.
const INLINE: usize = 100;
/// The largest page of one record's links.
const PER_PAGE: usize = 500;
const MOST_READ: usize = 1_000;
const MOST_WRITTEN: usize = 2_000;

fn type_ids(from: ObjectKind) -> (u32, u32, &'static str) {
    match from {
        ObjectKind::Contact => (279, 1, "contact_to_company"),
        ObjectKind::Company => (280, 2, "company_to_contact"),
    }
}

/// The two ends that a path names. Links between records of one type are not part of a sandbox portal.
fn ends(from: &str, to: &str) -> Result<ObjectKind, Problem> {
    let parse = |name: &str| ObjectKind::parse(name).ok_or_else(|| Problem::kind(name));
    match (parse(from)?, parse(to)?) {
        (from, to) if from == to => Err(Problem::validation(format!(
            "The sandbox has no associations from {0} to {0}.",
            from.plural()
        ))),
        (from, _) => Ok(from),
    }
}

fn other(kind: ObjectKind) -> ObjectKind {
    match kind {
        ObjectKind::Contact => ObjectKind::Company,
        ObjectKind::Company => ObjectKind::Contact,
    }
}

/// The link's contact and company, whichever side is named first.
fn pair(from: ObjectKind, id: u64, to: u64) -> (u64, u64) {
    match from {
        ObjectKind::Contact => (id, to),
        ObjectKind::Company => (to, id),
    }
}

/// A contact's first company is its primary one.
fn is_primary(crm: &Crm, from: ObjectKind, id: u64, to: u64) -> bool {
    let (contact, company) = pair(from, id, to);
    crm.links.of(ObjectKind::Contact, contact).first() == Some(&company)
}

/// The `associations` element of a record.
pub(crate) fn inline(
    crm: &Crm,
    kind: ObjectKind,
    record: &Record,
    wanted: &[ObjectKind],
) -> Map<String, Value> {
    let mut out = Map::new();
    let (_, _, label) = type_ids(kind);
    for other in wanted.iter().filter(|other| **other != kind) {
        let linked = crm.linked(kind, record);
        if linked.is_empty() {
            continue;
        }
        let mut results = Vec::new();
        for id in linked.iter().take(INLINE) {
            if is_primary(crm, kind, record.id, *id) {
                results.push(json!({"id": id.to_string(), "type": label}));
            }
            results.push(json!({"id": id.to_string(), "type": format!("{label}_unlabeled")}));
        }
        let mut list = json!({"results": results});
        if linked.len() > INLINE
            && let Some(last) = linked.get(INLINE - 1)
            && let Value::Object(fields) = &mut list
        {
            fields.insert("paging".into(), json!({"next": {"after": last.to_string()}}));
        }
        out.insert(other.plural().to_owned(), list);
    }
    out
}

/// The targets of one record as the v4 API lists them.
fn targets(crm: &Crm, kind: ObjectKind, record: &Record) -> Vec<Value> {
    let (plain, primary, _) = type_ids(kind);
    let entry = |type_id: u32, label: Value| json!({"category": "HUBSPOT_DEFINED", "typeId": type_id, "label": label});
    crm.linked(kind, record)
        .iter()
        .map(|id| {
            let mut types = vec![entry(plain, Value::Null)];
            if is_primary(crm, kind, record.id, *id) {
                types.insert(0, entry(primary, "Primary".into()));
            }
            json!({"toObjectId": id, "associationTypes": types})
        })
        .collect()
}

fn stored(crm: &Crm, kind: ObjectKind, id: &str) -> Option<u64> {
    crm.table(kind).find(id.parse().ok()?).map(|record| record.id)
}

/// Links two records, whichever side is named first. False when one of them does not exist.
pub(crate) fn link(crm: &mut Crm, from: ObjectKind, id: &str, to: &str) -> bool {
    let (Some(id), Some(to)) = (stored(crm, from, id), stored(crm, other(from), to)) else { return false };
    let (contact, company) = pair(from, id, to);
    crm.links.link(contact, company);
    crm.revision += 1;
    true
}

/// Links with types; the primary one goes before the others.
fn link_as(crm: &mut Crm, from: ObjectKind, id: &str, to: &str, types: &[LinkType]) -> bool {
    if !link(crm, from, id, to) {
        return false;
    }
    let (_, primary, _) = type_ids(from);
    if let (true, Some(id), Some(to)) = (
        types.iter().any(|one| one.association_type_id == primary),
        stored(crm, from, id),
        stored(crm, other(from), to),
    ) {
        let (contact, company) = pair(from, id, to);
        crm.links.make_primary(contact, company);
    }
    true
}

/// Ends a link; one that is not there is no error.
fn unlink(crm: &mut Crm, from: ObjectKind, id: &str, to: &str) {
    if let (Some(id), Some(to)) = (stored(crm, from, id), stored(crm, other(from), to)) {
        let (contact, company) = pair(from, id, to);
        crm.links.unlink(contact, company);
        crm.revision += 1;
    }
}

/// `objects/{type}/{id}/associations/...`; `tail` is what follows.
pub(crate) fn of_record(
    shared: &Shared,
    request: &Request,
    kind: ObjectKind,
    id: &str,
    tail: &[&str],
) -> Result<Answer, Problem> {
    match (request.method.as_str(), tail) {
        ("GET", [to]) => {
            ends(kind.plural(), to)?;
            list(&shared.crm(), request, kind, id)
        }
        ("PUT", ["default", to, target]) => {
            ends(kind.plural(), to)?;
            if !link(&mut shared.crm_mut(), kind, id, target) {
                return Err(Problem::not_found());
            }
            Ok(batch_answer(200, request, vec![defaulted(kind, id, target)], Vec::new()))
        }
        ("PUT", [to, target]) => {
            ends(kind.plural(), to)?;
            let types: Vec<LinkType> = request.json()?;
            check_types(kind, &types)?;
            if !link_as(&mut shared.crm_mut(), kind, id, target, &types) {
                return Err(Problem::not_found());
            }
            Ok(Answer::json(201, &linked_pair(kind, id, target)))
        }
        ("DELETE", [to, target]) => {
            ends(kind.plural(), to)?;
            unlink(&mut shared.crm_mut(), kind, id, target);
            Ok(Answer::empty(204))
        }
        (_, [_] | [_, _] | ["default", _, _]) => Err(Problem::method()),
        _ => Err(Problem::not_found()),
    }
}

/// One record's links, in pages.
fn list(crm: &Crm, request: &Request, kind: ObjectKind, id: &str) -> Result<Answer, Problem> {
    let record = id.parse().ok().and_then(|id| crm.table(kind).find(id)).ok_or_else(Problem::not_found)?;
    let limit = match request.query("limit").unwrap_or("500").parse() {
        Ok(limit) if (1..=PER_PAGE).contains(&limit) => limit,
        _ => return Err(Problem::validation(format!("Invalid limit: it must be between 1 and {PER_PAGE}."))),
    };
    let after = request.query("after").filter(|after| !after.is_empty()).unwrap_or("0");
    let offset: usize =
        after.parse().map_err(|_| Problem::validation(format!("Invalid paging cursor: {after}")))?;
    let all = targets(crm, kind, record);
    let end = offset.saturating_add(limit);
    let mut body = json!({"results": all.iter().skip(offset).take(limit).collect::<Vec<_>>()});
    if let (true, Value::Object(fields)) = (end < all.len(), &mut body) {
        let after = end.to_string();
        let link = request.link_with("after", &after);
        fields.insert("paging".into(), json!({"next": {"after": after, "link": link}}));
    }
    Ok(Answer::json(200, &body))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LinkType {
    association_type_id: u32,
}

fn check_types(from: ObjectKind, types: &[LinkType]) -> Result<(), Problem> {
    let (plain, primary, _) = type_ids(from);
    match types.iter().find(|one| ![plain, primary].contains(&one.association_type_id)) {
        None => Ok(()),
        Some(wrong) => Err(Problem::validation(format!(
            "associationTypeId {} does not go from {} to {}.",
            wrong.association_type_id,
            from.plural(),
            other(from).plural()
        ))),
    }
}

fn linked_pair(from: ObjectKind, id: &str, to: &str) -> Value {
    json!({"fromObjectTypeId": from.type_id(), "fromObjectId": id,
           "toObjectTypeId": other(from).type_id(), "toObjectId": to, "labels": []})
}

fn defaulted(from: ObjectKind, id: &str, to: &str) -> Value {
    let (plain, _, _) = type_ids(from);
    json!({"from": {"id": id}, "to": {"id": to},
           "associationSpec": {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": plain}})
}

#[derive(Deserialize)]
struct Inputs<T> {
    inputs: Vec<T>,
}

#[derive(Deserialize)]
struct Id {
    id: String,
}

/// An input of a batch that links.
#[derive(Deserialize)]
struct Link {
    from: Id,
    to: Id,
    #[serde(default)]
    types: Vec<LinkType>,
}

/// An input of a batch that unlinks. v4 names several targets, v3 one.
#[derive(Deserialize)]
struct Unlink {
    from: Id,
    to: Targets,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Targets {
    Many(Vec<Id>),
    One(Id),
}

fn inputs<T: serde::de::DeserializeOwned>(request: &Request, most: usize) -> Result<Vec<T>, Problem> {
    let Inputs { inputs } = request.json::<Inputs<T>>()?;
    if inputs.len() <= most {
        return Ok(inputs);
    }
    Err(Problem::validation(format!("The batch has {} inputs; the maximum is {most}.", inputs.len())))
}

/// `associations/{from}/{to}/...`; `tail` is what follows.
pub(crate) fn route(
    shared: &Shared,
    request: &Request,
    caller: &Caller,
    [from, to]: [&str; 2],
    tail: &[&str],
    legacy: bool,
) -> Result<Answer, Problem> {
    let from = ends(from, to)?;
    let reading = matches!(tail, ["labels"] | ["types"] | ["batch", "read"]);
    if reading {
        caller.needs_read(from)?
    } else {
        caller.needs_write(from)?
    }
    match (request.method.as_str(), tail) {
        ("GET", ["labels"]) => Ok(Answer::json(200, &json!({"results": labels(from)}))),
        ("POST", ["batch", "read"]) => {
            let ids = inputs::<Id>(request, MOST_READ)?;
            let (results, errors) = read(&shared.crm(), from, &ids, legacy);
            Ok(batch_answer(200, request, results, errors))
        }
        ("POST", ["batch", "create"]) => {
            let links = inputs::<Link>(request, MOST_WRITTEN)?;
            links.iter().try_for_each(|input| check_types(from, &input.types))?;
            let (results, errors) = create(&mut shared.crm_mut(), from, &links, |input| match legacy {
                true => {
                    let (_, _, label) = type_ids(from);
                    json!({"from": {"id": input.from.id}, "to": {"id": input.to.id}, "type": label})
                }
                false => linked_pair(from, &input.from.id, &input.to.id),
            });
            Ok(batch_answer(201, request, results, errors))
        }
        ("POST", ["batch", "associate", "default"]) => {
            let links = inputs::<Link>(request, MOST_WRITTEN)?;
            let (results, errors) = create(&mut shared.crm_mut(), from, &links, |input| {
                defaulted(from, &input.from.id, &input.to.id)
            });
            Ok(batch_answer(200, request, results, errors))
        }
        ("POST", ["batch", "archive"]) => {
            let ended = inputs::<Unlink>(request, MOST_WRITTEN)?;
            let mut crm = shared.crm_mut();
            for input in &ended {
                let targets = match &input.to {
                    Targets::Many(ids) => ids.as_slice(),
                    Targets::One(id) => std::slice::from_ref(id),
                };
                targets.iter().for_each(|to| unlink(&mut crm, from, &input.from.id, &to.id));
            }
            Ok(Answer::empty(204))
        }
        _ => Err(Problem::not_found()),
    }
}

fn labels(from: ObjectKind) -> Value {
    let (plain, primary, _) = type_ids(from);
    json!([{"category": "HUBSPOT_DEFINED", "typeId": primary, "label": "Primary"},
           {"category": "HUBSPOT_DEFINED", "typeId": plain, "label": null}])
}

fn missing(from: ObjectKind, sub: &str, message: String, id: &str) -> Value {
    let (_, _, label) = type_ids(from);
    json!({"status": "error", "category": "OBJECT_NOT_FOUND", "subCategory": format!("crm.associations.{sub}"),
           "message": message.replace("{label}", label), "context": {"fromObjectId": [id]}})
}

/// The links of each record; one without any is an error of its own.
fn read(crm: &Crm, from: ObjectKind, ids: &[Id], legacy: bool) -> (Vec<Value>, Vec<Value>) {
    let mut results = Vec::new();
    let mut errors = Vec::new();
    for Id { id } in ids {
        let record = id.parse().ok().and_then(|id| crm.table(from).find(id));
        let mut to = record.map(|record| targets(crm, from, record)).unwrap_or_default();
        if to.is_empty() {
            let message = format!("No {{label}} associations found for {id}");
            errors.push(missing(from, "NO_ASSOCIATIONS_FOUND", message, id));
            continue;
        }
        if legacy {
            let (_, _, label) = type_ids(from);
            to = to
                .iter()
                .filter_map(|target| target.get("toObjectId").and_then(Value::as_u64))
                .map(|id| json!({"id": id.to_string(), "type": label}))
                .collect();
        }
        results.push(json!({"from": {"id": id}, "to": to}));
    }
    (results, errors)
}

fn create(
    crm: &mut Crm,
    from: ObjectKind,
    links: &[Link],
    shown: impl Fn(&Link) -> Value,
) -> (Vec<Value>, Vec<Value>) {
    let mut results = Vec::new();
    let mut errors = Vec::new();
    for input in links {
        if link_as(crm, from, &input.from.id, &input.to.id, &input.types) {
            results.push(shown(input));
        } else {
            let message = format!("No {{label}} can be made from {} to {}", input.from.id, input.to.id);
            errors.push(missing(from, "OBJECT_NOT_FOUND", message, &input.from.id));
        }
    }
    (results, errors)
}

/// A batch's answer: 207 when some inputs failed.
pub(crate) fn batch_answer(
    status: u16,
    request: &Request,
    results: Vec<Value>,
    errors: Vec<Value>,
) -> Answer {
    let at = iso(request.now);
    let status = if errors.is_empty() { status } else { 207 };
    let mut body = json!({"status": "COMPLETE", "results": results, "startedAt": at, "completedAt": at});
    if let (false, Value::Object(fields)) = (errors.is_empty(), &mut body) {
        fields.insert("numErrors".into(), errors.len().into());
        fields.insert("errors".into(), errors.into());
    }
    Answer::json(status, &body)
}
