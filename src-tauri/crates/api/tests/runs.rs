//! Runs as a process that comes later finds them.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::net::Ipv4Addr;

use api::{
    App, AppOptions,
    dto::{ById, ByName, ConnectorDraft, ConnectorEnable, RunApply, RunMode, RunStart, RunState},
};
use sandbox::hubspot::{Options, Sandbox};
use store::Store;
use tokio::net::TcpListener;

const INBOUND: &str = "systemHubspotContact_managedUser";

/// The process that was asked to cancel it was killed before it could.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_goes_on_is_not_canceled_by_what_was_asked_of_an_earlier_process() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().join("data");
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let options =
        Options { records: 30, access_token: Some("sandbox-service-key".into()), ..Options::default() };
    let sandbox = Sandbox::start(listener, options).await.unwrap();
    let passphrase = Some("a passphrase for tests".into());
    let app = App::open(AppOptions { data_dir: data_dir.clone(), passphrase }).await.unwrap();
    app.sample_setup(&sandbox.url(), "sandbox-service-key").await.unwrap();
    let start = RunStart {
        mapping: INBOUND.into(),
        mode: RunMode::Preview,
        ids: Vec::new(),
        allow_deletes: None,
        incremental: false,
    };
    let id = app.run_start(start).await.unwrap().id;
    assert_eq!(app.run_wait(&id, |_| {}).await.unwrap().state, RunState::Planned);

    let (store, key) = (Store::open(&data_dir).unwrap(), format!("cancel:{id}"));
    let asked = key.clone();
    store.write(move |w| w.set_setting(&asked, "asked")).await.unwrap();
    app.run_apply(RunApply { id: id.clone(), allow_deletes: None }).await.unwrap();
    let done = app.run_wait(&id, |_| {}).await.unwrap();
    assert_eq!(done.state, RunState::Success, "{:?}", done.message);
    assert_eq!(store.read(move |r| r.setting(&key)).await.unwrap(), None);
    assert!(app.run_cancel(ById { id }).await.is_err(), "it has ended");
    sandbox.stop().await;
}

/// What a test found wrong may be mended long before somebody tests again.
#[tokio::test(flavor = "multi_thread")]
async fn a_test_that_failed_does_not_keep_a_mapping_from_running() {
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let options =
        Options { records: 3, access_token: Some("sandbox-service-key".into()), ..Options::default() };
    let sandbox = Sandbox::start(listener, options).await.unwrap();
    let passphrase = Some("a passphrase for tests".into());
    let app = App::open(AppOptions { data_dir: folder.path().join("data"), passphrase }).await.unwrap();
    let connector = app.sample_setup(&sandbox.url(), "sandbox-service-key").await.unwrap().connector;
    let problem =
        || async { app.mapping_get(ByName { name: INBOUND.into() }).await.unwrap().summary.problem };
    let key = |value: &str| {
        let (app, name, value) = (&app, connector.clone(), value.to_owned());
        async move {
            let config = app.connector_get(ByName { name: name.clone() }).await.unwrap().config;
            let secrets = [("accessToken".to_owned(), value)].into();
            let draft = ConnectorDraft { create: false, rev: None, config, secrets };
            app.connector_save(draft).await.unwrap();
            app.connector_test(ByName { name }).await.unwrap().error
        }
    };

    assert!(key("a key that is not accepted").await.is_some());
    assert_eq!(problem().await, None);
    let without = key("").await;
    assert!(without.is_some());
    assert_eq!(problem().await, without, "with no key at all there is nothing to try");
    assert_eq!(key("sandbox-service-key").await, None);
    let off = ConnectorEnable { name: connector.clone(), enabled: false };
    app.connector_enable(off).await.unwrap();
    assert!(problem().await.unwrap().contains("is disabled"));
    sandbox.stop().await;
}
