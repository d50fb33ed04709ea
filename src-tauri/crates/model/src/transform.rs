//! What happens to a value on its way: a built-in transform, a script, or several of them in order.
//!
//! A document may say what it likes; [`BuiltInConfig::parse`] says what of it can run. Until then everything that was
//! read is kept as it was.

use std::fmt;

use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use serde_json::{Map, Value};

use crate::mapping_config::ScriptConfig;

/// A property's transform: one step, or a list of them where each gets what the one before gave.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum TransformConfig {
    /// One step.
    One(StepConfig),
    /// Several, in order.
    Several(Vec<StepConfig>),
}

impl TransformConfig {
    /// The steps in order.
    pub fn steps(&self) -> &[StepConfig] {
        match self {
            Self::One(step) => std::slice::from_ref(step),
            Self::Several(steps) => steps,
        }
    }

    /// Whether the value at the property's `source` is looked at, or the first step makes its own.
    pub fn reads_source(&self) -> bool {
        match self.steps().first() {
            Some(StepConfig::BuiltIn(step)) => {
                !matches!(step.parse(), Ok(BuiltIn::Constant { .. } | BuiltIn::Concat { .. }))
            }
            Some(StepConfig::Script(_)) | None => true,
        }
    }

    /// The source attributes that steps read by themselves, as pointers.
    pub fn attributes(&self) -> Vec<String> {
        let mut names = Vec::new();
        for step in self.steps() {
            let StepConfig::BuiltIn(step) = step else { continue };
            let Ok(BuiltIn::Concat { parts }) = step.parse() else { continue };
            names.extend(parts.into_iter().filter_map(|part| match part {
                Part::Attribute(name) => Some(name),
                Part::Text(_) => None,
            }));
        }
        names
    }
}

impl<'de> Deserialize<'de> for TransformConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::Array(items) => items
                .into_iter()
                .map(StepConfig::read)
                .collect::<Result<_, _>>()
                .map(Self::Several)
                .map_err(D::Error::custom),
            other => StepConfig::read(other).map(Self::One).map_err(D::Error::custom),
        }
    }
}

/// In a line, for lists: the names of the built-ins, the text of the scripts.
impl fmt::Display for TransformConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, step) in self.steps().iter().enumerate() {
            if i > 0 {
                f.write_str(", ")?;
            }
            match step {
                StepConfig::BuiltIn(step) => write!(f, "{step}")?,
                StepConfig::Script(script) => {
                    f.write_str(script.source.as_deref().or(script.file.as_deref()).unwrap_or_default())?
                }
            }
        }
        Ok(())
    }
}

/// One step of a transform.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum StepConfig {
    /// A transform that never enters the interpreter: `{"builtIn": "lower"}`.
    BuiltIn(BuiltInConfig),
    /// A script with the variable `source`.
    Script(ScriptConfig),
}

impl StepConfig {
    fn read(value: Value) -> Result<Self, String> {
        let wrong = |value: &Value| {
            format!(
                "{} is no transform; write {{\"builtIn\": \"lower\"}}, a script, or a list of these",
                short(value)
            )
        };
        match value {
            Value::Object(mut map) => match map.shift_remove("builtIn") {
                Some(built_in) => Ok(Self::BuiltIn(BuiltInConfig { built_in, arguments: map })),
                None => serde_json::from_value(Value::Object(map.clone()))
                    .map(Self::Script)
                    .map_err(|_| wrong(&Value::Object(map))),
            },
            other => Err(wrong(&other)),
        }
    }
}

/// A built-in transform as it is written: its name, and its arguments beside it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BuiltInConfig {
    /// The name.
    #[serde(rename = "builtIn")]
    pub built_in: Value,
    /// The arguments, and whatever else stands there.
    #[serde(flatten)]
    pub arguments: Map<String, Value>,
}

impl fmt::Display for BuiltInConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.built_in.as_str().unwrap_or("?"))?;
        if !self.arguments.is_empty() {
            let text = Value::Object(self.arguments.clone());
            write!(f, " {}", short(&text))?;
        }
        Ok(())
    }
}

/// The names of the built-in transforms.
pub const BUILT_IN_NAMES: &[&str] = &[
    "lower",
    "upper",
    "trim",
    "split",
    "join",
    "concat",
    "constant",
    "first",
    "phoneE164",
    "date",
    "map",
    "replace",
];

