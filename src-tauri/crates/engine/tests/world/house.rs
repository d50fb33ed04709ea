//! A data folder, two systems beside it, and one process after the other that works on all of them.

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
};

use async_trait::async_trait;
use connector::Connector;
use engine::{CancellationToken, Connectors, Delivery, Engine, EngineError, RunRequest, Sealer, TypeChange};
use jiff::Timestamp;
use model::{ManagedObjectConfig, MappingConfig, Secret};
use serde_json::{Value, json};
use store::{
    Entry, EntryFilter, LinkSpace, ManagedQuery, Orientation, QueueState, Run, RunMode, RunState,
    SealedSecret, Store, StoredKey,
};

use crate::system::{Connection, Crash, Life, Manner, Records};

pub const INBOUND: &str = "systemCrmContact_managedUser";
pub const OUTBOUND: &str = "managedUser_systemCrmContact";
pub const SALES_INBOUND: &str = "systemSalesContact_managedUser";
pub const SALES_OUTBOUND: &str = "managedUser_systemSalesContact";

/// What is in no file, whatever happens: the beginning of each PIN.
pub const SECRET: &str = "canary-pin-";

/// What may be lost in a run, whatever it is: these worlds are small, and guards are tested elsewhere.
const ALLOWED: Option<u64> = Some(1_000_000);

/// The mapped values of a record.
pub type Values = BTreeMap<String, String>;

/// Everybody: the contact and the user of each link, then those that have none. Ids are left out, because they depend on the
/// order in which records were made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End(pub Vec<(Option<Values>, Option<Values>)>);

impl End {
    /// The contacts and the users, whoever belongs to whom.
    pub fn sides(self) -> (Vec<Values>, Vec<Values>) {
        let (contacts, users): (Vec<_>, Vec<_>) = self.0.into_iter().unzip();
        let sorted = |side: Vec<Option<Values>>| {
            let mut side: Vec<Values> = side.into_iter().flatten().collect();
            side.sort();
            side
        };
        (sorted(contacts), sorted(users))
    }

    /// Everybody but those whose address several users have. Of those who want the same record of a system, a delivery gives
    /// it to whoever comes first, and after a failure that is another one.
    pub fn uncontested(self) -> Self {
        let mut users: BTreeMap<String, usize> = BTreeMap::new();
        for (_, user) in &self.0 {
            let address = user.as_ref().and_then(|user| user.get("mail"));
            *users.entry(address.map(|a| a.to_lowercase()).unwrap_or_default()).or_default() += 1;
        }
        let contested = |side: &Option<Values>, name: &str| {
            let address = side.as_ref().and_then(|values| values.get(name)).map(|a| a.to_lowercase());
            address.is_some_and(|address| users.get(&address).is_some_and(|having| *having > 1))
        };
        let rest = self.0.into_iter().filter(|(c, u)| !contested(c, "email") && !contested(u, "mail"));
        Self(rest.collect())
    }

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
    /// Of the CRM.
    pub records: Arc<Mutex<Records>>,
    /// Of the other system.
    pub sales: Arc<Mutex<Records>>,
    now: Arc<AtomicI64>,
    pub process: Process,
}

/// What ends when the power goes.
pub struct Process {
    pub store: Store,
    pub engine: Engine,
    life: Arc<Life>,
    crash: Option<Crash>,
}

struct Both {
    crm: Arc<Connection>,
    sales: Arc<Connection>,
}

#[async_trait]
impl Connectors for Both {
    async fn connector(&self, name: &str) -> Result<Arc<dyn Connector>, EngineError> {
        Ok(if name == "sales" { self.sales.clone() } else { self.crm.clone() })
    }
}

/// Seals a value so that nobody finds it.
struct Inverse;

#[async_trait]
impl Sealer for Inverse {
    async fn seal(&self, owner: &str, field: &str, value: &Secret) -> Result<SealedSecret, EngineError> {
        Ok(SealedSecret {
            owner: owner.into(),
            field: field.into(),
            revision: 1,
            sealed: value.expose().bytes().map(|byte| !byte).collect(),
            key: 1,
            updated: "2026-01-01T00:00:00Z".into(),
        })
    }
}

type System = Arc<Mutex<Records>>;

