//! Writes to managed objects by a person or another program: policies, history and implicit sync in one transaction.
//!
//! Values of protected attributes (passwords) never become part of an object. They are hashed or sealed before the
//! transaction begins, checked by the policies in memory, and stored beside the object; history says only that they changed.

use std::sync::Arc;

use async_trait::async_trait;
use mapping::canonical;
use model::{
    Attributes, ManagedObjectConfig, MappingConfig, Pointer, Protection, Secret,
    patch::{self, Operation, PatchStep},
    policy::{Rules, Violation},
};
use serde_json::Value;
use store::{
    ErrorKind, HistoryEntry, Managed, ManagedWrite, QueueChange, Reader, SealedSecret, StoreError,
    StoredChange, Writer,
};

use crate::{Engine, EngineError, title::title_of};

/// A change of a managed object, as a form makes it.
#[derive(Debug, Clone)]
pub struct ManagedChange {
    /// The managed type.
    pub kind: String,
    /// The object; `None` makes a new one.
    pub id: Option<String>,
    /// The revision that the change is based on; `None` takes whatever is there.
    pub rev: Option<i64>,
    /// The attributes that change, by pointer; null removes.
    pub attributes: Attributes,
    /// Who changes it.
    pub who: String,
}

/// Which object a write is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// One that must not be there yet; without an id it gets one.
    New(Option<String>),
    /// One that must be there.
    There(String),
    /// The one of this id, made if it is not there.
    Either(String),
}

/// What a write does to an object.
#[derive(Debug, Clone)]
pub enum Edit {
    /// Changes these attributes, by pointer; null removes.
    Merge(Attributes),
    /// Puts these attributes in place of all that are there. What a reader is never shown stays, because a reader cannot send
    /// it back.
    Replace(Attributes),
    /// Carries out a patch.
    Patch(Vec<PatchStep>),
}

/// A write to a managed object.
#[derive(Debug, Clone)]
pub struct ObjectWrite {
    /// The managed type.
    pub kind: String,
    /// The object.
    pub which: Which,
    /// The revision that must be in force; `None` takes whatever is there.
    pub rev: Option<i64>,
    /// What is done to it.
    pub edit: Edit,
    /// Who does it.
    pub who: String,
}

/// What a write left behind.
#[derive(Debug, Clone)]
pub struct Saved {
    /// The object as it is now; `None` when it was deleted.
    pub object: Option<Managed>,
    /// Its id.
    pub id: String,
    /// Whether it was made.
    pub created: bool,
    /// The mappings that carry the change on.
    pub queued: Vec<String>,
}

/// Seals values of attributes whose schema asks for encryption.
#[async_trait]
pub trait Sealer: Send + Sync {
    /// The value sealed for this place, with the next revision.
    async fn seal(&self, owner: &str, field: &str, value: &Secret) -> Result<SealedSecret, EngineError>;
}

/// Stands in history where a value may not be shown.
const NOT_SHOWN: &str = "(not shown)";

impl Engine {
    /// The same engine, which seals what schemas want encrypted by this.
    pub fn with_sealer(self, sealer: Arc<dyn Sealer>) -> Self {
        Self { sealer: Some(sealer), ..self }
    }

    /// Makes or changes a managed object. Values that policies refuse are [`EngineError::Policy`], all of them.
    pub async fn save_managed(&self, change: ManagedChange) -> Result<Saved, EngineError> {
        let which = match change.id {
            Some(id) => Which::There(id),
            None => Which::New(None),
        };
        let edit = Edit::Merge(change.attributes);
        self.write_object(ObjectWrite { kind: change.kind, which, rev: change.rev, edit, who: change.who })
            .await
    }

    /// Makes or changes a managed object: reading, checking and writing are one transaction, so that no other change comes
    /// in between.
    pub async fn write_object(&self, mut write: ObjectWrite) -> Result<Saved, EngineError> {
        let kind = write.kind.clone();
        let config = self.store.read(move |r| Ok(Self::managed_type(r, &kind))).await??;
        let id = self.id_of(&write)?;
        let values = take_protected(&config, &mut write.edit)?;
        let mut protected = Vec::with_capacity(values.len());
        for (attribute, clear) in values {
            let kept = self.protect(&config, &id, &attribute, clear.as_ref()).await?;
            protected.push(Protected { attribute, clear, kept });
        }
        let (at, now_ms) = (self.at(), self.now().as_millisecond());
        self.store
            .write(move |w| {
                Ok(match Planned::of(w, write, id, protected) {
                    // Everything was checked; from here on only the repository can fail.
                    Ok(planned) => Ok(planned.carry_out(w, &at, now_ms)?),
                    Err(refusal) => Err(refusal),
                })
            })
            .await?
    }

