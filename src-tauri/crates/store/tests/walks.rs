//! The walks of a plan: which sources and which targets have to be judged, in which order, in pages of any size.
#![allow(clippy::unwrap_used, reason = "a failed expectation in a helper is a failed test")]

mod common;

use std::collections::BTreeSet;

use common::{AT, fresh, hash, insert, object, page, seen, user_type};
use model::{Action, ResourcePath, Situation};
use proptest::prelude::*;
use serde_json::json;
use store::{
    Entry, EntryStatus, LinkSpace, Met, NewLink, NewRun, Orientation, RunMode, Standing, Store, Walk, Writer,
};

const REMOTE: &str = "system/hub/contact";
const VERSION: i64 = 3;

/// The mapping hub -> managed owns the links; managed -> hub walks the same ones backward.
fn walk(orientation: Orientation) -> Walk {
    let (remote, managed) = (path(REMOTE), path("managed/user"));
    let (source, target) = match orientation {
        Orientation::Forward => (remote, managed),
        Orientation::Backward => (managed, remote),
    };
    Walk { source, target, links: space(orientation), version: VERSION, ids: None }
}

fn space(orientation: Orientation) -> LinkSpace {
    LinkSpace { kind: "hub_user".into(), qualifier: "default".into(), orientation }
}

fn qualifiers() -> Vec<String> {
    vec!["default".into()]
}

fn path(text: &str) -> ResourcePath {
    text.parse().unwrap()
}

/// Links contact `c<n>` and user `u<n>`, judged by one direction when both were at these revisions.
fn link(w: &Writer<'_>, o: Orientation, c: (&str, u64), u: (&str, u64), version: i64) {
    let (source, target) = match o {
        Orientation::Forward => (c, u),
        Orientation::Backward => (u, c),
    };
    let link = NewLink {
        space: space(o),
        source_id: source.0.into(),
        target_id: target.0.into(),
        source_hash: Some(hash(source.1)),
        target_hash: Some(hash(target.1)),
        version,
        base_source: object(json!({"of": source.0})),
        base_target: object(json!({"of": target.0})),
    };
    w.put_link(&link, AT).unwrap();
}

/// Seven pairs in every state there is, once read 2 is through.
fn scene(o: Orientation) -> (tempfile::TempDir, Store) {
    let (folder, store) = before_the_end_of_a_read(o);
    assert_eq!(store.write_blocking(|w| w.forget_unmet(REMOTE, &Met::nothing(2))).unwrap(), 2);
    (folder, store)
}

/// The same while the contacts that read 2 did not see are still there. Contacts are at revision 1 and users at revision 1 unless
/// said otherwise.
fn before_the_end_of_a_read(o: Orientation) -> (tempfile::TempDir, Store) {
    let (folder, store) = fresh();
    store
        .write_blocking(move |w| {
            let config = user_type();
            let contacts = ["c1", "c2", "c3", "c4", "c5"].map(|c| seen(c, 1, &format!("{c}@x")));
            w.mirror_page(&page(REMOTE, 1, vec![seen("c0", 1, "gone"), seen("c6", 1, "gone")]), AT)?;
            w.mirror_page(&page(REMOTE, 2, contacts.to_vec()), AT)?;
            w.mirror_page(&page("system/hub/company", 2, vec![seen("c9", 1, "no contact")]), AT)?;
            for u in ["u0", "u1", "u2", "u3", "u4", "u7"] {
                insert(w, &config, u, 1, json!({"userName": u}))?;
            }
            w.insert_managed(
                &store::ManagedWrite {
                    config: &model::ManagedObjectConfig { name: "role".into(), ..user_type() },
                    id: "u9",
                    attributes: &object(json!({})),
                    hash: hash(1),
                },
                AT,
            )?;
            link(w, o, ("c0", 1), ("u0", 1), VERSION); // the contact was not seen by read 2
            link(w, o, ("c1", 1), ("u1", 1), VERSION); // in sync
            link(w, o, ("c2", 7), ("u2", 1), VERSION); // the contact has changed since
            link(w, o, ("c3", 1), ("u3", 7), VERSION); // the user has changed since
            link(w, o, ("c4", 1), ("u4", 1), VERSION - 1); // the mapping has changed since
            link(w, o, ("c6", 1), ("u6", 1), VERSION); // both ends are gone
            // c5 and u7 have no link.
            Ok(())
        })
        .unwrap();
    (folder, store)
}

