//! Bearer tokens of other systems: told once, kept as hashes, good until they are revoked.

use model::Secret;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use store::AuditRow;
use vault::random_password;

use crate::{ApiError, App, ErrorCode, dto::AuditTopic};

/// What tokens are for.
pub(crate) struct Kind {
    /// Where they are kept.
    pub setting: &'static str,
    /// Tells people and scanners what a token is.
    pub prefix: &'static str,
    /// Keeps the hashes of one kind from those of another.
    pub context: &'static str,
    /// What one is called.
    pub title: &'static str,
    /// Under which its coming and going is in the audit.
    pub topic: AuditTopic,
}

/// A token as it is kept, with what it lets its owner do.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Kept<R> {
    pub name: String,
    #[serde(flatten)]
    pub rights: R,
    pub created: String,
    hash: String,
}

impl Kind {
    /// A token has 160 random bits, so a fast hash keeps it as well as a slow one, and comparing hashes tells nothing of it.
    fn hash(&self, token: &Secret) -> String {
        let mut hasher = blake3::Hasher::new_derive_key(self.context);
        hasher.update(token.expose().as_bytes());
        hasher.finalize().to_hex().to_string()
    }

    fn read<R: DeserializeOwned>(&self, text: Option<String>) -> Result<Vec<Kept<R>>, ApiError> {
        text.map_or(Ok(Vec::new()), |text| {
            serde_json::from_str(&text).map_err(|e| {
                let what = format!("the {}s in the repository cannot be read ({e})", self.title);
                ApiError::new(ErrorCode::Storage, what)
            })
        })
    }
}

impl App {
    /// Makes a token and gives it, this once.
    pub(crate) async fn make_token<R>(
        &self,
        kind: &'static Kind,
        name: &str,
        rights: R,
    ) -> Result<Secret, ApiError>
    where
        R: Serialize + DeserializeOwned + Send + 'static,
    {
        let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if name.is_empty() || name.len() > 64 || !name.chars().all(fits) {
            return Err(ApiError::new(
                ErrorCode::Invalid,
                "a token's name has 1 to 64 letters, digits, dots, hyphens and underscores",
            ));
        }
        let random = random_password().map_err(|e| ApiError::new(ErrorCode::Internal, e.to_string()))?;
        let token = Secret::new(format!("{}{}", kind.prefix, random.expose()));
        let made = Kept { name: name.to_owned(), rights, created: self.at(), hash: kind.hash(&token) };
        self.change_tokens(kind, name, "token made", move |tokens| {
            if tokens.iter().any(|t: &Kept<R>| t.name == made.name) {
                let message = format!(
                    "{} `{}` exists already; revoke it first, or choose another name",
                    kind.title, made.name
                );
                return Err(ApiError::new(ErrorCode::Conflict, message));
            }
            tokens.push(made);
            Ok(())
        })
        .await?;
        Ok(token)
    }

    /// Every token of a kind, by name.
    pub(crate) async fn kept_tokens<R: DeserializeOwned>(
        &self,
        kind: &'static Kind,
    ) -> Result<Vec<Kept<R>>, ApiError> {
        let mut tokens = kind.read(self.store.read(|r| r.setting(kind.setting)).await?)?;
        tokens.sort_by(|a: &Kept<R>, b| a.name.cmp(&b.name));
        Ok(tokens)
    }

