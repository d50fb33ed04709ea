//! Policies of managed objects: every value that is refused is named with its reason, all at once.
//!
//! The ids and parameters are those of IDM's `policy.json`. `unique` needs the repository and is checked there; everything
//! else is checked here. Null and the empty text count as absent, so only `required` and `not-empty` mind them. A policy that
//! is not known here is never passed in silence: [`unchecked`] names it.

use std::{cell::RefCell, collections::HashMap};

use regex::{Regex, RegexBuilder};
use serde_json::{Value, json};

use crate::{
    Attributes,
    filter::is_present,
    managed::{ManagedObjectConfig, kinds, policies, policy_id},
};

/// A policy that a value does not meet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The attribute; a pointer where it is inside one.
    pub property: String,
    /// The policy requirement, IDM's word: `REQUIRED`, `UNIQUE`, `VALID_EMAIL_ADDRESS_FORMAT`, ...
    pub requirement: String,
    /// What the requirement asks for: `{"minLength": 8}`.
    pub params: Attributes,
    /// For people. Holds no value of a protected attribute.
    pub message: String,
}

impl Violation {
    fn new(property: &str, requirement: &str, params: Value, message: impl Into<String>) -> Self {
        let params = match params {
            Value::Object(params) => params,
            _ => Attributes::new(),
        };
        Self {
            property: property.to_owned(),
            requirement: requirement.to_owned(),
            params,
            message: message.into(),
        }
    }

    /// The value is taken already.
    pub fn not_unique(config: &ManagedObjectConfig, property: &str, value: &str) -> Self {
        let message = format!("{} `{value}` is taken by another {}", config.title(property), config.name);
        Self::new(property, UNIQUE, json!({}), message)
    }

    /// Whether it is about another object that has the value.
    pub fn is_taken(&self) -> bool {
        self.requirement == UNIQUE
    }

    /// An empty text was given where a value is expected.
    pub fn not_empty(config: &ManagedObjectConfig, property: &str) -> Self {
        Self::new(property, "REQUIRED", json!({}), format!("{} must not be empty", config.title(property)))
    }

    /// A mapping wants to write an attribute whose values only people set.
    pub fn protected(config: &ManagedObjectConfig, property: &str) -> Self {
        let message =
            format!("{} is never written by a mapping; take it out of the mapping", config.title(property));
        Self::new(property, "PROTECTED", json!({}), message)
    }
}

/// Violations as IDM's REST names them: `[{property, policyRequirements: [{policyRequirement, params}]}]`.
pub fn failed_requirements(violations: &[Violation]) -> Value {
    let mut failed: Vec<(&str, Vec<Value>)> = Vec::new();
    for violation in violations {
        let requirement = json!({"policyRequirement": violation.requirement, "params": violation.params});
        match failed.iter_mut().find(|(property, _)| *property == violation.property) {
            Some((_, requirements)) => requirements.push(requirement),
            None => failed.push((&violation.property, vec![requirement])),
        }
    }
    failed
        .into_iter()
        .map(|(property, requirements)| json!({"property": property, "policyRequirements": requirements}))
        .collect()
}

/// The requirement that no other object has the value.
const UNIQUE: &str = "UNIQUE";

/// Every violation of the object, in form order.
pub fn violations(config: &ManagedObjectConfig, object: &Attributes) -> Vec<Violation> {
    Rules::of(config).violations(object)
}

/// Every violation of one attribute of the object.
pub fn violations_of(config: &ManagedObjectConfig, object: &Attributes, property: &str) -> Vec<Violation> {
    Rules::of(config).violations_of(object, property)
}

/// What the policies of a type ask for, looked up once for many objects.
pub struct Rules<'c> {
    config: &'c ManagedObjectConfig,
    /// In form order.
    rules: Vec<Rule<'c>>,
    /// What a new object has before anything is written into it.
    defaults: Attributes,
    /// What is required although the schema has no such property.
    missing: Vec<&'c str>,
    unique: Vec<&'c str>,
    protected: Vec<&'c str>,
}

/// What is asked of one attribute.
struct Rule<'c> {
    name: &'c str,
    title: &'c str,
    property: &'c Value,
    required: bool,
    not_empty: bool,
    kinds: Vec<&'c str>,
    /// Its type says something of what is inside the value.
    nested: bool,
    lengths: Vec<(&'static str, Value)>,
    policies: Vec<(&'c str, &'c Value)>,
}

