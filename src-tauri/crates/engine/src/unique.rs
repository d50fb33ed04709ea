//! Unique values that pass from one object to another within a run: two people swap their user names, or one takes the name
//! that another one gives up. Each alone would be refused, because the other one still has the value.

use std::collections::{HashMap, HashSet};

use mapping::canonical;
use model::{
    Action, Attributes, ManagedObjectConfig,
    policy::{Rules, Violation},
};
use serde_json::Value;
use store::{Entry, EntryStatus, LinkSpace, Reader, Run, Store, StoreError};

use crate::{
    EngineError,
    ends::{End, Prepared},
    error::{policy_remedy, policy_text},
    execute::apply_changes,
    remedy::Remedy,
};

/// What policies hold against an entry, in words.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    reason: String,
    remedy: Option<String>,
}

impl Refusal {
    pub(crate) fn by(violations: &[Violation]) -> Self {
        Self {
            reason: policy_text(violations),
            remedy: policy_remedy(violations).map(|remedy| remedy.to_string()),
        }
    }

    /// What only the mapping can be blamed for.
    pub(crate) fn of_mapping(reason: String) -> Self {
        Self { reason, remedy: Some(Remedy::CorrectMapping.to_string()) }
    }

    /// The entry as it fails.
    pub(crate) fn of(self, entry: Entry) -> Entry {
        let Self { reason, remedy } = self;
        Entry { status: EntryStatus::Failed, claim: None, reason, remedy, ..entry }
    }
}

/// A planned entry that wants a value which another object has.
pub(crate) struct Contested {
    /// Its number.
    pub entry: i64,
    /// How it fails if that object keeps the value.
    pub refusal: Refusal,
}

/// Whether the run may still plan to delete the objects that no source accounts for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holders {
    MayGo,
    Stay,
}

/// Has those entries fail that want a value which its holder keeps, and leaves the others in the list. Gives how many failed.
pub(crate) fn settle(
    store: &Store,
    prepared: &Prepared,
    run: &mut Run,
    contested: &mut Vec<Contested>,
    holders: Holders,
) -> Result<u64, EngineError> {
    let End::Managed(config) = &prepared.target else { return Ok(0) };
    if contested.is_empty() {
        return Ok(0);
    }
    let seq = run.seq;
    let asked = Asked { config, rules: Rules::of(config), prepared, run: seq, holders };
    let (going, mut failed) = store.read_blocking(|r| {
        let mut wishes = HashMap::new();
        for one in contested.iter() {
            if let Some(entry) = r.entry(seq, one.entry)?.filter(|e| e.status == EntryStatus::Planned) {
                wishes.insert(one.entry, asked.wishes(r, &entry)?);
            }
        }
        // Those that are AMBIGUOUS by now have their reason.
        let planned: HashSet<i64> = wishes.keys().copied().collect();
        let going = granted(wishes);
        Ok((going.clone(), planned.difference(&going).copied().collect::<HashSet<i64>>()))
    })?;
    let refused: Vec<(i64, Refusal)> = contested
        .iter()
        .filter(|one| failed.remove(&one.entry))
        .map(|one| (one.entry, one.refusal.clone()))
        .collect();
    contested.retain(|one| going.contains(&one.entry));
    let count = refused.len() as u64;
    run.progress.failed_sources += count;
    if count > 0 {
        store.write_blocking(move |w| {
            refused.iter().try_for_each(|(entry, Refusal { reason, remedy })| {
                w.settle_entry(seq, *entry, EntryStatus::Failed, None, Some(reason), remedy.as_deref())
            })
        })?;
    }
    Ok(count)
}

/// A unique value that an entry wants, and who would have to give it up.
struct Wish {
    attribute: String,
    value: String,
    /// The entries that take it from its holder: one of them is enough.
    by: Vec<i64>,
    /// There is no holder, or it may go yet.
    hopeful: bool,
}

impl Wish {
    /// A value that nobody has.
    fn of(attribute: &str, value: &Value) -> Self {
        Self { attribute: attribute.to_owned(), value: folded(value), by: Vec::new(), hopeful: true }
    }
}

/// What an entry makes of its object.
pub(crate) struct Wanted {
    /// Its number.
    pub entry: i64,
    /// The object.
    pub id: String,
    /// How it is now; `None` where it is to be made.
    pub before: Option<Attributes>,
    pub after: Attributes,
}

