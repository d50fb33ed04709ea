//! What ended jobs hand out: the rows of an ingest job by their fate, the pages of a query job.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::answer::{Answer, CSV};
use crate::request::Request;

use super::super::csv;
use super::super::problem::Problem;
use super::super::server::Shared;
use super::super::soql::show;
use super::job::{Ingest, Job, Select, State, Work};
use super::wrong_state;

/// Addresses in one answer of `resultPages`.
const LINKS: usize = 5;
/// Parallel result pages came with this version.
const RESULT_PAGES: u16 = 58;

pub(crate) fn route(
    shared: &Shared,
    request: &Request,
    version: u16,
    job: &Job,
    part: &str,
) -> Result<Answer, Problem> {
    match &job.work {
        Work::Ingest(ingest) => {
            // jsforce and simple-salesforce spell the last one differently.
            let text = match part.to_ascii_lowercase().as_str() {
                "successfulresults" => successful(job, ingest),
                "failedresults" => failed(job, ingest),
                "unprocessedrecords" => unprocessed(job, ingest),
                _ => return Err(Problem::not_found()),
            };
            Ok(answer(text))
        }
        Work::Select(select) => {
            if version != job.version {
                let message = "results are read with the API version that the job was created with";
                return Err(Problem::new(409, "VERSION_MISMATCH", message));
            }
            if job.state != State::JobComplete {
                return Err(wrong_state("the query has not been completed"));
            }
            match part {
                "results" => page(shared, request, job, select),
                "resultPages" if version >= RESULT_PAGES => links(shared, request, job, select),
                _ => Err(Problem::not_found()),
            }
        }
    }
}

fn answer(text: String) -> Answer {
    Answer { status: 200, content_type: CSV, headers: Vec::new(), body: text.into_bytes() }
}

fn with_header(job: &Job, first: &[&str], ingest: &Ingest) -> String {
    let mut out = String::new();
    let cells = first.iter().copied().chain(ingest.header.iter().map(String::as_str));
    csv::write(&mut out, cells, job.delimiter.1, job.ending.1);
    out
}

fn successful(job: &Job, ingest: &Ingest) -> String {
    let mut out = with_header(job, &["sf__Id", "sf__Created"], ingest);
    if job.state.is_final() {
        for (id, created, row) in &ingest.done {
            let created = if *created { "true" } else { "false" };
            let cells = [id.as_str(), created].into_iter().chain(row.iter().map(String::as_str));
            csv::write(&mut out, cells, job.delimiter.1, job.ending.1);
        }
    }
    out
}

fn failed(job: &Job, ingest: &Ingest) -> String {
    let mut out = with_header(job, &["sf__Id", "sf__Error"], ingest);
    if job.state.is_final() {
        for (id, error, row) in &ingest.failed {
            let cells = [id.as_str(), error].into_iter().chain(row.iter().map(String::as_str));
            csv::write(&mut out, cells, job.delimiter.1, job.ending.1);
        }
    }
    out
}

fn unprocessed(job: &Job, ingest: &Ingest) -> String {
    let mut out = with_header(job, &[], ingest);
    if job.state.is_final() {
        for row in &ingest.unprocessed {
            csv::write(&mut out, row.iter().map(String::as_str), job.delimiter.1, job.ending.1);
        }
    }
    out
}

fn locator(offset: usize) -> String {
    URL_SAFE_NO_PAD.encode(offset.to_string())
}

fn offset(request: &Request) -> Result<usize, Problem> {
    let Some(text) = request.query("locator").filter(|text| !text.is_empty()) else { return Ok(0) };
    let decoded = URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    decoded.and_then(|text| text.parse().ok()).ok_or_else(|| {
        Problem::new(400, "INVALID_LOCATOR", "the locator is none that this job has given out")
    })
}

/// Locators stay good as long as the job is there, so an interrupted download can go on.
fn page(shared: &Shared, request: &Request, job: &Job, select: &Select) -> Result<Answer, Problem> {
    let from = offset(request)?;
    let asked = match request.query("maxRecords") {
        None => shared.options.bulk_page,
        Some(text) => text
            .parse::<usize>()
            .ok()
            .filter(|most| *most > 0)
            .ok_or_else(|| Problem::new(400, "INVALIDJOB", format!("maxRecords cannot be {text}")))?,
    };
    let rest = select.records.get(from..).unwrap_or_default();
    let shown = rest.get(..asked).unwrap_or(rest);
    let tables = shared.tables();
    let table = tables.table(job.object);
    let (delimiter, ending) = (job.delimiter.1, job.ending.1);
    let mut out = String::new();
    csv::write(&mut out, select.columns.iter().map(|path| path.name.as_str()), delimiter, ending);
    let mut count = 0;
    for number in shown {
        let Some(record) = table.live.get(number).or_else(|| table.bin.get(number)) else { continue };
        let cells = show::row(&tables, (job.object, record), &select.columns);
        csv::write(&mut out, cells.iter().map(String::as_str), delimiter, ending);
        count += 1;
    }
    let reached = from + shown.len();
    let next = if reached < select.records.len() { locator(reached) } else { "null".to_owned() };
    Ok(answer(out)
        .with_header("sforce-numberofrecords", count.to_string())
        .with_header("sforce-locator", next))
}

/// Addresses of pages that may be read side by side.
fn links(shared: &Shared, request: &Request, job: &Job, select: &Select) -> Result<Answer, Problem> {
    let base = format!("/services/data/v{}.0/jobs/query/{}", job.version, job.id);
    let from = offset(request)?;
    let size = shared.options.bulk_page.max(1);
    let starts: Vec<usize> = (from..select.records.len().max(1)).step_by(size).take(LINKS).collect();
    let pages: Vec<Value> = starts
        .iter()
        .map(|start| json!({"resultUrl": format!("{base}/results?locator={}", locator(*start))}))
        .collect();
    let reached = from + starts.len() * size;
    let done = reached >= select.records.len();
    let next = (!done).then(|| format!("{base}/resultPages?locator={}", locator(reached)));
    Ok(Answer::json(200, &json!({"resultPages": pages, "nextRecordsUrl": next, "done": done})))
}
