//! What Salesforce says about an object type, and the values that it would refuse: found here, before they are sent.

use std::collections::{BTreeSet, HashMap};

use model::Attributes;
use serde::Deserialize;
use serde_json::{Number, Value};

use super::ids;
use super::soql::time;
use crate::port::{AttributeSchema, ObjectTypeSchema};

/// Non-nillable in describe and filled by Salesforce when left out.
const FILLED_BY_SALESFORCE: &[&str] = &["CommunityNickname", "OwnerId"];

/// The part of a describe answer that matters.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Answer {
    name: String,
    createable: bool,
    updateable: bool,
    deletable: bool,
    fields: Vec<Field>,
}

/// One field.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Field {
    pub name: String,
    label: String,
    #[serde(rename = "type")]
    pub kind: String,
    length: usize,
    nillable: bool,
    createable: bool,
    updateable: bool,
    pub defaulted_on_create: bool,
    unique: bool,
    id_lookup: bool,
    case_sensitive: bool,
    filterable: Option<bool>,
    restricted_picklist: bool,
    /// What the record behind a reference is called in queries: `Manager` of `ManagerId`.
    relationship_name: Option<String>,
    #[serde(deserialize_with = "list")]
    reference_to: Vec<String>,
    #[serde(deserialize_with = "list")]
    picklist_values: Vec<PicklistValue>,
}

#[derive(Debug, Clone, Deserialize)]
struct PicklistValue {
    value: String,
    #[serde(default = "yes")]
    active: bool,
}

fn yes() -> bool {
    true
}

/// Some versions send null for no values.
fn list<'de, T: Deserialize<'de>, D: serde::Deserializer<'de>>(from: D) -> Result<Vec<T>, D::Error> {
    Ok(Option::<Vec<T>>::deserialize(from)?.unwrap_or_default())
}

/// How a field's values are written in SOQL and compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Id,
    Boolean,
    Number,
    Date,
    DateTime,
    /// Several picklist values in one field.
    Several,
    /// Made of other fields (addresses, locations): cannot be filtered, nor read in bulk.
    Compound,
    Other,
}

impl Field {
    pub fn kind(&self) -> Kind {
        match self.kind.as_str() {
            "string" | "textarea" | "email" | "phone" | "url" | "picklist" | "combobox"
            | "encryptedstring" => Kind::Text,
            "id" | "reference" => Kind::Id,
            "boolean" => Kind::Boolean,
            "int" | "double" | "currency" | "percent" | "long" => Kind::Number,
            "date" => Kind::Date,
            "datetime" => Kind::DateTime,
            "multipicklist" => Kind::Several,
            "address" | "location" => Kind::Compound,
            _ => Kind::Other,
        }
    }

    pub fn filterable(&self) -> bool {
        self.filterable.unwrap_or(true)
    }

    fn required(&self) -> bool {
        self.createable
            && !self.nillable
            && !self.defaulted_on_create
            && self.kind() != Kind::Boolean
            && !FILLED_BY_SALESFORCE.contains(&self.name.as_str())
    }

    fn options(&self) -> Vec<String> {
        self.picklist_values.iter().filter(|v| v.active).map(|v| v.value.clone()).collect()
    }

    /// The value as the picklist spells it; `None` for one that it does not have. Free fields take any.
    fn spelt(&self, value: &str) -> Option<String> {
        if !self.restricted_picklist || self.picklist_values.is_empty() {
            return Some(value.to_owned());
        }
        let mut known = self.picklist_values.iter().filter(|v| v.active).map(|v| &v.value);
        known.find(|v| v.eq_ignore_ascii_case(value)).cloned()
    }
}

/// A described object type.
#[derive(Debug)]
pub(crate) struct Described {
    answer: Answer,
    /// Field names in lower case: Salesforce does not tell names apart by case.
    places: HashMap<String, usize>,
    /// The HTTP date up to which it is known to be right.
    pub as_of: Option<String>,
}