    /// The id of the object, or of the one to be made.
    fn id_of(&self, write: &ObjectWrite) -> Result<String, EngineError> {
        let in_body = match &write.edit {
            Edit::Merge(body) | Edit::Replace(body) => {
                body.get("_id").and_then(Value::as_str).filter(|id| !id.is_empty()).map(str::to_owned)
            }
            Edit::Patch(_) => None,
        };
        let id = match &write.which {
            Which::New(Some(id)) | Which::There(id) | Which::Either(id) => {
                if in_body.as_ref().is_some_and(|other| other != id) {
                    return Err(EngineError::config(format!(
                        "the `_id` of {} `{id}` cannot be changed; leave it out of the object",
                        write.kind
                    )));
                }
                id.clone()
            }
            Which::New(None) => in_body.unwrap_or_else(|| self.new_id()),
        };
        match wrong_id(&id) {
            Some(wrong) => Err(EngineError::config(wrong)),
            None => Ok(id),
        }
    }

    /// Hashing takes tens of milliseconds on purpose, and sealing may ask a keyring: neither belongs into a transaction.
    async fn protect(
        &self,
        config: &ManagedObjectConfig,
        id: &str,
        attribute: &str,
        clear: Option<&Secret>,
    ) -> Result<Kept, EngineError> {
        let Some(clear) = clear.cloned() else { return Ok(Kept::Nothing) };
        if config.protection(attribute) == Some(Protection::Seal) {
            let sealer = self.sealer.as_ref().ok_or_else(|| {
                EngineError::Locked(format!(
                    "{} cannot be sealed: there is no vault here",
                    config.title(attribute)
                ))
            })?;
            let owner = store::secret_owner(&config.name, id);
            return Ok(Kept::Seal(sealer.seal(&owner, attribute, &clear).await?));
        }
        let hashed = tokio::task::spawn_blocking(move || vault::hash_password(&clear)).await;
        match hashed {
            Ok(Ok(hash)) => Ok(Kept::Hash(hash)),
            Ok(Err(error)) => Err(EngineError::config(format!("the value cannot be hashed: {error}"))),
            Err(error) => Err(EngineError::config(format!("hashing ended unexpectedly: {error}"))),
        }
    }

    /// Whether this is the value of a hashed attribute.
    pub async fn protected_matches(
        &self,
        kind: &str,
        id: &str,
        attribute: &str,
        value: Secret,
    ) -> Result<bool, EngineError> {
        let (kind, id, attribute) = (kind.to_owned(), id.to_owned(), attribute.to_owned());
        let Some(hash) = self.store.read(move |r| r.protected_hash(&kind, &id, &attribute)).await? else {
            return Ok(false);
        };
        tokio::task::spawn_blocking(move || vault::password_matches(&hash, &value))
            .await
            .map_err(|e| EngineError::config(format!("comparing ended unexpectedly: {e}")))
    }

    /// What an object would be refused for, without writing it: the whole object, or one of its properties. `id` names the
    /// object that it stands for, which may keep its unique values.
    pub async fn validate_managed(
        &self,
        kind: &str,
        id: Option<&str>,
        object: Attributes,
        property: Option<&str>,
    ) -> Result<Vec<Violation>, EngineError> {
        let (kind, id) = (kind.to_owned(), id.unwrap_or_default().to_owned());
        let property = property.map(|p| p.trim_start_matches('/').to_owned());
        self.store
            .read(move |r| {
                let config = match Self::managed_type(r, &kind) {
                    Ok(config) => config,
                    Err(error) => return Ok(Err(error)),
                };
                let rules = Rules::of(&config);
                let mut found = rules.violations(&object);
                found.extend(taken(r, &rules, &id, None, &object)?);
                if !id.is_empty() {
                    forgive_kept(r, &config, &id, &mut found)?;
                }
                if let Some(property) = property {
                    let inside = format!("{property}/");
                    found.retain(|v| v.property == property || v.property.starts_with(&inside));
                }
                Ok(Ok(found))
            })
            .await?
    }

