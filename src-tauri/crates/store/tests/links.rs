//! Links: one per source and one per target, seen from both ends, with the base of the last sync.
#![allow(clippy::unwrap_used, reason = "a failed expectation in a helper is a failed test")]

mod common;

use common::{AT, fresh, hash, object};
use serde_json::json;
use store::{ErrorKind, Link, LinkSpace, NewLink, Orientation, Store, StoreError};

use Orientation::{Backward, Forward};

fn new(orientation: Orientation, source: &str, target: &str) -> NewLink {
    NewLink {
        space: space("m", orientation),
        source_id: source.into(),
        target_id: target.into(),
        source_hash: Some(hash(1)),
        target_hash: Some(hash(2)),
        version: 7,
        base_source: object(json!({"sn": "Åß \"quoted\" 😀", "n": 1.5, "roles": ["a"], "none": null})),
        base_target: object(json!({"lastName": "O'Brien"})),
    }
}

fn space(kind: &str, orientation: Orientation) -> LinkSpace {
    LinkSpace { kind: kind.into(), qualifier: "default".into(), orientation }
}

fn put(store: &Store, link: NewLink) -> Result<(), StoreError> {
    store.write_blocking(move |w| w.put_link(&link, AT))
}

fn of_source(store: &Store, o: Orientation, id: &str) -> Option<Link> {
    store.read_blocking(|r| r.link_of_source(&space("m", o), id)).unwrap()
}

fn of_target(store: &Store, o: Orientation, id: &str) -> Option<Link> {
    store.read_blocking(|r| r.link_of_target(&space("m", o), id)).unwrap()
}

#[test]
fn a_link_reads_back_as_each_direction_sees_it() {
    for (o, other) in [(Forward, Backward), (Backward, Forward)] {
        let (_folder, store) = fresh();
        let written = new(o, "s", "t");
        put(&store, written.clone()).unwrap();
        let link = of_source(&store, o, "s").unwrap();
        assert_eq!(of_target(&store, o, "t"), Some(link.clone()));
        assert_eq!(
            link,
            Link {
                source_id: "s".into(),
                target_id: "t".into(),
                source_hash: Some(hash(1)),
                target_hash: Some(hash(2)),
                version: Some(7),
                base_source: Some(written.base_source.clone()),
                base_target: Some(written.base_target.clone()),
            }
        );
        // The other direction shares the pair and the base, but has judged nothing yet.
        assert_eq!(
            of_source(&store, other, "t").unwrap(),
            Link {
                source_id: "t".into(),
                target_id: "s".into(),
                source_hash: None,
                target_hash: None,
                version: None,
                base_source: Some(written.base_target),
                base_target: Some(written.base_source),
            }
        );
        assert_eq!(of_source(&store, o, "t"), None);
        assert_eq!(store.read_blocking(|r| r.link_of_source(&space("other", o), "s")).unwrap(), None);
    }
}

#[test]
fn one_link_per_source_and_per_target() {
    for o in [Forward, Backward] {
        let (_folder, store) = fresh();
        put(&store, new(o, "s1", "t1")).unwrap();
        put(&store, new(o, "s2", "t2")).unwrap();
        // Another source of a linked target, be it new or linked elsewhere, is refused and nothing moves.
        for source in ["s3", "s2"] {
            let error = put(&store, new(o, source, "t1")).unwrap_err();
            assert_eq!(error.kind, ErrorKind::Unique, "{error}");
        }
        assert_eq!(of_target(&store, o, "t1").unwrap().source_id, "s1");
        assert_eq!(of_source(&store, o, "s2").unwrap().target_id, "t2");
        // The same source may be pointed at another target that is free.
        put(&store, new(o, "s1", "t9")).unwrap();
        assert_eq!(of_source(&store, o, "s1").unwrap().target_id, "t9");
        assert_eq!(of_target(&store, o, "t1"), None);
        assert_eq!(store.read_blocking(|r| r.link_count("m")).unwrap(), 2);
        // Another link type is another world.
        put(&store, NewLink { space: space("n", o), ..new(o, "s5", "t9") }).unwrap();
        assert_eq!(store.read_blocking(|r| Ok((r.link_count("m")?, r.link_count("n")?))).unwrap(), (2, 1));
    }
}

