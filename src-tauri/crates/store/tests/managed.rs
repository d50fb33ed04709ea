//! Managed objects: revisions, and lists that are sorted, filtered, searched and paged as a plain reading of the rules says.
#![allow(clippy::unwrap_used, reason = "a failed expectation in a helper is a failed test")]

mod common;

use common::{AT, fresh, hash, insert, object, user_type};
use model::{Attributes, Filter, ManagedObjectConfig, filter::Op};
use proptest::prelude::*;
use serde_json::{Value, json};
use store::{ErrorKind, Managed, ManagedQuery, ManagedWrite, Reader, Store, StoreError};

fn get(store: &Store, id: &str) -> Option<Managed> {
    store.read_blocking(|r| r.managed("user", id)).unwrap()
}

fn update(store: &Store, id: &'static str, rev: i64, doc: Value) -> Result<i64, StoreError> {
    store.write_blocking(move |w| {
        let (config, attributes) = (user_type(), object(doc));
        w.update_managed(
            &ManagedWrite { config: &config, id, attributes: &attributes, hash: hash(2) },
            rev,
            "later",
        )
    })
}

fn filled(docs: &[(&str, Value)]) -> (tempfile::TempDir, Store) {
    let (folder, store) = fresh();
    let docs: Vec<(String, Value)> = docs.iter().map(|(id, doc)| ((*id).to_owned(), doc.clone())).collect();
    store
        .write_blocking(move |w| {
            docs.into_iter().try_for_each(|(id, doc)| insert(w, &user_type(), &id, 1, doc))
        })
        .unwrap();
    (folder, store)
}

#[test]
fn an_object_lives_through_its_revisions() {
    let (_folder, store) =
        filled(&[("1", json!({"userName": "ann", "deep": {"list": [1, 2.5, null, "ß"]}}))]);
    let ann = get(&store, "1").unwrap();
    assert_eq!((ann.rev, ann.hash, ann.created.as_str(), ann.updated.as_str()), (1, hash(1), AT, AT));
    assert_eq!(
        Value::Object(ann.attributes),
        json!({"userName": "ann", "deep": {"list": [1, 2.5, null, "ß"]}})
    );

    assert_eq!(update(&store, "1", 1, json!({"userName": "anna"})).unwrap(), 2);
    let anna = get(&store, "1").unwrap();
    assert_eq!(
        (anna.rev, anna.hash, anna.created.as_str(), anna.updated.as_str()),
        (2, hash(2), AT, "later")
    );

    let again = store.write_blocking(|w| insert(w, &user_type(), "1", 1, json!({}))).unwrap_err();
    assert_eq!(again.kind, ErrorKind::Unique, "{again}");
    let stale = update(&store, "1", 1, json!({})).unwrap_err();
    assert_eq!(stale.kind, ErrorKind::Stale);
    assert!(stale.to_string().contains("revision 2 now, 1 expected"), "{stale}");
    assert_eq!(update(&store, "2", 1, json!({})).unwrap_err().kind, ErrorKind::NotFound);

    let delete = |id: &'static str, rev| store.write_blocking(move |w| w.delete_managed("user", id, rev));
    assert_eq!(delete("1", Some(1)).unwrap_err().kind, ErrorKind::Stale);
    delete("1", Some(2)).unwrap();
    assert_eq!(delete("1", None).unwrap_err().kind, ErrorKind::NotFound);
    assert_eq!(get(&store, "1"), None);
    assert_eq!(store.read_blocking(|r| r.managed_count("user")).unwrap(), 0);
}

#[test]
fn another_object_with_the_same_value() {
    let (_folder, store) = filled(&[
        ("1", json!({"userName": "Ann", "description": "Same", "a/b c": "x"})),
        ("2", json!({"userName": "bob", "description": "same", "a/b c": "x"})),
    ]);
    for (attribute, value, except, expect) in [
        ("userName", json!("ANN"), "", Some("1")),
        ("userName", json!("ANN"), "1", None),
        ("userName", json!("carl"), "", None),
        ("userName", json!("x' OR '1'='1"), "", None),
        ("description", json!("same"), "1", Some("2")),
        ("a/b c", json!("x"), "1", Some("2")),
        ("userName\" OR 1=1 --", json!("x"), "", None),
    ] {
        let found =
            store.read_blocking(|r| r.managed_with_value(&user_type(), attribute, &value, except)).unwrap();
        assert_eq!(found.as_deref(), expect, "{attribute} {value} {except}");
    }
}

