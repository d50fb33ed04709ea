//! The mappings that come along: every file is one of them, compiles, and is what its name says.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeSet;
use std::path::Path;

use model::{ManagedObjectConfig, MappingConfig, ResourcePath, Situation};

fn name_of(path: &ResourcePath) -> String {
    let capital = |word: &str| word[..1].to_uppercase() + &word[1..];
    match path {
        ResourcePath::System { connector, object_type } => {
            format!("system{}{}", capital(connector), capital(object_type))
        }
        ResourcePath::Managed(kind) => format!("managed{}", capital(kind)),
        ResourcePath::Scim(kind) => format!("scim{}", capital(kind)),
    }
}

fn all() -> Vec<(&'static str, MappingConfig)> {
    api::ready_mapping_names()
        .map(|(provider, name)| (provider, api::ready_mapping(name, provider).unwrap()))
        .collect()
}

#[test]
fn every_file_comes_along() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
    let mut files = BTreeSet::new();
    for provider in std::fs::read_dir(folder).unwrap() {
        let provider = provider.unwrap();
        for file in std::fs::read_dir(provider.path()).unwrap() {
            let name = file.unwrap().file_name().into_string().unwrap();
            let name = name.strip_suffix(".json").expect("JSON files only").to_owned();
            files.insert((provider.file_name().into_string().unwrap(), name));
        }
    }
    let known: BTreeSet<_> =
        api::ready_mapping_names().map(|(provider, name)| (provider.to_owned(), name.to_owned())).collect();
    assert_eq!(files, known);
}

#[test]
fn each_can_run_and_is_what_its_name_says() {
    for (provider, config) in all() {
        let name = config.name.clone();
        engine::check_mapping(&config).unwrap_or_else(|problem| panic!("{name}: {problem}"));
        let (source, target) = (config.source_path().unwrap(), config.target_path().unwrap());
        assert_eq!(name, format!("{}_{}", name_of(&source), name_of(&target)));
        assert!(config.title().len() > name.len() / 2 && config.title() != name, "{name} has a title");
        let (managed, theirs) = match (&source, &target) {
            (ResourcePath::Managed(kind), ResourcePath::System { connector, .. })
            | (ResourcePath::System { connector, .. }, ResourcePath::Managed(kind)) => (kind, connector),
            _ => panic!("{name} goes from {source} to {target}"),
        };
        assert_eq!(theirs.as_str(), provider, "{name}");
        let managed = match managed.as_str() {
            "user" => ManagedObjectConfig::default_user(),
            other => api::ready_type(other).unwrap_or_else(|| panic!("{name}: no type {other} comes along")),
        };
        for property in &config.properties {
            let ours = match &source {
                ResourcePath::Managed(_) => property.source.as_deref(),
                _ => Some(property.target.as_str()),
            };
            let Some(ours) = ours.filter(|ours| !ours.is_empty()) else { continue };
            assert!(managed.schema.properties.contains_key(ours), "{name}: no attribute `{ours}`");
        }
        let told: BTreeSet<&str> = config.policies.iter().map(|policy| policy.situation.as_str()).collect();
        assert_eq!(told.len(), Situation::ALL.len(), "{name}: a policy for every situation");
        let raw = serde_json::to_value(&config).unwrap();
        assert_eq!(raw["correlationQuery"][0]["mapping"], name.as_str());
        if config.link_type() != name {
            let shared = api::ready_mapping(config.link_type(), provider).unwrap();
            assert_eq!((&shared.source, &shared.target), (&config.target, &config.source), "{name}");
        }
    }
}

#[test]
fn they_take_the_name_of_the_connector_that_they_are_for() {
    let inbound = api::ready_mapping("systemSalesforceUser_managedUser", "crm").unwrap();
    assert_eq!((inbound.source.as_str(), inbound.target.as_str()), ("system/crm/User", "managed/user"));
    let outbound = api::ready_mapping("managedUser_systemHubspotContact", "other").unwrap();
    assert_eq!(outbound.target, "system/other/contact");
    assert!(api::ready_mapping("managedUser_nowhere", "crm").is_err());
}
