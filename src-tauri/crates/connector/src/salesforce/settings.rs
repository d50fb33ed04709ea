//! What a Salesforce connection's configuration says.

use std::collections::BTreeMap;

use model::ConnectorConfig;
use serde_json::Value;
use url::Url;

use crate::error::ConnectorError;
use crate::http::client::{checked_address, is_loopback};
use crate::oauth;

const PRODUCTION: &str = "https://login.salesforce.com";
const SANDBOX: &str = "https://test.salesforce.com";
/// What IDM's `loginUrl` ends with.
const TOKEN_PATH: &str = "/services/oauth2/token";
const DEFAULT_VERSION: u32 = 66;
/// The first version with Bulk API 2.0 queries and collections of upserts.
const OLDEST_VERSION: u64 = 47;
const DEFAULT_SCOPES: &[&str] = &["id", "api", "refresh_token"];
const DEFAULT_OBJECT_TYPES: &[&str] = &[
    "User",
    "Contact",
    "Lead",
    "Account",
    "Profile",
    "Group",
    "GroupMember",
    "PermissionSet",
    "PermissionSetAssignment",
    "UserLogin",
];
/// A tenth of the day's calls is left to the organization's other programs.
const DEFAULT_DAILY_SHARE: u64 = 90;
/// Reading more records than this costs fewer calls as a bulk job than page by page.
const BULK_READ_FROM: u64 = 20_000;
/// Changing more records than this is what Salesforce recommends Bulk API 2.0 for.
const BULK_WRITE_FROM: u64 = 2_000;
/// Hosts that Salesforce runs organizations on.
const SALESFORCE_DOMAINS: &[&str] =
    &["salesforce.com", "force.com", "cloudforce.com", "salesforce.mil", "sfcrmproducts.cn"];

/// How the connection gets its tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Grant {
    /// A person consents once; a refresh token renews.
    Consent,
    /// The app itself, as the user that the organization lets it run as.
    ClientCredentials,
}

/// What deleting a user does: Salesforce keeps users for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UserDelete {
    /// `IsActive` becomes false, which frees the licence.
    Deactivate,
    /// `UserLogin.IsFrozen` becomes true: no sign-in, the licence stays in use.
    Freeze,
}

/// The settings of one connection.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// `https://login.salesforce.com` or the like, without the path of the token address.
    pub login: Url,
    /// Where the organization is, where the configuration knows it before a token tells it.
    pub instance: Option<Url>,
    pub version: u32,
    pub object_types: Vec<String>,
    pub grant: Grant,
    pub user_delete: UserDelete,
    /// Whether records are saved although a duplicate rule of the organization matches, where the rule lets them.
    pub save_duplicates: bool,
    /// What every user name of this organization ends with, beyond what it is elsewhere.
    pub username_suffix: Option<String>,
    /// Percent of the organization's daily calls that may be used up.
    pub daily_share: u64,
    pub bulk_read_from: u64,
    pub bulk_write_from: usize,
    /// The external id that new records of a type are upserted by.
    pub external_ids: BTreeMap<String, String>,
}

