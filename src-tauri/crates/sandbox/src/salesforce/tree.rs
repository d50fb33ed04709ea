//! sObject Tree: up to 200 records in one call, made with the records below them, all or none.

use serde_json::{Map, Value, json};

use crate::answer::Answer;
use crate::request::Request;

use super::catalogue::{ObjectType, find, objects};
use super::id::id18;
use super::input;
use super::problem::{Problem, RowError};
use super::rows::writing;
use super::server::Shared;
use super::write::Writer;

/// Records of one tree, and levels below each other.
const MOST: usize = 200;
const MOST_LEVELS: usize = 5;

/// A record before it is made.
struct Node<'a> {
    object: &'static ObjectType,
    reference: &'a str,
    fields: Map<String, Value>,
    /// The field that refers to the record above, and that record's place in the list.
    above: Option<(&'static str, usize)>,
}

pub(crate) fn create(
    shared: &Shared,
    request: &Request,
    object: &'static ObjectType,
) -> Result<Answer, Problem> {
    let body = request.object()?;
    let mut nodes = Vec::new();
    gather(&body, object, None, 1, &mut nodes)?;
    if nodes.len() > MOST {
        let message = format!("A tree has {MOST} records at most, and this one has {}", nodes.len());
        return Err(Problem::new(400, "INVALID_BATCH_SIZE", message));
    }
    writing(shared, request, |writer| {
        writer.tables.begin();
        let mut made: Vec<String> = Vec::with_capacity(nodes.len());
        for node in &nodes {
            match one(writer, node, &made) {
                Ok(id) => made.push(id),
                Err(error) => {
                    writer.tables.roll_back();
                    let failed = json!({"referenceId": node.reference, "errors": [error.in_collection()]});
                    return Ok(Answer::json(400, &json!({"hasErrors": true, "results": [failed]})));
                }
            }
        }
        writer.tables.settle();
        let results: Vec<Value> = nodes
            .iter()
            .zip(&made)
            .map(|(node, id)| json!({"referenceId": node.reference, "id": id}))
            .collect();
        Ok(Answer::json(201, &json!({"hasErrors": false, "results": results})))
    })
}

fn one(writer: &mut Writer<'_>, node: &Node<'_>, made: &[String]) -> Result<String, RowError> {
    let mut fields = node.fields.clone();
    if let Some((name, id)) = node.above.and_then(|(name, at)| Some((name, made.get(at)?))) {
        fields.insert(name.to_owned(), id.as_str().into());
    }
    let changes = input::json(writer.tables, node.object, &fields)?;
    Ok(id18(node.object.prefix, writer.create(node.object, changes)?))
}

/// The records of a list, each before those below it.
fn gather<'a>(
    body: &'a Map<String, Value>,
    object: &'static ObjectType,
    above: Option<(&'static str, usize)>,
    level: usize,
    nodes: &mut Vec<Node<'a>>,
) -> Result<(), Problem> {
    if level > MOST_LEVELS {
        let message = format!("A tree has {MOST_LEVELS} levels at most");
        return Err(Problem::new(400, "INVALID_INPUT", message));
    }
    let missing = || Problem::new(400, "MISSING_ARGUMENT", "The records of the request are missing");
    for record in body.get("records").and_then(Value::as_array).ok_or_else(missing)? {
        let record = record.as_object().ok_or_else(|| Problem::json("A record is not a JSON object"))?;
        let about =
            |name: &str| record.get("attributes").and_then(|about| about.get(name)).and_then(Value::as_str);
        let reference = about("referenceId").unwrap_or_default();
        if reference.is_empty() || nodes.iter().any(|node| node.reference == reference) {
            let message = format!("referenceId `{reference}` is missing or doubled");
            return Err(Problem::new(400, "INVALID_INPUT", message));
        }
        if about("type").is_none_or(|name| find(name).is_none_or(|named| named.index != object.index)) {
            let message = format!("The attributes of {reference} must name the type {}", object.name);
            return Err(Problem::new(400, "INVALID_INPUT", message));
        }
        let at = nodes.len();
        let mut fields = Map::new();
        let mut below = Vec::new();
        for (name, value) in record {
            match value.as_object().filter(|value| value.contains_key("records")) {
                Some(list) => {
                    let (child, field) = child(object, name)
                        .ok_or_else(|| Problem::from(input::no_such_column(object, name)))?;
                    below.push((list, child, field));
                }
                None => {
                    fields.insert(name.clone(), value.clone());
                }
            }
        }
        nodes.push(Node { object, reference, fields, above });
        for (list, child, field) in below {
            gather(list, child, Some((field, at)), level + 1, nodes)?;
        }
    }
    Ok(())
}

/// What `Contacts` means below an account: the type of that plural, and its field that refers to an account.
fn child(parent: &ObjectType, name: &str) -> Option<(&'static ObjectType, &'static str)> {
    objects().iter().filter(|object| object.plural.replace(' ', "").eq_ignore_ascii_case(name)).find_map(
        |object| {
            let field = object.fields.iter().find(|field| field.refers.contains(&parent.name))?;
            Some((object, field.name))
        },
    )
}
