//! What a person does about single records: link, unlink, any other action, and the answers to the inbox's questions.
//!
//! Each is planned, carried out and told like an entry of a run, only that the action is the person's and not a policy's.

use mapping::{Newer, Occasion};
use model::{Action, Attributes, Situation};
use store::{AuditRow, Entry, EntryStatus, InboxKind, InboxRow, NewLink, QueueState};

use crate::{
    Engine, EngineError,
    ends::{Prepared, Scope},
    execute::Context,
    judge::{Judgement, base_of, with_id},
    plan,
    sync::waiting_in_queue,
};

/// An action on single records.
#[derive(Debug, Clone)]
pub struct Perform {
    /// The mapping.
    pub mapping: String,
    /// The link qualifier.
    pub qualifier: String,
    /// The source record; an UNLINK can do with the target alone.
    pub source_id: Option<String>,
    /// The target record, for LINK and for an UNLINK without a source.
    pub target_id: Option<String>,
    /// What is done.
    pub action: Action,
    /// The situation that the record must be in; another one is an error.
    pub situation: Option<Situation>,
    /// Who does it.
    pub who: String,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Performed {
    /// The situation in which the record was.
    pub situation: Situation,
    /// The target record.
    pub target_id: Option<String>,
    /// In words.
    pub message: String,
}

/// An answer to a question of the inbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The source belongs to this target.
    Link(String),
    /// None of them: it gets a target of its own, or its target is made again.
    Create,
    /// Of a source that is gone: its target is deleted.
    Delete,
    /// Of a source that is gone: its target stays, and nothing leads to it any more.
    Unlink,
    /// For a conflict: this side's value stays, of this attribute of the target or of all.
    Keep(Newer, Option<String>),
    /// The question is put away; the next run that finds it asks again.
    Dismiss,
}

impl Engine {
    /// Performs one action on single records now.
    pub async fn perform(&self, request: Perform) -> Result<Performed, EngineError> {
        let prepared = self.prepare(&request.mapping).await?;
        let _lock = self.lock_mapping(prepared.name()).await?;
        self.must_lead_where_links_do(&prepared)?;
        self.note_linked_accounts(&prepared).await?;
        self.resolve_doubts(&prepared, None).await?;
        let request = Perform {
            source_id: request.source_id.map(|id| prepared.source.id(id)),
            target_id: request.target_id.map(|id| prepared.target.id(id)),
            ..request
        };
        // A link that a qualifier of earlier left can still be removed.
        if request.action != Action::Unlink {
            check_qualifier(&prepared, &request.qualifier)?;
        }
        match request.action {
            Action::Link => self.link_by_hand(&prepared, &request).await,
            Action::Unlink => self.unlink_by_hand(&prepared, &request).await,
            _ => self.act_by_hand(&prepared, &request).await,
        }
    }

