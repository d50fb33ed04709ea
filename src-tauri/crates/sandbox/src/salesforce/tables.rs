//! The records of the org: tables, unique values, the recycle bin, and what can be taken back.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use super::catalogue::{FieldId, ObjectType, by_prefix, find, objects};
use super::field::Field;
use super::id::{id18, number, prefix};
use super::record::Record;
use super::time::whole_seconds;
use crate::values::Values;

/// Checked values of one write; an empty text clears.
pub(crate) type Changes = Vec<(FieldId, String)>;

/// What a write did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum WriteKind {
    /// A record was created.
    Create,
    /// Fields of a record were set.
    Update,
    /// A record was deleted.
    Delete,
    /// A record came back from the recycle bin.
    Undelete,
}

/// One change of a record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Write {
    /// What was done.
    pub kind: WriteKind,
    /// The object type's name.
    pub object: &'static str,
    /// The record's 18-character id.
    pub id: String,
    /// Names and values that were sent.
    pub fields: Vec<(&'static str, String)>,
    /// Whether an API caller did it, and not a person in the org.
    pub api: bool,
}

/// Who writes and when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Author {
    /// Number of the user.
    pub user: u64,
    pub now: i64,
    pub api: bool,
}

#[derive(Debug)]
pub(crate) struct Table {
    pub object: &'static ObjectType,
    pub live: BTreeMap<u64, Record>,
    pub bin: BTreeMap<u64, Record>,
    /// When records were deleted, in order; `getDeleted` reads it.
    pub deletions: Vec<(i64, u64)>,
    next: u64,
    unique: HashMap<FieldId, HashMap<Box<str>, u64>>,
}

/// What a rolled-back write puts back.
type Before = (usize, u64, Option<Record>);

#[derive(Debug)]
pub(crate) struct Tables {
    tables: Vec<Table>,
    pub writes: Vec<Write>,
    journal: Vec<Before>,
    /// Where each thing that can still be taken back began: in the journal, and in the writes.
    marks: Vec<(usize, usize)>,
}

impl Default for Tables {
    fn default() -> Tables {
        let tables = objects()
            .iter()
            .map(|object| Table {
                object,
                live: BTreeMap::new(),
                bin: BTreeMap::new(),
                deletions: Vec::new(),
                next: 1,
                unique: object
                    .all()
                    .filter(|(_, field)| field.enforced_unique)
                    .map(|(id, _)| (id, HashMap::new()))
                    .collect(),
            })
            .collect();
        Tables { tables, writes: Vec::new(), journal: Vec::new(), marks: Vec::new() }
    }
}

impl Table {
    /// The live record that holds a value of a unique field, whatever the case.
    pub(crate) fn holder(&self, field: FieldId, value: &str) -> Option<u64> {
        self.unique.get(&field)?.get(value.to_lowercase().as_str()).copied()
    }

    /// The live records whose field holds `value`.
    pub(crate) fn holders(&self, id: FieldId, field: &Field, value: &str) -> Vec<u64> {
        if field.enforced_unique {
            return self.holder(id, value).into_iter().collect();
        }
        let wanted = value.to_lowercase();
        self.live
            .values()
            .filter(|record| record.values.get(id).is_some_and(|text| text.to_lowercase() == wanted))
            .map(|record| record.number)
            .collect()
    }

    fn index(&mut self, record: &Record, add: bool) {
        for (field, index) in &mut self.unique {
            let Some(value) = record.values.get(*field) else { continue };
            let key = value.to_lowercase();
            if add {
                index.insert(key.into(), record.number);
            } else if index.get(key.as_str()) == Some(&record.number) {
                index.remove(key.as_str());
            }
        }
    }

    fn put(&mut self, record: Record) {
        self.index(&record, true);
        self.next = self.next.max(record.number + 1);
        self.live.insert(record.number, record);
    }

    fn take(&mut self, number: u64) -> Option<Record> {
        let record = self.live.remove(&number)?;
        self.index(&record, false);
        Some(record)
    }
}

impl Tables {
    pub(crate) fn table(&self, object: &ObjectType) -> &Table {
        #[allow(clippy::indexing_slicing)] // one table per object type, in their order
        &self.tables[object.index]
    }

    fn table_mut(&mut self, object: &ObjectType) -> &mut Table {
        #[allow(clippy::indexing_slicing)] // as above
        &mut self.tables[object.index]
    }

