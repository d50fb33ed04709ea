//! Results of bulk queries as they come over the wire: pages side by side, pages that break off, bodies that are far
//! larger than they look, and as many records as one likes in the same little memory.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::io::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use connector::credentials::memory::MemoryCredentials;
use connector::http::Waiter;
use connector::salesforce::Salesforce;
use connector::{Connector, ConnectorError, ErrorKind, Search};
use flate2::Compression;
use flate2::write::GzEncoder;
use futures::StreamExt as _;
use jiff::Timestamp;
use model::ConnectorConfig;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use self::support::{Impatient, Reply, Script};

/// What goes wrong with the body of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrong {
    Nothing,
    /// The connection ends in the middle of it.
    Cut,
    /// It ends in the middle, and looks as if that were its end.
    Short,
    /// It says that it has one record less.
    OneMore,
    /// A web page comes instead.
    Html,
    /// It does not say how many records it has.
    Untold,
    /// Its last line has no line break.
    Unbroken,
}

/// A server that holds one query job with as many records as it is told, and makes them up as it sends them.
#[derive(Clone)]
struct Job {
    records: usize,
    /// Records of one page.
    page: usize,
    /// The page numbers that are spoilt, how, and how often.
    spoilt: fn(usize) -> Wrong,
    times: usize,
    /// Whether the job says how many it has.
    counted: bool,
    /// Whether pages can be read side by side.
    side_by_side: bool,
    /// Where the second batch of addresses leads.
    more: Option<&'static str>,
    width: usize,
}

impl Default for Job {
    fn default() -> Self {
        Self {
            records: 130_000,
            page: 50_000,
            spoilt: |_| Wrong::Nothing,
            times: 1,
            counted: true,
            side_by_side: true,
            more: None,
            width: 1,
        }
    }
}

