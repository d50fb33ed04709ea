//! What a portal holds while it runs, and the call as HubSpot itself would answer it.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use tokio::sync::Notify;

use crate::answer::Answer;
use crate::clock::{Clock, of_the_machine};
use crate::consent::Consents;
use crate::faults::{Fault, FaultList};
use crate::frame::{Frame, Lengths, Refusal, StandIn, lock};
use crate::limits::{Exceeded, Limits};
use crate::request::Request;

use super::access::{Caller, KEY_APP, OAUTH_APP};
use super::crm::Crm;
use super::problem::Problem;
use super::routes::{Target, is_search, route, target};
use super::tokens::Tokens;
use super::{control, oauth};

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
            clock: of_the_machine(),
        }
    }
}

/// Everything a running sandbox shares between its connections and its handles.
pub(crate) struct Shared {
    pub options: Options,
    crm: RwLock<Crm>,
    tokens: Mutex<Tokens>,
    consents: Mutex<Consents>,
    pub frame: Frame,
    /// Wakes the saver.
    pub changed: Notify,
    /// Held by whoever writes the state file.
    pub saving: Mutex<()>,
}

impl Shared {
    pub(crate) fn new(options: Options, crm: Crm, tokens: Tokens) -> Shared {
        Shared {
            frame: Frame::new(FaultList::new(options.faults.clone()), options.latency),
            options,
            crm: RwLock::new(crm),
            tokens: Mutex::new(tokens),
            consents: Mutex::default(),
            changed: Notify::new(),
            saving: Mutex::default(),
        }
    }

    /// Epoch milliseconds.
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

    pub(crate) fn consents(&self) -> MutexGuard<'_, Consents> {
        lock(&self.consents)
    }
}

impl StandIn for Shared {
    const MOST_BODY: usize = 16 * 1024 * 1024;
    const READS_GZIP: bool = false;

    fn frame(&self) -> &Frame {
        &self.frame
    }

    fn now(&self) -> i64 {
        Shared::now(self)
    }

    fn refuse(refusal: Refusal) -> Answer {
        let (status, message) = refusal.told();
        Problem::new(status, "VALIDATION_ERROR", message).answer(&uuid::Uuid::new_v4().to_string())
    }

    fn own_path(self: &Arc<Shared>, request: &Request) -> Option<Answer> {
        control::route(self, request)
    }

    fn too_long(lengths: Lengths) -> bool {
        lengths.address > URL_LIMIT
    }

    fn work(&self, request: &Request) -> Answer {
        work(self, request)
    }

    fn finish(&self, request: &Request, answer: Answer) -> Answer {
        answer.with_header("x-hubspot-correlation-id", request.id.clone())
    }
}

/// The call as HubSpot itself would answer it.
fn work(shared: &Shared, request: &Request) -> Answer {
    let correlation = &request.id;
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
    let taken = shared.frame.limiter().take_on(day, &shared.options.limits, &app, search, request.now);
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
    let token = request.token(&["bearer"]).ok_or_else(Problem::no_credentials)?;
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