    async fn link_by_hand(&self, prepared: &Prepared, request: &Perform) -> Result<Performed, EngineError> {
        let (Some(source), Some(target)) = (&request.source_id, &request.target_id) else {
            return Err(EngineError::config("a link needs a source record and a target record"));
        };
        if !prepared.config.linking_enabled() {
            return Err(EngineError::config(format!(
                "mapping `{}` keeps no links (`enableLinking` is false); correlation decides every time",
                prepared.name()
            )));
        }
        self.refresh(prepared, Some(source), Some(target)).await?;
        let situation = self.situation_of(prepared, request).await?;
        let (walk, space) = (prepared.here(), prepared.space(&request.qualifier));
        let (link, at) = (
            NewLink {
                space: space.clone(),
                source_id: source.clone(),
                target_id: target.clone(),
                source_hash: None,
                target_hash: None,
                // Version 0 is no mapping's: the next run compares the values.
                version: 0,
                base_source: Attributes::new(),
                base_target: Attributes::new(),
            },
            self.at(),
        );
        let audit = self.audit_of(prepared, request, &format!("linked {source} to {target}"));
        let (name, now) = (prepared.name().to_owned(), self.now().as_millisecond());
        self.store
            .write(move |w| {
                let missing = |what: &str, id: &str| {
                    Err(EngineError::NotFound(format!("there is no {what} record `{id}`")))
                };
                if w.source(&walk, &link.source_id)?.is_none() {
                    return Ok(missing("source", &link.source_id));
                }
                if w.target(&walk, &link.target_id)?.is_none() {
                    return Ok(missing("target", &link.target_id));
                }
                if let Some(owner) = w.link_of_target(&space, &link.target_id)?
                    && owner.source_id != link.source_id
                {
                    if w.source(&walk, &owner.source_id)?.is_some() {
                        return Ok(Err(EngineError::Conflict(format!(
                            "target record `{}` is linked to source record `{}`; remove that link first",
                            link.target_id, owner.source_id
                        ))));
                    }
                    w.remove_link(&space, &owner.source_id)?;
                }
                w.put_link(&link, &at)?;
                w.answered(&name, &link.source_id)?;
                // What nobody could carry on before can be carried on now.
                let given_up = waiting_in_queue(w, &walk.source, &name, &link.source_id)?;
                for row in given_up.iter().filter(|row| row.state == QueueState::Failed) {
                    w.retry_queue(Some(row.seq), now)?;
                }
                w.add_audit(&audit)?;
                Ok(Ok(()))
            })
            .await??;
        Ok(Performed {
            situation,
            target_id: request.target_id.clone(),
            message: format!(
                "linked {source} to {target}; the next run or change brings their values in line"
            ),
        })
    }

    async fn unlink_by_hand(&self, prepared: &Prepared, request: &Perform) -> Result<Performed, EngineError> {
        let situation = self.situation_of(prepared, request).await?;
        let (space, source, target) =
            (prepared.space(&request.qualifier), request.source_id.clone(), request.target_id.clone());
        let found = {
            let (space, source, target) = (space.clone(), source.clone(), target.clone());
            self.store
                .read(move |r| match (&source, &target) {
                    (Some(id), _) => r.link_of_source(&space, id),
                    (None, Some(id)) => r.link_of_target(&space, id),
                    (None, None) => Ok(None),
                })
                .await?
        };
        let Some(link) = found.filter(|link| target.as_ref().is_none_or(|id| *id == link.target_id)) else {
            return Err(EngineError::NotFound("there is no such link".into()));
        };
        let words = format!("removed the link of {} and {}", link.source_id, link.target_id);
        let audit = self.audit_of(prepared, request, &words);
        let (name, source) = (prepared.name().to_owned(), link.source_id.clone());
        self.store
            .write(move |w| {
                w.remove_link(&space, &source)?;
                w.answered(&name, &source)?;
                w.add_audit(&audit)
            })
            .await?;
        Ok(Performed { situation, target_id: Some(link.target_id), message: words })
    }

    async fn act_by_hand(&self, prepared: &Prepared, request: &Perform) -> Result<Performed, EngineError> {
        let Some(source) = &request.source_id else {
            return Err(EngineError::config(format!("{} needs a source record", request.action)));
        };
        // A run says nothing of a NOREPORT; whoever asks for it by hand is told.
        let action = match request.action {
            Action::NoReport => Action::Report,
            action => action,
        };
        let planned = Perform { action, ..request.clone() };
        let ids = [source.clone()];
        self.read_partial(prepared, &ids).await?;
        let mut entries = self.plan_by_hand(prepared, &planned, &ids)?;
        if entries.is_empty() {
            entries = self.gone_entries(prepared, "", &ids, &|_| None, Some(planned.action)).await?;
            if !entries.is_empty() && matches!(request.action, Action::Create | Action::Update) {
                return Err(EngineError::NotFound(format!(
                    "there is no source record `{source}`, so there is nothing to {} a target from",
                    request.action.as_str().to_lowercase()
                )));
            }
            entries.retain(|entry| entry.qualifier == request.qualifier);
        }
        let Some(entry) = entries.into_iter().next() else {
            return Err(EngineError::NotFound(format!(
                "there is no source record `{source}` under the link qualifier `{}`",
                request.qualifier
            )));
        };
        expect_situation(request, entry.situation)?;
        let situation = entry.situation;
        let mut rows = self.rows_of(prepared, source).await?;
        match request.action {
            Action::Report | Action::NoReport | Action::Async => rows.clear(),
            // A change that is still to be carried is not ignored with what came before it.
            Action::Ignore => rows.retain(|row| row.state == QueueState::Failed),
            _ => {}
        }
        let message = self.carry_out_by_hand(prepared, request, entry).await?;
        let (name, source, audit) =
            (prepared.name().to_owned(), source.clone(), self.audit_of(prepared, request, &message));
        let (said, at) = (message.clone(), self.at());
        self.store
            .write(move |w| {
                w.answered(&name, &source)?;
                rows.iter().try_for_each(|row| w.delivered(row, &said, &at))?;
                w.add_audit(&audit)
            })
            .await?;
        Ok(Performed { situation, target_id: self.target_of(prepared, request).await?, message })
    }

