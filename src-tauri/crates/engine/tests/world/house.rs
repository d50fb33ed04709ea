//! A data folder, the CRM beside it, and one process after the other that works on both.

use std::{
    collections::BTreeMap,
    env, fs,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
};

use async_trait::async_trait;
use connector::Connector;
use engine::{CancellationToken, Connectors, Engine, EngineError, RunRequest};
use jiff::Timestamp;
use model::{ManagedObjectConfig, MappingConfig};
use serde_json::Value;
use store::{Entry, EntryFilter, LinkSpace, ManagedQuery, Orientation, Run, RunMode, RunState, Store};

use crate::system::{Connection, Crash, Manner, Records};

pub const INBOUND: &str = "systemCrmContact_managedUser";
pub const OUTBOUND: &str = "managedUser_systemCrmContact";

/// What may be lost in a run, whatever it is: these worlds are small, and guards are tested elsewhere.
const ALLOWED: Option<u64> = Some(1_000_000);

/// The mapped values of a record.
pub type Values = BTreeMap<String, String>;

/// Everybody: the contact and the user of each link, then those that have none. Ids are left out, because they depend on the
/// order in which records were made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End(pub Vec<(Option<Values>, Option<Values>)>);

impl End {
    /// Fails with what is only in one of the two.
    pub fn must_be(&self, want: &End, context: &str) {
        let only = |a: &End, b: &End| -> Vec<_> {
            let mut rest = b.0.clone();
            a.0.iter()
                .filter(|one| match rest.iter().position(|other| other == *one) {
                    Some(at) => {
                        rest.remove(at);
                        false
                    }
                    None => true,
                })
                .cloned()
                .collect()
        };
        assert!(self == want, "{context}: ended as {:#?}, not as {:#?}", only(self, want), only(want, self));
    }
}

pub struct House {
    folder: tempfile::TempDir,
    pub records: Arc<Mutex<Records>>,
    now: Arc<AtomicI64>,
    pub process: Process,
}

/// What ends when the power goes.
pub struct Process {
    pub store: Store,
    pub engine: Engine,
    pub connection: Arc<Connection>,
    crash: Option<Crash>,
}

struct One(Arc<Connection>);

#[async_trait]
impl Connectors for One {
    async fn connector(&self, _name: &str) -> Result<Arc<dyn Connector>, EngineError> {
        Ok(self.0.clone())
    }
}

fn start(folder: &Path, records: &Arc<Mutex<Records>>, now: &Arc<AtomicI64>, manner: Manner) -> Process {
    let store = Store::open(folder).unwrap();
    let connection = Arc::new(Connection::new(Arc::clone(records), manner));
    let now = Arc::clone(now);
    // No two readings are the same, so that ids are in the order in which they were given.
    let clock = move || Timestamp::from_millisecond(now.fetch_add(1, Ordering::SeqCst)).unwrap();
    let engine =
        Engine::new(store.clone(), Arc::new(One(Arc::clone(&connection))), Arc::new(clock), folder.into());
    Process { store, engine, connection, crash: manner.crash }
}

impl House {
    pub async fn build(unique: bool, manner: Manner, mappings: Vec<Value>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let records = Arc::new(Mutex::new(Records::empty(unique)));
        let now = Arc::new(AtomicI64::new(1_790_000_000_000));
        let process = start(folder.path(), &records, &now, manner);
        for mapping in mappings {
            let config = MappingConfig::from_value(mapping).unwrap();
            process.store.write(move |w| w.put_mapping(&config, "2026-01-01T00:00:00Z")).await.unwrap();
        }
        Self { folder, records, now, process }
    }

    /// The same house once more, with a process of its own.
    pub async fn copy(&self, manner: Manner) -> Self {
        while self.process.store.checkpoint().await.is_err() {
            tokio::task::yield_now().await;
        }
        let folder = tempfile::tempdir().unwrap();
        fs::copy(self.process.store.file(), folder.path().join("concord.db")).unwrap();
        let records = Arc::new(Mutex::new(self.records.lock().unwrap().clone()));
        let now = Arc::new(AtomicI64::new(self.now.load(Ordering::SeqCst)));
        let process = start(folder.path(), &records, &now, manner);
        Self { folder, records, now, process }
    }

    /// Another process takes over.
    pub fn restart(&mut self, manner: Manner) {
        self.process = start(self.folder.path(), &self.records, &self.now, manner);
    }

    fn request(mapping: &str, mode: RunMode, incremental: bool) -> RunRequest {
        RunRequest { mapping: mapping.into(), mode, ids: Vec::new(), allow_deletes: ALLOWED, incremental }
    }

