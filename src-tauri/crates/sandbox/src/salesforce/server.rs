//! One request's way through the sandbox: host check, faults, session, limits, work, and what a fault makes of the answer.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use axum::body::to_bytes;
use axum::extract::{ConnectInfo, State};
use axum::http::header;
use axum::response::Response;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::answer::{Answer, uncompressed};
use crate::calls::{Call, CallLog};
use crate::faults::{Action, FaultList};
use crate::limits::{Limiter, Limits, Remaining};
use crate::net::{Cut, names_loopback};

use super::bulk::Jobs;
use super::catalogue::find;
use super::faults::{Faults, Inner};
use super::id::id18;
use super::problem::Problem;
use super::query::Cursors;
use super::request::{Request, pairs, segments};
use super::rules::INTEGRATION_USER;
use super::tables::{Author, Tables};
use super::tokens::{Session, Tokens};
use super::{bend, control, oauth, routes, time};

/// Bulk uploads may have 150 MB.
const BODY_LIMIT: usize = 150_000_000;
/// Shorter answers are not worth compressing.
const COMPRESSED_FROM: usize = 1024;
/// Salesforce's bound on the address together with the headers.
const HEAD_LIMIT: usize = 16_384;
/// What the limits tell an org that nothing holds back: a full sandbox's daily calls.
const PLENTY: u32 = 5_000_000;

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
    /// Straight back with the error of an app that the org has not installed.
    Blocked,
}

/// Where the sandbox takes the time from.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// How a sandbox org is set up.
#[derive(Clone)]
pub struct Options {
    /// Users to seed besides the integration user; accounts, contacts and leads join them in proportion.
    pub records: usize,
    /// Decides all seeded data.
    pub seed: u64,
    /// Faults in force from the start.
    pub faults: Faults,
    /// Call limits; only the daily one is Salesforce's. Unlimited by default.
    pub limits: Limits,
    /// Added to every API answer.
    pub latency: Duration,
    /// Lifetime of a session in seconds.
    pub session_lifetime_secs: i64,
    /// Refresh Token Rotation: every refresh gives a new refresh token, and a used one ends its family.
    pub rotate_refresh_tokens: bool,
    /// A static session that may do everything.
    pub access_token: Option<String>,
    /// Consumer key of the external client app.
    pub client_id: String,
    /// Its consumer secret.
    pub client_secret: String,
    /// Whether token requests need the secret even with PKCE.
    pub require_secret: bool,
    /// Whether authorizations need PKCE.
    pub require_pkce: bool,
    /// Whether the client-credentials flow has a user to run as.
    pub client_credentials: bool,
    /// The app's name on the consent page.
    pub app_name: String,
    /// Callback addresses, matched to the letter; empty takes any http address on this machine.
    pub redirect_uris: Vec<String>,
    /// What the consent page does.
    pub consent: Consent,
    /// User names that other orgs hold.
    pub taken_usernames: Vec<String>,
    /// Licenses of the kind that people have.
    pub licenses: u32,
    /// How long a query's cursor can be used, in seconds.
    pub cursor_lifetime_secs: i64,
    /// Cursors of one user that live side by side; the next one ends the oldest.
    pub cursors: usize,
    /// Records of one page of a bulk query's result, when the caller does not say.
    pub bulk_page: usize,
    /// How far `getUpdated` and `getDeleted` lag behind, for transactions that are still under way.
    pub replication_lag_secs: i64,
    /// Looks at a bulk job that still find it in progress.
    pub job_polls: u32,
    /// The sandbox's clock.
    pub clock: Clock,
}

impl Default for Options {
    fn default() -> Options {
        // The one place where this sandbox asks the machine for the time; tests put their own clock here.
        #[allow(clippy::disallowed_methods)]
        let clock: Clock = Arc::new(Timestamp::now);
        Options {
            records: 0,
            seed: 1,
            faults: Faults::default(),
            limits: Limits::UNLIMITED,
            latency: Duration::ZERO,
            session_lifetime_secs: 7200,
            rotate_refresh_tokens: false,
            access_token: Some("sandbox-session".to_owned()),
            client_id: "sandbox-consumer-key".to_owned(),
            client_secret: "sandbox-consumer-secret".to_owned(),
            require_secret: false,
            require_pkce: false,
            client_credentials: true,
            app_name: "Concord".to_owned(),
            redirect_uris: Vec::new(),
            consent: Consent::Ask,
            taken_usernames: vec!["taken@elsewhere.example.com".to_owned()],
            licenses: 1_000_000,
            cursor_lifetime_secs: 2 * 86_400,
            cursors: 10,
            bulk_page: 50_000,
            replication_lag_secs: 0,
            job_polls: 1,
            clock,
        }
    }
}

