//! Users of SCIM as managed users, and back. Pure.
//!
//! Which managed attribute takes what, and which shows it, is for the mapping from `scim/User` to say. This makes the record that
//! it maps, and of what the mapping gives the user again. Of a list (e-mail addresses, telephone numbers, postal addresses) one
//! value is at home in managed attributes: the primary one, else the one for work, else the first. Everything that no managed
//! attribute stands for is kept in the attribute `scim` and given back as it came.

use api::Arrivals;
use model::{Attributes, ManagedObjectConfig, Pointer};
use serde_json::{Map, Value, json};

use super::schema::ENTERPRISE;

/// Keeps what has no attribute of its own.
pub(crate) const KEPT: &str = "scim";

/// How the record calls the enterprise extension.
const EXTENSION: &str = "enterprise";

/// A list of which one value is at home in managed attributes.
struct Home {
    list: &'static str,
    /// Whether it is the home of the values of the type `mobile`, or of the others.
    mobile: Option<bool>,
    /// The parts of the value, and the attributes of the record.
    parts: &'static [(&'static str, &'static str)],
    /// The type of a value that no client has sent.
    kind: &'static str,
    primary: bool,
}

const HOMES: [Home; 4] = [
    Home { list: "emails", mobile: None, parts: &[("value", "email")], kind: "work", primary: true },
    Home {
        list: "phoneNumbers",
        mobile: Some(false),
        parts: &[("value", "phone")],
        kind: "work",
        primary: false,
    },
    Home {
        list: "phoneNumbers",
        mobile: Some(true),
        parts: &[("value", "mobile")],
        kind: "mobile",
        primary: false,
    },
    Home {
        list: "addresses",
        mobile: None,
        parts: &[
            ("streetAddress", "address/streetAddress"),
            ("locality", "address/locality"),
            ("region", "address/region"),
            ("postalCode", "address/postalCode"),
            ("country", "address/country"),
        ],
        kind: "work",
        primary: false,
    },
];

/// The attribute of the record that holds a single value of SCIM.
fn in_record(way: &[&str]) -> String {
    let steps = way.iter().map(|step| if *step == ENTERPRISE { EXTENSION } else { step });
    steps.collect::<Vec<_>>().join("/")
}

/// The managed attribute that holds a single value of SCIM as it is, if there is one.
pub(crate) fn column_of<'p>(people: &'p Arrivals, way: &[&str]) -> Option<&'p str> {
    people.column_of(&in_record(way))
}

/// Whether an attribute of SCIM must have a value, because its managed attribute must.
pub(crate) fn is_required(people: &Arrivals, config: &ManagedObjectConfig, path: &str) -> bool {
    let required = |record: &str| {
        people
            .target_of(record)
            .is_some_and(|target| config.schema.required.iter().any(|name| name == target))
    };
    match path {
        "userName" => true,
        "name" => required("name/givenName") || required("name/familyName"),
        "emails" | "emails.value" => required("email"),
        path => match path.strip_prefix(ENTERPRISE) {
            Some(part) => required(&format!("{EXTENSION}/{}", part.trim_start_matches(['.', ':']))),
            None => required(&path.replace('.', "/")),
        },
    }
}

/// The record of a user, for the mapping. A password is no part of it.
pub(crate) fn record(user: &Map<String, Value>) -> Attributes {
    let mut record = Attributes::new();
    for (name, value) in user {
        match name.as_str() {
            "password" | "schemas" => {}
            ENTERPRISE => {
                record.insert(EXTENSION.into(), value.clone());
            }
            name => {
                record.insert(name.to_owned(), value.clone());
            }
        }
    }
    for home in &HOMES {
        let items = user.get(home.list).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let Some(item) = home_of(items, home).and_then(|n| items.get(n)) else { continue };
        for (part, name) in home.parts {
            if let Some(value) = item.get(*part) {
                Pointer::parse(name).set_in(&mut record, value.clone());
            }
        }
    }
    record
}

