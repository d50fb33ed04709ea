//! The entries of a run: what was planned reads back, is counted, filtered, paged and settled.
#![allow(clippy::unwrap_used, reason = "a failed expectation in a helper is a failed test")]

mod common;

use std::collections::HashSet;

use common::{AT, fresh, hash, object};
use model::{Action, Situation};
use serde_json::json;
use store::{
    Entry, EntryFilter, EntryStatus, ErrorKind, NewRun, Redirect, RunMode, Store, StoredChange, claim_key,
};

fn begin(store: &Store, id: &str) -> i64 {
    let run = NewRun {
        id: id.into(),
        mapping: "m".into(),
        mode: RunMode::Preview,
        stage: "ACTIVE".into(),
        started: AT.into(),
        ids: vec![],
        incremental: false,
    };
    store.write_blocking(move |w| w.begin_run(&run)).unwrap()
}

fn entry(seq: i64, situation: Situation, action: Action, status: EntryStatus) -> Entry {
    Entry {
        seq,
        situation,
        action,
        status,
        phase: "source",
        qualifier: "default".into(),
        policy: None,
        title: format!("Person {seq}"),
        source_id: Some(format!("s{seq}")),
        target_id: None,
        ambiguous: vec![],
        changes: vec![],
        reason: "no target".into(),
        remedy: None,
        claim: None,
        source_hash: None,
        target_hash: None,
        base: None,
        question: None,
    }
}

fn whole() -> Entry {
    Entry {
        phase: "target",
        qualifier: "default".into(),
        policy: None,
        target_id: Some("t1".into()),
        ambiguous: vec!["a".into(), "b\"'".into()],
        changes: vec![StoredChange {
            attribute: "sn".into(), before: json!(null), after: json!(["Ö", 1.5])
        }],
        remedy: Some("link by hand".into()),
        claim: Some("mail=ann".into()),
        source_hash: Some(hash(1)),
        target_hash: Some(hash(2)),
        base: Some(object(json!({"sn": "Lee"}))),
        ..entry(1, Situation::Ambiguous, Action::Exception, EntryStatus::NeedsYou)
    }
}

fn add(store: &Store, run: i64, entries: Vec<Entry>) {
    store.write_blocking(move |w| w.add_entries(run, &entries)).unwrap();
}

fn all(limit: usize) -> EntryFilter {
    EntryFilter { limit, ..EntryFilter::default() }
}

fn seqs(store: &Store, run: i64, filter: &EntryFilter) -> Vec<i64> {
    let page = store.read_blocking(|r| r.entries(run, filter)).unwrap();
    page.rows.into_iter().map(|e| e.seq).collect()
}

#[test]
fn an_entry_reads_back_whole() {
    let (_folder, store) = fresh();
    let run = begin(&store, "r");
    let (plain, whole) = (entry(2, Situation::Absent, Action::Create, EntryStatus::Planned), whole());
    add(&store, run, vec![whole.clone(), plain.clone()]);
    store
        .read_blocking(|r| {
            assert_eq!(r.entry(run, 1)?, Some(whole.clone()));
            assert_eq!(r.entry(run, 2)?, Some(plain.clone()));
            assert_eq!((r.entry(run, 3)?, r.entry(run + 1, 1)?), (None, None));
            assert_eq!(r.entries(run, &all(10))?.rows, [whole.clone(), plain]);
            assert_eq!((r.target_taken(run, "t1")?, r.target_taken(run, "z")?), (Some(whole.status), None));
            assert_eq!(r.target_taken(run, "a")?, Some(EntryStatus::NeedsYou), "it is spoken for");
            Ok(())
        })
        .unwrap();
    let twice = store
        .write_blocking(move |w| {
            w.add_entries(run, &[entry(1, Situation::Found, Action::Link, EntryStatus::Planned)])
        })
        .unwrap_err();
    assert_eq!(twice.kind, ErrorKind::Unique);
    let no_run = store
        .write_blocking(|w| {
            w.add_entries(99, &[entry(1, Situation::Found, Action::Link, EntryStatus::Planned)])
        })
        .unwrap_err();
    assert_eq!(no_run.kind, ErrorKind::Other, "{no_run}");
}

