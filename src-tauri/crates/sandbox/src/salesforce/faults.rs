//! How the org misbehaves when it is asked to.
//!
//! # The fault document
//!
//! As in [`crate::faults`], with further lists for what happens inside Salesforce rather than on the wire:
//!
//! ```json
//! {
//!   "faults": [
//!     {"path": "*/query*", "nth": 3, "action": {"answer": {"status": 401}}},
//!     {"path": "*/composite/sobjects", "action": "loseAnswer"},
//!     {"path": "/services/data/*", "nth": 20, "times": "always", "action": {"tooManyRequests": {}}}
//!   ],
//!   "rows": [
//!     {"object": "User", "operation": "update", "field": "Username", "value": "ada*", "times": 2,
//!      "code": "UNABLE_TO_LOCK_ROW", "message": "unable to obtain exclusive access to this record"}
//!   ],
//!   "jobs": [{"object": "User", "nth": 1, "end": "Failed", "processed": 500, "polls": 2, "late": true}],
//!   "cursors": {"dieAfterPages": 2, "times": 1},
//!   "pages": {"atMost": 700}
//! }
//! ```
//!
//! - `faults`: on calls. `tooManyRequests` answers 403 `REQUEST_LIMIT_EXCEEDED`, whose `policy` is the limit's name
//!   (default `TotalRequests`, the daily one; `ConcurrentRequests (ConcurrentPerOrgLongTxn)` passes soon).
//!   An `answer` without body is Salesforce's own error for that status: 401 is `INVALID_SESSION_ID`.
//! - `rows`: on single records, whichever call writes them. All that is given must fit: `object`, `operation` (`create`,
//!   `update`, `delete`), `id`, or a `field` whose value matches `value` (`*` for any run of characters). `nth` and
//!   `times` as on calls. `code`, `message` and `fields` are the error; `DUPLICATES_DETECTED` carries matches and gives
//!   way to `Sforce-Duplicate-Rule-Header: allowSave=true`.
//! - `jobs`: on bulk jobs, ingest and query: `object` and `nth` choose; the job needs `polls` looks before it ends, and
//!   ends as `end` (`JobComplete`, `Failed`, `Aborted`) after `processed` records; the others stay unprocessed. With `late`
//!   an ingest job writes its records when it ends, not when it begins, so that a look meanwhile finds none of them.
//! - `cursors`: a query's cursor is gone after so many pages; `times` queries are hit (default 1).
//! - `pages`: query pages hold at most so many records, whatever the caller asks.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::faults::{ALWAYS, Fault, FaultsError, matches};

use super::rules::Operation;

/// What a fault document asks for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Faults {
    /// On calls.
    pub calls: Vec<Fault>,
    /// On records.
    pub rows: Vec<RowFault>,
    /// On bulk jobs.
    pub jobs: Vec<JobFault>,
    /// On query cursors.
    pub cursors: Option<CursorFault>,
    /// On query pages.
    pub pages: Option<PageFault>,
}

/// An error for records that fit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct RowFault {
    /// Object type; any when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// `create`, `update` or `delete`; any when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// The record's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// A field of the record, as it would be after the write.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// What the field's value must match.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// The first fitting write that is hit, from 1.
    #[serde(default = "one")]
    pub nth: u64,
    /// How many writes are hit; `"always"` is a very large number.
    #[serde(default = "one", deserialize_with = "times")]
    pub times: u64,
    /// Salesforce's status code.
    pub code: String,
    /// Its text.
    #[serde(default)]
    pub message: String,
    /// The fields it names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<String>,
}

impl RowFault {
    /// Every write is refused once with this code.
    pub fn of(code: &str) -> RowFault {
        RowFault {
            object: None,
            operation: None,
            id: None,
            field: None,
            value: None,
            nth: 1,
            times: 1,
            code: code.to_owned(),
            message: String::new(),
            fields: Vec::new(),
        }
    }
}

