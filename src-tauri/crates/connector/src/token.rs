//! The bearer token of a connection: a fixed one, or one that OAuth renews.
//!
//! Invariants: one refresh at a time, here and across processes; new tokens are stored before the new access token
//! is used; the refresh token that came last is the one that is kept; where a refresh token is good for one use, that
//! it is being used is stored before it is sent, and one whose answer was lost is asked about before it is sent again.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use model::{Clock, Secret};
use serde::Deserialize;
use tokio::sync::Mutex;
use url::Url;

use crate::credentials::{Credentials, Tokens};
use crate::error::{ConnectorError, ErrorKind};
use crate::http::{Bearer, Failure, Http, Repeat};
use crate::oauth::{Grant, Provider, TokenFailure, give_back, request_tokens};

/// How long a token request may still be under way after the process that sent it has ended.
const SETTLING: Duration = Duration::from_secs(3);
/// How long a refresh token that was refused is not sent again.
const REFUSED_FOR: SignedDuration = SignedDuration::from_mins(5);

/// Where a connection's token comes from.
pub(crate) struct TokenSource {
    name: String,
    credentials: Arc<dyn Credentials>,
    clock: Arc<dyn Clock>,
    http: Arc<Http>,
    /// `None` where the configuration has no OAuth app.
    provider: Option<Provider>,
    /// `None` where tokens are good at one fixed address and refresh tokens can be used again.
    instances: Option<Instances>,
    /// Where the held token is good.
    home: std::sync::Mutex<Option<Url>>,
    held: Mutex<Held>,
}

/// How tokens work that come with the address they are good at (Salesforce).
pub(crate) struct Instances {
    /// The address before a token has told one.
    pub configured: Option<Url>,
    /// Reads an address that a token answer told; `None` for one that tokens must not be sent to.
    pub trusted: Box<dyn Fn(&str) -> Option<Url> + Send + Sync>,
    /// Whether the app itself is granted its tokens, without a person and a refresh token.
    pub client_credentials: bool,
}

#[derive(Default)]
struct Held {
    token: Option<Token>,
    /// Tokens that the provider gave and the vault did not take yet. The refresh token before them may be dead, so
    /// they are stored first thing next time.
    unstored: Option<Tokens>,
    /// A refresh token that the provider refused, until when it is not asked again, and what it said.
    refused: Option<(Secret, Timestamp, ConnectorError)>,
}

struct Token {
    access_token: Secret,
    fixed: bool,
    /// From here on it is renewed, while it still works.
    renew_at: Option<Timestamp>,
    over_at: Option<Timestamp>,
    instance: Option<String>,
}

#[derive(Deserialize)]
struct Introspection {
    active: bool,
}

impl TokenSource {
    pub fn new(
        name: &str,
        credentials: Arc<dyn Credentials>,
        clock: Arc<dyn Clock>,
        http: Arc<Http>,
        provider: Option<Provider>,
    ) -> Self {
        Self {
            name: name.to_owned(),
            credentials,
            clock,
            http,
            provider,
            instances: None,
            home: std::sync::Mutex::new(None),
            held: Mutex::default(),
        }
    }

    /// The same for tokens that tell where they are good, and whose refresh tokens may be good for one use.
    pub fn with_instances(self, instances: Instances) -> Self {
        Self { instances: Some(instances), ..self }
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
        Ok(self.credentials.secret("clientSecret").await?.filter(|s| !s.is_empty()))
    }

