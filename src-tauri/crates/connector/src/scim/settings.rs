//! What a SCIM connection's configuration says.

use std::collections::BTreeMap;

use model::ConnectorConfig;
use serde_json::Value;
use url::Url;

use crate::error::{ConnectorError, ErrorKind};
use crate::http::client::checked_address;
use crate::oauth;

const DEFAULT_OBJECT_TYPES: &[&str] = &["User", "Group"];
const DEFAULT_PAGE: u64 = 100;
/// More than any server gives at once.
const LARGEST_PAGE: u64 = 10_000;

/// How the connection proves who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    /// `Authorization: Bearer`, with a token that does not change.
    Token,
    /// `Authorization: Basic`, with a user and a password.
    Basic,
    /// A token in a header of the server's own.
    Header,
    /// A token that an OAuth app is granted, as itself or for a refresh token.
    OAuth {
        /// Whether a refresh token stands behind it.
        refresh: bool,
    },
}

/// How records are changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Updating {
    /// By PATCH where the server has it, else by PUT.
    Auto,
    /// Only what changed.
    Patch,
    /// The record is read, changed and written back whole.
    Put,
}

/// What deleting a user does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UserDelete {
    /// The record goes.
    Delete,
    /// `active` becomes false.
    Deactivate,
}

/// The settings of one connection.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// Where the resource types begin; its path has no slash at the end.
    pub endpoint: Url,
    pub method: Method,
    /// Where tokens come from.
    pub token_endpoint: Option<Url>,
    pub user: Option<String>,
    /// The header that carries the token, for [`Method::Header`].
    pub header_name: Option<String>,
    pub object_types: Vec<String>,
    /// The attribute of a type that tells its records apart, beyond the usual ones.
    pub natural_keys: BTreeMap<String, String>,
    pub updating: Updating,
    pub user_delete: UserDelete,
    pub page_size: u64,
    /// Whether reads ask for the mapped attributes alone.
    pub narrow_reads: bool,
    /// The media type of what is sent.
    pub content_type: &'static str,
}

impl Settings {
    pub fn from_config(config: &ConnectorConfig) -> Result<Self, ConnectorError> {
        let Some(text) = config.text("SCIMEndpoint")? else {
            return Err(config
                .bad("SCIMEndpoint", "is missing; enter the address under which the server has /Users, for example https://example.org/scim/v2")
                .into());
        };
        let mut endpoint = checked_address(config, "SCIMEndpoint", text, "https://example.org/scim/v2")?;
        let path = endpoint.path().trim_end_matches('/').to_owned();
        if ["/Users", "/Groups"].iter().any(|type_path| path.ends_with(type_path)) {
            return Err(config
                .bad("SCIMEndpoint", "is the address of one type; leave out /Users or /Groups at its end")
                .into());
        }
        endpoint.set_path(&path);
        check_version(config)?;
        let token_endpoint = match config.text("tokenEndpoint")? {
            None => None,
            Some(text) => {
                Some(checked_address(config, "tokenEndpoint", text, "https://example.org/oauth2/token")?)
            }
        };
        let header_name = config.text("headerName")?.map(str::to_owned);
        let settings = Self {
            endpoint,
            method: method(config)?,
            token_endpoint,
            user: config.text("user")?.map(str::to_owned),
            header_name,
            object_types: object_types(config)?,
            natural_keys: natural_keys(config)?,
            updating: one_of(
                config,
                "updateMethod",
                &[("AUTO", Updating::Auto), ("PATCH", Updating::Patch), ("PUT", Updating::Put)],
            )?,
            user_delete: one_of(
                config,
                "userDelete",
                &[("delete", UserDelete::Delete), ("deactivate", UserDelete::Deactivate)],
            )?,
            page_size: config.number("pageSize")?.unwrap_or(DEFAULT_PAGE),
            narrow_reads: config.switch("attributesParameter", true)?,
            content_type: one_of(
                config,
                "contentType",
                &[
                    ("application/scim+json", "application/scim+json"),
                    ("application/json", "application/json"),
                ],
            )?,
        };
        if !(1..=LARGEST_PAGE).contains(&settings.page_size) {
            return Err(config.bad("pageSize", format!("must be between 1 and {LARGEST_PAGE}")).into());
        }
        settings.check_access(config)?;
        Ok(settings)
    }

