//! From a situation and its action to changes, or to the reason why there are none.

use mapping::{
    AttributeChange, Base, Evaluation, Hook, Occasion,
    assess::Assessment,
    canonical::{Sameness, same},
};
use model::{Action, Attributes, Pointer, Situation};
use serde_json::{Value, json};
use store::{Entry, EntryStatus, Hash, InboxKind, NewLink, Question, StoredChange};

use crate::{
    execute::apply_changes,
    judge::{Case, Judge, Judgement, Lookup, base_of, with_id},
    remedy::Remedy,
};

/// Of the base that an entry leaves, the names that differ from the base that it found.
pub(crate) const MOVED: &str = "moved";

/// The names of values that are others than they were, or gone.
fn moved<'a>(was: &'a Attributes, now: &'a Attributes) -> Vec<&'a String> {
    let gone = was.keys().filter(|name| !now.contains_key(*name));
    now.keys().filter(|name| was.get(*name) != now.get(*name)).chain(gone).collect()
}

impl Judge<'_> {
    pub(crate) fn decide(
        &self,
        mut entry: Entry,
        case: &Case<'_>,
        assessment: &Assessment,
        lookup: &dyn Lookup,
    ) -> Result<Judgement, String> {
        entry.question = self.question(&entry, case);
        if entry.action == Action::Create && self.is_taken(&entry, case)? {
            // The system would refuse the new record and name the one that has its key. So the plan says what will happen.
            entry.action = Action::Update;
            entry.reason = format!(
                "{}; no second one can have its {}, so it is linked to that one",
                entry.reason,
                self.target_key.unwrap_or("key")
            );
        }
        match entry.action {
            Action::NoReport if self.is_followed(&entry) => {
                entry.status = EntryStatus::Skipped;
                entry.question = None;
            }
            Action::NoReport => {
                let targets = if case.linked { Vec::new() } else { case.found.ids.clone() };
                return Ok(Judgement::Silent { situation: entry.situation, targets });
            }
            Action::Create if case.target.is_some() && entry.situation != Situation::Missing => {
                entry.status = EntryStatus::Failed;
                entry.reason =
                    format!("{}; CREATE was asked for, but the target record exists", entry.reason);
                let owned = entry.situation == Situation::FoundAlreadyLinked && !case.found.owner_gone;
                let remedy =
                    if owned { Remedy::RemoveLink } else { Remedy::PolicyForExisting(entry.situation) };
                entry.remedy = Some(remedy.to_string());
            }
            Action::Create => {
                self.plan_create(&mut entry, case)?;
            }
            Action::Update | Action::Link => {
                if !self.take_target(&mut entry, case) {
                    return Ok(Judgement::Entry(Box::new(entry), None));
                }
                if entry.action == Action::Update {
                    return self.plan_update(entry, case, assessment, lookup);
                }
                entry.claim = entry.target_id.as_ref().map(|id| format!("target {id}"));
                if !case.linked {
                    self.run_event(Hook::Link, &entry, case)?;
                }
                entry.question = None;
            }
            Action::Delete if assessment.never_linked => {
                entry.action = Action::Ignore;
                entry.status = EntryStatus::Skipped;
                entry.reason = format!(
                    "{}; nothing is deleted, because the two records were never linked",
                    entry.reason
                );
            }
            Action::Delete | Action::Unlink => {
                if let (Action::Delete, Some((_, attributes, _))) = (entry.action, &case.target) {
                    entry.changes = losses(attributes);
                    self.run_event(Hook::Delete, &entry, case)?;
                }
                if case.candidate.link.is_none() {
                    entry.status = EntryStatus::Skipped;
                    entry.reason = format!("{}; there is no link to remove", entry.reason);
                } else {
                    self.run_event(Hook::Unlink, &entry, case)?;
                }
            }
            Action::Exception => {
                entry.status = EntryStatus::NeedsYou;
                entry.remedy = Some(remedy(&entry).to_string());
            }
            Action::Ignore | Action::Report | Action::Async => entry.status = EntryStatus::Skipped,
        }
        // A question that an action answers is none.
        if entry.status == EntryStatus::Planned {
            entry.question = None;
        }
        Ok(Judgement::Entry(Box::new(entry), None))
    }

    /// What is done about a target, or a gone source's target, for which there is no source to take values from.
    pub(crate) fn decide_without_source(
        &self,
        entry: &mut Entry,
        target: &Attributes,
        linked: bool,
        destructive_allowed: Result<(), &str>,
    ) {
        match entry.action {
            Action::Delete | Action::Unlink => match destructive_allowed {
                Err(why) => {
                    entry.status = EntryStatus::Skipped;
                    entry.reason = format!("{}; not carried out, because {why}", entry.reason);
                    entry.remedy = Some(Remedy::ClearFailures.to_string());
                }
                Ok(()) if entry.target_id.is_none() || (entry.action == Action::Unlink && !linked) => {
                    entry.status = EntryStatus::Skipped;
                }
                Ok(()) => {
                    if entry.action == Action::Delete {
                        entry.changes = losses(target);
                    }
                    let hooks: &[Hook] = if entry.action == Action::Delete {
                        &[Hook::Delete, Hook::Unlink]
                    } else {
                        &[Hook::Unlink]
                    };
                    let whole =
                        entry.target_id.as_deref().map_or_else(|| target.clone(), |id| with_id(target, id));
                    for hook in hooks.iter().filter(|hook| **hook == Hook::Delete || linked) {
                        if let Err(reason) = self.run_hook(*hook, entry, &Value::Null, &whole) {
                            entry.status = EntryStatus::Failed;
                            entry.reason = reason;
                            return;
                        }
                    }
                }
            },
            Action::Exception => {
                entry.status = EntryStatus::NeedsYou;
                entry.remedy = Some(remedy(entry).to_string());
                if linked && entry.situation == Situation::SourceMissing {
                    let detail = json!({"targets": [entry.target_id]});
                    entry.question = Some(Question { kind: InboxKind::SourceGone, detail });
                }
            }
            Action::Create | Action::Update | Action::Link => {
                entry.status = EntryStatus::Failed;
                entry.reason = format!("{}; {} needs a source record", entry.reason, entry.action);
                entry.remedy = Some(Remedy::Policy(entry.situation).to_string());
            }
            Action::Ignore | Action::Report | Action::NoReport | Action::Async => {
                entry.status = EntryStatus::Skipped;
            }
        }
    }

    /// Settles which target an UPDATE or a LINK means; false when there is none to be had, and then the entry says so.
    fn take_target(&self, entry: &mut Entry, case: &Case<'_>) -> bool {
        let refuse = |entry: &mut Entry, why: String, remedy: Remedy| {
            entry.status = EntryStatus::Failed;
            entry.reason = format!("{}; {why}", entry.reason);
            entry.remedy = Some(remedy.to_string());
            false
        };
        match entry.situation {
            Situation::Missing => match case.found.free() {
                Some(other) => {
                    entry.target_id = Some(other.to_owned());
                    true
                }
                None => {
                    let why = format!("{} needs a target record, and there is none", entry.action);
                    refuse(entry, why, Remedy::PolicyForAbsent(entry.situation))
                }
            },
            Situation::FoundAlreadyLinked if !case.found.owner_gone => refuse(
                entry,
                format!("{} cannot take it away from that record", entry.action),
                Remedy::RemoveLink,
            ),
            _ if case.target.is_none() => {
                let why = format!("{} needs a target record, and there is none", entry.action);
                refuse(entry, why, Remedy::PolicyForAbsent(entry.situation))
            }
            _ => true,
        }
    }

    /// Whether the record that a gone target would be made again as is there under another id: one that matches and has the
    /// key that the system gives out once.
    fn is_taken(&self, entry: &Entry, case: &Case<'_>) -> Result<bool, String> {
        let (Some(key), Situation::Missing) = (self.target_key, entry.situation) else { return Ok(false) };
        let (Some(_), Some((there, _))) = (case.found.free(), &case.found.target) else { return Ok(false) };
        let occasion = Occasion { qualifier: case.qualifier, ..Occasion::default() };
        let evaluation =
            self.mapping.evaluate(self.scripts, occasion, case.source, None).map_err(|p| p.reason)?;
        let text = |value: &Value| value.as_str().map(str::to_lowercase).filter(|text| !text.is_empty());
        let wanted = evaluation.changes.iter().find(|change| change.attribute == key);
        let wanted = wanted.and_then(|change| text(&change.after));
        Ok(wanted.is_some() && wanted == there.get(key).and_then(text))
    }

    fn plan_create(&self, entry: &mut Entry, case: &Case<'_>) -> Result<(), String> {
        let nothing = Attributes::new();
        let old_source = self.old_source_of(&case.candidate.id);
        let occasion =
            Occasion { qualifier: case.qualifier, old_source: old_source.as_ref(), ..Occasion::default() };
        let mut evaluation =
            self.mapping.evaluate(self.scripts, occasion, case.source, None).map_err(|p| p.reason)?;
        entry.target_id = None;
        entry.claim = case.found.claim.clone();
        evaluation.changes = self.shape(Hook::Create, evaluation.changes, &nothing, entry, case)?;
        self.plan_changes(entry, case, &nothing, None, evaluation);
        // The record is not there yet; what it will be like is what the script is to see.
        let planned = apply_changes(&nothing, entry);
        self.run_hook(Hook::Link, entry, &Value::Object(case.source.clone()), &planned)
    }

    fn plan_update(
        &self,
        mut entry: Entry,
        case: &Case<'_>,
        assessment: &Assessment,
        lookup: &dyn Lookup,
    ) -> Result<Judgement, String> {
        let Some((target_id, attributes, hash)) = &case.target else {
            return Err("the target record is not at hand".into());
        };
        // The base of a link says nothing about another record than the one it led to.
        let base = case.candidate.link.as_ref().filter(|_| case.linked).and_then(base_of);
        let newer = if self.mapping.asks_who_is_newer() {
            lookup.newer(&case.candidate.id, target_id)?
        } else {
            None
        };
        let old_source = self.old_source_of(&case.candidate.id);
        let occasion = Occasion {
            qualifier: case.qualifier,
            base: base.as_ref(),
            newer,
            old_source: old_source.as_ref(),
        };
        let mut evaluation = self
            .mapping
            .evaluate(self.scripts, occasion, case.source, Some(attributes))
            .map_err(|p| p.reason)?;
        evaluation.changes = self.shape(Hook::Update, evaluation.changes, attributes, &entry, case)?;
        if let Some(change) = evaluation.changes.iter().find(|c| c.attribute == "_id") {
            return Err(format!(
                "the mapping would change the {} record's id from {} to {}; an id is for good",
                self.target_title, change.before, change.after
            ));
        }
        let kept = self.kept_reason(&evaluation);
        entry.question = conflict_question(&evaluation);
        let linking = self.mapping.config.linking_enabled();
        if !linking && evaluation.changes.is_empty() && entry.question.is_none() {
            entry.status = EntryStatus::Skipped;
            entry.reason = format!("{}; nothing to change, and the mapping keeps no links", entry.reason);
            return Ok(Judgement::Entry(Box::new(entry), None));
        }
        let linked_already = case.linked && linking;
        let unchanged =
            evaluation.changes.is_empty() && linked_already && assessment.situation == Situation::Confirmed;
        if unchanged && kept.is_none() && entry.question.is_none() {
            return Ok(Judgement::InSync(Box::new(self.stamp(
                case,
                target_id,
                attributes,
                *hash,
                &evaluation,
            ))));
        }
        let waits = waiting_reason(&evaluation);
        if let (true, Some(waits)) = (unchanged, &waits) {
            entry.status = EntryStatus::NeedsYou;
            entry.reason = kept.map_or_else(|| waits.clone(), |kept| format!("{waits}; {kept}"));
            entry.remedy = Some(Remedy::DecideConflict.to_string());
            // The link is not stamped, so that every run looks at the pair until somebody has decided.
            return Ok(Judgement::Entry(Box::new(entry), None));
        }
        if unchanged {
            entry.status = EntryStatus::Skipped;
            entry.reason = kept.unwrap_or_default();
            let link = self.stamp(case, target_id, attributes, *hash, &evaluation);
            return Ok(Judgement::Entry(Box::new(entry), Some(Box::new(link))));
        }
        if !linked_already {
            entry.claim = entry.target_id.as_ref().map(|id| format!("target {id}"));
            self.run_event(Hook::Link, &entry, case)?;
        }
        for more in [kept, waits].into_iter().flatten() {
            entry.reason = format!("{}; {more}", entry.reason);
        }
        self.plan_changes(&mut entry, case, attributes, base.as_ref(), evaluation);
        Ok(Judgement::Entry(Box::new(entry), None))
    }

    /// Lets the mapping's scripts work on the target before it is written, and gives the changes as they are then.
    fn shape(
        &self,
        event: Hook,
        changes: Vec<AttributeChange>,
        before: &Attributes,
        entry: &Entry,
        case: &Case<'_>,
    ) -> Result<Vec<AttributeChange>, String> {
        let hooks = [Hook::DefaultMapping, event];
        if !hooks.iter().any(|hook| self.mapping.has_hook(*hook)) {
            return Ok(changes);
        }
        let mut planned = before.clone();
        for change in &changes {
            let pointer = Pointer::parse(&change.attribute);
            if change.after.is_null() {
                pointer.remove_in(&mut planned);
            } else {
                pointer.set_in(&mut planned, change.after.clone());
            }
        }
        let source = Value::Object(case.source.clone());
        let mut shaped = planned.clone();
        for hook in hooks {
            shaped = self.run_hook_on(hook, entry, &source, shaped, Some(before))?;
        }
        Ok(with_shaped(self.mapping.target_sameness(), changes, before, &planned, &shaped))
    }

    /// The source before its change, as scripts see it.
    fn old_source_of(&self, id: &str) -> Option<Value> {
        (self.old_source)(id).map(|attributes| Value::Object(with_id(&attributes, id)))
    }

    fn run_event(&self, hook: Hook, entry: &Entry, case: &Case<'_>) -> Result<(), String> {
        if !self.mapping.has_hook(hook) {
            return Ok(());
        }
        let target = case.target.as_ref().map(|(_, a, _)| a.clone()).unwrap_or_default();
        self.run_hook(hook, entry, &Value::Object(case.source.clone()), &target)
    }

    fn run_hook(&self, hook: Hook, entry: &Entry, source: &Value, target: &Attributes) -> Result<(), String> {
        // A mapping that keeps no links neither makes nor removes one.
        if matches!(hook, Hook::Link | Hook::Unlink) && !self.mapping.config.linking_enabled() {
            return Ok(());
        }
        self.run_hook_on(hook, entry, source, target.clone(), Some(target)).map(|_| ())
    }

    fn run_hook_on(
        &self,
        hook: Hook,
        entry: &Entry,
        source: &Value,
        target: Attributes,
        old_target: Option<&Attributes>,
    ) -> Result<Attributes, String> {
        if !self.mapping.has_hook(hook) {
            return Ok(target);
        }
        let config = serde_json::to_value(&self.mapping.config).unwrap_or(Value::Null);
        let text = |id: &Option<String>| id.as_deref().map_or(Value::Null, Value::from);
        let variables = [
            ("source", source.clone()),
            ("situation", Value::from(entry.situation.as_str())),
            ("linkQualifier", Value::from(entry.qualifier.as_str())),
            ("context", json!({"reconId": self.run})),
            ("sourceId", text(&entry.source_id)),
            ("targetId", text(&entry.target_id)),
            ("mappingConfig", config),
            (
                "oldSource",
                entry.source_id.as_deref().and_then(|id| self.old_source_of(id)).unwrap_or_default(),
            ),
            ("oldTarget", old_target.cloned().map_or(Value::Null, Value::Object)),
        ];
        let variables = variables.each_ref().map(|(name, value)| (*name, value));
        self.mapping.run_hook(self.scripts, hook, &variables, &target).map_err(|p| p.reason)
    }

    /// Whether a script follows the entry's action, whatever that is.
    pub(crate) fn is_followed(&self, entry: &Entry) -> bool {
        self.mapping.has_post_action(entry.policy.and_then(|number| usize::try_from(number).ok()))
    }

    /// What a person would have to decide about this record if its action does not.
    fn question(&self, entry: &Entry, case: &Case<'_>) -> Option<Question> {
        let question = |kind, detail| Some(Question { kind, detail });
        match entry.situation {
            Situation::Ambiguous => question(InboxKind::Ambiguous, json!({"targets": case.found.ids})),
            Situation::Missing => match case.found.free() {
                Some(other) => {
                    question(InboxKind::Relink, json!({"targets": [other], "gone": entry.target_id}))
                }
                None => question(InboxKind::TargetGone, json!({"gone": entry.target_id})),
            },
            Situation::FoundAlreadyLinked => question(
                InboxKind::AlreadyLinked,
                json!({"targets": case.found.ids, "owner": case.found.owner, "ownerGone": case.found.owner_gone}),
            ),
            _ => None,
        }
    }

    /// Writes the evaluation into the entry. The base after the change is worked out now, while both sides are at hand.
    fn plan_changes(
        &self,
        entry: &mut Entry,
        case: &Case<'_>,
        target: &Attributes,
        base: Option<&Base>,
        evaluation: Evaluation,
    ) {
        entry.changes = evaluation
            .changes
            .into_iter()
            .map(|c| StoredChange { attribute: c.attribute, before: c.before, after: c.after })
            .collect();
        let after = apply_changes(target, entry);
        let was = base;
        let base = self.mapping.base(was, &evaluation.settled, case.source, &after);
        let mut both = Attributes::new();
        if let Some(was) = was {
            let moved = json!({"source": moved(&was.source, &base.source), "target": moved(&was.target, &base.target)});
            both.insert(MOVED.into(), moved);
        }
        both.insert("source".into(), Value::Object(base.source));
        both.insert("target".into(), Value::Object(base.target));
        entry.base = Some(both);
    }

    fn stamp(
        &self,
        case: &Case<'_>,
        target_id: &str,
        target: &Attributes,
        target_hash: Hash,
        evaluation: &Evaluation,
    ) -> NewLink {
        let old = case.candidate.link.as_ref().and_then(base_of);
        let base = self.mapping.base(old.as_ref(), &evaluation.settled, case.source, target);
        NewLink {
            space: self.space(case.qualifier),
            source_id: case.candidate.id.clone(),
            target_id: target_id.to_owned(),
            source_hash: Some(case.candidate.hash),
            target_hash: Some(target_hash),
            version: self.version,
            base_source: base.source,
            base_target: base.target,
        }
    }

    /// Why values of the target stay although the source has others.
    fn kept_reason(&self, evaluation: &Evaluation) -> Option<String> {
        let by_rule = &evaluation.kept_by_rule;
        let newer: Vec<&str> =
            evaluation.kept.iter().filter(|name| !by_rule.contains(name)).map(String::as_str).collect();
        let mut reasons = Vec::new();
        if !newer.is_empty() {
            reasons.push(format!(
                "the {} record's newer value of {} stays: it was changed there since both were last in sync, and the mapping in the other direction carries it",
                self.target_title,
                newer.join(", ")
            ));
        }
        if !by_rule.is_empty() {
            reasons.push(format!(
                "the {} record's value of {} stays by the mapping's conflict rule",
                self.target_title,
                by_rule.join(", ")
            ));
        }
        (!reasons.is_empty()).then(|| reasons.join("; "))
    }
}

