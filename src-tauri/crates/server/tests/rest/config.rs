//! Configuration as documents.

use serde_json::{Value, json};

use crate::house::{House, IN, OUT, TOKEN};

#[tokio::test(flavor = "multi_thread")]
async fn a_connector_comes_and_goes_and_its_secret_never_comes_out() {
    let house = House::empty().await;
    let path = "/config/provisioner.openicf/hubspot";
    let document = json!({
        "connectorRef": {"connectorName": "org.forgerock.openicf.connectors.hubspot.HubspotConnector"},
        "poolConfigOption": {"maxObjects": 10},
        "configurationProperties": {"accessToken": TOKEN, "apiBaseUrl": house.sandbox_url(), "permitsPerSecond": 200},
    });
    house.get(path).await.is(404);
    let made = house.send("PUT", path, &document, &[("if-none-match", "*")]).await.is(201);
    assert_eq!(made.body["_id"], "provisioner.openicf/hubspot");
    assert_eq!(made.body["poolConfigOption"], json!({"maxObjects": 10}), "unknown keys are kept");
    house.send("PUT", path, &document, &[("if-none-match", "*")]).await.is(412);
    assert_eq!(house.post("/system/hubspot?_action=test", &Value::Null).await.is(200).body["ok"], true);

    // What is left out stays: the token is still good after a change that does not name it.
    let patch = json!([{"operation": "replace", "field": "/displayName", "value": "Our HubSpot"}]);
    let changed = house.send("PATCH", path, &patch, &[]).await.is(200);
    assert_eq!(changed.body["displayName"], "Our HubSpot");
    assert_eq!(house.post("/system/hubspot?_action=test", &Value::Null).await.is(200).body["ok"], true);
    for reply in [made, changed, house.get(path).await, house.get("/config").await] {
        assert!(!reply.text.contains(TOKEN) && !reply.text.contains("accessToken"), "{reply:#?}");
    }
    house.send("PUT", path, &json!({"name": "other"}), &[]).await.is(400).says(&["other", "hubspot"]);
    house.send("PUT", path, &json!({"connectorRef": {"connectorName": "Unknown"}}), &[]).await.is(400);
    house.send("PUT", "/config/provisioner.openicf/a%2Fb", &document, &[]).await.is(400);
    house.send("DELETE", path, &Value::Null, &[]).await.is(200);
    house.get(path).await.is(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn mappings_are_written_one_by_one_or_all_together() {
    let house = House::connected(1).await;
    let path = format!("/config/mapping/{IN}");
    let mut document = house.get(&path).await.is(200).body;
    assert_eq!(document["_id"], format!("mapping/{IN}"));
    document["displayName"] = "People".into();
    document["unknownKey"] = json!({"kept": true});
    house.send("PUT", &path, &document, &[]).await.is(200);
    assert_eq!(house.get(&path).await.is(200).body["unknownKey"]["kept"], true);
    house.send("PUT", &path, &json!({"source": "managed/user"}), &[]).await.is(400);
    house.send("PUT", &path, &json!({"name": "other"}), &[]).await.is(400);
    house.send("DELETE", &path, &Value::Null, &[]).await.is(409).says(&[OUT]);
    let patch = json!([{"operation": "add", "field": "/enableSync", "value": false}]);
    assert_eq!(house.send("PATCH", &path, &patch, &[]).await.is(200).body["enableSync"], false);

    let sync = house.get("/config/sync").await.is(200).body;
    let names: Vec<&str> =
        sync["mappings"].as_array().unwrap().iter().filter_map(|m| m["name"].as_str()).collect();
    assert_eq!(names, [IN, OUT]);
    house.send("PUT", "/config/sync", &json!({"mappings": [{"name": "x"}]}), &[]).await.is(400);
    let mut more = sync.clone();
    more["queueRecovery"] = json!({"enabled": true});
    assert_eq!(house.send("PUT", "/config/sync", &more, &[]).await.is(200).body, more);
    let patch = json!([{"operation": "replace", "field": "/queueRecovery/enabled", "value": false}]);
    house.send("PATCH", "/config/sync", &patch, &[]).await.is(200);
    assert_eq!(house.get("/config/sync").await.is(200).body["queueRecovery"], json!({"enabled": false}));
    let only_one = json!({"mappings": [sync["mappings"][0]]});
    let left = house.send("PUT", "/config/sync", &only_one, &[]).await.is(200).body;
    assert_eq!((left["mappings"].as_array().unwrap().len(), left.get("queueRecovery")), (1, None));
    house.send("DELETE", &path, &Value::Null, &[]).await.is(200);
    house.get(&path).await.is(404);
    let names = house.get("/config").await.is(200).body;
    let names: Vec<&str> =
        names["configurations"].as_array().unwrap().iter().filter_map(|c| c["_id"].as_str()).collect();
    assert_eq!(names, ["managed", "sync", "provisioner.openicf/hubspot"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_are_found_by_a_filter() {
    let house = House::connected(1).await;
    let found = async |query: &str| {
        let reply = house.get(&format!("/config?{query}")).await.is(200);
        assert!(!reply.text.contains(TOKEN), "{reply:#?}");
        reply.body
    };
    let ids = |found: &Value| -> Vec<String> {
        found["result"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row["_id"].as_str().unwrap().to_owned())
            .collect()
    };
    let (one, other) = (format!("mapping/{IN}"), format!("mapping/{OUT}"));
    let all = found("_queryFilter=true").await;
    assert_eq!(ids(&all), ["managed", "sync", "provisioner.openicf/hubspot", &one, &other]);
    assert_eq!(all["result"][3], house.get(&format!("/config/{one}")).await.is(200).body);
    assert_eq!(
        ids(&found("_queryFilter=_id+sw+%22mapping/%22&_sortKeys=-_id&_fields=_id").await),
        [one, other]
    );
    assert_eq!(ids(&found("_queryFilter=source+eq+%22managed/user%22").await), [format!("mapping/{OUT}")]);
    assert_eq!(
        found("_queryId=query-all-ids&_pageSize=2").await["result"],
        json!([{"_id": "managed"}, {"_id": "sync"}])
    );
    house.get("/config?_queryFilter=(").await.is(400);
}

#[tokio::test(flavor = "multi_thread")]
async fn schedules_are_written_and_removed() {
    let house = House::connected(1).await;
    let path = "/config/schedule/nightly";
    let document = json!({"enabled": true, "type": "cron", "schedule": "0 0 2 * * ?", "persisted": true,
        "invokeService": "sync", "invokeContext": {"action": "reconcile", "mapping": IN}, "unknownKey": 1});
    house.send("PUT", path, &document, &[("if-none-match", "*")]).await.is(201);
    house.send("PUT", path, &document, &[("if-none-match", "*")]).await.is(412);
    let read = house.get(path).await.is(200).body;
    assert_eq!(
        (&read["_id"], &read["schedule"], &read["unknownKey"]),
        (&json!("schedule/nightly"), &json!("0 0 2 * * ?"), &json!(1))
    );
    let patch = json!([{"operation": "replace", "field": "/enabled", "value": false}]);
    assert_eq!(house.send("PATCH", path, &patch, &[]).await.is(200).body["enabled"], false);
    let wrong = json!([{"operation": "replace", "field": "/schedule", "value": "whenever"}]);
    house.send("PATCH", path, &wrong, &[]).await.is(400).says(&["schedule"]);
    let names = house.get("/config").await.is(200).text;
    assert!(names.contains("schedule/nightly"), "{names}");
    house.send("DELETE", path, &Value::Null, &[]).await.is(200);
    house.get(path).await.is(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn managed_types_are_read_and_changed() {
    let house = House::empty().await;
    let mut document = house.get("/config/managed").await.is(200).body;
    assert_eq!(document["objects"][0]["name"], "user");
    document["objects"].as_array_mut().unwrap().push(json!({
        "name": "device",
        "schema": {"order": ["name"], "required": ["name"], "properties": {"name": {"type": "string", "title": "Name", "searchable": true}}},
    }));
    house.send("PUT", "/config/managed", &document, &[]).await.is(200);
    house.post("/managed/device?_action=create", &json!({"name": "phone"})).await.is(201);
    assert_eq!(
        house.get("/managed/device?_queryFilter=name+eq+%22phone%22").await.is(200).body["resultCount"],
        1
    );
    house.post("/managed/device?_action=create", &json!({})).await.is(403);
    document["objects"].as_array_mut().unwrap().pop();
    house.send("PUT", "/config/managed", &document, &[]).await.is(409);
    house.send("PUT", "/config/managed", &json!({"objects": 3}), &[]).await.is(400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_is_refused_changes_nothing() {
    let house = House::connected(3).await;
    house
        .post(&format!("/recon?_action=recon&mapping={IN}&waitForCompletion=true"), &Value::Null)
        .await
        .is(200);
    let sync = house.get("/config/sync").await.is(200).body;
    let (inbound, outbound) = (&sync["mappings"][0], &sync["mappings"][1]);
    let named = |name: &str| {
        let mut mapping = inbound.clone();
        mapping["name"] = name.into();
        mapping
    };
    for (mappings, words) in [
        (json!([inbound, inbound]), "stands twice"),
        (json!([inbound, named(&IN.to_uppercase())]), "stands twice"),
        (json!([inbound, outbound, named("")]), "cannot be used"),
        (json!([inbound, outbound, named("a b/../c")]), "cannot be used"),
        (json!([outbound]), "does not exist"),
    ] {
        house.send("PUT", "/config/sync", &json!({"mappings": mappings}), &[]).await.is(400).says(&[words]);
        assert_eq!(house.get("/config/sync").await.is(200).body, sync, "{words}");
    }
    let again = house
        .post(&format!("/recon?_action=recon&mapping={IN}&waitForCompletion=true"), &Value::Null)
        .await
        .is(200);
    assert_eq!(again.body["state"], "SUCCESS");

    let device = |searchable: bool| {
        json!({"name": "device", "schema": {"order": ["name"], "properties": {
            "name": {"type": "string", "title": "Name", "searchable": searchable}}}})
    };
    let user = house.get("/config/managed").await.is(200).body["objects"][0].clone();
    let managed = |types: Value| json!({"objects": types});
    house.send("PUT", "/config/managed", &managed(json!([user, device(true)])), &[]).await.is(200);
    house.post("/managed/device?_action=create", &json!({"name": "phone"})).await.is(201);
    let before = house.get("/config/managed").await.is(200).body;
    let mut changed = user.clone();
    changed["schema"]["properties"]["shoe"] = json!({"type": "string", "title": "Shoe"});
    changed["schema"]["order"].as_array_mut().unwrap().push("shoe".into());
    let new =
        json!({"name": "room", "schema": {"order": ["name"], "properties": {"name": {"type": "string"}}}});
    for (types, status) in [
        (json!([changed, new]), 409),
        (json!([changed, device(true), new, new]), 400),
        (json!([changed, device(true), {"name": "a b", "schema": {"properties": {}}}]), 400),
    ] {
        house.send("PUT", "/config/managed", &managed(types), &[]).await.is(status);
        assert_eq!(house.get("/config/managed").await.is(200).body, before);
    }
    house.send("PUT", "/config/managed", &managed(json!([changed, device(true), new])), &[]).await.is(200);
    house.send("PUT", "/config/managed", &managed(json!([changed, device(true)])), &[]).await.is(200);
    house.get("/managed/room?_queryFilter=true").await.is(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_who_patch_at_once_all_change_it() {
    let house = House::connected(1).await;
    let schedule = json!({"enabled": false, "type": "cron", "schedule": "0 0 2 * * ?",
        "invokeService": "sync", "invokeContext": {"action": "reconcile", "mapping": IN}});
    house.send("PUT", "/config/schedule/nightly", &schedule, &[]).await.is(201);
    let key = |name: &str| json!([{"operation": "add", "field": format!("/{name}"), "value": true}]);
    let mapping = |name: &str| {
        json!([{"operation": "add", "field": "/mappings/-", "value":
            {"name": name, "source": "managed/user", "target": "system/hubspot/company", "enableSync": false}}])
    };
    let kind = |name: &str| {
        json!([{"operation": "add", "field": "/objects/-", "value":
            {"name": name, "schema": {"order": ["name"], "properties": {"name": {"type": "string"}}}}}])
    };
    let mapping_path = format!("/config/mapping/{IN}");
    let documents: [(&str, &dyn Fn(&str) -> Value); 5] = [
        (&mapping_path, &key),
        ("/config/provisioner.openicf/hubspot", &key),
        ("/config/schedule/nightly", &key),
        ("/config/sync", &mapping),
        ("/config/managed", &kind),
    ];
    for (path, patch) in documents {
        for round in 0..2 {
            let patches: Vec<(String, Value)> =
                (0..8).map(|n| format!("n{round}{n}")).map(|name| (name.clone(), patch(&name))).collect();
            let sent = patches.iter().map(|(_, patch)| house.send("PATCH", path, patch, &[]));
            for reply in futures::future::join_all(sent).await {
                reply.is(200);
            }
            let now = house.get(path).await.is(200).text;
            for (name, _) in &patches {
                assert!(now.contains(name), "{path}: {name} is missing: {now}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_order_of_sync_json_is_the_order_of_sync() {
    let house = House::connected(1).await;
    let sync = house.get("/config/sync").await.is(200).body;
    let names = |document: &Value| -> Vec<String> {
        let mappings = document["mappings"].as_array().unwrap();
        mappings.iter().map(|mapping| mapping["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&sync), [IN, OUT]);
    let mut turned = sync.clone();
    turned["mappings"].as_array_mut().unwrap().reverse();
    let put = house.send("PUT", "/config/sync", &turned, &[]).await.is(200);
    assert_eq!(names(&put.body), [OUT, IN]);
    assert_eq!(house.get("/sync/mappings?_queryFilter=true").await.is(200).column("name"), [OUT, IN]);
    let more = json!([{"operation": "add", "field": "/mappings/-", "value":
        {"name": "more", "source": "managed/user", "target": "system/hubspot/company", "enableSync": false}}]);
    let patched = house.send("PATCH", "/config/sync", &more, &[("if-match", "*")]).await.is(200);
    assert_eq!(names(&patched.body), [OUT, IN, "more"]);
    house.send("PATCH", "/config/sync", &more, &[("if-match", "\"1\"")]).await.is(412);
    house
        .send("PATCH", "/config/sync", &json!([{"operation": "remove", "field": "/mappings/0"}]), &[])
        .await
        .is(400);
}
