//! The HubSpot connector against prepared answers: exact requests, odd answers, hostile servers.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use connector::credentials::memory::MemoryCredentials;
use connector::credentials::{Credentials, RefreshGuard};
use connector::http::Waiter;
use connector::hubspot::Hubspot;
use connector::{Change, Connector, ConnectorError, Creation, ErrorKind, Outcome, Search, Tokens};
use jiff::Timestamp;
use model::{Filter, Secret};
use serde_json::{Value, json};

use self::support::{Impatient, Reply, Script, all, attributes, contacts, hubspot_config};

const TOKEN: &str = "test-token-1";

struct Wire {
    script: Script,
    waiter: Arc<Impatient>,
}

impl Wire {
    async fn new(replies: impl IntoIterator<Item = Reply>) -> Self {
        Self { script: Script::new(replies).await, waiter: Arc::default() }
    }

    fn hubspot(&self) -> Hubspot {
        self.hubspot_with(json!({}), MemoryCredentials::with_access_token(TOKEN))
    }

    fn hubspot_with(&self, more: Value, credentials: MemoryCredentials) -> Hubspot {
        let mut properties = json!({"apiBaseUrl": self.script.url, "permitsPerSecond": 1000});
        for (name, value) in more.as_object().unwrap() {
            properties[name] = value.clone();
        }
        build(&properties, credentials, Arc::clone(&self.waiter))
    }

    fn lines(&self) -> Vec<String> {
        self.script.requests().iter().map(support::Request::line).collect()
    }
}

fn build(properties: &Value, credentials: MemoryCredentials, waiter: Arc<Impatient>) -> Hubspot {
    let waiter: Arc<dyn Waiter> = waiter;
    let config = hubspot_config(properties);
    Hubspot::new(&config, Arc::new(credentials), Arc::new(|| Timestamp::UNIX_EPOCH), waiter).unwrap()
}

fn record(id: u64) -> Value {
    json!({"id": id.to_string(), "properties": {"email": format!("{id}@x.org"), "hs_object_id": id.to_string()}})
}

fn page(ids: impl IntoIterator<Item = u64>, next: Option<u64>) -> Reply {
    let results: Vec<Value> = ids.into_iter().map(record).collect();
    let mut body = json!({"results": results});
    if let Some(next) = next {
        body["paging"] =
            json!({"next": {"after": next.to_string(), "link": "https://evil.example/?after=1"}});
    }
    Reply::json(200, body)
}

/// A page whose cursor is no number.
fn worded(ids: impl IntoIterator<Item = u64>, next: &str) -> Reply {
    let results: Vec<Value> = ids.into_iter().map(record).collect();
    Reply::json(200, json!({"results": results, "paging": {"next": {"after": next}}}))
}

fn creation(trace: &str, email: &str) -> Creation {
    Creation { trace: trace.into(), attributes: attributes(json!({"email": email})) }
}

fn error(status: u16, message: &str, category: &str) -> Reply {
    Reply::json(
        status,
        json!({"status": "error", "message": message, "category": category, "correlationId": "c-1"}),
    )
}

#[tokio::test]
async fn a_list_asks_for_what_is_wanted_and_nothing_else() {
    let wire = Wire::new([page(1..=100, Some(100)), page(101..=150, None)]).await;
    let listed = all(&wire.hubspot(), contacts(&["email", "__NAME__", "_id"])).await.unwrap();
    assert_eq!(listed.objects.len(), 150);
    assert_eq!(
        wire.lines(),
        [
            "GET /crm/objects/2026-03/contacts?limit=100&properties=email%2Chs_object_id",
            "GET /crm/objects/2026-03/contacts?limit=100&after=100&properties=email%2Chs_object_id",
        ]
    );
    let first = &wire.script.requests()[0];
    assert_eq!(first.header("authorization"), Some("Bearer test-token-1"));
    assert_eq!(first.header("accept"), Some("application/json"));
    assert!(first.header("user-agent").unwrap().starts_with("Concord/"));
}

