//! The attributes of an object type: HubSpot's own list, or a built-in one where the configuration says `readSchema:
//! false` because the token may not read schemas.

use serde::Deserialize;

use super::{Hubspot, ObjectType};
use crate::error::ConnectorError;
use crate::port::{AttributeSchema, ObjectTypeSchema};

#[derive(Deserialize)]
struct Properties {
    results: Vec<Property>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Property {
    name: String,
    #[serde(default)]
    label: String,
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    archived: bool,
    #[serde(default)]
    has_unique_value: bool,
    #[serde(default)]
    options: Vec<PropertyOption>,
    /// Missing on custom properties of some versions, which are writable.
    #[serde(default)]
    modification_metadata: Option<ModificationMetadata>,
}

#[derive(Deserialize)]
struct PropertyOption {
    value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ModificationMetadata {
    #[serde(default)]
    read_only_value: bool,
}

/// Name, label, type, writable.
type Builtin = (&'static str, &'static str, &'static str, bool);

const COMMON: &[Builtin] = &[
    ("hs_object_id", "Record ID", "number", false),
    ("createdate", "Create date", "datetime", false),
    ("hubspot_owner_id", "Owner", "enumeration", true),
    ("lifecyclestage", "Lifecycle stage", "enumeration", true),
    ("address", "Street address", "string", true),
    ("city", "City", "string", true),
    ("state", "State or region", "string", true),
    ("zip", "Postal code", "string", true),
    ("country", "Country or region", "string", true),
    ("phone", "Phone number", "string", true),
    ("website", "Website", "string", true),
];

const CONTACT: &[Builtin] = &[
    ("email", "Email", "string", true),
    ("firstname", "First name", "string", true),
    ("lastname", "Last name", "string", true),
    ("salutation", "Salutation", "string", true),
    ("jobtitle", "Job title", "string", true),
    ("company", "Company name", "string", true),
    ("mobilephone", "Mobile phone number", "string", true),
    ("fax", "Fax number", "string", true),
    ("hs_language", "Preferred language", "enumeration", true),
    ("hs_lead_status", "Lead status", "enumeration", true),
    ("lastmodifieddate", "Last modified", "datetime", false),
    ("hs_additional_emails", "Additional emails", "enumeration", false),
];

const COMPANY: &[Builtin] = &[
    ("name", "Name", "string", true),
    ("domain", "Domain name", "string", true),
    ("description", "Description", "string", true),
    ("industry", "Industry", "enumeration", true),
    ("type", "Type", "enumeration", true),
    ("address2", "Street address, second line", "string", true),
    ("numberofemployees", "Number of employees", "number", true),
    ("annualrevenue", "Annual revenue", "number", true),
    ("founded_year", "Year founded", "string", true),
    ("timezone", "Time zone", "string", true),
    ("hs_lastmodifieddate", "Last modified", "datetime", false),
];

const LIFECYCLE_STAGES: &[&str] = &[
    "subscriber",
    "lead",
    "marketingqualifiedlead",
    "salesqualifiedlead",
    "opportunity",
    "customer",
    "evangelist",
    "other",
];

impl Hubspot {
    pub(super) async fn object_type_schema(
        &self,
        object_type: ObjectType,
    ) -> Result<ObjectTypeSchema, ConnectorError> {
        if !self.read_schema {
            return Ok(builtin(object_type));
        }
        let call = self.get(self.paths.properties(object_type.plural(), ""));
        let answer: Properties = self.http.send(&call, |a| a.json()).await?;
        let attributes: Vec<AttributeSchema> = answer
            .results
            .into_iter()
            .filter(|p| !p.archived)
            .map(|p| AttributeSchema {
                unique: p.has_unique_value || object_type.natural_key() == Some(p.name.as_str()),
                writable: !p.modification_metadata.is_some_and(|m| m.read_only_value),
                label: if p.label.is_empty() { p.name.clone() } else { p.label },
                kind: p.kind,
                required: false,
                options: p.options.into_iter().map(|o| o.value).collect(),
                name: p.name,
            })
            .chain([links(object_type)])
            .collect();
        let read_only = attributes.iter().filter(|a| !a.writable).map(|a| a.name.clone());
        self.read_only.told(object_type, read_only);
        Ok(ObjectTypeSchema { object_type: object_type.name().to_owned(), attributes })
    }
}

/// The ids of the linked records, which HubSpot does not keep as a property.
fn links(object_type: ObjectType) -> AttributeSchema {
    AttributeSchema {
        name: object_type.links().to_owned(),
        label: match object_type {
            ObjectType::Contact => "Record IDs of the associated companies",
            ObjectType::Company => "Record IDs of the associated contacts",
        }
        .to_owned(),
        kind: "array".to_owned(),
        ..AttributeSchema::default()
    }
}

fn builtin(object_type: ObjectType) -> ObjectTypeSchema {
    let own = match object_type {
        ObjectType::Contact => CONTACT,
        ObjectType::Company => COMPANY,
    };
    let attributes = own
        .iter()
        .chain(COMMON)
        .map(|(name, label, kind, writable)| AttributeSchema {
            name: (*name).to_owned(),
            label: (*label).to_owned(),
            kind: (*kind).to_owned(),
            required: false,
            writable: *writable,
            unique: object_type.natural_key() == Some(name),
            options: if *name == "lifecyclestage" {
                LIFECYCLE_STAGES.iter().map(|s| (*s).to_owned()).collect()
            } else {
                Vec::new()
            },
        })
        .chain([links(object_type)])
        .collect();
    ObjectTypeSchema { object_type: object_type.name().to_owned(), attributes }
}
