//! `concord sandbox`.

use std::{
    io::{BufRead, BufReader, Read},
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
