//! The SCIM connector against a server that behaves, and against each way in which servers do not.

#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "support/scim_server.rs"]
mod scim_server;
mod support;

use std::sync::Arc;
use std::time::Duration;

use connector::credentials::memory::MemoryCredentials;
use connector::http::Waiter;
use connector::scim::Scim;
use connector::{
    Change, Connector, ConnectorError, Creation, ErrorKind, Feed, Outcome, RemoteObject, Search,
};
use futures::StreamExt;
use jiff::Timestamp;
use model::{ConnectorConfig, Filter};
use scim_server::{ENTERPRISE, Fault, Habits, ScimServer, TOKEN};
use serde_json::{Value, json};
use support::{Impatient, all, attributes};

const USER: &str = "User";

fn config(properties: &Value) -> ConnectorConfig {
    let document = json!({
        "connectorRef": {"connectorName": "org.forgerock.openicf.connectors.scim.ScimConnector"},
        "configurationProperties": properties,
    });
    ConnectorConfig::parse(&document.to_string(), Some("scim")).unwrap()
}

fn built(server: &ScimServer, more: Value, credentials: MemoryCredentials) -> (Scim, Arc<Impatient>) {
    let mut properties = json!({"SCIMEndpoint": server.url, "permitsPerSecond": 1000});
    properties.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let waiter: Arc<Impatient> = Arc::default();
    let waiting: Arc<dyn Waiter> = Arc::clone(&waiter) as Arc<dyn Waiter>;
    let clock = Arc::new(|| "2026-01-02T00:00:00Z".parse::<Timestamp>().unwrap());
    (Scim::new(&config(&properties), Arc::new(credentials), clock, waiting).unwrap(), waiter)
}

fn token() -> MemoryCredentials {
    MemoryCredentials::new().set("authToken", TOKEN)
}

fn scim(server: &ScimServer) -> Scim {
    built(server, json!({}), token()).0
}

fn scim_with(server: &ScimServer, more: Value) -> Scim {
    built(server, more, token()).0
}

fn people(names: &[&str]) -> Search {
    Search {
        object_type: USER.into(),
        attributes: names.iter().map(|n| (*n).to_owned()).collect(),
        ..Search::default()
    }
}

fn creation(value: Value) -> Creation {
    Creation { trace: "t".into(), attributes: attributes(value) }
}

async fn create(scim: &Scim, value: Value) -> Outcome {
    scim.create(USER, &[creation(value)]).await.remove(0)
}

async fn update(scim: &Scim, kind: &str, uid: &str, value: Value) -> Outcome {
    scim.update(kind, &[Change { uid: uid.into(), attributes: attributes(value) }]).await.remove(0)
}

fn done(outcome: Outcome) -> RemoteObject {
    match outcome {
        Outcome::Done(object) => object,
        other => panic!("expected Done, found {other:?}"),
    }
}

fn rejected(outcome: Outcome) -> (String, Option<String>) {
    match outcome {
        Outcome::Rejected { reason, attribute } => (reason, attribute),
        other => panic!("expected Rejected, found {other:?}"),
    }
}

fn lines(server: &ScimServer) -> Vec<String> {
    let about = ["ServiceProviderConfig", "ResourceTypes", "Schemas"];
    let seen = &server.data().seen;
    seen.iter().map(scim_server::Seen::line).filter(|l| !about.iter().any(|a| l.contains(a))).collect()
}

fn no_habits() -> Habits {
    Habits::default()
}

// ---- signing in ----

#[tokio::test]
async fn every_way_to_sign_in_reaches_the_server() {
    let app = json!({"authenticationMethod": "OAUTH", "clientId": "app"});
    for (name, more, credentials, door) in [
        ("token", json!({}), token(), ("authorization", format!("Bearer {TOKEN}"))),
        (
            "basic",
            json!({"authenticationMethod": "BASIC", "user": "ann"}),
            MemoryCredentials::new().set("password", "pä:ss"),
            ("authorization", "Basic YW5uOnDDpDpzcw==".to_owned()),
        ),
        (
            "header",
            json!({"authenticationMethod": "HEADER", "headerName": "X-Api-Key"}),
            token(),
            ("x-api-key", TOKEN.to_owned()),
        ),
        (
            "oauth",
            app.clone(),
            MemoryCredentials::new().set("clientSecret", "app-secret"),
            ("authorization", "nothing yet".to_owned()),
        ),
        (
            "oauth by refresh token",
            json!({"authenticationMethod": "OAUTH", "clientId": "app", "grantType": "refresh_token"}),
            MemoryCredentials::new().set("clientSecret", "app-secret").set("refreshToken", "test-refresh-1"),
            ("authorization", "nothing yet".to_owned()),
        ),
    ] {
        let server = ScimServer::with_people(no_habits(), 3);
        server.data().door = Some((door.0.to_owned(), door.1));
        let mut more = more;
        more["tokenEndpoint"] = json!(server.url.replace("/scim/v2", "/token"));
        let (scim, _) = built(&server, more, credentials);
        let report = scim.test().await.unwrap_or_else(|e| panic!("{name}: {e}"));
        assert!(report.checked.iter().any(|line| line.contains("accepted")), "{name}: {report:?}");
        assert!(report.checked.contains(&"User: can be read, 3 there".to_owned()), "{name}: {report:?}");
        assert_eq!(all(&scim, people(&["userName"])).await.unwrap().objects.len(), 3, "{name}");
    }
}

