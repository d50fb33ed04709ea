//! Lists by several cursors: no record twice, none left out, at the cost of the pages and next to nothing more.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;
use std::time::Duration;

use connector::credentials::memory::MemoryCredentials;
use connector::http::Waiter;
use connector::hubspot::Hubspot;
use connector::{Connector, ErrorKind, Search};
use futures::StreamExt;
use jiff::Timestamp;
use sandbox::faults::{ALWAYS, Action, Fault};
use serde_json::{Value, json};

use self::support::world::{World, seeded};
use self::support::{Reply, Request, Script, Ticking, all, contacts, hubspot_config};

/// The ids of a pass in the order in which they came, and the places between its pages.
async fn walk(
    hubspot: &dyn Connector,
    search: Search,
    most_pages: usize,
) -> (Vec<String>, Vec<Option<String>>) {
    let mut pages = hubspot.search(search);
    let (mut ids, mut places) = (Vec::new(), Vec::new());
    while places.len() < most_pages
        && let Some(page) = pages.next().await
    {
        let page = page.unwrap();
        ids.extend(page.objects.into_iter().map(|o| o.uid));
        places.push(page.next);
    }
    (ids, places)
}

fn assert_each_once(ids: &[String], expect: impl IntoIterator<Item = String>, name: &str) {
    let distinct: BTreeSet<String> = ids.iter().cloned().collect();
    assert_eq!(distinct.len(), ids.len(), "{name}: a record came twice");
    let expect: BTreeSet<String> = expect.into_iter().collect();
    let missing: Vec<&String> = expect.difference(&distinct).take(3).collect();
    assert!(missing.is_empty(), "{name}: {missing:?} did not come, with {} of {}", ids.len(), expect.len());
}

#[tokio::test]
async fn ten_thousand_contacts_cost_a_hundred_calls_and_two_at_most() {
    for (records, most, several) in
        [(10_000, 102, true), (9_950, 102, true), (30_000, 305, true), (2_000, 22, false)]
    {
        let world = World::new(seeded(records)).await;
        let (ids, places) = walk(&world.far(), contacts(&["email"]), usize::MAX).await;
        assert_each_once(&ids, world.sandbox.portal().contacts().into_iter().map(|c| c.id), "far");
        assert!(
            world.sandbox.portal().call_count() <= most,
            "{records}: {}",
            world.sandbox.portal().call_count()
        );
        let divided = places.iter().flatten().any(|place| place.starts_with('r'));
        assert_eq!(divided, several, "{records}");
        assert_eq!(places.last(), Some(&None));
    }
    // Where answers come at once, more cursors would gain nothing and nothing is asked for them.
    let world = World::new(seeded(10_000)).await;
    assert_eq!(all(&world.keyed(), contacts(&["email"])).await.unwrap().objects.len(), 10_000);
    assert_eq!(world.sandbox.portal().call_count(), 101);
}

#[tokio::test]
async fn another_process_goes_on_with_all_cursors() {
    let world = World::new(seeded(12_000)).await;
    for pages in [1, 11, 12, 14, 118] {
        let (first, places) = walk(&world.far(), contacts(&["email"]), pages).await;
        let after = places.last().cloned().flatten();
        assert!(after.is_some(), "{pages}");
        let (rest, _) = walk(&world.far(), Search { after, ..contacts(&["email"]) }, usize::MAX).await;
        let ids = [first, rest].concat();
        assert_each_once(
            &ids,
            world.sandbox.portal().contacts().into_iter().map(|c| c.id),
            &pages.to_string(),
        );
        assert_eq!(ids.len(), 12_000);
    }
}

#[tokio::test]
async fn wide_lists_with_several_cursors_bring_their_values() {
    let world = World::new(seeded(10_000)).await;
    let wide = world.wide().await;
    let listed = all(&world.far(), Search { attributes: wide, ..contacts(&[]) }).await.unwrap();
    assert_eq!(listed.objects.len(), 10_000);
    assert!(listed.objects.iter().all(|o| o.attributes.contains_key("email")));
    assert!(world.sandbox.portal().call_count() <= 204, "{}", world.sandbox.portal().call_count());
}

