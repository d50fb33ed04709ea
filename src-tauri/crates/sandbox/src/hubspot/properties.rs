//! Property definitions: what may be stored under which name, and who may write it.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::catalogue;
use super::state::ObjectKind;
use super::time::iso;

/// Position of a property in its object type's registry.
pub(crate) type PropertyId = u16;

/// Where a property's value comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Derived {
    /// Stored as it was written.
    #[default]
    Stored,
    ObjectId,
    Created,
    Updated,
    FullName,
    EmailDomain,
    MergedIds,
    /// Number of linked records on the other side.
    Links,
    /// The id of the first of them, which for a contact is its primary company.
    FirstLink,
}

/// One choice of an enumeration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Choice {
    pub label: String,
    pub value: String,
    #[serde(default)]
    pub hidden: bool,
}

/// One property definition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Property {
    pub name: String,
    pub label: String,
    pub description: String,
    pub group: String,
    /// bool, date, datetime, enumeration, number, phone_number or string.
    pub kind: String,
    pub field: String,
    pub options: Vec<Choice>,
    pub unique: bool,
    pub calculated: bool,
    pub hubspot_defined: bool,
    pub hidden: bool,
    pub form_field: bool,
    pub read_only: bool,
    pub owner: bool,
    pub derived: Derived,
    pub created: i64,
    pub updated: i64,
    pub archived: Option<i64>,
}

impl Property {
    pub(crate) fn to_json(&self) -> Value {
        let options: Vec<Value> = self
            .options
            .iter()
            .enumerate()
            .map(|(order, choice)| {
                json!({"label": choice.label, "value": choice.value, "description": "",
                       "displayOrder": order, "hidden": choice.hidden})
            })
            .collect();
        let mut out = json!({
            "name": self.name, "label": self.label, "description": self.description, "groupName": self.group,
            "type": self.kind, "fieldType": self.field, "options": options, "displayOrder": -1,
            "calculated": self.calculated, "externalOptions": self.owner,
            "hasUniqueValue": self.unique, "hidden": self.hidden, "hubspotDefined": self.hubspot_defined,
            "formField": self.form_field, "dataSensitivity": "non_sensitive",
            "createdAt": iso(self.created), "updatedAt": iso(self.updated), "archived": self.archived.is_some(),
            "modificationMetadata": {
                "archivable": !self.hubspot_defined, "readOnlyDefinition": self.hubspot_defined,
                "readOnlyOptions": self.hubspot_defined && self.name != "lifecyclestage"
                    && self.name != "hs_lead_status",
                "readOnlyValue": self.read_only},
        });
        if let Value::Object(fields) = &mut out {
            if let Some(at) = self.archived {
                fields.insert("archivedAt".into(), iso(at).into());
            }
            if self.owner {
                fields.insert("referencedObjectType".into(), "OWNER".into());
            }
        }
        out
    }
}

/// Why a value was refused, with the code HubSpot's clients look for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PropertyProblem {
    pub name: String,
    pub code: &'static str,
    pub message: String,
}

impl PropertyProblem {
    pub(crate) fn new(name: &str, code: &'static str, message: String) -> PropertyProblem {
        PropertyProblem { name: name.to_owned(), code, message }
    }

    pub(crate) fn unknown(name: &str) -> PropertyProblem {
        PropertyProblem::new(name, "PROPERTY_DOESNT_EXIST", format!("Property \"{name}\" does not exist"))
    }
}

/// All properties of one object type. Ids are positions and never reused.
#[derive(Clone, Debug)]
pub(crate) struct Registry {
    all: Vec<Property>,
    by_name: HashMap<String, PropertyId>,
    /// Property groups: name, label.
    pub groups: Vec<(String, String)>,
}

impl Registry {
    pub(crate) fn new(kind: ObjectKind, now: i64) -> Registry {
        let mut registry =
            Registry { all: Vec::new(), by_name: HashMap::new(), groups: catalogue::groups(kind) };
        for property in catalogue::properties(kind, now) {
            registry.add(property);
        }
        registry
    }

