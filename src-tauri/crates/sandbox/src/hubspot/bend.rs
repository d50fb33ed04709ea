//! HubSpot's words and pages, for faults.

use serde_json::{Map, Value, json};

use crate::answer::Answer;
use crate::bend::Dialect;
use crate::request::Request;

use super::problem::Problem;
use super::server::Shared;

impl Dialect for Shared {
    const RECORDS: &'static str = "results";
    const NEXT: &'static str = "paging";

    fn of_status(status: u16, request: &Request) -> Answer {
        Problem::of_status(status).answer(&request.id)
    }

    fn too_many(policy: Option<&str>, retry_after: Option<u64>, request: &Request) -> Answer {
        let mut problem = Problem::too_many(policy.unwrap_or("TEN_SECONDLY_ROLLING"));
        problem.headers.extend(retry_after.map(|seconds| ("retry-after".to_owned(), seconds.to_string())));
        problem.answer(&request.id)
    }

    fn lead_to_itself(request: &Request, page: &mut Map<String, Value>) {
        let own = cursor(request);
        let link = request.link_with("after", &own);
        page.insert("paging".into(), json!({"next": {"after": own, "link": link}}));
    }

    fn lead_on(request: &Request, page: &mut Map<String, Value>) {
        let further = cursor(request).parse::<u64>().unwrap_or(0).saturating_add(1);
        page.insert("paging".into(), json!({"next": {"after": further.to_string()}}));
    }

    fn overlap(before: &[Value], page: &mut Map<String, Value>) {
        let Some(Value::Array(own)) = page.remove("results") else { return };
        // A page keeps its size, so the second half of this one comes with the next.
        let half = own.len() / 2;
        let mut results: Vec<Value> = before.iter().skip(before.len() / 2).cloned().collect();
        results.extend(own.iter().take(own.len() - half).cloned());
        if let Some(last) = results.last().and_then(|record| record.get("id")).cloned() {
            page.insert("paging".into(), json!({"next": {"after": last}}));
        }
        page.insert("results".into(), results.into());
    }
}

/// The cursor that the page was asked with, in the query or in a search's body.
fn cursor(request: &Request) -> String {
    let in_body = || {
        let body: Value = serde_json::from_slice(&request.body).ok()?;
        Some(body.get("after")?.as_str()?.to_owned())
    };
    request.query("after").map(str::to_owned).or_else(in_body).unwrap_or_else(|| "0".to_owned())
}
