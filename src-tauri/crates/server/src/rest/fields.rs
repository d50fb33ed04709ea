//! `_fields`: the parts of an object that somebody wants.

use model::{Attributes, Pointer};
use serde_json::Value;

/// The wanted fields; none wanted means all.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Fields {
    named: Vec<Pointer>,
    /// Whether everything that points at another object is wanted too.
    references: bool,
}

impl Fields {
    /// Reads `a,b/c,/d`. `*` and the empty list are everything, which includes references here; `*_ref` is every reference;
    /// `a/*` is all of `a`.
    pub fn parse(text: &str) -> Self {
        let names: Vec<&str> = text
            .split(',')
            .map(|name| name.trim().trim_start_matches('/'))
            .filter(|name| !name.is_empty())
            .collect();
        if names.contains(&"*") {
            return Self::default();
        }
        let references = names.contains(&"*_ref");
        let named = names
            .into_iter()
            .filter(|name| *name != "*_ref")
            .map(|name| Pointer::parse(name.strip_suffix("/*").unwrap_or(name)))
            .filter(|pointer| !pointer.is_root())
            .collect();
        Self { named, references }
    }

    /// Only the id and the revision.
    pub fn ids() -> Self {
        Self { named: vec![Pointer::parse("_id")], references: false }
    }

    pub fn is_all(&self) -> bool {
        self.named.is_empty() && !self.references
    }

    /// The first step of each: what a remote system is asked for; none where it has to be asked for everything.
    pub fn heads(&self) -> Vec<String> {
        if self.references {
            return Vec::new();
        }
        let mut heads: Vec<String> = self.named.iter().filter_map(|p| p.head().map(str::to_owned)).collect();
        heads.dedup();
        heads
    }

    /// The wanted part of an object, always with its id and revision.
    pub fn of(&self, object: Value) -> Value {
        if self.is_all() {
            return object;
        }
        let mut part = Attributes::new();
        for name in ["_id", "_rev"] {
            if let Some(value) = object.get(name) {
                part.insert(name.into(), value.clone());
            }
        }
        for pointer in &self.named {
            if let Some(value) = pointer.get(&object) {
                pointer.set_in(&mut part, value.clone());
            }
        }
        if self.references {
            let all = object.as_object().into_iter().flatten();
            part.extend(all.filter(|(_, value)| refers(value)).map(|(n, v)| (n.clone(), v.clone())));
        }
        Value::Object(part)
    }
}

/// Whether a value points at another object, or is a list of such values.
fn refers(value: &Value) -> bool {
    match value {
        Value::Array(items) => !items.is_empty() && items.iter().all(|item| item.get("_ref").is_some()),
        value => value.get("_ref").is_some(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_is_wanted_is_left() {
        let object = json!({"_id": "1", "_rev": "2", "sn": "Lee", "preferences": {"updates": true, "marketing": false}});
        for (fields, expect) in [
            ("", object.clone()),
            ("*", object.clone()),
            ("sn,*", object.clone()),
            ("sn", json!({"_id": "1", "_rev": "2", "sn": "Lee"})),
            (
                " /preferences/updates , nothing",
                json!({"_id": "1", "_rev": "2", "preferences": {"updates": true}}),
            ),
            ("_id", json!({"_id": "1", "_rev": "2"})),
            ("*_ref", json!({"_id": "1", "_rev": "2"})),
            (
                "preferences/*",
                json!({"_id": "1", "_rev": "2", "preferences": {"updates": true, "marketing": false}}),
            ),
        ] {
            assert_eq!(Fields::parse(fields).of(object.clone()), expect, "{fields}");
        }
    }

    #[test]
    fn references_are_wanted_by_one_word() {
        let manager = json!({"_ref": "managed/user/7"});
        let object = json!({"_id": "1", "sn": "Lee", "manager": manager, "roles": [{"_ref": "managed/role/1"}], "tags": ["_ref"]});
        for (fields, expect) in [
            ("*_ref", json!({"_id": "1", "manager": manager, "roles": [{"_ref": "managed/role/1"}]})),
            (
                "sn,/*_ref",
                json!({"_id": "1", "sn": "Lee", "manager": manager, "roles": [{"_ref": "managed/role/1"}]}),
            ),
            ("*,*_ref", object.clone()),
        ] {
            assert_eq!(Fields::parse(fields).of(object.clone()), expect, "{fields}");
        }
        assert!(Fields::parse("sn,*_ref").heads().is_empty(), "a reference may be anywhere");
    }
}
