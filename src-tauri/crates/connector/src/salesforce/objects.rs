//! The object types of a connection and how the names of mappings lead to fields.

use model::Attributes;
use serde_json::Value;

use super::ids;
use super::settings::{Settings, is_api_name};
use super::soql::Names;
use crate::port::{ObjectTypeDescriptor, RemoteObject};

/// Most records in one sObject Collections call.
pub(crate) const COLLECTION: usize = 200;
/// What the engine hands over at once where Bulk API 2.0 can take it. Larger batches would cost fewer calls still, but a
/// crash would leave as many records in doubt.
const BULK_BATCH: usize = 5_000;
pub(crate) const ID: &str = "Id";
pub(crate) const USER: &str = "User";
pub(crate) const USERNAME: &str = "Username";

/// One object type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ObjectType {
    pub name: String,
    /// The field behind `__NAME__`.
    name_field: &'static str,
    /// The field that lost creates are found by.
    pub key: Option<String>,
    /// The external id that new records are upserted by, where the configuration names one.
    pub external_id: Option<String>,
    /// Whether Bulk API 2.0 takes its records.
    pub bulk: bool,
    writable: bool,
    change_feed: bool,
    /// What this organization's user names end with.
    suffix: Option<String>,
}

impl ObjectType {
    pub fn new(name: &str, settings: &Settings) -> Self {
        let (name_field, key) = match name {
            USER => (USERNAME, Some(USERNAME)),
            "Contact" | "Lead" => ("Email", Some("Email")),
            "GroupMember" | "PermissionSetAssignment" | "UserLogin" => (ID, None),
            _ => ("Name", None),
        };
        // Salesforce refuses bulk jobs on most setup objects.
        let setup = matches!(
            name,
            "Profile" | "Group" | "GroupMember" | "PermissionSet" | "PermissionSetAssignment" | "UserLogin"
        );
        let external_id = settings.external_ids.get(name).cloned();
        Self {
            name: name.to_owned(),
            name_field,
            key: external_id.clone().or(key.map(str::to_owned)),
            external_id,
            bulk: !setup,
            writable: name != "Profile",
            change_feed: name != "UserLogin",
            suffix: settings.username_suffix.clone().filter(|_| name == USER),
        }
    }

    pub fn descriptor(&self) -> ObjectTypeDescriptor {
        ObjectTypeDescriptor {
            name: self.name.clone(),
            batch_size: if self.bulk { BULK_BATCH } else { COLLECTION },
            natural_key: self.key.clone(),
            writable: self.writable,
            change_feed: self.change_feed,
            modified_attribute: Some("LastModifiedDate".to_owned()),
        }
    }

    pub fn is_user(&self) -> bool {
        self.name == USER
    }

    pub fn has_change_feed(&self) -> bool {
        self.change_feed
    }

    /// The fields to ask for, the id first, each once. The error is an attribute that no field is behind.
    pub fn fields(&self, attributes: &[String]) -> Result<Vec<String>, String> {
        let mut fields = vec![ID.to_owned()];
        let defaults = [self.name_field.to_owned()];
        for attribute in if attributes.is_empty() { defaults.as_slice() } else { attributes } {
            let field = self.field(attribute);
            // `Profile.Name`: a field of the record that this one refers to.
            if !field.split('.').all(is_api_name) {
                return Err(attribute.clone());
            }
            if !fields.iter().any(|f| f.eq_ignore_ascii_case(field)) {
                fields.push(field.to_owned());
            }
        }
        Ok(fields)
    }

    /// The attributes that were asked for, under the names that they were asked by; `value` gives a field's value.
    pub fn object(
        &self,
        uid: String,
        attributes: &[String],
        mut value: impl FnMut(&str) -> Option<Value>,
    ) -> RemoteObject {
        let mut found = Attributes::with_capacity(attributes.len());
        let defaults = [self.name_field.to_owned()];
        for attribute in if attributes.is_empty() { defaults.as_slice() } else { attributes } {
            let field = self.field(attribute);
            let value = if field == ID { Some(Value::String(uid.clone())) } else { value(field) };
            if let Some(value) = value {
                found.insert(attribute.clone(), self.inward(field, value));
            }
        }
        RemoteObject { uid, attributes: found }
    }

    /// Whether a record of an answer is of this type, as far as it tells; in words where it is not.
    fn check_type(&self, record: &Attributes) -> Result<(), String> {
        match record.get("attributes").and_then(|a| a.get("type")).and_then(Value::as_str) {
            Some(told) if !told.eq_ignore_ascii_case(&self.name) => Err(format!(
                "a record of type {} was asked for and one of type {} came",
                self.name,
                told.chars().filter(|c| !c.is_control()).take(100).collect::<String>()
            )),
            _ => Ok(()),
        }
    }

