//! Values that must be unique pass from one user to another within a run.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::collections::BTreeMap;

use sandbox::hubspot::Options;
use serde_json::{Value, json};
use store::{EntryStatus, Run, RunMode, RunState};
use support::{Bench, INBOUND, bench, inbound, prop};

/// Six contacts, each the user of the same number; the user name follows the e-mail address.
async fn people(more: Value) -> Bench {
    let bench = bench(Options { records: 0, seed: 5, ..Options::default() }).await;
    let mut mapping = inbound(json!({
        "properties": [
            {"source": "email", "target": "userName", "transform": {"builtIn": "lower"}},
            {"source": "email", "target": "mail", "transform": {"builtIn": "lower"}},
            {"source": "firstname", "target": "givenName"},
            {"source": "lastname", "target": "sn"},
        ],
    }));
    for (key, value) in more.as_object().unwrap() {
        mapping[key] = value.clone();
    }
    bench.put(mapping).await;
    for number in 0..6 {
        let (mail, first) = (address(number), number.to_string());
        let properties = [("email", mail.as_str()), ("firstname", &first), ("lastname", "Li")];
        bench.sandbox.portal().create(&properties).unwrap();
    }
    let run = bench.recon(INBOUND).await;
    assert_eq!((run.state, run.progress.created), (RunState::Success, 6), "{:?}", run.message);
    bench
}

fn address(number: usize) -> String {
    format!("p{number}@example.com")
}

/// Gives contacts these addresses: by the number in the first name, whatever the other contacts have before.
fn readdress(bench: &Bench, addresses: &[(&str, &str)]) {
    let portal = bench.sandbox.portal();
    let id = |number: &str| {
        portal.contacts().into_iter().find(|contact| prop(contact, "firstname") == number).unwrap().id
    };
    for (number, _) in addresses {
        portal.set(&id(number), &[("email", &format!("between{number}@example.com"))]).unwrap();
    }
    for (number, address) in addresses {
        portal.set(&id(number), &[("email", address)]).unwrap();
    }
}

/// The user names by the number of the person.
async fn names(bench: &Bench) -> BTreeMap<String, String> {
    let text = |user: &Value, name: &str| user[name].as_str().unwrap_or_default().to_owned();
    bench.people().await.iter().map(|user| (text(user, "givenName"), text(user, "userName"))).collect()
}

