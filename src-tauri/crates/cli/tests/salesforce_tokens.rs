//! Refresh Token Rotation over the real program: four processes that share one data folder, and kills at any moment. A
//! refresh token that came twice would end the whole authorization over there, so none ever may.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on ends there")]
#![cfg(unix)]

#[path = "commands/house.rs"]
#[allow(dead_code, reason = "this program needs a part of it")]
mod house;
#[path = "shared/salesforce_grant.rs"]
mod salesforce_grant;

use std::{
    io::{BufRead, BufReader, Read as _, Write as _},
    net::TcpStream,
    process::{Child, Stdio},
    thread,
    time::Duration,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use sandbox::salesforce::{Consent, Options, Sandbox};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use house::House;
use salesforce_grant::{KEY, SECRET, refresh_token};

const PROCESSES: usize = 4;
const KILLS: usize = 10;
const REFRESHES: u64 = 100;
/// Rounds after which a test that does not come to its numbers gives up.
const ROUNDS: usize = 400;
const PASSWORD: &str = "a password for tests";
/// Where the moments of the kills come from.
const SEED: u64 = 20_261_121;

/// SplitMix64.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end
    }
}

/// `concord serve`, which lives until it is killed.
struct Process {
    child: Child,
    address: String,
}

/// How a process answered a request for the user.
#[derive(Debug)]
enum Answer {
    Found,
    /// It says so, in words.
    NotAuthorized,
    /// The process died before it answered.
    None,
}

impl Process {
    fn start(house: &House, password: &str) -> Self {
        let arguments = ["--json", "serve", "--addr", "127.0.0.1:0", "--admin-password-file", password];
        let mut child =
            house.command(&arguments).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let about: Value = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line}"));
        let url = about["url"].as_str().unwrap();
        Self { child, address: url.trim_start_matches("http://").trim_end_matches("/openidm").to_owned() }
    }

    /// SIGKILL: nothing is put in order.
    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // One that was killed is past it.
        let _ = self.child.kill();
    }
}

/// Reads a user of Salesforce through a process.
fn ask(address: &str, uid: &str) -> Answer {
    let basic = BASE64_STANDARD.encode(format!("openidm-admin:{PASSWORD}"));
    let mut text = String::new();
    let told = TcpStream::connect(address).and_then(|mut stream| {
        stream.write_all(
            format!(
                "GET /openidm/system/salesforce/User/{uid} HTTP/1.1\r\nhost: localhost\r\n\
                 authorization: Basic {basic}\r\nconnection: close\r\n\r\n"
            )
            .as_bytes(),
        )?;
        stream.read_to_string(&mut text)
    });
    match text.split(' ').nth(1) {
        None => Answer::None,
        Some(_) if told.is_err() => Answer::None,
        Some("200") => Answer::Found,
        Some(_) => {
            assert!(text.contains("authorize again"), "an answer without a remedy: {text}");
            Answer::NotAuthorized
        }
    }
}

/// Every process asks at once; one of them may be killed meanwhile.
fn round(processes: &mut [Process], uid: &str, kill: Option<(usize, Duration)>) -> Vec<Answer> {
    let asked: Vec<_> = processes
        .iter()
        .map(|process| {
            let (address, uid) = (process.address.clone(), uid.to_owned());
            thread::spawn(move || ask(&address, &uid))
        })
        .collect();
    if let Some((victim, after)) = kill {
        // The moment is the point of the test; nothing waits for it.
        #[allow(clippy::disallowed_methods)]
        thread::sleep(after);
        processes[victim].kill();
    }
    asked.into_iter().map(|thread| thread.join().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_refreshes_over_four_processes_and_ten_kills_never_use_a_token_twice() {
    let options = Options {
        records: 3,
        consent: Consent::Allow,
        rotate_refresh_tokens: true,
        latency: Duration::from_millis(8),
        ..Options::default()
    };
    let sandbox = Sandbox::start(TcpListener::bind("127.0.0.1:0").await.unwrap(), options).await.unwrap();
    let org = sandbox.org();
    let uid = org.records("User")[1].id.clone();
    let house = House::empty();
    let authorize = || {
        let document = json!({
            "name": "salesforce",
            "connectorRef": {"connectorName": "org.forgerock.openicf.connectors.salesforce.SalesforceConnector"},
            "configurationProperties": {
                "loginUrl": sandbox.url(), "permitsPerSecond": 1000,
                "clientId": KEY, "clientSecret": SECRET, "refreshToken": refresh_token(&sandbox.url(), SECRET),
            },
        });
        house.concord_with_input(&["connector", "add", "-"], &document.to_string()).exits(0);
    };
    authorize();
    let password = house.text_file("password", PASSWORD);
    let mut processes: Vec<Process> = (0..PROCESSES).map(|_| Process::start(&house, &password)).collect();

    let mut dice = Dice(SEED);
    let (mut killed, mut amid, mut authorized, mut rounds) = (0, 0, 1, 0);
    while org.tokens().refreshes < REFRESHES || killed < KILLS {
        rounds += 1;
        assert!(rounds <= ROUNDS, "{:?} after {rounds} rounds and {killed} kills", org.tokens());
        // A session that has just begun is over at once: everybody needs the next one.
        org.expire_sessions();
        let kill = (killed < KILLS && rounds % 8 == 0).then(|| {
            let victim = usize::try_from(dice.below(PROCESSES as u64)).unwrap();
            (victim, Duration::from_micros(dice.below(60_000)))
        });
        let answers = round(&mut processes, &uid, kill);
        assert_eq!(org.tokens().reuses, 0, "round {rounds}, {kill:?}: {answers:?}");
        if let Some((victim, _)) = kill {
            killed += 1;
            amid += usize::from(matches!(answers[victim], Answer::None));
            processes[victim] = Process::start(&house, &password);
        }
        for (at, answer) in answers.iter().enumerate() {
            let victim = kill.is_some_and(|(victim, _)| victim == at);
            let fine = match answer {
                Answer::Found => true,
                // The answer to a refresh died with the victim: that the token is gone is found out, not tried out.
                Answer::NotAuthorized => kill.is_some(),
                Answer::None => victim,
            };
            assert!(fine, "round {rounds}, {kill:?}: {answers:?}");
        }
        if answers.iter().any(|answer| matches!(answer, Answer::NotAuthorized)) {
            authorize();
            authorized += 1;
        }
    }
    // Whatever the last round left behind: a person can authorize, and then everything works.
    authorize();
    let answers = round(&mut processes, &uid, None);
    assert!(answers.iter().all(|answer| matches!(answer, Answer::Found)), "{answers:?}");
    let told = org.tokens();
    assert_eq!((told.reuses, killed), (0, KILLS), "{told:?}");
    assert!(
        told.refreshes >= REFRESHES && authorized <= 1 + KILLS,
        "{told:?}, authorized {authorized} times"
    );
    assert!(amid >= KILLS / 2, "only {amid} of {KILLS} kills fell into a request");
}