#[tokio::test]
async fn every_odd_list_is_an_error_and_never_a_short_list() {
    let total = |n: u64| Reply::json(200, json!({"total": n, "results": []}));
    for (name, replies, expect) in [
        ("full page, count agrees", vec![page(1..=100, None), total(100)], Ok(100)),
        (
            "full page, more are there",
            vec![page(1..=100, None), total(101), page([], None), total(101)],
            Err("counts 101 contacts and delivered 100"),
        ),
        (
            "full page, no count",
            vec![page(1..=100, None), Reply::json(200, json!({"results": []}))],
            Err("did not say how many"),
        ),
        (
            "full page, count refused",
            vec![page(1..=100, None), error(403, "no", "MISSING_SCOPES")],
            Err("could not be confirmed"),
        ),
        ("empty account", vec![page([], None), total(0)], Ok(0)),
        (
            "full page, more come when asked",
            vec![page(1..=100, None), total(101), page([101], None), total(101)],
            Ok(101),
        ),
        (
            "empty page, records are there",
            vec![page([], None), total(7), page([], None), total(7)],
            Err("counts 7"),
        ),
        (
            "empty page in the middle",
            vec![page(1..=100, Some(100)), page([], None), total(140), page([], None), total(140)],
            Err("delivered 100"),
        ),
        ("short page", vec![page(1..=3, None)], Ok(3)),
        ("unsorted first page", vec![page([5, 3, 9], Some(9)), page([4, 5, 12], None), total(5)], Ok(5)),
        (
            "skips behind a repeat",
            vec![page(1..=100, Some(100)), page(51..=120, None), total(150), page([], None), total(150)],
            Err("delivered 120"),
        ),
        (
            "cursor runs back",
            vec![page(1..=100, Some(100)), page(101..=200, Some(50)), page(101..=200, Some(50))],
            Err("does not advance"),
        ),
        (
            "cursors are words",
            vec![worded(1..=100, "NTEy%3D"), worded(101..=130, "b"), page(131..=150, None)],
            Ok(150),
        ),
        (
            "pages are smaller than asked for",
            vec![page(1..=10, Some(10)), page(11..=20, Some(20)), page([21], None)],
            Ok(21),
        ),
        (
            "cursors count records",
            vec![page(701..=710, Some(10)), page(801..=810, Some(20)), page([900], None)],
            Ok(21),
        ),
        (
            "a word that stays",
            vec![worded(1..=100, "a"), worded(101..=200, "a"), worded(101..=200, "a")],
            Err("does not advance"),
        ),
        (
            "the same page by other words",
            vec![worded(1..=100, "a"), worded(1..=100, "b"), worded(1..=100, "c")],
            Err("does not advance"),
        ),
        (
            "the same record by numbers that rise",
            vec![page([1], Some(1)), page([1], Some(2)), page([1], Some(3))],
            Err("a page brings the same records again"),
        ),
        (
            "nobody by numbers that rise",
            (1..=12).map(|next| page([], Some(next))).collect(),
            Err("11 pages in a row brought nobody new"),
        ),
        (
            "nobody by words that change",
            (1..=12).map(|next| worded([], &format!("w{next}"))).collect(),
            Err("11 pages in a row brought nobody new"),
        ),
        ("cursor is nothing", vec![worded(1..=5, "")], Err("no place in it")),
        (
            "ids are longer than numbers",
            vec![Reply::json(
                200,
                json!({"results": [
                {"id": "987654321098765432109876", "properties": {}},
                {"id": "987654321098765432109877", "properties": {}, "unheardOf": [1]}]}),
            )],
            Ok(2),
        ),
        ("too many on a page", vec![page(1..=101, None)], Err("101 records")),
        ("results is no list", vec![Reply::json(200, json!({"results": {}})); 3], Err("unexpected shape")),
        (
            "an id is missing",
            vec![Reply::json(200, json!({"results": [{"properties": {}}]})); 3],
            Err("unexpected shape"),
        ),
    ] {
        let wire = Wire::new(replies).await;
        match (all(&wire.hubspot(), contacts(&["email"])).await, expect) {
            (Ok(listed), Ok(count)) => assert_eq!(listed.objects.len(), count, "{name}"),
            (Err(error), Err(words)) => assert!(error.message.contains(words), "{name}: {error}"),
            (Ok(listed), Err(_)) => panic!("{name}: {} records", listed.objects.len()),
            (Err(error), Ok(_)) => panic!("{name}: {error}"),
        }
    }
}

#[tokio::test]
async fn searches_walk_along_the_ids_past_ten_thousand() {
    let found = |ids: std::ops::RangeInclusive<u64>, total: u64| {
        Reply::json(200, json!({"total": total, "results": ids.map(record).collect::<Vec<_>>()}))
    };
    let wire = Wire::new([found(1..=200, 20_250), found(201..=400, 20_050), found(401..=450, 50)]).await;
    let filter = Filter::parse("age gt 3 and (phone pr or city eq null)").unwrap();
    let listed = all(&wire.hubspot(), Search { filter: Some(filter), ..contacts(&["email"]) }).await.unwrap();
    assert_eq!(listed.objects.len(), 450);
    let bodies: Vec<Value> = wire.script.requests().iter().map(support::Request::json).collect();
    assert_eq!(
        bodies[1],
        json!({
            "filterGroups": [
                {"filters": [
                    {"propertyName": "age", "operator": "GT", "value": "3"},
                    {"propertyName": "phone", "operator": "HAS_PROPERTY"},
                    {"propertyName": "hs_object_id", "operator": "GT", "value": "200"},
                ]},
                {"filters": [
                    {"propertyName": "age", "operator": "GT", "value": "3"},
                    {"propertyName": "city", "operator": "NOT_HAS_PROPERTY"},
                    {"propertyName": "hs_object_id", "operator": "GT", "value": "200"},
                ]},
            ],
            "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
            "properties": ["email"],
            "limit": 200,
        })
    );
    assert_eq!(wire.lines()[0], "POST /crm/objects/2026-03/contacts/search");
    // Searches have five permits a second: the second and the third each wait for theirs.
    assert!(wire.waiter.all().iter().filter(|w| **w >= Duration::from_millis(190)).count() >= 2);
}

#[tokio::test]
async fn searches_that_end_early_or_lose_their_order_are_errors() {
    let answer = |ids: &[u64], total: Value| {
        let results: Vec<Value> = ids.iter().map(|id| record(*id)).collect();
        Reply::json(200, json!({"total": total, "results": results}))
    };
    for (name, replies, words) in [
        ("no total", vec![Reply::json(200, json!({"results": []}))], "without its total"),
        ("nothing although some match", vec![answer(&[], json!(5))], "ended early"),
        ("wrong order", vec![answer(&[3, 2, 1], json!(3))], "another order"),
        ("the same again", vec![answer(&[1, 2], json!(4)), answer(&[1, 2], json!(4))], "ended early"),
    ] {
        let wire = Wire::new(replies).await;
        let request = Search { filter: Filter::parse("age gt 3").ok(), ..contacts(&["email"]) };
        let error = all(&wire.hubspot(), request).await.err().unwrap();
        assert_eq!(error.kind, ErrorKind::Untrusted, "{name}");
        assert!(error.message.contains(words), "{name}: {error}");
    }
}

