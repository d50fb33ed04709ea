//! The searchable columns of managed objects: which attribute is in which, what it holds, and filling one after a change of
//! the schema.
//!
//! An attribute keeps its column as long as it is searchable. One that becomes searchable gets a free column, which is
//! written with every object from then on and filled for the others in small transactions; until that has ended, queries
//! judge the attribute by the documents, which is slower and never wrong.

use std::{cell::RefCell, collections::HashMap, rc::Rc};

use model::ManagedObjectConfig;
use rusqlite::params;
use serde_json::Value;

use crate::{Reader, StoreError, Writer, limit::rows_at_most, links::attributes, mirror::index_text};

/// How many searchable attributes have a column.
pub(crate) const SLOTS: usize = model::schema_check::MOST_INDEXED;

/// What one column holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Column {
    pub slot: usize,
    pub attribute: String,
    /// Whether it orders numbers, instead of texts without regard to the case of ASCII letters.
    pub number: bool,
    /// Up to which id it is filled; `None` when all objects have their value in it.
    pub filled: Option<String>,
}

impl Column {
    /// The column in SQL, of rows `o`.
    pub(crate) fn name(&self) -> String {
        format!("o.a{}", self.slot)
    }

    /// What the column holds for a value.
    pub(crate) fn text(&self, value: Option<&Value>) -> Option<String> {
        match value? {
            Value::Number(number) if self.number => number.as_f64().map(number_key),
            // Filters take a text that is a number for that number.
            Value::String(text) if self.number => {
                text.parse().ok().filter(|n: &f64| n.is_finite()).map(number_key)
            }
            _ if self.number => None,
            Value::String(text) => Some(text.clone()),
            value => index_text(Some(value)),
        }
    }
}

/// A text that sorts like the number.
pub(crate) fn number_key(number: f64) -> String {
    // Minus zero is zero.
    let bits = (number + 0.0).to_bits();
    let ordered = if bits >> 63 == 1 { !bits } else { bits | 1 << 63 };
    format!("{ordered:016x}")
}

/// The columns of a type.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Columns(Vec<Column>);

impl Columns {
    /// Those of a type that was never given any.
    fn of(config: &ManagedObjectConfig) -> Self {
        let columns = config.indexed().into_iter().take(SLOTS).enumerate().map(|(slot, indexed)| Column {
            slot,
            attribute: indexed.attribute,
            number: indexed.number,
            filled: None,
        });
        Self(columns.collect())
    }

    /// The column that answers for an attribute.
    pub(crate) fn of_attribute(&self, attribute: &str) -> Option<&Column> {
        self.ready().find(|column| column.attribute == attribute)
    }

    /// The column that answers for the texts of an attribute, without regard to the case of ASCII letters.
    pub(crate) fn folded(&self, attribute: &str) -> Option<&Column> {
        self.of_attribute(attribute).filter(|column| !column.number)
    }

    /// Whether an attribute is in this column, filled or not.
    pub(crate) fn holds(&self, slot: usize) -> bool {
        self.0.iter().any(|column| column.slot == slot)
    }

    /// The columns that queries may ask.
    pub(crate) fn ready(&self) -> impl Iterator<Item = &Column> {
        self.0.iter().filter(|column| column.filled.is_none())
    }

    /// What each column is to hold for an object.
    pub(crate) fn texts(&self, object: &model::Attributes) -> [Option<String>; SLOTS] {
        let mut texts: [Option<String>; SLOTS] = Default::default();
        for column in &self.0 {
            if let Some(text) = texts.get_mut(column.slot) {
                *text = column.text(object.get(&column.attribute));
            }
        }
        texts
    }

    /// The columns after a change of the schema: what stays searchable stays where it is.
    fn changed_to(&self, config: &ManagedObjectConfig) -> Self {
        let wanted: Vec<_> = config.indexed().into_iter().take(SLOTS).collect();
        let mut columns: Vec<Column> = self
            .0
            .iter()
            .filter(|c| wanted.iter().any(|w| w.attribute == c.attribute && w.number == c.number))
            .cloned()
            .collect();
        for indexed in wanted {
            if columns.iter().any(|c| c.attribute == indexed.attribute) {
                continue;
            }
            let free = (0..SLOTS).find(|slot| !columns.iter().any(|c| c.slot == *slot));
            columns.extend(free.map(|slot| Column {
                slot,
                attribute: indexed.attribute,
                number: indexed.number,
                filled: Some(String::new()),
            }));
        }
        columns.sort_by_key(|column| column.slot);
        Self(columns)
    }
}

