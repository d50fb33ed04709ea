//! `concord run`.

use serde_json::json;

use crate::house::{House, IN};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_is_looked_at_and_carried_out() {
    let house = House::connected(12).await;
    assert_eq!(house.json(0, &["run", "list"]), json!([]));
    let nothing = house.concord(&["run", "list"]).exits(0);
    assert!(nothing.out.is_empty() && nothing.err.contains("recon"), "{nothing:?}");

    let preview = house.json(0, &["recon", IN, "--preview"]);
    let id = preview["_id"].as_str().unwrap();
    let planned = preview["concord"]["planned"]["create"].as_u64().unwrap();
    assert_eq!(house.json(0, &["run", "show", id])["_id"], id);
    assert!(house.concord(&["run", "show", id]).exits(0).out.contains("nothing was written"));

    let entries = house.json(0, &["run", "entries", id, "--situation", "absent"]);
    assert_eq!(entries.as_array().unwrap().len() as u64, planned);
    for key in [
        "reconId",
        "mapping",
        "situation",
        "action",
        "linkQualifier",
        "sourceObjectId",
        "targetObjectId",
        "ambiguousTargetObjectIds",
        "status",
        "message",
        "messageDetail",
        "changes",
        "reason",
    ] {
        assert!(entries[0].get(key).is_some(), "{key} is missing: {}", entries[0]);
    }
    assert_eq!(entries[0]["reconId"], id);
    let change = &entries[0]["changes"][0];
    assert!(
        change["attribute"].is_string() && change.get("before").is_some() && change.get("after").is_some()
    );
    assert_eq!(house.json(0, &["run", "entries", id, "--failed"]), json!([]));
    let words = house.concord(&["run", "entries", id]).exits(0).out;
    assert!(
        words.starts_with("SITUATION") && words.contains("ABSENT") && words.contains("mail: null -> "),
        "{words}"
    );

    let applied = house.json(0, &["run", "apply", id]);
    assert_eq!((&applied["_id"], &applied["progress"]["target"]["created"]), (&json!(id), &json!(planned)));
    assert_eq!(house.json(0, &["user", "list"])["resultCount"], planned);
    house.concord(&["run", "apply", id]).exits(1).says(&[id, "has ended"]);
    house.concord(&["run", "cancel", id]).exits(1).says(&[id, "has ended"]);

    let list = house.json(0, &["run", "list"]);
    assert_eq!((&list[0]["_id"], &list[0]["state"]), (&json!(id), &json!("SUCCESS")));
    assert!(house.concord(&["run", "list"]).exits(0).out.contains("finished"));
}

/// Whoever reads what came of a plan sees that nothing was done any more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_plan_left_out_is_told() {
    let house = House::connected(12).await;
    let preview = house.json(0, &["recon", IN, "--preview"]);
    let id = preview["_id"].as_str().unwrap();
    let planned = preview["concord"]["planned"]["create"].as_u64().unwrap();
    house.concord(&["recon", IN]).exits(0);
    let applied = house.concord(&["run", "apply", id]).exits(0);
    let words = format!("left out {planned} because of what changed meanwhile");
    assert!(applied.out.contains("created 0") && applied.out.contains(&words), "{applied:?}");
    assert_eq!(house.json(0, &["run", "show", id])["concord"]["stale"], planned);
    let list = house.concord(&["run", "list"]).exits(0).out;
    let row: Vec<&str> = list.lines().find(|row| row.starts_with(id)).unwrap().split_whitespace().collect();
    assert_eq!(row[5], "0", "{list}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_is_discarded() {
    let house = House::connected(4).await;
    let preview = house.json(0, &["recon", IN, "--preview"]);
    let id = preview["_id"].as_str().unwrap();
    assert_eq!(
        house.json(0, &["run", "cancel", id]),
        json!({"_id": id, "action": "cancel", "status": "SUCCESS"})
    );
    house.concord(&["run", "apply", id]).exits(1).says(&["has ended"]);
    assert_eq!(house.json(0, &["run", "show", id])["state"], "CANCELED");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_is_taken_back() {
    let house = House::connected(6).await;
    let run = house.json(0, &["recon", IN]);
    let created = run["progress"]["target"]["created"].as_u64().unwrap();
    assert!(created > 0);
    let id = run["_id"].as_str().unwrap();
    // The mapping allows no delete, and taking back a create is one.
    house.concord(&["run", "undo", id, "--preview"]).exits(4);
    assert_eq!(house.json(0, &["user", "list"])["resultCount"], created);
    let undone = house.json(0, &["run", "undo", id, "--allow", &format!("deletes={}", created * 2)]);
    assert_eq!(undone["progress"]["target"]["deleted"], created, "{undone}");
    assert_eq!(house.json(0, &["user", "list"])["resultCount"], 0);
}

/// An undo is told from a reconciliation, and so is the undo of an undo.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_undo_names_what_it_takes_back() {
    let house = House::connected(4).await;
    let run = house.json(0, &["recon", IN]);
    let id = run["_id"].as_str().unwrap();
    assert_eq!(run["concord"]["undoes"], json!(null));
    let undo = house.json(0, &["run", "undo", id, "--allow", "deletes=100"]);
    let undo_id = undo["_id"].as_str().unwrap();
    let redo = house.json(0, &["run", "undo", undo_id, "--preview"]);
    let redo_id = redo["_id"].as_str().unwrap();
    let list = house.concord(&["run", "list"]).exits(0).out;
    for (run, what, undone) in [(undo_id, "undo", id), (redo_id, "undo preview", undo_id)] {
        assert_eq!(house.json(0, &["run", "show", run])["concord"]["undoes"], undone);
        let row = list.lines().find(|row| row.starts_with(run)).unwrap();
        assert!(row.contains(&format!("{IN}  {what}  ")), "{list}");
        let words = house.concord(&["run", "show", run]).exits(0).out;
        assert!(words.starts_with(&format!("{what} of {IN}: ")), "{words}");
        assert!(words.contains(&format!("(run {run}, takes back run {undone})")), "{words}");
    }
    house.json(0, &["run", "apply", redo_id]);
    let words = house.concord(&["run", "show", redo_id]).exits(0).out;
    assert!(words.starts_with(&format!("undo of {IN}: finished")), "{words}");
}

#[test]
fn unknown_runs_are_named() {
    let house = House::empty();
    for verb in ["show", "entries", "apply", "undo", "cancel"] {
        let ran =
            house.concord(&["--json", "run", verb, "ghost"]).exits(1).says(&["ghost", "concord run list"]);
        assert!(ran.out.is_empty(), "{ran:?}");
    }
}