/// A built-in transform with its arguments checked.
#[derive(Debug, Clone)]
pub enum BuiltIn {
    /// Lower case. Of a list, each item; so also the others that turn a text into a text.
    Lower,
    /// Upper case.
    Upper,
    /// Without blanks at both ends.
    Trim,
    /// A text into a list at each separator; empty parts are left out.
    Split {
        /// What stands between the parts.
        separator: String,
        /// Only the part at this place, empty ones counted, from 0; from the end if negative.
        index: Option<i64>,
    },
    /// A list into a text; empty items are left out.
    Join {
        /// What to put between the items.
        separator: String,
    },
    /// A text made of attributes of the source and fixed texts. A text that touches an attribute without a value is left
    /// out; where two values then lost what stood between them, one blank does.
    Concat {
        /// The parts in order.
        parts: Vec<Part>,
    },
    /// Always this value.
    Constant {
        /// The value.
        value: Value,
    },
    /// The first characters, as a reader counts them.
    First {
        /// How many.
        count: usize,
    },
    /// A phone number in the form `+49301234567`. An extension is left out: E.164 has none.
    PhoneE164 {
        /// The country of numbers without a country code, in two letters.
        country: String,
        /// What happens to a text that is no phone number.
        invalid: Invalid,
    },
    /// A date or time in another form. The day is the one that is written: no time zone moves it. What has no offset is UTC.
    Date {
        /// The form of what comes; `None` tells an ISO date, an ISO date-time and an epoch apart by itself.
        from: Option<DateForm>,
        /// The form to give.
        to: DateForm,
        /// What happens to a value that is no date.
        invalid: Invalid,
    },
    /// One value for another, such as the items of two picklists.
    Map {
        /// What each value becomes; values that are no text are looked up by their text.
        values: Map<String, Value>,
        /// What happens to a value that is not listed.
        unlisted: Unlisted,
    },
    /// Every occurrence of a text by another.
    Replace {
        /// What to look for.
        find: Find,
        /// What to put there; for a pattern, `$1` is its first group.
        with: String,
    },
}

/// A part of [`BuiltIn::Concat`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// The value of an attribute of the source, as a pointer.
    Attribute(String),
    /// A fixed text.
    Text(String),
}

/// What happens to a value that a transform cannot read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Invalid {
    /// The record fails.
    #[default]
    Fail,
    /// The value goes on as it is.
    Keep,
    /// The value counts as none.
    Empty,
}

/// What happens to a value that a [`BuiltIn::Map`] does not list.
#[derive(Debug, Clone, PartialEq)]
pub enum Unlisted {
    /// The record fails.
    Fail,
    /// The value goes on as it is.
    Keep,
    /// It becomes this value.
    Becomes(Value),
}

/// A form of dates and times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DateForm {
    /// `2026-11-21`.
    Date,
    /// `2026-11-21T10:30:00Z`.
    DateTime,
    /// Milliseconds since 1970 in UTC, as HubSpot stores dates and times.
    EpochMillis,
    /// Seconds since 1970 in UTC.
    EpochSeconds,
    /// A pattern with `%d.%m.%Y` and its like.
    Pattern(String),
}

impl fmt::Display for DateForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Date => "date",
            Self::DateTime => "dateTime",
            Self::EpochMillis => "epochMillis",
            Self::EpochSeconds => "epochSeconds",
            Self::Pattern(pattern) => pattern,
        })
    }
}

/// What [`BuiltIn::Replace`] looks for.
#[derive(Debug, Clone)]
pub enum Find {
    /// This text.
    Text(String),
    /// What this regular expression matches.
    Pattern(Regex),
}

/// Memory that a regular expression may take when compiled.
const REGEX_BYTES: usize = 1 << 20;
/// Characters of a value that a sentence shows.
const SHOWN: usize = 60;

