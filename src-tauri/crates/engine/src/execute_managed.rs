//! Executing into the repository: object, link, history and the queue rows of other mappings in one transaction.

use mapping::canonical;
use model::{
    Action, Attributes, ManagedObjectConfig, MappingConfig,
    policy::{Rules, Violation},
};
use store::{Entry, EntryStatus, HistoryEntry, Managed, ManagedWrite, QueueChange, StoreError, Writer};

use crate::{
    Engine, EngineError,
    ends::{End, Prepared},
    error::{policy_remedy, policy_text},
    execute::{Context, Settled, apply_changes, free_target, link_for, settle},
    people::{Onward, new_violations, queue_followers, taken, wrong_values},
    title::title_of,
};

impl Engine {
    pub(crate) async fn execute_managed(
        &self,
        context: &Context,
        prepared: &Prepared,
        entries: Vec<Entry>,
    ) -> Result<Vec<Settled>, EngineError> {
        let ready = self.ready_managed(context, prepared, entries);
        Ok(self.store.write(move |w| ready.carry_out(w)).await?)
    }

    /// Makes everything ready that needs no look at the repository, so that the writer is kept as short as can be.
    pub(crate) fn ready_managed(&self, context: &Context, prepared: &Prepared, entries: Vec<Entry>) -> Ready {
        let config = match &prepared.target {
            End::Managed(config) => Some(config.clone()),
            End::Remote(_) => None,
        };
        let rules = config.as_ref().map(Rules::of);
        let items = entries
            .into_iter()
            .map(|entry| Item {
                link: link_for(prepared, &entry, entry.target_id.as_deref().unwrap_or_default(), None, None),
                made: rules
                    .as_ref()
                    .filter(|_| entry.action == Action::Create)
                    .map(|rules| Made::new(rules, &entry, self.new_id())),
                entry,
            })
            .collect();
        let work = Work {
            config,
            version: prepared.version,
            walk: prepared.here(),
            linking: prepared.config.linking_enabled(),
            followers: prepared.followers.clone(),
            mapping: prepared.name().to_owned(),
            context: context.clone(),
            at: self.at(),
            now_ms: self.now().as_millisecond(),
        };
        Ready { work, items }
    }
}

/// Entries that are ready to be carried out in one transaction.
pub(crate) struct Ready {
    work: Work,
    items: Vec<Item>,
}

impl Ready {
    pub(crate) fn carry_out(self, w: &Writer<'_>) -> Result<Vec<Settled>, StoreError> {
        let rules = self.work.config.as_ref().map(Rules::of);
        let mut settled = Vec::with_capacity(self.items.len());
        for item in self.items {
            settled.push(self.work.carry_out(w, rules.as_ref(), item)?);
        }
        settle(w, &self.work.context, &settled)?;
        Ok(settled)
    }
}

struct Item {
    entry: Entry,
    /// Its link, without its target's hash.
    link: store::NewLink,
    /// The object that it makes, if it makes one.
    made: Option<Made>,
}

/// An object to be made.
struct Made {
    id: String,
    /// The mapping says what its id is; else it was made up just now and is nobody's.
    chosen: bool,
    attributes: Attributes,
    hash: store::Hash,
    /// What policies find wrong with its values, whatever else there is.
    violations: Vec<Violation>,
}

impl Made {
    fn new(rules: &Rules<'_>, entry: &Entry, id: String) -> Self {
        let mut attributes = apply_changes(rules.defaults(), entry);
        let (id, chosen) = match attributes.shift_remove("_id") {
            Some(serde_json::Value::String(chosen)) if !chosen.is_empty() => (chosen, true),
            _ => (id, false),
        };
        let hash = canonical::hash(&attributes);
        let violations = wrong_values(rules, &attributes);
        Self { id, chosen, attributes, hash, violations }
    }
}

struct Work {
    config: Option<ManagedObjectConfig>,
    version: i64,
    walk: store::Walk,
    /// Whether the mapping keeps links at all.
    linking: bool,
    followers: Vec<MappingConfig>,
    mapping: String,
    context: Context,
    at: String,
    now_ms: i64,
}

impl Work {
    fn carry_out(
        &self,
        w: &Writer<'_>,
        rules: Option<&Rules<'_>>,
        item: Item,
    ) -> Result<Settled, StoreError> {
        let Item { entry, link, made } = item;
        let entry = &entry;
        let linked = w.target_linked(&link.space, &link.source_id)?;
        let stale = |why: &str| {
            Settled::ended(entry, EntryStatus::Stale, format!("{}; not carried out: {why}", entry.reason))
        };
        match (entry.action, rules) {
            (Action::Unlink, _) => {
                let removed = w.remove_link(&link.space, &link.source_id)?;
                Ok(if removed {
                    Settled::done(entry, None, false)
                } else {
                    stale("the link is gone already")
                })
            }
            (Action::Link, _) => {
                if !free_target(w, &self.walk, &link.space, entry, &link.target_id)? {
                    return Ok(stale("the target was linked to another record meanwhile"));
                }
                w.put_link(&link, &self.at)?;
                Ok(Settled::done(entry, None, true))
            }
            (Action::Create, Some(rules)) => {
                let Some(made) = made else { return Err(StoreError::not_found("object to be made")) };
                if let Some(target) = linked
                    && w.managed(&rules.config().name, &target)?.is_some()
                {
                    return Ok(stale("the record was linked meanwhile"));
                }
                self.create(w, rules, entry, link, made)
            }
            (Action::Update, Some(rules)) => self.update(w, rules, entry, link, linked.is_none()),
            (Action::Delete, Some(rules)) => {
                let config = rules.config();
                let Some(now) = w.managed(&config.name, &link.target_id)? else {
                    w.remove_link(&link.space, &link.source_id)?;
                    return Ok(Settled::done(entry, None, false));
                };
                if entry.target_hash.is_some_and(|planned| planned != now.hash) {
                    return Ok(stale("the record has changed since this was planned"));
                }
                w.delete_managed(&config.name, &now.id, Some(now.rev))?;
                w.remove_link(&link.space, &link.source_id)?;
                self.remember(w, config, &now.id, entry, QueueChange::Delete, &now.attributes)?;
                Ok(Settled::done(entry, None, false))
            }
            (action, _) => {
                Ok(Settled::ended(entry, EntryStatus::Failed, format!("{action} cannot be carried out here")))
            }
        }
    }

