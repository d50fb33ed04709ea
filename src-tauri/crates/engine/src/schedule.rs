//! When a schedule fires. Pure: the time, the machine's time zone and since when something has been watching come in as
//! parameters.

use croner::{
    Cron,
    parser::{CronParser, Seconds, Year},
};
use jiff::{
    SignedDuration, Timestamp,
    civil::{Date, DateTime},
    tz::TimeZone,
};
use model::{ScheduleConfig, schedule_config::MisfirePolicy};

/// A time that is this much in the past was missed, as in Quartz.
pub const GRACE: SignedDuration = SignedDuration::from_secs(60);
/// More often makes no sense, and would keep the machine busy.
const SHORTEST_MS: i64 = 1000;

/// Why nobody can tell when a schedule fires.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{place}: {what}")]
pub struct TimetableError {
    /// The key of the document that is at fault.
    pub place: &'static str,
    /// What is wrong with it and what would be right.
    pub what: String,
}

/// The times of a schedule.
#[derive(Debug, Clone)]
pub struct Timetable {
    pattern: Pattern,
    start: Option<Timestamp>,
    end: Option<Timestamp>,
    zone: TimeZone,
}

#[derive(Debug, Clone)]
enum Pattern {
    Cron(Box<Cron>),
    Every {
        ms: i64,
        /// How many times there are in all.
        times: Option<i64>,
    },
}

/// What becomes of a time that has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Due {
    /// It is in time.
    Fire,
    /// It was missed, and is made up for.
    Late,
    /// It was missed, and is left out.
    Missed,
}

/// Whether a time that has come is still good. `since` is when the process that asks began to watch.
pub fn judge_due(config: &ScheduleConfig, due: Timestamp, now: Timestamp, since: Timestamp) -> Due {
    if now.duration_since(due) <= GRACE {
        return Due::Fire;
    }
    // What is not persisted is not known to have been missed while nothing was running.
    let known = config.persisted || due >= since;
    match config.misfire_policy {
        MisfirePolicy::FireAndProceed if known => Due::Late,
        _ => Due::Missed,
    }
}

impl Timetable {
    /// The times of this schedule. `home` is the time zone of one that names none.
    pub fn of(config: &ScheduleConfig, home: &TimeZone) -> Result<Self, TimetableError> {
        let zone = match config.time_zone.as_deref().map(str::trim).filter(|name| !name.is_empty()) {
            None => home.clone(),
            Some(name) => TimeZone::get(name).map_err(|_| TimetableError {
                place: "timeZone",
                what: format!("`{name}` is not a time zone; write a name such as `Europe/Berlin` or `UTC`"),
            })?,
        };
        let expression = config.schedule.as_deref().map(str::trim).filter(|text| !text.is_empty());
        let pattern = match config.kind.as_deref() {
            Some("simple") => every(config)?,
            Some("cron") | None => match expression {
                Some(expression) => Pattern::Cron(Box::new(cron(expression)?)),
                None if config.kind.is_none() && config.repeat_interval.is_some() => every(config)?,
                None => {
                    return Err(TimetableError {
                        place: "schedule",
                        what: "there is no cron expression; write one such as `0 0 2 * * ?`".into(),
                    });
                }
            },
            Some(other) => {
                return Err(TimetableError {
                    place: "type",
                    what: format!("`{other}` is no type of schedule; write `cron` or `simple`"),
                });
            }
        };
        let start = moment("startTime", config.start_time.as_deref(), &zone)?;
        let end = moment("endTime", config.end_time.as_deref(), &zone)?;
        if let (Some(start), Some(end)) = (start, end)
            && end <= start
        {
            return Err(TimetableError {
                place: "endTime",
                what: "it ends before it starts; choose a later end".into(),
            });
        }
        Ok(Self { pattern, start, end, zone })
    }

