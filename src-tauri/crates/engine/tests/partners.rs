//! Two mappings over one set of links, at work at the same time: what one makes is not taken for a stranger by the other.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

mod support;

use model::Action;
use sandbox::hubspot::Options;
use serde_json::{Value, json};
use store::{Entry, EntryStatus, JournalState, NewLink, Run, RunMode, RunState};
use support::{Bench, INBOUND, OUTBOUND, bench, inbound, links, new_user, outbound};

const AT: &str = "2026-01-01T00:00:00Z";

/// A contact that the outbound mapping has made of a user, and whose answer has not come. Without correlation the inbound
/// mapping would make a second user of it.
struct Making {
    bench: Bench,
    user: String,
    contact: String,
    journal: i64,
}

async fn making() -> Making {
    let bench = bench(Options { records: 0, seed: 3, ..Options::default() }).await;
    bench.put(inbound(json!({"correlationQuery": Value::Null}))).await;
    bench.put(outbound(json!({}))).await;
    let user = new_user(&bench, "nina", "nina@example.com").await;
    let values = [("email", "nina@example.com"), ("firstname", "nina"), ("lastname", "Person")];
    let contact = bench.sandbox.portal().create(&values).unwrap();
    let journal = bench.sending(&user, None, json!({"email": "nina@example.com"})).await;
    Making { bench, user, contact, journal }
}

async fn entry_of_source(bench: &Bench, run: &Run) -> Entry {
    bench.entries(run).await.into_iter().find(|e| e.source_id.is_some()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_whose_making_is_under_way_is_waited_for() {
    let Making { bench, user, contact, journal } = making().await;
    let request = engine::RunRequest {
        mapping: OUTBOUND.into(),
        mode: RunMode::Reconcile,
        ids: vec![],
        allow_deletes: None,
        incremental: false,
    };
    // The other mapping's process is alive.
    let begun = bench.engine.begin(request).await.unwrap();
    let answer_comes = async {
        let newest = async || bench.store.read(|r| r.runs(Some(INBOUND), None, 1)).await.unwrap().rows;
        let executing = |run: &Run| run.stage == "ACTIVE_RECONCILING_TARGET" || run.state != RunState::Active;
        while !newest().await.first().is_some_and(executing) {
            tokio::task::yield_now().await;
        }
        // Looks enough for a run that does not wait to make the user and end.
        for _ in 0..1_000 {
            assert!(newest().await.iter().all(|run| run.state == RunState::Active));
        }
        let link = NewLink {
            space: links(INBOUND),
            source_id: contact.clone(),
            target_id: user.clone(),
            source_hash: None,
            target_hash: None,
            version: 0,
            base_source: model::Attributes::new(),
            base_target: model::Attributes::new(),
        };
        let done = move |w: &store::Writer<'_>| {
            w.journal_settled(journal, JournalState::Done, Some(&link.source_id), None, AT)?;
            w.put_link(&link, AT)
        };
        bench.store.write(done).await.unwrap();
    };
    let (run, ()) = tokio::join!(bench.recon(INBOUND), answer_comes);
    drop(begun);
    assert_eq!((run.state, run.progress.created), (RunState::Success, 0), "{:?}", run.message);
    let entry = entry_of_source(&bench, &run).await;
    assert_eq!(entry.status, EntryStatus::Stale, "{entry:?}");
    assert_eq!(bench.users().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_a_dead_process_was_making_is_looked_for_and_linked() {
    let Making { bench, user, contact, .. } = making().await;
    let preview = bench.run(INBOUND, RunMode::Preview).await;
    assert_eq!(preview.progress.found_done, 1, "{:?}", preview.message);
    assert!(bench.entries(&preview).await.iter().all(|e| e.action != Action::Create));
    bench.recon(INBOUND).await;
    assert_eq!(bench.users().await.len(), 1);
    let linked = bench.store.read(move |r| r.target_linked(&links(INBOUND), &contact)).await.unwrap();
    assert_eq!(linked, Some(user));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_made_while_nobody_can_tell_what_became_of_it() {
    let Making { bench, .. } = making().await;
    let path = "/crm/objects/2026-03/contacts/batch/read";
    let refused =
        sandbox::faults::Action::Answer { status: 403, body: None, headers: serde_json::Map::new() };
    let fault = sandbox::faults::Fault::on(path, refused).times(sandbox::faults::ALWAYS);
    bench.sandbox.portal().set_faults(vec![fault]);
    let run = bench.recon(INBOUND).await;
    let entry = entry_of_source(&bench, &run).await;
    assert_eq!(entry.status, EntryStatus::Stale, "{entry:?}");
    assert!(entry.reason.contains("was making a record that may be this one"), "{entry:?}");
    assert_eq!(bench.users().await.len(), 1);
}
