//! A connector's configuration in the shape of `provisioner.openicf-<name>.json`.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::Attributes;

/// Properties of `configurationProperties` that hold secrets, whatever the connector. They are taken out of the
/// document before it is stored, and never put back into one that leaves the program.
pub const SECRET_PROPERTIES: &[&str] = &[
    "accessToken",
    "clientSecret",
    "refreshToken",
    "authToken",
    "password",
    "securityToken",
    "security_token",
    "httpProxyPassword",
];

/// Whether a setting holds a secret by its name, although no connector of ours knows it as one.
pub fn sounds_secret(property: &str) -> bool {
    let name = property.to_ascii_lowercase();
    ["password", "secret", "token", "credentials", "passphrase", "privatekey", "apikey"]
        .iter()
        .any(|end| name.ends_with(end))
}

/// The configuration of one connection to a remote system.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConnectorConfig {
    /// Letters and digits; resource paths are made of it (`system/<name>/<type>`).
    #[serde(default)]
    pub name: String,
    /// The title that people see.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// Whether runs may use it.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Which connector it is.
    #[serde(default)]
    pub connector_ref: ConnectorRef,
    /// The connector's own settings, under IDM's names.
    #[serde(default)]
    pub configuration_properties: Attributes,
    /// Everything else in the document, kept as it is.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// The identity of a connector implementation, as IDM writes it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConnectorRef {
    /// For example `org.forgerock.openicf.connectors.hubspot.HubspotConnector`.
    #[serde(default)]
    pub connector_name: String,
    /// Bundle name, version and the like, kept as they are.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// The systems that Concord can connect to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Provider {
    /// HubSpot CRM.
    Hubspot,
    /// Salesforce.
    Salesforce,
    /// Any SCIM 2.0 server.
    Scim,
}

/// Why a connector configuration cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ConnectorConfigError {
    /// Not JSON, or not an object of the expected shape.
    #[error(
        "this is not a connector configuration: {0}; expected the shape of IDM's provisioner.openicf-<name>.json"
    )]
    Shape(String),
    /// A name that resource paths cannot be made of.
    #[error("connector name `{0}` cannot be used; use letters, digits, `-` and `_`, at most 50 characters")]
    Name(String),
    /// Nothing tells which system it is for.
    #[error(
        "connector `{name}`: connectorRef.connectorName `{connector_name}` is none that Concord knows (HubSpot, Salesforce, SCIM)"
    )]
    UnknownProvider {
        /// The connector's name.
        name: String,
        /// What the document says.
        connector_name: String,
    },
    /// A setting of the wrong type or value.
    #[error("connector `{name}`: configurationProperties.{property} {what}")]
    Property {
        /// The connector's name.
        name: String,
        /// The setting.
        property: String,
        /// What is wrong with it and what would be right.
        what: String,
    },
}

impl ConnectorConfig {
    /// Reads a document. `fallback_name` is used when it carries no `name`, as IDM's files do not: there the name is
    /// in the file name.
    pub fn parse(text: &str, fallback_name: Option<&str>) -> Result<Self, ConnectorConfigError> {
        let mut config: Self =
            serde_json::from_str(text).map_err(|e| ConnectorConfigError::Shape(e.to_string()))?;
        if config.name.is_empty() {
            config.name = fallback_name.unwrap_or_default().to_owned();
        }
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<(), ConnectorConfigError> {
        let fits = !self.name.is_empty()
            && self.name.len() <= 50
            && self.name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
        if !fits {
            return Err(ConnectorConfigError::Name(self.name.clone()));
        }
        self.provider().map(|_| ())
    }

    /// The system that it is for, from the connector's class name, bundle name or system type.
    pub fn provider(&self) -> Result<Provider, ConnectorConfigError> {
        let texts = std::iter::once(self.connector_ref.connector_name.as_str())
            .chain(
                ["bundleName", "systemType"].iter().filter_map(|k| self.connector_ref.rest.get(*k)?.as_str()),
            )
            .map(str::to_ascii_lowercase)
            .collect::<Vec<_>>();
        let says = |word: &str| texts.iter().any(|t| t.contains(word));
        if says("hubspot") {
            Ok(Provider::Hubspot)
        } else if says("salesforce") {
            Ok(Provider::Salesforce)
        } else if says("scim") {
            Ok(Provider::Scim)
        } else {
            Err(ConnectorConfigError::UnknownProvider {
                name: self.name.clone(),
                connector_name: self.connector_ref.connector_name.clone(),
            })
        }
    }

    /// The title for people: the display name, else the name.
    pub fn title(&self) -> &str {
        self.display_name.as_deref().filter(|t| !t.is_empty()).unwrap_or(&self.name)
    }

    /// A text setting; absent, null and empty are the same.
    pub fn text(&self, property: &str) -> Result<Option<&str>, ConnectorConfigError> {
        match self.configuration_properties.get(property) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(s)) if s.is_empty() => Ok(None),
            Some(Value::String(s)) => Ok(Some(s)),
            Some(_) => Err(self.bad(property, "must be a text")),
        }
    }

    /// Where calls go, as far as the configuration knows; `None` for what Concord has no connector for, and where it is not set.
    pub fn address(&self) -> Option<&str> {
        let text = |property: &str| self.text(property).ok().flatten();
        match self.provider() {
            Ok(Provider::Salesforce) => Some(
                text("instanceUrl").or_else(|| text("loginUrl")).unwrap_or("https://login.salesforce.com"),
            ),
            Ok(Provider::Scim) => text("SCIMEndpoint"),
            Ok(Provider::Hubspot) => Some(text("apiBaseUrl").unwrap_or("https://api.hubapi.com")),
            Err(_) => None,
        }
    }

    /// A whole number; a number in quotes is read as well.
    pub fn number(&self, property: &str) -> Result<Option<u64>, ConnectorConfigError> {
        match self.configuration_properties.get(property) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(s)) if s.is_empty() => Ok(None),
            Some(Value::Number(n)) if n.as_u64().is_some() => Ok(n.as_u64()),
            Some(Value::String(s)) if s.parse::<u64>().is_ok() => Ok(s.parse().ok()),
            Some(_) => Err(self.bad(property, "must be a whole number, zero or more")),
        }
    }

    /// A switch; `"true"` and `"false"` in quotes are read as well.
    pub fn switch(&self, property: &str, default: bool) -> Result<bool, ConnectorConfigError> {
        match self.configuration_properties.get(property) {
            None | Some(Value::Null) => Ok(default),
            Some(Value::Bool(b)) => Ok(*b),
            Some(Value::String(s)) if s == "true" || s == "false" => Ok(s == "true"),
            Some(_) => Err(self.bad(property, "must be true or false")),
        }
    }

    /// A list of names: an array of texts, or one text with commas or blanks between them. Absent, null and empty give
    /// no names.
    pub fn list(&self, property: &str) -> Result<Vec<String>, ConnectorConfigError> {
        let wrong = || self.bad(property, "must be a list of texts, or a text with names between blanks");
        match self.configuration_properties.get(property) {
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(Value::String(text)) => {
                Ok(text.split([' ', ',']).filter(|s| !s.is_empty()).map(str::to_owned).collect())
            }
            Some(Value::Array(items)) => items
                .iter()
                .map(|i| i.as_str().filter(|s| !s.is_empty()).map(str::to_owned).ok_or_else(wrong))
                .collect(),
            Some(_) => Err(wrong()),
        }
    }

    /// An error about one setting.
    pub fn bad(&self, property: &str, what: impl Into<String>) -> ConnectorConfigError {
        ConnectorConfigError::Property {
            name: self.name.clone(),
            property: property.to_owned(),
            what: what.into(),
        }
    }

    /// Takes the secrets out of the document: what is left may be stored and shown in clear. IDM's own encrypted
    /// wrappers (`$crypto`) are dropped, because their key is not ours.
    pub fn take_secrets(&mut self) -> Vec<(String, crate::Secret)> {
        let mut secrets = Vec::new();
        for property in SECRET_PROPERTIES {
            if let Some(Value::String(plain)) = self.configuration_properties.shift_remove(*property)
                && !plain.is_empty()
            {
                secrets.push(((*property).to_owned(), crate::Secret::new(plain)));
            }
        }
        secrets
    }
}

