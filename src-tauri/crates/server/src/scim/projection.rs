//! Which attributes an answer holds: `attributes` and `excludedAttributes` of RFC 7644, 3.9.

use serde_json::{Map, Value};

use super::{
    path::Path,
    schema::{Attribute, Kind},
};

/// What everybody gets.
const ALWAYS: [&str; 2] = ["schemas", "id"];

/// What an answer holds. Names that no schema knows are passed over.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Projection {
    only: Option<Vec<Path>>,
    without: Vec<Path>,
}

impl Projection {
    pub fn read<'n>(
        kind: &Kind,
        only: Option<impl Iterator<Item = &'n str>>,
        without: impl Iterator<Item = &'n str>,
    ) -> Self {
        let read = |name: &str| Path::read(kind, name, false).ok().filter(|path| path.filter.is_none());
        Self {
            only: only.map(|names| names.filter_map(read).collect()),
            without: without.filter_map(read).collect(),
        }
    }

    /// Whether anything of an attribute is in the answer.
    pub fn shows(&self, attribute: &str) -> bool {
        self.only.as_ref().is_none_or(|paths| paths.iter().any(|path| path.begins_with(attribute)))
            && !self.without.iter().any(|path| path.steps.len() == 1 && path.begins_with(attribute))
    }

    /// The answer.
    pub fn of(&self, mut resource: Map<String, Value>) -> Map<String, Value> {
        if let Some(paths) = &self.only {
            let mut found = Map::new();
            for name in ALWAYS {
                if let Some(value) = resource.get(name) {
                    found.insert(name.to_owned(), value.clone());
                }
            }
            for path in paths {
                copy(&resource, &path.steps, &mut found);
            }
            resource = found;
        }
        for path in &self.without {
            if path.steps.first().is_some_and(|step| !ALWAYS.contains(&step.name)) {
                remove(&mut resource, &path.steps);
            }
        }
        resource
    }
}

fn copy(from: &Map<String, Value>, steps: &[&'static Attribute], to: &mut Map<String, Value>) {
    let Some((first, rest)) = steps.split_first() else { return };
    let Some(value) = from.get(first.name) else { return };
    if rest.is_empty() {
        to.insert(first.name.to_owned(), value.clone());
        return;
    }
    match value {
        Value::Object(parts) => {
            let slot = to.entry(first.name).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(inner) = slot {
                copy(parts, rest, inner);
            }
        }
        Value::Array(items) => {
            let empty = || items.iter().map(|_| Value::Object(Map::new())).collect();
            let slot = to.entry(first.name).or_insert_with(empty);
            for (item, inner) in items.iter().zip(slot.as_array_mut().into_iter().flatten()) {
                if let (Value::Object(item), Value::Object(inner)) = (item, inner) {
                    copy(item, rest, inner);
                }
            }
        }
        _ => {}
    }
}

fn remove(from: &mut Map<String, Value>, steps: &[&'static Attribute]) {
    let Some((first, rest)) = steps.split_first() else { return };
    if rest.is_empty() {
        from.shift_remove(first.name);
        return;
    }
    match from.get_mut(first.name) {
        Some(Value::Object(parts)) => remove(parts, rest),
        Some(Value::Array(items)) => {
            items.iter_mut().filter_map(Value::as_object_mut).for_each(|item| remove(item, rest));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{super::schema::USERS, *};

    #[test]
    fn answers_hold_what_was_asked_for() {
        let user = json!({"schemas": ["s"], "id": "1", "userName": "ann", "name": {"givenName": "Ann", "familyName": "Lee"},
            "emails": [{"value": "a", "type": "work"}, {"value": "b", "type": "home"}], "meta": {}});
        for (only, without, expect) in [
            (
                Some(vec!["USERNAME", "nothing"]),
                vec![],
                json!({"schemas": ["s"], "id": "1", "userName": "ann"}),
            ),
            (
                Some(vec!["name.givenName", "emails.value"]),
                vec![],
                json!({"schemas": ["s"], "id": "1", "name": {"givenName": "Ann"}, "emails": [{"value": "a"}, {"value": "b"}]}),
            ),
            (
                None,
                vec!["id", "meta", "emails", "name.familyName"],
                json!({"schemas": ["s"], "id": "1", "userName": "ann", "name": {"givenName": "Ann"}}),
            ),
            (
                Some(vec!["emails"]),
                vec!["emails.type"],
                json!({"schemas": ["s"], "id": "1", "emails": [{"value": "a"}, {"value": "b"}]}),
            ),
        ] {
            let projection =
                Projection::read(&USERS, only.clone().map(Vec::into_iter), without.clone().into_iter());
            let found = projection.of(user.as_object().cloned().unwrap());
            assert_eq!(Value::Object(found), expect, "{only:?} {without:?}");
        }
    }
}
