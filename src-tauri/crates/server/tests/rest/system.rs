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
    house.get(&format!("{contacts}&_sortKeys=email")).await.is(400).says(&["_sortKeys"]);
    house.get(&format!("{contacts}&_pagedResultsCookie=nonsense")).await.is(400);
    house.get("/system/hubspot/contact?_queryFilter=email+maybe+1").await.is(400);
}
