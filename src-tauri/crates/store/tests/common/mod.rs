//! What the store's tests share: a store in a folder of its own, and short ways to say records.
#![allow(dead_code, reason = "every test file takes what it needs")]
#![allow(clippy::unwrap_used, reason = "a failed expectation in a helper is a failed test")]

use model::{Attributes, ManagedObjectConfig};
use serde_json::{Value, json};
use store::{Hash, ManagedWrite, SeenPage, Store, StoreError, StoredKey, Writer};
use tempfile::TempDir;

/// A moment for rows whose time does not matter.
pub const AT: &str = "2026-01-02T03:04:05Z";

/// A store in a folder that goes away with it.
pub fn fresh() -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let key = StoredKey { version: 1, kind: "root".into(), wrapped: "a data key".into() };
    store.write_blocking(move |w| w.replace_vault_keys(&[key], AT)).unwrap();
    (folder, store)
}

/// The object that a JSON literal stands for.
pub fn object(value: Value) -> Attributes {
    value.as_object().unwrap().clone()
}

/// A hash that differs for different numbers.
pub fn hash(n: u64) -> Hash {
    u128::from(n).to_be_bytes()
}

/// A record to be mirrored: its hash follows its revision, so that a new one is a change.
pub fn seen(uid: &str, revision: u64, mail: &str) -> (String, Hash, Attributes) {
    (uid.to_owned(), hash(revision), object(json!({"email": mail, "revision": revision})))
}

/// A page of such records, with `email` indexed.
pub fn page(path: &str, read: i64, rows: Vec<(String, Hash, Attributes)>) -> SeenPage {
    SeenPage { path: path.into(), read, rows, indexed: ["email".to_owned()].into() }
}

/// A managed type `user`: `userName`, `sn` and `city` are searchable, the rest is not.
pub fn user_type() -> ManagedObjectConfig {
    let property = |searchable: bool| json!({"type": "string", "searchable": searchable});
    serde_json::from_value(json!({
        "name": "user",
        "schema": {
            "order": ["userName", "sn", "city", "description"],
            "properties": {
                "userName": property(true), "sn": property(true), "city": property(true), "description": property(false)
            }
        }
    }))
    .unwrap()
}

/// Makes a managed object with this hash.
pub fn insert(
    w: &Writer<'_>,
    config: &ManagedObjectConfig,
    id: &str,
    revision: u64,
    doc: Value,
) -> Result<(), StoreError> {
    w.insert_managed(&ManagedWrite { config, id, attributes: &object(doc), hash: hash(revision) }, AT)
}