fn start(folder: &Path, [crm, sales]: [&System; 2], now: &Arc<AtomicI64>, manner: Manner) -> Process {
    let store = Store::open(folder).unwrap();
    let key = StoredKey { version: 1, kind: "root".into(), wrapped: "a data key".into() };
    store.write_blocking(move |w| w.replace_vault_keys(&[key], "2026-01-01T00:00:00Z")).unwrap();
    let life = Arc::new(Life::default());
    let other = Manner { seed: manner.seed.rotate_left(7), ..manner };
    let both = Both {
        crm: Arc::new(Connection::new("CRM", Arc::clone(crm), manner, Arc::clone(&life))),
        sales: Arc::new(Connection::new("Sales", Arc::clone(sales), other, Arc::clone(&life))),
    };
    let now = Arc::clone(now);
    // No two readings are the same, so that ids are in the order in which they were given.
    let clock = move || Timestamp::from_millisecond(now.fetch_add(1, Ordering::SeqCst)).unwrap();
    let engine = Engine::new(store.clone(), Arc::new(both), Arc::new(clock), folder.into())
        .with_sealer(Arc::new(Inverse));
    Process { store, engine, life, crash: manner.crash }
}

impl House {
    /// `unique`: which of the systems keeps addresses unique.
    pub async fn build(unique: [bool; 2], manner: Manner, mappings: Vec<Value>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let [records, sales] = unique.map(|unique| Arc::new(Mutex::new(Records::empty(unique))));
        let now = Arc::new(AtomicI64::new(1_790_000_000_000));
        let process = start(folder.path(), [&records, &sales], &now, manner);
        for mapping in mappings {
            let config = MappingConfig::from_value(mapping).unwrap();
            process.store.write(move |w| w.put_mapping(&config, "2026-01-01T00:00:00Z")).await.unwrap();
        }
        Self { folder, records, sales, now, process }
    }

    /// Users get a PIN, which is sealed.
    pub async fn with_pins(self) -> Self {
        let mut config = ManagedObjectConfig::default_user();
        let pin = json!({"type": "string", "title": "PIN", "encryption": {"key": "k"}, "scope": "private"});
        config.schema.properties.insert("pin".into(), pin);
        let change = TypeChange { config, rev: None, confirmed: true, who: "somebody".into() };
        assert!(self.process.engine.save_managed_type(change).await.unwrap().saved);
        self
    }

    /// The same house once more, with a process of its own.
    pub async fn copy(&self, manner: Manner) -> Self {
        while self.process.store.checkpoint().await.is_err() {
            tokio::task::yield_now().await;
        }
        let folder = tempfile::tempdir().unwrap();
        fs::copy(self.process.store.file(), folder.path().join("concord.db")).unwrap();
        let [records, sales] =
            [&self.records, &self.sales].map(|system| Arc::new(Mutex::new(system.lock().unwrap().clone())));
        let now = Arc::new(AtomicI64::new(self.now.load(Ordering::SeqCst)));
        let process = start(folder.path(), [&records, &sales], &now, manner);
        Self { folder, records, sales, now, process }
    }

    /// Somebody sets the clock, or time goes by.
    pub fn jump(&self, ms: i64) {
        self.now.fetch_add(ms, Ordering::SeqCst);
    }

    /// Another process takes over.
    pub fn restart(&mut self, manner: Manner) {
        self.process = start(self.folder.path(), [&self.records, &self.sales], &self.now, manner);
    }

    fn request(mapping: &str, mode: RunMode, incremental: bool) -> RunRequest {
        RunRequest { mapping: mapping.into(), mode, ids: Vec::new(), allow_deletes: ALLOWED, incremental }
    }

    /// Runs a mapping; `None` when the process ended in it.
    pub async fn try_run(&self, mapping: &str, mode: RunMode, incremental: bool) -> Option<Run> {
        let engine = &self.process.engine;
        let work = async {
            let begun = engine.begin(Self::request(mapping, mode, incremental)).await?;
            engine.carry_out(begun, CancellationToken::new()).await
        };
        let run = Box::pin(self.while_it_lives(mapping, work)).await?;
        self.tell(&run).await;
        Some(run)
    }

    /// Carries out a stored plan; `None` when the process ended in it.
    pub async fn try_apply(&self, preview: &Run) -> Option<Run> {
        let engine = &self.process.engine;
        let work = async {
            let begun = engine.begin_apply(&preview.id, ALLOWED).await?;
            engine.carry_out(begun, CancellationToken::new()).await
        };
        Box::pin(self.while_it_lives("apply", work)).await
    }

    /// Delivers what is due; `None` when the process ended in it.
    pub async fn try_deliver(&self) -> Option<Delivery> {
        Box::pin(self.while_it_lives("delivery", self.process.engine.deliver_due())).await
    }

