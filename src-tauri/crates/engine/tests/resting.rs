//! Runs that rest while a provider takes no calls, and go on; changes that wait, and clocks that were wrong meanwhile.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods)]

mod support;

use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock},
};

use engine::{CancellationToken, Engine};
use jiff::{SignedDuration, Timestamp};
use sandbox::{
    faults::ALWAYS,
    hubspot::{Action, Fault, Options, WriteKind},
};
use serde_json::json;
use store::{EntryStatus, Run, RunMode, RunState};
use support::{Bench, INBOUND, OUTBOUND, bench_by, open_with};

fn used_up(path: &str) -> Fault {
    Fault::on(path, Action::TooManyRequests { policy: Some("DAILY".into()), retry_after: None })
}

/// It is nine in the evening at first, whenever the test runs: the day of the account (UTC) ends in three hours.
fn evening() -> Timestamp {
    static LAG: LazyLock<SignedDuration> = LazyLock::new(|| {
        Timestamp::now().duration_since("2026-11-21T21:00:00Z".parse::<Timestamp>().unwrap())
    });
    Timestamp::now() - *LAG
}

async fn bench(options: Options) -> Bench {
    bench_by(Arc::new(evening), options).await
}

/// Another process, when so much time has gone by.
fn later(bench: &Bench, hours: i64) -> Engine {
    let clock = Arc::new(move || evening() + SignedDuration::from_hours(hours));
    open_with(bench.folder.path(), &bench.sandbox.url(), clock).1
}

