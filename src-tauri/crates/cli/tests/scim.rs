//! SCIM servers as targets, as the author of a script meets them: the real program towards another Concord, and towards a
//! server that loses answers. Whatever happens, the end is the one without faults: nobody twice, nobody lost.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on ends there")]

#[path = "commands/house.rs"]
#[allow(dead_code, reason = "this program needs a part of it")]
mod house;
#[path = "../../connector/tests/support/scim_server.rs"]
mod scim_server;

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Stdio},
};

use house::House;
use scim_server::{Fault, Habits, ScimServer, TOKEN};
use serde_json::{Value, json};

const IN: &str = "systemScimUser_managedUser";
const OUT: &str = "managedUser_systemScimUser";

/// `concord serve` over a house, until the test ends.
struct Served {
    child: Child,
    endpoint: String,
    token: String,
}

impl Served {
    fn start(house: &House) -> Self {
        let token = house.json(0, &["scim-token", "create", "other"])["token"].as_str().unwrap().to_owned();
        let arguments = ["--json", "serve", "--addr", "127.0.0.1:0"];
        let mut child = house.command(&arguments).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let about: Value = serde_json::from_str(&line).unwrap_or_else(|problem| panic!("{problem}: {line}"));
        let endpoint = about["url"].as_str().unwrap().replace("/openidm", "/scim/v2");
        Self { child, endpoint, token }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // One that has ended is past killing.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn connector(endpoint: &str, token: &str, more: Value) -> Value {
    let mut properties = json!({
        "SCIMEndpoint": endpoint, "authenticationMethod": "TOKEN", "authToken": token, "permitsPerSecond": 1000,
    });
    properties.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({
        "name": "scim",
        "connectorRef": {"connectorName": "org.forgerock.openicf.connectors.scim.ScimConnector"},
        "configurationProperties": properties,
    })
}

/// A mapping that comes along, with links of its own; what is gone at its source is deleted.
fn template(name: &str) -> Value {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../api/templates/scim");
    let text = fs::read_to_string(folder.join(format!("{name}.json"))).unwrap();
    let mut mapping: Value = serde_json::from_str(&text).unwrap();
    mapping.as_object_mut().unwrap().shift_remove("links");
    for policy in mapping["policies"].as_array_mut().unwrap() {
        if policy["situation"] == "SOURCE_MISSING" {
            policy["action"] = json!("DELETE");
        }
    }
    mapping
}

fn add(house: &House, what: &str, document: &Value) {
    house.concord_with_input(&[what, "add", "-"], &document.to_string()).exits(0);
}

fn person(n: usize) -> Value {
    json!({
        "userName": format!("person{n}"), "givenName": format!("Given{n}"), "sn": format!("Family{n}"),
        "mail": format!("person{n}@example.org"), "telephoneNumber": format!("+49 30 {n}"), "city": "Berlin",
        "companyName": "Acme", "title": "Analyst",
    })
}

fn with_people(people: usize) -> House {
    let house = House::empty();
    for n in 1..=people {
        house.concord_with_input(&["user", "create", "-"], &person(n).to_string()).exits(0);
    }
    house
}

/// The people of a house, without what is the house's own.
fn people(house: &House) -> Vec<Value> {
    let fields = "userName,givenName,sn,mail,telephoneNumber,city,companyName,title,accountStatus";
    let listed = house.json(0, &["user", "list", "--fields", fields]);
    let mut all: Vec<Value> = listed["result"].as_array().unwrap().clone();
    for user in &mut all {
        user.as_object_mut().unwrap().retain(|name, _| !name.starts_with('_'));
    }
    all.sort_by_key(|user| user["userName"].to_string());
    all
}

fn id_of(house: &House, name: &str) -> String {
    house.user(&format!("userName eq \"{name}\""))["_id"].as_str().unwrap().to_owned()
}

fn count(run: &Value, what: &str) -> u64 {
    run["progress"]["target"][what].as_u64().unwrap_or_else(|| panic!("{what}: {run}"))
}

#[test]
fn people_live_in_two_concords_and_changes_travel() {
    for method in ["PATCH", "PUT"] {
        let (here, there) = (with_people(8), House::empty());
        let served = Served::start(&there);
        let scim = connector(&served.endpoint, &served.token, json!({"updateMethod": method}));
        add(&here, "connector", &scim);
        let tested = here.json(0, &["connector", "test", "scim"]);
        assert_eq!(tested[0]["ok"], true, "{tested}");
        let schema = here.json(0, &["connector", "schema", "scim", "User"]);
        let known: Vec<&str> =
            schema["attributes"].as_array().unwrap().iter().filter_map(|a| a["name"].as_str()).collect();
        for property in template(OUT)["properties"].as_array().unwrap() {
            let target = property["target"].as_str().unwrap();
            assert!(known.contains(&target), "{target} is missing in {known:?}");
        }
        add(&here, "mapping", &template(OUT));

        let first = here.json(0, &["recon", OUT]);
        assert_eq!(count(&first, "created"), 8, "{first}");
        assert_eq!(people(&there), people(&here));
        let again = here.json(0, &["recon", OUT]);
        assert_eq!((count(&again, "unchanged"), count(&again, "updated")), (8, 0), "{method}: {again}");

        // An edit travels at once: to a value, to nothing, and to an inactive account.
        let id = id_of(&here, "person3");
        let set = here.json(
            0,
            &[
                "user",
                "set",
                &id,
                "sn=Berger",
                "telephoneNumber=",
                "city=Bonn",
                "mail=p3@example.com",
                "accountStatus=inactive",
            ],
        );
        assert_eq!(
            (&set["sync"][0]["mapping"], &set["sync"][0]["state"]),
            (&json!(OUT), &json!("synced")),
            "{set}"
        );
        assert_eq!(people(&there), people(&here), "{method}");
        let deleted = here.json(0, &["user", "delete", &id_of(&here, "person5")]);
        assert_eq!(deleted["sync"][0]["state"], "synced", "{deleted}");
        assert_eq!(people(&there).len(), 7);

        // What is changed over there is brought back in line, and who is gone there is told.
        there.json(0, &["user", "set", &id_of(&there, "person1"), "title=Other"]);
        let mended = here.json(0, &["recon", OUT]);
        assert_eq!(count(&mended, "updated"), 1, "{mended}");
        assert_eq!(people(&there), people(&here), "{method}");

        let quiet = here.json(0, &["recon", OUT, "--incremental"]);
        assert_eq!(count(&quiet, "updated") + count(&quiet, "created"), 0, "{quiet}");
        here.json(0, &["user", "set", &id_of(&here, "person2"), "title=Chief", "--no-wait"]);
        here.json(0, &["recon", OUT, "--incremental"]);
        assert_eq!(people(&there), people(&here), "{method}");
    }
}

#[test]
fn people_come_in_from_a_scim_server() {
    let (here, there) = (House::empty(), with_people(30));
    let served = Served::start(&there);
    add(&here, "connector", &connector(&served.endpoint, &served.token, json!({"pageSize": 7})));
    add(&here, "mapping", &template(IN));
    let first = here.json(0, &["recon", IN]);
    assert_eq!(count(&first, "created"), 30, "{first}");
    assert_eq!(people(&here), people(&there));
    let again = here.json(0, &["recon", IN]);
    assert_eq!((count(&again, "unchanged"), count(&again, "updated")), (30, 0), "{again}");

    there.json(0, &["user", "set", &id_of(&there, "person9"), "sn=Berger", "city="]);
    there.json(0, &["user", "set", &id_of(&there, "person8"), "accountStatus=inactive"]);
    there.json(0, &["user", "delete", &id_of(&there, "person7")]);
    here.json(0, &["recon", IN]);
    assert_eq!(people(&here).len(), 29);
    let of = |house: &House, name: &str| people(house).into_iter().find(|p| p["userName"] == name).unwrap();
    assert_eq!(of(&here, "person9")["sn"], "Berger");
    assert_eq!(of(&here, "person9")["city"], "Berlin", "what is empty there is left alone here");
    assert_eq!(of(&here, "person8")["accountStatus"], "inactive");
}

// ---- faults ----

/// A house with people, and a server that they go to.
fn exporting(people: usize, habits: Habits) -> (House, ScimServer) {
    let (house, server) = (with_people(people), ScimServer::new(habits));
    add(&house, "connector", &connector(&server.url, TOKEN, json!({})));
    add(&house, "mapping", &template(OUT));
    (house, server)
}

/// What a server has of its people, without what is the server's own.
fn kept(server: &ScimServer) -> Vec<Value> {
    let mut all: Vec<Value> = server
        .data()
        .users
        .iter()
        .map(|user| {
            let mut user = user.clone();
            user.retain(|name, _| !["id", "meta", "schemas", "externalId"].contains(&name.as_str()));
            Value::Object(user)
        })
        .collect();
    all.sort_by_key(|user| user["userName"].to_string());
    all
}

/// Runs until it is through, as a person would.
fn until_done(house: &House) {
    let mut said = Vec::new();
    for _ in 0..4 {
        let ran = house.concord(&["--json", "recon", OUT, "--allow", "deletes=9"]);
        match ran.code {
            0 => return,
            1 | 3 => said.push(ran),
            _ => panic!("{ran:#?}"),
        }
    }
    panic!("it does not come to an end: {said:#?}");
}

#[test]
fn the_end_is_the_same_whatever_the_server_does_on_the_way() {
    const PEOPLE: usize = 12;
    let change_all = |house: &House| {
        for n in 1..=6 {
            house.json(
                0,
                &[
                    "user",
                    "set",
                    &id_of(house, &format!("person{n}")),
                    "title=Chief",
                    "telephoneNumber=1",
                    "--no-wait",
                ],
            );
        }
        house.json(0, &["user", "delete", &id_of(house, "person12"), "--no-wait"]);
    };
    let wanted = {
        let (house, server) = exporting(PEOPLE, Habits::default());
        until_done(&house);
        change_all(&house);
        until_done(&house);
        kept(&server)
    };
    assert_eq!(wanted.len(), PEOPLE - 1);
    let later = |status: u16| Fault::Answer(status, vec![("retry-after", "1".to_owned())], json!({}));
    let error = |status: u16| Fault::Answer(status, vec![], json!({"detail": "not now"}));
    let empty = Fault::Answer(200, vec![], json!({"totalResults": 0, "Resources": []}));
    for (name, fault, on) in [
        ("lost answers", Fault::LostAnswer, vec!["POST", "PATCH", "DELETE"]),
        ("broken connections", Fault::HangUp, vec!["POST", "PATCH", "DELETE", "GET"]),
        ("too many calls", later(429), vec!["POST", "PATCH", "DELETE", "GET"]),
        ("in maintenance", later(503), vec!["POST", "PATCH", "DELETE", "GET"]),
        ("in trouble", error(500), vec!["POST", "PATCH", "DELETE", "GET"]),
        ("refused for once", error(400), vec!["POST", "DELETE"]),
        ("a list that is empty for once", empty, vec!["GET"]),
    ] {
        let (house, server) = exporting(PEOPLE, Habits::default());
        let misbehave = || {
            server.data().faults.clear();
            for method in &on {
                // What the server says about itself is asked first, in three calls.
                let times = if *method == "GET" { 5 } else { 2 };
                for _ in 0..times {
                    server.data().faults.push_back((method, fault.clone()));
                }
            }
        };
        misbehave();
        until_done(&house);
        misbehave();
        change_all(&house);
        until_done(&house);
        server.data().faults.clear();
        until_done(&house);
        assert_eq!(kept(&server), wanted, "{name}");
        let before = server.data().writes().len();
        let quiet = house.json(0, &["recon", OUT]);
        assert_eq!(
            (count(&quiet, "unchanged"), server.data().writes().len()),
            (PEOPLE as u64 - 1, before),
            "{name}: {quiet}"
        );
    }
}

#[test]
fn a_list_that_is_not_whole_changes_nothing() {
    for habits in
        [Habits { ignores_start: true, ..Habits::default() }, Habits { total_off: 2, ..Habits::default() }]
    {
        let (house, server) = (with_people(2), ScimServer::with_people(habits, 150));
        add(&house, "connector", &connector(&server.url, TOKEN, json!({})));
        add(&house, "mapping", &template(OUT));
        let ran = house.concord(&["recon", OUT]).exits(1);
        assert!(ran.err.contains("nothing was done with the incomplete list"), "{ran:?}");
        assert_eq!(server.data().writes(), [""; 0]);
    }
}

#[test]
fn each_refused_record_is_told_in_words() {
    let (house, server) = exporting(4, Habits::default());
    let refusal = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "status": "400", "scimType": "invalidValue",
        "detail": "title must be one of Boss, Clerk",
    });
    server.data().faults.push_back(("POST", Fault::Answer(400, vec![], refusal)));
    let run = house.json(3, &["recon", OUT]);
    assert_eq!((count(&run, "created"), server.data().users.len()), (3, 3), "{run}");
    let id = run["_id"].as_str().unwrap();
    let failed = house.json(0, &["run", "entries", id, "--failed"]);
    let entry = failed["result"].get(0).or_else(|| failed.get(0)).unwrap();
    let words = entry.to_string();
    assert!(words.contains("title must be one of Boss, Clerk") && words.contains("correct"), "{words}");
    until_done(&house);
    assert_eq!(server.data().names(), ["person1", "person2", "person3", "person4"]);
}

