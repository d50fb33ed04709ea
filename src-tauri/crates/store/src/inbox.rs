//! The inbox: what only a person can decide, one row per question, wherever it came up.

use rusqlite::{OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Page, Reader, StoreError, Writer, limit::one_more};

/// What the question is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum InboxKind {
    /// Several targets match, or several sources claim the same one.
    Ambiguous,
    /// Both sides changed and the mapping says to ask.
    Conflict,
    /// The linked target is gone, and another record matches.
    Relink,
    /// The linked target is gone, and no other record can take its place.
    TargetGone,
    /// The linked source is gone.
    SourceGone,
    /// The target that matches is linked to another source.
    AlreadyLinked,
}

impl InboxKind {
    const ALL: [Self; 6] = [
        Self::Ambiguous,
        Self::Conflict,
        Self::Relink,
        Self::TargetGone,
        Self::SourceGone,
        Self::AlreadyLinked,
    ];

    /// The word in which it is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ambiguous => "ambiguous",
            Self::Conflict => "conflict",
            Self::Relink => "relink",
            Self::TargetGone => "targetGone",
            Self::SourceGone => "sourceGone",
            Self::AlreadyLinked => "alreadyLinked",
        }
    }

    fn parse(text: &str) -> Result<Self, StoreError> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| StoreError::damaged(format!("inbox kind {text}")))
    }
}

/// A question to put into the inbox.
#[derive(Debug, Clone, PartialEq)]
pub struct NewInboxRow {
    /// The mapping.
    pub mapping: String,
    /// The link qualifier.
    pub qualifier: String,
    /// The source record.
    pub source_id: String,
    /// What is asked.
    pub kind: InboxKind,
    /// A short name for people.
    pub title: String,
    /// The target record, where there is one.
    pub target_id: Option<String>,
    /// What there is to choose from: target ids, or attributes with both values.
    pub detail: Value,
    /// Why, in words.
    pub reason: String,
}

/// A question in the inbox.
#[derive(Debug, Clone, PartialEq)]
pub struct InboxRow {
    /// Its number.
    pub seq: i64,
    /// The question.
    pub question: NewInboxRow,
    /// The run that found it last; `None` for an implicit sync.
    pub run: Option<i64>,
    /// When it came up.
    pub created: String,
    /// When it was found again last.
    pub updated: String,
}

const COLUMNS: &str =
    "seq, mapping, qualifier, source_id, kind, title, target_id, detail, reason, run, created, updated";

fn from_row(row: &Row<'_>) -> Result<InboxRow, StoreError> {
    Ok(InboxRow {
        seq: row.get(0)?,
        question: NewInboxRow {
            mapping: row.get(1)?,
            qualifier: row.get(2)?,
            source_id: row.get(3)?,
            kind: InboxKind::parse(&row.get::<_, String>(4)?)?,
            title: row.get(5)?,
            target_id: row.get(6)?,
            detail: serde_json::from_str(&row.get::<_, String>(7)?).map_err(StoreError::damaged)?,
            reason: row.get(8)?,
        },
        run: row.get(9)?,
        created: row.get(10)?,
        updated: row.get(11)?,
    })
}

impl Reader<'_> {
    /// Open questions, oldest first.
    pub fn inbox(
        &self,
        mapping: Option<&str>,
        after: i64,
        limit: usize,
    ) -> Result<Page<InboxRow>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM inbox WHERE seq > ?1 AND (?2 IS NULL OR mapping = ?2) ORDER BY seq LIMIT ?3"
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        let mut found = statement.query(params![after, mapping, one_more(limit)])?;
        let mut rows = Vec::new();
        while let Some(row) = found.next()? {
            rows.push(from_row(row)?);
        }
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| more).map(|last: &InboxRow| last.seq.to_string());
        Ok(Page { rows, next })
    }

    /// How many questions are open.
    pub fn inbox_count(&self) -> Result<u64, StoreError> {
        let count: i64 =
            self.connection.prepare_cached("SELECT count(*) FROM inbox")?.query_row([], |row| row.get(0))?;
        Ok(count.max(0) as u64)
    }

    /// One question.
    pub fn inbox_row(&self, seq: i64) -> Result<Option<InboxRow>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM inbox WHERE seq = ?1");
        let mut statement = self.connection.prepare_cached(&sql)?;
        let mut rows = statement.query([seq])?;
        rows.next()?.map(from_row).transpose()
    }
}