fn list(r: &Reader<'_>, query: &ManagedQuery) -> Vec<String> {
    r.managed_page(&user_type(), query).unwrap().rows.into_iter().map(|m| m.id).collect()
}

#[test]
fn blanks_come_last_in_either_direction() {
    let (_folder, store) = filled(&[
        ("1", json!({"sn": "b"})),
        ("2", json!({})),
        ("3", json!({"sn": "A"})),
        ("4", json!({"sn": null})),
        ("5", json!({"sn": "a"})),
        ("6", json!({"sn": ["lists", "have", "no", "order"]})),
    ]);
    let sorted =
        |descending| ManagedQuery { sort: Some("sn".into()), descending, limit: 10, ..Default::default() };
    store
        .read_blocking(|r| {
            assert_eq!(list(r, &sorted(false)), ["3", "5", "1", "2", "4", "6"]);
            assert_eq!(list(r, &sorted(true)), ["1", "5", "3", "6", "4", "2"]);
            let by_id = ManagedQuery { descending: true, limit: 2, ..Default::default() };
            assert_eq!(list(r, &by_id), ["6", "5"]);
            let unknown = ManagedQuery { sort: Some("description".into()), limit: 2, ..Default::default() };
            assert_eq!(list(r, &unknown), ["1", "2"], "what is not searchable sorts by id");
            Ok(())
        })
        .unwrap();
}

#[test]
fn search_finds_objects_that_have_a_value_for_every_word() {
    let (_folder, store) = filled(&[
        ("1", json!({"userName": "ann", "sn": "Lee", "city": "Oslo"})),
        ("2", json!({"userName": "anna", "sn": "Åse", "description": "Lee"})),
        ("3", json!({"userName": "@home", "sn": "[x]"})),
        ("4", json!({"userName": "z\u{10ffff}z", "sn": "50%_"})),
        ("5", json!({"userName": "öz", "sn": "ÖZGÜR"})),
    ]);
    for (search, expect) in [
        ("AN", vec!["1", "2"]),
        ("an le", vec!["1"]),
        ("an  os\tLE", vec!["1"]),
        ("nn", vec![]),
        ("Ås", vec!["2"]),
        ("ås", vec!["2"]),
        ("ÅS", vec!["2"]),
        ("ös", vec![]),
        ("özgür", vec!["5"]),
        ("ÖZGÜR", vec!["5"]),
        ("@", vec!["3"]),
        ("[", vec!["3"]),
        ("%", vec![]),
        ("50%", vec!["4"]),
        ("z\u{10ffff}", vec!["4"]),
        ("z", vec!["4"]),
        ("' OR 1=1 --", vec![]),
        ("   ", vec!["1", "2", "3", "4", "5"]),
    ] {
        let query = ManagedQuery { search: Some(search.into()), limit: 10, ..Default::default() };
        store
            .read_blocking(|r| {
                assert_eq!(list(r, &query), expect, "{search:?}");
                assert_eq!(
                    r.managed_matching_up_to(&user_type(), &query, 1_000)?,
                    (expect.len() as u64, true),
                    "{search:?}"
                );
                Ok(())
            })
            .unwrap();
    }
    let nothing_searchable = ManagedObjectConfig { schema: Default::default(), ..user_type() };
    let query = ManagedQuery { search: Some("ann".into()), limit: 10, ..Default::default() };
    let found = store.read_blocking(|r| r.managed_page(&nothing_searchable, &query)).unwrap();
    assert_eq!(found.rows, []);
}

