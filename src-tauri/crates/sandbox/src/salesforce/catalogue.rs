//! The object types of the org and their fields.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::field::{
    DELETED, Field, ID, SYSTEM, address, area, currency, date, datetime, double, email, external, flag, int,
    phone, picklist, reference, text, url,
};
use super::picklists::*;

/// Position of a field in its object type.
pub(crate) type FieldId = u8;

/// What may be done with the records of an object type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Allows {
    create: bool,
    update: bool,
    delete: bool,
}

const ALL: Allows = Allows { create: true, update: true, delete: true };
const READ: Allows = Allows { create: false, update: false, delete: false };

/// One object type.
#[derive(Debug)]
pub(crate) struct ObjectType {
    /// Position among all object types.
    pub index: usize,
    pub name: &'static str,
    pub label: &'static str,
    pub plural: &'static str,
    /// The first three characters of its ids.
    pub prefix: &'static str,
    pub createable: bool,
    pub updateable: bool,
    pub deletable: bool,
    /// Belongs to Setup: its records are not written in one call with ordinary ones.
    pub setup: bool,
    pub fields: Vec<Field>,
    by_name: HashMap<String, FieldId>,
}

impl ObjectType {
    /// A field by its name, whatever its case.
    pub(crate) fn field(&self, name: &str) -> Option<(FieldId, &Field)> {
        let id = match self.by_name.get(name) {
            Some(id) => *id,
            None => *self.by_name.get(&name.to_ascii_lowercase())?,
        };
        Some((id, self.at(id)?))
    }

    pub(crate) fn at(&self, id: FieldId) -> Option<&Field> {
        self.fields.get(usize::from(id))
    }

    pub(crate) fn id_of(&self, name: &str) -> Option<FieldId> {
        self.field(name).map(|(id, _)| id)
    }

    /// Every field with its position.
    pub(crate) fn all(&self) -> impl Iterator<Item = (FieldId, &Field)> {
        (0..=FieldId::MAX).zip(&self.fields)
    }

    /// The reference field behind a relationship such as `Profile` of `Profile.Name`.
    pub(crate) fn relation(&self, name: &str) -> Option<(FieldId, &Field)> {
        self.all().find(|(_, field)| {
            !field.relationship.is_empty() && field.relationship.eq_ignore_ascii_case(name)
        })
    }

    /// Whether deleted records go to the recycle bin, where `queryAll` still sees them.
    pub(crate) fn has_bin(&self) -> bool {
        self.by_name.contains_key("isdeleted")
    }
}

/// Every object type of the org.
pub(crate) fn objects() -> &'static [ObjectType] {
    &OBJECTS
}

/// An object type by its name, whatever its case.
pub(crate) fn find(name: &str) -> Option<&'static ObjectType> {
    OBJECTS.iter().find(|object| object.name.eq_ignore_ascii_case(name))
}

/// The object type whose ids begin with `prefix`.
pub(crate) fn by_prefix(prefix: &str) -> Option<&'static ObjectType> {
    OBJECTS.iter().find(|object| object.prefix == prefix)
}