#[test]
fn who_is_there_already_is_linked_and_never_made_twice() {
    let (house, server) = exporting(3, Habits::default());
    server.data().seed("Users", json!({"userName": "PERSON2", "nickName": "kept"}));
    // The list does not show it, as lists that lag behind do not; the create meets it.
    server.data().seed("Users", json!({"userName": "person3", "nickName": "kept"}));
    let hidden = server.data().users.pop().unwrap();
    let back = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "status": "409", "scimType": "uniqueness", "detail": "taken"});
    server.data().faults.push_back(("POST", Fault::Answer(409, vec![], back)));
    server.data().users.push(hidden);
    until_done(&house);
    let data = server.data();
    let mut names: Vec<String> = data.names().iter().map(|n| n.to_lowercase()).collect();
    names.sort();
    assert_eq!(names, ["person1", "person2", "person3"]);
    assert_eq!(data.users.iter().filter(|u| u.get("nickName") == Some(&json!("kept"))).count(), 2);
}

// ---- the choices of WSO2's outbound provisioning ----

#[test]
fn provisioning_waits_follows_a_rule_and_need_not_be_just_in_time() {
    let (house, server) = (House::empty(), ScimServer::new(Habits::default()));
    add(&house, "connector", &connector(&server.url, TOKEN, json!({})));
    // A rule: only those of one company go out. Blocking: the write waits for this target.
    let mut mapping = template(OUT);
    mapping["sourceCondition"] = json!("/source/companyName eq \"Acme\"");
    mapping["syncMode"] = json!("blocking");
    add(&house, "mapping", &mapping);
    let made =
        house.concord_with_input(&["--json", "user", "create", "-"], &person(1).to_string()).exits(0).json();
    assert_eq!(made["sync"][0]["state"], "synced", "{made}");
    let mut other = person(2);
    other["companyName"] = json!("Other");
    house.concord_with_input(&["user", "create", "-"], &other.to_string()).exits(0);
    assert_eq!(server.data().names(), ["person1"]);
    // Whoever leaves the rule leaves the target.
    house.json(0, &["user", "set", &id_of(&house, "person1"), "companyName=Other"]);
    assert_eq!(server.data().names(), [""; 0]);

    // The same rule as a script, and just-in-time off: nothing goes out with the change, the next run carries it.
    mapping.as_object_mut().unwrap().shift_remove("sourceCondition");
    mapping["validSource"] = json!({"type": "text/javascript", "source": "source.companyName === 'Other'"});
    mapping["enableSync"] = json!(false);
    add(&house, "mapping", &mapping);
    let before = server.data().seen.len();
    let made = house.concord_with_input(&["--json", "user", "create", "-"], &{
        let mut third = person(3);
        third["companyName"] = json!("Other");
        third.to_string()
    });
    assert_eq!(made.exits(0).json()["sync"], json!([]));
    house.concord_with_input(&["user", "create", "-"], &person(4).to_string()).exits(0);
    assert_eq!(server.data().seen.len(), before, "not one call");
    house.json(0, &["recon", OUT]);
    assert_eq!(server.data().names(), ["person1", "person2", "person3"]);
}
