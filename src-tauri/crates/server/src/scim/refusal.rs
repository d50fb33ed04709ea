//! Refusals in SCIM's shape: `{schemas, status, scimType?, detail}` (RFC 7644, 3.12).

use api::{ApiError, ErrorCode};
use axum::{
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;

use crate::problem::Problem;

pub(crate) const MEDIA_TYPE: &str = "application/scim+json";

/// A refusal.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Refusal {
    pub status: StatusCode,
    /// SCIM's word for what is wrong.
    pub kind: Option<&'static str>,
    pub detail: String,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Refusal {
    pub fn new(status: StatusCode, kind: Option<&'static str>, detail: impl Into<String>) -> Self {
        Self { status, kind, detail: detail.into(), headers: Vec::new() }
    }

    fn bad(kind: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, Some(kind), detail)
    }

    pub fn syntax(detail: impl Into<String>) -> Self {
        Self::bad("invalidSyntax", detail)
    }

    pub fn value(detail: impl Into<String>) -> Self {
        Self::bad("invalidValue", detail)
    }

    pub fn filter(detail: impl Into<String>) -> Self {
        Self::bad("invalidFilter", detail)
    }

    pub fn path(detail: impl Into<String>) -> Self {
        Self::bad("invalidPath", detail)
    }

    pub fn no_target(detail: impl Into<String>) -> Self {
        Self::bad("noTarget", detail)
    }

    pub fn mutability(detail: impl Into<String>) -> Self {
        Self::bad("mutability", detail)
    }

    pub fn too_many(detail: impl Into<String>) -> Self {
        Self::bad("tooMany", detail)
    }

    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, None, detail)
    }

    /// The method cannot be used there; these can.
    pub fn method(allowed: &'static str) -> Self {
        let mut this = Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            None,
            format!("this method cannot be used here; use one of: {allowed}"),
        );
        this.headers.push((header::ALLOW, HeaderValue::from_static(allowed)));
        this
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self { status: problem.status, kind: None, detail: problem.message, headers: problem.headers }
    }
}

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        let unique = error.policies.iter().any(|policy| policy.policy == "UNIQUE");
        let kind = match error.code {
            ErrorCode::Policy if unique => Some("uniqueness"),
            ErrorCode::Conflict => Some("uniqueness"),
            ErrorCode::Policy | ErrorCode::Invalid => Some("invalidValue"),
            _ => None,
        };
        let status = match error.code {
            ErrorCode::Policy if unique => Some(StatusCode::CONFLICT),
            ErrorCode::Policy => Some(StatusCode::BAD_REQUEST),
            _ => None,
        };
        let mut this = Self::from(Problem::from(error));
        this.kind = kind;
        this.status = status.unwrap_or(this.status);
        this
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut body = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
            "status": self.status.as_u16().to_string(),
            "detail": self.detail,
        });
        if let (Some(kind), Some(body)) = (self.kind, body.as_object_mut()) {
            body.insert("scimType".into(), kind.into());
        }
        let mut response = (self.status, body.to_string()).into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        response.headers_mut().extend(self.headers);
        response
    }
}