static OBJECTS: LazyLock<Vec<ObjectType>> = LazyLock::new(|| {
    let plain = [
        ("Account", "Account", "Accounts", "001", ALL, ACCOUNT),
        ("Contact", "Contact", "Contacts", "003", ALL, CONTACT),
        ("Lead", "Lead", "Leads", "00Q", ALL, LEAD),
    ];
    let setup = [
        ("User", "User", "Users", "005", Allows { delete: false, ..ALL }, USER),
        ("UserLogin", "User Login", "User Logins", "0Yw", Allows { update: true, ..READ }, USER_LOGIN),
        ("UserRole", "Role", "Roles", "00E", ALL, USER_ROLE),
        ("UserLicense", "User License", "User Licenses", "100", READ, USER_LICENSE),
        ("Profile", "Profile", "Profiles", "00e", READ, PROFILE),
        ("Group", "Group", "Groups", "00G", ALL, GROUP),
        (
            "GroupMember",
            "Group Member",
            "Group Members",
            "011",
            Allows { update: false, ..ALL },
            GROUP_MEMBER,
        ),
        ("PermissionSet", "Permission Set", "Permission Sets", "0PS", ALL, PERMISSION_SET),
        (
            "PermissionSetAssignment",
            "Permission Set Assignment",
            "Permission Set Assignments",
            "0Pa",
            Allows { update: false, ..ALL },
            PERMISSION_SET_ASSIGNMENT,
        ),
        ("Organization", "Organization", "Organizations", "00D", READ, ORGANIZATION),
    ];
    let rows = plain.into_iter().map(|row| (row, false)).chain(setup.into_iter().map(|row| (row, true)));
    rows.enumerate()
        .map(|(index, ((name, label, plural, prefix, allows, own), setup))| {
            let mut fields = vec![ID];
            if !setup {
                fields.push(DELETED);
            }
            fields.extend_from_slice(own);
            fields.extend(SYSTEM);
            let by_name = (0..)
                .zip(&fields)
                .flat_map(|(id, field)| [(field.name.to_owned(), id), (field.name.to_ascii_lowercase(), id)])
                .collect();
            ObjectType {
                index,
                name,
                label,
                plural,
                prefix,
                createable: allows.create,
                updateable: allows.update,
                deletable: allows.delete,
                setup,
                fields,
                by_name,
            }
        })
        .collect()
});

const NAME_LENGTH: u32 = 121;

const fn full_name() -> Field {
    text("Name", "Full Name", NAME_LENGTH).required().names().from(super::field::Origin::FullName)
}

const USER: &[Field] = &[
    text("Username", "Username", 80).required().id_lookup().one_of_a_kind(),
    text("LastName", "Last Name", 80).required(),
    text("FirstName", "First Name", 40),
    text("MiddleName", "Middle Name", 40),
    text("Suffix", "Suffix", 40),
    full_name(),
    text("CompanyName", "Company Name", 80),
    text("Division", "Division", 80),
    text("Department", "Department", 80),
    text("Title", "Title", 80),
    area("Street", "Street", 255),
    text("City", "City", 40),
    text("State", "State/Province", 80),
    text("PostalCode", "Zip/Postal Code", 20),
    text("Country", "Country", 80),
    double("Latitude", "Latitude"),
    double("Longitude", "Longitude"),
    address("Address", "Address", ""),
    email("Email", "Email").required().id_lookup(),
    flag("EmailPreferencesAutoBcc", "AutoBcc").default("true"),
    flag("EmailPreferencesAutoBccStayInTouch", "AutoBccStayInTouch"),
    flag("EmailPreferencesStayInTouchReminder", "StayInTouchReminder").default("true"),
    email("SenderEmail", "Email Sender Address"),
    text("SenderName", "Email Sender Name", 80),
    area("Signature", "Email Signature", 1333),
    phone("Phone", "Phone"),
    text("Extension", "Extension", 40),
    phone("Fax", "Fax"),
    phone("MobilePhone", "Mobile"),
    text("Alias", "Alias", 8).required(),
    text("CommunityNickname", "Nickname", 40).required().filled().one_of_a_kind(),
    flag("IsActive", "Active").default("true"),
    picklist("TimeZoneSidKey", "Time Zone", 40, TIME_ZONES).required().restricted(),
    reference("UserRoleId", "Role ID", &["UserRole"], "UserRole"),
    picklist("LocaleSidKey", "Locale", 40, LOCALES).required().restricted(),
    flag("ReceivesInfoEmails", "Info Emails"),
    flag("ReceivesAdminInfoEmails", "Admin Info Emails"),
    picklist("EmailEncodingKey", "Email Encoding", 40, ENCODINGS).required().restricted(),
    reference("ProfileId", "Profile ID", &["Profile"], "Profile").required(),
    picklist("UserType", "User Type", 40, USER_TYPES).required().filled().restricted().read_only(),
    picklist("LanguageLocaleKey", "Language", 40, LANGUAGES).required().restricted(),
    text("EmployeeNumber", "Employee Number", 20),
    reference("DelegatedApproverId", "Delegated Approver ID", &["Group", "User"], ""),
    reference("ManagerId", "Manager ID", &["User"], "Manager"),
    datetime("LastLoginDate", "Last Login").read_only(),
    datetime("LastPasswordChangeDate", "Last Password Change or Reset").read_only(),
    flag("UserPermissionsMarketingUser", "Marketing User"),
    flag("UserPermissionsOfflineUser", "Offline User"),
    flag("UserPermissionsKnowledgeUser", "Knowledge User"),
    flag("UserPermissionsInteractionUser", "Flow User"),
    flag("UserPermissionsSupportUser", "Service Cloud User"),
    flag("UserPreferencesActivityRemindersPopup", "ActivityRemindersPopup").default("true"),
    flag("UserPreferencesEventRemindersCheckboxDefault", "EventRemindersCheckboxDefault").default("true"),
    flag("UserPreferencesTaskRemindersCheckboxDefault", "TaskRemindersCheckboxDefault").default("true"),
    flag("UserPreferencesLightningExperiencePreferred", "LightningExperiencePreferred").default("true"),
    flag("ForecastEnabled", "Allow Forecasting"),
    reference("ContactId", "Contact ID", &["Contact"], "Contact").create_only(),
    reference("AccountId", "Account ID", &["Account"], "Account").read_only(),
    text("FederationIdentifier", "SAML Federation ID", 512).one_of_a_kind(),
    area("AboutMe", "About Me", 1000),
    url("FullPhotoUrl", "Url for full-sized Photo", 1024).read_only(),
    url("SmallPhotoUrl", "Photo", 1024).read_only(),
    external("External_Id__c", "External ID", true),
];

