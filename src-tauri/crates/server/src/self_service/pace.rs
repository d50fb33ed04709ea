//! How many accounts can be made in a while.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Attempts of one peer that are taken at once.
const AT_ONCE: f64 = 20.0;
/// After so long one more is taken.
const ONE_MORE: Duration = Duration::from_secs(20);
/// The same for everybody together.
const ALL_AT_ONCE: f64 = 200.0;
const ONE_MORE_OF_ALL: Duration = Duration::from_secs(1);
/// Peers that are remembered; beyond, all strangers share one memory.
const PEERS: usize = 4096;

/// Attempts of late.
#[derive(Default)]
pub(crate) struct Pace(Mutex<Taken>);

#[derive(Default)]
struct Taken {
    all: Option<Bucket>,
    peers: HashMap<Option<IpAddr>, Bucket>,
}

#[derive(Clone, Copy)]
struct Bucket {
    used: f64,
    at: Instant,
}

impl Bucket {
    fn left(self, at: Instant, one_more: Duration) -> f64 {
        let back = at.saturating_duration_since(self.at).as_secs_f64() / one_more.as_secs_f64();
        (self.used - back).max(0.0)
    }
}

impl Pace {
    /// Takes one attempt; `false` when there were too many of late.
    pub fn take(&self, peer: IpAddr, at: Instant) -> bool {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        taken.peers.retain(|_, bucket| bucket.left(at, ONE_MORE) > 0.0);
        let key = (taken.peers.contains_key(&Some(peer)) || taken.peers.len() < PEERS).then_some(peer);
        let used = taken.peers.get(&key).map_or(0.0, |bucket| bucket.left(at, ONE_MORE)) + 1.0;
        let of_all = taken.all.map_or(0.0, |bucket| bucket.left(at, ONE_MORE_OF_ALL)) + 1.0;
        if used > AT_ONCE || of_all > ALL_AT_ONCE {
            return false;
        }
        taken.peers.insert(key, Bucket { used, at });
        taken.all = Some(Bucket { used: of_all, at });
        true
    }
}

#[allow(clippy::disallowed_methods, reason = "attempts are forgotten, and sessions end, with real time")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_gets_so_many_and_then_one_after_the_other() {
        let (pace, at) = (Pace::default(), now());
        let (one, other) = (IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2]));
        assert_eq!((0..30).filter(|_| pace.take(one, at)).count(), 20);
        assert!(pace.take(other, at), "others are not held up");
        assert!(!pace.take(one, at + ONE_MORE / 2));
        assert!(pace.take(one, at + ONE_MORE));
        assert!(!pace.take(one, at + ONE_MORE));
    }

    #[test]
    fn all_together_have_a_bound_too() {
        let (pace, at) = (Pace::default(), now());
        let taken = (0..=255).filter(|n| pace.take(IpAddr::from([192, 0, 2, *n]), at)).count();
        assert_eq!(taken, 200);
    }
}
