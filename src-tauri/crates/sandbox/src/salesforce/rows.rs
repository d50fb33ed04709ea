//! One record per call.

use serde_json::json;

use crate::answer::{Answer, JSON};
use crate::request::Request;

use super::catalogue::{FieldId, ObjectType};
use super::field::Field;
use super::id::{id18, normal};
use super::input;
use super::problem::{Problem, RowError};
use super::record::Record;
use super::server::{Shared, precondition};
use super::soql::plan::Path;
use super::soql::show::{self, Node};
use super::tables::Tables;
use super::write::{Upsert, Writer};

/// From this version on an upsert that updates answers with a body.
const UPSERT_TELLS: u16 = 46;

/// Runs `work` with everything a write needs.
pub(crate) fn writing<T>(shared: &Shared, request: &Request, work: impl FnOnce(&mut Writer<'_>) -> T) -> T {
    let mut tables = shared.tables_mut();
    let mut faults = shared.inner();
    let allow = request.header_option("sforce-duplicate-rule-header", "allowSave");
    work(&mut Writer {
        tables: &mut tables,
        faults: &mut faults,
        author: shared.author(request.now),
        taken: &shared.options.taken_usernames,
        allow_duplicates: allow.is_some_and(|text| text.eq_ignore_ascii_case("true")),
    })
}

/// The fields of `?fields=A,B`, or all of them.
pub(crate) fn nodes(object: &'static ObjectType, asked: Option<&[String]>) -> Result<Vec<Node>, Problem> {
    let paths: Vec<Path> = match asked {
        None => object
            .all()
            .map(|(end, field)| Path { hops: Vec::new(), object, end, name: field.name.to_owned() })
            .collect(),
        Some(names) => names
            .iter()
            .filter(|name| !name.eq_ignore_ascii_case("Id"))
            .map(|name| {
                let (end, field) =
                    object.field(name).ok_or_else(|| Problem::from(input::no_such_column(object, name)))?;
                Ok(Path { hops: Vec::new(), object, end, name: field.name.to_owned() })
            })
            .chain(
                [object.field("Id").map(|(end, field)| Path {
                    hops: Vec::new(),
                    object,
                    end,
                    name: field.name.to_owned(),
                })]
                .into_iter()
                .flatten()
                .map(Ok),
            )
            .collect::<Result<_, Problem>>()?,
    };
    Ok(show::tree(object, &paths))
}

fn asked_fields(request: &Request) -> Option<Vec<String>> {
    let text = request.query("fields")?;
    Some(text.split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect())
}

fn shown(
    tables: &Tables,
    request: &Request,
    version: u16,
    object: &'static ObjectType,
    record: &Record,
) -> Result<Answer, Problem> {
    precondition(request, record.modified)?;
    let nodes = nodes(object, asked_fields(request).as_deref())?;
    let version = format!("{version}.0");
    let mut writer = show::Writer { tables, version: &version, out: Vec::new() };
    writer.record(object, record, &nodes);
    Ok(Answer { status: 200, content_type: JSON, headers: Vec::new(), body: writer.out }
        .with_header("last-modified", super::time::http(record.modified)))
}

pub(crate) fn read(
    shared: &Shared,
    request: &Request,
    version: u16,
    object: &'static ObjectType,
    id: &str,
) -> Result<Answer, Problem> {
    let tables = shared.tables();
    let found = normal(id).and_then(|id| tables.live(object, &id));
    match found {
        Some(record) => shown(&tables, request, version, object, record),
        None => Err(missing(&tables, object, id)),
    }
}

/// Why there is no such record, for calls that name it in the path.
fn missing(tables: &Tables, object: &ObjectType, id: &str) -> Problem {
    if normal(id).is_some_and(|id| tables.in_bin(object, &id)) {
        return Problem::new(404, "ENTITY_IS_DELETED", "entity is deleted");
    }
    let message = format!("Provided external ID field does not exist or is not accessible: {id}");
    Problem::new(404, "NOT_FOUND", message)
}

fn key<'a>(object: &'a ObjectType, name: &str) -> Result<(FieldId, &'a Field), Problem> {
    object.field(name).filter(|(_, field)| field.id_lookup).ok_or_else(|| {
        let message = format!("Provided external ID field does not exist or is not accessible: {name}");
        Problem::new(404, "NOT_FOUND", message)
    })
}

