//! What is wrong with a managed type as it stands, before any object is looked at.

use serde_json::Value;

use crate::{
    managed::{ManagedObjectConfig, is_script, kinds, policies, policy_id},
    policy::{broken_params, unchecked},
};

/// A flaw of a schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw {
    /// The attribute; `None` for the type itself.
    pub property: Option<String>,
    /// Whether the type cannot be used like this. Other flaws are worth knowing, no more.
    pub fatal: bool,
    /// For people.
    pub message: String,
}

/// How many attributes of a type can have an index.
pub const MOST_INDEXED: usize = 8;

const TYPES: [&str; 7] = ["string", "number", "integer", "boolean", "array", "object", "relationship"];

/// Every flaw of the type.
pub fn flaws(config: &ManagedObjectConfig) -> Vec<Flaw> {
    let mut found = Vec::new();
    let mut add = |property: Option<&str>, fatal: bool, message: String| {
        found.push(Flaw { property: property.map(str::to_owned), fatal, message });
    };
    let named = |name: &str| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
    };
    if !named(&config.name) {
        add(
            None,
            true,
            format!("`{}` cannot be the name of a type; use letters, digits, _ and -", config.name),
        );
    }
    for name in &config.schema.required {
        if !config.schema.properties.contains_key(name) {
            add(Some(name), true, format!("`{name}` is required and is not among the properties"));
        }
    }
    for (name, property) in &config.schema.properties {
        let add = &mut |fatal: bool, message: String| add(Some(name), fatal, message);
        if name.is_empty() || name.contains('/') || (name.starts_with('_') && name != "_id") {
            add(
                true,
                format!(
                    "`{name}` cannot be the name of a property: / and a leading _ have a meaning of their own"
                ),
            );
        }
        let Value::Object(_) = property else {
            add(true, format!("`{name}` is not described by an object"));
            continue;
        };
        for kind in kinds(Some(property)) {
            if !TYPES.contains(&kind) {
                add(
                    true,
                    format!("`{name}` is of type `{kind}`, which does not exist; use {}", TYPES.join(", ")),
                );
            }
        }
        if let Some(default) = property.get("default").filter(|d| !d.is_null()) {
            if is_script(default) {
                add(false, format!("the default of `{name}` is a script, which is kept and not run"));
            } else {
                let one = [(name.clone(), default.clone())].into_iter().collect();
                for violation in crate::policy::violations_of(config, &one, name) {
                    add(true, format!("the default of `{name}` breaks its own rules: {}", violation.message));
                }
            }
        }
        for policy in policies(Some(property)) {
            let id = policy_id(policy).unwrap_or_default();
            if let Some(what) = broken_params(id, policy.get("params").unwrap_or(&Value::Null)) {
                add(true, format!("`{name}`: {what}"));
            }
        }
        if config.protection(name).is_some() {
            if config.has_policy(name, "unique") {
                add(true, format!("`{name}` cannot be unique, because its values cannot be compared"));
            }
            if property.get("searchable").and_then(Value::as_bool) == Some(true) {
                add(true, format!("`{name}` cannot be searchable, because nobody may read its values"));
            }
            if kinds(Some(property)) != ["string"] {
                add(true, format!("`{name}` has to be a string, because its values are kept out of sight"));
            }
        }
    }
    for (name, policy) in unchecked(config) {
        let message = format!("`{name}`: {policy} is kept, but nothing here checks it; its values pass");
        add(Some(&name), false, message);
    }
    for left_out in config.indexed().iter().skip(MOST_INDEXED) {
        let name = &left_out.attribute;
        let message = format!(
            "`{name}` gets no index, because {MOST_INDEXED} attributes of the type have one already; filters on it look at every object, and lists cannot be sorted by it"
        );
        add(Some(name), false, message);
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{ManagedObjectConfig, flaws};

    fn check(config: Value, expect: &[(bool, &str)]) {
        let config: ManagedObjectConfig = serde_json::from_value(config).unwrap();
        let found = flaws(&config);
        assert_eq!(found.len(), expect.len(), "{found:#?}");
        for (flaw, (fatal, what)) in found.iter().zip(expect) {
            assert!(flaw.fatal == *fatal && flaw.message.contains(what), "{flaw:?} {what}");
        }
    }

    #[test]
    fn flaws_are_found_all_at_once() {
        assert_eq!(flaws(&ManagedObjectConfig::default_user()), []);
        check(json!({"name": "a b", "schema": {}}), &[(true, "cannot be the name of a type")]);
        check(
            json!({"name": "device", "schema": {"required": ["gone"], "properties": {
                "_x": {}, "a/b": {}, "text": 3, "odd": {"type": "date"},
                "short": {"type": "string", "minLength": 3, "default": "a"},
                "script": {"default": {"type": "text/javascript", "source": "1"}},
                "pattern": {"policies": [{"policyId": "regexpMatches", "params": {"regexp": "["}}]},
                "pin": {"type": "string", "searchable": true, "encryption": {}, "policies": [{"policyId": "unique"}]},
                "own": {"policies": [{"policyId": "my-policy"}]},
            }}}),
            &[
                (true, "`gone` is required"),
                (true, "`_x` cannot be the name"),
                (true, "`a/b` cannot be the name"),
                (true, "`text` is not described"),
                (true, "`date`, which does not exist"),
                (true, "breaks its own rules: short needs at least 3 characters"),
                (false, "`script` is a script"),
                (true, "cannot be read"),
                (true, "`pin` cannot be unique"),
                (true, "`pin` cannot be searchable"),
                (false, "`own`: my-policy is kept"),
            ],
        );
        let many: serde_json::Map<_, _> =
            (0..10).map(|n| (format!("p{n}"), json!({"type": "string", "searchable": true}))).collect();
        check(
            json!({"name": "t", "schema": {"properties": many}}),
            &[(false, "`p8` gets no index"), (false, "`p9`")],
        );
    }
}
