//! Systems that list their records oddly: ids that change their case, ids that come twice. And IDM's summary of a first load.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a failed expectation in a helper is a failed test"
)]

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use connector::{
    Change, Connector, ConnectorError, Creation, Descriptor, ObjectTypeDescriptor, ObjectTypeSchema, Outcome,
    Page, Pages, RemoteObject, Search, TestReport, Usage,
};
use engine::{CancellationToken, Connectors, Engine, EngineError, RunRequest};
use futures::stream;
use jiff::Timestamp;
use model::MappingConfig;
use serde_json::{Value, json};
use store::{LinkSpace, Orientation, Run, RunMode, RunState, Store};

/// Lists these records as they are told, however odd.
struct Odd {
    descriptor: Descriptor,
    records: Mutex<Vec<(String, Value)>>,
}

impl Odd {
    fn object((uid, attributes): &(String, Value)) -> RemoteObject {
        RemoteObject { uid: uid.clone(), attributes: attributes.as_object().unwrap().clone() }
    }

    fn set(&self, records: &[(&str, Value)]) {
        *self.records.lock().unwrap() = records.iter().map(|(id, v)| ((*id).to_owned(), v.clone())).collect();
    }
}

#[async_trait]
impl Connector for Odd {
    fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    fn usage(&self) -> Usage {
        Usage::default()
    }

    async fn test(&self) -> Result<TestReport, ConnectorError> {
        Ok(TestReport::default())
    }

    async fn schema(&self, _: &str) -> Result<ObjectTypeSchema, ConnectorError> {
        Ok(ObjectTypeSchema::default())
    }

    fn search(&self, _: Search) -> Pages<'_> {
        let objects: Vec<RemoteObject> = self.records.lock().unwrap().iter().map(Self::object).collect();
        Box::pin(stream::iter([Ok(Page { objects, next: None, repeated: 0 })]))
    }

    async fn read(
        &self,
        _: &str,
        uids: &[String],
        _: &[String],
    ) -> Result<Vec<RemoteObject>, ConnectorError> {
        let asked = |id: &str| uids.iter().any(|uid| uid.eq_ignore_ascii_case(id));
        Ok(self.records.lock().unwrap().iter().filter(|(id, _)| asked(id)).map(Self::object).collect())
    }

    async fn find_by_key(
        &self,
        _: &str,
        _: &[String],
        _: &[String],
    ) -> Result<Vec<RemoteObject>, ConnectorError> {
        Ok(Vec::new())
    }

    async fn create(&self, _: &str, batch: &[Creation]) -> Vec<Outcome> {
        batch.iter().map(|_| Outcome::Gone).collect()
    }

    async fn update(&self, _: &str, batch: &[Change]) -> Vec<Outcome> {
        batch.iter().map(|_| Outcome::Gone).collect()
    }

    async fn delete(&self, _: &str, uids: &[String]) -> Vec<Outcome> {
        uids.iter().map(|_| Outcome::Gone).collect()
    }
}

struct Only(Arc<Odd>);

#[async_trait]
impl Connectors for Only {
    async fn connector(&self, _: &str) -> Result<Arc<dyn Connector>, EngineError> {
        Ok(self.0.clone())
    }
}

struct Place {
    odd: Arc<Odd>,
    store: Store,
    engine: Engine,
    _folder: tempfile::TempDir,
}

async fn place(more: Value) -> Place {
    let odd = Arc::new(Odd {
        descriptor: Descriptor {
            title: "Odd".into(),
            object_types: vec![ObjectTypeDescriptor {
                name: "person".into(),
                batch_size: 10,
                natural_key: None,
                writable: true,
                change_feed: false,
                modified_attribute: None,
            }],
        },
        records: Mutex::default(),
    });
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let engine = Engine::new(
        store.clone(),
        Arc::new(Only(odd.clone())),
        Arc::new(Timestamp::now),
        folder.path().to_path_buf(),
    );
    let mut mapping = json!({
        "name": "odd_user", "source": "system/odd/person", "target": "managed/user",
        "properties": [
            {"source": "name", "target": "userName"}, {"source": "mail", "target": "mail"},
            {"source": "name", "target": "givenName"}, {"source": "name", "target": "sn"}
        ]
    });
    mapping.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let config = MappingConfig::from_value(mapping).unwrap();
    store.write(move |w| w.put_mapping(&config, "2026-01-01T00:00:00Z")).await.unwrap();
    Place { odd, store, engine, _folder: folder }
}

impl Place {
    async fn recon(&self) -> Run {
        let request = RunRequest {
            mapping: "odd_user".into(),
            mode: RunMode::Reconcile,
            ids: Vec::new(),
            allow_deletes: None,
            incremental: false,
        };
        let begun = self.engine.begin(request).await.unwrap();
        self.engine.carry_out(begun, CancellationToken::new()).await.unwrap()
    }

