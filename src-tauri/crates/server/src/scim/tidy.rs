//! What clients send, brought into form: names in their right case, flags that came as texts, values that came bare.
//!
//! What no schema knows is left out: clients send more than anybody keeps. What only this server writes is left out too.

use serde_json::{Map, Value};

use super::{
    filter,
    path::Path,
    refusal::Refusal,
    schema::{Attribute, Form, Kind, Mutability},
};

/// A whole resource.
pub(crate) fn resource(kind: &Kind, body: Map<String, Value>) -> Result<Map<String, Value>, Refusal> {
    let mut found = Map::new();
    for (name, value) in body {
        let Some(attribute) = known(kind, &name) else { continue };
        if attribute.mutability == Mutability::ReadOnly {
            continue;
        }
        if let Some(value) = self::value(attribute, value)? {
            found.insert(attribute.name.to_owned(), value);
        }
    }
    Ok(found)
}

fn known(kind: &Kind, name: &str) -> Option<&'static Attribute> {
    let path = Path::read(kind, name, false).ok();
    let found = path.filter(|path| path.steps.len() == 1 && path.filter.is_none())?.last();
    if found.is_none() {
        tracing::debug!(attribute = name, "an attribute that no schema knows is left out");
    }
    found
}

/// The value of an attribute; `None` where there is none.
pub(crate) fn value(attribute: &'static Attribute, given: Value) -> Result<Option<Value>, Refusal> {
    if !attribute.many {
        return one(attribute, given);
    }
    let items = match given {
        Value::Null => return Ok(None),
        Value::Array(items) => items,
        item => vec![item],
    };
    let mut found = Vec::with_capacity(items.len());
    for item in items {
        found.extend(one(attribute, item)?);
    }
    let is_primary = |item: &Value| item.get("primary") == Some(&Value::Bool(true));
    if found.iter().filter(|item| is_primary(item)).count() > 1 {
        return Err(Refusal::value(format!("only one of `{}` can be the primary one", attribute.name)));
    }
    Ok((!found.is_empty()).then(|| found.into()))
}

/// One value of an attribute.
pub(crate) fn one(attribute: &'static Attribute, given: Value) -> Result<Option<Value>, Refusal> {
    let wrong = |what: &str| Err(Refusal::value(format!("`{}` must be {what}", attribute.name)));
    Ok(Some(match (attribute.form, given) {
        (_, Value::Null) => return Ok(None),
        (Form::Complex, Value::Object(parts)) => {
            let mut found = Map::new();
            for (name, part) in parts {
                let sub = attribute.sub(&name).filter(|sub| sub.mutability != Mutability::ReadOnly);
                let Some(sub) = sub else { continue };
                if let Some(part) = value(sub, part)? {
                    found.insert(sub.name.to_owned(), part);
                }
            }
            if found.is_empty() {
                return Ok(None);
            }
            Value::Object(found)
        }
        // WSO2 sends e-mail addresses as plain texts, and Entra a manager as an id.
        (Form::Complex, Value::String(text)) if attribute.sub("value").is_some() => {
            if text.is_empty() {
                return Ok(None);
            }
            Value::Object(Map::from_iter([("value".to_owned(), Value::String(text))]))
        }
        (Form::Complex, _) => return wrong("a JSON object"),
        (Form::Flag, Value::Bool(flag)) => Value::Bool(flag),
        (Form::Flag, Value::String(text)) => match filter::flag(text.trim()) {
            Some(flag) => Value::Bool(flag),
            None => return wrong("true or false"),
        },
        (Form::Flag, _) => return wrong("true or false"),
        (_, Value::String(text)) => Value::String(text),
        (_, Value::Number(number)) => Value::String(number.to_string()),
        _ => return wrong("a text"),
    }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{
        super::schema::{GROUPS, USERS},
        *,
    };

    #[test]
    fn bodies_are_brought_into_form() {
        for (kind, body, expect) in [
            (
                &USERS,
                json!({"USERNAME": "ann", "active": "True"}),
                Some(json!({"userName": "ann", "active": true})),
            ),
            (&USERS, json!({"emails": ["a@b.test"]}), Some(json!({"emails": [{"value": "a@b.test"}]}))),
            (
                &USERS,
                json!({"emails": {"Value": "a@b.test", "x": 1}}),
                Some(json!({"emails": [{"value": "a@b.test"}]})),
            ),
            (&USERS, json!({"emails": [], "name": {}, "title": null, "unknown": [1]}), Some(json!({}))),
            (
                &USERS,
                json!({"id": "7", "meta": {"version": "x"}, "groups": [{"value": "1"}]}),
                Some(json!({})),
            ),
            (
                &USERS,
                json!({"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"manager": "7", "employeeNumber": 12}}),
                Some(
                    json!({"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"manager": {"value": "7"}, "employeeNumber": "12"}}),
                ),
            ),
            (
                &GROUPS,
                json!({"members": [{"value": "u1", "$ref": null, "display": "Ann"}, "u2"]}),
                Some(json!({"members": [{"value": "u1"}, {"value": "u2"}]})),
            ),
            (&USERS, json!({"active": "perhaps"}), None),
            (&USERS, json!({"userName": {"a": 1}}), None),
            (&USERS, json!({"name": "Ann Lee"}), None),
            (
                &USERS,
                json!({"emails": [{"value": "a", "primary": true}, {"value": "b", "primary": "true"}]}),
                None,
            ),
        ] {
            let tidied = resource(kind, body.as_object().cloned().unwrap()).ok().map(Value::Object);
            assert_eq!(tidied, expect, "{body}");
        }
    }
}