impl Settings {
    pub fn from_config(config: &ConnectorConfig) -> Result<Self, ConnectorError> {
        let login = login(config)?;
        let instance = match config.text("instanceUrl")? {
            None => None,
            Some(text) => Some(origin(checked_address(
                config,
                "instanceUrl",
                text,
                "https://example.my.salesforce.com",
            )?)),
        };
        let grant = match config.text("grantType")?.unwrap_or("refresh_token") {
            "refresh_token" | "authorization_code" => Grant::Consent,
            "client_credentials" => Grant::ClientCredentials,
            other => {
                return Err(config
                    .bad("grantType", format!("is `{other}`; use `refresh_token` or `client_credentials`"))
                    .into());
            }
        };
        if grant == Grant::ClientCredentials && [PRODUCTION, SANDBOX].iter().any(|host| is_at(&login, host)) {
            return Err(config
                .bad("loginUrl", "must be the My Domain address of the organization (https://<name>.my.salesforce.com) for client credentials; Salesforce does not take them at its common login")
                .into());
        }
        let user_delete = match config.text("userDelete")?.unwrap_or("deactivate") {
            "deactivate" => UserDelete::Deactivate,
            "freeze" => UserDelete::Freeze,
            other => {
                return Err(config
                    .bad("userDelete", format!("is `{other}`; use `deactivate` or `freeze`"))
                    .into());
            }
        };
        let save_duplicates = match config.text("duplicateRules")?.unwrap_or("refuse") {
            "refuse" => false,
            "save" => true,
            other => {
                return Err(config
                    .bad("duplicateRules", format!("is `{other}`; use `refuse` or `save`"))
                    .into());
            }
        };
        let daily_share = config.number("dailyApiShare")?.unwrap_or(DEFAULT_DAILY_SHARE);
        if !(1..=100).contains(&daily_share) {
            return Err(config
                .bad("dailyApiShare", format!("is {daily_share}; it is a percentage, 1 to 100"))
                .into());
        }
        let mut object_types = config.list("supportedObjectTypes")?;
        if object_types.is_empty() {
            object_types = DEFAULT_OBJECT_TYPES.iter().map(|t| (*t).to_owned()).collect();
        }
        if let Some(wrong) = object_types.iter().find(|name| !is_api_name(name)) {
            return Err(config
                .bad(
                    "supportedObjectTypes",
                    format!("names `{wrong}`; write API names such as `Contact` or `Order__c`"),
                )
                .into());
        }
        let bulk_write_from = config.number("bulkWriteThreshold")?.unwrap_or(BULK_WRITE_FROM);
        Ok(Self {
            login,
            instance,
            version: version(config)?,
            object_types,
            grant,
            user_delete,
            save_duplicates,
            username_suffix: config.text("usernameSuffix")?.map(str::to_owned),
            daily_share,
            bulk_read_from: config.number("bulkReadThreshold")?.unwrap_or(BULK_READ_FROM),
            bulk_write_from: usize::try_from(bulk_write_from).unwrap_or(usize::MAX),
            external_ids: external_ids(config)?,
        })
    }

    /// An address of the OAuth endpoints: `authorize`, `token`, `revoke`, `introspect`.
    pub fn oauth_url(&self, what: &str) -> Url {
        let mut url = self.login.clone();
        let prefix = self.login.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{prefix}/services/oauth2/{what}"));
        url
    }

    /// Whether a token answer may send calls, and the token with them, to this address.
    pub fn trusted_instance(&self, text: &str) -> Option<Url> {
        let url = Url::parse(text).ok()?;
        let known = |other: &Url| url.origin() == other.origin();
        let host = url.host_str()?.to_ascii_lowercase();
        let salesforces = url.scheme() == "https"
            && SALESFORCE_DOMAINS
                .iter()
                .any(|domain| host.strip_suffix(domain).is_some_and(|head| head.ends_with('.')));
        let here = is_loopback(&url) && is_loopback(&self.login);
        let plain = url.username().is_empty() && url.password().is_none();
        let fine =
            plain && (salesforces || here || known(&self.login) || self.instance.as_ref().is_some_and(known));
        fine.then(|| origin(url))
    }

    /// The OAuth settings of the connection.
    pub fn provider(&self, config: &ConnectorConfig) -> Result<oauth::Provider, ConnectorError> {
        let client_id = config.text("clientId")?.ok_or_else(|| {
            config.bad("clientId", "is missing; enter the Consumer Key of your External Client App")
        })?;
        let redirect = config.text("redirectUri")?.unwrap_or(oauth::DEFAULT_REDIRECT_URI);
        let redirect_uri = Url::parse(redirect)
            .map_err(|e| config.bad("redirectUri", format!("is not an address ({e})")))?;
        oauth::check_redirect(config, &redirect_uri)?;
        let mut scopes = config.list("scopes")?;
        if scopes.is_empty() {
            scopes = DEFAULT_SCOPES.iter().map(|s| (*s).to_owned()).collect();
        }
        Ok(oauth::Provider {
            title: super::TITLE,
            connector: config.name.clone(),
            authorize_url: self.oauth_url("authorize"),
            token_url: self.oauth_url("token"),
            introspect_url: Some(self.oauth_url("introspect")),
            revoke_url: Some(self.oauth_url("revoke")),
            client_id: client_id.to_owned(),
            scopes,
            redirect_uri,
        })
    }
}

