//! Records over the wire: reading, writing, paging, batches, as HubSpot's documentation and public reports have them.

mod common;
mod hubspot_bench;

use hubspot_bench::{Page as _, start};
use sandbox::hubspot::{ObjectKind, WriteKind};
use serde_json::{Value, json};

const CONTACTS: &str = "/crm/v3/objects/contacts";

#[tokio::test]
async fn every_path_of_a_version_and_every_name_of_a_type_means_the_same() {
    let bench = start(|options| options.records = 3).await;
    let expected = bench.get(CONTACTS).await;
    assert_eq!(expected.len(), 3);
    for path in [
        "/crm/v3/objects/contact",
        "/crm/v3/objects/0-1",
        "/crm/objects/2026-03/contacts",
        "/crm/objects/2026-09/0-1",
    ] {
        let got = bench.get(path).await;
        assert_eq!(got.body["results"], expected.body["results"], "{path}");
        assert!(!got.headers["x-hubspot-correlation-id"].is_empty());
        assert_eq!(got.headers["content-type"], "application/json;charset=utf-8");
    }
    let unknown = bench.get("/crm/v3/objects/xyz").await;
    assert_eq!(
        (unknown.status, unknown.at("/message").as_str()),
        (400, "Unable to infer object type from: xyz")
    );
    for path in ["/crm/v3/nothing", "/crm/objects/2019-01/contacts", "/elsewhere"] {
        assert_eq!(bench.get(path).await.status, 404, "{path}");
    }
    assert_eq!(bench.call("PUT", CONTACTS, json!({})).await.status, 405);
}

#[tokio::test]
async fn properties_are_text_or_null_and_asked_for_by_name() {
    let bench = start(|_| {}).await;
    let id = bench.portal.create(&[("email", "Ann@Example.org"), ("annual_spend", "12.5")]).unwrap();
    let keys = |reply: &common::Reply| {
        reply.body["properties"].as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(",")
    };
    let read = bench.get(&format!("{CONTACTS}/{id}")).await;
    assert_eq!(keys(&read), "createdate,email,firstname,hs_object_id,lastmodifieddate,lastname");
    assert_eq!(read.at("/properties/email"), "Ann@Example.org");
    assert_eq!(read.body["properties"]["lastname"], Value::Null);
    assert_eq!(read.at("/createdAt"), "2026-01-05T00:00:00.000Z");
    assert_eq!(read.at("/properties/hs_object_id"), id);
    for query in
        ["properties=annual_spend,city,nosuch", "properties=annual_spend&properties=city&properties=nosuch"]
    {
        let read = bench.get(&format!("{CONTACTS}/{id}?{query}")).await;
        assert_eq!(keys(&read), "annual_spend,city,createdate,hs_object_id,lastmodifieddate", "{query}");
        assert_eq!(read.body["properties"]["annual_spend"], json!("12.5"));
        assert_eq!(read.body["properties"]["city"], Value::Null);
    }
}

#[tokio::test]
async fn a_record_is_found_by_id_or_by_a_unique_property() {
    let bench = start(|_| {}).await;
    let id = bench
        .portal
        .create(&[
            ("email", "ann@example.org"),
            ("hs_additional_emails", "old@example.org;older@example.org"),
            ("customer_number", "C-1"),
        ])
        .unwrap();
    for (path, status) in [
        (id.clone(), 200),
        ("ann%40example.org?idProperty=email".to_owned(), 200),
        ("ANN%40example.org?idProperty=email".to_owned(), 200),
        ("older%40example.org?idProperty=email".to_owned(), 200),
        ("C-1?idProperty=customer_number".to_owned(), 200),
        ("x%40example.org?idProperty=email".to_owned(), 404),
        ("Ann?idProperty=firstname".to_owned(), 400),
        ("999999".to_owned(), 404),
        ("notanumber".to_owned(), 404),
    ] {
        let got = bench.get(&format!("{CONTACTS}/{path}")).await;
        assert_eq!(got.status, status, "{path} {}", got.text);
        if status == 200 {
            assert_eq!(got.at("/id"), id);
        }
    }
    let missing = bench.get(&format!("{CONTACTS}/999999")).await;
    assert_eq!(missing.at("/message"), "resource not found");
    assert_eq!(missing.at("/correlationId").len(), 36);
}

