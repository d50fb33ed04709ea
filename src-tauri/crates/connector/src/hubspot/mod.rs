//! HubSpot CRM: contacts and companies over the dated API versions (or v3), by service key or OAuth.
//!
//! `__UID__` is the record id, `__NAME__` is a contact's e-mail or a company's name. Values are passed on as HubSpot
//! sends them: texts and null.

mod answers;
mod associations;
mod changes;
mod day;
mod defined;
mod definitions;
mod list;
mod paths;
mod read;
mod read_only;
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
use self::day::Day;
use self::defined::Defined;
use self::paths::Paths;
use self::read_only::ReadOnly;
use crate::credentials::Credentials;
use crate::error::{ConnectorError, ErrorKind};
use crate::http::client::address;
use crate::http::{Call, Http, Payload, Repeat, Waiter};
use crate::oauth;
use crate::port::{
    Change, Changes, Connector, Creation, Descriptor, Feed, ObjectTypeDescriptor, ObjectTypeSchema, Outcome,
    Pages, RemoteObject, Search, TestReport, Usage,
};
use crate::token::TokenSource;

/// Most records in one batch call.
const BATCH: usize = 100;
const DEFAULT_AUTHORIZE_URL: &str = "https://app.hubspot.com/oauth/authorize";
const DEFAULT_SCOPES: &[&str] = &[
    "oauth",
    "crm.objects.contacts.read",
    "crm.objects.contacts.write",
    "crm.objects.companies.read",
    "crm.objects.companies.write",
    "crm.schemas.contacts.read",
    "crm.schemas.companies.read",
];

/// Whether a record is in the recycle bin, as an attribute to filter by: `__ARCHIVED__ eq true` reads what was deleted.
const ARCHIVED: &str = "__ARCHIVED__";

/// An object type of this connector: the records of the CRM, or the definitions of their properties.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Resource {
    Records(ObjectType),
    Definitions(ObjectType),
}

impl Resource {
    const ALL: [Self; 4] = [
        Self::Records(ObjectType::Contact),
        Self::Records(ObjectType::Company),
        Self::Definitions(ObjectType::Contact),
        Self::Definitions(ObjectType::Company),
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Records(object_type) => object_type.name(),
            Self::Definitions(ObjectType::Contact) => "contactProperties",
            Self::Definitions(ObjectType::Company) => "companyProperties",
        }
    }

    fn natural_key(self) -> Option<&'static str> {
        match self {
            Self::Records(object_type) => object_type.natural_key(),
            Self::Definitions(_) => Some("name"),
        }
    }
}

