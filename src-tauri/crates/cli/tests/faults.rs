//! HubSpot misbehaves in every way that the sandbox knows, while the real program reads from it and while it writes to it.
//! Whatever happens, the end is the one without faults: no user and no contact twice, none lost, every link there; and what
//! HubSpot refuses is told record by record, in its words, with what to do.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on ends there")]

#[path = "commands/house.rs"]
#[allow(dead_code, reason = "this program needs a part of it")]
mod house;

#[macro_use]
#[path = "shared/misbehaviour.rs"]
mod misbehaviour;

use std::collections::BTreeMap;

use sandbox::hubspot::{Action, Fault, Limits, Options, Portal, Sandbox, WriteKind};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use house::{House, IN, TOKEN};
use misbehaviour::{Read, answer, until_done};

const OUT: &str = "usersToOther";
/// Three pages of a list, two batches of a write.
const CONTACTS: usize = 220;

/// One person on either side: address, first name, last name, city.
type Person = (String, String, String, String);

fn person<'a>(value: impl Fn(&str) -> Option<&'a str>, names: [&str; 4]) -> Person {
    let text = |name: &str| value(name).unwrap_or_default().to_owned();
    (text(names[0]).to_lowercase(), text(names[1]), text(names[2]), text(names[3]))
}

/// The people at HubSpot who have an address, as the mappings see them.
fn contacts(portal: &Portal) -> Vec<Person> {
    let mut all: Vec<Person> = portal
        .contacts()
        .iter()
        .map(|contact| {
            let value = |name: &str| contact.properties.get(name).map(String::as_str);
            person(value, ["email", "firstname", "lastname", "city"])
        })
        .filter(|(mail, ..)| !mail.is_empty())
        .map(|(mail, first, last, city)| {
            let named = |name: String| if name.is_empty() { "-".to_owned() } else { name };
            (mail, named(first), named(last), city)
        })
        .collect();
    all.sort();
    all
}

fn users(house: &House) -> Vec<Person> {
    let listed = house.json(0, &["user", "list", "--fields", "mail,givenName,sn,city"]);
    let mut all: Vec<Person> = listed["result"]
        .as_array()
        .unwrap()
        .iter()
        .map(|user| person(|name| user[name].as_str(), ["mail", "givenName", "sn", "city"]))
        .collect();
    all.sort();
    all
}

fn inbound() -> Value {
    let mut mapping = house::inbound();
    mapping["enableSync"] = json!(false);
    mapping["properties"] = json!([
        {"source": "email", "target": "userName", "transform": {"builtIn": "lower"}, "setOn": "create"},
        {"source": "email", "target": "mail", "transform": {"builtIn": "lower"}},
        {"source": "firstname", "target": "givenName", "default": "-"},
        {"source": "lastname", "target": "sn", "default": "-"},
        {"source": "city", "target": "city", "whenEmpty": "clear"},
    ]);
    mapping
}

/// The way back leads to another account, so that creating, changing and archiving all come up.
fn outbound() -> Value {
    json!({
        "name": OUT, "source": "managed/user", "target": "system/other/contact", "enableSync": false,
        "guards": {"maxDeletes": 0},
        "correlationQuery": [{"linkQualifier": "default", "expressionTree": {"any": ["email"]}}],
        "properties": [
            {"source": "mail", "target": "email"},
            {"source": "givenName", "target": "firstname"},
            {"source": "sn", "target": "lastname"},
            {"source": "city", "target": "city", "whenEmpty": "clear"},
        ],
        "policies": [{"situation": "SOURCE_MISSING", "action": "DELETE"}],
    })
}

fn add(house: &House, what: &str, document: &Value) {
    house.concord_with_input(&[what, "add", "-"], &document.to_string()).exits(0);
}

/// A house whose people come from one account.
async fn importing(records: usize) -> House {
    let house = House::with_options(Options { records, seed: 11, ..Options::default() }).await;
    let mut connector = house.connector();
    connector["name"] = json!("hubspot");
    connector["configurationProperties"]["permitsPerSecond"] = json!(1000);
    add(&house, "connector", &connector);
    add(&house, "mapping", &inbound());
    house
}