const CONTACT: &[Field] = &[
    reference("AccountId", "Account ID", &["Account"], "Account"),
    text("LastName", "Last Name", 80).required(),
    text("FirstName", "First Name", 40),
    picklist("Salutation", "Salutation", 40, SALUTATIONS),
    full_name(),
    area("OtherStreet", "Other Street", 255),
    text("OtherCity", "Other City", 40),
    text("OtherState", "Other State/Province", 80),
    text("OtherPostalCode", "Other Zip/Postal Code", 20),
    text("OtherCountry", "Other Country", 80),
    address("OtherAddress", "Other Address", "Other"),
    area("MailingStreet", "Mailing Street", 255),
    text("MailingCity", "Mailing City", 40),
    text("MailingState", "Mailing State/Province", 80),
    text("MailingPostalCode", "Mailing Zip/Postal Code", 20),
    text("MailingCountry", "Mailing Country", 80),
    address("MailingAddress", "Mailing Address", "Mailing"),
    phone("Phone", "Business Phone"),
    phone("Fax", "Business Fax"),
    phone("MobilePhone", "Mobile Phone"),
    phone("HomePhone", "Home Phone"),
    phone("OtherPhone", "Other Phone"),
    phone("AssistantPhone", "Asst. Phone"),
    reference("ReportsToId", "Reports To ID", &["Contact"], "ReportsTo"),
    email("Email", "Email").id_lookup(),
    text("Title", "Title", 128),
    text("Department", "Department", 80),
    text("AssistantName", "Assistant's Name", 40),
    picklist("LeadSource", "Lead Source", 255, LEAD_SOURCES),
    date("Birthdate", "Birthdate"),
    area("Description", "Contact Description", 32_000),
    reference("OwnerId", "Owner ID", &["User"], "Owner").required().filled(),
    flag("HasOptedOutOfEmail", "Email Opt Out"),
    flag("DoNotCall", "Do Not Call"),
    flag("IsEmailBounced", "Is Email Bounced").read_only(),
    external("External_Id__c", "External ID", true),
    external("Legacy_Id__c", "Legacy ID", false),
];

