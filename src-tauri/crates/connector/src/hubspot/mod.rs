//! HubSpot CRM: contacts and companies over the dated API versions (or v3), by service key or OAuth.
//!
//! `__UID__` is the record id, `__NAME__` is a contact's e-mail or a company's name. Values are passed on as HubSpot
//! sends them: texts and null.

mod answers;
mod paths;
mod read;
mod schema;
mod search;
mod test;
mod write;

use std::sync::Arc;

use async_trait::async_trait;
use model::{Attributes, Clock, ConnectorConfig};
use reqwest::Method;
use serde_json::Value;
use url::Url;

use self::answers::HubspotDialect;
use self::paths::Paths;
use crate::credentials::Credentials;
use crate::error::{ConnectorError, ErrorKind};
use crate::http::client::address;
use crate::http::{Bearer, Call, Http, Payload, RealTime, Repeat, Waiter};
use crate::oauth;
use crate::port::{
    Change, Connector, Creation, Descriptor, ObjectTypeDescriptor, ObjectTypeSchema, Outcome, Pages,
    RemoteObject, Search, TestReport, Usage,
};
use crate::token::TokenSource;

/// Most records in one batch call.
const BATCH: usize = 100;
const DEFAULT_AUTHORIZE_URL: &str = "https://app.hubspot.com/oauth/authorize";
const DEFAULT_REDIRECT_URI: &str = "http://localhost:47812/oauth/callback";
const DEFAULT_SCOPES: &[&str] = &[
    "oauth",
    "crm.objects.contacts.read",
    "crm.objects.contacts.write",
    "crm.objects.companies.read",
    "crm.objects.companies.write",
    "crm.schemas.contacts.read",
    "crm.schemas.companies.read",
];

/// An object type of HubSpot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ObjectType {
    Contact,
    Company,
}

impl ObjectType {
    const ALL: [Self; 2] = [Self::Contact, Self::Company];

    fn name(self) -> &'static str {
        match self {
            Self::Contact => "contact",
            Self::Company => "company",
        }
    }

    /// As it stands in paths.
    fn plural(self) -> &'static str {
        match self {
            Self::Contact => "contacts",
            Self::Company => "companies",
        }
    }

    /// What `__NAME__` stands for.
    fn name_property(self) -> &'static str {
        match self {
            Self::Contact => "email",
            Self::Company => "name",
        }
    }

    /// The property that HubSpot keeps unique. Companies have none: two creates make two companies.
    fn natural_key(self) -> Option<&'static str> {
        match self {
            Self::Contact => Some("email"),
            Self::Company => None,
        }
    }

    /// The property behind an attribute; `None` for the record's id.
    fn property(self, attribute: &str) -> Option<&str> {
        match attribute {
            "__NAME__" => Some(self.name_property()),
            "__UID__" | "_id" => None,
            other => Some(other),
        }
    }
}

/// A connection to one HubSpot account.
pub struct Hubspot {
    name: String,
    http: Arc<Http>,
    paths: Paths,
    tokens: TokenSource,
    descriptor: Descriptor,
    read_schema: bool,
}

impl Hubspot {
    /// Reads the configuration. Nothing is sent yet.
    pub fn new(
        config: &ConnectorConfig,
        credentials: Arc<dyn Credentials>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, ConnectorError> {
        Self::with_waiter(config, credentials, clock, Arc::new(RealTime::new()))
    }

    /// The same with another way to wait, for tests.
    pub fn with_waiter(
        config: &ConnectorConfig,
        credentials: Arc<dyn Credentials>,
        clock: Arc<dyn Clock>,
        waiter: Arc<dyn Waiter>,
    ) -> Result<Self, ConnectorError> {
        let http = Arc::new(http(config, Arc::clone(&credentials), Arc::clone(&clock), waiter)?);
        let provider = match config.text("clientId")? {
            Some(_) => Some(oauth_provider(config)?),
            None => None,
        };
        let tokens = TokenSource::new(&config.name, credentials, clock, Arc::clone(&http), provider);
        let descriptor = Descriptor {
            title: "HubSpot".to_owned(),
            object_types: ObjectType::ALL
                .into_iter()
                .map(|t| ObjectTypeDescriptor {
                    name: t.name().to_owned(),
                    batch_size: BATCH,
                    natural_key: t.natural_key().map(str::to_owned),
                    writable: true,
                    change_feed: false,
                })
                .collect(),
            permits_per_second: http.permits_per_second(),
        };
        Ok(Self {
            name: config.name.clone(),
            http,
            paths: Paths::from_config(config)?,
            tokens,
            descriptor,
            read_schema: config.switch("readSchema", true)?,
        })
    }

    fn object_type(&self, name: &str) -> Result<ObjectType, ConnectorError> {
        ObjectType::ALL.into_iter().find(|t| t.name() == name).ok_or_else(|| {
            self.error(
                ErrorKind::Unsupported,
                format!("HubSpot object type `{name}` is not supported; use `contact` or `company`"),
            )
        })
    }

    /// A read, by GET.
    fn get(&self, url: Url) -> Call<'_> {
        Call {
            method: Method::GET,
            url,
            payload: Payload::None,
            repeat: Repeat::Safe,
            search: false,
            bearer: Some(&self.tokens as &dyn Bearer),
            secrets: Vec::new(),
        }
    }

    /// A call with a JSON body.
    fn post(&self, url: Url, body: &Value, repeat: Repeat) -> Call<'_> {
        Call {
            method: Method::POST,
            payload: Payload::Json(body.to_string().into_bytes()),
            repeat,
            ..self.get(url)
        }
    }

    fn error(&self, kind: ErrorKind, what: impl std::fmt::Display) -> ConnectorError {
        self.http.error(kind, what)
    }
}

