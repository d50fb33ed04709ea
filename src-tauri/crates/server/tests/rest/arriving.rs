//! What arrives through SCIM goes on to HubSpot, by each of the choices that WSO2 has for it: blocking or not, rules, and
//! just-in-time provisioning off.

use std::collections::BTreeSet;

use api::{
    ScimProfile,
    dto::{ById, MappingDraft},
};
use model::Secret;
use serde_json::{Value, json};

use crate::house::{House, OUT, Reply, until};

/// A house with an empty HubSpot, the outbound mapping changed, and WSO2's token.
async fn house(change: impl Fn(&mut Value)) -> (House, Secret) {
    let house = House::connected(0).await;
    let config = house.app.mapping_config(OUT).await.unwrap();
    let mut config = serde_json::to_value(config).unwrap();
    change(&mut config);
    house.app.mapping_save(MappingDraft { create: false, rev: None, config }).await.unwrap();
    let token = house.app.scim_token_create("wso2", ScimProfile::Wso2).await.unwrap();
    (house, token)
}

fn person(name: &str, city: &str) -> Value {
    json!({"schemas": [], "userName": format!("PRIMARY/{name}"), "emails": [format!("{name}@example.org")],
        "name": {"givenName": "Robin", "familyName": "B"}, "addresses": [{"type": "work", "locality": city}]})
}

async fn send(house: &House, token: &Secret, method: &str, path: &str, body: &Value) -> Reply {
    let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
    let request = house.client.request(method, format!("{}/scim/v2{path}", house.server.url()));
    Reply::of(request.bearer_auth(token.expose()).json(body)).await
}

/// Sends somebody; gives where they are.
async fn arrives(house: &House, token: &Secret, name: &str, city: &str) -> String {
    let made = send(house, token, "POST", "/Users", &person(name, city)).await;
    assert_eq!(made.status, 201, "{made:#?}");
    format!("/Users/{}", made.body["id"].as_str().unwrap())
}

/// What HubSpot has: address and last name of everybody.
fn there(house: &House) -> BTreeSet<(String, String)> {
    let value = |copy: &sandbox::hubspot::RecordCopy, name: &str| {
        copy.properties.get(name).cloned().unwrap_or_default()
    };
    house.contacts().iter().map(|copy| (value(copy, "email"), value(copy, "lastname"))).collect()
}

fn named(people: &[(&str, &str)]) -> BTreeSet<(String, String)> {
    people.iter().map(|(name, last)| (format!("{name}@example.org"), (*last).to_owned())).collect()
}

fn family_name(name: &str) -> Value {
    json!({"Operations": [{"op": "replace", "path": "name.familyName", "value": name}]})
}

async fn faults(house: &House, faults: Value) {
    let request = house
        .client
        .post(format!("{}/__sandbox/faults", house.sandbox_url()))
        .json(&json!({"faults": faults}));
    assert!(request.send().await.unwrap().status().is_success());
}

#[tokio::test(flavor = "multi_thread")]
async fn blocking_answers_when_hubspot_has_it() {
    let (house, token) = house(|mapping| mapping["syncMode"] = "blocking".into()).await;
    let at = arrives(&house, &token, "robin", "Bern").await;
    assert_eq!(there(&house), named(&[("robin", "B")]), "before the answer, not after it");
    let changed = send(&house, &token, "PATCH", &at, &family_name("Berger")).await;
    assert_eq!(changed.status, 200, "{changed:#?}");
    assert_eq!(there(&house), named(&[("robin", "Berger")]));
    // What HubSpot refuses is no reason to lose who arrived: it waits in the queue.
    let refusal = json!({"answer": {"status": 403, "body": {"category": "MISSING_SCOPES", "message": "no"}}});
    faults(&house, json!([{"path": "*", "times": "always", "action": refusal}])).await;
    arrives(&house, &token, "eve", "Bern").await;
    assert_eq!(there(&house), named(&[("robin", "Berger")]));
    let waiting = house.app.queue_rows().await.unwrap();
    assert_eq!(waiting.len(), 1, "{waiting:#?}");
    faults(&house, json!([])).await;
    house.app.queue_retry(ById { id: waiting[0].id.clone() }).await.unwrap();
    until("the queue carries it", async || there(&house) == named(&[("robin", "Berger"), ("eve", "B")]))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_blocking_the_answer_does_not_wait_for_hubspot() {
    let (house, token) = house(|_| ()).await;
    arrives(&house, &token, "robin", "Bern").await;
    until("it goes on by itself", async || {
        there(&house) == named(&[("robin", "B")]) && house.app.queue_rows().await.unwrap().is_empty()
    })
    .await;
    let slow = json!({"delay": {"ms": 600_000}});
    faults(&house, json!([{"path": "*", "times": "always", "action": slow}])).await;
    // Longer than HubSpot's delay nobody could wait here.
    arrives(&house, &token, "eve", "Bern").await;
    assert_eq!(there(&house), named(&[("robin", "B")]));
    assert_eq!(house.app.queue_rows().await.unwrap().len(), 1, "it is on its way");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_decides_who_goes_on() {
    let (house, token) = house(|mapping| {
        mapping["syncMode"] = "blocking".into();
        mapping["sourceCondition"] = "/source/city eq \"Bern\"".into();
        for policy in mapping["policies"].as_array_mut().unwrap() {
            if policy["situation"] == "UNQUALIFIED" {
                policy["action"] = "DELETE".into();
            }
        }
    })
    .await;
    let robin = arrives(&house, &token, "robin", "Bern").await;
    let eve = arrives(&house, &token, "eve", "Ulm").await;
    assert_eq!(there(&house), named(&[("robin", "B")]));
    let moves = |city: &str| json!({"Operations": [{"op": "Replace", "path": "addresses[type eq \"work\"].locality", "value": city}]});
    assert_eq!(send(&house, &token, "PATCH", &eve, &moves("Bern")).await.status, 200);
    assert_eq!(there(&house), named(&[("robin", "B"), ("eve", "B")]), "who comes under the rule goes on");
    assert_eq!(send(&house, &token, "PATCH", &robin, &moves("Ulm")).await.status, 200);
    assert_eq!(there(&house), named(&[("eve", "B")]), "who leaves it is handled by UNQUALIFIED");
}

#[tokio::test(flavor = "multi_thread")]
async fn with_just_in_time_off_the_next_run_carries_it() {
    let (house, token) = house(|mapping| mapping["enableSync"] = false.into()).await;
    arrives(&house, &token, "robin", "Bern").await;
    assert_eq!(house.app.queue_rows().await.unwrap().len(), 0, "nothing waits to be sent");
    assert_eq!(there(&house), named(&[]));
    house
        .post(&format!("/recon?_action=recon&mapping={OUT}&waitForCompletion=true"), &Value::Null)
        .await
        .is(200);
    assert_eq!(there(&house), named(&[("robin", "B")]));
}
