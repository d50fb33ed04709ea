//! The mirror: what a page changes, what counts as seen, what is forgotten, what is found by value.
#![allow(clippy::unwrap_used, reason = "a failed expectation in a helper is a failed test")]

mod common;

use common::{AT, fresh, hash, object, page, seen};
use model::Attributes;
use serde_json::json;
use store::{Hash, LinkSpace, Met, NewLink, Orientation, SeenPage, Side, Store};

const PATH: &str = "system/hub/contact";

fn take_in(store: &Store, page: SeenPage) -> u64 {
    store.write_blocking(move |w| w.mirror_page(&page, AT)).unwrap()
}

fn by_mail(store: &Store, mail: &str) -> Vec<String> {
    store.read_blocking(|r| r.mirrored_by_value(PATH, "email", mail, 10)).unwrap()
}

fn unmet(store: &Store, read: i64) -> u64 {
    store.read_blocking(|r| r.unmet_count(PATH, &Met::nothing(read))).unwrap()
}

fn forget(store: &Store, met: &Met) -> u64 {
    let met = met.clone();
    store.write_blocking(move |w| w.forget_unmet(PATH, &met)).unwrap()
}

/// What a full read does with a page: what is known is met, the rest is taken in; gives how many were taken in.
fn read_page(store: &Store, met: &mut Met, rows: Vec<(String, Hash, Attributes)>) -> usize {
    let page = page(PATH, met.read, rows);
    let known = store.read_blocking(|r| r.mirror_known(&page)).unwrap();
    assert_eq!(known.len(), page.rows.len());
    let mut new = SeenPage { rows: Vec::new(), ..page.clone() };
    for (row, known) in page.rows.into_iter().zip(known) {
        match known {
            Some(number) => met.insert(number),
            None => new.rows.push(row),
        }
    }
    let taken = new.rows.len();
    take_in(store, new);
    taken
}

fn space(kind: &str) -> LinkSpace {
    LinkSpace { kind: kind.into(), qualifier: "default".into(), orientation: Orientation::Forward }
}

fn link(store: &Store, kind: &str, orientation: Orientation, source: &str, target: &str) {
    let link = NewLink {
        space: LinkSpace { kind: kind.into(), qualifier: "default".into(), orientation },
        source_id: source.into(),
        target_id: target.into(),
        source_hash: None,
        target_hash: None,
        version: 1,
        base_source: object(json!({})),
        base_target: object(json!({})),
    };
    store.write_blocking(move |w| w.put_link(&link, AT)).unwrap();
}

#[test]
fn a_page_counts_what_changed() {
    let (_folder, store) = fresh();
    let rows = || vec![seen("1", 1, "ann@x.org"), seen("2", 2, "bob@x.org")];
    assert_eq!(take_in(&store, page(PATH, 1, rows())), 2, "first");
    assert_eq!(take_in(&store, page(PATH, 2, rows())), 0, "unchanged");
    assert_eq!(
        take_in(&store, page(PATH, 3, vec![seen("1", 9, "ann@new.org"), seen("2", 2, "bob@x.org")])),
        1
    );
    let row = store.read_blocking(|r| r.mirrored(PATH, "1")).unwrap().unwrap();
    assert_eq!((row.uid.as_str(), row.hash, row.updated.as_str()), ("1", hash(9), AT));
    assert_eq!(row.attributes["email"], "ann@new.org");
    assert_eq!(store.read_blocking(|r| r.mirrored(PATH, "3")).unwrap(), None);
    assert_eq!(store.read_blocking(|r| r.mirrored("system/other/contact", "1")).unwrap(), None);
}

#[test]
fn values_are_found_without_case_and_follow_the_record() {
    let (_folder, store) = fresh();
    take_in(
        &store,
        page(PATH, 1, vec![seen("1", 1, "Ann@X.org"), seen("2", 2, "ann@x.org"), seen("3", 3, "")]),
    );
    assert_eq!(by_mail(&store, "ANN@x.ORG"), ["1", "2"]);
    assert_eq!(by_mail(&store, ""), [""; 0], "an empty value is no value");
    take_in(&store, page(PATH, 2, vec![seen("1", 9, "anna@x.org")]));
    assert_eq!(by_mail(&store, "ann@x.org"), ["2"]);
    assert_eq!(by_mail(&store, "anna@x.org"), ["1"]);
    assert_eq!(store.read_blocking(|r| r.mirrored_by_value(PATH, "email", "ann@x.org", 0)).unwrap(), [""; 0]);
}

