//! What the tests of both stand-ins share: a clock of their own, and a bare HTTP client, so that they see the wire and nothing
//! of our own connectors.
// Each test file uses its part; a broken set-up may end the test.
#![allow(dead_code, clippy::unwrap_used)]

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use reqwest::RequestBuilder;
use serde_json::Value;

/// 2026-01-05T00:00:00Z
pub const START: i64 = 1_767_571_200_000;

/// Stands still until it is put forward.
#[derive(Clone)]
pub struct Clock(Arc<AtomicI64>);

impl Clock {
    pub fn new() -> Clock {
        Clock(Arc::new(AtomicI64::new(START)))
    }

    pub fn advance(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }

    /// As a stand-in's options take it.
    pub fn shared(&self) -> Arc<dyn Fn() -> jiff::Timestamp + Send + Sync> {
        let clock = self.0.clone();
        Arc::new(move || jiff::Timestamp::from_millisecond(clock.load(Ordering::SeqCst)).unwrap())
    }
}

/// A client that follows nothing and goes nowhere else.
pub fn client() -> reqwest::Client {
    reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap()
}

pub struct Reply {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub body: Value,
    pub text: String,
}

pub async fn read(request: RequestBuilder) -> reqwest::Result<Reply> {
    let response = request.send().await?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let text = response.text().await?;
    let body = serde_json::from_str(&text).unwrap_or(Value::Null);
    Ok(Reply { status, headers, body, text })
}

/// A value as text; empty when there is none.
pub fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

impl Reply {
    /// A value by JSON pointer, as text.
    pub fn at(&self, pointer: &str) -> String {
        self.body.pointer(pointer).map(text).unwrap_or_default()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}
