//! How a provider speaks: what its refusals mean, how many calls it says are left, and what its calls look like.

use std::num::NonZeroU32;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::HeaderMap;
use url::Url;

use super::{Answer, Call};
use crate::error::ConnectorError;

/// What a provider means by an answer that is not a success.
pub(crate) enum Judgement {
    /// Over a limit, nothing was done: the whole connection rests, or its searches only.
    Throttled { rest: Duration, searches_only: bool, error: ConnectorError },
    /// The calls of a day are used up, nothing was done. `told` is how long it will last, where the provider says so.
    DayUsedUp { told: Option<Duration>, error: ConnectorError },
    /// This resource is locked for a while, nothing was done.
    Busy { rest: Duration, error: ConnectorError },
    /// The token was not accepted, nothing was done.
    NotAccepted { expired: bool, error: ConnectorError },
    /// The provider failed; whether something was done is not known.
    Trouble(ConnectorError),
    /// Refused; nothing was done, and it will not help to send it again.
    Refused(ConnectorError),
}

/// So many calls are allowed in such a time, and so many are left of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Interval {
    pub allowed: NonZeroU32,
    pub left: u32,
    pub length: Duration,
}

/// How a provider speaks.
pub(crate) trait Dialect: Send + Sync {
    /// Sorts an answer that is not a success. `limited` counts how often this call met a limit before.
    fn judge(&self, answer: &Answer, limited: u32) -> Judgement;

    /// Calls left and allowed today, where the headers tell.
    fn budget(&self, headers: &HeaderMap) -> (Option<u64>, Option<u64>);

    /// The budget of a short time, where the headers tell one.
    fn interval(&self, _headers: &HeaderMap) -> Option<Interval> {
        None
    }

    /// Where to ask once, before the day's calls are used up, when new ones are given; `None` when that is known or cannot
    /// be asked.
    fn question(&self) -> Option<Url> {
        None
    }

    /// Takes the answer to that question.
    fn learn(&self, _answer: &Answer) {}

    /// How long it is from now until a day's calls are given anew, and that in words; `None` where there are no such days.
    fn new_day(&self, _now: Timestamp) -> Option<(Duration, String)> {
        None
    }

    /// Further headers that a call carries.
    fn headers(&self, _call: &Call<'_>) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    /// The media type of JSON that is sent.
    fn content_type(&self) -> &'static str {
        "application/json"
    }

    /// The kind of answer that a call wants.
    fn accept(&self, _call: &Call<'_>) -> &'static str {
        "application/json"
    }
}

/// A refusal with the provider's own document.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub status: u16,
    pub body: Vec<u8>,
    pub error: ConnectorError,
}

/// How a call failed, sorted by what is known about the other side.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// Nothing was done there.
    #[error("{0}")]
    NotDone(ConnectorError),
    /// The provider refused, so nothing was done.
    #[error("{}", .0.error)]
    Refused(Box<Refusal>),
    /// It was sent, and what became of it is not known.
    #[error("{0}")]
    Lost(ConnectorError),
}

impl Failure {
    pub fn error(&self) -> &ConnectorError {
        match self {
            Self::NotDone(error) | Self::Lost(error) => error,
            Self::Refused(refusal) => &refusal.error,
        }
    }
}

impl From<Failure> for ConnectorError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::NotDone(error) | Failure::Lost(error) => error,
            Failure::Refused(refusal) => refusal.error,
        }
    }
}
