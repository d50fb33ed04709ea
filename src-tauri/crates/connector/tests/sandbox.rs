//! The HubSpot connector against the HubSpot sandbox: whole conversations, with and without faults.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use connector::credentials::memory::MemoryCredentials;
use connector::http::Waiter;
use connector::hubspot::Hubspot;
use connector::oauth::loopback::{AuthorizationEnd, Loopback};
use connector::oauth::{Authorization, Redirect};
use connector::{Change, Connector, Credentials, ErrorKind, Outcome, Search};
use futures::StreamExt as _;
use jiff::SignedDuration;
use model::Filter;
use sandbox::faults::{ALWAYS, Action, Fault};
use sandbox::hubspot::{Consent, ObjectKind, Options};
use serde_json::{Map, Value, json};
use url::Url;

use self::support::world::{World, change, creation, done, key, seeded};
use self::support::{all, attributes, contacts};

#[tokio::test]
async fn every_contact_is_listed_once_with_the_attributes_asked_for() {
    for version in ["2026-03", "2026-09", "v3"] {
        let world = World::new(seeded(1234)).await;
        let hubspot = world.hubspot(json!({"apiVersion": version}), key());
        let listed =
            all(&hubspot, contacts(&["__NAME__", "email", "firstname", "_id", "__UID__"])).await.unwrap();
        let ids: HashSet<&str> = listed.objects.iter().map(|o| o.uid.as_str()).collect();
        assert_eq!((listed.objects.len(), ids.len(), listed.repeated), (1234, 1234, 0));
        let first = &listed.objects[0];
        let kept = world.sandbox.portal().contact(&first.uid).unwrap();
        assert_eq!(first.attributes["email"], json!(kept.properties["email"]));
        assert_eq!(first.attributes["__NAME__"], first.attributes["email"]);
        assert_eq!(first.attributes["_id"], json!(first.uid));
        assert_eq!(first.attributes["__UID__"], json!(first.uid));
        assert_eq!(first.attributes.len(), 5);
        // Twelve full pages and a short one: nothing has to be confirmed.
        assert_eq!(world.sandbox.portal().call_count(), 13);
        assert_eq!(hubspot.usage().calls, 13);
    }
}

#[tokio::test]
async fn a_last_page_that_is_full_is_confirmed_by_one_count() {
    for (records, calls) in [(200, 3), (0, 2), (199, 2)] {
        let world = World::new(seeded(records)).await;
        assert_eq!(all(&world.keyed(), contacts(&["email"])).await.unwrap().objects.len(), records);
        assert_eq!(world.sandbox.portal().call_count(), calls, "{records}");
    }
}

#[tokio::test]
async fn a_list_goes_on_in_another_process() {
    let world = World::new(seeded(450)).await;
    let hubspot = world.keyed();
    let mut pages = hubspot.search(contacts(&["email"]));
    let first = pages.next().await.unwrap().unwrap();
    drop(pages);
    let rest =
        all(&world.keyed(), Search { after: first.next.clone(), ..contacts(&["email"]) }).await.unwrap();
    assert_eq!((first.objects.len(), rest.objects.len()), (100, 350));
    let last = first.objects.last().unwrap().uid.clone();
    let from_id = all(&world.keyed(), Search { after: Some(last), ..contacts(&["email"]) }).await.unwrap();
    assert_eq!(from_id.objects.len(), 350);
}

#[tokio::test]
async fn wide_lists_read_their_values_by_batch() {
    let world = World::new(seeded(230)).await;
    let wide = world.wide().await;
    let listed = all(&world.keyed(), Search { attributes: wide, ..contacts(&[]) }).await.unwrap();
    assert_eq!(listed.objects.len(), 230);
    assert!(listed.objects.iter().all(|o| o.attributes.contains_key("email")));
    assert_eq!(world.sandbox.portal().call_count(), 6);
    assert!(world.paths().iter().any(|p| p.ends_with("batch/read")));
}

