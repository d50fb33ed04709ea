//! The bearer token of a connection: a fixed one, or one that OAuth renews.
//!
//! Invariants: one refresh at a time, here and across processes; new tokens are stored before the new access token
//! is used; the refresh token that came last is the one that is kept.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use model::{Clock, Secret};
use tokio::sync::Mutex;

use crate::credentials::{Credentials, Tokens};
use crate::error::{ConnectorError, ErrorKind};
use crate::http::{Bearer, Http};
use crate::oauth::{Grant, Provider, request_tokens};

/// Where a connection's token comes from.
pub(crate) struct TokenSource {
    name: String,
    credentials: Arc<dyn Credentials>,
    clock: Arc<dyn Clock>,
    http: Arc<Http>,
    /// `None` where the configuration has no OAuth app.
    provider: Option<Provider>,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    token: Option<Token>,
    /// Tokens that the provider gave and the vault did not take yet. The refresh token before them may be dead, so
    /// they are stored first thing next time.
    unstored: Option<Tokens>,
}

struct Token {
    access_token: Secret,
    fixed: bool,
    /// From here on it is renewed, while it still works.
    renew_at: Option<Timestamp>,
    over_at: Option<Timestamp>,
}

impl TokenSource {
    pub fn new(
        name: &str,
        credentials: Arc<dyn Credentials>,
        clock: Arc<dyn Clock>,
        http: Arc<Http>,
        provider: Option<Provider>,
    ) -> Self {
        Self { name: name.to_owned(), credentials, clock, http, provider, held: Mutex::default() }
    }

    /// Whether the token comes from OAuth; asks nobody but the credentials.
    pub async fn is_oauth(&self) -> Result<bool, ConnectorError> {
        Ok(self.fixed_token().await?.is_none())
    }

    pub fn provider(&self) -> Option<&Provider> {
        self.provider.as_ref()
    }

    /// The app's secret.
    pub async fn client_secret(&self) -> Result<Option<Secret>, ConnectorError> {
        self.credentials.secret("clientSecret").await
    }

    async fn fixed_token(&self) -> Result<Option<Secret>, ConnectorError> {
        Ok(self.credentials.secret("accessToken").await?.filter(|s| !s.is_empty()))
    }

    /// Stored tokens as one to use: the last fifth of the life that is left belongs to the renewal.
    fn usable(&self, tokens: &Tokens) -> Option<Token> {
        let now = self.clock.now();
        if tokens.access_token.is_empty() || tokens.expires_at.is_some_and(|end| end <= now) {
            return None;
        }
        Some(Token {
            access_token: tokens.access_token.clone(),
            fixed: false,
            renew_at: tokens.expires_at.map(|end| four_fifths(now, end)),
            over_at: tokens.expires_at,
        })
    }

    /// The stored tokens, and the one to use where it is neither over nor the `worn` one.
    async fn stored_token(
        &self,
        worn: Option<&Secret>,
    ) -> Result<(Option<Token>, Option<Tokens>), ConnectorError> {
        let stored = self.credentials.tokens().await?;
        let token = stored.as_ref().filter(|t| worn != Some(&t.access_token)).and_then(|t| self.usable(t));
        Ok((token, stored))
    }

