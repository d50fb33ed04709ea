//! The shapes of SCIM's answers and what its refusals mean (RFC 7644, section 3.12).

use std::time::Duration;

use reqwest::header::{HeaderMap, LOCATION};
use serde_json::{Map, Value};
use url::Url;

use super::shape::get;
use crate::error::{ConnectorError, ErrorKind};
use crate::http::{Answer, Call, Dialect, Judgement};

/// The schema of error documents.
const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";

/// A page of a list.
#[derive(Debug, Default)]
pub(super) struct ListPage {
    /// How many there are, where the server tells.
    pub total: Option<u64>,
    pub resources: Vec<Map<String, Value>>,
    /// Where a list by cursor goes on (RFC 9865).
    pub next_cursor: Option<String>,
}

impl ListPage {
    pub fn read(answer: &Answer) -> Result<Self, String> {
        let document: Value = answer.json()?;
        if let Some(problem) = Problem::of_document(&document) {
            return Err(format!(
                "the server answered with an error in the place of a list: {}",
                problem.words()
            ));
        }
        let list = match &document {
            // Some servers give the bare list.
            Value::Array(items) => return Ok(Self { resources: objects(items)?, ..Self::default() }),
            Value::Object(list) => list,
            _ => return Err("the answer is not a list".to_owned()),
        };
        let total = get(list, "totalResults").and_then(number);
        let resources = match get(list, "Resources") {
            None | Some(Value::Null) if total.is_some() => Vec::new(),
            Some(Value::Array(items)) => objects(items)?,
            _ => return Err("the answer has neither Resources nor totalResults".to_owned()),
        };
        let next_cursor = get(list, "nextCursor").and_then(Value::as_str).filter(|c| !c.is_empty());
        Ok(Self { total, resources, next_cursor: next_cursor.map(str::to_owned) })
    }
}

fn objects(items: &[Value]) -> Result<Vec<Map<String, Value>>, String> {
    items
        .iter()
        .map(|item| {
            item.as_object().cloned().ok_or_else(|| "the list holds something that is no resource".to_owned())
        })
        .collect()
}

/// A number, also one in quotes.
fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.trim().parse().ok())
}

/// The id of a resource.
pub(super) fn id_of(resource: &Map<String, Value>) -> Option<String> {
    match get(resource, "id")? {
        Value::String(id) if !id.is_empty() => Some(id.clone()),
        Value::Number(id) => Some(id.to_string()),
        _ => None,
    }
}

/// An error document.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Problem {
    pub scim_type: String,
    pub detail: String,
}

impl Problem {
    /// The error that a body tells; SCIM's, else whatever text it has under the usual names.
    pub fn of_body(body: &[u8]) -> Self {
        let Ok(Value::Object(document)) = serde_json::from_slice::<Value>(body) else {
            return Self::default();
        };
        Self::of_object(&document)
    }

    /// The error that a document is, although it came as a success.
    pub fn of_document(document: &Value) -> Option<Self> {
        let object = document.as_object()?;
        let is_error = get(object, "schemas")?.as_array()?.iter().any(|s| s.as_str() == Some(ERROR));
        is_error.then(|| Self::of_object(object))
    }

    fn of_object(document: &Map<String, Value>) -> Self {
        let text = |name: &str| get(document, name).and_then(Value::as_str).filter(|t| !t.is_empty());
        // SCIM 1.1 and some gateways put it one step deeper.
        let inner = get(document, "Errors")
            .and_then(|e| e.as_array()?.first()?.as_object())
            .and_then(|e| get(e, "description").and_then(Value::as_str));
        let detail =
            text("detail").or(inner).or(text("message")).or(text("error_description")).or(text("error"));
        Self {
            scim_type: clean(text("scimType").unwrap_or_default()),
            detail: clean(detail.unwrap_or_default()),
        }
    }

    pub fn is(&self, types: &[&str]) -> bool {
        types.iter().any(|t| self.scim_type.eq_ignore_ascii_case(t))
    }

    /// The server's words and its code.
    pub fn words(&self) -> String {
        let detail = if self.detail.is_empty() { "no explanation" } else { &self.detail };
        let detail = detail.trim_end_matches('.');
        if self.scim_type.is_empty() { detail.to_owned() } else { format!("{detail} ({})", self.scim_type) }
    }

