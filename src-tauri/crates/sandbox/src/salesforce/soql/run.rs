//! Finding the records that a plan means.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashSet};
use std::ops::Bound;

use serde_json::{Map, Value, json};

use super::super::catalogue::ObjectType;
use super::super::field::Origin;
use super::super::id::{number, prefix};
use super::super::record::{Cell, Record};
use super::super::tables::{Table, Tables};
use super::super::time;
use super::parser::Compare;
use super::plan::{Filter, Function, Order, Output, Path, Plan, Start, Test, like};

/// The numbers of the records, in the order asked for, with limit and offset applied. `deleted` looks into the recycle
/// bin as well.
pub(crate) fn find(tables: &Tables, plan: &Plan, deleted: bool) -> Vec<u64> {
    let table = tables.table(plan.object);
    let fits = |record: &&Record| {
        plan.filter.as_ref().is_none_or(|filter| holds(tables, (plan.object, record), filter))
    };
    let limit = plan.limit.unwrap_or(usize::MAX);
    let wanted = limit.saturating_add(plan.offset);
    let descending = by_id(&plan.order);
    // Without an order of its own a query comes in the order of the ids, and may stop at its limit.
    let early = if descending.is_some() { wanted } else { usize::MAX };
    let mut found: Vec<&Record> = match plan.filter.as_ref().and_then(|filter| candidates(table, filter)) {
        Some(mut numbers) => {
            numbers.sort_unstable();
            numbers.dedup();
            let records = numbers.iter().filter_map(|number| {
                let bin = || deleted.then(|| table.bin.get(number)).flatten();
                table.live.get(number).or_else(bin)
            });
            let mut records: Vec<_> = records.filter(fits).collect();
            if descending == Some(true) {
                records.reverse();
            }
            records.truncate(early);
            records
        }
        None => {
            let range = plan
                .filter
                .as_ref()
                .map_or((Bound::Unbounded, Bound::Unbounded), |filter| bounds(plan.object, filter));
            if empty(&range) {
                Vec::new()
            } else if deleted {
                let mut records: Vec<_> = table.live.range(range).chain(table.bin.range(range)).collect();
                records.sort_unstable_by_key(|(number, _)| **number);
                let records = records.into_iter().map(|(_, record)| record);
                let mut records: Vec<_> = records.filter(fits).collect();
                if descending == Some(true) {
                    records.reverse();
                }
                records
            } else {
                let records = table.live.range(range).map(|(_, record)| record);
                match descending {
                    Some(true) => records.rev().filter(fits).take(early).collect(),
                    _ => records.filter(fits).take(early).collect(),
                }
            }
        }
    };
    if descending.is_none() {
        sort(tables, plan, &mut found);
    }
    found.into_iter().skip(plan.offset).take(limit).map(|record| record.number).collect()
}

/// Whether the order is that of the ids, and if so whether backwards.
fn by_id(order: &[Order]) -> Option<bool> {
    match order {
        [] => Some(false),
        [first, ..] => {
            let field = first.path.field()?;
            (first.path.hops.is_empty() && field.origin == Origin::Id).then_some(first.descending)
        }
    }
}

/// The few records that can fit at all, when a unique field or the id names them.
fn candidates(table: &Table, filter: &Filter) -> Option<Vec<u64>> {
    match filter {
        Filter::All(parts) => parts.iter().find_map(|part| candidates(table, part)),
        Filter::Any(parts) => match parts.as_slice() {
            [only] => candidates(table, only),
            _ => None,
        },
        Filter::Not(_) => None,
        Filter::Test(path, test) => {
            let field = path.field().filter(|_| path.hops.is_empty())?;
            let texts: Vec<&str> = match test {
                Test::Text(Compare::Equal, text) | Test::Id(Compare::Equal, text) => vec![text.as_str()],
                Test::OneOf(texts) => texts.iter().map(String::as_str).collect(),
                _ => return None,
            };
            if field.origin == Origin::Id {
                let own = texts.into_iter().filter(|id| prefix(id) == table.object.prefix);
                Some(own.filter_map(number).collect())
            } else if field.enforced_unique && table.bin.is_empty() {
                Some(texts.into_iter().filter_map(|text| table.holder(path.end, text)).collect())
            } else {
                None
            }
        }
    }
}

