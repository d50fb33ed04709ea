//! The change feed against the sandbox: what it tells, what it costs, and what a lagging index does to it.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::collections::BTreeSet;
use std::time::Duration;

use connector::{ChangePage, Connector, ConnectorError, ErrorKind, Feed};
use futures::StreamExt;
use sandbox::hubspot::{ObjectKind, Options};
use serde_json::{Value, json};

use self::support::world::{World, seeded};

/// What a pass told, over all its pages.
#[derive(Debug, Default)]
struct Told {
    objects: Vec<connector::RemoteObject>,
    deleted: BTreeSet<String>,
    cursor: String,
    cursors: Vec<String>,
}

impl Told {
    fn ids(&self) -> BTreeSet<String> {
        self.objects.iter().map(|o| o.uid.clone()).collect()
    }
}

fn feed(object_type: &str, since: Option<&str>) -> Feed {
    Feed {
        object_type: object_type.into(),
        attributes: match object_type {
            "company" => vec!["name".into(), "domain".into()],
            _ => vec!["firstname".into(), "email".into()],
        },
        since: since.map(str::to_owned),
    }
}

async fn told(hubspot: &dyn Connector, feed: Feed) -> Result<Told, ConnectorError> {
    let mut told = Told::default();
    let mut pages = hubspot.changes(feed);
    while let Some(page) = pages.next().await {
        let ChangePage { objects, deleted, cursor } = page?;
        told.objects.extend(objects);
        told.deleted.extend(deleted);
        told.cursors.push(cursor.clone());
        told.cursor = cursor;
    }
    Ok(told)
}

async fn start(hubspot: &dyn Connector) -> String {
    let start = told(hubspot, feed("contact", None)).await.unwrap();
    assert!(start.objects.is_empty() && start.deleted.is_empty());
    start.cursor
}

#[tokio::test]
async fn fifty_changes_cost_five_calls_and_none_cost_three() {
    let world = World::new(seeded(10_000)).await;
    let (portal, hubspot) = (world.sandbox.portal(), world.keyed());
    let mut cursor = start(&hubspot).await;
    // A recycle bin of several pages, which nobody shall have to walk through again and again.
    let ids: Vec<String> = portal.contacts().into_iter().map(|c| c.id).collect();
    for id in &ids[9_000..9_350] {
        assert!(portal.archive(id));
    }
    world.hand.advance(3600);
    let binned = told(&hubspot, feed("contact", Some(&cursor))).await.unwrap();
    assert_eq!(binned.deleted.len(), 350);
    cursor = binned.cursor;
    for _ in 0..2 {
        world.hand.advance(3600);
        portal.reset_calls();
        let nothing = told(&hubspot, feed("contact", Some(&cursor))).await.unwrap();
        assert!(nothing.objects.is_empty() && nothing.deleted.is_empty(), "{nothing:?}");
        assert!(portal.call_count() <= 3, "{:?}", world.paths());
        cursor = nothing.cursor;
    }
    for id in &ids[100..150] {
        portal.set(id, &[("firstname", "Changed")]).unwrap();
    }
    world.hand.advance(60);
    portal.reset_calls();
    let changed = told(&hubspot, feed("contact", Some(&cursor))).await.unwrap();
    assert_eq!(changed.ids(), ids[100..150].iter().cloned().collect());
    assert!(
        changed.objects.iter().all(|o| o.attributes["firstname"] == "Changed" && o.attributes.len() == 2)
    );
    assert!(portal.call_count() <= 5, "{:?}", world.paths());
    // The same versions are looked at again, and not told again.
    world.hand.advance(60);
    portal.reset_calls();
    let again = told(&hubspot, feed("contact", Some(&changed.cursor))).await.unwrap();
    assert!(again.objects.is_empty() && portal.call_count() <= 3, "{again:?} {:?}", world.paths());
}

