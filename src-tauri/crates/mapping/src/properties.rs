//! Property mapping: which attributes of the target change, and from what to what.

use std::{borrow::Cow, cell::OnceCell, collections::BTreeSet};

use model::{
    Attributes, Pointer,
    mapping_config::{ConditionConfig, PropertyConfig, SetOn, WhenEmpty},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    canonical::is_empty,
    compiled::{
        CompileError, Compiler, Condition, DEFAULT_QUALIFIER, Interpreter, Mapping, Problem, Seen, as_value,
        empty_or, holds,
    },
    conflict::{Conflict, Rule, Sides, Since, standings},
    trace::{Kept, NotApplied, Noted, Outcome, Unwatched, Watch},
    transform::{Input, Transform},
};

/// One property ready to run.
pub(crate) struct Property {
    pub source: Option<Pointer>,
    pub target: Pointer,
    pub transform: Option<Transform>,
    pub condition: Option<Condition>,
    /// The condition as it is written.
    condition_text: String,
    pub default: Option<Value>,
    pub when_empty: WhenEmpty,
    pub set_on: SetOn,
    rule: Rule,
    /// The attributes that the property joins (source, target), if it takes one attribute and both sides have a say in it.
    pair: Option<(String, String)>,
}

impl Property {
    pub(crate) fn compile(
        config: &PropertyConfig,
        compiler: &mut Compiler<'_>,
        two_way: &BTreeSet<(String, String)>,
    ) -> Result<Self, CompileError> {
        let source = config.source.as_deref().map(Pointer::parse);
        let target = Pointer::parse(&config.target);
        let rule = Rule::of(config, compiler.config, compiler.reverse);
        let pair = source.as_ref().filter(|s| !s.is_root()).map(|s| (s.to_string(), target.to_string()));
        Ok(Self {
            pair: pair.filter(|pair| rule.own || two_way.contains(pair)),
            source,
            target,
            transform: config
                .transform
                .as_ref()
                .map(|t| Transform::compile(t, &config.target, compiler))
                .transpose()?,
            condition: compiler.condition(Some(&config.target), "condition", config.condition.as_ref())?,
            condition_text: match &config.condition {
                None => String::new(),
                Some(ConditionConfig::Filter(text)) => text.clone(),
                Some(ConditionConfig::Script(script)) => script.source.clone().unwrap_or_default(),
            },
            default: config.default.clone(),
            when_empty: config.when_empty(),
            set_on: config.set_on(),
            rule,
        })
    }
}

/// One side of a pair of records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Newer {
    /// The source.
    Source,
    /// The target.
    Target,
}

impl Newer {
    pub(crate) fn other(self) -> Self {
        match self {
            Self::Source => Self::Target,
            Self::Target => Self::Source,
        }
    }
}

/// What is known about a pair of records beside their values.
#[derive(Debug, Clone, Copy)]
pub struct Occasion<'a> {
    /// The link qualifier under which the pair is looked at.
    pub qualifier: &'a str,
    /// The values when both sides were last in sync.
    pub base: Option<&'a Base>,
    /// Which side was changed last, where both tell.
    pub newer: Option<Newer>,
    /// The source before the change that is carried on, where that is known.
    pub old_source: Option<&'a Value>,
}

impl Default for Occasion<'_> {
    fn default() -> Self {
        Self { qualifier: DEFAULT_QUALIFIER, base: None, newer: None, old_source: None }
    }
}

/// The values of both sides when they were last in sync, source and target as this mapping sees them.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Base {
    /// The source's mapped attributes.
    pub source: Attributes,
    /// The target's mapped attributes.
    pub target: Attributes,
}

/// One attribute of the target that changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AttributeChange {
    /// The target attribute, as a pointer without its leading slash.
    pub attribute: String,
    /// The value now; null when there is none.
    pub before: Value,
    /// The value to be; null clears.
    pub after: Value,
}

