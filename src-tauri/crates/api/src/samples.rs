//! The templates: a HubSpot connection and its two mappings, as an administrator would write them.

use model::{ConnectorConfig, MappingConfig};
use serde_json::{Value, json};

/// A HubSpot connector. `base_url` is given for a sandbox.
pub(crate) fn hubspot_connector(name: &str, base_url: Option<&str>) -> Value {
    let mut properties = json!({
        "clientId": "",
        "acceptSelfSignedCertificates": false,
        "disableHostNameVerifier": false,
        "readSchema": true,
        "maximumConnections": 10,
        "permitsPerSecond": 10,
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

/// HubSpot contacts become users.
fn inbound(connector: &str) -> Value {
    json!({
        "name": "systemHubspotContact_managedUser",
        "displayName": "HubSpot contact to User",
        "source": format!("system/{connector}/contact"),
        "target": "managed/user",
        "enableSync": true,
        "sourceCondition": "/source/email pr",
        "correlationQuery": [{"linkQualifier": "default", "expressionTree": {"any": ["mail"]}, "mapping": "systemHubspotContact_managedUser", "type": "text/javascript", "file": "ui/correlateTreeToQueryFilter.js"}],
        "properties": [
            {"source": "email", "target": "userName", "transform": {"builtIn": "lower"}, "setOn": "create"},
            {"source": "email", "target": "mail", "transform": {"builtIn": "lower"}},
            {"source": "firstname", "target": "givenName", "transform": {"builtIn": "trim"}, "default": "-"},
            {"source": "lastname", "target": "sn", "transform": {"builtIn": "trim"}, "default": "-"},
            {"source": "phone", "target": "telephoneNumber"},
            {"source": "mobilephone", "target": "mobilePhone"},
            {"source": "jobtitle", "target": "title"},
            {"source": "company", "target": "companyName"},
            {"source": "address", "target": "postalAddress"},
            {"source": "city", "target": "city"},
            {"source": "zip", "target": "postalCode"},
            {"source": "state", "target": "stateProvince"},
            {"source": "country", "target": "country"},
            {"source": "website", "target": "website"}
        ],
        "policies": policies(&[("UNASSIGNED", "IGNORE"), ("UNQUALIFIED", "UNLINK")]),
    })
}

/// Users go to HubSpot.
fn outbound(connector: &str) -> Value {
    json!({
        "name": "managedUser_systemHubspotContact",
        "displayName": "User to HubSpot contact",
        "source": "managed/user",
        "target": format!("system/{connector}/contact"),
        "links": "systemHubspotContact_managedUser",
        "enableSync": true,
        "correlationQuery": [{"linkQualifier": "default", "expressionTree": {"any": ["email"]}, "mapping": "managedUser_systemHubspotContact", "type": "text/javascript", "file": "ui/correlateTreeToQueryFilter.js"}],
        "properties": [
            {"source": "mail", "target": "email"},
            {"source": "givenName", "target": "firstname"},
            {"source": "sn", "target": "lastname"},
            {"source": "telephoneNumber", "target": "phone", "whenEmpty": "clear"},
            {"source": "mobilePhone", "target": "mobilephone", "whenEmpty": "clear"},
            {"source": "title", "target": "jobtitle", "whenEmpty": "clear"},
            {"source": "companyName", "target": "company", "whenEmpty": "clear"},
            {"source": "postalAddress", "target": "address", "whenEmpty": "clear"},
            {"source": "city", "target": "city", "whenEmpty": "clear"},
            {"source": "postalCode", "target": "zip", "whenEmpty": "clear"},
            {"source": "stateProvince", "target": "state", "whenEmpty": "clear"},
            {"source": "country", "target": "country", "whenEmpty": "clear"},
            {"source": "website", "target": "website", "whenEmpty": "clear"}
        ],
        "policies": policies(&[("UNASSIGNED", "IGNORE"), ("UNQUALIFIED", "UNLINK")]),
    })
}

/// IDM's default policies with some replaced.
fn policies(others: &[(&str, &str)]) -> Vec<Value> {
    model::Situation::ALL
        .iter()
        .map(|situation| {
            let action = others
                .iter()
                .find(|(name, _)| *name == situation.as_str())
                .map_or(situation.default_action().as_str(), |(_, action)| *action);
            json!({"situation": situation.as_str(), "action": action})
        })
        .collect()
}

/// The connector of a sandbox at `url`.
pub(crate) fn sandbox_connector(url: &str) -> Result<ConnectorConfig, serde_json::Error> {
    serde_json::from_value(hubspot_connector("hubspot", Some(url)))
}

/// Both mappings of a HubSpot connection.
pub(crate) fn hubspot_mappings(
    connector: &str,
) -> Result<Vec<MappingConfig>, model::mapping_config::MappingConfigError> {
    [inbound(connector), outbound(connector)].into_iter().map(MappingConfig::from_value).collect()
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
