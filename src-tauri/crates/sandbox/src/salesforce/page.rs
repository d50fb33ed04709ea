//! The look page: tables of records with forms, so that a person can play Salesforce.

use crate::answer::Answer;
use crate::html::{escape, page};
use crate::request::{Request, field as sent};

use super::catalogue::{ObjectType, find, objects};
use super::field::{Field, Kind, Origin};
use super::org::{Org, RecordCopy};
use super::rules::{label_of, value_of};

const PER_PAGE: usize = 50;
/// Records of a small table are offered by name where a field refers to it.
const FEW: usize = 40;
const FALSE_AND_TRUE: &[&str] = &["false", "true"];

/// What the table of a type shows.
fn columns(object: &ObjectType) -> &'static [&'static str] {
    match object.name {
        "User" => &["Username", "FirstName", "LastName", "Email", "Title", "IsActive"],
        "Contact" => &["FirstName", "LastName", "Email", "Title", "Phone", "AccountId"],
        "Lead" => &["FirstName", "LastName", "Company", "Email", "Status"],
        "Account" => &["Name", "AccountNumber", "Phone", "Industry"],
        "UserLogin" => &["UserId", "IsFrozen", "IsPasswordLocked"],
        "GroupMember" => &["GroupId", "UserOrGroupId"],
        "PermissionSetAssignment" => &["AssigneeId", "PermissionSetId"],
        _ => &["Name"],
    }
}

/// What a new record's form is filled with.
fn suggestions(object: &ObjectType, field: &Field) -> &'static str {
    match (object.name, field.name) {
        ("User", "TimeZoneSidKey") => "America/Los_Angeles",
        ("User", "LocaleSidKey" | "LanguageLocaleKey") => "en_US",
        ("User", "EmailEncodingKey") => "UTF-8",
        _ => field.default,
    }
}

fn value<'a>(record: &'a RecordCopy, name: &str) -> &'a str {
    record.fields.get(name).map(String::as_str).unwrap_or_default()
}

pub(crate) fn route(org: &Org, request: &Request, tail: &[&str]) -> Option<Answer> {
    let (name, tail) = tail.split_first()?;
    let object = find(name)?;
    match (request.method.as_str(), tail) {
        ("GET", []) => Some(list(org, request, object)),
        ("GET", ["new"]) if object.createable => Some(edit(org, object, None, &[], "")),
        ("POST", ["new"]) if object.createable => Some(create(org, request, object)),
        ("GET", [id]) => Some(edit(org, object, Some(&org.record(object.name, id)?), &[], "")),
        ("POST", [id]) => Some(save(org, request, object, &org.record(object.name, id)?)),
        ("POST", [id, "delete"]) => {
            let record = org.record(object.name, id)?;
            Some(match org.delete(object.name, id) {
                Ok(()) => Answer::redirect(303, &format!("/look/{}", object.name)),
                Err(refusal) => edit(org, object, Some(&record), &[], &refusal.to_string()),
            })
        }
        ("POST", [id, "undelete"]) => {
            org.undelete(object.name, id);
            Some(Answer::redirect(303, &format!("/look/{}/{id}", object.name)))
        }
        _ => None,
    }
}

