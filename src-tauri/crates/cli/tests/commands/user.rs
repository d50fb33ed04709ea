//! `concord user`.

use sandbox::hubspot::{Action, Fault};
use serde_json::{Value, json};

use crate::house::{House, IN, OUT};

fn ada() -> Value {
    json!({"userName": "ada", "givenName": "Ada", "sn": "Lind", "mail": "ada.lind@example.com", "city": "Oslo"})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_is_made_changed_and_deleted_and_hubspot_follows() {
    let house = House::connected(0).await;
    let file = house.file("ada.json", &ada());
    let made = house.json(0, &["user", "create", &file]);
    let id = made["user"]["_id"].as_str().unwrap();
    assert_eq!(made["user"]["mail"], "ada.lind@example.com");
    assert_eq!(made["sync"][0]["mapping"], OUT);
    assert_eq!(made["sync"][0]["target"], "system/hubspot/contact");
    assert_eq!(made["sync"][0]["state"], "synced", "{made}");
    let contact = &house.portal().contacts()[0];
    assert_eq!(contact.properties["email"], "ada.lind@example.com");

    let set = house.json(0, &["user", "set", id, "city=Bergen", "postalCode=05003"]);
    assert_eq!((&set["user"]["city"], &set["user"]["postalCode"]), (&json!("Bergen"), &json!("05003")));
    let contact = house.portal().contact(&contact.id).unwrap();
    assert_eq!(
        (contact.properties["city"].as_str(), contact.properties["zip"].as_str()),
        ("Bergen", "05003")
    );

    house.json(0, &["user", "set", id, "city="]);
    assert!(house.json(0, &["user", "get", id]).get("city").is_none(), "emptied");
    let city = house.portal().contact(&contact.id).unwrap().properties.get("city").cloned();
    assert_eq!(city.unwrap_or_default(), "", "and in HubSpot too");

    let words = house.concord(&["user", "set", id, "title=Analyst"]).exits(0).out;
    assert!(words.contains("changed") && words.contains("system/hubspot/contact"), "{words}");
    let words = house.concord(&["user", "get", id]).exits(0).out;
    assert!(words.contains("Analyst") && words.contains(&contact.id), "{words}");

    // A preview of a run back sees its own echo and nothing else.
    let echo = house.json(0, &["recon", IN, "--preview"]);
    assert_eq!(echo["concord"]["planned"]["update"], 0, "{echo}");

    let deleted = house.json(0, &["user", "delete", id]);
    assert_eq!(deleted["user"]["_id"], id);
    assert_eq!(deleted["sync"][0]["state"], "synced", "{deleted}");
    assert!(house.portal().contacts().is_empty(), "the contact followed");
    house.concord(&["user", "get", id]).exits(1).says(&[id]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn users_are_listed_in_idms_shape() {
    let house = House::connected(1200).await;
    assert_eq!(
        house.json(0, &["user", "list"]),
        json!({"result": [], "resultCount": 0, "pagedResultsCookie": null, "totalPagedResultsPolicy": "NONE", "totalPagedResults": -1, "remainingPagedResults": -1})
    );
    let nobody = house.concord(&["user", "list"]).exits(0);
    assert!(nobody.out.is_empty() && nobody.err.contains("No users"), "{nobody:?}");

    let created = house.json(0, &["recon", IN])["progress"]["target"]["created"].as_u64().unwrap();
    assert!(created > 1000, "more than a page: {created}");
    let all = house.json(0, &["user", "list", "--fields", "mail"]);
    assert_eq!(all["resultCount"], created);
    let rows = all["result"].as_array().unwrap();
    assert_eq!(rows.len() as u64, created);
    let mut ids: Vec<&str> = rows.iter().filter_map(|r| r["_id"].as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len() as u64, created, "each once");
    let keys: Vec<&String> = rows[0].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["_id", "_rev", "mail"]);

    for limit in [0, 1, 7, 1001] {
        let some = house.json(0, &["user", "list", "--limit", &limit.to_string()]);
        assert_eq!((&some["resultCount"], some["result"].as_array().unwrap().len()), (&json!(limit), limit));
    }
    let none = house.concord(&["user", "list", "--limit", "0"]).exits(0);
    assert!(none.out.is_empty() && none.err.is_empty(), "nobody said that there is nobody: {none:?}");
    let mail = rows[5]["mail"].as_str().unwrap();
    let one = house.json(0, &["user", "list", "--filter", &format!("mail eq \"{mail}\"")]);
    assert_eq!(one["result"][0]["_id"], rows[5]["_id"]);
    let words = house.concord(&["user", "list", "--limit", "2", "--fields", "sn,mail"]).exits(0).out;
    assert_eq!(words.lines().count(), 3, "{words}");
    assert!(words.starts_with("_id"), "{words}");

    let wrong = house.concord(&["--json", "user", "list", "--filter", "mail == 3"]).exits(1);
    assert!(wrong.out.is_empty() && wrong.err.starts_with("concord: "), "{wrong:?}");
}

#[test]
fn policies_are_told_each_and_nothing_is_kept() {
    let house = House::empty();
    let refused = house
        .concord_with_input(&["user", "create", "-"], r#"{"userName": "x", "mail": "nonsense"}"#)
        .exits(1);
    for property in ["givenName", "sn", "mail"] {
        assert!(refused.err.contains(property), "{property}: {refused:?}");
    }
    assert_eq!(house.json(0, &["user", "list"])["resultCount"], 0);

    let made =
        house.concord_with_input(&["--json", "user", "create", "-"], &ada().to_string()).exits(0).json();
    assert_eq!(made["sync"], json!([]), "no mapping, no target");
    let twin = house.concord_with_input(&["user", "create", "-"], &ada().to_string()).exits(1);
    assert!(twin.err.contains("`ada` is taken"), "{twin:?}");
    let id = made["user"]["_id"].as_str().unwrap();
    house.concord(&["user", "set", id, "mail=nonsense"]).exits(1).says(&["mail"]);
    assert_eq!(house.json(0, &["user", "get", id])["mail"], ada()["mail"]);
}

#[test]
fn bad_input_is_refused() {
    let house = House::empty();
    for (input, words) in
        [("[]", &["JSON object"][..]), ("{", &["not valid JSON"]), ("", &["not valid JSON"])]
    {
        house.concord_with_input(&["user", "create", "-"], input).exits(1).says(words);
    }
    for arguments in
        [&["user", "get", "ghost"][..], &["user", "set", "ghost", "sn=x"], &["user", "delete", "ghost"]]
    {
        house.concord(arguments).exits(1).says(&["ghost"]);
    }
    for arguments in
        [&["user", "set", "id"][..], &["user", "set", "id", "sn"], &["user", "list", "--limit", "-1"]]
    {
        house.concord(arguments).exits(2);
    }
    let own = house.concord(&["user", "set", "id", "sn=x", "_rev=x"]).exits(2);
    assert!(own.err.contains("`_rev` cannot be set"), "{own:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_that_fails_does_not_undo_the_change() {
    let house = House::connected(0).await;
    house.portal().add_fault(
        Fault::on("/crm/*", Action::Answer { status: 401, body: None, headers: Default::default() })
            .times(u64::MAX),
    );
    let file = house.file("ada.json", &ada());
    let made = house.json(3, &["user", "create", &file]);
    assert_eq!(made["sync"][0]["state"], "failed");
    assert!(made["sync"][0]["message"].as_str().is_some_and(|m| !m.is_empty()));
    assert_eq!(house.user("userName eq \"ada\"")["city"], "Oslo");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_waiting_the_change_stays_in_the_queue() {
    let house = House::connected(0).await;
    let file = house.file("ada.json", &ada());
    let made = house.json(0, &["user", "create", &file, "--no-wait"]);
    assert_eq!(made["sync"][0]["state"], "waiting");
    assert!(house.portal().contacts().is_empty());
    assert_eq!(house.json(0, &["queue", "list"]).as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn history_tells_who_changed_what_and_a_password_is_never_told() {
    let house = House::connected(0).await;
    let mut ada = ada();
    ada["password"] = json!("Open-Sesame-1");
    let file = house.file("ada.json", &ada);
    let made = house.json(0, &["user", "create", &file]);
    let id = made["user"]["_id"].as_str().unwrap();
    let words = house.concord(&["user", "get", id]).exits(0).out;
    assert!(words.contains("NOT SHOWN") && words.contains("password"), "{words}");
    house.json(0, &["user", "set", id, "city=Bergen", "password=Open-Sesame-2"]);
    house.json(0, &["user", "delete", id]);
    let rows = house.json(0, &["user", "history", id, "--limit", "2"]);
    let of = |attribute: &str| -> Vec<(Value, Value)> {
        let rows = rows.as_array().unwrap().iter().filter(|row| row["attribute"] == attribute);
        rows.map(|row| (row["before"].clone(), row["after"].clone())).collect()
    };
    assert_eq!(of("city"), [(json!("Bergen"), json!(null)), (json!("Oslo"), json!("Bergen"))]);
    let hidden = json!("(not shown)");
    assert_eq!(of("password"), [(hidden.clone(), json!(null)), (hidden.clone(), hidden)]);
    let words = house.concord(&["user", "history", id]).exits(0).out;
    assert!(words.contains("WHO") && !words.contains("Sesame"), "{words}");
    house.concord(&["user", "history", "nobody"]).exits(0);
    let error =
        house.concord(&["user", "create", &house.file("bad.json", &json!({"password": "x"}))]).exits(1).err;
    assert!(error.contains("First Name is required") && error.contains("at least 8 characters"), "{error}");
}
