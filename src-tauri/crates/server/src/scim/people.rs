//! Users of SCIM as managed users, and back. Pure.
//!
//! What a managed attribute holds is taken from there and written there; everything else that a client sends is kept in the
//! attribute `scim` and given back as it came. Of a list (e-mail addresses, telephone numbers, postal addresses) one value is at
//! home in managed attributes: the primary one, else the one for work, else the first. `scim` then keeps the list without it.

use model::{Attributes, ManagedObjectConfig};
use serde_json::{Map, Value, json};

use super::schema::ENTERPRISE;

/// Keeps what has no attribute of its own.
pub(crate) const KEPT: &str = "scim";

/// Single values: the way in SCIM, and the managed attribute.
const SINGLE: [(&[&str], &str); 9] = [
    (&["userName"], "userName"),
    (&["name", "givenName"], "givenName"),
    (&["name", "familyName"], "sn"),
    (&["displayName"], "displayName"),
    (&["title"], "title"),
    (&["profileUrl"], "website"),
    (&["preferredLanguage"], "preferredLanguage"),
    (&["externalId"], "externalId"),
    (&[ENTERPRISE, "organization"], "companyName"),
];

/// A list of which one value is at home in managed attributes.
struct Home {
    list: &'static str,
    /// Whether it is the home of the values of the type `mobile`, or of the others.
    mobile: Option<bool>,
    /// The parts of the value, and the managed attributes.
    parts: &'static [(&'static str, &'static str)],
    /// The type of a value that no client has sent.
    kind: &'static str,
    primary: bool,
}

const HOMES: [Home; 4] = [
    Home { list: "emails", mobile: None, parts: &[("value", "mail")], kind: "work", primary: true },
    Home {
        list: "phoneNumbers",
        mobile: Some(false),
        parts: &[("value", "telephoneNumber")],
        kind: "work",
        primary: false,
    },
    Home {
        list: "phoneNumbers",
        mobile: Some(true),
        parts: &[("value", "mobilePhone")],
        kind: "mobile",
        primary: false,
    },
    Home {
        list: "addresses",
        mobile: None,
        parts: &[
            ("streetAddress", "postalAddress"),
            ("locality", "city"),
            ("region", "stateProvince"),
            ("postalCode", "postalCode"),
            ("country", "country"),
        ],
        kind: "work",
        primary: false,
    },
];

const STATUS: &str = "accountStatus";
const INACTIVE: &str = "inactive";

/// The managed attribute that holds a single value of SCIM, if the type has it.
pub(crate) fn attribute_of(config: &ManagedObjectConfig, way: &[&str]) -> Option<&'static str> {
    let (_, attribute) = SINGLE.iter().find(|(names, _)| *names == way)?;
    has(config, attribute).then_some(*attribute)
}

/// Whether an attribute of SCIM must have a value, because its managed attribute must.
pub(crate) fn is_required(config: &ManagedObjectConfig, path: &str) -> bool {
    let required = |attribute: &str| config.schema.required.iter().any(|name| name == attribute);
    match path {
        "userName" => true,
        "name" => required("givenName") || required("sn"),
        "emails" | "emails.value" => required("mail"),
        path => {
            let way: Vec<&str> = path.split('.').collect();
            attribute_of(config, &way).is_some_and(required)
        }
    }
}

fn has(config: &ManagedObjectConfig, attribute: &str) -> bool {
    config.schema.properties.contains_key(attribute)
}

/// The changes of a managed user that make it what a client sent. A user that is not there yet begins with these.
pub(crate) fn to_managed(config: &ManagedObjectConfig, mut user: Map<String, Value>) -> Attributes {
    let mut found = Attributes::new();
    for (way, attribute) in SINGLE.iter().filter(|(_, attribute)| has(config, attribute)) {
        found.insert((*attribute).to_owned(), take(&mut user, way).unwrap_or(Value::Null));
    }
    if has(config, STATUS) {
        // A client that does not say leaves it as it is.
        match user.shift_remove("active") {
            Some(Value::Bool(active)) => {
                found.insert(STATUS.into(), if active { "active" } else { INACTIVE }.into());
            }
            Some(_) => {
                found.insert(STATUS.into(), Value::Null);
            }
            None => {}
        }
    }
    if let Some(password) = user.shift_remove("password").filter(|password| password != "") {
        found.insert("password".into(), password);
    }
    let whole: Vec<(&str, Option<Value>)> =
        ["emails", "phoneNumbers", "addresses"].map(|list| (list, user.get(list).cloned())).to_vec();
    for home in &HOMES {
        let mut none = Vec::new();
        let items = match user.get_mut(home.list) {
            Some(Value::Array(items)) => items,
            _ => &mut none,
        };
        let at_home = home_of(items, home).and_then(|n| items.get_mut(n)).and_then(Value::as_object_mut);
        let mut at_home = at_home;
        for (part, attribute) in home.parts.iter().filter(|(_, attribute)| has(config, attribute)) {
            let value = at_home.as_mut().and_then(|item| item.shift_remove(*part));
            found.insert((*attribute).to_owned(), value.unwrap_or(Value::Null));
        }
    }
    // A list that the managed attributes alone make just as well need not be kept.
    let made = of_managed(config, &found);
    for (list, sent) in whole {
        if sent.as_ref() == made.get(list) {
            user.shift_remove(list);
        }
    }
    user.retain(|_, value| value.as_object().is_none_or(|parts| !parts.is_empty()));
    user.shift_remove("schemas");
    found.insert(KEPT.into(), if user.is_empty() { Value::Null } else { Value::Object(user) });
    found
}

