//! A data folder, a sandbox, a server and a client.

use std::sync::Arc;

use api::{App, AppOptions};
use model::Secret;
use reqwest::{Client, Method, RequestBuilder, header::HeaderMap};
use sandbox::hubspot::{Options as SandboxOptions, Sandbox};
use serde_json::{Value, json};
use server::{ADMINISTRATOR, Administrator, HostNames, Limits, Options, Server};
use tempfile::TempDir;
use tokio::net::TcpListener;

pub const PASSWORD: &str = "a password for tests";
pub const TOKEN: &str = "test-token-1";
pub const IN: &str = "systemHubspotContact_managedUser";
pub const OUT: &str = "managedUser_systemHubspotContact";

pub struct House {
    pub server: Server,
    pub app: Arc<App>,
    pub client: Client,
    sandbox: Sandbox,
    pub folder: TempDir,
}

/// What came back.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Value,
    pub text: String,
}

impl Reply {
    pub async fn of(request: RequestBuilder) -> Self {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.unwrap();
        Self { status, headers, body: serde_json::from_str(&text).unwrap_or(Value::Null), text }
    }

    #[track_caller]
    pub fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:#?}");
        if status >= 400 {
            assert_eq!(self.body["code"], status, "CREST's error: {self:#?}");
            assert!(self.body["message"].as_str().is_some_and(|m| !m.is_empty()), "{self:#?}");
            assert!(self.body["reason"].is_string(), "{self:#?}");
        }
        self
    }

    /// What the refusal says.
    #[track_caller]
    pub fn says(self, words: &[&str]) -> Self {
        let message = self.body["message"].as_str().unwrap_or_default();
        for word in words {
            assert!(message.contains(word), "`{word}` is missing: {self:#?}");
        }
        self
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The values of a field over the results.
    pub fn column(&self, field: &str) -> Vec<String> {
        let rows = self.body["result"].as_array().unwrap_or_else(|| panic!("a list: {self:#?}"));
        rows.iter()
            .map(|row| row[field].as_str().map_or_else(|| row[field].to_string(), str::to_owned))
            .collect()
    }
}

impl House {
    /// Nothing but a server.
    pub async fn empty() -> Self {
        Self::with(0, Administrator::Chosen(Secret::new(PASSWORD))).await
    }

    pub async fn with(records: usize, administrator: Administrator) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let app = open(&folder).await;
        Self::over(folder, app, records, administrator).await
    }

    pub async fn over(folder: TempDir, app: Arc<App>, records: usize, administrator: Administrator) -> Self {
        Self::within(folder, app, records, administrator, Limits::default()).await
    }

    pub async fn within(
        folder: TempDir,
        app: Arc<App>,
        records: usize,
        administrator: Administrator,
        limits: Limits,
    ) -> Self {
        let options =
            SandboxOptions { records, access_token: Some(TOKEN.into()), ..SandboxOptions::default() };
        let sandbox = Sandbox::start(listener().await, options).await.unwrap();
        let options =
            Options { administrator, hosts: HostNames::default(), certificate: None, self_service: None };
        let server = Server::start_within(Arc::clone(&app), listener().await, options, limits).unwrap();
        let client =
            Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { server, app, client, sandbox, folder }
    }

    /// A connector to a sandbox with so many contacts, and a mapping each way.
    pub async fn connected(records: usize) -> Self {
        let house = Self::with(records, Administrator::Chosen(Secret::new(PASSWORD))).await;
        house.app.sample_setup(&house.sandbox.url(), TOKEN).await.unwrap();
        house
    }

    /// The contacts' connector and mappings over an administrator's generated password.
    pub async fn generated(records: usize) -> (Self, Secret) {
        let folder = tempfile::tempdir().unwrap();
        let app = open(&folder).await;
        let made = app.rest_admin(false).await.unwrap();
        let house = Self::over(folder, app, records, Administrator::Generated(made.proof)).await;
        (house, made.fresh.expect("the first time"))
    }

    /// The same with a user for every contact.
    pub async fn reconciled(records: usize) -> Self {
        let house = Self::connected(records).await;
        house
            .post(&format!("/recon?_action=recon&mapping={IN}&waitForCompletion=true"), &Value::Null)
            .await
            .is(200);
        house
    }

    pub fn sandbox_url(&self) -> String {
        self.sandbox.url()
    }

    /// What HubSpot has.
    pub fn contacts(&self) -> Vec<sandbox::hubspot::RecordCopy> {
        self.sandbox.portal().contacts()
    }

    /// A request without credentials; `path` begins below `/openidm`.
    pub fn bare(&self, method: &str, path: &str) -> RequestBuilder {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        self.client.request(method, format!("{}/openidm{path}", self.server.url()))
    }

    pub fn request(&self, method: &str, path: &str) -> RequestBuilder {
        self.bare(method, path).basic_auth(ADMINISTRATOR, Some(PASSWORD))
    }

    pub async fn get(&self, path: &str) -> Reply {
        Reply::of(self.request("GET", path)).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Reply {
        self.send("POST", path, body, &[]).await
    }

    pub async fn send(&self, method: &str, path: &str, body: &Value, headers: &[(&str, &str)]) -> Reply {
        let mut request = self.request(method, path);
        if !body.is_null() {
            request = request.json(body);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Reply::of(request).await
    }

    pub async fn user(&self, name: &str) -> Reply {
        let user =
            json!({"userName": name, "givenName": "Ann", "sn": "Lee", "mail": format!("{name}@example.org")});
        self.post("/managed/user?_action=create", &user).await.is(201)
    }
}

pub async fn open(folder: &TempDir) -> Arc<App> {
    let options = AppOptions {
        data_dir: folder.path().join("data"),
        passphrase: Some("a passphrase for tests".into()),
    };
    App::open(options).await.unwrap()
}

async fn listener() -> TcpListener {
    TcpListener::bind(("127.0.0.1", 0)).await.unwrap()
}

/// Waits until something holds, without a fixed sleep.
pub async fn until<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let mut ticks = tokio::time::interval(std::time::Duration::from_millis(20));
    for _ in 0..1500 {
        ticks.tick().await;
        if holds().await {
            return;
        }
    }
    panic!("it never came to this: {what}");
}
