//! The entries of a run: its plan, and once carried out, its outcome.

use std::collections::HashMap;

use model::{Action, Attributes, Situation};
use rusqlite::{OptionalExtension, Row, params, params_from_iter, types::Value as Sql};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    Hash, InboxKind, Page, Reader, StoreError, Writer,
    limit::{one_more, rows_at_most},
    links::attributes,
};

/// How an entry stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum EntryStatus {
    /// To be carried out.
    Planned,
    /// Carried out.
    Done,
    /// Could not be carried out or judged.
    Failed,
    /// Not carried out, because the target has changed since it was planned.
    Stale,
    /// Nothing was to be done.
    Skipped,
    /// A person has to decide (EXCEPTION).
    NeedsYou,
}

impl EntryStatus {
    const ALL: [Self; 6] =
        [Self::Planned, Self::Done, Self::Failed, Self::Stale, Self::Skipped, Self::NeedsYou];

    /// The word in which it is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Stale => "stale",
            Self::Skipped => "skipped",
            Self::NeedsYou => "needsYou",
        }
    }

    fn parse(text: &str) -> Result<Self, StoreError> {
        Self::ALL
            .into_iter()
            .find(|s| s.as_str() == text)
            .ok_or_else(|| StoreError::damaged(format!("entry status {text}")))
    }
}

/// One attribute that changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoredChange {
    /// The target attribute.
    pub attribute: String,
    /// The value before.
    pub before: Value,
    /// The value after.
    pub after: Value,
}

/// One record of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its number in the run.
    pub seq: i64,
    /// How the record stands.
    pub situation: Situation,
    /// What is done about it.
    pub action: Action,
    /// How far that is.
    pub status: EntryStatus,
    /// `source` or `target`: the phase that judged it.
    pub phase: &'static str,
    /// The link qualifier under which it was judged.
    pub qualifier: String,
    /// The mapping's policy that decided, counted from 0; `None` for the default action.
    pub policy: Option<i64>,
    /// A short name for people.
    pub title: String,
    /// The source record.
    pub source_id: Option<String>,
    /// The target record.
    pub target_id: Option<String>,
    /// The targets it might belong to.
    pub ambiguous: Vec<String>,
    /// What changes.
    pub changes: Vec<StoredChange>,
    /// Why, in words.
    pub reason: String,
    /// What to do about it.
    pub remedy: Option<String>,
    /// What this record would claim as its own; two records of one run with the same claim are AMBIGUOUS.
    pub claim: Option<String>,
    /// The source as planned.
    pub source_hash: Option<Hash>,
    /// The target as planned.
    pub target_hash: Option<Hash>,
    /// The source's mapped values, to become the link's base.
    pub base: Option<Attributes>,
    /// What a person is asked about it.
    pub question: Option<Question>,
}

/// What a person is asked about a record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Question {
    /// What kind of question.
    pub kind: InboxKind,
    /// What there is to choose from.
    pub detail: Value,
}

/// Which entries.
#[derive(Debug, Clone, Default)]
pub struct EntryFilter {
    /// Only this situation.
    pub situation: Option<Situation>,
    /// Only this action.
    pub action: Option<Action>,
    /// Only this status.
    pub status: Option<EntryStatus>,
    /// Only records whose title, ids or reason contain this.
    pub search: Option<String>,
    /// After this number.
    pub after: i64,
    /// Most entries in the page.
    pub limit: usize,
}

const COLUMNS: &str =
    "seq, situation, action, status, phase, title, source_id, target_id, ambiguous, changes, reason, remedy,
                       claim, source_hash, target_hash, base, qualifier, policy, question";

fn from_row(row: &Row<'_>) -> Result<Entry, StoreError> {
    let word = |i: usize| -> Result<String, StoreError> { Ok(row.get(i)?) };
    let list = |text: Option<String>| text.and_then(|t| serde_json::from_str(&t).ok()).unwrap_or_default();
    let changes: Option<String> = row.get(9)?;
    Ok(Entry {
        seq: row.get(0)?,
        situation: word(1)?.parse().map_err(StoreError::damaged)?,
        action: word(2)?.parse().map_err(StoreError::damaged)?,
        status: EntryStatus::parse(&word(3)?)?,
        phase: if word(4)? == "target" { "target" } else { "source" },
        title: row.get(5)?,
        source_id: row.get(6)?,
        target_id: row.get(7)?,
        ambiguous: list(row.get(8)?),
        changes: changes.map_or(Ok(Vec::new()), |t| serde_json::from_str(&t)).map_err(StoreError::damaged)?,
        reason: row.get(10)?,
        remedy: row.get(11)?,
        claim: row.get(12)?,
        source_hash: row.get(13)?,
        target_hash: row.get(14)?,
        base: attributes(row.get(15)?),
        qualifier: row.get(16)?,
        policy: row.get(17)?,
        question: row
            .get::<_, Option<String>>(18)?
            .map(|text| serde_json::from_str(&text))
            .transpose()
            .map_err(StoreError::damaged)?,
    })
}

