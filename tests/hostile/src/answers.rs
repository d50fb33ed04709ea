//! Answers of providers: whole conversations of a real connector with a server that says what the input says.
//!
//! The first line says what the connector does: an operation, what kind of records, a place where a feed or list goes on. With a
//! `+` behind it the operation takes the longer way: links of the records at HubSpot, jobs for every list and every write at
//! Salesforce. What follows are answers in
//! their order, each with a status, headers, an empty line and a body, parted by lines `=====`. The last one is given again when
//! the connector asks on, and after [`MOST_CALLS`] there are none any more: whoever still asks has no end. `{here}` is the
//! server's own address, `{elsewhere}` one of another server, which nobody may call.

use std::cell::Cell;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use connector::credentials::memory::MemoryCredentials;
use connector::http::Waiter;
use connector::hubspot::Hubspot;
use connector::oauth::{Authorization, Redirect};
use connector::salesforce::Salesforce;
use connector::scim::Scim;
use connector::{Change, Connector, ConnectorError, Creation, Feed, Outcome, Search, Tokens};
use futures::StreamExt as _;
use jiff::Timestamp;
use model::{Attributes, ConnectorConfig, Filter, Secret};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

use crate::{parts, text};

/// No conversation about so few records needs as many.
const MOST_CALLS: usize = 400;
/// What a connection with a key holds, and one that renews its tokens. No text for people may hold it.
const KEY: &[&str] = &["test-token-1"];
const TOKENS: &[&str] = &["test-token-1", "test-refresh-1", "test-secret-1", "test-renewed-1"];

/// Returns at once, and time goes on as if it had waited.
#[derive(Default)]
struct Impatient(AtomicU64);

#[async_trait]
impl Waiter for Impatient {
    fn elapsed(&self) -> Duration {
        Duration::from_nanos(self.0.load(Ordering::SeqCst))
    }

    async fn wait(&self, duration: Duration) {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        let later = |now: u64| Some(now.saturating_add(nanos).min(u64::MAX / 4));
        let _ = self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, later);
        tokio::task::yield_now().await;
    }
}

/// One prepared answer.
#[derive(Clone)]
struct Reply {
    head: String,
    body: Vec<u8>,
    /// Only half of the body comes, and the connection ends.
    cut: bool,
}

impl Reply {
    /// `200 cut` on the first line, headers, an empty line, a body.
    fn parse(text: &str) -> Self {
        let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
        let mut lines = head.trim_start_matches('\n').lines();
        let first = lines.next().unwrap_or_default();
        let status = first.split(' ').next().and_then(|word| word.parse::<u16>().ok());
        let status = status.filter(|status| (200..600).contains(status)).unwrap_or(200);
        let mut head = format!("HTTP/1.1 {status} Said\r\ncontent-length: {}\r\n", body.len());
        let mut typed = false;
        for line in lines.take(12) {
            let Some((name, value)) = line.split_once(':') else { continue };
            let (name, value) = (name.trim().to_ascii_lowercase(), value.trim());
            let plain = !name.is_empty()
                && name.len() < 60
                && value.len() < 2000
                && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
                && value.bytes().all(|b| (32..127).contains(&b));
            if plain && !matches!(name.as_str(), "content-length" | "transfer-encoding" | "connection") {
                typed |= name == "content-type";
                head.push_str(&format!("{name}: {value}\r\n"));
            }
        }
        if !typed {
            head.push_str("content-type: application/json\r\n");
        }
        head.push_str("\r\n");
        Self { head, body: body.as_bytes().to_vec(), cut: first.contains("cut") }
    }
}

/// What the server has seen.
#[derive(Default)]
struct Seen {
    calls: AtomicUsize,
    targets: Mutex<Vec<String>>,
}

