//! Several calls in one: composite with references between them, batches, and graphs, each of which is done or not.
//!
//! Where a part is taken back, only this call's own writes are; what another caller writes at that moment is not kept
//! apart from it.

use std::collections::{HashMap, HashSet};

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value, json};

use crate::answer::{Answer, JSON};
use crate::request::{Request, pairs, segments};

use super::problem::Problem;
use super::routes;
use super::server::Shared;

/// Parts of one composite or batch.
const MOST_PARTS: usize = 25;
/// Queries and collections among the parts of one composite.
const MOST_HEAVY: usize = 5;
/// Graphs of one call, and parts of all of them together.
const MOST_GRAPHS: usize = 75;
const MOST_NODES: usize = 500;
/// Graphs came with this version.
const GRAPHS: u16 = 50;

pub(crate) fn route(
    shared: &Shared,
    request: &Request,
    version: u16,
    method: &str,
    tail: &[&str],
) -> Result<Answer, Problem> {
    match (method, tail) {
        ("GET", []) => Ok(resources(version)),
        ("POST", []) => composite(shared, request),
        ("POST", ["batch"]) => batch(shared, request),
        ("POST", ["graph"]) if version >= GRAPHS => graphs(shared, request),
        (_, []) => Err(Problem::method(method, "GET,POST")),
        (_, ["batch" | "graph"]) => Err(Problem::method(method, "POST")),
        _ => Err(Problem::not_found()),
    }
}

fn resources(version: u16) -> Answer {
    let base = format!("/services/data/v{version}.0/composite");
    Answer::json(
        200,
        &json!({"tree": format!("{base}/tree"), "graph": format!("{base}/graph"),
                "batch": format!("{base}/batch"), "sobjects": format!("{base}/sobjects")}),
    )
}

/// A part of a composite or a graph.
struct Part<'a> {
    method: &'a str,
    url: &'a str,
    id: &'a str,
    body: Option<&'a Value>,
    headers: Option<&'a Map<String, Value>>,
}

fn text<'a>(body: &'a Map<String, Value>, name: &str) -> &'a str {
    body.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn list<'a>(body: &'a Map<String, Value>, name: &str) -> Result<&'a Vec<Value>, Problem> {
    let missing = || Problem::new(400, "MISSING_ARGUMENT", format!("The {name} of the request are missing"));
    body.get(name).and_then(Value::as_array).ok_or_else(missing)
}

fn parts<'a>(body: &'a Map<String, Value>, most: usize) -> Result<Vec<Part<'a>>, Problem> {
    let all = list(body, "compositeRequest")?;
    if all.len() > most {
        let message = format!("A call takes {most} subrequests at most, and this one has {}", all.len());
        return Err(Problem::new(400, "LIMIT_EXCEEDED", message));
    }
    let mut known = HashSet::new();
    all.iter()
        .map(|part| {
            let part = part.as_object().ok_or_else(|| Problem::json("A subrequest is not a JSON object"))?;
            let id = text(part, "referenceId");
            let plain = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            if id.is_empty() || !plain || !known.insert(id) {
                let message =
                    format!("referenceId `{id}` is missing, doubled, or not made of letters, digits and _");
                return Err(Problem::new(400, "INVALID_INPUT", message));
            }
            Ok(Part {
                method: text(part, "method"),
                url: text(part, "url"),
                id,
                body: part.get("body"),
                headers: part.get("httpHeaders").and_then(Value::as_object),
            })
        })
        .collect()
}

/// How a part ended.
struct Done {
    id: String,
    status: u16,
    headers: Map<String, Value>,
    body: Value,
}

impl Done {
    fn refused(id: &str, problem: &Problem) -> Done {
        let answer = problem.answer();
        Done { id: id.to_owned(), status: answer.status, headers: Map::new(), body: read(&answer) }
    }

    fn halted(id: &str, message: impl Into<String>) -> Done {
        Done::refused(id, &Problem::new(400, "PROCESSING_HALTED", message))
    }

    fn is_fine(&self) -> bool {
        (200..300).contains(&self.status)
    }

    fn document(&self) -> Value {
        json!({"body": self.body, "httpHeaders": self.headers, "httpStatusCode": self.status,
               "referenceId": self.id})
    }
}

/// The body of an answer as a part of another one's.
fn read(answer: &Answer) -> Value {
    if answer.content_type == JSON {
        return serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
    }
    match answer.body.as_slice() {
        [] => Value::Null,
        body => String::from_utf8_lossy(body).into_owned().into(),
    }
}

