//! Schedules: what they are, when they are due, and which process fires them.

use model::ScheduleConfig;
use rusqlite::{OptionalExtension, Row, params};

use crate::{Reader, StoreError, Writer};

/// A stored schedule.
#[derive(Debug, Clone, PartialEq)]
pub struct ScheduleRow {
    /// Its name.
    pub name: String,
    /// Its configuration.
    pub config: ScheduleConfig,
    /// Since when an interval without a start time is counted, in milliseconds since 1970.
    pub anchor_ms: i64,
    /// When it is due, in milliseconds since 1970; `None` when it never fires again.
    pub next_ms: Option<i64>,
    /// How often it has fired.
    pub fired: u64,
    /// When it fired last.
    pub last_fired: Option<String>,
    /// The run that came of it.
    pub last_run: Option<String>,
    /// What came of it, in words.
    pub last_outcome: Option<String>,
}

/// What came of a time at which a schedule was due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fired {
    /// When.
    pub at: String,
    /// The run that came of it.
    pub run: Option<String>,
    /// In words.
    pub outcome: String,
}

const COLUMNS: &str = "name, config, anchor_ms, next_ms, fired, last_fired, last_run, last_outcome";

fn from_row(row: &Row<'_>) -> Result<ScheduleRow, StoreError> {
    let config: String = row.get(1)?;
    Ok(ScheduleRow {
        name: row.get(0)?,
        config: serde_json::from_str(&config)
            .map_err(|e| StoreError::damaged(format!("a schedule ({e})")))?,
        anchor_ms: row.get(2)?,
        next_ms: row.get(3)?,
        fired: row.get::<_, i64>(4)?.max(0) as u64,
        last_fired: row.get(5)?,
        last_run: row.get(6)?,
        last_outcome: row.get(7)?,
    })
}

impl Reader<'_> {
    /// Every schedule, by name.
    pub fn schedules(&self) -> Result<Vec<ScheduleRow>, StoreError> {
        let mut statement =
            self.connection.prepare_cached(&format!("SELECT {COLUMNS} FROM schedule ORDER BY name"))?;
        let mut found = statement.query([])?;
        let mut rows = Vec::new();
        while let Some(row) = found.next()? {
            rows.push(from_row(row)?);
        }
        Ok(rows)
    }

    /// One schedule.
    pub fn schedule(&self, name: &str) -> Result<Option<ScheduleRow>, StoreError> {
        let mut statement =
            self.connection.prepare_cached(&format!("SELECT {COLUMNS} FROM schedule WHERE name = ?1"))?;
        let mut rows = statement.query([name])?;
        rows.next()?.map(from_row).transpose()
    }

    /// When the soonest schedule is due, in milliseconds since 1970.
    pub fn soonest_schedule(&self) -> Result<Option<i64>, StoreError> {
        Ok(self
            .connection
            .query_row("SELECT min(next_ms) FROM schedule", [], |row| row.get(0))
            .optional()?
            .flatten())
    }
}

impl Writer<'_> {
    /// Creates a schedule, or changes it. What it has done so far stays.
    pub fn put_schedule(
        &self,
        name: &str,
        config: &ScheduleConfig,
        anchor_ms: i64,
        next_ms: Option<i64>,
        at: &str,
    ) -> Result<(), StoreError> {
        let text = serde_json::to_string(config).map_err(StoreError::damaged)?;
        self.connection.execute(
            "INSERT INTO schedule (name, config, anchor_ms, next_ms, updated) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (name) DO UPDATE SET config = excluded.config, anchor_ms = excluded.anchor_ms,
               next_ms = excluded.next_ms, lease_until_ms = NULL, updated = excluded.updated",
            params![name, text, anchor_ms, next_ms, at],
        )?;
        Ok(())
    }

    /// Removes a schedule; says whether there was one.
    pub fn remove_schedule(&self, name: &str) -> Result<bool, StoreError> {
        Ok(self.connection.execute("DELETE FROM schedule WHERE name = ?1", [name])? > 0)
    }

    /// Takes the right to fire a schedule that was due at `due_ms`, until `until_ms`. False when another process has it, or
    /// has fired already, or the schedule has changed. A right that would last twice as long as this one was given by a clock
    /// that was wrong, and counts for nothing.
    pub fn lease_schedule(
        &self,
        name: &str,
        due_ms: i64,
        now_ms: i64,
        until_ms: i64,
    ) -> Result<bool, StoreError> {
        let taken = self.connection.execute(
            "UPDATE schedule SET lease_until_ms = ?4
             WHERE name = ?1 AND next_ms = ?2 AND (lease_until_ms IS NULL OR lease_until_ms <= ?3 OR lease_until_ms > ?4 + (?4 - ?3))",
            params![name, due_ms, now_ms, until_ms],
        )?;
        Ok(taken > 0)
    }

    /// Gives the right to fire back and moves the schedule on to its next time. Nothing happens when it has been moved or
    /// changed meanwhile.
    pub fn move_schedule(&self, name: &str, due_ms: i64, next_ms: Option<i64>) -> Result<(), StoreError> {
        self.connection.execute(
            "UPDATE schedule SET next_ms = ?3, lease_until_ms = NULL WHERE name = ?1 AND next_ms = ?2",
            params![name, due_ms, next_ms],
        )?;
        Ok(())
    }

    /// Notes what came of a time at which a schedule was due, or was run by hand.
    pub fn note_schedule(&self, name: &str, fired: &Fired, counts: bool) -> Result<(), StoreError> {
        self.connection.execute(
            "UPDATE schedule SET fired = fired + ?5, last_fired = ?2, last_run = ?3, last_outcome = ?4 WHERE name = ?1",
            params![name, fired.at, fired.run, fired.outcome, i64::from(counts)],
        )?;
        Ok(())
    }
}
