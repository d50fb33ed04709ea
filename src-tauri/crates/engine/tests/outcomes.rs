//! What becomes of a batch of which some is refused, some is lost and some cannot be looked for; and by which id a record is
//! known that was made here.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods)]

mod support;

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use connector::{
    Change, Connector, ConnectorError, Creation, Descriptor, ErrorKind, ObjectTypeSchema, Outcome, Pages,
    RemoteObject, Search, TestReport, Usage,
};
use engine::{Connectors, Engine, EngineError};
use futures::StreamExt as _;
use jiff::Timestamp;
use sandbox::hubspot::{Options, Portal};
use serde_json::json;
use store::{EntryStatus, NewLink, Operation, RunMode, RunState, Store};
use support::{Bench, INBOUND, OUTBOUND, bench, links, outbound, prop};

/// How a way to HubSpot is bent.
#[derive(Default)]
struct Bends {
    /// Ids are spelt with capitals, which are of no account when they are asked for.
    capitals: bool,
    /// Looking by id or by key fails.
    blind: bool,
    /// Who is made by somebody else just before.
    overtaken: Option<String>,
    /// Whose answer is lost once, after the work is done.
    lost: Option<String>,
    /// The answer to an update is lost, after the work is done, and from then on looking fails.
    cut_off: bool,
    /// The first record that is made is linked to somebody else before its answer comes.
    claimed: Option<Store>,
}

/// HubSpot, by a way that is bent.
struct Bent {
    inner: Arc<dyn Connector>,
    portal: Portal,
    bends: Arc<Mutex<Bends>>,
}

impl Bent {
    fn outward(&self, object: RemoteObject) -> RemoteObject {
        let uid = if self.bends.lock().unwrap().capitals { format!("AbC{}", object.uid) } else { object.uid };
        RemoteObject { uid, ..object }
    }

    fn inward(uid: &str) -> String {
        uid.to_lowercase().trim_start_matches("abc").to_owned()
    }

    fn look(&self) -> Result<(), ConnectorError> {
        match self.bends.lock().unwrap().blind {
            true => Err(ConnectorError::new(ErrorKind::Unavailable, "nobody sees anything")),
            false => Ok(()),
        }
    }

    fn outcome(&self, outcome: Outcome) -> Outcome {
        match outcome {
            Outcome::Done(object) => Outcome::Done(self.outward(object)),
            Outcome::Conflict { existing, reason } => {
                let existing = self.outward(RemoteObject { uid: existing, ..RemoteObject::default() }).uid;
                Outcome::Conflict { existing, reason }
            }
            other => other,
        }
    }
}

#[async_trait]
impl Connector for Bent {
    fn descriptor(&self) -> &Descriptor {
        self.inner.descriptor()
    }

    fn usage(&self) -> Usage {
        self.inner.usage()
    }

    async fn test(&self) -> Result<TestReport, ConnectorError> {
        self.inner.test().await
    }

    async fn schema(&self, object_type: &str) -> Result<ObjectTypeSchema, ConnectorError> {
        self.inner.schema(object_type).await
    }