#[tokio::test]
async fn lists_page_by_key_to_the_end() {
    let bench = start(|options| options.records = 250).await;
    let mut seen = Vec::new();
    let mut path = format!("{CONTACTS}?limit=100&properties=email");
    loop {
        let page = bench.get(&path).await;
        seen.extend(page.ids());
        // A record that goes away and one that comes between pages shift nothing.
        if seen.len() == 100 {
            assert!(bench.portal.archive(&seen[0]));
        }
        let Some(link) = page.body.pointer("/paging/next/link").and_then(Value::as_str) else { break };
        assert_eq!(page.at("/paging/next/after"), *seen.last().unwrap());
        assert!(
            link.starts_with(&bench.url) && link.contains("limit=100") && link.contains("properties=email")
        );
        path = link.strip_prefix(&bench.url).unwrap().to_owned();
    }
    assert_eq!(seen.len(), 250);
    let ordered =
        seen.windows(2).all(|pair| pair[0].parse::<u64>().unwrap() < pair[1].parse::<u64>().unwrap());
    assert!(ordered);
    let archived = bench.get(&format!("{CONTACTS}?archived=true")).await;
    assert_eq!(archived.ids(), [seen[0].clone()]);
    assert_eq!(archived.body["results"][0]["archived"], json!(true));
    assert_ne!(archived.at("/results/0/archivedAt"), "");
    for (query, status) in [
        ("limit=101", 400),
        ("limit=0", 400),
        ("limit=abc", 400),
        ("limit=100", 200),
        ("limit=51&propertiesWithHistory=email", 400),
        ("limit=50&propertiesWithHistory=email", 200),
        ("after=x", 400),
    ] {
        let got = bench.get(&format!("{CONTACTS}?{query}")).await;
        assert_eq!(got.status, status, "{query}");
        if status == 400 {
            assert_eq!(got.at("/category"), "VALIDATION_ERROR");
        }
    }
    let long = "x".repeat(9000);
    assert_eq!(bench.get(&format!("{CONTACTS}?properties={long}")).await.status, 414);
}

#[tokio::test]
async fn addresses_are_unique_whatever_their_case() {
    let bench = start(|_| {}).await;
    let first = bench.call("POST", CONTACTS, json!({"properties": {"email": "ann@example.org"}})).await;
    assert_eq!(first.status, 201, "{}", first.text);
    let id = first.at("/id");
    bench.portal.set(&id, &[("hs_additional_emails", "ann.two@example.org")]).unwrap();
    for email in ["ann@example.org", "ANN@EXAMPLE.ORG", "Ann.Two@example.org"] {
        let again = bench.call("POST", CONTACTS, json!({"properties": {"email": email}})).await;
        assert_eq!(again.status, 409);
        assert_eq!(again.at("/message"), format!("Contact already exists. Existing ID: {id}"), "{email}");
        assert_eq!(again.at("/category"), "CONFLICT");
    }
    let other = bench.portal.create(&[("firstname", "Bo")]).unwrap();
    let path = format!("{CONTACTS}/{other}");
    let taken = bench.call("PATCH", &path, json!({"properties": {"email": "ann@example.org"}})).await;
    assert_eq!(taken.status, 409);
    // Its own address is no conflict, and a freed one may be taken.
    assert_eq!(
        bench
            .call("PATCH", &format!("{CONTACTS}/{id}"), json!({"properties": {"email": "ANN@example.org"}}))
            .await
            .status,
        200
    );
    assert_eq!(
        bench.call("PATCH", &format!("{CONTACTS}/{id}"), json!({"properties": {"email": ""}})).await.status,
        200
    );
    assert_eq!(
        bench.call("PATCH", &path, json!({"properties": {"email": "ann@example.org"}})).await.status,
        200
    );
    // Companies with one domain are two companies.
    for _ in 0..2 {
        let made = bench
            .call("POST", "/crm/v3/objects/companies", json!({"properties": {"domain": "example.org"}}))
            .await;
        assert_eq!(made.status, 201);
    }
    assert_eq!(bench.portal.count(ObjectKind::Company), 2);
}