/// A managed user as SCIM has it, without what the server says of it.
pub(crate) fn of_managed(config: &ManagedObjectConfig, attributes: &Attributes) -> Map<String, Value> {
    let kept = attributes.get(KEPT).and_then(Value::as_object).cloned().unwrap_or_default();
    let mut user = Map::new();
    let single = SINGLE.iter().filter(|(_, attribute)| has(config, attribute));
    for (way, attribute) in single {
        if let Some(text) = attributes.get(*attribute).and_then(text) {
            put(&mut user, way, text);
        }
    }
    if has(config, STATUS)
        && let Some(Value::String(status)) = attributes.get(STATUS)
    {
        user.insert("active".into(), (status != INACTIVE).into());
    }
    for (name, value) in kept {
        match (user.get_mut(&name), value) {
            (Some(Value::Object(parts)), Value::Object(more)) => {
                for (name, value) in more {
                    parts.entry(name).or_insert(value);
                }
            }
            (Some(_), _) => {}
            (None, value) => {
                user.insert(name, value);
            }
        }
    }
    for home in &HOMES {
        let values: Vec<(&str, Value)> = home
            .parts
            .iter()
            .filter_map(|(part, attribute)| Some((*part, attributes.get(*attribute).and_then(text)?)))
            .collect();
        let items = user.entry(home.list).or_insert_with(|| Value::Array(Vec::new()));
        let Value::Array(items) = items else { continue };
        let at_home = home_of(items, home);
        if let Some(Value::Object(item)) = at_home.and_then(|n| items.get_mut(n)) {
            let mut whole = Map::new();
            whole.extend(values.into_iter().map(|(part, value)| (part.to_owned(), value)));
            whole.append(item);
            *item = whole;
        } else if !values.is_empty() {
            let mut item: Map<String, Value> =
                values.into_iter().map(|(part, value)| (part.to_owned(), value)).collect();
            item.insert("type".into(), home.kind.into());
            if home.primary {
                item.insert("primary".into(), true.into());
            }
            items.push(Value::Object(item));
        }
    }
    for list in HOMES.iter().map(|home| home.list) {
        if let Some(Value::Array(items)) = user.get_mut(list) {
            items.retain(says_something);
            if items.is_empty() {
                user.shift_remove(list);
            }
        }
    }
    user
}

/// Whether there is more to a value of a list than what it is for.
fn says_something(item: &Value) -> bool {
    item.as_object().is_none_or(|item| item.keys().any(|name| name != "type" && name != "primary"))
}

/// Which value of a list is at home in managed attributes.
fn home_of(items: &[Value], home: &Home) -> Option<usize> {
    let kind = |item: &Value| item.get("type").and_then(Value::as_str).map(str::to_ascii_lowercase);
    let mut fitting = items.iter().enumerate().filter(|(_, item)| {
        home.mobile.is_none_or(|mobile| (kind(item).as_deref() == Some("mobile")) == mobile)
    });
    let first = fitting.clone().next();
    let primary = fitting.clone().find(|(_, item)| item.get("primary") == Some(&json!(true)));
    primary
        .or_else(|| fitting.find(|(_, item)| kind(item).as_deref() == Some("work")))
        .or(first)
        .map(|(n, _)| n)
}

fn text(value: &Value) -> Option<Value> {
    match value {
        Value::String(text) if !text.is_empty() => Some(value.clone()),
        Value::Number(number) => Some(number.to_string().into()),
        _ => None,
    }
}

fn take(user: &mut Map<String, Value>, way: &[&str]) -> Option<Value> {
    let (last, parents) = way.split_last()?;
    let mut here = user;
    for step in parents {
        here = here.get_mut(*step)?.as_object_mut()?;
    }
    here.shift_remove(*last)
}

