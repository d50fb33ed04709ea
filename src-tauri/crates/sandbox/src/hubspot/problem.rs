//! HubSpot's error bodies.
//!
//! Facts from "Error handling" in HubSpot's documentation and from bodies quoted in public issues: required are
//! `message`, `correlationId` and `category`; validation failures carry a JSON array inside `message`; the id of an
//! existing contact appears only in the message's text.

use serde_json::{Map, Value, json};

use crate::answer::Answer;
use crate::limits::Exceeded;

use super::properties::PropertyProblem;
use super::state::{ObjectKind, Refusal};

/// An error answer before it has a correlation id.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Problem {
    pub status: u16,
    pub fields: Map<String, Value>,
    pub headers: Vec<(String, String)>,
}

impl Problem {
    fn with(status: u16, fields: Value) -> Problem {
        let fields = if let Value::Object(fields) = fields { fields } else { Map::new() };
        Problem { status, fields, headers: Vec::new() }
    }

    pub(crate) fn new(status: u16, category: &str, message: impl Into<String>) -> Problem {
        Problem::with(status, json!({"status": "error", "message": message.into(), "category": category}))
    }

    pub(crate) fn validation(message: impl Into<String>) -> Problem {
        Problem::new(400, "VALIDATION_ERROR", message)
    }

    pub(crate) fn not_found() -> Problem {
        Problem::new(404, "OBJECT_NOT_FOUND", "resource not found")
    }

    pub(crate) fn method() -> Problem {
        Problem::with(405, json!({"status": "error", "message": "HTTP 405 Method Not Allowed"}))
    }

    pub(crate) fn kind(name: &str) -> Problem {
        Problem::validation(format!("Unable to infer object type from: {name}"))
    }

    pub(crate) fn values(problems: &[PropertyProblem], portal: u64) -> Problem {
        let inside: Vec<Value> = problems
            .iter()
            .map(|problem| {
                json!({"isValid": false, "message": problem.message, "error": problem.code,
                       "name": problem.name, "localizedErrorMessage": problem.message, "portalId": portal})
            })
            .collect();
        let errors: Vec<Value> = problems
            .iter()
            .map(|problem| {
                json!({"message": problem.message, "code": problem.code,
                       "context": {"propertyName": [problem.name]}})
            })
            .collect();
        let message = format!("Property values were not valid: {}", Value::from(inside));
        Problem::validation(message).field("errors", errors.into())
    }

    pub(crate) fn refused(refusal: &Refusal, kind: ObjectKind, portal: u64) -> Problem {
        match refusal {
            Refusal::Invalid(problems) => Problem::values(problems, portal),
            Refusal::NotFound => Problem::not_found(),
            Refusal::Exists(holder) => {
                let noun = kind.singular();
                let message = match holder {
                    Some(id) => format!("{noun} already exists. Existing ID: {id}"),
                    None => format!("{noun} already exists."),
                };
                Problem::new(409, "CONFLICT", message)
            }
        }
    }

    pub(crate) fn no_credentials() -> Problem {
        Problem::new(
            401,
            "INVALID_AUTHENTICATION",
            "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find \
             more details at https://developers.hubspot.com/docs/methods/auth/oauth-overview",
        )
    }

    pub(crate) fn expired(seconds_ago: i64) -> Problem {
        let ago = match seconds_ago {
            0..60 => format!("{seconds_ago} second(s)"),
            60..3600 => format!("{} minute(s)", seconds_ago / 60),
            3600..86_400 => format!("{} hour(s)", seconds_ago / 3600),
            _ => format!("{} day(s)", seconds_ago / 86_400),
        };
        Problem::new(
            401,
            "EXPIRED_AUTHENTICATION",
            format!("The OAuth token used to make this call expired {ago} ago."),
        )
    }

    pub(crate) fn scopes(needed: &[&str]) -> Problem {
        Problem::new(
            403,
            "MISSING_SCOPES",
            "This app hasn't been granted all required scopes to make this call. Read more about required \
             scopes here: https://developers.hubspot.com/scopes.",
        )
        .field(
            "errors",
            json!([{"message": "One or more of the following scopes are required.",
                    "context": {"requiredGranularScopes": needed}}]),
        )
        .field("links", json!({"scopes": "https://developers.hubspot.com/scopes"}))
    }

    pub(crate) fn limited(exceeded: Exceeded) -> Problem {
        Problem::too_many(match exceeded {
            Exceeded::TenSeconds => "TEN_SECONDLY_ROLLING",
            Exceeded::Second => "SECONDLY",
            Exceeded::Day => "DAILY",
        })
    }

    pub(crate) fn too_many(policy: &str) -> Problem {
        Problem::with(
            429,
            json!({"status": "error",
                   "message": format!("You have reached your {} limit.", policy.to_lowercase()),
                   "errorType": "RATE_LIMIT", "policyName": policy, "groupName": "publicapi:sandbox"}),
        )
    }

    /// What HubSpot itself says with a status that only a fault brings about.
    pub(crate) fn of_status(status: u16) -> Problem {
        match status {
            401 => Problem::expired(5 * 3600),
            403 => Problem::scopes(&["crm.objects.contacts.read"]),
            404 => Problem::not_found(),
            423 => Problem::new(423, "LOCKED", "The resource is currently locked; try again later."),
            429 => Problem::too_many("TEN_SECONDLY_ROLLING"),
            477 => Problem::new(
                477,
                "MIGRATION_IN_PROGRESS",
                "This account is being moved between data centers.",
            ),
            400..500 => Problem::new(status, "VALIDATION_ERROR", "There was a problem with the request."),
            _ => Problem::new(status, "INTERNAL_ERROR", "internal error"),
        }
    }

    pub(crate) fn field(mut self, name: &str, value: Value) -> Problem {
        self.fields.insert(name.to_owned(), value);
        self
    }

    /// The entry for this problem in a batch's `errors`.
    pub(crate) fn in_batch(&self, context: Value) -> Value {
        let mut entry = self.fields.clone();
        entry.insert("context".to_owned(), context);
        Value::Object(entry)
    }

    pub(crate) fn answer(mut self, correlation: &str) -> Answer {
        self.fields.insert("correlationId".to_owned(), correlation.into());
        if self.status == 429 {
            self.fields.insert("requestId".to_owned(), correlation.into());
        }
        let mut answer = Answer::json(self.status, &self.fields);
        answer.headers = self.headers;
        answer
    }
}
