//! Groups of SCIM as managed objects of the type `group`, and back. Pure.

use model::Attributes;
use serde_json::{Map, Value, json};

/// The type that holds groups, made when the first one comes. Members are kept as plain ids, so that one can be looked up.
pub(crate) fn managed_type() -> Value {
    let text =
        |title: &str| json!({"title": title, "type": "string", "viewable": true, "userEditable": true});
    let mut name = text("Name");
    if let Some(name) = name.as_object_mut() {
        name.insert("searchable".into(), true.into());
        name.insert("policies".into(), json!([{"policyId": "unique", "params": {}}]));
    }
    json!({
        "name": "group",
        "schema": {
            "title": "Group",
            "required": ["displayName"],
            "order": ["displayName", "members", "externalId"],
            "properties": {
                "displayName": name,
                "members": {"title": "Members", "type": "array", "viewable": true, "items": {"type": "string"}},
                "externalId": text("External id"),
            },
        },
    })
}

/// The changes of a managed group that make it what a client sent.
pub(crate) fn to_managed(mut group: Map<String, Value>) -> Attributes {
    let mut found = Attributes::new();
    for name in ["displayName", "externalId"] {
        found.insert(name.to_owned(), group.shift_remove(name).unwrap_or(Value::Null));
    }
    let mut members: Vec<Value> = Vec::new();
    if let Some(Value::Array(sent)) = group.shift_remove("members") {
        members.extend(sent.into_iter().filter_map(|mut member| Some(member.get_mut("value")?.take())));
        let mut seen = std::collections::HashSet::new();
        members.retain(|member| member.as_str().is_some_and(|id| seen.insert(id.to_owned())));
    }
    found.insert("members".into(), if members.is_empty() { Value::Null } else { members.into() });
    found
}

/// A managed group as SCIM has it. `base` is where this server's resources are.
pub(crate) fn of_managed(attributes: &Attributes, base: &str) -> Map<String, Value> {
    let mut group = Map::new();
    for name in ["displayName", "externalId"] {
        if let Some(value) = attributes.get(name).filter(|value| value.is_string()) {
            group.insert(name.to_owned(), value.clone());
        }
    }
    let members: Vec<Value> = members(attributes)
        .map(|id| json!({"value": id, "$ref": format!("{base}/Users/{id}"), "type": "User"}))
        .collect();
    if !members.is_empty() {
        group.insert("members".into(), members.into());
    }
    group
}

/// The ids of a managed group's members.
pub(crate) fn members(attributes: &Attributes) -> impl Iterator<Item = &str> {
    attributes.get("members").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_kept_as_ids() {
        let group = json!({"displayName": "g", "members": [{"value": "u1", "type": "User"}, {"value": "u2"}, {"value": "u1"}, {"type": "User"}]});
        let to = to_managed(group.as_object().cloned().unwrap());
        assert_eq!(
            Value::Object(to.clone()),
            json!({"displayName": "g", "externalId": null, "members": ["u1", "u2"]})
        );
        let back = of_managed(&to, "http://h/scim/v2");
        assert_eq!(
            back["members"][1],
            json!({"value": "u2", "$ref": "http://h/scim/v2/Users/u2", "type": "User"})
        );
        assert_eq!(to_managed(Map::new()).get("members"), Some(&Value::Null));
    }

    #[test]
    fn the_type_is_one_that_the_repository_takes() {
        let config: model::ManagedObjectConfig = serde_json::from_value(managed_type()).unwrap();
        assert_eq!(config.unique().collect::<Vec<_>>(), ["displayName"]);
    }
}
