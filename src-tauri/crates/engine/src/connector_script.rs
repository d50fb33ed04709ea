//! Script on connector: a script of a connector's document, run in the sandbox that all scripts run in.
//!
//! It sees its arguments, the connector's settings without any secret, and what it is run for. It reaches nothing: a
//! connector's records are changed by mappings and by the REST interface, which journal and check what they do.

use model::{
    ConnectorConfig,
    connector_config::{SECRET_PROPERTIES, sounds_secret},
    system_actions::{SystemActionError, connector_script},
};
use script::{Limits, Owner, Place, Runtime};
use serde_json::{Map, Value, json};

use crate::{Engine, EngineError};

impl Engine {
    /// Runs a connector's script and gives, for each of its actions, its value or why it has none. Arguments are variables
    /// under their names and, all of them, `scriptArguments`.
    ///
    /// # Errors
    /// When there is no such script or it cannot run here.
    pub async fn script_on_connector(
        &self,
        config: &ConnectorConfig,
        script: &str,
        arguments: Map<String, Value>,
    ) -> Result<Vec<Result<Value, String>>, EngineError> {
        let texts = connector_script(config, script).map_err(|error| match error {
            SystemActionError::Unknown { .. } => EngineError::NotFound(error.to_string()),
            other => EngineError::config(other.to_string()),
        })?;
        let mut configuration = config.configuration_properties.clone();
        // Those that are known are not stored with the others; what sounds like one may have been put there by hand.
        configuration.retain(|name, _| !SECRET_PROPERTIES.contains(&name.as_str()) && !sounds_secret(name));
        let (connector, script) = (config.name.clone(), script.to_owned());
        // The interpreter stays on the thread that it is made on.
        let run = move || -> Vec<Result<Value, String>> {
            let variables = [
                ("operation", json!("SCRIPT_ON_CONNECTOR")),
                ("configuration", Value::Object(configuration)),
                ("scriptArguments", Value::Object(arguments.clone())),
            ];
            let one = |text: &String| -> Result<Value, script::ScriptError> {
                let place = Place {
                    owner: Owner::Connector(connector.clone()),
                    property: Some(script.clone()),
                    hook: "script",
                };
                Runtime::new(Limits::default())?.compile(place, text, arguments.clone())?.eval(&variables)
            };
            texts.iter().map(|text| one(text).map_err(|error| error.to_string())).collect()
        };
        tokio::task::spawn_blocking(run)
            .await
            .map_err(|e| EngineError::config(format!("the script ended unexpectedly: {e}")))
    }
}
