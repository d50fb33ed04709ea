//! The queue of implicit syncs: changes of one object fold into one row, and none is ever lost.
#![allow(clippy::unwrap_used, reason = "a failed expectation in a helper is a failed test")]

mod common;

use common::{AT, fresh, object};
use proptest::prelude::*;
use serde_json::json;
use store::{BackOff, ErrorKind, QueueChange, QueueRow, QueueState, Store};

use QueueChange::{Create, Delete, Update};

const BACK_OFF: BackOff = BackOff { first_ms: 1_000_000, longest_ms: 1_000_000 };

fn enqueue(store: &Store, mapping: &'static str, id: &'static str, change: QueueChange) {
    store
        .write_blocking(move |w| {
            let old = object(json!({"last": "value"}));
            let old = (change == Delete).then_some(&old);
            w.enqueue(mapping, "user", id, "Ann", change, old, 1000, AT)
        })
        .unwrap();
}

fn rows(store: &Store) -> Vec<QueueRow> {
    store.read_blocking(|r| r.queue(None, 100)).unwrap().rows
}

fn delivered(store: &Store, row: &QueueRow) {
    let row = row.clone();
    store.write_blocking(move |w| w.delivered(&row, "synced", AT)).unwrap();
}

#[test]
fn a_row_reads_back() {
    let (_folder, store) = fresh();
    enqueue(&store, "m", "1", Delete);
    assert_eq!(
        rows(&store),
        [QueueRow {
            seq: 1,
            generation: 1,
            mapping: "m".into(),
            kind: "user".into(),
            object_id: "1".into(),
            title: "Ann".into(),
            change: Delete,
            state: QueueState::Waiting,
            attempts: 0,
            next_ms: 1000,
            message: None,
            old: Some(object(json!({"last": "value"}))),
            created: AT.into(),
        }]
    );
}

/// A change that comes while an earlier one is on its way is one from what that one carried.
#[test]
fn a_change_during_a_delivery_begins_where_that_one_ended() {
    for (first, then, expect) in [
        (Update, Update, (Update, "carried")),
        (Create, Update, (Update, "carried")),
        (Update, Delete, (Delete, "last")),
        (Delete, Create, (Create, "last")),
    ] {
        let (_folder, store) = fresh();
        let put = |change: QueueChange, old: &'static str| {
            store
                .write_blocking(move |w| {
                    let old = object(json!({"was": old}));
                    w.enqueue("m", "user", "1", "Ann", change, Some(&old), 1000, AT)
                })
                .unwrap();
        };
        put(first, if first == Delete { "last" } else { "first" });
        let row = rows(&store).remove(0);
        put(then, if then == Delete { "last" } else { "carried" });
        store
            .write_blocking(move |w| {
                w.goes_on_from(&row, Some(&object(json!({"was": "carried"}))))?;
                w.delivered(&row, "synced", AT)
            })
            .unwrap();
        let left = rows(&store).remove(0);
        assert_eq!((left.change, left.old), (expect.0, Some(object(json!({"was": expect.1})))));
    }
    // Where nothing came meanwhile nothing is left.
    let (_folder, store) = fresh();
    enqueue(&store, "m", "1", Update);
    let row = rows(&store).remove(0);
    store
        .write_blocking(move |w| {
            w.goes_on_from(&row, None)?;
            w.delivered(&row, "synced", AT)
        })
        .unwrap();
    assert_eq!(rows(&store), []);
}

#[test]
fn changes_of_one_object_fold_into_one_row() {
    for (changes, expect) in [
        (vec![Create], Create),
        (vec![Create, Update], Create),
        (vec![Create, Update, Update], Create),
        (vec![Update, Update], Update),
        (vec![Update, Delete], Delete),
        (vec![Create, Delete], Delete),
        (vec![Delete, Create], Create),
    ] {
        let (_folder, store) = fresh();
        enqueue(&store, "m", "other", Update);
        for change in &changes {
            enqueue(&store, "m", "1", *change);
        }
        enqueue(&store, "n", "1", Update);
        let rows = rows(&store);
        assert_eq!(rows.len(), 3, "{changes:?}");
        assert_eq!((rows[1].change, rows[1].generation), (expect, changes.len() as i64), "{changes:?}");
        assert_eq!(store.read_blocking(|r| r.queue_count()).unwrap(), 3);
        let of = store.read_blocking(|r| r.queue_of("user", "1")).unwrap();
        assert_eq!(of.iter().map(|r| r.mapping.as_str()).collect::<Vec<_>>(), ["m", "n"]);
    }
}