/// The end of a bulk job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct JobFault {
    /// Object type; any when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// The first fitting job that is hit, from 1.
    #[serde(default = "one")]
    pub nth: u64,
    /// How many jobs are hit.
    #[serde(default = "one", deserialize_with = "times")]
    pub times: u64,
    /// `JobComplete`, `Failed` or `Aborted`.
    #[serde(default = "complete")]
    pub end: String,
    /// Records that are processed before the end; all when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processed: Option<usize>,
    /// Looks at the job, alone or in the list of jobs, that still find it in progress.
    #[serde(default)]
    pub polls: u32,
    /// Records are written when the job ends.
    #[serde(default)]
    pub late: bool,
}

/// Cursors that die.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct CursorFault {
    /// Pages that are delivered, the first included.
    pub die_after_pages: u32,
    /// How many queries are hit.
    #[serde(default = "one", deserialize_with = "times")]
    pub times: u64,
}

/// Pages that are smaller than asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct PageFault {
    /// Records of one page.
    pub at_most: usize,
}

fn one() -> u64 {
    1
}

fn complete() -> String {
    "JobComplete".to_owned()
}

fn times<'de, D: serde::Deserializer<'de>>(input: D) -> Result<u64, D::Error> {
    match Value::deserialize(input)? {
        Value::String(word) if word == "always" => Ok(ALWAYS),
        Value::Number(count) => {
            count.as_u64().ok_or_else(|| serde::de::Error::custom("times is a whole number or \"always\""))
        }
        other => Err(serde::de::Error::custom(format!("times is a number or \"always\", not {other}"))),
    }
}

/// Reads a fault document; see the module's text for its format.
///
/// # Errors
/// When the text is not such a document.
pub fn load_faults(text: &str) -> Result<Faults, FaultsError> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Document {
        #[serde(default)]
        faults: Vec<Value>,
        #[serde(default)]
        rows: Vec<RowFault>,
        #[serde(default)]
        jobs: Vec<JobFault>,
        #[serde(default)]
        cursors: Option<CursorFault>,
        #[serde(default)]
        pages: Option<PageFault>,
    }
    // Read as an object first: a list would pass for a document without any of its parts.
    let document: Map<String, Value> = serde_json::from_str(text)?;
    let document: Document = serde_json::from_value(Value::Object(document))?;
    let calls = Map::from_iter([("faults".to_owned(), Value::from(document.faults))]);
    let calls = crate::faults::load_faults(&Value::Object(calls).to_string())?;
    let starts = document.rows.iter().map(|row| row.nth).chain(document.jobs.iter().map(|job| job.nth));
    if let Some(at) = starts.into_iter().position(|nth| nth == 0) {
        return Err(FaultsError::NeverHits { index: at + 1 });
    }
    Ok(Faults {
        calls,
        rows: document.rows,
        jobs: document.jobs,
        cursors: document.cursors,
        pages: document.pages,
    })
}

impl Faults {
    /// The document of these faults.
    pub(crate) fn document(&self) -> Value {
        serde_json::json!({"faults": self.calls, "rows": self.rows, "jobs": self.jobs, "cursors": self.cursors,
                           "pages": self.pages})
    }
}

/// Counts a fitting event and says whether it is hit.
fn counted(seen: &mut u64, nth: u64, times: u64) -> bool {
    *seen += 1;
    *seen >= nth && *seen - nth < times
}

/// The faults inside the org and how often each was met.
#[derive(Debug, Default)]
pub(crate) struct Inner {
    pub faults: Faults,
    rows: Vec<u64>,
    jobs: Vec<u64>,
    cursors: u64,
}

impl Inner {
    pub(crate) fn new(faults: Faults) -> Inner {
        Inner { rows: vec![0; faults.rows.len()], jobs: vec![0; faults.jobs.len()], cursors: 0, faults }
    }

    pub(crate) fn add_row(&mut self, fault: RowFault) {
        self.faults.rows.push(fault);
        self.rows.push(0);
    }

    pub(crate) fn add_job(&mut self, fault: JobFault) {
        self.faults.jobs.push(fault);
        self.jobs.push(0);
    }

