//! A first load of managed objects: many are made where there are few.
//!
//! Where values come in no order, the index of a searchable column costs more than all else that is written for an object, and
//! that of a unique attribute is asked before each as well. A load puts all of them aside and knows the unique values itself.
//! What it knows is a hash of each, so it never takes a value for free that is not, and the few objects of which it cannot tell
//! wait until the indexes are back.

use std::{
    collections::HashSet,
    hash::{BuildHasher as _, RandomState},
};

use model::{Attributes, ManagedObjectConfig};
use serde_json::Value;

use crate::{Reader, StoreError, Writer, columns::Column, limit::one_more};

/// Fewer objects are written as fast with the indexes in place.
const WORTH_IT: u64 = 5_000;
/// Objects that are there already, as a share of those that come: to build their part of the indexes again is work as well.
const SHARE: u64 = 4;
/// More values would take too much memory: about 10 bytes each.
const MOST_VALUES: u64 = 3_000_000;

/// A load that has begun, and the unique values that it knows. It holds while nobody else writes managed objects.
pub struct Load {
    unique: Vec<Column>,
    known: HashSet<u32>,
    hasher: RandomState,
    written: Written,
    over: bool,
}

/// The unique values of one object.
#[derive(Debug)]
pub struct Claim(Vec<u32>);

/// How far managed objects were written: another value after every transaction that wrote some.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    last: i64,
    changes: i64,
}

impl Load {
    /// Whether so many objects are worth one.
    pub fn is_worth_it(objects: u64) -> bool {
        objects >= WORTH_IT
    }

    /// Whether it may go on, because nobody else has written managed objects. Comes first in each of its transactions.
    pub fn goes_on(&mut self, w: &Writer<'_>) -> Result<bool, StoreError> {
        self.over = self.over || w.written()? != self.written;
        Ok(!self.over)
    }

    /// Whether it was found that it may not go on.
    pub fn is_over(&self) -> bool {
        self.over
    }

    /// The unique values of an object to be made, if for certain no other one has any of them.
    pub fn claim(&self, object: &Attributes) -> Option<Claim> {
        let mut keys = Vec::with_capacity(self.unique.len());
        for column in &self.unique {
            match object.get(&column.attribute) {
                None | Some(Value::Null) => {}
                Some(Value::String(text)) => keys.push(self.key(column, text)),
                Some(_) => return None,
            }
        }
        keys.iter().all(|key| !self.known.contains(key)).then_some(Claim(keys))
    }

    /// Notes the values of an object that it has made.
    pub fn made(&mut self, Claim(keys): Claim) {
        self.known.extend(keys);
    }

    /// Remembers what it has written itself. Comes last in a transaction.
    pub fn remember(&mut self, w: &Writer<'_>) -> Result<(), StoreError> {
        self.written = w.written()?;
        Ok(())
    }

    /// Columns are compared without regard to the case of ASCII letters. Half of the hash is enough: among a million values a
    /// hundred wait for nothing.
    fn key(&self, column: &Column, text: &str) -> u32 {
        let whole = self.hasher.hash_one((column.slot, text.to_ascii_lowercase()));
        u32::try_from(whole >> 32).unwrap_or_default()
    }
}

impl Reader<'_> {
    /// How far managed objects were written.
    pub fn written(&self) -> Result<Written, StoreError> {
        let last = self
            .connection
            .prepare_cached("SELECT coalesce(max(seq), 0) FROM managed_object")?
            .query_row([], |row| row.get(0))?;
        Ok(Written { last, changes: self.object_changes()? })
    }
}

