//! A sandbox and a bare HTTP client, so that tests see the wire and nothing of our own connectors.
// Each test file uses its part; a broken set-up may end the test.
#![allow(dead_code, clippy::unwrap_used)]

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use reqwest::{Method, StatusCode};
use sandbox::hubspot::{Options, Portal, Sandbox};
use serde_json::Value;

/// 2026-01-05T00:00:00Z
pub const START: i64 = 1_767_571_200_000;

#[derive(Clone)]
pub struct Clock(Arc<AtomicI64>);

impl Clock {
    pub fn advance(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }
}

pub struct Bench {
    pub sandbox: Sandbox,
    pub url: String,
    pub portal: Portal,
    pub clock: Clock,
    pub client: reqwest::Client,
    pub token: String,
}

pub struct Reply {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub body: Value,
    pub text: String,
}

pub async fn start(change: impl FnOnce(&mut Options)) -> Bench {
    let clock = Clock(Arc::new(AtomicI64::new(START)));
    let shared = clock.clone();
    let mut options = Options {
        clock: Arc::new(move || jiff::Timestamp::from_millisecond(shared.0.load(Ordering::SeqCst)).unwrap()),
        ..Options::default()
    };
    change(&mut options);
    let token = options.access_token.clone().unwrap_or_default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let sandbox = Sandbox::start(listener, options).await.unwrap();
    let client =
        reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap();
    Bench { url: sandbox.url(), portal: sandbox.portal(), sandbox, clock, client, token }
}

impl Bench {
    pub async fn try_call(&self, method: &str, path: &str, body: Option<&Value>) -> reqwest::Result<Reply> {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = self.client.request(method, format!("{}{path}", self.url));
        if !self.token.is_empty() {
            request = request.bearer_auth(&self.token);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        read(request.send().await?).await
    }

    pub async fn call(&self, method: &str, path: &str, body: Value) -> Reply {
        self.try_call(method, path, Some(&body)).await.unwrap()
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.try_call("GET", path, None).await.unwrap()
    }

    pub async fn form(&self, path: &str, fields: &[(&str, &str)]) -> Reply {
        read(self.client.post(format!("{}{path}", self.url)).form(fields).send().await.unwrap())
            .await
            .unwrap()
    }
}

pub async fn read(response: reqwest::Response) -> reqwest::Result<Reply> {
    let (status, headers) = (response.status(), response.headers().clone());
    let text = response.text().await?;
    let body = serde_json::from_str(&text).unwrap_or(Value::Null);
    Ok(Reply { status: StatusCode::as_u16(&status), headers, body, text })
}

impl Reply {
    /// A value by JSON pointer, as text; empty when it is not there.
    pub fn at(&self, pointer: &str) -> String {
        match self.body.pointer(pointer) {
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
            None => String::new(),
        }
    }

    pub fn len(&self) -> usize {
        self.body["results"].as_array().map_or(0, Vec::len)
    }

    pub fn ids(&self) -> Vec<String> {
        self.body["results"]
            .as_array()
            .map(|all| all.iter().filter_map(|record| Some(record["id"].as_str()?.to_owned())).collect())
            .unwrap_or_default()
    }
}
