//! How a property came to its value, step by step, for people who want to see it.
//!
//! The trace is what [`Mapping::evaluate`] notes on its way when somebody watches; nothing here is worked out a second time.

use model::{
    Attributes,
    mapping_config::{ConflictRule, SetOn, WhenEmpty},
};
use serde::Serialize;
use serde_json::Value;

use crate::{
    compiled::{Interpreter, Mapping},
    conflict::Since,
    properties::{Newer, Occasion},
};

/// Looks over the shoulder of an evaluation.
pub(crate) trait Watch {
    /// Takes a note; who does not watch does not have it made.
    fn note(&mut self, noted: impl FnOnce() -> Noted);
}

/// Nobody watches.
pub(crate) struct Unwatched;

impl Watch for Unwatched {
    fn note(&mut self, _: impl FnOnce() -> Noted) {}
}

impl Watch for Vec<Noted> {
    fn note(&mut self, noted: impl FnOnce() -> Noted) {
        self.push(noted());
    }
}

/// One thing that a property was judged by.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "step", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Noted {
    /// When the property is written at all; only noted where that is not always.
    SetOn {
        /// The rule.
        rule: SetOn,
        /// Whether it lets the property through.
        applies: bool,
    },
    /// The property's condition.
    Condition {
        /// The filter or the script.
        text: String,
        /// Whether it holds.
        holds: bool,
    },
    /// A value of the source.
    Source {
        /// Its attribute; empty for the whole record.
        attribute: String,
        /// The value.
        value: Value,
    },
    /// A step of the transform.
    Transform {
        /// The built-in transform's name, or `script`.
        name: String,
        /// The value after it.
        value: Value,
    },
    /// What an empty value does.
    WhenEmpty {
        /// The rule.
        rule: WhenEmpty,
        /// The value after it; null for none.
        value: Value,
        /// Whether that is the property's default.
        default_used: bool,
    },
    /// How the attribute stands between the two mappings of a pair.
    Pair {
        /// What has happened since both were last in sync.
        since: Since,
    },
    /// The conflict rule, where it had to decide.
    Rule {
        /// The rule.
        rule: ConflictRule,
        /// Whether it is the rule of the mapping in the other direction, whose source is this one's target.
        mirrored: bool,
        /// Who wins; nobody until a person decides.
        winner: Option<Newer>,
    },
}

impl Noted {
    /// What kind of note it is: `setOn`, `condition`, `source`, `transform`, `whenEmpty`, `pair`, `rule`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::SetOn { .. } => "setOn",
            Self::Condition { .. } => "condition",
            Self::Source { .. } => "source",
            Self::Transform { .. } => "transform",
            Self::WhenEmpty { .. } => "whenEmpty",
            Self::Pair { .. } => "pair",
            Self::Rule { .. } => "rule",
        }
    }

    /// The value after it, where it has one.
    pub fn value(&self) -> Option<&Value> {
        match self {
            Self::Source { value, .. } | Self::Transform { value, .. } | Self::WhenEmpty { value, .. } => {
                Some(value)
            }
            _ => None,
        }
    }

    /// It in words.
    pub fn words(&self) -> String {
        match self {
            Self::SetOn { rule: SetOn::Always, .. } => "is always set".into(),
            Self::SetOn { rule: SetOn::Create, applies: true } => {
                "is set when the target is created, as now".into()
            }
            Self::SetOn { rule: SetOn::Create, applies: false } => {
                "is only set when the target is created".into()
            }
            Self::SetOn { rule: SetOn::Blank, applies: true } => {
                "is set while the target has no value, as now".into()
            }
            Self::SetOn { rule: SetOn::Blank, applies: false } => {
                "is only set while the target has no value, and it has one".into()
            }
            Self::Condition { text, holds: true } => format!("the condition holds: {text}"),
            Self::Condition { text, holds: false } => format!("the condition does not hold: {text}"),
            Self::Source { attribute, .. } if attribute.is_empty() => "the whole source record".into(),
            Self::Source { attribute, value } if value.is_null() => format!("{attribute} has no value"),
            Self::Source { attribute, .. } => format!("the value of {attribute}"),
            Self::Transform { name, .. } => name.clone(),
            Self::WhenEmpty { default_used: true, .. } => "there is no value, so the default is used".into(),
            Self::WhenEmpty { rule: WhenEmpty::Leave, .. } => {
                "there is no value, so the target is left alone".into()
            }
            Self::WhenEmpty { .. } => "there is no value, so the target is cleared".into(),
            Self::Pair { since } => match since {
                Since::Neither => "neither side has changed since both were last in sync",
                Since::Source => "only the source has changed since both were last in sync",
                Since::Target => "only the target has changed since both were last in sync",
                Since::Both => "both sides have changed since they were last in sync",
                Since::Never => "the two sides were never in sync here",
            }
            .into(),
            Self::Rule { rule, mirrored, winner } => {
                let side = |source: &str, target: &str| {
                    if *mirrored { target.to_owned() } else { source.to_owned() }
                };
                let rule = match rule {
                    ConflictRule::Source => format!("the {} wins", side("source", "target")),
                    ConflictRule::Target => format!("the {} wins", side("target", "source")),
                    ConflictRule::SourceUnlessBlank => {
                        format!("the {} wins unless it is blank", side("source", "target"))
                    }
                    ConflictRule::Newest => "the side that was changed last wins".into(),
                    ConflictRule::Ask => "a person decides".into(),
                };
                let winner = match winner {
                    Some(Newer::Source) => "the source's value is taken",
                    Some(Newer::Target) => "the target's value stays",
                    None => "neither is written until then",
                };
                format!("conflict rule: {rule}; {winner}")
            }
        }
    }
}