    /// Fetches tokens from the credentials, renewing them where they are over or are the ones that were `refused`.
    async fn fetch(&self, held: &mut Held, refused: Option<&Secret>) -> Result<Secret, ConnectorError> {
        if let Some(tokens) = held.unstored.take()
            && let Err(error) = self.credentials.store_tokens(&tokens).await
        {
            held.unstored = Some(tokens);
            return Err(error);
        }
        if let Some(fixed) = self.fixed_token().await? {
            let token = Token { access_token: fixed, fixed: true, renew_at: None, over_at: None };
            return Ok(hold(held, token));
        }
        let Some(provider) = &self.provider else {
            return Err(self.error(
                ErrorKind::Configuration,
                "it has no token; set accessToken (a service key), or clientId and clientSecret and authorize it",
            ));
        };
        // A token that is due for renewal is as good as refused, unless another process has renewed it meanwhile.
        let due = held.token.as_ref().filter(|t| t.renew_at.is_some_and(|at| at <= self.clock.now()));
        let worn = refused.or(due.map(|t| &t.access_token)).cloned();
        if let Some(token) = self.stored_token(worn.as_ref()).await?.0 {
            return Ok(hold(held, token));
        }
        let _guard = self.credentials.refresh_guard().await?;
        let (token, stored) = self.stored_token(worn.as_ref()).await?;
        if let Some(token) = token {
            return Ok(hold(held, token));
        }
        let refresh_token =
            stored.and_then(|t| t.refresh_token).filter(|t| !t.is_empty()).ok_or_else(|| {
                self.error(
                    ErrorKind::Unauthorized,
                    "it is not authorized yet, or its tokens are gone; authorize it",
                )
            })?;
        let secret = self.credentials.secret("clientSecret").await?;
        let tokens = request_tokens(
            Arc::clone(&self.http),
            provider,
            secret,
            Grant::Refresh { refresh_token },
            self.clock.now(),
        )
        .await?;
        if let Err(error) = self.credentials.store_tokens(&tokens).await {
            held.unstored = Some(tokens);
            return Err(error);
        }
        tracing::info!(connector = %self.name, "access token renewed");
        let token = Token {
            access_token: tokens.access_token.clone(),
            fixed: false,
            renew_at: tokens.expires_at.map(|end| four_fifths(self.clock.now(), end)),
            over_at: tokens.expires_at,
        };
        Ok(hold(held, token))
    }

    fn error(&self, kind: ErrorKind, what: impl std::fmt::Display) -> ConnectorError {
        ConnectorError::new(kind, format!("connector `{}`: {what}", self.name))
    }
}

fn hold(held: &mut Held, token: Token) -> Secret {
    let secret = token.access_token.clone();
    held.token = Some(token);
    secret
}

fn four_fifths(now: Timestamp, end: Timestamp) -> Timestamp {
    let left = end.duration_since(now).max(SignedDuration::ZERO);
    now.checked_add(left / 5 * 4).unwrap_or(end)
}

#[async_trait]
impl Bearer for TokenSource {
    async fn current(&self) -> Result<Secret, ConnectorError> {
        let mut held = self.held.lock().await;
        let now = self.clock.now();
        if let Some(token) = &held.token
            && token.renew_at.is_none_or(|at| now < at)
        {
            return Ok(token.access_token.clone());
        }
        match self.fetch(&mut held, None).await {
            Ok(secret) => Ok(secret),
            // A renewal ahead of time that fails for a passing reason must not stop a token that still works.
            Err(error) => match &held.token {
                Some(token)
                    if !matches!(error.kind, ErrorKind::Unauthorized | ErrorKind::Credentials)
                        && token.over_at.is_some_and(|end| now < end) =>
                {
                    tracing::warn!(connector = %self.name, "the access token could not be renewed ahead of time: {error}");
                    Ok(token.access_token.clone())
                }
                _ => Err(error),
            },
        }
    }

    async fn replace(&self, refused: &Secret, expired: bool) -> Result<Option<Secret>, ConnectorError> {
        let mut held = self.held.lock().await;
        // Another call may have replaced it while this one was on its way.
        if let Some(token) = held.token.as_ref().filter(|t| t.access_token != *refused) {
            return Ok(Some(token.access_token.clone()));
        }
        let fixed = held.token.as_ref().is_some_and(|t| t.fixed);
        if fixed || !expired {
            // A person may have entered a new one; nothing else can be better.
            held.token = None;
            let now_set = match self.fixed_token().await? {
                Some(fixed) => Some(fixed),
                None => self.credentials.tokens().await?.map(|t| t.access_token),
            };
            return Ok(now_set.filter(|s| !s.is_empty() && s != refused));
        }
        self.fetch(&mut held, Some(refused)).await.map(Some)
    }
}
