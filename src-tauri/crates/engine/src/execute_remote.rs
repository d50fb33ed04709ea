//! Executing into a remote system: intent committed, sent in batches, outcome with link and audit committed.

use std::{collections::HashMap, time::Duration};

use connector::{Change, ConnectorError, Creation, ErrorKind, Outcome, RemoteObject};
use futures::future::BoxFuture;
use mapping::{Decision, Problem, canonical};
use model::{Action, Attributes, Pointer, Situation};
use serde_json::Value;
use store::{
    Entry, EntryStatus, JournalRow, JournalState, LinkSpace, NewLink, Operation, Reader, Redirect, SeenPage,
    StoreError, StoredChange, Writer,
};
use tokio_util::sync::CancellationToken;

use crate::{
    Engine, EngineError,
    decide::MOVED,
    doubt::Doubt,
    ends::{Prepared, Remote},
    execute::{Context, Settled, free_source, free_target, link_for, settle},
    judge::{base_of, with_id},
    pause::{LONGEST_WAIT, is_rest, rest_of},
    remedy::Remedy,
};

/// How often a batch's leftovers are sent again when the provider asked to wait or an answer was lost.
const ROUNDS: u32 = 5;
/// The same for a batch of which some was taken: connectors have sent single records again themselves.
const ROUNDS_OF_SOME: u32 = 2;

/// What a batch is sent for, and where to.
#[derive(Clone, Copy)]
struct Sending<'a> {
    context: &'a Context,
    prepared: &'a Prepared,
    remote: &'a Remote,
    operation: Operation,
}

/// One entry on its way.
struct Item {
    entry: Entry,
    payload: Attributes,
    journal: i64,
}

/// What the outcome of one item calls for.
enum Settlement {
    /// The provider has it.
    Done(Item, RemoteObject),
    /// The provider has it without these attributes, for this reason.
    Partly(Item, RemoteObject, Vec<String>, String),
    /// It ended in other ways; this is what is committed.
    Ended(Note),
    /// Nothing was done there: it is sent again after this time.
    Again(Item, Duration, String),
    /// The provider has a record of this id already.
    Exists(Item, String, String),
    /// The answer was lost, for this reason.
    Lost(Item, String),
}

/// What a batch has come to.
#[derive(Default)]
struct Came {
    settled: Vec<Settled>,
    /// What is to be sent again, and not before this time.
    again: Vec<Item>,
    wait: Duration,
}

impl Engine {
    pub(crate) async fn execute_remote(
        &self,
        context: &Context,
        prepared: &Prepared,
        remote: &Remote,
        action: Action,
        entries: Vec<Entry>,
    ) -> Result<Vec<Settled>, EngineError> {
        let operation = match action {
            Action::Create => Operation::Create,
            Action::Update => Operation::Update,
            _ => Operation::Delete,
        };
        let sending = Sending { context, prepared, remote, operation };
        let (entries, mut settled) = self.still_valid(context, prepared, remote, action, entries).await?;
        let mut items: Vec<Item> = Vec::new();
        let mut link_only = Vec::new();
        for entry in entries {
            let payload = payload(&entry);
            if operation == Operation::Update && payload.is_empty() {
                link_only.push(entry);
            } else {
                items.push(Item { entry, payload, journal: 0 });
            }
        }
        settled.extend(self.link_untouched(context, prepared, link_only).await?);
        // One record that stays locked is no sign that nobody takes calls there.
        let (alone, mut answered) = (items.len() == 1, false);
        let mut round = 0;
        while !items.is_empty() {
            round += 1;
            self.note_sending(sending, &mut items).await?;
            let outcomes = tokio::select! {
                outcomes = send(remote, operation, &items) => outcomes,
                // The journal has them; whoever comes next looks for them.
                () = given_up(&context.cancel) => return Ok(settled),
            };
            let waits = still_waiting(&outcomes);
            answered |= waits.is_none();
            let rest = rest_of(&outcomes).filter(|_| context.run.is_some());
            // An implicit sync does not sit waits out: its row comes back to it, and others are not kept waiting.
            let rounds = if answered { ROUNDS_OF_SOME } else { ROUNDS };
            let last_round = round >= rounds || context.run.is_none();
            let came = self.note_outcomes(sending, items, outcomes, last_round).await?;
            settled.extend(came.settled);
            if let Some(error) = rest {
                // Set once: the run ends here.
                let _ = context.rest.set(error);
                return Ok(settled);
            }
            if let (true, Some((error, longest))) = (context.run.is_some(), waits)
                && ((last_round && !answered && !alone) || longest > LONGEST_WAIT)
            {
                // Nobody there takes calls any more: the batches after this one would only wait as long again.
                let _ = context.rest.set(error);
                return Ok(settled);
            }
            items = came.again;
            if !items.is_empty() && !came.wait.is_zero() {
                tokio::select! {
                    // What is left stays planned.
                    () = context.cancel.cancelled() => return Ok(settled),
                    () = pause(came.wait) => {}
                }
            }
        }
        Ok(settled)
    }

