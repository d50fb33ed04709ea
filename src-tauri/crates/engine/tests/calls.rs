//! What runs over 10,000 contacts cost in calls, counted by HubSpot's side.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use engine::{CancellationToken, RunRequest};
use sandbox::hubspot::{Options, Portal};
use serde_json::json;
use store::{RunMode, RunState};
use support::{Bench, INBOUND, OUTBOUND, bench, prop};

const CONTACTS: usize = 10_000;

/// Calls since the last look: pages of lists, everything else by method and path.
fn spent(portal: &Portal) -> (usize, Vec<String>) {
    let calls = portal.calls();
    portal.reset_calls();
    let (lists, others): (Vec<_>, Vec<_>) =
        calls.into_iter().partition(|call| call.method == "GET" && call.path.ends_with("/contacts"));
    (lists.len(), others.into_iter().map(|call| format!("{} {}", call.method, call.path)).collect())
}

async fn incremental(bench: &Bench, mapping: &str) -> store::Run {
    let request = RunRequest {
        mapping: mapping.into(),
        mode: RunMode::Reconcile,
        ids: Vec::new(),
        allow_deletes: None,
        incremental: true,
    };
    let begun = bench.engine.begin(request).await.unwrap();
    let run = bench.engine.carry_out(begun, CancellationToken::new()).await.unwrap();
    assert_eq!(run.state, RunState::Success, "{:?}", run.message);
    run
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_contacts_cost_a_hundred_lists_and_a_change_costs_by_the_hundred() {
    let bench = bench(Options { records: CONTACTS, seed: 5, ..Options::default() }).await;
    let portal = bench.sandbox.portal();
    // 10,000 fill the last page, so that one count has to say that there are no more. Where answers are slow, as they are on
    // a busy machine, several cursors share the work: a count tells them where to begin, and the seams cost a page or two.
    let count = "POST /crm/objects/2026-03/contacts/search";
    let whole = |lists: usize| (CONTACTS / 100..=CONTACTS / 100 + 2).contains(&lists);
    let counted =
        |others: &[String]| matches!(others.len(), 1 | 2) && others.iter().all(|call| call == count);
    for what in ["first import", "no change"] {
        let run = bench.recon(INBOUND).await;
        assert_eq!(run.state, RunState::Success, "{what}: {:?}", run.message);
        let (lists, others) = spent(&portal);
        assert!(whole(lists) && counted(&others), "{what}: {lists} {others:#?}");
    }
    // One in a hundred changes outward.
    bench.recon(OUTBOUND).await;
    spent(&portal);
    for (id, _) in bench.users().await.iter().take(CONTACTS / 100) {
        bench.edit(id, json!({"telephoneNumber": "777"})).await;
    }
    let run = bench.recon(OUTBOUND).await;
    assert_eq!(run.progress.updated, 100, "{:?}", run.message);
    let (lists, mut others) = spent(&portal);
    assert!(whole(lists), "{lists}");
    let write = "POST /crm/objects/2026-03/contacts/batch/update";
    assert_eq!(others.pop().as_deref(), Some(write), "one more for a hundred changes");
    assert!(counted(&others), "{others:#?}");

    // What has changed since costs by how much it is.
    incremental(&bench, INBOUND).await;
    incremental(&bench, INBOUND).await;
    spent(&portal);
    let named = portal.contacts().into_iter().filter(|c| c.properties.contains_key("email"));
    for contact in named.skip(4000).take(50) {
        portal.set(&contact.id, &[("lastname", "Changed")]).unwrap();
    }
    let run = incremental(&bench, INBOUND).await;
    assert_eq!((run.progress.incremental, run.progress.updated), (true, 50));
    let (lists, others) = spent(&portal);
    assert!(lists + others.len() <= 5, "{lists} {others:#?}");
    incremental(&bench, INBOUND).await;
    let (lists, others) = spent(&portal);
    assert!(lists + others.len() <= 3, "nothing changed: {lists} {others:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_that_wait_together_are_carried_on_together() {
    let bench = bench(Options { records: 200, seed: 5, ..Options::default() }).await;
    bench.recon(INBOUND).await;
    let users = bench.users().await;
    for (id, _) in users.iter().take(60) {
        bench.edit(id, json!({"sn": "Changed"})).await;
    }
    for n in 0..20 {
        support::new_user(&bench, &format!("new{n}"), &format!("new{n}@example.org")).await;
    }
    // Two of them want the same contact: the second one finds it made.
    for name in ["twin", "other twin"] {
        support::new_user(&bench, name, "twin@example.org").await;
    }
    for (id, _) in users.iter().rev().take(10) {
        let gone = bench.engine.delete_managed("user", id, None, "test").await;
        gone.unwrap();
    }
    let portal = bench.sandbox.portal();
    portal.reset_calls();
    let delivery = bench.engine.deliver_due().await.unwrap();
    // Whose user is gone is a person's to decide about, as the policies are here.
    assert_eq!((delivery.delivered, delivery.failed, delivery.waiting), (81, 11, 0));
    let calls = portal.call_count();
    assert!(calls <= 14, "{calls} calls for 92 changes");
    for (_, mail) in users.iter().take(60) {
        assert_eq!(prop(&bench.contact(mail), "lastname"), "Changed");
    }
    for n in 0..20 {
        bench.contact(&format!("new{n}@example.org"));
    }
    let twins = portal.contacts().into_iter().filter(|c| prop(c, "email") == "twin@example.org").count();
    assert_eq!(twins, 1);
    // What a recon has delivered already costs no look.
    for (id, _) in users.iter().take(50) {
        bench.edit(id, json!({"sn": "Again"})).await;
    }
    bench.recon(OUTBOUND).await;
    portal.reset_calls();
    assert_eq!(bench.engine.deliver_due().await.unwrap().delivered, 0);
    assert_eq!(portal.call_count(), 0);
}
