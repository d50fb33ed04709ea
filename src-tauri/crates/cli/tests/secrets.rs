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

/// `concord serve`, until it is dropped; what it says goes to a file.
struct Serving {
    child: std::process::Child,
    address: String,
}

impl Serving {
    fn start(data: &Path, said: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_concord"))
            .args(["--json", "--data-dir", &data.display().to_string(), "serve", "--addr", "127.0.0.1:0"])
            .args(["--self-service"])
            .env("CONCORD_PASSPHRASE", PASSPHRASE)
            .env("RUST_LOG", "trace")
            .env("CONCORD_LOG", "trace")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(fs::File::create(said).unwrap())
            .spawn()
            .unwrap();
        let mut line = String::new();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(child.stdout.as_mut().unwrap()), &mut line)
            .unwrap();
        let about: Value = serde_json::from_str(&line).unwrap();
        let url = about["url"].as_str().unwrap().trim_start_matches("http://");
        Self { child, address: url.trim_end_matches("/openidm").to_owned() }
    }

    /// The whole answer, its head too.
    fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> String {
        use std::io::{Read, Write};
        let mut stream = std::net::TcpStream::connect(&self.address).unwrap();
        let mut request = format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {}\r\n",
            body.len()
        );
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        stream.write_all(format!("{request}\r\n{body}").as_bytes()).unwrap();
        let mut answer = Vec::new();
        // The server may close first where it refuses.
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8(answer).unwrap()
    }
}

impl Serving {
    fn end(mut self) {
        Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn between<'t>(text: &'t str, begin: &str, end: &str) -> &'t str {
    text.split_once(begin).unwrap_or_else(|| panic!("no {begin}: {text}")).1.split(end).next().unwrap()
}

#[cfg(unix)]
#[test]
fn no_password_that_arrives_is_written_or_said_in_clear() {
    let folder = tempfile::tempdir().unwrap();
    let session = Session { data: folder.path().join("data"), said: Vec::new() };
    let token = Command::new(env!("CARGO_BIN_EXE_concord"))
        .args([
            "--json",
            "--data-dir",
            &session.data.display().to_string(),
            "scim-token",
            "create",
            "idp",
            "--profile",
            "wso2",
        ])
        .env("CONCORD_PASSPHRASE", PASSPHRASE)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let token: Value = serde_json::from_slice(&token.stdout).unwrap();
    let bearer = format!("Bearer {}", token["token"].as_str().unwrap());
    let log = folder.path().join("said");
    let server = Serving::start(&session.data, &log);
    let json_head = [("authorization", bearer.as_str()), ("content-type", "application/scim+json")];
    let person = |name: &str, password: &str| {
        json!({"userName": name, "name": {"givenName": "Ann", "familyName": "Lee"}, "password": password,
            "emails": [{"value": format!("{name}@example.org"), "primary": true}]})
        .to_string()
    };
    let ask = |method: &str, path: &str, body: &str, status: &str| {
        let answer = server.ask(method, path, &json_head, body);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{method} {path}: {answer}");
        assert!(!answer.contains("Canary"), "{answer}");
        answer
    };

    let made = ask("POST", "/scim/v2/Users", &person("ann", "Canary-two-1111"), "201");
    let at = format!("/scim/v2/Users/{}", between(&made, "\"id\":\"", "\""));
    ask("PUT", &at, &person("ann", "Canary-put-2222"), "200");
    let patch = json!({"Operations": [{"op": "replace", "path": "password", "value": "Canary-patch-3333"}]});
    ask("PATCH", &at, &patch.to_string(), "200");
    let patch = json!({"Operations": [{"op": "replace", "value": {"password": "Canary-pathless-4444"}}]});
    ask("PATCH", &at, &patch.to_string(), "200");
    ask("POST", "/hubspot/contacts", &person("eve", "Canary-one-5555"), "201");
    // Refused by policy, with a name that is taken, in a body that is cut off, in a filter.
    ask("POST", "/scim/v2/Users", &person("weak", "Canary"), "400");
    ask("POST", "/scim/v2/Users", &person("ANN", "Canary-taken-6666"), "409");
    let cut = person("cut", "Canary-cut-7777");
    ask("POST", "/scim/v2/Users", cut.trim_end_matches('}'), "400");
    ask("GET", "/scim/v2/Users?filter=password%20eq%20%22Canary-filter-8888%22", "", "200");

    let page = server.ask("GET", "/people/register", &[], "");
    let cookie = format!("concord_forms={}", between(&page, "concord_forms=", ";"));
    let form = between(&page, "name=\"form\" value=\"", "\"");
    let fields = format!(
        "form={form}&userName=carl&givenName=Ann&sn=Lee&mail=carl%40example.org&agree=true&password=Canary-self-9999&passwordAgain=Canary-self-9999"
    );
    let head = [("cookie", cookie.as_str()), ("content-type", "application/x-www-form-urlencoded")];
    let made = server.ask("POST", "/people/register", &head, &fields);
    assert!(made.starts_with("HTTP/1.1 303"), "{made}");
    let sign_in = format!("form={form}&userName=carl&password=Canary-self-9999");
    let signed_in = server.ask("POST", "/people/sign-in", &head, &sign_in);
    assert!(signed_in.contains("concord_session="), "the password is good: {signed_in}");
    let wrong = server.ask("POST", "/people/sign-in", &head, &sign_in.replace("9999", "wrong"));
    assert!(wrong.starts_with("HTTP/1.1 403"), "{wrong}");

    nothing_in_clear(&session.data, &log);
    server.end();
    nothing_in_clear(&session.data, &log);
}

/// Searches everything that the program wrote and said for the passwords that the test sends, which all begin alike.
fn nothing_in_clear(data: &Path, log: &Path) {
    let mut written = Vec::new();
    files(data, &mut written);
    let mut hashed = false;
    let mut found: Vec<(String, Vec<u8>)> =
        written.iter().map(|file| (file.display().to_string(), fs::read(file).unwrap())).collect();
    found.push(("what the program said".to_owned(), fs::read(log).unwrap()));
    for (name, bytes) in found {
        assert!(!bytes.windows(6).any(|window| window == b"Canary"), "{name} holds a password");
        for secret in ["Canary-two-1111", "Canary-one-5555", "Canary-self-9999"] {
            search(&name, &bytes, secret);
        }
        hashed |= bytes.windows(10).any(|window| window == b"$argon2id$");
    }
    assert!(hashed, "passwords are kept as Argon2id hashes: {written:?}");
}
