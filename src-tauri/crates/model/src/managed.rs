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
    /// Its JSON schema, IDM's dialect.
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
    /// The managed user: IDM's default schema without relationships, with two deliberate differences. Telephone numbers
    /// are free text, because CRMs hold "555-1234 ext 5" and such a person must not be refused; and attributes that CRMs
    /// are full of (title, company) are there from the start.
    pub fn default_user() -> Self {
        let text = |title: &str, searchable: bool| json!({"title": title, "type": "string", "searchable": searchable, "userEditable": true, "viewable": true});
        let with = |mut property: Value, more: Value| {
            if let (Value::Object(p), Value::Object(m)) = (&mut property, more) {
                p.extend(m);
            }
            property
        };
        let policy = |id: &str, params: Value| json!({"policyId": id, "params": params});
        let properties = json!({
            "userName": with(text("Username", true), json!({"minLength": 1, "policies": [
                policy("unique", json!({})),
                policy("cannot-contain-characters", json!({"forbiddenChars": ["/"]})),
            ]})),
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
            "stateProvince": text("State/Province", false),
            "country": text("Country", false),
            "website": text("Website", false),
            "description": text("Description", false),
            "preferences": {"title": "Preferences", "type": "object", "viewable": false, "properties": {
                "updates": {"type": "boolean"}, "marketing": {"type": "boolean"},
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

    /// The attributes with a default value, for new objects.
    pub fn defaults(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.schema.properties.iter().filter_map(|(name, p)| Some((name.as_str(), p.get("default")?)))
    }

    /// The attributes that must be unique.
    pub fn unique(&self) -> impl Iterator<Item = &str> {
        self.schema.properties.iter().filter_map(|(name, p)| {
            p.get("policies")?
                .as_array()?
                .iter()
                .any(|policy| policy.get("policyId").and_then(Value::as_str) == Some("unique"))
                .then_some(name.as_str())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::ManagedObjectConfig;

    #[test]
    fn the_default_user_is_idms() {
        let user = ManagedObjectConfig::default_user();
        assert_eq!(user.schema.required, ["userName", "givenName", "sn", "mail"]);
        assert_eq!(user.searchable(), ["userName", "givenName", "sn", "mail", "accountStatus"]);
        assert_eq!(user.unique().collect::<Vec<_>>(), ["userName"]);
        assert_eq!(user.title("sn"), "Last Name");
        assert_eq!(user.defaults().map(|(n, _)| n).collect::<Vec<_>>(), ["accountStatus"]);
    }
}
