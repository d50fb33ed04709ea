//! The story: contacts become users, once; an edit flows back; nothing is written twice.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

mod support;

use sandbox::hubspot::Options;
use serde_json::json;
use store::{EntryStatus, RunMode, RunState};
use support::{INBOUND, OUTBOUND, bench, prop};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contacts_become_users_once_and_edits_flow_back() {
    let bench = bench(Options { records: 1234, seed: 3, ..Options::default() }).await;
    let contacts = bench.sandbox.portal().contacts();
    let with_mail = contacts.iter().filter(|c| !prop(c, "email").is_empty()).count();

    let preview = bench.run(INBOUND, RunMode::Preview).await;
    assert_eq!(preview.state, RunState::Planned, "{:?}", preview.message);
    assert!(bench.users().await.is_empty(), "a preview writes nothing");

    let run = bench.recon(INBOUND).await;
    assert_eq!(run.state, RunState::Success, "{:?}", run.message);
    let entries = bench.entries(&run).await;
    let failed: Vec<_> =
        entries.iter().filter(|e| e.status == EntryStatus::Failed).map(|e| &e.reason).collect();
    assert!(failed.is_empty(), "{failed:?}");
    assert_eq!(bench.users().await.len(), with_mail);
    assert_eq!(run.progress.created as usize, with_mail);
    let ignored = entries.iter().filter(|e| e.situation.as_str() == "SOURCE_IGNORED").count();
    assert_eq!(ignored, contacts.len() - with_mail);
    assert!(
        entries
            .iter()
            .filter(|e| e.situation.as_str() == "SOURCE_IGNORED")
            .all(|e| e.reason.contains("no value for email"))
    );

    bench.sandbox.portal().reset_calls();
    let again = bench.recon(INBOUND).await;
    assert_eq!(again.state, RunState::Success);
    assert_eq!((again.progress.created, again.progress.updated), (0, 0));
    assert!(bench.sandbox.portal().call_count() <= 13 + 5, "{} calls", bench.sandbox.portal().call_count());

    let back = bench.recon(OUTBOUND).await;
    assert_eq!(back.state, RunState::Success, "{:?}", back.message);
    assert_eq!(
        (back.progress.created, back.progress.updated),
        (0, 0),
        "an import leaves nothing to send back: {:?}",
        bench.entries(&back).await.first()
    );
    assert!(bench.sandbox.portal().writes().is_empty());

    let mail = prop(contacts.iter().find(|c| !prop(c, "email").is_empty()).unwrap(), "email").to_lowercase();
    let user = bench.user_by_mail(&mail).await;
    bench.edit(&user.id, json!({"sn": "Edited"})).await;
    let inward = bench.recon(INBOUND).await;
    assert_eq!(inward.progress.updated, 0, "the edit is newer and stays");
    let outward = bench.recon(OUTBOUND).await;
    assert_eq!(outward.progress.updated, 1, "{:?}", bench.entries(&outward).await);
    assert_eq!(prop(&bench.contact(&mail), "lastname"), "Edited");
    assert_eq!(bench.recon(OUTBOUND).await.progress.updated, 0);
    assert_eq!(bench.recon(INBOUND).await.progress.updated, 0);

    // And the other way round: HubSpot's edit comes in.
    let contact = bench.contact(&mail);
    bench.sandbox.portal().set(&contact.id, &[("firstname", "Theirs")]).unwrap();
    assert_eq!(bench.recon(OUTBOUND).await.progress.updated, 0, "HubSpot's edit is newer and stays");
    assert_eq!(bench.recon(INBOUND).await.progress.updated, 1);
    let user = bench.user_by_mail(&mail).await;
    assert_eq!(user.attributes["givenName"], "Theirs");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_user_is_created_in_hubspot_and_a_stored_plan_can_be_applied() {
    let bench = bench(Options { records: 50, seed: 5, ..Options::default() }).await;
    bench.recon(INBOUND).await;
    let saved = bench
        .engine
        .save_managed(engine::ManagedChange {
            kind: "user".into(),
            id: None,
            rev: None,
            attributes: json!({"userName": "new", "givenName": "New", "sn": "Person", "mail": "new.person@example.org"}).as_object().unwrap().clone(),
            who: "test".into(),
        })
        .await
        .unwrap();
    assert_eq!(saved.queued, [OUTBOUND]);
    let preview = bench.run(OUTBOUND, RunMode::Preview).await;
    let entries = bench.entries(&preview).await;
    let planned: Vec<_> = entries.iter().filter(|e| e.status == EntryStatus::Planned).collect();
    assert_eq!(planned.len(), 1, "{planned:?}");
    assert!(bench.sandbox.portal().writes().is_empty());
    let applied = bench.apply(&preview, None).await;
    assert_eq!(applied.id, preview.id);
    assert_eq!(applied.state, RunState::Success, "{:?}", applied.message);
    assert_eq!(applied.progress.created, 1);
    assert_eq!(prop(&bench.contact("new.person@example.org"), "lastname"), "Person");
    assert_eq!(bench.recon(OUTBOUND).await.progress.created, 0);
    assert_eq!(bench.recon(INBOUND).await.progress.created, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_of_the_target_makes_a_planned_item_stale() {
    let bench = bench(Options { records: 20, seed: 5, ..Options::default() }).await;
    bench.recon(INBOUND).await;
    let (id, mail) = bench.users().await.into_iter().next().unwrap();
    bench.edit(&id, json!({"sn": "Planned"})).await;
    let preview = bench.run(OUTBOUND, RunMode::Preview).await;
    let contact = bench.contact(&mail);
    bench.sandbox.portal().set(&contact.id, &[("phone", "+1 555 0199")]).unwrap();
    let applied = bench.apply(&preview, None).await;
    assert_eq!(applied.progress.updated, 0);
    let stale: Vec<_> =
        bench.entries(&applied).await.into_iter().filter(|e| e.status == EntryStatus::Stale).collect();
    assert_eq!(stale.len(), 1);
    assert_ne!(prop(&bench.contact(&mail), "lastname"), "Planned");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn implicit_sync_delivers_an_edit_and_an_unreachable_target_waits() {
    let bench = bench(Options { records: 20, seed: 5, ..Options::default() }).await;
    bench.recon(INBOUND).await;
    let (id, mail) = bench.users().await.into_iter().next().unwrap();
    bench.edit(&id, json!({"sn": "Flows"})).await;
    let results = bench.engine.deliver_object("user", &id).await.unwrap();
    assert_eq!(results.len(), 1);
    assert_eq!(results[0].ok, Some(true), "{results:?}");
    assert_eq!(prop(&bench.contact(&mail), "lastname"), "Flows");
    assert_eq!(bench.recon(OUTBOUND).await.progress.updated, 0);
    assert_eq!(bench.recon(INBOUND).await.progress.updated, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_one_record_is_reconciled_when_asked_for() {
    let bench = bench(Options { records: 30, seed: 5, ..Options::default() }).await;
    let contact =
        bench.sandbox.portal().contacts().into_iter().find(|c| !prop(c, "email").is_empty()).unwrap();
    let run = bench.run_with(INBOUND, RunMode::Reconcile, vec![contact.id.clone()], None).await;
    assert_eq!(run.state, RunState::Success, "{:?}", run.message);
    assert_eq!(run.progress.created, 1);
    assert_eq!(bench.users().await.len(), 1);
    // Named twice it is looked at once, and as it stands unchanged it is told as that, again and again.
    for _ in 0..2 {
        let ids = vec![contact.id.clone(), contact.id.clone()];
        let again = bench.run_with(INBOUND, RunMode::Reconcile, ids, None).await;
        let p = &again.progress;
        assert_eq!((p.created, p.unchanged, p.source_total), (0, 1, Some(1)));
        assert_eq!(p.situations.get("CONFIRMED"), Some(&1));
    }
}
