//! The results of a query job: pages of CSV that are read while they come, several side by side where Salesforce hands
//! them out so, and that are put together in their order.
//!
//! However many records there are, memory holds no more than a few hundred of each page that is under way. A page that
//! breaks off is asked for again, and what was delivered of it is left out.

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use async_stream::try_stream;
use futures::StreamExt as _;
use futures::stream::{BoxStream, FuturesUnordered};
use model::Attributes;
use reqwest::header::CONTENT_TYPE;
use serde::Deserialize;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use url::Url;

use super::Salesforce;
use super::bulk::QueryJob;
use super::csv::Decoder;
use super::read::PAGE;
use crate::error::ConnectorError;
use crate::http::{Failure, with_jitter};

/// Most records in one page of a result.
const ROWS: u64 = 50_000;
/// Pages under way at the same time, at most.
const AT_ONCE: usize = 3;
/// Records that are handed over together, and how many such packets wait for whoever reads.
const PACKET: usize = 250;
const PACKETS: usize = 4;
/// The version from which on result pages can be read side by side.
const RESULT_PAGES: u32 = 58;
/// How often a page is asked for again without having come further.
const TRIES: u32 = 3;
const PAUSE: Duration = Duration::from_millis(500);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResultPages {
    result_pages: Vec<ResultPage>,
    #[serde(default)]
    next_records_url: Option<String>,
    #[serde(default)]
    done: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResultPage {
    result_url: String,
}

/// What happens next in a read.
enum Step {
    /// Records of the page in front; `None` once it has no more.
    Packet(Option<Vec<Attributes>>),
    /// A page came to its end, and told where the next one is.
    Ended(Result<Option<String>, ConnectorError>),
}

/// Which pages are still to be fetched.
struct Pages {
    urls: VecDeque<Url>,
    /// Where more addresses are.
    more: Option<Url>,
    /// Each page tells where the next one is.
    chained: bool,
    /// Addresses that were used: one that comes twice would never end.
    known: HashSet<Url>,
}

impl Salesforce {
    /// Every record of a query job, in its order. A job that delivers less than it has ends in an error.
    pub(super) fn results(&self, job: QueryJob) -> BoxStream<'_, Result<Vec<Attributes>, ConnectorError>> {
        Box::pin(try_stream! {
            let mut pages = self.first_pages(&job).await?;
            let at_once = usize::try_from(self.http.connections()).map_or(AT_ONCE, |most| most.min(AT_ONCE));
            let mut under_way: VecDeque<Receiver<Vec<Attributes>>> = VecDeque::new();
            let mut downloads = FuturesUnordered::new();
            let mut records: Vec<Attributes> = Vec::new();
            let mut read = 0;
            loop {
                if pages.urls.is_empty() && let Some(more) = pages.more.take() {
                    let next = self.more_pages(&job, &mut pages, more).await?;
                    self.add(&job, &mut pages, next)?;
                }
                while under_way.len() < at_once && let Some(url) = pages.urls.pop_front() {
                    let (sender, receiver) = channel(PACKETS);
                    downloads.push(self.download(&job, url, sender));
                    under_way.push_back(receiver);
                }
                let step = match under_way.front_mut() {
                    Some(front) => tokio::select! {
                        packet = front.recv() => Step::Packet(packet),
                        Some(ended) = downloads.next() => Step::Ended(ended),
                    },
                    None => match downloads.next().await {
                        Some(ended) => Step::Ended(ended),
                        None if pages.urls.is_empty() && pages.more.is_none() => break,
                        None => continue,
                    },
                };
                let packet = match step {
                    Step::Packet(Some(packet)) => packet,
                    Step::Packet(None) => {
                        under_way.pop_front();
                        continue;
                    }
                    Step::Ended(locator) => {
                        self.ended(&job, &mut pages, locator?)?;
                        continue;
                    }
                };
                read += packet.len() as u64;
                if job.expected.is_some_and(|expected| read > expected) {
                    Err(self.incomplete(&job, read))?;
                }
                records.extend(packet);
                while records.len() >= PAGE {
                    let rest = records.split_off(PAGE);
                    yield std::mem::replace(&mut records, rest);
                }
            }
            if job.expected.is_some_and(|expected| read != expected) {
                Err(self.incomplete(&job, read))?;
            }
            if !records.is_empty() {
                yield records;
            }
        })
    }

    fn incomplete(&self, job: &QueryJob, read: u64) -> ConnectorError {
        self.untrusted(format!(
            "bulk job {} has {} records and delivered {read}; nothing was done with the wrong list, run again",
            job.id,
            job.expected.unwrap_or_default()
        ))
    }

    /// A page that has come to its end.
    fn ended(
        &self,
        job: &QueryJob,
        pages: &mut Pages,
        locator: Option<String>,
    ) -> Result<(), ConnectorError> {
        match locator.filter(|_| pages.chained) {
            Some(locator) => self.add(job, pages, vec![self.page(job, Some(&locator))]),
            None => Ok(()),
        }
    }

    fn add(&self, job: &QueryJob, pages: &mut Pages, urls: Vec<Url>) -> Result<(), ConnectorError> {
        for url in urls {
            if !pages.known.insert(url.clone()) {
                return Err(self.untrusted(format!("the results of bulk job {} do not advance", job.id)));
            }
            pages.urls.push_back(url);
        }
        Ok(())
    }

    fn page(&self, job: &QueryJob, locator: Option<&str>) -> Url {
        let mut url = self.url(&format!("jobs/query/{}/results", job.id));
        url.query_pairs_mut().append_pair("maxRecords", &ROWS.to_string());
        if let Some(locator) = locator {
            url.query_pairs_mut().append_pair("locator", locator);
        }
        url
    }

    /// Side by side where that is offered and costs no more calls, one after the other elsewhere.
    async fn first_pages(&self, job: &QueryJob) -> Result<Pages, ConnectorError> {
        let mut pages = Pages { urls: VecDeque::new(), more: None, chained: false, known: HashSet::new() };
        let alone = job.expected.map(|expected| expected.div_ceil(ROWS).max(1));
        if self.settings.version >= RESULT_PAGES && alone != Some(1) {
            let url = self.url(&format!("jobs/query/{}/resultPages", job.id));
            match self.send(&self.get(url), |a| a.json::<ResultPages>()).await {
                Ok(told) => {
                    // There are more of them than these when it says so.
                    let least = told.result_pages.len() as u64 + u64::from(told.done != Some(true));
                    let few = alone.is_none_or(|alone| least <= alone);
                    if few && !told.result_pages.is_empty() {
                        let urls = self.addresses(job, &mut pages, told)?;
                        self.add(job, &mut pages, urls)?;
                        return Ok(pages);
                    }
                }
                Err(Failure::Refused(refusal)) => {
                    tracing::debug!(connector = %self.name, "result pages are read one by one: {}", refusal.error);
                }
                Err(failure) => return Err(failure.into()),
            }
        }
        pages.chained = true;
        self.add(job, &mut pages, vec![self.page(job, None)])?;
        Ok(pages)
    }

    /// The addresses of the next pages; `pages` learns where there are more.
    fn addresses(
        &self,
        job: &QueryJob,
        pages: &mut Pages,
        told: ResultPages,
    ) -> Result<Vec<Url>, ConnectorError> {
        if told.done != Some(true) {
            pages.more = told.next_records_url.map(|path| self.address(job, &path)).transpose()?;
        }
        told.result_pages.iter().map(|page| self.address(job, &page.result_url)).collect()
    }

    async fn more_pages(
        &self,
        job: &QueryJob,
        pages: &mut Pages,
        url: Url,
    ) -> Result<Vec<Url>, ConnectorError> {
        if !pages.known.insert(url.clone()) {
            return Err(self.untrusted(format!("the results of bulk job {} do not advance", job.id)));
        }
        let told = self.send(&self.get(url), |a| a.json::<ResultPages>()).await?;
        self.addresses(job, pages, told)
    }

    /// The address behind a path that an answer named. Only path and query count: an answer never says where the token
    /// goes.
    fn address(&self, job: &QueryJob, path: &str) -> Result<Url, ConnectorError> {
        let told = Url::parse(path).ok().or_else(|| self.somewhere.join(path).ok());
        let told = told.filter(|url| url.path().starts_with("/services/data/")).ok_or_else(|| {
            self.untrusted(format!(
                "the results of bulk job {} go on at an address that is none of Salesforce's API",
                job.id
            ))
        })?;
        let mut url = self.somewhere.clone();
        url.set_path(told.path());
        url.set_query(told.query());
        Ok(url)
    }

    /// Fetches a page and hands its records over. Gives where the next one is.
    async fn download(
        &self,
        job: &QueryJob,
        url: Url,
        records: Sender<Vec<Attributes>>,
    ) -> Result<Option<String>, ConnectorError> {
        let (mut given, mut tries) = (0, 0);
        loop {
            let before = given;
            match self.download_once(job, &url, &records, &mut given).await {
                Ok(next) => return Ok(next),
                // It did not even begin, after all that a call goes through.
                Err(Stop::Call(error)) => return Err(error),
                Err(Stop::Body(error)) => {
                    tries = if given > before { 0 } else { tries + 1 };
                    if tries >= TRIES {
                        return Err(error);
                    }
                    tracing::debug!(connector = %self.name, "a page is asked for again: {error}");
                    self.waiter.wait(with_jitter(PAUSE)).await;
                }
            }
        }
    }

    async fn download_once(
        &self,
        job: &QueryJob,
        url: &Url,
        records: &Sender<Vec<Attributes>>,
        given: &mut u64,
    ) -> Result<Option<String>, Stop> {
        let garbled = |what: String| {
            let error = self.untrusted(format!("GET {}: {what}", url.path()));
            Stop::Body(error)
        };
        self.within_share().map_err(|failure| Stop::Call(failure.into()))?;
        let mut opened =
            self.http.open(&self.get(url.clone())).await.map_err(|failure| Stop::Call(failure.into()))?;
        let header = |name: &str| opened.headers.get(name).and_then(|v| v.to_str().ok()).map(str::trim);
        let kind = header(CONTENT_TYPE.as_str()).unwrap_or_default().to_ascii_lowercase();
        if !kind.is_empty() && !kind.contains("csv") {
            let kind: String = kind.chars().filter(|c| !c.is_control()).take(60).collect();
            return Err(garbled(format!("the answer is `{kind}` instead of CSV")));
        }
        let told: Option<u64> = header("sforce-numberofrecords").and_then(|text| text.parse().ok());
        let next = header("sforce-locator").filter(|l| !l.is_empty() && *l != "null").map(str::to_owned);
        let mut reading = Reading { job, records, head: None, packet: Vec::new(), seen: 0, told, given };
        let mut decoder = Decoder::default();
        while let Some(chunk) = opened.chunk().await.map_err(Stop::Body)? {
            decoder.push(chunk.as_ref());
            while let Some(line) = decoder.next_line().map_err(garbled)? {
                reading.take(line).await.map_err(garbled)?;
            }
        }
        if let Some(line) = decoder.finish().map_err(garbled)? {
            reading.take(line).await.map_err(garbled)?;
        }
        reading.finish().await.map_err(garbled)?;
        Ok(next)
    }
}

