//! Schedules: of several processes one fires, and a clock that was wrong stops none of them.
#![allow(clippy::unwrap_used, reason = "a failed expectation in a helper is a failed test")]

mod common;

use common::{AT, fresh};
use serde_json::json;
use store::Store;

const DUE: i64 = 500_000;
const NOW: i64 = 1_000_000;
const LEASE: i64 = 60_000;
const YEAR: i64 = 365 * 24 * 3_600_000;

fn hourly(store: &Store) {
    let config = serde_json::from_value(json!({
        "type": "simple", "repeatInterval": 3_600_000, "invokeService": "sync",
        "invokeContext": {"action": "reconcile", "mapping": "m"}
    }))
    .unwrap();
    store.write_blocking(move |w| w.put_schedule("hourly", &config, 0, Some(DUE), AT)).unwrap();
}

/// A process whose clock says `now` wants to fire what was due.
fn leases(store: &Store, due: i64, now: i64) -> bool {
    store.write_blocking(move |w| w.lease_schedule("hourly", due, now, now + LEASE)).unwrap()
}

#[test]
fn a_right_to_fire_holds_as_long_as_it_was_given_and_no_clock_makes_it_longer() {
    for (what, first, second, may) in [
        ("at the same moment", NOW, NOW, false),
        ("just before it ends", NOW, NOW + LEASE - 1, false),
        ("when it ends", NOW, NOW + LEASE, true),
        // The clocks of two processes on one computer are one clock; it may have been set between the two.
        ("set back a little", NOW, NOW - LEASE, false),
        ("set back further than it lasts", NOW, NOW - LEASE - 1, true),
        ("given years ahead", NOW + 5 * YEAR, NOW, true),
        ("given years ago", NOW - 10 * YEAR, NOW, true),
        ("the clock goes ahead by years", NOW, NOW + 5 * YEAR, true),
    ] {
        let (_folder, store) = fresh();
        hourly(&store);
        assert!(leases(&store, DUE, first), "{what}");
        assert_eq!(leases(&store, DUE, second), may, "{what}");
        if may {
            assert!(!leases(&store, DUE, second), "{what}: the right is the second one's now");
        }
    }
}

#[test]
fn a_schedule_that_has_moved_on_or_was_changed_is_not_fired_for_its_old_time() {
    let (_folder, store) = fresh();
    hourly(&store);
    assert!(!leases(&store, DUE + 1, NOW), "another time than the one that stands");
    assert!(leases(&store, DUE, NOW));
    // Fired: the right is given back with the next time.
    store.write_blocking(|w| w.move_schedule("hourly", DUE, Some(DUE + 3_600_000))).unwrap();
    assert!(!leases(&store, DUE, NOW));
    assert!(leases(&store, DUE + 3_600_000, NOW));
    // Somebody saves it meanwhile: whoever holds the right does not move what was saved.
    hourly(&store);
    store.write_blocking(|w| w.move_schedule("hourly", DUE + 3_600_000, None)).unwrap();
    let row = store.read_blocking(|r| r.schedule("hourly")).unwrap().unwrap();
    assert_eq!(row.next_ms, Some(DUE));
    assert!(leases(&store, DUE, NOW), "and the right is free");
}