    /// Whether everything is there that the way to sign in needs, apart from secrets.
    fn check_access(&self, config: &ConnectorConfig) -> Result<(), ConnectorError> {
        match self.method {
            Method::Basic if self.user.is_none() => {
                Err(config.bad("user", "is missing; BASIC needs a user and a password").into())
            }
            Method::Header => {
                let name = self.header_name.as_deref().unwrap_or_default();
                let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
                let taken = ["host", "content-length", "content-type", "accept", "if-match", "connection"];
                if name.is_empty() || !name.bytes().all(token) {
                    let what = "must be the name of a header, for example `X-Api-Key`";
                    return Err(config.bad("headerName", what).into());
                }
                if taken.contains(&name.to_ascii_lowercase().as_str()) {
                    let what = format!(
                        "is `{name}`, which every request has already; name the header that carries the key"
                    );
                    return Err(config.bad("headerName", what).into());
                }
                Ok(())
            }
            Method::OAuth { .. } => {
                if self.token_endpoint.is_none() {
                    let what = "is missing; OAUTH needs the address where tokens come from";
                    return Err(config.bad("tokenEndpoint", what).into());
                }
                self.provider(config).map(drop)
            }
            _ => Ok(()),
        }
    }

    /// The OAuth settings of the connection. Nobody consents to anything: the app is granted its tokens.
    pub fn provider(&self, config: &ConnectorConfig) -> Result<oauth::Provider, ConnectorError> {
        let token_url = self.token_endpoint.clone().unwrap_or_else(|| self.endpoint.clone());
        let client_id = config.text("clientId")?.ok_or_else(|| {
            config.bad("clientId", "is missing; OAUTH needs the id of the app that Concord is for the server")
        })?;
        Ok(oauth::Provider {
            title: super::TITLE,
            connector: config.name.clone(),
            authorize_url: token_url.clone(),
            introspect_url: None,
            revoke_url: None,
            client_id: client_id.to_owned(),
            scopes: config.list("scope")?,
            redirect_uri: token_url.clone(),
            token_url,
        })
    }
}

/// IDM's `SCIMVersion`: the connector of IDM speaks 1 and 2, this one 2.
fn check_version(config: &ConnectorConfig) -> Result<(), ConnectorError> {
    let text = match config.configuration_properties.get("SCIMVersion") {
        None | Some(Value::Null) => return Ok(()),
        Some(Value::String(text)) => text.trim().to_owned(),
        Some(other) => other.to_string(),
    };
    if matches!(text.as_str(), "" | "2" | "2.0") {
        return Ok(());
    }
    let wrong = config.bad("SCIMVersion", format!("is {text}; Concord connects to servers of SCIM 2.0"));
    Err(ConnectorError::new(ErrorKind::Unsupported, wrong.to_string()))
}

/// The configured way to sign in, or the one that the other settings mean.
fn method(config: &ConnectorConfig) -> Result<Method, ConnectorError> {
    let refresh = match config.text("grantType")?.unwrap_or("client_credentials") {
        "client_credentials" => false,
        "refresh_token" => true,
        other => {
            let what = format!("is `{other}`; use `client_credentials` or `refresh_token`");
            return Err(config.bad("grantType", what).into());
        }
    };
    let given = |property: &str| config.text(property).map(|text| text.is_some());
    match config.text("authenticationMethod")?.map(str::to_ascii_uppercase).as_deref() {
        Some("TOKEN" | "BEARER") => Ok(Method::Token),
        Some("BASIC") => Ok(Method::Basic),
        Some("HEADER") => Ok(Method::Header),
        Some("OAUTH") => Ok(Method::OAuth { refresh }),
        Some(other) => {
            let what = format!("is `{other}`; use TOKEN, BASIC, HEADER or OAUTH");
            Err(config.bad("authenticationMethod", what).into())
        }
        None if given("clientId")? => Ok(Method::OAuth { refresh }),
        None if given("headerName")? => Ok(Method::Header),
        None if given("user")? => Ok(Method::Basic),
        None => Ok(Method::Token),
    }
}

/// The first value stands for an absent setting.
fn one_of<T: Copy>(
    config: &ConnectorConfig,
    property: &str,
    values: &[(&str, T)],
) -> Result<T, ConnectorError> {
    let known = || values.iter().map(|(name, _)| format!("`{name}`")).collect::<Vec<_>>().join(" or ");
    let text = config.text(property)?;
    values
        .iter()
        .find(|(name, _)| text.is_none_or(|text| text.eq_ignore_ascii_case(name)))
        .map(|(_, value)| *value)
        .ok_or_else(|| {
            let text = text.unwrap_or_default();
            config.bad(property, format!("is `{text}`; use {}", known())).into()
        })
}

fn object_types(config: &ConnectorConfig) -> Result<Vec<String>, ConnectorError> {
    let mut types = config.list("supportedObjectTypes")?;
    if types.is_empty() {
        types = DEFAULT_OBJECT_TYPES.iter().map(|t| (*t).to_owned()).collect();
    }
    let fits = |name: &str| {
        name.len() <= 80 && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
    };
    if let Some(wrong) = types.iter().find(|name| !fits(name)) {
        let what = format!("names `{wrong}`; write resource types as the server names them, such as User");
        return Err(config.bad("supportedObjectTypes", what).into());
    }
    Ok(types)
}

