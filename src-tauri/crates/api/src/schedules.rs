//! Schedules: looked at, changed, and fired when their time has come.
//!
//! Of several processes over one data folder one fires: it takes a lease, starts the run, and moves the schedule on. One that
//! dies in between loses nothing, because the lease runs out and the time still stands.

use std::{
    collections::{HashSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use engine::{Due, Timetable, judge_due};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use model::{
    MappingConfig, ResourcePath, ScheduleConfig,
    schedule_config::{ScheduleConfigError, Task, check_schedule_name},
};
use serde_json::Value;
use store::{AuditRow, Fired, ScheduleRow, StoreError};

use crate::{
    ApiError, App, ErrorCode,
    dto::{
        AuditTopic, ByName, ChangeFeed, Empty, RunMode, RunStart, RunSummary, ScheduleDraft, ScheduleEnable,
        ScheduleInfo, ScheduleOutlook, ScheduleRan, ScheduleTry, SchedulesRequest,
    },
    mappings::end_title,
};

/// How many times a schedule's outlook shows.
const SHOWN: usize = 5;
/// How long the right to fire lasts; starting a run takes seconds.
const LEASE: SignedDuration = SignedDuration::from_secs(60);
/// Schedules that another process changed are noticed within this.
const LONGEST_NAP: Duration = Duration::from_secs(10);
const SHORTEST_NAP: Duration = Duration::from_millis(50);
/// How long a schedule is left alone that another process has in hand.
const OTHERS_NAP: Duration = Duration::from_secs(1);

impl From<ScheduleConfigError> for ApiError {
    fn from(error: ScheduleConfigError) -> Self {
        let told = Self::new(ErrorCode::Invalid, error.to_string());
        match error {
            ScheduleConfigError::Name(_) | ScheduleConfigError::Nameless => told.about("name"),
            ScheduleConfigError::Shape(_) => told,
        }
    }
}

impl App {
    /// Schedules by name.
    pub async fn schedules_list(&self, request: SchedulesRequest) -> Result<Vec<ScheduleInfo>, ApiError> {
        let (rows, mappings) = self.store.read(|r| Ok((r.schedules()?, r.mappings()?))).await?;
        let mappings: Vec<MappingConfig> = mappings.into_iter().map(|m| m.config).collect();
        let mut found = Vec::new();
        for row in rows {
            let info = self.schedule_info(row, &mappings).await?;
            let wanted =
                request.mapping.as_deref().is_none_or(|name| info.mappings.iter().any(|m| m == name));
            if wanted {
                found.push(info);
            }
        }
        Ok(found)
    }

    /// One schedule.
    pub async fn schedule_get(&self, request: ByName) -> Result<ScheduleInfo, ApiError> {
        let row = self.schedule_row(&request.name).await?;
        let mappings = self.mapping_configs().await?;
        self.schedule_info(row, &mappings).await
    }

    /// Creates or changes a schedule.
    pub async fn schedule_save(&self, request: ScheduleDraft) -> Result<ScheduleInfo, ApiError> {
        self.schedule_change(request, None).await
    }

    /// The same. With the document that it is a change of, it is [`ErrorCode::Stale`] when that is not in force any more.
    pub async fn schedule_change(
        &self,
        request: ScheduleDraft,
        before: Option<Value>,
    ) -> Result<ScheduleInfo, ApiError> {
        let (_, config) = ScheduleConfig::from_value(request.config)?;
        let name = request.name.trim().to_owned();
        check_schedule_name(&name)?;
        let lookup = name.clone();
        let there = self.store.read(move |r| r.schedule(&lookup)).await?;
        match (&there, request.create) {
            (Some(_), true) => {
                return Err(ApiError::new(
                    ErrorCode::Conflict,
                    format!("schedule `{name}` exists already; choose another name"),
                )
                .about("name"));
            }
            (None, false) => return Err(no_such_schedule(&name)),
            _ => {}
        }
        self.check_schedule(&config).await?;
        self.put_one(name.clone(), config, before).await?;
        self.schedule_get(ByName { name }).await
    }

    /// Switches a schedule on or off.
    pub async fn schedule_enable(&self, request: ScheduleEnable) -> Result<ScheduleInfo, ApiError> {
        let ScheduleRow { name, mut config, .. } = self.schedule_row(&request.name).await?;
        let before = document(&config)?;
        config.enabled = request.enabled;
        if request.enabled {
            self.check_schedule(&config).await?;
        }
        self.put_one(name.clone(), config, Some(before)).await?;
        self.schedule_get(ByName { name }).await
    }

    /// Removes a schedule.
    pub async fn schedule_remove(&self, request: ByName) -> Result<Empty, ApiError> {
        let ScheduleRow { name, .. } = self.schedule_row(&request.name).await?;
        let gone = name.clone();
        self.store.write(move |w| w.remove_schedule(&gone)).await?;
        self.audit(AuditTopic::Schedule, &name, "removed").await?;
        Ok(Empty {})
    }

    /// When a schedule, saved or not, would fire.
    pub async fn schedule_outlook(&self, request: ScheduleTry) -> Result<ScheduleOutlook, ApiError> {
        let (_, config) = ScheduleConfig::from_value(request.config)?;
        let now = self.clock.now();
        Ok(match Timetable::of(&config, &home()) {
            Ok(times) => ScheduleOutlook {
                words: times.words(),
                next: shown(times.upcoming(now, now, SHOWN)),
                time_zone: times.zone().map(str::to_owned),
                problem: None,
            },
            Err(problem) => ScheduleOutlook {
                words: String::new(),
                next: Vec::new(),
                time_zone: None,
                problem: Some(problem.to_string()),
            },
        })
    }

    /// Does now what a schedule does, whether it is on or not. Its next time stays.
    pub async fn schedule_run(&self, request: ByName) -> Result<ScheduleRan, ApiError> {
        let row = self.schedule_row(&request.name).await?;
        let begun = self.begin_schedule(&row).await;
        let (outcome, by_hand) = (begun.outcome(), ", by hand");
        let fired = Fired {
            at: self.at(),
            run: begun.first.as_ref().map(|run| run.id.clone()),
            outcome: format!("{outcome}{by_hand}"),
        };
        let (name, noted) = (row.name.clone(), fired.clone());
        self.store.write(move |w| w.note_schedule(&name, &noted, false)).await?;
        let runs = begun.first.iter().cloned().collect();
        self.go_on_in_background(row.name.clone(), begun, fired, by_hand.to_owned());
        self.audit(AuditTopic::Schedule, &row.name, &format!("fired by hand: {outcome}")).await?;
        Ok(ScheduleRan { outcome, runs })
    }

    /// The ends of a mapping whose changes liveSync could follow.
    pub async fn change_feed(&self, request: ByName) -> Result<ChangeFeed, ApiError> {
        let config = self.mapping_config(&request.name).await?;
        let connectors = self.store.read(|r| r.connectors()).await?;
        let title = end_title(&config.source, &connectors);
        let path: ResourcePath = config.source_path()?;
        let (follows, problem) = match &path {
            ResourcePath::Managed(_) => {
                (false, Some(format!("a change of {title} is delivered by implicit sync as it is saved")))
            }
            ResourcePath::System { connector, object_type } => {
                match engine::Connectors::connector(self.pool.as_ref(), connector).await {
                    Ok(built) => {
                        let follows = built
                            .descriptor()
                            .object_types
                            .iter()
                            .any(|t| t.name.eq_ignore_ascii_case(object_type) && t.change_feed);
                        let why = format!("the connector cannot tell what has changed in {title}");
                        (follows, (!follows).then_some(why))
                    }
                    Err(error) => (false, Some(ApiError::from(error).message)),
                }
            }
            ResourcePath::Scim(_) => (false, Some(format!("{title} is mapped as it arrives, one by one"))),
        };
        Ok(ChangeFeed { source: config.source, title, follows, problem })
    }

    /// Puts a schedule in place and says when it is due. What has been checked is put; with a document, only while that is
    /// there.
    async fn put_one(
        &self,
        name: String,
        config: ScheduleConfig,
        before: Option<Value>,
    ) -> Result<(), ApiError> {
        let (now, at, who) = (self.clock.now(), self.at(), self.who());
        self.store
            .write(move |w| {
                let there = w.schedule(&name)?.and_then(|row| document(&row.config).ok());
                if before.is_some() && before != there {
                    return Err(StoreError::new(
                        store::ErrorKind::Stale,
                        format!(
                            "schedule `{name}` has changed meanwhile; load it again and repeat the change"
                        ),
                    ));
                }
                put_schedule(w, &name, &config, now, &at)?;
                let state = if config.enabled { "saved, on" } else { "saved, off" };
                w.add_audit(&AuditRow {
                    at,
                    who,
                    topic: AuditTopic::Schedule.as_str().into(),
                    object: name,
                    detail: state.into(),
                })
            })
            .await?;
        self.schedules_changed.notify_one();
        Ok(())
    }

    /// Fires what is due, until it is dropped.
    pub(crate) async fn keep_schedules(self: Arc<Self>) {
        let since = self.clock.now();
        loop {
            if let Err(error) = self.fire_due(self.clock.now(), since).await {
                tracing::warn!(%error, "schedules could not be looked at");
            }
            let soonest = self.store.read(|r| r.soonest_schedule()).await.ok().flatten();
            let nap = soonest.map_or(LONGEST_NAP, |due| nap_until(due, self.clock.now().as_millisecond()));
            let _ = tokio::time::timeout(nap, self.schedules_changed.notified()).await;
        }
    }

    /// Fires what is due at `now`; `since` is when this process began to watch. Gives what came of each.
    pub async fn fire_due(
        &self,
        now: Timestamp,
        since: Timestamp,
    ) -> Result<Vec<(String, String)>, ApiError> {
        let rows = self.store.read(|r| r.schedules()).await?;
        let mut outcomes = Vec::new();
        for row in rows {
            let Some(due_ms) = row.next_ms else { continue };
            let times = Timetable::of(&row.config, &home());
            let anchor = Timestamp::from_millisecond(row.anchor_ms).unwrap_or(now).min(now);
            let next = times.as_ref().ok().and_then(|t| t.next(now, anchor)).map(Timestamp::as_millisecond);
            if due_ms > now.as_millisecond() {
                // The time was set by a clock that was ahead, or in another time zone.
                if let Some(sooner) = next.filter(|next| *next < due_ms) {
                    let name = row.name.clone();
                    self.store.write(move |w| w.move_schedule(&name, due_ms, Some(sooner))).await?;
                }
                continue;
            }
            let lease = (row.name.clone(), now.as_millisecond(), (now + LEASE).as_millisecond());
            let leased =
                self.store.write(move |w| w.lease_schedule(&lease.0, due_ms, lease.1, lease.2)).await?;
            // Another process has it.
            if !leased {
                continue;
            }
            let due = Timestamp::from_millisecond(due_ms).unwrap_or(now);
            let judged = if times.is_ok() { judge_due(&row.config, due, now, since) } else { Due::Missed };
            let begun = match judged {
                Due::Missed => Begun::default(),
                Due::Fire | Due::Late => self.begin_schedule(&row).await,
            };
            let (outcome, made_up) = match judged {
                Due::Missed => (format!("missed at {}, and left out", engine::stamp(due)), String::new()),
                Due::Fire => (begun.outcome(), String::new()),
                Due::Late => (begun.outcome(), format!(", to make up for {}", engine::stamp(due))),
            };
            let outcome = format!("{outcome}{made_up}");
            let run = begun.first.as_ref().map(|run| run.id.clone());
            let fired = Fired { at: engine::stamp(now), run, outcome: outcome.clone() };
            let audit = AuditRow {
                at: fired.at.clone(),
                who: format!("schedule {}", row.name),
                topic: AuditTopic::Schedule.as_str().into(),
                object: row.name.clone(),
                detail: outcome.clone(),
            };
            let (name, noted) = (row.name.clone(), fired.clone());
            self.store
                .write(move |w| {
                    w.note_schedule(&name, &noted, judged != Due::Missed)?;
                    w.add_audit(&audit)?;
                    w.move_schedule(&name, due_ms, next)
                })
                .await?;
            self.go_on_in_background(row.name.clone(), begun, fired, made_up);
            tracing::info!(schedule = row.name, outcome, "schedule fired");
            outcomes.push((row.name, outcome));
        }
        Ok(outcomes)
    }

    /// Starts the first run of what a schedule does that can be started. What stands in the way is told in the outcome.
    async fn begin_schedule(&self, row: &ScheduleRow) -> Begun {
        let mut begun = Begun::default();
        match self.runs_of(row).await {
            Ok(requests) => begun.to_come = requests.into(),
            Err(why) => begun.refused.push(format!("not done: {why}")),
        }
        while begun.first.is_none()
            && let Some(request) = begun.to_come.pop_front()
        {
            match self.start_by_schedule(request).await {
                Ok(run) => begun.first = Some(run),
                Err(why) => begun.refused.push(why),
            }
        }
        begun
    }

    /// Starts the runs after the first one after the other, so that each sees what the one before made. What came of them takes
    /// the place of the outcome that was noted, unless the schedule has fired again by then.
    fn go_on_in_background(&self, name: String, mut begun: Begun, mut fired: Fired, ending: String) {
        let Some(first) = begun.first.as_ref().filter(|_| !begun.to_come.is_empty()) else { return };
        let (mut before, me) = (first.id.clone(), self.me.clone());
        tokio::spawn(async move {
            let Some(app) = me.upgrade() else { return };
            while let Some(request) = begun.to_come.pop_front() {
                // How it ends stands in its own row.
                let _ = app.run_wait(&before, |_| {}).await;
                match app.start_by_schedule(request).await {
                    Ok(run) => {
                        before = run.id;
                        begun.more += 1;
                    }
                    Err(why) => {
                        tracing::warn!(schedule = name, why, "a run of a schedule");
                        begun.refused.push(why);
                    }
                }
            }
            fired.outcome = format!("{}{ending}", begun.outcome());
            let noted = app.store.write(move |w| {
                let last = w.schedule(&name)?.and_then(|row| row.last_fired);
                if last.as_deref() == Some(&fired.at) {
                    w.note_schedule(&name, &fired, false)
                } else {
                    Ok(())
                }
            });
            if let Err(error) = noted.await {
                tracing::warn!(%error, "what came of a schedule could not be noted");
            }
        });
    }

    /// The runs that a schedule stands for, in sync order, for a caller that starts them one by one.
    pub async fn schedule_runs(&self, name: &str) -> Result<Vec<RunStart>, ApiError> {
        let row = self.schedule_row(name).await?;
        self.runs_of(&row)
            .await
            .map_err(|why| ApiError::new(ErrorCode::Invalid, format!("schedule `{}`: {why}", row.name)))
    }

    /// Starts one of [`App::schedule_runs`] by hand.
    pub async fn schedule_start(&self, name: &str, request: RunStart) -> Result<RunSummary, ApiError> {
        let mapping = request.mapping.clone();
        let started = self.run_start(request).await;
        let (run, outcome) = match &started {
            Ok(run) => (Some(run.id.clone()), "started, by hand".to_owned()),
            Err(error) => (None, not_started(&mapping, error)),
        };
        let (fired, of) = (Fired { at: self.at(), run, outcome }, name.to_owned());
        self.store.write(move |w| w.note_schedule(&of, &fired, false)).await?;
        self.audit(AuditTopic::Schedule, name, "fired by hand").await?;
        started.map_err(|error| ApiError { message: not_started(&mapping, &error), ..error })
    }

    /// The runs that a schedule stands for, in sync order; or why there are none.
    async fn runs_of(&self, row: &ScheduleRow) -> Result<Vec<RunStart>, String> {
        let mappings = self.mapping_configs().await.map_err(|e| e.message)?;
        let task = row.config.task();
        if let Some(problem) = problem_of(&task, &mappings) {
            return Err(problem);
        }
        let start = |mapping: String, incremental: bool| RunStart {
            mapping,
            mode: RunMode::Reconcile,
            ids: Vec::new(),
            allow_deletes: None,
            incremental,
        };
        Ok(match task {
            Task::Reconcile { mapping, incremental } => vec![start(mapping, incremental)],
            Task::LiveSync { source } => {
                followers(&source, &mappings).map(|m| start(m.name.clone(), true)).collect()
            }
            Task::Other(_) => Vec::new(),
        })
    }

    async fn start_by_schedule(&self, request: RunStart) -> Result<RunSummary, String> {
        let mapping = request.mapping.clone();
        if self.engine.is_busy(&mapping).unwrap_or(false) {
            return Err(format!("skipped, because mapping `{mapping}` was still running"));
        }
        self.run_start(request).await.map_err(|error| not_started(&mapping, &error))
    }

    async fn mapping_configs(&self) -> Result<Vec<MappingConfig>, ApiError> {
        Ok(self.store.read(|r| r.mappings()).await?.into_iter().map(|m| m.config).collect())
    }

    async fn schedule_row(&self, name: &str) -> Result<ScheduleRow, ApiError> {
        let lookup = name.to_owned();
        self.store.read(move |r| r.schedule(&lookup)).await?.ok_or_else(|| no_such_schedule(name))
    }

    async fn check_schedule(&self, config: &ScheduleConfig) -> Result<(), ApiError> {
        Timetable::of(config, &home())
            .map_err(|e| ApiError::new(ErrorCode::Invalid, format!("schedule, {e}")))?;
        let mappings = self.mapping_configs().await?;
        match problem_of(&config.task(), &mappings) {
            Some(problem) if config.enabled => Err(ApiError::new(ErrorCode::Invalid, problem)),
            _ => Ok(()),
        }
    }

    async fn schedule_info(
        &self,
        row: ScheduleRow,
        mappings: &[MappingConfig],
    ) -> Result<ScheduleInfo, ApiError> {
        let now = self.clock.now();
        let task = row.config.task();
        let times = Timetable::of(&row.config, &home());
        let (word, title, of, source, incremental) = match &task {
            Task::Reconcile { mapping, incremental } => (
                "reconcile",
                format!("{} of {mapping}", if *incremental { "incremental run" } else { "reconciliation" }),
                vec![mapping.clone()],
                None,
                *incremental,
            ),
            Task::LiveSync { source } => (
                "liveSync",
                format!("liveSync of {source}"),
                followers(source, mappings).map(|m| m.name.clone()).collect(),
                Some(source.to_string()),
                true,
            ),
            Task::Other(_) => ("other", "nothing that Concord does".to_owned(), Vec::new(), None, false),
        };
        let anchor = Timestamp::from_millisecond(row.anchor_ms).unwrap_or(now);
        let next = match &times {
            Ok(times) => {
                let next = row.next_ms.and_then(|ms| Timestamp::from_millisecond(ms).ok());
                let more = next.map_or_else(Vec::new, |next| times.upcoming(next, anchor, SHOWN - 1));
                shown(next.into_iter().chain(more).collect())
            }
            Err(_) => Vec::new(),
        };
        let problem = match &times {
            Err(error) => Some(error.to_string()),
            Ok(_) => problem_of(&task, mappings).or_else(|| {
                (row.config.enabled && next.is_empty())
                    .then(|| "it never fires again; its time is over".into())
            }),
        };
        let last_run = match row.last_run {
            Some(id) => match self.store.read(move |r| r.run(&id)).await? {
                Some(run) => Some(self.run_summary(&run).await?),
                None => None,
            },
            None => None,
        };
        Ok(ScheduleInfo {
            enabled: row.config.enabled,
            config: document(&row.config)?,
            name: row.name,
            task: word.into(),
            title,
            mappings: of,
            source,
            incremental,
            words: times.map(|t| t.words()).unwrap_or_default(),
            next,
            problem,
            last_fired: row.last_fired,
            last_outcome: row.last_outcome,
            last_run,
        })
    }
}

/// What became of the runs of a schedule so far.
#[derive(Default)]
struct Begun {
    first: Option<RunSummary>,
    /// How many were started after the first.
    more: usize,
    to_come: VecDeque<RunStart>,
    /// Why others were not started.
    refused: Vec<String>,
}

impl Begun {
    fn outcome(&self) -> String {
        let started = match (&self.first, self.to_come.len(), self.more) {
            (None, ..) => None,
            (Some(_), 0, 0) => Some("started".to_owned()),
            (Some(_), 0, more) => Some(format!("started, and {more} more after it")),
            (Some(_), to_come, _) => Some(format!("started, with {to_come} more to come")),
        };
        started.iter().chain(&self.refused).map(String::as_str).collect::<Vec<_>>().join("; ")
    }
}

/// Stores a schedule and when it is due. One that nobody can follow is kept and never due.
pub(crate) fn put_schedule(
    w: &store::Writer<'_>,
    name: &str,
    config: &ScheduleConfig,
    now: Timestamp,
    at: &str,
) -> Result<(), StoreError> {
    // An interval goes on from where it was counted, unless the times themselves are others now.
    let there = w.schedule(name)?;
    let same = |old: &ScheduleConfig| {
        old.enabled && old.kind == config.kind && old.repeat_interval == config.repeat_interval
    };
    let anchor = there.filter(|row| same(&row.config)).map_or(now.as_millisecond(), |row| row.anchor_ms);
    let runs = config.enabled && !matches!(config.task(), Task::Other(_));
    let next = Timetable::of(config, &home())
        .ok()
        .filter(|_| runs)
        .and_then(|times| times.next(now, Timestamp::from_millisecond(anchor).unwrap_or(now)))
        .map(Timestamp::as_millisecond);
    w.put_schedule(name, config, anchor, next, at)
}

/// What stands in the way of a schedule's task, in words.
pub(crate) fn problem_of(task: &Task, mappings: &[MappingConfig]) -> Option<String> {
    match task {
        Task::Reconcile { mapping, .. } => (!mappings.iter().any(|m| m.name.eq_ignore_ascii_case(mapping)))
            .then(|| format!("it runs mapping `{mapping}`, which does not exist; add that mapping first")),
        Task::LiveSync { source } => followers(source, mappings).next().is_none().then(|| {
            format!("no mapping with implicit sync on reads `{source}`; add one, or switch implicit sync on")
        }),
        Task::Other(why) => Some(why.clone()),
    }
}

/// The mappings through which the changes of a source go, as in IDM: those that read it and have implicit sync on.
fn followers<'m>(
    source: &ResourcePath,
    mappings: &'m [MappingConfig],
) -> impl Iterator<Item = &'m MappingConfig> {
    let mut seen = HashSet::new();
    mappings.iter().filter(move |m| {
        m.source_path().is_ok_and(|path| path == *source) && m.sync_enabled() && seen.insert(m.name.as_str())
    })
}

