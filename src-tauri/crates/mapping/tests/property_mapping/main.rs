//! Property mapping from outside: what transforms, conditions, defaults and conflict rules make of records, and that a
//! trace and an evaluation never disagree.
#![allow(clippy::unwrap_used, reason = "a failed expectation in a helper is a failed test")]

use mapping::{Interpreter, Mapping, NoScripts, Place, ScriptId};
use model::{Attributes, MappingConfig, mapping_config::ScriptConfig};
use serde_json::{Value, json};

mod conflicts;
mod properties;
mod traces;
mod transforms;

fn object(value: Value) -> Attributes {
    let Value::Object(map) = value else { panic!("an object") };
    map
}

fn config(properties: Value) -> MappingConfig {
    MappingConfig::from_value(json!({
        "name": "m", "source": "system/crm/contact", "target": "managed/user", "properties": properties,
    }))
    .unwrap()
}

fn mapping(properties: Value) -> Mapping {
    Mapping::compile(config(properties), None, &mut NoScripts).unwrap()
}

/// An interpreter whose scripts are these words, for what must not depend on JavaScript.
#[derive(Default)]
struct Words(Vec<String>);

impl Interpreter for Words {
    fn compile(&mut self, _: Place, script: &ScriptConfig) -> Result<ScriptId, String> {
        self.0.push(script.source.clone().unwrap_or_default());
        Ok(ScriptId(self.0.len() - 1))
    }

    fn answer(&self, script: ScriptId, variables: &[(&str, &Value)]) -> Result<Option<Value>, String> {
        let get = |wanted: &str| variables.iter().find(|(name, _)| *name == wanted).map(|(_, value)| *value);
        let given = get("source").cloned().unwrap_or_default();
        let value = match self.0[script.0].as_str() {
            "nothing" => Ok(Value::Null),
            "throw" => Err("mapping m, property x (transform), line 1: Error: no".into()),
            "same" => Ok(given),
            "hasTarget" => Ok(Value::Bool(get("target").is_some_and(|t| !t.is_null()))),
            "qualifier" => Ok(get("linkQualifier").cloned().unwrap_or_default()),
            other => panic!("no such script: {other}"),
        };
        value.map(Some)
    }

    fn change(&self, _: ScriptId, _: &[(&str, &Value)], _: &str) -> Result<Value, String> {
        Err("no script of a property changes a variable".into())
    }
}

fn script(word: &str) -> Value {
    json!({"type": "text/javascript", "source": word})
}

fn with_words(properties: Value) -> (Mapping, Words) {
    let mut words = Words::default();
    let mapping = Mapping::compile(config(properties), None, &mut words).unwrap();
    (mapping, words)
}