#[tokio::test]
async fn a_search_that_hubspot_cannot_do_is_done_here() {
    let refused = error(400, "There was a problem with the request.", "VALIDATION_ERROR");
    let wire = Wire::new([refused, page([1, 2, 3], None)]).await;
    let request = Search { filter: Filter::parse("email eq '2@X.org'").ok(), ..contacts(&["_id"]) };
    let listed = all(&wire.hubspot(), request).await.unwrap();
    assert_eq!(listed.objects.len(), 1);
    assert_eq!(Value::Object(listed.objects[0].attributes.clone()), json!({"_id": "2"}));
    let nothing = Search { filter: Filter::parse("false").ok(), ..contacts(&[]) };
    assert!(all(&wire.hubspot(), nothing).await.unwrap().objects.is_empty());
    assert_eq!(wire.lines().len(), 2);
}

#[tokio::test]
async fn a_batch_read_accounts_for_every_id() {
    let missing = |ids: &[&str]| json!([{"status": "error", "category": "OBJECT_NOT_FOUND", "message": "gone", "context": {"ids": ids}}]);
    for (name, body, expect) in [
        ("all there", json!({"results": [record(2), record(1)]}), Ok(2)),
        (
            "one named missing",
            json!({"results": [record(2)], "numErrors": 1, "errors": missing(&["1"])}),
            Ok(1),
        ),
        ("merged into one", json!({"results": [record(9)]}), Ok(1)),
        ("one left out in silence", json!({"results": [record(1)]}), Err("left 1 of 2 contacts out")),
        (
            "another error inside",
            json!({"results": [record(1)], "errors": [{"message": "broken", "category": "INTERNAL"}]}),
            Err("broken"),
        ),
        ("no results", json!({"status": "COMPLETE"}), Err("unexpected shape")),
    ] {
        for status in [200, 207] {
            let wire = Wire::new(vec![Reply::json(status, body.clone()); 3]).await;
            let read = wire.hubspot().read("contact", &["1".into(), "2".into()], &["email".into()]).await;
            match (read, expect) {
                (Ok(found), Ok(count)) => assert_eq!(found.len(), count, "{name}"),
                (Err(error), Err(words)) => assert!(error.message.contains(words), "{name}: {error}"),
                (found, expect) => panic!("{name}: {found:?} instead of {expect:?}"),
            }
            let request = &wire.script.requests()[0];
            assert_eq!(
                request.json(),
                json!({"inputs": [{"id": "1"}, {"id": "2"}], "properties": ["email"]})
            );
        }
    }
}

/// `hs_merged_object_ids` may not go back as far as the id that is asked for.
#[tokio::test]
async fn an_id_that_no_record_names_as_merged_is_asked_for_alone() {
    let mut heir = record(9);
    heir["properties"]["hs_merged_object_ids"] = json!("2;7");
    let missing = json!([{"status": "error", "category": "OBJECT_NOT_FOUND", "message": "gone", "context": {"ids": ["4"]}}]);
    let not_found =
        json!({"status": "error", "message": "resource not found", "category": "OBJECT_NOT_FOUND"});
    let answer = json!({"results": [heir, record(5)], "numErrors": 1, "errors": missing});
    let wire =
        Wire::new([Reply::json(207, answer), Reply::json(200, record(9)), Reply::json(404, not_found)]).await;
    let asked = ["1", "2", "3", "4", "5"].map(str::to_owned);
    let moved = wire.hubspot().moved("contact", &asked).await.unwrap();
    assert_eq!(moved, [("1", "9"), ("2", "9")].map(|(old, new)| (old.to_owned(), new.to_owned())));
    let alone = |id: &str| format!("GET /crm/objects/2026-03/contacts/{id}?properties=hs_object_id");
    let expected = ["POST /crm/objects/2026-03/contacts/batch/read".to_owned(), alone("1"), alone("3")];
    assert_eq!(wire.lines(), expected);

    // What is there after all is neither merged nor gone.
    let wire =
        Wire::new([Reply::json(200, json!({"results": [record(9)]})), Reply::json(200, record(1))]).await;
    let error = wire.hubspot().moved("contact", &["1".to_owned()]).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Untrusted, "{error}");
}

#[tokio::test]
async fn additional_addresses_lead_to_their_record() {
    let found = json!({"id": "7", "properties": {"email": "ann@x.org", "firstname": null, "hs_additional_emails": "Old@x.org;a@y.org"}});
    let wire = Wire::new([Reply::json(200, json!({"results": [found]}))]).await;
    let read = wire
        .hubspot()
        .find_by_key("contact", &[" OLD@x.org ".into(), "old@x.org".into()], &["firstname".into()])
        .await;
    let object = &read.unwrap()[0];
    assert_eq!((object.uid.as_str(), &object.attributes["email"]), ("7", &json!("ann@x.org")));
    assert_eq!(
        wire.script.requests()[0].json(),
        json!({"inputs": [{"id": "old@x.org"}], "properties": ["firstname", "email", "hs_additional_emails"], "idProperty": "email"})
    );
}

