//! A connector to a sandbox that this program runs, with its keys filled in.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{
    ApiError, App, ErrorCode,
    dto::{ConnectorBlank, ConnectorDetail, ConnectorDraft},
    samples,
};

/// Where a sandbox is, and the keys that it knows; they open nothing but made-up data.
#[derive(Clone)]
pub struct SandboxAccess {
    /// `hubspot` or `salesforce`.
    pub provider: String,
    /// Its address.
    pub url: String,
    /// HubSpot's service key.
    pub access_token: String,
    /// The app of an organization that signs in by itself.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
}

impl App {
    /// Makes a connector to a sandbox. It is switched off until a test of it succeeds.
    pub async fn sandbox_connector(&self, access: &SandboxAccess) -> Result<ConnectorDetail, ApiError> {
        let blank = self.connector_blank(ConnectorBlank { provider: access.provider.clone() }).await?;
        let name = blank.summary.name;
        let (mut config, secret) = match access.provider.as_str() {
            "salesforce" => (salesforce(&name, access), ("clientSecret", &access.client_secret)),
            _ => {
                (samples::hubspot_connector(&name, Some(&access.url)), ("accessToken", &access.access_token))
            }
        };
        let map = config.as_object_mut().ok_or_else(|| {
            ApiError::new(ErrorCode::Internal, "the draft of a sandbox's connector is no object")
        })?;
        map.insert("enabled".into(), Value::Bool(false));
        let secrets = BTreeMap::from([(secret.0.to_owned(), secret.1.clone())]);
        self.connector_save(ConnectorDraft { create: true, rev: None, config, secrets }).await
    }
}

fn salesforce(name: &str, access: &SandboxAccess) -> Value {
    let mut config = samples::salesforce_connector(name);
    config["displayName"] = json!("Salesforce (sandbox)");
    let properties = &mut config["configurationProperties"];
    properties["loginUrl"] = json!(access.url);
    properties["grantType"] = json!("client_credentials");
    properties["clientId"] = json!(access.client_id);
    config
}