fn natural_keys(config: &ConnectorConfig) -> Result<BTreeMap<String, String>, ConnectorError> {
    let wrong = || {
        config.bad(
            "naturalKeys",
            "must be an object with an attribute for each object type, for example `{\"Device\": \"serialNumber\"}`",
        )
    };
    match config.configuration_properties.get("naturalKeys") {
        None | Some(Value::Null) => Ok(BTreeMap::new()),
        Some(Value::Object(map)) => map
            .iter()
            .map(|(kind, attribute)| match attribute.as_str() {
                Some(attribute) if !attribute.is_empty() => Ok((kind.clone(), attribute.to_owned())),
                _ => Err(wrong().into()),
            })
            .collect(),
        Some(_) => Err(wrong().into()),
    }
}

#[cfg(test)]
mod tests {
    use model::ConnectorConfig;
    use serde_json::{Value, json};

    use super::{Method, Settings, Updating, UserDelete};

    fn settings(properties: &Value) -> Result<Settings, String> {
        let mut all = json!({"SCIMEndpoint": "https://example.org/scim/v2/"});
        all.as_object_mut().unwrap().extend(properties.as_object().unwrap().clone());
        let document =
            json!({"connectorRef": {"connectorName": "ScimConnector"}, "configurationProperties": all});
        let config = ConnectorConfig::parse(&document.to_string(), Some("scim")).unwrap();
        Settings::from_config(&config).map_err(|e| e.message)
    }

    #[test]
    fn the_way_to_sign_in_is_said_or_follows_from_the_rest() {
        let app = json!({"clientId": "app", "tokenEndpoint": "https://example.org/token"});
        let with = |more: Value| {
            let mut all = app.clone();
            all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            all
        };
        for (properties, expect) in [
            (json!({}), Method::Token),
            (json!({"authenticationMethod": "token"}), Method::Token),
            (json!({"user": "ann"}), Method::Basic),
            (json!({"authenticationMethod": "BASIC", "user": "ann"}), Method::Basic),
            (json!({"headerName": "X-Api-Key"}), Method::Header),
            (app.clone(), Method::OAuth { refresh: false }),
            (with(json!({"grantType": "refresh_token"})), Method::OAuth { refresh: true }),
            (with(json!({"authenticationMethod": "TOKEN"})), Method::Token),
        ] {
            assert_eq!(settings(&properties).unwrap().method, expect, "{properties}");
        }
        let plain = settings(&json!({})).unwrap();
        assert_eq!(plain.endpoint.as_str(), "https://example.org/scim/v2");
        assert_eq!(plain.object_types, ["User", "Group"]);
        assert_eq!((plain.updating, plain.user_delete), (Updating::Auto, UserDelete::Delete));
    }

    #[test]
    fn wrong_settings_are_told_in_words() {
        for (properties, what) in [
            (json!({"SCIMEndpoint": ""}), "SCIMEndpoint is missing"),
            (json!({"SCIMEndpoint": "http://example.org/scim"}), "sends tokens in clear"),
            (json!({"SCIMEndpoint": "https://example.org/scim/Users/"}), "leave out /Users"),
            (json!({"SCIMVersion": 1}), "servers of SCIM 2.0"),
            (json!({"SCIMVersion": "1.1"}), "servers of SCIM 2.0"),
            (json!({"authenticationMethod": "MTLS"}), "use TOKEN, BASIC, HEADER or OAUTH"),
            (json!({"authenticationMethod": "BASIC"}), "user is missing"),
            (json!({"authenticationMethod": "HEADER"}), "headerName must be the name of a header"),
            (json!({"headerName": "two words"}), "headerName must be the name of a header"),
            (json!({"headerName": "Content-Type"}), "which every request has already"),
            (json!({"authenticationMethod": "OAUTH", "clientId": "app"}), "tokenEndpoint is missing"),
            (
                json!({"authenticationMethod": "OAUTH", "tokenEndpoint": "https://example.org/t"}),
                "clientId is missing",
            ),
            (json!({"clientId": "a", "tokenEndpoint": "http://example.org/t"}), "tokens in clear"),
            (json!({"clientId": "a", "grantType": "password"}), "use `client_credentials`"),
            (json!({"updateMethod": "MERGE"}), "use `AUTO` or `PATCH` or `PUT`"),
            (json!({"userDelete": "hide"}), "use `delete` or `deactivate`"),
            (json!({"contentType": "text/xml"}), "use `application/scim+json`"),
            (json!({"pageSize": 0}), "between 1 and"),
            (json!({"supportedObjectTypes": "User ../x"}), "names `../x`"),
            (json!({"naturalKeys": "userName"}), "must be an object"),
        ] {
            let error = settings(&properties).unwrap_err();
            assert!(error.contains(what), "{properties}: {error}");
        }
    }
}