#[tokio::test]
async fn made_changed_archived_restored_and_merged_records_are_told() {
    for (kind, object_type, name) in
        [(ObjectKind::Contact, "contact", "firstname"), (ObjectKind::Company, "company", "name")]
    {
        let world = World::new(seeded(200)).await;
        let (portal, hubspot) = (world.sandbox.portal(), world.keyed());
        let cursor = told(&hubspot, feed(object_type, None)).await.unwrap().cursor;
        let ids: Vec<String> = portal.records(kind).into_iter().map(|c| c.id).collect();
        world.hand.advance(10);
        portal.set_record(kind, &ids[0], &[(name, "One")]).unwrap();
        assert!(portal.archive_record(kind, &ids[1]));
        assert!(portal.archive_record(kind, &ids[2]));
        portal.restore(kind, &ids[2]).unwrap();
        let made = portal.create_record(kind, &[(name, "New")]).unwrap();
        world.hand.advance(10);
        let changes = told(&hubspot, feed(object_type, Some(&cursor))).await.unwrap();
        assert!(changes.ids().contains(&ids[0]) && changes.ids().contains(&made), "{changes:?}");
        assert_eq!(changes.deleted, BTreeSet::from([ids[1].clone()]));
    }
    let world = World::new(seeded(50)).await;
    let (portal, hubspot) = (world.sandbox.portal(), world.keyed());
    let cursor = start(&hubspot).await;
    let ids: Vec<String> = portal.contacts().into_iter().map(|c| c.id).collect();
    world.hand.advance(10);
    let merged = portal.merge(&ids[3], &ids[4]).unwrap();
    let changes = told(&hubspot, feed("contact", Some(&cursor))).await.unwrap();
    assert_eq!(changes.ids(), BTreeSet::from([merged.clone()]));
    assert_eq!(changes.deleted, BTreeSet::from([ids[3].clone(), ids[4].clone()]));
    assert!(!changes.objects[0].attributes.contains_key("hs_merged_object_ids"));
    // Where they went can be asked, so that nobody takes them for deleted.
    let asked = [ids[3].clone(), ids[4].clone(), ids[5].clone(), "999999999".into(), "x".into()];
    let moved = hubspot.moved("contact", &asked).await.unwrap();
    assert_eq!(moved, [(ids[3].clone(), merged.clone()), (ids[4].clone(), merged)]);
}

/// A record that is restored keeps the time of its last change, so that no search shows it.
#[tokio::test]
async fn a_record_that_is_restored_later_is_told() {
    for archived in [1, 250] {
        let world = World::new(seeded(600)).await;
        let (portal, hubspot) = (world.sandbox.portal(), world.keyed());
        let ids: Vec<String> = portal.contacts().into_iter().map(|c| c.id).collect();
        let cursor = start(&hubspot).await;
        world.hand.advance(10);
        ids[..archived].iter().for_each(|id| assert!(portal.archive(id)));
        world.hand.advance(3600);
        let gone = told(&hubspot, feed("contact", Some(&cursor))).await.unwrap();
        assert_eq!(gone.deleted.len(), archived);
        portal.restore(ObjectKind::Contact, &ids[0]).unwrap();
        world.hand.advance(3600);
        let back = told(&hubspot, feed("contact", Some(&gone.cursor))).await.unwrap();
        assert_eq!((back.ids(), back.deleted), (BTreeSet::from([ids[0].clone()]), BTreeSet::new()));
        assert_eq!(back.objects[0].attributes.len(), 2);
        // Once, and its next deletion is told again.
        world.hand.advance(3600);
        let quiet = told(&hubspot, feed("contact", Some(&back.cursor))).await.unwrap();
        assert!(quiet.objects.is_empty() && quiet.deleted.is_empty(), "{quiet:?}");
        assert!(portal.archive(&ids[0]));
        world.hand.advance(10);
        let again = told(&hubspot, feed("contact", Some(&quiet.cursor))).await.unwrap();
        assert_eq!(again.deleted, BTreeSet::from([ids[0].clone()]));
    }
}

