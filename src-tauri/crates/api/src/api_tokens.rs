//! Bearer tokens of scripts that call IDM's REST: all of it, or what only reads.

use model::Secret;
use serde::{Deserialize, Serialize};

use crate::{
    ApiError, App,
    bearer_tokens::{Kept, Kind},
    dto::AuditTopic,
};

const KIND: Kind = Kind {
    setting: "api_tokens",
    prefix: "concord-api-",
    context: "concord rest bearer token",
    title: "API token",
    topic: AuditTopic::Rest,
};

/// What a token lets its owner do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ApiScope {
    /// What the administrator may.
    #[default]
    Full,
    /// What changes nothing, neither here nor in another system.
    Read,
}

/// A token, without what it is checked by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ApiToken {
    /// Its name, for people and in the audit.
    pub name: String,
    /// What it lets its owner do.
    pub scope: ApiScope,
    /// When it was made.
    pub created: String,
}

#[derive(Serialize, Deserialize)]
struct Rights {
    scope: ApiScope,
}

fn shown(kept: Kept<Rights>) -> ApiToken {
    ApiToken { name: kept.name, scope: kept.rights.scope, created: kept.created }
}

impl App {
    /// Makes a token and gives it, this once.
    pub async fn api_token_create(&self, name: &str, scope: ApiScope) -> Result<Secret, ApiError> {
        self.make_token(&KIND, name, Rights { scope }).await
    }

    /// Every token, by name.
    pub async fn api_tokens(&self) -> Result<Vec<ApiToken>, ApiError> {
        Ok(self.kept_tokens(&KIND).await?.into_iter().map(shown).collect())
    }

    /// Makes a token worthless from now on.
    pub async fn api_token_revoke(&self, name: &str) -> Result<(), ApiError> {
        self.revoke_token::<Rights>(&KIND, name).await
    }

    /// Whose token this is; `None` where it is nobody's.
    pub async fn api_token_of(&self, token: &Secret) -> Result<Option<ApiToken>, ApiError> {
        Ok(self.owner_of_token(&KIND, token).await?.map(shown))
    }
}
