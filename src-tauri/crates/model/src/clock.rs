//! Time as something that is handed in, so that a test can own it.

use jiff::Timestamp;

/// Tells the current time. The one real implementation lives at the edge (`api`); everything else takes this.
pub trait Clock: Send + Sync {
    /// The current instant, UTC.
    fn now(&self) -> Timestamp;
}

impl<F: Fn() -> Timestamp + Send + Sync> Clock for F {
    fn now(&self) -> Timestamp {
        self()
    }
}