    /// Deletes a managed object.
    pub async fn delete_managed(
        &self,
        kind: &str,
        id: &str,
        rev: Option<i64>,
        who: &str,
    ) -> Result<Saved, EngineError> {
        let (at, now_ms) = (self.at(), self.now().as_millisecond());
        let (kind, id, who) = (kind.to_owned(), id.to_owned(), who.to_owned());
        Ok(self
            .store
            .write(move |w| {
                let now =
                    w.managed(&kind, &id)?.ok_or_else(|| StoreError::not_found(format!("{kind} `{id}`")))?;
                let mut changes = differences(&now.attributes, &Attributes::new());
                changes.extend(w.protected_set(&kind, &id)?.into_iter().map(|(attribute, _)| StoredChange {
                    attribute,
                    before: NOT_SHOWN.into(),
                    after: Value::Null,
                }));
                w.delete_managed(&kind, &id, rev)?;
                w.remember(&HistoryEntry {
                    kind: &kind,
                    object_id: &id,
                    at: &at,
                    who: &who,
                    changes: &changes,
                    run: None,
                    mapping: None,
                })?;
                let followers = followers(w, &kind)?;
                let title = title_of(&now.attributes, &id);
                let onward = Onward {
                    kind: &kind,
                    id: &id,
                    title: &title,
                    change: QueueChange::Delete,
                    old: Some(&now.attributes),
                    changes: &changes,
                };
                let queued = queue_followers(w, &followers, &onward, now_ms, &at)?;
                Ok(Saved { object: Some(now), id, created: false, queued })
            })
            .await?)
    }
}

/// Longer ids fit into no URL that anybody wants to read.
const LONGEST_ID: usize = 255;

/// Why a new object cannot have this id, if it cannot.
pub(crate) fn wrong_id(id: &str) -> Option<String> {
    (id.is_empty() || id.contains('/') || id.chars().count() > LONGEST_ID)
        .then(|| format!("`{id}` cannot be an id: it has 1 to {LONGEST_ID} characters and no `/`"))
}

/// A protected attribute that a write sets or removes.
struct Protected {
    attribute: String,
    /// For the policies.
    clear: Option<Secret>,
    kept: Kept,
}

/// What is stored of a protected value.
enum Kept {
    Nothing,
    Hash(String),
    Seal(SealedSecret),
}

/// Takes the values of protected attributes out of an edit. None may be anywhere but in its own attribute.
fn take_protected(
    config: &ManagedObjectConfig,
    edit: &mut Edit,
) -> Result<Vec<(String, Option<Secret>)>, EngineError> {
    let is_protected = |name: &str| config.protection(name).is_some();
    let whole = |name: &str| {
        EngineError::config(format!("{} can only be set as a whole text, or removed", config.title(name)))
    };
    let value = |name: &str, value: Value| match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(Secret::new(text))),
        _ => Err(whole(name)),
    };
    let mut taken: Vec<(String, Option<Secret>)> = Vec::new();
    let mut take = |name: &str, secret: Option<Secret>| {
        taken.retain(|(other, _)| other != name);
        taken.push((name.to_owned(), secret));
    };
    match edit {
        Edit::Merge(body) | Edit::Replace(body) => {
            let names: Vec<String> = body
                .keys()
                .filter(|key| Pointer::parse(key).head().is_some_and(is_protected))
                .cloned()
                .collect();
            for key in names {
                let pointer = Pointer::parse(&key);
                let [name] = pointer.steps() else { return Err(whole(pointer.head().unwrap_or_default())) };
                let given = body.shift_remove(&key).unwrap_or(Value::Null);
                take(name, value(name, given)?);
            }
        }
        Edit::Patch(steps) => {
            for step in steps.iter_mut() {
                if let (true, Value::Object(body)) = (step.field.is_root(), &mut step.value) {
                    let names: Vec<String> = body.keys().filter(|name| is_protected(name)).cloned().collect();
                    for name in names {
                        let given = body.shift_remove(&name).unwrap_or(Value::Null);
                        take(&name, value(&name, given)?);
                    }
                    continue;
                }
                let Some(name) = step.attributes().find(|name| is_protected(name)).map(str::to_owned) else {
                    continue;
                };
                if step.field.steps() != [name.as_str()] {
                    return Err(whole(&name));
                }
                match step.operation {
                    Operation::Remove if step.value.is_null() => take(&name, None),
                    Operation::Replace if step.value.is_null() => {}
                    Operation::Add | Operation::Replace => take(&name, value(&name, step.value.take())?),
                    _ => return Err(whole(&name)),
                }
            }
            steps.retain(|step| !step.attributes().any(is_protected));
        }
    }
    Ok(taken)
}

