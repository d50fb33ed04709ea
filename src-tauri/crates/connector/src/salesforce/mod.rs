//! Salesforce: users, contacts, leads, accounts and any other sObject, by REST and Bulk API 2.0.
//!
//! `__UID__` is the 18-character record id, `__NAME__` a user's user name, a contact's or lead's e-mail address, and the
//! name of anything else. Setup objects (users, permission sets, ...) and other records never meet in one call, because
//! a batch is of one type. Deleting a user deactivates it: Salesforce keeps users for good.

mod answers;
mod budget;
mod bulk;
mod changes;
pub mod csv;
mod describe;
mod ids;
mod jobs;
mod objects;
mod read;
mod results;
mod settings;
mod soql;
mod test;
mod words;
mod write;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use jiff::SignedDuration;
use model::{Attributes, Clock, ConnectorConfig};
use reqwest::Method;
use reqwest::header::LAST_MODIFIED;
use serde_json::{Value, json};
use url::Url;

use self::answers::SalesforceDialect;
use self::budget::Budget;
use self::objects::ObjectType;
use self::settings::{Grant, Settings, UserDelete};
pub use self::soql::{like_literal, text_literal};
pub(crate) use self::words::authorization_help;
use self::{describe::Described, soql::Names};
use crate::credentials::Credentials;
use crate::error::{ConnectorError, ErrorKind};
use crate::http::{Answer, Call, Failure, Http, Payload, Repeat, Waiter};
use crate::oauth;
use crate::outcomes::not_done;
use crate::port::{
    Change, Changes, Connector, Creation, Descriptor, Feed, ObjectTypeSchema, Outcome, Pages, RemoteObject,
    Search, TestReport, Usage,
};
use crate::token::{Instances, TokenSource};

/// The provider's name for people.
pub(crate) const TITLE: &str = "Salesforce";
/// Stands for the organization's address until a token tells it; no call ever goes here.
const SOMEWHERE: &str = "https://instance.invalid";
/// Salesforce has no limit per second; this keeps one connection from crowding out the rest.
const PERMITS_PER_SECOND: u32 = 50;
/// A description is read again after this time, so that new fields and picklist values are seen.
const DESCRIBED_FOR: Duration = Duration::from_secs(900);

/// A connection to one Salesforce organization.
pub struct Salesforce {
    name: String,
    settings: Settings,
    http: Arc<Http>,
    tokens: TokenSource,
    budget: Budget,
    waiter: Arc<dyn Waiter>,
    clock: Arc<dyn Clock>,
    descriptor: Descriptor,
    object_types: Vec<ObjectType>,
    somewhere: Url,
    /// Descriptions by object type, with the time at which they were read.
    described: Mutex<HashMap<String, (Duration, Arc<Described>)>>,
}

impl Salesforce {
    /// Reads the configuration. Nothing is sent yet. Tests have another way to wait.
    pub fn new(
        config: &ConnectorConfig,
        credentials: Arc<dyn Credentials>,
        clock: Arc<dyn Clock>,
        waiter: Arc<dyn Waiter>,
    ) -> Result<Self, ConnectorError> {
        let settings = Settings::from_config(config)?;
        let http = Arc::new(http(config, Arc::clone(&credentials), Arc::clone(&clock), Arc::clone(&waiter))?);
        let provider = match config.text("clientId")? {
            Some(_) => Some(settings.provider(config)?),
            None => None,
        };
        let trusting = settings.clone();
        let tokens =
            TokenSource::new(&config.name, credentials, Arc::clone(&clock), Arc::clone(&http), provider)
                .with_instances(Instances {
                    configured: settings.instance.clone(),
                    trusted: Box::new(move |text| trusting.trusted_instance(text)),
                    client_credentials: settings.grant == Grant::ClientCredentials,
                });
        let object_types: Vec<ObjectType> =
            settings.object_types.iter().map(|name| ObjectType::new(name, &settings)).collect();
        let descriptor = Descriptor {
            title: TITLE.to_owned(),
            object_types: object_types.iter().map(ObjectType::descriptor).collect(),
        };
        Ok(Self {
            name: config.name.clone(),
            budget: Budget::new(settings.daily_share),
            settings,
            http,
            tokens,
            waiter,
            clock,
            descriptor,
            object_types,
            somewhere: somewhere()?,
            described: Mutex::default(),
        })
    }

