//! `concord connector`.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::Stdio,
};

use sandbox::hubspot::{Consent, Options};
use serde_json::{Value, json};

use crate::house::{House, IN, OUT, Ran, TOKEN, connector};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connector_is_added_changed_switched_and_removed() {
    let house = House::with_contacts(3).await;
    let file = house.file("provisioner.openicf-hubspot.json", &house.connector());

    assert_eq!(house.json(0, &["connector", "list"]), json!([]));
    let nothing = house.concord(&["connector", "list"]).exits(0);
    assert!(nothing.out.is_empty() && nothing.err.contains("connector add"), "{nothing:?}");

    assert_eq!(
        house.json(0, &["connector", "add", &file]),
        json!({"name": "hubspot", "result": "added"}),
        "the name is the file's"
    );
    assert_eq!(house.json(0, &["connector", "add", &file]), json!({"name": "hubspot", "result": "changed"}));

    let list = house.json(0, &["connector", "list"]);
    assert_eq!((&list[0]["name"], &list[0]["provider"]), (&json!("hubspot"), &json!("hubspot")));
    let words = house.concord(&["connector", "list"]).exits(0).out;
    assert!(words.starts_with("NAME") && words.contains("untested"), "{words}");

    let shown = house.json(0, &["connector", "show", "hubspot"]);
    assert_eq!(shown["poolConfigOption"]["maxObjects"], 10, "unknown keys survive");
    assert!(shown["configurationProperties"].get("accessToken").is_none());
    let secret = &shown["concord"]["secrets"][0];
    assert_eq!((&secret["property"], &secret["set"]), (&json!("accessToken"), &json!(true)));

    // What was shown can be added again, without the secret: that one stays.
    let again = house.concord_with_input(&["connector", "add", "-", "--json"], &shown.to_string()).exits(0);
    assert_eq!(again.json()["result"], "changed");
    let after = house.json(0, &["connector", "show", "hubspot"]);
    assert_eq!(after["configurationProperties"], shown["configurationProperties"]);
    house.concord(&["connector", "test", "hubspot"]).exits(0);

    house.json(0, &["connector", "disable", "hubspot"]);
    assert_eq!(house.json(0, &["connector", "show", "hubspot"])["enabled"], false);
    house.concord(&["connector", "enable", "hubspot"]).exits(0);
    assert_eq!(house.json(0, &["connector", "show", "hubspot"])["enabled"], true);

    let mappings = house.file("sync.json", &json!([crate::house::inbound(), crate::house::outbound()]));
    house.concord(&["mapping", "add", &mappings]).exits(0);
    house.concord(&["connector", "remove", "hubspot"]).exits(1).says(&["is used by", IN, OUT]);
    for mapping in [OUT, IN] {
        house.concord(&["mapping", "remove", mapping]).exits(0);
    }
    house.concord(&["connector", "remove", "hubspot"]).exits(0);
    assert_eq!(house.json(0, &["connector", "list"]), json!([]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_test_prints_idms_array() {
    let house = House::connected(3).await;
    house.concord_with_input(
        &["connector", "add", "-"],
        &{
            let mut wrong = connector(&house.url(), "test-token-1");
            wrong["name"] = json!("wrong");
            wrong["displayName"] = json!("Wrong token");
            wrong
        }
        .to_string(),
    );
    let tested = house.json(1, &["connector", "test"]);
    let (good, bad) = (&tested[0], &tested[1]);
    assert_eq!(good["name"], "hubspot");
    assert_eq!(good["ok"], true);
    assert_eq!(good["enabled"], true);
    assert_eq!(good["config"], "config/provisioner.openicf/hubspot");
    assert_eq!(good["connectorRef"]["bundleVersion"], "1.5.20.8");
    assert!(good["objectTypes"].as_array().unwrap().contains(&json!("contact")));
    assert!(good.get("error").is_none());
    assert_eq!(
        (&bad["name"], &bad["ok"], &bad["displayName"]),
        (&json!("wrong"), &json!(false), &json!("Wrong token"))
    );
    assert!(bad["error"].as_str().is_some_and(|e| !e.is_empty()), "{bad}");

    assert_eq!(house.json(0, &["connector", "test", "hubspot"]).as_array().unwrap().len(), 1);
    let words = house.concord(&["connector", "test", "wrong"]).exits(1);
    assert!(words.out.contains("failed"), "{words:?}");

    // One that is switched off is in nobody's way.
    house.concord(&["connector", "disable", "wrong"]).exits(0);
    assert_eq!(house.json(0, &["connector", "test"])[1]["enabled"], false);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_schema_is_read_from_the_system() {
    let house = House::connected(1).await;
    let contact = house.json(0, &["connector", "schema", "hubspot", "contact"]);
    assert_eq!(contact["objectType"], "contact");
    let names: Vec<&str> =
        contact["attributes"].as_array().unwrap().iter().filter_map(|a| a["name"].as_str()).collect();
    assert!(names.contains(&"email") && names.contains(&"jobtitle"), "{names:?}");
    let all = house.json(0, &["connector", "schema", "hubspot"]);
    let types: Vec<&str> =
        all.as_array().unwrap().iter().filter_map(|schema| schema["objectType"].as_str()).collect();
    assert_eq!(types, ["contact", "company", "contactProperties", "companyProperties"]);
    let words = house.concord(&["connector", "schema", "hubspot", "contact"]).exits(0).out;
    assert!(words.contains("ATTRIBUTE") && words.contains("email"), "{words}");
    house.concord(&["connector", "schema", "hubspot", "ticket"]).exits(1).says(&["ticket"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_schema_that_changed_says_so_until_it_was_seen() {
    let house = House::connected(1).await;
    let schema = ["connector", "schema", "hubspot", "contact"];
    assert_eq!(house.json(0, &schema)["drift"]["changes"], json!([]));
    let url = house.url();
    let host = url.trim_start_matches("http://");
    let mut sender = TcpStream::connect(host).unwrap();
    let body = json!({
        "name": "shoe_size", "label": "Shoe size", "type": "number", "fieldType": "number",
        "groupName": "contactinformation",
    })
    .to_string();
    write!(
        sender,
        "POST /crm/properties/2026-03/contacts HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {TOKEN}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    sender.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");

    let drift = &house.json(0, &schema)["drift"];
    assert_eq!(drift["changes"][0]["attribute"], "shoe_size");
    assert_eq!(drift["changes"][0]["kind"], "added");
    let mut seen = schema.to_vec();
    seen.push("--seen");
    house.concord(&seen).exits(0);
    let words = house.concord(&schema).exits(0).out;
    assert!(!words.contains("changed since"), "{words}");
}

#[test]
fn bad_documents_are_refused_with_the_reason() {
    let house = House::empty();
    let mut unknown = connector("http://127.0.0.1:1", TOKEN);
    unknown["connectorRef"]["connectorName"] = json!("org.example.LdapConnector");
    unknown["connectorRef"]["bundleName"] = json!("org.example.ldap");
    let mut number = connector("http://127.0.0.1:1", TOKEN);
    number["configurationProperties"]["permitsPerSecond"] = json!("many");
    let mut plain_http = connector("http://crm.example.org", TOKEN);
    plain_http["name"] = json!("plain");
    // file name, content, what is said
    let table: Vec<(&str, String, &[&str])> = vec![
        ("broken.json", "{\"name\": \"a\",".into(), &["broken.json", "not valid JSON", "line 1"]),
        ("list.json", "[]".into(), &["list.json", "not a connector configuration"]),
        ("a b.json", connector("http://127.0.0.1:1", TOKEN).to_string(), &["`a b`", "letters, digits"]),
        ("ldap.json", unknown.to_string(), &["ldap", "LdapConnector"]),
        ("number.json", number.to_string(), &["permitsPerSecond"]),
        ("plain.json", plain_http.to_string(), &["apiBaseUrl"]),
    ];
    for (name, content, words) in table {
        let file = house.text_file(name, &content);
        house.concord(&["connector", "add", &file]).exits(1).says(words);
    }
    house.concord(&["connector", "add", "/nowhere/hubspot.json"]).exits(1).says(&["/nowhere/hubspot.json"]);
    let nameless = connector("http://127.0.0.1:1", TOKEN).to_string();
    house.concord_with_input(&["connector", "add", "-"], &nameless).exits(1).says(&["stdin", "`name`"]);
    assert_eq!(house.json(0, &["connector", "list"]), json!([]), "nothing was kept");
}

#[test]
fn unknown_connectors_are_named() {
    let house = House::empty();
    for arguments in [
        &["connector", "show", "ghost"][..],
        &["connector", "test", "ghost"],
        &["connector", "schema", "ghost"],
        &["connector", "schema", "ghost", "contact"],
        &["connector", "enable", "ghost"],
        &["connector", "disable", "ghost"],
        &["connector", "remove", "ghost"],
        &["connector", "authorize", "ghost", "--no-open"],
    ] {
        house.concord(arguments).exits(1).says(&["ghost", "concord connector list"]);
    }
}

fn oauth(house: &House) -> String {
    house
        .json_document(json!({
            "clientId": "sandbox-client",
            "clientSecret": "sandbox-secret",
            "apiBaseUrl": house.url(),
            "authorizeUrl": format!("{}/oauth/authorize", house.url()),
            "redirectUri": "http://localhost:0/oauth/callback",
        }))
        .to_string()
}

impl House {
    fn json_document(&self, properties: Value) -> Value {
        let mut document = self.connector();
        document["name"] = json!("hubspot");
        document["configurationProperties"] = properties;
        document
    }
}

/// What a browser does with a page: follows where it is sent.
fn visit(url: &str) {
    let mut next = Some(url.to_owned());
    while let Some(url) = next.take() {
        let rest = url.strip_prefix("http://").unwrap();
        let (host, path) = rest.split_once('/').unwrap();
        let address = host.replace("localhost", "127.0.0.1");
        let mut stream = TcpStream::connect(&address).unwrap();
        write!(stream, "GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let head = answer.split("\r\n\r\n").next().unwrap();
        next = head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .find(|(name, _)| name.eq_ignore_ascii_case("location"))
            .map(|(_, to)| to.to_owned());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn consent_is_given_in_the_browser() {
    for (consent, code, ok) in [(Consent::Allow, 0, true), (Consent::Deny, 1, false)] {
        let house = House::with_options(Options { records: 2, consent, ..Options::default() }).await;
        house.concord_with_input(&["connector", "add", "-"], &oauth(&house)).exits(0);
        let mut child = house
            .command(&["--json", "connector", "authorize", "hubspot", "--no-open"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut first = String::new();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        stderr.read_line(&mut first).unwrap();
        let page = first.trim().rsplit(' ').next().unwrap();
        assert!(page.starts_with(&house.url()), "{first}");
        visit(page);
        let ran = Ran::of(child.wait_with_output().unwrap()).exits(code);
        assert_eq!(ran.json()["ok"], ok, "{ran:?}");
        assert_eq!(house.json(0, &["connector", "show", "hubspot"])["concord"]["authorized"], ok);
        if ok {
            house.concord(&["connector", "test", "hubspot"]).exits(0);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_script_of_a_connector_runs_in_the_sandbox_and_tells_what_is_wrong() {
    let house = House::with_contacts(0).await;
    let mut document = house.connector();
    document["name"] = json!("hubspot");
    let js = |text: &str| json!([{"systemType": ".*HubspotConnector", "actionType": "javascript", "actionSource": text}]);
    document["configurationProperties"]["apiToken"] = json!("not-for-scripts");
    document["systemActions"] = json!([
        {"scriptId": "greet", "actions": js("operation + ': ' + greeting + ' ' + scriptArguments['who else']")},
        {"scriptId": "settings", "actions": js("Object.keys(configuration).sort()")},
        {"scriptId": "outside", "actions": js("[typeof openidm, typeof fetch, typeof require, typeof XMLHttpRequest]")},
        {"scriptId": "broken", "actions": js("var a = 1;\na.b.c")},
        {"scriptId": "endless", "actions": js("for (;;) {}")},
        {"scriptId": "groovy", "actions": [{"actionType": "groovy", "actionSource": "1"}]},
    ]);
    house.concord_with_input(&["connector", "add", "-"], &document.to_string()).exits(0);
    let script =
        |id: &str, more: &[&str]| house.concord(&[&["connector", "script", "hubspot", id], more].concat());
    let greeted = script("greet", &["greeting=Hello", "who else=you=me"]).exits(0);
    assert_eq!(greeted.out.trim(), "SCRIPT_ON_CONNECTOR: Hello you=me");
    let told = script("outside", &["--json"]).exits(0).json();
    assert_eq!(told, json!({"actions": [{"result": ["undefined", "undefined", "undefined", "undefined"]}]}));
    let settings = script("settings", &["--json"]).exits(0).json()["actions"][0]["result"].clone();
    let settings: Vec<&str> = settings.as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert!(settings.contains(&"apiBaseUrl"), "{settings:?}");
    assert!(!settings.iter().any(|name| name.to_lowercase().contains("token")), "{settings:?}");
    for (id, words) in [
        ("broken", &["connector hubspot, script broken, line 2", "TypeError"][..]),
        ("endless", &["script endless", "longer than 250 ms"]),
        ("groovy", &["script `groovy`", "cannot run here", "JavaScript"]),
        ("nobody", &["has no script `nobody`", "greet, settings"]),
    ] {
        script(id, &[]).exits(1).says(words);
    }
    script("greet", &["oops"]).exits(2);
    house.json(0, &["connector", "disable", "hubspot"]);
    script("greet", &["greeting=Hello"]).exits(1).says(&["is disabled"]);
}
