//! Whether a property that an answer leaves out is empty or gone.
//!
//! HubSpot leaves out a property that is not defined, and brings a defined one without a value as null. To take what is
//! left out for empty would empty the attribute of everybody once a property is deleted in HubSpot. Where a record lacks a
//! property that was asked for, HubSpot's schema is therefore asked before anything is made of it.

use std::collections::{BTreeSet, HashMap};
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

/// What was left out and yet found defined, by object type: servers that leave out what is empty are not asked again for every
/// page. What the schema said before is not kept: a property that HubSpot leaves out was deleted since.
#[derive(Default)]
pub(super) struct Defined(Mutex<HashMap<&'static str, HashMap<String, Timestamp>>>);

impl Defined {
    fn told(&self, object_type: ObjectType, at: Timestamp, names: impl Iterator<Item = String>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = all.entry(object_type.name()).or_default();
        known.extend(names.map(|name| (name, at)));
    }

    /// Leaves the names that are not known to be defined.
    fn keep_doubtful(&self, object_type: ObjectType, now: Timestamp, names: &mut BTreeSet<&str>) {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = all.get(object_type.name()) {
            let fresh = |at: &Timestamp| now >= *at && now.duration_since(*at) < BELIEVED;
            names.retain(|name| !known.get(*name).is_some_and(fresh));
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
        let (here, lacking): (BTreeSet<&str>, BTreeSet<&str>) =
            lacking.into_iter().partition(|name| schema.attributes.iter().any(|a| a.name == *name));
        self.defined.told(object_type, self.http.now(), here.iter().map(|name| (*name).to_owned()));
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