#[tokio::test]
async fn faults_of_a_list_are_healed_or_reported_and_never_lose_a_record() {
    let list = "/crm/objects/2026-03/contacts";
    let html = || Action::Answer {
        status: 502,
        body: Some(json!("<html>Bad gateway</html>")),
        headers: Default::default(),
    };
    let too_many =
        |policy: &str, retry_after| Action::TooManyRequests { policy: Some(policy.into()), retry_after };
    for (name, action, times, expect) in [
        ("none", Action::Delay { ms: 0 }, 1, Ok(0)),
        ("one 502", html(), 1, Ok(0)),
        ("502 for good", html(), ALWAYS, Err(ErrorKind::Unavailable)),
        ("reset", Action::ResetBeforeAnswer, 1, Ok(0)),
        ("lost answer", Action::LoseAnswer, 2, Ok(0)),
        ("body cut", Action::CutBody, 1, Ok(0)),
        ("truncated once", Action::TruncatedJson, 1, Ok(0)),
        ("truncated for good", Action::TruncatedJson, ALWAYS, Err(ErrorKind::Untrusted)),
        ("empty object once", Action::EmptyObject, 1, Ok(0)),
        ("empty object for good", Action::EmptyObject, ALWAYS, Err(ErrorKind::Untrusted)),
        ("web page for good", Action::Html, ALWAYS, Err(ErrorKind::Untrusted)),
        ("page twice", Action::RepeatPage, 1, Ok(100)),
        ("overlap", Action::OverlapPage, 1, Ok(50)),
        ("cursor points to itself once", Action::SelfCursor, 1, Ok(0)),
        ("cursor points to itself", Action::SelfCursor, ALWAYS, Err(ErrorKind::Untrusted)),
        ("the same record by a new cursor once", Action::NewCursor, 1, Ok(1)),
        ("the same record by new cursors", Action::NewCursor, ALWAYS, Err(ErrorKind::Untrusted)),
        ("paging missing", Action::DropPaging, 1, Ok(0)),
        ("paging missing for good", Action::DropPaging, ALWAYS, Err(ErrorKind::Untrusted)),
        (
            "redirect",
            Action::Redirect { to: "http://localhost:9".into(), status: 307 },
            1,
            Err(ErrorKind::Untrusted),
        ),
        ("429 in words", too_many("TEN_SECONDLY_ROLLING", None), 3, Ok(0)),
        ("429 with a time", too_many("SECONDLY", Some(3)), 2, Ok(0)),
        ("429 for the day", too_many("DAILY", None), ALWAYS, Err(ErrorKind::RateLimited)),
        ("locked", Action::Answer { status: 423, body: None, headers: Default::default() }, 2, Ok(0)),
    ] {
        let world = World::new(seeded(777)).await;
        world.sandbox.portal().add_fault(Fault::on(list, action).nth(4).times(times));
        let found = all(&world.keyed(), contacts(&["email"])).await;
        match (found, expect) {
            (Ok(listed), Ok(repeated)) => {
                let ids: HashSet<&str> = listed.objects.iter().map(|o| o.uid.as_str()).collect();
                assert_eq!((ids.len(), listed.objects.len()), (777, 777), "{name}");
                assert_eq!(listed.repeated, repeated, "{name}");
            }
            (Err(error), Err(kind)) => assert_eq!(error.kind, kind, "{name}: {error}"),
            (Ok(listed), Err(kind)) => panic!("{name}: {} records instead of {kind:?}", listed.objects.len()),
            (Err(error), Ok(_)) => panic!("{name}: {error}"),
        }
        assert!(world.sandbox.portal().call_count() < 30, "{name}");
    }
}

#[tokio::test]
async fn waits_follow_the_policy_of_the_limit() {
    let list = "/crm/objects/2026-03/contacts";
    for (policy, retry_after, times, expect) in [
        // However often it was found full, the window is empty when nobody has called for as long as it is.
        ("TEN_SECONDLY_ROLLING", None, 3, vec![10, 10, 10]),
        ("TEN_SECONDLY_ROLLING", None, 8, vec![10; 8]),
        ("SECONDLY", None, 2, vec![1, 2]),
        ("TEN_SECONDLY_ROLLING", Some(7), 1, vec![7]),
    ] {
        let world = World::new(seeded(10)).await;
        let action = Action::TooManyRequests { policy: Some(policy.into()), retry_after };
        world.sandbox.portal().add_fault(Fault::on(list, action).times(times));
        assert_eq!(all(&world.keyed(), contacts(&["email"])).await.unwrap().objects.len(), 10);
        let waits = world.waiter.long();
        assert_eq!(waits.len(), expect.len(), "{policy}: {waits:?}");
        for (wait, least) in waits.iter().zip(expect) {
            let least = Duration::from_secs(least);
            assert!(*wait >= least.mul_f64(0.99) && *wait <= least.mul_f64(1.25), "{policy}: {waits:?}");
        }
    }
    // A window that stays full is somebody else's doing: it is told after as many tries as there are.
    let world = World::new(seeded(10)).await;
    let action = Action::TooManyRequests { policy: Some("TEN_SECONDLY_ROLLING".into()), retry_after: None };
    world.sandbox.portal().add_fault(Fault::on(list, action).times(ALWAYS));
    let error = all(&world.keyed(), contacts(&["email"])).await.err().unwrap();
    assert_eq!((error.kind, world.sandbox.portal().call_count()), (ErrorKind::RateLimited, 9));
    assert_eq!(error.retry_after, Some(Duration::from_secs(10)));
    let waited: Duration = world.waiter.long().iter().sum();
    assert!(waited >= Duration::from_secs(79) && waited <= Duration::from_secs(100), "{waited:?}");
    let world = World::new(seeded(10)).await;
    let action = Action::TooManyRequests { policy: Some("DAILY".into()), retry_after: Some(7200) };
    world.sandbox.portal().add_fault(Fault::on("*", action));
    let hubspot = world.keyed();
    let error = all(&hubspot, contacts(&["email"])).await.err().unwrap();
    assert_eq!(error.retry_after, Some(Duration::from_secs(7200)));
    assert!(error.message.contains("daily limit is used up"), "{error}");
    assert!(error.message.contains("new ones in 2 hours"), "{error}");
    // The next call does not even leave.
    let error = all(&hubspot, contacts(&["email"])).await.err().unwrap();
    assert_eq!((error.kind, world.sandbox.portal().call_count()), (ErrorKind::RateLimited, 1));
}

