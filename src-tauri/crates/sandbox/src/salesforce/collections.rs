//! sObject Collections: up to 200 records in one call, each with its own result.

use serde_json::{Map, Value, json};

use crate::answer::{Answer, JSON};
use crate::request::Request;

use super::catalogue::{ObjectType, by_prefix, find};
use super::id::{id18, normal, prefix};
use super::input;
use super::problem::{Problem, RowError};
use super::routes::object;
use super::rows::{nodes, writing};
use super::server::Shared;
use super::soql::show;
use super::tables::Changes;
use super::write::{Upsert, Writer};

const MOST: usize = 200;
const MOST_READ: usize = 2000;
/// Runs of consecutive records of one type in a call.
const MOST_CHUNKS: usize = 10;

pub(crate) fn route(
    shared: &Shared,
    request: &Request,
    version: u16,
    method: &str,
    tail: &[&str],
) -> Result<Answer, Problem> {
    match (method, tail) {
        ("POST", []) => save(shared, request, Verb::Create),
        ("PATCH", []) => save(shared, request, Verb::Update),
        ("DELETE", []) => delete(shared, request),
        ("PATCH", [name, key]) => save(shared, request, Verb::Upsert { object: object(name)?, key }),
        ("GET", [name]) => {
            let list = |name: &str| -> Vec<String> {
                let text = request.query(name).unwrap_or_default();
                text.split(',').map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
            };
            retrieve(shared, version, object(name)?, &list("ids"), &list("fields"))
        }
        ("POST", [name]) => {
            let body = request.object()?;
            let list = |name: &str| -> Vec<String> {
                let all = body.get(name).and_then(Value::as_array);
                all.into_iter().flatten().filter_map(|one| one.as_str().map(str::to_owned)).collect()
            };
            retrieve(shared, version, object(name)?, &list("ids"), &list("fields"))
        }
        ("PATCH" | "POST" | "GET" | "DELETE", [_, _, ..]) => Err(Problem::not_found()),
        _ => Err(Problem::method(method, "GET,POST,PATCH,DELETE")),
    }
}

#[derive(Clone, Copy)]
enum Verb<'a> {
    Create,
    Update,
    Upsert { object: &'static ObjectType, key: &'a str },
}

/// One record of the request, read but not yet checked.
struct Row {
    object: &'static ObjectType,
    id: Option<String>,
    key: String,
    changes: Changes,
}

fn too_many(count: usize, most: usize) -> Problem {
    let message = format!("Maximum number of records in a call is {most}, and this one has {count}");
    Problem::new(400, "INVALID_BATCH_SIZE", message)
}

