//! What the dashboard draws: the people of the last weeks, and what went wrong last.
//!
//! How many users there are is counted elsewhere anyway and noted once a day here, so that a chart over weeks never has to
//! look at the users themselves.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use jiff::{SignedDuration, Timestamp};

use crate::{
    ApiError, App,
    dto::{DayFigures, Empty, FailureCause, Fix, Overview},
};

/// Days of the chart.
const DAYS: i64 = 28;
/// Causes of failures that are named, of each mapping and in all.
const CAUSES: usize = 6;
/// The managed type whose objects are people.
const PEOPLE: &str = "user";

/// The last note of how many users there are, so that the same is not written again and again.
#[derive(Default)]
pub(crate) struct LastNote(Mutex<Option<(String, u64)>>);

impl LastNote {
    /// Whether this is news; from now on it is not.
    fn is_news(&self, day: &str, users: u64) -> bool {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let news = last.as_ref().is_none_or(|(d, n)| d != day || *n != users);
        *last = Some((day.to_owned(), users));
        news
    }
}

impl App {
    /// The last weeks in figures, and what went wrong in the last run of each mapping.
    pub async fn overview(&self, _: Empty) -> Result<Overview, ApiError> {
        let now = self.clock.now();
        let first = day_of(before(now, DAYS - 1));
        let users = self.store.read(|r| r.managed_count(PEOPLE)).await?;
        self.note_users(users).await?;
        let (mut population, mut causes, inbox) = self
            .store
            .read(move |r| {
                let population = r.population(PEOPLE, &first)?;
                let mut causes = Vec::new();
                for mapping in r.mappings()? {
                    let Some(run) = r.last_run(&mapping.config.name)? else { continue };
                    for cause in r.failure_causes(run.seq, CAUSES)? {
                        causes.push(failure_cause(cause, &mapping.config.name, &run.id));
                    }
                }
                Ok((population, causes, r.inbox_count()?))
            })
            .await?;
        // Whoever noted it at the same moment may not have written it yet.
        let today = day_of(now);
        if population.last().is_none_or(|(day, _)| *day != today) {
            population.push((today, users));
        }
        causes.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.reason.cmp(&b.reason)));
        causes.truncate(CAUSES);
        Ok(Overview { days: days(now, &population), causes, inbox })
    }

    /// Notes how many users there are today, where that is news.
    pub(crate) async fn note_users(&self, users: u64) -> Result<(), ApiError> {
        let day = day_of(self.clock.now());
        if self.noted.is_news(&day, users) {
            self.store.write(move |w| w.put_population(PEOPLE, &day, users)).await?;
        }
        Ok(())
    }
}

/// A cause of failures as screens have it.
pub(crate) fn failure_cause(cause: store::FailureCause, mapping: &str, run: &str) -> FailureCause {
    FailureCause {
        fix: Fix::read(cause.remedy.as_deref()),
        reason: cause.reason,
        remedy: cause.remedy,
        count: cause.count,
        mapping: mapping.to_owned(),
        run: run.to_owned(),
    }
}

fn before(now: Timestamp, days: i64) -> Timestamp {
    now.checked_sub(SignedDuration::from_hours(24 * days)).unwrap_or(Timestamp::UNIX_EPOCH)
}

fn day_of(at: Timestamp) -> String {
    engine::stamp(at).chars().take("2026-11-21".len()).collect()
}

/// Every day of the chart. A day on which nobody looked has the number of the last one before it; before the first look
/// there is none.
fn days(now: Timestamp, population: &[(String, u64)]) -> Vec<DayFigures> {
    let counted: BTreeMap<&str, u64> = population.iter().map(|(day, n)| (day.as_str(), *n)).collect();
    let mut users = None;
    (0..DAYS)
        .rev()
        .map(|back| {
            let day = day_of(before(now, back));
            users = counted.get(day.as_str()).copied().or(users);
            DayFigures { day, users }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_without_a_look_keep_the_number_before_them() {
        let now: Timestamp = "2026-11-21T10:00:00Z".parse().unwrap();
        let population = [("2026-11-18".to_owned(), 10), ("2026-11-21".to_owned(), 12)];
        let found = days(now, &population);
        assert_eq!(found.len(), DAYS as usize);
        assert_eq!((found[0].day.as_str(), found[0].users), ("2026-10-25", None));
        let last: Vec<Option<u64>> = found.iter().rev().take(5).map(|d| d.users).collect();
        assert_eq!(last, [Some(12), Some(10), Some(10), Some(10), None]);
    }

    #[test]
    fn the_same_number_is_noted_once_a_day() {
        let last = LastNote::default();
        let news: Vec<bool> = [("a", 1), ("a", 1), ("a", 2), ("b", 2), ("b", 2)]
            .iter()
            .map(|(d, n)| last.is_news(d, *n))
            .collect();
        assert_eq!(news, [true, false, true, true, false]);
    }
}
