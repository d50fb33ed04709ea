//! Managed objects: the people themselves.

use std::collections::BTreeSet;

use model::{Attributes, Filter, ManagedObjectConfig, filter::Op};
use rusqlite::{OptionalExtension, Row, params, params_from_iter, types::Value as Sql};
use serde_json::Value;

use crate::{
    Hash, Reader, StoreError, Text, Writer,
    columns::{Column, Columns, number_key},
    error::ErrorKind,
    filter_function::from_steps,
    limit::{one_more, rows_at_most},
    links::attributes,
    query::{Condition, condition, narrows, starts_with},
};

/// A managed object.
#[derive(Debug, Clone, PartialEq)]
pub struct Managed {
    /// `_id`: time-ordered when made here.
    pub id: String,
    /// `_rev`.
    pub rev: i64,
    /// Its attributes, without `_id` and `_rev`.
    pub attributes: Attributes,
    /// Their hash.
    pub hash: Hash,
    /// When it was made.
    pub created: String,
    /// When it last changed.
    pub updated: String,
}

/// An object to write.
#[derive(Debug, Clone, PartialEq)]
pub struct ManagedWrite<'a> {
    /// Its type's schema, which says what is searchable.
    pub config: &'a ManagedObjectConfig,
    /// `_id`.
    pub id: &'a str,
    /// All its attributes.
    pub attributes: &'a Attributes,
    /// Their hash.
    pub hash: Hash,
}

/// What to list.
#[derive(Debug, Clone, Default)]
pub struct ManagedQuery {
    /// Only these.
    pub filter: Option<Filter>,
    /// Words, each of which some searchable attribute starts with.
    pub search: Option<String>,
    /// A searchable attribute; none sorts by `_id`. Objects without a value come last in either direction.
    pub sort: Option<String>,
    /// Last first.
    pub descending: bool,
    /// The cursor of the page before.
    pub after: Option<String>,
    /// Most objects in the page.
    pub limit: usize,
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// The cursor of the next page, if there is one.
    pub next: Option<String>,
}

/// A text that a column is compared with.
struct Equal<'f> {
    column: String,
    text: &'f str,
}

impl<'f> Equal<'f> {
    /// A filter that asks for one text in one column, which is what correlation asks for.
    fn of(filter: &'f Filter, columns: &Columns) -> Option<Self> {
        let Filter::Compare(pointer, Op::Eq, Value::String(text)) = filter else { return None };
        let [attribute] = pointer.steps() else { return None };
        Some(Self { column: columns.folded(attribute)?.name(), text })
    }
}

const COLUMNS: &str = "o.id, o.rev, o.doc, o.hash, o.created, o.updated";

fn from_row(row: &Row<'_>) -> rusqlite::Result<(String, i64, String, Hash, String, String)> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?))
}

fn parse(
    (id, rev, doc, hash, created, updated): (String, i64, String, Hash, String, String),
) -> Result<Managed, StoreError> {
    let attributes =
        attributes(Some(doc)).ok_or_else(|| StoreError::damaged(format!("managed object {id}")))?;
    Ok(Managed { id, rev, attributes, hash, created, updated })
}

