//! Managed objects in the shape of `managed.json`: the schema of what lives in Concord's own repository.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// `managed.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ManagedConfig {
    /// The object types.
    pub objects: Vec<ManagedObjectConfig>,
    /// Everything else.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// One managed object type.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ManagedObjectConfig {
    /// `user`.
    pub name: String,
    /// Its JSON schema, IDM's dialect. IDM lets it be left out.
    #[serde(default)]
    pub schema: ManagedSchema,
    /// Everything else: hooks, icons.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// The JSON schema of a managed object type.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ManagedSchema {
    /// Attributes that must have a value.
    #[serde(default)]
    pub required: Vec<String>,
    /// The order on forms.
    #[serde(default)]
    pub order: Vec<String>,
    /// The attributes.
    #[serde(default)]
    pub properties: Map<String, Value>,
    /// Everything else.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

impl ManagedObjectConfig {
    /// The managed user: IDM's default schema, with deliberate differences. Telephone numbers are free text, because CRMs
    /// hold "555-1234 ext 5" and such a person must not be refused; passwords are hashed instead of encrypted, because
    /// nothing here needs them back; and attributes that CRMs are full of (title, company) are there from the start.
    pub fn default_user() -> Self {
        let with = |mut property: Value, more: Value| {
            if let (Value::Object(p), Value::Object(m)) = (&mut property, more) {
                p.extend(m);
            }
            property
        };
        let text = |title: &str, searchable: bool| json!({"title": title, "type": "string", "searchable": searchable, "userEditable": true, "viewable": true});
        let reference = |title: &str, back: Option<&str>, viewable: bool| {
            json!({
                "title": title, "type": "relationship", "viewable": viewable, "searchable": false,
                "reverseRelationship": back.is_some(), "reversePropertyName": back.unwrap_or_default(),
                "properties": {"_ref": {"type": "string"}, "_refProperties": {"type": "object", "properties": {}}},
            })
        };
        let list = |title: &str, items: Value, more: Value| {
            with(json!({"title": title, "type": "array", "searchable": false, "items": items}), more)
        };
        let policy = |id: &str, params: Value| json!({"policyId": id, "params": params});
        let properties = json!({
            "_id": {"type": "string", "viewable": false, "searchable": false, "userEditable": false, "policies": [
                policy("cannot-contain-characters", json!({"forbiddenChars": ["/"]})),
            ]},
            "userName": with(text("Username", true), json!({"minLength": 1, "policies": [
                policy("unique", json!({})),
                policy("no-internal-user-conflict", json!({})),
                policy("cannot-contain-characters", json!({"forbiddenChars": ["/"]})),
            ]})),
            "password": {
                "title": "Password", "type": "string", "viewable": false, "searchable": false, "userEditable": true,
                "minLength": 8, "scope": "private", "isProtected": true, "secureHash": {"algorithm": "ARGON2ID"},
                "policies": [
                    policy("at-least-X-capitals", json!({"numCaps": 1})),
                    policy("at-least-X-numbers", json!({"numNums": 1})),
                    policy("cannot-contain-others", json!({"disallowedFields": ["userName", "givenName", "sn"]})),
                ],
            },
            "givenName": text("First Name", true),
            "sn": text("Last Name", true),
            "mail": with(text("Email Address", true), json!({"policies": [policy("valid-email-address-format", json!({}))]})),
            "accountStatus": with(text("Status", true), json!({"userEditable": false, "default": "active"})),
            "telephoneNumber": text("Phone", false),
            "mobilePhone": text("Mobile Phone", false),
            "title": text("Job Title", false),
            "companyName": text("Company", false),
            "postalAddress": text("Address 1", false),
            "address2": text("Address 2", false),
            "city": text("City", false),
            "postalCode": text("Postal Code", false),
            "country": text("Country", false),
            "stateProvince": text("State/Province", false),
            "website": text("Website", false),
            "description": text("Description", false),
            "roles": list("Provisioning Roles", reference("Provisioning Roles Items", Some("members"), false), json!({"viewable": false})),
            "manager": reference("Manager", Some("reports"), false),
            "authzRoles": list("Authorization Roles", reference("Authorization Roles Items", Some("authzMembers"), false), json!({"viewable": false})),
            "reports": list("Direct Reports", reference("Direct Reports Items", Some("manager"), false), json!({"viewable": false})),
            "effectiveRoles": list("Effective Roles", json!({"type": "object"}), json!({"viewable": false, "isVirtual": true})),
            "effectiveAssignments": list("Effective Assignments", json!({"type": "object"}), json!({"viewable": false, "isVirtual": true})),
            "lastSync": {"title": "Last Sync timestamp", "type": "object", "viewable": false, "searchable": false, "scope": "private", "properties": {}},
            "kbaInfo": list("KBA Info", json!({"type": "object"}), json!({"viewable": false, "scope": "private"})),
            "preferences": {"title": "Preferences", "type": "object", "viewable": false, "searchable": false, "properties": {
                "updates": {"description": "Send me news and updates", "type": "boolean"},
                "marketing": {"description": "Send me special offers and services", "type": "boolean"},
            }},
        });
        let Value::Object(properties) = properties else { unreachable!("the literal above is an object") };
        Self {
            name: "user".into(),
            schema: ManagedSchema {
                required: ["userName", "givenName", "sn", "mail"].map(str::to_owned).to_vec(),
                order: properties.keys().cloned().collect(),
                properties,
                rest: Map::new(),
            },
            rest: Map::new(),
        }
    }

