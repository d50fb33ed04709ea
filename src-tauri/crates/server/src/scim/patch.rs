//! PATCH of RFC 7644, 3.5.2, and of the clients that there are: operations in any case, texts for flags, objects without a path,
//! values that are made when no value of a list is the one that is meant.
//!
//! All or nothing: a patch works on a copy.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::{
    filter::Filter,
    path::Path,
    refusal::Refusal,
    schema::{Attribute, Form, Kind, Mutability},
    tidy,
};

/// Most operations in one patch.
const MOST: usize = 1000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Add,
    Replace,
    Remove,
}

/// The resource after a patch. `partial` takes a partial resource for a patch too, as SCIM 1.1 has it.
pub(crate) fn apply(
    kind: &Kind,
    resource: &Map<String, Value>,
    body: Map<String, Value>,
    partial: bool,
    bare_words: bool,
) -> Result<Map<String, Value>, Refusal> {
    let mut after = resource.clone();
    let operations = body.iter().find(|(name, _)| name.eq_ignore_ascii_case("Operations"));
    let Some((_, operations)) = operations else {
        if partial {
            merge(kind, &mut after, Verb::Replace, body, bare_words)?;
            return Ok(after);
        }
        return Err(Refusal::syntax("a patch has a list of `Operations`"));
    };
    let Value::Array(operations) = operations else {
        return Err(Refusal::syntax("`Operations` must be a list"));
    };
    if operations.len() > MOST {
        return Err(Refusal::too_many(format!(
            "the patch has {} operations; send at most {MOST} at a time",
            operations.len()
        )));
    }
    for operation in operations {
        carry_out(kind, &mut after, operation, bare_words)?;
    }
    Ok(after)
}

fn carry_out(
    kind: &Kind,
    resource: &mut Map<String, Value>,
    operation: &Value,
    bare_words: bool,
) -> Result<(), Refusal> {
    let Value::Object(operation) = operation else {
        return Err(Refusal::syntax("an operation of a patch is a JSON object"));
    };
    let part =
        |name: &str| operation.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value);
    let verb = match part("op").and_then(Value::as_str).map(str::to_ascii_lowercase).as_deref() {
        Some("add") => Verb::Add,
        Some("replace") => Verb::Replace,
        Some("remove") => Verb::Remove,
        _ => return Err(Refusal::syntax("the `op` of an operation is add, replace or remove")),
    };
    let value = part("value").cloned();
    let path = match part("path") {
        None | Some(Value::Null) => "",
        Some(Value::String(path)) => path.trim(),
        Some(_) => return Err(Refusal::path("the `path` of an operation is a text")),
    };
    if !path.is_empty() {
        let path = Path::read(kind, path, bare_words).map_err(Refusal::path)?;
        return change(resource, &path, verb, value);
    }
    match (verb, value) {
        (Verb::Remove, _) => Err(Refusal::no_target("an operation that removes needs a `path`")),
        (_, Some(Value::Object(parts))) => merge(kind, resource, verb, parts, bare_words),
        _ => Err(Refusal::value("an operation without a `path` needs an object as its `value`")),
    }
}

/// Every member of an object, its name being a path.
fn merge(
    kind: &Kind,
    resource: &mut Map<String, Value>,
    verb: Verb,
    parts: Map<String, Value>,
    bare_words: bool,
) -> Result<(), Refusal> {
    for (name, value) in parts {
        let Ok(path) = Path::read(kind, &name, bare_words) else {
            tracing::debug!(attribute = name, "an attribute that no schema knows is left out");
            continue;
        };
        let is = |mutability| path.steps.iter().any(|step| step.mutability == mutability);
        if is(Mutability::ReadOnly) || (value.is_null() && is(Mutability::WriteOnly)) {
            continue;
        }
        if value.is_null() {
            change(resource, &path, Verb::Remove, None)?;
        } else {
            change(resource, &path, verb, Some(value))?;
        }
    }
    Ok(())
}

