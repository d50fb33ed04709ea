//! What of a query filter HubSpot's search can answer.
//!
//! A filter is brought into HubSpot's form: groups of comparisons, at most five groups of six. Where HubSpot's
//! comparison lets more through than the filter's (its words match by token and without case), the records are checked
//! again here; where it would let less through, or the filter does not fit, everything is listed and checked here.

use jiff::Timestamp;
use model::filter::Op;
use model::{Attributes, Filter, Pointer};
use serde_json::{Value, json};

use super::{ARCHIVED, ObjectType};
use crate::port::RemoteObject;

/// Most groups.
const GROUPS: usize = 5;
/// Most filters in a group; one is kept free for the walk along the ids.
const FILTERS: usize = 5;
/// Most filters over all groups, of which each group keeps one free.
const ALL_FILTERS: usize = 18;

/// How a filter is answered.
#[derive(Debug)]
pub(super) enum Plan {
    /// It can match nothing.
    Nothing,
    /// It matches everything.
    Everything,
    /// By HubSpot's search, checked again here where that is not exact.
    Remotely { groups: Vec<Vec<Value>>, check: Option<LocalCheck> },
    /// By reading these ids, checked again here: reads by id know no index that lags.
    ByIds(Vec<String>, LocalCheck),
    /// By listing everything.
    Locally(LocalCheck),
}

/// One comparison in HubSpot's words.
#[derive(Clone)]
struct Leaf {
    filter: Value,
    exact: bool,
}

impl Plan {
    pub fn new(object_type: ObjectType, filter: &Filter) -> Self {
        let locally = || Self::Locally(LocalCheck::new(object_type, filter));
        // No search shows the recycle bin.
        if filter.pointers().iter().any(|p| p.head() == Some(ARCHIVED)) {
            return locally();
        }
        if let Some(ids) = ids(filter) {
            return Self::ByIds(ids, LocalCheck::new(object_type, filter));
        }
        let Some(groups) = groups(object_type, filter, false) else { return locally() };
        if groups.is_empty() {
            return Self::Nothing;
        }
        if groups.iter().any(Vec::is_empty) {
            return Self::Everything;
        }
        let filters: usize = groups.iter().map(|g| g.len() + 1).sum();
        if groups.len() > GROUPS || groups.iter().any(|g| g.len() > FILTERS) || filters > ALL_FILTERS {
            return locally();
        }
        let exact = groups.iter().flatten().all(|leaf| leaf.exact);
        Self::Remotely {
            groups: groups.into_iter().map(|g| g.into_iter().map(|leaf| leaf.filter).collect()).collect(),
            check: (!exact).then(|| LocalCheck::new(object_type, filter)),
        }
    }
}

/// The ids that a filter names, where nothing else can match.
fn ids(filter: &Filter) -> Option<Vec<String>> {
    match filter {
        Filter::Compare(pointer, Op::Eq, value) => match (pointer.steps(), value) {
            ([attribute], Value::String(id)) if is_uid(attribute) => Some(vec![id.clone()]),
            ([attribute], Value::Number(id)) if is_uid(attribute) => Some(vec![id.to_string()]),
            _ => None,
        },
        Filter::Or(parts) => {
            Some(parts.iter().map(ids).collect::<Option<Vec<_>>>()?.into_iter().flatten().collect())
        }
        Filter::And(parts) => parts.iter().find_map(ids),
        _ => None,
    }
}

fn is_uid(attribute: &str) -> bool {
    matches!(attribute, "__UID__" | "_id" | "hs_object_id")
}

/// Whether a filter can match records of the recycle bin only.
fn wants_archived(filter: &Filter) -> bool {
    match filter {
        Filter::Compare(pointer, Op::Eq, Value::Bool(true)) => pointer.head() == Some(ARCHIVED),
        Filter::And(parts) => parts.iter().any(wants_archived),
        _ => false,
    }
}