    /// Sorts out entries that must not be carried out any more.
    async fn still_valid(
        &self,
        context: &Context,
        prepared: &Prepared,
        remote: &Remote,
        action: Action,
        entries: Vec<Entry>,
    ) -> Result<(Vec<Entry>, Vec<Settled>), EngineError> {
        if context.aged && action != Action::Create {
            let targets: Vec<String> = entries.iter().filter_map(|e| e.target_id.clone()).collect();
            self.read_some(remote, &targets).await?;
        }
        let (walk, kind, orientation, context) =
            (prepared.here(), prepared.link_type().to_owned(), prepared.orientation, context.clone());
        let linking = prepared.config.linking_enabled();
        Ok(self
            .store
            .write(move |w| {
                let (mut valid, mut stale) = (Vec::new(), Vec::new());
                for entry in entries {
                    let source = entry.source_id.clone().unwrap_or_default();
                    let space =
                        LinkSpace { kind: kind.clone(), qualifier: entry.qualifier.clone(), orientation };
                    let linked = w.target_linked(&space, &source)?;
                    let linked = linked.as_deref();
                    let why = match (action, &entry.target_id) {
                        // MISSING with CREATE has a link whose target is gone: it will be pointed to the new record.
                        (Action::Create, _) => {
                            let gone = match linked {
                                Some(target) => w.target(&walk, target)?.is_none(),
                                None => true,
                            };
                            (!gone).then_some("the record was linked meanwhile")
                        }
                        (_, None) => Some("it has no target record"),
                        (_, Some(target)) => match w.target(&walk, target)? {
                            None if action != Action::Delete => Some("the target record is gone"),
                            Some((_, hash)) if entry.target_hash.is_some_and(|planned| planned != hash) => {
                                Some("the target record has changed since this was planned")
                            }
                            // The same run may have found out to whom it belongs.
                            _ if source.is_empty() && w.source_linked(&space, target)?.is_some() => {
                                Some("the target record was linked meanwhile")
                            }
                            _ if linking && !free_source(w, &walk, linked, target)? => {
                                Some("the source record was linked to another record meanwhile")
                            }
                            // Asked last, because it takes a gone owner's link away.
                            _ if !source.is_empty() && !free_target(w, &walk, &space, &entry, target)? => {
                                Some("the target record was linked to another record meanwhile")
                            }
                            _ => None,
                        },
                    };
                    match why {
                        None => valid.push(entry),
                        Some(why) => stale.push(Settled::ended(
                            &entry,
                            EntryStatus::Stale,
                            format!("{}; not carried out: {why}", entry.reason),
                        )),
                    }
                }
                settle(w, &context, &stale)?;
                Ok((valid, stale))
            })
            .await?)
    }

    /// Entries that only need their link: the target has all values already.
    async fn link_untouched(
        &self,
        context: &Context,
        prepared: &Prepared,
        entries: Vec<Entry>,
    ) -> Result<Vec<Settled>, EngineError> {
        if entries.is_empty() {
            return Ok(Vec::new());
        }
        let links: Vec<NewLink> = entries
            .iter()
            .map(|e| link_for(prepared, e, e.target_id.as_deref().unwrap_or_default(), e.target_hash, None))
            .collect();
        let (context, at) = (context.clone(), self.at());
        Ok(self
            .store
            .write(move |w| {
                let mut settled = Vec::new();
                for (entry, link) in entries.iter().zip(&links) {
                    let new = w.target_linked(&link.space, &link.source_id)?.is_none();
                    let done = Settled::done(entry, None, new);
                    settled.push(match put_link_of_its_own(w, link, &at)? {
                        true => done,
                        false => not_linked(done, &link.target_id),
                    });
                }
                settle(w, &context, &settled)?;
                Ok(settled)
            })
            .await?)
    }

    async fn note_sending(&self, sending: Sending<'_>, items: &mut [Item]) -> Result<(), EngineError> {
        let Sending { context, prepared, remote, operation } = sending;
        let rows: Vec<JournalRow> = items
            .iter()
            .map(|item| JournalRow {
                seq: 0,
                run: context.run.as_ref().map(|(_, id)| id.clone()),
                entry: context.run.as_ref().map(|_| item.entry.seq),
                mapping: prepared.name().to_owned(),
                operation,
                connector: remote.name.clone(),
                object_type: remote.object_type.name.clone(),
                qualifier: item.entry.qualifier.clone(),
                source_id: item.entry.source_id.clone(),
                target_id: item.entry.target_id.clone().filter(|_| operation != Operation::Create),
                payload: item.payload.clone(),
            })
            .collect();
        let at = self.at();
        let numbers = self.store.write(move |w| w.journal_sending(&rows, &at)).await?;
        for (item, number) in items.iter_mut().zip(numbers) {
            item.journal = number;
        }
        Ok(())
    }