    /// The first time after `after`; `None` when there is none any more. An interval without a start time is counted from
    /// `anchor`, and comes for the first time one interval later.
    pub fn next(&self, after: Timestamp, anchor: Timestamp) -> Option<Timestamp> {
        let next = match &self.pattern {
            Pattern::Cron(cron) => {
                // The start itself is one of the times.
                let (from, inclusive) = match self.start {
                    Some(start) if start > after => (start, true),
                    _ => (after, false),
                };
                let from = from.to_zoned(self.zone.clone());
                cron.find_next_occurrence(&from, inclusive).ok()?.timestamp()
            }
            Pattern::Every { ms, times } => {
                let first = match self.start {
                    Some(start) => start.as_millisecond(),
                    None => anchor.as_millisecond().checked_add(*ms)?,
                };
                let since = after.as_millisecond().checked_sub(first)?;
                let number = if since < 0 { 0 } else { since / ms + 1 };
                if times.is_some_and(|times| number >= times) {
                    return None;
                }
                Timestamp::from_millisecond(number.checked_mul(*ms)?.checked_add(first)?).ok()?
            }
        };
        self.end.is_none_or(|end| next <= end).then_some(next)
    }

    /// The next few times after `after`.
    pub fn upcoming(&self, after: Timestamp, anchor: Timestamp, count: usize) -> Vec<Timestamp> {
        std::iter::successors(self.next(after, anchor), |last| self.next(*last, anchor)).take(count).collect()
    }

    /// When it fires, in words.
    pub fn words(&self) -> String {
        match &self.pattern {
            Pattern::Cron(cron) => {
                let said = cron.describe();
                let said = said
                    .trim_end_matches('.')
                    .replace("Monday, Tuesday, Wednesday, Thursday, and Friday", "Monday to Friday");
                let said =
                    said.strip_prefix("At every ").map_or(said.to_owned(), |rest| format!("Every {rest}"));
                match self.zone.iana_name() {
                    Some(zone) => format!("{said} ({zone})"),
                    None => said,
                }
            }
            Pattern::Every { ms, times } => {
                let every = format!("Every {}", span(*ms));
                match times {
                    Some(1) => "Once".to_owned(),
                    Some(times) => format!("{every}, {times} times"),
                    None => every,
                }
            }
        }
    }

    /// The name of its time zone, where it has one.
    pub fn zone(&self) -> Option<&str> {
        self.zone.iana_name()
    }
}

/// A length of time in the largest unit that fits.
fn span(ms: i64) -> String {
    for (unit, name) in [(86_400_000, "day"), (3_600_000, "hour"), (60_000, "minute"), (1000, "second")] {
        if ms % unit == 0 {
            let count = ms / unit;
            return if count == 1 { name.to_owned() } else { format!("{count} {name}s") };
        }
    }
    format!("{ms} ms")
}

fn every(config: &ScheduleConfig) -> Result<Pattern, TimetableError> {
    let ms = config.repeat_interval.filter(|ms| *ms >= SHORTEST_MS).ok_or_else(|| TimetableError {
        place: "repeatInterval",
        what: format!("an interval is a number of milliseconds, {SHORTEST_MS} or more"),
    })?;
    let times = config.repeat_count.filter(|count| *count >= 0).map(|count| count.saturating_add(1));
    Ok(Pattern::Every { ms, times })
}

fn cron(expression: &str) -> Result<Cron, TimetableError> {
    let wrong = |what: String| TimetableError { place: "schedule", what };
    let mut fields: Vec<&str> = expression.split_whitespace().collect();
    match fields.as_slice() {
        [_, _, _, _, _] => {
            return Err(wrong(format!(
                "`{expression}` has five fields, as in crontab; Quartz puts the seconds before them: `0 {expression}`"
            )));
        }
        [_, _, _, day, _, weekday] | [_, _, _, day, _, weekday, _] => {
            let restricts = |field: &str| !matches!(field, "*" | "?");
            if restricts(day) && restricts(weekday) {
                return Err(wrong(format!(
                    "`{expression}` restricts both the day of the month and the day of the week; write `?` for one of them"
                )));
            }
        }
        _ => {
            return Err(wrong(format!(
                "`{expression}` is not a cron expression; write seconds, minutes, hours, day of month, month, day of week and maybe a year, such as `0 0 2 * * ?`"
            )));
        }
    }
    // The last day of the week, in Quartz, is Saturday.
    if let Some(weekday) = fields.get_mut(5)
        && weekday.eq_ignore_ascii_case("L")
    {
        *weekday = "7";
    }
    CronParser::builder()
        .seconds(Seconds::Required)
        .year(Year::Optional)
        .alternative_weekdays(true)
        .sloppy_ranges(true)
        .dom_and_dow(true)
        .build()
        .parse(&fields.join(" "))
        .map_err(|e| {
            wrong(format!(
                "`{expression}` cannot be read as a cron expression ({}); every day at two is `0 0 2 * * ?`",
                e.to_string().trim_end_matches('.')
            ))
        })
}

