//! What the objects of a type hold, counted before a change of its schema.

use rusqlite::params;

use crate::{Reader, StoreError, limit::rows_at_most};

/// A value that several objects have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repeated {
    /// The value.
    pub value: String,
    /// How many objects have it.
    pub objects: u64,
}

impl Reader<'_> {
    /// How many objects share the value of an attribute with another one, compared without case, and the most frequent of
    /// these values. Looks at every object.
    pub fn managed_repeated(
        &self,
        kind: &str,
        attribute: &str,
        examples: usize,
    ) -> Result<(u64, Vec<Repeated>), StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT value, n, sum(n) OVER () FROM (
               SELECT v.value COLLATE NOCASE AS value, count(*) AS n
               FROM managed_object o, json_each(o.doc) v
               WHERE o.type = ?1 AND v.key = ?2 AND v.type IN ('text', 'integer', 'real') AND v.value <> ''
               GROUP BY v.value COLLATE NOCASE HAVING n > 1
             ) ORDER BY n DESC, value LIMIT ?3",
        )?;
        let rows = statement.query_map(params![kind, attribute, rows_at_most(examples)], |row| {
            let value = match row.get_ref(0)? {
                rusqlite::types::ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
                rusqlite::types::ValueRef::Integer(number) => number.to_string(),
                rusqlite::types::ValueRef::Real(number) => number.to_string(),
                _ => String::new(),
            };
            Ok((Repeated { value, objects: row.get::<_, i64>(1)?.max(0) as u64 }, row.get::<_, i64>(2)?))
        })?;
        let mut all = 0;
        let mut repeated = Vec::new();
        for row in rows {
            let (one, sum) = row?;
            all = sum.max(0) as u64;
            repeated.push(one);
        }
        Ok((all, repeated))
    }
}
