//! The people who arrive through SCIM, and the mapping that is made for them by itself.
//!
//! Their record, `scim/User`, is the user as SCIM has it, and for each list (e-mail addresses, telephone numbers, postal
//! addresses) the one value that is at home here, under a name of its own.

use model::{ManagedObjectConfig, MappingConfig};
use serde_json::{Value, json};

use crate::{
    ApiError, App,
    arrivals::{self, ACTIVE, Arrivals},
    dto::SchemaInfo,
};

/// Where they come from.
const SOURCE: &str = "scim/User";
/// Where they go.
const TARGET: &str = "managed/user";
/// The name of the mapping that is made by itself.
const NAME: &str = "scimUser_managedUser";

/// An attribute of the record, its title, its kind, and the managed attribute that takes it unless somebody says otherwise.
const ATTRIBUTES: &[(&str, &str, &str, &str)] = &[
    ("userName", "User name", "string", "userName"),
    ("name/givenName", "Given name", "string", "givenName"),
    ("name/familyName", "Family name", "string", "sn"),
    ("displayName", "Display name", "string", "displayName"),
    ("title", "Title", "string", "title"),
    ("profileUrl", "Profile URL", "string", "website"),
    ("preferredLanguage", "Preferred language", "string", "preferredLanguage"),
    ("externalId", "External id", "string", "externalId"),
    ("enterprise/organization", "Organization", "string", "companyName"),
    (ACTIVE, "Active", "boolean", "accountStatus"),
    ("email", "E-mail address (primary, else work, else the first)", "string", "mail"),
    ("phone", "Telephone number (primary, else work, else the first)", "string", "telephoneNumber"),
    ("mobile", "Telephone number of the type mobile", "string", "mobilePhone"),
    ("address/streetAddress", "Street address", "string", "postalAddress"),
    ("address/locality", "City", "string", "city"),
    ("address/region", "State or region", "string", "stateProvince"),
    ("address/postalCode", "Postal code", "string", "postalCode"),
    ("address/country", "Country", "string", "country"),
    ("name/formatted", "Formatted name", "string", ""),
    ("name/middleName", "Middle name", "string", ""),
    ("nickName", "Nickname", "string", ""),
    ("userType", "Kind of user", "string", ""),
    ("locale", "Locale", "string", ""),
    ("timezone", "Time zone", "string", ""),
    ("enterprise/employeeNumber", "Employee number", "string", ""),
    ("enterprise/department", "Department", "string", ""),
    ("enterprise/division", "Division", "string", ""),
    ("enterprise/costCenter", "Cost center", "string", ""),
    ("emails", "All e-mail addresses", "array", ""),
    ("phoneNumbers", "All telephone numbers", "array", ""),
    ("addresses", "All postal addresses", "array", ""),
    ("roles", "Roles", "array", ""),
];

/// The mapping of people that is made by itself for a managed type.
pub fn people_mapping(config: &ManagedObjectConfig) -> Result<MappingConfig, ApiError> {
    let has = |attribute: &str| config.schema.properties.contains_key(attribute);
    let properties: Vec<Value> = ATTRIBUTES
        .iter()
        .filter(|(_, _, _, target)| has(target))
        .map(|(source, _, _, target)| {
            let mut property = json!({"source": source, "target": target, "whenEmpty": "clear"});
            if *source == ACTIVE {
                property["transform"] =
                    json!({"builtIn": "map", "values": {"true": "active", "false": "inactive"}});
            }
            property
        })
        .collect();
    let document = json!({
        "name": NAME,
        "displayName": "People who arrive through SCIM",
        "source": SOURCE,
        "target": TARGET,
        "enableSync": false,
        "runTargetPhase": false,
        "properties": properties,
    });
    Ok(MappingConfig::from_value(document)?)
}

/// The attributes of `scim/User`, for whoever edits the mapping.
pub(crate) fn schema() -> SchemaInfo {
    arrivals::schema(
        "User",
        "userName",
        ATTRIBUTES.iter().map(|(name, label, kind, _)| (*name, *label, *kind)),
    )
}

impl App {
    /// The mapping of people who arrive through SCIM, made now if there is none.
    pub async fn arriving_people(&self) -> Result<Arrivals, ApiError> {
        if let Some(found) = self.arrivals_from("User", Some("user")).await? {
            return Ok(found);
        }
        self.arrivals_made(people_mapping(&self.managed_kind("user").await?)?).await
    }
}