    async fn target_of(&self, prepared: &Prepared, request: &Perform) -> Result<Option<String>, EngineError> {
        let (space, source) =
            (prepared.space(&request.qualifier), request.source_id.clone().unwrap_or_default());
        Ok(self.store.read(move |r| r.link_of_source(&space, &source)).await?.map(|link| link.target_id))
    }

    fn plan_by_hand(
        &self,
        prepared: &Prepared,
        request: &Perform,
        ids: &[String],
    ) -> Result<Vec<Entry>, EngineError> {
        tokio::task::block_in_place(|| {
            let (mapping, scripts) = prepared.compile()?;
            let mut judge = plan::judge(prepared, &mapping, &scripts, "");
            judge.chosen = Some(request.action);
            let mut walk = prepared.walk(&request.qualifier, Scope::Some(ids));
            // A version that no link has: a pair in sync is looked at as well.
            walk.version = -1;
            let lookup = plan::StoreLookup { view: plan::View::Now(&self.store), prepared, walk: &walk };
            let mut entries = Vec::new();
            for candidate in &self.store.read_blocking(|r| r.candidates(&walk, "", ids.len()))? {
                match judge.source(&request.qualifier, candidate, &lookup) {
                    Judgement::Entry(entry, _) => {
                        entries.push(plan::with_policies(plan::View::Now(&self.store), prepared, *entry)?);
                    }
                    Judgement::InSync(link) => {
                        let mut entry = judge.entry(
                            "source",
                            &request.qualifier,
                            Situation::Confirmed,
                            crate::title_of(&candidate.attributes, &candidate.id),
                        );
                        entry.action = request.action;
                        entry.status = EntryStatus::Skipped;
                        entry.source_id = Some(candidate.id.clone());
                        entry.target_id = Some(link.target_id);
                        entry.reason = "both records are in sync".into();
                        entries.push(entry);
                    }
                    Judgement::Silent { .. } | Judgement::Outside => {}
                }
            }
            Ok(entries)
        })
    }

    async fn carry_out_by_hand(
        &self,
        prepared: &Prepared,
        request: &Perform,
        entry: Entry,
    ) -> Result<String, EngineError> {
        let refused = |reason: String, remedy: Option<String>| {
            EngineError::Conflict(match remedy {
                Some(remedy) => format!("{reason}; {remedy}"),
                None => reason,
            })
        };
        match entry.status {
            EntryStatus::Planned => {}
            EntryStatus::Failed => return Err(refused(entry.reason, entry.remedy)),
            EntryStatus::NeedsYou if request.action == Action::Exception => {
                return Err(refused(format!("Situation {} marked as EXCEPTION", entry.situation), None));
            }
            _ => return Ok(format!("nothing to do: {}", entry.reason)),
        }
        let context = Context {
            run: None,
            who: request.who.clone(),
            recheck: false,
            aged: false,
            cancel: crate::CancellationToken::new(),
            rest: Default::default(),
        };
        let action = entry.action;
        let settled = self.execute_batch(&context, prepared, action, vec![entry.clone()]).await?;
        let outcome =
            settled.into_iter().next().ok_or_else(|| EngineError::config("nothing was carried out"))?;
        match outcome.status {
            EntryStatus::Done => Ok(crate::sync::in_words(&entry, &outcome)),
            _ => Err(refused(outcome.reason.unwrap_or(entry.reason), outcome.remedy)),
        }
    }

