//! Implicit sync: carries single changes of managed objects on, mapping by mapping, each on its own, with retry and back-off.

use std::collections::BTreeSet;

use futures::future::join_all;
use model::{Action, Attributes, mapping_config::SyncMode};
use store::{BackOff, Entry, EntryStatus, NewInboxRow, QueueRow, Reader};

use crate::{
    Engine, EngineError,
    after::question,
    ends::{Prepared, Scope},
    execute::{Context, Settled},
    judge::Judgement,
    lock, plan,
};

/// Tries before a person has to decide: with the back-off below, after a day.
const TRIES: u32 = 19;
/// Between two tries.
const BACK_OFF: BackOff = BackOff { first_ms: 2_000, longest_ms: 4 * 3_600_000 };
/// Rows taken at a time.
const BATCH: usize = 50;

/// How a delivery of due rows went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Delivery {
    /// Rows that reached their target, or had nothing to carry.
    pub delivered: u64,
    /// Rows that failed this time.
    pub failed: u64,
    /// Rows whose mapping is being run; they wait for it.
    pub waiting: u64,
}

/// How one change stands at one target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncResult {
    /// The mapping.
    pub mapping: String,
    /// Its target.
    pub target: String,
    /// `true` delivered, `false` failed, `None` waiting.
    pub ok: Option<bool>,
    /// In words.
    pub message: String,
}

impl Engine {
    /// Delivers rows that are due, once, of all mappings beside each other.
    pub async fn deliver_due(&self) -> Result<Delivery, EngineError> {
        let due = self.due_mappings().await?;
        let mut total = Delivery::default();
        for delivery in join_all(due.iter().map(|mapping| self.deliver_due_of(mapping))).await {
            let delivery = delivery?;
            total.delivered += delivery.delivered;
            total.failed += delivery.failed;
            total.waiting += delivery.waiting;
        }
        Ok(total)
    }