fn ids(store: &Store, walk: &Walk, after: &str, limit: usize) -> Vec<String> {
    store.read_blocking(|r| r.candidates(walk, after, limit)).unwrap().into_iter().map(|c| c.id).collect()
}

#[test]
fn forward_walks_leave_out_what_is_in_sync() {
    let (_folder, store) = scene(Orientation::Forward);
    let all = walk(Orientation::Forward);
    assert_eq!(ids(&store, &all, "", 100), ["c2", "c3", "c4", "c5"]);
    assert_eq!(ids(&store, &all, "c3", 100), ["c4", "c5"]);
    assert_eq!(ids(&store, &all, "c5", 100), [""; 0]);
    assert_eq!(ids(&store, &Walk { version: VERSION - 1, ..all.clone() }, "", 100), ["c1", "c2", "c3", "c5"]);
    assert_eq!(store.read_blocking(|r| Ok((r.source_count(&all)?, r.target_count(&all)?))).unwrap(), (5, 6));
}

#[test]
fn backward_walks_leave_out_what_is_in_sync() {
    let (_folder, store) = scene(Orientation::Backward);
    // u0: its contact is gone from the mirror's newest read.
    assert_eq!(ids(&store, &walk(Orientation::Backward), "", 100), ["u0", "u2", "u3", "u4", "u7"]);
}

#[test]
fn a_direction_that_has_never_judged_a_pair_judges_it() {
    let (_folder, store) = scene(Orientation::Forward);
    assert_eq!(ids(&store, &walk(Orientation::Backward), "", 100), ["u0", "u1", "u2", "u3", "u4", "u7"]);
}

#[test]
fn candidates_bring_their_link_and_target() {
    let (_folder, store) = before_the_end_of_a_read(Orientation::Forward);
    let found = store.read_blocking(|r| r.candidates(&walk(Orientation::Forward), "", 100)).unwrap();
    let by_id = |id: &str| found.iter().find(|c| c.id == id).unwrap();
    let c2 = by_id("c2");
    assert_eq!((c2.hash, &c2.attributes["email"]), (hash(1), &json!("c2@x")));
    let link = c2.link.as_ref().unwrap();
    assert_eq!((link.source_id.as_str(), link.target_id.as_str()), ("c2", "u2"));
    assert_eq!(
        (link.source_hash, link.target_hash, link.version),
        (Some(hash(7)), Some(hash(1)), Some(VERSION))
    );
    assert_eq!(link.base_source.as_ref().unwrap()["of"], "c2");
    assert_eq!(link.base_target.as_ref().unwrap()["of"], "u2");
    assert_eq!(c2.target.as_ref().unwrap(), &(object(json!({"userName": "u2"})), hash(1)));
    assert_eq!((by_id("c5").link.as_ref(), by_id("c5").target.as_ref()), (None, None));
    let c6 = by_id("c6");
    assert_eq!((c6.link.as_ref().unwrap().target_id.as_str(), c6.target.as_ref()), ("u6", None));
}

#[test]
fn a_walk_over_some_ids_sees_those_that_need_it() {
    let (_folder, store) = scene(Orientation::Forward);
    for (wanted, expect) in [
        (vec!["c5", "c1", "c2", "nobody", "c2"], vec!["c2", "c5"]),
        (vec!["c1"], vec![]),
        (vec![], vec![]),
        (vec!["' OR 1=1 --", "\"", "c3"], vec!["c3"]),
    ] {
        let some =
            Walk { ids: Some(wanted.into_iter().map(str::to_owned).collect()), ..walk(Orientation::Forward) };
        assert_eq!(ids(&store, &some, "", 100), expect);
    }
}

#[test]
fn single_ends_are_found_as_the_walk_would_see_them() {
    let (_folder, store) = scene(Orientation::Forward);
    let (forward, backward) = (walk(Orientation::Forward), walk(Orientation::Backward));
    store
        .read_blocking(|r| {
            assert_eq!(r.source(&forward, "c1")?.unwrap().1, hash(1));
            assert_eq!(r.target(&forward, "u1")?.unwrap().0, object(json!({"userName": "u1"})));
            assert_eq!(r.source(&backward, "u1")?, r.target(&forward, "u1")?);
            assert_eq!(r.source(&forward, "u1")?, None);
            assert_eq!(r.target(&forward, "u9")?, None, "an object of another type");
            Ok(())
        })
        .unwrap();
}