impl<'c> Rule<'c> {
    fn of(config: &'c ManagedObjectConfig, name: &'c str) -> Option<Self> {
        let property = config.schema.properties.get(name)?;
        let named = || policies(Some(property)).filter_map(|policy| Some((policy_id(policy)?, policy)));
        let asks = |id: &str| named().any(|(of, _)| of == id);
        let length = |(keyword, policy): (&str, &'static str)| {
            let limit = property.get(keyword).filter(|limit| limit.is_u64())?;
            Some((policy, json!({ keyword: limit })))
        };
        Some(Self {
            name,
            title: config.title(name),
            property,
            required: config.schema.required.iter().any(|r| r == name) || asks("required"),
            not_empty: asks("not-empty"),
            kinds: kinds(Some(property)),
            nested: ["properties", "items"].iter().any(|inside| property.get(*inside).is_some()),
            lengths: [("minLength", "minimum-length"), ("maxLength", "maximum-length")]
                .into_iter()
                .filter_map(length)
                .collect(),
            policies: named()
                .map(|(id, policy)| (id, policy.get("params").unwrap_or(&Value::Null)))
                .collect(),
        })
    }
}

impl<'c> Rules<'c> {
    /// Those of this type.
    pub fn of(config: &'c ManagedObjectConfig) -> Self {
        let schema = &config.schema;
        let rules: Vec<Rule<'c>> = config.ordered().filter_map(|name| Rule::of(config, name)).collect();
        let required = schema.required.iter().map(String::as_str);
        // A password is protected whether or not the schema has one.
        let names = schema.properties.keys().map(String::as_str).chain(["password"]);
        Self {
            config,
            defaults: config.defaults().map(|(name, value)| (name.to_owned(), value.clone())).collect(),
            rules,
            missing: required.filter(|name| !schema.properties.contains_key(*name)).collect(),
            unique: config.unique().collect(),
            protected: names.filter(|name| config.protection(name).is_some()).collect(),
        }
    }

    /// Whose rules they are.
    pub fn config(&self) -> &'c ManagedObjectConfig {
        self.config
    }

    /// The attributes that must be unique.
    pub fn unique(&self) -> &[&'c str] {
        &self.unique
    }

    /// Whether nobody may read this attribute.
    pub fn protects(&self, attribute: &str) -> bool {
        self.protected.contains(&attribute)
    }

    /// What a new object has before anything is written into it.
    pub fn defaults(&self) -> &Attributes {
        &self.defaults
    }

    /// Every violation of the object, in form order.
    pub fn violations(&self, object: &Attributes) -> Vec<Violation> {
        let mut found = Vec::new();
        for rule in &self.rules {
            let value = object.get(rule.name);
            if value.is_some() || rule.required {
                self.check(rule, value, object, &mut found);
            }
        }
        // What is required may be missing from the properties altogether.
        for name in self.missing.iter().filter(|name| !object.get(**name).is_some_and(is_present)) {
            found.push(Violation::new(name, "REQUIRED", json!({}), format!("{name} is required")));
        }
        found
    }

    fn violations_of(&self, object: &Attributes, property: &str) -> Vec<Violation> {
        let mut found = Vec::new();
        if let Some(rule) = self.rules.iter().find(|rule| rule.name == property) {
            self.check(rule, object.get(property), object, &mut found);
        }
        found
    }

    /// Holds a rule against its value in the object.
    fn check(&self, rule: &Rule<'_>, value: Option<&Value>, object: &Attributes, found: &mut Vec<Violation>) {
        let name = rule.name;
        let value = value.filter(|value| !value.is_null());
        let there = value.is_some_and(is_present);
        let title = || rule.title;
        let first = found.len();
        let mut add = |violation: Violation| {
            // A length that both the schema and a policy ask for is one fault.
            if !found
                .iter()
                .skip(first)
                .any(|v| v.property == violation.property && v.requirement == violation.requirement)
            {
                found.push(violation);
            }
        };
        if !there && (rule.required || (rule.not_empty && value.is_some())) {
            add(Violation::new(name, "REQUIRED", json!({}), format!("{} is required", title())));
        }
        let Some(value) = value else { return };
        let fits = rule.kinds.is_empty() || rule.kinds.iter().any(|kind| fits(kind, value));
        if !fits || rule.nested {
            let mut types = Vec::new();
            check_type(name, title(), rule.property, value, &mut types);
            if !types.is_empty() {
                types.into_iter().for_each(add);
                return;
            }
        }
        if !there {
            return;
        }
        let text = value.as_str();
        let subject = Subject { name, title: title(), value, object, hidden: self.protects(name), text };
        for (policy, params) in rule.lengths.iter().filter(|_| text.is_some()) {
            subject.check(policy, params).map(&mut add);
        }
        for (id, params) in &rule.policies {
            subject.check(id, params).map(&mut add);
        }
    }
}

/// What is asked of the attributes of a type, in form order and in the words of IDM's REST: `[{name, policies: [{policyId,
/// params, policyRequirements}], policyRequirements, ...}]`. What is not checked here is not promised: [`unchecked`] names it.
pub fn requirements(config: &ManagedObjectConfig) -> Vec<Value> {
    config.ordered().filter_map(|name| requirements_of(&Rule::of(config, name)?)).collect()
}