/// Everything a running sandbox shares between its connections and its handles.
pub(crate) struct Shared {
    pub options: Options,
    tables: RwLock<Tables>,
    tokens: Mutex<Tokens>,
    limiter: Mutex<Limiter>,
    faults: Mutex<FaultList>,
    inner: Mutex<Inner>,
    calls: Mutex<CallLog>,
    cursors: Mutex<Cursors>,
    jobs: Mutex<Jobs>,
    pages: Mutex<bend::Pages>,
    /// What the clock was put forward by, in milliseconds.
    ahead: AtomicI64,
    /// Where clients are sent after they have a token, when it is not where they asked for it.
    instance: Mutex<Option<String>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic in another request must not take the whole sandbox down with it.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(crate) fn new(options: Options, tables: Tables) -> Shared {
        Shared {
            faults: Mutex::new(FaultList::new(options.faults.calls.clone())),
            inner: Mutex::new(Inner::new(options.faults.clone())),
            options,
            tables: RwLock::new(tables),
            tokens: Mutex::default(),
            limiter: Mutex::default(),
            calls: Mutex::default(),
            cursors: Mutex::default(),
            jobs: Mutex::default(),
            pages: Mutex::default(),
            ahead: AtomicI64::new(0),
            instance: Mutex::default(),
        }
    }

    pub(crate) fn now(&self) -> i64 {
        (self.options.clock)().as_millisecond() + self.ahead.load(Ordering::SeqCst)
    }

    pub(crate) fn advance(&self, ms: i64) {
        self.ahead.fetch_add(ms, Ordering::SeqCst);
    }

    pub(crate) fn tables(&self) -> RwLockReadGuard<'_, Tables> {
        self.tables.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn tables_mut(&self) -> RwLockWriteGuard<'_, Tables> {
        self.tables.write().unwrap_or_else(PoisonError::into_inner)
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

    pub(crate) fn inner(&self) -> MutexGuard<'_, Inner> {
        lock(&self.inner)
    }

    pub(crate) fn calls(&self) -> MutexGuard<'_, CallLog> {
        lock(&self.calls)
    }

    pub(crate) fn cursors(&self) -> MutexGuard<'_, Cursors> {
        lock(&self.cursors)
    }

    pub(crate) fn jobs(&self) -> MutexGuard<'_, Jobs> {
        lock(&self.jobs)
    }

    /// The integration user, writing over the API.
    pub(crate) fn author(&self, now: i64) -> Author {
        Author { user: INTEGRATION_USER, now, api: true }
    }

    pub(crate) fn org_id(&self) -> String {
        id18("00D", 1)
    }

    pub(crate) fn identity_url(&self, request: &Request) -> String {
        format!("{}/id/{}/{}", request.base, self.org_id(), id18("005", INTEGRATION_USER))
    }

    pub(crate) fn instance_url(&self, request: &Request) -> String {
        lock(&self.instance).clone().unwrap_or_else(|| request.base.clone())
    }

    pub(crate) fn set_instance_url(&self, url: Option<String>) {
        *lock(&self.instance) = url;
    }

    fn integration_user(&self, field: &str) -> String {
        let tables = self.tables();
        let user = find("User").and_then(|object| {
            Some(tables.table(object).live.get(&INTEGRATION_USER)?.named(object, field)?.to_owned())
        });
        user.unwrap_or_default()
    }

    pub(crate) fn integration_username(&self) -> String {
        self.integration_user("Username")
    }

    /// What the identity URL and `userinfo` tell.
    pub(crate) fn about_user(&self, request: &Request, openid: bool) -> Value {
        let (id, org) = (id18("005", INTEGRATION_USER), self.org_id());
        let base = self.instance_url(request);
        let mut about = json!({
            "user_id": id, "organization_id": org, "email": self.integration_user("Email"), "email_verified": true,
            "active": true, "user_type": "STANDARD", "language": "en_US", "locale": "en_US", "utcOffset": 0,
            "urls": {"rest": format!("{base}/services/data/v{{version}}/"),
                     "query": format!("{base}/services/data/v{{version}}/query/"),
                     "sobjects": format!("{base}/services/data/v{{version}}/sobjects/"),
                     "custom_domain": base},
        });
        if let Value::Object(fields) = &mut about {
            let name =
                format!("{} {}", self.integration_user("FirstName"), self.integration_user("LastName"));
            let (username, display, own) = if openid {
                ("preferred_username", "name", "sub")
            } else {
                ("username", "display_name", "id")
            };
            fields.insert(username.into(), self.integration_username().into());
            fields.insert(display.into(), name.trim().into());
            fields.insert(own.into(), self.identity_url(request).into());
        }
        about
    }

    /// The session of a request, whichever of its places the token stands in.
    pub(crate) fn session(&self, request: &Request) -> Option<Option<Session>> {
        let bearer = request.header("authorization").and_then(|value| {
            let (scheme, token) = value.split_once(' ')?;
            let known = scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("oauth");
            known.then(|| token.trim())
        });
        let token = bearer.or_else(|| request.query("oauth_token"))?;
        if self.options.access_token.as_deref() == Some(token) {
            return Some(None);
        }
        self.tokens().live_session(token, request.now).cloned().map(Some)
    }

    /// Calls of the current day and how many there may be.
    pub(crate) fn usage(&self, now: i64) -> (u32, u32) {
        (self.limiter().today(now), self.options.limits.daily.unwrap_or(PLENTY))
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
        return Problem::new(421, "UNKNOWN_EXCEPTION", message).answer().into_response();
    }
    let base = format!("http://{host}");
    let Ok(body) = to_bytes(body, BODY_LIMIT).await else {
        return Problem::new(413, "REQUEST_ENTITY_TOO_LARGE", "The request body is too large")
            .answer()
            .into_response();
    };
    let compressed = text(header::CONTENT_ENCODING).is_some_and(|name| name.eq_ignore_ascii_case("gzip"));
    let body = if compressed { uncompressed(&body, BODY_LIMIT) } else { Some(body.to_vec()) };
    let Some(body) = body else {
        let message = "The request body is not gzip, or too large once it is unpacked";
        return Problem::new(400, "INVALID_INPUT", message).answer().into_response();
    };
    let head = parts.uri.to_string().len()
        + parts.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum::<usize>();
    let request = Request {
        method: parts.method.as_str().to_owned(),
        path: parts.uri.path().to_owned(),
        segments: segments(parts.uri.path()),
        query: pairs(parts.uri.query().unwrap_or_default().as_bytes()),
        headers: parts.headers,
        base,
        body,
        now: shared.now(),
    };
    if let Some(answer) = control::route(&shared, &request) {
        return answer.into_response();
    }
    answer_call(&shared, &request, head, &cut).await.into_response()
}

