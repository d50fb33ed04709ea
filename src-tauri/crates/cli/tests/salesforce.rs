//! Salesforce as the author of a script meets it: the real program, the mappings that come along, an org that behaves and
//! one that does not. Whatever happens, the end is the one without faults: nobody twice, nobody lost, no secret in clear.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on ends there")]

#[path = "shared/files.rs"]
mod files;
#[path = "commands/house.rs"]
#[allow(dead_code, reason = "this program needs a part of it")]
mod house;
#[path = "shared/kill.rs"]
mod kill;
#[macro_use]
#[path = "shared/misbehaviour.rs"]
mod misbehaviour;
#[path = "shared/salesforce_grant.rs"]
mod salesforce_grant;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::Write as _,
    path::Path,
    process::Stdio,
    time::Duration,
};

use sandbox::faults::{ALWAYS, Action, Fault};
use sandbox::salesforce::{
    Consent, CursorFault, Faults, Options, Org, PageFault, RowFault, Sandbox, WriteKind,
};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use files::files;
use house::{House, PASSPHRASE, Ran};
use kill::kill_when;
use misbehaviour::{Read, answer, until_done};
use salesforce_grant::{KEY, SECRET, refresh_token};

const IN: &str = "systemSalesforceUser_managedUser";
const OUT: &str = "managedUser_systemSalesforceUser";
const TO_OTHER: &str = "usersToOther";
const SESSION: &str = "sandbox-session";
/// Three pages where a page has a hundred, two collections of a write.
const PEOPLE: usize = 230;

async fn sandbox(options: Options) -> Sandbox {
    Sandbox::start(TcpListener::bind("127.0.0.1:0").await.unwrap(), options).await.unwrap()
}

fn connector(name: &str, sandbox: &Sandbox, more: Value) -> Value {
    let mut properties = json!({
        "loginUrl": format!("{}/services/oauth2/token", sandbox.url()), "permitsPerSecond": 1000,
    });
    properties.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({
        "name": name,
        "connectorRef": {"connectorName": "org.forgerock.openicf.connectors.salesforce.SalesforceConnector"},
        "configurationProperties": properties,
    })
}

/// With a session that needs no authorization.
fn plain(name: &str, sandbox: &Sandbox) -> Value {
    connector(name, sandbox, json!({"accessToken": SESSION, "instanceUrl": sandbox.url()}))
}

/// A mapping that comes along.
fn template(name: &str) -> Value {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../api/templates/salesforce");
    serde_json::from_str(&fs::read_to_string(folder.join(format!("{name}.json"))).unwrap()).unwrap()
}

/// The mapping to Salesforce, with what an administrator has to fill in.
fn outbound(org: &Org) -> Value {
    let mut mapping = template(OUT);
    let profile = org.find("Profile", "Name", "Standard User").unwrap().id;
    for property in mapping["properties"].as_array_mut().unwrap() {
        if property["target"] == "ProfileId" {
            property["transform"]["value"] = json!(profile);
        }
    }
    policy(&mut mapping, "SOURCE_MISSING", "DELETE");
    mapping
}

fn policy(mapping: &mut Value, situation: &str, action: &str) {
    for policy in mapping["policies"].as_array_mut().unwrap() {
        if policy["situation"] == situation {
            policy["action"] = json!(action);
        }
    }
}

fn add(house: &House, what: &str, document: &Value) {
    house.concord_with_input(&[what, "add", "-"], &document.to_string()).exits(0);
}

/// A house whose people come from one org.
async fn importing(options: Options) -> (House, Sandbox) {
    let (house, sandbox) = (House::empty(), sandbox(options).await);
    add(&house, "connector", &plain("salesforce", &sandbox));
    add(&house, "mapping", &template(IN));
    (house, sandbox)
}

/// The same with the mapping back to that org, over the same links.
async fn both_ways(records: usize) -> (House, Sandbox) {
    let (house, sandbox) = importing(Options { records, ..Options::default() }).await;
    add(&house, "mapping", &outbound(&sandbox.org()));
    house.json(0, &["recon", IN]);
    // Names that Salesforce keeps in other case than Concord are made the same once.
    house.json(0, &["recon", OUT]);
    sandbox.org().reset_calls();
    (house, sandbox)
}

