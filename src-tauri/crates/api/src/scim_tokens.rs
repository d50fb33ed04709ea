//! Bearer tokens of SCIM clients: printed once, kept as hashes.

use model::Secret;
use serde::{Deserialize, Serialize};
use store::AuditRow;
use ts_rs::TS;
use vault::random_password;

use crate::{ApiError, App, ErrorCode};

/// Where they are kept.
const SETTING: &str = "scim_tokens";
/// Tells people and scanners what a token is.
const PREFIX: &str = "concord-scim-";

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

#[derive(Clone, Serialize, Deserialize)]
struct Stored {
    name: String,
    profile: ScimProfile,
    created: String,
    hash: String,
}

impl Stored {
    fn shown(&self) -> ScimToken {
        ScimToken { name: self.name.clone(), profile: self.profile, created: self.created.clone() }
    }
}

/// A token has 160 random bits, so a fast hash keeps it as well as a slow one, and comparing hashes tells nothing of it.
fn hash(token: &Secret) -> String {
    let mut hasher = blake3::Hasher::new_derive_key("concord scim bearer token");
    hasher.update(token.expose().as_bytes());
    hasher.finalize().to_hex().to_string()
}

fn read(text: Option<String>) -> Result<Vec<Stored>, ApiError> {
    text.map_or(Ok(Vec::new()), |text| {
        serde_json::from_str(&text).map_err(|e| {
            ApiError::new(
                ErrorCode::Storage,
                format!("the SCIM tokens in the repository cannot be read ({e})"),
            )
        })
    })
}

impl App {
    /// Makes a token and gives it, this once.
    pub async fn scim_token_create(&self, name: &str, profile: ScimProfile) -> Result<Secret, ApiError> {
        let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if name.is_empty() || name.len() > 64 || !name.chars().all(fits) {
            return Err(ApiError::new(
                ErrorCode::Invalid,
                "a token's name has 1 to 64 letters, digits, dots, hyphens and underscores",
            ));
        }
        let random = random_password().map_err(|e| ApiError::new(ErrorCode::Internal, e.to_string()))?;
        let token = Secret::new(format!("{PREFIX}{}", random.expose()));
        let stored = Stored { name: name.to_owned(), profile, created: self.at(), hash: hash(&token) };
        self.change_tokens(name, "token made", move |tokens| {
            if tokens.iter().any(|t| t.name == stored.name) {
                let message = format!(
                    "there is a SCIM token `{}` already; revoke it first, or choose another name",
                    stored.name
                );
                return Err(ApiError::new(ErrorCode::Conflict, message));
            }
            tokens.push(stored);
            Ok(())
        })
        .await?;
        // Whoever makes a token will want to see how people arrive.
        self.arriving_people().await?;
        Ok(token)
    }

    /// Every token, by name.
    pub async fn scim_tokens(&self) -> Result<Vec<ScimToken>, ApiError> {
        let mut tokens: Vec<ScimToken> =
            read(self.store.read(|r| r.setting(SETTING)).await?)?.iter().map(Stored::shown).collect();
        tokens.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(tokens)
    }

    /// Makes a token worthless from now on.
    pub async fn scim_token_revoke(&self, name: &str) -> Result<(), ApiError> {
        let gone = name.to_owned();
        self.change_tokens(name, "token revoked", move |tokens| {
            let before = tokens.len();
            tokens.retain(|token| token.name != gone);
            if tokens.len() == before {
                return Err(ApiError::new(ErrorCode::NotFound, format!("there is no SCIM token `{gone}`")));
            }
            Ok(())
        })
        .await
    }

    /// Whose token this is; `None` where it is nobody's.
    pub async fn scim_token_of(&self, token: &Secret) -> Result<Option<ScimToken>, ApiError> {
        if !token.expose().starts_with(PREFIX) {
            return Ok(None);
        }
        let shown = hash(token);
        let tokens = read(self.store.read(|r| r.setting(SETTING)).await?)?;
        Ok(tokens.iter().find(|stored| stored.hash == shown).map(Stored::shown))
    }

    async fn change_tokens(
        &self,
        name: &str,
        detail: &str,
        change: impl FnOnce(&mut Vec<Stored>) -> Result<(), ApiError> + Send + 'static,
    ) -> Result<(), ApiError> {
        let row = AuditRow {
            at: self.at(),
            who: self.who.clone(),
            topic: "scim".into(),
            object: name.to_owned(),
            detail: detail.to_owned(),
        };
        self.store
            .write(move |w| {
                let changed = read(w.setting(SETTING)?).and_then(|mut tokens| {
                    change(&mut tokens)?;
                    serde_json::to_string(&tokens)
                        .map_err(|e| ApiError::new(ErrorCode::Internal, e.to_string()))
                });
                let text = match changed {
                    Ok(text) => text,
                    Err(refusal) => return Ok(Err(refusal)),
                };
                w.set_setting(SETTING, &text)?;
                w.add_audit(&row)?;
                Ok(Ok(()))
            })
            .await?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_of_one_token() {
        assert_eq!(hash(&Secret::new("test-token-1")), hash(&Secret::new("test-token-1")));
        assert_ne!(hash(&Secret::new("test-token-1")), hash(&Secret::new("test-token-2")));
        assert!(!hash(&Secret::new("test-token-1")).contains("test"));
    }

    #[test]
    fn what_was_kept_is_read_back() {
        assert!(read(None).is_ok_and(|tokens| tokens.is_empty()));
        assert!(read(Some("{".into())).is_err());
        let text = r#"[{"name":"a","profile":"wso2","created":"2026-01-01T00:00:00Z","hash":"x"}]"#;
        assert!(read(Some(text.into())).is_ok_and(|t| t.iter().all(|t| t.profile == ScimProfile::Wso2)));
    }
}
