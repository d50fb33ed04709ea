//! The trace of one evaluation: what it says, and that it says what the evaluation does.

use mapping::{
    Base, Mapping, Newer, Occasion,
    canonical::same,
    trace::{Kept, NotApplied, Outcome},
};
use model::{Attributes, MappingConfig, mapping_config::ConflictRule};
use proptest::{prelude::*, sample::select};
use serde_json::{Value, json};

use super::{Words, config, object, script, with_words};

fn reverse() -> MappingConfig {
    MappingConfig::from_value(json!({
        "name": "r", "source": "managed/user", "target": "system/crm/contact", "links": "m",
        "properties": [{"source": "x", "target": "a"}, {"source": "y", "target": "b"}],
    }))
    .unwrap()
}

#[test]
fn a_trace_tells_each_step_in_words() {
    let (m, words) = with_words(json!([
        {"source": "a", "target": "x", "condition": "/object/a pr", "transform": [{"builtIn": "trim"}, {"builtIn": "lower"}]},
        {"source": "", "target": "name", "transform": {"builtIn": "concat", "parts": [{"attribute": "first"}, {"text": " "}, {"attribute": "last"}]}},
        {"source": "b", "target": "y", "default": "-"},
        {"source": "b", "target": "z"},
        {"source": "a", "target": "c", "setOn": "create"},
        {"source": "a", "target": "d", "condition": script("nothing")},
        {"source": "a", "target": "e", "transform": script("throw")},
        {"source": "b", "target": "f", "whenEmpty": "clear"},
        {"source": "a", "target": "g", "setOn": "blank"},
    ]));
    let source = object(json!({"a": " V ", "first": "Ann", "last": "Lee"}));
    let target = object(json!({"x": "old", "name": "Ann Lee", "z": "t", "f": "t"}));
    let trace = m.trace(&words, Occasion::default(), &source, Some(&target));
    let lines: Vec<String> = trace
        .properties
        .iter()
        .map(|p| {
            let steps: Vec<String> = p
                .steps
                .iter()
                .map(|s| match s.value() {
                    Some(value) => format!("{} [{}] = {value}", s.words(), s.name()),
                    None => format!("{} [{}]", s.words(), s.name()),
                })
                .collect();
            format!(
                "{}: {} -> {}, {} ({})\n  {}",
                p.target,
                p.before,
                p.after,
                p.outcome.name(),
                p.outcome.words(),
                steps.join("\n  ")
            )
        })
        .collect();
    assert_eq!(
        lines.join("\n"),
        r#"x: "old" -> "v", written (the target gets this value)
  the condition holds: /object/a pr [condition]
  the value of a [source] = " V "
  trim [transform] = "V"
  lower [transform] = "v"
name: "Ann Lee" -> "Ann Lee", unchanged (the target has this value already)
  the whole source record [source] = {"a":" V ","first":"Ann","last":"Lee"}
  the value of first [source] = "Ann"
  the value of last [source] = "Lee"
  concat [transform] = "Ann Lee"
y: null -> "-", written (the target gets this value)
  b has no value [source] = null
  there is no value, so the default is used [whenEmpty] = "-"
z: "t" -> "t", notApplied (the source has no value, so the target's is left alone)
  b has no value [source] = null
  there is no value, so the target is left alone [whenEmpty] = null
c: null -> null, notApplied (set only when the target is created)
  is only set when the target is created [setOn]
d: null -> null, notApplied (its condition does not hold)
  the condition does not hold: nothing [condition]
e: null -> null, failed (mapping m, property x (transform), line 1: Error: no)
  the value of a [source] = " V "
f: "t" -> null, cleared (the target's value is cleared)
  b has no value [source] = null
  there is no value, so the target is cleared [whenEmpty] = null
g: null -> " V ", written (the target gets this value)
  is set while the target has no value, as now [setOn]
  the value of a [source] = " V ""#
    );
}

#[test]
fn a_trace_tells_of_the_pair_and_its_rule() {
    let m = |rule: &str| {
        let mut c = config(json!([{"source": "a", "target": "x"}]));
        c.conflict_rule = serde_json::from_value(json!(rule)).unwrap();
        Mapping::compile(c, Some(&reverse()), &mut Words::default()).unwrap()
    };
    let base = |a: &str, x: &str| Base { source: object(json!({"a": a})), target: object(json!({"x": x})) };
    for (rule, base, outcome, words) in [
        (
            "target",
            Some(base("o", "o")),
            Outcome::Kept(Kept::Rule(ConflictRule::Target)),
            "both sides have changed since they were last in sync; conflict rule: the target wins; the target's value stays",
        ),
        (
            "source",
            None,
            Outcome::Written,
            "the two sides were never in sync here; conflict rule: the source wins; the source's value is taken",
        ),
        (
            "ask",
            Some(base("o", "o")),
            Outcome::Asked,
            "both sides have changed since they were last in sync; conflict rule: a person decides; neither is written until then",
        ),
        (
            "ask",
            Some(base("l", "o")),
            Outcome::Kept(Kept::TargetChanged),
            "only the target has changed since both were last in sync",
        ),
        (
            "ask",
            Some(base("l", "r")),
            Outcome::Kept(Kept::InSync),
            "neither side has changed since both were last in sync",
        ),
        (
            "ask",
            Some(base("o", "r")),
            Outcome::Written,
            "only the source has changed since both were last in sync",
        ),
    ] {
        let occasion = Occasion { base: base.as_ref(), ..Occasion::default() };
        let (source, target) = (object(json!({"a": "l"})), object(json!({"x": "r"})));
        let trace = m(rule).trace(&Words::default(), occasion, &source, Some(&target));
        let [property] = trace.properties.as_slice() else { panic!("one property") };
        assert_eq!(property.outcome, outcome, "{rule}");
        let told: Vec<String> = property.steps.iter().skip(1).map(|s| s.words()).collect();
        assert_eq!(told.join("; "), words, "{rule}");
    }
}

#[test]
fn a_trace_is_a_document() {
    let (m, words) = with_words(json!([{"source": "b", "target": "z", "setOn": "create"}]));
    let trace = m.trace(&words, Occasion::default(), &Attributes::new(), Some(&Attributes::new()));
    assert_eq!(
        serde_json::to_value(&trace).unwrap(),
        json!({"properties": [{
            "target": "z", "source": "b", "before": null, "after": null,
            "steps": [{"step": "setOn", "rule": "create", "applies": false}],
            "outcome": "notApplied", "why": "createOnly",
        }]})
    );
    assert_eq!(trace.properties[0].outcome, Outcome::NotApplied(NotApplied::CreateOnly));
}

fn value() -> impl Strategy<Value = Value> {
    select(vec![
        json!(null),
        json!(""),
        json!("A"),
        json!("a"),
        json!(" b "),
        json!(["A", ""]),
        json!({"k": 1}),
        json!(3),
        json!("soon"),
    ])
}

fn property() -> impl Strategy<Value = Value> {
    let place = (select(vec!["a", "b", "a/k"]), select(vec!["x", "y", "p/q"]));
    let rest = (
        proptest::option::of(select(vec![
            json!({"builtIn": "lower"}),
            json!([{"builtIn": "trim"}, {"builtIn": "upper"}]),
            json!({"builtIn": "date", "to": "date"}),
            json!({"builtIn": "concat", "parts": [{"attribute": "a"}, {"text": "-"}, {"attribute": "b"}]}),
            json!([{"builtIn": "constant", "value": "a"}]),
            script("same"),
            script("throw"),
            script("nothing"),
        ])),
        proptest::option::of(select(vec![
            json!("/object/a pr"),
            json!("/target/x pr"),
            script("hasTarget"),
            script("throw"),
        ])),
        proptest::option::of(select(vec!["leave", "clear", "default"])),
        proptest::option::of(select(vec!["always", "create", "blank"])),
        proptest::option::of(select(vec!["source", "target", "sourceUnlessBlank", "newest", "ask"])),
        any::<bool>(),
    );
    (place, rest).prop_map(|((source, target), (transform, condition, when_empty, set_on, rule, default))| {
        let mut property = json!({"source": source, "target": target});
        let mut set = |key: &str, value: Option<Value>| {
            if let Some(value) = value {
                property[key] = value;
            }
        };
        set("transform", transform);
        set("condition", condition);
        set("setOn", set_on.map(Value::from));
        set("conflictRule", rule.map(Value::from));
        set("default", (default || when_empty == Some("default")).then(|| json!("d")));
        set("whenEmpty", when_empty.map(Value::from));
        property
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn a_trace_says_what_the_evaluation_does(
        properties in proptest::collection::vec(property(), 1..4),
        source in (value(), value()),
        target in proptest::option::of((value(), value(), value())),
        base in proptest::option::of((value(), value())),
        newer in select(vec![None, Some(Newer::Source), Some(Newer::Target)]),
    ) {
        let mut words = Words::default();
        let m = Mapping::compile(config(json!(properties)), Some(&reverse()), &mut words).unwrap();
        let source = object(json!({"a": source.0, "b": source.1}));
        let target = target.map(|(x, y, q)| object(json!({"x": x, "y": y, "p": {"q": q}})));
        let base = base.map(|(a, x)| Base { source: object(json!({"a": a})), target: object(json!({"x": x})) });
        let occasion = Occasion { base: base.as_ref(), newer, ..Occasion::default() };
        let trace = m.trace(&words, occasion, &source, target.as_ref());
        let failure = trace.properties.iter().find_map(|p| match &p.outcome {
            Outcome::Failed(reason) => Some(reason.clone()),
            _ => None,
        });
        let got = match m.evaluate(&words, occasion, &source, target.as_ref()) {
            Err(problem) => {
                prop_assert_eq!(Some(problem.reason), failure);
                return Ok(());
            }
            Ok(got) => got,
        };
        prop_assert_eq!(failure, None);
        // What a property keeps or asks, a later one with the same target may decide otherwise.
        let decides = |o: &Outcome| {
            use Outcome::{Asked, Cleared, Kept as Stays, Written};
            matches!(o, Written | Cleared | Asked | Stays(Kept::TargetChanged | Kept::Rule(_)))
        };
        let names = |wanted: fn(&Outcome) -> bool| -> Vec<&str> {
            let stands = |i: usize, target: &str| {
                !trace.properties[i + 1..].iter().any(|p| p.target == target && decides(&p.outcome))
            };
            let all = trace.properties.iter().enumerate();
            all.filter(|(i, p)| wanted(&p.outcome) && stands(*i, &p.target))
                .map(|(_, p)| p.target.as_str())
                .collect()
        };
        prop_assert_eq!(names(|o| matches!(o, Outcome::Kept(Kept::TargetChanged | Kept::Rule(_)))), got.kept);
        prop_assert_eq!(names(|o| matches!(o, Outcome::Kept(Kept::Rule(_)))), got.kept_by_rule);
        let asked: Vec<_> = got.conflicts.iter().map(|c| c.attribute.as_str()).collect();
        prop_assert_eq!(names(|o| *o == Outcome::Asked), asked);
        for attribute in ["x", "y", "p/q"] {
            let mut of_it = trace.properties.iter().filter(|p| p.target == attribute);
            let Some(first) = of_it.next() else { continue };
            let last = of_it.next_back().unwrap_or(first);
            let change = got.changes.iter().find(|c| c.attribute == attribute);
            prop_assert_eq!(change.is_some(), !same(&first.before, &last.after), "{}", attribute);
            if let Some(change) = change {
                prop_assert_eq!((&change.before, &change.after), (&first.before, &last.after));
            }
        }
    }
}
