//! From a request to its operation, and from the operation's answer to a response.

use std::{collections::BTreeMap, sync::Arc};

use api::{ApiScope, in_the_name_of};
use axum::{
    Router,
    body::{Body, Bytes},
    extract::{RawPathParams, Request, rejection::RawPathParamsRejection},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
    routing::any,
};
use futures::StreamExt as _;
use serde_json::Value;

use super::operation::{Answer, COMMON, Call, Content, Kind, Operation, Parameter, Place};
use crate::{Shared, access::Presented, gate, problem::Problem};

const ACTION: &str = "_action";

/// The operations of one path.
struct Here {
    shared: Arc<Shared>,
    operations: Vec<Operation>,
}

/// A route for every path that an operation has.
pub(crate) fn routes(operations: Vec<Operation>, shared: Arc<Shared>) -> Router {
    let mut by_path: BTreeMap<&'static str, Vec<Operation>> = BTreeMap::new();
    for operation in operations {
        by_path.entry(operation.path).or_default().push(operation);
    }
    by_path.into_iter().fold(Router::new(), |router, (path, operations)| {
        let here = Arc::new(Here { shared: Arc::clone(&shared), operations });
        let answer =
            any(move |path: Result<RawPathParams, RawPathParamsRejection>, request: Request| async move {
                here.answer(path, request).await.unwrap_or_else(Problem::into_response)
            });
        // A slash at the end makes no difference to IDM.
        router.route(path, answer.clone()).route(&format!("{path}/"), answer)
    })
}

impl Here {
    async fn answer(
        &self,
        path: Result<RawPathParams, RawPathParamsRejection>,
        request: Request,
    ) -> Result<Response, Problem> {
        let presented = Presented::read(request.headers());
        let caller = self.shared.access.caller(gate::peer(&request), &presented).await?;
        let _place = self.shared.room.place().await?;
        let path: Vec<(String, String)> = path
            .map_err(|_| Problem::bad_request("the request's path is not UTF-8"))?
            .iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let query = read_query(request.uri().query().unwrap_or_default())?;
        let operation = self.operation(request.method(), &query)?;
        if caller.scope == ApiScope::Read && !operation.reads {
            let what =
                format!("the token `{}` may only read; make one with the scope full for this", caller.name);
            return Err(Problem::new(StatusCode::FORBIDDEN, what));
        }
        check_parameters(operation, &query)?;
        let headers = request.headers().clone();
        let body = read_body(operation, request).await?;
        let pretty =
            query.iter().any(|(name, value)| name == "_prettyPrint" && value.eq_ignore_ascii_case("true"));
        let who = caller.name.clone();
        let call = Call { shared: Arc::clone(&self.shared), path, query, headers, body, caller };
        in_the_name_of(who, (operation.run)(call)).await.map(|answer| respond(answer, pretty))
    }

    fn operation(&self, method: &Method, query: &[(String, String)]) -> Result<&Operation, Problem> {
        let method = if method == Method::HEAD { "GET" } else { method.as_str() };
        let mut same: Vec<&Operation> = self.operations.iter().filter(|o| o.method == method).collect();
        if same.is_empty() {
            let mut allowed: Vec<&str> = self.operations.iter().map(|o| o.method).collect();
            allowed.sort_unstable();
            allowed.dedup();
            let allowed = allowed.join(", ");
            return Err(Problem::new(
                StatusCode::METHOD_NOT_ALLOWED,
                format!("{method} cannot be used here; use one of: {allowed}"),
            )
            .with(header::ALLOW, &allowed));
        }
        let action = query.iter().find(|(name, _)| name == ACTION).map(|(_, value)| value.as_str());
        let actions: Vec<&str> = same.iter().filter_map(|o| o.action).collect();
        // A POST without an action creates, as in CREST.
        let wanted = action.or_else(|| actions.contains(&"create").then_some("create"));
        if !actions.is_empty() || action.is_some() {
            same.retain(|o| o.action == wanted);
        }
        same.first().copied().ok_or_else(|| {
            let known = actions.join(", ");
            Problem::bad_request(match action {
                Some(action) if known.is_empty() => format!("_action={action} cannot be used here"),
                Some(action) => format!("_action={action} cannot be used here; use one of: {known}"),
                None => format!("the parameter _action is missing; use one of: {known}"),
            })
        })
    }
}