type Range = (Bound<u64>, Bound<u64>);

fn empty(range: &Range) -> bool {
    match range {
        (Bound::Included(from), Bound::Included(to)) => from > to,
        (Bound::Included(from) | Bound::Excluded(from), Bound::Included(to) | Bound::Excluded(to)) => {
            from >= to
        }
        _ => false,
    }
}

/// The range of ids that a filter leaves open.
fn bounds(object: &ObjectType, filter: &Filter) -> Range {
    match filter {
        Filter::All(parts) => parts
            .iter()
            .map(|part| bounds(object, part))
            .fold((Bound::Unbounded, Bound::Unbounded), |(from, to), (next_from, next_to)| {
                (higher(from, next_from), lower(to, next_to))
            }),
        Filter::Test(path, Test::Id(by, id))
            if path.hops.is_empty() && path.field().is_some_and(|field| field.origin == Origin::Id) =>
        {
            let Some(number) = number(id).filter(|_| prefix(id) == object.prefix) else {
                return (Bound::Unbounded, Bound::Unbounded);
            };
            match by {
                Compare::Greater => (Bound::Excluded(number), Bound::Unbounded),
                Compare::GreaterOrEqual => (Bound::Included(number), Bound::Unbounded),
                Compare::Less => (Bound::Unbounded, Bound::Excluded(number)),
                Compare::LessOrEqual => (Bound::Unbounded, Bound::Included(number)),
                Compare::Equal | Compare::NotEqual | Compare::Like => (Bound::Unbounded, Bound::Unbounded),
            }
        }
        _ => (Bound::Unbounded, Bound::Unbounded),
    }
}

/// Bounds as `(number, excluded)`; at the same number the one that excludes it is the narrower.
fn place(bound: Bound<u64>) -> Option<(u64, bool)> {
    match bound {
        Bound::Unbounded => None,
        Bound::Included(at) => Some((at, false)),
        Bound::Excluded(at) => Some((at, true)),
    }
}

fn higher(one: Bound<u64>, two: Bound<u64>) -> Bound<u64> {
    if place(two) > place(one) { two } else { one }
}

fn lower(one: Bound<u64>, two: Bound<u64>) -> Bound<u64> {
    match (place(one), place(two)) {
        (None, _) => two,
        (_, None) => one,
        (Some((at, excluded)), Some((other, other_excluded))) => {
            if (other, !other_excluded) < (at, !excluded) { two } else { one }
        }
    }
}

/// Follows a path; the record at its end may be of another type than planned, such as a queue that owns a lead.
pub(crate) fn cell<'a>(tables: &'a Tables, start: Start<'a>, path: &Path) -> Cell<'a> {
    let (mut object, mut record) = start;
    for (hop, _) in &path.hops {
        let next = object.at(*hop).and_then(|field| match record.cell(object, *hop, field) {
            Cell::Id(id) => tables.by_id(&id),
            _ => None,
        });
        match next {
            Some(next) => (object, record) = next,
            None => return Cell::Null,
        }
    }
    let end = if object.index == path.object.index {
        object.at(path.end).map(|field| (path.end, field))
    } else {
        path.field().and_then(|field| object.field(field.name))
    };
    end.map_or(Cell::Null, |(id, field)| record.cell(object, id, field))
}

fn holds(tables: &Tables, start: Start<'_>, filter: &Filter) -> bool {
    match filter {
        Filter::All(parts) => parts.iter().all(|part| holds(tables, start, part)),
        Filter::Any(parts) => parts.iter().any(|part| holds(tables, start, part)),
        Filter::Not(inner) => !holds(tables, start, inner),
        Filter::Test(path, test) => passes(&cell(tables, start, path), test),
    }
}

