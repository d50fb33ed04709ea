//! One request's way through the sandbox: host check, faults, authentication, limits, work, and what a fault makes of
//! the answer.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use axum::body::to_bytes;
use axum::extract::{ConnectInfo, State};
use axum::http::header;
use axum::response::Response;
use jiff::Timestamp;
use tokio::sync::Notify;

use crate::answer::Answer;
use crate::calls::{Call, CallLog};
use crate::faults::{Action, Fault, FaultList};
use crate::limits::{Exceeded, Limiter, Limits};
use crate::net::{Cut, names_loopback};

use super::access::{Caller, KEY_APP, OAUTH_APP};
use super::crm::Crm;
use super::problem::Problem;
use super::request::{Request, pairs, segments};
use super::routes::{Target, is_search, route, target};
use super::tokens::Tokens;
use super::{bend, control, oauth};

const BODY_LIMIT: usize = 16 * 1024 * 1024;
/// Longer request lines are turned away at HubSpot's edge; reports name limits from 8,000 characters on.
const URL_LIMIT: usize = 8_000;

/// How the consent page behaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Consent {
    /// A page with the buttons Allow and Deny.
    #[default]
    Ask,
    /// Straight back with a code.
    Allow,
    /// Straight back with `access_denied`.
    Deny,
}

/// Where the sandbox takes the time from.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// How a sandbox portal is set up.
#[derive(Clone)]
pub struct Options {
    /// Contacts to seed; a twentieth as many companies join them.
    pub records: usize,
    /// Decides all seeded data.
    pub seed: u64,
    /// Keeps the portal over restarts. For the desktop sandbox only; tests start from the seed.
    pub state_file: Option<PathBuf>,
    /// Faults in force from the start.
    pub faults: Vec<Fault>,
    /// Call limits; unlimited by default.
    pub limits: Limits,
    /// Added to every API answer.
    pub latency: Duration,
    /// Lifetime of an access token in seconds.
    pub token_lifetime_secs: i64,
    /// Whether a refresh token is replaced when it is used.
    pub rotate_refresh_tokens: bool,
    /// How long searches keep showing what was before a write.
    pub search_lag: Duration,
    /// A static service key that may do everything.
    pub access_token: Option<String>,
    /// The OAuth app's id.
    pub client_id: String,
    /// The OAuth app's secret.
    pub client_secret: String,
    /// The OAuth app's name on the consent page.
    pub app_name: String,
    /// Redirect addresses registered with the app; http on localhost and 127.0.0.1 is always taken.
    pub redirect_uris: Vec<String>,
    /// What the consent page does.
    pub consent: Consent,
    /// The account's number, `hub_id`.
    pub portal_id: u64,
    /// The account's time zone, an IANA name: its day of calls ends at midnight there.
    pub time_zone: String,
    /// Whether refusals over a limit tell in `Retry-After` how long to wait; HubSpot's do not always.
    pub retry_after: bool,
    /// Contact properties the account's admin made required; version 2026-09 enforces them on creates.
    pub required_properties: Vec<String>,
    /// The sandbox's clock.
    pub clock: Clock,
}

impl Default for Options {
    fn default() -> Options {
        // The one place where the sandbox asks the machine for the time; tests put their own clock here.
        #[allow(clippy::disallowed_methods)]
        let clock: Clock = Arc::new(Timestamp::now);
        Options {
            records: 0,
            seed: 1,
            state_file: None,
            faults: Vec::new(),
            limits: Limits::UNLIMITED,
            latency: Duration::ZERO,
            token_lifetime_secs: 1800,
            rotate_refresh_tokens: false,
            search_lag: Duration::ZERO,
            access_token: Some("sandbox-service-key".to_owned()),
            client_id: "sandbox-client".to_owned(),
            client_secret: "sandbox-secret".to_owned(),
            app_name: "Concord".to_owned(),
            redirect_uris: Vec::new(),
            consent: Consent::Ask,
            portal_id: 24_680,
            time_zone: "UTC".to_owned(),
            retry_after: false,
            required_properties: Vec::new(),
            clock,
        }
    }
}