    /// Commits what came of a batch. What is certain is committed before anybody is asked about the rest: that takes calls,
    /// and they may fail.
    async fn note_outcomes(
        &self,
        sending: Sending<'_>,
        items: Vec<Item>,
        outcomes: Vec<Outcome>,
        last_round: bool,
    ) -> Result<Came, EngineError> {
        let mut came = Came::default();
        let (mut notes, mut existing, mut lost) = (Vec::new(), Vec::new(), Vec::new());
        let mut outcomes = outcomes.into_iter();
        for item in items {
            let outcome = outcomes
                .next()
                .unwrap_or(Outcome::Unknown { reason: "the connector gave no outcome for it".into() });
            match settlement(sending, item, outcome, last_round) {
                Settlement::Done(item, object) => notes.push(self.done_note(sending, item, object).await?),
                Settlement::Partly(item, object, refused, reason) => {
                    notes.push(self.partly_note(sending, item, object, &refused, reason).await?);
                }
                Settlement::Ended(note) => notes.push(note),
                Settlement::Again(item, after, reason) => {
                    notes.push(Note::not_sent(&item, &reason));
                    came.wait = came.wait.max(after);
                    came.again.push(item);
                }
                Settlement::Exists(item, uid, reason) => existing.push((item, uid, reason)),
                Settlement::Lost(item, reason) => lost.push((item, reason)),
            }
        }
        came.settled = self.commit(sending, notes).await?;
        // What has the key of a new record is found as any other match is. One after the other, because two new records may have
        // met the same one.
        for (item, uid, reason) in existing {
            let (note, found) = self.take_over(sending, item, uid, reason).await?;
            came.settled.extend(self.commit(sending, vec![note]).await?);
            if let Some(entry) = found {
                came.settled.extend(self.update_found(sending, entry).await?);
            }
        }
        let notes = self.look_for_lost(sending, lost, last_round, &mut came).await?;
        came.settled.extend(self.commit(sending, notes).await?);
        Ok(came)
    }

    /// Looks for what was sent and not answered. What cannot be looked for now stays in doubt.
    async fn look_for_lost(
        &self,
        sending: Sending<'_>,
        lost: Vec<(Item, String)>,
        last_round: bool,
        came: &mut Came,
    ) -> Result<Vec<Note>, EngineError> {
        let rows: Vec<JournalRow> = lost.iter().map(|(item, _)| doubt_row(sending, item)).collect();
        // An implicit sync comes back to its row by itself.
        let cancel = sending.context.run.as_ref().map(|_| &sending.context.cancel);
        let (doubts, looked) = self.look_all(sending.prepared, sending.remote, &rows, cancel).await;
        let unseen = looked.err().map(|error| error.to_string());
        let mut doubts = doubts.into_iter();
        let mut notes = Vec::with_capacity(lost.len());
        for (item, reason) in lost {
            notes.push(match doubts.next() {
                Some(Doubt::Arrived(object)) => self.done_note(sending, item, object).await?,
                Some(Doubt::Partly(object, missing)) if last_round => {
                    let reason = format!("the answer was lost, and not all of the change arrived: {reason}");
                    self.partly_note(sending, item, object, &missing, reason).await?
                }
                Some(Doubt::NeverArrived) if last_round => Note::failed(
                    item,
                    &format!("the answer was lost, and the change did not arrive: {reason}"),
                    Some(Remedy::RunAgain),
                ),
                // Sent again, it is answered with what is refused of it.
                Some(Doubt::NeverArrived | Doubt::Partly(..)) => {
                    let note = Note::not_sent(&item, &reason);
                    came.wait = came.wait.max(Duration::from_millis(200));
                    came.again.push(item);
                    note
                }
                Some(Doubt::CannotTell) => Note::in_doubt(item, &reason),
                None => {
                    let unseen = unseen.as_deref().unwrap_or("nobody has looked");
                    Note::in_doubt(item, &format!("{reason}; {unseen}"))
                }
            });
        }
        Ok(notes)
    }

