//! The OAuth authorization-code grant with PKCE, the same for every provider.
//!
//! Invariants: state and verifier are fresh for each authorization; a redirect is accepted once, at exactly the
//! redirect address, with exactly the state that was sent; codes and tokens go to the configured token address only.

pub mod loopback;

use std::sync::{Arc, Mutex, PoisonError};

use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use model::{Clock, ConnectorConfig, Secret};
use oauth2::basic::{
    BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse, BasicTokenType,
};
use oauth2::{
    AuthType, AuthUrl, ClientId, ClientSecret, CsrfToken, EndpointNotSet, EndpointSet, HttpRequest,
    HttpResponse, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RefreshToken, RequestTokenError, Scope,
    StandardRevocableToken, StandardTokenResponse, TokenResponse, TokenUrl,
};
use reqwest::Method;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use url::Url;

use crate::credentials::{Credentials, Tokens};
use crate::error::{ConnectorError, ErrorKind};
use crate::http::client::is_loopback;
use crate::http::{Answer, Call, Failure, Http, Payload, RealTime, Repeat};

/// Where the browser comes back to when a connector does not say: the listener on this computer.
pub const DEFAULT_REDIRECT_URI: &str = "http://localhost:47812/oauth/callback";

/// How long a person has to finish an authorization.
pub const AUTHORIZATION_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(300);

/// What a provider's OAuth needs. Credentials travel in the request body.
#[derive(Debug, Clone)]
pub struct Provider {
    /// The provider's name for people.
    pub title: &'static str,
    /// The connection's name, for error texts.
    pub connector: String,
    /// Where the person agrees.
    pub authorize_url: Url,
    /// Where codes and refresh tokens are exchanged.
    pub token_url: Url,
    /// Where a token tells about itself, if the provider has that.
    pub introspect_url: Option<Url>,
    /// Where a token is given back, if the provider has that.
    pub revoke_url: Option<Url>,
    /// The app's id.
    pub client_id: String,
    /// What the connection asks for.
    pub scopes: Vec<String>,
    /// Where the browser comes back to.
    pub redirect_uri: Url,
}

impl Provider {
    /// The OAuth settings of a connection.
    pub fn from_config(config: &ConnectorConfig) -> Result<Self, ConnectorError> {
        match config.provider()? {
            model::connector_config::Provider::Hubspot => crate::hubspot::oauth_provider(config),
            model::connector_config::Provider::Salesforce => crate::salesforce::oauth_provider(config),
            // The app of a SCIM connection is granted its tokens; nobody consents to anything.
            model::connector_config::Provider::Scim => Err(ConnectorError::new(
                ErrorKind::Unsupported,
                format!(
                    "connector `{}`: there is nothing to authorize; a SCIM connector signs in with what is configured",
                    config.name
                ),
            )),
        }
    }

    /// A call that tells or asks something about a token; `hint` is the kind of token, in the standard's words.
    pub(crate) fn about_token(&self, url: Url, token: Secret, secret: Secret, hint: &str) -> Call<'_> {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.append_pair("client_id", &self.client_id);
        // An app without a secret must not send one, not even an empty one.
        if !secret.is_empty() {
            form.append_pair("client_secret", secret.expose());
        }
        let form = form.append_pair("token", token.expose()).append_pair("token_type_hint", hint).finish();
        Call {
            method: Method::POST,
            payload: Payload::Form(Secret::new(form)),
            secrets: vec![token, secret],
            ..Call::get(url)
        }
    }

    pub(crate) fn error(&self, kind: ErrorKind, what: impl std::fmt::Display) -> ConnectorError {
        ConnectorError::new(kind, format!("connector `{}`: {what}", self.connector))
    }

    /// What an app asks for that is granted a token as itself. Salesforce refuses a scope there.
    fn app_scopes(&self) -> impl Iterator<Item = &String> {
        self.scopes.iter().filter(|_| self.title != crate::salesforce::TITLE)
    }

    /// What a person can do about an OAuth error of this provider, where more is known than its words say.
    fn help(&self, code: &str, description: &str) -> Option<&'static str> {
        (self.title == crate::salesforce::TITLE)
            .then(|| crate::salesforce::authorization_help(code, description))
            .flatten()
    }
}

