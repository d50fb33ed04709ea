//! Runs as a process that comes later finds them.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::net::Ipv4Addr;

use api::{
    App, AppOptions,
    dto::{ById, RunApply, RunMode, RunStart, RunState},
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