    async fn linked(&self, id: &'static str) -> bool {
        let space = LinkSpace {
            kind: "odd_user".into(),
            qualifier: "default".into(),
            orientation: Orientation::Forward,
        };
        self.store.read(move |r| r.link_of_source(&space, id)).await.unwrap().is_some()
    }
}

fn person(name: &str) -> Value {
    json!({"name": name, "mail": format!("{name}@example.com")})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ids_that_differ_by_case_are_one_record_only_where_the_mapping_says_so() {
    for (more, users) in [(json!({}), 2), (json!({"sourceIdsCaseSensitive": false}), 1)] {
        let folded = users == 1;
        let place = place(more).await;
        place.odd.set(&[("AbC", person("ann"))]);
        assert_eq!(place.recon().await.progress.created, 1);
        assert_eq!((place.linked("abc").await, place.linked("AbC").await), (folded, !folded));
        // The system spells the same id otherwise today.
        place.odd.set(&[("aBc", json!({"name": "anna", "mail": "anna@example.com"}))]);
        let run = place.recon().await;
        let expect = if folded { (1, 0) } else { (0, 1) };
        assert_eq!(
            (run.progress.updated, run.progress.created),
            expect,
            "folded: {folded} {:?}",
            run.message
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_id_that_is_listed_twice_is_one_record() {
    let place = place(json!({})).await;
    place.odd.set(&[("1", person("ann")), ("2", person("bob")), ("1", person("ann"))]);
    let run = place.recon().await;
    assert_eq!((run.state, run.progress.created, run.progress.source_total), (RunState::Success, 2, Some(2)));
    assert_eq!(place.recon().await.progress.unchanged, 2);
}

/// Nine sources of which one has no name to make a user of, as in the first load of IDM's Salesforce sample.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_summary_of_a_first_load_is_idms() {
    let place = place(json!({})).await;
    let names = ["ann", "bob", "cy", "dee", "eve", "fay", "gus", "hal"];
    let ids: Vec<String> = (1..=9).map(|n| n.to_string()).collect();
    let mut records: Vec<(&str, Value)> =
        ids.iter().map(String::as_str).zip(names.iter().map(|name| person(name))).collect();
    records.push(("9", json!({"mail": "nobody@example.com"})));
    place.odd.set(&records);
    let run = place.recon().await;
    let (seq, name) = (run.seq, run.mapping.clone());
    let (counts, row) =
        place.store.read(move |r| Ok((r.entry_counts(seq)?, r.mapping(&name)?))).await.unwrap();
    let mut summary = engine::summary(&run, row.as_ref().map(|m| &m.config), &counts, 6447);
    for (key, value) in [("_id", json!("ID")), ("started", json!("THEN")), ("ended", json!("NOW"))] {
        assert!(summary[key].as_str().is_some_and(|text| !text.is_empty()), "{key}");
        summary[key] = value;
    }
    for phase in ["sourceQuery", "sourcePhase", "updateTargetObject"] {
        assert!(summary["durationSummary"][phase]["count"] == 1, "{phase}");
    }
    let fields = summary.as_object_mut().unwrap();
    fields.shift_remove("durationSummary");
    fields.shift_remove("concord");
    assert_eq!(
        summary,
        json!({
            "_id": "ID",
            "mapping": "odd_user",
            "state": "SUCCESS",
            "stage": "COMPLETED_SUCCESS",
            "stageDescription": "reconciliation completed.",
            "progress": {
                "source": {"existing": {"processed": 9, "total": "9"}},
                "target": {"existing": {"processed": 0, "total": "0"}, "created": 8, "unchanged": 0, "updated": 0, "deleted": 0},
                "links": {"existing": {"processed": 0, "total": "0"}, "created": 8}
            },
            "situationSummary": {
                "CONFIRMED": 0, "FOUND": 0, "FOUND_ALREADY_LINKED": 0, "ABSENT": 9, "AMBIGUOUS": 0, "MISSING": 0,
                "UNQUALIFIED": 0, "UNASSIGNED": 0, "SOURCE_MISSING": 0, "SOURCE_IGNORED": 0, "TARGET_IGNORED": 0,
                "LINK_ONLY": 0, "ALL_GONE": 0
            },
            "statusSummary": {"SUCCESS": 8, "FAILURE": 1},
            "parameters": {
                "sourceQuery": {"resourceName": "system/odd/person", "_queryFilter": "true"},
                "targetQuery": {"resourceName": "managed/user", "_queryFilter": "true"}
            },
            "started": "THEN",
            "ended": "NOW",
            "duration": 6447,
            "sourceProcessedByNode": {}
        })
    );
}
