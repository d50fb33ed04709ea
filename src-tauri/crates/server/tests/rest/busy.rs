//! Everybody is answered while a run is going on: the run waits for a system that takes its time, and nobody waits for the run.

use std::time::Duration;

use api::ScimProfile;
use reqwest::Method;
use serde_json::{Value, json};
use server::ADMINISTRATOR;

use crate::house::{House, IN, PASSWORD, Reply};

/// What WSO2 waits for an answer; here it is only the bound beyond which the test has failed.
const PATIENCE: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread")]
async fn every_client_is_answered_while_a_run_is_going_on() {
    let house = House::connected(5).await;
    let slow = json!({"faults": [{"path": "*", "times": "always", "action": {"delay": {"ms": 600_000}}}]});
    let faults = house.client.post(format!("{}/__sandbox/faults", house.sandbox_url())).json(&slow);
    assert!(faults.send().await.unwrap().status().is_success());
    let run = house.post(&format!("/recon?_action=recon&mapping={IN}"), &Value::Null).await.is(200);
    let id = run.body["_id"].as_str().unwrap().to_owned();

    let url = house.server.url();
    let ask = async |method: &str, path: String, token: Option<&str>, body: Value| -> Reply {
        let request =
            house.client.request(Method::from_bytes(method.as_bytes()).unwrap(), format!("{url}{path}"));
        let request = match token {
            Some(token) => request.bearer_auth(token),
            None => request.basic_auth(ADMINISTRATOR, Some(PASSWORD)),
        };
        let request = if body.is_null() { request } else { request.json(&body) };
        tokio::time::timeout(PATIENCE, Reply::of(request))
            .await
            .unwrap_or_else(|_| panic!("{method} {path} waited for the run"))
    };
    let is = |reply: &Reply, status: u16| assert_eq!(reply.status, status, "{reply:#?}");
    for (profile, name) in [
        (ScimProfile::Generic, "generic"),
        (ScimProfile::Okta, "okta"),
        (ScimProfile::Entra, "entra"),
        (ScimProfile::Wso2, "wso2"),
    ] {
        let token = house.app.scim_token_create(name, profile).await.unwrap();
        let token = Some(token.expose());
        let found = ask("GET", "/scim/v2/Users?startIndex=1&count=2".into(), token, Value::Null).await;
        is(&found, 200);
        let person = json!({"userName": name, "name": {"givenName": "A", "familyName": "B"},
            "emails": [{"value": format!("{name}@example.org"), "type": "work", "primary": true}]});
        let made = ask("POST", "/scim/v2/Users".into(), token, person).await;
        is(&made, 201);
        let at = format!("/scim/v2/Users/{}", made.body["id"].as_str().unwrap());
        let off = json!({"Operations": [{"op": "Replace", "path": "active", "value": "False"}]});
        is(&ask("PATCH", at.clone(), token, off).await, 200);
        is(&ask("DELETE", at, token, Value::Null).await, 204);
    }
    let seed = "/hubspot/contacts";
    let user = json!({"schemas": ["urn:scim:schemas:core:1.0"], "userName": "robin", "password": "Secret 123",
        "name": {"givenName": "Robin", "familyName": "B"}, "emails": ["robin@example.org"]});
    is(&ask("POST", seed.into(), None, user).await, 201);
    let found = ask("GET", format!("{seed}?filter=userName%20Eq%20robin"), None, Value::Null).await;
    is(&found, 200);
    let at = format!("{seed}/{}", found.body["Resources"][0]["id"].as_str().unwrap());
    is(&ask("PATCH", at.clone(), None, json!({"name": {"familyName": "C"}})).await, 200);
    is(&ask("DELETE", at, None, Value::Null).await, 204);
    is(&ask("GET", "/openidm/managed/user?_queryFilter=true".into(), None, Value::Null).await, 200);

    let summary = house.get(&format!("/recon/{id}")).await.is(200);
    assert_eq!(summary.body["state"], "ACTIVE", "the run was still going on all the while");
    house.send("DELETE", &format!("/recon/{id}"), &Value::Null, &[]).await.is(409).says(&["cancel"]);
    house.post(&format!("/recon/{id}?_action=cancel"), &Value::Null).await.is(200);
}
