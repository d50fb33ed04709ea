//! A data folder, a sandbox, and the command.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use sandbox::hubspot::{Options, Portal, Sandbox};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;

pub const TOKEN: &str = "sandbox-service-key";
pub const PASSPHRASE: &str = "a passphrase for tests";
pub const IN: &str = "contactsToUsers";
pub const OUT: &str = "usersToContacts";

/// How a command ended.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Ran {
    pub fn of(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        let ran = Self {
            code: output.status.code().unwrap_or(-1),
            out: text(output.stdout),
            err: text(output.stderr),
        };
        assert!(!ran.err.contains("panicked"), "{ran:?}");
        for secret in [TOKEN, PASSPHRASE] {
            assert!(!ran.out.contains(secret) && !ran.err.contains(secret), "a secret was printed: {ran:?}");
        }
        ran
    }

    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:#?}");
        self
    }

    /// Stdout is one JSON document on one line.
    #[track_caller]
    pub fn json(&self) -> Value {
        assert_eq!(self.out.matches('\n').count(), 1, "one line: {self:#?}");
        serde_json::from_str(&self.out).unwrap_or_else(|problem| panic!("{problem}: {self:#?}"))
    }

    /// Stderr is one sentence of ours, and it says all of this.
    #[track_caller]
    pub fn says(self, words: &[&str]) -> Self {
        assert!(self.err.starts_with("concord: "), "{self:#?}");
        assert_eq!(self.err.matches('\n').count(), 1, "one sentence: {self:#?}");
        for word in words {
            assert!(self.err.contains(word), "`{word}` is missing: {self:#?}");
        }
        self
    }
}

/// A data folder with what a test needs around it.
pub struct House {
    pub folder: TempDir,
    sandbox: Option<Sandbox>,
}

impl House {
    /// Only a folder.
    pub fn empty() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), sandbox: None }
    }

    /// A folder and a sandbox with so many contacts.
    pub async fn with_contacts(records: usize) -> Self {
        Self::with_options(Options { records, ..Options::default() }).await
    }

    pub async fn with_options(options: Options) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let sandbox = Sandbox::start(listener, options).await.unwrap();
        Self { folder: tempfile::tempdir().unwrap(), sandbox: Some(sandbox) }
    }

    /// The same with a connector and a mapping each way.
    pub async fn connected(records: usize) -> Self {
        let house = Self::with_contacts(records).await;
        house.connect();
        house
    }

    pub fn connect(&self) {
        let connector = self.file("provisioner.openicf-hubspot.json", &self.connector());
        self.concord(&["connector", "add", &connector]).exits(0);
        let mappings = self.file("sync.json", &json!({"mappings": [inbound(), outbound()]}));
        self.concord(&["mapping", "add", &mappings]).exits(0);
    }

    pub fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub fn url(&self) -> String {
        self.sandbox.as_ref().expect("a sandbox").url()
    }

    pub fn portal(&self) -> Portal {
        self.sandbox.as_ref().expect("a sandbox").portal()
    }

    /// The connector's document as an IDM project has it: without a name inside.
    pub fn connector(&self) -> Value {
        connector(&self.url(), TOKEN)
    }

    /// Writes a file and gives its path.
    pub fn file(&self, name: &str, content: &Value) -> String {
        self.text_file(name, &content.to_string())
    }

    pub fn text_file(&self, name: &str, content: &str) -> String {
        let path = self.folder.path().join(name);
        fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// The command in this house, to be changed before it is started.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = command_in(&self.data_dir());
        command.args(arguments);
        command
    }

    pub fn concord(&self, arguments: &[&str]) -> Ran {
        Ran::of(self.command(arguments).output().unwrap())
    }

    /// With `--json`; must end with this code.
    #[track_caller]
    pub fn json(&self, code: i32, arguments: &[&str]) -> Value {
        let mut all = vec!["--json"];
        all.extend(arguments);
        self.concord(&all).exits(code).json()
    }

    pub fn concord_with_input(&self, arguments: &[&str], input: &str) -> Ran {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A command that refuses early does not read to the end.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        Ran::of(child.wait_with_output().unwrap())
    }

    /// The first user that the filter finds.
    pub fn user(&self, filter: &str) -> Value {
        let found = self.json(0, &["user", "list", "--filter", filter]);
        found["result"].get(0).cloned().unwrap_or_else(|| panic!("no user {filter}: {found}"))
    }
}

/// The command with a clean environment: no keyring, no settings of the person who runs the tests.
pub fn command_in(data_dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_concord"));
    for variable in
        ["DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR", "CONCORD_LOG", "DISPLAY", "WAYLAND_DISPLAY"]
    {
        command.env_remove(variable);
    }
    command.env("CONCORD_DATA_DIR", data_dir).env("CONCORD_PASSPHRASE", PASSPHRASE).stdin(Stdio::null());
    command
}

pub fn connector(url: &str, token: &str) -> Value {
    json!({
        "connectorRef": {
            "connectorName": "org.forgerock.openicf.connectors.hubspot.HubspotConnector",
            "bundleName": "org.forgerock.openicf.connectors.hubspot-connector",
            "bundleVersion": "1.5.20.8",
        },
        "poolConfigOption": {"maxObjects": 10},
        "configurationProperties": {"accessToken": token, "apiBaseUrl": url, "permitsPerSecond": 200},
    })
}

/// Contacts become users, and users whose contact is gone are deleted, none without being asked.
pub fn inbound() -> Value {
    json!({
        "name": IN,
        "source": "system/hubspot/contact",
        "target": "managed/user",
        "sourceCondition": "/source/email pr",
        "correlationQuery": [{"linkQualifier": "default", "expressionTree": {"any": ["mail"]}}],
        "guards": {"maxDeletes": 0},
        "properties": [
            {"source": "email", "target": "userName", "transform": {"builtIn": "lower"}, "setOn": "create"},
            {"source": "email", "target": "mail", "transform": {"builtIn": "lower"}},
            {"source": "firstname", "target": "givenName", "default": "-"},
            {"source": "lastname", "target": "sn", "default": "-"},
            {"source": "city", "target": "city", "whenEmpty": "clear"},
            {"source": "zip", "target": "postalCode", "whenEmpty": "clear"},
        ],
        "policies": [
            {"situation": "ABSENT", "action": "CREATE"},
            {"situation": "FOUND", "action": "UPDATE"},
            {"situation": "CONFIRMED", "action": "UPDATE"},
            {"situation": "UNASSIGNED", "action": "IGNORE"},
            {"situation": "SOURCE_MISSING", "action": "DELETE"},
        ],
    })
}

/// Users become contacts over the same links.
pub fn outbound() -> Value {
    json!({
        "name": OUT,
        "source": "managed/user",
        "target": "system/hubspot/contact",
        "links": IN,
        "properties": [
            {"source": "mail", "target": "email"},
            {"source": "givenName", "target": "firstname"},
            {"source": "sn", "target": "lastname"},
            {"source": "city", "target": "city", "whenEmpty": "clear"},
            {"source": "postalCode", "target": "zip", "whenEmpty": "clear"},
        ],
        "policies": [{"situation": "SOURCE_MISSING", "action": "DELETE"}],
    })
}
