//! Changes of many managed objects at once. Each object is written, queued and refused on its own, as if it were the only one.

use std::collections::BTreeMap;

use engine::{Edit, EngineError, Which};
use model::{Action, Attributes};
use serde_json::Value;
use store::EntryStatus;

use crate::{
    ApiError, App, ErrorCode,
    dto::{
        AuditTopic, DeleteEffect, DeleteForesight, ObjectNames, ObjectRefused, ObjectsChange, ObjectsChanged,
    },
    mappings::end_title,
};

/// Objects in one request, so that it answers before anybody wonders.
const MOST: usize = 500;
/// Records that an effect names.
const EXAMPLES: usize = 3;

impl App {
    /// What deleting these objects would do elsewhere, by the policies of the mappings. Nothing is done.
    pub async fn objects_foresee_delete(&self, request: ObjectNames) -> Result<DeleteForesight, ApiError> {
        let ids = few(request.ids)?;
        let (kind, wanted) = (request.kind.clone(), ids.clone());
        let there = self
            .store
            .read(move |r| {
                let mut there = Vec::new();
                for id in wanted {
                    if r.managed(&kind, &id)?.is_some() {
                        there.push(id);
                    }
                }
                Ok(there)
            })
            .await?;
        let connectors = self.store.read(|r| r.connectors()).await?;
        let foreseen = self.engine.foresee_deletes(&request.kind, &there).await?;
        let mut carried = 0;
        let mut effects = Vec::new();
        for mapping in foreseen {
            let title = end_title(&mapping.target, &connectors);
            let blank = DeleteEffect {
                mapping: mapping.mapping,
                target: mapping.target,
                target_title: title,
                action: String::new(),
                situation: String::new(),
                count: there.len() as u64,
                examples: Vec::new(),
                needs_you: true,
                reason: String::new(),
            };
            match mapping.entries {
                Err(error) => effects.push(DeleteEffect { reason: error.to_string(), ..blank }),
                Ok(entries) => {
                    let mut by_action: BTreeMap<(String, String, bool), DeleteEffect> = BTreeMap::new();
                    // What was never linked or matched has nothing over there.
                    for entry in entries.into_iter().filter(|entry| entry.target_id.is_some()) {
                        carried += 1;
                        let needs_you = matches!(entry.status, EntryStatus::NeedsYou | EntryStatus::Failed);
                        let action = match entry.status {
                            EntryStatus::Skipped if entry.action == Action::Delete => Action::Ignore,
                            _ => entry.action,
                        };
                        let key = (entry.situation.to_string(), action.to_string(), needs_you);
                        let effect = by_action.entry(key).or_insert_with(|| DeleteEffect {
                            action: action.to_string(),
                            situation: entry.situation.to_string(),
                            count: 0,
                            needs_you,
                            reason: entry.reason.clone(),
                            ..blank.clone()
                        });
                        effect.count += 1;
                        if effect.examples.len() < EXAMPLES {
                            effect.examples.push(entry.title);
                        }
                    }
                    effects.extend(by_action.into_values());
                }
            }
        }
        let links = self.links_of(&request.kind, &there).await?;
        Ok(DeleteForesight {
            objects: there.len() as u64,
            left_alone: links.saturating_sub(carried),
            effects,
        })
    }

    /// Deletes objects. What becomes of their records elsewhere is for the mappings' policies.
    pub async fn objects_delete(&self, request: ObjectNames) -> Result<ObjectsChanged, ApiError> {
        let mut changed = ObjectsChanged { done: 0, refused: Vec::new() };
        for id in few(request.ids)? {
            match self.engine.delete_managed(&request.kind, &id, None, &self.who()).await {
                Ok(_) => changed.done += 1,
                Err(error) => changed.refused.push(self.refused(&request.kind, id, error).await?),
            }
        }
        self.after_bulk(&request.kind, "deleted", &changed).await?;
        Ok(changed)
    }

    /// Makes the same change to several objects.
    pub async fn objects_change(&self, request: ObjectsChange) -> Result<ObjectsChanged, ApiError> {
        let Value::Object(attributes) = request.attributes else {
            return Err(ApiError::new(ErrorCode::Invalid, "`attributes` is a JSON object of attributes"));
        };
        let mut changed = ObjectsChanged { done: 0, refused: Vec::new() };
        for id in few(request.ids)? {
            match self.change_one(&request.kind, &id, attributes.clone()).await {
                Ok(()) => changed.done += 1,
                Err(error) => changed.refused.push(self.refused(&request.kind, id, error).await?),
            }
        }
        let names: Vec<&str> = attributes.keys().map(String::as_str).collect();
        self.after_bulk(&request.kind, &format!("changed ({})", names.join(", ")), &changed).await?;
        Ok(changed)
    }

    async fn change_one(&self, kind: &str, id: &str, attributes: Attributes) -> Result<(), EngineError> {
        let write = engine::ObjectWrite {
            kind: kind.to_owned(),
            which: Which::There(id.to_owned()),
            rev: None,
            edit: Edit::Merge(attributes),
            who: self.who(),
        };
        self.engine.write_object(write).await.map(|_| ())
    }

    async fn refused(&self, kind: &str, id: String, error: EngineError) -> Result<ObjectRefused, ApiError> {
        let error = ApiError::from(error);
        if matches!(error.code, ErrorCode::Storage | ErrorCode::Internal) {
            return Err(error);
        }
        let (kind, wanted) = (kind.to_owned(), id.clone());
        let object = self.store.read(move |r| r.managed(&kind, &wanted)).await?;
        let title = object.map_or_else(|| id.clone(), |object| engine::title_of(&object.attributes, &id));
        Ok(ObjectRefused { id, title, message: error.message })
    }

    async fn after_bulk(&self, kind: &str, what: &str, changed: &ObjectsChanged) -> Result<(), ApiError> {
        if changed.done > 0 {
            self.audit(AuditTopic::Object, kind, &format!("{} objects {what} together", changed.done))
                .await?;
        }
        self.wake_worker();
        Ok(())
    }

    /// How many records of other systems these objects are linked to.
    async fn links_of(&self, kind: &str, ids: &[String]) -> Result<u64, ApiError> {
        let mut count = 0;
        for id in ids {
            count += self.linked_systems(kind, id).await?.len() as u64;
        }
        Ok(count)
    }
}

fn few(ids: Vec<String>) -> Result<Vec<String>, ApiError> {
    if ids.len() > MOST {
        return Err(ApiError::new(
            ErrorCode::Invalid,
            format!("at most {MOST} objects are changed at once, not {}; ask in parts", ids.len()),
        ));
    }
    Ok(ids)
}