#[test]
fn filters_reach_everything_and_inject_nothing() {
    let (_folder, store) = filled(&[
        (
            "1",
            json!({"userName": "Ann", "n": 5, "roles": ["admin"], "a": {"b": [{"c": "x"}]}, "x y\"z": "odd"}),
        ),
        ("2", json!({"userName": "bob", "n": "5", "flag": "true", "sn": "", "city": ["Oslo"]})),
        ("3", json!({"userName": "Robert'); DROP TABLE managed_object;--", "flag": true, "sn": null})),
    ]);
    for (text, expect) in [
        ("userName eq \"ann\"", vec!["1"]),
        ("userName co \"OB\"", vec!["2", "3"]),
        ("userName sw \"Robert'); DROP\"", vec!["3"]),
        ("userName eq \"x\\\" OR 1=1 --\"", vec![]),
        ("description\");DROP eq \"x\"", vec!["parse error"]),
        ("/o.type pr", vec![]),
        ("/1=1;-- pr", vec![]),
        ("n eq 5", vec!["1", "2"]),
        ("n eq \"5\"", vec!["2"]),
        ("flag eq true", vec!["2", "3"]),
        ("roles eq \"admin\"", vec!["1"]),
        ("roles eq \"Admin\"", vec![]),
        ("a/b/0/c eq \"x\"", vec!["1"]),
        ("sn pr", vec![]),
        ("city pr", vec!["2"]),
        ("sn eq \"\"", vec!["2"]),
        ("sn eq null", vec!["1", "3"]),
        ("_id eq \"2\"", vec!["2"]),
        ("_id gt \"1\" and !(userName pr)", vec![]),
        ("_id pr and _rev eq \"1\"", vec!["1", "2", "3"]),
        ("_rev eq 1", vec!["1", "2", "3"]),
        ("_id eq 2", vec!["2"]),
        ("true", vec!["1", "2", "3"]),
        ("!(true)", vec![]),
    ] {
        let Ok(filter) = Filter::parse(text) else {
            assert_eq!(expect, ["parse error"], "{text}");
            continue;
        };
        let ids = store.read_blocking(|r| r.managed_ids(&user_type(), &filter, 10)).unwrap();
        assert_eq!(ids, expect, "{text}");
    }
    assert_eq!(store.read_blocking(|r| r.managed_count("user")).unwrap(), 3);
}

#[test]
fn large_and_deep_filters_are_answered() {
    let (_folder, store) = filled(&[("1", json!({"userName": "ann"}))]);
    let name = |text: &str| Filter::Compare(model::Pointer::parse("userName"), Op::Eq, json!(text));
    let wide = Filter::Or((0..5000).map(|n| name(&n.to_string())).chain([name("ann")]).collect());
    let deep = (0..200).fold(name("ann"), |inner, _| Filter::Not(Box::new(inner)));
    for (filter, expect) in [
        (wide, vec!["1"]),
        (deep, vec!["1"]),
        (Filter::And(vec![]), vec!["1"]),
        (Filter::Or(vec![]), vec![]),
        (Filter::And(vec![name("ann"), Filter::And(vec![])]), vec!["1"]),
        (Filter::Or(vec![name("bob"), Filter::Or(vec![])]), vec![]),
    ] {
        let ids = store.read_blocking(|r| r.managed_ids(&user_type(), &filter, 10)).unwrap();
        assert_eq!(ids, expect);
    }
}

/// What glance after glance shows, each looking through so few, and how many glances that took.
fn glances(store: &Store, query: &ManagedQuery, looked_through: usize) -> (Vec<String>, usize) {
    let (mut shown, mut count, mut query) = (Vec::new(), 0, query.clone());
    loop {
        let glance =
            store.read_blocking(|r| r.managed_glance_over(&user_type(), &query, 10, looked_through)).unwrap();
        assert!(glance.least || count > 0 || glance.page.next.is_none() || glance.total > query.limit as u64);
        shown.extend(glance.page.rows.into_iter().map(|row| row.id));
        count += 1;
        assert!(count < 500, "{query:?} never ends");
        match glance.page.next {
            Some(next) => query.after = Some(next),
            None => return (shown, count),
        }
    }
}

