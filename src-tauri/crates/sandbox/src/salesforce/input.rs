//! What a caller sends for the fields of one record, brought to the form in which it is stored.

use serde_json::{Map, Value};

use super::catalogue::{FieldId, ObjectType, find};
use super::field::{Field, Kind};
use super::id::id18;
use super::problem::RowError;
use super::tables::{Changes, Tables};
use super::time;

/// Null in a bulk CSV, where an empty value means that the field was not sent.
const CSV_NULL: &str = "#N/A";

/// Reads a JSON record. What cannot be read at all refuses the whole call, as Salesforce parses before it works.
pub(crate) fn json(
    tables: &Tables,
    object: &ObjectType,
    body: &Map<String, Value>,
) -> Result<Changes, RowError> {
    let mut changes = Changes::new();
    for (name, value) in body {
        if name == "attributes" || name.eq_ignore_ascii_case("id") {
            continue;
        }
        if let (Value::Object(key), Some((id, field))) = (value, object.relation(name)) {
            changes.push((id, by_external_id(tables, field, key)?));
            continue;
        }
        let (id, field) = known(object, name)?;
        changes.push((id, one(field, value)?));
    }
    Ok(changes)
}

/// Reads a row of a bulk job: an empty value was not sent, `#N/A` clears.
pub(crate) fn csv(
    tables: &Tables,
    object: &ObjectType,
    row: &[(String, String)],
) -> Result<Changes, RowError> {
    let mut changes = Changes::new();
    for (name, text) in row.iter().filter(|(_, text)| !text.is_empty()) {
        if name.eq_ignore_ascii_case("id") {
            continue;
        }
        if let Some((relation, key)) = name.split_once('.') {
            let (id, field) = object.relation(relation).ok_or_else(|| no_such_column(object, name))?;
            let key = Map::from_iter([(key.to_owned(), Value::from(text.as_str()))]);
            changes.push((id, by_external_id(tables, field, &key)?));
            continue;
        }
        let (id, field) = known(object, name)?;
        let value = match (text.as_str(), field.kind) {
            (CSV_NULL, _) => Value::Null,
            ("true" | "TRUE" | "True" | "1", Kind::Flag) => Value::Bool(true),
            ("false" | "FALSE" | "False" | "0", Kind::Flag) => Value::Bool(false),
            (text, kind) if kind.is_number() => {
                text.parse::<f64>().map_or_else(|_| Value::from(text), Value::from)
            }
            (text, _) => Value::from(text),
        };
        changes.push((id, one(field, &value)?));
    }
    Ok(changes)
}

fn known<'a>(object: &'a ObjectType, name: &str) -> Result<(FieldId, &'a Field), RowError> {
    object.field(name).ok_or_else(|| no_such_column(object, name))
}

pub(crate) fn no_such_column(object: &ObjectType, name: &str) -> RowError {
    RowError::new("INVALID_FIELD", format!("No such column '{name}' on sobject of type {}", object.name))
}

/// The stored form of one value; an empty text is null.
fn one(field: &Field, value: &Value) -> Result<String, RowError> {
    let wrong = |token: &str| {
        let message = format!(
            "Cannot deserialize instance of {} from {token} value {value} or request may be missing a required field",
            field.kind.wire()
        );
        RowError::new("JSON_PARSER_ERROR", message)
    };
    let token = match value {
        Value::Null => {
            return match field.kind {
                Kind::Flag => Err(not_of_type(field, "null")),
                _ => Ok(String::new()),
            };
        }
        Value::Bool(flag) if field.kind == Kind::Flag => return Ok(flag.to_string()),
        Value::Bool(_) => "VALUE_BOOLEAN",
        Value::Number(number) if field.kind.is_number() => {
            let number = number.as_f64().unwrap_or_default();
            return match field.kind {
                Kind::Int if number.fract() != 0.0 => Err(not_of_type(field, &number.to_string())),
                Kind::Int => Ok(format!("{number:.0}")),
                _ => Ok(format!("{number:?}")),
            };
        }
        Value::Number(number) if field.kind.is_text() => return Ok(number.to_string()),
        Value::Number(_) => "VALUE_NUMBER",
        Value::String(text) => return from_text(field, text.trim()).ok_or_else(|| wrong("VALUE_STRING")),
        Value::Array(_) => "START_ARRAY",
        Value::Object(_) => "START_OBJECT",
    };
    Err(wrong(token))
}

