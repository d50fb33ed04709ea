//! JSON pointers as IDM writes them: the leading slash is optional, `""` is the whole document.

use std::fmt;

use serde_json::{Map, Value};

/// A path into a JSON document.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pointer(Vec<String>);

impl Pointer {
    /// Reads `/a/b`, `a/b`, `a` or the empty text. `~1` stands for `/` and `~0` for `~`.
    pub fn parse(text: &str) -> Self {
        let text = text.strip_prefix('/').unwrap_or(text);
        if text.is_empty() {
            return Self(Vec::new());
        }
        Self(text.split('/').map(unescaped).collect())
    }

    /// The pointer with these steps.
    pub fn from_steps(steps: &[String]) -> Self {
        Self(steps.to_vec())
    }

    /// Whether it points at the document itself.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The steps from the root.
    pub fn steps(&self) -> &[String] {
        &self.0
    }

    /// The first step: the attribute that a connector is asked for.
    pub fn head(&self) -> Option<&str> {
        self.0.first().map(String::as_str)
    }

    /// The pointer without its first step, for documents that a variable name stands in front of.
    pub fn tail(&self) -> Self {
        Self(self.0.iter().skip(1).cloned().collect())
    }

    /// The value there, if there is one.
    pub fn get<'v>(&self, document: &'v Value) -> Option<&'v Value> {
        self.0.iter().try_fold(document, step_into)
    }

    /// The value there in an object that is held as a map.
    pub fn get_in<'v>(&self, object: &'v Map<String, Value>) -> Option<&'v Value> {
        let (first, rest) = self.0.split_first()?;
        rest.iter().try_fold(object.get(first)?, step_into)
    }

    /// The value there in the variable that the first step names.
    pub fn get_among<'v>(&self, variables: &[(&str, &'v Value)]) -> Option<&'v Value> {
        let (first, rest) = self.0.split_first()?;
        let (_, variable) = variables.iter().find(|(name, _)| name == first)?;
        rest.iter().try_fold(*variable, step_into)
    }

    /// Whether it has more steps than any document of people; what is nested as deeply can be written and not be read again.
    pub fn is_too_deep(&self) -> bool {
        self.0.len() > Self::DEEPEST
    }

    /// Most steps of a pointer that something is put at.
    pub const DEEPEST: usize = 32;

    /// Puts a value there, making the objects in between. A root pointer, and one that is too deep, changes nothing and
    /// returns false.
    pub fn set_in(&self, object: &mut Map<String, Value>, value: Value) -> bool {
        if self.is_too_deep() {
            return false;
        }
        let Some((last, parents)) = self.0.split_last() else { return false };
        let mut here = object;
        for step in parents {
            let slot = here.entry(step.clone()).or_insert_with(|| Value::Object(Map::new()));
            if !slot.is_object() {
                *slot = Value::Object(Map::new());
            }
            let Value::Object(next) = slot else { return false };
            here = next;
        }
        here.insert(last.clone(), value);
        true
    }

    /// Takes the value there out of the object.
    pub fn remove_in(&self, object: &mut Map<String, Value>) -> Option<Value> {
        let (last, parents) = self.0.split_last()?;
        let mut here = object;
        for step in parents {
            here = here.get_mut(step)?.as_object_mut()?;
        }
        here.shift_remove(last)
    }
}

fn unescaped(step: &str) -> String {
    if step.contains('~') { step.replace("~1", "/").replace("~0", "~") } else { step.to_owned() }
}

fn step_into<'v>(value: &'v Value, step: &String) -> Option<&'v Value> {
    match value {
        Value::Object(map) => map.get(step),
        Value::Array(items) => step.parse::<usize>().ok().and_then(|i| items.get(i)),
        _ => None,
    }
}

impl fmt::Display for Pointer {
    /// Without the leading slash, unless the first step is empty: a slash that begins one would be taken for it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.head() == Some("") {
            f.write_str("/")?;
        }
        for (i, step) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str("/")?;
            }
            // Names of attributes hardly ever hold one of these, and pointers are written for every value of every record.
            if step.contains(['~', '/']) {
                f.write_str(&step.replace('~', "~0").replace('/', "~1"))?;
            } else {
                f.write_str(step)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Pointer;

    #[test]
    fn the_first_step_can_name_a_variable() {
        let (source, target) = (json!({"email": "ann@example.org", "tags": ["a", "b"]}), json!("whole"));
        let variables = [("source", &source), ("target", &target)];
        for (pointer, found) in [
            ("/source/email", Some(json!("ann@example.org"))),
            ("source/tags/1", Some(json!("b"))),
            ("/target", Some(json!("whole"))),
            ("/target/email", None),
            ("/other/email", None),
            ("", None),
        ] {
            assert_eq!(Pointer::parse(pointer).get_among(&variables), found.as_ref(), "{pointer}");
        }
    }

    #[test]
    fn a_pointer_that_is_written_is_read_as_the_same() {
        for text in ["a", "/a/b", "//x", "///", "/a//b", "/a~1b/~0", "/~01"] {
            let pointer = Pointer::parse(text);
            assert_eq!(Pointer::parse(&pointer.to_string()), pointer, "{text} -> {pointer}");
        }
    }

    #[test]
    fn reads_through_objects_and_arrays() {
        let doc = json!({"a": {"b/c": [1, {"d": 2}]}});
        for (pointer, expect) in [
            ("/a/b~1c/1/d", Some(json!(2))),
            ("a/b~1c/0", Some(json!(1))),
            ("", Some(doc.clone())),
            ("/a/x", None),
            ("/a/b~1c/x", None),
        ] {
            assert_eq!(Pointer::parse(pointer).get(&doc), expect.as_ref(), "{pointer}");
        }
    }

    #[test]
    fn writing_makes_the_objects_in_between() {
        let mut map = serde_json::Map::new();
        assert!(Pointer::parse("/preferences/updates").set_in(&mut map, json!(true)));
        assert!(!Pointer::parse("").set_in(&mut map, json!(1)));
        assert!(!Pointer::parse(&"a/".repeat(100_000)).set_in(&mut map, json!(1)));
        assert_eq!(json!(map), json!({"preferences": {"updates": true}}));
        assert_eq!(Pointer::parse("preferences/updates").remove_in(&mut map), Some(json!(true)));
    }
}
