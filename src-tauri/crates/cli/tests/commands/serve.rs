//! `concord serve`.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, Command, Stdio},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::Value;

use crate::house::{House, Ran};

pub struct Running {
    child: Child,
    about: Value,
}

impl Running {
    pub fn start(house: &House, arguments: &[&str]) -> Self {
        Self::start_at(house, "127.0.0.1:0", arguments)
    }

    fn start_at(house: &House, address: &str, arguments: &[&str]) -> Self {
        let mut all = vec!["--json", "serve", "--addr", address];
        all.extend(arguments);
        Self::of(&mut house.command(&all))
    }

    fn of(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let about = serde_json::from_str(&line).unwrap_or_else(|problem| panic!("{problem}: {line}"));
        Self { child, about }
    }

    pub fn password(&self) -> Option<&str> {
        self.about["password"].as_str()
    }

    /// The status of a request for the ping.
    pub fn ping(&self, password: &str) -> String {
        let basic = BASE64_STANDARD.encode(format!("openidm-admin:{password}"));
        self.status("GET", "/openidm/info/ping", &format!("Basic {basic}"))
    }

    /// The status of a request.
    pub fn status(&self, method: &str, path: &str, authorization: &str) -> String {
        let address =
            self.about["url"].as_str().unwrap().trim_start_matches("http://").trim_end_matches("/openidm");
        let mut stream = TcpStream::connect(address).unwrap();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: {authorization}\r\nconnection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.split(' ').nth(1).unwrap_or_default().to_owned()
    }

    pub fn end(mut self, signal: &str) -> i32 {
        Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap();
        self.child.wait().unwrap().code().unwrap_or(-1)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // A test that failed must not leave it behind; one that has ended is past killing.
        let _ = self.child.kill();
    }
}

#[cfg(unix)]
#[test]
fn the_password_is_printed_once_and_stays_good() {
    let house = House::empty();
    let first = Running::start(&house, &[]);
    let password = first.password().expect("at first use").to_owned();
    assert!(password.len() >= 32, "{password}");
    assert_eq!(first.ping(&password), "200");
    assert_eq!(first.ping("openidm-admin"), "401");
    assert_eq!(first.end("-INT"), 0);

    let second = Running::start(&house, &[]);
    assert_eq!(second.password(), None);
    assert_eq!(second.ping(&password), "200");
    assert_eq!(second.end("-TERM"), 0);

    let third = Running::start(&house, &["--new-admin-password"]);
    assert_ne!(third.password(), Some(password.as_str()));
    assert_eq!(third.ping(third.password().unwrap()), "200");
    assert_eq!(third.ping(&password), "401");
    assert_eq!(third.end("-TERM"), 0);
}

/// Whoever starts it is told at once, and not by the first run that cannot be made.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_vault_that_does_not_open_keeps_it_from_starting() {
    let house = House::connected(1).await;
    for passphrase in [Some("another passphrase"), None] {
        let mut command = house.command(&["--json", "serve", "--addr", "127.0.0.1:0"]);
        match passphrase {
            Some(passphrase) => command.env("CONCORD_PASSPHRASE", passphrase),
            None => command.env_remove("CONCORD_PASSPHRASE"),
        };
        let ran = Ran::of(command.output().unwrap()).exits(5).says(&["passphrase", "CONCORD_PASSPHRASE"]);
        assert!(ran.out.is_empty(), "{ran:?}");
    }
    // The password that is shown once was not used up.
    let running = Running::start(&house, &[]);
    assert_eq!(running.ping(running.password().unwrap()), "200");
    assert_eq!(running.end("-TERM"), 0);
}

/// Where nothing was sealed, there is nothing to open.
#[cfg(unix)]
#[test]
fn a_folder_without_a_vault_needs_no_passphrase() {
    let house = House::empty();
    let mut command = house.command(&["--json", "serve", "--addr", "127.0.0.1:0"]);
    let running = Running::of(command.env_remove("CONCORD_PASSPHRASE"));
    assert_eq!(running.ping(running.password().unwrap()), "200");
    assert_eq!(running.end("-TERM"), 0);
}

#[cfg(unix)]
#[test]
fn it_says_where_each_of_its_parts_is() {
    let house = House::empty();
    let running = Running::start(&house, &[]);
    let root = running.about["url"].as_str().unwrap().trim_end_matches("/openidm").to_owned();
    for (name, path) in
        [("openapi", "/openidm/openapi.json"), ("scim", "/scim/v2"), ("scimOld", "/hubspot/contacts")]
    {
        assert_eq!(running.about[name], format!("{root}{path}"));
    }
    assert_eq!(running.about["selfService"], Value::Null);
    assert_eq!(running.status("GET", "/people/register", ""), "401", "nothing is there");
    assert_eq!(running.end("-TERM"), 0);

    let policy = house.text_file("policy.txt", "What we keep.");
    let running = Running::start(&house, &["--self-service", "--privacy-policy", &policy]);
    assert!(running.about["selfService"].as_str().unwrap().ends_with("/people"));
    assert_eq!(running.status("GET", "/people/register", ""), "200");
    assert_eq!(running.end("-TERM"), 0);
    house.concord(&["serve", "--privacy-policy", &policy]).exits(2);
    let empty = house.text_file("empty.txt", " \n");
    house
        .concord(&["serve", "--addr", "127.0.0.1:0", "--self-service", "--privacy-policy", &empty])
        .exits(1)
        .says(&["no privacy policy"]);
}

#[cfg(unix)]
#[test]
fn a_password_can_be_brought() {
    let house = House::empty();
    let file = house.text_file("password", "correct horse\nnot this line\n");
    let running = Running::start(&house, &["--admin-password-file", &file]);
    assert_eq!(running.password(), None);
    assert_eq!(running.ping("correct horse"), "200");
    assert_eq!(running.end("-TERM"), 0);
}