fn selection(run: i64, filter: &EntryFilter) -> (String, Vec<Sql>) {
    let mut sql = "run = ?".to_owned();
    let mut values = vec![Sql::Integer(run)];
    let words = [
        ("situation", filter.situation.map(Situation::as_str)),
        ("action", filter.action.map(Action::as_str)),
        ("status", filter.status.map(EntryStatus::as_str)),
    ];
    for (column, word) in words {
        if let Some(word) = word {
            sql.push_str(&format!(" AND {column} = ?"));
            values.push(Sql::Text(word.into()));
        }
    }
    if let Some(text) = filter.search.as_deref().filter(|t| !t.trim().is_empty()) {
        let columns = ["title", "reason", "source_id", "target_id", "changes"];
        let any: Vec<String> = columns.iter().map(|c| format!("instr(lower({c}), lower(?)) > 0")).collect();
        sql.push_str(&format!(" AND ({})", any.join(" OR ")));
        values.extend(columns.iter().map(|_| Sql::Text(text.trim().to_owned())));
    }
    (sql, values)
}

/// A reason without what is particular to one record: values in double quotes, e-mail addresses, numbers and ids. Names in
/// backticks stay, because they say what is at fault.
fn cause(reason: &str) -> String {
    let mut text = String::with_capacity(reason.len());
    let mut outside = true;
    for (i, part) in reason.split('"').enumerate() {
        outside = i % 2 == 0;
        text.push_str(if outside { part } else { "\"…\"" });
    }
    if !outside {
        // A quotation mark that stands alone quotes nothing.
        return reason.to_owned();
    }
    let mut named = false;
    let words: Vec<String> = text
        .split(' ')
        .map(|word| {
            let keep = named || word.contains('`');
            if word.matches('`').count() % 2 == 1 {
                named = !named;
            }
            let core = word.trim_matches(|c: char| !c.is_alphanumeric());
            let digits = core.chars().filter(char::is_ascii_digit).count();
            let particular = core.contains('@') || (digits > 3 && digits * 3 >= core.len());
            if keep || !particular { word.to_owned() } else { word.replace(core, "…") }
        })
        .collect();
    words.join(" ")
}

