//! One record: its situation, its action, its changes and the reason in words. Everything that a plan consists of.

use std::collections::BTreeMap;

use mapping::{
    Base, Correlation, Decided, Decision, Interpreter, Mapping, Newer, Validity,
    assess::{Assessment, Link as LinkStanding, Matches, Source, assess_source, assess_target},
};
use model::{Action, Attributes, Situation};
use serde_json::Value;
use store::{Candidate, Entry, EntryStatus, Hash, Link, LinkSpace, NewLink, Orientation, TargetCandidate};

use crate::{remedy::Remedy, title::title_of};

/// The most targets that correlation names for one source; one more says that there are more.
pub(crate) const MOST_MATCHES: usize = 100;

/// What correlation found, resolved to ids.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Found {
    /// The targets, at most [`MOST_MATCHES`] and one.
    pub ids: Vec<String>,
    /// The source that the only target is linked to already.
    pub owner: Option<String>,
    /// A short name of that source for people, where it is there.
    pub owner_title: Option<String>,
    /// That source is not there any more.
    pub owner_gone: bool,
    /// The only target as it is.
    pub target: Option<(Attributes, Hash)>,
    /// Whether correlation was asked at all.
    pub asked: bool,
    /// What this source would claim if it made a new target.
    pub claim: Option<String>,
}

impl Found {
    /// The one target that the source may have: nobody's, or one whose owner is gone.
    pub(crate) fn free(&self) -> Option<&str> {
        match self.ids.as_slice() {
            [only] if self.owner.is_none() || self.owner_gone => Some(only),
            _ => None,
        }
    }
}

/// Looks targets up for correlation. Errors are sentences.
pub(crate) trait Lookup {
    fn find(&self, correlation: &Correlation, qualifier: &str, source_id: &str) -> Result<Found, String>;

    /// Which of the two records was changed last, where both tell when.
    fn newer(&self, source_id: &str, target_id: &str) -> Result<Option<Newer>, String>;
}

/// What comes of one source.
pub(crate) enum Judgement {
    /// In sync: only the link is to be stamped.
    InSync(Box<NewLink>),
    /// Counts under its situation and leaves no entry: NOREPORT, unless a script follows it.
    Silent {
        situation: Situation,
        /// The targets that it speaks for all the same, beside the one that it is linked to.
        targets: Vec<String>,
    },
    /// Not looked at: outside of the mapping's source query, or the source has no such account.
    Outside,
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
    /// The run's `_id`; empty for an implicit sync.
    pub run: &'a str,
    /// Whether the mapping's `sourceQuery` narrows what is looked at: that of a run, not a change that flows on by itself.
    pub narrowed: bool,
    /// A person has chosen what is done, whatever the policies say.
    pub chosen: Option<Action>,
    /// What a source was before the change that is carried on. Nobody knows it of a run.
    pub old_source: &'a (dyn Fn(&str) -> Option<Attributes> + Sync),
    pub source_title: &'a str,
    pub target_title: &'a str,
    /// The attribute of a target that no two records share.
    pub target_key: Option<&'a str>,
    /// Sources that are gone, each with the one that it was merged into, if it was.
    pub became: BTreeMap<String, Option<String>>,
}

/// A source under one qualifier, with the target that is spoken of, as scripts and filters see them: with their ids.
pub(crate) struct Case<'a> {
    pub qualifier: &'a str,
    pub candidate: &'a Candidate,
    pub source: &'a Attributes,
    pub found: &'a Found,
    /// The target: its id, its attributes, its hash.
    pub target: Option<(String, Attributes, Hash)>,
    /// The link stands and its target is there.
    pub linked: bool,
}

/// What was found out about a source before a script failed.
struct FoundOut {
    situation: Situation,
    action: Action,
    policy: Option<i64>,
    target_id: Option<String>,
    ambiguous: Vec<String>,
}

