//! Transforms: what happens to a value on its way.

use std::borrow::Cow;

use model::{
    Pointer,
    transform::{BuiltIn, DateForm, Find, Invalid, Part, StepConfig, TransformConfig, Unlisted, short},
};
use serde_json::{Map, Value};
use unicode_segmentation::UnicodeSegmentation as _;

use crate::{
    canonical::is_empty,
    compiled::{CompileError, Compiler, Interpreter, Problem, ScriptId},
    date,
    phone::{self, Country},
    properties::Record,
    trace::{Noted, Watch},
};

/// The steps of a property's transform, ready to run.
pub(crate) struct Transform {
    steps: Vec<Step>,
    /// Where it stands, for error texts.
    place: String,
}

struct Step {
    /// `lower`, `script`.
    name: String,
    run: Run,
}

enum Run {
    Script(ScriptId),
    Concat(Vec<Piece>),
    Constant(Value),
    Split { separator: String, index: Option<i64> },
    Join { separator: String },
    Text(TextChange),
    Phone { country: Country, letters: String, invalid: Invalid },
    Date { from: Option<DateForm>, to: DateForm, invalid: Invalid },
    Map { values: Map<String, Value>, unlisted: Unlisted },
}

/// What turns a text into a text and cannot fail.
enum TextChange {
    Lower,
    Upper,
    Trim,
    First(usize),
    Replace(Find, String),
}

enum Piece {
    Attribute(Pointer),
    Text(String),
}

/// What a transform looks at beside the value itself.
pub(crate) struct Input<'a> {
    pub interpreter: &'a dyn Interpreter,
    pub qualifier: &'a str,
    pub source: &'a Record<'a>,
    /// Whether the property takes one attribute of the source rather than all of it or none.
    pub of_one_attribute: bool,
}

impl Transform {
    pub(crate) fn compile(
        config: &TransformConfig,
        target: &str,
        compiler: &mut Compiler<'_>,
    ) -> Result<Self, CompileError> {
        let place = format!("mapping {}, property {target}", compiler.config.name);
        let mut steps = Vec::with_capacity(config.steps().len());
        for step in config.steps() {
            steps.push(match step {
                StepConfig::Script(script) => Step {
                    name: "script".into(),
                    run: Run::Script(compiler.script(Some(target), "transform", script)?),
                },
                StepConfig::BuiltIn(step) => Step {
                    name: step.built_in.as_str().unwrap_or_default().to_owned(),
                    run: step.parse().and_then(Run::of).map_err(|what| {
                        CompileError::Config(compiler.config.place(format!("property `{target}`"), what))
                    })?,
                },
            });
        }
        Ok(Self { steps, place })
    }

    /// Changes a value step by step.
    pub(crate) fn apply(
        &self,
        value: Value,
        input: &Input<'_>,
        watch: &mut impl Watch,
    ) -> Result<Value, Problem> {
        let mut value = value;
        for (i, step) in self.steps.iter().enumerate() {
            value = match &step.run {
                // An absent value never reaches a script of one attribute: `source.toLowerCase()` is written for values
                // that are there, and IDM's own samples fail on those that are not.
                Run::Script(_) if i > 0 && is_empty(&value) => Value::Null,
                Run::Script(_) if input.of_one_attribute && value.is_null() => Value::Null,
                Run::Script(id) => {
                    let qualifier = Value::from(input.qualifier);
                    let variables = [("source", &value), ("linkQualifier", &qualifier)];
                    input.interpreter.eval(*id, &variables)?
                }
                run => run
                    .built_in(value, input.source)
                    .map_err(|what| format!("{} ({}): {what}", self.place, step.name))?,
            };
            watch.note(|| Noted::Transform { name: step.name.clone(), value: value.clone() });
        }
        Ok(value)
    }

    /// The attributes that steps read by themselves, with their values.
    pub(crate) fn read_by_itself<'t>(
        &'t self,
        source: &'t Record<'_>,
    ) -> impl Iterator<Item = (String, Value)> + 't {
        self.steps
            .iter()
            .flat_map(|step| match &step.run {
                Run::Concat(pieces) => pieces.as_slice(),
                _ => &[],
            })
            .filter_map(|piece| match piece {
                Piece::Attribute(pointer) => {
                    Some((pointer.to_string(), source.get(pointer).cloned().unwrap_or(Value::Null)))
                }
                Piece::Text(_) => None,
            })
    }
}

