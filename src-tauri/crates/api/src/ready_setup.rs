//! The mappings that come along, offered for a connector: what each does in words, what it has to be told, and adding them.

use std::collections::{BTreeMap, BTreeSet};

use connector::ObjectTypeSchema;
use engine::{Engine, TypeChange};
use model::{ManagedObjectConfig, MappingConfig, Situation, mapping_config::ActionConfig};
use serde_json::{Value, json};
use store::ConnectorRow;

use crate::{
    ApiError, App, ErrorCode,
    connectors::provider_word,
    dto::{
        AuditTopic, ByName, Empty, MappingSummary, ParameterKind, ReadyMapping, ReadyMappingsAdd,
        ReadyParameter,
    },
    mappings::{correlation_text, end_title},
    ready_mappings::{ready_mapping, ready_mapping_names, ready_type},
};

impl App {
    /// The mappings that come along for a connector, in the order in which they stand on each other.
    pub async fn ready_mappings_of(&self, request: ByName) -> Result<Vec<ReadyMapping>, ApiError> {
        let row = self.connector_row(&request.name).await?;
        let (rows, mappings) = self.store.read(|r| Ok((r.connectors()?, r.mappings()?))).await?;
        let managed = self.store.read(|r| Ok(Engine::managed_types(r))).await??;
        let there: BTreeSet<String> = mappings.iter().map(|m| m.config.name.to_lowercase()).collect();
        let built =
            connector::build(&row.config, self.pool.credentials(&row.config.name), self.clock.clone())?;
        let types: BTreeSet<String> =
            built.descriptor().object_types.iter().map(|t| t.name.clone()).collect();
        let connector = row.config.name.clone();
        let known = self.store.read(move |r| r.known_schemas(&connector)).await?;
        configs(provider_word(&row.config), &row.config.name)?
            .into_iter()
            .map(|config| {
                let object_type = config.object_types_of(&row.config.name).next().unwrap_or_default();
                let schema = known.iter().find(|k| k.object_type == object_type);
                let schema = schema.and_then(|k| serde_json::from_value(k.latest.clone()).ok());
                let (config, left_out) = fitted(config, &row.config.name, schema.as_ref());
                let titles = (end_title(&config.source, &rows), end_title(&config.target, &rows));
                let properties: Vec<Value> = config
                    .properties
                    .iter()
                    .map(|p| json!({"source": p.source.clone().unwrap_or_default(), "target": p.target}))
                    .collect();
                let made = missing_type(&config, &managed).map(|made| made_in_words(&made));
                let words =
                    [Some(in_words(&config, &titles.0, &titles.1)), made, left_out_in_words(&left_out)];
                Ok(ReadyMapping {
                    text: words.into_iter().flatten().collect::<Vec<_>>().join(" "),
                    correlation: correlation_text(&config).unwrap_or_default(),
                    properties: Value::Array(properties),
                    parameters: parameters(&config)?,
                    there: there.contains(&config.name.to_lowercase()),
                    problem: (!types.contains(&object_type)).then(|| {
                        format!(
                            "connector `{}` does not offer {object_type}; add it to its object types first",
                            row.config.name
                        )
                    }),
                    name: config.name.clone(),
                    source: config.source.clone(),
                    target: config.target.clone(),
                    source_title: titles.0,
                    target_title: titles.1,
                    links: config.links.clone(),
                })
            })
            .collect()
    }

