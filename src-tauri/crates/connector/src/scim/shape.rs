//! What attributes a resource type has: as its server declares them, or as RFC 7643 does where the server is silent.

use serde::Deserialize;
use serde_json::{Map, Value};

/// The schema of users, RFC 7643 section 4.1.
pub(super) const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// The schema of groups, section 4.2.
pub(super) const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
/// What an enterprise adds to users, section 4.3.
pub(super) const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// One attribute as a schema declares it (RFC 7643, section 7).
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Declared {
    pub name: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub multi_valued: bool,
    pub required: bool,
    pub mutability: String,
    pub uniqueness: String,
    pub canonical_values: Vec<Value>,
    pub sub_attributes: Vec<Declared>,
}

impl Declared {
    pub fn is_complex(&self) -> bool {
        self.kind.eq_ignore_ascii_case("complex") || !self.sub_attributes.is_empty()
    }

    pub fn is_boolean(&self) -> bool {
        self.kind.eq_ignore_ascii_case("boolean")
    }

    pub fn is_read_only(&self) -> bool {
        self.mutability.eq_ignore_ascii_case("readOnly")
    }

    pub fn is_unique(&self) -> bool {
        ["server", "global"].iter().any(|u| self.uniqueness.eq_ignore_ascii_case(u))
    }

    pub fn sub(&self, name: &str) -> Option<&Declared> {
        find(&self.sub_attributes, name)
    }

    /// Whether its values are references to other resources: members, groups.
    pub fn refers(&self) -> bool {
        self.sub("$ref").is_some()
    }

    /// The types that its elements come in (`work`, `home`), as far as they are declared.
    pub fn types(&self) -> Vec<String> {
        let told = self.sub("type").map(Declared::options).unwrap_or_default();
        if !told.is_empty() {
            return told;
        }
        find(&user(), &self.name).and_then(|core| core.sub("type").map(Declared::options)).unwrap_or_default()
    }

    /// The values that it may have, empty when free.
    pub fn options(&self) -> Vec<String> {
        self.canonical_values.iter().filter_map(Value::as_str).map(str::to_owned).collect()
    }
}

/// A schema: its URN and its attributes.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub(super) struct Schema {
    pub id: String,
    pub attributes: Vec<Declared>,
}

/// The attributes of a resource type.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Shape {
    pub core: Schema,
    pub extensions: Vec<Schema>,
    /// Whether the server itself has told them: what it does not name then is not there.
    pub told: bool,
}

impl Shape {
    /// The attributes of a type whose server declares none.
    pub fn assumed(kind: &str) -> Self {
        let schema = |id: &str, attributes| Schema { id: id.to_owned(), attributes };
        let (core, extensions) = match kind {
            "User" => (schema(USER, user()), vec![schema(ENTERPRISE, enterprise())]),
            "Group" => (schema(GROUP, group()), Vec::new()),
            other => {
                let id = format!("urn:ietf:params:scim:schemas:core:2.0:{other}");
                (schema(&id, Vec::new()), Vec::new())
            }
        };
        Self { core, extensions, told: false }.with_common()
    }

    /// Adds what every resource has (RFC 7643, section 3.1) and schemas need not declare.
    pub fn with_common(mut self) -> Self {
        for common in common() {
            if find(&self.core.attributes, &common.name).is_none() {
                self.core.attributes.push(common);
            }
        }
        self
    }

    pub fn extension(&self, urn: &str) -> Option<&Schema> {
        self.extensions.iter().find(|e| e.id.eq_ignore_ascii_case(urn))
    }
}

pub(super) fn find<'d>(attributes: &'d [Declared], name: &str) -> Option<&'d Declared> {
    attributes.iter().find(|a| a.name.eq_ignore_ascii_case(name))
}

/// The value under a name of a resource. SCIM's names do not differ by case (RFC 7643, section 2.1).
pub(super) fn get<'v>(object: &'v Map<String, Value>, name: &str) -> Option<&'v Value> {
    object
        .get(name)
        .or_else(|| object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value))
}

/// The name under which a resource has an attribute, in its own spelling.
pub(super) fn key_of(object: &Map<String, Value>, name: &str) -> String {
    object.keys().find(|key| key.eq_ignore_ascii_case(name)).map_or_else(|| name.to_owned(), Clone::clone)
}

fn text(name: &str) -> Declared {
    typed(name, "string")
}

fn typed(name: &str, kind: &str) -> Declared {
    Declared { name: name.to_owned(), kind: kind.to_owned(), ..Declared::default() }
}

fn read_only(declared: Declared) -> Declared {
    Declared { mutability: "readOnly".to_owned(), ..declared }
}

fn complex(name: &str, subs: &[&str]) -> Declared {
    Declared { sub_attributes: subs.iter().map(|sub| text(sub)).collect(), ..typed(name, "complex") }
}

/// A list of values, each of a type.
fn plural(name: &str, values: &[&str], types: &[&str]) -> Declared {
    let kinds = Declared {
        canonical_values: types.iter().map(|t| Value::String((*t).to_owned())).collect(),
        ..text("type")
    };
    let mut list = complex(name, values);
    list.sub_attributes.extend([text("display"), kinds, typed("primary", "boolean")]);
    Declared { multi_valued: true, ..list }
}

fn references(name: &str) -> Declared {
    let mut list = complex(name, &["value", "display", "type"]);
    list.sub_attributes.push(typed("$ref", "reference"));
    Declared { multi_valued: true, ..list }
}

fn common() -> Vec<Declared> {
    let mut meta = complex("meta", &["resourceType", "location", "version"]);
    meta.sub_attributes.extend([typed("created", "dateTime"), typed("lastModified", "dateTime")]);
    meta.sub_attributes = meta.sub_attributes.into_iter().map(read_only).collect();
    vec![
        read_only(Declared { uniqueness: "server".to_owned(), ..text("id") }),
        text("externalId"),
        read_only(meta),
    ]
}

fn user() -> Vec<Declared> {
    let name = ["formatted", "familyName", "givenName", "middleName", "honorificPrefix", "honorificSuffix"];
    let address = ["formatted", "streetAddress", "locality", "region", "postalCode", "country"];
    vec![
        Declared { required: true, uniqueness: "server".to_owned(), ..text("userName") },
        complex("name", &name),
        text("displayName"),
        text("nickName"),
        typed("profileUrl", "reference"),
        text("title"),
        text("userType"),
        text("preferredLanguage"),
        text("locale"),
        text("timezone"),
        typed("active", "boolean"),
        Declared { mutability: "writeOnly".to_owned(), ..text("password") },
        plural("emails", &["value"], &["work", "home", "other"]),
        plural("phoneNumbers", &["value"], &["work", "home", "mobile", "fax", "pager", "other"]),
        plural("ims", &["value"], &[]),
        plural("photos", &["value"], &["photo", "thumbnail"]),
        plural("addresses", &address, &["work", "home", "other"]),
        read_only(references("groups")),
        plural("entitlements", &["value"], &[]),
        plural("roles", &["value"], &[]),
        plural("x509Certificates", &["value"], &[]),
    ]
}

fn enterprise() -> Vec<Declared> {
    let mut manager = complex("manager", &["value"]);
    manager.sub_attributes.extend([typed("$ref", "reference"), read_only(text("displayName"))]);
    ["employeeNumber", "costCenter", "organization", "division", "department"]
        .into_iter()
        .map(text)
        .chain([manager])
        .collect()
}

fn group() -> Vec<Declared> {
    vec![Declared { required: true, ..text("displayName") }, references("members")]
}
