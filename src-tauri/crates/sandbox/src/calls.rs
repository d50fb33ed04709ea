//! What was asked of a stand-in: the calls, in order, for checkers that count instead of trusting the client.

use serde::Serialize;

/// How many calls are kept one by one; older ones only stay in the count.
const KEPT: usize = 200_000;

/// One API call as the stand-in saw it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Call {
    /// HTTP method.
    pub method: String,
    /// Path without the query string.
    pub path: String,
    /// The status answered; 0 when the connection was dropped without an answer.
    pub status: u16,
}

/// All calls since the start or since [`CallLog::clear`].
#[derive(Debug, Default)]
pub(crate) struct CallLog {
    calls: std::collections::VecDeque<Call>,
    count: u64,
}

impl CallLog {
    pub(crate) fn add(&mut self, call: Call) {
        if self.calls.len() == KEPT {
            self.calls.pop_front();
        }
        self.calls.push_back(call);
        self.count += 1;
    }

    pub(crate) fn all(&self) -> Vec<Call> {
        self.calls.iter().cloned().collect()
    }

    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    pub(crate) fn clear(&mut self) {
        *self = CallLog::default();
    }
}
