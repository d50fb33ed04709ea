//! Instants as HubSpot writes them.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

/// Epoch milliseconds as `2026-01-02T03:04:05.678Z`.
pub(crate) fn iso(ms: i64) -> String {
    match Timestamp::from_millisecond(ms) {
        Ok(at) => format!("{at:.3}"),
        Err(_) => String::new(),
    }
}

/// An ISO 8601 instant as epoch milliseconds.
pub(crate) fn parse(text: &str) -> Option<i64> {
    text.parse::<Timestamp>().ok().map(Timestamp::as_millisecond)
}

/// An account's day: its number, and when it ends, in epoch milliseconds. An unknown zone is UTC's.
pub(crate) fn day(ms: i64, zone: &str) -> (i64, i64) {
    let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
    let here = Timestamp::from_millisecond(ms).unwrap_or_default().to_zoned(zone.clone());
    let number = here
        .date()
        .since(Date::new(1970, 1, 1).unwrap_or_default())
        .map_or(0, |days| i64::from(days.get_days()));
    let ends = here
        .date()
        .checked_add(1.day())
        .and_then(|tomorrow| tomorrow.to_zoned(zone))
        .map_or(ms, |midnight| midnight.timestamp().as_millisecond());
    (number, ends)
}

/// Whether a time zone of this IANA name is known here.
pub fn is_time_zone(name: &str) -> bool {
    TimeZone::get(name).is_ok()
}

/// How far a zone's clocks are ahead of UTC at a moment, in seconds; nothing for an unknown zone.
pub(crate) fn ahead(ms: i64, zone: &str) -> Option<i32> {
    let at = Timestamp::from_millisecond(ms).unwrap_or_default();
    Some(TimeZone::get(zone).ok()?.to_offset(at).seconds())
}
