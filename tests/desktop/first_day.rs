//! From the first start to a change that arrived at the other system, with nothing but what is on the screen.

use acceptance::webdriver::{Role, Session, until};
use serde_json::{Value, json};

use crate::screen::Screen;

const TO_USERS: &str = "systemHubspotContact_managedUser";
const TO_HUBSPOT: &str = "managedUser_systemHubspotContact";
/// Beyond ASCII on purpose: it crosses the window's edge, two mappings and two databases.
const NEW_NAME: &str = "Ångström-Жук";

#[tokio::test]
async fn sample_data_becomes_users_and_a_change_goes_back() {
    let mut screen = Screen::start(&[]).await;
    let app = &screen.app;

    app.sees("Keep people in sync").await;
    screen.picture("1-first-start").await;
    app.press(Role::Button, "Try it with sample data").await;

    app.find(Role::Heading, "Mappings").await;
    app.find(Role::Link, TO_USERS).await;
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

    app.press(Role::Link, "Mappings").await;
    app.press(Role::Button, &format!("Reconcile {TO_HUBSPOT}")).await;
    let sandbox = sandbox_url(app).await;
    let contact = until("contact with the new name in the sandbox", async || {
        contact_of(&sandbox, &email).await.filter(|contact| contact["properties"]["lastname"] == NEW_NAME)
    })
    .await;
    assert_eq!(contact["properties"]["email"], email.as_str());
    app.press(Role::Link, TO_HUBSPOT).await;
    app.sees("Last run").await;
    screen.picture("7-written-back").await;

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
    let status = crate::screen::call(app, "app_status", json!({})).await.unwrap();
    status["sandboxUrl"].as_str().expect("the sandbox runs").to_owned()
}

async fn contact_of(sandbox: &str, email: &str) -> Option<Value> {
    let page = reqwest::get(format!("{sandbox}/__sandbox/contacts?limit=1000")).await.ok()?;
    let page: Value = page.json().await.ok()?;
    page["results"].as_array()?.iter().find(|contact| contact["properties"]["email"] == email).cloned()
}
