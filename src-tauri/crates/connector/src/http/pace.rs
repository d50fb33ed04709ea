//! Waiting: the permits per second, the rest after "too many requests", and the one place that looks at a clock
//! that only runs forward.

use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
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

/// A queue of calls that share permits and a rest.
pub(crate) struct Lane {
    waiter: Arc<dyn Waiter>,
    /// As configured; the provider may allow less.
    per_second: NonZeroU32,
    permits: Mutex<Permits>,
    resting_until: Mutex<Duration>,
}

struct Permits {
    limiter: Arc<RateLimiter<NotKeyed, InMemoryState, Ticks, NoOpMiddleware<Duration>>>,
    /// Time between two calls.
    period: Duration,
}

impl Permits {
    fn new(period: Duration, burst: NonZeroU32, waiter: &Arc<dyn Waiter>) -> Self {
        // A period of zero, which no setting gives, would mean no limit.
        let quota = Quota::with_period(period.max(Duration::from_nanos(1)))
            .unwrap_or(Quota::per_second(NonZeroU32::MIN))
            .allow_burst(burst);
        Self { limiter: Arc::new(RateLimiter::direct_with_clock(quota, Ticks(Arc::clone(waiter)))), period }
    }
}

impl Lane {
    /// Calls are spread evenly: a burst of a whole second's permits would take a provider that counts over ten
    /// seconds over its limit.
    pub(crate) fn new(per_second: NonZeroU32, waiter: Arc<dyn Waiter>) -> Self {
        let permits = Permits::new(period(per_second), burst(per_second), &waiter);
        Self { per_second, permits: Mutex::new(permits), waiter, resting_until: Mutex::new(Duration::ZERO) }
    }

    /// Goes as fast as configured and not faster than the provider allows: so many calls in such a time. A hundredth
    /// of it is left alone, because calls do not arrive as evenly as they are sent.
    pub(crate) fn allow(&self, calls: NonZeroU32, within: Duration) {
        let theirs = within.mul_f64(1.01) / calls.get();
        let ours = period(self.per_second);
        let (period, burst) =
            if theirs > ours { (theirs, NonZeroU32::MIN) } else { (ours, burst(self.per_second)) };
        let mut permits = self.permits.lock().unwrap_or_else(PoisonError::into_inner);
        if permits.period != period {
            *permits = Permits::new(period, burst, &self.waiter);
        }
    }

    /// Waits for a permit. A rest that is longer than `patience` is not waited for: its length is the error.
    pub(crate) async fn admit(&self, patience: Duration) -> Result<(), Duration> {
        loop {
            let rest = self.rest_left();
            if rest > patience {
                return Err(rest);
            }
            if !rest.is_zero() {
                self.waiter.wait(rest).await;
                continue;
            }
            let limiter = Arc::clone(&self.permits.lock().unwrap_or_else(PoisonError::into_inner).limiter);
            match limiter.check() {
                Ok(()) => return Ok(()),
                Err(not_yet) => self.waiter.wait(not_yet.wait_time_from(self.waiter.elapsed())).await,
            }
        }
    }

    /// Lets nobody through for this long. A longer rest that is already set stays.
    pub(crate) fn rest(&self, duration: Duration) {
        let until = self.waiter.elapsed() + duration;
        let mut resting_until = self.resting_until.lock().unwrap_or_else(PoisonError::into_inner);
        *resting_until = (*resting_until).max(until);
    }

    /// How long nobody is let through any more.
    pub(crate) fn rest_left(&self) -> Duration {
        let until = *self.resting_until.lock().unwrap_or_else(PoisonError::into_inner);
        until.saturating_sub(self.waiter.elapsed())
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

fn period(per_second: NonZeroU32) -> Duration {
    Duration::from_secs(1) / per_second.get()
}

fn burst(per_second: NonZeroU32) -> NonZeroU32 {
    NonZeroU32::new(per_second.get() / 10).unwrap_or(NonZeroU32::MIN)
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

    use super::{Lane, Waiter};

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
}
