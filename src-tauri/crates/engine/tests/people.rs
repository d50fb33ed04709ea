//! Managed objects and their types: every write is checked whole, passwords are out of sight, and a change of a type says
//! what it means before it is made.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests")]

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use connector::Connector;
use engine::{
    Connectors, Edit, Engine, EngineError, Gravity, ManagedChange, ObjectWrite, Saved, Sealer, TypeChange,
    TypeSaved, Which,
};
use jiff::Timestamp;
use model::{Filter, ManagedObjectConfig, MappingConfig, Secret, patch};
use serde_json::{Value, json};
use store::{ErrorKind, ManagedQuery, SealedSecret, Store, StoredChange, StoredKey};

struct Nobody;

#[async_trait]
impl Connectors for Nobody {
    async fn connector(&self, name: &str) -> Result<Arc<dyn Connector>, EngineError> {
        Err(EngineError::NotFound(format!("there is no connector `{name}`")))
    }
}

/// Keeps what it was given to seal, backwards.
#[derive(Default)]
struct Backwards(Mutex<Vec<String>>);

#[async_trait]
impl Sealer for Backwards {
    async fn seal(&self, owner: &str, field: &str, value: &Secret) -> Result<SealedSecret, EngineError> {
        self.0.lock().unwrap().push(format!("{owner} {field}"));
        let sealed = value.expose().bytes().rev().collect();
        Ok(SealedSecret {
            owner: owner.into(),
            field: field.into(),
            revision: 1,
            sealed,
            key: 1,
            updated: "now".into(),
        })
    }
}

struct House {
    engine: Engine,
    store: Store,
    folder: tempfile::TempDir,
}

fn house() -> House {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let key = StoredKey { version: 1, kind: "root".into(), wrapped: "a data key".into() };
    store.write_blocking(move |w| w.replace_vault_keys(&[key], "now")).unwrap();
    let engine =
        Engine::new(store.clone(), Arc::new(Nobody), Arc::new(Timestamp::now), folder.path().to_owned());
    House { engine, store, folder }
}

impl House {
    async fn write(&self, kind: &str, which: Which, edit: Edit) -> Result<Saved, EngineError> {
        let write = ObjectWrite { kind: kind.into(), which, rev: None, edit, who: "ann".into() };
        self.engine.write_object(write).await
    }

    async fn create(&self, user: Value) -> Result<Saved, EngineError> {
        self.write("user", Which::New(None), Edit::Merge(user.as_object().unwrap().clone())).await
    }

    async fn patch(&self, id: &str, steps: Value) -> Result<Saved, EngineError> {
        self.write("user", Which::There(id.into()), Edit::Patch(patch::parse(&steps).unwrap())).await
    }

    async fn history(&self, id: &str) -> Vec<StoredChange> {
        let id = id.to_owned();
        let page = self.store.read(move |r| r.history_page("user", &id, None, None, 100)).await.unwrap();
        page.rows.into_iter().flat_map(|row| row.changes).collect()
    }

    async fn save_type(&self, config: &ManagedObjectConfig, confirmed: bool) -> TypeSaved {
        let change = TypeChange { config: config.clone(), rev: None, confirmed, who: "ann".into() };
        self.engine.save_managed_type(change).await.unwrap()
    }

    async fn user_type(&self) -> ManagedObjectConfig {
        self.store.read(|r| Ok(Engine::managed_type(r, "user").unwrap())).await.unwrap()
    }
}

fn ann() -> Value {
    json!({"userName": "ann", "givenName": "Ann", "sn": "Lee", "mail": "ann@example.org"})
}

fn with(mut object: Value, more: Value) -> Value {
    object.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    object
}

/// The requirements that a write was refused for.
fn refused<T: std::fmt::Debug>(outcome: Result<T, EngineError>) -> Vec<String> {
    match outcome.unwrap_err() {
        EngineError::Policy(found) => {
            found.into_iter().map(|v| format!("{} {}", v.property, v.requirement)).collect()
        }
        other => panic!("{other}"),
    }
}

fn attributes(saved: &Saved) -> Value {
    Value::Object(saved.object.as_ref().unwrap().attributes.clone())
}