/// How long to wait for a time. One that is over and was not fired just now is another process's, or has to be tried again.
fn nap_until(due_ms: i64, now_ms: i64) -> Duration {
    match u64::try_from(due_ms.saturating_sub(now_ms)) {
        Ok(ms) => Duration::from_millis(ms).clamp(SHORTEST_NAP, LONGEST_NAP),
        Err(_) => OTHERS_NAP,
    }
}

/// The time zone of a schedule that names none.
fn home() -> TimeZone {
    TimeZone::system()
}

fn shown(times: Vec<Timestamp>) -> Vec<String> {
    times.into_iter().map(engine::stamp).collect()
}

pub(crate) fn document(config: &ScheduleConfig) -> Result<Value, ApiError> {
    serde_json::to_value(config)
        .map_err(|e| ApiError::new(ErrorCode::Internal, format!("a schedule cannot be written: {e}")))
}

fn not_started(mapping: &str, error: &ApiError) -> String {
    format!("could not start {mapping}: {}", error.message)
}

fn no_such_schedule(name: &str) -> ApiError {
    ApiError::new(ErrorCode::NotFound, format!("no such schedule: {name}"))
        .with_hint("`concord schedule list` shows the schedules")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_another_process_has_in_hand_is_not_asked_for_all_the_time() {
        for (until, nap) in
            [(5_000, 5_000), (60_000, 10_000), (3, 50), (0, 50), (-1, 1_000), (-60_000, 1_000)]
        {
            assert_eq!(nap_until(1_000_000 + until, 1_000_000), Duration::from_millis(nap), "{until}");
        }
        assert_eq!(nap_until(i64::MIN, i64::MAX), OTHERS_NAP);
    }
}
