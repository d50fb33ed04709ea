//! The vault as its callers use it: rows go out, rows come back, and nothing but the right key opens them.
#![allow(clippy::unwrap_used, reason = "a failed expectation in a helper is a failed test")]

use vault::{
    Error, Field, Header, Kdf, KekStore, KeyError, KeySource, Keyring, Memory, RecoveryKey, Secret, Vault,
    WrappedBy, WrappedKey,
};

const CANARY: &str = "canary-refresh-token-é";
const PASSPHRASE: &str = "correct horse battery";

fn field() -> Field<'static> {
    Field { table: "secret", row: "connector-1", field: "refreshToken", revision: 7 }
}

fn secret(text: &str) -> Secret {
    Secret::new(text)
}

/// What the database would hold: text and bytes, nothing else.
struct Stored {
    header: String,
    keys: Vec<WrappedKey>,
}

impl Stored {
    fn of(vault: &Vault) -> Self {
        Self { header: vault.header().to_json().unwrap(), keys: vault.keys().to_vec() }
    }

    fn header(&self) -> Header {
        Header::from_json(&self.header).unwrap()
    }

    /// The header with one text in it replaced, as somebody with a hex editor would.
    fn altered(&self, from: &str, to: &str) -> Result<Header, Error> {
        assert!(self.header.contains(from), "{from} is not in {}", self.header);
        Header::from_json(&self.header.replacen(from, to, 1))
    }

    fn with_keyring(&self, store: &dyn KekStore) -> Result<Vault, Error> {
        Vault::unlock_with_keyring(&self.header(), &self.keys, store)
    }

    fn with_passphrase(&self, passphrase: &str) -> Result<Vault, Error> {
        Vault::unlock_with_passphrase(&self.header(), &self.keys, &secret(passphrase))
    }

    fn with_recovery(&self, key: &RecoveryKey) -> Result<Vault, Error> {
        Vault::unlock_with_recovery(&self.header(), &self.keys, key)
    }
}

fn keyring_vault() -> (Memory, Vault, RecoveryKey) {
    let store = Memory::default();
    let (vault, recovery) = Vault::create_with_keyring(&store).unwrap();
    (store, vault, recovery)
}

fn passphrase_vault() -> (Vault, RecoveryKey) {
    Vault::create_with_passphrase_at_cost(&secret(PASSPHRASE), Kdf::MINIMUM).unwrap()
}

#[track_caller]
fn opens(vault: &Vault, sealed: &[u8]) {
    assert_eq!(vault.open(&field(), sealed).unwrap().expose(), CANARY);
}

#[test]
fn a_value_survives_closing_and_opening_by_every_source() {
    let (store, vault, recovery) = keyring_vault();
    let sealed = vault.seal(&field(), &secret(CANARY)).unwrap();
    opens(&vault, &sealed);
    let stored = Stored::of(&vault);
    drop(vault);
    opens(&stored.with_keyring(&store).unwrap(), &sealed);
    opens(&stored.with_recovery(&recovery).unwrap(), &sealed);
    let typed = RecoveryKey::parse(&secret(&recovery.reveal().expose().to_lowercase())).unwrap();
    opens(&stored.with_recovery(&typed).unwrap(), &sealed);

    let (vault, recovery) = passphrase_vault();
    let sealed = vault.seal(&field(), &secret(CANARY)).unwrap();
    let stored = Stored::of(&vault);
    opens(&stored.with_passphrase(PASSPHRASE).unwrap(), &sealed);
    opens(&stored.with_recovery(&recovery).unwrap(), &sealed);
}

#[test]
fn the_default_cost_is_64_mib_and_three_passes() {
    let (vault, _) = Vault::create_with_passphrase(&secret(PASSPHRASE)).unwrap();
    let cost = vault.header().kdf().unwrap();
    assert_eq!(cost, Kdf { memory_kib: 65_536, iterations: 3, parallelism: 1 });
    assert!(Stored::of(&vault).with_passphrase(PASSPHRASE).is_ok());
}

#[test]
fn empty_and_long_values_seal_too() {
    let (_, vault, _) = keyring_vault();
    for text in [String::new(), "x".repeat(100_000)] {
        let sealed = vault.seal(&field(), &secret(&text)).unwrap();
        assert_eq!(vault.open(&field(), &sealed).unwrap().expose(), text);
    }
}