/// The columns that a transaction has read, by type.
pub(crate) type ColumnsRead = RefCell<HashMap<String, Rc<Columns>>>;

impl Reader<'_> {
    /// The columns of a type.
    pub(crate) fn columns(&self, config: &ManagedObjectConfig) -> Result<Rc<Columns>, StoreError> {
        if let Some(read) = self.columns.borrow().get(&config.name) {
            return Ok(Rc::clone(read));
        }
        let columns = Rc::new(self.kept_columns(&config.name)?.unwrap_or_else(|| Columns::of(config)));
        self.columns.borrow_mut().insert(config.name.clone(), Rc::clone(&columns));
        Ok(columns)
    }

    fn kept_columns(&self, kind: &str) -> Result<Option<Columns>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT slot, attribute, number, filled FROM managed_column WHERE type = ?1 ORDER BY slot",
        )?;
        let rows = statement.query_map([kind], |row| {
            Ok(Column {
                slot: usize::from(row.get::<_, u8>(0)?),
                attribute: row.get(1)?,
                number: row.get(2)?,
                filled: row.get(3)?,
            })
        })?;
        let mut columns: Vec<Column> = rows.collect::<Result<_, _>>()?;
        let known = !columns.is_empty();
        columns.retain(|column| column.attribute != NONE);
        Ok(known.then_some(Columns(columns)))
    }

    /// The attributes of a type by which lists can be sorted and searched without looking at every object.
    pub fn managed_sortable(&self, config: &ManagedObjectConfig) -> Result<Vec<String>, StoreError> {
        Ok(self.columns(config)?.ready().map(|column| column.attribute.clone()).collect())
    }

    /// The attributes of a type whose columns are being filled.
    pub fn managed_filling(&self, kind: &str) -> Result<Vec<String>, StoreError> {
        let columns = self.kept_columns(kind)?.unwrap_or_default();
        Ok(columns.0.into_iter().filter(|c| c.filled.is_some()).map(|c| c.attribute).collect())
    }
}

/// Stands in the first column of a type that has no searchable attribute.
const NONE: &str = "";

impl Writer<'_> {
    /// Gives the attributes that a changed schema makes searchable their columns. `old` is the schema until now. Gives
    /// whether there is something to fill, by [`Writer::fill_columns`].
    pub fn set_columns(
        &self,
        old: Option<&ManagedObjectConfig>,
        new: &ManagedObjectConfig,
    ) -> Result<bool, StoreError> {
        let before = match old {
            Some(old) => self.columns(old)?,
            None => Rc::default(),
        };
        let mut after = before.changed_to(new);
        if self.managed_count(&new.name)? == 0 {
            after.0.iter_mut().for_each(|column| column.filled = None);
        }
        // All that is filled is filled together.
        for column in after.0.iter_mut().filter(|column| column.filled.is_some()) {
            column.filled = Some(String::new());
        }
        if after.0.is_empty() {
            after.0.push(Column { slot: 0, attribute: NONE.to_owned(), number: false, filled: None });
        }
        self.remove_columns(&new.name)?;
        for column in &after.0 {
            self.connection
                .prepare_cached(
                    "INSERT INTO managed_column (type, slot, attribute, number, filled) VALUES (?1, ?2, ?3, ?4, ?5)",
                )?
                .execute(params![new.name, column.slot as i64, column.attribute, column.number, column.filled])?;
        }
        Ok(after.0.iter().any(|column| column.filled.is_some()))
    }

    /// Forgets the columns of a type that is no more.
    pub fn remove_columns(&self, kind: &str) -> Result<(), StoreError> {
        self.columns.borrow_mut().remove(kind);
        self.connection.prepare_cached("DELETE FROM managed_column WHERE type = ?1")?.execute([kind])?;
        Ok(())
    }

    /// Fills the columns of the next so many objects. Gives whether there is more to fill.
    pub fn fill_columns(&self, config: &ManagedObjectConfig, batch: usize) -> Result<bool, StoreError> {
        let columns = self.kept_columns(&config.name)?.unwrap_or_default();
        let Some(after) = columns.0.iter().find_map(|column| column.filled.clone()) else { return Ok(false) };
        let mut statement = self.connection.prepare_cached(
            "SELECT id, doc FROM managed_object WHERE type = ?1 AND id > ?2 ORDER BY id LIMIT ?3",
        )?;
        let rows: Vec<(String, String)> = statement
            .query_map(params![config.name, after, rows_at_most(batch)], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?
            .collect::<Result<_, _>>()?;
        let more = rows.len() == batch;
        let last = rows.last().map(|(id, _)| id.clone());
        for (id, doc) in rows {
            let object =
                attributes(Some(doc)).ok_or_else(|| StoreError::damaged(format!("managed object {id}")))?;
            let texts = columns.texts(&object);
            self.connection
                .prepare_cached(
                    "UPDATE managed_object SET a0 = ?3, a1 = ?4, a2 = ?5, a3 = ?6, a4 = ?7, a5 = ?8, a6 = ?9, a7 = ?10
                     WHERE type = ?1 AND id = ?2",
                )?
                .execute(params![
                    config.name, id, texts[0], texts[1], texts[2], texts[3], texts[4], texts[5], texts[6], texts[7]
                ])?;
        }
        let filled = if more { last } else { None };
        self.columns.borrow_mut().remove(&config.name);
        self.connection
            .prepare_cached("UPDATE managed_column SET filled = ?2 WHERE type = ?1 AND filled IS NOT NULL")?
            .execute(params![config.name, filled])?;
        Ok(more)
    }
}

