//! Properties of the engine over random worlds: a CRM and a repository, people who change both, runs between them, and a
//! process that may end at any moment; and the same with two systems that share their users, and clocks that are set.
//!
//! Each property is looked at in a number of histories, each drawn from a seed. `CONCORD_HISTORIES=20` looks at twenty times
//! as many, `CONCORD_FIRST=1000` begins with that seed; a history that fails prints how to repeat it alone.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::print_stderr)]

mod dice;
mod history;
mod house;
mod system;

use std::{collections::BTreeSet, env, thread};

use dice::Dice;
use history::{ALL, Move, edits, edits_of_two, made, past, past_of_two, some_jump, some_move, to_rest};
use house::{End, House, INBOUND, OUTBOUND};
use store::{Entry, EntryStatus, RunMode, RunState};
use system::{Crash, Manner};

/// Says how a failed history is repeated.
struct Repeat {
    property: &'static str,
    seed: u64,
}

impl Drop for Repeat {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!(
                "to repeat this history: CONCORD_SEED={} cargo test -p engine --test world {}",
                self.seed, self.property
            );
        }
    }
}

/// Histories beyond the first few that once found something: they are looked at each time.
const FOUND: [(&str, u64); 2] = [
    // A record is made again beside another one that matches, by a plan that was stored.
    ("a_run_does_what_its_preview_says", 809),
    // Deletes are taken back in a system that tells no schema.
    ("an_undo_restores_what_was_there", 110),
];

/// Looks at a property in `count` histories.
fn histories(property: &'static str, count: u64, look: impl AsyncFn(&mut Dice)) {
    let number = |name: &str| env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let seeds: Vec<u64> = match number("CONCORD_SEED") {
        Some(seed) => vec![seed],
        None => {
            let first = number("CONCORD_FIRST").unwrap_or(0);
            let seeds = first..first + count * number("CONCORD_HISTORIES").unwrap_or(1);
            let found = FOUND.into_iter().filter(|(name, _)| *name == property).map(|(_, seed)| seed);
            found.filter(|seed| !seeds.contains(seed)).chain(seeds.clone()).collect()
        }
    };
    let looked_at = seeds.len();
    for seed in seeds {
        let _repeat = Repeat { property, seed };
        runtime.block_on(look(&mut Dice::new(seed)));
    }
    eprintln!("{property}: {looked_at} histories, 0 findings");
}

fn some_mapping(dice: &mut Dice) -> &'static str {
    dice.one_of::<&'static str>(&[INBOUND, OUTBOUND])
}

/// What was decided about a record, without what differs from run to run.
fn decision(entry: &Entry) -> String {
    let changes: Vec<String> =
        entry.changes.iter().map(|c| format!("{} {} -> {}", c.attribute, c.before, c.after)).collect();
    format!(
        "{:?} {} {} {} {} {:?} {:?} [{}]",
        entry.source_id,
        entry.title,
        entry.qualifier,
        entry.situation,
        entry.action,
        entry.target_id,
        entry.ambiguous,
        changes.join(", ")
    )
}

#[test]
fn a_second_run_changes_nothing() {
    histories("a_second_run_changes_nothing", 40, async |dice| {
        let house = past(dice, 10).await;
        let mapping = some_mapping(dice);
        let first = house.recon(mapping).await;
        // A read that an earlier process began has seen some records as they were then. And what failed the first time may
        // come to pass the second time, when what was in its way has moved.
        if first.progress.resumed.is_some() {
            return;
        }
        if house.entries(&first).await.iter().any(|e| e.status == EntryStatus::Failed) {
            return;
        }
        let (end, written) = (house.end().await, house.records.lock().unwrap().written);
        let second = house.recon(mapping).await;
        let busy: Vec<Entry> = house
            .entries(&second)
            .await
            .into_iter()
            .filter(|e| matches!(e.status, EntryStatus::Planned | EntryStatus::Done))
            .collect();
        assert!(busy.is_empty(), "{mapping}: {busy:#?}");
        assert_eq!(house.records.lock().unwrap().written, written);
        house.end().await.must_be(&end, mapping);
    });
}

