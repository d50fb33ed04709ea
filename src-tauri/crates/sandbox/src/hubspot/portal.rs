//! The handle by which tests, the control paths and the look page play a person at the CRM.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use crate::calls::Call;
use crate::faults::{Fault, FaultList};

use super::crm::{Crm, Write};
use super::record::{Record, Source};
use super::server::Shared;
use super::state::{Changes, Claims, ObjectKind, Refusal, Table};
use super::time::iso;

/// A copy of one record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RecordCopy {
    /// Record id.
    pub id: String,
    /// All stored values.
    pub properties: BTreeMap<String, String>,
    /// ISO 8601.
    pub created_at: String,
    /// ISO 8601.
    pub updated_at: String,
    /// In the recycle bin.
    pub archived: bool,
}

/// Why a change was refused to the person at the CRM.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum PortalError {
    /// No such record.
    #[error("there is no such record")]
    NotFound,
    /// The address belongs to someone else.
    #[error("another record already has that e-mail address{}", .0.as_ref().map(|id| format!(": {id}")).unwrap_or_default())]
    Exists(Option<String>),
    /// A value or a name that the account does not allow.
    #[error("{0}")]
    Invalid(String),
}

impl From<Refusal> for PortalError {
    fn from(refusal: Refusal) -> PortalError {
        match refusal {
            Refusal::NotFound => PortalError::NotFound,
            Refusal::Exists(id) => PortalError::Exists(id.map(|id| id.to_string())),
            Refusal::Invalid(problems) => {
                let messages: Vec<_> = problems.into_iter().map(|problem| problem.message).collect();
                PortalError::Invalid(messages.join("; "))
            }
        }
    }
}

/// A cheap handle on a sandbox portal. It acts as a person in the CRM: its writes are no API calls, carry the source
/// `CRM_UI`, and may move the lifecycle stage backwards.
#[derive(Clone)]
pub struct Portal {
    pub(crate) shared: Arc<Shared>,
}

fn copy(table: &Table, record: &Record) -> RecordCopy {
    let name = |id| table.properties.get(id).map(|property| property.name.clone());
    RecordCopy {
        id: record.id.to_string(),
        properties: record
            .values
            .iter()
            .filter_map(|(id, text)| Some((name(id)?, text.to_owned())))
            .collect(),
        created_at: iso(record.created),
        updated_at: iso(record.updated),
        archived: record.archived.is_some(),
    }
}

/// What a person may type: the same checks as for an app, but fields that apps cannot write are open.
fn changes(crm: &Crm, kind: ObjectKind, properties: &[(&str, &str)]) -> Result<Changes, PortalError> {
    let table = crm.table(kind);
    let mut checked = Changes::new();
    for (name, value) in properties {
        match table.properties.find(name) {
            Some((id, property))
                if property.read_only && property.derived == super::properties::Derived::Stored =>
            {
                checked.push((id, (*value).to_owned()));
            }
            _ => checked.extend(table.check(&[((*name).to_owned(), (*value).to_owned())])?),
        }
    }
    Ok(checked)
}

impl Portal {
    /// All live records of a kind, by id.
    pub fn records(&self, kind: ObjectKind) -> Vec<RecordCopy> {
        let crm = self.shared.crm();
        let table = crm.table(kind);
        table.live.values().map(|record| copy(table, record)).collect()
    }

    /// Up to `limit` live records after an id.
    pub fn records_after(&self, kind: ObjectKind, after: u64, limit: usize) -> Vec<RecordCopy> {
        let crm = self.shared.crm();
        let table = crm.table(kind);
        table
            .live
            .range(after.saturating_add(1)..)
            .take(limit)
            .map(|(_, record)| copy(table, record))
            .collect()
    }

