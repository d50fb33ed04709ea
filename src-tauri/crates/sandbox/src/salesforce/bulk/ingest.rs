//! Ingest jobs: a CSV is uploaded and every row written on its own.

use serde_json::Value;

use crate::answer::Answer;
use crate::request::Request;

use super::super::catalogue::{ObjectType, find};
use super::super::csv;
use super::super::faults::JobFault;
use super::super::id::{id18, normal};
use super::super::input;
use super::super::problem::{Problem, RowError};
use super::super::rows::writing;
use super::super::server::Shared;
use super::super::write::{Upsert, Writer};
use super::job::{DELIMITERS, ENDINGS, Ingest, Job, State, Work, choice};
use super::wrong_state;

/// The bound on one upload before Salesforce encodes it.
const LARGEST: usize = 100_000_000;
const LONGEST_HEADER: usize = 32_000;

pub(crate) fn create(shared: &Shared, request: &Request, version: u16) -> Result<Answer, Problem> {
    let body = request.object()?;
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let invalid = |message: String| Problem::new(400, "INVALIDJOB", message);
    let object = find(&text("object")).ok_or_else(|| {
        Problem::new(400, "INVALIDENTITY", format!("Unable to find object: {}", text("object")))
    })?;
    let operation = text("operation");
    if !matches!(operation.as_str(), "insert" | "update" | "upsert" | "delete" | "hardDelete") {
        return Err(invalid(format!("operation cannot be {operation}")));
    }
    if object.name == "GroupMember" {
        let message = format!("InvalidJob : No create/update access for object:{}", object.name);
        return Err(invalid(message));
    }
    if !matches!(text("contentType").as_str(), "" | "CSV") {
        return Err(invalid(format!("contentType cannot be {}", text("contentType"))));
    }
    let key = Some(text("externalIdFieldName")).filter(|name| !name.is_empty());
    if operation == "upsert" {
        let known =
            key.as_deref().and_then(|key| object.field(key)).is_some_and(|(_, field)| field.id_lookup);
        if !known {
            let message = format!("externalIdFieldName is not an external id of {}", object.name);
            return Err(invalid(message));
        }
    }
    let delimiter = choice(DELIMITERS, &body, "columnDelimiter")?;
    let ending = choice(ENDINGS, &body, "lineEnding")?;
    let mut jobs = shared.jobs();
    let job = Job {
        id: jobs.next_id(),
        object,
        operation,
        state: State::Open,
        polls: shared.options.job_polls,
        end: State::JobComplete,
        delimiter,
        ending,
        version,
        created: request.now,
        changed: request.now,
        error: None,
        work: Work::Ingest(Ingest { key, ..Ingest::default() }),
    };
    let answer = Answer::json(200, &job.info());
    jobs.add(job);
    Ok(answer)
}

/// One upload per job.
pub(crate) fn upload(shared: &Shared, request: &Request, id: &str) -> Result<Answer, Problem> {
    let mut jobs = shared.jobs();
    let job = jobs.find_mut(id, true)?;
    let state = job.state;
    let Work::Ingest(ingest) = &mut job.work else { return Err(Problem::not_found()) };
    if state != State::Open || ingest.upload.is_some() {
        return Err(wrong_state("the job has its data already, or takes none any more"));
    }
    if !request.header("content-type").is_some_and(|kind| kind.starts_with("text/csv")) {
        return Err(Problem::new(415, "UNSUPPORTED_MEDIA_TYPE", "the data of a job is text/csv"));
    }
    if request.body.len() > LARGEST {
        return Err(Problem::new(413, "REQUEST_ENTITY_TOO_LARGE", "one upload holds at most 100 MB"));
    }
    let text = String::from_utf8(request.body.clone())
        .map_err(|_| Problem::new(400, "INVALIDJOB", "the data of a job is encoded in UTF-8"))?;
    ingest.upload = Some(text);
    Ok(Answer::empty(201))
}

/// Takes the work up. Unless a fault says otherwise the rows are written at once.
pub(crate) fn carry_out(shared: &Shared, request: &Request, job: &mut Job) {
    job.state = State::UploadComplete;
    job.changed = request.now;
    let fault = shared.inner().job(job.object.name);
    if let Some(fault) = &fault {
        job.polls = job.polls.max(fault.polls);
        job.end = State::end(&fault.end);
    }
    let Work::Ingest(ingest) = &mut job.work else { return };
    ingest.processed = fault.as_ref().and_then(|fault: &JobFault| fault.processed).unwrap_or(usize::MAX);
    if !fault.is_some_and(|fault| fault.late) {
        write(shared, request, job);
    }
}

