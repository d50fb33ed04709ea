//! Writing single records, whichever call brings them: one by one, in a collection, or in a bulk job.

use serde_json::json;

use super::catalogue::{FieldId, ObjectType, find};
use super::faults::Inner;
use super::field::Field;
use super::id::{id18, normal, number};
use super::problem::RowError;
use super::rules::{Operation, check, check_user};
use super::tables::{Author, Changes, Tables};

/// Everything a write needs to know.
pub(crate) struct Writer<'a> {
    pub tables: &'a mut Tables,
    pub faults: &'a mut Inner,
    pub author: Author,
    /// User names that other orgs hold.
    pub taken: &'a [String],
    /// Whether the caller wants to save in spite of duplicate rules.
    pub allow_duplicates: bool,
}

impl Writer<'_> {
    /// Creates a record and gives its number.
    pub(crate) fn create(
        &mut self,
        object: &'static ObjectType,
        mut changes: Changes,
    ) -> Result<u64, RowError> {
        if !object.createable {
            return Err(unsupported(object, "create"));
        }
        self.refused(object, Operation::Create, None, &changes)?;
        check(self.tables, object, &mut changes, Operation::Create, None)?;
        match object.name {
            "User" => check_user(self.tables, self.taken, &mut changes, Operation::Create, None)?,
            "PermissionSetAssignment" => assigned_once(self.tables, object, &changes)?,
            _ => {}
        }
        self.fill(object, &mut changes);
        let number = self.tables.create(object, &changes, self.author);
        if let ("User", Some(login)) = (object.name, find("UserLogin")) {
            let id = id18(object.prefix, number);
            self.tables.seed(login, vec![("UserId", &id), ("IsFrozen", "false")], self.author.now);
        }
        Ok(number)
    }

    /// Changes a live record; `id` may have 15 characters.
    pub(crate) fn update(
        &mut self,
        object: &'static ObjectType,
        id: &str,
        mut changes: Changes,
    ) -> Result<(), RowError> {
        let target = self.find(object, id)?;
        if !object.updateable {
            return Err(unsupported(object, "update"));
        }
        self.refused(object, Operation::Update, Some(target), &changes)?;
        check(self.tables, object, &mut changes, Operation::Update, Some(target))?;
        match object.name {
            "User" => {
                check_user(self.tables, self.taken, &mut changes, Operation::Update, Some(target))?;
            }
            "UserLogin" => unlock_only(object, &changes)?,
            "Lead" => {
                let converted = self
                    .tables
                    .table(object)
                    .live
                    .get(&target)
                    .is_some_and(|record| record.named(object, "IsConverted") == Some("true"));
                if converted {
                    return Err(RowError::new(
                        "CANNOT_UPDATE_CONVERTED_LEAD",
                        "cannot reference converted lead",
                    ));
                }
            }
            _ => {}
        }
        self.tables.update(object, target, &changes, self.author);
        Ok(())
    }

    /// Deletes a live record.
    pub(crate) fn delete(&mut self, object: &'static ObjectType, id: &str) -> Result<(), RowError> {
        if !object.deletable {
            return Err(unsupported(object, "delete"));
        }
        let target = self.find(object, id)?;
        self.refused(object, Operation::Delete, Some(target), &Changes::new())?;
        self.tables.delete(object, target, self.author);
        Ok(())
    }

    /// Updates the record that holds `value`, or creates one. Says which number and whether it was created; several
    /// holders come back as an error with their ids.
    pub(crate) fn upsert(
        &mut self,
        object: &'static ObjectType,
        key: (FieldId, &Field),
        value: &str,
        mut changes: Changes,
    ) -> Result<(u64, bool), Upsert> {
        if value.is_empty() {
            let message = format!("{} not specified", key.1.name);
            return Err(Upsert::Refused(RowError::new("MISSING_ARGUMENT", message)));
        }
        match self.tables.table(object).holders(key.0, key.1, value).as_slice() {
            [] => {
                changes.push((key.0, value.to_owned()));
                Ok((self.create(object, changes)?, true))
            }
            [one] => {
                self.update(object, &id18(object.prefix, *one), changes)?;
                Ok((*one, false))
            }
            several => Err(Upsert::Several(several.to_vec())),
        }
    }

    /// The number of a live record, or why there is none.
    pub(crate) fn find(&self, object: &ObjectType, id: &str) -> Result<u64, RowError> {
        let Some(id) = normal(id) else {
            return Err(RowError::new("MALFORMED_ID", format!("malformed id {id}")).on("Id"));
        };
        if let Some(record) = self.tables.live(object, &id) {
            return Ok(record.number);
        }
        if self.tables.in_bin(object, &id) || self.was_deleted(object, &id) {
            return Err(RowError::new("ENTITY_IS_DELETED", "entity is deleted"));
        }
        Err(RowError::new("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id"))
    }

    fn was_deleted(&self, object: &ObjectType, id: &str) -> bool {
        id.starts_with(object.prefix)
            && number(id).is_some_and(|number| {
                self.tables.table(object).deletions.iter().any(|(_, deleted)| *deleted == number)
            })
    }

    fn fill(&self, object: &ObjectType, changes: &mut Changes) {
        let integration = id18("005", self.author.user);
        for (id, field) in object.all() {
            if changes.iter().any(|(sent, _)| *sent == id) {
                continue;
            }
            if !field.default.is_empty() {
                changes.push((id, field.default.to_owned()));
            } else if field.name == "OwnerId" {
                changes.push((id, integration.clone()));
            }
        }
    }

    fn refused(
        &mut self,
        object: &ObjectType,
        operation: Operation,
        target: Option<u64>,
        changes: &Changes,
    ) -> Result<(), RowError> {
        let record = target.and_then(|number| self.tables.table(object).live.get(&number));
        let id = target.map(|number| id18(object.prefix, number));
        let value = |name: &str| {
            let field = object.id_of(name)?;
            let sent = changes.iter().rev().find(|(id, _)| *id == field).map(|(_, value)| value.as_str());
            sent.or_else(|| record?.values.get(field))
        };
        let Some(fault) = self.faults.row(object.name, operation, id.as_deref(), value) else {
            return Ok(());
        };
        let duplicate = fault.code == "DUPLICATES_DETECTED";
        if duplicate && self.allow_duplicates {
            return Ok(());
        }
        let message = if fault.message.is_empty() { usual_message(&fault.code) } else { &fault.message };
        let mut error = RowError::new(&fault.code, message);
        error.fields = fault.fields;
        if duplicate {
            let first = self.tables.table(object).live.keys().next().copied().unwrap_or(1);
            error.duplicates = Some(Box::new(json!({
                "allowSave": true, "duplicateRule": format!("Standard_{}_Duplicate_Rule", object.name),
                "duplicateRuleEntityType": object.name, "errorMessage": message,
                "matchResults": [{"entityType": object.name, "errors": [], "matchEngine": "FuzzyMatchEngine",
                    "matchRecords": [{"additionalInformation": [], "fieldDiffs": [], "matchConfidence": 100.0,
                        "record": {"attributes": {"type": object.name}, "Id": id18(object.prefix, first)}}],
                    "rule": format!("Standard_{}_Match_Rule", object.name), "size": 1, "success": true}],
            })));
        }
        Err(error)
    }
}