#[tokio::test]
async fn every_fault_of_a_write_is_named_and_nothing_is_written() {
    let house = house();
    house.create(ann()).await.unwrap();
    let faulty = json!({"userName": "ANN", "password": "ann", "givenName": "", "mail": "x", "city": 1, "preferences": {"updates": "yes"}});
    assert_eq!(
        refused(house.create(faulty).await),
        [
            "password MIN_LENGTH",
            "password AT_LEAST_X_CAPITAL_LETTERS",
            "password AT_LEAST_X_NUMBERS",
            "password CANNOT_CONTAIN_OTHERS",
            "givenName REQUIRED",
            "sn REQUIRED",
            "mail VALID_EMAIL_ADDRESS_FORMAT",
            "city VALID_TYPE",
            "preferences/updates VALID_TYPE",
            "userName UNIQUE",
        ]
    );
    assert_eq!(house.store.read(|r| r.managed_count("user")).await.unwrap(), 1);
    assert_eq!(
        refused(house.create(with(ann(), json!({"userName": "openidm-admin"}))).await),
        ["userName NO_INTERNAL_USER_CONFLICT"]
    );
}

#[tokio::test]
async fn an_old_fault_stands_in_nobodys_way_until_its_value_is_touched() {
    let house = house();
    house
        .store
        .write(|w| {
            let config = ManagedObjectConfig::default_user();
            let object = json!({"userName": "old", "mail": "no address", "sn": "Lee"});
            let attributes = object.as_object().unwrap();
            w.insert_managed(
                &store::ManagedWrite { config: &config, id: "1", attributes, hash: [0; 16] },
                "now",
            )
        })
        .await
        .unwrap();
    let set = |name: &str, value: Value| json!({"operation": "replace", "field": name, "value": value});
    house.patch("1", set("/city", json!("Oslo"))).await.unwrap();
    assert_eq!(
        refused(house.patch("1", set("/mail", json!("still none"))).await),
        ["mail VALID_EMAIL_ADDRESS_FORMAT"]
    );
    let steps = json!([{"operation": "remove", "field": "/sn"}]);
    assert_eq!(refused(house.patch("1", steps).await), ["sn REQUIRED"]);
}

#[tokio::test]
async fn revisions_guard_every_write() {
    let house = house();
    let made = house.create(ann()).await.unwrap();
    let write = |rev: Option<i64>, which: Which, sn: &str| ObjectWrite {
        kind: "user".into(),
        which,
        rev,
        // Stale comes first: whoever is late need not be told what else is wrong.
        edit: Edit::Merge(json!({ "sn": sn }).as_object().unwrap().clone()),
        who: "ann".into(),
    };
    let kind = |outcome: Result<Saved, EngineError>| match outcome.unwrap_err() {
        EngineError::Store(error) => error.kind,
        other => panic!("{other}"),
    };
    let there = || Which::There(made.id.clone());
    assert_eq!(
        house.engine.write_object(write(Some(1), there(), "Li")).await.unwrap().object.unwrap().rev,
        2
    );
    assert_eq!(kind(house.engine.write_object(write(Some(1), there(), "")).await), ErrorKind::Stale);
    assert_eq!(
        kind(house.engine.write_object(write(Some(9), Which::Either("new".into()), "x")).await),
        ErrorKind::Stale
    );
    let same = house.engine.write_object(write(Some(2), there(), "Li")).await.unwrap();
    assert_eq!((same.object.unwrap().rev, same.created), (2, false), "what changes nothing is no revision");
    let deleted = house.engine.delete_managed("user", &made.id, Some(1), "ann").await;
    assert_eq!(kind(deleted), ErrorKind::Stale);
    let gone = house.engine.delete_managed("user", &made.id, Some(2), "ann").await.unwrap();
    assert_eq!(gone.object.unwrap().attributes["sn"], "Li", "the answer to a delete is what was deleted");
    let missing = house.engine.write_object(write(None, there(), "Li")).await.unwrap_err();
    assert!(matches!(missing, EngineError::NotFound(_)), "{missing}");
}

