//! `concord queue`: implicit syncs that wait or failed.

use api::{
    App,
    dto::{ById, QueueRow, QueuedChange, SyncState},
};
use clap::Subcommand;
use serde_json::json;

use super::user::sync_word;
use crate::{
    exit::{Exit, Failure},
    output::{Output, counted},
};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Lists what waits and what failed
    List,
    /// Tries one again now, or all of them, and lists what is left
    Retry { id: Option<String> },
    /// Drops one; its target keeps what it has
    Discard { id: String },
}

pub async fn run(command: &Command, app: &App, output: &Output) -> Result<Exit, Failure> {
    match command {
        Command::List => {
            let rows = app.queue_rows().await?;
            list(output, rows, "The queue is empty: every change has reached its targets.")?;
            Ok(Exit::Done)
        }
        Command::Retry { id } => {
            app.queue_retry(ById { id: id.clone().unwrap_or_default() }).await?;
            app.queue_deliver().await?;
            let rows = app.queue_rows().await?;
            let asked = |row: &QueueRow| id.as_ref().is_none_or(|id| *id == row.id);
            let failed =
                rows.iter().any(|row| asked(row) && (row.state == SyncState::Failed || row.attempts > 0));
            let left = match rows.len() {
                0 => "everything was delivered".to_owned(),
                n => format!("{} left in the queue", counted(n as u64, "change")),
            };
            let printed = list(output, rows, "Everything was delivered; the queue is empty.");
            (if failed { Exit::SomeFailed } else { Exit::Done }).however_read(printed, &left)
        }
        Command::Discard { id } => {
            app.queue_discard(ById { id: id.clone() }).await?;
            if output.is_json() {
                output.document(&json!({"id": id, "result": "discarded"}))?;
            } else {
                output.line(format!("queue row {id} discarded"))?;
            }
            Ok(Exit::Done)
        }
    }
}

fn list(output: &Output, rows: Vec<QueueRow>, hint: &str) -> Result<(), Failure> {
    if output.is_json() {
        return output.document(&rows);
    }
    let rows: Vec<[String; 7]> = rows
        .into_iter()
        .map(|r| {
            [
                r.id,
                r.mapping,
                r.title,
                change_word(r.change).into(),
                sync_word(r.state).into(),
                r.attempts.to_string(),
                r.message.unwrap_or_default(),
            ]
        })
        .collect();
    output.table(["ID", "MAPPING", "RECORD", "CHANGE", "STATE", "TRIES", "MESSAGE"], &rows, hint)
}

fn change_word(change: QueuedChange) -> &'static str {
    match change {
        QueuedChange::Create => "create",
        QueuedChange::Update => "update",
        QueuedChange::Delete => "delete",
    }
}
