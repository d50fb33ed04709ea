//! Who did what and when: the append-only audit, and the history of each managed object.

use rusqlite::params;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    Page, Reader, StoreError, Text, Writer,
    entries::StoredChange,
    limit::{one_more, rows_at_most},
};

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
        Ok(self.history_page(kind, object_id, None, None, limit)?.rows)
    }

    /// A page of the audit, newest first: only this topic, only lines that contain this text, only before this number.
    pub fn audit_page(
        &self,
        topic: Option<&str>,
        search: Option<&str>,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Page<(i64, AuditRow)>, StoreError> {
        let search = search.map(str::trim).filter(|text| !text.is_empty());
        let mut statement = self.connection.prepare_cached(
            "SELECT seq, at, who, topic, object, detail FROM audit
             WHERE seq < ?1 AND (?2 IS NULL OR topic = ?2)
               AND (?3 IS NULL OR holds_words(?3, who || ' ' || object || ' ' || detail))
             ORDER BY seq DESC LIMIT ?4",
        )?;
        let found = statement.query_map(
            params![before.unwrap_or(i64::MAX), topic, search, one_more(limit)],
            |row| {
                let line = AuditRow {
                    at: row.get(1)?,
                    who: row.get(2)?,
                    topic: row.get(3)?,
                    object: row.get(4)?,
                    detail: row.get(5)?,
                };
                Ok((row.get(0)?, line))
            },
        )?;
        let mut rows = found.collect::<Result<Vec<(i64, AuditRow)>, _>>()?;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| more).map(|(seq, _)| seq.to_string());
        Ok(Page { rows, next })
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
        self.remember_with(entry, &Text::of_changes(entry.changes)?)
    }

    /// The same with the changes in words already.
    pub fn remember_with(&self, entry: &HistoryEntry<'_>, changes: &Text) -> Result<(), StoreError> {
        const SQL: &str = "INSERT INTO history (type, object_id, at, who, changes, run, mapping) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        let HistoryEntry { kind, object_id, at, run, mapping, .. } = entry;
        let who = entry.kept_who();
        let values = params![kind, object_id, at, who, changes.0, run, mapping];
        self.repeated(SQL, |statement| statement.execute(values)).map(|_| ())
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
