//! Executing into the repository: object, link, history and the queue rows of other mappings in one transaction.

use mapping::canonical;
use model::{
    Action, Attributes, ManagedObjectConfig, MappingConfig,
    policy::{Rules, Violation},
};
use store::{
    Entry, EntryStatus, HistoryEntry, Managed, ManagedWrite, NewLink, QueueChange, StoreError, Text, Writer,
};

use crate::{
    Engine, EngineError,
    ends::{End, Prepared},
    error::{policy_remedy, policy_text},
    execute::{
        Context, Settled, SharedLoad, apply_changes, free_source, free_target, guarded, link_for, settle,
    },
    people::{Onward, new_violations, queue_followers, taken, wrong_values},
    title::title_of,
    unique::{self, Wanted},
};

impl Engine {
    pub(crate) async fn execute_managed(
        &self,
        context: &Context,
        prepared: &Prepared,
        entries: Vec<Entry>,
    ) -> Result<Vec<Settled>, EngineError> {
        let ready = self.ready_managed(context, prepared, entries)?;
        let (settled, _) = self.store.write(move |w| ready.carry_out(w)).await?;
        Ok(settled)
    }

    /// Carries out those entries that want unique values of each other, in one transaction. The others stay planned, and all of
    /// them do where something has come between.
    pub(crate) async fn execute_swap(
        &self,
        context: &Context,
        prepared: &Prepared,
        entries: Vec<Entry>,
    ) -> Result<Vec<Settled>, EngineError> {
        let ready = self.ready_managed(context, prepared, entries)?;
        match self.store.write(move |w| ready.carry_out_together(w)).await {
            Err(error) if error.kind == store::ErrorKind::Unique => Ok(Vec::new()),
            settled => Ok(settled?),
        }
    }

    /// Makes everything ready that needs no look at the repository, so that the writer is kept as short as can be.
    pub(crate) fn ready_managed(
        &self,
        context: &Context,
        prepared: &Prepared,
        entries: Vec<Entry>,
    ) -> Result<Ready, StoreError> {
        let config = match &prepared.target {
            End::Managed(config) => Some(config.clone()),
            End::Remote(_) => None,
        };
        let rules = config.as_ref().map(Rules::of);
        let item = |entry: Entry| {
            let target = entry.target_id.as_deref().unwrap_or_default();
            let link = link_for(prepared, &entry, target, None, None);
            let rules = rules.as_ref().filter(|_| entry.action == Action::Create);
            Ok(Item {
                made: rules.map(|rules| Made::new(rules, &entry, self.new_id())).transpose()?,
                base: Text::of_base(&link)?,
                changes: Text::of_changes(&entry.changes)?,
                together: false,
                link,
                entry,
            })
        };
        let items = entries.into_iter().map(item).collect::<Result<_, StoreError>>()?;
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
        Ok(Ready { work, items, load: None, waiting: false })
    }
}

/// Entries that are ready to be carried out in one transaction.
pub(crate) struct Ready {
    work: Work,
    items: Vec<Item>,
    load: Option<SharedLoad>,
    waiting: bool,
}

impl Ready {
    /// As part of a load.
    pub(crate) fn in_load(self, load: Option<SharedLoad>) -> Self {
        Self { load, ..self }
    }

    /// What wants a unique value that another object has stays planned: that one may give it up.
    pub(crate) fn waiting(self) -> Self {
        Self { waiting: true, ..self }
    }

    /// Gives how those ended that were carried out; what a load cannot tell stays planned. Gives back what is no longer needed
    /// as well: thousands of records are let go of elsewhere, not on the writer's thread.
    pub(crate) fn carry_out(mut self, w: &Writer<'_>) -> Result<(Vec<Settled>, Self), StoreError> {
        let shared = self.load.clone();
        let mut load = shared.as_ref().map(guarded);
        let mut settled = Vec::with_capacity(self.items.len());
        if let Some(load) = &mut load
            && !load.goes_on(w)?
        {
            return Ok((settled, self));
        }
        let rules = self.work.config.as_ref().map(Rules::of);
        for item in &mut self.items {
            let claim = match (&load, &mut item.made) {
                (Some(load), Some(made)) => {
                    let Some(claim) = load.claim(&made.attributes) else { continue };
                    made.free = true;
                    Some(claim)
                }
                _ => None,
            };
            let ended = self.work.carry_out(w, rules.as_ref(), item)?;
            if self.waiting && ended.contested {
                continue;
            }
            if let (Some(load), Some(claim), EntryStatus::Done) = (&mut load, claim, ended.status) {
                load.made(claim);
            }
            settled.push(ended);
        }
        settle(w, &self.work.context, &settled)?;
        if let Some(load) = &mut load {
            load.remember(w)?;
        }
        drop(rules);
        Ok((settled, self))
    }

