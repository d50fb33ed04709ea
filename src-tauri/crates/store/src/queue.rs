//! The queue of implicit syncs: a row commits together with the change that it carries on.

use model::Attributes;
use rusqlite::{Row, params};

use crate::{
    Page, Reader, StoreError, Writer,
    error::ErrorKind,
    limit::{one_more, rows_at_most},
    links::attributes,
};

/// What happened to the object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueueChange {
    /// It is new.
    Create,
    /// It changed.
    Update,
    /// It is gone.
    Delete,
}

/// Where a row stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueueState {
    /// To be delivered, at once or after a failure later.
    Waiting,
    /// Given up after the last try; a person decides.
    Failed,
}

impl QueueState {
    /// The word in which it is stored. What failed comes before what waits.
    fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Waiting => "waiting",
        }
    }
}

impl QueueChange {
    /// The word in which it is stored.
    fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }
}

/// One object to be carried on by one mapping.
#[derive(Debug, Clone, PartialEq)]
pub struct QueueRow {
    /// Its number.
    pub seq: i64,
    /// Counts the changes that it stands for.
    pub generation: i64,
    /// By which mapping.
    pub mapping: String,
    /// The managed type.
    pub kind: String,
    /// The object.
    pub object_id: String,
    /// A short name for people.
    pub title: String,
    /// What happened to it.
    pub change: QueueChange,
    /// Where the row stands.
    pub state: QueueState,
    /// Tries so far.
    pub attempts: u32,
    /// Not before this moment.
    pub next_ms: i64,
    /// What the last try said.
    pub message: Option<String>,
    /// The last value of an object that is gone; of one that changed, its value before the changes, where somebody asks for it.
    pub old: Option<Attributes>,
    /// Since when.
    pub created: String,
}

/// How the last implicit sync of an object by a mapping ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncOutcome {
    /// By which mapping.
    pub mapping: String,
    /// Whether the target has the change.
    pub ok: bool,
    /// In words.
    pub message: String,
    /// When.
    pub at: String,
}

const COLUMNS: &str = "seq, mapping, type, object_id, title, change, state, attempts, next_ms, message, old, created, generation";

fn from_row(row: &Row<'_>) -> Result<QueueRow, StoreError> {
    let change = match row.get::<_, String>(5)?.as_str() {
        "create" => QueueChange::Create,
        "update" => QueueChange::Update,
        "delete" => QueueChange::Delete,
        other => return Err(StoreError::damaged(format!("queue change {other}"))),
    };
    let state = match row.get::<_, String>(6)?.as_str() {
        "waiting" => QueueState::Waiting,
        "failed" => QueueState::Failed,
        other => return Err(StoreError::damaged(format!("queue state {other}"))),
    };
    Ok(QueueRow {
        seq: row.get(0)?,
        mapping: row.get(1)?,
        kind: row.get(2)?,
        object_id: row.get(3)?,
        title: row.get(4)?,
        change,
        state,
        attempts: row.get(7)?,
        next_ms: row.get(8)?,
        message: row.get(9)?,
        old: attributes(row.get(10)?),
        created: row.get(11)?,
        generation: row.get(12)?,
    })
}

/// From here on a wait is not doubled any more, whatever its limit.
const MOST_DOUBLINGS: u32 = 20;

/// How long a row waits between two tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackOff {
    /// After the first try that failed; it doubles with every further one.
    pub first_ms: i64,
    /// At most.
    pub longest_ms: i64,
}

impl BackOff {
    /// After so many tries that failed.
    pub fn wait_ms(self, tries: u32) -> i64 {
        let Some(doublings) = tries.checked_sub(1) else { return 0 };
        self.first_ms.saturating_mul(1 << doublings.min(MOST_DOUBLINGS)).min(self.longest_ms)
    }
}