/// The row of one attribute; `None` where nothing is asked of it.
fn requirements_of(rule: &Rule<'_>) -> Option<Value> {
    // IDM's policies see a relationship as the object that stands for it.
    let types: Vec<&str> = match rule.property.get("type") {
        Some(Value::String(kind)) => vec![kind.as_str()],
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let types: Vec<&str> =
        types.into_iter().map(|kind| if kind == "relationship" { "object" } else { kind }).collect();
    let by_schema = [
        rule.required.then(|| ("required", Value::Null)),
        (!types.is_empty()).then(|| ("valid-type", json!({"types": types}))),
    ];
    let lengths = rule.lengths.iter().map(|(id, params)| (*id, params.clone()));
    let own = rule.policies.iter().map(|(id, params)| (*id, (*params).clone()));
    let (mut policies, mut words): (Vec<Value>, Vec<&str>) = (Vec::new(), Vec::new());
    for (id, params) in by_schema.into_iter().flatten().chain(lengths).chain(own) {
        let Some(word) = requirement(id) else { continue };
        let mut policy = json!({"policyId": id, "policyRequirements": [word]});
        if let (Some(policy), false) = (policy.as_object_mut(), params.is_null()) {
            policy.insert("params".into(), params);
        }
        if !policies.contains(&policy) {
            policies.push(policy);
        }
        if !words.contains(&word) {
            words.push(word);
        }
    }
    (!policies.is_empty()).then(|| {
        json!({
            "name": rule.name, "policies": policies, "policyRequirements": words,
            "conditionalPolicies": null, "fallbackPolicies": null,
        })
    })
}

/// The requirement that a policy names when a value does not meet it; `None` where nothing here checks it.
fn requirement(id: &str) -> Option<&'static str> {
    Some(match id {
        "required" | "not-empty" => "REQUIRED",
        "unique" => UNIQUE,
        "no-internal-user-conflict" => "NO_INTERNAL_USER_CONFLICT",
        "regexpMatches" => "MATCH_REGEXP",
        "valid-type" => "VALID_TYPE",
        "valid-date" => "VALID_DATE",
        "valid-email-address-format" => "VALID_EMAIL_ADDRESS_FORMAT",
        "valid-name-format" => "VALID_NAME_FORMAT",
        "valid-phone-format" => "VALID_PHONE_FORMAT",
        "at-least-X-capitals" => "AT_LEAST_X_CAPITAL_LETTERS",
        "at-least-X-numbers" => "AT_LEAST_X_NUMBERS",
        "minimum-length" => "MIN_LENGTH",
        "maximum-length" => "MAX_LENGTH",
        "cannot-contain-others" => "CANNOT_CONTAIN_OTHERS",
        "cannot-contain-characters" => "CANNOT_CONTAIN_CHARACTERS",
        "cannot-contain-duplicates" => "CANNOT_CONTAIN_DUPLICATES",
        _ => return None,
    })
}

/// The policies of a type that nothing here can check: `(attribute, policy)`.
pub fn unchecked(config: &ManagedObjectConfig) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for name in config.ordered() {
        let property = config.schema.properties.get(name);
        for policy in policies(property) {
            let id = policy_id(policy).unwrap_or("a policy without a policyId");
            if !KNOWN.contains(&id) {
                found.push((name.to_owned(), id.to_owned()));
            }
        }
        let conditional = property.and_then(|p| p.get("conditionalPolicies")).and_then(Value::as_array);
        if conditional.is_some_and(|list| !list.is_empty()) {
            found.push((name.to_owned(), "conditionalPolicies".to_owned()));
        }
    }
    found
}

/// The policies that are checked.
pub const KNOWN: [&str; 17] = [
    "required",
    "not-empty",
    "unique",
    "no-internal-user-conflict",
    "regexpMatches",
    "valid-type",
    "valid-date",
    "valid-email-address-format",
    "valid-name-format",
    "valid-phone-format",
    "at-least-X-capitals",
    "at-least-X-numbers",
    "minimum-length",
    "maximum-length",
    "cannot-contain-others",
    "cannot-contain-characters",
    "cannot-contain-duplicates",
];

/// Names under which the product itself signs in.
const INTERNAL_USERS: [&str; 2] = ["openidm-admin", "anonymous"];

/// The value and everything inside it has the type that the schema asks for.
fn check_type(path: &str, title: &str, property: &Value, value: &Value, found: &mut Vec<Violation>) {
    let wanted = kinds(Some(property));
    if !wanted.is_empty() && !wanted.iter().any(|kind| fits(kind, value)) {
        found.push(Violation::new(
            path,
            "VALID_TYPE",
            json!({"types": wanted}),
            format!("{title} must be of type {}", wanted.join(" or ")),
        ));
        return;
    }
    if let (Some(Value::Object(inner)), Value::Object(object)) = (property.get("properties"), value) {
        for (name, property) in inner {
            let (path, title) = (format!("{path}/{name}"), format!("{title}, {name}"));
            match object.get(name).filter(|v| !v.is_null()) {
                Some(value) => check_type(&path, &title, property, value, found),
                None if required_inside(property) => {
                    found.push(Violation::new(&path, "REQUIRED", json!({}), format!("{title} is required")));
                }
                None => {}
            }
        }
    }
    if let (Some(items @ Value::Object(_)), Value::Array(values)) = (property.get("items"), value) {
        for value in values {
            let before = found.len();
            check_type(path, &format!("each item of {title}"), items, value, found);
            // One wrong item says it all.
            if found.len() > before {
                break;
            }
        }
    }
}