const LEAD: &[Field] = &[
    text("LastName", "Last Name", 80).required(),
    text("FirstName", "First Name", 40),
    picklist("Salutation", "Salutation", 40, SALUTATIONS),
    full_name(),
    text("Title", "Title", 128),
    text("Company", "Company", 255).required(),
    area("Street", "Street", 255),
    text("City", "City", 40),
    text("State", "State/Province", 80),
    text("PostalCode", "Zip/Postal Code", 20),
    text("Country", "Country", 80),
    address("Address", "Address", ""),
    phone("Phone", "Phone"),
    phone("MobilePhone", "Mobile Phone"),
    phone("Fax", "Fax"),
    email("Email", "Email").id_lookup(),
    url("Website", "Website", 255),
    area("Description", "Description", 32_000),
    picklist("LeadSource", "Lead Source", 255, LEAD_SOURCES),
    picklist("Status", "Status", 255, LEAD_STATUSES).required().default("Open - Not Contacted"),
    picklist("Industry", "Industry", 255, INDUSTRIES),
    picklist("Rating", "Rating", 255, RATINGS),
    currency("AnnualRevenue", "Annual Revenue"),
    int("NumberOfEmployees", "Employees"),
    reference("OwnerId", "Owner ID", &["Group", "User"], "Owner").required().filled(),
    flag("HasOptedOutOfEmail", "Email Opt Out"),
    flag("DoNotCall", "Do Not Call"),
    flag("IsConverted", "Converted").create_only(),
    date("ConvertedDate", "Converted Date").read_only(),
    reference("ConvertedAccountId", "Converted Account ID", &["Account"], "ConvertedAccount").read_only(),
    reference("ConvertedContactId", "Converted Contact ID", &["Contact"], "ConvertedContact").read_only(),
    flag("IsUnreadByOwner", "Unread By Owner"),
    external("External_Id__c", "External ID", true),
];

const ACCOUNT: &[Field] = &[
    text("Name", "Account Name", 255).required().names(),
    picklist("Type", "Account Type", 255, ACCOUNT_TYPES),
    reference("ParentId", "Parent Account ID", &["Account"], "Parent"),
    area("BillingStreet", "Billing Street", 255),
    text("BillingCity", "Billing City", 40),
    text("BillingState", "Billing State/Province", 80),
    text("BillingPostalCode", "Billing Zip/Postal Code", 20),
    text("BillingCountry", "Billing Country", 80),
    address("BillingAddress", "Billing Address", "Billing"),
    area("ShippingStreet", "Shipping Street", 255),
    text("ShippingCity", "Shipping City", 40),
    text("ShippingState", "Shipping State/Province", 80),
    text("ShippingPostalCode", "Shipping Zip/Postal Code", 20),
    text("ShippingCountry", "Shipping Country", 80),
    address("ShippingAddress", "Shipping Address", "Shipping"),
    phone("Phone", "Account Phone"),
    phone("Fax", "Account Fax"),
    text("AccountNumber", "Account Number", 40),
    url("Website", "Website", 255),
    picklist("Industry", "Industry", 255, INDUSTRIES),
    currency("AnnualRevenue", "Annual Revenue"),
    int("NumberOfEmployees", "Employees"),
    area("Description", "Account Description", 32_000),
    picklist("Rating", "Account Rating", 255, RATINGS),
    reference("OwnerId", "Owner ID", &["User"], "Owner").required().filled(),
    external("External_Id__c", "External ID", true),
];

const USER_LOGIN: &[Field] = &[
    reference("UserId", "User ID", &["User"], "User").required().read_only(),
    flag("IsFrozen", "Frozen").update_only(),
    flag("IsPasswordLocked", "Password Locked").update_only(),
];

const USER_ROLE: &[Field] = &[
    text("Name", "Name", 80).required().names(),
    reference("ParentRoleId", "Parent Role ID", &["UserRole"], "ParentRole"),
    text("DeveloperName", "Developer Name", 80).required().filled(),
    text("RollupDescription", "Description", 80),
];

const USER_LICENSE: &[Field] = &[
    text("Name", "Name", 40).required().names(),
    text("LicenseDefinitionKey", "License Definition Key", 40).required(),
    int("TotalLicenses", "Total Licenses").required(),
    int("UsedLicenses", "Used Licenses").required(),
    picklist("Status", "Status", 40, &["Active", "Disabled"]).required().restricted(),
];

const PROFILE: &[Field] = &[
    text("Name", "Name", 255).required().names(),
    reference("UserLicenseId", "User License ID", &["UserLicense"], "UserLicense").required(),
    picklist("UserType", "User Type", 40, USER_TYPES).restricted(),
    text("Description", "Description", 255),
    flag("PermissionsApiEnabled", "API Enabled"),
    flag("PermissionsManageUsers", "Manage Internal Users"),
];

