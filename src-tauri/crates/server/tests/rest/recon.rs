//! Scripts written for IDM: tests, runs, their entries, implicit sync.

use serde_json::{Value, json};

use crate::house::{House, IN, OUT, Reply, until};

#[tokio::test(flavor = "multi_thread")]
async fn a_mapping_is_reconciled_and_its_run_looked_at() {
    let house = House::connected(12).await;
    let preview = house
        .post(&format!("/recon?_action=recon&mapping={IN}&waitForCompletion=true&analyze=true"), &Value::Null)
        .await
        .is(200);
    assert_eq!(preview.body["state"], "SUCCESS");
    let count = |reply: &crate::house::Reply| reply.body["resultCount"].as_u64().unwrap();
    assert_eq!(
        count(&house.get("/managed/user?_queryFilter=true").await.is(200)),
        0,
        "a preview writes nothing"
    );

    let run = house
        .post(&format!("/recon?_action=recon&mapping={IN}&waitForCompletion=true"), &json!({}))
        .await
        .is(200);
    assert_eq!(run.body["state"], "SUCCESS");
    let id = run.body["_id"].as_str().unwrap();
    let summary = house.get(&format!("/recon/{id}")).await.is(200).body;
    assert_eq!(summary["mapping"], IN);
    assert_eq!(summary["stage"], "COMPLETED_SUCCESS");
    let absent = summary["situationSummary"]["ABSENT"].as_u64().unwrap();
    assert!(absent > 0, "{summary:#}");
    assert!(summary["progress"]["source"]["existing"]["total"].is_string(), "as in IDM: {summary:#}");
    assert_eq!(count(&house.get("/managed/user?_queryFilter=true").await.is(200)), absent);

    let list = house.get("/recon").await.is(200).body;
    assert_eq!(list["reconciliations"].as_array().unwrap().len(), 2);
    assert_eq!(list["reconciliations"][0]["_id"], id, "newest first");

    let runs = house.get("/recon/assoc?_queryFilter=isAnalysis+eq+true").await.is(200);
    assert_eq!(runs.column("_id"), [preview.body["_id"].as_str().unwrap()]);
    assert_eq!(
        house.get(&format!("/recon/assoc/{id}")).await.is(200).body["sourceResourceCollection"],
        "system/hubspot/contact"
    );
    let entries = format!("/recon/assoc/{id}/entry");
    let all = house.get(&format!("{entries}?_queryFilter=situation+eq+%22ABSENT%22")).await.is(200);
    assert_eq!(count(&all), absent);
    let mut paged = Vec::new();
    let mut cookie = String::new();
    loop {
        let page = house
            .get(&format!(
                "{entries}?_queryFilter=situation+eq+%22ABSENT%22&_pageSize=5{cookie}&_fields=sourceObjectId"
            ))
            .await
            .is(200);
        paged.extend(page.column("_id"));
        match page.body["pagedResultsCookie"].as_str() {
            Some(next) => cookie = format!("&_pagedResultsCookie={next}"),
            None => break,
        }
    }
    assert_eq!(paged, all.column("_id"), "pages are the list in parts");
    house.get("/recon/nothing").await.is(404);
    house.post("/recon?_action=recon&mapping=nothing", &Value::Null).await.is(404).says(&["nothing"]);
    house.post("/recon?_action=recon", &Value::Null).await.is(400).says(&["mapping"]);
    house.post(&format!("/recon/{id}?_action=cancel"), &Value::Null).await.is(409);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_a_guard_holds_is_not_taken_for_one_that_was_done() {
    let house = House::reconciled(12).await;
    let users = house.get("/managed/user?_queryFilter=true").await.is(200).body["resultCount"].clone();
    let strict = json!([{"operation": "add", "field": "/guards", "value": {"maxDeletes": 1}}]);
    house.send("PATCH", &format!("/config/mapping/{IN}"), &strict, &[]).await.is(200);
    for contact in house.contacts().iter().filter(|c| c.properties.contains_key("email")).take(3) {
        house
            .send("DELETE", &format!("/system/hubspot/contact/{}", contact.id), &Value::Null, &[])
            .await
            .is(200);
    }
    let recon = format!("/recon?_action=recon&mapping={IN}&waitForCompletion=true");
    let summary = async |reply: Reply| {
        let id = reply.body["_id"].as_str().unwrap().to_owned();
        let summary = house.get(&format!("/recon/{id}")).await.is(200).body;
        assert_eq!(summary["state"], reply.body["state"]);
        assert_eq!(summary["concord"]["state"], "held", "{summary:#}");
        summary
    };
    let held = summary(house.post(&recon, &json!({})).await.is(200)).await;
    assert_eq!((&held["state"], &held["stage"]), (&json!("FAILED"), &json!("COMPLETED_FAILED")));
    let words = held["stageDescription"].as_str().unwrap();
    assert!(words.starts_with("held by a guard: ") && words.contains("delete"), "{words}");
    assert_eq!(
        house.get("/managed/user?_queryFilter=true").await.is(200).body["resultCount"],
        users,
        "nothing was written"
    );
    // A preview was not to write anything.
    let preview = summary(house.post(&format!("{recon}&analyze=true"), &json!({})).await.is(200)).await;
    assert_eq!((&preview["state"], &preview["stage"]), (&json!("SUCCESS"), &json!("COMPLETED_SUCCESS")));
}

#[tokio::test(flavor = "multi_thread")]
async fn single_records_are_reconciled_by_their_ids() {
    let house = House::connected(8).await;
    let contacts =
        house.get("/system/hubspot/contact?_queryFilter=email+pr&_fields=email&_pageSize=2").await.is(200);
    let ids = contacts.column("_id");
    let path = format!("/recon?_action=reconById&mapping={IN}&ids={}&waitForCompletion=true", ids.join(","));
    let run = house.post(&path, &Value::Null).await.is(200);
    assert_eq!(run.body["state"], "SUCCESS");
    assert_eq!(house.get("/managed/user?_queryFilter=true").await.is(200).body["resultCount"], 2);
    house.post(&format!("/recon?_action=reconById&mapping={IN}"), &Value::Null).await.is(400).says(&["ids"]);
}

/// A record that is not the one that was named must not be looked at in its place.
#[tokio::test(flavor = "multi_thread")]
async fn an_id_with_a_comma_names_one_record_and_a_second_one_is_not_passed_over() {
    let house = House::connected(1).await;
    let off = json!([{"operation": "add", "field": "/enableSync", "value": false}]);
    house.send("PATCH", &format!("/config/mapping/{OUT}"), &off, &[]).await.is(200);
    for id in ["ann", "lee", "ann,lee"] {
        let mail = format!("{}@example.org", id.replace(',', "."));
        let body = json!({"userName": id, "givenName": "Ann", "sn": "Lee", "mail": mail});
        house.send("PUT", &format!("/managed/user/{}", id.replace(',', "%2C")), &body, &[]).await.is(201);
    }
    let path = |named: &str| {
        format!("/recon?_action=reconById&mapping={OUT}&analyze=true&waitForCompletion=true&{named}")
    };
    for (named, found) in [
        ("id=ann%2Clee", vec!["managed/user/ann,lee"]),
        ("ids=ann%2Clee", vec!["managed/user/ann", "managed/user/lee"]),
    ] {
        let run = house.post(&path(named), &Value::Null).await.is(200);
        let id = run.body["_id"].as_str().unwrap();
        let entries = house.get(&format!("/recon/assoc/{id}/entry?_queryFilter=true")).await.is(200);
        assert_eq!(entries.column("sourceObjectId"), found, "{named}");
    }
    house.post(&path("id=ann&id=lee"), &Value::Null).await.is(400).says(&["the parameter id is given twice"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_goes_on_to_hubspot_while_it_serves() {
    let house = House::reconciled(6).await;
    let user =
        house.get("/managed/user?_queryFilter=true&_pageSize=1").await.is(200).body["result"][0].clone();
    let id = user["_id"].as_str().unwrap();
    house
        .send(
            "PATCH",
            &format!("/managed/user/{id}"),
            &json!([{"operation": "replace", "field": "/sn", "value": "Berger"}]),
            &[],
        )
        .await
        .is(200);
    until("HubSpot has the new name", || async {
        house.get("/system/hubspot/contact?_queryFilter=lastname+eq+%22Berger%22").await.body["resultCount"]
            == 1
    })
    .await;
    until("the queue is empty", || async {
        house.get("/sync/queue?_queryFilter=true").await.is(200).body["resultCount"] == 0
    })
    .await;
    // Somebody changes it over there, and the user is looked at again here: the newer edit stays, and the mapping in the other
    // direction brings it.
    let contacts =
        house.get("/system/hubspot/contact?_queryFilter=lastname+eq+%22Berger%22").await.column("_id");
    let contact = format!("/system/hubspot/contact/{}", contacts[0]);
    house.send("PUT", &contact, &json!({"lastname": "Changed"}), &[]).await.is(200);
    let checked =
        house.post(&format!("/managed/user/{id}?_action=triggerSyncCheck"), &Value::Null).await.is(200);
    assert_eq!(checked.body, json!({"status": "OK"}));
    until("the queue is empty again", || async {
        house.get("/sync/queue?_queryFilter=true").await.is(200).body["resultCount"] == 0
    })
    .await;
    assert_eq!(house.get(&format!("{contact}?_fields=lastname")).await.body["lastname"], "Changed");
    house
        .post(&format!("/recon?_action=recon&mapping={IN}&waitForCompletion=true"), &Value::Null)
        .await
        .is(200);
    assert_eq!(house.get(&format!("/managed/user/{id}?_fields=sn")).await.body["sn"], "Changed");
    house.post("/managed/user/nobody?_action=triggerSyncCheck", &Value::Null).await.is(404);
    let linked = house
        .post(&format!("/sync?_action=getLinkedResources&resourceName=managed/user/{id}"), &Value::Null)
        .await
        .is(200);
    let record = &linked.body[0];
    let path = record["resourceName"].as_str().unwrap();
    assert_eq!(path, contact.trim_start_matches('/'), "{linked:#?}");
    assert_eq!((&record["content"]["_id"], &record["linkType"]), (&json!(contacts[0]), &json!(IN)));
    let sides = json!([{"name": IN, "type": "source"}, {"name": OUT, "type": "target"}]);
    assert_eq!(record["mappings"], sides, "both mappings of the link, and where the contact is in each");
    house.post("/sync?_action=getLinkedResources&resourceName=nobody", &Value::Null).await.is(400);
    let mappings = house.get("/sync/mappings?_queryFilter=true").await.is(200);
    assert_eq!(mappings.column("name"), [IN, OUT]);
    house.get("/sync/queue/1").await.is(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_canceled() {
    let house = House::connected(3).await;
    let preview = house
        .post(&format!("/recon?_action=recon&mapping={IN}&waitForCompletion=true&analyze=true"), &Value::Null)
        .await
        .is(200);
    let id = preview.body["_id"].as_str().unwrap();
    let canceled = house.post(&format!("/recon/{id}?_action=cancel"), &Value::Null).await.is(200);
    assert_eq!(canceled.body, json!({"_id": id, "action": "cancel", "status": "SUCCESS"}));
    assert_eq!(house.get(&format!("/recon/{id}")).await.is(200).body["state"], "CANCELED");
    let gone = house.send("DELETE", &format!("/recon/{id}"), &Value::Null, &[]).await.is(200);
    assert_eq!((&gone.body["_id"], &gone.body["state"]), (&json!(id), &json!("CANCELED")));
    house.get(&format!("/recon/{id}")).await.is(404);
    house.send("DELETE", &format!("/recon/{id}"), &Value::Null, &[]).await.is(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_linked_to_a_contact_by_hand() {
    let house = House::connected(5).await;
    // Left on, implicit sync would give her a contact of her own.
    let off = json!([{"operation": "add", "field": "/enableSync", "value": false}]);
    house.send("PATCH", &format!("/config/mapping/{OUT}"), &off, &[]).await.is(200);
    let user = house.user("ann").await;
    let id = user.body["_id"].as_str().unwrap();
    let contact =
        house.get("/system/hubspot/contact?_queryFilter=true&_pageSize=1").await.is(200).column("_id")[0]
            .clone();
    let perform =
        |action: &str, rest: &str| format!("/sync?_action=performAction&mapping={IN}&action={action}{rest}");
    let pair = format!("&sourceId={contact}&targetId={id}");
    house.post(&perform("LINK", &format!("{pair}&situation=CONFIRMED")), &Value::Null).await.is(409);
    house.post(&perform("LINK", &pair), &Value::Null).await.is(200);
    let linked = format!("/sync?_action=getLinkedResources&resourceName=managed/user/{id}");
    let systems = house.post(&linked, &Value::Null).await.is(200);
    assert_eq!(systems.body[0]["resourceName"], format!("system/hubspot/contact/{contact}"));
    let whole = format!("&sourceId=system/hubspot/contact/{contact}&targetId=managed/user/{id}");
    house.post(&perform("UNLINK", &whole), &Value::Null).await.is(200);
    assert_eq!(house.post(&linked, &Value::Null).await.is(200).body, json!([]));
    house.post(&perform("DANCE", &pair), &Value::Null).await.is(400);
    for (action, status, says) in [
        ("CREATE", 404, "no source record `404`"),
        ("UPDATE", 404, "no source record `404`"),
        ("EXCEPTION", 409, "marked as EXCEPTION"),
    ] {
        house.post(&perform(action, "&sourceId=404"), &Value::Null).await.is(status).says(&[says]);
    }
    house.post(&perform("REPORT", "&sourceId=404"), &Value::Null).await.is(200);
    house.post(&perform("LINK", ""), &Value::Null).await.is(400);
    house.post("/sync?_action=performAction&mapping=nothing&action=LINK", &Value::Null).await.is(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn managed_objects_that_an_object_is_linked_to_are_shown_from_either_end() {
    let house = House::empty().await;
    let badge = json!({"name": "badge", "schema": {"properties": {
        "number": {"type": "string", "searchable": true}, "pin": {"type": "string", "scope": "private"}}}});
    let more = json!([{"operation": "add", "field": "/objects/-", "value": badge}]);
    house.send("PATCH", "/config/managed", &more, &[]).await.is(200);
    let badges = json!({"name": "badges", "source": "managed/user", "target": "managed/badge", "enableSync": false,
        "properties": [{"source": "userName", "target": "number"}]});
    house.send("PUT", "/config/mapping/badges", &badges, &[]).await.is(201);
    let ann = house.user("ann").await.body["_id"].as_str().unwrap().to_owned();
    let badge =
        house.send("PUT", "/managed/badge/b1", &json!({"number": "7", "pin": "1234"}), &[]).await.is(201);
    let link = format!("/sync?_action=performAction&mapping=badges&action=LINK&sourceId={ann}&targetId=b1");
    house.post(&link, &Value::Null).await.is(200);
    let linked = async |name: &str| {
        let path = format!("/sync?_action=getLinkedResources&resourceName={name}");
        house.post(&path, &Value::Null).await.is(200).body
    };
    assert_eq!(
        linked(&format!("managed/user/{ann}")).await,
        json!([{"resourceName": "managed/badge/b1", "linkQualifier": "default", "linkType": "badges",
            "content": {"_id": "b1", "_rev": badge.body["_rev"], "number": "7"},
            "mappings": [{"name": "badges", "type": "target"}]}])
    );
    let of_badge = linked("managed/badge/b1").await;
    assert_eq!(of_badge[0]["resourceName"], format!("managed/user/{ann}"));
    assert_eq!(of_badge[0]["content"]["userName"], "ann", "{of_badge:#}");
    assert_eq!(of_badge[0]["mappings"], json!([{"name": "badges", "type": "source"}]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_changes_the_mapping_for_its_run_only() {
    let house = House::connected(12).await;
    let recon = format!("/recon?_action=recon&mapping={IN}&waitForCompletion=true");
    let contacts = house.get("/system/hubspot/contact?_queryFilter=email+pr").await.is(200);
    let (one, other) = (contacts.column("email")[0].clone(), contacts.column("email")[1].clone());
    let before = house.get(&format!("/config/mapping/{IN}")).await.is(200).body;
    let only = |email: &str| json!({"sourceQuery": {"_queryFilter": format!("email eq \"{email}\"")}});
    let users =
        async || house.get("/managed/user?_queryFilter=true&_fields=mail").await.is(200).column("mail");
    let situations = async |reply: &Reply| {
        let id = reply.body["_id"].as_str().unwrap();
        house.get(&format!("/recon/{id}")).await.is(200).body
    };

    let run = house.post(&recon, &only(&one)).await.is(200);
    assert_eq!(run.body["state"], "SUCCESS");
    assert_eq!(users().await, std::slice::from_ref(&one));
    let summary = situations(&run).await;
    assert_eq!(summary["situationSummary"]["ABSENT"], 1, "{summary}");
    let asked = &summary["parameters"]["sourceQuery"];
    assert_eq!(asked["_queryFilter"], format!("email eq \"{one}\""));
    assert_eq!(asked["resourceName"], "system/hubspot/contact");

    // A plan that was made with it is carried out with it.
    let planned = house.post(&format!("{recon}&analyze=true"), &only(&other)).await.is(200);
    let id = planned.body["_id"].as_str().unwrap().to_owned();
    let apply = api::dto::RunApply { id: id.clone(), allow_deletes: None };
    house.app.run_apply(apply).await.unwrap();
    house.app.run_wait(&id, |_| ()).await.unwrap();
    assert_eq!(users().await.len(), 2);

    // What was in sync is looked at again by such a run, and what is outside is not counted.
    let again = situations(&house.post(&recon, &only(&one)).await.is(200)).await;
    assert_eq!(again["situationSummary"]["CONFIRMED"], 1, "{again}");
    assert_eq!(again["situationSummary"]["ABSENT"], 0, "{again}");

    assert_eq!(
        house.get(&format!("/config/mapping/{IN}")).await.is(200).body,
        before,
        "the mapping is as it was"
    );
    let rest = situations(&house.post(&recon, &json!({})).await.is(200)).await;
    assert_eq!(rest["situationSummary"]["CONFIRMED"], 2, "{rest}");
    assert!(users().await.len() > 2, "the next run is the mapping's again");
    assert_eq!(rest["parameters"]["sourceQuery"]["_queryFilter"], "true");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_target_phase_is_left_out_for_a_run() {
    let house = House::reconciled(6).await;
    // Left on, implicit sync would give him a contact of his own.
    let off = json!([{"operation": "add", "field": "/enableSync", "value": false}]);
    house.send("PATCH", &format!("/config/mapping/{OUT}"), &off, &[]).await.is(200);
    house.user("lonely").await;
    let recon = format!("/recon?_action=recon&mapping={IN}&waitForCompletion=true&analyze=true");
    let unqualified = async |body: Value| {
        let run = house.post(&recon, &body).await.is(200);
        let id = run.body["_id"].as_str().unwrap();
        let summary = house.get(&format!("/recon/{id}")).await.is(200).body;
        let targets = ["UNQUALIFIED", "UNASSIGNED"].map(|s| summary["situationSummary"][s].as_u64().unwrap());
        targets.iter().sum::<u64>()
    };
    assert_eq!(unqualified(json!({})).await, 1);
    assert_eq!(unqualified(json!({"runTargetPhase": false})).await, 0);
    assert_eq!(unqualified(json!({"targetQuery": {"_queryFilter": "!(userName eq \"lonely\")"}})).await, 0);
    for (body, says) in [
        (json!({"policies": []}), "policies"),
        (json!({"sourceQuery": {"_queryFilter": "email xx"}}), "sourceQuery"),
        (json!({"sourceQuery": {"_queryExpression": "select"}}), "_queryFilter"),
        (
            json!({"sourceQuery": {"resourceName": "system/other/contact", "_queryFilter": "true"}}),
            "resourceName",
        ),
        (json!({"runTargetPhase": "false"}), "true or false"),
        (json!([]), "JSON object"),
    ] {
        house.post(&recon, &body).await.is(400).says(&[says]);
    }
}
