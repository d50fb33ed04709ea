//! Search: filters over what the search index shows, which may lag behind the records.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::answer::Answer;
use crate::request::Request;

use super::crm::Crm;
use super::objects::Paging;
use super::problem::Problem;
use super::properties::PropertyId;
use super::properties::{Derived, Property};
use super::record::Record;
use super::state::{Candidates, ObjectKind, Table};
use super::view::{Selection, View};

const MOST_PER_PAGE: usize = 200;
/// A longer query is refused, in characters of its body.
const LONGEST: usize = 3_000;
/// No query reaches further than this many results.
const REACH: usize = 10_000;
const GROUPS: usize = 5;
const FILTERS_PER_GROUP: usize = 6;
const FILTERS: usize = 18;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Query {
    #[serde(default)]
    filter_groups: Vec<Group>,
    #[serde(default)]
    sorts: Vec<Value>,
    #[serde(default)]
    query: Option<String>,
    #[serde(default)]
    properties: Vec<String>,
    #[serde(default)]
    limit: Option<usize>,
    #[serde(default)]
    after: Option<Value>,
}

#[derive(Deserialize)]
struct Group {
    filters: Vec<Filter>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Filter {
    property_name: String,
    operator: String,
    #[serde(default)]
    value: Option<Value>,
    #[serde(default)]
    high_value: Option<Value>,
    #[serde(default)]
    values: Option<Vec<String>>,
}

#[derive(Serialize)]
struct Found<'a> {
    total: usize,
    results: Vec<View<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    paging: Option<Paging>,
}

/// A value as the index compares it: numbers and instants by size, text without regard to case.
#[derive(Clone, Debug, PartialEq)]
enum Key {
    Number(f64),
    Text(String),
}

impl Key {
    fn compare(&self, other: &Key) -> Ordering {
        match (self, other) {
            (Key::Number(a), Key::Number(b)) => a.total_cmp(b),
            (Key::Text(a), Key::Text(b)) => a.cmp(b),
            (Key::Number(_), Key::Text(_)) => Ordering::Less,
            (Key::Text(_), Key::Number(_)) => Ordering::Greater,
        }
    }
}

enum Test {
    Equal(Key),
    NotEqual(Key),
    Less(Key),
    AtMost(Key),
    Greater(Key),
    AtLeast(Key),
    Between(Key, Key),
    In(Vec<Key>),
    NotIn(Vec<Key>),
    Has,
    HasNot,
    Token(String),
    NotToken(String),
}

struct Condition {
    property: PropertyId,
    test: Test,
}

fn bad_request() -> Problem {
    Problem::validation("There was a problem with the request.")
}

pub(crate) fn search(crm: &Crm, request: &Request, kind: ObjectKind) -> Result<Answer, Problem> {
    if String::from_utf8_lossy(&request.body).chars().count() > LONGEST {
        return Err(Problem::validation(format!("A search takes at most {LONGEST} characters.")));
    }
    let query: Query = request.json()?;
    let table = crm.table(kind);
    let limit = query.limit.unwrap_or(10);
    if !(1..=MOST_PER_PAGE).contains(&limit) {
        return Err(Problem::validation(format!(
            "Invalid limit {limit}: it must be between 1 and {MOST_PER_PAGE}."
        )));
    }
    let offset = match &query.after {
        None | Some(Value::Null) => 0,
        Some(Value::String(text)) if text.is_empty() => 0,
        Some(Value::String(text)) => text.parse().map_err(|_| bad_request())?,
        Some(other) => {
            other.as_u64().and_then(|offset| usize::try_from(offset).ok()).ok_or_else(bad_request)?
        }
    };
    if offset.saturating_add(limit) > REACH {
        return Err(Problem::validation(format!(
            "A search reaches its first {REACH} results only; narrow the filters to see the rest."
        )));
    }
    let groups = compile(table, &query.filter_groups)?;
    let sort = sort_of(table, &query.sorts)?;
    let words = query.query.as_deref().map(str::to_lowercase).filter(|words| !words.trim().is_empty());
    let mut found: Vec<(&Record, Option<Key>)> = table
        .indexed(request.now, &candidates(table, &groups))
        .filter(|record| passes(crm, table, record, &groups))
        .filter(|record| words.as_ref().is_none_or(|words| mentions(table, record, words)))
        .map(|record| {
            (record, sort.as_ref().and_then(|(id, property, _)| key(crm, table, record, *id, property)))
        })
        .collect();
    if let Some((_, _, descending)) = sort {
        found.sort_by(|(one, a), (two, b)| {
            let order = match (a, b) {
                (Some(a), Some(b)) => a.compare(b),
                // Records without the value come last either way.
                (Some(_), None) => return Ordering::Less,
                (None, Some(_)) => return Ordering::Greater,
                (None, None) => Ordering::Equal,
            };
            let order = if descending { order.reverse() } else { order };
            order.then(one.id.cmp(&two.id))
        });
    } else {
        found.sort_by_key(|(record, _)| record.id);
    }
    let total = found.len();
    let selection = Selection::of(table, &query.properties);
    let results: Vec<_> = found
        .iter()
        .skip(offset)
        .take(limit)
        .map(|(record, _)| View::of(crm, table, record, &selection))
        .collect();
    let end = offset + results.len();
    let paging = (end < total).then(|| Paging::new(end.to_string(), None));
    Ok(Answer::json(200, &Found { total, results, paging }))
}