impl Reader<'_> {
    /// One object.
    pub fn managed(&self, kind: &str, id: &str) -> Result<Option<Managed>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM managed_object o WHERE o.type = ?1 AND o.id = ?2");
        self.connection
            .prepare_cached(&sql)?
            .query_row([kind, id], from_row)
            .optional()?
            .map(parse)
            .transpose()
    }

    /// Whether there is an object of this id.
    pub fn is_managed(&self, kind: &str, id: &str) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM managed_object WHERE type = ?1 AND id = ?2";
        Ok(self.connection.prepare_cached(sql)?.exists([kind, id])?)
    }

    /// How many objects of a type there are.
    pub fn managed_count(&self, kind: &str) -> Result<u64, StoreError> {
        let sql = "SELECT count(*) FROM managed_object WHERE type = ?1";
        Ok(self.connection.prepare_cached(sql)?.query_row([kind], |row| row.get::<_, i64>(0))?.max(0) as u64)
    }

    /// The ids of the objects that match a filter, at most `limit`.
    pub fn managed_ids(
        &self,
        config: &ManagedObjectConfig,
        filter: &Filter,
        limit: usize,
    ) -> Result<Vec<String>, StoreError> {
        let columns = self.columns(config)?;
        if let Some(equal) = Equal::of(filter, &columns) {
            return self.managed_equal(config, &equal, "", limit);
        }
        let Condition { sql, mut values } = condition(filter, columns.as_ref());
        // The index of one value gives its rows by id, and a sorter costs more than finding them. The plus keeps SQLite from
        // walking all objects in id order instead of asking the filter's index.
        let one_value = matches!(filter, Filter::Compare(_, Op::Eq, _)) && narrows(filter, columns.as_ref());
        let order = if one_value { "" } else { "ORDER BY +o.id" };
        let sql = format!("SELECT o.id FROM managed_object o WHERE {sql} AND o.type = ? {order} LIMIT ?");
        values.push(Sql::Text(config.name.clone()));
        values.push(Sql::Integer(rows_at_most(limit)));
        let mut statement = self.connection.prepare_cached(&sql)?;
        let rows = statement.query_map(params_from_iter(values), |row| row.get(0))?;
        let mut ids: Vec<String> = rows.collect::<Result<_, _>>()?;
        ids.sort_unstable();
        Ok(ids)
    }

    /// Another object of the type with the same value in an attribute, compared without case.
    pub fn managed_with_value(
        &self,
        config: &ManagedObjectConfig,
        attribute: &str,
        value: &Value,
        except: &str,
    ) -> Result<Option<String>, StoreError> {
        if let (Some(column), Value::String(text)) = (self.columns(config)?.folded(attribute), value) {
            let equal = Equal { column: column.name(), text };
            return Ok(self.managed_equal(config, &equal, except, 1)?.pop());
        }
        let filter = Filter::Compare(from_steps(&[attribute.to_owned()]), Op::Eq, value.clone());
        Ok(self.managed_ids(config, &filter, 2)?.into_iter().find(|id| id != except))
    }

    /// The first objects with this text in a column, by id, without one of them: what is asked for most, record by record, so
    /// it is asked of the column's index at once.
    fn managed_equal(
        &self,
        config: &ManagedObjectConfig,
        equal: &Equal<'_>,
        except: &str,
        limit: usize,
    ) -> Result<Vec<String>, StoreError> {
        let sql = format!(
            "SELECT o.id FROM managed_object o WHERE o.type = ?1 AND {} = ?2 AND o.id <> ?3 ORDER BY o.id LIMIT ?4",
            equal.column
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        let rows = statement
            .query_map(params![config.name, equal.text, except, rows_at_most(limit)], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Whether a filter has to look at every object, because no column narrows it down.
    pub fn managed_scans(&self, config: &ManagedObjectConfig, filter: &Filter) -> Result<bool, StoreError> {
        Ok(!narrows(filter, self.columns(config)?.as_ref()))
    }

    /// How many objects a query matches, counted up to `most`: beyond, the number is `most` and there are more.
    pub fn managed_matching_up_to(
        &self,
        config: &ManagedObjectConfig,
        query: &ManagedQuery,
        most: usize,
    ) -> Result<(u64, bool), StoreError> {
        if query.filter.is_none() && query.search.as_deref().is_none_or(|s| s.trim().is_empty()) {
            return Ok((self.managed_count(&config.name)?, true));
        }
        let Selection { from, condition: Condition { sql, mut values }, .. } =
            self.selection(config, self.columns(config)?.as_ref(), query, FEW)?;
        let sql = format!("SELECT count(*) FROM (SELECT 1 FROM {from} WHERE {sql} LIMIT ?)");
        values.push(Sql::Integer(one_more(most)));
        let count: i64 =
            self.connection.prepare_cached(&sql)?.query_row(params_from_iter(values), |row| row.get(0))?;
        let count = count.max(0) as u64;
        Ok((count.min(most as u64), count <= most as u64))
    }

    /// A page of objects.
    pub fn managed_page(
        &self,
        config: &ManagedObjectConfig,
        query: &ManagedQuery,
    ) -> Result<Page<Managed>, StoreError> {
        self.managed_page_when(config, query, FEW)
    }

    /// A page of objects, where so many matches count as few: the page is the same, the way there is not. For tests.
    #[doc(hidden)]
    pub fn managed_page_when(
        &self,
        config: &ManagedObjectConfig,
        query: &ManagedQuery,
        few: usize,
    ) -> Result<Page<Managed>, StoreError> {
        let columns = self.columns(config)?;
        let sort = query.sort.as_ref().and_then(|sort| columns.of_attribute(sort));
        let after = cursor(query)?;
        let Selection { from, condition, walks } = self.selection(config, &columns, query, few)?;
        let condition = if walks { condition.without_index() } else { condition };
        let mut rows = Vec::new();
        for stretch in stretches(sort.map(|column| column.slot), query.descending, after) {
            if rows.len() > query.limit {
                break;
            }
            let mut values = condition.values.clone();
            values.extend(stretch.values);
            values.push(Sql::Integer(one_more(query.limit).saturating_sub(rows_at_most(rows.len()))));
            let sql = format!(
                "SELECT {COLUMNS} FROM {from} WHERE {}{} ORDER BY {} LIMIT ?",
                condition.sql, stretch.condition, stretch.order
            );
            let mut statement = self.connection.prepare_cached(&sql)?;
            let found = statement.query_map(params_from_iter(values), from_row)?;
            for row in found {
                rows.push(parse(row?)?);
            }
        }
        Ok(page_of(rows, query.limit, sort))
    }
}

/// The part of a list that a glance gives, and what it knows of the whole.
#[derive(Debug, Clone, PartialEq)]
pub struct Glance {
    /// The next objects. There may be fewer than asked for, even none, and still more to come after them.
    pub page: Page<Managed>,
    /// How many match, as far as this is known.
    pub total: u64,
    /// There may be more than `total`.
    pub least: bool,
}

impl Reader<'_> {
    /// A page of objects as a screen asks for it, at a cost that does not grow with the number of objects: where no index
    /// leads to the matches, only so many objects are looked through for one page. Matches are counted up to `counted`.
    pub fn managed_glance(
        &self,
        config: &ManagedObjectConfig,
        query: &ManagedQuery,
        counted: usize,
    ) -> Result<Glance, StoreError> {
        self.managed_glance_over(config, query, counted, LOOKED_THROUGH)
    }

    /// As [`Reader::managed_glance`], looking through so many objects for a page. For tests.
    #[doc(hidden)]
    pub fn managed_glance_over(
        &self,
        config: &ManagedObjectConfig,
        query: &ManagedQuery,
        counted: usize,
        looked_through: usize,
    ) -> Result<Glance, StoreError> {
        let columns = self.columns(config)?;
        let words = query.search.as_deref().unwrap_or_default().split_whitespace().count();
        let blank = Condition { sql: "o.type = ?".into(), values: vec![Sql::Text(config.name.clone())] };
        if words == 0 && query.filter.is_none() {
            let (total, exact) = self.counted("managed_object o", &blank, counted)?;
            return Ok(Glance { page: self.managed_page(config, query)?, total, least: !exact });
        }
        let selection = self.selection_among(config, &columns, query, FEW, Effort::Bounded)?;
        if !selection.walks {
            let (total, exact) = self.counted(selection.from, &selection.condition, counted)?;
            return Ok(Glance { page: self.managed_page(config, query)?, total, least: !exact });
        }
        // One condition that an index answers is counted by it; several would each be held against what another one finds.
        let by_index = match &query.filter {
            Some(filter) => words == 0 && parts_of(filter).len() == 1 && narrows(filter, &columns),
            None => words == 1,
        };
        let total = match by_index {
            true => Some(self.counted(selection.from, &selection.condition, counted)?),
            false => None,
        };
        let condition = selection.condition.without_index();
        let page = self.stretch_by_stretch(config, &columns, query, &condition, looked_through)?;
        let found = page.rows.len() as u64;
        let (total, exact) = total.unwrap_or((found, page.next.is_none() && query.after.is_none()));
        Ok(Glance { page, total, least: !exact })
    }

    /// Walks in the list's order until there is a page, or so many objects were looked at.
    fn stretch_by_stretch(
        &self,
        config: &ManagedObjectConfig,
        columns: &Columns,
        query: &ManagedQuery,
        condition: &Condition,
        looked_through: usize,
    ) -> Result<Page<Managed>, StoreError> {
        let sort = query.sort.as_ref().and_then(|sort| columns.of_attribute(sort));
        let mut rows: Vec<Managed> = Vec::new();
        for stretch in stretches(sort.map(|column| column.slot), query.descending, cursor(query)?) {
            let end = self.end_of(config, &stretch, looked_through)?;
            let mut values = condition.values.clone();
            values.extend(stretch.values.iter().cloned());
            let upto = end.as_ref().map_or_else(String::new, |end| {
                values.extend(end.0.clone().filter(|_| stretch.value.is_some()).map(Sql::Text));
                values.push(Sql::Text(end.1.clone()));
                format!(" AND {}", stretch.upto(query.descending))
            });
            values.push(Sql::Integer(one_more(query.limit).saturating_sub(rows_at_most(rows.len()))));
            let sql = format!(
                "SELECT {COLUMNS} FROM managed_object o WHERE {}{}{upto} ORDER BY {} LIMIT ?",
                condition.sql, stretch.condition, stretch.order
            );
            let mut statement = self.connection.prepare_cached(&sql)?;
            for row in statement.query_map(params_from_iter(values), from_row)? {
                rows.push(parse(row?)?);
            }
            if rows.len() > query.limit {
                break;
            }
            if let Some((value, id)) = end {
                let next = Value::from(vec![Value::from(value), Value::from(id)]).to_string();
                return Ok(Page { rows, next: Some(next) });
            }
        }
        Ok(page_of(rows, query.limit, sort))
    }

    /// The value and the id of the object that ends so many of a stretch; none where the stretch has no more than these.
    fn end_of(
        &self,
        config: &ManagedObjectConfig,
        stretch: &Stretch,
        looked_through: usize,
    ) -> Result<Option<(Option<String>, String)>, StoreError> {
        let sql = format!(
            "SELECT {}, o.id FROM managed_object o WHERE o.type = ?{} ORDER BY {} LIMIT 1 OFFSET ?",
            stretch.value.as_deref().unwrap_or("NULL"),
            stretch.condition,
            stretch.order
        );
        let values = [Sql::Text(config.name.clone())]
            .into_iter()
            .chain(stretch.values.iter().cloned())
            .chain([Sql::Integer(rows_at_most(looked_through))]);
        Ok(self
            .connection
            .prepare_cached(&sql)?
            .query_row(params_from_iter(values), |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?)
    }

    fn counted(&self, from: &str, condition: &Condition, most: usize) -> Result<(u64, bool), StoreError> {
        let sql = format!("SELECT count(*) FROM (SELECT 1 FROM {from} WHERE {} LIMIT ?)", condition.sql);
        let values = condition.values.iter().cloned().chain([Sql::Integer(one_more(most))]);
        let count: i64 =
            self.connection.prepare_cached(&sql)?.query_row(params_from_iter(values), |row| row.get(0))?;
        let count = count.max(0) as u64;
        Ok((count.min(most as u64), count <= most as u64))
    }
}

/// Objects that are looked through for one page at most, where no index leads to the matches.
const LOOKED_THROUGH: usize = 5_000;

/// The place after which a page begins.
fn cursor(query: &ManagedQuery) -> Result<Option<(Option<String>, String)>, StoreError> {
    query
        .after
        .as_deref()
        .map(serde_json::from_str)
        .transpose()
        .map_err(|_| StoreError::new(ErrorKind::Other, "this page cursor is not one that this list gave"))
}

/// A page of rows of which there was asked for one more.
fn page_of(mut rows: Vec<Managed>, limit: usize, sort: Option<&Column>) -> Page<Managed> {
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(|last| {
        let value = sort.and_then(|column| column.text(last.attributes.get(&column.attribute)));
        Value::from(vec![Value::from(value), Value::from(last.id.clone())]).to_string()
    });
    Page { rows, next }
}

/// A part of a sorted list that one index gives in order.
struct Stretch {
    condition: String,
    values: Vec<Sql>,
    order: String,
    /// The column that it is sorted by before the id.
    value: Option<String>,
}

impl Stretch {
    /// The condition of not being beyond a place: its value, where it has one, and its id.
    fn upto(&self, descending: bool) -> String {
        let sign = if descending { ">=" } else { "<=" };
        match &self.value {
            Some(column) => format!("({column}, o.id) {sign} (?, ?)"),
            None => format!("o.id {sign} ?"),
        }
    }
}

/// The parts of a list that are still to come after a cursor: by value, then, last in either direction, the objects that
/// have none, by id.
fn stretches(slot: Option<usize>, descending: bool, after: Option<(Option<String>, String)>) -> Vec<Stretch> {
    let (sign, direction) = if descending { ("<", "DESC") } else { (">", "ASC") };
    let by_id = |only: &str, after: Option<String>| Stretch {
        condition: format!(
            "{only}{}",
            if after.is_some() { format!(" AND o.id {sign} ?") } else { String::new() }
        ),
        values: after.into_iter().map(Sql::Text).collect(),
        order: format!("o.id {direction}"),
        value: None,
    };
    let Some(slot) = slot else { return vec![by_id("", after.map(|(_, id)| id))] };
    let blank = format!(" AND o.a{slot} IS NULL");
    let mut values = Stretch {
        condition: format!(" AND o.a{slot} IS NOT NULL"),
        values: Vec::new(),
        order: format!("o.a{slot} {direction}, o.id {direction}"),
        value: Some(format!("o.a{slot}")),
    };
    match after {
        None => vec![values, by_id(&blank, None)],
        Some((None, id)) => vec![by_id(&blank, Some(id))],
        Some((Some(value), id)) => {
            values.condition.push_str(&format!(" AND (o.a{slot}, o.id) {sign} (?, ?)"));
            values.values = vec![Sql::Text(value), Sql::Text(id)];
            vec![values, by_id(&blank, None)]
        }
    }
}

/// Up to this many matches a list is the matches, sorted; beyond, it is a walk in the list's order that soon meets a page of
/// them.
const FEW: usize = 5_000;

/// How much is looked at to find out whether the matches are few.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effort {
    /// Whatever it takes: all objects, if no index leads to the matches.
    Whole,
    /// What an index leads to, and that only where it is few.
    Bounded,
}

/// The objects of a query, as SQL.
struct Selection {
    from: &'static str,
    condition: Condition,
    /// There are too many to sort.
    walks: bool,
}

impl Reader<'_> {
    fn selection(
        &self,
        config: &ManagedObjectConfig,
        columns: &Columns,
        query: &ManagedQuery,
        limit: usize,
    ) -> Result<Selection, StoreError> {
        self.selection_among(config, columns, query, limit, Effort::Whole)
    }

    fn selection_among(
        &self,
        config: &ManagedObjectConfig,
        columns: &Columns,
        query: &ManagedQuery,
        limit: usize,
        effort: Effort,
    ) -> Result<Selection, StoreError> {
        let mut condition =
            Condition { sql: "o.type = ?".into(), values: vec![Sql::Text(config.name.clone())] };
        let words = query.search.as_deref().unwrap_or_default().split_whitespace();
        let filter = match &query.filter {
            Some(filter) => {
                let (condition, fewest) = self.rarest_first(config, columns, filter, limit)?;
                let worth = effort == Effort::Whole || fewest && narrows(filter, columns);
                Some((vec![condition], worth))
            }
            None => None,
        };
        let mut few: Option<Vec<i64>> = None;
        for (any, worth) in words.map(|word| (search(word, columns), true)).chain(filter) {
            if few.is_none() && worth {
                few = self.few(config, &any, limit)?;
            }
            let never = || Condition { sql: "0".into(), values: Vec::new() };
            condition = joined(
                condition,
                "AND",
                any.into_iter().reduce(|a, b| joined(a, "OR", b)).unwrap_or_else(never),
            );
        }
        let Some(few) = few else {
            return Ok(Selection { from: "managed_object o", condition, walks: true });
        };
        condition.values.insert(0, Sql::Text(Value::from(few).to_string()));
        // A cross join is SQLite's word for this order of tables and no other.
        let from = "json_each(?) few CROSS JOIN managed_object o ON o.seq = few.value";
        Ok(Selection { from, condition, walks: false })
    }

    /// The condition of a filter, and whether what its index leads to may be few. Where several parts of it have an index, the
    /// one that the fewest objects meet is asked and the others judge what it finds: which that is, no statistics tell.
    fn rarest_first(
        &self,
        config: &ManagedObjectConfig,
        columns: &Columns,
        filter: &Filter,
        limit: usize,
    ) -> Result<(Condition, bool), StoreError> {
        let mut parts = parts_of(filter);
        let with_index: Vec<usize> =
            parts.iter().enumerate().filter(|(_, part)| narrows(part, columns)).map(|(n, _)| n).collect();
        if let ([one], [_, _, ..]) = (with_index.as_slice(), parts.as_slice()) {
            let asked = parts.get(*one).map(|part| condition(part, columns));
            let found = match asked {
                Some(asked) => self.few(config, &[asked], limit)?,
                None => None,
            };
            return Ok((condition(filter, columns), found.is_some()));
        }
        if with_index.len() < 2 {
            return Ok((condition(filter, columns), true));
        }
        let mut rarest = (usize::MAX, 0);
        for n in with_index {
            let Some(part) = parts.get(n) else { continue };
            let found = self.few(config, &[condition(part, columns)], limit)?;
            rarest = rarest.min((found.map_or(usize::MAX, |found| found.len()), n));
        }
        let asked = condition(parts.remove(rarest.1), columns);
        let others = parts.into_iter().map(|part| condition(part, columns).without_index());
        Ok((others.fold(asked, |all, part| joined(all, "AND", part)), rarest.0 <= limit))
    }

    /// The objects for which one of these conditions holds, if they are few.
    fn few(
        &self,
        config: &ManagedObjectConfig,
        any: &[Condition],
        limit: usize,
    ) -> Result<Option<Vec<i64>>, StoreError> {
        let mut found = BTreeSet::new();
        for Condition { sql, values } in any {
            let sql = format!("SELECT o.seq FROM managed_object o WHERE o.type = ? AND {sql} LIMIT ?");
            let bound = [Sql::Text(config.name.clone())]
                .into_iter()
                .chain(values.iter().cloned())
                .chain([Sql::Integer(one_more(limit))]);
            let mut statement = self.connection.prepare_cached(&sql)?;
            for seq in statement.query_map(params_from_iter(bound), |row| row.get(0))? {
                found.insert(seq?);
            }
            if found.len() > limit {
                return Ok(None);
            }
        }
        Ok(Some(found.into_iter().collect()))
    }
}