struct Server {
    url: String,
    seen: Arc<Seen>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What is answered without the input where it would only get in the way: what connectors read before they do anything.
type Prepared = fn(&str) -> Option<Value>;

impl Server {
    async fn start(replies: &[&str], elsewhere: &str, prepared: Prepared) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let place = |text: &str| text.replace("{here}", &url).replace("{elsewhere}", elsewhere);
        let replies: VecDeque<Reply> = replies.iter().map(|text| Reply::parse(&place(text))).collect();
        let replies = Arc::new(Mutex::new(replies));
        let seen = Arc::new(Seen::default());
        let kept = Arc::clone(&seen);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (replies, seen) = (Arc::clone(&replies), Arc::clone(&kept));
                tokio::spawn(async move { converse(stream, &replies, &seen, prepared).await });
            }
        });
        Self { url, seen, task }
    }

    fn calls(&self) -> usize {
        self.seen.calls.load(Ordering::SeqCst)
    }
}

/// Answers the requests of one connection until it ends.
async fn converse(
    mut stream: TcpStream,
    replies: &Mutex<VecDeque<Reply>>,
    seen: &Seen,
    prepared: Prepared,
) -> Option<()> {
    // Thousands of conversations a minute must not leave their ports behind.
    let _ = stream.set_zero_linger();
    // Else the second part of an answer waits for the system to confirm the first, which takes its time about that.
    let _ = stream.set_nodelay(true);
    let mut bytes = Vec::new();
    let mut chunk = [0_u8; 8192];
    loop {
        let end = loop {
            if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
                break at;
            }
            let read = stream.read(&mut chunk).await.ok().filter(|read| *read > 0)?;
            bytes.extend_from_slice(chunk.get(..read)?);
        };
        let head = String::from_utf8_lossy(bytes.get(..end)?).into_owned();
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
        });
        let whole = end + 4 + length.unwrap_or(0);
        while bytes.len() < whole {
            let read = stream.read(&mut chunk).await.ok().filter(|read| *read > 0)?;
            bytes.extend_from_slice(chunk.get(..read)?);
        }
        bytes.drain(..whole);
        let target = head.split(' ').nth(1).unwrap_or_default().to_owned();
        if let Some(document) = prepared(&target) {
            let body = document.to_string();
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
                body.len()
            );
            stream.write_all(head.as_bytes()).await.ok()?;
            stream.write_all(body.as_bytes()).await.ok()?;
            continue;
        }
        seen.targets.lock().unwrap().push(target);
        let reply = if seen.calls.fetch_add(1, Ordering::SeqCst) < MOST_CALLS {
            let mut replies = replies.lock().unwrap();
            if replies.len() > 1 { replies.pop_front() } else { replies.front().cloned() }
        } else {
            None
        };
        let reply = reply.unwrap_or_else(|| Reply::parse("410 Gone"));
        stream.write_all(reply.head.as_bytes()).await.ok()?;
        if reply.cut {
            stream.write_all(reply.body.get(..reply.body.len() / 2)?).await.ok()?;
            return None;
        }
        stream.write_all(&reply.body).await.ok()?;
    }
}

thread_local! {
    static RUNTIME: Runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    /// What the connection holds that is talked about. What it has never had is no secret, whatever it looks like.
    static HELD: Cell<&'static [&'static str]> = const { Cell::new(TOKENS) };
}

/// What a connector is told to do.
struct Task<'t> {
    operation: &'t str,
    longer: bool,
    kind: String,
    place: Option<String>,
}

impl<'t> Task<'t> {
    fn parse(line: &'t str, kinds: &[&str]) -> Self {
        let mut words = line.splitn(3, ' ');
        let named = words.next().unwrap_or_default();
        let operation = named.strip_suffix('+').unwrap_or(named);
        let wanted = words.next().unwrap_or_default();
        let kind = kinds.iter().find(|kind| **kind == wanted).or(kinds.first()).copied().unwrap_or_default();
        Self {
            operation,
            longer: named != operation,
            kind: kind.to_owned(),
            place: words.next().map(str::to_owned),
        }
    }
}