    /// Up to `limit` records after an id, live or archived ones, in which a stored value has all the words.
    pub(crate) fn find(
        &self,
        kind: ObjectKind,
        archived: bool,
        words: &str,
        after: u64,
        limit: usize,
    ) -> Vec<RecordCopy> {
        let crm = self.shared.crm();
        let table = crm.table(kind);
        let words: Vec<String> = words.split_whitespace().map(str::to_lowercase).collect();
        let has = |record: &&Record, word: &String| {
            record.id.to_string() == *word
                || record.values.iter().any(|(_, value)| value.to_lowercase().contains(word))
        };
        let records = if archived { &table.archived } else { &table.live };
        records
            .range(after.saturating_add(1)..)
            .map(|(_, record)| record)
            .filter(|record| words.iter().all(|word| has(record, word)))
            .take(limit)
            .map(|record| copy(table, record))
            .collect()
    }

    /// A record by id, an archived one too; merged ids lead to the surviving record.
    pub fn record(&self, kind: ObjectKind, id: &str) -> Option<RecordCopy> {
        let crm = self.shared.crm();
        let table = crm.table(kind);
        let id = id.parse().ok()?;
        table.find(id).or_else(|| table.archived.get(&id)).map(|record| copy(table, record))
    }

    /// Number of live records.
    pub fn count(&self, kind: ObjectKind) -> usize {
        self.shared.crm().table(kind).live.len()
    }

    /// All live contacts, by id.
    pub fn contacts(&self) -> Vec<RecordCopy> {
        self.records(ObjectKind::Contact)
    }

    /// One contact by id, an archived one too.
    pub fn contact(&self, id: &str) -> Option<RecordCopy> {
        self.record(ObjectKind::Contact, id)
    }

    /// Sets properties of a contact; an empty string clears.
    ///
    /// # Errors
    /// As [`Portal::set_record`].
    pub fn set(&self, id: &str, properties: &[(&str, &str)]) -> Result<(), PortalError> {
        self.set_record(ObjectKind::Contact, id, properties)
    }

    /// Sets properties of a record; an empty string clears.
    ///
    /// # Errors
    /// When there is no such record, or the account does not allow a value.
    pub fn set_record(
        &self,
        kind: ObjectKind,
        id: &str,
        properties: &[(&str, &str)],
    ) -> Result<(), PortalError> {
        let mut crm = self.shared.crm_mut();
        let id = id.parse().map_err(|_| PortalError::NotFound)?;
        let id = crm.table(kind).find(id).ok_or(PortalError::NotFound)?.id;
        let changes = changes(&crm, kind, properties)?;
        crm.table(kind).claim(&changes, Some(id), &mut Claims::new())?;
        crm.update(kind, id, &changes, self.shared.now(), &Source::CrmUi);
        Ok(())
    }

    /// Sets properties without the record counting as modified, as HubSpot's own calculations do.
    ///
    /// # Errors
    /// As [`Portal::set_record`].
    pub fn recalculate(
        &self,
        kind: ObjectKind,
        id: &str,
        properties: &[(&str, &str)],
    ) -> Result<(), PortalError> {
        let mut crm = self.shared.crm_mut();
        let id = id.parse().map_err(|_| PortalError::NotFound)?;
        let changes = changes(&crm, kind, properties)?;
        let now = self.shared.now();
        if crm.recalculate(kind, id, &changes, now) { Ok(()) } else { Err(PortalError::NotFound) }
    }

    /// Creates a contact and gives its id.
    ///
    /// # Errors
    /// As [`Portal::create_record`].
    pub fn create(&self, properties: &[(&str, &str)]) -> Result<String, PortalError> {
        self.create_record(ObjectKind::Contact, properties)
    }

    /// Creates a record and gives its id.
    ///
    /// # Errors
    /// When the account does not allow a value or nothing names the record.
    pub fn create_record(
        &self,
        kind: ObjectKind,
        properties: &[(&str, &str)],
    ) -> Result<String, PortalError> {
        let mut crm = self.shared.crm_mut();
        let changes = changes(&crm, kind, properties)?;
        crm.table(kind).check_naming(&changes)?;
        crm.table(kind).claim(&changes, None, &mut Claims::new())?;
        Ok(crm.create(kind, &changes, self.shared.now(), Source::CrmUi).to_string())
    }

