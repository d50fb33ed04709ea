//! Bearer tokens of SCIM clients.

use model::Secret;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{
    ApiError, App,
    bearer_tokens::{Kept, Kind},
    dto::AuditTopic,
};

const KIND: Kind = Kind {
    setting: "scim_tokens",
    prefix: "concord-scim-",
    context: "concord scim bearer token",
    title: "SCIM token",
    topic: AuditTopic::Scim,
};

/// The habits of a client that SCIM leaves open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, TS)]
#[serde(rename_all = "lowercase")]
#[ts(export)]
pub enum ScimProfile {
    /// As the standard has it.
    #[default]
    Generic,
    /// WSO2 Identity Server.
    Wso2,
    /// Okta.
    Okta,
    /// Microsoft Entra ID.
    Entra,
}

/// A token, without what it is checked by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ScimToken {
    /// Its name, for people.
    pub name: String,
    /// Whose habits its requests have.
    pub profile: ScimProfile,
    /// When it was made.
    pub created: String,
}

#[derive(Serialize, Deserialize)]
struct Rights {
    profile: ScimProfile,
}

fn shown(kept: Kept<Rights>) -> ScimToken {
    ScimToken { name: kept.name, profile: kept.rights.profile, created: kept.created }
}

impl App {
    /// Makes a token and gives it, this once.
    pub async fn scim_token_create(&self, name: &str, profile: ScimProfile) -> Result<Secret, ApiError> {
        let token = self.make_token(&KIND, name, Rights { profile }).await?;
        // Whoever makes a token will want to see how people arrive.
        self.arriving_people().await?;
        Ok(token)
    }

    /// Every token, by name.
    pub async fn scim_tokens(&self) -> Result<Vec<ScimToken>, ApiError> {
        Ok(self.kept_tokens(&KIND).await?.into_iter().map(shown).collect())
    }

    /// Makes a token worthless from now on.
    pub async fn scim_token_revoke(&self, name: &str) -> Result<(), ApiError> {
        self.revoke_token::<Rights>(&KIND, name).await
    }

    /// Whose token this is; `None` where it is nobody's.
    pub async fn scim_token_of(&self, token: &Secret) -> Result<Option<ScimToken>, ApiError> {
        Ok(self.owner_of_token(&KIND, token).await?.map(shown))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_of_earlier_versions_are_read() {
        let text = r#"{"name":"a","profile":"wso2","created":"2026-01-01T00:00:00Z","hash":"x"}"#;
        assert_eq!(shown(serde_json::from_str(text).unwrap()).profile, ScimProfile::Wso2);
    }
}