/// The code that a provider hands out for one authorization.
#[derive(Debug)]
pub struct AuthorizationCode(Secret);

/// What an address that the browser was sent to means for an authorization.
#[derive(Debug)]
pub enum Redirect {
    /// Not the redirect address: let it pass.
    Elsewhere,
    /// The provider agreed.
    Code(AuthorizationCode),
    /// The provider or the person said no, in the provider's words.
    Denied(String),
    /// The redirect address, but not an answer to this authorization.
    Rejected(String),
}

/// One authorization under way.
pub struct Authorization {
    /// The page to open.
    pub url: Url,
    provider: Provider,
    /// Taken by the first redirect that fits.
    state: Mutex<Option<Secret>>,
    verifier: Secret,
}

impl std::fmt::Debug for Authorization {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authorization").field("connector", &self.provider.connector).finish_non_exhaustive()
    }
}

impl Authorization {
    /// Starts an authorization. `redirect_uri` replaces the configured one, for a listener on a port of its own.
    pub fn begin(config: &ConnectorConfig, redirect_uri: Option<Url>) -> Result<Self, ConnectorError> {
        let mut provider = Provider::from_config(config)?;
        if let Some(redirect_uri) = redirect_uri {
            check_redirect(config, &redirect_uri)?;
            provider.redirect_uri = redirect_uri;
        }
        let state = CsrfToken::new_random_len(32);
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let client = client(&provider, None);
        let (url, state) = client
            .authorize_url(|| state)
            .add_scopes(provider.scopes.iter().cloned().map(Scope::new))
            .set_pkce_challenge(challenge)
            .url();
        Ok(Self {
            url,
            provider,
            state: Mutex::new(Some(Secret::new(state.into_secret()))),
            verifier: Secret::new(verifier.into_secret()),
        })
    }

    /// Where the browser will come back to.
    pub fn redirect_uri(&self) -> &Url {
        &self.provider.redirect_uri
    }

    /// What this address means. A fitting redirect is accepted once.
    pub fn match_redirect(&self, url: &Url) -> Redirect {
        let home = &self.provider.redirect_uri;
        let same = url.scheme() == home.scheme()
            && url.host() == home.host()
            && url.port_or_known_default() == home.port_or_known_default()
            && url.path() == home.path()
            && url.username().is_empty()
            && url.password().is_none();
        if !same {
            return Redirect::Elsewhere;
        }
        let only = |name: &str| {
            let mut values = url.query_pairs().filter(|(n, _)| n == name).map(|(_, v)| v.into_owned());
            match (values.next(), values.next()) {
                (Some(_), Some(_)) => Err(Redirect::Rejected(format!("the answer carries `{name}` twice"))),
                (value, _) => Ok(value),
            }
        };
        let (state, code, error, words) =
            match (only("state"), only("code"), only("error"), only("error_description")) {
                (Ok(state), Ok(code), Ok(error), Ok(words)) => (state, code, error, words),
                (Err(twice), ..) | (_, Err(twice), ..) | (_, _, Err(twice), _) | (.., Err(twice)) => {
                    return twice;
                }
            };
        let mut expected = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(secret) = expected.as_ref() else {
            return Redirect::Rejected("this authorization was already answered; start it again".to_owned());
        };
        let fits = state.as_deref().map(|s| bool::from(s.as_bytes().ct_eq(secret.expose().as_bytes())));
        match (fits, code, error) {
            (Some(false), ..) => Redirect::Rejected(
                "the answer belongs to another authorization (wrong state); start it again".to_owned(),
            ),
            // HubSpot's documents do not promise the state beside an error, and a refusal opens no door.
            (Some(true) | None, _, Some(error)) => {
                *expected = None;
                let help = self.provider.help(&error, words.as_deref().unwrap_or_default());
                let words = words.filter(|w| !w.is_empty()).map(|w| format!(": {w}")).unwrap_or_default();
                let said: String =
                    format!("{error}{words}").chars().filter(|c| !c.is_control()).take(300).collect();
                Redirect::Denied(help.map_or(said.clone(), |help| format!("{said}; {help}")))
            }
            (None, ..) => {
                Redirect::Rejected("the answer carries no state; start the authorization again".to_owned())
            }
            (Some(true), Some(code), None) if !code.is_empty() => {
                *expected = None;
                Redirect::Code(AuthorizationCode(Secret::new(code)))
            }
            (Some(true), _, None) => Redirect::Rejected(
                "the answer carries neither a code nor an error; start the authorization again".to_owned(),
            ),
        }
    }