/// The records that can match at all: a value that is unique has one holder, and ids are in order.
fn candidates(table: &Table, groups: &[Vec<Condition>]) -> Candidates {
    let mut among = BTreeSet::new();
    let mut least = u64::MAX;
    let mut all_named = !groups.is_empty();
    for group in groups {
        match group.iter().find_map(|condition| named(table, condition)) {
            Some(ids) => among.extend(ids),
            None => all_named = false,
        }
        least = least.min(group.iter().filter_map(|condition| behind(table, condition)).max().unwrap_or(0));
    }
    match (all_named, groups) {
        (true, _) => Candidates::Among(among),
        (false, []) => Candidates::After(0),
        (false, _) => Candidates::After(least),
    }
}

/// The holders of the values that a condition names, where its property is unique or the id.
fn named(table: &Table, condition: &Condition) -> Option<Vec<u64>> {
    let property = table.properties.get(condition.property)?;
    let keys = match &condition.test {
        Test::Equal(key) => std::slice::from_ref(key),
        Test::In(keys) => keys.as_slice(),
        _ => return None,
    };
    keys.iter()
        .map(|key| match (property.derived, key) {
            (Derived::ObjectId, Key::Number(id)) => Some(Some(*id as u64)),
            (Derived::Stored, Key::Text(text)) if property.unique => {
                Some(table.holder(condition.property, text))
            }
            _ => None,
        })
        .collect::<Option<Vec<Option<u64>>>>()
        .map(|ids| ids.into_iter().flatten().collect())
}

/// The id that a condition wants the record's id to be greater than.
fn behind(table: &Table, condition: &Condition) -> Option<u64> {
    let property = table.properties.get(condition.property)?;
    match (property.derived, &condition.test) {
        (Derived::ObjectId, Test::Greater(Key::Number(id))) if *id >= 0.0 => Some(id.floor() as u64),
        _ => None,
    }
}

fn compile(table: &Table, groups: &[Group]) -> Result<Vec<Vec<Condition>>, Problem> {
    let all: usize = groups.iter().map(|group| group.filters.len()).sum();
    if groups.len() > GROUPS
        || all > FILTERS
        || groups.iter().any(|group| group.filters.len() > FILTERS_PER_GROUP)
    {
        return Err(Problem::validation(format!(
            "Too many filters: at most {GROUPS} groups, {FILTERS_PER_GROUP} filters in a group and {FILTERS} in all."
        )));
    }
    groups.iter().map(|group| group.filters.iter().map(|filter| condition(table, filter)).collect()).collect()
}