/// IDM marks a required attribute of a nested object on itself.
fn required_inside(property: &Value) -> bool {
    property.get("required").and_then(Value::as_bool) == Some(true)
}

fn fits(kind: &str, value: &Value) -> bool {
    match kind {
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "relationship" => value.get("_ref").is_some_and(Value::is_string),
        // Types of a later IDM are kept as they are.
        _ => true,
    }
}

/// A value under examination.
struct Subject<'a> {
    name: &'a str,
    title: &'a str,
    value: &'a Value,
    text: Option<&'a str>,
    object: &'a Attributes,
    hidden: bool,
}

impl Subject<'_> {
    fn violation(&self, requirement: &str, params: Value, what: impl std::fmt::Display) -> Violation {
        Violation::new(self.name, requirement, params, format!("{} {what}", self.title))
    }

    /// The value in a sentence, unless it is nobody's business.
    fn shown(&self) -> String {
        match self.text {
            Some(text) if !self.hidden => format!("`{}` ", shorten(text)),
            _ => String::new(),
        }
    }

    /// What this policy finds wrong with the value, which is there and of the right type.
    fn check(&self, id: &str, params: &Value) -> Option<Violation> {
        if id == "cannot-contain-duplicates" {
            let items = self.value.as_array()?;
            let twice =
                items.iter().enumerate().find(|(n, item)| items.iter().take(*n).any(|i| i == *item))?.1;
            let message = format!("must not hold {twice} twice");
            return Some(self.violation(
                "CANNOT_CONTAIN_DUPLICATES",
                json!({"duplicateValue": twice}),
                message,
            ));
        }
        let text = self.text?;
        let number = |key: &str| params.get(key).and_then(Value::as_u64).unwrap_or(0);
        let length = || text.chars().count() as u64;
        match id {
            "no-internal-user-conflict" => {
                INTERNAL_USERS.iter().any(|name| name.eq_ignore_ascii_case(text)).then(|| {
                    self.violation(
                        "NO_INTERNAL_USER_CONFLICT",
                        json!({}),
                        "is a name that Concord itself uses",
                    )
                })
            }
            "valid-email-address-format" => (!is_email(text)).then(|| {
                self.violation(
                    "VALID_EMAIL_ADDRESS_FORMAT",
                    json!({}),
                    format!("{}is not an e-mail address", self.shown()),
                )
            }),
            "valid-name-format" => (!text
                .chars()
                .all(|c| c.is_alphabetic() || " -'’\u{a0}".contains(c) || is_mark(c)))
            .then(|| {
                self.violation(
                    "VALID_NAME_FORMAT",
                    json!({}),
                    format!("{}may hold only letters, blanks, hyphens and apostrophes", self.shown()),
                )
            }),
            "valid-phone-format" => {
                let digits = text.strip_prefix('+').unwrap_or(text);
                (!digits.chars().all(|c| c.is_ascii_digit() || " -()".contains(c))).then(|| {
                    self.violation(
                        "VALID_PHONE_FORMAT",
                        json!({}),
                        format!(
                            "{}may hold only a leading +, digits, blanks, hyphens and parentheses",
                            self.shown()
                        ),
                    )
                })
            }
            "valid-date" => {
                let date = text.parse::<jiff::civil::Date>().is_ok()
                    || text.parse::<jiff::civil::DateTime>().is_ok()
                    || text.parse::<jiff::Timestamp>().is_ok();
                (!date).then(|| {
                    self.violation(
                        "VALID_DATE",
                        json!({}),
                        format!("{}is not a date such as 2026-03-31", self.shown()),
                    )
                })
            }
            "at-least-X-capitals" => {
                let least = number("numCaps");
                ((text.chars().filter(|c| c.is_uppercase()).count() as u64) < least).then(|| {
                    self.violation(
                        "AT_LEAST_X_CAPITAL_LETTERS",
                        json!({"numCaps": least}),
                        format!("needs at least {}", counted(least, "capital letter")),
                    )
                })
            }
            "at-least-X-numbers" => {
                let least = number("numNums");
                ((text.chars().filter(char::is_ascii_digit).count() as u64) < least).then(|| {
                    self.violation(
                        "AT_LEAST_X_NUMBERS",
                        json!({"numNums": least}),
                        format!("needs at least {}", counted(least, "digit")),
                    )
                })
            }
            "minimum-length" => {
                let least = number("minLength");
                (length() < least).then(|| {
                    self.violation(
                        "MIN_LENGTH",
                        json!({"minLength": least}),
                        format!("needs at least {}", counted(least, "character")),
                    )
                })
            }
            "maximum-length" => {
                let most = params.get("maxLength").and_then(Value::as_u64)?;
                (length() > most).then(|| {
                    self.violation(
                        "MAX_LENGTH",
                        json!({"maxLength": most}),
                        format!("may have at most {}", counted(most, "character")),
                    )
                })
            }
            "cannot-contain-characters" => {
                let forbidden = params.get("forbiddenChars")?;
                let hit = words(forbidden).into_iter().find(|c| !c.is_empty() && text.contains(*c))?;
                let message = format!("must not contain `{hit}`");
                Some(self.violation(
                    "CANNOT_CONTAIN_CHARACTERS",
                    json!({"forbiddenChars": forbidden}),
                    message,
                ))
            }
            "cannot-contain-others" => {
                let fields = params.get("disallowedFields")?;
                let hit = words(fields).into_iter().find(|name| {
                    let other = self.object.get(*name).and_then(Value::as_str).map(str::to_lowercase);
                    *name != self.name
                        && other.is_some_and(|o| !o.is_empty() && text.to_lowercase().contains(&o))
                })?;
                let message = format!("must not contain the value of {hit}");
                Some(self.violation("CANNOT_CONTAIN_OTHERS", json!({"disallowedFields": hit}), message))
            }
            "regexpMatches" => {
                let pattern = params.get("regexp").and_then(Value::as_str)?;
                let flags = params.get("flags").and_then(Value::as_str).unwrap_or_default();
                let message = match matches(pattern, flags, text) {
                    Ok(true) => return None,
                    Ok(false) => format!("{}does not match {pattern}", self.shown()),
                    Err(why) => format!(
                        "cannot be checked, because the pattern {pattern} of its policy cannot be read: {why}"
                    ),
                };
                Some(self.violation("MATCH_REGEXP", json!({"regexp": pattern, "flags": flags}), message))
            }
            // Checked above (required, not-empty, valid-type), in the repository (unique), or told by `unchecked`.
            _ => None,
        }
    }
}

