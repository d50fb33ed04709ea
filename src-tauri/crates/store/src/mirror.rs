//! The mirror: the last seen copy of every remote record that a mapping reads.

use std::collections::BTreeSet;

use model::Attributes;
use rusqlite::{OptionalExtension, params};
use serde_json::Value;

use crate::{
    Hash, Reader, StoreError, Writer,
    limit::rows_at_most,
    links::{LinkSpace, attributes},
};

/// A remote record as last seen.
#[derive(Debug, Clone, PartialEq)]
pub struct MirrorRow {
    /// The provider's id.
    pub uid: String,
    /// The attributes that mappings read.
    pub attributes: Attributes,
    /// Their hash.
    pub hash: Hash,
    /// When it last changed here.
    pub updated: String,
}

/// A page of records as just read.
#[derive(Debug, Clone, Default)]
pub struct SeenPage {
    /// `system/<connector>/<type>`.
    pub path: String,
    /// The read that sees them: the run's number.
    pub read: i64,
    /// Id, hash and attributes of each.
    pub rows: Vec<(String, Hash, Attributes)>,
    /// Attributes that correlation will ask for.
    pub indexed: BTreeSet<String>,
}

impl Reader<'_> {
    pub(crate) fn container(&self, path: &str) -> Result<Option<i64>, StoreError> {
        Ok(self
            .connection
            .prepare_cached("SELECT id FROM container WHERE path = ?1")?
            .query_row([path], |row| row.get(0))
            .optional()?)
    }

    /// One remote record as last seen.
    pub fn mirrored(&self, path: &str, uid: &str) -> Result<Option<MirrorRow>, StoreError> {
        let sql = "SELECT d.doc, m.hash, d.updated FROM container c
                   JOIN mirror m ON m.container = c.id AND m.uid = ?2
                   JOIN mirror_doc d ON d.container = c.id AND d.uid = m.uid WHERE c.path = ?1";
        let row = self
            .connection
            .prepare_cached(sql)?
            .query_row([path, uid], |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, Hash>(1)?, row.get::<_, String>(2)?))
            })
            .optional()?;
        row.map(|(doc, hash, updated)| {
            let attributes = attributes(Some(doc))
                .ok_or_else(|| StoreError::damaged(format!("the copy of {path}/{uid}")))?;
            Ok(MirrorRow { uid: uid.to_owned(), attributes, hash, updated })
        })
        .transpose()
    }

    /// How many records of a connector are remembered, of all its object types.
    pub fn mirrored_count(&self, connector: &str) -> Result<u64, StoreError> {
        let sql = "SELECT count(*) FROM container c JOIN mirror m ON m.container = c.id
                   WHERE c.path >= 'system/' || ?1 || '/' AND c.path < 'system/' || ?1 || '0'";
        Ok(self.connection.prepare_cached(sql)?.query_row([connector], |row| row.get::<_, i64>(0))?.max(0)
            as u64)
    }

    /// How many records a read has seen.
    pub fn seen_count(&self, path: &str, read: i64) -> Result<u64, StoreError> {
        let sql = "SELECT count(*) FROM mirror WHERE container = (SELECT id FROM container WHERE path = ?1) AND seen >= ?2";
        Ok(self
            .connection
            .prepare_cached(sql)?
            .query_row(params![path, read], |row| row.get::<_, i64>(0))?
            .max(0) as u64)
    }

    /// The ids of records whose indexed attribute has this value, compared without case. At most `limit`.
    pub fn mirrored_by_value(
        &self,
        path: &str,
        attribute: &str,
        value: &str,
        read: i64,
        limit: usize,
    ) -> Result<Vec<String>, StoreError> {
        let sql = "SELECT v.uid FROM mirror_value v JOIN mirror m ON m.container = v.container AND m.uid = v.uid
                   WHERE v.container = (SELECT id FROM container WHERE path = ?1) AND v.attribute = ?2 AND v.value = ?3
                     AND m.seen >= ?4 ORDER BY v.uid LIMIT ?5";
        let mut statement = self.connection.prepare_cached(sql)?;
        let rows = statement
            .query_map(params![path, attribute, value, read, rows_at_most(limit)], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The ids that this read did not see although they are linked: candidates for "gone", to be confirmed one by one.
    /// `links` and `column` say which links count, and which end of theirs is meant.
    pub fn linked_but_unseen(
        &self,
        path: &str,
        read: i64,
        links: &LinkSpace,
        column: crate::plan::Side,
        after: &str,
        limit: usize,
    ) -> Result<Vec<String>, StoreError> {
        let end = column.link_column();
        let sql = format!(
            "SELECT l.{end}_id FROM link l
             LEFT JOIN mirror m ON m.container = (SELECT id FROM container WHERE path = ?1) AND m.uid = l.{end}_id AND m.seen >= ?2
             WHERE l.type = ?3 AND l.qualifier = ?6 AND m.uid IS NULL AND l.{end}_id > ?4 ORDER BY l.{end}_id LIMIT ?5"
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        let rows = statement.query_map(
            params![path, read, links.kind, after, rows_at_most(limit), links.qualifier],
            |row| row.get(0),
        )?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

impl Writer<'_> {
    /// The number of a container, made when it is new.
    pub(crate) fn ensure_container(&self, path: &str) -> Result<i64, StoreError> {
        self.connection
            .prepare_cached("INSERT OR IGNORE INTO container (path) VALUES (?1)")?
            .execute([path])?;
        self.container(path)?.ok_or_else(|| StoreError::damaged(format!("container {path}")))
    }

    /// The attributes of a container that are indexed, these among them.
    fn indexed(&self, container: i64, wanted: &BTreeSet<String>) -> Result<BTreeSet<String>, StoreError> {
        let text: String = self
            .connection
            .prepare_cached("SELECT indexed FROM container WHERE id = ?1")?
            .query_row([container], |row| row.get(0))?;
        let mut indexed: BTreeSet<String> = serde_json::from_str(&text).map_err(StoreError::damaged)?;
        if !wanted.is_subset(&indexed) {
            indexed.extend(wanted.iter().cloned());
            let text = serde_json::to_string(&indexed).map_err(StoreError::damaged)?;
            self.connection
                .execute("UPDATE container SET indexed = ?2 WHERE id = ?1", params![container, text])?;
        }
        Ok(indexed)
    }

    /// Takes in a page. A record that did not change costs one narrow update; gives how many did change. What a later read
    /// saw stays seen by it.
    pub fn mirror_page(&self, page: &SeenPage, at: &str) -> Result<u64, StoreError> {
        let container = self.ensure_container(&page.path)?;
        let indexed = self.indexed(container, &page.indexed)?;
        let all = rows_at_most(indexed.len());
        let mut known = self.connection.prepare_cached(
            "UPDATE mirror SET seen = max(seen, ?3) WHERE container = ?1 AND uid = ?2 AND hash = ?4 AND indexed = ?5",
        )?;
        let mut known_but_not_indexed = self.connection.prepare_cached(
            "UPDATE mirror SET seen = max(seen, ?3), indexed = ?5 WHERE container = ?1 AND uid = ?2 AND hash = ?4",
        )?;
        let mut new = self.connection.prepare_cached(
            "INSERT OR IGNORE INTO mirror (container, uid, hash, seen, indexed) VALUES (?1, ?2, ?4, ?3, ?5)",
        )?;
        let mut narrow = self.connection.prepare_cached(
            "UPDATE mirror SET hash = ?4, seen = max(seen, ?3), indexed = ?5 WHERE container = ?1 AND uid = ?2",
        )?;
        let mut wide = self.connection.prepare_cached(
            "INSERT INTO mirror_doc (container, uid, doc, updated) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (container, uid) DO UPDATE SET doc = excluded.doc, updated = excluded.updated",
        )?;
        let mut unindex =
            self.connection.prepare_cached("DELETE FROM mirror_value WHERE container = ?1 AND uid = ?2")?;
        let mut index = self.connection.prepare_cached(
            "INSERT OR IGNORE INTO mirror_value (container, attribute, value, uid) VALUES (?1, ?2, ?3, ?4)",
        )?;
        let mut changed = 0;
        // New records come in a row, and so do known ones: what the last one was is asked first.
        let mut last_was_new = false;
        for (uid, hash, attributes) in &page.rows {
            let values = params![container, uid, page.read, hash, all];
            if !last_was_new && known.execute(values)? > 0 {
                continue;
            }
            let is_new = new.execute(values)? > 0;
            if !is_new && std::mem::replace(&mut last_was_new, is_new) && known.execute(values)? > 0 {
                continue;
            }
            last_was_new = is_new;
            if is_new || known_but_not_indexed.execute(values)? == 0 {
                changed += 1;
                let doc = serde_json::to_string(attributes).map_err(StoreError::damaged)?;
                wide.execute(params![container, uid, doc, at])?;
                if !is_new {
                    narrow.execute(values)?;
                    unindex.execute(params![container, uid])?;
                }
            }
            for attribute in &indexed {
                if let Some(text) = index_text(attributes.get(attribute)) {
                    index.execute(params![container, attribute, text, uid])?;
                }
            }
        }
        Ok(changed)
    }

    /// Takes in records that were read one by one, outside of a full read: what was seen is renewed, `seen` keeps its place
    /// in the order of full reads.
    pub fn mirror_fresh(&self, page: &SeenPage, at: &str) -> Result<(), StoreError> {
        let newest: i64 =
            self.connection.query_row("SELECT coalesce(max(seq), 0) FROM run", [], |row| row.get(0))?;
        let page = SeenPage { read: newest, ..page.clone() };
        self.mirror_page(&page, at)?;
        Ok(())
    }

    /// Drops the records that a complete read did not see.
    pub fn forget_unseen(&self, path: &str, read: i64) -> Result<u64, StoreError> {
        let container = self.ensure_container(path)?;
        let any = self
            .connection
            .prepare_cached("SELECT 1 FROM mirror WHERE container = ?1 AND seen < ?2 LIMIT 1")?
            .exists(params![container, read])?;
        if !any {
            return Ok(0);
        }
        for table in ["mirror_doc", "mirror_value"] {
            let sql = format!(
                "DELETE FROM {table} WHERE container = ?1 AND uid IN (SELECT uid FROM mirror WHERE container = ?1 AND seen < ?2)"
            );
            self.connection.prepare_cached(&sql)?.execute(params![container, read])?;
        }
        let gone = self
            .connection
            .prepare_cached("DELETE FROM mirror WHERE container = ?1 AND seen < ?2")?
            .execute(params![container, read])?;
        Ok(gone as u64)
    }

    /// Drops one record.
    pub fn forget_mirrored(&self, path: &str, uid: &str) -> Result<(), StoreError> {
        let container = self.ensure_container(path)?;
        for table in ["mirror_doc", "mirror_value", "mirror"] {
            self.connection
                .prepare_cached(&format!("DELETE FROM {table} WHERE container = ?1 AND uid = ?2"))?
                .execute(params![container, uid])?;
        }
        Ok(())
    }

    /// Drops everything that was seen through a connector, and where reading it stands.
    pub(crate) fn forget_mirrors(&self, connector: &str) -> Result<(), StoreError> {
        let inside = format!("system/{connector}/");
        for table in ["unfinished_read", "feed"] {
            self.connection
                .execute(&format!("DELETE FROM {table} WHERE substr(path, 1, length(?1)) = ?1"), [&inside])?;
        }
        for table in ["mirror_doc", "mirror_value", "mirror"] {
            self.connection.execute(
                &format!("DELETE FROM {table} WHERE container IN (SELECT id FROM container WHERE substr(path, 1, length(?1)) = ?1)"),
                [&inside],
            )?;
        }
        Ok(())
    }
}

/// The text under which a value is found again.
pub(crate) fn index_text(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}
