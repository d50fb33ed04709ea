//! Seeded people and accounts: fictional, decided by the seed alone, and as untidy as a real org.

use crate::dice::Dice;

use super::catalogue::{ObjectType, find};
use super::id::id18;
use super::tables::Tables;

const FIRST: &[&str] = &[
    "Amara", "Bela", "Carmen", "Dmitri", "Elena", "Farid", "Greta", "Hugo", "Ines", "Jonas", "Kamala",
    "Leif", "Marta", "Nils", "Olga", "Pablo", "Quinn", "Renata", "Samir", "Tilda", "Umar", "Viola", "Wim",
    "Xenia", "Yusuf", "Zora",
];
const LAST: &[&str] = &[
    "Albrecht",
    "Bianchi",
    "Carvalho",
    "Dvorak",
    "Ekström",
    "Ferrari",
    "Gupta",
    "Horvath",
    "Ivanova",
    "Jimenez",
    "Keller",
    "Larsen",
    "Mendes",
    "Nguyen",
    "Olsen",
    "Popescu",
    "Quiroga",
    "Romano",
    "Silva",
    "Tamm",
    "Urban",
    "Virtanen",
    "Wagner",
    "Xu",
    "Young",
    "Zielinski",
];
/// Names that break what only ever saw plain ones.
const UNUSUAL: &[(&str, &str)] = &[
    ("Наталья", "Орлова"),
    ("さくら", "田中"),
    ("伟", "李"),
    ("ليلى", "منصور"),
    ("Chloë", "Van den Berg"),
    ("Seán", "O'Connor"),
    ("M'Bala", "N'Guessan"),
    ("Wiesława", "Gżegżółka"),
    ("Pat 🚀", "Rocket"),
    ("<b>Eve</b>", "Bracket"),
    ("<script>alert(1)</script>", "Script"),
    ("Bobby\\", "Backslash\\'"),
    ("NULL", "None"),
    ("=SUM(A1)", "\"Quoted\", Comma"),
    ("José María", "de la Fuente y Peña"),
    ("\u{202e}txet", "Backwards"),
];
const TITLES: &[&str] = &[
    "Account Executive",
    "Support Engineer",
    "Director, Sales",
    "Analyst",
    "VP R&D",
    "Recruiter",
    "Controller",
];
const DEPARTMENTS: &[&str] = &["Sales", "Service", "Marketing", "Finance", "IT", "People & Culture"];
const CITIES: &[(&str, &str, &str)] = &[
    ("Springfield", "Illinois", "United States"),
    ("Musterstadt", "Bavaria", "Germany"),
    ("Villeneuve", "Occitania", "France"),
    ("Sampleton", "Kent", "United Kingdom"),
    ("Ejemplo", "Murcia", "Spain"),
];
const DOMAINS: &[&str] = &["example.com", "example.org", "example.net"];
const FIRMS: &[&str] = &[
    "Northwind",
    "Hooli",
    "Stark Bakery",
    "Wayne & Sons",
    "Sakura 商事",
    "Blå Fjord",
    "O'Hara Cargo",
    "<u>Under</u>line",
];
const FORMS: &[&str] = &["Ltd", "GmbH", "Inc.", "SARL", "AB"];
const ZONES: &[(&str, &str, &str)] = &[
    ("America/Los_Angeles", "en_US", "en_US"),
    ("America/New_York", "en_US", "en_US"),
    ("Europe/Berlin", "de_DE_EURO", "de"),
    ("Europe/Paris", "fr_FR_EURO", "fr"),
    ("Europe/London", "en_GB", "en_US"),
    ("Asia/Tokyo", "ja_JP", "ja"),
];
/// Name, license, user type, may use the API, may manage users.
const PROFILES: &[(&str, usize, &str, bool, bool)] = &[
    ("System Administrator", 0, "Standard", true, true),
    ("Standard User", 0, "Standard", true, false),
    ("Read Only", 0, "Standard", true, false),
    ("Standard Platform User", 1, "Standard", true, false),
    ("Chatter Free User", 2, "CsnOnly", false, false),
    ("Identity User", 3, "Standard", false, false),
];
const LICENSES: &[(&str, &str)] = &[
    ("Salesforce", "SFDC"),
    ("Salesforce Platform", "AUL"),
    ("Chatter Free", "CSN_User"),
    ("Identity", "IDENTITY"),
];
const PERMISSION_SETS: &[(&str, &str)] = &[
    ("Sales_Console", "Sales Console"),
    ("Report_Builder", "Report Builder"),
    ("Api_Access", "API Access"),
    ("Knowledge_Author", "Knowledge Author"),
];
const GROUPS: &[(&str, &str)] =
    &[("All_Sales", "All Sales"), ("Emea_Support", "EMEA Support"), ("Newcomers", "Newcomers")];