    /// What to do about it, where the code tells.
    pub fn remedy(&self) -> Option<&'static str> {
        Some(match self.scim_type.to_ascii_lowercase().as_str() {
            "uniqueness" => {
                "another record has a value that must be unique: correct the value, or let the mapping correlate with that record"
            }
            "invalidvalue" => {
                "correct the value in the source record, or give the attribute one in the mapping"
            }
            "mutability" => {
                "the attribute cannot be changed: set it on create only, or take it out of the mapping"
            }
            "invalidpath" | "notarget" => {
                "the server has no such attribute or element: read its schema again and correct the mapping, or set updateMethod to PUT"
            }
            "invalidfilter" => "the server does not understand this condition: simplify it",
            "invalidsyntax" => {
                "the server does not understand the request: try updateMethod PUT, or contentType application/json"
            }
            "toomany" => "the server finds too many records: narrow the query, or set a smaller pageSize",
            "sensitive" => "the server does not take this in an address",
            "invalidvers" => "the server speaks another version of SCIM: correct SCIMEndpoint",
            _ => return None,
        })
    }
}

/// Foreign words without control characters, and not without end.
pub(super) fn clean(text: &str) -> String {
    let mut words: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(500).collect();
    if text.chars().nth(500).is_some() {
        words.push('…');
    }
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// How SCIM servers speak.
pub(super) struct ScimDialect {
    pub name: String,
    pub content_type: &'static str,
    /// Whether a refused token can be replaced by a new one.
    pub renewable: bool,
}

impl ScimDialect {
    fn error(&self, kind: ErrorKind, what: impl std::fmt::Display) -> ConnectorError {
        ConnectorError::new(kind, format!("connector `{}`: {what}", self.name))
    }
}

impl Dialect for ScimDialect {
    fn judge(&self, answer: &Answer, limited: u32) -> Judgement {
        let said = Problem::of_body(&answer.body).words();
        let rest = answer.retry_after.unwrap_or(Duration::from_secs(u64::from(2 * (limited + 1))));
        let refused = |kind, what: String| Judgement::Refused(self.error(kind, what));
        match answer.status {
            301..=399 => refused(
                ErrorKind::Untrusted,
                format!(
                    "the server answered with a redirect ({}{}), which Concord does not follow, because a token must stay where it was configured for; correct SCIMEndpoint",
                    answer.status,
                    redirected_to(&answer.headers)
                ),
            ),
            401 => Judgement::NotAccepted {
                expired: self.renewable,
                error: self.error(
                    ErrorKind::Unauthorized,
                    format!("the server does not accept the credentials: {said}; enter them again, and check authenticationMethod"),
                ),
            },
            403 => refused(
                ErrorKind::Forbidden,
                format!("the server does not allow this: {said}; give the credentials the permission"),
            ),
            404 => refused(
                ErrorKind::Refused,
                format!("the server does not know this address or record (404): {said}; check SCIMEndpoint and supportedObjectTypes"),
            ),
            405 | 501 => refused(
                ErrorKind::Unsupported,
                format!("the server does not offer this (status {}): {said}", answer.status),
            ),
            413 => refused(ErrorKind::Refused, format!("the request is too large for the server: {said}")),
            429 => Judgement::Throttled {
                rest,
                searches_only: false,
                error: self.error(ErrorKind::RateLimited, format!("too many calls: {said}")),
            },
            // With a time to come back, the server says that it did not begin.
            503 if answer.retry_after.is_some() => Judgement::Throttled {
                rest,
                searches_only: false,
                error: self.error(ErrorKind::Unavailable, format!("the server asks to come back later: {said}")),
            },
            408 | 425 | 500.. => Judgement::Trouble(self.error(
                ErrorKind::Unavailable,
                format!("the server is in trouble (status {}): {said}; try again later", answer.status),
            )),
            status => refused(ErrorKind::Refused, format!("the server refused (status {status}): {said}")),
        }
    }

    fn budget(&self, _headers: &HeaderMap) -> (Option<u64>, Option<u64>) {
        (None, None)
    }

    fn accept(&self, call: &Call<'_>) -> &'static str {
        // Tokens come from another kind of server.
        if call.bearer.is_some() { "application/scim+json, application/json" } else { "application/json" }
    }

    fn content_type(&self) -> &'static str {
        self.content_type
    }
}

/// Where a redirect would lead, without what may be secret in it.
fn redirected_to(headers: &HeaderMap) -> String {
    let target = headers.get(LOCATION).and_then(|v| v.to_str().ok()).and_then(|text| Url::parse(text).ok());
    match target.as_ref().and_then(|url| Some((url.scheme(), url.host_str()?, url.path()))) {
        Some((scheme, host, path)) => format!(" to {}", clean(&format!("{scheme}://{host}{path}"))),
        None => String::new(),
    }
}