    /// A record of an answer; in words what is wrong with it where it has no id or is of another type.
    pub fn record(&self, record: &Attributes, attributes: &[String]) -> Result<RemoteObject, String> {
        self.check_type(record)?;
        let uid = record.get(ID).and_then(Value::as_str).and_then(ids::long);
        let uid = uid.ok_or("a record came without an id")?;
        Ok(self.object(uid, attributes, |field| {
            let mut steps = field.split('.');
            let mut value = record.get(steps.next()?)?;
            for step in steps {
                value = match value {
                    Value::Null => return Some(Value::Null),
                    other => other.get(step)?,
                };
            }
            Some(value.clone())
        }))
    }

    /// The fields of a write. The field under its own name wins over `__NAME__`; ids are not written.
    pub fn written(&self, attributes: &Attributes) -> Attributes {
        let mut fields = Attributes::with_capacity(attributes.len());
        for (attribute, value) in attributes {
            let field = self.field(attribute);
            if field == ID || (attribute == "__NAME__" && attributes.contains_key(field)) {
                continue;
            }
            let value = match value {
                Value::String(text) => Value::String(self.outward(field, text)),
                other => other.clone(),
            };
            fields.insert(field.to_owned(), value);
        }
        fields
    }

    fn inward(&self, field: &str, value: Value) -> Value {
        match (&self.suffix, &value) {
            (Some(suffix), Value::String(text)) if field == USERNAME => {
                value_without(text, suffix).map_or(value, Value::String)
            }
            _ => value,
        }
    }
}

fn value_without(text: &str, suffix: &str) -> Option<String> {
    let head = text.len().checked_sub(suffix.len()).filter(|at| *at > 0)?;
    let (head, tail) = (text.get(..head)?, text.get(head..)?);
    tail.eq_ignore_ascii_case(suffix).then(|| head.to_owned())
}

impl Names for ObjectType {
    fn field<'n>(&'n self, attribute: &'n str) -> &'n str {
        match attribute {
            "__NAME__" => self.name_field,
            "__UID__" | "_id" => ID,
            other => other,
        }
    }

    fn outward(&self, field: &str, value: &str) -> String {
        match &self.suffix {
            Some(suffix)
                if field == USERNAME && !value.is_empty() && value_without(value, suffix).is_none() =>
            {
                format!("{value}{suffix}")
            }
            _ => value.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use model::ConnectorConfig;
    use serde_json::{Value, json};

    use super::ObjectType;
    use crate::salesforce::settings::Settings;
    use crate::salesforce::soql::Names;

    fn object_type(name: &str, properties: Value) -> ObjectType {
        let document =
            json!({"connectorRef": {"connectorName": "Salesforce"}, "configurationProperties": properties});
        let config = ConnectorConfig::parse(&document.to_string(), Some("sf")).unwrap();
        ObjectType::new(name, &Settings::from_config(&config).unwrap())
    }

    fn texts(names: &[&str]) -> Vec<String> {
        names.iter().map(|n| (*n).to_owned()).collect()
    }

    #[test]
    fn attributes_lead_to_fields_and_back() {
        let user = object_type("User", json!({}));
        assert_eq!(
            user.fields(&texts(&["__NAME__", "Username", "_id", "Profile.Name"])),
            Ok(texts(&["Id", "Username", "Profile.Name"]))
        );
        for wrong in ["a b", "Id FROM User", "", "a..b", "x'"] {
            assert!(user.fields(&texts(&[wrong])).is_err(), "{wrong}");
        }
        let record = json!({"attributes": {"type": "User"}, "Id": "00530000009hWLc", "Username": "a@x.org", "Profile": {"Name": "Standard"}, "Manager": null});
        let object = user
            .record(
                record.as_object().unwrap(),
                &texts(&["__NAME__", "_id", "Profile.Name", "Manager.Username", "None__c"]),
            )
            .unwrap();
        assert_eq!(object.uid, "00530000009hWLcAAM");
        let expect = json!({"__NAME__": "a@x.org", "_id": "00530000009hWLcAAM", "Profile.Name": "Standard", "Manager.Username": null});
        assert_eq!(Value::Object(object.attributes), expect);
    }

    #[test]
    fn a_suffix_is_outside_only() {
        let user = object_type("User", json!({"usernameSuffix": ".dev"}));
        for (inside, outside) in [("a@x.org", "a@x.org.dev"), ("", "")] {
            assert_eq!(user.outward("Username", inside), outside);
        }
        assert_eq!(user.outward("Username", "a@x.org.DEV"), "a@x.org.DEV");
        assert_eq!(user.outward("Email", "a@x.org"), "a@x.org");
        let record = json!({"Id": "00530000009hWLc", "Username": "a@x.org.dev", "Email": "a@x.org.dev"});
        let object = user.record(record.as_object().unwrap(), &texts(&["Username", "Email"])).unwrap();
        assert_eq!(Value::Object(object.attributes), json!({"Username": "a@x.org", "Email": "a@x.org.dev"}));
        let written = user.written(json!({"__NAME__": "b@x.org", "_id": "7"}).as_object().unwrap());
        assert_eq!(Value::Object(written), json!({"Username": "b@x.org.dev"}));
    }
}