/// A table of one type's records.
pub(crate) fn list(org: &Org, request: &Request, object: &'static ObjectType) -> Answer {
    let after = request.query("after").unwrap_or_default();
    let records = org.records_after(object.name, after, PER_PAGE + 1);
    let types: Vec<String> = objects()
        .iter()
        .map(|other| {
            let current = if other.index == object.index { " aria-current=\"page\"" } else { "" };
            format!("<a href=\"/look/{0}\"{current}>{1}</a>", other.name, other.plural)
        })
        .collect();
    let heads: String = columns(object)
        .iter()
        .map(|name| {
            let label = object.field(name).map_or(*name, |(_, field)| field.label);
            format!("<th scope=\"col\">{}</th>", escape(label))
        })
        .collect();
    let rows: String = records
        .iter()
        .take(PER_PAGE)
        .map(|record| {
            let cells: String = columns(object)
                .iter()
                .map(|name| format!("<td>{}</td>", escape(value(record, name))))
                .collect();
            let id = escape(&record.id);
            format!("<tr><td><a href=\"/look/{}/{id}\">{id}</a></td>{cells}</tr>", object.name)
        })
        .collect();
    let more = match records.get(PER_PAGE - 1).filter(|_| records.len() > PER_PAGE) {
        Some(last) => {
            format!("<p><a href=\"/look/{}?after={}\">Next page</a></p>", object.name, escape(&last.id))
        }
        None => String::new(),
    };
    let new = if object.createable {
        format!("<p><a href=\"/look/{}/new\">Create {}</a></p>", object.name, object.label.to_lowercase())
    } else {
        String::new()
    };
    let body = format!(
        "<h1>Salesforce sandbox</h1><p class=\"note\">{count} {plural}, {calls} API calls so far. Nothing here leaves \
         this computer.</p><nav aria-label=\"Object types\"><p>{types}</p></nav><h2>{plural}</h2>{new}\
         <table><thead><tr><th scope=\"col\">Record ID</th>{heads}</tr></thead><tbody>{rows}</tbody></table>{more}",
        count = org.count(object.name),
        plural = object.plural,
        calls = org.call_count(),
        types = types.join(" · "),
    );
    Answer::html(200, page("Salesforce sandbox", &body))
}

/// The fields a person may type: what Salesforce keeps and lets people write.
fn open_fields(object: &'static ObjectType, new: bool) -> impl Iterator<Item = &'static Field> {
    object.fields.iter().filter(move |field| {
        field.origin == Origin::Stored && if new { field.createable } else { field.updateable }
    })
}

fn create(org: &Org, request: &Request, object: &'static ObjectType) -> Answer {
    let form = request.form();
    let typed: Vec<(&str, &str)> = open_fields(object, true)
        .map(|field| (field.name, sent(&form, field.name)))
        .filter(|(_, text)| !text.is_empty())
        .collect();
    match org.create(object.name, &typed) {
        Ok(id) => Answer::redirect(303, &format!("/look/{}/{id}", object.name)),
        Err(refusal) => edit(org, object, None, &typed, &refusal.to_string()),
    }
}

fn save(org: &Org, request: &Request, object: &'static ObjectType, record: &RecordCopy) -> Answer {
    let form = request.form();
    let typed: Vec<(&str, &str)> = open_fields(object, false)
        .filter(|field| form.iter().any(|(name, _)| name == field.name))
        .map(|field| (field.name, sent(&form, field.name)))
        .collect();
    // Fields that were not touched must not be written: a form sends them all. Browsers send line ends as CRLF.
    let same = |stored: &str, text: &str| stored == text || stored == text.replace("\r\n", "\n");
    let changed: Vec<(&str, &str)> =
        typed.iter().filter(|(name, text)| !same(shown(object, record, name), text)).copied().collect();
    if changed.is_empty() {
        return Answer::redirect(303, &format!("/look/{}", object.name));
    }
    match org.set(object.name, &record.id, &changed) {
        Ok(()) => Answer::redirect(303, &format!("/look/{}", object.name)),
        Err(refusal) => edit(org, object, Some(record), &typed, &refusal.to_string()),
    }
}

/// What the form shows of a stored value: a checkbox without one is not ticked.
fn shown<'a>(object: &ObjectType, record: &'a RecordCopy, name: &str) -> &'a str {
    let is_flag = object.field(name).is_some_and(|(_, field)| field.kind == Kind::Flag);
    match value(record, name) {
        "" if is_flag => "false",
        text => text,
    }
}