    fn object_type(&self, name: &str) -> Result<&ObjectType, ConnectorError> {
        self.object_types.iter().find(|t| t.name == name).ok_or_else(|| {
            self.error(
                ErrorKind::Unsupported,
                format!(
                    "object type `{name}` is not among its supportedObjectTypes; add it there by its API name"
                ),
            )
        })
    }

    /// An address of the API's version.
    fn url(&self, path: &str) -> Url {
        let mut url = self.somewhere.clone();
        url.set_path(&format!("/services/data/v{}.0/{path}", self.settings.version));
        url
    }

    /// A read, by GET.
    fn get(&self, url: Url) -> Call<'_> {
        Call { bearer: Some(&self.tokens), ..Call::get(url) }
    }

    /// A call with a JSON body.
    fn call(&self, method: Method, url: Url, body: &Value, repeat: Repeat) -> Call<'_> {
        Call { method, payload: Payload::Json(body.to_string().into_bytes()), repeat, ..self.get(url) }
    }

    /// Sends a call, unless this connection's share of the day is used up.
    async fn send<T>(
        &self,
        call: &Call<'_>,
        read: impl Fn(&Answer) -> Result<T, String> + Send + Sync,
    ) -> Result<T, Failure> {
        self.within_share()?;
        self.http.send(call, read).await
    }

    /// An error once this connection's share of the day is used up.
    fn within_share(&self) -> Result<(), Failure> {
        self.budget.admit(self.http.usage(), self.waiter.elapsed()).map_err(|(what, rest)| {
            let error = self.error(ErrorKind::RateLimited, what);
            Failure::NotDone(ConnectorError { retry_after: Some(rest), ..error })
        })
    }

    /// What Salesforce says about an object type.
    async fn described(&self, kind: &ObjectType) -> Result<Arc<Described>, ConnectorError> {
        let now = self.waiter.elapsed();
        let known = self.descriptions().get(&kind.name).cloned();
        if let Some((at, described)) = known
            && now.saturating_sub(at) < DESCRIBED_FOR
        {
            return Ok(described);
        }
        Ok(self.describe(kind).await?)
    }

    /// The same, asked anew; what is known stays good where Salesforce says that nothing changed since.
    async fn describe(&self, kind: &ObjectType) -> Result<Arc<Described>, Failure> {
        let known = self.descriptions().get(&kind.name).map(|(_, described)| Arc::clone(described));
        let mut call = self.get(self.url(&format!("sobjects/{}/describe", kind.name)));
        if let Some(date) = known.as_ref().and_then(|known| known.as_of.clone()) {
            call.payload = Payload::NoneSince(date);
        }
        let told = self
            .send(&call, |answer| match answer.status {
                304 => Ok(None),
                _ => Described::new(answer.json()?, as_of(answer)).map(Some),
            })
            .await?;
        let described = match (told, known) {
            (Some(described), _) => Arc::new(described),
            (None, Some(known)) => known,
            (None, None) => {
                let error = self.untrusted(format!("the description of {} is empty", kind.name));
                return Err(Failure::Lost(error));
            }
        };
        let now = self.waiter.elapsed();
        self.descriptions().insert(kind.name.clone(), (now, Arc::clone(&described)));
        Ok(described)
    }

    fn descriptions(&self) -> std::sync::MutexGuard<'_, HashMap<String, (Duration, Arc<Described>)>> {
        self.described.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn error(&self, kind: ErrorKind, what: impl std::fmt::Display) -> ConnectorError {
        self.http.error(kind, what)
    }

    fn untrusted(&self, what: impl std::fmt::Display) -> ConnectorError {
        self.error(ErrorKind::Untrusted, what)
    }
}

/// Up to when an answer knows what there is: by its own word, or a second before it was given, because a change in the
/// same second may not be in it.
fn as_of(answer: &Answer) -> Option<String> {
    let told = answer.headers.get(LAST_MODIFIED).and_then(|v| v.to_str().ok()).map(str::to_owned);
    told.or_else(|| {
        let before = answer.date()?.checked_sub(SignedDuration::from_secs(1)).ok()?;
        Some(before.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string())
    })
}

fn somewhere() -> Result<Url, ConnectorError> {
    Url::parse(SOMEWHERE).map_err(|e| ConnectorError::new(ErrorKind::Configuration, e.to_string()))
}