#[tokio::test]
async fn values_travel_as_texts() {
    let created =
        json!({"results": [{"id": "5", "properties": {"email": "a@x.org"}, "objectWriteTraceId": "t"}]});
    let wire = Wire::new([Reply::json(201, created.clone()), Reply::json(200, created)]).await;
    let values = json!({
        "__NAME__": "a@x.org", "n": 4.5, "on": true, "many": ["a", "b"], "none": null, "empty": "", "_id": "9", "hs_object_id": "9"
    });
    let hubspot = wire.hubspot();
    let batch = [Creation { trace: "t".into(), attributes: attributes(values.clone()) }];
    assert!(matches!(&hubspot.create("contact", &batch).await[0], Outcome::Done(o) if o.uid == "5"));
    let batch = [Change { uid: "5".into(), attributes: attributes(values) }];
    assert!(matches!(&hubspot.update("contact", &batch).await[0], Outcome::Done(o) if o.uid == "5"));
    let requests = wire.script.requests();
    assert_eq!(
        requests[0].json(),
        json!({"inputs": [{"properties": {"email": "a@x.org", "n": "4.5", "on": "true", "many": "a;b"}, "objectWriteTraceId": "t"}]})
    );
    assert_eq!(
        requests[1].json(),
        json!({"inputs": [{"id": "5", "properties": {"email": "a@x.org", "n": "4.5", "on": "true", "many": "a;b", "none": "", "empty": ""}}]})
    );
}

#[tokio::test]
async fn answers_to_a_creation_find_their_item() {
    let with_trace = |id: u64, trace: &str| {
        let mut record = record(id);
        record["objectWriteTraceId"] = json!(trace);
        record
    };
    let problem = |message: &str, category: &str, trace: &str| json!({"status": "error", "message": message, "category": category, "context": {"objectWriteTraceId": [trace]}});
    let exists = "Contact already exists. Existing ID: 77";
    for (name, status, body, expect) in [
        (
            "in another order",
            201,
            json!({"results": [with_trace(2, "b"), with_trace(1, "a")]}),
            ["done 1", "done 2"],
        ),
        ("without traces", 201, json!({"results": [record(2), record(1)]}), ["done 1", "done 2"]),
        (
            "conflict in 207",
            207,
            json!({"results": [with_trace(2, "b")], "numErrors": 1, "errors": [problem(exists, "CONFLICT", "a")]}),
            ["conflict 77", "done 2"],
        ),
        (
            "conflict in 201",
            201,
            json!({"results": [with_trace(1, "a")], "errors": [problem(exists, "CONFLICT", "b")]}),
            ["done 1", "conflict 77"],
        ),
        (
            "error without trace, one left",
            207,
            json!({"results": [with_trace(1, "a")], "errors": [{"message": "bad", "category": "VALIDATION_ERROR"}]}),
            ["done 1", "rejected"],
        ),
        (
            "error without trace, two left",
            207,
            json!({"results": [], "errors": [{"message": "bad", "category": "X"}]}),
            ["unknown", "unknown"],
        ),
        ("one not mentioned", 201, json!({"results": [with_trace(1, "a")]}), ["done 1", "unknown"]),
        (
            "throttled record",
            207,
            json!({"results": [with_trace(1, "a")], "errors": [problem("slow down", "RATE_LIMITS", "b")]}),
            ["done 1", "retry"],
        ),
    ] {
        let wire = Wire::new([Reply::json(status, body)]).await;
        let outcomes =
            wire.hubspot().create("contact", &[creation("a", "1@x.org"), creation("b", "2@X.org")]).await;
        let told: Vec<String> = outcomes
            .iter()
            .map(|o| match o {
                Outcome::Done(object) => format!("done {}", object.uid),
                Outcome::Conflict { existing, .. } => format!("conflict {existing}"),
                Outcome::Rejected { .. } => "rejected".into(),
                Outcome::Gone => "gone".into(),
                Outcome::Retry { .. } => "retry".into(),
                Outcome::Partly { refused, .. } => format!("all but {}", refused.join(", ")),
                Outcome::Unknown { .. } => "unknown".into(),
            })
            .collect();
        assert_eq!(told, expect, "{name}");
    }
}