struct Served {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
    /// Most pages that were under way at one time.
    most: Arc<AtomicUsize>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Served {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn uid(number: usize) -> String {
    format!("005000{number:09}")
}

impl Job {
    async fn serve(self) -> Served {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (kept, highest) = (Arc::clone(&asked), Arc::clone(&most));
        let spoilt: Arc<Mutex<Vec<usize>>> = Arc::default();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let job = self.clone();
                let (kept, spoilt) = (Arc::clone(&kept), Arc::clone(&spoilt));
                let (now, highest) = (Arc::clone(&now), Arc::clone(&highest));
                tokio::spawn(async move {
                    // The other side may hang up at any time; it is the one that is tested.
                    let _ = job.answer(stream, &kept, &spoilt, &now, &highest).await;
                });
            }
        });
        Served { url, asked, most, task }
    }

    async fn answer(
        &self,
        mut stream: TcpStream,
        asked: &Mutex<Vec<String>>,
        spoilt: &Mutex<Vec<usize>>,
        now: &AtomicUsize,
        highest: &AtomicUsize,
    ) -> std::io::Result<()> {
        let mut head = Vec::new();
        while !head.windows(4).any(|four| four == b"\r\n\r\n") {
            if stream.read_buf(&mut head).await? == 0 {
                return Ok(());
            }
        }
        let target = String::from_utf8_lossy(&head).split(' ').nth(1).unwrap_or_default().to_owned();
        asked.lock().unwrap().push(target.clone());
        let path = target.split('?').next().unwrap_or_default();
        let document = |value: Value| {
            let body = value.to_string();
            format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json;charset=UTF-8\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            )
        };
        let link = |page: usize| json!({"resultUrl": format!("/services/data/v66.0/jobs/query/750/results?locator={page}")});
        let answer = match path.rsplit('/').next().unwrap_or_default() {
            "query" if path.ends_with("/jobs/query") => {
                let told = self.counted.then_some(self.records);
                document(json!({"id": "750", "state": "JobComplete", "numberRecordsProcessed": told}))
            }
            "query" => document(json!({
                "totalSize": self.records, "done": false, "nextRecordsUrl": "/services/data/v66.0/query/01g-1",
                "records": [],
            })),
            "describe" => {
                let text =
                    |name: &str| json!({"name": name, "type": "string", "length": 255, "nillable": true});
                document(json!({"name": "User", "fields": [text("Id"), text("Username")]}))
            }
            "resultPages" if !self.side_by_side => {
                "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_owned()
            }
            "resultPages" => {
                let pages = self.records.div_ceil(self.page);
                let first = if target.contains("locator=") { 5 } else { 0 };
                let links: Vec<Value> = (first..pages.min(first + 5)).map(link).collect();
                let next = self.more.map(str::to_owned).or_else(|| {
                    (pages > first + 5)
                        .then(|| "/services/data/v66.0/jobs/query/750/resultPages?locator=5".to_owned())
                });
                document(json!({"resultPages": links, "done": next.is_none(), "nextRecordsUrl": next}))
            }
            _ => {
                let under_way = now.fetch_add(1, Ordering::SeqCst) + 1;
                highest.fetch_max(under_way, Ordering::SeqCst);
                let sent = self.page_of(&mut stream, &target, spoilt).await;
                now.fetch_sub(1, Ordering::SeqCst);
                return sent;
            }
        };
        stream.write_all(answer.as_bytes()).await?;
        stream.shutdown().await
    }

    /// A page of CSV, in chunks, as it is made up.
    async fn page_of(
        &self,
        stream: &mut TcpStream,
        target: &str,
        spoilt: &Mutex<Vec<usize>>,
    ) -> std::io::Result<()> {
        let page: usize = target
            .split("locator=")
            .nth(1)
            .and_then(|t| t.split('&').next())
            .and_then(|t| t.parse().ok())
            .unwrap_or(0);
        let (from, to) = (page * self.page, ((page + 1) * self.page).min(self.records));
        let wrong = {
            let mut spoilt = spoilt.lock().unwrap();
            let before = spoilt.iter().filter(|p| **p == page).count();
            let wrong = if before < self.times { (self.spoilt)(page) } else { Wrong::Nothing };
            if wrong != Wrong::Nothing {
                spoilt.push(page);
            }
            wrong
        };
        let kind = if wrong == Wrong::Html { "text/html" } else { "text/csv;charset=UTF-8" };
        let told = match wrong {
            Wrong::Untold => String::new(),
            Wrong::OneMore => format!("sforce-numberofrecords: {}\r\n", to - from - 1),
            _ => format!("sforce-numberofrecords: {}\r\n", to - from),
        };
        let next = if to < self.records { (page + 1).to_string() } else { "null".to_owned() };
        stream
            .write_all(
                format!(
                    "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\n{told}sforce-locator: {next}\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n"
                )
                .as_bytes(),
            )
            .await?;
        let filling = "x".repeat(self.width);
        let mut part = "\"Id\",\"Username\"\n".to_owned();
        for number in from..to {
            part.push_str(&format!("\"{}\",\"{filling} \"\"{number}\"\",\n\"", uid(number)));
            part.push_str(if wrong == Wrong::Unbroken && number + 1 == to { "" } else { "\n" });
            let half = number == from + (to - from) / 2;
            if part.len() > 16_000 || number + 1 == to || (half && wrong != Wrong::Nothing) {
                stream.write_all(format!("{:x}\r\n{part}\r\n", part.len()).as_bytes()).await?;
                part.clear();
            }
            match wrong {
                Wrong::Cut if half => return stream.shutdown().await,
                Wrong::Short if half => break,
                _ => {}
            }
        }
        stream.write_all(b"0\r\n\r\n").await?;
        stream.shutdown().await
    }
}

fn salesforce(url: &str, more: Value) -> Salesforce {
    let mut properties = json!({"loginUrl": url, "instanceUrl": url, "permitsPerSecond": 10_000});
    properties.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let document =
        json!({"connectorRef": {"connectorName": "Salesforce"}, "configurationProperties": properties});
    Salesforce::new(
        &ConnectorConfig::parse(&document.to_string(), Some("sf")).unwrap(),
        Arc::new(MemoryCredentials::with_access_token("a-session")),
        Arc::new(|| Timestamp::from_second(1_790_000_000).unwrap()),
        Arc::new(Impatient::default()) as Arc<dyn Waiter>,
    )
    .unwrap()
}

