//! What can be asked for: each operation once, with all that its route and the OpenAPI document need.

use std::sync::Arc;

use api::App;
use axum::http::{HeaderMap, StatusCode, header};
use futures::{future::BoxFuture, stream::BoxStream};
use model::Attributes;
use serde_json::Value;

use super::fields::Fields;
use crate::{Shared, access::Caller, precondition::Tags, problem::Problem};

/// One thing that can be asked for.
pub(crate) struct Operation {
    pub method: &'static str,
    pub path: &'static str,
    /// The `_action` that tells it from others of the same path.
    pub action: Option<&'static str>,
    pub summary: &'static str,
    pub parameters: Vec<Parameter>,
    pub body: Option<Body>,
    /// Whether it changes nothing, neither here nor in another system.
    pub reads: bool,
    /// What it answers with when all goes well.
    pub status: StatusCode,
    pub answer: Shape,
    pub run: Handler,
}

pub(crate) type Handler = fn(Call) -> BoxFuture<'static, Result<Answer, Problem>>;

/// A named schema of the OpenAPI document.
pub(crate) type Shape = &'static str;

/// The document that a request brings.
#[derive(Clone, Copy)]
pub(crate) struct Body {
    pub shape: Shape,
    pub required: bool,
}

/// A parameter of a query, or a header.
#[derive(Clone, Copy)]
pub(crate) struct Parameter {
    pub name: &'static str,
    pub place: Place,
    pub kind: Kind,
    pub required: bool,
    pub about: &'static str,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Query,
    Header,
}

#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Text,
    /// A whole number from zero up to this.
    Number(u64),
    Switch,
    /// One of these.
    Word(&'static [&'static str]),
}

const fn query(name: &'static str, kind: Kind, about: &'static str) -> Parameter {
    Parameter { name, place: Place::Query, kind, required: false, about }
}

const fn head(name: &'static str, about: &'static str) -> Parameter {
    Parameter { name, place: Place::Header, kind: Kind::Text, required: false, about }
}

/// Parameters that every operation takes.
pub(crate) const COMMON: [Parameter; 3] = [
    query("_fields", Kind::Text, "Only these fields: JSON pointers, separated by commas"),
    query("_prettyPrint", Kind::Switch, "Whether the answer is laid out for people"),
    query("_mimeType", Kind::Text, "Accepted and ignored"),
];

/// The parameters of a list.
pub(crate) const LIST: [Parameter; 9] = [
    query("_queryFilter", Kind::Text, "Only what matches, as in: mail co \"@example.com\" and !(sn pr)"),
    query(
        "_queryId",
        Kind::Word(&["query-all-ids", "query-all", "for-userName"]),
        "A query by name, in place of a filter",
    ),
    query("_sortKeys", Kind::Text, "Fields to sort by, separated by commas; - before one is descending"),
    query("_pageSize", Kind::Number(i32::MAX as u64), "Most results in the answer; 0 is all of them"),
    query("_pagedResultsCookie", Kind::Text, "Goes on where the answer with this cookie ended"),
    query("_pagedResultsOffset", Kind::Number(i32::MAX as u64), "Results to leave out at the beginning"),
    query(
        "_totalPagedResultsPolicy",
        Kind::Word(&["NONE", "ESTIMATE", "EXACT"]),
        "Whether all that match are counted",
    ),
    query("_countOnly", Kind::Switch, "Only the count of what matches"),
    query("_queryExpression", Kind::Text, "Not supported; use _queryFilter"),
];

pub(crate) const IF_MATCH: Parameter =
    head("If-Match", "The revision that this is based on, several separated by commas, or *");
pub(crate) const IF_NONE_MATCH: Parameter = head("If-None-Match", "*: only if it does not exist yet");

pub(crate) const fn text(name: &'static str, about: &'static str) -> Parameter {
    query(name, Kind::Text, about)
}

pub(crate) const fn needed(name: &'static str, about: &'static str) -> Parameter {
    Parameter { required: true, ..query(name, Kind::Text, about) }
}

pub(crate) const fn switch(name: &'static str, about: &'static str) -> Parameter {
    query(name, Kind::Switch, about)
}

