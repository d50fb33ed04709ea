//! What a provider reads back in another form than it was sent has not changed.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

mod support;

use sandbox::hubspot::Options;
use serde_json::json;
use store::{RunMode, RunState};
use support::{Bench, OUTBOUND, bench, outbound, prop};

const BORN: i64 = 1_767_225_600_000;

async fn person_with_odd_values() -> (Bench, String) {
    let bench = bench(Options { records: 5, seed: 5, ..Options::default() }).await;
    let mut mapping = outbound(json!({}));
    mapping["properties"].as_array_mut().unwrap().extend([
        json!({"source": "seen", "target": "last_visit_at"}),
        json!({"source": "born", "target": "date_of_birth_iso"}),
        json!({"source": "interests", "target": "hs_buying_interests"}),
    ]);
    bench.put(mapping).await;
    let mail = "ann.example@example.com";
    let id = support::new_person(&bench, "ann", mail, "Ann", "Example").await;
    let odd = json!({"seen": "2026-01-02T03:04:05Z", "born": BORN, "interests": ["training", "hardware"]});
    bench.edit(&id, odd).await;
    (bench, mail.to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_next_run_has_nothing_to_write() {
    let (bench, mail) = person_with_odd_values().await;
    let run = bench.recon(OUTBOUND).await;
    assert_eq!((run.state, run.progress.created), (RunState::Success, 1), "{:?}", run.message);
    let contact = bench.contact(&mail);
    let read_back: Vec<String> = ["last_visit_at", "date_of_birth_iso", "hs_buying_interests"]
        .iter()
        .map(|name| prop(&contact, name))
        .collect();
    assert_eq!(read_back, ["2026-01-02T03:04:05.000Z", "2026-01-01", "training;hardware"]);
    for _ in 0..2 {
        let again = bench.recon(OUTBOUND).await;
        assert_eq!((again.state, again.progress.updated), (RunState::Success, 0), "{:?}", again.message);
        assert_eq!(bench.entries(&again).await.iter().filter(|e| !e.changes.is_empty()).count(), 0);
    }
    // A new time is one.
    let id = bench.user_by_mail(&mail).await.id;
    bench.edit(&id, json!({"seen": "2026-01-02T03:04:06Z"})).await;
    assert_eq!(bench.recon(OUTBOUND).await.progress.updated, 1);
    assert_eq!(prop(&bench.contact(&mail), "last_visit_at"), "2026-01-02T03:04:06.000Z");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn undo_does_not_take_it_for_somebody_s_edit() {
    let (bench, mail) = person_with_odd_values().await;
    let run = bench.recon(OUTBOUND).await;
    let begun = bench.engine.begin_undo(&run.id, RunMode::Reconcile, None).await.unwrap();
    let undone = bench.engine.carry_out(begun, engine::CancellationToken::new()).await.unwrap();
    assert_eq!((undone.state, undone.progress.deleted), (RunState::Success, 1), "{:?}", undone.message);
    let left = bench.sandbox.portal().contacts();
    assert!(!left.iter().any(|c| prop(c, "email") == mail));
}
