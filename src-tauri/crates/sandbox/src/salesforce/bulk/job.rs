//! A bulk job and what is known of it.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::super::catalogue::ObjectType;
use super::super::id::{id18, normal};
use super::super::problem::Problem;
use super::super::rules::INTEGRATION_USER;
use super::super::soql::plan::Path;
use super::super::time::stamp;

/// Key prefix of a job.
const PREFIX: &str = "750";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Open,
    UploadComplete,
    InProgress,
    JobComplete,
    Failed,
    Aborted,
}

impl State {
    pub(crate) fn wire(self) -> &'static str {
        match self {
            State::Open => "Open",
            State::UploadComplete => "UploadComplete",
            State::InProgress => "InProgress",
            State::JobComplete => "JobComplete",
            State::Failed => "Failed",
            State::Aborted => "Aborted",
        }
    }

    /// The state by which a fault document names the end of a job.
    pub(crate) fn end(text: &str) -> State {
        match text {
            "Failed" => State::Failed,
            "Aborted" => State::Aborted,
            _ => State::JobComplete,
        }
    }

    pub(crate) fn is_final(self) -> bool {
        matches!(self, State::JobComplete | State::Failed | State::Aborted)
    }
}

/// The CSV of an ingest job and what became of its rows.
#[derive(Debug, Default)]
pub(crate) struct Ingest {
    pub key: Option<String>,
    pub upload: Option<String>,
    pub header: Vec<String>,
    /// Id, whether it was created, the row.
    pub done: Vec<(String, bool, Vec<String>)>,
    /// Id where there is one, the error, the row.
    pub failed: Vec<(String, String, Vec<String>)>,
    pub unprocessed: Vec<Vec<String>>,
    /// Rows that are written before the job ends; the others stay unprocessed.
    pub processed: usize,
}

/// The records that a query job found when it began.
#[derive(Debug)]
pub(crate) struct Select {
    pub soql: String,
    pub columns: Vec<Path>,
    pub records: Vec<u64>,
}

#[derive(Debug)]
pub(crate) enum Work {
    Ingest(Ingest),
    Select(Select),
}

#[derive(Debug)]
pub(crate) struct Job {
    pub id: String,
    pub object: &'static ObjectType,
    pub operation: String,
    pub state: State,
    /// Looks that still find it in progress, and the state after them.
    pub polls: u32,
    pub end: State,
    pub delimiter: &'static (&'static str, char),
    pub ending: &'static (&'static str, &'static str),
    pub version: u16,
    pub created: i64,
    pub changed: i64,
    pub error: Option<String>,
    pub work: Work,
}

pub(crate) const DELIMITERS: &[(&str, char)] =
    &[("COMMA", ','), ("TAB", '\t'), ("PIPE", '|'), ("SEMICOLON", ';'), ("CARET", '^'), ("BACKQUOTE", '`')];
pub(crate) const ENDINGS: &[(&str, &str)] = &[("LF", "\n"), ("CRLF", "\r\n")];

/// The entry that the body of a new job names, or the first.
pub(crate) fn choice<T>(
    all: &'static [(&'static str, T)],
    body: &Map<String, Value>,
    name: &str,
) -> Result<&'static (&'static str, T), Problem> {
    let asked = body.get(name).and_then(Value::as_str).unwrap_or_default();
    let found = if asked.is_empty() { all.first() } else { all.iter().find(|(word, _)| *word == asked) };
    found.ok_or_else(|| Problem::new(400, "INVALIDJOB", format!("{name} cannot be {asked}")))
}

impl Job {
    pub(crate) fn is_ingest(&self) -> bool {
        matches!(self.work, Work::Ingest(_))
    }

    /// A caller finds out only after some looks that the work is done, as with a queue that takes its time. Whether the job
    /// ends with this look.
    pub(crate) fn looked_at(&mut self) -> bool {
        if !matches!(self.state, State::UploadComplete | State::InProgress) {
            return false;
        }
        self.polls = self.polls.saturating_sub(1);
        self.state = if self.polls == 0 { self.end } else { State::InProgress };
        self.polls == 0
    }