/// A write that Salesforce would refuse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused {
    pub reason: String,
    pub attribute: Option<String>,
}

/// What a write is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Writing {
    Create,
    Update,
}

impl Described {
    pub fn new(answer: Answer, as_of: Option<String>) -> Result<Self, String> {
        if answer.fields.is_empty() {
            return Err("the description has no fields".to_owned());
        }
        let places =
            answer.fields.iter().enumerate().map(|(at, f)| (f.name.to_ascii_lowercase(), at)).collect();
        Ok(Self { answer, places, as_of })
    }

    pub fn field(&self, name: &str) -> Option<&Field> {
        self.answer.fields.get(*self.places.get(&name.to_ascii_lowercase())?)
    }

    /// The object type behind a relationship of this name. Where there may be several, queries see what these have in common,
    /// which Salesforce describes as an object type too (Object Reference, "Name").
    pub fn related(&self, relationship: &str) -> Option<&str> {
        let leads_on = |f: &&Field| {
            f.relationship_name.as_deref().is_some_and(|name| name.eq_ignore_ascii_case(relationship))
        };
        match self.answer.fields.iter().find(leads_on)?.reference_to.as_slice() {
            [] => None,
            [one] => Some(one),
            _ => Some("Name"),
        }
    }

    /// Whether a field keeps two values as one.
    pub fn keeps_alike(&self, name: &str, a: &Value, b: &Value) -> bool {
        let Some(field) = self.field(name) else { return false };
        kept(field, a).is_some_and(|one| Some(one) == kept(field, b))
    }

    /// A text such that two which a field's look-ups take for one are one.
    pub fn folded(&self, name: &str, text: &str) -> String {
        let text = text.trim();
        if self.field(name).is_some_and(|f| f.case_sensitive) { text.to_owned() } else { text.to_lowercase() }
    }

    pub fn deletable(&self) -> bool {
        self.answer.deletable
    }

    /// The schema for people and mappings.
    pub fn schema(&self, object_type: &str) -> ObjectTypeSchema {
        let attributes = self
            .answer
            .fields
            .iter()
            .map(|f| AttributeSchema {
                name: f.name.clone(),
                label: if f.label.is_empty() { f.name.clone() } else { f.label.clone() },
                kind: f.kind.clone(),
                required: f.required(),
                writable: f.createable || f.updateable,
                // Salesforce says that user names are not unique, although they are the world over.
                unique: f.unique || f.kind == "id" || (f.id_lookup && f.name == "Username"),
                options: f.options(),
            })
            .collect();
        ObjectTypeSchema { object_type: object_type.to_owned(), attributes }
    }

    /// The fields of a write in the form in which Salesforce takes them, or why it would not.
    pub fn check(&self, writing: Writing, attributes: &Attributes) -> Result<Attributes, Refused> {
        let kind = &self.answer.name;
        let able = match writing {
            Writing::Create => self.answer.createable,
            Writing::Update => self.answer.updateable,
        };
        if !able {
            let verb = if writing == Writing::Create { "created" } else { "changed" };
            return Err(Refused {
                reason: format!("records of type {kind} cannot be {verb} by the user that authorized"),
                attribute: None,
            });
        }
        let mut fields = Attributes::with_capacity(attributes.len());
        for (name, value) in attributes {
            let refused = |what: String| Refused {
                reason: format!("not sent: {kind}.{name} {what}"),
                attribute: Some(name.clone()),
            };
            let Some(field) = self.field(name) else {
                return Err(refused(
                    "does not exist, or the user that authorized may not see it; read the schema again"
                        .to_owned(),
                ));
            };
            let (may, verb) = match writing {
                Writing::Create => (field.createable, "given to new records"),
                Writing::Update => (field.updateable, "changed"),
            };
            if !may {
                return Err(refused(format!(
                    "cannot be {verb}: it is computed, read-only, or the user that authorized may not edit it"
                )));
            }
            let value = converted(field, value).map_err(refused)?;
            if value.is_null() {
                match writing {
                    Writing::Create => continue,
                    Writing::Update if !field.nillable => {
                        return Err(refused("must have a value and cannot be cleared".to_owned()));
                    }
                    Writing::Update => {}
                }
            }
            fields.insert(field.name.clone(), value);
        }
        if writing == Writing::Create {
            let missing: Vec<&str> = self
                .answer
                .fields
                .iter()
                .filter(|f| f.required() && !fields.contains_key(&f.name))
                .map(|f| f.name.as_str())
                .collect();
            if let Some(first) = missing.first() {
                return Err(Refused {
                    reason: format!(
                        "not sent: a new {kind} needs {}; map these attributes, or give them constants",
                        missing.join(", ")
                    ),
                    attribute: Some((*first).to_owned()),
                });
            }
        }
        Ok(fields)
    }
}

