//! From the first start to a change that arrived at the other system, with nothing but what is on the screen.

use acceptance::webdriver::{Role, Session, attempt, until};
use serde_json::{Value, json};

use crate::screen::{Keyring, Screen, Setup, call};

const TO_USERS: &str = "systemHubspotContact_managedUser";
const TO_HUBSPOT: &str = "managedUser_systemHubspotContact";
/// Beyond ASCII on purpose: it crosses the window's edge, two mappings and two databases.
const NEW_NAME: &str = "Ångström-Жук";
const NEW_FIRST_NAME: &str = "Renée";
const THEIR_NAME: &str = "Okoye";

#[tokio::test]
async fn sample_data_becomes_users_and_a_change_goes_back() {
    let mut screen = Screen::start(&[]).await;
    let app = &screen.app;

    app.sees("Keep people in sync").await;
    screen.picture("1-first-start").await;
    app.press(Role::Button, "Try it with sample data").await;

    app.find(Role::Link, TO_USERS).await;
    app.press(Role::Link, "Mappings").await;
    app.find(Role::Button, "New mapping").await;
    screen.picture("2-mappings").await;
    app.press(Role::Button, &format!("Preview {TO_USERS}")).await;
    let carry_out = app.find_by(Role::Button, "button with the number of changes", says_how_many).await;
    screen.picture("3-preview").await;
    let label = app.name(&carry_out).await.unwrap();
    app.press(Role::Button, &label).await;
    let planned = label.split(' ').nth(1).unwrap();
    app.sees(&format!("{planned} of {planned} changes done")).await;
    screen.picture("4-reconciled").await;

    app.press(Role::Link, "User").await;
    app.find(Role::Heading, "User").await;
    app.sees(" users").await;
    screen.picture("5-users").await;
    first_row(app).await;
    let email = field(app, "Email Address").await;
    app.fill("Last Name", NEW_NAME).await;
    app.press(Role::Button, "Save").await;
    app.sees("all saved").await;
    screen.picture("6-user").await;

    // The change is delivered without anybody asking for it.
    let sandbox = sandbox_url(app).await;
    let contact = attempt(async || {
        contact_of(&sandbox, &email).await.filter(|contact| contact["properties"]["lastname"] == NEW_NAME)
    })
    .await;
    if contact.is_none() {
        let queue = call(app, "queue_list", json!({})).await;
        let page = app.text().await.unwrap_or_default();
        panic!("{email} has no new name in the sandbox; the queue is {queue:?}; the page says:\n{page}");
    }
    app.sees("synced").await;
    until("empty queue", async || {
        let status = call(app, "app_status", json!({})).await.unwrap();
        (status["queue"] == 0).then_some(())
    })
    .await;

    // With delivery switched off a change waits for the reconciliation.
    deliver(app, TO_HUBSPOT, false).await;
    app.fill("First Name", NEW_FIRST_NAME).await;
    app.press(Role::Button, "Save").await;
    app.sees("all saved").await;
    app.press(Role::Link, "Mappings").await;
    app.press(Role::Button, &format!("Reconcile {TO_HUBSPOT}")).await;
    app.sees("1 of 1 change done").await;
    let contact = contact_of(&sandbox, &email).await.unwrap();
    assert_eq!(contact["properties"]["firstname"], NEW_FIRST_NAME);
    app.press(Role::Link, TO_HUBSPOT).await;
    app.press(Role::Tab, "Runs").await;
    app.find_by(Role::Button, "run", |name| name.contains("Reconcile")).await;
    screen.picture("7-written-back").await;

    // What somebody changes over there comes in.
    overwrite(&sandbox, &contact, json!({ "lastname": THEIR_NAME })).await;
    app.press(Role::Link, "Mappings").await;
    app.press(Role::Button, &format!("Reconcile {TO_USERS}")).await;
    until("user with the name from the sandbox", async || {
        let found = call(app, "users_list", json!({ "search": email })).await.unwrap();
        (found["users"][0]["attributes"]["sn"] == THEIR_NAME).then_some(())
    })
    .await;

    // The next morning: everything is where it was, the sandbox too.
    screen.start_again().await;
    let app = &screen.app;
    app.find(Role::Heading, "Dashboard").await;
    assert_eq!(sandbox_url(app).await, sandbox, "the sample connector points at this address");
    app.press(Role::Link, "Connectors").await;
    app.press_by(Role::Button, "Test", |name| name.starts_with("Test")).await;
    app.sees("Active").await;
    screen.picture("8-next-morning").await;
    screen.end().await.unwrap();
}

