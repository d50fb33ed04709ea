//! `concord mapping`: what becomes of what.

use std::path::{Path, PathBuf};

use api::{
    App,
    dto::{ByName, Empty},
};
use clap::Subcommand;
use model::MappingConfig;
use serde_json::{Value, json};

use crate::{
    exit::{Exit, Failure},
    input,
    output::Output,
    summary::state_word,
};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Adds mappings, or changes those of the same name: all of the document or nothing
    Add {
        /// One mapping, a list, or a whole sync.json; - is stdin
        file: PathBuf,
    },
    /// Lists the mappings in sync order
    List,
    /// Shows a mapping
    Show { name: String },
    /// Removes a mapping with its links
    Remove { name: String },
}

pub async fn run(command: &Command, app: &App, output: &Output) -> Result<Exit, Failure> {
    match command {
        Command::Add { file } => add(app, file, output).await,
        Command::List => list(app, output).await,
        Command::Show { name } => show(app, name, output).await,
        Command::Remove { name } => {
            app.mapping_remove(ByName { name: name.clone() }).await?;
            if output.is_json() {
                output.document(&json!({"name": name, "result": "removed"}))?;
            } else {
                output.line(format!("mapping `{name}` removed with its links"))?;
            }
            Ok(Exit::Done)
        }
    }
}

async fn add(app: &App, file: &Path, output: &Output) -> Result<Exit, Failure> {
    let configs = MappingConfig::parse_all(&input::read(file)?)
        .map_err(|problem| Failure::error(format!("{}: {problem}", input::title(file))))?;
    let known: Vec<String> = app.mappings_list(Empty {}).await?.into_iter().map(|m| m.name).collect();
    let names = app.mappings_add(configs).await?;
    let result = |name: &String| if known.contains(name) { "changed" } else { "added" };
    if output.is_json() {
        let rows: Vec<Value> = names.iter().map(|n| json!({"name": n, "result": result(n)})).collect();
        output.document(&rows)?;
        return Ok(Exit::Done);
    }
    for name in &names {
        output.line(format!("mapping `{name}` {}", result(name)))?;
    }
    match names.first() {
        Some(name) => output.hint(&format!("See what it would do with `concord recon {name} --preview`.")),
        None => output.hint("The document holds no mapping."),
    }
    Ok(Exit::Done)
}

async fn list(app: &App, output: &Output) -> Result<Exit, Failure> {
    let mappings = app.mappings_list(Empty {}).await?;
    if output.is_json() {
        output.document(&mappings)?;
        return Ok(Exit::Done);
    }
    let rows: Vec<[String; 5]> = mappings
        .into_iter()
        .map(|m| {
            let last = m.last_run.map_or_else(|| "never".into(), |run| state_word(run.state).to_owned());
            [m.name, m.source, m.target, last, m.problem.unwrap_or_default()]
        })
        .collect();
    output.table(
        ["NAME", "SOURCE", "TARGET", "LAST RUN", "PROBLEM"],
        &rows,
        "There is no mapping yet; `concord mapping add FILE` adds one.",
    )?;
    Ok(Exit::Done)
}

async fn show(app: &App, name: &str, output: &Output) -> Result<Exit, Failure> {
    let detail = app.mapping_get(ByName { name: name.to_owned() }).await?;
    if output.is_json() {
        output.document(&detail.config)?;
        return Ok(Exit::Done);
    }
    let summary = detail.summary;
    output.line(format!("{} ({})", summary.name, summary.title))?;
    output.line(format!("source:        {}", summary.source))?;
    output.line(format!("target:        {}", summary.target))?;
    for (title, value) in [
        ("links of:      ", summary.links),
        ("condition:     ", detail.source_condition),
        ("correlation:   ", detail.correlation),
        ("problem:       ", summary.problem),
    ] {
        if let Some(value) = value {
            output.line(format!("{title}{value}"))?;
        }
    }
    output.line(format!("implicit sync: {}", if summary.enable_sync { "on" } else { "off" }))?;
    output.line("")?;
    let rows: Vec<[String; 5]> = detail
        .properties
        .into_iter()
        .map(|p| {
            [p.source, p.target, p.transform.unwrap_or_default(), p.default.unwrap_or_default(), p.when_empty]
        })
        .collect();
    output.table(["SOURCE", "TARGET", "TRANSFORM", "DEFAULT", "WHEN EMPTY"], &rows, "")?;
    output.line("")?;
    let rows: Vec<[String; 3]> =
        detail.policies.into_iter().map(|p| [p.situation, p.action, p.meaning]).collect();
    output.table(["SITUATION", "ACTION", "MEANING"], &rows, "")?;
    Ok(Exit::Done)
}
