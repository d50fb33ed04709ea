//! Query jobs: the records are found when the job begins, and read page by page after its end.

use serde_json::Value;

use crate::answer::Answer;
use crate::request::Request;

use super::super::field::Kind;
use super::super::problem::Problem;
use super::super::server::Shared;
use super::super::soql::parser::parse;
use super::super::soql::plan::{Output, plan};
use super::super::soql::run;
use super::job::{DELIMITERS, ENDINGS, Job, Select, State, Work, choice};

pub(crate) fn create(shared: &Shared, request: &Request, version: u16) -> Result<Answer, Problem> {
    let body = request.object()?;
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let operation = text("operation");
    if !matches!(operation.as_str(), "query" | "queryAll") {
        return Err(Problem::new(400, "INVALIDJOB", format!("operation cannot be {operation}")));
    }
    let delimiter = choice(DELIMITERS, &body, "columnDelimiter")?;
    let ending = choice(ENDINGS, &body, "lineEnding")?;
    let soql = text("query");
    let query = parse(&soql)?;
    let tables = shared.tables();
    let plan = plan(&tables, &soql, &query, request.now)?;
    let columns = match &plan.output {
        Output::Rows(columns) if plan.offset == 0 => columns.clone(),
        _ => {
            let message = "aggregates and OFFSET are not supported in bulk queries";
            return Err(Problem::new(400, "API_ERROR", message));
        }
    };
    if let Some(compound) =
        columns.iter().filter_map(|path| path.field()).find(|field| field.kind == Kind::Address)
    {
        let message = format!("Selecting compound data not supported in Bulk Query: {}", compound.name);
        return Err(Problem::new(400, "FUNCTIONALITY_NOT_ENABLED", message));
    }
    let records = run::find(&tables, &plan, operation == "queryAll");
    // Jobs are locked before tables everywhere, so the tables must be let go first.
    drop(tables);
    let fault = shared.inner().job(plan.object.name);
    let mut jobs = shared.jobs();
    let mut job = Job {
        id: jobs.next_id(),
        object: plan.object,
        operation,
        state: State::UploadComplete,
        polls: shared.options.job_polls,
        end: State::JobComplete,
        delimiter,
        ending,
        version,
        created: request.now,
        changed: request.now,
        error: None,
        work: Work::Select(Select { soql, columns, records }),
    };
    if let Some(fault) = fault {
        job.polls = job.polls.max(fault.polls);
        job.end = State::end(&fault.end);
        if job.end == State::Failed {
            job.error = Some("InternalServerError : the job was ended by a fault of the sandbox".to_owned());
        }
    }
    let answer = Answer::json(200, &job.info());
    jobs.add(job);
    Ok(answer)
}