    /// Commits what items leave behind, with their outcomes in the run.
    async fn commit(&self, sending: Sending<'_>, notes: Vec<Note>) -> Result<Vec<Settled>, EngineError> {
        if notes.is_empty() {
            return Ok(Vec::new());
        }
        let Sending { context, remote, .. } = sending;
        let (context, at, path, indexed) =
            (context.clone(), self.at(), remote.path.clone(), remote.indexed.clone());
        Ok(self
            .store
            .write(move |w| {
                let mut page = SeenPage { path: path.clone(), indexed, ..SeenPage::default() };
                let mut settled = Vec::with_capacity(notes.len());
                for mut note in notes {
                    if let (Some(link), Some(moved)) = (&mut note.link, &note.moved) {
                        move_what_stands(w, link, moved)?;
                    }
                    if let Some((state, target, message)) = &note.journal_end {
                        w.journal_settled(note.journal, *state, target.as_deref(), message.as_deref(), &at)?;
                    }
                    if let Some(link) = &note.link
                        && !put_link_of_its_own(w, link, &at)?
                    {
                        note.settled = note.settled.map(|settled| not_linked(settled, &link.target_id));
                    }
                    if let Some((space, source, target)) = &note.removed {
                        if w.target_linked(space, source)?.as_ref() == Some(target) {
                            w.remove_link(space, source)?;
                        }
                        w.forget_mirrored(&path, target)?;
                    }
                    page.rows.extend(note.seen);
                    if let (Some(found), Some((run, _))) = (&note.found, &context.run) {
                        let to = Redirect {
                            situation: Situation::Found,
                            action: found.action,
                            target_id: &found.target,
                            reason: &found.reason,
                            changes: &found.changes,
                        };
                        w.redirect_entry(*run, found.entry, &to)?;
                    }
                    if let (Some((entry, changes)), Some((run, _))) = (&note.written, &context.run) {
                        w.put_changes(*run, *entry, changes)?;
                    }
                    settled.extend(note.settled);
                }
                w.mirror_fresh(&page, &at)?;
                settle(w, &context, &settled)?;
                Ok(settled)
            })
            .await?)
    }

    /// The provider has such a record already: a lost race, or one that no correlation asked for. The mapping's policy for FOUND
    /// says what becomes of it. Gives what is committed, and the update that is made of the create where the policy wants one.
    async fn take_over(
        &self,
        sending: Sending<'_>,
        item: Item,
        existing: String,
        reason: String,
    ) -> Result<(Note, Option<Entry>), EngineError> {
        let Sending { remote, .. } = sending;
        if let Some(owned) = self.whose(sending, &item.entry, &existing).await? {
            let why = sentences(&reason, owned);
            return Ok((Note::failed(item, &why, Some(Remedy::RemoveLinkOrKey)), None));
        }
        let kind = &remote.object_type.name;
        let found = remote.connector.read(kind, std::slice::from_ref(&existing), &remote.attributes).await;
        let object = match found.map(|found| found.into_iter().next()) {
            Ok(Some(object)) => object,
            Ok(None) => {
                let why = sentences(&reason, "But that record cannot be read");
                return Ok((Note::failed(item, &why, Some(Remedy::RunAgain)), None));
            }
            // Refused is refused: nothing of it is in doubt.
            Err(error) => {
                let why = sentences(&reason, &format!("But that record cannot be read: {error}"));
                return Ok((Note::failed(item, &why, Some(Remedy::RunAgain)), None));
            }
        };
        let title = &remote.connector.descriptor().title;
        let had = format!("{title} had this record already ({})", object.uid);
        let action = match self.policy_for_found(sending, &item.entry, &object)? {
            Ok(action) => action,
            Err(problem) => {
                let why = format!("{had}; {problem}");
                return Ok((Note::failed(item, &why, Some(Remedy::CorrectMapping)), None));
            }
        };
        match action {
            Action::Update => {}
            Action::Link => return Ok((linked_note(sending, item, object, &had), None)),
            action @ (Action::Ignore | Action::Report | Action::NoReport | Action::Async) => {
                let reason = format!("{had}; {action} was asked for");
                let note =
                    Note::found_and_left(sending, item, &object.uid, action, EntryStatus::Skipped, reason);
                return Ok((note, None));
            }
            action => {
                let reason = format!("{had}; {action} was asked for, so a person has to decide");
                let note = Note::found_and_left(
                    sending,
                    item,
                    &object.uid,
                    Action::Exception,
                    EntryStatus::NeedsYou,
                    reason,
                );
                return Ok((note.with_remedy(Remedy::Policy(Situation::Found)), None));
            }
        }
        // Only what differs is sent, and what it had is what an undo gives back; the record keeps what else it has.
        let sameness = remote.sameness();
        let change = |(name, after): (&String, &Value)| StoredChange {
            attribute: name.clone(),
            before: object.attributes.get(name).cloned().unwrap_or_default(),
            after: after.clone(),
        };
        let changes: Vec<StoredChange> = item
            .payload
            .iter()
            .map(change)
            .filter(|change| !sameness.same(&change.attribute, &change.before, &change.after))
            .collect();
        let (target, hash) = (remote.id(object.uid), canonical::hash(&object.attributes));
        let entry = Entry {
            situation: Situation::Found,
            action: Action::Update,
            target_id: Some(target.clone()),
            target_hash: Some(hash),
            changes,
            reason: format!("{had}, so it is linked and brought in line"),
            ..item.entry
        };
        let note = Note {
            journal_end: Some((JournalState::Failed, None, Some(had))),
            seen: Some((target.clone(), hash, object.attributes)),
            found: Some(FoundThere {
                entry: entry.seq,
                action: entry.action,
                target,
                reason: entry.reason.clone(),
                changes: entry.changes.clone(),
            }),
            ..Note::new(item.journal)
        };
        Ok((note, Some(entry)))
    }