fn options(org: &Org, field: &Field) -> Vec<(String, String)> {
    if !field.picklist.is_empty() {
        return field
            .picklist
            .iter()
            .map(|entry| (value_of(entry).to_owned(), label_of(entry).to_owned()))
            .collect();
    }
    let small = field.refers.iter().filter(|name| org.count(name) <= FEW);
    small
        .flat_map(|name| org.records(name))
        .map(|record| (record.id.clone(), value(&record, "Name").to_owned()))
        .collect()
}

fn input(org: &Org, field: &Field, text: &str) -> String {
    let name = field.name;
    let mark = if field.needed() { " (required)" } else { "" };
    let label = format!("{}{mark}", escape(field.label));
    if field.kind == Kind::Flag {
        let choices: String = FALSE_AND_TRUE
            .iter()
            .map(|choice| {
                let chosen = if *choice == text { " selected" } else { "" };
                format!("<option{chosen}>{choice}</option>")
            })
            .collect();
        return format!("<label>{label}<br><select name=\"{name}\">{choices}</select></label>");
    }
    if field.kind == Kind::TextArea {
        return format!(
            "<label>{label}<br><textarea name=\"{name}\" rows=\"2\" cols=\"50\">\n{}</textarea></label>",
            escape(text)
        );
    }
    let offered: String = options(org, field)
        .iter()
        .map(|(value, label)| format!("<option value=\"{}\">{}</option>", escape(value), escape(label)))
        .collect();
    let (link, list) = if offered.is_empty() {
        (String::new(), String::new())
    } else {
        (format!(" list=\"{name}-values\""), format!("<datalist id=\"{name}-values\">{offered}</datalist>"))
    };
    format!("<label>{label}<br><input name=\"{name}\"{link} value=\"{}\"></label>{list}", escape(text))
}

fn edit(
    org: &Org,
    object: &'static ObjectType,
    record: Option<&RecordCopy>,
    typed: &[(&str, &str)],
    problem: &str,
) -> Answer {
    let title = match record {
        Some(record) => format!("{} {}", object.label, record.id),
        None => format!("New {}", object.label.to_lowercase()),
    };
    let action = record.map_or("new", |record| record.id.as_str());
    let fields: String = open_fields(object, record.is_none())
        .map(|field| {
            let stored = match record {
                Some(record) => shown(object, record, field.name),
                None => suggestions(object, field),
            };
            let text = typed.iter().find(|(name, _)| *name == field.name).map_or(stored, |(_, text)| text);
            input(org, field, text)
        })
        .collect();
    let alert = if problem.is_empty() {
        String::new()
    } else {
        // Salesforce's own texts carry line breaks as markup.
        let text = escape(&problem.replace("<br>", " "));
        format!("<p role=\"alert\"><strong>{text}</strong></p>")
    };
    let base = format!("/look/{}/{}", object.name, escape(action));
    let second = match record {
        Some(record) if record.is_deleted => {
            format!("<form method=\"post\" action=\"{base}/undelete\"><button>Restore</button></form>")
        }
        Some(_) if object.deletable => {
            format!("<form method=\"post\" action=\"{base}/delete\"><button>Delete</button></form>")
        }
        _ => String::new(),
    };
    let about = record.map_or_else(String::new, |record| {
        format!(
            "<p class=\"note\">Created {}, last modified {}.</p>",
            escape(&record.created_date),
            escape(&record.last_modified_date)
        )
    });
    let save = match record {
        Some(record) if record.is_deleted || !object.updateable => String::new(),
        _ => "<p><button class=\"main\">Save</button></p>".to_owned(),
    };
    let body = format!(
        "<p><a href=\"/look/{}\">All {}</a></p><h1>{}</h1>{about}{alert}\
         <form method=\"post\" action=\"{base}\">{fields}{save}</form>{second}",
        object.name,
        object.plural.to_lowercase(),
        escape(&title),
    );
    Answer::html(if problem.is_empty() { 200 } else { 400 }, page(&title, &body))
}