impl Writer<'_> {
    /// Begins a load of so many objects of a type, where that is worth it. `unique` are the attributes that no two objects may
    /// share. Then [`Store::build_column_indexes`] is to follow, however it ends.
    ///
    /// [`Store::build_column_indexes`]: crate::Store::build_column_indexes
    pub fn begin_load(
        &self,
        config: &ManagedObjectConfig,
        unique: &[&str],
        objects: u64,
    ) -> Result<Option<Load>, StoreError> {
        if !Load::is_worth_it(objects) {
            return Ok(None);
        }
        let columns = self.columns(config)?;
        // One that has no column of texts is asked otherwise.
        let Some(unique) =
            unique.iter().map(|name| columns.folded(name).cloned()).collect::<Option<Vec<_>>>()
        else {
            return Ok(None);
        };
        let most = objects / SHARE;
        let there: i64 = self
            .connection
            .prepare_cached("SELECT count(*) FROM (SELECT 1 FROM managed_object LIMIT ?1)")?
            .query_row([one_more(usize::try_from(most).unwrap_or(usize::MAX))], |row| row.get(0))?;
        let values = (objects + there.unsigned_abs()).saturating_mul(unique.len() as u64);
        if there.unsigned_abs() > most || values > MOST_VALUES {
            return Ok(None);
        }
        let mut load = Load {
            unique,
            known: HashSet::with_capacity(usize::try_from(values).unwrap_or_default()),
            hasher: RandomState::new(),
            written: self.written()?,
            over: false,
        };
        for column in load.unique.clone() {
            let sql = format!(
                "SELECT {0} FROM managed_object o WHERE o.type = ?1 AND {0} IS NOT NULL",
                column.name()
            );
            let mut statement = self.connection.prepare_cached(&sql)?;
            let mut rows = statement.query([&config.name])?;
            while let Some(row) = rows.next()? {
                let text = row.get_ref(0)?.as_str().map_err(StoreError::damaged)?;
                load.known.insert(load.key(&column, text));
            }
        }
        self.put_column_indexes_aside(&columns)?;
        Ok(Some(load))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{ManagedWrite, Store};

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
        let begin = |w: &Writer<'_>| Ok(w.begin_load(&config(), &["userName"], WORTH_IT)?.is_some());
        assert!(store.write(begin).await.unwrap());
        let without = store.read(|r| r.columns_without_index()).await.unwrap();
        assert_eq!(without, [0, 1, 2, 3, 4], "nothing goes into the others");
        assert!(store.write(begin).await.unwrap(), "a load that an earlier one left so");
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

    fn begins(store: &Store, config: &ManagedObjectConfig, unique: &[&str], objects: u64) -> bool {
        let (config, unique) =
            (config.clone(), unique.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
        store
            .write_blocking(move |w| {
                let unique: Vec<&str> = unique.iter().map(String::as_str).collect();
                Ok(w.begin_load(&config, &unique, objects)?.is_some())
            })
            .unwrap()
    }

    #[test]
    fn few_objects_those_beside_many_and_what_cannot_be_known_are_no_load() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let before = described(&store);
        assert!(!begins(&store, &config(), &[], WORTH_IT - 1));
        assert!(!begins(&store, &config(), &["noColumn"], WORTH_IT));
        let counted =
            json!({"name": "user", "schema": {"properties": {"n": {"type": "number", "searchable": true}}}});
        assert!(!begins(&store, &serde_json::from_value(counted).unwrap(), &["n"], WORTH_IT));
        assert!(!begins(&store, &config(), &["userName"], MOST_VALUES + 1), "they would not fit into memory");
        assert!(!begins(&store, &config(), &["userName", "mail"], MOST_VALUES));
        store.write_blocking(|w| (0..=(WORTH_IT / SHARE) as u32).try_for_each(|n| add(w, n))).unwrap();
        assert!(!begins(&store, &config(), &["userName"], WORTH_IT), "there are many");
        assert_eq!(described(&store), before);
        assert!(begins(&store, &config(), &["userName"], WORTH_IT + SHARE));
    }

    #[test]
    fn a_load_takes_no_value_that_somebody_has() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        store.write_blocking(|w| (0..3).try_for_each(|n| add(w, n))).unwrap();
        store
            .write_blocking(|w| {
                let mut load = w.begin_load(&config(), &["userName", "mail"], WORTH_IT)?.unwrap();
                let object = |value: Value| value.as_object().unwrap().clone();
                let free = |load: &Load, value: Value| load.claim(&object(value)).is_some();
                for (value, is_free) in [
                    (json!({"userName": "u9", "mail": "m9"}), true),
                    (json!({"userName": "U1"}), false),
                    (json!({"userName": "u9", "mail": "M2"}), false),
                    // Another attribute may have it.
                    (json!({"userName": "m2", "mail": "u2"}), true),
                    (json!({"sn": "Lee"}), true),
                    (json!({"userName": null, "mail": "m9"}), true),
                    // What is no text is compared in other ways.
                    (json!({"userName": 7}), false),
                    (json!({"userName": ["u9"]}), false),
                    // SQLite knows the case of ASCII letters alone.
                    (json!({"userName": "\u{dc}9"}), true),
                ] {
                    assert_eq!(free(&load, value.clone()), is_free, "{value}");
                }
                let claim = load.claim(&object(json!({"userName": "\u{dc}9", "mail": "m9"}))).unwrap();
                load.made(claim);
                assert!(!free(&load, json!({"mail": "M9"})));
                assert!(!free(&load, json!({"userName": "\u{dc}9"})));
                assert!(free(&load, json!({"userName": "\u{fc}9"})));
                Ok(())
            })
            .unwrap();
    }

    #[test]
    fn a_load_ends_when_somebody_else_writes_objects() {
        for others in [
            |w: &Writer<'_>| add(w, 70),
            |w: &Writer<'_>| w.delete_managed("user", "00001", None),
            // The last one goes and another one comes: as many as before.
            |w: &Writer<'_>| w.delete_managed("user", "00005", None).and_then(|()| add(w, 71)),
            |w: &Writer<'_>| {
                let (config, attributes) = (config(), Attributes::new());
                let write =
                    ManagedWrite { config: &config, id: "00002", attributes: &attributes, hash: [1; 16] };
                w.update_managed(&write, 1, AT).map(|_| ())
            },
        ] {
            let folder = tempfile::tempdir().unwrap();
            let store = Store::open(folder.path()).unwrap();
            // Another process, as far as the file is concerned.
            let elsewhere = Store::open(folder.path()).unwrap();
            store.write_blocking(|w| (0..3).try_for_each(|n| add(w, n))).unwrap();
            let mut load =
                store.write_blocking(|w| w.begin_load(&config(), &["userName"], WORTH_IT)).unwrap().unwrap();
            for n in [4, 5] {
                load = store
                    .write_blocking(move |w| {
                        assert!(load.goes_on(w)?);
                        add(w, n)?;
                        load.remember(w)?;
                        Ok(load)
                    })
                    .unwrap();
                elsewhere.write_blocking(|w| w.set_setting("theme", "dark")).unwrap();
            }
            elsewhere.write_blocking(others).unwrap();
            let load = store
                .write_blocking(move |w| {
                    assert!(!load.goes_on(w)?);
                    load.remember(w)?;
                    assert!(!load.goes_on(w)?, "what they wrote stays unknown");
                    Ok(load)
                })
                .unwrap();
            assert!(load.is_over());
        }
    }
}
