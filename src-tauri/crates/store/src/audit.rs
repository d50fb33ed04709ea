//! Who did what and when: the append-only audit, and the history of each managed object.

use rusqlite::params;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Reader, StoreError, Writer, entries::StoredChange, limit::rows_at_most};

/// One line of the audit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditRow {
    /// When.
    pub at: String,
    /// Who: a person's account name, or `run <id>`.
    pub who: String,
    /// `connector`, `mapping`, `run`, `vault`, `user`.
    pub topic: String,
    /// What it was done to.
    pub object: String,
    /// What was done, in words.
    pub detail: String,
}

/// One change of a managed object to remember.
#[derive(Debug, Clone, PartialEq)]
pub struct HistoryEntry<'a> {
    /// The managed type.
    pub kind: &'a str,
    /// The object.
    pub object_id: &'a str,
    /// When.
    pub at: &'a str,
    /// Who.
    pub who: &'a str,
    /// What changed.
    pub changes: &'a [StoredChange],
    /// By which run.
    pub run: Option<&'a str>,
    /// By which mapping.
    pub mapping: Option<&'a str>,
}

/// One change of a managed object as remembered.
#[derive(Debug, Clone, PartialEq)]
pub struct HistoryRow {
    /// When.
    pub at: String,
    /// Who.
    pub who: String,
    /// What changed.
    pub changes: Vec<StoredChange>,
    /// By which run.
    pub run: Option<String>,
    /// By which mapping.
    pub mapping: Option<String>,
}

impl Reader<'_> {
    /// The changes of an object, newest first.
    pub fn history(&self, kind: &str, object_id: &str, limit: usize) -> Result<Vec<HistoryRow>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT at, who, changes, run, mapping FROM history WHERE type = ?1 AND object_id = ?2 ORDER BY seq DESC LIMIT ?3",
        )?;
        let rows = statement.query_map(params![kind, object_id, rows_at_most(limit)], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get::<_, String>(2)?, row.get(3)?, row.get(4)?))
        })?;
        rows.map(|row| {
            let (at, who, changes, run, mapping) = row?;
            let changes = serde_json::from_str(&changes).map_err(StoreError::damaged)?;
            Ok(HistoryRow { at, who, changes, run, mapping })
        })
        .collect()
    }

    /// The audit, newest first.
    pub fn audit(&self, limit: usize) -> Result<Vec<AuditRow>, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT at, who, topic, object, detail FROM audit ORDER BY seq DESC LIMIT ?1")?;
        let rows = statement.query_map([rows_at_most(limit)], |row| {
            Ok(AuditRow {
                at: row.get(0)?,
                who: row.get(1)?,
                topic: row.get(2)?,
                object: row.get(3)?,
                detail: row.get(4)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

impl Writer<'_> {
    /// Remembers a change of an object.
    pub fn remember(&self, entry: &HistoryEntry<'_>) -> Result<(), StoreError> {
        self.connection
            .prepare_cached("INSERT INTO history (type, object_id, at, who, changes, run, mapping) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?
            .execute(params![
                entry.kind,
                entry.object_id,
                entry.at,
                entry.who,
                serde_json::to_string(&entry.changes).map_err(StoreError::damaged)?,
                entry.run,
                entry.mapping
            ])?;
        Ok(())
    }

    /// Adds a line to the audit. `detail` must hold no secret.
    pub fn add_audit(&self, row: &AuditRow) -> Result<(), StoreError> {
        self.connection
            .prepare_cached("INSERT INTO audit (at, who, topic, object, detail) VALUES (?1, ?2, ?3, ?4, ?5)")?
            .execute([&row.at, &row.who, &row.topic, &row.object, &row.detail])?;
        Ok(())
    }
}

/// A value shown in texts: strings without quotes, null as nothing.
impl StoredChange {
    /// `sn: "Li" -> "Lee"`, for logs and terminals.
    pub fn in_words(&self) -> String {
        let show = |v: &Value| if v.is_null() { "nothing".to_owned() } else { v.to_string() };
        format!("{}: {} -> {}", self.attribute, show(&self.before), show(&self.after))
    }
}