    /// Runs a mapping; `None` when the process ended in it.
    pub async fn try_run(&self, mapping: &str, mode: RunMode, incremental: bool) -> Option<Run> {
        let Process { store, engine, connection, crash } = &self.process;
        if let Some(Crash::AfterWrite(n)) = crash {
            store.stop_after(*n);
        }
        let work = async {
            let begun = engine.begin(Self::request(mapping, mode, incremental)).await?;
            engine.carry_out(begun, CancellationToken::new()).await
        };
        let run = tokio::select! {
            run = work => run,
            () = connection.died() => return None,
        };
        match run {
            Ok(run) => {
                self.tell(&run).await;
                Some(run)
            }
            Err(_) if matches!(crash, Some(Crash::AfterWrite(_))) => None,
            Err(error) => panic!("{mapping}: {error}"),
        }
    }

    pub async fn run(&self, mapping: &str, mode: RunMode, incremental: bool) -> Run {
        self.try_run(mapping, mode, incremental).await.expect("a process that lives")
    }

    /// Tells a run, when one history is looked at alone.
    async fn tell(&self, run: &Run) {
        if env::var_os("CONCORD_SEED").is_some() {
            let how = if run.progress.incremental { "incremental" } else { "full" };
            eprintln!("{how} {:?} of {}: {:?} {:?}", run.mode, run.mapping, run.state, run.message);
            for e in self.entries(run).await {
                eprintln!(
                    "  {:?} {} {} {:?} -> {:?} {:?}: {}",
                    e.source_id, e.title, e.situation, e.action, e.target_id, e.status, e.reason
                );
            }
        }
    }

    /// A full run that must succeed.
    pub async fn recon(&self, mapping: &str) -> Run {
        let run = self.run(mapping, RunMode::Reconcile, false).await;
        assert_eq!(run.state, RunState::Success, "{mapping}: {:?}", run.message);
        run
    }

    pub async fn undo(&self, run: &Run) -> Run {
        let engine = &self.process.engine;
        let begun = engine.begin_undo(&run.id, RunMode::Reconcile, ALLOWED).await.unwrap();
        let undo = engine.carry_out(begun, CancellationToken::new()).await.unwrap();
        self.tell(&undo).await;
        undo
    }

    pub async fn entries(&self, run: &Run) -> Vec<Entry> {
        let (seq, filter) = (run.seq, EntryFilter { limit: 100_000, ..EntryFilter::default() });
        self.process.store.read(move |r| r.entries(seq, &filter)).await.unwrap().rows
    }

    /// Every user's id and attributes.
    pub async fn users(&self) -> Vec<(String, model::Attributes)> {
        let config = ManagedObjectConfig::default_user();
        let query = ManagedQuery { limit: 100_000, ..ManagedQuery::default() };
        let page = self.process.store.read(move |r| r.managed_page(&config, &query)).await.unwrap();
        page.rows.into_iter().map(|m| (m.id, m.attributes)).collect()
    }

    /// The links as pairs of a contact's and a user's id.
    pub async fn links(&self) -> Vec<(String, String)> {
        let space = LinkSpace {
            kind: INBOUND.into(),
            qualifier: "default".into(),
            orientation: Orientation::Backward,
        };
        let mut links = Vec::new();
        for (user, _) in self.users().await {
            let (space, id) = (space.clone(), user.clone());
            let link = self.process.store.read(move |r| r.link_of_source(&space, &id)).await.unwrap();
            links.extend(link.map(|l| (l.target_id, user)));
        }
        links
    }

    pub async fn end(&self) -> End {
        let mut contacts: BTreeMap<String, Values> =
            self.records.lock().unwrap().kept.iter().map(|(id, a)| (id.clone(), values(a))).collect();
        let mut users: BTreeMap<String, Values> =
            self.users().await.into_iter().map(|(id, a)| (id, values(&a))).collect();
        let mut all = Vec::new();
        for (contact, user) in self.links().await {
            all.push((contacts.remove(&contact), users.remove(&user)));
        }
        all.extend(contacts.into_values().map(|c| (Some(c), None)));
        all.extend(users.into_values().map(|u| (None, Some(u))));
        all.sort();
        End(all)
    }
}

/// What the mappings carry; an empty text and no value are the same.
pub fn values(attributes: &model::Attributes) -> Values {
    const MAPPED: [&str; 9] =
        ["email", "firstname", "lastname", "phone", "userName", "mail", "givenName", "sn", "telephoneNumber"];
    let text = |name: &str| attributes.get(name).and_then(Value::as_str).filter(|t| !t.is_empty());
    MAPPED.iter().filter_map(|name| Some(((*name).to_owned(), text(name)?.to_owned()))).collect()
}
