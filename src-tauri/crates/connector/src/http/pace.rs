//! Waiting: the permits per second, the rest after "too many requests", and the one place that looks at a clock
//! that only runs forward.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use model::ConnectorConfig;

use crate::error::ConnectorError;

/// Waits, and tells how much time has passed. A test hands in one that returns at once and moves its own time on.
#[async_trait]
pub trait Waiter: Send + Sync {
    /// Time since some fixed moment; never runs backwards.
    fn elapsed(&self) -> Duration;

    /// Returns when at least this much time has passed.
    async fn wait(&self, duration: Duration);
}

/// Waits in real time.
pub struct RealTime {
    started: tokio::time::Instant,
}

impl RealTime {
    /// Starts counting now.
    pub fn new() -> Self {
        Self { started: tokio::time::Instant::now() }
    }
}

impl Default for RealTime {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Waiter for RealTime {
    fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    // The one place of this crate that waits for the clock: every pause of limiter and back-off comes through here.
    #[allow(clippy::disallowed_methods)]
    async fn wait(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// The waiter as the limiter's clock.
#[derive(Clone)]
struct Ticks(Arc<dyn Waiter>);

impl governor::clock::Clock for Ticks {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.elapsed()
    }
}

/// The share of a provider's window that may be used at once, in quarters. The rest is spread over what is left of it,
/// so that a call that somebody waits for does not wait for a whole window.
const AT_ONCE: u32 = 3;

/// A queue of calls that share permits, a provider's window and a rest.
pub(crate) struct Lane {
    waiter: Arc<dyn Waiter>,
    state: Mutex<State>,
}

struct State {
    /// As configured, or for as long as the provider has not told what it allows.
    pace: Option<Limiter>,
    /// Whether the provider's window takes the place of the pace once it is known.
    learns: bool,
    window: Option<Window>,
    /// Calls that have begun and have no answer yet.
    under_way: u32,
    last_begun: Duration,
    resting_until: Duration,
}

type Limiter = RateLimiter<NotKeyed, InMemoryState, Ticks, NoOpMiddleware<Duration>>;

/// What a provider allows in any stretch of time of one length.
///
/// A call counts from its beginning until that time has passed since its *answer*. The provider counted it somewhere
/// between the two, so whatever the network does to them, no stretch at the provider holds more calls than it allows.
struct Window {
    allowed: u32,
    length: Duration,
    /// When our calls were answered, oldest first.
    answered: VecDeque<Duration>,
    /// How many calls of others the provider counted besides, and when it said so.
    others: (u32, Duration),
    /// The provider refused calls although they were within the limit: from then on they are spread evenly.
    evenly: bool,
}

impl Window {
    fn forget(&mut self, now: Duration) {
        while self.answered.front().is_some_and(|at| *at + self.length <= now) {
            self.answered.pop_front();
        }
        if self.others.1 + self.length <= now {
            self.others.0 = 0;
        }
    }

    fn ours(&self, under_way: u32) -> u32 {
        u32::try_from(self.answered.len()).unwrap_or(u32::MAX).saturating_add(under_way)
    }

    /// Takes what an answer says is left of the window.
    fn compare(&mut self, left: u32, under_way: u32, now: Duration) {
        self.forget(now);
        let counted = self.allowed.saturating_sub(left);
        self.others = (counted.saturating_sub(self.ours(under_way)), now);
    }

    /// How long the next call has to wait.
    fn wait(&mut self, under_way: u32, last_begun: Duration, now: Duration) -> Option<Duration> {
        self.forget(now);
        let used = self.ours(under_way).saturating_add(self.others.0);
        // Others may use the same budget, so the last of it is left.
        let most = self.allowed.saturating_sub(1).max(1);
        let others = (self.others.0 > 0).then_some(&self.others.1);
        let oldest = self.answered.front().or(others).map(|at| *at + self.length);
        if used >= most {
            // Nothing tells when the calls that are under way will be answered.
            return Some(oldest.map_or(self.length / 100, |at| at.saturating_sub(now)));
        }
        let at_once = if self.evenly { 0 } else { most / 4 * AT_ONCE };
        if used < at_once {
            return None;
        }
        let room = oldest.unwrap_or(last_begun + self.length).saturating_sub(last_begun);
        let due = last_begun + room / (most - used + 1);
        (due > now).then(|| due - now)
    }
}

impl Lane {
    /// Calls are spread evenly: a burst of a whole second's permits would take a provider that counts over ten
    /// seconds over its limit.
    pub(crate) fn new(per_second: NonZeroU32, waiter: Arc<dyn Waiter>) -> Self {
        let burst = NonZeroU32::new(per_second.get() / 10).unwrap_or(NonZeroU32::MIN);
        Self::paced(Duration::from_secs(1) / per_second.get(), burst, waiter)
    }