impl Run {
    fn of(built_in: BuiltIn) -> Result<Self, String> {
        Ok(match built_in {
            BuiltIn::Lower => Self::Text(TextChange::Lower),
            BuiltIn::Upper => Self::Text(TextChange::Upper),
            BuiltIn::Trim => Self::Text(TextChange::Trim),
            BuiltIn::First { count } => Self::Text(TextChange::First(count)),
            BuiltIn::Replace { find, with } => Self::Text(TextChange::Replace(find, with)),
            BuiltIn::Split { separator, index } => Self::Split { separator, index },
            BuiltIn::Join { separator } => Self::Join { separator },
            BuiltIn::Constant { value } => Self::Constant(value),
            BuiltIn::Concat { parts } => Self::Concat(
                parts
                    .into_iter()
                    .map(|part| match part {
                        Part::Attribute(name) => Piece::Attribute(Pointer::parse(&name)),
                        Part::Text(text) => Piece::Text(text),
                    })
                    .collect(),
            ),
            BuiltIn::PhoneE164 { country: letters, invalid } => match Country::parse(&letters) {
                Some(country) => Self::Phone { country, letters, invalid },
                None => {
                    return Err(format!(
                        "the built-in transform `phoneE164`: `country` is {letters}, which has no phone numbers"
                    ));
                }
            },
            BuiltIn::Date { from, to, invalid } => Self::Date { from, to, invalid },
            BuiltIn::Map { values, unlisted } => Self::Map { values, unlisted },
        })
    }

    fn built_in(&self, value: Value, source: &Record<'_>) -> Result<Value, String> {
        match self {
            Self::Script(_) => Ok(value),
            Self::Constant(constant) => Ok(constant.clone()),
            Self::Concat(pieces) => concat(pieces, source),
            _ if is_empty(&value) => Ok(Value::Null),
            Self::Split { separator, index } => split(&value, separator, *index),
            Self::Join { separator } => join(&value, separator),
            Self::Text(change) => each(value, &|value| match value {
                Value::String(text) => Ok(change.apply(&text).into()),
                // What is no text has no case and no blanks; it has characters, though.
                Value::Bool(_) | Value::Number(_) if change.is_about_letters() => Ok(value),
                other => Ok(change.apply(&text_of(&other)?).into()),
            }),
            Self::Phone { country, letters, invalid } => each(value, &|value| {
                let text = text_of(&value)?;
                match phone::e164(&text, *country) {
                    _ if text.trim().is_empty() => Ok(Value::Null),
                    Some(number) => Ok(number.into()),
                    None => invalid_value(*invalid, value, || {
                        format!("is no valid phone number, neither of {letters} nor with a country code")
                    }),
                }
            }),
            Self::Date { from, to, invalid } => each(value, &|value| {
                if value.as_str().is_some_and(|text| text.trim().is_empty()) {
                    return Ok(Value::Null);
                }
                match date::convert(&value, from.as_ref(), to) {
                    Some(date) => Ok(date),
                    None => invalid_value(*invalid, value, || match from {
                        Some(form) => format!("is no date of the form {form}"),
                        None => "is no ISO date, no ISO date-time and no epoch; say under `from` what it is"
                            .into(),
                    }),
                }
            }),
            Self::Map { values, unlisted } => {
                each(value, &|value| match (values.get(text_of(&value)?.as_ref()), unlisted) {
                    (Some(listed), _) => Ok(listed.clone()),
                    (None, Unlisted::Becomes(other)) => Ok(other.clone()),
                    (None, Unlisted::Keep) => Ok(value),
                    (None, Unlisted::Fail) => Err(format!(
                        "{} is not among the values of the map; add it there, or say under `otherwise` what becomes of others",
                        short(&value)
                    )),
                })
            }
        }
    }
}

fn invalid_value(invalid: Invalid, value: Value, why: impl Fn() -> String) -> Result<Value, String> {
    match invalid {
        Invalid::Keep => Ok(value),
        Invalid::Empty => Ok(Value::Null),
        Invalid::Fail => Err(format!(
            "{} {}; correct it at the source, or set `invalid` to `keep` or `empty`",
            short(&value),
            why()
        )),
    }
}

impl TextChange {
    fn is_about_letters(&self) -> bool {
        matches!(self, Self::Lower | Self::Upper | Self::Trim)
    }

