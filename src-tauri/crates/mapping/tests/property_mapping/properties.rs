//! Conditions, defaults, `whenEmpty` and `setOn`, in every combination, and where values come from and go to.

use mapping::{NoScripts, Occasion};
use model::Attributes;
use serde_json::{Value, json};

use super::{mapping, object, script, with_words};

fn changes(property: Value, source: Value, target: Value) -> Value {
    let (m, words) = with_words(json!([property]));
    let target = target.as_object().cloned();
    let got = m.evaluate(&words, Occasion::default(), &object(source), target.as_ref()).unwrap();
    Value::Object(got.changes.into_iter().map(|c| (c.attribute, c.after)).collect())
}

/// `whenEmpty` x default x what "empty" is x what the target has. `None` stands for no change.
#[test]
fn empty_sources() {
    let nothing = json!(null);
    for empty in [json!({}), json!({"a": null}), json!({"a": ""}), json!({"a": []})] {
        for (when_empty, default, new, blank, filled) in [
            ("leave", None, None, None, None),
            ("leave", Some("d"), Some(json!("d")), None, None),
            ("clear", None, None, None, Some(json!(null))),
            ("clear", Some("d"), None, None, Some(json!(null))),
            ("default", Some("d"), Some(json!("d")), Some(json!("d")), Some(json!("d"))),
            // Without `whenEmpty` a default is used, as in IDM, and without a default the target is left alone.
            ("", None, None, None, None),
            ("", Some("d"), Some(json!("d")), Some(json!("d")), Some(json!("d"))),
        ] {
            let mut property = json!({"source": "a", "target": "x"});
            if !when_empty.is_empty() {
                property["whenEmpty"] = json!(when_empty);
            }
            if let Some(default) = default {
                property["default"] = json!(default);
            }
            let blanks = [json!({}), json!({"x": null}), json!({"x": ""}), json!({"x": []})];
            let targets =
                [(nothing.clone(), &new), (json!({"x": "t"}), &filled), (json!({"x": ["t"]}), &filled)];
            for (target, expect) in blanks.map(|b| (b, &blank)).into_iter().chain(targets) {
                let expect = expect.as_ref().map_or(json!({}), |value| json!({"x": value}));
                let got = changes(property.clone(), empty.clone(), target.clone());
                assert_eq!(got, expect, "{property} from {empty} to {target}");
            }
        }
    }
}

/// `setOn` x what the target has, for a source with a value and one without (with a default).
#[test]
fn set_on() {
    for (set_on, new, blank, filled) in
        [("always", true, true, true), ("create", true, false, false), ("blank", true, true, false)]
    {
        for (source, value) in [(json!({"a": "s"}), "s"), (json!({}), "d")] {
            let property = json!({"source": "a", "target": "x", "setOn": set_on, "default": "d"});
            for (target, written) in [
                (json!(null), new),
                (json!({"x": ""}), blank),
                (json!({}), blank),
                (json!({"x": "t"}), filled),
            ] {
                let expect = if written { json!({"x": value}) } else { json!({}) };
                assert_eq!(
                    changes(property.clone(), source.clone(), target.clone()),
                    expect,
                    "{set_on} {target}"
                );
            }
        }
    }
}

#[test]
fn conditions() {
    for (condition, source, target, holds) in [
        (json!("/object/b pr"), json!({"b": 1}), json!({}), true),
        (json!("/object/b pr"), json!({"b": ""}), json!({}), false),
        (json!("/object/b pr"), json!({"b": []}), json!({}), false),
        (json!("/source/b eq \"1\""), json!({"b": "1"}), json!({}), true),
        (json!("/object/n/b eq true"), json!({"n": {"b": "true"}}), json!({}), true),
        (json!("/target/kind eq \"free\""), json!({}), json!({"kind": "free"}), true),
        (json!("/target/kind eq \"free\""), json!({}), json!({"kind": "locked"}), false),
        (json!("!(/target/kind pr)"), json!({}), json!(null), true),
        (json!("/linkQualifier eq \"default\""), json!({}), json!({}), true),
        (json!("/linkQualifier eq \"admin\""), json!({}), json!({}), false),
        (json!("/object/b pr or /object/c pr"), json!({"c": 1}), json!({}), true),
        (script("hasTarget"), json!({}), json!({"y": 1}), true),
        // As in IDM `target` is what is being made, which is there although the record is not yet.
        (script("hasTarget"), json!({}), json!(null), true),
        // As in IDM only true holds.
        (script("qualifier"), json!({}), json!({}), false),
        (script("nothing"), json!({}), json!({}), false),
    ] {
        let property = json!({"source": "a", "target": "x", "condition": condition});
        let mut source = source;
        source["a"] = json!("s");
        let expect = if holds { json!({"x": "s"}) } else { json!({}) };
        assert_eq!(changes(property, source, target.clone()), expect, "{condition} {target}");
    }
    // A condition that does not hold beats a default and a clearing.
    let property = json!({"source": "a", "target": "x", "condition": "/object/b pr", "default": "d"});
    assert_eq!(changes(property, json!({}), json!({"x": "t"})), json!({}));
}

