//! Changes of a record as PATCH operations (RFC 7644, section 3.5.2).
//!
//! First the changes are said in the shortest way, without knowing the record. Servers differ in what they make of that:
//! some refuse an element that is not there yet, or say nothing and do nothing. Then the record is read, and the same
//! changes are said against what it has: lists whole, parts added or replaced as is fitting.

use serde_json::{Map, Value, json};

use super::names::{Path, Place, Which, difference, wanted_values};

/// The schema of PATCH requests.
const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// One attribute with its new value; null clears.
#[derive(Debug, Clone)]
pub(super) struct Assignment {
    /// The name that the mapping uses.
    pub name: String,
    pub path: Path,
    pub value: Value,
}

impl Assignment {
    fn clears(&self) -> bool {
        !model::filter::is_present(&self.value)
    }

    /// Whether a record has what was asked for. What a server never shows cannot be told.
    pub fn shows_in(&self, resource: &Map<String, Value>) -> bool {
        match self.path.read(resource) {
            None => self.clears(),
            Some(found) => {
                let found = if self.clears() {
                    !model::filter::is_present(&found)
                } else {
                    same(&found, &self.value)
                };
                found || matches!(self.path.place, Place::Values(_))
            }
        }
    }
}

/// Texts that differ in case alone may be the server's way to keep them.
fn same(found: &Value, wanted: &Value) -> bool {
    match (found, wanted) {
        (Value::String(a), Value::String(b)) => a.to_lowercase() == b.to_lowercase(),
        (a, b) => a == b || a.to_string().trim_matches('"') == b.to_string().trim_matches('"'),
    }
}

/// Whether changes can only be said against what the record has: lists of references, of which single ones come and go, and
/// the primary element, which may be the first one.
pub(super) fn needs_record(changes: &[Assignment]) -> bool {
    changes
        .iter()
        .any(|c| matches!(c.path.place, Place::Values(_) | Place::Element { which: Which::Primary, .. }))
}

/// Whether changes are about elements of lists, which servers understand in different ways.
pub(super) fn is_delicate(changes: &[Assignment]) -> bool {
    changes.iter().any(|c| matches!(c.path.place, Place::Element { .. }))
}

/// The request for these operations.
pub(super) fn request(operations: Vec<Value>) -> Value {
    json!({"schemas": [PATCH], "Operations": operations})
}

/// The changes without knowing the record.
pub(super) fn unseen(changes: &[Assignment]) -> Vec<Value> {
    changes
        .iter()
        .map(|change| {
            let path = change.path.scim();
            match (&change.path.place, change.clears()) {
                (_, false) => replace(&path, change.value.clone()),
                // An element without its value says nothing any more.
                (Place::Element { sub, .. }, true) if sub == "value" => {
                    remove(&change.path.element().unwrap_or(path))
                }
                (_, true) => remove(&path),
            }
        })
        .collect()
}

/// The changes against what the record has.
pub(super) fn seen(changes: &[Assignment], record: &Map<String, Value>) -> Vec<Value> {
    let mut operations = Vec::new();
    let mut lists: Vec<String> = Vec::new();
    for change in changes {
        let top = change.path.top();
        match &change.path.place {
            Place::Values(sub) => operations.extend(list_changes(change, sub, record)),
            // Where the whole list is said, it is said once, with all changes in it.
            Place::Element { .. } if lists.contains(&top) => {}
            Place::Element { .. } => {
                let mut after = record.clone();
                let same_list =
                    |c: &&Assignment| c.path.top() == top && matches!(c.path.place, Place::Element { .. });
                changes.iter().filter(same_list).for_each(|c| c.path.put(&mut after, &c.value));
                let (before, now) = (change.path.attribute_of(record), change.path.attribute_of(&after));
                if before != now {
                    operations.push(match now {
                        Some(list) if before.is_some() => replace(&top, list.clone()),
                        Some(list) => add(&top, list.clone()),
                        None => remove(&top),
                    });
                }
                lists.push(top);
            }
            _ => {
                let path = change.path.scim();
                let before = change.path.read(record).filter(model::filter::is_present);
                match (before, change.clears()) {
                    (Some(before), false) if before == change.value => {}
                    (Some(_), false) => operations.push(replace(&path, change.value.clone())),
                    (None, false) => operations.push(add(&path, change.value.clone())),
                    (Some(_), true) => operations.push(remove(&path)),
                    (None, true) => {}
                }
            }
        }
    }
    operations
}

/// What a list of references gains and loses.
fn list_changes(change: &Assignment, sub: &str, record: &Map<String, Value>) -> Vec<Value> {
    let top = change.path.top();
    let before = match change.path.read(record) {
        Some(Value::Array(values)) => values,
        _ => Vec::new(),
    };
    let wanted = wanted_values(&change.value, sub);
    if wanted.is_empty() && !before.is_empty() {
        return vec![remove(&top)];
    }
    let (added, removed) = difference(&before, &wanted);
    let mut operations: Vec<Value> =
        removed.iter().map(|value| remove(&format!("{top}[{sub} eq {value}]"))).collect();
    if !added.is_empty() {
        let elements: Vec<Value> = added.into_iter().map(|value| json!({ sub: value })).collect();
        operations.push(add(&top, Value::Array(elements)));
    }
    operations
}