#[test]
fn glances_show_what_a_list_has_in_its_order_however_little_each_looks_through() {
    let docs: Vec<(String, Value)> = (0..60)
        .map(|n| {
            let mut doc =
                json!({"userName": format!("u{:02}", (n * 37) % 60), "description": format!("d{}", n % 7)});
            if n % 4 != 0 {
                doc["sn"] = json!(format!("s{}", n % 5));
            }
            (format!("{n:02}"), doc)
        })
        .collect();
    let docs: Vec<(&str, Value)> = docs.iter().map(|(id, doc)| (id.as_str(), doc.clone())).collect();
    let (_folder, store) = filled(&docs);
    for (filter, search) in [
        (None, None),
        (Some("description eq \"d3\""), None),
        (Some("description eq \"nobody\""), None),
        (Some("sn eq \"s1\""), None),
        (Some("sn eq \"s1\" and description pr"), None),
        (Some("!(sn pr)"), None),
        (Some("userName co \"1\" or description eq \"d0\""), None),
        (Some("description eq \"d3\""), Some("u s")),
        (None, Some("u1")),
    ] {
        for sort in [None, Some("userName"), Some("sn")] {
            for descending in [false, true] {
                let query = ManagedQuery {
                    filter: filter.map(|text| Filter::parse(text).unwrap()),
                    search: search.map(str::to_owned),
                    sort: sort.map(str::to_owned),
                    descending,
                    after: None,
                    limit: 4,
                };
                let whole = store
                    .read_blocking(|r| Ok(list(r, &ManagedQuery { limit: 100, ..query.clone() })))
                    .unwrap();
                for looked_through in [1, 7, 1000] {
                    assert_eq!(
                        glances(&store, &query, looked_through).0,
                        whole,
                        "{query:?} by {looked_through}"
                    );
                }
            }
        }
    }
    let rare = ManagedQuery {
        filter: Some(Filter::parse("description eq \"nobody\"").unwrap()),
        limit: 4,
        ..ManagedQuery::default()
    };
    assert_eq!(glances(&store, &rare, 10), (Vec::new(), 6), "an empty page still goes on");
    let all = store.read_blocking(|r| {
        r.managed_glance(&user_type(), &ManagedQuery { limit: 4, ..ManagedQuery::default() }, 10)
    });
    let all = all.unwrap();
    assert_eq!((all.total, all.least), (10, true), "nobody counts sixty to show four");
}

#[test]
fn a_cursor_of_somebody_else_is_refused_in_words() {
    let (_folder, store) = fresh();
    for cursor in ["", "x", "[1,2]", "{}", "[\"a\"]"] {
        let query = ManagedQuery { after: Some(cursor.into()), limit: 1, ..Default::default() };
        let error = store.read_blocking(|r| r.managed_page(&user_type(), &query)).unwrap_err();
        assert!(error.to_string().contains("not one that this list gave"), "{cursor}: {error}");
    }
}

#[test]
fn a_change_of_the_schema_fills_columns_while_answers_stay_right() {
    let (_folder, store) = fresh();
    let old = {
        let mut old = user_type();
        old.schema.properties["sn"]["searchable"] = json!(false);
        old
    };
    let writes = old.clone();
    store
        .write_blocking(move |w| {
            (0..2500).try_for_each(|n| {
                insert(
                    w,
                    &writes,
                    &format!("{n:05}"),
                    1,
                    json!({"sn": format!("s{}", n % 7), "city": "Oslo"}),
                )
            })
        })
        .unwrap();
    let filter = |text: &str| Filter::parse(text).unwrap();
    let count = |text: &str| {
        let filter = filter(text);
        store.read_blocking(|r| Ok(r.managed_ids(&user_type(), &filter, 9999)?.len())).unwrap()
    };
    assert!(store.write_blocking(move |w| w.set_columns(Some(&old), &user_type())).unwrap(), "there is work");
    let mut batches = 0;
    loop {
        assert_eq!(store.read_blocking(|r| r.managed_filling("user")).unwrap(), ["sn"]);
        // Judged by the documents, which tell small letters from capitals.
        assert_eq!((count("sn eq \"s3\""), count("city eq \"oslo\"")), (357, 2500));
        assert!(store.read_blocking(|r| r.managed_scans(&user_type(), &filter("sn eq \"s3\""))).unwrap());
        batches += 1;
        if !store.write_blocking(|w| w.fill_columns(&user_type(), 1000)).unwrap() {
            break;
        }
        // Written while the column is filled, before and behind the place that the filling has reached.
        store
            .write_blocking(move |w| {
                insert(w, &user_type(), &format!("00000-{batches}"), 1, json!({"sn": "new"}))?;
                insert(w, &user_type(), &format!("x-{batches}"), 1, json!({"sn": "new"}))
            })
            .unwrap();
    }
    assert_eq!(batches, 3);
    assert_eq!(store.read_blocking(|r| r.managed_filling("user")).unwrap(), Vec::<String>::new());
    assert_eq!((count("sn eq \"S3\""), count("sn eq \"NEW\""), count("city eq \"oslo\"")), (357, 4, 2500));
    assert!(!store.read_blocking(|r| r.managed_scans(&user_type(), &filter("sn eq \"s3\""))).unwrap());
    assert_eq!(get(&store, "00003").unwrap().rev, 1, "nobody has changed the object");

    let fewer = {
        let mut fewer = user_type();
        for name in ["userName", "sn", "city"] {
            fewer.schema.properties[name]["searchable"] = json!(false);
        }
        fewer
    };
    let next = fewer.clone();
    assert!(!store.write_blocking(move |w| w.set_columns(Some(&user_type()), &next)).unwrap());
    let search = ManagedQuery { search: Some("s3".into()), limit: 9, ..Default::default() };
    let left = store.read_blocking(|r| r.managed_page(&fewer, &search)).unwrap();
    assert_eq!(left.rows, [], "what is in the columns of old counts no more");
}

