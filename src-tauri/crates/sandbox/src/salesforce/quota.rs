//! `limits` and `limits/recordCount`.

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::request::Request;

use super::catalogue::{find, objects};
use super::server::Shared;

pub(crate) fn limits(shared: &Shared, request: &Request) -> Answer {
    let (used, most) = shared.usage(request.now);
    let limit = |most: u32, used: u32| json!({"Max": most, "Remaining": most.saturating_sub(used)});
    let queries = {
        let jobs = shared.jobs();
        u32::try_from(jobs.all().filter(|job| !job.is_ingest()).count()).unwrap_or(u32::MAX)
    };
    Answer::json(
        200,
        &json!({
            "ConcurrentAsyncGetReportInstances": limit(200, 0),
            "DailyApiRequests": limit(most, used),
            "DailyBulkApiBatches": limit(15_000, 0),
            "DailyBulkV2QueryFileStorageMB": limit(976_562, 0),
            "DailyBulkV2QueryJobs": limit(10_000, queries),
            "DataStorageMB": limit(1024, 0),
            "FileStorageMB": limit(1024, 0),
        }),
    )
}

/// About how many records there are; here it is exact.
pub(crate) fn record_count(shared: &Shared, request: &Request) -> Answer {
    let tables = shared.tables();
    let all = match request.query("sObjects") {
        Some(names) => names.split(',').filter_map(|name| find(name.trim())).collect::<Vec<_>>(),
        None => objects().iter().collect(),
    };
    let counts: Vec<Value> = all
        .into_iter()
        .map(|object| json!({"count": tables.table(object).live.len(), "name": object.name}))
        .collect();
    Answer::json(200, &json!({ "sObjects": counts }))
}