    /// Exchanges the code for tokens. The caller stores them.
    pub async fn exchange(
        &self,
        code: AuthorizationCode,
        config: &ConnectorConfig,
        credentials: Arc<dyn Credentials>,
        clock: Arc<dyn Clock>,
    ) -> Result<Tokens, ConnectorError> {
        let secret = credentials.secret("clientSecret").await?.filter(|s| !s.is_empty());
        let http = way_out(config, credentials, Arc::clone(&clock))?;
        let grant = Grant::Code { code: code.0, verifier: self.verifier.clone() };
        Ok(request_tokens(Arc::new(http), &self.provider, secret, grant, clock.now()).await?)
    }
}

/// Gives the refresh token of a connection back to the provider, so that nobody can use it any more. The caller
/// forgets the stored tokens. Providers without such an address have nothing to be told.
pub async fn revoke(
    config: &ConnectorConfig,
    credentials: Arc<dyn Credentials>,
    clock: Arc<dyn Clock>,
) -> Result<(), ConnectorError> {
    let provider = Provider::from_config(config)?;
    let Some(url) = provider.revoke_url.clone() else { return Ok(()) };
    let http = way_out(config, Arc::clone(&credentials), clock)?;
    give_back(&http, &provider, url, credentials.as_ref()).await
}

/// The same over a way out that is there already.
pub(crate) async fn give_back(
    http: &Http,
    provider: &Provider,
    url: Url,
    credentials: &dyn Credentials,
) -> Result<(), ConnectorError> {
    let Some(tokens) = credentials.tokens().await? else { return Ok(()) };
    let given = |token: &Secret| !token.is_empty();
    // A grant of the app itself has no refresh token: then the access token is all that there is to give back.
    let (token, hint) = match tokens.refresh_token.filter(given) {
        Some(token) => (token, "refresh_token"),
        None if given(&tokens.access_token) => (tokens.access_token, "access_token"),
        None => return Ok(()),
    };
    let secret = credentials.secret("clientSecret").await?.unwrap_or_else(|| Secret::new(""));
    let call = provider.about_token(url, token, secret, hint);
    http.send(&call, |_| Ok(())).await.map_err(|failure| token_error(provider, failure).into())
}

/// The way out to a connection's provider.
fn way_out(
    config: &ConnectorConfig,
    credentials: Arc<dyn Credentials>,
    clock: Arc<dyn Clock>,
) -> Result<Http, ConnectorError> {
    let waiter = Arc::new(RealTime::new());
    match config.provider()? {
        model::connector_config::Provider::Salesforce => {
            crate::salesforce::http(config, credentials, clock, waiter)
        }
        _ => crate::hubspot::http(config, credentials, clock, waiter),
    }
}

/// A redirect address must be one that nobody else can listen on: https, or this computer.
pub(crate) fn check_redirect(config: &ConnectorConfig, url: &Url) -> Result<(), ConnectorError> {
    let fine = (url.scheme() == "https" || (url.scheme() == "http" && is_loopback(url)))
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    if fine {
        Ok(())
    } else {
        let what = "must be an https address, or http to this computer such as `http://localhost:47812/oauth/callback`, without query";
        Err(config.bad("redirectUri", what).into())
    }
}

