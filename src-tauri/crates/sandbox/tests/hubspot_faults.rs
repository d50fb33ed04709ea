//! Misbehaviour on request, the control paths, the page for a person, and the state file.

mod common;
mod hubspot_bench;

use common::read;
use hubspot_bench::{Bench, Page as _, start};
use sandbox::faults::{ALWAYS, Action, Fault};
use sandbox::hubspot::{Options, Sandbox, load_faults};
use serde_json::json;

const LIST: &str = "/crm/v3/objects/contacts";

async fn portal() -> Bench {
    start(|options| options.records = 30).await
}

async fn page(bench: &Bench, after: &str) -> common::Reply {
    bench.get(&format!("{LIST}?limit=10&after={after}")).await
}

#[tokio::test]
async fn fixed_answers() {
    let bench = portal().await;
    let faults = load_faults(
        r#"{"faults": [
            {"nth": 1, "path": "*/contacts", "action": {"answer": {"status": 502, "body": "<h1>Bad gateway</h1>"}}},
            {"nth": 2, "path": "*/contacts", "action": {"answer": {"status": 503, "body": {"a": 1}, "headers": {"retry-after": "7"}}}},
            {"nth": 3, "path": "*/contacts", "action": {"answer": {"status": 477, "headers": {"retry-after": 60}}}},
            {"nth": 4, "path": "*/contacts", "action": {"answer": {"status": 423}}},
            {"nth": 5, "path": "*/contacts", "action": {"tooManyRequests": {"policy": "DAILY", "retryAfter": 3}}},
            {"nth": 6, "path": "*/contacts", "action": {"tooManyRequests": {}}},
            {"nth": 7, "path": "*/contacts", "action": "emptyObject"},
            {"nth": 8, "path": "*/contacts", "action": "html"},
            {"nth": 9, "path": "*/contacts", "action": {"redirect": {"to": "http://localhost:9/"}}},
            {"nth": 10, "path": "*/contacts", "action": {"answer": {"status": 401}}}
        ]}"#,
    )
    .unwrap();
    for fault in faults {
        bench.portal.add_fault(fault);
    }
    for (status, text, header, value) in [
        (502, "Bad gateway", "content-type", "text/html;charset=utf-8"),
        (503, "{\"a\":1}", "retry-after", "7"),
        (477, "MIGRATION_IN_PROGRESS", "retry-after", "60"),
        (423, "LOCKED", "content-type", "application/json;charset=utf-8"),
        (429, "You have reached your daily limit.", "retry-after", "3"),
        (429, "TEN_SECONDLY_ROLLING", "retry-after", ""),
        (200, "{}", "content-type", "application/json;charset=utf-8"),
        (200, "<html>", "content-type", "text/html;charset=utf-8"),
        (307, "", "location", "http://localhost:9/crm/v3/objects/contacts?limit=10&after="),
        (401, "EXPIRED_AUTHENTICATION", "content-type", "application/json;charset=utf-8"),
        (200, "results", "content-type", "application/json;charset=utf-8"),
    ] {
        let got = page(&bench, "").await;
        assert_eq!(got.status, status);
        assert!(got.text.contains(text), "{status} {}", got.text);
        assert_eq!(got.headers.get(header).map_or("", |found| found.to_str().unwrap()), value, "{status}");
    }
}

#[tokio::test]
async fn a_gateway_gives_up_on_work_that_was_done() {
    let bench = portal().await;
    let faults = r#"{"faults": [{"method": "POST", "action": {"answerAfterWork": {"status": 504, "body": "<h1>504</h1>"}}},
                       {"method": "POST", "nth": 2, "action": {"answerAfterWork": {"status": 503}}}]}"#;
    bench.portal.set_faults(load_faults(faults).unwrap());
    for (at, (status, text)) in [(504, "<h1>504</h1>"), (503, "INTERNAL_ERROR")].into_iter().enumerate() {
        let body = json!({"properties": {"email": format!("late{at}@example.org")}});
        let got = bench.call("POST", LIST, body).await;
        assert!(got.status == status && got.text.contains(text), "{}", got.text);
        assert_eq!(bench.portal.writes().len(), at + 1, "the work was done");
    }
}