fn yes() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{ConnectorConfig, Provider};

    fn hubspot() -> String {
        json!({
            "connectorRef": {"connectorName": "org.forgerock.openicf.connectors.hubspot.HubspotConnector", "bundleVersion": "1.5.20.8"},
            "poolConfigOption": {"maxObjects": 10},
            "configurationProperties": {"clientId": "id", "clientSecret": "s", "refreshToken": {"$crypto": {}}, "permitsPerSecond": "10"}
        })
        .to_string()
    }

    #[test]
    fn idm_files_are_read_and_unknown_keys_survive() {
        let config = ConnectorConfig::parse(&hubspot(), Some("hubspot")).unwrap();
        assert_eq!(config.name, "hubspot");
        assert_eq!(config.provider(), Ok(Provider::Hubspot));
        assert_eq!(config.number("permitsPerSecond"), Ok(Some(10)));
        let back = serde_json::to_value(&config).unwrap();
        assert_eq!(back["poolConfigOption"]["maxObjects"], 10);
        assert_eq!(back["connectorRef"]["bundleVersion"], "1.5.20.8");
    }

    #[test]
    fn secrets_leave_the_document() {
        let mut config = ConnectorConfig::parse(&hubspot(), Some("hubspot")).unwrap();
        let names: Vec<String> = config.take_secrets().into_iter().map(|(n, _)| n).collect();
        assert_eq!(names, ["clientSecret"]);
        assert!(!serde_json::to_string(&config).unwrap().contains("clientSecret"));
    }

    #[test]
    fn lists_are_read_from_arrays_and_texts() {
        for (value, expect) in [
            (json!(null), Some(vec![])),
            (json!(""), Some(vec![])),
            (json!("User, Contact"), Some(vec!["User", "Contact"])),
            (json!(["User", "Contact"]), Some(vec!["User", "Contact"])),
            (json!(["User", ""]), None),
            (json!(3), None),
        ] {
            let document = json!({"connectorRef": {"connectorName": "Salesforce"}, "configurationProperties": {"x": value}});
            let config = ConnectorConfig::parse(&document.to_string(), Some("sf")).unwrap();
            let found = config.list("x").ok();
            let expect = expect.map(|names| names.into_iter().map(str::to_owned).collect::<Vec<_>>());
            assert_eq!(found, expect, "{document}");
        }
    }

    #[test]
    fn broken_documents_get_one_clear_sentence() {
        for (text, name, what) in [
            ("{", None, "not a connector configuration"),
            ("[]", None, "not a connector configuration"),
            ("{\"name\":\"a b\"}", None, "cannot be used"),
            ("{}", None, "cannot be used"),
            ("{}", Some("x"), "none that Concord knows"),
        ] {
            let error = ConnectorConfig::parse(text, name).unwrap_err().to_string();
            assert!(error.contains(what), "{text}: {error}");
        }
    }
}