    /// The mappings that have rows which are due.
    pub async fn due_mappings(&self) -> Result<Vec<String>, EngineError> {
        let now = self.now().as_millisecond();
        let due = move |r: &Reader<'_>| {
            let mut due = Vec::new();
            for mapping in r.mappings()? {
                if !r.queue_due(&mapping.config.name, now, BACK_OFF, 1)?.is_empty() {
                    due.push(mapping.config.name);
                }
            }
            Ok(due)
        };
        Ok(self.store.read(due).await?)
    }

    /// Delivers rows of a mapping that are due, once and in order. A slow target keeps nobody else's waiting.
    pub async fn deliver_due_of(&self, mapping: &str) -> Result<Delivery, EngineError> {
        let (now, mapping) = (self.now().as_millisecond(), mapping.to_owned());
        let rows = self.store.read(move |r| r.queue_due(&mapping, now, BACK_OFF, BATCH)).await?;
        let mut delivery = Delivery::default();
        for row in rows {
            match self.deliver(&row).await? {
                Some(true) => delivery.delivered += 1,
                Some(false) => delivery.failed += 1,
                None => delivery.waiting += 1,
            }
        }
        Ok(delivery)
    }

    /// Delivers the waiting rows of one object now, due or not, and says how it stands at every target.
    pub async fn deliver_object(&self, kind: &str, id: &str) -> Result<Vec<SyncResult>, EngineError> {
        self.deliver_rows_of(kind, id, None).await?;
        self.sync_results(kind, id).await
    }

    /// Delivers the waiting rows of one object for those mappings that a write waits for (`syncMode: blocking`).
    pub async fn deliver_blocking(&self, kind: &str, id: &str) -> Result<(), EngineError> {
        let mappings = self.store.read(|r| r.mappings()).await?;
        let blocking: BTreeSet<String> = mappings
            .into_iter()
            .filter(|m| m.config.sync_mode == Some(SyncMode::Blocking))
            .map(|m| m.config.name)
            .collect();
        if blocking.is_empty() {
            return Ok(());
        }
        self.deliver_rows_of(kind, id, Some(&blocking)).await
    }

    async fn deliver_rows_of(
        &self,
        kind: &str,
        id: &str,
        only: Option<&BTreeSet<String>>,
    ) -> Result<(), EngineError> {
        for _ in 0..40 {
            let (k, i) = (kind.to_owned(), id.to_owned());
            let rows = self.store.read(move |r| r.queue_of(&k, &i)).await?;
            let mut busy = false;
            for row in &rows {
                if row.attempts == 0 && only.is_none_or(|names| names.contains(&row.mapping)) {
                    busy |= self.deliver(row).await?.is_none();
                }
            }
            if !busy {
                break;
            }
            // Another process or a short sync has the mapping; it tells nobody when it is through.
            #[allow(clippy::disallowed_methods)]
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        Ok(())
    }

    /// How the last change of an object stands at every target.
    pub async fn sync_results(&self, kind: &str, id: &str) -> Result<Vec<SyncResult>, EngineError> {
        let (kind, id) = (kind.to_owned(), id.to_owned());
        let (waiting, outcomes, mappings) = self
            .store
            .read(move |r| Ok((r.queue_of(&kind, &id)?, r.sync_outcomes(&kind, &id)?, r.mappings()?)))
            .await?;
        let mut results = Vec::new();
        for mapping in mappings.iter().map(|m| &m.config) {
            let row = waiting.iter().find(|r| r.mapping == mapping.name);
            let outcome = outcomes.iter().find(|o| o.mapping == mapping.name);
            let (ok, message) = match (row, outcome) {
                (Some(row), _) if row.state == store::QueueState::Failed => {
                    (Some(false), row.message.clone().unwrap_or_else(|| "failed".into()))
                }
                (Some(row), _) => (
                    if row.attempts > 0 { Some(false) } else { None },
                    row.message.clone().map_or_else(|| "waiting".into(), |m| tried_again(&m)),
                ),
                (None, Some(outcome)) => (Some(outcome.ok), outcome.message.clone()),
                (None, None) => continue,
            };
            results.push(SyncResult {
                mapping: mapping.name.clone(),
                target: mapping.target.clone(),
                ok,
                message,
            });
        }
        Ok(results)
    }

    /// One row. `None` when its mapping is being run.
    async fn deliver(&self, row: &QueueRow) -> Result<Option<bool>, EngineError> {
        let Some(_lock) = lock::try_lock(&self.folder, &row.mapping)? else { return Ok(None) };
        let result = match self.prepare(&row.mapping).await {
            Ok(prepared) => self.carry_on(&prepared, &row.object_id, row.old.as_ref()).await,
            Err(error) => Err(error),
        };
        let (row, at) = (row.clone(), self.at());
        match result {
            Ok(Carried::Done(message)) => {
                self.store.write(move |w| w.delivered(&row, &message, &at)).await?;
                Ok(Some(true))
            }
            Ok(Carried::NeedsPerson(message)) => {
                self.store.write(move |w| w.not_delivered(&row, None, &message, &at)).await?;
                Ok(Some(false))
            }
            // A repository that cannot be written cannot note the failure either.
            Err(EngineError::Store(error)) => Err(error.into()),
            Ok(Carried::Failed(message)) => self.postpone(row, message, at).await,
            Err(error) => self.postpone(row, error.to_string(), at).await,
        }
    }

    async fn postpone(
        &self,
        row: QueueRow,
        message: String,
        at: String,
    ) -> Result<Option<bool>, EngineError> {
        let tries = row.attempts + 1;
        let next = (tries < TRIES).then(|| self.now().as_millisecond() + BACK_OFF.wait_ms(tries));
        tracing::info!(mapping = row.mapping, object = row.object_id, %message, "implicit sync failed");
        self.store.write(move |w| w.not_delivered(&row, next, &message, &at)).await?;
        Ok(Some(false))
    }

    /// Brings one source in line now, by the mapping's policies, and says what was done.
    pub(crate) async fn deliver_one(&self, mapping: &str, source: &str) -> Result<String, EngineError> {
        let prepared = self.prepare(mapping).await?;
        let _lock = self.lock_mapping(prepared.name()).await?;
        Ok(match self.carry_on(&prepared, source, None).await? {
            Carried::Done(words) | Carried::Failed(words) | Carried::NeedsPerson(words) => words,
        })
    }

    async fn carry_on(
        &self,
        prepared: &Prepared,
        object: &str,
        old: Option<&Attributes>,
    ) -> Result<Carried, EngineError> {
        let ids = [object.to_owned()];
        self.resolve_doubts(prepared, None).await?;
        self.read_partial(prepared, &ids).await?;
        let mut entries = self.gone_entries(prepared, "", &ids, old).await?;
        if entries.is_empty() {
            entries = self.plan_some(prepared, &ids).await?;
        }
        self.renew_questions(prepared, object, &entries).await?;
        let context = Context {
            run: None,
            who: format!("implicit sync of {}", prepared.name()),
            recheck: false,
            cancel: crate::CancellationToken::new(),
            rest: Default::default(),
        };
        let mut said = Vec::new();
        for (i, entry) in entries.into_iter().enumerate() {
            let entry = Entry { seq: i64::try_from(i).unwrap_or(0), ..entry };
            match entry.status {
                EntryStatus::Planned => {
                    let action = entry.action;
                    let settled = self.execute_batch(&context, prepared, action, vec![entry.clone()]).await?;
                    let Some(outcome) = settled.into_iter().next() else { continue };
                    match outcome.status {
                        EntryStatus::Done => {
                            said.push(in_words(&entry, &outcome));
                            said.extend(self.after_one(prepared, entry, &outcome)?);
                        }
                        EntryStatus::Stale => {
                            return Ok(Carried::Failed(outcome.reason.unwrap_or(entry.reason)));
                        }
                        _ => {
                            let reason = outcome.reason.unwrap_or(entry.reason);
                            return Ok(Carried::Failed(with_remedy(reason, outcome.remedy.as_deref())));
                        }
                    }
                }
                EntryStatus::Failed => {
                    return Ok(Carried::Failed(with_remedy(entry.reason, entry.remedy.as_deref())));
                }
                EntryStatus::NeedsYou => {
                    let reason = format!("{}: {}", entry.situation, entry.reason);
                    return Ok(Carried::NeedsPerson(with_remedy(reason, entry.remedy.as_deref())));
                }
                _ => {
                    said.push(format!("nothing to do: {}", entry.reason));
                    let outcome =
                        Settled { action: entry.action, ..Settled::ended(&entry, entry.status, "") };
                    said.extend(self.after_one(prepared, entry, &outcome)?);
                }
            }
        }
        Ok(Carried::Done(if said.is_empty() { "nothing to change there".into() } else { said.join("; ") }))
    }

    /// Runs what follows an action; gives the complaint of a script that failed.
    fn after_one(
        &self,
        prepared: &Prepared,
        entry: Entry,
        outcome: &Settled,
    ) -> Result<Option<String>, EngineError> {
        let done = Entry {
            action: outcome.action,
            status: outcome.status,
            target_id: outcome.target_id.clone().or(entry.target_id),
            reason: String::new(),
            ..entry
        };
        tokio::task::block_in_place(|| {
            let (mapping, scripts) = prepared.compile()?;
            self.after_entry("", prepared, &mapping, &scripts, &done)
        })
    }

    /// The inbox holds what this object's change asks a person now, and nothing that it asked before.
    async fn renew_questions(
        &self,
        prepared: &Prepared,
        source: &str,
        entries: &[Entry],
    ) -> Result<(), EngineError> {
        let (name, source, at) = (prepared.name().to_owned(), source.to_owned(), self.at());
        let asked: Vec<NewInboxRow> =
            entries.iter().filter_map(|entry| question(&name, entry.clone())).collect();
        self.store
            .write(move |w| {
                w.answered(&name, &source)?;
                asked.iter().try_for_each(|question| w.ask(question, None, &at))
            })
            .await?;
        Ok(())
    }

    /// Plans some sources in memory; links of records in sync are stamped.
    async fn plan_some(&self, prepared: &Prepared, ids: &[String]) -> Result<Vec<Entry>, EngineError> {
        let (entries, stamps) = tokio::task::block_in_place(|| -> Result<_, EngineError> {
            let (mapping, scripts) = prepared.compile()?;
            let judge = plan::judge(prepared, &mapping, &scripts, "");
            let qualifiers = prepared.qualifiers(&mapping, &scripts)?;
            let (mut entries, mut stamps) = (Vec::new(), Vec::new());
            for qualifier in &qualifiers {
                let walk = prepared.walk(qualifier, Scope::Some(ids));
                let lookup = plan::StoreLookup { view: plan::View::Now(&self.store), prepared, walk: &walk };
                for candidate in &self.store.read_blocking(|r| r.candidates(&walk, "", ids.len()))? {
                    match judge.source(qualifier, candidate, &lookup) {
                        Judgement::InSync(link) => stamps.push(*link),
                        Judgement::Silent(_) | Judgement::Outside => {}
                        Judgement::Entry(entry, stamp) => {
                            entries.push(plan::with_policies(
                                plan::View::Now(&self.store),
                                prepared,
                                *entry,
                            )?);
                            stamps.extend(stamp.map(|s| *s));
                        }
                    }
                }
            }
            Ok((entries, stamps))
        })?;
        let at = self.at();
        self.store.write(move |w| stamps.iter().try_for_each(|link| w.put_link(link, &at))).await?;
        Ok(entries)
    }
}