/// 2025-01-01: seeded records were created from here on, all within that year.
const EPOCH: i64 = 1_735_689_600_000;
const YEAR: i64 = 364 * 86_400_000;

/// Fills an empty org.
pub(crate) fn fill(tables: &mut Tables, users: usize, seed: u64, licenses: u32) {
    let mut sower = Sower { tables, dice: Dice::new(seed), profiles: Vec::new(), licenses };
    sower.set_up();
    sower.people(users);
    sower.customers(users);
    sower.memberships();
}

struct Sower<'a> {
    tables: &'a mut Tables,
    dice: Dice,
    profiles: Vec<String>,
    licenses: u32,
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

impl Sower<'_> {
    fn put(&mut self, name: &str, values: Vec<(&str, &str)>, at: i64) -> String {
        match find(name) {
            Some(object) => {
                let number = self.tables.seed(object, values, at);
                id18(object.prefix, number)
            }
            None => String::new(),
        }
    }

    fn set_up(&mut self) {
        let zone = vec![("LanguageLocaleKey", "en_US"), ("TimeZoneSidKey", "America/Los_Angeles")];
        let mut org = vec![
            ("Name", "Concord Sandbox"),
            ("OrganizationType", "Developer Edition"),
            ("IsSandbox", "true"),
            ("InstanceName", "SBX1"),
        ];
        org.extend(zone);
        self.put("Organization", org, EPOCH);
        let licenses: Vec<String> = LICENSES
            .iter()
            .map(|(name, key)| {
                let total = self.licenses.to_string();
                let values = vec![
                    ("Name", *name),
                    ("LicenseDefinitionKey", key),
                    ("TotalLicenses", &total),
                    ("UsedLicenses", "0"),
                    ("Status", "Active"),
                ];
                self.put("UserLicense", values, EPOCH)
            })
            .collect();
        for (name, license, kind, api, manage) in PROFILES {
            let license = licenses.get(*license).cloned().unwrap_or_default();
            let (api, manage) = (api.to_string(), manage.to_string());
            let values = vec![
                ("Name", *name),
                ("UserLicenseId", &license),
                ("UserType", kind),
                ("PermissionsApiEnabled", &api),
                ("PermissionsManageUsers", &manage),
            ];
            let id = self.put("Profile", values, EPOCH);
            self.profiles.push(id);
        }
        let ceo = self.put("UserRole", vec![("Name", "CEO"), ("DeveloperName", "CEO")], EPOCH);
        for name in ["Sales", "Service"] {
            let values = vec![("Name", name), ("DeveloperName", name), ("ParentRoleId", ceo.as_str())];
            self.put("UserRole", values, EPOCH);
        }
        for (name, label) in PERMISSION_SETS {
            self.put("PermissionSet", vec![("Name", name), ("Label", label), ("IsCustom", "true")], EPOCH);
        }
        self.user("Integration", "User", "integration@sandbox.example.com", 0, &[], EPOCH);
        let special = [("UserType", "AutomatedProcess"), ("Email", "autoproc@sandbox.example.com")];
        self.user("Automated", "Process", "autoproc@sandbox.example.com", 0, &special, EPOCH);
        let owner = id18("005", 1);
        for (name, label) in GROUPS {
            let values = vec![
                ("Name", *label),
                ("DeveloperName", name),
                ("Type", "Regular"),
                ("OwnerId", &owner),
                ("DoesIncludeBosses", "true"),
            ];
            self.put("Group", values, EPOCH);
        }
    }

    fn user(
        &mut self,
        first: &str,
        last: &str,
        username: &str,
        profile: usize,
        more: &[(&str, &str)],
        at: i64,
    ) -> String {
        let local = username.split('@').next().unwrap_or_default();
        let alias: String = local.chars().filter(|c| *c != '.').take(8).collect();
        let nickname: String = local.chars().take(40).collect();
        let profile = self.profiles.get(profile).cloned().unwrap_or_default();
        let mut values = vec![
            ("Username", username),
            ("FirstName", first),
            ("LastName", last),
            ("Email", username),
            ("Alias", &alias),
            ("CommunityNickname", &nickname),
            ("ProfileId", &profile),
            ("TimeZoneSidKey", "America/Los_Angeles"),
            ("LocaleSidKey", "en_US"),
            ("LanguageLocaleKey", "en_US"),
            ("EmailEncodingKey", "UTF-8"),
            ("UserType", "Standard"),
            ("IsActive", "true"),
        ];
        values.extend_from_slice(more);
        let id = self.put("User", values, at);
        self.put("UserLogin", vec![("UserId", &id), ("IsFrozen", "false")], at);
        id
    }

    fn name(&mut self) -> (&'static str, &'static str) {
        if self.dice.percent(6) {
            return self.dice.one(UNUSUAL).copied().unwrap_or_default();
        }
        (self.dice.pick(FIRST), self.dice.pick(LAST))
    }

    /// An account name that is unique and plain whatever the person is called.
    fn local(&mut self, at: usize) -> String {
        format!("{}.{}{}", self.dice.pick(FIRST), self.dice.pick(LAST), at + 1)
            .to_lowercase()
            .replace('ö', "o")
    }

    fn people(&mut self, users: usize) {
        let spacing = 61_000.min(YEAR / count(users.max(1)));
        for at in 0..users {
            let (first, last) = self.name();
            let local = self.local(at);
            let username = format!("{local}@sandbox.example.com");
            let mut email = format!("{local}@{}", self.dice.pick(DOMAINS));
            match self.dice.below(100) {
                0..5 => email = email.to_uppercase(),
                5..8 => email = email.replace('@', "+crm@"),
                _ => {}
            }
            let first = if self.dice.percent(3) { "" } else { first };
            let (zone, locale, language) = self.dice.one(ZONES).copied().unwrap_or_default();
            let phone = format!("+1 555 {:04}", self.dice.below(10_000));
            let number = format!("E{:06}", at + 1);
            let external = format!("HR-{}", at + 1);
            let street = format!("{} Example Street", self.dice.below(200) + 1);
            let (city, state, country) = self.dice.one(CITIES).copied().unwrap_or_default();
            let mut more = vec![
                ("Email", email.as_str()),
                ("TimeZoneSidKey", zone),
                ("LocaleSidKey", locale),
                ("LanguageLocaleKey", language),
                ("EmployeeNumber", &number),
            ];
            if self.dice.percent(10) {
                more.push(("IsActive", "false"));
            }
            if self.dice.percent(70) {
                more.extend([("Title", self.dice.pick(TITLES)), ("Department", self.dice.pick(DEPARTMENTS))]);
            }
            if self.dice.percent(60) {
                more.push(("Phone", &phone));
            }
            if self.dice.percent(40) {
                more.extend([
                    ("Street", street.as_str()),
                    ("City", city),
                    ("State", state),
                    ("Country", country),
                ]);
            }
            if self.dice.percent(30) {
                more.push(("External_Id__c", &external));
            }
            let profile = match self.dice.below(100) {
                0..2 => 0,
                2..80 => 1,
                80..90 => 3,
                _ => 2,
            };
            let at = EPOCH + (count(at) + 1) * spacing;
            self.user(first, last, &username, profile, &more, at);
        }
    }

    fn customers(&mut self, users: usize) {
        let owner = id18("005", 1);
        let mut accounts = Vec::new();
        for at in 0..users / 20 {
            let name = format!("{} {} {}", self.dice.pick(FIRMS), at + 1, self.dice.pick(FORMS));
            let number = format!("A-{}", at + 1);
            let values = vec![("Name", name.as_str()), ("AccountNumber", &number), ("OwnerId", &owner)];
            accounts.push(self.put("Account", values, EPOCH + count(at) * 1000));
        }
        for at in 0..users / 4 {
            let (first, last) = self.name();
            let email = format!("{}@{}", self.local(at), self.dice.pick(DOMAINS));
            let account = self.dice.one(&accounts).cloned().unwrap_or_default();
            let legacy = format!("L-{}", at / 2);
            let mut values = vec![
                ("FirstName", first),
                ("LastName", last),
                ("AccountId", account.as_str()),
                ("OwnerId", &owner),
                ("Legacy_Id__c", &legacy),
            ];
            if self.dice.percent(95) {
                values.push(("Email", &email));
            }
            if self.dice.percent(50) {
                values.push(("Title", self.dice.pick(TITLES)));
            }
            self.put("Contact", values, EPOCH + count(at) * 1000);
        }
        for at in 0..users / 8 {
            let (first, last) = self.name();
            let email = format!("{}@{}", self.local(at), self.dice.pick(DOMAINS));
            let company = format!("{} {}", self.dice.pick(FIRMS), self.dice.pick(FORMS));
            let converted = self.dice.percent(4);
            let mut values = vec![
                ("FirstName", first),
                ("LastName", last),
                ("Company", company.as_str()),
                ("Email", &email),
                ("OwnerId", &owner),
                ("Status", "Open - Not Contacted"),
            ];
            if converted {
                values.extend([("IsConverted", "true"), ("Status", "Closed - Converted")]);
            }
            self.put("Lead", values, EPOCH + count(at) * 1000);
        }
    }

    /// The first hundred users are spread over groups and permission sets.
    fn memberships(&mut self) {
        let ids = |tables: &Tables, object: Option<&'static ObjectType>, skip: usize| -> Vec<String> {
            let Some(object) = object else { return Vec::new() };
            tables.table(object).live.values().skip(skip).take(100).map(|record| record.id(object)).collect()
        };
        let users = ids(self.tables, find("User"), 2);
        let groups = ids(self.tables, find("Group"), 0);
        let sets = ids(self.tables, find("PermissionSet"), 0);
        for (at, user) in users.iter().enumerate() {
            if let Some(group) = groups.get(at % 4) {
                self.put("GroupMember", vec![("GroupId", group), ("UserOrGroupId", user)], EPOCH);
            }
            if let Some(set) = sets.get(at % 5) {
                let values =
                    vec![("PermissionSetId", set.as_str()), ("AssigneeId", user), ("IsActive", "true")];
                self.put("PermissionSetAssignment", values, EPOCH);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::rules::{is_address, value_of};
    use super::*;

    fn org(users: usize, seed: u64) -> Tables {
        let mut tables = Tables::default();
        fill(&mut tables, users, seed, 1000);
        tables
    }

    #[test]
    fn the_seed_decides_everything() {
        let text = |tables: &Tables| format!("{:?}", tables.table(find("User").unwrap()).live);
        assert_eq!(text(&org(40, 7)), text(&org(40, 7)));
        assert_ne!(text(&org(40, 7)), text(&org(40, 8)));
    }

    #[test]
    fn every_record_keeps_the_rules() {
        let tables = org(300, 3);
        for table in tables.all() {
            for record in table.live.values() {
                for (id, value) in record.values.iter() {
                    let field = table.object.at(id).unwrap();
                    let length = value.chars().count();
                    assert!(
                        !field.kind.is_text() || length <= field.length as usize,
                        "{} {value}",
                        field.name
                    );
                    if field.restricted {
                        assert!(field.picklist.iter().any(|known| value_of(known) == value), "{value}");
                    }
                    if field.name == "Username" || field.name == "Email" {
                        assert!(is_address(value), "{value}");
                    }
                    if !field.refers.is_empty() {
                        assert!(
                            tables.by_id(value).is_some(),
                            "{}.{} {value}",
                            table.object.name,
                            field.name
                        );
                    }
                }
                for (id, field) in table.object.all().filter(|(_, field)| field.needed()) {
                    assert!(record.values.get(id).is_some(), "{}.{}", table.object.name, field.name);
                }
            }
        }
        let user = find("User").unwrap();
        assert_eq!(tables.table(user).live.len(), 302);
        let names: std::collections::HashSet<_> =
            tables.table(user).live.values().map(|record| record.named(user, "Username")).collect();
        assert_eq!(names.len(), 302);
    }
}
