//! What becomes of a batch, while it is still being found out.

use std::time::Duration;

use crate::error::{ConnectorError, ErrorKind};
use crate::port::Outcome;

/// How long to leave a connection alone that failed without telling how long.
pub(crate) const DEFAULT_RETRY: Duration = Duration::from_secs(60);

/// One record of a call.
pub(crate) trait Sent {
    /// The places in the caller's batch that it answers for.
    fn slots(&self) -> &[usize];
}

/// Outcomes under way, by the caller's places.
pub(crate) struct Outcomes(pub Vec<Option<Outcome>>);

impl Outcomes {
    pub fn new(len: usize) -> Self {
        Self(vec![None; len])
    }

    pub fn set(&mut self, item: &impl Sent, outcome: &Outcome) {
        for slot in item.slots() {
            self.put(*slot, outcome.clone());
        }
    }

    pub fn put(&mut self, slot: usize, outcome: Outcome) {
        if let Some(place) = self.0.get_mut(slot) {
            *place = Some(outcome);
        }
    }

    /// One outcome per place; `provider` has said nothing about those that have none.
    pub fn finish(self, provider: &str) -> Vec<Outcome> {
        let open =
            || Outcome::Unknown { reason: format!("{provider}'s answer does not mention this record") };
        self.0.into_iter().map(|outcome| outcome.unwrap_or_else(open)).collect()
    }
}

/// The outcome of a record that was not sent, or not accepted, with this error.
pub(crate) fn not_done(error: &ConnectorError) -> Outcome {
    match error.kind {
        ErrorKind::Configuration | ErrorKind::Unsupported | ErrorKind::Forbidden | ErrorKind::Refused => {
            Outcome::Rejected { reason: error.message.clone(), attribute: None }
        }
        _ => Outcome::retry(error, DEFAULT_RETRY),
    }
}