#[tokio::test]
async fn what_the_index_shows_late_is_told_late_and_with_its_present_values() {
    let world = World::new(Options { search_lag: Duration::from_secs(30), ..seeded(30) }).await;
    let (portal, hubspot) = (world.sandbox.portal(), world.keyed());
    let mut cursor = start(&hubspot).await;
    let ids: Vec<String> = portal.contacts().into_iter().map(|c| c.id).collect();
    world.hand.advance(100);
    portal.set(&ids[0], &[("firstname", "First")]).unwrap();
    world.hand.advance(1);
    let early = told(&hubspot, feed("contact", Some(&cursor))).await.unwrap();
    assert!(early.objects.is_empty());
    cursor = early.cursor;
    world.hand.advance(29);
    portal.set(&ids[0], &[("firstname", "Second")]).unwrap();
    portal.archive(&ids[1]);
    world.hand.advance(1);
    // The index shows the first change and still the archived record; the read by id shows the second one.
    let late = told(&hubspot, feed("contact", Some(&cursor))).await.unwrap();
    assert_eq!(late.ids(), BTreeSet::from([ids[0].clone()]));
    assert_eq!(late.objects[0].attributes["firstname"], "Second");
    assert_eq!(late.deleted, BTreeSet::from([ids[1].clone()]));
    world.hand.advance(40);
    let caught_up = told(&hubspot, feed("contact", Some(&late.cursor))).await.unwrap();
    assert_eq!(caught_up.ids(), BTreeSet::from([ids[0].clone()]));
    assert!(caught_up.deleted.is_empty(), "{caught_up:?}");
    world.hand.advance(40);
    let quiet = told(&hubspot, feed("contact", Some(&caught_up.cursor))).await.unwrap();
    assert!(quiet.objects.is_empty() && quiet.deleted.is_empty());
}

#[tokio::test]
async fn a_pass_goes_on_where_its_last_committed_page_ended() {
    let world = World::new(seeded(1_000)).await;
    let (portal, hubspot) = (world.sandbox.portal(), world.keyed());
    let cursor = start(&hubspot).await;
    world.hand.advance(10);
    let ids: Vec<String> = portal.contacts().into_iter().map(|c| c.id).collect();
    for id in &ids[..700] {
        portal.set(id, &[("firstname", "All")]).unwrap();
    }
    portal.archive(&ids[900]);
    let whole = told(&hubspot, feed("contact", Some(&cursor))).await.unwrap();
    assert_eq!((whole.objects.len(), whole.deleted.len(), whole.cursors.len()), (700, 1, 4));
    for (place, cursor) in whole.cursors.iter().enumerate().take(3) {
        let rest = told(&world.keyed(), feed("contact", Some(cursor))).await.unwrap();
        assert_eq!(rest.objects.len(), 700 - 200 * (place + 1));
        assert_eq!(rest.deleted, BTreeSet::from([ids[900].clone()]));
        world.hand.advance(10);
        let quiet = told(&world.keyed(), feed("contact", Some(&rest.cursor))).await.unwrap();
        assert!(quiet.objects.is_empty() && quiet.deleted.is_empty());
    }
}

#[tokio::test]
async fn a_large_recycle_bin_is_read_once_a_day_whatever_the_count_says() {
    let world = World::new(seeded(600)).await;
    let (portal, hubspot) = (world.sandbox.portal(), world.keyed());
    let ids: Vec<String> = portal.contacts().into_iter().map(|c| c.id).collect();
    ids[..250].iter().for_each(|id| assert!(portal.archive(id)));
    let mut cursor = start(&hubspot).await;
    let mut walked = Vec::new();
    for _ in 0..6 {
        world.hand.advance(6 * 3600);
        portal.reset_calls();
        cursor = told(&hubspot, feed("contact", Some(&cursor))).await.unwrap().cursor;
        walked.push(portal.call_count());
    }
    assert_eq!(walked, [3, 3, 3, 5, 3, 3]);
}

#[tokio::test]
async fn places_that_cannot_be_trusted_are_errors() {
    let world = World::new(seeded(5)).await;
    let hubspot = world.keyed();
    let cursor = start(&hubspot).await;
    let mut newer: Value = serde_json::from_str(&cursor).unwrap();
    newer["format"] = json!(2);
    for bad in ["", "x", "{}", "[1]", newer.to_string().as_str()] {
        let error = told(&hubspot, feed("contact", Some(bad))).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Configuration);
        assert!(error.message.contains("run a full reconciliation"), "{error}");
    }
    world.hand.advance(81 * 24 * 3600);
    let error = told(&hubspot, feed("contact", Some(&cursor))).await.unwrap_err();
    assert!(error.message.contains("forgets deletions after 90"), "{error}");
    let error = told(&hubspot, feed("contactProperties", None)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unsupported);
    let feeds: Vec<(String, bool)> =
        hubspot.descriptor().object_types.iter().map(|t| (t.name.clone(), t.change_feed)).collect();
    assert_eq!(
        feeds,
        [("contact", true), ("company", true), ("contactProperties", false), ("companyProperties", false)]
            .map(|(name, feed)| (name.to_owned(), feed))
    );
}
