//! A sandbox, a repository and an engine between them.

#![allow(dead_code, missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods)]

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use connector::{Connector, credentials::memory::MemoryCredentials};
use engine::{CancellationToken, Connectors, Engine, EngineError, RunRequest};
use jiff::Timestamp;
use model::{Clock, ConnectorConfig, MappingConfig};
use sandbox::hubspot::{Options, Sandbox};
use serde_json::{Value, json};
use store::{Entry, EntryFilter, ManagedQuery, Operation, Run, RunMode, Store};

pub const INBOUND: &str = "systemHubspotContact_managedUser";
pub const OUTBOUND: &str = "managedUser_systemHubspotContact";

pub struct Bench {
    pub sandbox: Sandbox,
    pub folder: tempfile::TempDir,
    pub store: Store,
    pub engine: Engine,
}

struct One {
    built: Mutex<BTreeMap<String, Arc<dyn Connector>>>,
    url: String,
    clock: Arc<dyn Clock>,
}

#[async_trait]
impl Connectors for One {
    async fn connector(&self, name: &str) -> Result<Arc<dyn Connector>, EngineError> {
        if name != "hubspot" {
            return Err(EngineError::NotFound(format!("there is no connector `{name}`")));
        }
        let mut built = self.built.lock().unwrap();
        if let Some(connector) = built.get(name) {
            return Ok(Arc::clone(connector));
        }
        let connector = hubspot(&self.url, Arc::clone(&self.clock));
        built.insert(name.into(), Arc::clone(&connector));
        Ok(connector)
    }
}

/// The connector to a sandbox portal.
pub fn hubspot(url: &str, clock: Arc<dyn Clock>) -> Arc<dyn Connector> {
    let config: ConnectorConfig = serde_json::from_value(json!({
        "name": "hubspot",
        "connectorRef": {"connectorName": "org.forgerock.openicf.connectors.hubspot.HubspotConnector"},
        "configurationProperties": {"apiBaseUrl": url, "permitsPerSecond": 1000}
    }))
    .unwrap();
    let credentials = Arc::new(MemoryCredentials::with_access_token("sandbox-service-key"));
    connector::build(&config, credentials, clock).unwrap()
}

pub async fn bench(options: Options) -> Bench {
    bench_by(Arc::new(Timestamp::now), options).await
}

/// By another clock than the machine's, in the application and at the provider.
pub async fn bench_by(clock: Arc<dyn Clock>, options: Options) -> Bench {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let theirs = Arc::clone(&clock);
    let options = Options { clock: Arc::new(move || theirs.now()), ..options };
    let sandbox = Sandbox::start(listener, options).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (store, engine) = open_with(folder.path(), &sandbox.url(), clock);
    let bench = Bench { sandbox, folder, store, engine };
    bench.put(inbound(json!({}))).await;
    bench.put(outbound(json!({}))).await;
    bench
}

/// As another process would open the same folder.
pub fn open(folder: &Path, url: &str) -> (Store, Engine) {
    open_with(folder, url, Arc::new(Timestamp::now))
}

/// The same by another clock.
pub fn open_with(folder: &Path, url: &str, clock: Arc<dyn Clock>) -> (Store, Engine) {
    let store = Store::open(folder).unwrap();
    let connectors =
        Arc::new(One { built: Mutex::default(), url: url.to_owned(), clock: Arc::clone(&clock) });
    let engine = Engine::new(store.clone(), connectors, clock, folder.to_path_buf());
    (store, engine)
}

pub fn inbound(more: Value) -> Value {
    merge(
        json!({
            "name": INBOUND, "source": "system/hubspot/contact", "target": "managed/user",
            "sourceCondition": "/source/email pr",
            "correlationQuery": {"expressionTree": {"any": ["mail"]}},
            "properties": [
                {"source": "email", "target": "userName", "transform": {"builtIn": "lower"}, "setOn": "create"},
                {"source": "email", "target": "mail", "transform": {"builtIn": "lower"}},
                {"source": "firstname", "target": "givenName", "default": "-"},
                {"source": "lastname", "target": "sn", "default": "-"},
                {"source": "phone", "target": "telephoneNumber"}
            ],
            "policies": [{"situation": "UNASSIGNED", "action": "IGNORE"}]
        }),
        more,
    )
}

pub fn outbound(more: Value) -> Value {
    merge(
        json!({
            "name": OUTBOUND, "source": "managed/user", "target": "system/hubspot/contact", "links": INBOUND,
            "correlationQuery": {"expressionTree": {"any": ["email"]}},
            "properties": [
                {"source": "mail", "target": "email"},
                {"source": "givenName", "target": "firstname"},
                {"source": "sn", "target": "lastname"},
                {"source": "telephoneNumber", "target": "phone", "whenEmpty": "clear"}
            ],
            "policies": [{"situation": "UNASSIGNED", "action": "IGNORE"}]
        }),
        more,
    )
}

fn merge(mut base: Value, more: Value) -> Value {
    base.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    base
}

impl Bench {
    pub async fn put(&self, mapping: Value) {
        let config = MappingConfig::from_value(mapping).unwrap();
        self.store.write(move |w| w.put_mapping(&config, "2026-01-01T00:00:00Z")).await.unwrap();
    }