#[cfg(target_os = "linux")]
#[test]
fn memory_is_taken_in_small_pages() {
    let house = House::empty();
    let running = Running::start(&house, &[]);
    let status = std::fs::read_to_string(format!("/proc/{}/status", running.child.id())).unwrap();
    // A kernel that knows no larger pages does not tell.
    let told = status.lines().find_map(|line| line.strip_prefix("THP_enabled:"));
    assert!(told.is_none_or(|told| told.trim() == "0"), "{status}");
}

/// A certificate for these names and its key, as files.
fn certificate(house: &House, stem: &str, names: &[&str]) -> (String, String, String) {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let made = rcgen::generate_simple_self_signed(names).unwrap();
    let chain = house.text_file(&format!("{stem}-chain.pem"), &made.cert.pem());
    let key = house.text_file(&format!("{stem}-key.pem"), &made.signing_key.serialize_pem());
    (chain, key, made.cert.pem())
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn others_come_in_by_tls_and_by_the_names_that_were_given() {
    let house = House::empty();
    let (chain, key, pem) = certificate(&house, "own", &["people.test", "localhost"]);
    let tls = ["--open-to-network", "--tls-certificate", &chain, "--tls-key", &key];
    let named = [&tls[..], &["--host-name", "people.test"]].concat();
    let running = Running::start_at(&house, "0.0.0.0:0", &named);
    let url = running.about["url"].as_str().unwrap().to_owned();
    assert!(url.starts_with("https://0.0.0.0:"), "{url}");
    let port = url.trim_start_matches("https://0.0.0.0:").trim_end_matches("/openidm").to_owned();
    let at: std::net::SocketAddr = format!("127.0.0.1:{port}").parse().unwrap();
    let trusting = |names: &[&str]| {
        let builder = reqwest::Client::builder()
            .no_proxy()
            .tls_certs_only([reqwest::Certificate::from_pem(pem.as_bytes()).unwrap()]);
        names.iter().fold(builder, |builder, name| builder.resolve(name, at)).build().unwrap()
    };
    let client = trusting(&["people.test", "localhost"]);
    let ask = async |url: String| {
        let request = client.get(url).basic_auth("openidm-admin", running.password());
        request.send().await.map(|answer| answer.status().as_u16())
    };
    for name in ["people.test", "localhost"] {
        assert_eq!(ask(format!("https://{name}:{port}/openidm/info/ping")).await.unwrap(), 200, "{name}");
    }
    // A name that is not its own is refused though the certificate is believed; plain HTTP is no HTTP here.
    let stranger = client
        .get(format!("https://people.test:{port}/openidm/info/ping"))
        .header("host", "other.test")
        .basic_auth("openidm-admin", running.password());
    assert_eq!(stranger.send().await.unwrap().status(), 403);
    assert!(ask(format!("http://localhost:{port}/openidm/info/ping")).await.is_err());
    // Who does not know the certificate does not talk to it.
    let distrusting = reqwest::Client::builder().no_proxy().resolve("people.test", at).build().unwrap();
    assert!(distrusting.get(format!("https://people.test:{port}/")).send().await.is_err());
    assert_eq!(running.end("-TERM"), 0);
}

#[test]
fn a_certificate_that_is_none_is_named_before_anything_listens() {
    let house = House::empty();
    let (chain, key, _) = certificate(&house, "own", &["people.test"]);
    let (_, foreign, _) = certificate(&house, "other", &["people.test"]);
    let nonsense = house.text_file("nonsense.pem", "-----BEGIN CERTIFICATE-----\n???\n");
    let empty = house.text_file("empty.pem", "");
    let missing = "no-such-file.pem".to_owned();
    for (chain, key, words) in [
        (&missing, &key, &["no-such-file.pem"][..]),
        (&chain, &missing, &["no-such-file.pem"]),
        (&nonsense, &key, &["nonsense.pem", "PEM certificate chain"]),
        (&empty, &key, &["empty.pem", "no certificate"]),
        (&key, &key, &["own-key.pem", "no certificate"]),
        (&chain, &nonsense, &["nonsense.pem", "PEM private key"]),
        (&chain, &chain, &["own-chain.pem", "PEM private key"]),
        (&chain, &foreign, &["cannot be used together"]),
    ] {
        let arguments = [
            "serve",
            "--addr",
            "0.0.0.0:0",
            "--open-to-network",
            "--tls-certificate",
            chain,
            "--tls-key",
            key,
        ];
        house.concord(&arguments).exits(1).says(words);
    }
}

#[test]
fn what_would_let_strangers_in_is_refused() {
    let house = House::empty();
    for (text, says) in
        [("short\n", "8 characters"), ("openidm-admin\n", "default password"), ("", "8 characters")]
    {
        let file = house.text_file("password", text);
        house
            .concord(&["serve", "--addr", "127.0.0.1:0", "--admin-password-file", &file])
            .exits(1)
            .says(&[says]);
    }
    house
        .concord(&["serve", "--addr", "0.0.0.0:0"])
        .exits(2)
        .says(&["--open-to-network", "--tls-certificate"]);
    house.concord(&["serve", "--addr", "0.0.0.0:0", "--open-to-network"]).exits(2);
    house.concord(&["serve", "--addr", "127.0.0.1:0", "--tls-certificate", "chain.pem"]).exits(2);
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = taken.local_addr().unwrap().to_string();
    house.concord(&["serve", "--addr", &address]).exits(1).says(&[&address, "--addr"]);
}
