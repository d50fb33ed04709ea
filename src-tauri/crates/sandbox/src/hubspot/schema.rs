//! The properties API: the definitions, and the custom ones an app may add.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::request::Request;

use super::access::Caller;
use super::associations::batch_answer;
use super::crm::Crm;
use super::problem::Problem;
use super::properties::{Choice, Derived, Property};
use super::state::ObjectKind;

const KINDS: &[&str] = &["bool", "date", "datetime", "enumeration", "number", "phone_number", "string"];
const FIELDS: &[&str] = &[
    "booleancheckbox",
    "calculation_equation",
    "checkbox",
    "date",
    "file",
    "html",
    "number",
    "phonenumber",
    "radio",
    "select",
    "text",
    "textarea",
];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Definition {
    name: Option<String>,
    label: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    field_type: Option<String>,
    group_name: Option<String>,
    description: Option<String>,
    options: Option<Vec<Choice>>,
    has_unique_value: Option<bool>,
    hidden: Option<bool>,
    form_field: Option<bool>,
}

#[derive(Deserialize)]
struct Batch<T> {
    inputs: Vec<T>,
    #[serde(default)]
    archived: bool,
}

#[derive(Deserialize)]
struct Name {
    name: String,
}

/// `tail` is what follows the object type in the path.
pub(crate) fn route(
    crm: &mut Crm,
    request: &Request,
    caller: &Caller,
    kind: ObjectKind,
    tail: &[&str],
) -> Result<Answer, Problem> {
    let plural = kind.plural();
    let (read, write, objects) = (
        format!("crm.schemas.{plural}.read"),
        format!("crm.schemas.{plural}.write"),
        format!("crm.objects.{plural}.read"),
    );
    let reading = request.method == "GET" || tail == ["batch", "read"];
    caller.needs(&if reading { vec![read.as_str(), objects.as_str()] } else { vec![write.as_str()] })?;
    match (request.method.as_str(), tail) {
        ("GET", []) => {
            let archived = request.query_flag("archived");
            let results: Vec<Value> = crm
                .table(kind)
                .properties
                .iter()
                .filter(|(_, property)| property.archived.is_some() == archived)
                .map(|(_, property)| property.to_json())
                .collect();
            Ok(Answer::json(200, &json!({ "results": results })))
        }
        ("POST", []) => add(crm, request, kind, request.json()?).map(|body| Answer::json(201, &body)),
        ("GET", ["groups"]) => {
            let groups = &crm.table(kind).properties.groups;
            let results: Vec<Value> = groups.iter().map(group).collect();
            Ok(Answer::json(200, &json!({ "results": results })))
        }
        ("POST", ["groups"]) => {
            let input: Value = request.json()?;
            let text = |name: &str| input.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
            let new = (text("name"), text("label"));
            if new.0.is_empty() || crm.table(kind).properties.groups.iter().any(|known| known.0 == new.0) {
                return Err(Problem::new(
                    409,
                    "CONFLICT",
                    format!("A property group named '{}' already exists.", new.0),
                ));
            }
            let body = group(&new);
            crm.table_mut(kind).properties.groups.push(new);
            crm.revision += 1;
            Ok(Answer::json(201, &body))
        }
        ("GET", ["groups", name]) => {
            match crm.table(kind).properties.groups.iter().find(|known| known.0 == *name) {
                Some(found) => Ok(Answer::json(200, &group(found))),
                None => Err(Problem::not_found()),
            }
        }
        ("PATCH", ["groups", name]) => {
            let input: Definition = request.json()?;
            let groups = &mut crm.table_mut(kind).properties.groups;
            let Some(found) = groups.iter_mut().find(|known| known.0 == *name) else {
                return Err(Problem::not_found());
            };
            if let Some(label) = input.label {
                found.1 = label;
            }
            let body = group(found);
            crm.revision += 1;
            Ok(Answer::json(200, &body))
        }
        ("DELETE", ["groups", name]) => {
            let properties = &mut crm.table_mut(kind).properties;
            let used = properties.iter().any(|(_, one)| one.archived.is_none() && one.group == *name);
            if used {
                return Err(Problem::validation(format!("The group {name} still has properties.")));
            }
            properties.groups.retain(|known| known.0 != *name);
            crm.revision += 1;
            Ok(Answer::empty(204))
        }
        ("POST", ["batch", operation]) => batch(crm, request, kind, operation),
        ("GET", [name]) => {
            let found = if request.query_flag("archived") {
                crm.table(kind).properties.find_any(name).filter(|(_, property)| property.archived.is_some())
            } else {
                crm.table(kind).properties.find(name)
            };
            found.map(|(_, property)| Answer::json(200, &property.to_json())).ok_or_else(|| no_property(name))
        }
        ("PATCH", [name]) => change(crm, request, kind, name),
        ("DELETE", [name]) => {
            archive(crm, request, kind, name)?;
            Ok(Answer::empty(204))
        }
        _ => Err(Problem::method()),
    }
}

fn group(group: &(String, String)) -> Value {
    json!({"name": group.0, "label": group.1, "displayOrder": -1, "archived": false})
}

