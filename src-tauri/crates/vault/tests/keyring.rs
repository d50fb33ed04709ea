//! The real keyring of a Linux desktop: each test runs itself again inside a session bus of its own with gnome-keyring,
//! so neither the developer's keyring nor a display is needed.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a failed expectation in a helper is a failed test")]

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use vault::{Error, Field, KekStore, KeyError, Keyring, Secret, Vault};

const INSIDE: &str = "CONCORD_TEST_INSIDE_SESSION";

enum Session {
    /// A session bus and an unlocked login keyring.
    Unlocked,
    /// A session bus and a keyring service that has no login keyring.
    NoCollection,
    /// No session bus at all.
    NoBus,
}

/// True inside the session; outside, runs the test `name` inside one and passes its verdict on.
fn inside(session: Session, name: &str) -> bool {
    if std::env::var_os(INSIDE).is_some() {
        return true;
    }
    let home = tempfile::tempdir().unwrap();
    let this = std::env::current_exe().unwrap();
    let arguments = ["--exact", name, "--nocapture"];
    let mut command = match session {
        Session::NoBus => Command::new(&this),
        Session::NoCollection | Session::Unlocked => {
            let mut command = Command::new(program("dbus-run-session", "dbus-daemon (or dbus)"));
            let daemon = program("gnome-keyring-daemon", "gnome-keyring");
            let unlock = match session {
                Session::Unlocked => {
                    "printf 'test\\n' | \"$0\" --unlock --components=secrets >/dev/null || exit 1;"
                }
                _ => "",
            };
            command.args(["--", "sh", "-c", &format!("{unlock} exec \"$@\"")]).arg(daemon).arg(&this);
            command
        }
    };
    let output = command
        .args(arguments)
        .env(INSIDE, "1")
        .env("HOME", home.path())
        .env("XDG_RUNTIME_DIR", home.path())
        .env("XDG_DATA_HOME", home.path().join("data"))
        .env_remove("DBUS_SESSION_BUS_ADDRESS")
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY")
        .output()
        .unwrap();
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{name} failed inside its session:\n{text}");
    assert!(text.contains("1 passed"), "{name} did not run inside its session:\n{text}");
    false
}

fn program(name: &str, package: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file()).unwrap_or_else(
        || panic!("{name} is not installed; install the package {package} to test the keyring"),
    )
}

#[test]
fn a_vault_lives_in_the_login_keyring() {
    if !inside(Session::Unlocked, "a_vault_lives_in_the_login_keyring") {
        return;
    }
    let store = Keyring::default();
    assert!(store.load("never-made").unwrap().is_none());
    store.delete("never-made").unwrap();

    let (vault, recovery) = Vault::create_with_keyring(&store).unwrap();
    let field = Field { table: "secret", row: "1", field: "password", revision: 1 };
    let sealed = vault.seal(&field, &Secret::new("kept")).unwrap();
    let (header, keys) = (vault.header().clone(), vault.keys().to_vec());
    drop(vault);

    let again = Vault::unlock_with_keyring(&header, &keys, &Keyring::default()).unwrap();
    assert_eq!(again.open(&field, &sealed).unwrap().expose(), "kept");
    let entry = keyring::Entry::new("org.concord.Concord", header.vault_id()).unwrap();
    assert_eq!(entry.get_password().unwrap(), *store.load(header.vault_id()).unwrap().unwrap().to_base64());

    entry.set_password("not a key").unwrap();
    let error = Vault::unlock_with_keyring(&header, &keys, &store).unwrap_err();
    assert!(matches!(error, Error::KeyringUnreadable(KeyError::Malformed(_))), "{error}");

    store.delete(header.vault_id()).unwrap();
    let error = Vault::unlock_with_keyring(&header, &keys, &store).unwrap_err();
    assert!(matches!(error, Error::KeyMissing { .. }), "{error}");
    let restored =
        Vault::unlock_with_recovery(&header, &keys, &recovery).unwrap().move_to_keyring(&store).unwrap();
    let reopened = Vault::unlock_with_keyring(restored.header(), restored.keys(), &store).unwrap();
    assert_eq!(reopened.open(&field, &sealed).unwrap().expose(), "kept");
}

#[test]
fn without_a_login_keyring_no_vault_is_made() {
    if !inside(Session::NoCollection, "without_a_login_keyring_no_vault_is_made") {
        return;
    }
    let error = Vault::create_with_keyring(&Keyring::with_timeout(Duration::from_secs(10))).unwrap_err();
    assert!(matches!(error, Error::NoKeyring(_)), "{error}");
}

#[test]
fn without_a_session_bus_no_vault_is_made() {
    if !inside(Session::NoBus, "without_a_session_bus_no_vault_is_made") {
        return;
    }
    let error = Vault::create_with_keyring(&Keyring::default()).unwrap_err();
    assert!(matches!(error, Error::NoKeyring(KeyError::Unavailable(_))), "{error}");
}