#[tokio::test]
async fn refused_values_are_told_all_together() {
    let bench = start(|_| {}).await;
    let body =
        json!({"properties": {"foo": "1", "email": "nonsense", "createdate": "1", "lifecyclestage": "Lead"}});
    let got = bench.call("POST", CONTACTS, body).await;
    assert_eq!((got.status, got.at("/category").as_str()), (400, "VALIDATION_ERROR"));
    let message = got.at("/message");
    let start_at = message.find('[').unwrap();
    assert!(message.starts_with("Property values were not valid: "));
    let inside: Vec<Value> = serde_json::from_str(&message[start_at..]).unwrap();
    let mut codes: Vec<_> = inside.iter().map(|entry| entry["error"].as_str().unwrap()).collect();
    codes.sort_unstable();
    assert_eq!(codes, ["INVALID_EMAIL", "INVALID_OPTION", "PROPERTY_DOESNT_EXIST", "READ_ONLY_VALUE"]);
    assert_eq!(got.body["errors"].as_array().unwrap().len(), 4);
    assert_eq!(got.body["errors"][0]["context"]["propertyName"][0], json!("foo"));
    assert_eq!(bench.call("POST", CONTACTS, json!({"properties": {"city": "Nowhere"}})).await.status, 400);
    assert_eq!(bench.call("POST", CONTACTS, json!({"properties": {"email": ["a"]}})).await.status, 400);
    assert_eq!(bench.call("POST", CONTACTS, json!([1])).await.status, 400);
    assert_eq!(bench.portal.writes(), []);
}

#[tokio::test]
async fn an_update_replaces_clears_and_answers_with_what_was_sent() {
    let bench = start(|_| {}).await;
    let id = bench.portal.create(&[("email", "a@example.org"), ("phone", "1"), ("city", "Old")]).unwrap();
    bench.clock.advance(5_000);
    let path = format!("{CONTACTS}/{id}");
    let got = bench
        .call("PATCH", &path, json!({"properties": {"phone": "", "city": "New", "annual_spend": 5}}))
        .await;
    assert_eq!(got.status, 200);
    assert_eq!(got.body["properties"]["phone"], Value::Null);
    assert_eq!(got.at("/properties/city"), "New");
    assert_eq!(got.at("/properties/annual_spend"), "5");
    assert!(got.body["properties"].get("email").is_none());
    assert_eq!(got.at("/updatedAt"), "2026-01-05T00:00:05.000Z");
    let by_mail = format!("{CONTACTS}/A%40example.org?idProperty=email");
    assert_eq!(bench.call("PATCH", &by_mail, json!({"properties": {"city": "Third"}})).await.status, 200);
    assert_eq!(bench.portal.contact(&id).unwrap().properties["city"], "Third");
    assert_eq!(bench.call("PATCH", &format!("{CONTACTS}/1"), json!({"properties": {}})).await.status, 404);
    // DELETE answers 204 for a record and for none.
    assert_eq!(bench.try_call("DELETE", &path, None).await.unwrap().status, 204);
    assert_eq!(bench.try_call("DELETE", &path, None).await.unwrap().status, 204);
    assert_eq!(bench.get(&path).await.status, 404);
    assert_eq!(bench.get(&format!("{path}?archived=true")).await.status, 200);
    bench.portal.restore(ObjectKind::Contact, &id).unwrap();
    assert_eq!(bench.get(&path).await.status, 200);
    let kinds: Vec<_> = bench.portal.writes().into_iter().map(|write| (write.kind, write.by_app)).collect();
    assert_eq!(
        kinds,
        [
            (WriteKind::Create, false),
            (WriteKind::Update, true),
            (WriteKind::Update, true),
            (WriteKind::Archive, true),
            (WriteKind::Restore, false)
        ]
    );
}

