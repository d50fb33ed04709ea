//! Holds the indexes: every list and walk is run, its SQL is caught on the way, and SQLite is asked how it goes about it.

use std::{
    collections::BTreeSet,
    path::Path,
    sync::{Arc, Mutex},
};

use model::{Action, Attributes, Filter, ManagedObjectConfig, Situation};
use rusqlite::{
    Connection, OpenFlags,
    trace::{TraceEvent, TraceEventCodes},
};
use serde_json::json;

use crate::{
    EntryFilter, EntryStatus, LinkSpace, ManagedQuery, ManagedWrite, Met, NewLink, Orientation, QueueChange,
    Reader, SeenPage, Side, Standing, StoreError, Walk, Writer, database::connect, migrate::migrate,
};

/// An open repository whose statements are overheard.
struct Overheard {
    connection: Connection,
    heard: Arc<Mutex<BTreeSet<String>>>,
    _folder: tempfile::TempDir,
}

fn overheard() -> Overheard {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("concord.db");
    let mut connection = open(&file);
    let heard = Arc::new(Mutex::new(BTreeSet::new()));
    let ears = heard.clone();
    let listen = move |event: TraceEvent<'_>| {
        if let TraceEvent::Stmt(statement, _) = event {
            ears.lock().unwrap().insert(statement.sql().into_owned());
        }
    };
    connection.trace_v2(TraceEventCodes::SQLITE_TRACE_STMT, Some(listen)).unwrap();
    Overheard { connection, heard, _folder: folder }
}

fn open(file: &Path) -> Connection {
    let mut connection =
        connect(file, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE).unwrap();
    migrate(&mut connection, file).unwrap();
    connection
}

