//! Limits, connections and answers without end: what each setting and each header does.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use connector::credentials::memory::MemoryCredentials;
use connector::http::Waiter;
use connector::hubspot::Hubspot;
use connector::{Connector, ErrorKind, Outcome};
use jiff::Timestamp;
use sandbox::faults::{ALWAYS, Action, Fault};
use sandbox::hubspot::{Limits, Options};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use self::support::world::{World, change, creation, key, seeded};
use self::support::{Impatient, Reply, Script, all, contacts, hubspot_config};

fn build(properties: &Value, waiter: Arc<Impatient>) -> Hubspot {
    let credentials = MemoryCredentials::with_access_token("test-token-1");
    let waiter: Arc<dyn Waiter> = waiter;
    let clock = Arc::new(|| Timestamp::UNIX_EPOCH);
    Hubspot::new(&hubspot_config(properties), Arc::new(credentials), clock, waiter).unwrap()
}

fn page() -> Reply {
    Reply::json(200, json!({"results": [{"id": "1", "properties": {}}]}))
}

fn budget(reply: Reply, allowed: u32, left: u32) -> Reply {
    reply
        .with("X-HubSpot-RateLimit-Interval-Milliseconds", "10000")
        .with("X-HubSpot-RateLimit-Max", &allowed.to_string())
        .with("X-HubSpot-RateLimit-Remaining", &left.to_string())
}

#[tokio::test]
async fn no_wait_is_longer_than_time() {
    for told in ["18446744073709551615", "99999999999", "Wed, 31 Dec 9000 23:59:59 GMT"] {
        for policy in ["DAILY", "SECONDLY", "TEN_SECONDLY_ROLLING"] {
            let limited = |wait: &str| {
                Reply::json(429, json!({"policyName": policy, "message": "no"})).with("Retry-After", wait)
            };
            let script = Script::new([limited("1"), limited(told)]).await;
            let hubspot = build(&json!({"apiBaseUrl": script.url, "permitsPerSecond": 1000}), Arc::default());
            let error = all(&hubspot, contacts(&["email"])).await.err().unwrap();
            let rest = error.retry_after.unwrap();
            assert!(rest <= Duration::from_secs(31 * 24 * 3600), "{policy} {told}: {rest:?}");
        }
    }
}

/// Calls one after the other, each answered at once: so long they wait for the account's limit of ten seconds, or for
/// the setting where that allows less.
#[tokio::test]
async fn the_ten_second_budget_is_used_up_and_kept_whatever_the_setting_allows() {
    let none = Value::Null;
    for (permits, allowed, left, calls, seconds) in [
        (&none, 190, 189, 51, 0.0),
        (&none, 100, 99, 99, 10.0),
        (&none, 100, 99, 151, 10.0),
        (&json!(1000), 100, 99, 151, 10.0),
        (&json!(10), 190, 189, 51, 5.0),
    ] {
        let script = Script::answering(move |_| budget(page(), allowed, left)).await;
        let waiter = Arc::<Impatient>::default();
        let mut properties = json!({"apiBaseUrl": script.url});
        properties["permitsPerSecond"] = permits.clone();
        let hubspot = build(&properties, Arc::clone(&waiter));
        for _ in 0..calls {
            all(&hubspot, contacts(&["email"])).await.unwrap();
        }
        let waited = waiter.all().iter().sum::<Duration>().as_secs_f64();
        let near = waited >= seconds * 0.95 && waited <= seconds * 1.1 + 0.01;
        assert!(near, "{permits} {allowed} {left} {calls}: {waited}");
        let usage = hubspot.usage();
        assert_eq!(
            (usage.interval_limit, usage.interval_remaining),
            (Some(u64::from(allowed)), Some(u64::from(left)))
        );
        assert_eq!((usage.interval_seconds, usage.resting_seconds), (Some(10), None));
    }
    // Nothing is left, because others use the same budget: the next call waits a second.
    let script = Script::new([budget(page(), 100, 0), page()]).await;
    let waiter = Arc::<Impatient>::default();
    let hubspot = build(&json!({"apiBaseUrl": script.url, "permitsPerSecond": 1000}), Arc::clone(&waiter));
    all(&hubspot, contacts(&["email"])).await.unwrap();
    assert_eq!(hubspot.usage().resting_seconds, Some(1));
    all(&hubspot, contacts(&["email"])).await.unwrap();
    assert!(waiter.long().contains(&Duration::from_secs(1)), "{:?}", waiter.long());
    // Headers without sense change nothing.
    for (allowed, left, length) in
        [("0", "5", "10000"), ("x", "5", "10000"), ("5", "-1", "10000"), ("5", "1", "0")]
    {
        let odd = page()
            .with("X-HubSpot-RateLimit-Max", allowed)
            .with("X-HubSpot-RateLimit-Remaining", left)
            .with("X-HubSpot-RateLimit-Interval-Milliseconds", length);
        let script = Script::new([odd]).await;
        let hubspot = build(&json!({"apiBaseUrl": script.url}), Arc::default());
        all(&hubspot, contacts(&["email"])).await.unwrap();
        assert_eq!(hubspot.usage().interval_limit, None);
    }
}