/// Everything a running sandbox shares between its connections and its handles.
pub(crate) struct Shared {
    pub options: Options,
    crm: RwLock<Crm>,
    tokens: Mutex<Tokens>,
    limiter: Mutex<Limiter>,
    faults: Mutex<FaultList>,
    calls: Mutex<CallLog>,
    pages: Mutex<bend::Pages>,
    /// Wakes the saver.
    pub changed: Notify,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic in another request must not take the whole sandbox down with it.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(crate) fn new(options: Options, crm: Crm, tokens: Tokens) -> Shared {
        Shared {
            faults: Mutex::new(FaultList::new(options.faults.clone())),
            options,
            crm: RwLock::new(crm),
            tokens: Mutex::new(tokens),
            limiter: Mutex::default(),
            calls: Mutex::default(),
            pages: Mutex::default(),
            changed: Notify::new(),
        }
    }

    pub(crate) fn now(&self) -> i64 {
        (self.options.clock)().as_millisecond()
    }

    pub(crate) fn crm(&self) -> RwLockReadGuard<'_, Crm> {
        self.crm.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The CRM for a change; the saver is told.
    pub(crate) fn crm_mut(&self) -> RwLockWriteGuard<'_, Crm> {
        self.touch();
        let mut crm = self.crm.write().unwrap_or_else(PoisonError::into_inner);
        if crm.lag > 0 {
            let now = self.now();
            crm.contacts.catch_up(now);
            crm.companies.catch_up(now);
        }
        crm
    }

    pub(crate) fn touch(&self) {
        self.changed.notify_one();
    }

    pub(crate) fn tokens(&self) -> MutexGuard<'_, Tokens> {
        lock(&self.tokens)
    }

    pub(crate) fn limiter(&self) -> MutexGuard<'_, Limiter> {
        lock(&self.limiter)
    }

    pub(crate) fn faults(&self) -> MutexGuard<'_, FaultList> {
        lock(&self.faults)
    }

    pub(crate) fn calls(&self) -> MutexGuard<'_, CallLog> {
        lock(&self.calls)
    }
}

/// Answers one HTTP request.
pub(crate) async fn serve(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(cut): ConnectInfo<Cut>,
    incoming: axum::extract::Request,
) -> Response {
    let (parts, body) = incoming.into_parts();
    let text = |name| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let host =
        text(header::HOST).or(parts.uri.authority().map(|authority| authority.as_str())).unwrap_or_default();
    // A page of another site must not reach the sandbox by pointing its own name at this machine, nor by a form.
    let origin = text(header::ORIGIN).map(|origin| origin.trim_start_matches("http://"));
    if !names_loopback(host) || origin.is_some_and(|origin| !names_loopback(origin)) {
        let message = "The sandbox answers only requests for localhost, 127.0.0.1 or [::1].";
        return Answer::json(421, &serde_json::json!({"status": "error", "message": message}))
            .into_response();
    }
    let Ok(body) = to_bytes(body, BODY_LIMIT).await else {
        return Problem::new(413, "VALIDATION_ERROR", "The request body is too large.")
            .answer(&correlation())
            .into_response();
    };
    let request = Request {
        method: parts.method.as_str().to_owned(),
        path: parts.uri.path().to_owned(),
        segments: segments(parts.uri.path()),
        query: pairs(parts.uri.query().unwrap_or_default().as_bytes()),
        authorization: text(header::AUTHORIZATION).map(str::to_owned),
        base: format!("http://{host}"),
        body: body.to_vec(),
        now: shared.now(),
    };
    if let Some(answer) = control::route(&shared, &request) {
        return answer.into_response();
    }
    let url_length = parts.uri.path_and_query().map_or(0, |url| url.as_str().len());
    answer_call(&shared, &request, url_length, &cut).await.into_response()
}

fn correlation() -> String {
    uuid::Uuid::new_v4().to_string()
}