#[tokio::test]
async fn lifecycle_stages_only_move_forward_for_apps() {
    let bench = start(|_| {}).await;
    let id = bench.portal.create(&[("firstname", "A"), ("lifecyclestage", "customer")]).unwrap();
    // what an app sends, what is kept
    for (sent, kept) in [
        ("lead", json!("customer")),
        ("evangelist", json!("evangelist")),
        ("", Value::Null),
        ("lead", json!("lead")),
    ] {
        let got = bench
            .call("PATCH", &format!("{CONTACTS}/{id}"), json!({"properties": {"lifecyclestage": sent}}))
            .await;
        assert_eq!((got.status, &got.body["properties"]["lifecyclestage"]), (200, &kept), "{sent}");
    }
    bench.portal.set(&id, &[("lifecyclestage", "subscriber")]).unwrap();
    assert_eq!(bench.portal.contact(&id).unwrap().properties["lifecyclestage"], "subscriber");
}

#[tokio::test]
async fn a_leading_semicolon_adds_to_a_checkbox() {
    let bench = start(|_| {}).await;
    let id = bench.portal.create(&[("firstname", "A"), ("hs_buying_interests", ";hardware")]).unwrap();
    for (sent, kept) in [
        (";training;hardware", "hardware;training"),
        ("support", "support"),
        (";software", "support;software"),
    ] {
        let body = json!({"properties": {"hs_buying_interests": sent}});
        let got = bench.call("PATCH", &format!("{CONTACTS}/{id}"), body).await;
        assert_eq!(got.at("/properties/hs_buying_interests"), kept, "{sent}");
    }
}

#[tokio::test]
async fn history_tells_who_wrote_and_calculations_bump_nothing() {
    let bench = start(|_| {}).await;
    let id = bench.portal.create(&[("firstname", "One")]).unwrap();
    bench.clock.advance(1_000);
    bench.call("PATCH", &format!("{CONTACTS}/{id}"), json!({"properties": {"firstname": "Two"}})).await;
    bench.clock.advance(1_000);
    bench.portal.recalculate(ObjectKind::Contact, &id, &[("hubspotscore", "7")]).unwrap();
    let got =
        bench.get(&format!("{CONTACTS}/{id}?propertiesWithHistory=firstname&properties=hubspotscore")).await;
    let history = got.body["propertiesWithHistory"]["firstname"].as_array().unwrap();
    let brief: Vec<_> =
        history.iter().map(|h| (h["value"].as_str().unwrap(), h["sourceType"].as_str().unwrap())).collect();
    assert_eq!(brief, [("Two", "INTEGRATION"), ("One", "CRM_UI")]);
    assert_eq!(got.at("/properties/hubspotscore"), "7");
    assert_eq!(got.at("/updatedAt"), "2026-01-05T00:00:01.000Z");
}

#[tokio::test]
async fn batch_read_names_all_missing_ids_in_one_error() {
    let bench = start(|_| {}).await;
    let id = bench
        .portal
        .create(&[("email", "a@example.org"), ("hs_additional_emails", "b@example.org")])
        .unwrap();
    let all = bench
        .call(
            "POST",
            "/crm/v3/objects/contacts/batch/read",
            json!({"properties": ["email"], "idProperty": "email",
              "inputs": [{"id": "A@example.org"}, {"id": "b@example.org"}]}),
        )
        .await;
    assert_eq!((all.status, all.at("/status").as_str(), all.ids()), (200, "COMPLETE", vec![id.clone()]));
    let some = bench
        .call(
            "POST",
            "/crm/objects/2026-03/contacts/batch/read",
            json!({"inputs": [{"id": "1"}, {"id": id}, {"id": "x"}]}),
        )
        .await;
    assert_eq!(some.status, 207);
    assert_eq!(some.ids(), [id]);
    assert_eq!(some.body["numErrors"], json!(1));
    assert_eq!(some.body["errors"][0]["context"]["ids"], json!(["1", "x"]));
    assert_eq!(some.at("/errors/0/category"), "OBJECT_NOT_FOUND");
    let inputs: Vec<_> = (0..101).map(|at| json!({"id": at.to_string()})).collect();
    let much = bench.call("POST", "/crm/v3/objects/contacts/batch/read", json!({ "inputs": inputs })).await;
    assert_eq!(much.status, 400);
    let inputs = &inputs[..51];
    let body = json!({"inputs": inputs, "propertiesWithHistory": ["email"]});
    assert_eq!(bench.call("POST", "/crm/v3/objects/contacts/batch/read", body).await.status, 400);
}