    fn search(&self, search: Search) -> Pages<'_> {
        Box::pin(self.inner.search(search).map(|page| {
            page.map(|mut page| {
                page.objects = page.objects.into_iter().map(|object| self.outward(object)).collect();
                page
            })
        }))
    }

    async fn read(
        &self,
        object_type: &str,
        uids: &[String],
        attributes: &[String],
    ) -> Result<Vec<RemoteObject>, ConnectorError> {
        self.look()?;
        let uids: Vec<String> = uids.iter().map(|uid| Self::inward(uid)).collect();
        let found = self.inner.read(object_type, &uids, attributes).await?;
        Ok(found.into_iter().map(|object| self.outward(object)).collect())
    }

    async fn find_by_key(
        &self,
        object_type: &str,
        values: &[String],
        attributes: &[String],
    ) -> Result<Vec<RemoteObject>, ConnectorError> {
        self.look()?;
        let found = self.inner.find_by_key(object_type, values, attributes).await?;
        Ok(found.into_iter().map(|object| self.outward(object)).collect())
    }

    async fn create(&self, object_type: &str, batch: &[Creation]) -> Vec<Outcome> {
        let (overtaken, lost, claimed) = {
            let mut bends = self.bends.lock().unwrap();
            (bends.overtaken.take(), bends.lost.take(), bends.claimed.take())
        };
        if let Some(email) = overtaken {
            self.portal.create(&[("email", &email), ("lastname", "Somebody")]).unwrap();
        }
        let outcomes = self.inner.create(object_type, batch).await;
        if let (Some(store), Some(Outcome::Done(made))) = (claimed, outcomes.first()) {
            let link = NewLink {
                space: links(OUTBOUND),
                source_id: "somebody else".into(),
                target_id: made.uid.clone(),
                source_hash: None,
                target_hash: None,
                version: 0,
                base_source: model::Attributes::new(),
                base_target: model::Attributes::new(),
            };
            store.write(move |w| w.put_link(&link, "2026-01-01T00:00:00Z")).await.unwrap();
        }
        let whose =
            |item: &Creation| item.attributes.get("email").and_then(|e| e.as_str()).map(str::to_owned);
        let told =
            batch.iter().zip(outcomes).map(|(item, outcome)| match lost.is_some() && whose(item) == lost {
                true => Outcome::Unknown { reason: "no answer came".into() },
                false => self.outcome(outcome),
            });
        told.collect()
    }

    async fn update(&self, object_type: &str, batch: &[Change]) -> Vec<Outcome> {
        let batch: Vec<Change> =
            batch.iter().map(|c| Change { uid: Self::inward(&c.uid), ..c.clone() }).collect();
        let outcomes = self.inner.update(object_type, &batch).await;
        let mut bends = self.bends.lock().unwrap();
        if std::mem::take(&mut bends.cut_off) {
            bends.blind = true;
            return vec![Outcome::Unknown { reason: "no answer came".into() }; outcomes.len()];
        }
        drop(bends);
        outcomes.into_iter().map(|outcome| self.outcome(outcome)).collect()
    }

    async fn delete(&self, object_type: &str, uids: &[String]) -> Vec<Outcome> {
        let uids: Vec<String> = uids.iter().map(|uid| Self::inward(uid)).collect();
        self.inner.delete(object_type, &uids).await
    }
}

struct Only(Arc<dyn Connector>);

#[async_trait]
impl Connectors for Only {
    async fn connector(&self, _name: &str) -> Result<Arc<dyn Connector>, EngineError> {
        Ok(Arc::clone(&self.0))
    }
}

/// A bench whose engine goes the bent way, and people whom HubSpot does not know.
async fn bent(bends: Bends, people: usize) -> (Bench, Arc<Mutex<Bends>>) {
    let mut bench = bench(Options { records: 0, seed: 5, ..Options::default() }).await;
    for n in 0..people {
        let attributes =
            json!({"userName": format!("u{n}"), "givenName": "New", "sn": "Person", "mail": mail(n)});
        bench
            .engine
            .save_managed(engine::ManagedChange {
                kind: "user".into(),
                id: None,
                rev: None,
                attributes: attributes.as_object().unwrap().clone(),
                who: "test".into(),
            })
            .await
            .unwrap();
    }
    let bends = Arc::new(Mutex::new(bends));
    let clock: Arc<dyn model::Clock> = Arc::new(Timestamp::now);
    let inner = support::hubspot(&bench.sandbox.url(), Arc::clone(&clock));
    let way = Bent { inner, portal: bench.sandbox.portal(), bends: Arc::clone(&bends) };
    let connectors = Arc::new(Only(Arc::new(way)));
    bench.engine = Engine::new(bench.store.clone(), connectors, clock, bench.folder.path().to_path_buf());
    (bench, bends)
}

fn mail(n: usize) -> String {
    format!("p{n}@example.org")
}

/// The e-mail addresses of the portal, in order.
fn emails(bench: &Bench) -> Vec<String> {
    let mut emails: Vec<String> =
        bench.sandbox.portal().contacts().iter().map(|c| prop(c, "email")).collect();
    emails.sort();
    emails
}

