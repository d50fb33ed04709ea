//! How many objects of a managed type there were, day by day.

use rusqlite::params;

use crate::{Reader, StoreError, Writer};

impl Reader<'_> {
    /// The number of objects on each day that anybody looked, from this day on (`2026-11-21`), oldest first.
    pub fn population(&self, kind: &str, from: &str) -> Result<Vec<(String, u64)>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT day, objects FROM population WHERE type = ?1 AND day >= ?2 ORDER BY day",
        )?;
        let rows = statement
            .query_map([kind, from], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?.max(0) as u64)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

impl Writer<'_> {
    /// Notes how many objects there are on a day; the last note of a day stands.
    pub fn put_population(&self, kind: &str, day: &str, objects: u64) -> Result<(), StoreError> {
        self.connection
            .prepare_cached(
                "INSERT INTO population (type, day, objects) VALUES (?1, ?2, ?3)
                 ON CONFLICT (type, day) DO UPDATE SET objects = excluded.objects",
            )?
            .execute(params![kind, day, i64::try_from(objects).unwrap_or(i64::MAX)])?;
        Ok(())
    }
}