/// A value as a sentence quotes it: in JSON's form, cut where it is long.
pub fn short(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

impl BuiltInConfig {
    /// Checks the name and the arguments. The error is the rest of a sentence that names the property.
    pub fn parse(&self) -> Result<BuiltIn, String> {
        let known = || BUILT_IN_NAMES.join(", ");
        let Some(name) = self.built_in.as_str() else {
            return Err(format!("`builtIn` is {}; it is one of {}", short(&self.built_in), known()));
        };
        let arguments = Arguments { of: name, map: &self.arguments };
        Ok(match name {
            "lower" => BuiltIn::Lower,
            "upper" => BuiltIn::Upper,
            "trim" => BuiltIn::Trim,
            "split" => {
                BuiltIn::Split { separator: arguments.filled("separator")?, index: arguments.index()? }
            }
            "join" => BuiltIn::Join { separator: arguments.text("separator")?.to_owned() },
            "concat" => BuiltIn::Concat { parts: arguments.parts()? },
            "constant" => match self.arguments.get("value") {
                None | Some(Value::Null) => return Err(arguments.wrong("value", "is missing")),
                Some(value) => BuiltIn::Constant { value: value.clone() },
            },
            "first" => match self.arguments.get("count").and_then(Value::as_u64) {
                Some(count @ 1..=1_000_000) => BuiltIn::First { count: count as usize },
                _ => return Err(arguments.wrong("count", "is not a whole number from 1 to 1000000")),
            },
            "phoneE164" => {
                let country = arguments.text("country")?.to_ascii_uppercase();
                if country.len() != 2 || !country.bytes().all(|b| b.is_ascii_uppercase()) {
                    return Err(arguments.wrong("country", "is not a country in two letters, such as DE"));
                }
                BuiltIn::PhoneE164 { country, invalid: arguments.invalid()? }
            }
            "date" => BuiltIn::Date {
                from: arguments.date_form("from")?,
                to: arguments.date_form("to")?.ok_or_else(|| arguments.wrong("to", "is missing"))?,
                invalid: arguments.invalid()?,
            },
            "map" => BuiltIn::Map { values: arguments.values()?, unlisted: arguments.unlisted()? },
            "replace" => {
                let find = arguments.filled("find")?;
                let find = match arguments.flag("regex")? {
                    false => Find::Text(find),
                    true => Find::Pattern(RegexBuilder::new(&find).size_limit(REGEX_BYTES).build().map_err(
                        |e| {
                            let reason = e.to_string();
                            let last =
                                reason.lines().last().unwrap_or_default().trim_start_matches("error: ");
                            arguments.wrong("find", &format!("is no regular expression: {last}"))
                        },
                    )?),
                };
                BuiltIn::Replace { find, with: arguments.text("with")?.to_owned() }
            }
            other => {
                return Err(format!("there is no built-in transform `{other}`; it is one of {}", known()));
            }
        })
    }
}

struct Arguments<'a> {
    of: &'a str,
    map: &'a Map<String, Value>,
}

impl<'a> Arguments<'a> {
    fn wrong(&self, key: &str, what: &str) -> String {
        format!("the built-in transform `{}`: `{key}` {what}", self.of)
    }

