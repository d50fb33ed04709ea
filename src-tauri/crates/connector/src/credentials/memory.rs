//! Credentials in memory only, which end with the process: for tests and demos, and for a grant that has left the vault and is to be
//! given back.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use model::Secret;

use super::{Credentials, RefreshGuard, Tokens};
use crate::error::ConnectorError;

/// Secrets and tokens in memory. Clones share them, as two processes share a vault.
#[derive(Clone, Default)]
pub struct MemoryCredentials {
    state: Arc<Mutex<State>>,
    refreshing: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Default)]
struct State {
    secrets: HashMap<String, Secret>,
    tokens: Option<Tokens>,
    stored: Vec<Tokens>,
}

struct Held {
    _guard: tokio::sync::OwnedMutexGuard<()>,
}

impl RefreshGuard for Held {}

impl MemoryCredentials {
    /// Nothing is set.
    pub fn new() -> Self {
        Self::default()
    }

    /// With a service key or private-app token.
    pub fn with_access_token(token: &str) -> Self {
        Self::new().set("accessToken", token)
    }

    /// Sets a secret by its property name.
    pub fn set(self, property: &str, secret: &str) -> Self {
        self.with(|state| state.secrets.insert(property.to_owned(), Secret::new(secret)));
        self
    }

    /// Sets the tokens as if they had been stored earlier.
    pub fn set_tokens(self, tokens: Tokens) -> Self {
        self.with(|state| state.tokens = Some(tokens));
        self
    }

    /// Every set of tokens that was stored, in order.
    pub fn stored(&self) -> Vec<Tokens> {
        self.with(|state| state.stored.clone())
    }

    fn with<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        f(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl Credentials for MemoryCredentials {
    async fn secret(&self, property: &str) -> Result<Option<Secret>, ConnectorError> {
        Ok(self.with(|state| state.secrets.get(property).cloned()))
    }

    async fn tokens(&self) -> Result<Option<Tokens>, ConnectorError> {
        Ok(self.with(|state| {
            state.tokens.clone().or_else(|| {
                let refresh_token = state.secrets.get("refreshToken").cloned()?;
                Some(Tokens {
                    access_token: Secret::new(""),
                    refresh_token: Some(refresh_token),
                    expires_at: Some(jiff::Timestamp::UNIX_EPOCH),
                    instance_url: None,
                })
            })
        }))
    }

    async fn store_tokens(&self, tokens: &Tokens) -> Result<(), ConnectorError> {
        self.with(|state| {
            state.tokens = Some(tokens.clone());
            state.stored.push(tokens.clone());
        });
        Ok(())
    }

    async fn refresh_guard(&self) -> Result<Box<dyn RefreshGuard>, ConnectorError> {
        Ok(Box::new(Held { _guard: Arc::clone(&self.refreshing).lock_owned().await }))
    }
}
