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
        let unreadable = |error: EngineError| StoreError::new(ErrorKind::Other, error.to_string());
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
}
