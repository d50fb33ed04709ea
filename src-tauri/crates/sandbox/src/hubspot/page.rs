//! The look page: a plain table of contacts with a form, so that a person can play HubSpot.

use crate::answer::Answer;
use crate::html::{escape, page};

use super::portal::{Portal, RecordCopy};
use super::request::Request;
use super::state::ObjectKind;

const PER_PAGE: usize = 50;
const FIELDS: &[(&str, &str)] = &[
    ("firstname", "First name"),
    ("lastname", "Last name"),
    ("email", "Email"),
    ("phone", "Phone number"),
    ("company", "Company name"),
    ("jobtitle", "Job title"),
    ("city", "City"),
    ("lifecyclestage", "Lifecycle stage"),
];

fn value<'a>(record: &'a RecordCopy, name: &str) -> &'a str {
    record.properties.get(name).map(String::as_str).unwrap_or_default()
}

/// `/`
pub(crate) fn list(portal: &Portal, request: &Request) -> Answer {
    let after = request.query("after").and_then(|text| text.parse().ok()).unwrap_or(0);
    let contacts = portal.records_after(ObjectKind::Contact, after, PER_PAGE + 1);
    let heads: String = FIELDS.iter().map(|(_, label)| format!("<th scope=\"col\">{label}</th>")).collect();
    let rows: String = contacts
        .iter()
        .take(PER_PAGE)
        .map(|record| {
            let cells: String =
                FIELDS.iter().map(|(name, _)| format!("<td>{}</td>", escape(value(record, name)))).collect();
            format!("<tr><td><a href=\"/look/{id}\">{id}</a></td>{cells}</tr>", id = escape(&record.id))
        })
        .collect();
    let more = match contacts.get(PER_PAGE - 1).filter(|_| contacts.len() > PER_PAGE) {
        Some(last) => format!("<p><a href=\"/?after={}\">Next page</a></p>", escape(&last.id)),
        None => String::new(),
    };
    let body = format!(
        "<h1>HubSpot sandbox</h1><p class=\"note\">{count} contacts, {calls} API calls so far. Nothing here leaves \
         this computer.</p><p><a href=\"/look/new\">Create contact</a></p>\
         <table><thead><tr><th scope=\"col\">Record ID</th>{heads}</tr></thead><tbody>{rows}</tbody></table>{more}",
        count = portal.count(ObjectKind::Contact),
        calls = portal.call_count(),
    );
    Answer::html(200, page("HubSpot sandbox", &body))
}

/// `/look/...`
pub(crate) fn route(portal: &Portal, request: &Request, tail: &[&str]) -> Option<Answer> {
    let form = request.form();
    let values: Vec<(&str, &str)> = FIELDS
        .iter()
        .filter_map(|(name, _)| {
            let (_, value) = form.iter().find(|(key, _)| key == name)?;
            Some((*name, value.as_str()))
        })
        .collect();
    match (request.method.as_str(), tail) {
        ("GET", ["new"]) => Some(edit(None, &[], "")),
        ("POST", ["new"]) => Some(match portal.create(&values) {
            Ok(id) => Answer::redirect(303, &format!("/look/{id}")),
            Err(refusal) => edit(None, &values, &refusal.to_string()),
        }),
        ("GET", [id]) => portal.contact(id).map(|record| edit(Some(&record), &[], "")),
        ("POST", [id]) => {
            let record = portal.contact(id)?;
            // Fields that were not touched must not be written: a form sends them all.
            let changed: Vec<_> =
                values.iter().filter(|(name, text)| value(&record, name) != *text).copied().collect();
            Some(match portal.set(id, &changed) {
                Ok(()) => Answer::redirect(303, "/"),
                Err(refusal) => edit(Some(&record), &values, &refusal.to_string()),
            })
        }
        ("POST", [id, "archive"]) => {
            portal.archive(id);
            Some(Answer::redirect(303, "/"))
        }
        ("POST", [id, "restore"]) => {
            let record = portal.contact(id)?;
            Some(match portal.restore(ObjectKind::Contact, id) {
                Ok(()) => Answer::redirect(303, "/"),
                Err(refusal) => edit(Some(&record), &[], &refusal.to_string()),
            })
        }
        _ => None,
    }
}

fn edit(record: Option<&RecordCopy>, typed: &[(&str, &str)], problem: &str) -> Answer {
    let title = record.map_or_else(|| "New contact".to_owned(), |record| format!("Contact {}", record.id));
    let action = record.map_or("new", |record| record.id.as_str());
    let fields: String = FIELDS
        .iter()
        .map(|(name, label)| {
            let stored = record.map(|record| value(record, name)).unwrap_or_default();
            let shown = typed.iter().find(|(key, _)| key == name).map_or(stored, |(_, text)| text);
            format!("<label>{label}<br><input name=\"{name}\" value=\"{}\"></label>", escape(shown))
        })
        .collect();
    let problem = if problem.is_empty() {
        String::new()
    } else {
        format!("<p role=\"alert\"><strong>{}</strong></p>", escape(problem))
    };
    let id = escape(action);
    let second = match record {
        Some(record) if record.archived => {
            format!("<form method=\"post\" action=\"/look/{id}/restore\"><button>Restore</button></form>")
        }
        Some(_) => {
            format!("<form method=\"post\" action=\"/look/{id}/archive\"><button>Archive</button></form>")
        }
        None => String::new(),
    };
    let body = format!(
        "<p><a href=\"/\">All contacts</a></p><h1>{}</h1>{problem}\
         <form method=\"post\" action=\"/look/{id}\">{fields}<p><button class=\"main\">Save</button></p></form>{second}",
        escape(&title)
    );
    Answer::html(if problem.is_empty() { 200 } else { 400 }, page(&title, &body))
}
