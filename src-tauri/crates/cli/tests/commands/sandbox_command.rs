//! `concord sandbox`.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, Command, Stdio},
};

use serde_json::{Value, json};

use crate::house::{House, connector, inbound};

struct Running {
    child: Child,
    about: Value,
}

impl Running {
    fn start(house: &House, arguments: &[&str]) -> Self {
        let mut all = vec!["--json", "sandbox", "hubspot", "--addr", "127.0.0.1:0"];
        all.extend(arguments);
        let mut child = house.command(&all).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let about = serde_json::from_str(&line).unwrap_or_else(|problem| panic!("{problem}: {line}"));
        Self { child, about }
    }

    fn text(&self, name: &str) -> &str {
        self.about[name].as_str().unwrap_or_else(|| panic!("{name}: {}", self.about))
    }

    fn end(mut self, signal: &str) -> i32 {
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

/// One call with the service key: the answer's head and body.
pub fn call(url: &str, token: &str, method: &str, path: &str, body: &Value) -> (String, String) {
    let host = url.trim_start_matches("http://");
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let mut stream = TcpStream::connect(host).unwrap();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (format!("{head}\r"), body.to_owned())
}

/// What a tester sets for a portal is so: its clock, its limits, its tokens, its search.
#[cfg(unix)]
#[test]
fn a_sandbox_is_as_its_options_say() {
    let house = House::empty();
    let sandbox = Running::start(
        &house,
        &[
            "--time-zone",
            "Europe/Berlin",
            "--ten-second-calls",
            "4",
            "--daily-calls",
            "500",
            "--searches",
            "1",
            "--retry-after",
            "--search-lag",
            "600000",
            "--token-lifetime",
            "77",
            "--rotate",
            "--required",
            "jobtitle",
        ],
    );
    let (url, token) = (sandbox.text("url").to_owned(), sandbox.text("accessToken").to_owned());
    let call = |method: &str, path: &str, body: Value| call(&url, &token, method, path, &body);
    let (head, details) = call("GET", "/account-info/v3/details", Value::Null);
    assert!(head.starts_with("HTTP/1.1 200") && head.contains("x-hubspot-ratelimit-daily: 500"), "{head}");
    assert!(details.contains("Europe/Berlin"), "{details}");
    let objects = "/crm/objects/2026-09/contacts";
    let make = |properties: Value| call("POST", objects, json!({ "properties": properties }));
    let (head, refused) = make(json!({"email": "a@example.org"}));
    assert!(head.starts_with("HTTP/1.1 400") && refused.contains("jobtitle"), "{head} {refused}");
    let (head, made) = make(json!({"email": "a@example.org", "jobtitle": "Baker"}));
    assert!(head.starts_with("HTTP/1.1 201"), "{head} {made}");
    let filter = json!({"propertyName": "email", "operator": "EQ", "value": "a@example.org"});
    let search =
        || call("POST", &format!("{objects}/search"), json!({"filterGroups": [{"filters": [filter]}]}));
    let (head, found) = search();
    assert!(head.starts_with("HTTP/1.1 200") && found.contains("\"total\":0"), "the index is late: {found}");
    let (head, _) = search();
    assert!(head.starts_with("HTTP/1.1 429") && head.contains("retry-after: 1\r"), "{head}");
    call("GET", objects, Value::Null);
    let (head, _) = call("GET", objects, Value::Null);
    assert!(head.starts_with("HTTP/1.1 429") && head.contains("retry-after: 10\r"), "{head}");
    let bad = house.concord(&["sandbox", "hubspot", "--time-zone", "Mars/Olympus"]).exits(2);
    assert!(bad.err.contains("is no time zone"), "{bad:?}");
    assert_eq!(sandbox.end("-INT"), 0);
}

fn contacts(house: &House, sandbox: &Running) -> Value {
    let mut document = connector(sandbox.text("url"), sandbox.text("accessToken"));
    document["name"] = json!("hubspot");
    house.concord_with_input(&["connector", "add", "-"], &document.to_string()).exits(0);
    house.concord_with_input(&["mapping", "add", "-"], &inbound().to_string()).exits(0);
    house.json(0, &["recon", "contactsToUsers", "--preview"])["progress"]["source"]["existing"]["total"]
        .clone()
}

#[cfg(unix)]
#[test]
fn a_sandbox_runs_until_it_is_told_to_end_and_keeps_its_state() {
    let house = House::empty();
    let state = house.folder.path().join("hubspot.json");
    let state = state.to_str().unwrap();
    let sandbox = Running::start(
        &house,
        &["--records", "17", "--seed", "3", "--state", state, "--limits", "professional"],
    );
    assert_eq!(
        (sandbox.text("clientId"), sandbox.text("clientSecret")),
        ("sandbox-client", "sandbox-secret")
    );
    assert_eq!(contacts(&house, &sandbox), "17");
    assert_eq!(sandbox.end("-TERM"), 0);

    let again = Running::start(&house, &["--records", "99", "--state", state]);
    assert_eq!(contacts(&house, &again), "17", "the account of last time");
    assert_eq!(again.end("-INT"), 0);
}

#[cfg(unix)]
#[test]
fn a_sandbox_misbehaves_when_asked() {
    let house = House::empty();
    let faults =
        house.file("faults.json", &json!({"faults": [{"path": "*", "times": "always", "action": "html"}]}));
    let sandbox = Running::start(&house, &["--records", "1", "--faults", &faults]);
    let mut document = connector(sandbox.text("url"), sandbox.text("accessToken"));
    document["name"] = json!("hubspot");
    house.concord_with_input(&["connector", "add", "-"], &document.to_string()).exits(0);
    assert_eq!(house.json(1, &["connector", "test"])[0]["ok"], false);
    assert_eq!(sandbox.end("-TERM"), 0);
}

#[test]
fn wrong_addresses_and_faults_are_refused() {
    let house = House::empty();
    house.concord(&["sandbox", "hubspot", "--addr", "0.0.0.0:0"]).exits(2).says(&["0.0.0.0", "127.0.0.1"]);
    house.concord(&["sandbox", "hubspot", "--addr", "here"]).exits(2);
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = taken.local_addr().unwrap().to_string();
    house.concord(&["sandbox", "hubspot", "--addr", &address]).exits(1).says(&[&address, "--addr"]);
    let faults = house.text_file("faults.json", r#"{"faults": [{"path": "*", "action": "explode"}]}"#);
    house
        .concord(&["sandbox", "hubspot", "--addr", "127.0.0.1:0", "--faults", &faults])
        .exits(1)
        .says(&["faults.json"]);
}

#[cfg(unix)]
#[test]
fn people_get_words() {
    let house = House::empty();
    let mut child = house
        .command(&["sandbox", "hubspot", "--addr", "127.0.0.1:0", "--records", "1"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut words = String::new();
    for _ in 0..4 {
        out.read_line(&mut words).unwrap();
    }
    Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    out.read_to_string(&mut words).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(words.contains("http://127.0.0.1:") && words.contains("service key"), "{words}");
}
