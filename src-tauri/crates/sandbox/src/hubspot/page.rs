//! The look pages: tables of records with forms, so that a person can play HubSpot. Plain HTML without script.

use crate::answer::Answer;
use crate::html::{escape, page};
use crate::request::Request;

use super::portal::{Portal, PortalError, RecordCopy};
use super::properties::{Derived, Property};
use super::state::ObjectKind;

const PER_PAGE: usize = 50;

/// What the table of a type shows and its form begins with.
fn first_fields(kind: ObjectKind) -> &'static [&'static str] {
    match kind {
        ObjectKind::Contact => {
            &["firstname", "lastname", "email", "phone", "company", "jobtitle", "city", "lifecyclestage"]
        }
        ObjectKind::Company => &["name", "domain", "phone", "city", "country", "industry", "lifecyclestage"],
    }
}

fn value<'a>(record: &'a RecordCopy, name: &str) -> &'a str {
    record.properties.get(name).map(String::as_str).unwrap_or_default()
}

fn noun(kind: ObjectKind) -> String {
    kind.singular().to_lowercase()
}

/// The properties that a person may type, those of the table first.
fn open_properties(portal: &Portal, kind: ObjectKind) -> Vec<Property> {
    let crm = portal.shared.crm();
    let registry = &crm.table(kind).properties;
    let first = first_fields(kind).iter().filter_map(|name| registry.find(name).map(|(_, found)| found));
    let others = registry.iter().map(|(_, property)| property).filter(|property| {
        property.archived.is_none()
            && property.derived == Derived::Stored
            && !property.hidden
            && !first_fields(kind).contains(&property.name.as_str())
    });
    first.chain(others).cloned().collect()
}

/// `/`: a table of one type's records; `type`, `archived`, `q` and `after` in the query.
pub(crate) fn list(portal: &Portal, request: &Request) -> Answer {
    let kind = request.query("type").and_then(ObjectKind::parse).unwrap_or(ObjectKind::Contact);
    let archived = request.query_flag("archived");
    let words = request.query("q").unwrap_or_default();
    let after = request.query("after").and_then(|text| text.parse().ok()).unwrap_or(0);
    let records = portal.find(kind, archived, words, after, PER_PAGE + 1);
    let labels: Vec<(&str, String)> = open_properties(portal, kind)
        .into_iter()
        .filter_map(|property| {
            let name = first_fields(kind).iter().find(|name| **name == property.name)?;
            Some((*name, property.label))
        })
        .collect();
    let heads: String =
        labels.iter().map(|(_, label)| format!("<th scope=\"col\">{}</th>", escape(label))).collect();
    let row = |record: &RecordCopy| {
        let cell = |(name, label): &(&str, String)| {
            format!("<td data-label=\"{}\">{}</td>", escape(label), escape(value(record, name)))
        };
        let cells: String = labels.iter().map(cell).collect();
        let id = escape(&record.id);
        format!("<tr><td><a href=\"/look/{}/{id}\">{id}</a></td>{cells}</tr>", kind.plural())
    };
    let rows: String = records.iter().take(PER_PAGE).map(row).collect();
    let more = match records.get(PER_PAGE - 1).filter(|_| records.len() > PER_PAGE) {
        Some(last) => {
            let link = request.link_with("after", &last.id);
            format!("<p><a href=\"{}\">Next page</a></p>", escape(&link))
        }
        None => String::new(),
    };
    let tab = |to: ObjectKind, bin: bool, label: &str| {
        let current = if (to, bin) == (kind, archived) { " aria-current=\"page\"" } else { "" };
        let bin = if bin { "&amp;archived=true" } else { "" };
        format!("<a href=\"/?type={}{bin}\"{current}>{label}</a>", to.plural())
    };
    let none = if rows.is_empty() { "<p>There are none.</p>" } else { "" };
    let body = format!(
        "<h1>HubSpot sandbox</h1><p class=\"note\">{contacts} contacts, {companies} companies, {calls} API calls so far. \
         Nothing here leaves this computer.</p>\
         <nav aria-label=\"Records\">{}{}{}{}</nav>\
         <form class=\"line\" method=\"get\" action=\"/\"><input type=\"hidden\" name=\"type\" value=\"{plural}\">{bin}\
         <label>Search <input type=\"search\" name=\"q\" value=\"{words}\"></label><button>Search</button></form>\
         <p><a href=\"/look/{plural}/new\">Create {noun}</a></p>\
         <table class=\"records\"><thead><tr><th scope=\"col\">Record ID</th>{heads}</tr></thead><tbody>{rows}</tbody>\
         </table>{none}{more}",
        tab(ObjectKind::Contact, false, "Contacts"),
        tab(ObjectKind::Company, false, "Companies"),
        tab(ObjectKind::Contact, true, "Archived contacts"),
        tab(ObjectKind::Company, true, "Archived companies"),
        contacts = portal.count(ObjectKind::Contact),
        companies = portal.count(ObjectKind::Company),
        calls = portal.call_count(),
        plural = kind.plural(),
        noun = noun(kind),
        bin = if archived { "<input type=\"hidden\" name=\"archived\" value=\"true\">" } else { "" },
        words = escape(words),
    );
    Answer::html(200, page("HubSpot sandbox", &body))
}