#[tokio::test]
async fn batch_create_is_all_or_nothing_unless_inputs_are_traced() {
    let bench = start(|_| {}).await;
    let taken = bench.portal.create(&[("email", "taken@example.org")]).unwrap();
    let input = |email: &str| json!({"properties": {"email": email}});
    let traced =
        |email: &str, trace: &str| json!({"properties": {"email": email}, "objectWriteTraceId": trace});
    let path = "/crm/v3/objects/contacts/batch/create";
    let refused = bench
        .call("POST", path, json!({"inputs": [input("new@example.org"), input("TAKEN@example.org")]}))
        .await;
    assert_eq!(refused.status, 409);
    assert_eq!(refused.at("/message"), format!("Contact already exists. Existing ID: {taken}"));
    let twins =
        bench.call("POST", path, json!({"inputs": [input("x@example.org"), input("X@example.org")]})).await;
    assert_eq!(twins.status, 409);
    let invalid =
        bench.call("POST", path, json!({"inputs": [input("x@example.org"), input("nonsense")]})).await;
    assert_eq!(invalid.status, 400);
    assert_eq!(bench.portal.count(ObjectKind::Contact), 1);
    let mixed = bench
        .call(
            "POST",
            path,
            json!({"inputs": [traced("new@example.org", "l-1"), traced("taken@example.org", "l-2"),
                                              traced("bad", "l-3")]}),
        )
        .await;
    assert_eq!(mixed.status, 207, "{}", mixed.text);
    assert_eq!(mixed.at("/results/0/objectWriteTraceId"), "l-1");
    assert_eq!(mixed.body["numErrors"], json!(2));
    assert_eq!(mixed.body["errors"][0]["context"]["objectWriteTraceId"], json!(["l-2"]));
    assert_eq!(mixed.at("/errors/0/message"), format!("Contact already exists. Existing ID: {taken}"));
    assert_eq!(mixed.at("/errors/1/category"), "VALIDATION_ERROR");
    let same = bench
        .call("POST", path, json!({"inputs": [traced("p@example.org", "l"), traced("q@example.org", "l")]}))
        .await;
    assert_eq!(same.status, 400);
    let good =
        bench.call("POST", path, json!({"inputs": [input("p@example.org"), input("q@example.org")]})).await;
    assert_eq!((good.status, good.len()), (201, 2));
}

#[tokio::test]
async fn batch_update_goes_by_record_id() {
    let bench = start(|_| {}).await;
    let one = bench.portal.create(&[("email", "a@example.org")]).unwrap();
    let two = bench.portal.create(&[("email", "b@example.org")]).unwrap();
    let path = "/crm/v3/objects/contacts/batch/update";
    let part = bench
        .call(
            "POST",
            path,
            json!({"inputs": [{"id": one, "properties": {"city": "Here"}}, {"id": "5", "properties": {}}]}),
        )
        .await;
    assert_eq!((part.status, part.ids()), (207, vec![one.clone()]));
    assert_eq!(part.body["errors"][0]["context"]["ids"], json!(["5"]));
    let mail = bench
        .call(
            "POST",
            path,
            json!({"inputs": [{"id": "a@example.org", "idProperty": "email", "properties": {}}]}),
        )
        .await;
    assert_eq!(mail.status, 400);
    let twice = bench.call("POST", path, json!({"inputs": [{"id": one}, {"id": one}]})).await;
    assert_eq!(twice.status, 400);
    let bad = json!({"inputs": [{"id": one, "properties": {"city": "There"}}, {"id": two, "properties": {"nosuch": "1"}}]});
    assert_eq!(bench.call("POST", path, bad).await.status, 400);
    assert_eq!(bench.portal.contact(&one).unwrap().properties["city"], "Here");
    let traced = json!({"inputs": [
        {"id": one, "properties": {"city": "There"}, "objectWriteTraceId": "1"},
        {"id": two, "properties": {"email": "A@example.org"}, "objectWriteTraceId": "2"},
        {"id": "9", "properties": {}, "objectWriteTraceId": "3"}]});
    let got = bench.call("POST", path, traced).await;
    assert_eq!((got.status, got.len()), (207, 1));
    assert_eq!(got.body["errors"][0]["context"]["objectWriteTraceId"], json!(["2"]), "{}", got.text);
    assert_eq!(bench.portal.contact(&one).unwrap().properties["city"], "There");
    let gone = bench
        .call("POST", "/crm/v3/objects/contacts/batch/archive", json!({"inputs": [{"id": one}, {"id": "9"}]}))
        .await;
    assert_eq!((gone.status, gone.text.as_str()), (204, ""));
    assert_eq!(bench.portal.count(ObjectKind::Contact), 1);
}

