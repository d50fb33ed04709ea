//! Batches of up to 100 inputs and HubSpot's three ways to answer them: all done, all refused, or 207 with both.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::answer::Answer;
use crate::request::Request;

use super::access::Caller;
use super::crm::Crm;
use super::objects::{Association, associate, check_existing, check_new, locate};
use super::problem::Problem;
use super::state::{Changes, Claims, ObjectKind};
use super::time::iso;
use super::view::{Selection, View};

const MOST: usize = 100;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    status: &'static str,
    results: Vec<View<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    num_errors: Option<usize>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Value>,
    started_at: String,
    completed_at: String,
}

/// What one input has come to.
struct Done {
    id: u64,
    trace: Option<String>,
    new: Option<bool>,
}

fn answer(
    crm: &Crm,
    kind: ObjectKind,
    request: &Request,
    status: u16,
    selection: &Selection,
    done: &[Done],
    errors: Vec<Value>,
) -> Answer {
    let table = crm.table(kind);
    let results = done
        .iter()
        .filter_map(|done| {
            let record = table.live.get(&done.id).or_else(|| table.archived.get(&done.id))?;
            let mut view = View::of(crm, table, record, selection);
            view.new = done.new;
            view.trace = done.trace.as_deref();
            Some(view)
        })
        .collect();
    let at = iso(request.now);
    let body = Body {
        status: "COMPLETE",
        results,
        num_errors: Some(errors.len()).filter(|count| *count > 0),
        started_at: at.clone(),
        completed_at: at,
        errors,
    };
    Answer::json(if body.errors.is_empty() { status } else { 207 }, &body)
}

fn missing(kind: ObjectKind, ids: Vec<String>) -> Value {
    let noun = kind.singular().to_uppercase();
    json!({"status": "error", "category": "OBJECT_NOT_FOUND",
           "message": format!("Could not get some {noun} objects, they may be deleted or not exist. Check that ids are valid."),
           "context": {"ids": ids}})
}

fn check_size(count: usize, most: usize) -> Result<(), Problem> {
    if count <= most {
        return Ok(());
    }
    Err(Problem::validation(format!("The batch has {count} inputs; the maximum is {most}.")))
}

/// The inputs of a batch that writes.
#[derive(Deserialize)]
struct Inputs {
    inputs: Vec<Write>,
}

/// One input; which fields count depends on the operation.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Write {
    #[serde(default)]
    id: String,
    #[serde(default)]
    id_property: Option<String>,
    #[serde(default)]
    properties: Map<String, Value>,
    #[serde(default)]
    associations: Vec<Association>,
    #[serde(default)]
    object_write_trace_id: Option<String>,
}

/// Why an input is not carried out.
enum Refused {
    /// The batch is refused whatever its inputs carry.
    Whole(Problem),
    /// This input alone if the inputs are traced, the batch otherwise.
    Input(Problem),
    /// There is no such record; never a reason to refuse the others.
    Missing,
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Refused {
        Refused::Input(problem)
    }
}

/// What is left of a batch when all its inputs have been looked at and nothing has been done yet.
struct Checked<T> {
    /// What is to be done, with the input's trace id.
    ready: Vec<(T, Option<String>)>,
    errors: Vec<Value>,
}