impl Judge<'_> {
    /// Judges a source that exists, under one qualifier.
    pub(crate) fn source(&self, qualifier: &str, candidate: &Candidate, lookup: &dyn Lookup) -> Judgement {
        let mut found_out = None;
        match self.try_source(qualifier, candidate, lookup, &mut found_out) {
            Ok(judgement) => judgement,
            Err(reason) => {
                let linked = candidate.link.as_ref();
                let FoundOut { situation, action, policy, target_id, ambiguous } =
                    found_out.unwrap_or_else(|| FoundOut {
                        situation: if linked.is_some() { Situation::Confirmed } else { Situation::Absent },
                        action: Action::Exception,
                        policy: None,
                        target_id: linked.map(|link| link.target_id.clone()),
                        ambiguous: Vec::new(),
                    });
                let title = title_of(&candidate.attributes, &candidate.id);
                let entry = Entry {
                    action,
                    policy,
                    target_id,
                    ambiguous,
                    status: EntryStatus::Failed,
                    source_id: Some(candidate.id.clone()),
                    remedy: Some(Remedy::CorrectMapping.to_string()),
                    reason,
                    ..self.entry("source", qualifier, situation, title)
                };
                Judgement::Entry(Box::new(entry), None)
            }
        }
    }

    fn try_source(
        &self,
        qualifier: &str,
        candidate: &Candidate,
        lookup: &dyn Lookup,
        found_out: &mut Option<FoundOut>,
    ) -> Result<Judgement, String> {
        let source = Value::Object(with_id(&candidate.attributes, &candidate.id));
        let source_attributes = source.as_object().ok_or("the source is no object")?;
        if self.narrowed && !self.mapping.in_source_query(&source) {
            return Ok(Judgement::Outside);
        }
        if !self.mapping.qualifiers_are_fixed() {
            let names = self.mapping.qualifiers_of(self.scripts, &source).map_err(|p| p.reason)?;
            // An account that it had is still its own, as IDM's target phase finds with all qualifiers.
            let has_one = candidate.link.is_some() && candidate.target.is_some();
            if !has_one && !names.iter().any(|name| name == qualifier) {
                return Ok(Judgement::Outside);
            }
        }
        let validity =
            self.mapping.source_validity(self.scripts, qualifier, &source).map_err(|p| p.reason)?;
        let link = candidate.link.as_ref().filter(|_| self.mapping.config.linking_enabled());
        let linked_target = match (link, &candidate.target) {
            (Some(link), Some((attributes, hash))) => {
                Some((link.target_id.clone(), with_id(attributes, &link.target_id), *hash))
            }
            _ => None,
        };
        let standing = match (link, &linked_target) {
            (None, _) => LinkStanding::None,
            // Only of a source that is gone is it asked whether its target is valid; a validTarget that fails fails nobody else.
            (Some(_), Some(_)) => LinkStanding::ToTarget { valid: true },
            (Some(_), None) => LinkStanding::ToNothing,
        };
        // A source whose target is gone may have moved to another one, which IDM never asks.
        let found = if linked_target.is_none() {
            let correlation =
                self.mapping.correlate(self.scripts, qualifier, source_attributes).map_err(|p| p.reason)?;
            lookup.find(&correlation, qualifier, &candidate.id)?
        } else {
            Found::default()
        };
        let valid = validity == Validity::Valid;
        let matches = if link.is_some() { Matches::NotAsked } else { matches(&found) };
        let assessment = assess_source(Source::There { valid }, standing, matches);
        let linked = linked_target.is_some();
        let target = linked_target.or_else(|| {
            let (attributes, hash) = found.target.as_ref()?;
            let id = found.ids.first()?;
            Some((id.clone(), with_id(attributes, id), *hash))
        });
        let target_value = target.as_ref().map_or(Value::Null, |(_, a, _)| Value::Object(a.clone()));
        let target_id = match (link, found.ids.as_slice()) {
            (Some(link), _) => Some(link.target_id.clone()),
            (None, [only]) => Some(only.clone()),
            _ => None,
        };
        let ambiguous: &[String] = if found.ids.len() > 1 { &found.ids } else { &[] };
        let known = found_out.insert(FoundOut {
            situation: assessment.situation,
            action: Action::Exception,
            policy: None,
            target_id: target_id.clone(),
            ambiguous: ambiguous.to_vec(),
        });
        let chosen = self.chosen.map(|action| Ok(Decided { action, policy: None }));
        let by_policy = || {
            self.mapping.action(
                self.scripts,
                &Decision {
                    mapping: &self.mapping.config.name,
                    run: self.run,
                    qualifier,
                    situation: assessment.situation,
                    from_source: true,
                    source: &source,
                    target: &target_value,
                    source_id: Some(&candidate.id),
                    target_id: target_id.as_deref(),
                    ambiguous,
                },
            )
        };
        let decided = chosen.unwrap_or_else(by_policy).map_err(|p| p.reason)?;
        (known.action, known.policy) = (decided.action, decided.number());
        let mut entry = self.entry(
            "source",
            qualifier,
            assessment.situation,
            title_of(&candidate.attributes, &candidate.id),
        );
        entry.action = decided.action;
        entry.policy = decided.number();
        entry.source_id = Some(candidate.id.clone());
        entry.target_id = target_id;
        entry.source_hash = Some(candidate.hash);
        entry.target_hash = target.as_ref().map(|(_, _, hash)| *hash);
        entry.ambiguous = ambiguous.to_vec();
        entry.reason = self.reason(&assessment, &validity, &found);
        let case = Case { qualifier, candidate, source: source_attributes, found: &found, target, linked };
        self.decide(entry, &case, &assessment, lookup)
    }

    /// Judges a target that no source accounts for. `None` leaves no entry.
    pub(crate) fn target(
        &self,
        candidate: &TargetCandidate,
        destructive_allowed: Result<(), &str>,
    ) -> Option<Entry> {
        let title = title_of(&candidate.attributes, &candidate.id);
        let target = Value::Object(with_id(&candidate.attributes, &candidate.id));
        if !self.mapping.in_target_query(&target) {
            return None;
        }
        let qualifier = candidate.qualifier.as_str();
        let linked = candidate.linked_source.is_some();
        let mut entry = self.entry("target", qualifier, assess_target(true, linked, None).situation, title);
        entry.target_id = Some(candidate.id.clone());
        entry.source_id = candidate.linked_source.clone();
        entry.target_hash = Some(candidate.hash);
        let judged = self.mapping.target_valid(self.scripts, qualifier, &target).and_then(|valid| {
            let situation = assess_target(valid, linked, None).situation;
            entry.situation = situation;
            self.mapping.action(
                self.scripts,
                &Decision {
                    mapping: &self.mapping.config.name,
                    run: self.run,
                    qualifier,
                    situation,
                    from_source: false,
                    source: &Value::Null,
                    target: &target,
                    source_id: candidate.linked_source.as_deref(),
                    target_id: Some(&candidate.id),
                    ambiguous: &[],
                },
            )
        });
        match judged {
            Err(problem) => {
                entry.status = EntryStatus::Failed;
                entry.reason = problem.reason;
                return Some(entry);
            }
            Ok(decided) => {
                entry.action = decided.action;
                entry.policy = decided.number();
                if entry.action == Action::NoReport && !self.is_followed(&entry) {
                    return None;
                }
            }
        }
        entry.reason = match entry.situation {
            Situation::SourceMissing => {
                let source = candidate.linked_source.as_deref().unwrap_or("?");
                self.became(source)
                    .unwrap_or_else(|| format!("its {} record {source} is gone", self.source_title))
            }
            Situation::TargetIgnored => "the mapping's validTarget script says no".to_owned(),
            _ => format!("no {} record accounts for it", self.source_title),
        };
        self.decide_lost(&mut entry, &candidate.attributes, linked, destructive_allowed);
        Some(entry)
    }

    /// What became of a source that was merged into another one, whose link is another target's: else its own would have
    /// followed it.
    fn became(&self, source: &str) -> Option<String> {
        let heir = self.became.get(source)?.as_ref()?;
        let (kind, target) = (self.source_title, self.target_title);
        Some(format!("its {kind} record {source} was merged into {heir}, which has another {target}"))
    }

    /// Decides about a target whose source is not there. Two sources that became one have not gone: nobody is deleted for that
    /// but by a person, who knows which of the two targets is right.
    fn decide_lost(
        &self,
        entry: &mut Entry,
        target: &Attributes,
        linked: bool,
        destructive_allowed: Result<(), &str>,
    ) {
        let merged = linked
            && self.chosen.is_none()
            && entry.source_id.as_ref().is_some_and(|id| matches!(self.became.get(id), Some(Some(_))));
        if merged && entry.action == Action::Delete {
            entry.action = Action::Exception;
            entry.reason = format!("{}; nothing is deleted by itself for that", entry.reason);
        }
        self.decide_without_source(entry, target, linked, destructive_allowed);
        if merged && entry.status == EntryStatus::NeedsYou {
            entry.remedy = Some(Remedy::RemoveLink.to_string());
        }
    }

    /// Judges a source that is gone, for a delete that flows on: rows 12 to 20. `old` is the source as it was last, where
    /// that is known; then it is asked which target would have been its.
    pub(crate) fn gone(&self, gone: &Gone<'_>, lookup: &dyn Lookup) -> Entry {
        let mut entry = self.entry("source", gone.qualifier, Situation::AllGone, gone.title.to_owned());
        entry.source_id = Some(gone.id.to_owned());
        entry.target_id = gone.link.map(|l| l.target_id.clone());
        entry.target_hash = gone.target.map(|(_, hash)| *hash);
        let became = gone.link.and_then(|_| self.became(gone.id));
        entry.reason = became.unwrap_or_else(|| format!("the {} record is gone", self.source_title));
        if let Err(reason) = self.try_gone(gone, lookup, &mut entry) {
            entry.status = EntryStatus::Failed;
            entry.reason = reason;
        }
        entry
    }

    fn try_gone(&self, gone: &Gone<'_>, lookup: &dyn Lookup, entry: &mut Entry) -> Result<(), String> {
        let old = gone.old.map(|attributes| with_id(attributes, gone.id));
        let mut found = Found::default();
        let mut was_valid = None;
        if let (Some(old), None) = (&old, gone.link) {
            let value = Value::Object(old.clone());
            let validity =
                self.mapping.source_validity(self.scripts, gone.qualifier, &value).map_err(|p| p.reason)?;
            was_valid = Some(validity == Validity::Valid);
            let correlation =
                self.mapping.correlate(self.scripts, gone.qualifier, old).map_err(|p| p.reason)?;
            found = lookup.find(&correlation, gone.qualifier, gone.id)?;
            // What is somebody else's is not this source's.
            if found.owner.is_some() {
                found = Found { asked: true, ..Found::default() };
            }
            entry.target_id = found.free().map(str::to_owned);
            if found.ids.len() > 1 {
                entry.ambiguous = found.ids.clone();
            }
        }
        let target = match gone.link {
            Some(link) => gone.target.map(|(a, hash)| (link.target_id.clone(), a, *hash)),
            None => found.target.as_ref().and_then(|(a, hash)| Some((found.ids.first()?.clone(), a, *hash))),
        };
        let value = target.as_ref().map_or(Value::Null, |(id, a, _)| Value::Object(with_id(a, id)));
        let assess = |valid| {
            let standing = match (gone.link, gone.target) {
                (None, _) => LinkStanding::None,
                (Some(_), Some(_)) => LinkStanding::ToTarget { valid },
                (Some(_), None) => LinkStanding::ToNothing,
            };
            assess_source(Source::Gone { old: was_valid }, standing, matches(&found))
        };
        entry.situation = assess(true).situation;
        let valid = match gone.target {
            Some(_) => {
                self.mapping.target_valid(self.scripts, gone.qualifier, &value).map_err(|p| p.reason)?
            }
            None => true,
        };
        let assessment = assess(valid);
        entry.situation = assessment.situation;
        let source = old.map_or(Value::Null, Value::Object);
        let chosen = self.chosen.map(|action| Ok(Decided { action, policy: None }));
        let by_policy = || {
            self.mapping.action(
                self.scripts,
                &Decision {
                    mapping: &self.mapping.config.name,
                    run: self.run,
                    qualifier: gone.qualifier,
                    situation: assessment.situation,
                    from_source: true,
                    source: &source,
                    target: &value,
                    source_id: Some(gone.id),
                    target_id: entry.target_id.as_deref(),
                    ambiguous: &entry.ambiguous,
                },
            )
        };
        let decided = chosen.unwrap_or_else(by_policy).map_err(|p| p.reason)?;
        entry.action = decided.action;
        entry.policy = decided.number();
        entry.target_hash = target.as_ref().map(|(_, _, hash)| *hash);
        let attributes = target.map(|(_, a, _)| a.clone()).unwrap_or_default();
        if assessment.never_linked && entry.action == Action::Delete {
            entry.action = Action::Ignore;
            entry.status = EntryStatus::Skipped;
            entry.reason =
                format!("{}; nothing is deleted, because the two records were never linked", entry.reason);
            return Ok(());
        }
        self.decide_lost(entry, &attributes, gone.link.is_some(), Ok(()));
        Ok(())
    }

    pub(crate) fn entry(
        &self,
        phase: &'static str,
        qualifier: &str,
        situation: Situation,
        title: String,
    ) -> Entry {
        Entry {
            seq: 0,
            situation,
            action: Action::Exception,
            status: EntryStatus::Planned,
            phase,
            qualifier: qualifier.to_owned(),
            policy: None,
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
            question: None,
        }
    }

    pub(crate) fn space(&self, qualifier: &str) -> LinkSpace {
        LinkSpace {
            kind: self.kind.to_owned(),
            qualifier: qualifier.to_owned(),
            orientation: self.orientation,
        }
    }

    /// The reason of a situation in words.
    fn reason(&self, assessment: &Assessment, validity: &Validity, found: &Found) -> String {
        if let Validity::Invalid(why) = validity {
            return why.clone();
        }
        let quoted = |title: &str| format!("\"{}\"", title.replace('"', "'"));
        let first = match (found.ids.first(), &found.target) {
            (Some(id), Some((target, _))) => quoted(&title_of(target, id)),
            (id, _) => id.cloned().unwrap_or_else(|| "?".into()),
        };
        let owner = match (&found.owner_title, &found.owner) {
            // Two records of one person have one name: whose link it is only the id tells.
            (Some(title), Some(id)) if title != id => format!("{} ({id})", quoted(title)),
            (_, id) => id.clone().unwrap_or_else(|| "?".into()),
        };
        match assessment.situation {
            Situation::Found => format!("matches {} record {first}", self.target_title),
            Situation::FoundAlreadyLinked => format!(
                "matches {} record {first}, which is linked to {} record {}{}",
                self.target_title,
                self.source_title,
                owner,
                if found.owner_gone { ", which is gone" } else { "" }
            ),
            Situation::Ambiguous if found.ids.len() > MOST_MATCHES => {
                format!("more than {MOST_MATCHES} {} records match", self.target_title)
            }
            Situation::Ambiguous => format!("{} {} records match", found.ids.len(), self.target_title),
            Situation::Absent if found.asked => format!("no matching {} record", self.target_title),
            Situation::Missing => match found.free() {
                Some(_) => {
                    format!("its {0} record is gone, but {0} record {first} matches", self.target_title)
                }
                None => format!("its {} record is gone", self.target_title),
            },
            other => other.meaning().to_owned(),
        }
    }
}

/// A source that is gone.
pub(crate) struct Gone<'a> {
    pub qualifier: &'a str,
    pub id: &'a str,
    pub title: &'a str,
    /// As it was last, where that is known.
    pub old: Option<&'a Attributes>,
    pub link: Option<&'a Link>,
    /// The linked target.
    pub target: Option<&'a (Attributes, Hash)>,
}

/// Attributes as scripts and filters see them: with `_id`.
pub(crate) fn with_id(attributes: &Attributes, id: &str) -> Attributes {
    let mut all = attributes.clone();
    all.insert("_id".into(), Value::from(id));
    all
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