#[test]
fn every_situation_action_and_status_survives() {
    const STATUSES: [EntryStatus; 6] = [
        EntryStatus::Planned,
        EntryStatus::Done,
        EntryStatus::Failed,
        EntryStatus::Stale,
        EntryStatus::Skipped,
        EntryStatus::NeedsYou,
    ];
    let (_folder, store) = fresh();
    let run = begin(&store, "r");
    let mut entries = Vec::new();
    for situation in Situation::ALL {
        for action in Action::ALL {
            for status in STATUSES {
                entries.push(entry(entries.len() as i64, *situation, *action, status));
            }
        }
    }
    add(&store, run, entries.clone());
    assert_eq!(
        store.read_blocking(|r| r.entries(run, &EntryFilter { after: -1, ..all(10_000) })).unwrap().rows,
        entries
    );
    let counts = store.read_blocking(|r| r.entry_counts(run)).unwrap();
    assert_eq!(counts.len(), entries.len());
    assert!(counts.iter().all(|(.., n)| *n == 1));
}

#[test]
fn filters_narrow_count_and_page() {
    use Action::{Create, Exception, Update};
    use EntryStatus::{Done, Failed, Planned};
    use Situation::{Absent, Confirmed, Missing};
    let (_folder, store) = fresh();
    let (run, other) = (begin(&store, "r"), begin(&store, "other"));
    let mut named = entry(6, Missing, Exception, Failed);
    named.title = "O'Brien %_".into();
    named.target_id = Some("T-66".into());
    named.changes =
        vec![StoredChange { attribute: "city".into(), before: json!("Oslo"), after: json!("BERGEN, ÅS") }];
    add(
        &store,
        run,
        vec![
            entry(1, Absent, Create, Planned),
            entry(2, Absent, Create, Done),
            entry(3, Confirmed, Update, Planned),
            entry(4, Absent, Create, Planned),
            entry(5, Confirmed, Update, Failed),
            named,
        ],
    );
    add(&store, other, vec![entry(1, Absent, Create, Planned)]);
    let by = |situation, action, status| EntryFilter { situation, action, status, ..all(10) };
    let search = |text: &str| EntryFilter { search: Some(text.into()), ..all(10) };
    for (filter, expect) in [
        (all(10), vec![1, 2, 3, 4, 5, 6]),
        (by(Some(Absent), None, None), vec![1, 2, 4]),
        (by(None, Some(Update), None), vec![3, 5]),
        (by(None, None, Some(Planned)), vec![1, 3, 4]),
        (by(None, Some(Create), Some(Planned)), vec![1, 4]),
        (by(Some(Absent), Some(Update), None), vec![]),
        (search("o'brien"), vec![6]),
        (search("%"), vec![6]),
        (search(" person 3 "), vec![3]),
        (search("S4"), vec![4]),
        (search("t-66"), vec![6]),
        (search("bergen, ås"), vec![6]),
        (search("' OR 1=1 --"), vec![]),
        (search("  "), vec![1, 2, 3, 4, 5, 6]),
    ] {
        assert_eq!(seqs(&store, run, &filter), expect, "{filter:?}");
        let count = store.read_blocking(|r| r.entry_count(run, &filter)).unwrap();
        assert_eq!(count, expect.len() as u64, "{filter:?}");
        // The same, two at a time.
        let (mut paged, mut after) = (Vec::new(), 0);
        loop {
            let page = store
                .read_blocking(|r| r.entries(run, &EntryFilter { after, limit: 2, ..filter.clone() }))
                .unwrap();
            paged.extend(page.rows.iter().map(|e| e.seq));
            let Some(next) = page.next else { break };
            after = next.parse().unwrap();
        }
        assert_eq!(paged, expect, "{filter:?}");
    }
    assert_eq!(store.read_blocking(|r| r.entry_counts(run)).unwrap().iter().map(|c| c.3).sum::<u64>(), 6);
    let planned = store.read_blocking(|r| r.planned(run, Create, 1, 10)).unwrap();
    assert_eq!(planned.iter().map(|e| e.seq).collect::<Vec<_>>(), [4]);
}