/// Why a page was not read to its end.
enum Stop {
    /// The call failed; it was tried as often as makes sense.
    Call(ConnectorError),
    /// The body broke off, or is none.
    Body(ConnectorError),
}

/// A page while it comes.
struct Reading<'r> {
    job: &'r QueryJob,
    records: &'r Sender<Vec<Attributes>>,
    head: Option<Vec<String>>,
    packet: Vec<Attributes>,
    /// Records of the page that were read, how many it says it has, and how many were handed over, now or before.
    seen: u64,
    told: Option<u64>,
    given: &'r mut u64,
}

impl Reading<'_> {
    async fn take(&mut self, line: Vec<String>) -> Result<(), String> {
        let Some(head) = &self.head else {
            self.head = Some(line);
            return Ok(());
        };
        self.seen += 1;
        if let Some(told) = self.told.filter(|told| self.seen > *told) {
            return Err(format!("the result says {told} records and has more"));
        }
        if self.seen > *self.given + self.packet.len() as u64 {
            self.packet.push(self.job.record(head, line));
        }
        if self.packet.len() >= PACKET { self.hand_over().await } else { Ok(()) }
    }

    async fn hand_over(&mut self) -> Result<(), String> {
        let packet = std::mem::take(&mut self.packet);
        let count = packet.len() as u64;
        self.records.send(packet).await.map_err(|_| "nobody reads it any more".to_owned())?;
        *self.given += count;
        Ok(())
    }

    async fn finish(mut self) -> Result<(), String> {
        // The last packet waits until it is certain that the page is whole.
        match self.told {
            Some(told) if told != self.seen => {
                Err(format!("the result says {told} records and has {}", self.seen))
            }
            _ if self.packet.is_empty() => Ok(()),
            _ => self.hand_over().await,
        }
    }
}
