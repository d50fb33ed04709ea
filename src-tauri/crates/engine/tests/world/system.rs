//! Systems in memory. Their records outlive the processes that are connected to them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use connector::{
    Change, ChangePage, Changes, Connector, ConnectorError, Creation, Descriptor, ErrorKind, Feed,
    ObjectTypeDescriptor, ObjectTypeSchema, Outcome, Page, Pages, RemoteObject, Search, TestReport, Usage,
};
use futures::stream;
use model::Attributes;
use serde_json::Value;
use tokio::sync::Notify;

use crate::dice::{Dice, scatter};

pub const CONTACT: &str = "contact";

/// What the CRM holds.
#[derive(Debug, Clone, Default)]
pub struct Records {
    pub kept: BTreeMap<String, Attributes>,
    /// The ids of changed records, in the order of their changes.
    feed: Vec<String>,
    merged: BTreeMap<String, String>,
    last: u64,
    /// No two records have the same e-mail address.
    pub unique: bool,
    /// Writes that came over a connection and were done.
    pub written: u64,
}

impl Records {
    pub fn empty(unique: bool) -> Self {
        Self { unique, ..Self::default() }
    }

    pub fn owner(&self, email: Option<&Value>, but: &str) -> Option<String> {
        let wanted = email.and_then(Value::as_str).filter(|e| self.unique && !e.is_empty())?.to_lowercase();
        let has = |a: &Attributes| {
            a.get("email").and_then(Value::as_str).is_some_and(|e| e.to_lowercase() == wanted)
        };
        self.kept.iter().find(|(id, a)| *id != but && has(a)).map(|(id, _)| id.clone())
    }

    pub fn add(&mut self, attributes: Attributes) -> Option<String> {
        if self.owner(attributes.get("email"), "").is_some() {
            return None;
        }
        self.last += 1;
        let id = (1000 + self.last).to_string();
        self.kept.insert(id.clone(), attributes.into_iter().filter(|(_, v)| !v.is_null()).collect());
        self.feed.push(id.clone());
        Some(id)
    }

    pub fn change(&mut self, id: &str, changes: &Attributes) -> bool {
        if self.owner(changes.get("email"), id).is_some() {
            return false;
        }
        let Some(record) = self.kept.get_mut(id) else { return false };
        for (name, value) in changes {
            if value.is_null() {
                record.shift_remove(name);
            } else {
                record.insert(name.clone(), value.clone());
            }
        }
        self.feed.push(id.to_owned());
        true
    }

    pub fn remove(&mut self, id: &str) -> bool {
        self.feed.push(id.to_owned());
        self.kept.remove(id).is_some()
    }

    pub fn merge(&mut self, loser: &str, winner: &str) {
        self.remove(loser);
        self.merged.insert(loser.to_owned(), winner.to_owned());
        self.feed.push(winner.to_owned());
    }

    /// The record that one has become by merges.
    pub fn survivor(&self, id: &str) -> String {
        let mut now = id;
        while let Some(next) = self.merged.get(now).filter(|_| !self.kept.contains_key(now)) {
            now = next;
        }
        now.to_owned()
    }

    fn shown(&self, id: &str, attributes: &[String]) -> Option<RemoteObject> {
        let mut shown = self.kept.get(id)?.clone();
        shown.retain(|name, _| attributes.contains(name));
        Some(RemoteObject { uid: id.to_owned(), attributes: shown })
    }
}

/// Where a process ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Crash {
    /// Before its n-th call does anything.
    BeforeCall(u64),
    /// When its n-th call is done, and before the answer is there.
    AfterCall(u64),
    /// Once it has committed n times.
    AfterWrite(u64),
}

/// How the CRM behaves towards one process.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Manner {
    /// Pages come in the order and the sizes that this number gives.
    pub seed: u64,
    pub largest_page: usize,
    pub batch: usize,
    /// Calls and items in a hundred that go wrong.
    pub faults: u64,
    pub crash: Option<Crash>,
}

impl Manner {
    pub fn good(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        Self { seed, largest_page: 1 + dice.below(9), batch: 1 + dice.below(6), faults: 0, crash: None }
    }
}

/// What the connections of one process share: its calls are counted together, and all of them end with it.
#[derive(Default)]
pub struct Life {
    calls: AtomicU64,
    died: Notify,
}

impl Life {
    /// Waits for the end of the process.
    pub async fn ended(&self) {
        self.died.notified().await;
    }
}

/// A process's connection to one system.
pub struct Connection {
    descriptor: Descriptor,
    records: Arc<Mutex<Records>>,
    manner: Manner,
    dice: Mutex<Dice>,
    life: Arc<Life>,
}

