//! A system that lets nobody in any more is told by its connector and by what waits for it, until it does again.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::net::Ipv4Addr;

use api::{
    App, AppOptions,
    dto::{
        ById, ByName, ConnectorDraft, ConnectorState, ConnectorSummary, QueueRequest, RunMode, RunStart,
        RunState, Trouble, UserDraft,
    },
};
use sandbox::hubspot::{Options, Sandbox};
use serde_json::json;
use tokio::net::TcpListener;

const KEY: &str = "sandbox-service-key";
const OUTBOUND: &str = "managedUser_systemHubspotContact";
const INBOUND: &str = "systemHubspotContact_managedUser";

async fn sandbox_at(port: u16, key: &str) -> Sandbox {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.unwrap();
    let options = Options { records: 3, access_token: Some(key.into()), ..Options::default() };
    Sandbox::start(listener, options).await.unwrap()
}

async fn connector(app: &App) -> ConnectorSummary {
    app.connector_get(ByName { name: "hubspot".into() }).await.unwrap().summary
}

async fn run(app: &App) -> RunState {
    let (mapping, mode) = (INBOUND.into(), RunMode::Preview);
    let start = RunStart { mapping, mode, ids: Vec::new(), allow_deletes: None, incremental: false };
    let id = app.run_start(start).await.unwrap().id;
    app.run_wait(&id, |_| {}).await.unwrap().state
}

/// The keys of the connector, as a person enters them; nothing is tested.
async fn enter(app: &App, key: &str) {
    let config = app.connector_get(ByName { name: "hubspot".into() }).await.unwrap().config;
    let secrets = [("accessToken".to_owned(), key.to_owned())].into();
    app.connector_save(ConnectorDraft { create: false, rev: None, config, secrets }).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_in_use_stands_at_the_connector_until_a_call_is_taken_again() {
    let folder = tempfile::tempdir().unwrap();
    let sandbox = sandbox_at(0, KEY).await;
    let passphrase = Some("a passphrase for tests".into());
    let app = App::open(AppOptions { data_dir: folder.path().join("data"), passphrase }).await.unwrap();
    app.sample_setup(&sandbox.url(), KEY).await.unwrap();
    let tested = connector(&app).await;
    assert_eq!((tested.state, tested.refused_at), (ConnectorState::Active, None));

    // The key is revoked over there; nobody tests.
    enter(&app, "a key that was revoked").await;
    assert_eq!(connector(&app).await.state, ConnectorState::Active);
    assert_eq!(run(&app).await, RunState::Failed);
    let refused = connector(&app).await;
    assert_eq!((refused.state, refused.trouble), (ConnectorState::Error, Some(Trouble::Authorize)));
    assert!(refused.refused_at.is_some(), "no test was what it failed in");
    assert_eq!(refused.tested_at, tested.tested_at);
    assert!(refused.message.unwrap().contains("does not accept the token"));

    // What waits for that system says the same, whatever its own words are.
    let attributes = json!({"userName": "ann", "givenName": "Ann", "sn": "Lee", "mail": "ann@example.org"});
    let draft = UserDraft { id: None, rev: None, attributes };
    let user = app.user_save(draft).await.unwrap().user.unwrap().id;
    let results = app.user_deliver(&user).await.unwrap();
    let result = results.iter().find(|result| result.mapping == OUTBOUND).unwrap();
    assert_eq!((result.trouble, &result.fix), (Some(Trouble::Authorize), &None), "{}", result.message);
    let row = app.queue_rows().await.unwrap().remove(0);
    assert_eq!((row.attempts, row.trouble), (1, Some(Trouble::Authorize)), "{:?}", row.message);
    let page = app.queue_list(QueueRequest { after: None, limit: None }).await.unwrap();
    assert_eq!(page.rows[0].trouble, Some(Trouble::Authorize));

    // A run that is let in ends it, without a test.
    enter(&app, KEY).await;
    assert_eq!(run(&app).await, RunState::Planned);
    let mended = connector(&app).await;
    assert_eq!((mended.state, mended.trouble, mended.refused_at), (ConnectorState::Active, None, None));
    assert_eq!(app.queue_rows().await.unwrap()[0].trouble, None);

    // So does a test; and one that fails is the test's word.
    enter(&app, "another that was revoked").await;
    assert_eq!(run(&app).await, RunState::Failed);
    assert!(connector(&app).await.refused_at.is_some());
    assert!(!app.connector_test(ByName { name: "hubspot".into() }).await.unwrap().ok);
    let failed = connector(&app).await;
    assert_eq!((failed.state, failed.refused_at), (ConnectorState::Error, None));
    enter(&app, KEY).await;
    assert!(app.connector_test(ByName { name: "hubspot".into() }).await.unwrap().ok);
    assert_eq!(connector(&app).await.state, ConnectorState::Active);

    app.queue_retry(ById { id: String::new() }).await.unwrap();
    app.queue_deliver().await.unwrap();
    assert!(app.queue_rows().await.unwrap().is_empty());
    app.close().await;
    sandbox.stop().await;
}
