//! The Salesforce connector against the Salesforce sandbox: whole conversations, with and without faults.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use connector::credentials::memory::MemoryCredentials;
use connector::http::Waiter;
use connector::oauth::loopback::{AuthorizationEnd, Loopback};
use connector::oauth::{Authorization, Redirect};
use connector::salesforce::Salesforce;
use connector::{
    Change, Connector, ConnectorError, Creation, Credentials, ErrorKind, Feed, Outcome, RemoteObject, Search,
    Tokens,
};
use futures::StreamExt as _;
use jiff::Timestamp;
use model::{ConnectorConfig, Filter, Secret};
use sandbox::faults::{ALWAYS, Action, Fault};
use sandbox::salesforce::{
    Consent, CursorFault, Faults, JobFault, Limits, Options, Org, PageFault, RowFault, Sandbox,
};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use url::Url;

use self::support::{Impatient, Listed, Reply, Script, all, attributes};

/// A clock that both sides share and that only the test moves.
#[derive(Clone, Default)]
struct Hand(Arc<AtomicI64>);

impl Hand {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(1_790_000_000 + self.0.load(Ordering::SeqCst)).unwrap()
    }

    fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

struct World {
    sandbox: Sandbox,
    hand: Hand,
    waiter: Arc<Impatient>,
}

impl World {
    async fn new(options: Options) -> Self {
        let hand = Hand::default();
        let clock = hand.clone();
        let options = Options { clock: Arc::new(move || clock.now()), ..options };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let sandbox = Sandbox::start(listener, options).await.unwrap();
        Self { sandbox, hand, waiter: Arc::new(Impatient::default()) }
    }

    fn org(&self) -> Org {
        self.sandbox.org()
    }

    fn config(&self, more: Value) -> ConnectorConfig {
        let mut properties = json!({
            "loginUrl": format!("{}/services/oauth2/token", self.sandbox.url()),
            "permitsPerSecond": 10_000,
        });
        properties.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let document = json!({"connectorRef": {"connectorName": "org.forgerock.openidm.salesforce"}, "configurationProperties": properties});
        ConnectorConfig::parse(&document.to_string(), Some("sf")).unwrap()
    }

    fn salesforce(&self, more: Value, credentials: MemoryCredentials) -> Salesforce {
        let hand = self.hand.clone();
        Salesforce::new(
            &self.config(more),
            Arc::new(credentials),
            Arc::new(move || hand.now()),
            Arc::clone(&self.waiter) as Arc<dyn Waiter>,
        )
        .unwrap()
    }

    /// With a session that needs no authorization.
    fn with(&self, mut more: Value) -> Salesforce {
        more["instanceUrl"] = json!(self.sandbox.url());
        self.salesforce(more, MemoryCredentials::with_access_token("sandbox-session"))
    }

    fn plain(&self) -> Salesforce {
        self.with(json!({}))
    }

    fn app(&self) -> Value {
        json!({"clientId": "sandbox-consumer-key", "redirectUri": "http://localhost:0/oauth/callback"})
    }

    /// How many calls the API had, without OAuth's.
    fn api_calls(&self) -> usize {
        self.org().calls().iter().filter(|c| c.path.starts_with("/services/data/")).count()
    }

    fn paths(&self) -> Vec<String> {
        self.org().calls().iter().map(|c| format!("{} {}", c.method, c.path)).collect()
    }
}

fn seeded(records: usize) -> Options {
    Options { records, ..Options::default() }
}

fn rotating(records: usize) -> Options {
    Options { consent: Consent::Allow, rotate_refresh_tokens: true, ..seeded(records) }
}

fn secret() -> MemoryCredentials {
    MemoryCredentials::new().set("clientSecret", "sandbox-consumer-secret")
}

fn users(names: &[&str]) -> Search {
    search("User", names)
}

fn search(object_type: &str, names: &[&str]) -> Search {
    Search {
        object_type: object_type.into(),
        attributes: names.iter().map(|n| (*n).to_owned()).collect(),
        ..Search::default()
    }
}

fn names(list: &[&str]) -> Vec<String> {
    list.iter().map(|n| (*n).to_owned()).collect()
}

fn creation(trace: &str, value: Value) -> Creation {
    Creation { trace: trace.to_owned(), attributes: attributes(value) }
}

fn change(uid: &str, value: Value) -> Change {
    Change { uid: uid.to_owned(), attributes: attributes(value) }
}

fn done(outcome: &Outcome) -> &RemoteObject {
    match outcome {
        Outcome::Done(object) => object,
        other => panic!("expected Done, found {other:?}"),
    }
}

fn rejected(outcome: &Outcome) -> (&str, Option<&str>) {
    match outcome {
        Outcome::Rejected { reason, attribute } => (reason, attribute.as_deref()),
        other => panic!("expected Rejected, found {other:?}"),
    }
}

fn ids(listed: &Listed) -> HashSet<&str> {
    listed.objects.iter().map(|o| o.uid.as_str()).collect()
}

/// Ids of people, without the integration user.
fn people(org: &Org) -> Vec<String> {
    org.records("User").into_iter().skip(1).map(|r| r.id).collect()
}

fn new_user(org: &Org, username: &str) -> Value {
    let profile = org.find("Profile", "Name", "Standard User").unwrap().id;
    json!({
        "Username": username, "LastName": "Kim", "FirstName": "Ann", "Email": "ann@example.com", "Alias": "akim",
        "TimeZoneSidKey": "America/Los_Angeles", "LocaleSidKey": "en_US", "EmailEncodingKey": "UTF-8",
        "LanguageLocaleKey": "en_US", "ProfileId": profile,
    })
}

async fn authorize(
    world: &World,
    credentials: &MemoryCredentials,
    more: Value,
) -> Result<(), ConnectorError> {
    let config = world.config(more);
    let listener = Loopback::bind(&Url::parse("http://localhost:0/oauth/callback").unwrap()).await.unwrap();
    let authorization = Authorization::begin(&config, Some(listener.redirect_uri().clone())).unwrap();
    let browser = tokio::spawn(reqwest::get(authorization.url.clone()));
    let code =
        match listener.wait(&authorization, Duration::from_secs(10), std::future::pending::<()>()).await {
            Ok(code) => code,
            Err(AuthorizationEnd::Denied(why)) => return Err(ConnectorError::new(ErrorKind::Forbidden, why)),
            Err(_) => panic!("the browser did not come back"),
        };
    drop(browser);
    let hand = world.hand.clone();
    let tokens = authorization
        .exchange(code, &config, Arc::new(credentials.clone()), Arc::new(move || hand.now()))
        .await?;
    credentials.store_tokens(&tokens).await
}

// ---- authorization ----

/// An organization that somebody has authorized the app in.
async fn authorized(options: Options) -> (World, MemoryCredentials) {
    let (world, credentials) = (World::new(options).await, secret());
    authorize(&world, &credentials, world.app()).await.unwrap();
    (world, credentials)
}

#[tokio::test]
async fn consent_with_and_without_a_secret_ends_in_a_connection_that_works() {
    for (require_secret, credentials) in [(true, secret()), (false, MemoryCredentials::new())] {
        let options = Options { require_secret, require_pkce: true, ..rotating(10) };
        let world = World::new(options).await;
        authorize(&world, &credentials, world.app()).await.unwrap();
        let salesforce = world.salesforce(world.app(), credentials.clone());
        assert_eq!(
            all(&salesforce, users(&["Username"])).await.unwrap().objects.len(),
            world.org().count("User")
        );
        let tokens = credentials.stored().remove(0);
        assert_eq!(tokens.instance_url, Some(world.sandbox.url()));
        assert!(tokens.refresh_token.is_some() && tokens.expires_at.is_none());
    }
}

#[tokio::test]
async fn a_refusal_on_the_consent_page_says_what_to_do() {
    for (consent, expect) in [(Consent::Deny, "press Allow"), (Consent::Blocked, "External Client App")] {
        let world = World::new(Options { consent, ..seeded(0) }).await;
        let error = authorize(&world, &secret(), world.app()).await.unwrap_err();
        assert!(error.message.contains(expect), "{error}");
    }
    let world = World::new(rotating(0)).await;
    let wrong = MemoryCredentials::new().set("clientSecret", "wrong-secret");
    let error = authorize(&world, &wrong, world.app()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unauthorized);
    assert!(error.message.contains("Consumer Secret") && !error.message.contains("wrong-secret"), "{error}");
}