/// The same with another account that they go to.
async fn exporting(records: usize, options: Options) -> (House, Sandbox) {
    let house = importing(records).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let other = Sandbox::start(listener, options).await.unwrap();
    let mut connector = house::connector(&other.url(), TOKEN);
    connector["name"] = json!("other");
    connector["configurationProperties"]["permitsPerSecond"] = json!(1000);
    add(&house, "connector", &connector);
    add(&house, "mapping", &outbound());
    (house, other)
}

/// Something changes at HubSpot: a city for every second person, and `gone` of them leave.
fn life_goes_on(portal: &Portal, city: &str, gone: usize) {
    let all = portal.contacts();
    for contact in all.iter().step_by(2) {
        portal.set(&contact.id, &[("city", city)]).unwrap();
    }
    let with_mail = all.iter().filter(|contact| contact.properties.contains_key("email"));
    for contact in with_mail.skip(7).step_by(20).take(gone) {
        assert!(portal.archive(&contact.id));
    }
}

/// A run that finds nothing to do proves the links: each pair of records is confirmed once.
fn is_settled(house: &House, mapping: &str, pairs: usize) {
    let run = house.json(0, &["recon", mapping]);
    let target = &run["progress"]["target"];
    let changes = ["created", "updated", "deleted"].map(|kind| target[kind].as_u64().unwrap());
    assert_eq!(changes, [0, 0, 0], "{run}");
    assert_eq!(run["situationSummary"]["CONFIRMED"], pairs, "{run}");
    assert_eq!(run["progress"]["links"]["existing"]["total"], pairs.to_string(), "{run}");
}

async fn reads(action: Action, times: u64, expected: Read) {
    let house = importing(CONTACTS).await;
    let portal = house.portal();
    let on_the_second_page = || {
        portal.set_faults(vec![Fault::on("*/contacts", action.clone()).nth(2).times(times)]);
    };
    for (city, gone) in [("", 0), ("Elsewhere", 3)] {
        if gone > 0 {
            life_goes_on(&portal, city, gone);
        }
        let before = users(&house);
        on_the_second_page();
        let ran = house.concord(&["--json", "recon", IN, "--allow", &format!("deletes={gone}")]);
        portal.clear_faults();
        match (ran.code, expected) {
            (0, _) => {}
            (1, Read::OrSays(words)) => {
                let last = ran.err.trim().lines().last().unwrap_or_default();
                assert!(last.starts_with("concord: ") && last.contains(words), "{ran:#?}");
                assert_eq!(users(&house), before, "a read that is not whole changes nothing");
                until_done(&house, IN, gone);
            }
            _ => panic!("{action:?}: {ran:#?}"),
        }
        assert_eq!(users(&house), contacts(&portal), "one user for each contact with an address");
    }
    is_settled(&house, IN, contacts(&portal).len());
    assert!(portal.writes().iter().all(|write| !write.by_app), "reading writes nothing");
}

/// Every write comes upon the fault once: creating, changing, archiving.
async fn writes(action: Action) {
    let (house, other) = exporting(CONTACTS, Options::default()).await;
    let (source, target) = (house.portal(), other.portal());
    let mut said = Vec::new();
    for (city, gone) in [("", 0), ("Elsewhere", 3)] {
        if gone > 0 {
            life_goes_on(&source, city, gone);
        }
        house.json(0, &["recon", IN, "--allow", &format!("deletes={gone}")]);
        let each = ["create", "update", "archive"];
        target.set_faults(each.map(|kind| Fault::on(&format!("*/batch/{kind}"), action.clone())).to_vec());
        said.extend(until_done(&house, OUT, gone));
        target.clear_faults();
        assert_eq!(contacts(&target), users(&house), "one contact for each user: {said:#?}");
    }
    assert_eq!(contacts(&target).len(), target.contacts().len(), "nobody without an address");
    let mut made: BTreeMap<String, usize> = BTreeMap::new();
    for write in target.writes().iter().filter(|write| write.kind == WriteKind::Create) {
        *made.entry(write.id.clone()).or_default() += 1;
    }
    let gone = 3;
    assert_eq!(made.len(), target.contacts().len() + gone, "nobody was made twice");
    is_settled(&house, OUT, contacts(&target).len());
}