#[tokio::test]
async fn objects_are_made_under_the_id_that_a_client_chooses() {
    let house = house();
    let new = |id: &str| Which::New(Some(id.to_owned()));
    let body = |value: Value| Edit::Replace(value.as_object().unwrap().clone());
    let saved = house.write("user", new("ann-1"), body(ann())).await.unwrap();
    assert_eq!((saved.id.as_str(), saved.created), ("ann-1", true));
    assert_eq!(attributes(&saved)["accountStatus"], "active", "defaults are filled in");
    let again = house.write("user", new("ann-1"), body(ann())).await.unwrap_err();
    assert!(again.to_string().contains("exists already"), "{again}");
    for bad in ["", "a/b", &"x".repeat(256)] {
        assert!(
            house
                .write("user", new(bad), body(ann()))
                .await
                .unwrap_err()
                .to_string()
                .contains("cannot be an id")
        );
    }
    let other = body(with(ann(), json!({"_id": "other"})));
    assert!(
        house
            .write("user", Which::Either("ann-1".into()), other)
            .await
            .unwrap_err()
            .to_string()
            .contains("_id")
    );
    let bob = with(ann(), json!({"userName": "bob", "_id": "bob-1", "_rev": "7"}));
    let bob = house.write("user", Which::New(None), body(bob)).await.unwrap();
    assert_eq!((bob.id.as_str(), bob.object.unwrap().rev), ("bob-1", 1));
    let upsert = house
        .write("user", Which::Either("carl".into()), body(with(ann(), json!({"userName": "carl"}))))
        .await;
    assert!(upsert.unwrap().created);
    let unknown = house.write("robot", new("r2"), body(ann())).await.unwrap_err();
    assert!(unknown.to_string().contains("no managed object type `robot`; there are: user"), "{unknown}");
}

#[tokio::test]
async fn replacing_an_object_keeps_what_its_reader_was_never_shown() {
    let house = house();
    let first = with(
        ann(),
        json!({
            "password": "Secret-Word-1", "lastSync": {"m": "now"}, "city": "Oslo", "effectiveRoles": [{"a": 1}],
            "manager": {"_ref": "managed/user/boss", "_refProperties": {"_id": "x"}},
            "roles": [{"_ref": "managed/role/r1"}],
        }),
    );
    let made = house.create(first).await.unwrap();
    assert_eq!(attributes(&made)["manager"]["_refProperties"]["_id"], "x", "references are kept as they are");
    assert_eq!(attributes(&made).get("effectiveRoles"), None, "what is computed is not stored");
    let body =
        with(ann(), json!({"sn": "Li", "accountStatus": null, "roles": [{"_ref": "managed/role/r1"}]}));
    let edit = Edit::Replace(body.as_object().unwrap().clone());
    let after = attributes(&house.write("user", Which::There(made.id.clone()), edit).await.unwrap());
    let expect =
        with(ann(), json!({"sn": "Li", "lastSync": {"m": "now"}, "roles": [{"_ref": "managed/role/r1"}]}));
    assert_eq!(after, expect);
    let matches =
        |word: &str| house.engine.protected_matches("user", &made.id, "password", Secret::new(word));
    assert!(matches("Secret-Word-1").await.unwrap() && !matches("Secret-Word-2").await.unwrap());
}

#[tokio::test]
async fn patches_are_all_or_nothing() {
    let house = house();
    let id = house.create(with(ann(), json!({"kbaInfo": [{"q": 1}]}))).await.unwrap().id;
    let saved = house
        .patch(
            &id,
            json!([
                {"operation": "replace", "field": "/sn", "value": "Li"},
                {"operation": "add", "field": "/kbaInfo/-", "value": {"q": 2}},
                {"operation": "copy", "from": "/sn", "field": "/description"},
                {"operation": "add", "field": "/preferences/updates", "value": true},
                {"operation": "remove", "field": "/accountStatus"},
            ]),
        )
        .await
        .unwrap();
    let expect = json!({"sn": "Li", "kbaInfo": [{"q": 1}, {"q": 2}], "description": "Li", "preferences": {"updates": true}});
    assert_eq!(attributes(&saved), with(ann(), expect));
    for (step, what) in [
        (json!({"operation": "increment", "field": "/sn", "value": 1}), "no number"),
        (json!({"operation": "replace", "field": "/_id", "value": "x"}), "_id cannot be changed"),
        (json!({"operation": "replace", "field": "/mail", "value": "x"}), "not an e-mail"),
        (
            json!({"operation": "move", "from": "/password", "field": "/city"}),
            "Password can only be set as a whole",
        ),
        (
            json!({"operation": "add", "field": "/password/x", "value": "y"}),
            "Password can only be set as a whole",
        ),
        (
            json!({"operation": "replace", "field": "/password", "value": 7}),
            "Password can only be set as a whole",
        ),
    ] {
        let good = json!({"operation": "replace", "field": "/city", "value": "Oslo"});
        let error = house.patch(&id, json!([good, step])).await.unwrap_err().to_string();
        assert!(error.contains(what), "{step}: {error}");
    }
    let id_too = id.clone();
    let now = house.store.read(move |r| r.managed("user", &id_too)).await.unwrap().unwrap();
    assert_eq!((now.rev, now.attributes.get("city")), (2, None));
}

