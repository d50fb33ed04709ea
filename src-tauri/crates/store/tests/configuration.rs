//! Connectors, mappings, secrets, audit and history: what is put in comes out, and what is removed takes along what is its own.
#![allow(clippy::unwrap_used, reason = "a failed expectation in a helper is a failed test")]

mod common;

use common::{AT, fresh, hash, object, page, seen};
use model::{ConnectorConfig, MappingConfig};
use serde_json::json;
use store::{
    AuditRow, ErrorKind, HistoryEntry, LinkSpace, NewLink, Orientation, QueueChange, SealedSecret, Store,
    StoreError, StoredChange, StoredKey,
};

fn connector(name: &str, title: &str) -> ConnectorConfig {
    serde_json::from_value(json!({
        "name": name,
        "displayName": title,
        "connectorRef": {"connectorName": "org.forgerock.openicf.connectors.hubspot.HubspotConnector"},
        "configurationProperties": {"unknown": ["kept"]},
    }))
    .unwrap()
}

fn mapping(name: &str, links: Option<&str>) -> MappingConfig {
    let mut value =
        json!({"name": name, "source": "system/hub/contact", "target": "managed/user", "properties": []});
    if let Some(links) = links {
        value["links"] = links.into();
    }
    MappingConfig::from_value(value).unwrap()
}

fn put(store: &Store, config: MappingConfig) -> Result<i64, StoreError> {
    store.write_blocking(move |w| w.put_mapping(&config, AT))
}

#[test]
fn mappings_are_put_in_another_order_whole_or_not_at_all() {
    let (_folder, store) = fresh();
    for name in ["a", "b", "c"] {
        put(&store, mapping(name, None)).unwrap();
    }
    let order = |names: &[&str]| {
        let names: Vec<String> = names.iter().map(|n| (*n).to_owned()).collect();
        store.write_blocking(move |w| w.reorder_mappings(&names))
    };
    let names = || -> Vec<String> {
        store.read_blocking(|r| r.mappings()).unwrap().into_iter().map(|m| m.config.name).collect()
    };
    order(&["c", "a", "b"]).unwrap();
    assert_eq!(names(), ["c", "a", "b"]);
    put(&store, mapping("a", Some("b"))).unwrap();
    assert_eq!(names(), ["c", "a", "b"], "a change stays in its place");
    put(&store, mapping("d", None)).unwrap();
    assert_eq!(names(), ["c", "a", "b", "d"], "a new one comes last");
    for wrong in [&["c", "a", "b"][..], &["c", "a", "b", "x"], &["c", "a", "b", "b"], &[]] {
        assert_eq!(order(wrong).unwrap_err().kind, ErrorKind::Stale, "{wrong:?}");
    }
    assert_eq!(names(), ["c", "a", "b", "d"]);
}

fn secret(owner: &str, field: &str, revision: u64) -> SealedSecret {
    SealedSecret {
        owner: owner.into(),
        field: field.into(),
        revision,
        sealed: vec![0, 255, 7],
        key: 1,
        updated: AT.into(),
    }
}

#[test]
fn connectors_keep_their_last_test_until_they_change() {
    let (_folder, store) = fresh();
    let put = |config: ConnectorConfig| store.write_blocking(move |w| w.put_connector(&config, AT));
    let tested = || {
        let row = store.read_blocking(|r| r.connector("hub")).unwrap().unwrap();
        (row.tested_at, row.test_error)
    };
    put(connector("hub", "One")).unwrap();
    put(connector("alpha", "Two")).unwrap();
    assert_eq!(tested(), (None, None));
    store.write_blocking(|w| w.put_connector_test("hub", "t1", Some("refused"))).unwrap();
    put(connector("hub", "One")).unwrap();
    assert_eq!(tested(), (Some("t1".into()), Some("refused".into())), "nothing changed");
    put(connector("hub", "Other")).unwrap();
    assert_eq!(tested(), (None, None), "the test was of another configuration");
    let rows = store.read_blocking(|r| r.connectors()).unwrap();
    assert_eq!(rows.iter().map(|r| r.config.name.as_str()).collect::<Vec<_>>(), ["alpha", "hub"]);
    assert_eq!(rows[1].config, connector("hub", "Other"));
    let error = put(connector("HUB", "Third")).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unique);
    assert!(error.to_string().contains("`hub` already"), "{error}");
}