/// `/look/{type}/...`
pub(crate) fn route(portal: &Portal, request: &Request, tail: &[&str]) -> Option<Answer> {
    let (name, tail) = tail.split_first()?;
    let kind = ObjectKind::parse(name)?;
    match (request.method.as_str(), tail) {
        ("GET", ["new"]) => Some(edit(portal, kind, None, &[], "")),
        ("POST", ["new"]) => Some(create(portal, request, kind)),
        ("GET", [id]) => {
            let record = portal.record(kind, id)?;
            // After a merge an old address leads to the record that took over.
            if record.id == *id {
                Some(edit(portal, kind, Some(&record), &[], ""))
            } else {
                Some(Answer::redirect(303, &address(kind, &record.id)))
            }
        }
        ("POST", [id]) => Some(save(portal, request, kind, &portal.record(kind, id)?)),
        ("POST", [id, "archive"]) => {
            portal.archive_record(kind, id);
            Some(Answer::redirect(303, &format!("/?type={}", kind.plural())))
        }
        ("POST", [id, "restore"]) => {
            let record = portal.record(kind, id)?;
            Some(gone_to(portal, kind, &record, portal.restore(kind, id).map(|()| (*id).to_owned())))
        }
        ("POST", [id, "merge"]) => {
            let record = portal.record(kind, id)?;
            let form = request.form();
            let other = form.iter().find(|(key, _)| key == "other").map_or("", |(_, id)| id.trim());
            Some(gone_to(portal, kind, &record, portal.merge_records(kind, id, other)))
        }
        _ => None,
    }
}

fn address(kind: ObjectKind, id: &str) -> String {
    format!("/look/{}/{id}", kind.plural())
}

/// To the record that came of it, or back to the form with the reason.
fn gone_to(
    portal: &Portal,
    kind: ObjectKind,
    record: &RecordCopy,
    outcome: Result<String, PortalError>,
) -> Answer {
    match outcome {
        Ok(id) => Answer::redirect(303, &address(kind, &id)),
        Err(refusal) => edit(portal, kind, Some(record), &[], &refusal.to_string()),
    }
}

/// The fields of the form that a person may set.
fn typed(portal: &Portal, request: &Request, kind: ObjectKind) -> Vec<(String, String)> {
    let open = open_properties(portal, kind);
    let is_open = |name: &str| open.iter().any(|property| property.name == name);
    request.form().into_iter().filter(|(name, _)| is_open(name)).collect()
}

fn borrowed(fields: &[(String, String)]) -> Vec<(&str, &str)> {
    fields.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect()
}

fn create(portal: &Portal, request: &Request, kind: ObjectKind) -> Answer {
    let mut fields = typed(portal, request, kind);
    fields.retain(|(_, text)| !text.is_empty());
    match portal.create_record(kind, &borrowed(&fields)) {
        Ok(id) => Answer::redirect(303, &address(kind, &id)),
        Err(refusal) => edit(portal, kind, None, &borrowed(&fields), &refusal.to_string()),
    }
}

fn save(portal: &Portal, request: &Request, kind: ObjectKind, record: &RecordCopy) -> Answer {
    let fields = typed(portal, request, kind);
    // Fields that were not touched must not be written: a form sends them all.
    let changed: Vec<(&str, &str)> =
        borrowed(&fields).into_iter().filter(|(name, text)| value(record, name) != *text).collect();
    match portal.set_record(kind, &record.id, &changed) {
        Ok(()) => Answer::redirect(303, &address(kind, &record.id)),
        Err(refusal) => edit(portal, kind, Some(record), &borrowed(&fields), &refusal.to_string()),
    }
}

