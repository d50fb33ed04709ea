//! When an account's day of calls ends: at midnight in the time zone of the account, which its details tell.
//!
//! The zone is learnt from the test of a connection, or asked for once when the day's calls run short.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp, ToSpan};
use serde::Deserialize;

/// How long to leave an account alone whose time zone is not known: its midnight is a full hour in most zones.
const UNKNOWN_ZONE: Duration = Duration::from_secs(3600);

/// A day that has just begun here may not have begun there yet, because clocks differ.
const JUST_BEGUN: SignedDuration = SignedDuration::from_mins(5);
/// How long to wait until it surely has.
const A_LITTLE: Duration = Duration::from_secs(120);

/// What of the account's details tells the zone.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Place {
    /// An IANA name, as `US/Eastern`.
    pub time_zone: Option<String>,
    /// Where the name is not known here.
    pub utc_offset_milliseconds: Option<i64>,
}

/// The day of one account.
#[derive(Debug, Default)]
pub(super) struct Day {
    zone: Mutex<Option<Zone>>,
}

#[derive(Debug, Clone)]
struct Zone {
    title: String,
    zone: TimeZone,
}

/// When calls are given anew.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NewDay {
    pub rest: Duration,
    /// As part of a sentence.
    pub when: String,
}

impl Day {
    pub fn is_known(&self) -> bool {
        self.zone.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Takes what the account's details say. What makes no sense changes nothing.
    pub fn learn(&self, place: &Place) {
        let named =
            place.time_zone.as_deref().and_then(|name| Some((name.to_owned(), TimeZone::get(name).ok()?)));
        let shifted = || {
            let seconds = i32::try_from(place.utc_offset_milliseconds? / 1000).ok()?;
            let offset = Offset::from_seconds(seconds).ok()?;
            Some((format!("UTC{offset}"), TimeZone::fixed(offset)))
        };
        if let Some((title, zone)) = named.or_else(shifted) {
            *self.zone.lock().unwrap_or_else(PoisonError::into_inner) = Some(Zone { title, zone });
        }
    }

    /// The next midnight there.
    pub fn next(&self, now: Timestamp) -> NewDay {
        let zone = self.zone.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let midnight = zone.as_ref().and_then(|z| {
            let here = now.to_zoned(z.zone.clone());
            if here.start_of_day().is_ok_and(|begun| now.duration_since(begun.timestamp()) < JUST_BEGUN) {
                return Some(A_LITTLE);
            }
            let tomorrow = here.date().checked_add(1.day()).ok()?;
            // Where clocks leave midnight out, the day begins later.
            let begins = tomorrow.to_zoned(z.zone.clone()).ok()?.start_of_day().ok()?;
            Duration::try_from(begins.timestamp().duration_since(now)).ok()
        });
        match (zone, midnight) {
            (Some(zone), Some(rest)) => NewDay {
                rest: rest.max(Duration::from_secs(1)),
                when: format!("HubSpot gives new ones at midnight in the account's time zone ({})", zone.title),
            },
            _ => NewDay {
                rest: UNKNOWN_ZONE,
                when: "HubSpot gives new ones at midnight in the account's time zone, which it did not tell, so it is asked again in an hour".to_owned(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Day, Place};

    #[test]
    fn a_day_ends_at_midnight_where_the_account_is() {
        let named = |name: &str| Place { time_zone: Some(name.into()), ..Place::default() };
        let shifted = |name: &str, hours: i64| Place {
            time_zone: Some(name.into()),
            utc_offset_milliseconds: Some(hours * 3_600_000),
        };
        for (place, now, ends, told) in [
            (named("UTC"), "2026-11-21T22:30:00Z", Some("2026-11-22T00:00:00Z"), "(UTC)"),
            (named("Europe/Berlin"), "2026-11-21T22:30:00Z", Some("2026-11-21T23:00:00Z"), "(Europe/Berlin)"),
            (named("Europe/Berlin"), "2026-11-21T23:06:00Z", Some("2026-11-22T23:00:00Z"), "(Europe/Berlin)"),
            (named("Europe/Berlin"), "2026-11-21T23:00:03Z", Some("2026-11-21T23:02:03Z"), "(Europe/Berlin)"),
            (named("US/Eastern"), "2026-11-21T12:00:00Z", Some("2026-11-22T05:00:00Z"), "(US/Eastern)"),
            // A day of 23 hours and one that does not begin at midnight.
            (named("Europe/Berlin"), "2026-03-28T23:30:00Z", Some("2026-03-29T22:00:00Z"), "(Europe/Berlin)"),
            (
                named("America/Santiago"),
                "2026-09-05T12:00:00Z",
                Some("2026-09-06T04:00:00Z"),
                "(America/Santiago)",
            ),
            (shifted("Mars/Olympus", 9), "2026-11-21T14:59:59Z", Some("2026-11-21T15:00:00Z"), "(UTC+09)"),
            (named("Mars/Olympus"), "2026-11-21T12:00:00Z", None, "did not tell"),
            (Place::default(), "2026-11-21T12:00:00Z", None, "did not tell"),
        ] {
            let day = Day::default();
            day.learn(&place);
            assert_eq!(day.is_known(), ends.is_some(), "{place:?}");
            let now: jiff::Timestamp = now.parse().unwrap();
            let next = day.next(now);
            let found = now + jiff::SignedDuration::try_from(next.rest).unwrap();
            assert_eq!(found.to_string(), ends.unwrap_or("2026-11-21T13:00:00Z"), "{place:?} {now}");
            assert!(next.when.contains(told), "{}", next.when);
        }
    }
}