#[test]
fn a_removed_connector_takes_its_secrets_and_its_mirror_along() {
    let (_folder, store) = fresh();
    store
        .write_blocking(|w| {
            for name in ["hub", "hub2"] {
                w.put_connector(&connector(name, name), AT)?;
                w.put_secret(&secret(&format!("connector/{name}"), "accessToken", 1))?;
                let path = format!("system/{name}/contact");
                w.mirror_page(&page(&path, 1, vec![seen("1", 1, "a@x")]), AT)?;
            }
            w.remove_connector("HUB")?;
            w.remove_connector("never there")
        })
        .unwrap();
    store
        .read_blocking(|r| {
            assert_eq!(r.connectors()?.len(), 1);
            assert_eq!(r.all_secrets()?, [secret("connector/hub2", "accessToken", 1)]);
            assert!(r.mirrored("system/hub/contact", "1")?.is_none());
            assert!(r.mirrored_by_value("system/hub/contact", "email", "a@x", 9)?.is_empty());
            assert!(r.mirrored("system/hub2/contact", "1")?.is_some());
            Ok(())
        })
        .unwrap();
}

#[test]
fn mappings_keep_their_order_and_never_reuse_a_version() {
    let (_folder, store) = fresh();
    let names = || -> Vec<String> {
        store.read_blocking(|r| r.mappings()).unwrap().into_iter().map(|m| m.config.name).collect()
    };
    let first = put(&store, mapping("b", None)).unwrap();
    let second = put(&store, mapping("a", None)).unwrap();
    assert_eq!(put(&store, mapping("b", None)).unwrap(), first, "nothing changed");
    let changed = put(&store, mapping("b", Some("a"))).unwrap();
    assert!(first < second && second < changed);
    assert_eq!(names(), ["b", "a"]);
    let error = put(&store, mapping("A", None)).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unique, "{error}");
    store.write_blocking(|w| w.remove_mapping("b")).unwrap();
    assert!(put(&store, mapping("b", Some("a"))).unwrap() > changed, "links remember versions");
    assert_eq!(names(), ["a", "b"]);
    assert_eq!(store.read_blocking(|r| r.mapping("b")).unwrap().unwrap().config, mapping("b", Some("a")));
    assert_eq!(store.read_blocking(|r| r.mapping("c")).unwrap(), None);
}

#[test]
fn links_go_with_the_last_mapping_that_uses_them() {
    for order in [["owner", "back"], ["back", "owner"]] {
        let (_folder, store) = fresh();
        put(&store, mapping("owner", None)).unwrap();
        put(&store, mapping("back", Some("owner"))).unwrap();
        store
            .write_blocking(|w| {
                for kind in ["owner", "unrelated"] {
                    w.put_link(
                        &NewLink {
                            space: LinkSpace {
                                kind: kind.into(),
                                qualifier: "default".into(),
                                orientation: Orientation::Forward,
                            },
                            source_id: "s".into(),
                            target_id: "t".into(),
                            source_hash: Some(hash(1)),
                            target_hash: None,
                            version: 1,
                            base_source: object(json!({})),
                            base_target: object(json!({})),
                        },
                        AT,
                    )?;
                }
                for mapping in ["owner", "back"] {
                    w.enqueue(mapping, "user", "1", "Ann", QueueChange::Update, None, 0, AT)?;
                }
                Ok(())
            })
            .unwrap();
        let state = || {
            store
                .read_blocking(|r| Ok((r.link_count("owner")?, r.link_count("unrelated")?, r.queue_count()?)))
                .unwrap()
        };
        let [first, last] = order;
        store.write_blocking(move |w| w.remove_mapping(first)).unwrap();
        assert_eq!(state(), (1, 1, 1), "after {first}");
        store.write_blocking(move |w| w.remove_mapping(last)).unwrap();
        assert_eq!(state(), (0, 1, 0), "after {last}");
        store.write_blocking(|w| w.remove_mapping("never there")).unwrap();
    }
}