/// A value as its field keeps it, where the field takes it: texts without the blanks around them, times to the second, the
/// values of a list in no order, user names without case.
fn kept(field: &Field, value: &Value) -> Option<Value> {
    Some(match (field.kind(), converted(field, value).ok()?) {
        (Kind::DateTime, Value::String(text)) => Value::from(time(text.trim())?.as_second()),
        (Kind::Number, Value::Number(number)) => Value::from(number.as_f64()?),
        (Kind::Several, Value::String(text)) => {
            let values: BTreeSet<&str> = text.split(';').collect();
            values.into_iter().collect()
        }
        (_, Value::String(text)) if field.name == "Username" => Value::String(text.trim().to_lowercase()),
        (_, Value::String(text)) => Value::String(text.trim().to_owned()),
        (_, value) => value,
    })
}

/// Whether a field that nobody has described yet keeps two values as one, by what they look like: a read needs no description,
/// and an extra call in each run only for this would be too much.
pub(crate) fn would_keep_alike(name: &str, a: &Value, b: &Value) -> bool {
    let looks = |kind: &str| Field { name: name.to_owned(), kind: kind.to_owned(), ..Field::default() };
    let alike = |kind: &str| {
        let field = looks(kind);
        kept(&field, a).is_some_and(|one| Some(one) == kept(&field, b))
    };
    if a.is_array() || b.is_array() {
        return alike("multipicklist");
    }
    a.is_string() && b.is_string() && ["string", "datetime", "id"].into_iter().any(alike)
}