/// The conditions of which one must hold for an object to have a value that starts with a word, or is that number.
fn search(word: &str, columns: &Columns) -> Vec<Condition> {
    let spelled = spellings(word);
    let starts = |column: &Column| {
        if !column.number {
            return spelled.iter().map(|word| starts_with(&column.name(), true, word)).collect();
        }
        let number = word.parse().ok().filter(|number: &f64| number.is_finite());
        let is = |number| Condition {
            sql: format!("{} = ?", column.name()),
            values: vec![Sql::Text(number_key(number))],
        };
        Vec::from_iter(number.map(is))
    };
    columns.ready().flat_map(starts).collect()
}

/// A word as names are written. The indexes take capitals for small letters in English alone.
fn spellings(word: &str) -> BTreeSet<String> {
    let mut spellings = BTreeSet::from([word.to_owned()]);
    if !word.is_ascii() {
        let small = word.to_lowercase();
        let mut letters = small.chars();
        let capital: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
        spellings.extend([format!("{capital}{}", letters.as_str()), word.to_uppercase(), small]);
    }
    spellings
}

/// The parts of a filter that all have to hold.
fn parts_of(filter: &Filter) -> Vec<&Filter> {
    let mut parts = Vec::new();
    conjuncts(filter, &mut parts);
    parts
}

