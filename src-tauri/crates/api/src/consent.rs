//! OAuth consent: begun here, shown by a window or a browser, finished here.

use std::{future::Future, sync::Arc};

use connector::oauth::{
    self, Authorization,
    loopback::{AuthorizationEnd, Loopback},
};
use engine::CancellationToken;
use model::ConnectorConfig;
use url::Url;

use crate::{ApiError, App, dto::AuthorizeResult};

/// A consent that is under way.
pub struct Authorizing {
    /// The provider's consent page, to be shown to the person.
    pub url: Url,
    /// Where the provider will send the person back to.
    pub redirect_uri: Url,
    /// The connector.
    pub connector: String,
    /// For window titles: "HubSpot".
    pub provider_title: String,
    authorization: Authorization,
    config: ConnectorConfig,
}

/// What a navigation means for a consent under way.
pub enum Redirect {
    /// Not the redirect URI: let it load.
    Elsewhere,
    /// The redirect, with everything in order; stop the navigation and call [`App::authorize_finish`].
    Code(AuthorizationCode),
    /// The redirect, but consent was denied or the state is wrong: the message to show.
    Refused(String),
}

/// The code of one consent, good for one exchange.
pub struct AuthorizationCode(oauth::AuthorizationCode);

impl Authorizing {
    /// Cheap and non-blocking: may be called on the UI thread for every navigation. A code is given out once.
    pub fn check(&self, url: &Url) -> Redirect {
        match self.authorization.match_redirect(url) {
            oauth::Redirect::Elsewhere => Redirect::Elsewhere,
            oauth::Redirect::Code(code) => Redirect::Code(AuthorizationCode(code)),
            oauth::Redirect::Denied(why) => Redirect::Refused(denied(&self.provider_title, &why)),
            oauth::Redirect::Rejected(why) => Redirect::Refused(rejected(&why)),
        }
    }
}

fn denied(provider: &str, why: &str) -> String {
    format!(
        "{provider} did not give consent ({why}). Press Authorize to try again, as a user who may grant it."
    )
}

fn rejected(why: &str) -> String {
    format!("The answer was not accepted: {why}. Nothing was stored.")
}

impl App {
    /// Begins a consent for the embedded window.
    pub async fn authorize_begin(&self, connector: &str) -> Result<Authorizing, ApiError> {
        self.begin(connector, None).await
    }

    async fn begin(&self, connector: &str, redirect_uri: Option<Url>) -> Result<Authorizing, ApiError> {
        let mut row = self.connector_row(connector).await?;
        row.config = self.pool.on_the_network(&row.config).await?;
        // Told before the person types a password into the provider's page.
        self.vaulting.vault().await?;
        let authorization = Authorization::begin(&row.config, redirect_uri)?;
        let provider = oauth::Provider::from_config(&row.config)?;
        Ok(Authorizing {
            url: authorization.url.clone(),
            redirect_uri: authorization.redirect_uri().clone(),
            connector: row.config.name.clone(),
            provider_title: provider.title.to_owned(),
            authorization,
            config: row.config,
        })
    }

    /// Exchanges the code, stores the tokens and tests the connection with them.
    pub async fn authorize_finish(
        &self,
        authorizing: Arc<Authorizing>,
        code: AuthorizationCode,
    ) -> Result<AuthorizeResult, ApiError> {
        let name = authorizing.connector.clone();
        let credentials = self.pool.credentials(&name);
        let tokens = authorizing
            .authorization
            .exchange(code.0, &authorizing.config, Arc::clone(&credentials), self.clock.clone())
            .await?;
        // A renewal that is under way in another process must not put the old tokens over the new ones.
        let turn = credentials.refresh_guard().await?;
        credentials.store_tokens(&tokens).await?;
        drop(turn);
        self.audit("connector", &name, "authorized").await?;
        let test = self.connector_test(crate::dto::ByName { name: name.clone() }).await?;
        let title = &authorizing.provider_title;
        Ok(match test.error {
            None => AuthorizeResult {
                ok: true,
                message: format!("{title} gave consent; connector `{name}` is authorized and works."),
            },
            Some(error) => AuthorizeResult {
                ok: false,
                message: format!("{title} gave consent, but the test of connector `{name}` failed: {error}"),
            },
        })
    }

    /// The same in the system's browser: `open` shows the page, a listener on this machine catches the redirect.
    pub async fn authorize_in_browser(
        &self,
        connector: &str,
        open: impl FnOnce(&Url) -> Result<(), String> + Send,
    ) -> Result<AuthorizeResult, ApiError> {
        let row = self.connector_row(connector).await?;
        let wanted = oauth::Provider::from_config(&row.config)?.redirect_uri;
        let listener = Loopback::bind(&wanted).await?;
        let authorizing = Arc::new(self.begin(connector, Some(listener.redirect_uri().clone())).await?);
        let cancel = CancellationToken::new();
        self.consents().insert(authorizing.connector.clone(), cancel.clone());
        if let Err(why) = open(&authorizing.url) {
            return Ok(AuthorizeResult {
                ok: false,
                message: format!(
                    "The browser did not open ({why}). Use the embedded window, or open the page yourself from this machine."
                ),
            });
        }
        let waited =
            listener.wait(&authorizing.authorization, oauth::AUTHORIZATION_TIMEOUT, cancelled(&cancel)).await;
        self.consents().remove(&authorizing.connector);
        let message = match waited {
            Ok(code) => return self.authorize_finish(authorizing, AuthorizationCode(code)).await,
            Err(AuthorizationEnd::Denied(why)) => denied(&authorizing.provider_title, &why),
            Err(AuthorizationEnd::WrongState(why)) => rejected(&why),
            Err(AuthorizationEnd::TimedOut) => {
                "Nobody gave consent within 5 minutes. Press Authorize to try again.".to_owned()
            }
            Err(AuthorizationEnd::Cancelled) => "The authorization was cancelled.".to_owned(),
        };
        Ok(AuthorizeResult { ok: false, message })
    }

    /// Ends a consent in the browser that is under way.
    pub fn authorize_cancel(&self, connector: &str) {
        if let Some(cancel) = self.consents().remove(connector) {
            cancel.cancel();
        }
    }

    fn consents(&self) -> std::sync::MutexGuard<'_, std::collections::HashMap<String, CancellationToken>> {
        self.consents.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

fn cancelled(token: &CancellationToken) -> impl Future<Output = ()> + Send + use<> {
    let token = token.clone();
    async move { token.cancelled().await }
}