async fn reasons(bench: &Bench, run: &Run, status: EntryStatus) -> Vec<String> {
    let entries = bench.entries(run).await.into_iter().filter(|entry| entry.status == status);
    entries.map(|entry| entry.reason).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_that_are_swapped_and_handed_on_arrive_in_one_run() {
    let bench = people(json!({})).await;
    // Two swap, and of the others each takes the name of the one before it.
    let [p0, p1, p2, p3, p4] = [0, 1, 2, 3, 4].map(address);
    let wanted =
        [("0", p1.as_str()), ("1", &p0), ("2", "new@example.com"), ("3", &p2), ("4", &p3), ("5", &p4)];
    readdress(&bench, &wanted);
    let plan = bench.run(INBOUND, RunMode::Preview).await;
    assert_eq!(reasons(&bench, &plan, EntryStatus::Failed).await, [""; 0]);
    let run = bench.apply(&plan, None).await;
    assert_eq!((run.state, run.progress.updated), (RunState::Success, 6), "{:?}", run.message);
    let expected: BTreeMap<String, String> =
        wanted.iter().map(|(number, name)| ((*number).to_owned(), (*name).to_owned())).collect();
    assert_eq!(names(&bench).await, expected);
    let quiet = bench.recon(INBOUND).await;
    assert_eq!((quiet.progress.updated, quiet.progress.unchanged), (0, 6), "a second run changes nothing");

    let begun = bench.engine.begin_undo(&run.id, RunMode::Reconcile, None).await.unwrap();
    let undone = bench.engine.carry_out(begun, engine::CancellationToken::new()).await.unwrap();
    assert_eq!((undone.state, undone.progress.updated), (RunState::Success, 6), "{:?}", undone.message);
    assert_eq!(names(&bench).await["0"], p0);
    assert_eq!(names(&bench).await["5"], address(5));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_user_takes_the_name_of_one_who_goes_in_the_same_run() {
    // Nothing leads from the new contact to the user of the old one.
    let policies = json!([{"situation": "SOURCE_MISSING", "action": "DELETE"}]);
    let bench = people(json!({"correlationQuery": null, "policies": policies})).await;
    let portal = bench.sandbox.portal();
    let old = bench.contact(&address(0)).id;
    portal.archive(&old);
    let again = [("email", "p0@example.com"), ("firstname", "7"), ("lastname", "Li")];
    portal.create(&again).unwrap();
    let run = bench.recon(INBOUND).await;
    assert_eq!(run.state, RunState::Success, "{:?}", run.message);
    assert_eq!(reasons(&bench, &run, EntryStatus::Failed).await, [""; 0]);
    assert_eq!((run.progress.created, run.progress.deleted), (1, 1));
    let names = names(&bench).await;
    assert_eq!((names.len(), names["7"].as_str(), names.get("0")), (6, "p0@example.com", None));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_keeps_a_name_keeps_others_from_it_and_nobody_goes() {
    let bench = people(json!({"correlationQuery": null, "policies": [
        {"situation": "SOURCE_MISSING", "action": "DELETE"},
        {"situation": "UNASSIGNED", "action": "IGNORE"},
    ]}))
    .await;
    // It might go, as far as the records of HubSpot tell: only its own turn shows that it stays.
    support::new_person(&bench, "kept@example.com", "kept@example.com", "Kept", "Li").await;
    bench.sandbox.portal().archive(&bench.contact(&address(0)).id);
    // Who counts on one that fails, fails as well.
    readdress(&bench, &[("1", "kept@example.com"), ("2", &address(1)), ("3", "free@example.com")]);
    let before = names(&bench).await;
    let held = bench.recon(INBOUND).await;
    assert_eq!(held.state, RunState::Held, "{:?}", held.message);
    let run = bench.apply(&held, Some(1)).await;
    let failed = reasons(&bench, &run, EntryStatus::Failed).await;
    assert!(
        failed.len() == 2 && failed.iter().all(|reason| reason.contains("is taken by another user")),
        "{failed:?}"
    );
    assert_eq!((run.progress.updated, run.progress.deleted), (1, 0), "{:?}", run.message);
    let mut expected = before;
    expected.insert("3".into(), "free@example.com".into());
    assert_eq!(names(&bench).await, expected);
    let skipped = reasons(&bench, &run, EntryStatus::Skipped).await;
    let held_back = "not carried out, because 2 source records of this run could not be judged";
    assert!(skipped.iter().any(|reason| reason.ends_with(held_back)), "{skipped:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_swap_of_which_one_half_has_become_stale_gives_nobody_a_name_twice() {
    let bench = people(json!({})).await;
    let (p0, p1) = (address(0), address(1));
    readdress(&bench, &[("0", &p1), ("1", &p0)]);
    let plan = bench.run(INBOUND, RunMode::Preview).await;
    let (one, _) = bench.users().await.into_iter().find(|(_, mail)| *mail == p1).unwrap();
    bench.edit(&one, json!({"telephoneNumber": "555"})).await;
    let before = names(&bench).await;
    let run = bench.apply(&plan, None).await;
    assert_eq!(run.progress.updated, 0, "{:?}", run.message);
    assert_eq!(names(&bench).await, before);
    let failed = reasons(&bench, &run, EntryStatus::Failed).await;
    assert!(failed.len() == 1 && failed[0].contains("is taken by another user"), "{failed:?}");
    assert_eq!(reasons(&bench, &run, EntryStatus::Stale).await.len(), 1);
    // The next run sees both as they are.
    let run = bench.recon(INBOUND).await;
    assert_eq!((run.state, run.progress.updated), (RunState::Success, 2), "{:?}", run.message);
    assert_eq!(names(&bench).await["0"], p1);
}