#[test]
fn an_attribute_that_is_indexed_later_is_found_although_nothing_changed() {
    let (_folder, store) = fresh();
    let record = json!({"phone": 555, "vip": true, "tags": ["a", "b", "a", {}], "name": {"family": "Li"}});
    let rows = vec![("1".to_owned(), hash(1), object(record))];
    let indexing = |names: &[&str]| SeenPage {
        path: PATH.into(),
        read: 1,
        rows: rows.clone(),
        indexed: names.iter().map(|n| (*n).to_owned()).collect(),
    };
    let find =
        |name: &str, value: &str| store.read_blocking(|r| r.mirrored_by_value(PATH, name, value, 9)).unwrap();
    assert_eq!(take_in(&store, indexing(&[])), 1);
    assert_eq!(find("phone", "555"), [""; 0]);
    assert_eq!(take_in(&store, indexing(&["phone", "vip", "tags", "name/family", "absent"])), 0);
    assert_eq!(find("phone", "555"), ["1"]);
    assert_eq!(find("vip", "true"), ["1"]);
    assert_eq!(find("tags", "b"), ["1"], "a list is found by each of its items");
    assert_eq!(find("tags", "[\"a\"]"), [""; 0]);
    assert_eq!(find("name/family", "Li"), ["1"]);
    // Another mapping that asks for something else takes nothing away.
    assert_eq!(take_in(&store, indexing(&["vip"])), 0);
    assert_eq!(find("phone", "555"), ["1"]);
}

#[test]
fn what_a_later_read_wrote_counts_as_seen_by_an_earlier_one() {
    let (_folder, store) = fresh();
    take_in(&store, page(PATH, 5, vec![seen("1", 1, "a"), seen("2", 1, "b")]));
    take_in(&store, page(PATH, 7, vec![seen("1", 1, "a"), seen("2", 2, "b")]));
    // Read 6 began before read 7 and comes to the same records after it, one unchanged, one changed.
    take_in(&store, page(PATH, 6, vec![seen("1", 1, "a"), seen("2", 3, "b"), seen("3", 1, "c")]));
    // The same where nothing changed but an attribute is indexed for the first time.
    let indexing =
        SeenPage { indexed: ["revision".to_owned()].into(), ..page(PATH, 6, vec![seen("1", 1, "a")]) };
    assert_eq!(take_in(&store, indexing), 0);
    for (read, count) in [(0, 0), (5, 0), (6, 0), (7, 1), (8, 3)] {
        assert_eq!(unmet(&store, read), count, "read {read}");
    }
}

#[test]
fn forgetting_drops_records_values_and_documents_of_one_container() {
    let (_folder, store) = fresh();
    let other = "system/hub/company";
    take_in(&store, page(PATH, 1, vec![seen("1", 1, "a@x"), seen("2", 1, "b@x")]));
    take_in(&store, page(other, 1, vec![seen("1", 1, "a@x")]));
    take_in(&store, page(PATH, 2, vec![seen("2", 1, "b@x"), seen("3", 1, "c@x")]));
    assert_eq!(forget(&store, &Met::nothing(2)), 1);
    assert_eq!(forget(&store, &Met::nothing(2)), 0);
    assert_eq!(by_mail(&store, "a@x"), [""; 0]);
    assert!(store.read_blocking(|r| r.mirrored(PATH, "1")).unwrap().is_none());
    assert!(store.read_blocking(|r| r.mirrored(other, "1")).unwrap().is_some());
    store.write_blocking(|w| w.forget_mirrored(PATH, "2")).unwrap();
    store.write_blocking(|w| w.forget_mirrored(PATH, "2")).unwrap();
    assert_eq!(by_mail(&store, "b@x"), [""; 0]);
    assert_eq!(by_mail(&store, "c@x"), ["3"]);
    // A record that comes back is new.
    assert_eq!(take_in(&store, page(PATH, 3, vec![seen("2", 1, "b@x")])), 1);
}

#[test]
fn records_read_one_by_one_are_seen_by_every_read_so_far() {
    let (_folder, store) = fresh();
    let run = store::NewRun {
        id: "r1".into(),
        mapping: "m".into(),
        mode: store::RunMode::Reconcile,
        stage: "ACTIVE".into(),
        started: AT.into(),
        ids: vec![],
        incremental: false,
    };
    let read = store.write_blocking(move |w| w.begin_run(&run)).unwrap();
    take_in(&store, page(PATH, read, vec![seen("1", 1, "a@x")]));
    let fresh_rows = page(PATH, 0, vec![seen("1", 2, "z@x"), seen("2", 1, "b@x")]);
    store.write_blocking(move |w| w.mirror_fresh(&fresh_rows, AT)).unwrap();
    assert_eq!((unmet(&store, read), unmet(&store, read + 1)), (0, 2));
    assert_eq!(by_mail(&store, "z@x"), ["1"]);
    assert_eq!(forget(&store, &Met::nothing(read)), 0);
}