/// What is wrong with the parameters of a policy, before any value meets it.
pub(crate) fn broken_params(id: &str, params: &Value) -> Option<String> {
    let needs = |key: &str, fine: fn(&Value) -> bool| {
        (!params.get(key).is_some_and(fine)).then(|| format!("the policy {id} needs `{key}` in its params"))
    };
    match id {
        "at-least-X-capitals" => needs("numCaps", Value::is_u64),
        "at-least-X-numbers" => needs("numNums", Value::is_u64),
        "minimum-length" => needs("minLength", Value::is_u64),
        "maximum-length" => needs("maxLength", Value::is_u64),
        "cannot-contain-characters" => needs("forbiddenChars", |v| !words(v).is_empty()),
        "cannot-contain-others" => needs("disallowedFields", |v| !words(v).is_empty()),
        "regexpMatches" => needs("regexp", Value::is_string).or_else(|| {
            let text = |key: &str| params.get(key).and_then(Value::as_str).unwrap_or_default();
            let why = matches(text("regexp"), text("flags"), "").err()?;
            Some(format!("the pattern {} cannot be read: {why}", text("regexp")))
        }),
        _ => None,
    }
}

/// IDM's lists of words: an array, or a text with commas.
fn words(list: &Value) -> Vec<&str> {
    match list {
        Value::String(text) => text.split(',').map(str::trim).collect(),
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

/// Why a pattern cannot be used in a policy; `None` where it can.
pub fn pattern_problem(pattern: &str) -> Option<String> {
    matches(pattern, "", "").err()
}

/// Patterns that are kept compiled, because a run asks for the same few a million times.
const KEPT_PATTERNS: usize = 64;

fn matches(pattern: &str, flags: &str, text: &str) -> Result<bool, String> {
    thread_local! {
        static COMPILED: RefCell<HashMap<(String, String), Result<Regex, String>>> = RefCell::default();
    }
    COMPILED.with_borrow_mut(|compiled| {
        let key = (pattern.to_owned(), flags.to_owned());
        if !compiled.contains_key(&key) {
            if compiled.len() >= KEPT_PATTERNS {
                compiled.clear();
            }
            let regex = RegexBuilder::new(pattern)
                .case_insensitive(flags.contains('i'))
                .multi_line(flags.contains('m'))
                .dot_matches_new_line(flags.contains('s'))
                .build()
                .map_err(|e| e.to_string().lines().last().unwrap_or_default().trim().to_owned());
            compiled.insert(key.clone(), regex);
        }
        match compiled.get(&key) {
            Some(Ok(regex)) => Ok(regex.is_match(text)),
            Some(Err(why)) => Err(why.clone()),
            None => Err("it was not compiled".to_owned()),
        }
    })
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

/// Accents that stand behind their letter, as in names that were typed on some systems.
fn is_mark(c: char) -> bool {
    ('\u{300}'..='\u{36f}').contains(&c)
}

fn counted(n: u64, what: &str) -> String {
    if n == 1 { format!("{n} {what}") } else { format!("{n} {what}s") }
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

    use super::{
        KNOWN, ManagedObjectConfig, Violation, broken_params, failed_requirements, requirement, requirements,
        unchecked, violations, violations_of,
    };

    fn found(config: &ManagedObjectConfig, object: &Value) -> Vec<Violation> {
        violations(config, object.as_object().unwrap())
    }

    fn check(object: Value, expect: &[(&str, &str)]) {
        let found = found(&ManagedObjectConfig::default_user(), &object);
        let found: Vec<_> = found.iter().map(|v| (v.property.as_str(), v.requirement.as_str())).collect();
        assert_eq!(found, expect);
    }

    /// A type with one attribute `x`, and `other`.
    fn one(property: Value) -> ManagedObjectConfig {
        serde_json::from_value(
            json!({"name": "t", "schema": {"properties": {"x": property, "other": {"type": "string"}}}}),
        )
        .unwrap()
    }

    #[test]
    fn all_violations_are_named_at_once() {
        check(json!({"userName": "ann", "givenName": "Ann", "sn": "Lee", "mail": "ann@example.org"}), &[]);
        check(
            json!({"userName": "a/b", "password": "annie", "givenName": "", "sn": null, "mail": "no mail", "city": 3}),
            &[
                ("userName", "CANNOT_CONTAIN_CHARACTERS"),
                ("password", "MIN_LENGTH"),
                ("password", "AT_LEAST_X_CAPITAL_LETTERS"),
                ("password", "AT_LEAST_X_NUMBERS"),
                ("givenName", "REQUIRED"),
                ("sn", "REQUIRED"),
                ("mail", "VALID_EMAIL_ADDRESS_FORMAT"),
                ("city", "VALID_TYPE"),
            ],
        );
        let user = ManagedObjectConfig::default_user();
        let named = json!({"userName": "ann", "mail": "x", "password": "Annxxxxx1"});
        let named = named.as_object().unwrap();
        assert_eq!(violations_of(&user, named, "mail").len(), 1);
        assert_eq!(violations_of(&user, named, "password")[0].requirement, "CANNOT_CONTAIN_OTHERS");
        assert_eq!(violations_of(&user, named, "no such"), []);
    }

    #[test]
    fn what_is_asked_of_an_attribute_is_listed_in_idms_words() {
        let listed = requirements(&one(json!({
            "type": ["string", "null"], "minLength": 3,
            "policies": [{"policyId": "valid-date"}, {"policyId": "of-our-own"}],
        })));
        let expect = json!([
            {
                "name": "x",
                "policies": [
                    {"policyId": "valid-type", "params": {"types": ["string", "null"]}, "policyRequirements": ["VALID_TYPE"]},
                    {"policyId": "minimum-length", "params": {"minLength": 3}, "policyRequirements": ["MIN_LENGTH"]},
                    {"policyId": "valid-date", "policyRequirements": ["VALID_DATE"]},
                ],
                "policyRequirements": ["VALID_TYPE", "MIN_LENGTH", "VALID_DATE"],
                "conditionalPolicies": null, "fallbackPolicies": null,
            },
            {
                "name": "other",
                "policies": [{"policyId": "valid-type", "params": {"types": ["string"]}, "policyRequirements": ["VALID_TYPE"]}],
                "policyRequirements": ["VALID_TYPE"],
                "conditionalPolicies": null, "fallbackPolicies": null,
            },
        ]);
        assert_eq!(json!(listed), expect, "what nothing here checks is not promised");
        assert_eq!(KNOWN.iter().find(|id| requirement(id).is_none()), None, "each has its word");
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

    #[test]
    fn each_policy_names_what_it_asks_for() {
        // Policy, params, values that pass, values that fail, the requirement and its params.
        type Row = (&'static str, Value, Vec<Value>, Vec<Value>, &'static str, Value);
        let rows: Vec<Row> = vec![
            (
                "required",
                json!({}),
                vec![json!("a"), json!(0), json!(false)],
                vec![json!(null), json!(""), json!([])],
                "REQUIRED",
                json!({}),
            ),
            (
                "not-empty",
                json!({}),
                vec![json!("a"), json!(null)],
                vec![json!(""), json!([])],
                "REQUIRED",
                json!({}),
            ),
            (
                "no-internal-user-conflict",
                json!({}),
                vec![json!("ann")],
                vec![json!("openidm-admin"), json!("Anonymous")],
                "NO_INTERNAL_USER_CONFLICT",
                json!({}),
            ),
            (
                "regexpMatches",
                json!({"regexp": "^[a-c]+$", "flags": "i"}),
                vec![json!("aBc"), json!("")],
                vec![json!("abd")],
                "MATCH_REGEXP",
                json!({"regexp": "^[a-c]+$", "flags": "i"}),
            ),
            (
                "regexpMatches",
                json!({"regexp": "("}),
                vec![json!("")],
                vec![json!("a")],
                "MATCH_REGEXP",
                json!({"regexp": "(", "flags": ""}),
            ),
            (
                "valid-date",
                json!({}),
                vec![
                    json!("2026-02-28"),
                    json!("2026-02-28T10:00:00Z"),
                    json!("2026-02-28T10:00:00"),
                    json!(""),
                ],
                vec![json!("2026-02-30"), json!("tomorrow")],
                "VALID_DATE",
                json!({}),
            ),
            (
                "valid-email-address-format",
                json!({}),
                vec![json!("a@b"), json!("a.b+c@d.example"), json!("")],
                vec![json!("a"), json!("a@"), json!("@b"), json!("a@b@c"), json!("a b@c"), json!("a@.c")],
                "VALID_EMAIL_ADDRESS_FORMAT",
                json!({}),
            ),
            (
                "valid-name-format",
                json!({}),
                vec![json!("Ann-Marie O'Neil"), json!("Åsa Łukasz"), json!("Zoe\u{308}")],
                vec![json!("R2D2"), json!("a/b"), json!("x@y")],
                "VALID_NAME_FORMAT",
                json!({}),
            ),
            (
                "valid-phone-format",
                json!({}),
                vec![json!("+1 (555) 01-00"), json!("")],
                vec![json!("555 x123"), json!("1+1"), json!("555.0100")],
                "VALID_PHONE_FORMAT",
                json!({}),
            ),
            (
                "at-least-X-capitals",
                json!({"numCaps": 2}),
                vec![json!("aBC"), json!("ÄÖ")],
                vec![json!("aB")],
                "AT_LEAST_X_CAPITAL_LETTERS",
                json!({"numCaps": 2}),
            ),
            (
                "at-least-X-numbers",
                json!({"numNums": 1}),
                vec![json!("a1")],
                vec![json!("a")],
                "AT_LEAST_X_NUMBERS",
                json!({"numNums": 1}),
            ),
            (
                "minimum-length",
                json!({"minLength": 2}),
                vec![json!("ab"), json!("éé"), json!(null)],
                vec![json!("é")],
                "MIN_LENGTH",
                json!({"minLength": 2}),
            ),
            (
                "maximum-length",
                json!({"maxLength": 2}),
                vec![json!("éé")],
                vec![json!("abc")],
                "MAX_LENGTH",
                json!({"maxLength": 2}),
            ),
            (
                "cannot-contain-others",
                json!({"disallowedFields": "other,none"}),
                vec![json!("abc")],
                vec![json!("an Other one")],
                "CANNOT_CONTAIN_OTHERS",
                json!({"disallowedFields": "other"}),
            ),
            (
                "cannot-contain-characters",
                json!({"forbiddenChars": ["/", "%"]}),
                vec![json!("a")],
                vec![json!("a%")],
                "CANNOT_CONTAIN_CHARACTERS",
                json!({"forbiddenChars": ["/", "%"]}),
            ),
            (
                "cannot-contain-duplicates",
                json!({}),
                vec![json!(["a", "A"]), json!([])],
                vec![json!(["a", "b", "a"])],
                "CANNOT_CONTAIN_DUPLICATES",
                json!({"duplicateValue": "a"}),
            ),
            ("made-up", json!({}), vec![json!("anything")], vec![], "", json!({})),
            ("unique", json!({}), vec![json!("a")], vec![], "", json!({})),
        ];
        for (id, params, pass, fail, requirement, asks) in rows {
            let config = one(json!({"title": "X", "policies": [{"policyId": id, "params": params}]}));
            for value in pass {
                assert_eq!(found(&config, &json!({"x": value, "other": "other"})), [], "{id} {value}");
            }
            for value in fail {
                let found = found(&config, &json!({"x": value, "other": "other"}));
                assert_eq!(found.len(), 1, "{id} {value}");
                let expect = (requirement, &asks);
                assert_eq!((found[0].requirement.as_str(), &json!(found[0].params)), expect, "{id} {value}");
                assert!(found[0].message.starts_with("X "), "{}", found[0].message);
            }
        }
    }

    #[test]
    fn types_are_checked_to_the_bottom() {
        let nested = json!({"type": "object", "properties": {
            "flag": {"type": "boolean"}, "must": {"type": "string", "required": true}
        }});
        let reference = json!({"type": "relationship"});
        for (property, value, expect) in [
            (json!({"type": "string"}), json!("a"), None),
            (json!({"type": "string"}), json!(null), None),
            (json!({"type": "string"}), json!(1), Some(("x", "VALID_TYPE"))),
            (json!({"type": ["string", "null"]}), json!(1), Some(("x", "VALID_TYPE"))),
            (json!({"type": ["string", "number"]}), json!(1), None),
            (json!({"type": "integer"}), json!(1.5), Some(("x", "VALID_TYPE"))),
            (json!({"type": "number"}), json!("1"), Some(("x", "VALID_TYPE"))),
            (json!({"type": "boolean"}), json!("true"), Some(("x", "VALID_TYPE"))),
            (
                json!({"type": "array", "items": {"type": "string"}}),
                json!(["a", 1, 2]),
                Some(("x", "VALID_TYPE")),
            ),
            (json!({"type": "array"}), json!("a"), Some(("x", "VALID_TYPE"))),
            (nested.clone(), json!({"flag": true, "must": "a"}), None),
            (nested.clone(), json!({"flag": "yes", "must": "a"}), Some(("x/flag", "VALID_TYPE"))),
            (nested, json!({"flag": true}), Some(("x/must", "REQUIRED"))),
            (reference.clone(), json!({"_ref": "managed/user/1"}), None),
            (reference.clone(), json!("managed/user/1"), Some(("x", "VALID_TYPE"))),
            (
                json!({"type": "array", "items": reference}),
                json!([{"_ref": "a"}, {}]),
                Some(("x", "VALID_TYPE")),
            ),
            (json!({"type": "something of a later IDM"}), json!(1), None),
            (json!({}), json!(1), None),
        ] {
            let found = found(&one(property.clone()), &json!({ "x": value }));
            let first = found.first().map(|v| (v.property.as_str(), v.requirement.as_str()));
            assert_eq!((first, found.len()), (expect, usize::from(expect.is_some())), "{property} {value}");
        }
    }

    #[test]
    fn a_length_asked_for_twice_is_one_fault() {
        let property = json!({"type": "string", "minLength": 3, "policies": [{"policyId": "minimum-length", "params": {"minLength": 5}}]});
        assert_eq!(found(&one(property), &json!({"x": "a"})).len(), 1);
    }

    #[test]
    fn the_value_of_a_protected_attribute_is_in_no_message() {
        let all = [
            "regexpMatches",
            "valid-email-address-format",
            "valid-date",
            "valid-name-format",
            "valid-phone-format",
        ];
        let policies: Vec<Value> =
            all.iter().map(|id| json!({"policyId": id, "params": {"regexp": "^never$"}})).collect();
        let config = one(json!({"secureHash": {"algorithm": "ARGON2ID"}, "policies": policies}));
        let found = found(&config, &json!({"x": "hunter2!"}));
        assert_eq!(found.len(), all.len());
        assert!(found.iter().all(|v| !format!("{v:?}").contains("hunter2")), "{found:?}");
    }

    #[test]
    fn idm_reads_what_failed() {
        let user = ManagedObjectConfig::default_user();
        let found = found(
            &user,
            &json!({"userName": "a", "password": "x", "givenName": "A", "mail": "a@example.org"}),
        );
        assert_eq!(
            failed_requirements(&found),
            json!([
                {"property": "password", "policyRequirements": [
                    {"policyRequirement": "MIN_LENGTH", "params": {"minLength": 8}},
                    {"policyRequirement": "AT_LEAST_X_CAPITAL_LETTERS", "params": {"numCaps": 1}},
                    {"policyRequirement": "AT_LEAST_X_NUMBERS", "params": {"numNums": 1}},
                ]},
                {"property": "sn", "policyRequirements": [{"policyRequirement": "REQUIRED", "params": {}}]},
            ])
        );
    }

    #[test]
    fn what_is_not_checked_is_named() {
        let config = one(
            json!({"policies": [{"policyId": "unique"}, {"policyId": "max-attempts"}, {}], "conditionalPolicies": [{}]}),
        );
        let named = unchecked(&config);
        let named: Vec<_> = named.iter().map(|(a, p)| (a.as_str(), p.as_str())).collect();
        assert_eq!(
            named,
            [("x", "max-attempts"), ("x", "a policy without a policyId"), ("x", "conditionalPolicies")]
        );
        assert_eq!(unchecked(&ManagedObjectConfig::default_user()), []);
    }

    #[test]
    fn broken_policies_are_found_before_a_value_meets_them() {
        for (id, params, what) in [
            ("minimum-length", json!({}), Some("needs `minLength`")),
            ("minimum-length", json!({"minLength": 3}), None),
            ("regexpMatches", json!({"regexp": "("}), Some("cannot be read")),
            ("regexpMatches", json!({"regexp": "a"}), None),
            ("cannot-contain-others", json!({"disallowedFields": "a,b"}), None),
            ("cannot-contain-characters", json!({"forbiddenChars": []}), Some("needs `forbiddenChars`")),
            ("unknown", json!(null), None),
        ] {
            let found = broken_params(id, &params);
            assert_eq!(found.is_some(), what.is_some(), "{id} {params} {found:?}");
            assert!(found.unwrap_or_default().contains(what.unwrap_or_default()), "{id}");
        }
    }
}