#[cfg(test)]
mod tests {
    use model::ManagedObjectConfig;
    use serde_json::{Value, json};

    use super::{Column, Columns, number_key};

    #[test]
    fn keys_sort_like_their_numbers() {
        let numbers = [f64::MIN, -1e10, -2.5, -1.0, -1e-300, 0.0, 1e-300, 0.5, 1.0, 2.0, 10.0, 1e300];
        let keys: Vec<String> = numbers.iter().map(|n| number_key(*n)).collect();
        assert!(keys.is_sorted_by(|a, b| a < b), "{keys:?}");
        assert_eq!(number_key(-0.0), number_key(0.0));
    }

    #[test]
    fn a_column_holds_what_can_be_compared() {
        let column = |number| Column { slot: 0, attribute: "x".into(), number, filled: None };
        for (number, value, expect) in [
            (false, json!("A b"), Some("A b".to_owned())),
            (false, json!(""), Some(String::new())),
            (false, json!(true), Some("true".to_owned())),
            (false, json!(12), Some("12".to_owned())),
            (false, json!(["a"]), None),
            (true, json!(12), Some(number_key(12.0))),
            (true, json!("12.0"), Some(number_key(12.0))),
            (true, json!("twelve"), None),
            (true, json!("inf"), None),
            (true, json!(true), None),
            (true, json!(null), None),
        ] {
            assert_eq!(column(number).text(Some(&value)), expect, "{value}");
        }
    }

    fn config(properties: Value) -> ManagedObjectConfig {
        serde_json::from_value(json!({"name": "t", "schema": {"properties": properties}})).unwrap()
    }

    #[test]
    fn what_stays_searchable_stays_in_its_column() {
        let text = json!({"type": "string", "searchable": true});
        let number = json!({"type": "number", "searchable": true});
        let columns = Columns::of(&config(json!({"a": text, "b": text, "c": number})));
        let changed = columns.changed_to(&config(json!({"d": text, "c": number, "b": number, "a": text})));
        let seen: Vec<_> =
            changed.0.iter().map(|c| (c.attribute.as_str(), c.number, c.filled.is_none())).collect();
        assert_eq!(seen, [("a", false, true), ("d", false, false), ("c", true, true), ("b", true, false)]);
        assert_eq!(changed.of_attribute("d"), None, "not before it is filled");
        assert_eq!(changed.texts(json!({"d": "x"}).as_object().unwrap())[1].as_deref(), Some("x"));
        let fewer = changed.changed_to(&config(json!({"c": number})));
        assert_eq!(fewer.0.len(), 1);
        assert_eq!(fewer.0[0].slot, 2);
    }
}
