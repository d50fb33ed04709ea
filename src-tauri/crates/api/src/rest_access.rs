//! The administrator's account on the REST side: a password that is generated at first use and kept as a hash.

use model::Secret;
use serde::{Deserialize, Serialize};
use vault::{hash_password, password_matches, random_password};

use crate::{ApiError, App, ErrorCode, dto::AuditTopic};

/// Where the proof is kept.
const SETTING: &str = "rest_admin";

/// What tells the administrator's generated password from every other text.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasswordProof {
    hash: String,
    /// 32 bits of a plain hash: they tell a wrong guess without the work of argon2id, so that guessing costs this process
    /// nothing. Of the 160 bits of a generated password they give nothing away that helps anybody.
    tag: String,
}

/// The administrator's account.
pub struct RestAdmin {
    /// Tells the password.
    pub proof: PasswordProof,
    /// The password, when it was made just now; nobody sees it again.
    pub fresh: Option<Secret>,
}

impl PasswordProof {
    fn of(password: &Secret) -> Result<Self, ApiError> {
        let hash = hash_password(password).map_err(internal)?;
        Ok(Self { tag: tag(&hash, password), hash })
    }

    /// Whether this is the password. Takes tens of milliseconds for the right one: call it off the async threads.
    pub fn matches(&self, password: &Secret) -> bool {
        // The lengths are no secret, and the tag's comparison tells at most a few of its own bits.
        tag(&self.hash, password) == self.tag && password_matches(&self.hash, password)
    }
}

fn tag(salt: &str, password: &Secret) -> String {
    let mut hasher = blake3::Hasher::new_derive_key("concord rest administrator, tag");
    hasher.update(salt.as_bytes());
    hasher.update(password.expose().as_bytes());
    hasher.finalize().to_hex().chars().take(8).collect()
}

fn internal(error: impl std::fmt::Display) -> ApiError {
    ApiError::new(ErrorCode::Internal, error.to_string())
}

impl App {
    /// What tells the administrator's password, as it is now: another process may have made a new one.
    pub async fn rest_admin_proof(&self) -> Result<Option<PasswordProof>, ApiError> {
        let stored = self.store.read(|r| r.setting(SETTING)).await?;
        stored
            .map(|text| {
                serde_json::from_str(&text).map_err(|e| {
                    ApiError::new(
                        ErrorCode::Storage,
                        format!(
                            "the administrator's password hash cannot be read ({e}); make a new password"
                        ),
                    )
                    .with_hint("`concord admin-password` makes one")
                })
            })
            .transpose()
    }

    /// The administrator's account, made now if there is none, or made anew when `renew` asks for it.
    pub async fn rest_admin(&self, renew: bool) -> Result<RestAdmin, ApiError> {
        if !renew && let Some(proof) = self.rest_admin_proof().await? {
            return Ok(RestAdmin { proof, fresh: None });
        }
        let (proof, password) = tokio::task::spawn_blocking(|| {
            let password = random_password().map_err(internal)?;
            Ok::<_, ApiError>((PasswordProof::of(&password)?, password))
        })
        .await
        .map_err(internal)??;
        let text = serde_json::to_string(&proof).map_err(internal)?;
        let made_first = self
            .store
            .write(move |w| {
                // Two processes may start at the same moment; only one password may be told.
                if !renew && w.setting(SETTING)?.is_some() {
                    return Ok(false);
                }
                w.set_setting(SETTING, &text)?;
                Ok(true)
            })
            .await?;
        if !made_first {
            return Err(ApiError::new(
                ErrorCode::Conflict,
                "another Concord process made the administrator's password at the same moment; look there, or start again",
            ));
        }
        self.audit(
            AuditTopic::Rest,
            "openidm-admin",
            if renew { "password made anew" } else { "password made" },
        )
        .await?;
        Ok(RestAdmin { proof, fresh: Some(password) })
    }
}
