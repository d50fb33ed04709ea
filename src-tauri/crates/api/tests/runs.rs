//! Runs as a process that comes later finds them.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::{net::Ipv4Addr, path::Path, sync::Arc};

use api::{
    App, AppOptions,
    dto::{
        ById, ByName, ConnectorDraft, ConnectorEnable, Empty, RunApply, RunMode, RunStart, RunState,
        RunSummary, RunUndo, UserDraft,
    },
};
use sandbox::hubspot::{Options, Sandbox};
use serde_json::{Value, json};
use store::Store;
use tokio::net::TcpListener;

const INBOUND: &str = "systemHubspotContact_managedUser";
const OUTBOUND: &str = "managedUser_systemHubspotContact";
const KEY: &str = "sandbox-service-key";

/// A portal whose key is [`KEY`].
async fn portal(options: Options) -> Sandbox {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let options = Options { access_token: Some(KEY.into()), ..options };
    Sandbox::start(listener, options).await.unwrap()
}

async fn open(data_dir: &Path) -> Arc<App> {
    let passphrase = Some("a passphrase for tests".into());
    App::open(AppOptions { data_dir: data_dir.to_owned(), passphrase }).await.unwrap()
}

/// Runs the mapping into the repository and gives its row as it ended.
async fn run(app: &App, mode: RunMode) -> RunSummary {
    let start =
        RunStart { mapping: INBOUND.into(), mode, ids: Vec::new(), allow_deletes: None, incremental: false };
    let id = app.run_start(start).await.unwrap().id;
    app.run_wait(&id, |_| {}).await.unwrap()
}

/// The process that was asked to cancel it was killed before it could.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_goes_on_is_not_canceled_by_what_was_asked_of_an_earlier_process() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().join("data");
    let sandbox = portal(Options { records: 30, ..Options::default() }).await;
    let app = open(&data_dir).await;
    app.sample_setup(&sandbox.url(), KEY).await.unwrap();
    let preview = run(&app, RunMode::Preview).await;
    assert_eq!(preview.state, RunState::Planned);
    let id = preview.id;

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

/// Two plans for the same records: the second finds them linked by the first.
#[tokio::test(flavor = "multi_thread")]
async fn the_changes_that_a_plan_could_not_make_any_more_are_counted_and_found() {
    let folder = tempfile::tempdir().unwrap();
    let sandbox = portal(Options { records: 20, ..Options::default() }).await;
    let app = open(&folder.path().join("data")).await;
    app.sample_setup(&sandbox.url(), KEY).await.unwrap();
    let plans = [run(&app, RunMode::Preview).await, run(&app, RunMode::Preview).await];
    for plan in &plans {
        app.run_apply(RunApply { id: plan.id.clone(), allow_deletes: None }).await.unwrap();
        app.run_wait(&plan.id, |_| {}).await.unwrap();
    }
    let [made, overtaken] = plans.map(|plan| plan.id);
    let count = |id: &str, request: Value| {
        let (app, mut request) = (app.clone(), request);
        request["id"] = id.into();
        async move { app.run_entries(serde_json::from_value(request).unwrap()).await.unwrap().total }
    };
    let summary = app.run_get(ById { id: overtaken.clone() }).await.unwrap().summary;
    assert!(summary.stale > 0 && summary.stale == summary.changes, "{summary:?}");
    assert_eq!(count(&overtaken, json!({"stale": true})).await, summary.stale);
    assert_eq!(count(&made, json!({"stale": true})).await, 0);
    assert_eq!(app.run_get(ById { id: made }).await.unwrap().summary.stale, 0);
    sandbox.stop().await;
}

/// What a test found wrong may be mended long before somebody tests again.
#[tokio::test(flavor = "multi_thread")]
async fn a_test_that_failed_does_not_keep_a_mapping_from_running() {
    let folder = tempfile::tempdir().unwrap();
    let sandbox = portal(Options { records: 3, ..Options::default() }).await;
    let app = open(&folder.path().join("data")).await;
    let connector = app.sample_setup(&sandbox.url(), KEY).await.unwrap().connector;
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
    assert_eq!(key(KEY).await, None);
    let off = ConnectorEnable { name: connector.clone(), enabled: false };
    app.connector_enable(off).await.unwrap();
    assert!(problem().await.unwrap().contains("is disabled"));
    sandbox.stop().await;
}