    /// Adds a definition, or brings an archived one of that name back under the new definition.
    pub(crate) fn add(&mut self, property: Property) -> PropertyId {
        if let Some(id) = self.by_name.get(&property.name) {
            if let Some(slot) = self.all.get_mut(usize::from(*id)) {
                *slot = property;
            }
            return *id;
        }
        let id = PropertyId::try_from(self.all.len()).unwrap_or(PropertyId::MAX);
        self.by_name.insert(property.name.clone(), id);
        self.all.push(property);
        id
    }

    /// A property by name, not an archived one.
    pub(crate) fn find(&self, name: &str) -> Option<(PropertyId, &Property)> {
        self.find_any(name).filter(|(_, property)| property.archived.is_none())
    }

    pub(crate) fn find_any(&self, name: &str) -> Option<(PropertyId, &Property)> {
        let id = *self.by_name.get(name).or_else(|| self.by_name.get(&name.to_ascii_lowercase()))?;
        Some((id, self.get(id)?))
    }

    pub(crate) fn get(&self, id: PropertyId) -> Option<&Property> {
        self.all.get(usize::from(id))
    }

    pub(crate) fn get_mut(&mut self, id: PropertyId) -> Option<&mut Property> {
        self.all.get_mut(usize::from(id))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (PropertyId, &Property)> {
        self.all
            .iter()
            .enumerate()
            .filter_map(|(at, property)| Some((PropertyId::try_from(at).ok()?, property)))
    }

    pub(crate) fn id(&self, name: &str) -> Option<PropertyId> {
        self.by_name.get(name).copied()
    }

    /// Checks one value that an API caller wants to write and gives the form in which it is kept.
    pub(crate) fn check(&self, name: &str, value: &str) -> Result<(PropertyId, String), PropertyProblem> {
        let (id, property) = self.find(name).ok_or_else(|| PropertyProblem::unknown(name))?;
        if property.read_only {
            let message = format!("{name} is a read only property; its value cannot be set.");
            return Err(PropertyProblem::new(name, "READ_ONLY_VALUE", message));
        }
        if value.is_empty() {
            return Ok((id, String::new()));
        }
        let stored = match property.kind.as_str() {
            "enumeration" | "bool" if !property.owner => check_choice(property, value)?,
            "number" => check_number(name, value)?,
            "date" => check_date(name, value)?,
            "datetime" => check_datetime(name, value)?,
            _ if name == "email" => check_email(value)?,
            _ => value.to_owned(),
        };
        Ok((id, stored))
    }
}

fn check_choice(property: &Property, value: &str) -> Result<String, PropertyProblem> {
    let many = property.field == "checkbox";
    let mut chosen = value.trim_start_matches(';').split(';').filter(|part| !part.is_empty());
    let allowed = |part: &str| property.options.iter().any(|choice| choice.value == part);
    let wrong =
        if many { chosen.find(|part| !allowed(part)) } else { Some(value).filter(|value| !allowed(value)) };
    match wrong {
        None => Ok(value.to_owned()),
        Some(wrong) => {
            let values: Vec<_> = property.options.iter().map(|choice| choice.value.as_str()).collect();
            let message = format!("{wrong} was not one of the allowed options: [{}]", values.join(", "));
            Err(PropertyProblem::new(&property.name, "INVALID_OPTION", message))
        }
    }
}

fn check_number(name: &str, value: &str) -> Result<String, PropertyProblem> {
    match value.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(value.to_owned()),
        _ => {
            let message = format!("{value} was not a valid number.");
            Err(PropertyProblem::new(name, "INVALID_FLOAT", message))
        }
    }
}