/// What the property mapping gives for one record.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Evaluation {
    /// The attributes that change.
    pub changes: Vec<AttributeChange>,
    /// Attributes that differ but stay: because only the target has changed and the reverse mapping carries that, or
    /// because a conflict rule takes the target's value.
    pub kept: Vec<String>,
    /// Those of `kept` that a conflict rule decided.
    pub kept_by_rule: Vec<String>,
    /// Attributes that wait for a person. They are neither written nor settled.
    pub conflicts: Vec<Conflict>,
    /// Pairs (source attribute, target attribute) that are in sync once the changes are carried out.
    pub settled: Vec<(String, String)>,
}

/// A record, also as the one value that conditions and scripts see; most properties need only the attributes.
pub(crate) struct Record<'r> {
    pub attributes: Option<&'r Attributes>,
    value: OnceCell<Value>,
}

impl<'r> Record<'r> {
    pub(crate) fn new(attributes: Option<&'r Attributes>) -> Self {
        Self { attributes, value: OnceCell::new() }
    }

    pub(crate) fn value(&self) -> &Value {
        self.value.get_or_init(|| as_value(self.attributes))
    }

    pub(crate) fn get(&self, pointer: &Pointer) -> Option<&Value> {
        if pointer.is_root() { Some(self.value()) } else { pointer.get_in(self.attributes?) }
    }
}

/// One evaluation on its way through the properties.
pub(crate) struct Pass<'m> {
    sides: Sides<'m>,
    interpreter: &'m dyn Interpreter,
    occasion: Occasion<'m>,
    source: Record<'m>,
    target: Record<'m>,
    /// The target as the properties so far leave it.
    result: Cow<'m, Attributes>,
    /// The same as the one value that conditions see, until it changes.
    shown: OnceCell<Value>,
    evaluation: Evaluation,
}