/// What tokens are asked for with.
pub(crate) enum Grant {
    Code {
        code: Secret,
        verifier: Secret,
    },
    Refresh {
        refresh_token: Secret,
        /// Whether the request may be sent again when its answer is lost. Not where refresh tokens are good for one
        /// use: a second one ends the whole authorization.
        repeat: Repeat,
    },
    ClientCredentials,
}

/// How asking for tokens failed, sorted by what became of the grant.
#[derive(Debug)]
pub(crate) enum TokenFailure {
    /// The grant was not used.
    NotUsed(ConnectorError),
    /// The provider does not accept the grant any more.
    Over(ConnectorError),
    /// It was sent, and whether it was used is not known.
    Lost(ConnectorError),
}

impl From<TokenFailure> for ConnectorError {
    fn from(failure: TokenFailure) -> Self {
        match failure {
            TokenFailure::NotUsed(error) | TokenFailure::Over(error) | TokenFailure::Lost(error) => error,
        }
    }
}

/// What providers say beside the standard fields.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Extra {
    #[serde(default)]
    instance_url: Option<String>,
}

impl oauth2::ExtraTokenFields for Extra {}

type TokenAnswer = StandardTokenResponse<Extra, BasicTokenType>;
type Client = oauth2::Client<
    BasicErrorResponse,
    TokenAnswer,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

fn client(provider: &Provider, secret: Option<&Secret>) -> Client {
    let client = oauth2::Client::new(ClientId::new(provider.client_id.clone()));
    let client = match secret {
        Some(secret) => client.set_client_secret(ClientSecret::new(secret.expose().to_owned())),
        None => client,
    };
    client
        .set_auth_type(AuthType::RequestBody)
        .set_auth_uri(AuthUrl::from_url(provider.authorize_url.clone()))
        .set_token_uri(TokenUrl::from_url(provider.token_url.clone()))
        .set_redirect_uri(RedirectUrl::from_url(provider.redirect_uri.clone()))
}

/// Asks the token address; the lifetime of the answer counts from `asked_at`.
pub(crate) async fn request_tokens(
    http: Arc<Http>,
    provider: &Provider,
    client_secret: Option<Secret>,
    grant: Grant,
    asked_at: Timestamp,
) -> Result<Tokens, TokenFailure> {
    let client = client(provider, client_secret.as_ref());
    let (repeat, mut secrets) = match &grant {
        Grant::Code { code, verifier } => (Repeat::Never, vec![code.clone(), verifier.clone()]),
        Grant::Refresh { refresh_token, repeat } => (*repeat, vec![refresh_token.clone()]),
        Grant::ClientCredentials => (Repeat::Safe, Vec::new()),
    };
    secrets.extend(client_secret.clone());
    let bridge = Bridge { http, url: provider.token_url.clone(), repeat, secrets };
    let answer = match &grant {
        Grant::Code { code, verifier } => {
            client
                .exchange_code(oauth2::AuthorizationCode::new(code.expose().to_owned()))
                .set_pkce_verifier(PkceCodeVerifier::new(verifier.expose().to_owned()))
                .request_async(&bridge)
                .await
        }
        Grant::ClientCredentials => {
            client
                .exchange_client_credentials()
                .add_scopes(provider.app_scopes().cloned().map(Scope::new))
                .request_async(&bridge)
                .await
        }
        Grant::Refresh { refresh_token, .. } => {
            client
                .exchange_refresh_token(&RefreshToken::new(refresh_token.expose().to_owned()))
                .request_async(&bridge)
                .await
        }
    };
    let answer = answer.map_err(|error| match error {
        RequestTokenError::Request(failure) => token_error(provider, failure),
        // The texts of the other cases may quote the answer, and the answer holds tokens.
        _ => TokenFailure::Lost(provider.error(
            ErrorKind::Untrusted,
            format!("{} answered the token request in an unexpected shape; try again", provider.title),
        )),
    })?;
    let kept = match grant {
        Grant::Refresh { refresh_token, .. } => Some(refresh_token),
        Grant::Code { .. } | Grant::ClientCredentials => None,
    };
    Ok(Tokens {
        access_token: Secret::new(answer.access_token().secret().clone()),
        refresh_token: answer.refresh_token().map(|t| Secret::new(t.secret().clone())).or(kept),
        expires_at: answer.expires_in().and_then(|lifetime| {
            asked_at.checked_add(SignedDuration::try_from(lifetime).ok()?).ok().or(Some(Timestamp::MAX))
        }),
        instance_url: answer.extra_fields().instance_url.clone(),
    })
}

