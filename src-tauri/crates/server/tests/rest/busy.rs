//! Everybody is answered while a run is going on: the run waits for a system that takes its time, and nobody waits for the run.

use std::time::Duration;

use api::ScimProfile;
use reqwest::Method;
use serde_json::{Value, json};
use server::ADMINISTRATOR;

use crate::house::{House, IN, PASSWORD, Reply};

/// What WSO2 waits for an answer; here it is only the bound beyond which the test has failed.
const PATIENCE: Duration = Duration::from_secs(5);

/// Contacts of the run that is going on while calls are made: many more than it reads, plans and writes in the meantime.
const CROWD: usize = 20_000;

#[tokio::test(flavor = "multi_thread")]
async fn calls_are_answered_while_twenty_thousand_contacts_come_in() {
    let house = House::connected(CROWD).await;
    house.user("ann").await;
    let run = house.post(&format!("/recon?_action=recon&mapping={IN}"), &Value::Null).await.is(200);
    let id = run.body["_id"].as_str().unwrap().to_owned();
    let state = async || house.get(&format!("/recon/{id}")).await.is(200).body;
    let step = json!([{"operation": "replace", "field": "sn", "value": "Berger"}]);
    let calls = [
        ("GET", "/info/ping", Value::Null),
        ("GET", "/managed/user?_queryFilter=userName+sw+%22a%22&_pageSize=5", Value::Null),
        ("POST", "/managed/user?_action=patch&_queryId=for-userName&uid=ann", step),
        ("GET", "/recon", Value::Null),
        ("GET", "/sync/mappings?_queryFilter=true", Value::Null),
        ("GET", "/config/sync", Value::Null),
        ("POST", "/system?_action=test", Value::Null),
        ("GET", "/system/hubspot/contact?_queryFilter=true&_pageSize=2", Value::Null),
    ];
    // Round after round, until the run writes.
    let mut rounds = 0;
    loop {
        let before = state().await;
        for (method, path, body) in &calls {
            let reply = tokio::time::timeout(PATIENCE, house.send(method, path, body, &[]))
                .await
                .unwrap_or_else(|_| panic!("{method} {path} waited for the run, {}", before["stage"]));
            reply.is(200);
        }
        if state().await["state"] != "ACTIVE" {
            break;
        }
        rounds += 1;
        if before["stage"] == "ACTIVE_RECONCILING_TARGET" {
            break;
        }
    }
    assert!(rounds > 0, "no round of calls was answered before the run was over");
    if state().await["state"] == "ACTIVE" {
        house.post(&format!("/recon/{id}?_action=cancel"), &Value::Null).await;
    }
    house.app.run_wait(&id, |_| ()).await.unwrap();
}