/// A write that nothing stands in the way of.
struct Planned {
    config: ManagedObjectConfig,
    id: String,
    who: String,
    before: Option<Managed>,
    attributes: Attributes,
    protected: Vec<Protected>,
}

impl Planned {
    /// Works out what the object will be and whether it may be. A refusal must leave the transaction untouched, and it does:
    /// nothing is written here.
    fn of(
        w: &Writer<'_>,
        write: ObjectWrite,
        id: String,
        protected: Vec<Protected>,
    ) -> Result<Self, EngineError> {
        let kind = &write.kind;
        let config = Engine::managed_type(w, kind)?;
        let before = w.managed(kind, &id)?;
        match (&write.which, &before) {
            (Which::There(_), None) => {
                return Err(EngineError::NotFound(format!("there is no {kind} `{id}`")));
            }
            (Which::New(_), Some(_)) => {
                let message = format!("{kind} `{id}` exists already");
                return Err(StoreError::new(ErrorKind::Unique, message).into());
            }
            _ => {}
        }
        if let Some(expected) = write.rev {
            let now = before.as_ref().map(|b| b.rev);
            if now != Some(expected) {
                let now =
                    now.map_or_else(|| "it is not there".to_owned(), |now| format!("revision {now} now"));
                return Err(StoreError::new(
                    ErrorKind::Stale,
                    format!(
                        "{kind} `{id}` has changed meanwhile ({now}, {expected} expected); load it again and repeat the change"
                    ),
                )
                .into());
            }
        }
        let attributes = edited(&config, before.as_ref().map(|b| &b.attributes), write.edit)?;
        let old = before.as_ref().map(|b| &b.attributes);
        let violations = violations_between(w, &Rules::of(&config), &id, old, &attributes, &protected)?;
        if !violations.is_empty() {
            return Err(EngineError::Policy(violations));
        }
        Ok(Self { config, id, who: write.who, before, attributes, protected })
    }

    fn carry_out(self, w: &Writer<'_>, at: &str, now_ms: i64) -> Result<Saved, StoreError> {
        let Self { config, id, who, before, attributes, protected } = self;
        let kind = config.name.as_str();
        let nothing = Attributes::new();
        let old = before.as_ref().map_or(&nothing, |b| &b.attributes);
        let mut changes = differences(old, &attributes);
        let moves = before.is_none() || !changes.is_empty();
        let set = w.protected_set(kind, &id)?;
        let mut hidden = Vec::new();
        for value in &protected {
            let was_set = set.iter().any(|(name, _)| *name == value.attribute);
            let show = |there: bool| if there { NOT_SHOWN.into() } else { Value::Null };
            if was_set || value.clear.is_some() {
                hidden.push(StoredChange {
                    attribute: value.attribute.clone(),
                    before: show(was_set),
                    after: show(value.clear.is_some()),
                });
            }
        }
        let write = ManagedWrite {
            config: &config,
            id: &id,
            attributes: &attributes,
            hash: canonical::hash(&attributes),
        };
        match &before {
            Some(before) if changes.is_empty() && hidden.is_empty() => {
                let object = Some(before.clone());
                return Ok(Saved { object, id, created: false, queued: Vec::new() });
            }
            Some(before) => {
                w.update_managed(&write, before.rev, at)?;
            }
            None => w.insert_managed(&write, at)?,
        }
        changes.append(&mut hidden);
        for value in &protected {
            match &value.kept {
                Kept::Nothing => w.remove_protected(kind, &id, &value.attribute)?,
                Kept::Hash(hash) => w.put_protected_hash(kind, &id, &value.attribute, hash, at)?,
                Kept::Seal(sealed) => w.put_protected_seal(kind, &id, sealed)?,
            }
        }
        w.remember(&HistoryEntry {
            kind,
            object_id: &id,
            at,
            who: &who,
            changes: &changes,
            run: None,
            mapping: None,
        })?;
        // A change that no mapping can see is nothing to carry on.
        let followers = if moves { followers(w, kind)? } else { Vec::new() };
        let change = if before.is_some() { QueueChange::Update } else { QueueChange::Create };
        let title = title_of(&attributes, &id);
        let old = before.as_ref().map(|before| &before.attributes);
        let onward = Onward { kind, id: &id, title: &title, change, old, changes: &changes };
        let queued = queue_followers(w, &followers, &onward, now_ms, at)?;
        let object = w.managed(kind, &id)?;
        Ok(Saved { object, id, created: before.is_none(), queued })
    }
}