#[test]
fn two_directions_on_one_link_do_not_disturb_each_other() {
    let (_folder, store) = scene(Orientation::Forward);
    let (forward, backward) = (walk(Orientation::Forward), walk(Orientation::Backward));
    store
        .write_blocking(|w| {
            link(w, Orientation::Backward, ("c1", 1), ("u1", 1), VERSION);
            Ok(())
        })
        .unwrap();
    assert!(!ids(&store, &forward, "", 100).contains(&"c1".into()), "the forward stamps still stand");
    assert!(!ids(&store, &backward, "", 100).contains(&"u1".into()), "and now the backward ones too");
    assert_eq!(store.read_blocking(|r| r.link_count("hub_user")).unwrap(), 6, "one row for both");
    // The user changes: both directions have to look.
    store
        .write_blocking(|w| {
            let (config, attributes) = (user_type(), object(json!({"userName": "new"})));
            let write =
                store::ManagedWrite { config: &config, id: "u1", attributes: &attributes, hash: hash(2) };
            w.update_managed(&write, 1, AT)?;
            Ok(())
        })
        .unwrap();
    assert!(ids(&store, &forward, "", 100).contains(&"c1".into()));
    assert!(ids(&store, &backward, "", 100).contains(&"u1".into()));
    // The backward direction deals with it; the forward one has yet to.
    store
        .write_blocking(|w| {
            link(w, Orientation::Backward, ("c1", 1), ("u1", 2), VERSION);
            Ok(())
        })
        .unwrap();
    assert!(ids(&store, &forward, "", 100).contains(&"c1".into()));
    assert!(!ids(&store, &backward, "", 100).contains(&"u1".into()));
}

#[test]
fn a_link_that_points_elsewhere_is_new_to_the_other_direction() {
    let (_folder, store) = scene(Orientation::Forward);
    store
        .write_blocking(|w| {
            link(w, Orientation::Backward, ("c1", 1), ("u1", 1), VERSION);
            // u7 looks exactly like u1 did, so only the cleared stamps tell that the pair is another one.
            link(w, Orientation::Forward, ("c1", 1), ("u7", 1), VERSION);
            Ok(())
        })
        .unwrap();
    assert!(ids(&store, &walk(Orientation::Backward), "", 100).contains(&"u7".into()));
    assert!(!ids(&store, &walk(Orientation::Forward), "", 100).contains(&"c1".into()));
}

fn run(store: &Store) -> i64 {
    store
        .write_blocking(|w| {
            w.begin_run(&NewRun {
                id: "r1".into(),
                mapping: "hub_user".into(),
                mode: RunMode::Reconcile,
                stage: "ACTIVE".into(),
                started: AT.into(),
                ids: vec![],
                incremental: false,
            })
        })
        .unwrap()
}

fn entry(seq: i64, target: Option<&str>, ambiguous: &[&str]) -> Entry {
    Entry {
        seq,
        situation: if ambiguous.is_empty() { Situation::Found } else { Situation::Ambiguous },
        action: Action::Update,
        status: EntryStatus::Planned,
        phase: "source",
        qualifier: "default".into(),
        policy: None,
        title: String::new(),
        source_id: Some(format!("s{seq}")),
        target_id: target.map(str::to_owned),
        ambiguous: ambiguous.iter().map(|id| (*id).to_owned()).collect(),
        changes: vec![],
        reason: String::new(),
        remedy: None,
        claim: target.map(|t| format!("target {t}")),
        source_hash: None,
        target_hash: None,
        base: None,
        question: None,
    }
}