#[test]
fn a_run_does_what_its_preview_says() {
    histories("a_run_does_what_its_preview_says", 30, async |dice| {
        let house = past(dice, 10).await;
        let mapping = some_mapping(dice);
        let (before, written) = (house.end().await, house.records.lock().unwrap().written);
        let links = house.links().await;
        let preview = house.run(mapping, RunMode::Preview, false).await;
        assert_eq!(preview.state, RunState::Planned, "{:?}", preview.message);
        // A read that an earlier process began has seen some records as they were then; the run reads anew.
        if preview.progress.resumed.is_some() {
            return;
        }
        assert_eq!(house.end().await.sides(), before.sides(), "a preview writes on neither side");
        assert_eq!(house.records.lock().unwrap().written, written);
        // It takes note of what the provider has done to links: merged records, writes whose answers were lost. And says so.
        let now = house.links().await;
        let new = now.iter().filter(|link| !links.contains(link)).count() as u64;
        let gone = links.iter().filter(|link| !now.contains(link)).count() as u64;
        let told = preview.progress.followed + preview.progress.found_done;
        assert!(new <= told && gone <= told, "{told} told: {links:?} {now:?}");
        assert_eq!(preview.message.is_some(), told > 0, "{:?}", preview.message);
        let plan = house.entries(&preview).await;
        let applied = house.copy(Manner::good(dice.number())).await;
        let run = house.recon(mapping).await;
        was_done(&plan, &house.entries(&run).await);
        // The stored plan, carried out by another process, comes to the same.
        let begun = applied.process.engine.begin_apply(&preview.id, Some(1_000_000)).await.unwrap();
        let run = applied.process.engine.carry_out(begun, engine::CancellationToken::new()).await.unwrap();
        assert_eq!(run.state, RunState::Success, "{:?}", run.message);
        applied.end().await.must_be(&house.end().await, mapping);
    });
}

#[test]
fn a_run_that_has_ended_tells_its_end_at_every_moment() {
    histories("a_run_that_has_ended_tells_its_end_at_every_moment", 3, async |dice| {
        let house = past(dice, 6).await;
        let preview = house.run(some_mapping(dice), RunMode::Preview, false).await;
        for moment in 0.. {
            let mut applied = house.copy(Manner::good(0)).await;
            applied.restart(Manner { crash: Some(Crash::AfterWrite(moment)), ..Manner::good(0) });
            let ended = applied.try_apply(&preview).await;
            applied.ended_runs_tell_their_end(&format!("{moment} writes later")).await;
            if ended.is_some() {
                break;
            }
        }
    });
}

/// What a plan said is what happened.
fn was_done(plan: &[Entry], done: &[Entry]) {
    let list = |all: &[Entry]| all.iter().map(decision).collect::<Vec<_>>();
    assert_eq!(plan.len(), done.len(), "{:#?} {:#?}", list(plan), list(done));
    for (planned, done) in plan.iter().zip(done) {
        let mut was = done.clone();
        if done.action == model::Action::Create {
            was.target_id = None;
        }
        // Two records that want the same address show it only when they are written.
        if done.status != EntryStatus::Failed || planned.status == EntryStatus::Failed {
            assert_eq!(decision(planned), decision(&was));
        }
        let carried_out = match planned.status {
            EntryStatus::Planned => matches!(done.status, EntryStatus::Done | EntryStatus::Failed),
            other => done.status == other,
        };
        assert!(carried_out, "planned as {:?}, ended as {:?}: {done:?}", planned.status, done.status);
    }
}

#[test]
fn an_undo_restores_what_was_there() {
    histories("an_undo_restores_what_was_there", 30, async |dice| {
        let house = past(dice, 0).await;
        let mapping = some_mapping(dice);
        let before = house.end().await;
        let run = house.recon(mapping).await;
        let undo = house.undo(&run).await;
        assert_eq!(undo.state, RunState::Success, "{:?}", undo.message);
        let entries = house.entries(&undo).await;
        let left: Vec<_> = entries.iter().filter(|e| e.status != EntryStatus::Done).collect();
        assert_eq!(house.end().await.sides(), before.sides(), "{mapping}: {left:#?}");
    });
}

#[test]
fn the_order_and_the_size_of_pages_do_not_matter() {
    histories("the_order_and_the_size_of_pages_do_not_matter", 20, async |dice| {
        let house = past(dice, 0).await;
        let mapping = some_mapping(dice);
        let mut ends = Vec::new();
        for _ in 0..3 {
            let copy = house.copy(Manner::good(dice.number())).await;
            copy.recon(mapping).await;
            ends.push(copy.end().await);
        }
        ends[1].must_be(&ends[0], mapping);
        ends[2].must_be(&ends[0], mapping);
    });
}

