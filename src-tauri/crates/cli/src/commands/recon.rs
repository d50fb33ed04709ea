//! `concord recon`: one run of a mapping, from start to end.

use std::{str::FromStr, sync::Arc};

use api::{
    App,
    dto::{ById, QueueRequest, RunMode, RunStart, RunSummary},
};
use clap::Args;

use crate::{
    exit::{Exit, Failure},
    interrupt::asked_to_end,
    output::Output,
    progress::Progress,
    summary,
};

#[derive(Debug, Args)]
pub struct Recon {
    /// The mapping
    pub mapping: String,
    /// Plans and checks the guards, writes nothing; the plan is kept for `concord run apply`
    #[arg(long)]
    pub preview: bool,
    /// Only this source record; may be given several times
    #[arg(long = "id", value_name = "UID")]
    pub ids: Vec<String>,
    /// Looks only at what has changed on either side since the last run looked
    #[arg(long, conflicts_with = "ids")]
    pub incremental: bool,
    #[command(flatten)]
    pub allowance: Allowance,
}

/// What the guards let through for one run.
#[derive(Debug, Args)]
pub struct Allowance {
    /// For this run only, lets this many deletes and unlinks through
    #[arg(long, value_name = "deletes=N")]
    allow: Option<Deletes>,
}

impl Allowance {
    /// The deletes that are allowed.
    pub fn deletes(&self) -> Option<u64> {
        self.allow.map(|deletes| deletes.0)
    }
}

#[derive(Debug, Clone, Copy)]
struct Deletes(u64);

impl FromStr for Deletes {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = text.strip_prefix("deletes=").and_then(|n| n.parse().ok());
        number.map(Self).ok_or("expected `deletes=` and a number, as in deletes=12")
    }
}

pub async fn run(recon: &Recon, app: &Arc<App>, output: &Output) -> Result<Exit, Failure> {
    let request = RunStart {
        mapping: recon.mapping.clone(),
        mode: if recon.preview { RunMode::Preview } else { RunMode::Reconcile },
        ids: recon.ids.clone(),
        allow_deletes: recon.allowance.deletes(),
        incremental: recon.incremental,
    };
    let begun = app.run_start(request).await?;
    to_the_end(app, begun, output).await
}

/// Waits for a run to end, shows how far it is, and prints how it ended. Ctrl-C cancels it in good order.
pub async fn to_the_end(app: &Arc<App>, begun: RunSummary, output: &Output) -> Result<Exit, Failure> {
    let (app_, id, words) = (Arc::clone(app), begun.id.clone(), *output);
    let canceling = tokio::spawn(async move {
        if asked_to_end().await.is_ok() {
            words.hint("Canceling after the batch that is under way; press Ctrl-C again to leave at once.");
            // A run that has just ended by itself cannot be canceled, and need not be.
            let _ = app_.run_cancel(ById { id }).await;
            if asked_to_end().await.is_ok() {
                // The journal knows what was sent; the next start resolves it.
                std::process::exit(i32::from(Exit::Error as u8));
            }
        }
    });
    let mut progress = Progress::new();
    let ended = app.run_wait(&begun.id, |run| progress.show(run)).await;
    progress.end();
    canceling.abort();
    let run = ended?;
    let (detail, exit) = summary::tell(app, &run.id, output).await?;
    if detail.summary.done > 0 {
        tell_what_waits(app, output).await;
    }
    Ok(exit)
}

/// What a run changed in users is carried on by whoever works the queue, which is not this command. Where that cannot be seen,
/// the run is what it is.
async fn tell_what_waits(app: &App, output: &Output) {
    let Ok(queue) = app.queue_list(QueueRequest { after: None, limit: Some(1) }).await else { return };
    if queue.waiting > 0 {
        output.hint(&format!(
            "concord: {} to be carried on; the window and `concord serve` do that by themselves, `concord queue retry` does it now",
            match queue.waiting {
                1 => "1 change of a user waits".to_owned(),
                n => format!("{n} changes of users wait"),
            }
        ));
    }
}