#[test]
fn targets_that_nobody_accounts_for() {
    let (_folder, store) = scene(Orientation::Forward);
    let run = run(&store);
    let unaccounted = |walk: &Walk, after: &str, limit| -> Vec<(String, Option<String>)> {
        let found =
            store.read_blocking(|r| r.unaccounted_targets(walk, &qualifiers(), run, after, limit)).unwrap();
        found.into_iter().map(|t| (t.id, t.linked_source)).collect()
    };
    let (u0, u7) = (("u0".to_owned(), Some("c0".to_owned())), ("u7".to_owned(), None));
    let forward = walk(Orientation::Forward);
    assert_eq!(unaccounted(&forward, "", 10), [u0.clone(), u7.clone()]);
    assert_eq!(unaccounted(&forward, "", 1), std::slice::from_ref(&u0));
    assert_eq!(unaccounted(&forward, "u0", 10), std::slice::from_ref(&u7));
    // Backward, the targets are contacts: c5 has no link; c0 and c6 were not seen by this read.
    let backward = walk(Orientation::Backward);
    assert_eq!(unaccounted(&backward, "", 10), [("c5".to_owned(), None)]);
    // An entry of the run takes u7; an entry of another run would not.
    store.write_blocking(move |w| w.add_entries(run, &[entry(1, Some("u7"), &[])])).unwrap();
    assert_eq!(unaccounted(&forward, "", 10), std::slice::from_ref(&u0));
    // An AMBIGUOUS record might belong to u0.
    store.write_blocking(move |w| w.add_entries(run, &[entry(2, None, &["u0", "u3"])])).unwrap();
    assert_eq!(unaccounted(&forward, "", 10), []);
}

#[test]
fn a_target_that_two_sources_want_is_not_up_for_deletion() {
    let (_folder, store) = scene(Orientation::Forward);
    let run = run(&store);
    let ids = || -> Vec<String> {
        let walk = walk(Orientation::Forward);
        let found =
            store.read_blocking(|r| r.unaccounted_targets(&walk, &qualifiers(), run, "", 10)).unwrap();
        found.into_iter().map(|t| t.id).collect()
    };
    store
        .write_blocking(move |w| {
            w.add_entries(run, &[entry(1, Some("u7"), &[]), entry(2, Some("u7"), &[])])?;
            let suspects = [store::claim_key("default", "target u7")].into();
            for (seq, claim, sharing) in w.shared_claims(run, &suspects)? {
                assert_eq!((claim.as_str(), sharing), ("target u7", 2));
                w.make_ambiguous(run, seq, Action::Exception, None, EntryStatus::NeedsYou, "two want it")?;
            }
            Ok(())
        })
        .unwrap();
    assert_eq!(ids(), ["u0"], "u7 is wanted by two, not by nobody");
    let entry = store.read_blocking(|r| r.entry(run, 2)).unwrap().unwrap();
    assert_eq!(entry.situation, Situation::Ambiguous);
    assert_eq!((entry.target_id.as_deref(), entry.ambiguous.as_slice()), (None, &["u7".to_owned()][..]));
}

