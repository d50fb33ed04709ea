//! Connectors ready to be called, each with its credentials from the vault.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use connector::{
    Connector, ConnectorError, Credentials, ErrorKind, Tokens, Usage, credentials::RefreshGuard,
};
use engine::{Connectors, EngineError};
use jiff::{SignedDuration, Timestamp};
use model::{Clock, ConnectorConfig, Secret};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::{FileLock, Locked, SealedSecret, Store, StoreError, Writer};

use crate::{
    ApiError, ErrorCode, access,
    program_settings::{NETWORK_OWNER, Network, PROXY_PASSWORD},
    vaulting::{Vaulting, for_engine},
};

/// The secret that holds what an OAuth grant gave.
pub(crate) const TOKENS: &str = "oauthTokens";

/// The owner of a connector's secrets.
pub(crate) fn owner(connector: &str) -> String {
    format!("connector/{connector}")
}

/// Which consent a connector's tokens come from, counted. A renewal of them is still the same one.
pub(crate) fn consent_setting(connector: &str) -> String {
    format!("connectorConsent/{}", connector.to_lowercase())
}

/// Which account a connector's credentials lead to, and which credentials that were.
fn account_setting(connector: &str) -> String {
    format!("connectorAccount/{}", connector.to_lowercase())
}

/// Forgets what is known beside the configuration of a connector that is removed.
pub(crate) fn forget(w: &Writer<'_>, connector: &str) -> Result<(), StoreError> {
    w.remove_setting(&consent_setting(connector))?;
    w.remove_setting(&account_setting(connector))
}

/// The account that a connector was found to lead to.
#[derive(Serialize, Deserialize)]
struct KnownAccount {
    /// Which credentials these were.
    credentials: String,
    /// None where the system does not tell.
    account: Option<String>,
}

/// What a connector's credentials lead to.
pub(crate) struct Leads {
    /// Which credentials it has now, and for which address.
    credentials: String,
    /// What was found last, maybe with others.
    known: Option<KnownAccount>,
}

/// Connectors by name, each with what it was built from.
type Built = HashMap<String, (String, Arc<dyn Connector>)>;

/// Builds connectors on demand and keeps them while their configuration stands, so that their rate limits and tokens are
/// shared by everything in this process.
pub(crate) struct Pool {
    pub store: Store,
    pub vaulting: Arc<Vaulting>,
    pub clock: Arc<dyn Clock>,
    pub folder: PathBuf,
    built: Mutex<Built>,
}

impl Pool {
    pub(crate) fn new(store: Store, vaulting: Arc<Vaulting>, clock: Arc<dyn Clock>, folder: PathBuf) -> Self {
        Self { store, vaulting, clock, folder, built: Mutex::new(HashMap::new()) }
    }

    /// The credentials of a connector.
    pub(crate) fn credentials(&self, name: &str) -> Arc<dyn Credentials> {
        Arc::new(StoredCredentials {
            connector: name.to_owned(),
            store: self.store.clone(),
            clock: Arc::clone(&self.clock),
            vaulting: Arc::clone(&self.vaulting),
            folder: self.folder.clone(),
        })
    }

    /// A connector whether it is enabled or not, for tests and previews of its configuration.
    pub(crate) async fn any(&self, config: &ConnectorConfig) -> Result<Arc<dyn Connector>, EngineError> {
        let (key, consent) = (owner(&config.name), consent_setting(&config.name));
        let config = &self.on_the_network(config).await.map_err(for_engine)?;
        let (secrets, consent) = self
            .store
            .read(move |r| Ok(([r.secrets(&key)?, r.secrets(NETWORK_OWNER)?].concat(), r.setting(&consent)?)))
            .await?;
        if !secrets.is_empty() {
            // Told before a call fails on it.
            self.vaulting.vault().await.map_err(for_engine)?;
        }
        // A new consent and other secrets make a new connector.
        let stamp = serde_json::to_string(&(marks(&secrets), consent, config)).unwrap_or_default();
        if let Some((built, connector)) = self.lock().get(&config.name)
            && *built == stamp
        {
            return Ok(Arc::clone(connector));
        }
        let connector = connector::build(config, self.credentials(&config.name), Arc::clone(&self.clock))?;
        self.lock().insert(config.name.clone(), (stamp, Arc::clone(&connector)));
        Ok(connector)
    }

