//! A HubSpot sandbox and a client for it.
// Each test file uses its part; a broken set-up may end the test.
#![allow(dead_code, clippy::unwrap_used)]

use reqwest::Method;
use sandbox::hubspot::{Options, Portal, Sandbox};
use serde_json::Value;

use crate::common::{Clock, Reply, client, read};

pub struct Bench {
    pub sandbox: Sandbox,
    pub url: String,
    pub portal: Portal,
    pub clock: Clock,
    pub client: reqwest::Client,
    pub token: String,
}

pub async fn start(change: impl FnOnce(&mut Options)) -> Bench {
    let clock = Clock::new();
    let mut options = Options { clock: clock.shared(), ..Options::default() };
    change(&mut options);
    let token = options.access_token.clone().unwrap_or_default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let sandbox = Sandbox::start(listener, options).await.unwrap();
    Bench { url: sandbox.url(), portal: sandbox.portal(), sandbox, clock, client: client(), token }
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
        read(request).await
    }

    pub async fn call(&self, method: &str, path: &str, body: Value) -> Reply {
        self.try_call(method, path, Some(&body)).await.unwrap()
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.try_call("GET", path, None).await.unwrap()
    }

    pub async fn form(&self, path: &str, fields: &[(&str, &str)]) -> Reply {
        read(self.client.post(format!("{}{path}", self.url)).form(fields)).await.unwrap()
    }
}

/// The records of a page.
pub trait Page {
    fn len(&self) -> usize;
    fn ids(&self) -> Vec<String>;
}

impl Page for Reply {
    fn len(&self) -> usize {
        self.body["results"].as_array().map_or(0, Vec::len)
    }

    fn ids(&self) -> Vec<String> {
        self.body["results"]
            .as_array()
            .map(|all| all.iter().filter_map(|record| Some(record["id"].as_str()?.to_owned())).collect())
            .unwrap_or_default()
    }
}