fn users() -> Search {
    Search { object_type: "User".into(), attributes: vec!["Username".into()], ..Search::default() }
}

/// Reads everything and checks that each record came once and in order. Gives how many.
async fn read(salesforce: &Salesforce) -> Result<usize, ConnectorError> {
    let mut pages = salesforce.search(users());
    let mut seen = 0;
    while let Some(page) = pages.next().await {
        let page = page?;
        assert!(page.objects.len() <= 2000 && page.repeated == 0);
        for object in page.objects {
            assert!(object.uid.starts_with(&uid(seen)), "{} instead of {}", object.uid, uid(seen));
            let name = object.attributes["Username"].as_str().unwrap();
            assert!(name.ends_with(&format!("\"{seen}\",\n")), "{name}");
            seen += 1;
        }
    }
    Ok(seen)
}

impl Served {
    fn count(&self, what: &str) -> usize {
        self.asked.lock().unwrap().iter().filter(|target| target.contains(what)).count()
    }
}

#[tokio::test]
async fn pages_are_read_side_by_side_where_that_costs_no_more_calls() {
    // records of a page, whether they are offered side by side, version -> calls for addresses, calls for pages
    for (page, side_by_side, version, links, pages) in [
        (50_000, true, 66, 1, 3),
        // Small pages would cost more calls than asking for large ones.
        (15_000, true, 66, 1, 9),
        (50_000, false, 66, 1, 3),
        (50_000, true, 57, 0, 3),
    ] {
        let served = Job { page, side_by_side, ..Job::default() }.serve().await;
        let salesforce = salesforce(&served.url, json!({"version": version}));
        assert_eq!(read(&salesforce).await.unwrap(), 130_000, "{page} {side_by_side} {version}");
        assert_eq!(
            (served.count("/resultPages"), served.count("/results?")),
            (links, pages),
            "{page} {version}"
        );
        assert_eq!(served.count("maxRecords=50000") == 0, side_by_side && page == 50_000 && version == 66);
    }
    // Pages that do not fit into a socket are under way at the same time, three at most and never more than allowed.
    for (connections, most) in [(10, 3), (1, 1)] {
        let job = Job { page: 6_000, records: 24_000, width: 1000, counted: false, ..Job::default() };
        let served = job.serve().await;
        let more = json!({"maximumConnections": connections, "bulkReadThreshold": 1000});
        assert_eq!(read(&salesforce(&served.url, more)).await.unwrap(), 24_000);
        assert_eq!(served.most.load(Ordering::SeqCst), most, "{connections}");
    }
    // More than one batch of addresses.
    let served = Job { records: 330_000, ..Job::default() }.serve().await;
    assert_eq!(read(&salesforce(&served.url, json!({}))).await.unwrap(), 330_000);
    assert_eq!((served.count("/resultPages"), served.count("/results?")), (2, 7));
}

