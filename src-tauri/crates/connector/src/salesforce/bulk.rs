//! Bulk API 2.0: jobs that read or write many records with a handful of calls.

use std::time::Duration;

use model::Attributes;
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Salesforce;
use super::answers::problems;
use super::csv::lines;
use super::describe::{Kind, number};
use super::objects::ObjectType;
use super::settings::is_api_name;
use super::soql::time;
use super::words::plain;
use crate::error::{ConnectorError, ErrorKind};
use crate::http::{Answer, Failure, Payload, Repeat};

const FIRST_POLL: Duration = Duration::from_secs(2);
/// SOQL follows five relationships. A head that names more is none of ours, and shall not exhaust the stack.
const DEEPEST: usize = 8;
const LONGEST_POLL: Duration = Duration::from_secs(30);
/// A job that takes longer is given up.
pub(super) const PATIENCE: Duration = Duration::from_secs(2 * 3600);
/// How long Salesforce may be out of reach while a job that writes is waited for. A run bears it about as long: its batches
/// are sent again four times, a minute apart.
const OUTAGE: Duration = Duration::from_secs(300);

/// What Salesforce tells about a job.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Job {
    #[serde(deserialize_with = "plain")]
    pub id: String,
    #[serde(deserialize_with = "plain")]
    pub state: String,
    #[serde(default)]
    pub number_records_processed: Option<u64>,
    #[serde(default)]
    pub number_records_failed: Option<u64>,
    #[serde(default)]
    pub error_message: Option<String>,
}

impl Job {
    fn read(answer: &Answer) -> Result<Self, String> {
        answer.json_quoting(
            |job: &Self| job.error_message.is_some(),
            |job, quotable| job.error_message = quotable.error_message,
        )
    }

    fn is_over(&self) -> bool {
        is_over(&self.state)
    }
}

/// Whether a job in this state writes nothing any more.
pub(super) fn is_over(state: &str) -> bool {
    matches!(state, "JobComplete" | "Failed" | "Aborted")
}

/// A query whose results can be fetched.
pub(super) struct QueryJob {
    pub id: String,
    /// How to read the values of each column.
    pub columns: Vec<(String, Kind)>,
    /// How many records it has, where Salesforce told.
    pub expected: Option<u64>,
}

impl Salesforce {
    /// Starts a query as a job and waits for it. `None` where Salesforce does not take this query as a job.
    pub(super) async fn start_query(
        &self,
        kind: &ObjectType,
        fields: &[String],
        soql: &str,
    ) -> Result<Option<QueryJob>, ConnectorError> {
        let Some(columns) = self.columns(kind, fields).await? else { return Ok(None) };
        let body = json!({"operation": "query", "query": soql});
        // A job that was made twice costs little and is forgotten after seven days.
        let call = self.call(Method::POST, self.url("jobs/query"), &body, Repeat::Safe);
        let job = match self.send(&call, Job::read).await {
            Ok(job) => job,
            Err(Failure::Refused(refusal)) if matches!(refusal.status, 400 | 403..=405) => {
                tracing::info!(connector = %self.name, "reading page by page instead of in bulk: {}", refusal.error);
                return Ok(None);
            }
            Err(failure) => return Err(failure.into()),
        };
        let job = self.finished("jobs/query", job, Duration::ZERO).await?;
        if job.state != "JobComplete" {
            tracing::info!(
                connector = %self.name,
                "reading page by page instead of in bulk: the job is {}: {}",
                job.state,
                job.error_message.as_deref().unwrap_or("no explanation")
            );
            return Ok(None);
        }
        Ok(Some(QueryJob { id: job.id, columns, expected: job.number_records_processed }))
    }

