//! Seeded contacts and companies: fictional, decided by the seed alone, and as untidy as a real portal.

use crate::dice::Dice;

use super::crm::Crm;
use super::record::{Record, Source};
use super::state::Table;
use crate::values::Values;

const FIRST: &[&str] = &[
    "Ada", "Bruno", "Chidi", "Dolores", "Emre", "Farida", "Gustav", "Hanne", "Ivo", "Jolanda", "Kofi",
    "Lotte", "Mateo", "Nadia", "Oskar", "Priya", "Quentin", "Rosa", "Sven", "Tamika", "Ugo", "Vera",
    "Walter", "Ximena", "Yara", "Zoltan",
];
const LAST: &[&str] = &[
    "Abbot",
    "Berger",
    "Castillo",
    "Dubois",
    "Eriksen",
    "Fischer",
    "Garcia",
    "Hansen",
    "Ito",
    "Jansen",
    "Kowalski",
    "Lindqvist",
    "Moreau",
    "Novak",
    "Okafor",
    "Petrov",
    "Quist",
    "Rossi",
    "Schmidt",
    "Tanaka",
    "Ueda",
    "Vogel",
    "Weber",
    "Yilmaz",
    "Zimmer",
];
/// Names that break what only ever saw plain ones.
const UNUSUAL: &[(&str, &str)] = &[
    ("Анна", "Кузнецова"),
    ("Дмитрий", "Соколов"),
    ("健太", "山本"),
    ("美咲", "佐藤"),
    ("小明", "王"),
    ("فاطمة", "الحسن"),
    ("يوسف", "حداد"),
    ("Zoë", "Brontë"),
    ("Jürgen", "Müßig"),
    ("Siân", "O'Brien"),
    ("D'Arcy", "N'Diaye"),
    ("Łukasz", "Żółć"),
    ("Ann 🎉", "Star ⭐"),
    ("<b>Bob</b>", "Builder"),
    ("<img src=x onerror=alert(1)>", "Markup"),
    ("Robert'); DROP TABLE", "Students"),
    ("  Padded", "Name  "),
    ("null", "Null"),
    ("=1+1", "Formula"),
    ("María José", "de la Cruz y Ñandú"),
    ("\u{202e}desrever", "Order"),
];
const PHONES: &[&str] =
    &["+1.555.0100", "555-1234 ext 5", "call me", "(555) 0199", "0049 (0)555 0101", "+44 555 0102"];
const CITIES: &[(&str, &str, &str)] = &[
    ("Springfield", "Illinois", "United States"),
    ("Musterstadt", "Bavaria", "Germany"),
    ("Anytown", "Ohio", "United States"),
    ("Villeneuve", "Occitania", "France"),
    ("Nowhere", "Alberta", "Canada"),
    ("Sampleton", "Kent", "United Kingdom"),
];
const JOBS: &[&str] =
    &["Engineer", "Head of Sales", "Buyer", "CEO & Founder", "Nurse", "Teacher", "Accountant", "Intern"];
const STAGES: &[&str] = &["subscriber", "lead", "marketingqualifiedlead", "opportunity", "customer"];
const STATUSES: &[&str] = &["NEW", "OPEN", "IN_PROGRESS", "CONNECTED"];
const DOMAINS: &[&str] = &["example.com", "example.org", "example.net"];
const FIRMS: &[&str] = &[
    "Acme",
    "Globex",
    "Initech",
    "Umbrella Bakery",
    "Kōbō 工房",
    "Grün & Söhne",
    "O'Neill Freight",
    "<i>Slant</i> Media",
];
const FORMS: &[&str] = &["Ltd", "GmbH", "Inc.", "SA", "Oy"];
const INDUSTRIES: &[&str] =
    &["ACCOUNTING", "COMPUTER_SOFTWARE", "FOOD_PRODUCTION", "LOGISTICS_AND_SUPPLY_CHAIN"];

/// 2025-01-01: seeded records were created from here on, all within that year.
const EPOCH: i64 = 1_735_689_600_000;
const YEAR: i64 = 364 * 86_400_000;

/// Fills an empty portal.
pub(crate) fn fill(crm: &mut Crm, records: usize, seed: u64) {
    let mut dice = Dice::new(seed);
    // From one record to the next.
    let spacing = 61_000.min(YEAR / i64::try_from(records.max(1)).unwrap_or(i64::MAX));
    let created = |at: usize| EPOCH + i64::try_from(at).unwrap_or_default() * spacing;
    let companies: Vec<(u64, String)> =
        (0..records / 20).map(|at| company(&mut crm.companies, &mut dice, at, created(at))).collect();
    for at in 0..records {
        let firm = if companies.is_empty() || !dice.percent(60) {
            None
        } else {
            usize::try_from(dice.below(companies.len() as u64)).ok().and_then(|at| companies.get(at))
        };
        let id = contact(&mut crm.contacts, &mut dice, at, created(at), firm.map(|(_, name)| name.as_str()));
        if let Some((company, _)) = firm {
            crm.links.link(id, *company);
        }
    }
}

fn insert(table: &mut Table, dice: &mut Dice, created: i64, values: &[(&str, &str)]) -> u64 {
    let id = table.next_id;
    let packed = values.iter().filter_map(|(name, text)| Some((table.properties.id(name)?, *text))).collect();
    let mut record = Record::new(id, Values::pack(packed), created, Source::Import);
    record.updated = created + i64::try_from(dice.below(3_600_000)).unwrap_or_default();
    table.insert(record);
    table.next_id = id + 1 + if dice.percent(15) { dice.below(9) } else { 0 };
    id
}

