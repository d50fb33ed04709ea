//! Instants as HubSpot writes them.

use jiff::Timestamp;

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