/// Carries out one part. Its address is below `/services/data/vNN.0/`; other resources cannot be part of a call.
fn carry_out(
    shared: &Shared,
    request: &Request,
    method: &str,
    url: &str,
    body: Option<&Value>,
    headers: Option<&Map<String, Value>>,
) -> Result<Answer, Problem> {
    let wrong = |why: &str| Problem::new(400, "INVALID_INPUT", format!("{why}: {url}"));
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let path = format!("/{}", path.trim_start_matches('/'));
    let path = if path.starts_with("/services/data/") { path } else { format!("/services/data{path}") };
    let segments = segments(&path);
    let names: Vec<&str> = segments.iter().map(String::as_str).collect();
    let [_, _, version, tail @ ..] = names.as_slice() else {
        return Err(wrong("no resource has this address"));
    };
    let version = routes::version(version).ok_or_else(|| wrong("the address names no API version"))?;
    let nested = matches!(tail, ["composite"] | ["composite", "batch" | "graph" | "tree", ..]);
    if nested || matches!(tail, ["jobs", ..]) {
        return Err(wrong("this resource cannot be part of another call"));
    }
    let mut all: HeaderMap = request.headers.clone();
    for (name, value) in headers.into_iter().flatten() {
        let own =
            ["accept", "authorization", "content-type"].iter().any(|own| name.eq_ignore_ascii_case(own));
        let header = HeaderName::from_bytes(name.as_bytes()).ok();
        let value = value.as_str().and_then(|text| HeaderValue::from_str(text).ok());
        if let (false, Some(header), Some(value)) = (own, header, value) {
            all.insert(header, value);
        }
    }
    let part = Request {
        method: method.to_owned(),
        path,
        query: pairs(query.as_bytes()),
        headers: all,
        base: request.base.clone(),
        body: body
            .filter(|body| !body.is_null())
            .map(|body| body.to_string().into_bytes())
            .unwrap_or_default(),
        now: request.now,
        segments: segments.clone(),
        id: request.id.clone(),
    };
    routes::route(shared, &part, version, tail)
}

/// `@{reference.Id}` and the like, replaced by what an earlier part answered.
fn resolved(text: &str, answers: &HashMap<String, Done>) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("@{") {
        let (name, behind) = after.split_once('}').ok_or("a reference is not closed")?;
        let missing = || format!("Invalid reference specified. No value for {name} found");
        let (id, path) = name.split_once('.').ok_or_else(missing)?;
        let answer = answers.get(id.trim()).filter(|done| done.is_fine()).ok_or_else(missing)?;
        let pointer: String = path
            .split('.')
            .flat_map(|step| {
                // `records[0].Id`
                let step = step.replace('[', "/").replace(']', "");
                ['/'].into_iter().chain(step.chars().collect::<Vec<_>>())
            })
            .collect();
        out.push_str(before);
        match answer.body.pointer(&pointer) {
            Some(Value::String(text)) => out.push_str(text),
            Some(Value::Null | Value::Array(_) | Value::Object(_)) | None => return Err(missing()),
            Some(other) => out.push_str(&other.to_string()),
        }
        rest = behind;
    }
    out.push_str(rest);
    Ok(out)
}

/// The same in every text of a body.
fn resolved_body(body: &Value, answers: &HashMap<String, Done>) -> Result<Value, String> {
    Ok(match body {
        Value::String(text) => resolved(text, answers)?.into(),
        Value::Array(items) => {
            items.iter().map(|item| resolved_body(item, answers)).collect::<Result<Vec<_>, _>>()?.into()
        }
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| Ok((name.clone(), resolved_body(value, answers)?)))
            .collect::<Result<Map<_, _>, String>>()?
            .into(),
        other => other.clone(),
    })
}