/// `Production`, `Sandbox`, a host, an address, or IDM's full token address.
fn login(config: &ConnectorConfig) -> Result<Url, ConnectorError> {
    let text = config.text("loginUrl")?.unwrap_or(PRODUCTION).trim();
    let text = match text.to_ascii_lowercase().as_str() {
        "production" => PRODUCTION.to_owned(),
        "sandbox" => SANDBOX.to_owned(),
        _ if text.contains("://") => text.to_owned(),
        _ => format!("https://{text}"),
    };
    let mut url = checked_address(config, "loginUrl", &text, PRODUCTION)?;
    if url.host_str().is_some_and(|host| host.ends_with(".lightning.force.com")) {
        let what = "is the address of the Lightning pages; use the My Domain address that ends in .my.salesforce.com";
        return Err(config.bad("loginUrl", what).into());
    }
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(path.strip_suffix(TOKEN_PATH).unwrap_or(&path));
    Ok(url)
}

/// `66`, `66.0`, `v66.0` and the number 66 are the same.
fn version(config: &ConnectorConfig) -> Result<u32, ConnectorError> {
    let number = match config.configuration_properties.get("version") {
        None | Some(Value::Null) => return Ok(DEFAULT_VERSION),
        Some(Value::String(text)) if text.is_empty() => return Ok(DEFAULT_VERSION),
        Some(Value::String(text)) => {
            let text = text.trim().trim_start_matches(['v', 'V']);
            text.strip_suffix(".0").unwrap_or(text).parse::<u64>().ok()
        }
        Some(Value::Number(n)) => {
            n.as_u64().or_else(|| n.as_f64().filter(|f| f.fract() == 0.0).map(|f| f as u64))
        }
        Some(_) => None,
    };
    match number {
        // What IDM's sample files carry: too old for the calls that Concord makes.
        Some(old) if (20..OLDEST_VERSION).contains(&old) => Ok(DEFAULT_VERSION),
        Some(n @ OLDEST_VERSION..1000) => Ok(n as u32),
        _ => Err(config
            .bad(
                "version",
                format!("must be an API version such as {DEFAULT_VERSION}, {OLDEST_VERSION} or newer"),
            )
            .into()),
    }
}

fn external_ids(config: &ConnectorConfig) -> Result<BTreeMap<String, String>, ConnectorError> {
    let wrong = || {
        config.bad(
            "externalIds",
            "must be an object with a field for each object type, for example `{\"Contact\": \"Employee_Id__c\"}`",
        )
    };
    match config.configuration_properties.get("externalIds") {
        None | Some(Value::Null) => Ok(BTreeMap::new()),
        Some(Value::Object(map)) => map
            .iter()
            .map(|(kind, field)| match field.as_str() {
                Some(field) if is_api_name(kind) && is_api_name(field) => {
                    Ok((kind.clone(), field.to_owned()))
                }
                _ => Err(wrong().into()),
            })
            .collect(),
        Some(_) => Err(wrong().into()),
    }
}