#[test]
fn a_plan_is_the_same_on_any_number_of_threads() {
    histories("a_plan_is_the_same_on_any_number_of_threads", 20, async |dice| {
        let house = past(dice, 6).await;
        let mapping = some_mapping(dice);
        let good = Manner::good(dice.number());
        let mut plans = Vec::new();
        // Each is another configuration than the world's own, so that each judges every record anew.
        for (threads, together) in [(0, 1000), (8, 1 + dice.below(3)), (9, 1)] {
            let copy = house.copy(good).await;
            let change = move |w: &store::Writer<'_>| {
                let mut config = w.mapping(mapping)?.unwrap().config;
                config.task_threads = Some(threads);
                config.recon_source_query_page_size = Some(together);
                config.recon_target_query_page_size = Some(together);
                w.put_mapping(&config, "2026-01-01T00:00:00Z")
            };
            copy.process.store.write(change).await.unwrap();
            let preview = copy.run(mapping, RunMode::Preview, false).await;
            assert_eq!(preview.state, RunState::Planned, "{:?}", preview.message);
            let entries: Vec<String> = copy.entries(&preview).await.iter().map(decision).collect();
            plans.push((entries, preview.progress.situations));
        }
        assert_eq!(plans[1], plans[0], "{mapping}");
        assert_eq!(plans[2], plans[0], "{mapping}");
    });
}

#[test]
fn a_run_that_is_cut_off_is_gone_on_with_by_the_next() {
    histories("a_run_that_is_cut_off_is_gone_on_with_by_the_next", 3, async |dice| {
        let house = past(dice, 0).await;
        let mapping = some_mapping(dice);
        let good = Manner::good(dice.number());
        let whole = house.copy(good).await;
        whole.recon(mapping).await;
        to_rest(&whole, mapping).await;
        let want = whole.end().await;
        for kind in [Crash::BeforeCall, Crash::AfterCall, Crash::AfterWrite] {
            for moment in 1.. {
                if !crashed_run_ends_as(&house, mapping, good, kind(moment), &want).await {
                    break;
                }
            }
        }
    });
}

/// Crashes a run, runs it again and compares; false when the run was over before.
async fn crashed_run_ends_as(
    house: &House,
    mapping: &str,
    good: Manner,
    crash: Crash,
    want: &house::End,
) -> bool {
    let mut copy = house.copy(Manner { crash: Some(crash), ..good }).await;
    if copy.try_run(mapping, RunMode::Reconcile, false).await.is_some() {
        return false;
    }
    copy.restart(good);
    to_rest(&copy, mapping).await;
    copy.end().await.must_be(want, &format!("{mapping}: {crash:?}"));
    let contacts: BTreeSet<String> = copy.links().await.into_iter().map(|(contact, _)| contact).collect();
    assert_eq!(contacts.len(), copy.links().await.len(), "{crash:?}: links are one to one");
    true
}

/// An end of the process before one of so many moments, or none.
fn some_crash(dice: &mut Dice, moments: u64) -> Option<Crash> {
    let moment = dice.number() % moments;
    *dice.one_of(&[
        None,
        Some(Crash::BeforeCall(moment)),
        Some(Crash::AfterCall(moment)),
        Some(Crash::AfterWrite(moment)),
    ])
}

#[test]
fn bad_answers_and_crashes_lose_nothing() {
    histories("bad_answers_and_crashes_lose_nothing", 25, async |dice| {
        let mut house = past(dice, 0).await;
        let mapping = some_mapping(dice);
        let good = Manner::good(dice.number());
        let whole = house.copy(good).await;
        let first = whole.recon(mapping).await;
        to_rest(&whole, mapping).await;
        // A full run that cannot judge a record deletes nothing; an incremental one knows by its id what is gone.
        let judged_all = whole.entries(&first).await.iter().all(|e| e.status != EntryStatus::Failed);
        for _ in 0..2 {
            let crash = some_crash(dice, 12);
            house.restart(Manner { crash, faults: 20, ..Manner::good(dice.number()) });
            let incremental = dice.percent(30) && judged_all;
            house.try_run(mapping, RunMode::Reconcile, incremental).await;
        }
        house.restart(good);
        to_rest(&house, mapping).await;
        house.end().await.must_be(&whole.end().await, mapping);
    });
}