    /// Carries out those that have all they want once all of them are carried out; the others are not touched. Gives how those
    /// ended, or an error of the kind [`store::ErrorKind::Unique`] if a value would be there twice after all.
    fn carry_out_together(mut self, w: &Writer<'_>) -> Result<Vec<Settled>, StoreError> {
        let Some(rules) = self.work.config.as_ref().map(Rules::of) else { return Ok(Vec::new()) };
        let mut wanted = Vec::with_capacity(self.items.len());
        for item in &self.items {
            wanted.push(self.work.wanted(w, &rules, item)?);
        }
        let going = unique::together(w, &rules, &wanted)?;
        let mut settled = Vec::new();
        for item in self.items.iter_mut().filter(|item| going.contains(&item.entry.seq)) {
            item.together = true;
            settled.push(self.work.carry_out(w, Some(&rules), item)?);
        }
        for (item, ended) in self.items.iter().filter(|item| item.together).zip(&settled) {
            let id = ended.target_id.as_deref().or(item.entry.target_id.as_deref()).unwrap_or_default();
            let now = w.managed(&rules.config().name, id)?.filter(|_| ended.status == EntryStatus::Done);
            if let Some(now) = now
                && !taken(w, &rules, id, None, &now.attributes)?.is_empty()
            {
                return Err(StoreError::new(store::ErrorKind::Unique, "a unique value would be there twice"));
            }
        }
        settle(w, &self.work.context, &settled)?;
        Ok(settled)
    }
}

struct Item {
    entry: Entry,
    /// Its link, without its target's hash.
    link: NewLink,
    /// What the link remembers of both sides, and what the history does of the changes, as they are kept.
    base: Text,
    changes: Text,
    /// The object that it makes, if it makes one.
    made: Option<Made>,
    /// It is carried out with others that give up the unique values it takes.
    together: bool,
}

/// An object to be made.
struct Made {
    id: String,
    /// The mapping says what its id is; else it was made up just now and is nobody's.
    chosen: bool,
    attributes: Attributes,
    doc: Text,
    hash: store::Hash,
    /// What policies find wrong with its values, whatever else there is.
    violations: Vec<Violation>,
    /// A load knows that no other object has one of its unique values.
    free: bool,
}