    pub async fn run(&self, mapping: &str, mode: RunMode) -> Run {
        self.run_with(mapping, mode, Vec::new(), None).await
    }

    pub async fn recon(&self, mapping: &str) -> Run {
        self.run(mapping, RunMode::Reconcile).await
    }

    pub async fn run_with(&self, mapping: &str, mode: RunMode, ids: Vec<String>, allow: Option<u64>) -> Run {
        let request =
            RunRequest { mapping: mapping.into(), mode, ids, allow_deletes: allow, incremental: false };
        let begun = self.engine.begin(request).await.unwrap();
        self.engine.carry_out(begun, CancellationToken::new()).await.unwrap()
    }

    pub async fn apply(&self, run: &Run, allow: Option<u64>) -> Run {
        let begun = self.engine.begin_apply(&run.id, allow).await.unwrap();
        self.engine.carry_out(begun, CancellationToken::new()).await.unwrap()
    }

    pub async fn entries(&self, run: &Run) -> Vec<Entry> {
        let seq = run.seq;
        self.store
            .read(move |r| r.entries(seq, &EntryFilter { limit: 1_000_000, ..EntryFilter::default() }))
            .await
            .unwrap()
            .rows
    }

    /// Every user: id, mail.
    pub async fn users(&self) -> Vec<(String, String)> {
        let config = model::ManagedObjectConfig::default_user();
        let query = ManagedQuery { limit: 1_000_000, ..ManagedQuery::default() };
        let page = self.store.read(move |r| r.managed_page(&config, &query)).await.unwrap();
        let mut users: Vec<(String, String)> = page
            .rows
            .into_iter()
            .map(|m| (m.id, m.attributes.get("mail").and_then(Value::as_str).unwrap_or_default().to_owned()))
            .collect();
        users.sort_by(|a, b| a.1.cmp(&b.1));
        users
    }

    /// The attributes of every user, as one document each.
    pub async fn people(&self) -> Vec<Value> {
        let config = model::ManagedObjectConfig::default_user();
        let query = ManagedQuery { limit: 1_000_000, ..ManagedQuery::default() };
        let page = self.store.read(move |r| r.managed_page(&config, &query)).await.unwrap();
        page.rows.into_iter().map(|m| Value::Object(m.attributes)).collect()
    }

    pub async fn user_by_mail(&self, mail: &str) -> store::Managed {
        let id = self
            .users()
            .await
            .into_iter()
            .find(|(_, m)| m == mail)
            .map(|(id, _)| id)
            .expect("a user with this mail");
        self.store.read(move |r| r.managed("user", &id)).await.unwrap().unwrap()
    }

    pub async fn edit(&self, id: &str, attributes: Value) {
        self.engine
            .save_managed(engine::ManagedChange {
                kind: "user".into(),
                id: Some(id.into()),
                rev: None,
                attributes: attributes.as_object().unwrap().clone(),
                who: "test".into(),
            })
            .await
            .unwrap();
    }

    /// Notes a write of the mapping outward as sent, as by a process that ended before the answer came: a create where no target
    /// is named. Gives its number in the journal.
    pub async fn sending(&self, user: &str, contact: Option<&str>, payload: Value) -> i64 {
        let row = store::JournalRow {
            seq: 0,
            run: None,
            entry: None,
            mapping: OUTBOUND.into(),
            operation: if contact.is_some() { Operation::Update } else { Operation::Create },
            connector: "hubspot".into(),
            object_type: "contact".into(),
            qualifier: "default".into(),
            source_id: Some(user.into()),
            target_id: contact.map(str::to_owned),
            payload: payload.as_object().unwrap().clone(),
        };
        self.store.write(move |w| w.journal_sending(&[row], "2026-01-01T00:00:00Z")).await.unwrap()[0]
    }

    pub fn contact(&self, email: &str) -> sandbox::hubspot::RecordCopy {
        self.sandbox
            .portal()
            .contacts()
            .into_iter()
            .find(|c| prop(c, "email").eq_ignore_ascii_case(email))
            .expect("a contact with this e-mail")
    }
}

pub fn prop(contact: &sandbox::hubspot::RecordCopy, name: &str) -> String {
    contact.properties.get(name).cloned().unwrap_or_default().to_string()
}

/// The default links of a link type, as its owner sees them.
pub fn links(kind: &str) -> store::LinkSpace {
    store::LinkSpace {
        kind: kind.into(),
        qualifier: "default".into(),
        orientation: store::Orientation::Forward,
    }
}

/// A user of this name, with this address; gives the id.
pub async fn new_user(bench: &Bench, name: &str, mail: &str) -> String {
    new_person(bench, name, mail, name, "Person").await
}

/// A user of this name, with this address, given name and last name; gives the id.
pub async fn new_person(bench: &Bench, name: &str, mail: &str, given: &str, sn: &str) -> String {
    let attributes = json!({"userName": name, "givenName": given, "sn": sn, "mail": mail});
    let change = engine::ManagedChange {
        kind: "user".into(),
        id: None,
        rev: None,
        attributes: attributes.as_object().unwrap().clone(),
        who: "test".into(),
    };
    bench.engine.save_managed(change).await.unwrap().id
}