#[tokio::test]
async fn a_password_is_nowhere_to_be_read() {
    let house = house();
    let word = "Hunter2-Hunter2";
    let made = house.create(with(ann(), json!({"password": word}))).await.unwrap();
    assert_eq!(attributes(&made).get("password"), None);
    let changed = house
        .patch(
            &made.id,
            json!([{"operation": "replace", "field": "/password", "value": format!("{word}-new")}]),
        )
        .await
        .unwrap();
    assert_eq!(changed.object.unwrap().rev, 2, "a new password is a new revision");
    assert_eq!(changed.queued, Vec::<String>::new(), "and nothing that a mapping could carry on");
    let refusal = house
        .patch(&made.id, json!([{"operation": "replace", "field": "/password", "value": "Hunter"}]))
        .await;
    assert!(!refusal.unwrap_err().to_string().contains("Hunter"));
    assert_eq!(
        refused(
            house.patch(&made.id, json!([{"operation": "add", "field": "/password", "value": ""}])).await
        ),
        ["password REQUIRED"]
    );
    let matches =
        |word: String| house.engine.protected_matches("user", &made.id, "password", Secret::new(word));
    assert!(matches(format!("{word}-new")).await.unwrap() && !matches(word.to_owned()).await.unwrap());
    house.patch(&made.id, json!([{"operation": "remove", "field": "/password"}])).await.unwrap();
    assert!(!matches(format!("{word}-new")).await.unwrap());
    let words: Vec<(Value, Value)> = house
        .history(&made.id)
        .await
        .into_iter()
        .filter(|c| c.attribute == "password")
        .map(|c| (c.before, c.after))
        .collect();
    let hidden = || json!("(not shown)");
    assert_eq!(words, [(hidden(), json!(null)), (hidden(), hidden()), (json!(null), hidden())]);
    let filter = Filter::parse("password pr or password sw \"H\"").unwrap();
    let config = house.user_type().await;
    assert_eq!(
        house.store.read(move |r| r.managed_ids(&config, &filter, 9)).await.unwrap(),
        Vec::<String>::new()
    );

    // Not even in the files.
    house.store.checkpoint().await.unwrap();
    for file in std::fs::read_dir(house.folder.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(word.len()).any(|part| part == word.as_bytes()));
    }
}