    pub(crate) fn abort(&mut self, now: i64) {
        self.state = State::Aborted;
        self.changed = now;
        if let Work::Ingest(ingest) = &mut self.work {
            // Rows that were written stay written; only what was not uploaded to its end is dropped.
            ingest.upload = None;
        }
    }

    pub(crate) fn info(&self) -> Value {
        let kind = if self.is_ingest() { "ingest" } else { "query" };
        let mut info = json!({
            "id": self.id, "operation": self.operation, "object": self.object.name,
            "createdById": id18("005", INTEGRATION_USER), "createdDate": stamp(self.created),
            "systemModstamp": stamp(self.changed), "state": self.state.wire(), "concurrencyMode": "Parallel",
            "contentType": "CSV", "apiVersion": f64::from(self.version),
            "jobType": if self.is_ingest() { "V2Ingest" } else { "V2Query" },
            "lineEnding": self.ending.0, "columnDelimiter": self.delimiter.0,
        });
        let Value::Object(fields) = &mut info else { return info };
        if let Some(error) = self.error.as_ref().filter(|_| self.state.is_final()) {
            fields.insert("errorMessage".into(), error.clone().into());
        }
        match &self.work {
            Work::Ingest(ingest) => {
                if let Some(key) = &ingest.key {
                    fields.insert("externalIdFieldName".into(), key.clone().into());
                }
                if self.state == State::Open {
                    let url = format!("services/data/v{}.0/jobs/{kind}/{}/batches", self.version, self.id);
                    fields.insert("contentUrl".into(), url.into());
                } else {
                    // Before the end the counts grow; a caller must not take them for the result.
                    let seen = self.state.is_final();
                    let processed = ingest.done.len() + ingest.failed.len();
                    fields.insert("numberRecordsProcessed".into(), if seen { processed } else { 0 }.into());
                    fields.insert(
                        "numberRecordsFailed".into(),
                        if seen { ingest.failed.len() } else { 0 }.into(),
                    );
                    fields.insert("retries".into(), 0.into());
                    fields.insert("totalProcessingTime".into(), (processed / 10).into());
                    fields.insert("apiActiveProcessingTime".into(), (processed / 20).into());
                    fields.insert("apexProcessingTime".into(), 0.into());
                }
            }
            Work::Select(select) => {
                fields.insert("query".into(), select.soql.clone().into());
                if self.state.is_final() {
                    fields.insert("numberRecordsProcessed".into(), select.records.len().into());
                    fields.insert("retries".into(), 0.into());
                    fields.insert("totalProcessingTime".into(), (select.records.len() / 100).into());
                }
            }
        }
        info
    }
}

/// Every job, by id.
#[derive(Debug, Default)]
pub(crate) struct Jobs {
    jobs: BTreeMap<String, Job>,
    last: u64,
}

impl Jobs {
    pub(crate) fn next_id(&mut self) -> String {
        self.last += 1;
        id18(PREFIX, self.last)
    }

    pub(crate) fn add(&mut self, job: Job) {
        self.jobs.insert(job.id.clone(), job);
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Job> {
        self.jobs.values()
    }

    pub(crate) fn all_mut(&mut self) -> impl Iterator<Item = &mut Job> {
        self.jobs.values_mut()
    }

    pub(crate) fn find(&self, id: &str, ingest: bool) -> Result<&Job, Problem> {
        let found = normal(id).and_then(|id| self.jobs.get(&id));
        found.filter(|job| job.is_ingest() == ingest).ok_or_else(Problem::not_found)
    }

    pub(crate) fn find_mut(&mut self, id: &str, ingest: bool) -> Result<&mut Job, Problem> {
        let found = normal(id).and_then(|id| self.jobs.get_mut(&id));
        found.filter(|job| job.is_ingest() == ingest).ok_or_else(Problem::not_found)
    }

    pub(crate) fn remove(&mut self, id: &str) {
        if let Some(id) = normal(id) {
            self.jobs.remove(&id);
        }
    }

    pub(crate) fn clear(&mut self) {
        self.jobs.clear();
    }
}
