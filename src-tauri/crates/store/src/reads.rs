//! Where reads stand: full reads that have not ended, and how far the changes of a resource have been taken in.

use rusqlite::{OptionalExtension, params};

use crate::{Reader, StoreError, Writer};

/// A full read of a resource that has not ended: another run can take it up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnfinishedRead {
    /// `system/<connector>/<type>`.
    pub path: String,
    /// The number by which the records that it has seen are marked.
    pub seen: i64,
    /// Where it goes on.
    pub cursor: String,
    /// The attributes that it asks for; another set is another read.
    pub attributes: String,
    /// When it began, in milliseconds since 1970.
    pub began_ms: i64,
}

/// How far a mapping has taken in what changed in a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feed {
    /// The mapping.
    pub mapping: String,
    /// The resource.
    pub path: String,
    /// The connector's cursor, or the number of the last history row of a managed type.
    pub cursor: String,
    /// The attributes that were asked for; for others the cursor says nothing.
    pub attributes: String,
    /// When it was moved last.
    pub updated: String,
}

impl Reader<'_> {
    /// The read of this resource that has not ended, if there is one.
    pub fn unfinished_read(&self, path: &str) -> Result<Option<UnfinishedRead>, StoreError> {
        Ok(self
            .connection
            .prepare_cached(
                "SELECT path, seen, cursor, attributes, began_ms FROM unfinished_read WHERE path = ?1",
            )?
            .query_row([path], |row| {
                Ok(UnfinishedRead {
                    path: row.get(0)?,
                    seen: row.get(1)?,
                    cursor: row.get(2)?,
                    attributes: row.get(3)?,
                    began_ms: row.get(4)?,
                })
            })
            .optional()?)
    }

    /// How far a mapping has taken in the changes of a resource; `None` when it never began to.
    pub fn feed(&self, mapping: &str, path: &str) -> Result<Option<Feed>, StoreError> {
        Ok(self
            .connection
            .prepare_cached("SELECT mapping, path, cursor, attributes, updated FROM feed WHERE mapping = ?1 AND path = ?2")?
            .query_row([mapping, path], |row| {
                Ok(Feed {
                    mapping: row.get(0)?,
                    path: row.get(1)?,
                    cursor: row.get(2)?,
                    attributes: row.get(3)?,
                    updated: row.get(4)?,
                })
            })
            .optional()?)
    }

    /// The number of the newest history row: what changes of managed objects are counted by.
    pub fn newest_history(&self) -> Result<i64, StoreError> {
        Ok(self
            .connection
            .prepare_cached("SELECT coalesce(max(seq), 0) FROM history")?
            .query_row([], |row| row.get(0))?)
    }

    /// The objects of a managed type that changed after this history row.
    pub fn changed_since(&self, kind: &str, history: i64) -> Result<Vec<String>, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT DISTINCT object_id FROM history WHERE seq > ?1 AND type = ?2")?;
        let rows = statement.query_map(params![history, kind], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

impl Writer<'_> {
    /// Notes where a full read stands.
    pub fn put_unfinished_read(&self, read: &UnfinishedRead) -> Result<(), StoreError> {
        self.connection
            .prepare_cached(
                "INSERT INTO unfinished_read (path, seen, cursor, attributes, began_ms) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (path) DO UPDATE SET seen = excluded.seen, cursor = excluded.cursor,
                   attributes = excluded.attributes, began_ms = excluded.began_ms",
            )?
            .execute(params![read.path, read.seen, read.cursor, read.attributes, read.began_ms])?;
        Ok(())
    }

    /// A full read has ended, or cannot be taken up any more.
    pub fn end_read(&self, path: &str) -> Result<(), StoreError> {
        self.connection.prepare_cached("DELETE FROM unfinished_read WHERE path = ?1")?.execute([path])?;
        Ok(())
    }

    /// Moves a feed.
    pub fn put_feed(&self, feed: &Feed) -> Result<(), StoreError> {
        self.connection
            .prepare_cached(
                "INSERT INTO feed (mapping, path, cursor, attributes, updated) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (mapping, path) DO UPDATE SET cursor = excluded.cursor, attributes = excluded.attributes,
                   updated = excluded.updated",
            )?
            .execute(params![feed.mapping, feed.path, feed.cursor, feed.attributes, feed.updated])?;
        Ok(())
    }
}
