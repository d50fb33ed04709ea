//! `concord demo`: the whole story against sandboxes on this machine, in a folder that is forgotten afterwards.

mod salesforce;

use std::net::Ipv4Addr;

use api::{
    App, AppOptions,
    dto::{RunMode, RunStart, RunState, RunSummary, UserDraft, UserRow, UsersRequest},
};
use sandbox::hubspot::{Options, Portal, RecordCopy, Sandbox};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use uuid::Uuid;

use crate::{
    exit::{Exit, Failure},
    output::{Output, counted, plain},
    summary::duration,
};

const RECORDS: usize = 250;
const SEED: u64 = 7;
const INBOUND: &str = "systemHubspotContact_managedUser";
const OUTBOUND: &str = "managedUser_systemHubspotContact";
const NEW_PHONE: &str = "+1 555 0142";
const NEW_TITLE: &str = "Head of Something Else";

/// Tells one step after the other, to people in words, to programs as one document at the end.
struct Story<'o> {
    output: &'o Output,
    steps: Vec<Value>,
}

impl Story<'_> {
    fn tell(&mut self, step: &str, words: &str, facts: Value) -> Result<(), Failure> {
        if !self.output.is_json() {
            self.output.line(format!("{}. {step}", self.steps.len() + 1))?;
            self.output.line(format!("   {words}"))?;
        }
        self.steps.push(json!({"step": step, "outcome": words, "facts": facts}));
        Ok(())
    }
}

pub async fn run(output: &Output) -> Result<Exit, Failure> {
    let folder = tempfile::tempdir()
        .map_err(|problem| Failure::error(format!("a temporary folder cannot be made ({problem})")))?;
    // A key of its own for a folder that is thrown away: the keyring is left alone.
    let passphrase = format!("{}{}", Uuid::new_v4(), Uuid::new_v4());
    let app =
        App::open(AppOptions { data_dir: folder.path().to_owned(), passphrase: Some(passphrase) }).await?;
    let cannot =
        |problem: std::io::Error| Failure::error(format!("the sandbox cannot be started ({problem})"));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(cannot)?;
    let options = Options { records: RECORDS, seed: SEED, ..Options::default() };
    let token = options.access_token.clone().unwrap_or_default();
    let sandbox = Sandbox::start(listener, options).await.map_err(cannot)?;
    let mut story = Story { output, steps: Vec::new() };
    let told = tell(&app, &sandbox, &token, &mut story).await;
    sandbox.stop().await;
    told?;
    if output.is_json() {
        output.document(&json!({"steps": story.steps}))?;
    } else {
        output.line("")?;
        output.line("That was all in a temporary folder, which is gone now.")?;
        output.hint("Your own HubSpot: `concord connector add FILE`, `concord mapping add FILE`, `concord recon MAPPING --preview`.");
    }
    Ok(Exit::Done)
}

async fn tell(app: &App, sandbox: &Sandbox, token: &str, story: &mut Story<'_>) -> Result<(), Failure> {
    let portal = sandbox.portal();
    let url = sandbox.url();
    app.sample_setup(&url, token).await?;
    story.tell(
        "A HubSpot sandbox, a connector to it, and a mapping each way",
        &format!("{} contacts at {url}; the service key is in the vault", portal.contacts().len()),
        json!({"url": url, "contacts": portal.contacts().len()}),
    )?;

    let preview = reconcile(app, INBOUND, RunMode::Preview, false).await?;
    story.tell(
        "Preview: what would happen, without writing anything",
        &format!(
            "{} changes planned, {} records would fail, {} users so far",
            preview.changes,
            preview.failed,
            users(app).await?
        ),
        facts(&preview),
    )?;

    let first = reconcile(app, INBOUND, RunMode::Reconcile, false).await?;
    story.tell(
        "Reconcile: the contacts become users",
        &format!(
            "{} done, {} failed; {} users now, {}, {}",
            first.done,
            first.failed,
            users(app).await?,
            counted(first.calls, "call"),
            duration(first.duration_ms)
        ),
        facts(&first),
    )?;

    let second = reconcile(app, INBOUND, RunMode::Reconcile, false).await?;
    story.tell(
        "Once more: nothing has changed, so nothing is written",
        &format!(
            "{} changes, {} to read, {}",
            second.changes,
            counted(second.calls, "call"),
            duration(second.duration_ms)
        ),
        facts(&second),
    )?;

    edit_a_user(app, &portal, story).await?;
    edit_a_contact(app, &portal, story).await?;

    portal.reset_calls();
    let reverse = reconcile(app, OUTBOUND, RunMode::Reconcile, false).await?;
    story.tell(
        "Reconcile the other way: HubSpot and the users agree",
        &format!(
            "{} changes, {} failed; HubSpot saw {} writes",
            reverse.changes,
            reverse.failed,
            portal.writes().len()
        ),
        facts(&reverse),
    )?;
    salesforce::tell(app, &portal, story).await
}

