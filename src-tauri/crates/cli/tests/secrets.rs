//! No secret in clear: every file that the program wrote and everything that it said is searched for every secret that went
//! in, in the spellings in which secrets usually leak.

#![allow(missing_docs, clippy::unwrap_used, clippy::disallowed_methods)]

#[path = "shared/files.rs"]
mod files;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use sandbox::hubspot::{Options, Sandbox};
use serde_json::{Value, json};

use files::files;

const PASSPHRASE: &str = "canary-passphrase-4711";
const SERVICE_KEY: &str = "canary-service-key-0815";
const CLIENT_SECRET: &str = "canary-client-secret-2342";
const REFRESH_TOKEN: &str = "canary-refresh-token-1234";
const WRONG_KEY: &str = "canary-wrong-key-9999";

struct Session {
    data: PathBuf,
    said: Vec<u8>,
}

impl Session {
    fn run(&mut self, arguments: &[&str]) -> bool {
        let output = Command::new(env!("CARGO_BIN_EXE_concord"))
            .args(["--data-dir", &self.data.display().to_string()])
            .args(arguments)
            .env("CONCORD_PASSPHRASE", PASSPHRASE)
            .env("RUST_LOG", "trace")
            .env("CONCORD_LOG", "trace")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        self.said.extend(&output.stdout);
        self.said.extend(&output.stderr);
        output.status.success()
    }

    fn add(&mut self, folder: &Path, what: &str, document: &Value) -> bool {
        // Outside of the folder that is searched: this file holds the secrets by intent.
        let file = folder.join(format!("{what}.json"));
        fs::write(&file, document.to_string()).unwrap();
        let added = self.run(&[what, "add", &file.display().to_string()]);
        fs::remove_file(file).unwrap();
        added
    }
}

fn spellings(secret: &str) -> Vec<(&'static str, Vec<u8>)> {
    use base64::Engine;
    let bytes = secret.as_bytes();
    let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
    // In base64 the text looks different at each of three offsets; the middle of it is the same whatever stands around it.
    let mut all = vec![
        ("plain", bytes.to_vec()),
        ("hex", hex.clone().into_bytes()),
        ("upper-case hex", hex.to_uppercase().into_bytes()),
        ("UTF-16", secret.encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("reversed", bytes.iter().rev().copied().collect()),
    ];
    for offset in 0..3 {
        let mut padded = vec![b'x'; offset];
        padded.extend(bytes);
        let text = base64::engine::general_purpose::STANDARD.encode(padded);
        let middle: String = text.chars().skip(4).take(text.len().saturating_sub(10)).collect();
        all.push(("base64", middle.into_bytes()));
    }
    all
}

fn search(name: &str, content: &[u8], secret: &str) {
    for (spelling, needle) in spellings(secret) {
        let found = content.windows(needle.len()).any(|window| window == needle);
        assert!(!found, "{name} holds the secret `{secret}` ({spelling})");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_is_written_or_said_holds_a_secret() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let options = Options {
        records: 120,
        seed: 2,
        access_token: Some(SERVICE_KEY.into()),
        client_secret: CLIENT_SECRET.into(),
        ..Options::default()
    };
    let sandbox = Sandbox::start(listener, options).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut session = Session { data: folder.path().join("data"), said: Vec::new() };
    let url = sandbox.url();
    let config = |name: &str, more: Value| {
        let mut properties = json!({"apiBaseUrl": url, "authorizeUrl": format!("{url}/oauth/authorize")});
        properties.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({
            "name": name,
            "connectorRef": {"connectorName": "org.forgerock.openicf.connectors.hubspot.HubspotConnector"},
            "configurationProperties": properties
        })
    };
    let mapping = json!({
        "name": "m", "source": "system/hubspot/contact", "target": "managed/user", "sourceCondition": "/source/email pr",
        "properties": [
            {"source": "email", "target": "userName"}, {"source": "email", "target": "mail"},
            {"source": "firstname", "target": "givenName", "default": "-"}, {"source": "lastname", "target": "sn", "default": "-"}
        ]
    });

    assert!(session.add(folder.path(), "connector", &config("hubspot", json!({"accessToken": SERVICE_KEY}))));
    assert!(session.add(folder.path(), "mapping", &mapping));
    assert!(session.run(&["connector", "test", "hubspot"]));
    assert!(session.run(&["--json", "connector", "show", "hubspot"]));
    assert!(session.run(&["--json", "recon", "m"]));
    assert!(session.run(&["--json", "run", "list"]));
    // A key that the provider refuses, and a grant that it refuses: their errors are told without them.
    assert!(session.add(folder.path(), "connector", &config("wrong", json!({"accessToken": WRONG_KEY}))));
    assert!(!session.run(&["connector", "test", "wrong"]));
    let grant =
        json!({"clientId": "sandbox-client", "clientSecret": CLIENT_SECRET, "refreshToken": REFRESH_TOKEN});
    assert!(session.add(folder.path(), "connector", &config("grant", grant)));
    assert!(!session.run(&["connector", "test", "grant"]));
    assert!(session.run(&["vault", "rotate"]));
    assert!(session.run(&["connector", "test", "hubspot"]), "the rotated vault still opens");
    assert!(session.run(&["connector", "remove", "wrong"]));

    let mut written = Vec::new();
    files(&session.data, &mut written);
    assert!(written.iter().any(|f| f.ends_with("concord.db")), "{written:?}");
    for secret in [PASSPHRASE, SERVICE_KEY, CLIENT_SECRET, REFRESH_TOKEN, WRONG_KEY] {
        for file in &written {
            search(&file.display().to_string(), &fs::read(file).unwrap(), secret);
        }
        search("what the program said", &session.said, secret);
    }
}