#[tokio::test]
async fn filters_find_the_same_records_here_and_there() {
    let world = World::new(seeded(640)).await;
    let portal = world.sandbox.portal();
    for (n, contact) in portal.contacts().iter().enumerate() {
        if n % 3 == 0 {
            portal.set(&contact.id, &[("city", if n % 2 == 0 { "Berlin" } else { "Bergen" })]).unwrap();
        } else {
            portal.set(&contact.id, &[("city", "")]).unwrap();
        }
    }
    for (filter, searched) in [
        ("city eq \"Berlin\"", true),
        ("city sw \"Ber\"", true),
        ("city pr", true),
        ("!(city pr)", true),
        ("city co \"rge\"", true),
        ("city eq \"berlin\"", true),
        ("city eq \"Berlin\" or city eq \"Bergen\"", true),
        ("!(city eq \"Berlin\")", false),
        ("city co \"e\" and email co \"@\"", false),
    ] {
        portal.reset_calls();
        let parsed = Filter::parse(filter).unwrap();
        let request = Search { filter: Some(parsed.clone()), ..contacts(&["firstname"]) };
        let found: HashSet<String> =
            all(&world.keyed(), request).await.unwrap().objects.into_iter().map(|o| o.uid).collect();
        let expect: HashSet<String> = portal
            .contacts()
            .into_iter()
            .filter(|c| parsed.matches(&json!(c.properties)))
            .map(|c| c.id)
            .collect();
        assert_eq!(found, expect, "{filter}");
        assert_eq!(world.paths().iter().any(|p| p.ends_with("/search")), searched, "{filter}");
    }
}

#[tokio::test]
async fn reads_name_what_is_there_and_leave_out_what_is_not() {
    let world = World::new(seeded(250)).await;
    let portal = world.sandbox.portal();
    let hubspot = world.keyed();
    let mut ids: Vec<String> = portal.contacts().into_iter().map(|c| c.id).collect();
    ids.extend(["999999999".to_owned(), "not-an-id".to_owned(), ids[0].clone()]);
    let read = hubspot.read("contact", &ids, &["email".to_owned()]).await.unwrap();
    assert_eq!(read.len(), 250);
    assert_eq!(portal.call_count(), 3);
    let mail = read[0].attributes["email"].as_str().unwrap().to_uppercase();
    let found = hubspot
        .find_by_key("contact", &[mail, "nobody@example.org".into(), String::new()], &[])
        .await
        .unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].attributes["email"], read[0].attributes["email"]);
    let merged = portal.merge(&ids[1], &ids[2]).unwrap();
    let read =
        hubspot.read("contact", &[ids[1].clone(), ids[2].clone()], &["email".to_owned()]).await.unwrap();
    assert_eq!(read.iter().map(|o| o.uid.as_str()).collect::<Vec<_>>(), [merged.as_str()]);
    let error = hubspot.read("deal", &[], &[]).await.unwrap_err();
    assert!(error.message.contains("`deal`"), "{error}");
}

#[tokio::test]
async fn a_batch_of_creations_gives_each_its_own_outcome() {
    for version in ["2026-03", "v3"] {
        let world = World::new(seeded(5)).await;
        let portal = world.sandbox.portal();
        let taken = &portal.contacts()[2];
        let hubspot = world.hubspot(json!({"apiVersion": version}), key());
        let batch = [
            creation("a", json!({"__NAME__": "new-a@example.org", "firstname": "A", "phone": null})),
            creation("b", json!({"email": taken.properties["email"].to_uppercase(), "firstname": "B"})),
            creation("c", json!({"email": "new-c@example.org", "no_such_property": "x"})),
            creation("d", json!({"email": "NEW-A@example.org"})),
            creation("e", json!({"email": "new-e@example.org", "lastname": "E"})),
        ];
        let outcomes = hubspot.create("contact", &batch).await;
        assert_eq!(portal.contact(&done(&outcomes[0]).uid).unwrap().properties["email"], "new-a@example.org");
        assert!(
            matches!(&outcomes[1], Outcome::Conflict { existing, .. } if *existing == taken.id),
            "{:?}",
            outcomes[1]
        );
        match &outcomes[2] {
            Outcome::Rejected { reason, attribute } => {
                assert_eq!(attribute.as_deref(), Some("no_such_property"));
                assert!(reason.contains("does not exist"), "{reason}");
            }
            other => panic!("{other:?}"),
        }
        assert!(
            matches!(&outcomes[3], Outcome::Rejected { reason, .. } if reason.contains("another record in the same batch (a)"))
        );
        assert_eq!(portal.contact(&done(&outcomes[4]).uid).unwrap().properties["lastname"], "E");
        assert_eq!(portal.count(ObjectKind::Contact), 7);
    }
}

