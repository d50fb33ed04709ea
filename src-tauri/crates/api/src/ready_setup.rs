//! The mappings that come along, offered for a connector: what each does in words, what it has to be told, and adding them.

use std::collections::{BTreeMap, BTreeSet};

use engine::{Engine, TypeChange};
use model::{ManagedObjectConfig, MappingConfig, Situation, mapping_config::ActionConfig};
use serde_json::{Value, json};

use crate::{
    ApiError, App, ErrorCode,
    connectors::provider_word,
    dto::{ByName, Empty, MappingSummary, ParameterKind, ReadyMapping, ReadyMappingsAdd, ReadyParameter},
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
        let inside = format!("system/{}/", row.config.name);
        configs(provider_word(&row.config), &row.config.name)?
            .into_iter()
            .map(|config| {
                let object_type = [&config.source, &config.target]
                    .into_iter()
                    .find_map(|end| end.strip_prefix(&inside))
                    .unwrap_or_default()
                    .to_owned();
                let titles = (end_title(&config.source, &rows), end_title(&config.target, &rows));
                let properties: Vec<Value> = config
                    .properties
                    .iter()
                    .map(|p| json!({"source": p.source.clone().unwrap_or_default(), "target": p.target}))
                    .collect();
                Ok(ReadyMapping {
                    text: match missing_type(&config, &managed) {
                        Some(made) => {
                            format!("{} {}", in_words(&config, &titles.0, &titles.1), made_in_words(&made))
                        }
                        None => in_words(&config, &titles.0, &titles.1),
                    },
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
        let names = self.mappings_add(chosen).await?;
        let mut added = self.mappings_list(Empty {}).await?;
        added.retain(|mapping| names.contains(&mapping.name));
        Ok(added)
    }
}

impl App {
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
    let action = |situation: Situation| {
        config
            .policies
            .iter()
            .find(|policy| policy.situation.eq_ignore_ascii_case(situation.as_str()))
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
    words.push(match action(Situation::SourceMissing).as_str() {
        "DELETE" => format!("When it is gone, the {target} is deleted, which the guards limit."),
        "UNLINK" => "When it is gone, only the link is removed.".into(),
        "IGNORE" => "When it is gone, nothing happens.".into(),
        _ => "When it is gone, you are asked.".into(),
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
    fn every_mapping_says_what_it_does() {
        for (provider, name) in ready_mapping_names() {
            let config = ready_mapping(name, provider).unwrap();
            let words = in_words(&config, "contact", "User");
            assert!(words.contains("When it is gone"), "{name}: {words}");
        }
    }
}
