//! One record: its situation, its action, its changes and the reason in words. Everything that a plan consists of.

use mapping::{
    Base, Correlation, Evaluation, Interpreter, Mapping, Validity,
    assess::{Assessment, Link as LinkStanding, Matches, Source, assess_source, assess_target},
};
use model::{Action, Attributes, Situation};
use serde_json::Value;
use store::{Candidate, Entry, EntryStatus, Hash, Link, NewLink, Orientation, StoredChange, TargetCandidate};

use crate::title::title_of;

/// What correlation found, resolved to ids.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Found {
    /// The targets, at most a few.
    pub ids: Vec<String>,
    /// The source that the only target is linked to already.
    pub owner: Option<String>,
    /// The only target as it is.
    pub target: Option<(Attributes, Hash)>,
    /// Whether correlation was asked at all.
    pub asked: bool,
    /// What this source would claim if it made a new target.
    pub claim: Option<String>,
}

/// Looks targets up for correlation. Errors are sentences.
pub(crate) trait Lookup {
    fn find(&self, correlation: &Correlation, source_id: &str) -> Result<Found, String>;
}

/// What comes of one source.
pub(crate) enum Judgement {
    /// In sync: only the link is to be stamped.
    InSync(Box<NewLink>),
    /// Counts under its situation and leaves no entry.
    Silent(Situation),
    /// Leaves an entry, and stamps the link when nothing is left to be done about it.
    Entry(Box<Entry>, Option<Box<NewLink>>),
}

/// Judges records for one mapping.
pub(crate) struct Judge<'a> {
    pub mapping: &'a Mapping,
    pub scripts: &'a dyn Interpreter,
    pub kind: &'a str,
    pub orientation: Orientation,
    pub version: i64,
    pub source_title: &'a str,
    pub target_title: &'a str,
}

