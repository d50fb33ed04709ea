//! The indexes of the searchable columns, put aside for a first load.
//!
//! A first load fills these indexes in no order, so that every transaction touches most of their pages: among hundreds of
//! thousands of objects that costs more than all else that is written. Built at once from what is there, which is a sort, they
//! cost next to nothing. In between, what asks the columns gets the same answers, and waits longer for them. A process that
//! dies in between leaves them to the next one.

use rusqlite::params;

use model::ManagedObjectConfig;

use crate::{Reader, Store, StoreError, Writer, columns::SLOTS, limit::one_more};

/// Fewer objects are written as fast with the indexes in place.
const WORTH_IT: u64 = 5_000;
/// Objects that are there already, as a share of those that come: to build their part of the indexes again is work as well.
const SHARE: u64 = 4;

/// What the planner is to believe of such an index; see the first migration.
const STATISTICS: &str = "1000000 1000000 10 1";

/// The name of a column's index.
fn name(slot: usize) -> String {
    format!("managed_object_a{slot}")
}

/// The statement that builds it, as the migrations left it.
fn definition(slot: usize) -> String {
    // The first columns nearly always hold something.
    let condition = if slot < 4 { String::new() } else { format!(" WHERE a{slot} IS NOT NULL") };
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
    /// Puts indexes aside before so many objects of a type are made, where that is worth it; those of the attributes in `keep`
    /// stay, because the load itself asks them. Gives whether it did: then [`Store::build_column_indexes`] is to follow,
    /// however the load ends.
    pub fn put_column_indexes_aside(
        &self,
        config: &ManagedObjectConfig,
        keep: &[&str],
        objects: u64,
    ) -> Result<bool, StoreError> {
        if objects < WORTH_IT {
            return Ok(false);
        }
        let most = objects / SHARE;
        let there: i64 = self
            .connection
            .prepare_cached("SELECT count(*) FROM (SELECT 1 FROM managed_object LIMIT ?1)")?
            .query_row([one_more(usize::try_from(most).unwrap_or(usize::MAX))], |row| row.get(0))?;
        if there.unsigned_abs() > most {
            return Ok(false);
        }
        let columns = self.columns(config)?;
        let kept: Vec<usize> =
            keep.iter().filter_map(|name| columns.of_attribute(name)).map(|column| column.slot).collect();
        for slot in (0..SLOTS).filter(|slot| !kept.contains(slot)) {
            self.connection.execute_batch(&format!("DROP INDEX IF EXISTS {}", name(slot)))?;
        }
        Ok(true)
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

#[cfg(test)]
mod tests {
    use model::Attributes;
    use serde_json::{Value, json};

    use super::*;
    use crate::ManagedWrite;

    const AT: &str = "2026-01-02T03:04:05Z";

    fn config() -> ManagedObjectConfig {
        let text = json!({"type": "string", "searchable": true});
        let names = ["userName", "mail", "sn", "city", "country"];
        let properties: serde_json::Map<String, Value> =
            names.iter().map(|name| ((*name).to_owned(), text.clone())).collect();
        serde_json::from_value(json!({"name": "user", "schema": {"properties": properties}})).unwrap()
    }

    fn add(w: &Writer<'_>, n: u32) -> Result<(), StoreError> {
        let attributes: Attributes =
            json!({"userName": format!("u{n}"), "mail": format!("m{n}"), "sn": "Lee"})
                .as_object()
                .unwrap()
                .clone();
        let config = config();
        let id = format!("{n:05}");
        w.insert_managed(
            &ManagedWrite { config: &config, id: &id, attributes: &attributes, hash: [0; 16] },
            AT,
        )
    }

    /// Everything about the schema and the statistics that are stated in it; SQLite's own find nothing in an empty table.
    fn described(store: &Store) -> Vec<String> {
        store
            .read_blocking(|r| {
                let mut told = r.connection.prepare(
                    "SELECT name || ' ' || coalesce(sql, '') FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'
                     UNION ALL SELECT idx || ' ' || stat FROM sqlite_stat1 WHERE stat <> '0 0 0 0' ORDER BY 1",
                )?;
                let rows = told.query_map([], |row| row.get(0))?;
                Ok(rows.collect::<Result<_, _>>()?)
            })
            .unwrap()
    }

    #[tokio::test]
    async fn what_was_put_aside_comes_back_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let before = described(&store);
        let aside = |w: &Writer<'_>| w.put_column_indexes_aside(&config(), &["userName"], WORTH_IT);
        assert!(store.write(aside).await.unwrap());
        let without = store.read(|r| r.columns_without_index()).await.unwrap();
        assert_eq!(without, [1, 2, 3, 4, 5, 6, 7], "the first column is asked while objects are made");
        assert!(store.write(aside).await.unwrap(), "a load that an earlier one left so");
        store.write(|w| (0..50).try_for_each(|n| add(w, n))).await.unwrap();
        // As the next process finds it.
        drop(store);
        let store = Store::open(folder.path()).unwrap();
        let found = |store: &Store, text: &str| {
            let filter = model::Filter::parse(text).unwrap();
            store.read_blocking(|r| r.managed_ids(&config(), &filter, 99)).unwrap().len()
        };
        assert_eq!((found(&store, "mail eq \"M7\""), found(&store, "sn sw \"le\"")), (1, 50));
        store.build_column_indexes().await.unwrap();
        assert_eq!(described(&store), before);
        assert_eq!((found(&store, "mail eq \"M7\""), found(&store, "sn sw \"le\"")), (1, 50));
        assert_eq!(store.faults().unwrap(), Vec::<String>::new());
        let plan: String = store
            .write(|w| {
                Ok(w.connection.query_row(
                    "EXPLAIN QUERY PLAN SELECT id FROM managed_object WHERE type = 'user' AND (a1 = 'x' OR a2 = 'y')",
                    [],
                    |row| row.get(3),
                )?)
            })
            .await
            .unwrap();
        assert_eq!(plan, "MULTI-INDEX OR", "the statistics count at once");
        store.build_column_indexes().await.unwrap();
        assert_eq!(described(&store), before);
    }

    #[tokio::test]
    async fn small_loads_and_those_beside_many_objects_leave_them_in_place() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let before = described(&store);
        let few = |w: &Writer<'_>| w.put_column_indexes_aside(&config(), &[], WORTH_IT - 1);
        assert!(!store.write(few).await.unwrap());
        store.write(|w| (0..=(WORTH_IT / SHARE) as u32).try_for_each(|n| add(w, n))).await.unwrap();
        let beside_many = |w: &Writer<'_>| w.put_column_indexes_aside(&config(), &[], WORTH_IT);
        assert!(!store.write(beside_many).await.unwrap());
        assert_eq!(described(&store), before);
        let more = |w: &Writer<'_>| w.put_column_indexes_aside(&config(), &[], WORTH_IT + SHARE);
        assert!(store.write(more).await.unwrap());
    }
}
