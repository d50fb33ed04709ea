//! Conflict rules: who wins an attribute that a pair of mappings carries both ways, when both sides have changed.
//!
//! A rule that is said in one mapping of a pair holds for both, seen from its side, so that the order in which the two run
//! decides nothing.

use model::{
    Attributes, MappingConfig, Pointer,
    mapping_config::{ConflictRule, PropertyConfig},
};
use serde::Serialize;
use serde_json::Value;

use crate::{
    canonical::{Sameness, is_empty},
    properties::{Base, Newer},
};

/// A rule as one mapping of a pair has to apply it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rule {
    pub rule: ConflictRule,
    /// The mapping in the other direction says it: its source is our target.
    pub mirrored: bool,
    /// The property itself says it, so it holds although no other mapping carries the attribute back.
    pub own: bool,
}

impl Rule {
    /// The most particular rule that one of the two mappings says; IDM's when neither says one.
    pub(crate) fn of(
        property: &PropertyConfig,
        mapping: &MappingConfig,
        reverse: Option<&MappingConfig>,
    ) -> Self {
        let said = |rule, mirrored, own| Self { rule, mirrored, own };
        if let Some(rule) = property.conflict_rule {
            return said(rule, false, true);
        }
        let points_to = |a: Option<&str>, b: &str| a.is_some_and(|a| Pointer::parse(a) == Pointer::parse(b));
        let back = reverse.into_iter().flat_map(|r| &r.properties).find(|back| {
            points_to(property.source.as_deref(), &back.target)
                && points_to(back.source.as_deref(), &property.target)
        });
        let theirs = back.and_then(|back| back.conflict_rule).map(|rule| said(rule, true, false));
        theirs
            .or(mapping.conflict_rule.map(|rule| said(rule, false, false)))
            .or(reverse.and_then(|r| r.conflict_rule).map(|rule| said(rule, true, false)))
            .unwrap_or(said(ConflictRule::default(), false, false))
    }

    /// The winner, or `None` when a person decides.
    pub(crate) fn winner(self, source: Standing, target: Standing, newer: Option<Newer>) -> Option<Newer> {
        if self.mirrored {
            return self.decide(target, source, newer.map(Newer::other)).map(Newer::other);
        }
        self.decide(source, target, newer)
    }

    fn decide(self, source: Standing, target: Standing, newer: Option<Newer>) -> Option<Newer> {
        // Before both were first in sync a side without a value has nothing to defend.
        let fresh = source.was_empty.is_none();
        let one_sided = match (source.is_empty, target.is_empty) {
            (true, false) => Some(Newer::Target),
            (false, true) => Some(Newer::Source),
            _ => None,
        };
        match self.rule {
            // A mapping's own `whenEmpty` says what its empty source does; the other mapping's does not.
            ConflictRule::Source if !self.mirrored => Some(Newer::Source),
            ConflictRule::SourceUnlessBlank => {
                let source_is_late = source.was_empty == Some(true) && !target.is_empty;
                let target_wins = source_is_late || (source.is_empty && !target.is_empty);
                Some(if target_wins { Newer::Target } else { Newer::Source })
            }
            _ if fresh && one_sided.is_some() => one_sided,
            ConflictRule::Source => Some(Newer::Source),
            ConflictRule::Target => Some(Newer::Target),
            ConflictRule::Newest => Some(newer.unwrap_or(Newer::Source)),
            ConflictRule::Ask => None,
        }
    }
}

/// One side of a pair.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Standing {
    /// Whether it has no value now.
    pub is_empty: bool,
    /// Whether it had none when both were last in sync; `None` when they never were.
    pub was_empty: Option<bool>,
}

/// What each side of a mapping takes for the same value.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sides<'m> {
    pub source: &'m Sameness,
    pub target: &'m Sameness,
}

/// What has happened to an attribute since both sides were last in sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Since {
    /// Neither side has changed, however different they look.
    Neither,
    /// Only the source has changed.
    Source,
    /// Only the target has changed.
    Target,
    /// Both have changed.
    Both,
    /// They never were in sync.
    Never,
}

impl Since {
    pub(crate) fn of(
        sides: Sides<'_>,
        base: Option<&Base>,
        pair: &(String, String),
        source: &Value,
        target: &Value,
    ) -> Self {
        let Some(base) = base else { return Self::Never };
        let stands = |side: &Sameness, was: &Attributes, name: &str, now: &Value| {
            side.same(name, now, was.get(name).unwrap_or(&Value::Null))
        };
        match (
            stands(sides.source, &base.source, &pair.0, source),
            stands(sides.target, &base.target, &pair.1, target),
        ) {
            (true, true) => Self::Neither,
            (false, true) => Self::Source,
            (true, false) => Self::Target,
            // Nothing is remembered of a pair without values, nor of one that was mapped later than the last sync.
            (false, false) if !base.source.contains_key(&pair.0) && !base.target.contains_key(&pair.1) => {
                Self::Never
            }
            (false, false) => Self::Both,
        }
    }
}

/// The two sides of an attribute, for a rule.
pub(crate) fn standings(
    base: Option<&Base>,
    pair: &(String, String),
    mapped: &Value,
    target: &Value,
) -> (Standing, Standing) {
    let was_empty = |values: fn(&Base) -> &Attributes, name: &str| {
        base.map(|base| values(base).get(name).is_none_or(is_empty))
    };
    (
        Standing { is_empty: is_empty(mapped), was_empty: was_empty(|b| &b.source, &pair.0) },
        Standing { is_empty: is_empty(target), was_empty: was_empty(|b| &b.target, &pair.1) },
    )
}

/// An attribute that waits for a person: both sides changed it to different values, and the rule is to ask.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Conflict {
    /// The target's attribute.
    pub attribute: String,
    /// The source's attribute.
    pub source_attribute: String,
    /// What the source's value would make of the target's.
    pub source: Value,
    /// The target's value.
    pub target: Value,
    /// The target's value when both were last in sync, null for none; absent when they never were.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base: Option<Value>,
}