/// The filter as a disjunction of conjunctions; `None` where HubSpot cannot answer it. `negated` carries a `not` down
/// to the comparisons.
fn groups(object_type: ObjectType, filter: &Filter, negated: bool) -> Option<Vec<Vec<Leaf>>> {
    match filter {
        Filter::Always(value) => Some(if *value != negated { vec![Vec::new()] } else { Vec::new() }),
        Filter::Not(part) => groups(object_type, part, !negated),
        Filter::Or(parts) if !negated => match one_of(object_type, parts) {
            Some(leaf) => Some(vec![vec![leaf]]),
            None => any(object_type, parts, negated),
        },
        Filter::And(parts) if negated => any(object_type, parts, negated),
        Filter::And(parts) | Filter::Or(parts) => {
            let mut product = vec![Vec::new()];
            for part in parts {
                let right = groups(object_type, part, negated)?;
                if product.len() * right.len() > GROUPS * 4 {
                    return None;
                }
                product = product
                    .iter()
                    .flat_map(|left: &Vec<Leaf>| {
                        right.iter().map(|r| [left.as_slice(), r.as_slice()].concat())
                    })
                    .collect();
            }
            Some(product)
        }
        Filter::Present(pointer) => {
            let property = property(object_type, pointer)?;
            let operator = if negated { "NOT_HAS_PROPERTY" } else { "HAS_PROPERTY" };
            Some(vec![vec![leaf(&property, operator, None, true)]])
        }
        Filter::Compare(pointer, op, literal) => {
            comparison(&property(object_type, pointer)?, *op, literal, negated)
        }
    }
}

/// Texts of one property that are alternatives to each other are one comparison, however many they are.
fn one_of(object_type: ObjectType, parts: &[Filter]) -> Option<Leaf> {
    let mut name = None;
    let mut values = Vec::with_capacity(parts.len());
    for part in parts {
        let Filter::Compare(pointer, Op::Eq, Value::String(text)) = part else { return None };
        let property = property(object_type, pointer)?;
        if text.is_empty() || *name.get_or_insert_with(|| property.clone()) != property {
            return None;
        }
        // HubSpot wants the texts of a list in lower case.
        values.push(text.to_lowercase());
    }
    let filter =
        json!({"propertyName": name.filter(|_| values.len() > 1)?, "operator": "IN", "values": values});
    Some(Leaf { filter, exact: false })
}

fn any(object_type: ObjectType, parts: &[Filter], negated: bool) -> Option<Vec<Vec<Leaf>>> {
    let mut all = Vec::new();
    for part in parts {
        all.extend(groups(object_type, part, negated)?);
    }
    (all.len() <= GROUPS * 4).then_some(all)
}

fn property(object_type: ObjectType, pointer: &Pointer) -> Option<String> {
    match pointer.steps() {
        [attribute] if attribute == object_type.links() => None,
        [attribute] => Some(object_type.property(attribute).unwrap_or("hs_object_id").to_owned()),
        _ => None,
    }
}

fn leaf(property: &str, operator: &str, value: Option<String>, exact: bool) -> Leaf {
    let filter = match value {
        Some(value) => json!({"propertyName": property, "operator": operator, "value": value}),
        None => json!({"propertyName": property, "operator": operator}),
    };
    Leaf { filter, exact }
}

fn comparison(property: &str, op: Op, literal: &Value, negated: bool) -> Option<Vec<Vec<Leaf>>> {
    let one = |operator: &str, value: String, exact: bool| {
        Some(vec![vec![leaf(property, operator, Some(value), exact)]])
    };
    let absent = vec![leaf(property, "NOT_HAS_PROPERTY", None, true)];
    match literal {
        Value::Null if op == Op::Eq => Some(vec![vec![leaf(
            property,
            if negated { "HAS_PROPERTY" } else { "NOT_HAS_PROPERTY" },
            None,
            true,
        )]]),
        Value::Bool(value) if op == Op::Eq => {
            let equal = leaf(property, if negated { "NEQ" } else { "EQ" }, Some(value.to_string()), true);
            Some(if negated { vec![vec![equal], absent] } else { vec![vec![equal]] })
        }
        Value::Number(number) => ordered(property, op, number.to_string(), negated, &absent),
        Value::String(text) => match (op, negated) {
            (Op::Eq, false) if !text.is_empty() => one("EQ", text.clone(), false),
            (Op::Co, false) if is_word(text) => one("CONTAINS_TOKEN", format!("*{text}*"), false),
            (Op::Sw, false) if is_word(text) => one("CONTAINS_TOKEN", format!("{text}*"), false),
            (Op::Lt | Op::Le | Op::Gt | Op::Ge, _) => {
                let at: Timestamp = text.parse().ok()?;
                ordered(property, op, at.as_millisecond().to_string(), negated, &absent)
            }
            // `not equal` in HubSpot also leaves out texts that differ in case only; they could not be won back here.
            _ => None,
        },
        _ => None,
    }
}

