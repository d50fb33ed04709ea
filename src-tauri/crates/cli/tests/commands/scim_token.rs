//! `concord scim-token`, and its tokens against a running `concord serve`.

use crate::{house::House, serve::Running};

#[test]
fn tokens_are_made_listed_and_revoked() {
    let house = House::empty();
    assert_eq!(house.json(0, &["scim-token", "list"]), serde_json::json!([]));
    let made = house.json(0, &["scim-token", "create", "okta", "--profile", "okta"]);
    let token = made["token"].as_str().unwrap().to_owned();
    assert_eq!((&made["name"], &made["profile"]), (&"okta".into(), &"okta".into()));
    let plain = house.concord(&["scim-token", "create", "entra", "--profile", "entra"]).exits(0);
    assert!(plain.out.starts_with("concord-scim-") && plain.err.contains("shown this once"), "{plain:#?}");
    let listed = house.concord(&["scim-token", "list"]).exits(0);
    assert!(listed.out.contains("okta") && !listed.out.contains(&token), "{listed:#?}");
    assert_eq!(house.json(0, &["scim-token", "list"]).as_array().map(Vec::len), Some(2));
    house.concord(&["scim-token", "create", "okta"]).exits(1).says(&["okta", "revoke"]);
    house.concord(&["scim-token", "create", "a b"]).exits(1).says(&["letters"]);
    house.concord(&["scim-token", "create", "x", "--profile", "nobody"]).exits(2);
    house.concord(&["scim-token", "revoke", "nobody"]).exits(1).says(&["nobody"]);
    house.concord(&["scim-token", "revoke", "entra"]).exits(0);
    assert_eq!(house.json(0, &["scim-token", "list"]).as_array().map(Vec::len), Some(1));
}

#[cfg(unix)]
#[test]
fn a_token_that_is_made_or_revoked_beside_the_server_counts_at_once() {
    let house = House::empty();
    let running = Running::start(&house, &[]);
    let made = house.json(0, &["scim-token", "create", "wso2", "--profile", "wso2"]);
    let token = format!("Bearer {}", made["token"].as_str().unwrap());
    assert_eq!(running.status("GET", "/scim/v2/Users", &token), "200");
    assert_eq!(running.status("GET", "/openidm/info/ping", &token), "401", "SCIM alone");
    house.concord(&["scim-token", "revoke", "wso2"]).exits(0);
    assert_eq!(running.status("GET", "/scim/v2/Users", &token), "401");
    let list = house.json(0, &["mapping", "list"]);
    assert_eq!(list[0]["name"], "scimUser_managedUser", "the mapping of who arrives: {list:#}");
    let shown = house.json(0, &["mapping", "show", "scimUser_managedUser"]);
    assert_eq!((&shown["source"], &shown["target"]), (&"scim/User".into(), &"managed/user".into()));
    house.concord(&["recon", "scimUser_managedUser"]).exits(1).says(&["arrive"]);
    assert_eq!(running.end("-TERM"), 0);
}