impl Connection {
    pub fn new(title: &str, records: Arc<Mutex<Records>>, manner: Manner, life: Arc<Life>) -> Self {
        let unique = records.lock().unwrap().unique;
        let contact = ObjectTypeDescriptor {
            name: CONTACT.into(),
            batch_size: manner.batch,
            natural_key: unique.then(|| "email".to_owned()),
            writable: true,
            change_feed: true,
            modified_attribute: None,
        };
        Self {
            descriptor: Descriptor { title: title.into(), object_types: vec![contact] },
            records,
            manner,
            dice: Mutex::new(Dice::new(manner.seed)),
            life,
        }
    }

    /// A call: what it does happens between the two moments at which the process may end.
    async fn call<T>(&self, work: impl FnOnce(&mut Records, &mut Dice) -> T) -> T {
        let number = self.life.calls.fetch_add(1, Ordering::SeqCst) + 1;
        self.end_at(Crash::BeforeCall(number)).await;
        let result = work(&mut self.records.lock().unwrap(), &mut self.dice.lock().unwrap());
        self.end_at(Crash::AfterCall(number)).await;
        result
    }

    async fn end_at(&self, moment: Crash) {
        if self.manner.crash == Some(moment) {
            self.life.died.notify_one();
            futures::future::pending::<()>().await;
        }
    }

    fn breaks_off(&self, dice: &mut Dice) -> Result<(), ConnectorError> {
        if dice.percent(self.manner.faults / 4) {
            return Err(ConnectorError::new(ErrorKind::Unavailable, "the CRM is in trouble"));
        }
        Ok(())
    }

    async fn write<I>(&self, batch: &[I], one: impl Fn(&mut Records, &I) -> Outcome) -> Vec<Outcome> {
        assert!(
            batch.len() <= self.manner.batch,
            "{} items in a batch of {}",
            batch.len(),
            self.manner.batch
        );
        self.call(|records, dice| {
            batch
                .iter()
                .map(|item| {
                    let trouble = dice.percent(self.manner.faults).then(|| dice.below(6));
                    match trouble {
                        Some(0 | 1) => {
                            Outcome::Retry { after: Duration::ZERO, reason: "too many calls".into() }
                        }
                        Some(2) => Outcome::Rejected { reason: "not today".into(), attribute: None },
                        Some(3) if dice.percent(10) => Outcome::Unknown { reason: "no answer".into() },
                        lost => {
                            let outcome = one(records, item);
                            let done = matches!(outcome, Outcome::Done(_));
                            records.written += u64::from(done);
                            if done && lost.is_some() {
                                Outcome::Unknown { reason: "the answer was lost".into() }
                            } else {
                                outcome
                            }
                        }
                    }
                })
                .collect()
        })
        .await
    }
}

/// Where a record stands in the list that this seed gives.
fn place(seed: u64, id: &str) -> String {
    format!("{:016x}", scatter(seed ^ id.parse::<u64>().unwrap()))
}

#[async_trait]
impl Connector for Connection {
    fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    fn usage(&self) -> Usage {
        Usage { calls: self.life.calls.load(Ordering::SeqCst), ..Usage::default() }
    }

    async fn test(&self) -> Result<TestReport, ConnectorError> {
        Ok(TestReport::default())
    }

    async fn schema(&self, object_type: &str) -> Result<ObjectTypeSchema, ConnectorError> {
        Err(ConnectorError::unsupported("crm", format!("schemas of {object_type}")))
    }

