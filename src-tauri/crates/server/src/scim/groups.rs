//! Groups of SCIM as managed objects, and back. Pure.
//!
//! Which managed attribute takes what is for the mapping from `scim/Group` to say; this makes the record that it maps. Members
//! are plain ids of users in it, so that one can be looked up. What no managed attribute stands for is kept in the attribute
//! `scim` and given back as it came.

use std::collections::HashSet;

use api::Arrivals;
use model::{Attributes, Pointer};
use serde_json::{Map, Value, json};

use super::{people::KEPT, schema::USERS};

const MEMBERS: &str = "members";

/// The type that holds groups where no mapping leads elsewhere, made when the first one comes.
pub(crate) fn managed_type() -> Value {
    let text =
        |title: &str| json!({"title": title, "type": "string", "viewable": true, "userEditable": true});
    let mut name = text("Name");
    if let Some(name) = name.as_object_mut() {
        name.insert("searchable".into(), true.into());
        name.insert("policies".into(), json!([{"policyId": "unique", "params": {}}]));
    }
    json!({
        "name": api::GROUP_TYPE,
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

/// The record of a group, for the mapping.
pub(crate) fn record(mut group: Map<String, Value>) -> Attributes {
    let mut members: Vec<Value> = Vec::new();
    if let Some(Value::Array(sent)) = group.shift_remove(MEMBERS) {
        members.extend(sent.into_iter().filter_map(|mut member| Some(member.get_mut("value")?.take())));
        let mut seen = HashSet::new();
        members.retain(|member| member.as_str().is_some_and(|id| seen.insert(id.to_owned())));
    }
    group.shift_remove("schemas");
    if !members.is_empty() {
        group.insert(MEMBERS.into(), members.into());
    }
    group
}

/// What has to be kept of a group's record beside the managed object that was made of it.
pub(crate) fn kept(arrivals: &Arrivals, mut record: Attributes) -> Option<Value> {
    record.shift_remove(api::MEMBER_NAMES);
    for source in arrivals.sources() {
        record.shift_remove(source);
    }
    (!record.is_empty()).then_some(Value::Object(record))
}

/// The record of a managed object, as it came.
fn record_of(arrivals: &Arrivals, attributes: &Attributes) -> Attributes {
    let mut record = arrivals.record_of(attributes);
    record.shift_remove(api::MEMBER_NAMES);
    for (name, value) in attributes.get(KEPT).and_then(Value::as_object).into_iter().flatten() {
        record.entry(name.clone()).or_insert_with(|| value.clone());
    }
    record
}

/// A managed object as a group of SCIM. `base` is where this server's resources are.
pub(crate) fn of_managed(arrivals: &Arrivals, attributes: &Attributes, base: &str) -> Map<String, Value> {
    let mut group = record_of(arrivals, attributes);
    let members: Vec<Value> = ids(&group)
        .map(|id| json!({"value": id, "$ref": format!("{base}/Users/{id}"), "type": "User"}))
        .collect();
    group.retain(|name, value| name != MEMBERS && !value.is_null());
    if !members.is_empty() {
        group.insert(MEMBERS.into(), members.into());
    }
    group
}

/// The ids of the members of a managed object.
pub(crate) fn members(arrivals: &Arrivals, attributes: &Attributes) -> Vec<String> {
    ids(&record_of(arrivals, attributes)).map(str::to_owned).collect()
}

/// Where the members' ids are in a managed object, as a pointer.
pub(crate) fn members_place(arrivals: &Arrivals) -> Pointer {
    arrivals.column_of(MEMBERS).map_or_else(|| Pointer::parse("scim/members"), Pointer::parse)
}

/// The first member that says of itself that it is no user.
pub(crate) fn no_user(group: &Map<String, Value>) -> Option<&str> {
    let is_user = |member: &Value| {
        let kind = member.get("type").and_then(Value::as_str).unwrap_or_default();
        kind.is_empty() || kind.eq_ignore_ascii_case(USERS.name)
    };
    let member = sent(group).find(|member| !is_user(member))?;
    Some(member.get("value").and_then(Value::as_str).unwrap_or_default())
}

/// The ids of the members of a resource.
pub(crate) fn shown_ids(group: &Map<String, Value>) -> impl Iterator<Item = &str> {
    sent(group).filter_map(|member| member.get("value")?.as_str())
}

/// Leaves these people alone in a resource.
pub(crate) fn keep(group: &mut Map<String, Value>, people: &HashSet<String>) {
    let Some(Value::Array(members)) = group.get_mut(MEMBERS) else { return };
    members
        .retain(|member| member.get("value").and_then(Value::as_str).is_some_and(|id| people.contains(id)));
    if members.is_empty() {
        group.shift_remove(MEMBERS);
    }
}

fn sent(group: &Map<String, Value>) -> impl Iterator<Item = &Value> {
    group.get(MEMBERS).and_then(Value::as_array).into_iter().flatten()
}

/// The ids of a record's members.
pub(crate) fn ids(record: &Attributes) -> impl Iterator<Item = &str> {
    record.get(MEMBERS).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrivals(properties: Value) -> Arrivals {
        let config =
            json!({"name": "g", "source": "scim/Group", "target": "managed/group", "properties": properties});
        Arrivals::of(model::MappingConfig::from_value(config).unwrap())
    }

    #[test]
    fn members_are_kept_as_ids() {
        let config: model::ManagedObjectConfig = serde_json::from_value(managed_type()).unwrap();
        let arrivals = Arrivals::of(api::groups_mapping(&config).unwrap());
        let group = json!({"displayName": "g", "members": [{"value": "u1", "type": "User"}, {"value": "u2"}, {"value": "u1"}, {"type": "User"}]});
        let record = record(group.as_object().cloned().unwrap());
        assert_eq!(Value::Object(record.clone()), json!({"displayName": "g", "members": ["u1", "u2"]}));
        assert_eq!(kept(&arrivals, record.clone()), None, "all of it is at home");
        let back = of_managed(&arrivals, &record, "http://h/scim/v2");
        assert_eq!(
            back["members"][1],
            json!({"value": "u2", "$ref": "http://h/scim/v2/Users/u2", "type": "User"})
        );
        assert_eq!(members(&arrivals, &record), ["u1", "u2"]);
        assert_eq!(members_place(&arrivals).to_string(), "members");
        assert!(!super::record(Map::new()).contains_key("members"));
    }

    #[test]
    fn what_no_attribute_takes_is_kept_and_given_back() {
        let arrivals = arrivals(json!([
            {"source": "displayName", "target": "name"},
            {"source": "memberNames", "target": "people"},
        ]));
        let record: Attributes =
            json!({"displayName": "g", "externalId": "E", "members": ["u1"], "memberNames": ["ann"]})
                .as_object()
                .cloned()
                .unwrap();
        let kept = kept(&arrivals, record).unwrap();
        assert_eq!(kept, json!({"externalId": "E", "members": ["u1"]}));
        let managed: Attributes =
            json!({"name": "g", "people": ["ann"], "scim": kept}).as_object().cloned().unwrap();
        assert_eq!(
            Value::Object(of_managed(&arrivals, &managed, "b")),
            json!({"displayName": "g", "externalId": "E", "members": [{"value": "u1", "$ref": "b/Users/u1", "type": "User"}]})
        );
        assert_eq!(members_place(&arrivals).to_string(), "scim/members");
    }

    #[test]
    fn the_type_is_one_that_the_repository_takes() {
        let config: model::ManagedObjectConfig = serde_json::from_value(managed_type()).unwrap();
        assert_eq!(config.unique().collect::<Vec<_>>(), ["displayName"]);
    }
}
