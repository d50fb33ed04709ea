//! What a server says about itself (RFC 7644, section 4), and what is assumed where it says nothing: many servers have no
//! such endpoints, or keep them from their clients.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::Scim;
use super::answers::ListPage;
use super::shape::{Schema, Shape, get};
use crate::error::{ConnectorError, ErrorKind};
use crate::http::{Answer, Failure};

/// What a server can do.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Abilities {
    /// Whether the server has told; what follows is assumed otherwise.
    pub told: bool,
    pub patch: bool,
    pub filter: bool,
    pub etag: bool,
    pub bulk: bool,
    pub sort: bool,
    /// Lists by cursor (RFC 9865).
    pub cursor: bool,
    /// Most records on a page.
    pub most_results: Option<u64>,
    /// The names of the ways to sign in.
    pub sign_in: Vec<String>,
}

impl Default for Abilities {
    fn default() -> Self {
        Self {
            told: false,
            patch: true,
            filter: true,
            etag: false,
            bulk: false,
            sort: false,
            cursor: false,
            most_results: None,
            sign_in: Vec::new(),
        }
    }
}

impl Abilities {
    fn read(document: &Map<String, Value>) -> Self {
        let part = |name: &str| get(document, name).and_then(Value::as_object);
        let switch = |part: Option<&Map<String, Value>>, name: &str| {
            part.and_then(|p| get(p, name)).and_then(Value::as_bool)
        };
        let supported = |name: &str| switch(part(name), "supported").unwrap_or(false);
        let number = |name: &str, what: &str| {
            part(name).and_then(|p| get(p, what)).and_then(Value::as_u64).filter(|n| *n > 0)
        };
        let sign_in = get(document, "authenticationSchemes")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(|scheme| {
                let scheme = scheme.as_object()?;
                get(scheme, "name").or_else(|| get(scheme, "type"))?.as_str()
            })
            .map(super::answers::clean)
            .collect();
        Self {
            told: true,
            patch: supported("patch"),
            filter: supported("filter"),
            etag: supported("etag"),
            bulk: supported("bulk"),
            sort: supported("sort"),
            cursor: switch(part("pagination"), "cursor").unwrap_or(false),
            most_results: number("pagination", "maxPageSize").or(number("filter", "maxResults")),
            sign_in,
        }
    }
}

/// A resource type.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ResourceType {
    /// Its name: `User`.
    pub name: String,
    /// Its path behind the endpoint: `/Users`.
    pub path: String,
    pub schema: String,
    pub extensions: Vec<String>,
}

/// What is known about a server.
#[derive(Debug)]
pub(super) struct Discovered {
    pub abilities: Abilities,
    pub types: Vec<ResourceType>,
    shapes: HashMap<String, Arc<Shape>>,
}

impl Discovered {
    /// The path of a type; `None` where the server has told its types and this is none of them.
    pub fn path(&self, kind: &str) -> Option<String> {
        match self.types.iter().find(|t| t.name.eq_ignore_ascii_case(kind)) {
            Some(found) => Some(found.path.clone()),
            None if self.types.is_empty() || matches!(kind, "User" | "Group") => Some(format!("/{kind}s")),
            None => None,
        }
    }

    pub fn shape(&self, kind: &str) -> Arc<Shape> {
        self.shapes.get(kind).cloned().unwrap_or_else(|| Arc::new(Shape::assumed(kind)))
    }
}

impl Scim {
    /// Asks the server about itself.
    pub(super) async fn discover(&self) -> Result<Discovered, ConnectorError> {
        let (abilities, types, schemas) = futures::join!(
            self.told("/ServiceProviderConfig", |a| a.json::<Map<String, Value>>()),
            self.told("/ResourceTypes", ListPage::read),
            self.told("/Schemas", ListPage::read),
        );
        let abilities = abilities?.map_or_else(Abilities::default, |document| Abilities::read(&document));
        let types: Vec<ResourceType> =
            types?.map(|list| list.resources.iter().filter_map(resource_type).collect()).unwrap_or_default();
        let mut schemas: Vec<Schema> =
            schemas?.map(|list| list.resources.into_iter().filter_map(schema).collect()).unwrap_or_default();
        let mut shapes = HashMap::new();
        for kind in &self.settings.object_types {
            let known = types.iter().find(|t| t.name.eq_ignore_ascii_case(kind));
            shapes.insert(kind.clone(), Arc::new(self.shape_of(kind, known, &mut schemas).await?));
        }
        Ok(Discovered { abilities, types, shapes })
    }

