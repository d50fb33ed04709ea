//! What comes after the writes: post-actions of policies, and the questions that only a person can answer.

use mapping::{Decision, Hook, Mapping};
use model::Action;
use serde_json::Value;
use store::{Entry, EntryFilter, EntryStatus, InboxKind, NewInboxRow, Reader, Run, Walk};

use crate::{Engine, EngineError, ends::Prepared, interpreter::Scripts, judge::with_id};

/// Entries looked at per transaction.
const CHUNK: usize = 500;

/// What a run has looked at, and when.
#[derive(Debug, Clone)]
pub(crate) enum Looked {
    /// At every source, just now.
    AtAll,
    /// At these sources, just now.
    At(Vec<String>),
    /// At the sources of its entries; at the others by rules that are not the mapping's.
    AtEntries,
    /// When its plan was made, which is some time ago.
    Earlier {
        /// At every source.
        whole: bool,
    },
}

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
        let reported =
            entry.status == EntryStatus::Skipped && matches!(entry.action, Action::Report | Action::NoReport);
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

    /// Puts what only a person can decide into the inbox; what this run looked at and did not find again leaves it. What was
    /// asked or answered after its plan was made stays so.
    pub(crate) async fn put_questions(
        &self,
        run: &Run,
        prepared: &Prepared,
        looked: &Looked,
    ) -> Result<(), EngineError> {
        if run.progress.undoes.is_some() {
            return Ok(());
        }
        let (seq, name, at) = (run.seq, prepared.name().to_owned(), self.at());
        let earlier = matches!(looked, Looked::Earlier { .. });
        match looked {
            Looked::AtAll => {}
            Looked::At(ids) => {
                for ids in ids.chunks(CHUNK) {
                    let (name, ids) = (name.clone(), ids.to_vec());
                    self.store.write(move |w| ids.iter().try_for_each(|id| w.answered(&name, id))).await?;
                }
            }
            Looked::Earlier { whole: true } => {
                let name = name.clone();
                self.store.write(move |w| w.forget_earlier_questions(&name, seq)).await?;
            }
            Looked::AtEntries | Looked::Earlier { whole: false } => {
                self.forget_questions_of_entries(seq, &name, earlier).await?;
            }
        }
        let mut after = 0;
        loop {
            let from = after;
            let asking = self.store.read(move |r| r.questions(seq, from, CHUNK)).await?;
            let Some(last) = asking.last() else { break };
            after = last.seq;
            let asking = if earlier { self.still_asked(run, prepared, asking).await? } else { asking };
            let questions: Vec<NewInboxRow> = asking.into_iter().filter_map(|e| question(&name, e)).collect();
            let at = at.clone();
            self.store
                .write(move |w| {
                    questions.iter().try_for_each(|question| match earlier {
                        true => w.ask_late(question, seq, &at),
                        false => w.ask(question, Some(seq), &at),
                    })
                })
                .await?;
        }
        if matches!(looked, Looked::AtAll) {
            self.store.write(move |w| w.forget_questions(&name, seq)).await?;
        }
        Ok(())
    }

    async fn forget_questions_of_entries(
        &self,
        run: i64,
        mapping: &str,
        only_earlier: bool,
    ) -> Result<(), EngineError> {
        let mut filter = EntryFilter { limit: CHUNK, ..EntryFilter::default() };
        loop {
            let asked = filter.clone();
            let page = self.store.read(move |r| r.entries(run, &asked)).await?;
            let mapping = mapping.to_owned();
            let sources: Vec<String> = page.rows.into_iter().filter_map(|e| e.source_id).collect();
            self.store
                .write(move |w| {
                    sources.iter().try_for_each(|id| match only_earlier {
                        true => w.forget_earlier_questions_about(&mapping, id, run),
                        false => w.answered(&mapping, id),
                    })
                })
                .await?;
            match page.next.and_then(|next| next.parse().ok()) {
                Some(after) => filter.after = after,
                None => return Ok(()),
            }
        }
    }

    /// Of entries that ask something and were planned some time ago, those whose question nothing has answered since.
    async fn still_asked(
        &self,
        run: &Run,
        prepared: &Prepared,
        entries: Vec<Entry>,
    ) -> Result<Vec<Entry>, EngineError> {
        let (walk, version) = (prepared.here(), run.progress.version);
        let spaces: Vec<_> = entries.iter().map(|entry| prepared.space(&entry.qualifier)).collect();
        Ok(self
            .store
            .read(move |r| {
                let mut open = Vec::with_capacity(entries.len());
                for (entry, links) in entries.into_iter().zip(spaces) {
                    if is_open(r, &Walk { links, ..walk.clone() }, version, &entry)? {
                        open.push(entry);
                    }
                }
                Ok(open)
            })
            .await?)
    }
}

/// Whether the record still stands as it did when the mapping of this version asked about it.
fn is_open(r: &Reader<'_>, walk: &Walk, version: i64, entry: &Entry) -> Result<bool, store::StoreError> {
    let (Some(source), Some(question)) = (&entry.source_id, &entry.question) else { return Ok(false) };
    let link = r.link_of_source(&walk.links, source)?;
    let linked = link.as_ref().map(|link| link.target_id.as_str());
    let Some((_, source_hash)) = r.source(walk, source)? else {
        return Ok(question.kind == InboxKind::SourceGone && linked == entry.target_id.as_deref());
    };
    Ok(match question.kind {
        InboxKind::SourceGone => false,
        InboxKind::Ambiguous | InboxKind::AlreadyLinked => linked.is_none(),
        InboxKind::Relink | InboxKind::TargetGone => {
            linked == question.detail.get("gone").and_then(Value::as_str)
        }
        // The run itself has written what was not in question.
        InboxKind::Conflict if entry.status == EntryStatus::Done => linked == entry.target_id.as_deref(),
        InboxKind::Conflict => {
            let target_hash = match linked {
                Some(target) => r.target(walk, target)?.map(|(_, hash)| hash),
                None => None,
            };
            let settled = link.as_ref().is_some_and(|link| {
                link.version == Some(version)
                    && link.source_hash == Some(source_hash)
                    && link.target_hash == target_hash
            });
            linked == entry.target_id.as_deref()
                && entry.source_hash == Some(source_hash)
                && entry.target_hash == target_hash
                && !settled
        }
    })
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