    /// Whose a record is that was found when it was to be created, in words, where it is not this entry's to have.
    async fn whose(
        &self,
        sending: Sending<'_>,
        entry: &Entry,
        existing: &str,
    ) -> Result<Option<&'static str>, EngineError> {
        let Sending { context, prepared, remote, .. } = sending;
        let (space, uid) = (prepared.space(&entry.qualifier), remote.id(existing.to_owned()));
        let source = entry.source_id.clone().unwrap_or_default();
        let (run, seq) = (context.run.as_ref().map(|(run, _)| *run), entry.seq);
        let whose = move |r: &Reader<'_>| {
            if r.source_linked(&space, &uid)?.is_some_and(|owner| owner != source) {
                return Ok(Some("It is linked to another record"));
            }
            let wanted = match run {
                Some(run) => r.target_wanted(run, seq, &space.qualifier, &uid)?,
                None => false,
            };
            Ok(wanted.then_some("Another record of this run matches it"))
        };
        Ok(self.store.read(whose).await?)
    }

    /// Updates a record that was found when it was to be created, as any other update is made: journalled before it is sent.
    fn update_found<'a>(
        &'a self,
        sending: Sending<'a>,
        entry: Entry,
    ) -> BoxFuture<'a, Result<Vec<Settled>, EngineError>> {
        let Sending { context, prepared, remote, .. } = sending;
        Box::pin(self.execute_remote(context, prepared, remote, Action::Update, vec![entry]))
    }

    /// What the mapping does about a record that is there although it was to be created; or why it cannot tell.
    fn policy_for_found(
        &self,
        sending: Sending<'_>,
        entry: &Entry,
        object: &RemoteObject,
    ) -> Result<Result<Action, Problem>, EngineError> {
        let Sending { context, prepared, remote, .. } = sending;
        let id = entry.source_id.as_deref().unwrap_or_default();
        tokio::task::block_in_place(|| {
            let (mapping, scripts) = prepared.compile()?;
            let walk = prepared.here();
            let source = self.store.read_blocking(|r| r.source(&walk, id))?;
            let source = source.map_or(Value::Null, |(attributes, _)| with_id(&attributes, id).into());
            let uid = remote.id(object.uid.clone());
            let decided = mapping.action(
                &scripts,
                &Decision {
                    mapping: prepared.name(),
                    run: context.run.as_ref().map_or("", |(_, id)| id),
                    qualifier: &entry.qualifier,
                    situation: Situation::Found,
                    from_source: true,
                    source: &source,
                    target: &with_id(&object.attributes, &uid).into(),
                    source_id: entry.source_id.as_deref(),
                    target_id: Some(&uid),
                    ambiguous: &[],
                },
            );
            Ok(decided.map(|decided| decided.action))
        })
    }

    /// What is committed for a write of which some values were refused: its entry has failed and holds what was written, which
    /// the journal has as done, so that an undo takes that back. The pair is not in line, so its link stays as it was.
    async fn partly_note(
        &self,
        sending: Sending<'_>,
        mut item: Item,
        object: RemoteObject,
        refused: &[String],
        reason: String,
    ) -> Result<Note, EngineError> {
        item.payload.retain(|name, _| !refused.contains(name));
        item.entry.changes.retain(|change| was_written(change, refused));
        let mut settled = Settled::ended(&item.entry, EntryStatus::Failed, reason.clone());
        settled.remedy = refused.first().map(|name| Remedy::CorrectAttribute(name.clone()).to_string());
        let written = (item.entry.seq, item.entry.changes.clone());
        let note = self.done_note(sending, item, object).await?;
        let journal_end = note.journal_end.map(|(state, target, _)| (state, target, Some(reason)));
        Ok(Note { journal_end, link: None, settled: Some(settled), written: Some(written), ..note })
    }

    /// What is committed for a write that was done.
    async fn done_note(
        &self,
        sending: Sending<'_>,
        item: Item,
        object: RemoteObject,
    ) -> Result<Note, EngineError> {
        let Sending { prepared, remote, operation, .. } = sending;
        // Reads know it by the id as it is kept, whatever spelling came with the outcome.
        let object = RemoteObject { uid: remote.id(object.uid), ..object };
        let mut note = Note::new(item.journal);
        note.journal_end = Some((JournalState::Done, Some(object.uid.clone()), None));
        if operation == Operation::Delete {
            let target = item.entry.target_id.clone().unwrap_or_default();
            let source = item.entry.source_id.clone().unwrap_or_default();
            note.removed = Some((prepared.space(&item.entry.qualifier), source, target));
            note.settled = Some(Settled::done(&item.entry, None, false));
            return Ok(note);
        }
        // The provider may follow a merged record to a new id; then its old copy says nothing.
        let mut attributes = match (operation, &item.entry.target_id) {
            (Operation::Update, Some(uid)) if *uid == object.uid => {
                let (path, uid) = (remote.path.clone(), uid.clone());
                self.store
                    .read(move |r| r.mirrored(&path, &uid))
                    .await?
                    .map(|m| m.attributes)
                    .unwrap_or_default()
            }
            _ => Attributes::new(),
        };
        for (name, value) in &item.payload {
            attributes.insert(name.clone(), value.clone());
        }
        for (name, value) in object.attributes {
            if remote.attributes.contains(&name) {
                attributes.insert(name, value);
            }
        }
        let hash = canonical::hash(&attributes);
        note.link = Some(link_for(prepared, &item.entry, &object.uid, Some(hash), Some(&attributes)));
        note.moved = item.entry.base.as_ref().and_then(|base| base.get(MOVED)).cloned();
        if item.entry.source_id.is_none() || !prepared.config.linking_enabled() {
            // An undone delete of a target that no source accounted for has nothing to be linked to.
            note.link = None;
        }
        let linked = note.link.is_some()
            && (operation == Operation::Create || item.entry.situation != Situation::Confirmed);
        note.settled = Some(Settled::done(&item.entry, Some(object.uid.clone()), linked));
        note.seen = Some((object.uid, hash, attributes));
        Ok(note)
    }
}

