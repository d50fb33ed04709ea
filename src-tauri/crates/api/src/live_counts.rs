//! How many entries a run under way has, counted seldom enough: a window asks several times a second, and counting a million
//! entries takes a while.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use jiff::{SignedDuration, Timestamp};
use store::EntryCount;

/// A count is good for this long at least.
const FRESH: SignedDuration = SignedDuration::from_millis(400);
/// And for this many times as long as it took, so that counting is a small part of the work.
const SHARE: i32 = 20;

/// The last counts of the runs under way.
#[derive(Default)]
pub(crate) struct LiveCounts(Mutex<HashMap<i64, Counted>>);

struct Counted {
    counts: Vec<EntryCount>,
    until: Timestamp,
}

impl LiveCounts {
    /// The last counts of a run, while they are good.
    pub fn fresh(&self, run: i64, now: Timestamp) -> Option<Vec<EntryCount>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&run).filter(|counted| now < counted.until).map(|counted| counted.counts.clone())
    }

    /// Keeps counts that were begun and ended at these times.
    pub fn keep(&self, run: i64, counts: &[EntryCount], begun: Timestamp, ended: Timestamp) {
        let took = ended.duration_since(begun);
        let good = took.saturating_mul(SHARE).max(FRESH);
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Of runs that have ended nobody asks here any more.
        known.retain(|_, counted| ended < counted.until);
        if let Ok(until) = ended.checked_add(good) {
            known.insert(run, Counted { counts: counts.to_vec(), until });
        }
    }
}

#[cfg(test)]
mod tests {
    use model::{Action, Situation};
    use store::EntryStatus;

    use super::*;

    /// How often entries are counted in ten seconds in which a window asks every 20 ms, when counting takes this long.
    fn counted(took_ms: i64) -> u32 {
        let (live, start) = (LiveCounts::default(), Timestamp::UNIX_EPOCH);
        let at = |ms: i64| start + SignedDuration::from_millis(ms);
        let (mut counted, mut now) = (0, 0);
        while now < 10_000 {
            if live.fresh(7, at(now)).is_none() {
                counted += 1;
                live.keep(
                    7,
                    &[(Situation::Absent, Action::Create, EntryStatus::Planned, 1)],
                    at(now),
                    at(now + took_ms),
                );
                now += took_ms;
            }
            now += 20;
        }
        counted
    }

    #[test]
    fn however_often_a_window_asks_counting_stays_a_small_part_of_the_work() {
        assert!((20..=25).contains(&counted(1)), "a few times a second: {}", counted(1));
        for took in [50, 200, 1000] {
            let busy = i64::from(counted(took)) * took;
            assert!(busy <= 1000.max(took), "{took} ms each: {busy} of 10,000 ms");
        }
    }

    #[test]
    fn runs_are_kept_apart_and_forgotten() {
        let (live, now) = (LiveCounts::default(), Timestamp::UNIX_EPOCH);
        live.keep(1, &[], now, now);
        assert_eq!(live.fresh(1, now), Some(Vec::new()));
        assert_eq!(live.fresh(2, now), None);
        let later = now + SignedDuration::from_secs(5);
        live.keep(2, &[], later, later);
        assert_eq!(live.0.lock().unwrap().len(), 1);
    }
}