    async fn shape_of(
        &self,
        kind: &str,
        known: Option<&ResourceType>,
        schemas: &mut Vec<Schema>,
    ) -> Result<Shape, ConnectorError> {
        let assumed = Shape::assumed(kind);
        let (core, extensions) = match known {
            Some(told) => (told.schema.clone(), told.extensions.clone()),
            None => (assumed.core.id.clone(), assumed.extensions.iter().map(|e| e.id.clone()).collect()),
        };
        let Some(core) = self.schema_of(&core, schemas).await? else {
            return Ok(Shape { core: Schema { id: core, ..assumed.core }, ..assumed });
        };
        let mut found = Vec::new();
        for urn in extensions {
            let schema = match self.schema_of(&urn, schemas).await? {
                Some(schema) => schema,
                None => assumed.extension(&urn).cloned().unwrap_or(Schema { id: urn, ..Schema::default() }),
            };
            found.push(schema);
        }
        Ok(Shape { core, extensions: found, told: true }.with_common())
    }

    /// A schema by its URN; a list of schemas need not hold all of them.
    async fn schema_of(
        &self,
        urn: &str,
        schemas: &mut Vec<Schema>,
    ) -> Result<Option<Schema>, ConnectorError> {
        let in_list = |schemas: &[Schema]| {
            schemas.iter().find(|s| s.id.eq_ignore_ascii_case(urn) && !s.attributes.is_empty()).cloned()
        };
        if let Some(schema) = in_list(schemas) {
            return Ok(Some(schema));
        }
        if schemas.is_empty() {
            return Ok(None);
        }
        let one = self.told(&format!("/Schemas/{urn}"), |a| a.json::<Map<String, Value>>()).await?;
        schemas.extend(one.and_then(schema));
        Ok(in_list(schemas))
    }

    /// A document about the server; `None` where it has none, or none that can be read.
    async fn told<T>(
        &self,
        path: &str,
        read: impl Fn(&Answer) -> Result<T, String> + Send + Sync,
    ) -> Result<Option<T>, ConnectorError> {
        let call = self.get(self.url(path));
        match self.http.send(&call, read).await {
            Ok(found) => Ok(Some(found)),
            Err(Failure::Refused(refusal)) if matches!(refusal.status, 400 | 403..=406 | 501) => {
                tracing::debug!(connector = %self.name, "{path} is not told: {}", refusal.error);
                Ok(None)
            }
            Err(Failure::NotDone(error) | Failure::Lost(error)) if error.kind == ErrorKind::Untrusted => {
                tracing::debug!(connector = %self.name, "{path} cannot be read: {error}");
                Ok(None)
            }
            Err(failure) => Err(failure.into()),
        }
    }
}

fn resource_type(document: &Map<String, Value>) -> Option<ResourceType> {
    let text = |name: &str| get(document, name).and_then(Value::as_str).map(str::to_owned);
    let name = text("name").or_else(|| text("id"))?;
    let endpoint = text("endpoint")?;
    // An address in full counts by its last step: an answer never says where the token goes.
    let last = endpoint.trim_end_matches('/').rsplit('/').next().filter(|step| !step.is_empty())?;
    let fits = last.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'));
    let extensions = get(document, "schemaExtensions")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|e| get(e.as_object()?, "schema")?.as_str().map(str::to_owned))
        .collect();
    (fits && last != "..").then(|| ResourceType {
        name,
        path: format!("/{last}"),
        schema: text("schema").unwrap_or_default(),
        extensions,
    })
}

fn schema(document: Map<String, Value>) -> Option<Schema> {
    serde_json::from_value(Value::Object(document)).ok().filter(|s: &Schema| !s.id.is_empty())
}