    /// The attributes that lists search and sort by, in form order.
    pub fn searchable(&self) -> Vec<String> {
        self.ordered().filter(|name| self.flag(name, "searchable", false)).map(str::to_owned).collect()
    }

    /// The attribute names in form order; those that `order` leaves out come last.
    pub fn ordered(&self) -> impl Iterator<Item = &str> {
        let schema = &self.schema;
        let listed = schema.order.iter().map(String::as_str).filter(|n| schema.properties.contains_key(*n));
        let others =
            schema.properties.keys().map(String::as_str).filter(|n| !schema.order.iter().any(|o| o == n));
        listed.chain(others)
    }

    /// A boolean keyword of an attribute.
    pub fn flag(&self, attribute: &str, keyword: &str, default: bool) -> bool {
        self.schema
            .properties
            .get(attribute)
            .and_then(|p| p.get(keyword))
            .and_then(Value::as_bool)
            .unwrap_or(default)
    }

    /// The title of an attribute, else its name.
    pub fn title<'a>(&'a self, attribute: &'a str) -> &'a str {
        self.schema
            .properties
            .get(attribute)
            .and_then(|p| p.get("title"))
            .and_then(Value::as_str)
            .unwrap_or(attribute)
    }

    /// The attributes with a default value, for new objects. A default that is a script is not one of them.
    pub fn defaults(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.schema.properties.iter().filter_map(|(name, p)| {
            let value = p.get("default").filter(|value| !value.is_null() && !is_script(value))?;
            Some((name.as_str(), value))
        })
    }

    /// The attributes that must be unique.
    pub fn unique(&self) -> impl Iterator<Item = &str> {
        self.schema.properties.keys().map(String::as_str).filter(|name| self.has_policy(name, "unique"))
    }

    /// Whether an attribute has a policy of this id.
    pub fn has_policy(&self, attribute: &str, id: &str) -> bool {
        policies(self.schema.properties.get(attribute)).any(|p| policy_id(p) == Some(id))
    }

    /// The attributes that a list can find and sort by an index, in the order in which they get one: those that are
    /// searchable, then those that must be unique. Only single texts, numbers and flags can have one.
    pub fn indexed(&self) -> Vec<Indexed> {
        let mut found: Vec<Indexed> = Vec::new();
        for name in self.searchable().iter().map(String::as_str).chain(self.unique()) {
            let kinds = self.kinds(name);
            let scalar = |kind: &&str| ["string", "number", "integer", "boolean"].contains(kind);
            if name.starts_with('_')
                || !kinds.iter().all(scalar)
                || self.protection(name).is_some()
                || self.flag(name, "isVirtual", false)
                || found.iter().any(|i| i.attribute == name)
            {
                continue;
            }
            let number = !kinds.is_empty() && kinds.iter().all(|k| matches!(*k, "number" | "integer"));
            found.push(Indexed { attribute: name.to_owned(), number });
        }
        found
    }

    /// The types that an attribute's values may have, without `null`; none where the schema does not say.
    pub fn kinds(&self, attribute: &str) -> Vec<&str> {
        kinds(self.schema.properties.get(attribute))
    }