/// The pairs of a query, as they were sent.
fn read_query(text: &str) -> Result<Vec<(String, String)>, Problem> {
    let pairs: Vec<(String, String)> = url::form_urlencoded::parse(text.as_bytes()).into_owned().collect();
    for (name, _) in pairs.iter().filter(|(name, _)| name.starts_with('_')) {
        refuse_twice(name, &pairs)?;
    }
    Ok(pairs)
}

/// Only one of two values could be heeded, and the other would be passed over.
fn refuse_twice(name: &str, query: &[(String, String)]) -> Result<(), Problem> {
    match query.iter().filter(|(other, _)| other == name).count() {
        0 | 1 => Ok(()),
        _ => Err(Problem::bad_request(format!("the parameter {name} is given twice"))),
    }
}

/// A reserved parameter that nobody reads is a mistake that should be heard of; others are the caller's own.
fn check_parameters(operation: &Operation, query: &[(String, String)]) -> Result<(), Problem> {
    let known = || operation.parameters.iter().chain(&COMMON).filter(|p| p.place == Place::Query);
    for (name, value) in query {
        match known().find(|parameter| parameter.name == name) {
            Some(parameter) => {
                refuse_twice(name, query)?;
                check_value(parameter, value)?;
            }
            None if name == ACTION && operation.action.is_some() => {}
            None if name.starts_with('_') => {
                return Err(Problem::bad_request(format!("the parameter {name} cannot be used here")));
            }
            None => {}
        }
    }
    for parameter in known().filter(|parameter| parameter.required) {
        if !query.iter().any(|(name, value)| name == parameter.name && !value.is_empty()) {
            return Err(Problem::bad_request(format!("the parameter {} is missing", parameter.name)));
        }
    }
    Ok(())
}

fn check_value(parameter: &Parameter, value: &str) -> Result<(), Problem> {
    let name = parameter.name;
    let wrong = |what: String| Err(Problem::bad_request(format!("the parameter {name} must be {what}")));
    match parameter.kind {
        Kind::Text => Ok(()),
        Kind::Number(most) if value.parse::<u64>().is_ok_and(|n| n <= most) => Ok(()),
        Kind::Number(most) => wrong(format!("a whole number from 0 to {most}")),
        Kind::Switch if ["true", "false"].iter().any(|word| word.eq_ignore_ascii_case(value)) => Ok(()),
        Kind::Switch => wrong("true or false".into()),
        Kind::Word(words) if words.contains(&value) => Ok(()),
        Kind::Word(words) => wrong(format!("one of {}", words.join(", "))),
    }
}

async fn read_body(operation: &Operation, request: Request) -> Result<Option<Value>, Problem> {
    let is_json = is_json(request.headers());
    let bytes = gate::body(request).await?;
    let Some(expected) = operation.body else { return Ok(None) };
    if bytes.is_empty() {
        return match expected.required {
            true => Err(Problem::bad_request("the request's body is missing; send a JSON document")),
            false => Ok(None),
        };
    }
    if !is_json {
        return Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "the request's body must be JSON; send the header Content-Type: application/json",
        ));
    }
    serde_json::from_slice(&bytes).map(Some).map_err(|error| {
        let text = error.to_string();
        Problem::bad_request(if text.contains("recursion limit") {
            "the request's body is nested too deeply; 127 levels are read".to_owned()
        } else {
            format!("the request's body is not valid JSON: {text}")
        })
    })
}

fn is_json(headers: &HeaderMap) -> bool {
    let Some(kind) = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()) else {
        return false;
    };
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"))
}

fn respond(answer: Answer, pretty: bool) -> Response {
    let Answer { status, content, revision, location } = answer;
    let body = match content {
        Content::Document(document) => {
            let text = if pretty { format!("{document:#}\n") } else { document.to_string() };
            Body::from(text)
        }
        Content::Pieces(pieces) => Body::from_stream(pieces.map(|piece| match piece {
            Ok(text) => Ok(Bytes::from(text)),
            Err(problem) => {
                tracing::warn!(message = problem.message, "a list was broken off");
                Err(std::io::Error::other(problem.message))
            }
        })),
    };
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for (name, value) in
        [(header::ETAG, revision.map(|revision| format!("\"{revision}\""))), (header::LOCATION, location)]
    {
        if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
            headers.insert(name, value);
        }
    }
    response
}