#[tokio::test]
async fn where_there_is_no_keyring_the_sample_waits_for_a_passphrase() {
    the_sample_waits_for_a_passphrase(Keyring::Absent, "9-no-keyring").await;
}

#[tokio::test]
async fn where_the_keyring_keeps_nothing_the_sample_waits_for_a_passphrase() {
    the_sample_waits_for_a_passphrase(Keyring::Shut, "10-shut-keyring").await;
}

async fn the_sample_waits_for_a_passphrase(keyring: Keyring, picture: &str) {
    let setup = Setup { arguments: &["--with-sandbox"], keyring, ..Setup::default() };
    let screen = Screen::set_up(setup).await;
    let app = &screen.app;
    app.sees("Choose a passphrase").await;
    screen.picture(picture).await;
    app.press(Role::Button, "Ask the keyring again").await;
    app.sees("cannot keep the vault's key").await;
    app.fill("Passphrase", "a passphrase for tests").await;
    app.press(Role::Button, "Set passphrase").await;
    app.press(Role::Link, "Mappings").await;
    app.find(Role::Link, TO_USERS).await;
    app.find(Role::Link, TO_HUBSPOT).await;
    screen.end().await.unwrap();
}

fn says_how_many(name: &str) -> bool {
    name.strip_prefix("Reconcile ").is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_digit()))
}

async fn first_row(app: &Session) {
    let pressed = "const row = document.querySelector('[data-row=\"0\"]'); row?.click(); return row !== null";
    until("first row", async || {
        app.run(pressed, &[]).await.is_ok_and(|pressed| pressed == true).then_some(())
    })
    .await;
}

async fn field(app: &Session, name: &str) -> String {
    let field = app.find(Role::Textbox, name).await;
    app.written(&field).await.unwrap()
}

async fn sandbox_url(app: &Session) -> String {
    let status = call(app, "app_status", json!({})).await.unwrap();
    status["sandboxUrl"].as_str().expect("the sandbox runs").to_owned()
}

/// Switches the delivery of single changes on or off, as the mapping's document says it.
async fn deliver(app: &Session, mapping: &str, at_once: bool) {
    let mut detail = call(app, "mapping_get", json!({ "name": mapping })).await.unwrap();
    detail["config"]["enableSync"] = json!(at_once);
    call(app, "mapping_save", json!({ "create": false, "config": detail["config"] })).await.unwrap();
}

async fn overwrite(sandbox: &str, contact: &Value, properties: Value) {
    let id = contact["id"].as_str().unwrap();
    let address = format!("{sandbox}/__sandbox/contacts/{id}");
    let answer = reqwest::Client::new().post(address).json(&properties).send().await.unwrap();
    assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
}

async fn contact_of(sandbox: &str, email: &str) -> Option<Value> {
    let page = reqwest::get(format!("{sandbox}/__sandbox/contacts?limit=1000")).await.ok()?;
    let page: Value = page.json().await.ok()?;
    // The user's address is in small letters, whatever the contact's is in.
    let is_theirs = |contact: &&Value| {
        contact["properties"]["email"].as_str().is_some_and(|theirs| theirs.eq_ignore_ascii_case(email))
    };
    page["results"].as_array()?.iter().find(is_theirs).cloned()
}
