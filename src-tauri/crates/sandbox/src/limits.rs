//! Call limits: what a caller may spend, counted on the stand-in's clock.

use std::collections::{HashMap, VecDeque};

use serde::Serialize;

const TEN_SECONDS: i64 = 10_000;
const DAY: i64 = 86_400_000;

/// What may be spent. `None` means no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Calls of one app in any ten seconds; searches do not count here.
    pub per_ten_seconds: Option<u32>,
    /// Calls of all apps in one day.
    pub daily: Option<u32>,
    /// Searches of all apps in any second.
    pub searches_per_second: Option<u32>,
}

impl Limits {
    /// Nothing is limited; the default, because a test with a standing clock would never recover.
    pub const UNLIMITED: Limits = Limits { per_ten_seconds: None, daily: None, searches_per_second: None };

    /// The smallest HubSpot account, as in "API usage guidelines and limits".
    pub fn hubspot_free() -> Limits {
        Limits { per_ten_seconds: Some(100), daily: Some(250_000), searches_per_second: Some(5) }
    }

    /// A HubSpot Enterprise account.
    pub fn hubspot_enterprise() -> Limits {
        Limits { daily: Some(1_000_000), ..Limits::hubspot_professional() }
    }

    /// A HubSpot Professional account.
    pub fn hubspot_professional() -> Limits {
        Limits { per_ten_seconds: Some(190), daily: Some(625_000), searches_per_second: Some(5) }
    }
}

/// Which limit a call broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) enum Exceeded {
    TenSeconds,
    Second,
    Day,
}

/// What is left after a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Remaining {
    pub ten_seconds: Option<(u32, u32)>,
    pub day: Option<(u32, u32)>,
}

#[derive(Debug, Default)]
pub(crate) struct Limiter {
    apps: HashMap<String, VecDeque<i64>>,
    searches: VecDeque<i64>,
    day: i64,
    today: u32,
}

impl Limiter {
    /// Counts one call of `app` at `now` (ms), or says which limit refuses it. Refused calls cost nothing. Days are UTC's.
    pub(crate) fn take(
        &mut self,
        limits: &Limits,
        app: &str,
        search: bool,
        now: i64,
    ) -> Result<Remaining, Exceeded> {
        self.take_on(now.div_euclid(DAY), limits, app, search, now)
    }

    /// The same on a day that the caller counts.
    pub(crate) fn take_on(
        &mut self,
        day: i64,
        limits: &Limits,
        app: &str,
        search: bool,
        now: i64,
    ) -> Result<Remaining, Exceeded> {
        if day != self.day {
            self.day = day;
            self.today = 0;
        }
        if limits.daily.is_some_and(|most| self.today >= most) {
            return Err(Exceeded::Day);
        }
        let mut remaining = Remaining::default();
        if search {
            if let Some(most) = limits.searches_per_second {
                roll(&mut self.searches, most, now, 1_000).map_err(|()| Exceeded::Second)?;
            }
        } else if let Some(most) = limits.per_ten_seconds {
            if !self.apps.contains_key(app) {
                self.apps.insert(app.to_owned(), VecDeque::new());
            }
            if let Some(window) = self.apps.get_mut(app) {
                let left = roll(window, most, now, TEN_SECONDS).map_err(|()| Exceeded::TenSeconds)?;
                remaining.ten_seconds = Some((most, left));
            }
        }
        self.today += 1;
        remaining.day = limits.daily.map(|most| (most, most.saturating_sub(self.today)));
        Ok(remaining)
    }

    /// Calls counted in the current day of UTC.
    pub(crate) fn today(&self, now: i64) -> u32 {
        self.on(now.div_euclid(DAY))
    }

    /// Calls counted on this day.
    pub(crate) fn on(&self, day: i64) -> u32 {
        if day == self.day { self.today } else { 0 }
    }
}

fn roll(window: &mut VecDeque<i64>, most: u32, now: i64, length: i64) -> Result<u32, ()> {
    while window.front().is_some_and(|at| *at <= now - length) {
        window.pop_front();
    }
    let used = u32::try_from(window.len()).unwrap_or(u32::MAX);
    if used >= most {
        return Err(());
    }
    window.push_back(now);
    Ok(most - used - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_roll_and_apps_do_not_share() {
        let limits = Limits { per_ten_seconds: Some(2), daily: Some(5), searches_per_second: Some(1) };
        let mut limiter = Limiter::default();
        // app, search, at ms, calls left in ten seconds or the limit
        type Row = (&'static str, bool, i64, Result<Option<u32>, Exceeded>);
        let table: &[Row] = &[
            ("a", false, 0, Ok(Some(1))),
            ("a", false, 1, Ok(Some(0))),
            ("a", false, 2, Err(Exceeded::TenSeconds)),
            ("b", false, 2, Ok(Some(1))),
            ("a", true, 2, Ok(None)),
            ("b", true, 3, Err(Exceeded::Second)),
            ("a", false, 10_000, Ok(Some(0))),
            ("a", false, 30_000, Err(Exceeded::Day)),
            ("a", false, DAY, Ok(Some(1))),
        ];
        for (app, search, at, expected) in table {
            let got =
                limiter.take(&limits, app, *search, *at).map(|left| left.ten_seconds.map(|(_, left)| left));
            assert_eq!(got, *expected, "{app} {search} {at}");
        }
    }
}
