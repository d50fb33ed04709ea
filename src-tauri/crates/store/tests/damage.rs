//! Damaged files: whatever the bytes, an error or an answer, never a crash; and a value that cannot be read is named.
#![allow(clippy::unwrap_used, reason = "a failed expectation in a helper is a failed test")]

mod common;

use std::fs;

use common::{AT, fresh, insert, page, seen, user_type};
use proptest::prelude::*;
use serde_json::json;
use store::{ErrorKind, ManagedQuery, Store};

/// Reads everything that screens show.
fn look(store: &Store) {
    let query = ManagedQuery { sort: Some("sn".into()), limit: 1000, ..Default::default() };
    let _ = store.read_blocking(|r| r.managed_page(&user_type(), &query));
    let _ = store.read_blocking(|r| r.mirrored_by_value("system/hub/contact", "email", "a@x", 100));
    let _ =
        store.read_blocking(|r| Ok((r.connectors()?, r.mappings()?, r.runs(None, None, 10)?, r.audit(10)?)));
    let _ = store.write_blocking(|w| w.set_setting("a", "b"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn damage_is_never_a_crash(offset in 0usize..200_000, length in 0usize..5000, cut in prop::bool::weighted(0.2), bits in 1u8..) {
        let (folder, store) = fresh();
        store.write_blocking(|w| {
            for n in 0..100 {
                insert(w, &user_type(), &format!("{n}"), 1, json!({"sn": format!("Lee {n}")}))?;
            }
            w.mirror_page(&page("system/hub/contact", 1, (0..100).map(|n| seen(&n.to_string(), 1, "a@x")).collect()), AT)
        }).unwrap();
        drop(store);
        let store = Store::open(folder.path()).unwrap();
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(store.checkpoint()).unwrap();
        drop(store);
        let file = folder.path().join("concord.db");
        let mut bytes = fs::read(&file).unwrap();
        let at = offset % bytes.len();
        if cut {
            bytes.truncate(at);
        } else {
            bytes.iter_mut().skip(at).take(length).for_each(|b| *b ^= bits);
        }
        fs::write(&file, bytes).unwrap();
        if let Ok(store) = Store::open(folder.path()) {
            look(&store);
        }
    }
}

#[test]
fn a_value_that_cannot_be_read_is_named() {
    let (_folder, store) = fresh();
    store.write_blocking(|w| insert(w, &user_type(), "1", 1, json!({"sn": "Lee"}))).unwrap();
    for spoil in ["doc = 'no json'", "doc = '[1]'", "hash = x'00'", "rev = 'many'", "id = x'ff'"] {
        let c = rusqlite::Connection::open(store.file()).unwrap();
        c.execute(&format!("UPDATE managed_object SET {spoil}"), []).unwrap();
        let query = ManagedQuery { limit: 10, ..Default::default() };
        let error = store.read_blocking(|r| r.managed_page(&user_type(), &query)).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Damaged, "{spoil}: {error}");
        assert!(error.to_string().contains("restore the last copy"), "{spoil}: {error}");
        c.execute("DELETE FROM managed_object", []).unwrap();
        store.write_blocking(|w| insert(w, &user_type(), "1", 1, json!({"sn": "Lee"}))).unwrap();
    }
}