/// 300 with the addresses of all records that hold the value.
fn several(object: &ObjectType, version: u16, numbers: &[u64]) -> Answer {
    let urls: Vec<String> = numbers
        .iter()
        .map(|number| {
            format!("/services/data/v{version}.0/sobjects/{}/{}", object.name, id18(object.prefix, *number))
        })
        .collect();
    Answer::json(300, &urls)
}

pub(crate) fn read_by(
    shared: &Shared,
    request: &Request,
    version: u16,
    object: &'static ObjectType,
    name: &str,
    value: &str,
) -> Result<Answer, Problem> {
    let (id, field) = key(object, name)?;
    let tables = shared.tables();
    let table = tables.table(object);
    match table.holders(id, field, value).as_slice() {
        [one] => {
            let record = table.live.get(one).ok_or_else(Problem::not_found)?;
            shown(&tables, request, version, object, record)
        }
        [] => Err(Problem::not_found()),
        numbers => Ok(several(object, version, numbers)),
    }
}

pub(crate) fn create(
    shared: &Shared,
    request: &Request,
    version: u16,
    object: &'static ObjectType,
) -> Result<Answer, Problem> {
    let body = request.object()?;
    if body.keys().any(|name| name.eq_ignore_ascii_case("id")) {
        return Err(RowError::new("INVALID_FIELD", "cannot specify Id in an insert call").on("Id").into());
    }
    let id = writing(shared, request, |writer| {
        let changes = input::json(writer.tables, object, &body)?;
        writer.create(object, changes)
    })
    .map(|number| id18(object.prefix, number))?;
    let location = format!("/services/data/v{version}.0/sobjects/{}/{id}", object.name);
    Ok(Answer::json(201, &json!({"id": id, "success": true, "errors": []})).with_header("location", location))
}

/// Calls that name a record in the path answer 404 where collections name the record's error.
fn by_path(error: RowError) -> Problem {
    match error.code.as_str() {
        "INVALID_CROSS_REFERENCE_KEY" | "MALFORMED_ID"
            if error.fields.first().is_none_or(|on| on == "Id") =>
        {
            Problem::not_found()
        }
        _ => error.into(),
    }
}

pub(crate) fn update(
    shared: &Shared,
    request: &Request,
    object: &'static ObjectType,
    id: &str,
) -> Result<Answer, Problem> {
    let body = request.object()?;
    if body.keys().any(|name| name.eq_ignore_ascii_case("id")) {
        let message = "The Id field should not be specified in the sobject data.";
        return Err(RowError::new("INVALID_FIELD", message).into());
    }
    writing(shared, request, |writer| {
        let number = writer.find(object, id).map_err(by_path)?;
        if let Some(record) = writer.tables.table(object).live.get(&number) {
            precondition(request, record.modified)?;
        }
        let changes = input::json(writer.tables, object, &body)?;
        writer.update(object, id, changes)?;
        Ok(Answer::empty(204))
    })
}

pub(crate) fn delete(
    shared: &Shared,
    request: &Request,
    object: &'static ObjectType,
    id: &str,
) -> Result<Answer, Problem> {
    writing(shared, request, |writer| writer.delete(object, id)).map_err(by_path)?;
    Ok(Answer::empty(204))
}

pub(crate) fn upsert(
    shared: &Shared,
    request: &Request,
    version: u16,
    object: &'static ObjectType,
    name: &str,
    value: &str,
) -> Result<Answer, Problem> {
    let body = request.object()?;
    if name.eq_ignore_ascii_case("id") {
        return update(shared, request, object, value);
    }
    let (field_id, field) = key(object, name)?;
    if let Some(doubled) =
        body.keys().find(|sent| sent.eq_ignore_ascii_case("id") || sent.eq_ignore_ascii_case(name))
    {
        let message = format!("The {doubled} field should not be specified in the sobject data.");
        return Err(RowError::new("INVALID_FIELD", message).into());
    }
    let done = writing(shared, request, |writer| {
        let changes = input::json(writer.tables, object, &body)?;
        writer.upsert(object, (field_id, field), value, changes)
    });
    match done {
        Ok((number, created)) => {
            let id = id18(object.prefix, number);
            if !created && version < UPSERT_TELLS {
                return Ok(Answer::empty(204));
            }
            let body = json!({"id": id, "success": true, "errors": [], "created": created});
            Ok(Answer::json(if created { 201 } else { 200 }, &body))
        }
        Err(Upsert::Refused(error)) => Err(error.into()),
        Err(Upsert::Several(numbers)) => Ok(several(object, version, &numbers)),
    }
}
