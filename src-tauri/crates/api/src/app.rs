//! The open data folder: repository, vault, connectors and engine, and what runs in this process.

use std::{
    collections::{BTreeSet, HashMap},
    fs,
    path::{Path, PathBuf},
    pin::Pin,
    sync::{Arc, Mutex, OnceLock, PoisonError, Weak},
    time::Duration,
};

use engine::{CancellationToken, Engine};
use jiff::Timestamp;
use model::{Clock, Secret};
use store::{AuditRow, Store};
use tokio::{sync::watch, task::JoinSet};

use crate::{
    ApiError, ErrorCode,
    dto::{AppStatus, AuditTopic, Empty, VaultPassphrase, VaultStatus},
    live_counts::LiveCounts,
    overview::LastNote,
    pool::Pool,
    vaulting::Vaulting,
};

/// How to open a data folder.
pub struct AppOptions {
    /// Where everything is kept.
    pub data_dir: PathBuf,
    /// The vault's passphrase (`CONCORD_PASSPHRASE`), where there is no keyring.
    pub passphrase: Option<String>,
}

/// A run that this process carries out.
#[derive(Clone)]
pub(crate) struct Running {
    pub cancel: CancellationToken,
    pub ended: watch::Receiver<bool>,
    /// Why its end could not even be written down, as on a full disk.
    pub problem: Arc<OnceLock<ApiError>>,
    /// The connectors that it calls, each with the calls that it had made when the run began.
    pub calls_before: Vec<(String, u64)>,
}

/// The use cases over one data folder. Every command of [`crate::commands`] is a method.
pub struct App {
    pub(crate) store: Store,
    pub(crate) engine: Engine,
    pub(crate) pool: Arc<Pool>,
    pub(crate) vaulting: Arc<Vaulting>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) running: Mutex<HashMap<String, Running>>,
    pub(crate) consents: Mutex<HashMap<String, CancellationToken>>,
    pub(crate) who: String,
    pub(crate) noted: LastNote,
    pub(crate) folder: PathBuf,
    sandbox_url: Mutex<Option<String>>,
    wake: tokio::sync::Notify,
    pub(crate) live_counts: LiveCounts,
    pub(crate) schedules_changed: tokio::sync::Notify,
    pub(crate) downloads: Mutex<Option<PathBuf>>,
    after_unlock: Mutex<Option<Afterwards>>,
    /// Itself, for work that goes on after a command has been answered.
    pub(crate) me: Weak<Self>,
}

/// What waits for the vault to be opened.
type Afterwards = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Delivers implicit syncs and fires schedules in the background while it lives.
pub struct Worker {
    tasks: [tokio::task::JoinHandle<()>; 2],
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.tasks.iter().for_each(tokio::task::JoinHandle::abort);
    }
}

/// The one place that reads the real clock.
fn real_clock() -> Arc<dyn Clock> {
    #[allow(clippy::disallowed_methods)]
    Arc::new(Timestamp::now)
}

impl App {
    /// Opens (or creates) the data folder.
    pub async fn open(options: AppOptions) -> Result<Arc<Self>, ApiError> {
        let folder = options.data_dir;
        make_private(&folder).map_err(|e| {
            ApiError::new(
                ErrorCode::Storage,
                format!(
                    "the data folder {} cannot be used ({e}); choose another with --data-dir",
                    folder.display()
                ),
            )
        })?;
        let opened = folder.clone();
        let store = tokio::task::spawn_blocking(move || Store::open(&opened)).await.map_err(|e| {
            ApiError::new(ErrorCode::Internal, format!("opening the data folder ended unexpectedly: {e}"))
        })??;
        let clock = real_clock();
        let kept_in = folder.clone();
        let keyring = Arc::new(vault::Keyring::default());
        let passphrase = options.passphrase.filter(|p| !p.is_empty()).map(Secret::new);
        let vaulting =
            Arc::new(Vaulting::open(store.clone(), Arc::clone(&clock), keyring, passphrase).await?);
        let pool =
            Arc::new(Pool::new(store.clone(), Arc::clone(&vaulting), Arc::clone(&clock), folder.clone()));
        let engine = Engine::new(store.clone(), pool.clone(), Arc::clone(&clock), folder)
            .with_sealer(vaulting.clone());
        engine.bury_all_dead_runs().await?;
        let who = ["USER", "LOGNAME", "USERNAME"]
            .iter()
            .find_map(|name| std::env::var(name).ok().filter(|v| !v.is_empty()))
            .unwrap_or_else(|| "administrator".into());
        Ok(Arc::new_cyclic(|me| Self {
            store,
            engine,
            pool,
            vaulting,
            clock,
            running: Mutex::default(),
            consents: Mutex::default(),
            who,
            noted: LastNote::default(),
            folder: kept_in,
            sandbox_url: Mutex::default(),
            wake: tokio::sync::Notify::new(),
            live_counts: LiveCounts::default(),
            schedules_changed: tokio::sync::Notify::new(),
            downloads: Mutex::default(),
            after_unlock: Mutex::default(),
            me: me.clone(),
        }))
    }

