//! `concord import-claims`: claims of WSO2 Identity Server into the schema of managed users.

use std::path::PathBuf;

use api::{App, ClaimsImport, dto::ProblemGravity};
use clap::Args;

use crate::{
    exit::{Exit, Failure},
    output::Output,
};

/// Takes over claims of WSO2 Identity Server: which attributes of users are supported, required, read-only, with which pattern
///
/// FILE is what WSO2's claim API answers (JSON), a claim-config.xml, or a table (CSV) with columns such as ClaimURI, DisplayName,
/// AttributeID, RegEx, DisplayOrder, SupportedByDefault, Required, ReadOnly.
#[derive(Debug, Args)]
pub struct Import {
    /// The claims
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Only says what would change
    #[arg(long)]
    preview: bool,
    /// Goes on although stored users would violate it
    #[arg(long)]
    confirm: bool,
}

pub async fn import(command: &Import, app: &App, output: &Output) -> Result<Exit, Failure> {
    let request =
        ClaimsImport { file: command.file.clone(), preview: command.preview, confirmed: command.confirm };
    let report = app.import_claims(request).await?;
    let changed = report.claims.iter().any(|claim| !claim.changes.is_empty());
    let stopped = changed && !report.saved && !command.preview;
    if output.is_json() {
        output.document(&report)?;
        return Ok(if stopped { Exit::Error } else { Exit::Done });
    }
    for claim in &report.claims {
        let about = match &claim.attribute {
            Some(attribute) => format!("{} ({attribute})", claim.claim),
            None => claim.claim.clone(),
        };
        let mut words: Vec<&str> = claim.changes.iter().chain(&claim.notes).map(String::as_str).collect();
        if words.is_empty() {
            words.push("unchanged");
        }
        output.line(format!("{about}: {}", words.join("; ")))?;
    }
    for problem in &report.problems {
        output.line(format!("! {}", problem.message))?;
    }
    if stopped {
        let refused = report.problems.iter().any(|problem| problem.gravity == ProblemGravity::Refused);
        output.hint(if refused {
            "Nothing was saved: the schema would not be one. Correct the file and try again."
        } else {
            "Nothing was saved yet. If this is meant, add --confirm."
        });
        return Ok(Exit::Error);
    }
    if command.preview {
        output.hint(if changed {
            "Nothing was saved: this was a preview."
        } else {
            "There is nothing to change."
        });
    }
    Ok(Exit::Done)
}