fn paged(pages: impl Fn(&str) -> Vec<String>) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    loop {
        let page = pages(all.last().map_or("", String::as_str));
        if page.is_empty() {
            return all;
        }
        all.extend(page);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Pages of any size give the same records in the same order as one page of everything, and exactly those that a plain
    /// reading of the rules gives.
    #[test]
    fn any_page_size_gives_the_same_walk(
        pairs in prop::collection::btree_map("[a-c]{1,3}|[äß€😀Z-]{1,2}", (0u8..4, 1u64..3, 1u64..3, 0i64..2, prop::bool::ANY), 0..40),
        size in 1usize..12,
        backward in prop::bool::ANY,
        steady in prop::bool::ANY,
    ) {
        let o = if backward { Orientation::Backward } else { Orientation::Forward };
        let (_folder, store) = fresh();
        let mut pairs = pairs;
        for (there, contact, user, ..) in pairs.values_mut().filter(|_| steady) {
            let (bit, target) = if backward { (1, contact) } else { (2, user) };
            *there |= bit;
            *target = 1;
        }
        let rows = pairs.clone();
        store.write_blocking(move |w| {
            let config = user_type();
            for (id, (there, contact, user, version, linked)) in &rows {
                let user_id = format!("u-{id}");
                if there & 1 == 1 {
                    w.mirror_page(&page(REMOTE, 1, vec![seen(id, *contact, "m")]), AT)?;
                }
                if there & 2 == 2 {
                    insert(w, &config, &user_id, *user, json!({}))?;
                }
                if *linked {
                    link(w, o, (id, 1), (&user_id, 1), VERSION - version);
                }
            }
            Ok(())
        }).unwrap();
        let walk = walk(o);
        let is_source = |there: u8| there & if backward { 2 } else { 1 } != 0;
        let expect: BTreeSet<String> = pairs
            .iter()
            .filter(|(_, (there, contact, user, version, linked))| {
                let in_sync = *linked && *there == 3 && (*contact, *user, *version) == (1, 1, 0);
                is_source(*there) && !in_sync
            })
            .map(|(id, _)| if backward { format!("u-{id}") } else { id.clone() })
            .collect();
        let expect: Vec<String> = expect.into_iter().collect();
        prop_assert_eq!(paged(|after| ids(&store, &walk, after, size)), expect.clone());
        prop_assert_eq!(ids(&store, &walk, "", usize::MAX), expect.clone());

        let stand = pairs.values().all(|(there, contact, user, version, linked)| {
            let (bit, target) = if backward { (1, contact) } else { (2, user) };
            !*linked || *version != 0 || (there & bit != 0 && *target == 1)
        });
        prop_assert_eq!(store.read_blocking(|r| r.targets_stand(&walk)).unwrap(), stand);
        if stand {
            let changed = |after: &str| -> Vec<String> {
                let found = store.read_blocking(|r| r.changed_sources(&walk, after, size)).unwrap();
                found.into_iter().map(|c| c.id).collect()
            };
            prop_assert_eq!(paged(changed), expect);
        }

        let run = run(&store);
        let targets = |after: &str, limit: usize| -> Vec<String> {
            let found = store.read_blocking(|r| r.unaccounted_targets(&walk, &qualifiers(), run, after, limit)).unwrap();
            found.into_iter().map(|t| t.id).collect()
        };
        let expect: BTreeSet<String> = pairs
            .iter()
            .filter(|(_, (there, _, _, _, linked))| {
                let is_target = there & if backward { 1 } else { 2 } != 0;
                is_target && !(*linked && is_source(*there))
            })
            .map(|(id, _)| if backward { id.clone() } else { format!("u-{id}") })
            .collect();
        let expect: Vec<String> = expect.into_iter().collect();
        prop_assert_eq!(paged(|after| targets(after, size)), expect.clone());
        prop_assert_eq!(targets("", usize::MAX), expect);
    }
}

/// The sources that stand so, each with its target's id; a star where that target is not there.
fn associated(
    store: &Store,
    o: Orientation,
    standing: Standing,
    after: &str,
    limit: usize,
) -> (Vec<String>, Option<String>) {
    let page = store.read_blocking(|r| r.associations(&walk(o), standing, after, limit)).unwrap();
    let rows = page.rows.into_iter().map(|row| match (row.target_id, row.target) {
        (None, _) => row.id,
        (Some(target), Some(_)) => format!("{} {target}", row.id),
        (Some(target), None) => format!("{} {target}*", row.id),
    });
    (rows.collect(), page.next)
}

#[test]
fn sources_are_listed_with_what_they_are_linked_to() {
    let (_folder, store) = before_the_end_of_a_read(Orientation::Forward);
    let o = Orientation::Forward;
    for (standing, expect) in [
        (Standing::Any, vec!["c0 u0", "c1 u1", "c2 u2", "c3 u3", "c4 u4", "c5", "c6 u6*"]),
        (Standing::Linked, vec!["c0 u0", "c1 u1", "c2 u2", "c3 u3", "c4 u4", "c6 u6*"]),
        (Standing::Unlinked, vec!["c5"]),
        (Standing::Dangling, vec!["c6 u6*"]),
    ] {
        assert_eq!(
            associated(&store, o, standing, "", 100),
            (expect.into_iter().map(str::to_owned).collect(), None)
        );
    }
    assert_eq!(
        associated(&store, o, Standing::Linked, "c1", 2),
        (vec!["c2 u2".into(), "c3 u3".into()], Some("c3".into()))
    );
    let (_folder, store) = scene(Orientation::Backward);
    assert_eq!(
        associated(&store, Orientation::Backward, Standing::Any, "u3", 2),
        (vec!["u4 c4".into(), "u7".into()], None)
    );
}

