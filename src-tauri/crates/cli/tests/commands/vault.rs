//! `concord vault`.

use std::process::Command;

use serde_json::json;

use crate::house::{House, PASSPHRASE, Ran};

const OTHER: &str = "another passphrase for tests";

fn with_passphrase(house: &House, passphrase: Option<&str>, arguments: &[&str]) -> Ran {
    let mut command: Command = house.command(arguments);
    match passphrase {
        Some(passphrase) => command.env("CONCORD_PASSPHRASE", passphrase),
        None => command.env_remove("CONCORD_PASSPHRASE"),
    };
    Ran::of(command.output().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_vault_is_made_with_the_first_secret_and_opens_with_its_passphrase_only() {
    let house = House::with_contacts(1).await;
    assert_eq!(house.json(0, &["vault", "status"])["state"], "new");
    house.connect();
    let status = house.json(0, &["vault", "status"]);
    assert_eq!((&status["state"], &status["source"]), (&json!("unlocked"), &json!("passphrase")));
    assert!(house.concord(&["vault", "status"]).exits(0).out.contains("open"));

    let wrong = with_passphrase(&house, Some("not the passphrase"), &["--json", "vault", "status"]).exits(5);
    assert_eq!(wrong.json()["state"], "locked");
    for passphrase in [Some("not the passphrase"), None] {
        for arguments in [
            &["connector", "test"][..],
            &["recon", crate::house::IN],
            &["vault", "rotate"],
            &["vault", "recovery-key"],
            &["connector", "schema", "hubspot"],
        ] {
            let ran = with_passphrase(&house, passphrase, arguments)
                .exits(5)
                .says(&["locked", "CONCORD_PASSPHRASE"]);
            assert!(ran.out.is_empty(), "{ran:?}");
        }
        // What needs no secret goes on.
        with_passphrase(&house, passphrase, &["connector", "list"]).exits(0);
        with_passphrase(&house, passphrase, &["user", "list"]).exits(0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_are_changed_and_the_secrets_stay() {
    let house = House::connected(1).await;
    assert_eq!(house.json(0, &["vault", "rotate"]), json!({"result": "rotated", "secrets": 1}));
    house.concord(&["connector", "test"]).exits(0);

    let changed = house.concord_with_input(&["vault", "set-passphrase"], &format!("{OTHER}\n")).exits(0);
    assert!(!changed.out.contains(OTHER) && !changed.err.contains(OTHER), "{changed:?}");
    house.concord(&["connector", "test"]).exits(5);
    with_passphrase(&house, Some(OTHER), &["connector", "test"]).exits(0);

    let key = with_passphrase(&house, Some(OTHER), &["vault", "recovery-key"]).exits(0);
    assert_eq!(key.out.lines().count(), 1);
    let next = with_passphrase(&house, Some(OTHER), &["--json", "vault", "recovery-key"]).exits(0).json();
    assert!(
        next["recoveryKey"].as_str().is_some_and(|k| !k.is_empty() && k != key.out.trim()),
        "a new one each time"
    );
    with_passphrase(&house, Some(OTHER), &["connector", "test"]).exits(0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_recovery_key_opens_what_a_lost_passphrase_does_not() {
    let house = House::connected(1).await;
    let key = house.json(0, &["vault", "recovery-key"])["recoveryKey"].as_str().unwrap().to_owned();
    let opens = |passphrase: &str| {
        let ran = with_passphrase(&house, Some(passphrase), &["connector", "test"]);
        match ran.code {
            0 => true,
            5 => false,
            other => panic!("{other}: {ran:?}"),
        }
    };
    assert!(opens(&key) && opens(&key.to_lowercase().replace('-', " ")), "as it is written down");
    let mut wrong = key.clone();
    let last = if wrong.pop() == Some('0') { '1' } else { '0' };
    wrong.push(last);
    assert!(!opens(&wrong) && !opens("not the passphrase"));
    // Through a rotation and a new passphrase, which it may set itself.
    with_passphrase(&house, Some(&key), &["vault", "rotate"]).exits(0);
    assert!(opens(&key) && opens(PASSPHRASE));
    let mut command = house.command(&["vault", "set-passphrase"]);
    let input = house.text_file("passphrase", &format!("{OTHER}\n"));
    command.env("CONCORD_PASSPHRASE", &key).stdin(std::fs::File::open(input).unwrap());
    Ran::of(command.output().unwrap()).exits(0);
    assert!(opens(OTHER) && opens(&key) && !opens(PASSPHRASE));
    let next = with_passphrase(&house, Some(OTHER), &["--json", "vault", "recovery-key"]).exits(0).json();
    assert!(opens(next["recoveryKey"].as_str().unwrap()) && !opens(&key), "the one before is void");
}

#[test]
fn what_memory_is_kept_from_is_told() {
    let house = House::empty();
    let memory = house.json(0, &["vault", "status"])["memory"].clone();
    if cfg!(target_os = "linux") {
        assert_eq!((&memory["coreFiles"], &memory["othersMayRead"]), (&json!(false), &json!(false)));
    }
    let swap = memory["swap"].as_str().unwrap();
    assert!(["off", "protected", "plain", "unknown"].contains(&swap), "{memory}");
    let told = house.concord(&["vault", "status"]).exits(0);
    assert!(told.out.contains("core file") && told.out.contains("swap"), "{told:?}");
}

#[test]
fn bad_passphrases_are_refused() {
    let house = House::empty();
    house.concord_with_input(&["vault", "set-passphrase"], "short\n").exits(1).says(&["too short"]);
    let empty = house.concord_with_input(&["vault", "set-passphrase"], "").exits(1);
    assert!(empty.err.contains("empty"), "{empty:?}");
    assert_eq!(house.json(0, &["vault", "status"])["state"], "new");
}

#[test]
fn a_first_passphrase_can_be_set_where_there_is_no_keyring() {
    let house = House::empty();
    let status = with_passphrase(&house, None, &["--json", "vault", "status"]).exits(5);
    assert_eq!(status.json()["state"], "needsPassphrase");
    let mut command = house.command(&["vault", "set-passphrase"]);
    let input = house.text_file("passphrase", &format!("{PASSPHRASE}\n"));
    command.env_remove("CONCORD_PASSPHRASE").stdin(std::fs::File::open(input).unwrap());
    Ran::of(command.output().unwrap()).exits(0);
    assert_eq!(house.json(0, &["vault", "status"])["state"], "unlocked");
}

#[test]
fn without_a_keyring_the_passphrase_stays() {
    let house = House::empty();
    house.concord_with_input(&["vault", "set-passphrase"], &format!("{PASSPHRASE}\n")).exits(0);
    with_passphrase(&house, Some(PASSPHRASE), &["vault", "use-keyring"])
        .exits(1)
        .says(&["keyring", "nothing was changed"]);
    let status = with_passphrase(&house, Some(PASSPHRASE), &["--json", "vault", "status"]).exits(0).json();
    assert_eq!((&status["source"], &status["recovered"]), (&json!("passphrase"), &json!(false)));
}
