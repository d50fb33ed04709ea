//! Which managed objects are there, and when they were made and last changed.

use std::collections::{HashMap, HashSet};

use crate::{ApiError, App};

/// The two moments of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectTimes {
    /// When it was made.
    pub created: String,
    /// When it was last changed.
    pub updated: String,
}

impl App {
    /// The times of these objects, by id; of those that are not there, nothing.
    pub async fn object_times(
        &self,
        kind: &str,
        ids: Vec<String>,
    ) -> Result<HashMap<String, ObjectTimes>, ApiError> {
        let kind = kind.to_owned();
        Ok(self
            .store
            .read(move |r| {
                let mut found = HashMap::with_capacity(ids.len());
                for id in ids {
                    if let Some(object) = r.managed(&kind, &id)? {
                        found.insert(id, ObjectTimes { created: object.created, updated: object.updated });
                    }
                }
                Ok(found)
            })
            .await?)
    }

    /// Those of these ids that are there.
    pub async fn objects_there(&self, kind: &str, ids: Vec<String>) -> Result<HashSet<String>, ApiError> {
        let kind = kind.to_owned();
        Ok(self
            .store
            .read(move |r| {
                let mut found = HashSet::new();
                for id in ids {
                    if r.is_managed(&kind, &id)? {
                        found.insert(id);
                    }
                }
                Ok(found)
            })
            .await?)
    }

    /// The state of all managed objects as a text: another one as soon as anything of them is written.
    pub async fn objects_state(&self) -> Result<String, ApiError> {
        Ok(format!("{:?}", self.store.read(|r| r.written()).await?))
    }

    /// The schema of a managed type; `None` where there is no such type.
    pub async fn managed_schema(&self, kind: &str) -> Result<Option<model::ManagedObjectConfig>, ApiError> {
        match self.managed_config(kind).await {
            Ok(config) => Ok(Some(config)),
            Err(error) if error.code == crate::ErrorCode::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}
