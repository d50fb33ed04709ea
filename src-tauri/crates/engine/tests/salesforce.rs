//! Creates in Salesforce: a bulk job that outlives the call or the process that it was made for, another contact with the same
//! e-mail address, a record that stays locked.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods)]

mod support;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use connector::{
    Connector,
    credentials::memory::MemoryCredentials,
    http::{RealTime, Waiter},
    salesforce::Salesforce,
};
use engine::{CancellationToken, Connectors, Engine, EngineError, RunRequest};
use jiff::Timestamp;
use model::{ConnectorConfig, MappingConfig};
use sandbox::{
    faults::{ALWAYS, Action, Fault},
    salesforce::{JobFault, Options, Org, RowFault, Sandbox, load_faults},
};
use serde_json::json;
use store::{EntryFilter, EntryStatus, Run, RunMode, RunState, Store};

const OUTBOUND: &str = "managedUser_systemSalesforceContact";
const PEOPLE: usize = 60;

/// Returns at once, as if it had waited.
#[derive(Default)]
struct Impatient(AtomicU64);

#[async_trait]
impl Waiter for Impatient {
    fn elapsed(&self) -> Duration {
        Duration::from_nanos(self.0.load(Ordering::SeqCst))
    }

    async fn wait(&self, duration: Duration) {
        self.0.fetch_add(u64::try_from(duration.as_nanos()).unwrap(), Ordering::SeqCst);
        tokio::task::yield_now().await;
    }
}

struct One(Arc<dyn Connector>);

#[async_trait]
impl Connectors for One {
    async fn connector(&self, _name: &str) -> Result<Arc<dyn Connector>, EngineError> {
        Ok(Arc::clone(&self.0))
    }
}

/// People whom an organization does not know.
struct House {
    sandbox: Sandbox,
    folder: tempfile::TempDir,
}

impl House {
    async fn new() -> Self {
        Self::of(PEOPLE).await
    }

    async fn of(people: usize) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let sandbox = Sandbox::start(listener, Options::default()).await.unwrap();
        let house = Self { sandbox, folder: tempfile::tempdir().unwrap() };
        let (store, engine) = house.open(Arc::new(RealTime::new()));
        let mapping = MappingConfig::from_value(json!({
            "name": OUTBOUND, "source": "managed/user", "target": "system/salesforce/Contact",
            "properties": [
                {"source": "mail", "target": "Email"}, {"source": "givenName", "target": "FirstName"},
                {"source": "sn", "target": "LastName"}
            ],
            "policies": [{"situation": "UNASSIGNED", "action": "IGNORE"}]
        }));
        let mapping = mapping.unwrap();
        store.write(move |w| w.put_mapping(&mapping, "2026-01-01T00:00:00Z")).await.unwrap();
        for n in 0..people {
            save(&engine, None, &format!("u{n}"), "Person").await;
        }
        house
    }

    /// Another process on the same folder, which waits in this way.
    fn open(&self, waiter: Arc<dyn Waiter>) -> (Store, Engine) {
        self.open_at(waiter, Arc::new(Timestamp::now))
    }

    /// The same by another clock.
    fn open_at(&self, waiter: Arc<dyn Waiter>, clock: Arc<dyn model::Clock>) -> (Store, Engine) {
        self.open_with(waiter, clock, json!({}))
    }

    /// The same with these settings of the connector.
    fn open_with(
        &self,
        waiter: Arc<dyn Waiter>,
        clock: Arc<dyn model::Clock>,
        more: serde_json::Value,
    ) -> (Store, Engine) {
        let mut properties = json!({
            "loginUrl": format!("{}/services/oauth2/token", self.sandbox.url()),
            "instanceUrl": self.sandbox.url(), "permitsPerSecond": 10_000, "bulkWriteThreshold": 10
        });
        properties.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let config: ConnectorConfig = serde_json::from_value(json!({
            "name": "salesforce",
            "connectorRef": {"connectorName": "org.forgerock.openidm.salesforce"},
            "configurationProperties": properties
        }))
        .unwrap();
        let credentials = Arc::new(MemoryCredentials::with_access_token("sandbox-session"));
        let salesforce = Salesforce::new(&config, credentials, clock.clone(), waiter).unwrap();
        let store = Store::open(self.folder.path()).unwrap();
        let connectors = Arc::new(One(Arc::new(salesforce)));
        let engine = Engine::new(store.clone(), connectors, clock, self.folder.path().to_path_buf());
        (store, engine)
    }

    fn org(&self) -> Org {
        self.sandbox.org()
    }

    /// Calls that have this method and whose path ends so.
    fn calls(&self, method: &str, end: &str) -> usize {
        self.org().calls().iter().filter(|c| c.method == method && c.path.ends_with(end)).count()
    }

    /// The contacts' e-mail addresses, in order.
    fn emails(&self) -> Vec<String> {
        let mut emails: Vec<String> =
            self.org().records("Contact").iter().map(|c| c.fields["Email"].clone()).collect();
        emails.sort();
        emails
    }
}

