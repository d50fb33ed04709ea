//! What the org tells about its object types.

use serde_json::{Map, Value, json};

use crate::answer::Answer;
use crate::request::Request;

use super::catalogue::{ObjectType, objects};
use super::field::{Field, Kind, Origin};
use super::problem::Problem;
use super::rules::{label_of, value_of};
use super::time;

/// When the catalogue last changed: 2025-01-01.
const CHANGED: i64 = 1_735_689_600_000;

fn unchanged(request: &Request) -> bool {
    request.header("if-modified-since").and_then(time::parse_http).is_some_and(|since| CHANGED <= since)
}

fn dated(answer: Answer) -> Answer {
    answer.with_header("last-modified", time::http(CHANGED))
}

pub(crate) fn global(request: &Request, version: u16) -> Answer {
    if unchanged(request) {
        return Answer::empty(304);
    }
    let all: Vec<Value> = objects().iter().map(|object| Value::Object(brief(object, version))).collect();
    dated(Answer::json(200, &json!({"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": all})))
}

pub(crate) fn basic(version: u16, object: &'static ObjectType) -> Answer {
    Answer::json(200, &json!({"objectDescribe": brief(object, version), "recentItems": []}))
}

pub(crate) fn full(request: &Request, version: u16, object: &'static ObjectType) -> Result<Answer, Problem> {
    if unchanged(request) {
        return Ok(Answer::empty(304));
    }
    let mut body = brief(object, version);
    body.insert("fields".into(), object.fields.iter().map(field).collect::<Vec<_>>().into());
    body.insert("childRelationships".into(), children(object).into());
    body.insert("recordTypeInfos".into(), Vec::<Value>::new().into());
    body.insert("supportedScopes".into(), json!([{"label": "All", "name": "everything"}]));
    body.insert("listviewable".into(), Value::Null);
    body.insert("lookupLayoutable".into(), Value::Null);
    body.insert("searchLayoutable".into(), true.into());
    Ok(dated(Answer::json(200, &body)))
}

fn children(object: &ObjectType) -> Vec<Value> {
    objects()
        .iter()
        .flat_map(|child| {
            child.fields.iter().filter(|field| field.refers.contains(&object.name)).map(|field| {
                json!({"childSObject": child.name, "field": field.name, "cascadeDelete": false,
                       "deprecatedAndHidden": false, "relationshipName": null, "restrictedDelete": false})
            })
        })
        .collect()
}

fn brief(object: &ObjectType, version: u16) -> Map<String, Value> {
    let base = format!("/services/data/v{version}.0/sobjects/{}", object.name);
    let urls = json!({"sobject": base, "describe": format!("{base}/describe"), "rowTemplate": format!("{base}/{{ID}}")});
    let entries = [
        ("name", object.name.into()),
        ("label", object.label.into()),
        ("labelPlural", object.plural.into()),
        ("keyPrefix", object.prefix.into()),
        ("custom", false.into()),
        ("customSetting", false.into()),
        ("createable", object.createable.into()),
        ("updateable", object.updateable.into()),
        ("deletable", object.deletable.into()),
        ("undeletable", object.has_bin().into()),
        ("mergeable", matches!(object.name, "Account" | "Contact" | "Lead").into()),
        ("queryable", true.into()),
        ("replicateable", true.into()),
        ("retrieveable", true.into()),
        ("searchable", (!object.setup || object.name == "User").into()),
        ("triggerable", (!object.setup || object.name == "User").into()),
        ("feedEnabled", (!object.setup || object.name == "User").into()),
        ("layoutable", (!object.setup || object.name == "User").into()),
        ("activateable", false.into()),
        ("deprecatedAndHidden", false.into()),
        ("mruEnabled", (!object.setup).into()),
        ("urls", urls),
    ];
    entries.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn field(field: &Field) -> Value {
    let entries: Vec<(&str, Value)> = vec![
        ("aggregatable", field.filterable().into()),
        ("autoNumber", false.into()),
        ("byteLength", (field.length * 3).into()),
        ("calculated", false.into()),
        ("cascadeDelete", false.into()),
        ("caseSensitive", false.into()),
        ("compoundFieldName", compound(field)),
        ("controllerName", Value::Null),
        ("createable", field.createable.into()),
        ("custom", field.custom().into()),
        ("defaultValue", default_value(field)),
        ("defaultedOnCreate", field.defaulted.into()),
        ("dependentPicklist", false.into()),
        ("deprecatedAndHidden", false.into()),
        ("digits", if field.kind == Kind::Int { 9 } else { 0 }.into()),
        ("externalId", field.external.into()),
        ("extraTypeInfo", Value::Null),
        ("filterable", field.filterable().into()),
        ("groupable", (field.filterable() && !field.kind.is_number() && field.kind != Kind::DateTime).into()),
        ("highScaleNumber", false.into()),
        ("htmlFormatted", false.into()),
        ("idLookup", field.id_lookup.into()),
        ("inlineHelpText", Value::Null),
        ("label", field.label.into()),
        ("length", field.length.into()),
        ("mask", Value::Null),
        ("name", field.name.into()),
        ("nameField", field.names_record.into()),
        ("namePointing", (field.refers.len() > 1).into()),
        ("nillable", field.nillable.into()),
        ("permissionable", (field.nillable && field.createable).into()),
        ("picklistValues", values(field)),
        ("polymorphicForeignKey", (field.refers.len() > 1).into()),
        ("precision", if matches!(field.kind, Kind::Double | Kind::Currency) { 18 } else { 0 }.into()),
        ("queryByDistance", (field.kind == Kind::Address).into()),
        ("referenceTo", field.refers.into()),
        (
            "relationshipName",
            if field.relationship.is_empty() { Value::Null } else { field.relationship.into() },
        ),
        ("restrictedDelete", false.into()),
        ("restrictedPicklist", field.restricted.into()),
        ("scale", if field.kind == Kind::Double { 15 } else { 0 }.into()),
        ("soapType", field.kind.soap().into()),
        ("sortable", field.filterable().into()),
        ("type", field.kind.wire().into()),
        ("unique", field.unique.into()),
        ("updateable", field.updateable.into()),
        ("writeRequiresMasterRead", false.into()),
    ];
    Value::Object(entries.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

fn compound(field: &Field) -> Value {
    const NAME: &[&str] = &["FirstName", "LastName", "MiddleName", "Suffix", "Salutation"];
    const ADDRESS: &[&str] = &["Street", "City", "State", "PostalCode", "Country"];
    if NAME.contains(&field.name) {
        return "Name".into();
    }
    match ADDRESS.iter().find_map(|part| field.name.strip_suffix(part)) {
        Some(prefix) => format!("{prefix}Address").into(),
        None => Value::Null,
    }
}

fn default_value(field: &Field) -> Value {
    match (field.kind, field.default) {
        (Kind::Flag, value) if field.origin == Origin::Stored => (value == "true").into(),
        (Kind::Flag, _) => false.into(),
        _ => Value::Null,
    }
}

fn values(field: &Field) -> Value {
    let all = field.picklist.iter().map(|entry| {
        json!({"active": true, "defaultValue": value_of(entry) == field.default && !field.default.is_empty(),
               "label": label_of(entry), "validFor": null, "value": value_of(entry)})
    });
    all.collect::<Vec<_>>().into()
}
