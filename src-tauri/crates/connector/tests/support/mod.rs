//! What the tests of this crate share.

#![allow(dead_code, clippy::unwrap_used, clippy::expect_used)]

pub mod world;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use connector::http::Waiter;
use connector::{Connector, ConnectorError, RemoteObject, Search};
use futures::StreamExt;
use model::{Attributes, ConnectorConfig};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// Returns at once and keeps what was waited for.
#[derive(Default)]
pub struct Impatient {
    now: AtomicU64,
    waits: Mutex<Vec<Duration>>,
}

#[async_trait]
impl Waiter for Impatient {
    fn elapsed(&self) -> Duration {
        Duration::from_nanos(self.now.load(Ordering::SeqCst))
    }

    async fn wait(&self, duration: Duration) {
        self.now.fetch_add(u64::try_from(duration.as_nanos()).unwrap(), Ordering::SeqCst);
        self.waits.lock().unwrap().push(duration);
        tokio::task::yield_now().await;
    }
}

impl Impatient {
    /// The waits that are longer than the limiter's own.
    pub fn long(&self) -> Vec<Duration> {
        self.all().into_iter().filter(|w| *w >= Duration::from_millis(200)).collect()
    }

    pub fn all(&self) -> Vec<Duration> {
        self.waits.lock().unwrap().clone()
    }
}

/// Time that moves on whenever somebody looks at it, so that every answer seems to take a while.
pub struct Ticking {
    step: Duration,
    now: AtomicU64,
}

impl Ticking {
    pub fn new(step: Duration) -> Self {
        Self { step, now: AtomicU64::new(0) }
    }
}

#[async_trait]
impl Waiter for Ticking {
    fn elapsed(&self) -> Duration {
        let step = u64::try_from(self.step.as_nanos()).unwrap();
        Duration::from_nanos(self.now.fetch_add(step, Ordering::SeqCst))
    }

    async fn wait(&self, duration: Duration) {
        self.now.fetch_add(u64::try_from(duration.as_nanos()).unwrap(), Ordering::SeqCst);
        tokio::task::yield_now().await;
    }
}

/// A HubSpot configuration with these properties.
pub fn hubspot_config(properties: &Value) -> ConnectorConfig {
    let document =
        json!({"connectorRef": {"connectorName": "HubspotConnector"}, "configurationProperties": properties});
    ConnectorConfig::parse(&document.to_string(), Some("hs")).unwrap()
}

pub fn contacts(attributes: &[&str]) -> Search {
    Search {
        object_type: "contact".into(),
        attributes: attributes.iter().map(|a| (*a).to_owned()).collect(),
        ..Search::default()
    }
}

pub struct Listed {
    pub objects: Vec<RemoteObject>,
    pub repeated: u64,
}

/// Every page of a search.
pub async fn all(connector: &dyn Connector, search: Search) -> Result<Listed, ConnectorError> {
    let mut pages = connector.search(search);
    let mut listed = Listed { objects: Vec::new(), repeated: 0 };
    while let Some(page) = pages.next().await {
        let page = page?;
        listed.repeated += page.repeated;
        listed.objects.extend(page.objects);
    }
    Ok(listed)
}

pub fn attributes(value: Value) -> Attributes {
    value.as_object().unwrap().clone()
}

/// A request as it came over the wire.
#[derive(Debug, Clone)]
pub struct Request {
    pub method: String,
    pub target: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub fn line(&self) -> String {
        format!("{} {}", self.method, self.target)
    }
}

/// An answer to give.
#[derive(Debug, Clone)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn json(status: u16, body: Value) -> Self {
        Self {
            status,
            headers: vec![("content-type".into(), "application/json;charset=utf-8".into())],
            body: body.to_string().into_bytes(),
        }
    }

    pub fn csv(text: &str) -> Self {
        Self {
            status: 200,
            headers: vec![("content-type".into(), "text/csv;charset=utf-8".into())],
            body: text.as_bytes().to_vec(),
        }
    }

    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }
}

/// A server on loopback that gives prepared answers in order and keeps every request.
pub struct Script {
    pub url: String,
    requests: Arc<Mutex<Vec<Request>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Script {
    pub async fn new(replies: impl IntoIterator<Item = Reply>) -> Self {
        let replies = Mutex::new(replies.into_iter().collect::<VecDeque<_>>());
        Self::answering(move |_| {
            let over = Reply::json(418, json!({"message": "the script is over"}));
            replies.lock().unwrap().pop_front().unwrap_or(over)
        })
        .await
    }

    pub async fn answering(answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&requests);
        let task = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let Some(request) = read_request(&mut stream).await else { continue };
                kept.lock().unwrap().push(request.clone());
                let reply = answer(&request);
                let mut head = format!(
                    "HTTP/1.1 {} Scripted\r\ncontent-length: {}\r\nconnection: close\r\n",
                    reply.status,
                    reply.body.len()
                );
                for (name, value) in &reply.headers {
                    head.push_str(&format!("{name}: {value}\r\n"));
                }
                head.push_str("\r\n");
                // The client may hang up early; the test sees it from its side.
                let _ = stream.write_all(head.as_bytes()).await;
                let _ = stream.write_all(&reply.body).await;
                let _ = stream.shutdown().await;
            }
        });
        Self { url, requests, task }
    }

    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn read_request(stream: &mut tokio::net::TcpStream) -> Option<Request> {
    let mut bytes = Vec::new();
    let mut chunk = [0u8; 8192];
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
            break at;
        }
        let n = stream.read(&mut chunk).await.ok().filter(|n| *n > 0)?;
        bytes.extend_from_slice(&chunk[..n]);
    };
    let head = String::from_utf8(bytes[..end].to_vec()).ok()?;
    let mut lines = head.split("\r\n");
    let mut first = lines.next()?.split(' ');
    let (method, target) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers: Vec<(String, String)> =
        lines.filter_map(|l| l.split_once(": ")).map(|(n, v)| (n.to_owned(), v.to_owned())).collect();
    let length = headers
        .iter()
        .find(|(n, _)| n.eq_ignore_ascii_case("content-length"))
        .map_or(0, |(_, v)| v.parse().unwrap());
    let mut body = bytes[end + 4..].to_vec();
    while body.len() < length {
        let n = stream.read(&mut chunk).await.ok().filter(|n| *n > 0)?;
        body.extend_from_slice(&chunk[..n]);
    }
    Some(Request { method, target, headers, body: String::from_utf8(body).ok()? })
}
