//! What wrong passwords cost: time, never the account.
//!
//! A peer that guessed wrong a few times has its further attempts looked at one after another, a moment apart, and is told
//! late that they are wrong. Nothing is ever locked: the right password waits for its turn among a few and passes.

use std::{
    collections::{HashMap, HashSet},
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::Semaphore;

/// Mistakes that anybody makes.
const FREE: f64 = 3.0;
/// A mistake is forgotten after so long.
const FORGET: Duration = Duration::from_secs(30);
/// The longest that a wrong answer is held back.
const LONGEST: Duration = Duration::from_secs(5);
/// Between two looks at a suspicious peer's attempts.
const PACE: Duration = Duration::from_millis(150);
/// Attempts that may wait for their look.
const WAITING: usize = 64;
/// Wrong answers that are held back at a time; more would only keep connections from others.
const HELD: usize = 128;
/// Peers that are remembered; beyond, all strangers share one memory.
const PEERS: usize = 1024;

/// The wrong guesses of late.
pub(crate) struct Guesses {
    peers: Mutex<HashMap<Option<IpAddr>, Misses>>,
    /// Who has signed in: what others guess is not held against them.
    known: Mutex<HashSet<IpAddr>>,
    turn: Semaphore,
    waiting: Semaphore,
    held: Semaphore,
}

#[derive(Clone, Copy)]
struct Misses {
    count: f64,
    at: Instant,
}

/// Too many wait already.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooMany;

impl Default for Guesses {
    fn default() -> Self {
        Self {
            peers: Mutex::default(),
            known: Mutex::default(),
            turn: Semaphore::new(1),
            waiting: Semaphore::new(WAITING),
            held: Semaphore::new(HELD),
        }
    }
}

impl Guesses {
    /// Waits until an attempt of this peer may be looked at. Who did not guess wrong of late does not wait.
    pub async fn turn(&self, peer: IpAddr) -> Result<(), TooMany> {
        let at = now();
        let under_attack = !self.known().contains(&peer) && self.misses_of_all(at) > FREE * 10.0;
        if !under_attack && self.misses(peer, at) <= FREE {
            return Ok(());
        }
        let _place = self.waiting.try_acquire().map_err(|_| TooMany)?;
        let _turn = self.turn.acquire().await.map_err(|_| TooMany)?;
        pause(PACE).await;
        Ok(())
    }

    /// Notes that a peer has signed in.
    pub fn passed(&self, peer: IpAddr) {
        let mut known = self.known();
        if known.len() < PEERS {
            known.insert(peer);
        }
    }

    /// Notes a wrong guess and holds its answer back, the longer the more there were; when too many are held already, the
    /// answer is that.
    pub async fn missed(&self, peer: IpAddr) -> Result<(), TooMany> {
        let misses = {
            let at = now();
            let mut peers = self.peers();
            peers.retain(|_, misses| left(*misses, at) > 0.0);
            let known = peers.contains_key(&Some(peer)) || peers.len() < PEERS;
            let key = known.then_some(peer);
            let count = peers.get(&key).map_or(0.0, |misses| left(*misses, at)) + 1.0;
            peers.insert(key, Misses { count, at });
            count
        };
        let _place = self.held.try_acquire().map_err(|_| TooMany)?;
        pause(hold(misses.max(self.misses_of_all(now()) / 10.0))).await;
        Ok(())
    }

    fn misses(&self, peer: IpAddr, at: Instant) -> f64 {
        let peers = self.peers();
        let key = if peers.contains_key(&Some(peer)) || peers.len() < PEERS { Some(peer) } else { None };
        peers.get(&key).map_or(0.0, |misses| left(*misses, at))
    }

    fn misses_of_all(&self, at: Instant) -> f64 {
        self.peers().values().map(|misses| left(*misses, at)).sum()
    }

    fn peers(&self) -> MutexGuard<'_, HashMap<Option<IpAddr>, Misses>> {
        self.peers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn known(&self) -> MutexGuard<'_, HashSet<IpAddr>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is left of a peer's mistakes.
fn left(misses: Misses, at: Instant) -> f64 {
    let forgotten = at.saturating_duration_since(misses.at).as_secs_f64() / FORGET.as_secs_f64();
    (misses.count - forgotten).max(0.0)
}

/// How long the answer to a wrong guess is held back.
fn hold(misses: f64) -> Duration {
    let doublings = (misses - 1.0).clamp(0.0, 10.0);
    Duration::from_millis(200).mul_f64(doublings.exp2()).min(LONGEST)
}

#[allow(clippy::disallowed_methods, reason = "mistakes are forgotten with real time")]
fn now() -> Instant {
    Instant::now()
}

#[allow(clippy::disallowed_methods, reason = "waiting is what a guess costs")]
async fn pause(time: Duration) {
    tokio::time::sleep(time).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_grows_and_ends() {
        let waits: Vec<u128> =
            [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 50.0].iter().map(|n| hold(*n).as_millis()).collect();
        assert_eq!(waits, [200, 400, 800, 1600, 3200, 5000, 5000]);
    }

    #[test]
    fn mistakes_are_forgotten() {
        let at = now();
        let misses = Misses { count: 4.0, at };
        assert_eq!(left(misses, at), 4.0);
        assert_eq!(left(misses, at + FORGET), 3.0);
        assert_eq!(left(misses, at + FORGET * 9), 0.0);
    }
}