    /// How to read the values of these fields, which come as texts; `None` where a job cannot bring them all, or not so that a
    /// query's answer would be the same.
    async fn columns(
        &self,
        kind: &ObjectType,
        fields: &[String],
    ) -> Result<Option<Vec<(String, Kind)>>, ConnectorError> {
        let mut columns = Vec::with_capacity(fields.len());
        for field in fields {
            match self.kind_of(kind, field).await? {
                Some(Kind::Compound) | None => return Ok(None),
                Some(kind) => columns.push((field.clone(), kind)),
            }
        }
        Ok(Some(columns))
    }

    /// The kind of a field, or of one of a record that is referred to (`Manager.IsActive`), by the description of its own type;
    /// `None` where Salesforce does not describe it.
    async fn kind_of(&self, kind: &ObjectType, path: &str) -> Result<Option<Kind>, ConnectorError> {
        let mut described = self.described(kind).await?;
        let mut steps = path.split('.');
        let field = steps.next_back().unwrap_or_default();
        for step in steps {
            let Some(name) = described.related(step).filter(|name| is_api_name(name)) else {
                return Ok(None);
            };
            let related = ObjectType::new(name, &self.settings);
            described = match self.described(&related).await {
                Ok(described) => described,
                Err(error) if matches!(error.kind, ErrorKind::Refused | ErrorKind::Forbidden) => {
                    return Ok(None);
                }
                Err(error) => return Err(error),
            };
        }
        Ok(described.field(field).map(|f| f.kind()))
    }

    /// Waits until a job has come to its end. Salesforce may be out of reach meanwhile, for so long at a stretch.
    async fn finished(&self, path: &str, job: Job, outage: Duration) -> Result<Job, ConnectorError> {
        let (mut job, mut pause, mut waited) = (job, FIRST_POLL, Duration::ZERO);
        let mut out_since = None;
        while !job.is_over() {
            if waited > PATIENCE {
                return Err(self.error(
                    ErrorKind::Unavailable,
                    format!("bulk job {} has not come to an end in two hours; look at it in Setup > Bulk Data Load Jobs", job.id),
                ));
            }
            self.waiter.wait(pause).await;
            waited += pause;
            pause = (pause * 2).min(LONGEST_POLL);
            let asked = self.waiter.elapsed();
            // What is under way is seen to its end, whatever the share of the day.
            let look = self.get(self.url(&format!("{path}/{}", job.id)));
            match self.http.send(&look, Job::read).await {
                Ok(told) => (job, out_since) = (told, None),
                Err(failure) => {
                    let since = *out_since.get_or_insert(asked);
                    let passes = matches!(
                        failure.error().kind,
                        ErrorKind::Unreachable | ErrorKind::Unavailable | ErrorKind::Untrusted
                    );
                    if !passes || self.waiter.elapsed().saturating_sub(since) > outage {
                        return Err(failure.into());
                    }
                    tracing::info!(connector = %self.name, job = job.id, "a bulk job is out of sight: {failure}");
                }
            }
        }
        Ok(job)
    }

    /// Makes an ingest job, uploads its records and waits for the end. The error is `Lost` where records may have been
    /// written and nobody can tell which.
    pub(super) async fn ingest(
        &self,
        kind: &ObjectType,
        operation: &str,
        external_id: Option<&str>,
        records: Vec<u8>,
    ) -> Result<Job, Failure> {
        let mut body =
            json!({"object": kind.name, "operation": operation, "contentType": "CSV", "lineEnding": "LF"});
        if let Some(field) = external_id {
            body["externalIdFieldName"] = json!(field);
        }
        // A job that nothing is uploaded to does nothing, so one that was made and not told about does no harm.
        let call = self.call(Method::POST, self.url("jobs/ingest"), &body, Repeat::Safe);
        let job: Job = self.send(&call, Job::read).await?;
        let path = format!("jobs/ingest/{}", job.id);
        let mut upload = self.get(self.url(&format!("{path}/batches")));
        upload.method = Method::PUT;
        upload.payload = Payload::Csv(records);
        upload.repeat = Repeat::Never;
        if let Err(failure) = self.send(&upload, |_| Ok(())).await {
            // Nothing is written before the upload is declared complete.
            self.abort(&path).await;
            return Err(Failure::NotDone(failure.into()));
        }
        let complete =
            self.call(Method::PATCH, self.url(&path), &json!({"state": "UploadComplete"}), Repeat::Never);
        let job = match self.send(&complete, Job::read).await {
            Ok(job) => job,
            Err(Failure::Lost(error)) => {
                let look = self.get(self.url(&path));
                match self.send(&look, Job::read).await {
                    // The call may be on its way still: only a job that is ended never begins.
                    Ok(job) if job.state == "Open" => {
                        let ended = self.abort(&path).await;
                        return Err(if ended { Failure::NotDone(error) } else { Failure::Lost(error) });
                    }
                    Ok(job) => job,
                    Err(_) => return Err(Failure::Lost(error)),
                }
            }
            Err(failure) => {
                self.abort(&path).await;
                return Err(failure);
            }
        };
        self.finished("jobs/ingest", job, OUTAGE).await.map_err(Failure::Lost)
    }