fn passes(cell: &Cell<'_>, test: &Test) -> bool {
    match (cell, test) {
        (Cell::Null, Test::Null) => true,
        (Cell::Flag(flag), Test::Flag(wanted)) => flag == wanted,
        (Cell::Text(text), Test::Text(by, wanted)) => compare(*by, text.to_lowercase().as_str().cmp(wanted)),
        (Cell::Text(text), Test::Like(pieces)) => like(pieces, &text.to_lowercase()),
        (Cell::Text(text), Test::OneOf(wanted)) => wanted.contains(&text.to_lowercase()),
        (Cell::Id(id), Test::Id(by, wanted)) => compare(*by, id.as_ref().cmp(wanted)),
        (Cell::Id(id), Test::OneOf(wanted)) => wanted.contains(id.as_ref()),
        (Cell::Number(text), Test::Number(by, wanted)) => {
            text.parse::<f64>().is_ok_and(|number| compare(*by, number.total_cmp(wanted)))
        }
        (Cell::Time(at), Test::Time(by, from, to)) => within(*by, *at, *from, *to),
        (Cell::Day(day), Test::Time(by, from, to)) => {
            time::parse_day(day).is_some_and(|at| within(*by, at, *from, *to))
        }
        _ => false,
    }
}

/// `NotEqual` never comes here: the planner turns it into the opposite of `Equal`, so that nulls are unequal.
fn compare(by: Compare, ordering: Ordering) -> bool {
    match by {
        Compare::Less => ordering.is_lt(),
        Compare::LessOrEqual => ordering.is_le(),
        Compare::Greater => ordering.is_gt(),
        Compare::GreaterOrEqual => ordering.is_ge(),
        Compare::Equal | Compare::NotEqual | Compare::Like => ordering.is_eq(),
    }
}