    /// Moves a contact to the recycle bin; false when there is none.
    pub fn archive(&self, id: &str) -> bool {
        self.archive_record(ObjectKind::Contact, id)
    }

    /// Moves a record to the recycle bin; false when there is none.
    pub fn archive_record(&self, kind: ObjectKind, id: &str) -> bool {
        let now = self.shared.now();
        id.parse().is_ok_and(|id| self.shared.crm_mut().archive(kind, id, now, &Source::CrmUi))
    }

    /// Brings a record back from the recycle bin.
    ///
    /// # Errors
    /// When it is not there or its e-mail address has been taken meanwhile.
    pub fn restore(&self, kind: ObjectKind, id: &str) -> Result<(), PortalError> {
        let id = id.parse().map_err(|_| PortalError::NotFound)?;
        Ok(self.shared.crm_mut().restore(kind, id, self.shared.now())?)
    }

    /// Links a contact with a company; the first link is its primary one. False when one of them is not there.
    pub fn link(&self, contact: &str, company: &str) -> bool {
        let (Ok(contact), Ok(company)) = (contact.parse(), company.parse()) else { return false };
        let mut crm = self.shared.crm_mut();
        let there = crm.contacts.find(contact).is_some() && crm.companies.find(company).is_some();
        if there {
            crm.links.link(contact, company);
        }
        there
    }

    /// Merges two contacts and gives the id of the record that takes over.
    ///
    /// # Errors
    /// As [`Portal::merge_records`].
    pub fn merge(&self, primary: &str, other: &str) -> Result<String, PortalError> {
        self.merge_records(ObjectKind::Contact, primary, other)
    }

    /// Merges two records and gives the id of the one that takes over.
    ///
    /// # Errors
    /// When one of them does not exist, or both are one already.
    pub fn merge_records(&self, kind: ObjectKind, primary: &str, other: &str) -> Result<String, PortalError> {
        let (Ok(primary), Ok(other)) = (primary.parse(), other.parse()) else {
            return Err(PortalError::NotFound);
        };
        let now = self.shared.now();
        let mut crm = self.shared.crm_mut();
        if crm.table(kind).resolve(primary) == crm.table(kind).resolve(other) {
            return Err(PortalError::Invalid("a record cannot be merged with itself".to_owned()));
        }
        Ok(crm.merge(kind, primary, other, now, &Source::CrmUi)?.to_string())
    }

    /// The API calls so far (the latest 200,000).
    pub fn calls(&self) -> Vec<Call> {
        self.shared.frame.calls().all()
    }

    /// How many API calls there were.
    pub fn call_count(&self) -> u64 {
        self.shared.frame.calls().count()
    }

    /// Forgets the calls and the writes; records stay.
    pub fn reset_calls(&self) {
        self.shared.frame.calls().clear();
        self.shared.crm_mut().writes.clear();
    }

    /// Every change of a record since the start, in order.
    pub fn writes(&self) -> Vec<Write> {
        self.shared.crm().writes.clone()
    }

    /// Adds a fault behind the others.
    pub fn add_fault(&self, fault: Fault) {
        self.shared.frame.faults().add(fault);
    }

    /// Replaces all faults; their counts start anew.
    pub fn set_faults(&self, faults: Vec<Fault>) {
        *self.shared.frame.faults() = FaultList::new(faults);
    }

    /// Ends all misbehaviour.
    pub fn clear_faults(&self) {
        self.set_faults(Vec::new());
    }

    /// Lets every access token expire now.
    pub fn expire_access_tokens(&self) {
        self.shared.tokens().expire_all(self.shared.now());
        self.shared.touch();
    }

    /// Ends the OAuth connection, as when the app is uninstalled in HubSpot.
    pub fn uninstall_app(&self) {
        self.shared.tokens().uninstall();
        self.shared.touch();
    }
}