#[tokio::test]
async fn wrong_credentials_are_told_in_words_and_never_quoted() {
    let server = ScimServer::with_people(no_habits(), 1);
    for (name, more, credentials, words) in [
        (
            "wrong token",
            json!({}),
            MemoryCredentials::new().set("authToken", "test-token-2"),
            "does not accept the credentials",
        ),
        ("no token", json!({}), MemoryCredentials::new(), "set `authToken`"),
        (
            "no password",
            json!({"authenticationMethod": "BASIC", "user": "ann"}),
            MemoryCredentials::new(),
            "BASIC needs `user` and `password`",
        ),
        (
            "wrong app",
            json!({"clientId": "app", "tokenEndpoint": server.url.replace("/scim/v2", "/token")}),
            MemoryCredentials::new().set("clientSecret", "wrong-secret"),
            "client id or client secret",
        ),
    ] {
        let (scim, _) = built(&server, more, credentials);
        let error = scim.test().await.unwrap_err();
        assert!(error.message.contains(words), "{name}: {error}");
        assert!(
            !error.message.contains("test-token-2") && !error.message.contains("wrong-secret"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_token_that_ends_is_asked_for_anew_once() {
    let server = ScimServer::with_people(no_habits(), 1);
    let more = json!({"clientId": "app", "scope": "users.write", "tokenEndpoint": server.url.replace("/scim/v2", "/token")});
    let (scim, _) = built(&server, more, MemoryCredentials::new().set("clientSecret", "app-secret"));
    assert_eq!(all(&scim, people(&["userName"])).await.unwrap().objects.len(), 1);
    server.data().door = Some(("authorization".into(), "Bearer another".into()));
    assert_eq!(all(&scim, people(&["userName"])).await.unwrap().objects.len(), 1);
    let data = server.data();
    assert_eq!(data.granted, 2);
    let asked = data.seen.iter().find(|s| s.target.starts_with("/token")).unwrap();
    assert!(asked.body.contains("scope=users.write"), "{}", asked.body);
    assert_eq!(asked.header("authorization"), None);
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_takes_no_token_along() {
    let other = ScimServer::new(no_habits());
    let server = ScimServer::with_people(no_habits(), 1);
    let scim = scim(&server);
    scim.schema(USER).await.unwrap();
    for method in ["GET", "POST", "PATCH", "DELETE"] {
        let target = vec![("location", format!("{}/Users?key=secret-part", other.url))];
        server.data().faults.push_back((method, Fault::Answer(307, target, json!(null))));
    }
    let error = all(&scim, people(&["userName"])).await.err().unwrap();
    assert!(error.message.contains("redirect (307 to http://127.0.0.1/scim/v2/Users)"), "{error}");
    assert!(!error.message.contains("secret-part"));
    assert!(matches!(create(&scim, json!({"userName": "x"})).await, Outcome::Retry { .. }));
    assert!(matches!(update(&scim, USER, "id-1", json!({"title": "x"})).await, Outcome::Retry { .. }));
    assert!(matches!(scim.delete(USER, &["id-1".into()]).await.remove(0), Outcome::Retry { .. }));
    assert_eq!((other.data().seen.len(), server.data().users.len()), (0, 1));
}

// ---- discovery ----

#[tokio::test]
async fn the_schema_is_the_servers_or_the_standards() {
    let manager = format!("{ENTERPRISE}:manager.value");
    for (tells_nothing, has, has_not) in [
        (
            false,
            vec![
                "userName",
                "name.givenName",
                "emails",
                "emails.work.value",
                "emails.primary.value",
                "active",
                "externalId",
                "meta.lastModified",
                &manager,
                "groups.value",
            ],
            vec!["x509Certificates", "roles.value"],
        ),
        (
            true,
            vec![
                "userName",
                "name.givenName",
                "emails.work.value",
                "addresses.work.locality",
                "phoneNumbers.mobile.value",
                &manager,
                "roles.value",
            ],
            vec!["shoeSize"],
        ),
    ] {
        let server = ScimServer::new(Habits { tells_nothing, ..no_habits() });
        let schema = scim(&server).schema(USER).await.unwrap();
        let find = |name: &str| schema.attributes.iter().find(|a| a.name == name);
        for name in has {
            assert!(find(name).is_some(), "{name} is missing in {:?}", schema.attributes);
        }
        assert!(has_not.iter().all(|name| find(name).is_none()), "{has_not:?}");
        let user_name = find("userName").unwrap();
        assert!(user_name.required && user_name.unique && user_name.writable);
        assert!(!find("meta.lastModified").unwrap().writable && !find("groups.value").unwrap().writable);
        assert_eq!(find("active").unwrap().kind, "boolean");
        let group = scim(&server).schema("Group").await.unwrap();
        let names: Vec<&str> = group.attributes.iter().map(|a| a.name.as_str()).collect();
        assert!(names.contains(&"members.value") && !names.contains(&"members.User.value"), "{names:?}");
    }
}

#[tokio::test]
async fn types_are_those_that_are_configured_and_there() {
    let server = ScimServer::new(no_habits());
    let scim = scim_with(&server, json!({"supportedObjectTypes": "User, Robot"}));
    let names: Vec<&str> = scim.descriptor().object_types.iter().map(|t| t.name.as_str()).collect();
    assert_eq!(names, ["User", "Robot"]);
    let error = scim.schema("Robot").await.unwrap_err();
    assert!(error.message.contains("no resource type `Robot`; it has: User, Group, Device"), "{error}");
    // What is there can be looked at before it is chosen, and read only then.
    assert_eq!(scim.schema("Device").await.unwrap().object_type, "Device");
    let error = scim.read("Device", &["1".into()], &[]).await.unwrap_err();
    assert!(error.message.contains("supportedObjectTypes"), "{error}");
    let report = self::scim(&server).test().await.unwrap();
    assert!(report.checked.iter().any(|l| l.contains("it also has Device")), "{report:?}");
    // The address that a server tells for a type says which path it has, never where the token goes.
    assert_eq!(
        all(&self::scim(&server), Search { object_type: "Group".into(), ..Search::default() })
            .await
            .unwrap()
            .objects
            .len(),
        0
    );
}

// ---- lists ----

#[tokio::test]
async fn every_list_is_whole_or_an_error() {
    let whole = 250;
    let habits = |change: fn(&mut Habits)| {
        let mut habits = no_habits();
        change(&mut habits);
        habits
    };
    let cases: Vec<(&str, Habits, usize, Result<usize, &str>)> = vec![
        ("as it should be", no_habits(), whole, Ok(whole)),
        ("nobody there", no_habits(), 0, Ok(0)),
        ("exactly a page", no_habits(), 100, Ok(100)),
        ("pages shorter than asked", habits(|h| h.page = Some(7)), whole, Ok(whole)),
        ("totals of the page", habits(|h| h.total_of_page = true), whole, Ok(whole)),
        (
            "few at a time, which it calls all",
            habits(|h| (h.page, h.total_of_page) = (Some(7), true)),
            whole,
            Ok(whole),
        ),
        ("few at a time, no totals", habits(|h| (h.page, h.no_total) = (Some(7), true)), whole, Ok(whole)),
        ("nothing behind the last is an error", habits(|h| h.no_place_behind = true), 60, Ok(60)),
        ("no totals", habits(|h| h.no_total = true), whole, Ok(whole)),
        ("no totals, nobody there", habits(|h| h.no_total = true), 0, Ok(0)),
        ("cursors", habits(|h| h.cursors = true), whole, Ok(whole)),
        ("no discovery", habits(|h| h.tells_nothing = true), whole, Ok(whole)),
        ("attributes= refused", habits(|h| h.no_attributes = true), whole, Ok(whole)),
        ("the first page for ever", habits(|h| h.ignores_start = true), whole, Err("does not advance")),
        (
            "the first page for ever, and no totals",
            habits(|h| (h.ignores_start, h.no_total) = (true, true)),
            whole,
            Err("does not advance"),
        ),
        ("one page, start ignored", habits(|h| h.ignores_start = true), 60, Ok(60)),
        ("exactly a page, start ignored", habits(|h| h.ignores_start = true), 100, Ok(100)),
        (
            "the cursor stays",
            habits(|h| (h.cursors, h.stuck_cursor) = (true, true)),
            whole,
            Err("its cursor came again"),
        ),
        (
            "the same record by new cursors",
            habits(|h| (h.cursors, h.same_record, h.endless_cursors) = (true, true, true)),
            whole,
            Err("does not advance: 11 pages in a row brought nobody new"),
        ),
        (
            "the same record by new cursors, and no totals",
            habits(|h| (h.cursors, h.same_record, h.endless_cursors, h.no_total) = (true, true, true, true)),
            whole,
            Err("does not advance: 11 pages in a row brought nobody new"),
        ),
        (
            "the same record wherever it is asked to begin",
            habits(|h| h.same_record = true),
            whole,
            Err("does not advance"),
        ),
        (
            "cursors to nobody without end",
            habits(|h| (h.cursors, h.endless_cursors) = (true, true)),
            whole,
            Err("does not advance: 11 pages in a row brought nobody new"),
        ),
        (
            "counts more than it gives",
            habits(|h| h.total_off = 3),
            whole,
            Err("counts 253 and delivered 250"),
        ),
        (
            "counts more, by cursor",
            habits(|h| (h.total_off, h.cursors) = (3, true)),
            whole,
            Err("counts 253 and delivered 250"),
        ),
    ];
    for (name, habits, people_there, expect) in cases {
        let server = ScimServer::with_people(habits, people_there);
        match (all(&scim(&server), people(&["userName"])).await, expect) {
            (Ok(listed), Ok(count)) => {
                assert_eq!(listed.objects.len(), count, "{name}");
                let mut ids: Vec<&str> = listed.objects.iter().map(|o| o.uid.as_str()).collect();
                ids.sort_unstable();
                ids.dedup();
                assert_eq!(ids.len(), count, "{name}: each once");
            }
            (Err(error), Err(words)) => {
                assert!(error.message.contains(words), "{name}: {error}");
                assert_eq!(error.kind, ErrorKind::Untrusted, "{name}");
            }
            (Ok(listed), Err(_)) => panic!("{name}: {} records", listed.objects.len()),
            (Err(error), Ok(_)) => panic!("{name}: {error}"),
        }
    }
}

#[tokio::test]
async fn a_record_that_goes_while_the_list_is_read_hides_no_other() {
    let server = ScimServer::with_people(no_habits(), 250);
    // The first record goes before the second page: what was at 101 is at 100 now, which nobody asks for again.
    server.data().shrinks_at = Some(101);
    let listed = all(&scim(&server), people(&["userName"])).await.unwrap();
    let mut names: Vec<String> =
        listed.objects.iter().map(|o| o.attributes["userName"].as_str().unwrap().to_owned()).collect();
    names.sort();
    let kept: Vec<String> = names.into_iter().filter(|n| n != "user1").collect();
    assert_eq!(kept, server.data().names());
}

#[tokio::test]
async fn a_list_goes_on_in_another_process() {
    for cursors in [false, true] {
        let server = ScimServer::with_people(Habits { cursors, ..no_habits() }, 250);
        let first = scim(&server);
        let mut pages = first.search(people(&["userName"]));
        let page = pages.next().await.unwrap().unwrap();
        drop(pages);
        let again = Search { after: page.next, ..people(&["userName"]) };
        let rest = all(&scim(&server), again).await.unwrap();
        assert_eq!(page.objects.len() + rest.objects.len(), 250);
        assert_eq!(rest.objects[0].attributes["userName"], "user101");
    }
    let server = ScimServer::new(no_habits());
    for wrong in ["", "x", "index:0::0", "index:1:2", "cursor:x::c"] {
        let search = Search { after: Some(wrong.to_owned()), ..people(&[]) };
        let error = all(&scim(&server), search).await.err().unwrap();
        assert!(error.message.contains("no place to go on from"), "{wrong}: {error}");
    }
}

#[tokio::test]
async fn a_list_that_changed_before_it_goes_on_elsewhere_is_walked_from_its_beginning() {
    let server = ScimServer::with_people(no_habits(), 250);
    server.data().shrinks_at = Some(101);
    let first = scim(&server);
    let mut pages = first.search(people(&["userName"]));
    let mut names = Vec::new();
    let mut place = None;
    for _ in 0..2 {
        let page = pages.next().await.unwrap().unwrap();
        names.extend(page.objects.iter().map(|o| o.attributes["userName"].as_str().unwrap().to_owned()));
        place = page.next;
    }
    drop(pages);
    let rest = all(&scim(&server), Search { after: place, ..people(&["userName"]) }).await.unwrap();
    names.extend(rest.objects.iter().map(|o| o.attributes["userName"].as_str().unwrap().to_owned()));
    for name in server.data().names() {
        assert!(names.contains(&name), "{name} was left out");
    }
}

#[tokio::test]
async fn reads_ask_for_what_is_mapped_and_give_it_under_its_names() {
    let server = ScimServer::new(no_habits());
    let ann = server.data().seed(
        "Users",
        json!({
            "USERNAME": "ann", "name": {"givenName": "Ann"}, "active": true, "externalId": "e1",
            "emails": [{"value": "a@b", "type": "work"}, {"value": "h@b", "type": "home", "primary": true}],
            ENTERPRISE: {"department": "Sales"}, "groups": [{"value": "g2"}, {"value": "g1"}],
        }),
    );
    let department = format!("{ENTERPRISE}:department");
    let names = [
        "userName",
        "name.givenName",
        "emails.work",
        "emails.primary.value",
        "emails[type eq \"home\"].value",
        &department,
        "groups.value",
        "title",
        "__NAME__",
    ];
    let listed = all(&scim(&server), people(&names)).await.unwrap();
    assert_eq!(
        Value::Object(listed.objects[0].attributes.clone()),
        json!({
            "userName": "ann", "name.givenName": "Ann", "emails.work": "a@b", "emails.primary.value": "h@b",
            "emails[type eq \"home\"].value": "h@b", department: "Sales", "groups.value": ["g1", "g2"],
        })
    );
    // One page that claims to be all is not believed before there is nothing behind it.
    let asked = |start| {
        format!(
            "GET /scim/v2/Users?startIndex={start}&count=100&attributes=emails,groups,name,title,{ENTERPRISE}:department,userName"
        )
    };
    assert_eq!(lines(&server), [asked(1), asked(2)]);

    let read = scim(&server)
        .read(
            USER,
            &[ann.clone(), "id-99".into(), "..".into(), String::new(), "a/b?c".into()],
            &["userName".into()],
        )
        .await
        .unwrap();
    assert_eq!(read.len(), 1);
    assert_eq!((&read[0].uid, &read[0].attributes["userName"]), (&ann, &json!("ann")));
    assert!(
        server.data().seen.iter().any(|s| s.target.starts_with("/scim/v2/Users/a%2Fb%3Fc?")),
        "{:?}",
        lines(&server)
    );

    let error = all(&scim(&server), people(&["shoeSize"])).await.err().unwrap();
    assert!(error.message.contains("no attribute `shoeSize`"), "{error}");
    server.data().habits.plain_values = true;
    let listed = all(&scim(&server), people(&["active", "emails.primary.value", "emails"])).await.unwrap();
    let plain = Value::Object(listed.objects[0].attributes.clone());
    assert_eq!(plain, json!({"active": true, "emails.primary.value": "a@b", "emails": ["a@b", "h@b"]}));
}

#[tokio::test]
async fn conditions_find_the_same_with_every_server() {
    for (name, habits) in [
        ("as it should be", no_habits()),
        ("refuses filters", Habits { no_filter: true, ..no_habits() }),
        ("says that it has none", Habits { says_no_filter: true, no_filter: true, ..no_habits() }),
        ("takes them and does not care", Habits { ignores_filter: true, ..no_habits() }),
        ("says not found", Habits { nothing_is_404: true, ..no_habits() }),
        ("refuses attributes=", Habits { no_attributes: true, ..no_habits() }),
    ] {
        let server = ScimServer::with_people(habits, 12);
        server.data().seed("Users", json!({"userName": "o\"brien\\", "active": false}));
        let scim = scim(&server);
        for (filter, expect) in [
            (r#"userName eq "user3""#, vec!["user3"]),
            (r#"userName eq "USER3""#, vec![]),
            (r#"userName eq "nobody""#, vec![]),
            (r#"userName eq "o\"brien\\""#, vec!["o\"brien\\"]),
            (r#"userName sw "user1" and /name/familyName eq "Family11""#, vec!["user11"]),
            (r#"!(userName sw "user")"#, vec!["o\"brien\\"]),
            ("active eq false", vec!["o\"brien\\"]),
            (r#"emails.work.value eq "user5@example.org""#, vec!["user5"]),
        ] {
            let search = Search { filter: Some(Filter::parse(filter).unwrap()), ..people(&["userName"]) };
            let listed = all(&scim, search).await.unwrap_or_else(|e| panic!("{name}, {filter}: {e}"));
            let found: Vec<&str> =
                listed.objects.iter().map(|o| o.attributes["userName"].as_str().unwrap()).collect();
            assert_eq!(found, expect, "{name}, {filter}");
            assert!(listed.objects.iter().all(|o| o.attributes.len() == 1), "only what was asked for");
        }
        let keys: Vec<String> = ["USER2", "user7", "nobody", " "].map(String::from).to_vec();
        let mut found: Vec<Value> = scim
            .find_by_key(USER, &keys, &["active".into()])
            .await
            .unwrap_or_else(|e| panic!("{name}: {e}"))
            .into_iter()
            .map(|o| o.attributes["userName"].clone())
            .collect();
        found.sort_by_key(Value::to_string);
        assert_eq!(found, ["user2", "user7"], "{name}");
    }
}

// ---- writes ----

fn ann() -> Value {
    json!({
        "userName": "ann", "name.givenName": "Ann", "name.familyName": "Berg", "externalId": "m-1", "active": true,
        "emails.work.value": "ann@example.org", "phoneNumbers.mobile": "1", "title": null,
        format!("{ENTERPRISE}:department"): "Sales",
    })
}

#[tokio::test]
async fn a_new_record_is_what_the_standard_says() {
    let server = ScimServer::new(no_habits());
    let made = done(create(&scim(&server), ann()).await);
    assert_eq!(
        (made.uid.as_str(), &made.attributes["emails.work.value"]),
        ("id-1", &json!("ann@example.org"))
    );
    let data = server.data();
    let sent = data.seen.iter().find(|s| s.method == "POST").unwrap();
    assert_eq!(
        sent.json(),
        json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", ENTERPRISE],
            "userName": "ann", "name": {"givenName": "Ann", "familyName": "Berg"}, "externalId": "m-1", "active": true,
            "emails": [{"type": "work", "value": "ann@example.org", "primary": true}],
            "phoneNumbers": [{"type": "mobile", "value": "1"}], ENTERPRISE: {"department": "Sales"},
        })
    );
    assert_eq!(sent.header("content-type"), Some("application/scim+json"));
    assert_eq!(sent.header("accept"), Some("application/scim+json, application/json"));
}

#[tokio::test]
async fn a_new_record_is_found_whatever_the_answer_looks_like() {
    for (name, habits) in [
        ("as it should be", no_habits()),
        ("only a location", Habits { id_in_location: true, ..no_habits() }),
        ("neither body nor location", Habits { id_nowhere: true, ..no_habits() }),
        ("no discovery", Habits { tells_nothing: true, ..no_habits() }),
        ("plain values", Habits { plain_values: true, ..no_habits() }),
        ("no filters, id nowhere", Habits { no_filter: true, id_nowhere: true, ..no_habits() }),
    ] {
        let server = ScimServer::with_people(habits, 2);
        assert_eq!(done(create(&scim(&server), ann()).await).uid, "id-3", "{name}");
        assert_eq!(server.data().users.len(), 3, "{name}");
    }
}

#[tokio::test]
async fn a_name_that_is_taken_leads_to_its_holder() {
    for habits in [
        no_habits(),
        Habits { no_filter: true, ..no_habits() },
        Habits { errors_as_success: true, ..no_habits() },
    ] {
        let server = ScimServer::with_people(habits, 2);
        match create(&scim(&server), json!({"userName": "USER2"})).await {
            Outcome::Conflict { existing, reason } => {
                assert_eq!(existing, "id-2");
                assert!(reason.contains("taken") && reason.contains("correlate"), "{reason}");
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(server.data().users.len(), 2);
    }
}

#[tokio::test]
async fn outcomes_are_in_the_order_of_their_items() {
    let server = ScimServer::with_people(no_habits(), 1);
    let batch: Vec<Creation> = (0..50)
        .map(|n| match n % 10 {
            3 => creation(json!({"userName": "user1"})),
            7 => creation(json!({"name.givenName": "nameless"})),
            _ => creation(json!({"userName": format!("new{n}")})),
        })
        .collect();
    let scim = scim(&server);
    let outcomes = scim.create(USER, &batch).await;
    assert_eq!(outcomes.len(), 50);
    let ids: Vec<String> = outcomes
        .iter()
        .enumerate()
        .filter_map(|(n, outcome)| match (n % 10, outcome) {
            (3, Outcome::Conflict { existing, .. }) => (existing != "id-1").then(|| panic!("{existing}")),
            (7, Outcome::Rejected { reason, attribute }) => {
                assert!(reason.contains("userName is required"), "{reason}");
                assert_eq!(*attribute, None, "the attribute was not sent");
                None
            }
            (_, Outcome::Done(object)) => {
                assert_eq!(object.attributes["userName"], format!("new{n}"));
                Some(object.uid.clone())
            }
            (_, other) => panic!("{n}: {other:?}"),
        })
        .collect();
    assert_eq!((ids.len(), server.data().users.len()), (40, 41));
    let mut uids = ids;
    uids.insert(5, "id-999".into());
    let gone = scim.delete(USER, &uids).await;
    assert!(gone.iter().enumerate().all(|(n, o)| if n == 5 {
        *o == Outcome::Gone
    } else {
        matches!(o, Outcome::Done(_))
    }));
    assert_eq!(server.data().names(), ["user1"]);
}

#[tokio::test]
async fn a_change_arrives_with_every_server() {
    let department = format!("{ENTERPRISE}:department");
    let mut cases: Vec<(&str, Habits, Value)> = Vec::new();
    for (name, habits) in [
        ("as it should be", no_habits()),
        ("silent", Habits { silent: true, ..no_habits() }),
        ("refuses what is not there", Habits { strict_elements: true, ..no_habits() }),
        ("refuses what is not there, silent", Habits { strict_elements: true, silent: true, ..no_habits() }),
        ("does nothing about what is not there", Habits { deaf_elements: true, ..no_habits() }),
        ("the same in silence", Habits { deaf_elements: true, silent: true, ..no_habits() }),
        ("knows no elements in paths", Habits { no_element_paths: true, ..no_habits() }),
        ("no PATCH", Habits { no_patch: true, ..no_habits() }),
        ("says that it has no PATCH", Habits { says_no_patch: true, no_patch: true, ..no_habits() }),
        ("no PATCH, silent PUT", Habits { no_patch: true, silent: true, ..no_habits() }),
        ("no discovery", Habits { tells_nothing: true, ..no_habits() }),
    ] {
        cases.push((name, habits.clone(), json!({})));
        if !habits.no_patch {
            cases.push((name, habits.clone(), json!({"updateMethod": "PATCH"})));
        }
        cases.push((name, Habits { wants_version: true, ..habits }, json!({"updateMethod": "PUT"})));
    }
    for (name, habits, more) in cases {
        let server = ScimServer::new(habits);
        let uid = server.data().seed("Users", json!({
            "userName": "ann", "name": {"givenName": "Ann", "familyName": "Old"}, "title": "Boss", "nickName": "A",
            "emails": [{"value": "old@b", "type": "work", "primary": true}, {"value": "h@b", "type": "home"}],
            "phoneNumbers": [{"value": "1", "type": "work"}], "userType": "kept", "groups": [{"value": "g"}],
        }));
        let scim = scim_with(&server, more.clone());
        let change = json!({
            "name/familyName": "New", "title": null, "nickName": "", "displayName": "Ann New", "active": false,
            "emails.work.value": "new@b", "emails.home": null, "phoneNumbers.mobile": "2", &department: "Sales",
        });
        let object = done(update(&scim, USER, &uid, change).await);
        assert_eq!(object.uid, uid, "{name} {more}");
        let mut after = server.data().users[0].clone();
        for ours in ["meta", "schemas", "groups"] {
            after.shift_remove(ours);
        }
        assert_eq!(
            Value::Object(after),
            json!({
                "id": uid, "userName": "ann", "name": {"givenName": "Ann", "familyName": "New"}, "userType": "kept",
                "emails": [{"value": "new@b", "type": "work", "primary": true}],
                "phoneNumbers": [{"value": "1", "type": "work"}, {"type": "mobile", "value": "2"}],
                "displayName": "Ann New", "active": false, ENTERPRISE: {"department": "Sales"},
            }),
            "{name} {more}"
        );
        // The same again changes nothing, and a PUT is not even sent.
        let before = server.data().writes().len();
        done(
            update(
                &scim,
                USER,
                &uid,
                json!({"name/familyName": "New", "emails.work": "new@b", "title": null}),
            )
            .await,
        );
        assert!(more["updateMethod"] != "PUT" || server.data().writes().len() == before, "{name}");
        assert_eq!(update(&scim, USER, "id-99", json!({"title": "x"})).await, Outcome::Gone, "{name}");
    }
}

#[tokio::test]
async fn a_simple_change_is_one_call_with_only_what_changed() {
    let server = ScimServer::with_people(no_habits(), 1);
    done(update(&scim(&server), USER, "id-1", json!({"title": "Chief", "emails.work": "c@b"})).await);
    assert_eq!(lines(&server), ["PATCH /scim/v2/Users/id-1"]);
    assert_eq!(
        server.data().seen.last().unwrap().json(),
        json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [
            {"op": "replace", "path": "title", "value": "Chief"},
            {"op": "replace", "path": "emails[type eq \"work\"].value", "value": "c@b"},
        ]})
    );
}

#[tokio::test]
async fn members_come_and_go_by_what_differs() {
    for (habits, more) in [
        (no_habits(), json!({})),
        (no_habits(), json!({"updateMethod": "PUT"})),
        (Habits { silent: true, ..no_habits() }, json!({})),
    ] {
        let server = ScimServer::new(habits);
        let members = json!([{"value": "u1", "display": "One"}, {"value": "u2"}]);
        let uid = server.data().seed("Groups", json!({"displayName": "g", "members": members}));
        let scim = scim_with(&server, more);
        done(update(&scim, "Group", &uid, json!({"members.value": ["u1", "u3"]})).await);
        assert_eq!(
            server.data().groups[0]["members"],
            json!([{"value": "u1", "display": "One"}, {"value": "u3"}])
        );
        let search = Search {
            object_type: "Group".into(),
            attributes: vec!["members.value".into()],
            ..Search::default()
        };
        assert_eq!(
            all(&scim, search).await.unwrap().objects[0].attributes["members.value"],
            json!(["u1", "u3"])
        );
        let writes = server.data().writes().len();
        done(update(&scim, "Group", &uid, json!({"members.value": ["u3", "u1"]})).await);
        assert_eq!(server.data().writes().len(), writes, "the same members in another order are no change");
        done(update(&scim, "Group", &uid, json!({"members.value": []})).await);
        assert_eq!(server.data().groups[0].get("members"), None);
        let made = scim
            .create("Group", &[creation(json!({"displayName": "h", "members.value": ["u9"]}))])
            .await
            .remove(0);
        assert_eq!(server.data().groups[1]["id"], done(made).uid);
        assert_eq!(server.data().groups[1]["members"], json!([{"value": "u9"}]));
    }
}

#[tokio::test]
async fn the_primary_element_is_the_first_where_none_is_marked() {
    for (habits, emails, expect) in [
        (no_habits(), json!(null), json!([{"type": "work", "primary": true, "value": "new@b"}])),
        (
            no_habits(),
            json!([{"value": "a@b"}, {"value": "h@b"}]),
            json!([{"value": "new@b"}, {"value": "h@b"}]),
        ),
        (
            Habits { silent: true, ..no_habits() },
            json!([{"value": "a@b"}, {"value": "h@b", "type": "home", "primary": true}]),
            json!([{"value": "a@b"}, {"value": "new@b", "type": "home", "primary": true}]),
        ),
    ] {
        let server = ScimServer::new(habits);
        let uid = server.data().seed("Users", json!({"userName": "ann", "emails": emails}));
        done(update(&scim(&server), USER, &uid, json!({"emails.primary.value": "new@b"})).await);
        assert_eq!(server.data().users[0]["emails"], expect);
    }
}

#[tokio::test]
async fn a_record_that_somebody_else_changes_is_read_again() {
    let server = ScimServer::with_people(no_habits(), 1);
    let scim = scim_with(&server, json!({"updateMethod": "PUT"}));
    server.data().faults.push_back(("PUT", Fault::Overtaken));
    done(update(&scim, USER, "id-1", json!({"title": "Chief"})).await);
    let after = server.data().user("user1").unwrap();
    assert_eq!(after["title"], "Chief");
    assert!(
        after["nickName"].as_str().unwrap().starts_with("overtaken"),
        "the other's change stays: {after}"
    );
    for _ in 0..9 {
        server.data().faults.push_back(("PUT", Fault::Overtaken));
    }
    match update(&scim, USER, "id-1", json!({"title": "Boss"})).await {
        Outcome::Retry { reason, .. } => assert!(reason.contains("somebody else"), "{reason}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn deleting_is_what_was_chosen() {
    let server = ScimServer::with_people(no_habits(), 3);
    let scim = scim_with(&server, json!({"userDelete": "deactivate"}));
    assert!(matches!(scim.delete(USER, &["id-1".into()]).await.remove(0), Outcome::Done(_)));
    assert_eq!(server.data().user("user1").unwrap()["active"], false);
    assert_eq!(scim.delete(USER, &["id-9".into()]).await.remove(0), Outcome::Gone);
    let group = server.data().seed("Groups", json!({"displayName": "g"}));
    assert!(matches!(scim.delete("Group", &[group]).await.remove(0), Outcome::Done(_)));
    assert!(server.data().groups.is_empty(), "groups have nothing to deactivate");
    server.data().habits.no_delete = true;
    let (reason, _) = rejected(self::scim(&server).delete(USER, &["id-2".into()]).await.remove(0));
    assert!(reason.contains("set userDelete to deactivate"), "{reason}");
}

#[tokio::test]
async fn each_refusal_is_in_words_with_what_to_do() {
    let error = |status: u16, scim_type: &str, detail: &str| {
        let body = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "status": status.to_string(), "scimType": scim_type, "detail": detail});
        Fault::Answer(status, vec![], body)
    };
    for (fault, words, attribute) in [
        (
            error(400, "invalidValue", "title must be at most 5 characters."),
            vec!["at most 5 characters (invalidValue)", "correct the value"],
            Some("title"),
        ),
        (
            error(400, "mutability", "Attribute 'title' is immutable"),
            vec!["set it on create only"],
            Some("title"),
        ),
        (error(400, "tooMany", "too much"), vec!["(tooMany)"], None),
        (error(413, "", "too large"), vec!["too large"], None),
        (error(403, "", "read only token"), vec!["does not allow this: read only token", "permission"], None),
        (error(409, "", "taken"), vec!["taken", "must be unique"], None),
        (Fault::Answer(422, vec![], json!({"message": "no\u{7} good"})), vec!["no good"], None),
        (Fault::Answer(400, vec![], json!("<html>")), vec!["no explanation"], None),
    ] {
        let server = ScimServer::with_people(no_habits(), 1);
        for _ in 0..2 {
            server.data().faults.push_back(("PATCH", fault.clone()));
        }
        let (reason, found) =
            rejected(update(&scim(&server), USER, "id-1", json!({"title": "abcdef"})).await);
        assert!(words.iter().all(|w| reason.contains(w)), "{fault:?}: {reason}");
        assert_eq!(found.as_deref(), attribute, "{reason}");
    }
    let server = ScimServer::with_people(no_habits(), 1);
    let scim = scim(&server);
    for (change, words) in [
        (json!({"shoeSize": 3}), "no attribute `shoeSize`"),
        (json!({"groups.value": ["x"]}), "for reading only"),
        (json!({"id": "x"}), "for reading only"),
    ] {
        let (reason, attribute) = rejected(update(&scim, USER, "id-1", change).await);
        assert!(reason.contains(words) && attribute.is_some(), "{reason}");
    }
    assert_eq!(server.data().writes(), [""; 0]);
    let (reason, attribute) = rejected(update(&scim, USER, "id-1", json!({"userType": "x"})).await);
    assert!(reason.contains("immutable") && attribute.as_deref() == Some("userType"), "{reason}");
}

#[tokio::test]
async fn a_lost_answer_is_said_and_nothing_is_sent_twice() {
    for fault in [
        Fault::LostAnswer,
        Fault::HangUp,
        Fault::Answer(500, vec![], json!({})),
        Fault::Answer(504, vec![], json!({})),
    ] {
        let arrives = matches!(fault, Fault::LostAnswer);
        let server = ScimServer::with_people(no_habits(), 2);
        let scim = scim(&server);
        for method in ["POST", "PATCH", "DELETE"] {
            server.data().faults.push_back((method, fault.clone()));
        }
        assert!(matches!(create(&scim, ann()).await, Outcome::Unknown { .. }), "{fault:?}");
        let found = scim.find_by_key(USER, &["ann".into()], &[]).await.unwrap();
        assert_eq!(found.len(), usize::from(arrives), "{fault:?}");
        assert!(
            matches!(update(&scim, USER, "id-1", json!({"title": "x"})).await, Outcome::Unknown { .. }),
            "{fault:?}"
        );
        assert!(
            matches!(scim.delete(USER, &["id-2".into()]).await.remove(0), Outcome::Unknown { .. }),
            "{fault:?}"
        );
        assert_eq!(server.data().writes().len(), 3, "{fault:?}");
        assert_eq!(server.data().user("user2").is_none(), arrives);
    }
}

#[tokio::test]
async fn limits_are_waited_for_as_long_as_the_server_says() {
    for status in [429, 503] {
        let server = ScimServer::with_people(no_habits(), 1);
        let (scim, waiter) = built(&server, json!({}), token());
        scim.schema(USER).await.unwrap();
        let later =
            |seconds: &str| Fault::Answer(status, vec![("retry-after", seconds.to_owned())], json!({}));
        server.data().faults.push_back(("POST", later("7")));
        done(create(&scim, ann()).await);
        assert!(waiter.long().iter().any(|w| *w >= Duration::from_secs(6)), "{:?}", waiter.long());
        assert_eq!(server.data().users.len(), 2);
        server.data().faults.push_back(("PATCH", later("3600")));
        match update(&scim, USER, "id-1", json!({"title": "x"})).await {
            Outcome::Retry { after, .. } => assert!(after >= Duration::from_secs(3500), "{after:?}"),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn reads_and_writes_have_limits_of_their_own() {
    let server = ScimServer::with_people(no_habits(), 5);
    let (scim, waiter) =
        built(&server, json!({"readRateLimit": "6/min", "writeRateLimit": "1000/sec"}), token());
    scim.schema(USER).await.unwrap();
    all(&scim, people(&["userName"])).await.unwrap();
    let waited: Duration = waiter.long().iter().sum();
    // Three calls about the server, the list and the look behind it: five of them, ten seconds apart.
    assert!(waited >= Duration::from_secs(39), "{waited:?}");
    let before = waiter.long().len();
    done(create(&scim, ann()).await);
    assert_eq!(waiter.long().len(), before, "writes are not held up by what reads may do");
    for (property, wrong) in
        [("readRateLimit", "30"), ("writeRateLimit", "0/sec"), ("readRateLimit", "3/day")]
    {
        let properties = json!({"SCIMEndpoint": server.url, (property): wrong});
        let clock = Arc::new(|| "2026-01-02T00:00:00Z".parse::<Timestamp>().unwrap());
        let waiter: Arc<Impatient> = Arc::default();
        let refused = Scim::new(&config(&properties), Arc::new(token()), clock, waiter).err().unwrap();
        assert!(refused.message.contains("such as 30/sec or 100/min"), "{refused}");
    }
}

// ---- changes ----

async fn feed(scim: &Scim, since: Option<&str>) -> Result<(Vec<String>, String), ConnectorError> {
    let mut pages = scim.changes(Feed {
        object_type: USER.into(),
        attributes: vec!["userName".into()],
        since: since.map(str::to_owned),
    });
    let (mut names, mut cursor) = (Vec::new(), String::new());
    while let Some(page) = pages.next().await {
        let page = page?;
        names.extend(page.objects.iter().map(|o| o.attributes["userName"].as_str().unwrap().to_owned()));
        cursor = page.cursor;
    }
    Ok((names, cursor))
}

#[tokio::test]
async fn changes_are_told_by_time_with_an_overlap() {
    let since = "2026-01-01T00:05:00Z";
    for (name, habits, expect, has_feed) in [
        ("as it should be", no_habits(), 6, true),
        ("no filters", Habits { no_filter: true, ..no_habits() }, 6, false),
        (
            "says that it has no filters",
            Habits { says_no_filter: true, no_filter: true, ..no_habits() },
            6,
            false,
        ),
        ("does not care", Habits { ignores_filter: true, ..no_habits() }, 6, true),
        ("finds nothing by time", Habits { blind_to_time: true, ..no_habits() }, 6, false),
        ("keeps no times", Habits { no_last_modified: true, ..no_habits() }, 10, false),
    ] {
        // The tenth was changed at ten minutes past midnight.
        let server = ScimServer::with_people(habits, 10);
        let scim = scim(&server);
        let (none, start) = feed(&scim, None).await.unwrap();
        assert_eq!(
            (none.len(), start.as_str()),
            (0, "2026-01-01T23:50:00Z"),
            "{name}: by the server's clock"
        );
        let (names, cursor) = feed(&scim, Some(since)).await.unwrap();
        assert_eq!((names.len(), cursor.as_str()), (expect, "2026-01-01T23:50:00Z"), "{name}: {names:?}");
        assert_eq!(scim.descriptor().object_types[0].change_feed, has_feed, "{name}");
    }
    let server = ScimServer::new(no_habits());
    let error = feed(&scim(&server), Some("yesterday")).await.unwrap_err();
    assert!(error.message.contains("cannot be read; start the feed again"), "{error}");
}
