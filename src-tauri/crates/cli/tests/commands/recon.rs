//! `concord recon`.

use std::{
    process::{Child, Command, Stdio},
    time::Duration,
};

use sandbox::hubspot::{Action, Fault, Options};
use serde_json::{Value, json};

use crate::house::{House, IN, OUT, Ran, inbound};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn preview_writes_nothing_and_a_second_run_changes_nothing() {
    let house = House::connected(20).await;
    let with_mail =
        house.portal().contacts().iter().filter(|c| c.properties.contains_key("email")).count() as u64;

    let preview = house.json(0, &["recon", IN, "--preview"]);
    assert_eq!(preview["concord"]["planned"]["create"], with_mail);
    assert_eq!(preview["progress"]["target"]["created"], 0);
    assert_eq!(house.json(0, &["user", "list"])["resultCount"], 0);

    let run = house.json(0, &["recon", IN]);
    assert!(run["_id"].as_str().is_some_and(|id| !id.is_empty()));
    assert_eq!(
        (&run["mapping"], &run["state"], &run["stage"]),
        (&json!(IN), &json!("SUCCESS"), &json!("COMPLETED_SUCCESS"))
    );
    assert_eq!(run["situationSummary"]["ABSENT"], with_mail);
    assert_eq!(run["statusSummary"], json!({"SUCCESS": 20, "FAILURE": 0}));
    assert_eq!(run["progress"]["source"]["existing"], json!({"processed": 20, "total": "20"}));
    assert_eq!(run["progress"]["target"]["created"], with_mail);
    assert!(run["duration"].is_u64() && run["started"].is_string() && run["ended"].is_string());

    let before = house.json(0, &["user", "list"]);
    let again = house.json(0, &["recon", IN]);
    assert_eq!(again["situationSummary"]["CONFIRMED"], with_mail);
    assert_eq!(again["progress"]["target"]["unchanged"], with_mail);
    assert_eq!(again["progress"]["target"]["updated"], 0);
    assert_eq!(house.json(0, &["user", "list"]), before, "not even a revision");

    // The other way there is nothing to say either.
    let back = house.json(0, &["recon", OUT]);
    assert_eq!(back["progress"]["target"]["updated"], 0);
    assert!(house.portal().writes().is_empty(), "HubSpot was written to");

    let words = house.concord(&["recon", IN]).exits(0);
    assert!(
        words.out.contains("finished") && words.out.contains("created 0, updated 0, deleted 0"),
        "{words:?}"
    );
    assert!(words.err.is_empty(), "no progress where nobody watches: {words:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn single_records_are_reconciled_by_id() {
    let house = House::connected(10).await;
    let ids: Vec<String> = house
        .portal()
        .contacts()
        .into_iter()
        .filter(|c| c.properties.contains_key("email"))
        .map(|c| c.id)
        .take(2)
        .collect();
    let run = house.json(0, &["recon", IN, "--id", &ids[0], "--id", &ids[1]]);
    assert_eq!(run["progress"]["target"]["created"], 2);
    assert_eq!(house.json(0, &["user", "list"])["resultCount"], 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guard_holds_deletes_until_they_are_allowed() {
    let house = House::connected(30).await;
    house.concord(&["recon", IN]).exits(0);
    let users = house.json(0, &["user", "list"])["resultCount"].as_u64().unwrap();
    let portal = house.portal();
    let gone: Vec<String> = portal
        .contacts()
        .into_iter()
        .filter(|c| c.properties.contains_key("email"))
        .map(|c| c.id)
        .take(2)
        .collect();
    assert!(gone.iter().all(|id| portal.archive(id)));

    let held = house.concord(&["--json", "recon", IN]).exits(4);
    assert!(held.err.starts_with("concord: held: 2 deletes are planned"), "{held:?}");
    let document = held.json();
    assert_eq!(document["concord"]["state"], "held");
    assert_eq!((&document["state"], &document["stage"]), (&json!("FAILED"), &json!("COMPLETED_FAILED")));
    assert_eq!(document["concord"]["planned"]["delete"], 2);
    let judged: u64 =
        document["situationSummary"].as_object().unwrap().values().filter_map(Value::as_u64).sum();
    assert_eq!(document["statusSummary"]["SUCCESS"], judged - 2, "what is held is no success: {document}");
    let id = document["_id"].as_str().unwrap();
    assert_eq!(house.json(0, &["user", "list"])["resultCount"], users, "nothing was written");
    house.concord(&["recon", IN, "--preview"]).exits(4);
    house.concord(&["recon", IN, "--allow", "deletes=1"]).exits(4);

    house.concord(&["run", "apply", id]).exits(4);
    let released = house.json(0, &["run", "apply", id, "--allow", "deletes=2"]);
    assert_eq!((&released["_id"], &released["progress"]["target"]["deleted"]), (&json!(id), &json!(2)));
    assert_eq!(house.json(0, &["user", "list"])["resultCount"], users - 2);
    house.concord(&["recon", IN]).exits(0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_that_fail_are_told_and_the_others_are_done() {
    let house = House::connected(5).await;
    let mut strict = inbound();
    strict["properties"][2] = json!({"source": "firstname", "target": "givenName"});
    house.concord_with_input(&["mapping", "add", "-"], &strict.to_string()).exits(0);
    let nameless = house.portal().create(&[("email", "nameless@example.com"), ("lastname", "Berg")]).unwrap();

    let ran = house.concord(&["--json", "recon", IN]).exits(3).says(&["1 record failed", "--failed"]);
    let run = ran.json();
    assert_eq!(run["state"], "SUCCESS");
    assert_eq!(run["statusSummary"]["FAILURE"], 1);
    assert!(run["progress"]["target"]["created"].as_u64().unwrap() >= 4, "{run}");

    let entries = house.json(0, &["run", "entries", run["_id"].as_str().unwrap(), "--failed"]);
    assert_eq!(entries.as_array().unwrap().len(), 1);
    assert_eq!(entries[0]["sourceObjectId"], format!("system/hubspot/contact/{nameless}"));
    assert_eq!((&entries[0]["situation"], &entries[0]["status"]), (&json!("ABSENT"), &json!("FAILURE")));
    assert!(entries[0]["message"].as_str().is_some_and(|m| m.contains("First Name")), "{entries}");
    let words = house.concord(&["recon", IN]).exits(3);
    assert!(words.out.contains("First Name"), "the cause is in the summary: {words:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_that_cannot_be_read_fails_the_run() {
    let house = House::connected(5).await;
    house.portal().add_fault(
        Fault::on("/crm/*", Action::Answer { status: 401, body: None, headers: Default::default() })
            .times(u64::MAX),
    );
    let ran = house.concord(&["--json", "recon", IN]).exits(1);
    assert!(ran.err.starts_with("concord: "), "{ran:?}");
    let run = ran.json();
    assert_eq!((&run["state"], &run["stage"]), (&json!("FAILED"), &json!("COMPLETED_FAILED")));
    assert_eq!(house.json(0, &["user", "list"])["resultCount"], 0);

    house.concord(&["connector", "disable", "hubspot"]).exits(0);
    house.concord(&["recon", IN]).exits(1).says(&["hubspot", "disabled"]);
}

/// A run that is in the middle of its slow reading.
#[cfg(unix)]
async fn run_under_way() -> (House, Child) {
    let house = House::with_options(Options {
        records: 3000,
        latency: Duration::from_millis(400),
        ..Options::default()
    })
    .await;
    house.connect();
    house.portal().reset_calls();
    let child = house
        .command(&["--json", "recon", IN])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    while house.portal().call_count() == 0 {
        tokio::task::yield_now().await;
    }
    (house, child)
}

#[cfg(unix)]
fn was_canceled(house: &House, child: Child) {
    let ran = Ran::of(child.wait_with_output().unwrap()).exits(1);
    let run = ran.json();
    assert_eq!((&run["state"], &run["stage"]), (&json!("CANCELED"), &json!("COMPLETED_CANCELED")), "{ran:?}");
    assert!(ran.err.contains("canceled"), "{ran:?}");
    assert_eq!(house.json(0, &["user", "list"])["resultCount"], 0);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ctrl_c_ends_a_run_in_good_order() {
    let (house, child) = run_under_way().await;
    let asked = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(asked.success());
    was_canceled(&house, child);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_process_sees_a_run_and_ends_it() {
    let (house, child) = run_under_way().await;
    house.concord(&["recon", IN]).exits(1).says(&[IN, "being run already"]);
    let id = house.json(0, &["run", "list"])[0]["_id"].clone();
    let canceled = house.json(0, &["run", "cancel", id.as_str().unwrap()]);
    assert_eq!(canceled, json!({"_id": id, "action": "cancel", "status": "INITIATED"}));
    was_canceled(&house, child);
}

/// `concord recon in | head -1` and `concord recon in > /dev/full`.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn how_a_run_ended_does_not_depend_on_who_reads_it() {
    let house = House::connected(12).await;
    house.concord(&["recon", IN]).exits(0);
    let kept: Vec<String> = house.portal().contacts().into_iter().map(|contact| contact.id).collect();
    for id in &kept[..4] {
        house.portal().archive(id);
    }
    let unread = |arguments: &[&str]| {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        Ran::of(house.command(arguments).stdout(writer).output().unwrap())
    };
    for arguments in [&["recon", IN] as &[&str], &["--json", "recon", IN], &["recon", IN, "--preview"]] {
        let held = unread(arguments).exits(4);
        assert!(held.err.contains("held: "), "{held:?}");
    }
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let told = Ran::of(house.command(&["recon", IN]).stdout(full).output().unwrap()).exits(4);
    assert!(told.err.contains("held: ") && told.err.contains(" is held"), "{told:?}");
    unread(&["connector", "test"]).exits(0);
    let gone =
        house.file("provisioner.openicf-gone.json", &crate::house::connector("http://127.0.0.1:9", "t"));
    house.concord(&["connector", "add", &gone]).exits(0);
    unread(&["connector", "test"]).exits(1);
}

/// IDM's `operationOptions`: a preview knows of them, too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_connector_denies_is_left_undone_or_fails_as_its_document_says() {
    let house = House::connected(12).await;
    house.concord(&["recon", IN]).exits(0);
    let before = house.portal().contacts();
    let deny = |options: serde_json::Value| {
        let mut connector = house.connector();
        connector["operationOptions"] = options;
        let file = house.file("provisioner.openicf-hubspot.json", &connector);
        house.concord(&["connector", "add", &file]).exits(0);
    };
    deny(json!({"CREATE": {"denied": true}, "UPDATE": {"denied": true, "onDeny": "DO_NOTHING"}}));
    let ann = json!({"userName": "ann", "givenName": "Ann", "sn": "Li", "mail": "ann@example.com"});
    let ann = house.file("ann.json", &ann);
    let made = house.json(0, &["user", "create", &ann]);
    assert_eq!(made["sync"][0]["state"], "synced", "{made}");
    let preview = house.json(0, &["recon", OUT, "--preview"]);
    assert_eq!(
        (&preview["concord"]["planned"]["create"], &preview["statusSummary"]["FAILURE"]),
        (&json!(0), &json!(0))
    );
    let id = preview["_id"].as_str().unwrap();
    let entries = house.json(0, &["run", "entries", id]);
    let why = "not carried out: the connector's operationOptions deny CREATE of contact";
    assert!(entries[0]["reason"].as_str().unwrap().ends_with(why), "{entries}");
    house.concord(&["recon", OUT]).exits(0);

    deny(json!({"CREATE": {"denied": true, "onDeny": "THROW_EXCEPTION"}}));
    house.concord(&["recon", OUT]).exits(3);
    assert_eq!(house.portal().contacts(), before, "nothing was sent");
}
