//! Refusals in CREST's shape: `{code, reason, message, detail?}`.

use api::{ApiError, ErrorCode, dto::PolicyFailure};
use axum::{
    Json,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use model::{Attributes, policy, policy::Violation};
use serde_json::{Value, json};

/// A refusal.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Problem {
    pub status: StatusCode,
    pub message: String,
    pub detail: Option<Box<Value>>,
    /// Headers that belong to it: `Allow`, `Retry-After`, `WWW-Authenticate`.
    pub headers: Vec<(HeaderName, HeaderValue)>,
}

impl Problem {
    pub fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), detail: None, headers: Vec::new() }
    }

    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, message)
    }

    pub fn precondition(message: impl Into<String>) -> Self {
        Self::new(StatusCode::PRECONDITION_FAILED, message)
    }

    pub fn with(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.push((name, value));
        }
        self
    }

    pub fn after(self, seconds: u64) -> Self {
        self.with(header::RETRY_AFTER, &seconds.max(1).to_string())
    }
}

impl From<ApiError> for Problem {
    fn from(error: ApiError) -> Self {
        let status = match error.code {
            ErrorCode::Invalid => StatusCode::BAD_REQUEST,
            ErrorCode::NotFound => StatusCode::NOT_FOUND,
            ErrorCode::Conflict => StatusCode::CONFLICT,
            ErrorCode::Stale => StatusCode::PRECONDITION_FAILED,
            ErrorCode::Policy | ErrorCode::Forbidden => StatusCode::FORBIDDEN,
            ErrorCode::Locked | ErrorCode::Remote | ErrorCode::Unauthorized => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            ErrorCode::Storage | ErrorCode::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        };
        if status == StatusCode::INTERNAL_SERVER_ERROR {
            tracing::error!(code = ?error.code, "a request failed: {error}");
        }
        let mut this = Self::new(status, error.message);
        if error.code == ErrorCode::Policy {
            let what = this.message.trim_start_matches("policy validation failed: ");
            this.message = format!("Policy validation failed: {what}");
            let violations: Vec<Violation> = error.policies.into_iter().map(violation).collect();
            this.detail = Some(Box::new(json!({
                "result": false,
                "failedPolicyRequirements": policy::failed_requirements(&violations),
            })));
        }
        match error.retry_after {
            Some(seconds) => this.after(seconds),
            None => this,
        }
    }
}

fn violation(failure: PolicyFailure) -> Violation {
    let params = match failure.params {
        Some(Value::Object(params)) => params,
        _ => Attributes::new(),
    };
    Violation { property: failure.property, requirement: failure.policy, params, message: failure.message }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut body = json!({
            "code": self.status.as_u16(),
            "reason": self.status.canonical_reason().unwrap_or("Error"),
            "message": self.message,
        });
        if let (Some(detail), Some(body)) = (self.detail, body.as_object_mut()) {
            body.insert("detail".into(), *detail);
        }
        let mut response = (self.status, Json(body)).into_response();
        response.headers_mut().extend(self.headers);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_error_has_its_status() {
        for (code, status) in [
            (ErrorCode::Invalid, 400),
            (ErrorCode::NotFound, 404),
            (ErrorCode::Conflict, 409),
            (ErrorCode::Stale, 412),
            (ErrorCode::Policy, 403),
            (ErrorCode::Forbidden, 403),
            (ErrorCode::Locked, 503),
            (ErrorCode::Storage, 500),
        ] {
            assert_eq!(Problem::from(ApiError::new(code, "x")).status.as_u16(), status, "{code:?}");
        }
    }

    #[test]
    fn policies_are_told_in_idms_shape() {
        let mut error = ApiError::new(ErrorCode::Policy, "Last Name is required");
        error.policies = vec![PolicyFailure {
            property: "sn".into(),
            policy: "REQUIRED".into(),
            message: "Last Name is required".into(),
            params: None,
        }];
        let detail = Problem::from(error).detail.unwrap();
        assert_eq!(
            detail["failedPolicyRequirements"][0]["policyRequirements"][0]["policyRequirement"],
            "REQUIRED"
        );
    }
}