/// Numbers and times. What has no value is not less and not greater, so `not less` includes it.
fn ordered(property: &str, op: Op, value: String, negated: bool, absent: &[Leaf]) -> Option<Vec<Vec<Leaf>>> {
    let operator = match (op, negated) {
        (Op::Eq, false) => "EQ",
        (Op::Eq, true) => "NEQ",
        (Op::Lt, false) | (Op::Ge, true) => "LT",
        (Op::Le, false) | (Op::Gt, true) => "LTE",
        (Op::Gt, false) | (Op::Le, true) => "GT",
        (Op::Ge, false) | (Op::Lt, true) => "GTE",
        (Op::Co | Op::Sw, _) => return None,
    };
    let compared = vec![leaf(property, operator, Some(value), true)];
    Some(if negated { vec![compared, absent.to_vec()] } else { vec![compared] })
}

/// Whether HubSpot sees the text as one token, so that a pattern around it lets everything through that it should.
fn is_word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(char::is_alphanumeric)
}

/// A filter that is evaluated here.
#[derive(Debug)]
pub(super) struct LocalCheck {
    object_type: ObjectType,
    filter: Filter,
    attributes: Vec<String>,
}

impl LocalCheck {
    pub fn new(object_type: ObjectType, filter: &Filter) -> Self {
        let mut attributes: Vec<String> = Vec::new();
        for pointer in filter.pointers() {
            if let Some(head) = pointer.head()
                && !attributes.iter().any(|a| a == head)
            {
                attributes.push(head.to_owned());
            }
        }
        Self { object_type, filter: comparable_filter(object_type, filter), attributes }
    }

    /// The attributes that the filter reads.
    pub fn attributes(&self) -> &[String] {
        &self.attributes
    }

    /// Whether it is the recycle bin that has to be listed.
    pub fn archived(&self) -> bool {
        wants_archived(&self.filter)
    }

    pub fn matches(&self, object: &RemoteObject) -> bool {
        let mut document = Attributes::new();
        for attribute in &self.attributes {
            if let Some(value) = object.attributes.get(attribute) {
                document.insert(attribute.clone(), comparable(self.object_type, attribute, value));
            }
        }
        self.filter.matches(&Value::Object(document))
    }
}

fn comparable_filter(object_type: ObjectType, filter: &Filter) -> Filter {
    let all = |parts: &[Filter]| parts.iter().map(|p| comparable_filter(object_type, p)).collect();
    match filter {
        Filter::And(parts) => Filter::And(all(parts)),
        Filter::Or(parts) => Filter::Or(all(parts)),
        Filter::Not(part) => Filter::Not(Box::new(comparable_filter(object_type, part))),
        Filter::Compare(pointer, op, value) => {
            let value = match pointer.head() {
                Some(attribute) => comparable(object_type, attribute, value),
                None => value.clone(),
            };
            Filter::Compare(pointer.clone(), *op, value)
        }
        other => other.clone(),
    }
}

