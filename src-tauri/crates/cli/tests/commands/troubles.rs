//! What goes wrong on real machines: no network, no key, no space, nobody listening.

use std::{
    fs,
    io::Read,
    process::{Command, Stdio},
};

use serde_json::json;

use crate::house::{House, IN, PASSPHRASE, Ran, connector, inbound};

/// A port that nobody listens on.
fn closed_port() -> String {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

#[test]
fn no_network_is_an_error_that_names_the_place() {
    let house = House::empty();
    let url = closed_port();
    let mut document = connector(&url, "test-token-1");
    document["name"] = json!("hubspot");
    house.concord_with_input(&["connector", "add", "-"], &document.to_string()).exits(0);
    house.concord_with_input(&["mapping", "add", "-"], &inbound().to_string()).exits(0);
    let tested = house.json(1, &["connector", "test"]);
    assert!(tested[0]["error"].as_str().is_some_and(|e| e.contains("127.0.0.1")), "{tested}");
    let ran = house.concord(&["recon", IN]).exits(1);
    assert!(ran.err.contains("127.0.0.1"), "{ran:?}");
    house.concord(&["connector", "schema", "hubspot", "contact"]).exits(1).says(&["127.0.0.1"]);
}

#[test]
fn without_keyring_and_passphrase_no_secret_is_taken() {
    let house = House::empty();
    let file = house.file("hubspot.json", &connector(&closed_port(), "test-token-1"));
    let mut command = house.command(&["connector", "add", &file]);
    command.env_remove("CONCORD_PASSPHRASE");
    let ran = Ran::of(command.output().unwrap()).exits(5).says(&["CONCORD_PASSPHRASE"]);
    assert!(!ran.err.contains("test-token-1"), "{ran:?}");
    assert_eq!(house.json(0, &["connector", "list"]), json!([]), "nothing half-done");
}

#[test]
fn secrets_are_nowhere_in_clear() {
    let house = House::empty();
    let marker = "test-token-to-look-for";
    let mut document = connector(&closed_port(), marker);
    document["name"] = json!("hubspot");
    let added =
        house.concord_with_input(&["--verbose", "connector", "add", "-"], &document.to_string()).exits(0);
    let mut command = house.command(&["connector", "test"]);
    command.env("CONCORD_LOG", "trace");
    let tested = Ran::of(command.output().unwrap()).exits(1);
    for ran in [added, tested] {
        assert!(!ran.out.contains(marker) && !ran.err.contains(marker), "{ran:?}");
    }
    let mut folders = vec![house.data_dir()];
    let mut seen = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            seen += 1;
            let bytes = fs::read(&path).unwrap();
            for secret in [marker, PASSPHRASE] {
                let found = bytes.windows(secret.len()).any(|w| w == secret.as_bytes());
                assert!(!found, "{} holds a secret in clear", path.display());
            }
        }
    }
    assert!(seen > 0);
}

#[test]
fn a_data_folder_that_cannot_be_used_is_named() {
    let house = House::empty();
    let file = house.text_file("file", "");
    for folder in [file.clone(), format!("{file}/below")] {
        house.concord(&["user", "list", "--data-dir", &folder]).exits(1).says(&[&folder, "--data-dir"]);
    }
    let damaged = house.folder.path().join("damaged");
    fs::create_dir(&damaged).unwrap();
    fs::write(damaged.join("concord.db"), vec![b'x'; 8192]).unwrap();
    house.concord(&["user", "list", "--data-dir", damaged.to_str().unwrap()]).exits(1).says(&["damaged"]);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_without_space_fails_in_words_and_halves_nothing() {
    let house = House::connected(1500).await;
    let concord = env!("CARGO_BIN_EXE_concord");
    // No file may grow beyond what is there; the signal that would end the process is ignored, as on a full disk.
    let limited = |arguments: &str| {
        let script = format!("trap '' XFSZ; ulimit -f 300; exec '{concord}' {arguments}");
        let mut command = Command::new("bash");
        command.args(["-c", &script]);
        let model = house.command(&[]);
        for (name, value) in model.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        Ran::of(command.stdin(Stdio::null()).output().unwrap())
    };
    let ran = limited(&format!("recon {IN}")).exits(1);
    assert!(ran.err.starts_with("concord: ") && ran.err.contains("disk"), "{ran:?}");

    // With space again everything goes on from where it was.
    let users = house.json(0, &["user", "list"])["resultCount"].as_u64().unwrap();
    let run = house.json(0, &["recon", IN]);
    let created = run["progress"]["target"]["created"].as_u64().unwrap();
    let contacts =
        house.portal().contacts().iter().filter(|c| c.properties.contains_key("email")).count() as u64;
    assert_eq!(run["statusSummary"]["FAILURE"], 0, "{run}");
    assert!(users + created <= contacts, "nobody twice");
    assert_eq!(house.json(0, &["recon", IN])["progress"]["target"]["created"], 0);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_reading_is_no_error() {
    let house = House::connected(1200).await;
    house.concord(&["recon", IN]).exits(0);
    for arguments in [&["user", "list"][..], &["user", "list", "--json"]] {
        let mut child =
            house.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut first = [0; 20];
        child.stdout.take().unwrap().read_exact(&mut first).unwrap();
        let mut err = String::new();
        child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
        assert_eq!((child.wait().unwrap().code(), err.as_str()), (Some(0), ""), "{arguments:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn an_output_that_cannot_be_written_is_an_error() {
    let house = House::empty();
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let mut command = house.command(&["--json", "connector", "list"]);
    let output = command.stdout(full).stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
    Ran::of(output).exits(1).says(&["stdout"]);
}

/// What is shown once is in force before it is shown, so an output that fails leaves nobody believing in what was before.
#[cfg(target_os = "linux")]
#[test]
fn a_secret_that_could_not_be_shown_is_not_passed_over() {
    let house = House::empty();
    for (arguments, words) in [
        (&["vault", "recovery-key"][..], "the one before is void: run it again"),
        (&["admin-password"], "the one before is worthless: run it again"),
        (&["scim-token", "create", "okta"], "`okta` is there and nobody knows it: revoke it"),
    ] {
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        let child = house.command(arguments).stdout(full).stderr(Stdio::piped()).spawn().unwrap();
        Ran::of(child.wait_with_output().unwrap()).exits(1).says(&[words]);
    }
}

#[test]
fn wrong_usage_is_two() {
    let house = House::empty();
    for arguments in
        [&[][..], &["nonsense"], &["recon"], &["recon", "m", "--allow", "deletes=x"], &["run", "repeat", "r"]]
    {
        let ran = house.concord(arguments).exits(2);
        assert!(ran.out.is_empty() && !ran.err.is_empty(), "{ran:?}");
    }
    assert!(!house.data_dir().exists(), "nothing was made");
    assert!(house.concord(&["--help"]).exits(0).out.contains("Exit codes"));
    assert!(house.concord(&["--version"]).exits(0).out.starts_with("concord "));
}
