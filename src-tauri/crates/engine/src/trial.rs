//! A mapping tried with one record before anything of it is saved: judged by the same judge as in a run, with what the caller
//! has read of both sides instead of the mirror.

use std::collections::BTreeMap;

use mapping::{Correlation, Mapping, Newer, Occasion, Trace};
use model::{Action, Attributes, ManagedObjectConfig, Situation};
use store::{Candidate, Entry, EntryStatus, Hash, Link, Orientation, Store, StoredChange};

use crate::{
    EngineError, Scripts,
    judge::{Found, Judge, Judgement, Lookup, base_of, with_id},
    plan::{View, timestamp, with_policies_of},
};

/// No hash of either side is compared here, because nothing is stamped.
const UNHASHED: Hash = [0; 16];

/// Everything that is known about the record.
#[derive(Debug, Clone, Default)]
pub struct TrialRecord {
    /// The link qualifier under which it is judged.
    pub qualifier: String,
    /// The source's id.
    pub id: String,
    /// The source.
    pub source: Attributes,
    /// Its link.
    pub link: Option<Link>,
    /// The target that the link names, if it is there.
    pub linked: Option<Attributes>,
    /// What correlation finds; asked where there is no linked target.
    pub matches: Vec<(String, Attributes)>,
    /// The source that the only match is linked to already.
    pub owner: Option<String>,
    /// That source is not there any more.
    pub owner_gone: bool,
    /// Which side was changed last, where both tell.
    pub newer: Option<Newer>,
}

/// Between what the record is tried.
#[derive(Clone, Copy)]
pub struct TrialEnds<'a> {
    /// What a record of the source is called.
    pub source: &'a str,
    /// What a record of the target is called.
    pub target: &'a str,
    /// The attribute of a target that no two records share, if there is one.
    pub target_key: Option<&'a str>,
    /// The repository and the target's type, where the target is managed: its policies count.
    pub policies: Option<(&'a Store, &'a ManagedObjectConfig)>,
}

/// What became of the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrialOutcome {
    /// It would be written, linked or the like.
    Planned,
    /// Both sides are in sync.
    InSync,
    /// Nothing would be done.
    Skipped,
    /// It would fail.
    Failed,
    /// A person would be asked.
    NeedsYou,
    /// The mapping does not look at it.
    Outside,
}

impl TrialOutcome {
    /// Its name: `planned`, `inSync`, `skipped`, `failed`, `needsYou`, `outside`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::InSync => "inSync",
            Self::Skipped => "skipped",
            Self::Failed => "failed",
            Self::NeedsYou => "needsYou",
            Self::Outside => "outside",
        }
    }
}

/// What a run would make of the record.
#[derive(Debug, Clone)]
pub struct Tried {
    /// The outcome.
    pub outcome: TrialOutcome,
    /// The situation; none where the mapping does not look at the record.
    pub situation: Option<Situation>,
    /// The action of its policy.
    pub action: Option<Action>,
    /// The target's id, where one is meant.
    pub target: Option<String>,
    /// Why, in words.
    pub reason: String,
    /// What to do about it.
    pub remedy: Option<String>,
    /// What would be written, scripts included.
    pub changes: Vec<StoredChange>,
    /// How each property came out.
    pub trace: Trace,
}