#[tokio::test]
async fn what_a_schema_wants_encrypted_is_sealed() {
    let mut house = house();
    let mut config = house.user_type().await;
    config.schema.properties.insert(
        "pin".into(),
        json!({"type": "string", "title": "PIN", "encryption": {"key": "k"}, "scope": "private"}),
    );
    config.schema.required.push("pin".into());
    assert!(house.save_type(&config, true).await.saved);
    let pin = with(ann(), json!({"pin": "1234"}));
    let locked = house.create(pin.clone()).await.unwrap_err();
    assert!(matches!(locked, EngineError::Locked(_)), "{locked}");
    let sealer = Arc::new(Backwards::default());
    house.engine = house.engine.clone().with_sealer(sealer.clone());
    assert_eq!(refused(house.create(ann()).await), ["pin REQUIRED"]);
    let made = house.create(pin).await.unwrap();
    assert_eq!(attributes(&made).get("pin"), None);
    let owner = store::secret_owner("user", &made.id);
    assert_eq!(*sealer.0.lock().unwrap(), [format!("{owner} pin")]);
    let asked = owner.clone();
    assert_eq!(house.store.read(move |r| r.secrets(&asked)).await.unwrap()[0].sealed, b"4321");
    house.patch(&made.id, json!([{"operation": "replace", "field": "/sn", "value": "Li"}])).await.unwrap();
    assert_eq!(
        refused(house.patch(&made.id, json!([{"operation": "remove", "field": "/pin"}])).await),
        ["pin REQUIRED"]
    );
    let valid = |id: Option<String>| {
        let engine = house.engine.clone();
        async move {
            engine
                .validate_managed("user", id.as_deref(), ann().as_object().unwrap().clone(), None)
                .await
                .unwrap()
        }
    };
    assert_eq!(valid(Some(made.id.clone())).await, [], "it has a PIN and its own user name");
    let named: Vec<String> = valid(None).await.into_iter().map(|v| v.property).collect();
    assert_eq!(named, ["pin", "userName"]);
    house.engine.delete_managed("user", &made.id, None, "ann").await.unwrap();
    assert_eq!(house.store.read(move |r| r.secrets(&owner)).await.unwrap(), []);
}

#[tokio::test]
async fn objects_are_judged_without_being_written() {
    let house = house();
    house.create(ann()).await.unwrap();
    let faulty = json!({"userName": "ann", "password": "x", "mail": "x"});
    let judge = |property: Option<&'static str>| {
        let (engine, object) = (house.engine.clone(), faulty.as_object().unwrap().clone());
        async move { engine.validate_managed("user", None, object, property).await.unwrap() }
    };
    assert_eq!(judge(Some("mail")).await.len(), 1);
    assert_eq!(judge(Some("/password")).await.len(), 3);
    assert_eq!(judge(Some("userName")).await[0].requirement, "UNIQUE");
    assert_eq!(judge(Some("city")).await, []);
    assert_eq!(judge(None).await.len(), 7);
    assert_eq!(house.store.read(|r| r.managed_count("user")).await.unwrap(), 1);
}

fn device() -> ManagedObjectConfig {
    serde_json::from_value(json!({
        "name": "device", "icon": "kept",
        "schema": {
            "order": ["serial", "serial", "unknown"], "required": ["serial"], "title": "Device",
            "properties": {
                "serial": {"type": "string", "policies": [{"policyId": "unique"}]},
                "size": {"type": "number", "searchable": true, "default": 3},
                "on": {"type": "boolean"},
                "tags": {"type": "array", "items": {"type": "string"}},
            }
        }
    }))
    .unwrap()
}

#[tokio::test]
async fn types_beside_the_user_live_like_it() {
    let house = house();
    let saved = house.save_type(&device(), false).await;
    assert_eq!((saved.saved, saved.problems, saved.to_fill), (true, vec![], false));
    let kept = house.store.read(|r| Ok(Engine::managed_type(r, "device").unwrap())).await.unwrap();
    assert_eq!(
        (kept.schema.order.len(), &kept.rest["icon"], &kept.schema.rest["title"]),
        (4, &json!("kept"), &json!("Device"))
    );
    assert_eq!(saved.rev, Some(Engine::managed_type_rev(&kept)));
    let names = house.store.read(|r| Ok(Engine::managed_types(r).unwrap())).await.unwrap();
    assert_eq!(names.into_iter().map(|t| t.name).collect::<Vec<_>>(), ["user", "device"]);

    let make = |value: Value| {
        house.write("device", Which::New(None), Edit::Replace(value.as_object().unwrap().clone()))
    };
    let one = make(json!({"serial": "A", "on": true, "tags": ["x"]})).await.unwrap();
    assert_eq!(attributes(&one), json!({"serial": "A", "on": true, "tags": ["x"], "size": 3}));
    let faulty = make(json!({"serial": "a", "size": "big", "tags": [1]})).await;
    assert_eq!(refused(faulty), ["size VALID_TYPE", "tags VALID_TYPE", "serial UNIQUE"]);
    make(json!({"serial": "B", "size": 20})).await.unwrap();
    let query =
        ManagedQuery { sort: Some("size".into()), descending: true, limit: 9, ..ManagedQuery::default() };
    let page = house.store.read(move |r| r.managed_page(&kept, &query)).await.unwrap();
    let sizes: Vec<Value> = page.rows.into_iter().map(|m| m.attributes["size"].clone()).collect();
    assert_eq!(sizes, [json!(20), json!(3)]);

    let remove = || house.engine.remove_managed_type("device", "ann");
    assert!(remove().await.unwrap_err().to_string().contains("2 objects"));
    assert!(
        house
            .engine
            .remove_managed_type("user", "ann")
            .await
            .unwrap_err()
            .to_string()
            .contains("always there")
    );
    let ids = house.store.read(|r| r.managed_ids(&device(), &Filter::Always(true), 9)).await.unwrap();
    for id in ids {
        house.engine.delete_managed("device", &id, None, "ann").await.unwrap();
    }
    remove().await.unwrap();
    assert!(house.store.read(|r| Ok(Engine::managed_type(r, "device").is_err())).await.unwrap());
}