/// The object after an edit.
fn edited(
    config: &ManagedObjectConfig,
    before: Option<&Attributes>,
    edit: Edit,
) -> Result<Attributes, EngineError> {
    let defaults = || config.defaults().map(|(name, value)| (name.to_owned(), value.clone())).collect();
    let mut after = match edit {
        Edit::Merge(changes) => {
            let mut object: Attributes = before.cloned().unwrap_or_else(defaults);
            for (name, value) in changes.into_iter().filter(|(name, _)| !name.starts_with('_')) {
                let pointer = Pointer::parse(&name);
                if value.is_null() {
                    pointer.remove_in(&mut object);
                } else {
                    pointer.set_in(&mut object, value);
                }
            }
            object
        }
        Edit::Replace(mut object) => {
            let stay = before.into_iter().flatten().filter(|(name, _)| config.is_private(name));
            let more: Vec<(String, Value)> = match before {
                Some(_) => stay.map(|(name, value)| (name.clone(), value.clone())).collect(),
                None => defaults().into_iter().collect(),
            };
            for (name, value) in more {
                object.entry(name).or_insert(value);
            }
            object
        }
        Edit::Patch(steps) => {
            if let Some(name) =
                steps.iter().flat_map(PatchStep::attributes).find(|name| name.starts_with('_'))
            {
                return Err(EngineError::config(format!(
                    "{name} cannot be changed; leave it out of the patch"
                )));
            }
            let mut object: Attributes = before.cloned().unwrap_or_else(defaults);
            patch::apply(&steps, &mut object).map_err(|e| EngineError::config(e.to_string()))?;
            object
        }
    };
    after.retain(|name, value| !name.starts_with('_') && !value.is_null());
    // Virtual attributes are computed. What somebody sends back of them is what they were shown.
    let is_virtual = |name: &str| config.flag(name, "isVirtual", false);
    after.retain(|name, _| !is_virtual(name));
    for (name, value) in before.into_iter().flatten().filter(|(name, _)| is_virtual(name)) {
        after.insert(name.clone(), value.clone());
    }
    Ok(after)
}

pub(crate) fn followers(r: &Reader<'_>, kind: &str) -> Result<Vec<MappingConfig>, StoreError> {
    let source = format!("managed/{kind}");
    Ok(r.mappings()?
        .into_iter()
        .map(|m| m.config)
        .filter(|m| m.source == source && m.sync_enabled())
        .collect())
}

/// A change of a managed object that mappings carry on.
pub(crate) struct Onward<'a> {
    pub kind: &'a str,
    pub id: &'a str,
    pub title: &'a str,
    pub change: QueueChange,
    /// The object as it was, of one that was there.
    pub old: Option<&'a Attributes>,
    /// What changed.
    pub changes: &'a [StoredChange],
}

/// Queues a change for every mapping that carries it on; those that are asked only about some attributes, when one of these
/// changed. Gives the names of the mappings.
pub(crate) fn queue_followers(
    w: &Writer<'_>,
    followers: &[MappingConfig],
    onward: &Onward<'_>,
    now_ms: i64,
    at: &str,
) -> Result<Vec<String>, StoreError> {
    let asked = |mapping: &&MappingConfig| match &mapping.trigger_sync_properties {
        Some(wanted) if onward.change == QueueChange::Update => {
            let wanted: Vec<Pointer> = wanted.iter().map(|name| Pointer::parse(name)).collect();
            onward.changes.iter().any(|change| {
                let changed = Pointer::parse(&change.attribute);
                wanted.iter().any(|name| name.head() == changed.head())
            })
        }
        _ => true,
    };
    let mut queued = Vec::new();
    for mapping in followers.iter().filter(asked) {
        let Onward { kind, id, title, change, old, .. } = *onward;
        // Of a change it is a copy of the whole object, which is kept only for those that ask for it.
        let old = old.filter(|_| change == QueueChange::Delete || mapping.asks_for_old_source());
        w.enqueue(&mapping.name, kind, id, title, change, old, now_ms, at)?;
        queued.push(mapping.name.clone());
    }
    Ok(queued)
}

/// The policies that an object does not meet that a mapping is to write; of a change, only those that it met before: an old
/// fault must not stand in the way of a change that has nothing to do with it.
pub(crate) fn new_violations(
    r: &Reader<'_>,
    rules: &Rules<'_>,
    id: &str,
    before: Option<&Attributes>,
    after: &Attributes,
) -> Result<Vec<Violation>, StoreError> {
    violations_between(r, rules, id, before, after, &[])
}