fn put(user: &mut Map<String, Value>, way: &[&str], value: Value) {
    let Some((last, parents)) = way.split_last() else { return };
    let mut here = user;
    for step in parents {
        let slot = here.entry(*step).or_insert_with(|| Value::Object(Map::new()));
        let Value::Object(next) = slot else { return };
        here = next;
    }
    here.insert((*last).to_owned(), value);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap()
    }

    fn set(attributes: Attributes) -> Value {
        Value::Object(attributes.into_iter().filter(|(_, value)| !value.is_null()).collect())
    }

    #[test]
    fn users_find_their_attributes_and_come_back_as_they_were() {
        let config = ManagedObjectConfig::default_user();
        let employee = json!({"employeeNumber": "7", "organization": "Acme"});
        for (user, managed) in [
            (
                json!({"userName": "ann", "name": {"givenName": "Ann", "familyName": "Lee"}, "active": true,
                    "emails": [{"value": "ann@x.test", "type": "work", "primary": true}]}),
                json!({"userName": "ann", "givenName": "Ann", "sn": "Lee", "accountStatus": "active", "mail": "ann@x.test"}),
            ),
            (
                json!({"userName": "ann", "name": {"givenName": "Ann", "formatted": "Ann Lee"}, "active": false,
                    "externalId": "E1", "nickName": "A", (ENTERPRISE): employee}),
                json!({"userName": "ann", "givenName": "Ann", "companyName": "Acme", "accountStatus": "inactive",
                    "scim": {"name": {"formatted": "Ann Lee"}, "externalId": "E1", "nickName": "A",
                        (ENTERPRISE): {"employeeNumber": "7"}}}),
            ),
            (
                json!({"userName": "ann", "active": true,
                    "emails": [{"value": "h@x.test", "type": "home"}, {"value": "w@x.test", "type": "work"}],
                    "phoneNumbers": [{"value": "1", "type": "mobile"}, {"value": "tel:2", "type": "fax"}, {"value": "3", "type": "work"}],
                    "addresses": [{"streetAddress": "1 Way", "locality": "Bern", "type": "home", "formatted": "1 Way, Bern"}]}),
                json!({"userName": "ann", "accountStatus": "active", "mail": "w@x.test", "telephoneNumber": "3",
                    "mobilePhone": "1", "postalAddress": "1 Way", "city": "Bern",
                    "scim": {"emails": [{"value": "h@x.test", "type": "home"}, {"type": "work"}],
                        "phoneNumbers": [{"type": "mobile"}, {"value": "tel:2", "type": "fax"}, {"type": "work"}],
                        "addresses": [{"type": "home", "formatted": "1 Way, Bern"}]}}),
            ),
        ] {
            let to = to_managed(&config, object(user.clone()));
            assert_eq!(set(to.clone()), managed, "{user}");
            assert_eq!(Value::Object(of_managed(&config, &to)), user);
        }
    }

    #[test]
    fn what_changes_here_shows_there() {
        let config = ManagedObjectConfig::default_user();
        let kept = json!({"emails": [{"value": "h@x.test", "type": "home"}, {"type": "work"}]});
        for (attributes, emails) in [
            (
                json!({"mail": "new@x.test", "scim": kept}),
                json!([{"value": "h@x.test", "type": "home"}, {"value": "new@x.test", "type": "work"}]),
            ),
            (json!({"scim": kept}), json!([{"value": "h@x.test", "type": "home"}])),
            (json!({"mail": "a@x.test"}), json!([{"value": "a@x.test", "type": "work", "primary": true}])),
            (json!({}), Value::Null),
        ] {
            let user = of_managed(&config, &object(attributes.clone()));
            assert_eq!(user.get("emails").cloned().unwrap_or_default(), emails, "{attributes}");
        }
    }

    #[test]
    fn a_password_goes_its_own_way() {
        let config = ManagedObjectConfig::default_user();
        let to = to_managed(&config, object(json!({"userName": "a", "password": "Secret12"})));
        assert_eq!(to.get("password"), Some(&json!("Secret12")));
        assert_eq!(to.get(KEPT), Some(&Value::Null));
        assert!(!to_managed(&config, object(json!({"password": ""}))).contains_key("password"));
    }

    #[test]
    fn what_is_left_out_is_removed_but_the_status_stays() {
        let config = ManagedObjectConfig::default_user();
        let to = to_managed(&config, object(json!({"userName": "a"})));
        assert!(
            ["givenName", "sn", "mail", "title", KEPT].iter().all(|name| to.get(*name) == Some(&Value::Null))
        );
        assert!(!to.contains_key(STATUS) && !to.contains_key("description"));
    }
}
