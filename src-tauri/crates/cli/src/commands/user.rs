//! `concord user`: managed users. A change is carried on to every target before the command ends.

use std::path::{Path, PathBuf};

use api::{
    ApiError, App,
    dto::{
        ById, Empty, HistoryRequest, ObjectName, SyncResult, SyncState, UserDelete, UserDraft, UserRow,
        UserSchema, UsersRequest,
    },
    rest_object,
};
use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use crate::{
    exit::{Exit, Failure},
    input,
    output::{Output, Table, plain},
};

/// Users that are read at a time.
const PAGE: u32 = 1000;
/// Columns for people who name none.
const USUAL: [&str; 4] = ["userName", "givenName", "sn", "mail"];

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Lists users
    List {
        /// A query filter, as in: mail co "@example.com" and accountStatus eq "active"
        #[arg(long, value_name = "QF")]
        filter: Option<String>,
        /// Only these attributes, separated by commas
        #[arg(long, value_delimiter = ',')]
        fields: Vec<String>,
        /// At most so many; all of them without it
        #[arg(long)]
        limit: Option<u64>,
    },
    /// Shows a user
    Get { id: String },
    /// Shows who changed what of a user, newest first; also of one that was deleted
    History {
        id: String,
        /// At most so many changes; all of them without it
        #[arg(long)]
        limit: Option<u64>,
    },
    /// Makes a user from a JSON object of attributes
    Create {
        /// The document, or - for stdin
        file: PathBuf,
        #[command(flatten)]
        delivery: Delivery,
    },
    /// Changes attributes of a user
    ///
    /// A value is read as JSON where it is a number, true, false, null, an object, an array or a quoted text and the
    /// attribute is not a text; otherwise it is taken as it stands. `attribute=` empties.
    Set {
        id: String,
        #[arg(required = true, value_name = "attr=value", value_parser = Assignment::parse)]
        assignments: Vec<Assignment>,
        #[command(flatten)]
        delivery: Delivery,
    },
    /// Deletes a user
    Delete {
        id: String,
        #[command(flatten)]
        delivery: Delivery,
    },
}

#[derive(Debug, Args)]
pub struct Delivery {
    /// Leaves the change in the queue instead of carrying it on to the targets now
    #[arg(long)]
    no_wait: bool,
}

/// `attr=value`.
#[derive(Debug, Clone, PartialEq)]
pub struct Assignment {
    attribute: String,
    text: String,
}

impl Assignment {
    fn parse(argument: &str) -> Result<Self, String> {
        match argument.split_once('=') {
            Some((attribute, _)) if attribute.trim().trim_start_matches('/').starts_with('_') => Err(
                format!("`{}` cannot be set: what begins with _ is kept by Concord itself", attribute.trim()),
            ),
            Some((attribute, text)) if !attribute.trim().is_empty() => {
                Ok(Self { attribute: attribute.trim().to_owned(), text: text.to_owned() })
            }
            _ => Err("expected attr=value, as in telephoneNumber=\"+1 555 0100\"".into()),
        }
    }

    /// The value for an attribute of this kind: a text attribute takes digits as text, so that a phone number or a postal
    /// code arrives as it was typed.
    fn value(&self, kind: Option<&str>) -> Value {
        if self.text.is_empty() {
            return Value::Null;
        }
        match (serde_json::from_str(&self.text), kind) {
            (Ok(value @ (Value::String(_) | Value::Null)), _) => value,
            (Ok(value), kind) if kind != Some("string") => value,
            _ => Value::String(self.text.clone()),
        }
    }
}

pub async fn run(command: &Command, app: &App, output: &Output) -> Result<Exit, Failure> {
    match command {
        Command::List { filter, fields, limit } => list(app, filter.as_deref(), fields, *limit, output).await,
        Command::Get { id } => get(app, id, output).await,
        Command::History { id, limit } => history(app, id, *limit, output).await,
        Command::Create { file, delivery } => create(app, file, delivery, output).await,
        Command::Set { id, assignments, delivery } => set(app, id, assignments, delivery, output).await,
        Command::Delete { id, delivery } => {
            let user = app.user_get(ById { id: id.clone() }).await?.user;
            let saved = app.user_delete(UserDelete { id: id.clone(), rev: None }).await?;
            let sync = deliver(app, id, "deleted", saved.sync, delivery).await?;
            done(output, &user, "deleted", &sync)
        }
    }
}

