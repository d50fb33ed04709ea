//! The properties that a new sandbox portal has: names as HubSpot documents them, plus a few custom ones such as
//! a real portal grows.

use super::properties::{Choice, Derived, Property};
use super::state::ObjectKind;

/// Lifecycle stages in their order; a later stage is never left through the API.
pub(crate) const LIFECYCLE: &[(&str, &str)] = &[
    ("subscriber", "Subscriber"),
    ("lead", "Lead"),
    ("marketingqualifiedlead", "Marketing qualified lead"),
    ("salesqualifiedlead", "Sales qualified lead"),
    ("opportunity", "Opportunity"),
    ("customer", "Customer"),
    ("evangelist", "Evangelist"),
    ("other", "Other"),
];

const LEAD_STATUS: &[(&str, &str)] = &[
    ("NEW", "New"),
    ("OPEN", "Open"),
    ("IN_PROGRESS", "In progress"),
    ("OPEN_DEAL", "Open deal"),
    ("UNQUALIFIED", "Unqualified"),
    ("ATTEMPTED_TO_CONTACT", "Attempted to contact"),
    ("CONNECTED", "Connected"),
    ("BAD_TIMING", "Bad timing"),
];
const YES_NO: &[(&str, &str)] = &[("true", "Yes"), ("false", "No")];
const INDUSTRY: &[(&str, &str)] = &[
    ("ACCOUNTING", "Accounting"),
    ("AUTOMOTIVE", "Automotive"),
    ("COMPUTER_SOFTWARE", "Computer software"),
    ("EDUCATION_MANAGEMENT", "Education"),
    ("FOOD_PRODUCTION", "Food production"),
    ("HOSPITAL_HEALTH_CARE", "Health care"),
    ("LOGISTICS_AND_SUPPLY_CHAIN", "Logistics"),
];
const COMPANY_TYPE: &[(&str, &str)] = &[
    ("PROSPECT", "Prospect"),
    ("PARTNER", "Partner"),
    ("RESELLER", "Reseller"),
    ("VENDOR", "Vendor"),
    ("OTHER", "Other"),
];
const INTERESTS: &[(&str, &str)] =
    &[("hardware", "Hardware"), ("software", "Software"), ("training", "Training"), ("support", "Support")];
const LANGUAGES: &[(&str, &str)] = &[
    ("de", "German"),
    ("en", "English"),
    ("es", "Spanish"),
    ("fr", "French"),
    ("ja", "Japanese"),
    ("ru", "Russian"),
];