fn day(retry_after: Option<u64>) -> Action {
    Action::TooManyRequests { policy: Some("DAILY".into()), retry_after }
}

/// The sandbox's clock and its account's time zone, what the refusal says, how long the connection then rests.
#[tokio::test]
async fn a_used_up_day_pauses_writes_and_reads_until_it_is_over() {
    let at = |text: &str| -> Timestamp { text.parse().unwrap() };
    for (retry_after, zone, now, seconds, says) in [
        (Some(7200), "UTC", "2026-11-21T12:00:00Z", 7200, "new ones in 2 hours"),
        (None, "UTC", "2026-11-21T21:00:00Z", 3 * 3600, "midnight in the account's time zone (UTC)"),
        (None, "Europe/Berlin", "2026-11-21T21:00:00Z", 2 * 3600, "(Europe/Berlin)"),
        (None, "US/Pacific", "2026-11-21T21:00:00Z", 11 * 3600, "(US/Pacific)"),
        (None, "not a zone", "2026-11-21T21:00:00Z", 3600, "did not tell"),
    ] {
        let world = World::new(Options { time_zone: zone.into(), ..seeded(3) }).await;
        world.hand.set(at(now));
        let portal = world.sandbox.portal();
        portal.add_fault(Fault::on("*/batch/*", day(retry_after)).times(ALWAYS));
        let hubspot = world.keyed();
        let id = portal.contacts()[0].id.clone();
        for _ in 0..2 {
            let outcomes = hubspot.update("contact", &[change(&id, json!({"firstname": "A"}))]).await;
            let Outcome::Retry { after, reason } = &outcomes[0] else { panic!("{outcomes:?}") };
            assert!(after.as_secs() + 1 >= seconds && after.as_secs() <= seconds, "{zone}: {after:?}");
            assert!(reason.contains("daily limit is used up") && reason.contains(says), "{reason}");
        }
        let asked = world.paths().iter().filter(|path| path.contains("account-info")).count() as u64;
        assert_eq!((portal.call_count(), asked), (1 + asked, u64::from(retry_after.is_none())), "{zone}");
        assert!(hubspot.usage().resting_seconds.is_some_and(|s| s + 1 >= seconds && s <= seconds));
        portal.clear_faults();
        world.waiter.wait(Duration::from_secs(seconds)).await;
        let outcomes = hubspot.update("contact", &[change(&id, json!({"firstname": "A"}))]).await;
        assert!(matches!(&outcomes[0], Outcome::Done(_)), "{outcomes:?}");
        assert_eq!(hubspot.usage().resting_seconds, None);
    }
}

