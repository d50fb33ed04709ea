//! `concord serve`.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, Command, Stdio},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::Value;

use crate::house::House;

pub struct Running {
    child: Child,
    about: Value,
}

impl Running {
    pub fn start(house: &House, arguments: &[&str]) -> Self {
        let mut all = vec!["--json", "serve", "--addr", "127.0.0.1:0"];
        all.extend(arguments);
        let mut child = house.command(&all).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let about = serde_json::from_str(&line).unwrap_or_else(|problem| panic!("{problem}: {line}"));
        Self { child, about }
    }

    fn password(&self) -> Option<&str> {
        self.about["password"].as_str()
    }

    /// The status of a request for the ping.
    fn ping(&self, password: &str) -> String {
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
    let (chain, key) = ("no-such-chain.pem", "no-such-key.pem");
    house
        .concord(&[
            "serve",
            "--addr",
            "0.0.0.0:0",
            "--open-to-network",
            "--tls-certificate",
            chain,
            "--tls-key",
            key,
        ])
        .exits(1)
        .says(&[chain]);
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = taken.local_addr().unwrap().to_string();
    house.concord(&["serve", "--addr", &address]).exits(1).says(&[&address, "--addr"]);
}