    fn create(
        &self,
        w: &Writer<'_>,
        rules: &Rules<'_>,
        entry: &Entry,
        link: store::NewLink,
        made: Made,
    ) -> Result<Settled, StoreError> {
        let config = rules.config();
        let Made { id, chosen, attributes, hash, mut violations } = made;
        violations.extend(taken(w, rules, &id, None, &attributes)?);
        if !violations.is_empty() {
            return Ok(refused(entry, &violations));
        }
        if chosen && w.managed(&config.name, &id)?.is_some() {
            return Ok(Settled::ended(
                entry,
                EntryStatus::Failed,
                format!("{} `{id}` exists already", config.name),
            ));
        }
        w.insert_managed(&ManagedWrite { config, id: &id, attributes: &attributes, hash }, &self.at)?;
        let link = store::NewLink {
            target_id: id.clone(),
            source_hash: entry.source_hash,
            target_hash: Some(hash),
            version: self.version,
            ..link
        };
        // An undone delete of a target that no source accounted for has nothing to be linked to.
        let to_link = self.linking && !link.source_id.is_empty();
        if to_link {
            w.put_link(&link, &self.at)?;
        }
        self.remember(w, config, &id, entry, QueueChange::Create, &attributes)?;
        Ok(Settled::done(entry, Some(id), to_link))
    }

    fn update(
        &self,
        w: &Writer<'_>,
        rules: &Rules<'_>,
        entry: &Entry,
        link: store::NewLink,
        new_link: bool,
    ) -> Result<Settled, StoreError> {
        let config = rules.config();
        let stale = |why: &str| {
            Ok(Settled::ended(entry, EntryStatus::Stale, format!("{}; not carried out: {why}", entry.reason)))
        };
        let Some(now) = w.managed(&config.name, &link.target_id)? else { return stale("the record is gone") };
        if entry.target_hash.is_some_and(|planned| planned != now.hash) {
            return stale("the record has changed since this was planned");
        }
        if !free_target(w, &self.walk, &link.space, entry, &link.target_id)? {
            return stale("it was linked to another record meanwhile");
        }
        let hash = match self.write_changes(w, rules, entry, &now)? {
            Ok(hash) => hash,
            Err(refusal) => return Ok(refusal),
        };
        let link = store::NewLink {
            source_hash: entry.source_hash,
            target_hash: Some(hash),
            version: self.version,
            ..link
        };
        if self.linking {
            w.put_link(&link, &self.at)?;
        }
        Ok(Settled::done(entry, None, new_link && self.linking))
    }

    fn write_changes(
        &self,
        w: &Writer<'_>,
        rules: &Rules<'_>,
        entry: &Entry,
        now: &Managed,
    ) -> Result<Result<store::Hash, Settled>, StoreError> {
        let config = rules.config();
        let attributes = apply_changes(&now.attributes, entry);
        let hash = canonical::hash(&attributes);
        if hash == now.hash {
            return Ok(Ok(hash));
        }
        let violations = new_violations(w, rules, &now.id, Some(&now.attributes), &attributes)?;
        if !violations.is_empty() {
            return Ok(Err(refused(entry, &violations)));
        }
        w.update_managed(
            &ManagedWrite { config, id: &now.id, attributes: &attributes, hash },
            now.rev,
            &self.at,
        )?;
        self.remember(w, config, &now.id, entry, QueueChange::Update, &attributes)?;
        Ok(Ok(hash))
    }

    fn remember(
        &self,
        w: &Writer<'_>,
        config: &ManagedObjectConfig,
        id: &str,
        entry: &Entry,
        change: QueueChange,
        attributes: &Attributes,
    ) -> Result<(), StoreError> {
        w.remember(&HistoryEntry {
            kind: &config.name,
            object_id: id,
            at: &self.at,
            who: &self.context.who,
            changes: &entry.changes,
            run: self.context.run.as_ref().map(|(_, id)| id.as_str()),
            mapping: Some(&self.mapping),
        })?;
        if self.followers.is_empty() {
            return Ok(());
        }
        let title = title_of(attributes, id);
        let old = (change == QueueChange::Delete).then_some(attributes);
        let onward = Onward { kind: &config.name, id, title: &title, change, old, changes: &entry.changes };
        queue_followers(w, &self.followers, &onward, self.now_ms, &self.at).map(|_| ())
    }
}

fn refused(entry: &Entry, violations: &[model::policy::Violation]) -> Settled {
    let refused = Settled::ended(entry, EntryStatus::Failed, policy_text(violations));
    match policy_remedy(violations) {
        Some(remedy) => refused.with_remedy(remedy),
        None => refused,
    }
}