/// A value as its field takes it; an empty text is no value.
fn converted(field: &Field, value: &Value) -> Result<Value, String> {
    let value = match value {
        Value::Null => return Ok(Value::Null),
        Value::String(text) if text.is_empty() => return Ok(Value::Null),
        Value::Array(items) if field.kind() == Kind::Several => {
            let texts: Option<Vec<&str>> = items.iter().map(Value::as_str).collect();
            let texts = texts.ok_or("takes texts only")?;
            if texts.is_empty() {
                return Ok(Value::Null);
            }
            Value::String(texts.join(";"))
        }
        Value::Array(_) | Value::Object(_) => {
            return Err("takes one value, not a list or an object".to_owned());
        }
        other => other.clone(),
    };
    match (field.kind(), value) {
        (Kind::Boolean, Value::Bool(flag)) => Ok(Value::Bool(flag)),
        (Kind::Boolean, Value::String(text)) => match text.to_ascii_lowercase().as_str() {
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            _ => Err(format!("is `{}`; it takes true or false", short(&text))),
        },
        (Kind::Boolean, _) => Err("takes true or false".to_owned()),
        (Kind::Number, Value::Number(number)) => Ok(Value::Number(number)),
        (Kind::Number, Value::String(text)) => number(text.trim())
            .map(Value::Number)
            .ok_or_else(|| format!("is `{}`; it takes a number", short(&text))),
        (Kind::Number, _) => Err("takes a number".to_owned()),
        (Kind::Id, Value::String(text)) => match ids::long(text.trim()) {
            Some(id) => Ok(Value::String(id)),
            None => Err(format!("is `{}`; it takes the id of a record (15 or 18 characters)", short(&text))),
        },
        // What it cannot read as a time refuses the whole call over there, with all records in it.
        (Kind::Date, Value::String(text)) => match day(text.trim()) {
            Some(day) => Ok(Value::String(day)),
            None => Err(format!("is `{}`; it takes a date such as 2026-01-31", short(&text))),
        },
        (Kind::DateTime, Value::String(text)) => match (time(text.trim()), day(text.trim())) {
            (Some(_), _) => Ok(Value::String(text.trim().to_owned())),
            (None, Some(day)) if text.trim() == day => Ok(Value::String(format!("{day}T00:00:00Z"))),
            _ => Err(format!("is `{}`; it takes a time such as 2026-01-31T12:00:00Z", short(&text))),
        },
        (_, value) => {
            let text = match value {
                Value::String(text) => text,
                other => other.to_string(),
            };
            let length = text.chars().count();
            if field.length > 0 && length > field.length {
                return Err(format!(
                    "is {length} characters long; it takes at most {}: shorten the value in the mapping",
                    field.length
                ));
            }
            let parts: Vec<&str> = match field.kind() {
                Kind::Several => text.split(';').map(str::trim).collect(),
                _ => vec![&text],
            };
            let mut spelt = Vec::with_capacity(parts.len());
            for part in parts {
                spelt.push(field.spelt(part).ok_or_else(|| {
                    let allowed: Vec<String> = field.options().into_iter().take(12).collect();
                    let more = if field.options().len() > 12 { ", ..." } else { "" };
                    format!(
                        "is `{}`, which is none of its values ({}{more})",
                        short(part),
                        allowed.join(", ")
                    )
                })?);
            }
            Ok(Value::String(spelt.join(";")))
        }
    }
}

/// The day of a date or of a time.
fn day(text: &str) -> Option<String> {
    let (day, rest) = text.split_at_checked("2026-01-31".len())?;
    day.parse::<jiff::civil::Date>().ok()?;
    (rest.is_empty() || time(text).is_some()).then(|| day.to_owned())
}

/// A JSON number from a text.
pub(crate) fn number(text: &str) -> Option<Number> {
    if let Ok(whole) = text.parse::<i64>() {
        return Some(whole.into());
    }
    text.parse::<f64>().ok().and_then(Number::from_f64)
}