#[test]
fn secrets_and_keys_are_kept_as_given() {
    let (_folder, store) = fresh();
    store
        .write_blocking(|w| {
            w.put_secret(&secret("connector/a", "password", 1))?;
            w.put_secret(&secret("connector/a", "accessToken", 5))?;
            w.put_secret(&secret("connector/b", "password", 1))?;
            w.put_secret(&SealedSecret { sealed: vec![9], ..secret("connector/a", "password", 2) })
        })
        .unwrap();
    store
        .read_blocking(|r| {
            let fields: Vec<_> =
                r.secrets("connector/a")?.into_iter().map(|s| (s.field, s.revision, s.sealed)).collect();
            let expect =
                [("accessToken".to_owned(), 5, vec![0, 255, 7]), ("password".to_owned(), 2, vec![9])];
            assert_eq!(fields, expect);
            assert_eq!(r.all_secrets()?.len(), 3);
            assert_eq!((r.secret_revision("connector/a", "password")?, r.secret_revision("x", "y")?), (2, 0));
            Ok(())
        })
        .unwrap();
    store
        .write_blocking(|w| {
            w.remove_secret("connector/a", "password")?;
            w.remove_secrets("connector/b")
        })
        .unwrap();
    assert_eq!(store.read_blocking(|r| r.all_secrets()).unwrap(), [secret("connector/a", "accessToken", 5)]);

    let gone = SealedSecret { key: 2, ..secret("connector/a", "accessToken", 6) };
    let refused = store.write_blocking(move |w| w.put_secret(&gone)).unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Busy, "sealed with a key that is not there");
    assert_eq!(store.read_blocking(|r| r.all_secrets()).unwrap(), [secret("connector/a", "accessToken", 5)]);

    let key =
        |version, kind: &str| StoredKey { version, kind: kind.into(), wrapped: format!("{kind}-{version}") };
    let (first, second) =
        (vec![key(1, "keyring")], vec![key(1, "passphrase"), key(2, "passphrase"), key(2, "recovery")]);
    for keys in [first, second] {
        let copy = keys.clone();
        store.write_blocking(move |w| w.replace_vault_keys(&copy, AT)).unwrap();
        assert_eq!(store.read_blocking(|r| r.vault_keys()).unwrap(), keys);
    }
}

#[test]
fn audit_and_history_come_newest_first() {
    let (_folder, store) = fresh();
    let line = |n: u32| AuditRow {
        at: format!("t{n}"),
        who: "ann".into(),
        topic: "vault".into(),
        object: "key".into(),
        detail: format!("did {n} <script>"),
    };
    let changes =
        vec![StoredChange { attribute: "sn".into(), before: json!(null), after: json!({"a": [1]}) }];
    let copy = changes.clone();
    store
        .write_blocking(move |w| {
            for n in 0..3 {
                w.add_audit(&line(n))?;
                let who = format!("run r{n}");
                w.remember(&HistoryEntry {
                    kind: "user",
                    object_id: if n == 1 { "other" } else { "1" },
                    at: "t",
                    who: &who,
                    changes: &copy,
                    run: Some("r"),
                    mapping: None,
                })?;
            }
            Ok(())
        })
        .unwrap();
    store
        .read_blocking(|r| {
            assert_eq!(r.audit(2)?, [line(2), line(1)]);
            let history = r.history("user", "1", 10)?;
            assert_eq!(history.iter().map(|h| h.who.as_str()).collect::<Vec<_>>(), ["run r2", "run r0"]);
            assert_eq!(
                (&history[0].changes, history[0].run.as_deref(), &history[0].mapping),
                (&changes, Some("r"), &None)
            );
            assert_eq!(r.history("user", "1", 1)?.len(), 1);
            assert_eq!(r.history("role", "1", 10)?, []);
            Ok(())
        })
        .unwrap();
}