    /// Starts delivering implicit syncs and firing schedules in the background until the returned guard is dropped.
    pub fn start_worker(self: &Arc<Self>) -> Worker {
        // An index that an earlier process began.
        self.fill_columns_in_background();
        let task = tokio::spawn(Arc::clone(self).keep_delivering());
        let schedules = tokio::spawn(Arc::clone(self).keep_schedules());
        Worker { tasks: [task, schedules] }
    }

    /// Delivers what is due, a mapping beside the other: a target that takes its time keeps only its own waiting.
    async fn keep_delivering(self: Arc<Self>) {
        let mut under_way = JoinSet::new();
        let mut mappings = BTreeSet::new();
        let mut tasks = HashMap::new();
        loop {
            match self.engine.due_mappings().await {
                Ok(due) => {
                    for mapping in due {
                        if mappings.insert(mapping.clone()) {
                            let engine = self.engine.clone();
                            let name = mapping.clone();
                            let task = under_way.spawn(async move { engine.deliver_due_of(&mapping).await });
                            tasks.insert(task.id(), name);
                        }
                    }
                }
                Err(error) => tracing::warn!(%error, "implicit sync could not go on"),
            }
            if let Err(error) = self.wake_rested_runs().await {
                tracing::warn!(%error, "runs that rest could not be looked at");
            }
            // Woken by a write in this process; the timer is for retries and for writes of other processes.
            let timer = tokio::time::timeout(Duration::from_secs(2), self.wake.notified());
            tokio::pin!(timer);
            loop {
                let ended = tokio::select! {
                    _ = &mut timer => break,
                    Some(ended) = under_way.join_next_with_id() => ended,
                };
                let id = ended.as_ref().map_or_else(tokio::task::JoinError::id, |(id, _)| *id);
                let mapping = tasks.remove(&id).unwrap_or_default();
                let delivery = match ended {
                    Ok((_, delivery)) => delivery,
                    // It would do so again at once.
                    Err(error) => {
                        tracing::error!(%error, mapping, "implicit sync broke off; it is not begun again before the next start");
                        continue;
                    }
                };
                mappings.remove(&mapping);
                match delivery {
                    // More may be due at once.
                    Ok(delivery) if delivery.delivered > 0 => break,
                    Ok(_) => {}
                    Err(error) => tracing::warn!(%error, mapping, "implicit sync could not go on"),
                }
            }
        }
    }

    /// Takes secrets that were removed off the disk as well. They are removed either way: where somebody reads meanwhile, the log
    /// that still holds them sealed is cut when it is closed.
    pub(crate) async fn cut_log(&self) {
        if let Err(error) = self.store.checkpoint().await {
            tracing::warn!(%error, "what was removed stays in the repository's log, sealed, until that is cut");
        }
    }

    pub(crate) fn wake_worker(&self) {
        self.wake.notify_one();
    }

    /// The URL shown as `sandboxUrl` in the status.
    pub fn set_sandbox_url(&self, url: Option<String>) {
        *self.sandbox_url.lock().unwrap_or_else(PoisonError::into_inner) = url;
    }

