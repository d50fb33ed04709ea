//! Writes to managed objects by a person or another program: policies, history and implicit sync in one transaction.

use mapping::canonical;
use model::{Attributes, ManagedObjectConfig, MappingConfig, Pointer, policy::Violation};
use serde_json::Value;
use store::{HistoryEntry, Managed, ManagedWrite, QueueChange, Reader, StoreError, StoredChange, Writer};

use crate::{Engine, EngineError, title::title_of};

/// A change of a managed object.
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

/// What a write left behind.
#[derive(Debug, Clone)]
pub struct Saved {
    /// The object as it is now; `None` when it was deleted.
    pub object: Option<Managed>,
    /// Its id.
    pub id: String,
    /// The mappings that carry the change on.
    pub queued: Vec<String>,
}

impl Engine {
    /// Makes or changes a managed object. Values that policies refuse are [`EngineError::Policy`], all of them.
    pub async fn save_managed(&self, change: ManagedChange) -> Result<Saved, EngineError> {
        let (at, now_ms, new_id) = (self.at(), self.now().as_millisecond(), self.new_id());
        self.store.write(move |w| Ok(save(w, change, &at, now_ms, new_id))).await?
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
                w.delete_managed(&kind, &id, rev)?;
                w.remember(&HistoryEntry {
                    kind: &kind,
                    object_id: &id,
                    at: &at,
                    who: &who,
                    changes: &differences(&now.attributes, &Attributes::new()),
                    run: None,
                    mapping: None,
                })?;
                let followers = followers(w, &kind)?;
                let title = title_of(&now.attributes, &id);
                queue_followers(
                    w,
                    &followers,
                    &kind,
                    &id,
                    &title,
                    QueueChange::Delete,
                    Some(&now.attributes),
                    now_ms,
                    &at,
                )?;
                Ok(Saved { object: None, id, queued: followers.into_iter().map(|m| m.name).collect() })
            })
            .await?)
    }
}

/// A refusal must leave the transaction untouched, and it does: everything is checked before the first write.
fn save(
    w: &Writer<'_>,
    change: ManagedChange,
    at: &str,
    now_ms: i64,
    new_id: String,
) -> Result<Saved, EngineError> {
    let config = Engine::managed_type(w, &change.kind)?;
    let before = match &change.id {
        None => None,
        Some(id) => Some(
            w.managed(&change.kind, id)?
                .ok_or_else(|| EngineError::NotFound(format!("there is no {} `{id}`", change.kind)))?,
        ),
    };
    let mut attributes = match &before {
        Some(before) => before.attributes.clone(),
        None => config.defaults().map(|(name, value)| (name.to_owned(), value.clone())).collect(),
    };
    for (name, value) in change.attributes.iter().filter(|(name, _)| !name.starts_with('_')) {
        let pointer = Pointer::parse(name);
        if value.is_null() {
            pointer.remove_in(&mut attributes);
        } else {
            pointer.set_in(&mut attributes, value.clone());
        }
    }
    let chosen =
        change.attributes.get("_id").and_then(Value::as_str).filter(|id| !id.is_empty()).map(str::to_owned);
    let id = change.id.clone().or(chosen).unwrap_or(new_id);
    if id.contains('/') {
        return Err(EngineError::config(format!("`{id}` cannot be an id: `/` is not allowed in it")));
    }
    let violations = new_violations(w, &config, &id, before.as_ref().map(|b| &b.attributes), &attributes)?;
    if !violations.is_empty() {
        return Err(EngineError::Policy(violations));
    }
    let hash = canonical::hash(&attributes);
    let write = ManagedWrite { config: &config, id: &id, attributes: &attributes, hash };
    let nothing = Attributes::new();
    let old = before.as_ref().map_or(&nothing, |b| &b.attributes);
    let changes = differences(old, &attributes);
    match &before {
        Some(before) => {
            let rev = change.rev.unwrap_or(before.rev);
            if changes.is_empty() && rev == before.rev {
                return Ok(Saved { object: Some(before.clone()), id, queued: Vec::new() });
            }
            w.update_managed(&write, rev, at)?;
        }
        None => {
            if w.managed(&change.kind, &id)?.is_some() {
                return Err(EngineError::Store(StoreError::new(
                    store::ErrorKind::Unique,
                    format!("{} `{id}` exists already", change.kind),
                )));
            }
            w.insert_managed(&write, at)?;
        }
    }
    w.remember(&HistoryEntry {
        kind: &change.kind,
        object_id: &id,
        at,
        who: &change.who,
        changes: &changes,
        run: None,
        mapping: None,
    })?;
    let followers = followers(w, &change.kind)?;
    let kind_of_change = if before.is_some() { QueueChange::Update } else { QueueChange::Create };
    let title = title_of(&attributes, &id);
    queue_followers(w, &followers, &change.kind, &id, &title, kind_of_change, None, now_ms, at)?;
    let object = w.managed(&change.kind, &id)?;
    Ok(Saved { object, id, queued: followers.into_iter().map(|m| m.name).collect() })
}

fn followers(r: &Reader<'_>, kind: &str) -> Result<Vec<MappingConfig>, StoreError> {
    let source = format!("managed/{kind}");
    Ok(r.mappings()?
        .into_iter()
        .map(|m| m.config)
        .filter(|m| m.source == source && m.sync_enabled())
        .collect())
}

/// Queues an object for every mapping that carries it on.
#[allow(clippy::too_many_arguments)]
pub(crate) fn queue_followers(
    w: &Writer<'_>,
    followers: &[MappingConfig],
    kind: &str,
    id: &str,
    title: &str,
    change: QueueChange,
    old: Option<&Attributes>,
    now_ms: i64,
    at: &str,
) -> Result<(), StoreError> {
    followers
        .iter()
        .try_for_each(|mapping| w.enqueue(&mapping.name, kind, id, title, change, old, now_ms, at))
}

/// The policies that the object does not meet; of a change, only those that it met before: an old fault must not stand in
/// the way of a change that has nothing to do with it.
pub(crate) fn new_violations(
    r: &Reader<'_>,
    config: &ManagedObjectConfig,
    id: &str,
    before: Option<&Attributes>,
    after: &Attributes,
) -> Result<Vec<Violation>, StoreError> {
    let mut found = model::policy::violations(config, after);
    if let Some(before) = before {
        let old = model::policy::violations(config, before);
        found.retain(|v| !old.iter().any(|o| o.property == v.property && o.requirement == v.requirement));
    }
    for attribute in config.unique() {
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