/// What each client sends while it provisions somebody, in its own way: method, path, body, status of the answer.
fn wire(profile: ScimProfile, name: &str) -> Vec<(&'static str, String, Value, u16)> {
    let operations = |operations: Value| json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations});
    let person = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": name, "active": true, "roles": [],
        "name": {"givenName": "A", "familyName": "B"}, "meta": {"resourceType": "User"},
        "emails": [{"value": format!("{name}@example.org"), "type": "work", "primary": true}]});
    let team = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group",
        "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"],
        "displayName": format!("{name}-team"), "externalId": name});
    let users = || "/Users".to_owned();
    let (user, group) = ("/Users/{user}".to_owned(), "/Groups/{group}".to_owned());
    let by_name = format!("/Users?filter=userName eq \"{name}\"");
    let mut requests = match profile {
        ScimProfile::Generic => vec![
            ("GET", by_name, Value::Null, 200),
            ("POST", users(), person.clone(), 201),
            ("PUT", user.clone(), person, 200),
            ("POST", "/Groups".into(), team, 201),
            ("POST", "/.search".into(), json!({"filter": "userName pr or displayName pr"}), 200),
        ],
        ScimProfile::Okta => vec![
            ("GET", "/Users?startIndex=1&count=2".into(), Value::Null, 200),
            ("GET", format!("{by_name}&startIndex=1&count=100"), Value::Null, 200),
            ("POST", users(), person.clone(), 201),
            ("PUT", user.clone(), person, 200),
            ("PATCH", user.clone(), operations(json!([{"op": "replace", "value": {"active": false}}])), 200),
            ("POST", "/Groups".into(), json!({"displayName": format!("{name}-team"), "members": []}), 201),
            (
                "PATCH",
                group.clone(),
                operations(json!([{"op": "replace", "value": {"id": "x", "displayName": "Everybody"}}])),
                200,
            ),
            (
                "PATCH",
                group.clone(),
                operations(
                    json!([{"op": "add", "path": "members", "value": [{"value": "{user}", "display": name}]}]),
                ),
                200,
            ),
        ],
        ScimProfile::Entra => vec![
            (
                "GET",
                "/Users?filter=userName eq \"6b466a8c-2c1f-4f0f-9c0a-9d5d1a1c7f11\"".into(),
                Value::Null,
                200,
            ),
            ("POST", users(), person, 201),
            (
                "GET",
                format!("/Users?filter=emails[type eq \"work\"].value eq \"{name}@example.org\""),
                Value::Null,
                200,
            ),
            (
                "PATCH",
                user.clone(),
                operations(json!([
                    {"op": "Replace", "path": "active", "value": "False"},
                    {"op": "Add", "path": "emails[type eq \"home\"].value", "value": "h@example.org"},
                    {"op": "Replace", "path": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department", "value": "Sales"},
                ])),
                200,
            ),
            (
                "GET",
                format!("/Groups?excludedAttributes=members&filter=displayName eq \"{name}-team\""),
                Value::Null,
                200,
            ),
            ("POST", "/Groups".into(), team, 201),
            (
                "PATCH",
                group.clone(),
                operations(
                    json!([{"op": "Add", "path": "members", "value": [{"$ref": null, "value": "{user}"}]}]),
                ),
                204,
            ),
            (
                "PATCH",
                group.clone(),
                operations(json!([{"op": "Remove", "path": "members", "value": [{"value": "{user}"}]}])),
                204,
            ),
        ],
        ScimProfile::Wso2 => {
            let bare = json!({"schemas": [], "userName": format!("PRIMARY/{name}"), "emails": [format!("{name}@example.org")],
                "name": {"givenName": "A", "familyName": "B"}, "password": "Secret 123"});
            vec![
                ("POST", "/Users/".into(), bare.clone(), 201),
                ("GET", format!("/Users?filter=userName Eq {name}&startIndex=1&count=1"), Value::Null, 200),
                ("PUT", user.clone(), bare, 200),
                (
                    "PATCH",
                    user.clone(),
                    operations(json!([
                        {"op": "replace", "path": "name.givenName", "value": "Robin"},
                        {"op": "replace", "path": "emails", "value": ["r@example.org"]},
                        {"op": "replace", "path": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:organization", "value": "Acme"},
                    ])),
                    200,
                ),
                (
                    "POST",
                    "/Groups".into(),
                    json!({"displayName": "PRIMARY/sales", "members": [{"value": "{user}", "display": name}]}),
                    201,
                ),
                ("GET", "/Groups?filter=displayName Eq PRIMARY/sales".into(), Value::Null, 200),
                (
                    "PATCH",
                    group.clone(),
                    operations(json!([{"op": "remove", "path": "members[value eq \"{user}\"]"}])),
                    200,
                ),
            ]
        }
    };
    requests.push(("DELETE", group, Value::Null, 204));
    requests.push(("DELETE", user, Value::Null, 204));
    requests
}

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
    for profile in [ScimProfile::Generic, ScimProfile::Okta, ScimProfile::Entra, ScimProfile::Wso2] {
        let name = format!("{profile:?}").to_lowercase();
        let token = house.app.scim_token_create(&name, profile).await.unwrap();
        let (mut user, mut group) = (String::new(), String::new());
        for (method, path, body, status) in wire(profile, &name) {
            let path = format!("/scim/v2{}", path.replace("{user}", &user).replace("{group}", &group));
            let body = serde_json::from_str(&body.to_string().replace("{user}", &user)).unwrap();
            let reply =
                ask(method, path.replace(' ', "%20").replace('"', "%22"), Some(token.expose()), body).await;
            is(&reply, status);
            if status == 201 {
                let made = if path.ends_with("Groups") { &mut group } else { &mut user };
                *made = reply.body["id"].as_str().unwrap().to_owned();
            }
        }
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
