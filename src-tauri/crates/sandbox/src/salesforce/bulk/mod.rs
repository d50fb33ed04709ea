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
        ("GET", []) => Ok(list(shared, ingest)),
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
            let answer = Answer::json(200, &job.info());
            job.looked_at();
            Ok(answer)
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

fn list(shared: &Shared, ingest: bool) -> Answer {
    let jobs = shared.jobs();
    let records: Vec<Value> = jobs.all().filter(|job| job.is_ingest() == ingest).map(Job::info).collect();
    Answer::json(200, &json!({"done": true, "nextRecordsUrl": null, "records": records}))
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
