//! Property mapping: which attributes of the target change, and from what to what.

use model::{
    Attributes, Pointer,
    mapping_config::{PropertyConfig, SetOn, WhenEmpty},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    canonical::{is_empty, same},
    compiled::{
        CompileError, Compiler, Condition, DEFAULT_QUALIFIER, Interpreter, Mapping, Problem, as_value,
        empty_or, holds,
    },
    transform::{Transform, apply_built_in},
};

/// One property ready to run.
pub(crate) struct Property {
    pub source: Option<Pointer>,
    pub target: Pointer,
    pub transform: Option<Transform>,
    pub condition: Option<Condition>,
    pub default: Option<Value>,
    pub when_empty: WhenEmpty,
    pub set_on: SetOn,
}

impl Property {
    pub(crate) fn compile(
        config: &PropertyConfig,
        compiler: &mut Compiler<'_>,
    ) -> Result<Self, CompileError> {
        Ok(Self {
            source: config.source.as_deref().map(Pointer::parse),
            target: Pointer::parse(&config.target),
            transform: config
                .transform
                .as_ref()
                .map(|t| Transform::compile(t, &config.target, compiler))
                .transpose()?,
            condition: compiler.condition(Some(&config.target), "condition", config.condition.as_ref())?,
            default: config.default.clone(),
            when_empty: config.when_empty(),
            set_on: config.set_on(),
        })
    }
}

/// Which side of a pair was changed last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Newer {
    /// The source.
    Source,
    /// The target.
    Target,
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
}