async fn list(
    app: &App,
    filter: Option<&str>,
    fields: &[String],
    limit: Option<u64>,
    output: &Output,
) -> Result<Exit, Failure> {
    let fields: Vec<String> = fields
        .iter()
        .map(|f| f.trim().trim_start_matches('/').to_owned())
        .filter(|f| !f.is_empty())
        .collect();
    let columns: Vec<String> =
        if fields.is_empty() { USUAL.iter().map(|c| (*c).to_owned()).collect() } else { fields.clone() };
    let titles: Vec<String> = std::iter::once("_id".to_owned()).chain(columns.iter().cloned()).collect();
    let mut stream = output.stream();
    let mut table: Option<Table> = None;
    let mut left = limit.unwrap_or(u64::MAX);
    let (mut after, mut count) = (None, 0_u64);
    let mut begun = false;
    loop {
        let take = u32::try_from(left.min(u64::from(PAGE))).unwrap_or(PAGE);
        let request = UsersRequest {
            search: None,
            filter: filter.map(str::to_owned),
            sort: None,
            after,
            limit: Some(take.max(1)),
        };
        // The first page shows whether the filter makes sense, before anything is printed.
        let page = app.users_list(request).await?;
        if output.is_json() && !begun {
            stream.text("{\"result\":[");
        }
        begun = true;
        let users = page.users.iter().take(take as usize);
        if output.is_json() {
            for user in users {
                stream.text(if count > 0 { "," } else { "" });
                stream.text(&rest_object(user, &fields).to_string());
                count += 1;
            }
        } else {
            let rows: Vec<Vec<String>> = users.map(|user| cells(user, &columns)).collect();
            if table.is_none() && !rows.is_empty() {
                let fitting = Table::for_rows(&titles, &rows);
                stream.line(&fitting.head());
                table = Some(fitting);
            }
            for row in &rows {
                if let Some(table) = &table {
                    stream.line(&table.row(row));
                }
                count += 1;
            }
        }
        left -= u64::from(take).min(left);
        after = page.next;
        if after.is_none() || left == 0 || stream.is_broken() {
            break;
        }
    }
    if output.is_json() {
        stream.text(&format!(
            "],\"resultCount\":{count},\"pagedResultsCookie\":null,\"totalPagedResultsPolicy\":\"NONE\",\"totalPagedResults\":-1,\"remainingPagedResults\":-1}}\n"
        ));
    }
    stream.end()?;
    if count == 0 && limit != Some(0) && !output.is_json() {
        output.hint("No users.");
    }
    Ok(Exit::Done)
}

fn cells(user: &UserRow, columns: &[String]) -> Vec<String> {
    let values = columns.iter().map(|column| user.attributes.get(column).map(plain).unwrap_or_default());
    std::iter::once(user.id.clone()).chain(values).collect()
}

async fn get(app: &App, id: &str, output: &Output) -> Result<Exit, Failure> {
    let detail = app.object_get(ObjectName { kind: "user".into(), id: id.to_owned() }).await?;
    let object = rest_object(&detail.object, &[]);
    if output.is_json() {
        output.document(&object)?;
        return Ok(Exit::Done);
    }
    let rows: Vec<[String; 2]> =
        object.as_object().into_iter().flatten().map(|(name, value)| [name.clone(), plain(value)]).collect();
    output.table(["ATTRIBUTE", "VALUE"], &rows, "")?;
    if !detail.protected.is_empty() {
        output.line("")?;
        let rows: Vec<[String; 2]> = detail.protected.into_iter().map(|p| [p.attribute, p.updated]).collect();
        output.table(["NOT SHOWN", "SET"], &rows, "")?;
    }
    if !detail.linked.is_empty() {
        output.line("")?;
        let rows: Vec<[String; 3]> =
            detail.linked.into_iter().map(|l| [l.connector_title, l.object_type, l.uid]).collect();
        output.table(["LINKED SYSTEM", "TYPE", "ID"], &rows, "")?;
    }
    if !detail.sync.is_empty() {
        output.line("")?;
        sync_table(output, &detail.sync)?;
    }
    Ok(Exit::Done)
}