/// The bridge from the oauth2 crate to our way out. Answers that are not a success become errors here, because
/// HubSpot's are not always in OAuth's shape.
struct Bridge {
    http: Arc<Http>,
    url: Url,
    repeat: Repeat,
    /// What must not show up in error texts.
    secrets: Vec<Secret>,
}

impl<'c> oauth2::AsyncHttpClient<'c> for Bridge {
    type Error = Failure;
    type Future = BoxFuture<'c, Result<HttpResponse, Failure>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        let form = String::from_utf8(request.into_body()).unwrap_or_default();
        let call = Call {
            method: Method::POST,
            payload: Payload::Form(Secret::new(form)),
            repeat: self.repeat,
            secrets: self.secrets.clone(),
            ..Call::get(self.url.clone())
        };
        Box::pin(async move {
            let json = |answer: &Answer| answer.json::<serde::de::IgnoredAny>().map(|_| answer.body.clone());
            // A success in JSON is all that the oauth2 crate wants to know.
            self.http.send(&call, json).await.map(HttpResponse::new)
        })
    }
}

/// The part of an OAuth error that matters, in OAuth's and in HubSpot's words.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct TokenRefusal {
    error: Option<String>,
    error_description: Option<String>,
    status: Option<String>,
    message: Option<String>,
}

fn token_error(provider: &Provider, failure: Failure) -> TokenFailure {
    let refusal = match failure {
        Failure::Refused(refusal) => refusal,
        Failure::NotDone(error) => return TokenFailure::NotUsed(error),
        Failure::Lost(error) => return TokenFailure::Lost(error),
    };
    let told: TokenRefusal = serde_json::from_slice(&refusal.body).unwrap_or_default();
    let words: String = told
        .error_description
        .as_deref()
        .or(told.message.as_deref())
        .or(told.error.as_deref())
        .unwrap_or("no explanation")
        .chars()
        .filter(|c| !c.is_control())
        .take(300)
        .collect();
    let codes = [told.error.as_deref(), told.status.as_deref()];
    let says = |names: &[&str]| codes.iter().flatten().any(|code| names.contains(code));
    let title = provider.title;
    let help = provider
        .help(
            told.error.as_deref().unwrap_or_default(),
            told.error_description.as_deref().unwrap_or_default(),
        )
        .map(|help| format!("; {help}"))
        .unwrap_or_default();
    if says(&[
        "invalid_client",
        "invalid_client_id",
        "BAD_CLIENT_ID",
        "BAD_CLIENT_SECRET",
        "unauthorized_client",
    ]) {
        TokenFailure::NotUsed(provider.error(
            ErrorKind::Unauthorized,
            format!("{title} does not accept the app's client id or client secret: {words}; correct them and authorize again{help}"),
        ))
    } else if says(&["invalid_grant", "inactive_user", "BAD_REFRESH_TOKEN", "BAD_AUTH_CODE"])
        || matches!(refusal.status, 401 | 403)
    {
        TokenFailure::Over(provider.error(
            ErrorKind::Unauthorized,
            format!("{title} does not accept the authorization any more: {words}; authorize again{help}"),
        ))
    } else if codes.iter().flatten().next().is_some() {
        let kind = if says(&["rate_limit_exceeded"]) { ErrorKind::RateLimited } else { refusal.error.kind };
        TokenFailure::NotUsed(
            provider.error(kind, format!("{title} refused the token request: {words}{help}")),
        )
    } else {
        TokenFailure::NotUsed(refusal.error)
    }
}
