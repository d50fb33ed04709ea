//! The second half of the story: Salesforce joins, and what changes on one side reaches the other.

use std::net::Ipv4Addr;

use api::{
    App,
    dto::{ConnectorDraft, RunMode, UserDraft},
};
use model::MappingConfig;
use sandbox::hubspot::Portal;
use sandbox::salesforce::{Options, Org, Sandbox};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{SEED, Story, expect, facts, found, reconcile, some_users, users};
use crate::{
    exit::Failure,
    output::{counted, plain},
};

const RECORDS: usize = 60;
/// So many work with both systems.
const SHARED: usize = 20;
const INBOUND: &str = "systemSalesforceUser_managedUser";
const OUTBOUND: &str = "managedUser_systemSalesforceUser";
const NEW_MOBILE: &str = "+1 555 0199";
const NEW_TITLE: &str = "Head of Both Worlds";

/// Tells it. The sandbox is gone again afterwards.
pub(super) async fn tell(app: &App, portal: &Portal, story: &mut Story<'_>) -> Result<(), Failure> {
    let cannot = |problem: std::io::Error| {
        Failure::error(format!("the Salesforce sandbox cannot be started ({problem})"))
    };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(cannot)?;
    let options = Options { records: RECORDS, seed: SEED, ..Options::default() };
    let session = options.access_token.clone().unwrap_or_default();
    let sandbox = Sandbox::start(listener, options).await.map_err(cannot)?;
    let told = with_org(app, portal, &sandbox, session, story).await;
    sandbox.stop().await;
    told
}

async fn with_org(
    app: &App,
    portal: &Portal,
    sandbox: &Sandbox,
    session: String,
    story: &mut Story<'_>,
) -> Result<(), Failure> {
    let (org, url) = (sandbox.org(), sandbox.url());
    let shared = share_people(app, &org).await?;
    connect(app, &org, &url, session).await?;
    story.tell(
        "A Salesforce sandbox beside it, with a mapping each way",
        &format!(
            "{} users at {url}; {SHARED} of them have the e-mail address of a contact",
            org.count("User")
        ),
        json!({"url": url, "users": org.count("User"), "shared": SHARED}),
    )?;

    let before = users(app).await?;
    let run = reconcile(app, INBOUND, RunMode::Reconcile, false).await?;
    let new = users(app).await? - before;
    let joined = run.done.saturating_sub(new);
    expect(
        joined == SHARED as u64,
        "the people of both systems should be found by their e-mail addresses",
        &format!("{joined} of {SHARED}"),
    )?;
    app.queue_deliver().await?;
    story.tell(
        "Reconcile: Salesforce users meet the people who are there already",
        &format!(
            "{joined} found by e-mail and linked to both systems, {new} new, {} failed, {}; HubSpot has {} contacts now",
            run.failed,
            counted(run.calls, "call"),
            portal.contacts().len()
        ),
        facts(&run),
    )?;
    edit_a_user(app, portal, &org, &shared, story).await?;
    edit_in_salesforce(app, portal, &org, &shared, story).await
}

/// Gives some Salesforce users the address of a person whom HubSpot knows. Gives the first such address.
async fn share_people(app: &App, org: &Org) -> Result<String, Failure> {
    let page = some_users(app, None, SHARED).await?;
    let mails: Vec<String> = page.iter().filter_map(|user| user.attributes.get("mail").map(plain)).collect();
    let people = org.records("User").into_iter().filter(|user| {
        let is = |field: &str, value: &str| user.fields.get(field).is_some_and(|text| text == value);
        is("IsActive", "true") && user.fields.contains_key("EmployeeNumber")
    });
    for (user, mail) in people.zip(&mails) {
        org.set("User", &user.id, &[("Email", mail)]).map_err(|problem| {
            Failure::error(format!("the Salesforce sandbox refused the edit ({problem})"))
        })?;
    }
    mails.into_iter().next().ok_or_else(|| Failure::error("the demo found no user to share"))
}