#[tokio::test]
async fn changes_are_written_cleared_merged_and_followed() {
    let world = World::new(seeded(6)).await;
    let portal = world.sandbox.portal();
    let ids: Vec<String> = portal.contacts().into_iter().map(|c| c.id).collect();
    portal.set(&ids[0], &[("phone", "1"), ("city", "Ulm")]).unwrap();
    portal.set(&ids[3], &[("lifecyclestage", "customer")]).unwrap();
    let merged = portal.merge(&ids[4], &ids[5]).unwrap();
    portal.reset_calls();
    let outcomes = world
        .keyed()
        .update(
            "contact",
            &[
                change(&ids[0], json!({"phone": null, "firstname": "One"})),
                change("999999999", json!({"firstname": "Nobody"})),
                change(&ids[0], json!({"firstname": "Two"})),
                change(&ids[3], json!({"lifecyclestage": "lead", "lastname": "Back"})),
                change(&ids[4], json!({"firstname": "Merged"})),
                change(&ids[1], json!({})),
                change("x", json!({"firstname": "X"})),
            ],
        )
        .await;
    assert_eq!(done(&outcomes[0]).uid, ids[0]);
    assert_eq!(outcomes[1], Outcome::Gone);
    assert_eq!(outcomes[2], outcomes[0]);
    assert_eq!(done(&outcomes[3]).attributes["lifecyclestage"], "lead");
    assert_eq!(done(&outcomes[4]).uid, merged);
    assert_eq!(done(&outcomes[5]).uid, ids[1]);
    assert_eq!(outcomes[6], Outcome::Gone);
    let first = portal.contact(&ids[0]).unwrap();
    assert_eq!(first.properties["firstname"], "Two");
    assert!(first.properties.get("phone").is_none_or(|p| p.is_empty()));
    assert_eq!(first.properties["city"], "Ulm");
    assert_eq!(portal.contact(&ids[3]).unwrap().properties["lifecyclestage"], "lead");
    assert_eq!(portal.contact(&merged).unwrap().properties["firstname"], "Merged");
    // One batch, and two calls for the stage that went back.
    assert_eq!(portal.call_count(), 3, "{:?}", world.paths());
}

/// The stage is empty between the two calls that move it back.
#[tokio::test]
async fn a_stage_that_cannot_be_moved_back_is_put_back() {
    let refusal = json!({"status": "error", "category": "VALIDATION_ERROR", "message": "Property values were not valid: [{\"isValid\":false,\"message\":\"a rule of the portal\",\"error\":\"REQUIRED_PROPERTY\",\"name\":\"lifecyclestage\"}]"});
    let refused = |status| Action::Answer { status, body: Some(refusal.clone()), headers: Map::new() };
    let on = |nth, action| Fault::on("*/batch/update", action).nth(nth);
    for (faults, left, words) in [
        (vec![on(3, refused(400))], Some("customer"), "the lifecycle stage stays `customer`"),
        (vec![on(3, refused(400)).times(2)], None, "was `customer` and is empty now"),
        (vec![on(3, refused(400)), on(4, Action::LoseAnswer)], Some("customer"), "may be empty now"),
        (vec![on(3, Action::ResetBeforeAnswer)], None, "may be empty now"),
        (vec![on(2, refused(400))], Some("customer"), "HubSpot refused"),
    ] {
        let world = World::new(seeded(1)).await;
        let portal = world.sandbox.portal();
        let id = portal.contacts()[0].id.clone();
        portal.set(&id, &[("lifecyclestage", "customer")]).unwrap();
        portal.set_faults(faults);
        let asked = [change(&id, json!({"lifecyclestage": "lead", "lastname": "Back"}))];
        let outcome = world.keyed().update("contact", &asked).await.remove(0);
        let (Outcome::Partly { reason, .. } | Outcome::Unknown { reason }) = &outcome else {
            panic!("{outcome:?}")
        };
        assert!(reason.contains(words), "{reason}");
        if let Outcome::Partly { refused, .. } = &outcome {
            assert_eq!(refused, &["lifecyclestage"]);
            assert!(reason.ends_with("the record's other values were written"), "{reason}");
        }
        let now = portal.contact(&id).unwrap();
        let stage = now.properties.get("lifecyclestage").map(String::as_str).filter(|s| !s.is_empty());
        assert_eq!((stage, now.properties["lastname"].as_str()), (left, "Back"), "{reason}");
    }
}

#[tokio::test]
async fn one_bad_record_does_not_take_ninety_nine_others_down() {
    let world = World::new(seeded(100)).await;
    let portal = world.sandbox.portal();
    let changes: Vec<Change> = portal
        .contacts()
        .iter()
        .enumerate()
        .map(|(n, c)| {
            let stage = if n == 57 { "no_such_stage" } else { "customer" };
            change(&c.id, json!({"lifecyclestage": stage, "firstname": format!("n{n}")}))
        })
        .collect();
    let outcomes = world.keyed().update("contact", &changes).await;
    for (n, outcome) in outcomes.iter().enumerate() {
        match (n, outcome) {
            (57, Outcome::Rejected { attribute, .. }) => {
                assert_eq!(attribute.as_deref(), Some("lifecyclestage"))
            }
            (57, other) => panic!("{other:?}"),
            (_, outcome) => assert_eq!(done(outcome).uid, changes[n].uid),
        }
    }
    assert_eq!(portal.call_count(), 3, "{:?}", world.paths());
}