fn read_rows(writer: &Writer<'_>, verb: Verb<'_>, records: &[Value]) -> Result<Vec<Row>, Problem> {
    records
        .iter()
        .map(|record| {
            let fields = record.as_object().ok_or_else(|| Problem::json("A record is not a JSON object"))?;
            let named = fields.get("attributes").and_then(|about| about.get("type")).and_then(Value::as_str);
            let object = match (verb, named) {
                (Verb::Upsert { object, .. }, None) => object,
                (_, None) => {
                    return Err(Problem::new(
                        400,
                        "INVALID_INPUT",
                        "The type of a record must be given in its attributes",
                    ));
                }
                (_, Some(name)) => find(name).ok_or_else(|| {
                    Problem::new(400, "INVALID_TYPE", format!("sObject type '{name}' is not supported."))
                })?,
            };
            if let Verb::Upsert { object: only, .. } = verb
                && only.index != object.index
            {
                let message = format!("An upsert takes records of one type, here {}", only.name);
                return Err(Problem::new(400, "INVALID_INPUT", message));
            }
            let text = |name: &str| {
                let found = fields.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
                found.map(|(_, value)| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
            };
            let id = text("id").filter(|id| id != "null" && !id.is_empty());
            let key = match verb {
                Verb::Upsert { key, .. } => text(key).filter(|key| key != "null").unwrap_or_default(),
                _ => String::new(),
            };
            let without_key: Map<String, Value> = match verb {
                Verb::Upsert { key, .. } => fields
                    .iter()
                    .filter(|(name, _)| !name.eq_ignore_ascii_case(key))
                    .map(|(name, value)| (name.clone(), value.clone()))
                    .collect(),
                _ => fields.clone(),
            };
            Ok(Row { object, id, key, changes: input::json(writer.tables, object, &without_key)? })
        })
        .collect()
}

fn chunks(rows: &[Row]) -> usize {
    let changes = rows.windows(2).filter(|two| match two {
        [one, two] => one.object.index != two.object.index,
        _ => false,
    });
    changes.count() + usize::from(!rows.is_empty())
}

/// Setup records must not be written in one transaction with others.
fn mixed(before: Option<&'static ObjectType>, next: &ObjectType) -> Option<RowError> {
    let before = before.filter(|before| before.setup != next.setup)?;
    let message = format!(
        "DML operation on setup object is not permitted after you have updated a non-setup object (or vice versa): {}, \
         original object: {}",
        next.name, before.name
    );
    Some(RowError::new("MIXED_DML_OPERATION", message))
}

fn save(shared: &Shared, request: &Request, verb: Verb<'_>) -> Result<Answer, Problem> {
    let body = request.object()?;
    let all_or_none = body.get("allOrNone").and_then(Value::as_bool).unwrap_or(false);
    let records = body
        .get("records")
        .and_then(Value::as_array)
        .ok_or_else(|| Problem::new(400, "MISSING_ARGUMENT", "The records of the request are missing"))?;
    if records.len() > MOST {
        return Err(too_many(records.len(), MOST));
    }
    if let Verb::Upsert { object, key } = verb
        && !object.field(key).is_some_and(|(_, field)| field.id_lookup)
    {
        let message = format!("Provided external ID field does not exist or is not accessible: {key}");
        return Err(Problem::new(404, "NOT_FOUND", message));
    }
    writing(shared, request, |writer| {
        let rows = read_rows(writer, verb, records)?;
        if chunks(&rows) > MOST_CHUNKS {
            let message = format!("A call may change between object types {MOST_CHUNKS} times at most");
            return Err(Problem::new(400, "INVALID_INPUT", message));
        }
        let mut written = None;
        Ok(transact(writer, all_or_none, rows, |writer, row| {
            if let Some(error) = mixed(written, row.object) {
                return Err(error);
            }
            written = Some(row.object);
            one(writer, verb, row)
        }))
    })
}

fn one(writer: &mut Writer<'_>, verb: Verb<'_>, row: Row) -> Result<Value, RowError> {
    let done = |number: u64| json!({"id": id18(row.object.prefix, number), "success": true, "errors": []});
    match (verb, row.id) {
        (Verb::Create, None) => writer.create(row.object, row.changes).map(done),
        (Verb::Create, Some(_)) => {
            Err(RowError::new("INVALID_FIELD_FOR_INSERT_UPDATE", "cannot specify Id in an insert call")
                .on("Id"))
        }
        (Verb::Update, Some(id)) => {
            writer.update(row.object, &id, row.changes)?;
            Ok(json!({"id": normal(&id).unwrap_or(id), "success": true, "errors": []}))
        }
        (Verb::Update, None) => {
            Err(RowError::new("MISSING_ARGUMENT", "Id not specified in an update call").on("Id"))
        }
        (Verb::Upsert { key, object }, _) => {
            let Some(key) = object.field(key) else {
                return Err(input::no_such_column(object, key));
            };
            match writer.upsert(object, key, &row.key, row.changes) {
                Ok((number, created)) => {
                    let mut result = done(number);
                    if let Value::Object(fields) = &mut result {
                        fields.insert("created".into(), created.into());
                    }
                    Ok(result)
                }
                Err(Upsert::Refused(error)) => Err(error),
                Err(Upsert::Several(numbers)) => {
                    let message = format!(
                        "{}: more than one record found for external id field: {}",
                        key.1.label,
                        numbers.len()
                    );
                    Err(RowError::new("DUPLICATE_EXTERNAL_ID", message))
                }
            }
        }
    }
}

/// One result per record, in order. With `all_or_none` the first refusal takes everything back.
fn transact<T>(
    writer: &mut Writer<'_>,
    all_or_none: bool,
    rows: Vec<T>,
    mut work: impl FnMut(&mut Writer<'_>, T) -> Result<Value, RowError>,
) -> Answer {
    if all_or_none {
        writer.tables.begin();
    }
    let mut results: Vec<Result<Value, RowError>> = rows.into_iter().map(|row| work(writer, row)).collect();
    if all_or_none && results.iter().any(Result::is_err) {
        writer.tables.roll_back();
        for result in &mut results {
            if result.is_ok() {
                *result = Err(RowError::new(
                    "ALL_OR_NONE_OPERATION_ROLLED_BACK",
                    "Record rolled back because not all records were valid and the request was using AllOrNone header",
                ));
            }
        }
    } else if all_or_none {
        writer.tables.settle();
    }
    let results: Vec<Value> = results
        .into_iter()
        .map(|result| {
            result.unwrap_or_else(|error| json!({"success": false, "errors": [error.in_collection()]}))
        })
        .collect();
    Answer::json(200, &results)
}

fn delete(shared: &Shared, request: &Request) -> Result<Answer, Problem> {
    let ids: Vec<String> = request
        .query("ids")
        .unwrap_or_default()
        .split(',')
        .map(|id| id.trim().to_owned())
        .filter(|id| !id.is_empty())
        .collect();
    if ids.is_empty() {
        return Err(Problem::new(400, "MISSING_ARGUMENT", "The ids of the request are missing"));
    }
    if ids.len() > MOST {
        return Err(too_many(ids.len(), MOST));
    }
    let all_or_none = request.query("allOrNone") == Some("true");
    Ok(writing(shared, request, |writer| {
        let mut written = None;
        transact(writer, all_or_none, ids, |writer, id| {
            let Some(object) = by_prefix(prefix(&id)) else {
                return Err(RowError::new("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id"));
            };
            if let Some(error) = mixed(written, object) {
                return Err(error);
            }
            written = Some(object);
            writer.delete(object, &id)?;
            Ok(json!({"id": normal(&id).unwrap_or(id), "success": true, "errors": []}))
        })
    }))
}

fn retrieve(
    shared: &Shared,
    version: u16,
    object: &'static ObjectType,
    ids: &[String],
    fields: &[String],
) -> Result<Answer, Problem> {
    if ids.is_empty() || fields.is_empty() {
        return Err(Problem::new(400, "MISSING_ARGUMENT", "ids and fields are both needed"));
    }
    if ids.len() > MOST_READ {
        return Err(too_many(ids.len(), MOST_READ));
    }
    let nodes = nodes(object, Some(fields))?;
    let tables = shared.tables();
    let version = format!("{version}.0");
    let mut writer = show::Writer { tables: &tables, version: &version, out: vec![b'['] };
    for (at, id) in ids.iter().enumerate() {
        if at > 0 {
            writer.out.push(b',');
        }
        match normal(id).and_then(|id| tables.live(object, &id)) {
            Some(record) => writer.record(object, record, &nodes),
            None => writer.out.extend_from_slice(b"null"),
        }
    }
    writer.out.push(b']');
    Ok(Answer { status: 200, content_type: JSON, headers: Vec::new(), body: writer.out })
}
