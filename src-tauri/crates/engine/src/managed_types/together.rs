//! Several types saved in somebody else's transaction, beside other configuration, as an import does.

use model::{ManagedConfig, ManagedObjectConfig};
use serde_json::{Map, Value};
use store::{ErrorKind, Reader, StoreError, Writer};

use super::{TypeProblem, configured, flaws, in_mappings, in_objects, normal, put};
use crate::{Engine, EngineError, Gravity};

impl Engine {
    /// The types as they would be stored, with what each would come to; the gravest problem of a type first.
    pub fn judge_managed_types(
        reader: &Reader<'_>,
        configs: Vec<ManagedObjectConfig>,
    ) -> Result<Vec<(ManagedObjectConfig, Vec<TypeProblem>)>, EngineError> {
        let there = Self::managed_types(reader)?;
        let mut judged = Vec::with_capacity(configs.len());
        for config in configs {
            let config = normal(config);
            let mut problems = flaws(&config);
            let usable = !problems.iter().any(|p| p.gravity == Gravity::Refused);
            if let (Some(old), true) = (there.iter().find(|t| t.name == config.name), usable) {
                problems.extend(in_mappings(reader, old, &config)?);
                problems.extend(in_objects(reader, old, &config)?);
            }
            problems.sort_by_key(|p| p.gravity);
            judged.push((config, problems));
        }
        Ok(judged)
    }

    /// The configuration of all managed types, with what stands beside them in `managed.json`.
    pub fn managed_config(reader: &Reader<'_>) -> Result<ManagedConfig, EngineError> {
        let rest = configured(reader)?.rest;
        Ok(ManagedConfig { objects: Self::managed_types(reader)?, rest })
    }

    /// Saves types that [`Engine::judge_managed_types`] gave and whose problems somebody has accepted. `rest` joins what
    /// stands beside the types. Gives whether columns are to be filled, by [`Engine::fill_columns`].
    pub fn put_managed_types(
        w: &Writer<'_>,
        configs: &[ManagedObjectConfig],
        rest: Map<String, Value>,
    ) -> Result<bool, StoreError> {
        let mut all = configured(w).map_err(unreadable)?;
        let there = Self::managed_types(w).map_err(unreadable)?;
        let mut to_fill = false;
        for config in configs {
            to_fill |= w.set_columns(there.iter().find(|t| t.name == config.name), config)?;
            match all.objects.iter_mut().find(|t| t.name == config.name) {
                Some(slot) => *slot = config.clone(),
                None => all.objects.push(config.clone()),
            }
        }
        all.rest.extend(rest);
        put(w, &all)?;
        Ok(to_fill)
    }

    /// Whether a type may be removed: it is there, has no objects, and no mapping names it. The inner error says why not.
    pub fn removable(reader: &Reader<'_>, name: &str) -> Result<Result<(), EngineError>, StoreError> {
        if name == "user" {
            return Ok(Err(EngineError::config("the type user is always there; change it instead")));
        }
        match configured(reader) {
            Ok(all) if all.objects.iter().any(|t| t.name == name) => {}
            Ok(_) => {
                return Ok(Err(EngineError::NotFound(format!("there is no managed object type `{name}`"))));
            }
            Err(error) => return Ok(Err(error)),
        }
        let objects = reader.managed_count(name)?;
        if objects > 0 {
            return Ok(Err(EngineError::Busy(format!(
                "the type {name} has {objects} objects; delete them first"
            ))));
        }
        let path = format!("managed/{name}");
        let users: Vec<String> = reader
            .mappings()?
            .into_iter()
            .map(|m| m.config)
            .filter(|m| m.source == path || m.target == path)
            .map(|m| m.name)
            .collect();
        if !users.is_empty() {
            return Ok(Err(EngineError::Busy(format!(
                "the type {name} is used by {}; remove the mapping first",
                users.join(", ")
            ))));
        }
        Ok(Ok(()))
    }

    /// Removes a type that is [`Engine::removable`].
    pub fn drop_managed_type(w: &Writer<'_>, name: &str) -> Result<(), StoreError> {
        let mut all = configured(w).map_err(unreadable)?;
        all.objects.retain(|t| t.name != name);
        put(w, &all)?;
        w.remove_columns(name)
    }
}

fn unreadable(error: EngineError) -> StoreError {
    StoreError::new(ErrorKind::Other, error.to_string())
}
