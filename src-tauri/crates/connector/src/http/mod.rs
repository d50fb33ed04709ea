//! The one way out: every call of every connector goes through [`Http::send`], which spreads calls over the permits,
//! rests when the provider says so, tries again what may be tried again, counts, and never lets a token near another
//! host or an error text.

mod answer;
mod call;
pub(crate) mod client;
mod daily_calls;
mod dialect;
mod opened;
mod pace;
mod tls;

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use model::{Clock, ConnectorConfig, Secret};
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderValue, IF_MATCH, IF_MODIFIED_SINCE};
use reqwest::{Client, Method};
use tokio::sync::{OnceCell, Semaphore};
use url::Url;

pub(crate) use self::answer::Answer;
use self::call::bearer_header;
pub(crate) use self::call::{Bearer, Call, Payload, Repeat};
use self::client::{NetworkSettings, chain};
use self::daily_calls::DailyCalls;
pub(crate) use self::dialect::{Dialect, Failure, Interval, Judgement, Refusal};
pub(crate) use self::opened::Opened;
pub(crate) use self::pace::with_jitter;
use self::pace::{Admitted, Lane};
pub use self::pace::{RealTime, Waiter};
use crate::credentials::Credentials;
use crate::error::{ConnectorError, ErrorKind};
use crate::port::Usage;

/// More than any page of records can be; a body beyond it is cut off unread.
const BODY_LIMIT: usize = 32 * 1024 * 1024;
/// The longest that a call waits for a limit to pass before the wait becomes the caller's.
const PATIENCE: Duration = Duration::from_secs(120);
/// How often a call is let through while the day's calls are used up.
const PROBE: Duration = Duration::from_secs(3600);
/// How often one call is sent again after a limit was reached.
const LIMIT_TRIES: u32 = 8;
/// How often one call is sent again because the network or the provider failed: 200 ms, 400 ms, ... 3.2 s.
const TROUBLE_TRIES: u32 = 5;
/// How often a read whose answer has the wrong shape is asked again.
const GARBLED_TRIES: u32 = 2;
const TROUBLE_STEP: Duration = Duration::from_millis(200);
/// Search endpoints have permits of their own, on top of the others.
const SEARCHES_PER_SECOND: u32 = 5;

/// How one exchange on the wire went wrong.
enum Broken {
    /// No connection was made, so nothing can have been done.
    NotSent(ConnectorError),
    /// The connection broke at some later point.
    Lost(ConnectorError),
    /// The provider is not what it seems; sending again will not help.
    TooLarge(ConnectorError),
}