#[tokio::test]
async fn a_batch_refused_for_conflicts_is_settled_with_one_lookup() {
    let created = |ids: &[u64]| json!({"results": ids.iter().map(|id| record(*id)).collect::<Vec<_>>()});
    let lookup = json!({"results": [record(3), record(8)], "errors": [{"category": "OBJECT_NOT_FOUND", "context": {"ids":
        ["1@x.org", "2@x.org", "4@x.org", "5@x.org", "6@x.org", "7@x.org"]}}]});
    let wire = Wire::new([
        error(409, "Contact already exists. Existing ID: 3", "CONFLICT"),
        Reply::json(207, lookup),
        Reply::json(201, created(&[1, 2, 4, 5, 6, 7])),
    ])
    .await;
    let batch: Vec<Creation> = (1..=8).map(|n| creation(&n.to_string(), &format!("{n}@x.org"))).collect();
    let outcomes = wire.hubspot().create("contact", &batch).await;
    for (n, outcome) in (1..).zip(&outcomes) {
        match outcome {
            Outcome::Conflict { existing, .. } => assert!([3, 8].contains(&n) && *existing == n.to_string()),
            Outcome::Done(object) => assert_eq!(object.uid, n.to_string()),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(wire.lines().len(), 3);
}

#[tokio::test]
async fn a_property_that_does_not_exist_settles_all_its_records_at_once() {
    let inside = "Property values were not valid: [{\"isValid\":false,\"message\":\"Property \\\"foo\\\" does not exist\",\"error\":\"PROPERTY_DOESNT_EXIST\",\"name\":\"foo\"}]";
    let wire = Wire::new([
        error(400, inside, "VALIDATION_ERROR"),
        Reply::json(200, json!({"results": [record(3)]})),
    ])
    .await;
    let batch: Vec<Change> = (1..=3)
        .map(|n| {
            let values = if n < 3 { json!({"foo": "x"}) } else { json!({"email": "3@x.org"}) };
            Change { uid: n.to_string(), attributes: attributes(values) }
        })
        .collect();
    let outcomes = wire.hubspot().update("contact", &batch).await;
    for outcome in &outcomes[..2] {
        let Outcome::Rejected { reason, attribute } = outcome else { panic!("{outcome:?}") };
        assert_eq!(
            (reason.as_str(), attribute.as_deref()),
            ("HubSpot refused: Property \"foo\" does not exist", Some("foo"))
        );
    }
    assert!(matches!(&outcomes[2], Outcome::Done(o) if o.uid == "3"));
}

#[tokio::test]
async fn a_batch_is_halved_when_nothing_says_who_is_to_blame() {
    let script = Script::answering(|request| {
        let inputs = request.json()["inputs"].as_array().unwrap().clone();
        if inputs.iter().any(|i| i["id"] == "13") {
            return error(400, "Some object could not be saved", "VALIDATION_ERROR");
        }
        Reply::json(200, json!({"results": inputs}))
    })
    .await;
    let wire = Wire { script, waiter: Arc::default() };
    let batch: Vec<Change> = (1..=100)
        .map(|n| Change { uid: n.to_string(), attributes: attributes(json!({"city": "Ulm"})) })
        .collect();
    let outcomes = wire.hubspot().update("contact", &batch).await;
    for (n, outcome) in (1..).zip(&outcomes) {
        match outcome {
            Outcome::Rejected { reason, .. } => {
                assert_eq!(n, 13);
                assert_eq!(
                    reason,
                    "HubSpot refused: Some object could not be saved (VALIDATION_ERROR, correlation id c-1)"
                );
            }
            Outcome::Done(object) => assert_eq!(object.uid, n.to_string()),
            other => panic!("{other:?}"),
        }
    }
    assert!(wire.lines().len() <= 15, "{}", wire.lines().len());
}

#[tokio::test]
async fn batches_are_cut_to_a_hundred() {
    let script =
        Script::answering(|request| Reply::json(200, json!({"results": request.json()["inputs"]}))).await;
    let wire = Wire { script, waiter: Arc::default() };
    let batch: Vec<Change> = (1..=250)
        .map(|n| Change { uid: n.to_string(), attributes: attributes(json!({"city": "Ulm"})) })
        .collect();
    let outcomes = wire.hubspot().update("contact", &batch).await;
    assert!(outcomes.iter().all(|o| matches!(o, Outcome::Done(_))));
    let sizes: Vec<usize> =
        wire.script.requests().iter().map(|r| r.json()["inputs"].as_array().unwrap().len()).collect();
    assert_eq!(sizes, [100, 100, 50]);
}

#[tokio::test]
async fn nothing_that_a_server_says_brings_a_token_elsewhere_or_into_a_text() {
    let other = Script::new([]).await;
    for status in [301, 302, 303, 307, 308] {
        let wire =
            Wire::new([Reply::json(status, json!({})).with("location", &format!("{}/x", other.url))]).await;
        let error = all(&wire.hubspot(), contacts(&["email"])).await.err().unwrap();
        assert_eq!(error.kind, ErrorKind::Untrusted);
        assert!(error.message.contains("redirect"), "{error}");
    }
    assert!(other.requests().is_empty());
    let echo = format!("your token {TOKEN} is wrong\r\n\u{1b}[31m");
    for status in [400, 401, 403, 404, 418] {
        let wire = Wire::new([error(status, &echo, "X")]).await;
        let error = all(&wire.hubspot(), contacts(&["email"])).await.err().unwrap();
        assert!(!error.message.contains(TOKEN) && error.message.contains("your token ***"), "{error}");
        assert!(!error.message.contains(char::is_control), "{error}");
    }
    let wire = Wire::new([error(500, &echo, "X")]).await;
    let outcomes = wire.hubspot().create("contact", &[creation("a", "a@x.org")]).await;
    assert!(matches!(&outcomes[0], Outcome::Unknown { reason } if !reason.contains(TOKEN)), "{outcomes:?}");

    // Within an answer that is none of a refusal.
    let problems = json!([{"category": "X", "message": echo}, {"category": "Y", "message": "no"}]);
    let in_part = json!({"status": "COMPLETE", "results": [], "numErrors": 2, "errors": problems});
    let wire = Wire::new([Reply::json(207, in_part)]).await;
    let outcomes = wire.hubspot().create("contact", &[creation("a", "a@x.org")]).await;
    assert!(
        matches!(&outcomes[0], Outcome::Unknown { reason } if reason.contains("your token ***") && !reason.contains(TOKEN)),
        "{outcomes:?}"
    );
}

#[tokio::test]
async fn huge_and_deep_answers_are_refused() {
    let huge = Reply { body: vec![b' '; 33 * 1024 * 1024], ..Reply::json(200, json!({})) };
    let wire = Wire::new([huge]).await;
    let error = all(&wire.hubspot(), contacts(&["email"])).await.err().unwrap();
    assert!(error.message.contains("larger than 32 MiB"), "{error}");
    assert_eq!(wire.lines().len(), 1);
    let deep = Reply { body: "[".repeat(1_000_000).into_bytes(), ..Reply::json(200, json!({})) };
    let wire = Wire::new(vec![deep; 3]).await;
    assert_eq!(all(&wire.hubspot(), contacts(&["email"])).await.err().unwrap().kind, ErrorKind::Untrusted);
}

#[tokio::test]
async fn no_connection_means_nothing_was_done() {
    let address = {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap()
    };
    let waiter = Arc::<Impatient>::default();
    let properties = json!({"apiBaseUrl": format!("http://{address}"), "permitsPerSecond": 1000});
    let hubspot = build(&properties, MemoryCredentials::with_access_token(TOKEN), Arc::clone(&waiter));
    let outcomes = hubspot.create("contact", &[creation("a", "a@x.org")]).await;
    assert!(
        matches!(&outcomes[0], Outcome::Retry { reason, .. } if reason.contains("cannot be reached")),
        "{outcomes:?}"
    );
    assert_eq!(hubspot.usage().calls, 6);
    for (wait, least) in waiter.long().iter().zip([200, 400, 800, 1600, 3200]) {
        let least = Duration::from_millis(least);
        assert!(*wait >= least && *wait <= least.mul_f64(1.25), "{wait:?}");
    }
}

#[tokio::test]
async fn permits_are_spread_over_the_second() {
    let script = Script::answering(|_| page([1], None)).await;
    let wire = Wire { script, waiter: Arc::default() };
    let hubspot =
        wire.hubspot_with(json!({"permitsPerSecond": 10}), MemoryCredentials::with_access_token(TOKEN));
    for _ in 0..21 {
        all(&hubspot, contacts(&["email"])).await.unwrap();
    }
    let waited: Duration = wire.waiter.all().iter().sum();
    assert!(waited >= Duration::from_millis(1_999) && waited <= Duration::from_millis(2_001), "{waited:?}");
}

#[tokio::test]
async fn usage_tells_the_day_s_budget() {
    let told = page([1], None)
        .with("X-HubSpot-RateLimit-Daily", "500000")
        .with("X-HubSpot-RateLimit-Daily-Remaining", "498677");
    let wire = Wire::new([told, page([1], None)]).await;
    let hubspot = wire.hubspot();
    assert_eq!(hubspot.usage(), connector::Usage::default());
    for calls in 1..=2 {
        all(&hubspot, contacts(&["email"])).await.unwrap();
        let usage = hubspot.usage();
        assert_eq!(
            (usage.calls, usage.daily_remaining, usage.daily_limit),
            (calls, Some(498_677), Some(500_000))
        );
    }
}

#[tokio::test]
async fn everything_goes_through_the_proxy_when_there_is_one() {
    let proxy = Script::new([page([1], None)]).await;
    let address = url::Url::parse(&proxy.url).unwrap();
    let properties = json!({
        "apiBaseUrl": "http://localhost:9", "permitsPerSecond": 1000,
        "httpProxyHost": "127.0.0.1", "httpProxyPort": address.port().unwrap().to_string(), "httpProxyUser": "u",
    });
    let credentials = MemoryCredentials::with_access_token(TOKEN).set("httpProxyPassword", "p");
    let hubspot = build(&properties, credentials, Arc::default());
    assert_eq!(all(&hubspot, contacts(&["email"])).await.unwrap().objects.len(), 1);
    let request = &proxy.requests()[0];
    assert!(request.target.starts_with("http://localhost:9/crm/objects"), "{}", request.target);
    assert_eq!(request.header("proxy-authorization"), Some("Basic dTpw"));
}

#[tokio::test]
async fn wrong_settings_are_named_when_the_connector_is_built() {
    for (properties, words) in [
        (json!({"permitsPerSecond": 0}), "permitsPerSecond must be between 1"),
        (json!({"maximumConnections": 0}), "maximumConnections must be between 1"),
        (json!({"httpProxyHost": "http://u:p@proxy"}), "httpProxyHost must be a host name"),
        (json!({"httpProxyHost": "proxy", "httpProxyPort": 70000}), "httpProxyPort is 70000"),
        (json!({"acceptSelfSignedCertificates": "yes"}), "must be true or false"),
        (json!({"apiBaseUrl": "http://example.org"}), "http is accepted for this computer only"),
        (json!({"clientId": "x", "scopes": [1]}), "scopes must be a text"),
        (
            json!({"clientId": "x", "redirectUri": "http://example.org/cb"}),
            "redirectUri must be an https address",
        ),
        (
            json!({"clientId": "x", "authorizeUrl": "javascript:alert(1)"}),
            "authorizeUrl must begin with https",
        ),
    ] {
        let config = hubspot_config(&properties);
        let built =
            connector::build(&config, Arc::new(MemoryCredentials::new()), Arc::new(|| Timestamp::UNIX_EPOCH));
        let error = built.err().unwrap();
        assert_eq!(error.kind, ErrorKind::Configuration);
        assert!(error.message.contains(words) && error.message.contains("connector `hs`"), "{error}");
    }
}

#[tokio::test]
async fn a_missing_ca_file_is_named() {
    let properties = json!({"apiBaseUrl": "https://localhost:9", "caFile": "no-such-authority.pem"});
    let hubspot = build(&properties, MemoryCredentials::with_access_token(TOKEN), Arc::default());
    let error = all(&hubspot, contacts(&["email"])).await.err().unwrap();
    assert!(error.message.contains("caFile `no-such-authority.pem` cannot be read"), "{error}");
}

#[tokio::test]
async fn a_refresh_speaks_oauth_in_the_body_and_keeps_what_comes_back() {
    let given = json!({"token_type": "bearer", "access_token": "test-access-2", "refresh_token": "test-refresh-2", "expires_in": 1800, "hub_id": 1});
    let wire = Wire::new([Reply::json(200, given), page([1], None)]).await;
    let over = Tokens {
        access_token: Secret::new("test-access-1"),
        refresh_token: Some(Secret::new("test-refresh-1")),
        expires_at: Some(Timestamp::UNIX_EPOCH),
        instance_url: None,
    };
    let credentials = MemoryCredentials::new().set("clientSecret", "test-secret").set_tokens(over);
    let hubspot = wire.hubspot_with(json!({"clientId": "test-client"}), credentials.clone());
    assert_eq!(all(&hubspot, contacts(&["email"])).await.unwrap().objects.len(), 1);
    let requests = wire.script.requests();
    assert_eq!(requests[0].line(), "POST /oauth/2026-03/token");
    assert_eq!(requests[0].header("content-type"), Some("application/x-www-form-urlencoded"));
    assert_eq!(requests[0].header("authorization"), None);
    let mut fields: Vec<&str> = requests[0].body.split('&').collect();
    fields.sort_unstable();
    assert_eq!(
        fields,
        [
            "client_id=test-client",
            "client_secret=test-secret",
            "grant_type=refresh_token",
            "refresh_token=test-refresh-1"
        ]
    );
    assert_eq!(requests[1].header("authorization"), Some("Bearer test-access-2"));
    assert_eq!(credentials.stored()[0].refresh_token, Some(Secret::new("test-refresh-2")));
}

/// A vault that does not take the first tokens that it is given.
struct FullOnce {
    inner: MemoryCredentials,
    refused: std::sync::atomic::AtomicBool,
}

#[async_trait::async_trait]
impl Credentials for FullOnce {
    async fn secret(&self, property: &str) -> Result<Option<Secret>, ConnectorError> {
        self.inner.secret(property).await
    }

    async fn tokens(&self) -> Result<Option<Tokens>, ConnectorError> {
        self.inner.tokens().await
    }

    async fn store_tokens(&self, tokens: &Tokens) -> Result<(), ConnectorError> {
        if self.refused.swap(true, std::sync::atomic::Ordering::SeqCst) {
            return self.inner.store_tokens(tokens).await;
        }
        Err(ConnectorError::new(ErrorKind::Credentials, "the disk is full"))
    }

    async fn refresh_guard(&self) -> Result<Box<dyn RefreshGuard>, ConnectorError> {
        self.inner.refresh_guard().await
    }
}

/// What the credentials were told about themselves.
#[derive(Clone, Default)]
struct Judged(Arc<std::sync::Mutex<Vec<Option<String>>>>);

#[async_trait::async_trait]
impl Credentials for Judged {
    async fn secret(&self, property: &str) -> Result<Option<Secret>, ConnectorError> {
        Ok((property == "accessToken").then(|| Secret::new(TOKEN)))
    }

    async fn tokens(&self) -> Result<Option<Tokens>, ConnectorError> {
        Ok(None)
    }

    async fn store_tokens(&self, _: &Tokens) -> Result<(), ConnectorError> {
        Ok(())
    }

    async fn refresh_guard(&self) -> Result<Box<dyn RefreshGuard>, ConnectorError> {
        Err(ConnectorError::new(ErrorKind::Credentials, "nothing is renewed here"))
    }

    async fn judged(&self, refusal: Option<&ConnectorError>) {
        self.0.lock().unwrap().push(refusal.map(|error| error.message.clone()));
    }
}

#[tokio::test]
async fn credentials_are_told_when_they_are_taken_and_when_they_are_not_any_more() {
    let refused = || error(401, "Authentication credentials not found.", "INVALID_AUTHENTICATION");
    let forbidden = error(403, "This app hasn't been granted all required scopes.", "MISSING_SCOPES");
    let wrong = error(400, "There was a problem with the request.", "VALIDATION_ERROR");
    let taken = || page([1], None);
    let replies = [taken(), taken(), refused(), refused(), forbidden, taken(), taken(), wrong];
    let wire = Wire::new(replies).await;
    let judged = Judged::default();
    let config = hubspot_config(&json!({"apiBaseUrl": wire.script.url, "permitsPerSecond": 1000}));
    let waiter: Arc<dyn Waiter> = Arc::new(Impatient::default());
    let seconds = Arc::new(AtomicI64::new(0));
    let now = Arc::clone(&seconds);
    let clock = Arc::new(move || Timestamp::from_second(now.load(Ordering::Relaxed)).unwrap());
    let hubspot = Hubspot::new(&config, Arc::new(judged.clone()), clock, waiter).unwrap();
    for _ in 0..6 {
        all(&hubspot, contacts(&["email"])).await.ok();
    }
    // Another process may have been refused meanwhile, and have noted it.
    seconds.store(31, Ordering::Relaxed);
    all(&hubspot, contacts(&["email"])).await.unwrap();
    // Who refuses what was asked has let in who asked.
    seconds.store(62, Ordering::Relaxed);
    assert!(all(&hubspot, contacts(&["email"])).await.is_err());
    let told = judged.0.lock().unwrap().clone();
    let [None, Some(refusal), Some(again), None, None, None] = told.as_slice() else { panic!("{told:?}") };
    assert!(refusal.contains("does not accept the token") && again == refusal, "{refusal}");
}

#[tokio::test]
async fn tokens_that_could_not_be_stored_are_not_used_and_not_lost() {
    let given = json!({"token_type": "bearer", "access_token": "test-access-2", "refresh_token": "test-refresh-2", "expires_in": 1800});
    let wire = Wire::new([Reply::json(200, given), page([1], None)]).await;
    let inner =
        MemoryCredentials::new().set("clientSecret", "test-secret").set("refreshToken", "test-refresh-1");
    let credentials = FullOnce { inner: inner.clone(), refused: false.into() };
    let config =
        hubspot_config(&json!({"apiBaseUrl": wire.script.url, "clientId": "c", "permitsPerSecond": 1000}));
    let waiter: Arc<dyn Waiter> = Arc::new(Impatient::default());
    let hubspot =
        Hubspot::new(&config, Arc::new(credentials), Arc::new(|| Timestamp::UNIX_EPOCH), waiter).unwrap();
    let error = all(&hubspot, contacts(&["email"])).await.err().unwrap();
    assert_eq!((error.kind, wire.lines().len()), (ErrorKind::Credentials, 1));
    // The next call stores first and refreshes no second time with a token that may be dead.
    assert_eq!(all(&hubspot, contacts(&["email"])).await.unwrap().objects.len(), 1);
    assert_eq!(wire.script.requests()[1].header("authorization"), Some("Bearer test-access-2"));
    assert_eq!(inner.stored().len(), 1);
}

#[tokio::test]
async fn a_connection_that_is_given_up_gives_its_token_back() {
    let wire = Wire::new([Reply { headers: Vec::new(), ..Reply::json(204, json!(null)) }]).await;
    let credentials =
        MemoryCredentials::new().set("clientSecret", "test-secret").set("refreshToken", "test-refresh-1");
    let config = hubspot_config(&json!({"apiBaseUrl": wire.script.url, "clientId": "c"}));
    connector::oauth::revoke(&config, Arc::new(credentials), Arc::new(|| Timestamp::UNIX_EPOCH))
        .await
        .unwrap();
    let request = &wire.script.requests()[0];
    assert_eq!(request.line(), "POST /oauth/2026-03/token/revoke");
    assert_eq!(
        request.body,
        "client_id=c&client_secret=test-secret&token=test-refresh-1&token_type_hint=refresh_token"
    );
}

#[tokio::test]
async fn a_new_service_key_is_picked_up_after_a_refusal() {
    let refused = || error(401, "Authentication credentials not found.", "INVALID_AUTHENTICATION");
    let wire = Wire::new([page([1], None), refused(), page([1], None), refused()]).await;
    let credentials = MemoryCredentials::with_access_token(TOKEN);
    let hubspot = wire.hubspot_with(json!({}), credentials.clone());
    all(&hubspot, contacts(&["email"])).await.unwrap();
    let credentials = credentials.set("accessToken", "test-token-2");
    all(&hubspot, contacts(&["email"])).await.unwrap();
    assert_eq!(wire.script.requests()[2].header("authorization"), Some("Bearer test-token-2"));
    let error = all(&hubspot, contacts(&["email"])).await.err().unwrap();
    assert_eq!((error.kind, wire.lines().len()), (ErrorKind::Unauthorized, 4));
    drop(credentials);
}

#[tokio::test]
async fn one_missing_record_does_not_make_the_others_gone() {
    let script = Script::answering(|request| {
        let inputs = request.json()["inputs"].as_array().unwrap().clone();
        if inputs.iter().any(|i| i["id"] == "3") {
            return error(404, "resource not found", "OBJECT_NOT_FOUND");
        }
        Reply::json(200, json!({"results": inputs}))
    })
    .await;
    let wire = Wire { script, waiter: Arc::default() };
    let batch: Vec<Change> = (1..=5)
        .map(|n| Change { uid: n.to_string(), attributes: attributes(json!({"city": "Ulm"})) })
        .collect();
    let outcomes = wire.hubspot().update("contact", &batch).await;
    for (n, outcome) in (1..).zip(&outcomes) {
        assert!(matches!((n, outcome), (3, Outcome::Gone) | (_, Outcome::Done(_))), "{n}: {outcome:?}");
    }
}

#[tokio::test]
async fn token_refusals_are_understood_in_every_spelling() {
    for (status, body, kind, words) in [
        (
            400,
            json!({"status": "BAD_REFRESH_TOKEN", "message": "missing or invalid refresh token"}),
            ErrorKind::Unauthorized,
            "authorize again",
        ),
        (
            400,
            json!({"error": "invalid_grant", "error_description": "gone"}),
            ErrorKind::Unauthorized,
            "gone; authorize again",
        ),
        (403, json!({}), ErrorKind::Unauthorized, "authorize again"),
        (
            400,
            json!({"error": "invalid_client", "error_description": "test-secret is wrong"}),
            ErrorKind::Unauthorized,
            "client secret",
        ),
        (
            400,
            json!({"status": "BAD_GRANT_TYPE", "message": "no"}),
            ErrorKind::Refused,
            "refused the token request: no",
        ),
        (200, json!({"token": "x"}), ErrorKind::Untrusted, "unexpected shape"),
    ] {
        let wire = Wire::new([Reply::json(status, body)]).await;
        let credentials =
            MemoryCredentials::new().set("clientSecret", "test-secret").set("refreshToken", "test-refresh-1");
        let hubspot = wire.hubspot_with(json!({"clientId": "test-client"}), credentials);
        let error = all(&hubspot, contacts(&["email"])).await.err().unwrap();
        assert_eq!(error.kind, kind, "{error}");
        assert!(error.message.contains(words) && !error.message.contains("test-secret"), "{error}");
    }
}