/// What has to be kept of a user beside the managed user that was made of it.
pub(crate) fn kept(people: &Arrivals, mut user: Map<String, Value>, managed: &Attributes) -> Option<Value> {
    for name in ["password", "schemas"] {
        user.shift_remove(name);
    }
    for source in people.sources() {
        let steps: Vec<&str> = source
            .split('/')
            .enumerate()
            .map(|(n, s)| if n == 0 && s == EXTENSION { ENTERPRISE } else { s })
            .collect();
        take(&mut user, &steps);
    }
    let whole: Vec<(&str, Option<Value>)> =
        ["emails", "phoneNumbers", "addresses"].map(|list| (list, user.get(list).cloned())).to_vec();
    for home in &HOMES {
        let Some(Value::Array(items)) = user.get_mut(home.list) else { continue };
        let at_home = home_of(items, home).and_then(|n| items.get_mut(n)).and_then(Value::as_object_mut);
        let Some(at_home) = at_home else { continue };
        for (part, name) in home.parts {
            if people.target_of(name).is_some() {
                at_home.shift_remove(*part);
            }
        }
    }
    // A list that the managed attributes alone make just as well need not be kept.
    let mut alone = managed.clone();
    alone.shift_remove(KEPT);
    let made = of_managed(people, &alone);
    for (list, sent) in whole {
        if sent.as_ref() == made.get(list) {
            user.shift_remove(list);
        }
    }
    user.retain(|_, value| value.as_object().is_none_or(|parts| !parts.is_empty()));
    (!user.is_empty()).then_some(Value::Object(user))
}

