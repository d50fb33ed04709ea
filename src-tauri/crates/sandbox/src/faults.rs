//! Faults: how a stand-in misbehaves when a test or a curious person asks it to.
//!
//! # The fault document
//!
//! A JSON document, given with `--faults FILE`, by [`load_faults`] or by `POST /__sandbox/faults`:
//!
//! ```json
//! {"faults": [
//!   {"method": "GET", "path": "/crm/*/contacts", "nth": 3,
//!    "action": {"answer": {"status": 502, "body": "<html>Bad gateway</html>"}}},
//!   {"path": "*/batch/upsert", "action": "loseAnswer"},
//!   {"path": "*", "nth": 10, "times": "always", "action": {"delay": {"ms": 250}}},
//!   {"path": "*/contacts", "action": {"tooManyRequests": {"policy": "TEN_SECONDLY_ROLLING", "retryAfter": 2}}}
//! ]}
//! ```
//!
//! - `method`: the HTTP method; left out, any.
//! - `path`: the path without query; `*` stands for any run of characters, slashes too. Left out, any.
//! - `nth`: the first matching call that is hit, from 1 (default 1). Calls are counted per fault.
//! - `times`: how many calls are hit from there on, a number or `"always"` (default 1).
//! - `action`: one of
//!   - `{"answer": {"status": 503, "body": ..., "headers": {"retry-after": "1"}}}`: this answer, nothing done.
//!     A string body is sent as it is (HTML), any other JSON as JSON; without a body the provider's own error for
//!     that status (423 locked, 477 migration in progress, 401 expired, 429, 5xx, ...).
//!   - `{"answerAfterWork": {"status": 504, "body": ...}}`: the work is done, and then this answer is given.
//!   - `{"tooManyRequests": {"policy": "DAILY", "retryAfter": 5}}`: 429 in the provider's words; both fields optional.
//!   - `"resetBeforeAnswer"`: nothing done, connection reset.
//!   - `"loseAnswer"`: the work is done, then the connection is reset before the answer.
//!   - `"cutBody"`: the answer's header promises the whole body, half of it arrives.
//!   - `"truncatedJson"`: 200, complete as HTTP, but the JSON stops halfway.
//!   - `"emptyObject"`: 200 with `{}`.
//!   - `"html"`: 200 with an HTML page.
//!   - `"repeatPage"`: the previous answer on this path is delivered once more, cursor and all.
//!   - `"overlapPage"`: the page begins with the last half of the previous one; cursors still rise, nothing is lost.
//!   - `"dropPaging"`: the page is full but its paging element is missing.
//!   - `"selfCursor"`: the cursor for the next page is the one this page was asked with.
//!   - `"newCursor"`: the page holds the first record of the page before it, and a cursor that was not there yet.
//!   - `{"redirect": {"to": "http://localhost:9", "status": 307}}`: to the same path on another host.
//!   - `{"delay": {"ms": 1000}}`: the call is answered later; may go together with another fault.
//!
//! When several faults hit one call, all delays apply and the first of the others acts.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

/// `times` of a fault that never stops.
pub const ALWAYS: u64 = u64::MAX;

/// One rule: which calls are hit, and what happens to them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Fault {
    /// HTTP method; `None` hits any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Path pattern with `*`.
    #[serde(default = "any_path")]
    pub path: String,
    /// The first matching call that is hit, from 1.
    #[serde(default = "one")]
    pub nth: u64,
    /// How many calls are hit, [`ALWAYS`] for all.
    #[serde(default = "one", deserialize_with = "read_times", serialize_with = "write_times")]
    pub times: u64,
    /// What happens.
    pub action: Action,
}