impl Pass<'_> {
    /// The target's value of this property, as the properties so far leave it.
    pub(crate) fn value_now(&self, property: &Property) -> Value {
        empty_or(property.target.get_in(&self.result))
    }

    /// Judges one property and takes what comes of it into the evaluation.
    pub(crate) fn take(&mut self, property: &Property, watch: &mut impl Watch) -> Result<Outcome, Problem> {
        let before = self.value_now(property);
        let own = empty_or(self.target.attributes.and_then(|target| property.target.get_in(target)));
        let is_new = self.target.attributes.is_none();
        let (applies, otherwise) = match property.set_on {
            SetOn::Always => (true, NotApplied::CreateOnly),
            SetOn::Create => (is_new, NotApplied::CreateOnly),
            SetOn::Blank => (is_empty(&before), NotApplied::BlankOnly),
        };
        if property.set_on != SetOn::Always {
            watch.note(|| Noted::SetOn { rule: property.set_on, applies });
        }
        if !applies {
            return Ok(Outcome::NotApplied(otherwise));
        }
        if let Some(condition) = &property.condition {
            let qualifier = self.occasion.qualifier;
            let target = self.shown.get_or_init(|| Value::Object(self.result.clone().into_owned()));
            let seen = Seen {
                qualifier,
                source: self.source.value(),
                target,
                old_target: Some(self.target.value()),
                old_source: self.occasion.old_source,
            };
            let holds = holds(condition, self.interpreter, &seen)?;
            watch.note(|| Noted::Condition { text: property.condition_text.clone(), holds });
            if !holds {
                return Ok(Outcome::NotApplied(NotApplied::Condition));
            }
        }
        let mapped = value_of(property, self.interpreter, self.occasion.qualifier, &self.source, watch)?;
        let pair = property.pair.as_ref().filter(|_| !is_new);
        let raw = property.source.as_ref().and_then(|p| self.source.get(p)).unwrap_or(&Value::Null);
        // What an earlier property of this evaluation has put there is no change of the target's.
        let since = pair.map(|pair| Since::of(self.sides, self.occasion.base, pair, raw, &own));

        let mut after = mapped.clone();
        if is_empty(&mapped) {
            // A new target has nothing to leave alone, so `leave` gives it the default there.
            let default_used = property.default.is_some()
                && (is_new || property.when_empty == WhenEmpty::Default)
                && property.when_empty != WhenEmpty::Clear;
            after = property.default.clone().filter(|_| default_used).unwrap_or(Value::Null);
            watch.note(|| Noted::WhenEmpty { rule: property.when_empty, value: after.clone(), default_used });
            if property.when_empty == WhenEmpty::Leave && !is_new {
                // An empty source has nothing to say; a value that only the target has is its own.
                if is_empty(&before) || since == Some(Since::Neither) {
                    self.settle(property);
                }
                return Ok(if is_empty(&before) {
                    Outcome::Unchanged
                } else {
                    Outcome::NotApplied(NotApplied::NothingToSay)
                });
            }
        }
        let attribute = property.target.to_string();
        // Of a value that both sides carry as it is, the source would keep the target's as its own.
        let carried_back =
            |pair: &(String, String)| after == *raw && self.sides.source.same(&pair.0, raw, &own);
        if !is_new && (self.sides.target.same(&attribute, &own, &after) || pair.is_some_and(carried_back)) {
            let restored = self.restore(property, before, own);
            self.settle(property);
            return Ok(if restored { Outcome::Written } else { Outcome::Unchanged });
        }
        if self.sides.target.same(&attribute, &before, &after) {
            self.settle(property);
            return Ok(Outcome::Unchanged);
        }
        if let (Some(pair), Some(since)) = (pair, since) {
            watch.note(|| Noted::Pair { since });
            match since {
                Since::Neither => {
                    self.restore(property, before, own);
                    self.settle(property);
                    return Ok(Outcome::Kept(Kept::InSync));
                }
                Since::Target => {
                    self.keep(property, before, own);
                    self.evaluation.kept.push(attribute);
                    return Ok(Outcome::Kept(Kept::TargetChanged));
                }
                Since::Source => {}
                Since::Both | Since::Never => {
                    let base = self.occasion.base.filter(|_| since == Since::Both);
                    let (source, target) = standings(base, pair, &mapped, &own);
                    let winner = property.rule.winner(source, target, self.occasion.newer);
                    let Rule { rule, mirrored, .. } = property.rule;
                    watch.note(|| Noted::Rule { rule, mirrored, winner });
                    match winner {
                        Some(Newer::Source) => {}
                        Some(Newer::Target) => {
                            self.keep(property, before, own);
                            self.evaluation.kept.push(attribute.clone());
                            self.evaluation.kept_by_rule.push(attribute);
                            return Ok(Outcome::Kept(Kept::Rule(rule)));
                        }
                        None => {
                            let was = base.map(|base| base.target.get(&pair.1).cloned().unwrap_or_default());
                            self.keep(property, before, own.clone());
                            self.evaluation.conflicts.push(Conflict {
                                attribute,
                                source_attribute: pair.0.clone(),
                                source: after,
                                target: own,
                                base: was,
                            });
                            return Ok(Outcome::Asked);
                        }
                    }
                }
            }
        }
        let outcome = if is_empty(&after) { Outcome::Cleared } else { Outcome::Written };
        if let Some(within) = no_object_at(&property.target, &self.result) {
            return Err(format!(
                "`{}` cannot be set, because `{within}` of the target is no object; map `{within}` as a whole",
                property.target
            )
            .into());
        }
        self.forget_kept(&attribute);
        self.set(property, before, after);
        self.settle(property);
        Ok(outcome)
    }

    fn set(&mut self, property: &Property, before: Value, after: Value) {
        property.target.set_in(self.result.to_mut(), after.clone());
        self.shown.take();
        self.record(property.target.to_string(), before, after);
    }

    /// Takes back what an earlier property has put in the place of the record's own value; says whether one had.
    fn restore(&mut self, property: &Property, before: Value, own: Value) -> bool {
        let other = before != own;
        if other {
            self.set(property, before, own);
        }
        other
    }

    /// The record's own value stays, whatever earlier properties have said. It is not in sync with their sources either:
    /// the mapping in the other direction still has to carry it, or a person to decide.
    fn keep(&mut self, property: &Property, before: Value, own: Value) {
        self.restore(property, before, own);
        let attribute = property.target.to_string();
        self.forget_kept(&attribute);
        self.evaluation.settled.retain(|(_, target)| *target != attribute);
    }

    /// A later property decides about the attribute.
    fn forget_kept(&mut self, attribute: &str) {
        let Evaluation { kept, kept_by_rule, conflicts, .. } = &mut self.evaluation;
        kept.retain(|name| name != attribute);
        kept_by_rule.retain(|name| name != attribute);
        conflicts.retain(|conflict| conflict.attribute != attribute);
    }

    /// Two properties may write the same attribute; what counts is from the first value to the last.
    fn record(&mut self, attribute: String, before: Value, after: Value) {
        let changes = &mut self.evaluation.changes;
        match changes.iter_mut().find(|c| c.attribute == attribute) {
            Some(earlier) => earlier.after = after,
            None => changes.push(AttributeChange { attribute, before, after }),
        }
        changes.retain(|c| !self.sides.target.same(&c.attribute, &c.before, &c.after));
    }

    /// What an earlier property keeps for the other mapping or for a person is not in sync yet.
    fn settle(&mut self, property: &Property) {
        let Evaluation { kept, conflicts, settled, .. } = &mut self.evaluation;
        let waits = |pair: &(String, String)| {
            kept.contains(&pair.1) || conflicts.iter().any(|conflict| conflict.attribute == pair.1)
        };
        settled.extend(property.pair.clone().filter(|pair| !waits(pair)));
    }
}