fn short(text: &str) -> String {
    let mut words: String = text.chars().filter(|c| !c.is_control()).take(60).collect();
    if text.chars().nth(60).is_some() {
        words.push('…');
    }
    words
}

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::{Value, json};

    use super::{Described, Writing, would_keep_alike};

    pub(crate) fn user() -> Described {
        let text = |name: &str, length: u32, nillable: bool| json!({"name": name, "type": "string", "length": length, "nillable": nillable, "createable": true, "updateable": true, "filterable": true});
        let answer = json!({
            "name": "User", "createable": true, "updateable": true, "deletable": false,
            "fields": [
                {"name": "Id", "type": "id", "length": 18, "nillable": false, "createable": false, "updateable": false},
                text("Username", 80, false), text("LastName", 80, false), text("FirstName", 40, true), text("Alias", 8, false),
                {"name": "Name", "type": "string", "length": 121, "createable": false, "updateable": false},
                {"name": "IsActive", "type": "boolean", "createable": true, "updateable": true},
                {"name": "CommunityNickname", "type": "string", "length": 40, "createable": true, "updateable": true},
                {"name": "EmailEncodingKey", "type": "picklist", "length": 40, "createable": true, "updateable": true, "nillable": true, "restrictedPicklist": true,
                 "picklistValues": [{"value": "UTF-8", "active": true}, {"value": "Old", "active": false}]},
                {"name": "Languages__c", "type": "multipicklist", "length": 400, "createable": true, "updateable": true, "nillable": true, "restrictedPicklist": true,
                 "picklistValues": [{"value": "de"}, {"value": "en"}]},
                {"name": "Age__c", "type": "double", "createable": true, "updateable": true, "nillable": true},
                {"name": "ProfileId", "type": "reference", "length": 18, "createable": true, "updateable": true, "nillable": true},
                {"name": "ContactId", "type": "reference", "length": 18, "createable": true, "updateable": false, "nillable": true},
                {"name": "Start__c", "type": "date", "createable": true, "updateable": true, "nillable": true},
                {"name": "Seen__c", "type": "datetime", "createable": true, "updateable": true, "nillable": true},
                {"name": "CreatedDate", "type": "datetime"},
                {"name": "AboutMe", "type": "textarea", "length": 1000, "createable": true, "updateable": true, "nillable": true, "filterable": false},
                {"name": "Address", "type": "address", "nillable": true}
            ]
        });
        Described::new(serde_json::from_value(answer).unwrap(), None).unwrap()
    }

    fn check(writing: Writing, attributes: Value) -> Result<Value, (String, Option<String>)> {
        user()
            .check(writing, attributes.as_object().unwrap())
            .map(Value::Object)
            .map_err(|refused| (refused.reason, refused.attribute))
    }

    #[test]
    fn values_are_converted_to_what_their_fields_take() {
        for (given, sent) in [
            (json!({"firstname": "Ann"}), json!({"FirstName": "Ann"})),
            (json!({"FirstName": ""}), json!({"FirstName": null})),
            (json!({"FirstName": 7}), json!({"FirstName": "7"})),
            (json!({"IsActive": "false"}), json!({"IsActive": false})),
            (json!({"Age__c": "4.5"}), json!({"Age__c": 4.5})),
            (json!({"Languages__c": ["de", "en"]}), json!({"Languages__c": "de;en"})),
            (json!({"EmailEncodingKey": "utf-8"}), json!({"EmailEncodingKey": "UTF-8"})),
            (json!({"ProfileId": "00530000009hWLc"}), json!({"ProfileId": "00530000009hWLcAAM"})),
            (json!({"Start__c": "2026-01-31"}), json!({"Start__c": "2026-01-31"})),
            (json!({"Start__c": "2026-01-31T12:00:00Z"}), json!({"Start__c": "2026-01-31"})),
            (
                json!({"Seen__c": "2026-01-31T12:00:00.000+0000"}),
                json!({"Seen__c": "2026-01-31T12:00:00.000+0000"}),
            ),
            (json!({"Seen__c": "2026-01-31"}), json!({"Seen__c": "2026-01-31T00:00:00Z"})),
        ] {
            assert_eq!(check(Writing::Update, given.clone()), Ok(sent), "{given}");
        }
    }

    #[test]
    fn what_salesforce_would_refuse_is_not_sent() {
        for (given, attribute, what) in [
            (json!({"Alias": "annexample"}), "Alias", "at most 8"),
            (json!({"EmailEncodingKey": "Old"}), "EmailEncodingKey", "none of its values (UTF-8)"),
            (json!({"Languages__c": "de;fr"}), "Languages__c", "`fr`"),
            (json!({"Name": "Ann"}), "Name", "cannot be changed"),
            (json!({"ContactId": "00530000009hWLc"}), "ContactId", "cannot be changed"),
            (json!({"Nonsense": 1}), "Nonsense", "does not exist"),
            (json!({"LastName": null}), "LastName", "cannot be cleared"),
            (json!({"IsActive": "maybe"}), "IsActive", "true or false"),
            (json!({"Age__c": "old"}), "Age__c", "a number"),
            (json!({"ProfileId": "Standard User"}), "ProfileId", "id of a record"),
            (json!({"FirstName": ["a"]}), "FirstName", "one value"),
            (json!({"Start__c": "31.01.2026"}), "Start__c", "a date such as"),
            (json!({"Start__c": "2026-02-30"}), "Start__c", "a date such as"),
            (json!({"Seen__c": "at noon"}), "Seen__c", "a time such as"),
            (json!({"Seen__c": "2026-01-31 or so"}), "Seen__c", "a time such as"),
        ] {
            let (reason, at) = check(Writing::Update, given.clone()).unwrap_err();
            assert!(reason.contains(what), "{given}: {reason}");
            assert_eq!(at.as_deref(), Some(attribute), "{given}");
        }
    }

    #[test]
    fn a_field_keeps_as_one_what_it_reads_back_the_same() {
        for (field, a, b, alike) in [
            ("Username", json!("Ann@X.org"), json!("ann@x.org"), true),
            ("FirstName", json!("Ann"), json!("ann"), false),
            ("FirstName", json!(" Ann "), json!("Ann"), true),
            ("FirstName", json!("a".repeat(41)), json!("a".repeat(41) + " "), false),
            ("EmailEncodingKey", json!("utf-8"), json!("UTF-8"), true),
            ("Languages__c", json!(["en", "de"]), json!("de;en"), true),
            ("Languages__c", json!("en"), json!("de;en"), false),
            ("ProfileId", json!("00530000009hWLc"), json!("00530000009hWLcAAM"), true),
            ("Start__c", json!("2026-01-31T10:00:00Z"), json!("2026-01-31"), true),
            ("Seen__c", json!("2026-01-02T03:04:05.678Z"), json!("2026-01-02T03:04:05.000+0000"), true),
            ("Seen__c", json!("2026-01-02T03:04:06Z"), json!("2026-01-02T03:04:05.000+0000"), false),
            ("Age__c", json!("3.0"), json!("3"), true),
            ("Nonsense", json!("a"), json!("a "), false),
        ] {
            assert_eq!(user().keeps_alike(field, &a, &b), alike, "{field}: {a} {b}");
            assert_eq!(user().keeps_alike(field, &b, &a), alike, "{field}: {b} {a}");
        }
    }

    #[test]
    fn a_field_that_is_not_described_is_judged_by_what_its_values_look_like() {
        for (field, a, b, alike) in [
            ("Username", json!("Ann@X.org"), json!("ann@x.org"), true),
            ("LastName", json!("L3 "), json!("L3"), true),
            ("LastName", json!("L3"), json!("l3"), false),
            ("LastName", json!(" "), json!(""), false),
            ("Topics__c", json!(["en", "de"]), json!("de;en"), true),
            ("ReportsToId", json!("00530000009hWLc"), json!("00530000009hWLcAAM"), true),
            ("Seen__c", json!("2026-01-02T03:04:05.678Z"), json!("2026-01-02T03:04:05.000+0000"), true),
            ("Seen__c", json!("2026-01-02T03:04:06Z"), json!("2026-01-02T03:04:05.000+0000"), false),
            ("Day__c", json!("2026-01-02"), json!("2026-01-03"), false),
            ("Age__c", json!("3"), json!(4), false),
        ] {
            assert_eq!(would_keep_alike(field, &a, &b), alike, "{field}: {a} {b}");
            assert_eq!(would_keep_alike(field, &b, &a), alike, "{field}: {b} {a}");
        }
    }

    #[test]
    fn new_records_need_what_describe_says_and_no_more() {
        let (reason, attribute) = check(Writing::Create, json!({"LastName": "Kim"})).unwrap_err();
        assert!(reason.contains("needs Username, Alias"), "{reason}");
        assert_eq!(attribute.as_deref(), Some("Username"));
        let sent = check(
            Writing::Create,
            json!({"LastName": "Kim", "Username": "k@x.org", "Alias": "k", "FirstName": null}),
        );
        assert_eq!(sent, Ok(json!({"LastName": "Kim", "Username": "k@x.org", "Alias": "k"})));
    }
}
