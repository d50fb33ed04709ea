//! First drafts of a mapping between any two resources: which attribute of one is which of the other, told by their names.

use std::collections::BTreeSet;

use model::{MappingConfig, ResourcePath, Situation};
use serde_json::{Value, json};

use crate::{
    ApiError, App,
    dto::{AttributeInfo, ByResource, MappingProposal, MappingProposalRequest, MappingTemplate, SchemaInfo},
    mapping_lab::path_of,
};

/// Names of the same thing in the systems that Concord knows, as letters and digits in lower case. The first names it.
const SAME: &[&[&str]] = &[
    &["mail", "email", "emailaddress", "emailsprimaryvalue"],
    &["givenname", "firstname", "namegivenname"],
    &["sn", "lastname", "familyname", "surname", "namefamilyname"],
    &["username"],
    &["displayname", "fullname"],
    &["telephonenumber", "phone", "phonenumber", "workphone", "phonenumbersworkvalue"],
    &["mobilephone", "mobile", "phonenumbersmobilevalue"],
    &["title", "jobtitle"],
    &["companyname", "company", "organization"],
    &["department"],
    &["division"],
    &["employeenumber"],
    &["postaladdress", "address", "street", "mailingstreet", "streetaddress"],
    &["city", "mailingcity", "locality"],
    &["postalcode", "zip", "mailingpostalcode"],
    &["stateprovince", "state", "mailingstate", "region"],
    &["country", "mailingcountry"],
    &["website", "url"],
    &["description"],
    &["preferredlanguage", "language"],
];

impl App {
    /// First drafts of a mapping between two resources, and the mappings whose links it can share.
    pub async fn mapping_propose(
        &self,
        request: MappingProposalRequest,
    ) -> Result<MappingProposal, ApiError> {
        let (source_path, target_path) = (path_of(&request.source)?, path_of(&request.target)?);
        let source = self.resource_schema(ByResource { resource: request.source.clone() }).await?;
        let target = self.resource_schema(ByResource { resource: request.target.clone() }).await?;
        let mappings: Vec<MappingConfig> =
            self.store.read(|r| r.mappings()).await?.into_iter().map(|m| m.config).collect();
        let linkable: Vec<String> = mappings
            .iter()
            .filter(|m| m.source == request.target && m.target == request.source && m.link_type() == m.name)
            .map(|m| m.name.clone())
            .collect();
        let taken: BTreeSet<String> = mappings.iter().map(|m| m.name.to_lowercase()).collect();
        let name = free_name(&source_path, &target_path, &taken);
        let base = |properties: Vec<Value>, correlate: Option<&str>, policies: Vec<Value>| {
            let mut config = json!({ "name": name, "source": request.source, "target": request.target });
            if let Some(map) = config.as_object_mut() {
                if let Some(links) = request.links.as_deref().filter(|l| !l.is_empty()) {
                    map.insert("links".into(), json!(links));
                }
                if let Some(attribute) = correlate {
                    map.insert(
                        "correlationQuery".into(),
                        json!([{"linkQualifier": "default", "expressionTree": {"all": [attribute]}}]),
                    );
                }
                map.insert("properties".into(), Value::Array(properties));
                map.insert("policies".into(), Value::Array(policies));
            }
            config
        };
        let pairs = pairs(&source, &target);
        let key = correlation_key(&target, &pairs);
        let mut templates = Vec::new();
        if !pairs.is_empty() {
            templates.push(MappingTemplate {
                id: "matching".into(),
                label: format!("Attributes that match ({})", pairs.len()),
                help: "every pair whose names say the same, with the default behaviors; Preview shows what it would do".into(),
                config: base(pairs.clone(), key.as_deref(), policies(None)),
            });
            templates.push(MappingTemplate {
                id: "readOnly".into(),
                label: "The same, read-only".into(),
                help: "does nothing in any situation until you choose behaviors, as new mappings in ForgeRock IDM do".into(),
                config: base(pairs, key.as_deref(), policies(Some("ASYNC"))),
            });
        }
        templates.push(MappingTemplate {
            id: "empty".into(),
            label: "Empty".into(),
            help: "no property yet; the default behaviors".into(),
            config: base(Vec::new(), None, policies(None)),
        });
        Ok(MappingProposal { templates, linkable })
    }
}

/// `systemHubspotContact_managedUser`, with a number behind it where that is taken.
fn free_name(source: &ResourcePath, target: &ResourcePath, taken: &BTreeSet<String>) -> String {
    let name = format!("{}_{}", part_of_name(source), part_of_name(target));
    std::iter::once(name.clone())
        .chain((2..).map(|n| format!("{name}{n}")))
        .find(|name| !taken.contains(&name.to_lowercase()))
        .unwrap_or_default()
}

fn part_of_name(path: &ResourcePath) -> String {
    let text = path.to_string();
    let mut parts = text.split('/').map(|part| {
        part.chars().filter(|c| c.is_alphanumeric() || matches!(c, '_' | '-')).collect::<String>()
    });
    let first = parts.next().unwrap_or_default();
    parts.fold(first, |name, part| {
        let mut letters = part.chars();
        name + &letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect::<String>()
    })
}