enum Carried {
    Done(String),
    /// To be tried again.
    Failed(String),
    /// Trying again would end the same.
    NeedsPerson(String),
}

/// Why a target has not got a change yet, and that this is not the end of it.
fn tried_again(message: &str) -> String {
    let message = message.trim_end();
    let stop = if message.ends_with(['.', '!', '?', '…']) { "" } else { "." };
    format!("{message}{stop} It will be tried again.")
}

fn with_remedy(reason: String, remedy: Option<&str>) -> String {
    match remedy {
        Some(remedy) => format!("{reason}; {remedy}"),
        None => reason,
    }
}

pub(crate) fn in_words(entry: &Entry, outcome: &Settled) -> String {
    let target = outcome.target_id.as_deref().or(entry.target_id.as_deref()).unwrap_or_default();
    let names: Vec<&str> = entry.changes.iter().map(|c| c.attribute.as_str()).collect();
    match outcome.action {
        Action::Create => format!("created {target}"),
        Action::Update if names.is_empty() => format!("linked {target}"),
        Action::Update => format!("updated {target}: {}", names.join(", ")),
        Action::Delete => format!("deleted {target}"),
        Action::Unlink => format!("unlinked {target}"),
        Action::Link => format!("linked {target}"),
        other => format!("{other} {target}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_tried_for_a_day_before_a_person_has_to_decide() {
        let waits: i64 = (1..TRIES).map(|tries| BACK_OFF.wait_ms(tries)).sum();
        let hours = waits / 3_600_000;
        assert!((24..30).contains(&hours), "{hours} hours");
    }

    #[test]
    fn what_will_be_tried_again_is_told_in_sentences() {
        for (message, told) in [
            ("check the proxy settings", "check the proxy settings. It will be tried again."),
            ("Is it up?", "Is it up? It will be tried again."),
            ("It did not answer. ", "It did not answer. It will be tried again."),
        ] {
            assert_eq!(tried_again(message), told);
        }
    }
}