/// What a person is asked about attributes that changed on both sides.
fn conflict_question(evaluation: &Evaluation) -> Option<Question> {
    let conflicts = &evaluation.conflicts;
    (!conflicts.is_empty())
        .then(|| Question { kind: InboxKind::Conflict, detail: json!({"conflicts": conflicts}) })
}

fn waiting_reason(evaluation: &Evaluation) -> Option<String> {
    let names: Vec<&str> = evaluation.conflicts.iter().map(|c| c.attribute.as_str()).collect();
    (!names.is_empty())
        .then(|| format!("{} was changed on both sides, and the mapping says to ask", names.join(", ")))
}

/// The changes once scripts have worked on the target: what they touched is taken whole, attribute by attribute.
fn with_shaped(
    sameness: &Sameness,
    changes: Vec<AttributeChange>,
    before: &Attributes,
    planned: &Attributes,
    shaped: &Attributes,
) -> Vec<AttributeChange> {
    let nothing = Value::Null;
    let of = |attributes: &Attributes, name: &str| attributes.get(name).unwrap_or(&nothing).clone();
    let touched: Vec<&String> = planned
        .keys()
        .chain(shaped.keys().filter(|name| !planned.contains_key(*name)))
        .filter(|name| !same(planned.get(*name).unwrap_or(&nothing), shaped.get(*name).unwrap_or(&nothing)))
        .collect();
    let mut all: Vec<AttributeChange> = changes
        .into_iter()
        .filter(|c| !touched.iter().any(|name| Pointer::parse(&c.attribute).head() == Some(name.as_str())))
        .collect();
    all.extend(touched.into_iter().map(|name| AttributeChange {
        attribute: Pointer::from_steps(std::slice::from_ref(name)).to_string(),
        before: of(before, name),
        after: of(shaped, name),
    }));
    all.retain(|c| !sameness.same(&c.attribute, &c.before, &c.after));
    all
}

/// What to do about a record that waits for a person.
fn remedy(entry: &Entry) -> Remedy {
    match entry.situation {
        Situation::Ambiguous => Remedy::LinkByHand,
        Situation::Missing => match &entry.question {
            Some(Question { kind: InboxKind::Relink, .. }) => Remedy::LinkToMatch,
            _ => Remedy::PolicyForMissing,
        },
        Situation::SourceMissing => Remedy::PolicyForSourceMissing,
        Situation::FoundAlreadyLinked => Remedy::RemoveLink,
        Situation::Unassigned => Remedy::PolicyForUnassigned,
        other => Remedy::Policy(other),
    }
}

/// What a delete takes away: shown before, kept for undo.
pub(crate) fn losses(attributes: &Attributes) -> Vec<StoredChange> {
    attributes
        .iter()
        .filter(|(name, value)| *name != "_id" && !mapping::canonical::is_empty(value))
        .map(|(name, value)| StoredChange {
            attribute: name.clone(),
            before: value.clone(),
            after: Value::Null,
        })
        .collect()
}
