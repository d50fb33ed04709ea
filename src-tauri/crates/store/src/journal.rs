//! The journal: what was sent to a remote system, committed before it was sent.

use std::collections::BTreeSet;

use model::Attributes;
use rusqlite::{Row, params};

use crate::{Reader, StoreError, Writer, links::attributes};

/// What was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Make a record.
    Create,
    /// Change a record.
    Update,
    /// Delete a record.
    Delete,
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JournalState {
    /// Sent, no answer noted: in doubt.
    Sending,
    /// The provider did it.
    Done,
    /// The provider refused it, or it never arrived.
    Failed,
}

impl Operation {
    /// The word in which it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }
}

impl JournalState {
    fn as_str(self) -> &'static str {
        match self {
            Self::Sending => "sending",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }
}

/// One write to a remote system.
#[derive(Debug, Clone, PartialEq)]
pub struct JournalRow {
    /// Its number; 0 before it is stored.
    pub seq: i64,
    /// The run's `_id`, if a run sent it.
    pub run: Option<String>,
    /// The run's entry.
    pub entry: Option<i64>,
    /// The mapping.
    pub mapping: String,
    /// What was sent.
    pub operation: Operation,
    /// To whom.
    pub connector: String,
    /// Which object type.
    pub object_type: String,
    /// Under which link qualifier.
    pub qualifier: String,
    /// For which source.
    pub source_id: Option<String>,
    /// To which record; `None` for a create.
    pub target_id: Option<String>,
    /// The attributes sent.
    pub payload: Attributes,
}

impl Reader<'_> {
    /// The writes of a mapping that are in doubt.
    pub fn in_doubt(&self, mapping: &str) -> Result<Vec<JournalRow>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT seq, run, entry, mapping, operation, connector, object_type, source_id, target_id, payload, qualifier
             FROM journal WHERE state = 'sending' AND mapping = ?1 ORDER BY seq",
        )?;
        let mut found = statement.query([mapping])?;
        let mut rows = Vec::new();
        while let Some(row) = found.next()? {
            rows.push(from_row(row)?);
        }
        Ok(rows)
    }
}

impl Reader<'_> {
    /// The entries of a run that failed, and of which something was written all the same.
    pub fn partly_written(&self, run: i64, id: &str) -> Result<BTreeSet<i64>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT j.entry FROM journal j CROSS JOIN run_entry e ON e.run = ?1 AND e.seq = j.entry
             WHERE j.run = ?2 AND j.state = 'done' AND e.status = 'failed'",
        )?;
        let entries = statement.query_map(params![run, id], |row| row.get(0))?;
        Ok(entries.collect::<Result<_, _>>()?)
    }
}

fn from_row(row: &Row<'_>) -> Result<JournalRow, StoreError> {
    let operation = match row.get::<_, String>(4)?.as_str() {
        "create" => Operation::Create,
        "update" => Operation::Update,
        "delete" => Operation::Delete,
        other => return Err(StoreError::damaged(format!("journal operation {other}"))),
    };
    Ok(JournalRow {
        seq: row.get(0)?,
        run: row.get(1)?,
        entry: row.get(2)?,
        mapping: row.get(3)?,
        operation,
        connector: row.get(5)?,
        object_type: row.get(6)?,
        source_id: row.get(7)?,
        target_id: row.get(8)?,
        payload: attributes(row.get(9)?).ok_or_else(|| StoreError::damaged("a journal payload"))?,
        qualifier: row.get(10)?,
    })
}

impl Writer<'_> {
    /// Notes writes that are about to be sent; gives their numbers in order.
    pub fn journal_sending(&self, rows: &[JournalRow], at: &str) -> Result<Vec<i64>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "INSERT INTO journal (run, entry, mapping, operation, connector, object_type, source_id, target_id, payload, state, sent, qualifier)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 'sending', ?10, ?11)",
        )?;
        rows.iter()
            .map(|row| {
                statement.execute(params![
                    row.run,
                    row.entry,
                    row.mapping,
                    row.operation.as_str(),
                    row.connector,
                    row.object_type,
                    row.source_id,
                    row.target_id,
                    serde_json::to_string(&row.payload).map_err(StoreError::damaged)?,
                    at,
                    row.qualifier
                ])?;
                Ok(self.connection.last_insert_rowid())
            })
            .collect()
    }

    /// Notes how a write ended, and the record that it made. One that no run sent is in doubt no more and asked for by nobody:
    /// it goes, as the values that it holds are people's.
    pub fn journal_settled(
        &self,
        seq: i64,
        state: JournalState,
        target_id: Option<&str>,
        message: Option<&str>,
        at: &str,
    ) -> Result<(), StoreError> {
        if self
            .connection
            .prepare_cached("DELETE FROM journal WHERE seq = ?1 AND run IS NULL")?
            .execute([seq])?
            > 0
        {
            return Ok(());
        }
        self.connection
            .prepare_cached(
                "UPDATE journal SET state = ?2, target_id = coalesce(?3, target_id), message = ?4, settled = ?5 WHERE seq = ?1",
            )?
            .execute(params![seq, state.as_str(), target_id, message, at])?;
        Ok(())
    }
}
