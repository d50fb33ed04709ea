//! `concord connector`: connections to remote systems.

use std::{path::Path, path::PathBuf, sync::Arc};

use api::{
    App,
    dto::{
        ByName, ConnectorDetail, ConnectorDraft, ConnectorEnable, ConnectorState, Empty, SchemaDrift,
        SchemaInfo, SchemaRequest,
    },
};
use clap::Subcommand;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use url::Url;

use crate::{
    exit::{Exit, Failure},
    input,
    interrupt::asked_to_end,
    output::{Output, plain},
};

/// Where we keep what IDM's document does not know; never read back.
const OURS: &str = "concord";

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Adds a connector, or changes the one of that name
    ///
    /// The document has the shape of IDM's provisioner.openicf-NAME.json. Without `name` inside, the name is taken from
    /// the file's name. Secrets in configurationProperties go into the vault; secrets that are left out of a change stay
    /// as they are.
    Add {
        /// The document, or - for stdin
        file: PathBuf,
    },
    /// Lists the connectors
    List,
    /// Shows a connector's configuration, without its secrets
    Show { name: String },
    /// Tests one connector, or all of them
    Test { name: Option<String> },
    /// Shows the attributes of an object type, or of all, as the system tells them, and what changed in them
    ///
    /// What changed is told until somebody marks it as seen on the connector's Object Types tab, or with --seen.
    Schema {
        name: String,
        object_type: Option<String>,
        /// Marks what changed as seen, after it is shown
        #[arg(long)]
        seen: bool,
    },
    /// Asks for consent in the browser and stores the tokens
    Authorize {
        name: String,
        /// Only prints the address of the consent page
        #[arg(long)]
        no_open: bool,
    },
    /// Runs a script of the connector's systemActions, in JavaScript and without network, and prints its value
    ///
    /// The script sees its arguments as variables and in `scriptArguments`, the connector's settings without its secrets as
    /// `configuration`, and `operation`. It has 250 ms.
    Script {
        name: String,
        /// The script's scriptId
        script: String,
        /// Its arguments, as texts
        #[arg(value_name = "name=value", value_parser = argument)]
        arguments: Vec<(String, String)>,
    },
    /// Lets runs use a connector
    Enable { name: String },
    /// Keeps runs from using a connector
    Disable { name: String },
    /// Removes a connector with its secrets
    Remove { name: String },
}

pub async fn run(command: &Command, app: &Arc<App>, output: &Output) -> Result<Exit, Failure> {
    match command {
        Command::Add { file } => add(app, file, output).await,
        Command::List => list(app, output).await,
        Command::Show { name } => show(app, name, output).await,
        Command::Test { name } => test(app, name.as_deref(), output).await,
        Command::Schema { name, object_type, seen } => {
            schema(app, name, object_type.as_deref(), output).await?;
            if *seen {
                mark_seen(app, name, object_type.as_deref()).await?;
            }
            Ok(Exit::Done)
        }
        Command::Authorize { name, no_open } => authorize(app, name, *no_open, output).await,
        Command::Script { name, script: id, arguments } => script(app, name, id, arguments, output).await,
        Command::Enable { name } => switch(app, name, true, output).await,
        Command::Disable { name } => switch(app, name, false, output).await,
        Command::Remove { name } => {
            let removed = app.connector_remove(ByName { name: name.clone() }).await?;
            if let Some(why) = removed.grant_kept {
                output.hint(&format!(
                    "concord: its authorization was not given back ({why}); take the app's access away at the provider"
                ));
            }
            said(output, name, "removed")
        }
    }
}

/// What became of a connector.
fn said(output: &Output, name: &str, what: &str) -> Result<Exit, Failure> {
    if output.is_json() {
        output.document(&json!({"name": name, "result": what}))?;
    } else {
        output.line(format!("connector `{name}` {what}"))?;
    }
    Ok(Exit::Done)
}

