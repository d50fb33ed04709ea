//! A query made sure: every name is a field, every literal has its field's type.

use std::collections::HashSet;

use super::super::catalogue::{FieldId, ObjectType, find};
use super::super::field::{Field, Kind};
use super::super::id::normal;
use super::super::problem::Problem;
use super::super::record::Record;
use super::super::tables::Tables;
use super::super::time::{self, DAY, midnight};
use super::parser::{Compare, Condition, Item, Literal, Name, Query};
use super::refuse;
use super::run;

/// The way from a record to a value: reference fields to follow, then a field.
#[derive(Clone, Debug)]
pub(crate) struct Path {
    pub hops: Vec<(FieldId, &'static ObjectType)>,
    /// The object type at the end of the way.
    pub object: &'static ObjectType,
    pub end: FieldId,
    /// The field's name with its relationships: `Profile.Name`.
    pub name: String,
}

impl Path {
    pub(crate) fn field(&self) -> Option<&'static Field> {
        self.object.at(self.end)
    }
}

/// What a query asks of one value. Texts are in lower case.
#[derive(Clone, Debug)]
pub(crate) enum Test {
    Null,
    Flag(bool),
    Text(Compare, String),
    /// Pieces between `%`; `None` stands for one character of any kind.
    Like(Vec<Vec<Option<char>>>),
    Number(Compare, f64),
    /// From the first millisecond to the one after the last.
    Time(Compare, i64, i64),
    Id(Compare, String),
    OneOf(HashSet<String>),
}

#[derive(Clone, Debug)]
pub(crate) enum Filter {
    All(Vec<Filter>),
    Any(Vec<Filter>),
    Not(Box<Filter>),
    Test(Path, Test),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Function {
    Count,
    CountDistinct,
    Min,
    Max,
    Sum,
    Average,
}

#[derive(Clone, Debug)]
pub(crate) enum Output {
    /// `SELECT COUNT()`: only how many.
    Count,
    Rows(Vec<Path>),
    /// Columns in the order asked for: a grouping field, or a function of a field.
    Groups(Vec<(String, Option<Function>, Option<Path>)>),
}

#[derive(Clone, Debug)]
pub(crate) struct Order {
    pub path: Path,
    pub descending: bool,
    pub nulls_last: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub object: &'static ObjectType,
    pub output: Output,
    pub filter: Option<Filter>,
    pub group: Vec<Path>,
    pub order: Vec<Order>,
    pub limit: Option<usize>,
    pub offset: usize,
}

/// Salesforce's bound on relationships in one path.
const FARTHEST: usize = 5;

struct Planner<'a> {
    tables: &'a Tables,
    soql: &'a str,
    now: i64,
    object: &'static ObjectType,
    alias: Option<&'a str>,
}

pub(crate) fn plan(tables: &Tables, soql: &str, query: &Query, now: i64) -> Result<Plan, Problem> {
    let from = query.from.clone().unwrap_or(Name { text: String::new(), at: 0 });
    let object = find(&from.text).ok_or_else(|| {
        let message = format!(
            "sObject type '{}' is not supported. If you are attempting to use a custom object, be sure to append the \
             '__c' after the entity name. Please reference your WSDL or the describe call for the appropriate names.",
            from.text
        );
        refuse("INVALID_TYPE", soql, from.at, &message)
    })?;
    let planner = Planner { tables, soql, now, object, alias: query.alias.as_deref() };
    let group = query.group.iter().map(|name| planner.path(name)).collect::<Result<Vec<_>, _>>()?;
    let output = planner.output(query, &group)?;
    let filter = query.condition.as_ref().map(|condition| planner.filter(condition)).transpose()?;
    let order = query
        .order
        .iter()
        .map(|order| {
            let path = planner.filterable(&order.field, "sorted")?;
            Ok(Order { path, descending: order.descending, nulls_last: order.nulls_last })
        })
        .collect::<Result<Vec<_>, Problem>>()?;
    Ok(Plan { object, output, filter, group, order, limit: query.limit, offset: query.offset })
}

