//! Schedules: kept, followed, fired once, and told about.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use api::{
    App, AppOptions, ErrorCode,
    dto::{
        AuditRequest, ByName, ConnectorDraft, ConnectorEnable, MappingDraft, RunMode, RunStart,
        ScheduleDraft, ScheduleEnable, ScheduleInfo, ScheduleTry, SchedulesRequest,
    },
};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use sandbox::hubspot::{Options, Sandbox};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;

const TOKEN: &str = "sandbox-service-key";
const IN: &str = "systemHubspotContact_managedUser";

struct House {
    folder: TempDir,
    app: Arc<App>,
    _sandbox: Sandbox,
}

impl House {
    /// The sample connector and mappings over a sandbox with a few contacts.
    async fn new() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let options = Options { records: 6, access_token: Some(TOKEN.into()), ..Options::default() };
        let sandbox = Sandbox::start(listener, options).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let app = open(&folder).await;
        app.sample_setup(&sandbox.url(), TOKEN).await.unwrap();
        Self { folder, app, _sandbox: sandbox }
    }

    async fn save(&self, name: &str, config: Value) -> ScheduleInfo {
        self.app.schedule_save(ScheduleDraft { create: true, name: name.into(), config }).await.unwrap()
    }

    async fn get(&self, name: &str) -> ScheduleInfo {
        self.app.schedule_get(ByName { name: name.into() }).await.unwrap()
    }
}

async fn open(folder: &TempDir) -> Arc<App> {
    let options = AppOptions {
        data_dir: folder.path().join("data"),
        passphrase: Some("a passphrase for tests".to_owned()),
    };
    App::open(options).await.unwrap()
}

fn hourly(mapping: &str) -> Value {
    json!({
        "type": "simple", "repeatInterval": 3_600_000, "persisted": true, "invokeService": "sync",
        "invokeContext": {"action": "reconcile", "mapping": mapping}
    })
}

fn first(info: &ScheduleInfo) -> Timestamp {
    info.next.first().unwrap().parse().unwrap()
}

const SECOND: SignedDuration = SignedDuration::from_secs(1);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_processes_one_fires_and_the_run_is_linked() {
    let house = House::new().await;
    let info = house.save("hourly", hourly(IN)).await;
    assert_eq!((info.words.as_str(), info.next.len(), info.problem.as_deref()), ("Every hour", 5, None));
    let due = first(&info);
    let since = due - SignedDuration::from_hours(2);
    assert!(house.app.fire_due(due - SECOND, since).await.unwrap().is_empty(), "not due yet");

    // Another process over the same folder.
    let other = open(&house.folder).await;
    let (ours, theirs) = tokio::join!(house.app.fire_due(due, since), other.fire_due(due, since));
    let mut outcomes = ours.unwrap();
    outcomes.extend(theirs.unwrap());
    assert_eq!(outcomes, [("hourly".to_owned(), "started".to_owned())]);

    let fired = house.get("hourly").await;
    let run = fired.last_run.clone().unwrap();
    for app in [&house.app, &other] {
        app.run_wait(&run.id, |_| {}).await.unwrap();
    }
    assert_eq!(run.mapping, IN);
    assert_eq!(fired.last_fired.unwrap().parse::<Timestamp>().unwrap(), due);
    assert!(first(&house.get("hourly").await) > due, "it has moved on");
    assert!(house.app.fire_due(due, since).await.unwrap().is_empty(), "a time comes once");
    let audit = AuditRequest { topic: Some("schedule".into()), search: None, after: None, limit: None };
    let lines = house.app.audit_list(audit).await.unwrap().rows;
    assert_eq!((lines[0].who.as_str(), lines[0].detail.as_str()), ("schedule hourly", "started"));
}

