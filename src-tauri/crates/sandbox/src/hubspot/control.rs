//! The sandbox's own paths: `/__sandbox/...` for tests that run the program, `/` for a person. None is an API call.

use serde_json::{Map, Value, json};

use crate::answer::Answer;
use crate::faults::load_faults;
use crate::request::Request;

use super::page;
use super::portal::{Portal, PortalError};
use super::request::properties;
use super::server::Shared;
use super::state::ObjectKind;

pub(crate) fn route(shared: &std::sync::Arc<Shared>, request: &Request) -> Option<Answer> {
    let portal = Portal { shared: shared.clone() };
    let segments: Vec<&str> = request.segments.iter().map(String::as_str).collect();
    match (request.method.as_str(), segments.as_slice()) {
        ("GET", []) => Some(page::list(&portal, request)),
        // A browser asks for it on its own; that is nobody's API call.
        ("GET", ["favicon.ico"]) => Some(Answer::empty(404)),
        ("GET" | "POST", ["look", tail @ ..]) => page::route(&portal, request, tail),
        (method, ["__sandbox", tail @ ..]) => Some(control(&portal, request, method, tail)),
        _ => None,
    }
}

fn error(status: u16, message: &str) -> Answer {
    Answer::json(status, &json!({"status": "error", "message": message}))
}

fn refused(refusal: &PortalError) -> Answer {
    let status = match refusal {
        PortalError::NotFound => 404,
        PortalError::Exists(_) => 409,
        PortalError::Invalid(_) => 400,
    };
    error(status, &refusal.to_string())
}

fn control(portal: &Portal, request: &Request, method: &str, tail: &[&str]) -> Answer {
    match (method, tail) {
        ("GET", ["state"]) => {
            let crm = portal.shared.crm();
            let faults = portal.shared.frame.faults().all();
            Answer::json(
                200,
                &json!({"contacts": crm.contacts.live.len(), "archivedContacts": crm.contacts.archived.len(),
                        "companies": crm.companies.live.len(), "archivedCompanies": crm.companies.archived.len(),
                        "callCount": portal.call_count(), "calls": portal.calls(), "writes": crm.writes,
                        "faults": faults}),
            )
        }
        ("GET", [name]) => match ObjectKind::parse(name) {
            Some(kind) => {
                let number = |name: &str| request.query(name).and_then(|text| text.parse::<u64>().ok());
                let limit = usize::try_from(number("limit").unwrap_or(100)).unwrap_or(usize::MAX);
                let results = portal.records_after(kind, number("after").unwrap_or(0), limit);
                Answer::json(200, &json!({"total": portal.count(kind), "results": results}))
            }
            None => error(404, "unknown control path"),
        },
        ("GET", [name, id]) => match ObjectKind::parse(name).and_then(|kind| portal.record(kind, id)) {
            Some(record) => Answer::json(200, &record),
            None => error(404, "there is no such record"),
        },
        ("POST", ["faults"]) => match load_faults(&String::from_utf8_lossy(&request.body)) {
            Ok(faults) => {
                portal.set_faults(faults);
                Answer::empty(204)
            }
            Err(refusal) => error(400, &refusal.to_string()),
        },
        ("POST", [name, id, "merge", other]) => match ObjectKind::parse(name) {
            Some(kind) => portal
                .merge_records(kind, id, other)
                .map_or_else(|refusal| refused(&refusal), |id| Answer::json(200, &json!({ "id": id }))),
            None => error(404, "unknown control path"),
        },
        ("POST", ["reset-calls"]) => {
            portal.reset_calls();
            Answer::empty(204)
        }
        ("POST", ["expire-tokens"]) => {
            portal.expire_access_tokens();
            Answer::empty(204)
        }
        ("POST", [name, rest @ ..]) => match ObjectKind::parse(name) {
            Some(kind) => write(portal, request, kind, rest),
            None => error(404, "unknown control path"),
        },
        ("DELETE", [name, id]) => match ObjectKind::parse(name) {
            Some(kind) if portal.archive_record(kind, id) => Answer::empty(204),
            _ => error(404, "there is no such record"),
        },
        _ => error(404, "unknown control path"),
    }
}

/// `POST contacts` creates, `POST contacts/{id}` sets, `POST contacts/{id}/restore` brings back. The body is an object of
/// properties.
fn write(portal: &Portal, request: &Request, kind: ObjectKind, rest: &[&str]) -> Answer {
    if let [id, "restore"] = rest {
        return portal.restore(kind, id).map_or_else(|refusal| refused(&refusal), |()| Answer::empty(204));
    }
    let input: Map<String, Value> = match request.json() {
        Ok(input) => input,
        Err(problem) => return problem.answer("sandbox"),
    };
    // Both `{"firstname": "Ann"}` and the API's own `{"properties": {...}}` are understood.
    let input = match input.get("properties") {
        Some(Value::Object(inner)) => inner.clone(),
        _ => input,
    };
    let values = match properties(&input) {
        Ok(values) => values,
        Err(problem) => return problem.answer("sandbox"),
    };
    let values: Vec<(&str, &str)> =
        values.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    match rest {
        [] => portal
            .create_record(kind, &values)
            .map_or_else(|refusal| refused(&refusal), |id| Answer::json(201, &json!({ "id": id }))),
        [id] => match portal.set_record(kind, id, &values) {
            Ok(()) => Answer::json(200, &portal.record(kind, id)),
            Err(refusal) => refused(&refusal),
        },
        _ => error(404, "unknown control path"),
    }
}