#[tokio::test]
async fn faults_between_several_cursors_lose_nothing_and_repeat_nothing() {
    let list = "/crm/objects/2026-03/contacts";
    for (name, action, times, may_fail) in [
        ("one 502", Action::Answer { status: 502, body: None, headers: Default::default() }, 1, false),
        ("reset", Action::ResetBeforeAnswer, 2, false),
        ("lost answer", Action::LoseAnswer, 2, false),
        ("truncated", Action::TruncatedJson, 1, false),
        ("empty object", Action::EmptyObject, 1, false),
        ("page of another cursor", Action::RepeatPage, 1, false),
        ("pages of another cursor", Action::RepeatPage, 2, true),
        ("overlap", Action::OverlapPage, 1, false),
        ("overlaps", Action::OverlapPage, 3, true),
        ("cursor points to itself once", Action::SelfCursor, 1, false),
        ("cursor points to itself", Action::SelfCursor, ALWAYS, true),
        ("the same record by a new cursor once", Action::NewCursor, 1, true),
        ("the same record by new cursors", Action::NewCursor, ALWAYS, true),
        ("paging missing", Action::DropPaging, 1, false),
        ("paging missing twice", Action::DropPaging, 2, true),
        (
            "429",
            Action::TooManyRequests { policy: Some("TEN_SECONDLY_ROLLING".into()), retry_after: Some(1) },
            3,
            false,
        ),
        (
            "429 for the day",
            Action::TooManyRequests { policy: Some("DAILY".into()), retry_after: None },
            ALWAYS,
            true,
        ),
    ] {
        // Just when the cursors are put out, and when they are at work.
        for nth in [12, 30] {
            let world = World::new(seeded(10_050)).await;
            world.sandbox.portal().add_fault(Fault::on(list, action.clone()).nth(nth).times(times));
            let name = format!("{name} at {nth}");
            match all(&world.far(), contacts(&["email"])).await {
                Ok(listed) => {
                    let ids: Vec<String> = listed.objects.into_iter().map(|o| o.uid).collect();
                    let there = world.sandbox.portal().contacts().into_iter().map(|c| c.id);
                    assert_each_once(&ids, there, &name);
                }
                Err(error) => {
                    assert!(may_fail, "{name}: {error}");
                    assert!(
                        matches!(error.kind, ErrorKind::Untrusted | ErrorKind::RateLimited),
                        "{name}: {error}"
                    );
                }
            }
            assert!(
                world.sandbox.portal().call_count() < 120,
                "{name}: {}",
                world.sandbox.portal().call_count()
            );
        }
    }
}

#[tokio::test]
async fn records_that_come_and_go_meanwhile_confuse_nobody() {
    let world = World::new(seeded(11_000)).await;
    let portal = world.sandbox.portal();
    let before: Vec<String> = portal.contacts().into_iter().map(|c| c.id).collect();
    let hubspot = world.far();
    let mut pages = hubspot.search(contacts(&["email"]));
    let (mut seen, mut gone, mut at) = (Vec::new(), HashSet::new(), 7usize);
    while let Some(page) = pages.next().await {
        seen.extend(page.unwrap().objects.into_iter().map(|o| o.uid));
        // Deletions all over the list, seams included, and merges, which make new records at its end.
        for _ in 0..3 {
            at = (at * 31 + 11) % before.len();
            if gone.insert(before[at].clone()) {
                assert!(portal.archive(&before[at]));
            }
        }
        portal.create(&[("email", &format!("new-{at}@example.org"))]).ok();
    }
    assert_each_once(&seen, before.into_iter().filter(|id| !gone.contains(id)), "moving");
}