fn condition(table: &Table, filter: &Filter) -> Result<Condition, Problem> {
    let (id, property) = table.properties.find(&filter.property_name).ok_or_else(bad_request)?;
    let one = |value: &Option<Value>| -> Result<Key, Problem> {
        match value {
            Some(Value::String(text)) => operand(property, text),
            Some(value @ (Value::Number(_) | Value::Bool(_))) => operand(property, &value.to_string()),
            _ => Err(bad_request()),
        }
    };
    let many = || -> Result<Vec<Key>, Problem> {
        let values = filter.values.as_ref().filter(|values| !values.is_empty()).ok_or_else(bad_request)?;
        // The index holds text in lower case; a list is compared with it as it is.
        let listed = |text: &String| match property.kind.as_str() {
            "string" => Ok(Key::Text(text.clone())),
            _ => operand(property, text),
        };
        values.iter().map(listed).collect()
    };
    let word = || match &filter.value {
        Some(Value::String(text)) => Ok(text.to_lowercase()),
        _ => Err(bad_request()),
    };
    let test = match filter.operator.as_str() {
        "EQ" => Test::Equal(one(&filter.value)?),
        "NEQ" => Test::NotEqual(one(&filter.value)?),
        "LT" => Test::Less(one(&filter.value)?),
        "LTE" => Test::AtMost(one(&filter.value)?),
        "GT" => Test::Greater(one(&filter.value)?),
        "GTE" => Test::AtLeast(one(&filter.value)?),
        "BETWEEN" => Test::Between(one(&filter.value)?, one(&filter.high_value)?),
        "IN" => Test::In(many()?),
        "NOT_IN" => Test::NotIn(many()?),
        "HAS_PROPERTY" => Test::Has,
        "NOT_HAS_PROPERTY" => Test::HasNot,
        "CONTAINS_TOKEN" => Test::Token(word()?),
        "NOT_CONTAINS_TOKEN" => Test::NotToken(word()?),
        other => return Err(Problem::validation(format!("Invalid input JSON: unknown operator {other}"))),
    };
    Ok(Condition { property: id, test })
}

/// A filter's value. Instants are epoch milliseconds or a full ISO 8601 instant; a bare date is refused.
fn operand(property: &Property, text: &str) -> Result<Key, Problem> {
    match property.kind.as_str() {
        "number" => text.parse().map(Key::Number).map_err(|_| bad_request()),
        "datetime" => match text.parse::<i64>().ok().or_else(|| super::time::parse(text)) {
            Some(ms) => Ok(Key::Number(ms as f64)),
            None => Err(bad_request()),
        },
        "date" => {
            stored_key(property, text).or_else(|| text.parse().ok().map(Key::Number)).ok_or_else(bad_request)
        }
        _ => Ok(Key::Text(text.to_lowercase())),
    }
}

fn stored_key(property: &Property, text: &str) -> Option<Key> {
    match property.kind.as_str() {
        "number" => text.parse().ok().map(Key::Number),
        "datetime" => super::time::parse(text).map(|ms| Key::Number(ms as f64)),
        "date" => super::time::parse(&format!("{text}T00:00:00Z")).map(|ms| Key::Number(ms as f64)),
        _ => Some(Key::Text(text.to_lowercase())),
    }
}

fn key(crm: &Crm, table: &Table, record: &Record, id: PropertyId, property: &Property) -> Option<Key> {
    match property.derived {
        // Searches by id and time run over every record, so these do not go through text.
        Derived::ObjectId => Some(Key::Number(record.id as f64)),
        Derived::Created => Some(Key::Number(record.created as f64)),
        Derived::Updated => Some(Key::Number(record.updated as f64)),
        _ => stored_key(property, &text(crm, table, record, id, property)?),
    }
}

fn text<'a>(
    crm: &Crm,
    table: &Table,
    record: &'a Record,
    id: PropertyId,
    property: &Property,
) -> Option<Cow<'a, str>> {
    table.value(record, id, property, crm.links.of(table.kind, record.id))
}

fn passes(crm: &Crm, table: &Table, record: &Record, groups: &[Vec<Condition>]) -> bool {
    groups.is_empty()
        || groups.iter().any(|group| group.iter().all(|condition| holds(crm, table, record, condition)))
}