/// What a fault does; the module's text says how each looks on the wire.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", rename_all_fields = "camelCase")]
#[allow(missing_docs)] // each field is described in the document's format above
pub enum Action {
    /// A fixed answer in place of the work.
    #[serde(rename_all = "camelCase")]
    Answer {
        status: u16,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        body: Option<Value>,
        #[serde(default, skip_serializing_if = "Map::is_empty")]
        headers: Map<String, Value>,
    },
    /// The work is done, and this answer given in place of its own.
    #[serde(rename_all = "camelCase")]
    AnswerAfterWork {
        status: u16,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        body: Option<Value>,
    },
    /// 429 in the provider's words.
    TooManyRequests {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        policy: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after: Option<u64>,
    },
    /// Connection reset, nothing done.
    ResetBeforeAnswer,
    /// Work done, connection reset.
    LoseAnswer,
    /// Half of the promised body.
    CutBody,
    /// Half of the JSON as if it were whole.
    TruncatedJson,
    /// `{}`.
    EmptyObject,
    /// An HTML page.
    Html,
    /// The previous answer of the same path again.
    RepeatPage,
    /// Half of the previous page again, then half of this one.
    OverlapPage,
    /// No paging element.
    DropPaging,
    /// The next cursor is this page's own.
    SelfCursor,
    /// The same record once more, and a cursor that is new.
    NewCursor,
    /// To the same path elsewhere.
    Redirect {
        to: String,
        #[serde(default = "temporary_redirect")]
        status: u16,
    },
    /// A slow answer.
    Delay { ms: u64 },
}

impl Fault {
    /// A fault that hits the first call on `path` (with `*`), whatever its method.
    pub fn on(path: &str, action: Action) -> Fault {
        Fault { method: None, path: path.to_owned(), nth: 1, times: 1, action }
    }

    /// Only calls with this method.
    pub fn method(mut self, method: &str) -> Fault {
        self.method = Some(method.to_owned());
        self
    }

    /// The first call that is hit, from 1.
    pub fn nth(mut self, nth: u64) -> Fault {
        self.nth = nth;
        self
    }

    /// How many calls are hit.
    pub fn times(mut self, times: u64) -> Fault {
        self.times = times;
        self
    }
}

/// Why a fault document was refused.
#[derive(Debug, thiserror::Error)]
pub enum FaultsError {
    /// Not JSON, or not the documented shape.
    #[error("the fault document cannot be read: {0}; its format is described in sandbox::faults")]
    Format(#[from] serde_json::Error),
    /// A number that can never hit.
    #[error("fault {index} has nth = 0; calls are counted from 1")]
    NeverHits {
        /// Position in the document, from 1.
        index: usize,
    },
    /// A status that HTTP does not have.
    #[error("fault {index} answers with status {status}; use 100 to 999")]
    Status {
        /// Position in the document, from 1.
        index: usize,
        /// The refused status.
        status: u16,
    },
}

/// Reads a fault document; see the module's text for its format.
///
/// # Errors
/// When the text is not such a document.
pub fn load_faults(text: &str) -> Result<Vec<Fault>, FaultsError> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Document {
        faults: Vec<Fault>,
    }
    let document: Document = serde_json::from_str(text)?;
    for (at, fault) in document.faults.iter().enumerate() {
        if fault.nth == 0 {
            return Err(FaultsError::NeverHits { index: at + 1 });
        }
        if let Action::Answer { status, .. }
        | Action::AnswerAfterWork { status, .. }
        | Action::Redirect { status, .. } = fault.action
            && !(200..=999).contains(&status)
        {
            return Err(FaultsError::Status { index: at + 1, status });
        }
    }
    Ok(document.faults)
}

/// The faults in force and how often each has matched.
#[derive(Debug, Default)]
pub(crate) struct FaultList {
    faults: Vec<(Fault, u64)>,
}

/// What hits one call.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Hit {
    pub delay_ms: u64,
    pub action: Option<Action>,
}

impl FaultList {
    pub(crate) fn new(faults: Vec<Fault>) -> FaultList {
        FaultList { faults: faults.into_iter().map(|fault| (fault, 0)).collect() }
    }

    pub(crate) fn add(&mut self, fault: Fault) {
        self.faults.push((fault, 0));
    }

    pub(crate) fn all(&self) -> Vec<Fault> {
        self.faults.iter().map(|(fault, _)| fault.clone()).collect()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.faults.is_empty()
    }

