//! The mappings that Concord brings along: one file each in `templates/<provider>/`, as an administrator would write them.

use model::{ManagedObjectConfig, MappingConfig, mapping_config::MappingConfigError};
use serde_json::Value;

macro_rules! files {
    ($($provider:literal: $($name:literal),+;)+) => {
        &[$($(($provider, $name, include_str!(concat!("../templates/", $provider, "/", $name, ".json")))),+),+]
    };
}

/// Provider, name, text.
const FILES: &[(&str, &str, &str)] = files! {
    "hubspot": "systemHubspotContact_managedUser", "managedUser_systemHubspotContact",
        "systemHubspotCompany_managedOrganization", "managedOrganization_systemHubspotCompany";
    "salesforce": "systemSalesforceUser_managedUser", "managedUser_systemSalesforceUser",
        "systemSalesforceContact_managedUser", "systemSalesforceLead_managedUser";
    "scim": "managedUser_systemScimUser", "systemScimUser_managedUser";
};

/// Provider and name of every mapping that comes along; a mapping stands behind the one whose links it shares.
pub fn ready_mapping_names() -> impl Iterator<Item = (&'static str, &'static str)> {
    FILES.iter().map(|(provider, name, _)| (*provider, *name))
}

/// One of them, for the connector of this name.
///
/// # Errors
/// When no mapping of this name comes along.
pub fn ready_mapping(name: &str, connector: &str) -> Result<MappingConfig, MappingConfigError> {
    let (provider, text) = FILES
        .iter()
        .find(|(_, known, _)| *known == name)
        .map_or(("", "null"), |(provider, _, text)| (*provider, *text));
    let mut config = MappingConfig::from_value(serde_json::from_str(text).unwrap_or(Value::Null))?;
    for end in [&mut config.source, &mut config.target] {
        if let Some(object_type) = end.strip_prefix(&format!("system/{provider}/")) {
            *end = format!("system/{connector}/{object_type}");
        }
    }
    Ok(config)
}

/// The managed types that mappings which come along need and that are not there from the start.
const TYPES: &[&str] = &[include_str!("../managed/organization.json")];

/// The managed type of this name that comes along.
pub fn ready_type(name: &str) -> Option<ManagedObjectConfig> {
    TYPES
        .iter()
        .filter_map(|text| serde_json::from_str::<ManagedObjectConfig>(text).ok())
        .find(|config| config.name == name)
}