#[test]
fn numbers_are_found_and_sorted_as_numbers() {
    let config: ManagedObjectConfig =
        serde_json::from_value(json!({"name": "user", "schema": {"properties": {
            "size": {"type": "number", "searchable": true}, "on": {"type": "boolean", "searchable": true}
        }}}))
        .unwrap();
    let (_folder, store) = fresh();
    let writes = config.clone();
    store
        .write_blocking(move |w| {
            for (id, size) in
                [("1", json!(10)), ("2", json!(9)), ("3", json!(-0.5)), ("4", json!("9")), ("5", json!(null))]
            {
                insert(w, &writes, id, 1, json!({"size": size, "on": id < "3"}))?;
            }
            Ok(())
        })
        .unwrap();
    store
        .read_blocking(|r| {
            for (text, expect, scans) in [
                ("size eq 9", vec!["2", "4"], false),
                ("size gt 9", vec!["1"], false),
                ("size le 9.0", vec!["2", "3", "4"], false),
                ("size eq \"9\"", vec!["4"], true),
                ("size co 9", vec![], true),
                ("size pr", vec!["1", "2", "3", "4"], true),
                ("!(size pr)", vec!["5"], true),
                ("size eq null", vec!["5"], true),
                ("on eq true", vec!["1", "2"], false),
                ("on eq true and size pr", vec!["1", "2"], false),
                ("on eq true or size pr", vec!["1", "2", "3", "4"], true),
            ] {
                let filter = Filter::parse(text).unwrap();
                assert_eq!(r.managed_ids(&config, &filter, 10)?, expect, "{text}");
                assert_eq!(r.managed_scans(&config, &filter)?, scans, "{text}");
            }
            let mut seen = Vec::new();
            let mut query = ManagedQuery { sort: Some("size".into()), limit: 2, ..Default::default() };
            loop {
                let page = r.managed_page(&config, &query)?;
                seen.extend(page.rows.into_iter().map(|m| m.id));
                query.after = page.next;
                if query.after.is_none() {
                    break;
                }
            }
            assert_eq!(seen, ["3", "2", "4", "1", "5"]);
            let search = ManagedQuery { search: Some("9.0".into()), limit: 9, ..Default::default() };
            let found: Vec<String> =
                r.managed_page(&config, &search)?.rows.into_iter().map(|m| m.id).collect();
            assert_eq!(found, ["2", "4"]);
            assert_eq!(r.managed_sortable(&config)?, ["size", "on"]);
            Ok(())
        })
        .unwrap();
}