    /// Ends a job that must not write anything (more). Failing to does no harm here: an open job writes nothing. Gives
    /// whether it is certain that it never will.
    pub(super) async fn abort(&self, path: &str) -> bool {
        let call = self.call(Method::PATCH, self.url(path), &json!({"state": "Aborted"}), Repeat::Safe);
        // Like a look at a job, it is made whatever the share of the day.
        let ended = self.http.send(&call, |_| Ok(())).await;
        if let Err(failure) = &ended {
            tracing::debug!(connector = %self.name, "a bulk job could not be ended: {failure}");
        }
        ended.is_ok()
    }

    /// One of the three results of an ingest job, line by line with its head.
    pub(super) async fn ingest_results(&self, job: &Job, which: &str) -> Result<Vec<Vec<String>>, Failure> {
        let call = self.get(self.url(&format!("jobs/ingest/{}/{which}", job.id)));
        let refusals = which == "failedResults";
        let read =
            |answer: &Answer| if refusals { lines(&answer.quotable().body) } else { lines(&answer.body) };
        self.http.send(&call, read).await
    }
}

impl QueryJob {
    /// A line of a result as a query would have sent it.
    pub fn record(&self, head: &[String], line: Vec<String>) -> Attributes {
        nested(head.iter().zip(line).map(|(name, text)| {
            match self.columns.iter().find(|(field, _)| field.eq_ignore_ascii_case(name)) {
                Some((field, kind)) => (field.clone(), value(*kind, text)),
                None => (name.clone(), Value::String(text)),
            }
        }))
    }
}

/// `Profile.Name` becomes what a query's answer has: an object in an object.
fn nested(fields: impl Iterator<Item = (String, Value)>) -> Attributes {
    let mut record = Attributes::new();
    for (name, value) in fields {
        put(&mut record, &name, value, DEEPEST);
    }
    record
}

fn put(record: &mut Attributes, path: &str, value: Value, deepest: usize) {
    match path.split_once('.').filter(|_| deepest > 0) {
        None => {
            record.insert(path.to_owned(), value);
        }
        Some((step, rest)) => {
            if let Value::Object(inner) = record.entry(step).or_insert_with(|| json!({})) {
                put(inner, rest, value, deepest - 1);
            }
        }
    }
}

/// A value of a CSV as a query would have sent it: an empty one is null, times in the notation of queries.
fn value(kind: Kind, text: String) -> Value {
    if text.is_empty() {
        return Value::Null;
    }
    match kind {
        Kind::Boolean => text.to_ascii_lowercase().parse().map_or(Value::String(text), Value::Bool),
        Kind::Number => number(&text).map_or(Value::String(text), Value::Number),
        Kind::DateTime => match time(&text) {
            Some(at) => Value::String(at.strftime("%Y-%m-%dT%H:%M:%S%.3f+0000").to_string()),
            None => Value::String(text),
        },
        _ => Value::String(text),
    }
}