fn everybody(people: usize) -> Vec<String> {
    let mut all: Vec<String> = (0..people).map(mail).collect();
    all.sort();
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_look_that_fails_leaves_one_in_doubt_and_not_its_batch() {
    let people = 60;
    for blind in [true, false] {
        let bends = Bends { overtaken: Some(mail(7)), lost: Some(mail(9)), blind, ..Bends::default() };
        let (bench, bends) = bent(bends, people).await;
        let run = bench.recon(OUTBOUND).await;
        assert_eq!(run.state, RunState::Success, "{:?}", run.message);
        let entries = bench.entries(&run).await;
        let of = |n: usize| {
            let entry = entries.iter().find(|e| e.changes.iter().any(|c| c.after == mail(n)));
            let entry = entry.unwrap();
            (entry.status, entry.reason.clone())
        };
        let failed: Vec<_> = entries.iter().filter(|e| e.status == EntryStatus::Failed).collect();
        let open = bench.store.read(|r| r.in_doubt(OUTBOUND)).await.unwrap();
        if blind {
            assert_eq!((failed.len(), open.len()), (2, 1), "{failed:#?}");
            assert_eq!(run.progress.created, people as u64 - 2);
            assert!(of(7).1.contains("cannot be read: nobody sees anything"), "{}", of(7).1);
            assert!(of(9).1.contains("no answer came; nobody sees anything"), "{}", of(9).1);
        } else {
            assert_eq!((failed.len(), open.len()), (0, 0), "{failed:#?}");
        }
        bends.lock().unwrap().blind = false;
        let next = bench.recon(OUTBOUND).await;
        let found = u64::from(blind);
        assert_eq!((next.state, next.progress.created), (RunState::Success, 0), "{:?}", next.message);
        assert_eq!((next.progress.found_done, emails(&bench)), (found, everybody(people)));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_made_here_is_known_by_the_id_that_reads_know_it_by() {
    let people = 12;
    let bends = Bends { capitals: true, overtaken: Some(mail(3)), lost: Some(mail(4)), ..Bends::default() };
    let (bench, _) = bent(bends, people).await;
    bench.put(outbound(json!({"targetIdsCaseSensitive": false}))).await;
    // One more was sent by a process that ended before its answer.
    bench
        .sandbox
        .portal()
        .create(&[("email", &mail(5)), ("firstname", "New"), ("lastname", "Person")])
        .unwrap();
    let id = bench.user_by_mail(&mail(5)).await.id;
    bench.sending(&id, None, json!({"email": mail(5)})).await;
    let run = bench.recon(OUTBOUND).await;
    assert_eq!((run.state, run.progress.found_done), (RunState::Success, 1), "{:?}", run.message);
    for (user, mail) in bench.users().await {
        let space = store::LinkSpace { orientation: store::Orientation::Backward, ..links(INBOUND) };
        let link = bench.store.read(move |r| r.link_of_source(&space, &user)).await.unwrap().unwrap();
        assert!(link.target_id.starts_with("abc"), "{mail}: {}", link.target_id);
    }
    for run in [bench.recon(OUTBOUND).await, bench.recon(OUTBOUND).await] {
        let wrong: Vec<_> = bench
            .entries(&run)
            .await
            .into_iter()
            .filter(|e| e.situation != model::Situation::Confirmed)
            .collect();
        assert!(wrong.is_empty(), "{wrong:#?}");
        assert_eq!(run.progress.created, 0);
    }
    assert_eq!(emails(&bench), everybody(people));
}

/// The mapping asks for nobody, and looks at links of its own.
async fn without_correlation(bench: &Bench) {
    let mut alone = outbound(json!({}));
    alone.as_object_mut().unwrap().retain(|key, _| key != "links" && key != "correlationQuery");
    bench.put(alone).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_update_of_a_record_that_was_to_be_created_is_in_the_journal_as_what_it_is() {
    let bends = Bends { overtaken: Some(mail(0)), cut_off: true, ..Bends::default() };
    let (bench, bends) = bent(bends, 1).await;
    without_correlation(&bench).await;
    let run = bench.recon(OUTBOUND).await;
    assert_eq!(run.state, RunState::Success, "{:?}", run.message);
    let contact = bench.contact(&mail(0));
    assert_eq!(prop(&contact, "lastname"), "Person", "it was written");
    let open = bench.store.read(|r| r.in_doubt(OUTBOUND)).await.unwrap();
    let sent: Vec<_> = open.iter().map(|row| (row.operation, row.target_id.clone())).collect();
    assert_eq!(sent, [(Operation::Update, Some(contact.id.clone()))]);

    bends.lock().unwrap().blind = false;
    let next = bench.recon(OUTBOUND).await;
    assert_eq!((next.progress.found_done, next.progress.created), (1, 0), "{:?}", next.message);
    // What an undo takes back is what it had, and the link; it was there before.
    let begun = bench.engine.begin_undo(&run.id, RunMode::Reconcile, None).await.unwrap();
    let undone = bench.engine.carry_out(begun, engine::CancellationToken::new()).await.unwrap();
    assert_eq!((undone.state, undone.progress.deleted), (RunState::Success, 0), "{:?}", undone.message);
    assert_eq!(prop(&bench.contact(&mail(0)), "lastname"), "Somebody");
    assert_eq!(bench.store.read(|r| r.link_count(OUTBOUND)).await.unwrap(), 0);
}

/// Whoever finds it has no answer that tells what was refused; the record does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_arrived_of_a_change_that_was_refused_in_part_is_taken_back() {
    let (bench, bends) = bent(Bends::default(), 2).await;
    let mut mapping = outbound(json!({}));
    mapping["properties"].as_array_mut().unwrap().push(json!({"source": "made", "target": "createdate"}));
    bench.put(mapping).await;
    bench.recon(OUTBOUND).await;
    let users = bench.users().await;
    let (id, mail) = &users[0];
    bench.edit(id, json!({"sn": "Changed", "made": "2020-01-01T00:00:00Z"})).await;
    bends.lock().unwrap().cut_off = true;
    let run = bench.recon(OUTBOUND).await;
    assert_eq!(bench.store.read(|r| r.in_doubt(OUTBOUND)).await.unwrap().len(), 1, "{:?}", run.message);
    assert_eq!(prop(&bench.contact(mail), "lastname"), "Changed");

    bends.lock().unwrap().blind = false;
    let begun = bench.engine.begin_undo(&run.id, RunMode::Reconcile, None).await.unwrap();
    let undone = bench.engine.carry_out(begun, engine::CancellationToken::new()).await.unwrap();
    assert_eq!((undone.state, undone.progress.updated), (RunState::Success, 1), "{:?}", undone.message);
    assert_eq!(prop(&bench.contact(mail), "lastname"), "Person");
    let entries = bench.entries(&run).await;
    let failed: Vec<_> = entries.iter().filter(|entry| entry.status == EntryStatus::Failed).collect();
    assert_eq!(failed.len(), 1);
    assert!(failed[0].reason.contains("without createdate"), "{}", failed[0].reason);
}

/// A contact that was merged has the addresses of two people.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_two_were_to_be_created_as_is_one_source_s_alone() {
    for correlated in [false, true] {
        let (bench, _) = bent(Bends::default(), 3).await;
        if !correlated {
            without_correlation(&bench).await;
        }
        let portal = bench.sandbox.portal();
        let [first, second] =
            [0, 1].map(|n| portal.create(&[("email", &mail(n)), ("lastname", "Both")]).unwrap());
        let both = portal.merge(&first, &second).unwrap();
        let primary = prop(&portal.contact(&both).unwrap(), "email");
        let run = bench.recon(OUTBOUND).await;
        assert_eq!((run.state, run.progress.created), (RunState::Success, 1), "{:?}", run.message);
        let entries = bench.entries(&run).await;
        let failed: Vec<_> = entries.iter().filter(|e| e.status == EntryStatus::Failed).collect();
        assert_eq!(failed.len(), 1, "{entries:#?}");
        let why = if correlated {
            "Another record of this run matches it"
        } else {
            "It is linked to another record"
        };
        assert!(failed[0].reason.contains(why), "{}", failed[0].reason);
        let contact = portal.contact(&both).unwrap();
        assert_eq!((prop(&contact, "lastname"), prop(&contact, "email")), ("Person".to_owned(), primary));
        let kind = if correlated { INBOUND } else { OUTBOUND };
        assert_eq!(bench.store.read(move |r| r.link_count(kind)).await.unwrap(), 2);

        let next = bench.recon(OUTBOUND).await;
        assert_eq!((next.state, next.progress.found_done, next.progress.created), (RunState::Success, 0, 0));
        assert_eq!(portal.contacts().len(), 2);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_is_linked_to_another_one_while_it_is_made_fails_alone() {
    let (bench, bends) = bent(Bends::default(), 3).await;
    without_correlation(&bench).await;
    bends.lock().unwrap().claimed = Some(bench.store.clone());
    let run = bench.recon(OUTBOUND).await;
    assert_eq!((run.state, run.progress.created), (RunState::Success, 2), "{:?}", run.message);
    let entries = bench.entries(&run).await;
    let failed: Vec<_> = entries.iter().filter(|e| e.status == EntryStatus::Failed).collect();
    assert_eq!(failed.len(), 1, "{entries:#?}");
    assert!(failed[0].reason.contains("was linked to another record meanwhile"), "{}", failed[0].reason);
    assert_eq!(bench.store.read(|r| r.in_doubt(OUTBOUND)).await.unwrap(), []);
}
