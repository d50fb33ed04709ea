//! Resource paths: `managed/user`, `system/hubspot/contact`, `scim/User`.

use std::{fmt, str::FromStr};

/// Where objects live: the repository itself, an object type of a connector, or what others send here.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ResourcePath {
    /// `managed/<type>`: objects in Concord's own repository.
    Managed(String),
    /// `system/<connector>/<object type>`: objects in a connected system.
    System {
        /// The connector's name.
        connector: String,
        /// The connector's object type.
        object_type: String,
    },
    /// `scim/<resource type>`: what other systems send here through SCIM. It arrives one by one and cannot be read.
    Scim(String),
}

/// Why a text is not a resource path.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "`{0}` is not a resource path; write `managed/<type>`, `system/<connector>/<object type>`, `scim/User` or `scim/Group`"
)]
pub struct BadPath(pub String);

impl ResourcePath {
    /// The connector's name when the path leads to one.
    pub fn connector(&self) -> Option<&str> {
        match self {
            Self::Managed(_) | Self::Scim(_) => None,
            Self::System { connector, .. } => Some(connector),
        }
    }

    /// Whether the objects are in the system of this connector. The case of a connector's name does not count.
    pub fn is_of(&self, connector: &str) -> bool {
        self.connector().is_some_and(|name| name.eq_ignore_ascii_case(connector))
    }

    /// The last step: the managed type, the connector's object type or the resource type of SCIM.
    pub fn object_type(&self) -> &str {
        match self {
            Self::Managed(t) | Self::Scim(t) => t,
            Self::System { object_type, .. } => object_type,
        }
    }

    /// Whether the objects are in Concord's own repository.
    pub fn is_managed(&self) -> bool {
        matches!(self, Self::Managed(_))
    }

    /// The full path of one object, as audit and links show it.
    pub fn object(&self, id: &str) -> String {
        format!("{self}/{id}")
    }
}

impl FromStr for ResourcePath {
    type Err = BadPath;

    fn from_str(text: &str) -> Result<Self, BadPath> {
        let steps: Vec<&str> = text.trim_matches('/').split('/').collect();
        match steps.as_slice() {
            ["managed", t] if is_name(t) => Ok(Self::Managed((*t).to_owned())),
            ["system", c, t] if is_name(c) && is_name(t) => {
                Ok(Self::System { connector: (*c).to_owned(), object_type: (*t).to_owned() })
            }
            ["scim", t] if SCIM_TYPES.contains(t) => Ok(Self::Scim((*t).to_owned())),
            _ => Err(BadPath(text.to_owned())),
        }
    }
}

/// The resource types of SCIM that mappings know.
const SCIM_TYPES: [&str; 2] = ["User", "Group"];

fn is_name(step: &str) -> bool {
    !step.is_empty() && step.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))
}

impl fmt::Display for ResourcePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Managed(t) => write!(f, "managed/{t}"),
            Self::System { connector, object_type } => write!(f, "system/{connector}/{object_type}"),
            Self::Scim(t) => write!(f, "scim/{t}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ResourcePath;

    #[test]
    fn paths_parse_and_print_the_same() {
        for text in
            ["managed/user", "system/hubspot/contact", "system/sf-1/User__c", "scim/User", "scim/Group"]
        {
            let path: ResourcePath = text.parse().unwrap();
            assert_eq!(path.to_string(), text);
        }
    }

    #[test]
    fn a_connectors_name_may_be_written_in_any_case() {
        let contact: ResourcePath = "system/HubSpot/contact".parse().unwrap();
        assert!(contact.is_of("hubspot") && !contact.is_of("hub"));
        assert!(!"managed/hubspot".parse::<ResourcePath>().unwrap().is_of("hubspot"));
    }

    #[test]
    fn anything_else_is_refused_with_the_way_to_write_it() {
        for text in
            ["", "user", "managed", "managed/", "system/x", "system//y", "managed/a b", "x/y/z", "scim/Other"]
        {
            let error = text.parse::<ResourcePath>().unwrap_err();
            assert!(error.to_string().contains("managed/<type>"), "{text}");
        }
    }
}