    fn given(&self, key: &str) -> Option<&'a Value> {
        self.map.get(key).filter(|v| !v.is_null())
    }

    fn text(&self, key: &str) -> Result<&'a str, String> {
        match self.given(key) {
            Some(Value::String(text)) => Ok(text),
            Some(other) => Err(self.wrong(key, &format!("is {}, not a text", short(other)))),
            None => Err(self.wrong(key, "is missing")),
        }
    }

    fn filled(&self, key: &str) -> Result<String, String> {
        match self.text(key)? {
            "" => Err(self.wrong(key, "is empty")),
            text => Ok(text.to_owned()),
        }
    }

    fn flag(&self, key: &str) -> Result<bool, String> {
        match self.given(key) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(other) => Err(self.wrong(key, &format!("is {}, neither true nor false", short(other)))),
        }
    }

    fn index(&self) -> Result<Option<i64>, String> {
        self.given("index")
            .map(|value| value.as_i64().ok_or_else(|| self.wrong("index", "is not a whole number")))
            .transpose()
    }

    fn invalid(&self) -> Result<Invalid, String> {
        match self.given("invalid").map(|v| v.as_str()) {
            None | Some(Some("fail")) => Ok(Invalid::Fail),
            Some(Some("keep")) => Ok(Invalid::Keep),
            Some(Some("empty")) => Ok(Invalid::Empty),
            Some(_) => Err(self.wrong("invalid", "is none of fail, keep, empty")),
        }
    }

    fn parts(&self) -> Result<Vec<Part>, String> {
        let example = "is not a list such as [{\"attribute\": \"givenName\"}, {\"text\": \" \"}]";
        let items = self
            .given("parts")
            .and_then(Value::as_array)
            .filter(|items| !items.is_empty())
            .ok_or_else(|| self.wrong("parts", example))?;
        let parts = items
            .iter()
            .map(|item| {
                let get = |key| item.get(key).and_then(Value::as_str);
                match (get("attribute"), get("text")) {
                    (Some(name), None) if !name.trim_start_matches('/').is_empty() => {
                        Ok(Part::Attribute(name.to_owned()))
                    }
                    (None, Some(text)) => Ok(Part::Text(text.to_owned())),
                    _ => Err(self.wrong(
                        "parts",
                        &format!("has {}; a part is an `attribute` or a `text`", short(item)),
                    )),
                }
            })
            .collect::<Result<Vec<_>, _>>()?;
        if !parts.iter().any(|part| matches!(part, Part::Attribute(_))) {
            return Err(self.wrong("parts", "has no attribute; use `constant` for a fixed text"));
        }
        Ok(parts)
    }

    fn date_form(&self, key: &str) -> Result<Option<DateForm>, String> {
        if self.given(key).is_none() {
            return Ok(None);
        }
        let text = self.text(key)?;
        let known = [DateForm::Date, DateForm::DateTime, DateForm::EpochMillis, DateForm::EpochSeconds];
        if let Some(form) = known.into_iter().find(|form| form.to_string() == text) {
            return Ok(Some(form));
        }
        let wrong = |why: &str| {
            self.wrong(
                key,
                &format!(
                    "is `{text}`{why}; it is date, dateTime, epochMillis, epochSeconds or a pattern such as %d.%m.%Y"
                ),
            )
        };
        if !text.contains('%') {
            return Err(wrong(""));
        }
        let sample = jiff::civil::date(2026, 11, 21).at(10, 30, 0, 0).to_zoned(jiff::tz::TimeZone::UTC);
        if let Err(e) = sample.map(|at| jiff::fmt::strtime::format(text, &at)).and_then(|written| written) {
            return Err(wrong(&format!(", which cannot be used ({e})")));
        }
        Ok(Some(DateForm::Pattern(text.to_owned())))
    }

    fn values(&self) -> Result<Map<String, Value>, String> {
        match self.given("values") {
            Some(Value::Object(map)) if !map.is_empty() => Ok(map.clone()),
            _ => Err(self.wrong("values", "is not an object such as {\"gold\": \"Gold\"}")),
        }
    }

    fn unlisted(&self) -> Result<Unlisted, String> {
        let keep = self.flag("keepOthers")?;
        match self.map.get("otherwise") {
            Some(_) if keep => Err(self.wrong("otherwise", "stands beside `keepOthers`; use one of the two")),
            Some(value) => Ok(Unlisted::Becomes(value.clone())),
            None if keep => Ok(Unlisted::Keep),
            None => Ok(Unlisted::Fail),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{BUILT_IN_NAMES, StepConfig, TransformConfig};

    fn error_of(config: Value) -> String {
        let transform: TransformConfig = match serde_json::from_value(config) {
            Ok(transform) => transform,
            Err(e) => return e.to_string(),
        };
        transform
            .steps()
            .iter()
            .find_map(|step| match step {
                StepConfig::BuiltIn(step) => step.parse().err(),
                StepConfig::Script(_) => None,
            })
            .unwrap_or_default()
    }

    #[test]
    fn good_transforms_are_read_and_written_back_with_what_else_they_say() {
        for config in [
            json!({"builtIn": "lower"}),
            json!([{"builtIn": "trim"}, {"builtIn": "lower"}]),
            json!({"builtIn": "split", "separator": ";", "index": -1}),
            json!({"builtIn": "join", "separator": ""}),
            json!({"builtIn": "concat", "parts": [{"attribute": "givenName"}, {"text": " "}, {"attribute": "name/sn"}]}),
            json!({"builtIn": "constant", "value": false, "note": "kept"}),
            json!({"builtIn": "first", "count": 40}),
            json!({"builtIn": "phoneE164", "country": "de", "invalid": "keep"}),
            json!({"builtIn": "date", "to": "date"}),
            json!({"builtIn": "date", "from": "%d.%m.%Y", "to": "epochMillis", "invalid": "empty"}),
            json!({"builtIn": "map", "values": {"a": 1}, "otherwise": null}),
            json!({"builtIn": "map", "values": {"a": 1}, "keepOthers": true}),
            json!({"builtIn": "replace", "find": "(a+)", "with": "$1", "regex": true}),
            json!([{"type": "text/javascript", "source": "source"}, {"builtIn": "upper"}]),
            json!({"type": "text/javascript", "source": "source.trim()", "globals": {}}),
        ] {
            assert_eq!(error_of(config.clone()), "", "{config}");
            let read: TransformConfig = serde_json::from_value(config.clone()).unwrap();
            assert_eq!(serde_json::to_value(&read).unwrap(), config);
        }
    }

    #[test]
    fn bad_arguments_are_named() {
        for (config, expect) in [
            (json!("lower"), "is no transform; write"),
            (json!([3]), "3 is no transform"),
            (json!({"builtIn": 7}), "`builtIn` is 7"),
            (json!({"builtIn": "lowr"}), "no built-in transform `lowr`; it is one of lower, upper"),
            (json!({"builtIn": "split"}), "`separator` is missing"),
            (json!({"builtIn": "split", "separator": ""}), "`separator` is empty"),
            (json!({"builtIn": "split", "separator": ",", "index": 1.5}), "`index` is not a whole number"),
            (json!({"builtIn": "join", "separator": 3}), "`separator` is 3, not a text"),
            (json!({"builtIn": "concat"}), "`parts` is not a list"),
            (json!({"builtIn": "concat", "parts": []}), "`parts` is not a list"),
            (json!({"builtIn": "concat", "parts": [{"text": "x"}]}), "has no attribute"),
            (
                json!({"builtIn": "concat", "parts": [{"attribute": ""}]}),
                "a part is an `attribute` or a `text`",
            ),
            (json!({"builtIn": "constant"}), "`value` is missing"),
            (json!({"builtIn": "first", "count": 0}), "whole number from 1"),
            (json!({"builtIn": "phoneE164"}), "`country` is missing"),
            (json!({"builtIn": "phoneE164", "country": "Germany"}), "two letters"),
            (json!({"builtIn": "phoneE164", "country": "DE", "invalid": "no"}), "none of fail, keep, empty"),
            (json!({"builtIn": "date"}), "`to` is missing"),
            (json!({"builtIn": "date", "to": "iso"}), "is `iso`; it is date, dateTime"),
            (json!({"builtIn": "date", "to": "%!"}), "which cannot be used"),
            (json!({"builtIn": "map", "values": {}}), "`values` is not an object"),
            (
                json!({"builtIn": "map", "values": {"a": 1}, "otherwise": 1, "keepOthers": true}),
                "one of the two",
            ),
            (
                json!({"builtIn": "replace", "find": "(", "with": "", "regex": true}),
                "is no regular expression",
            ),
            (json!({"builtIn": "replace", "find": "a"}), "`with` is missing"),
            (
                json!({"builtIn": "replace", "find": "a", "with": "", "regex": "yes"}),
                "neither true nor false",
            ),
        ] {
            let error = error_of(config.clone());
            assert!(error.contains(expect), "{config}: {error}");
        }
    }

    #[test]
    fn every_name_is_one_that_parse_knows() {
        for name in BUILT_IN_NAMES {
            let error = error_of(json!({"builtIn": name}));
            assert!(!error.contains("there is no"), "{error}");
        }
    }

    #[test]
    fn a_transform_in_a_line() {
        let read = |config: Value| serde_json::from_value::<TransformConfig>(config).unwrap().to_string();
        assert_eq!(read(json!({"builtIn": "lower"})), "lower");
        assert_eq!(
            read(
                json!([{"builtIn": "trim"}, {"builtIn": "first", "count": 3}, {"type": "text/javascript", "source": "source + 1"}])
            ),
            "trim, first {\"count\":3}, source + 1"
        );
    }
}