#[tokio::test]
async fn an_ended_session_is_renewed_once_and_in_the_middle_of_a_read() {
    for rotate in [false, true] {
        let (world, credentials) =
            authorized(Options { rotate_refresh_tokens: rotate, ..rotating(5000) }).await;
        let salesforce = world.salesforce(world.app(), credentials.clone());
        let mut pages = salesforce.search(users(&["Username"]));
        let mut seen = pages.next().await.unwrap().unwrap().objects.len();
        world.org().expire_sessions();
        while let Some(page) = pages.next().await {
            seen += page.unwrap().objects.len();
        }
        assert_eq!(seen, world.org().count("User"));
        let counts = world.org().tokens();
        assert_eq!((counts.refreshes, counts.reuses), (1, 0));
        // The intent was stored before the refresh token was sent, and the new tokens before they were used.
        let stored = credentials.stored();
        assert_eq!(stored.len(), 3);
        assert!(stored[1].access_token.is_empty() && !stored[2].access_token.is_empty());
        assert_eq!(stored[1].refresh_token, stored[0].refresh_token);
        assert_eq!(stored[2].refresh_token == stored[0].refresh_token, !rotate);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_refreshes_over_four_processes_never_use_a_token_twice() {
    let (world, credentials) = authorized(rotating(3)).await;
    let processes: Vec<Arc<Salesforce>> =
        (0..4).map(|_| Arc::new(world.salesforce(world.app(), credentials.clone()))).collect();
    for _ in 0..100 {
        world.org().expire_sessions();
        let reads = processes.iter().flat_map(|process| {
            (0..3).map(|_| {
                let process = Arc::clone(process);
                tokio::spawn(async move {
                    all(process.as_ref(), users(&["Username"])).await.map(|l| l.objects.len())
                })
            })
        });
        for read in futures::future::join_all(reads).await {
            assert_eq!(read.unwrap().unwrap(), world.org().count("User"));
        }
    }
    let counts = world.org().tokens();
    assert_eq!((counts.refreshes, counts.reuses, counts.grants), (100, 0, 1));
}

#[tokio::test]
async fn a_refresh_whose_answer_is_lost_is_asked_about_and_never_repeated_blindly() {
    for (rotate, action, works) in [
        (false, Action::LoseAnswer, true),
        (false, Action::ResetBeforeAnswer, true),
        (true, Action::ResetBeforeAnswer, true),
        (true, Action::LoseAnswer, false),
        (true, Action::TruncatedJson, false),
    ] {
        let name = format!("rotation {rotate}, {action:?}");
        let (world, credentials) = authorized(Options { rotate_refresh_tokens: rotate, ..rotating(3) }).await;
        let salesforce = world.salesforce(world.app(), credentials.clone());
        world.org().expire_sessions();
        world.org().add_fault(Fault::on("/services/oauth2/token", action));
        let error = all(&salesforce, users(&["Username"])).await.err().unwrap();
        assert!(error.message.contains("asks Salesforce about it"), "{name}: {error}");
        // Another process finds the record of the refresh and looks before it sends anything.
        let other = world.salesforce(world.app(), credentials.clone());
        match all(&other, users(&["Username"])).await {
            Ok(listed) => {
                assert!(works, "{name}");
                assert_eq!(listed.objects.len(), world.org().count("User"));
            }
            Err(error) => {
                assert!(!works, "{name}: {error}");
                assert_eq!(error.kind, ErrorKind::Unauthorized, "{name}");
                assert!(error.message.contains("authorize again"), "{name}: {error}");
            }
        }
        assert_eq!(world.org().tokens().reuses, 0, "{name}");
        if !works {
            // It does not loop: nothing is asked again until somebody authorizes.
            let before = world.org().call_count();
            for _ in 0..5 {
                assert!(all(&other, users(&["Username"])).await.is_err());
            }
            assert_eq!(world.org().call_count(), before, "{name}");
            authorize(&world, &credentials, world.app()).await.unwrap();
            assert!(all(&other, users(&["Username"])).await.is_ok(), "{name}");
        }
    }
}

#[tokio::test]
async fn a_revoked_authorization_is_told_once_and_not_asked_for_again() {
    let (world, credentials) = authorized(rotating(3)).await;
    let salesforce = world.salesforce(world.app(), credentials.clone());
    world.org().revoke_all();
    let error = all(&salesforce, users(&["Username"])).await.err().unwrap();
    assert_eq!(error.kind, ErrorKind::Unauthorized);
    assert!(error.message.contains("authorize again"), "{error}");
    let asked = |w: &World| w.paths().iter().filter(|p| p.ends_with("/token")).count();
    let before = asked(&world);
    assert!(all(&salesforce, users(&["Username"])).await.is_err());
    assert_eq!(asked(&world), before);
}

#[tokio::test]
async fn a_refusal_that_does_not_concern_the_token_leaves_it_usable() {
    let (world, credentials) = authorized(rotating(3)).await;
    let salesforce = world.salesforce(world.app(), credentials.clone());
    world.org().expire_sessions();
    let busy = json!({"error": "rate_limit_exceeded", "error_description": "too many"});
    let action = Action::Answer { status: 400, body: Some(busy), headers: Default::default() };
    world.org().add_fault(Fault::on("/services/oauth2/token", action));
    let error = all(&salesforce, users(&["Username"])).await.err().unwrap();
    assert_eq!(error.kind, ErrorKind::RateLimited);
    assert!(all(&salesforce, users(&["Username"])).await.is_ok());
    assert_eq!(world.org().tokens().reuses, 0);
}

#[tokio::test]
async fn the_address_that_comes_with_a_token_is_adopted_unless_it_is_a_strangers() {
    let (world, credentials) = authorized(rotating(3)).await;
    let salesforce = world.salesforce(world.app(), credentials.clone());
    let moved = world.sandbox.url().replace("127.0.0.1", "localhost");
    world.org().set_instance_url(Some(moved.clone()));
    world.org().expire_sessions();
    assert!(all(&salesforce, users(&["Username"])).await.is_ok());
    assert_eq!(credentials.stored().last().unwrap().instance_url, Some(moved));
    world.org().set_instance_url(Some("https://collector.example".to_owned()));
    world.org().expire_sessions();
    let error = all(&salesforce, users(&["Username"])).await.err().unwrap();
    assert_eq!(error.kind, ErrorKind::Untrusted);
    assert!(error.message.contains("collector.example"), "{error}");
}

#[tokio::test]
async fn an_answer_that_names_a_stranger_blocks_nothing_once_it_is_put_right() {
    let evil = || Some("https://collector.example".to_owned());
    let (world, credentials) = authorized(rotating(3)).await;
    let salesforce = world.salesforce(world.app(), credentials.clone());
    for same in [true, false] {
        let before = credentials.stored().last().unwrap().refresh_token.clone();
        world.org().set_instance_url(evil());
        world.org().expire_sessions();
        // However often it is asked.
        for _ in 0..2 {
            let fresh = world.salesforce(world.app(), credentials.clone());
            let asked = if same { &salesforce } else { &fresh };
            let error = all(asked, users(&["Username"])).await.err().unwrap();
            assert_eq!(error.kind, ErrorKind::Untrusted, "{error}");
            let at = |words: &str| error.message.find(words).unwrap_or_else(|| panic!("{words}: {error}"));
            assert!(at("that is refused") < at("on purpose") && at("on purpose") < at("instanceUrl"));
        }
        let kept = credentials.stored().last().unwrap().clone();
        assert!(kept.access_token.is_empty() && kept.instance_url.is_none() && kept.refresh_token != before);
        world.org().set_instance_url(None);
        let fresh = world.salesforce(world.app(), credentials.clone());
        let asked = if same { &salesforce } else { &fresh };
        assert!(all(asked, users(&["Username"])).await.is_ok());
        assert_eq!(credentials.stored().last().unwrap().instance_url, Some(world.sandbox.url()));
    }
    // What an earlier version kept, or what came with the consent.
    let good = credentials.stored().last().unwrap().clone();
    credentials.store_tokens(&Tokens { instance_url: evil(), ..good }).await.unwrap();
    assert!(all(&world.salesforce(world.app(), credentials.clone()), users(&["Username"])).await.is_ok());
    assert_eq!(world.org().tokens().reuses, 0);

    let world = World::new(seeded(3)).await;
    let mut app = world.app();
    app["grantType"] = json!("client_credentials");
    let credentials = secret();
    world.org().set_instance_url(evil());
    assert!(all(&world.salesforce(app.clone(), credentials.clone()), users(&["Username"])).await.is_err());
    assert!(credentials.stored().is_empty());
    world.org().set_instance_url(None);
    assert!(all(&world.salesforce(app, credentials), users(&["Username"])).await.is_ok());
}

#[tokio::test]
async fn both_forms_of_an_id_are_one() {
    let world = World::new(seeded(1)).await;
    let salesforce = world.salesforce(json!({}), secret());
    for (given, expect) in [
        ("00530000009hWLc", "00530000009hWLcAAM"),
        ("00530000009hWLcAAM", "00530000009hWLcAAM"),
        ("no id", "no id"),
    ] {
        assert_eq!(salesforce.canonical_id(given.to_owned()), expect);
    }
}

#[tokio::test]
async fn client_credentials_need_nobody_s_consent() {
    let world = World::new(seeded(3)).await;
    let mut app = world.app();
    app["grantType"] = json!("client_credentials");
    let credentials = secret();
    let salesforce = world.salesforce(app, credentials.clone());
    assert_eq!(
        all(&salesforce, users(&["Username"])).await.unwrap().objects.len(),
        world.org().count("User")
    );
    world.org().expire_sessions();
    assert!(all(&salesforce, users(&["Username"])).await.is_ok());
    assert!(credentials.stored().iter().all(|t| t.refresh_token.is_none()));
    let report = salesforce.test().await.unwrap();
    assert!(report.missing_scopes.is_empty(), "{report:?}");
}

#[tokio::test]
async fn revoking_gives_the_grant_back() {
    let (world, credentials) = authorized(rotating(3)).await;
    let salesforce = world.salesforce(world.app(), credentials.clone());
    assert_eq!(world.org().tokens().grants, 1);
    salesforce.revoke().await.unwrap();
    assert_eq!(world.org().tokens().grants, 0);
}

#[tokio::test]
async fn a_redirect_is_matched_to_the_letter() {
    let world = World::new(seeded(0)).await;
    let authorization = Authorization::begin(&world.config(json!({"clientId": "k"})), None).unwrap();
    let query: std::collections::HashMap<String, String> =
        authorization.url.query_pairs().into_owned().collect();
    assert_eq!(query["scope"], "id api refresh_token");
    assert_eq!(query["code_challenge_method"], "S256");
    let url = format!("http://localhost:47812/oauth/callback?code=c&state={}", query["state"]);
    assert!(matches!(authorization.match_redirect(&Url::parse(&url).unwrap()), Redirect::Code(_)));
}

// ---- reading ----

#[tokio::test]
async fn every_user_is_listed_once_with_the_attributes_asked_for() {
    let world = World::new(seeded(4321)).await;
    let salesforce = world.plain();
    let wanted = ["__NAME__", "Email", "IsActive", "_id", "Profile.Name", "Manager.Username"];
    let listed = all(&salesforce, users(&wanted)).await.unwrap();
    let count = world.org().count("User");
    assert_eq!((listed.objects.len(), ids(&listed).len(), listed.repeated), (count, count, 0));
    let object = &listed.objects[17];
    let kept = world.org().record("User", &object.uid).unwrap();
    assert_eq!(object.attributes["__NAME__"], json!(kept.fields["Username"]));
    assert_eq!(object.attributes["Email"], json!(kept.fields["Email"]));
    assert!(object.attributes["IsActive"].is_boolean() && object.attributes["Profile.Name"].is_string());
    assert_eq!((object.attributes["_id"].as_str().unwrap(), object.uid.len()), (object.uid.as_str(), 18));
    assert_eq!(world.api_calls(), count.div_ceil(2000));
    let usage = salesforce.usage();
    assert_eq!(usage.calls as usize, world.api_calls());
    assert!(usage.daily_remaining.is_some() && usage.daily_limit.is_some());
}

#[tokio::test]
async fn small_pages_and_dying_cursors_lose_nothing() {
    for (name, faults) in [
        ("pages", Faults { pages: Some(PageFault { at_most: 130 }), ..Faults::default() }),
        (
            "a cursor",
            Faults { cursors: Some(CursorFault { die_after_pages: 2, times: 1 }), ..Faults::default() },
        ),
        (
            "every cursor",
            Faults { cursors: Some(CursorFault { die_after_pages: 1, times: ALWAYS }), ..Faults::default() },
        ),
    ] {
        let world = World::new(Options { faults, ..seeded(5000) }).await;
        let listed = all(&world.plain(), users(&["Username"])).await.unwrap();
        let count = world.org().count("User");
        assert_eq!((listed.objects.len(), ids(&listed).len()), (count, count), "{name}");
    }
}

#[tokio::test]
async fn faults_of_a_read_are_healed_or_reported_and_never_lose_a_record() {
    let answer =
        |status, body: Value| Action::Answer { status, body: Some(body), headers: Default::default() };
    for (name, action, times, expect) in [
        ("one 503 page", answer(503, json!("<html>")), 1, Ok(())),
        ("503 for good", answer(503, json!("<html>")), ALWAYS, Err(ErrorKind::Unavailable)),
        ("420", answer(420, json!([])), 1, Ok(())),
        ("reset", Action::ResetBeforeAnswer, 1, Ok(())),
        ("lost answer", Action::LoseAnswer, 2, Ok(())),
        ("body cut", Action::CutBody, 1, Ok(())),
        ("truncated once", Action::TruncatedJson, 1, Ok(())),
        ("truncated for good", Action::TruncatedJson, ALWAYS, Err(ErrorKind::Untrusted)),
        ("empty object once", Action::EmptyObject, 1, Ok(())),
        ("empty object for good", Action::EmptyObject, ALWAYS, Err(ErrorKind::Untrusted)),
        ("web page for good", Action::Html, ALWAYS, Err(ErrorKind::Untrusted)),
        ("page twice", Action::RepeatPage, 1, Ok(())),
        ("overlap", Action::OverlapPage, 1, Ok(())),
        ("cursor points to itself once", Action::SelfCursor, 1, Ok(())),
        ("the same record by a new cursor once", Action::NewCursor, 1, Ok(())),
        ("the same record by new cursors", Action::NewCursor, ALWAYS, Err(ErrorKind::Untrusted)),
        ("next page missing", Action::DropPaging, 1, Ok(())),
        (
            "redirect",
            Action::Redirect { to: "http://localhost:9".into(), status: 307 },
            1,
            Err(ErrorKind::Untrusted),
        ),
        (
            "concurrency",
            Action::TooManyRequests {
                policy: Some("ConcurrentRequests (ConcurrentPerOrgLongTxn)".into()),
                retry_after: None,
            },
            3,
            Ok(()),
        ),
        (
            "day",
            Action::TooManyRequests { policy: None, retry_after: None },
            ALWAYS,
            Err(ErrorKind::RateLimited),
        ),
    ] {
        let faults = Faults { pages: Some(PageFault { at_most: 400 }), ..Faults::default() };
        let world = World::new(Options { faults, ..seeded(1500) }).await;
        world.org().add_fault(Fault::on("/services/data/*/query*", action).nth(3).times(times));
        match (all(&world.plain(), users(&["Username"])).await, expect) {
            (Ok(listed), Ok(())) => {
                let count = world.org().count("User");
                assert_eq!((listed.objects.len(), ids(&listed).len()), (count, count), "{name}");
            }
            (Err(error), Err(kind)) => assert_eq!(error.kind, kind, "{name}: {error}"),
            (Ok(listed), Err(kind)) => panic!("{name}: {} records instead of {kind:?}", listed.objects.len()),
            (Err(error), Ok(())) => panic!("{name}: {error}"),
        }
        assert!(world.org().call_count() < 40, "{name}: {} calls", world.org().call_count());
    }
}

#[tokio::test]
async fn a_read_goes_on_in_another_process() {
    let world = World::new(seeded(5000)).await;
    let salesforce = world.plain();
    let first = salesforce.search(users(&["Username"])).next().await.unwrap().unwrap();
    world.org().expire_cursors();
    let rest = Search { after: first.next.clone(), ..users(&["Username"]) };
    let rest = all(&world.plain(), rest).await.unwrap();
    assert_eq!(first.objects.len() + rest.objects.len(), world.org().count("User"));
    let from_id = Search { after: Some(first.objects.last().unwrap().uid.clone()), ..users(&["Username"]) };
    assert_eq!(all(&world.plain(), from_id).await.unwrap().objects.len(), rest.objects.len());
    let wrong = Search { after: Some("nowhere".into()), ..users(&["Username"]) };
    assert_eq!(all(&world.plain(), wrong).await.err().unwrap().kind, ErrorKind::Configuration);
}

#[tokio::test]
async fn a_read_that_goes_on_elsewhere_asks_whether_all_was_delivered_before() {
    let world = World::new(seeded(5000)).await;
    let first = world.plain().search(users(&["Username"])).next().await.unwrap().unwrap();
    let (id, delivered) = first.next.as_deref().unwrap().split_once('.').unwrap();
    let delivered: usize = delivered.parse().unwrap();
    assert_eq!(delivered, first.objects.len());
    let one_less = Search { after: Some(format!("{id}.{}", delivered - 1)), ..users(&["Username"]) };
    let error = all(&world.plain(), one_less).await.err().unwrap();
    assert_eq!(error.kind, ErrorKind::Untrusted);
    assert!(error.message.contains("has a hole"), "{error}");
    // The count goes on over any number of places.
    let rest = Search { after: first.next.clone(), ..users(&["Username"]) };
    let second = world.plain().search(rest).next().await.unwrap().unwrap();
    let (_, both) = second.next.as_deref().unwrap().split_once('.').unwrap();
    assert_eq!(both, (delivered + second.objects.len()).to_string());
}

#[tokio::test]
async fn filters_find_what_they_mean_whatever_salesforce_compares() {
    let world = World::new(seeded(600)).await;
    let salesforce = world.plain();
    let everyone =
        all(&salesforce, users(&["Username", "LastName", "FirstName", "IsActive", "CreatedDate", "Email"]))
            .await
            .unwrap();
    for text in [
        "FirstName eq \"Bobby\\\\\"",
        "LastName eq \"O'Connor\"",
        "LastName eq \"o'connor\"",
        "!(LastName eq \"O'Connor\")",
        "LastName eq \"Backslash\\\\'\"",
        "FirstName sw \"<\" or FirstName co \"\\\\\"",
        "FirstName pr and !(FirstName sw 'A')",
        "LastName co '%'",
        "LastName eq \"' OR Id != null OR LastName = '\"",
        "IsActive eq true and Email co '@example.org'",
        "IsActive eq 'false'",
        "CreatedDate ge '2000-01-01T00:00:00Z'",
        "LastName gt 'T'",
        "true",
        "false",
    ] {
        let filter = Filter::parse(text).unwrap();
        let search = Search { filter: Some(filter.clone()), ..users(&["Username"]) };
        let found = all(&salesforce, search).await.unwrap();
        let expect: HashSet<&str> = everyone
            .objects
            .iter()
            .filter(|o| {
                let mut document = o.attributes.clone();
                if text.contains("IsActive") && text.contains('\'') && text.contains("false") {
                    let active = document["IsActive"].to_string();
                    document.insert("IsActive".into(), json!(active));
                }
                filter.matches(&Value::Object(document))
            })
            .map(|o| o.uid.as_str())
            .collect();
        assert_eq!(ids(&found), expect, "{text}");
        assert!(found.objects.iter().all(|o| o.attributes.keys().eq(["Username"])), "{text}");
    }
    let search = Search { filter: Some(Filter::parse("Nonsense eq 1").unwrap()), ..users(&["Username"]) };
    let error = all(&salesforce, search).await.err().unwrap();
    assert!(error.message.contains("no attribute `Nonsense`"), "{error}");
}

#[tokio::test]
async fn records_are_read_by_id_and_by_key() {
    let world = World::new(seeded(700)).await;
    let salesforce = world.plain();
    let mut uids = people(&world.org());
    let short = uids[3][..15].to_owned();
    uids.extend([short, "005000000000000AAA".into(), "nonsense".into()]);
    let found = salesforce.read("User", &uids, &names(&["Username", "Name"])).await.unwrap();
    assert_eq!((found.len(), world.api_calls()), (world.org().count("User") - 1, 1));
    let usernames: Vec<String> =
        found.iter().map(|o| o.attributes["Username"].as_str().unwrap().to_uppercase()).collect();
    world.org().reset_calls();
    let by_key = salesforce.find_by_key("User", &usernames, &names(&["LastName"])).await.unwrap();
    assert_eq!(by_key.len(), found.len());
    assert!(by_key.iter().all(|o| o.attributes.contains_key("Username")));
    assert!(world.api_calls() <= 10, "{}", world.api_calls());
    let error = salesforce.find_by_key("Account", &names(&["x"]), &[]).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unsupported);
    let nested = salesforce.read("User", &uids, &names(&["Profile.Name"])).await.unwrap();
    assert_eq!(nested.len(), found.len());
    let error = salesforce.read("User", &uids, &names(&["a b"])).await.unwrap_err();
    assert!(error.message.contains("no attribute `a b`"), "{error}");
}

#[tokio::test]
async fn every_default_object_type_is_described_and_read() {
    let world = World::new(seeded(50)).await;
    let salesforce = world.plain();
    for kind in &salesforce.descriptor().object_types {
        let schema = salesforce.schema(&kind.name).await.unwrap();
        assert!(schema.attributes.len() > 2, "{}", kind.name);
        let listed = all(&salesforce, search(&kind.name, &["__NAME__", "Id"])).await.unwrap();
        assert_eq!(listed.objects.len(), world.org().count(&kind.name), "{}", kind.name);
    }
    let schema = salesforce.schema("User").await.unwrap();
    let required: Vec<&str> =
        schema.attributes.iter().filter(|a| a.required).map(|a| a.name.as_str()).collect();
    for name in [
        "Username",
        "LastName",
        "Email",
        "Alias",
        "TimeZoneSidKey",
        "LocaleSidKey",
        "EmailEncodingKey",
        "ProfileId",
        "LanguageLocaleKey",
    ] {
        assert!(required.contains(&name), "{name}: {required:?}");
    }
    assert_eq!(required.len(), 9, "{required:?}");
    let username = schema.attributes.iter().find(|a| a.name == "Username").unwrap();
    assert!(username.unique && username.writable);
    let encoding = schema.attributes.iter().find(|a| a.name == "EmailEncodingKey").unwrap();
    assert!(encoding.options.contains(&"UTF-8".to_owned()));
    // What is there can be looked at before it is chosen; what is not is told by its name.
    assert!(!salesforce.schema("Account").await.unwrap().attributes.is_empty());
    for nothing in ["Nope__c", "No such"] {
        let error = salesforce.schema(nothing).await.unwrap_err();
        assert!(matches!(error.kind, ErrorKind::Configuration | ErrorKind::Unsupported), "{error}");
        assert!(error.message.contains(nothing) && error.message.contains("supportedObjectTypes"), "{error}");
    }
}

// ---- writing ----

#[tokio::test]
async fn users_are_created_changed_and_deactivated() {
    let world = World::new(seeded(10)).await;
    let salesforce = world.plain();
    let batch: Vec<Creation> = (0..450)
        .map(|n| creation(&n.to_string(), new_user(&world.org(), &format!("u{n}@new.example.com"))))
        .collect();
    let outcomes = salesforce.create("User", &batch).await;
    let uids: Vec<String> = outcomes.iter().map(|o| done(o).uid.clone()).collect();
    assert_eq!(uids.iter().collect::<HashSet<_>>().len(), 450);
    // One description and three collections.
    assert_eq!(world.api_calls(), 4);
    let changes: Vec<Change> =
        uids.iter().map(|u| change(u, json!({"Title": "Chief", "FirstName": null}))).collect();
    assert!(salesforce.update("User", &changes).await.iter().all(|o| matches!(o, Outcome::Done(_))));
    let kept = world.org().record("User", &uids[7]).unwrap();
    assert_eq!(kept.fields.get("Title").map(String::as_str), Some("Chief"));
    assert!(kept.fields.get("FirstName").is_none_or(String::is_empty));
    let written = world.org().writes().into_iter().rfind(|w| w.id == uids[7]).unwrap();
    assert_eq!(written.fields.len(), 2);
    assert!(salesforce.delete("User", &uids).await.iter().all(|o| matches!(o, Outcome::Done(_))));
    assert_eq!(world.org().record("User", &uids[7]).unwrap().fields["IsActive"], "false");
    assert_eq!(world.api_calls(), 10);
}

#[tokio::test]
async fn what_salesforce_would_refuse_is_told_and_not_sent() {
    let world = World::new(seeded(10)).await;
    let salesforce = world.plain();
    let uid = people(&world.org()).remove(0);
    let changes = [
        change(&uid, json!({"Alias": "much too long"})),
        change(&uid, json!({"EmailEncodingKey": "EBCDIC"})),
        change(&uid, json!({"LastName": null})),
        change(&uid, json!({"CreatedDate": "2026-01-01T00:00:00Z"})),
        change(&uid, json!({"NoSuchField__c": 1})),
        change("nonsense", json!({"Title": "x"})),
        change(&uid, json!({})),
    ];
    let outcomes = salesforce.update("User", &changes).await;
    for (outcome, attribute) in
        outcomes.iter().zip(["Alias", "EmailEncodingKey", "LastName", "CreatedDate", "NoSuchField__c"])
    {
        assert_eq!(rejected(outcome).1, Some(attribute), "{outcome:?}");
    }
    assert_eq!(outcomes[5], Outcome::Gone);
    assert_eq!(done(&outcomes[6]).uid, uid);
    let outcomes = salesforce.create("User", &[creation("1", json!({"LastName": "Kim"}))]).await;
    assert!(rejected(&outcomes[0]).0.contains("needs Username"), "{outcomes:?}");
    assert!(world.org().writes().is_empty());
    assert_eq!(world.api_calls(), 1);
}

#[tokio::test]
async fn taken_user_names_lead_to_their_user_or_to_words() {
    let world = World::new(seeded(10)).await;
    let salesforce = world.plain();
    let here = world.org().records("User").remove(4);
    let mine = here.fields["Username"].clone();
    let outcomes = salesforce
        .create(
            "User",
            &[
                creation("1", new_user(&world.org(), &mine)),
                creation("2", new_user(&world.org(), "taken@elsewhere.example.com")),
                creation("3", new_user(&world.org(), "free@new.example.com")),
            ],
        )
        .await;
    assert!(
        matches!(&outcomes[0], Outcome::Conflict { existing, .. } if *existing == here.id),
        "{outcomes:?}"
    );
    let (reason, attribute) = rejected(&outcomes[1]);
    assert!(reason.contains("another Salesforce organization") && !reason.contains("<br>"), "{reason}");
    assert_eq!(attribute, Some("Username"));
    let free = done(&outcomes[2]).uid.clone();
    let outcomes = salesforce.update("User", &[change(&free, json!({"Username": mine}))]).await;
    assert!(rejected(&outcomes[0]).0.contains("belongs to another user"), "{outcomes:?}");
    // With a suffix the same names are free, and nobody inside sees it.
    let suffixed = world.with(json!({"usernameSuffix": ".concord"}));
    let outcomes = suffixed
        .create("User", &[creation("1", new_user(&world.org(), "taken@elsewhere.example.com"))])
        .await;
    let uid = done(&outcomes[0]).uid.clone();
    assert_eq!(
        world.org().record("User", &uid).unwrap().fields["Username"],
        "taken@elsewhere.example.com.concord"
    );
    let found = suffixed.find_by_key("User", &names(&["taken@elsewhere.example.com"]), &[]).await.unwrap();
    assert_eq!(
        (found[0].uid.as_str(), &found[0].attributes["Username"]),
        (uid.as_str(), &json!("taken@elsewhere.example.com"))
    );
}

#[tokio::test]
async fn new_records_are_upserted_by_their_external_id() {
    let world = World::new(seeded(30)).await;
    let salesforce = world.with(json!({"externalIds": {"Contact": "External_Id__c"}}));
    let types = &salesforce.descriptor().object_types;
    let contact = types.iter().find(|t| t.name == "Contact").unwrap();
    assert_eq!(contact.natural_key.as_deref(), Some("External_Id__c"));
    let before = world.org().count("Contact");
    let batch = [
        creation("1", json!({"External_Id__c": "e-1", "LastName": "Kim"})),
        creation("2", json!({"LastName": "Lee"})),
    ];
    let first = salesforce.create("Contact", &batch).await;
    assert!(matches!(first[1], Outcome::Done(_)));
    assert_eq!(world.org().count("Contact"), before + 2);
    let found = salesforce.find_by_key("Contact", &names(&["e-1"]), &names(&["LastName"])).await.unwrap();
    assert_eq!(found[0].uid, done(&first[0]).uid);
}

#[tokio::test]
async fn a_record_that_has_the_external_id_of_a_new_one_is_told_and_not_overwritten() {
    for threshold in [1_000, 1] {
        let world = World::new(seeded(30)).await;
        let salesforce = world
            .with(json!({"bulkWriteThreshold": threshold, "externalIds": {"Contact": "External_Id__c"}}));
        let uid = world.org().create("Contact", &[("LastName", "Old"), ("External_Id__c", "E-1")]).unwrap();
        let new = |n: &str, id: &str| {
            creation(n, json!({"External_Id__c": id, "LastName": format!("New {n}"), "Title": "x"}))
        };
        world.org().reset_calls();
        let outcomes = salesforce
            .create("Contact", &[new("1", "e-1"), new("2", "e-2"), new("3", "e-3"), new("4", "E-2")])
            .await;
        let Outcome::Conflict { existing, reason } = &outcomes[0] else { panic!("{outcomes:?}") };
        assert_eq!(*existing, uid);
        assert!(reason.contains("External_Id__c is e-1"), "{reason}");
        let kept = world.org().record("Contact", &uid).unwrap();
        assert_eq!(kept.fields["LastName"], "Old");
        assert_eq!(
            world.org().record("Contact", &done(&outcomes[1]).uid).unwrap().fields["LastName"],
            "New 2"
        );
        done(&outcomes[2]);
        // One of two that are alike in it would overwrite the other.
        let (reason, attribute) = rejected(&outcomes[3]);
        assert!(reason.contains("another new Contact has the same External_Id__c (E-2)"), "{reason}");
        assert_eq!(attribute, Some("External_Id__c"));
        let queries = world.paths().iter().filter(|p| p.contains("/query")).count();
        assert_eq!(queries, 1, "{:?}", world.paths());
    }
}

/// Somebody makes such a record between the look-up and the upsert.
#[tokio::test]
async fn an_upsert_that_did_not_create_is_never_taken_for_a_create() {
    let uid = "003000000000001AAA";
    for threshold in [1_000, 1] {
        let script = Script::answering(move |request| {
            let path = request.target.split('?').next().unwrap_or_default();
            let json = |body| Reply::json(200, body);
            match path.rsplit('/').next().unwrap_or_default() {
                "describe" => json(json!({"name": "Contact", "createable": true, "fields": [
                    {"name": "Id", "type": "id"},
                    {"name": "Ext__c", "type": "string", "createable": true, "length": 40},
                ]})),
                "query" => json(json!({"totalSize": 0, "done": true, "records": []})),
                "Ext__c" => json(json!([
                    {"id": uid, "success": true, "errors": [], "created": false},
                    {"id": "003000000000002AAA", "success": true, "errors": [], "created": true},
                ])),
                "successfulResults" => Reply::csv(
                    "sf__Id,sf__Created,Ext__c\n003000000000001AAA,false,a\n003000000000002AAA,true,b\n",
                ),
                "failedResults" | "unprocessedrecords" => Reply::csv("sf__Id,sf__Error,Ext__c\n"),
                "batches" => Reply::json(201, json!(null)),
                _ => json(json!({"id": "750", "state": "JobComplete"})),
            }
        })
        .await;
        let world = World::new(seeded(0)).await;
        let more = json!({
            "instanceUrl": script.url, "bulkWriteThreshold": threshold, "externalIds": {"Contact": "Ext__c"},
        });
        let salesforce = world.salesforce(more, MemoryCredentials::with_access_token("test-token-1"));
        let batch = [creation("1", json!({"Ext__c": "a"})), creation("2", json!({"Ext__c": "b"}))];
        let outcomes = salesforce.create("Contact", &batch).await;
        assert!(
            matches!(&outcomes[0], Outcome::Conflict { existing, .. } if existing == uid),
            "{threshold}: {outcomes:?}"
        );
        assert_eq!(done(&outcomes[1]).uid, "003000000000002AAA");
        let jobs = script.requests().iter().any(|r| r.target.contains("/jobs/ingest"));
        assert_eq!(jobs, threshold == 1);
    }
}

#[tokio::test]
async fn a_hundred_thousand_users_cost_few_calls_either_way() {
    let world = World::new(seeded(100_000)).await;
    let count = world.org().count("User");
    assert!(count > 100_000);
    for (threshold, most) in [(20_000, 10), (1_000_000, 60)] {
        world.org().reset_calls();
        let salesforce = world.with(json!({"bulkReadThreshold": threshold}));
        let wanted =
            users(&["Username", "Email", "FirstName", "LastName", "IsActive", "Title", "Phone", "City"]);
        let mut pages = salesforce.search(wanted);
        let (mut seen, mut largest) = (0, 0);
        while let Some(page) = pages.next().await {
            let page = page.unwrap();
            seen += page.objects.len();
            largest = largest.max(page.objects.len());
        }
        assert_eq!((seen, largest), (count, 2000));
        assert!(world.api_calls() <= most, "{} calls", world.api_calls());
        let side_by_side = world.paths().iter().any(|p| p.ends_with("/resultPages"));
        assert_eq!(side_by_side, most == 10, "{:?}", world.paths());
    }
}

#[tokio::test]
async fn locked_rows_are_tried_again_in_smaller_calls() {
    let lock = |times| RowFault {
        object: Some("Contact".into()),
        operation: Some("update".into()),
        times,
        ..RowFault::of("UNABLE_TO_LOCK_ROW")
    };
    let world = World::new(seeded(600)).await;
    let salesforce = world.plain();
    let contacts: Vec<String> = world.org().records("Contact").into_iter().take(150).map(|r| r.id).collect();
    let changes: Vec<Change> = contacts.iter().map(|u| change(u, json!({"Title": "x"}))).collect();
    world.org().add_row_fault(lock(60));
    assert!(salesforce.update("Contact", &changes).await.iter().all(|o| matches!(o, Outcome::Done(_))));
    assert!(world.api_calls() < 12, "{}", world.api_calls());
    world.org().add_row_fault(lock(ALWAYS));
    let outcomes = salesforce.update("Contact", &changes[..20]).await;
    assert!(outcomes.iter().all(|o| matches!(o, Outcome::Retry { .. })), "{outcomes:?}");
    assert!(world.api_calls() < 24, "{}", world.api_calls());
}

#[tokio::test]
async fn each_record_of_a_mixed_batch_gets_its_own_outcome() {
    let world = World::new(seeded(30)).await;
    let salesforce = world.plain();
    let contacts: Vec<String> = world.org().records("Contact").into_iter().map(|r| r.id).collect();
    let fault = |id: &str, code: &str, message: &str, fields: &[&str]| RowFault {
        id: Some(id.to_owned()),
        times: ALWAYS,
        message: message.into(),
        fields: names(fields),
        ..RowFault::of(code)
    };
    world.org().add_row_fault(fault(
        &contacts[0],
        "FIELD_CUSTOM_VALIDATION_EXCEPTION",
        "Title must be short",
        &["Title"],
    ));
    world.org().add_row_fault(fault(&contacts[1], "REQUEST_LIMIT_EXCEEDED", "wait", &[]));
    world.org().delete("Contact", &contacts[2]).unwrap();
    let changes: Vec<Change> = contacts[..4].iter().map(|u| change(u, json!({"Title": "x"}))).collect();
    let outcomes = salesforce.update("Contact", &changes).await;
    let (reason, attribute) = rejected(&outcomes[0]);
    assert!(reason.contains("validation rule") && attribute == Some("Title"), "{reason}");
    assert!(matches!(outcomes[1], Outcome::Retry { .. }));
    assert_eq!(outcomes[2], Outcome::Gone);
    assert!(matches!(outcomes[3], Outcome::Done(_)));
    let outcomes = salesforce.delete("Contact", &contacts[2..5]).await;
    assert!(matches!(outcomes[..], [Outcome::Gone, Outcome::Done(_), Outcome::Done(_)]), "{outcomes:?}");
    let outcomes = salesforce.delete("UserLogin", &names(&["0Yw000000000001"])).await;
    assert!(rejected(&outcomes[0]).0.contains("cannot be deleted"), "{outcomes:?}");
}

/// Salesforce says the same of a value that leads nowhere and of a record that never was.
#[tokio::test]
async fn a_record_is_gone_when_it_cannot_be_read_and_not_for_a_code() {
    for threshold in [1_000, 1] {
        let world = World::new(seeded(30)).await;
        let salesforce = world.with(json!({"bulkWriteThreshold": threshold}));
        let contacts: Vec<String> = world.org().records("Contact").into_iter().map(|r| r.id).collect();
        for id in &contacts[..2] {
            world.org().add_row_fault(RowFault {
                id: Some(id.clone()),
                times: ALWAYS,
                message: "invalid cross reference id".into(),
                ..RowFault::of("INVALID_CROSS_REFERENCE_KEY")
            });
        }
        let never = "003000000000Zzz";
        let written = [contacts[0].as_str(), never, &contacts[1], &contacts[2]];
        let changes: Vec<Change> = written.iter().map(|u| change(u, json!({"Title": "x"}))).collect();
        world.org().reset_calls();
        for outcomes in [
            salesforce.update("Contact", &changes).await,
            salesforce.delete("Contact", &names(&written)).await,
        ] {
            for outcome in [&outcomes[0], &outcomes[2]] {
                let (reason, _) = rejected(outcome);
                assert!(reason.contains("invalid cross reference id"), "{threshold}: {reason}");
            }
            assert_eq!(outcomes[1], Outcome::Gone, "{threshold}");
            done(&outcomes[3]);
        }
        let reads = world
            .paths()
            .iter()
            .filter(|p| p.ends_with("POST /services/data/v66.0/composite/sobjects/Contact"))
            .count();
        assert_eq!(reads, 2, "one for each batch: {:?}", world.paths());
    }
    // Where nobody can look, what Salesforce said stands.
    let world = World::new(seeded(30)).await;
    let no = Action::Answer { status: 500, body: None, headers: Default::default() };
    world.org().add_fault(Fault::on("*/composite/sobjects/Contact", no).times(ALWAYS));
    let outcomes = world.plain().delete("Contact", &names(&["003000000000Zzz"])).await;
    assert!(rejected(&outcomes[0]).0.contains("INVALID_CROSS_REFERENCE_KEY"), "{outcomes:?}");
}

#[tokio::test]
async fn lost_answers_of_writes_are_unknown_and_nothing_is_sent_twice() {
    for action in [Action::LoseAnswer, Action::ResetBeforeAnswer, Action::CutBody, Action::TruncatedJson] {
        let world = World::new(seeded(10)).await;
        let salesforce = world.plain();
        world.org().add_fault(Fault::on("*/composite/sobjects*", action.clone()));
        let batch = [creation("1", new_user(&world.org(), "lost@new.example.com"))];
        let outcomes = salesforce.create("User", &batch).await;
        assert!(matches!(outcomes[0], Outcome::Unknown { .. }), "{action:?} {outcomes:?}");
        let sent = world.paths().iter().filter(|p| p.starts_with("POST")).count();
        assert_eq!(sent, 1, "{action:?}");
    }
    let world = World::new(seeded(10)).await;
    world.org().add_fault(Fault::on(
        "*/composite/sobjects*",
        Action::TooManyRequests { policy: None, retry_after: None },
    ));
    let outcomes =
        world.plain().create("User", &[creation("1", new_user(&world.org(), "late@new.example.com"))]).await;
    let Outcome::Retry { after, .. } = &outcomes[0] else { panic!("{outcomes:?}") };
    assert_eq!(*after, Duration::from_secs(3600));
}

#[tokio::test]
async fn users_can_be_frozen_instead_and_refusals_are_explained() {
    let world = World::new(seeded(10)).await;
    let uid = people(&world.org()).remove(2);
    let freezing = world.with(json!({"userDelete": "freeze"}));
    let outcomes = freezing.delete("User", std::slice::from_ref(&uid)).await;
    assert!(matches!(outcomes[0], Outcome::Done(_)), "{outcomes:?}");
    assert_eq!(world.org().record("User", &uid).unwrap().fields["IsActive"], "true");
    let login = world.org().find("UserLogin", "UserId", &uid).unwrap();
    assert_eq!(login.fields["IsFrozen"], "true");
    let integration = world.org().records("User").remove(0).id;
    let outcomes = world.plain().delete("User", &[integration]).await;
    let (reason, _) = rejected(&outcomes[0]);
    assert!(reason.contains("deactivate your own") && reason.contains("`freeze`"), "{reason}");
}

#[tokio::test]
async fn a_share_of_the_day_is_left_to_others() {
    let limits = Limits { daily: Some(20), ..Limits::UNLIMITED };
    let world = World::new(Options { limits, ..seeded(3) }).await;
    let salesforce = world.with(json!({"dailyApiShare": 50}));
    for _ in 0..10 {
        all(&salesforce, users(&["Username"])).await.unwrap();
    }
    let error = all(&salesforce, users(&["Username"])).await.err().unwrap();
    assert_eq!((error.kind, error.retry_after), (ErrorKind::RateLimited, Some(Duration::from_secs(3600))));
    assert!(error.message.contains("10 of its 20 calls"), "{error}");
    let uid = people(&world.org()).remove(0);
    let outcomes = salesforce.update("User", &[change(&uid, json!({"Title": "x"}))]).await;
    assert!(matches!(outcomes[0], Outcome::Retry { .. }), "{outcomes:?}");
    assert_eq!(world.api_calls(), 10);
    assert_eq!(salesforce.usage().daily_limit, Some(20));
}

#[tokio::test]
async fn secrets_do_not_show_in_errors() {
    let (world, credentials) = authorized(rotating(3)).await;
    let salesforce = world.salesforce(world.app(), credentials.clone());
    world.org().revoke_all();
    let error = all(&salesforce, users(&["Username"])).await.err().unwrap();
    let told = format!("{error} {error:?}");
    for secret in credentials.stored().iter().flat_map(|t| t.refresh_token.iter().chain([&t.access_token])) {
        assert!(secret.is_empty() || !told.contains(Secret::expose(secret)));
    }
}

#[tokio::test]
async fn processes_that_are_killed_while_they_renew_never_make_a_token_be_used_twice() {
    let (world, credentials) = authorized(rotating(3)).await;
    let (mut killed, mut again) = (0, 0);
    for steps in (0..80).map(|n| n % 9) {
        world.org().expire_sessions();
        let victim = world.salesforce(world.app(), credentials.clone());
        let read = tokio::spawn(async move { all(&victim, users(&["Username"])).await.map(|_| ()) });
        for _ in 0..steps {
            tokio::task::yield_now().await;
        }
        killed += usize::from(!read.is_finished());
        read.abort();
        let _ = read.await;
        let next = world.salesforce(world.app(), credentials.clone());
        if let Err(error) = all(&next, users(&["Username"])).await {
            assert_eq!(error.kind, ErrorKind::Unauthorized, "{error}");
            assert!(error.message.contains("authorize again"), "{error}");
            authorize(&world, &credentials, world.app()).await.unwrap();
            again += 1;
        }
        assert_eq!(world.org().tokens().reuses, 0, "killed after {steps} steps");
    }
    assert!(killed >= 10, "{killed} kills, {again} authorized again");
}

// ---- many records ----

/// How a bulk job ends.
fn job_fault(end: &str, processed: Option<usize>) -> JobFault {
    JobFault { object: None, nth: 1, times: 1, end: end.into(), processed, polls: 3, late: false }
}

#[tokio::test]
async fn bulk_and_pages_bring_the_same_records() {
    let world = World::new(seeded(3000)).await;
    let wanted = [
        "__NAME__",
        "FirstName",
        "LastName",
        "IsActive",
        "CreatedDate",
        "Title",
        "Phone",
        "Profile.Name",
        "ManagerId",
        "EmployeeNumber",
        "Manager.Username",
        "Manager.IsActive",
        "Manager.CreatedDate",
        "Manager.Manager.Latitude",
        "Profile.UserLicense.TotalLicenses",
    ];
    let (manager, above) = {
        let all = people(&world.org());
        (all[0].clone(), all[1].clone())
    };
    world.org().set("User", &manager, &[("ManagerId", &above)]).unwrap();
    world.org().set("User", &above, &[("Latitude", "48.5")]).unwrap();
    world.org().set("User", &people(&world.org())[2], &[("ManagerId", &manager)]).unwrap();
    let by_page = all(&world.with(json!({"bulkReadThreshold": 1_000_000})), users(&wanted)).await.unwrap();
    world.org().reset_calls();
    let by_job = all(&world.with(json!({"bulkReadThreshold": 2000})), users(&wanted)).await.unwrap();
    assert!(world.paths().iter().any(|p| p.contains("/jobs/query")), "{:?}", world.paths());
    assert!(world.api_calls() <= 12, "{:?}", world.paths());
    assert_eq!(by_page.objects.len(), world.org().count("User"));
    assert_eq!(by_page.objects, by_job.objects);
    let led = by_job.objects.iter().find(|o| o.attributes["Manager.Manager.Latitude"] == 48.5).unwrap();
    assert_eq!(led.attributes["Manager.IsActive"], true);
    // A filter travels along, and its own check too.
    let mut found = Vec::new();
    for threshold in [10, 1_000_000] {
        let filter =
            Filter::parse("LastName eq \"O'Connor\" or LastName sw 'K' or IsActive eq true").unwrap();
        let search = Search { filter: Some(filter), ..users(&["Username"]) };
        found.push(all(&world.with(json!({"bulkReadThreshold": threshold})), search).await.unwrap().objects);
    }
    assert!(found[0].len() > 2000 && found[0] == found[1]);
}

#[tokio::test]
async fn what_a_job_would_bring_without_its_type_is_read_page_by_page() {
    for (path, in_bulk) in [("*/Profile/describe", false), ("*/UserRole/describe", true)] {
        let world = World::new(seeded(3000)).await;
        world.org().add_fault(
            Fault::on(path, Action::Answer { status: 404, body: None, headers: Default::default() })
                .times(ALWAYS),
        );
        let wanted = users(&["Username", "Profile.CreatedDate"]);
        let listed = all(&world.with(json!({"bulkReadThreshold": 2000})), wanted).await.unwrap();
        assert_eq!(listed.objects.len(), world.org().count("User"));
        assert_eq!(world.paths().iter().any(|p| p.contains("/jobs/query")), in_bulk, "{path}");
    }
}

#[tokio::test]
async fn faults_of_a_bulk_read_are_healed_or_reported() {
    let no_bulk = Action::Answer {
        status: 403,
        body: Some(json!([{"errorCode": "FEATURENOTENABLED", "message": "Async API not enabled"}])),
        headers: Default::default(),
    };
    for (name, path, action, times, expect) in [
        ("cut", "*/results", Action::CutBody, 1, Ok(())),
        ("truncated", "*/results", Action::TruncatedJson, 1, Ok(())),
        ("truncated for good", "*/results", Action::TruncatedJson, ALWAYS, Err(ErrorKind::Untrusted)),
        ("reset", "*/results", Action::ResetBeforeAnswer, 2, Ok(())),
        ("web page for good", "*/results", Action::Html, ALWAYS, Err(ErrorKind::Untrusted)),
        ("job lost", "*/jobs/query", Action::LoseAnswer, 1, Ok(())),
        ("poll lost", "*/jobs/query/*", Action::LoseAnswer, 1, Ok(())),
        ("no bulk here", "*/jobs/query", no_bulk, ALWAYS, Ok(())),
    ] {
        let world = World::new(seeded(4000)).await;
        world.org().add_fault(Fault::on(path, action).times(times));
        let bulk = world.with(json!({"bulkReadThreshold": 2000}));
        match (all(&bulk, users(&["Username"])).await, expect) {
            (Ok(listed), Ok(())) => {
                let count = world.org().count("User");
                assert_eq!((listed.objects.len(), ids(&listed).len()), (count, count), "{name}");
            }
            (Err(error), Err(kind)) => assert_eq!(error.kind, kind, "{name}: {error}"),
            (Ok(listed), Err(kind)) => panic!("{name}: {} records instead of {kind:?}", listed.objects.len()),
            (Err(error), Ok(())) => panic!("{name}: {error}"),
        }
    }
    for end in ["Failed", "Aborted"] {
        let world = World::new(seeded(4000)).await;
        world.org().add_job_fault(job_fault(end, None));
        let bulk = world.with(json!({"bulkReadThreshold": 2000}));
        let listed = all(&bulk, users(&["Username"])).await.unwrap();
        assert_eq!(ids(&listed).len(), world.org().count("User"), "{end}");
    }
}

#[tokio::test]
async fn ten_thousand_changes_cost_a_handful_of_calls() {
    let world = World::new(seeded(10_000)).await;
    let salesforce = world.plain();
    let uids = people(&world.org());
    let types = &salesforce.descriptor().object_types;
    let size = types.iter().find(|t| t.name == "User").unwrap().batch_size;
    for (n, chunk) in uids.chunks(size).enumerate() {
        let title = |uid: &String| match n {
            0 => change(uid, json!({"Title": "x, \"y\"", "Phone": null})),
            _ => change(uid, json!({"Title": "z"})),
        };
        let changes: Vec<Change> = chunk.iter().map(title).collect();
        let outcomes = salesforce.update("User", &changes).await;
        assert!(outcomes.iter().all(|o| matches!(o, Outcome::Done(_))));
    }
    assert!(world.api_calls() <= 20, "{}", world.api_calls());
    let first = world.org().record("User", &uids[0]).unwrap();
    assert_eq!(first.fields["Title"], "x, \"y\"");
    assert!(first.fields.get("Phone").is_none_or(String::is_empty));
}

#[tokio::test]
async fn a_bulk_write_gives_each_record_its_outcome() {
    let world = World::new(seeded(2000)).await;
    let salesforce = world.with(json!({"bulkWriteThreshold": 100}));
    let contacts: Vec<String> = world.org().records("Contact").into_iter().take(400).map(|r| r.id).collect();
    assert_eq!(contacts.len(), 400);
    let fault = |id: &str, times, code: &str| RowFault {
        id: Some(id.to_owned()),
        times,
        message: "no".into(),
        fields: names(&["Title"]),
        ..RowFault::of(code)
    };
    world.org().add_row_fault(fault(&contacts[0], ALWAYS, "FIELD_CUSTOM_VALIDATION_EXCEPTION"));
    world.org().add_row_fault(fault(&contacts[1], 1, "UNABLE_TO_LOCK_ROW"));
    world.org().delete("Contact", &contacts[2]).unwrap();
    let mut changes: Vec<Change> = contacts.iter().map(|u| change(u, json!({"Title": "x"}))).collect();
    changes[3] = change(&contacts[3], json!({"Title": "#N/A"}));
    changes[4] = change(&contacts[4], json!({"Title": null}));
    let outcomes = salesforce.update("Contact", &changes).await;
    assert_eq!(rejected(&outcomes[0]).1, Some("Title"));
    assert_eq!(outcomes[2], Outcome::Gone);
    let not_done = |(n, o): &(usize, &Outcome)| !matches!(n, 0 | 2) && !matches!(o, Outcome::Done(_));
    assert_eq!(outcomes.iter().enumerate().find(not_done), None);
    let title = |n: usize| {
        let fields = world.org().record("Contact", &contacts[n]).unwrap().fields;
        fields.get("Title").cloned().unwrap_or_default()
    };
    assert_eq!([title(1), title(3), title(4), title(399)], ["x", "#N/A", "", "x"]);
    assert!(world.api_calls() < 16, "{}", world.api_calls());
    // A job that is ended in the middle: what it did is done, the rest may be tried again.
    world.org().clear_faults();
    world.org().add_job_fault(job_fault("Failed", Some(150)));
    let changes: Vec<Change> = contacts[5..].iter().map(|u| change(u, json!({"Title": "late"}))).collect();
    let outcomes = salesforce.update("Contact", &changes).await;
    let count = |wanted: fn(&Outcome) -> bool| outcomes.iter().filter(|o| wanted(o)).count();
    assert_eq!(count(|o| matches!(o, Outcome::Done(_))), 150);
    assert_eq!(count(|o| matches!(o, Outcome::Retry { .. })), 245);
    assert_eq!((5..400).filter(|n| title(*n) == "late").count(), 150);
    // Deleting goes the same way.
    let outcomes = salesforce.delete("Contact", &contacts[5..]).await;
    assert!(outcomes.iter().all(|o| matches!(o, Outcome::Done(_))), "{outcomes:?}");
}

#[tokio::test]
async fn new_records_go_in_bulk_too_and_each_finds_its_id() {
    let world = World::new(seeded(30)).await;
    let salesforce =
        world.with(json!({"bulkWriteThreshold": 100, "externalIds": {"Contact": "External_Id__c"}}));
    for keyed in [false, true] {
        world.org().add_row_fault(RowFault { times: 1, ..RowFault::of("FIELD_CUSTOM_VALIDATION_EXCEPTION") });
        let before = world.org().count("Contact");
        let attributes = |n: usize| {
            // The first two are alike in everything; one has the text that means "no value" in a job.
            let name = if keyed { n } else { n.max(1) };
            let title = if n == 2 { "#N/A" } else { "a, \"b\"" };
            let mut attributes = json!({"LastName": format!("New {name}"), "Title": title, "Phone": null});
            if keyed {
                attributes["External_Id__c"] = json!(format!("x-{n}"));
            }
            attributes
        };
        let batch: Vec<_> = (0..300).map(|n| creation(&n.to_string(), attributes(n))).collect();
        world.org().reset_calls();
        let outcomes = salesforce.create("Contact", &batch).await;
        assert!(world.api_calls() < 12, "{}", world.api_calls());
        let refused: Vec<usize> =
            (0..300).filter(|n| matches!(outcomes[*n], Outcome::Rejected { .. })).collect();
        assert_eq!(refused.len(), 1, "{:?}", outcomes[refused[0]]);
        let mut uids: Vec<&str> = Vec::new();
        for (n, outcome) in outcomes.iter().enumerate().filter(|(n, _)| !refused.contains(n)) {
            let uid = done(outcome).uid.as_str();
            let record = world.org().record("Contact", uid).unwrap();
            assert_eq!(record.fields["LastName"], attributes(n)["LastName"].as_str().unwrap(), "{n}");
            assert_eq!(record.fields["Title"], attributes(n)["Title"].as_str().unwrap(), "{n}");
            uids.push(uid);
        }
        uids.sort_unstable();
        uids.dedup();
        assert_eq!(uids.len(), 299, "nobody stands for two");
        assert_eq!(world.org().count("Contact"), before + 299);
    }
}

#[tokio::test]
async fn lost_answers_of_a_bulk_write_are_looked_at() {
    let no_bulk = Action::Answer {
        status: 400,
        body: Some(json!([{"errorCode": "INVALIDJOB", "message": "No create/update access"}])),
        headers: Default::default(),
    };
    let on_job = |action| Fault::on("*/jobs/ingest/*", action);
    for (name, fault, expect) in [
        ("job", Fault::on("*/jobs/ingest", Action::LoseAnswer), "done"),
        ("upload", Fault::on("*/batches", Action::LoseAnswer), "retry"),
        ("upload reset", Fault::on("*/batches", Action::ResetBeforeAnswer), "retry"),
        ("start", on_job(Action::LoseAnswer).method("PATCH"), "done"),
        ("start reset", on_job(Action::ResetBeforeAnswer).method("PATCH"), "retry"),
        ("poll", on_job(Action::LoseAnswer).method("GET").times(3), "done"),
        ("outage", on_job(Action::ResetBeforeAnswer).method("GET").times(40), "done"),
        ("no bulk", Fault::on("*/jobs/ingest", no_bulk), "done"),
    ] {
        let world = World::new(seeded(300)).await;
        world.org().add_fault(fault);
        let uids = people(&world.org());
        let changes: Vec<Change> = uids.iter().map(|u| change(u, json!({"Title": "x"}))).collect();
        let outcomes = world.with(json!({"bulkWriteThreshold": 100})).update("User", &changes).await;
        let all_are = |wanted: fn(&Outcome) -> bool| outcomes.iter().all(wanted);
        let written = world.org().writes().len();
        match expect {
            "done" => {
                assert!(all_are(|o| matches!(o, Outcome::Done(_))), "{name}: {:?}", outcomes[0]);
                assert_eq!(written, uids.len(), "{name}");
            }
            _ => {
                assert!(all_are(|o| matches!(o, Outcome::Retry { .. })), "{name}: {:?}", outcomes[0]);
                assert_eq!(written, 0, "{name}");
            }
        }
    }
}

/// What counts as work under way: jobs of this user for this type that are not over. One that was left open is ended.
#[tokio::test]
async fn jobs_that_may_yet_write_are_told_and_those_left_open_are_ended() {
    const ME: &str = "005000000000001AAA";
    // The server's own clock stands at 12:00.
    let job = |id: &str, more: Value| {
        let mut job = json!({"id": id, "object": "Contact", "operation": "insert", "state": "InProgress",
            "createdById": ME, "createdDate": "2026-11-01T11:00:00.000+0000", "apiVersion": 66.0, "jobType": "V2Ingest"});
        job.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        job
    };
    let young = "2026-11-01T11:58:30.000+0000";
    for (name, jobs, known, expect, ended) in [
        ("none", json!([]), true, None, 0),
        (
            "ours",
            json!([job("1", json!({}))]),
            true,
            Some("bulk job 1 (insert of Contact, InProgress) has"),
            0,
        ),
        ("queued", json!([job("1", json!({"state": "UploadComplete"}))]), true, Some("UploadComplete"), 0),
        ("two", json!([job("1", json!({})), job("2", json!({}))]), true, Some("and 1 more"), 0),
        (
            "over",
            json!([job("1", json!({"state": "JobComplete"})), job("2", json!({"state": "Failed"}))]),
            true,
            None,
            0,
        ),
        ("another type", json!([job("1", json!({"object": "Lead"}))]), true, None, 0),
        ("somebody else's", json!([job("1", json!({"createdById": "005000000000002AAA"}))]), true, None, 0),
        (
            "anybody's",
            json!([job("1", json!({"createdById": "005000000000002AAA"}))]),
            false,
            Some("bulk job 1"),
            0,
        ),
        (
            "opened just now",
            json!([job("1", json!({"state": "Open", "createdDate": young}))]),
            true,
            Some("Open"),
            0,
        ),
        ("left open", json!([job("1", json!({"state": "Open"}))]), true, None, 1),
        ("left open by anybody", json!([job("1", json!({"state": "Open"}))]), false, None, 0),
    ] {
        // The list has two pages; what matters is on the second.
        let script = Script::answering(move |request| {
            let reply = match (request.method.as_str(), request.target.as_str()) {
                ("PATCH", _) => Reply::json(200, json!({"id": "1", "state": "Aborted"})),
                (_, "/services/oauth2/userinfo") if known => Reply::json(200, json!({"user_id": ME})),
                (_, "/services/oauth2/userinfo") => Reply::json(403, json!({"error": "Missing_OAuth_Token"})),
                (_, target) if target.contains("queryLocator=1") => {
                    Reply::json(200, json!({"done": true, "records": jobs, "nextRecordsUrl": null}))
                }
                _ => Reply::json(200, json!({"done": false, "records": [],
                    "nextRecordsUrl": "https://elsewhere.example.com/services/data/v66.0/jobs/ingest?queryLocator=1"})),
            };
            reply.with("date", "Sun, 01 Nov 2026 12:00:00 GMT")
        })
        .await;
        let world = World::new(seeded(0)).await;
        let salesforce = world.salesforce(
            json!({"instanceUrl": script.url}),
            MemoryCredentials::with_access_token("sandbox-session"),
        );
        let told = salesforce.under_way("Contact").await.unwrap();
        match expect {
            None => assert_eq!(told, None, "{name}"),
            Some(words) => assert!(told.as_deref().unwrap_or_default().contains(words), "{name}: {told:?}"),
        }
        let lines: Vec<String> = script.requests().iter().map(support::Request::line).collect();
        assert_eq!(lines.iter().filter(|line| line.starts_with("PATCH")).count(), ended, "{name}: {lines:?}");
    }
}

#[tokio::test]
async fn where_jobs_cannot_be_listed_there_are_none_or_nobody_knows() {
    let refused = |status, code: &str| Action::Answer {
        status,
        body: Some(json!([{"errorCode": code, "message": "no"}])),
        headers: Default::default(),
    };
    for (name, action, known) in [
        ("no bulk here", refused(403, "FEATURENOTENABLED"), true),
        ("server error", refused(503, "SERVER_UNAVAILABLE"), false),
        ("no list", Action::EmptyObject, false),
        ("page", Action::Html, false),
        ("reset", Action::ResetBeforeAnswer, false),
    ] {
        let world = World::new(seeded(0)).await;
        world.org().add_fault(Fault::on("*/jobs/ingest", action).times(ALWAYS));
        let told = world.plain().under_way("Contact").await;
        assert_eq!(told.is_ok(), known, "{name}: {told:?}");
        assert!(told.is_err() || told.unwrap().is_none(), "{name}");
    }
    // What never goes in bulk is not asked about.
    let world = World::new(seeded(0)).await;
    assert_eq!(world.plain().under_way("PermissionSet").await.unwrap(), None);
    assert_eq!(world.api_calls(), 0);
}

// ---- change feed and test ----

async fn feed(
    salesforce: &Salesforce,
    kind: &str,
    since: Option<String>,
) -> (HashSet<String>, Vec<String>, String) {
    let wanted = Feed { object_type: kind.into(), attributes: names(&["LastName"]), since };
    let mut changes = salesforce.changes(wanted);
    let (mut changed, mut deleted, mut cursor) = (HashSet::new(), Vec::new(), String::new());
    while let Some(page) = changes.next().await {
        let page = page.unwrap();
        assert!(page.objects.iter().all(|o| o.attributes.keys().eq(["LastName"])));
        changed.extend(page.objects.into_iter().map(|o| o.uid));
        deleted.extend(page.deleted);
        cursor = page.cursor;
    }
    (changed, deleted, cursor)
}

#[tokio::test]
async fn the_feed_tells_what_changed_and_what_was_deleted() {
    let world = World::new(seeded(3000)).await;
    let salesforce = world.plain();
    world.hand.advance(86_400);
    let (changed, deleted, cursor) = feed(&salesforce, "Contact", None).await;
    assert!(changed.is_empty() && deleted.is_empty());
    world.hand.advance(3600);
    let contacts: Vec<String> = world.org().records("Contact").into_iter().map(|r| r.id).collect();
    world.org().set("Contact", &contacts[0], &[("LastName", "New")]).unwrap();
    world.org().delete("Contact", &contacts[1]).unwrap();
    let made = world.org().create("Contact", &[("LastName", "Made")]).unwrap();
    world.hand.advance(600);
    world.org().reset_calls();
    let (changed, deleted, next) = feed(&salesforce, "Contact", Some(cursor.clone())).await;
    assert_eq!(changed, HashSet::from([contacts[0].clone(), made]));
    assert_eq!(deleted, [contacts[1].clone()]);
    assert_eq!(world.api_calls(), 2);
    // Nothing new: nothing comes, for two calls.
    world.hand.advance(3600);
    let (_, _, next) = feed(&salesforce, "Contact", Some(next)).await;
    world.hand.advance(3600);
    world.org().reset_calls();
    let (changed, deleted, next) = feed(&salesforce, "Contact", Some(next)).await;
    assert!(changed.is_empty() && deleted.is_empty());
    assert_eq!(world.api_calls(), 2);
    // A record that was committed late carries an earlier stamp than the end of the last window.
    let now = world.hand.now().as_millisecond();
    world.org().set("Contact", &contacts[5], &[("LastName", "Late")]).unwrap();
    assert!(world.org().set_system_modstamp("Contact", &contacts[5], now - 5 * 60_000));
    let (changed, _, next) = feed(&salesforce, "Contact", Some(next)).await;
    assert_eq!(changed, HashSet::from([contacts[5].clone()]));
    world.hand.advance(16 * 86_400);
    let late = Feed { object_type: "Contact".into(), attributes: vec![], since: Some(next) };
    let error = salesforce.changes(late).next().await.unwrap().unwrap_err();
    assert!(error.message.contains("full reconciliation"), "{error}");
}

/// However many pages a window has, and at any of them, what is committed late is still to come.
#[tokio::test]
async fn a_window_of_many_pages_reaches_back_as_well() {
    let world = World::new(seeded(5000)).await;
    let salesforce = world.plain();
    world.hand.advance(86_400);
    let (_, _, cursor) = feed(&salesforce, "User", None).await;
    world.hand.advance(3600);
    let uids = people(&world.org());
    let (late, others) = uids.split_first().unwrap();
    for uid in others {
        world.org().set("User", uid, &[("Title", "x")]).unwrap();
    }
    let asked =
        || Feed { object_type: "User".into(), attributes: names(&["LastName"]), since: Some(cursor.clone()) };
    let pages: Vec<_> = salesforce.changes(asked()).map(|page| page.unwrap().cursor).collect().await;
    assert!(pages.len() >= 3, "{pages:?}");
    let stamp = world.hand.now().as_millisecond() - 60_000;
    world.org().set("User", late, &[("Title", "late")]).unwrap();
    assert!(world.org().set_system_modstamp("User", late, stamp));
    for cursor in pages {
        let (changed, ..) = feed(&salesforce, "User", Some(cursor.clone())).await;
        assert!(changed.contains(late), "{cursor}");
    }
}

#[tokio::test]
async fn a_long_feed_survives_its_cursor_and_goes_on_from_any_page() {
    let world = World::new(seeded(5000)).await;
    let salesforce = world.plain();
    world.hand.advance(86_400);
    let (_, _, cursor) = feed(&salesforce, "User", None).await;
    world.hand.advance(3600);
    let uids = people(&world.org());
    for chunk in uids.chunks(1000) {
        world.hand.advance(1);
        for uid in chunk {
            world.org().set("User", uid, &[("Title", "x")]).unwrap();
        }
    }
    let expect: HashSet<String> = uids.into_iter().collect();
    let cursors = Some(CursorFault { die_after_pages: 2, times: 1 });
    world.org().set_faults(Faults { cursors, ..Faults::default() });
    let (changed, _, _) = feed(&salesforce, "User", Some(cursor.clone())).await;
    assert_eq!(changed, expect);
    let from_start = Feed { object_type: "User".into(), attributes: vec![], since: Some(cursor) };
    let first = salesforce.changes(from_start).next().await.unwrap().unwrap();
    let (rest, _, _) = feed(&salesforce, "User", Some(first.cursor)).await;
    let both: HashSet<String> = first.objects.into_iter().map(|o| o.uid).chain(rest).collect();
    assert_eq!(both, expect);
    let logins = Feed { object_type: "UserLogin".into(), attributes: vec![], since: None };
    let error = salesforce.changes(logins).next().await.unwrap().unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unsupported);
}