/// The day of the account may be made longer while it lasts: one call an hour finds out.
#[tokio::test]
async fn a_day_that_goes_on_after_all_is_noticed_within_the_hour() {
    let world = World::new(Options { time_zone: "UTC".into(), ..seeded(3) }).await;
    world.hand.set("2026-11-21T02:00:00Z".parse().unwrap());
    let portal = world.sandbox.portal();
    portal.add_fault(Fault::on("*/contacts", day(None)).times(2));
    let hubspot = world.keyed();
    for hour in 0..2 {
        let error = all(&hubspot, contacts(&["email"])).await.err().unwrap();
        assert!(
            error.retry_after.is_some_and(|rest| rest > Duration::from_secs(19 * 3600)),
            "{hour}: {error:?}"
        );
        world.waiter.wait(Duration::from_secs(1800)).await;
        let error = all(&hubspot, contacts(&["email"])).await.err().unwrap();
        assert_eq!(error.kind, ErrorKind::RateLimited, "{hour}");
        world.waiter.wait(Duration::from_secs(1801)).await;
    }
    assert_eq!(all(&hubspot, contacts(&["email"])).await.unwrap().objects.len(), 3);
    assert_eq!(hubspot.usage().resting_seconds, None);
    assert_eq!(portal.calls().iter().filter(|call| call.path.ends_with("/contacts")).count(), 3);
}

/// A short wait is sat out, and a connection that runs out of calls asks once where it is.
#[tokio::test]
async fn the_end_of_a_day_that_is_near_is_waited_for_and_known_in_time() {
    let world = World::new(seeded(3)).await;
    world.sandbox.portal().add_fault(Fault::on("*/contacts", day(Some(5))));
    assert_eq!(all(&world.keyed(), contacts(&["email"])).await.unwrap().objects.len(), 3);
    assert!(world.waiter.long().iter().any(|wait| wait.as_secs() >= 5), "{:?}", world.waiter.long());

    let limits = Limits { daily: Some(5), ..Limits::UNLIMITED };
    let world = World::new(Options { time_zone: "Asia/Kolkata".into(), limits, ..seeded(3) }).await;
    world.hand.set("2026-11-21T18:00:00Z".parse().unwrap());
    let hubspot = world.keyed();
    let error = loop {
        match all(&hubspot, contacts(&["email"])).await {
            Ok(listed) => assert_eq!(listed.objects.len(), 3),
            Err(error) => break error,
        }
    };
    // The day's last call was the list; the question came too late for an answer.
    assert_eq!(error.kind, ErrorKind::RateLimited);
    assert!(error.message.contains("midnight"), "{error}");
    hubspot.test().await.unwrap_err();
}

#[tokio::test]
async fn a_limited_search_does_not_hold_up_the_other_calls() {
    let world = World::new(seeded(3)).await;
    let action = Action::TooManyRequests { policy: Some("SECONDLY".into()), retry_after: Some(60) };
    world.sandbox.portal().add_fault(Fault::on("*/search", action).times(ALWAYS));
    let hubspot = world.keyed();
    let filter = model::Filter::parse("firstname pr").ok();
    let error = all(&hubspot, connector::Search { filter, ..contacts(&["email"]) }).await.err().unwrap();
    assert_eq!(error.kind, ErrorKind::RateLimited);
    let before = world.waiter.all().len();
    assert_eq!(all(&hubspot, contacts(&["email"])).await.unwrap().objects.len(), 3);
    assert!(world.waiter.all()[before..].iter().all(|w| *w < Duration::from_secs(1)));
}

