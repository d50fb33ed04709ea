//! Any server that speaks SCIM 2.0 (RFC 7643, RFC 7644): users, groups and whatever resource types it has.
//!
//! `__UID__` is the resource's `id`, `__NAME__` a user's user name or a group's display name. Names of attributes are
//! those of [`names`]. What differs between servers is asked (`ServiceProviderConfig`, `ResourceTypes`, `Schemas`) and,
//! where a server does not tell, tried: a refusal leads to the next way to say the same.
//!
//! SCIM has no dependable call for many records, so each record is a call of its own, many at a time.

mod access;
mod answers;
mod changes;
mod discovery;
mod filter;
mod names;
mod patch;
mod read;
mod settings;
mod shape;
mod test;
mod walk;
mod write;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use model::{Attributes, Clock, ConnectorConfig};
use reqwest::Method as Verb;
use serde_json::Value;
use url::Url;

use self::access::FixedAccess;
use self::answers::ScimDialect;
use self::discovery::Discovered;
use self::names::Path;
use self::settings::{Method, Settings, UserDelete};
use self::shape::Shape;
use crate::credentials::Credentials;
use crate::error::{ConnectorError, ErrorKind};
use crate::http::{Bearer, Call, Http, Payload, Repeat, Waiter};
use crate::outcomes::not_done;
use crate::port::{
    Change, Changes, Connector, Creation, Descriptor, Feed, ObjectTypeDescriptor, ObjectTypeSchema, Outcome,
    Pages, RemoteObject, Search, TestReport, Usage,
};
use crate::token::{Instances, TokenSource};

/// The provider's name for people.
pub(crate) const TITLE: &str = "the SCIM server";
/// Records that are written between two notes in the journal.
const BATCH: usize = 50;
/// What a server says about itself is asked again after this time.
const DISCOVERED_FOR: Duration = Duration::from_secs(900);
/// When a resource was changed last.
const LAST_MODIFIED: &str = "meta.lastModified";

/// A connection to one SCIM server.
pub struct Scim {
    name: String,
    settings: Settings,
    http: Arc<Http>,
    access: Box<dyn Bearer>,
    waiter: Arc<dyn Waiter>,
    descriptor: Descriptor,
    /// The same for a server that cannot be asked what changed.
    descriptor_without_feed: Descriptor,
    without_feed: AtomicBool,
    /// Whether the server was found to refuse PATCH.
    without_patch: AtomicBool,
    /// Whether the server was found to refuse filters.
    without_filter: AtomicBool,
    discovered: Mutex<Option<(Duration, Arc<Discovered>)>>,
    /// One at a time asks.
    discovering: tokio::sync::Mutex<()>,
}

/// An object type with what is known about it.
struct Kind {
    name: String,
    path: String,
    shape: Arc<Shape>,
    key: Option<String>,
    discovered: Arc<Discovered>,
}

impl Kind {
    /// Where a name leads. The error names the attribute.
    fn path_of(&self, name: &str) -> Result<Path, String> {
        Path::parse(name, &self.shape).ok_or_else(|| name.to_owned())
    }

    fn paths(&self, names: &[String]) -> Result<Vec<(String, Path)>, String> {
        names
            .iter()
            .filter(|name| !name.starts_with('_'))
            .map(|name| Ok((name.clone(), self.path_of(name)?)))
            .collect()
    }
}