    #[cfg(test)]
    pub(crate) fn all(&self) -> impl Iterator<Item = &Table> {
        self.tables.iter()
    }

    /// The live record behind an id of any type.
    pub(crate) fn by_id(&self, id: &str) -> Option<(&'static ObjectType, &Record)> {
        let object = by_prefix(prefix(id))?;
        Some((object, self.table(object).live.get(&number(id)?)?))
    }

    pub(crate) fn live(&self, object: &ObjectType, id: &str) -> Option<&Record> {
        if prefix(id) != object.prefix {
            return None;
        }
        self.table(object).live.get(&number(id)?)
    }

    pub(crate) fn in_bin(&self, object: &ObjectType, id: &str) -> bool {
        prefix(id) == object.prefix
            && number(id).is_some_and(|number| self.table(object).bin.contains_key(&number))
    }

    /// Puts a record in place that is taken to be right; for seeding.
    pub(crate) fn seed(&mut self, object: &'static ObjectType, values: Vec<(&str, &str)>, at: i64) -> u64 {
        let table = self.table_mut(object);
        let number = table.next;
        let packed = values.into_iter().filter_map(|(name, text)| Some((object.id_of(name)?, text)));
        let at = whole_seconds(at);
        table.put(Record {
            number,
            values: Values::pack(packed.collect()),
            created: at,
            modified: at,
            stamp: at,
            created_by: 1,
            modified_by: 1,
            deleted: false,
        });
        number
    }

    pub(crate) fn create(&mut self, object: &'static ObjectType, changes: &Changes, author: Author) -> u64 {
        let number = self.table(object).next;
        self.remember(object, number);
        let at = whole_seconds(author.now);
        let values = Values::pack(changes.iter().map(|(id, value)| (*id, value.as_str())).collect());
        self.table_mut(object).put(Record {
            number,
            values,
            created: at,
            modified: at,
            stamp: at,
            created_by: author.user,
            modified_by: author.user,
            deleted: false,
        });
        self.note(WriteKind::Create, object, number, changes, author);
        number
    }

    /// False when there is no such record.
    pub(crate) fn update(
        &mut self,
        object: &'static ObjectType,
        number: u64,
        changes: &Changes,
        author: Author,
    ) -> bool {
        self.remember(object, number);
        let table = self.table_mut(object);
        let Some(mut record) = table.take(number) else { return false };
        record.values = record.values.with(changes.iter().map(|(id, value)| (*id, value.as_str())));
        record.modified = whole_seconds(author.now).max(record.modified);
        record.stamp = record.modified.max(record.stamp);
        record.modified_by = author.user;
        table.put(record);
        self.note(WriteKind::Update, object, number, changes, author);
        true
    }

    /// Sets the time that replication goes by, and nothing else.
    pub(crate) fn set_stamp(&mut self, object: &ObjectType, number: u64, stamp: i64) -> bool {
        let Some(record) = self.table_mut(object).live.get_mut(&number) else { return false };
        record.stamp = whole_seconds(stamp);
        true
    }

    /// False when there is no such record. Accounts take their contacts with them, groups and permission sets their
    /// members.
    pub(crate) fn delete(&mut self, object: &'static ObjectType, number: u64, author: Author) -> bool {
        let id = id18(object.prefix, number);
        self.remember(object, number);
        let now = whole_seconds(author.now);
        let table = self.table_mut(object);
        let Some(mut record) = table.take(number) else { return false };
        record.deleted = true;
        record.stamp = now;
        record.modified = now;
        table.deletions.push((now, number));
        if object.has_bin() {
            table.bin.insert(number, record);
        }
        self.note(WriteKind::Delete, object, number, &Changes::new(), author);
        let children: &[(&str, &str)] = match object.name {
            "Account" => &[("Contact", "AccountId")],
            "Group" => &[("GroupMember", "GroupId"), ("GroupMember", "UserOrGroupId")],
            "PermissionSet" => &[("PermissionSetAssignment", "PermissionSetId")],
            _ => &[],
        };
        for (child, field) in children {
            let Some(child) = find(child) else { continue };
            let Some((field_id, field)) = child.field(field) else { continue };
            for number in self.table(child).holders(field_id, field, &id) {
                self.delete(child, number, author);
            }
        }
        true
    }