    /// Counts the call against every fault and says what happens to it.
    pub(crate) fn hit(&mut self, method: &str, path: &str) -> Hit {
        let mut hit = Hit::default();
        for (fault, seen) in &mut self.faults {
            if fault.method.as_ref().is_some_and(|only| !only.eq_ignore_ascii_case(method))
                || !matches(&fault.path, path)
            {
                continue;
            }
            *seen += 1;
            if *seen < fault.nth || *seen - fault.nth >= fault.times {
                continue;
            }
            match &fault.action {
                Action::Delay { ms } => hit.delay_ms = hit.delay_ms.saturating_add(*ms),
                action if hit.action.is_none() => hit.action = Some(action.clone()),
                _ => {}
            }
        }
        hit
    }
}

/// Whether `pattern`, in which `*` stands for any run of characters, covers `text`.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = rest.get(at + part.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    true
}

fn any_path() -> String {
    "*".to_owned()
}

fn one() -> u64 {
    1
}

fn temporary_redirect() -> u16 {
    307
}

fn read_times<'de, D: Deserializer<'de>>(input: D) -> Result<u64, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Times {
        Count(u64),
        Word(String),
    }
    match Times::deserialize(input)? {
        Times::Count(count) => Ok(count),
        Times::Word(word) if word == "always" => Ok(ALWAYS),
        Times::Word(word) => {
            Err(serde::de::Error::custom(format!("times is a number or \"always\", not \"{word}\"")))
        }
    }
}

fn write_times<S: Serializer>(times: &u64, out: S) -> Result<S::Ok, S::Error> {
    if *times == ALWAYS { out.serialize_str("always") } else { out.serialize_u64(*times) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        let table = [
            ("*", "/a/b", true),
            ("/a/b", "/a/b", true),
            ("/a/b", "/a/b/c", false),
            ("/a/*", "/a/b/c", true),
            ("*/batch/upsert", "/crm/v3/objects/contacts/batch/upsert", true),
            ("/crm/*/contacts", "/crm/v3/objects/contacts", true),
            ("/crm/*/contacts", "/crm/v3/objects/contacts/1", false),
            ("/a*b*c", "/aXbYc", true),
            ("/a*a", "/a", false),
        ];
        for (pattern, path, expected) in table {
            assert_eq!(matches(pattern, path), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn the_documented_example_is_read() {
        let text = include_str!("faults.rs");
        let example: String = text
            .lines()
            .skip_while(|line| *line != "//! ```json")
            .skip(1)
            .take_while(|line| *line != "//! ```")
            .map(|line| line.trim_start_matches("//!"))
            .collect();
        let faults = load_faults(&example).unwrap();
        assert_eq!(faults.len(), 4);
        assert_eq!(faults[1].action, Action::LoseAnswer);
        assert_eq!(faults[2].times, ALWAYS);
        let again = load_faults(&serde_json::json!({ "faults": faults }).to_string()).unwrap();
        assert_eq!(again, faults);
    }

    #[test]
    fn bad_documents_say_why() {
        for (text, word) in [
            ("[]", "fault document"),
            (r#"{"faults":[{"action":"explode"}]}"#, "explode"),
            (r#"{"faults":[{"action":"html","nht":1}]}"#, "nht"),
            (r#"{"faults":[{"action":"html","nth":0}]}"#, "counted from 1"),
            (r#"{"faults":[{"action":"html","times":"never"}]}"#, "never"),
            (r#"{"faults":[{"action":{"answer":{"status":7}}}]}"#, "status 7"),
        ] {
            let error = load_faults(text).unwrap_err().to_string();
            assert!(error.contains(word), "{text}: {error}");
        }
    }

    #[test]
    fn calls_are_counted_per_fault() {
        let mut list = FaultList::new(vec![
            Fault::on("/a", Action::Html).method("get").nth(2).times(2),
            Fault::on("*", Action::Delay { ms: 5 }).times(ALWAYS),
            Fault::on("/a", Action::EmptyObject).nth(3),
        ]);
        let hits: Vec<_> = (0..4).map(|_| list.hit("GET", "/a").action).collect();
        assert_eq!(hits, [None, Some(Action::Html), Some(Action::Html), None]);
        assert_eq!(list.hit("POST", "/b"), Hit { delay_ms: 5, action: None });
    }
}