/// Reads the inputs and checks every one before the first is carried out: without trace ids a batch is all or nothing,
/// with them it is told input by input.
fn checked<T>(
    request: &Request,
    kind: ObjectKind,
    mut check: impl FnMut(&mut Write) -> Result<T, Refused>,
) -> Result<Checked<T>, Problem> {
    let Inputs { inputs } = request.json()?;
    check_size(inputs.len(), MOST)?;
    let traced = are_traced(&inputs)?;
    let (mut ready, mut errors, mut unknown) = (Vec::new(), Vec::new(), Vec::new());
    for mut input in inputs {
        let outcome = check(&mut input);
        let context = input.object_write_trace_id.as_ref().map(|trace| json!([trace]));
        match (outcome, context) {
            (Ok(done), _) => ready.push((done, input.object_write_trace_id)),
            (Err(Refused::Input(problem)), trace) if traced => {
                let context = trace.map_or_else(|| json!({}), |trace| json!({"objectWriteTraceId": trace}));
                errors.push(problem.in_batch(context));
            }
            (Err(Refused::Whole(problem) | Refused::Input(problem)), _) => return Err(problem),
            (Err(Refused::Missing), None) => unknown.push(input.id),
            (Err(Refused::Missing), Some(trace)) => {
                let mut error = missing(kind, vec![input.id]);
                if let Some(Value::Object(context)) = error.get_mut("context") {
                    context.insert("objectWriteTraceId".into(), trace);
                }
                errors.push(error);
            }
        }
    }
    if !unknown.is_empty() {
        errors.push(missing(kind, unknown));
    }
    Ok(Checked { ready, errors })
}

/// Whether the inputs carry trace ids; a refusal when one is given twice.
fn are_traced(inputs: &[Write]) -> Result<bool, Problem> {
    let mut seen = BTreeSet::new();
    for trace in inputs.iter().filter_map(|input| input.object_write_trace_id.as_deref()) {
        if !seen.insert(trace) {
            return Err(Problem::validation(format!("Duplicate objectWriteTraceId {trace} in the batch.")));
        }
    }
    Ok(!seen.is_empty())
}