#[tokio::test]
async fn a_change_of_a_type_says_what_it_means_first() {
    let house = house();
    for (name, city) in
        [("ann", json!("Oslo")), ("bob", json!("oslo")), ("carl", json!("Rome")), ("dora", json!(null))]
    {
        house
            .create(with(
                ann(),
                json!({"userName": name, "mail": format!("{name}@example.org"), "city": city, "sn": name}),
            ))
            .await
            .unwrap();
    }
    let mapping = json!({
        "name": "out", "source": "managed/user", "target": "system/x/y", "enableSync": false,
        "properties": [{"source": "city", "target": "city"}],
    });
    let mapping = MappingConfig::from_value(mapping).unwrap();
    house.store.write(move |w| w.put_mapping(&mapping, "now")).await.unwrap();
    let old = house.user_type().await;
    type Change = fn(&mut ManagedObjectConfig);
    let rows: Vec<(Change, Gravity, Option<u64>, &str, &[&str])> = vec![
        (|c| drop(c.schema.properties.shift_remove("city")), Gravity::Confirm, None, "used by out", &[]),
        (
            |c| drop(c.schema.properties.shift_remove("city")),
            Gravity::Confirm,
            Some(3),
            "has values",
            &["Ann ann", "Ann bob", "Ann carl"],
        ),
        (
            |c| c.schema.required.push("city".into()),
            Gravity::Confirm,
            Some(1),
            "have no value",
            &["Ann dora"],
        ),
        (
            |c| c.schema.properties["city"]["type"] = json!("number"),
            Gravity::Confirm,
            Some(3),
            "something else than number",
            &["Ann ann", "Ann bob", "Ann carl"],
        ),
        (
            |c| c.schema.properties["city"]["maxLength"] = json!(3),
            Gravity::Confirm,
            Some(3),
            "break MAX_LENGTH",
            &["Ann ann", "Ann bob", "Ann carl"],
        ),
        (
            |c| c.schema.properties["city"]["policies"] = json!([{"policyId": "unique"}]),
            Gravity::Confirm,
            Some(2),
            "2 objects share",
            &[],
        ),
        (
            |c| c.schema.properties["city"]["policies"] = json!([{"policyId": "own"}]),
            Gravity::Note,
            None,
            "nothing here checks it",
            &[],
        ),
        (
            |c| c.schema.properties["city"]["policies"] = json!([{"policyId": "minimum-length"}]),
            Gravity::Refused,
            None,
            "needs `minLength`",
            &[],
        ),
        (
            |c| c.schema.properties["city"]["encryption"] = json!({"key": "k"}),
            Gravity::Refused,
            Some(3),
            "in the open",
            &[],
        ),
        (
            |c| c.schema.properties["city"]["encryption"] = json!({"key": "k"}),
            Gravity::Refused,
            None,
            "neither reads nor writes",
            &[],
        ),
        (|c| c.schema.properties["password"]["secureHash"] = json!(null), Gravity::Note, None, "", &[]),
        (
            |c| c.schema.properties["password"]["type"] = json!("number"),
            Gravity::Refused,
            None,
            "has to be a string",
            &[],
        ),
        (|c| c.schema.required.push("nothing".into()), Gravity::Refused, None, "`nothing` is required", &[]),
    ];
    for (change, gravity, objects, what, examples) in rows {
        let mut config = old.clone();
        change(&mut config);
        let saved = house.save_type(&config, false).await;
        let found = saved.problems.iter().find(|p| p.message.contains(what));
        if !what.is_empty() {
            let found = found.unwrap_or_else(|| panic!("{what}: {:#?}", saved.problems));
            assert_eq!((found.gravity, found.objects), (gravity, objects), "{what}");
            if !examples.is_empty() {
                assert_eq!(found.examples, examples, "{what}");
            }
        }
        assert_eq!(saved.saved, gravity == Gravity::Note, "{what}");
        assert!(house.save_type(&old, true).await.saved, "back to where it was");
    }
    let mut config = old.clone();
    config.schema.required.push("city".into());
    let rev = Some(Engine::managed_type_rev(&old));
    let change =
        |rev: Option<String>| TypeChange { config: config.clone(), rev, confirmed: true, who: "ann".into() };
    assert!(house.engine.save_managed_type(change(rev.clone())).await.unwrap().saved);
    let stale = house.engine.save_managed_type(change(rev)).await.unwrap_err();
    assert!(stale.to_string().contains("has changed meanwhile"), "{stale}");
    let audit = house.store.read(|r| r.audit(1)).await.unwrap();
    assert_eq!((audit[0].topic.as_str(), audit[0].detail.contains("requires")), ("managed", true));
}

