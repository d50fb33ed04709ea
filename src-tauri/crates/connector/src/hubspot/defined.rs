//! Whether a property that an answer leaves out is empty or gone.
//!
//! HubSpot leaves out a property that is not defined, and brings a defined one without a value as null. To take what is
//! left out for empty would empty the attribute of everybody once a property is deleted in HubSpot. Where a record lacks a
//! property that was asked for, HubSpot's schema is therefore asked before anything is made of it.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

use super::answers::Record;
use super::changes::MERGED_IDS;
use super::{Hubspot, ObjectType};
use crate::error::{ConnectorError, ErrorKind};

/// How long it is believed that a property is defined.
const BELIEVED: SignedDuration = SignedDuration::from_mins(1);

/// HubSpot's own, which nobody can delete and which Concord also asks for unbidden; e-mails and company names are as well.
const OWN: &[&str] = &[
    "hs_object_id",
    MERGED_IDS,
    "hs_additional_emails",
    "createdate",
    "lastmodifieddate",
    "hs_createdate",
    "hs_lastmodifieddate",
];

/// What HubSpot's schema said last, by object type.
#[derive(Default)]
pub(super) struct Defined(Mutex<HashMap<&'static str, (Timestamp, HashSet<String>)>>);

impl Defined {
    /// Takes over what the schema says.
    pub fn told(&self, object_type: ObjectType, at: Timestamp, names: HashSet<String>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(object_type.name(), (at, names));
    }

    /// Leaves the names that are not known to be defined.
    fn keep_doubtful(&self, object_type: ObjectType, now: Timestamp, names: &mut BTreeSet<&str>) {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, known)) = all.get(object_type.name())
            && now >= *at
            && now.duration_since(*at) < BELIEVED
        {
            names.retain(|name| !known.contains(*name));
        }
    }
}

impl Hubspot {
    /// Checks that every property that records lack is defined, so that it is empty. Asks HubSpot only where one is
    /// lacking and was not found defined lately.
    pub(super) async fn check_defined(
        &self,
        object_type: ObjectType,
        records: &[Record],
        names: &[&str],
    ) -> Result<(), ConnectorError> {
        let mut lacking: BTreeSet<&str> = names
            .iter()
            .filter(|name| !OWN.contains(name) && **name != object_type.name_property())
            .filter(|name| records.iter().any(|r| !r.properties.contains_key(**name)))
            .copied()
            .collect();
        self.defined.keep_doubtful(object_type, self.http.now(), &mut lacking);
        if lacking.is_empty() {
            return Ok(());
        }
        let schema = self.object_type_schema(object_type).await.map_err(|error| {
            let message = format!(
                "{}; so whether {} of {} is empty or was deleted in HubSpot could not be told, and nothing was taken as empty",
                error.message,
                listed(&lacking),
                object_type.plural()
            );
            ConnectorError { message, ..error }
        })?;
        for attribute in &schema.attributes {
            lacking.remove(attribute.name.as_str());
        }
        if lacking.is_empty() {
            return Ok(());
        }
        let why = if self.read_schema {
            "HubSpot does not bring it and does not define it"
        } else {
            "HubSpot does not bring it, as with what is not defined, and with `readSchema: false` its schema is not asked"
        };
        Err(self.error(
            ErrorKind::Configuration,
            format!(
                "object type {}, property {}: {why}, so nothing was taken as empty; restore the property in HubSpot, or take it out of the mapping (names are in lower case)",
                object_type.name(),
                listed(&lacking)
            ),
        ))
    }
}

/// The first few names.
fn listed(names: &BTreeSet<&str>) -> String {
    let mut text = names.iter().take(5).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    if names.len() > 5 {
        text.push_str(&format!(" and {} more", names.len() - 5));
    }
    text
}
