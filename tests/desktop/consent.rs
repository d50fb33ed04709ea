//! Consent in the embedded window, against the consent page of a sandbox.

use std::{collections::HashMap, fs, net::Ipv4Addr, path::Path};

use acceptance::webdriver::{Role, Session, until};
use axum::{
    Router,
    extract::{Query, RawQuery},
    http::header,
    response::Html,
    routing::get,
};
use sandbox::hubspot::{Options, Sandbox};
use serde_json::json;
use tokio::net::TcpListener;
use url::Url;

use crate::screen::Screen;

const CONNECTOR: &str = "hubspot";
const CLOSED: &str = "The window was closed before consent was given; press Authorize to try again.";

/// The application with a connector that is not authorized yet.
struct Consent {
    screen: Screen,
    sandbox: Sandbox,
    main: String,
}

impl Consent {
    async fn prepare() -> Self {
        Self::prepare_at(|sandbox| format!("{sandbox}/oauth/authorize")).await
    }

    async fn prepare_at(authorize_url: impl FnOnce(&str) -> String) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let sandbox = Sandbox::start(listener, Options { records: 20, ..Options::default() }).await.unwrap();
        let screen = Screen::start(&[]).await;
        let app = &screen.app;
        app.find(Role::Heading, "Dashboard").await;
        connect(app, &sandbox.url(), &authorize_url(&sandbox.url())).await;
        let main = app.window().await.unwrap();
        Self { screen, sandbox, main }
    }

    /// Presses Authorize and turns to the window that opens.
    async fn ask(&self) {
        let app = &self.screen.app;
        app.press(Role::Button, "Authorize").await;
        self.turn_to_new(&[&self.main]).await;
    }

    /// Waits for a window that is none of these, and turns to it.
    async fn turn_to_new(&self, known: &[&str]) {
        let app = &self.screen.app;
        let window = until("another window", async || {
            app.windows().await.ok()?.into_iter().find(|window| !known.contains(&window.as_str()))
        })
        .await;
        app.look_at(&window).await.unwrap();
    }

    /// Turns back to the main window, which has to be the only one.
    async fn back(&self) {
        let app = &self.screen.app;
        app.look_at(&self.main).await.unwrap();
        until("end of the consent window", async || {
            (app.windows().await.ok()? == [self.main.clone()]).then_some(())
        })
        .await;
    }

    async fn decide(&self, decision: &str) {
        let app = &self.screen.app;
        let button = app.find(Role::Button, decision).await;
        app.press_and_leave(&button).await.unwrap();
        self.back().await;
    }
}

/// Makes a connector for the sandbox's app in the form, as a person would.
async fn connect(app: &Session, sandbox: &str, authorize_url: &str) {
    app.press(Role::Button, "Connect a system").await;
    app.press(Role::Button, "Connect HubSpot").await;
    app.fill("Name", CONNECTOR).await;
    app.press(Role::Radio, "OAuth app").await;
    app.fill("Client ID", "sandbox-client").await;
    app.fill("Client secret", "sandbox-secret").await;
    app.press(Role::Disclosure, "Advanced").await;
    app.fill("API address", sandbox).await;
    app.fill("Authorization page", authorize_url).await;
    app.press(Role::Button, "Next: authorize").await;
    app.sees("Not authorized yet").await;
}

#[tokio::test]
async fn each_end_of_a_consent_has_its_words_and_the_tokens_are_kept_safe() {
    let consent = Consent::prepare().await;
    let app = &consent.screen.app;

    consent.ask().await;
    app.sees("wants to").await;
    consent.screen.picture("consent").await;
    app.close_window().await.unwrap();
    consent.back().await;
    app.sees(CLOSED).await;
    consent.screen.picture("consent-closed").await;

    consent.ask().await;
    consent.decide("Deny").await;
    app.sees("denied").await;
    consent.screen.picture("consent-denied").await;

    // The person may also change their mind in the main window.
    consent.ask().await;
    app.look_at(&consent.main).await.unwrap();
    app.press(Role::Button, "Cancel").await;
    consent.back().await;
    app.sees("called off").await;

    consent.ask().await;
    consent.decide("Allow").await;
    app.sees("Connected").await;
    consent.screen.picture("consent-given").await;

    let data = consent.screen.data_dir();
    let secrets = ["sandbox-secret", "sandbox-access-", "sandbox-refresh-"];
    assert_eq!(holding(&data, &secrets), Vec::<String>::new(), "while it runs");
    consent.screen.end().await.unwrap();
    assert_eq!(holding(&data, &secrets), Vec::<String>::new(), "after it ended");
    consent.sandbox.stop().await;
}