#[tokio::test]
async fn broken_connections() {
    let bench = portal().await;
    let body = json!({"properties": {"email": "new@example.org"}});
    // what happens, whether the work is done
    for (action, done) in
        [(Action::ResetBeforeAnswer, false), (Action::LoseAnswer, true), (Action::CutBody, true)]
    {
        bench.portal.reset_calls();
        bench.portal.add_fault(Fault::on(LIST, action.clone()).method("POST"));
        let got = bench.try_call("POST", LIST, Some(&body)).await;
        assert!(got.is_err(), "{action:?}");
        assert_eq!(bench.portal.writes().len(), usize::from(done), "{action:?}");
        assert_eq!(bench.portal.calls().last().map(|call| call.status), Some(0));
        for write in bench.portal.writes() {
            assert!(bench.portal.archive(&write.id));
        }
        bench.portal.clear_faults();
    }
    assert_eq!(bench.call("POST", LIST, body).await.status, 201);
}

#[tokio::test]
async fn a_cut_body_is_short_and_a_reset_is_a_reset() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let bench = portal().await;
    let ask = async |bytes: &mut Vec<u8>| {
        let mut stream =
            tokio::net::TcpStream::connect(bench.url.trim_start_matches("http://")).await.unwrap();
        let head = format!(
            "GET {LIST} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n\r\n",
            bench.token
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.read_to_end(bytes).await
    };
    bench.portal.set_faults(vec![Fault::on(LIST, Action::CutBody)]);
    let mut bytes = Vec::new();
    ask(&mut bytes).await.unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    assert_eq!(length.parse::<usize>().unwrap() / 2, body.len());
    assert!(head.starts_with("HTTP/1.1 200"));
    for action in [Action::ResetBeforeAnswer, Action::LoseAnswer] {
        bench.portal.set_faults(vec![Fault::on(LIST, action)]);
        let mut bytes = Vec::new();
        let error = ask(&mut bytes).await.unwrap_err();
        assert_eq!((error.kind(), bytes.len()), (std::io::ErrorKind::ConnectionReset, 0));
    }
}

#[tokio::test]
async fn pages_that_lie() {
    let bench = portal().await;
    let good = page(&bench, "").await;
    let next = good.at("/paging/next/after");
    let true_second = page(&bench, &next).await;

    bench.portal.set_faults(vec![Fault::on(LIST, Action::TruncatedJson)]);
    let got = page(&bench, "").await;
    assert!(got.status == 200 && got.body.is_null() && good.text.starts_with(&got.text));

    bench.portal.set_faults(vec![Fault::on(LIST, Action::DropPaging)]);
    let got = page(&bench, "").await;
    assert_eq!((got.len(), got.body.get("paging")), (10, None));

    bench.portal.set_faults(vec![Fault::on(LIST, Action::SelfCursor).times(ALWAYS)]);
    for _ in 0..3 {
        assert_eq!(page(&bench, &next).await.at("/paging/next/after"), next);
    }
    assert_eq!(page(&bench, "").await.at("/paging/next/after"), "");

    bench.portal.set_faults(vec![Fault::on(LIST, Action::NewCursor).times(ALWAYS)]);
    let mut at = String::new();
    for further in 1..6 {
        let got = page(&bench, &at).await;
        assert_eq!(
            (got.ids(), got.at("/paging/next/after")),
            (good.ids()[..1].to_vec(), further.to_string())
        );
        at = further.to_string();
    }

    bench.portal.set_faults(vec![Fault::on(LIST, Action::RepeatPage).nth(2)]);
    assert_eq!(page(&bench, "").await.text, good.text);
    assert_eq!(page(&bench, &next).await.text, good.text);
    assert_eq!(page(&bench, &next).await.text, true_second.text);

    bench.portal.set_faults(vec![Fault::on(LIST, Action::OverlapPage).nth(2)]);
    page(&bench, "").await;
    let got = page(&bench, &next).await;
    let expected: Vec<_> = good.ids()[5..].iter().chain(&true_second.ids()[..5]).cloned().collect();
    assert_eq!((got.ids(), got.at("/paging/next/after")), (expected.clone(), expected[9].clone()));
}

#[tokio::test]
async fn a_whole_read_over_the_overlap_fault_loses_nothing() {
    let bench = portal().await;
    bench.portal.add_fault(Fault::on(LIST, Action::OverlapPage).nth(2));
    let (mut after, mut seen, mut delivered) = (String::new(), std::collections::BTreeSet::new(), 0);
    loop {
        let got = page(&bench, &after).await;
        delivered += got.len();
        seen.extend(got.ids());
        after = got.at("/paging/next/after");
        if after.is_empty() {
            break;
        }
    }
    assert_eq!((seen.len(), delivered), (30, 35));
}