impl Planner<'_> {
    fn malformed(&self, at: usize, message: &str) -> Problem {
        refuse("MALFORMED_QUERY", self.soql, at, message)
    }

    fn output(&self, query: &Query, group: &[Path]) -> Result<Output, Problem> {
        if let [Item::Aggregate { function, field: None, .. }] = query.items.as_slice()
            && function.text.eq_ignore_ascii_case("COUNT")
        {
            return Ok(Output::Count);
        }
        let aggregated =
            !group.is_empty() || query.items.iter().any(|item| matches!(item, Item::Aggregate { .. }));
        let mut columns = Vec::new();
        let mut paths: Vec<Path> = Vec::new();
        for item in &query.items {
            match item {
                Item::Field(name) => {
                    let path = self.path(name)?;
                    if aggregated {
                        if !group.iter().any(|grouped| grouped.name == path.name) {
                            let message = format!("Field must be grouped or aggregated: {}", name.text);
                            return Err(self.malformed(name.at, &message));
                        }
                        columns.push((path.name.clone(), None, Some(path)));
                    } else if paths.iter().any(|known| known.name == path.name) {
                        let message = format!("duplicate field selected: {}", name.text);
                        return Err(refuse("INVALID_FIELD", self.soql, name.at, &message));
                    } else {
                        paths.push(path);
                    }
                }
                Item::Fields(which) => self.all_fields(query, which, &mut paths)?,
                Item::Aggregate { function, field, alias } => {
                    let name = alias.clone().unwrap_or_else(|| format!("expr{}", columns.len()));
                    let path = field.as_ref().map(|name| self.path(name)).transpose()?;
                    columns.push((name, Some(self.function(function, path.as_ref())?), path));
                }
            }
        }
        Ok(if aggregated { Output::Groups(columns) } else { Output::Rows(paths) })
    }

    fn function(&self, name: &Name, path: Option<&Path>) -> Result<Function, Problem> {
        let function = match name.text.to_ascii_uppercase().as_str() {
            "COUNT" => Function::Count,
            "COUNT_DISTINCT" => Function::CountDistinct,
            "MIN" => Function::Min,
            "MAX" => Function::Max,
            "SUM" => Function::Sum,
            "AVG" => Function::Average,
            other => return Err(self.malformed(name.at, &format!("unexpected token: '{other}('"))),
        };
        let numeric = path.and_then(Path::field).is_some_and(|field| field.kind.is_number());
        if path.is_none() || (matches!(function, Function::Sum | Function::Average) && !numeric) {
            let message = format!("the field does not support aggregate operator {}", name.text);
            return Err(self.malformed(name.at, &message));
        }
        Ok(function)
    }

    fn all_fields(&self, query: &Query, which: &Name, paths: &mut Vec<Path>) -> Result<(), Problem> {
        let (standard, custom) = match which.text.to_ascii_uppercase().as_str() {
            "ALL" => (true, true),
            "STANDARD" => (true, false),
            "CUSTOM" => (false, true),
            _ => return Err(self.malformed(which.at, "FIELDS takes ALL, STANDARD or CUSTOM")),
        };
        if custom && query.limit.is_none_or(|limit| limit > 200) {
            return Err(self.malformed(which.at, "The SOQL FIELDS function must have a LIMIT of at most 200"));
        }
        let fields = self.object.all().filter(|(_, field)| if field.custom() { custom } else { standard });
        paths.extend(fields.map(|(end, field)| Path {
            hops: Vec::new(),
            object: self.object,
            end,
            name: field.name.to_owned(),
        }));
        Ok(())
    }

    fn path(&self, name: &Name) -> Result<Path, Problem> {
        let mut parts: Vec<&str> = name.text.split('.').collect();
        if parts.len() > 1
            && parts.first().is_some_and(|first| {
                self.alias.is_some_and(|alias| alias.eq_ignore_ascii_case(first))
                    || (first.eq_ignore_ascii_case(self.object.name) && self.object.relation(first).is_none())
            })
        {
            parts.remove(0);
        }
        let last = parts.pop().unwrap_or_default();
        let mut object = self.object;
        let mut hops = Vec::new();
        let mut spelt = String::new();
        for part in parts {
            let Some((id, field)) = object.relation(part) else {
                let message = format!("Didn't understand relationship '{part}' in field path.");
                return Err(refuse("INVALID_FIELD", self.soql, name.at, &message));
            };
            // Owners and the like may be of several types; users are the ones with fields worth asking for.
            let target = field.refers.iter().find(|name| **name == "User").or(field.refers.first());
            let Some(target) = target.and_then(|name| find(name)) else {
                return Err(self.malformed(name.at, "the relationship leads nowhere"));
            };
            spelt.push_str(field.relationship);
            spelt.push('.');
            hops.push((id, target));
            object = target;
        }
        if hops.len() > FARTHEST {
            return Err(self.malformed(name.at, "a path may follow five relationships at most"));
        }
        let Some((end, field)) = object.field(last) else {
            let message = format!(
                "No such column '{last}' on entity '{}'. If you are attempting to use a custom field, be sure to append \
                 the '__c' after the custom field name. Please reference your WSDL or the describe call for the \
                 appropriate names.",
                object.name
            );
            return Err(refuse("INVALID_FIELD", self.soql, name.at, &message));
        };
        spelt.push_str(field.name);
        Ok(Path { hops, object, end, name: spelt })
    }

    fn filterable(&self, name: &Name, verb: &str) -> Result<Path, Problem> {
        let path = self.path(name)?;
        if path.field().is_some_and(|field| !field.filterable()) {
            let message = format!("field '{}' can not be {verb} in a query call", name.text);
            return Err(refuse("INVALID_FIELD", self.soql, name.at, &message));
        }
        Ok(path)
    }

    fn filter(&self, condition: &Condition) -> Result<Filter, Problem> {
        Ok(match condition {
            Condition::All(parts) => {
                Filter::All(parts.iter().map(|part| self.filter(part)).collect::<Result<_, _>>()?)
            }
            Condition::Any(parts) => {
                Filter::Any(parts.iter().map(|part| self.filter(part)).collect::<Result<_, _>>()?)
            }
            Condition::Not(inner) => Filter::Not(Box::new(self.filter(inner)?)),
            Condition::Compare { field, by, value } => {
                let path = self.filterable(field, "filtered")?;
                let test = self.test(field, &path, *by, value)?;
                let filter = Filter::Test(path, test);
                if *by == Compare::NotEqual { Filter::Not(Box::new(filter)) } else { filter }
            }
            Condition::In { field, not, values } => {
                let path = self.filterable(field, "filtered")?;
                let filter = self.one_of(field, &path, values)?;
                if *not { Filter::Not(Box::new(filter)) } else { filter }
            }
            Condition::InQuery { field, not, query } => {
                let path = self.filterable(field, "filtered")?;
                let inner = plan(self.tables, self.soql, query, self.now)?;
                let values = match &inner.output {
                    Output::Rows(columns) => match columns.as_slice() {
                        [column] => run::values(self.tables, &inner, column),
                        _ => return Err(self.malformed(field.at, "a semi-join selects one field")),
                    },
                    _ => return Err(self.malformed(field.at, "a semi-join selects one field")),
                };
                let filter = Filter::Test(path, Test::OneOf(values));
                if *not { Filter::Not(Box::new(filter)) } else { filter }
            }
        })
    }

    fn one_of(&self, name: &Name, path: &Path, values: &[Literal]) -> Result<Filter, Problem> {
        let tests = values
            .iter()
            .map(|value| self.test(name, path, Compare::Equal, value))
            .collect::<Result<Vec<_>, _>>()?;
        let mut set = HashSet::new();
        let mut others = Vec::new();
        for test in tests {
            match test {
                Test::Text(_, text) | Test::Id(_, text) => {
                    set.insert(text);
                }
                other => others.push(Filter::Test(path.clone(), other)),
            }
        }
        if !set.is_empty() {
            others.push(Filter::Test(path.clone(), Test::OneOf(set)));
        }
        Ok(Filter::Any(others))
    }

    fn test(&self, name: &Name, path: &Path, by: Compare, value: &Literal) -> Result<Test, Problem> {
        let Some(field) = path.field() else { return Err(self.malformed(name.at, "unknown field")) };
        let wrong = |quotes: &str| {
            let message = format!(
                "value of filter criterion for field '{}' must be of type {} and {quotes} be enclosed in quotes",
                name.text,
                match field.kind {
                    Kind::DateTime => "dateTime",
                    kind if kind.is_text() => "string",
                    kind => kind.wire(),
                }
            );
            refuse("INVALID_FIELD", self.soql, name.at, &message)
        };
        let operator = || {
            refuse(
                "INVALID_QUERY_FILTER_OPERATOR",
                self.soql,
                name.at,
                &format!("invalid operator on {} field", field.kind.wire()),
            )
        };
        let ordered = !matches!(by, Compare::Equal | Compare::NotEqual);
        if by == Compare::Like && !(field.kind.is_text()) {
            return Err(operator());
        }
        if matches!(value, Literal::Null) {
            return if ordered { Err(operator()) } else { Ok(Test::Null) };
        }
        match field.kind {
            Kind::Flag => match value {
                Literal::Flag(_) if ordered => Err(operator()),
                Literal::Flag(flag) => Ok(Test::Flag(*flag)),
                _ => Err(wrong("should not")),
            },
            Kind::Id | Kind::Reference => match value {
                Literal::Text(text) if text.is_empty() && !ordered => Ok(Test::Null),
                // A bound need not be an id, it only has to sort like one.
                Literal::Text(text) if ordered => {
                    Ok(Test::Id(by, normal(text).unwrap_or_else(|| text.clone())))
                }
                Literal::Text(text) => match normal(text) {
                    Some(id) => Ok(Test::Id(by, id)),
                    None => Err(refuse(
                        "INVALID_QUERY_FILTER_OPERATOR",
                        self.soql,
                        name.at,
                        &format!("invalid ID field: {text}"),
                    )),
                },
                _ => Err(wrong("should")),
            },
            Kind::Int | Kind::Double | Kind::Currency => match value {
                Literal::Number(number) => Ok(Test::Number(by, number.parse().unwrap_or_default())),
                _ => Err(wrong("should not")),
            },
            Kind::Date => match value {
                Literal::Bare(word) => {
                    let day = time::parse_day(word).map(|day| (day, day + DAY));
                    let (from, to) =
                        day.or_else(|| named_day(word, self.now)).ok_or_else(|| wrong("should not"))?;
                    Ok(Test::Time(by, from, to))
                }
                _ => Err(wrong("should not")),
            },
            Kind::DateTime => match value {
                Literal::Bare(word) => {
                    let instant = time::parse(word).map(|at| (at, at + 1));
                    let (from, to) =
                        instant.or_else(|| named_day(word, self.now)).ok_or_else(|| wrong("should not"))?;
                    Ok(Test::Time(by, from, to))
                }
                _ => Err(wrong("should not")),
            },
            Kind::Text
            | Kind::TextArea
            | Kind::Email
            | Kind::Phone
            | Kind::Url
            | Kind::Picklist
            | Kind::Address => match value {
                Literal::Text(text) if by == Compare::Like => Ok(Test::Like(pattern(text))),
                // Outside LIKE the escapes of its wildcards are no escapes.
                Literal::Text(text) if text.is_empty() && !ordered => Ok(Test::Null),
                Literal::Text(text) => Ok(Test::Text(by, text.to_lowercase())),
                _ => Err(wrong("should")),
            },
        }
    }
}

