//! The connector and a sandbox portal under one clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use connector::credentials::memory::MemoryCredentials;
use connector::http::Waiter;
use connector::hubspot::Hubspot;
use connector::{Change, Connector, Creation, Outcome, RemoteObject};
use jiff::Timestamp;
use model::ConnectorConfig;
use sandbox::hubspot::{Options, Sandbox};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{Impatient, Ticking, attributes, hubspot_config};

/// A clock that both sides share and that only the test moves.
#[derive(Clone, Default)]
pub struct Hand(Arc<AtomicI64>);

impl Hand {
    pub fn now(&self) -> Timestamp {
        Timestamp::from_second(1_790_000_000 + self.0.load(Ordering::SeqCst)).unwrap()
    }

    pub fn set(&self, at: Timestamp) {
        self.0.store(at.as_second() - 1_790_000_000, Ordering::SeqCst);
    }

    pub fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

pub struct World {
    pub sandbox: Sandbox,
    pub hand: Hand,
    pub waiter: Arc<Impatient>,
}

impl World {
    pub async fn new(options: Options) -> Self {
        let hand = Hand::default();
        let clock = hand.clone();
        let options = Options { clock: Arc::new(move || clock.now()), ..options };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let sandbox = Sandbox::start(listener, options).await.unwrap();
        Self { sandbox, hand, waiter: Arc::new(Impatient::default()) }
    }

    pub fn config(&self, more: Value) -> ConnectorConfig {
        let mut properties = json!({
            "apiBaseUrl": self.sandbox.url(),
            "authorizeUrl": format!("{}/oauth/authorize", self.sandbox.url()),
            "permitsPerSecond": 1000,
        });
        for (name, value) in more.as_object().unwrap() {
            properties[name] = value.clone();
        }
        hubspot_config(&properties)
    }

    pub fn hubspot(&self, more: Value, credentials: MemoryCredentials) -> Hubspot {
        self.waiting(more, credentials, Arc::clone(&self.waiter) as Arc<dyn Waiter>)
    }

    pub fn waiting(&self, more: Value, credentials: MemoryCredentials, waiter: Arc<dyn Waiter>) -> Hubspot {
        let hand = self.hand.clone();
        let clock = Arc::new(move || hand.now());
        Hubspot::new(&self.config(more), Arc::new(credentials), clock, waiter).unwrap()
    }

    /// By service key, far away: every answer takes so long that several cursors are worth it.
    pub fn far(&self) -> Hubspot {
        self.waiting(json!({}), key(), Arc::new(Ticking::new(Duration::from_millis(150))))
    }

    /// By service key.
    pub fn keyed(&self) -> Hubspot {
        self.hubspot(json!({}), key())
    }

    pub fn oauth(&self) -> Value {
        json!({"clientId": "sandbox-client", "redirectUri": "http://localhost:0/oauth/callback"})
    }

    /// Defined properties of contacts whose names make the address of a list too long, and `email`.
    pub async fn wide(&self) -> Vec<String> {
        let names: Vec<String> = (0..100).map(|n| format!("some_property_number_{n}")).collect();
        let made: Vec<Creation> = names.iter().map(|name| creation(name, json!({"name": name}))).collect();
        for outcome in self.keyed().create("contactProperties", &made).await {
            done(&outcome);
        }
        self.sandbox.portal().reset_calls();
        names.into_iter().chain(["email".to_owned()]).collect()
    }

    pub fn paths(&self) -> Vec<String> {
        self.sandbox.portal().calls().iter().map(|c| format!("{} {}", c.method, c.path)).collect()
    }
}

pub fn key() -> MemoryCredentials {
    MemoryCredentials::with_access_token("sandbox-service-key")
}

pub fn seeded(records: usize) -> Options {
    Options { records, ..Options::default() }
}

pub fn creation(trace: &str, value: Value) -> Creation {
    Creation { trace: trace.to_owned(), attributes: attributes(value) }
}

pub fn change(uid: &str, value: Value) -> Change {
    Change { uid: uid.to_owned(), attributes: attributes(value) }
}

pub fn done(outcome: &Outcome) -> &RemoteObject {
    match outcome {
        Outcome::Done(object) => object,
        other => panic!("expected Done, found {other:?}"),
    }
}
