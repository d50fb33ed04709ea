//! Records as JSON, with their relationships nested, and as rows of a CSV.

use super::super::catalogue::{FieldId, ObjectType};
use super::super::record::{Cell, Record};
use super::super::tables::Tables;
use super::super::time;
use super::plan::{Path, Start};
use super::run::cell;

/// The columns of a query as a tree: relationships become objects of their own.
#[derive(Clone, Debug)]
pub(crate) enum Node {
    Leaf { name: &'static str, id: FieldId },
    Relation { name: &'static str, id: FieldId, children: Vec<Node> },
}

pub(crate) fn tree(object: &'static ObjectType, paths: &[Path]) -> Vec<Node> {
    let mut nodes = Vec::new();
    for path in paths {
        grow(&mut nodes, object, &path.hops, path);
    }
    nodes
}

fn grow(
    nodes: &mut Vec<Node>,
    object: &'static ObjectType,
    hops: &[(FieldId, &'static ObjectType)],
    path: &Path,
) {
    let Some(((hop, target), rest)) = hops.split_first() else {
        if let Some(field) = path.field() {
            nodes.push(Node::Leaf { name: field.name, id: path.end });
        }
        return;
    };
    let known = nodes.iter_mut().find_map(|node| match node {
        Node::Relation { id, children, .. } if id == hop => Some(children),
        _ => None,
    });
    match known {
        Some(children) => grow(children, target, rest, path),
        None => {
            let mut children = Vec::new();
            grow(&mut children, target, rest, path);
            let name = object.at(*hop).map_or("", |field| field.relationship);
            nodes.push(Node::Relation { name, id: *hop, children });
        }
    }
}

/// Writes JSON without building a tree of values first: a page has tens of thousands of them.
pub(crate) struct Writer<'a> {
    pub tables: &'a Tables,
    /// `66.0`
    pub version: &'a str,
    pub out: Vec<u8>,
}

impl Writer<'_> {
    fn raw(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    /// A JSON string.
    pub(crate) fn text(&mut self, text: &str) {
        // Writing to memory cannot fail.
        let _ = serde_json::to_writer(&mut self.out, text);
    }

    fn name(&mut self, name: &str) {
        self.raw(",\"");
        self.raw(name);
        self.raw("\":");
    }

    pub(crate) fn record(&mut self, object: &'static ObjectType, record: &Record, nodes: &[Node]) {
        self.raw("{\"attributes\":{\"type\":\"");
        self.raw(object.name);
        self.raw("\",\"url\":\"/services/data/v");
        let (version, id) = (self.version, record.id(object));
        self.raw(version);
        self.raw("/sobjects/");
        self.raw(object.name);
        self.raw("/");
        self.raw(&id);
        self.raw("\"}");
        for node in nodes {
            match node {
                Node::Leaf { name, id } => {
                    self.name(name);
                    // A queue where a user was planned has the fields of its own type.
                    let field = object.at(*id).filter(|field| field.name == *name).map(|field| (*id, field));
                    match field.or_else(|| object.field(name)) {
                        Some((id, field)) => self.cell(object, record, &record.cell(object, id, field)),
                        None => self.raw("null"),
                    }
                }
                Node::Relation { name, id, children } => {
                    self.name(name);
                    let target = object.at(*id).and_then(|field| match record.cell(object, *id, field) {
                        Cell::Id(id) => self.tables.by_id(&id),
                        _ => None,
                    });
                    match target {
                        Some((object, record)) => self.record(object, record, children),
                        None => self.raw("null"),
                    }
                }
            }
        }
        self.raw("}");
    }

    fn cell(&mut self, object: &ObjectType, record: &Record, cell: &Cell<'_>) {
        match cell {
            Cell::Null => self.raw("null"),
            Cell::Text(text) => self.text(text),
            // Ids, numbers, days and times need no escapes.
            Cell::Id(text) => self.quoted(text),
            Cell::Day(day) => self.quoted(day),
            Cell::Flag(flag) => self.raw(if *flag { "true" } else { "false" }),
            Cell::Number(text) => self.raw(text),
            Cell::Time(at) => self.quoted(&time::stamp(*at)),
            Cell::Address(prefix) => self.address(object, record, prefix),
        }
    }

    fn quoted(&mut self, text: &str) {
        self.raw("\"");
        self.raw(text);
        self.raw("\"");
    }

    fn address(&mut self, object: &ObjectType, record: &Record, prefix: &str) {
        const PARTS: &[(&str, &str)] = &[
            ("city", "City"),
            ("country", "Country"),
            ("postalCode", "PostalCode"),
            ("state", "State"),
            ("street", "Street"),
        ];
        let value = |part: &str| record.named(object, &format!("{prefix}{part}"));
        if PARTS.iter().all(|(_, part)| value(part).is_none()) {
            return self.raw("null");
        }
        self.raw("{\"geocodeAccuracy\":null,\"latitude\":null,\"longitude\":null");
        for (name, part) in PARTS {
            self.name(name);
            match value(part) {
                Some(text) => self.text(text),
                None => self.raw("null"),
            }
        }
        self.raw("}");
    }
}

/// The cells of one CSV row; null is an empty one.
pub(crate) fn row<'a>(tables: &'a Tables, start: Start<'a>, paths: &[Path]) -> Vec<String> {
    paths
        .iter()
        .map(|path| match cell(tables, start, path) {
            Cell::Null | Cell::Address(_) => String::new(),
            Cell::Text(text) | Cell::Id(text) => text.into_owned(),
            Cell::Day(text) | Cell::Number(text) => text.to_owned(),
            Cell::Flag(flag) => flag.to_string(),
            Cell::Time(at) => time::stamp(at).replace("+0000", "Z"),
        })
        .collect()
}