/// A name that stands in SOQL and in paths as it is.
pub(crate) fn is_api_name(text: &str) -> bool {
    text.len() <= 80
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

fn origin(mut url: Url) -> Url {
    url.set_path("");
    url.set_query(None);
    url.set_fragment(None);
    url
}

fn is_at(url: &Url, address: &str) -> bool {
    Url::parse(address).is_ok_and(|other| other.origin() == url.origin())
}

#[cfg(test)]
mod tests {
    use model::ConnectorConfig;
    use serde_json::{Value, json};

    use super::{Grant, Settings};

    fn config(properties: &Value) -> ConnectorConfig {
        let document = json!({"connectorRef": {"connectorName": "SalesforceConnector"}, "configurationProperties": properties});
        ConnectorConfig::parse(&document.to_string(), Some("sf")).unwrap()
    }

    fn settings(properties: &Value) -> Settings {
        Settings::from_config(&config(properties)).unwrap()
    }

    #[test]
    fn every_way_to_write_the_login_leads_to_its_endpoints() {
        for (login, base) in [
            (json!(null), "https://login.salesforce.com"),
            (json!("Production"), "https://login.salesforce.com"),
            (json!("sandbox"), "https://test.salesforce.com"),
            (json!("test.salesforce.com"), "https://test.salesforce.com"),
            (json!("https://test.salesforce.com/services/oauth2/token"), "https://test.salesforce.com"),
            (json!("https://acme.my.salesforce.com/"), "https://acme.my.salesforce.com"),
            (json!("acme--dev.sandbox.my.salesforce.com"), "https://acme--dev.sandbox.my.salesforce.com"),
            (json!("https://site.example/portal/services/oauth2/token"), "https://site.example/portal"),
            (json!("http://127.0.0.1:8123"), "http://127.0.0.1:8123"),
        ] {
            let settings = settings(&json!({"loginUrl": login}));
            for what in ["authorize", "token", "revoke", "introspect"] {
                assert_eq!(settings.oauth_url(what).as_str(), format!("{base}/services/oauth2/{what}"));
            }
        }
    }

    #[test]
    fn wrong_settings_are_told_in_words() {
        for (properties, what) in [
            (json!({"loginUrl": "http://login.salesforce.com"}), "sends tokens in clear"),
            (json!({"loginUrl": "https://acme.lightning.force.com"}), ".my.salesforce.com"),
            (json!({"loginUrl": "https://u:p@acme.my.salesforce.com"}), "user or a password"),
            (json!({"version": "new"}), "API version"),
            (json!({"version": 12}), "API version"),
            (json!({"grantType": "password"}), "client_credentials"),
            (json!({"grantType": "client_credentials"}), "My Domain"),
            (json!({"userDelete": "erase"}), "deactivate"),
            (json!({"duplicateRules": "merge"}), "refuse"),
            (json!({"dailyApiShare": 0}), "percentage"),
            (json!({"dailyApiShare": 101}), "percentage"),
            (json!({"supportedObjectTypes": ["User", "Con tact"]}), "Con tact"),
            (json!({"externalIds": {"Contact": "a b"}}), "externalIds"),
        ] {
            let error = Settings::from_config(&config(&properties)).unwrap_err().to_string();
            assert!(error.contains(what) && error.contains("connector `sf`"), "{properties}: {error}");
        }
    }

    #[test]
    fn versions_are_read_however_they_are_written_and_old_ones_are_lifted() {
        for (version, expect) in [
            (json!(null), 66),
            (json!(66), 66),
            (json!("v62.0"), 62),
            (json!("68"), 68),
            (json!(61.0), 61),
            (json!(29), 66),
            (json!(44), 66),
        ] {
            assert_eq!(settings(&json!({"version": version})).version, expect, "{version}");
        }
    }

    #[test]
    fn a_token_answer_cannot_send_calls_to_a_stranger() {
        let production = settings(&json!({}));
        let here = settings(&json!({"loginUrl": "http://127.0.0.1:8123"}));
        let proxied = settings(&json!({"instanceUrl": "https://gateway.example"}));
        for (settings, address, trusted) in [
            (&production, "https://acme.my.salesforce.com", true),
            (&production, "https://na1.salesforce.com/", true),
            (&production, "https://acme--x.cs1.force.com", true),
            (&production, "http://acme.my.salesforce.com", false),
            (&production, "https://salesforce.com.evil.example", false),
            (&production, "https://evilsalesforce.com", false),
            (&production, "https://a:b@acme.my.salesforce.com", false),
            (&production, "http://127.0.0.1:9", false),
            (&production, "https://gateway.example", false),
            (&proxied, "https://gateway.example", true),
            (&here, "http://127.0.0.1:8123", true),
            (&here, "http://localhost:8124", true),
            (&here, "https://evil.example", false),
            (&here, "nonsense", false),
        ] {
            assert_eq!(settings.trusted_instance(address).is_some(), trusted, "{address}");
        }
    }

    #[test]
    fn client_credentials_need_an_own_domain() {
        let settings = settings(
            &json!({"grantType": "client_credentials", "loginUrl": "https://acme.my.salesforce.com"}),
        );
        assert_eq!(settings.grant, Grant::ClientCredentials);
    }
}
