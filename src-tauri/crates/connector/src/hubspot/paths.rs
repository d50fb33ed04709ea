//! HubSpot's addresses. The API version is one configuration value; bodies are the same in every version.

use model::ConnectorConfig;
use url::Url;

use crate::error::ConnectorError;
use crate::http::client::address;

const DEFAULT_BASE: &str = "https://api.hubapi.com";
const DEFAULT_VERSION: &str = "2026-03";

/// An API version.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Version {
    /// `v3`: the number stands in front of `objects`.
    V3,
    /// `2026-03`: the date stands behind it.
    Dated(String),
}

/// Builds the addresses of one connection.
#[derive(Debug, Clone)]
pub(crate) struct Paths {
    base: Url,
    version: Version,
}

impl Paths {
    pub fn from_config(config: &ConnectorConfig) -> Result<Self, ConnectorError> {
        let base = address(config, "apiBaseUrl", DEFAULT_BASE)?;
        let version = match config.text("apiVersion")?.unwrap_or(DEFAULT_VERSION) {
            "v3" => Version::V3,
            date if is_dated(date) => Version::Dated(date.to_owned()),
            other => {
                return Err(config
                    .bad("apiVersion", format!("is `{other}`; use `2026-03`, `2026-09` or `v3`"))
                    .into());
            }
        };
        Ok(Self { base, version })
    }

    pub fn base(&self) -> &Url {
        &self.base
    }

    /// `contacts`, and what follows: `batch/read`, `search`, or nothing.
    pub fn objects(&self, plural: &str, rest: &str) -> Url {
        let path = match &self.version {
            Version::V3 => format!("crm/v3/objects/{plural}"),
            Version::Dated(date) => format!("crm/objects/{date}/{plural}"),
        };
        self.join(&if rest.is_empty() { path } else { format!("{path}/{rest}") })
    }

    /// The properties of an object type; `rest` is a property's name, `batch/create`, `batch/archive`, or nothing.
    pub fn properties(&self, plural: &str, rest: &str) -> Url {
        let path = match &self.version {
            Version::V3 => format!("crm/v3/properties/{plural}"),
            Version::Dated(date) => format!("crm/properties/{date}/{plural}"),
        };
        self.join(&if rest.is_empty() { path } else { format!("{path}/{rest}") })
    }

    /// The links of many records. Beside v3 it is associations v4 that have this.
    pub fn associations(&self, from: &str, to: &str) -> Url {
        self.join(&match &self.version {
            Version::V3 => format!("crm/v4/associations/{from}/{to}/batch/read"),
            Version::Dated(date) => format!("crm/associations/{date}/{from}/{to}/batch/read"),
        })
    }

    /// Account information has no dated path.
    pub fn account_details(&self) -> Url {
        self.join("account-info/v3/details")
    }

    /// The token endpoint; `rest` is empty, `introspect` or `revoke`. OAuth has no `v3` that stays: its v1 ends in
    /// February 2027 and v3 was an interim name, so connections on CRM v3 use the dated endpoint as well.
    pub fn token(&self, rest: &str) -> Url {
        let date = match &self.version {
            Version::V3 => DEFAULT_VERSION,
            Version::Dated(date) => date,
        };
        let path = format!("oauth/{date}/token");
        self.join(&if rest.is_empty() { path } else { format!("{path}/{rest}") })
    }

    fn join(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        let prefix = self.base.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{prefix}/{path}"));
        url
    }
}

fn is_dated(text: &str) -> bool {
    match text.split_once('-') {
        Some((year, month)) => {
            year.len() == 4
                && year.bytes().all(|b| b.is_ascii_digit())
                && month.len() == 2
                && month.parse::<u8>().is_ok_and(|m| (1..=12).contains(&m))
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use model::ConnectorConfig;
    use serde_json::json;

    use super::Paths;

    fn config(properties: serde_json::Value) -> ConnectorConfig {
        let document = json!({"connectorRef": {"connectorName": "HubspotConnector"}, "configurationProperties": properties});
        ConnectorConfig::parse(&document.to_string(), Some("hs")).unwrap()
    }

    #[test]
    fn one_value_moves_every_path() {
        for (properties, list, search, schema, token) in [
            (
                json!({}),
                "https://api.hubapi.com/crm/objects/2026-03/contacts",
                "https://api.hubapi.com/crm/objects/2026-03/contacts/search",
                "https://api.hubapi.com/crm/properties/2026-03/contacts",
                "https://api.hubapi.com/oauth/2026-03/token",
            ),
            (
                json!({"apiVersion": "2026-09"}),
                "https://api.hubapi.com/crm/objects/2026-09/contacts",
                "https://api.hubapi.com/crm/objects/2026-09/contacts/search",
                "https://api.hubapi.com/crm/properties/2026-09/contacts",
                "https://api.hubapi.com/oauth/2026-09/token",
            ),
            (
                json!({"apiVersion": "v3", "apiBaseUrl": "http://127.0.0.1:8123/prefix/"}),
                "http://127.0.0.1:8123/prefix/crm/v3/objects/contacts",
                "http://127.0.0.1:8123/prefix/crm/v3/objects/contacts/search",
                "http://127.0.0.1:8123/prefix/crm/v3/properties/contacts",
                "http://127.0.0.1:8123/prefix/oauth/2026-03/token",
            ),
        ] {
            let paths = Paths::from_config(&config(properties)).unwrap();
            assert_eq!(paths.objects("contacts", "").as_str(), list);
            assert_eq!(paths.objects("contacts", "search").as_str(), search);
            assert_eq!(paths.properties("contacts", "").as_str(), schema);
            assert_eq!(paths.token("").as_str(), token);
        }
    }

    #[test]
    fn addresses_that_would_leak_are_refused() {
        for (properties, what) in [
            (json!({"apiVersion": "v4"}), "use `2026-03`"),
            (json!({"apiVersion": "2026-13"}), "use `2026-03`"),
            (json!({"apiBaseUrl": "http://api.hubapi.com"}), "sends tokens in clear"),
            (json!({"apiBaseUrl": "http://localhost.evil.example"}), "sends tokens in clear"),
            (json!({"apiBaseUrl": "ftp://api.hubapi.com"}), "must begin with https://"),
            (json!({"apiBaseUrl": "https://u:p@api.hubapi.com"}), "user or a password"),
            (json!({"apiBaseUrl": "https://api.hubapi.com?x=1"}), "query"),
            (json!({"apiBaseUrl": "api.hubapi.com"}), "is not an address"),
        ] {
            let error = Paths::from_config(&config(properties)).unwrap_err().to_string();
            assert!(error.contains(what), "{error}");
            assert!(error.contains("connector `hs`"), "{error}");
        }
    }
}