fn company(table: &mut Table, dice: &mut Dice, at: usize, created: i64) -> (u64, String) {
    let name = format!("{} {} {}", dice.pick(FIRMS), at + 1, dice.pick(FORMS));
    let domain = format!("firm{}.{}", at + 1, dice.pick(DOMAINS));
    let (city, state, country) = place(dice);
    let size = (dice.below(40) * 25 + 1).to_string();
    let mut values = vec![
        ("name", name.as_str()),
        ("domain", &domain),
        ("city", city),
        ("state", state),
        ("country", country),
    ];
    if dice.percent(70) {
        values.push(("industry", dice.pick(INDUSTRIES)));
        values.push(("numberofemployees", &size));
    }
    let id = insert(table, dice, created, &values);
    (id, name)
}

fn place(dice: &mut Dice) -> (&'static str, &'static str, &'static str) {
    dice.one(CITIES).copied().unwrap_or_default()
}

fn contact(table: &mut Table, dice: &mut Dice, at: usize, created: i64, firm: Option<&str>) -> u64 {
    let (mut first, mut last) = (dice.pick(FIRST), dice.pick(LAST));
    let account = format!("{}.{}{}", first.to_lowercase(), last.to_lowercase(), at + 1);
    if dice.percent(8) {
        (first, last) = dice.one(UNUSUAL).copied().unwrap_or((first, last));
    }
    let mut email = format!("{account}@{}", dice.pick(DOMAINS));
    match dice.below(100) {
        0..5 => email = email.to_uppercase(),
        5..8 => email = email.replace('@', "+news@"),
        _ => {}
    }
    // Everybody keeps at least one of the three that a contact needs.
    match dice.below(100) {
        0..4 => email.clear(),
        4..10 => last = "",
        10..13 => first = "",
        _ => {}
    }
    let mut values = vec![("firstname", first), ("lastname", last), ("email", email.as_str())];
    let phone = match dice.below(10) {
        0..5 => format!("+1 555 {:04}", dice.below(10_000)),
        5..7 => dice.pick(PHONES).to_owned(),
        _ => String::new(),
    };
    values.push(("phone", &phone));
    if dice.percent(20) {
        values.push(("mobilephone", dice.pick(PHONES)));
    }
    let street = format!("{} Example Street", dice.below(200) + 1);
    let zip = format!("{:05}", dice.below(100_000));
    if dice.percent(60) {
        let (city, state, country) = place(dice);
        values.extend([
            ("address", street.as_str()),
            ("city", city),
            ("state", state),
            ("country", country),
            ("zip", &zip),
        ]);
    }
    if dice.percent(50) {
        values.push(("jobtitle", dice.pick(JOBS)));
    }
    if dice.percent(70) {
        values.push(("lifecyclestage", dice.pick(STAGES)));
    }
    if dice.percent(30) {
        values.push(("hs_lead_status", dice.pick(STATUSES)));
    }
    if dice.percent(25) {
        values.push(("hubspot_owner_id", dice.pick(&["77", "78", "79"])));
    }
    let spend = dice.below(100_000).to_string();
    if dice.percent(20) {
        values.push(("annual_spend", &spend));
    }
    let other = format!("{account}.private@{}", dice.pick(DOMAINS));
    if !email.is_empty() && dice.percent(2) {
        values.push(("hs_additional_emails", &other));
    }
    let long = if dice.below(1000) == 0 { "A very long note. ".repeat(400) } else { String::new() };
    values.push(("notes_internal", &long));
    values.push(("company", firm.unwrap_or_default()));
    let score = dice.below(100).to_string();
    values.push(("hubspotscore", &score));
    insert(table, dice, created, &values)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn portal(records: usize, seed: u64) -> Crm {
        let mut crm = Crm::new(0, 0);
        fill(&mut crm, records, seed);
        crm
    }

    #[test]
    fn the_seed_decides_everything() {
        let text = |crm: &Crm| format!("{:?} {:?}", crm.contacts.live, crm.companies.live);
        assert_eq!(text(&portal(300, 7)), text(&portal(300, 7)));
        assert_ne!(text(&portal(300, 7)), text(&portal(300, 8)));
    }

    #[test]
    fn contacts_are_untidy_but_possible() {
        let crm = portal(20_000, 1);
        let table = &crm.contacts;
        assert_eq!(table.live.len(), 20_000);
        assert_eq!(table.live.keys().next(), Some(&101));
        let share = |name: &str| {
            let without = table.live.values().filter(|record| table.named(record, name).is_none()).count();
            without * 1000 / table.live.len()
        };
        assert!((30..50).contains(&share("email")), "{}", share("email"));
        assert!((50..70).contains(&share("lastname")), "{}", share("lastname"));
        assert!((20..40).contains(&share("firstname")), "{}", share("firstname"));
        for record in table.live.values() {
            assert!((EPOCH..EPOCH + YEAR + 3_600_000).contains(&record.updated));
            assert!(
                ["email", "firstname", "lastname"].iter().any(|name| table.named(record, name).is_some())
            );
            let email = table.named(record, "email").unwrap_or("x@example.com").to_lowercase();
            assert!(["@example.com", "@example.org", "@example.net"].iter().any(|end| email.ends_with(end)));
            let holder = table.properties.id("email").and_then(|id| table.holder(id, &email));
            assert!(table.named(record, "email").is_none() || holder == Some(record.id));
        }
        assert!(crm.companies.live.len() == 1000);
    }
}
