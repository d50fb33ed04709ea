//! The indexes of the searchable columns, put aside for a first load.
//!
//! A first load fills these indexes in no order, so that every transaction touches most of their pages: among hundreds of
//! thousands of objects that costs more than all else that is written. Built at once from what is there, which is a sort, they
//! cost next to nothing. In between, what asks the columns gets the same answers, and waits longer for them. A process that
//! dies in between leaves them to the next one.

use rusqlite::params;

use crate::{
    Reader, Store, StoreError, Writer,
    columns::{Columns, SLOTS},
};

/// What the planner is to believe of such an index; see the first migration.
const STATISTICS: &str = "1000000 1000000 10 1";

/// The name of a column's index.
fn name(slot: usize) -> String {
    format!("managed_object_a{slot}")
}

/// Whether it leads to objects without a value in the column as well. The first columns nearly always hold something.
fn holds_all(slot: usize) -> bool {
    slot < 4
}

/// The statement that builds it, as the migrations left it.
fn definition(slot: usize) -> String {
    let condition = if holds_all(slot) { String::new() } else { format!(" WHERE a{slot} IS NOT NULL") };
    format!("CREATE INDEX {} ON managed_object (type, a{slot}, id){condition}", name(slot))
}

impl Store {
    /// Builds the indexes that were put aside, each in a transaction of its own.
    pub async fn build_column_indexes(&self) -> Result<(), StoreError> {
        for slot in self.read(|r| r.columns_without_index()).await? {
            self.write(move |w| w.build_column_index(slot)).await?;
        }
        Ok(())
    }
}

impl Reader<'_> {
    /// The columns whose index was put aside.
    pub fn columns_without_index(&self) -> Result<Vec<usize>, StoreError> {
        let mut there = self
            .connection
            .prepare_cached("SELECT 1 FROM sqlite_schema WHERE type = 'index' AND name = ?1")?;
        let mut without = Vec::new();
        for slot in 0..SLOTS {
            if !there.exists([name(slot)])? {
                without.push(slot);
            }
        }
        Ok(without)
    }
}

impl Writer<'_> {
    /// Puts aside the indexes that grow with each object of a type. [`Store::build_column_indexes`] is to follow.
    pub(crate) fn put_column_indexes_aside(&self, columns: &Columns) -> Result<(), StoreError> {
        for slot in (0..SLOTS).filter(|slot| holds_all(*slot) || columns.holds(*slot)) {
            self.connection.execute_batch(&format!("DROP INDEX IF EXISTS {}", name(slot)))?;
        }
        Ok(())
    }

    /// Builds one index, unless another process has.
    fn build_column_index(&self, slot: usize) -> Result<(), StoreError> {
        if !self.columns_without_index()?.contains(&slot) {
            return Ok(());
        }
        self.connection.execute_batch(&definition(slot))?;
        self.connection.execute("DELETE FROM sqlite_stat1 WHERE idx = ?1", [name(slot)])?;
        self.connection.execute(
            "INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES ('managed_object', ?1, ?2)",
            params![name(slot), STATISTICS],
        )?;
        // Statistics are read when a connection opens, and this one is open already.
        self.connection.execute_batch("ANALYZE sqlite_schema")?;
        Ok(())
    }
}