    /// So many calls in such a time, spread evenly over it.
    pub(crate) fn spread(calls: NonZeroU32, within: Duration, waiter: Arc<dyn Waiter>) -> Self {
        // Calls do not arrive as evenly as they are sent.
        Self::paced(within.mul_f64(1.01) / calls.get(), NonZeroU32::MIN, waiter)
    }

    /// With this pace until the provider tells what it allows, and then as fast as that.
    pub(crate) fn learning(per_second: NonZeroU32, waiter: Arc<dyn Waiter>) -> Self {
        let mut lane = Self::new(per_second, waiter);
        lane.state.get_mut().unwrap_or_else(PoisonError::into_inner).learns = true;
        lane
    }

    fn paced(period: Duration, burst: NonZeroU32, waiter: Arc<dyn Waiter>) -> Self {
        // A period of zero, which no setting gives, would mean no limit.
        let quota = Quota::with_period(period.max(Duration::from_nanos(1)))
            .unwrap_or(Quota::per_second(NonZeroU32::MIN))
            .allow_burst(burst);
        let state = State {
            pace: Some(RateLimiter::direct_with_clock(quota, Ticks(Arc::clone(&waiter)))),
            learns: false,
            window: None,
            under_way: 0,
            last_begun: Duration::ZERO,
            resting_until: Duration::ZERO,
        };
        Self { waiter, state: Mutex::new(state) }
    }

    /// Keeps to what the provider allows from now on: so many calls in any stretch of such a length, and so many left of
    /// them.
    pub(crate) fn allow(&self, calls: NonZeroU32, left: u32, within: Duration) {
        let now = self.waiter.elapsed();
        let mut state = self.state();
        if state.learns {
            state.pace = None;
        }
        let under_way = state.under_way;
        let window = state.window.get_or_insert_with(|| Window {
            allowed: 0,
            length: within,
            answered: VecDeque::new(),
            others: (0, now),
            evenly: false,
        });
        (window.allowed, window.length) = (calls.get(), within);
        window.compare(left, under_way, now);
        if left == 0 {
            // How far over it the others are is not told.
            state.resting_until = state.resting_until.max(now + within / 10);
        }
    }

    /// Calls that may begin within a second, as far as the provider has told; `None` where only the pace counts.
    pub(crate) fn told(&self) -> Option<u32> {
        let state = self.state();
        state.window.as_ref().filter(|_| state.pace.is_none()).map(|window| window.allowed)
    }

    /// Waits for a permit, which is held until the call is answered. A rest that is longer than `patience` is not waited
    /// for: its length is the error.
    pub(crate) async fn admit(&self, patience: Duration) -> Result<Admitted<'_>, Duration> {
        loop {
            let rest = self.rest_left();
            if rest > patience {
                return Err(rest);
            }
            if !rest.is_zero() {
                self.waiter.wait(rest).await;
                continue;
            }
            match self.begin() {
                None => return Ok(Admitted(self)),
                Some(wait) => self.waiter.wait(wait).await,
            }
        }
    }

    /// Notes the beginning of a call, or says how long it has to wait.
    fn begin(&self) -> Option<Duration> {
        let now = self.waiter.elapsed();
        let mut state = self.state();
        let State { pace, window, under_way, last_begun, .. } = &mut *state;
        if let Some(wait) = window.as_mut().and_then(|window| window.wait(*under_way, *last_begun, now)) {
            return Some(wait);
        }
        if let Some(Err(not_yet)) = pace.as_ref().map(Limiter::check) {
            return Some(not_yet.wait_time_from(now));
        }
        *under_way += 1;
        *last_begun = now;
        None
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The provider counts otherwise than it says: calls come evenly from now on.
    pub(crate) fn refused(&self) {
        if let Some(window) = &mut self.state().window {
            window.evenly = true;
        }
    }

    /// Lets nobody through for this long. A longer rest that is already set stays.
    pub(crate) fn rest(&self, duration: Duration) {
        let until = self.waiter.elapsed() + duration;
        let mut state = self.state();
        state.resting_until = state.resting_until.max(until);
    }

    /// How long nobody is let through any more.
    pub(crate) fn rest_left(&self) -> Duration {
        let until = self.state().resting_until;
        until.saturating_sub(self.waiter.elapsed())
    }
}

/// A permit. It ends with the call's answer.
pub(crate) struct Admitted<'l>(&'l Lane);

impl Drop for Admitted<'_> {
    fn drop(&mut self) {
        let now = self.0.waiter.elapsed();
        let mut state = self.0.state();
        state.under_way = state.under_way.saturating_sub(1);
        if let Some(window) = &mut state.window {
            window.answered.push_back(now);
        }
    }
}

