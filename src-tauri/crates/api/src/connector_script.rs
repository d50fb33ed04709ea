//! Script on connector, as IDM's `_action=script` answers it.

use serde_json::{Map, Value, json};

use crate::{ApiError, App, ErrorCode, dto::AuditTopic};

impl App {
    /// Runs a script of a connector's `systemActions`: `{"actions": [{"result": ...} or {"error": ...}]}`, one for each of
    /// the script's actions that are meant for this connector.
    pub async fn script_on_connector(
        &self,
        connector: &str,
        script: &str,
        arguments: Map<String, Value>,
    ) -> Result<Value, ApiError> {
        let config = self.connector_row(connector).await?.config;
        if !config.enabled {
            return Err(ApiError::new(
                ErrorCode::Conflict,
                format!("connector `{}` is disabled; enable it before its scripts are run", config.name),
            ));
        }
        let results = self.engine.script_on_connector(&config, script, arguments).await?;
        let failed = results.iter().filter(|result| result.is_err()).count();
        let ended = if failed == 0 { "ran" } else { "failed" };
        self.audit(AuditTopic::Connector, &config.name, &format!("script {script} {ended}")).await?;
        let actions: Vec<Value> = results
            .into_iter()
            .map(|result| match result {
                Ok(value) => json!({ "result": value }),
                Err(message) => json!({ "error": message }),
            })
            .collect();
        Ok(json!({ "actions": actions }))
    }
}