impl Writer<'_> {
    /// Puts a question into the inbox, or renews the one that is there.
    pub fn ask(&self, question: &NewInboxRow, run: Option<i64>, at: &str) -> Result<(), StoreError> {
        self.connection
            .prepare_cached(
                "INSERT INTO inbox (mapping, qualifier, source_id, kind, title, target_id, detail, reason, run, created, updated)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10)
                 ON CONFLICT (mapping, source_id, qualifier, kind) DO UPDATE SET
                   title = excluded.title, target_id = excluded.target_id, detail = excluded.detail,
                   reason = excluded.reason, run = excluded.run, updated = excluded.updated",
            )?
            .execute(params![
                question.mapping,
                question.qualifier,
                question.source_id,
                question.kind.as_str(),
                question.title,
                question.target_id,
                question.detail.to_string(),
                question.reason,
                run,
                at
            ])?;
        Ok(())
    }

    /// Removes the questions about a source, which has been judged anew.
    pub fn answered(&self, mapping: &str, source_id: &str) -> Result<(), StoreError> {
        self.connection
            .prepare_cached("DELETE FROM inbox WHERE mapping = ?1 AND source_id = ?2")?
            .execute([mapping, source_id])?;
        Ok(())
    }

    /// Removes the questions of a mapping that a complete run did not find again.
    pub fn forget_questions(&self, mapping: &str, run: i64) -> Result<(), StoreError> {
        self.connection
            .prepare_cached("DELETE FROM inbox WHERE mapping = ?1 AND run IS NOT ?2")?
            .execute(params![mapping, run])?;
        Ok(())
    }

    /// Puts a question of a plan that was made some time ago into the inbox, unless somebody has looked at the record since
    /// and asked the same: a later run, or an implicit sync.
    pub fn ask_late(&self, question: &NewInboxRow, run: i64, at: &str) -> Result<(), StoreError> {
        let asked = self
            .connection
            .prepare_cached(
                "SELECT 1 FROM inbox WHERE mapping = ?1 AND source_id = ?2 AND qualifier = ?3 AND kind = ?4
                 AND (run IS NULL OR run > ?5)",
            )?
            .exists(params![
                question.mapping,
                question.source_id,
                question.qualifier,
                question.kind.as_str(),
                run
            ])?;
        if asked { Ok(()) } else { self.ask(question, Some(run), at) }
    }

    /// Removes the questions of a mapping that runs before this one asked and that its plan, which looked at every record, did
    /// not find again.
    pub fn forget_earlier_questions(&self, mapping: &str, run: i64) -> Result<(), StoreError> {
        self.connection
            .prepare_cached("DELETE FROM inbox WHERE mapping = ?1 AND run < ?2")?
            .execute(params![mapping, run])?;
        Ok(())
    }

    /// Removes those about one source.
    pub fn forget_earlier_questions_about(
        &self,
        mapping: &str,
        source_id: &str,
        run: i64,
    ) -> Result<(), StoreError> {
        self.connection
            .prepare_cached("DELETE FROM inbox WHERE mapping = ?1 AND source_id = ?2 AND run < ?3")?
            .execute(params![mapping, source_id, run])?;
        Ok(())
    }

    /// Removes one question.
    pub fn close_question(&self, seq: i64) -> Result<bool, StoreError> {
        let removed: Option<i64> = self
            .connection
            .prepare_cached("DELETE FROM inbox WHERE seq = ?1 RETURNING seq")?
            .query_row([seq], |row| row.get(0))
            .optional()?;
        Ok(removed.is_some())
    }
}
