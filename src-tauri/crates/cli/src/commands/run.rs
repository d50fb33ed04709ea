//! `concord run`: runs, their plans and their entries.

use std::sync::Arc;

use api::{
    App,
    dto::{
        ById, ExportFormat, RunApply, RunExport, RunState, RunSummary, RunUndo, RunUnfinished, RunsRequest,
    },
    exports::RUN_COLUMNS,
};
use clap::Subcommand;
use model::Situation;
use serde_json::{Value, json};

use super::recon::{self, Allowance};
use crate::{
    exit::{Exit, Failure},
    output::{Output, Table, clean, plain},
    summary::{self, duration, purpose, state_word},
};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Lists the runs, newest first
    List,
    /// Shows a run with its counts
    Show { run: String },
    /// Shows a run's records, except those that were in sync already
    Entries {
        run: String,
        /// Only records in this situation
        #[arg(long)]
        situation: Option<Situation>,
        /// Only records that failed
        #[arg(long)]
        failed: bool,
        /// As a table for spreadsheets
        #[arg(long)]
        csv: bool,
    },
    /// Carries out the plan of a preview, releases a held run, or goes on with one that was cut off
    ///
    /// Each change is held against the target as it is now, and skipped where the target has changed since.
    Apply {
        run: String,
        #[command(flatten)]
        allowance: Allowance,
    },
    /// Takes back what a run did, as a run of its own with a preview and guards
    Undo {
        run: String,
        /// Plans and checks the guards, writes nothing; the plan is kept for `concord run apply`
        #[arg(long)]
        preview: bool,
        #[command(flatten)]
        allowance: Allowance,
    },
    /// Runs those records of an ended run again that failed, were stale or wait for a person
    Retry {
        run: String,
        /// Plans and checks the guards, writes nothing; the plan is kept for `concord run apply`
        #[arg(long)]
        preview: bool,
        #[command(flatten)]
        allowance: Allowance,
    },
    /// Ends a run after the batch that is under way, or discards a plan
    Cancel { run: String },
}

pub async fn run(command: &Command, app: &Arc<App>, output: &Output) -> Result<Exit, Failure> {
    match command {
        Command::List => list(app, output).await,
        Command::Show { run } => {
            summary::print(app, run, output).await?;
            Ok(Exit::Done)
        }
        Command::Entries { csv: true, .. } if output.is_json() => Err(Failure::Told(
            Exit::Usage,
            "--csv and --json ask for two different things; leave one of them out".into(),
        )),
        Command::Entries { run, situation, failed, csv: true } => {
            spreadsheet(app, run, *situation, *failed, output).await
        }
        Command::Entries { run, situation, failed, csv: false } => {
            entries(app, run, *situation, *failed, output).await
        }
        Command::Apply { run, allowance } => {
            let begun =
                app.run_apply(RunApply { id: run.clone(), allow_deletes: allowance.deletes() }).await?;
            recon::to_the_end(app, begun, output).await
        }
        Command::Undo { run, preview, allowance } => {
            let request = RunUndo { id: run.clone(), preview: *preview, allow_deletes: allowance.deletes() };
            let begun = app.run_undo(request).await?;
            recon::to_the_end(app, begun, output).await
        }
        Command::Retry { run, preview, allowance } => {
            let request =
                RunUnfinished { id: run.clone(), preview: *preview, allow_deletes: allowance.deletes() };
            let begun = app.run_unfinished(request).await?;
            recon::to_the_end(app, begun, output).await
        }
        Command::Cancel { run } => cancel(app, run, output).await,
    }
}

