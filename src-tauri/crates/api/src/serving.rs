//! Serving other systems from the window: what is remembered of it, and the tokens of SCIM clients.

use serde::{Deserialize, Serialize};

use crate::{
    ApiError, App, ErrorCode,
    dto::{AuditTopic, ByName, Empty, ScimTokenDraft, ScimTokenInfo, ScimTokenMade},
};

/// Where it is remembered.
const SETTING: &str = "serving";
/// The port that `concord serve` takes too.
const USUAL_PORT: u16 = 8080;

/// How to serve from the window, as it was left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServingChoice {
    /// Whether to serve; also after the next start.
    pub on: bool,
    /// The port on this machine.
    pub port: u16,
    /// Whether people may make an account of their own.
    #[serde(default)]
    pub self_service: bool,
}

impl Default for ServingChoice {
    fn default() -> Self {
        Self { on: false, port: USUAL_PORT, self_service: false }
    }
}

impl App {
    /// How serving was left.
    pub async fn serving_choice(&self) -> Result<ServingChoice, ApiError> {
        let stored = self.store.read(|r| r.setting(SETTING)).await?;
        // What cannot be read any more is as good as never set: it holds nothing that is lost with it.
        Ok(stored.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
    }

    /// Remembers how to serve.
    pub async fn remember_serving(&self, choice: ServingChoice) -> Result<(), ApiError> {
        let text =
            serde_json::to_string(&choice).map_err(|e| ApiError::new(ErrorCode::Internal, e.to_string()))?;
        self.store.write(move |w| w.set_setting(SETTING, &text)).await?;
        let detail = match choice {
            ServingChoice { on: false, .. } => "switched off".to_owned(),
            ServingChoice { port, self_service: false, .. } => format!("switched on, port {port}"),
            ServingChoice { port, .. } => format!("switched on with self-registration, port {port}"),
        };
        self.audit(AuditTopic::Serving, "serving", &detail).await
    }

    /// Every SCIM client's token by name, without the tokens.
    pub async fn scim_token_list(&self, _: Empty) -> Result<Vec<ScimTokenInfo>, ApiError> {
        let tokens = self.scim_tokens().await?;
        let shown = tokens.into_iter().map(|t| ScimTokenInfo {
            name: t.name,
            profile: t.profile,
            created: t.created,
        });
        Ok(shown.collect())
    }

    /// Makes a token and shows it, this once.
    pub async fn scim_token_make(&self, request: ScimTokenDraft) -> Result<ScimTokenMade, ApiError> {
        let token = self.scim_token_create(&request.name, request.profile).await?;
        Ok(ScimTokenMade { name: request.name, profile: request.profile, token: token.expose().to_owned() })
    }

    /// Makes a token worthless.
    pub async fn scim_token_remove(&self, request: ByName) -> Result<Empty, ApiError> {
        self.scim_token_revoke(&request.name).await?;
        Ok(Empty {})
    }
}