    /// The state of the whole.
    pub async fn app_status(&self, _: Empty) -> Result<AppStatus, ApiError> {
        let (connectors, mappings, users, queue) = self
            .store
            .read(|r| {
                Ok((r.connectors()?.len(), r.mappings()?.len(), r.managed_count("user")?, r.queue_count()?))
            })
            .await?;
        self.note_users(users).await?;
        Ok(AppStatus {
            version: env!("CARGO_PKG_VERSION").into(),
            vault: self.vaulting.status().await?,
            sandbox_url: self.sandbox_url.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            connectors: connectors as u64,
            mappings: mappings as u64,
            users,
            queue,
        })
    }

    /// Leaves something to be done as soon as a person has opened the vault; its answer waits for that.
    pub fn once_unlocked(&self, then: impl Future<Output = ()> + Send + 'static) {
        *self.after_unlock.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::pin(then));
    }

    async fn do_what_waited(&self) {
        let waiting = self.after_unlock.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(waiting) = waiting {
            waiting.await;
        }
    }

    /// Opens the vault, or makes it with this passphrase where there is none.
    pub async fn vault_unlock(&self, request: VaultPassphrase) -> Result<VaultStatus, ApiError> {
        self.vaulting.unlock(Secret::new(request.passphrase)).await?;
        self.do_what_waited().await;
        self.audit(AuditTopic::Vault, "vault", "unlocked").await?;
        self.vaulting.status().await
    }

    /// How the vault stands.
    pub async fn vault_status(&self) -> Result<VaultStatus, ApiError> {
        self.vaulting.status().await
    }

    /// Protects the vault by a passphrase from now on.
    pub async fn vault_set_passphrase(&self, passphrase: String) -> Result<VaultStatus, ApiError> {
        self.vaulting.set_passphrase(Secret::new(passphrase)).await?;
        self.audit(AuditTopic::Vault, "vault", "protected by a passphrase").await?;
        self.vaulting.status().await
    }

    /// Protects the vault by a key in the computer's keyring from now on, so that no start asks for anything. A keyring that did
    /// not answer before, or kept nothing, is asked once more.
    pub async fn vault_use_keyring(&self, _: Empty) -> Result<VaultStatus, ApiError> {
        self.vaulting.use_keyring().await?;
        self.do_what_waited().await;
        self.audit(AuditTopic::Vault, "vault", "protected by the keyring").await?;
        self.vaulting.status().await
    }

    /// Seals every secret with a fresh key; gives how many.
    pub async fn vault_rotate(&self) -> Result<u64, ApiError> {
        let count = self.vaulting.rotate().await?;
        self.audit(AuditTopic::Vault, "vault", &format!("rotated; {count} secrets sealed anew")).await?;
        Ok(count)
    }

    /// Makes a new recovery key in place of the old one. It is shown this once.
    pub async fn vault_recovery_key(&self) -> Result<Secret, ApiError> {
        let key = self.vaulting.recovery_key().await?;
        self.audit(AuditTopic::Vault, "vault", "recovery key replaced").await?;
        Ok(key)
    }

    /// Stops runs in good order: each ends as canceled, and what it did stays.
    pub async fn close(&self) {
        let running: Vec<Running> =
            self.running.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect();
        for run in &running {
            run.cancel.cancel();
        }
        for mut run in running {
            // A run that does not end in time is marked as interrupted at the next start.
            let _ = tokio::time::timeout(Duration::from_secs(5), run.ended.wait_for(|ended| *ended)).await;
        }
    }

    pub(crate) fn at(&self) -> String {
        engine::stamp(self.clock.now())
    }

    /// Notes what was done to what.
    pub(crate) async fn audit(&self, topic: AuditTopic, object: &str, detail: &str) -> Result<(), ApiError> {
        let row = self.audit_row(topic, object, detail);
        Ok(self.store.write(move |w| w.add_audit(&row)).await?)
    }

    /// The same, for the write that does it.
    pub(crate) fn audit_row(&self, topic: AuditTopic, object: &str, detail: &str) -> AuditRow {
        AuditRow {
            at: self.at(),
            who: self.who(),
            topic: topic.as_str().to_owned(),
            object: object.into(),
            detail: detail.into(),
        }
    }
}

/// The data folder belongs to its owner alone.
fn make_private(folder: &Path) -> std::io::Result<()> {
    let fresh = !folder.exists();
    fs::create_dir_all(folder)?;
    #[cfg(unix)]
    if fresh {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}