/// The way out to a HubSpot account.
pub(crate) fn http(
    config: &ConnectorConfig,
    credentials: Arc<dyn Credentials>,
    clock: Arc<dyn Clock>,
    waiter: Arc<dyn Waiter>,
) -> Result<Http, ConnectorError> {
    let home = Paths::from_config(config)?.base().clone();
    let dialect = Box::new(HubspotDialect { name: config.name.clone() });
    Http::new(config, home, dialect, credentials, clock, waiter)
}

/// The OAuth settings of a HubSpot connection.
pub(crate) fn oauth_provider(config: &ConnectorConfig) -> Result<oauth::Provider, ConnectorError> {
    let paths = Paths::from_config(config)?;
    let client_id = config
        .text("clientId")?
        .ok_or_else(|| config.bad("clientId", "is missing; enter the client id of your HubSpot app"))?;
    let redirect = config.text("redirectUri")?.unwrap_or(DEFAULT_REDIRECT_URI);
    let redirect_uri =
        Url::parse(redirect).map_err(|e| config.bad("redirectUri", format!("is not an address ({e})")))?;
    oauth::check_redirect(config, &redirect_uri)?;
    Ok(oauth::Provider {
        title: "HubSpot",
        connector: config.name.clone(),
        authorize_url: address(config, "authorizeUrl", DEFAULT_AUTHORIZE_URL)?,
        token_url: paths.token(""),
        introspect_url: Some(paths.token("introspect")),
        revoke_url: Some(paths.token("revoke")),
        client_id: client_id.to_owned(),
        scopes: scopes(config)?,
        redirect_uri,
    })
}

fn scopes(config: &ConnectorConfig) -> Result<Vec<String>, ConnectorError> {
    let wrong = || config.bad("scopes", "must be a text with scopes between spaces, or a list of texts");
    let scopes: Vec<String> = match config.configuration_properties.get("scopes") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::String(text)) => {
            text.split([' ', ',']).filter(|s| !s.is_empty()).map(str::to_owned).collect()
        }
        Some(Value::Array(items)) => items
            .iter()
            .map(|i| i.as_str().filter(|s| !s.is_empty()).map(str::to_owned).ok_or_else(wrong))
            .collect::<Result<_, _>>()?,
        Some(_) => return Err(wrong().into()),
    };
    Ok(if scopes.is_empty() { DEFAULT_SCOPES.iter().map(|s| (*s).to_owned()).collect() } else { scopes })
}

/// The attributes that were asked for, under the names that they were asked by.
fn pick(object_type: ObjectType, uid: String, mut properties: Attributes, wanted: &[String]) -> RemoteObject {
    if wanted.is_empty() {
        return RemoteObject { uid, attributes: properties };
    }
    let mut attributes = Attributes::with_capacity(wanted.len());
    for attribute in wanted {
        let value = match object_type.property(attribute) {
            None => Some(Value::String(uid.clone())),
            // `__NAME__` and its property may both be asked for.
            Some(property) if property == object_type.name_property() => properties.get(property).cloned(),
            Some(property) => properties.swap_remove(property),
        };
        if let Some(value) = value {
            attributes.insert(attribute.clone(), value);
        }
    }
    RemoteObject { uid, attributes }
}

/// The properties to ask HubSpot for. Without a wish HubSpot brings its default ones.
fn properties(object_type: ObjectType, wanted: &[String]) -> Vec<&str> {
    let mut properties: Vec<&str> = Vec::with_capacity(wanted.len());
    for attribute in wanted {
        let property = object_type.property(attribute).unwrap_or("hs_object_id");
        if !properties.contains(&property) {
            properties.push(property);
        }
    }
    properties
}

#[async_trait]
impl Connector for Hubspot {
    fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    fn usage(&self) -> Usage {
        self.http.usage()
    }

    async fn test(&self) -> Result<TestReport, ConnectorError> {
        self.check_connection().await
    }

    async fn schema(&self, object_type: &str) -> Result<ObjectTypeSchema, ConnectorError> {
        self.object_type_schema(self.object_type(object_type)?).await
    }

    fn search(&self, search: Search) -> Pages<'_> {
        self.pages(search)
    }

    async fn read(
        &self,
        object_type: &str,
        uids: &[String],
        attributes: &[String],
    ) -> Result<Vec<RemoteObject>, ConnectorError> {
        self.read_ids(self.object_type(object_type)?, uids, attributes).await
    }

    async fn find_by_key(
        &self,
        object_type: &str,
        values: &[String],
        attributes: &[String],
    ) -> Result<Vec<RemoteObject>, ConnectorError> {
        self.read_keys(self.object_type(object_type)?, values, attributes).await
    }

    async fn create(&self, object_type: &str, batch: &[Creation]) -> Vec<Outcome> {
        match self.object_type(object_type) {
            Ok(object_type) => self.create_batch(object_type, batch).await,
            Err(error) => write::refuse_all(batch.len(), &error),
        }
    }

    async fn update(&self, object_type: &str, batch: &[Change]) -> Vec<Outcome> {
        match self.object_type(object_type) {
            Ok(object_type) => self.update_batch(object_type, batch).await,
            Err(error) => write::refuse_all(batch.len(), &error),
        }
    }

    async fn delete(&self, object_type: &str, uids: &[String]) -> Vec<Outcome> {
        match self.object_type(object_type) {
            Ok(object_type) => self.archive_batch(object_type, uids).await,
            Err(error) => write::refuse_all(uids.len(), &error),
        }
    }
}
