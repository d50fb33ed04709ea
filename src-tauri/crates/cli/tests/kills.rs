//! The process is killed at twenty moments of an import and of an export, and run again: no duplicate, no loss, on either
//! side. Moments are counted in calls served, users written and contacts made, so that they fall where they should on any
//! machine. And it is put to sleep in the middle, as a laptop is.

#![allow(missing_docs, clippy::unwrap_used, clippy::disallowed_methods)]

#[path = "shared/kill.rs"]
mod kill;

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use sandbox::hubspot::{Options, Sandbox};
use serde_json::{Value, json};

use kill::kill_when;

const CONTACTS: usize = 5000;
const INBOUND: &str = "systemHubspotContact_managedUser";
const OUTBOUND: &str = "managedUser_systemOtherContact";

fn concord(data: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_concord"));
    command
        .args(["--data-dir", &data.display().to_string()])
        .args(arguments)
        .env("CONCORD_PASSPHRASE", "a passphrase for tests")
        .stdin(Stdio::null());
    command
}

fn succeed(data: &Path, arguments: &[&str]) -> String {
    let output = concord(data, arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn recon(data: &Path, mapping: &str) -> Value {
    serde_json::from_str(&succeed(data, &["--json", "recon", mapping])).unwrap()
}

fn add(data: &Path, what: &str, document: &Value) {
    let file = data.with_extension(format!("{what}.json"));
    std::fs::write(&file, document.to_string()).unwrap();
    succeed(data, &[what, "add", &file.display().to_string()]);
}

async fn sandbox(records: usize, latency: Duration) -> Sandbox {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    Sandbox::start(listener, Options { records, seed: 11, latency, ..Options::default() }).await.unwrap()
}

fn connector(name: &str, url: &str) -> Value {
    json!({
        "name": name,
        "connectorRef": {"connectorName": "org.forgerock.openicf.connectors.hubspot.HubspotConnector"},
        "configurationProperties": {"accessToken": "sandbox-service-key", "apiBaseUrl": url, "permitsPerSecond": 1000}
    })
}

fn inbound() -> Value {
    json!({
        "name": INBOUND, "source": "system/hubspot/contact", "target": "managed/user",
        "enableSync": false, "sourceCondition": "/source/email pr",
        "correlationQuery": {"expressionTree": {"any": ["mail"]}},
        "properties": [
            {"source": "email", "target": "userName", "transform": {"builtIn": "lower"}},
            {"source": "email", "target": "mail", "transform": {"builtIn": "lower"}},
            {"source": "firstname", "target": "givenName", "default": "-"},
            {"source": "lastname", "target": "sn", "default": "-"}
        ],
        "policies": [{"situation": "UNASSIGNED", "action": "IGNORE"}]
    })
}

fn mails(data: &Path) -> Vec<String> {
    let list: Value =
        serde_json::from_str(&succeed(data, &["--json", "user", "list", "--fields", "mail"])).unwrap();
    list["result"].as_array().unwrap().iter().map(|u| u["mail"].as_str().unwrap().to_lowercase()).collect()
}

fn emails(sandbox: &Sandbox) -> Vec<String> {
    let contacts = sandbox.portal().contacts();
    contacts
        .iter()
        .filter_map(|c| c.properties.get("email"))
        .filter(|e| !e.is_empty())
        .map(|e| e.to_lowercase())
        .collect()
}

fn start(data: &Path, mapping: &str) -> Child {
    concord(data, &["recon", mapping]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Users in the repository as another process sees them.
fn users(store: &store::Store) -> u64 {
    store.read_blocking(|r| r.managed_count("user")).unwrap_or(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_killed_at_ten_moments_ends_as_if_it_never_was() {
    let sandbox = sandbox(CONTACTS, Duration::from_millis(2)).await;
    let portal = sandbox.portal();
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    add(&data, "connector", &connector("hubspot", &sandbox.url()));
    add(&data, "mapping", &inbound());
    let store = store::Store::open(&data).unwrap();

    let mut killed = 0;
    for page in [1, 10, 25, 40, 50] {
        portal.reset_calls();
        let child = start(&data, INBOUND);
        killed += u32::from(kill_when(child, || portal.call_count() >= page).await);
    }
    for share in [1, 1000, 2000, 3000, 4000] {
        let child = start(&data, INBOUND);
        killed += u32::from(kill_when(child, || users(&store) >= share).await);
    }
    assert!(killed >= 8, "only {killed} of 10 kills fell inside a run");

    let last = recon(&data, INBOUND);
    assert_eq!(last["state"], "SUCCESS", "{last}");
    let (mut want, mut have) = (emails(&sandbox), mails(&data));
    want.sort();
    have.sort();
    assert_eq!(have, want, "one user per contact with an e-mail");
    assert!(portal.writes().is_empty(), "an import writes nothing to HubSpot");
    portal.reset_calls();
    let quiet = recon(&data, INBOUND);
    assert_eq!(quiet["progress"]["target"]["created"], 0, "{quiet}");
    assert_eq!(quiet["progress"]["target"]["updated"], 0, "{quiet}");
    let most = CONTACTS.div_ceil(100) + 5;
    assert!(portal.call_count() as usize <= most, "{} calls, {most} allowed", portal.call_count());
}

/// Users from one account on their way to an empty one that answers slowly.
struct Export {
    data: PathBuf,
    target: Sandbox,
    _source: Sandbox,
    _folder: tempfile::TempDir,
}

impl Export {
    async fn of(records: usize, properties: Value) -> Export {
        let source = sandbox(records, Duration::ZERO).await;
        let target = sandbox(0, Duration::from_millis(25)).await;
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        add(&data, "connector", &connector("hubspot", &source.url()));
        add(&data, "connector", &connector("other", &target.url()));
        add(&data, "mapping", &inbound());
        let outbound = json!({
            "name": OUTBOUND, "source": "managed/user", "target": "system/other/contact",
            "enableSync": false, "properties": properties
        });
        add(&data, "mapping", &outbound);
        recon(&data, INBOUND);
        Export { data, target, _source: source, _folder: folder }
    }

    /// Kills the export each time so many contacts are made, and lets it end at last. Gives how often it was killed.
    async fn killed_at(&self, moments: &[usize]) -> u32 {
        let portal = self.target.portal();
        let mut killed = 0;
        for made in moments {
            let child = start(&self.data, OUTBOUND);
            killed += u32::from(kill_when(child, || portal.contacts().len() >= *made).await);
        }
        let last = recon(&self.data, OUTBOUND);
        assert_eq!(last["state"], "SUCCESS", "{last}");
        assert_eq!(portal.contacts().len(), mails(&self.data).len());
        killed
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_killed_at_ten_moments_makes_each_contact_once() {
    let properties = json!([
        {"source": "mail", "target": "email"}, {"source": "givenName", "target": "firstname"}, {"source": "sn", "target": "lastname"}
    ]);
    let export = Export::of(1500, properties).await;
    let killed = export.killed_at(&[1, 101, 201, 301, 501, 601, 801, 901, 1101, 1301]).await;
    assert!(killed >= 8, "only {killed} of 10 kills fell inside a run");

    let (want, have) = (mails(&export.data), emails(&export.target));
    let distinct: BTreeSet<&String> = have.iter().collect();
    assert_eq!(distinct.len(), have.len(), "no contact twice");
    assert_eq!(distinct, want.iter().collect(), "one contact per user");
    let quiet = recon(&export.data, OUTBOUND);
    assert_eq!(
        (&quiet["progress"]["target"]["created"], &quiet["progress"]["target"]["updated"]),
        (&json!(0), &json!(0)),
        "{quiet}"
    );
}

/// No natural key to find a lost create by: contacts without an e-mail.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_without_a_key_killed_in_the_middle_makes_each_contact_once() {
    let properties =
        json!([{"source": "userName", "target": "firstname"}, {"source": "sn", "target": "lastname"}]);
    Export::of(600, properties).await.killed_at(&[1, 101, 301, 401]).await;
}

/// A laptop that sleeps in the middle of an import and wakes up in another network: the connections that it had are dead.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_that_sleeps_goes_on_when_it_wakes() {
    let options =
        || Options { records: CONTACTS, seed: 11, latency: Duration::from_millis(5), ..Options::default() };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let before = Sandbox::start(listener, options()).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    add(&data, "connector", &connector("hubspot", &before.url()));
    add(&data, "mapping", &inbound());

    let signal = |child: &Child, name: &str| {
        let sent = Command::new("kill").args([name, &child.id().to_string()]).status().unwrap();
        assert!(sent.success(), "{name}");
    };
    let mut child = start(&data, INBOUND);
    let portal = before.portal();
    let mut ticks = tokio::time::interval(Duration::from_millis(1));
    while portal.call_count() < 10 {
        assert!(child.try_wait().unwrap().is_none(), "it was faster than sleep");
        ticks.tick().await;
    }
    signal(&child, "-STOP");
    before.stop().await;
    let listener = tokio::net::TcpListener::bind(address).await.unwrap();
    let after = Sandbox::start(listener, options()).await.unwrap();
    signal(&child, "-CONT");
    let ended = tokio::task::spawn_blocking(move || child.wait()).await.unwrap().unwrap();
    assert!(ended.success(), "{ended}");
    let (mut want, mut have) = (emails(&after), mails(&data));
    want.sort();
    have.sort();
    assert_eq!(have, want, "one user per contact with an e-mail");
}