fn from_text(field: &Field, text: &str) -> Option<String> {
    Some(match field.kind {
        _ if text.is_empty() => String::new(),
        Kind::Date => time::day(time::parse_day(text).or_else(|| time::parse(text))?),
        Kind::DateTime => time::parse(text).or_else(|| time::parse_day(text))?.to_string(),
        Kind::Flag | Kind::Int | Kind::Double | Kind::Currency | Kind::Address => return None,
        Kind::Id
        | Kind::Reference
        | Kind::Text
        | Kind::TextArea
        | Kind::Email
        | Kind::Phone
        | Kind::Url
        | Kind::Picklist => text.to_owned(),
    })
}

fn not_of_type(field: &Field, value: &str) -> RowError {
    let message = format!("{}: value not of required type: {value}", field.label);
    RowError::new("INVALID_TYPE_ON_FIELD_IN_RECORD", message).on(field.name)
}

/// `{"Account": {"External_Id__c": "A-1"}}` points at a record by its external id.
fn by_external_id(tables: &Tables, field: &Field, key: &Map<String, Value>) -> Result<String, RowError> {
    for target in field.refers.iter().filter_map(|name| find(name)) {
        for (name, value) in key.iter().filter(|(name, _)| *name != "attributes") {
            let Some((id, lookup)) = target.field(name).filter(|(_, lookup)| lookup.id_lookup) else {
                continue;
            };
            let text = value.as_str().unwrap_or_default();
            return match tables.table(target).holders(id, lookup, text).as_slice() {
                [one] => Ok(id18(target.prefix, *one)),
                _ => {
                    let message = format!(
                        "Foreign key external ID: {text} not found for field {} in entity {}",
                        lookup.name, target.name
                    );
                    Err(RowError::new("INVALID_FIELD", message))
                }
            };
        }
    }
    let message =
        format!("{} must be given an external id of {}", field.relationship, field.refers.join(" or "));
    Err(RowError::new("INVALID_FIELD", message))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(object: &str, body: Value) -> Result<Vec<(&'static str, String)>, String> {
        let object = find(object).unwrap();
        json(&Tables::default(), object, body.as_object().unwrap())
            .map(|changes| {
                changes.into_iter().map(|(id, value)| (object.at(id).unwrap().name, value)).collect()
            })
            .map_err(|error| error.code)
    }

    #[test]
    fn json_values() {
        for (object, body, expected) in [
            ("User", json!({"firstname": "  Ann "}), Ok(("FirstName", "Ann"))),
            ("User", json!({"Title": null}), Ok(("Title", ""))),
            ("User", json!({"Phone": 5550100}), Ok(("Phone", "5550100"))),
            ("User", json!({"IsActive": false}), Ok(("IsActive", "false"))),
            ("User", json!({"IsActive": "false"}), Err("JSON_PARSER_ERROR")),
            ("User", json!({"IsActive": null}), Err("INVALID_TYPE_ON_FIELD_IN_RECORD")),
            ("User", json!({"Title": ["a"]}), Err("JSON_PARSER_ERROR")),
            ("User", json!({"Titel": "a"}), Err("INVALID_FIELD")),
            ("Lead", json!({"AnnualRevenue": 10}), Ok(("AnnualRevenue", "10.0"))),
            ("Lead", json!({"NumberOfEmployees": 10}), Ok(("NumberOfEmployees", "10"))),
            ("Lead", json!({"NumberOfEmployees": 1.5}), Err("INVALID_TYPE_ON_FIELD_IN_RECORD")),
            ("Contact", json!({"Birthdate": "1980-02-03"}), Ok(("Birthdate", "1980-02-03"))),
            ("Contact", json!({"Birthdate": "3.2.1980"}), Err("JSON_PARSER_ERROR")),
            ("Contact", json!({"Account": {"External_Id__c": "none"}}), Err("INVALID_FIELD")),
        ] {
            let expected = expected.map(|(name, value)| vec![(name, value.to_owned())]);
            assert_eq!(read(object, body.clone()), expected.map_err(str::to_owned), "{body}");
        }
    }

    #[test]
    fn csv_values() {
        let object = find("User").unwrap();
        let row = |name: &str, value: &str| vec![(name.to_owned(), value.to_owned())];
        for (name, value, expected) in [
            ("Title", "", Ok(None)),
            ("Title", "#N/A", Ok(Some(""))),
            ("Title", "Boss", Ok(Some("Boss"))),
            ("IsActive", "FALSE", Ok(Some("false"))),
            ("IsActive", "no", Err("JSON_PARSER_ERROR")),
            ("Nope", "x", Err("INVALID_FIELD")),
        ] {
            let got = csv(&Tables::default(), object, &row(name, value));
            let got = got.map(|changes| changes.first().map(|(_, value)| value.clone()));
            assert_eq!(
                got.map_err(|error| error.code),
                expected.map(|value| value.map(str::to_owned)).map_err(str::to_owned),
                "{name}={value}"
            );
        }
    }
}