async fn edit_a_user(app: &App, portal: &Portal, story: &mut Story<'_>) -> Result<(), Failure> {
    let page = some_users(app, None, 1).await?;
    let user = page.first().ok_or_else(|| Failure::error("the demo found no user to edit"))?;
    let mail = user.attributes.get("mail").map(plain).unwrap_or_default();
    let draft =
        UserDraft { id: Some(user.id.clone()), rev: None, attributes: json!({"telephoneNumber": NEW_PHONE}) };
    app.user_save(draft).await?;
    let sync = app.user_deliver(&user.id).await?;
    let phone = found(portal, &mail).and_then(|c| c.properties.get("phone").cloned()).unwrap_or_default();
    let outcome: Vec<String> = sync.iter().map(|s| format!("{}: {}", s.target, s.message)).collect();
    expect(phone == NEW_PHONE, "HubSpot should have the new telephone number", &outcome.join("; "))?;
    story.tell(
        "Edit a user: the change reaches HubSpot at once",
        &format!("{mail} got telephone number {NEW_PHONE}; HubSpot now says {phone}"),
        json!({"user": user.id, "sync": sync, "hubspot": phone}),
    )
}

async fn edit_a_contact(app: &App, portal: &Portal, story: &mut Story<'_>) -> Result<(), Failure> {
    let contacts = portal.contacts();
    let contact = contacts
        .iter()
        .find(|c| c.properties.get("email").is_some_and(|e| !e.is_empty()))
        .ok_or_else(|| Failure::error("the demo found no contact to edit"))?;
    let mail = contact.properties.get("email").cloned().unwrap_or_default().to_lowercase();
    portal
        .set(&contact.id, &[("jobtitle", NEW_TITLE)])
        .map_err(|problem| Failure::error(format!("the sandbox refused the edit ({problem})")))?;
    let run = reconcile(app, INBOUND, RunMode::Reconcile, false).await?;
    let filter = format!("mail eq {}", Value::String(mail.clone()));
    let page = some_users(app, Some(filter), 1).await?;
    let title = page.first().and_then(|u| u.attributes.get("title")).map(plain).unwrap_or_default();
    expect(
        title == NEW_TITLE,
        "the user should have the new job title",
        run.message.as_deref().unwrap_or_default(),
    )?;
    story.tell(
        "Edit a contact in HubSpot and reconcile: only that user changes",
        &format!("{}; {mail} is now \"{title}\"", counted(run.changes, "change")),
        facts(&run),
    )
}

/// A story that does not come true is an error, not a tale.
fn expect(true_: bool, what: &str, seen: &str) -> Result<(), Failure> {
    if true_ { Ok(()) } else { Err(Failure::error(format!("the demo went wrong: {what} ({seen})"))) }
}

async fn reconcile(
    app: &App,
    mapping: &str,
    mode: RunMode,
    incremental: bool,
) -> Result<RunSummary, Failure> {
    let request =
        RunStart { mapping: mapping.to_owned(), mode, ids: Vec::new(), allow_deletes: None, incremental };
    let begun = app.run_start(request).await?;
    let run = app.run_wait(&begun.id, |_| {}).await?;
    // A story that goes on after a run that came to nothing would only puzzle.
    if matches!(run.state, RunState::Failed | RunState::Held | RunState::Canceled) {
        let why = run.message.as_deref().unwrap_or("the program says no reason");
        return Err(Failure::error(format!("the run of {mapping} did not finish: {why}")));
    }
    Ok(run)
}

/// The contact with this address.
fn found(portal: &Portal, mail: &str) -> Option<RecordCopy> {
    let has = |contact: &RecordCopy| {
        contact.properties.get("email").is_some_and(|email| email.eq_ignore_ascii_case(mail))
    };
    portal.contacts().into_iter().find(has)
}

/// The first users by their addresses.
async fn some_users(app: &App, filter: Option<String>, limit: usize) -> Result<Vec<UserRow>, Failure> {
    let request = UsersRequest {
        search: None,
        filter,
        sort: Some("mail".into()),
        after: None,
        limit: u32::try_from(limit).ok(),
    };
    Ok(app.users_list(request).await?.users)
}

async fn users(app: &App) -> Result<u64, Failure> {
    Ok(app.app_status(api::dto::Empty {}).await?.users)
}

fn facts(run: &RunSummary) -> Value {
    json!({
        "run": run.id, "mapping": run.mapping, "changes": run.changes, "done": run.done,
        "failed": run.failed, "calls": run.calls, "durationMs": run.duration_ms,
    })
}