/// Carries out parts in order. With `all_or_none` the first failure takes everything back.
fn in_order(shared: &Shared, request: &Request, parts: &[Part<'_>], all_or_none: bool) -> Vec<Done> {
    if all_or_none {
        shared.tables_mut().begin();
    }
    let mut answers: HashMap<String, Done> = HashMap::new();
    let mut failed = None;
    for part in parts {
        if failed.is_some() && all_or_none {
            break;
        }
        let done = one(shared, request, part, &answers);
        if !done.is_fine() {
            failed.get_or_insert(part.id);
        }
        answers.insert(part.id.to_owned(), done);
    }
    let taken_back = all_or_none && failed.is_some();
    if taken_back {
        shared.tables_mut().roll_back();
    } else if all_or_none {
        shared.tables_mut().settle();
    }
    let rolled_back =
        "The transaction was rolled back since another operation in the same transaction failed.";
    parts
        .iter()
        .map(|part| match answers.remove(part.id) {
            Some(done) if !taken_back || failed == Some(part.id) => done,
            _ => Done::halted(part.id, rolled_back),
        })
        .collect()
}

fn one(shared: &Shared, request: &Request, part: &Part<'_>, answers: &HashMap<String, Done>) -> Done {
    let resolved = resolved(part.url, answers)
        .and_then(|url| Ok((url, part.body.map(|body| resolved_body(body, answers)).transpose()?)));
    let (url, body) = match resolved {
        Ok(both) => both,
        Err(message) => return Done::halted(part.id, message),
    };
    match carry_out(shared, request, part.method, &url, body.as_ref(), part.headers) {
        Ok(answer) => {
            let headers = answer.headers.iter().filter(|(name, _)| name == "location");
            let headers = headers.map(|(_, value)| ("Location".to_owned(), value.as_str().into())).collect();
            Done { id: part.id.to_owned(), status: answer.status, headers, body: read(&answer) }
        }
        Err(problem) => Done::refused(part.id, &problem),
    }
}

fn composite(shared: &Shared, request: &Request) -> Result<Answer, Problem> {
    let body = request.object()?;
    let parts = parts(&body, MOST_PARTS)?;
    let heavy =
        parts.iter().filter(|part| part.url.contains("/query") || part.url.contains("/composite/sobjects"));
    if heavy.count() > MOST_HEAVY {
        let message = format!("At most {MOST_HEAVY} subrequests can be queries or collections");
        return Err(Problem::new(400, "LIMIT_EXCEEDED", message));
    }
    let all_or_none = body.get("allOrNone").and_then(Value::as_bool).unwrap_or(false);
    let done: Vec<Value> =
        in_order(shared, request, &parts, all_or_none).iter().map(Done::document).collect();
    Ok(Answer::json(200, &json!({ "compositeResponse": done })))
}

fn graphs(shared: &Shared, request: &Request) -> Result<Answer, Problem> {
    let body = request.object()?;
    let graphs = list(&body, "graphs")?;
    let nodes = graphs.iter().filter_map(|graph| graph.get("compositeRequest")?.as_array()).map(Vec::len);
    if graphs.len() > MOST_GRAPHS || nodes.sum::<usize>() > MOST_NODES {
        let message = format!("A call takes {MOST_GRAPHS} graphs with {MOST_NODES} nodes at most");
        return Err(Problem::new(400, "LIMIT_EXCEEDED", message));
    }
    let mut done = Vec::new();
    for graph in graphs {
        let graph = graph.as_object().ok_or_else(|| Problem::json("A graph is not a JSON object"))?;
        let parts = parts(graph, MOST_NODES)?;
        let answers = in_order(shared, request, &parts, true);
        let responses: Vec<Value> = answers.iter().map(Done::document).collect();
        done.push(
            json!({"graphId": text(graph, "graphId"), "isSuccessful": answers.iter().all(Done::is_fine),
                         "graphResponse": {"compositeResponse": responses}}),
        );
    }
    Ok(Answer::json(200, &json!({ "graphs": done })))
}

fn batch(shared: &Shared, request: &Request) -> Result<Answer, Problem> {
    let body = request.object()?;
    let parts = list(&body, "batchRequests")?;
    if parts.len() > MOST_PARTS {
        let message =
            format!("A batch takes {MOST_PARTS} requests at most, and this one has {}", parts.len());
        return Err(Problem::new(400, "LIMIT_EXCEEDED", message));
    }
    let halting = body.get("haltOnError").and_then(Value::as_bool).unwrap_or(false);
    let (mut results, mut errors) = (Vec::new(), false);
    for part in parts {
        let part = part.as_object().ok_or_else(|| Problem::json("A request is not a JSON object"))?;
        let answer = if errors && halting {
            let message = "Batch processing was halted per request";
            Problem::new(412, "BATCH_PROCESSING_HALTED", message).answer()
        } else {
            carry_out(shared, request, text(part, "method"), text(part, "url"), part.get("richInput"), None)
                .unwrap_or_else(|problem| problem.answer())
        };
        errors |= answer.status >= 400;
        results.push(json!({"statusCode": answer.status, "result": read(&answer)}));
    }
    Ok(Answer::json(200, &json!({"hasErrors": errors, "results": results})))
}