    /// What a connector's credentials lead to, as far as somebody has asked.
    pub(crate) async fn leads(&self, config: &ConnectorConfig) -> Result<Leads, StoreError> {
        let (name, address) = (config.name.clone(), config.address().map(str::to_owned));
        self.store
            .read(move |r| {
                let secrets = r.secrets(&owner(&name))?;
                let consent = r.setting(&consent_setting(&name))?;
                let known = r.setting(&account_setting(&name))?;
                Ok(Leads {
                    credentials: serde_json::to_string(&(marks(&secrets), consent, address))
                        .unwrap_or_default(),
                    known: known.and_then(|known| serde_json::from_str(&known).ok()),
                })
            })
            .await
    }

    /// Remembers which account a connector leads to, for as long as its credentials stay what they were when it was asked. Gives
    /// the account that it led to before, if that was another one.
    pub(crate) async fn note_account(
        &self,
        config: &ConnectorConfig,
        asked: Leads,
        account: Option<String>,
    ) -> Result<Option<String>, StoreError> {
        let before = asked.known.and_then(|known| known.account);
        let moved = before.filter(|before| account.as_ref().is_some_and(|now| now != before));
        let known = KnownAccount { credentials: asked.credentials, account };
        let (key, known) = (account_setting(&config.name), serde_json::to_string(&known).unwrap_or_default());
        let elsewhere = moved.as_ref().map(|_| config.name.clone());
        self.store
            .write(move |w| {
                if let Some(connector) = elsewhere {
                    w.forget_reads(&connector)?;
                }
                w.set_setting(&key, &known)
            })
            .await?;
        Ok(moved)
    }

    /// A configuration with the common way to the network, unless it names its own.
    pub(crate) async fn on_the_network(&self, config: &ConnectorConfig) -> Result<ConnectorConfig, ApiError> {
        Ok(Network::of(&self.store).await?.applied(config))
    }

