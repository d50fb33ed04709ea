//! Connectors tested, and the records behind them.

use serde_json::{Value, json};

use crate::house::House;

#[tokio::test(flavor = "multi_thread")]
async fn connectors_are_tested_all_or_one() {
    let house = House::connected(1).await;
    let all = house.post("/system?_action=test", &Value::Null).await.is(200);
    assert_eq!(all.body.as_array().unwrap().len(), 1);
    let one = house.post("/system/hubspot?_action=test", &Value::Null).await.is(200);
    assert_eq!(one.body, all.body[0]);
    assert_eq!(one.body["ok"], true);
    assert_eq!(one.body["config"], "config/provisioner.openicf/hubspot");
    assert!(one.body["objectTypes"].as_array().unwrap().contains(&json!("contact")));
    house.post("/system/nothing?_action=test", &Value::Null).await.is(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn records_are_made_found_changed_and_deleted() {
    let house = House::connected(3).await;
    let contacts = "/system/hubspot/contact";
    let made = house
        .post(&format!("{contacts}?_action=create"), &json!({"email": "new@example.org", "firstname": "New"}))
        .await
        .is(201);
    let id = made.body["_id"].as_str().unwrap().to_owned();
    assert_eq!(made.header("location"), format!("/openidm{contacts}/{id}"));
    assert_eq!(made.body["email"], "new@example.org");
    house
        .post(&format!("{contacts}?_action=create"), &json!({"email": "new@example.org"}))
        .await
        .is(409)
        .says(&[&id]);

    let one = format!("{contacts}/{id}");
    let put =
        house.send("PUT", &one, &json!({"_id": id, "lastname": "Lee"}), &[("if-match", "*")]).await.is(200);
    assert_eq!((&put.body["firstname"], &put.body["lastname"]), (&json!("New"), &json!("Lee")));
    let patch = json!([
        {"operation": "replace", "field": "/lastname", "value": "Berger"},
        {"operation": "remove", "field": "/firstname"},
    ]);
    house.send("PATCH", &one, &patch, &[]).await.is(200);
    let read = house.get(&format!("{one}?_fields=lastname,firstname")).await.is(200);
    assert_eq!(read.body["lastname"], "Berger");
    assert!(read.body["firstname"].as_str().is_none_or(str::is_empty), "{read:#?}");
    assert!(read.body.get("email").is_none(), "only what was asked for: {read:#?}");
    house.send("PUT", &one, &json!({}), &[("if-match", "\"3\"")]).await.is(412);

    let gone = house.send("DELETE", &one, &Value::Null, &[]).await.is(200);
    assert_eq!(gone.body["email"], "new@example.org");
    house.get(&one).await.is(404);
    house.send("DELETE", &one, &Value::Null, &[]).await.is(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_connectors_document_denies_is_never_sent() {
    let house = House::connected(2).await;
    let denied = json!([{"operation": "add", "field": "/operationOptions",
        "value": {"CREATE": {"denied": true, "onDeny": "DO_NOTHING"}, "UPDATE": {"denied": false}}}]);
    house.send("PATCH", "/config/provisioner.openicf/hubspot", &denied, &[]).await.is(200);
    let refused =
        house.post("/system/hubspot/contact?_action=create", &json!({"email": "new@example.org"})).await;
    refused.is(403).says(&["operationOptions deny CREATE of contact"]);
    assert_eq!(house.contacts().len(), 2);
    let one = format!("/system/hubspot/contact/{}", house.contacts()[0].id);
    house.send("PUT", &one, &json!({"firstname": "Changed"}), &[]).await.is(200);
    let denied = json!([{"operation": "replace", "field": "/operationOptions",
        "value": {"UPDATE": {"denied": true, "onDeny": "THROW_EXCEPTION"}, "DELETE": {"denied": true}}}]);
    house.send("PATCH", "/config/provisioner.openicf/hubspot", &denied, &[]).await.is(200);
    house
        .send("PUT", &one, &json!({"firstname": "Again"}), &[])
        .await
        .is(403)
        .says(&["deny UPDATE of contact"]);
    house.send("DELETE", &one, &Value::Null, &[]).await.is(403).says(&["deny DELETE of contact"]);
    assert_eq!(house.get(&one).await.is(200).body["firstname"], "Changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_over_there_are_brought_in_by_live_sync() {
    let house = House::reconciled(6).await;
    let contact = house.get("/system/hubspot/contact?_queryFilter=email+pr&_pageSize=1").await.is(200);
    let (id, email) = (&contact.column("_id")[0], &contact.column("email")[0]);
    house
        .send("PUT", &format!("/system/hubspot/contact/{id}"), &json!({"lastname": "Berger"}), &[])
        .await
        .is(200);
    for path in
        ["/system/hubspot/contact?_action=liveSync", "/system?_action=liveSync&source=system/hubspot/contact"]
    {
        let synced = house.post(path, &Value::Null).await.is(200);
        assert_eq!(synced.body["connectorData"]["nativeType"], "contact", "{synced:#?}");
        assert_eq!(synced.body["runs"][0]["state"], "SUCCESS", "{synced:#?}");
    }
    let users = house.get(&format!("/managed/user?_queryFilter=mail+eq+%22{email}%22")).await.is(200);
    assert_eq!(users.column("sn"), ["Berger"]);
    house.post("/system/hubspot/company?_action=liveSync", &Value::Null).await.is(400).says(&["enableSync"]);
    house.post("/system?_action=liveSync&source=managed/user", &Value::Null).await.is(400).says(&["system/"]);
    house.post("/system?_action=liveSync", &Value::Null).await.is(400).says(&["source"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn records_are_listed_in_pages() {
    let house = House::connected(230).await;
    let contacts = "/system/hubspot/contact?_queryFilter=true&_fields=email";
    let all = house.get(contacts).await.is(200).column("_id");
    assert_eq!(all.len(), 230);
    let mut paged = Vec::new();
    let mut cookie = String::new();
    loop {
        let page = house.get(&format!("{contacts}&_pageSize=70{cookie}")).await.is(200);
        assert!(page.column("_id").len() <= 70);
        paged.extend(page.column("_id"));
        match page.body["pagedResultsCookie"].as_str() {
            Some(next) => cookie = format!("&_pagedResultsCookie={next}"),
            None => break,
        }
    }
    assert_eq!(paged, all);
    let counted = house.get(&format!("{contacts}&_countOnly=true")).await.is(200);
    assert_eq!(counted.body["resultCount"], 230);
    let ids = house.get("/system/hubspot/contact?_queryId=query-all-ids&_pageSize=1").await.is(200);
    assert_eq!(ids.body["result"][0].as_object().unwrap().len(), 1, "only the id: {ids:#?}");
    house.get("/system/hubspot/nothing?_queryFilter=true").await.is(404).says(&["contact"]);
    house.get("/system/nothing/contact?_queryFilter=true").await.is(404);
    let with_mail = "/system/hubspot/contact?_queryFilter=email+pr&_fields=email";
    let mut emails = house.get(with_mail).await.column("email");
    emails.sort_by_key(|email| email.to_lowercase());
    let sorted = house.get(&format!("{with_mail}&_sortKeys=email")).await.is(200);
    assert_eq!(sorted.column("email"), emails);
    let by_two = house.get("/system/hubspot/contact?_queryFilter=true&_fields=email&_sortKeys=-lifecyclestage,email&_pageSize=3").await.is(200);
    let cookie = by_two.body["pagedResultsCookie"].as_str().unwrap();
    let next = house.get(&format!("/system/hubspot/contact?_queryFilter=true&_fields=email&_sortKeys=-lifecyclestage,email&_pageSize=3&_pagedResultsCookie={cookie}")).await.is(200);
    let whole = house
        .get("/system/hubspot/contact?_queryFilter=true&_fields=email&_sortKeys=-lifecyclestage,email")
        .await
        .is(200)
        .column("email");
    assert_eq!([by_two.column("email"), next.column("email")].concat(), whole[..6]);
    house.get(&format!("{contacts}&_pagedResultsCookie=nonsense")).await.is(400);
    house.get("/system/hubspot/contact?_queryFilter=email+maybe+1").await.is(400);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_script_of_a_connector_is_run() {
    let house = House::connected(0).await;
    let mut document = house.get("/config/provisioner.openicf/hubspot").await.is(200).body;
    document["systemActions"] = json!([
        {"scriptId": "sum", "actions": [
            {"systemType": ".*HubspotConnector", "actionType": "javascript", "actionSource": "Number(a) + b.c"}]},
        {"scriptId": "two", "actions": [
            {"actionType": "javascript", "actionSource": "throw new Error('no luck')"},
            {"actionType": "javascript", "actionSource": "configuration.apiBaseUrl"}]},
    ]);
    house.send("PUT", "/config/provisioner.openicf/hubspot", &document, &[]).await.is(200);
    let run = async |query: &str, body: &Value| {
        house.post(&format!("/system/hubspot?_action=script{query}"), body).await
    };
    let sum = run("&scriptId=sum&a=2", &json!({"b": {"c": 3}})).await.is(200);
    assert_eq!(sum.body, json!({"actions": [{"result": 5}]}));
    let two = run("&scriptId=two&scriptExecuteMode=connector", &Value::Null).await.is(200).body;
    let why = two["actions"][0]["error"].as_str().unwrap_or_default();
    assert!(why.contains("connector hubspot, script two, line 1") && why.contains("no luck"), "{why}");
    assert!(two["actions"][1]["result"].as_str().is_some_and(|url| url.starts_with("http://127")), "{two}");
    for (query, status) in [
        ("", 400),
        ("&scriptId=", 400),
        ("&scriptId=three", 404),
        ("&scriptId=sum&scriptExecuteMode=resource", 400),
    ] {
        run(query, &Value::Null).await.is(status);
    }
    house.post("/system/nothing?_action=script&scriptId=sum", &Value::Null).await.is(404);
}