fn conjuncts<'f>(filter: &'f Filter, found: &mut Vec<&'f Filter>) {
    match filter {
        Filter::And(parts) => parts.iter().for_each(|part| conjuncts(part, found)),
        part => found.push(part),
    }
}

fn joined(left: Condition, word: &str, right: Condition) -> Condition {
    let mut values = left.values;
    values.extend(right.values);
    Condition { sql: format!("({} {word} {})", left.sql, right.sql), values }
}

impl Writer<'_> {
    /// Makes an object. An id that is taken is an error of kind `Unique`.
    pub fn insert_managed(&self, object: &ManagedWrite<'_>, at: &str) -> Result<(), StoreError> {
        self.insert_managed_with(object, &Text::of_object(object.attributes)?, at)
    }

    /// The same with its attributes in words already.
    pub fn insert_managed_with(
        &self,
        object: &ManagedWrite<'_>,
        doc: &Text,
        at: &str,
    ) -> Result<(), StoreError> {
        const SQL: &str =
            "INSERT INTO managed_object (type, id, rev, doc, hash, created, updated, a0, a1, a2, a3, a4, a5, a6, a7)
             VALUES (?1, ?2, 1, ?3, ?4, ?5, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";
        let slots = self.columns(object.config)?.texts(object.attributes);
        let values = params![
            object.config.name,
            object.id,
            doc.0,
            object.hash,
            at,
            slots[0],
            slots[1],
            slots[2],
            slots[3],
            slots[4],
            slots[5],
            slots[6],
            slots[7]
        ];
        self.repeated(SQL, |statement| statement.execute(values))?;
        self.disturbance.made(object.id, object.hash);
        Ok(())
    }

    /// Changes an object whose revision is `rev`; another revision is an error of kind `Stale`. Gives the new one.
    pub fn update_managed(&self, object: &ManagedWrite<'_>, rev: i64, at: &str) -> Result<i64, StoreError> {
        let slots = self.columns(object.config)?.texts(object.attributes);
        let changed = self
            .connection
            .prepare_cached(
                "UPDATE managed_object SET rev = rev + 1, doc = ?4, hash = ?5, updated = ?6, a0 = ?7, a1 = ?8, a2 = ?9,
                   a3 = ?10, a4 = ?11, a5 = ?12, a6 = ?13, a7 = ?14 WHERE type = ?1 AND id = ?2 AND rev = ?3",
            )?
            .execute(params![
                object.config.name, object.id, rev, Text::of_object(object.attributes)?.0, object.hash, at,
                slots[0], slots[1], slots[2], slots[3], slots[4], slots[5], slots[6], slots[7]
            ])?;
        if changed == 0 {
            return Err(self.stale(&object.config.name, object.id, rev)?);
        }
        self.disturbance.changed();
        Ok(rev + 1)
    }

    /// Removes an object and what nobody may read of it; with `rev`, only that revision.
    pub fn delete_managed(&self, kind: &str, id: &str, rev: Option<i64>) -> Result<(), StoreError> {
        let sql = "DELETE FROM managed_object WHERE type = ?1 AND id = ?2 AND (?3 IS NULL OR rev = ?3)";
        if self.connection.prepare_cached(sql)?.execute(params![kind, id, rev])? == 0 {
            return Err(self.stale(kind, id, rev.unwrap_or_default())?);
        }
        self.disturbance.changed();
        self.forget_protected(kind, id)
    }

    fn stale(&self, kind: &str, id: &str, rev: i64) -> Result<StoreError, StoreError> {
        Ok(match self.managed(kind, id)? {
            None => StoreError::not_found(format!("{kind} `{id}`")),
            Some(now) => StoreError::new(
                ErrorKind::Stale,
                format!(
                    "{kind} `{id}` has changed meanwhile (revision {} now, {rev} expected); load it again and repeat the change",
                    now.rev
                ),
            ),
        })
    }
}
