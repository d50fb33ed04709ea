//! Dates and times from one form into another.
//!
//! The day is the one that is written. HubSpot keeps a date as midnight in UTC and Salesforce as plain text; a time zone
//! applied in between would move birthdays.

use jiff::{
    Timestamp,
    civil::{DateTime, Time},
    fmt::{strtime, strtime::BrokenDownTime, temporal::DateTimeParser},
    tz::{Offset, TimeZone},
};
use model::transform::DateForm;
use serde_json::Value;

/// Whole numbers below this are seconds when nothing says what they are: as milliseconds they would lie before March 1973.
const FEWEST_MILLIS: i64 = 100_000_000_000;

/// A point in time as it was written.
struct Written {
    civil: DateTime,
    offset: Offset,
}

/// The value in another form; `None` when it is no date of the form that it should have.
pub(crate) fn convert(value: &Value, from: Option<&DateForm>, to: &DateForm) -> Option<Value> {
    write(&read(value, from)?, to)
}

fn read(value: &Value, form: Option<&DateForm>) -> Option<Written> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    match form {
        None => match text.parse() {
            Ok(number) if (1 - FEWEST_MILLIS..FEWEST_MILLIS).contains(&number) => {
                utc(Timestamp::from_second(number).ok()?)
            }
            Ok(number) => utc(Timestamp::from_millisecond(number).ok()?),
            Err(_) => iso(&text),
        },
        Some(DateForm::Date | DateForm::DateTime) => iso(&text),
        Some(DateForm::EpochMillis) => utc(Timestamp::from_millisecond(text.parse().ok()?).ok()?),
        Some(DateForm::EpochSeconds) => utc(Timestamp::from_second(text.parse().ok()?).ok()?),
        Some(DateForm::Pattern(pattern)) => by_pattern(pattern, &text),
    }
}

fn utc(at: Timestamp) -> Option<Written> {
    Some(Written { civil: Offset::UTC.to_datetime(at), offset: Offset::UTC })
}

fn iso(text: &str) -> Option<Written> {
    let pieces = DateTimeParser::new().parse_pieces(text).ok()?;
    let offset = match pieces.to_numeric_offset() {
        Some(offset) => offset,
        // A zone's name alone would need its rules, and these change from year to year.
        None if pieces.time_zone_annotation().is_some() => return None,
        None => Offset::UTC,
    };
    let civil = pieces.date().to_datetime(pieces.time().unwrap_or(Time::midnight()));
    Some(Written { civil, offset })
}

fn by_pattern(pattern: &str, text: &str) -> Option<Written> {
    let parts = BrokenDownTime::parse(pattern, text).ok()?;
    if let Some(at) = parts.timestamp() {
        return utc(at);
    }
    let time = if parts.hour().is_some() { parts.to_time().ok()? } else { Time::midnight() };
    Some(Written {
        civil: parts.to_date().ok()?.to_datetime(time),
        offset: parts.offset().unwrap_or(Offset::UTC),
    })
}

fn write(written: &Written, form: &DateForm) -> Option<Value> {
    let instant = || written.offset.to_timestamp(written.civil).ok();
    Some(match form {
        DateForm::Date => written.civil.date().to_string().into(),
        DateForm::DateTime => instant()?.to_string().into(),
        DateForm::EpochMillis => instant()?.as_millisecond().into(),
        DateForm::EpochSeconds => instant()?.as_second().into(),
        DateForm::Pattern(pattern) => {
            let zoned = instant()?.to_zoned(TimeZone::fixed(written.offset));
            strtime::format(pattern, &zoned).ok()?.into()
        }
    })
}

#[cfg(test)]
mod tests {
    use model::transform::DateForm;
    use serde_json::{Value, json};

    use super::convert;

    fn form(name: &str) -> Option<DateForm> {
        Some(match name {
            "" => return None,
            "date" => DateForm::Date,
            "dateTime" => DateForm::DateTime,
            "millis" => DateForm::EpochMillis,
            "seconds" => DateForm::EpochSeconds,
            pattern => DateForm::Pattern(pattern.to_owned()),
        })
    }

    #[test]
    fn forms_turn_into_each_other() {
        for (value, from, to, expect) in [
            (json!("2026-11-21"), "", "date", json!("2026-11-21")),
            (json!(" 2026-11-21 "), "date", "millis", json!(1795219200000_i64)),
            (json!("1795219200000"), "millis", "date", json!("2026-11-21")),
            (json!(1795219200000_i64), "", "date", json!("2026-11-21")),
            (json!(1795219200), "", "dateTime", json!("2026-11-21T00:00:00Z")),
            (json!("-86400"), "seconds", "date", json!("1969-12-31")),
            (json!(0), "", "date", json!("1970-01-01")),
            // Salesforce writes the offset without a colon.
            (json!("2026-11-21T10:30:00.000+0000"), "", "dateTime", json!("2026-11-21T10:30:00Z")),
            (json!("2026-11-21T10:30:00.250Z"), "", "millis", json!(1795257000250_i64)),
            (json!("2026-11-21 10:30:00"), "dateTime", "dateTime", json!("2026-11-21T10:30:00Z")),
            // The day that is written stays, whatever it is elsewhere.
            (json!("2026-11-21T23:30:00-05:00"), "", "date", json!("2026-11-21")),
            (json!("2026-11-21T23:30:00-05:00"), "", "dateTime", json!("2026-11-22T04:30:00Z")),
            (json!("2026-11-21T00:00:00Z"), "", "%d.%m.%Y", json!("21.11.2026")),
            (json!("21.11.2026"), "%d.%m.%Y", "date", json!("2026-11-21")),
            (json!("21.11.2026"), "%d.%m.%Y", "millis", json!(1795219200000_i64)),
            (json!("11/21/26 9:05 PM"), "%m/%d/%y %I:%M %p", "dateTime", json!("2026-11-21T21:05:00Z")),
            (json!("20261121103000+0200"), "%Y%m%d%H%M%S%z", "dateTime", json!("2026-11-21T08:30:00Z")),
            (json!("1795219200"), "%s", "date", json!("2026-11-21")),
            (json!("1600-02-29"), "", "date", json!("1600-02-29")),
        ] {
            let got = convert(&value, form(from).as_ref(), &form(to).unwrap());
            assert_eq!(got, Some(expect), "{value} {from} -> {to}");
        }
    }

    #[test]
    fn what_is_no_date_gives_nothing() {
        for (value, from) in [
            (json!("tomorrow"), ""),
            (json!("2026-02-30"), ""),
            (json!("2026-11-21T10:30[Europe/Berlin]"), ""),
            (json!("21.11.2026"), "date"),
            (json!("2026-11-21"), "millis"),
            (json!("31.02.2026"), "%d.%m.%Y"),
            (json!("21.11.2026 x"), "%d.%m.%Y"),
            (json!("99999999999999999999"), ""),
            (json!(i64::MAX), "seconds"),
            (json!(1.5), ""),
            (json!(true), ""),
            (Value::Null, ""),
        ] {
            assert_eq!(convert(&value, form(from).as_ref(), &DateForm::Date), None, "{value} {from}");
        }
    }
}