/// The clock was five years ahead, and somebody has set it right: the next time is the next hour, not one in five years.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_was_ahead_stops_no_schedule() {
    let house = House::new().await;
    let info = house.save("hourly", hourly(IN)).await;
    // Half a day from now, so that its next time does not come meanwhile.
    let hour = (first(&info).to_zoned(TimeZone::UTC).hour() + 12) % 24;
    let cron = json!({
        "type": "cron", "schedule": format!("0 0 {hour} * * ?"), "timeZone": "UTC", "persisted": true,
        "invokeService": "sync", "invokeContext": {"action": "reconcile", "mapping": IN}, "misfirePolicy": "doNothing"
    });
    let nightly = house.save("nightly", cron).await;
    let (now, day) = (first(&info) - SECOND, SignedDuration::from_hours(25));
    let ahead = now + SignedDuration::from_hours(5 * 365 * 24);
    for (_, outcome) in house.app.fire_due(ahead, now).await.unwrap() {
        assert!(outcome.starts_with("missed at") || outcome.contains("to make up for"), "{outcome}");
    }
    for name in ["hourly", "nightly"] {
        assert!(first(&house.get(name).await) > ahead, "{name}: it has gone along with the clock");
    }
    assert!(house.app.fire_due(now, now).await.unwrap().is_empty(), "nothing fires because the clock is set");
    assert!(first(&house.get("hourly").await) <= now + SignedDuration::from_hours(1));
    assert_eq!(first(&house.get("nightly").await), first(&nightly));
    assert!(first(&house.get("nightly").await) <= now + day);
    let due = first(&house.get("hourly").await);
    let run = house.get("hourly").await.last_run.unwrap();
    house.app.run_wait(&run.id, |_| {}).await.unwrap();
    assert_eq!(house.app.fire_due(due, now).await.unwrap().len(), 1, "and fires there");
    let run = house.get("hourly").await.last_run.unwrap();
    house.app.run_wait(&run.id, |_| {}).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mapping_that_is_still_running_is_skipped() {
    let house = House::new().await;
    let info = house.save("hourly", hourly(IN)).await;
    let due = first(&info);
    // A run that is under way holds the mapping; here another hand holds it.
    let held = house.app.run_start(RunStart {
        mapping: IN.into(),
        mode: RunMode::Preview,
        ids: Vec::new(),
        allow_deletes: None,
        incremental: false,
    });
    let run = held.await.unwrap();
    let outcomes = house.app.fire_due(due, due).await.unwrap();
    house.app.run_wait(&run.id, |_| {}).await.unwrap();
    let info = house.get("hourly").await;
    // The preview may have been quicker; then it has started.
    if info.last_run.is_none() {
        assert!(outcomes[0].1.contains("was still running"), "{outcomes:?}");
        assert_eq!(info.last_outcome.as_deref(), Some(outcomes[0].1.as_str()));
    }
    assert!(first(&info) > due, "the next time stands");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn missed_times_follow_the_policy() {
    let house = House::new().await;
    let mut skip = hourly(IN);
    skip["misfirePolicy"] = "doNothing".into();
    let left_out = house.save("a-left-out", skip).await;
    let made_up = house.save("b-made-up", hourly(IN)).await;
    let due = first(&left_out).max(first(&made_up));
    // Nothing was running for hours, and has just been started.
    let now = due + SignedDuration::from_hours(5);
    let outcomes = house.app.fire_due(now, now).await.unwrap();
    assert!(outcomes[0].1.starts_with("missed at") && outcomes[0].1.ends_with("left out"), "{outcomes:?}");
    assert!(outcomes[1].1.contains("to make up for"), "{outcomes:?}");
    assert_eq!(outcomes.len(), 2, "five times were missed, one is made up for");
    let info = house.get("b-made-up").await;
    house.app.run_wait(&info.last_run.unwrap().id, |_| {}).await.unwrap();
    assert!(house.get("a-left-out").await.last_run.is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn live_sync_carries_changes_through_every_mapping_of_its_source() {
    let house = House::new().await;
    let live = json!({
        "type": "simple", "repeatInterval": 60_000, "invokeService": "provisioner",
        "invokeContext": {"action": "liveSync", "source": "system/hubspot/contact"}
    });
    let info = house.save("live", live).await;
    assert_eq!((info.task.as_str(), &info.mappings[..]), ("liveSync", &[IN.to_owned()][..]));
    let ran = house.app.schedule_run(ByName { name: "live".into() }).await.unwrap();
    assert_eq!((ran.outcome.as_str(), ran.runs.len()), ("started", 1));
    let ended = house.app.run_wait(&ran.runs[0].id, |_| {}).await.unwrap();
    assert!(ended.done > 0, "{ended:?}");
    assert_eq!(house.get("live").await.last_outcome.as_deref(), Some("started, by hand"));
    let feed = house.app.change_feed(ByName { name: IN.into() }).await.unwrap();
    assert!(feed.follows, "{feed:?}");
    let other =
        house.app.change_feed(ByName { name: "managedUser_systemHubspotContact".into() }).await.unwrap();
    assert!(!other.follows && other.problem.unwrap().contains("implicit sync"));
}

/// The first run is under way when the schedule answers; what becomes of the others is told afterwards.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_live_sync_could_not_start_later_is_told() {
    let house = House::new().await;
    for (name, target) in [("to-nothing", "managed/nothing"), ("once-more", "managed/user")] {
        let mut config = house.app.mapping_get(ByName { name: IN.into() }).await.unwrap().config;
        (config["name"], config["target"]) = (name.into(), target.into());
        house.app.mapping_save(MappingDraft { create: true, rev: None, config }).await.unwrap();
    }
    let live = json!({
        "type": "simple", "repeatInterval": 60_000, "invokeService": "provisioner",
        "invokeContext": {"action": "liveSync", "source": "system/hubspot/contact"}
    });
    let info = house.save("live", live).await;
    assert_eq!(info.mappings, [IN, "to-nothing", "once-more"]);
    let ran = house.app.schedule_run(ByName { name: "live".into() }).await.unwrap();
    assert_eq!(ran.outcome, "started, with 2 more to come");
    let mut ticks = tokio::time::interval(std::time::Duration::from_millis(20));
    for _ in 0..1500 {
        ticks.tick().await;
        if house.get("live").await.last_outcome.unwrap() != "started, with 2 more to come, by hand" {
            break;
        }
    }
    let told = house.get("live").await;
    let outcome = told.last_outcome.unwrap();
    assert!(outcome.starts_with("started, and 1 more after it; could not start to-nothing: "), "{outcome}");
    assert!(outcome.ends_with(", by hand"), "{outcome}");
    assert_eq!(told.last_run.unwrap().id, ran.runs[0].id);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_fire_is_refused_or_said() {
    let house = House::new().await;
    let refuse = async |config: Value| {
        house
            .app
            .schedule_save(ScheduleDraft { create: true, name: "wrong".into(), config })
            .await
            .unwrap_err()
    };
    let error = refuse(hourly("ghost")).await;
    assert!(error.code == ErrorCode::Invalid && error.message.contains("`ghost`"), "{error}");
    let mut five = hourly(IN);
    five["type"] = "cron".into();
    five["schedule"] = "0 2 * * *".into();
    assert!(refuse(five.clone()).await.message.contains("`0 0 2 * * *`"));
    let looked = house.app.schedule_outlook(ScheduleTry { config: five }).await.unwrap();
    assert!(looked.problem.unwrap().starts_with("schedule: ") && looked.next.is_empty());

    // What only IDM can do is kept, switched off, and cannot be switched on.
    let script = json!({"enabled": false, "schedule": "0 0 2 * * ?", "invokeService": "script"});
    let info = house.save("script", script).await;
    assert!(info.problem.unwrap().contains("`script`") && info.next.is_empty());
    let on = ScheduleEnable { name: "script".into(), enabled: true };
    assert_eq!(house.app.schedule_enable(on).await.unwrap_err().code, ErrorCode::Invalid);

    house.save("hourly", hourly(IN)).await;
    let off =
        house.app.schedule_enable(ScheduleEnable { name: "hourly".into(), enabled: false }).await.unwrap();
    assert!(!off.enabled && off.next.is_empty() && off.problem.is_none());
    let far = Timestamp::MAX - SignedDuration::from_hours(1);
    assert!(house.app.fire_due(far, far).await.unwrap().is_empty());
    let of = |mapping: &str| SchedulesRequest { mapping: Some(mapping.into()) };
    assert_eq!(house.app.schedules_list(of(IN)).await.unwrap().len(), 1);
    assert!(house.app.schedules_list(of("ghost")).await.unwrap().is_empty());
    house.app.schedule_remove(ByName { name: "hourly".into() }).await.unwrap();
    let gone = house.app.schedule_get(ByName { name: "hourly".into() }).await.unwrap_err();
    assert_eq!(gone.code, ErrorCode::NotFound);
}

/// Whoever changes something else at the same moment is not undone by a switch.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_switch_puts_nothing_back() {
    let house = House::new().await;
    house.save("hourly", hourly(IN)).await;
    let by_name = || ByName { name: "hubspot".into() };
    for round in 0..16 {
        let (enabled, word) = (round % 2 == 0, format!("round {round}"));
        let mut config = house.get("hourly").await.config;
        let before = config.clone();
        config["note"] = word.as_str().into();
        let change = ScheduleDraft { create: false, name: "hourly".into(), config };
        let (changed, switched) = tokio::join!(
            house.app.schedule_change(change, Some(before)),
            house.app.schedule_enable(ScheduleEnable { name: "hourly".into(), enabled })
        );
        let now = house.get("hourly").await;
        assert!(changed.is_ok() || switched.is_ok());
        for (done, as_told) in
            [(&changed, now.config["note"] == word.as_str()), (&switched, now.enabled == enabled)]
        {
            match done {
                Ok(_) => assert!(as_told, "{word}: {now:#?}"),
                Err(error) => assert_eq!(error.code, ErrorCode::Stale, "{error}"),
            }
        }

        let there = house.app.connector_get(by_name()).await.unwrap();
        let (mut config, rev) = (there.config, Some(there.rev));
        config["displayName"] = word.as_str().into();
        let change = ConnectorDraft { create: false, rev, config, secrets: Default::default() };
        let (changed, switched) = tokio::join!(
            house.app.connector_save(change),
            house.app.connector_enable(ConnectorEnable { name: "hubspot".into(), enabled })
        );
        let now = house.app.connector_get(by_name()).await.unwrap().config;
        switched.unwrap();
        assert_eq!(now["enabled"], enabled, "{word}");
        match changed {
            Ok(_) => assert_eq!(now["displayName"], word.as_str()),
            Err(error) => assert_eq!(error.code, ErrorCode::Stale, "{error}"),
        }
    }
}