#[tokio::test]
async fn deleting_archives_and_is_done_for_records_that_are_gone_already() {
    let world = World::new(seeded(3)).await;
    let portal = world.sandbox.portal();
    let ids: Vec<String> = portal.contacts().into_iter().map(|c| c.id).collect();
    let outcomes = world.keyed().delete("contact", &[ids[0].clone(), ids[0].clone(), "no-id".into()]).await;
    assert_eq!(done(&outcomes[0]).uid, ids[0]);
    assert_eq!(outcomes[1], outcomes[0]);
    assert_eq!(outcomes[2], Outcome::Gone);
    assert_eq!(portal.count(ObjectKind::Contact), 2);
}

#[tokio::test]
async fn a_write_whose_answer_is_lost_is_unknown_and_never_repeated() {
    let bad_gateway =
        Action::Answer { status: 504, body: Some(json!("<html>")), headers: Default::default() };
    for (action, arrived) in [
        (Action::LoseAnswer, true),
        (Action::CutBody, true),
        (Action::TruncatedJson, true),
        (Action::Html, false),
        (Action::EmptyObject, false),
        (Action::ResetBeforeAnswer, false),
        (bad_gateway, false),
    ] {
        let world = World::new(seeded(0)).await;
        let portal = world.sandbox.portal();
        portal.add_fault(Fault::on("*/batch/create", action.clone()));
        let batch = [
            creation("a", json!({"email": "a@example.org"})),
            creation("b", json!({"email": "b@example.org"})),
        ];
        let outcomes = world.keyed().create("contact", &batch).await;
        assert!(outcomes.iter().all(|o| matches!(o, Outcome::Unknown { .. })), "{action:?}: {outcomes:?}");
        assert_eq!(portal.call_count(), 1, "{action:?}");
        assert_eq!(portal.count(ObjectKind::Contact), if arrived { 2 } else { 0 }, "{action:?}");
    }
}

#[tokio::test]
async fn a_write_that_certainly_did_nothing_is_sent_again() {
    for action in [
        Action::TooManyRequests { policy: None, retry_after: Some(1) },
        Action::Answer { status: 423, body: None, headers: Default::default() },
        Action::Answer { status: 477, body: None, headers: attributes(json!({"retry-after": "5"})) },
    ] {
        let world = World::new(seeded(0)).await;
        world.sandbox.portal().add_fault(Fault::on("*/batch/create", action).times(2));
        let outcomes =
            world.keyed().create("contact", &[creation("a", json!({"email": "a@example.org"}))]).await;
        done(&outcomes[0]);
        assert_eq!(world.sandbox.portal().count(ObjectKind::Contact), 1);
    }
    let world = World::new(seeded(0)).await;
    let wait =
        Action::Answer { status: 477, body: None, headers: attributes(json!({"retry-after": "86400"})) };
    world.sandbox.portal().add_fault(Fault::on("*", wait));
    let outcomes = world.keyed().create("contact", &[creation("a", json!({"email": "a@example.org"}))]).await;
    assert!(
        matches!(&outcomes[0], Outcome::Retry { after, .. } if *after == Duration::from_secs(86_400)),
        "{outcomes:?}"
    );
    assert_eq!(world.sandbox.portal().call_count(), 1);
}

#[tokio::test]
async fn companies_are_created_and_found_by_name() {
    let world = World::new(seeded(0)).await;
    let hubspot = world.keyed();
    let batch = [
        creation("1", json!({"__NAME__": "Acme"})),
        creation("2", json!({"__NAME__": "Acme", "domain": "acme.example"})),
    ];
    let outcomes = hubspot.create("company", &batch).await;
    assert_ne!(done(&outcomes[0]).uid, done(&outcomes[1]).uid);
    let request = Search {
        object_type: "company".into(),
        filter: Some(Filter::parse("__NAME__ eq 'Acme' and domain pr").unwrap()),
        attributes: vec!["__NAME__".into()],
        after: None,
    };
    let found = all(&hubspot, request).await.unwrap().objects;
    assert_eq!(found.iter().map(|o| &o.uid).collect::<Vec<_>>(), [&done(&outcomes[1]).uid]);
    assert_eq!(
        hubspot.find_by_key("company", &["Acme".into()], &[]).await.unwrap_err().kind,
        ErrorKind::Unsupported
    );
}

#[tokio::test]
async fn schema_comes_from_hubspot_or_from_the_built_in_list() {
    let world = World::new(seeded(0)).await;
    for read_schema in [true, false] {
        let hubspot = world.hubspot(json!({"readSchema": read_schema}), key());
        for (object_type, (name, unique), modified) in [
            ("contact", ("email", true), "lastmodifieddate"),
            ("company", ("name", false), "hs_lastmodifieddate"),
        ] {
            let schema = hubspot.schema(object_type).await.unwrap();
            let named = |name: &str| schema.attributes.iter().find(|a| a.name == name).unwrap();
            assert!(!named(modified).writable);
            assert!(named("phone").writable);
            assert!(named("lifecyclestage").options.contains(&"customer".to_owned()));
            assert_eq!(named(name).unique, unique, "{name}");
        }
    }
    assert_eq!(world.sandbox.portal().call_count(), 2);
}