#[test]
fn every_flipped_bit_and_every_cut_of_a_sealed_value_is_rejected() {
    let (_, vault, _) = keyring_vault();
    let sealed = vault.seal(&field(), &secret(CANARY)).unwrap();
    for bit in 0..sealed.len() * 8 {
        let mut altered = sealed.clone();
        altered[bit / 8] ^= 1 << (bit % 8);
        match vault.open(&field(), &altered) {
            Err(Error::Tampered { field }) => assert!(field.contains("secret/connector-1/refreshToken")),
            Err(Error::UnknownFormat { .. }) if bit < 8 => {}
            other => panic!("bit {bit}: {other:?}"),
        }
    }
    for length in 0..sealed.len() {
        assert!(matches!(vault.open(&field(), &sealed[..length]), Err(Error::Tampered { .. })), "{length}");
    }
}

#[test]
fn a_value_opens_nowhere_but_in_its_place() {
    let (_, vault, _) = keyring_vault();
    let sealed = vault.seal(&field(), &secret(CANARY)).unwrap();
    for elsewhere in [
        Field { table: "setting", ..field() },
        Field { row: "connector-2", ..field() },
        Field { field: "accessToken", ..field() },
        Field { revision: 6, ..field() },
        Field { revision: 8, ..field() },
        Field { table: "secretconnector", row: "-1", ..field() },
        Field { row: "connector-1refresh", field: "Token", ..field() },
    ] {
        assert!(matches!(vault.open(&elsewhere, &sealed), Err(Error::Tampered { .. })), "{elsewhere}");
    }
    let (_, other_vault, _) = keyring_vault();
    assert!(matches!(other_vault.open(&field(), &sealed), Err(Error::Tampered { .. })));
}

#[test]
fn a_missing_or_wrong_key_means_locked_and_makes_no_new_key() {
    let (store, vault, _) = keyring_vault();
    let stored = Stored::of(&vault);
    let id = vault.header().vault_id().to_owned();

    let empty = Memory::default();
    let error = stored.with_keyring(&empty).unwrap_err();
    assert!(matches!(error, Error::KeyMissing { .. }), "{error}");
    assert!(error.is_locked() && error.to_string().contains("recovery key"), "{error}");
    assert!(empty.load(&id).unwrap().is_none(), "a key was made");

    let (other_store, other_vault, other_recovery) = keyring_vault();
    let others = other_store.load(other_vault.header().vault_id()).unwrap().unwrap();
    let kept = store.load(&id).unwrap().unwrap();
    store.save(&id, &others).unwrap();
    assert!(matches!(stored.with_keyring(&store), Err(Error::WrongKey(WrappedBy::Keyring))));
    assert_eq!(*store.load(&id).unwrap().unwrap().to_base64(), *others.to_base64(), "the key was replaced");
    store.save(&id, &kept).unwrap();
    assert!(stored.with_keyring(&store).is_ok());

    assert!(matches!(stored.with_recovery(&other_recovery), Err(Error::WrongKey(WrappedBy::Recovery))));
    assert!(matches!(stored.with_passphrase(PASSPHRASE), Err(Error::OtherSource(KeySource::Keyring))));

    let (vault, _) = passphrase_vault();
    let stored = Stored::of(&vault);
    for wrong in ["", "correct horse batterY", "correct horse battery "] {
        let error = stored.with_passphrase(wrong).unwrap_err();
        assert!(matches!(error, Error::WrongKey(WrappedBy::Passphrase)), "{error}");
        assert!(error.to_string().contains("recovery key"), "{error}");
    }
    assert!(matches!(stored.with_keyring(&store), Err(Error::OtherSource(KeySource::Passphrase))));
}

#[test]
fn a_keyring_that_fails_says_the_way_out() {
    let (store, vault, _) = keyring_vault();
    let stored = Stored::of(&vault);
    for failure in [
        KeyError::Unavailable("no session bus".into()),
        KeyError::NoAccess("locked".into()),
        KeyError::TimedOut { seconds: 20 },
        KeyError::Malformed("not base64"),
    ] {
        store.fail_with(Some(failure.clone()));
        let locked = stored.with_keyring(&store).unwrap_err();
        assert!(locked.is_locked() && locked.to_string().contains("recovery key"), "{locked}");
        let refused = Vault::create_with_keyring(&store).unwrap_err();
        assert!(refused.to_string().contains("with a passphrase"), "{refused}");
        assert!(matches!(refused, Error::NoKeyring(why) if why == failure));
    }
    store.fail_with(None);
    assert!(stored.with_keyring(&store).is_ok());
}

/// Takes keys and gives back others, as a keyring with a broken encoding would.
struct Forgetful;