#[test]
fn pointers() {
    for (what, property, source, target, expect) in [
        (
            "into nested objects",
            json!({"source": "/n/a", "target": "/p/q/r"}),
            json!({"n": {"a": "1"}}),
            json!({"p": {"s": 2}}),
            json!({"p/q/r": "1"}),
        ),
        (
            "out of a list",
            json!({"source": "tags/1", "target": "x"}),
            json!({"tags": ["a", "b"]}),
            json!({}),
            json!({"x": "b"}),
        ),
        (
            "beyond a list",
            json!({"source": "tags/7", "target": "x"}),
            json!({"tags": ["a", "b"]}),
            json!({"x": "t"}),
            json!({}),
        ),
        (
            "a slash in a name",
            json!({"source": "a~1b", "target": "c~0d~1e"}),
            json!({"a/b": "1"}),
            json!({}),
            json!({"c~0d~1e": "1"}),
        ),
        (
            "through a text",
            json!({"source": "a/b", "target": "x", "default": "d"}),
            json!({"a": "text"}),
            json!({}),
            json!({"x": "d"}),
        ),
        (
            "the whole source",
            json!({"source": "", "target": "x"}),
            json!({"a": 1}),
            json!({}),
            json!({"x": {"a": 1}}),
        ),
        (
            "lists as they are",
            json!({"source": "a", "target": "x"}),
            json!({"a": ["2", "1"]}),
            json!({"x": ["1", "2"]}),
            json!({"x": ["2", "1"]}),
        ),
        (
            "the same object in another order",
            json!({"source": "a", "target": "x"}),
            json!({"a": {"k": 1, "l": null}}),
            json!({"x": {"k": "1"}}),
            json!({}),
        ),
        (
            "false and zero are values",
            json!({"source": "a", "target": "x", "default": "d"}),
            json!({"a": false}),
            json!({"x": true}),
            json!({"x": false}),
        ),
        (
            "no source at all",
            json!({"target": "x", "default": 0}),
            json!({}),
            json!({"x": 1}),
            json!({"x": 0}),
        ),
        (
            "a nested value that stands",
            json!({"source": "a", "target": "p/q"}),
            json!({"a": "1"}),
            json!({"p": {"q": 1}}),
            json!({}),
        ),
    ] {
        assert_eq!(changes(property, source, target), expect, "{what}");
    }
}

#[test]
fn of_two_properties_with_one_target_the_last_that_applies_counts() {
    let m = mapping(json!([
        {"source": "work", "target": "phone"},
        {"source": "mobile", "target": "phone", "condition": "/object/mobile pr"},
        {"source": "home", "target": "phone", "setOn": "blank"},
    ]));
    for (source, target, expect) in [
        (json!({"work": "w", "mobile": "m", "home": "h"}), json!({"phone": "t"}), Some(("t", "m"))),
        (json!({"work": "w"}), json!({"phone": "t"}), Some(("t", "w"))),
        (json!({"home": "h"}), json!({"phone": "t"}), None),
        // From the first value to the last there is no change.
        (json!({"work": "w", "mobile": "t"}), json!({"phone": "t"}), None),
    ] {
        let got =
            m.evaluate(&NoScripts, Occasion::default(), &object(source), Some(&object(target))).unwrap();
        let got = got.changes.first().map(|c| (c.before.clone(), c.after.clone()));
        assert_eq!(got, expect.map(|(before, after)| (json!(before), json!(after))));
    }
    let got = m.evaluate(&NoScripts, Occasion::default(), &object(json!({"home": "h"})), None).unwrap();
    assert_eq!(got.changes[0].after, "h");
}

#[test]
fn a_condition_sees_the_target_also_as_it_was() {
    let m = mapping(json!([
        {"source": "first", "target": "city"},
        {"source": "first", "target": "country", "condition": "!(/oldTarget/city pr)"},
        {"source": "first", "target": "street", "condition": "/oldSource/first eq \"was\""},
    ]));
    let was = json!({"first": "was"});
    for (target, old_source, expect) in [
        (json!(null), None, &["city", "country"][..]),
        (json!({}), None, &["city", "country"]),
        (json!({"city": "c"}), None, &["city"]),
        (json!({"city": "c"}), Some(&was), &["city", "street"]),
    ] {
        let target = target.as_object().cloned();
        let occasion = Occasion { old_source, ..Occasion::default() };
        let got = m.evaluate(&NoScripts, occasion, &object(json!({"first": "f"})), target.as_ref()).unwrap();
        let changed: Vec<&str> = got.changes.iter().map(|c| c.attribute.as_str()).collect();
        assert_eq!(changed, expect, "{target:?}");
    }
    assert!(m.target_attributes().unwrap().contains("city"));
}

#[test]
fn a_condition_sees_the_target_as_the_properties_so_far_leave_it() {
    let m = mapping(json!([
        {"source": "first", "target": "city"},
        {"source": "last", "target": "city", "condition": "!(/target/city pr)"},
    ]));
    for (source, target, city) in [
        (json!({"first": "f", "last": "l"}), json!(null), Some("f")),
        (json!({"last": "l"}), json!(null), Some("l")),
        (json!({"first": "f", "last": "l"}), json!({}), Some("f")),
        (json!({"last": "l"}), json!({"city": "c"}), None),
    ] {
        let target = target.as_object().cloned();
        let got = m.evaluate(&NoScripts, Occasion::default(), &object(source), target.as_ref()).unwrap();
        assert_eq!(got.changes.first().map(|c| c.after.clone()), city.map(Value::from));
    }
}

#[test]
fn a_property_that_fails_fails_its_record() {
    let (m, words) = with_words(json!([
        {"source": "a", "target": "x"},
        {"source": "b", "target": "y", "condition": script("throw")},
    ]));
    let evaluate = |source: Attributes| m.evaluate(&words, Occasion::default(), &source, None);
    assert_eq!(
        evaluate(object(json!({"a": 1}))).unwrap_err().reason,
        "mapping m, property x (transform), line 1: Error: no"
    );
}