    /// Gives the grant back to the provider. Whoever calls forgets the stored tokens.
    pub async fn revoke(&self) -> Result<(), ConnectorError> {
        let Some(provider) = &self.provider else { return Ok(()) };
        let Some(url) = provider.revoke_url.clone() else { return Ok(()) };
        give_back(&self.http, provider, url, self.credentials.as_ref()).await
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
            instance: tokens.instance_url.clone(),
        })
    }

    /// Whether calls may go to where these tokens say that they are good.
    fn is_trusted(&self, tokens: &Tokens) -> bool {
        match (&self.instances, &tokens.instance_url) {
            (Some(instances), Some(told)) => (instances.trusted)(told).is_some(),
            _ => true,
        }
    }

    /// Whether another access token can be asked for with what is stored.
    fn can_renew(&self, tokens: &Tokens) -> bool {
        self.instances.as_ref().is_some_and(|i| i.client_credentials)
            || tokens.refresh_token.as_ref().is_some_and(|t| !t.is_empty())
    }

    /// The stored tokens, and the one to use where it is neither over nor the `worn` one. One that is good where no call
    /// may go is of no use: the next answer may tell another place.
    async fn stored_token(
        &self,
        worn: Option<&Secret>,
    ) -> Result<(Option<Token>, Option<Tokens>), ConnectorError> {
        let stored = self.credentials.tokens().await?;
        let token = stored
            .as_ref()
            .filter(|t| worn != Some(&t.access_token) && (self.is_trusted(t) || !self.can_renew(t)))
            .and_then(|t| self.usable(t));
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
            let token =
                Token { access_token: fixed, fixed: true, renew_at: None, over_at: None, instance: None };
            return self.hold(held, token);
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
            return self.hold(held, token);
        }
        let _guard = self.credentials.refresh_guard().await?;
        let (token, stored) = self.stored_token(worn.as_ref()).await?;
        if let Some(token) = token {
            return self.hold(held, token);
        }
        let tokens = match &self.instances {
            Some(Instances { client_credentials: true, .. }) => {
                let secret = self.client_secret().await?;
                let (http, now) = (Arc::clone(&self.http), self.clock.now());
                request_tokens(http, provider, secret, Grant::ClientCredentials, now).await?
            }
            _ => {
                let stored = stored
                    .filter(|t| t.refresh_token.as_ref().is_some_and(|t| !t.is_empty()))
                    .ok_or_else(|| {
                        self.error(
                            ErrorKind::Unauthorized,
                            "it is not authorized yet, or its tokens are gone; authorize it",
                        )
                    })?;
                self.refresh(held, provider, stored).await?
            }
        };
        // Of an answer that sends calls to a stranger only the refresh token is kept, which may have replaced the one
        // before it. The access token is over as soon as it is kept, so that the next call asks again.
        let trusted = self.is_trusted(&tokens);
        let kept = if trusted {
            tokens.clone()
        } else {
            Tokens {
                access_token: Secret::new(""),
                expires_at: Some(self.clock.now()),
                instance_url: None,
                refresh_token: tokens.refresh_token.clone(),
            }
        };
        if (trusted || kept.refresh_token.is_some())
            && let Err(error) = self.credentials.store_tokens(&kept).await
        {
            held.unstored = Some(kept);
            return Err(error);
        }
        tracing::info!(connector = %self.name, "access token renewed");
        let token = Token {
            access_token: tokens.access_token.clone(),
            fixed: false,
            renew_at: tokens.expires_at.map(|end| four_fifths(self.clock.now(), end)),
            over_at: tokens.expires_at,
            instance: tokens.instance_url,
        };
        self.hold(held, token)
    }

    /// New tokens for the stored ones. Called with the refresh guard held.
    async fn refresh(
        &self,
        held: &mut Held,
        provider: &Provider,
        stored: Tokens,
    ) -> Result<Tokens, ConnectorError> {
        let refresh_token = stored.refresh_token.clone().unwrap_or_else(|| Secret::new(""));
        let now = self.clock.now();
        if let Some((refused, until, error)) = &held.refused
            && *refused == refresh_token
            && now < *until
            // Else the clock has gone back since.
            && until.duration_since(now) <= REFUSED_FOR
        {
            return Err(error.clone());
        }
        let secret = self.client_secret().await?;
        let once = self.instances.is_some();
        if once && stored.is_awaiting_refresh() {
            let verdict = self.ask_about(provider, &refresh_token, secret.clone()).await;
            if let Err(error) = &verdict
                && error.kind == ErrorKind::Unauthorized
            {
                remember_refused(held, refresh_token.clone(), now, error);
            }
            verdict?;
        }
        if once {
            self.credentials.store_tokens(&stored.awaiting_refresh()).await?;
        }
        let repeat = if once { Repeat::Never } else { Repeat::Safe };
        let grant = Grant::Refresh { refresh_token: refresh_token.clone(), repeat };
        match request_tokens(Arc::clone(&self.http), provider, secret, grant, now).await {
            Ok(tokens) => Ok(Tokens { instance_url: tokens.instance_url.or(stored.instance_url), ..tokens }),
            Err(TokenFailure::NotUsed(error)) => {
                // Should this fail, the refresh token is asked about next time, which does no harm.
                if once && let Err(also) = self.credentials.store_tokens(&stored).await {
                    tracing::warn!(connector = %self.name, "the tokens could not be put back: {also}");
                }
                Err(error)
            }
            Err(TokenFailure::Over(error)) => {
                remember_refused(held, refresh_token, now, &error);
                Err(error)
            }
            Err(TokenFailure::Lost(error)) if once => Err(ConnectorError {
                message: format!(
                    "{}; whether the token was renewed is not known, so Concord asks {} about it before it tries again",
                    error.message, provider.title
                ),
                ..error
            }),
            Err(TokenFailure::Lost(error)) => Err(error),
        }
    }

    /// Whether a refresh token whose use was never answered is still good. Sending it again without asking would end
    /// the whole authorization where refresh tokens rotate.
    async fn ask_about(
        &self,
        provider: &Provider,
        refresh_token: &Secret,
        secret: Option<Secret>,
    ) -> Result<(), ConnectorError> {
        let over = |why: &str| {
            provider.error(
                ErrorKind::Unauthorized,
                format!(
                    "the answer to the last renewal of the access token was lost, and {why}; authorize again"
                ),
            )
        };
        let Some(url) = provider.introspect_url.clone() else {
            return Err(over("whether the refresh token is still good cannot be asked"));
        };
        // A request that outlived its process is answered by then, and no longer changes what is asked about.
        self.http.pause(SETTLING).await;
        let secret = secret.unwrap_or_else(|| Secret::new(""));
        let call = provider.about_token(url, refresh_token.clone(), secret, "refresh_token");
        match self.http.send(&call, |a| a.json::<Introspection>()).await {
            Ok(Introspection { active: true }) => Ok(()),
            Ok(_) => Err(over(&format!("{} does not accept the old refresh token any more", provider.title))),
            Err(Failure::Refused(_)) => Err(over(&format!(
                "{} does not tell whether the old refresh token is still good",
                provider.title
            ))),
            Err(failure) => Err(failure.into()),
        }
    }

    /// Keeps a token for the next calls, and where they go.
    fn hold(&self, held: &mut Held, token: Token) -> Result<Secret, ConnectorError> {
        if let Some(instances) = &self.instances {
            let home = match &token.instance {
                None => instances.configured.clone().ok_or_else(|| {
                    self.error(
                        ErrorKind::Configuration,
                        "where the organization is was not told with the token; set instanceUrl to its address, for example https://acme.my.salesforce.com",
                    )
                })?,
                Some(told) => (instances.trusted)(told).ok_or_else(|| {
                    let told: String = told.chars().filter(|c| !c.is_control()).take(100).collect();
                    self.error(
                        ErrorKind::Untrusted,
                        format!("the token answer sends calls to `{told}`; that is refused, because it is neither an address of the provider nor the configured one, and nothing was sent there; the next call asks for a token again. To allow this address on purpose, set it as instanceUrl"),
                    )
                })?,
            };
            *self.home.lock().unwrap_or_else(PoisonError::into_inner) = Some(home);
        }
        let secret = token.access_token.clone();
        held.token = Some(token);
        held.refused = None;
        Ok(secret)
    }

    fn error(&self, kind: ErrorKind, what: impl std::fmt::Display) -> ConnectorError {
        ConnectorError::new(kind, format!("connector `{}`: {what}", self.name))
    }
}

fn remember_refused(held: &mut Held, token: Secret, now: Timestamp, error: &ConnectorError) {
    held.refused = Some((token, now.checked_add(REFUSED_FOR).unwrap_or(Timestamp::MAX), error.clone()));
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
                    if !matches!(
                        error.kind,
                        ErrorKind::Unauthorized | ErrorKind::Credentials | ErrorKind::Storage
                    ) && token.over_at.is_some_and(|end| now < end) =>
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

    fn home(&self) -> Option<Url> {
        self.home.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
