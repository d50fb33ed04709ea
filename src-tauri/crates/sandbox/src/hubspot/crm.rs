//! The whole CRM of a portal: both tables, the links between them, and the log of what was written.

use std::collections::BTreeMap;

use serde::Serialize;

use super::record::{Record, Source};
use super::state::{Changes, ObjectKind, Refusal, Table};

/// What kind of change a [`Write`] was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum WriteKind {
    Create,
    Update,
    Archive,
    Restore,
    Merge,
    Purge,
}

/// One change of one record, in the order in which they happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Write {
    /// What was done.
    pub kind: WriteKind,
    /// Contact or company.
    pub object: ObjectKind,
    /// Record id.
    pub id: String,
    /// True when an app did it over the API, false for a person in the CRM.
    pub by_app: bool,
    /// Names of the properties that were sent.
    pub properties: Vec<String>,
}

/// Links between contacts and companies; the first of a list is the primary one.
#[derive(Debug, Default)]
pub(crate) struct Links {
    companies: BTreeMap<u64, Vec<u64>>,
    contacts: BTreeMap<u64, Vec<u64>>,
}

impl Links {
    /// The other side's ids of one record.
    pub(crate) fn of(&self, kind: ObjectKind, id: u64) -> &[u64] {
        let side = match kind {
            ObjectKind::Contact => &self.companies,
            ObjectKind::Company => &self.contacts,
        };
        side.get(&id).map(Vec::as_slice).unwrap_or_default()
    }

    pub(crate) fn link(&mut self, contact: u64, company: u64) {
        let companies = self.companies.entry(contact).or_default();
        if !companies.contains(&company) {
            companies.push(company);
            self.contacts.entry(company).or_default().push(contact);
        }
    }

    pub(crate) fn unlink(&mut self, contact: u64, company: u64) {
        if let Some(companies) = self.companies.get_mut(&contact) {
            companies.retain(|id| *id != company);
        }
        if let Some(contacts) = self.contacts.get_mut(&company) {
            contacts.retain(|id| *id != contact);
        }
    }

    /// Puts a company that is linked before a contact's others.
    pub(crate) fn make_primary(&mut self, contact: u64, company: u64) {
        if let Some(companies) = self.companies.get_mut(&contact)
            && let Some(at) = companies.iter().position(|id| *id == company)
            && let Some(before) = companies.get_mut(..=at)
        {
            before.rotate_right(1);
        }
    }

    /// All pairs: contact, company.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (u64, u64)> {
        self.companies
            .iter()
            .flat_map(|(contact, companies)| companies.iter().map(|company| (*contact, *company)))
    }
}

#[derive(Debug)]
pub(crate) struct Crm {
    pub contacts: Table,
    pub companies: Table,
    pub links: Links,
    pub writes: Vec<Write>,
    /// How long the search index lags behind, in milliseconds.
    pub lag: i64,
    /// Counts every change of state, so that the saver knows whether there is something to save.
    pub revision: u64,
}

impl Crm {
    pub(crate) fn new(now: i64, lag: i64) -> Crm {
        Crm {
            contacts: Table::new(ObjectKind::Contact, now),
            companies: Table::new(ObjectKind::Company, now),
            links: Links::default(),
            writes: Vec::new(),
            lag,
            revision: 0,
        }
    }

    pub(crate) fn table(&self, kind: ObjectKind) -> &Table {
        match kind {
            ObjectKind::Contact => &self.contacts,
            ObjectKind::Company => &self.companies,
        }
    }

    pub(crate) fn table_mut(&mut self, kind: ObjectKind) -> &mut Table {
        match kind {
            ObjectKind::Contact => &mut self.contacts,
            ObjectKind::Company => &mut self.companies,
        }
    }

    fn log(&mut self, kind: WriteKind, object: ObjectKind, id: u64, source: &Source, changes: &Changes) {
        let table = self.table(object);
        let properties = changes
            .iter()
            .filter_map(|(id, _)| table.properties.get(*id))
            .map(|property| property.name.clone())
            .collect();
        let by_app = matches!(source, Source::Integration(_));
        self.writes.push(Write { kind, object, id: id.to_string(), by_app, properties });
        self.revision += 1;
    }

    pub(crate) fn create(&mut self, kind: ObjectKind, changes: &Changes, now: i64, source: Source) -> u64 {
        let lag = self.lag;
        let id = self.table_mut(kind).create(changes, now, source.clone(), lag);
        self.log(WriteKind::Create, kind, id, &source, changes);
        id
    }

    /// Applies checked changes to a live record and says under which id it is kept.
    pub(crate) fn update(
        &mut self,
        kind: ObjectKind,
        id: u64,
        changes: &Changes,
        now: i64,
        source: &Source,
    ) -> Option<u64> {
        let lag = self.lag;
        let id = self.table(kind).resolve(id);
        if !self.table_mut(kind).update(id, changes, now, source, lag, true) {
            return None;
        }
        self.log(WriteKind::Update, kind, id, source, changes);
        Some(id)
    }

    /// Changes values without the record counting as modified, as HubSpot's own calculations do.
    pub(crate) fn recalculate(&mut self, kind: ObjectKind, id: u64, changes: &Changes, now: i64) -> bool {
        let lag = self.lag;
        self.revision += 1;
        self.table_mut(kind).update(id, changes, now, &Source::CrmUi, lag, false)
    }

    pub(crate) fn archive(&mut self, kind: ObjectKind, id: u64, now: i64, source: &Source) -> bool {
        let lag = self.lag;
        match self.table_mut(kind).archive(id, now, lag) {
            Some(id) => {
                self.log(WriteKind::Archive, kind, id, source, &Changes::new());
                true
            }
            None => false,
        }
    }

    pub(crate) fn restore(&mut self, kind: ObjectKind, id: u64, now: i64) -> Result<(), Refusal> {
        let lag = self.lag;
        self.table_mut(kind).restore(id, now, lag)?;
        self.log(WriteKind::Restore, kind, id, &Source::CrmUi, &Changes::new());
        Ok(())
    }

    pub(crate) fn purge(&mut self, kind: ObjectKind, id: u64, source: &Source) {
        if self.table_mut(kind).purge(id) {
            self.log(WriteKind::Purge, kind, id, source, &Changes::new());
        }
    }

    pub(crate) fn merge(
        &mut self,
        kind: ObjectKind,
        primary: u64,
        other: u64,
        now: i64,
        source: &Source,
    ) -> Result<u64, Refusal> {
        let lag = self.lag;
        let olds = [self.table(kind).resolve(primary), self.table(kind).resolve(other)];
        let id = self.table_mut(kind).merge(primary, other, now, source.clone(), lag)?;
        for old in olds {
            for linked in self.links.of(kind, old).to_vec() {
                match kind {
                    ObjectKind::Contact => {
                        self.links.unlink(old, linked);
                        self.links.link(id, linked);
                    }
                    ObjectKind::Company => {
                        self.links.unlink(linked, old);
                        self.links.link(linked, id);
                    }
                }
            }
        }
        self.log(WriteKind::Merge, kind, id, source, &Changes::new());
        Ok(id)
    }

    /// The linked records that are still live.
    pub(crate) fn linked(&self, kind: ObjectKind, record: &Record) -> Vec<u64> {
        let other = match kind {
            ObjectKind::Contact => &self.companies,
            ObjectKind::Company => &self.contacts,
        };
        self.links.of(kind, record.id).iter().copied().filter(|id| other.live.contains_key(id)).collect()
    }
}