/// A managed user as SCIM has it, without what the server says of it.
pub(crate) fn of_managed(people: &Arrivals, attributes: &Attributes) -> Map<String, Value> {
    let kept = attributes.get(KEPT).and_then(Value::as_object).cloned().unwrap_or_default();
    let mut record = people.record_of(attributes);
    let mut at_home: Vec<Vec<(&str, Value)>> = Vec::new();
    for home in &HOMES {
        let part = |(part, name): &(&'static str, &str)| {
            Some((*part, Pointer::parse(name).remove_in(&mut record).filter(|value| !value.is_null())?))
        };
        at_home.push(home.parts.iter().filter_map(part).collect());
    }
    let mut user = Map::new();
    for (name, value) in record {
        match name.as_str() {
            EXTENSION => user.insert(ENTERPRISE.into(), value),
            "address" => None,
            _ => user.insert(name, value),
        };
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
    for (home, values) in HOMES.iter().zip(at_home) {
        let items = user.entry(home.list).or_insert_with(|| Value::Array(Vec::new()));
        let Value::Array(items) = items else { continue };
        let at_home = home_of(items, home);
        if let Some(Value::Object(item)) = at_home.and_then(|n| items.get_mut(n)) {
            let mut whole = Map::new();
            whole.extend(values.into_iter().map(|(part, value)| (part.to_owned(), value)));
            for (name, value) in std::mem::take(item) {
                whole.entry(name).or_insert(value);
            }
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

fn take(user: &mut Map<String, Value>, way: &[&str]) -> Option<Value> {
    let (last, parents) = way.split_last()?;
    let mut here = user;
    for step in parents {
        here = here.get_mut(*step)?.as_object_mut()?;
    }
    here.shift_remove(*last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap()
    }

    fn default() -> Arrivals {
        Arrivals::of(api::people_mapping(&ManagedObjectConfig::default_user()).unwrap())
    }

    /// The managed user that arriving makes of a user, as `resources` does it.
    async fn to_managed(people: &Arrivals, user: Value, before: Option<Attributes>) -> Attributes {
        let changes = people.changes(record(&object(user.clone())), before.clone()).await.unwrap();
        let mut managed = before.unwrap_or_default();
        for (name, value) in changes {
            if value.is_null() {
                managed.shift_remove(&name);
            } else {
                managed.insert(name, value);
            }
        }
        managed.shift_remove(KEPT);
        if let Some(kept) = kept(people, object(user), &managed) {
            managed.insert(KEPT.into(), kept);
        }
        managed
    }

    #[tokio::test]
    async fn users_find_their_attributes_and_come_back_as_they_were() {
        let people = default();
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
            let to = to_managed(&people, user.clone(), None).await;
            assert_eq!(Value::Object(to.clone()), managed, "{user}");
            assert_eq!(Value::Object(of_managed(&people, &to)), user);
        }
    }

    #[test]
    fn what_changes_here_shows_there() {
        let people = default();
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
            let user = of_managed(&people, &object(attributes.clone()));
            assert_eq!(user.get("emails").cloned().unwrap_or_default(), emails, "{attributes}");
        }
    }

    #[tokio::test]
    async fn a_password_goes_its_own_way() {
        let user = json!({"userName": "a", "password": "Secret12"});
        let to = to_managed(&default(), user, None).await;
        assert_eq!(Value::Object(to), json!({"userName": "a"}));
    }

    #[tokio::test]
    async fn what_is_left_out_is_removed() {
        let before = json!({"userName": "a", "givenName": "Ann", "mail": "a@x.test", "description": "d",
            "scim": {"nickName": "A"}});
        let to = to_managed(&default(), json!({"userName": "a"}), Some(object(before))).await;
        assert_eq!(Value::Object(to), json!({"userName": "a", "description": "d"}));
    }

    #[tokio::test]
    async fn the_mapping_says_what_becomes_of_it() {
        let config = json!({"name": "scimUser_managedUser", "source": "scim/User", "target": "managed/user",
            "sourceCondition": "/source/userType eq \"Employee\"",
            "onCreate": {"type": "text/javascript", "source": "target.description = source.enterprise.department"},
            "properties": [
                {"source": "userName", "target": "userName", "transform": {"builtIn": "lower"}},
                {"source": "email", "target": "mail", "condition": "/object/active eq true"},
                {"source": "", "target": "displayName",
                    "transform": {"type": "text/javascript", "source": "source.name.familyName + ', ' + source.name.givenName"}},
                {"source": "name/givenName", "target": "givenName"},
                {"source": "locale", "target": "country", "transform": {"builtIn": "map", "values": {"de-CH": "Switzerland"}, "keepOthers": true}},
                {"source": "name/familyName", "target": "sn", "default": "-"}]});
        let people = Arrivals::of(model::MappingConfig::from_value(config).unwrap());
        let user = json!({"userName": "ANN", "name": {"givenName": "Ann", "familyName": "Lee"}, "active": false,
            "userType": "Employee", "locale": "de-CH", "displayName": "Annie", "emails": [{"value": "a@x.test", "type": "work", "primary": true}],
            (ENTERPRISE): {"department": "Sales"}});
        let to = to_managed(&people, user.clone(), None).await;
        assert_eq!(
            Value::Object(to.clone()),
            json!({"userName": "ann", "displayName": "Lee, Ann", "givenName": "Ann", "country": "Switzerland", "sn": "Lee",
                "description": "Sales",
                "scim": {"active": false, "userType": "Employee", "displayName": "Annie",
                    "emails": [{"type": "work", "primary": true}], (ENTERPRISE): {"department": "Sales"}}})
        );
        let back = Value::Object(of_managed(&people, &to));
        assert_eq!(
            (&back["userName"], &back["locale"], &back["displayName"]),
            (&json!("ann"), &json!("de-CH"), &json!("Annie"))
        );
        assert_eq!(column_of(&people, &["userName"]), Some("userName"));
        assert_eq!(
            column_of(&people, &["displayName"]),
            None,
            "what a script makes cannot be looked up by what was sent"
        );
        let mut outsider = object(user);
        outsider.shift_remove("userType");
        let refused = people.changes(record(&outsider), None).await.unwrap_err();
        assert!(refused.message.contains("userType"), "{refused}");
    }
}
