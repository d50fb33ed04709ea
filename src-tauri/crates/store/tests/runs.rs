//! Runs and the journal of what they sent.
#![allow(clippy::unwrap_used, reason = "a failed expectation in a helper is a failed test")]

mod common;

use common::{AT, fresh, object};
use model::{Action, Situation};
use serde_json::json;
use store::{
    Entry, EntryFilter, EntryStatus, ErrorKind, GuardResult, JournalRow, JournalState, NewRun, Operation,
    Progress, Run, RunMode, RunState, Store,
};

fn begin(store: &Store, id: &str, mapping: &str) -> i64 {
    let run = NewRun {
        id: id.into(),
        mapping: mapping.into(),
        mode: RunMode::Reconcile,
        stage: "ACTIVE_INITIALIZED".into(),
        started: AT.into(),
        ids: vec!["7".into()],
        incremental: false,
    };
    store.write_blocking(move |w| w.begin_run(&run)).unwrap()
}

fn get(store: &Store, id: &str) -> Run {
    store.read_blocking(|r| r.run(id)).unwrap().unwrap()
}

fn finish(store: &Store, id: &str, state: RunState) {
    let run = Run { state, ended: Some(AT.into()), ..get(store, id) };
    store.write_blocking(move |w| w.put_run(&run)).unwrap();
}

#[test]
fn a_run_reads_back_in_every_state() {
    let (_folder, store) = fresh();
    let seq = begin(&store, "r", "m");
    let begun = get(&store, "r");
    assert_eq!((begun.seq, begun.state, begun.mode), (seq, RunState::Active, RunMode::Reconcile));
    assert_eq!((begun.progress.ids.as_slice(), begun.ended.as_deref()), (&["7".to_owned()][..], None));
    for mode in [RunMode::Preview, RunMode::Reconcile, RunMode::Apply] {
        for state in [
            RunState::Active,
            RunState::Success,
            RunState::Planned,
            RunState::Held,
            RunState::Canceled,
            RunState::Failed,
            RunState::Interrupted,
        ] {
            let run = Run {
                mode,
                state,
                stage: "COMPLETED_SUCCESS".into(),
                ended: Some("later".into()),
                message: Some("why".into()),
                progress: Progress {
                    source_total: Some(5),
                    situations: [("ABSENT".to_owned(), 3)].into(),
                    guards: vec![GuardResult {
                        name: "maxDeletes".into(),
                        limit: "10".into(),
                        planned: "11".into(),
                        holds: true,
                        message: "too many".into(),
                    }],
                    ..Progress::default()
                },
                ..begun.clone()
            };
            let copy = run.clone();
            store.write_blocking(move |w| w.put_run(&copy)).unwrap();
            assert_eq!(get(&store, "r"), run);
        }
    }
    let twice = NewRun {
        id: "r".into(),
        mapping: "m".into(),
        mode: RunMode::Preview,
        stage: String::new(),
        started: AT.into(),
        ids: vec![],
        incremental: false,
    };
    assert_eq!(store.write_blocking(move |w| w.begin_run(&twice)).unwrap_err().kind, ErrorKind::Unique);
}

#[test]
fn runs_are_listed_newest_first_in_pages() {
    let (_folder, store) = fresh();
    for n in 0..5 {
        begin(&store, &format!("a{n}"), "a");
        begin(&store, &format!("b{n}"), "b");
    }
    let pages = |mapping: Option<&str>, limit| {
        let (mut ids, mut before) = (Vec::new(), None);
        loop {
            let page = store.read_blocking(|r| r.runs(mapping, before, limit)).unwrap();
            ids.extend(page.rows.into_iter().map(|r| r.id));
            let Some(next) = page.next else { return ids };
            before = Some(next.parse().unwrap());
        }
    };
    for limit in [1, 2, 5, 100, usize::MAX] {
        assert_eq!(pages(Some("a"), limit), ["a4", "a3", "a2", "a1", "a0"]);
        assert_eq!(pages(None, limit).len(), 10);
    }
    assert_eq!(pages(Some("c"), 3), [""; 0]);
    assert_eq!(store.read_blocking(|r| r.last_run("a")).unwrap().unwrap().id, "a4");
    finish(&store, "a0", RunState::Success);
    let active = store.read_blocking(|r| r.runs_in(RunState::Active)).unwrap();
    assert_eq!(active.len(), 9);
    assert_eq!(active[0].id, "b0");
}