/// A limit as IDM's SCIM connector writes it: `30/sec`, `100/min`.
pub(crate) fn rate(
    config: &ConnectorConfig,
    property: &str,
) -> Result<Option<(NonZeroU32, Duration)>, ConnectorError> {
    let Some(text) = config.text(property)? else { return Ok(None) };
    let read = || {
        let (calls, within) = text.split_once('/')?;
        let within = match within.trim().to_ascii_lowercase().as_str() {
            "s" | "sec" | "second" => 1,
            "m" | "min" | "minute" => 60,
            _ => return None,
        };
        Some((calls.trim().parse().ok()?, Duration::from_secs(within)))
    };
    match read() {
        Some(found) => Ok(Some(found)),
        None => Err(config
            .bad(
                property,
                format!("is `{text}`; write a number of calls and a time, such as 30/sec or 100/min"),
            )
            .into()),
    }
}

/// The duration and up to a quarter more, so that calls that failed together do not come back together.
pub(crate) fn with_jitter(duration: Duration) -> Duration {
    let mut byte = [0u8; 1];
    // Without randomness there is no jitter, which is harmless.
    let _ = getrandom::fill(&mut byte);
    duration + duration.mul_f64(f64::from(byte[0]) / 1024.0)
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;

    use async_trait::async_trait;

    use super::{Admitted, Lane, Waiter};

    /// Time goes by only where somebody waits.
    #[derive(Default)]
    struct Skips(AtomicU64);

    #[async_trait]
    impl Waiter for Skips {
        fn elapsed(&self) -> Duration {
            Duration::from_nanos(self.0.load(Ordering::SeqCst))
        }

        async fn wait(&self, duration: Duration) {
            self.0.fetch_add(u64::try_from(duration.as_nanos()).unwrap(), Ordering::SeqCst);
        }
    }

    #[tokio::test]
    async fn after_a_rest_calls_come_at_their_pace_and_not_all_at_once() {
        for per_second in [5, 10, 19] {
            let waiter = Arc::<Skips>::default();
            let lane =
                Lane::new(NonZeroU32::new(per_second).unwrap(), Arc::clone(&waiter) as Arc<dyn Waiter>);
            lane.admit(Duration::MAX).await.unwrap();
            // Several calls that were under way are refused, each for its own time: the longest counts, once.
            for millis in [10_000, 12_400, 11_000] {
                lane.rest(Duration::from_millis(millis));
            }
            let mut admitted = Vec::new();
            for _ in 0..40 {
                lane.admit(Duration::MAX).await.unwrap();
                admitted.push(waiter.elapsed());
            }
            assert_eq!(admitted[0], Duration::from_millis(12_400), "{per_second}");
            let most = admitted
                .iter()
                .map(|from| {
                    admitted.iter().filter(|at| (*from..*from + Duration::from_secs(1)).contains(at)).count()
                })
                .max();
            assert!(most <= Some(per_second as usize + 1), "{per_second}: {most:?} calls in a second");
        }
    }

    const WINDOW: Duration = Duration::from_secs(10);

    /// Calls that go through a lane to a provider that counts: when they begin, when they reach it, with some of them under
    /// way at once and each as slow as the network makes it.
    struct Traffic {
        waiter: Arc<Skips>,
        lane: Lane,
        begun: Vec<Duration>,
        arrived: Vec<Duration>,
    }

    impl Traffic {
        fn new(lane: impl FnOnce(NonZeroU32, Arc<dyn Waiter>) -> Lane, per_second: u32) -> Self {
            let waiter = Arc::<Skips>::default();
            let lane = lane(NonZeroU32::new(per_second).unwrap(), Arc::clone(&waiter) as Arc<dyn Waiter>);
            Self { waiter, lane, begun: vec![], arrived: vec![] }
        }

        /// `others` is how many calls of others the provider counts in every window.
        fn send(&mut self, calls: usize, at_once: usize, allowed: u32, others: u32) {
            let mut under_way = Vec::<(Duration, Admitted<'_>)>::new();
            let mut dice = 1_u32;
            let last = self.begun.len() + calls;
            loop {
                let now = self.waiter.elapsed();
                while let Some(at) = under_way.iter().position(|(answered, _)| *answered <= now) {
                    let ours = self.arrived.iter().filter(|at| (now - WINDOW.min(now)..=now).contains(at));
                    let used = u32::try_from(ours.count()).unwrap().saturating_add(others);
                    let left = allowed.saturating_sub(used);
                    self.lane.allow(NonZeroU32::new(allowed).unwrap(), left, WINDOW);
                    drop(under_way.swap_remove(at));
                }
                let mut next = under_way.iter().map(|(answered, _)| *answered).min();
                while self.begun.len() < last && under_way.len() < at_once {
                    let rest = self.lane.rest_left();
                    let wait = if rest.is_zero() { self.lane.begin() } else { Some(rest) };
                    if let Some(wait) = wait {
                        next = Some(next.map_or(now + wait, |at| at.min(now + wait)));
                        break;
                    }
                    // An answer takes up to 300 ms, of which its way to the provider takes any part.
                    dice = dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    let took = Duration::from_millis(u64::from(dice >> 16) % 300 + 1);
                    self.arrived.push(now + took.mul_f64(f64::from(dice >> 8 & 255) / 256.0));
                    self.begun.push(now);
                    under_way.push((now + took, Admitted(&self.lane)));
                    next = Some(next.map_or(now + took, |at| at.min(now + took)));
                }
                let Some(next) = next else { return };
                let step = u64::try_from((next - now).as_nanos()).unwrap();
                self.waiter.0.fetch_add(step, Ordering::SeqCst);
            }
        }

        fn took(&self) -> f64 {
            self.begun.last().unwrap().as_secs_f64()
        }
    }

    fn most_within(times: &[Duration], length: Duration) -> usize {
        let within = |from: &Duration| times.iter().filter(|at| (*from..*from + length).contains(at)).count();
        times.iter().map(within).max().unwrap_or(0)
    }

    #[test]
    fn a_window_is_used_at_once_and_never_more_than_it() {
        for at_once in [1, 5, 10] {
            for allowed in [100, 190, 250] {
                let mut traffic = Traffic::new(Lane::learning, 10);
                traffic.send(1000, at_once, allowed, 0);
                let most = most_within(&traffic.arrived, WINDOW);
                assert!(most <= allowed as usize, "{at_once} {allowed}: {most}");
                if at_once == 1 {
                    continue;
                }
                let evenly = 1000.0 / f64::from(allowed) * 10.0;
                assert!(traffic.took() < evenly * 1.05, "{at_once} {allowed}: {} s", traffic.took());
                // Somebody who looks at one record meanwhile does not wait for the window.
                let longest = traffic.begun.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap();
                assert!(longest < Duration::from_millis(700), "{at_once} {allowed}: {longest:?}");
            }
        }
        let mut small = Traffic::new(Lane::learning, 10);
        small.send(120, 10, 190, 0);
        assert!(small.took() < 4.0, "{} s", small.took());
    }

    #[test]
    fn a_configured_pace_holds_within_a_window_too() {
        let mut traffic = Traffic::new(Lane::new, 5);
        traffic.send(100, 10, 190, 0);
        assert!((19.7..=20.0).contains(&traffic.took()), "{}", traffic.took());
    }

    #[test]
    fn what_others_call_is_left_to_them() {
        for others in [60, 150, 189, 4_000_000_000] {
            let mut traffic = Traffic::new(Lane::learning, 10);
            traffic.send(300, 5, 190, others);
            let steady: Vec<_> = traffic.begun.into_iter().filter(|at| at.as_secs() >= 20).collect();
            let (most, theirs) = (most_within(&steady, WINDOW), usize::try_from(others.min(190)).unwrap());
            assert!(most <= 190 - theirs + 12, "{others}: {most}");
        }
    }

    #[test]
    fn a_provider_that_refuses_a_burst_gets_an_even_pace() {
        let mut traffic = Traffic::new(Lane::learning, 10);
        traffic.send(30, 5, 190, 0);
        traffic.lane.refused();
        traffic.lane.rest(WINDOW);
        traffic.begun.clear();
        traffic.send(300, 5, 190, 0);
        let most = most_within(&traffic.begun, Duration::from_secs(1));
        assert!(most <= 21, "{most} calls in a second");
        let took = traffic.took() - traffic.begun[0].as_secs_f64();
        assert!(took < 300.0 / 19.0 * 1.1, "{took} s");
    }
}