/// Writes the rows, once. What was written stays written whatever becomes of the job.
pub(crate) fn write(shared: &Shared, request: &Request, job: &mut Job) {
    let (object, operation) = (job.object, job.operation.clone());
    let (delimiter, ending) = (job.delimiter.1, job.ending.1);
    let Work::Ingest(ingest) = &mut job.work else { return };
    let Some(upload) = ingest.upload.take() else { return };
    match rows(object, &upload, delimiter, ending) {
        Ok((header, rows)) => {
            ingest.header = header;
            writing(shared, request, |writer| work(writer, object, &operation, ingest, rows));
            if job.end == State::Failed {
                job.error =
                    Some("InternalServerError : the job was ended by a fault of the sandbox".to_owned());
            }
        }
        Err((message, rows)) => {
            ingest.unprocessed = rows;
            job.end = State::Failed;
            job.error = Some(message);
        }
    }
    if job.state.is_final() {
        job.state = job.end;
    }
}

type Rows = (Vec<String>, Vec<Vec<String>>);

/// Header and rows, or why the whole upload is refused, with its rows as far as they can be read.
fn rows(
    object: &ObjectType,
    upload: &str,
    delimiter: char,
    ending: &str,
) -> Result<Rows, (String, Vec<Vec<String>>)> {
    let first_line = upload.split('\n').next().unwrap_or_default();
    if upload.contains('\n') && first_line.ends_with('\r') != (ending == "\r\n") {
        let name = if ending == "\r\n" { "CRLF" } else { "LF" };
        let message = format!(
            "ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is {name}"
        );
        return Err((message, Vec::new()));
    }
    let mut rows = csv::read(upload, delimiter)
        .map_err(|problem| (format!("InvalidBatch : {problem}"), Vec::new()))?
        .into_iter();
    let header = rows.next().unwrap_or_default();
    let rows: Vec<Vec<String>> = rows.collect();
    if header.iter().map(String::len).sum::<usize>() > LONGEST_HEADER {
        return Err(("InvalidBatch : the header is longer than 32000 characters".to_owned(), rows));
    }
    let known = |name: &str| match name.split_once('.') {
        Some((relation, _)) => object.relation(relation).is_some(),
        None => object.field(name).is_some(),
    };
    if let Some(unknown) = header.iter().find(|name| !known(name)) {
        return Err((format!("InvalidBatch : Field name not found : {unknown}"), rows));
    }
    if let Some(at) = rows.iter().position(|row| row.len() != header.len()) {
        let message = format!("InvalidBatch : row {} has not as many columns as the header", at + 1);
        return Err((message, rows));
    }
    Ok((header, rows))
}

fn work(
    writer: &mut Writer<'_>,
    object: &'static ObjectType,
    operation: &str,
    ingest: &mut Ingest,
    rows: Vec<Vec<String>>,
) {
    for (at, row) in rows.into_iter().enumerate() {
        if at >= ingest.processed {
            ingest.unprocessed.push(row);
            continue;
        }
        let named: Vec<(String, String)> = ingest.header.iter().cloned().zip(row.iter().cloned()).collect();
        let value = |name: &str| {
            let found = named.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.clone()).unwrap_or_default()
        };
        let id = value("Id");
        match one(writer, object, operation, ingest.key.as_deref(), &named, &id) {
            Ok((number, created)) => ingest.done.push((id18(object.prefix, number), created, row)),
            Err(error) => ingest.failed.push((normal(&id).unwrap_or_default(), error.in_bulk(), row)),
        }
    }
    // Salesforce works in parallel and gives results in no order; a caller must not count on that of the upload.
    ingest.done.reverse();
    ingest.failed.reverse();
}

fn one(
    writer: &mut Writer<'_>,
    object: &'static ObjectType,
    operation: &str,
    key: Option<&str>,
    named: &[(String, String)],
    id: &str,
) -> Result<(u64, bool), RowError> {
    let missing = || RowError::new("MISSING_ARGUMENT", format!("Id not specified in an {operation} call"));
    match operation {
        "insert" => {
            let changes = input::csv(writer.tables, object, named)?;
            Ok((writer.create(object, changes)?, true))
        }
        "update" | "delete" | "hardDelete" if id.is_empty() => Err(missing()),
        "update" => {
            let number = writer.find(object, id)?;
            let changes = input::csv(writer.tables, object, named)?;
            writer.update(object, id, changes)?;
            Ok((number, false))
        }
        "upsert" => {
            let key = key.unwrap_or_default();
            let field = object.field(key).ok_or_else(|| input::no_such_column(object, key))?;
            let (of_key, others): (Vec<_>, Vec<_>) =
                named.iter().cloned().partition(|(name, _)| name.eq_ignore_ascii_case(key));
            let value = of_key.first().map(|(_, value)| value.as_str()).unwrap_or_default();
            let changes = input::csv(writer.tables, object, &others)?;
            writer.upsert(object, field, value, changes).map_err(|refusal| match refusal {
                Upsert::Refused(error) => error,
                Upsert::Several(numbers) => RowError::new(
                    "DUPLICATE_EXTERNAL_ID",
                    format!("more than one record found for external id field: {}", numbers.len()),
                ),
            })
        }
        _ => {
            let number = writer.find(object, id)?;
            writer.delete(object, id)?;
            Ok((number, false))
        }
    }
}