/// The code, message and field of `REQUIRED_FIELD_MISSING:Required fields are missing: [LastName]:LastName --`.
pub(super) fn row_error(text: &str) -> super::answers::Problem {
    // Some rows carry the JSON that a call would have answered.
    if let Some(problem) = problems(text.as_bytes()).into_iter().next() {
        return problem;
    }
    let (code, rest) = text.split_once(':').unwrap_or(("", text));
    let (message, fields) = match rest.rsplit_once(':') {
        Some((message, tail)) => {
            let ended = tail.trim_end().ends_with("--");
            let fields: Vec<String> = tail
                .trim_end()
                .trim_end_matches("--")
                .split([',', ' '])
                .filter(|f| !f.is_empty())
                .map(str::to_owned)
                .collect();
            // Without the mark at its end it may as well be the rest of the message.
            let named = ended || (!tail.starts_with(' ') && fields.iter().all(|f| is_api_name(f)));
            if named { (message, fields) } else { (rest, Vec::new()) }
        }
        None => (rest, Vec::new()),
    };
    super::answers::Problem {
        status_code: Some(code.to_owned()).filter(|c| !c.is_empty()),
        message: Some(message.to_owned()),
        fields,
        duplicate_result: None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{nested, row_error, value};
    use crate::salesforce::describe::Kind;

    #[test]
    fn values_become_what_a_query_would_have_sent() {
        for (kind, text, expect) in [
            (Kind::Text, "", json!(null)),
            (Kind::Text, "true", json!("true")),
            (Kind::Boolean, "true", json!(true)),
            (Kind::Number, "4.5", json!(4.5)),
            (Kind::Number, "7", json!(7)),
            (Kind::DateTime, "2026-01-02T03:04:05.678Z", json!("2026-01-02T03:04:05.678+0000")),
            (Kind::DateTime, "2026-01-02T03:04:05.000+0000", json!("2026-01-02T03:04:05.000+0000")),
            (Kind::Date, "2026-01-02", json!("2026-01-02")),
        ] {
            assert_eq!(value(kind, text.to_owned()), expect, "{kind:?} {text}");
        }
        let fields = [("Id", "1"), ("Profile.Name", "Std"), ("Profile.Id", "2")];
        let record = nested(fields.into_iter().map(|(n, v)| (n.to_owned(), json!(v))));
        assert_eq!(Value::Object(record), json!({"Id": "1", "Profile": {"Name": "Std", "Id": "2"}}));
        let endless = "a.".repeat(1_000_000);
        let record = nested([(endless, json!(1))].into_iter());
        assert_eq!(record.len(), 1, "a name of a million steps does not exhaust the stack");
    }

    #[test]
    fn the_errors_of_rows_are_taken_apart() {
        for (text, code, message, field) in [
            (
                "REQUIRED_FIELD_MISSING:Required fields are missing: [LastName]:LastName --",
                "REQUIRED_FIELD_MISSING",
                "Required fields are missing: [LastName]",
                Some("LastName"),
            ),
            (
                "UNABLE_TO_LOCK_ROW:unable to obtain exclusive access to this record:--",
                "UNABLE_TO_LOCK_ROW",
                "unable to obtain exclusive access to this record",
                None,
            ),
            (
                "STRING_TOO_LONG:Alias: data value too large: x (max length=8):Alias",
                "STRING_TOO_LONG",
                "Alias: data value too large: x (max length=8)",
                Some("Alias"),
            ),
            (
                "INVALID_CROSS_REFERENCE_KEY:invalid cross reference id",
                "INVALID_CROSS_REFERENCE_KEY",
                "invalid cross reference id",
                None,
            ),
            ("{\"statusCode\":\"X\",\"message\":\"y\",\"fields\":[\"Z\"]}", "X", "y", Some("Z")),
        ] {
            let problem = row_error(text);
            assert_eq!((problem.code(), problem.message.as_deref()), (code, Some(message)), "{text}");
            assert_eq!(problem.attribute().as_deref(), field, "{text}");
        }
    }
}