impl Scim {
    /// Reads the configuration. Nothing is sent yet. Tests have another way to wait.
    pub fn new(
        config: &ConnectorConfig,
        credentials: Arc<dyn Credentials>,
        clock: Arc<dyn Clock>,
        waiter: Arc<dyn Waiter>,
    ) -> Result<Self, ConnectorError> {
        let settings = Settings::from_config(config)?;
        let dialect = Box::new(ScimDialect {
            name: config.name.clone(),
            content_type: settings.content_type,
            renewable: matches!(settings.method, Method::OAuth { .. }),
        });
        let http = Arc::new(Http::new(
            config,
            settings.endpoint.clone(),
            dialect,
            Arc::clone(&credentials),
            Arc::clone(&clock),
            Arc::clone(&waiter),
        )?);
        let access: Box<dyn Bearer> = match settings.method {
            Method::OAuth { refresh } => {
                let provider = Some(settings.provider(config)?);
                let tokens = TokenSource::new(&config.name, credentials, clock, Arc::clone(&http), provider);
                let home = settings.endpoint.clone();
                Box::new(if refresh {
                    tokens
                } else {
                    tokens.with_instances(Instances {
                        configured: Some(home.clone()),
                        // Whatever a token answer says, the token is for the configured server.
                        trusted: Box::new(move |_| Some(home.clone())),
                        client_credentials: true,
                    })
                })
            }
            _ => Box::new(FixedAccess::new(&config.name, &settings, credentials)),
        };
        let title = config.title().to_owned();
        let descriptor = |change_feed| Descriptor {
            title: title.clone(),
            object_types: settings
                .object_types
                .iter()
                .map(|t| described(t, &settings, change_feed))
                .collect(),
        };
        Ok(Self {
            name: config.name.clone(),
            descriptor: descriptor(true),
            descriptor_without_feed: descriptor(false),
            settings,
            http,
            access,
            waiter,
            without_feed: AtomicBool::new(false),
            without_patch: AtomicBool::new(false),
            without_filter: AtomicBool::new(false),
            discovered: Mutex::default(),
            discovering: tokio::sync::Mutex::default(),
        })
    }

    /// An address below the endpoint.
    fn url(&self, path: &str) -> Url {
        let mut url = self.settings.endpoint.clone();
        let base = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{base}{path}"));
        url
    }

    /// The address of one resource. An id is one step of the path, whatever is in it.
    fn resource_url(&self, kind: &Kind, uid: &str) -> Url {
        let mut url = self.url(&kind.path);
        // An endpoint that has a path can always take a further step.
        if let Ok(mut steps) = url.path_segments_mut() {
            steps.push(uid);
        }
        url
    }

    /// A read, by GET.
    fn get(&self, url: Url) -> Call<'_> {
        Call { bearer: Some(self.access.as_ref()), ..Call::get(url) }
    }

    /// A write; it is never sent twice.
    fn call(&self, method: Verb, url: Url, body: &Value, version: Option<&str>) -> Call<'_> {
        let body = body.to_string().into_bytes();
        let payload = match version {
            Some(version) => Payload::JsonIf { body, version: version.to_owned() },
            None => Payload::Json(body),
        };
        Call { method, payload, repeat: Repeat::Never, ..self.get(url) }
    }

    /// What the server says about itself.
    async fn discovered(&self) -> Result<Arc<Discovered>, ConnectorError> {
        if let Some(known) = self.known() {
            return Ok(known);
        }
        let _alone = self.discovering.lock().await;
        match self.known() {
            Some(known) => Ok(known),
            None => self.discover_anew().await,
        }
    }

    fn known(&self) -> Option<Arc<Discovered>> {
        let now = self.waiter.elapsed();
        let discovered = self.discovered.lock().unwrap_or_else(PoisonError::into_inner);
        discovered
            .as_ref()
            .filter(|(at, _)| now.saturating_sub(*at) < DISCOVERED_FOR)
            .map(|(_, known)| Arc::clone(known))
    }

    async fn discover_anew(&self) -> Result<Arc<Discovered>, ConnectorError> {
        let discovered = Arc::new(self.discover().await?);
        self.without_feed.store(!discovered.abilities.filter, Ordering::Relaxed);
        self.without_filter.store(!discovered.abilities.filter, Ordering::Relaxed);
        self.without_patch.store(!discovered.abilities.patch, Ordering::Relaxed);
        let now = self.waiter.elapsed();
        *self.discovered.lock().unwrap_or_else(PoisonError::into_inner) =
            Some((now, Arc::clone(&discovered)));
        Ok(discovered)
    }

    async fn kind(&self, name: &str) -> Result<Kind, ConnectorError> {
        if !self.settings.object_types.iter().any(|t| t == name) {
            return Err(self.error(
                ErrorKind::Unsupported,
                format!("object type `{name}` is not among its supportedObjectTypes; add it there by the name that the server gives it"),
            ));
        }
        self.any_kind(name).await
    }

    /// The same of a type that is not chosen yet: whoever is about to choose it wants to know whether it is there.
    async fn any_kind(&self, name: &str) -> Result<Kind, ConnectorError> {
        let discovered = self.discovered().await?;
        let path = discovered.path(name).ok_or_else(|| {
            let told: Vec<&str> = discovered.types.iter().map(|t| t.name.as_str()).collect();
            self.error(
                ErrorKind::Configuration,
                format!(
                    "the server has no resource type `{name}`; it has: {}; correct supportedObjectTypes",
                    told.join(", ")
                ),
            )
        })?;
        Ok(Kind {
            name: name.to_owned(),
            path,
            shape: discovered.shape(name),
            key: natural_key(name, &self.settings),
            discovered,
        })
    }

    /// Whether conditions are put to the server.
    fn filters(&self) -> bool {
        !self.without_filter.load(Ordering::Relaxed)
    }

    fn error(&self, kind: ErrorKind, what: impl std::fmt::Display) -> ConnectorError {
        self.http.error(kind, what)
    }

    fn untrusted(&self, what: impl std::fmt::Display) -> ConnectorError {
        self.error(ErrorKind::Untrusted, what)
    }

    fn no_attribute(&self, kind: &Kind, name: &str) -> ConnectorError {
        self.error(
            ErrorKind::Configuration,
            format!(
                "object type {} has no attribute `{name}`; read the schema again and correct the mapping",
                kind.name
            ),
        )
    }
}