#[tokio::test]
async fn a_test_says_what_it_checked_and_a_wrong_token_is_named() {
    let world = World::new(seeded(1)).await;
    let report = world.keyed().test().await.unwrap();
    assert_eq!(
        report.checked,
        ["reached 127.0.0.1", "token accepted", "can read contacts", "can read companies"]
    );
    assert!(report.account.unwrap().starts_with("portal 24680"));
    assert_eq!(report.account_id.as_deref(), Some("portal 24680"));
    assert_eq!(world.keyed().account().await.unwrap(), report.account_id);
    assert!(report.missing_scopes.is_empty());
    let error = world
        .hubspot(json!({}), MemoryCredentials::with_access_token("test-token-1"))
        .test()
        .await
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unauthorized);
    assert!(error.message.contains("connector `hs`: HubSpot does not accept the token"), "{error}");
    assert!(!error.message.contains("test-token-1"));
    let error = world.hubspot(json!({}), MemoryCredentials::new()).test().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Configuration);
}

/// Does what a browser does: opens the page and follows it to the listener.
async fn browse(url: Url) {
    let client =
        reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let answer = client.get(url).send().await.unwrap();
    let back = answer.headers()["location"].to_str().unwrap().to_owned();
    let page = client.get(back).send().await.unwrap();
    assert_eq!(page.headers()["cache-control"], "no-store");
    assert_eq!(page.headers()["referrer-policy"], "no-referrer");
    let page = page.text().await.unwrap();
    assert!(page.contains("You can close this window") && !page.contains("code="), "{page}");
}

async fn authorize(
    world: &World,
    credentials: &MemoryCredentials,
    more: &Value,
) -> Result<(), AuthorizationEnd> {
    let config = world.config(more.clone());
    let listener = Loopback::bind(&Url::parse("http://localhost:0/oauth/callback").unwrap()).await.unwrap();
    let authorization = Authorization::begin(&config, Some(listener.redirect_uri().clone())).unwrap();
    assert!(authorization.url.query().unwrap().contains("code_challenge_method=S256"));
    let (code, ()) = tokio::join!(
        listener.wait(&authorization, Duration::from_secs(20), std::future::pending()),
        browse(authorization.url.clone())
    );
    let hand = world.hand.clone();
    let shared: Arc<dyn Credentials> = Arc::new(credentials.clone());
    let tokens = authorization.exchange(code?, &config, shared, Arc::new(move || hand.now())).await.unwrap();
    credentials.store_tokens(&tokens).await.unwrap();
    Ok(())
}

fn oauth_app() -> MemoryCredentials {
    MemoryCredentials::new().set("clientSecret", "sandbox-secret")
}

#[tokio::test]
async fn the_code_flow_gives_tokens_that_renew_themselves() {
    for rotate in [false, true] {
        let options = Options { consent: Consent::Allow, rotate_refresh_tokens: rotate, ..seeded(30) };
        let world = World::new(options).await;
        let credentials = oauth_app();
        authorize(&world, &credentials, &world.oauth()).await.unwrap();
        let hubspot = world.hubspot(world.oauth(), credentials.clone());
        let report = hubspot.test().await.unwrap();
        assert!(report.missing_scopes.is_empty(), "{report:?}");
        let count = || async { all(&hubspot, contacts(&["email"])).await.unwrap().objects.len() };
        // Still in its first four fifths.
        world.hand.advance(1400);
        assert_eq!((count().await, credentials.stored().len()), (30, 1));
        // Renewed ahead of time, once, however many ask.
        world.hand.advance(100);
        let sizes = futures::future::join_all((0..8).map(|_| count())).await;
        assert_eq!((sizes, credentials.stored().len()), (vec![30; 8], 2));
        // HubSpot lets it expire early: one refused call, one renewal, and the call again.
        world.sandbox.portal().expire_access_tokens();
        assert_eq!((count().await, credentials.stored().len()), (30, 3));
        let refresh: HashSet<String> = credentials
            .stored()
            .iter()
            .map(|t| t.refresh_token.clone().unwrap().expose().to_owned())
            .collect();
        assert_eq!(refresh.len(), if rotate { 3 } else { 1 });
    }
}

#[tokio::test]
async fn two_processes_refresh_once() {
    let world =
        World::new(Options { consent: Consent::Allow, rotate_refresh_tokens: true, ..seeded(5) }).await;
    let credentials = oauth_app();
    authorize(&world, &credentials, &world.oauth()).await.unwrap();
    let here = world.hubspot(world.oauth(), credentials.clone());
    let there = world.hubspot(world.oauth(), credentials.clone());
    world.sandbox.portal().expire_access_tokens();
    let (a, b) = tokio::join!(all(&here, contacts(&["email"])), all(&there, contacts(&["email"])));
    assert_eq!((a.unwrap().objects.len(), b.unwrap().objects.len()), (5, 5));
    assert_eq!(credentials.stored().len(), 2);
}