async fn list(app: &App, output: &Output) -> Result<Exit, Failure> {
    let mut runs = Vec::new();
    let mut after = None;
    loop {
        let page = app.runs_list(RunsRequest { mapping: None, after, limit: None }).await?;
        runs.extend(page.runs);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    if output.is_json() {
        let mut documents = Vec::new();
        for run in &runs {
            documents.push(app.run_document(&run.id).await?);
        }
        output.document(&documents)?;
        return Ok(Exit::Done);
    }
    let rows: Vec<[String; 8]> = runs
        .into_iter()
        .map(|r| {
            let (kind, changes) = (purpose(&r).into(), changes(&r).to_string());
            [
                r.id,
                r.started,
                r.mapping,
                kind,
                state_word(r.state).into(),
                changes,
                r.failed.to_string(),
                duration(r.duration_ms),
            ]
        })
        .collect();
    output.table(
        ["RUN", "STARTED", "MAPPING", "KIND", "STATE", "CHANGES", "FAILED", "TOOK"],
        &rows,
        "There was no run yet; `concord recon MAPPING --preview` makes the first.",
    )?;
    Ok(Exit::Done)
}

/// What a run has done, or while it has not ended, what its plan holds.
fn changes(run: &RunSummary) -> u64 {
    match run.state {
        RunState::Active | RunState::Planned | RunState::Held | RunState::Paused => run.changes,
        RunState::Success | RunState::Canceled | RunState::Failed | RunState::Interrupted => run.done,
    }
}

/// Wide enough for every situation, action and state.
const ENTRY_COLUMNS: [&str; 5] =
    ["SITUATION           ", "ACTION   ", "STATE   ", "RECORD                          ", "REASON"];

async fn entries(
    app: &App,
    run: &str,
    situation: Option<Situation>,
    failed: bool,
    output: &Output,
) -> Result<Exit, Failure> {
    // An unknown run is told before the list is begun.
    app.run_get(ById { id: run.to_owned() }).await?;
    let mut stream = output.stream();
    let table = Table::for_rows(&ENTRY_COLUMNS.map(str::to_owned), &[]);
    let situation = situation.map(|s| s.to_string());
    let mut first = true;
    let json = output.is_json();
    if json {
        stream.text("[");
    }
    let count = app
        .run_assoc(run, situation, failed, |entry| {
            if json {
                stream.text(if first { "" } else { "," });
                stream.text(&entry.to_string());
            } else {
                if first {
                    stream.line(&table.head());
                }
                stream.line(&table.row(&entry_cells(&entry)));
                for change in entry.get("changes").and_then(Value::as_array).into_iter().flatten() {
                    stream.line(&change_line(change));
                }
            }
            first = false;
        })
        .await?;
    if json {
        stream.text("]\n");
    }
    stream.end()?;
    if count == 0 && !json {
        output.hint("No entries: every record that was looked at is in sync, or none matches.");
    }
    Ok(Exit::Done)
}

async fn spreadsheet(
    app: &App,
    run: &str,
    situation: Option<Situation>,
    failed: bool,
    output: &Output,
) -> Result<Exit, Failure> {
    let request = RunExport {
        id: run.to_owned(),
        format: ExportFormat::Csv,
        situation: situation.map(|s| s.to_string()),
        action: None,
        failed,
        stale: false,
        search: None,
    };
    // An unknown run is told before the table is begun.
    app.run_get(ById { id: run.to_owned() }).await?;
    let mut stream = output.stream();
    stream.row(RUN_COLUMNS);
    app.run_rows(&request, |cells| {
        stream.row(cells.iter().map(String::as_str));
        !stream.is_broken()
    })
    .await?;
    stream.end()?;
    Ok(Exit::Done)
}

fn entry_cells(entry: &Value) -> Vec<String> {
    let text = |name: &str| entry.get(name).map(plain).unwrap_or_default();
    let remedy = text("messageDetail");
    let reason = if remedy.is_empty() { text("reason") } else { format!("{}; {remedy}", text("reason")) };
    vec![text("situation"), text("action"), text("state"), text("title"), reason]
}

fn change_line(change: &Value) -> String {
    let part = |name: &str| change.get(name).cloned().unwrap_or(Value::Null);
    clean(&format!("    {}: {} -> {}", plain(&part("attribute")), part("before"), part("after")))
}

async fn cancel(app: &App, run: &str, output: &Output) -> Result<Exit, Failure> {
    let canceled = app.run_cancel(ById { id: run.to_owned() }).await?;
    let ended = canceled.state == RunState::Canceled;
    if output.is_json() {
        let status = if ended { "SUCCESS" } else { "INITIATED" };
        output.document(&json!({"_id": canceled.id, "action": "cancel", "status": status}))?;
    } else if ended {
        output.line(format!("run {}: {}", canceled.id, canceled.message.as_deref().unwrap_or("canceled")))?;
    } else {
        output.line(format!("run {} ends after the batch that is under way", canceled.id))?;
    }
    Ok(Exit::Done)
}
