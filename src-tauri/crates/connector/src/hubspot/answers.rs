//! The shapes of HubSpot's answers and what its refusals mean.
//!
//! HubSpot asks clients to treat every field of an error as optional, so these shapes read whatever is there.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use model::Attributes;
use reqwest::header::HeaderMap;
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::Value;
use url::Url;

use super::day::{Day, NewDay, Place};
use crate::error::{ConnectorError, ErrorKind};
use crate::http::{Answer, Dialect, Interval, Judgement, words};

/// What HubSpot counts the calls of an app over.
const ROLLING_WINDOW: Duration = Duration::from_secs(10);

/// One record.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Record {
    #[serde(deserialize_with = "some_id")]
    pub id: String,
    #[serde(default)]
    pub properties: Attributes,
    #[serde(default)]
    pub object_write_trace_id: Option<String>,
    /// In the recycle bin.
    #[serde(default)]
    pub archived: bool,
    /// Linked records, where they were asked for.
    #[serde(default)]
    pub associations: HashMap<String, Links>,
    /// When it went to the recycle bin.
    #[serde(default)]
    pub archived_at: Option<String>,
}

/// The first linked records of one kind; the same id comes once for each label.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Links {
    #[serde(default)]
    pub results: Vec<Link>,
    /// There are more than those.
    #[serde(default)]
    pub paging: Option<Value>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Link {
    #[serde(deserialize_with = "some_id")]
    pub id: String,
}

/// An id that is one. What came without would be taken for a record that nobody can ask for again.
pub(super) fn some_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let id = String::deserialize(deserializer)?;
    if id.trim().is_empty() { Err(D::Error::custom("a record came without an id")) } else { Ok(id) }
}

/// A page of a list or a search.
#[derive(Debug, Deserialize)]
pub(crate) struct RecordPage {
    pub results: Vec<Record>,
    #[serde(default)]
    pub paging: Option<Paging>,
    /// Searches only: how many match.
    #[serde(default)]
    pub total: Option<u64>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Paging {
    #[serde(default)]
    pub next: Option<NextPage>,
}

/// HubSpot also sends a `link` here, which is not read: a page must never say where the token goes.
#[derive(Debug, Deserialize)]
pub(crate) struct NextPage {
    pub after: Value,
}

/// The answer to a batch, whatever its status.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BatchAnswer {
    pub results: Vec<Record>,
    #[serde(default)]
    pub errors: Vec<Problem>,
    #[serde(default)]
    pub num_errors: Option<u64>,
}

impl BatchAnswer {
    /// Its records as they are, and its errors without the token.
    pub fn read(answer: &Answer) -> Result<Self, String> {
        answer.json_quoting(
            |whole: &Self| !whole.errors.is_empty(),
            |whole, quotable| whole.errors = quotable.errors,
        )
    }
}

/// An error body, or one of the errors inside a batch.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Problem {
    pub message: Option<String>,
    pub category: Option<String>,
    pub code: Option<String>,
    pub correlation_id: Option<String>,
    pub policy_name: Option<String>,
    pub context: HashMap<String, Value>,
    pub errors: Vec<Problem>,
}

/// One thing that is wrong with a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ValueProblem {
    pub code: String,
    pub property: Option<String>,
    pub message: String,
}

impl Problem {
    /// Reads an error body; one that is not JSON gives an empty problem.
    pub fn parse(body: &[u8]) -> Self {
        serde_json::from_slice(body).unwrap_or_default()
    }

