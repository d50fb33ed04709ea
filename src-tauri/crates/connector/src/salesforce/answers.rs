//! The shapes of Salesforce's answers and what its refusals mean.

use std::time::Duration;

use model::Attributes;
use reqwest::Method;
use reqwest::header::HeaderMap;
use serde::Deserialize;
use serde_json::Value;

use super::words::{clean, remedy};
use crate::error::{ConnectorError, ErrorKind};
use crate::http::{Answer, Call, Dialect, Judgement};

/// How long a connection rests when the day's calls are used up: Salesforce counts over the last 24 hours and tells no
/// time, calls become free again one by one.
pub(crate) const DAILY_REST: Duration = Duration::from_secs(3600);

/// A page of a SOQL query.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct QueryPage {
    pub total_size: u64,
    pub done: bool,
    #[serde(default)]
    pub next_records_url: Option<String>,
    pub records: Vec<Attributes>,
}

/// An error, of a whole call or of one record: Salesforce names the code differently in the two.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Problem {
    #[serde(alias = "errorCode")]
    pub status_code: Option<String>,
    pub message: Option<String>,
    #[serde(deserialize_with = "texts")]
    pub fields: Vec<String>,
    /// The key is misspelt in real answers.
    #[serde(alias = "duplicateResut")]
    pub duplicate_result: Option<DuplicateResult>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct DuplicateResult {
    duplicate_rule: Option<String>,
    match_results: Vec<MatchResult>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct MatchResult {
    match_records: Vec<MatchRecord>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct MatchRecord {
    record: Attributes,
}

/// Matches that are named; a rule may find hundreds.
const NAMED: usize = 5;

impl DuplicateResult {
    /// The rule and what it found; `None` where neither is told.
    fn words(&self) -> Option<String> {
        let found: Vec<String> = self
            .match_results
            .iter()
            .flat_map(|m| &m.match_records)
            .filter_map(|m| super::ids::long(m.record.get("Id")?.as_str()?))
            .collect();
        let more = found.len().saturating_sub(NAMED);
        let mut named = found.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
        if more > 0 {
            named = format!("{named} and {more} more");
        }
        let rule = self.duplicate_rule.as_deref().map(|rule| format!("duplicate rule {}", clean(rule)));
        match (rule, found.is_empty()) {
            (Some(rule), true) => Some(rule),
            (Some(rule), false) => Some(format!("{rule} found {named}")),
            (None, true) => None,
            (None, false) => Some(format!("found {named}")),
        }
    }
}

/// Lists of names; anything else is none.
fn texts<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    Ok(match Value::deserialize(from)? {
        Value::Array(items) => items.into_iter().filter_map(|v| v.as_str().map(str::to_owned)).collect(),
        _ => Vec::new(),
    })
}

impl Problem {
    pub fn code(&self) -> &str {
        self.status_code.as_deref().unwrap_or_default()
    }

    pub fn is(&self, codes: &[&str]) -> bool {
        codes.contains(&self.code())
    }

    fn says(&self, words: &str) -> bool {
        self.message.as_deref().is_some_and(|m| m.to_ascii_lowercase().contains(words))
    }

    /// Salesforce's words, the code, and what to do where it is known.
    pub fn words(&self) -> String {
        let mut text = clean(self.message.as_deref().unwrap_or("no explanation"));
        if let Some(found) = self.duplicate_result.as_ref().and_then(DuplicateResult::words) {
            text = format!("{text} ({found})");
        }
        if !self.code().is_empty() {
            text = format!("{text} ({})", clean(self.code()));
        }
        match remedy(self.code(), self.message.as_deref().unwrap_or_default()) {
            Some(remedy) => format!("{text}; {remedy}"),
            None => text,
        }
    }

    /// The first field that is named.
    pub fn attribute(&self) -> Option<String> {
        self.fields.iter().find(|f| !f.is_empty()).cloned()
    }

    /// The record is not there: deleted, or merged away.
    pub fn is_gone(&self) -> bool {
        self.is(&["ENTITY_IS_DELETED", "NOT_FOUND"])
    }

    /// The record never was, or one that a value of it refers to is not there: Salesforce need not say which.
    pub fn may_be_gone(&self) -> bool {
        self.is(&["INVALID_CROSS_REFERENCE_KEY", "MALFORMED_ID"])
            && self.fields.iter().all(|f| f == "Id" || f.is_empty())
    }

    /// Nothing was done, and the same write may work a little later.
    pub fn is_locked(&self) -> bool {
        self.is(&["UNABLE_TO_LOCK_ROW"])
    }

    /// Nothing was done; it takes longer to pass.
    pub fn passes(&self) -> bool {
        self.is(&[
            "REQUEST_LIMIT_EXCEEDED",
            "SERVER_UNAVAILABLE",
            "REQUEST_RUNNING_TOO_LONG",
            "TXN_SECURITY_METERING_ERROR",
        ])
    }

    /// The record that has a value which is to be one record's alone, where the message names it. What a duplicate rule found
    /// only looks alike: a namesake, or one of a family with one address. It is not for a program to take it for the same.
    pub fn existing(&self) -> Option<String> {
        if !self.is(&["DUPLICATE_VALUE", "DUPLICATE_EXTERNAL_ID"]) {
            return None;
        }
        let (_, tail) = self.message.as_deref()?.split_once("with id:")?;
        let id: String = tail.trim_start().chars().take_while(char::is_ascii_alphanumeric).collect();
        super::ids::long(&id)
    }
}

/// Every error of a body: a list, or a single one.
pub(crate) fn problems(body: &[u8]) -> Vec<Problem> {
    serde_json::from_slice::<Vec<Problem>>(body)
        .or_else(|_| serde_json::from_slice::<Problem>(body).map(|p| vec![p]))
        .unwrap_or_default()
}

/// The result of one record of a collection.
#[derive(Debug, Deserialize)]
pub(crate) struct SaveResult {
    #[serde(default)]
    pub id: Option<String>,
    pub success: bool,
    /// Told of upserts only.
    #[serde(default)]
    pub created: Option<bool>,
    #[serde(default)]
    pub errors: Vec<Problem>,
}

/// Salesforce's way to say no.
pub(crate) struct SalesforceDialect {
    pub name: String,
    /// Whether records are saved although a duplicate rule matches.
    pub save_duplicates: bool,
}

impl SalesforceDialect {
    fn error(&self, kind: ErrorKind, what: impl std::fmt::Display) -> ConnectorError {
        ConnectorError::new(kind, format!("connector `{}`: {what}", self.name))
    }
}

impl Dialect for SalesforceDialect {
    fn judge(&self, answer: &Answer, limited: u32) -> Judgement {
        let problem = problems(&answer.body).into_iter().next().unwrap_or_default();
        let said = problem.words();
        let step = limited + 1;
        let refused = |kind, what: String| Judgement::Refused(self.error(kind, what));
        match answer.status {
            300 => refused(ErrorKind::Refused, format!("several records have this external id: {said}")),
            301..=399 => refused(
                ErrorKind::Untrusted,
                format!("the server answered with a redirect ({}), which Concord does not follow; check loginUrl, instanceUrl and the proxy", answer.status),
            ),
            401 if problem.is(&["INVALID_SESSION_ID"])
                && !problem.says("not valid for use with the rest api")
                && !problem.says("not attached to agent") =>
            {
                Judgement::NotAccepted {
                    expired: true,
                    error: self.error(ErrorKind::Unauthorized, format!("the access token has ended: {said}; authorize again")),
                }
            }
            401 => Judgement::NotAccepted {
                expired: false,
                error: self.error(ErrorKind::Unauthorized, format!("Salesforce does not accept the token: {said}; authorize again, with scopes `api id refresh_token`")),
            },
            403 if problem.is(&["REQUEST_LIMIT_EXCEEDED"]) && problem.says("concurrentrequests") => {
                let rest = Duration::from_secs(u64::from(5 * step));
                Judgement::Throttled { rest, searches_only: false, error: self.error(ErrorKind::RateLimited, format!("too many long calls at once: {said}")) }
            }
            403 if problem.is(&["REQUEST_LIMIT_EXCEEDED"]) => {
                let error = self.error(
                    ErrorKind::RateLimited,
                    format!("the organization's calls of the last 24 hours are used up: {said}; they become free again little by little, so go on in an hour"),
                );
                Judgement::Throttled { rest: DAILY_REST, searches_only: false, error: ConnectorError { retry_after: Some(DAILY_REST), ..error } }
            }
            403 => refused(ErrorKind::Forbidden, format!("the user that authorized may not do this: {said}; give that user the permission, or authorize as another")),
            429 => {
                let rest = answer.retry_after.unwrap_or(Duration::from_secs(u64::from(5 * step)));
                Judgement::Throttled { rest, searches_only: false, error: self.error(ErrorKind::RateLimited, format!("too many calls: {said}")) }
            }
            400 if problem.is_locked() => Judgement::Busy {
                rest: Duration::from_secs(u64::from(step)),
                error: self.error(ErrorKind::Unavailable, format!("a record is locked by another change: {said}")),
            },
            408 | 420 | 500.. => Judgement::Trouble(self.error(
                ErrorKind::Unavailable,
                format!("Salesforce is in trouble (status {}): {said}; try again later", answer.status),
            )),
            404 => refused(ErrorKind::Refused, format!("Salesforce does not know this address or record (404): {said}; check loginUrl, version and supportedObjectTypes")),
            410 => refused(ErrorKind::Refused, format!("this API version is retired (410): {said}; set `version` to a newer one")),
            status => refused(ErrorKind::Refused, format!("Salesforce refused the call (status {status}): {said}")),
        }
    }

    fn budget(&self, headers: &HeaderMap) -> (Option<u64>, Option<u64>) {
        let told = headers.get("sforce-limit-info").and_then(|v| v.to_str().ok()).and_then(api_usage);
        match told {
            Some((used, limit)) => (Some(limit.saturating_sub(used)), Some(limit)),
            None => (None, None),
        }
    }

    fn headers(&self, call: &Call<'_>) -> Vec<(&'static str, String)> {
        let writes = matches!(call.method, Method::POST | Method::PATCH)
            && call.url.path().contains("/composite/sobjects");
        if self.save_duplicates && writes {
            let choice = "allowSave=true; includeRecordDetails=false; runAsCurrentUser=true";
            return vec![("Sforce-Duplicate-Rule-Header", choice.to_owned())];
        }
        Vec::new()
    }

    fn accept(&self, call: &Call<'_>) -> &'static str {
        let path = call.url.path().to_ascii_lowercase();
        if path.ends_with("results") || path.ends_with("/unprocessedrecords") {
            "text/csv"
        } else {
            "application/json"
        }
    }
}

/// `api-usage=18/5000; api-bursts=1/750`: calls used and allowed.
fn api_usage(header: &str) -> Option<(u64, u64)> {
    header.split(';').find_map(|part| {
        let (used, limit) = part.trim().strip_prefix("api-usage=")?.split_once('/')?;
        Some((used.trim().parse().ok()?, limit.trim().parse().ok()?))
    })
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderMap;
    use serde_json::{Value, json};

    use super::{Problem, SalesforceDialect, api_usage, problems};
    use crate::error::ErrorKind;
    use crate::http::{Answer, Dialect, Judgement};

    #[test]
    fn usage_is_read_from_every_form_of_the_header() {
        for (header, expect) in [
            ("api-usage=10018/100000", Some((10018, 100_000))),
            ("api-usage=10018/100000; api-bursts=1/750", Some((10018, 100_000))),
            ("per-app-api-usage=17/250(appName=x); api-usage=25/5000", Some((25, 5000))),
            ("per-app-api-usage=17/250(appName=x)", None),
            ("api-usage=x/y", None),
            ("", None),
        ] {
            assert_eq!(api_usage(header), expect, "{header}");
        }
    }

    #[test]
    fn answers_are_sorted_by_what_has_to_be_done() {
        let error = |code: &str, message: &str| json!([{"errorCode": code, "message": message}]);
        for (status, body, expect) in [
            (401, error("INVALID_SESSION_ID", "Session expired or invalid"), "expired"),
            (
                401,
                error("INVALID_SESSION_ID", "This session is not valid for use with the REST API"),
                "not accepted",
            ),
            (401, error("INVALID_AUTH_HEADER", "INVALID_HEADER_TYPE"), "not accepted"),
            (403, error("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."), "rest 3600"),
            (
                403,
                error(
                    "REQUEST_LIMIT_EXCEEDED",
                    "ConcurrentRequests (ConcurrentPerOrgLongTxn) Limit exceeded.",
                ),
                "rest 5",
            ),
            (403, error("API_DISABLED_FOR_ORG", "no"), "refused Forbidden"),
            (400, error("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access"), "busy"),
            (400, error("MALFORMED_QUERY", "unexpected token"), "refused Refused"),
            (404, error("NOT_FOUND", "x"), "refused Refused"),
            (302, json!({}), "refused Untrusted"),
            (420, json!(null), "trouble"),
            (503, json!("<html>"), "trouble"),
        ] {
            let answer = Answer {
                status,
                headers: HeaderMap::new(),
                retry_after: None,
                body: body.to_string().into_bytes(),
                token: None,
            };
            let found =
                match (SalesforceDialect { name: "sf".into(), save_duplicates: false }).judge(&answer, 0) {
                    Judgement::NotAccepted { expired: true, .. } => "expired".to_owned(),
                    Judgement::NotAccepted { .. } => "not accepted".to_owned(),
                    Judgement::Throttled { rest, .. } => format!("rest {}", rest.as_secs()),
                    Judgement::Busy { .. } => "busy".to_owned(),
                    Judgement::Trouble(e) => {
                        assert_eq!(e.kind, ErrorKind::Unavailable);
                        "trouble".to_owned()
                    }
                    Judgement::DayUsedUp { .. } => "the day is over".to_owned(),
                    Judgement::Refused(e) => format!("refused {:?}", e.kind),
                };
            assert_eq!(found, expect, "{status} {body}");
        }
    }

    fn one(body: Value) -> Problem {
        problems(body.to_string().as_bytes()).remove(0)
    }

    #[test]
    fn problems_are_read_from_both_spellings() {
        let listed = one(
            json!([{"errorCode": "STRING_TOO_LONG", "message": "Alias: data value too large", "fields": ["Alias"]}]),
        );
        let saved = one(
            json!({"statusCode": "STRING_TOO_LONG", "message": "Alias: data value too large", "fields": ["Alias"]}),
        );
        for problem in [listed, saved] {
            assert_eq!(problem.code(), "STRING_TOO_LONG");
            assert_eq!(problem.attribute().as_deref(), Some("Alias"));
        }
        assert!(problems(b"<html>").is_empty());
        assert!(one(json!([{"errorCode": "X", "fields": null}])).fields.is_empty());
    }

    #[test]
    fn what_exists_already_is_found_where_salesforce_hides_it() {
        let id = "003B0000008abcdIAA";
        let duplicate = json!({"matchResults": [{"matchRecords": [{"record": {"Id": id}}]}], "duplicateRule": "Standard"});
        for (body, expect) in [
            (json!([{"errorCode": "DUPLICATES_DETECTED", "duplicateResut": duplicate}]), None),
            (
                json!([{"statusCode": "DUPLICATE_VALUE", "message": "duplicate value found: Ext__c duplicates value on record with id: 003B0000008abcd"}]),
                Some("003B0000008abcdIAA"),
            ),
            (json!([{"statusCode": "DUPLICATE_VALUE", "message": "duplicate value found"}]), None),
            (json!([{"statusCode": "DUPLICATE_USERNAME", "message": "Duplicate Username."}]), None),
        ] {
            assert_eq!(one(body.clone()).existing().as_deref(), expect, "{body}");
        }
    }

    #[test]
    fn a_duplicate_rule_says_its_name_and_what_it_found() {
        let record = |n: usize| json!({"record": {"Id": format!("003B0000008abc{n}")}});
        let found = |matches: usize| json!([{"matchRecords": (1..=matches).map(record).collect::<Vec<_>>()}]);
        for (key, result, expect) in [
            ("duplicateResut", json!({"duplicateRule": "Alike"}), "(duplicate rule Alike)"),
            (
                "duplicateResult",
                json!({"duplicateRule": "Alike", "matchResults": found(2)}),
                "(duplicate rule Alike found 003B0000008abc1IAA, 003B0000008abc2IAA)",
            ),
            ("duplicateResut", json!({"matchResults": found(1)}), "(found 003B0000008abc1IAA)"),
            ("duplicateResut", json!({"duplicateRule": "Alike", "matchResults": found(8)}), " and 3 more)"),
        ] {
            let words =
                one(json!([{"statusCode": "DUPLICATES_DETECTED", "message": "Use?", key: result}])).words();
            assert!(words.contains(expect), "{words}");
        }
    }
}