/// The attribute on the way of a pointer that holds a text, a number or a list: what is put within it would take its place.
fn no_object_at(target: &Pointer, object: &Attributes) -> Option<Pointer> {
    let (first, mut rest) = target.steps().split_first()?;
    let mut here = object.get(first)?;
    while !rest.is_empty() {
        match here {
            Value::Object(map) => here = map.get(rest.first()?)?,
            value if is_empty(value) => return None,
            _ => return target.steps().get(..target.steps().len() - rest.len()).map(Pointer::from_steps),
        }
        rest = rest.get(1..).unwrap_or_default();
    }
    None
}

/// The value that a property makes of a source, before its default.
fn value_of(
    property: &Property,
    interpreter: &dyn Interpreter,
    qualifier: &str,
    source: &Record<'_>,
    watch: &mut impl Watch,
) -> Result<Value, Problem> {
    let value = property.source.as_ref().and_then(|p| source.get(p)).cloned().unwrap_or(Value::Null);
    if let Some(pointer) = &property.source {
        watch.note(|| Noted::Source { attribute: pointer.to_string(), value: value.clone() });
    }
    let Some(transform) = &property.transform else { return Ok(value) };
    for (attribute, value) in transform.read_by_itself(source) {
        watch.note(|| Noted::Source { attribute, value });
    }
    let of_one_attribute = property.source.as_ref().is_some_and(|p| !p.is_root());
    transform.apply(value, &Input { interpreter, qualifier, source, of_one_attribute }, watch)
}

impl Mapping {
    /// Applies the properties to a source. `target` is the target as it is; `None` for one that is to be created.
    pub fn evaluate(
        &self,
        interpreter: &dyn Interpreter,
        occasion: Occasion<'_>,
        source: &Attributes,
        target: Option<&Attributes>,
    ) -> Result<Evaluation, Problem> {
        let mut pass = self.pass(interpreter, occasion, source, target);
        for property in &self.properties {
            pass.take(property, &mut Unwatched)?;
        }
        Ok(pass.evaluation)
    }

