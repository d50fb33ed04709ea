//! `getUpdated` and `getDeleted`: what changed in a span of time.

use serde_json::json;

use crate::answer::Answer;
use crate::request::Request;

use super::catalogue::ObjectType;
use super::id::id18;
use super::problem::Problem;
use super::server::Shared;
use super::time::{DAY, MINUTE, parse, stamp};

/// How far back the two reach.
const UPDATED_DAYS: i64 = 30;
const DELETED_DAYS: i64 = 15;
const MOST: usize = 600_000;

fn refuse(message: &str) -> Problem {
    Problem::new(400, "INVALID_REPLICATION_DATE", message)
}

/// Start and end in whole minutes; the service does not look at seconds.
fn span(request: &Request, days: i64) -> Result<(i64, i64), Problem> {
    let read = |name: &str| {
        let text = request.query(name).unwrap_or_default();
        let at = parse(text).ok_or_else(|| refuse(&format!("{name} is no date and time: {text}")))?;
        Ok::<i64, Problem>(at - at.rem_euclid(MINUTE))
    };
    let (start, end) = (read("start")?, read("end")?);
    if end <= start {
        return Err(refuse("endDate must be at least one minute greater than startDate"));
    }
    if start < request.now - days * DAY {
        return Err(refuse(&format!("startDate cannot be more than {days} days ago")));
    }
    Ok((start, end))
}

/// Transactions that are still under way may yet change records before this moment, so nothing after it is told.
fn covered(shared: &Shared, request: &Request, end: i64) -> i64 {
    let settled = request.now - shared.options.replication_lag_secs * 1000;
    end.min(settled - settled.rem_euclid(MINUTE))
}

pub(crate) fn updated(
    shared: &Shared,
    request: &Request,
    object: &'static ObjectType,
) -> Result<Answer, Problem> {
    let (start, end) = span(request, UPDATED_DAYS)?;
    let covered = covered(shared, request, end);
    let tables = shared.tables();
    let ids: Vec<String> = tables
        .table(object)
        .live
        .values()
        .filter(|record| (start..covered).contains(&record.stamp))
        .map(|record| record.id(object))
        .collect();
    if ids.len() > MOST {
        return Err(Problem::new(400, "EXCEEDED_ID_LIMIT", "more than 600000 ids would be returned"));
    }
    Ok(Answer::json(200, &json!({"ids": ids, "latestDateCovered": stamp(covered)})))
}

pub(crate) fn deleted(
    shared: &Shared,
    request: &Request,
    object: &'static ObjectType,
) -> Result<Answer, Problem> {
    let (start, end) = span(request, DELETED_DAYS)?;
    let covered = covered(shared, request, end);
    let tables = shared.tables();
    let records: Vec<_> = tables
        .table(object)
        .deletions
        .iter()
        .filter(|(at, _)| (start..covered).contains(at))
        .map(|(at, number)| json!({"id": id18(object.prefix, *number), "deletedDate": stamp(*at)}))
        .collect();
    Ok(Answer::json(
        200,
        &json!({"deletedRecords": records, "earliestDateAvailable": stamp(request.now - DELETED_DAYS * DAY),
                "latestDateCovered": stamp(covered)}),
    ))
}
