//! The handle by which tests, the control paths and the look page play a person in the org.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use crate::calls::Call;
use crate::faults::{Fault, FaultList};

use super::catalogue::{ObjectType, find};
use super::faults::{Faults, Inner, JobFault, RowFault};
use super::field::Kind;
use super::id::{id18, normal, number};
use super::input;
use super::problem::RowError;
use super::record::Record;
use super::rules::INTEGRATION_USER;
use super::seed;
use super::server::Shared;
use super::tables::{Author, Tables, Write};
use super::time::stamp;
use super::write::Writer;

/// A copy of one record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RecordCopy {
    /// 18-character id.
    pub id: String,
    /// The object type's name.
    pub object: &'static str,
    /// All stored values; date-times as Salesforce writes them.
    pub fields: BTreeMap<&'static str, String>,
    /// `CreatedDate`
    pub created_date: String,
    /// `LastModifiedDate`
    pub last_modified_date: String,
    /// `SystemModstamp`
    pub system_modstamp: String,
    /// In the recycle bin.
    pub is_deleted: bool,
}

/// Why a change was refused to the person in the org.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OrgError {
    /// No such object type or record.
    #[error("there is no such record")]
    NotFound,
    /// A rule of the org.
    #[error("{code}: {message}")]
    Refused {
        /// Salesforce's status code.
        code: String,
        /// Its text.
        message: String,
    },
}

impl From<RowError> for OrgError {
    fn from(error: RowError) -> OrgError {
        match error.code.as_str() {
            "INVALID_CROSS_REFERENCE_KEY" if error.fields.is_empty() => OrgError::NotFound,
            _ => OrgError::Refused { code: error.code, message: error.message },
        }
    }
}

/// What the org's counters say about its tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenCounts {
    /// Successful refreshes.
    pub refreshes: u64,
    /// Times that a replaced refresh token came back; each ended its family.
    pub reuses: u64,
    /// Authorizations that still live.
    pub grants: usize,
}

/// A cheap handle on a sandbox org. It acts as a person in Salesforce's own screens: its writes are no API calls, and no
/// fault touches them.
#[derive(Clone)]
pub struct Org {
    pub(crate) shared: Arc<Shared>,
}

fn copy(object: &'static ObjectType, record: &Record) -> RecordCopy {
    let fields = record.values.iter().filter_map(|(id, text)| {
        let field = object.at(id)?;
        let text = match field.kind {
            Kind::DateTime => stamp(text.parse().ok()?),
            _ => text.to_owned(),
        };
        Some((field.name, text))
    });
    RecordCopy {
        id: record.id(object),
        object: object.name,
        fields: fields.collect(),
        created_date: stamp(record.created),
        last_modified_date: stamp(record.modified),
        system_modstamp: stamp(record.stamp),
        is_deleted: record.deleted,
    }
}

impl Org {
    fn author(&self) -> Author {
        Author { user: INTEGRATION_USER, now: self.shared.now(), api: false }
    }

