//! Which managed objects are there, which hold a text in a list, and when they were made and last changed.

use std::collections::{HashMap, HashSet};

use model::{Attributes, Pointer};
use serde_json::Value;
use store::ManagedQuery;

use crate::{ApiError, App, managed_objects::row};

/// Objects with a list that are read at a time. There may be thousands of texts in each.
const AT_A_TIME: usize = 20;

/// The two moments of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectTimes {
    /// When it was made.
    pub created: String,
    /// When it was last changed.
    pub updated: String,
}

/// An object with a list that holds texts.
#[derive(Debug, Clone, PartialEq)]
pub struct Holder {
    /// Its id.
    pub id: String,
    /// Its attributes, without the list.
    pub attributes: Attributes,
    /// Those of the texts asked for that the list holds.
    pub held: Vec<String>,
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

    /// The objects whose list at a place holds any of these texts, or where none are given any at all. However long the lists
    /// are, few of them are in memory at a time.
    pub async fn objects_holding(
        &self,
        kind: &str,
        place: Pointer,
        texts: Option<HashSet<String>>,
    ) -> Result<Vec<Holder>, ApiError> {
        let config = self.managed_config(kind).await?;
        Ok(self
            .store
            .read(move |r| {
                let mut found = Vec::new();
                let mut query = ManagedQuery { limit: AT_A_TIME, ..ManagedQuery::default() };
                loop {
                    let page = r.managed_page(&config, &query)?;
                    for object in page.rows {
                        let object = row(&config, object);
                        let Value::Object(mut attributes) = object.attributes else { continue };
                        let Some(Value::Array(list)) = place.remove_in(&mut attributes) else { continue };
                        let asked_for =
                            |text: &String| texts.as_ref().is_none_or(|texts| texts.contains(text));
                        let text =
                            |item: Value| if let Value::String(text) = item { Some(text) } else { None };
                        let held: Vec<String> = list.into_iter().filter_map(text).filter(asked_for).collect();
                        if !held.is_empty() {
                            found.push(Holder { id: object.id, attributes, held });
                        }
                    }
                    query.after = page.next;
                    if query.after.is_none() {
                        return Ok(found);
                    }
                }
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