/// What one item leaves behind.
struct Note {
    journal: i64,
    journal_end: Option<(JournalState, Option<String>, Option<String>)>,
    link: Option<NewLink>,
    /// What of the link's base is by this write, as in [`MOVED`].
    moved: Option<Value>,
    removed: Option<(LinkSpace, String, String)>,
    seen: Option<(String, store::Hash, Attributes)>,
    settled: Option<Settled>,
    found: Option<FoundThere>,
    /// An entry of which not everything was written, and what was.
    written: Option<(i64, Vec<StoredChange>)>,
}

/// A record that was to be created and is there: what becomes of its entry.
struct FoundThere {
    entry: i64,
    action: Action,
    target: String,
    reason: String,
    /// What is changed of it.
    changes: Vec<StoredChange>,
}

/// Puts what a write has settled on the base as it stands: while it was on its way, the mapping in the other direction may have
/// settled other values of the pair, and with an older base those would count as edits.
fn move_what_stands(w: &Writer<'_>, link: &mut NewLink, moved: &Value) -> Result<(), StoreError> {
    let stands =
        w.link_of_source(&link.space, &link.source_id)?.filter(|now| now.target_id == link.target_id);
    let Some(base) = stands.as_ref().and_then(base_of) else { return Ok(()) };
    for (side, stands, settled) in
        [("source", base.source, &mut link.base_source), ("target", base.target, &mut link.base_target)]
    {
        let new = std::mem::replace(settled, stands);
        for name in moved.get(side).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
        {
            match new.get(name) {
                Some(value) => settled.insert(name.to_owned(), value.clone()),
                None => settled.shift_remove(name),
            };
        }
    }
    Ok(())
}

/// Writes a link unless its target has become another source's meanwhile; false then.
fn put_link_of_its_own(w: &Writer<'_>, link: &NewLink, at: &str) -> Result<bool, StoreError> {
    if w.source_linked(&link.space, &link.target_id)?.is_some_and(|owner| owner != link.source_id) {
        return Ok(false);
    }
    w.put_link(link, at)?;
    Ok(true)
}

/// How a record ends whose target has become another one's while it was written.
fn not_linked(settled: Settled, target: &str) -> Settled {
    Settled {
        status: EntryStatus::Failed,
        reason: Some(format!(
            "record {target} was linked to another record meanwhile, so it cannot be linked"
        )),
        linked: false,
        ..settled
    }
    .with_remedy(Remedy::RemoveLinkOrKey)
}

