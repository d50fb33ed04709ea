//! One CRM record and what is remembered about its changes.

use serde::{Deserialize, Serialize};

use super::properties::PropertyId;
use crate::values::Values;

/// Who wrote a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Source {
    /// A person in HubSpot's own screens.
    CrmUi,
    /// An app over the API, by its app id.
    Integration(u32),
    /// The seed.
    Import,
}

impl Source {
    /// `sourceType` and `sourceId` of HubSpot's property history.
    pub(crate) fn wire(&self) -> (&'static str, String) {
        match self {
            Source::CrmUi => ("CRM_UI", "userId:100".to_owned()),
            Source::Integration(app) => ("INTEGRATION", app.to_string()),
            Source::Import => ("IMPORT", "import:1".to_owned()),
        }
    }
}

/// One former or present value of one property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub property: PropertyId,
    pub value: Option<Box<str>>,
    pub at: i64,
    pub source: Source,
}

/// One contact or company.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub id: u64,
    pub values: Values<PropertyId>,
    /// Epoch milliseconds.
    pub created: i64,
    pub updated: i64,
    pub archived: Option<i64>,
    pub origin: Source,
    /// Only changes after creation, oldest first; most records have none and pay nothing.
    pub history: Vec<Change>,
    /// The records this one was merged from.
    pub merged: Vec<u64>,
}

impl Record {
    pub(crate) fn new(id: u64, values: Values<PropertyId>, now: i64, origin: Source) -> Record {
        Record {
            id,
            values,
            created: now,
            updated: now,
            archived: None,
            origin,
            history: Vec::new(),
            merged: Vec::new(),
        }
    }

    /// Writes values, keeping what they were; `bump` says whether the record counts as modified.
    pub(crate) fn write(&mut self, changes: &[(PropertyId, String)], now: i64, source: &Source, bump: bool) {
        let history = &mut self.history;
        for (property, value) in changes {
            if !history.iter().any(|change| change.property == *property)
                && let Some(before) = self.values.get(*property)
            {
                history.push(Change {
                    property: *property,
                    value: Some(before.into()),
                    at: self.created,
                    source: self.origin.clone(),
                });
            }
            history.push(Change {
                property: *property,
                value: Some(value.as_str()).filter(|value| !value.is_empty()).map(Into::into),
                at: now,
                source: source.clone(),
            });
        }
        self.values = self.values.with(changes.iter().map(|(id, value)| (*id, value.as_str())));
        if bump {
            self.updated = now.max(self.updated);
        }
    }

    /// All values a property has had, newest first.
    pub(crate) fn history(&self, property: PropertyId) -> Vec<Change> {
        let mut changes: Vec<Change> =
            self.history.iter().filter(|change| change.property == property).cloned().collect();
        if changes.is_empty()
            && let Some(value) = self.values.get(property)
        {
            changes.push(Change {
                property,
                value: Some(value.into()),
                at: self.created,
                source: self.origin.clone(),
            });
        }
        changes.reverse();
        changes
    }
}
