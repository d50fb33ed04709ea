//! Which account a connector leads to while a run is under way.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests")]

mod support;

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use connector::Connector;
use engine::{CancellationToken, Connectors, Engine, EngineError, RunRequest};
use jiff::Timestamp;
use sandbox::hubspot::Options;
use store::{RunMode, RunState};
use support::{INBOUND, OUTBOUND, bench, hubspot};

/// A portal, and the account that somebody says it is.
struct Leading {
    connector: Arc<dyn Connector>,
    account: Arc<Mutex<&'static str>>,
}

#[async_trait]
impl Connectors for Leading {
    async fn connector(&self, _name: &str) -> Result<Arc<dyn Connector>, EngineError> {
        Ok(Arc::clone(&self.connector))
    }

    async fn account(&self, _name: &str, _ask: bool) -> Result<Option<String>, EngineError> {
        Ok(Some((*self.account.lock().unwrap()).to_owned()))
    }
}

fn request(mapping: &str) -> RunRequest {
    RunRequest {
        mapping: mapping.into(),
        mode: RunMode::Reconcile,
        ids: Vec::new(),
        allow_deletes: None,
        incremental: false,
    }
}

/// Whoever authorizes a connector anew while a run is under way gives it the tokens of another account in its midst.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_ends_where_its_connector_is_led_to_another_account() {
    let bench = bench(Options { records: 5, ..Options::default() }).await;
    let account = Arc::new(Mutex::new("portal 1"));
    let connector = hubspot(&bench.sandbox.url(), Arc::new(Timestamp::now));
    let connectors = Arc::new(Leading { connector, account: Arc::clone(&account) });
    let folder = bench.folder.path().to_path_buf();
    let engine = Engine::new(bench.store.clone(), connectors, Arc::new(Timestamp::now), folder);
    let run = |mapping: &'static str, now: &'static str| {
        let (engine, account) = (engine.clone(), Arc::clone(&account));
        async move {
            let begun = engine.begin(request(mapping)).await.unwrap();
            *account.lock().unwrap() = now;
            engine.carry_out(begun, CancellationToken::new()).await.unwrap()
        }
    };
    assert_eq!(run(INBOUND, "portal 1").await.state, RunState::Success);
    let portal = bench.sandbox.portal();
    for (mapping, edited) in [(INBOUND, "inward"), (OUTBOUND, "outward")] {
        match mapping {
            INBOUND => {
                let id = portal.contacts().remove(0).id;
                portal.set(&id, &[("lastname", edited)]).unwrap();
            }
            _ => {
                let id = bench.users().await.remove(0).0;
                bench.edit(&id, serde_json::json!({"sn": edited})).await;
            }
        }
        let both = || async { (bench.people().await, portal.contacts()) };
        let before = both().await;
        let ended = run(mapping, "portal 2").await;
        let message = ended.message.unwrap_or_default();
        assert_eq!(ended.state, RunState::Failed, "{mapping}: {message}");
        assert!(
            message.contains("to records of portal 1") && message.contains("leads to portal 2"),
            "{message}"
        );
        assert_eq!(both().await, before, "{mapping}");
        // Begun there it is held, and led back it does what it would have done.
        assert_eq!(run(mapping, "portal 2").await.state, RunState::Held, "{mapping}");
        assert_eq!(both().await, before, "{mapping}");
        *account.lock().unwrap() = "portal 1";
        let done = run(mapping, "portal 1").await;
        assert_eq!((done.state, done.progress.updated), (RunState::Success, 1), "{mapping}");
    }
}