    async fn while_it_lives<T>(
        &self,
        what: &str,
        work: impl Future<Output = Result<T, EngineError>>,
    ) -> Option<T> {
        let Process { store, life, crash, .. } = &self.process;
        if let Some(Crash::AfterWrite(n)) = crash {
            store.stop_after(*n);
        }
        // A test that begins many runs has room for each of them on its stack.
        let work = Box::pin(work);
        let result = tokio::select! {
            result = work => result,
            () = life.ended() => return None,
        };
        match result {
            Ok(value) => Some(value),
            Err(_) if matches!(crash, Some(Crash::AfterWrite(_))) => None,
            Err(error) => panic!("{what}: {error}"),
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

    /// How many rows of the queue wait for another try.
    pub async fn waiting(&self) -> usize {
        self.process.store.read(|r| r.queue_count_in(QueueState::Waiting)).await.unwrap() as usize
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
        self.links_of(INBOUND).await
    }

    pub async fn links_of(&self, kind: &str) -> Vec<(String, String)> {
        let space =
            LinkSpace { kind: kind.into(), qualifier: "default".into(), orientation: Orientation::Backward };
        let mut links = Vec::new();
        for (user, _) in self.users().await {
            let (space, id) = (space.clone(), user.clone());
            let link = self.process.store.read(move |r| r.link_of_source(&space, &id)).await.unwrap();
            links.extend(link.map(|l| (l.target_id, user)));
        }
        links
    }

    pub async fn end(&self) -> End {
        self.end_of(INBOUND, &self.records).await
    }

    pub async fn end_of_sales(&self) -> End {
        self.end_of(SALES_INBOUND, &self.sales).await
    }

    async fn end_of(&self, kind: &str, system: &System) -> End {
        let mut contacts: BTreeMap<String, Values> =
            system.lock().unwrap().kept.iter().map(|(id, a)| (id.clone(), values(a))).collect();
        let mut users: BTreeMap<String, Values> =
            self.users().await.into_iter().map(|(id, a)| (id, values(&a))).collect();
        let mut all = Vec::new();
        for (contact, user) in self.links_of(kind).await {
            all.push((contacts.remove(&contact), users.remove(&user)));
        }
        all.extend(contacts.into_values().map(|c| (Some(c), None)));
        all.extend(users.into_values().map(|u| (None, Some(u))));
        all.sort();
        End(all)
    }

    /// A run that is marked as ended tells what became of its plan, and never what was planned.
    pub async fn ended_runs_tell_their_end(&self, context: &str) {
        let told = self.process.store.read(|r| {
            let runs = r.runs(None, None, 1_000)?.rows;
            let ended = runs.into_iter().filter(|run| run.state != RunState::Active);
            ended.map(|run| Ok((r.entry_counts(run.seq)?, run))).collect::<Result<Vec<_>, _>>()
        });
        for (counts, run) in told.await.unwrap() {
            let told = run.progress.counts.as_ref();
            assert_eq!(told, Some(&counts), "{context}: run {} of {}", run.id, run.mapping);
        }
    }

    /// What holds at any moment: links are one to one, nothing is wrong with the file, and no file holds a PIN.
    pub async fn must_be_sound(&self, context: &str) {
        for kind in [INBOUND, SALES_INBOUND] {
            let links = self.links_of(kind).await;
            let contacts: BTreeSet<&String> = links.iter().map(|(contact, _)| contact).collect();
            assert_eq!(contacts.len(), links.len(), "{context}: links of {kind} are one to one: {links:?}");
        }
        let wrong = self.process.store.faults().unwrap();
        assert!(wrong.is_empty(), "{context}: {wrong:?}");
        for file in fs::read_dir(self.folder.path()).unwrap() {
            let path = file.unwrap().path();
            // Folders hold locks.
            let Ok(bytes) = fs::read(&path) else { continue };
            let found = bytes.windows(SECRET.len()).any(|part| part == SECRET.as_bytes());
            assert!(!found, "{context}: {} holds a PIN", path.display());
        }
    }
}

/// What the mappings carry; an empty text and no value are the same.
pub fn values(attributes: &model::Attributes) -> Values {
    const MAPPED: [&str; 9] =
        ["email", "firstname", "lastname", "phone", "userName", "mail", "givenName", "sn", "telephoneNumber"];
    let text = |name: &str| attributes.get(name).and_then(Value::as_str).filter(|t| !t.is_empty());
    MAPPED.iter().filter_map(|name| Some(((*name).to_owned(), text(name)?.to_owned()))).collect()
}
