//! `_fields`: the parts of an object that somebody wants.

use model::{Attributes, Pointer};
use serde_json::Value;

/// The wanted fields; none wanted means all.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Fields(Vec<Pointer>);

impl Fields {
    /// Reads `a,b/c,/d`. `*` and the empty list are everything.
    pub fn parse(text: &str) -> Self {
        let names: Vec<&str> = text.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
        if names.iter().any(|name| matches!(*name, "*" | "/*")) {
            return Self::default();
        }
        Self(names.into_iter().map(Pointer::parse).filter(|pointer| !pointer.is_root()).collect())
    }

    /// Only the id and the revision.
    pub fn ids() -> Self {
        Self(vec![Pointer::parse("_id")])
    }

    pub fn is_all(&self) -> bool {
        self.0.is_empty()
    }

    /// The first step of each: what a remote system is asked for.
    pub fn heads(&self) -> Vec<String> {
        let mut heads: Vec<String> = self.0.iter().filter_map(|p| p.head().map(str::to_owned)).collect();
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
        for pointer in &self.0 {
            if let Some(value) = pointer.get(&object) {
                pointer.set_in(&mut part, value.clone());
            }
        }
        Value::Object(part)
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
        ] {
            assert_eq!(Fields::parse(fields).of(object.clone()), expect, "{fields}");
        }
    }
}