#[test]
fn pages_begin_with_what_failed_and_hold_every_row_once() {
    let (_folder, store) = fresh();
    for id in ["1", "2", "3", "4", "5"] {
        enqueue(&store, "m", id, Update);
    }
    for row in rows(&store).into_iter().filter(|row| ["3", "5"].contains(&row.object_id.as_str())) {
        store.write_blocking(move |w| w.not_delivered(&row, None, "no", AT)).unwrap();
    }
    for size in [1, 2, 3, 5, 6] {
        let (mut ids, mut after) = (Vec::new(), None::<String>);
        loop {
            let cursor = after.clone();
            let page = store.read_blocking(move |r| r.queue(cursor.as_deref(), size)).unwrap();
            assert!(page.rows.len() <= size);
            ids.extend(page.rows.into_iter().map(|row| row.object_id));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(ids, ["3", "5", "1", "2", "4"], "{size} a page");
    }
    let counts = |state| store.read_blocking(move |r| r.queue_count_in(state)).unwrap();
    assert_eq!((counts(QueueState::Failed), counts(QueueState::Waiting)), (2, 3));
    let (last, none) = store.read_blocking(|r| Ok((r.queue_row(5)?, r.queue_row(6)?))).unwrap();
    assert_eq!((last.map(|row| row.object_id).as_deref(), none), (Some("5"), None));
    assert!(store.read_blocking(|r| r.queue(Some("5"), 1)).is_err(), "a cursor of something else");
}

#[test]
fn a_change_that_arrives_during_a_delivery_stays_due() {
    let (_folder, store) = fresh();
    enqueue(&store, "m", "1", Update);
    let under_way = rows(&store).remove(0);
    // The same moment, to the digit.
    enqueue(&store, "m", "1", Update);
    delivered(&store, &under_way);
    let left = rows(&store);
    assert_eq!((left.len(), left[0].generation), (1, 2));
    // Nor may a failure of the old state put off or give up the new one.
    let failing = under_way.clone();
    store.write_blocking(move |w| w.not_delivered(&failing, None, "no", AT)).unwrap();
    assert_eq!((rows(&store)[0].state, rows(&store)[0].attempts), (QueueState::Waiting, 0));
    delivered(&store, &left[0]);
    assert_eq!(rows(&store), []);
}

#[test]
fn a_number_is_never_given_twice() {
    let (_folder, store) = fresh();
    enqueue(&store, "m", "1", Update);
    let under_way = rows(&store).remove(0);
    let seq = under_way.seq;
    store.write_blocking(move |w| w.discard_queue(seq)).unwrap();
    enqueue(&store, "m", "2", Update);
    delivered(&store, &under_way);
    assert_eq!(rows(&store).len(), 1, "the delivery of one row took another with it");
}

/// The clock was years ahead when a delivery failed, and is right again.
/// What no try has made it wait for was given by a clock that was wrong.
#[test]
fn a_row_waits_no_longer_than_its_tries_make_it_wait() {
    let back_off = BackOff { first_ms: 2000, longest_ms: 10_000 };
    for (tries, wait) in
        [(0, 0), (1, 2000), (2, 4000), (3, 8000), (4, 10_000), (30, 10_000), (u32::MAX, 10_000)]
    {
        assert_eq!(back_off.wait_ms(tries), wait, "{tries}");
    }
    for tries in [0, 1, 2, 3, 4, 30] {
        let (_folder, store) = fresh();
        enqueue(&store, "m", "1", Update);
        for _ in 0..tries {
            let row = rows(&store).remove(0);
            store.write_blocking(move |w| w.not_delivered(&row, Some(100_000), "busy", "t1")).unwrap();
        }
        let due_at = if tries == 0 { 1000 } else { 100_000 };
        let wait = back_off.wait_ms(tries);
        // On time, and where the clock has been set back further than it would ever wait.
        for (now, due) in [
            (due_at, 1),
            (due_at + 1, 1),
            (due_at - 1, u64::from(wait < 1)),
            (due_at - wait, u64::from(wait == 0)),
            (due_at - wait - 1, 1),
            (due_at - 3_600_000, 1),
            (i64::MIN + due_at, 1),
        ] {
            let found = store.read_blocking(|r| r.queue_due("m", now, back_off, 10)).unwrap();
            assert_eq!(
                found.len() as u64,
                due,
                "{tries} tries, {} before its time",
                due_at.saturating_sub(now)
            );
        }
    }
}

#[test]
fn failures_are_tried_again_later_or_given_up() {
    let (_folder, store) = fresh();
    enqueue(&store, "m", "1", Update);
    enqueue(&store, "m", "2", Update);
    let due = |now| -> Vec<String> {
        store
            .read_blocking(|r| r.queue_due("m", now, BACK_OFF, 10))
            .unwrap()
            .into_iter()
            .map(|r| r.object_id)
            .collect()
    };
    assert_eq!(due(1000), ["1", "2"]);
    assert_eq!(store.read_blocking(|r| r.queue_due("m", 1000, BACK_OFF, 1)).unwrap().len(), 1);
    let first = rows(&store).remove(0);
    let again = first.clone();
    store.write_blocking(move |w| w.not_delivered(&again, Some(5000), "busy", "t1")).unwrap();
    assert_eq!((due(4999), due(5000)), (vec!["2".to_owned()], vec!["1".to_owned(), "2".to_owned()]));
    let first = rows(&store).remove(0);
    assert_eq!((first.attempts, first.message.as_deref()), (1, Some("busy")));
    let again = first.clone();
    store.write_blocking(move |w| w.not_delivered(&again, None, "refused", "t2")).unwrap();
    assert_eq!(rows(&store)[0].state, QueueState::Failed);
    assert_eq!(due(i64::MAX), ["2"]);
    let outcomes = store.read_blocking(|r| r.sync_outcomes("user", "1")).unwrap();
    assert_eq!(
        outcomes,
        [store::SyncOutcome { mapping: "m".into(), ok: false, message: "refused".into(), at: "t2".into() }]
    );
    // A person has it tried again; or another change does.
    let seq = first.seq;
    store.write_blocking(move |w| w.retry_queue(Some(seq), 7)).unwrap();
    assert_eq!(
        (rows(&store)[0].state, rows(&store)[0].attempts, rows(&store)[0].next_ms),
        (QueueState::Waiting, 0, 7)
    );
    let again = rows(&store).remove(0);
    store.write_blocking(move |w| w.not_delivered(&again, None, "refused", "t3")).unwrap();
    enqueue(&store, "m", "1", Update);
    let renewed = rows(&store).remove(0);
    assert_eq!((renewed.state, renewed.attempts, renewed.message), (QueueState::Waiting, 0, None));
    delivered(&store, &rows(&store)[0]);
    let outcomes = store.read_blocking(|r| r.sync_outcomes("user", "1")).unwrap();
    assert_eq!(outcomes.iter().map(|o| (o.ok, o.message.as_str())).collect::<Vec<_>>(), [(true, "synced")]);
    store.write_blocking(|w| w.retry_queue(None, 9)).unwrap();
    assert_eq!(rows(&store)[0].next_ms, 9);
}

#[test]
fn rows_that_are_not_there_are_named() {
    let (_folder, store) = fresh();
    for error in [
        store.write_blocking(|w| w.retry_queue(Some(7), 0)).unwrap_err(),
        store.write_blocking(|w| w.discard_queue(7)).unwrap_err(),
    ] {
        assert_eq!(
            (error.kind, error.to_string().as_str()),
            (ErrorKind::NotFound, "there is no queue row 7")
        );
    }
    store.write_blocking(|w| w.retry_queue(None, 0)).unwrap();
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Change(&'static str),
    Begin,
    Deliver,
    Fail,
    GiveUp,
    Discard,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// However changes, deliveries and failures interleave, an object whose newest change was not delivered has a row.
    #[test]
    fn no_change_is_lost(steps in prop::collection::vec(prop_oneof![
        4 => prop_oneof![Just("1"), Just("2")].prop_map(Step::Change),
        3 => Just(Step::Begin),
        2 => Just(Step::Deliver),
        1 => Just(Step::Fail),
        1 => Just(Step::GiveUp),
        1 => Just(Step::Discard),
    ], 1..30)) {
        let (_folder, store) = fresh();
        let mut newest = std::collections::BTreeMap::from([("1", 0), ("2", 0)]);
        let mut reached = newest.clone();
        // Rows under way, each with the number of the change that it carries.
        let mut under_way: Vec<(QueueRow, u32)> = Vec::new();
        let mut clock = 0;
        for step in steps {
            match step {
                Step::Change(id) => {
                    clock += 1;
                    newest.insert(id, clock);
                    enqueue(&store, "m", id, Update);
                }
                Step::Begin => {
                    for row in store.read_blocking(|r| r.queue_due("m", 1000, BACK_OFF, 1)).unwrap() {
                        let carried = newest[row.object_id.as_str()];
                        under_way.push((row, carried));
                    }
                }
                Step::Deliver => if let Some((row, carried)) = under_way.pop() {
                    delivered(&store, &row);
                    let id = newest.keys().copied().find(|k| *k == row.object_id).unwrap();
                    let best = reached[id].max(carried);
                    reached.insert(id, best);
                },
                Step::Fail | Step::GiveUp => if let Some((row, _)) = under_way.pop() {
                    let next = matches!(step, Step::Fail).then_some(900);
                    store.write_blocking(move |w| w.not_delivered(&row, next, "no", AT)).unwrap();
                },
                Step::Discard => if let Some(row) = rows(&store).pop() {
                    let id = newest.keys().copied().find(|k| *k == row.object_id).unwrap();
                    reached.insert(id, newest[id]);
                    store.write_blocking(move |w| w.discard_queue(row.seq)).unwrap();
                },
            }
            for (id, change) in &newest {
                let there = rows(&store).iter().any(|r| r.object_id == *id);
                prop_assert!(there || reached[id] >= *change, "{} is lost", id);
            }
        }
    }
}