/// `TODAY`, `LAST_N_DAYS:3` and the like, in UTC.
fn named_day(word: &str, now: i64) -> Option<(i64, i64)> {
    let today = midnight(now);
    let upper = word.to_ascii_uppercase();
    Some(match upper.as_str() {
        "TODAY" => (today, today + DAY),
        "YESTERDAY" => (today - DAY, today),
        "TOMORROW" => (today + DAY, today + 2 * DAY),
        other => {
            let (name, days) = other.split_once(':')?;
            let days = days.parse::<i64>().ok().filter(|days| (1..=40_000).contains(days))?;
            match name {
                "LAST_N_DAYS" => (today - days * DAY, today + DAY),
                "NEXT_N_DAYS" => (today + DAY, today + (days + 1) * DAY),
                _ => return None,
            }
        }
    })
}

fn pattern(text: &str) -> Vec<Vec<Option<char>>> {
    let mut pieces = vec![Vec::new()];
    let lower = text.to_lowercase();
    let mut chars = lower.chars();
    while let Some(c) = chars.next() {
        let piece = match c {
            '%' => {
                pieces.push(Vec::new());
                continue;
            }
            '_' => None,
            '\\' => chars.next(),
            c => Some(c),
        };
        if let Some(last) = pieces.last_mut() {
            last.push(piece);
        }
    }
    pieces
}