    /// Adds some of them, all or none.
    pub async fn ready_mappings_add(
        &self,
        request: ReadyMappingsAdd,
    ) -> Result<Vec<MappingSummary>, ApiError> {
        let row = self.connector_row(&request.connector).await?;
        let offered = configs(provider_word(&row.config), &row.config.name)?;
        let mut chosen = Vec::new();
        for name in &request.names {
            let config = offered.iter().find(|config| config.name == *name).ok_or_else(|| {
                ApiError::new(
                    ErrorCode::NotFound,
                    format!(
                        "`{name}` is none of the mappings that come along for connector `{}`",
                        row.config.name
                    ),
                )
            })?;
            chosen.push(filled(config, &request.parameters)?);
        }
        let taken = self.store.read(|r| r.mappings()).await?;
        if let Some(there) = taken
            .iter()
            .find(|m| chosen.iter().any(|config| config.name.eq_ignore_ascii_case(&m.config.name)))
        {
            return Err(ApiError::new(
                ErrorCode::Conflict,
                format!("mapping `{}` exists already; open it, or remove it first", there.config.name),
            ));
        }
        self.make_missing_types(&chosen).await?;
        let mut fitting = Vec::with_capacity(chosen.len());
        let mut left = Vec::new();
        for config in chosen {
            let object_type = config.object_types_of(&row.config.name).next().unwrap_or_default();
            let schema = self.schema_for(&row, &object_type).await?;
            let (config, left_out) = fitted(config, &row.config.name, schema.as_ref());
            left.extend(left_out_in_words(&left_out).map(|words| (config.name.clone(), words)));
            fitting.push(config);
        }
        let names = self.mappings_add(fitting).await?;
        for (name, words) in left {
            self.audit(AuditTopic::Mapping, &name, &words).await?;
        }
        let mut added = self.mappings_list(Empty {}).await?;
        added.retain(|mapping| names.contains(&mapping.name));
        Ok(added)
    }
}

impl App {
    /// The schema of an object type, as far as it is known. SCIM servers differ most in what they have, so there it is read
    /// where nobody has read it yet; a server that cannot be reached now keeps nobody from adding a mapping.
    async fn schema_for(
        &self,
        row: &ConnectorRow,
        object_type: &str,
    ) -> Result<Option<ObjectTypeSchema>, ApiError> {
        if provider_word(&row.config) == "scim" {
            return Ok(self.known_or_read_schema(row, object_type).await.ok());
        }
        let (name, kind) = (row.config.name.clone(), object_type.to_owned());
        let known = self.store.read(move |r| r.known_schema(&name, &kind)).await?;
        Ok(known.and_then(|known| serde_json::from_value(known.latest).ok()))
    }

    /// Makes the managed types that come along and that these mappings need.
    async fn make_missing_types(&self, chosen: &[MappingConfig]) -> Result<(), ApiError> {
        for config in chosen {
            let managed = self.store.read(|r| Ok(Engine::managed_types(r))).await??;
            let Some(made) = missing_type(config, &managed) else { continue };
            let name = made.name.clone();
            let change = TypeChange { config: made, rev: None, confirmed: true, who: self.who() };
            let saved = self.engine.save_managed_type(change).await?;
            if !saved.saved {
                let why: Vec<String> = saved.problems.into_iter().map(|p| p.message).collect();
                return Err(ApiError::new(
                    ErrorCode::Conflict,
                    format!("the managed type `{name}` cannot be made: {}", why.join("; ")),
                ));
            }
        }
        Ok(())
    }
}

/// The mapping without the properties whose attribute the system does not have, and the names of those attributes.
fn fitted(
    mut config: MappingConfig,
    connector: &str,
    schema: Option<&ObjectTypeSchema>,
) -> (MappingConfig, Vec<String>) {
    let Some(schema) = schema.filter(|schema| !schema.attributes.is_empty()) else {
        return (config, Vec::new());
    };
    let reads = config.source_path().is_ok_and(|source| source.is_of(connector));
    let mut left_out = Vec::new();
    config.properties.retain(|property| {
        let theirs = if reads { property.source.as_deref() } else { Some(property.target.as_str()) };
        let lacking = theirs.filter(|name| !name.is_empty() && !name.starts_with('_') && !has(schema, name));
        left_out.extend(lacking.map(str::to_owned));
        lacking.is_none()
    });
    (config, left_out)
}