#[test]
fn a_link_without_values_keeps_those_of_the_same_pair_and_of_no_other() {
    for o in [Forward, Backward] {
        let (_folder, store) = fresh();
        let written = new(o, "s", "t");
        let empty = |target| NewLink {
            base_source: object(json!({})),
            base_target: object(json!({})),
            ..new(o, "s", target)
        };
        put(&store, written.clone()).unwrap();
        put(&store, empty("t")).unwrap();
        let link = of_source(&store, o, "s").unwrap();
        assert_eq!(
            (link.base_source, link.base_target),
            (Some(written.base_source), Some(written.base_target))
        );
        put(&store, empty("t2")).unwrap();
        let link = of_source(&store, o, "s").unwrap();
        assert_eq!((link.base_source, link.base_target), (Some(object(json!({}))), Some(object(json!({})))));
    }
}

#[test]
fn ids_differ_in_case() {
    let (_folder, store) = fresh();
    put(&store, new(Forward, "003A", "t")).unwrap();
    put(&store, new(Forward, "003a", "T")).unwrap();
    assert_eq!(of_source(&store, Forward, "003a").unwrap().target_id, "T");
}

#[test]
fn removing_says_whether_there_was_one() {
    for o in [Forward, Backward] {
        let (_folder, store) = fresh();
        put(&store, new(o, "s", "t")).unwrap();
        let remove =
            |id: &'static str| store.write_blocking(move |w| w.remove_link(&space("m", o), id)).unwrap();
        assert_eq!((remove("t"), remove("s"), remove("s")), (false, true, false));
        put(&store, new(o, "x", "t")).unwrap();
    }
}

#[test]
fn a_source_has_a_link_per_qualifier() {
    for o in [Forward, Backward] {
        let (_folder, store) = fresh();
        let admin = LinkSpace { qualifier: "admin".into(), ..space("m", o) };
        put(&store, new(o, "s", "t")).unwrap();
        put(&store, NewLink { space: admin.clone(), ..new(o, "s", "t2") }).unwrap();
        // The same target may be somebody's under each qualifier.
        put(&store, NewLink { space: admin.clone(), ..new(o, "s2", "t") }).unwrap();
        let of = |space: &LinkSpace, id: &'static str| {
            let space = space.clone();
            store.read_blocking(move |r| r.link_of_source(&space, id)).unwrap().map(|l| l.target_id)
        };
        assert_eq!((of(&space("m", o), "s"), of(&admin, "s")), (Some("t".into()), Some("t2".into())));
        assert_eq!(store.read_blocking(|r| r.link_qualifiers("m")).unwrap(), ["admin", "default"]);
        assert_eq!(store.read_blocking(|r| r.link_qualifiers("n")).unwrap(), [] as [String; 0]);
        let gone = admin.clone();
        assert!(store.write_blocking(move |w| w.remove_link(&gone, "s")).unwrap());
        assert_eq!((of(&space("m", o), "s"), of(&admin, "s")), (Some("t".into()), None));
    }
}

#[test]
fn an_unsettled_link_is_judged_by_both_directions() {
    for (o, other) in [(Forward, Backward), (Backward, Forward)] {
        let (_folder, store) = fresh();
        put(&store, new(o, "s", "t")).unwrap();
        put(&store, new(other, "t", "s")).unwrap();
        let (source, target) = (object(json!({"sn": "Li"})), object(json!({"lastName": "Lee"})));
        let unsettle = |base: bool| {
            let (source, target) = (source.clone(), target.clone());
            store
                .write_blocking(move |w| {
                    w.unsettle_link(&space("m", o), "s", base.then_some((&source, &target)))
                })
                .unwrap()
        };
        assert!(unsettle(false));
        let link = of_source(&store, o, "s").unwrap();
        assert_eq!((link.version, link.base_source.is_some()), (None, true));
        assert_eq!(of_source(&store, other, "t").unwrap().version, None);
        assert!(unsettle(true));
        let link = of_source(&store, o, "s").unwrap();
        assert_eq!((link.base_source, link.base_target), (Some(source.clone()), Some(target.clone())));
    }
}