impl KekStore for Forgetful {
    fn load(&self, _: &str) -> Result<Option<vault::Kek>, KeyError> {
        Ok(None)
    }
    fn save(&self, _: &str, _: &vault::Kek) -> Result<(), KeyError> {
        Ok(())
    }
    fn delete(&self, _: &str) -> Result<(), KeyError> {
        Ok(())
    }
}

#[test]
fn a_keyring_that_loses_the_key_at_once_is_not_relied_on() {
    assert!(matches!(Vault::create_with_keyring(&Forgetful), Err(Error::NoKeyring(KeyError::Malformed(_)))));
}

#[test]
fn an_altered_header_is_refused() {
    let cost = Kdf { memory_kib: 20 * 1024, iterations: 3, parallelism: 2 };
    let (vault, recovery) = Vault::create_with_passphrase_at_cost(&secret(PASSPHRASE), cost).unwrap();
    let stored = Stored::of(&vault);
    assert!(stored.with_passphrase(PASSPHRASE).is_ok());

    // Below the minimum or beyond the maximum: not even tried.
    for (from, to) in [
        (r#""memoryKib":20480"#, r#""memoryKib":8"#),
        (r#""memoryKib":20480"#, r#""memoryKib":4294967295"#),
        (r#""iterations":3"#, r#""iterations":1"#),
        (r#""iterations":3"#, r#""iterations":1000000"#),
        (r#""parallelism":2"#, r#""parallelism":0"#),
    ] {
        let error = stored.altered(from, to).unwrap_err();
        assert!(matches!(error, Error::KdfRefused { .. }), "{to}: {error}");
    }
    // Lowered, but not below the minimum: the passphrase no longer fits, and the recovery key sees the alteration.
    for (from, to) in [
        (r#""memoryKib":20480"#, r#""memoryKib":19456"#),
        (r#""iterations":3"#, r#""iterations":2"#),
        (r#""parallelism":2"#, r#""parallelism":1"#),
        (r#""source":"passphrase""#, r#""source":"keyring""#),
        (r#""dataVersion":1"#, r#""dataVersion":0"#),
    ] {
        let header = stored.altered(from, to).unwrap();
        assert!(Vault::unlock_with_passphrase(&header, &stored.keys, &secret(PASSPHRASE)).is_err(), "{to}");
        let error = Vault::unlock_with_recovery(&header, &stored.keys, &recovery).unwrap_err();
        assert!(matches!(error, Error::Tampered { .. }), "{to}: {error}");
    }
    let id = vault.header().vault_id();
    let header = stored.altered(id, "00000000-0000-4000-8000-000000000000").unwrap();
    assert!(Vault::unlock_with_recovery(&header, &stored.keys, &recovery).is_err());
}

#[test]
fn what_is_no_header_is_refused_with_a_reason() {
    let (_, vault, _) = keyring_vault();
    let text = vault.header().to_json().unwrap();
    for (altered, expected) in [
        (String::new(), "cannot be read"),
        ("{}".into(), "missing field `format`"),
        (text.replacen(r#""format":1"#, r#""format":2"#, 1), "update Concord"),
        (text.replacen(r#""source":"keyring""#, r#""source":"none""#, 1), "unknown variant"),
        (text.replacen('{', r#"{"extra":1,"#, 1), "unknown field"),
        (text.replacen(r#""mac":""#, r#""mac":"!"#, 1), "not base64"),
    ] {
        let error = Header::from_json(&altered).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn altered_or_missing_key_rows_are_refused() {
    let (store, vault, _) = keyring_vault();
    let vault = vault.rotate().unwrap();
    let stored = Stored::of(&vault);
    for (index, row) in stored.keys.iter().enumerate() {
        if row.wrapped_by == WrappedBy::Recovery {
            continue;
        }
        for bit in [0, 8, 8 * 30, 8 * 60] {
            let mut keys = stored.keys.clone();
            keys[index].wrapped[bit / 8] ^= 1;
            let result = Vault::unlock_with_keyring(&stored.header(), &keys, &store);
            assert!(result.is_err(), "{:?} bit {bit}", row.wrapped_by);
        }
        let mut keys = stored.keys.clone();
        keys[index].wrapped.clear();
        assert!(Vault::unlock_with_keyring(&stored.header(), &keys, &store).is_err());
    }
    // The two data keys under each other's number.
    let mut keys = stored.keys.clone();
    for row in keys.iter_mut().filter(|row| row.wrapped_by == WrappedBy::Root) {
        row.version = 3 - row.version;
    }
    let error = Vault::unlock_with_keyring(&stored.header(), &keys, &store).unwrap_err();
    assert!(matches!(error, Error::Tampered { .. }), "{error}");

    for (lost, expected) in [
        (WrappedBy::Root, "data key 2 is missing"),
        (WrappedBy::Keyring, "root key wrapped by keyring is missing"),
    ] {
        let keys: Vec<_> = stored.keys.iter().filter(|row| row.wrapped_by != lost).cloned().collect();
        let error = Vault::unlock_with_keyring(&stored.header(), &keys, &store).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[test]
fn rotation_seals_with_a_new_key_and_still_opens_the_old() {
    let (store, first, recovery) = keyring_vault();
    let old = first.seal(&field(), &secret(CANARY)).unwrap();
    let second = first.rotate().unwrap();
    let new = second.seal(&field(), &secret(CANARY)).unwrap();
    assert_eq!(second.header().data_key_version(), 2);
    assert!(second.is_outdated(&old) && !second.is_outdated(&new) && !first.is_outdated(&old));

    let stored = Stored::of(&second);
    for vault in [stored.with_keyring(&store).unwrap(), stored.with_recovery(&recovery).unwrap()] {
        opens(&vault, &old);
        opens(&vault, &new);
    }
    // Not committed: the earlier rows go on as if nothing had happened.
    opens(&Stored::of(&first).with_keyring(&store).unwrap(), &old);

    let lean = Stored::of(&second.forget_old_keys()).with_keyring(&store).unwrap();
    opens(&lean, &new);
    assert!(matches!(lean.open(&field(), &old), Err(Error::Tampered { .. })));
}

#[test]
fn the_source_can_change_in_both_directions() {
    let (store, vault, recovery) = keyring_vault();
    let sealed = vault.seal(&field(), &secret(CANARY)).unwrap();

    let behind_passphrase = vault.set_passphrase_at_cost(&secret(PASSPHRASE), Kdf::MINIMUM).unwrap();
    let stored = Stored::of(&behind_passphrase);
    assert_eq!(stored.header().source(), KeySource::Passphrase);
    opens(&stored.with_passphrase(PASSPHRASE).unwrap(), &sealed);
    opens(&stored.with_recovery(&recovery).unwrap(), &sealed);
    assert!(stored.keys.iter().all(|row| row.wrapped_by != WrappedBy::Keyring));
    assert!(stored.with_keyring(&store).is_err());

    let another =
        behind_passphrase.set_passphrase_at_cost(&secret("another passphrase"), Kdf::MINIMUM).unwrap();
    let stored = Stored::of(&another);
    assert!(stored.with_passphrase(PASSPHRASE).is_err());
    opens(&stored.with_passphrase("another passphrase").unwrap(), &sealed);

    let back = another.move_to_keyring(&store).unwrap();
    let stored = Stored::of(&back);
    assert_eq!(stored.header().kdf(), None);
    opens(&stored.with_keyring(&store).unwrap(), &sealed);
    opens(&stored.with_recovery(&recovery).unwrap(), &sealed);

    // Moving to the keyring once more keeps the key there, since the rows may never be committed.
    back.move_to_keyring(&store).unwrap();
    opens(&stored.with_keyring(&store).unwrap(), &sealed);
}

#[test]
fn a_lost_keyring_is_replaced_by_way_of_the_recovery_key() {
    let (_lost, vault, recovery) = keyring_vault();
    let sealed = vault.seal(&field(), &secret(CANARY)).unwrap();
    let new_store = Memory::default();
    let restored = Stored::of(&vault).with_recovery(&recovery).unwrap().move_to_keyring(&new_store).unwrap();
    opens(&Stored::of(&restored).with_keyring(&new_store).unwrap(), &sealed);
}

#[test]
fn a_replaced_recovery_key_opens_nothing_new() {
    let (store, vault, old_key) = keyring_vault();
    let sealed = vault.seal(&field(), &secret(CANARY)).unwrap();
    let (replaced, new_key) = vault.replace_recovery_key().unwrap();
    let stored = Stored::of(&replaced);
    opens(&stored.with_keyring(&store).unwrap(), &sealed);
    opens(&stored.with_recovery(&new_key).unwrap(), &sealed);
    assert!(matches!(stored.with_recovery(&old_key), Err(Error::WrongKey(WrappedBy::Recovery))));

    // The old recovery row put back beside the new ones does not help either.
    let mut keys = stored.keys.clone();
    keys.extend(vault.keys().iter().filter(|row| row.wrapped_by == WrappedBy::Recovery).cloned());
    assert!(Vault::unlock_with_recovery(&stored.header(), &keys, &old_key).is_err());

    // What protects the vault in daily use has to be known, so that the new root key can be put behind it.
    let (vault, recovery) = passphrase_vault();
    let opened = Stored::of(&vault).with_recovery(&recovery).unwrap();
    assert!(matches!(opened.replace_recovery_key(), Err(Error::OpenedByRecovery)));
    let moved = opened.set_passphrase_at_cost(&secret("another passphrase"), Kdf::MINIMUM).unwrap();
    let (replaced, _) = moved.replace_recovery_key().unwrap();
    assert!(Stored::of(&replaced).with_passphrase("another passphrase").is_ok());
}

#[test]
fn an_open_vault_follows_what_another_process_does_to_its_keys() {
    let (vault, recovery) = passphrase_vault();
    let sealed = vault.seal(&field(), &secret(CANARY)).unwrap();
    let follows = |from: &Vault, to: &Vault| {
        let stored = Stored::of(to);
        assert!(!from.is_stored_as(&stored.header(), &stored.keys));
        from.changed_to(&stored.header(), &stored.keys).unwrap()
    };
    let rotated = vault.rotate().unwrap();
    let sealed_anew = rotated.seal(&field(), &secret(CANARY)).unwrap();
    let rotated = rotated.forget_old_keys();
    let followed = follows(&vault, &rotated).unwrap();
    opens(&followed, &sealed_anew);
    assert!(followed.open(&field(), &sealed).is_err(), "its key is gone");
    assert_eq!(followed.data_version(), 2);

    let (replaced, _) = rotated.replace_recovery_key().unwrap();
    opens(&follows(&vault, &replaced).unwrap(), &sealed_anew);
    let protected = rotated.set_passphrase_at_cost(&secret("another passphrase"), Kdf::MINIMUM).unwrap();
    let followed = follows(&vault, &protected).unwrap();
    opens(&followed, &sealed_anew);
    assert!(
        matches!(followed.replace_recovery_key(), Err(Error::OpenedByRecovery)),
        "its passphrase is not known"
    );

    // Behind another passphrase and another root key it is as closed as for anybody.
    let (both, _) = protected.replace_recovery_key().unwrap();
    assert!(follows(&vault, &both).is_none());
    let opened = Stored::of(&vault).with_recovery(&recovery).unwrap();
    assert!(follows(&opened, &replaced).is_none());
    let (stranger, _) = passphrase_vault();
    assert!(follows(&vault, &stranger).is_none());
}

#[test]
fn a_new_passphrase_has_a_least_length_in_characters() {
    for (passphrase, accepted) in [("", false), ("1234567", false), ("äöüßéèê", false), ("12345678", true)]
    {
        let result = Vault::create_with_passphrase_at_cost(&secret(passphrase), Kdf::MINIMUM);
        assert_eq!(result.is_ok(), accepted, "{passphrase}");
        if let Err(error) = result {
            assert_eq!(error.to_string(), "the passphrase is too short: use at least 8 characters");
        }
    }
}

#[test]
fn nothing_secret_is_printed_or_stored() {
    let (store, vault, recovery) = keyring_vault();
    let vault = vault.set_passphrase_at_cost(&secret(PASSPHRASE), Kdf::MINIMUM).unwrap();
    let sealed = vault.seal(&field(), &secret(CANARY)).unwrap();
    let id = vault.header().vault_id().to_owned();
    let kek = store.load(&id).unwrap().unwrap();
    let stored = Stored::of(&vault);
    let shown = recovery.reveal();
    let printed = format!(
        "{vault:?} {recovery:?} {shown:?} {kek:?} {store:?} {:?} {:?} {:?} {} {:?} {}",
        secret(CANARY),
        Keyring::default(),
        vault.header(),
        stored.header,
        stored.keys,
        vault.open(&Field { revision: 1, ..field() }, &sealed).unwrap_err(),
    );
    assert!(printed.contains("Secret(redacted)") && printed.contains(&id));
    for canary in [CANARY, PASSPHRASE, shown.expose(), &kek.to_base64()] {
        assert!(!printed.contains(canary), "{canary} in {printed}");
    }
    assert!(!sealed.windows(6).any(|window| window == &CANARY.as_bytes()[..6]));
}

#[test]
fn the_names_of_wraps_are_stable() {
    for (by, text) in [
        (WrappedBy::Keyring, "keyring"),
        (WrappedBy::Passphrase, "passphrase"),
        (WrappedBy::Recovery, "recovery"),
        (WrappedBy::Root, "root"),
    ] {
        assert_eq!(by.as_str(), text);
        assert_eq!(WrappedBy::parse(text), Some(by));
    }
    assert_eq!(WrappedBy::parse("Root"), None);
}