fn check_date(name: &str, value: &str) -> Result<String, PropertyProblem> {
    if let Ok(date) = value.parse::<jiff::civil::Date>()
        && value.len() == 10
    {
        return Ok(date.to_string());
    }
    if let Ok(ms) = value.parse::<i64>()
        && let Ok(at) = jiff::Timestamp::from_millisecond(ms)
    {
        if ms.rem_euclid(86_400_000) == 0 {
            return Ok(at.to_zoned(jiff::tz::TimeZone::UTC).date().to_string());
        }
        let message = format!("{value} is at a time of day; a date must be midnight UTC.");
        return Err(PropertyProblem::new(name, "INVALID_DATE", message));
    }
    let message =
        format!("{value} was not a valid date; use YYYY-MM-DD or epoch milliseconds at midnight UTC.");
    Err(PropertyProblem::new(name, "INVALID_DATE", message))
}

fn check_datetime(name: &str, value: &str) -> Result<String, PropertyProblem> {
    let ms = value.parse::<i64>().ok().filter(|ms| jiff::Timestamp::from_millisecond(*ms).is_ok());
    match ms.or_else(|| super::time::parse(value)) {
        Some(ms) => Ok(iso(ms)),
        None => {
            let message =
                format!("{value} was not a valid date and time; use ISO 8601 or epoch milliseconds.");
            Err(PropertyProblem::new(name, "INVALID_DATE", message))
        }
    }
}

fn check_email(value: &str) -> Result<String, PropertyProblem> {
    let valid = value.split_once('@').is_some_and(|(local, domain)| {
        !local.is_empty()
            && domain.split('.').count() > 1
            && domain.split('.').all(|label| !label.is_empty())
            && !domain.contains('@')
            && !value.chars().any(|c| c.is_whitespace() || c.is_control() || ",;<>\"".contains(c))
    });
    if valid {
        Ok(value.to_owned())
    } else {
        Err(PropertyProblem::new("email", "INVALID_EMAIL", format!("Email address {value} is invalid")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_checked_as_their_type_asks() {
        let registry = Registry::new(ObjectKind::Contact, 0);
        // property, written, kept or refusal code
        let table: &[(&str, &str, Result<&str, &str>)] = &[
            ("firstname", " Ann ", Ok(" Ann ")),
            ("nosuch", "x", Err("PROPERTY_DOESNT_EXIST")),
            ("createdate", "2020-01-01T00:00:00Z", Err("READ_ONLY_VALUE")),
            ("email", "ann@example.org", Ok("ann@example.org")),
            ("email", "ANN@EXAMPLE.ORG", Ok("ANN@EXAMPLE.ORG")),
            ("email", "ann@example", Err("INVALID_EMAIL")),
            ("email", "ann at example.org", Err("INVALID_EMAIL")),
            ("email", "", Ok("")),
            ("lifecyclestage", "lead", Ok("lead")),
            ("lifecyclestage", "Lead", Err("INVALID_OPTION")),
            ("hs_buying_interests", ";training;hardware", Ok(";training;hardware")),
            ("hs_buying_interests", "training;magic", Err("INVALID_OPTION")),
            ("hs_email_optout", "true", Ok("true")),
            ("hs_email_optout", "yes", Err("INVALID_OPTION")),
            ("annual_spend", "12.5", Ok("12.5")),
            ("annual_spend", "1,200", Err("INVALID_FLOAT")),
            ("date_of_birth_iso", "1990-02-28", Ok("1990-02-28")),
            ("date_of_birth_iso", "1990-02-30", Err("INVALID_DATE")),
            ("date_of_birth_iso", "86400000", Ok("1970-01-02")),
            ("date_of_birth_iso", "86400001", Err("INVALID_DATE")),
            ("last_visit_at", "1000", Ok("1970-01-01T00:00:01.000Z")),
            ("last_visit_at", "2026-01-02T03:04:05+01:00", Ok("2026-01-02T02:04:05.000Z")),
            ("last_visit_at", "tomorrow", Err("INVALID_DATE")),
            ("hubspot_owner_id", "77", Ok("77")),
        ];
        for (name, written, expected) in table {
            let got = registry.check(name, written).map(|(_, kept)| kept).map_err(|problem| problem.code);
            assert_eq!(got, expected.map(str::to_owned), "{name} = {written}");
        }
    }
}