fn entry() -> Entry {
    Entry {
        seq: 1,
        situation: Situation::Ambiguous,
        action: Action::Exception,
        status: EntryStatus::NeedsYou,
        phase: "source",
        qualifier: "default".into(),
        policy: None,
        title: String::new(),
        source_id: None,
        target_id: None,
        ambiguous: vec!["x".into()],
        changes: vec![],
        reason: String::new(),
        remedy: None,
        claim: None,
        source_hash: None,
        target_hash: None,
        base: None,
        question: None,
    }
}

fn journal_row(run: &str) -> JournalRow {
    JournalRow {
        seq: 0,
        run: Some(run.into()),
        entry: Some(1),
        mapping: "a".into(),
        operation: Operation::Update,
        connector: "hub".into(),
        object_type: "contact".into(),
        qualifier: "default".into(),
        source_id: Some("s".into()),
        target_id: Some("t".into()),
        payload: object(json!({"sn": "Lee", "n": 1})),
    }
}

#[tokio::test]
async fn pruning_keeps_the_newest_and_whatever_is_under_way_or_in_doubt() {
    let (_folder, store) = fresh();
    for n in 0..6 {
        let (id, seq) = (format!("a{n}"), begin(&store, &format!("a{n}"), "a"));
        store
            .write_blocking(move |w| {
                w.add_entries(seq, &[entry()])?;
                let sent = w.journal_sending(&[journal_row(&id), journal_row(&id)], AT)?;
                w.journal_settled(sent[0], JournalState::Done, None, None, AT)
            })
            .unwrap();
        if n != 1 && n != 5 {
            finish(&store, &format!("a{n}"), RunState::Success);
        }
    }
    begin(&store, "b0", "b");
    finish(&store, "b0", RunState::Success);
    store.prune_runs("a", 2, None).await.unwrap();
    let left = store.read_blocking(|r| r.runs(None, None, 100)).unwrap().rows;
    assert_eq!(left.iter().map(|r| r.id.as_str()).collect::<Vec<_>>(), ["b0", "a5", "a4", "a3", "a1"]);
    let c = rusqlite::Connection::open(store.file()).unwrap();
    let count = |sql: &str| c.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(count("SELECT count(*) FROM run_entry"), 4, "entries go with their run");
    assert_eq!(count("SELECT count(*) FROM run_claim"), 4);
    assert_eq!(count("SELECT count(*) FROM journal WHERE state = 'done'"), 4, "and so does the journal");
    assert_eq!(store.read_blocking(|r| r.in_doubt("a")).unwrap().len(), 6, "but what is in doubt stays");
    store.prune_runs("a", 0, None).await.unwrap();
    assert_eq!(store.read_blocking(|r| r.runs(Some("a"), None, 100)).unwrap().rows.len(), 2);
}