async fn history(app: &App, id: &str, limit: Option<u64>, output: &Output) -> Result<Exit, Failure> {
    let mut left = limit.unwrap_or(u64::MAX);
    let mut rows = Vec::new();
    let mut after = None;
    while left > 0 {
        let take = u32::try_from(left.min(u64::from(PAGE))).unwrap_or(PAGE);
        let request = HistoryRequest {
            kind: "user".into(),
            id: id.to_owned(),
            attribute: None,
            after,
            limit: Some(take),
        };
        let page = app.object_history(request).await?;
        rows.extend(page.rows);
        left = left.saturating_sub(u64::from(take));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    if output.is_json() {
        output.document(&json!(rows))?;
        return Ok(Exit::Done);
    }
    let cells: Vec<[String; 6]> = rows
        .into_iter()
        .map(|row| {
            let by = row.mapping.unwrap_or_default();
            [row.at, row.who, by, row.attribute, plain(&row.before), plain(&row.after)]
        })
        .collect();
    output.table(["WHEN", "WHO", "MAPPING", "ATTRIBUTE", "FROM", "TO"], &cells, "No changes.")?;
    Ok(Exit::Done)
}

async fn create(app: &App, file: &Path, delivery: &Delivery, output: &Output) -> Result<Exit, Failure> {
    let attributes = input::read_json(file)?;
    if !attributes.is_object() {
        return Err(Failure::error(format!(
            "{} is not a user: expected a JSON object of attributes",
            input::title(file)
        )));
    }
    let saved = app.user_save(UserDraft { id: None, rev: None, attributes }).await?;
    let user = saved.user.ok_or_else(|| Failure::error("the user was made, but cannot be read back"))?;
    let sync = deliver(app, &user.id, "created", saved.sync, delivery).await?;
    done(output, &user, "created", &sync)
}

async fn set(
    app: &App,
    id: &str,
    assignments: &[Assignment],
    delivery: &Delivery,
    output: &Output,
) -> Result<Exit, Failure> {
    let schema = app.user_schema(Empty {}).await?;
    let attributes: Map<String, Value> =
        assignments.iter().map(|a| (a.attribute.clone(), a.value(kind_of(&schema, &a.attribute)))).collect();
    let draft = UserDraft { id: Some(id.to_owned()), rev: None, attributes: Value::Object(attributes) };
    let saved = app.user_save(draft).await?;
    let user = saved.user.ok_or_else(|| Failure::error("the user was changed, but cannot be read back"))?;
    let sync = deliver(app, &user.id, "changed", saved.sync, delivery).await?;
    done(output, &user, "changed", &sync)
}

fn kind_of<'a>(schema: &'a UserSchema, attribute: &str) -> Option<&'a str> {
    let name = attribute.trim_start_matches('/');
    schema.attributes.iter().find(|a| a.name == name).map(|a| a.kind.as_str())
}

/// Carries on what was done to a user. That is kept, whatever becomes of the rest: whoever reads of a failure is not to do it again.
async fn deliver(
    app: &App,
    id: &str,
    what: &str,
    queued: Vec<SyncResult>,
    delivery: &Delivery,
) -> Result<Vec<SyncResult>, Failure> {
    if delivery.no_wait {
        return Ok(queued);
    }
    Ok(app.user_deliver(id).await.map_err(|error| {
        let message = format!("user {id} is {what}; carrying that on broke off: {}", error.message);
        ApiError { message, ..error }
            .with_hint("`concord queue list` shows what waits, `concord queue retry` carries it on")
    })?)
}

/// Prints what became of a user at every target. The change itself is made; a target that failed is the exit code's matter.
fn done(output: &Output, user: &UserRow, what: &str, sync: &[SyncResult]) -> Result<Exit, Failure> {
    let said = format!("user {} {what}", user.id);
    let printed = if output.is_json() {
        output.document(&json!({"user": rest_object(user, &[]), "sync": sync}))
    } else {
        output.line(&said).and_then(|()| sync_table(output, sync))
    };
    let failed = sync.iter().any(|s| s.state == SyncState::Failed);
    if failed && !output.is_json() {
        output.hint("Failed targets are tried again; `concord queue list` shows them, `concord queue retry` does it now.");
    }
    (if failed { Exit::SomeFailed } else { Exit::Done }).however_read(printed, &said)
}

fn sync_table(output: &Output, sync: &[SyncResult]) -> Result<(), Failure> {
    let rows: Vec<[String; 3]> =
        sync.iter().map(|s| [s.target.clone(), sync_word(s.state).to_owned(), s.message.clone()]).collect();
    output.table(["TARGET", "STATE", "OUTCOME"], &rows, "")
}

/// The word for how a change stands at a target.
pub fn sync_word(state: SyncState) -> &'static str {
    match state {
        SyncState::Synced => "synced",
        SyncState::Waiting => "waiting",
        SyncState::Failed => "failed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_what_they_look_like_and_texts_stay_texts() {
        for (argument, kind, value) in [
            ("city=", Some("string"), Value::Null),
            ("city=New York", Some("string"), json!("New York")),
            ("postalCode=10115", Some("string"), json!("10115")),
            ("telephoneNumber=+1 555 0100", Some("string"), json!("+1 555 0100")),
            ("telephoneNumber=5550100", Some("string"), json!("5550100")),
            ("title=\"null\"", Some("string"), json!("null")),
            ("title=null", Some("string"), Value::Null),
            ("title=a=b", Some("string"), json!("a=b")),
            ("preferences={\"updates\":true}", Some("object"), json!({"updates": true})),
            ("preferences/updates=false", None, json!(false)),
            ("custom=12", None, json!(12)),
            ("custom=12 apples", None, json!("12 apples")),
        ] {
            let assignment = Assignment::parse(argument).unwrap();
            assert_eq!(assignment.value(kind), value, "{argument}");
        }
    }

    #[test]
    fn what_is_concords_own_is_not_set() {
        for argument in ["_rev=x", "_id=x", " _rev =x", "/_rev=x", "_meta/created=x"] {
            assert!(Assignment::parse(argument).unwrap_err().contains("cannot be set"), "{argument}");
        }
    }
}