/// A record that is there is linked and left as it is; the next run compares the values.
fn linked_note(sending: Sending<'_>, item: Item, object: RemoteObject, had: &str) -> Note {
    let Sending { prepared, remote, .. } = sending;
    let target = remote.id(object.uid);
    let entry = Entry { base: None, action: Action::Link, ..item.entry };
    let links = entry.source_id.is_some() && prepared.config.linking_enabled();
    let link = links.then(|| link_for(prepared, &entry, &target, None, None));
    let reason = format!("{had}; linked");
    let settled =
        Settled { reason: Some(reason.clone()), ..Settled::done(&entry, Some(target.clone()), links) };
    Note {
        journal_end: Some((JournalState::Failed, None, Some(had.to_owned()))),
        link,
        seen: Some((target.clone(), canonical::hash(&object.attributes), object.attributes)),
        settled: Some(settled),
        found: Some(FoundThere {
            entry: entry.seq,
            action: entry.action,
            target,
            reason,
            changes: Vec::new(),
        }),
        ..Note::new(item.journal)
    }
}

impl Note {
    fn new(journal: i64) -> Self {
        Self {
            journal,
            journal_end: None,
            link: None,
            moved: None,
            removed: None,
            seen: None,
            settled: None,
            found: None,
            written: None,
        }
    }

    /// It is there, and nothing is done about it.
    fn found_and_left(
        sending: Sending<'_>,
        item: Item,
        uid: &str,
        action: Action,
        status: EntryStatus,
        reason: String,
    ) -> Self {
        let target = sending.remote.id(uid.to_owned());
        let settled = Settled { action, ..Settled::ended(&item.entry, status, reason.clone()) };
        Self {
            journal_end: Some((JournalState::Failed, None, Some(reason.clone()))),
            settled: Some(settled),
            found: Some(FoundThere { entry: item.entry.seq, action, target, reason, changes: Vec::new() }),
            ..Self::new(item.journal)
        }
    }

    fn with_remedy(mut self, remedy: Remedy) -> Self {
        self.settled = self.settled.map(|settled| settled.with_remedy(remedy));
        self
    }

    fn failed(item: Item, reason: &str, remedy: Option<Remedy>) -> Self {
        let mut settled = Settled::ended(&item.entry, EntryStatus::Failed, reason);
        settled.remedy = remedy.map(|remedy| remedy.to_string());
        Self {
            journal_end: Some((JournalState::Failed, None, Some(reason.to_owned()))),
            settled: Some(settled),
            ..Self::new(item.journal)
        }
    }

    /// It did not reach the provider; it will be noted anew when it is sent again.
    fn not_sent(item: &Item, reason: &str) -> Self {
        Self {
            journal_end: Some((JournalState::Failed, None, Some(reason.to_owned()))),
            ..Self::new(item.journal)
        }
    }

    /// Nobody can tell now; the journal keeps it, and the next run looks before it sends.
    fn in_doubt(item: Item, reason: &str) -> Self {
        let settled = Settled::ended(
            &item.entry,
            EntryStatus::Failed,
            format!("the answer was lost, and whether the change arrived cannot be seen now: {reason}"),
        )
        .with_remedy(Remedy::RunAgainInDoubt);
        Self { settled: Some(settled), ..Self::new(item.journal) }
    }
}

fn payload(entry: &Entry) -> Attributes {
    entry
        .changes
        .iter()
        .filter(|c| entry.action != Action::Create || !c.after.is_null())
        .map(|c| (Pointer::parse(&c.attribute).to_string(), c.after.clone()))
        .collect()
}

/// Whether a change is none of these attributes', which were not written.
pub(crate) fn was_written(change: &StoredChange, refused: &[String]) -> bool {
    !refused.contains(&Pointer::parse(&change.attribute).to_string())
}

