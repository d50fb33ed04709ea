//! The entries of a run: its plan, and once carried out, its outcome.

use std::{
    collections::{HashMap, HashSet},
    hash::{DefaultHasher, Hash as _, Hasher as _},
};

use model::{Action, Attributes, Situation};
use rusqlite::{OptionalExtension, Row, params, params_from_iter, types::Value as Sql};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    Hash, InboxKind, Page, Reader, StoreError, Text, Writer,
    limit::{one_more, rows_at_most},
    texts::kept_changes,
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
    /// The target as planned. Of a record that is made again: the one that matches and is left alone.
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

/// A short key of a claim. Two equal claims under one qualifier have the same key; two others hardly ever.
pub fn claim_key(qualifier: &str, claim: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (qualifier, claim).hash(&mut hasher);
    hasher.finish()
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

const COLUMNS: &str = "e.seq, e.situation, e.action, e.status, e.phase, e.title, e.source_id, e.target_id, e.ambiguous, d.changes,
    e.reason, e.remedy, e.claim, e.source_hash, e.target_hash, d.base, e.qualifier, e.policy, e.question";

const TABLES: &str = "run_entry e LEFT JOIN run_entry_doc d ON d.run = e.run AND d.seq = e.seq";

/// A status, an action and a situation that entries of a run share: what leads to them in the order of their numbers.
#[derive(Debug, Clone, Default)]
struct Facet {
    status: String,
    action: String,
    situation: String,
}

impl Facet {
    fn meets(&self, filter: &EntryFilter) -> bool {
        filter.status.is_none_or(|s| s.as_str() == self.status)
            && filter.action.is_none_or(|a| a.as_str() == self.action)
            && filter.situation.is_none_or(|s| s.as_str() == self.situation)
    }
}

fn from_row(row: &Row<'_>) -> Result<Entry, StoreError> {
    let word = |i: usize| row.get_ref(i)?.as_str().map_err(StoreError::damaged);
    let list = |text: Option<&str>| text.and_then(|t| serde_json::from_str(t).ok()).unwrap_or_default();
    let text = |i: usize| row.get_ref(i)?.as_str_or_null().map_err(StoreError::damaged);
    let changes = text(9)?;
    Ok(Entry {
        seq: row.get(0)?,
        situation: word(1)?.parse().map_err(StoreError::damaged)?,
        action: word(2)?.parse().map_err(StoreError::damaged)?,
        status: EntryStatus::parse(word(3)?)?,
        phase: if word(4)? == "target" { "target" } else { "source" },
        title: row.get(5)?,
        source_id: row.get(6)?,
        target_id: row.get(7)?,
        ambiguous: list(text(8)?),
        changes: changes.map_or(Ok(Vec::new()), kept_changes)?,
        reason: row.get(10)?,
        remedy: row.get(11)?,
        claim: row.get(12)?,
        source_hash: row.get(13)?,
        target_hash: row.get(14)?,
        base: text(15)?.and_then(|t| serde_json::from_str(t).ok()),
        qualifier: row.get(16)?,
        policy: row.get(17)?,
        question: text(18)?.map(serde_json::from_str).transpose().map_err(StoreError::damaged)?,
    })
}

impl EntryFilter {
    fn has_facets(&self) -> bool {
        self.status.is_some() || self.action.is_some() || self.situation.is_some()
    }

    fn words(&self) -> Option<&str> {
        self.search.as_deref().map(str::trim).filter(|text| !text.is_empty())
    }
}

/// Whether an entry contains the text that is bound five times.
const CONTAINS: &str = "holds_words(?, e.title, e.reason, e.source_id, e.target_id, d.changes)";

/// Entries looked through at a time for words.
const LOOKED_THROUGH: usize = 500;

/// Why entries failed, and how many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailureCause {
    /// The reason, without what is particular to a record.
    pub reason: String,
    /// What to do about it, where that is known.
    pub remedy: Option<String>,
    /// How many entries.
    pub count: u64,
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
        let mut rows = if !filter.has_facets() {
            self.entries_in_order(run, filter)?
        } else if let Some(words) = filter.words() {
            self.entries_containing(run, filter, words)?
        } else {
            let wanted = filter.limit.saturating_add(1);
            self.entries_of(run, &self.facets(run, filter)?, filter.after, wanted)?
        };
        let more = rows.len() > filter.limit;
        rows.truncate(filter.limit);
        let next = rows.last().filter(|_| more).map(|last| last.seq.to_string());
        Ok(Page { rows, next })
    }

    fn entries_in_order(&self, run: i64, filter: &EntryFilter) -> Result<Vec<Entry>, StoreError> {
        let mut values = vec![Sql::Integer(run), Sql::Integer(filter.after)];
        let mut sql = format!("SELECT {COLUMNS} FROM {TABLES} WHERE e.run = ? AND e.seq > ?");
        if let Some(words) = filter.words() {
            sql.push_str(&format!(" AND {CONTAINS}"));
            values.push(Sql::Text(words.to_owned()));
        }
        sql.push_str(" ORDER BY e.seq LIMIT ?");
        values.push(Sql::Integer(one_more(filter.limit)));
        self.entries_by(&sql, params_from_iter(values))
    }

    fn entries_containing(
        &self,
        run: i64,
        filter: &EntryFilter,
        words: &str,
    ) -> Result<Vec<Entry>, StoreError> {
        let facets = self.facets(run, filter)?;
        let (mut found, mut after) = (Vec::new(), filter.after);
        let sql = format!("SELECT 1 FROM {TABLES} WHERE e.run = ? AND e.seq = ? AND {CONTAINS}");
        let mut contains = self.connection.prepare_cached(&sql)?;
        while found.len() <= filter.limit {
            let entries = self.entries_of(run, &facets, after, LOOKED_THROUGH)?;
            let Some(last) = entries.last() else { break };
            after = last.seq;
            for entry in entries {
                if contains.exists(params![run, entry.seq, words])? {
                    found.push(entry);
                }
            }
        }
        Ok(found)
    }

    /// The first entries of these facets after a number, in order.
    fn entries_of(
        &self,
        run: i64,
        facets: &[Facet],
        after: i64,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        const IN_FACET: &str =
            "e.run = ?1 AND e.status = ?2 AND e.action = ?3 AND e.situation = ?4 AND e.seq > ?5";
        if let [only] = facets {
            let sql = format!("SELECT {COLUMNS} FROM {TABLES} WHERE {IN_FACET} ORDER BY e.seq LIMIT ?6");
            let values = params![run, only.status, only.action, only.situation, after, rows_at_most(limit)];
            return self.entries_by(&sql, values);
        }
        let sql = format!("SELECT e.seq FROM run_entry e WHERE {IN_FACET} ORDER BY e.seq LIMIT ?6");
        let mut statement = self.connection.prepare_cached(&sql)?;
        let mut seqs = Vec::new();
        for facet in facets {
            let values =
                params![run, facet.status, facet.action, facet.situation, after, rows_at_most(limit)];
            for seq in statement.query_map(values, |row| row.get::<_, i64>(0))? {
                seqs.push(seq?);
            }
        }
        seqs.sort_unstable();
        seqs.truncate(limit);
        seqs.into_iter().filter_map(|seq| self.entry(run, seq).transpose()).collect()
    }

    fn entries_by(&self, sql: &str, values: impl rusqlite::Params) -> Result<Vec<Entry>, StoreError> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut found = statement.query(values)?;
        let mut rows = Vec::new();
        while let Some(row) = found.next()? {
            rows.push(from_row(row)?);
        }
        Ok(rows)
    }

    /// The facets of a run that meet a filter: a few steps in the index for each, however many entries it has.
    fn facets(&self, run: i64, filter: &EntryFilter) -> Result<Vec<Facet>, StoreError> {
        let next = |sql: &str, values: &[&dyn rusqlite::ToSql]| -> Result<Option<String>, StoreError> {
            Ok(self.connection.prepare_cached(sql)?.query_row(values, |row| row.get(0))?)
        };
        let mut facets = Vec::new();
        let mut last = Facet::default();
        while let Some(status) =
            next("SELECT min(status) FROM run_entry WHERE run = ?1 AND status > ?2", &[&run, &last.status])?
        {
            last = Facet { status, ..Facet::default() };
            if filter.status.is_some_and(|wanted| wanted.as_str() != last.status) {
                continue;
            }
            while let Some(action) = next(
                "SELECT min(action) FROM run_entry WHERE run = ?1 AND status = ?2 AND action > ?3",
                &[&run, &last.status, &last.action],
            )? {
                last = Facet { action, situation: String::new(), ..last };
                while let Some(situation) = next(
                    "SELECT min(situation) FROM run_entry WHERE run = ?1 AND status = ?2 AND action = ?3 AND situation > ?4",
                    &[&run, &last.status, &last.action, &last.situation],
                )? {
                    last.situation = situation;
                    if last.meets(filter) {
                        facets.push(last.clone());
                    }
                }
            }
        }
        Ok(facets)
    }

    /// How many entries match.
    pub fn entry_count(&self, run: i64, filter: &EntryFilter) -> Result<u64, StoreError> {
        if let Some(words) = filter.words() {
            return self.count_containing(run, filter, words);
        }
        if !filter.has_facets() {
            let sql = "SELECT count(*) FROM run_entry WHERE run = ?1";
            return self.count(sql, [run]);
        }
        let sql = "SELECT count(*) FROM run_entry WHERE run = ?1 AND status = ?2 AND action = ?3 AND situation = ?4";
        self.facets(run, filter)?
            .iter()
            .map(|facet| self.count(sql, params![run, facet.status, facet.action, facet.situation]))
            .sum()
    }

    fn count_containing(&self, run: i64, filter: &EntryFilter, words: &str) -> Result<u64, StoreError> {
        let mut sql = format!("SELECT count(*) FROM {TABLES} WHERE e.run = ?");
        let mut values = vec![Sql::Integer(run)];
        let facets = [
            ("e.status", filter.status.map(EntryStatus::as_str)),
            ("e.action", filter.action.map(Action::as_str)),
            ("e.situation", filter.situation.map(Situation::as_str)),
        ];
        for (column, word) in facets {
            if let Some(word) = word {
                sql.push_str(&format!(" AND {column} = ?"));
                values.push(Sql::Text(word.into()));
            }
        }
        sql.push_str(&format!(" AND {CONTAINS}"));
        values.push(Sql::Text(words.to_owned()));
        self.count(&sql, params_from_iter(values))
    }

    fn count(&self, sql: &str, values: impl rusqlite::Params) -> Result<u64, StoreError> {
        let count: i64 = self.connection.prepare_cached(sql)?.query_row(values, |row| row.get(0))?;
        Ok(count.max(0) as u64)
    }

    /// Counts by (situation, action, status).
    pub fn entry_counts(&self, run: i64) -> Result<Vec<(Situation, Action, EntryStatus, u64)>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT situation, action, status, count(*) FROM run_entry WHERE run = ?1 GROUP BY status, action, situation",
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

    /// How many of the updates that a run has carried out changed nothing and made a link alone.
    pub fn updates_without_changes(&self, run: i64) -> Result<u64, StoreError> {
        // A pair that is linked already has an entry only where something changes.
        let situations = Situation::ALL.iter().filter(|situation| **situation != Situation::Confirmed);
        let names: Vec<String> = situations.map(|situation| format!("'{situation}'")).collect();
        let sql = format!(
            "SELECT count(*) FROM run_entry e LEFT JOIN run_entry_doc d ON d.run = e.run AND d.seq = e.seq
             WHERE e.run = ?1 AND e.status = 'done' AND e.action = 'UPDATE' AND e.situation IN ({}) AND d.changes IS NULL",
            names.join(", ")
        );
        self.count(&sql, [run])
    }

    /// The causes of failed entries, commonest first: their reasons without what is particular to a record.
    pub fn failure_causes(&self, run: i64, limit: usize) -> Result<Vec<FailureCause>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT reason, count(*), max(remedy) FROM run_entry WHERE run = ?1 AND status = 'failed' GROUP BY reason",
        )?;
        let mut rows = statement.query([run])?;
        let mut causes: HashMap<String, FailureCause> = HashMap::new();
        while let Some(row) = rows.next()? {
            let (reason, n, remedy): (String, i64, Option<String>) = (row.get(0)?, row.get(1)?, row.get(2)?);
            let reason = cause(&reason);
            let found =
                causes.entry(reason.clone()).or_insert(FailureCause { reason, remedy: None, count: 0 });
            found.count += n.max(0) as u64;
            found.remedy = found.remedy.take().or(remedy);
        }
        let mut causes: Vec<FailureCause> = causes.into_values().collect();
        causes.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.reason.cmp(&b.reason)));
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
            "SELECT {COLUMNS} FROM {TABLES} WHERE e.run = ?1 AND e.seq > ?2 AND e.question IS NOT NULL ORDER BY e.seq LIMIT ?3"
        );
        self.entries_by(&sql, params![run, after, rows_at_most(limit)])
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
        let sql = format!("SELECT {COLUMNS} FROM {TABLES} WHERE e.run = ?1 AND e.seq = ?2");
        let mut statement = self.connection.prepare_cached(&sql)?;
        let mut rows = statement.query(params![run, seq])?;
        rows.next()?.map(from_row).transpose()
    }

    /// How an earlier record of the run stands that has this target, or has spoken for it. One that is to be made is nobody's
    /// target yet.
    pub fn target_taken(&self, run: i64, target_id: &str) -> Result<Option<EntryStatus>, StoreError> {
        let status = self
            .connection
            .prepare_cached(
                "SELECT status FROM run_entry WHERE run = ?1 AND target_id = ?2 AND action <> 'CREATE' LIMIT 1",
            )?
            .query_row(params![run, target_id], |row| row.get::<_, String>(0))
            .optional()?;
        if let Some(status) = status {
            return EntryStatus::parse(&status).map(Some);
        }
        let spoken_for = self
            .connection
            .prepare_cached("SELECT 1 FROM run_claim WHERE run = ?1 AND target_id = ?2")?
            .exists(params![run, target_id])?;
        Ok(spoken_for.then_some(EntryStatus::NeedsYou))
    }

    /// What was carried out of a run under a claim.
    pub fn done_for_claim(&self, run: i64, claim: &str) -> Result<Option<Entry>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM {TABLES} WHERE e.run = ?1 AND e.claim = ?2 AND e.status = 'done' ORDER BY e.seq LIMIT 1"
        );
        Ok(self.entries_by(&sql, params![run, claim])?.pop())
    }

    /// What a run does about a target that it finds there.
    pub fn entries_for_target(&self, run: i64, target_id: &str) -> Result<Vec<Entry>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM {TABLES} WHERE e.run = ?1 AND e.target_id = ?2 AND e.action <> 'CREATE' ORDER BY e.seq"
        );
        self.entries_by(&sql, params![run, target_id])
    }

    /// Whether another source of the run than this entry's is to have this target, or may have it once a person has decided.
    pub fn target_wanted(
        &self,
        run: i64,
        entry: i64,
        qualifier: &str,
        target_id: &str,
    ) -> Result<bool, StoreError> {
        // The first condition on the action is the index's.
        let sql = "SELECT 1 FROM run_entry WHERE run = ?1 AND target_id = ?2 AND action <> 'CREATE'
                     AND action NOT IN ('DELETE', 'UNLINK') AND status IN ('planned', 'done', 'needsYou')
                     AND seq <> ?3 AND qualifier = ?4 AND source_id IS NOT NULL";
        Ok(self.connection.prepare_cached(sql)?.exists(params![run, target_id, entry, qualifier])?)
    }
}