fn holds(crm: &Crm, table: &Table, record: &Record, condition: &Condition) -> bool {
    let Some(property) = table.properties.get(condition.property) else { return false };
    if let Test::Token(word) | Test::NotToken(word) = &condition.test {
        let wanted = matches!(condition.test, Test::Token(_));
        return text(crm, table, record, condition.property, property)
            .is_some_and(|text| has_token(&text.to_lowercase(), word) == wanted);
    }
    let Some(key) = key(crm, table, record, condition.property, property) else {
        // A record without the value answers to no comparison, not even to a negative one.
        return matches!(condition.test, Test::HasNot);
    };
    match &condition.test {
        Test::Equal(other) => key == *other,
        Test::NotEqual(other) => key != *other,
        Test::Less(other) => key.compare(other).is_lt(),
        Test::AtMost(other) => key.compare(other).is_le(),
        Test::Greater(other) => key.compare(other).is_gt(),
        Test::AtLeast(other) => key.compare(other).is_ge(),
        Test::Between(low, high) => key.compare(low).is_ge() && key.compare(high).is_le(),
        Test::In(others) => others.contains(&key),
        Test::NotIn(others) => !others.contains(&key),
        Test::Has => true,
        Test::HasNot | Test::Token(_) | Test::NotToken(_) => false,
    }
}

/// Whether a word of the text, or the whole text, is the pattern; `*` stands for any run of characters.
fn has_token(text: &str, pattern: &str) -> bool {
    let words = |text: &str| -> Vec<String> {
        text.split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect()
    };
    if pattern.contains('*') {
        return crate::faults::matches(pattern, text)
            || text.split_whitespace().any(|word| crate::faults::matches(pattern, word))
            || words(text).iter().any(|word| crate::faults::matches(pattern, word));
    }
    let have = words(text);
    let wanted = words(pattern);
    !wanted.is_empty() && wanted.iter().all(|word| have.contains(word))
}

/// The free-text `query` looks at a record's name, address and phone numbers.
fn mentions(table: &Table, record: &Record, words: &str) -> bool {
    let fields =
        ["firstname", "lastname", "email", "phone", "company", "name", "domain", "hs_additional_emails"];
    let text: String = fields
        .iter()
        .filter_map(|name| table.named(record, name))
        .map(str::to_lowercase)
        .collect::<Vec<_>>()
        .join(" ");
    words.split_whitespace().all(|word| text.contains(word))
}

type Sort<'a> = (PropertyId, &'a Property, bool);

fn sort_of<'a>(table: &'a Table, sorts: &[Value]) -> Result<Option<Sort<'a>>, Problem> {
    let (name, descending) = match sorts {
        [] => return Ok(None),
        [Value::String(text)] => match text.strip_prefix('-') {
            Some(name) => (name.to_owned(), true),
            None => (text.clone(), false),
        },
        [Value::Object(fields)] => {
            let name = fields.get("propertyName").and_then(Value::as_str).ok_or_else(bad_request)?;
            let direction = fields.get("direction").and_then(Value::as_str).unwrap_or("ASCENDING");
            if !matches!(direction, "ASCENDING" | "DESCENDING") {
                return Err(bad_request());
            }
            (name.to_owned(), direction == "DESCENDING")
        }
        _ => return Err(Problem::validation("A search takes one sort only.")),
    };
    let (id, property) = table.properties.find(&name).ok_or_else(bad_request)?;
    Ok(Some((id, property, descending)))
}

#[cfg(test)]
mod tests {
    use super::has_token;

    #[test]
    fn tokens() {
        for (text, pattern, expected) in [
            ("ann@example.org", "example.org", true),
            ("ann@example.org", "*@example.org", true),
            ("ann@example.org", "exam", false),
            ("ann@example.org", "exam*", true),
            ("big red box", "red", true),
            ("big red box", "re", false),
            ("big red box", "", false),
        ] {
            assert_eq!(has_token(text, pattern), expected, "{text} {pattern}");
        }
    }
}
