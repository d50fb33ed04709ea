//! Batches of up to 100 inputs and HubSpot's three ways to answer them: all done, all refused, or 207 with both.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::answer::Answer;

use super::access::Caller;
use super::crm::Crm;
use super::objects::{Input, associate, locate};
use super::problem::Problem;
use super::request::{Request, properties};
use super::state::{Changes, Claims, ObjectKind};
use super::time::iso;
use super::view::{Selection, View};

const MOST: usize = 100;

#[derive(Deserialize)]
struct Inputs<T> {
    inputs: Vec<T>,
}

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

/// Trace ids in use, or a refusal when one is given twice. Empty when the caller sent none: then it is all or nothing.
fn traced<'a>(traces: impl Iterator<Item = Option<&'a str>>) -> Result<bool, Problem> {
    let mut seen = BTreeSet::new();
    for trace in traces.flatten() {
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
    let Inputs { inputs } = request.json::<Inputs<Input>>()?;
    check_size(inputs.len(), MOST)?;
    let separate = traced(inputs.iter().map(|input| input.object_write_trace_id.as_deref()))?;
    let mut claims = Claims::new();
    let mut ready: Vec<(Changes, Input)> = Vec::new();
    let mut errors = Vec::new();
    for input in inputs {
        match check_new(crm, caller, kind, &input.properties, &mut claims) {
            Ok(changes) => ready.push((changes, input)),
            Err(problem) if separate => {
                errors.push(problem.in_batch(trace_context(&input.object_write_trace_id)))
            }
            Err(problem) => return Err(problem),
        }
    }
    let mut done = Vec::new();
    for (changes, input) in ready {
        let id = crm.create(kind, &changes, request.now, caller.source());
        associate(crm, kind, id, &input.associations);
        done.push(Done { id, trace: input.object_write_trace_id, new: None });
    }
    Ok(answer(crm, kind, request, 201, &Selection::everything(), &done, errors))
}

fn check_new(
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

fn check_existing(
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

fn trace_context(trace: &Option<String>) -> Value {
    match trace {
        Some(trace) => json!({"objectWriteTraceId": [trace]}),
        None => json!({}),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WriteInput {
    id: String,
    #[serde(default)]
    id_property: Option<String>,
    #[serde(default)]
    properties: Map<String, Value>,
    #[serde(default)]
    object_write_trace_id: Option<String>,
}

fn duplicate(key: &str) -> Problem {
    Problem::validation(format!("Duplicate IDs found in batch input: [{key}]. IDs must be unique"))
}

pub(crate) fn update(
    crm: &mut Crm,
    request: &Request,
    caller: &Caller,
    kind: ObjectKind,
) -> Result<Answer, Problem> {
    let Inputs { inputs } = request.json::<Inputs<WriteInput>>()?;
    check_size(inputs.len(), MOST)?;
    let separate = traced(inputs.iter().map(|input| input.object_write_trace_id.as_deref()))?;
    let mut claims = Claims::new();
    let mut seen = BTreeSet::new();
    let mut ready = Vec::new();
    let mut unknown = Vec::new();
    let mut errors = Vec::new();
    for input in inputs {
        // By e-mail address only batch/upsert works; reports quote this text for batch/update.
        if input.id_property.as_deref() == Some("email") {
            return Err(Problem::validation(format!(
                "Unable to perform update/upsert by non-unique {} property",
                kind.type_id()
            )));
        }
        let Some(id) = locate(crm.table(kind), &input.id, input.id_property.as_deref())? else {
            match &input.object_write_trace_id {
                Some(_) => {
                    let mut error = missing(kind, vec![input.id]);
                    if let Some(Value::Object(context)) = error.get_mut("context") {
                        context.insert("objectWriteTraceId".into(), json!([input.object_write_trace_id]));
                    }
                    errors.push(error);
                }
                None => unknown.push(input.id),
            }
            continue;
        };
        if !seen.insert(id) {
            return Err(duplicate(&input.id));
        }
        match check_existing(crm, caller, kind, id, &input.properties, &mut claims) {
            Ok(changes) => ready.push((id, changes, input.object_write_trace_id)),
            Err(problem) if separate => {
                errors.push(problem.in_batch(trace_context(&input.object_write_trace_id)))
            }
            Err(problem) => return Err(problem),
        }
    }
    let mut done = Vec::new();
    let mut names = BTreeSet::new();
    for (id, changes, trace) in ready {
        names.extend(names_of(crm, kind, &changes));
        crm.update(kind, id, &changes, request.now, &caller.source());
        done.push(Done { id, trace, new: None });
    }
    if !unknown.is_empty() {
        errors.push(missing(kind, unknown));
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
    let Inputs { inputs } = request.json::<Inputs<WriteInput>>()?;
    check_size(inputs.len(), MOST)?;
    let separate = traced(inputs.iter().map(|input| input.object_write_trace_id.as_deref()))?;
    let key = inputs.first().and_then(|input| input.id_property.clone()).unwrap_or_default();
    let unique =
        crm.table(kind).properties.find(&key).filter(|(_, property)| property.unique).map(|(id, _)| id);
    let Some(key_id) = unique else {
        return Err(Problem::validation(format!(
            "Unable to perform update/upsert by non-unique {} property {key}",
            kind.type_id()
        )));
    };
    let mut claims = Claims::new();
    let mut seen = BTreeSet::new();
    let mut ready: Vec<(Option<u64>, Changes, Option<String>)> = Vec::new();
    let mut errors = Vec::new();
    for mut input in inputs {
        if input.id_property.as_deref() != Some(key.as_str()) {
            return Err(Problem::validation("All inputs of an upsert must use the same idProperty."));
        }
        let existing = crm.table(kind).holder(key_id, &input.id);
        let same = existing.map_or_else(|| input.id.to_lowercase(), |id| format!("#{id}"));
        if !seen.insert(same) {
            return Err(duplicate(&input.id));
        }
        let checked = match existing {
            Some(id) => check_existing(crm, caller, kind, id, &input.properties, &mut claims),
            None => {
                input.properties.entry(key.clone()).or_insert_with(|| input.id.clone().into());
                check_new(crm, caller, kind, &input.properties, &mut claims)
            }
        };
        match checked {
            Ok(changes) => ready.push((existing, changes, input.object_write_trace_id)),
            Err(problem) if separate => {
                errors.push(problem.in_batch(trace_context(&input.object_write_trace_id)))
            }
            Err(problem) => return Err(problem),
        }
    }
    let mut done = Vec::new();
    for (existing, changes, trace) in ready {
        let (id, new) = match existing {
            Some(id) => {
                crm.update(kind, id, &changes, request.now, &caller.source());
                (id, false)
            }
            None => (crm.create(kind, &changes, request.now, caller.source()), true),
        };
        done.push(Done { id, trace, new: Some(new) });
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
    let Inputs { inputs } = request.json::<Inputs<Id>>()?;
    check_size(inputs.len(), MOST)?;
    for id in inputs.iter().filter_map(|input| input.id.parse().ok()) {
        crm.archive(kind, id, request.now, &caller.source());
    }
    Ok(Answer::empty(204))
}