/// The way out to a Salesforce organization.
pub(crate) fn http(
    config: &ConnectorConfig,
    credentials: Arc<dyn Credentials>,
    clock: Arc<dyn Clock>,
    waiter: Arc<dyn Waiter>,
) -> Result<Http, ConnectorError> {
    let mut config = config.clone();
    if config.number("permitsPerSecond")?.is_none() {
        config.configuration_properties.insert("permitsPerSecond".to_owned(), json!(PERMITS_PER_SECOND));
    }
    let save_duplicates = Settings::from_config(&config)?.save_duplicates;
    let dialect = Box::new(SalesforceDialect { name: config.name.clone(), save_duplicates });
    Http::new(&config, somewhere()?, dialect, credentials, clock, waiter)
}

/// The OAuth settings of a Salesforce connection.
pub(crate) fn oauth_provider(config: &ConnectorConfig) -> Result<oauth::Provider, ConnectorError> {
    Settings::from_config(config)?.provider(config)
}

#[async_trait]
impl Connector for Salesforce {
    fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    fn canonical_id(&self, id: String) -> String {
        ids::long(&id).unwrap_or(id)
    }

    fn keeps_alike(&self, object_type: &str, attribute: &str, a: &Value, b: &Value) -> bool {
        let described = self.descriptions().get(object_type).map(|(_, described)| Arc::clone(described));
        let Ok(kind) = self.object_type(object_type) else { return false };
        let field = kind.field(attribute);
        match described {
            Some(described) => described.keeps_alike(field, a, b),
            None => describe::would_keep_alike(field, a, b),
        }
    }

    fn usage(&self) -> Usage {
        self.http.usage()
    }

    fn fills_in(&self, object_type: &str, attribute: &str) -> bool {
        let described = self.descriptions().get(object_type).map(|(_, described)| Arc::clone(described));
        match (self.object_type(object_type), described) {
            (Ok(kind), Some(described)) => {
                described.field(kind.field(attribute)).is_some_and(|field| field.defaulted_on_create)
            }
            _ => false,
        }
    }

    fn delete_writes(&self, object_type: &str) -> Option<Attributes> {
        let kept = self.object_type(object_type).is_ok_and(|kind| kind.is_user());
        kept.then(|| match self.settings.user_delete {
            UserDelete::Deactivate => write::deactivated(),
            UserDelete::Freeze => Attributes::new(),
        })
    }

    async fn test(&self) -> Result<TestReport, ConnectorError> {
        self.check_connection().await
    }

    async fn account(&self) -> Result<Option<String>, ConnectorError> {
        self.organization_id().await
    }

    async fn revoke(&self) -> Result<(), ConnectorError> {
        self.tokens.revoke().await
    }

    async fn schema(&self, object_type: &str) -> Result<ObjectTypeSchema, ConnectorError> {
        // Also of one that is not chosen yet: whoever is about to choose it wants to know whether it is there.
        let kind = match self.object_type(object_type) {
            Err(_) if settings::is_api_name(object_type) => &ObjectType::new(object_type, &self.settings),
            known => known?,
        };
        match self.describe(kind).await {
            Err(Failure::Refused(refusal)) if refusal.status == 404 => Err(self.error(
                ErrorKind::Configuration,
                format!(
                    "there is no object `{object_type}`, or the user that authorized does not see it; correct supportedObjectTypes"
                ),
            )),
            described => Ok(described?.schema(&kind.name)),
        }
    }

    fn search(&self, search: Search) -> Pages<'_> {
        self.pages(search)
    }

    fn changes(&self, feed: Feed) -> Changes<'_> {
        self.change_pages(feed)
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

    async fn under_way(&self, object_type: &str) -> Result<Option<String>, ConnectorError> {
        self.jobs_under_way(self.object_type(object_type)?).await
    }

    async fn create(&self, object_type: &str, batch: &[Creation]) -> Vec<Outcome> {
        match self.object_type(object_type) {
            Ok(kind) => self.create_batch(kind, batch).await,
            Err(error) => vec![not_done(&error); batch.len()],
        }
    }

    async fn update(&self, object_type: &str, batch: &[Change]) -> Vec<Outcome> {
        match self.object_type(object_type) {
            Ok(kind) => self.update_batch(kind, batch).await,
            Err(error) => vec![not_done(&error); batch.len()],
        }
    }

    async fn delete(&self, object_type: &str, uids: &[String]) -> Vec<Outcome> {
        match self.object_type(object_type) {
            Ok(kind) => self.delete_batch(kind, uids).await,
            Err(error) => vec![not_done(&error); uids.len()],
        }
    }
}