impl Made {
    fn new(rules: &Rules<'_>, entry: &Entry, id: String) -> Result<Self, StoreError> {
        let mut attributes = apply_changes(rules.defaults(), entry);
        let (id, chosen) = match attributes.shift_remove("_id") {
            Some(serde_json::Value::String(chosen)) if !chosen.is_empty() => (chosen, true),
            _ => (id, false),
        };
        let hash = canonical::hash(&attributes);
        let violations = wrong_values(rules, &attributes);
        Ok(Self { id, chosen, doc: Text::of_object(&attributes)?, attributes, hash, violations, free: false })
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

/// Why a pair is left alone of which one has become another record's.
const LINKED_ELSEWHERE: &str = "one of the two records was linked to another one meanwhile";

impl Work {
    /// Whether neither record of a pair has become another one's. `linked` is what the source is linked to now.
    fn is_free_for(
        &self,
        w: &Writer<'_>,
        entry: &Entry,
        link: &NewLink,
        linked: Option<&str>,
    ) -> Result<bool, StoreError> {
        let linked = linked.filter(|_| self.linking);
        // The target is asked last, because that takes a gone owner's link away.
        Ok(free_source(w, &self.walk, linked, &link.target_id)?
            && free_target(w, &self.walk, &link.space, entry, &link.target_id)?)
    }

    /// What an item makes of its object.
    fn wanted(&self, w: &Writer<'_>, rules: &Rules<'_>, item: &Item) -> Result<Wanted, StoreError> {
        let entry = &item.entry;
        Ok(match &item.made {
            Some(made) => {
                Wanted { entry: entry.seq, id: made.id.clone(), before: None, after: made.attributes.clone() }
            }
            None => {
                let id = entry.target_id.clone().unwrap_or_default();
                let before = w.managed(&rules.config().name, &id)?.map(|now| now.attributes);
                let after = apply_changes(before.as_ref().unwrap_or(rules.defaults()), entry);
                Wanted { entry: entry.seq, id, before, after }
            }
        })
    }

    fn carry_out(
        &self,
        w: &Writer<'_>,
        rules: Option<&Rules<'_>>,
        item: &mut Item,
    ) -> Result<Settled, StoreError> {
        let made = item.made.take();
        let Item { entry, link, base, .. } = &*item;
        let linked = w.target_linked(&link.space, &link.source_id)?;
        let stale = |why: &str| {
            Settled::ended(entry, EntryStatus::Stale, format!("{}; not carried out: {why}", entry.reason))
        };
        match (entry.action, rules) {
            (Action::Unlink, _) => Ok(match &linked {
                None => stale("the link is gone already"),
                Some(_) if linked != entry.target_id => stale(LINKED_ELSEWHERE),
                Some(_) => {
                    w.remove_link(&link.space, &link.source_id)?;
                    Settled::done(entry, None, false)
                }
            }),
            (Action::Link, _) => {
                if !self.is_free_for(w, entry, link, linked.as_deref())? {
                    return Ok(stale(LINKED_ELSEWHERE));
                }
                if w.target(&self.walk, &link.target_id)?.is_none() {
                    return Ok(stale("the target record is gone"));
                }
                w.put_link_with(link, base, &self.at)?;
                Ok(Settled::done(entry, None, true))
            }
            (Action::Create, Some(rules)) => {
                let Some(made) = made else { return Err(StoreError::not_found("object to be made")) };
                if let Some(target) = linked
                    && w.managed(&rules.config().name, &target)?.is_some()
                {
                    return Ok(stale("the record was linked meanwhile"));
                }
                self.create(w, rules, item, made)
            }
            (Action::Update, Some(rules)) => self.update(w, rules, item, linked.as_deref()),
            (Action::Delete, Some(rules)) => {
                let config = rules.config();
                if !link.source_id.is_empty() && !self.is_free_for(w, entry, link, linked.as_deref())? {
                    return Ok(stale(LINKED_ELSEWHERE));
                }
                let Some(now) = w.managed(&config.name, &link.target_id)? else {
                    w.remove_link(&link.space, &link.source_id)?;
                    return Ok(Settled::done(entry, None, false));
                };
                if entry.target_hash.is_some_and(|planned| planned != now.hash) {
                    return Ok(stale("the record has changed since this was planned"));
                }
                if link.source_id.is_empty() && w.source_linked(&link.space, &link.target_id)?.is_some() {
                    return Ok(stale("the record was linked meanwhile"));
                }
                w.delete_managed(&config.name, &now.id, Some(now.rev))?;
                w.remove_link(&link.space, &link.source_id)?;
                self.remember(w, config, &now.id, item, (Some(&now.attributes), None))?;
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
        item: &mut Item,
        made: Made,
    ) -> Result<Settled, StoreError> {
        let config = rules.config();
        let Made { id, chosen, attributes, doc, hash, mut violations, free } = made;
        if !free && !item.together {
            violations.extend(taken(w, rules, &id, None, &attributes)?);
        }
        if !violations.is_empty() {
            return Ok(refused(&item.entry, &violations));
        }
        if chosen && w.managed(&config.name, &id)?.is_some() {
            let why = format!("{} `{id}` exists already", config.name);
            return Ok(Settled::ended(&item.entry, EntryStatus::Failed, why));
        }
        let object = ManagedWrite { config, id: &id, attributes: &attributes, hash };
        w.insert_managed_with(&object, &doc, &self.at)?;
        // An undone delete of a target that no source accounted for has nothing to be linked to.
        let to_link = self.linking && !item.link.source_id.is_empty();
        if to_link {
            self.link(w, item, id.clone(), hash)?;
        }
        self.remember(w, config, &id, item, (None, Some(&attributes)))?;
        Ok(Settled::done(&item.entry, Some(id), to_link))
    }

    fn update(
        &self,
        w: &Writer<'_>,
        rules: &Rules<'_>,
        item: &mut Item,
        linked: Option<&str>,
    ) -> Result<Settled, StoreError> {
        let Item { entry, link, .. } = &*item;
        let config = rules.config();
        let stale = |why: &str| {
            Ok(Settled::ended(entry, EntryStatus::Stale, format!("{}; not carried out: {why}", entry.reason)))
        };
        let Some(now) = w.managed(&config.name, &link.target_id)? else { return stale("the record is gone") };
        if entry.target_hash.is_some_and(|planned| planned != now.hash) {
            return stale("the record has changed since this was planned");
        }
        if !self.is_free_for(w, entry, link, linked)? {
            return stale(LINKED_ELSEWHERE);
        }
        let hash = match self.write_changes(w, rules, item, &now)? {
            Ok(hash) => hash,
            Err(refusal) => return Ok(refusal),
        };
        if self.linking {
            self.link(w, item, now.id, hash)?;
        }
        Ok(Settled::done(&item.entry, None, linked.is_none() && self.linking))
    }

    /// Links a record to its target as that is now.
    fn link(
        &self,
        w: &Writer<'_>,
        item: &mut Item,
        target: String,
        hash: store::Hash,
    ) -> Result<(), StoreError> {
        let link = &mut item.link;
        link.target_id = target;
        // While a person is asked about an attribute, the pair is looked at by every run.
        if item.entry.question.is_none() {
            (link.source_hash, link.target_hash) = (item.entry.source_hash, Some(hash));
            link.version = self.version;
        }
        w.put_link_with(link, &item.base, &self.at)
    }

    fn write_changes(
        &self,
        w: &Writer<'_>,
        rules: &Rules<'_>,
        item: &Item,
        now: &Managed,
    ) -> Result<Result<store::Hash, Settled>, StoreError> {
        let (config, entry) = (rules.config(), &item.entry);
        let attributes = apply_changes(&now.attributes, entry);
        let hash = canonical::hash(&attributes);
        if hash == now.hash {
            return Ok(Ok(hash));
        }
        let mut violations = new_violations(w, rules, &now.id, Some(&now.attributes), &attributes)?;
        if item.together {
            violations.retain(|violation| !violation.is_taken());
        }
        if !violations.is_empty() {
            return Ok(Err(refused(entry, &violations)));
        }
        w.update_managed(
            &ManagedWrite { config, id: &now.id, attributes: &attributes, hash },
            now.rev,
            &self.at,
        )?;
        self.remember(w, config, &now.id, item, (Some(&now.attributes), Some(&attributes)))?;
        Ok(Ok(hash))
    }

    /// Notes the change of an object, from what it was to what it is, and queues it for those that carry it on.
    fn remember(
        &self,
        w: &Writer<'_>,
        config: &ManagedObjectConfig,
        id: &str,
        item: &Item,
        (old, new): (Option<&Attributes>, Option<&Attributes>),
    ) -> Result<(), StoreError> {
        let entry = &item.entry;
        let remembered = HistoryEntry {
            kind: &config.name,
            object_id: id,
            at: &self.at,
            who: &self.context.who,
            changes: &entry.changes,
            run: self.context.run.as_ref().map(|(_, id)| id.as_str()),
            mapping: Some(&self.mapping),
        };
        w.remember_with(&remembered, &item.changes)?;
        if self.followers.is_empty() {
            return Ok(());
        }
        let change = match (old, new) {
            (None, _) => QueueChange::Create,
            (Some(_), Some(_)) => QueueChange::Update,
            (Some(_), None) => QueueChange::Delete,
        };
        let title = new.or(old).map_or_else(|| id.to_owned(), |attributes| title_of(attributes, id));
        let onward = Onward { kind: &config.name, id, title: &title, change, old, changes: &entry.changes };
        queue_followers(w, &self.followers, &onward, self.now_ms, &self.at).map(|_| ())
    }
}

fn refused(entry: &Entry, violations: &[model::policy::Violation]) -> Settled {
    let mut refused = Settled::ended(entry, EntryStatus::Failed, policy_text(violations));
    refused.contested = violations.iter().all(Violation::is_taken);
    match policy_remedy(violations) {
        Some(remedy) => refused.with_remedy(remedy),
        None => refused,
    }
}