/// Two accounts of one provider have one address: a key is all that leads from one to the other.
#[tokio::test(flavor = "multi_thread")]
async fn a_plan_and_an_undo_hold_for_the_account_that_they_were_made_for() {
    let folder = tempfile::tempdir().unwrap();
    let one = portal(Options { records: 20, portal_id: 111, ..Options::default() }).await;
    let other = portal(Options { records: 20, portal_id: 222, ..Options::default() }).await;
    let app = open(&folder.path().join("data")).await;
    let connector = app.sample_setup(&one.url(), KEY).await.unwrap().connector;
    let lead_to = |sandbox: &Sandbox, key: &str| {
        let (app, name) = (&app, connector.clone());
        let (url, secrets) = (sandbox.url(), [("accessToken".to_owned(), key.to_owned())].into());
        async move {
            let mut config = app.connector_get(ByName { name }).await.unwrap().config;
            config["configurationProperties"]["apiBaseUrl"] = url.into();
            app.connector_save(ConnectorDraft { create: false, rev: None, config, secrets }).await.unwrap();
        }
    };
    let apply = |run: &RunSummary| app.run_apply(RunApply { id: run.id.clone(), allow_deletes: None });
    let asked = |sandbox: &Sandbox| {
        sandbox.portal().calls().iter().filter(|call| call.path.contains("account-info")).count()
    };

    let done = run(&app, RunMode::Reconcile).await;
    one.portal().create(&[("email", "new@example.org")]).unwrap();
    let preview = run(&app, RunMode::Preview).await;
    assert_eq!((done.state, preview.state), (RunState::Success, RunState::Planned));
    lead_to(&other, KEY).await;
    let undo = RunUndo { id: done.id.clone(), preview: true, allow_deletes: None };
    let refused = [apply(&preview).await.unwrap_err().message, app.run_undo(undo).await.unwrap_err().message];
    for why in refused {
        assert!(
            why.contains("was planned for portal 111") && why.contains("leads to portal 222 now"),
            "{why}"
        );
    }

    // Nothing is lost by it: led back, the plan holds. The account is asked for once for each set of keys.
    lead_to(&one, KEY).await;
    let (before, before_it) = (asked(&one), app.app_status(Empty {}).await.unwrap().users);
    assert_eq!(apply(&preview).await.unwrap().state, RunState::Active);
    let applied = app.run_wait(&preview.id, |_| {}).await.unwrap();
    assert_eq!(applied.state, RunState::Success, "{:?}", applied.message);
    assert_eq!(app.app_status(Empty {}).await.unwrap().users, before_it + 1);
    assert_eq!(asked(&one), before + 1);
    assert_eq!(run(&app, RunMode::Preview).await.state, RunState::Planned);
    assert_eq!(asked(&one), before + 1);

    // Whoever tests is told.
    lead_to(&other, KEY).await;
    let test = app.connector_test(ByName { name: connector.clone() }).await.unwrap();
    assert!(
        test.ok && test.checked.iter().any(|line| line.contains("before, which was portal 111")),
        "{test:?}"
    );
    lead_to(&one, KEY).await;

    // A key that may be anybody's is found to be this account's.
    let preview = run(&app, RunMode::Preview).await;
    lead_to(&one, KEY).await;
    apply(&preview).await.unwrap();
    assert_eq!(app.run_wait(&preview.id, |_| {}).await.unwrap().state, RunState::Success);
    one.stop().await;
    other.stop().await;
}