#[test]
fn incremental_runs_end_like_full_ones() {
    histories("incremental_runs_end_like_full_ones", 20, async |dice| {
        let house = past(dice, 0).await;
        let mapping = some_mapping(dice);
        house.run(mapping, RunMode::Reconcile, true).await;
        to_rest(&house, mapping).await;
        for _ in 0..2 {
            edits(&house, dice, 5).await;
            let full = house.copy(Manner::good(dice.number())).await;
            let run = full.recon(mapping).await;
            to_rest(&full, mapping).await;
            // A full run that cannot judge a record deletes nothing; an incremental one knows by its id what is gone.
            if full.entries(&run).await.iter().any(|e| e.status == EntryStatus::Failed) {
                return;
            }
            for _ in 0..3 {
                let run = house.run(mapping, RunMode::Reconcile, true).await;
                assert_eq!(run.state, RunState::Success, "{:?}", run.message);
                assert!(run.progress.incremental, "it reads only what has changed");
            }
            house.end().await.must_be(&full.end().await, mapping);
        }
    });
}

#[test]
fn a_pair_of_mappings_comes_to_rest() {
    histories("a_pair_of_mappings_comes_to_rest", 25, async |dice| {
        let house = past(dice, 10).await;
        for _ in 0..6 {
            let mut done = 0;
            for mapping in [INBOUND, OUTBOUND] {
                let p = house.recon(mapping).await.progress;
                done += p.created + p.updated + p.deleted + p.unlinked + p.linked;
            }
            if done == 0 {
                return;
            }
        }
        panic!("the pair goes on and on: {:#?}", house.end().await);
    });
}

/// Two systems, their users between them, people who edit all three, bad answers, crashes and clocks that are set: each move
/// ends as it would have without any of these, what its plan said is what happened, and at last everything comes to rest.
#[test]
fn two_systems_with_one_set_of_people_lose_nobody() {
    histories("two_systems_with_one_set_of_people_lose_nobody", 20, async |dice| {
        let mut house = past_of_two(dice).await;
        for _ in 0..1 + dice.below(3) {
            edits_of_two(&house, dice, 5).await;
            house.jump(some_jump(dice));
            let next = some_move(dice);
            let good = Manner::good(dice.number());
            let whole = house.copy(good).await;
            if let Move::Run(mapping) = next {
                let preview = whole.run(mapping, RunMode::Preview, false).await;
                assert_eq!(preview.state, RunState::Planned, "{:?}", preview.message);
                let run = whole.recon(mapping).await;
                // A read that an earlier process began has seen some records as they were then.
                if preview.progress.resumed.is_none() && run.progress.resumed.is_none() {
                    was_done(&whole.entries(&preview).await, &whole.entries(&run).await);
                }
            }
            made(&whole, next).await;
            for _ in 0..dice.below(3) {
                let crash = some_crash(dice, 14);
                house.restart(Manner { crash, faults: 20, ..Manner::good(dice.number()) });
                match next {
                    Move::Run(mapping) => drop(house.try_run(mapping, RunMode::Reconcile, false).await),
                    Move::Deliver => drop(house.try_deliver().await),
                }
                house.must_be_sound("after a crash").await;
                house.jump(some_jump(dice));
            }
            house.restart(good);
            made(&house, next).await;
            let context = format!("{next:?}");
            let comparable = |end: End| if next == Move::Deliver { end.uncontested() } else { end };
            for (is, must_be) in [
                (house.end().await, whole.end().await),
                (house.end_of_sales().await, whole.end_of_sales().await),
            ] {
                comparable(is).must_be(&comparable(must_be), &context);
            }
            house.must_be_sound(&context).await;
        }
        for _ in 0..10 {
            let mut done = 0;
            for mapping in ALL {
                let p = house.recon(mapping).await.progress;
                done += p.created + p.updated + p.deleted + p.unlinked + p.linked;
            }
            if done == 0 {
                return house.must_be_sound("at rest").await;
            }
        }
        panic!("the four mappings go on and on: {:#?} {:#?}", house.end().await, house.end_of_sales().await);
    });
}