#[tokio::test]
async fn an_imported_refresh_token_is_enough() {
    let world = World::new(Options { consent: Consent::Allow, ..seeded(5) }).await;
    let credentials = oauth_app();
    authorize(&world, &credentials, &world.oauth()).await.unwrap();
    let refresh_token = credentials.stored()[0].refresh_token.clone().unwrap();
    let imported = oauth_app().set("refreshToken", refresh_token.expose());
    let hubspot = world.hubspot(world.oauth(), imported.clone());
    assert_eq!(all(&hubspot, contacts(&["email"])).await.unwrap().objects.len(), 5);
    let kept = imported.tokens().await.unwrap().unwrap();
    assert_eq!(kept.expires_at, Some(world.hand.now() + SignedDuration::from_secs(1800)));
}

#[tokio::test]
async fn a_revoked_app_asks_for_a_new_authorization() {
    let world = World::new(Options { consent: Consent::Allow, ..seeded(5) }).await;
    let credentials = oauth_app();
    authorize(&world, &credentials, &world.oauth()).await.unwrap();
    let hubspot = world.hubspot(world.oauth(), credentials.clone());
    world.sandbox.portal().uninstall_app();
    for _ in 0..2 {
        let error = all(&hubspot, contacts(&["email"])).await.err().unwrap();
        assert_eq!(error.kind, ErrorKind::Unauthorized, "{error}");
        assert!(error.message.contains("authorize again"), "{error}");
        world.hand.advance(3600);
    }
    let outcomes = hubspot.create("contact", &[creation("a", json!({"email": "a@example.org"}))]).await;
    assert!(
        matches!(&outcomes[0], Outcome::Retry { after: Outcome::ONCE_AUTHORIZED, reason } if reason.contains("authorize again")),
        "{outcomes:?}"
    );
    let wrong = MemoryCredentials::new().set("clientSecret", "wrong").set("refreshToken", "test-refresh-1");
    let error = all(&world.hubspot(world.oauth(), wrong), contacts(&["email"])).await.err().unwrap();
    assert_eq!(error.kind, ErrorKind::Unauthorized, "{error}");
    assert!(!error.message.contains("test-refresh-1"), "{error}");
}

/// HubSpot counts what is wrong against an app: a refresh token that it refused is not sent again for five minutes, by this
/// clock or by one that was set; a new authorization counts at once.
#[tokio::test]
async fn a_refresh_token_that_was_refused_is_left_alone_for_a_while_and_no_longer() {
    let refused = || {
        let body = json!({"status": "BAD_REFRESH_TOKEN", "message": "missing or invalid refresh token"});
        let answer = Action::Answer { status: 400, body: Some(body), headers: Default::default() };
        Fault::on("/oauth/*token", answer).method("POST").times(ALWAYS)
    };
    for (seconds, asked_again) in [
        (1, false),
        (299, false),
        (300, true),
        (86_400, true),
        // Set back a little the clock is as good as before; further back than the limit is long, nobody knows.
        (-3600, true),
        (-10 * 365 * 86_400, true),
    ] {
        let (world, credentials, hubspot, skew) = with_a_clock_of_its_own().await;
        let portal = world.sandbox.portal();
        let renewals = || {
            let token =
                |call: &&sandbox::hubspot::Call| call.method == "POST" && call.path.ends_with("/token");
            portal.calls().iter().filter(token).count()
        };
        portal.expire_access_tokens();
        portal.set_faults(vec![refused()]);
        let before = renewals();
        let failing = async || {
            let error = all(&hubspot, contacts(&["email"])).await.err().unwrap();
            assert_eq!(error.kind, ErrorKind::Unauthorized, "{error}");
            assert!(error.message.contains("authorize again"), "{error}");
        };
        for _ in 0..3 {
            failing().await;
        }
        assert_eq!(renewals() - before, 1, "{seconds}");
        skew.store(seconds, Ordering::SeqCst);
        failing().await;
        assert_eq!(renewals() - before, 1 + usize::from(asked_again), "{seconds}");
        // A person authorizes it again: another refresh token, which nobody has refused.
        portal.clear_faults();
        authorize(&world, &credentials, &world.oauth()).await.unwrap();
        assert_eq!(all(&hubspot, contacts(&["email"])).await.unwrap().objects.len(), 5, "{seconds}");
    }
}