/// Whether a system has an attribute. Elements of a SCIM list go by types that a server need not have told: there the list
/// and the part of its elements count.
fn has(schema: &ObjectTypeSchema, name: &str) -> bool {
    let ends = |name: &str| {
        let path = name.rfind(':').map_or(name, |at| name.get(at + 1..).unwrap_or_default()).to_lowercase();
        let urn = name.get(..name.len() - path.len()).unwrap_or_default().to_lowercase();
        let mut steps = path.split('.').map(str::to_owned);
        let first = steps.next().unwrap_or_default();
        let last = steps.next_back();
        (urn, first, last)
    };
    let wanted = ends(name);
    schema.attributes.iter().any(|attribute| {
        attribute.name.eq_ignore_ascii_case(name) || (wanted.2.is_some() && ends(&attribute.name) == wanted)
    })
}

fn left_out_in_words(names: &[String]) -> Option<String> {
    (!names.is_empty()).then(|| {
        format!("The system has no {}; what would be read or written there is left out.", names.join(", "))
    })
}

/// The managed type that a mapping needs, where it is not there and comes along.
fn missing_type(config: &MappingConfig, there: &[ManagedObjectConfig]) -> Option<ManagedObjectConfig> {
    [&config.source, &config.target]
        .into_iter()
        .filter_map(|end| end.strip_prefix("managed/"))
        .filter(|name| !there.iter().any(|known| known.name.eq_ignore_ascii_case(name)))
        .find_map(ready_type)
}

fn made_in_words(made: &ManagedObjectConfig) -> String {
    let attributes: Vec<&str> = made.ordered().filter(|name| !name.starts_with('_')).collect();
    format!(
        "There is no managed type `{}` yet; it is made with this mapping, with {}.",
        made.name,
        attributes.join(", ")
    )
}

/// The mappings of a system, under names that tell the connector when it is not called like the system.
fn configs(provider: &str, connector: &str) -> Result<Vec<MappingConfig>, ApiError> {
    let (theirs, ours) = (format!("system{}", capital(provider)), format!("system{}", capital(connector)));
    ready_mapping_names()
        .filter(|(known, _)| *known == provider)
        .map(|(_, name)| {
            let config = ready_mapping(name, connector)?;
            if theirs == ours {
                return Ok(config);
            }
            let mut document = serde_json::to_value(config)
                .map_err(|e| ApiError::new(ErrorCode::Internal, e.to_string()))?;
            rename(&mut document, &theirs, &ours);
            Ok(MappingConfig::from_value(document)?)
        })
        .collect()
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().collect::<String>() + letters.as_str())
}

/// Renames a mapping wherever its document names one: itself, the one whose links it shares, and its correlation.
fn rename(document: &mut Value, from: &str, to: &str) {
    let renamed = |value: &mut Value| {
        if let Value::String(text) = value {
            *text = text.replace(from, to);
        }
    };
    for key in ["name", "links"] {
        if let Some(value) = document.get_mut(key) {
            renamed(value);
        }
    }
    for rule in document.get_mut("correlationQuery").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(value) = rule.get_mut("mapping") {
            renamed(value);
        }
    }
}