fn control(property: &Property, shown: &str) -> String {
    let (name, label) = (escape(&property.name), escape(&property.label));
    if property.options.is_empty() || property.field == "checkbox" {
        return format!("<label>{label}<br><input name=\"{name}\" value=\"{}\"></label>", escape(shown));
    }
    let option = |value: &str, label: &str| {
        let chosen = if value == shown { " selected" } else { "" };
        format!("<option value=\"{}\"{chosen}>{}</option>", escape(value), escape(label))
    };
    let known = property.options.iter().any(|choice| choice.value == shown);
    let odd = if known || shown.is_empty() { String::new() } else { option(shown, shown) };
    let options: String =
        property.options.iter().map(|choice| option(&choice.value, &choice.label)).collect();
    format!("<label>{label}<br><select name=\"{name}\">{}{odd}{options}</select></label>", option("", ""))
}

/// The linked records of the other type.
fn links(portal: &Portal, kind: ObjectKind, id: &str) -> String {
    let crm = portal.shared.crm();
    let Some(record) = id.parse().ok().and_then(|id| crm.table(kind).find(id)) else { return String::new() };
    let other = match kind {
        ObjectKind::Contact => ObjectKind::Company,
        ObjectKind::Company => ObjectKind::Contact,
    };
    let linked: Vec<String> = crm
        .linked(kind, record)
        .iter()
        .take(PER_PAGE)
        .map(|id| format!("<a href=\"{}\">{id}</a>", address(other, &id.to_string())))
        .collect();
    if linked.is_empty() {
        return String::new();
    }
    format!("<p>Linked {}: {}</p>", other.plural(), linked.join(", "))
}

fn edit(
    portal: &Portal,
    kind: ObjectKind,
    record: Option<&RecordCopy>,
    typed: &[(&str, &str)],
    problem: &str,
) -> Answer {
    let noun = noun(kind);
    let title =
        record.map_or_else(|| format!("New {noun}"), |record| format!("{} {}", kind.singular(), record.id));
    let shown = |property: &Property| {
        let stored = record.map(|record| value(record, &property.name)).unwrap_or_default();
        let typed = typed.iter().find(|(name, _)| *name == property.name).map(|(_, text)| *text);
        control(property, typed.unwrap_or(stored))
    };
    let open = open_properties(portal, kind);
    let (first, others) = open.split_at(first_fields(kind).len().min(open.len()));
    let form = format!(
        "<form method=\"post\" action=\"{}\">{}<details><summary>All properties</summary>{}</details>\
         <p><button class=\"main\">Save</button></p></form>",
        address(kind, &escape(record.map_or("new", |record| record.id.as_str()))),
        first.iter().map(shown).collect::<String>(),
        others.iter().map(shown).collect::<String>(),
    );
    let rest = record.map(|record| {
        let id = escape(&record.id);
        let to = |what: &str| format!("<form class=\"line\" method=\"post\" action=\"/look/{}/{id}/{what}\">", kind.plural());
        let about = format!(
            "<p class=\"note\">Created {}, last changed {}{}.</p>{}",
            escape(&record.created_at),
            escape(&record.updated_at),
            if record.archived { "; in the recycle bin" } else { "" },
            links(portal, kind, &record.id),
        );
        if record.archived {
            return (about, format!("{}<button>Restore</button></form>", to("restore")));
        }
        let merge = format!(
            "{}<label>Merge with the {noun} whose record ID is <input name=\"other\" inputmode=\"numeric\" required></label>\
             <button>Merge</button></form><p class=\"note\">This one's values win; both IDs lead to the new record.</p>",
            to("merge")
        );
        (about, format!("{}<button>Archive</button></form>{merge}", to("archive")))
    });
    let (about, rest) = rest.unwrap_or_default();
    let is_archived = record.is_some_and(|record| record.archived);
    let problem_shown = if problem.is_empty() {
        String::new()
    } else {
        format!("<p role=\"alert\"><strong>{}</strong></p>", escape(problem))
    };
    let body = format!(
        "<p><a href=\"/?type={plural}\">All {plural}</a></p><h1>{}</h1>{about}{problem_shown}{}{rest}",
        escape(&title),
        if is_archived { "" } else { &form },
        plural = kind.plural(),
    );
    Answer::html(if problem.is_empty() { 200 } else { 400 }, page(&title, &body))
}