#[tokio::test]
async fn pages_that_break_off_are_taken_up_and_wrong_ones_are_refused() {
    type Case = (&'static str, fn(usize) -> Wrong, usize, Result<(), ErrorKind>);
    let cases: [Case; 10] = [
        ("cut once", |page| if page == 2 { Wrong::Cut } else { Wrong::Nothing }, 1, Ok(())),
        ("every page cut", |_| Wrong::Cut, 1, Ok(())),
        ("short once", |page| if page == 1 { Wrong::Short } else { Wrong::Nothing }, 1, Ok(())),
        ("web page once", |page| if page == 0 { Wrong::Html } else { Wrong::Nothing }, 1, Ok(())),
        ("no count", |_| Wrong::Untold, 9, Ok(())),
        ("no last line break", |_| Wrong::Unbroken, 9, Ok(())),
        (
            "cut for good",
            |page| if page == 2 { Wrong::Cut } else { Wrong::Nothing },
            99,
            Err(ErrorKind::Unreachable),
        ),
        (
            "short for good",
            |page| if page == 2 { Wrong::Short } else { Wrong::Nothing },
            99,
            Err(ErrorKind::Untrusted),
        ),
        (
            "more than told",
            |page| if page == 1 { Wrong::OneMore } else { Wrong::Nothing },
            99,
            Err(ErrorKind::Untrusted),
        ),
        ("web pages", |_| Wrong::Html, 99, Err(ErrorKind::Untrusted)),
    ];
    for (name, spoilt, times, expect) in cases {
        for side_by_side in [true, false] {
            let served = Job { spoilt, times, side_by_side, ..Job::default() }.serve().await;
            match (read(&salesforce(&served.url, json!({}))).await, expect) {
                (Ok(seen), Ok(())) => assert_eq!(seen, 130_000, "{name}, {side_by_side}"),
                (Err(error), Err(kind)) => assert_eq!(error.kind, kind, "{name}, {side_by_side}: {error}"),
                (found, _) => panic!("{name}, {side_by_side}: {found:?}"),
            }
        }
    }
}

#[tokio::test]
async fn addresses_that_lead_astray_are_not_followed() {
    for (more, words) in [
        ("https://evil.example/steal", "none of Salesforce's API"),
        ("/services/data/v66.0/jobs/query/750/resultPages?locator=5", "do not advance"),
    ] {
        let served = Job { records: 330_000, more: Some(more), ..Job::default() }.serve().await;
        let error = read(&salesforce(&served.url, json!({}))).await.unwrap_err();
        assert!(error.kind == ErrorKind::Untrusted && error.message.contains(words), "{error}");
    }
}

/// What the process holds at most since the last call, in MiB.
#[cfg(target_os = "linux")]
fn peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() / 1024
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn memory_stays_flat_however_much_comes() {
    // 10 MiB, then 120: the second read may not need more.
    let mut peaks = Vec::new();
    for records in [25_000, 60_000, 300_000] {
        let served = Job { records, width: 380, ..Job::default() }.serve().await;
        let salesforce = salesforce(&served.url, json!({"bulkReadThreshold": 1000}));
        peak();
        let mut pages = salesforce.search(users());
        let mut seen = 0;
        while let Some(page) = pages.next().await {
            seen += page.unwrap().objects.len();
        }
        assert_eq!(seen, records);
        peaks.push(peak());
    }
    assert!(peaks[2] < peaks[0] + 24, "{peaks:?} MiB");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_body_that_unpacks_without_end_is_cut() {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    for _ in 0..300 {
        encoder.write_all(&vec![b' '; 1024 * 1024]).unwrap();
    }
    let bomb = encoder.finish().unwrap();
    assert!(bomb.len() < 2 * 1024 * 1024);
    let packed = |kind: &str| {
        let mut reply = Reply::json(200, json!(null)).with("content-encoding", "gzip");
        reply.headers[0].1 = kind.to_owned();
        reply.body = bomb.clone();
        reply
    };
    // As a page of records: what is unpacked is counted, and reading stops at 32 MiB.
    let script = Script::new([packed("application/json")]).await;
    let salesforce = salesforce(&script.url, json!({}));
    peak();
    let error = read(&salesforce).await.unwrap_err();
    assert!(error.message.contains("larger than 32 MiB"), "{error}");
    assert!(script.requests()[0].header("accept-encoding").unwrap().contains("gzip"));

    // As a result of a job, of which there is no end to tell: a line that does not end is none.
    let bomb = packed("text/csv");
    let script =
        Script::answering(move |request| match request.target.split('?').next().unwrap_or_default() {
            path if path.ends_with("/results") => bomb.clone(),
            path if path.ends_with("/jobs/query") => Reply::json(
                200,
                json!({"id": "750", "state": "JobComplete", "numberRecordsProcessed": 30_000}),
            ),
            path if path.ends_with("/describe") => {
                Reply::json(200, json!({"name": "User", "fields": [{"name": "Id"}, {"name": "Username"}]}))
            }
            _ => Reply::json(200, json!({"totalSize": 30_000, "done": false, "records": []})),
        })
        .await;
    let salesforce = self::salesforce(&script.url, json!({}));
    let error = read(&salesforce).await.unwrap_err();
    assert!(error.message.contains("does not end"), "{error}");
    let peak = peak();
    assert!(peak < 160, "{peak} MiB");
}