async fn add(app: &App, file: &Path, output: &Output) -> Result<Exit, Failure> {
    let mut config = input::read_json(file)?;
    let Value::Object(document) = &mut config else {
        return Err(Failure::error(format!(
            "{} is not a connector configuration: expected an object in the shape of IDM's provisioner.openicf-<name>.json",
            input::title(file)
        )));
    };
    document.shift_remove(OURS);
    let named = document.get("name").and_then(Value::as_str).filter(|n| !n.is_empty()).map(str::to_owned);
    let name = named.or_else(|| name_of_file(file)).ok_or_else(|| {
        Failure::error(format!("{} has no `name`; a document on stdin needs one", input::title(file)))
    })?;
    document.insert("name".into(), name.clone().into());
    let connectors = app.connectors_list(Empty {}).await?;
    let create = !connectors.iter().any(|c| c.name.eq_ignore_ascii_case(&name));
    let saved =
        app.connector_save(ConnectorDraft { create, rev: None, config, secrets: Default::default() }).await?;
    let name = saved.summary.name;
    said(output, &name, if create { "added" } else { "changed" })?;
    if !output.is_json() {
        output.hint(&format!("Test it with `concord connector test {name}`."));
    }
    Ok(Exit::Done)
}

/// `provisioner.openicf-NAME.json` or `NAME.json`.
fn name_of_file(file: &Path) -> Option<String> {
    if input::is_stdin(file) {
        return None;
    }
    let stem = file.file_stem()?.to_str()?;
    let name = stem.strip_prefix("provisioner.openicf-").unwrap_or(stem);
    (!name.is_empty()).then(|| name.to_owned())
}

async fn list(app: &App, output: &Output) -> Result<Exit, Failure> {
    let connectors = app.connectors_list(Empty {}).await?;
    if output.is_json() {
        output.document(&connectors)?;
        return Ok(Exit::Done);
    }
    let rows: Vec<[String; 5]> = connectors
        .into_iter()
        .map(|c| [c.name, c.provider, state_word(c.state).into(), c.host, c.mappings.join(", ")])
        .collect();
    output.table(
        ["NAME", "SYSTEM", "STATE", "HOST", "MAPPINGS"],
        &rows,
        "There is no connector yet; `concord connector add FILE` adds one.",
    )?;
    Ok(Exit::Done)
}

fn state_word(state: ConnectorState) -> &'static str {
    match state {
        ConnectorState::Active => "active",
        ConnectorState::Error => "error",
        ConnectorState::Disabled => "disabled",
        ConnectorState::Untested => "untested",
    }
}

async fn show(app: &App, name: &str, output: &Output) -> Result<Exit, Failure> {
    let ConnectorDetail { summary, mut config, secrets, authorized, can_authorize, redirect_uri, .. } =
        app.connector_get(ByName { name: name.to_owned() }).await?;
    if output.is_json() {
        if let Some(document) = config.as_object_mut() {
            document.insert(
                OURS.into(),
                json!({
                    "state": summary.state, "message": summary.message, "testedAt": summary.tested_at,
                    "secrets": secrets, "canAuthorize": can_authorize, "authorized": authorized,
                    "redirectUri": redirect_uri, "mappings": summary.mappings,
                }),
            );
        }
        output.document(&config)?;
        return Ok(Exit::Done);
    }
    output.line(format!("{} ({})", summary.name, summary.title))?;
    output.line(format!("system:        {} at {}", summary.provider, summary.host))?;
    output.line(format!("state:         {}", state_word(summary.state)))?;
    if let Some(message) = summary.message {
        output.line(format!("last test:     {message}"))?;
    }
    output.line(format!("object types:  {}", summary.object_types.join(", ")))?;
    output.line(format!("mappings:      {}", summary.mappings.join(", ")))?;
    output
        .line(format!("authorization: {}", if authorized { "consent given" } else { "no OAuth consent" }))?;
    output.line("")?;
    let settings = config.get("configurationProperties").and_then(Value::as_object);
    let rows: Vec<[String; 2]> =
        settings.into_iter().flatten().map(|(name, value)| [name.clone(), plain(value)]).collect();
    output.table(["SETTING", "VALUE"], &rows, "")?;
    output.line("")?;
    let rows: Vec<[String; 3]> = secrets
        .into_iter()
        .map(|s| [s.property, if s.set { "set" } else { "not set" }.into(), s.updated_at.unwrap_or_default()])
        .collect();
    output.table(["SECRET", "STATE", "SINCE"], &rows, "")?;
    Ok(Exit::Done)
}