/// What is done with the answer to a call.
enum Reading<'r, 'h, T> {
    /// It is read whole, as often as its shape is wrong.
    Whole(&'r (dyn Fn(&Answer) -> Result<T, String> + Send + Sync)),
    /// It is handed on before its body has come.
    Open(fn(Opened<'h>) -> T),
}

/// Why an attempt gave no value.
enum Setback<'a> {
    /// No further attempt will change it.
    Final(Failure),
    NotAccepted {
        expired: bool,
        refusal: Box<Refusal>,
    },
    /// Nothing was done because of a limit. Without a lane only this call waits.
    Limited {
        rest: Duration,
        lane: Option<&'a Lane>,
        error: ConnectorError,
    },
    DayUsedUp {
        told: Option<Duration>,
        error: ConnectorError,
    },
    /// The network or the provider failed; `unclear` where something may have been done.
    Trouble {
        error: ConnectorError,
        unclear: bool,
        garbled: bool,
    },
}

/// What one call has been through.
#[derive(Default)]
struct Tries {
    limited: u32,
    waited: Duration,
    troubled: u32,
    replaced: bool,
}

/// The way out of one connection.
pub(crate) struct Http {
    name: String,
    network: NetworkSettings,
    credentials: Arc<dyn Credentials>,
    clock: Arc<dyn Clock>,
    waiter: Arc<dyn Waiter>,
    dialect: Box<dyn Dialect>,
    client: OnceCell<Client>,
    connections: Semaphore,
    general: Lane,
    searches: Lane,
    /// Further limits, where the configuration has them.
    reads: Option<Lane>,
    writes: Option<Lane>,
    permits_per_second: u32,
    /// Where a bearer token may go.
    token_home: Url,
    calls: AtomicU64,
    /// How long answers take lately, in microseconds; zero before the first one.
    latency: AtomicU64,
    most_connections: u64,
    daily: DailyCalls,
    interval: Mutex<Option<Interval>>,
    /// When the credentials were last told that they are taken, if that was the last they were told.
    taken: Mutex<Option<Timestamp>>,
}

/// How long it is not told again that the credentials are taken. Another process may have found them refused meanwhile.
const TAKEN_FOR: SignedDuration = SignedDuration::from_secs(5);

impl Http {
    /// Reads the network settings. Nothing is opened or sent yet. Tokens go to the origin of `token_home` only.
    pub fn new(
        config: &ConnectorConfig,
        token_home: Url,
        dialect: Box<dyn Dialect>,
        credentials: Arc<dyn Credentials>,
        clock: Arc<dyn Clock>,
        waiter: Arc<dyn Waiter>,
    ) -> Result<Self, ConnectorError> {
        let configured = config.number("permitsPerSecond")?;
        let permits = u32::try_from(configured.unwrap_or(10))
            .ok()
            .filter(|n| *n <= 100_000)
            .and_then(NonZeroU32::new)
            .ok_or_else(|| config.bad("permitsPerSecond", "must be between 1 and 100000"))?;
        let connections = config.number("maximumConnections")?.unwrap_or(10);
        if !(1..=1000).contains(&connections) {
            return Err(config.bad("maximumConnections", "must be between 1 and 1000").into());
        }
        let searches = NonZeroU32::new(SEARCHES_PER_SECOND).unwrap_or(NonZeroU32::MIN).min(permits);
        let lane = |property: &str| -> Result<Option<Lane>, ConnectorError> {
            let limit = pace::rate(config, property)?;
            Ok(limit.map(|(calls, within)| Lane::spread(calls, within, Arc::clone(&waiter))))
        };
        let (reads, writes) = (lane("readRateLimit")?, lane("writeRateLimit")?);
        Ok(Self {
            name: config.name.clone(),
            network: NetworkSettings::from_config(config)?,
            credentials,
            clock,
            dialect,
            client: OnceCell::new(),
            connections: Semaphore::new(usize::try_from(connections).unwrap_or(1)),
            general: match configured {
                Some(_) => Lane::new(permits, Arc::clone(&waiter)),
                None => Lane::learning(permits, Arc::clone(&waiter)),
            },
            searches: Lane::new(searches, Arc::clone(&waiter)),
            reads,
            writes,
            waiter,
            permits_per_second: permits.get(),
            token_home,
            calls: AtomicU64::new(0),
            latency: AtomicU64::new(0),
            most_connections: connections,
            daily: DailyCalls::default(),
            interval: Mutex::new(None),
            taken: Mutex::new(None),
        })
    }

    /// The time here.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Calls that may begin within a second.
    pub fn permits_per_second(&self) -> u32 {
        self.general.told().unwrap_or(self.permits_per_second)
    }

    /// Most calls that may be under way at once.
    pub fn connections(&self) -> u64 {
        self.most_connections
    }

    /// How long an answer takes lately, without the wait for a permit.
    pub fn latency(&self) -> Duration {
        Duration::from_micros(self.latency.load(Ordering::Relaxed))
    }

    fn remember_latency(&self, took: Duration) {
        let took = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let before = self.latency.load(Ordering::Relaxed);
        let now = if before == 0 { took } else { (before.saturating_mul(3).saturating_add(took)) / 4 };
        self.latency.store(now, Ordering::Relaxed);
    }

    pub fn usage(&self) -> Usage {
        let interval = *self.interval.lock().unwrap_or_else(PoisonError::into_inner);
        Usage {
            calls: self.calls.load(Ordering::Relaxed),
            daily_remaining: self.daily.remaining(),
            daily_limit: self.daily.limit(),
            interval_remaining: interval.map(|i| u64::from(i.left)),
            interval_limit: interval.map(|i| u64::from(i.allowed.get())),
            interval_seconds: interval.map(|i| i.length.as_secs()),
            resting_seconds: Some(
                self.daily.left(self.waiter.elapsed()).map_or(self.general.rest_left(), |(rest, _)| rest),
            )
            .filter(|r| !r.is_zero())
            .map(|r| r.as_secs().max(1)),
        }
    }

    /// Keeps to what the provider allows in a short time.
    fn keep_to(&self, interval: Interval) {
        *self.interval.lock().unwrap_or_else(PoisonError::into_inner) = Some(interval);
        self.general.allow(interval.allowed, interval.left, interval.length);
    }

    /// Sends a call until it has an answer that `read` understands, as often as its kind allows.
    pub async fn send<T>(
        &self,
        call: &Call<'_>,
        read: impl Fn(&Answer) -> Result<T, String> + Send + Sync,
    ) -> Result<T, Failure> {
        self.repeated(call, Reading::Whole(&read)).await
    }

    /// Sends a call until its answer begins. Its body may be of any length; whoever reads it also starts anew where it
    /// breaks off.
    pub async fn open<'h>(&'h self, call: &Call<'_>) -> Result<Opened<'h>, Failure> {
        self.repeated(call, Reading::Open(|opened| opened)).await
    }

    async fn repeated<'h, T>(&'h self, call: &Call<'_>, reading: Reading<'_, 'h, T>) -> Result<T, Failure> {
        let came = self.as_often_as_needed(call, reading).await;
        if call.bearer.is_some() {
            let refusal = match &came {
                Ok(_) => None,
                Err(Failure::Refused(refusal)) => Some(&refusal.error),
                Err(Failure::NotDone(error) | Failure::Lost(error)) => Some(error),
            };
            self.judge_access(refusal).await;
        }
        came
    }

    /// Tells the credentials how they stand, as far as a call has shown it: each time that they are refused, and now and then
    /// that they are taken. Who refuses what was asked has let in who asked; other failures show nothing.
    async fn judge_access(&self, failure: Option<&ConnectorError>) {
        let now = match failure {
            None => Some(self.now()),
            Some(error) if error.kind == ErrorKind::Refused => Some(self.now()),
            Some(error) if error.kind == ErrorKind::Unauthorized => None,
            Some(_) => return,
        };
        {
            let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
            if let (Some(told), Some(now)) = (*taken, now)
                && now.duration_since(told).abs() < TAKEN_FOR
            {
                return;
            }
            *taken = now;
        }
        self.credentials.judged(failure.filter(|error| error.kind == ErrorKind::Unauthorized)).await;
    }

    async fn as_often_as_needed<'h, T>(
        &'h self,
        call: &Call<'_>,
        reading: Reading<'_, 'h, T>,
    ) -> Result<T, Failure> {
        if call.bearer.is_some() && call.url.origin() != self.token_home.origin() {
            return Err(Failure::NotDone(self.error(
                ErrorKind::Configuration,
                "a call to another host than the configured one was stopped before it took the token along",
            )));
        }
        let mut tries = Tries::default();
        let mut token = None;
        loop {
            let admitted = self.admit(call).await?;
            if let (Some(bearer), false) = (call.bearer, tries.replaced) {
                token = Some(bearer.current().await.map_err(Failure::NotDone)?);
            }
            let came = self.attempt(call, token.as_ref(), tries.limited, &reading).await;
            drop(admitted);
            match came {
                Ok(value) => {
                    if self.daily.runs_short() {
                        self.ask_for_day(token.as_ref()).await;
                    }
                    return Ok(value);
                }
                // A wait that is short enough is like any other.
                Err(Setback::DayUsedUp { told: Some(rest), error })
                    if rest + tries.waited <= PATIENCE && tries.limited < LIMIT_TRIES =>
                {
                    self.general.rest(with_jitter(rest));
                    tracing::debug!(connector = %self.name, seconds = rest.as_secs(), "resting: {error}");
                    tries.limited += 1;
                    tries.waited += rest;
                }
                Err(Setback::DayUsedUp { told, error }) => {
                    if told.is_none() {
                        self.ask_for_day(token.as_ref()).await;
                    }
                    return Err(Failure::NotDone(self.end_day(told, error)));
                }
                Err(Setback::Final(failure)) => return Err(failure),
                Err(Setback::NotAccepted { expired, refusal }) => {
                    let (Some(bearer), Some(old), false) = (call.bearer, &token, tries.replaced) else {
                        return Err(Failure::Refused(refusal));
                    };
                    match bearer.replace(old, expired).await.map_err(Failure::NotDone)? {
                        Some(better) => token = Some(better),
                        None => return Err(Failure::Refused(refusal)),
                    }
                    tries.replaced = true;
                }
                Err(Setback::Limited { rest, lane, error }) => {
                    let give_up = rest + tries.waited > PATIENCE || tries.limited >= LIMIT_TRIES;
                    // The other calls shall not run into the same wall.
                    if let Some(lane) = lane {
                        lane.refused();
                        lane.rest(if give_up { rest } else { with_jitter(rest) });
                    }
                    if give_up {
                        let error = ConnectorError { retry_after: error.retry_after.or(Some(rest)), ..error };
                        return Err(Failure::NotDone(error));
                    }
                    tracing::debug!(connector = %self.name, seconds = rest.as_secs(), "resting: {error}");
                    tries.limited += 1;
                    tries.waited += rest;
                    if lane.is_none() {
                        self.waiter.wait(with_jitter(rest)).await;
                    }
                }
                Err(Setback::Trouble { error, unclear, garbled }) => {
                    if unclear && call.repeat == Repeat::Never {
                        return Err(Failure::Lost(error));
                    }
                    let most = if garbled { GARBLED_TRIES } else { TROUBLE_TRIES };
                    if tries.troubled >= most {
                        return Err(Failure::NotDone(error));
                    }
                    tracing::debug!(connector = %self.name, attempt = tries.troubled + 1, "trying again: {error}");
                    self.waiter.wait(with_jitter(TROUBLE_STEP * 2u32.pow(tries.troubled))).await;
                    tries.troubled += 1;
                }
            }
        }
    }