    fn apply(&self, text: &str) -> String {
        match self {
            Self::Lower => text.to_lowercase(),
            Self::Upper => text.to_uppercase(),
            Self::Trim => text.trim().to_owned(),
            Self::First(count) => text.graphemes(true).take(*count).collect(),
            Self::Replace(Find::Text(find), with) => text.replace(find.as_str(), with),
            Self::Replace(Find::Pattern(find), with) => find.replace_all(text, with.as_str()).into_owned(),
        }
    }
}

/// Of a list each item; items that become nothing are left out.
fn each(value: Value, change: &dyn Fn(Value) -> Result<Value, String>) -> Result<Value, String> {
    match value {
        Value::Array(items) => items
            .into_iter()
            .filter(|item| !is_empty(item))
            .map(change)
            .filter(|item| !matches!(item, Ok(item) if is_empty(item)))
            .collect(),
        other => change(other),
    }
}

fn text_of(value: &Value) -> Result<Cow<'_, str>, String> {
    match value {
        Value::String(text) => Ok(Cow::Borrowed(text)),
        Value::Number(_) | Value::Bool(_) => Ok(Cow::Owned(value.to_string())),
        other => Err(format!("{} is no text", short(other))),
    }
}

fn split(value: &Value, separator: &str, index: Option<i64>) -> Result<Value, String> {
    let one = |value: &Value| -> Result<Vec<Value>, String> {
        let text = text_of(value)?;
        let parts: Vec<&str> = text.split(separator).collect();
        let wanted = match index {
            None => parts,
            Some(index) => {
                let place = if index < 0 { index.saturating_add_unsigned(parts.len() as u64) } else { index };
                usize::try_from(place).ok().and_then(|place| parts.get(place)).copied().into_iter().collect()
            }
        };
        Ok(wanted.into_iter().filter(|part| !part.is_empty()).map(Value::from).collect())
    };
    match (value, index) {
        (Value::Array(items), _) => {
            let parts = items.iter().map(one).collect::<Result<Vec<_>, _>>()?;
            Ok(parts.into_iter().flatten().collect())
        }
        (single, None) => one(single).map(Value::Array),
        (single, Some(_)) => Ok(one(single)?.pop().unwrap_or(Value::Null)),
    }
}

fn join(value: &Value, separator: &str) -> Result<Value, String> {
    match value {
        Value::Array(items) => joined(items, separator).map(Value::from),
        single => Ok(text_of(single)?.into()),
    }
}

fn joined(items: &[Value], separator: &str) -> Result<String, String> {
    let texts = items.iter().filter(|item| !is_empty(item)).map(text_of).collect::<Result<Vec<_>, _>>()?;
    Ok(texts.join(separator))
}

/// A fixed text stands only where the attributes that it touches have values. Where two values lose what stood between
/// them, one blank does, or what stood on both sides of the attribute that is missing.
fn concat(pieces: &[Piece], source: &Record<'_>) -> Result<Value, String> {
    let mut values: Vec<String> = Vec::new();
    // What stands before each value, and after the last one.
    let mut gaps = vec![String::new()];
    for piece in pieces {
        match piece {
            Piece::Text(text) => gaps.last_mut().into_iter().for_each(|gap| gap.push_str(text)),
            Piece::Attribute(pointer) => {
                let value = match source.get(pointer).filter(|value| !is_empty(value)) {
                    None => Ok(String::new()),
                    Some(Value::Array(items)) => joined(items, ", "),
                    Some(other) => text_of(other).map(|text| text.trim().to_owned()),
                };
                values.push(value.map_err(|what| format!("attribute {pointer}: {what}"))?);
                gaps.push(String::new());
            }
        }
    }
    let mut out = String::new();
    // The gaps since the last value that is there, and whether there is one.
    let mut passed: Vec<&str> = Vec::new();
    for (value, gap) in values.iter().zip(&gaps) {
        passed.push(gap);
        if value.is_empty() {
            continue;
        }
        let at_start = out.is_empty();
        match passed.as_slice() {
            [gap] => out.push_str(gap),
            _ if at_start => {}
            [first, rest @ ..] if rest.iter().all(|gap| gap == first) => out.push_str(first),
            _ => out.push(' '),
        }
        out.push_str(value);
        passed.clear();
    }
    if passed.is_empty() {
        out.push_str(gaps.last().map_or("", String::as_str));
    }
    Ok(out.into())
}
