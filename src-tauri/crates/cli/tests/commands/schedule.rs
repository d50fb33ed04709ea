//! `concord schedule`.

use serde_json::{Value, json};

use crate::house::{House, IN};

fn nightly() -> Value {
    json!({
        "enabled": true, "type": "cron", "schedule": "0 0 2 * * ?", "timeZone": "Europe/Berlin", "persisted": true,
        "misfirePolicy": "fireAndProceed", "concurrentExecution": false, "invokeService": "sync",
        "invokeContext": {"action": "reconcile", "mapping": IN}, "invokeLogLevel": "info"
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_schedule_is_added_fired_switched_and_removed() {
    let house = House::connected(5).await;
    assert_eq!(house.json(0, &["schedule", "list"]), json!([]));
    let file = house.file("schedule-nightly.json", &nightly());
    assert_eq!(house.json(0, &["schedule", "add", &file]), json!({"name": "nightly", "result": "added"}));
    assert_eq!(house.json(0, &["schedule", "add", &file])["result"], "changed");

    let shown = house.json(0, &["schedule", "show", "nightly"]);
    assert_eq!((&shown["_id"], &shown["invokeLogLevel"]), (&json!("nightly"), &json!("info")));
    assert_eq!(shown["concord"]["words"], "At 02:00 (Europe/Berlin)");
    assert_eq!(shown["concord"]["next"].as_array().unwrap().len(), 5);
    let words = house.concord(&["schedule", "list"]).exits(0).out;
    assert!(words.contains("nightly") && words.contains("At 02:00"), "{words}");

    let run = house.json(0, &["schedule", "run", "nightly"]);
    assert_eq!((&run["mapping"], &run["state"]), (&json!(IN), &json!("SUCCESS")));
    let shown = house.json(0, &["schedule", "show", "nightly"]);
    assert_eq!(shown["concord"]["lastRun"], run["_id"]);

    house.concord(&["schedule", "disable", "nightly"]).exits(0);
    assert_eq!(house.json(0, &["schedule", "show", "nightly"])["enabled"], false);
    house.concord(&["schedule", "enable", "nightly"]).exits(0);
    house.concord(&["schedule", "remove", "nightly"]).exits(0);
    house.concord(&["schedule", "show", "nightly"]).exits(1).says(&["nightly", "concord schedule list"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_schedule_is_refused_with_what_would_be_right() {
    let house = House::connected(1).await;
    for (key, value, words) in [
        ("schedule", json!("0 2 * * *"), &["`0 0 2 * * *`"][..]),
        ("timeZone", json!("Mars/Olympus"), &["timeZone", "Europe/Berlin"]),
        ("invokeContext", json!({"action": "reconcile", "mapping": "ghost"}), &["`ghost`"]),
        ("misfirePolicy", json!("sometimes"), &["schedule-<name>.json"]),
    ] {
        let mut config = nightly();
        config[key] = value;
        let file = house.file("schedule-x.json", &config);
        house.concord(&["schedule", "add", &file]).exits(1).says(words);
    }
    let nameless = house.file("x.json", &nightly());
    house.concord(&["schedule", "add", &nameless]).exits(1).says(&["--name"]);
    house.concord(&["schedule", "add", &nameless, "--name", "x"]).exits(0);
    house.concord(&["schedule", "add", &nameless, "--name", "a/b"]).exits(1).says(&["`a/b`"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn schedules_come_with_an_idm_project_and_leave_with_one() {
    let house = House::connected(1).await;
    let conf = house.folder.path().join("idm/conf");
    std::fs::create_dir_all(&conf).unwrap();
    let scan = json!({"enabled": true, "schedule": "0 0 * * * ?", "invokeService": "taskscanner", "invokeContext": {"x": 1}});
    for (name, document) in [("nightly", nightly()), ("scan", scan.clone())] {
        std::fs::write(conf.join(format!("schedule-{name}.json")), document.to_string()).unwrap();
    }
    let report = house.json(0, &["import-idm", conf.to_str().unwrap()]);
    assert_eq!(
        report["schedules"],
        json!([
            {"name": "nightly", "file": "schedule-nightly.json", "result": "added", "runs": true},
            {"name": "scan", "file": "schedule-scan.json", "result": "added", "runs": false},
        ])
    );
    let note = &report["notes"][0];
    assert!(
        note["about"] == "schedule `scan`" && note["what"].as_str().unwrap().contains("`taskscanner`"),
        "{note}"
    );
    assert_eq!(house.json(0, &["import-idm", conf.to_str().unwrap()])["schedules"][0]["result"], "unchanged");

    let out = house.folder.path().join("out");
    house.concord(&["export-idm", out.to_str().unwrap()]).exits(0);
    let read = |name: &str| -> Value {
        serde_json::from_str(&std::fs::read_to_string(out.join("conf").join(name)).unwrap()).unwrap()
    };
    assert_eq!(read("schedule-nightly.json"), nightly());
    for (key, value) in scan.as_object().unwrap() {
        assert_eq!(&read("schedule-scan.json")[key], value);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn entries_are_printed_for_spreadsheets() {
    let house = House::connected(4).await;
    let preview = house.json(0, &["recon", IN, "--preview"]);
    let id = preview["_id"].as_str().unwrap();
    let table = house.concord(&["run", "entries", id, "--csv"]).exits(0).out;
    let lines: Vec<&str> = table.split("\r\n").collect();
    assert!(lines[0].starts_with("record,situation,action,state,"), "{table}");
    assert!(lines[1].contains(",ABSENT,CREATE,planned,"), "{table}");
    let wrong = house.concord(&["--json", "run", "entries", id, "--csv"]).exits(2);
    assert!(wrong.err.contains("--csv and --json"), "{wrong:?}");
}
