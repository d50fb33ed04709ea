//! Bearer tokens of scripts.

use api::{ApiScope, ScimProfile, dto::HistoryRequest};
use serde_json::{Value, json};

use crate::house::{House, IN, Reply};

#[tokio::test(flavor = "multi_thread")]
async fn a_token_opens_what_its_scope_says_until_it_is_revoked() {
    let house = House::connected(2).await;
    let full = house.app.api_token_create("nightly", ApiScope::Full).await.unwrap();
    let read = house.app.api_token_create("dashboard", ApiScope::Read).await.unwrap();
    let ask = async |method: &str, path: &str, token: &str, body: &Value| {
        let request = house.bare(method, path).bearer_auth(token);
        Reply::of(if body.is_null() { request } else { request.json(body) }).await
    };
    let ann = json!({"userName": "ann", "givenName": "Ann", "sn": "Lee", "mail": "ann@example.org"});
    let made = ask("POST", "/managed/user?_action=create", full.expose(), &ann).await.is(201);
    let id = made.body["_id"].as_str().unwrap().to_owned();
    let one = format!("/managed/user/{id}");
    let recon = format!("/recon?_action=recon&mapping={IN}&analyze=true");
    let mapping = format!("/config/mapping/{IN}");
    // method, path, what a token that only reads gets
    for (method, path, status) in [
        ("GET", one.as_str(), 200),
        ("GET", "/managed/user?_queryFilter=true", 200),
        ("GET", "/config/sync", 200),
        ("GET", "/openapi.json", 200),
        ("POST", "/system?_action=test", 200),
        ("POST", "/policy/managed/user/*?_action=validateObject", 200),
        ("GET", "/no/such/path", 404),
        ("POST", "/managed/user?_action=create", 403),
        ("PUT", one.as_str(), 403),
        ("PATCH", one.as_str(), 403),
        ("DELETE", one.as_str(), 403),
        ("POST", recon.as_str(), 403),
        ("DELETE", mapping.as_str(), 403),
        ("POST", "/system/hubspot/contact?_action=create", 403),
    ] {
        let body = if matches!(method, "POST" | "PUT" | "PATCH") { json!({}) } else { Value::Null };
        let reply = ask(method, path, read.expose(), &body).await.is(status);
        if status == 403 {
            reply.says(&["dashboard", "read"]);
        }
    }
    let signed_in = ("internal/role/openidm-authorized", "internal/role/openidm-admin");
    for (token, name, roles) in
        [(&read, "dashboard", json!([signed_in.0])), (&full, "nightly", json!([signed_in.1, signed_in.0]))]
    {
        let login = ask("GET", "/info/login", token.expose(), &Value::Null).await.body;
        assert_eq!((&login["authenticationId"], &login["authorization"]["roles"]), (&json!(name), &roles));
    }
    let step = json!([{"operation": "replace", "field": "sn", "value": "Berger"}]);
    ask("PATCH", &one, full.expose(), &step).await.is(200);

    // The history says whose token it was.
    let request = HistoryRequest { kind: "user".into(), id, attribute: None, after: None, limit: None };
    let history = house.app.object_history(request).await.unwrap();
    assert!(history.rows.iter().all(|row| row.who == "nightly"), "{history:?}");

    // A token opens its own part only.
    let scim = house.app.scim_token_create("idp", ScimProfile::Generic).await.unwrap();
    ask("GET", "/info/ping", scim.expose(), &Value::Null).await.is(401);
    let people = house.client.get(format!("{}/scim/v2/Users", house.server.url())).bearer_auth(full.expose());
    assert_eq!(people.send().await.unwrap().status(), 401);

    house.app.api_token_revoke("nightly").await.unwrap();
    ask("GET", "/info/ping", full.expose(), &Value::Null).await.is(401);
    ask("GET", "/info/ping", read.expose(), &Value::Null).await.is(200);
    assert!(house.app.api_token_revoke("nightly").await.is_err());
    assert!(house.app.api_token_create("dashboard", ApiScope::Full).await.is_err(), "the name is taken");
    for name in ["", "a b", "a/b"] {
        assert!(house.app.api_token_create(name, ApiScope::Full).await.is_err(), "{name}");
    }
    let stored = std::fs::read(house.folder.path().join("data/concord.db")).unwrap();
    let log = std::fs::read(house.folder.path().join("data/concord.db-wal")).unwrap_or_default();
    let token = read.expose().as_bytes();
    assert!(![stored, log].iter().any(|file| file.windows(token.len()).any(|part| part == token)));
}
