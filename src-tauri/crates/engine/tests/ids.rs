//! Salesforce writes an id with 15 or with 18 characters: whichever a person gives, it names the same record.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods)]

use std::sync::Arc;

use async_trait::async_trait;
use connector::{Connector, credentials::memory::MemoryCredentials};
use engine::{CancellationToken, Connectors, Engine, EngineError, Perform, RunRequest};
use jiff::Timestamp;
use model::{Action, ConnectorConfig, MappingConfig};
use sandbox::salesforce::{Options, Sandbox};
use serde_json::json;
use store::{ManagedQuery, Run, RunMode, RunState, Store};

const INBOUND: &str = "systemSalesforceContact_managedUser";

struct One(Arc<dyn Connector>);

#[async_trait]
impl Connectors for One {
    async fn connector(&self, _name: &str) -> Result<Arc<dyn Connector>, EngineError> {
        Ok(Arc::clone(&self.0))
    }
}

async fn recon(engine: &Engine, ids: Vec<String>) -> Run {
    let request = RunRequest {
        mapping: INBOUND.into(),
        mode: RunMode::Reconcile,
        ids,
        allow_deletes: None,
        incremental: false,
    };
    let begun = engine.begin(request).await.unwrap();
    engine.carry_out(begun, CancellationToken::new()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_short_id_names_the_same_record_as_the_long_one() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let sandbox = Sandbox::start(listener, Options::default()).await.unwrap();
    let org = sandbox.org();
    let contact = |n: u32| {
        let mail = format!("c{n}@example.org");
        org.create("Contact", &[("LastName", "Lee"), ("FirstName", "Old"), ("Email", &mail)]).unwrap()
    };
    let one = contact(1);
    contact(2);
    let config: ConnectorConfig = serde_json::from_value(json!({
        "name": "salesforce",
        "connectorRef": {"connectorName": "org.forgerock.openidm.salesforce"},
        "configurationProperties": {
            "loginUrl": format!("{}/services/oauth2/token", sandbox.url()),
            "instanceUrl": sandbox.url(), "permitsPerSecond": 10_000
        }
    }))
    .unwrap();
    let credentials = Arc::new(MemoryCredentials::with_access_token("sandbox-session"));
    let connector = connector::build(&config, credentials, Arc::new(Timestamp::now)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let clock = Arc::new(Timestamp::now);
    let engine = Engine::new(store.clone(), Arc::new(One(connector)), clock, folder.path().to_path_buf());
    let mapping = MappingConfig::from_value(json!({
        "name": INBOUND, "source": "system/salesforce/Contact", "target": "managed/user",
        "properties": [
            {"source": "Email", "target": "userName"}, {"source": "Email", "target": "mail"},
            {"source": "FirstName", "target": "givenName"}, {"source": "LastName", "target": "sn"}
        ],
        "policies": [{"situation": "UNASSIGNED", "action": "IGNORE"}]
    }))
    .unwrap();
    store.write(move |w| w.put_mapping(&mapping, "2026-01-01T00:00:00Z")).await.unwrap();
    assert_eq!(recon(&engine, Vec::new()).await.progress.created, 2);

    org.set("Contact", &one, &[("FirstName", "New")]).unwrap();
    let short = one[..15].to_owned();
    let run = recon(&engine, vec![short.clone()]).await;
    assert_eq!((run.state, run.progress.updated), (RunState::Success, 1), "{:?}", run.progress);
    assert_eq!(run.progress.ids, std::slice::from_ref(&one));

    // The link is removed and set again by the short form, and stands under the long one.
    let config = model::ManagedObjectConfig::default_user();
    let query = ManagedQuery { limit: 10, ..ManagedQuery::default() };
    let users = store.read(move |r| r.managed_page(&config, &query)).await.unwrap();
    let user = users.rows.iter().find(|u| u.attributes["mail"] == "c1@example.org").unwrap().id.clone();
    let perform = |action, target_id| Perform {
        mapping: INBOUND.into(),
        qualifier: mapping::DEFAULT_QUALIFIER.into(),
        source_id: Some(short.clone()),
        target_id,
        action,
        situation: None,
        who: "test".into(),
    };
    engine.perform(perform(Action::Unlink, None)).await.unwrap();
    let linked = engine.perform(perform(Action::Link, Some(user))).await.unwrap();
    assert!(linked.message.contains(&one), "{linked:?}");
    let run = recon(&engine, Vec::new()).await;
    assert_eq!((run.state, run.progress.created), (RunState::Success, 0), "{:?}", run.progress);
}