impl Reader<'_> {
    fn queue_rows(
        &self,
        condition: &str,
        values: &[&dyn rusqlite::ToSql],
    ) -> Result<Vec<QueueRow>, StoreError> {
        let mut statement =
            self.connection.prepare_cached(&format!("SELECT {COLUMNS} FROM queue WHERE {condition}"))?;
        let mut found = statement.query(values)?;
        let mut rows = Vec::new();
        while let Some(row) = found.next()? {
            rows.push(from_row(row)?);
        }
        Ok(rows)
    }

    /// A page of the queue: what failed, then what waits, each oldest first.
    pub fn queue(&self, after: Option<&str>, limit: usize) -> Result<Page<QueueRow>, StoreError> {
        let (state, seq) = match after {
            None => ("", 0),
            Some(cursor) => cursor
                .split_once(' ')
                .and_then(|(state, seq)| Some((state, seq.parse::<i64>().ok()?)))
                .ok_or_else(|| {
                    StoreError::new(ErrorKind::Other, "this page cursor is not one that this queue gave")
                })?,
        };
        let mut rows = self.queue_rows(
            "(state, seq) > (?1, ?2) ORDER BY state, seq LIMIT ?3",
            &[&state, &seq, &one_more(limit)],
        )?;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| more).map(|last| format!("{} {}", last.state.as_str(), last.seq));
        Ok(Page { rows, next })
    }

    /// One row.
    pub fn queue_row(&self, seq: i64) -> Result<Option<QueueRow>, StoreError> {
        Ok(self.queue_rows("seq = ?1", &[&seq])?.pop())
    }

    /// How many rows are in a state.
    pub fn queue_count_in(&self, state: QueueState) -> Result<u64, StoreError> {
        Ok(self
            .connection
            .prepare_cached("SELECT count(*) FROM queue WHERE state = ?1")?
            .query_row([state.as_str()], |row| row.get::<_, i64>(0))?
            .max(0) as u64)
    }

    /// How many rows there are.
    pub fn queue_count(&self) -> Result<u64, StoreError> {
        Ok(self.connection.query_row("SELECT count(*) FROM queue", [], |row| row.get::<_, i64>(0))?.max(0)
            as u64)
    }

    /// How many rows of a mapping there are.
    pub fn queue_count_of(&self, mapping: &str) -> Result<u64, StoreError> {
        Ok(self
            .connection
            .prepare_cached("SELECT count(*) FROM queue WHERE mapping = ?1")?
            .query_row([mapping], |row| row.get::<_, i64>(0))?
            .max(0) as u64)
    }

    /// The rows of a mapping that are due, oldest first. No row waits longer than its tries make it wait, and one that has not been tried
    /// does not wait at all: one that would was given its time by a clock that was wrong, and is due.
    pub fn queue_due(
        &self,
        mapping: &str,
        now_ms: i64,
        back_off: BackOff,
        limit: usize,
    ) -> Result<Vec<QueueRow>, StoreError> {
        let BackOff { first_ms, longest_ms } = back_off;
        self.queue_rows(
            "mapping = ?6 AND state = 'waiting' AND (next_ms <= ?1 OR next_ms - ?1 >
               CASE attempts WHEN 0 THEN 0 ELSE min(?2 << min(attempts - 1, ?4), ?3) END)
             ORDER BY seq LIMIT ?5",
            &[&now_ms, &first_ms, &longest_ms, &MOST_DOUBLINGS, &(rows_at_most(limit)), &mapping],
        )
    }

    /// The rows of a mapping that stand like this, oldest first, after this number.
    pub fn queue_for(
        &self,
        mapping: &str,
        state: QueueState,
        after: i64,
        limit: usize,
    ) -> Result<Vec<QueueRow>, StoreError> {
        self.queue_rows(
            "mapping = ?1 AND state = ?4 AND seq > ?2 ORDER BY seq LIMIT ?3",
            &[&mapping, &after, &rows_at_most(limit), &state.as_str()],
        )
    }

    /// The rows of one object.
    pub fn queue_of(&self, kind: &str, object_id: &str) -> Result<Vec<QueueRow>, StoreError> {
        self.queue_rows("type = ?1 AND object_id = ?2 ORDER BY seq", &[&kind, &object_id])
    }

    /// How the last implicit syncs of an object ended.
    pub fn sync_outcomes(&self, kind: &str, object_id: &str) -> Result<Vec<SyncOutcome>, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT mapping, ok, message, at FROM sync_result WHERE type = ?1 AND object_id = ?2 ORDER BY mapping")?;
        let rows = statement.query_map([kind, object_id], |row| {
            Ok(SyncOutcome { mapping: row.get(0)?, ok: row.get(1)?, message: row.get(2)?, at: row.get(3)? })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

impl Writer<'_> {
    /// Queues an object for a mapping. A row of the same object that still waits is renewed in its place, so that only the
    /// latest state is delivered.
    #[allow(clippy::too_many_arguments)]
    pub fn enqueue(
        &self,
        mapping: &str,
        kind: &str,
        object_id: &str,
        title: &str,
        change: QueueChange,
        old: Option<&Attributes>,
        now_ms: i64,
        at: &str,
    ) -> Result<(), StoreError> {
        let old = old.map(serde_json::to_string).transpose().map_err(StoreError::damaged)?;
        self.connection
            .prepare_cached(
                "INSERT INTO queue (mapping, type, object_id, title, change, state, attempts, next_ms, old, created)
                 VALUES (?1, ?2, ?3, ?4, ?5, 'waiting', 0, ?6, ?7, ?8)
                 ON CONFLICT (mapping, type, object_id) DO UPDATE SET
                   change = CASE WHEN change = 'create' AND excluded.change = 'update' THEN 'create' ELSE excluded.change END,
                   title = excluded.title, state = 'waiting', attempts = 0, next_ms = excluded.next_ms, message = NULL,
                   old = CASE WHEN excluded.change = 'delete' THEN coalesce(excluded.old, old) ELSE coalesce(old, excluded.old) END,
                   created = excluded.created, generation = generation + 1",
            )?
            .execute(params![mapping, kind, object_id, title, change.as_str(), now_ms, old, at])?;
        Ok(())
    }

    /// Removes a delivered row, unless the object changed again since it was read, and notes the outcome.
    pub fn delivered(&self, row: &QueueRow, message: &str, at: &str) -> Result<(), StoreError> {
        self.connection
            .prepare_cached("DELETE FROM queue WHERE seq = ?1 AND generation = ?2")?
            .execute([row.seq, row.generation])?;
        self.put_sync_result(row, true, message, at)
    }

    /// Where the object of a row that is about to be noted as delivered changed again meanwhile: the change that waits is one from
    /// what was `carried`, no longer from before the first of them, and no longer a new object's.
    pub fn goes_on_from(&self, row: &QueueRow, carried: Option<&Attributes>) -> Result<(), StoreError> {
        if row.change == QueueChange::Delete {
            return Ok(());
        }
        let carried = carried.map(serde_json::to_string).transpose().map_err(StoreError::damaged)?;
        self.connection
            .prepare_cached(
                "UPDATE queue SET change = 'update', old = coalesce(?4, old)
                 WHERE seq = ?1 AND generation <> ?2 AND change IN ('update', ?3)",
            )?
            .execute(params![row.seq, row.generation, row.change.as_str(), carried])?;
        Ok(())
    }

    /// Notes a failed try: when to try again, or that a person has to. A change that arrived meanwhile stays due.
    pub fn not_delivered(
        &self,
        row: &QueueRow,
        next_ms: Option<i64>,
        message: &str,
        at: &str,
    ) -> Result<(), StoreError> {
        self.connection.execute(
            "UPDATE queue SET attempts = attempts + 1, state = ?2, next_ms = ?3, message = ?4 WHERE seq = ?1 AND generation = ?5",
            params![
                row.seq,
                if next_ms.is_some() { "waiting" } else { "failed" },
                next_ms.unwrap_or(row.next_ms),
                message,
                row.generation
            ],
        )?;
        self.put_sync_result(row, false, message, at)
    }

    fn put_sync_result(&self, row: &QueueRow, ok: bool, message: &str, at: &str) -> Result<(), StoreError> {
        self.connection.execute(
            "INSERT INTO sync_result (type, object_id, mapping, ok, message, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (type, object_id, mapping) DO UPDATE SET ok = excluded.ok, message = excluded.message, at = excluded.at",
            params![row.kind, row.object_id, row.mapping, ok, message, at],
        )?;
        Ok(())
    }

    /// Makes a row due at once, or all rows.
    pub fn retry_queue(&self, seq: Option<i64>, now_ms: i64) -> Result<(), StoreError> {
        let changed = self.connection.execute(
            "UPDATE queue SET state = 'waiting', attempts = 0, next_ms = ?2 WHERE ?1 IS NULL OR seq = ?1",
            params![seq, now_ms],
        )?;
        match (seq, changed) {
            (Some(seq), 0) => Err(StoreError::not_found(format!("queue row {seq}"))),
            _ => Ok(()),
        }
    }

    /// Drops a row.
    pub fn discard_queue(&self, seq: i64) -> Result<(), StoreError> {
        match self.connection.execute("DELETE FROM queue WHERE seq = ?1", [seq])? {
            0 => Err(StoreError::new(ErrorKind::NotFound, format!("there is no queue row {seq}"))),
            _ => Ok(()),
        }
    }
}