    /// What refuses this record; `value` gives its fields as they would be after the write.
    pub(crate) fn row<'a>(
        &mut self,
        object: &str,
        operation: Operation,
        id: Option<&str>,
        value: impl Fn(&str) -> Option<&'a str>,
    ) -> Option<RowFault> {
        let word = match operation {
            Operation::Create => "create",
            Operation::Update => "update",
            Operation::Delete => "delete",
        };
        let mut hit = None;
        for (fault, seen) in self.faults.rows.iter().zip(&mut self.rows) {
            let of_object = fault.object.as_ref().is_none_or(|only| only.eq_ignore_ascii_case(object));
            let of_operation = fault.operation.as_deref().is_none_or(|only| only == word);
            let of_id = fault.id.as_deref().is_none_or(|only| id.is_some_and(|id| id.starts_with(only)));
            let of_field = fault.field.as_deref().is_none_or(|field| {
                value(field).is_some_and(|text| matches(fault.value.as_deref().unwrap_or("*"), text))
            });
            if of_object
                && of_operation
                && of_id
                && of_field
                && counted(seen, fault.nth, fault.times)
                && hit.is_none()
            {
                hit = Some(fault.clone());
            }
        }
        hit
    }

    /// What becomes of a new bulk job.
    pub(crate) fn job(&mut self, object: &str) -> Option<JobFault> {
        let mut hit = None;
        for (fault, seen) in self.faults.jobs.iter().zip(&mut self.jobs) {
            let fits = fault.object.as_ref().is_none_or(|only| only.eq_ignore_ascii_case(object));
            if fits && counted(seen, fault.nth, fault.times) && hit.is_none() {
                hit = Some(fault.clone());
            }
        }
        hit
    }

    /// After how many pages a new cursor dies.
    pub(crate) fn cursor(&mut self) -> Option<u32> {
        let fault = self.faults.cursors.as_ref()?;
        counted(&mut self.cursors, 1, fault.times).then_some(fault.die_after_pages)
    }

    pub(crate) fn page(&self, asked: usize) -> usize {
        self.faults.pages.as_ref().map_or(asked, |fault| asked.min(fault.at_most.max(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_example_is_read() {
        let example: String = include_str!("faults.rs")
            .lines()
            .skip_while(|line| *line != "//! ```json")
            .skip(1)
            .take_while(|line| *line != "//! ```")
            .map(|line| line.trim_start_matches("//!"))
            .collect();
        let faults = load_faults(&example).unwrap();
        assert_eq!((faults.calls.len(), faults.rows.len(), faults.jobs.len()), (3, 1, 1));
        assert_eq!(load_faults(&faults.document().to_string()).unwrap(), faults);
    }

    #[test]
    fn bad_documents_say_why() {
        for (text, word) in [
            ("[]", "fault document"),
            (r#"{"rows":[{"cod":"X"}]}"#, "cod"),
            (r#"{"rows":[{"code":"X","nth":0}]}"#, "counted from 1"),
            (r#"{"rows":[{"code":"X","times":"never"}]}"#, "never"),
            (r#"{"faults":[{"action":"explode"}]}"#, "explode"),
        ] {
            let error = load_faults(text).unwrap_err().to_string();
            assert!(error.contains(word), "{text}: {error}");
        }
    }

    #[test]
    fn rows_are_chosen_and_counted() {
        let document = r#"{"rows":[{"object":"user","operation":"update","field":"Username","value":"a*","times":1,
                                    "nth":2,"code":"UNABLE_TO_LOCK_ROW"}]}"#;
        let mut inner = Inner::new(load_faults(document).unwrap());
        let mut hit =
            |operation, name: &'static str| inner.row("User", operation, None, move |_| Some(name)).is_some();
        assert!(!hit(Operation::Update, "bob"));
        assert!(!hit(Operation::Create, "ada"));
        assert!(!hit(Operation::Update, "ada"));
        assert!(hit(Operation::Update, "ada"));
        assert!(!hit(Operation::Update, "ada"));
    }
}