/// What HubSpot refuses is told record by record, and what is corrected then goes through. The others are written at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_refused_is_told_in_hubspots_words_with_what_to_do() {
    let required = vec!["jobtitle".to_owned()];
    let (house, other) = exporting(0, Options { required_properties: required, ..Options::default() }).await;
    let (source, target) = (house.portal(), other.portal());
    // The rules of an account's administrator hold for apps from this version on.
    let mut connector = house::connector(&other.url(), TOKEN);
    connector["name"] = json!("other");
    connector["configurationProperties"]["apiVersion"] = json!("2026-09");
    add(&house, "connector", &connector);
    for (mut mapping, properties) in [
        (inbound(), [["phone", "telephoneNumber"], ["jobtitle", "description"], ["city", "city"]]),
        (
            outbound(),
            [["telephoneNumber", "annual_spend"], ["description", "jobtitle"], ["city", "hs_language"]],
        ),
    ] {
        let rows = mapping["properties"].as_array_mut().unwrap();
        rows.retain(|row| row["source"] != "city");
        rows.extend(properties.map(|[from, to]| json!({"source": from, "target": to})));
        add(&house, "mapping", &mapping);
    }
    // Somebody has this address already, as a second one that no search finds.
    let taken = [("email", "first@example.org"), ("hs_additional_emails", "second@example.org")];
    let known = target.create(&taken).unwrap();

    // who, language, spend, job title, what HubSpot says and where to correct it
    type Row = (&'static str, [&'static str; 3], Option<[&'static str; 2]>);
    let rows: &[Row] = &[
        ("good", ["de", "5", "Buyer"], None),
        ("second", ["en", "6", "Baker"], None),
        (
            "language",
            ["Klingon", "7", "Pilot"],
            Some(["Klingon was not one of the allowed options", "hs_language"]),
        ),
        ("number", ["fr", "many", "Nurse"], Some(["many was not a valid number", "annual_spend"])),
        ("rule", ["fr", "8", ""], Some(["jobtitle is required by this account's rules", "jobtitle"])),
        ("both", ["Klingon", "much", "Clerk"], Some(["was not one of the allowed options", "annual_spend"])),
        ("fine", ["", "", "Diver"], None),
    ];
    let mut ids = BTreeMap::new();
    for (who, [language, spend, job], _) in rows {
        let mail = format!("{who}@example.org");
        let values = [("email", mail.as_str()), ("city", language), ("phone", spend), ("jobtitle", job)];
        ids.insert(*who, source.create(&values).unwrap());
    }
    house.json(0, &["recon", IN]);
    let ran = house.concord(&["--json", "recon", OUT]).exits(3);
    let run = ran.json();
    let refused = rows.iter().filter(|(.., words)| words.is_some()).count();
    assert_eq!(run["statusSummary"]["FAILURE"], refused, "{run}");
    let entries = house.json(0, &["run", "entries", run["_id"].as_str().unwrap(), "--failed"]);
    for (who, _, words) in rows {
        let mail = format!("{who}@example.org");
        let told = entries.as_array().unwrap().iter().find(|entry| {
            let changes = entry["changes"].as_array().unwrap();
            changes.iter().any(|change| change["after"] == mail.as_str())
        });
        match (told, words) {
            (None, None) => {}
            (Some(entry), Some([said, correct])) => {
                let text = |name: &str| entry[name].as_str().unwrap_or_default();
                assert!(text("message").contains(said), "{who}: {entry:#}");
                assert!(text("messageDetail").contains(correct), "{who}: {entry:#}");
            }
            _ => panic!("{who}: {told:?}, {words:?}"),
        }
    }
    assert_eq!(target.contacts().len(), rows.len() - refused, "those that were not refused are written");
    assert!(target.contact(&known).is_some_and(|contact| contact.properties["jobtitle"] == "Baker"));

    for id in ids.values() {
        source.set(id, &[("city", "fr"), ("phone", "1"), ("jobtitle", "Mender")]).unwrap();
    }
    house.json(0, &["recon", IN]);
    house.json(0, &["recon", OUT]);
    assert_eq!(target.contacts().len(), rows.len());
    assert!(target.contacts().iter().all(|contact| contact.properties["jobtitle"] == "Mender"));
    is_settled(&house, OUT, rows.len());
}