#[derive(Clone, Copy)]
enum Shape {
    Text,
    LongText,
    Phone,
    Number,
    Date,
    Datetime,
    Bool,
    Choice(&'static [(&'static str, &'static str)]),
    Radio(&'static [(&'static str, &'static str)]),
    Many(&'static [(&'static str, &'static str)]),
    Owner,
}

#[derive(Clone, Copy, PartialEq)]
enum Flag {
    Plain,
    Unique,
    ReadOnly,
    Calculated,
    Hidden,
    Custom,
    CustomUnique,
    From(Derived),
}

use Flag::{Calculated, Custom, CustomUnique, From, Hidden, Plain, ReadOnly, Unique};
use Shape::{Bool, Choice as One, Date, Datetime, LongText, Many, Number, Owner, Phone, Radio, Text};

type Row = (&'static str, &'static str, Shape, Flag);

const CONTACT: &[Row] = &[
    ("firstname", "First name", Text, Plain),
    ("lastname", "Last name", Text, Plain),
    ("email", "Email", Text, Unique),
    ("phone", "Phone number", Phone, Plain),
    ("mobilephone", "Mobile phone number", Phone, Plain),
    ("fax", "Fax number", Text, Plain),
    ("salutation", "Salutation", Text, Plain),
    ("jobtitle", "Job title", Text, Plain),
    ("job_function", "Job function", Text, Plain),
    ("seniority", "Seniority", Text, Plain),
    ("company", "Company name", Text, Plain),
    ("website", "Website URL", Text, Plain),
    ("address", "Street address", Text, Plain),
    ("city", "City", Text, Plain),
    ("zip", "Postal code", Text, Plain),
    ("state", "State or region", Text, Plain),
    ("country", "Country or region", Text, Plain),
    ("message", "Message", LongText, Plain),
    ("industry", "Industry", Text, Plain),
    ("numemployees", "Number of employees", Text, Plain),
    ("date_of_birth", "Date of birth", Text, Plain),
    ("gender", "Gender", Text, Plain),
    ("degree", "Degree", Text, Plain),
    ("field_of_study", "Field of study", Text, Plain),
    ("school", "School", Text, Plain),
    ("twitterhandle", "Twitter username", Text, Plain),
    ("hs_linkedin_url", "LinkedIn URL", Text, Plain),
    ("hs_language", "Preferred language", One(LANGUAGES), Plain),
    ("hs_timezone", "Time zone", Text, Plain),
    ("hs_persona", "Persona", Text, Plain),
    ("lifecyclestage", "Lifecycle stage", Radio(LIFECYCLE), Plain),
    ("hs_lead_status", "Lead status", Radio(LEAD_STATUS), Plain),
    ("hubspot_owner_id", "Contact owner", Owner, Plain),
    ("hs_email_optout", "Unsubscribed from all email", Bool, Plain),
    ("hs_buying_interests", "Buying interests", Many(INTERESTS), Custom),
    ("annual_spend", "Annual spend", Number, Custom),
    ("date_of_birth_iso", "Birthday", Date, Custom),
    ("last_visit_at", "Last visit", Datetime, Custom),
    ("newsletter", "Newsletter", Bool, Custom),
    ("customer_number", "Customer number", Text, CustomUnique),
    ("notes_internal", "Internal notes", LongText, Custom),
    ("hs_additional_emails", "Additional email addresses", Text, ReadOnly),
    ("hs_object_id", "Record ID", Number, From(Derived::ObjectId)),
    ("createdate", "Create date", Datetime, From(Derived::Created)),
    ("lastmodifieddate", "Last modified date", Datetime, From(Derived::Updated)),
    ("hs_lastmodifieddate", "Object last modified date", Datetime, Hidden),
    ("hs_merged_object_ids", "Merged record IDs", Text, From(Derived::MergedIds)),
    ("hs_full_name_or_email", "Full name or email", Text, From(Derived::FullName)),
    ("hs_email_domain", "Email domain", Text, From(Derived::EmailDomain)),
    ("associatedcompanyid", "Primary company's record ID", Number, From(Derived::FirstLink)),
    ("num_associated_companies", "Number of companies", Number, From(Derived::Links)),
    ("hubspotscore", "HubSpot score", Number, Calculated),
    ("hs_analytics_num_page_views", "Number of page views", Number, Calculated),
    ("hs_analytics_source", "Original source", Text, ReadOnly),
    ("notes_last_contacted", "Last contacted", Datetime, ReadOnly),
];

const COMPANY: &[Row] = &[
    ("name", "Company name", Text, Plain),
    ("domain", "Company domain name", Text, Plain),
    ("website", "Website URL", Text, Plain),
    ("phone", "Phone number", Phone, Plain),
    ("address", "Street address", Text, Plain),
    ("address2", "Street address 2", Text, Plain),
    ("city", "City", Text, Plain),
    ("zip", "Postal code", Text, Plain),
    ("state", "State or region", Text, Plain),
    ("country", "Country or region", Text, Plain),
    ("timezone", "Time zone", Text, Plain),
    ("description", "Description", LongText, Plain),
    ("about_us", "About us", LongText, Plain),
    ("industry", "Industry", One(INDUSTRY), Plain),
    ("type", "Type", One(COMPANY_TYPE), Plain),
    ("numberofemployees", "Number of employees", Number, Plain),
    ("annualrevenue", "Annual revenue", Number, Plain),
    ("founded_year", "Year founded", Text, Plain),
    ("is_public", "Is public", Bool, Plain),
    ("linkedin_company_page", "LinkedIn company page", Text, Plain),
    ("twitterhandle", "Twitter handle", Text, Plain),
    ("lifecyclestage", "Lifecycle stage", Radio(LIFECYCLE), Plain),
    ("hs_lead_status", "Lead status", Radio(LEAD_STATUS), Plain),
    ("hubspot_owner_id", "Company owner", Owner, Plain),
    ("external_id", "External ID", Text, CustomUnique),
    ("contract_end", "Contract end", Date, Custom),
    ("hs_object_id", "Record ID", Number, From(Derived::ObjectId)),
    ("createdate", "Create date", Datetime, From(Derived::Created)),
    ("hs_lastmodifieddate", "Last modified date", Datetime, From(Derived::Updated)),
    ("hs_merged_object_ids", "Merged record IDs", Text, From(Derived::MergedIds)),
    ("num_associated_contacts", "Number of contacts", Number, From(Derived::Links)),
    ("hs_analytics_num_page_views", "Number of page views", Number, Calculated),
];

/// Property groups: name, label.
pub(crate) fn groups(kind: ObjectKind) -> Vec<(String, String)> {
    let rows: &[(&str, &str)] = match kind {
        ObjectKind::Contact => &[("contactinformation", "Contact information"), ("custom", "Our own")],
        ObjectKind::Company => &[("companyinformation", "Company information"), ("custom", "Our own")],
    };
    rows.iter().map(|(name, label)| ((*name).to_owned(), (*label).to_owned())).collect()
}

/// The definitions of a new portal.
pub(crate) fn properties(kind: ObjectKind, now: i64) -> Vec<Property> {
    let (rows, group) = match kind {
        ObjectKind::Contact => (CONTACT, "contactinformation"),
        ObjectKind::Company => (COMPANY, "companyinformation"),
    };
    rows.iter().map(|row| property(row, group, now)).collect()
}

fn property(row: &Row, group: &str, now: i64) -> Property {
    let (name, label, shape, flag) = *row;
    let (kind, field, choices): (_, _, &[(&str, &str)]) = match shape {
        Text => ("string", "text", &[]),
        LongText => ("string", "textarea", &[]),
        // HubSpot's own phone properties are strings; only the field tells them apart.
        Phone => ("string", "phonenumber", &[]),
        Number => ("number", "number", &[]),
        Date => ("date", "date", &[]),
        Datetime => ("datetime", "date", &[]),
        Bool => ("bool", "booleancheckbox", YES_NO),
        One(choices) => ("enumeration", "select", choices),
        Radio(choices) => ("enumeration", "radio", choices),
        Many(choices) => ("enumeration", "checkbox", choices),
        Owner => ("enumeration", "select", &[]),
    };
    let custom = matches!(flag, Custom | CustomUnique);
    let derived = if let From(derived) = flag { derived } else { Derived::Stored };
    let calculated = flag == Calculated
        || matches!(
            derived,
            Derived::FullName
                | Derived::EmailDomain
                | Derived::Links
                | Derived::FirstLink
                | Derived::MergedIds
        );
    let read_only = calculated || derived != Derived::Stored || matches!(flag, ReadOnly | Hidden);
    Property {
        name: name.to_owned(),
        label: label.to_owned(),
        description: String::new(),
        group: if custom { "custom".to_owned() } else { group.to_owned() },
        kind: kind.to_owned(),
        field: if calculated { "calculation_equation".to_owned() } else { field.to_owned() },
        options: choices
            .iter()
            .map(|(value, label)| Choice {
                label: (*label).to_owned(),
                value: (*value).to_owned(),
                hidden: false,
            })
            .collect(),
        unique: matches!(flag, Unique | CustomUnique),
        calculated,
        hubspot_defined: !custom,
        hidden: flag == Hidden,
        form_field: !read_only,
        read_only,
        owner: matches!(shape, Owner),
        derived,
        created: now,
        updated: now,
        archived: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_portal_is_realistic() {
        assert!(properties(ObjectKind::Contact, 0).len() >= 45);
        assert!(properties(ObjectKind::Company, 0).len() >= 25);
        for kind in [ObjectKind::Contact, ObjectKind::Company] {
            let mut names: Vec<_> = properties(kind, 0).into_iter().map(|property| property.name).collect();
            names.sort();
            let before = names.len();
            names.dedup();
            assert_eq!(names.len(), before);
        }
    }
}