    fn write<T>(&self, work: impl FnOnce(&mut Writer<'_>) -> T) -> T {
        let mut tables = self.shared.tables_mut();
        work(&mut Writer {
            tables: &mut tables,
            faults: &mut Inner::default(),
            author: self.author(),
            taken: &self.shared.options.taken_usernames,
            allow_duplicates: true,
        })
    }

    /// Up to `limit` live records of a type after an id, in the order of ids; nothing for an unknown type.
    pub fn records_after(&self, object: &str, after: &str, limit: usize) -> Vec<RecordCopy> {
        let Some(object) = find(object) else { return Vec::new() };
        let from = number(after).map_or(0, |number| number + 1);
        let tables = self.shared.tables();
        tables.table(object).live.range(from..).take(limit).map(|(_, record)| copy(object, record)).collect()
    }

    /// All live records of a type.
    pub fn records(&self, object: &str) -> Vec<RecordCopy> {
        self.records_after(object, "", usize::MAX)
    }

    /// A record by id, a deleted one too.
    pub fn record(&self, object: &str, id: &str) -> Option<RecordCopy> {
        let object = find(object)?;
        let id = normal(id)?;
        let tables = self.shared.tables();
        let number = number(&id)?;
        let live = tables.live(object, &id);
        let binned = || {
            let bin = &tables.table(object).bin;
            bin.get(&number).filter(|_| tables.in_bin(object, &id))
        };
        live.or_else(binned).map(|record| copy(object, record))
    }

    /// Number of live records of a type.
    pub fn count(&self, object: &str) -> usize {
        find(object).map_or(0, |object| self.shared.tables().table(object).live.len())
    }

    /// The first live record whose field holds a value, whatever its case.
    pub fn find(&self, object: &str, field: &str, value: &str) -> Option<RecordCopy> {
        let object = find(object)?;
        let (id, field) = object.field(field)?;
        let tables = self.shared.tables();
        let table = tables.table(object);
        let number = *table.holders(id, field, value).first()?;
        table.live.get(&number).map(|record| copy(object, record))
    }

    /// Creates a record and gives its id; values are written as in a bulk CSV.
    ///
    /// # Errors
    /// When a rule of the org refuses it.
    pub fn create(&self, object: &str, fields: &[(&str, &str)]) -> Result<String, OrgError> {
        let object = find(object).ok_or(OrgError::NotFound)?;
        let number = self.write(|writer| {
            let changes = input::csv(writer.tables, object, &owned(fields))?;
            writer.create(object, changes)
        })?;
        Ok(id18(object.prefix, number))
    }

    /// Sets fields of a record; an empty text clears.
    ///
    /// # Errors
    /// When there is no such record or a rule of the org refuses the change.
    pub fn set(&self, object: &str, id: &str, fields: &[(&str, &str)]) -> Result<(), OrgError> {
        let object = find(object).ok_or(OrgError::NotFound)?;
        let cleared: Vec<(&str, &str)> = fields
            .iter()
            .map(|(name, value)| (*name, if value.is_empty() { "#N/A" } else { value }))
            .collect();
        Ok(self.write(|writer| {
            let changes = input::csv(writer.tables, object, &owned(&cleared))?;
            writer.update(object, id, changes)
        })?)
    }

    /// Deletes a record.
    ///
    /// # Errors
    /// When there is no such record or records of its type cannot be deleted.
    pub fn delete(&self, object: &str, id: &str) -> Result<(), OrgError> {
        let object = find(object).ok_or(OrgError::NotFound)?;
        Ok(self.write(|writer| writer.delete(object, id))?)
    }

    /// Brings a record back from the recycle bin; false when it is not there.
    pub fn undelete(&self, object: &str, id: &str) -> bool {
        let (Some(object), Some(number)) = (find(object), number(id)) else { return false };
        let author = self.author();
        self.shared.tables_mut().undelete(object, number, author)
    }

    /// Gives a record another `SystemModstamp`, as when a transaction commits long after it began.
    pub fn set_system_modstamp(&self, object: &str, id: &str, epoch_ms: i64) -> bool {
        let (Some(object), Some(number)) = (find(object), number(id)) else { return false };
        self.shared.tables_mut().set_stamp(object, number, epoch_ms)
    }

    /// Every change of a record since the start, in order.
    pub fn writes(&self) -> Vec<Write> {
        self.shared.tables().writes.clone()
    }

    /// The calls so far (the latest 200,000), OAuth included.
    pub fn calls(&self) -> Vec<Call> {
        self.shared.frame.calls().all()
    }

    /// How many calls there were.
    pub fn call_count(&self) -> u64 {
        self.shared.frame.calls().count()
    }

    /// Forgets the calls and the writes; records stay.
    pub fn reset_calls(&self) {
        self.shared.frame.calls().clear();
        self.shared.tables_mut().writes.clear();
    }

    /// Puts the org back to its seed: records, calls, tokens, cursors, jobs, and the faults it began with.
    pub fn reset(&self) {
        let options = &self.shared.options;
        let mut tables = Tables::default();
        seed::fill(&mut tables, options.records, options.seed, options.licenses);
        *self.shared.tables_mut() = tables;
        self.shared.frame.calls().clear();
        self.shared.revoke_all();
        self.shared.cursors().clear();
        self.shared.jobs().clear();
        self.set_faults(options.faults.clone());
    }

    /// Adds a fault on calls behind the others.
    pub fn add_fault(&self, fault: Fault) {
        self.shared.frame.faults().add(fault);
    }

    /// Adds a fault on records behind the others.
    pub fn add_row_fault(&self, fault: RowFault) {
        self.shared.inner().add_row(fault);
    }

    /// Adds a fault on bulk jobs behind the others.
    pub fn add_job_fault(&self, fault: JobFault) {
        self.shared.inner().add_job(fault);
    }

    /// Replaces all faults; their counts start anew.
    pub fn set_faults(&self, faults: Faults) {
        *self.shared.frame.faults() = FaultList::new(faults.calls.clone());
        *self.shared.inner() = Inner::new(faults);
    }

    /// Ends all misbehaviour.
    pub fn clear_faults(&self) {
        self.set_faults(Faults::default());
    }

    /// Lets every session end now.
    pub fn expire_sessions(&self) {
        let now = self.shared.now();
        self.shared.tokens().expire_all(now);
    }

    /// Ends every authorization, as when an administrator revokes the app.
    pub fn revoke_all(&self) {
        self.shared.revoke_all();
    }

    /// What happened to tokens.
    pub fn tokens(&self) -> TokenCounts {
        let tokens = self.shared.tokens();
        TokenCounts { refreshes: tokens.refreshes, reuses: tokens.reuses, grants: tokens.grants() }
    }

    /// Lets every query cursor end now.
    pub fn expire_cursors(&self) {
        self.shared.cursors().clear();
    }

    /// Puts the org's clock forward.
    pub fn advance(&self, ms: i64) {
        self.shared.advance(ms);
    }

    /// The org's time in epoch milliseconds.
    pub fn now(&self) -> i64 {
        self.shared.now()
    }

    /// Where token answers send clients from now on; nothing means where they asked.
    pub fn set_instance_url(&self, url: Option<String>) {
        self.shared.set_instance_url(url);
    }
}

fn owned(fields: &[(&str, &str)]) -> Vec<(String, String)> {
    fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}