    /// What a connector may still call; `None` when it was not used since this process began.
    pub(crate) fn usage(&self, name: &str) -> Option<Usage> {
        self.lock().get(name).map(|(_, connector)| connector.usage()).filter(|usage| usage.calls > 0)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Built> {
        self.built.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Connectors for Pool {
    async fn connector(&self, name: &str) -> Result<Arc<dyn Connector>, EngineError> {
        let wanted = name.to_owned();
        let row = self.store.read(move |r| r.connector(&wanted)).await?.ok_or_else(|| {
            EngineError::NotFound(format!(
                "there is no connector `{name}`; add it under Configure > Connectors"
            ))
            .with_hint("`concord connector add` adds one")
        })?;
        if !row.config.enabled {
            return Err(EngineError::config(format!(
                "connector `{name}` is disabled; enable it under Configure > Connectors"
            ))
            .with_hint(format!("`concord connector enable {name}` enables it")));
        }
        self.any(&row.config).await
    }

    async fn account(&self, name: &str, ask: bool) -> Result<Option<String>, EngineError> {
        let wanted = name.to_owned();
        let Some(row) = self.store.read(move |r| r.connector(&wanted)).await? else { return Ok(None) };
        let leads = self.leads(&row.config).await?;
        if let Some(known) = leads.known.as_ref().filter(|known| known.credentials == leads.credentials) {
            return Ok(known.account.clone());
        }
        if !ask {
            return Ok(None);
        }
        let account = self.connector(name).await?.account().await?;
        self.note_account(&row.config, leads, account.clone()).await?;
        Ok(account)
    }
}

struct StoredCredentials {
    connector: String,
    store: Store,
    clock: Arc<dyn Clock>,
    vaulting: Arc<Vaulting>,
    folder: PathBuf,
}

/// A process that renews an access tries for two minutes at most; one that takes longer hangs.
const LONGEST_RENEWAL: SignedDuration = SignedDuration::from_secs(180);

/// Another process can tell nobody when it lets go of a lock.
#[allow(clippy::disallowed_methods)]
async fn pause_for_others() {
    tokio::time::sleep(Duration::from_millis(20)).await;
}

struct Renewing {
    _lock: FileLock,
}

impl RefreshGuard for Renewing {}

impl StoredCredentials {
    /// What keeps a secret from being had or kept: a vault that does not open it, or a data folder in trouble.
    fn error(&self, error: impl Into<ApiError>) -> ConnectorError {
        let error = error.into();
        let kind = match error.code {
            ErrorCode::Locked | ErrorCode::Invalid => ErrorKind::Credentials,
            _ => ErrorKind::Storage,
        };
        ConnectorError::new(kind, format!("connector `{}`: {}", self.connector, error.message))
    }

    async fn reveal(&self, field: &str) -> Result<Option<Secret>, ConnectorError> {
        self.vaulting.reveal(&owner(&self.connector), field).await.map_err(|e| self.error(e))
    }

    /// The password of the common proxy. A connector with a proxy of its own never gets to see it.
    async fn common_proxy_password(&self) -> Result<Option<Secret>, ConnectorError> {
        let name = self.connector.clone();
        let row = self.store.read(move |r| r.connector(&name)).await.map_err(|e| self.error(e))?;
        let own = row.is_some_and(|row| matches!(row.config.text("httpProxyHost"), Ok(Some(_)) | Err(_)));
        if own {
            return Ok(None);
        }
        self.vaulting.reveal(NETWORK_OWNER, PROXY_PASSWORD).await.map_err(|e| self.error(e))
    }
}

#[async_trait]
impl Credentials for StoredCredentials {
    async fn secret(&self, property: &str) -> Result<Option<Secret>, ConnectorError> {
        match self.reveal(property).await? {
            None if property == PROXY_PASSWORD => self.common_proxy_password().await,
            found => Ok(found),
        }
    }

    async fn tokens(&self) -> Result<Option<Tokens>, ConnectorError> {
        if let Some(stored) = self.reveal(TOKENS).await? {
            return parse_tokens(stored.expose()).map(Some).ok_or_else(|| {
                let unreadable = "the stored tokens cannot be read; authorize the connection again";
                ConnectorError::new(
                    ErrorKind::Unauthorized,
                    format!("connector `{}`: {unreadable}", self.connector),
                )
            });
        }
        Ok(self.reveal("refreshToken").await?.map(|refresh| Tokens {
            access_token: Secret::new(""),
            refresh_token: Some(refresh),
            expires_at: Some(Timestamp::UNIX_EPOCH),
            instance_url: None,
        }))
    }

    async fn store_tokens(&self, tokens: &Tokens) -> Result<(), ConnectorError> {
        let document = Secret::new(
            json!({
                "accessToken": tokens.access_token.expose(),
                "refreshToken": tokens.refresh_token.as_ref().map(Secret::expose),
                "expiresAt": tokens.expires_at.map(|t| t.to_string()),
                "instanceUrl": tokens.instance_url,
            })
            .to_string(),
        );
        // The provider gives these once. If the keys are changed meanwhile, they are sealed once more.
        let mut tries = 3;
        loop {
            tries -= 1;
            let sealed = self.vaulting.seal(&owner(&self.connector), TOKENS, &document).await;
            let sealed = sealed.map_err(|e| self.error(e))?;
            match self.store.write(move |w| w.put_secret(&sealed)).await {
                Err(error) if error.kind == store::ErrorKind::Busy && tries > 0 => {}
                written => return written.map_err(|e| self.error(e)),
            }
        }
    }

    async fn refresh_guard(&self) -> Result<Box<dyn RefreshGuard>, ConnectorError> {
        let began = self.clock.now();
        loop {
            let (connector, folder) = (self.connector.clone(), self.folder.clone());
            let taken = tokio::task::spawn_blocking(move || Locked::Tokens(&connector).try_lock(&folder))
                .await
                .map_err(|e| self.error(ApiError::new(ErrorCode::Internal, e.to_string())))?;
            match taken.map_err(|e| self.error(e))? {
                Some(lock) => return Ok(Box::new(Renewing { _lock: lock })),
                None if self.clock.now().duration_since(began) < LONGEST_RENEWAL => {
                    pause_for_others().await;
                }
                None => {
                    return Err(self.error(ApiError::new(
                        ErrorCode::Storage,
                        format!(
                            "another Concord process has been renewing its access for over {} seconds; end that process, \
                             then try again",
                            LONGEST_RENEWAL.as_secs()
                        ),
                    )));
                }
            }
        }
    }

    async fn judged(&self, refusal: Option<&ConnectorError>) {
        let name = self.connector.clone();
        let noted = match refusal {
            Some(refusal) => {
                let (refusal, at) = (refusal.clone(), engine::stamp(self.clock.now()));
                self.store.write(move |w| access::refused(w, &name, &at, &refusal)).await
            }
            None => {
                let lookup = name.clone();
                match self.store.read(move |r| access::is_refused(r, &lookup)).await {
                    Ok(true) => self.store.write(move |w| access::taken(w, &name)).await,
                    other => other.map(|_| ()),
                }
            }
        };
        if let Err(error) = noted {
            tracing::warn!(connector = self.connector, %error, "whether it is let in could not be noted");
        }
    }
}

/// What tells one set of a connector's secrets from another. Tokens change with every refresh and are read when they are needed.
/// The time tells the secrets of a connector of this name that is gone.
fn marks(secrets: &[SealedSecret]) -> Vec<(&str, u64, &str)> {
    let kept = secrets.iter().filter(|secret| secret.field != TOKENS);
    kept.map(|secret| (secret.field.as_str(), secret.revision, secret.updated.as_str())).collect()
}

fn parse_tokens(text: &str) -> Option<Tokens> {
    let value: Value = serde_json::from_str(text).ok()?;
    let part = |name: &str| value.get(name).and_then(Value::as_str);
    Some(Tokens {
        access_token: Secret::new(part("accessToken")?),
        refresh_token: part("refreshToken").map(Secret::new),
        expires_at: part("expiresAt").and_then(|t| t.parse().ok()),
        instance_url: part("instanceUrl").map(str::to_owned),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    #[tokio::test]
    async fn a_renewal_that_hangs_is_not_waited_for_without_end() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        // A minute passes with every look at it.
        let minutes = AtomicI64::new(0);
        let clock: Arc<dyn Clock> =
            Arc::new(move || Timestamp::from_second(60 * minutes.fetch_add(1, Ordering::Relaxed)).unwrap());
        let keyring = Arc::new(vault::Memory::default());
        let vaulting =
            Arc::new(Vaulting::open(store.clone(), Arc::clone(&clock), keyring, None).await.unwrap());
        let pool = Pool::new(store, vaulting, clock, folder.path().to_path_buf());
        let credentials = pool.credentials("HubSpot");
        let held = credentials.refresh_guard().await.unwrap();
        let refusal = pool.credentials("hubspot").refresh_guard().await.err().unwrap();
        assert!(refusal.to_string().contains("end that process"), "{refusal}");
        assert!(pool.credentials("other").refresh_guard().await.is_ok());
        drop(held);
        assert!(credentials.refresh_guard().await.is_ok());
    }
}
