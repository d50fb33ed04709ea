//! `concord api-token` and `admin-password`, beside a running `concord serve`.

use crate::{house::House, serve::Running};

#[test]
fn tokens_are_made_listed_and_revoked() {
    let house = House::empty();
    let empty = house.concord(&["api-token", "list"]).exits(0);
    assert!(empty.err.contains("api-token create"), "{empty:#?}");
    let made = house.json(0, &["api-token", "create", "nightly"]);
    let token = made["token"].as_str().unwrap().to_owned();
    assert_eq!((&made["name"], &made["scope"]), (&"nightly".into(), &"full".into()));
    let plain = house.concord(&["api-token", "create", "dashboard", "--scope", "read"]).exits(0);
    assert!(plain.out.starts_with("concord-api-") && plain.err.contains("shown this once"), "{plain:#?}");
    let listed = house.concord(&["api-token", "list"]).exits(0);
    assert!(listed.out.contains("dashboard  read") && !listed.out.contains(&token), "{listed:#?}");
    house.concord(&["api-token", "create", "nightly"]).exits(1).says(&["API token", "nightly", "revoke"]);
    house.concord(&["api-token", "create", "a b"]).exits(1).says(&["letters"]);
    house.concord(&["api-token", "create", "x", "--scope", "some"]).exits(2);
    house.concord(&["api-token", "revoke", "nobody"]).exits(1).says(&["nobody"]);
    house.concord(&["api-token", "revoke", "dashboard"]).exits(0);
    assert_eq!(house.json(0, &["api-token", "list"]).as_array().map(Vec::len), Some(1));
}

#[cfg(unix)]
#[test]
fn what_is_made_or_revoked_beside_the_server_counts_at_once() {
    let house = House::empty();
    let running = Running::start(&house, &[]);
    let first = running.password().unwrap().to_owned();
    let made = house.json(0, &["api-token", "create", "dashboard", "--scope", "read"]);
    let token = format!("Bearer {}", made["token"].as_str().unwrap());
    assert_eq!(running.status("GET", "/openidm/info/ping", &token), "200");
    assert_eq!(running.status("DELETE", "/openidm/managed/user/x", &token), "403", "it may only read");
    assert_eq!(running.status("GET", "/scim/v2/Users", &token), "401", "REST alone");
    house.concord(&["api-token", "revoke", "dashboard"]).exits(0);
    assert_eq!(running.status("GET", "/openidm/info/ping", &token), "401");

    assert_eq!(running.ping(&first), "200");
    let changed = house.concord(&["admin-password"]).exits(0);
    let second = changed.out.trim();
    assert!(second.len() >= 32 && changed.err.contains("shown this once"), "{changed:#?}");
    assert_eq!((running.ping(&first), running.ping(second)), ("401".into(), "200".into()));
    let third = house.json(0, &["admin-password"]);
    assert_eq!(third["user"], "openidm-admin");
    assert_eq!(running.ping(second), "401");
    assert_eq!(running.ping(third["password"].as_str().unwrap()), "200");
    assert_eq!(running.end("-TERM"), 0);
}