/// Has a conversation: a connector that `made` makes for the server's address does what the first line says. Whether it took
/// any of the answers for good.
fn talk(
    input: &[u8],
    held: &'static [&'static str],
    kinds: &[&str],
    prepared: fn(&str) -> Prepared,
    made: impl Fn(&str, &Task<'_>) -> Option<Arc<dyn Connector>>,
) -> bool {
    let Some(text) = text(input) else { return false };
    HELD.set(held);
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    let task = Task::parse(first, kinds);
    let replies: Vec<&str> = parts(rest, "=====").into_iter().take(12).collect();
    let elsewhere = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    elsewhere.set_nonblocking(true).unwrap();
    let stranger = format!("http://{}", elsewhere.local_addr().unwrap());
    let taken = RUNTIME.with(|runtime| {
        runtime.block_on(async {
            let server = Server::start(&replies, &stranger, prepared(task.operation)).await;
            let Some(connector) = made(&server.url, &task) else { return false };
            let taken = act(connector.as_ref(), &task).await;
            let calls = server.calls();
            assert!(calls <= MOST_CALLS, "it asks without end: {calls} calls for `{first}`");
            taken
        })
    });
    assert!(elsewhere.accept().is_err(), "an answer led a call to another server");
    taken
}

fn told(error: &ConnectorError) {
    let message = error.to_string();
    sound(&message);
    if let Some(rest) = error.retry_after {
        // Whoever waits adds it to a time.
        assert!(Timestamp::UNIX_EPOCH.checked_add(rest).is_ok(), "nobody can wait for {rest:?}");
    }
}

/// A text for people: one line, an end, no secret.
fn sound(words: &str) {
    assert!(words.chars().count() < 20_000, "endless words: {words}");
    assert!(!words.chars().any(|c| c.is_control()), "control characters: {words:?}");
    for token in HELD.get() {
        assert!(!words.contains(token), "a token in {words}");
    }
}

/// Whether one of the items was dealt with.
fn outcomes(found: &[Outcome], asked: usize) -> bool {
    assert_eq!(found.len(), asked, "one outcome for each item");
    for outcome in found {
        match outcome {
            Outcome::Rejected { reason, .. }
            | Outcome::Unknown { reason }
            | Outcome::Conflict { reason, .. } => {
                sound(reason);
            }
            _ => {}
        }
    }
    found.iter().any(|outcome| !matches!(outcome, Outcome::Rejected { .. } | Outcome::Unknown { .. }))
}

/// Whether this is an answer; an error has its words looked at.
fn answered<T>(answer: Result<T, ConnectorError>) -> bool {
    answer.map_err(|error| told(&error)).is_ok()
}