    /// Answers a question of the inbox and says what was done about it.
    pub async fn answer(&self, question: i64, answer: Answer, who: &str) -> Result<String, EngineError> {
        let row = self.store.read(move |r| r.inbox_row(question)).await?.ok_or_else(|| {
            EngineError::NotFound(format!("question {question} is not in the inbox (any more)"))
        })?;
        let asked = row.question.clone();
        let perform = |action, target_id| Perform {
            mapping: asked.mapping.clone(),
            qualifier: asked.qualifier.clone(),
            source_id: Some(asked.source_id.clone()),
            target_id,
            action,
            situation: None,
            who: who.to_owned(),
        };
        let words = match (answer, asked.kind) {
            (Answer::Dismiss, _) => "put away".to_owned(),
            (Answer::Keep(side, attribute), InboxKind::Conflict) => {
                self.keep(&row, side, attribute.as_deref()).await?;
                self.carry_both_ways(&row).await?
            }
            (Answer::Delete, InboxKind::SourceGone) => {
                let gone = Some(Situation::SourceMissing);
                self.perform(Perform { situation: gone, ..perform(Action::Delete, None) }).await?.message
            }
            (Answer::Unlink, InboxKind::SourceGone) => {
                self.perform(perform(Action::Unlink, asked.target_id.clone())).await?.message
            }
            (Answer::Keep(..), _) | (_, InboxKind::Conflict) => {
                return Err(EngineError::config(
                    "a conflict is answered by whose value stays, another question by a record to link or to create",
                ));
            }
            (Answer::Delete | Answer::Unlink, _) | (_, InboxKind::SourceGone) => {
                return Err(EngineError::config(
                    "whether a record is deleted or left without a link is asked of one whose source is gone, and nothing else of that",
                ));
            }
            (Answer::Create, _) => self.perform(perform(Action::Create, None)).await?.message,
            (Answer::Link(target), _) => {
                let linked = self.perform(perform(Action::Link, Some(target))).await?;
                let brought = self.deliver_one(&asked.mapping, &asked.source_id).await?;
                format!("{}; {brought}", linked.message.split(';').next().unwrap_or_default())
            }
        };
        self.store.write(move |w| w.close_question(question)).await?;
        Ok(words)
    }

    /// Notes whose value of an attribute stays: the other side counts as unchanged, so that the winner's is carried.
    async fn keep(&self, row: &InboxRow, side: Newer, attribute: Option<&str>) -> Result<(), EngineError> {
        let asked = &row.question;
        let prepared = self.prepare(&asked.mapping).await?;
        let _lock = self.lock_mapping(prepared.name()).await?;
        self.read_partial(&prepared, std::slice::from_ref(&asked.source_id)).await?;
        let (walk, space, source) =
            (prepared.here(), prepared.space(&asked.qualifier), asked.source_id.clone());
        let (link, from, to) = self
            .store
            .read(move |r| {
                let link = r.link_of_source(&space, &source)?;
                let to = match &link {
                    Some(link) => {
                        r.target(&walk, &link.target_id)?.map(|(a, _)| with_id(&a, &link.target_id))
                    }
                    None => None,
                };
                Ok((link, r.source(&walk, &source)?.map(|(a, _)| with_id(&a, &source)), to))
            })
            .await?;
        let (Some(link), Some(from), Some(to)) = (link, from, to) else {
            return Err(EngineError::NotFound(
                "one of the two records or their link is gone; run the mapping again".into(),
            ));
        };
        let base = {
            let (mapping, scripts) = prepared.compile()?;
            let mut base = base_of(&link);
            let occasion =
                Occasion { qualifier: &asked.qualifier, base: base.as_ref(), ..Occasion::default() };
            let open = mapping
                .evaluate(&scripts, occasion, &from, Some(&to))
                .map_err(|problem| EngineError::config(problem.reason))?
                .conflicts;
            let wanted = |name: &str| {
                attribute.is_none_or(|a| a.trim_start_matches('/') == name.trim_start_matches('/'))
            };
            for conflict in open.iter().filter(|c| wanted(&c.attribute)) {
                base = mapping.decided(base.as_ref(), &conflict.attribute, side, &from, &to).or(base);
            }
            base
        };
        let (space, source) = (prepared.space(&asked.qualifier), asked.source_id.clone());
        self.store
            .write(move |w| {
                let base = base.as_ref().map(|base| (&base.source, &base.target));
                w.unsettle_link(&space, &source, base)
            })
            .await?;
        Ok(())
    }