impl Default for Occasion<'_> {
    fn default() -> Self {
        Self { qualifier: DEFAULT_QUALIFIER, base: None, newer: None }
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
    /// Attributes that differ but stay, because the target's value is the newer one and the reverse mapping carries it.
    pub kept: Vec<String>,
    /// Pairs (source attribute, target attribute) that are in sync once the changes are carried out.
    pub settled: Vec<(String, String)>,
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
        let Occasion { qualifier, base, newer: _ } = occasion;
        let source_value = Value::Object(source.clone());
        let target_value = as_value(target);
        let mut evaluation = Evaluation::default();
        let mut result = target.cloned().unwrap_or_default();
        for property in &self.properties {
            let before = empty_or(property.target.get_in(&result));
            let applies = match property.set_on {
                SetOn::Always => true,
                SetOn::Create => target.is_none(),
                SetOn::Blank => is_empty(&before),
            };
            if !applies
                || !self.condition_holds(property, interpreter, qualifier, &source_value, &target_value)?
            {
                continue;
            }
            let mapped = self.value_of(property, interpreter, qualifier, &source_value)?;
            let after = match (is_empty(&mapped), property.when_empty) {
                (false, _) => mapped,
                // A new target has nothing to leave alone, so `leave` gives it the default there.
                (true, WhenEmpty::Leave) if target.is_none() => {
                    property.default.clone().unwrap_or(Value::Null)
                }
                // An empty source has nothing to say; a value that only the target has is its own.
                (true, WhenEmpty::Leave) => {
                    if is_empty(&before)
                        || matches!(self.against_base(property, source, &before, base), Standing::InSync)
                    {
                        self.settle(property, &mut evaluation);
                    }
                    continue;
                }
                (true, WhenEmpty::Clear) => Value::Null,
                (true, WhenEmpty::Default) => property.default.clone().unwrap_or(Value::Null),
            };
            if same(&before, &after) {
                self.settle(property, &mut evaluation);
                continue;
            }
            match self.against_base(property, source, &before, base) {
                Standing::InSync => {
                    self.settle(property, &mut evaluation);
                    continue;
                }
                Standing::TargetIsNewer => {
                    evaluation.kept.push(property.target.to_string());
                    continue;
                }
                Standing::Differs => {}
            }
            property.target.set_in(&mut result, after.clone());
            self.settle(property, &mut evaluation);
            record(&mut evaluation.changes, &property.target, before, after);
        }
        Ok(evaluation)
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
            for (name, from, to) in [(s, source, &mut base.source), (t, target, &mut base.target)] {
                match Pointer::parse(name).get_in(from).filter(|v| !is_empty(v)) {
                    Some(value) => {
                        to.insert(name.clone(), value.clone());
                    }
                    None => {
                        to.shift_remove(name);
                    }
                }
            }
        }
        base
    }

    fn settle(&self, property: &Property, evaluation: &mut Evaluation) {
        if let Some(pair) = self.two_way_pair(property) {
            evaluation.settled.push(pair);
        }
    }

    fn two_way_pair(&self, property: &Property) -> Option<(String, String)> {
        let pair = (property.source.as_ref()?.to_string(), property.target.to_string());
        self.two_way.contains(&pair).then_some(pair)
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
        let source = Value::Object(source.clone());
        for property in self.properties.iter().filter(|p| p.target.to_string() == attribute) {
            if self.condition_holds(property, interpreter, qualifier, &source, &Value::Null)? {
                let value = self.value_of(property, interpreter, qualifier, &source)?;
                if !is_empty(&value) {
                    return Ok(value);
                }
            }
        }
        Ok(Value::Null)
    }

    fn condition_holds(
        &self,
        property: &Property,
        interpreter: &dyn Interpreter,
        qualifier: &str,
        source: &Value,
        target: &Value,
    ) -> Result<bool, Problem> {
        match &property.condition {
            None => Ok(true),
            Some(condition) => holds(condition, interpreter, qualifier, source, target),
        }
    }

    fn value_of(
        &self,
        property: &Property,
        interpreter: &dyn Interpreter,
        qualifier: &str,
        source: &Value,
    ) -> Result<Value, Problem> {
        let value = property.source.as_ref().and_then(|p| p.get(source)).cloned().unwrap_or(Value::Null);
        match &property.transform {
            None => Ok(value),
            Some(Transform::BuiltIn(built_in)) => Ok(apply_built_in(*built_in, &value)),
            Some(Transform::Script(id)) => {
                // An absent value never reaches a transform of one attribute: `source.toLowerCase()` is written for values
                // that are there, and IDM's own samples fail on those that are not.
                let of_one_attribute = property.source.as_ref().is_some_and(|p| !p.is_root());
                if of_one_attribute && value.is_null() {
                    return Ok(Value::Null);
                }
                let qualifier = Value::from(qualifier);
                Ok(interpreter.eval(*id, &[("source", &value), ("linkQualifier", &qualifier)])?)
            }
        }
    }

    fn against_base(
        &self,
        property: &Property,
        source: &Attributes,
        before: &Value,
        base: Option<&Base>,
    ) -> Standing {
        let Some(base) = base else { return Standing::Differs };
        let (Some(from), Some(pair)) = (&property.source, self.two_way_pair(property)) else {
            return Standing::Differs;
        };
        let nothing = Value::Null;
        let now = from.get_in(source).unwrap_or(&nothing);
        let source_stands = same(now, base.source.get(&pair.0).unwrap_or(&nothing));
        let target_stands = same(before, base.target.get(&pair.1).unwrap_or(&nothing));
        match (source_stands, target_stands) {
            (true, true) => Standing::InSync,
            (true, false) => Standing::TargetIsNewer,
            (false, _) => Standing::Differs,
        }
    }
}

enum Standing {
    /// Neither side has changed since they were last in sync, however different they look.
    InSync,
    /// Only the target has changed, and the reverse mapping brings that back.
    TargetIsNewer,
    /// The source has changed, or nothing is known.
    Differs,
}

/// Two properties may write the same attribute; what counts is from the first value to the last.
fn record(changes: &mut Vec<AttributeChange>, target: &Pointer, before: Value, after: Value) {
    let attribute = target.to_string();
    match changes.iter_mut().find(|c| c.attribute == attribute) {
        Some(earlier) => earlier.after = after,
        None => changes.push(AttributeChange { attribute, before, after }),
    }
    changes.retain(|c| !same(&c.before, &c.after));
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
    fn correlation_asks_with_the_mapped_value() {
        let m = mapping(with_mail(json!([])));
        let crate::Correlation::Query(query) =
            m.correlate(&NoScripts, DEFAULT_QUALIFIER, &object(json!({"email": "ANN@X.org"}))).unwrap()
        else {
            panic!("a query")
        };
        assert_eq!(query.key(), "/mail eq \"ann@x.org\"");
        assert_eq!(
            m.correlate(&NoScripts, DEFAULT_QUALIFIER, &object(json!({}))).unwrap(),
            crate::Correlation::NoKey
        );
    }
}