/// A moment with its offset, or as a clock in this zone shows it.
fn moment(
    place: &'static str,
    text: Option<&str>,
    zone: &TimeZone,
) -> Result<Option<Timestamp>, TimetableError> {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else { return Ok(None) };
    let local = |at: DateTime| at.to_zoned(zone.clone()).ok().map(|at| at.timestamp());
    let at = text
        .parse::<Timestamp>()
        .ok()
        .or_else(|| text.parse::<DateTime>().ok().and_then(local))
        .or_else(|| {
            text.parse::<Date>().ok().and_then(|day| local(day.to_datetime(jiff::civil::Time::midnight())))
        });
    at.map(Some).ok_or_else(|| TimetableError {
        place,
        what: format!("`{text}` is not a time; write one such as `2026-12-31T23:00:00Z`"),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn config(document: Value) -> ScheduleConfig {
        ScheduleConfig::from_value(document).unwrap().1
    }

    fn timetable(document: Value) -> Result<Timetable, TimetableError> {
        Timetable::of(&config(document), &TimeZone::UTC)
    }

    /// The next times of an expression in Berlin, as its clocks show them.
    #[track_caller]
    fn check(expression: &str, from: &str, expected: &[&str]) {
        let table = timetable(json!({"schedule": expression, "timeZone": "Europe/Berlin"})).unwrap();
        let shown: Vec<String> = table
            .upcoming(at(from), at(from), expected.len())
            .into_iter()
            .map(|t| t.to_zoned(TimeZone::get("Europe/Berlin").unwrap()).strftime("%a %F %T %:z").to_string())
            .collect();
        assert_eq!(shown, expected, "{expression}");
    }

    #[test]
    fn quartz_expressions_are_read_as_quartz_reads_them() {
        let from = "2026-03-20T00:00:00Z";
        check(
            "0 0 12 ? * MON-FRI",
            from,
            &["Fri 2026-03-20 12:00:00 +01:00", "Mon 2026-03-23 12:00:00 +01:00"],
        );
        check("0 0 12 L * ?", from, &["Tue 2026-03-31 12:00:00 +02:00"]);
        check("0 0 12 LW * ?", "2026-05-02T00:00:00Z", &["Fri 2026-05-29 12:00:00 +02:00"]);
        check("0 0 12 15W * ?", "2026-11-01T00:00:00Z", &["Mon 2026-11-16 12:00:00 +01:00"]);
        check("0 15 10 ? * 6L", from, &["Fri 2026-03-27 10:15:00 +01:00"]);
        check(
            "0 15 10 ? * FRI#3",
            from,
            &["Fri 2026-03-20 10:15:00 +01:00", "Fri 2026-04-17 10:15:00 +02:00"],
        );
        check("0 0 2 ? * 1", from, &["Sun 2026-03-22 02:00:00 +01:00"]);
        check("0 0 12 ? * L", from, &["Sat 2026-03-21 12:00:00 +01:00"]);
        check(
            "0 0/5 14,18 * * ?",
            from,
            &["Fri 2026-03-20 14:00:00 +01:00", "Fri 2026-03-20 14:05:00 +01:00"],
        );
        check("*/30 * * * * ?", from, &["Fri 2026-03-20 01:00:30 +01:00"]);
        check("0 15 10 * * ? 2027", from, &["Fri 2027-01-01 10:15:00 +01:00"]);
        check("0 0 0 31 2 ?", from, &[]);
    }

    #[test]
    fn a_time_that_the_clocks_skip_comes_right_after_and_one_that_they_repeat_comes_once() {
        // On 2026-03-29 two o'clock is followed by three; on 2026-10-25 it comes twice.
        check(
            "0 30 2 * * ?",
            "2026-03-28T12:00:00Z",
            &["Sun 2026-03-29 03:00:00 +02:00", "Mon 2026-03-30 02:30:00 +02:00"],
        );
        check(
            "0 30 2 * * ?",
            "2026-10-24T12:00:00Z",
            &["Sun 2026-10-25 02:30:00 +02:00", "Mon 2026-10-26 02:30:00 +01:00"],
        );
        // What comes every half hour goes on every half hour.
        check(
            "0 0/30 * * * ?",
            "2026-10-25T00:15:00Z",
            &[
                "Sun 2026-10-25 02:30:00 +02:00",
                "Sun 2026-10-25 02:00:00 +01:00",
                "Sun 2026-10-25 02:30:00 +01:00",
                "Sun 2026-10-25 03:00:00 +01:00",
            ],
        );
        // An interval knows no clocks.
        let every = timetable(json!({"type": "simple", "repeatInterval": 3_600_000})).unwrap();
        let times = every.upcoming(at("2026-03-29T00:10:00Z"), at("2026-03-29T00:00:00Z"), 2);
        assert_eq!(times, [at("2026-03-29T01:00:00Z"), at("2026-03-29T02:00:00Z")]);
    }

    #[test]
    fn start_and_end_bound_the_times() {
        let daily = |more: Value| {
            let mut document = json!({"schedule": "0 0 2 * * ?", "timeZone": "Europe/Berlin"});
            document.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            timetable(document).unwrap()
        };
        let from = at("2026-01-01T00:00:00Z");
        for (more, expected) in [
            // The start itself is one of the times; it is read in the schedule's zone unless it says otherwise.
            (json!({"startTime": "2026-02-01T02:00:00"}), Some("2026-02-01T01:00:00Z")),
            (json!({"startTime": "2026-02-01T02:00:00Z"}), Some("2026-02-02T01:00:00Z")),
            (json!({"startTime": "2026-02-01T03:00:00+01:00"}), Some("2026-02-02T01:00:00Z")),
            (json!({"startTime": "2026-02-01"}), Some("2026-02-01T01:00:00Z")),
            (json!({"endTime": "2026-01-01T01:00:00Z"}), Some("2026-01-01T01:00:00Z")),
            (json!({"endTime": "2026-01-01T00:59:59Z"}), None),
        ] {
            assert_eq!(daily(more.clone()).next(from, from), expected.map(at), "{more}");
        }
    }

    #[test]
    fn an_interval_is_counted_from_its_start() {
        let anchor = at("2026-01-01T00:00:00Z");
        let next = |document: Value, after: &str| timetable(document).unwrap().next(at(after), anchor);
        let plain = json!({"type": "simple", "repeatInterval": 600_000});
        assert_eq!(next(plain.clone(), "2026-01-01T00:00:00Z"), Some(at("2026-01-01T00:10:00Z")));
        assert_eq!(next(plain.clone(), "2026-01-01T00:10:00Z"), Some(at("2026-01-01T00:20:00Z")));
        assert_eq!(next(plain, "2026-01-01T00:14:00Z"), Some(at("2026-01-01T00:20:00Z")));
        let started =
            json!({"repeatInterval": 600_000, "startTime": "2026-01-01T00:05:00Z", "repeatCount": 2});
        assert_eq!(next(started.clone(), "2026-01-01T00:00:00Z"), Some(at("2026-01-01T00:05:00Z")));
        assert_eq!(next(started.clone(), "2026-01-01T00:15:00Z"), Some(at("2026-01-01T00:25:00Z")));
        assert_eq!(next(started, "2026-01-01T00:25:00Z"), None, "three times are over");
        let endless = json!({"type": "simple", "repeatInterval": 1000, "repeatCount": -1});
        assert_eq!(next(endless, "2036-01-01T00:00:00Z"), Some(at("2036-01-01T00:00:01Z")));
    }

    #[test]
    fn what_nobody_can_follow_is_said_with_its_place() {
        for (document, place, words) in [
            (json!({}), "schedule", "no cron expression"),
            (json!({"schedule": "0 2 * * *"}), "schedule", "`0 0 2 * * *`"),
            (json!({"schedule": "0 0 2 1 * MON"}), "schedule", "`?`"),
            (json!({"schedule": "0 0 25 * * ?"}), "schedule", "`0 0 25 * * ?`"),
            (json!({"schedule": "@daily"}), "schedule", "seconds, minutes"),
            (json!({"schedule": "often"}), "schedule", "seconds, minutes"),
            (json!({"schedule": "0 0 2 * * ?", "timeZone": "Mars/Olympus"}), "timeZone", "Europe/Berlin"),
            (json!({"schedule": "0 0 2 * * ?", "startTime": "soon"}), "startTime", "`soon`"),
            (
                json!({"schedule": "0 0 2 * * ?", "startTime": "2026-01-02", "endTime": "2026-01-01"}),
                "endTime",
                "later",
            ),
            (json!({"type": "simple"}), "repeatInterval", "milliseconds"),
            (json!({"type": "simple", "repeatInterval": 10}), "repeatInterval", "1000"),
            (json!({"type": "moon", "schedule": "x"}), "type", "`moon`"),
        ] {
            let error = timetable(document.clone()).unwrap_err();
            assert_eq!(error.place, place, "{document}");
            assert!(error.what.contains(words), "{document}: {error}");
        }
    }

    #[test]
    fn a_missed_time_is_made_up_for_or_left_out() {
        let due = at("2026-01-01T02:00:00Z");
        let (before, after) = (at("2026-01-01T01:00:00Z"), at("2026-01-01T05:00:00Z"));
        for (persisted, policy, since, now, expected) in [
            (true, "fireAndProceed", before, "2026-01-01T02:01:00Z", Due::Fire),
            (true, "doNothing", after, "2026-01-01T02:00:30Z", Due::Fire),
            (true, "fireAndProceed", after, "2026-01-01T06:00:00Z", Due::Late),
            (true, "doNothing", after, "2026-01-01T06:00:00Z", Due::Missed),
            // Nothing was running, and nothing was kept.
            (false, "fireAndProceed", after, "2026-01-01T06:00:00Z", Due::Missed),
            // The machine slept.
            (false, "fireAndProceed", before, "2026-01-01T06:00:00Z", Due::Late),
            (false, "doNothing", before, "2026-01-01T06:00:00Z", Due::Missed),
        ] {
            let config = config(json!({"persisted": persisted, "misfirePolicy": policy}));
            assert_eq!(judge_due(&config, due, at(now), since), expected, "{persisted} {policy} {since}");
        }
    }

    #[test]
    fn it_says_in_words_when_it_fires() {
        for (document, words) in [
            (json!({"schedule": "0 0 2 * * ?", "timeZone": "Europe/Berlin"}), "At 02:00 (Europe/Berlin)"),
            (json!({"schedule": "0 0/5 * * * ?", "timeZone": "UTC"}), "Every 5 minutes (UTC)"),
            (json!({"schedule": "0 0 2 ? * 2-6", "timeZone": "UTC"}), "At 02:00, on Monday to Friday (UTC)"),
            (json!({"type": "simple", "repeatInterval": 60_000}), "Every minute"),
            (json!({"type": "simple", "repeatInterval": 7_200_000}), "Every 2 hours"),
            (json!({"type": "simple", "repeatInterval": 1000, "repeatCount": 0}), "Once"),
            (json!({"type": "simple", "repeatInterval": 1500, "repeatCount": 2}), "Every 1500 ms, 3 times"),
        ] {
            assert_eq!(timetable(document.clone()).unwrap().words(), words, "{document}");
        }
    }
}