/// Whether lower-case text fits the pieces of a LIKE pattern.
pub(crate) fn like(pieces: &[Vec<Option<char>>], text: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    let fits = |piece: &[Option<char>], at: usize| {
        text.get(at..at + piece.len()).is_some_and(|part| {
            part.iter().zip(piece).all(|(c, wanted)| wanted.is_none_or(|wanted| wanted == *c))
        })
    };
    let (Some(first), Some(last)) = (pieces.first(), pieces.last()) else { return text.is_empty() };
    if pieces.len() == 1 {
        return text.len() == first.len() && fits(first, 0);
    }
    if !fits(first, 0) {
        return false;
    }
    let mut at = first.len();
    let end = text.len().saturating_sub(last.len());
    for piece in pieces.iter().skip(1).take(pieces.len() - 2) {
        match (at..=end.saturating_sub(piece.len())).find(|start| fits(piece, *start)) {
            Some(start) => at = start + piece.len(),
            None => return false,
        }
    }
    at <= end && fits(last, end)
}

/// Only for records of the planned type at the start of a path.
pub(crate) type Start<'a> = (&'static ObjectType, &'a Record);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn like_patterns() {
        for (like_text, text, expected) in [
            ("a%", "anna", true),
            ("%a", "anna", true),
            ("a%a", "a", false),
            ("a%n%a", "anna", true),
            ("_nn_", "anna", true),
            ("_nn", "anna", false),
            ("%", "", true),
            (r"50\%", "50%", true),
            (r"50\%", "500", false),
            ("A%", "anna", true),
            ("%n%n%n%", "anna", false),
            ("", "", true),
        ] {
            assert_eq!(like(&pattern(like_text), text), expected, "{like_text} {text}");
        }
    }

    #[test]
    fn days() {
        let now = 1_369_082_972_000;
        let day = midnight(now);
        assert_eq!(named_day("today", now), Some((day, day + DAY)));
        assert_eq!(named_day("LAST_N_DAYS:2", now), Some((day - 2 * DAY, day + DAY)));
        assert_eq!(named_day("LAST_N_DAYS:x", now), None);
        assert_eq!(named_day("SOMEDAY", now), None);
    }
}
