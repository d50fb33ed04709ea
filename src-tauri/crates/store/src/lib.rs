//! The repository: one SQLite file, the only place in Concord that knows SQL.
//!
//! Invariants: public functions speak domain types, never SQL, so that a shared database can stand behind the same
//! functions one day. All writes go through one thread, one transaction a closure; readers have their own connections and
//! never wait for it. What a write returned `Ok` for survives a power cut (`synchronous=FULL`). A database that a newer
//! program wrote is refused, and a copy is kept before an older one is migrated. No secret is ever stored here in clear:
//! the `secret` table holds what the vault sealed.

mod associations;
mod audit;
mod census;
mod column_indexes;
mod columns;
mod connectors;
mod database;
mod entries;
mod error;
mod filter_function;
mod history;
mod inbox;
mod journal;
mod limit;
mod linked_accounts;
mod links;
mod load;
mod lock;
mod managed;
mod mappings;
mod met;
mod migrate;
mod mirror;
mod plan;
mod population;
mod private;
mod protected;
mod query;
#[cfg(test)]
mod query_plans;
mod queue;
mod reads;
mod runs;
mod schedules;
mod schemas;
mod secrets;
mod settings;
mod statements;
mod texts;
mod undisturbed;
mod words_function;

pub use associations::{Association, Standing};
pub use audit::{AuditRow, HistoryEntry, HistoryRow};
pub use census::Repeated;
pub use connectors::ConnectorRow;
pub use database::{Reader, Store, Writer, Writing};
pub use entries::{
    Entry, EntryFilter, EntryStatus, FailureCause, Question, Redirect, StoredChange, claim_key,
};
pub use error::{ErrorKind, StoreError};
pub use inbox::{InboxKind, InboxRow, NewInboxRow};
pub use journal::{JournalRow, JournalState, Operation};
pub use links::{Link, LinkSpace, NewLink, Orientation};
pub use load::{Claim, Load, Written};
pub use lock::{FileLock, Locked};
pub use managed::{Glance, Managed, ManagedQuery, ManagedWrite, Page};
pub use mappings::MappingRow;
pub use met::{Met, MetBlocks};
pub use mirror::{MirrorRow, SeenPage};
pub use plan::{Candidate, Side, TargetCandidate, Walk};
pub use private::private;
pub use protected::secret_owner;
pub use queue::{BackOff, QueueChange, QueueRow, QueueState, SyncOutcome};
pub use reads::{Feed, UnfinishedRead};
pub use runs::{EntryCount, GuardResult, NewRun, Progress, Run, RunMode, RunState};
pub use schedules::{Fired, ScheduleRow};
pub use schemas::KnownSchema;
pub use secrets::{SealedSecret, StoredKey};
pub use texts::Text;

/// 16 bytes of blake3 over a record's canonical attributes.
pub type Hash = [u8; 16];