    /// Makes a token worthless from now on.
    pub(crate) async fn revoke_token<R>(&self, kind: &'static Kind, name: &str) -> Result<(), ApiError>
    where
        R: Serialize + DeserializeOwned + Send + 'static,
    {
        let gone = name.to_owned();
        self.change_tokens(kind, name, "token revoked", move |tokens: &mut Vec<Kept<R>>| {
            let before = tokens.len();
            tokens.retain(|token| token.name != gone);
            if tokens.len() == before {
                let message = format!("there is no {} `{gone}`", kind.title);
                return Err(ApiError::new(ErrorCode::NotFound, message));
            }
            Ok(())
        })
        .await
    }

    /// Whose token this is; `None` where it is nobody's.
    pub(crate) async fn owner_of_token<R: DeserializeOwned>(
        &self,
        kind: &'static Kind,
        token: &Secret,
    ) -> Result<Option<Kept<R>>, ApiError> {
        if !token.expose().starts_with(kind.prefix) {
            return Ok(None);
        }
        let shown = kind.hash(token);
        let tokens = kind.read(self.store.read(|r| r.setting(kind.setting)).await?)?;
        Ok(tokens.into_iter().find(|kept| kept.hash == shown))
    }

    async fn change_tokens<R>(
        &self,
        kind: &'static Kind,
        name: &str,
        detail: &str,
        change: impl FnOnce(&mut Vec<Kept<R>>) -> Result<(), ApiError> + Send + 'static,
    ) -> Result<(), ApiError>
    where
        R: Serialize + DeserializeOwned + Send + 'static,
    {
        let row = AuditRow {
            at: self.at(),
            who: self.who(),
            topic: kind.topic.as_str().into(),
            object: name.to_owned(),
            detail: detail.to_owned(),
        };
        self.store
            .write(move |w| {
                let changed = kind.read(w.setting(kind.setting)?).and_then(|mut tokens| {
                    change(&mut tokens)?;
                    serde_json::to_string(&tokens)
                        .map_err(|e| ApiError::new(ErrorCode::Internal, e.to_string()))
                });
                let text = match changed {
                    Ok(text) => text,
                    Err(refusal) => return Ok(Err(refusal)),
                };
                w.set_setting(kind.setting, &text)?;
                w.add_audit(&row)?;
                Ok(Ok(()))
            })
            .await?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: Kind = Kind {
        setting: "test_tokens",
        prefix: "test-",
        context: "concord test of bearer tokens",
        title: "test token",
        topic: AuditTopic::Rest,
    };

    #[derive(Debug, Serialize, Deserialize)]
    struct Rights {
        level: u8,
    }

    #[test]
    fn a_hash_is_of_one_token_and_one_kind() {
        let other = Kind { context: "concord test of other tokens", ..KIND };
        assert_eq!(KIND.hash(&Secret::new("test-token-1")), KIND.hash(&Secret::new("test-token-1")));
        assert_ne!(KIND.hash(&Secret::new("test-token-1")), KIND.hash(&Secret::new("test-token-2")));
        assert_ne!(KIND.hash(&Secret::new("test-token-1")), other.hash(&Secret::new("test-token-1")));
        assert!(!KIND.hash(&Secret::new("test-token-1")).contains("test"));
    }

    #[test]
    fn what_was_kept_is_read_back() {
        assert!(KIND.read::<Rights>(None).is_ok_and(|tokens| tokens.is_empty()));
        assert!(KIND.read::<Rights>(Some("{".into())).is_err());
        let text = r#"[{"name":"a","level":3,"created":"2026-01-01T00:00:00Z","hash":"x"}]"#;
        let read = KIND.read::<Rights>(Some(text.into())).unwrap();
        assert_eq!(read.iter().map(|kept| kept.rights.level).collect::<Vec<_>>(), [3]);
        assert_eq!(serde_json::to_string(&read).unwrap(), text);
    }

    #[tokio::test]
    async fn a_name_is_taken_once() {
        let folder = tempfile::tempdir().unwrap();
        let options = crate::AppOptions { data_dir: folder.path().join("data"), passphrase: None };
        let app = App::open(options).await.unwrap();
        app.api_token_create("t1", crate::ApiScope::Read).await.unwrap();
        let refused = app.api_token_create("t1", crate::ApiScope::Full).await.unwrap_err();
        assert_eq!(refused.code, ErrorCode::Conflict);
        let words = "API token `t1` exists already; revoke it first, or choose another name";
        assert_eq!(refused.message, words);
        assert_eq!(app.api_tokens().await.unwrap().len(), 1);
    }
}