fn replace(path: &str, value: Value) -> Value {
    json!({"op": "replace", "path": path, "value": value})
}

fn add(path: &str, value: Value) -> Value {
    json!({"op": "add", "path": path, "value": value})
}

fn remove(path: &str) -> Value {
    json!({"op": "remove", "path": path})
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Assignment, seen, unseen};
    use crate::scim::names::Path;
    use crate::scim::shape::Shape;

    fn changes(kind: &str, changes: &Value) -> Vec<Assignment> {
        let shape = Shape::assumed(kind);
        changes
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, value)| Assignment {
                name: name.clone(),
                path: Path::parse(name, &shape).unwrap(),
                value: value.clone(),
            })
            .collect()
    }

    #[test]
    fn changes_become_operations_in_the_shortest_way() {
        let department = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department";
        for (change, expect) in [
            (json!({"userName": "ann"}), json!([{"op": "replace", "path": "userName", "value": "ann"}])),
            (
                json!({"name/givenName": "A"}),
                json!([{"op": "replace", "path": "name.givenName", "value": "A"}]),
            ),
            (json!({"title": null}), json!([{"op": "remove", "path": "title"}])),
            (json!({"title": ""}), json!([{"op": "remove", "path": "title"}])),
            (json!({"active": false}), json!([{"op": "replace", "path": "active", "value": false}])),
            (json!({department: "Sales"}), json!([{"op": "replace", "path": department, "value": "Sales"}])),
            (
                json!({"emails.work.value": "a@b"}),
                json!([{"op": "replace", "path": "emails[type eq \"work\"].value", "value": "a@b"}]),
            ),
            (json!({"emails.work": null}), json!([{"op": "remove", "path": "emails[type eq \"work\"]"}])),
            (
                json!({"addresses.home.locality": null}),
                json!([{"op": "remove", "path": "addresses[type eq \"home\"].locality"}]),
            ),
            (
                json!({"emails": [{"value": "a@b", "type": "work"}]}),
                json!([{"op": "replace", "path": "emails", "value": [{"value": "a@b", "type": "work"}]}]),
            ),
        ] {
            assert_eq!(json!(unseen(&changes("User", &change))), expect, "{change}");
        }
    }

    #[test]
    fn a_seen_record_is_changed_in_the_surest_way() {
        let ann = json!({
            "userName": "ann", "title": "Boss",
            "emails": [{"value": "old@b", "type": "work"}, {"value": "h@b", "type": "home"}],
            "phoneNumbers": ["1", {"value": "2", "type": "work"}],
        });
        for (change, expect) in [
            (json!({"title": null, "nickName": null}), json!([{"op": "remove", "path": "title"}])),
            (
                json!({"title": "Chief", "nickName": "A"}),
                json!([{"op": "replace", "path": "title", "value": "Chief"}, {"op": "add", "path": "nickName", "value": "A"}]),
            ),
            (json!({"title": "Boss"}), json!([])),
            (
                json!({"emails.work": "new@b", "emails.other": "o@b"}),
                json!([{"op": "replace", "path": "emails", "value": [
                    {"value": "new@b", "type": "work"}, {"value": "h@b", "type": "home"}, {"type": "other", "value": "o@b"},
                ]}]),
            ),
            (
                json!({"emails.work": null}),
                json!([{"op": "replace", "path": "emails", "value": [{"value": "h@b", "type": "home"}]}]),
            ),
            (json!({"emails.work": null, "emails.home": null}), json!([{"op": "remove", "path": "emails"}])),
            (
                json!({"emails.primary": "p@b"}),
                json!([{"op": "replace", "path": "emails", "value": [
                    {"value": "p@b", "type": "work"}, {"value": "h@b", "type": "home"},
                ]}]),
            ),
            (
                json!({"addresses.work.locality": "Bonn", "addresses.work.country": "DE"}),
                json!([{"op": "add", "path": "addresses", "value": [{"type": "work", "locality": "Bonn", "country": "DE"}]}]),
            ),
            (
                json!({"phoneNumbers.work": "3"}),
                json!([{"op": "replace", "path": "phoneNumbers", "value": [{"value": "1"}, {"value": "3", "type": "work"}]}]),
            ),
        ] {
            let operations = seen(&changes("User", &change), ann.as_object().unwrap());
            assert_eq!(json!(operations), expect, "{change}");
        }
    }

    #[test]
    fn members_come_and_go_one_by_one() {
        let group =
            json!({"displayName": "g", "members": [{"value": "1", "display": "Ann"}, {"value": "2"}]});
        for (members, expect) in [
            (json!(["1", "2"]), json!([])),
            (json!([{"value": "2"}, {"value": "1"}]), json!([])),
            (
                json!(["2", "3", "4"]),
                json!([
                    {"op": "remove", "path": "members[value eq \"1\"]"},
                    {"op": "add", "path": "members", "value": [{"value": "3"}, {"value": "4"}]},
                ]),
            ),
            (json!([]), json!([{"op": "remove", "path": "members"}])),
            (json!(null), json!([{"op": "remove", "path": "members"}])),
        ] {
            let changes = changes("Group", &json!({"members.value": members}));
            assert_eq!(json!(seen(&changes, group.as_object().unwrap())), expect, "{members}");
        }
    }
}
