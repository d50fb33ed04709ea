//! The file, the writer thread and the readers.

use std::{
    ops::Deref,
    panic::{self, AssertUnwindSafe},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use rusqlite::{CachedStatement, Connection, OpenFlags, TransactionBehavior, config::DbConfig};

use crate::{
    columns::ColumnsRead,
    error::{ErrorKind, StoreError},
    filter_function,
    migrate::migrate,
    private,
    statements::Statements,
    undisturbed::Disturbance,
    words_function,
};

/// Older libraries can corrupt a WAL database when two connections write and checkpoint at the same time.
const OLDEST_SAFE_SQLITE: i32 = 3_051_003;
/// How long a transaction waits for that of another process.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often the file is opened anew while it is busy, before it is waited for.
const OPENINGS: u32 = 100;
const BETWEEN_OPENINGS: Duration = Duration::from_millis(10);

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// The repository. Cloning is cheap; all clones share the writer.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
}

struct Shared {
    file: PathBuf,
    jobs: mpsc::Sender<Job>,
    readers: Mutex<Vec<Connection>>,
    /// Transactions that the writer still begins: without end, unless a test cuts the power.
    left: Arc<AtomicU64>,
}

/// Read access inside [`Store::read`].
pub struct Reader<'c> {
    pub(crate) connection: &'c Connection,
    /// The columns of managed types, read once in a transaction.
    pub(crate) columns: ColumnsRead,
    /// What is run for record after record.
    statements: Statements<'c>,
}

impl<'c> Reader<'c> {
    fn on(connection: &'c Connection) -> Self {
        Self { connection, columns: ColumnsRead::default(), statements: Statements::default() }
    }

    /// Works with a statement that is run for record after record.
    pub(crate) fn repeated<T>(
        &self,
        sql: &'static str,
        work: impl FnOnce(&mut CachedStatement<'c>) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        Ok(self.statements.with(self.connection, sql, work)?)
    }
}

/// Write access inside [`Store::write`]: one transaction, committed when the closure gives `Ok`.
pub struct Writer<'c> {
    reader: Reader<'c>,
    pub(crate) disturbance: Disturbance,
}

/// A transaction that is on its way.
#[must_use = "a transaction that nobody waits for may not be there yet"]
pub struct Writing<T>(mpsc::Receiver<Result<T, StoreError>>);

impl<T> Writing<T> {
    /// Waits for its commit. Blocks: call it off the async threads.
    pub fn wait(self) -> Result<T, StoreError> {
        self.0.recv().map_err(|_| stopped())?
    }
}

impl<'c> Deref for Writer<'c> {
    type Target = Reader<'c>;

    fn deref(&self) -> &Reader<'c> {
        &self.reader
    }
}

impl<'c> Writer<'c> {
    /// Write access inside this transaction.
    pub(crate) fn on(connection: &'c Connection) -> Self {
        Self { reader: Reader::on(connection), disturbance: Disturbance::default() }
    }
}

impl Store {
    /// Opens the repository in this folder, making or migrating it.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        if rusqlite::version_number() < OLDEST_SAFE_SQLITE {
            return Err(StoreError::new(
                ErrorKind::Other,
                format!(
                    "this build carries SQLite {}, which can corrupt its file; 3.51.3 or newer is needed",
                    rusqlite::version()
                ),
            ));
        }
        let file = folder.join("concord.db");
        private::make(&file);
        private::tighten(&file);
        let mut writer = connect(&file, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
        migrate(&mut writer, &file)?;
        let (jobs, inbox) = mpsc::channel::<Job>();
        let left = Arc::new(AtomicU64::new(u64::MAX));
        let budget = Arc::clone(&left);
        thread::Builder::new()
            .name("repository".into())
            .spawn(move || {
                while let Ok(job) = inbox.recv() {
                    if budget.fetch_sub(1, Ordering::Relaxed) == 0 {
                        return;
                    }
                    job(&mut writer);
                }
            })
            .map_err(|e| {
                StoreError::new(ErrorKind::Other, format!("the repository's thread cannot start: {e}"))
            })?;
        Ok(Self { shared: Arc::new(Shared { file, jobs, readers: Mutex::new(Vec::new()), left }) })
    }

    /// The database file.
    pub fn file(&self) -> &Path {
        &self.shared.file
    }

    /// Runs a transaction and waits for its commit. Blocks: call it off the async threads, or use [`Store::write`].
    pub fn write_blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Writer<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.begin_write(work)?.wait()
    }

    /// Hands a transaction to the writer without waiting for it. Transactions are carried out in the order in which they were
    /// handed over.
    pub fn begin_write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Writer<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<Writing<T>, StoreError> {
        let (answer, result) = mpsc::sync_channel(1);
        self.send(Box::new(move |connection| {
            // Nobody may be waiting any more; the work is done all the same.
            let _ = answer.send(transaction(connection, work));
        }))?;
        Ok(Writing(result))
    }

    /// Runs a transaction and waits for its commit.
    pub async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Writer<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, result) = tokio::sync::oneshot::channel();
        self.send(Box::new(move |connection| {
            let _ = answer.send(transaction(connection, work));
        }))?;
        result.await.map_err(|_| stopped())?
    }

    /// Reads one consistent state. Blocks: call it off the async threads, or use [`Store::read`].
    pub fn read_blocking<T>(
        &self,
        work: impl FnOnce(&Reader<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let taken = self.shared.readers.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut connection = match taken {
            Some(connection) => connection,
            None => connect(&self.shared.file, OpenFlags::SQLITE_OPEN_READ_ONLY)?,
        };
        let tx = connection.transaction()?;
        let result = work(&Reader::on(&tx));
        tx.finish()?;
        let mut readers = self.shared.readers.lock().unwrap_or_else(PoisonError::into_inner);
        if readers.len() < 4 {
            readers.push(connection);
        }
        result
    }

    /// Reads one consistent state.
    pub async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Reader<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let store = self.clone();
        tokio::task::spawn_blocking(move || store.read_blocking(work)).await.map_err(|e| {
            StoreError::new(ErrorKind::Other, format!("a read of the repository ended early: {e}"))
        })?
    }

    /// Moves everything out of the write-ahead log into the file and cuts the log, so that removed secrets are gone from
    /// both.
    pub async fn checkpoint(&self) -> Result<(), StoreError> {
        let (answer, result) = tokio::sync::oneshot::channel();
        self.send(Box::new(move |connection| {
            let done =
                connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, bool>(0));
            let _ = answer.send(match done {
                Ok(false) => Ok(()),
                Ok(true) => Err(StoreError::new(
                    ErrorKind::Busy,
                    "the write-ahead log cannot be cut while something reads from it; try again",
                )),
                Err(error) => Err(error.into()),
            });
        }))?;
        result.await.map_err(|_| stopped())?
    }

    /// What is wrong with the file, in SQLite's words; nothing, if it is sound. Reads all of it.
    pub fn faults(&self) -> Result<Vec<String>, StoreError> {
        self.read_blocking(|r| {
            let mut check = r.connection.prepare("PRAGMA integrity_check")?;
            let said = check.query_map([], |row| row.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()?;
            let mut loose = r.connection.prepare("PRAGMA foreign_key_check")?;
            let rows = loose.query_map([], |row| {
                let table: String = row.get(0)?;
                let parent: String = row.get(2)?;
                Ok(format!("a row of {table} belongs to one of {parent} that is not there"))
            })?;
            let mut all: Vec<String> = said.into_iter().filter(|words| words != "ok").collect();
            all.extend(rows.collect::<Result<Vec<_>, _>>()?);
            Ok(all)
        })
    }

    /// Lets the file grow to this many pages at most: how tests fill a disk without one.
    #[doc(hidden)]
    pub fn limit_pages(&self, pages: u32) -> Result<(), StoreError> {
        self.write_blocking(move |w| {
            w.connection.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))?;
            Ok(())
        })
    }

    /// Ends the writer before the transaction after the next `count`: how tests cut the power at any write.
    #[doc(hidden)]
    pub fn stop_after(&self, count: u64) {
        self.shared.left.store(count, Ordering::Relaxed);
    }

    fn send(&self, job: Job) -> Result<(), StoreError> {
        self.shared.jobs.send(job).map_err(|_| stopped())
    }
}