async fn answer_call(shared: &Shared, request: &Request, head: usize, cut: &Cut) -> Answer {
    let hit = shared.faults().hit(&request.method, &request.path);
    let delay = shared.options.latency + Duration::from_millis(hit.delay_ms);
    if !delay.is_zero() {
        // A slow answer is what was asked for.
        #[allow(clippy::disallowed_methods)]
        tokio::time::sleep(delay).await;
    }
    let action = hit.action.as_ref();
    let mut answer = match action.and_then(|action| bend::instead(action, request)) {
        Some(answer) => answer,
        None if head > HEAD_LIMIT => {
            Answer::html(414, "<html><body><h1>414 URI Too Long</h1></body></html>".to_owned())
        }
        None => work(shared, request),
    };
    if let Some(action) = action {
        answer = lock(&shared.pages).bend(action, request, answer);
    }
    if !shared.faults().is_empty() {
        lock(&shared.pages).remember(request, &answer);
    }
    if answer.body.len() >= COMPRESSED_FROM && takes_gzip(request) {
        answer = answer.compressed();
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
    answer
}

fn takes_gzip(request: &Request) -> bool {
    request.header("accept-encoding").is_some_and(|all| {
        all.split(',').any(|one| {
            let (name, quality) = one.split_once(';').unwrap_or((one, ""));
            name.trim().eq_ignore_ascii_case("gzip") && quality.replace(' ', "") != "q=0"
        })
    })
}

/// The call as Salesforce itself would answer it.
fn work(shared: &Shared, request: &Request) -> Answer {
    if let Some(answer) = oauth::route(shared, request) {
        return answer;
    }
    let segments: Vec<&str> = request.segments.iter().map(String::as_str).collect();
    let (version, tail) = match segments.as_slice() {
        ["services", "data"] if request.method == "GET" => return routes::versions(),
        ["services", "data", version, tail @ ..] => (*version, tail),
        _ => return Problem::not_found().answer(),
    };
    let Some(version) = routes::version(version) else { return Problem::not_found().answer() };
    let scopes = match shared.session(request) {
        None => return Problem::session().answer(),
        Some(None) => None,
        Some(Some(session)) => Some(session.scopes),
    };
    if scopes.is_some_and(|scopes| !scopes.contains("api") && !scopes.contains("full")) {
        let message = "This session is not valid for use with the REST API";
        return Problem::new(401, "INVALID_SESSION_ID", message).answer();
    }
    let taken = shared.limiter().take(&shared.options.limits, "api", false, request.now);
    let answer = match taken {
        Err(_) => Problem::limit("TotalRequests").answer(),
        Ok(Remaining { .. }) => {
            routes::route(shared, request, version, tail).unwrap_or_else(|problem| problem.answer())
        }
    };
    let (used, most) = shared.usage(request.now);
    answer.with_header("sforce-limit-info", format!("api-usage={used}/{most}; api-bursts=1/750"))
}

/// Whether a conditional request's condition lets the call through: the status that answers it otherwise.
pub(crate) fn precondition(request: &Request, modified: i64) -> Result<(), Problem> {
    let asked = |name: &str| match request.header(name) {
        None => Ok(None),
        Some(text) => time::parse_http(text).map(Some).ok_or_else(|| {
            Problem::new(400, "INVALID_HEADER", format!("the value of {name} is no HTTP date: {text}"))
        }),
    };
    if asked("if-modified-since")?.is_some_and(|since| modified <= since) && request.method == "GET" {
        return Err(Problem { status: 304, errors: Vec::new() });
    }
    if asked("if-unmodified-since")?.is_some_and(|since| modified > since) {
        let message = "the record was changed after the time in If-Unmodified-Since";
        return Err(Problem::new(412, "PRECONDITION_FAILED", message));
    }
    Ok(())
}