    pub(crate) fn pass<'m>(
        &'m self,
        interpreter: &'m dyn Interpreter,
        occasion: Occasion<'m>,
        source: &'m Attributes,
        target: Option<&'m Attributes>,
    ) -> Pass<'m> {
        Pass {
            sides: self.sides(),
            interpreter,
            occasion,
            source: Record::new(Some(source)),
            target: Record::new(target),
            result: target.map_or_else(|| Cow::Owned(Attributes::new()), Cow::Borrowed),
            shown: OnceCell::new(),
            evaluation: Evaluation::default(),
        }
    }

    /// The base to remember: the one that was, with the settled pairs as they are now.
    pub fn base(
        &self,
        old: Option<&Base>,
        settled: &[(String, String)],
        source: &Attributes,
        target: &Attributes,
    ) -> Base {
        let mut base = old.cloned().unwrap_or_default();
        for (s, t) in settled {
            remember(&mut base.source, s, source);
            remember(&mut base.target, t, target);
        }
        base
    }

    /// The base to remember when a person has decided a conflict: the losing side counts as unchanged, so the next
    /// evaluation of either mapping carries the winner's value. `None` when no property joins this pair of attributes.
    pub fn decided(
        &self,
        old: Option<&Base>,
        attribute: &str,
        winner: Newer,
        source: &Attributes,
        target: &Attributes,
    ) -> Option<Base> {
        let wanted = Pointer::parse(attribute);
        let pairs = self.properties.iter().filter(|p| p.target == wanted).filter_map(|p| p.pair.as_ref());
        let mut base = None;
        for (s, t) in pairs {
            let base = base.get_or_insert_with(|| old.cloned().unwrap_or_default());
            match winner {
                Newer::Source => remember(&mut base.target, t, target),
                Newer::Target => remember(&mut base.source, s, source),
            }
        }
        base
    }

    /// The text that this mapping gives a target attribute, if it gives one; for finding the target by its natural key.
    pub fn mapped_text(
        &self,
        interpreter: &dyn Interpreter,
        qualifier: &str,
        source: &Attributes,
        attribute: &str,
    ) -> Option<String> {
        match self.mapped_value(interpreter, qualifier, source, attribute) {
            Ok(Value::String(text)) if !text.is_empty() => Some(text),
            _ => None,
        }
    }

    /// The value that this mapping gives a target attribute, for correlation.
    pub(crate) fn mapped_value(
        &self,
        interpreter: &dyn Interpreter,
        qualifier: &str,
        source: &Attributes,
        attribute: &str,
    ) -> Result<Value, Problem> {
        let (source, wanted) = (Record::new(Some(source)), Pointer::parse(attribute));
        let nothing_yet = Value::Object(Attributes::new());
        for property in self.properties.iter().filter(|p| p.target == wanted) {
            let applies = match &property.condition {
                None => true,
                Some(condition) => holds(
                    condition,
                    interpreter,
                    &Seen {
                        qualifier,
                        source: source.value(),
                        target: &nothing_yet,
                        old_target: Some(&Value::Null),
                        old_source: None,
                    },
                )?,
            };
            if applies {
                let value = value_of(property, interpreter, qualifier, &source, &mut Unwatched)?;
                if !is_empty(&value) {
                    return Ok(value);
                }
            }
        }
        Ok(Value::Null)
    }
}

