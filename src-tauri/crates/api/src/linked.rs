//! What a managed object is linked to: records of other systems, and managed objects.

use engine::Engine;
use model::ResourcePath;
use serde_json::Value;
use store::{LinkSpace, Orientation, Reader, StoreError};

use crate::{
    ApiError, App,
    dto::{LinkedSystem, ObjectName, UserRow},
    managed_objects::row,
};

/// A managed object that another one is linked to.
#[derive(Debug, Clone)]
pub struct LinkedObject {
    /// The link type: the mapping that owns the link.
    pub mapping: String,
    /// The link's qualifier.
    pub link_qualifier: String,
    /// The object's type.
    pub kind: String,
    /// The object's id.
    pub id: String,
    /// The object; `None` where it is gone.
    pub object: Option<UserRow>,
}

/// An end of a link.
struct End {
    mapping: String,
    link_qualifier: String,
    /// The resource at this end, as the mapping names it, and read.
    resource: String,
    path: ResourcePath,
    id: String,
}

/// The other ends of an object's links.
fn other_ends(r: &Reader<'_>, kind: &str, id: &str) -> Result<Vec<End>, StoreError> {
    let own = ResourcePath::Managed(kind.into()).to_string();
    let mut found = Vec::new();
    for mapping in r.mappings()?.into_iter().map(|m| m.config) {
        // Each link type once, by the mapping that owns it.
        if mapping.link_type() != mapping.name {
            continue;
        }
        let to_own = mapping.target == own;
        let other = match (to_own, mapping.source == own) {
            (true, _) => &mapping.source,
            (false, true) => &mapping.target,
            (false, false) => continue,
        };
        let Ok(path) = other.parse::<ResourcePath>() else { continue };
        for link_qualifier in r.link_qualifiers(&mapping.name)? {
            let space = LinkSpace {
                kind: mapping.name.clone(),
                qualifier: link_qualifier.clone(),
                orientation: Orientation::Forward,
            };
            let id = if to_own {
                r.link_of_target(&space, id)?.map(|link| link.source_id)
            } else {
                r.link_of_source(&space, id)?.map(|link| link.target_id)
            };
            found.extend(id.map(|id| End {
                mapping: mapping.name.clone(),
                link_qualifier,
                resource: other.clone(),
                path: path.clone(),
                id,
            }));
        }
    }
    Ok(found)
}

impl App {
    /// The records of other systems that an object is linked to, as they were last seen.
    pub(crate) async fn linked_systems(&self, kind: &str, id: &str) -> Result<Vec<LinkedSystem>, ApiError> {
        let (kind, id) = (kind.to_owned(), id.to_owned());
        Ok(self
            .store
            .read(move |r| {
                let connectors = r.connectors()?;
                let mut systems = Vec::new();
                for end in other_ends(r, &kind, &id)? {
                    let ResourcePath::System { connector, object_type } = end.path else { continue };
                    let seen = r.mirrored(&end.resource, &end.id)?;
                    let title = connectors
                        .iter()
                        .find(|c| c.config.name == connector)
                        .map_or(connector.as_str(), |c| c.config.title());
                    systems.push(LinkedSystem {
                        mapping: end.mapping,
                        connector_title: title.to_owned(),
                        connector,
                        object_type,
                        uid: end.id,
                        link_qualifier: end.link_qualifier,
                        seen_at: seen.as_ref().map(|s| s.updated.clone()),
                        attributes: seen.map(|s| Value::Object(s.attributes)),
                    });
                }
                Ok(systems)
            })
            .await?)
    }

    /// The managed objects that an object is linked to, as they are.
    pub async fn linked_objects(&self, name: ObjectName) -> Result<Vec<LinkedObject>, ApiError> {
        let ObjectName { kind, id } = name;
        self.store
            .read(move |r| {
                let types = match Engine::managed_types(r) {
                    Ok(types) => types,
                    Err(error) => return Ok(Err(error.into())),
                };
                let mut objects = Vec::new();
                for end in other_ends(r, &kind, &id)? {
                    let ResourcePath::Managed(kind) = end.path else { continue };
                    let config = types.iter().find(|config| config.name == kind);
                    let object = r.managed(&kind, &end.id)?;
                    objects.push(LinkedObject {
                        mapping: end.mapping,
                        link_qualifier: end.link_qualifier,
                        object: object.zip(config).map(|(object, config)| row(config, object)),
                        kind,
                        id: end.id,
                    });
                }
                Ok(Ok(objects))
            })
            .await?
    }
}
