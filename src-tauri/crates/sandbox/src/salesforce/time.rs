//! Times as Salesforce writes and reads them.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::fmt::rfc2822::{DateTimeParser, DateTimePrinter};
use jiff::tz::TimeZone;

pub(crate) const MINUTE: i64 = 60_000;
pub(crate) const DAY: i64 = 86_400_000;

/// `2013-05-20T20:49:32.000+0000`, written digit by digit: a page of records has thousands of them.
pub(crate) fn stamp(ms: i64) -> String {
    let at = Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH);
    let at = TimeZone::UTC.to_datetime(at);
    let mut out = String::with_capacity(28);
    let mut put = |value: i64, digits: u32, after: &str| {
        for place in (0..digits).rev() {
            let digit = value / 10_i64.pow(place) % 10;
            out.push(char::from(b'0' + u8::try_from(digit).unwrap_or_default()));
        }
        out.push_str(after);
    };
    put(at.year().into(), 4, "-");
    put(at.month().into(), 2, "-");
    put(at.day().into(), 2, "T");
    put(at.hour().into(), 2, ":");
    put(at.minute().into(), 2, ":");
    put(at.second().into(), 2, ".");
    put(at.millisecond().into(), 3, "+0000");
    out
}

/// A date-time with an offset, in any of the forms that SOQL and JSON bodies allow.
pub(crate) fn parse(text: &str) -> Option<i64> {
    text.parse::<Timestamp>().ok().map(Timestamp::as_millisecond)
}

/// `2013-05-20`, as the first millisecond of that day.
pub(crate) fn parse_day(text: &str) -> Option<i64> {
    let day: Date = (text.len() == 10).then(|| text.parse().ok())??;
    day.to_zoned(TimeZone::UTC).ok().map(|at| at.timestamp().as_millisecond())
}

/// `2013-05-20`
pub(crate) fn day(ms: i64) -> String {
    stamp(ms).get(..10).unwrap_or_default().to_owned()
}

/// The first millisecond of the day.
pub(crate) fn midnight(ms: i64) -> i64 {
    ms - ms.rem_euclid(DAY)
}

/// Records carry whole seconds, so several changes of one second cannot be told apart by their time.
pub(crate) fn whole_seconds(ms: i64) -> i64 {
    ms - ms.rem_euclid(1000)
}

/// Reads the date of a conditional request's header.
pub(crate) fn parse_http(text: &str) -> Option<i64> {
    DateTimeParser::new().parse_timestamp(text).ok().map(Timestamp::as_millisecond)
}

/// `Tue, 10 Aug 2015 00:00:00 GMT`
pub(crate) fn http(ms: i64) -> String {
    let at = Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH);
    DateTimePrinter::new().timestamp_to_rfc9110_string(&at).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        let at = 1_369_082_972_000;
        assert_eq!(stamp(at), "2013-05-20T20:49:32.000+0000");
        for text in [
            "2013-05-20T20:49:32Z",
            "2013-05-20T20:49:32.000Z",
            "2013-05-20T20:49:32.000+0000",
            "2013-05-20T20:49:32+00:00",
            "2013-05-20T22:49:32+02:00",
        ] {
            assert_eq!(parse(text), Some(at), "{text}");
        }
        for text in ["2013-05-20", "2013-05-20T20:49:32", "now", ""] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(parse_day("2013-05-20"), Some(midnight(at)));
        assert_eq!(parse_day("2013-5-20"), None);
        assert_eq!(day(at), "2013-05-20");
        assert_eq!(http(at), "Mon, 20 May 2013 20:49:32 GMT");
        assert_eq!(parse_http("Mon, 20 May 2013 20:49:32 GMT"), Some(at));
        assert_eq!(parse_http("yesterday"), None);
        assert_eq!(whole_seconds(at + 999), at);
    }
}