    /// Sends a call once and sorts what comes of it.
    async fn attempt<'h, T>(
        &'h self,
        call: &Call<'_>,
        token: Option<&Secret>,
        limited: u32,
        reading: &Reading<'_, 'h, T>,
    ) -> Result<T, Setback<'h>> {
        let setback = |broken| match broken {
            Broken::NotSent(error) => Setback::Trouble { error, unclear: false, garbled: false },
            Broken::Lost(error) => Setback::Trouble { error, unclear: true, garbled: false },
            Broken::TooLarge(error) => Setback::Final(Failure::Lost(error)),
        };
        let opened = self.begin(call, token, matches!(reading, Reading::Open(_))).await.map_err(setback)?;
        let unchanged = opened.status == 304 && matches!(call.payload, Payload::NoneSince(_));
        let fine = unchanged || (200..300).contains(&opened.status);
        let read = match reading {
            Reading::Open(take) if fine => return Ok(take(opened)),
            Reading::Open(_) => None,
            Reading::Whole(read) => Some(read),
        };
        let mut answer = opened.whole(token).await.map_err(setback)?;
        if let Some(read) = read.filter(|_| fine) {
            if self.general.rest_left().is_zero() {
                self.daily.begin();
            }
            return read(&answer).map_err(|what| {
                let error =
                    self.error(ErrorKind::Untrusted, format!("{} {}: {what}", call.method, call.url.path()));
                Setback::Trouble { error, unclear: true, garbled: true }
            });
        }
        for secret in token.into_iter().chain(&call.secrets) {
            answer.scrub(secret);
        }
        let judgement = self.dialect.judge(&answer, limited);
        let Answer { status, body, .. } = answer;
        let refused = |error| Box::new(Refusal { status, body, error });
        Err(match judgement {
            Judgement::Refused(error) => Setback::Final(Failure::Refused(refused(error))),
            Judgement::NotAccepted { expired, error } => {
                Setback::NotAccepted { expired, refusal: refused(error) }
            }
            Judgement::Throttled { rest, searches_only, error } => {
                let lane = if searches_only && call.search { &self.searches } else { &self.general };
                Setback::Limited { rest, lane: Some(lane), error }
            }
            Judgement::DayUsedUp { told, error } => Setback::DayUsedUp { told, error },
            Judgement::Busy { rest, error } => Setback::Limited { rest, lane: None, error },
            Judgement::Trouble(error) => Setback::Trouble { error, unclear: true, garbled: false },
        })
    }

    /// Asks, once, what tells when the day ends. Whatever comes back, the call that this is about goes on.
    async fn ask_for_day(&self, token: Option<&Secret>) {
        let Some(url) = self.dialect.question().filter(|u| u.origin() == self.token_home.origin()) else {
            return;
        };
        if !self.daily.is_first_question() {
            return;
        }
        match self.exchange(&Call::get(url), token).await {
            Ok(answer) if answer.status == 200 => self.dialect.learn(&answer),
            Ok(answer) => {
                tracing::debug!(connector = %self.name, status = answer.status, "no answer when the day ends")
            }
            Err(_) => tracing::debug!(connector = %self.name, "no answer when the day ends"),
        }
    }

    /// Notes that the day's calls are used up. The error says until when.
    fn end_day(&self, told: Option<Duration>, error: ConnectorError) -> ConnectorError {
        let (rest, when) = match (told, self.dialect.new_day(self.clock.now())) {
            (Some(rest), _) => (rest, format!("it gives new ones in {}", words(rest))),
            (None, Some((rest, when))) => (rest, when),
            (None, None) => (PROBE, "it did not say for how long".to_owned()),
        };
        let error = ConnectorError {
            message: format!("{}; {when}", error.message),
            retry_after: Some(rest),
            ..error
        };
        self.daily.end(self.waiter.elapsed() + rest, error.clone());
        // The plan may have been changed meanwhile, so a call is let through now and then.
        self.general.rest(rest.min(PROBE));
        error
    }

    async fn admit(&self, call: &Call<'_>) -> Result<Admitted<'_>, Failure> {
        let too_long = |rest: Duration| {
            if let Some((_, error)) = self.daily.left(self.waiter.elapsed()) {
                return Failure::NotDone(error);
            }
            let error = self.error(
                ErrorKind::RateLimited,
                format!("the call limit is used up; the provider accepts calls again in {}", words(rest)),
            );
            Failure::NotDone(ConnectorError { retry_after: Some(rest), ..error })
        };
        if call.search {
            self.searches.admit(PATIENCE).await.map_err(too_long)?;
        }
        // Tokens are no records.
        let further = if call.repeat == Repeat::Safe { &self.reads } else { &self.writes };
        if let (Some(lane), Some(_)) = (further, call.bearer) {
            lane.admit(PATIENCE).await.map_err(too_long)?;
        }
        self.general.admit(PATIENCE).await.map_err(too_long)
    }

    async fn exchange(&self, call: &Call<'_>, token: Option<&Secret>) -> Result<Answer, Broken> {
        self.begin(call, token, false).await?.whole(token).await
    }

    /// Sends a call once, up to the head of its answer. `long` is for bodies that are read piece by piece.
    async fn begin<'h>(
        &'h self,
        call: &Call<'_>,
        token: Option<&Secret>,
        long: bool,
    ) -> Result<Opened<'h>, Broken> {
        let client = self.client().await.map_err(Broken::NotSent)?;
        // The semaphore is never closed.
        let connection = self.connections.acquire().await.ok();
        let mut url = call.url.clone();
        if let Some(home) = call.bearer.and_then(Bearer::home) {
            rebase(&mut url, &home).map_err(|()| {
                Broken::NotSent(
                    self.error(
                        ErrorKind::Configuration,
                        format!("`{home}` is no address that calls can go to"),
                    ),
                )
            })?;
        }
        let mut request =
            client.request(call.method.clone(), url.clone()).header(ACCEPT, self.dialect.accept(call));
        for (name, value) in self.dialect.headers(call) {
            request = request.header(name, value);
        }
        if long {
            request = request.timeout(opened::LONGEST);
        }
        request = match &call.payload {
            Payload::None => request,
            Payload::NoneSince(date) => request.header(IF_MODIFIED_SINCE, date),
            Payload::Json(body) => {
                request.header(CONTENT_TYPE, self.dialect.content_type()).body(body.clone())
            }
            Payload::JsonIf { body, version } => request
                .header(CONTENT_TYPE, self.dialect.content_type())
                .header(IF_MATCH, version.as_str())
                .body(body.clone()),
            Payload::Form(body) => request
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(body.expose().to_owned()),
            Payload::Csv(body) => request.header(CONTENT_TYPE, "text/csv").body(body.clone()),
        };
        if let Some(token) = token {
            let (name, value) = call.bearer.map_or_else(|| bearer_header(token), |b| b.header(token));
            let mut header = HeaderValue::try_from(value.expose()).map_err(|_| {
                Broken::NotSent(self.error(
                    ErrorKind::Unauthorized,
                    "the token holds characters that no token has (a line break?); enter it again",
                ))
            })?;
            header.set_sensitive(true);
            request = request.header(name, header);
        }
        self.calls.fetch_add(1, Ordering::Relaxed);
        let sent = self.waiter.elapsed();
        let mut response = request.send().await.map_err(|e| self.broken(&call.method, &url, e))?;
        let status = response.status().as_u16();
        let headers = std::mem::take(response.headers_mut());
        let (remaining, limit) = self.dialect.budget(&headers);
        self.daily.note(remaining, limit);
        if let Some(interval) = self.dialect.interval(&headers) {
            self.keep_to(interval);
        }
        tracing::debug!(connector = %self.name, method = %call.method, path = call.url.path(), status, "call");
        // Whoever reads piece by piece may make other calls meanwhile, which must not wait for it.
        let connection = connection.filter(|_| !long);
        Ok(Opened::new(self, call, url, sent, response, headers, connection))
    }

    async fn client(&self) -> Result<&Client, ConnectorError> {
        self.client
            .get_or_try_init(|| async {
                let password = if self.network.wants_proxy_password() {
                    self.credentials.secret("httpProxyPassword").await?
                } else {
                    None
                };
                self.network.client(password).await
            })
            .await
    }

    fn broken(&self, method: &Method, url: &Url, error: reqwest::Error) -> Broken {
        let host = url.host_str().unwrap_or_default();
        let not_sent = error.is_connect() || error.is_builder();
        let timed_out = error.is_timeout();
        let cause = chain(&error.without_url());
        let error = |what: String| self.error(ErrorKind::Unreachable, what);
        if not_sent {
            let hint = if cause.to_ascii_lowercase().contains("certificate") {
                "; if the server uses an authority of its own, give its certificate as caFile"
            } else {
                "; check the address, the network and the proxy settings"
            };
            Broken::NotSent(error(format!("{host} cannot be reached: {cause}{hint}")))
        } else if timed_out {
            Broken::Lost(error(format!("{host} did not answer in time ({method} {})", url.path())))
        } else {
            Broken::Lost(error(format!(
                "the connection to {host} broke during {method} {}: {cause}",
                url.path()
            )))
        }
    }

    /// Waits in the way in which this connection waits.
    pub async fn pause(&self, duration: Duration) {
        self.waiter.wait(duration).await;
    }

    /// An error that names the connection.
    pub fn error(&self, kind: ErrorKind, what: impl std::fmt::Display) -> ConnectorError {
        ConnectorError::new(kind, format!("connector `{}`: {what}", self.name))
    }
}

/// Moves an address to another origin. Its path stays.
fn rebase(url: &mut Url, home: &Url) -> Result<(), ()> {
    url.set_scheme(home.scheme())?;
    url.set_host(home.host_str()).map_err(drop)?;
    url.set_port(home.port())
}

/// A duration for people.
pub(crate) fn words(duration: Duration) -> String {
    match duration.as_secs() {
        0 => "a moment".to_owned(),
        1 => "1 second".to_owned(),
        s if s < 120 => format!("{s} seconds"),
        s if s < 7200 => format!("{} minutes", s.div_ceil(60)),
        s => format!("{} hours", s.div_ceil(3600)),
    }
}