async fn test(app: &Arc<App>, name: Option<&str>, output: &Output) -> Result<Exit, Failure> {
    let names: Vec<String> = match name {
        Some(name) => vec![name.to_owned()],
        None => app.connectors_list(Empty {}).await?.into_iter().map(|c| c.name).collect(),
    };
    // Side by side: a system that does not answer must not hold up the others.
    let mut tests = JoinSet::new();
    for (at, name) in names.into_iter().enumerate() {
        let app = Arc::clone(app);
        tests.spawn(async move {
            let tested = app.connector_test(ByName { name: name.clone() }).await?;
            let detail = app.connector_get(ByName { name }).await?;
            Ok::<_, Failure>((at, tested, detail))
        });
    }
    let mut tested = Vec::new();
    while let Some(ended) = tests.join_next().await {
        tested.push(
            ended.map_err(|problem| Failure::error(format!("a test ended unexpectedly: {problem}")))??,
        );
    }
    tested.sort_by_key(|(at, ..)| *at);
    // One that is switched off is in nobody's way, unless it was asked for by name.
    let failed = tested.iter().any(|(_, t, d)| !t.ok && (d.summary.enabled || name.is_some()));
    let printed = if output.is_json() {
        let rows: Vec<Value> = tested
            .iter()
            .map(|(_, test, detail)| {
                let mut row = json!({
                    "name": test.name,
                    "enabled": detail.summary.enabled,
                    "config": format!("config/provisioner.openicf/{}", test.name),
                    "connectorRef": detail.config.get("connectorRef"),
                    "displayName": detail.summary.title,
                    "objectTypes": detail.summary.object_types,
                    "ok": test.ok,
                });
                if let (Some(error), Some(row)) = (&test.error, row.as_object_mut()) {
                    row.insert("error".into(), error.clone().into());
                }
                row
            })
            .collect();
        output.document(&rows)
    } else {
        let rows: Vec<[String; 3]> = tested
            .into_iter()
            .map(|(_, test, _)| {
                let account = test.account.map(|a| format!("account {a}; ")).unwrap_or_default();
                let missing = if test.missing_scopes.is_empty() {
                    String::new()
                } else {
                    format!("; missing scopes: {}", test.missing_scopes.join(", "))
                };
                let found =
                    test.error.unwrap_or_else(|| format!("{account}{}{missing}", test.checked.join(", ")));
                [test.name, if test.ok { "ok" } else { "failed" }.into(), found]
            })
            .collect();
        output.table(
            ["NAME", "TEST", "FOUND"],
            &rows,
            "There is no connector yet; `concord connector add FILE` adds one.",
        )
    };
    let (exit, what) = match failed {
        true => (Exit::Error, "a test failed"),
        false => (Exit::Done, "no test failed"),
    };
    exit.however_read(printed, what)
}

async fn schema(app: &App, name: &str, object_type: Option<&str>, output: &Output) -> Result<(), Failure> {
    let types = match object_type {
        Some(object_type) => vec![object_type.to_owned()],
        None => app.connector_get(ByName { name: name.to_owned() }).await?.summary.object_types,
    };
    let mut schemas = Vec::new();
    for object_type in types {
        schemas.push(app.connector_schema(SchemaRequest { name: name.to_owned(), object_type }).await?);
    }
    let drifts = app.connector_drift(ByName { name: name.to_owned() }).await?;
    let drift_of = |schema: &SchemaInfo| drifts.iter().find(|drift| drift.object_type == schema.object_type);
    if output.is_json() {
        let mut documents = Vec::new();
        for schema in &schemas {
            let mut document = json!(schema);
            if let (Some(map), Some(drift)) = (document.as_object_mut(), drift_of(schema)) {
                map.insert("drift".into(), json!({"since": drift.changed_at, "changes": drift.changes}));
            }
            documents.push(document);
        }
        match (object_type, documents.first()) {
            (Some(_), Some(document)) => output.document(document)?,
            _ => output.document(&documents)?,
        }
        return Ok(());
    }
    for schema in schemas {
        output.line(format!("{} ({} attributes)", schema.object_type, schema.attributes.len()))?;
        for line in drift_of(&schema).map(drift_lines).unwrap_or_default() {
            output.line(line)?;
        }
        let rows: Vec<[String; 4]> = schema
            .attributes
            .into_iter()
            .map(|a| {
                let marks = [(a.required, "required"), (a.unique, "unique"), (!a.writable, "read-only")];
                let marks: Vec<&str> = marks.iter().filter(|(is, _)| *is).map(|(_, word)| *word).collect();
                [a.name, a.kind, marks.join(", "), a.label]
            })
            .collect();
        output.table(["ATTRIBUTE", "TYPE", "", "LABEL"], &rows, "")?;
    }
    Ok(())
}

