//! Joins the mapping's scripts to the JavaScript sandbox.

use mapping::{Interpreter, Place, ScriptId};
use model::mapping_config::ScriptConfig;
use script::{Limits, Runtime, Script};
use serde_json::{Map, Value};

/// The scripts of one mapping, compiled. Lives on the thread that plans.
#[derive(Default)]
pub struct Scripts {
    runtime: Option<Runtime>,
    scripts: Vec<Script>,
}

impl Scripts {
    /// No interpreter is started before the first script is compiled: most mappings have none.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Interpreter for Scripts {
    fn compile(&mut self, place: Place, config: &ScriptConfig) -> Result<ScriptId, String> {
        if self.runtime.is_none() {
            self.runtime = Some(Runtime::new(Limits::default()).map_err(|e| e.to_string())?);
        }
        let Some(runtime) = &self.runtime else { return Err("the interpreter did not start".into()) };
        let globals = match config.rest.get("globals") {
            Some(Value::Object(map)) => map.clone(),
            _ => Map::new(),
        };
        let place = script::Place {
            owner: script::Owner::Mapping(place.mapping),
            property: place.property,
            hook: place.hook,
        };
        let script = runtime
            .compile(place, config.source.as_deref().unwrap_or_default(), globals)
            .map_err(|e| e.to_string())?;
        self.scripts.push(script);
        Ok(ScriptId(self.scripts.len() - 1))
    }

    fn answer(&self, id: ScriptId, variables: &[(&str, &Value)]) -> Result<Option<Value>, String> {
        let script = self.scripts.get(id.0).ok_or_else(|| "this script was not compiled here".to_owned())?;
        let variables: Vec<(&str, Value)> =
            variables.iter().map(|(name, value)| (*name, (*value).clone())).collect();
        script.answer(&variables).map_err(|e| e.to_string())
    }

    fn change(&self, id: ScriptId, variables: &[(&str, &Value)], changed: &str) -> Result<Value, String> {
        let script = self.scripts.get(id.0).ok_or_else(|| "this script was not compiled here".to_owned())?;
        let variables: Vec<(&str, Value)> =
            variables.iter().map(|(name, value)| (*name, (*value).clone())).collect();
        let (_, outputs) = script.eval_with_outputs(&variables, &[changed]).map_err(|e| e.to_string())?;
        Ok(outputs.into_iter().next().unwrap_or(Value::Null))
    }
}