const GROUP: &[Field] = &[
    text("Name", "Name", 40).required().names(),
    text("DeveloperName", "Developer Name", 80).filled(),
    reference("RelatedId", "Related ID", &["User", "UserRole"], "").read_only(),
    picklist("Type", "Type", 40, GROUP_TYPES).required().default("Regular").restricted().create_only(),
    email("Email", "Email"),
    reference("OwnerId", "Owner ID", &["Organization", "User"], "").required().filled().read_only(),
    flag("DoesSendEmailToMembers", "Send Email to Members"),
    flag("DoesIncludeBosses", "Include Bosses").default("true"),
];

const GROUP_MEMBER: &[Field] = &[
    reference("GroupId", "Group ID", &["Group"], "Group").required().create_only(),
    reference("UserOrGroupId", "User/Group ID", &["User", "Group"], "UserOrGroup").required().create_only(),
];

const PERMISSION_SET: &[Field] = &[
    text("Name", "Permission Set Name", 80).required().one_of_a_kind().names(),
    text("Label", "Permission Set Label", 80).required(),
    reference("LicenseId", "License ID", &["UserLicense"], "").create_only(),
    reference("ProfileId", "Profile ID", &["Profile"], "Profile").read_only(),
    flag("IsOwnedByProfile", "Is Owned By Profile").read_only(),
    flag("IsCustom", "Is Custom").default("true").read_only(),
    flag("PermissionsApiEnabled", "API Enabled"),
    area("Description", "Description", 255),
];

const PERMISSION_SET_ASSIGNMENT: &[Field] = &[
    reference("PermissionSetId", "Permission Set ID", &["PermissionSet"], "PermissionSet")
        .required()
        .create_only(),
    reference("AssigneeId", "Assignee ID", &["User"], "Assignee").required().create_only(),
    datetime("ExpirationDate", "Expires On"),
    flag("IsActive", "Is Active").default("true").read_only(),
];

const ORGANIZATION: &[Field] = &[
    text("Name", "Name", 80).required().names(),
    text("Division", "Division", 80),
    text("Country", "Country", 80),
    picklist(
        "OrganizationType",
        "Edition",
        40,
        &["Developer Edition", "Enterprise Edition", "Unlimited Edition"],
    )
    .restricted(),
    flag("IsSandbox", "Is Sandbox"),
    text("InstanceName", "Instance Name", 5),
    text("NamespacePrefix", "Namespace Prefix", 15),
    picklist("LanguageLocaleKey", "Language", 40, LANGUAGES).required().restricted(),
    picklist("TimeZoneSidKey", "Time Zone", 40, TIME_ZONES).required().restricted(),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_new_user_needs() {
        let user = find("user").unwrap();
        let needed: Vec<_> =
            user.fields.iter().filter(|field| field.needed()).map(|field| field.name).collect();
        assert_eq!(
            needed,
            [
                "Username",
                "LastName",
                "Email",
                "Alias",
                "TimeZoneSidKey",
                "LocaleSidKey",
                "EmailEncodingKey",
                "ProfileId",
                "LanguageLocaleKey"
            ]
        );
    }

    #[test]
    fn the_catalogue_is_sound() {
        for object in objects() {
            assert!(object.fields.len() <= usize::from(FieldId::MAX));
            assert_eq!(object.prefix.len(), 3);
            assert_eq!(by_prefix(object.prefix).map(|same| same.index), Some(object.index));
            for field in &object.fields {
                for target in field.refers {
                    assert!(find(target).is_some(), "{}.{} -> {target}", object.name, field.name);
                }
                assert!(!field.kind.is_text() || field.length > 0, "{}.{}", object.name, field.name);
                if field.restricted && !field.default.is_empty() {
                    assert!(field.picklist.iter().any(|value| value.starts_with(field.default)));
                }
            }
        }
        assert!(find("Contact").unwrap().has_bin());
        assert!(!find("User").unwrap().has_bin());
    }
}