    /// Brings a record back from the recycle bin; false when it is not there.
    pub(crate) fn undelete(&mut self, object: &'static ObjectType, number: u64, author: Author) -> bool {
        let table = self.table_mut(object);
        let Some(mut record) = table.bin.remove(&number) else { return false };
        record.deleted = false;
        record.stamp = whole_seconds(author.now);
        record.modified = record.stamp;
        table.deletions.retain(|(_, deleted)| *deleted != number);
        table.put(record);
        self.note(WriteKind::Undelete, object, number, &Changes::new(), author);
        true
    }

    /// From here on writes can be taken back, until [`Tables::settle`] or [`Tables::roll_back`]. What begins inside of it
    /// ends inside of it.
    pub(crate) fn begin(&mut self) {
        self.marks.push((self.journal.len(), self.writes.len()));
    }

    pub(crate) fn settle(&mut self) {
        self.marks.pop();
        if self.marks.is_empty() {
            self.journal.clear();
        }
    }

    pub(crate) fn roll_back(&mut self) {
        let Some((entries, writes)) = self.marks.pop() else { return };
        self.writes.truncate(writes);
        for (table, number, before) in self.journal.split_off(entries).into_iter().rev() {
            let Some(table) = self.tables.get_mut(table) else { continue };
            table.take(number);
            table.bin.remove(&number);
            table.deletions.retain(|(_, deleted)| *deleted != number);
            if let Some(before) = before {
                table.put(before);
            }
        }
    }

    fn remember(&mut self, object: &ObjectType, number: u64) {
        if self.marks.is_empty() {
            return;
        }
        let before = self.table(object).live.get(&number).cloned();
        self.journal.push((object.index, number, before));
    }

    fn note(
        &mut self,
        kind: WriteKind,
        object: &'static ObjectType,
        number: u64,
        changes: &Changes,
        author: Author,
    ) {
        let fields =
            changes.iter().filter_map(|(id, value)| Some((object.at(*id)?.name, value.clone()))).collect();
        self.writes.push(Write {
            kind,
            object: object.name,
            id: id18(object.prefix, number),
            fields,
            api: author.api,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn author(now: i64) -> Author {
        Author { user: 1, now, api: true }
    }

    #[test]
    fn what_was_begun_can_be_taken_back() {
        let account = find("Account").unwrap();
        let contact = find("Contact").unwrap();
        let mut tables = Tables::default();
        let name = account.id_of("Name").unwrap();
        let key = account.id_of("External_Id__c").unwrap();
        let number = tables.create(account, &vec![(name, "One".into()), (key, "K1".into())], author(1000));
        let id = id18(account.prefix, number);
        let person =
            tables.create(contact, &vec![(contact.id_of("AccountId").unwrap(), id.clone())], author(1000));
        tables.begin();
        assert!(tables.update(account, number, &vec![(key, "K2".into())], author(2000)));
        assert!(tables.delete(account, number, author(3000)));
        tables.create(account, &vec![(name, "Two".into()), (key, "k1".into())], author(3000));
        assert!(tables.live(contact, &id18(contact.prefix, person)).is_none());
        tables.roll_back();
        assert_eq!(tables.table(account).holder(key, "k1"), Some(number));
        assert_eq!(tables.table(account).holder(key, "k2"), None);
        assert_eq!(tables.table(account).live.len(), 1);
        assert!(tables.live(contact, &id18(contact.prefix, person)).is_some());
        assert!(tables.table(account).deletions.is_empty());
        assert_eq!(tables.writes.len(), 2);
        assert_eq!(tables.live(account, &id).unwrap().modified, 1000);
    }

    #[test]
    fn deleted_records_wait_in_the_bin() {
        let lead = find("Lead").unwrap();
        let mut tables = Tables::default();
        let number = tables.create(lead, &Changes::new(), author(1000));
        let id = id18(lead.prefix, number);
        assert!(tables.delete(lead, number, author(5500)));
        assert!(!tables.delete(lead, number, author(5500)));
        assert!(tables.in_bin(lead, &id));
        assert_eq!(tables.table(lead).deletions, [(5000, number)]);
        assert!(tables.undelete(lead, number, author(9000)));
        assert!(tables.live(lead, &id).is_some());
    }
}