/// What a mapping does, so that somebody who has never seen one can choose.
fn in_words(config: &MappingConfig, source: &str, target: &str) -> String {
    let of = |situation: Situation| {
        config.policies.iter().filter(move |policy| policy.situation.eq_ignore_ascii_case(situation.as_str()))
    };
    let action = |situation: Situation| {
        // What is said holds of the records that no condition picks out.
        of(situation)
            .find(|policy| policy.condition.is_none())
            .and_then(|policy| match &policy.action {
                ActionConfig::Name(name) => Some(name.to_uppercase()),
                ActionConfig::Script(_) => None,
            })
            .unwrap_or_else(|| situation.default_action().as_str().to_owned())
    };
    let mut words = Vec::new();
    words.push(match action(Situation::Absent).as_str() {
        "CREATE" => format!("A {source} that matches nobody makes a new {target}; one that matches is linked and brought in line."),
        _ => format!("A {source} that matches a {target} is linked and brings it in line; no new {target} is made."),
    });
    if of(Situation::Absent).any(|policy| policy.condition.is_some()) {
        words.push("Some are dealt with otherwise, by a condition.".into());
    }
    words.push(match action(Situation::SourceMissing).as_str() {
        "DELETE" => format!("When it is gone, the {target} is deleted, which the guards limit."),
        "UNLINK" => "When it is gone, only the link is removed.".into(),
        "IGNORE" => "When it is gone, nothing happens.".into(),
        _ => format!("When it is gone, the {target} stays, and each run shows it to you."),
    });
    if config.source.starts_with("managed/") && config.sync_enabled() {
        words.push("An edit here travels there at once.".into());
    }
    words.join(" ")
}

/// What stands between angle brackets in a mapping that comes along has to be told before it can be used.
fn parameters(config: &MappingConfig) -> Result<Vec<ReadyParameter>, ApiError> {
    let document =
        serde_json::to_value(config).map_err(|e| ApiError::new(ErrorCode::Internal, e.to_string()))?;
    let properties = document.get("properties").and_then(Value::as_array).cloned().unwrap_or_default();
    Ok(properties
        .iter()
        .filter_map(|property| {
            let open = property.pointer("/transform/value")?.as_str()?;
            let what = open.strip_prefix('<')?.strip_suffix('>')?;
            let name = property.get("target")?.as_str()?.to_owned();
            // An id is chosen among the records that have it.
            let object_type = name.strip_suffix("Id").filter(|t| !t.is_empty()).map(str::to_owned);
            Some(ReadyParameter {
                label: object_type.clone().unwrap_or_else(|| name.clone()),
                help: format!("Written as {name}: {what}."),
                kind: if object_type.is_some() { ParameterKind::Record } else { ParameterKind::Text },
                object_type,
                required: true,
                default: None,
                name,
            })
        })
        .collect())
}

