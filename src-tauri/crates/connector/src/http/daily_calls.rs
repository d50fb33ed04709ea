//! The calls of a day, as far as a provider tells of them: how many are left, and when they are used up.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::error::ConnectorError;

/// So few calls are the end of a day, however short it is.
const LAST_CALLS: u64 = 20;

/// What is known of the day's calls. Times are on the waiter's clock.
#[derive(Default)]
pub(super) struct DailyCalls {
    remaining: Told,
    limit: Told,
    /// Until when the calls are used up, and the error that says so.
    over: Mutex<Option<(Duration, ConnectorError)>>,
    asked: AtomicBool,
}

/// A number that the provider may not have told: one more than it, and zero before.
#[derive(Default)]
struct Told(AtomicU64);

impl Told {
    fn note(&self, told: Option<u64>) {
        if let Some(told) = told {
            self.0.store(told.saturating_add(1), Ordering::Relaxed);
        }
    }

    fn get(&self) -> Option<u64> {
        self.0.load(Ordering::Relaxed).checked_sub(1)
    }
}

impl DailyCalls {
    /// Notes the calls that are left and allowed, where an answer told.
    pub fn note(&self, remaining: Option<u64>, limit: Option<u64>) {
        self.remaining.note(remaining);
        self.limit.note(limit);
    }

    /// Calls that are left.
    pub fn remaining(&self) -> Option<u64> {
        self.remaining.get()
    }

    /// Calls that are allowed.
    pub fn limit(&self) -> Option<u64> {
        self.limit.get()
    }

    /// Whether so little is left that the day's end has to be known.
    pub fn runs_short(&self) -> bool {
        match (self.remaining(), self.limit()) {
            (Some(left), Some(limit)) => left <= (limit / 1000).max(LAST_CALLS),
            _ => false,
        }
    }

    /// Whether nobody has asked yet when the day ends. From now on somebody has.
    pub fn is_first_question(&self) -> bool {
        !self.asked.swap(true, Ordering::Relaxed)
    }

    /// Notes that the calls are used up until then.
    pub fn end(&self, until: Duration, error: ConnectorError) {
        *self.over() = Some((until, error));
    }

    /// There are calls again, sooner than was said.
    pub fn begin(&self) {
        *self.over() = None;
    }

    /// How long the calls are still used up, and the error that says so.
    pub fn left(&self, now: Duration) -> Option<(Duration, ConnectorError)> {
        let over = self.over();
        let (until, error) = over.as_ref()?;
        let rest = until.saturating_sub(now);
        (!rest.is_zero()).then(|| (rest, ConnectorError { retry_after: Some(rest), ..error.clone() }))
    }

    fn over(&self) -> MutexGuard<'_, Option<(Duration, ConnectorError)>> {
        self.over.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
