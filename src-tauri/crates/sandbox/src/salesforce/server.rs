//! What an org holds while it runs, and the call as Salesforce itself would answer it.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::clock::{Clock, of_the_machine};
use crate::consent::Consents;
use crate::faults::FaultList;
use crate::frame::{Frame, Lengths, Refusal, StandIn, lock};
use crate::limits::{Limits, Remaining};
use crate::request::Request;

use super::bulk::Jobs;
use super::catalogue::find;
use super::faults::{Faults, Inner};
use super::id::id18;
use super::problem::Problem;
use super::query::Cursors;
use super::rules::INTEGRATION_USER;
use super::tables::{Author, Tables};
use super::tokens::{Session, Tokens};
use super::{control, oauth, routes, time};

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
            clock: of_the_machine(),
        }
    }
}

/// Everything a running sandbox shares between its connections and its handles.
pub(crate) struct Shared {
    pub options: Options,
    tables: RwLock<Tables>,
    tokens: Mutex<Tokens>,
    consents: Mutex<Consents>,
    inner: Mutex<Inner>,
    pub frame: Frame,
    cursors: Mutex<Cursors>,
    jobs: Mutex<Jobs>,
    /// What the clock was put forward by, in milliseconds.
    ahead: AtomicI64,
    /// Where clients are sent after they have a token, when it is not where they asked for it.
    instance: Mutex<Option<String>>,
}

impl Shared {
    pub(crate) fn new(options: Options, tables: Tables) -> Shared {
        Shared {
            frame: Frame::new(FaultList::new(options.faults.calls.clone()), options.latency),
            inner: Mutex::new(Inner::new(options.faults.clone())),
            options,
            tables: RwLock::new(tables),
            tokens: Mutex::default(),
            consents: Mutex::default(),
            cursors: Mutex::default(),
            jobs: Mutex::default(),
            ahead: AtomicI64::new(0),
            instance: Mutex::default(),
        }
    }

    /// Epoch milliseconds.
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

    pub(crate) fn consents(&self) -> MutexGuard<'_, Consents> {
        lock(&self.consents)
    }

    /// Ends every authorization and takes back the codes.
    pub(crate) fn revoke_all(&self) {
        self.tokens().revoke_all();
        self.consents().forget_codes();
    }

    pub(crate) fn inner(&self) -> MutexGuard<'_, Inner> {
        lock(&self.inner)
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
        let token = request.token(&["bearer", "oauth"]).or_else(|| request.query("oauth_token"))?;
        if self.options.access_token.as_deref() == Some(token) {
            return Some(None);
        }
        self.tokens().live_session(token, request.now).cloned().map(Some)
    }

    /// Calls of the current day and how many there may be.
    pub(crate) fn usage(&self, now: i64) -> (u32, u32) {
        (self.frame.limiter().today(now), self.options.limits.daily.unwrap_or(PLENTY))
    }
}

impl StandIn for Shared {
    /// Bulk uploads may have 150 MB.
    const MOST_BODY: usize = 150_000_000;
    const READS_GZIP: bool = true;

    fn frame(&self) -> &Frame {
        &self.frame
    }

    fn now(&self) -> i64 {
        Shared::now(self)
    }

    fn refuse(refusal: Refusal) -> Answer {
        let (status, message) = refusal.told();
        let code = match refusal {
            Refusal::ForeignHost => "UNKNOWN_EXCEPTION",
            Refusal::TooLarge => "REQUEST_ENTITY_TOO_LARGE",
            Refusal::NotGzip => "INVALID_INPUT",
        };
        Problem::new(status, code, message).answer()
    }

    fn own_path(self: &Arc<Shared>, request: &Request) -> Option<Answer> {
        control::route(self, request)
    }

    fn too_long(lengths: Lengths) -> bool {
        lengths.head > HEAD_LIMIT
    }

    fn work(&self, request: &Request) -> Answer {
        work(self, request)
    }

    fn finish(&self, request: &Request, answer: Answer) -> Answer {
        let worth_it = answer.body.len() >= COMPRESSED_FROM && request.takes_gzip();
        if worth_it { answer.compressed() } else { answer }
    }
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
    let taken = shared.frame.limiter().take(&shared.options.limits, "api", false, request.now);
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
