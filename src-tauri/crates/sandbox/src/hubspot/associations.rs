//! Links between contacts and companies. Type ids as HubSpot documents them: contact to company 279, primary 1;
//! company to contact 280, primary 2.

use serde_json::{Map, Value, json};

use super::crm::Crm;
use super::record::Record;
use super::state::ObjectKind;

/// Linked records shown with a record before the list needs paging.
const INLINE: usize = 100;

fn type_ids(from: ObjectKind) -> (u32, u32, &'static str) {
    match from {
        ObjectKind::Contact => (279, 1, "contact_to_company"),
        ObjectKind::Company => (280, 2, "company_to_contact"),
    }
}

/// The `associations` element of a record.
pub(crate) fn inline(
    crm: &Crm,
    kind: ObjectKind,
    record: &Record,
    wanted: &[ObjectKind],
) -> Map<String, Value> {
    let mut out = Map::new();
    let (_, _, label) = type_ids(kind);
    for other in wanted.iter().filter(|other| **other != kind) {
        let linked = crm.linked(kind, record);
        if linked.is_empty() {
            continue;
        }
        let mut results = Vec::new();
        for (at, id) in linked.iter().take(INLINE).enumerate() {
            if at == 0 {
                results.push(json!({"id": id.to_string(), "type": label}));
            }
            results.push(json!({"id": id.to_string(), "type": format!("{label}_unlabeled")}));
        }
        let mut list = json!({"results": results});
        if linked.len() > INLINE
            && let Some(last) = linked.get(INLINE - 1)
            && let Value::Object(fields) = &mut list
        {
            fields.insert("paging".into(), json!({"next": {"after": last.to_string()}}));
        }
        out.insert(other.plural().to_owned(), list);
    }
    out
}

/// The targets of one record as the v4 API lists them.
pub(crate) fn targets(crm: &Crm, kind: ObjectKind, record: &Record) -> Vec<Value> {
    let (plain, primary, _) = type_ids(kind);
    let entry = |type_id: u32, label: Value| json!({"category": "HUBSPOT_DEFINED", "typeId": type_id, "label": label});
    crm.linked(kind, record)
        .iter()
        .enumerate()
        .map(|(at, id)| {
            let mut types = vec![entry(plain, Value::Null)];
            if at == 0 {
                types.insert(0, entry(primary, "Primary".into()));
            }
            json!({"toObjectId": id, "associationTypes": types})
        })
        .collect()
}

/// The answer to `batch/read`: 200, or 207 naming the records without a link.
pub(crate) fn batch_read(
    crm: &Crm,
    from: ObjectKind,
    ids: &[String],
    legacy: bool,
) -> (u16, Vec<Value>, Vec<Value>) {
    let mut results = Vec::new();
    let mut errors = Vec::new();
    for id in ids {
        let record = id.parse().ok().and_then(|id| crm.table(from).find(id));
        let to = record.map(|record| targets(crm, from, record)).unwrap_or_default();
        if to.is_empty() {
            let (_, _, label) = type_ids(from);
            errors.push(json!({
                "status": "error", "category": "OBJECT_NOT_FOUND",
                "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND",
                "message": format!("No {label} associations found for {id}"),
                "context": {"fromObjectId": [id]}}));
            continue;
        }
        let to = if legacy {
            let (_, _, label) = type_ids(from);
            to.iter()
                .filter_map(|target| target.get("toObjectId").and_then(Value::as_u64))
                .map(|id| json!({"id": id.to_string(), "type": label}))
                .collect()
        } else {
            to
        };
        results.push(json!({"from": {"id": id}, "to": to}));
    }
    (if errors.is_empty() { 200 } else { 207 }, results, errors)
}

/// Links two records, whichever side is named first. False when one of them does not exist.
pub(crate) fn link(crm: &mut Crm, from: ObjectKind, id: u64, to: u64) -> bool {
    let other = match from {
        ObjectKind::Contact => ObjectKind::Company,
        ObjectKind::Company => ObjectKind::Contact,
    };
    let (Some(one), Some(two)) =
        (crm.table(from).find(id).map(|record| record.id), crm.table(other).find(to).map(|record| record.id))
    else {
        return false;
    };
    match from {
        ObjectKind::Contact => crm.links.link(one, two),
        ObjectKind::Company => crm.links.link(two, one),
    }
    crm.revision += 1;
    true
}
