//! Salesforce's words and pages, for faults.

use serde_json::{Map, Value};

use crate::answer::Answer;
use crate::bend::Dialect;
use crate::request::Request;

use super::problem::Problem;
use super::server::Shared;

impl Dialect for Shared {
    const RECORDS: &'static str = "records";
    const NEXT: &'static str = "nextRecordsUrl";

    fn of_status(status: u16, _request: &Request) -> Answer {
        Problem::of_status(status).answer()
    }

    /// Salesforce sends no `Retry-After`.
    fn too_many(policy: Option<&str>, _retry_after: Option<u64>, _request: &Request) -> Answer {
        Problem::limit(policy.unwrap_or("TotalRequests")).answer()
    }

    /// A cursor's pages have paths of their own, so all queries share one place.
    fn list(request: &Request) -> String {
        if request.segments.iter().any(|part| part == "query" || part == "queryAll") {
            "query".to_owned()
        } else {
            format!("{} {}", request.method, request.path)
        }
    }

    fn lead_to_itself(request: &Request, page: &mut Map<String, Value>) {
        page.insert("nextRecordsUrl".into(), request.path.clone().into());
        page.insert("done".into(), false.into());
    }

    /// Within the cursor at whose place the page was asked for, or the one that it leads to.
    fn lead_on(request: &Request, page: &mut Map<String, Value>) {
        let told = page.get("nextRecordsUrl").and_then(Value::as_str).map(str::to_owned);
        let own = request.path.contains("/query/").then(|| request.path.clone());
        let further = own.and_then(|path| {
            let (cursor, at) = path.rsplit_once('-')?;
            Some(format!("{cursor}-{}", at.parse::<u64>().ok()?.saturating_add(1)))
        });
        page.insert("nextRecordsUrl".into(), further.or(told).into());
        page.insert("done".into(), false.into());
    }

    fn overlap(before: &[Value], page: &mut Map<String, Value>) {
        if let Some(Value::Array(own)) = page.get_mut("records") {
            let mut records: Vec<Value> = before.iter().skip(before.len() / 2).cloned().collect();
            records.append(own);
            *own = records;
        }
    }
}