    /// Brings a pair in line in both directions, so that whoever won is carried.
    async fn carry_both_ways(&self, row: &InboxRow) -> Result<String, EngineError> {
        let asked = &row.question;
        let prepared = self.prepare(&asked.mapping).await?;
        let mut said = vec![self.deliver_one(&asked.mapping, &asked.source_id).await?];
        if let Some(reverse) = &prepared.reverse {
            let (space, source) = (prepared.space(&asked.qualifier), asked.source_id.clone());
            let link = self.store.read(move |r| r.link_of_source(&space, &source)).await?;
            if let Some(link) = link {
                said.push(self.deliver_one(&reverse.name, &link.target_id).await?);
            }
        }
        Ok(said.join("; "))
    }

    async fn refresh(
        &self,
        prepared: &Prepared,
        source: Option<&String>,
        target: Option<&String>,
    ) -> Result<(), EngineError> {
        for (end, id) in [(&prepared.source, source), (&prepared.target, target)] {
            if let (Some(remote), Some(id)) = (end.remote(), id) {
                self.read_some(remote, std::slice::from_ref(id)).await?;
            }
        }
        Ok(())
    }

    /// The situation in which a record is now; an error when the request expects another one.
    async fn situation_of(&self, prepared: &Prepared, request: &Perform) -> Result<Situation, EngineError> {
        let Some(source) = &request.source_id else { return Ok(Situation::Unassigned) };
        let ids = [source.clone()];
        let looking = Perform { action: Action::Report, ..request.clone() };
        let mut entries = self.plan_by_hand(prepared, &looking, &ids)?;
        if entries.is_empty() {
            entries = self.gone_entries(prepared, "", &ids, &|_| None, Some(looking.action)).await?;
        }
        let situation = entries.first().map_or(Situation::SourceIgnored, |entry| entry.situation);
        expect_situation(request, situation)?;
        Ok(situation)
    }

    fn audit_of(&self, prepared: &Prepared, request: &Perform, detail: &str) -> AuditRow {
        AuditRow {
            at: self.at(),
            who: request.who.clone(),
            topic: "mapping".into(),
            object: prepared.name().to_owned(),
            detail: detail.to_owned(),
        }
    }
}

/// Whether the mapping has this link qualifier at all: a link under another one is never looked at again.
fn check_qualifier(prepared: &Prepared, qualifier: &str) -> Result<(), EngineError> {
    let known = tokio::task::block_in_place(|| {
        let (mapping, scripts) = prepared.compile()?;
        mapping.all_qualifiers(&scripts).map_err(|problem| EngineError::config(problem.reason))
    })?;
    if known.iter().any(|name| name == qualifier) {
        return Ok(());
    }
    Err(EngineError::config(format!(
        "mapping `{}` has no link qualifier `{qualifier}`; it has {}",
        prepared.name(),
        known.join(", ")
    )))
}

fn expect_situation(request: &Perform, situation: Situation) -> Result<(), EngineError> {
    match request.situation {
        Some(expected) if expected != situation => Err(EngineError::Conflict(format!(
            "the record is {situation} now, not {expected}; look at it again"
        ))),
        _ => Ok(()),
    }
}