/// Judges a record as a run would. Runs scripts and reads the repository, so it wants a thread that may block.
pub fn try_record(
    mapping: &Mapping,
    scripts: &Scripts,
    ends: TrialEnds<'_>,
    record: &TrialRecord,
) -> Result<Tried, EngineError> {
    let judge = Judge {
        mapping,
        scripts,
        kind: mapping.config.link_type(),
        orientation: Orientation::Forward,
        version: 0,
        run: "",
        narrowed: true,
        chosen: None,
        old_source: &|_| None,
        source_title: ends.source,
        target_title: ends.target,
        target_key: ends.target_key,
        became: BTreeMap::new(),
    };
    let candidate = Candidate {
        id: record.id.clone(),
        attributes: record.source.clone(),
        hash: UNHASHED,
        link: record.link.clone(),
        target: record.linked.clone().map(|target| (target, UNHASHED)),
    };
    let entry = match judge.source(&record.qualifier, &candidate, record) {
        Judgement::Outside => return Ok(outside(mapping, scripts, record)),
        Judgement::Silent { situation, .. } => {
            let entry = judge.entry("source", &record.qualifier, situation, String::new());
            Entry {
                action: Action::NoReport,
                status: EntryStatus::Skipped,
                reason: situation.meaning().to_owned(),
                ..entry
            }
        }
        Judgement::InSync(link) => {
            let entry = judge.entry("source", &record.qualifier, Situation::Confirmed, String::new());
            let reason = "both records are in sync".to_owned();
            let entry = Entry { action: Action::Update, target_id: Some(link.target_id), reason, ..entry };
            return Ok(tried(entry, TrialOutcome::InSync, record.trace(mapping, scripts)));
        }
        Judgement::Entry(entry, _) => match ends.policies {
            Some((store, config)) => with_policies_of(View::Now(store), config, *entry)?,
            None => *entry,
        },
    };
    let outcome = match entry.status {
        EntryStatus::Planned | EntryStatus::Done => TrialOutcome::Planned,
        EntryStatus::Failed | EntryStatus::Stale => TrialOutcome::Failed,
        EntryStatus::Skipped => TrialOutcome::Skipped,
        EntryStatus::NeedsYou => TrialOutcome::NeedsYou,
    };
    Ok(tried(entry, outcome, record.trace(mapping, scripts)))
}

fn tried(entry: Entry, outcome: TrialOutcome, trace: Trace) -> Tried {
    Tried {
        outcome,
        situation: Some(entry.situation),
        action: Some(entry.action),
        target: entry.target_id,
        reason: entry.reason,
        remedy: entry.remedy,
        changes: entry.changes,
        trace,
    }
}

fn outside(mapping: &Mapping, scripts: &Scripts, record: &TrialRecord) -> Tried {
    let source = with_id(&record.source, &record.id);
    let reason = if mapping.in_source_query(&source.into()) {
        format!("the record has no account `{}`", record.qualifier)
    } else {
        "the record is outside of the mapping's sourceQuery".to_owned()
    };
    Tried {
        outcome: TrialOutcome::Outside,
        situation: None,
        action: None,
        target: None,
        reason,
        remedy: None,
        changes: Vec::new(),
        trace: record.trace(mapping, scripts),
    }
}

impl TrialRecord {
    /// The only target that the record can mean.
    pub fn target(&self) -> Option<(&str, &Attributes)> {
        match (&self.link, &self.linked, self.matches.as_slice()) {
            (Some(link), Some(target), _) => Some((&link.target_id, target)),
            (_, _, [(id, target)]) => Some((id, target)),
            _ => None,
        }
    }

    fn trace(&self, mapping: &Mapping, scripts: &Scripts) -> Trace {
        let base = self.link.as_ref().filter(|_| self.linked.is_some()).and_then(base_of);
        let occasion =
            Occasion { qualifier: &self.qualifier, base: base.as_ref(), newer: self.newer, old_source: None };
        let target = self.target().map(|(id, attributes)| with_id(attributes, id));
        mapping.trace(scripts, occasion, &with_id(&self.source, &self.id), target.as_ref())
    }
}

impl Lookup for TrialRecord {
    fn find(&self, correlation: &Correlation, _: &str, _: &str) -> Result<Found, String> {
        let asked = *correlation != Correlation::NotDefined;
        let target = match self.matches.as_slice() {
            [(_, only)] => Some((only.clone(), UNHASHED)),
            _ => None,
        };
        Ok(Found {
            ids: self.matches.iter().map(|(id, _)| id.clone()).collect(),
            owner: self.owner.clone(),
            owner_title: None,
            owner_gone: self.owner_gone,
            target,
            asked,
            claim: None,
        })
    }

    fn newer(&self, _: &str, _: &str) -> Result<Option<Newer>, String> {
        Ok(self.newer)
    }
}

/// Which side was changed last, by the times that both give; none where one of them gives none.
pub fn newer_of(source: Option<&str>, target: Option<&str>) -> Option<Newer> {
    let (source, target) = (timestamp(source?)?, timestamp(target?)?);
    Some(if source >= target { Newer::Source } else { Newer::Target })
}