/// The same with another org that the people go to.
async fn exporting(records: usize, options: Options) -> (House, Sandbox, Sandbox) {
    let (house, source) = importing(Options { records, seed: 11, ..Options::default() }).await;
    let other = sandbox(options).await;
    add(&house, "connector", &plain("other", &other));
    let mut mapping = outbound(&other.org());
    mapping["name"] = json!(TO_OTHER);
    mapping["target"] = json!("system/other/User");
    mapping["enableSync"] = json!(false);
    mapping.as_object_mut().unwrap().shift_remove("links");
    add(&house, "mapping", &mapping);
    let mut inbound = template(IN);
    inbound["enableSync"] = json!(false);
    add(&house, "mapping", &inbound);
    (house, source, other)
}

/// One person on either side: user name, first name, last name, title.
type Person = (String, String, String, String);

/// The active people of an org, as the mapping sees them.
fn people(org: &Org) -> Vec<Person> {
    let mut all: Vec<Person> = org
        .records("User")
        .iter()
        .filter(|user| user.fields["UserType"] == "Standard" && user.fields["IsActive"] == "true")
        .map(|user| {
            let text = |name: &str| user.fields.get(name).cloned().unwrap_or_default();
            let first = Some(text("FirstName")).filter(|name| !name.is_empty());
            (
                text("Username").to_lowercase(),
                first.unwrap_or_else(|| "-".into()),
                text("LastName"),
                text("Title"),
            )
        })
        .collect();
    all.sort();
    all
}

fn users(house: &House) -> Vec<Person> {
    let listed = house.json(0, &["user", "list", "--fields", "userName,givenName,sn,title"]);
    let mut all: Vec<Person> = listed["result"]
        .as_array()
        .unwrap()
        .iter()
        .map(|user| {
            let text = |name: &str| user[name].as_str().unwrap_or_default().to_owned();
            (text("userName").to_lowercase(), text("givenName"), text("sn"), text("title"))
        })
        .collect();
    all.sort();
    all
}

fn of_user(org: &Org, user_name: &str, field: &str) -> String {
    let user = org.find("User", "Username", user_name).unwrap();
    user.fields.get(field).cloned().unwrap_or_default()
}

fn data_calls(org: &Org) -> usize {
    org.calls().iter().filter(|call| call.path.starts_with("/services/data/")).count()
}

fn rotating(records: usize) -> Options {
    Options { records, consent: Consent::Allow, rotate_refresh_tokens: true, ..Options::default() }
}