#[tokio::test]
async fn a_consent_page_can_do_nothing_but_be_shown() {
    let consent = Consent::prepare().await;
    let app = &consent.screen.app;
    consent.ask().await;
    app.sees("wants to").await;
    let page = app.url().await.unwrap();

    let called = "return window.__TAURI_INTERNALS__.invoke('app_status', { request: {} })
        .then(() => 'answered', refusal => String(refusal))";
    let refusal = app.run(called, &[]).await.unwrap();
    assert!(refusal.as_str().unwrap().contains("not allowed"), "{refusal}");

    for elsewhere in ["tauri://localhost/", "file:///etc/passwd", "http://192.0.2.1/"] {
        app.run("location.href = arguments[0]", &[json!(elsewhere)]).await.unwrap();
        app.sees("wants to").await;
        assert_eq!(app.url().await.unwrap(), page, "after {elsewhere}");
    }
    consent.decide("Deny").await;
    consent.screen.end().await.unwrap();
}

/// A login page of the awkward kind: it opens another window for the company's own sign-on, which closes itself or
/// goes back to the application, and it offers a download.
async fn awkward_provider() -> String {
    async fn login(RawQuery(query): RawQuery) -> Html<String> {
        let query = query.unwrap_or_default().replace('"', "%22");
        Html(format!(
            "<h1>Sign in</h1><button onclick=\"window.open('/company?'+this.dataset.query)\" data-query=\"{query}\">Company \
             sign-on</button><a href=\"/file\">Download</a>"
        ))
    }
    async fn company(Query(asked): Query<HashMap<String, String>>) -> Html<String> {
        let mut back: Url = asked["redirect_uri"].parse().unwrap();
        back.query_pairs_mut().append_pair("error", "access_denied").append_pair("state", &asked["state"]);
        Html(format!(
            "<h1>Company</h1><a href=\"{}\">Refuse</a><button onclick=\"window.close()\">Close</button>",
            back.as_str().replace('&', "&amp;")
        ))
    }
    let file =
        || async { ([(header::CONTENT_DISPOSITION, "attachment; filename=\"unasked.bin\"")], "unasked") };
    let pages =
        Router::new().route("/login", get(login)).route("/company", get(company)).route("/file", get(file));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, pages).await });
    format!("http://{address}/login")
}

#[tokio::test]
async fn a_login_page_may_open_one_more_window_but_download_nothing() {
    let page = awkward_provider().await;
    let consent = Consent::prepare_at(|_| page).await;
    let app = &consent.screen.app;
    consent.ask().await;
    app.sees("Sign in").await;
    let login = app.window().await.unwrap();
    app.press(Role::Link, "Download").await;
    app.sees("Sign in").await;

    app.press(Role::Button, "Company sign-on").await;
    consent.turn_to_new(&[&consent.main, &login]).await;
    app.sees("Company").await;
    let close = app.find(Role::Button, "Close").await;
    app.press_and_leave(&close).await.unwrap();
    app.look_at(&login).await.unwrap();
    until("end of the second window", async || (app.windows().await.ok()?.len() == 2).then_some(())).await;

    app.press(Role::Button, "Company sign-on").await;
    consent.turn_to_new(&[&consent.main, &login]).await;
    let refuse = app.find(Role::Link, "Refuse").await;
    app.press_and_leave(&refuse).await.unwrap();
    consent.back().await;
    app.sees("denied").await;
    assert_eq!(
        holding(&consent.screen.home(), &["unasked"]),
        Vec::<String>::new(),
        "nothing may be downloaded"
    );
    consent.screen.end().await.unwrap();
}

/// The files in the folder, at any depth, that hold one of the texts.
fn holding(folder: &Path, texts: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(holding(&path, texts));
            continue;
        }
        // A journal may go while it is looked for.
        let Ok(bytes) = fs::read(&path) else { continue };
        for text in texts {
            if bytes.windows(text.len()).any(|window| window == text.as_bytes()) {
                found.push(format!("{text} in {}", path.display()));
            }
        }
    }
    found
}
