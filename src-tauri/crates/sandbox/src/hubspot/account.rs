//! What HubSpot tells about the account itself, and its few owners.

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::request::Request;

use super::problem::Problem;
use super::server::Shared;
use super::time::{self, iso};

pub(crate) fn details(shared: &Shared, request: &Request) -> Answer {
    let zone = &shared.options.time_zone;
    let mut body = json!({"portalId": shared.options.portal_id, "accountType": "DEVELOPER_TEST",
        "timeZone": zone, "companyCurrency": "EUR", "additionalCurrencies": [],
        "uiDomain": "app.hubspot.com", "dataHostingLocation": "eu1"});
    if let (Some(ahead), Value::Object(fields)) = (time::ahead(request.now, zone), &mut body) {
        let sign = if ahead < 0 { '-' } else { '+' };
        let minutes = ahead.abs() / 60;
        fields.insert("utcOffset".into(), json!(format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60)));
        fields.insert("utcOffsetMilliseconds".into(), json!(i64::from(ahead) * 1000));
    }
    Answer::json(200, &body)
}

pub(crate) fn usage(shared: &Shared, request: &Request) -> Answer {
    let (day, ends) = time::day(request.now, &shared.options.time_zone);
    Answer::json(
        200,
        &json!({"results": [{
            "name": "private-apps-api-calls-daily",
            "usageLimit": shared.options.limits.daily.unwrap_or(625_000),
            "currentUsage": shared.frame.limiter().on(day),
            "resetsAt": iso(ends),
            "collectedAt": iso(request.now),
            "fetchStatus": "SUCCESS"}]}),
    )
}

/// Owners of a sandbox portal: id, first name, last name.
const OWNERS: &[(&str, &str, &str)] =
    &[("77", "Olga", "Brandt"), ("78", "Kenji", "Sato"), ("79", "Amina", "Diallo")];

fn person(row: &(&str, &str, &str)) -> Value {
    let (id, first, last) = row;
    json!({"id": id, "email": address(row), "firstName": first, "lastName": last, "type": "PERSON",
           "userId": id.parse::<u32>().unwrap_or_default() + 1000, "archived": false, "teams": [],
           "createdAt": "2024-01-02T03:04:05.000Z", "updatedAt": "2024-01-02T03:04:05.000Z"})
}

fn address((_, first, _): &(&str, &str, &str)) -> String {
    format!("{}@example.com", first.to_lowercase())
}

pub(crate) fn owners(request: &Request) -> Result<Answer, Problem> {
    let limit: usize = match request.query("limit").unwrap_or("100").parse() {
        Ok(limit) if (1..=500).contains(&limit) => limit,
        _ => return Err(Problem::validation("Invalid limit: it must be between 1 and 500.")),
    };
    let after = request.query("after").unwrap_or_default();
    // Nobody has left this account.
    let mut found = OWNERS.iter().filter(|row| {
        !request.query_flag("archived")
            && row.0 > after
            && request.query("email").is_none_or(|email| email.eq_ignore_ascii_case(&address(row)))
    });
    let page: Vec<_> = found.by_ref().take(limit).collect();
    let mut body = json!({"results": page.iter().map(|row| person(row)).collect::<Vec<_>>()});
    if let (Some((last, _, _)), true, Value::Object(fields)) =
        (page.last(), found.next().is_some(), &mut body)
    {
        let link = request.link_with("after", last);
        fields.insert("paging".into(), json!({"next": {"after": last, "link": link}}));
    }
    Ok(Answer::json(200, &body))
}

pub(crate) fn owner(id: &str) -> Result<Answer, Problem> {
    let found = OWNERS.iter().find(|(known, _, _)| *known == id).ok_or_else(Problem::not_found)?;
    Ok(Answer::json(200, &person(found)))
}