/// A mapping with its parameters.
fn filled(config: &MappingConfig, given: &BTreeMap<String, String>) -> Result<MappingConfig, ApiError> {
    let open = parameters(config)?;
    let mut document =
        serde_json::to_value(config).map_err(|e| ApiError::new(ErrorCode::Internal, e.to_string()))?;
    for parameter in open {
        let value =
            given.get(&parameter.name).map(|v| v.trim()).filter(|v| !v.is_empty()).ok_or_else(|| {
                let mut error = ApiError::new(
                    ErrorCode::Invalid,
                    format!("mapping `{}` has to be told: {}; choose one", config.name, parameter.label),
                );
                error.field = Some(parameter.name.clone());
                error
            })?;
        let properties = document.get_mut("properties").and_then(Value::as_array_mut);
        for property in properties.into_iter().flatten() {
            if property.get("target").and_then(Value::as_str) == Some(parameter.name.as_str())
                && let Some(constant) = property.pointer_mut("/transform/value")
            {
                *constant = json!(value);
            }
        }
    }
    Ok(MappingConfig::from_value(document)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_that_leaves_some_out_is_not_told_as_what_becomes_of_all() {
        let all = configs("salesforce", "salesforce").unwrap();
        let users = all.iter().find(|config| config.name == "systemSalesforceUser_managedUser").unwrap();
        assert_eq!(
            in_words(users, "Salesforce User", "User"),
            "A Salesforce User that matches nobody makes a new User; one that matches is linked and brought in line. \
             Some are dealt with otherwise, by a condition. When it is gone, the User stays, and each run shows it to you."
        );
    }

    #[test]
    fn another_connector_of_the_same_system_has_mappings_of_its_own() {
        let names = |connector| -> Vec<(String, Option<String>)> {
            configs("hubspot", connector).unwrap().into_iter().map(|c| (c.name, c.links)).collect()
        };
        assert!(names("hubspot").iter().any(|(name, _)| name == "systemHubspotContact_managedUser"));
        let (_, links) =
            names("crm2").into_iter().find(|(name, _)| name == "managedUser_systemCrm2Contact").unwrap();
        assert_eq!(links.as_deref(), Some("systemCrm2Contact_managedUser"));
        for config in configs("hubspot", "crm2").unwrap() {
            assert!(!config.source.contains("/hubspot/") && !config.target.contains("/hubspot/"));
            engine::check_mapping(&config).unwrap();
        }
    }

    #[test]
    fn what_has_to_be_told_is_asked_for_and_put_in() {
        let offered = configs("salesforce", "salesforce").unwrap();
        let outward = offered.iter().find(|c| c.name == "managedUser_systemSalesforceUser").unwrap();
        let asked = parameters(outward).unwrap();
        let profile = asked.iter().find(|p| p.name == "ProfileId").unwrap();
        assert_eq!((profile.kind, profile.object_type.as_deref()), (ParameterKind::Record, Some("Profile")));

        let refused = filled(outward, &BTreeMap::new()).unwrap_err();
        assert_eq!((refused.code, refused.field.as_deref()), (ErrorCode::Invalid, Some("ProfileId")));
        let all: BTreeMap<String, String> =
            asked.iter().map(|p| (p.name.clone(), "00e000000000001".to_owned())).collect();
        let config = filled(outward, &all).unwrap();
        assert!(parameters(&config).unwrap().is_empty(), "nothing is left open");
    }

    #[test]
    fn what_a_system_does_not_have_is_left_out_by_name() {
        let schema = |names: &[&str]| -> ObjectTypeSchema {
            let attributes: Vec<Value> = names
                .iter()
                .map(|name| {
                    json!({"name": name, "label": name, "kind": "string", "required": false, "writable": true,
                        "unique": false, "options": []})
                })
                .collect();
            serde_json::from_value(json!({"object_type": "User", "attributes": attributes})).unwrap()
        };
        let told = schema(&[
            "userName",
            "externalId",
            "name.givenName",
            "name.familyName",
            "displayName",
            "emails.work.value",
            "active",
            "phoneNumbers.other.value",
            "addresses.work.locality",
        ]);
        let outward =
            configs("scim", "scim").unwrap().into_iter().find(|c| c.target == "system/scim/User").unwrap();
        let (config, left_out) = fitted(outward.clone(), "scim", Some(&told));
        let kept: Vec<&str> = config.properties.iter().map(|p| p.target.as_str()).collect();
        assert_eq!(
            kept,
            [
                "userName",
                "externalId",
                "name.givenName",
                "name.familyName",
                "displayName",
                "emails.primary.value",
                "active",
                "phoneNumbers.work.value",
                "phoneNumbers.mobile.value",
                "addresses.work.locality"
            ]
        );
        let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:organization";
        for name in ["title", enterprise, "addresses.work.region", "profileUrl"] {
            assert!(left_out.iter().any(|left| left == name), "{name}: {left_out:?}");
        }
        assert!(left_out_in_words(&left_out).unwrap().contains("profileUrl"));
        let inward =
            configs("scim", "scim").unwrap().into_iter().find(|c| c.source == "system/scim/User").unwrap();
        let (_, left_out) = fitted(inward, "scim", Some(&told));
        assert!(left_out.iter().any(|left| left == "title"), "{left_out:?}");
        assert_eq!(
            fitted(outward.clone(), "scim", None),
            (outward, Vec::new()),
            "nothing is known, nothing is left out"
        );
    }

    #[test]
    fn every_mapping_says_what_it_does() {
        for (provider, name) in ready_mapping_names() {
            let config = ready_mapping(name, provider).unwrap();
            let words = in_words(&config, "contact", "User");
            assert!(words.contains("When it is gone"), "{name}: {words}");
        }
    }
}