#[tokio::test]
async fn what_becomes_searchable_is_found_at_once_and_fast_later() {
    let house = house();
    let config = house.user_type().await;
    let writes = config.clone();
    house
        .store
        .write(move |w| {
            for n in 0..1200 {
                let object = json!({"userName": format!("u{n}"), "city": format!("City {}", n % 10)});
                let attributes = object.as_object().unwrap();
                let id = format!("{n:05}");
                w.insert_managed(
                    &store::ManagedWrite { config: &writes, id: &id, attributes, hash: [0; 16] },
                    "now",
                )?;
            }
            Ok(())
        })
        .await
        .unwrap();
    let mut config = config;
    config.schema.properties["city"]["searchable"] = json!(true);
    assert!(house.save_type(&config, false).await.to_fill);
    let asked = config.clone();
    let look = |config: ManagedObjectConfig| {
        let filter = Filter::parse("city eq \"City 3\"").unwrap();
        house.store.read(move |r| {
            Ok((r.managed_ids(&config, &filter, 999)?.len(), r.managed_scans(&config, &filter)?))
        })
    };
    assert_eq!(look(asked.clone()).await.unwrap(), (120, true));
    house.engine.fill_columns().await.unwrap();
    assert_eq!(look(asked.clone()).await.unwrap(), (120, false));
    house.engine.fill_columns().await.unwrap();
    let sortable = house.store.read(move |r| r.managed_sortable(&asked)).await.unwrap();
    assert_eq!(sortable, ["userName", "givenName", "sn", "mail", "accountStatus", "city"]);
}

#[tokio::test]
async fn a_form_changes_what_it_names_and_history_tells_who() {
    let house = house();
    let id = house.create(ann()).await.unwrap().id;
    let change = |attributes: Value| ManagedChange {
        kind: "user".into(),
        id: Some(id.clone()),
        rev: None,
        attributes: attributes.as_object().unwrap().clone(),
        who: "bob".into(),
    };
    house
        .engine
        .save_managed(change(json!({"sn": "Li", "/preferences/updates": true, "accountStatus": null})))
        .await
        .unwrap();
    let asked = id.clone();
    let page = house.store.read(move |r| r.history_page("user", &asked, None, None, 1)).await.unwrap();
    assert_eq!(
        (page.rows[0].who.as_str(), page.rows[0].run.as_deref(), page.next.is_some()),
        ("bob", None, true)
    );
    let words: Vec<String> = page.rows[0].changes.iter().map(StoredChange::in_words).collect();
    assert_eq!(
        words,
        [
            "accountStatus: \"active\" -> nothing",
            "sn: \"Lee\" -> \"Li\"",
            "preferences: nothing -> {\"updates\":true}"
        ]
    );
}