#[test]
fn causes_of_failure_come_commonest_first() {
    let (_folder, store) = fresh();
    let run = begin(&store, "r");
    let failed = |seq, reason: &str, status| Entry {
        reason: reason.into(),
        ..entry(seq, Situation::Absent, Action::Create, status)
    };
    use EntryStatus::{Done, Failed};
    add(
        &store,
        run,
        vec![
            failed(1, "b", Failed),
            failed(2, "a", Failed),
            failed(3, "c", Failed),
            failed(4, "c", Failed),
            failed(5, "fine", Done),
        ],
    );
    let causes = |limit| -> Vec<(String, u64)> {
        let found = store.read_blocking(|r| r.failure_causes(run, limit)).unwrap();
        found.into_iter().map(|c| (c.reason, c.count)).collect()
    };
    assert_eq!(causes(10), [("c".to_owned(), 2), ("a".to_owned(), 1), ("b".to_owned(), 1)]);
    assert_eq!(causes(1), [("c".to_owned(), 2)]);
}

#[test]
fn settling_keeps_what_it_is_not_told() {
    let (_folder, store) = fresh();
    let run = begin(&store, "r");
    add(&store, run, vec![whole(), entry(2, Situation::Absent, Action::Create, EntryStatus::Planned)]);
    store
        .write_blocking(move |w| {
            w.settle_entry(run, 1, EntryStatus::Stale, None, None, None)?;
            w.settle_entry(run, 2, EntryStatus::Failed, Some("new"), Some("refused"), Some("fix it"))?;
            Ok(())
        })
        .unwrap();
    let get = |seq| store.read_blocking(|r| r.entry(run, seq)).unwrap().unwrap();
    assert_eq!(get(1), Entry { status: EntryStatus::Stale, ..whole() });
    let second = get(2);
    assert_eq!((second.status, second.target_id.as_deref()), (EntryStatus::Failed, Some("new")));
    assert_eq!((second.reason.as_str(), second.remedy.as_deref()), ("refused", Some("fix it")));
    store
        .write_blocking(move |w| {
            let changes = [StoredChange { attribute: "mail".into(), before: json!("a"), after: json!("b") }];
            let to = Redirect {
                situation: Situation::Found,
                action: Action::Update,
                target_id: "t9",
                reason: "it is there by now",
                changes: &changes,
            };
            w.redirect_entry(run, 1, &to)
        })
        .unwrap();
    let redirected = get(1);
    assert_eq!((redirected.situation, redirected.action), (Situation::Found, Action::Update));
    assert_eq!((redirected.target_id.as_deref(), redirected.target_hash), (Some("t9"), None));
    assert_eq!(redirected.changes[0].before, json!("a"));
    assert_eq!(redirected.changes.len(), 1);
}

#[test]
fn shared_claims_name_every_claimant() {
    let (_folder, store) = fresh();
    let (run, other) = (begin(&store, "r"), begin(&store, "other"));
    let claiming = |seq, claim: Option<&str>| Entry {
        claim: claim.map(str::to_owned),
        ..entry(seq, Situation::Absent, Action::Create, EntryStatus::Planned)
    };
    add(
        &store,
        run,
        vec![
            claiming(1, Some("x")),
            claiming(2, Some("y")),
            claiming(3, Some("x")),
            claiming(4, None),
            claiming(5, None),
            claiming(6, Some("z")),
            claiming(7, Some("x")),
        ],
    );
    add(&store, other, vec![claiming(1, Some("y"))]);
    let keys = ["x", "z"].map(|claim| claim_key("default", claim));
    let shared = store.write_blocking(move |w| w.shared_claims(run, &keys.into())).unwrap();
    assert_eq!(shared, [1, 3, 7].map(|seq| (seq, "x".to_owned(), 3)));
    let none = store.write_blocking(move |w| w.shared_claims(run, &HashSet::new())).unwrap();
    assert_eq!(none, []);
}

#[test]
fn changes_in_words() {
    for (before, after, words) in [
        (json!(null), json!("Lee"), "sn: nothing -> \"Lee\""),
        (json!(1), json!(null), "sn: 1 -> nothing"),
        (json!(["a"]), json!(true), "sn: [\"a\"] -> true"),
    ] {
        assert_eq!(StoredChange { attribute: "sn".into(), before, after }.in_words(), words);
    }
}