/// Waiting does not make a token good: the run ends as a read does, and goes on once somebody has authorized again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_is_refused_ends_a_run_of_writes_at_once() {
    let (house, other) = exporting(CONTACTS, Options::default()).await;
    let target = other.portal();
    house.json(0, &["recon", IN]);
    target.set_faults(vec![Fault::on("*/batch/*", answer(401)).times(ALWAYS)]);
    let ran = house.concord(&["recon", OUT]).exits(1);
    assert!(ran.err.contains("authorize again"), "{ran:#?}");
    let tried = target.calls().iter().filter(|call| call.path.contains("/batch/")).count();
    assert_eq!(tried, 1, "{:#?}", target.calls());
    target.clear_faults();
    until_done(&house, OUT, 0);
    assert_eq!(contacts(&target), users(&house));
}

/// A run that comes to the end of the day keeps its plan and its number; nothing has failed, and nothing is done twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_used_up_day_is_told_with_its_end_and_the_run_goes_on_where_it_stopped() {
    let options = Options { time_zone: "Asia/Kolkata".into(), ..Options::default() };
    let (house, other) = exporting(CONTACTS, options).await;
    let target = other.portal();
    house.json(0, &["recon", IN]);
    target.set_faults(vec![Fault::on("*/batch/create", limit("DAILY", None)).nth(2).times(ALWAYS)]);
    let ran = house.concord(&["--json", "recon", OUT]).exits(1);
    let run = ran.json();
    let id = run["_id"].as_str().unwrap();
    for words in ["HubSpot's daily limit is used up", "Asia/Kolkata", "goes on at", id] {
        assert!(ran.err.contains(words), "{words}: {ran:#?}");
    }
    assert_eq!(run["statusSummary"]["FAILURE"], 0, "{run}");
    let listed = house.json(0, &["run", "list"]);
    let rows = listed.as_array().or(listed["result"].as_array()).unwrap();
    assert!(
        rows.iter().any(|row| row.to_string().contains(id) && row.to_string().contains("paused")),
        "{listed}"
    );
    // Too early: told once more, and nothing is lost by it.
    let early = house.concord(&["run", "apply", id]).exits(1);
    assert!(early.err.contains("goes on at"), "{early:#?}");
    target.clear_faults();
    house.json(0, &["run", "apply", id]);
    assert_eq!(contacts(&target), users(&house));
    assert_eq!(contacts(&target).len(), target.contacts().len(), "nobody twice");

    life_goes_on(&house.portal(), "Elsewhere", 0);
    house.json(0, &["recon", IN]);
    target.set_faults(vec![Fault::on("*/batch/update", limit("DAILY", Some(7200))).times(ALWAYS)]);
    let rests = house.concord(&["--json", "recon", OUT]).exits(1).json();
    let id = rests["_id"].as_str().unwrap();
    let canceled = house.concord(&["run", "cancel", id]).exits(0);
    assert!(canceled.out.contains("canceled while it rested"), "{canceled:#?}");
    target.clear_faults();
    house.concord(&["run", "cancel", id]).exits(1);
    house.json(0, &["recon", OUT]);
    assert_eq!(contacts(&target), users(&house));
    is_settled(&house, OUT, contacts(&target).len());
}

/// A portal as a stranger sets it up: its search is late, its limits are those of a small account, its tokens are short.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_late_search_and_a_small_account_change_nothing() {
    let options = Options {
        search_lag: std::time::Duration::from_secs(3600),
        limits: Limits { per_ten_seconds: Some(60), daily: Some(5000), searches_per_second: Some(2) },
        retry_after: true,
        ..Options::default()
    };
    let (house, other) = exporting(CONTACTS, options).await;
    let (source, target) = (house.portal(), other.portal());
    for (city, gone) in [("", 0), ("Elsewhere", 3)] {
        if gone > 0 {
            life_goes_on(&source, city, gone);
        }
        house.json(0, &["recon", IN, "--allow", &format!("deletes={gone}")]);
        assert!(until_done(&house, OUT, gone).is_empty());
        assert_eq!(contacts(&target), users(&house));
    }
    is_settled(&house, OUT, contacts(&target).len());
}

