//! What changed in a system's schema is told, with the mappings that it touches, until a person has seen it.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::{net::Ipv4Addr, sync::Arc};

use api::{
    App, AppOptions,
    dto::{
        ByName, ConnectorDraft, MappingDraft, RunMode, RunStart, SchemaChange, SchemaChangeKind,
        SchemaRequest,
    },
};
use model::Attributes;
use sandbox::hubspot::{Options, Sandbox};
use serde_json::{Value, json};
use tokio::net::TcpListener;

const INBOUND: &str = "systemHubspotContact_managedUser";
const OUTBOUND: &str = "managedUser_systemHubspotContact";

struct House {
    app: Arc<App>,
    sandbox: Sandbox,
    _folder: tempfile::TempDir,
}

fn attributes(value: Value) -> Attributes {
    value.as_object().cloned().unwrap()
}

fn named(name: &str) -> ByName {
    ByName { name: name.into() }
}

fn contact() -> SchemaRequest {
    SchemaRequest { name: "hubspot".into(), object_type: "contact".into() }
}

impl House {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = AppOptions {
            data_dir: folder.path().join("data"),
            passphrase: Some("a passphrase for tests".into()),
        };
        let app = App::open(options).await.unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let options =
            Options { records: 3, access_token: Some("sandbox-service-key".into()), ..Options::default() };
        let sandbox = Sandbox::start(listener, options).await.unwrap();
        app.sample_setup(&sandbox.url(), "sandbox-service-key").await.unwrap();
        Self { app, sandbox, _folder: folder }
    }

    async fn end(self) {
        self.app.close().await;
        self.sandbox.stop().await;
    }

    async fn define(&self, name: &str, options: &[&str]) {
        let options: Vec<Value> =
            options.iter().map(|o| json!({"label": o, "value": o, "hidden": false})).collect();
        let property = json!({
            "name": name, "label": name, "type": "enumeration", "fieldType": "select",
            "groupName": "contactinformation", "options": options,
        });
        self.app.remote_create("hubspot", "contactProperties", attributes(property)).await.unwrap();
    }

    /// What is told of contacts.
    async fn changes(&self) -> Vec<SchemaChange> {
        let drifts = self.app.connector_drift(named("hubspot")).await.unwrap();
        drifts.into_iter().find(|d| d.object_type == "contact").map(|d| d.changes).unwrap_or_default()
    }

    async fn unseen(&self) -> u64 {
        self.app.connector_get(named("hubspot")).await.unwrap().summary.drift
    }
}

#[tokio::test]
async fn what_changed_is_told_with_the_mappings_that_it_touches_until_it_is_seen() {
    let house = House::new().await;
    assert_eq!(house.changes().await, [], "the test of the setup read it first, which is no change");

    house.define("favourite_colour", &["red", "blue"]).await;
    assert_eq!(house.changes().await, [], "nobody has read the schema since");
    house.app.connector_test(named("hubspot")).await.unwrap();
    let changes = house.changes().await;
    assert_eq!(changes.len(), 1, "{changes:?}");
    assert_eq!(
        (changes[0].attribute.as_str(), changes[0].kind, changes[0].words.as_str()),
        ("favourite_colour", SchemaChangeKind::Added, "is new (enumeration)")
    );
    assert!(changes[0].mappings.is_empty());
    assert_eq!(house.unseen().await, 1);

    let left = house.app.connector_drift_seen(contact()).await.unwrap();
    assert!(left.iter().all(|drift| drift.changes.is_empty()), "{left:?}");
    assert_eq!(house.unseen().await, 0);

    // A mapping writes it; then one of its options goes, and then the property itself.
    let mut mapping = house.app.mapping_get(named(OUTBOUND)).await.unwrap().config;
    mapping["properties"]
        .as_array_mut()
        .unwrap()
        .push(json!({"source": "city", "target": "favourite_colour"}));
    house.app.mapping_save(MappingDraft { create: false, rev: None, config: mapping }).await.unwrap();
    let fewer = json!({"options": [{"label": "red", "value": "red", "hidden": false}]});
    house
        .app
        .remote_update("hubspot", "contactProperties", "favourite_colour", attributes(fewer))
        .await
        .unwrap();
    house.app.connector_schema(contact()).await.unwrap();
    let changes = house.changes().await;
    assert_eq!(changes[0].words, "takes no longer `blue`", "{changes:?}");
    assert_eq!((changes[0].mappings[0].mapping.as_str(), changes[0].mappings[0].breaks), (OUTBOUND, true));

    house.app.remote_delete("hubspot", "contactProperties", "favourite_colour").await.unwrap();
    house.app.connector_schema(contact()).await.unwrap();
    let changes = house.changes().await;
    assert_eq!((changes.len(), changes[0].kind), (1, SchemaChangeKind::Removed), "{changes:?}");
    assert!(changes[0].mappings[0].effect.contains("take the property out"), "{changes:?}");
    house.end().await;
}

#[tokio::test]
async fn a_mapping_may_write_the_connectors_name_in_another_case() {
    let house = House::new().await;
    let config = json!({
        "name": "companies", "source": "system/HubSpot/company", "target": "managed/user",
        "properties": [{"source": "name", "target": "userName"}],
    });
    house.app.mapping_save(MappingDraft { create: true, rev: None, config }).await.unwrap();
    house.app.connector_test(named("hubspot")).await.unwrap();
    let drifts = house.app.connector_drift(named("hubspot")).await.unwrap();
    assert!(drifts.iter().any(|drift| drift.object_type == "company"), "it was not read: {drifts:?}");
    house.end().await;
}

#[tokio::test]
async fn a_run_looks_first_but_not_at_a_schema_that_was_just_read() {
    let house = House::new().await;
    let start = |incremental| RunStart {
        mapping: INBOUND.into(),
        mode: RunMode::Preview,
        ids: Vec::new(),
        allow_deletes: None,
        incremental,
    };
    let reads = || {
        let calls = house.sandbox.portal().calls();
        calls.iter().filter(|call| call.path.contains("/properties/") && call.method == "GET").count()
    };
    house.sandbox.portal().reset_calls();
    let run = house.app.run_start(start(false)).await.unwrap();
    house.app.run_wait(&run.id, |_| {}).await.unwrap();
    assert_eq!(reads(), 0, "the setup's test read it a moment ago");

    // Another way of reading makes what was remembered void, so the next run looks.
    let mut config = house.app.connector_get(named("hubspot")).await.unwrap().config;
    config["configurationProperties"]["apiVersion"] = json!("v3");
    let draft = ConnectorDraft { create: false, rev: None, config, secrets: Default::default() };
    house.app.connector_save(draft).await.unwrap();
    assert!(house.app.connector_drift(named("hubspot")).await.unwrap().is_empty());
    let run = house.app.run_start(start(true)).await.unwrap();
    house.app.run_wait(&run.id, |_| {}).await.unwrap();
    assert_eq!(reads(), 0, "an incremental run costs by what changed");
    let run = house.app.run_start(start(false)).await.unwrap();
    house.app.run_wait(&run.id, |_| {}).await.unwrap();
    assert_eq!(reads(), 1);
    house.end().await;
}