fn no_property(name: &str) -> Problem {
    Problem::new(404, "OBJECT_NOT_FOUND", format!("Property {name} does not exist"))
}

fn add(crm: &mut Crm, request: &Request, kind: ObjectKind, input: Definition) -> Result<Value, Problem> {
    let name = input.name.unwrap_or_default();
    let lower = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) || !name.chars().all(lower) {
        return Err(Problem::validation(format!(
            "'{name}' is not a valid property name: lower-case letters, digits and underscores, a letter first."
        )));
    }
    let properties = &crm.table(kind).properties;
    if properties.find(&name).is_some() {
        return Err(Problem::new(
            409,
            "OBJECT_ALREADY_EXISTS",
            format!("A property named '{name}' already exists."),
        ));
    }
    let (value_kind, field) = (input.kind.unwrap_or_default(), input.field_type.unwrap_or_default());
    if !KINDS.contains(&value_kind.as_str()) || !FIELDS.contains(&field.as_str()) {
        return Err(Problem::validation(format!(
            "type '{value_kind}' with fieldType '{field}' is not possible."
        )));
    }
    let group = input.group_name.unwrap_or_default();
    if !properties.groups.iter().any(|known| known.0 == group) {
        return Err(Problem::validation(format!("groupName '{group}' does not exist.")));
    }
    let unique = input.has_unique_value.unwrap_or(false);
    if unique && !matches!(value_kind.as_str(), "string" | "number" | "phone_number") {
        return Err(Problem::validation(format!("A {value_kind} property cannot have unique values.")));
    }
    let property = Property {
        label: input.label.filter(|label| !label.is_empty()).unwrap_or_else(|| name.clone()),
        name,
        description: input.description.unwrap_or_default(),
        group,
        options: match (value_kind.as_str(), input.options.unwrap_or_default()) {
            ("bool", options) if options.is_empty() => ["true", "false"]
                .iter()
                .map(|value| Choice { label: (*value).to_owned(), value: (*value).to_owned(), hidden: false })
                .collect(),
            (_, options) => options,
        },
        kind: value_kind,
        calculated: field == "calculation_equation",
        read_only: field == "calculation_equation",
        field,
        unique,
        hubspot_defined: false,
        hidden: input.hidden.unwrap_or(false),
        form_field: input.form_field.unwrap_or(true),
        owner: false,
        derived: Derived::Stored,
        created: request.now,
        updated: request.now,
        archived: None,
    };
    let body = property.to_json();
    let table = crm.table_mut(kind);
    let id = table.properties.add(property);
    if unique {
        table.index_property(id);
    }
    crm.revision += 1;
    Ok(body)
}

fn custom<'a>(crm: &'a mut Crm, kind: ObjectKind, name: &str) -> Result<&'a mut Property, Problem> {
    let table = crm.table_mut(kind);
    let Some((id, _)) = table.properties.find(name) else { return Err(no_property(name)) };
    match table.properties.get_mut(id) {
        Some(property) if property.hubspot_defined => {
            Err(Problem::validation(format!("{name} is defined by HubSpot and cannot be changed.")))
        }
        Some(property) => Ok(property),
        None => Err(no_property(name)),
    }
}

fn change(crm: &mut Crm, request: &Request, kind: ObjectKind, name: &str) -> Result<Answer, Problem> {
    let input: Definition = request.json()?;
    let property = custom(crm, kind, name)?;
    if let Some(label) = input.label {
        property.label = label;
    }
    if let Some(description) = input.description {
        property.description = description;
    }
    if let Some(options) = input.options {
        property.options = options;
    }
    if let Some(hidden) = input.hidden {
        property.hidden = hidden;
    }
    property.updated = request.now;
    let body = property.to_json();
    crm.revision += 1;
    Ok(Answer::json(200, &body))
}

fn archive(crm: &mut Crm, request: &Request, kind: ObjectKind, name: &str) -> Result<(), Problem> {
    custom(crm, kind, name)?.archived = Some(request.now);
    crm.revision += 1;
    Ok(())
}

fn batch(crm: &mut Crm, request: &Request, kind: ObjectKind, operation: &str) -> Result<Answer, Problem> {
    let mut results = Vec::new();
    let mut errors = Vec::new();
    match operation {
        "read" => {
            let input: Batch<Name> = request.json()?;
            for Name { name } in input.inputs {
                let found = crm.table(kind).properties.find_any(&name);
                match found.filter(|(_, property)| property.archived.is_some() == input.archived) {
                    Some((_, property)) => results.push(property.to_json()),
                    None => errors.push(no_property(&name).in_batch(json!({"name": [name]}))),
                }
            }
        }
        "create" => {
            for definition in request.json::<Batch<Definition>>()?.inputs {
                results.push(add(crm, request, kind, definition)?);
            }
        }
        "archive" => {
            for Name { name } in request.json::<Batch<Name>>()?.inputs {
                archive(crm, request, kind, &name)?;
            }
            return Ok(Answer::empty(204));
        }
        _ => return Err(Problem::not_found()),
    }
    let status = if operation == "create" { 201 } else { 200 };
    Ok(batch_answer(status, request, results, errors))
}