/// What becomes of an attribute of the target.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "outcome", content = "why", rename_all = "camelCase")]
pub enum Outcome {
    /// It gets another value.
    Written,
    /// It loses its value.
    Cleared,
    /// It has the value already.
    Unchanged,
    /// The property says nothing about this record.
    NotApplied(NotApplied),
    /// It differs from the source's value and stays.
    Kept(Kept),
    /// A person decides; until then it stays.
    Asked,
    /// The value could not be worked out; the record fails.
    Failed(String),
}

/// Why a property says nothing about a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum NotApplied {
    /// It is for new targets only.
    CreateOnly,
    /// It is for targets without a value only.
    BlankOnly,
    /// Its condition does not hold.
    Condition,
    /// The source has no value, and an empty one leaves the target alone.
    NothingToSay,
}

/// Why an attribute stays although it differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Kept {
    /// Neither side has changed since both were last in sync; the difference is the mapping's own doing.
    InSync,
    /// Only the target has changed, and the mapping in the other direction carries that.
    TargetChanged,
    /// Both have changed, or never were in sync, and the conflict rule takes the target's.
    Rule(ConflictRule),
}

impl Outcome {
    /// The outcome in a word: `written`, `cleared`, `unchanged`, `notApplied`, `kept`, `asked`, `failed`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Written => "written",
            Self::Cleared => "cleared",
            Self::Unchanged => "unchanged",
            Self::NotApplied(_) => "notApplied",
            Self::Kept(_) => "kept",
            Self::Asked => "asked",
            Self::Failed(_) => "failed",
        }
    }

    /// The outcome in a sentence.
    pub fn words(&self) -> String {
        match self {
            Self::Written => "the target gets this value".into(),
            Self::Cleared => "the target's value is cleared".into(),
            Self::Unchanged => "the target has this value already".into(),
            Self::NotApplied(why) => match why {
                NotApplied::CreateOnly => "set only when the target is created".into(),
                NotApplied::BlankOnly => "set only while the target has no value".into(),
                NotApplied::Condition => "its condition does not hold".into(),
                NotApplied::NothingToSay => "the source has no value, so the target's is left alone".into(),
            },
            Self::Kept(why) => match why {
                Kept::InSync => {
                    "neither side has changed since both were last in sync; the target's form of the value stays".into()
                }
                Kept::TargetChanged => {
                    "only the target has changed since both were last in sync; its value stays, and the mapping in the other direction carries it".into()
                }
                Kept::Rule(rule) => format!("the target's value stays, as the conflict rule `{}` says", rule_name(*rule)),
            },
            Self::Asked => "both sides differ; neither is written until a person decides".into(),
            Self::Failed(reason) => reason.clone(),
        }
    }
}

/// The rule as the configuration writes it.
pub(crate) fn rule_name(rule: ConflictRule) -> &'static str {
    match rule {
        ConflictRule::Source => "source",
        ConflictRule::Target => "target",
        ConflictRule::SourceUnlessBlank => "sourceUnlessBlank",
        ConflictRule::Newest => "newest",
        ConflictRule::Ask => "ask",
    }
}

/// How one property came out.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PropertyTrace {
    /// The target's attribute.
    pub target: String,
    /// The property's `source` as it is written, if it has one.
    pub source: Option<String>,
    /// What it was judged by, in order.
    pub steps: Vec<Noted>,
    /// The target's value before; null for none.
    pub before: Value,
    /// The target's value after.
    pub after: Value,
    /// What became of it.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// How a record came through a mapping's properties.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Trace {
    /// One for each property, in order.
    pub properties: Vec<PropertyTrace>,
}

impl Mapping {
    /// As [`Mapping::evaluate`], and tells how each property came out. A property that fails does not hide the ones after it.
    pub fn trace(
        &self,
        interpreter: &dyn Interpreter,
        occasion: Occasion<'_>,
        source: &Attributes,
        target: Option<&Attributes>,
    ) -> Trace {
        let mut properties = Vec::with_capacity(self.properties.len());
        let mut pass = self.pass(interpreter, occasion, source, target);
        for (property, config) in self.properties.iter().zip(&self.config.properties) {
            let mut steps = Vec::new();
            let before = pass.value_now(property);
            let outcome =
                pass.take(property, &mut steps).unwrap_or_else(|problem| Outcome::Failed(problem.reason));
            properties.push(PropertyTrace {
                target: property.target.to_string(),
                source: config.source.clone(),
                steps,
                after: pass.value_now(property),
                before,
                outcome,
            });
        }
        Trace { properties }
    }
}