/// A list server of its own mind about `after`: `place` says after which id it really goes on.
async fn list_server(
    ids: Vec<u64>,
    place: impl Fn(u64, &[u64]) -> Option<u64> + Send + Sync + 'static,
) -> Script {
    let record = |id: &u64| json!({"id": id.to_string(), "properties": {"email": format!("{id}@x.org")}});
    Script::answering(move |request: &Request| {
        if request.target.ends_with("/search") {
            let last: Vec<Value> = ids.last().iter().map(|id| record(id)).collect();
            return Reply::json(200, json!({"total": ids.len(), "results": last}));
        }
        let url = url::Url::parse(&format!("http://x{}", request.target)).unwrap();
        let after: u64 = url.query_pairs().find(|(n, _)| n == "after").map_or(0, |(_, v)| v.parse().unwrap());
        let Some(after) = place(after, &ids) else {
            return Reply::json(
                400,
                json!({"status": "error", "message": "invalid cursor", "category": "VALIDATION_ERROR"}),
            );
        };
        let from = ids.partition_point(|id| *id <= after);
        let page = &ids[from..(from + 100).min(ids.len())];
        let mut body = json!({"results": page.iter().map(record).collect::<Vec<_>>()});
        if from + 100 < ids.len() {
            body["paging"] = json!({"next": {"after": page.last().unwrap().to_string()}});
        }
        Reply::json(200, body)
    })
    .await
}

/// Nobody knows any more what the one who stopped had doubts about, so the end of such a read is compared with a count.
#[tokio::test]
async fn a_list_that_goes_on_elsewhere_is_counted_at_its_end() {
    for (delivered, whole) in [(100, true), (99, false)] {
        let script = list_server((1..=250).collect(), |after, _| Some(after)).await;
        let rest = Search { after: Some(format!("100.{delivered}.100")), ..contacts(&["email"]) };
        match all(&far(&script.url), rest).await {
            Ok(rest) => assert!(whole && rest.objects.len() == 150, "{}", rest.objects.len()),
            Err(error) => assert!(!whole && error.kind == ErrorKind::Untrusted, "{error}"),
        }
    }
}

fn far(url: &str) -> Hubspot {
    let config = hubspot_config(&json!({"apiBaseUrl": url, "permitsPerSecond": 1000}));
    let credentials = Arc::new(MemoryCredentials::with_access_token("test-token-1"));
    let waiter: Arc<dyn Waiter> = Arc::new(Ticking::new(Duration::from_millis(150)));
    Hubspot::new(&config, credentials, Arc::new(|| Timestamp::UNIX_EPOCH), waiter).unwrap()
}

#[tokio::test]
async fn a_list_that_takes_no_chosen_place_is_read_by_one_cursor() {
    type Place = fn(u64, &[u64]) -> Option<u64>;
    let known: Place = |after, ids| (after == 0 || ids.contains(&after)).then_some(after);
    let from_the_start: Place = |after, ids| Some(if ids.contains(&after) { after } else { 0 });
    let nothing: Place = |after, ids| Some(if after == 0 || ids.contains(&after) { after } else { u64::MAX });
    let skips_one: Place = |after, ids| {
        let next = ids.get(ids.partition_point(|id| *id <= after)).copied();
        Some(if after == 0 || ids.contains(&after) { after } else { next.unwrap_or(after) })
    };
    let exact: Place = |after, _| Some(after);
    let even: Vec<u64> = (1..=10_000u64).map(|n| n * 7).collect();
    let skewed: Vec<u64> = (1..=10_000u64).map(|n| n * n * n).collect();
    let two_ages: Vec<u64> = (1..=9_000u64).chain((1..=1_000).map(|n| 900_000_000_000 + n * 50)).collect();
    for (name, ids, place, most) in [
        ("any place", &even, exact, 102),
        ("any place, skewed ids", &skewed, exact, 103),
        ("any place, two ages of ids", &two_ages, exact, 103),
        ("refuses", &even, known, 103),
        ("begins anew", &even, from_the_start, 103),
        ("gives nothing", &even, nothing, 103),
        ("skips the next record", &even, skips_one, 103),
    ] {
        let script = list_server(ids.clone(), place).await;
        let (seen, _) = walk(&far(&script.url), contacts(&["email"]), usize::MAX).await;
        assert_each_once(&seen, ids.iter().map(u64::to_string), name);
        assert!(script.requests().len() <= most, "{name}: {}", script.requests().len());
    }
}