#[tokio::test]
async fn a_long_run_is_removed_in_parts_whatever_happens_in_between() {
    const ENTRIES: i64 = 12_000;
    let (folder, store) = fresh();
    let mut long = Vec::new();
    for id in ["r0", "r1"] {
        let run = begin(&store, id, "a");
        let entries: Vec<Entry> = (1..=ENTRIES).map(|seq| Entry { seq, ..entry() }).collect();
        let sent = vec![journal_row(id); 6_000];
        store
            .write(move |w| {
                w.add_entries(run, &entries)?;
                let sent = w.journal_sending(&sent, AT)?;
                sent.iter().try_for_each(|seq| w.journal_settled(*seq, JournalState::Done, None, None, AT))
            })
            .await
            .unwrap();
        finish(&store, id, RunState::Success);
        long.push(run);
    }
    let all = EntryFilter::default();
    let left = |store: &Store, run: usize| store.read_blocking(|r| r.entry_count(long[run], &all)).unwrap();
    // The power goes after two parts.
    store.stop_after(2);
    store.prune_runs("a", 1, None).await.unwrap_err();
    drop(store);
    let store = Store::open(folder.path()).unwrap();
    assert!((1..ENTRIES as u64).contains(&left(&store, 0)), "{}", left(&store, 0));
    assert!(store.read(|r| r.run("r0")).await.unwrap().is_some(), "whoever prunes next finds it");
    store.prune_runs("a", 1, None).await.unwrap();
    assert!(store.read(|r| r.run("r0")).await.unwrap().is_none());
    assert_eq!((left(&store, 0), left(&store, 1)), (0, ENTRIES as u64));

    assert!(store.remove_run("r1").await.unwrap());
    assert_eq!(left(&store, 1), 0);
    assert!(!store.remove_run("r1").await.unwrap());
    let c = rusqlite::Connection::open(store.file()).unwrap();
    let rows = |table: &str| {
        c.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get::<_, i64>(0)).unwrap()
    };
    assert_eq!(["run", "run_entry", "run_entry_doc", "run_claim", "journal"].map(rows), [0; 5]);
}

#[tokio::test]
async fn a_number_is_never_given_twice() {
    let (_folder, store) = fresh();
    let first = begin(&store, "r1", "m");
    finish(&store, "r1", RunState::Success);
    store.prune_runs("m", 0, None).await.unwrap();
    assert!(store.read_blocking(|r| r.run("r1")).unwrap().is_none());
    assert!(begin(&store, "r2", "m") > first, "mirrors would take the new run's reads for the old one's");
    let entries = store.read_blocking(|r| r.entry_count(first, &EntryFilter::default())).unwrap();
    assert_eq!(entries, 0);
}

#[test]
fn what_was_sent_is_in_doubt_until_it_is_settled() {
    let (_folder, store) = fresh();
    let create = JournalRow {
        operation: Operation::Create,
        target_id: None,
        run: None,
        entry: None,
        ..journal_row("r")
    };
    let delete = JournalRow { operation: Operation::Delete, mapping: "b".into(), ..journal_row("r") };
    let rows = vec![create.clone(), journal_row("r"), delete];
    let numbers = store.write_blocking(move |w| w.journal_sending(&rows, AT)).unwrap();
    assert!(numbers.is_sorted() && numbers.len() == 3);
    let in_doubt = || store.read_blocking(|r| r.in_doubt("a")).unwrap();
    assert_eq!(
        in_doubt(),
        [JournalRow { seq: numbers[0], ..create }, JournalRow { seq: numbers[1], ..journal_row("r") }]
    );
    let (first, second) = (numbers[0], numbers[1]);
    store
        .write_blocking(move |w| w.journal_settled(first, JournalState::Done, Some("new"), None, AT))
        .unwrap();
    store
        .write_blocking(move |w| w.journal_settled(second, JournalState::Failed, None, Some("refused"), AT))
        .unwrap();
    assert_eq!(in_doubt(), []);
    let c = rusqlite::Connection::open(store.file()).unwrap();
    let mut statement = c.prepare("SELECT seq FROM journal ORDER BY seq").unwrap();
    let left: Vec<i64> =
        statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap();
    assert_eq!(left, numbers[1..], "what no run sent is gone with its doubt");
    let other = store.read_blocking(|r| r.in_doubt("b")).unwrap();
    assert_eq!(other.iter().map(|r| r.operation).collect::<Vec<_>>(), [Operation::Delete]);
}
