//! What HubSpot tells about the account itself, and its few owners.

use serde_json::{Value, json};

use crate::answer::Answer;

use super::request::Request;
use super::server::Shared;
use super::time::iso;

pub(crate) fn details(shared: &Shared) -> Answer {
    Answer::json(
        200,
        &json!({"portalId": shared.options.portal_id, "accountType": "DEVELOPER_TEST", "timeZone": "UTC",
                "companyCurrency": "EUR", "additionalCurrencies": [], "utcOffset": "+00:00",
                "utcOffsetMilliseconds": 0, "uiDomain": "app.hubspot.com", "dataHostingLocation": "eu1"}),
    )
}

pub(crate) fn usage(shared: &Shared, request: &Request) -> Answer {
    const DAY: i64 = 86_400_000;
    let used = shared.limiter().today(request.now);
    Answer::json(
        200,
        &json!({"results": [{
            "name": "private-apps-api-calls-daily",
            "usageLimit": shared.options.limits.daily.unwrap_or(625_000),
            "currentUsage": used,
            "resetsAt": iso((request.now.div_euclid(DAY) + 1) * DAY),
            "collectedAt": iso(request.now),
            "fetchStatus": "SUCCESS"}]}),
    )
}

pub(crate) fn owners() -> Answer {
    let names = [("77", "Olga", "Brandt"), ("78", "Kenji", "Sato"), ("79", "Amina", "Diallo")];
    let results: Vec<Value> = names
        .iter()
        .map(|(id, first, last)| {
            json!({"id": id, "email": format!("{}@example.com", first.to_lowercase()), "firstName": first,
                   "lastName": last, "type": "PERSON", "archived": false,
                   "createdAt": "2024-01-02T03:04:05.000Z", "updatedAt": "2024-01-02T03:04:05.000Z"})
        })
        .collect();
    Answer::json(200, &json!({ "results": results }))
}