#[test]
fn the_audit_cannot_be_changed_and_is_searched() {
    let (folder, store) = fresh();
    let line = |topic: &str, detail: &str| AuditRow {
        at: AT.into(),
        who: "ann".into(),
        topic: topic.into(),
        object: "o".into(),
        detail: detail.into(),
    };
    let lines = [
        line("queue", "discarded ÄNNE"),
        line("run", "began"),
        line("mapping", "Linked 1 to 2"),
        line("run", "ended"),
    ];
    store.write_blocking(move |w| lines.iter().try_for_each(|line| w.add_audit(line))).unwrap();
    let page = |topic: Option<&str>, search: Option<&str>, before, limit| -> (Vec<String>, Option<String>) {
        let page = store.read_blocking(|r| r.audit_page(topic, search, before, limit)).unwrap();
        (page.rows.into_iter().map(|(_, row)| row.detail).collect(), page.next)
    };
    assert_eq!(page(None, None, None, 2), (vec!["ended".into(), "Linked 1 to 2".into()], Some("3".into())));
    assert_eq!(page(None, None, Some(3), 9), (vec!["began".into(), "discarded ÄNNE".into()], None));
    assert_eq!(page(Some("run"), None, None, 9).0, ["ended", "began"]);
    assert_eq!(page(None, Some(" linked "), None, 9).0, ["Linked 1 to 2"]);
    for words in ["Discarded ÄNN", "discarded änn", "ann o discarded"] {
        assert_eq!(page(None, Some(words), None, 9).0, ["discarded ÄNNE"], "{words}");
    }
    drop(store);
    let connection = rusqlite::Connection::open(folder.path().join("concord.db")).unwrap();
    for sql in ["UPDATE audit SET detail = ''", "DELETE FROM audit WHERE seq = 1"] {
        let error = connection.execute(sql, []).unwrap_err().to_string();
        assert!(error.contains("append-only"), "{sql}: {error}");
    }
}

/// A mirror that folds ids would not know the record that such a link leads to, and its person would be made a second time.
#[test]
fn links_follow_when_ids_no_longer_differ_by_case() {
    let (_folder, store) = fresh();
    put(&store, mapping("in", None)).unwrap();
    put(&store, mapping("elsewhere", None)).unwrap();
    let link = |kind: &str, source: &str, target: &str| NewLink {
        space: LinkSpace {
            kind: kind.into(),
            qualifier: "default".into(),
            orientation: Orientation::Forward,
        },
        source_id: source.into(),
        target_id: target.into(),
        source_hash: Some(hash(1)),
        target_hash: Some(hash(2)),
        version: 1,
        base_source: object(json!({})),
        base_target: object(json!({})),
    };
    let links = [link("in", "Ab1", "User-1"), link("in", "cd2", "User-2")];
    store.write_blocking(move |w| links.iter().try_for_each(|link| w.put_link(link, AT))).unwrap();
    let mut folding = mapping("in", None);
    folding.source_ids_case_sensitive = Some(false);
    put(&store, folding).unwrap();
    let space = link("in", "", "").space;
    let found = |id: &'static str| {
        let space = space.clone();
        store.read_blocking(move |r| r.link_of_source(&space, id)).unwrap()
    };
    assert_eq!(found("Ab1"), None);
    let folded = found("ab1").unwrap();
    assert_eq!((folded.target_id.as_str(), folded.version), ("User-1", None), "it is judged anew");
    assert_eq!(found("cd2").unwrap().version, Some(1), "one that stood as it does now is left alone");
}