    /// How an attribute that nobody may read is kept; `None` for all others. A password is one of them whatever its schema
    /// says, because no schema makes keeping one in clear a good idea.
    pub fn protection(&self, attribute: &str) -> Option<Protection> {
        let property = self.schema.properties.get(attribute);
        let has = |keyword: &str| property.and_then(|p| p.get(keyword)).is_some_and(Value::is_object);
        if has("secureHash") {
            Some(Protection::Hash)
        } else if has("encryption") {
            Some(Protection::Seal)
        } else if attribute == "password" {
            Some(Protection::Hash)
        } else {
            None
        }
    }

    /// Whether an attribute is stored and never shown (`scope: private`).
    pub fn is_private(&self, attribute: &str) -> bool {
        let scope = self.schema.properties.get(attribute).and_then(|p| p.get("scope"));
        scope.and_then(Value::as_str) == Some("private") || self.protection(attribute).is_some()
    }
}

/// An attribute with an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Indexed {
    /// The attribute.
    pub attribute: String,
    /// Whether it is ordered as a number.
    pub number: bool,
}

/// How the values of an attribute are kept that nobody may read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protection {
    /// As a hash: a value can be checked and never be had back.
    Hash,
    /// Sealed by the vault.
    Seal,
}

/// The types of a property, without `null`.
pub(crate) fn kinds(property: Option<&Value>) -> Vec<&str> {
    match property.and_then(|p| p.get("type")) {
        Some(Value::String(kind)) => vec![kind.as_str()],
        Some(Value::Array(kinds)) => {
            kinds.iter().filter_map(Value::as_str).filter(|k| *k != "null").collect()
        }
        _ => Vec::new(),
    }
}

/// The policies of a property.
pub(crate) fn policies(property: Option<&Value>) -> impl Iterator<Item = &Value> {
    property.and_then(|p| p.get("policies")).and_then(Value::as_array).into_iter().flatten()
}

/// The id of a policy.
pub(crate) fn policy_id(policy: &Value) -> Option<&str> {
    policy.get("policyId").and_then(Value::as_str)
}

pub(crate) fn is_script(value: &Value) -> bool {
    value.get("type").and_then(Value::as_str).is_some_and(|t| t.starts_with("text/"))
        && (value.get("source").is_some() || value.get("file").is_some())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Indexed, ManagedObjectConfig, Protection};

    #[test]
    fn the_default_user_is_idms() {
        let user = ManagedObjectConfig::default_user();
        assert_eq!(user.schema.required, ["userName", "givenName", "sn", "mail"]);
        assert_eq!(user.searchable(), ["userName", "givenName", "sn", "mail", "accountStatus"]);
        assert_eq!(user.unique().collect::<Vec<_>>(), ["userName"]);
        assert_eq!(user.title("sn"), "Last Name");
        assert_eq!(user.defaults().map(|(n, _)| n).collect::<Vec<_>>(), ["accountStatus"]);
        let order: Vec<&str> = user.ordered().collect();
        assert_eq!(order[..7], ["_id", "userName", "password", "givenName", "sn", "mail", "accountStatus"]);
        assert_eq!(order[order.len() - 3..], ["lastSync", "kbaInfo", "preferences"]);
        assert_eq!(user.protection("password"), Some(Protection::Hash));
        assert!(user.is_private("password") && user.is_private("lastSync") && !user.is_private("mail"));
        assert!(["manager", "roles", "reports"].iter().all(|n| user.schema.properties.contains_key(*n)));
    }

    #[test]
    fn indexes_are_for_single_values_that_may_be_read() {
        let searchable = |kind: serde_json::Value| json!({"type": kind, "searchable": true});
        let config: ManagedObjectConfig = serde_json::from_value(json!({"name": "device", "schema": {
            "order": ["size", "tags", "name", "serial", "pin", "level", "open"],
            "properties": {
                "size": searchable(json!("number")),
                "tags": searchable(json!("array")),
                "name": searchable(json!(["string", "null"])),
                "serial": {"type": "string", "policies": [{"policyId": "unique"}]},
                "pin": {"type": "string", "searchable": true, "encryption": {"key": "k"}},
                "level": searchable(json!(["string", "number"])),
                "open": searchable(json!("boolean")),
                "_id": searchable(json!("string")),
                "computed": {"type": "string", "searchable": true, "isVirtual": true},
            },
        }}))
        .unwrap();
        let expect = [("size", true), ("name", false), ("level", false), ("open", false), ("serial", false)];
        assert_eq!(config.indexed(), expect.map(|(a, number)| Indexed { attribute: a.into(), number }));
        assert_eq!(config.protection("pin"), Some(Protection::Seal));
        assert_eq!(config.protection("password"), Some(Protection::Hash), "whatever the schema says");
    }
}
