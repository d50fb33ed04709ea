//! The systems that a connector can be made for, in the order in which they are offered.

use model::ConnectorConfig;
use serde_json::Value;

use crate::{
    ApiError, App,
    dto::{ConnectorKind, Empty},
    samples,
};

/// What is offered: the word for `connector_blank`, the title, what it is, and the draft of a connector.
pub(super) struct Kind {
    pub provider: &'static str,
    title: &'static str,
    text: &'static str,
    pub draft: fn(&str) -> Value,
}

pub(super) const KINDS: &[Kind] = &[
    Kind {
        provider: "hubspot",
        title: "HubSpot",
        text: "Contacts, companies and their properties, with a service key or an OAuth app of your own.",
        draft: |name| samples::hubspot_connector(name, None),
    },
    Kind {
        provider: "salesforce",
        title: "Salesforce",
        text: "Users, contacts, leads, accounts and any other object, with an External Client App of your own. Production, Sandbox or your own domain.",
        draft: samples::salesforce_connector,
    },
    Kind {
        provider: "scim",
        title: "SCIM 2.0",
        text: "Users, groups and any other resource type of a server that speaks SCIM 2.0, with a token, a user and a password, a key in a header, or an OAuth app.",
        draft: samples::scim_connector,
    },
];

/// The system of this name, if one can be made for it.
pub(super) fn kind(provider: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.provider == provider)
}

impl App {
    /// The systems that Concord can be connected to.
    pub async fn connector_kinds(&self, _: Empty) -> Result<Vec<ConnectorKind>, ApiError> {
        Ok(KINDS
            .iter()
            .map(|kind| ConnectorKind {
                provider: kind.provider.into(),
                title: kind.title.into(),
                text: kind.text.into(),
            })
            .collect())
    }
}

/// A draft as a configuration.
pub(super) fn draft(kind: &Kind, name: &str) -> Result<ConnectorConfig, serde_json::Error> {
    serde_json::from_value((kind.draft)(name))
}
