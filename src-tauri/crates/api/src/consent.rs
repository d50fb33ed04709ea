//! OAuth consent: begun here, shown by a window or a browser, finished here.

use std::{future::Future, sync::Arc};

use connector::oauth::{
    self, Authorization,
    loopback::{AuthorizationEnd, Loopback},
};
use engine::CancellationToken;
use model::ConnectorConfig;
use url::Url;

use crate::{
    ApiError, App,
    dto::{AuditTopic, AuthorizeResult},
    pool::consent_setting,
};

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
        self.note_consent(&name).await?;
        drop(turn);
        self.audit(AuditTopic::Connector, &name, "authorized").await?;
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

    /// Whoever has the connector open, in any process, is to use the new tokens, and may call another account with them.
    async fn note_consent(&self, connector: &str) -> Result<(), ApiError> {
        let setting = consent_setting(connector);
        let note = move |w: &store::Writer<'_>| {
            let before: u64 = w.setting(&setting)?.and_then(|n| n.parse().ok()).unwrap_or(0);
            w.set_setting(&setting, &before.saturating_add(1).to_string())
        };
        Ok(self.store.write(note).await?)
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

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use sandbox::hubspot::{Consent, Options, Sandbox};
    use serde_json::json;
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::{TcpListener, TcpStream},
    };

    use super::*;
    use crate::{
        AppOptions,
        dto::{AuditRequest, ConnectorDraft},
    };

    const REDIRECT: &str = "http://localhost:47812/oauth/callback";

    struct Place {
        _folder: tempfile::TempDir,
        sandbox: Sandbox,
        app: Arc<App>,
    }

    impl Place {
        async fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
            let options = Options { consent: Consent::Allow, ..Options::default() };
            let sandbox = Sandbox::start(listener, options).await.unwrap();
            let options = AppOptions {
                data_dir: folder.path().join("data"),
                passphrase: Some("a passphrase for tests".into()),
            };
            let app = App::open(options).await.unwrap();
            let place = Self { _folder: folder, sandbox, app };
            place
                .save(true, json!({"clientId": "sandbox-client"}), &[("clientSecret", "sandbox-secret")])
                .await;
            place
        }

        async fn save(&self, create: bool, properties: serde_json::Value, secrets: &[(&str, &str)]) {
            let draft = draft("hubspot", &self.sandbox.url(), create, properties, secrets);
            self.app.connector_save(draft).await.unwrap();
        }

        /// As a person does it in the embedded window.
        async fn authorize(&self) -> AuthorizeResult {
            let authorizing = Arc::new(self.app.authorize_begin("hubspot").await.unwrap());
            let mut next = authorizing.url.clone();
            loop {
                match authorizing.check(&next) {
                    Redirect::Code(code) => {
                        return self.app.authorize_finish(authorizing, code).await.unwrap();
                    }
                    Redirect::Refused(why) => panic!("{why}"),
                    Redirect::Elsewhere => next = redirected(&next).await,
                }
            }
        }

        async fn connector(&self) -> Arc<dyn connector::Connector> {
            let row = self.app.connector_row("hubspot").await.unwrap();
            self.app.pool.any(&row.config).await.unwrap()
        }
    }

    fn draft(
        name: &str,
        url: &str,
        create: bool,
        mut properties: serde_json::Value,
        secrets: &[(&str, &str)],
    ) -> ConnectorDraft {
        properties["apiBaseUrl"] = json!(url);
        properties["authorizeUrl"] = json!(format!("{url}/oauth/authorize"));
        properties["redirectUri"] = json!(REDIRECT);
        let config = json!({
            "name": name,
            "enabled": true,
            "connectorRef": {"connectorName": "org.forgerock.openicf.connectors.hubspot.HubspotConnector"},
            "configurationProperties": properties,
        });
        let secrets = secrets.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        ConnectorDraft { create, rev: None, config, secrets }
    }

    async fn redirected(page: &Url) -> Url {
        let (host, port) = (page.host_str().unwrap(), page.port().unwrap());
        let mut stream = TcpStream::connect((host, port)).await.unwrap();
        let target = format!("{}?{}", page.path(), page.query().unwrap_or_default());
        let request = format!("GET {target} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let mut lines =
            answer.lines().take_while(|line| !line.is_empty()).filter_map(|line| line.split_once(": "));
        let (_, to) = lines.find(|(name, _)| name.eq_ignore_ascii_case("location")).unwrap();
        page.join(to).unwrap()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn whoever_has_a_connector_open_follows_a_new_consent() {
        let place = Place::new().await;
        assert!(place.authorize().await.ok);
        let before = place.connector().await;
        assert!(Arc::ptr_eq(&before, &place.connector().await));
        assert!(place.authorize().await.ok);
        assert!(!Arc::ptr_eq(&before, &place.connector().await), "the old consent's token is still held");
        place.sandbox.stop().await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_connector_of_the_same_name_as_one_that_is_gone_has_its_own_key() {
        let place = Place::new().await;
        let by_name = || crate::dto::ByName { name: "hubspot".into() };
        place.save(false, json!({}), &[("accessToken", "first-key")]).await;
        let before = place.connector().await;
        place.app.connector_remove(by_name()).await.unwrap();
        place.save(true, json!({}), &[("accessToken", "other-key")]).await;
        assert!(!Arc::ptr_eq(&before, &place.connector().await));
        place.sandbox.stop().await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_grant_is_given_back_when_a_key_takes_its_place() {
        let place = Place::new().await;
        assert!(place.authorize().await.ok);
        place.sandbox.portal().reset_calls();
        place.save(false, json!({}), &[("accessToken", "a-key"), ("clientSecret", "")]).await;
        let by_name = crate::dto::ByName { name: "hubspot".into() };
        assert!(!place.app.connector_get(by_name).await.unwrap().authorized);
        let calls = place.sandbox.portal().calls();
        assert!(calls.iter().any(|call| call.path.ends_with("/revoke")), "{calls:?}");
        place.sandbox.stop().await;
    }

    /// What was done to a connector, newest first.
    async fn audit_of(app: &App, connector: &str) -> Vec<String> {
        let request = AuditRequest { topic: None, search: None, after: None, limit: None };
        let rows = app.audit_list(request).await.unwrap().rows;
        rows.into_iter().filter(|row| row.object == connector).map(|row| row.detail).collect()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_provider_that_never_answers_holds_up_no_change_of_its_connector() {
        let place = Place::new().await;
        let names = ["changed", "removed"];
        let mut silent = Vec::new();
        for name in names {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
            let url = format!("http://{}", listener.local_addr().unwrap());
            let granted = [("clientSecret", "a-secret"), ("refreshToken", "a-grant")];
            let made = draft(name, &url, true, json!({"clientId": "an-app"}), &granted);
            place.app.connector_save(made).await.unwrap();
            silent.push((listener, url));
        }
        let key = draft("changed", &silent[0].1, false, json!({}), &[("accessToken", "a-key")]);
        let (one, other) = (Arc::clone(&place.app), Arc::clone(&place.app));
        let changing = tokio::spawn(async move { one.connector_save(key).await.map(|_| ()) });
        let by_name = crate::dto::ByName { name: "removed".into() };
        let removing = tokio::spawn(async move { other.connector_remove(by_name).await });
        let mut calls = Vec::new();
        for ((listener, _), name) in silent.iter().zip(names) {
            calls.push(listener.accept().await.unwrap());
            // By the time that the provider is called, the change is in force and told.
            assert_eq!(audit_of(&place.app, name).await, [name, "added"]);
        }
        let left = place.app.connectors_list(crate::dto::Empty {}).await.unwrap();
        assert_eq!(left.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(), ["changed", "hubspot"]);
        changing.await.unwrap().unwrap();
        let removed = removing.await.unwrap().unwrap();
        assert_eq!(removed.grant_kept.as_deref(), Some("it does not answer"));
        for name in names {
            let last = audit_of(&place.app, name).await.remove(0);
            assert_eq!(last, "its authorization was not given back: it does not answer");
        }
        place.sandbox.stop().await;
    }
}
