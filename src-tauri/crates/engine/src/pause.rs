//! Runs that rest: the provider takes no more calls for longer than a run sits out (a day's limit, a migration), and has
//! said when it will. Such a run keeps its row and what is left of its plan, and goes on when that time has come, in whichever
//! process then looks.

use std::time::Duration;

use connector::{ConnectorError, ErrorKind, Outcome};
use jiff::{SignedDuration, Timestamp};
use store::{Run, RunMode, RunState};

use crate::{Begun, Engine, EngineError, RunRequest, run::Place};

/// The longest wait that is sat out.
pub(crate) const LONGEST_WAIT: Duration = Duration::from_secs(90);
/// Longer than any provider's limit lasts; who says more is not believed.
const LONGEST_REST: Duration = Duration::from_secs(3 * 86_400);
/// Clocks differ a little, and a call that comes too early is refused once more.
const MARGIN: Duration = Duration::from_secs(10);
const LONGEST_REST_WITH_MARGIN: SignedDuration = SignedDuration::from_secs(3 * 86_400 + 10);

/// When a run that rested and could not go on is tried again.
const TRIED_AGAIN: SignedDuration = SignedDuration::from_mins(5);

/// Whether a wait is one that a run rests for.
pub(crate) fn is_rest(wait: Duration) -> bool {
    wait > LONGEST_WAIT && wait <= LONGEST_REST
}

/// The rest that outcomes ask for: the longest, with its reason.
pub(crate) fn rest_of(outcomes: &[Outcome]) -> Option<ConnectorError> {
    let rests = outcomes.iter().filter_map(|outcome| match outcome {
        Outcome::Retry { after, reason } if is_rest(*after) => Some((*after, reason)),
        _ => None,
    });
    let (after, reason) = rests.max_by_key(|(after, _)| *after)?;
    let mut error = ConnectorError::new(ErrorKind::RateLimited, reason.clone());
    error.retry_after = Some(after);
    Some(error)
}

/// When a run that ended in this error can go on, where that is known.
fn goes_on_at(error: &EngineError, now: Timestamp) -> Option<Timestamp> {
    let EngineError::Remote(error) = error else { return None };
    let passes = matches!(error.kind, ErrorKind::RateLimited | ErrorKind::Unavailable);
    let rest = error.retry_after.filter(|rest| passes && is_rest(*rest))?;
    now.checked_add(SignedDuration::try_from(rest + MARGIN).ok()?).ok()
}

impl Engine {
    /// Lets a run rest that cannot go on now. Whether it does; the others have failed.
    pub(crate) fn put_to_rest(&self, run: &mut Run, error: &EngineError, allow_deletes: Option<u64>) -> bool {
        let Some(at) = goes_on_at(error, self.now()) else { return false };
        let at = crate::stamp(at);
        run.state = RunState::Paused;
        run.message = Some(format!("{error}; goes on at {at}"));
        run.progress.resume_at = Some(at);
        run.progress.allow_deletes = allow_deletes;
        tracing::info!(run = run.id, resume_at = run.progress.resume_at, "run rests");
        true
    }

    /// The runs whose rest is over, by `_id`.
    pub async fn rested_runs(&self) -> Result<Vec<String>, EngineError> {
        let now = self.now();
        let over = |run: &Run| {
            let at = run.progress.resume_at.as_deref().and_then(|at| at.parse::<Timestamp>().ok());
            // A rest that is longer than any is the work of a clock that was wrong when it began.
            at.is_none_or(|at| at <= now || at.duration_since(now) > LONGEST_REST_WITH_MARGIN)
        };
        Ok(self
            .store
            .read(|r| r.runs_in(RunState::Paused))
            .await?
            .iter()
            .filter(|run| over(run))
            .map(|run| run.id.clone())
            .collect())
    }

    /// Lets a run rest on that could not go on: whoever looks is told why, and nobody tries again every moment.
    pub async fn rest_on(&self, id: &str, why: &str) -> Result<(), EngineError> {
        let at = self.now().checked_add(TRIED_AGAIN).unwrap_or(Timestamp::MAX);
        let (at, id) = (crate::stamp(at), id.to_owned());
        let message = format!("it rested and could not go on: {why}; tried again at {at}");
        self.store
            .write(move |w| {
                let Some(mut run) = w.run(&id)?.filter(|run| run.state == RunState::Paused) else {
                    return Ok(());
                };
                run.progress.resume_at = Some(at);
                run.message = Some(message);
                w.put_run(&run)
            })
            .await?;
        Ok(())
    }

    /// Begins a run anew that rested before it had a plan: what it read until then is too old by now.
    pub(crate) async fn begin_anew(
        &self,
        rested: Run,
        allow_deletes: Option<u64>,
    ) -> Result<Begun, EngineError> {
        let (id, mode) = (Some(rested.id), rested.mode);
        if let Some(undone) = rested.progress.undoes {
            return self.begin_undo_as(&undone, mode, allow_deletes, id).await;
        }
        let request = RunRequest {
            mapping: rested.mapping,
            mode: if mode == RunMode::Preview { RunMode::Preview } else { RunMode::Reconcile },
            ids: rested.progress.ids,
            allow_deletes,
            incremental: rested.progress.incremental,
        };
        let place = Place { rested: id, undoes: None };
        self.begin_as(request, &rested.progress.overrides.into(), place).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_wait_that_ends_is_a_rest() {
        let now: Timestamp = "2026-11-21T21:00:00Z".parse().unwrap();
        let error = |kind, seconds: Option<u64>| {
            let mut error = ConnectorError::new(kind, "no");
            error.retry_after = seconds.map(Duration::from_secs);
            EngineError::from(error)
        };
        for (error, at) in [
            (error(ErrorKind::RateLimited, Some(3600)), Some("2026-11-21T22:00:10Z")),
            (error(ErrorKind::Unavailable, Some(86_400)), Some("2026-11-22T21:00:10Z")),
            (error(ErrorKind::RateLimited, Some(90)), None),
            (error(ErrorKind::RateLimited, None), None),
            (error(ErrorKind::RateLimited, Some(u64::MAX)), None),
            (error(ErrorKind::Unauthorized, Some(3600)), None),
            (EngineError::Canceled, None),
        ] {
            let found = goes_on_at(&error, now).map(|at| at.to_string());
            assert_eq!(found.as_deref(), at, "{error:?}");
        }
    }
}
