//! Runs: read, plan, guard, execute, settle; and implicit sync, which is the same for one record.
//!
//! Invariants: nothing is written before the guard has seen the whole plan; nothing is sent to a remote system before its
//! intent is committed; an answer that is in doubt is resolved by looking, never by sending again; a record that fails
//! never stops a run; of each mapping at most one run is under way, whichever process it is in; what a preview says is what
//! the run does, because both are the same code. This crate never prints, never asks, never knows a window.

mod accounts;
mod after;
mod association;
mod connector_script;
mod decide;
mod doubt;
mod ends;
mod error;
mod execute;
mod execute_managed;
mod execute_remote;
mod feed;
mod foresight;
mod guard;
mod interpreter;
mod judge;
mod judges;
mod managed_types;
mod overrides;
mod partners;
mod pause;
mod people;
mod plan;
mod read;
mod remedy;
mod run;
mod schedule;
mod summary;
mod sync;
mod targets;
mod title;
mod trial;
mod undo;
mod unique;

use std::{path::PathBuf, sync::Arc};

use async_trait::async_trait;
use connector::Connector;
use jiff::Timestamp;
use model::Clock;
use store::Store;
use uuid::{NoContext, Uuid};

pub use association::{Answer, Perform, Performed};
pub use connector::ConnectorError;
pub use ends::sameness;
pub use error::EngineError;
pub use foresight::Foreseen;
pub use guard::{DEFAULT_MAX_DELETES, is_releasable};
pub use interpreter::Scripts;
pub use managed_types::{Gravity, TypeChange, TypeProblem, TypeSaved};
pub use mapping::Newer;
pub use overrides::Overrides;
pub use people::{Edit, ManagedChange, ObjectWrite, Saved, Sealer, Which};
pub use remedy::Remedy;
pub use run::{Begun, DEFAULT_KEPT_RUNS, RunRequest};
pub use schedule::{Due, GRACE, Timetable, TimetableError, judge_due};
pub use summary::{assoc_entry, stage_description, summary};
pub use sync::{Delivery, SyncResult};
pub use title::title_of;
pub use tokio_util::sync::CancellationToken;
pub use trial::{TrialEnds, TrialOutcome, TrialRecord, Tried, newer_of, try_record};

/// Hands out connectors that are ready to be called.
#[async_trait]
pub trait Connectors: Send + Sync {
    /// The connector of this name. Unknown, disabled and locked ones are errors that say so.
    async fn connector(&self, name: &str) -> Result<Arc<dyn Connector>, EngineError>;

    /// The account that a connector's credentials lead to, by its id; `None` where it is not known. `ask` has the provider asked
    /// where it has not told since these credentials were entered.
    async fn account(&self, _name: &str, _ask: bool) -> Result<Option<String>, EngineError> {
        Ok(None)
    }
}

/// The engine over one repository.
#[derive(Clone)]
pub struct Engine {
    store: Store,
    connectors: Arc<dyn Connectors>,
    clock: Arc<dyn Clock>,
    folder: PathBuf,
    sealer: Option<Arc<dyn Sealer>>,
}

impl Engine {
    /// An engine over this repository. `folder` is the data folder; lock files are kept in it.
    pub fn new(
        store: Store,
        connectors: Arc<dyn Connectors>,
        clock: Arc<dyn Clock>,
        folder: PathBuf,
    ) -> Self {
        Self { store, connectors, clock, folder, sealer: None }
    }

    /// The repository.
    pub fn store(&self) -> &Store {
        &self.store
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The time as it is stored: RFC 3339 in UTC with milliseconds.
    pub fn at(&self) -> String {
        stamp(self.now())
    }

    fn new_id(&self) -> String {
        new_id(self.now())
    }
}

/// A time as it is stored.
pub fn stamp(at: Timestamp) -> String {
    format!("{at:.3}")
}

/// A time-ordered id.
pub fn new_id(at: Timestamp) -> String {
    let seconds = u64::try_from(at.as_second()).unwrap_or(0);
    let nanos = u32::try_from(at.subsec_nanosecond()).unwrap_or(0);
    Uuid::new_v7(uuid::Timestamp::from_unix(NoContext, seconds, nanos)).to_string()
}

/// Whether a mapping can run as it stands: its filters, correlation rules and scripts, without its connectors.
pub fn check_mapping(config: &model::MappingConfig) -> Result<(), EngineError> {
    mapping::Mapping::compile(config.clone(), None, &mut interpreter::Scripts::new())?;
    Ok(())
}