fn change(
    resource: &mut Map<String, Value>,
    path: &Path,
    verb: Verb,
    value: Option<Value>,
) -> Result<(), Refusal> {
    if let Some(step) = path.steps.iter().find(|step| step.mutability == Mutability::ReadOnly) {
        return Err(Refusal::mutability(format!("`{}` is written by this server alone", step.name)));
    }
    let verb = match (verb, &value) {
        (Verb::Replace, Some(Value::Null)) => Verb::Remove,
        (Verb::Add | Verb::Replace, None) => {
            return Err(Refusal::value("an operation that adds or replaces needs a `value`"));
        }
        (verb, _) => verb,
    };
    // What is never shown is not in the resource, and stays as it is: nobody is to think that it is gone.
    if let (Verb::Remove, Some(hidden)) =
        (verb, path.last().filter(|last| last.mutability == Mutability::WriteOnly))
    {
        return Err(Refusal::mutability(format!("`{}` can be replaced and not removed", hidden.name)));
    }
    at(resource, &path.steps, path.filter.as_deref(), verb, value.unwrap_or(Value::Null))
}

/// Carries an operation out at a path that begins here.
fn at(
    here: &mut Map<String, Value>,
    steps: &[&'static Attribute],
    filter: Option<&Filter>,
    verb: Verb,
    value: Value,
) -> Result<(), Refusal> {
    let Some((first, rest)) = steps.split_first() else { return Ok(()) };
    if first.many && (filter.is_some() || !rest.is_empty()) {
        return in_list(here, first, rest, filter, verb, value);
    }
    if rest.is_empty() {
        return whole(here, first, verb, value);
    }
    if verb == Verb::Remove && !here.contains_key(first.name) {
        return Ok(());
    }
    let inner = here.entry(first.name).or_insert_with(|| Value::Object(Map::new()));
    if let Value::Object(parts) = inner {
        at(parts, rest, None, verb, value)?;
        if parts.is_empty() {
            here.shift_remove(first.name);
        }
    }
    Ok(())
}

/// An attribute as a whole.
fn whole(
    here: &mut Map<String, Value>,
    attribute: &'static Attribute,
    verb: Verb,
    value: Value,
) -> Result<(), Refusal> {
    let before = here.get_mut(attribute.name);
    if verb == Verb::Remove {
        // Entra's older form: the values to remove are in the operation's value.
        if let (true, Some(Value::Array(items)), false) = (attribute.many, before, value.is_null()) {
            let Some(Value::Array(gone)) = tidy::value(attribute, value)? else { return Ok(()) };
            let gone: HashSet<String> = gone.iter().map(name_of).collect();
            items.retain(|item| !gone.contains(&name_of(item)));
            if !items.is_empty() {
                return Ok(());
            }
        }
        here.shift_remove(attribute.name);
        return Ok(());
    }
    let Some(value) = tidy::value(attribute, value)? else {
        if verb == Verb::Replace {
            here.shift_remove(attribute.name);
        }
        return Ok(());
    };
    match (before, value) {
        (Some(Value::Array(items)), Value::Array(more)) if verb == Verb::Add => add(items, more),
        (Some(Value::Object(parts)), Value::Object(more)) => parts.extend(more),
        (_, value) => {
            here.insert(attribute.name.to_owned(), value);
        }
    }
    Ok(())
}

/// What tells a value of a list from the others: its value, or all of it.
fn name_of(item: &Value) -> String {
    item.get("value").unwrap_or(item).to_string()
}

/// Adds what is not there yet.
fn add(items: &mut Vec<Value>, more: Vec<Value>) {
    let mut there: HashSet<String> = items.iter().map(Value::to_string).collect();
    for item in more {
        if !there.insert(item.to_string()) {
            continue;
        }
        let index = items.len();
        items.push(item);
        only_primary(items, index);
    }
}

/// Where this value is the primary one, no other is.
fn only_primary(items: &mut [Value], index: usize) {
    let is_primary = |item: &Value| item.get("primary") == Some(&Value::Bool(true));
    if !items.get(index).is_some_and(is_primary) {
        return;
    }
    for (n, item) in items.iter_mut().enumerate() {
        if n != index
            && is_primary(item)
            && let Value::Object(item) = item
        {
            item.insert("primary".into(), false.into());
        }
    }
}

/// Some values of a list, or a part of them.
fn in_list(
    here: &mut Map<String, Value>,
    list: &'static Attribute,
    rest: &[&'static Attribute],
    filter: Option<&Filter>,
    verb: Verb,
    value: Value,
) -> Result<(), Refusal> {
    let slot = here.entry(list.name).or_insert_with(|| Value::Array(Vec::new()));
    let Value::Array(items) = slot else { return Ok(()) };
    let meant =
        |item: &Value| item.as_object().is_some_and(|item| filter.is_none_or(|filter| filter.matches(item)));
    if verb == Verb::Remove && rest.is_empty() {
        items.retain(|item| !meant(item));
    } else {
        let mut found: Vec<usize> =
            items.iter().enumerate().filter(|(_, item)| meant(item)).map(|(n, _)| n).collect();
        if found.is_empty() && verb != Verb::Remove {
            items.push(Value::Object(made(list, filter)?));
            found.push(items.len() - 1);
        }
        for n in found {
            if let Some(Value::Object(item)) = items.get_mut(n) {
                match rest {
                    [] => {
                        if let Some(Value::Object(parts)) = tidy::one(list, value.clone())? {
                            item.extend(parts);
                        }
                    }
                    rest => at(item, rest, None, verb, value.clone())?,
                }
            }
            only_primary(items, n);
        }
        items.retain(|item| item.as_object().is_none_or(|item| !item.is_empty()));
    }
    if items.is_empty() {
        here.shift_remove(list.name);
    }
    Ok(())
}

/// A new value of a list that meets a filter.
fn made(list: &'static Attribute, filter: Option<&Filter>) -> Result<Map<String, Value>, Refusal> {
    let Some(filter) = filter else { return Ok(Map::new()) };
    let wanted = filter.wanted().ok_or_else(|| {
        Refusal::no_target(format!("no value of `{}` is the one that the path means", list.name))
    })?;
    let mut item = Map::new();
    for (attribute, literal) in wanted {
        if attribute.form != Form::Complex
            && let Some(value) = tidy::one(attribute, literal)?
        {
            item.insert(attribute.name.to_owned(), value);
        }
    }
    Ok(item)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{
        super::schema::{ENTERPRISE, GROUPS, USERS},
        *,
    };

    fn patched(kind: &Kind, before: &Value, operations: Value) -> Result<Value, Refusal> {
        let body = json!({"Operations": operations});
        let object = |value: &Value| value.as_object().cloned().unwrap();
        apply(kind, &object(before), object(&body), false, false).map(Value::Object)
    }

    #[test]
    fn every_variant_of_a_users_patch() {
        let work = json!({"type": "work", "value": "w@x.test", "primary": true});
        let home = json!({"type": "home", "value": "h@x.test"});
        let user = json!({"userName": "ann", "active": true, "emails": [work, home]});
        let one = |op: &str, path: &str, value: Value| json!([{"op": op, "path": path, "value": value}]);
        for (operations, changed) in [
            (one("Replace", "active", json!("False")), json!({"active": false})),
            (one("REPLACE", "ACTIVE", json!(false)), json!({"active": false})),
            (json!([{"op": "replace", "value": {"active": false}}]), json!({"active": false})),
            (
                json!([{"op": "Add", "value": {"name.givenName": "Ann", "unknown": 1, "id": "x",
                    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber": "7"}}]),
                json!({"name": {"givenName": "Ann"}, (ENTERPRISE): {"employeeNumber": "7"}}),
            ),
            (
                json!([{"op": "add", "value": {(ENTERPRISE): {"department": "Sales"}}}]),
                json!({(ENTERPRISE): {"department": "Sales"}}),
            ),
            (one("add", "name", json!({"familyName": "Lee"})), json!({"name": {"familyName": "Lee"}})),
            (one("replace", "name.familyName", json!("Lee")), json!({"name": {"familyName": "Lee"}})),
            (
                one("replace", "emails[type eq \"work\"].value", json!("n@x.test")),
                json!({"emails": [{"type": "work", "value": "n@x.test", "primary": true}, home]}),
            ),
            (
                one("Add", "phoneNumbers[type eq \"mobile\"].value", json!("+1 555")),
                json!({"phoneNumbers": [{"type": "mobile", "value": "+1 555"}]}),
            ),
            (
                one("add", "addresses[type eq \"work\"]", json!({"locality": "Bern"})),
                json!({"addresses": [{"type": "work", "locality": "Bern"}]}),
            ),
            (
                one("add", "emails", json!([{"type": "other", "value": "o@x.test", "primary": "true"}])),
                json!({"emails": [{"type": "work", "value": "w@x.test", "primary": false}, home,
                    {"type": "other", "value": "o@x.test", "primary": true}]}),
            ),
            (
                one("replace", "emails[type eq \"home\"].primary", json!(true)),
                json!({"emails": [{"type": "work", "value": "w@x.test", "primary": false},
                    {"type": "home", "value": "h@x.test", "primary": true}]}),
            ),
            (one("add", "emails", json!(home)), json!({})),
            (one("replace", "emails", json!([home])), json!({"emails": [home]})),
            (one("remove", "emails[type eq \"home\"]", json!(null)), json!({"emails": [work]})),
            (one("remove", "emails[type eq \"fax\"]", json!(null)), json!({})),
            (one("Remove", "emails", json!(null)), json!({"emails": null})),
            (one("remove", "title", json!(null)), json!({})),
            (json!([{"op": "replace", "value": {"password": null}}]), json!({})),
            (one("replace", "title", json!(null)), json!({})),
            (
                one("add", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager", json!("42")),
                json!({(ENTERPRISE): {"manager": {"value": "42"}}}),
            ),
            (
                one(
                    "Replace",
                    "urn:ietf:params:scim:schemas:core:2.0:User:emails[type eq \"home\"].value",
                    json!("n@x.test"),
                ),
                json!({"emails": [work, {"type": "home", "value": "n@x.test"}]}),
            ),
            (
                one("replace", "emails[primary eq true].value", json!("n@x.test")),
                json!({"emails": [{"type": "work", "value": "n@x.test", "primary": true}, home]}),
            ),
            (
                one("Add", "roles[primary eq \"True\"].value", json!("Boss")),
                json!({"roles": [{"primary": true, "value": "Boss"}]}),
            ),
            (
                one("replace", "emails[type eq \"home\"]", json!({"value": "n@x.test", "primary": true})),
                json!({"emails": [{"type": "work", "value": "w@x.test", "primary": false},
                    {"type": "home", "value": "n@x.test", "primary": true}]}),
            ),
            (
                one("remove", "emails[type eq \"work\" and value co \"x.test\"].value", json!(null)),
                json!({"emails": [{"type": "work", "primary": true}, home]}),
            ),
            (
                json!([
                    {"op": "add", "path": "name", "value": {"givenName": "Ann", "familyName": "Lee"}},
                    {"op": "remove", "path": "name.givenName"},
                ]),
                json!({"name": {"familyName": "Lee"}}),
            ),
            (
                json!([
                    {"op": "add", "value": {(ENTERPRISE): {"department": "Sales", "manager": {"value": "7"}}}},
                    {"op": "Remove", "path": format!("{ENTERPRISE}:manager.value")},
                ]),
                json!({(ENTERPRISE): {"department": "Sales"}}),
            ),
            (
                json!([
                    {"op": "add", "path": ENTERPRISE, "value": {"department": "Sales"}},
                    {"op": "replace", "path": format!("{ENTERPRISE}:department"), "value": ""},
                    {"op": "remove", "path": ENTERPRISE},
                ]),
                json!({}),
            ),
            (
                json!([{"op": "Replace", "value": {"emails[type eq \"work\"].value": "n@x.test", "active": "true"}}]),
                json!({"emails": [{"type": "work", "value": "n@x.test", "primary": true}, home]}),
            ),
            (
                one("add", "urn:ietf:params:scim:schemas:core:2.0:User:title", json!("Boss")),
                json!({"title": "Boss"}),
            ),
        ] {
            let mut expect = user.clone();
            for (name, value) in changed.as_object().unwrap() {
                if value.is_null() {
                    expect.as_object_mut().unwrap().shift_remove(name);
                } else {
                    expect[name] = value.clone();
                }
            }
            assert_eq!(patched(&USERS, &user, operations.clone()), Ok(expect), "{operations}");
        }
    }

    #[test]
    fn what_cannot_be_done_is_said() {
        let user = json!({"userName": "ann"});
        for (operations, kind) in [
            (json!([{"op": "move", "path": "title", "value": "x"}]), "invalidSyntax"),
            (json!(["x"]), "invalidSyntax"),
            (json!({"op": "add"}), "invalidSyntax"),
            (json!([{"op": "add", "path": "nothing", "value": "x"}]), "invalidPath"),
            (json!([{"op": "add", "path": 1, "value": "x"}]), "invalidPath"),
            (json!([{"op": "remove"}]), "noTarget"),
            (json!([{"op": "replace", "path": "emails[value co \"x\"].type", "value": "work"}]), "noTarget"),
            (json!([{"op": "add", "path": "title"}]), "invalidValue"),
            (json!([{"op": "add", "value": "x"}]), "invalidValue"),
            (json!([{"op": "replace", "path": "active", "value": "perhaps"}]), "invalidValue"),
            (json!([{"op": "replace", "path": "id", "value": "x"}]), "mutability"),
            (json!([{"op": "add", "path": "title", "value": "x"}, {"op": "remove"}]), "noTarget"),
            (
                json!([{"op": "replace", "path": "emails", "value": [{"value": "a", "primary": true}, {"value": "b", "primary": "True"}]}]),
                "invalidValue",
            ),
            (json!([{"op": "add", "path": "emails[type ne \"work\"].value", "value": "x"}]), "noTarget"),
            (json!([{"op": "remove", "path": "groups"}]), "mutability"),
            (json!([{"op": "remove", "path": "password"}]), "mutability"),
            (json!([{"op": "replace", "path": "password", "value": null}]), "mutability"),
            (json!([{"op": "replace", "path": "meta.version", "value": "x"}]), "mutability"),
        ] {
            let refused = patched(&USERS, &user, operations.clone()).map_err(|refusal| refusal.kind);
            assert_eq!(refused, Err(Some(kind)), "{operations}");
        }
    }

    #[test]
    fn members_come_and_go() {
        let group =
            json!({"displayName": "g", "members": [{"value": "u1"}, {"value": "u2"}, {"value": "u3"}]});
        for (operation, left) in [
            (json!({"op": "remove", "path": "members[value eq \"u2\"]"}), json!(["u1", "u3"])),
            (
                json!({"op": "Remove", "path": "members", "value": [{"value": "u1"}, {"value": "u9"}]}),
                json!(["u2", "u3"]),
            ),
            (json!({"op": "remove", "path": "members", "value": ["u1", "u2", "u3"]}), json!([])),
            (json!({"op": "remove", "path": "members"}), json!([])),
            (
                json!({"op": "Add", "path": "members", "value": [{"$ref": null, "value": "u4"}, {"value": "u1"}]}),
                json!(["u1", "u2", "u3", "u4"]),
            ),
            (json!({"op": "add", "path": "members", "value": "u4"}), json!(["u1", "u2", "u3", "u4"])),
            (
                json!({"op": "add", "value": {"members": [{"value": "u4", "displayName": "Four"}]}}),
                json!(["u1", "u2", "u3", "u4"]),
            ),
            (json!({"op": "replace", "path": "members", "value": [{"value": "u7"}]}), json!(["u7"])),
        ] {
            let after = patched(&GROUPS, &group, json!([operation])).unwrap();
            let ids: Vec<&Value> =
                after["members"].as_array().into_iter().flatten().map(|m| &m["value"]).collect();
            assert_eq!(json!(ids), left, "{operation}");
        }
    }

    #[test]
    fn a_partial_resource_is_a_patch_for_those_who_send_it() {
        let user = json!({"userName": "ann", "title": "Boss"});
        let body =
            json!({"schemas": ["urn:scim:schemas:core:1.0"], "title": "Chief", "emails": ["a@x.test"]});
        let object = |value: &Value| value.as_object().cloned().unwrap();
        assert!(apply(&USERS, &object(&user), object(&body), false, false).is_err());
        let after = apply(&USERS, &object(&user), object(&body), true, false).map(Value::Object);
        assert_eq!(
            after,
            Ok(json!({"userName": "ann", "title": "Chief", "emails": [{"value": "a@x.test"}]}))
        );
    }
}
