//! Bulk API 2.0: jobs that write an uploaded CSV, and jobs that answer a query with one.

mod ingest;
mod job;
mod results;
mod select;

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::request::Request;

use super::problem::Problem;
use super::server::Shared;

pub(crate) use job::Jobs;

use job::{Job, State, Work};

/// Jobs on one page of their list.
const LISTED: usize = 1000;

pub(crate) fn route(
    shared: &Shared,
    request: &Request,
    version: u16,
    method: &str,
    tail: &[&str],
) -> Result<Answer, Problem> {
    let (kind, tail) = match tail {
        [kind @ ("ingest" | "query"), tail @ ..] => (*kind, tail),
        _ => return Err(Problem::not_found()),
    };
    let ingest = kind == "ingest";
    match (method, tail) {
        ("POST", []) if ingest => ingest::create(shared, request, version),
        ("POST", []) => select::create(shared, request, version),
        ("GET", []) => Ok(list(shared, request, version, ingest)),
        (_, []) => Err(Problem::method(method, "GET,POST")),
        ("PUT", [id, "batches"]) if ingest => ingest::upload(shared, request, id),
        (_, [id, part]) => {
            if method != "GET" {
                return Err(Problem::method(method, "GET"));
            }
            let jobs = shared.jobs();
            let job = jobs.find(id, ingest)?;
            results::route(shared, request, version, job, part)
        }
        ("GET", [id]) => {
            let mut jobs = shared.jobs();
            let job = jobs.find_mut(id, ingest)?;
            Ok(Answer::json(200, &look(shared, request, job)))
        }
        ("PATCH", [id]) => set_state(shared, request, id, ingest),
        ("DELETE", [id]) => {
            let mut jobs = shared.jobs();
            if !jobs.find(id, ingest)?.state.is_final() {
                return Err(wrong_state("a job can only be deleted once it has ended"));
            }
            jobs.remove(id);
            Ok(Answer::empty(204))
        }
        (_, [_]) => Err(Problem::method(method, "GET,PATCH,DELETE")),
        _ => Err(Problem::not_found()),
    }
}

fn wrong_state(message: &str) -> Problem {
    Problem::new(400, "INVALIDJOBSTATE", message)
}

/// What is told of a job now. A job that ends with this look is told as ended by the next one.
fn look(shared: &Shared, request: &Request, job: &mut Job) -> Value {
    let told = job.info();
    if job.looked_at() {
        ingest::write(shared, request, job);
    }
    told
}

/// Every job of the org, whoever made it, a page at a time. Salesforce promises no order.
fn list(shared: &Shared, request: &Request, version: u16, ingest: bool) -> Answer {
    let kind = if ingest { "ingest" } else { "query" };
    // None of these is chunked by primary key, and there are none of the older API.
    let none = request.query("isPkChunkingEnabled") == Some("true")
        || request.query("jobType").is_some_and(|only| only != if ingest { "V2Ingest" } else { "V2Query" });
    let from: usize = request.query("queryLocator").and_then(|at| at.parse().ok()).unwrap_or(0);
    let most = shared.inner().page(LISTED);
    let mut jobs = shared.jobs();
    let mut left = jobs.all_mut().filter(|job| job.is_ingest() == ingest && !none).skip(from);
    let records: Vec<Value> = left.by_ref().take(most).map(|job| look(shared, request, job)).collect();
    let next = left
        .next()
        .map(|_| format!("/services/data/v{version}.0/jobs/{kind}?queryLocator={}", from + records.len()));
    Answer::json(200, &json!({"done": next.is_none(), "nextRecordsUrl": next, "records": records}))
}

/// `{"state": "UploadComplete"}` starts the work, `Aborted` ends the job.
fn set_state(shared: &Shared, request: &Request, id: &str, ingest: bool) -> Result<Answer, Problem> {
    let body = request.object()?;
    let mut jobs = shared.jobs();
    let job = jobs.find_mut(id, ingest)?;
    match (body.get("state").and_then(Value::as_str), job.state, &job.work) {
        (Some("UploadComplete"), State::Open, Work::Ingest(_)) => {
            ingest::carry_out(shared, request, job);
        }
        (Some("Aborted"), state, _) if !state.is_final() => job.abort(request.now),
        (Some("UploadComplete" | "Aborted"), _, _) => {
            return Err(wrong_state("the job's state does not allow this change"));
        }
        _ => return Err(Problem::new(400, "INVALIDJOB", "state must be UploadComplete or Aborted")),
    }
    Ok(Answer::json(200, &job.info()))
}