/// A kind of CRM record.
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

    /// The kind that it is linked with.
    fn other(self) -> Self {
        match self {
            Self::Contact => Self::Company,
            Self::Company => Self::Contact,
        }
    }

    /// The attribute that holds the ids of the linked records.
    fn links(self) -> &'static str {
        match self {
            Self::Contact => "__COMPANIES__",
            Self::Company => "__CONTACTS__",
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

    /// The property that tells when a record was last modified. HubSpot finds nothing, and says nothing, when a contact
    /// is searched by the companies' name of it.
    fn modified(self) -> &'static str {
        match self {
            Self::Contact => "lastmodifieddate",
            Self::Company => "hs_lastmodifieddate",
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
    read_only: ReadOnly,
    defined: Defined,
    day: Arc<Day>,
}

impl Hubspot {
    /// Reads the configuration. Nothing is sent yet. Tests have another way to wait.
    pub fn new(
        config: &ConnectorConfig,
        credentials: Arc<dyn Credentials>,
        clock: Arc<dyn Clock>,
        waiter: Arc<dyn Waiter>,
    ) -> Result<Self, ConnectorError> {
        let day = Arc::<Day>::default();
        let http = Arc::new(way_out(config, &day, Arc::clone(&credentials), Arc::clone(&clock), waiter)?);
        let provider = match config.text("clientId")? {
            Some(_) => Some(oauth_provider(config)?),
            None => None,
        };
        let tokens = TokenSource::new(&config.name, credentials, clock, Arc::clone(&http), provider);
        let descriptor = Descriptor {
            title: "HubSpot".to_owned(),
            object_types: Resource::ALL
                .into_iter()
                .map(|t| ObjectTypeDescriptor {
                    name: t.name().to_owned(),
                    batch_size: BATCH,
                    natural_key: t.natural_key().map(str::to_owned),
                    writable: true,
                    change_feed: matches!(t, Resource::Records(_)),
                    modified_attribute: match t {
                        Resource::Records(ObjectType::Contact) => Some("lastmodifieddate".to_owned()),
                        Resource::Records(ObjectType::Company) => Some("hs_lastmodifieddate".to_owned()),
                        _ => None,
                    },
                })
                .collect(),
        };
        Ok(Self {
            name: config.name.clone(),
            http,
            paths: Paths::from_config(config)?,
            tokens,
            descriptor,
            read_schema: config.switch("readSchema", true)?,
            read_only: ReadOnly::default(),
            defined: Defined::default(),
            day,
        })
    }

    fn resource(&self, name: &str) -> Result<Resource, ConnectorError> {
        Resource::ALL.into_iter().find(|t| t.name() == name).ok_or_else(|| {
            let names: Vec<&str> = Resource::ALL.into_iter().map(Resource::name).collect();
            self.error(
                ErrorKind::Unsupported,
                format!("HubSpot object type `{name}` is not supported; use one of {}", names.join(", ")),
            )
        })
    }

    fn records_of(&self, name: &str) -> Result<ObjectType, ConnectorError> {
        match self.resource(name)? {
            Resource::Records(object_type) => Ok(object_type),
            Resource::Definitions(_) => Err(self.error(
                ErrorKind::Unsupported,
                format!("HubSpot does not tell what changed in `{name}`; reconcile it instead"),
            )),
        }
    }

    /// A read, by GET.
    fn get(&self, url: Url) -> Call<'_> {
        Call { bearer: Some(&self.tokens), ..Call::get(url) }
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
    way_out(config, &Arc::default(), credentials, clock, waiter)
}

fn way_out(
    config: &ConnectorConfig,
    day: &Arc<Day>,
    credentials: Arc<dyn Credentials>,
    clock: Arc<dyn Clock>,
    waiter: Arc<dyn Waiter>,
) -> Result<Http, ConnectorError> {
    let paths = Paths::from_config(config)?;
    let dialect = Box::new(HubspotDialect {
        name: config.name.clone(),
        account: paths.account_details(),
        day: Arc::clone(day),
    });
    Http::new(config, paths.base().clone(), dialect, credentials, clock, waiter)
}

/// The OAuth settings of a HubSpot connection.
pub(crate) fn oauth_provider(config: &ConnectorConfig) -> Result<oauth::Provider, ConnectorError> {
    let paths = Paths::from_config(config)?;
    let client_id = config
        .text("clientId")?
        .ok_or_else(|| config.bad("clientId", "is missing; enter the client id of your HubSpot app"))?;
    let redirect = config.text("redirectUri")?.unwrap_or(oauth::DEFAULT_REDIRECT_URI);
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
    for attribute in wanted.iter().filter(|a| *a != ARCHIVED && *a != object_type.links()) {
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

    fn keeps_alike(&self, object_type: &str, attribute: &str, a: &Value, b: &Value) -> bool {
        let kind = ObjectType::ALL.into_iter().find(|kind| kind.name() == object_type);
        kind.is_some_and(|kind| write::keeps_alike(kind, attribute, a, b))
    }

    fn fills_in(&self, _object_type: &str, attribute: &str) -> bool {
        attribute.starts_with("hs_") || attribute == "lifecyclestage"
    }

    async fn test(&self) -> Result<TestReport, ConnectorError> {
        self.check_connection().await
    }

    async fn account(&self) -> Result<Option<String>, ConnectorError> {
        self.portal().await
    }

    async fn schema(&self, object_type: &str) -> Result<ObjectTypeSchema, ConnectorError> {
        match self.resource(object_type)? {
            Resource::Records(object_type) => self.object_type_schema(object_type).await,
            Resource::Definitions(_) => Ok(definitions::schema(object_type)),
        }
    }

    async fn revoke(&self) -> Result<(), ConnectorError> {
        self.tokens.revoke().await
    }

    fn search(&self, search: Search) -> Pages<'_> {
        match self.resource(&search.object_type) {
            Ok(Resource::Records(object_type)) => self.pages(object_type, search),
            Ok(Resource::Definitions(object_type)) => self.definition_pages(object_type, search),
            Err(error) => Box::pin(futures::stream::once(async move { Err(error) })),
        }
    }

    fn changes(&self, feed: Feed) -> Changes<'_> {
        self.feed(feed)
    }

    async fn moved(
        &self,
        object_type: &str,
        uids: &[String],
    ) -> Result<Vec<(String, String)>, ConnectorError> {
        match self.resource(object_type)? {
            Resource::Records(object_type) => self.moved_ids(object_type, uids).await,
            Resource::Definitions(_) => Ok(Vec::new()),
        }
    }

    async fn read(
        &self,
        object_type: &str,
        uids: &[String],
        attributes: &[String],
    ) -> Result<Vec<RemoteObject>, ConnectorError> {
        match self.resource(object_type)? {
            Resource::Records(object_type) => self.read_ids(object_type, uids, attributes).await,
            Resource::Definitions(object_type) => self.read_definitions(object_type, uids, attributes).await,
        }
    }

    async fn find_by_key(
        &self,
        object_type: &str,
        values: &[String],
        attributes: &[String],
    ) -> Result<Vec<RemoteObject>, ConnectorError> {
        match self.resource(object_type)? {
            Resource::Records(object_type) => self.read_keys(object_type, values, attributes).await,
            Resource::Definitions(object_type) => {
                self.read_definitions(object_type, values, attributes).await
            }
        }
    }

    async fn create(&self, object_type: &str, batch: &[Creation]) -> Vec<Outcome> {
        match self.resource(object_type) {
            Ok(Resource::Records(object_type)) => self.create_batch(object_type, batch).await,
            Ok(Resource::Definitions(object_type)) => self.create_definitions(object_type, batch).await,
            Err(error) => write::refuse_all(batch.len(), &error),
        }
    }

    async fn update(&self, object_type: &str, batch: &[Change]) -> Vec<Outcome> {
        match self.resource(object_type) {
            Ok(Resource::Records(object_type)) => self.update_batch(object_type, batch).await,
            Ok(Resource::Definitions(object_type)) => self.update_definitions(object_type, batch).await,
            Err(error) => write::refuse_all(batch.len(), &error),
        }
    }

    async fn delete(&self, object_type: &str, uids: &[String]) -> Vec<Outcome> {
        match self.resource(object_type) {
            Ok(Resource::Records(object_type)) => self.archive_batch(object_type, uids).await,
            Ok(Resource::Definitions(object_type)) => self.archive_definitions(object_type, uids).await,
            Err(error) => write::refuse_all(uids.len(), &error),
        }
    }
}