/// A server that holds every call until it has seen how many come at once.
async fn crowd() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let peak = Arc::clone(&most);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (now, most) = (Arc::clone(&now), Arc::clone(&most));
            tokio::spawn(async move {
                let mut request = [0u8; 4096];
                // The client may have gone.
                if stream.read(&mut request).await.is_ok() {
                    most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    for _ in 0..200 {
                        tokio::task::yield_now().await;
                    }
                    now.fetch_sub(1, Ordering::SeqCst);
                    let body = "{\"results\":[]}";
                    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n";
                    let _ = stream
                        .write_all(format!("{head}content-length: {}\r\n\r\n{body}", body.len()).as_bytes())
                        .await;
                    let _ = stream.shutdown().await;
                }
            });
        }
    });
    (url, peak)
}

#[tokio::test]
async fn no_more_connections_than_the_setting_allows() {
    for most in [1usize, 3] {
        let (url, peak) = crowd().await;
        let hubspot = build(
            &json!({"apiBaseUrl": url, "permitsPerSecond": 100_000, "maximumConnections": most}),
            Arc::default(),
        );
        let calls = (0..12).map(|_| hubspot.schema("contact"));
        futures::future::join_all(calls).await.into_iter().for_each(|s| assert!(s.is_ok()));
        let peak = peak.load(Ordering::SeqCst);
        assert!(peak <= most, "{peak} instead of {most}");
        assert!(most == 1 || peak > 1, "{peak}");
    }
}

/// A server that answers with this head and then these bytes again and again, or with silence.
async fn endless(head: &'static str, chunk: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let chunk = chunk.clone();
            tokio::spawn(async move {
                let mut request = [0u8; 4096];
                let _ = stream.read(&mut request).await;
                let _ = stream.write_all(head.as_bytes()).await;
                if chunk.is_empty() {
                    // Silence until the client hangs up.
                    let _ = stream.read(&mut request).await;
                }
                while !chunk.is_empty() && stream.write_all(&chunk).await.is_ok() {}
            });
        }
    });
    url
}

#[tokio::test]
async fn an_answer_without_end_is_cut() {
    let chunked = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
    let chunk = [b"10000\r\n".as_slice(), &[b' '; 65_536], b"\r\n"].concat();
    let url = endless(chunked, chunk).await;
    let hubspot = build(&json!({"apiBaseUrl": url, "permitsPerSecond": 1000}), Arc::default());
    let error = all(&hubspot, contacts(&["email"])).await.err().unwrap();
    assert_eq!(error.kind, ErrorKind::Untrusted);
    assert!(error.message.contains("larger than 32 MiB"), "{error}");
    assert_eq!(hubspot.usage().calls, 1);
    for head in ["", "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 50\r\n\r\n{"] {
        let url = endless(head, Vec::new()).await;
        let properties = json!({"apiBaseUrl": url, "permitsPerSecond": 1000, "requestTimeoutSeconds": 1});
        let outcomes = build(&properties, Arc::default())
            .create("contact", &[creation("a", json!({"email": "a@x.org"}))])
            .await;
        assert!(
            matches!(&outcomes[0], Outcome::Unknown { reason } if reason.contains("did not answer in time")),
            "{outcomes:?}"
        );
    }
}

#[tokio::test]
async fn a_removed_connection_gives_its_grant_back_and_a_service_key_has_none() {
    let gone = Reply { headers: Vec::new(), ..Reply::json(204, json!(null)) };
    let script = Script::new([gone]).await;
    let credentials =
        MemoryCredentials::new().set("clientSecret", "test-secret").set("refreshToken", "test-refresh-1");
    let config = hubspot_config(&json!({"apiBaseUrl": script.url, "clientId": "c", "apiVersion": "2026-09"}));
    let clock = Arc::new(|| Timestamp::UNIX_EPOCH);
    connector::build(&config, Arc::new(credentials), clock).unwrap().revoke().await.unwrap();
    let request = &script.requests()[0];
    assert_eq!(request.line(), "POST /oauth/2026-09/token/revoke");
    assert!(request.body.contains("token=test-refresh-1"));
    let world = World::new(seeded(0)).await;
    world.hubspot(json!({}), key()).revoke().await.unwrap();
    assert_eq!(world.sandbox.portal().call_count(), 0);
}