/// The entries that can be carried out in one transaction, because each unique value that they want is given up by another one
/// of them, or is nobody's.
pub(crate) fn together(
    r: &Reader<'_>,
    rules: &Rules<'_>,
    wanted: &[Wanted],
) -> Result<HashSet<i64>, StoreError> {
    let by_id: HashMap<&str, &Wanted> = wanted.iter().map(|one| (one.id.as_str(), one)).collect();
    let mut wishes = HashMap::with_capacity(wanted.len());
    for one in wanted {
        let mut all = Vec::new();
        for (attribute, value) in new_values(rules, one.before.as_ref(), &one.after) {
            let wish = Wish::of(attribute, value);
            let Some(holder) = r.managed_with_value(rules.config(), attribute, value, &one.id)? else {
                all.push(wish);
                continue;
            };
            let giver = by_id
                .get(holder.as_str())
                .filter(|giver| giver.after.get(attribute).is_none_or(|kept| folded(kept) != wish.value));
            all.push(Wish {
                by: giver.map(|giver| giver.entry).into_iter().collect(),
                hopeful: false,
                ..wish
            });
        }
        wishes.insert(one.entry, all);
    }
    Ok(granted(wishes))
}

/// What is asked of the repository about a plan.
struct Asked<'a> {
    config: &'a ManagedObjectConfig,
    rules: Rules<'a>,
    prepared: &'a Prepared,
    run: i64,
    holders: Holders,
}

impl Asked<'_> {
    fn wishes(&self, r: &Reader<'_>, entry: &Entry) -> Result<Vec<Wish>, StoreError> {
        let id = entry.target_id.as_deref().unwrap_or_default();
        let before = match entry.action {
            Action::Update => r.managed(&self.config.name, id)?.map(|now| now.attributes),
            _ => None,
        };
        let after = apply_changes(before.as_ref().unwrap_or(self.rules.defaults()), entry);
        let mut wishes = Vec::new();
        for (attribute, value) in new_values(&self.rules, before.as_ref(), &after) {
            let wish = Wish::of(attribute, value);
            let Some(holder) = r.managed_with_value(self.config, attribute, value, id)? else {
                wishes.push(wish);
                continue;
            };
            let by: Vec<i64> = r
                .entries_for_target(self.run, &holder)?
                .iter()
                .filter(|e| e.status == EntryStatus::Planned && gives_up(e, attribute, &wish.value))
                .map(|e| e.seq)
                .collect();
            let hopeful =
                self.holders == Holders::MayGo && self.is_left_over(r, &entry.qualifier, &holder)?;
            wishes.push(Wish { by, hopeful, ..wish });
        }
        Ok(wishes)
    }

    /// Whether no source of the run accounts for an object, so that the run may delete it yet.
    fn is_left_over(&self, r: &Reader<'_>, qualifier: &str, holder: &str) -> Result<bool, StoreError> {
        if r.target_taken(self.run, holder)?.is_some() {
            return Ok(false);
        }
        let space: LinkSpace = self.prepared.space(qualifier);
        Ok(match r.source_linked(&space, holder)? {
            None => true,
            Some(owner) => r.source(&self.prepared.here(), &owner)?.is_none(),
        })
    }
}

/// Whether an entry takes this value from its target.
fn gives_up(entry: &Entry, attribute: &str, value: &str) -> bool {
    match entry.action {
        Action::Delete => true,
        Action::Update => {
            entry.changes.iter().any(|change| change.attribute == attribute && folded(&change.after) != value)
        }
        _ => false,
    }
}

/// The entries that have all that they want once all of them are carried out.
fn granted(mut wishes: HashMap<i64, Vec<Wish>>) -> HashSet<i64> {
    let contested: HashSet<i64> = wishes.keys().copied().collect();
    loop {
        let mut wanted: HashMap<(&str, &str), usize> = HashMap::new();
        for wish in wishes.values().flatten() {
            *wanted.entry((&wish.attribute, &wish.value)).or_default() += 1;
        }
        let stands = |seq: &i64| !contested.contains(seq) || wishes.contains_key(seq);
        let refused: Vec<i64> = wishes
            .iter()
            .filter(|(_, wishes)| {
                wishes.iter().any(|wish| {
                    let alone = wanted.get(&(wish.attribute.as_str(), wish.value.as_str())) == Some(&1);
                    !alone || !(wish.hopeful || wish.by.iter().any(stands))
                })
            })
            .map(|(seq, _)| *seq)
            .collect();
        if refused.is_empty() {
            return wishes.into_keys().collect();
        }
        for seq in refused {
            wishes.remove(&seq);
        }
    }
}

/// The unique values that an object did not have before.
fn new_values<'a>(
    rules: &'a Rules<'_>,
    before: Option<&'a Attributes>,
    after: &'a Attributes,
) -> impl Iterator<Item = (&'a str, &'a Value)> {
    rules.unique().iter().filter_map(move |&attribute| {
        let value = after.get(attribute).filter(|value| !canonical::is_empty(value))?;
        (before.and_then(|before| before.get(attribute)) != Some(value)).then_some((attribute, value))
    })
}

/// A value as it is compared with others of which it must differ: without the case of ASCII letters, like the repository does.
fn folded(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_ascii_lowercase)
}