async fn go_on(engine: &Engine, run: &Run) -> Run {
    let begun = engine.begin_apply(&run.id, None).await.unwrap();
    engine.carry_out(begun, CancellationToken::new()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_whose_writes_meet_the_end_of_the_day_goes_on_where_it_stopped() {
    let bench = bench(Options { records: 270, seed: 3, ..Options::default() }).await;
    let portal = bench.sandbox.portal();
    bench.recon(INBOUND).await;
    let users = bench.users().await;
    for (id, _) in users.iter().take(150) {
        bench.edit(id, json!({"telephoneNumber": "777"})).await;
    }
    portal.set_faults(vec![used_up("*/batch/update").nth(2).times(sandbox::faults::ALWAYS)]);
    let rested = bench.recon(OUTBOUND).await;
    assert_eq!((rested.state, rested.progress.updated), (RunState::Paused, 100), "{:?}", rested.message);
    let message = rested.message.clone().unwrap();
    for words in ["HubSpot's daily limit is used up", "time zone (UTC)", "goes on at"] {
        assert!(message.contains(words), "{words}: {message}");
    }
    let at: Timestamp = rested.progress.resume_at.as_deref().unwrap().parse().unwrap();
    let after_midnight = at.duration_since("2026-11-22T00:00:00Z".parse().unwrap());
    assert!((0..30).contains(&after_midnight.as_secs()), "{at}");
    let left = bench.entries(&rested).await.iter().filter(|e| e.status == EntryStatus::Planned).count();
    assert_eq!(left, 50, "nothing has failed");
    assert!(bench.engine.rested_runs().await.unwrap().is_empty(), "it is not time yet");
    let undo = bench.engine.begin_undo(&rested.id, RunMode::Preview, None).await.err().unwrap().to_string();
    assert!(undo.contains("rests and will go on"), "{undo}");

    // The process ended meanwhile; the next one knows, and the day is not over after all.
    let next = later(&bench, 25);
    next.bury_all_dead_runs().await.unwrap();
    assert_eq!(next.rested_runs().await.unwrap(), std::slice::from_ref(&rested.id));
    let again = go_on(&next, &rested).await;
    assert_eq!((again.state, again.id.as_str()), (RunState::Paused, rested.id.as_str()));

    // What keeps it from going on is told, and it is tried again after a while and not at once.
    let next = later(&bench, 49);
    next.rest_on(&rested.id, "the vault is locked").await.unwrap();
    assert!(next.rested_runs().await.unwrap().is_empty());
    let message = next.run_row(&rested.id).await.unwrap().message.unwrap();
    assert!(message.contains("could not go on: the vault is locked; tried again at"), "{message}");

    portal.clear_faults();
    let done = go_on(&later(&bench, 50), &rested).await;
    assert_eq!((done.state, done.progress.updated, done.progress.resume_at), (RunState::Success, 150, None));
    assert!(bench.engine.rested_runs().await.unwrap().is_empty());
    let mut written: BTreeMap<String, u32> = BTreeMap::new();
    for write in portal.writes().iter().filter(|w| w.by_app && w.kind == WriteKind::Update) {
        *written.entry(write.id.clone()).or_default() += 1;
    }
    assert_eq!((written.len(), written.values().max()), (150, Some(&1)), "each was written once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_was_still_reading_begins_anew() {
    let bench = bench(Options { records: 270, seed: 3, ..Options::default() }).await;
    let portal = bench.sandbox.portal();
    portal.set_faults(vec![used_up("*/contacts").nth(2).times(sandbox::faults::ALWAYS)]);
    let rested = bench.run_with(INBOUND, RunMode::Reconcile, Vec::new(), Some(7)).await;
    assert_eq!(
        (rested.state, rested.progress.allow_deletes),
        (RunState::Paused, Some(7)),
        "{:?}",
        rested.message
    );
    portal.clear_faults();
    let done = go_on(&later(&bench, 25), &rested).await;
    assert_eq!(done.state, RunState::Success, "{:?}", done.message);
    assert_ne!(done.id, rested.id);
    let people = portal.contacts().iter().filter(|c| c.properties.contains_key("email")).count();
    assert_eq!(bench.users().await.len(), people);
    let old = bench.engine.run_row(&rested.id).await.unwrap();
    assert_eq!(old.state, RunState::Interrupted);
    assert!(old.message.unwrap().contains(&done.id));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_preview_that_rested_begins_anew_once() {
    let bench = bench(Options { records: 20, seed: 3, ..Options::default() }).await;
    let portal = bench.sandbox.portal();
    portal.set_faults(vec![used_up("*/contacts")]);
    let rested = bench.run(INBOUND, RunMode::Preview).await;
    assert_eq!(rested.state, RunState::Paused);
    let next = later(&bench, 25);
    let done = go_on(&next, &rested).await;
    assert_eq!((done.state, done.mode), (RunState::Planned, RunMode::Preview), "{:?}", done.message);
    assert_eq!(next.run_row(&rested.id).await.unwrap().state, RunState::Interrupted);
    assert_eq!(next.rested_runs().await.unwrap(), [""; 0]);
    let again = next.begin_apply(&rested.id, None).await.err().unwrap().to_string();
    assert!(again.contains("has ended"), "{again}");
}

/// It was set by a clock that was years ahead, and would rest until then.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rest_that_is_longer_than_any_is_over() {
    let bench = bench(Options { records: 20, seed: 3, ..Options::default() }).await;
    let portal = bench.sandbox.portal();
    portal.set_faults(vec![used_up("*/contacts")]);
    let rested = bench.recon(INBOUND).await;
    assert_eq!(rested.state, RunState::Paused);
    for (hours, over) in [(-24 * 365 * 10, true), (-24, false), (1, false), (25, true)] {
        let found = later(&bench, hours).rested_runs().await.unwrap();
        assert_eq!(found.len(), usize::from(over), "{hours} hours later");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_begun_by_a_person_takes_the_place_of_one_that_rests_and_a_look_does_not() {
    let bench = bench(Options { records: 20, seed: 3, ..Options::default() }).await;
    let portal = bench.sandbox.portal();
    portal.set_faults(vec![used_up("*/contacts")]);
    let rested = bench.recon(INBOUND).await;
    assert_eq!(rested.state, RunState::Paused);
    // The connection rests as well, so another process looks.
    let next = later(&bench, 25);
    let request = |mode, ids: &[&str]| engine::RunRequest {
        mapping: INBOUND.into(),
        mode,
        ids: ids.iter().map(|id| (*id).to_owned()).collect(),
        allow_deletes: None,
        incremental: false,
    };
    for (mode, ids, state) in [
        (RunMode::Preview, &[][..], RunState::Paused),
        // A run over one record does not do what the other one left.
        (RunMode::Reconcile, &["101"], RunState::Paused),
        (RunMode::Reconcile, &[], RunState::Interrupted),
    ] {
        let begun = next.begin(request(mode, ids)).await.unwrap();
        next.carry_out(begun, CancellationToken::new()).await.unwrap();
        let row = next.run_row(&rested.id).await.unwrap();
        assert_eq!(row.state, state, "{mode:?} {ids:?}: {:?}", row.message);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_saved_while_the_clock_was_ahead_is_delivered_at_once() {
    for hours in [1, 3, 5, 24 * 365] {
        let bench = bench(Options { records: 3, seed: 3, ..Options::default() }).await;
        bench.recon(INBOUND).await;
        let (id, mail) = bench.users().await.remove(0);
        let change = engine::ManagedChange {
            kind: "user".into(),
            id: Some(id),
            rev: None,
            attributes: json!({"telephoneNumber": "777"}).as_object().unwrap().clone(),
            who: "test".into(),
        };
        later(&bench, hours).save_managed(change).await.unwrap();
        // The clock is right again: nobody waits until it has come so far.
        let delivery = bench.engine.deliver_due().await.unwrap();
        assert_eq!((delivery.delivered, delivery.failed), (1, 0), "{hours} hours ahead");
        assert_eq!(support::prop(&bench.contact(&mail), "phone"), "777", "{hours} hours ahead");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_try_that_failed_by_a_clock_that_was_ahead_is_repeated_when_its_own_wait_is_over() {
    for hours in [1, 3, 5] {
        let bench = bench(Options { records: 3, seed: 3, ..Options::default() }).await;
        bench.recon(INBOUND).await;
        let (id, mail) = bench.users().await.remove(0);
        bench.edit(&id, json!({"telephoneNumber": "777"})).await;
        let portal = bench.sandbox.portal();
        portal.set_faults(vec![
            Fault::on(
                "*/batch/update",
                Action::Answer { status: 403, body: None, headers: Default::default() },
            )
            .times(ALWAYS),
        ]);
        let failed = later(&bench, hours).deliver_due().await.unwrap();
        assert_eq!((failed.delivered, failed.failed), (0, 1), "{hours} hours ahead");
        portal.clear_faults();
        // Two seconds were to be waited, not hours.
        let delivery = bench.engine.deliver_due().await.unwrap();
        assert_eq!((delivery.delivered, delivery.failed), (1, 0), "{hours} hours ahead");
        assert_eq!(support::prop(&bench.contact(&mail), "phone"), "777");
    }
}