#[test]
fn what_nobody_may_read_lives_and_dies_with_its_object() {
    let (_folder, store) = filled(&[("1", json!({})), ("2", json!({}))]);
    let sealed = |revision| store::SealedSecret {
        owner: store::secret_owner("user", "1"),
        field: "pin".into(),
        revision,
        sealed: vec![1],
        key: 1,
        updated: AT.into(),
    };
    store
        .write_blocking(move |w| {
            w.put_protected_hash("user", "1", "password", "one", AT)?;
            w.put_protected_hash("user", "1", "password", "two", AT)?;
            w.put_protected_hash("user", "2", "password", "other", AT)?;
            w.put_protected_seal("user", "1", &sealed(1))?;
            assert_eq!(w.put_protected_seal("user", "1", &sealed(1)).unwrap_err().kind, ErrorKind::Stale);
            assert_eq!(w.protected_hash("user", "1", "password")?.as_deref(), Some("two"));
            let set: Vec<String> = w.protected_set("user", "1")?.into_iter().map(|(name, _)| name).collect();
            assert_eq!(set, ["password", "pin"]);
            w.remove_protected("user", "1", "pin")?;
            w.put_protected_seal("user", "1", &sealed(1))?;
            w.delete_managed("user", "1", None)?;
            assert_eq!(w.protected_set("user", "1")?, []);
            assert_eq!(w.secrets(&store::secret_owner("user", "1"))?, []);
            assert_eq!(w.protected_hash("user", "2", "password")?.as_deref(), Some("other"));
            Ok(())
        })
        .unwrap();
}