impl Operation {
    pub fn new(
        method: &'static str,
        path: &'static str,
        summary: &'static str,
        answer: Shape,
        run: Handler,
    ) -> Self {
        Self {
            method,
            path,
            action: None,
            summary,
            parameters: Vec::new(),
            body: None,
            reads: method == "GET",
            status: StatusCode::OK,
            answer,
            run,
        }
    }

    pub fn action(mut self, action: &'static str) -> Self {
        self.action = Some(action);
        self
    }

    /// An action that changes nothing.
    pub fn reads(mut self) -> Self {
        self.reads = true;
        self
    }

    pub fn takes(mut self, parameters: &[Parameter]) -> Self {
        self.parameters.extend_from_slice(parameters);
        self
    }

    pub fn body(mut self, shape: Shape) -> Self {
        self.body = Some(Body { shape, required: true });
        self
    }

    pub fn optional_body(mut self, shape: Shape) -> Self {
        self.body = Some(Body { shape, required: false });
        self
    }

    pub fn answers(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }
}

/// A request that found its operation.
pub(crate) struct Call {
    pub shared: Arc<Shared>,
    pub path: Vec<(String, String)>,
    pub query: Vec<(String, String)>,
    pub headers: HeaderMap,
    pub body: Option<Value>,
    /// Who asks.
    pub caller: Caller,
}

impl Call {
    pub fn app(&self) -> &Arc<App> {
        &self.shared.app
    }

    /// A part of the path.
    pub fn part(&self, name: &str) -> &str {
        self.path.iter().find(|(n, _)| n == name).map_or("", |(_, value)| value)
    }

    /// A parameter of the query; an empty one is none.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str()).filter(|v| !v.is_empty())
    }

    /// A parameter that must be there.
    pub fn needed(&self, name: &str) -> Result<&str, Problem> {
        self.text(name).ok_or_else(|| Problem::bad_request(format!("the parameter {name} is missing")))
    }

    pub fn switch(&self, name: &str) -> bool {
        self.text(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    pub fn number(&self, name: &str) -> Option<usize> {
        self.text(name).and_then(|value| value.parse().ok())
    }

    pub fn fields(&self) -> Fields {
        Fields::parse(self.text("_fields").unwrap_or_default())
    }

    /// The body, which must be an object.
    pub fn object(&self) -> Result<Attributes, Problem> {
        match &self.body {
            Some(Value::Object(object)) => Ok(object.clone()),
            Some(_) => Err(Problem::bad_request("the request's body must be a JSON object")),
            None => Err(Problem::bad_request("the request's body is missing; send a JSON object")),
        }
    }

    /// The revisions of `If-Match`, where there are some.
    pub fn if_match(&self) -> Result<Option<Tags>, Problem> {
        Tags::read(&self.headers, header::IF_MATCH).map_err(Problem::bad_request)
    }

    /// Whether it must not exist yet.
    pub fn must_be_new(&self) -> Result<bool, Problem> {
        match Tags::read(&self.headers, header::IF_NONE_MATCH).map_err(Problem::bad_request)? {
            None => Ok(false),
            Some(Tags::Any) => Ok(true),
            Some(Tags::These(_)) => Err(Problem::bad_request("If-None-Match can only be *")),
        }
    }
}

/// What a request is answered with.
pub(crate) struct Answer {
    pub status: StatusCode,
    pub content: Content,
    pub revision: Option<String>,
    pub location: Option<String>,
}

pub(crate) enum Content {
    Document(Value),
    /// A document that is written piece by piece. An error breaks the connection, so that a part is not taken for the whole.
    Pieces(BoxStream<'static, Result<String, Problem>>),
}

impl Answer {
    pub fn ok(document: Value) -> Self {
        Self { status: StatusCode::OK, content: Content::Document(document), revision: None, location: None }
    }

    /// An object with its `_rev` as the ETag.
    pub fn object(object: Value) -> Self {
        let revision = object.get("_rev").and_then(Value::as_str).map(str::to_owned);
        Self { revision, ..Self::ok(object) }
    }

    /// An object that is new, at this path.
    pub fn created(object: Value, location: String) -> Self {
        Self { status: StatusCode::CREATED, location: Some(location), ..Self::object(object) }
    }

    /// Only these fields.
    pub fn only(mut self, fields: &Fields) -> Self {
        if let Content::Document(document) = self.content {
            self.content = Content::Document(fields.of(document));
        }
        self
    }
}