async fn answer_call(shared: &Shared, request: &Request, url_length: usize, cut: &Cut) -> Answer {
    let hit = shared.faults().hit(&request.method, &request.path);
    let delay = shared.options.latency + Duration::from_millis(hit.delay_ms);
    if !delay.is_zero() {
        // A slow answer is what was asked for.
        #[allow(clippy::disallowed_methods)]
        tokio::time::sleep(delay).await;
    }
    let correlation = correlation();
    let action = hit.action.as_ref();
    let mut answer = match action.and_then(|action| bend::instead(action, request)) {
        Some(Ok(answer)) => answer,
        Some(Err(problem)) => problem.answer(&correlation),
        None if url_length > URL_LIMIT => {
            Answer::html(414, "<html><body><h1>414 Request-URI Too Large</h1></body></html>".to_owned())
        }
        None => work(shared, request, &correlation),
    };
    if let Some(action) = action {
        answer = lock(&shared.pages).bend(action, request, answer);
    }
    if !shared.faults().is_empty() {
        lock(&shared.pages).remember(request, &answer);
    }
    let lost = match action {
        Some(Action::ResetBeforeAnswer | Action::LoseAnswer) => {
            cut.now();
            true
        }
        Some(Action::CutBody) => {
            cut.in_body(u64::try_from(answer.body.len() / 2).unwrap_or_default());
            true
        }
        _ => false,
    };
    let status = if lost { 0 } else { answer.status };
    shared.calls().add(Call { method: request.method.clone(), path: request.path.clone(), status });
    answer.with_header("x-hubspot-correlation-id", correlation)
}

/// The call as HubSpot itself would answer it.
fn work(shared: &Shared, request: &Request, correlation: &str) -> Answer {
    if let Some(answer) = oauth::route(shared, request) {
        return answer.unwrap_or_else(|problem| problem.answer(correlation));
    }
    let segments: Vec<&str> = request.segments.iter().map(String::as_str).collect();
    let Some(target) = target(&segments) else { return Problem::not_found().answer(correlation) };
    let caller = match authenticate(shared, request, &target) {
        Ok(caller) => caller,
        Err(problem) => return problem.answer(correlation),
    };
    let search = is_search(&target);
    let app = caller.app.to_string();
    let (day, day_ends) = super::time::day(request.now, &shared.options.time_zone);
    let taken = shared.limiter().take_on(day, &shared.options.limits, &app, search, request.now);
    let remaining = match taken {
        Ok(remaining) => remaining,
        Err(exceeded) => {
            let mut problem = Problem::limited(exceeded);
            if let (Exceeded::TenSeconds, Some(most)) = (exceeded, shared.options.limits.per_ten_seconds) {
                problem.headers = ten_second_headers(most, 0);
            }
            if shared.options.retry_after {
                let seconds = match exceeded {
                    Exceeded::TenSeconds => 10,
                    Exceeded::Second => 1,
                    Exceeded::Day => 1 + (day_ends - request.now) / 1000,
                };
                problem.headers.push(("retry-after".to_owned(), seconds.to_string()));
            }
            return problem.answer(correlation);
        }
    };
    let mut answer = match route(shared, request, &caller, &target) {
        Ok(answer) => answer,
        Err(problem) => problem.answer(correlation),
    };
    if let Some((most, left)) = remaining.ten_seconds {
        answer.headers.extend(ten_second_headers(most, left));
    }
    // OAuth apps have no daily limit of their own and searches send no limit headers.
    if let Some((most, left)) = remaining.day.filter(|_| !search && caller.app == KEY_APP) {
        answer = answer
            .with_header("x-hubspot-ratelimit-daily", most.to_string())
            .with_header("x-hubspot-ratelimit-daily-remaining", left.to_string());
    }
    answer
}

fn ten_second_headers(most: u32, left: u32) -> Vec<(String, String)> {
    [
        ("x-hubspot-ratelimit-max", most.to_string()),
        ("x-hubspot-ratelimit-remaining", left.to_string()),
        ("x-hubspot-ratelimit-interval-milliseconds", "10000".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

fn authenticate(shared: &Shared, request: &Request, target: &Target<'_>) -> Result<Caller, Problem> {
    let token = request
        .authorization
        .as_deref()
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim())
        .ok_or_else(Problem::no_credentials)?;
    let required =
        if target.version == "2026-09" { shared.options.required_properties.clone() } else { Vec::new() };
    let caller = |app, scopes| Caller { portal: shared.options.portal_id, app, scopes, required };
    if shared.options.access_token.as_deref() == Some(token) {
        return Ok(caller(KEY_APP, None));
    }
    let tokens = shared.tokens();
    let access = tokens.access(token).ok_or_else(Problem::no_credentials)?;
    if request.now >= access.expires {
        return Err(Problem::expired((request.now - access.expires) / 1000));
    }
    Ok(caller(OAUTH_APP, Some(access.scopes.clone())))
}