impl Reader<'_> {
    /// A page of entries in order.
    pub fn entries(&self, run: i64, filter: &EntryFilter) -> Result<Page<Entry>, StoreError> {
        let (mut sql, mut values) = selection(run, filter);
        sql.push_str(" AND seq > ?");
        values.extend([Sql::Integer(filter.after), Sql::Integer(one_more(filter.limit))]);
        let sql = format!("SELECT {COLUMNS} FROM run_entry WHERE {sql} ORDER BY seq LIMIT ?");
        let mut statement = self.connection.prepare_cached(&sql)?;
        let mut found = statement.query(params_from_iter(values))?;
        let mut rows = Vec::new();
        while let Some(row) = found.next()? {
            rows.push(from_row(row)?);
        }
        let more = rows.len() > filter.limit;
        rows.truncate(filter.limit);
        let next = rows.last().filter(|_| more).map(|last| last.seq.to_string());
        Ok(Page { rows, next })
    }

    /// How many entries match.
    pub fn entry_count(&self, run: i64, filter: &EntryFilter) -> Result<u64, StoreError> {
        let (sql, values) = selection(run, filter);
        let sql = format!("SELECT count(*) FROM run_entry WHERE {sql}");
        let count: i64 =
            self.connection.prepare_cached(&sql)?.query_row(params_from_iter(values), |row| row.get(0))?;
        Ok(count.max(0) as u64)
    }

    /// Counts by (situation, action, status).
    pub fn entry_counts(&self, run: i64) -> Result<Vec<(Situation, Action, EntryStatus, u64)>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT situation, action, status, count(*) FROM run_entry WHERE run = ?1 GROUP BY situation, action, status",
        )?;
        let mut rows = statement.query([run])?;
        let mut counts = Vec::new();
        while let Some(row) = rows.next()? {
            counts.push((
                row.get::<_, String>(0)?.parse().map_err(StoreError::damaged)?,
                row.get::<_, String>(1)?.parse().map_err(StoreError::damaged)?,
                EntryStatus::parse(&row.get::<_, String>(2)?)?,
                row.get::<_, i64>(3)?.max(0) as u64,
            ));
        }
        Ok(counts)
    }

    /// The causes of failed entries with their counts, commonest first: their reasons without what is particular to a record.
    pub fn failure_causes(&self, run: i64, limit: usize) -> Result<Vec<(String, u64)>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT reason, count(*) FROM run_entry WHERE run = ?1 AND status = 'failed' GROUP BY reason",
        )?;
        let mut rows = statement.query([run])?;
        let mut causes: HashMap<String, u64> = HashMap::new();
        while let Some(row) = rows.next()? {
            let (reason, n): (String, i64) = (row.get(0)?, row.get(1)?);
            *causes.entry(cause(&reason)).or_default() += n.max(0) as u64;
        }
        let mut causes: Vec<(String, u64)> = causes.into_iter().collect();
        causes.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        causes.truncate(limit);
        Ok(causes)
    }

    /// The next entries to carry out for one action.
    pub fn planned(
        &self,
        run: i64,
        action: Action,
        after: i64,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        let filter = EntryFilter {
            action: Some(action),
            status: Some(EntryStatus::Planned),
            after,
            limit,
            ..EntryFilter::default()
        };
        Ok(self.entries(run, &filter)?.rows)
    }

    /// The next entries that ask a person something.
    pub fn questions(&self, run: i64, after: i64, limit: usize) -> Result<Vec<Entry>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM run_entry WHERE run = ?1 AND seq > ?2 AND question IS NOT NULL ORDER BY seq LIMIT ?3"
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        let mut found = statement.query(params![run, after, rows_at_most(limit)])?;
        let mut rows = Vec::new();
        while let Some(row) = found.next()? {
            rows.push(from_row(row)?);
        }
        Ok(rows)
    }

    /// The sources of a run whose records could not be judged or carried out, or wait for a person.
    pub fn unfinished_sources(&self, run: i64) -> Result<Vec<String>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT DISTINCT source_id FROM run_entry
             WHERE run = ?1 AND status IN ('failed', 'stale', 'planned', 'needsYou') AND source_id IS NOT NULL",
        )?;
        let rows = statement.query_map([run], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// One entry.
    pub fn entry(&self, run: i64, seq: i64) -> Result<Option<Entry>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM run_entry WHERE run = ?1 AND seq = ?2");
        let mut statement = self.connection.prepare_cached(&sql)?;
        let mut rows = statement.query(params![run, seq])?;
        rows.next()?.map(from_row).transpose()
    }

    /// Whether an earlier record of the run already has this target.
    pub fn target_taken(&self, run: i64, target_id: &str) -> Result<bool, StoreError> {
        Ok(self
            .connection
            .prepare_cached("SELECT 1 FROM run_entry WHERE run = ?1 AND target_id = ?2 LIMIT 1")?
            .query_row(params![run, target_id], |_| Ok(()))
            .optional()?
            .is_some())
    }
}

