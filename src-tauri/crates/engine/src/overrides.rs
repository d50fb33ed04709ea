//! What a caller changes of a mapping for a single run, as IDM lets the body of a reconciliation's call do.
//!
//! Such a run looks at every record again, and what it brings in sync is not taken for settled by the mapping as it stands.

use model::{MappingConfig, mapping_config::QueryConfig};
use serde_json::{Map, Value};

use crate::EngineError;

const SOURCE_QUERY: &str = "sourceQuery";
const TARGET_QUERY: &str = "targetQuery";
const RUN_TARGET_PHASE: &str = "runTargetPhase";
const ALLOW_EMPTY_SOURCE_SET: &str = "allowEmptySourceSet";

/// Keys of a mapping that hold for one run only, in IDM's shape.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Overrides(Map<String, Value>);

impl Overrides {
    /// The keys that can be changed for a run. Records are always read whole, so the last two change nothing.
    pub const KEYS: [&str; 6] = [
        SOURCE_QUERY,
        TARGET_QUERY,
        RUN_TARGET_PHASE,
        ALLOW_EMPTY_SOURCE_SET,
        "sourceQueryFullEntry",
        "targetQueryFullEntry",
    ];

    /// Reads them. A key that cannot be changed for a single run is refused: whoever sent it meant something by it.
    pub fn parse(keys: Map<String, Value>) -> Result<Self, EngineError> {
        for (key, value) in &keys {
            let fits = match key.as_str() {
                SOURCE_QUERY | TARGET_QUERY => value.is_object(),
                known if Self::KEYS.contains(&known) => value.is_boolean(),
                other => {
                    return Err(EngineError::config(format!(
                        "`{other}` cannot be changed for a single run, only {}; change the mapping, and preview it with analyze=true",
                        Self::KEYS.join(", ")
                    )));
                }
            };
            if !fits {
                let needs = if key.ends_with("Query") {
                    "an object such as {\"_queryFilter\": \"true\"}"
                } else {
                    "true or false"
                };
                return Err(EngineError::config(format!("`{key}` of this run needs {needs}")));
            }
        }
        Ok(Self(keys))
    }

    /// Whether the mapping runs as it stands.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As they were given.
    pub(crate) fn keys(&self) -> &Map<String, Value> {
        &self.0
    }

    /// The mapping as it is for this run.
    pub(crate) fn put_on(&self, config: &mut MappingConfig) -> Result<(), EngineError> {
        if let Some(query) = self.query(SOURCE_QUERY, &config.source)? {
            config.source_query = Some(query);
        }
        if let Some(query) = self.query(TARGET_QUERY, &config.target)? {
            config.target_query = Some(query);
        }
        let flag = |key: &str| self.0.get(key).and_then(Value::as_bool);
        config.run_target_phase = flag(RUN_TARGET_PHASE).or(config.run_target_phase);
        config.allow_empty_source_set = flag(ALLOW_EMPTY_SOURCE_SET).or(config.allow_empty_source_set);
        Ok(())
    }

    fn query(&self, key: &str, resource: &str) -> Result<Option<QueryConfig>, EngineError> {
        let Some(value) = self.0.get(key) else { return Ok(None) };
        let query: QueryConfig = serde_json::from_value(value.clone())
            .map_err(|e| EngineError::config(format!("`{key}` of this run cannot be read ({e})")))?;
        if let Some(other) = query.elsewhere(resource) {
            return Err(EngineError::config(format!(
                "`{key}` of this run names `{other}`, and the mapping's records are in `{resource}`; leave resourceName out"
            )));
        }
        let says_something = query.filter.is_some() || query.id.is_some() || query.expression.is_some();
        if !says_something {
            return Err(EngineError::config(format!("`{key}` of this run needs a `_queryFilter`")));
        }
        Ok(Some(query))
    }
}

/// As they were kept with a run.
impl From<Map<String, Value>> for Overrides {
    fn from(keys: Map<String, Value>) -> Self {
        Self(keys)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn put_on(keys: Value) -> Result<MappingConfig, String> {
        let mut config = MappingConfig::from_value(json!({
            "name": "m", "source": "system/x/y", "target": "managed/user", "runTargetPhase": true,
            "targetQuery": {"_queryFilter": "sn pr"},
        }))
        .unwrap();
        let Value::Object(keys) = keys else { panic!("an object") };
        let changed = Overrides::parse(keys).and_then(|overrides| overrides.put_on(&mut config));
        changed.map(|()| config).map_err(|e| e.to_string())
    }

    #[test]
    fn a_run_has_its_own_queries_and_switches() {
        let config = put_on(json!({
            "sourceQuery": {"resourceName": "system/x/y", "_queryFilter": "a eq 1"}, "runTargetPhase": false,
            "allowEmptySourceSet": true, "sourceQueryFullEntry": true,
        }))
        .unwrap();
        assert_eq!(config.source_query.unwrap().filter.as_deref(), Some("a eq 1"));
        assert_eq!(config.target_query.unwrap().filter.as_deref(), Some("sn pr"), "what was not named stays");
        assert_eq!((config.run_target_phase, config.allow_empty_source_set), (Some(false), Some(true)));
    }

    #[test]
    fn what_a_run_cannot_change_is_named() {
        for (keys, word) in [
            (json!({"policies": []}), "`policies`"),
            (json!({"sourcequery": {}}), "`sourcequery`"),
            (json!({"sourceQuery": "true"}), "an object"),
            (json!({"sourceQuery": {}}), "_queryFilter"),
            (json!({"sourceQuery": {"_queryFilter": 1}}), "sourceQuery"),
            (
                json!({"targetQuery": {"resourceName": "managed/role", "_queryFilter": "true"}}),
                "managed/role",
            ),
            (json!({"runTargetPhase": "no"}), "true or false"),
        ] {
            let told = put_on(keys.clone()).expect_err(&keys.to_string());
            assert!(told.contains(word), "{keys}: {told}");
        }
    }
}