#[tokio::test]
async fn every_version_of_the_api_does_everything() {
    for (version, prefix) in [
        ("2026-03", "/crm/objects/2026-03/"),
        ("2026-09", "/crm/objects/2026-09/"),
        ("v3", "/crm/v3/objects/"),
    ] {
        let world = World::new(seeded(5)).await;
        let hubspot = world.hubspot(json!({"apiVersion": version}), key());
        hubspot.test().await.unwrap();
        assert!(!hubspot.schema("contact").await.unwrap().attributes.is_empty(), "{version}");
        assert_eq!(all(&hubspot, contacts(&["email"])).await.unwrap().objects.len(), 5, "{version}");
        let made = hubspot.create("contact", &[creation("a", json!({"email": "a@example.org"}))]).await;
        let id = done(&made[0]).uid.clone();
        let changed = hubspot.update("contact", &[change(&id, json!({"firstname": "Ann"}))]).await;
        done(&changed[0]);
        let filter = model::Filter::parse("firstname eq 'Ann'").ok();
        let found = all(&hubspot, Search { filter, ..contacts(&["email"]) }).await.unwrap();
        assert!(found.objects.iter().any(|object| object.uid == id), "{version}");
        done(&hubspot.delete("contact", std::slice::from_ref(&id)).await[0]);
        assert!(
            hubspot.read("contact", std::slice::from_ref(&id), &[]).await.unwrap().is_empty(),
            "{version}"
        );
        let objects: Vec<String> =
            world.paths().into_iter().filter(|path| path.contains("/objects/")).collect();
        assert!(objects.iter().all(|path| path.contains(prefix)), "{version}: {objects:#?}");
    }
}

#[tokio::test]
async fn missing_scopes_are_named() {
    let world = World::new(Options { consent: Consent::Allow, ..seeded(5) }).await;
    let credentials = oauth_app();
    let mut narrow = world.oauth();
    narrow["scopes"] = json!("oauth crm.objects.contacts.read");
    authorize(&world, &credentials, &narrow).await.unwrap();
    let hubspot = world.hubspot(world.oauth(), credentials);
    let report = hubspot.test().await.unwrap();
    assert!(report.missing_scopes.contains(&"crm.objects.contacts.write".to_owned()), "{report:?}");
    let outcomes = hubspot.create("contact", &[creation("a", json!({"email": "a@example.org"}))]).await;
    match &outcomes[0] {
        Outcome::Rejected { reason, .. } => {
            assert!(reason.contains("lacks scope crm.objects.contacts.write: add it to the app"), "{reason}");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_refused_consent_ends_the_authorization() {
    let world = World::new(Options { consent: Consent::Deny, ..seeded(0) }).await;
    let config = world.config(world.oauth());
    let listener = Loopback::bind(&Url::parse("http://localhost:0/oauth/callback").unwrap()).await.unwrap();
    let authorization = Authorization::begin(&config, Some(listener.redirect_uri().clone())).unwrap();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let (ended, _) = tokio::join!(
        listener.wait(&authorization, Duration::from_secs(20), std::future::pending()),
        client.get(authorization.url.clone()).send()
    );
    assert!(
        matches!(&ended, Err(AuthorizationEnd::Denied(words)) if words.contains("access_denied")),
        "{ended:?}"
    );
    assert!(matches!(authorization.match_redirect(listener_url()), Redirect::Elsewhere));
}

fn listener_url() -> &'static Url {
    static URL: std::sync::OnceLock<Url> = std::sync::OnceLock::new();
    URL.get_or_init(|| Url::parse("https://elsewhere.example/").unwrap())
}

/// An authorized connection, and by how many seconds its computer's clock differs from HubSpot's.
async fn with_a_clock_of_its_own() -> (World, MemoryCredentials, Hubspot, Arc<AtomicI64>) {
    let world = World::new(Options { consent: Consent::Allow, ..seeded(5) }).await;
    let credentials = oauth_app();
    authorize(&world, &credentials, &world.oauth()).await.unwrap();
    let (hand, skew) = (world.hand.clone(), Arc::new(AtomicI64::new(0)));
    let ours = Arc::clone(&skew);
    let clock = Arc::new(move || hand.now() + SignedDuration::from_secs(ours.load(Ordering::SeqCst)));
    let hubspot = Hubspot::new(
        &world.config(world.oauth()),
        Arc::new(credentials.clone()),
        clock,
        Arc::clone(&world.waiter) as Arc<dyn Waiter>,
    )
    .unwrap();
    (world, credentials, hubspot, skew)
}

/// This computer's clock is set and HubSpot's is not: a token that only seems good is renewed when it is refused, one that only
/// seems over is renewed early, each of them once, and nobody has to authorize again.
#[tokio::test]
async fn a_clock_that_is_set_costs_a_renewal_and_no_authorization() {
    const YEAR: i64 = 365 * 86_400;
    for jump in [5 * YEAR, -10 * YEAR, 86_400, -86_400, 1] {
        let (world, credentials, hubspot, skew) = with_a_clock_of_its_own().await;
        let count = || async { all(&hubspot, contacts(&["email"])).await.unwrap().objects.len() };
        assert_eq!(count().await, 5);
        for (clock, at_most) in [(jump, 1), (0, 1)] {
            let before = credentials.stored().len();
            skew.store(clock, Ordering::SeqCst);
            for _ in 0..4 {
                assert_eq!(count().await, 5, "{jump}");
            }
            let renewed = credentials.stored().len() - before;
            assert!(renewed <= at_most, "{jump}: renewed {renewed} times");
            // What HubSpot thinks of the token counts, whatever this clock says.
            world.sandbox.portal().expire_access_tokens();
            assert_eq!(count().await, 5, "{jump}");
            assert_eq!(credentials.stored().len(), before + renewed + 1, "{jump}");
        }
    }
}