#[tokio::test]
async fn a_program_is_steered_over_http() {
    let bench = start(|options| options.records = 5).await;
    let state = bench.get("/__sandbox/state").await;
    assert_eq!((state.at("/contacts"), state.at("/callCount")), ("5".to_owned(), "0".to_owned()));
    let made = bench.call("POST", "/__sandbox/contacts", json!({"email": "new@example.org"})).await;
    assert_eq!(made.status, 201);
    let path = format!("/__sandbox/contacts/{}", made.at("/id"));
    let set = bench.call("POST", &path, json!({"properties": {"city": "Here"}})).await;
    assert_eq!((set.status, set.at("/properties/city").as_str()), (200, "Here"));
    for (method, path, body, status) in [
        ("POST", path.as_str(), json!({"nosuch": "1"}), 400),
        ("POST", "/__sandbox/contacts", json!({"email": "NEW@example.org"}), 409),
        ("POST", "/__sandbox/contacts/1", json!({"city": "x"}), 404),
        ("GET", "/__sandbox/contacts/1", json!({}), 404),
        ("GET", "/__sandbox/elsewhere", json!({}), 404),
        ("DELETE", path.as_str(), json!({}), 204),
        ("DELETE", path.as_str(), json!({}), 404),
        ("POST", &format!("{path}/restore"), json!({}), 204),
        ("POST", "/__sandbox/faults", json!({"faults": [{"action": "explode"}]}), 400),
        ("POST", "/__sandbox/faults", json!({"faults": [{"path": "/crm/*", "action": "emptyObject"}]}), 204),
    ] {
        let got = bench.call(method, path, body).await;
        assert_eq!(got.status, status, "{method} {path} {}", got.text);
    }
    let listed = bench.get("/__sandbox/contacts?limit=2&after=101").await;
    assert_eq!((listed.at("/total"), listed.len()), ("6".to_owned(), 2));
    assert_eq!(bench.get(LIST).await.text, "{}");
    assert_eq!(bench.get(LIST).await.len(), 6);
    let state = bench.get("/__sandbox/state").await;
    assert_eq!(state.at("/callCount"), "2");
    assert_eq!(state.body["calls"][0], json!({"method": "GET", "path": LIST, "status": 200}));
    assert_eq!(state.body["writes"].as_array().unwrap().len(), 4);
    assert_eq!(bench.call("POST", "/__sandbox/reset-calls", json!({})).await.status, 204);
    assert_eq!(bench.portal.call_count(), 0);
}

#[tokio::test]
async fn a_person_edits_contacts_on_a_page_that_escapes_them() {
    let bench = start(|_| {}).await;
    let id = bench
        .portal
        .create(&[("firstname", "<img src=x onerror=alert(1)>"), ("email", "a@example.org")])
        .unwrap();
    let list = bench.get("/").await;
    assert!(
        list.text.contains("&lt;img src=x") && !list.text.contains("<img") && !list.text.contains("<script")
    );
    assert!(list.headers["content-security-policy"].to_str().unwrap().contains("default-src 'none'"));
    let path = format!("/look/contacts/{id}");
    let form = bench.get(&path).await;
    assert!(form.text.contains("value=\"a@example.org\"") && !form.text.contains("<img"));
    let saved = bench.form(&path, &[("firstname", "Bo\"b"), ("email", "a@example.org")]).await;
    assert_eq!(saved.status, 303);
    assert_eq!(bench.portal.contact(&id).unwrap().properties["firstname"], "Bo\"b");
    let refused = bench.form("/look/contacts/new", &[("email", "A@example.org")]).await;
    assert!(
        refused.status == 400
            && refused.text.contains("role=\"alert\"")
            && refused.text.contains("A@example.org")
    );
    assert_eq!(bench.form(&format!("{path}/archive"), &[]).await.status, 303);
    assert!(bench.portal.contacts().is_empty());
    assert!(bench.get("/?archived=true").await.text.contains(&path));
    assert_eq!(bench.form(&format!("{path}/restore"), &[]).await.status, 303);
    assert_eq!(bench.portal.contacts().len(), 1);
    assert_eq!(bench.portal.call_count(), 0);
}