#[test]
fn history_comes_in_pages_newest_first() {
    let (_folder, store) = fresh();
    store
        .write_blocking(|w| {
            for n in 0..5 {
                let changes = [store::StoredChange {
                    attribute: "sn".into(),
                    before: Value::from(n),
                    after: Value::from(n + 1),
                }];
                w.remember(&store::HistoryEntry {
                    kind: "user",
                    object_id: if n == 3 { "other" } else { "1" },
                    at: AT,
                    who: "ann",
                    changes: &changes,
                    run: None,
                    mapping: Some("m"),
                })?;
            }
            let mut seen = Vec::new();
            let mut after = None;
            loop {
                let page = w.history_page("user", "1", None, after.as_deref(), 3)?;
                seen.extend(page.rows.iter().map(|row| row.changes[0].before.clone()));
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
            assert_eq!(seen, [4, 2, 1, 0]);

            let change = |attribute: &str| store::StoredChange {
                attribute: attribute.into(),
                before: Value::Null,
                after: Value::from(1),
            };
            w.remember(&store::HistoryEntry {
                kind: "user",
                object_id: "1",
                at: AT,
                who: "ann",
                changes: &[change("/address/city"), change("mail"), change("addressee")],
                run: None,
                mapping: None,
            })?;
            for (attribute, expect, more) in [
                ("mail", vec!["mail"], false),
                ("address", vec!["/address/city"], false),
                ("sn", vec!["sn", "sn"], true),
                ("nothing", vec![], false),
            ] {
                let page = w.history_page("user", "1", Some(attribute), None, 2)?;
                let of: Vec<&str> =
                    page.rows.iter().flat_map(|row| &row.changes).map(|c| c.attribute.as_str()).collect();
                assert_eq!((of, page.next.is_some()), (expect, more), "{attribute}");
            }
            assert!(
                w.history_page("user", "1", None, Some("x"), 3).unwrap_err().to_string().contains("cursor")
            );
            Ok(())
        })
        .unwrap();
}

#[test]
fn values_that_several_objects_have_are_counted() {
    let (_folder, store) = filled(&[
        ("1", json!({"userName": "Ann", "n": 1})),
        ("2", json!({"userName": "ann", "n": 1})),
        ("3", json!({"userName": "bob", "n": 2})),
        ("4", json!({"userName": "BOB", "n": "1"})),
        ("5", json!({"userName": "bob"})),
        ("6", json!({"userName": "carl"})),
        ("7", json!({"userName": ""})),
        ("8", json!({"userName": ""})),
    ]);
    store
        .read_blocking(|r| {
            let (objects, values) = r.managed_repeated("user", "userName", 1)?;
            assert_eq!((objects, values.len(), values[0].objects), (5, 1, 3));
            assert!(values[0].value.eq_ignore_ascii_case("bob"));
            assert_eq!(r.managed_repeated("user", "none", 5)?, (0, vec![]));
            assert_eq!(r.managed_repeated("device", "userName", 5)?, (0, vec![]));
            Ok(())
        })
        .unwrap();
}

/// What a list must hold: the plain reading of the rules.
fn expected(docs: &[(String, Attributes)], query: &ManagedQuery) -> Vec<String> {
    let text = |attributes: &Attributes, name: &str| attributes.get(name).and_then(Value::as_str).map(fold);
    let searchable = user_type().searchable();
    let mut rows: Vec<&(String, Attributes)> = docs
        .iter()
        .filter(|(id, a)| query.filter.as_ref().is_none_or(|f| matches_folded(f, id, a)))
        .filter(|(_, a)| {
            query.search.as_deref().unwrap_or_default().split_whitespace().all(|word| {
                searchable.iter().any(|name| text(a, name).is_some_and(|t| t.starts_with(&fold(word))))
            })
        })
        .collect();
    rows.sort_by(|(a_id, a), (b_id, b)| {
        let direction = |order: std::cmp::Ordering| if query.descending { order.reverse() } else { order };
        let ids = direction(a_id.cmp(b_id));
        match query.sort.as_ref().map(|sort| (text(a, sort), text(b, sort))) {
            None | Some((None, None)) => ids,
            Some((Some(a), Some(b))) => direction(a.cmp(&b)).then(ids),
            Some((a, _)) => {
                if a.is_some() {
                    std::cmp::Ordering::Less
                } else {
                    std::cmp::Ordering::Greater
                }
            }
        }
    });
    rows.into_iter().map(|(id, _)| id.clone()).collect()
}

fn fold(text: &str) -> String {
    text.to_ascii_lowercase()
}

/// `Filter::matches`, except that searchable attributes do not mind the case of ASCII letters.
fn matches_folded(filter: &Filter, id: &str, attributes: &Attributes) -> bool {
    fn folded(filter: &Filter) -> Filter {
        match filter {
            Filter::And(parts) => Filter::And(parts.iter().map(folded).collect()),
            Filter::Or(parts) => Filter::Or(parts.iter().map(folded).collect()),
            Filter::Not(part) => Filter::Not(Box::new(folded(part))),
            Filter::Compare(pointer, op, Value::String(text))
                if pointer.head().is_some_and(|h| user_type().searchable().iter().any(|s| s == h)) =>
            {
                Filter::Compare(pointer.clone(), *op, fold(text).into())
            }
            other => other.clone(),
        }
    }
    let mut object = attributes.clone();
    for name in user_type().searchable() {
        if let Some(Value::String(text)) = object.get_mut(&name) {
            *text = fold(text);
        }
    }
    object.insert("_id".into(), id.into());
    folded(filter).matches(&Value::Object(object))
}

/// Texts that are close to each other, in the corners where comparisons go wrong.
fn a_text() -> impl Strategy<Value = String> {
    "[aAbB@\\[`zZ{é€'\"%_\\\\ \u{d7ff}\u{e000}\u{ffff}\u{10000}\u{10ffff}]{0,3}"
}

fn a_doc() -> impl Strategy<Value = Attributes> {
    let text = || prop_oneof![3 => a_text().prop_map(Value::from), 1 => Just(Value::Null)];
    let any = prop_oneof![
        a_text().prop_map(Value::from),
        Just(Value::Null),
        prop::bool::ANY.prop_map(Value::from),
        (-2i64..3).prop_map(Value::from),
        prop_oneof![Just("1"), Just("-1.0"), Just("true"), Just("1e0")].prop_map(Value::from),
        (-2i64..3).prop_map(|n| json!(n as f64 / 2.0)),
        prop::collection::vec(a_text(), 0..3).prop_map(Value::from),
        a_text().prop_map(|t| json!({"in \"side": t})),
    ];
    (prop::option::of(text()), prop::option::of(text()), prop::option::of(text()), prop::option::of(any))
        .prop_map(|(user, sn, city, description)| {
            let named = [("userName", user), ("sn", sn), ("city", city), ("description", description)];
            named.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
        })
}

fn a_filter() -> impl Strategy<Value = Filter> {
    let literal = |numbers: bool| {
        let other = if numbers {
            prop_oneof![Just(json!(1)), Just(json!(-0.5)), Just(json!(true)), Just(json!("1"))].boxed()
        } else {
            a_text().prop_map(Value::from).boxed()
        };
        prop_oneof![4 => a_text().prop_map(Value::from).boxed(), 2 => other, 1 => Just(Value::Null).boxed()]
    };
    let op = || {
        prop_oneof![
            Just(Op::Eq),
            Just(Op::Co),
            Just(Op::Sw),
            Just(Op::Lt),
            Just(Op::Le),
            Just(Op::Gt),
            Just(Op::Ge)
        ]
    };
    let column = || prop_oneof![Just("userName"), Just("sn"), Just("city")].prop_map(model::Pointer::parse);
    let other = || {
        prop_oneof![
            Just("_id"),
            Just("description"),
            Just("description/in \"side"),
            Just("description/0"),
            Just("x'\"]y")
        ]
        .prop_map(model::Pointer::parse)
    };
    let leaf = prop_oneof![
        1 => prop::bool::ANY.prop_map(Filter::Always),
        2 => prop_oneof![column().boxed(), other().boxed()].prop_map(Filter::Present),
        6 => (column(), op(), literal(false)).prop_map(|(p, o, v)| Filter::Compare(p, o, v)),
        4 => (other(), op(), literal(true)).prop_map(|(p, o, v)| Filter::Compare(p, o, v)),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Filter::And),
            prop::collection::vec(inner.clone(), 0..4).prop_map(Filter::Or),
            inner.prop_map(|f| Filter::Not(Box::new(f))),
        ]
    })
}

