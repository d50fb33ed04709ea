//! `concord mapping`: what becomes of what.

use std::path::{Path, PathBuf};

use api::{
    App,
    dto::{ByName, Empty, ParameterKind, ReadyMappingsAdd, ReadyParameter, RecordsRequest},
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
    /// Lists the mappings that come along for a connector, and what each has to be told
    Templates { connector: String },
    /// Adds a mapping that comes along for a connector
    FromTemplate {
        connector: String,
        template: String,
        /// What it has to be told, such as ProfileId="Standard User"; a record is named by its id or its name
        #[arg(value_name = "NAME=VALUE")]
        parameters: Vec<String>,
    },
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
        Command::Templates { connector } => templates(app, connector, output).await,
        Command::FromTemplate { connector, template, parameters } => {
            from_template(app, connector, template, parameters, output).await
        }
    }
}

async fn templates(app: &App, connector: &str, output: &Output) -> Result<Exit, Failure> {
    let offered = app.ready_mappings_of(ByName { name: connector.to_owned() }).await?;
    if output.is_json() {
        output.document(&offered)?;
        return Ok(Exit::Done);
    }
    let rows: Vec<[String; 5]> = offered
        .into_iter()
        .map(|mapping| {
            let needs: Vec<String> = mapping
                .parameters
                .into_iter()
                .map(|p| if p.required { p.name } else { format!("[{}]", p.name) })
                .collect();
            let there = if mapping.there { Some("added".to_owned()) } else { mapping.problem };
            [mapping.name, mapping.source, mapping.target, needs.join(" "), there.unwrap_or_default()]
        })
        .collect();
    output.table(["NAME", "SOURCE", "TARGET", "NEEDS", "STATE"], &rows, "No mapping comes along for it.")?;
    output.hint(&format!("`concord mapping from-template {connector} NAME` adds one."));
    Ok(Exit::Done)
}

async fn from_template(
    app: &App,
    connector: &str,
    template: &str,
    given: &[String],
    output: &Output,
) -> Result<Exit, Failure> {
    let offered = app.ready_mappings_of(ByName { name: connector.to_owned() }).await?;
    let mapping = offered.into_iter().find(|mapping| mapping.name == template).ok_or_else(|| {
        Failure::error(format!(
            "no mapping `{template}` comes along for `{connector}`; `concord mapping templates {connector}` lists them"
        ))
    })?;
    let mut parameters = std::collections::BTreeMap::new();
    for pair in given {
        let (name, value) = pair.split_once('=').ok_or_else(|| {
            Failure::Told(
                Exit::Usage,
                format!("`{pair}` is no NAME=VALUE, such as ProfileId=\"Standard User\""),
            )
        })?;
        let parameter = mapping.parameters.iter().find(|p| p.name == name).ok_or_else(|| {
            let known: Vec<&str> = mapping.parameters.iter().map(|p| p.name.as_str()).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            Failure::error(format!("`{template}` takes no `{name}`; what it can be told: {known}"))
        })?;
        let value = match parameter.kind {
            ParameterKind::Record => record(app, connector, parameter, value).await?,
            ParameterKind::Text => value.to_owned(),
        };
        parameters.insert(name.to_owned(), value);
    }
    let request =
        ReadyMappingsAdd { connector: connector.to_owned(), names: vec![template.to_owned()], parameters };
    let added = app.ready_mappings_add(request).await?;
    if output.is_json() {
        output.document(&added)?;
        return Ok(Exit::Done);
    }
    for mapping in &added {
        output.line(format!("mapping `{}` added", mapping.name))?;
    }
    // What of it the system does not have is known by now.
    let offered = app.ready_mappings_of(ByName { name: connector.to_owned() }).await?;
    if let Some(mapping) = offered.iter().find(|mapping| mapping.name == template) {
        output.hint(&mapping.text);
    }
    output.hint(&format!("See what it would do with `concord recon {template} --preview`."));
    Ok(Exit::Done)
}

/// The id of a record that is given by its id or its name.
async fn record(
    app: &App,
    connector: &str,
    parameter: &ReadyParameter,
    value: &str,
) -> Result<String, Failure> {
    let object_type = parameter.object_type.clone().unwrap_or_default();
    let (mut after, mut names) = (None, Vec::new());
    loop {
        let request = RecordsRequest {
            name: connector.to_owned(),
            object_type: object_type.clone(),
            search: None,
            attributes: vec!["__NAME__".to_owned()],
            after,
            limit: Some(200),
        };
        let page = app.connector_records(request).await?;
        for row in page.records {
            let name = row.attributes.get("__NAME__").and_then(Value::as_str).unwrap_or_default().to_owned();
            if row.id == value || row.id.get(..15) == Some(value) || name == value {
                return Ok(row.id);
            }
            names.push(name);
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    names.sort();
    names.truncate(20);
    Err(Failure::error(format!(
        "no record of {object_type} has the id or the name `{value}`; there are {}",
        names.join(", ")
    )))
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
