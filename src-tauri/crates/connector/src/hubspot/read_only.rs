//! Properties that HubSpot keeps itself. One of them makes HubSpot refuse the whole batch, so what is known as such is not
//! sent.
//!
//! Some are read-only in every account. The others are learnt where HubSpot tells: from the schema when it is read, and
//! from a refusal, after which the batch is sent again without them. To read the schema before the first write would cost
//! every process a call that hardly any needs.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use model::Attributes;

use super::answers::Problem;
use super::{ARCHIVED, ObjectType};

/// Read-only in every account.
const ALWAYS: &[&str] = &[
    "createdate",
    "lastmodifieddate",
    "hs_createdate",
    "hs_lastmodifieddate",
    "hs_merged_object_ids",
    "hs_full_name_or_email",
    "hs_email_domain",
    ARCHIVED,
];

/// What is known of one connection's account.
#[derive(Default)]
pub(super) struct ReadOnly(Mutex<HashMap<&'static str, HashSet<String>>>);

impl ReadOnly {
    /// Takes over what the schema says.
    pub fn told(&self, object_type: ObjectType, names: impl Iterator<Item = String>) {
        self.with(object_type, |known| *known = names.collect());
    }

    /// Takes over what a refusal says.
    pub fn refused(&self, object_type: ObjectType, problem: &Problem) {
        let named = problem.value_problems().into_iter().filter(|p| p.code == "READ_ONLY_VALUE");
        self.with(object_type, |known| known.extend(named.filter_map(|p| p.property)));
    }

    /// The first property of a write that HubSpot would not take.
    pub fn first_of<'a>(&self, object_type: ObjectType, properties: &'a Attributes) -> Option<&'a str> {
        self.with(object_type, |known| {
            properties.keys().map(String::as_str).find(|name| is_kept(object_type, known, name))
        })
    }

    /// All of them.
    pub fn all_of(&self, object_type: ObjectType, properties: &Attributes) -> Vec<String> {
        self.with(object_type, |known| {
            properties.keys().filter(|name| is_kept(object_type, known, name)).cloned().collect()
        })
    }

    /// Leaves what HubSpot would take.
    pub fn take_out(&self, object_type: ObjectType, properties: &mut Attributes) {
        self.with(object_type, |known| properties.retain(|name, _| !is_kept(object_type, known, name)));
    }

    fn with<T>(&self, object_type: ObjectType, f: impl FnOnce(&mut HashSet<String>) -> T) -> T {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        f(all.entry(object_type.name()).or_default())
    }
}

fn is_kept(object_type: ObjectType, known: &HashSet<String>, name: &str) -> bool {
    ALWAYS.contains(&name) || name == object_type.links() || known.contains(name)
}

/// Why a write with such a property is not sent.
pub(super) fn reason(property: &str) -> String {
    format!("`{property}` can only be read: HubSpot keeps it itself; take it out of the mapping")
}