    /// The texts at a key of the context.
    pub fn context(&self, key: &str) -> Vec<&str> {
        match self.context.get(key) {
            Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).collect(),
            Some(Value::String(text)) => vec![text],
            _ => Vec::new(),
        }
    }

    pub fn is(&self, category: &str) -> bool {
        self.category.as_deref() == Some(category)
    }

    /// HubSpot's words, with the category and the correlation id that its support asks for.
    pub fn words(&self) -> String {
        let problems = self.value_problems();
        let mut text = if problems.is_empty() {
            phrase(self.message.as_deref().unwrap_or("no explanation"))
        } else {
            problems.iter().map(|p| p.message.as_str()).collect::<Vec<_>>().join("; ")
        };
        let notes: Vec<String> = [("", &self.category), ("correlation id ", &self.correlation_id)]
            .into_iter()
            .filter_map(|(title, value)| value.as_deref().map(|v| format!("{title}{}", clean(v))))
            .collect();
        if !notes.is_empty() {
            let _ = write!(text, " ({})", notes.join(", "));
        }
        text
    }

    /// The id in `Contact already exists. Existing ID: 512`: HubSpot tells it nowhere else.
    pub fn existing_id(&self) -> Option<String> {
        let (_, tail) = self.message.as_deref()?.split_once("Existing ID:")?;
        let id: String = tail.trim_start().chars().take_while(char::is_ascii_digit).collect();
        (!id.is_empty()).then_some(id)
    }

    /// What is wrong with which value: from `errors`, or from the JSON that HubSpot puts inside the message.
    pub fn value_problems(&self) -> Vec<ValueProblem> {
        let listed: Vec<ValueProblem> = self
            .errors
            .iter()
            .filter_map(|e| {
                Some(ValueProblem {
                    code: e.code.clone()?,
                    property: ["propertyName", "name"]
                        .iter()
                        .find_map(|k| e.context(k).first().map(|p| (*p).to_owned())),
                    message: phrase(e.message.as_deref().unwrap_or_default()),
                })
            })
            .collect();
        if !listed.is_empty() {
            return listed;
        }
        let message = self.message.as_deref().unwrap_or_default();
        let Some(embedded) = message.find('[').and_then(|at| message.get(at..)) else { return Vec::new() };
        // Text may follow the array, so only its first value is read.
        let mut values = serde_json::Deserializer::from_str(embedded).into_iter::<Vec<Value>>();
        let Some(Ok(values)) = values.next() else { return Vec::new() };
        let text = |v: &Value, key: &str| v.get(key).and_then(Value::as_str).map(str::to_owned);
        values
            .iter()
            .filter_map(|v| {
                Some(ValueProblem {
                    code: text(v, "error")?,
                    property: text(v, "name"),
                    message: phrase(&text(v, "message").unwrap_or_default()),
                })
            })
            .collect()
    }

    /// The scopes that a refused call needs.
    pub fn required_scopes(&self) -> Vec<String> {
        let mut scopes: Vec<String> = std::iter::once(self)
            .chain(&self.errors)
            .flat_map(|p| ["requiredGranularScopes", "requiredScopes"].map(|key| p.context(key)).concat())
            .map(clean)
            .collect();
        scopes.sort();
        scopes.dedup();
        scopes
    }
}

/// Foreign words without control characters and not without end.
pub(crate) fn clean(text: &str) -> String {
    let mut words: String = text.chars().filter(|c| !c.is_control()).take(600).collect();
    if words.len() < text.len() && text.chars().nth(600).is_some() {
        words.push('…');
    }
    words
}

/// A sentence that more words can follow: without its full stop.
fn phrase(text: &str) -> String {
    clean(text).trim_end_matches(['.', ' ']).to_owned()
}

/// HubSpot's way to say no.
pub(crate) struct HubspotDialect {
    pub name: String,
    /// Where the account tells its time zone.
    pub account: Url,
    pub day: Arc<Day>,
}

impl HubspotDialect {
    fn error(&self, kind: ErrorKind, what: impl std::fmt::Display) -> ConnectorError {
        ConnectorError::new(kind, format!("connector `{}`: {what}", self.name))
    }
}

impl Dialect for HubspotDialect {
    fn judge(&self, answer: &Answer, throttled: u32) -> Judgement {
        let problem = Problem::parse(&answer.body);
        let step = throttled + 1;
        match answer.status {
            300..=399 => Judgement::Refused(self.error(
                ErrorKind::Untrusted,
                format!("the server answered with a redirect ({}), which Concord does not follow; check apiBaseUrl and the proxy", answer.status),
            )),
            401 if problem.is("EXPIRED_AUTHENTICATION") => Judgement::NotAccepted {
                expired: true,
                error: self.error(ErrorKind::Unauthorized, format!("the access token has expired: {}; authorize again", problem.words())),
            },
            401 => Judgement::NotAccepted {
                expired: false,
                error: self.error(
                    ErrorKind::Unauthorized,
                    format!("HubSpot does not accept the token: {}; enter a valid service key or authorize again", problem.words()),
                ),
            },
            403 => {
                let scopes = problem.required_scopes();
                let next = match scopes.as_slice() {
                    [] => "give the app or service key the scope that this needs and authorize again".to_owned(),
                    [one] => format!("the token lacks scope {one}: add it to the app or service key and authorize again"),
                    many => format!("the token lacks one of the scopes {}: add it to the app or service key and authorize again", many.join(", ")),
                };
                Judgement::Refused(self.error(ErrorKind::Forbidden, format!("{next}. HubSpot says: {}", problem.words())))
            }
            423 | 477 => {
                let rest = answer.retry_after.unwrap_or(Duration::from_secs(u64::from(2 * step)));
                let error = self.error(ErrorKind::Unavailable, format!("HubSpot has locked this for now: {}; try again in {}", problem.words(), words(rest)));
                Judgement::Busy { rest, error: ConnectorError { retry_after: Some(rest), ..error } }
            }
            429 if problem.policy_name.as_deref() == Some("DAILY") => Judgement::DayUsedUp {
                told: answer.retry_after,
                error: self.error(ErrorKind::RateLimited, format!("HubSpot's daily limit is used up: {}", problem.words())),
            },
            429 => {
                let rest = answer.retry_after.unwrap_or(match problem.policy_name.as_deref() {
                    Some("SECONDLY") => Duration::from_secs(u64::from(step)),
                    // Where nobody calls, the window is empty by then, however often it was found full.
                    Some("TEN_SECONDLY_ROLLING") => ROLLING_WINDOW,
                    _ => Duration::from_secs(10 * u64::from(step)),
                });
                Judgement::Throttled { searches_only: problem.policy_name.as_deref() == Some("SECONDLY"), rest, error: self.error(ErrorKind::RateLimited, format!("too many calls: {}", problem.words())) }
            }
            408 | 500.. => Judgement::Trouble(self.error(
                ErrorKind::Unavailable,
                format!("HubSpot is in trouble (status {}): {}; try again later", answer.status, problem.words()),
            )),
            404 => Judgement::Refused(self.error(
                ErrorKind::Refused,
                format!("HubSpot does not know this address or record (404): {}; check apiBaseUrl and apiVersion", problem.words()),
            )),
            status => Judgement::Refused(self.error(ErrorKind::Refused, format!("HubSpot refused the call (status {status}): {}", problem.words()))),
        }
    }

