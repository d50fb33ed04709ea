//! A CRM that makes its records up: page after page of JSON text as it would come over the wire, parsed like that of a
//! provider. What is written to it is counted and forgotten.

use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use connector::{
    Change, ChangePage, Changes, Connector, ConnectorError, Creation, Descriptor, Feed, ObjectTypeDescriptor,
    ObjectTypeSchema, Outcome, Page, Pages, RemoteObject, Search, TestReport, Usage,
};
use futures::stream;
use model::Attributes;
use serde::Deserialize;

use crate::made_up::{address, family};

/// Records in a page and in a batch: HubSpot's.
pub const PAGE: u64 = 100;

/// Every so manieth record differs from one round to the next.
pub const CHANGED: u64 = 100;

/// A page on the wire.
#[derive(Deserialize)]
struct Wire {
    results: Vec<WireRecord>,
}

#[derive(Deserialize)]
struct WireRecord {
    id: String,
    properties: Attributes,
}

/// A connection to it.
pub struct Source {
    descriptor: Descriptor,
    records: u64,
    /// How often one record in a hundred has changed.
    round: u64,
    calls: AtomicU64,
    made: AtomicU64,
}

impl Source {
    /// A source of this many records; one without records takes what is written to it.
    pub fn new(records: u64, round: u64) -> Self {
        let contact = ObjectTypeDescriptor {
            name: "contact".into(),
            batch_size: usize::try_from(PAGE).unwrap_or(100),
            natural_key: Some("email".into()),
            writable: true,
            change_feed: true,
            modified_attribute: None,
        };
        let descriptor = Descriptor { title: "CRM".into(), object_types: vec![contact] };
        Self { descriptor, records, round, calls: AtomicU64::new(0), made: AtomicU64::new(0) }
    }

    /// The text of a page that begins after this many records.
    pub fn text(&self, numbers: impl Iterator<Item = u64>) -> String {
        const FIRST: [&str; 8] = ["Ann", "Bo", "Cy", "Dee", "Éva", "Fay", "Gus", "Hal"];
        let mut text = String::with_capacity(32 * 1024);
        text.push_str(r#"{"results":["#);
        for (i, n) in numbers.enumerate() {
            if i > 0 {
                text.push(',');
            }
            let first = FIRST[(n % 8) as usize];
            let round = if n % CHANGED == 0 { self.round } else { 0 };
            text.push_str(&format!(
                r#"{{"id":"{id}","properties":{{"createdate":"2026-01-01T00:00:00.000Z","email":"{mail}","firstname":"{first}","hs_object_id":"{id}","lastmodifieddate":"2026-02-01T00:00:00.000Z","lastname":"{family} {round}","phone":"+1 555 {phone:07}"}},"createdAt":"2026-01-01T00:00:00.000Z","updatedAt":"2026-02-01T00:00:00.000Z","archived":false}}"#,
                id = 100_000_000 + n,
                mail = address(n),
                family = family(n),
                phone = n % 10_000_000,
            ));
        }
        text.push_str("]}");
        text
    }

    /// A page of records, as they are parsed.
    pub fn parse(text: &str, attributes: &[String]) -> Result<Vec<RemoteObject>, serde_json::Error> {
        let page: Wire = serde_json::from_str(text)?;
        Ok(page
            .results
            .into_iter()
            .map(|record| {
                let mut attributes_of = record.properties;
                attributes_of.retain(|name, _| attributes.contains(name));
                RemoteObject { uid: record.id, attributes: attributes_of }
            })
            .collect())
    }

    fn objects(&self, numbers: impl Iterator<Item = u64>, attributes: &[String]) -> Vec<RemoteObject> {
        Self::parse(&self.text(numbers), attributes).unwrap_or_default()
    }

    fn call(&self) {
        self.calls.fetch_add(1, Ordering::Relaxed);
    }
}

#[async_trait]
impl Connector for Source {
    fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    fn usage(&self) -> Usage {
        Usage { calls: self.calls.load(Ordering::Relaxed), ..Usage::default() }
    }

    async fn test(&self) -> Result<TestReport, ConnectorError> {
        Ok(TestReport::default())
    }

    async fn schema(&self, object_type: &str) -> Result<ObjectTypeSchema, ConnectorError> {
        Ok(ObjectTypeSchema { object_type: object_type.into(), attributes: Vec::new() })
    }

    fn search(&self, search: Search) -> Pages<'_> {
        let first = search.after.as_deref().map_or(Some(0), |after| after.parse().ok());
        Box::pin(stream::unfold(first, move |from| {
            let attributes = search.attributes.clone();
            async move {
                let from: u64 = from?;
                self.call();
                let upto = self.records.min(from + PAGE);
                let next = (upto < self.records).then_some(upto);
                let page = Page {
                    objects: self.objects(from..upto, &attributes),
                    next: next.map(|n| n.to_string()),
                    repeated: 0,
                };
                Some((Ok(page), next))
            }
        }))
    }

    /// A cursor is the round up to which changes were told.
    fn changes(&self, feed: Feed) -> Changes<'_> {
        let told = feed.since.as_deref().and_then(|since| since.parse::<u64>().ok()).unwrap_or(self.round);
        let first = Some(if told < self.round { 0 } else { self.records });
        Box::pin(stream::unfold(first, move |from| {
            let attributes = feed.attributes.clone();
            async move {
                let from: u64 = from?;
                self.call();
                let upto = self.records.min(from + PAGE * CHANGED);
                let next = (upto < self.records).then_some(upto);
                let cursor = if next.is_some() { told } else { self.round };
                let numbers = (from..upto).step_by(CHANGED as usize);
                let page = ChangePage {
                    objects: self.objects(numbers, &attributes),
                    deleted: Vec::new(),
                    cursor: cursor.to_string(),
                };
                Some((Ok(page), next))
            }
        }))
    }

    async fn read(
        &self,
        _object_type: &str,
        _uids: &[String],
        _attributes: &[String],
    ) -> Result<Vec<RemoteObject>, ConnectorError> {
        self.call();
        Ok(Vec::new())
    }

    async fn find_by_key(
        &self,
        _object_type: &str,
        _values: &[String],
        _attributes: &[String],
    ) -> Result<Vec<RemoteObject>, ConnectorError> {
        self.call();
        Ok(Vec::new())
    }

    async fn create(&self, _object_type: &str, batch: &[Creation]) -> Vec<Outcome> {
        self.call();
        batch
            .iter()
            .map(|item| {
                let uid = 900_000_000 + self.made.fetch_add(1, Ordering::Relaxed);
                Outcome::Done(RemoteObject { uid: uid.to_string(), attributes: item.attributes.clone() })
            })
            .collect()
    }

    async fn update(&self, _object_type: &str, batch: &[Change]) -> Vec<Outcome> {
        self.call();
        batch
            .iter()
            .map(|c| Outcome::Done(RemoteObject { uid: c.uid.clone(), attributes: c.attributes.clone() }))
            .collect()
    }

    async fn delete(&self, _object_type: &str, uids: &[String]) -> Vec<Outcome> {
        self.call();
        uids.iter()
            .map(|uid| Outcome::Done(RemoteObject { uid: uid.clone(), ..RemoteObject::default() }))
            .collect()
    }
}