fn stopped() -> StoreError {
    StoreError::new(ErrorKind::Other, "the repository's thread has ended; start Concord again")
}

/// Runs one transaction. A panic in it rolls it back and becomes an error: the thread serves everybody, so one step's mistake
/// must not end it.
fn transaction<T>(
    connection: &mut Connection,
    work: impl FnOnce(&Writer<'_>) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    panic::catch_unwind(AssertUnwindSafe(|| {
        let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let writer = Writer::on(&tx);
        let value = work(&writer)?;
        writer.count_disturbance()?;
        drop(writer);
        tx.commit()?;
        Ok(value)
    }))
    .unwrap_or_else(|panic| {
        let words = panic
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "no reason given".into());
        tracing::error!(reason = words, "a step in the repository panicked");
        Err(StoreError::new(
            ErrorKind::Other,
            format!("a step in the repository broke off ({words}); nothing of it was kept. This is a mistake in Concord, please report it"),
        ))
    })
}

/// Opens the file. SQLite by itself does not wait while whoever came first makes the log, or whoever leaves last cleans it
/// away, so this does.
pub(crate) fn connect(file: &Path, flags: OpenFlags) -> Result<Connection, StoreError> {
    for _ in 0..OPENINGS {
        match connect_within(Duration::ZERO, file, flags) {
            Err(error) if error.kind == ErrorKind::Busy => {
                #[allow(clippy::disallowed_methods, reason = "nothing tells when the other one is through")]
                thread::sleep(BETWEEN_OPENINGS);
            }
            opened => return opened,
        }
    }
    connect_within(PATIENCE, file, flags)
}

/// Opens the file, waiting so long for locks on the way; afterwards the connection waits as every other one.
fn connect_within(patience: Duration, file: &Path, flags: OpenFlags) -> Result<Connection, StoreError> {
    let connection = Connection::open_with_flags(file, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(patience)?;
    connection.set_prepared_statement_cache_capacity(128);
    // Else SQLite compiles a statement again when a value is bound that might suit another plan; each of ours has one plan.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    filter_function::register(&connection)?;
    words_function::register(&connection)?;
    connection.execute_batch(
        "PRAGMA foreign_keys = ON; PRAGMA mmap_size = 0; PRAGMA cache_size = -4096; PRAGMA temp_store = MEMORY;",
    )?;
    if !flags.contains(OpenFlags::SQLITE_OPEN_READ_ONLY) {
        let mode: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
        if mode != "wal" {
            return Err(StoreError::new(
                ErrorKind::Access,
                format!(
                    "the data folder's file system does not support SQLite's write-ahead log (got `{mode}`); use a local disk"
                ),
            ));
        }
        // An index of a million objects is sorted here. In memory that would take more than all the rest; the file has no name
        // and goes with the process.
        connection.execute_batch(
            "PRAGMA temp_store = FILE; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; PRAGMA wal_autocheckpoint = 16000; PRAGMA cache_size = -32768;",
        )?;
    }
    connection.busy_timeout(PATIENCE)?;
    Ok(connection)
}
