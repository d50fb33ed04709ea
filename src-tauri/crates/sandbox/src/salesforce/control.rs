//! The sandbox's own paths: `/__sandbox/...` for tests that run the program, `/` for a person. None is an API call.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::answer::Answer;
use crate::request::Request;

use super::catalogue::{find, objects};
use super::faults::load_faults;
use super::org::{Org, OrgError};
use super::page;
use super::server::Shared;

pub(crate) fn route(shared: &Arc<Shared>, request: &Request) -> Option<Answer> {
    let org = Org { shared: shared.clone() };
    let segments: Vec<&str> = request.segments.iter().map(String::as_str).collect();
    match (request.method.as_str(), segments.as_slice()) {
        ("GET", []) => find("User").map(|object| page::list(&org, request, object)),
        ("GET" | "POST", ["look", tail @ ..]) => {
            Some(page::route(&org, request, tail).unwrap_or_else(|| error(404, "there is no such page")))
        }
        // A browser asks for it on its own; that is nobody's API call.
        ("GET", ["favicon.ico"]) => Some(Answer::empty(404)),
        (method, ["__sandbox", tail @ ..]) => Some(control(&org, request, method, tail)),
        _ => None,
    }
}

fn error(status: u16, message: &str) -> Answer {
    Answer::json(status, &json!({ "error": message }))
}

fn refused(refusal: &OrgError) -> Answer {
    error(if *refusal == OrgError::NotFound { 404 } else { 400 }, &refusal.to_string())
}

fn control(org: &Org, request: &Request, method: &str, tail: &[&str]) -> Answer {
    match (method, tail) {
        ("GET", ["state"]) => state(org),
        ("GET", ["calls"]) => Answer::json(200, &json!({"count": org.call_count(), "calls": org.calls()})),
        ("GET", ["writes"]) => Answer::json(200, &org.writes()),
        ("POST", ["faults"]) => match load_faults(&String::from_utf8_lossy(&request.body)) {
            Ok(faults) => {
                org.set_faults(faults);
                Answer::empty(204)
            }
            Err(refusal) => error(400, &refusal.to_string()),
        },
        ("POST", ["clock"]) => clock(org, request),
        ("POST", ["instance-url"]) => match request.object() {
            Ok(body) => {
                org.set_instance_url(body.get("url").and_then(Value::as_str).map(str::to_owned));
                Answer::empty(204)
            }
            Err(problem) => problem.answer(),
        },
        (
            "POST",
            [action @ ("reset" | "reset-calls" | "expire-sessions" | "revoke-all" | "expire-cursors")],
        ) => {
            match *action {
                "reset" => org.reset(),
                "reset-calls" => org.reset_calls(),
                "expire-sessions" => org.expire_sessions(),
                "revoke-all" => org.revoke_all(),
                _ => org.expire_cursors(),
            }
            Answer::empty(204)
        }
        (_, [name, ..]) if find(name).is_none() => error(404, "unknown control path"),
        ("GET", [name]) => {
            let limit = request.query("limit").and_then(|text| text.parse().ok()).unwrap_or(100);
            let results = org.records_after(name, request.query("after").unwrap_or_default(), limit);
            Answer::json(200, &json!({"total": org.count(name), "results": results}))
        }
        ("GET", [name, id]) => match org.record(name, id) {
            Some(record) => Answer::json(200, &record),
            None => refused(&OrgError::NotFound),
        },
        ("POST", [name, id, "undelete"]) => {
            if org.undelete(name, id) {
                Answer::empty(204)
            } else {
                refused(&OrgError::NotFound)
            }
        }
        ("POST", [name, rest @ ..]) => write(org, request, name, rest),
        ("DELETE", [name, id]) => {
            org.delete(name, id).map_or_else(|refusal| refused(&refusal), |()| Answer::empty(204))
        }
        _ => error(404, "unknown control path"),
    }
}

fn state(org: &Org) -> Answer {
    let counts: Map<String, Value> =
        objects().iter().map(|object| (object.name.to_owned(), org.count(object.name).into())).collect();
    let faults = org.shared.inner().faults.document();
    let mut faults = faults.as_object().cloned().unwrap_or_default();
    faults.insert("faults".into(), json!(org.shared.frame.faults().all()));
    Answer::json(
        200,
        &json!({"records": counts, "callCount": org.call_count(), "writeCount": org.writes().len(),
                "tokens": org.tokens(), "openCursors": org.shared.cursors().count(), "now": org.now(),
                "faults": faults}),
    )
}

/// `{"advanceMs": 60000}`
fn clock(org: &Org, request: &Request) -> Answer {
    let body = match request.object() {
        Ok(body) => body,
        Err(problem) => return problem.answer(),
    };
    match body.get("advanceMs").and_then(Value::as_i64).filter(|ms| *ms >= 0) {
        Some(ms) => {
            org.advance(ms);
            Answer::json(200, &json!({ "now": org.now() }))
        }
        None => error(400, "advanceMs must be a whole number of milliseconds, 0 or more"),
    }
}

/// `POST User` creates, `POST User/{id}` sets. The body is an object of fields.
fn write(org: &Org, request: &Request, name: &str, rest: &[&str]) -> Answer {
    let body = match request.object() {
        Ok(body) => body,
        Err(problem) => return problem.answer(),
    };
    let texts: Vec<(String, String)> = body
        .into_iter()
        .map(|(name, value)| {
            let text = match value {
                Value::Null => String::new(),
                Value::String(text) => text,
                other => other.to_string(),
            };
            (name, text)
        })
        .collect();
    let fields: Vec<(&str, &str)> =
        texts.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    match rest {
        [] => org
            .create(name, &fields)
            .map_or_else(|refusal| refused(&refusal), |id| Answer::json(201, &json!({ "id": id }))),
        [id] => match org.set(name, id, &fields) {
            Ok(()) => Answer::json(200, &org.record(name, id)),
            Err(refusal) => refused(&refusal),
        },
        _ => error(404, "unknown control path"),
    }
}