async fn connect(app: &App, org: &Org, url: &str, session: String) -> Result<(), Failure> {
    let config = json!({
        "name": "salesforce",
        "displayName": "Salesforce (sandbox)",
        "connectorRef": {"connectorName": "org.forgerock.openicf.connectors.salesforce.SalesforceConnector"},
        "configurationProperties": {"loginUrl": url, "instanceUrl": url},
    });
    let secrets = [("accessToken".to_owned(), session)].into();
    app.connector_save(ConnectorDraft { create: true, rev: None, config, secrets }).await?;
    let unsound =
        |problem: &dyn std::fmt::Display| Failure::error(format!("a mapping is not sound: {problem}"));
    let inbound = api::ready_mapping(INBOUND, "salesforce").map_err(|e| unsound(&e))?;
    let outbound = api::ready_mapping(OUTBOUND, "salesforce").map_err(|e| unsound(&e))?;
    // New users need a profile, and its id is the organization's own.
    let profile = org.find("Profile", "Name", "Standard User").map(|profile| profile.id).unwrap_or_default();
    let mut document = serde_json::to_value(outbound).map_err(|e| unsound(&e))?;
    for property in document["properties"].as_array_mut().into_iter().flatten() {
        if property["target"] == "ProfileId" {
            property["transform"]["value"] = json!(profile);
        }
    }
    let outbound = MappingConfig::from_value(document).map_err(|e| unsound(&e))?;
    app.mappings_add(vec![inbound, outbound]).await?;
    Ok(())
}

fn in_salesforce(org: &Org, mail: &str, field: &str) -> String {
    let user = org.find("User", "Email", mail);
    user.and_then(|user| user.fields.get(field).cloned()).unwrap_or_default()
}

fn in_hubspot(portal: &Portal, mail: &str, property: &str) -> String {
    found(portal, mail).and_then(|contact| contact.properties.get(property).cloned()).unwrap_or_default()
}

async fn edit_a_user(
    app: &App,
    portal: &Portal,
    org: &Org,
    mail: &str,
    story: &mut Story<'_>,
) -> Result<(), Failure> {
    let filter = format!("mail eq {}", Value::String(mail.to_owned()));
    let user = some_users(app, Some(filter), 1).await?;
    let user = user.first().ok_or_else(|| Failure::error("the demo found no user to edit"))?;
    let draft =
        UserDraft { id: Some(user.id.clone()), rev: None, attributes: json!({"mobilePhone": NEW_MOBILE}) };
    app.user_save(draft).await?;
    let sync = app.user_deliver(&user.id).await?;
    let (there, here) = (in_salesforce(org, mail, "MobilePhone"), in_hubspot(portal, mail, "mobilephone"));
    let outcome: Vec<String> = sync.iter().map(|s| format!("{}: {}", s.target, s.message)).collect();
    expect(
        there == NEW_MOBILE && here == NEW_MOBILE,
        "both systems should have the new mobile number",
        &outcome.join("; "),
    )?;
    story.tell(
        "Edit a user once more: the change reaches both systems at once",
        &format!("{mail} got mobile number {NEW_MOBILE}; HubSpot says {here}, Salesforce says {there}"),
        json!({"user": user.id, "sync": sync, "hubspot": here, "salesforce": there}),
    )
}

async fn edit_in_salesforce(
    app: &App,
    portal: &Portal,
    org: &Org,
    mail: &str,
    story: &mut Story<'_>,
) -> Result<(), Failure> {
    let id = org.find("User", "Email", mail).map(|user| user.id).unwrap_or_default();
    org.set("User", &id, &[("Title", NEW_TITLE)])
        .map_err(|problem| Failure::error(format!("the Salesforce sandbox refused the edit ({problem})")))?;
    let run = reconcile(app, INBOUND, RunMode::Reconcile, true).await?;
    app.queue_deliver().await?;
    let here = in_hubspot(portal, mail, "jobtitle");
    expect(
        here == NEW_TITLE,
        "HubSpot should have the job title that was changed in Salesforce",
        run.message.as_deref().unwrap_or(&here),
    )?;
    story.tell(
        "Edit in Salesforce and look at changes alone: it flows through to HubSpot",
        &format!(
            "{} in {}; {mail} is now \"{here}\" in HubSpot",
            counted(run.changes, "change"),
            counted(run.calls, "call")
        ),
        facts(&run),
    )
}
