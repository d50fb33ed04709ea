//! Who calls and what they may do.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::problem::Problem;
use super::record::Source;
use super::state::ObjectKind;

/// The app id that OAuth calls carry in property history.
pub(crate) const OAUTH_APP: u32 = 1001;
/// The app id of the static service key.
pub(crate) const KEY_APP: u32 = 2002;

/// Scopes a sandbox app may have, with what they mean to a person.
pub(crate) const SCOPES: &[(&str, &str)] = &[
    ("oauth", "Know which account it is connected to"),
    ("crm.objects.contacts.read", "View contacts"),
    ("crm.objects.contacts.write", "Create, change and archive contacts"),
    ("crm.objects.companies.read", "View companies"),
    ("crm.objects.companies.write", "Create, change and archive companies"),
    ("crm.objects.owners.read", "View owners"),
    ("crm.schemas.contacts.read", "View the properties of contacts"),
    ("crm.schemas.contacts.write", "Change the properties of contacts"),
    ("crm.schemas.companies.read", "View the properties of companies"),
    ("crm.schemas.companies.write", "Change the properties of companies"),
    ("crm.lists.read", "View lists"),
];

/// The authenticated caller of one request.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub portal: u64,
    pub app: u32,
    /// `None` for the service key, which may do everything.
    pub scopes: Option<BTreeSet<String>>,
    /// Properties that the portal's create form requires; enforced by version 2026-09 on.
    pub required: Vec<String>,
}

impl Caller {
    pub(crate) fn source(&self) -> Source {
        Source::Integration(self.app)
    }

    /// At least one of these scopes is needed.
    pub(crate) fn needs(&self, any_of: &[&str]) -> Result<(), Problem> {
        match &self.scopes {
            Some(granted) if !any_of.iter().any(|scope| granted.contains(*scope)) => {
                Err(Problem::scopes(any_of))
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn needs_read(&self, kind: ObjectKind) -> Result<(), Problem> {
        self.needs(&[&format!("crm.objects.{}.read", kind.plural())])
    }

    pub(crate) fn needs_write(&self, kind: ObjectKind) -> Result<(), Problem> {
        self.needs(&[&format!("crm.objects.{}.write", kind.plural())])
    }

    /// Rules that the account's admin set; from version 2026-09 they hold for API writes too.
    pub(crate) fn check_required(&self, kind: ObjectKind, input: &Map<String, Value>) -> Result<(), Problem> {
        if kind != ObjectKind::Contact {
            return Ok(());
        }
        let empty = |name: &&String| {
            matches!(input.get(*name), None | Some(Value::Null)) || input.get(*name) == Some(&Value::from(""))
        };
        let missing: Vec<_> = self
            .required
            .iter()
            .filter(empty)
            .map(|name| {
                let message = format!("{name} is required by this account's rules.");
                super::properties::PropertyProblem::new(name, "REQUIRED_PROPERTY", message)
            })
            .collect();
        if missing.is_empty() { Ok(()) } else { Err(Problem::values(&missing, self.portal)) }
    }
}