/// Does what the task says. Whether the provider's answers were taken for some.
async fn act(connector: &dyn Connector, task: &Task<'_>) -> bool {
    let kind = task.kind.as_str();
    let wanted: Vec<String> =
        ["email", "Email", "LastName", "userName", "emails"].map(str::to_owned).to_vec();
    let wanted: Vec<String> = wanted
        .into_iter()
        .filter(|name| match connector.descriptor().title.as_str() {
            "HubSpot" => name == "email",
            "Salesforce" => name == "LastName" || name == "Email",
            _ => name == "userName" || name == "emails",
        })
        .collect();
    let attributes: Attributes =
        wanted.iter().map(|name| (name.clone(), json!(format!("{name}@example.org")))).collect();
    let mut wanted = wanted;
    if task.longer && connector.descriptor().title == "HubSpot" {
        wanted.push(if kind == "company" { "__CONTACTS__" } else { "__COMPANIES__" }.to_owned());
    }
    let uids = ["101", "102", "003000000000001AAA", "003000000000002AAA"].map(str::to_owned);
    match task.operation {
        "test" => match connector.test().await {
            Ok(report) => {
                report
                    .checked
                    .iter()
                    .chain(&report.account)
                    .chain(&report.missing_scopes)
                    .for_each(|w| sound(w));
                true
            }
            Err(error) => {
                told(&error);
                false
            }
        },
        "account" => match connector.account().await {
            Ok(account) => {
                account.iter().for_each(|words| sound(words));
                account.is_some()
            }
            Err(error) => {
                told(&error);
                false
            }
        },
        "revoke" => answered(connector.revoke().await),
        "schema" => answered(connector.schema(kind).await),
        "search" | "filter" => {
            let filter = (task.operation == "filter")
                .then(|| task.place.as_deref().and_then(|text| Filter::parse(text).ok()))
                .flatten();
            let after = if task.operation == "filter" { None } else { task.place.clone() };
            let mut pages =
                connector.search(Search { object_type: kind.into(), filter, attributes: wanted, after });
            let mut taken = false;
            while let Some(page) = pages.next().await {
                match page {
                    Ok(page) => {
                        assert!(
                            page.objects.iter().all(|object| !object.uid.is_empty()),
                            "a record without id"
                        );
                        taken = true;
                    }
                    Err(error) => {
                        told(&error);
                        break;
                    }
                }
            }
            taken
        }
        "changes" => {
            let feed = Feed { object_type: kind.into(), attributes: wanted, since: task.place.clone() };
            let mut pages = connector.changes(feed);
            let mut taken = false;
            while let Some(page) = pages.next().await {
                match page {
                    Ok(page) => {
                        assert!(!page.cursor.is_empty(), "a feed that cannot go on");
                        taken = true;
                    }
                    Err(error) => {
                        told(&error);
                        break;
                    }
                }
            }
            taken
        }
        "read" => answered(connector.read(kind, &uids, &wanted).await),
        "moved" => answered(connector.moved(kind, &uids).await),
        "find" => {
            let keys = ["a@example.org", "b@example.org"].map(str::to_owned);
            answered(connector.find_by_key(kind, &keys, &wanted).await)
        }
        "update" => {
            let batch: Vec<Change> =
                uids.iter().map(|uid| Change { uid: uid.clone(), attributes: attributes.clone() }).collect();
            outcomes(&connector.update(kind, &batch).await, batch.len())
        }
        "delete" => outcomes(&connector.delete(kind, &uids).await, uids.len()),
        _ => {
            let batch: Vec<Creation> = (0..3)
                .map(|n| {
                    let mut attributes = attributes.clone();
                    for value in attributes.values_mut() {
                        *value = json!(format!("{n}{}", value.as_str().unwrap_or_default()));
                    }
                    Creation { trace: format!("t{n}"), attributes }
                })
                .collect();
            outcomes(&connector.create(kind, &batch).await, batch.len())
        }
    }
}

fn config(name: &str, properties: &Value) -> ConnectorConfig {
    let mut properties = properties.clone();
    // Nothing here is encrypted, and reading the system's authorities would take longer than all the rest of a conversation.
    for switch in ["acceptSelfSignedCertificates", "disableHostNameVerifier"] {
        properties.as_object_mut().unwrap().insert(switch.to_owned(), json!(true));
    }
    let document = json!({"connectorRef": {"connectorName": name}, "configurationProperties": properties});
    ConnectorConfig::parse(&document.to_string(), Some("crm")).unwrap()
}

