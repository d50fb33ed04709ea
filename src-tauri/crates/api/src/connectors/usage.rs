//! A connection's budget of calls as screens show it.

use connector::Usage;
use jiff::{SignedDuration, Timestamp};

use crate::dto::ConnectorUsage;

/// What was told, as used of allowed; what was not told stays open.
pub(super) fn of(usage: Usage, now: Timestamp) -> ConnectorUsage {
    let used = |limit: Option<u64>, left: Option<u64>| Some(limit?.saturating_sub(left?));
    ConnectorUsage {
        calls: usage.calls,
        daily_used: used(usage.daily_limit, usage.daily_remaining),
        daily_limit: usage.daily_limit,
        interval_used: used(usage.interval_limit, usage.interval_remaining),
        interval_limit: usage.interval_limit,
        interval_seconds: usage.interval_seconds,
        rests_until: usage.resting_seconds.and_then(|seconds| {
            let rest = SignedDuration::from_secs(i64::try_from(seconds).ok()?);
            Some(engine::stamp(now.checked_add(rest).ok()?))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_provider_did_not_tell_stays_open() {
        let now: Timestamp = "2026-11-21T10:00:00Z".parse().unwrap();
        let silent = of(Usage { calls: 3, ..Usage::default() }, now);
        assert_eq!(silent.calls, 3);
        assert_eq!((silent.daily_used, silent.daily_limit, silent.interval_used), (None, None, None));
        assert_eq!(silent.rests_until, None);

        let told = Usage {
            calls: 3,
            daily_remaining: Some(200),
            daily_limit: Some(1000),
            interval_remaining: Some(90),
            interval_limit: Some(100),
            interval_seconds: Some(10),
            resting_seconds: Some(90),
        };
        let told = of(told, now);
        assert_eq!(
            (told.daily_used, told.interval_used, told.interval_seconds),
            (Some(800), Some(10), Some(10))
        );
        assert_eq!(told.rests_until.as_deref(), Some("2026-11-21T10:01:30.000Z"));
        // A limit without what is left of it tells nothing about use.
        let half = of(Usage { daily_limit: Some(5), ..Usage::default() }, now);
        assert_eq!((half.daily_used, half.daily_limit), (None, Some(5)));
    }
}
