//! The share of the organization's daily calls that Concord stays within.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::answers::DAILY_REST;
use crate::port::Usage;

/// How often a connection that stands still looks whether calls have become free.
const LOOK_AGAIN: Duration = Duration::from_secs(900);

/// Says when to stop. Salesforce tells with every answer how many calls the whole organization has made in the last 24
/// hours, so the share counts what other programs use, too.
pub(crate) struct Budget {
    percent: u64,
    /// When it was used up for the first time since it last was not, or since the last look.
    stopped: Mutex<Option<Duration>>,
}

impl Budget {
    pub fn new(percent: u64) -> Self {
        Self { percent, stopped: Mutex::new(None) }
    }

    /// Whether a call may go out; the error says why not and how long to wait.
    pub fn admit(&self, usage: Usage, now: Duration) -> Result<(), (String, Duration)> {
        let (Some(left), Some(limit)) = (usage.daily_remaining, usage.daily_limit) else { return Ok(()) };
        let used = limit.saturating_sub(left);
        let share = limit.saturating_mul(self.percent) / 100;
        let mut stopped = self.stopped.lock().unwrap_or_else(PoisonError::into_inner);
        // At 100 percent Salesforce itself says when it is over.
        if self.percent >= 100 || used < share {
            *stopped = None;
            return Ok(());
        }
        match *stopped {
            Some(since) if now.saturating_sub(since) >= LOOK_AGAIN => {
                // One call goes out: its answer tells how things stand now.
                *stopped = Some(now);
                return Ok(());
            }
            Some(_) => {}
            None => *stopped = Some(now),
        }
        Err((
            format!(
                "the organization has made {used} of its {limit} calls of the last 24 hours, and Concord stops at {} percent so that other programs can go on (dailyApiShare); calls become free again little by little, so go on in an hour",
                self.percent
            ),
            DAILY_REST,
        ))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Budget;
    use crate::port::Usage;

    fn usage(left: u64) -> Usage {
        Usage { daily_remaining: Some(left), daily_limit: Some(1000), ..Usage::default() }
    }

    #[test]
    fn calls_stop_at_the_share_and_look_again_now_and_then() {
        let budget = Budget::new(80);
        let at = Duration::from_secs;
        assert!(budget.admit(Usage::default(), at(0)).is_ok());
        assert!(budget.admit(usage(201), at(0)).is_ok());
        let (why, rest) = budget.admit(usage(200), at(1)).unwrap_err();
        assert!(why.contains("800 of its 1000") && rest == at(3600), "{why}");
        assert!(budget.admit(usage(200), at(900)).is_err());
        // One call looks; the next ones wait for what it finds.
        assert!(budget.admit(usage(200), at(901)).is_ok());
        assert!(budget.admit(usage(200), at(902)).is_err());
        assert!(budget.admit(usage(500), at(903)).is_ok());
        assert!(Budget::new(100).admit(usage(0), at(0)).is_ok());
    }
}
