//! Policies of managed objects: every value that is refused is named with its reason, all at once.
//!
//! `unique` needs the repository and is checked there; everything else is checked here.

use regex::Regex;
use serde_json::Value;

use crate::{Attributes, filter::is_present, managed::ManagedObjectConfig};

/// A policy that a value does not meet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The attribute.
    pub property: String,
    /// The policy requirement, IDM's word: `REQUIRED`, `UNIQUE`, `VALID_EMAIL_ADDRESS_FORMAT`, ...
    pub requirement: String,
    /// For people.
    pub message: String,
}

impl Violation {
    fn new(property: &str, requirement: &str, message: impl Into<String>) -> Self {
        Self { property: property.to_owned(), requirement: requirement.to_owned(), message: message.into() }
    }

    /// The value is taken already.
    pub fn not_unique(config: &ManagedObjectConfig, property: &str, value: &str) -> Self {
        Self::new(
            property,
            "UNIQUE",
            format!("{} `{value}` is taken by another {}", config.title(property), config.name),
        )
    }
}

/// Every violation of the object, in form order.
pub fn violations(config: &ManagedObjectConfig, object: &Attributes) -> Vec<Violation> {
    let mut found = Vec::new();
    for name in &config.schema.required {
        if !object.get(name).is_some_and(is_present) {
            found.push(Violation::new(name, "REQUIRED", format!("{} is required", config.title(name))));
        }
    }
    for name in config.ordered() {
        let (Some(property), Some(value)) = (config.schema.properties.get(name), object.get(name)) else {
            continue;
        };
        if value.is_null() {
            continue;
        }
        let title = config.title(name);
        if !type_fits(property, value) {
            let kind = property.get("type").map(Value::to_string).unwrap_or_default().replace('"', "");
            found.push(Violation::new(name, "VALID_TYPE", format!("{title} must be of type {kind}")));
            continue;
        }
        let Some(text) = value.as_str() else { continue };
        if let Some(least) = property.get("minLength").and_then(Value::as_u64)
            && (text.chars().count() as u64) < least
            && is_present(value)
        {
            found.push(Violation::new(
                name,
                "MIN_LENGTH",
                format!("{title} needs at least {least} characters"),
            ));
        }
        for policy in property.get("policies").and_then(Value::as_array).into_iter().flatten() {
            found.extend(check_policy(name, title, policy, text, object));
        }
    }
    found
}

fn type_fits(property: &Value, value: &Value) -> bool {
    let fits = |kind: &str| match kind {
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        // Relationships and types of a later IDM are kept as they are.
        _ => true,
    };
    match property.get("type") {
        Some(Value::String(kind)) => fits(kind),
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).any(fits),
        _ => true,
    }
}

fn check_policy(
    name: &str,
    title: &str,
    policy: &Value,
    text: &str,
    object: &Attributes,
) -> Option<Violation> {
    let params = policy.get("params").unwrap_or(&Value::Null);
    let number = |key: &str| params.get(key).and_then(Value::as_u64).unwrap_or(0);
    let violation = |requirement: &str, message: String| Some(Violation::new(name, requirement, message));
    match policy.get("policyId").and_then(Value::as_str)? {
        "required" | "not-empty" if text.is_empty() => violation("REQUIRED", format!("{title} is required")),
        "valid-email-address-format" if !text.is_empty() && !is_email(text) => violation(
            "VALID_EMAIL_ADDRESS_FORMAT",
            format!("{title} `{}` is not an e-mail address", shorten(text)),
        ),
        "cannot-contain-characters" => {
            let forbidden = params.get("forbiddenChars").and_then(Value::as_array)?;
            let hit = forbidden.iter().filter_map(Value::as_str).find(|c| text.contains(*c))?;
            violation("CANNOT_CONTAIN_CHARACTERS", format!("{title} must not contain `{hit}`"))
        }
        "cannot-contain-others" => {
            let fields = params.get("disallowedFields")?;
            let names: Vec<&str> = match fields {
                Value::String(s) => s.split(',').map(str::trim).collect(),
                Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
                _ => Vec::new(),
            };
            let hit = names.into_iter().find(|n| {
                object
                    .get(*n)
                    .and_then(Value::as_str)
                    .is_some_and(|v| !v.is_empty() && text.to_lowercase().contains(&v.to_lowercase()))
            })?;
            violation("CANNOT_CONTAIN_OTHERS", format!("{title} must not contain the value of {hit}"))
        }
        "at-least-X-capitals" => {
            let least = number("numCaps");
            (text.chars().filter(|c| c.is_uppercase()).count() as u64).lt(&least).then(|| {
                Violation::new(
                    name,
                    "AT_LEAST_X_CAPITAL_LETTERS",
                    format!("{title} needs at least {least} capital letters"),
                )
            })
        }
        "at-least-X-numbers" => {
            let least = number("numNums");
            (text.chars().filter(char::is_ascii_digit).count() as u64).lt(&least).then(|| {
                Violation::new(name, "AT_LEAST_X_NUMBERS", format!("{title} needs at least {least} digits"))
            })
        }
        "minimum-length" => {
            let least = number("minLength");
            (text.chars().count() as u64).lt(&least).then(|| {
                Violation::new(name, "MIN_LENGTH", format!("{title} needs at least {least} characters"))
            })
        }
        "regexpMatches" => {
            let pattern = params.get("regexp").and_then(Value::as_str)?;
            match Regex::new(pattern) {
                Ok(regex) if regex.is_match(text) => None,
                Ok(_) => {
                    violation("MATCH_REGEXP", format!("{title} `{}` does not match {pattern}", shorten(text)))
                }
                Err(_) => violation(
                    "MATCH_REGEXP",
                    format!("{title}: the pattern {pattern} of its policy cannot be read"),
                ),
            }
        }
        _ => None,
    }
}

/// One `@`, something on both sides, no blanks, and a dot or a plain host behind it: what mail systems deliver.
fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    !local.is_empty()
        && !local.contains('@')
        && !domain.is_empty()
        && !domain.starts_with('.')
        && !domain.ends_with('.')
        && !text.chars().any(|c| c.is_whitespace() || c.is_control())
}

fn shorten(text: &str) -> String {
    let mut short: String = text.chars().take(60).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{ManagedObjectConfig, violations};

    fn check(object: Value, expect: &[(&str, &str)]) {
        let Value::Object(map) = object else { panic!("an object") };
        let found = violations(&ManagedObjectConfig::default_user(), &map);
        let found: Vec<_> = found.iter().map(|v| (v.property.as_str(), v.requirement.as_str())).collect();
        assert_eq!(found, expect);
    }

    #[test]
    fn all_violations_are_named_at_once() {
        check(json!({"userName": "ann", "givenName": "Ann", "sn": "Lee", "mail": "ann@example.org"}), &[]);
        check(
            json!({"userName": "a/b", "givenName": "", "mail": "no mail", "city": 3}),
            &[
                ("givenName", "REQUIRED"),
                ("sn", "REQUIRED"),
                ("userName", "CANNOT_CONTAIN_CHARACTERS"),
                ("mail", "VALID_EMAIL_ADDRESS_FORMAT"),
                ("city", "VALID_TYPE"),
            ],
        );
    }

    #[test]
    fn odd_phone_numbers_are_welcome() {
        for phone in ["+1.555.0100", "555-1234 ext 5", "call me"] {
            check(
                json!({"userName": "a", "givenName": "A", "sn": "B", "mail": "a@example.org", "telephoneNumber": phone}),
                &[],
            );
        }
    }
}