/// Sorts an outcome by what it calls for.
fn settlement(sending: Sending<'_>, item: Item, outcome: Outcome, last_round: bool) -> Settlement {
    match outcome {
        Outcome::Done(object) => Settlement::Done(item, object),
        Outcome::Gone if sending.operation == Operation::Delete => {
            let uid = item.entry.target_id.clone().unwrap_or_default();
            Settlement::Done(item, RemoteObject { uid, ..RemoteObject::default() })
        }
        Outcome::Gone => Settlement::Ended(Note::failed(
            item,
            "the target record is gone",
            Some(Remedy::RunAgainForMissing),
        )),
        Outcome::Conflict { existing, reason } if sending.operation == Operation::Create => {
            Settlement::Exists(item, existing, reason)
        }
        Outcome::Conflict { reason, .. } => {
            Settlement::Ended(Note::failed(item, &reason, Some(Remedy::RemoveLinkOrKey)))
        }
        Outcome::Partly { object, refused, reason } => Settlement::Partly(item, *object, refused, reason),
        Outcome::Rejected { reason, attribute } => {
            Settlement::Ended(Note::failed(item, &reason, attribute.map(Remedy::CorrectAttribute)))
        }
        // The run rests, and sends it when it goes on.
        Outcome::Retry { after, reason } if sending.context.run.is_some() && is_rest(after) => {
            Settlement::Ended(Note::not_sent(&item, &reason))
        }
        Outcome::Retry { after, reason } if last_round || after > LONGEST_WAIT => {
            let remedy = if after == Outcome::ONCE_AUTHORIZED {
                Remedy::Authorize
            } else {
                Remedy::RunAgainAfter(after.as_secs().max(1))
            };
            Settlement::Ended(Note::failed(item, &reason, Some(remedy)))
        }
        Outcome::Retry { after, reason } => Settlement::Again(item, after, reason),
        Outcome::Unknown { reason } => Settlement::Lost(item, reason),
    }
}

fn doubt_row(sending: Sending<'_>, item: &Item) -> JournalRow {
    let Sending { prepared, remote, operation, .. } = sending;
    JournalRow {
        seq: item.journal,
        run: None,
        entry: None,
        mapping: prepared.name().to_owned(),
        operation,
        connector: remote.name.clone(),
        object_type: remote.object_type.name.clone(),
        qualifier: item.entry.qualifier.clone(),
        source_id: item.entry.source_id.clone(),
        target_id: item.entry.target_id.clone().filter(|_| operation != Operation::Create),
        payload: item.payload.clone(),
    }
}

/// What a provider said, which may end with a full stop, and a sentence of ours after it.
fn sentences(said: &str, ours: &str) -> String {
    let said = said.trim_end();
    let stop = if said.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{said}{stop} {ours}")
}

/// The provider said how long, or works on something; nothing else tells when it will take calls again or be through.
#[allow(clippy::disallowed_methods)]
pub(crate) async fn pause(wait: Duration) {
    tokio::time::sleep(wait).await;
}

/// A person has asked for the end, and a batch has had its time to end in order: a bulk job may take hours.
async fn given_up(cancel: &CancellationToken) {
    cancel.cancelled().await;
    pause(LONGEST_WAIT).await;
}

/// Why a batch came back untouched as a whole, if it did, and the longest wait that was asked for.
fn still_waiting(outcomes: &[Outcome]) -> Option<(ConnectorError, Duration)> {
    let waits: Option<Vec<(&String, Duration)>> = outcomes
        .iter()
        .map(|outcome| match outcome {
            Outcome::Retry { after, reason } => Some((reason, *after)),
            _ => None,
        })
        .collect();
    let (reason, longest) = waits?.into_iter().max_by_key(|(_, after)| *after)?;
    let message = format!("{reason}; what was done until then stays, run it again to go on");
    let kind = match longest {
        Outcome::ONCE_AUTHORIZED => ErrorKind::Unauthorized,
        _ => ErrorKind::Unavailable,
    };
    Some((ConnectorError::new(kind, message), longest))
}

async fn send(remote: &Remote, operation: Operation, items: &[Item]) -> Vec<Outcome> {
    let kind = &remote.object_type.name;
    match operation {
        Operation::Create => {
            let batch: Vec<Creation> = items
                .iter()
                .map(|i| Creation { trace: i.journal.to_string(), attributes: i.payload.clone() })
                .collect();
            remote.connector.create(kind, &batch).await
        }
        Operation::Update => {
            // Two entries on one record cannot be, but a batch with an id twice would be refused whole.
            let mut seen: HashMap<&str, ()> = HashMap::new();
            let batch: Vec<Change> = items
                .iter()
                .map(|i| Change {
                    uid: i.entry.target_id.clone().unwrap_or_default(),
                    attributes: i.payload.clone(),
                })
                .collect();
            debug_assert!(batch.iter().all(|c| seen.insert(&c.uid, ()).is_none()), "one entry per target");
            remote.connector.update(kind, &batch).await
        }
        Operation::Delete => {
            let batch: Vec<String> = items.iter().filter_map(|i| i.entry.target_id.clone()).collect();
            remote.connector.delete(kind, &batch).await
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_sentence_follows_another_one() {
        for (said, whole) in [("Taken", "Taken. Ours"), ("Taken. ", "Taken. Ours"), ("Taken?", "Taken? Ours")]
        {
            assert_eq!(super::sentences(said, "Ours"), whole);
        }
    }
}