#[test]
fn linked_records_that_a_read_did_not_see_are_listed_in_order() {
    let (_folder, store) = fresh();
    for n in 1..=6 {
        // `hub` records are the second end of links of type `fwd`, and the first end of links of type `bwd`.
        link(&store, "fwd", Orientation::Forward, &format!("u{n}"), &format!("c{n}"));
        link(&store, "bwd", Orientation::Forward, &format!("c{n}"), &format!("u{n}"));
        link(&store, "other", Orientation::Forward, &format!("u{n}"), &format!("x{n}"));
    }
    take_in(&store, page(PATH, 4, (1..=6).map(|n| seen(&format!("c{n}"), 1, "m")).collect()));
    take_in(&store, page(PATH, 5, vec![seen("c2", 1, "m"), seen("c4", 7, "m")]));
    for (kind, side) in [("fwd", Side::Second), ("bwd", Side::First)] {
        let unseen = |read, after: &str, limit| {
            store
                .read_blocking(|r| {
                    let met = Met::nothing(read);
                    r.linked_but_unseen(PATH, Some(&met), &space(kind), side, after, limit)
                })
                .unwrap()
        };
        assert_eq!(unseen(4, "", 10), [""; 0], "{kind}");
        assert_eq!(unseen(5, "", 10), ["c1", "c3", "c5", "c6"], "{kind}");
        assert_eq!(unseen(5, "", 2), ["c1", "c3"], "{kind}");
        assert_eq!(unseen(5, "c3", 2), ["c5", "c6"], "{kind}");
        assert_eq!(unseen(5, "c6", 2), [""; 0], "{kind}");
        assert_eq!(unseen(6, "", 10).len(), 6, "{kind}");
    }
    let never_read = store.read_blocking(|r| {
        r.linked_but_unseen("system/new/contact", None, &space("fwd"), Side::Second, "", 10)
    });
    assert_eq!(never_read.unwrap().len(), 6, "a container that was never read has seen nothing");
}

#[test]
fn a_full_read_writes_what_changed_and_meets_the_rest() {
    let (_folder, store) = fresh();
    let many = |revision: u64| -> Vec<_> {
        (1..=3000).map(|n| seen(&format!("c{n}"), if n % 7 == 0 { revision } else { 1 }, "m@x")).collect()
    };
    let changed = 3000 / 7;
    let mut first = Met::nothing(1);
    assert_eq!(read_page(&store, &mut first, many(1)), 3000);
    for (read, revision, taken) in [(2, 1, 0), (3, 2, changed), (4, 2, 0)] {
        let mut met = Met::nothing(read);
        let mut sum = 0;
        for rows in many(revision).chunks(100) {
            sum += read_page(&store, &mut met, rows.to_vec());
        }
        assert_eq!(sum, taken, "read {read}");
        assert_eq!(store.read_blocking(|r| r.unmet_count(PATH, &met)).unwrap(), 0, "read {read}");
        assert_eq!(forget(&store, &met), 0);
    }
    // Two records far from each other have more between them than is walked along; one repeated, one new, one gone.
    let mut met = Met::nothing(5);
    let few = ["c1", "c998", "c1", "d"].map(|uid| seen(uid, 1, "m@x"));
    assert_eq!(read_page(&store, &mut met, few.to_vec()), 1);
    assert_eq!(store.read_blocking(|r| r.unmet_count(PATH, &met)).unwrap(), 2998);
    assert_eq!(forget(&store, &met), 2998);
    assert_eq!(store.read_blocking(|r| r.mirror_count(PATH)).unwrap(), 3);
    assert_eq!(
        read_page(&store, &mut Met::nothing(6), vec![seen("c2", 1, "m@x"), seen("c998", 1, "m@x")]),
        1
    );
}

#[test]
fn what_a_read_has_met_is_there_for_the_one_that_takes_it_up() {
    let (_folder, store) = fresh();
    let rows = || -> Vec<_> { (1..=9000).map(|n| seen(&format!("c{n:05}"), 1, "m@x")).collect() };
    read_page(&store, &mut Met::nothing(1), rows());
    let mut met = Met::nothing(2);
    for rows in rows().chunks(1000).take(5) {
        assert_eq!(read_page(&store, &mut met, rows.to_vec()), 0);
        let blocks = met.take_changed();
        store.write_blocking(move |w| w.keep_met(PATH, 2, &blocks)).unwrap();
    }
    assert_eq!(store.read_blocking(|r| r.kept_reads(PATH)).unwrap(), [2]);
    let mut met = store.read_blocking(|r| r.met(PATH, 2)).unwrap();
    assert_eq!(store.read_blocking(|r| r.unmet_count(PATH, &met)).unwrap(), 4000);
    for rows in rows().chunks(1000).skip(5) {
        read_page(&store, &mut met, rows.to_vec());
    }
    assert_eq!(store.read_blocking(|r| r.unmet_count(PATH, &met)).unwrap(), 0);
    store.write_blocking(|w| w.drop_met(PATH, 2)).unwrap();
    assert_eq!(store.read_blocking(|r| r.kept_reads(PATH)).unwrap(), [0; 0]);
}

#[test]
fn a_record_that_has_to_be_indexed_anew_is_taken_in() {
    let (_folder, store) = fresh();
    let row = || vec![seen("1", 1, "a@x")];
    read_page(&store, &mut Met::nothing(1), row());
    let indexing = SeenPage { indexed: ["revision".to_owned()].into(), ..page(PATH, 2, row()) };
    assert_eq!(store.read_blocking(|r| r.mirror_known(&indexing)).unwrap(), [None]);
    take_in(&store, indexing.clone());
    assert_eq!(store.read_blocking(|r| r.mirror_known(&indexing)).unwrap(), [Some(1)]);
}