impl Judge<'_> {
    /// Judges a source that exists.
    pub(crate) fn source(&self, candidate: &Candidate, lookup: &dyn Lookup) -> Judgement {
        match self.try_source(candidate, lookup) {
            Ok(judgement) => judgement,
            Err(reason) => {
                let mut entry = self.entry(
                    "source",
                    Situation::Absent,
                    Action::Exception,
                    title_of(&candidate.attributes, &candidate.id),
                );
                entry.situation =
                    if candidate.link.is_some() { Situation::Confirmed } else { Situation::Absent };
                entry.status = EntryStatus::Failed;
                entry.source_id = Some(candidate.id.clone());
                entry.target_id = candidate.link.as_ref().map(|l| l.target_id.clone());
                entry.remedy = Some("correct the mapping or the record, then run it again".into());
                entry.reason = reason;
                Judgement::Entry(Box::new(entry), None)
            }
        }
    }

    fn try_source(&self, candidate: &Candidate, lookup: &dyn Lookup) -> Result<Judgement, String> {
        let linking = self.mapping.config.linking_enabled();
        let source = Value::Object(candidate.attributes.clone());
        let validity = self
            .mapping
            .source_validity(self.scripts, mapping::DEFAULT_QUALIFIER, &source)
            .map_err(|p| p.reason)?;
        let link = candidate.link.as_ref().filter(|_| linking);
        let standing = match (link, &candidate.target) {
            (None, _) => LinkStanding::None,
            (Some(_), Some((target, _))) => LinkStanding::ToTarget {
                valid: self
                    .mapping
                    .target_valid(self.scripts, mapping::DEFAULT_QUALIFIER, &Value::Object(target.clone()))
                    .map_err(|p| p.reason)?,
            },
            (Some(_), None) => LinkStanding::ToNothing,
        };
        let found = if link.is_none() {
            let correlation = self
                .mapping
                .correlate(self.scripts, mapping::DEFAULT_QUALIFIER, &candidate.attributes)
                .map_err(|p| p.reason)?;
            lookup.find(&correlation, &candidate.id)?
        } else {
            Found::default()
        };
        let valid = validity == Validity::Valid;
        let assessment = assess_source(Source::There { valid }, standing, matches(&found));
        let target = if link.is_some() { candidate.target.as_ref() } else { found.target.as_ref() };
        let target_id = match (link, found.ids.as_slice()) {
            (Some(link), _) => Some(link.target_id.clone()),
            (None, [only]) => Some(only.clone()),
            _ => None,
        };
        let target_value = target.map_or(Value::Null, |(a, _)| Value::Object(a.clone()));
        let action = self
            .mapping
            .action(self.scripts, mapping::DEFAULT_QUALIFIER, assessment.situation, &source, &target_value)
            .map_err(|p| p.reason)?;
        let mut entry = self.entry(
            "source",
            assessment.situation,
            action,
            title_of(&candidate.attributes, &candidate.id),
        );
        entry.source_id = Some(candidate.id.clone());
        entry.target_id = target_id;
        entry.source_hash = Some(candidate.hash);
        entry.target_hash = target.map(|(_, hash)| *hash);
        if found.ids.len() > 1 {
            entry.ambiguous = found.ids.clone();
        }
        entry.reason = self.reason(&assessment, &validity, &found);
        self.decide(entry, candidate, target, &found, &assessment)
    }

    /// Turns the action into changes, or into the reason why there are none.
    fn decide(
        &self,
        mut entry: Entry,
        candidate: &Candidate,
        target: Option<&(Attributes, Hash)>,
        found: &Found,
        assessment: &Assessment,
    ) -> Result<Judgement, String> {
        match entry.action {
            Action::NoReport => return Ok(Judgement::Silent(entry.situation)),
            Action::Create if target.is_some() => {
                entry.status = EntryStatus::Failed;
                entry.reason =
                    format!("{}; CREATE was asked for, but the target record exists", entry.reason);
                entry.remedy =
                    Some(format!("use UPDATE or LINK for {} in the mapping's policies", entry.situation));
            }
            Action::Create => {
                let evaluation = self
                    .mapping
                    .evaluate(self.scripts, mapping::Occasion::default(), &candidate.attributes, None)
                    .map_err(|p| p.reason)?;
                entry.target_id = None;
                entry.claim = found.claim.clone();
                self.plan_changes(&mut entry, candidate, &Attributes::new(), None, evaluation);
            }
            Action::Update | Action::Link if target.is_none() => {
                entry.status = EntryStatus::Failed;
                entry.reason =
                    format!("{}; {} needs a target record, and there is none", entry.reason, entry.action);
                entry.remedy =
                    Some(format!("use CREATE or UNLINK for {} in the mapping's policies", entry.situation));
            }
            Action::Update => {
                let Some((attributes, hash)) = target else {
                    return Err("the target record is not at hand".into());
                };
                let base = candidate.link.as_ref().and_then(base_of);
                let evaluation = self
                    .mapping
                    .evaluate(
                        self.scripts,
                        mapping::Occasion { base: base.as_ref(), ..Default::default() },
                        &candidate.attributes,
                        Some(attributes),
                    )
                    .map_err(|p| p.reason)?;
                let kept = evaluation.kept.clone();
                let linked_already = candidate.link.is_some() && self.mapping.config.linking_enabled();
                if evaluation.changes.is_empty()
                    && linked_already
                    && assessment.situation == Situation::Confirmed
                {
                    if kept.is_empty() {
                        return Ok(Judgement::InSync(Box::new(self.stamp(
                            candidate,
                            &entry,
                            attributes,
                            *hash,
                            &evaluation,
                        ))));
                    }
                    entry.status = EntryStatus::Skipped;
                    entry.reason = self.kept_reason(&kept);
                    let link = self.stamp(candidate, &entry, attributes, *hash, &evaluation);
                    return Ok(Judgement::Entry(Box::new(entry), Some(Box::new(link))));
                }
                if !linked_already {
                    entry.claim = entry.target_id.as_ref().map(|id| format!("target {id}"));
                }
                if !kept.is_empty() {
                    entry.reason = format!("{}; {}", entry.reason, self.kept_reason(&kept));
                }
                self.plan_changes(&mut entry, candidate, attributes, base.as_ref(), evaluation);
            }
            Action::Link => {
                entry.claim = entry.target_id.as_ref().map(|id| format!("target {id}"));
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
                if let (Action::Delete, Some((attributes, _))) = (entry.action, target) {
                    entry.changes = losses(attributes);
                }
                if candidate.link.is_none() {
                    entry.status = EntryStatus::Skipped;
                    entry.reason = format!("{}; there is no link to remove", entry.reason);
                }
            }
            Action::Exception => {
                entry.status = EntryStatus::NeedsYou;
                entry.remedy = Some(self.remedy(entry.situation));
            }
            Action::Ignore | Action::Report | Action::Async => entry.status = EntryStatus::Skipped,
        }
        Ok(Judgement::Entry(Box::new(entry), None))
    }

    /// Judges a target that no source accounts for. `source_gone` says that its linked source is confirmed gone.
    pub(crate) fn target(
        &self,
        candidate: &TargetCandidate,
        destructive_allowed: Result<(), &str>,
    ) -> Option<Entry> {
        let title = title_of(&candidate.attributes, &candidate.id);
        let target = Value::Object(candidate.attributes.clone());
        let fail = |reason: String| {
            let mut entry = self.entry("target", Situation::Unassigned, Action::Exception, title.clone());
            entry.status = EntryStatus::Failed;
            entry.target_id = Some(candidate.id.clone());
            entry.reason = reason;
            entry
        };
        let valid = match self.mapping.target_valid(self.scripts, mapping::DEFAULT_QUALIFIER, &target) {
            Ok(valid) => valid,
            Err(problem) => return Some(fail(problem.reason)),
        };
        let assessment = assess_target(valid, candidate.linked_source.is_some(), None);
        let action = match self.mapping.action(
            self.scripts,
            mapping::DEFAULT_QUALIFIER,
            assessment.situation,
            &Value::Null,
            &target,
        ) {
            Ok(action) => action,
            Err(problem) => return Some(fail(problem.reason)),
        };
        if action == Action::NoReport {
            return None;
        }
        let mut entry = self.entry("target", assessment.situation, action, title.clone());
        entry.target_id = Some(candidate.id.clone());
        entry.source_id = candidate.linked_source.clone();
        entry.target_hash = Some(candidate.hash);
        entry.reason = match assessment.situation {
            Situation::SourceMissing => {
                format!(
                    "its {} record {} is gone",
                    self.source_title,
                    candidate.linked_source.as_deref().unwrap_or("?")
                )
            }
            Situation::TargetIgnored => "the mapping's validTarget script says no".to_owned(),
            _ => format!("no {} record accounts for it", self.source_title),
        };
        match action {
            Action::Delete | Action::Unlink => match destructive_allowed {
                Err(why) => {
                    entry.status = EntryStatus::Skipped;
                    entry.reason = format!("{}; not carried out, because {why}", entry.reason);
                    entry.remedy = Some("clear the failures and run it again".into());
                }
                Ok(()) if action == Action::Unlink && candidate.linked_source.is_none() => {
                    entry.status = EntryStatus::Skipped
                }
                Ok(()) if action == Action::Delete => entry.changes = losses(&candidate.attributes),
                Ok(()) => {}
            },
            Action::Exception => {
                entry.status = EntryStatus::NeedsYou;
                entry.remedy = Some(self.remedy(entry.situation));
            }
            Action::Create | Action::Update | Action::Link => {
                entry.status = EntryStatus::Failed;
                entry.reason = format!("{}; {action} needs a source record", entry.reason);
                entry.remedy =
                    Some(format!("choose another action for {} in the mapping's policies", entry.situation));
            }
            _ => entry.status = EntryStatus::Skipped,
        }
        Some(entry)
    }

    /// Judges a source that is gone, for a delete that flows on: rows 12 to 16.
    pub(crate) fn gone(
        &self,
        id: &str,
        title: &str,
        link: Option<&Link>,
        target: Option<&(Attributes, Hash)>,
    ) -> Entry {
        let value = target.map_or(Value::Null, |(a, _)| Value::Object(a.clone()));
        let valid = target.is_none()
            || self.mapping.target_valid(self.scripts, mapping::DEFAULT_QUALIFIER, &value).unwrap_or(true);
        let standing = match (link, target) {
            (None, _) => LinkStanding::None,
            (Some(_), Some(_)) => LinkStanding::ToTarget { valid },
            (Some(_), None) => LinkStanding::ToNothing,
        };
        let assessment = assess_source(Source::Gone { old: None }, standing, Matches::NotAsked);
        let action = self.mapping.action(
            self.scripts,
            mapping::DEFAULT_QUALIFIER,
            assessment.situation,
            &Value::Null,
            &value,
        );
        let mut entry = self.entry("source", assessment.situation, Action::Exception, title.to_owned());
        entry.source_id = Some(id.to_owned());
        entry.target_id = link.map(|l| l.target_id.clone());
        entry.target_hash = target.map(|(_, hash)| *hash);
        entry.reason = format!("the {} record is gone", self.source_title);
        match action {
            Err(problem) => {
                entry.status = EntryStatus::Failed;
                entry.reason = problem.reason;
            }
            Ok(action) => {
                entry.action = action;
                entry.status = match action {
                    Action::Delete | Action::Unlink if link.is_some() => EntryStatus::Planned,
                    Action::Exception => EntryStatus::NeedsYou,
                    _ => EntryStatus::Skipped,
                };
                if action == Action::Exception {
                    entry.remedy = Some(self.remedy(entry.situation));
                }
                if let (Action::Delete, Some((attributes, _))) = (action, target) {
                    entry.changes = losses(attributes);
                }
            }
        }
        entry
    }

    fn entry(&self, phase: &'static str, situation: Situation, action: Action, title: String) -> Entry {
        Entry {
            seq: 0,
            situation,
            action,
            status: EntryStatus::Planned,
            phase,
            title,
            source_id: None,
            target_id: None,
            ambiguous: Vec::new(),
            changes: Vec::new(),
            reason: String::new(),
            remedy: None,
            claim: None,
            source_hash: None,
            target_hash: None,
            base: None,
        }
    }

    /// Writes the evaluation into the entry. The base after the change is worked out now, while both sides are at hand.
    fn plan_changes(
        &self,
        entry: &mut Entry,
        candidate: &Candidate,
        target: &Attributes,
        base: Option<&Base>,
        evaluation: Evaluation,
    ) {
        let mut after = target.clone();
        for change in &evaluation.changes {
            model::Pointer::parse(&change.attribute).set_in(&mut after, change.after.clone());
        }
        let base = self.mapping.base(base, &evaluation.settled, &candidate.attributes, &after);
        let mut both = Attributes::new();
        both.insert("source".into(), Value::Object(base.source));
        both.insert("target".into(), Value::Object(base.target));
        entry.base = Some(both);
        entry.changes = evaluation
            .changes
            .into_iter()
            .map(|c| StoredChange { attribute: c.attribute, before: c.before, after: c.after })
            .collect();
    }

    fn stamp(
        &self,
        candidate: &Candidate,
        entry: &Entry,
        target: &Attributes,
        target_hash: Hash,
        evaluation: &Evaluation,
    ) -> NewLink {
        let old = candidate.link.as_ref().and_then(base_of);
        let base = self.mapping.base(old.as_ref(), &evaluation.settled, &candidate.attributes, target);
        NewLink {
            kind: self.kind.to_owned(),
            orientation: self.orientation,
            source_id: candidate.id.clone(),
            target_id: entry.target_id.clone().unwrap_or_default(),
            source_hash: Some(candidate.hash),
            target_hash: Some(target_hash),
            version: self.version,
            base_source: base.source,
            base_target: base.target,
        }
    }

    fn kept_reason(&self, kept: &[String]) -> String {
        format!(
            "the {} record's newer value of {} stays: it was changed there since both were last in sync, and the mapping in the other direction carries it",
            self.target_title,
            kept.join(", ")
        )
    }

    fn reason(&self, assessment: &Assessment, validity: &Validity, found: &Found) -> String {
        if let Validity::Invalid(why) = validity {
            return why.clone();
        }
        match assessment.situation {
            Situation::Found => format!(
                "matches {} record {}",
                self.target_title,
                found.ids.first().map_or("?", String::as_str)
            ),
            Situation::FoundAlreadyLinked => format!(
                "matches {} record {}, which is linked to {} record {}",
                self.target_title,
                found.ids.first().map_or("?", String::as_str),
                self.source_title,
                found.owner.as_deref().unwrap_or("?")
            ),
            Situation::Ambiguous => format!("{} {} records match", found.ids.len(), self.target_title),
            Situation::Absent if found.asked => format!("no matching {} record", self.target_title),
            Situation::Missing => format!("its {} record is gone", self.target_title),
            other => other.meaning().to_owned(),
        }
    }

    fn remedy(&self, situation: Situation) -> String {
        match situation {
            Situation::Ambiguous => {
                "make the records distinguishable or link the right one by hand".to_owned()
            }
            Situation::Missing => {
                "set the policy for MISSING to CREATE to make it again, or to UNLINK to forget it".to_owned()
            }
            Situation::SourceMissing => {
                "set the policy for SOURCE_MISSING to DELETE or UNLINK, or restore the source record"
                    .to_owned()
            }
            Situation::FoundAlreadyLinked => {
                "remove the wrong link or correct the record that matches by mistake".to_owned()
            }
            Situation::Unassigned => {
                "set the policy for UNASSIGNED to IGNORE if such records are fine, or create their source"
                    .to_owned()
            }
            other => format!("choose another action for {other} in the mapping's policies"),
        }
    }
}

/// What a delete takes away: shown before, kept for undo.
fn losses(attributes: &Attributes) -> Vec<StoredChange> {
    attributes
        .iter()
        .filter(|(_, value)| !mapping::canonical::is_empty(value))
        .map(|(name, value)| StoredChange {
            attribute: name.clone(),
            before: value.clone(),
            after: Value::Null,
        })
        .collect()
}

fn matches(found: &Found) -> Matches {
    match (found.asked, found.ids.len()) {
        (false, _) => Matches::NotAsked,
        (true, 0) => Matches::None,
        (true, 1) => Matches::One { linked_elsewhere: found.owner.is_some() },
        (true, _) => Matches::Several,
    }
}

/// The base of a link, if it has one.
pub(crate) fn base_of(link: &Link) -> Option<Base> {
    Some(Base { source: link.base_source.clone()?, target: link.base_target.clone()? })
}