/// Two accounts have the same ids for other people: what was linked in one is neither read nor written in the other before a
/// person says so.
#[tokio::test(flavor = "multi_thread")]
async fn links_of_one_account_are_not_followed_in_another() {
    let folder = tempfile::tempdir().unwrap();
    let one = portal(Options { records: 20, portal_id: 111, ..Options::default() }).await;
    let other = portal(Options { records: 20, seed: 12, portal_id: 222, ..Options::default() }).await;
    let app = open(&folder.path().join("data")).await;
    let connector = app.sample_setup(&one.url(), KEY).await.unwrap().connector;
    let lead_to = |sandbox: &Sandbox| {
        let (app, name) = (&app, connector.clone());
        let (url, secrets) = (sandbox.url(), [("accessToken".to_owned(), KEY.to_owned())].into());
        async move {
            let mut config = app.connector_get(ByName { name }).await.unwrap().config;
            config["configurationProperties"]["apiBaseUrl"] = url.into();
            app.connector_save(ConnectorDraft { create: false, rev: None, config, secrets }).await.unwrap();
        }
    };
    let incremental = |mapping: &str| {
        let (app, mapping) = (&app, mapping.to_owned());
        async move {
            let (mode, ids) = (RunMode::Reconcile, Vec::new());
            let start = RunStart { mapping, mode, ids, allow_deletes: None, incremental: true };
            let id = app.run_start(start).await.unwrap().id;
            app.run_wait(&id, |_| {}).await.unwrap()
        }
    };
    let users = || async {
        let people = app.users_list(serde_json::from_value(json!({"limit": 100})).unwrap()).await.unwrap();
        serde_json::to_value(people).unwrap()
    };
    let edit = |id: &str, name: &str| {
        let draft = UserDraft { id: Some(id.to_owned()), rev: None, attributes: json!({"sn": name}) };
        let app = &app;
        async move { app.user_save(draft).await.unwrap() }
    };

    assert_eq!(run(&app, RunMode::Reconcile).await.state, RunState::Success);
    assert_eq!(incremental(INBOUND).await.state, RunState::Success);
    let ann = one.portal().contacts().remove(0);
    let user = users().await["users"][0]["id"].as_str().unwrap().to_owned();
    let before = users().await;
    lead_to(&other).await;
    let there = other.portal().contacts();
    for mapping in [INBOUND, OUTBOUND] {
        let held = incremental(mapping).await;
        let message = held.message.unwrap_or_default();
        assert_eq!(held.state, RunState::Held, "{mapping}: {message}");
        assert!(
            message.contains("the links are to records of portal 111")
                && message.contains("leads to portal 222 now"),
            "{message}"
        );
    }
    assert_eq!(run(&app, RunMode::Reconcile).await.state, RunState::Held);
    assert_eq!(users().await, before);
    // An edit waits, and says the same.
    edit(&user, "Waiting").await;
    app.queue_deliver().await.unwrap();
    let waiting = app.queue_rows().await.unwrap().remove(0);
    assert!(waiting.message.unwrap().contains("to records of portal 111"));
    let test = app.connector_test(ByName { name: connector.clone() }).await.unwrap();
    assert!(test.checked.iter().any(|line| line.contains("before, which was portal 111")), "{test:?}");
    assert_eq!(other.portal().contacts(), there);

    // Nothing is lost by it.
    lead_to(&one).await;
    app.queue_retry(ById { id: String::new() }).await.unwrap();
    app.queue_deliver().await.unwrap();
    one.portal().set(&ann.id, &[("jobtitle", "Since then")]).unwrap();
    assert_eq!(incremental(INBOUND).await.state, RunState::Success);
    let now = users().await.to_string();
    assert!(now.contains("Waiting"), "{now}");

    // A person may say that it is right.
    lead_to(&other).await;
    let held = run(&app, RunMode::Reconcile).await;
    app.run_apply(RunApply { id: held.id.clone(), allow_deletes: Some(100) }).await.unwrap();
    assert_eq!(app.run_wait(&held.id, |_| {}).await.unwrap().state, RunState::Success);
    assert_eq!(incremental(INBOUND).await.state, RunState::Success);
    one.stop().await;
    other.stop().await;
}