/// What an entry turned out to be while it was carried out.
#[derive(Debug, Clone, Copy)]
pub struct Redirect<'a> {
    /// How the record stands.
    pub situation: Situation,
    /// What was done.
    pub action: Action,
    /// To which target.
    pub target_id: &'a str,
    /// In words.
    pub reason: &'a str,
    /// What was changed of it.
    pub changes: &'a [StoredChange],
}

impl Writer<'_> {
    /// Adds entries to a run.
    pub fn add_entries(&self, run: i64, entries: &[Entry]) -> Result<(), StoreError> {
        let mut statement = self.connection.prepare_cached(
            "INSERT INTO run_entry (run, seq, situation, action, status, phase, qualifier, title, source_id, target_id, ambiguous,
               reason, remedy, claim, source_hash, target_hash, policy, question)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)",
        )?;
        let mut docs = self
            .connection
            .prepare_cached("INSERT INTO run_entry_doc (run, seq, changes, base) VALUES (?1, ?2, ?3, ?4)")?;
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
                e.qualifier,
                e.title,
                e.source_id,
                e.target_id,
                json(e.ambiguous.is_empty(), &|| serde_json::to_string(&e.ambiguous))?,
                e.reason,
                e.remedy,
                e.claim,
                e.source_hash,
                e.target_hash,
                e.policy,
                json(e.question.is_none(), &|| serde_json::to_string(&e.question))?,
            ])?;
            let changes =
                Some(&e.changes).filter(|c| !c.is_empty()).map(|c| Text::of_changes(c)).transpose()?;
            let base = json(e.base.is_none(), &|| serde_json::to_string(&e.base))?;
            if changes.is_some() || base.is_some() {
                docs.execute(params![run, e.seq, changes.map(|text| text.0), base])?;
            }
            self.speak_for(run, &e.ambiguous)?;
        }
        Ok(())
    }

    /// Notes targets that sources of a run have spoken for, though they are nobody's: they are accounted for.
    pub fn speak_for(&self, run: i64, targets: &[String]) -> Result<(), StoreError> {
        if targets.is_empty() {
            return Ok(());
        }
        let mut claims = self
            .connection
            .prepare_cached("INSERT OR IGNORE INTO run_claim (run, target_id) VALUES (?1, ?2)")?;
        for id in targets {
            claims.execute(params![run, id])?;
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
        // Each attribute that a statement names costs the upkeep of its indexes, whether or not it changes.
        if let (None, None, Some(target)) = (reason, remedy, target_id) {
            const SQL: &str = "UPDATE run_entry SET status = ?3, target_id = ?4 WHERE run = ?1 AND seq = ?2";
            let values = params![run, seq, status.as_str(), target];
            return self.repeated(SQL, |statement| statement.execute(values)).map(|_| ());
        }
        if let (None, None, None) = (reason, remedy, target_id) {
            const SQL: &str = "UPDATE run_entry SET status = ?3 WHERE run = ?1 AND seq = ?2";
            let values = params![run, seq, status.as_str()];
            return self.repeated(SQL, |statement| statement.execute(values)).map(|_| ());
        }
        self.connection
            .prepare_cached(
                "UPDATE run_entry SET status = ?3, target_id = coalesce(?4, target_id), reason = coalesce(?5, reason),
                   remedy = coalesce(?6, remedy) WHERE run = ?1 AND seq = ?2",
            )?
            .execute(params![run, seq, status.as_str(), target_id, reason, remedy])?;
        Ok(())
    }

    /// Leaves undone what the run planned to delete and unlink from this entry on, with this behind the reason of each.
    pub fn hold_back(&self, run: i64, first: i64, why: &str, remedy: &str) -> Result<(), StoreError> {
        self.connection
            .prepare_cached(
                "UPDATE run_entry SET status = 'skipped', reason = reason || ?3, remedy = ?4
                 WHERE run = ?1 AND seq >= ?2 AND status = 'planned' AND action IN ('DELETE', 'UNLINK')",
            )?
            .execute(params![run, first, why, remedy])?;
        Ok(())
    }

    /// Turns an entry into another action on another target, still to be carried out.
    pub fn redirect_entry(&self, run: i64, seq: i64, to: &Redirect<'_>) -> Result<(), StoreError> {
        self.connection
            .prepare_cached(
                "UPDATE run_entry SET situation = ?3, action = ?4, target_id = ?5, reason = ?6, target_hash = NULL
                 WHERE run = ?1 AND seq = ?2",
            )?
            .execute(params![run, seq, to.situation.as_str(), to.action.as_str(), to.target_id, to.reason])?;
        self.put_changes(run, seq, to.changes)
    }

    /// Puts down what an entry changes.
    pub fn put_changes(&self, run: i64, seq: i64, changes: &[StoredChange]) -> Result<(), StoreError> {
        let changes = Some(changes).filter(|c| !c.is_empty()).map(Text::of_changes).transpose()?;
        self.connection
            .prepare_cached("UPDATE run_entry_doc SET changes = ?3 WHERE run = ?1 AND seq = ?2")?
            .execute(params![run, seq, changes.map(|text| text.0)])?;
        Ok(())
    }

    /// The entries whose claim another entry of the run shares, and with how many, among the claims with these keys.
    pub fn shared_claims(
        &self,
        run: i64,
        suspects: &HashSet<u64>,
    ) -> Result<Vec<(i64, String, u64)>, StoreError> {
        if suspects.is_empty() {
            return Ok(Vec::new());
        }
        let mut statement = self.connection.prepare_cached(
            "SELECT seq, claim, qualifier FROM run_entry WHERE run = ?1 AND claim IS NOT NULL ORDER BY seq",
        )?;
        let mut rows = statement.query([run])?;
        let (mut claimants, mut sharing) = (Vec::new(), HashMap::<(String, String), u64>::new());
        while let Some(row) = rows.next()? {
            let claim = row.get_ref(1)?.as_str().map_err(StoreError::damaged)?;
            let qualifier = row.get_ref(2)?.as_str().map_err(StoreError::damaged)?;
            if suspects.contains(&claim_key(qualifier, claim)) {
                let claim = (claim.to_owned(), qualifier.to_owned());
                *sharing.entry(claim.clone()).or_default() += 1;
                claimants.push((row.get(0)?, claim));
            }
        }
        Ok(claimants
            .into_iter()
            .filter_map(|(seq, claim)| {
                let n = *sharing.get(&claim).filter(|n| **n > 1)?;
                Some((seq, claim.0, n))
            })
            .collect())
    }

    /// Makes an entry AMBIGUOUS. Its target becomes one that it might belong to: nobody's, but accounted for.
    pub fn make_ambiguous(
        &self,
        run: i64,
        seq: i64,
        action: Action,
        policy: Option<i64>,
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
                "UPDATE run_entry SET situation = 'AMBIGUOUS', action = ?3, status = ?4, reason = ?5, policy = ?6, target_id = NULL,
                   ambiguous = coalesce(ambiguous, CASE WHEN target_id IS NOT NULL THEN json_array(target_id) END)
                 WHERE run = ?1 AND seq = ?2",
            )?
            .execute(params![run, seq, action.as_str(), status.as_str(), reason, policy])?;
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