fn letters(name: &str) -> String {
    name.chars().filter(|c| c.is_ascii_alphanumeric()).map(|c| c.to_ascii_lowercase()).collect()
}

/// What an attribute is, as far as its name tells.
fn concept(attribute: &AttributeInfo) -> String {
    let own = letters(&attribute.name);
    SAME.iter().find(|same| same.contains(&own.as_str())).map_or(own, |same| same[0].to_owned())
}

/// The properties of a first draft, in the order of the target's attributes.
fn pairs(source: &SchemaInfo, target: &SchemaInfo) -> Vec<Value> {
    let find = |wanted: &str| {
        source
            .attributes
            .iter()
            .filter(|a| !a.name.starts_with('_'))
            .find(|a| concept(a) == wanted)
            .map(|a| a.name.clone())
    };
    let mut properties = Vec::new();
    for attribute in target.attributes.iter().filter(|a| a.writable && !a.name.starts_with('_')) {
        let what = concept(attribute);
        // A user needs a name to sign in with; where the source has none, the address is one.
        let stands_in = (what == "username").then(|| find("mail")).flatten();
        let Some(from) = find(&what).or(stands_in) else { continue };
        let mut property = json!({ "source": from, "target": attribute.name });
        if let Some(map) = property.as_object_mut() {
            match what.as_str() {
                "mail" => {
                    map.insert("transform".into(), json!({"builtIn": "lower"}));
                }
                "username" => {
                    map.insert("transform".into(), json!({"builtIn": "lower"}));
                    map.insert("setOn".into(), json!("create"));
                }
                "givenname" | "sn" if attribute.required => {
                    map.insert("transform".into(), json!({"builtIn": "trim"}));
                    map.insert("default".into(), json!("-"));
                }
                _ => {}
            }
        }
        properties.push(property);
    }
    properties
}

/// The mapped attribute that tells records apart best: the address, else one that the target keeps unique.
fn correlation_key(target: &SchemaInfo, properties: &[Value]) -> Option<String> {
    let mapped: Vec<&AttributeInfo> = properties
        .iter()
        .filter_map(|p| p.get("target").and_then(Value::as_str))
        .filter_map(|name| target.attributes.iter().find(|a| a.name == name))
        .collect();
    mapped
        .iter()
        .find(|a| concept(a) == "mail")
        .or_else(|| mapped.iter().find(|a| a.unique))
        .map(|a| a.name.clone())
}

/// One policy for each situation.
fn policies(action: Option<&str>) -> Vec<Value> {
    Situation::ALL
        .iter()
        .map(|situation| {
            let action = action.unwrap_or_else(|| situation.default_action().as_str());
            json!({"situation": situation.as_str(), "action": action})
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attribute(name: &str, required: bool, writable: bool) -> AttributeInfo {
        AttributeInfo {
            name: name.into(),
            label: name.into(),
            kind: "string".into(),
            required,
            writable,
            unique: name == "userName",
            options: Vec::new(),
        }
    }

    fn schema(names: &[(&str, bool, bool)]) -> SchemaInfo {
        SchemaInfo {
            object_type: "t".into(),
            attributes: names.iter().map(|(n, r, w)| attribute(n, *r, *w)).collect(),
        }
    }

    #[test]
    fn attributes_are_paired_by_what_their_names_say() {
        let source = schema(&[
            ("email", false, true),
            ("firstname", false, true),
            ("LastName", false, true),
            ("MailingCity", false, true),
            ("shoe_size", false, true),
        ]);
        let target = schema(&[
            ("userName", true, true),
            ("mail", true, true),
            ("sn", true, true),
            ("city", false, true),
            ("shoeSize", false, true),
            ("givenName", false, false),
        ]);
        let pairs = pairs(&source, &target);
        assert_eq!(
            Value::Array(pairs.clone()),
            json!([
                {"source": "email", "target": "userName", "transform": {"builtIn": "lower"}, "setOn": "create"},
                {"source": "email", "target": "mail", "transform": {"builtIn": "lower"}},
                {"source": "LastName", "target": "sn", "transform": {"builtIn": "trim"}, "default": "-"},
                {"source": "MailingCity", "target": "city"},
                {"source": "shoe_size", "target": "shoeSize"},
            ])
        );
        assert_eq!(correlation_key(&target, &pairs).as_deref(), Some("mail"));
        assert_eq!(correlation_key(&target, &pairs[..1]).as_deref(), Some("userName"));
        assert_eq!(correlation_key(&target, &[]), None);
    }

    #[test]
    fn names_are_made_as_idm_makes_them() {
        let (source, target) = ("system/hubspot/contact".parse().unwrap(), "managed/user".parse().unwrap());
        let mut taken = BTreeSet::new();
        assert_eq!(free_name(&source, &target, &taken), "systemHubspotContact_managedUser");
        taken.insert("systemhubspotcontact_manageduser".into());
        assert_eq!(free_name(&source, &target, &taken), "systemHubspotContact_managedUser2");
        assert_eq!(free_name(&target, &source, &taken), "managedUser_systemHubspotContact");
    }
}
