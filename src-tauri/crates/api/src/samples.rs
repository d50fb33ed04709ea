//! The first draft of a connection to each provider, and what a sandbox begins with.

use model::{ConnectorConfig, MappingConfig};
use serde_json::{Value, json};

use crate::ready_mappings::ready_mapping;

/// A HubSpot connector. `base_url` is given for a sandbox.
pub(crate) fn hubspot_connector(name: &str, base_url: Option<&str>) -> Value {
    let mut properties = json!({
        "clientId": "",
        "acceptSelfSignedCertificates": false,
        "disableHostNameVerifier": false,
        "readSchema": true,
        "maximumConnections": 10,
        "apiVersion": "2026-03",
    });
    if let (Some(url), Some(map)) = (base_url, properties.as_object_mut()) {
        map.insert("apiBaseUrl".into(), json!(url));
        map.insert("authorizeUrl".into(), json!(format!("{url}/oauth/authorize")));
        // The sandbox has no limit to keep to.
        map.insert("permitsPerSecond".into(), json!(200));
    }
    json!({
        "name": name,
        "displayName": if base_url.is_some() { "HubSpot (sandbox)" } else { "HubSpot" },
        "enabled": true,
        "connectorRef": {
            "connectorName": "org.forgerock.openicf.connectors.hubspot.HubspotConnector",
            "bundleName": "org.forgerock.openicf.connectors.hubspot-connector",
            "bundleVersion": "[1.5.0.0,2)",
            "systemType": "provisioner.openicf",
        },
        "configurationProperties": properties,
    })
}

/// A Salesforce connector under IDM's names, for the organizations that log in at the common address.
pub(crate) fn salesforce_connector(name: &str) -> Value {
    json!({
        "name": name,
        "displayName": "Salesforce",
        "enabled": true,
        "connectorRef": {
            "connectorName": "org.forgerock.openicf.connectors.salesforce.SalesforceConnector",
            "bundleName": "org.forgerock.openicf.connectors.salesforce-connector",
            "bundleVersion": "[1.5.0.0,2)",
            "systemType": "provisioner.openicf",
        },
        "configurationProperties": {
            "clientId": "",
            "grantType": "refresh_token",
            "loginUrl": "https://login.salesforce.com/services/oauth2/token",
            "version": 66,
            "maximumConnections": 10,
        },
    })
}

/// A SCIM connector under IDM's names.
pub(crate) fn scim_connector(name: &str) -> Value {
    json!({
        "name": name,
        "displayName": "SCIM",
        "enabled": true,
        "connectorRef": {
            "connectorName": "org.forgerock.openicf.connectors.scim.ScimConnector",
            "bundleName": "org.forgerock.openicf.connectors.scim-connector",
            "bundleVersion": "[1.5.0.0,2)",
            "systemType": "provisioner.openicf",
        },
        "configurationProperties": {
            "SCIMEndpoint": "",
            "SCIMVersion": 2,
            "authenticationMethod": "TOKEN",
            "updateMethod": "AUTO",
            "userDelete": "delete",
            "maximumConnections": 10,
            "permitsPerSecond": 10,
        },
    })
}

/// The connector of a sandbox at `url`.
pub(crate) fn sandbox_connector(url: &str) -> Result<ConnectorConfig, serde_json::Error> {
    serde_json::from_value(hubspot_connector("hubspot", Some(url)))
}

/// Both mappings of a HubSpot connection.
pub(crate) fn hubspot_mappings(
    connector: &str,
) -> Result<Vec<MappingConfig>, model::mapping_config::MappingConfigError> {
    ["systemHubspotContact_managedUser", "managedUser_systemHubspotContact"]
        .into_iter()
        .map(|name| ready_mapping(name, connector))
        .collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_templates_are_sound() {
        assert_eq!(super::hubspot_mappings("hubspot").unwrap().len(), 2);
        let connector = super::sandbox_connector("http://127.0.0.1:1").unwrap();
        assert!(connector.provider().is_ok());
    }
}