/// A value in the form in which texts compare rightly: e-mail addresses in lower case, times in one notation.
fn comparable(object_type: ObjectType, attribute: &str, value: &Value) -> Value {
    let Value::String(text) = value else { return value.clone() };
    if object_type.property(attribute) == object_type.natural_key() && object_type.natural_key().is_some() {
        return Value::String(text.to_lowercase());
    }
    match text.parse::<Timestamp>() {
        Ok(at) => Value::String(format!("{at:.9}")),
        Err(_) => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use model::Filter;
    use serde_json::{Value, json};

    use super::{LocalCheck, Plan};
    use crate::hubspot::ObjectType;
    use crate::port::RemoteObject;

    fn plan(text: &str) -> Value {
        match Plan::new(ObjectType::Contact, &Filter::parse(text).unwrap()) {
            Plan::Nothing => json!("nothing"),
            Plan::Everything => json!("everything"),
            Plan::Locally(check) => json!(if check.archived() { "here, archived" } else { "here" }),
            Plan::ByIds(ids, _) => json!({ "ids": ids }),
            Plan::Remotely { groups, check } => {
                let groups: Vec<Vec<String>> = groups
                    .iter()
                    .map(|g| {
                        g.iter()
                            .map(|f| {
                                let word = |key: &str| f[key].as_str().unwrap_or_default().to_owned();
                                let values: Vec<&str> = f["values"]
                                    .as_array()
                                    .into_iter()
                                    .flatten()
                                    .filter_map(Value::as_str)
                                    .collect();
                                let value = if values.is_empty() { word("value") } else { values.join(",") };
                                format!("{} {} {value}", word("propertyName"), word("operator"))
                                    .trim()
                                    .to_owned()
                            })
                            .collect()
                    })
                    .collect();
                json!({"groups": groups, "checked": check.is_some()})
            }
        }
    }

    #[test]
    fn filters_become_groups_or_stay_here() {
        for (text, expect) in [
            ("true", json!("everything")),
            ("false", json!("nothing")),
            ("false or true", json!("everything")),
            ("email eq 'A@x.org'", json!({"groups": [["email EQ A@x.org"]], "checked": true})),
            ("__NAME__ eq 'a@x.org'", json!({"groups": [["email EQ a@x.org"]], "checked": true})),
            ("__UID__ gt 5", json!({"groups": [["hs_object_id GT 5"]], "checked": false})),
            (
                "firstname sw 'An' and age ge 3",
                json!({"groups": [["firstname CONTAINS_TOKEN An*", "age GTE 3"]], "checked": true}),
            ),
            (
                "city eq 'Ulm' or city eq 'Bonn' or city eq 'Kiel' or city eq 'Jena' or city eq 'Trier' or city eq 'Mainz'",
                json!({"groups": [["city IN ulm,bonn,kiel,jena,trier,mainz"]], "checked": true}),
            ),
            (
                "phone pr and (city eq 'Ulm' or city eq 'Bonn')",
                json!({"groups": [["phone HAS_PROPERTY", "city IN ulm,bonn"]], "checked": true}),
            ),
            (
                "city eq 'Ulm' or state eq 'x'",
                json!({"groups": [["city EQ Ulm"], ["state EQ x"]], "checked": true}),
            ),
            ("_id eq '5' or __UID__ eq '7'", json!({"ids": ["5", "7"]})),
            ("phone pr and hs_object_id eq 9", json!({"ids": ["9"]})),
            (
                "_id eq '5' or phone pr",
                json!({"groups": [["hs_object_id EQ 5"], ["phone HAS_PROPERTY"]], "checked": true}),
            ),
            ("__ARCHIVED__ eq true and phone pr", json!("here, archived")),
            ("!(__ARCHIVED__ eq true)", json!("here")),
            ("__COMPANIES__ eq '9'", json!("here")),
            ("firstname co 'nn'", json!({"groups": [["firstname CONTAINS_TOKEN *nn*"]], "checked": true})),
            ("firstname co 'a b'", json!("here")),
            ("phone pr", json!({"groups": [["phone HAS_PROPERTY"]], "checked": false})),
            ("!(phone pr)", json!({"groups": [["phone NOT_HAS_PROPERTY"]], "checked": false})),
            ("phone eq null", json!({"groups": [["phone NOT_HAS_PROPERTY"]], "checked": false})),
            ("!(age lt 3)", json!({"groups": [["age GTE 3"], ["age NOT_HAS_PROPERTY"]], "checked": false})),
            ("!(city eq 'Berlin')", json!("here")),
            ("city gt 'm'", json!("here")),
            ("a/b eq 'c'", json!("here")),
            (
                "lastmodifieddate ge '2026-01-01T00:00:00Z'",
                json!({"groups": [["lastmodifieddate GTE 1767225600000"]], "checked": false}),
            ),
            (
                "(a eq 1 or b eq 2) and (c eq 3 or d eq 4)",
                json!({"groups": [["a EQ 1", "c EQ 3"], ["a EQ 1", "d EQ 4"], ["b EQ 2", "c EQ 3"], ["b EQ 2", "d EQ 4"]], "checked": false}),
            ),
            (
                "!(a eq 1 or phone pr)",
                json!({"groups": [["a NEQ 1", "phone NOT_HAS_PROPERTY"], ["a NOT_HAS_PROPERTY", "phone NOT_HAS_PROPERTY"]], "checked": false}),
            ),
            ("a pr or b pr or c pr or d pr or e pr or f pr", json!("here")),
            ("a pr and b pr and c pr and d pr and e pr and f pr", json!("here")),
        ] {
            assert_eq!(plan(text), expect, "{text}");
        }
    }

    #[test]
    fn local_checks_compare_addresses_without_case_and_times_as_times() {
        let attributes = json!({"email": "ann@x.org", "__NAME__": "ann@x.org", "city": "Berlin", "createdate": "2026-01-01T00:00:00.123Z", "_id": "7"});
        let object = RemoteObject { uid: "7".into(), attributes: attributes.as_object().unwrap().clone() };
        for (text, expect) in [
            ("email eq 'ANN@X.ORG'", true),
            ("__NAME__ eq 'Ann@x.org'", true),
            ("city eq 'berlin'", false),
            ("createdate gt '2026-01-01T00:00:00Z'", true),
            ("createdate le '2026-01-01T01:00:00.123+01:00'", true),
            ("_id eq '7'", true),
            ("absent pr", false),
        ] {
            let check = LocalCheck::new(ObjectType::Contact, &Filter::parse(text).unwrap());
            assert_eq!(check.matches(&object), expect, "{text}");
        }
    }
}