impl Writer<'_> {
    /// Adds entries to a run.
    pub fn add_entries(&self, run: i64, entries: &[Entry]) -> Result<(), StoreError> {
        let mut statement = self.connection.prepare_cached(
            "INSERT INTO run_entry (run, seq, situation, action, status, phase, qualifier, title, source_id, target_id, ambiguous,
               changes, reason, remedy, claim, source_hash, target_hash, base, policy, question)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?18, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?19, ?20)",
        )?;
        let mut claims = self
            .connection
            .prepare_cached("INSERT OR IGNORE INTO run_claim (run, target_id) VALUES (?1, ?2)")?;
        for e in entries {
            let json = |empty: bool, value: &dyn Fn() -> serde_json::Result<String>| {
                if empty { Ok(None) } else { value().map(Some).map_err(StoreError::damaged) }
            };
            statement.execute(params![
                run,
                e.seq,
                e.situation.as_str(),
                e.action.as_str(),
                e.status.as_str(),
                e.phase,
                e.title,
                e.source_id,
                e.target_id,
                json(e.ambiguous.is_empty(), &|| serde_json::to_string(&e.ambiguous))?,
                json(e.changes.is_empty(), &|| serde_json::to_string(&e.changes))?,
                e.reason,
                e.remedy,
                e.claim,
                e.source_hash,
                e.target_hash,
                json(e.base.is_none(), &|| serde_json::to_string(&e.base))?,
                e.qualifier,
                e.policy,
                json(e.question.is_none(), &|| serde_json::to_string(&e.question))?,
            ])?;
            for id in &e.ambiguous {
                claims.execute(params![run, id])?;
            }
        }
        Ok(())
    }

    /// Writes how an entry ended.
    pub fn settle_entry(
        &self,
        run: i64,
        seq: i64,
        status: EntryStatus,
        target_id: Option<&str>,
        reason: Option<&str>,
        remedy: Option<&str>,
    ) -> Result<(), StoreError> {
        self.connection
            .prepare_cached(
                "UPDATE run_entry SET status = ?3, target_id = coalesce(?4, target_id), reason = coalesce(?5, reason),
                   remedy = coalesce(?6, remedy) WHERE run = ?1 AND seq = ?2",
            )?
            .execute(params![run, seq, status.as_str(), target_id, reason, remedy])?;
        Ok(())
    }

    /// Turns an entry into another action on another target, still to be carried out.
    pub fn redirect_entry(
        &self,
        run: i64,
        seq: i64,
        situation: Situation,
        action: Action,
        target_id: &str,
        reason: &str,
    ) -> Result<(), StoreError> {
        self.connection
            .prepare_cached(
                "UPDATE run_entry SET situation = ?3, action = ?4, target_id = ?5, reason = ?6, target_hash = NULL
                 WHERE run = ?1 AND seq = ?2",
            )?
            .execute(params![run, seq, situation.as_str(), action.as_str(), target_id, reason])?;
        Ok(())
    }

    /// The entries whose claim another entry of the run shares, and with how many.
    pub fn shared_claims(&self, run: i64) -> Result<Vec<(i64, String, u64)>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT e.seq, e.claim, c.n FROM run_entry e
             JOIN (SELECT claim, qualifier, count(*) AS n FROM run_entry WHERE run = ?1 AND claim IS NOT NULL
                   GROUP BY claim, qualifier HAVING count(*) > 1) c
               ON c.claim = e.claim AND c.qualifier = e.qualifier
             WHERE e.run = ?1 ORDER BY e.seq",
        )?;
        let rows = statement
            .query_map([run], |row| Ok((row.get(0)?, row.get(1)?, row.get::<_, i64>(2)?.max(0) as u64)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Makes an entry AMBIGUOUS. Its target becomes one that it might belong to: nobody's, but accounted for.
    pub fn make_ambiguous(
        &self,
        run: i64,
        seq: i64,
        action: Action,
        status: EntryStatus,
        reason: &str,
    ) -> Result<(), StoreError> {
        self.connection
            .prepare_cached(
                "INSERT OR IGNORE INTO run_claim (run, target_id)
                 SELECT run, target_id FROM run_entry WHERE run = ?1 AND seq = ?2 AND target_id IS NOT NULL",
            )?
            .execute([run, seq])?;
        self.connection
            .prepare_cached(
                "UPDATE run_entry SET situation = 'AMBIGUOUS', action = ?3, status = ?4, reason = ?5, target_id = NULL,
                   ambiguous = coalesce(ambiguous, CASE WHEN target_id IS NOT NULL THEN json_array(target_id) END)
                 WHERE run = ?1 AND seq = ?2",
            )?
            .execute(params![run, seq, action.as_str(), status.as_str(), reason])?;
        Ok(())
    }

    /// Removes all entries of a run, for one that plans again.
    pub fn clear_entries(&self, run: i64) -> Result<(), StoreError> {
        self.connection.execute("DELETE FROM run_entry WHERE run = ?1", [run])?;
        self.connection.execute("DELETE FROM run_claim WHERE run = ?1", [run])?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::cause;

    #[test]
    fn causes_leave_out_what_is_particular() {
        for (reason, expect) in [
            ("HubSpot property `x1234` does not exist", "HubSpot property `x1234` does not exist"),
            (
                "property `phone`: \"12 monkeys\" is no valid phone number",
                "property `phone`: \"…\" is no valid phone number",
            ),
            ("Contact 501234 has ann@example.com already.", "Contact … has … already."),
            ("its user record 019a1fe7-18a7-79f6-9c05-e626b5e4d84a is gone", "its user record … is gone"),
            ("3 user records match", "3 user records match"),
            ("a lone \" quotes nothing 12345", "a lone \" quotes nothing 12345"),
            ("", ""),
        ] {
            assert_eq!(cause(reason), expect, "{reason}");
        }
    }
}