#[tokio::test]
async fn upsert_says_what_is_new_and_refuses_two_inputs_for_one_record() {
    let bench = start(|_| {}).await;
    let id = bench
        .portal
        .create(&[("email", "a@example.org"), ("hs_additional_emails", "a2@example.org")])
        .unwrap();
    let path = "/crm/v3/objects/contacts/batch/upsert";
    let input = |key: &str, id: &str| json!({"id": id, "idProperty": key, "properties": {"city": "X"}});
    let got = bench
        .call(
            "POST",
            path,
            json!({"inputs": [input("email", "A@example.org"), input("email", "n@example.org")]}),
        )
        .await;
    assert_eq!(got.status, 200, "{}", got.text);
    assert_eq!((got.at("/results/0/id"), &got.body["results"][0]["new"]), (id, &json!(false)));
    assert_eq!(got.body["results"][1]["new"], json!(true));
    assert_eq!(got.at("/results/1/properties/email"), "n@example.org");
    for inputs in [
        json!([input("email", "q@example.org"), input("email", "Q@example.org")]),
        json!([input("email", "a@example.org"), input("email", "a2@example.org")]),
        json!([input("city", "X")]),
        json!([input("email", "q@example.org"), input("customer_number", "1")]),
        json!([{"id": "1", "properties": {}}]),
    ] {
        assert_eq!(bench.call("POST", path, json!({ "inputs": inputs })).await.status, 400, "{inputs}");
    }
    let company =
        json!({"inputs": [{"id": "E1", "idProperty": "external_id", "properties": {"name": "Acme"}}]});
    for new in [true, false] {
        let got = bench.call("POST", "/crm/v3/objects/companies/batch/upsert", company.clone()).await;
        assert_eq!((got.status, &got.body["results"][0]["new"]), (200, &json!(new)), "{}", got.text);
    }
}

#[tokio::test]
async fn both_ids_of_a_merge_lead_to_the_new_record() {
    let bench = start(|_| {}).await;
    let one = bench.portal.create(&[("email", "a@example.org"), ("city", "One")]).unwrap();
    let two = bench.portal.create(&[("email", "b@example.org"), ("city", "Two"), ("phone", "2")]).unwrap();
    let path = format!("{CONTACTS}/merge");
    let merged = bench.call("POST", &path, json!({"primaryObjectId": one, "objectIdToMerge": two})).await;
    assert_eq!(merged.status, 200, "{}", merged.text);
    let id = merged.at("/id");
    assert!(id != one && id != two);
    assert_eq!(merged.at("/properties/city"), "One");
    assert_eq!(merged.at("/properties/phone"), "2");
    assert_eq!(merged.at("/properties/hs_additional_emails"), "b@example.org");
    assert_eq!(merged.at("/properties/hs_merged_object_ids"), format!("{one};{two}"));
    for old in [&one, &two, &id] {
        assert_eq!(bench.get(&format!("{CONTACTS}/{old}")).await.at("/id"), id);
    }
    assert_eq!(bench.get(&format!("{CONTACTS}/b%40example.org?idProperty=email")).await.at("/id"), id);
    assert_eq!(bench.get(CONTACTS).await.ids(), std::slice::from_ref(&id));
    assert_eq!(
        bench.call("POST", &path, json!({"primaryObjectId": one, "objectIdToMerge": id})).await.status,
        400
    );
    assert_eq!(
        bench.call("POST", &path, json!({"primaryObjectId": one, "objectIdToMerge": "1"})).await.status,
        404
    );
    let erased = bench
        .call(
            "POST",
            &format!("{CONTACTS}/gdpr-delete"),
            json!({"objectId": "a@example.org", "idProperty": "email"}),
        )
        .await;
    assert_eq!(erased.status, 204);
    assert_eq!(bench.portal.contact(&id), None);
}