#[tokio::test]
async fn a_test_says_who_and_what_and_how_much() {
    let (world, credentials) = authorized(rotating(3)).await;
    let connection = world.salesforce(world.app(), credentials.clone());
    let report = connection.test().await.unwrap();
    assert!(report.account_id.as_ref().unwrap().starts_with("organization 00D"), "{report:?}");
    assert_eq!(connection.account().await.unwrap(), report.account_id);
    let told = report.checked.join("\n");
    for part in [
        "reached 127.0.0.1",
        "token accepted",
        "calls of the last 24 hours",
        "authorized as",
        "User: can read, create, change",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert!(report.account.is_some() && report.missing_scopes.is_empty(), "{report:?}");
    let mut narrow = world.app();
    narrow["scopes"] = json!("api id");
    let credentials = secret();
    authorize(&world, &credentials, narrow.clone()).await.unwrap();
    let report = world.salesforce(narrow, credentials).test().await.unwrap();
    assert_eq!(report.missing_scopes, ["refresh_token"]);
    let error = world.salesforce(world.app(), secret()).test().await.unwrap_err();
    assert!(error.message.contains("not authorized yet"), "{error}");
}

#[tokio::test]
async fn a_query_that_is_too_long_for_an_address_travels_in_a_body() {
    let script = Script::answering(|request| match request.target.contains("/describe") {
        true => Reply::json(
            200,
            json!({"name": "User", "fields": [
                {"name": "Id", "type": "id"}, {"name": "LastName", "type": "string", "filterable": true}
            ]}),
        ),
        false => {
            let page = json!({"totalSize": 1, "done": true, "records": [{"Id": "005000000000001AAA", "LastName": "N7"}]});
            Reply::json(200, json!({"hasErrors": false, "results": [{"statusCode": 200, "result": page}]}))
        }
    })
    .await;
    let world = World::new(seeded(0)).await;
    let more = json!({"instanceUrl": script.url});
    let salesforce = world.salesforce(more, MemoryCredentials::with_access_token("test-token-1"));
    let any: Vec<String> = (0..900).map(|n| format!("LastName eq 'N{n}'")).collect();
    let filter = Some(Filter::parse(&any.join(" or ")).unwrap());
    let listed = all(&salesforce, Search { filter, ..users(&["LastName"]) }).await.unwrap();
    assert_eq!(listed.objects.len(), 1);
    let request = script.requests().pop().unwrap();
    assert_eq!(request.line(), "POST /services/data/v66.0/composite/batch");
    let url = request.json()["batchRequests"][0]["url"].as_str().unwrap().to_owned();
    assert!(url.starts_with("v66.0/query?q=SELECT") && url.len() > 12_000, "{}", &url[..60]);
}

#[tokio::test]
async fn a_list_with_a_hole_is_refused() {
    // Salesforce counts three and delivers two, and asked again it has nothing behind the second.
    let record = |n: u8| json!({"Id": format!("00500000000000{n}")});
    let script = Script::new([
        Reply::json(200, json!({"totalSize": 3, "done": true, "records": [record(1), record(3)]})),
        Reply::json(200, json!({"totalSize": 0, "done": true, "records": []})),
        Reply::json(200, json!({"totalSize": 3, "done": true, "records": []})),
    ])
    .await;
    let world = World::new(seeded(0)).await;
    let more = json!({"instanceUrl": script.url});
    let salesforce = world.salesforce(more, MemoryCredentials::with_access_token("test-token-1"));
    let error = all(&salesforce, users(&["Id"])).await.err().unwrap();
    assert_eq!(error.kind, ErrorKind::Untrusted);
    assert!(error.message.contains("has a hole"), "{error}");
    assert!(script.requests()[2].target.contains("COUNT"), "{:?}", script.requests()[2]);
}

// ---- what the organization says about its types ----

#[tokio::test]
async fn a_description_is_read_again_only_if_it_changed() {
    let world = World::new(seeded(3)).await;
    let salesforce = world.plain();
    let described = |status: u16| {
        let calls = world.org().calls();
        calls.iter().filter(|c| c.path.ends_with("/describe") && c.status == status).count()
    };
    let first = salesforce.schema("User").await.unwrap();
    assert_eq!((described(200), described(304)), (1, 0));
    assert_eq!(salesforce.schema("User").await.unwrap(), first);
    assert_eq!((described(200), described(304)), (1, 1));
    // Writes trust it for a quarter of an hour.
    let uid = people(&world.org()).remove(0);
    for waited in [0, 899, 1] {
        world.waiter.wait(Duration::from_secs(waited)).await;
        done(&salesforce.update("User", &[change(&uid, json!({"Title": "x"}))]).await[0]);
    }
    assert_eq!((described(200), described(304)), (1, 2));
}

#[tokio::test]
async fn duplicates_are_refused_in_words_or_saved_by_choice() {
    let rule = |operation: &str| RowFault {
        object: Some("Contact".into()),
        operation: Some(operation.into()),
        times: ALWAYS,
        ..RowFault::of("DUPLICATES_DETECTED")
    };
    for (more, saved) in [
        (json!({}), false),
        (json!({"bulkWriteThreshold": 0}), false),
        (json!({"duplicateRules": "save"}), true),
        // A job cannot carry the choice; what it refuses takes the other way.
        (json!({"duplicateRules": "save", "bulkWriteThreshold": 1}), true),
    ] {
        let world = World::new(seeded(60)).await;
        world.org().add_row_fault(rule("create"));
        world.org().add_row_fault(rule("update"));
        let salesforce = world.with(more.clone());
        let uids: Vec<String> = world.org().records("Contact").into_iter().take(3).map(|r| r.id).collect();
        let changes: Vec<Change> = uids.iter().map(|u| change(u, json!({"Title": "Twin"}))).collect();
        let made = salesforce.create("Contact", &[creation("1", json!({"LastName": "Twin"}))]).await;
        let changed = salesforce.update("Contact", &changes).await;
        for outcome in made.iter().chain(&changed) {
            if saved {
                done(outcome);
            } else {
                let (reason, _) = rejected(outcome);
                assert!(reason.contains("duplicate rule") && reason.contains("`duplicateRules`"), "{reason}");
                // The rows of a job's results have no place for it.
                let named = format!("duplicate rule Standard_Contact_Duplicate_Rule found {}", uids[0]);
                assert!(reason.contains(&named) || more["bulkWriteThreshold"] == 0, "{reason}");
            }
        }
        let twins = world
            .org()
            .records("Contact")
            .iter()
            .filter(|c| c.fields.get("Title").is_some_and(|t| t == "Twin"))
            .count();
        assert_eq!(twins, if saved { 3 } else { 0 }, "{more}");
    }
}

#[tokio::test]
async fn no_call_ever_mixes_users_with_other_records() {
    // The sandbox refuses such a call; each type goes its own way, so nothing is refused.
    let world = World::new(seeded(300)).await;
    let salesforce = world.with(json!({"userDelete": "freeze"}));
    let uids = people(&world.org());
    let contacts: Vec<String> = world.org().records("Contact").into_iter().map(|r| r.id).collect();
    let title = |uid: &String| change(uid, json!({"Title": "x"}));
    let (users, others): (Vec<Change>, Vec<Change>) =
        (uids.iter().map(title).collect(), contacts.iter().map(title).collect());
    let (frozen, users, others) = tokio::join!(
        salesforce.delete("User", &uids[..40]),
        salesforce.update("User", &users[40..]),
        salesforce.update("Contact", &others),
    );
    for outcome in frozen.iter().chain(&users).chain(&others) {
        done(outcome);
    }
    for call in world.org().calls().iter().filter(|c| c.method == "PATCH") {
        assert_eq!(call.status, 200, "{call:?}");
    }
}
