//! What comes after the writes: post-actions of policies, and the questions that only a person can answer.

use mapping::{Decision, Hook, Mapping};
use model::Action;
use serde_json::Value;
use store::{Entry, EntryFilter, EntryStatus, NewInboxRow, Run};

use crate::{Engine, EngineError, ends::Prepared, interpreter::Scripts, judge::with_id};

/// Entries looked at per transaction.
const CHUNK: usize = 500;

impl Engine {
    /// Runs the scripts that follow the actions of a run. What was done stays done; a script that fails is told in its entry.
    pub(crate) fn after_actions(&self, run: &Run, prepared: &Prepared) -> Result<(), EngineError> {
        let (mapping, scripts) = prepared.compile()?;
        if !mapping.has_after() {
            return Ok(());
        }
        tokio::task::block_in_place(|| {
            let mut filter = EntryFilter { limit: CHUNK, ..EntryFilter::default() };
            loop {
                let page = self.store.read_blocking(|r| r.entries(run.seq, &filter))?;
                let mut complaints = Vec::new();
                for entry in &page.rows {
                    if let Some(complaint) = self.after_entry(&run.id, prepared, &mapping, &scripts, entry)? {
                        complaints.push((entry.seq, entry.status, complaint));
                    }
                }
                let seq = run.seq;
                self.store.write_blocking(move |w| {
                    complaints.iter().try_for_each(|(entry, status, complaint)| {
                        w.settle_entry(seq, *entry, *status, None, Some(complaint), None)
                    })
                })?;
                match page.next.and_then(|next| next.parse().ok()) {
                    Some(after) => filter.after = after,
                    None => return Ok(()),
                }
            }
        })
    }

    /// Runs what follows one entry's action; gives the entry's reason with the complaint of a script that failed.
    pub(crate) fn after_entry(
        &self,
        run: &str,
        prepared: &Prepared,
        mapping: &Mapping,
        scripts: &Scripts,
        entry: &Entry,
    ) -> Result<Option<String>, EngineError> {
        let reported = entry.status == EntryStatus::Skipped && entry.action == Action::Report;
        if entry.status != EntryStatus::Done && !reported {
            return Ok(None);
        }
        let policy = entry.policy.and_then(|number| usize::try_from(number).ok());
        let wrote = matches!(entry.action, Action::Create | Action::Update) && !reported;
        let mapped = wrote && mapping.has_hook(Hook::PostMapping);
        if !mapping.has_post_action(policy) && !mapped {
            return Ok(None);
        }
        let walk = prepared.here();
        let (source, target) = self.store.read_blocking(|r| {
            let source = match &entry.source_id {
                Some(id) => r.source(&walk, id)?.map(|(attributes, _)| with_id(&attributes, id)),
                None => None,
            };
            let target = match &entry.target_id {
                Some(id) => r.target(&walk, id)?.map(|(attributes, _)| with_id(&attributes, id)),
                None => None,
            };
            Ok((source, target))
        })?;
        let source = source.map_or(Value::Null, Value::Object);
        let as_value = target.clone().map_or(Value::Null, Value::Object);
        let decision = Decision {
            mapping: prepared.name(),
            run,
            qualifier: &entry.qualifier,
            situation: entry.situation,
            from_source: entry.phase == "source",
            source: &source,
            target: &as_value,
            source_id: entry.source_id.as_deref(),
            target_id: entry.target_id.as_deref(),
            ambiguous: &entry.ambiguous,
        };
        let result = match policy {
            Some(number) => mapping.post_action(scripts, number, &decision, entry.action),
            None => Ok(()),
        };
        let result = result.and_then(|()| {
            if !mapped {
                return Ok(());
            }
            let variables = [("source", &source)];
            mapping.run_hook(scripts, Hook::PostMapping, &variables, &target.unwrap_or_default()).map(|_| ())
        });
        Ok(result.err().map(|problem| {
            let separator = if entry.reason.is_empty() { "" } else { "; " };
            format!("{}{separator}it was carried out, but afterwards: {problem}", entry.reason)
        }))
    }

    /// Puts what only a person can decide into the inbox; what this run looked at and did not find again leaves it.
    pub(crate) async fn put_questions(
        &self,
        run: &Run,
        prepared: &Prepared,
        whole: bool,
    ) -> Result<(), EngineError> {
        if run.progress.undoes.is_some() {
            return Ok(());
        }
        let (seq, name, at) = (run.seq, prepared.name().to_owned(), self.at());
        if !whole {
            let mut filter = EntryFilter { limit: CHUNK, ..EntryFilter::default() };
            loop {
                let asked = filter.clone();
                let page = self.store.read(move |r| r.entries(seq, &asked)).await?;
                let name = name.clone();
                let sources: Vec<String> = page.rows.into_iter().filter_map(|e| e.source_id).collect();
                self.store.write(move |w| sources.iter().try_for_each(|id| w.answered(&name, id))).await?;
                match page.next.and_then(|next| next.parse().ok()) {
                    Some(after) => filter.after = after,
                    None => break,
                }
            }
        }
        let mut after = 0;
        loop {
            let from = after;
            let asking = self.store.read(move |r| r.questions(seq, from, CHUNK)).await?;
            let Some(last) = asking.last() else { break };
            after = last.seq;
            let questions: Vec<NewInboxRow> = asking.into_iter().filter_map(|e| question(&name, e)).collect();
            let at = at.clone();
            self.store
                .write(move |w| questions.iter().try_for_each(|question| w.ask(question, Some(seq), &at)))
                .await?;
        }
        if whole {
            self.store.write(move |w| w.forget_questions(&name, seq)).await?;
        }
        Ok(())
    }
}

/// What an entry asks a person.
pub(crate) fn question(mapping: &str, entry: Entry) -> Option<NewInboxRow> {
    let question = entry.question?;
    Some(NewInboxRow {
        mapping: mapping.to_owned(),
        qualifier: entry.qualifier,
        source_id: entry.source_id?,
        kind: question.kind,
        title: entry.title,
        target_id: entry.target_id,
        detail: question.detail,
        reason: entry.reason,
    })
}
