//! Salesforce's errors: an array of `{message, errorCode, fields}`, with `statusCode` instead inside collections.

use serde_json::{Map, Value, json};

use crate::answer::Answer;

/// One error of one record or call.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RowError {
    pub code: String,
    pub message: String,
    pub fields: Vec<String>,
    /// The matches that a duplicate rule found.
    pub duplicates: Option<Box<Value>>,
}

impl RowError {
    pub(crate) fn new(code: &str, message: impl Into<String>) -> RowError {
        RowError { code: code.to_owned(), message: message.into(), fields: Vec::new(), duplicates: None }
    }

    pub(crate) fn on(mut self, field: &str) -> RowError {
        self.fields.push(field.to_owned());
        self
    }

    /// As it stands in a REST error body.
    fn rest(&self) -> Value {
        let mut body = Map::new();
        body.insert("message".into(), self.message.clone().into());
        body.insert("errorCode".into(), self.code.clone().into());
        if !self.fields.is_empty() {
            body.insert("fields".into(), self.fields.clone().into());
        }
        if let Some(found) = &self.duplicates {
            // The misspelling is Salesforce's own.
            body.insert("duplicateResut".into(), Value::clone(found));
        }
        Value::Object(body)
    }

    /// As it stands in the results of collections.
    pub(crate) fn in_collection(&self) -> Value {
        let mut body = json!({"statusCode": self.code, "message": self.message, "fields": self.fields});
        if let Some(found) = &self.duplicates {
            body["duplicateResut"] = Value::clone(found);
        }
        body
    }

    /// As it stands in the failed results of a bulk job.
    pub(crate) fn in_bulk(&self) -> String {
        let fields = if self.fields.is_empty() { "--".to_owned() } else { self.fields.join(",") };
        format!("{}:{}:{fields}", self.code, self.message)
    }

    /// The status a single-record call gets for it.
    fn status(&self) -> u16 {
        match self.code.as_str() {
            "ENTITY_IS_DELETED" | "NOT_FOUND" => 404,
            "INSUFFICIENT_ACCESS_OR_READONLY" | "REQUEST_LIMIT_EXCEEDED" => 403,
            _ => 400,
        }
    }
}

/// A refused call.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Problem {
    pub status: u16,
    pub errors: Vec<RowError>,
}

impl From<RowError> for Problem {
    fn from(error: RowError) -> Problem {
        Problem { status: error.status(), errors: vec![error] }
    }
}

impl Problem {
    pub(crate) fn new(status: u16, code: &str, message: impl Into<String>) -> Problem {
        Problem { status, errors: vec![RowError::new(code, message)] }
    }

    pub(crate) fn not_found() -> Problem {
        Problem::new(404, "NOT_FOUND", "The requested resource does not exist")
    }

    pub(crate) fn method(method: &str, allowed: &str) -> Problem {
        let message = format!("HTTP Method '{method}' not allowed. Allowed are {allowed}");
        Problem::new(405, "METHOD_NOT_ALLOWED", message)
    }

    pub(crate) fn session() -> Problem {
        Problem::new(401, "INVALID_SESSION_ID", "Session expired or invalid")
    }

    pub(crate) fn json(message: impl Into<String>) -> Problem {
        Problem::new(400, "JSON_PARSER_ERROR", message)
    }

    /// `kind` is what the limit is called, such as `TotalRequests`.
    pub(crate) fn limit(kind: &str) -> Problem {
        Problem::new(403, "REQUEST_LIMIT_EXCEEDED", format!("{kind} Limit exceeded."))
    }

    /// Salesforce's own error for a status, for faults without a body.
    pub(crate) fn of_status(status: u16) -> Problem {
        match status {
            401 => Problem::session(),
            403 => Problem::limit("TotalRequests"),
            404 => Problem::not_found(),
            420 => Problem::new(420, "UNKNOWN_EXCEPTION", "The org cannot be reached at this instance"),
            429 => Problem::new(429, "REQUEST_LIMIT_EXCEEDED", "Too many requests"),
            500 => Problem::new(500, "UNKNOWN_EXCEPTION", "An unexpected error occurred. ErrorId: 1"),
            502 | 503 => Problem::new(status, "SERVER_UNAVAILABLE", "The server is temporarily unavailable"),
            _ => Problem::new(status, "UNKNOWN_EXCEPTION", format!("The request ended with status {status}")),
        }
    }

    pub(crate) fn answer(&self) -> Answer {
        Answer::json(self.status, &self.errors.iter().map(RowError::rest).collect::<Vec<_>>())
    }
}