impl Overheard {
    /// How SQLite goes about each statement that this work runs.
    fn plans<T>(
        &self,
        work: impl FnOnce(&Writer<'_>) -> Result<T, StoreError>,
    ) -> Vec<(String, Vec<String>)> {
        self.heard.lock().unwrap().clear();
        work(&Writer::on(&self.connection)).unwrap();
        let heard = std::mem::take(&mut *self.heard.lock().unwrap());
        assert!(!heard.is_empty());
        heard
            .into_iter()
            .map(|sql| {
                let mut explain = self.connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
                let steps = explain.raw_query().mapped(|row| row.get(3)).collect::<Result<_, _>>().unwrap();
                (sql, steps)
            })
            .collect()
    }

    /// Every statement of this work finds its rows by an index and in their order.
    fn holds<T>(&self, name: &str, work: impl FnOnce(&Writer<'_>) -> Result<T, StoreError>) {
        for (sql, steps) in self.plans(work) {
            for step in steps {
                // Small tables; and the look for few matches, which ends early or has to see every object.
                let few = step.contains("json_each")
                    || step.contains("INDEX run_active")
                    || sql.starts_with("SELECT o.seq FROM managed_object");
                let walks = step.starts_with("SCAN") && !few;
                assert!(!walks && !step.contains("TEMP B-TREE"), "{name}: {step}\n{sql}");
            }
        }
    }
}

fn space(orientation: Orientation) -> LinkSpace {
    LinkSpace { kind: "m".into(), qualifier: "default".into(), orientation }
}

fn walks() -> Vec<(String, Walk)> {
    let (managed, remote, other) = ("managed/user", "system/hub/contact", "system/sf/Contact");
    let mut walks = Vec::new();
    for (source, target) in [(remote, managed), (managed, remote), (remote, other)] {
        for orientation in [Orientation::Forward, Orientation::Backward] {
            for ids in [None, Some(vec!["1".to_owned(), "2".to_owned()])] {
                let walk = Walk {
                    source: source.parse().unwrap(),
                    target: target.parse().unwrap(),
                    links: space(orientation),
                    version: 1,
                    ids,
                };
                let name = format!("{source} -> {target} {orientation:?} ids: {}", walk.ids.is_some());
                walks.push((name, walk));
            }
        }
    }
    walks
}

#[test]
fn walks_go_by_key() {
    let repository = overheard();
    for (name, walk) in walks() {
        repository.holds(&name, |w| w.candidates(&walk, "a", 10));
        repository.holds(&name, |w| w.targets_stand(&walk));
        repository.holds(&name, |w| w.changed_sources(&walk, "a", 10));
        for standing in [Standing::Any, Standing::Linked, Standing::Unlinked, Standing::Dangling] {
            repository.holds(&name, |w| w.associations(&walk, standing, "a", 10));
        }
        for qualifiers in [vec!["default".to_owned()], vec!["default".to_owned(), "admin".to_owned()]] {
            repository.holds(&name, |w| w.unaccounted_targets(&walk, &qualifiers, 1, "a", 10));
        }
        repository.holds(&name, |w| Ok((w.source(&walk, "a")?, w.target(&walk, "a")?)));
        repository.holds(&name, |w| Ok((w.source_count(&walk)?, w.target_count(&walk)?)));
    }
    for side in [Side::First, Side::Second] {
        repository.holds("unseen", |w| {
            let met = Met::nothing(1);
            w.linked_but_unseen("system/hub/contact", None, &space(Orientation::Forward), side, "a", 10)?;
            w.linked_but_unseen("system/hub/contact", Some(&met), &space(Orientation::Forward), side, "a", 10)
        });
    }
    for o in [Orientation::Forward, Orientation::Backward] {
        repository.holds("links", |w| {
            w.link_of_source(&space(o), "a")?;
            w.link_of_target(&space(o), "a")?;
            w.link_count("m")?;
            w.unsettle_link(&space(o), "a", None)?;
            w.remove_link(&space(o), "a")
        });
    }
}

#[test]
fn linked_sources_of_two_qualifiers_are_merged_and_not_gathered() {
    let repository = overheard();
    for (name, walk) in walks() {
        let plans = repository.plans(|w| {
            for qualifier in ["default", "admin"] {
                let link = NewLink {
                    space: LinkSpace { qualifier: qualifier.into(), ..walk.links.clone() },
                    source_id: "a".into(),
                    target_id: "a".into(),
                    source_hash: None,
                    target_hash: None,
                    version: 1,
                    base_source: Attributes::new(),
                    base_target: Attributes::new(),
                };
                w.put_link(&link, "now")?;
            }
            assert_eq!(w.linked_sources(&walk)?, 1, "{name}");
            Ok(())
        });
        let (sql, steps) = plans.iter().find(|(sql, _)| sql.contains(" UNION SELECT ")).unwrap();
        let gathers = |step: &String| step.contains("TEMP B-TREE") || step.starts_with("SCAN link");
        assert!(!steps.iter().any(gathers), "{name}: {steps:?}\n{sql}");
    }
}

#[test]
fn the_mirror_goes_by_key() {
    let repository = overheard();
    let page = SeenPage {
        path: "system/hub/contact".into(),
        read: 1,
        rows: vec![("1".into(), [0; 16], json!({"email": "a"}).as_object().unwrap().clone())],
        indexed: ["email".to_owned()].into(),
    };
    let met = Met::nothing(1);
    repository.holds("page", |w| w.mirror_page(&page, "now"));
    repository.holds("one", |w| w.mirrored(&page.path, "1"));
    repository.holds("by value", |w| w.mirrored_by_value(&page.path, "email", "a", 10));
    let both = [("email".to_owned(), "a".to_owned()), ("phone".to_owned(), "1".to_owned())];
    repository.holds("by values", |w| w.mirrored_by_values(&page.path, &both, 10));
    repository.holds("forget one", |w| w.forget_mirrored(&page.path, "1"));
    repository.holds("known", |w| w.mirror_known(&page));
    repository.holds("unmet", |w| w.unmet_count(&page.path, &met));
    repository.holds("forget unmet", |w| w.forget_unmet(&page.path, &met));
    repository.holds("marks", |w| {
        w.keep_met(&page.path, 1, &[(0, vec![0; 512])])?;
        w.kept_reads(&page.path)?;
        w.met(&page.path, 1)?;
        w.drop_met(&page.path, 1)
    });
}

fn config() -> ManagedObjectConfig {
    let properties: serde_json::Map<_, _> =
        (0..10).map(|n| (format!("p{n}"), json!({"type": "string", "searchable": true}))).collect();
    serde_json::from_value(json!({"name": "user", "schema": {"properties": properties}})).unwrap()
}

#[test]
fn lists_of_managed_objects_go_by_the_index_of_their_order() {
    let repository = overheard();
    let config = config();
    let attributes = json!({"other": "x", "p0": "word"}).as_object().unwrap().clone();
    let object = ManagedWrite { config: &config, id: "1", attributes: &attributes, hash: [0; 16] };
    Writer::on(&repository.connection).insert_managed(&object, "now").unwrap();
    for sort in [None, Some(0), Some(3), Some(4), Some(7), Some(9)] {
        for descending in [false, true] {
            for after in [None, Some(r#"["x","1"]"#), Some(r#"[null,"1"]"#)] {
                // What no column answers is judged row by row, in the order of the list.
                for (filter, search) in [
                    (None, None),
                    (Some("other eq \"x\""), None),
                    (Some("p0 sw \"w\" and _id gt \"0\""), None),
                    (None, Some("wo")),
                ] {
                    let query = ManagedQuery {
                        filter: filter.map(|text| Filter::parse(text).unwrap()),
                        search: search.map(str::to_owned),
                        sort: sort.map(|n| format!("p{n}")),
                        descending,
                        after: after.map(str::to_owned),
                        limit: 10,
                    };
                    repository.holds(&format!("{query:?}"), |w| w.managed_page_when(&config, &query, 0));
                }
            }
        }
    }
    repository.holds("one", |w| Ok((w.managed("user", "1")?, w.managed_count("user")?)));
}

#[test]
fn filters_on_searchable_attributes_use_their_columns() {
    let repository = overheard();
    let config = config();
    for n in [0, 3, 4, 7] {
        for text in [
            format!("p{n} eq \"x\""),
            format!("p{n} eq 5"),
            format!("p{n} sw \"x\""),
            format!("p{n} gt \"x\" and other pr"),
            format!("p{n} eq \"x\" or p1 eq \"y\""),
        ] {
            let filter = Filter::parse(&text).unwrap();
            let index = format!("managed_object_a{n}");
            let plans = repository.plans(|w| w.managed_ids(&config, &filter, 3));
            assert!(
                plans.iter().flat_map(|(_, steps)| steps).any(|s| s.contains(&index)),
                "{text}: {plans:?}"
            );
        }
    }
}

#[test]
fn entries_runs_queue_and_history_go_by_index() {
    let repository = overheard();
    let filter = |situation, action, status| EntryFilter {
        situation,
        action,
        status,
        after: 5,
        limit: 10,
        search: None,
    };
    let (situation, action, status) =
        (Some(Situation::Absent), Some(Action::Create), Some(EntryStatus::Failed));
    for filter in [
        filter(None, None, None),
        filter(situation, None, None),
        filter(None, action, None),
        filter(None, None, status),
        filter(situation, None, status),
        filter(None, action, status),
        filter(situation, action, status),
        EntryFilter { search: Some("ann".into()), ..filter(None, None, None) },
    ] {
        repository
            .holds(&format!("{filter:?}"), |w| Ok((w.entries(1, &filter)?, w.entry_count(1, &filter)?)));
    }
    repository.holds("entries", |w| {
        w.planned(1, Action::Create, 0, 10)?;
        w.entry(1, 1)?;
        w.questions(1, 5, 10)?;
        w.updates_without_changes(1)?;
        w.target_taken(1, "t")?;
        w.settle_entry(1, 1, EntryStatus::Done, None, None, None)?;
        w.make_ambiguous(1, 1, Action::Exception, None, EntryStatus::NeedsYou, "")
    });
    repository.holds("runs", |w| {
        Ok((w.run("r")?, w.last_run("m")?, w.runs(None, Some(9), 3)?, w.runs_in(crate::RunState::Active)?))
    });
    repository.holds("journal", |w| {
        w.in_doubt("m")?;
        w.partly_written(1, "r")?;
        w.journal_settled(1, crate::JournalState::Done, None, None, "now")
    });
    repository.holds("queue", |w| {
        w.enqueue("m", "user", "1", "Ann", QueueChange::Update, None, 1, "now")?;
        let due = w.queue_due("m", 1, crate::BackOff { first_ms: 10, longest_ms: 1000 }, 10)?;
        w.queue(None, 10)?;
        w.queue(Some("failed 1"), 10)?;
        w.queue_row(1)?;
        w.queue_count_in(crate::QueueState::Failed)?;
        w.queue_of("user", "1")?;
        w.queue_for("m", crate::QueueState::Failed, 1, 10)?;
        w.sync_outcomes("user", "1")?;
        w.not_delivered(&due[0], None, "no", "now")?;
        w.delivered(&due[0], "yes", "now")
    });
    repository.holds("reads", |w| {
        w.unfinished_read("system/hub/contact")?;
        w.feed("m", "managed/user")?;
        w.newest_history()?;
        w.forget_questions("m", 1)?;
        w.answered("m", "a")?;
        w.forget_earlier_questions("m", 1)?;
        w.forget_earlier_questions_about("m", "a", 1)?;
        w.inbox_row(1)?;
        w.inbox(None, 1, 10)
    });
    repository.holds("history", |w: &Writer<'_>| Reader::history(w, "user", "1", 10));
    repository.holds("pages of history", |w| w.history_page("user", "1", Some("mail"), Some("5"), 10));
}

#[test]
fn columns_are_filled_and_protected_values_found_by_key() {
    let repository = overheard();
    let (old, new) = (ManagedObjectConfig { schema: Default::default(), ..config() }, config());
    let attributes = json!({"p0": "word"}).as_object().unwrap().clone();
    let object = ManagedWrite { config: &old, id: "1", attributes: &attributes, hash: [0; 16] };
    repository.holds("made", |w| w.insert_managed(&object, "now"));
    repository.holds("filled", |w| {
        assert!(w.set_columns(Some(&old), &new)?);
        w.managed_filling("user")?;
        w.fill_columns(&new, 10)
    });
    repository.holds("protected", |w| {
        w.put_protected_hash("user", "1", "password", "hash", "now")?;
        w.protected_hash("user", "1", "password")?;
        w.protected_set("user", "1")?;
        w.delete_managed("user", "1", None)
    });
    let attributes = json!({"p0": "a", "p1": "c", "p2": "c"}).as_object().unwrap().clone();
    Writer::on(&repository.connection)
        .insert_managed(
            &ManagedWrite { config: &new, id: "2", attributes: &attributes, hash: [0; 16] },
            "now",
        )
        .unwrap();
    repository.holds("filters whose parts all have an index", |w| {
        let filter = Some(Filter::parse("p0 sw \"a\" and p1 gt \"b\" and p2 eq \"c\"").unwrap());
        let query = ManagedQuery { filter, sort: Some("p3".into()), limit: 10, ..ManagedQuery::default() };
        w.managed_page_when(&new, &query, 0)
    });
}