#[tokio::test]
async fn a_person_finds_merges_and_links_records_of_both_types() {
    let bench = start(|_| {}).await;
    let made = bench.form("/look/companies/new", &[("name", "Acme & Co"), ("hs_object_id", "7")]).await;
    let company = made.headers["location"].to_str().unwrap().to_owned();
    assert!(made.status == 303 && bench.get(&company).await.text.contains("value=\"Acme &amp; Co\""));
    let one = bench.portal.create(&[("email", "one@example.org"), ("city", "One")]).unwrap();
    let two = bench.portal.create(&[("email", "two@example.org"), ("annual_spend", "5")]).unwrap();
    // what is looked for, who is found
    for (query, found) in
        [("q=one", [true, false]), ("q=EXAMPLE+two", [false, true]), ("q=%22%3E", [false; 2])]
    {
        let page = bench.get(&format!("/?{query}")).await;
        let has = [&one, &two].map(|id| page.text.contains(&format!("/look/contacts/{id}\"")));
        assert_eq!(has, found, "{query}");
        assert!(!page.text.contains("value=\"\">"), "{query}");
    }
    assert!(bench.get("/?type=companies").await.text.contains(&company));
    let path = format!("/look/contacts/{one}");
    for (other, status) in [("999", 400), (one.as_str(), 400), ("x", 400), (two.as_str(), 303)] {
        assert_eq!(bench.form(&format!("{path}/merge"), &[("other", other)]).await.status, status, "{other}");
    }
    let moved = bench.get(&path).await;
    let merged = moved.headers["location"].to_str().unwrap();
    assert_eq!(moved.status, 303);
    assert!(bench.get(merged).await.text.contains("name=\"annual_spend\" value=\"5\""));
}

#[tokio::test]
async fn only_this_machine_is_served() {
    let bench = portal().await;
    for (name, value) in [
        ("host", "evil.example.com"),
        ("origin", "https://evil.example.com"),
        ("origin", "null"),
        ("origin", "http://localhost.evil.example.com"),
    ] {
        for path in ["/", LIST, "/__sandbox/state"] {
            let request = bench
                .client
                .get(format!("{}{path}", bench.url))
                .bearer_auth(&bench.token)
                .header(name, value);
            assert_eq!(read(request).await.unwrap().status, 421, "{name} {value} {path}");
        }
    }
    let open = tokio::net::TcpListener::bind("0.0.0.0:0").await.unwrap();
    let refused = Sandbox::start(open, Options::default()).await.err().unwrap();
    assert!(refused.to_string().contains("loopback"));
}

#[tokio::test]
async fn the_state_file_outlives_the_program() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("portal.json");
    let options = |options: &mut Options| {
        options.records = 20;
        options.state_file = Some(file.clone());
    };
    let bench = start(options).await;
    let first = bench.portal.contacts()[0].id.clone();
    let second = bench.portal.contacts()[1].id.clone();
    let third = bench.portal.contacts()[2].id.clone();
    bench.clock.advance(1_000);
    bench.portal.set(&first, &[("city", "Пермь")]).unwrap();
    bench.portal.archive(&second);
    bench.call("POST", "/crm/v3/properties/contacts", json!({"name": "mine", "type": "string", "fieldType": "text", "groupName": "contactinformation", "hasUniqueValue": true})).await;
    bench.call("PATCH", &format!("{LIST}/{first}"), json!({"properties": {"mine": "k1"}})).await;
    let merged = bench.portal.merge(&first, &third).unwrap();
    let before = bench.portal.contacts();
    let history = bench.get(&format!("{LIST}/{merged}?propertiesWithHistory=city")).await.text;
    bench.sandbox.stop().await;

    let bench = start(options).await;
    assert_eq!(bench.portal.contacts(), before);
    assert_eq!(bench.get(&format!("{LIST}/{merged}?propertiesWithHistory=city")).await.text, history);
    assert_eq!(bench.get(&format!("{LIST}/{first}")).await.at("/id"), merged);
    assert_eq!(bench.get(&format!("{LIST}/k1?idProperty=mine")).await.at("/id"), merged);
    assert_eq!(bench.get(&format!("{LIST}?archived=true")).await.ids(), [second]);
    bench.sandbox.stop().await;

    std::fs::write(&file, "{}").unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let refused = Sandbox::start(listener, Options { state_file: Some(file), ..Options::default() })
        .await
        .err()
        .unwrap();
    assert!(refused.to_string().contains("portal.json"));
}
