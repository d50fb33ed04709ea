//! Whoever looks at single records asks what is there now; what the last full read saw may be hours old.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

mod support;

use model::Situation;
use sandbox::hubspot::Options;
use serde_json::{Value, json};
use store::{EntryStatus, RunMode, RunState};
use support::{Bench, OUTBOUND, bench, new_person, outbound, prop};

async fn empty() -> Bench {
    bench(Options { records: 0, seed: 3, ..Options::default() }).await
}

fn by(attribute: &str) -> Value {
    json!({"correlationQuery": {"expressionTree": {"any": [attribute]}}})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_contact_that_has_another_address_now_is_left_alone() {
    let bench = empty().await;
    bench.put(outbound(json!({}))).await;
    let portal = bench.sandbox.portal();
    let there = portal.create(&[("email", "shared@example.com"), ("firstname", "Xaver")]).unwrap();
    bench.recon(OUTBOUND).await;
    portal.set(&there, &[("email", "xaver@example.com")]).unwrap();
    new_person(&bench, "nina", "shared@example.com", "Nina", "New").await;
    let delivery = bench.engine.deliver_due().await.unwrap();
    assert_eq!((delivery.delivered, delivery.failed), (1, 0));
    assert_eq!(prop(&portal.contact(&there).unwrap(), "firstname"), "Xaver");
    assert_eq!(prop(&bench.contact("shared@example.com"), "firstname"), "Nina");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_contact_that_is_gone_is_nobody_s_match() {
    let bench = empty().await;
    bench.put(outbound(by("phone"))).await;
    let portal = bench.sandbox.portal();
    let there = portal.create(&[("email", "old@example.com"), ("phone", "4711")]).unwrap();
    bench.recon(OUTBOUND).await;
    portal.archive(&there);
    let id = new_person(&bench, "nina", "nina@example.com", "Nina", "New").await;
    bench.edit(&id, json!({"telephoneNumber": "4711"})).await;
    let run = bench.run_with(OUTBOUND, RunMode::Reconcile, vec![id], None).await;
    assert_eq!((run.state, run.progress.created), (RunState::Success, 1), "{:?}", run.message);
    assert_eq!(prop(&bench.contact("nina@example.com"), "phone"), "4711");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_contact_that_came_since_is_found_by_what_the_rule_asks_for() {
    let bench = empty().await;
    bench.put(outbound(by("phone"))).await;
    bench.recon(OUTBOUND).await;
    let portal = bench.sandbox.portal();
    let there = portal.create(&[("email", "n@example.com"), ("phone", "4711")]).unwrap();
    let id = new_person(&bench, "nina", "nina@example.com", "Nina", "New").await;
    bench.edit(&id, json!({"telephoneNumber": "4711"})).await;
    let run = bench.run_with(OUTBOUND, RunMode::Reconcile, vec![id.clone()], None).await;
    let entries = bench.entries(&run).await;
    assert_eq!(
        entries.iter().map(|e| (e.situation, e.status)).collect::<Vec<_>>(),
        [(Situation::Found, EntryStatus::Done)]
    );
    assert_eq!(portal.contacts().len(), 1, "nobody is made twice");
    assert_eq!(prop(&portal.contact(&there).unwrap(), "email"), "nina@example.com");
    // So does the sync of a change.
    let second = portal.create(&[("email", "o@example.com"), ("phone", "4712")]).unwrap();
    let id = new_person(&bench, "olga", "olga@example.com", "Olga", "New").await;
    bench.edit(&id, json!({"telephoneNumber": "4712"})).await;
    bench.engine.deliver_due().await.unwrap();
    assert_eq!(portal.contacts().len(), 2);
    assert_eq!(prop(&portal.contact(&second).unwrap(), "email"), "olga@example.com");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rule_by_the_natural_key_costs_one_look() {
    let bench = empty().await;
    bench.put(outbound(json!({}))).await;
    bench.recon(OUTBOUND).await;
    let id = new_person(&bench, "nina", "nina@example.com", "Nina", "New").await;
    let portal = bench.sandbox.portal();
    portal.reset_calls();
    bench.run_with(OUTBOUND, RunMode::Reconcile, vec![id], None).await;
    let calls: Vec<String> = portal.calls().into_iter().map(|call| call.path).collect();
    let of = |end: &str| calls.iter().filter(|path| path.ends_with(end)).count();
    assert_eq!((of("/batch/read"), of("/search"), of("/batch/create")), (1, 0, 1), "{calls:?}");
}
