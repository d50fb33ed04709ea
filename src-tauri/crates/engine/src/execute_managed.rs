//! Executing into the repository: object, link, history and the queue rows of other mappings in one transaction.

use mapping::canonical;
use model::{Action, Attributes, ManagedObjectConfig, MappingConfig, policy::Rules};
use store::{Entry, EntryStatus, HistoryEntry, Managed, ManagedWrite, QueueChange, StoreError, Writer};

use crate::{
    Engine, EngineError,
    ends::{End, Prepared},
    error::{POLICY_REMEDY, policy_text},
    execute::{Context, Settled, apply_changes, free_target, link_for, settle},
    people::{Onward, new_violations, queue_followers},
    title::title_of,
};

impl Engine {
    pub(crate) async fn execute_managed(
        &self,
        context: &Context,
        prepared: &Prepared,
        entries: Vec<Entry>,
    ) -> Result<Vec<Settled>, EngineError> {
        let work = Work {
            config: match &prepared.target {
                End::Managed(config) => Some(config.clone()),
                End::Remote(_) => None,
            },
            links: entries
                .iter()
                .map(|e| link_for(prepared, e, e.target_id.as_deref().unwrap_or_default(), None, None))
                .collect(),
            version: prepared.version,
            walk: prepared.here(),
            linking: prepared.config.linking_enabled(),
            followers: prepared.followers.clone(),
            mapping: prepared.name().to_owned(),
            context: context.clone(),
            at: self.at(),
            now_ms: self.now().as_millisecond(),
            ids: entries.iter().map(|_| self.new_id()).collect(),
        };
        Ok(self
            .store
            .write(move |w| {
                let rules = work.config.as_ref().map(Rules::of);
                let mut settled = Vec::with_capacity(entries.len());
                for (i, entry) in entries.iter().enumerate() {
                    settled.push(work.carry_out(w, rules.as_ref(), entry, i)?);
                }
                settle(w, &work.context, &settled)?;
                Ok(settled)
            })
            .await?)
    }
}

struct Work {
    config: Option<ManagedObjectConfig>,
    /// The link of each entry, without its target's hash.
    links: Vec<store::NewLink>,
    version: i64,
    walk: store::Walk,
    /// Whether the mapping keeps links at all.
    linking: bool,
    followers: Vec<MappingConfig>,
    mapping: String,
    context: Context,
    at: String,
    now_ms: i64,
    ids: Vec<String>,
}

impl Work {
    fn carry_out(
        &self,
        w: &Writer<'_>,
        rules: Option<&Rules<'_>>,
        entry: &Entry,
        i: usize,
    ) -> Result<Settled, StoreError> {
        let Some(link) = self.links.get(i) else { return Err(StoreError::not_found("entry of this batch")) };
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
                w.put_link(link, &self.at)?;
                Ok(Settled::done(entry, None, true))
            }
            (Action::Create, Some(rules)) => {
                if let Some(target) = linked
                    && w.managed(&rules.config().name, &target)?.is_some()
                {
                    return Ok(stale("the record was linked meanwhile"));
                }
                let id = self.ids.get(i).cloned().unwrap_or_default();
                self.create(w, rules, entry, link, id)
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
        link: &store::NewLink,
        id: String,
    ) -> Result<Settled, StoreError> {
        let config = rules.config();
        let mut attributes: Attributes =
            config.defaults().map(|(name, value)| (name.to_owned(), value.clone())).collect();
        attributes = apply_changes(&attributes, entry);
        let (id, chosen) = match attributes.shift_remove("_id") {
            Some(serde_json::Value::String(chosen)) if !chosen.is_empty() => (chosen, true),
            _ => (id, false),
        };
        let violations = new_violations(w, rules, &id, None, &attributes)?;
        if !violations.is_empty() {
            return Ok(refused(entry, &violations));
        }
        // An id that was made up just now is nobody's.
        if chosen && w.managed(&config.name, &id)?.is_some() {
            return Ok(Settled::ended(
                entry,
                EntryStatus::Failed,
                format!("{} `{id}` exists already", config.name),
            ));
        }
        let hash = canonical::hash(&attributes);
        w.insert_managed(&ManagedWrite { config, id: &id, attributes: &attributes, hash }, &self.at)?;
        let link = store::NewLink {
            target_id: id.clone(),
            source_hash: entry.source_hash,
            target_hash: Some(hash),
            version: self.version,
            ..link.clone()
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
        link: &store::NewLink,
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
            ..link.clone()
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
    Settled::ended(entry, EntryStatus::Failed, policy_text(violations)).with_remedy(POLICY_REMEDY)
}