async fn save(engine: &Engine, id: Option<String>, name: &str, sn: &str) -> String {
    let attributes =
        json!({"userName": name, "givenName": "New", "sn": sn, "mail": format!("{name}@example.org")});
    let change = engine::ManagedChange {
        kind: "user".into(),
        id,
        rev: None,
        attributes: attributes.as_object().unwrap().clone(),
        who: "test".into(),
    };
    engine.save_managed(change).await.unwrap().id
}

fn request() -> RunRequest {
    RunRequest {
        mapping: OUTBOUND.into(),
        mode: RunMode::Reconcile,
        ids: Vec::new(),
        allow_deletes: None,
        incremental: false,
    }
}

async fn recon(engine: &Engine) -> Run {
    let begun = engine.begin(request()).await.unwrap();
    engine.carry_out(begun, CancellationToken::new()).await.unwrap()
}

/// A job whose records are written when it ends, after so many looks at it.
fn slow(polls: u32) -> JobFault {
    let end = "JobComplete".to_owned();
    JobFault { object: None, nth: 1, times: 1, end, processed: None, polls, late: true }
}

fn everybody() -> Vec<String> {
    let mut all: Vec<String> = (0..PEOPLE).map(|n| format!("u{n}@example.org")).collect();
    all.sort();
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bulk_job_that_outlives_an_outage_makes_each_contact_once() {
    for outage in [false, true] {
        let house = House::new().await;
        let org = house.org();
        org.add_job_fault(slow(3));
        if outage {
            // Whoever asks for the job itself gets no answer, for longer than anybody waits for one.
            org.add_fault(
                Fault::on("*/jobs/ingest/*", Action::ResetBeforeAnswer).method("GET").times(ALWAYS),
            );
        }
        let (store, engine) = house.open(Arc::new(Impatient::default()));
        org.reset_calls();
        let run = recon(&engine).await;
        assert_eq!(
            (run.state, run.progress.created),
            (RunState::Success, PEOPLE as u64),
            "{:?}",
            run.message
        );
        assert_eq!(house.emails(), everybody(), "outage: {outage}");
        assert_eq!(house.calls("POST", "/jobs/ingest"), 1, "sent once");
        assert!(store.read(|r| r.in_doubt(OUTBOUND)).await.unwrap().is_empty());
        if !outage {
            assert_eq!(
                house.calls("GET", "/jobs/ingest"),
                0,
                "without a doubt nobody asks what is under way"
            );
        }
        assert_eq!(recon(&engine).await.progress.created, 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_killed_while_its_bulk_job_runs_makes_each_contact_once() {
    let house = House::new().await;
    let org = house.org();
    org.add_job_fault(slow(4));
    let (_, engine) = house.open(Arc::new(RealTime::new()));
    org.reset_calls();
    let begun = engine.begin(request()).await.unwrap();
    let process =
        tokio::spawn(async move { engine.carry_out(begun, CancellationToken::new()).await.unwrap() });
    while !org.calls().iter().any(|c| c.method == "PATCH") {
        assert!(!process.is_finished());
        tokio::task::yield_now().await;
    }
    process.abort();
    assert!(process.await.unwrap_err().is_cancelled());
    assert_eq!(house.emails(), Vec::<String>::new(), "the job is under way");

    let (store, engine) = house.open(Arc::new(RealTime::new()));
    engine.bury_all_dead_runs().await.unwrap();
    assert_eq!(store.read(|r| r.in_doubt(OUTBOUND)).await.unwrap().len(), PEOPLE);
    // A change of one of them waits in the queue, and says for what.
    let one = store.read(|r| r.in_doubt(OUTBOUND)).await.unwrap().remove(0).source_id.unwrap();
    let name = store.read(move |r| r.managed("user", &one)).await.unwrap().unwrap();
    let (id, name) = (name.id, name.attributes["userName"].as_str().unwrap().to_owned());
    save(&engine, Some(id.clone()), &name, "Changed").await;
    let results = engine.deliver_object("user", &id).await.unwrap();
    assert_eq!(results[0].ok, Some(false), "{results:?}");
    assert!(results[0].message.contains("has not come to an end"), "{}", results[0].message);
    let run = recon(&engine).await;
    assert_eq!((run.state, run.progress.found_done), (RunState::Success, PEOPLE as u64), "{:?}", run.message);
    assert_eq!((run.progress.created, house.emails()), (0, everybody()));
    assert_eq!(house.calls("POST", "/jobs/ingest"), 1, "sent once");
    let next = recon(&engine).await;
    assert_eq!((next.progress.created, next.progress.updated), (0, 0), "{:?}", next.message);
}

/// The address of a contact is nobody's alone: who had it before is not the one that was to be made.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_create_that_never_arrived_is_not_taken_for_a_namesake() {
    for killed in [false, true] {
        let house = House::of(3).await;
        let org = house.org();
        org.create(
            "Contact",
            &[("Email", "u1@example.org"), ("FirstName", "Shared"), ("LastName", "Namesake")],
        )
        .unwrap();
        org.add_fault(Fault::on("*/composite/sobjects", Action::ResetBeforeAnswer).method("POST"));
        let (store, engine) = house.open(Arc::new(Impatient::default()));
        if killed {
            // The first process gets no answer to any question after it either, and ends.
            org.add_fault(Fault::on("*/query*", Action::ResetBeforeAnswer).nth(2).times(20));
            recon(&engine).await;
            assert!(!store.read(|r| r.in_doubt(OUTBOUND)).await.unwrap().is_empty());
            org.clear_faults();
        }
        let run = recon(&engine).await;
        assert_eq!((run.state, run.progress.created), (RunState::Success, 3), "{killed}: {:?}", run.message);
        assert_eq!(org.count("Contact"), 4, "{killed}");
        let namesake = org.find("Contact", "LastName", "Namesake").unwrap();
        let id = namesake.id.clone();
        let links = store.read(move |r| r.link_of_target(&support::links(OUTBOUND), &id)).await.unwrap();
        assert_eq!((links, namesake.fields["FirstName"].as_str()), (None, "Shared"), "{killed}");
        let next = recon(&engine).await;
        assert_eq!((next.progress.created, next.progress.updated), (0, 0), "{:?}", next.message);
    }
}

/// A create by an external id is an upsert over there: who has the id already is not made by it, and one whose answer was lost is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_the_external_id_of_a_new_contact_is_brought_in_line_and_given_back() {
    for lost in [false, true] {
        let house = House::of(0).await;
        let org = house.org();
        let there = org
            .create("Contact", &[("LastName", "Old"), ("Title", "Chief"), ("External_Id__c", "u0")])
            .unwrap();
        let more = json!({"externalIds": {"Contact": "External_Id__c"}});
        let (store, engine) = house.open_with(Arc::new(Impatient::default()), Arc::new(Timestamp::now), more);
        let mapping = MappingConfig::from_value(json!({
            "name": OUTBOUND, "source": "managed/user", "target": "system/salesforce/Contact",
            "properties": [{"source": "userName", "target": "External_Id__c"}, {"source": "sn", "target": "LastName"}],
            "policies": [{"situation": "UNASSIGNED", "action": "IGNORE"}]
        }));
        let mapping = mapping.unwrap();
        store.write(move |w| w.put_mapping(&mapping, "2026-01-01T00:00:00Z")).await.unwrap();
        for name in ["u0", "u1"] {
            save(&engine, None, name, "New").await;
        }
        if lost {
            org.add_fault(Fault::on("*/composite/sobjects/Contact/External_Id__c", Action::LoseAnswer));
        }
        let run = recon(&engine).await;
        assert_eq!(
            (run.state, run.progress.created, run.progress.updated),
            (RunState::Success, 1, 1),
            "lost: {lost}: {:?}",
            run.message
        );
        let names = |org: &Org| {
            let of = |c: &sandbox::salesforce::RecordCopy| {
                (c.fields["External_Id__c"].clone(), c.fields["LastName"].clone())
            };
            org.records("Contact").iter().map(of).collect::<Vec<_>>()
        };
        let pair = |id: &str, name: &str| (id.to_owned(), name.to_owned());
        assert_eq!(names(&org), [pair("u0", "New"), pair("u1", "New")], "lost: {lost}");
        let begun = engine.begin_undo(&run.id, RunMode::Reconcile, Some(5)).await.unwrap();
        let undone = engine.carry_out(begun, CancellationToken::new()).await.unwrap();
        assert_eq!((undone.progress.deleted, undone.progress.updated), (1, 1), "{:?}", undone.message);
        assert_eq!(names(&org), [pair("u0", "Old")], "lost: {lost}");
        assert_eq!(org.record("Contact", &there).unwrap().fields["Title"], "Chief");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_stays_locked_fails_alone() {
    let house = House::of(4).await;
    let (store, engine) = house.open(Arc::new(Impatient::default()));
    recon(&engine).await;
    for (name, sn) in [("v0", "New"), ("v1", "New"), ("v2", "New")] {
        save(&engine, None, name, sn).await;
    }
    let users = store
        .read(|r| {
            r.managed_page(
                &model::ManagedObjectConfig::default_user(),
                &store::ManagedQuery { limit: 10, ..Default::default() },
            )
        })
        .await
        .unwrap();
    for user in
        users.rows.iter().filter(|user| user.attributes["userName"].as_str().unwrap().starts_with('u'))
    {
        save(&engine, Some(user.id.clone()), user.attributes["userName"].as_str().unwrap(), "Married").await;
    }
    let org = house.org();
    org.add_row_fault(RowFault {
        object: None,
        operation: None,
        id: None,
        field: Some("Email".into()),
        value: Some("v1@example.org".into()),
        nth: 1,
        times: ALWAYS,
        code: "UNABLE_TO_LOCK_ROW".into(),
        message: String::new(),
        fields: Vec::new(),
    });
    let run = recon(&engine).await;
    assert_eq!(run.state, RunState::Success, "{:?}", run.message);
    assert_eq!((run.progress.created, run.progress.updated), (2, 4), "the others are done, and counted");
    let failed = EntryFilter { status: Some(EntryStatus::Failed), limit: 10, ..EntryFilter::default() };
    let seq = run.seq;
    assert_eq!(store.read(move |r| r.entries(seq, &failed)).await.unwrap().rows.len(), 1);
    org.clear_faults();
    let next = recon(&engine).await;
    assert_eq!((next.progress.created, next.progress.updated), (1, 0), "{:?}", next.message);
}

/// The changes of those minutes stand on pages that the broken-off read had seen, and nobody would ask for them again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_that_was_taken_up_does_not_put_the_change_feed_forward() {
    const INBOUND: &str = "systemSalesforceContact_managedUser";
    let house = House::of(0).await;
    let org = house.org();
    let name = |n: u32| format!("c{n:02}@example.org");
    for n in 0..30 {
        org.create("Contact", &[("Email", &name(n)), ("FirstName", "Some"), ("LastName", "Body")]).unwrap();
    }
    let clock_of = org.clone();
    let clock = Arc::new(move || Timestamp::from_millisecond(clock_of.now()).unwrap());
    let (store, engine) = house.open_at(Arc::new(Impatient::default()), clock);
    let mapping = MappingConfig::from_value(json!({
        "name": INBOUND, "source": "system/salesforce/Contact", "target": "managed/user",
        "correlationQuery": {"expressionTree": {"any": ["mail"]}},
        "properties": [
            {"source": "Email", "target": "userName"}, {"source": "Email", "target": "mail"},
            {"source": "FirstName", "target": "givenName"}, {"source": "LastName", "target": "sn"}
        ],
        "policies": [{"situation": "UNASSIGNED", "action": "IGNORE"}]
    }));
    let mapping = mapping.unwrap();
    store.write(move |w| w.put_mapping(&mapping, "2026-01-01T00:00:00Z")).await.unwrap();
    let run = async |incremental| {
        let begun =
            engine.begin(RunRequest { mapping: INBOUND.into(), incremental, ..request() }).await.unwrap();
        engine.carry_out(begun, CancellationToken::new()).await.unwrap()
    };
    let faults = |more: serde_json::Value| {
        let mut all = json!({"pages": {"atMost": 10}});
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        org.set_faults(load_faults(&all.to_string()).unwrap());
    };
    faults(json!({}));
    assert_eq!(run(true).await.progress.created, 30);
    org.advance(20 * 60_000);
    assert_eq!(run(true).await.progress.updated, 0);
    faults(
        json!({"faults": [{"path": "*/query*", "nth": 3, "times": "always", "action": {"answer": {"status": 500}}}]}),
    );
    let broken = run(false).await;
    assert_eq!(broken.state, RunState::Failed);
    faults(json!({}));
    let first = org.records("Contact").into_iter().map(|c| c.id).min().unwrap();
    org.set("Contact", &first, &[("LastName", "Changed")]).unwrap();
    org.advance(20 * 60_000);
    let full = run(false).await;
    assert_eq!((full.state, full.progress.updated), (RunState::Success, 0), "{:?}", full.message);
    assert!(full.message.unwrap().contains("was taken up"));
    let next = run(true).await;
    assert_eq!((next.progress.incremental, next.progress.updated), (true, 1), "{:?}", next.message);
}