#[derive(Deserialize)]
struct Id {
    id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReadInput {
    inputs: Vec<Id>,
    #[serde(default)]
    id_property: Option<String>,
    #[serde(default)]
    properties: Vec<String>,
    #[serde(default)]
    properties_with_history: Vec<String>,
}

pub(crate) fn read(crm: &Crm, request: &Request, kind: ObjectKind) -> Result<Answer, Problem> {
    let input: ReadInput = request.json()?;
    check_size(input.inputs.len(), if input.properties_with_history.is_empty() { MOST } else { 50 })?;
    let table = crm.table(kind);
    let selection =
        Selection::of(table, &input.properties).with_history(table, &input.properties_with_history);
    let archived = request.query_flag("archived");
    let mut found: Vec<Done> = Vec::new();
    let mut unknown = Vec::new();
    for Id { id } in input.inputs {
        let record = if archived {
            id.parse().ok().filter(|id| table.archived.contains_key(id))
        } else {
            locate(table, &id, input.id_property.as_deref())?
        };
        match record {
            // Two ids of one merged record, or a primary and a secondary address, are one result.
            Some(id) if found.iter().any(|done| done.id == id) => {}
            Some(id) => found.push(Done { id, trace: None, new: None }),
            None => unknown.push(id),
        }
    }
    let errors = if unknown.is_empty() { Vec::new() } else { vec![missing(kind, unknown)] };
    Ok(answer(crm, kind, request, 200, &selection, &found, errors))
}

pub(crate) fn create(
    crm: &mut Crm,
    request: &Request,
    caller: &Caller,
    kind: ObjectKind,
) -> Result<Answer, Problem> {
    let mut claims = Claims::new();
    let Checked { ready, errors } = checked(request, kind, |input| {
        let changes = check_new(crm, caller, kind, &input.properties, &mut claims)?;
        Ok((changes, std::mem::take(&mut input.associations)))
    })?;
    let mut done = Vec::new();
    for ((changes, associations), trace) in ready {
        let id = crm.create(kind, &changes, request.now, caller.source());
        associate(crm, kind, id, &associations);
        done.push(Done { id, trace, new: None });
    }
    Ok(answer(crm, kind, request, 201, &Selection::everything(), &done, errors))
}

/// A record may stand in a batch once.
fn once<T: Ord>(seen: &mut BTreeSet<T>, key: T, id: &str) -> Result<(), Refused> {
    if seen.insert(key) {
        return Ok(());
    }
    let message = format!("Duplicate IDs found in batch input: [{id}]. IDs must be unique");
    Err(Refused::Whole(Problem::validation(message)))
}

fn not_unique(kind: ObjectKind, name: &str) -> Problem {
    let message = format!("Unable to perform update/upsert by non-unique {} property {name}", kind.type_id());
    Problem::validation(message.trim_end())
}

pub(crate) fn update(
    crm: &mut Crm,
    request: &Request,
    caller: &Caller,
    kind: ObjectKind,
) -> Result<Answer, Problem> {
    let mut claims = Claims::new();
    let mut seen = BTreeSet::new();
    let Checked { ready, errors } = checked(request, kind, |input| {
        // By e-mail address only batch/upsert works; reports quote this text for batch/update.
        if input.id_property.as_deref() == Some("email") {
            return Err(Refused::Whole(not_unique(kind, "")));
        }
        let id = locate(crm.table(kind), &input.id, input.id_property.as_deref())
            .map_err(Refused::Whole)?
            .ok_or(Refused::Missing)?;
        once(&mut seen, id, &input.id)?;
        Ok((id, check_existing(crm, caller, kind, id, &input.properties, &mut claims)?))
    })?;
    let mut done = Vec::new();
    let mut names = BTreeSet::new();
    for ((id, changes), trace) in ready {
        names.extend(names_of(crm, kind, &changes));
        crm.update(kind, id, &changes, request.now, &caller.source());
        done.push(Done { id, trace, new: None });
    }
    let selection = Selection::of(crm.table(kind), &names.into_iter().collect::<Vec<_>>());
    Ok(answer(crm, kind, request, 200, &selection, &done, errors))
}

fn names_of(crm: &Crm, kind: ObjectKind, changes: &Changes) -> Vec<String> {
    let properties = &crm.table(kind).properties;
    changes.iter().filter_map(|(id, _)| properties.get(*id)).map(|property| property.name.clone()).collect()
}

pub(crate) fn upsert(
    crm: &mut Crm,
    request: &Request,
    caller: &Caller,
    kind: ObjectKind,
) -> Result<Answer, Problem> {
    let mut claims = Claims::new();
    let mut seen = BTreeSet::new();
    let mut key: Option<String> = None;
    let Checked { ready, errors } = checked(request, kind, |input| {
        let name = input.id_property.clone().unwrap_or_default();
        let table = crm.table(kind);
        let unique = table.properties.find(&name).filter(|(_, property)| property.unique);
        let (property, _) = unique.ok_or_else(|| Refused::Whole(not_unique(kind, &name)))?;
        if *key.get_or_insert_with(|| name.clone()) != name {
            let message = "All inputs of an upsert must use the same idProperty.";
            return Err(Refused::Whole(Problem::validation(message)));
        }
        let existing = table.holder(property, &input.id);
        let same = existing.map_or_else(|| input.id.to_lowercase(), |id| format!("#{id}"));
        once(&mut seen, same, &input.id)?;
        let changes = match existing {
            Some(id) => check_existing(crm, caller, kind, id, &input.properties, &mut claims)?,
            None => {
                input.properties.entry(name).or_insert_with(|| input.id.clone().into());
                check_new(crm, caller, kind, &input.properties, &mut claims)?
            }
        };
        Ok((existing, changes))
    })?;
    let mut done = Vec::new();
    for ((existing, changes), trace) in ready {
        let id = match existing {
            Some(id) => crm.update(kind, id, &changes, request.now, &caller.source()).unwrap_or(id),
            None => crm.create(kind, &changes, request.now, caller.source()),
        };
        done.push(Done { id, trace, new: Some(existing.is_none()) });
    }
    Ok(answer(crm, kind, request, 200, &Selection::everything(), &done, errors))
}

/// Ids that are already gone are not reported.
pub(crate) fn archive(
    crm: &mut Crm,
    request: &Request,
    caller: &Caller,
    kind: ObjectKind,
) -> Result<Answer, Problem> {
    let source = caller.source();
    let Checked { ready, .. } = checked(request, kind, |input| Ok(input.id.parse::<u64>().ok()))?;
    for id in ready.into_iter().filter_map(|(id, _)| id) {
        crm.archive(kind, id, request.now, &source);
    }
    Ok(Answer::empty(204))
}
