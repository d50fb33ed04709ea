//! The mirror: the last seen copy of every remote record that a mapping reads.

use std::{cmp::Ordering, collections::BTreeSet};

use model::{Attributes, Pointer};
use rusqlite::{OptionalExtension, Row, params, params_from_iter, types::Value as Sql};
use serde_json::Value;

use crate::{
    Hash, Met, Reader, StoreError, Writer,
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

    /// How many records of a resource are remembered.
    pub fn mirror_count(&self, path: &str) -> Result<u64, StoreError> {
        let sql = "SELECT count(*) FROM mirror WHERE container = (SELECT id FROM container WHERE path = ?1)";
        Ok(self.connection.prepare_cached(sql)?.query_row([path], |row| row.get::<_, i64>(0))?.max(0) as u64)
    }

    /// The numbers of those records of a page that are remembered as they are, in the page's order; `None` for one that has to
    /// be taken in.
    pub fn mirror_known(&self, page: &SeenPage) -> Result<Vec<Option<i64>>, StoreError> {
        let mut known = vec![None; page.rows.len()];
        let Some(container) = self.container(&page.path)? else { return Ok(known) };
        let indexed = self.indexed_in(container)?;
        let mut order: Vec<usize> = (0..page.rows.len()).collect();
        let uid = |at: &usize| page.rows.get(*at).map(|row| row.0.as_str());
        order.sort_unstable_by_key(uid);
        let (Some(first), Some(last)) = (order.first().and_then(uid), order.last().and_then(uid)) else {
            return Ok(known);
        };
        if !page.indexed.is_subset(&indexed) {
            return Ok(known);
        }
        let all = rows_at_most(indexed.len());
        // Lists come about in the order of their ids, so that the records of a page lie side by side and walking along them is
        // much cheaper than looking each up; where they do not, it is given up after a while.
        let mut steps = order.len().saturating_mul(STEPS_PER_RECORD);
        let mut left = order.as_slice();
        {
            let mut along = self.connection.prepare_cached(
                "SELECT uid, hash, number FROM mirror
                 WHERE container = ?1 AND uid >= ?2 AND uid <= ?3 AND indexed = ?4 ORDER BY uid",
            )?;
            let mut rows = along.query(params![container, first, last, all])?;
            while let Some(row) = rows.next()? {
                let found = row.get_ref(0)?.as_str().map_err(StoreError::damaged)?;
                while let Some((at, rest)) = left.split_first() {
                    match uid(at).cmp(&Some(found)) {
                        Ordering::Less => {}
                        Ordering::Equal => note(&mut known, page, *at, row)?,
                        Ordering::Greater => break,
                    }
                    left = rest;
                }
                steps = steps.saturating_sub(1);
                if steps == 0 || left.is_empty() {
                    break;
                }
            }
        }
        if steps == 0 {
            let mut one = self.connection.prepare_cached(
                "SELECT uid, hash, number FROM mirror WHERE container = ?1 AND uid = ?2 AND indexed = ?3",
            )?;
            for at in left {
                let mut rows = one.query(params![container, uid(at), all])?;
                if let Some(row) = rows.next()? {
                    note(&mut known, page, *at, row)?;
                }
            }
        }
        Ok(known)
    }

    /// How many remembered records a read has neither written nor met.
    pub fn unmet_count(&self, path: &str, met: &Met) -> Result<u64, StoreError> {
        if self.all_numbers_met(path, met)? {
            return Ok(0);
        }
        let mut unmet = 0;
        self.each_unmet(path, met, "", |_| {
            unmet += 1;
            Ok(true)
        })?;
        Ok(unmet)
    }

    /// Whether every number that was ever given in a container is marked, so that no record needs to be looked at.
    fn all_numbers_met(&self, path: &str, met: &Met) -> Result<bool, StoreError> {
        let given: Option<i64> = self
            .connection
            .prepare_cached("SELECT numbers FROM container WHERE path = ?1")?
            .query_row([path], |row| row.get(0))
            .optional()?;
        Ok(given.is_some_and(|given| met.count() == given.unsigned_abs()))
    }

    /// Walks the records after `after` that a read has neither written nor met, in the order of their ids, for as long as
    /// `go_on` says so.
    fn each_unmet(
        &self,
        path: &str,
        met: &Met,
        after: &str,
        mut go_on: impl FnMut(&str) -> Result<bool, StoreError>,
    ) -> Result<(), StoreError> {
        let Some(container) = self.container(path)? else { return Ok(()) };
        let mut statement = self.connection.prepare_cached(
            "SELECT uid, number FROM mirror WHERE container = ?1 AND uid > ?2 AND seen < ?3 ORDER BY uid",
        )?;
        let mut rows = statement.query(params![container, after, met.read])?;
        while let Some(row) = rows.next()? {
            if !met.contains(row.get(1)?) && !go_on(row.get_ref(0)?.as_str().map_err(StoreError::damaged)?)? {
                break;
            }
        }
        Ok(())
    }

    /// The ids of records whose indexed attribute has this value, compared without case. At most `limit`.
    pub fn mirrored_by_value(
        &self,
        path: &str,
        attribute: &str,
        value: &str,
        limit: usize,
    ) -> Result<Vec<String>, StoreError> {
        self.mirrored_by_values(path, &[(attribute.to_owned(), value.to_owned())], limit)
    }

    /// The ids of records of which each of these indexed attributes has its value, compared without case. At most `limit`.
    pub fn mirrored_by_values(
        &self,
        path: &str,
        values: &[(String, String)],
        limit: usize,
    ) -> Result<Vec<String>, StoreError> {
        let Some(((attribute, value), others)) = values.split_first() else { return Ok(Vec::new()) };
        let also = " AND EXISTS (SELECT 1 FROM mirror_value o
                       WHERE o.container = v.container AND o.attribute = ? AND o.value = ? AND o.uid = v.uid)";
        let sql = format!(
            "SELECT v.uid FROM mirror_value v
             WHERE v.container = (SELECT id FROM container WHERE path = ?) AND v.attribute = ? AND v.value = ?{}
             ORDER BY v.uid LIMIT ?",
            also.repeat(others.len())
        );
        let mut bound = vec![path.to_owned(), attribute.clone(), value.clone()];
        bound.extend(others.iter().flat_map(|(attribute, value)| [attribute.clone(), value.clone()]));
        let bound = bound.into_iter().map(Sql::Text).chain([Sql::Integer(rows_at_most(limit))]);
        let mut statement = self.connection.prepare_cached(&sql)?;
        let rows = statement.query_map(params_from_iter(bound), |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The ids that this read did not see although they are linked: candidates for "gone", to be confirmed one by one.
    /// `links` and `column` say which links count, and which end of theirs is meant; `met` is what the read has met, `None`
    /// where that is all that is remembered.
    pub fn linked_but_unseen(
        &self,
        path: &str,
        met: Option<&Met>,
        links: &LinkSpace,
        column: crate::plan::Side,
        after: &str,
        limit: usize,
    ) -> Result<Vec<String>, StoreError> {
        let end = column.link_column();
        // Both come in the order of their ids, so that SQLite walks them side by side.
        let sql = format!(
            "SELECT {end}_id FROM link WHERE type = ?2 AND qualifier = ?3 AND {end}_id > ?4
             EXCEPT SELECT uid FROM mirror WHERE container = (SELECT id FROM container WHERE path = ?1) AND uid > ?4
             ORDER BY 1 LIMIT ?5"
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        let rows = statement
            .query_map(params![path, links.kind, links.qualifier, after, rows_at_most(limit)], |row| {
                row.get(0)
            })?;
        let mut unseen: Vec<String> = rows.collect::<Result<_, _>>()?;
        let Some(met) = met else { return Ok(unseen) };
        let sql = format!("SELECT 1 FROM link WHERE type = ?1 AND qualifier = ?2 AND {end}_id = ?3");
        let mut linked = self.connection.prepare_cached(&sql)?;
        let mut remembered = Vec::new();
        self.each_unmet(path, met, after, |uid| {
            if remembered.len() < limit && linked.exists(params![links.kind, links.qualifier, uid])? {
                remembered.push(uid.to_owned());
            }
            Ok(remembered.len() < limit)
        })?;
        unseen.append(&mut remembered);
        unseen.sort_unstable();
        unseen.truncate(limit);
        Ok(unseen)
    }

    /// The attributes of a container that are indexed.
    fn indexed_in(&self, container: i64) -> Result<BTreeSet<String>, StoreError> {
        let text: String = self
            .connection
            .prepare_cached("SELECT indexed FROM container WHERE id = ?1")?
            .query_row([container], |row| row.get(0))?;
        serde_json::from_str(&text).map_err(StoreError::damaged)
    }
}

/// Steps along the mirror for each record that is looked for, before the rest is looked up one by one.
const STEPS_PER_RECORD: usize = 4;

/// Notes the number of a record of a page that is remembered as it is.
fn note(known: &mut [Option<i64>], page: &SeenPage, at: usize, row: &Row<'_>) -> Result<(), StoreError> {
    let hash = row.get_ref(1)?.as_blob().map_err(StoreError::damaged)?;
    if let (Some(known), Some((_, wanted, _))) = (known.get_mut(at), page.rows.get(at))
        && hash == wanted
    {
        *known = Some(row.get(2)?);
    }
    Ok(())
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
        let mut indexed = self.indexed_in(container)?;
        if !wanted.is_subset(&indexed) {
            indexed.extend(wanted.iter().cloned());
            let text = serde_json::to_string(&indexed).map_err(StoreError::damaged)?;
            self.connection
                .execute("UPDATE container SET indexed = ?2 WHERE id = ?1", params![container, text])?;
        }
        Ok(indexed)
    }

    /// Takes in a page; gives how many of its records did change. What a later read wrote stays written by it. A full read takes
    /// in only what [`Reader::mirror_known`] does not know.
    pub fn mirror_page(&self, page: &SeenPage, at: &str) -> Result<u64, StoreError> {
        let container = self.ensure_container(&page.path)?;
        let indexed = self.indexed(container, &page.indexed)?;
        let all = rows_at_most(indexed.len());
        let places: Vec<(&String, Pointer)> =
            indexed.iter().map(|name| (name, Pointer::parse(name))).collect();
        let mut known = self.connection.prepare_cached(
            "UPDATE mirror SET seen = max(seen, ?3) WHERE container = ?1 AND uid = ?2 AND hash = ?4 AND indexed = ?5",
        )?;
        let mut known_but_not_indexed = self.connection.prepare_cached(
            "UPDATE mirror SET seen = max(seen, ?3), indexed = ?5 WHERE container = ?1 AND uid = ?2 AND hash = ?4",
        )?;
        let mut new = self.connection.prepare_cached(
            "INSERT OR IGNORE INTO mirror (container, uid, hash, seen, indexed, number) VALUES (?1, ?2, ?4, ?3, ?5, ?6)",
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
        let given: i64 = self
            .connection
            .prepare_cached("SELECT numbers FROM container WHERE id = ?1")?
            .query_row([container], |row| row.get(0))?;
        let (mut changed, mut number) = (0, given);
        // New records come in a row, and so do known ones: what the last one was is asked first.
        let mut last_was_new = false;
        for (uid, hash, attributes) in &page.rows {
            let values = params![container, uid, page.read, hash, all];
            if !last_was_new && known.execute(values)? > 0 {
                continue;
            }
            let is_new = new.execute(params![container, uid, page.read, hash, all, number + 1])? > 0;
            number += i64::from(is_new);
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
            for (attribute, pointer) in &places {
                for text in index_texts(pointer.get_in(attributes)) {
                    index.execute(params![container, attribute, text, uid])?;
                }
            }
        }
        if number > given {
            self.connection
                .prepare_cached("UPDATE container SET numbers = ?2 WHERE id = ?1")?
                .execute([container, number])?;
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

    /// Drops the records that a complete read has neither written nor met; gives how many.
    pub fn forget_unmet(&self, path: &str, met: &Met) -> Result<u64, StoreError> {
        let (mut forgotten, mut after) = (0, String::new());
        loop {
            let mut gone = Vec::new();
            self.each_unmet(path, met, &after, |uid| {
                gone.push(uid.to_owned());
                Ok(gone.len() < FORGOTTEN_TOGETHER)
            })?;
            let Some(last) = gone.last() else { return Ok(forgotten) };
            after.clone_from(last);
            forgotten += gone.len() as u64;
            gone.iter().try_for_each(|uid| self.forget_mirrored(path, uid))?;
        }
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
        self.forget_reads(connector)?;
        let inside = format!("system/{connector}/");
        for table in ["mirror_doc", "mirror_value", "mirror"] {
            self.connection.execute(
                &format!("DELETE FROM {table} WHERE container IN (SELECT id FROM container WHERE substr(path, 1, length(?1)) = ?1)"),
                [&inside],
            )?;
        }
        Ok(())
    }

    /// Has everything behind a connector read from the start: where reading it stands says nothing of another account.
    pub fn forget_reads(&self, connector: &str) -> Result<(), StoreError> {
        let inside = format!("system/{connector}/");
        self.connection.execute(
            "DELETE FROM read_mark WHERE container IN (SELECT id FROM container WHERE substr(path, 1, length(?1)) = ?1)",
            [&inside],
        )?;
        for table in ["unfinished_read", "feed"] {
            self.connection
                .execute(&format!("DELETE FROM {table} WHERE substr(path, 1, length(?1)) = ?1"), [&inside])?;
        }
        Ok(())
    }
}

/// Records that are found before they are forgotten.
const FORGOTTEN_TOGETHER: usize = 1000;

/// The texts under which a value is found again: a list under each of its items.
fn index_texts(value: Option<&Value>) -> impl Iterator<Item = String> {
    let items = match value {
        None => &[],
        Some(Value::Array(items)) => items.as_slice(),
        Some(one) => std::slice::from_ref(one),
    };
    items.iter().filter_map(|item| index_text(Some(item)))
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
