//! `concord import-idm` and `export-idm`: whole IDM projects in and out.

use std::path::PathBuf;

use api::{App, IdmExport, IdmImport, Taken, TakenHow};
use clap::Args;

use crate::{
    exit::{Exit, Failure},
    output::Output,
};

/// Takes over an IDM project: its connectors, managed types, mappings and schedules, all of it or nothing
///
/// Reads provisioner.openicf-NAME.json, sync.json, mapping-NAME.json, managed.json and schedule-NAME.json, and the script files that they name.
/// What cannot run here is kept and told.
#[derive(Debug, Args)]
pub struct Import {
    /// The project's folder, or its conf folder
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Puts the project's objects in the place of those of the same name that differ
    #[arg(long)]
    replace: bool,
}

/// Writes every connector, managed type, mapping and schedule as the documents of an IDM project, without secrets
#[derive(Debug, Args)]
pub struct Export {
    /// The project's folder, or its conf folder
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Writes over the documents that are there
    #[arg(long)]
    force: bool,
}

pub async fn import(command: &Import, app: &App, output: &Output) -> Result<Exit, Failure> {
    let request = IdmImport { folder: command.folder.clone(), replace: command.replace };
    let report = app.import_idm(request).await?;
    if output.is_json() {
        output.document(&report)?;
        return Ok(Exit::Done);
    }
    for (word, taken, not_running) in [
        ("connector", &report.connectors, "disabled"),
        ("managed type", &report.managed, ""),
        ("mapping", &report.mappings, "cannot run here yet"),
        ("schedule", &report.schedules, "does not fire"),
    ] {
        for one in taken {
            let but = if one.runs { String::new() } else { format!(", {not_running}") };
            output.line(format!("{word} `{}` {}{but} ({})", one.name, how(one), one.file))?;
        }
    }
    if !report.notes.is_empty() {
        output.line("Kept, with a remark:")?;
        for note in &report.notes {
            let place = if note.place.is_empty() { String::new() } else { format!(", {}", note.place) };
            output.line(format!("  {}{place}: {}", note.about, note.what))?;
        }
    }
    if !report.to_enter.is_empty() {
        output.line("To enter, because only the IDM server has it:")?;
        for one in &report.to_enter {
            output.line(format!("  connector `{}`, {}: {}", one.connector, one.property, one.why))?;
        }
    }
    // Each reason once, with all that it is about.
    let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
    for left in &report.left_alone {
        match reasons.iter_mut().find(|(why, _)| *why == left.why) {
            Some((_, files)) => files.push(&left.file),
            None => reasons.push((&left.why, vec![&left.file])),
        }
    }
    if !reasons.is_empty() {
        output.line("Left alone:")?;
        for (why, files) in reasons {
            output.line(format!("  {}: {why}", files.join(", ")))?;
        }
    }
    Ok(Exit::Done)
}

pub async fn export(command: &Export, app: &App, output: &Output) -> Result<Exit, Failure> {
    let request = IdmExport { folder: command.folder.clone(), force: command.force };
    let report = app.export_idm(request).await?;
    if output.is_json() {
        output.document(&report)?;
        return Ok(Exit::Done);
    }
    for file in &report.files {
        output.line(report.folder.join(file).display().to_string())?;
    }
    if !report.left_out.is_empty() {
        let names: Vec<String> =
            report.left_out.iter().map(|s| format!("{} of `{}`", s.property, s.connector)).collect();
        output.hint(&format!("No secret was written: {}.", names.join(", ")));
    }
    if !report.stale.is_empty() {
        output.hint(&format!(
            "Not of this export, and an import would read them too: {}",
            report.stale.join(", ")
        ));
    }
    Ok(Exit::Done)
}

fn how(taken: &Taken) -> &'static str {
    match taken.result {
        TakenHow::Added => "added",
        TakenHow::Changed => "changed",
        TakenHow::Unchanged => "unchanged",
    }
}
