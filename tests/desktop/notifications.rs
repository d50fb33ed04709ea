//! What the desktop is told while nobody looks at the window, by a notification server on the session bus of the test.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use acceptance::webdriver::{Role, Session, until};
use serde_json::{Value, json};
use zbus::{Connection, connection, object_server::SignalEmitter, zvariant::OwnedValue};

use crate::screen::{Screen, Setup, call};

const PATH: &str = "/org/freedesktop/Notifications";
const MAPPING: &str = "systemHubspotContact_managedUser";
const SECRET: &str = "test-token-that-no-system-knows";

/// A notification as the desktop gets it.
#[derive(Debug, Clone)]
struct Told {
    id: u32,
    title: String,
    body: String,
    actions: Vec<String>,
}

/// Shows nothing, and remembers all that it was told.
#[derive(Default)]
struct Notifications(Arc<Mutex<Vec<Told>>>);

#[zbus::interface(name = "org.freedesktop.Notifications")]
impl Notifications {
    #[expect(clippy::too_many_arguments, reason = "the interface has so many")]
    fn notify(
        &self,
        _application: &str,
        _replaces: u32,
        _icon: &str,
        title: String,
        body: String,
        actions: Vec<String>,
        _hints: HashMap<String, OwnedValue>,
        _until: i32,
    ) -> u32 {
        let mut told = self.0.lock().unwrap();
        let id = told.len() as u32 + 1;
        told.push(Told { id, title, body, actions });
        id
    }

    fn get_capabilities(&self) -> Vec<String> {
        vec!["actions".to_owned(), "body".to_owned(), "body-markup".to_owned()]
    }

    fn get_server_information(&self) -> (&str, &str, &str, &str) {
        ("remembers", "tests", "1", "1.2")
    }

    fn close_notification(&self, _id: u32) {}

    #[zbus(signal)]
    async fn action_invoked(emitter: &SignalEmitter<'_>, id: u32, action: &str) -> zbus::Result<()>;
}

/// The notification server of a screen.
struct Desktop {
    connection: Connection,
    told: Arc<Mutex<Vec<Told>>>,
}

impl Desktop {
    async fn serve(screen: &Screen) -> Self {
        let server = Notifications::default();
        let told = Arc::clone(&server.0);
        let builder = connection::Builder::address(screen.bus()).unwrap();
        let builder = builder.serve_at(PATH, server).unwrap().name("org.freedesktop.Notifications").unwrap();
        Self { connection: builder.build().await.unwrap(), told }
    }

    fn told(&self) -> Vec<Told> {
        self.told.lock().unwrap().clone()
    }

    async fn sees(&self, title: &str) -> Told {
        until(&format!("notification {title:?}"), async || {
            self.told().into_iter().find(|told| told.title == title)
        })
        .await
    }

    /// Presses a notification.
    async fn press(&self, told: &Told) {
        let emitter = SignalEmitter::new(&self.connection, PATH).unwrap();
        Notifications::action_invoked(&emitter, told.id, "default").await.unwrap();
    }
}

/// Has the sample's mapping hold every run that would create anybody.
async fn hold_creates(app: &Session) {
    let mut config = call(app, "mapping_get", json!({ "name": MAPPING })).await.unwrap()["config"].take();
    config["guards"] = json!({ "maxCreates": 1 });
    call(app, "mapping_save", json!({ "create": false, "config": config })).await.unwrap();
}

/// Starts a run and waits for this state of it.
async fn run(app: &Session, state: &str) -> String {
    let start = json!({ "mapping": MAPPING, "mode": "reconcile", "ids": [], "allowDeletes": null, "incremental": false });
    let id = call(app, "run_start", start).await.unwrap()["id"].as_str().unwrap().to_owned();
    until(&format!("state {state} of the run"), async || {
        let run = call(app, "run_get", json!({ "id": id })).await.unwrap();
        (run["summary"]["state"] == state).then_some(())
    })
    .await;
    id
}

async fn turn_away(screen: &Screen) {
    screen.app.minimize().await.unwrap();
    until("window that nobody looks at", async || {
        let seen = screen.app.run("return document.hasFocus()", &[]).await;
        seen.is_ok_and(|seen| seen == Value::Bool(false)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn what_needs_a_person_is_told_while_they_look_elsewhere_and_a_press_leads_there() {
    let screen =
        Screen::set_up(Setup { arguments: &["--with-sandbox"], managed: true, ..Setup::default() }).await;
    let app = &screen.app;
    app.find(Role::Heading, "Dashboard").await;
    let desktop = Desktop::serve(&screen).await;
    hold_creates(app).await;

    // Who has the window before them sees it there.
    until("window in front", async || {
        let seen = app.run("return document.hasFocus()", &[]).await;
        seen.is_ok_and(|seen| seen == Value::Bool(true)).then_some(())
    })
    .await;
    let seen = run(app, "held").await;
    until("look at the news", async || {
        screen.log().contains("news while the window is in front").then_some(())
    })
    .await;
    assert!(desktop.told().is_empty(), "{:?}", desktop.told());
    call(app, "run_cancel", json!({ "id": seen })).await.unwrap();

    turn_away(&screen).await;
    let held = run(app, "held").await;
    let told = desktop.sees(&format!("A run of {MAPPING} is held")).await;
    assert!(told.body.contains("create"), "{told:?}");
    assert_eq!(told.actions, ["default", "Open"]);

    // A connector whose key is refused, and a run that cannot be carried out with it.
    call(app, "run_cancel", json!({ "id": held })).await.unwrap();
    let mut config = call(app, "connector_get", json!({ "name": "hubspot" })).await.unwrap()["config"].take();
    config["enabled"] = json!(true);
    let draft = json!({ "create": false, "config": config, "secrets": { "accessToken": SECRET } });
    call(app, "connector_save", draft).await.unwrap();
    let tested = call(app, "connector_test", json!({ "name": "hubspot" })).await.unwrap();
    assert_eq!(tested["ok"], false, "{tested}");
    run(app, "failed").await;
    let connector = desktop.sees("HubSpot (sandbox) needs you").await;
    assert!(!connector.body.is_empty(), "{connector:?}");
    desktop.sees(&format!("A run of {MAPPING} failed")).await;

    for told in desktop.told() {
        assert!(![&told.title, &told.body].iter().any(|said| said.contains(SECRET)), "{told:?}");
    }
    assert_eq!(desktop.told().len(), 3, "each is told once: {:?}", desktop.told());

    desktop.press(&told).await;
    until("screen of the run", async || {
        app.url().await.ok()?.ends_with(&format!("/runs/{held}")).then_some(())
    })
    .await;
    screen.end().await.unwrap();
}

#[tokio::test]
async fn a_desktop_that_shows_no_notifications_is_none_the_worse() {
    let screen =
        Screen::set_up(Setup { arguments: &["--with-sandbox"], managed: true, ..Setup::default() }).await;
    let app = &screen.app;
    app.find(Role::Heading, "Dashboard").await;
    hold_creates(app).await;
    turn_away(&screen).await;
    run(app, "held").await;
    until("word of it in the log", async || {
        screen.log().contains("the desktop shows no notifications").then_some(())
    })
    .await;
    // The next look finds nothing new, and the application goes on as before.
    let status = call(app, "app_status", json!({})).await.unwrap();
    assert_eq!(status["connectors"], 1, "{status}");
    assert_eq!(screen.log().matches("the desktop shows no notifications").count(), 1);
    screen.end().await.unwrap();
}
