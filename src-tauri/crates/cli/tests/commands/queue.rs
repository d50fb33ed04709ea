//! `concord queue`.

use sandbox::hubspot::{Action, Fault};
use serde_json::json;

use crate::house::{House, OUT};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_failed_is_tried_again_or_dropped() {
    let house = House::connected(0).await;
    assert_eq!(house.json(0, &["queue", "list"]), json!([]));
    let broken = Fault::on("/crm/*", Action::Answer { status: 401, body: None, headers: Default::default() })
        .times(u64::MAX);
    house.portal().add_fault(broken);
    for name in ["ada", "ben"] {
        let user =
            json!({"userName": name, "givenName": name, "sn": "Lind", "mail": format!("{name}@example.com")});
        house.concord_with_input(&["user", "create", "-"], &user.to_string()).exits(3);
    }
    let rows = house.json(0, &["queue", "list"]);
    assert_eq!(rows.as_array().unwrap().len(), 2);
    assert_eq!(
        (&rows[0]["mapping"], &rows[0]["change"], &rows[0]["attempts"]),
        (&json!(OUT), &json!("create"), &json!(1))
    );
    assert!(rows[0]["message"].as_str().is_some_and(|m| !m.is_empty()), "{rows}");
    assert!(house.concord(&["queue", "list"]).exits(0).out.contains(OUT));

    let id = rows[0]["id"].as_str().unwrap();
    assert_eq!(house.json(3, &["queue", "retry", id]).as_array().unwrap().len(), 2, "still broken");
    house.portal().clear_faults();
    let dropped = rows[1]["id"].as_str().unwrap();
    house.json(0, &["queue", "discard", dropped]);
    assert_eq!(house.json(0, &["queue", "retry"]), json!([]));
    let mails: Vec<String> =
        house.portal().contacts().into_iter().filter_map(|c| c.properties.get("email").cloned()).collect();
    assert_eq!(mails, ["ada@example.com"]);
    let empty = house.concord(&["queue", "list"]).exits(0);
    assert!(empty.out.is_empty() && empty.err.contains("empty"), "{empty:?}");
}

#[test]
fn unknown_rows_are_named() {
    let house = House::empty();
    for arguments in [&["queue", "retry", "77"][..], &["queue", "discard", "77"], &["queue", "discard", "x1"]]
    {
        house.concord(arguments).exits(1).says(&[arguments[2]]);
    }
    house.concord(&["queue", "discard"]).exits(2);
}