fn remember(values: &mut Attributes, name: &str, now: &Attributes) {
    match Pointer::parse(name).get_in(now).filter(|v| !is_empty(v)) {
        Some(value) => {
            values.insert(name.to_owned(), value.clone());
        }
        None => {
            values.shift_remove(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use model::{Attributes, MappingConfig};
    use serde_json::{Value, json};

    use super::{Base, Occasion};
    use crate::{DEFAULT_QUALIFIER, Mapping, NoScripts, Validity};

    fn object(value: Value) -> Attributes {
        let Value::Object(map) = value else { panic!("an object") };
        map
    }

    fn config(properties: Value) -> MappingConfig {
        MappingConfig::from_value(json!({
            "name": "m", "source": "system/hubspot/contact", "target": "managed/user",
            "sourceCondition": "/source/email pr",
            "correlationQuery": {"expressionTree": {"all": ["mail"]}},
            "properties": properties,
        }))
        .unwrap()
    }

    fn mapping(properties: Value) -> Mapping {
        Mapping::compile(config(properties), None, &mut NoScripts).unwrap()
    }

    const MAIL: &str = r#"{"source": "email", "target": "mail", "transform": {"builtIn": "lower"}}"#;

    fn with_mail(more: Value) -> Value {
        let mail: Value = serde_json::from_str(MAIL).unwrap();
        let mut list = vec![mail];
        list.extend(more.as_array().unwrap().clone());
        Value::Array(list)
    }

    /// Each line: the extra property, source, target (null: to be created), the expected changes `attribute: after`.
    #[test]
    fn properties_change_what_they_should() {
        for (what, property, source, target, expect) in [
            (
                "plain copy",
                json!({"source": "a", "target": "x"}),
                json!({"a": "1"}),
                json!({"x": "0"}),
                json!({"x": "1"}),
            ),
            (
                "no change",
                json!({"source": "a", "target": "x"}),
                json!({"a": "1"}),
                json!({"x": "1"}),
                json!({}),
            ),
            (
                "same across types",
                json!({"source": "a", "target": "x"}),
                json!({"a": "1"}),
                json!({"x": 1}),
                json!({}),
            ),
            (
                "empty leaves the target",
                json!({"source": "a", "target": "x"}),
                json!({"a": null}),
                json!({"x": "0"}),
                json!({}),
            ),
            (
                "empty clears",
                json!({"source": "a", "target": "x", "whenEmpty": "clear"}),
                json!({"a": ""}),
                json!({"x": "0"}),
                json!({"x": null}),
            ),
            (
                "default",
                json!({"source": "a", "target": "x", "default": "-"}),
                json!({}),
                json!({"x": "0"}),
                json!({"x": "-"}),
            ),
            (
                "leave with default, create",
                json!({"source": "a", "target": "x", "default": "-", "whenEmpty": "leave"}),
                json!({}),
                json!(null),
                json!({"x": "-"}),
            ),
            (
                "leave with default, update",
                json!({"source": "a", "target": "x", "default": "-", "whenEmpty": "leave"}),
                json!({}),
                json!({"x": "0"}),
                json!({}),
            ),
            ("constant", json!({"target": "x", "default": "c"}), json!({}), json!({}), json!({"x": "c"})),
            (
                "create only, on update",
                json!({"source": "a", "target": "x", "setOn": "create"}),
                json!({"a": "1"}),
                json!({}),
                json!({}),
            ),
            (
                "create only, on create",
                json!({"source": "a", "target": "x", "setOn": "create"}),
                json!({"a": "1"}),
                json!(null),
                json!({"x": "1"}),
            ),
            (
                "blank only, filled",
                json!({"source": "a", "target": "x", "setOn": "blank"}),
                json!({"a": "1"}),
                json!({"x": "0"}),
                json!({}),
            ),
            (
                "blank only, blank",
                json!({"source": "a", "target": "x", "setOn": "blank"}),
                json!({"a": "1"}),
                json!({"x": ""}),
                json!({"x": "1"}),
            ),
            (
                "condition false",
                json!({"source": "a", "target": "x", "condition": "/object/b pr"}),
                json!({"a": "1"}),
                json!({}),
                json!({}),
            ),
            (
                "condition true",
                json!({"source": "a", "target": "x", "condition": "/object/b pr"}),
                json!({"a": "1", "b": "2"}),
                json!({}),
                json!({"x": "1"}),
            ),
            (
                "nested",
                json!({"source": "a", "target": "p/q"}),
                json!({"a": "1"}),
                json!({"p": {"r": 1}}),
                json!({"p/q": "1"}),
            ),
        ] {
            let target = target.as_object().cloned();
            let got =
                mapping(json!([property]).as_array().map(|p| with_mail(Value::Array(p.clone()))).unwrap())
                    .evaluate(&NoScripts, Occasion::default(), &object(source), target.as_ref())
                    .unwrap();
            let changes: Attributes = got.changes.into_iter().map(|c| (c.attribute, c.after)).collect();
            assert_eq!(Value::Object(changes), expect, "{what}");
        }
    }

    #[test]
    fn a_lossy_pair_of_mappings_does_not_ping_pong() {
        let forward = config(with_mail(json!([])));
        let back = MappingConfig::from_value(json!({
            "name": "r", "source": "managed/user", "target": "system/hubspot/contact", "links": "m",
            "properties": [{"source": "mail", "target": "email"}],
        }))
        .unwrap();
        let back = Mapping::compile(back, Some(&forward), &mut NoScripts).unwrap();
        let (user, contact) =
            (object(json!({"mail": "ann@example.org"})), object(json!({"email": "ANN@example.org"})));
        let settled = back.evaluate(&NoScripts, Occasion::default(), &user, Some(&contact)).unwrap().settled;
        assert_eq!(settled, [("mail".to_owned(), "email".to_owned())]);
        let base = back.base(None, &settled, &user, &contact);
        let evaluate = |user: Value, contact: Value, base: Option<&Base>| {
            let occasion = Occasion { base, ..Occasion::default() };
            let got = back.evaluate(&NoScripts, occasion, &object(user), Some(&object(contact))).unwrap();
            (got.changes.len(), got.kept)
        };
        let (now, theirs) = (json!({"mail": "ann@example.org"}), json!({"email": "ANN@example.org"}));
        assert_eq!(
            evaluate(now.clone(), theirs.clone(), None),
            (1, vec![]),
            "without a base it is a difference"
        );
        assert_eq!(evaluate(now.clone(), theirs.clone(), Some(&base)), (0, vec![]), "in sync since");
        assert_eq!(
            evaluate(json!({"mail": "new@example.org"}), theirs, Some(&base)),
            (1, vec![]),
            "a real change flows"
        );
        assert_eq!(
            evaluate(now, json!({"email": "their@example.org"}), Some(&base)),
            (0, vec!["email".to_owned()]),
            "the other side's newer value is not overwritten"
        );
    }

    #[test]
    fn what_is_no_object_is_not_replaced_by_one() {
        let m = mapping(with_mail(json!([{"source": "x", "target": "a/0/b"}])));
        let source = object(json!({"email": "x", "x": "1"}));
        for (target, changes) in [
            (json!({"a": [{"b": "9"}, {"b": "2"}]}), None),
            (json!({"a": "text"}), None),
            (json!({"a": {"0": 7}}), None),
            (json!({"a": {"0": {"b": "9"}}}), Some(2)),
            (json!({"a": []}), Some(2)),
            (json!({}), Some(2)),
        ] {
            let evaluation =
                m.evaluate(&NoScripts, Occasion::default(), &source, Some(&object(target.clone())));
            match (evaluation, changes) {
                (Ok(evaluation), changes) => assert_eq!(Some(evaluation.changes.len()), changes, "{target}"),
                (Err(problem), None) => {
                    assert!(
                        problem.reason.contains("`a/0/b` cannot be set, because `a"),
                        "{}",
                        problem.reason
                    );
                }
                (Err(problem), Some(_)) => panic!("{target}: {problem}"),
            }
        }
    }

    #[test]
    fn an_invalid_source_says_why() {
        let m = mapping(with_mail(json!([])));
        assert_eq!(
            m.source_validity(&NoScripts, DEFAULT_QUALIFIER, &json!({"email": "x"})).unwrap(),
            Validity::Valid
        );
        let Validity::Invalid(why) =
            m.source_validity(&NoScripts, DEFAULT_QUALIFIER, &json!({"email": ""})).unwrap()
        else {
            panic!()
        };
        assert_eq!(why, "no value for email: the mapping's source condition `/source/email pr` asks for one");
    }

    #[test]
    fn a_source_condition_under_another_name_says_which_is_right() {
        for (condition, right) in [
            ("/object/email pr", "write `/source/email`"),
            ("/email pr", "write `/source/email`"),
            ("/source/email pr and /name/last pr", "write `/source/name/last`"),
        ] {
            let mut config = config(with_mail(json!([])));
            config.source_condition = Some(model::mapping_config::ConditionConfig::Filter(condition.into()));
            let m = Mapping::compile(config, None, &mut NoScripts).unwrap();
            let validity = m.source_validity(&NoScripts, DEFAULT_QUALIFIER, &json!({"email": "x"})).unwrap();
            let Validity::Invalid(why) = validity else { panic!("{condition}") };
            assert!(why.contains(right), "{condition}: {why}");
        }
    }

    /// IDM compares the texts of conditions without their case: a project that says `Customer` and reads `customer` must not
    /// find its records out of scope here, where the policy for UNQUALIFIED would delete their targets.
    #[test]
    fn conditions_do_not_tell_texts_apart_by_their_case() {
        let mut config = config(with_mail(
            json!([{"source": "stage", "target": "x", "condition": "/object/stage sw \"CUST\""}]),
        ));
        config.source_condition =
            Some(model::mapping_config::ConditionConfig::Filter("/source/stage eq \"Customer\"".into()));
        config.policies = serde_json::from_value(json!([
            {"situation": "ABSENT", "action": "REPORT", "condition": "/object/stage eq \"CUSTOMER\""},
            {"situation": "ABSENT", "action": "CREATE"},
        ]))
        .unwrap();
        let m = Mapping::compile(config, None, &mut NoScripts).unwrap();
        let source = json!({"email": "x", "stage": "customer"});
        assert_eq!(m.source_validity(&NoScripts, DEFAULT_QUALIFIER, &source).unwrap(), Validity::Valid);
        let evaluation =
            m.evaluate(&NoScripts, Occasion::default(), &object(source.clone()), Some(&object(json!({}))));
        assert!(evaluation.unwrap().changes.iter().any(|change| change.attribute == "x"));
        let decision = crate::Decision {
            mapping: "m",
            run: "r",
            qualifier: DEFAULT_QUALIFIER,
            situation: model::Situation::Absent,
            from_source: true,
            source: &source,
            target: &Value::Null,
            source_id: Some("1"),
            target_id: None,
            ambiguous: &[],
        };
        assert_eq!(m.action(&NoScripts, &decision).unwrap().action, model::Action::Report);
    }

    /// What an expression tree asks for and no property gives has no value, as in IDM: nothing matches by it.
    #[test]
    fn an_attribute_that_no_property_maps_matches_nothing() {
        let asked = |tree: Value| {
            let mut config = config(with_mail(json!([])));
            config.correlation_query = Some(json!({"expressionTree": tree}));
            let m = Mapping::compile(config, None, &mut NoScripts).unwrap();
            m.correlate(&NoScripts, DEFAULT_QUALIFIER, &object(json!({"email": "a@x.org"}))).unwrap()
        };
        assert_eq!(asked(json!({"all": ["mail", "city"]})), crate::Correlation::NoKey);
        let crate::Correlation::Query(query) = asked(json!({"any": ["mail", "city"]})) else {
            panic!("a query")
        };
        assert_eq!(query.key(), "/mail eq \"a@x.org\"");
    }

    #[test]
    fn of_several_rules_for_a_qualifier_the_last_is_asked() {
        let mut config = config(with_mail(json!([{"source": "phone", "target": "phone"}])));
        config.correlation_query = Some(json!([
            {"expressionTree": {"all": ["phone"]}},
            {"linkQualifier": "default", "expressionTree": {"all": ["mail"]}},
            {"linkQualifier": "admin", "expressionTree": {"all": ["phone"]}},
        ]));
        let m = Mapping::compile(config, None, &mut NoScripts).unwrap();
        let source = object(json!({"email": "a@x.org", "phone": "1"}));
        for (qualifier, key) in [(DEFAULT_QUALIFIER, "/mail eq \"a@x.org\""), ("admin", "/phone eq \"1\"")] {
            let asked = m.correlate(&NoScripts, qualifier, &source).unwrap();
            let crate::Correlation::Query(query) = asked else { panic!("{qualifier}: {asked:?}") };
            assert_eq!(query.key(), key, "{qualifier}");
        }
        let other = m.correlate(&NoScripts, "other", &source).unwrap();
        assert_eq!(other, crate::Correlation::NotDefined);
    }

    #[test]
    fn correlation_asks_with_the_mapped_value() {
        let m = mapping(with_mail(json!([])));
        let crate::Correlation::Query(query) =
            m.correlate(&NoScripts, DEFAULT_QUALIFIER, &object(json!({"email": "ANN@X.org"}))).unwrap()
        else {
            panic!("a query")
        };
        assert_eq!(query.key(), "/mail eq \"ann@x.org\"");
        let crate::Correlation::Query(query) = m
            .correlate(&NoScripts, DEFAULT_QUALIFIER, &object(json!({"email": ["a@x.org", "", "b@x.org"]})))
            .unwrap()
        else {
            panic!("a query")
        };
        assert_eq!(query.key(), "/mail eq \"a@x.org\" or /mail eq \"b@x.org\"", "each item of a list");
        let as_it_is = mapping(json!([{"source": "email", "target": "mail"}]));
        let problem = as_it_is
            .correlate(&NoScripts, DEFAULT_QUALIFIER, &object(json!({"email": [{"value": "a@x.org"}]})))
            .unwrap_err();
        assert!(problem.reason.contains("which no target can be asked for"), "{}", problem.reason);
        assert_eq!(
            m.correlate(&NoScripts, DEFAULT_QUALIFIER, &object(json!({}))).unwrap(),
            crate::Correlation::NoKey
        );
    }
}
