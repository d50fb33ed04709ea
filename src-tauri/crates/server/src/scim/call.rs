//! A request that was let in, and what is answered.

use std::sync::Arc;

use api::App;
use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value, json};

use super::{
    bookmarks::Bookmarks,
    door::Habits,
    refusal::{MEDIA_TYPE, Refusal},
    schema::Kind,
    turns::Turns,
};
use crate::precondition::Tags;

const LIST: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
const OLD: &str = "urn:scim:schemas:core:1.0";

/// The version of SCIM that a path speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    Two,
    /// Users alone, for WSO2's connector of that version.
    OneOne,
}

/// A request.
pub(crate) struct Call {
    pub app: Arc<App>,
    pub bookmarks: Arc<Bookmarks>,
    pub turns: Arc<Turns>,
    pub habits: Habits,
    pub dialect: Dialect,
    /// Where this part of the server is found.
    pub base: String,
    pub query: Vec<(String, String)>,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Call {
    /// The body as an object.
    pub fn object(&self) -> Result<Map<String, Value>, Refusal> {
        if let Some(kind) = self.headers.get(header::CONTENT_TYPE) {
            let kind = kind
                .to_str()
                .unwrap_or_default()
                .split(';')
                .next()
                .unwrap_or_default()
                .trim()
                .to_ascii_lowercase();
            if kind != "application/json" && !(kind.starts_with("application/") && kind.ends_with("+json")) {
                return Err(Refusal::new(
                    StatusCode::UNSUPPORTED_MEDIA_TYPE,
                    None,
                    format!("the request's body must be {MEDIA_TYPE} or application/json"),
                ));
            }
        }
        // The parser's own words may repeat what it read, and that may be a password.
        match serde_json::from_slice(&self.body) {
            Ok(Value::Object(body)) => Ok(body),
            Ok(_) => Err(Refusal::syntax("the request's body must be a JSON object")),
            Err(error) => Err(Refusal::syntax(format!(
                "the request's body is not valid JSON, or nested too deeply (line {}, column {})",
                error.line(),
                error.column()
            ))),
        }
    }

    /// A parameter of the query, its name in any case.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The revisions of which one must be in force, by the header If-Match.
    pub fn if_match(&self) -> Result<Option<Tags>, Refusal> {
        Tags::read(&self.headers, header::IF_MATCH).map_err(Refusal::syntax)
    }

    /// The revisions of which none must be in force, by the header If-None-Match.
    pub fn if_none_match(&self) -> Result<Option<Tags>, Refusal> {
        Tags::read(&self.headers, header::IF_NONE_MATCH).map_err(Refusal::syntax)
    }

    /// Where a resource is found.
    pub fn location(&self, kind: &Kind, id: &str) -> String {
        let id = id_in_path(id);
        match self.dialect {
            Dialect::Two => format!("{}/{}/{id}", self.base, kind.plural),
            Dialect::OneOne => format!("{}/{id}", self.base),
        }
    }
}

fn id_in_path(id: &str) -> String {
    let mut url = url::Url::parse("http://localhost/").ok();
    if let Some(mut parts) = url.as_mut().and_then(|url| url.path_segments_mut().ok()) {
        parts.clear().push(id);
    }
    url.map_or_else(|| id.to_owned(), |url| url.path().trim_start_matches('/').to_owned())
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub status: StatusCode,
    document: Option<Value>,
    location: Option<String>,
}

impl Answer {
    pub fn ok(document: Value) -> Self {
        Self { status: StatusCode::OK, document: Some(document), location: None }
    }

    pub fn created(document: Value, location: String) -> Self {
        Self { status: StatusCode::CREATED, document: Some(document), location: Some(location) }
    }

    pub fn empty(status: StatusCode) -> Self {
        Self { status, document: None, location: None }
    }

    /// A part of a list.
    pub fn list(total: usize, start: usize, resources: Vec<Value>) -> Self {
        Self::ok(json!({
            "schemas": [LIST],
            "totalResults": total,
            "startIndex": start,
            "itemsPerPage": resources.len(),
            "Resources": resources,
        }))
    }

    pub fn respond(self, dialect: Dialect) -> Response {
        let Self { status, mut document, location } = self;
        let version = document.as_ref().and_then(|d| d.pointer("/meta/version")).and_then(Value::as_str);
        let version = version.map(str::to_owned);
        if let (Dialect::OneOne, Some(document)) = (dialect, &mut document) {
            speak_old(document);
        }
        let mut response = match document {
            Some(document) => (status, document.to_string()).into_response(),
            None => status.into_response(),
        };
        let kind = if dialect == Dialect::OneOne { "application/json" } else { MEDIA_TYPE };
        let headers = response.headers_mut();
        if status == StatusCode::NO_CONTENT || status == StatusCode::NOT_MODIFIED {
            headers.remove(header::CONTENT_TYPE);
        } else {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        }
        for (name, value) in [(header::ETAG, version), (header::LOCATION, location)] {
            if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
                headers.insert(name, value);
            }
        }
        response
    }
}

/// A refusal as SCIM 1.1 has it.
pub(crate) fn refuse(refusal: Refusal, dialect: Dialect) -> Response {
    if dialect == Dialect::Two {
        return refusal.into_response();
    }
    let body =
        json!({"Errors": [{"description": refusal.detail, "code": refusal.status.as_u16().to_string()}]});
    let mut response = refusal.into_response();
    *response.body_mut() = body.to_string().into();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn speak_old(document: &mut Value) {
    let Value::Object(parts) = document else { return };
    parts.insert("schemas".into(), json!([OLD]));
    for resource in parts.get_mut("Resources").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Value::Object(resource) = resource {
            resource.shift_remove("schemas");
        }
    }
}