/// What policies find wrong with the values of a new object that a mapping makes, wherever it is put.
pub(crate) fn wrong_values(rules: &Rules<'_>, object: &Attributes) -> Vec<Violation> {
    let in_the_open = in_the_open(rules, object);
    if in_the_open.is_empty() { rules.violations(object) } else { in_the_open }
}

/// Values that nobody may read, where everybody can.
fn in_the_open(rules: &Rules<'_>, object: &Attributes) -> Vec<Violation> {
    let names = object.keys().filter(|name| rules.protects(name));
    names.map(|name| Violation::protected(rules.config(), name)).collect()
}

fn violations_between(
    r: &Reader<'_>,
    rules: &Rules<'_>,
    id: &str,
    before: Option<&Attributes>,
    after: &Attributes,
    protected: &[Protected],
) -> Result<Vec<Violation>, StoreError> {
    let config = rules.config();
    let in_the_open = in_the_open(rules, after);
    if !in_the_open.is_empty() {
        return Ok(in_the_open);
    }
    let mut found = if protected.is_empty() {
        rules.violations(after)
    } else {
        let mut with_values = after.clone();
        for value in protected {
            if let Some(clear) = value.clear.as_ref().filter(|clear| !clear.is_empty()) {
                with_values.insert(value.attribute.clone(), clear.expose().into());
            }
        }
        rules.violations(&with_values)
    };
    let removed = |name: &str| protected.iter().any(|p| p.attribute == name && p.clear.is_none());
    if before.is_some() && found.iter().any(|v| !removed(&v.property)) {
        let (mut forgivable, stay): (Vec<_>, Vec<_>) = found.into_iter().partition(|v| !removed(&v.property));
        forgive_kept(r, config, id, &mut forgivable)?;
        forgivable.extend(stay);
        found = forgivable;
    }
    if let (Some(before), false) = (before, found.is_empty()) {
        let old = rules.violations(before);
        let unchanged = |v: &Violation| {
            let pointer = Pointer::parse(&v.property);
            let head = pointer.head().unwrap_or_default();
            before.get(head) == after.get(head) && !protected.iter().any(|p| p.attribute == head)
        };
        found.retain(|v| {
            !(unchanged(v) && old.iter().any(|o| o.property == v.property && o.requirement == v.requirement))
        });
    }
    for value in protected.iter().filter(|p| p.clear.as_ref().is_some_and(Secret::is_empty)) {
        found.push(Violation::not_empty(config, &value.attribute));
    }
    found.extend(taken(r, rules, id, before, after)?);
    Ok(found)
}

/// A protected attribute that is required and has a value already is not missing, though no object shows it.
fn forgive_kept(
    r: &Reader<'_>,
    config: &ManagedObjectConfig,
    id: &str,
    found: &mut Vec<Violation>,
) -> Result<(), StoreError> {
    let missing = |v: &Violation| v.requirement == "REQUIRED" && config.protection(&v.property).is_some();
    if found.iter().any(missing) {
        let set = r.protected_set(&config.name, id)?;
        found.retain(|v| !(missing(v) && set.iter().any(|(name, _)| *name == v.property)));
    }
    Ok(())
}

/// The unique values that another object has.
pub(crate) fn taken(
    r: &Reader<'_>,
    rules: &Rules<'_>,
    id: &str,
    before: Option<&Attributes>,
    after: &Attributes,
) -> Result<Vec<Violation>, StoreError> {
    let mut found = Vec::new();
    let config = rules.config();
    for &attribute in rules.unique() {
        let Some(value) = after.get(attribute).filter(|v| !canonical::is_empty(v)) else { continue };
        if before.and_then(|b| b.get(attribute)) == Some(value) {
            continue;
        }
        if r.managed_with_value(config, attribute, value, id)?.is_some() {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            found.push(Violation::not_unique(config, attribute, &text));
        }
    }
    Ok(found)
}

/// The top-level attributes that differ.
fn differences(before: &Attributes, after: &Attributes) -> Vec<StoredChange> {
    let nothing = Value::Null;
    let mut names: Vec<&String> =
        before.keys().chain(after.keys().filter(|n| !before.contains_key(*n))).collect();
    names.retain(|name| before.get(*name).unwrap_or(&nothing) != after.get(*name).unwrap_or(&nothing));
    names
        .into_iter()
        .map(|name| StoredChange {
            attribute: name.clone(),
            before: before.get(name).cloned().unwrap_or(Value::Null),
            after: after.get(name).cloned().unwrap_or(Value::Null),
        })
        .collect()
}
