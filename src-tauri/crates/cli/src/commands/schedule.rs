//! `concord schedule`: what happens by itself, and when.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use api::{
    App,
    dto::{ByName, ScheduleDraft, ScheduleEnable, ScheduleInfo, SchedulesRequest},
};
use clap::Subcommand;
use model::{ScheduleConfig, schedule_config::ScheduleConfigError};
use serde_json::{Value, json};

use super::recon;
use crate::{
    exit::{Exit, Failure},
    input,
    output::Output,
    summary::state_word,
};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Lists the schedules
    List,
    /// Shows a schedule with its next times
    Show { name: String },
    /// Adds a schedule, or changes the one of the same name
    ///
    /// They fire while `concord serve` or the application runs.
    Add {
        /// A document in the shape of IDM's schedule-NAME.json; - is stdin
        file: PathBuf,
        /// The schedule's name, if the file's name does not say it
        #[arg(long)]
        name: Option<String>,
    },
    /// Lets a schedule fire
    Enable { name: String },
    /// Keeps a schedule from firing
    Disable { name: String },
    /// Removes a schedule
    Remove { name: String },
    /// Does now what a schedule does, and waits for it to end
    Run { name: String },
}

pub async fn run(command: &Command, app: &Arc<App>, output: &Output) -> Result<Exit, Failure> {
    match command {
        Command::List => list(app, output).await,
        Command::Show { name } => {
            let info = app.schedule_get(ByName { name: name.clone() }).await?;
            show(&info, output)
        }
        Command::Add { file, name } => add(app, file, name.as_deref(), output).await,
        Command::Enable { name } => switch(app, name, true, output).await,
        Command::Disable { name } => switch(app, name, false, output).await,
        Command::Remove { name } => {
            app.schedule_remove(ByName { name: name.clone() }).await?;
            told(output, name, "removed")
        }
        Command::Run { name } => fire(app, name, output).await,
    }
}

async fn list(app: &App, output: &Output) -> Result<Exit, Failure> {
    let schedules = app.schedules_list(SchedulesRequest { mapping: None }).await?;
    if output.is_json() {
        let rows: Vec<Value> = schedules.iter().map(document).collect();
        output.document(&rows)?;
        return Ok(Exit::Done);
    }
    let rows: Vec<[String; 6]> = schedules
        .into_iter()
        .map(|s| {
            let state = if s.enabled { "on" } else { "off" };
            [
                s.name,
                state.into(),
                s.title,
                s.words,
                s.next.into_iter().next().unwrap_or_default(),
                s.problem.or(s.last_outcome).unwrap_or_default(),
            ]
        })
        .collect();
    output.table(
        ["NAME", "STATE", "WHAT", "WHEN", "NEXT", "LAST OR PROBLEM"],
        &rows,
        "There is no schedule yet; `concord schedule add FILE` adds one.",
    )?;
    Ok(Exit::Done)
}

fn show(info: &ScheduleInfo, output: &Output) -> Result<Exit, Failure> {
    if output.is_json() {
        output.document(&document(info))?;
        return Ok(Exit::Done);
    }
    output.line(format!("{} ({})", info.name, if info.enabled { "on" } else { "off" }))?;
    let last_run = info.last_run.as_ref().map(|run| format!("{} ({})", run.id, state_word(run.state)));
    for (title, value) in [
        ("what:         ", Some(info.title.clone())),
        ("when:         ", Some(info.words.clone()).filter(|words| !words.is_empty())),
        ("next:         ", Some(info.next.join(", ")).filter(|times| !times.is_empty())),
        ("last fired:   ", info.last_fired.clone()),
        ("outcome:      ", info.last_outcome.clone()),
        ("run:          ", last_run),
        ("problem:      ", info.problem.clone()),
    ] {
        if let Some(value) = value {
            output.line(format!("{title}{value}"))?;
        }
    }
    Ok(Exit::Done)
}

/// The document as IDM has it, under its name, with how it stands beside it.
fn document(info: &ScheduleInfo) -> Value {
    let mut document = json!({"_id": info.name});
    if let (Some(document), Some(config)) = (document.as_object_mut(), info.config.as_object()) {
        document.extend(config.clone());
        document.insert(
            "concord".into(),
            json!({
                "words": info.words,
                "next": info.next,
                "problem": info.problem,
                "lastFired": info.last_fired,
                "lastOutcome": info.last_outcome,
                "lastRun": info.last_run.as_ref().map(|run| &run.id),
            }),
        );
    }
    document
}

async fn add(app: &App, file: &Path, name: Option<&str>, output: &Output) -> Result<Exit, Failure> {
    let wrong = |problem: String| Failure::error(format!("{}: {problem}", input::title(file)));
    let document: Value = serde_json::from_str(&input::read(file)?)
        .map_err(|problem| wrong(format!("this is not JSON ({problem})")))?;
    let (inside, config) =
        ScheduleConfig::from_value(document).map_err(|problem| wrong(problem.to_string()))?;
    let of_file =
        file.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.strip_prefix("schedule-"));
    let name = name
        .or(of_file)
        .map(str::to_owned)
        .or(inside)
        .ok_or_else(|| wrong(ScheduleConfigError::Nameless.to_string()))?;
    let known = app.schedules_list(SchedulesRequest { mapping: None }).await?;
    let create = !known.iter().any(|s| s.name.eq_ignore_ascii_case(&name));
    let config = serde_json::to_value(&config)
        .map_err(|problem| wrong(format!("the schedule cannot be written ({problem})")))?;
    let info = app.schedule_save(ScheduleDraft { create, name, config }).await?;
    told(output, &info.name, if create { "added" } else { "changed" })?;
    match info.next.first() {
        Some(next) => {
            output.hint(&format!("It fires next at {next}, while `concord serve` or the application runs."))
        }
        None => output.hint("It does not fire as it stands; `concord schedule show` says why."),
    }
    Ok(Exit::Done)
}

async fn switch(app: &App, name: &str, enabled: bool, output: &Output) -> Result<Exit, Failure> {
    let info = app.schedule_enable(ScheduleEnable { name: name.to_owned(), enabled }).await?;
    told(output, &info.name, if enabled { "enabled" } else { "disabled" })
}

async fn fire(app: &Arc<App>, name: &str, output: &Output) -> Result<Exit, Failure> {
    let mut exit = Exit::Done;
    for request in app.schedule_runs(name).await? {
        // One mapping that cannot be run keeps none of the others from it.
        let ended = match app.schedule_start(name, request).await {
            Ok(begun) => recon::to_the_end(app, begun, output).await.unwrap_or_else(|f| output.failed(&f)),
            Err(error) => output.failed(&error.into()),
        };
        if exit == Exit::Done {
            exit = ended;
        }
    }
    Ok(exit)
}

fn told(output: &Output, name: &str, what: &str) -> Result<Exit, Failure> {
    if output.is_json() {
        output.document(&json!({"name": name, "result": what}))?;
    } else {
        output.line(format!("schedule `{name}` {what}"))?;
    }
    Ok(Exit::Done)
}