    fn budget(&self, headers: &HeaderMap) -> (Option<u64>, Option<u64>) {
        let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse().ok();
        (number("x-hubspot-ratelimit-daily-remaining"), number("x-hubspot-ratelimit-daily"))
    }

    fn interval(&self, headers: &HeaderMap) -> Option<Interval> {
        let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<u32>().ok();
        let length =
            number("x-hubspot-ratelimit-interval-milliseconds").filter(|ms| (100..=600_000).contains(ms))?;
        Some(Interval {
            allowed: NonZeroU32::new(number("x-hubspot-ratelimit-max")?)?,
            left: number("x-hubspot-ratelimit-remaining")?,
            length: Duration::from_millis(u64::from(length)),
        })
    }

    fn question(&self) -> Option<Url> {
        (!self.day.is_known()).then(|| self.account.clone())
    }

    fn learn(&self, answer: &Answer) {
        if let Ok(place) = answer.json::<Place>() {
            self.day.learn(&place);
        }
    }

    fn new_day(&self, now: Timestamp) -> Option<(Duration, String)> {
        let NewDay { rest, when } = self.day.next(now);
        Some((rest, when))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Problem, RecordPage, ValueProblem};

    #[test]
    fn a_record_without_an_id_makes_the_answer_none() {
        for (id, fine) in [(json!("7"), true), (json!(""), false), (json!(" "), false), (json!(null), false)]
        {
            let page = json!({"results": [{"id": "1", "properties": {}}, {"id": id, "properties": {}}]});
            assert_eq!(serde_json::from_value::<RecordPage>(page).is_ok(), fine, "{id}");
        }
    }

    #[test]
    fn the_existing_id_is_found_in_the_message_only() {
        for (message, id) in [
            ("Contact already exists. Existing ID: 37765128953", Some("37765128953")),
            ("Contact already exists. Existing ID:7. More", Some("7")),
            ("Contact already exists.", None),
            ("Existing ID: none", None),
        ] {
            let problem = Problem { message: Some(message.to_owned()), ..Problem::default() };
            assert_eq!(problem.existing_id().as_deref(), id, "{message}");
        }
    }

    #[test]
    fn reasons_are_joined_without_their_full_stops() {
        let problem = Problem {
            message: Some("Property values were not valid: []".into()),
            category: Some("VALIDATION_ERROR".into()),
            errors: vec![
                Problem {
                    code: Some("INVALID_OPTION".into()),
                    message: Some("Klingon was not one of the allowed options: [de, en].".into()),
                    ..Problem::default()
                },
                Problem {
                    code: Some("INVALID_LONG".into()),
                    message: Some("much was not a valid number. ".into()),
                    ..Problem::default()
                },
            ],
            ..Problem::default()
        };
        assert_eq!(
            problem.words(),
            "Klingon was not one of the allowed options: [de, en]; much was not a valid number (VALIDATION_ERROR)"
        );
        let plain =
            Problem { message: Some("You have reached your daily limit.".into()), ..Problem::default() };
        assert_eq!(plain.words(), "You have reached your daily limit");
        assert_eq!(Problem::default().words(), "no explanation");
    }

    #[test]
    fn value_problems_come_from_the_list_or_from_inside_the_message() {
        let inside = "Property values were not valid: [{\"isValid\":false,\"message\":\"Property \\\"foo\\\" does not exist\",\"error\":\"PROPERTY_DOESNT_EXIST\",\"name\":\"foo\",\"portalId\":1}]";
        let expect = vec![ValueProblem {
            code: "PROPERTY_DOESNT_EXIST".into(),
            property: Some("foo".into()),
            message: "Property \"foo\" does not exist".into(),
        }];
        for body in [
            json!({"message": inside, "category": "VALIDATION_ERROR"}),
            json!({"message": format!("{inside} and more")}),
            json!({"message": "not valid", "errors": [{"message": "Property \"foo\" does not exist", "code": "PROPERTY_DOESNT_EXIST", "context": {"propertyName": ["foo"]}}]}),
        ] {
            assert_eq!(Problem::parse(body.to_string().as_bytes()).value_problems(), expect, "{body}");
        }
        for body in ["", "<html>", "[]", "{\"message\":\"see [docs]\"}", "{\"message\":5}"] {
            assert!(Problem::parse(body.as_bytes()).value_problems().is_empty(), "{body}");
        }
    }
}