fn store_with(docs: &[Attributes]) -> (tempfile::TempDir, Store, Vec<(String, Attributes)>) {
    let rows: Vec<(String, Attributes)> =
        docs.iter().enumerate().map(|(n, doc)| (format!("{:03}", n * 7919 % 1000), doc.clone())).collect();
    let (folder, store) = fresh();
    let copy = rows.clone();
    store
        .write_blocking(move |w| {
            copy.into_iter().try_for_each(|(id, doc)| insert(w, &user_type(), &id, 1, Value::Object(doc)))
        })
        .unwrap();
    (folder, store, rows)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn filters_mean_in_sql_what_they_mean_in_memory(
        docs in prop::collection::vec(a_doc(), 1..25),
        filters in prop::collection::vec(a_filter(), 1..25),
    ) {
        let (_folder, store, rows) = store_with(&docs);
        for filter in filters {
            let query = ManagedQuery { filter: Some(filter.clone()), limit: 100, ..Default::default() };
            let expect = expected(&rows, &query);
            let found = store.read_blocking(|r| Ok((list(r, &query), r.managed_matching_up_to(&user_type(), &query, 1_000)?.0))).unwrap();
            prop_assert_eq!(&found.0, &expect, "{}", filter);
            prop_assert_eq!(found.1, expect.len() as u64);
        }
    }

    #[test]
    fn pages_put_together_are_the_whole_list(
        docs in prop::collection::vec(a_doc(), 0..40),
        sort in prop::option::of(prop_oneof![Just("userName"), Just("sn"), Just("city")]),
        descending in prop::bool::ANY,
        filter in prop::option::of(a_filter()),
        search in prop::option::of(a_text()),
        limit in 1usize..10,
        few in prop_oneof![Just(0usize), Just(5), Just(1000)],
    ) {
        let (_folder, store, rows) = store_with(&docs);
        let mut query = ManagedQuery { filter, search, sort: sort.map(str::to_owned), descending, after: None, limit };
        let expect = expected(&rows, &query);
        let mut all = Vec::new();
        loop {
            let page = store.read_blocking(|r| r.managed_page_when(&user_type(), &query, few)).unwrap();
            prop_assert!(page.rows.len() <= limit);
            prop_assert!(page.next.is_none() || page.rows.len() == limit);
            all.extend(page.rows.into_iter().map(|m| m.id));
            match page.next {
                Some(next) => query.after = Some(next),
                None => break,
            }
        }
        prop_assert_eq!(all, expect.clone());
        let whole = ManagedQuery { after: None, limit: usize::MAX, ..query };
        prop_assert_eq!(store.read_blocking(|r| Ok(list(r, &whole))).unwrap(), expect);
    }
}
