//! The groups that arrive through SCIM, and the mapping that is made for them by itself.
//!
//! Their record, `scim/Group`, has the group's names, its members as the ids of managed users, and where the mapping asks for
//! it their user names.

use std::collections::HashMap;

use model::{ManagedObjectConfig, MappingConfig};
use serde_json::{Value, json};

use crate::{
    ApiError, App,
    arrivals::{self, Arrivals},
    dto::SchemaInfo,
};

/// The managed type that is made when the first group comes and no mapping leads elsewhere.
pub const GROUP_TYPE: &str = "group";
/// The name of the mapping that is made by itself.
const NAME: &str = "scimGroup_managedGroup";
/// The attribute of the record that has the members' user names.
pub const MEMBER_NAMES: &str = "memberNames";

/// An attribute of the record, its title, its kind, and the managed attributes that take it unless somebody says otherwise,
/// the first that there is.
const ATTRIBUTES: &[(&str, &str, &str, &[&str])] = &[
    ("displayName", "Display name", "string", &["displayName", "name"]),
    ("externalId", "External id", "string", &["externalId"]),
    ("members", "Members, by the ids of the users", "array", &["members"]),
    (MEMBER_NAMES, "Members, by their user names", "array", &[]),
];

/// The mapping of groups that is made by itself for a managed type.
pub fn groups_mapping(config: &ManagedObjectConfig) -> Result<MappingConfig, ApiError> {
    let takes = |attribute: &str, kind: &str| {
        config.schema.properties.get(attribute).is_some_and(|property| {
            property.get("type").is_none_or(|found| found == kind)
                // Members are plain ids, which a relationship is not.
                && property.pointer("/items/type").is_none_or(|items| items == "string")
        })
    };
    let properties: Vec<Value> = ATTRIBUTES
        .iter()
        .filter_map(|(source, _, kind, targets)| {
            let target = targets.iter().find(|target| takes(target, kind))?;
            Some(json!({"source": source, "target": target, "whenEmpty": "clear"}))
        })
        .collect();
    Ok(MappingConfig::from_value(json!({
        "name": NAME,
        "displayName": "Groups that arrive through SCIM",
        "source": "scim/Group",
        "target": format!("managed/{}", config.name),
        "enableSync": false,
        "runTargetPhase": false,
        "properties": properties,
    }))?)
}

/// The attributes of `scim/Group`, for whoever edits the mapping.
pub(crate) fn schema() -> SchemaInfo {
    let attributes = ATTRIBUTES.iter().map(|(name, label, kind, _)| (*name, *label, *kind));
    arrivals::schema("Group", "displayName", attributes)
}

impl App {
    /// The mapping of groups that arrive through SCIM: the one that is there, else what would be made. `None` where there is
    /// neither a mapping nor the type that one is made for.
    pub async fn arriving_groups(&self) -> Result<Option<Arrivals>, ApiError> {
        if let Some(found) = self.arrivals_from("Group", None).await? {
            return Ok(Some(found));
        }
        let Some(config) = self.managed_schema(GROUP_TYPE).await? else { return Ok(None) };
        Ok(Some(Arrivals::of(groups_mapping(&config)?)))
    }

    /// The same, stored: from now on it stands in the list of mappings.
    pub async fn arriving_groups_made(&self) -> Result<Arrivals, ApiError> {
        if let Some(found) = self.arrivals_from("Group", None).await? {
            return Ok(found);
        }
        self.arrivals_made(groups_mapping(&self.managed_kind(GROUP_TYPE).await?)?).await
    }

    /// The user names of managed users, by their ids; who is not here has none.
    pub async fn user_names(&self, ids: Vec<String>) -> Result<HashMap<String, String>, ApiError> {
        Ok(self
            .store
            .read(move |r| {
                let mut found = HashMap::new();
                for id in ids {
                    let user = r.managed("user", &id)?;
                    let name =
                        user.and_then(|user| Some(user.attributes.get("userName")?.as_str()?.to_owned()));
                    found.extend(name.map(|name| (id, name)));
                }
                Ok(found)
            })
            .await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mapping_fits_the_type() {
        let kind = |properties: Value| -> ManagedObjectConfig {
            serde_json::from_value(json!({"name": "team", "schema": {"properties": properties}})).unwrap()
        };
        let text = json!({"type": "string"});
        for (properties, expect) in [
            (
                json!({"displayName": text, "externalId": text, "members": {"type": "array", "items": {"type": "string"}}}),
                json!([["displayName", "displayName"], ["externalId", "externalId"], ["members", "members"]]),
            ),
            (json!({"name": text, "members": text}), json!([["displayName", "name"]])),
            (
                json!({"name": text, "members": {"type": "array", "items": {"type": "relationship"}}}),
                json!([["displayName", "name"]]),
            ),
        ] {
            let mapping = groups_mapping(&kind(properties)).unwrap();
            let pairs: Vec<Value> = mapping
                .properties
                .iter()
                .map(|p| json!([p.source.clone().unwrap_or_default(), p.target]))
                .collect();
            assert_eq!(Value::Array(pairs), expect);
            assert_eq!(mapping.target, "managed/team");
        }
    }
}