    fn search(&self, search: Search) -> Pages<'_> {
        // A cursor goes on in the order in which it began, whoever takes it up.
        let (seed, first) = match search.after.as_deref().and_then(|after| after.split_once('/')) {
            Some((seed, after)) => (seed.parse().unwrap(), after.to_owned()),
            None => (self.manner.seed, String::new()),
        };
        Box::pin(stream::unfold(Some(first), move |after| {
            let attributes = search.attributes.clone();
            async move {
                let after = after?;
                let page = self
                    .call(|records, dice| {
                        self.breaks_off(dice)?;
                        let most = 1 + dice.below(self.manner.largest_page);
                        let mut ids: Vec<(String, &String)> =
                            records.kept.keys().map(|id| (place(seed, id), id)).collect();
                        ids.retain(|(place, _)| *place > after);
                        ids.sort();
                        let more = ids.len() > most;
                        ids.truncate(most);
                        let next = ids.last().filter(|_| more).map(|(place, _)| format!("{seed}/{place}"));
                        let objects =
                            ids.iter().filter_map(|(_, id)| records.shown(id, &attributes)).collect();
                        Ok(Page { objects, next, repeated: 0 })
                    })
                    .await;
                let next = page.as_ref().ok().and_then(|p: &Page| p.next.as_deref()?.split_once('/'));
                let next = next.map(|(_, after)| after.to_owned());
                Some((page, next))
            }
        }))
    }

    fn changes(&self, feed: Feed) -> Changes<'_> {
        let first = Some(feed.since.clone());
        Box::pin(stream::unfold(first, move |since| {
            let attributes = feed.attributes.clone();
            async move {
                let since = since?;
                let page = self
                    .call(|records, dice| {
                        self.breaks_off(dice)?;
                        let newest = records.feed.len();
                        let Some(since) = since.map(|s| s.parse::<usize>().unwrap()) else {
                            return Ok((
                                ChangePage { cursor: newest.to_string(), ..ChangePage::default() },
                                true,
                            ));
                        };
                        let upto = newest.min(since + 1 + dice.below(self.manner.largest_page));
                        let touched: BTreeSet<&String> = records.feed[since..upto].iter().collect();
                        let mut page = ChangePage { cursor: upto.to_string(), ..ChangePage::default() };
                        for id in touched {
                            match records.shown(id, &attributes) {
                                Some(object) => page.objects.push(object),
                                None => page.deleted.push(id.clone()),
                            }
                        }
                        Ok((page, upto == newest))
                    })
                    .await;
                match page {
                    Ok((page, last)) => {
                        let next = (!last).then(|| Some(page.cursor.clone()));
                        Some((Ok(page), next))
                    }
                    Err(error) => Some((Err(error), None)),
                }
            }
        }))
    }

    async fn read(
        &self,
        _object_type: &str,
        uids: &[String],
        attributes: &[String],
    ) -> Result<Vec<RemoteObject>, ConnectorError> {
        self.call(|records, dice| {
            self.breaks_off(dice)?;
            let mut found: Vec<_> = uids.iter().filter_map(|id| records.shown(id, attributes)).collect();
            found.reverse();
            Ok(found)
        })
        .await
    }

    async fn moved(
        &self,
        _object_type: &str,
        uids: &[String],
    ) -> Result<Vec<(String, String)>, ConnectorError> {
        self.call(|records, _| {
            let moved = uids.iter().map(|id| (id.clone(), records.survivor(id)));
            Ok(moved.filter(|(id, now)| id != now && records.kept.contains_key(now)).collect())
        })
        .await
    }

    async fn find_by_key(
        &self,
        _object_type: &str,
        values: &[String],
        attributes: &[String],
    ) -> Result<Vec<RemoteObject>, ConnectorError> {
        let values: Vec<String> = values.iter().map(|v| v.to_lowercase()).collect();
        self.call(|records, dice| {
            self.breaks_off(dice)?;
            let has = |a: &Attributes| {
                a.get("email").and_then(Value::as_str).is_some_and(|e| values.contains(&e.to_lowercase()))
            };
            let ids: Vec<&String> = records.kept.iter().filter(|(_, a)| has(a)).map(|(id, _)| id).collect();
            Ok(ids.into_iter().filter_map(|id| records.shown(id, attributes)).collect())
        })
        .await
    }

    async fn create(&self, _object_type: &str, batch: &[Creation]) -> Vec<Outcome> {
        self.write(batch, |records, item| {
            if let Some(existing) = records.owner(item.attributes.get("email"), "") {
                return Outcome::Conflict { existing, reason: "there is such a contact.".into() };
            }
            let uid = records.add(item.attributes.clone()).unwrap();
            Outcome::Done(RemoteObject { uid, attributes: item.attributes.clone() })
        })
        .await
    }

    async fn update(&self, _object_type: &str, batch: &[Change]) -> Vec<Outcome> {
        self.write(batch, |records, item| {
            if !records.kept.contains_key(&item.uid) {
                return Outcome::Gone;
            }
            if records.change(&item.uid, &item.attributes) {
                Outcome::Done(RemoteObject { uid: item.uid.clone(), attributes: item.attributes.clone() })
            } else {
                Outcome::Rejected { reason: "another contact has this address".into(), attribute: None }
            }
        })
        .await
    }

    async fn delete(&self, _object_type: &str, uids: &[String]) -> Vec<Outcome> {
        self.write(uids, |records, uid| {
            if records.remove(uid) {
                Outcome::Done(RemoteObject { uid: uid.clone(), ..RemoteObject::default() })
            } else {
                Outcome::Gone
            }
        })
        .await
    }
}