fn usual_message(code: &str) -> &'static str {
    match code {
        "UNABLE_TO_LOCK_ROW" => "unable to obtain exclusive access to this record",
        "DUPLICATES_DETECTED" => "Use one of these records?",
        "LICENSE_LIMIT_EXCEEDED" => "License Limit Exceeded",
        "FIELD_CUSTOM_VALIDATION_EXCEPTION" => "A validation rule of this org refuses the record",
        "CANNOT_UPDATE_CONVERTED_LEAD" => "cannot reference converted lead",
        _ => "The record was refused",
    }
}

/// Why an upsert did nothing.
#[derive(Debug)]
pub(crate) enum Upsert {
    Refused(RowError),
    Several(Vec<u64>),
}

impl From<RowError> for Upsert {
    fn from(error: RowError) -> Upsert {
        Upsert::Refused(error)
    }
}

/// Salesforce's answer to a DELETE of a user and the like is not documented; the object reference only says that the
/// call is not supported.
fn unsupported(object: &ObjectType, verb: &str) -> RowError {
    let message = format!("entity type {} does not support {verb}", object.name);
    RowError::new("INVALID_TYPE_FOR_OPERATION", message)
}

/// A locked password can be unlocked, but nobody can lock one.
fn unlock_only(object: &ObjectType, changes: &Changes) -> Result<(), RowError> {
    let locked = object.id_of("IsPasswordLocked");
    if changes.iter().any(|(id, value)| Some(*id) == locked && value == "true") {
        let message = "IsPasswordLocked can only be set to false";
        return Err(RowError::new("FIELD_INTEGRITY_EXCEPTION", message).on("IsPasswordLocked"));
    }
    Ok(())
}

fn assigned_once(tables: &Tables, object: &ObjectType, changes: &Changes) -> Result<(), RowError> {
    let sent = |name: &str| {
        let field = object.id_of(name)?;
        changes.iter().find(|(id, _)| *id == field).map(|(_, value)| value.as_str())
    };
    let (set, assignee) = (sent("PermissionSetId"), sent("AssigneeId"));
    let there = tables.table(object).live.values().any(|record| {
        record.named(object, "AssigneeId") == assignee && record.named(object, "PermissionSetId") == set
    });
    if there {
        let message = format!(
            "Duplicate PermissionSetAssignment. Assignee: {}; Permission Set: {}",
            assignee.unwrap_or_default(),
            set.unwrap_or_default()
        );
        return Err(RowError::new("DUPLICATE_VALUE", message).on("AssigneeId"));
    }
    Ok(())
}