// ---- connections ----

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refresh_token_that_rotates_is_never_used_twice() {
    let (house, sandbox) = (House::empty(), sandbox(rotating(20)).await);
    let token = refresh_token(&sandbox.url(), SECRET);
    let grant = json!({"clientId": KEY, "clientSecret": SECRET, "refreshToken": token});
    let file = house.file("provisioner.openicf-salesforce.json", &connector("salesforce", &sandbox, grant));
    assert_eq!(house.json(0, &["connector", "add", &file])["result"], "added");
    let tested = house.json(0, &["connector", "test", "salesforce"]);
    assert_eq!((&tested[0]["ok"], &tested[0]["name"]), (&json!(true), &json!("salesforce")), "{tested}");
    add(&house, "mapping", &template(IN));
    for _ in 0..4 {
        sandbox.org().expire_sessions();
        house.json(0, &["recon", IN]);
    }
    let told = sandbox.org().tokens();
    assert_eq!((told.reuses, told.grants), (0, 1));
    assert!(told.refreshes >= 5, "{told:?}");

    sandbox.org().revoke_all();
    for _ in 0..2 {
        let ran = house.concord(&["recon", IN]).exits(1);
        assert!(ran.err.contains("authorize again"), "{ran:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connector_that_is_removed_gives_its_authorization_back() {
    let (house, sandbox) = (House::empty(), sandbox(rotating(5)).await);
    let token = refresh_token(&sandbox.url(), SECRET);
    let grant = json!({"clientId": KEY, "clientSecret": SECRET, "refreshToken": token});
    add(&house, "connector", &connector("salesforce", &sandbox, grant));
    let tested = house.json(0, &["connector", "test", "salesforce"]);
    assert_eq!((&tested[0]["ok"], sandbox.org().tokens().grants), (&json!(true), 1), "{tested}");
    house.json(0, &["connector", "remove", "salesforce"]);
    assert_eq!(sandbox.org().tokens().grants, 0, "nobody can use it any more");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_connects_as_itself() {
    let (house, sandbox) = (House::empty(), sandbox(Options { records: 20, ..Options::default() }).await);
    let app = |secret: &str| {
        let own = json!({"grantType": "client_credentials", "clientId": KEY, "clientSecret": secret});
        connector("salesforce", &sandbox, own)
    };
    add(&house, "connector", &app("wrong-secret"));
    let tested = house.json(1, &["connector", "test", "salesforce"]);
    assert!(
        tested[0]["error"].as_str().is_some_and(|words| words.contains("client credentials")),
        "{tested}"
    );
    add(&house, "connector", &app(SECRET));
    house.json(0, &["connector", "test", "salesforce"]);
    add(&house, "mapping", &template(IN));
    house.json(0, &["recon", IN]);
    assert!(sandbox.org().tokens().refreshes == 0 && users(&house).len() > 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_schema_knows_every_attribute_of_the_mappings_that_come_along() {
    let (house, sandbox) = importing(Options::default()).await;
    for name in [IN, OUT, "systemSalesforceContact_managedUser", "systemSalesforceLead_managedUser"] {
        let mapping = if name == OUT { outbound(&sandbox.org()) } else { template(name) };
        let (side, path) = match name {
            OUT => ("target", &mapping["target"]),
            _ => ("source", &mapping["source"]),
        };
        let kind = path.as_str().unwrap().rsplit('/').next().unwrap();
        let schema = house.json(0, &["connector", "schema", "salesforce", kind]);
        let known: BTreeSet<&str> =
            schema["attributes"].as_array().unwrap().iter().filter_map(|a| a["name"].as_str()).collect();
        for property in mapping["properties"].as_array().unwrap() {
            let theirs = property[side].as_str().unwrap();
            assert!(known.contains(theirs), "{name}: {kind} has no {theirs}");
        }
        add(&house, "mapping", &mapping);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mappings_that_come_along_are_added_with_what_they_have_to_be_told() {
    let (house, sandbox) = (House::empty(), sandbox(Options { records: 5, ..Options::default() }).await);
    add(&house, "connector", &plain("salesforce", &sandbox));
    let offered = house.json(0, &["mapping", "templates", "salesforce"]);
    let names: Vec<&str> = offered.as_array().unwrap().iter().filter_map(|m| m["name"].as_str()).collect();
    assert_eq!(names[..2], [IN, OUT], "{offered}");
    for name in ["systemSalesforceContact_managedUser", "systemSalesforceLead_managedUser"] {
        assert!(names.contains(&name), "{offered}");
    }
    let profile = &offered[1]["parameters"][0];
    assert_eq!(
        (&profile["name"], &profile["kind"], &profile["objectType"]),
        (&json!("ProfileId"), &json!("record"), &json!("Profile"))
    );
    let words = house.concord(&["mapping", "templates", "salesforce"]).exits(0).out;
    assert!(words.contains("ProfileId"), "{words}");

    house.json(0, &["mapping", "from-template", "salesforce", IN]);
    let add_out = |parameters: &[&str]| {
        let mut all = vec!["mapping", "from-template", "salesforce", OUT];
        all.extend(parameters);
        house.concord(&all)
    };
    for (parameters, code, words) in [
        (&[][..], 1, "Profile"),
        (&["ProfileId=Nobody"], 1, "Standard User"),
        (&["Shoe=44"], 1, "ProfileId"),
        (&["ProfileId"], 2, "NAME=VALUE"),
    ] {
        let ran = add_out(parameters).exits(code);
        assert!(ran.err.contains(words), "{parameters:?}: {ran:?}");
    }
    add_out(&["ProfileId=Standard User"]).exits(0);
    add_out(&["ProfileId=Standard User"]).exits(1);
    let shown = house.json(0, &["mapping", "show", OUT]);
    let id = sandbox.org().find("Profile", "Name", "Standard User").unwrap().id;
    let properties = shown["properties"].as_array().unwrap();
    let property = properties.iter().find(|property| property["target"] == "ProfileId").unwrap();
    assert_eq!(property["transform"]["value"], json!(id));
    // They run as they are: what is there is linked, and nothing is left to be done.
    house.json(0, &["recon", IN]);
    house.json(0, &["recon", OUT]);
    let quiet = house.json(0, &["recon", OUT]);
    assert_eq!(quiet["progress"]["target"]["created"], 0, "{quiet}");
}

// ---- from Salesforce ----

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_thousand_users_come_in_and_a_quiet_run_is_a_few_calls() {
    let (house, sandbox) = importing(Options { records: 5000, ..Options::default() }).await;
    let org = sandbox.org();
    let wanted = people(&org);
    let preview = house.json(0, &["recon", IN, "--preview"]);
    assert_eq!(preview["concord"]["planned"]["create"], wanted.len(), "{preview}");
    assert_eq!(
        house.json(0, &["user", "list", "--limit", "1"])["resultCount"],
        0,
        "a preview writes nothing"
    );
    let run = house.json(0, &["recon", IN]);
    assert_eq!(run["progress"]["target"]["created"], wanted.len(), "{run}");
    assert_eq!(users(&house), wanted);

    org.reset_calls();
    let quiet = house.json(0, &["recon", IN]);
    assert_eq!(quiet["progress"]["target"]["unchanged"], wanted.len(), "{quiet}");
    assert!(data_calls(&org) <= 6, "{:#?}", org.calls());

    // A run that looks at changes alone costs by what changed.
    let one = org.find("User", "Username", &wanted[7].0).unwrap();
    org.set("User", &one.id, &[("Title", "Head of Something Else")]).unwrap();
    org.reset_calls();
    let changed = house.json(0, &["recon", IN, "--incremental"]);
    assert_eq!(changed["progress"]["target"]["updated"], 1, "{changed}");
    assert!(data_calls(&org) <= 4, "{:#?}", org.calls());
    assert_eq!(users(&house), people(&org));
    assert!(org.writes().iter().all(|write| !write.api), "reading writes nothing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contacts_and_leads_become_users_too() {
    let (house, sandbox) = importing(Options { records: 60, ..Options::default() }).await;
    let org = sandbox.org();
    for (mapping, kind) in
        [("systemSalesforceContact_managedUser", "Contact"), ("systemSalesforceLead_managedUser", "Lead")]
    {
        let uid =
            org.records(kind).iter().find(|record| record.fields.contains_key("Email")).unwrap().id.clone();
        org.set(kind, &uid, &[("Email", "Just.One@example.org"), ("LastName", kind)]).unwrap();
        add(&house, "mapping", &template(mapping));
        house.json(0, &["recon", mapping, "--id", &uid]);
        let user = house.user("mail eq \"just.one@example.org\"");
        assert_eq!(user["sn"], kind, "the second finds the user of the first by the address");
    }
}

// ---- to Salesforce ----

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_is_made_changed_and_deleted_and_salesforce_follows() {
    let (house, sandbox) = both_ways(20).await;
    let org = sandbox.org();
    let ada = json!({
        "userName": "ada.lind@sandbox.example.com", "givenName": "Ada", "sn": "Lind", "mail": "ada.lind@example.com",
    });
    let made = house.json(0, &["user", "create", &house.file("ada.json", &ada)]);
    assert_eq!(made["sync"][0]["state"], "synced", "{made}");
    let id = made["user"]["_id"].as_str().unwrap();
    let name = "ada.lind@sandbox.example.com";
    assert_eq!(of_user(&org, name, "Alias"), "ada.lind");
    assert_eq!(of_user(&org, name, "TimeZoneSidKey"), "America/Los_Angeles");
    assert_eq!(org.count("User"), 23, "with the integration user and the automated process");

    let set = house.json(0, &["user", "set", id, "title=Analyst", "telephoneNumber=+1 555 0100"]);
    assert_eq!(set["sync"][0]["state"], "synced", "{set}");
    assert_eq!(
        (of_user(&org, name, "Title"), of_user(&org, name, "Phone")),
        ("Analyst".into(), "+1 555 0100".into())
    );
    let last = org.writes().last().unwrap().clone();
    let mut sent: Vec<&str> = last.fields.iter().map(|(field, _)| *field).filter(|f| *f != "Id").collect();
    sent.sort_unstable();
    assert_eq!(sent, ["Phone", "Title"], "only what changed");
    house.json(0, &["user", "set", id, "title="]);
    assert_eq!(of_user(&org, name, "Title"), "", "emptied there too");

    // What was left to the next run goes with it, many in one call.
    let listed = house.json(0, &["user", "list", "--filter", "!(userName sw \"integration\")"]);
    let rows = listed["result"].as_array().unwrap();
    for user in rows.iter().take(3) {
        house.json(0, &["user", "set", user["_id"].as_str().unwrap(), "title=Batched", "--no-wait"]);
    }
    org.reset_calls();
    let run = house.json(0, &["recon", OUT]);
    assert_eq!(run["progress"]["target"]["updated"], 3, "{run}");
    let patches = org.calls().iter().filter(|call| call.method == "PATCH").count();
    assert_eq!(patches, 1, "{:#?}", org.calls());

    let deleted = house.json(0, &["user", "delete", id]);
    assert_eq!(deleted["sync"][0]["state"], "synced", "{deleted}");
    assert_eq!(of_user(&org, name, "IsActive"), "false", "Salesforce keeps users and takes their licence");
    let echo = house.json(0, &["recon", IN]);
    assert_eq!(echo["progress"]["target"]["created"], 0, "nor does it come back: {echo}");
    house.concord(&["user", "get", id]).exits(1);
    house.json(0, &["recon", OUT]);
}

/// Salesforce keeps a deleted user, so taking the delete back lets the same one in again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deactivation_is_taken_back() {
    let (house, sandbox) = both_ways(20).await;
    let org = sandbox.org();
    let ada = json!({
        "userName": "ada.lind@sandbox.example.com", "givenName": "Ada", "sn": "Lind", "mail": "ada.lind@example.com",
    });
    let made = house.json(0, &["user", "create", &house.file("ada.json", &ada)]);
    let (id, name) = (made["user"]["_id"].as_str().unwrap(), "ada.lind@sandbox.example.com");
    let mut mapping = outbound(&org);
    mapping["enableSync"] = json!(false);
    add(&house, "mapping", &mapping);
    house.json(0, &["user", "delete", id]);
    let run = house.json(0, &["recon", OUT, "--allow", "deletes=1"]);
    assert_eq!(of_user(&org, name, "IsActive"), "false", "{run}");
    let users = org.count("User");

    let undone = house.json(0, &["run", "undo", run["_id"].as_str().unwrap()]);
    assert_eq!(of_user(&org, name, "IsActive"), "true", "{undone}");
    assert_eq!((undone["progress"]["target"]["updated"].as_u64(), org.count("User")), (Some(1), users));
    let again = house.json(0, &["recon", OUT, "--preview"]);
    assert_eq!(again["situationSummary"]["SOURCE_MISSING"], 1, "linked as before: {again}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_salesforce_refuses_is_told_in_its_words() {
    let (house, sandbox) = both_ways(5).await;
    // user name, what is said
    for (user_name, words) in [
        ("taken@elsewhere.example.com", "taken in another Salesforce organization"),
        ("no-address", "invalid email address"),
    ] {
        let user = json!({"userName": user_name, "givenName": "A", "sn": "B", "mail": "a.b@example.com"});
        let made = house.json(3, &["user", "create", &house.file("user.json", &user)]);
        let message = made["sync"][0]["message"].as_str().unwrap();
        assert!(made["sync"][0]["state"] == "failed" && message.contains(words), "{made}");
        house.json(0, &["user", "delete", made["user"]["_id"].as_str().unwrap()]);
    }
    assert_eq!(sandbox.org().count("User"), 7);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_of_users_are_made_and_changed_in_a_few_calls() {
    let (house, source, other) = exporting(2_600, Options::default()).await;
    let (from, to) = (source.org(), other.org());
    house.json(0, &["recon", IN]);
    for title in ["", "Elsewhere"] {
        if !title.is_empty() {
            for user in from.records("User").iter().skip(2) {
                from.set("User", &user.id, &[("Title", title)]).unwrap();
            }
            house.json(0, &["recon", IN]);
        }
        to.reset_calls();
        let run = house.json(0, &["recon", TO_OTHER]);
        let done: u64 = ["created", "updated"]
            .iter()
            .map(|kind| run["progress"]["target"][*kind].as_u64().unwrap())
            .sum();
        assert!(done > 2_300, "{run}");
        assert!(data_calls(&to) <= 25, "{} calls: {:#?}", data_calls(&to), to.calls());
    }
    assert_eq!(people(&to), users(&house));
}

// ---- an org that misbehaves ----

async fn reads(faults: Faults, expected: Read) {
    let (house, sandbox) = importing(Options { records: PEOPLE, ..Options::default() }).await;
    let org = sandbox.org();
    let pages = Some(PageFault { at_most: 100 });
    for title in ["", "Elsewhere"] {
        if !title.is_empty() {
            for user in org.records("User").iter().skip(2).step_by(2) {
                org.set("User", &user.id, &[("Title", title)]).unwrap();
            }
        }
        let before = users(&house);
        org.set_faults(Faults { pages: pages.clone(), ..faults.clone() });
        let ran = house.concord(&["--json", "recon", IN]);
        org.set_faults(Faults { pages: pages.clone(), ..Faults::default() });
        match (ran.code, expected) {
            (0, _) => {}
            (1, Read::OrSays(words)) => {
                let last = ran.err.trim().lines().last().unwrap_or_default();
                assert!(last.starts_with("concord: ") && last.contains(words), "{ran:#?}");
                assert_eq!(users(&house), before, "a read that is not whole changes nothing");
                until_done(&house, IN, 5);
            }
            _ => panic!("{ran:#?}"),
        }
        // Who was not active when he was first seen stays away.
        assert_eq!(users(&house), people(&org), "one user for each active one");
    }
    let quiet = house.json(0, &["recon", IN]);
    assert_eq!(quiet["progress"]["target"]["unchanged"], people(&org).len(), "{quiet}");
}

/// Every kind of write comes upon the fault once: creating, changing, deactivating.
async fn writes(faults: Faults) {
    let (house, source, other) = exporting(PEOPLE, Options::default()).await;
    let (from, to) = (source.org(), other.org());
    house.json(0, &["recon", IN]);
    let mut said = Vec::new();
    for round in ["create", "update", "delete"] {
        match round {
            "update" => {
                for user in from.records("User").iter().skip(2).step_by(2) {
                    from.set("User", &user.id, &[("Title", "Elsewhere")]).unwrap();
                }
                house.json(0, &["recon", IN]);
            }
            "delete" => {
                for user in house.json(0, &["user", "list", "--filter", "title eq \"Elsewhere\""])["result"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .take(3)
                {
                    house.json(0, &["user", "delete", user["_id"].as_str().unwrap()]);
                }
            }
            _ => {}
        }
        to.set_faults(faults.clone());
        said.extend(until_done(&house, TO_OTHER, 5));
        to.clear_faults();
        assert_eq!(people(&to), users(&house), "{round}: one for each: {said:#?}");
    }
    let mut made: BTreeMap<String, usize> = BTreeMap::new();
    for write in to.writes().iter().filter(|w| w.kind == WriteKind::Create && w.object == "User") {
        *made.entry(write.id.clone()).or_default() += 1;
    }
    assert_eq!(made.len(), users(&house).len() + 3 - 1, "nobody was made twice; one was there before");
    let quiet = house.json(0, &["recon", TO_OTHER]);
    let changes =
        ["created", "updated", "deleted"].map(|kind| quiet["progress"]["target"][kind].as_u64().unwrap());
    assert_eq!(changes, [0, 0, 0], "{quiet}");
}

fn limit(name: &str) -> Action {
    Action::TooManyRequests { policy: Some(name.to_owned()), retry_after: None }
}

fn on_a_page(action: Action, times: u64) -> Faults {
    Faults { calls: vec![Fault::on("*/query*", action).nth(2).times(times)], ..Faults::default() }
}

fn on_a_write(action: Action) -> Faults {
    Faults { calls: vec![Fault::on("*/composite/sobjects*", action)], ..Faults::default() }
}

fn locked_rows(times: u64) -> Faults {
    let lock = RowFault { object: Some("User".into()), times, ..RowFault::of("UNABLE_TO_LOCK_ROW") };
    Faults { rows: vec![lock], ..Faults::default() }
}

fn dead_cursors(times: u64) -> Faults {
    Faults { cursors: Some(CursorFault { die_after_pages: 1, times }), ..Faults::default() }
}

faults! { reads:
    over_a_server_that_is_busy(on_a_page(answer(503), 1), Read::Through);
    over_a_server_that_stays_down(on_a_page(answer(503), ALWAYS), Read::OrSays("try again later"));
    over_a_lost_answer(on_a_page(Action::LoseAnswer, 1), Read::Through);
    over_a_cut_body(on_a_page(Action::CutBody, 1), Read::Through);
    over_half_a_document(on_a_page(Action::TruncatedJson, 1), Read::Through);
    over_a_web_page(on_a_page(Action::Html, 1), Read::Through);
    over_a_missing_next_page(on_a_page(Action::DropPaging, 1), Read::OrSays("ended early"));
    over_a_page_delivered_twice(on_a_page(Action::RepeatPage, 1), Read::OrSays("salesforce"));
    over_an_expired_session(on_a_page(answer(401), 1), Read::OrSays("authorize again"));
    over_a_cursor_that_died(dead_cursors(1), Read::Through);
    over_cursors_that_die_each_time(dead_cursors(ALWAYS), Read::Through);
    over_too_many_at_once(on_a_page(limit("ConcurrentRequests (ConcurrentPerOrgLongTxn)"), 1), Read::Through);
    over_the_limit_of_the_day(on_a_page(limit("TotalRequests"), 1), Read::OrSays("used up"));
}

faults! { writes:
    over_a_server_that_is_busy(on_a_write(answer(503)));
    over_a_reset(on_a_write(Action::ResetBeforeAnswer));
    over_a_lost_answer(on_a_write(Action::LoseAnswer));
    over_half_a_document(on_a_write(Action::TruncatedJson));
    over_an_expired_session(on_a_write(answer(401)));
    over_too_many_at_once(on_a_write(limit("ConcurrentRequests (ConcurrentPerOrgLongTxn)")));
    over_the_limit_of_the_day(on_a_write(limit("TotalRequests")));
    over_rows_that_are_locked(locked_rows(30));
}

// ---- a program that is killed ----

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_that_is_killed_makes_each_user_once() {
    let slow = Options { latency: Duration::from_millis(40), ..Options::default() };
    let (house, _source, other) = exporting(1000, slow).await;
    let org = other.org();
    house.json(0, &["recon", IN]);
    let mut killed = 0;
    for made in [3, 203, 403, 603] {
        let child =
            house.command(&["recon", TO_OTHER]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        killed += u32::from(kill_when(child, || org.count("User") >= made).await);
    }
    assert!(killed >= 3, "only {killed} of 4 kills fell inside a run");
    until_done(&house, TO_OTHER, 5);
    assert_eq!(people(&org), users(&house));
    let made = org.writes().iter().filter(|w| w.kind == WriteKind::Create && w.object == "User").count();
    assert_eq!(made, users(&house).len() - 1, "each once; one was there before");
}

// ---- secrets ----

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_is_written_or_said_holds_a_secret() {
    const CANARY: &str = "canary-consumer-secret-2342";
    const WRONG: &str = "canary-session-9999";
    let options = Options { client_secret: CANARY.into(), ..rotating(30) };
    let (house, sandbox) = (House::empty(), sandbox(options).await);
    let first = refresh_token(&sandbox.url(), CANARY);
    let grant = json!({"clientId": KEY, "clientSecret": CANARY, "refreshToken": first});
    let mut said = String::new();
    let mut run = |code: i32, arguments: &[&str], input: &str| {
        let mut command = house.command(arguments);
        command.env("CONCORD_LOG", "trace").env("RUST_LOG", "trace").stdin(Stdio::piped());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // A command that needs no input does not read it.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let ran = Ran::of(child.wait_with_output().unwrap()).exits(code);
        said += &ran.out;
        said += &ran.err;
    };
    run(0, &["connector", "add", "-"], &connector("salesforce", &sandbox, grant).to_string());
    run(0, &["mapping", "add", "-"], &template(IN).to_string());
    run(0, &["connector", "test", "salesforce"], "");
    run(0, &["--json", "connector", "show", "salesforce"], "");
    sandbox.org().expire_sessions();
    run(0, &["--json", "recon", IN], "");
    let wrong = connector("wrong", &sandbox, json!({"accessToken": WRONG, "instanceUrl": sandbox.url()}));
    run(0, &["connector", "add", "-"], &wrong.to_string());
    run(1, &["connector", "test", "wrong"], "");
    run(0, &["vault", "rotate"], "");
    run(0, &["connector", "test", "salesforce"], "");
    assert!(sandbox.org().tokens().refreshes >= 2);

    let mut written = Vec::new();
    files(&house.data_dir(), &mut written);
    assert!(written.iter().any(|file| file.ends_with("concord.db")), "{written:?}");
    // The sandbox's own tokens carry their kind in their first letters, whatever they rotate to.
    for secret in [CANARY, WRONG, PASSPHRASE, "sandbox-refresh-", "!sandbox-session-"] {
        assert!(!said.contains(secret), "`{secret}` was said");
        for file in &written {
            let content = fs::read(file).unwrap();
            let found = content.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "{} holds `{secret}`", file.display());
        }
    }
}
