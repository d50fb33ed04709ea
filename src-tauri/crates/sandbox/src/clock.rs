//! Where a stand-in takes the time from.

use std::sync::Arc;

use jiff::Timestamp;

/// Gives the time; tests put their own here.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The machine's clock.
pub(crate) fn of_the_machine() -> Clock {
    // The one place where the stand-ins ask the machine for the time.
    #[allow(clippy::disallowed_methods)]
    let clock: Clock = Arc::new(Timestamp::now);
    clock
}