fn wait_a_second(status: u16) -> Action {
    Action::Answer { status, body: None, headers: json!({"retry-after": "1"}).as_object().unwrap().clone() }
}

fn gateway(status: u16) -> Action {
    Action::AnswerAfterWork { status, body: Some(json!("<html><body>Bad gateway</body></html>")) }
}

fn limit(policy: &str, retry_after: Option<u64>) -> Action {
    Action::TooManyRequests { policy: Some(policy.to_owned()), retry_after }
}

fn elsewhere() -> Action {
    Action::Redirect { to: "http://localhost:9".to_owned(), status: 307 }
}

const ALWAYS: u64 = sandbox::faults::ALWAYS;

faults! { reads:
    over_a_server_error(answer(500), 1, Read::Through);
    over_a_bad_gateway(gateway(502), 2, Read::Through);
    over_a_server_that_stays_down(answer(503), ALWAYS, Read::OrSays("try again later"));
    over_a_reset(Action::ResetBeforeAnswer, 1, Read::Through);
    over_a_lost_answer(Action::LoseAnswer, 2, Read::Through);
    over_a_cut_body(Action::CutBody, 1, Read::Through);
    over_half_a_document(Action::TruncatedJson, 1, Read::Through);
    over_half_documents_for_good(Action::TruncatedJson, ALWAYS, Read::OrSays("ends too early"));
    over_an_empty_object(Action::EmptyObject, 1, Read::Through);
    over_empty_objects_for_good(Action::EmptyObject, ALWAYS, Read::OrSays("unexpected shape"));
    over_a_web_page(Action::Html, 1, Read::Through);
    over_web_pages_for_good(Action::Html, ALWAYS, Read::OrSays("instead of JSON"));
    over_a_page_delivered_twice(Action::RepeatPage, 1, Read::Through);
    over_pages_that_overlap(Action::OverlapPage, 1, Read::Through);
    over_a_missing_next_page(Action::DropPaging, 1, Read::OrSays("ended early"));
    over_a_cursor_that_points_to_itself(Action::SelfCursor, 1, Read::Through);
    over_a_cursor_that_stays(Action::SelfCursor, ALWAYS, Read::OrSays("does not advance"));
    over_cursors_without_end(Action::NewCursor, ALWAYS, Read::OrSays("does not advance"));
    over_a_redirect_to_another_host(elsewhere(), 1, Read::OrSays("does not follow"));
    over_the_limit_of_a_second(limit("SECONDLY", None), 1, Read::Through);
    over_the_limit_of_ten_seconds(limit("TEN_SECONDLY_ROLLING", Some(1)), 2, Read::Through);
    over_the_limit_of_the_day(limit("DAILY", Some(3600)), 1, Read::OrSays("used up"));
    over_a_locked_record(answer(423), 1, Read::Through);
    over_a_migration(wait_a_second(477), 1, Read::Through);
    over_a_migration_that_does_not_say_how_long(answer(477), 1, Read::Through);
    over_a_token_that_expired(answer(401), 1, Read::OrSays("authorize again"));
    slowly(Action::Delay { ms: 300 }, ALWAYS, Read::Through);
}

faults! { writes:
    over_a_server_error(answer(500));
    over_a_gateway_that_gave_up(gateway(504));
    over_a_reset(Action::ResetBeforeAnswer);
    over_a_lost_answer(Action::LoseAnswer);
    over_a_cut_body(Action::CutBody);
    over_half_a_document(Action::TruncatedJson);
    over_an_empty_object(Action::EmptyObject);
    over_a_web_page(Action::Html);
    over_a_redirect_to_another_host(elsewhere());
    over_the_limit_of_a_second(limit("SECONDLY", None));
    over_the_limit_of_ten_seconds(limit("TEN_SECONDLY_ROLLING", Some(1)));
    over_the_limit_of_the_day(limit("DAILY", None));
    over_a_locked_record(answer(423));
    over_a_migration(wait_a_second(477));
    over_a_migration_that_does_not_say_how_long(answer(477));
    over_a_token_that_expired(answer(401));
    slowly(Action::Delay { ms: 300 });
}