fn now() -> Timestamp {
    Timestamp::from_second(1_790_000_000).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// Tokens that are over, so that a renewal is the first call.
fn over() -> MemoryCredentials {
    MemoryCredentials::new().set("clientSecret", "test-secret-1").set_tokens(Tokens {
        access_token: Secret::new("test-token-1"),
        refresh_token: Some(Secret::new("test-refresh-1")),
        expires_at: Some(Timestamp::UNIX_EPOCH),
        instance_url: None,
    })
}

fn nothing(_: &str) -> Prepared {
    |_| None
}

/// HubSpot: pages, batches and their errors, properties, account details, the recycle bin, limits in headers, feed places.
pub fn hubspot(input: &[u8]) -> bool {
    talk(input, KEY, &["contact", "company", "contactProperties"], nothing, |url, _| {
        let config = config("HubspotConnector", &json!({"apiBaseUrl": url, "permitsPerSecond": 100_000}));
        let credentials = MemoryCredentials::with_access_token("test-token-1");
        Hubspot::new(&config, Arc::new(credentials), Arc::new(now), Arc::new(Impatient::default()))
            .ok()
            .map(|made| Arc::new(made) as Arc<dyn Connector>)
    })
}

/// What Salesforce says about contacts.
fn description() -> Value {
    let field = |name: &str, kind: &str, writable: bool| {
        json!({"name": name, "label": name, "type": kind, "length": 80, "nillable": true, "createable": writable,
            "updateable": writable, "filterable": true})
    };
    json!({
        "name": "Contact", "createable": true, "updateable": true, "deletable": true,
        "fields": [
            field("Id", "id", false), field("LastName", "string", true), field("Email", "email", true),
            field("Age__c", "double", true), field("IsActive", "boolean", true), field("Languages__c", "multipicklist", true),
            field("SystemModstamp", "datetime", false), field("Start__c", "date", true), field("AboutMe", "textarea", true),
        ],
    })
}

fn salesforce_prepared(operation: &str) -> Prepared {
    if matches!(operation, "schema" | "test") {
        return |_| None;
    }
    |target| target.ends_with("/describe").then(description)
}

fn salesforce_connector(url: &str, in_jobs: bool) -> Option<Salesforce> {
    let mut properties = json!({"instanceUrl": url, "loginUrl": format!("{url}/services/oauth2/token"), "permitsPerSecond": 100_000,
        "supportedObjectTypes": ["Contact", "User"]});
    if in_jobs {
        for threshold in ["bulkReadThreshold", "bulkWriteThreshold"] {
            properties[threshold] = json!(1);
        }
        properties["externalIds"] = json!({"Contact": "Email"});
    }
    let credentials = MemoryCredentials::with_access_token("test-token-1");
    let config = config("org.forgerock.openidm.salesforce", &properties);
    Salesforce::new(&config, Arc::new(credentials), Arc::new(now), Arc::new(Impatient::default())).ok()
}

/// Salesforce: pages of queries, descriptions, collections and their errors, bulk jobs and their CSV, limits, feed places.
pub fn salesforce(input: &[u8]) -> bool {
    talk(input, KEY, &["Contact", "User"], salesforce_prepared, |url, task| {
        salesforce_connector(url, task.longer).map(|made| Arc::new(made) as Arc<dyn Connector>)
    })
}

/// Every query that goes out for a filter.
pub(crate) fn salesforce_queries(filter: &Filter) -> Vec<String> {
    let answer = r#"200

{"totalSize": 0, "done": true, "records": []}"#;
    RUNTIME.with(|runtime| {
        runtime.block_on(async {
            let server = Server::start(&[answer], "http://127.0.0.1:9", salesforce_prepared("search")).await;
            let Some(connector) = salesforce_connector(&server.url, false) else { return Vec::new() };
            let search = Search {
                object_type: "Contact".into(),
                filter: Some(filter.clone()),
                attributes: vec!["LastName".into()],
                after: None,
            };
            let mut pages = connector.search(search);
            while let Some(Ok(_)) = pages.next().await {}
            let targets = server.seen.targets.lock().unwrap();
            targets
                .iter()
                .filter_map(|target| {
                    let url = url::Url::parse(&format!("{}{target}", server.url)).ok()?;
                    url.query_pairs().find(|(name, _)| name == "q").map(|(_, q)| q.into_owned())
                })
                .collect()
        })
    })
}

fn scim_prepared(operation: &str) -> Prepared {
    if matches!(operation, "schema" | "test") {
        return |_| None;
    }
    |target| {
        let supported = json!({"supported": true});
        let list = || json!({"totalResults": 0, "Resources": []});
        match target.split('?').next().unwrap_or_default() {
            path if path.ends_with("/ServiceProviderConfig") => Some(
                json!({"patch": supported, "filter": supported, "etag": supported, "authenticationSchemes": []}),
            ),
            path if path.ends_with("/ResourceTypes") || path.ends_with("/Schemas") => Some(list()),
            _ => None,
        }
    }
}

/// SCIM servers: lists and their totals, discovery, errors in all their shapes, feed places.
pub fn scim(input: &[u8]) -> bool {
    talk(input, KEY, &["User", "Group"], scim_prepared, |url, _| {
        let properties = json!({"SCIMEndpoint": format!("{url}/scim/v2"), "permitsPerSecond": 100_000});
        let config = config("org.forgerock.openicf.connectors.scim.ScimConnector", &properties);
        let credentials = MemoryCredentials::new().set("authToken", "test-token-1");
        Scim::new(&config, Arc::new(credentials), Arc::new(now), Arc::new(Impatient::default()))
            .ok()
            .map(|made| Arc::new(made) as Arc<dyn Connector>)
    })
}

/// Token answers of all providers, introspection, and where a token says that it is good; `redirect` reads an address that a
/// browser came back to.
pub fn oauth(input: &[u8]) -> bool {
    if let Some(address) = text(input).and_then(|text| text.strip_prefix("redirect ")) {
        return redirected(address.trim());
    }
    // Programs of this computer may stand in for Salesforce where the sign-in does; no other address may.
    let Some(strange) = text(input).map(|text| text.replace("{elsewhere}", "https://collector.invalid"))
    else {
        return false;
    };
    talk(strange.as_bytes(), TOKENS, &["Contact", "contact", "User"], nothing, |url, task| {
        let waiter = Arc::new(Impatient::default());
        let (credentials, clock) = (Arc::new(over()), Arc::new(now));
        let app = json!({"clientId": "app", "permitsPerSecond": 100_000});
        let with = |more: Value| {
            let mut all = app.clone();
            if let (Value::Object(all), Value::Object(more)) = (&mut all, more) {
                all.extend(more);
            }
            all
        };
        let made: Option<Arc<dyn Connector>> = match task.operation {
            "test" | "hubspot" => {
                let config = config("HubspotConnector", &with(json!({"apiBaseUrl": url})));
                Hubspot::new(&config, credentials, clock, waiter).ok().map(|made| Arc::new(made) as _)
            }
            "scim" => {
                let more = json!({"SCIMEndpoint": format!("{url}/scim/v2"), "authenticationMethod": "OAUTH",
                    "tokenEndpoint": format!("{url}/token")});
                let config = config("org.forgerock.openicf.connectors.scim.ScimConnector", &with(more));
                Scim::new(&config, credentials, clock, waiter).ok().map(|made| Arc::new(made) as _)
            }
            _ => {
                let more = json!({"loginUrl": format!("{url}/services/oauth2/token")});
                let config = config("org.forgerock.openidm.salesforce", &with(more));
                Salesforce::new(&config, credentials, clock, waiter).ok().map(|made| Arc::new(made) as _)
            }
        };
        made
    })
}

/// Without the state of the authorization there is no code in any address.
fn redirected(address: &str) -> bool {
    let config = config("HubspotConnector", &json!({"clientId": "app"}));
    let authorization = Authorization::begin(&config, None).unwrap();
    let Ok(url) = url::Url::parse(address) else { return false };
    match authorization.match_redirect(&url) {
        Redirect::Code(_) => panic!("a code without the state: {address}"),
        Redirect::Denied(words) | Redirect::Rejected(words) => {
            // What the browser's address says is no secret of ours, whatever it looks like.
            let shown = TOKENS.iter().fold(words, |words, token| words.replace(token, "in the address"));
            sound(&shown);
            true
        }
        Redirect::Elsewhere => false,
    }
}
