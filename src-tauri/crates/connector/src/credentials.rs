//! How a connector gets at its secrets without knowing vault or store.

pub mod memory;

use async_trait::async_trait;
use jiff::Timestamp;
use model::Secret;

use crate::error::ConnectorError;

/// An access token and what came with it.
#[derive(Debug, Clone, PartialEq)]
pub struct Tokens {
    /// The bearer token.
    pub access_token: Secret,
    /// The refresh token in force, where the flow has one.
    pub refresh_token: Option<Secret>,
    /// When the access token ends; `None` where the provider does not say.
    pub expires_at: Option<Timestamp>,
    /// The host to talk to, where the provider tells one (Salesforce).
    pub instance_url: Option<String>,
}

impl Tokens {
    /// The record of a refresh that is about to be sent, stored before it is: whoever finds it after a crash knows that
    /// the refresh token may have been used up, and asks before sending it again. It has no access token and, unlike a
    /// refresh token that was only entered, no end.
    pub(crate) fn awaiting_refresh(&self) -> Self {
        Self { access_token: Secret::new(""), expires_at: None, ..self.clone() }
    }

    /// Whether these are such a record.
    pub(crate) fn is_awaiting_refresh(&self) -> bool {
        self.access_token.is_empty() && self.expires_at.is_none() && self.refresh_token.is_some()
    }
}

/// Held while a refresh is under way; dropping it lets the next one in, also in other processes.
pub trait RefreshGuard: Send {}

/// The secrets of one connection.
#[async_trait]
pub trait Credentials: Send + Sync {
    /// A configured secret by its property name (`accessToken`, `clientSecret`); `None` when not set.
    async fn secret(&self, property: &str) -> Result<Option<Secret>, ConnectorError>;

    /// The tokens of the OAuth grant as last stored by any process. A configured `refreshToken` alone gives tokens
    /// with an empty access token that is already over.
    async fn tokens(&self) -> Result<Option<Tokens>, ConnectorError>;

    /// Stores tokens durably. Called before the new access token is used for the first time.
    async fn store_tokens(&self, tokens: &Tokens) -> Result<(), ConnectorError>;

    /// Waits until no other refresh of this connection is under way, here or in another process.
    async fn refresh_guard(&self) -> Result<Box<dyn RefreshGuard>, ConnectorError>;

    /// Told whether the system takes what the connection proves itself by: after the first call that shows it, and whenever
    /// that changes. `refusal` is what it said when it does not. A call never fails because of what becomes of this.
    async fn judged(&self, _refusal: Option<&ConnectorError>) {}
}