fn within(by: Compare, at: i64, from: i64, to: i64) -> bool {
    match by {
        Compare::Less => at < from,
        Compare::LessOrEqual => at < to,
        Compare::Greater => at >= to,
        Compare::GreaterOrEqual => at >= from,
        Compare::Equal | Compare::NotEqual | Compare::Like => (from..to).contains(&at),
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Key {
    Null,
    Text(String),
    Number(f64),
    Whole(i64),
}

fn key(cell: &Cell<'_>) -> Key {
    match cell {
        Cell::Null | Cell::Address(_) => Key::Null,
        Cell::Text(text) => Key::Text(text.to_lowercase()),
        Cell::Id(id) => Key::Text(id.clone().into_owned()),
        Cell::Day(day) => Key::Text((*day).to_owned()),
        Cell::Flag(flag) => Key::Whole(i64::from(*flag)),
        Cell::Number(text) => Key::Number(text.parse().unwrap_or_default()),
        Cell::Time(at) => Key::Whole(*at),
    }
}

fn rank(one: &Key, two: &Key) -> Ordering {
    match (one, two) {
        (Key::Text(one), Key::Text(two)) => one.cmp(two),
        (Key::Number(one), Key::Number(two)) => one.total_cmp(two),
        (Key::Whole(one), Key::Whole(two)) => one.cmp(two),
        _ => Ordering::Equal,
    }
}

fn sort(tables: &Tables, plan: &Plan, found: &mut Vec<&Record>) {
    let mut keyed: Vec<(Vec<Key>, &Record)> = found
        .drain(..)
        .map(|record| {
            let start = (plan.object, record);
            (plan.order.iter().map(|order| key(&cell(tables, start, &order.path))).collect(), record)
        })
        .collect();
    keyed.sort_by(|(one, first), (two, second)| {
        let ranks = one.iter().zip(two).zip(&plan.order).map(|((one, two), order)| {
            match (one == &Key::Null, two == &Key::Null) {
                (true, true) => Ordering::Equal,
                (true, false) => {
                    if order.nulls_last {
                        Ordering::Greater
                    } else {
                        Ordering::Less
                    }
                }
                (false, true) => {
                    if order.nulls_last {
                        Ordering::Less
                    } else {
                        Ordering::Greater
                    }
                }
                (false, false) if order.descending => rank(two, one),
                (false, false) => rank(one, two),
            }
        });
        ranks.fold(Ordering::Equal, Ordering::then).then(first.number.cmp(&second.number))
    });
    found.extend(keyed.into_iter().map(|(_, record)| record));
}

/// The values of one column, for a semi-join.
pub(crate) fn values(tables: &Tables, plan: &Plan, column: &Path) -> HashSet<String> {
    let table = tables.table(plan.object);
    find(tables, plan, false)
        .iter()
        .filter_map(|number| table.live.get(number))
        .filter_map(|record| match cell(tables, (plan.object, record), column) {
            Cell::Id(id) => Some(id.into_owned()),
            Cell::Text(text) => Some(text.to_lowercase()),
            _ => None,
        })
        .collect()
}

fn as_json(cell: &Cell<'_>) -> Value {
    match cell {
        Cell::Null | Cell::Address(_) => Value::Null,
        Cell::Text(text) | Cell::Id(text) => Value::from(text.as_ref()),
        Cell::Day(day) => Value::from(*day),
        Cell::Flag(flag) => Value::from(*flag),
        Cell::Number(text) => text.parse::<f64>().map_or(Value::Null, Value::from),
        Cell::Time(at) => Value::from(time::stamp(*at)),
    }
}

/// The rows of an aggregate query.
pub(crate) fn aggregate(tables: &Tables, plan: &Plan, deleted: bool) -> Vec<Value> {
    let Output::Groups(columns) = &plan.output else { return Vec::new() };
    let all = Plan { order: Vec::new(), limit: None, offset: 0, ..plan.clone() };
    let table = tables.table(plan.object);
    let mut groups: BTreeMap<String, Vec<&Record>> = BTreeMap::new();
    for number in find(tables, &all, deleted) {
        let Some(record) = table.live.get(&number).or_else(|| table.bin.get(&number)) else { continue };
        let keys: Vec<Value> =
            plan.group.iter().map(|path| as_json(&cell(tables, (plan.object, record), path))).collect();
        groups.entry(Value::from(keys).to_string()).or_default().push(record);
    }
    if plan.group.is_empty() && groups.is_empty() {
        groups.insert(String::new(), Vec::new());
    }
    groups
        .into_values()
        .skip(plan.offset)
        .take(plan.limit.unwrap_or(usize::MAX))
        .map(|records| {
            let mut row = Map::new();
            row.insert("attributes".into(), json!({"type": "AggregateResult"}));
            for (name, function, path) in columns {
                let cells = records.iter().filter_map(|record| {
                    let found = cell(tables, (plan.object, record), path.as_ref()?);
                    (found != Cell::Null).then_some(found)
                });
                row.insert(name.clone(), reduce(*function, cells.collect()));
            }
            Value::Object(row)
        })
        .collect()
}

fn reduce(function: Option<Function>, cells: Vec<Cell<'_>>) -> Value {
    let numbers = || cells.iter().filter_map(|cell| as_json(cell).as_f64());
    let by_rank = |one: &&Cell<'_>, two: &&Cell<'_>| rank(&key(one), &key(two));
    match function {
        None => cells.first().map_or(Value::Null, as_json),
        Some(Function::Count) => cells.len().into(),
        Some(Function::CountDistinct) => {
            cells.iter().map(|cell| as_json(cell).to_string()).collect::<HashSet<_>>().len().into()
        }
        Some(Function::Min) => cells.iter().min_by(by_rank).map_or(Value::Null, as_json),
        Some(Function::Max) => cells.iter().max_by(by_rank).map_or(Value::Null, as_json),
        Some(Function::Sum) => numbers().sum::<f64>().into(),
        Some(Function::Average) if cells.is_empty() => Value::Null,
        Some(Function::Average) => {
            let (sum, count) = numbers().fold((0.0, 0.0), |(sum, count), next| (sum + next, count + 1.0));
            Value::from(sum / count)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_narrow() {
        let (five, six) = (Bound::Included(5), Bound::Excluded(5));
        assert_eq!(higher(five, six), Bound::Excluded(5));
        assert_eq!(higher(Bound::Unbounded, five), five);
        assert_eq!(lower(five, six), Bound::Excluded(5));
        assert_eq!(lower(Bound::Included(9), five), five);
        assert_eq!(lower(Bound::Unbounded, five), five);
        assert!(empty(&(Bound::Excluded(5), Bound::Included(5))));
        assert!(!empty(&(Bound::Included(5), Bound::Included(5))));
    }
}