async fn mark_seen(app: &App, name: &str, object_type: Option<&str>) -> Result<(), Failure> {
    for drift in app.connector_drift(ByName { name: name.to_owned() }).await? {
        if object_type.is_none_or(|wanted| wanted == drift.object_type) && drift.changed_at.is_some() {
            let request = SchemaRequest { name: name.to_owned(), object_type: drift.object_type };
            app.connector_drift_seen(request).await?;
        }
    }
    Ok(())
}

/// What changed since somebody last looked, a line each, with the mappings that it touches below it.
fn drift_lines(drift: &SchemaDrift) -> Vec<String> {
    let Some(since) = drift.changed_at.as_deref().filter(|_| !drift.changes.is_empty()) else {
        return Vec::new();
    };
    let mut lines = vec![format!("changed since it was last looked at (found {since}):")];
    for change in &drift.changes {
        lines.push(format!("  {} {}", change.attribute, change.words));
        lines.extend(
            change.mappings.iter().map(|touched| format!("    {} {}", touched.mapping, touched.effect)),
        );
    }
    lines
}

fn argument(text: &str) -> Result<(String, String), &'static str> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected name=value, as in city=Ulm"),
    }
}

async fn script(
    app: &App,
    name: &str,
    script: &str,
    arguments: &[(String, String)],
    output: &Output,
) -> Result<Exit, Failure> {
    let arguments =
        arguments.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect();
    let document = app.script_on_connector(name, script, arguments).await?;
    let actions = || document.get("actions").and_then(Value::as_array).into_iter().flatten();
    if output.is_json() {
        output.document(&document)?;
    } else {
        for value in actions().filter_map(|action| action.get("result")) {
            output.line(plain(value))?;
        }
    }
    let errors: Vec<&str> = actions().filter_map(|action| action.get("error")?.as_str()).collect();
    if errors.is_empty() { Ok(Exit::Done) } else { Err(Failure::error(errors.join("; "))) }
}

async fn authorize(app: &App, name: &str, no_open: bool, output: &Output) -> Result<Exit, Failure> {
    let words = *output;
    let show = move |url: &Url| {
        words.hint(&format!("Give consent on this page:\n{url}").replace('\n', " "));
        if !no_open {
            // The address is on the screen already, so a machine without a browser is no obstacle.
            if let Err(why) = open_page(url) {
                words.hint(&format!(
                    "No browser could be started ({why}); open the page yourself on this machine."
                ));
            }
        }
        Ok(())
    };
    let result = tokio::select! {
        result = app.authorize_in_browser(name, show) => result?,
        asked = asked_to_end() => {
            asked?;
            return Err(Failure::error("the authorization was canceled; nothing was stored"));
        }
    };
    if output.is_json() {
        output.document(&result)?;
    } else if result.ok {
        output.line(&result.message)?;
    }
    if !result.ok {
        return Err(Failure::error(result.message));
    }
    Ok(Exit::Done)
}

/// Shows a page in the system's browser. Anything but a web page is refused: the desktop would start whatever program is
/// registered for it.
fn open_page(url: &Url) -> Result<(), String> {
    let here = matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
    if url.scheme() != "https" && !(url.scheme() == "http" && here) {
        return Err(format!("{url} is not a web page that is safe to open"));
    }
    open::that_detached(url.as_str()).map_err(|problem| problem.to_string())
}

async fn switch(app: &App, name: &str, enabled: bool, output: &Output) -> Result<Exit, Failure> {
    let detail = app.connector_enable(ConnectorEnable { name: name.to_owned(), enabled }).await?;
    said(output, &detail.summary.name, if enabled { "enabled" } else { "disabled" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_name_is_the_name() {
        for (file, name) in [
            ("conf/provisioner.openicf-hubspot.json", Some("hubspot")),
            ("crm2.json", Some("crm2")),
            ("provisioner.openicf-.json", None),
            ("-", None),
        ] {
            assert_eq!(name_of_file(Path::new(file)).as_deref(), name, "{file}");
        }
    }

    #[test]
    fn only_web_pages_are_opened() {
        for url in ["file:///etc/passwd", "mailto:a@example.org", "http://crm.example.org/oauth"] {
            assert!(open_page(&url.parse().unwrap()).is_err(), "{url}");
        }
    }
}