/// The attribute that tells records of a type apart.
fn natural_key(name: &str, settings: &Settings) -> Option<String> {
    settings.natural_keys.get(name).cloned().or_else(|| match name {
        "User" => Some("userName".to_owned()),
        "Group" => Some("displayName".to_owned()),
        _ => None,
    })
}

fn described(name: &str, settings: &Settings, change_feed: bool) -> ObjectTypeDescriptor {
    ObjectTypeDescriptor {
        name: name.to_owned(),
        batch_size: BATCH,
        natural_key: natural_key(name, settings),
        writable: true,
        change_feed,
        modified_attribute: Some(LAST_MODIFIED.to_owned()),
    }
}

#[async_trait]
impl Connector for Scim {
    fn descriptor(&self) -> &Descriptor {
        if self.without_feed.load(Ordering::Relaxed) {
            &self.descriptor_without_feed
        } else {
            &self.descriptor
        }
    }

    fn usage(&self) -> Usage {
        self.http.usage()
    }

    fn keeps_alike(&self, _object_type: &str, attribute: &str, a: &Value, b: &Value) -> bool {
        names::keeps_alike(attribute, a, b)
    }

    fn fills_in(&self, _object_type: &str, attribute: &str) -> bool {
        ["active", "displayName", "groups", "roles"].contains(&attribute)
    }

    fn delete_writes(&self, object_type: &str) -> Option<Attributes> {
        let kept = object_type == "User" && self.settings.user_delete == UserDelete::Deactivate;
        kept.then(write::deactivated)
    }

    async fn test(&self) -> Result<TestReport, ConnectorError> {
        self.check_connection().await
    }

    async fn schema(&self, object_type: &str) -> Result<ObjectTypeSchema, ConnectorError> {
        let _alone = self.discovering.lock().await;
        self.discover_anew().await?;
        let kind = self.any_kind(object_type).await?;
        Ok(ObjectTypeSchema { object_type: kind.name, attributes: names::listed(&kind.shape) })
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
        self.read_ids(&self.kind(object_type).await?, uids, attributes).await
    }

    async fn find_by_key(
        &self,
        object_type: &str,
        values: &[String],
        attributes: &[String],
    ) -> Result<Vec<RemoteObject>, ConnectorError> {
        self.read_keys(&self.kind(object_type).await?, values, attributes).await
    }

    async fn create(&self, object_type: &str, batch: &[Creation]) -> Vec<Outcome> {
        match self.kind(object_type).await {
            Ok(kind) => self.create_batch(&kind, batch).await,
            Err(error) => vec![not_done(&error); batch.len()],
        }
    }

    async fn update(&self, object_type: &str, batch: &[Change]) -> Vec<Outcome> {
        match self.kind(object_type).await {
            Ok(kind) => self.update_batch(&kind, batch).await,
            Err(error) => vec![not_done(&error); batch.len()],
        }
    }

    async fn delete(&self, object_type: &str, uids: &[String]) -> Vec<Outcome> {
        match self.kind(object_type).await {
            Ok(kind) => self.delete_batch(&kind, uids).await,
            Err(error) => vec![not_done(&error); uids.len()],
        }
    }
}