/// What may happen to a user and its link. Numbers are revisions; without one, a stamp is right.
#[derive(Debug, Clone)]
enum Step {
    Make { user: u8, link: Option<u64> },
    Change { user: u8, revision: u64 },
    Delete { user: u8 },
    Stamp { user: u8, revision: Option<u64>, old: bool },
    Unlink { user: u8 },
    Unsettle { user: u8 },
}

/// Mostly what leaves targets as they stand, so that there is a peace to disturb.
fn step() -> impl Strategy<Value = Step> {
    let user = 0u8..2;
    let wrong = prop_oneof![4 => Just(None), 1 => Just(Some(2u64))];
    let old = prop_oneof![4 => Just(false), 1 => Just(true)];
    prop_oneof![
        4 => (user.clone(), prop_oneof![4 => Just(Some(1u64)), 1 => Just(None), 1 => Just(Some(2))])
            .prop_map(|(user, link)| Step::Make { user, link }),
        2 => (user.clone(), 1u64..3).prop_map(|(user, revision)| Step::Change { user, revision }),
        1 => user.clone().prop_map(|user| Step::Delete { user }),
        4 => (user.clone(), wrong, old).prop_map(|(user, revision, old)| Step::Stamp { user, revision, old }),
        1 => user.clone().prop_map(|user| Step::Unlink { user }),
        1 => user.prop_map(|user| Step::Unsettle { user }),
    ]
}

fn carry_out(w: &Writer<'_>, step: &Step) -> Result<(), store::StoreError> {
    let config = user_type();
    let (Step::Make { user, .. }
    | Step::Change { user, .. }
    | Step::Delete { user }
    | Step::Stamp { user, .. }
    | Step::Unlink { user }
    | Step::Unsettle { user }) = step;
    let (contact, id) = (format!("c{user}"), format!("u{user}"));
    let now = w.managed("user", &id)?;
    match (step, now) {
        (Step::Make { link: revision, .. }, None) => {
            insert(w, &config, &id, 1, json!({"userName": id}))?;
            if let Some(revision) = revision {
                link(w, Orientation::Forward, (&contact, 1), (&id, *revision), VERSION);
            }
        }
        (Step::Change { revision, .. }, Some(now)) => {
            let attributes = object(json!({"userName": id}));
            let write = store::ManagedWrite {
                config: &config,
                id: &id,
                attributes: &attributes,
                hash: hash(*revision),
            };
            w.update_managed(&write, now.rev, AT)?;
        }
        (Step::Delete { .. }, Some(_)) => w.delete_managed("user", &id, None)?,
        (Step::Stamp { revision, old, .. }, now) => {
            let is = now.map_or(1, |user| if user.hash == hash(1) { 1 } else { 2 });
            let revision = revision.unwrap_or(is);
            link(w, Orientation::Forward, (&contact, 1), (&id, revision), VERSION - i64::from(*old));
        }
        (Step::Unlink { .. }, _) => {
            w.remove_link(&space(Orientation::Forward), &contact)?;
        }
        (Step::Unsettle { .. }, _) => {
            w.unsettle_link(&space(Orientation::Forward), &contact, None)?;
        }
        _ => {}
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// What is remembered of the targets says at any time what a look at each of them says, however often it was asked before
    /// and whatever a transaction held.
    #[test]
    fn targets_that_are_remembered_to_stand_do(
        transactions in prop::collection::vec((prop::collection::vec(step(), 1..3), prop::bool::weighted(0.7)), 1..16),
    ) {
        let (_folder, store) = fresh();
        let walk = walk(Orientation::Forward);
        for (steps, asked) in transactions {
            store.write_blocking(move |w| steps.iter().try_for_each(|step| carry_out(w, step))).unwrap();
            if asked {
                let looked = store.read_blocking(|r| r.targets_stand(&walk)).unwrap();
                prop_assert_eq!(store.targets_stand(&walk).unwrap(), looked);
                let other = Walk { version: VERSION - 1, ..walk.clone() };
                let looked = store.read_blocking(|r| r.targets_stand(&other)).unwrap();
                prop_assert_eq!(store.targets_stand(&other).unwrap(), looked);
            }
        }
    }
}
