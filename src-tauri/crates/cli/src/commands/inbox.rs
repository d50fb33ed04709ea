//! `concord inbox`: what only a person can decide. `concord link`: links by hand.

use api::{
    App,
    dto::{InboxAnswer, InboxChoice, InboxRequest, LinkChange, Said},
};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;

use crate::{
    exit::{Exit, Failure},
    output::Output,
};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Lists the open questions: ambiguous matches, conflicts, records that moved or are gone
    List {
        /// Only of this mapping
        #[arg(long)]
        mapping: Option<String>,
    },
    /// Answers: the source belongs to this target record
    Link { id: String, target: String },
    /// Answers: none of them, it gets a target record of its own; or the one that is gone is made again
    Create { id: String },
    /// Answers, where the source is gone: the target record is deleted
    Delete { id: String },
    /// Answers, where the source is gone: the target record stays, without a link
    Unlink { id: String },
    /// Answers a conflict: this side's value stays
    Keep {
        id: String,
        side: Side,
        /// Only this attribute of the target; without it, all that are in conflict
        attribute: Option<String>,
    },
    /// Puts a question away until it comes up again
    Dismiss { id: String },
}

/// One side of a mapping.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Side {
    /// The mapping's source
    Source,
    /// The mapping's target
    Target,
}

#[derive(Debug, Subcommand)]
pub enum LinkCommand {
    /// Links a source record to a target record
    Set {
        mapping: String,
        source: String,
        target: String,
        #[command(flatten)]
        qualifier: Qualifier,
    },
    /// Removes the link of a source record; both records stay
    Remove {
        mapping: String,
        source: String,
        #[command(flatten)]
        qualifier: Qualifier,
    },
}

#[derive(Debug, Args)]
pub struct Qualifier {
    /// The link qualifier [default: default]
    #[arg(long = "qualifier", value_name = "NAME")]
    name: Option<String>,
}

pub async fn run(command: &Command, app: &App, output: &Output) -> Result<Exit, Failure> {
    let answer = |id: &str, choice| InboxAnswer { id: id.to_owned(), choice, target: None, attribute: None };
    let answer = match command {
        Command::List { mapping } => return list(app, mapping.clone(), output).await,
        Command::Link { id, target } => {
            InboxAnswer { target: Some(target.clone()), ..answer(id, InboxChoice::Link) }
        }
        Command::Create { id } => answer(id, InboxChoice::Create),
        Command::Delete { id } => answer(id, InboxChoice::Delete),
        Command::Unlink { id } => answer(id, InboxChoice::Unlink),
        Command::Keep { id, side, attribute } => {
            let choice = match side {
                Side::Source => InboxChoice::Source,
                Side::Target => InboxChoice::Target,
            };
            InboxAnswer { attribute: attribute.clone(), ..answer(id, choice) }
        }
        Command::Dismiss { id } => answer(id, InboxChoice::Dismiss),
    };
    say(app.inbox_answer(answer).await?, output)
}

pub async fn link(command: &LinkCommand, app: &App, output: &Output) -> Result<Exit, Failure> {
    let said = match command {
        LinkCommand::Set { mapping, source, target, qualifier } => {
            app.link_set(LinkChange {
                mapping: mapping.clone(),
                source: Some(source.clone()),
                target: Some(target.clone()),
                link_qualifier: qualifier.name.clone(),
            })
            .await?
        }
        LinkCommand::Remove { mapping, source, qualifier } => {
            app.link_remove(LinkChange {
                mapping: mapping.clone(),
                source: Some(source.clone()),
                target: None,
                link_qualifier: qualifier.name.clone(),
            })
            .await?
        }
    };
    say(said, output)
}

fn say(said: Said, output: &Output) -> Result<Exit, Failure> {
    if output.is_json() {
        output.document(&json!({"result": said.message}))?;
    } else {
        output.line(said.message)?;
    }
    Ok(Exit::Done)
}

async fn list(app: &App, mapping: Option<String>, output: &Output) -> Result<Exit, Failure> {
    let (mut questions, mut after) = (Vec::new(), None);
    loop {
        let page = app.inbox_list(InboxRequest { mapping: mapping.clone(), after, limit: None }).await?;
        questions.extend(page.questions);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    if output.is_json() {
        output.document(&questions)?;
        return Ok(Exit::Done);
    }
    let rows: Vec<[String; 7]> = questions
        .into_iter()
        .map(|q| [q.id, q.mapping, q.kind, q.title, q.source, q.targets.join(" "), q.reason])
        .collect();
    output.table(
        ["ID", "MAPPING", "QUESTION", "RECORD", "SOURCE", "CANDIDATES", "REASON"],
        &rows,
        "The inbox is empty: nothing waits for a decision.",
    )?;
    Ok(Exit::Done)
}
