//! The built-in transforms, one line each.

use mapping::{Mapping, NoScripts, Occasion};
use model::MappingConfig;
use serde_json::{Value, json};

use super::{config, mapping, object, script, with_words};

/// What a transform makes of a value that is to go from `a` to a new target's `x`; null for nothing.
fn transformed(transform: Value, value: Value) -> Result<Value, String> {
    let m = mapping(json!([{"source": "a", "target": "x", "transform": transform}]));
    let got = m.evaluate(&NoScripts, Occasion::default(), &object(json!({"a": value})), None);
    Ok(got.map_err(|p| p.reason)?.changes.pop().map_or(Value::Null, |c| c.after))
}

#[test]
fn values_become_what_they_should() {
    let split = |more: Value| {
        let mut config = json!({"builtIn": "split", "separator": ";"});
        config.as_object_mut().unwrap().extend(object(more));
        config
    };
    let map = |more: Value| {
        let mut config = json!({"builtIn": "map", "values": {"gold": "Gold", "true": 1, "old": null}});
        config.as_object_mut().unwrap().extend(object(more));
        config
    };
    let replace = |find: &str, with: &str, regex: bool| json!({"builtIn": "replace", "find": find, "with": with, "regex": regex});
    let phone = |invalid: &str| json!({"builtIn": "phoneE164", "country": "DE", "invalid": invalid});
    let date = |to: &str| json!({"builtIn": "date", "to": to});
    for (transform, value, expect) in [
        (json!({"builtIn": "lower"}), json!("ÄnnE@X"), json!("änne@x")),
        (json!({"builtIn": "lower"}), json!(["A", null, "", "B"]), json!(["a", "b"])),
        (json!({"builtIn": "lower"}), json!(7), json!(7)),
        (json!({"builtIn": "upper"}), json!("straße"), json!("STRASSE")),
        (json!({"builtIn": "upper"}), json!(true), json!(true)),
        (json!({"builtIn": "trim"}), json!("\u{a0} a b \t"), json!("a b")),
        (json!({"builtIn": "trim"}), json!("   "), json!(null)),
        (split(json!({})), json!(";a; b;;c"), json!(["a", " b", "c"])),
        (split(json!({})), json!("a"), json!(["a"])),
        (split(json!({})), json!(";;"), json!(null)),
        (split(json!({"index": 1})), json!("a;b"), json!("b")),
        (split(json!({"index": 1})), json!("a;;c"), json!(null)),
        (split(json!({"index": -1})), json!("a;b;c"), json!("c")),
        (split(json!({"index": 5})), json!("a;b"), json!(null)),
        (split(json!({"index": -5})), json!("a;b"), json!(null)),
        (split(json!({})), json!(["a;b", "c"]), json!(["a", "b", "c"])),
        (split(json!({"index": 0})), json!(["a;b", "c;d"]), json!(["a", "c"])),
        (split(json!({})), json!(12), json!(["12"])),
        (json!({"builtIn": "join", "separator": ", "}), json!(["a", "", null, 2, "b"]), json!("a, 2, b")),
        (json!({"builtIn": "join", "separator": ""}), json!(["a", "b"]), json!("ab")),
        (json!({"builtIn": "join", "separator": ","}), json!("a"), json!("a")),
        (json!({"builtIn": "constant", "value": {"k": [1]}}), json!("a"), json!({"k": [1]})),
        (json!({"builtIn": "constant", "value": false}), json!(null), json!(false)),
        (json!({"builtIn": "first", "count": 2}), json!("e\u{301}👩‍👧x"), json!("e\u{301}👩‍👧")),
        (json!({"builtIn": "first", "count": 9}), json!("short"), json!("short")),
        (json!({"builtIn": "first", "count": 3}), json!(12345), json!("123")),
        (json!({"builtIn": "first", "count": 1}), json!(["ab", "cd"]), json!(["a", "c"])),
        (phone("fail"), json!("030 / 123456"), json!("+4930123456")),
        (phone("fail"), json!(["030 123456", "+1 415 555 0100"]), json!(["+4930123456", "+14155550100"])),
        (phone("fail"), json!("  "), json!(null)),
        (phone("keep"), json!("ask Ann"), json!("ask Ann")),
        (phone("empty"), json!("ask Ann"), json!(null)),
        (phone("empty"), json!(["030 123456", "ask Ann"]), json!(["+4930123456"])),
        (date("date"), json!("1795219200000"), json!("2026-11-21")),
        (date("epochMillis"), json!("2026-11-21"), json!(1795219200000_i64)),
        (date("%d.%m.%Y"), json!("2026-11-21T23:59:59Z"), json!("21.11.2026")),
        (date("date"), json!(" "), json!(null)),
        (
            json!({"builtIn": "date", "from": "%d.%m.%Y", "to": "date", "invalid": "keep"}),
            json!("soon"),
            json!("soon"),
        ),
        (map(json!({})), json!("gold"), json!("Gold")),
        (map(json!({})), json!(true), json!(1)),
        (map(json!({})), json!("old"), json!(null)),
        (map(json!({"otherwise": "Other"})), json!("lead"), json!("Other")),
        (map(json!({"otherwise": null})), json!("lead"), json!(null)),
        (map(json!({"otherwise": "Other"})), json!(""), json!(null)),
        (map(json!({"keepOthers": true})), json!("lead"), json!("lead")),
        (map(json!({"otherwise": null})), json!(["gold", "lead"]), json!(["Gold"])),
        (replace("a", "b", false), json!("aXa"), json!("bXb")),
        (replace("a.", "b", false), json!("aXa."), json!("aXb")),
        (replace("(\\d+)\\D+(\\d+)", "$2-$1", true), json!("12 and 34"), json!("34-12")),
        (replace("[^0-9]", "", true), json!("n/a"), json!(null)),
        (json!([{"builtIn": "trim"}, {"builtIn": "lower"}]), json!(" A "), json!("a")),
        (
            json!([split(json!({})), {"builtIn": "trim"}, map(json!({"keepOthers": true})), {"builtIn": "join", "separator": ","}]),
            json!("gold; silver ;"),
            json!("Gold,silver"),
        ),
        (json!([{"builtIn": "constant", "value": "C"}, {"builtIn": "lower"}]), json!(null), json!("c")),
    ] {
        assert_eq!(transformed(transform.clone(), value.clone()), Ok(expect), "{transform} of {value}");
    }
}

/// A source without a value has none after any transform that does not make its own, so the default applies.
#[test]
fn nothing_stays_nothing() {
    for transform in [
        json!({"builtIn": "lower"}),
        json!({"builtIn": "split", "separator": ","}),
        json!({"builtIn": "split", "separator": ",", "index": 0}),
        json!({"builtIn": "join", "separator": ","}),
        json!({"builtIn": "first", "count": 3}),
        json!({"builtIn": "phoneE164", "country": "DE"}),
        json!({"builtIn": "date", "to": "date"}),
        json!({"builtIn": "map", "values": {"a": "b"}}),
        json!({"builtIn": "replace", "find": "a", "with": "b"}),
    ] {
        for value in [json!(null), json!(""), json!([])] {
            assert_eq!(transformed(transform.clone(), value), Ok(Value::Null), "{transform}");
        }
    }
}

#[test]
fn what_cannot_be_transformed_says_so_with_property_and_value() {
    let long = "x".repeat(500);
    for (transform, value, expect) in [
        (
            json!({"builtIn": "phoneE164", "country": "de"}),
            json!("12 monkeys"),
            "mapping m, property x (phoneE164): \"12 monkeys\" is no valid phone number, neither of DE nor with a country code; correct it at the source, or set `invalid` to `keep` or `empty`",
        ),
        (
            json!({"builtIn": "date", "to": "date"}),
            json!("soon"),
            "mapping m, property x (date): \"soon\" is no ISO date, no ISO date-time and no epoch; say under `from` what it is; correct it at the source, or set `invalid` to `keep` or `empty`",
        ),
        (
            json!([{"builtIn": "trim"}, {"builtIn": "date", "from": "%d.%m.%Y", "to": "date"}]),
            json!(" 2026-11-21 "),
            "mapping m, property x (date): \"2026-11-21\" is no date of the form %d.%m.%Y; correct it at the source, or set `invalid` to `keep` or `empty`",
        ),
        (
            json!({"builtIn": "map", "values": {"a": "b"}}),
            json!("c"),
            "mapping m, property x (map): \"c\" is not among the values of the map; add it there, or say under `otherwise` what becomes of others",
        ),
        (json!({"builtIn": "lower"}), json!({"k": 1}), "mapping m, property x (lower): {\"k\":1} is no text"),
        (
            json!({"builtIn": "join", "separator": ","}),
            json!([["a"]]),
            "mapping m, property x (join): [\"a\"] is no text",
        ),
        (
            json!({"builtIn": "split", "separator": ","}),
            json!({}),
            "mapping m, property x (split): {} is no text",
        ),
    ] {
        assert_eq!(transformed(transform, value).unwrap_err(), expect);
    }
    let error = transformed(json!({"builtIn": "phoneE164", "country": "DE"}), json!(long)).unwrap_err();
    assert!(error.contains(&format!("\"{}… is no valid", "x".repeat(59))), "{error}");
}

#[test]
fn concat_leaves_out_what_touches_a_missing_value() {
    let attribute = |name: &str| json!({"attribute": name});
    let text = |text: &str| json!({"text": text});
    let name = json!([attribute("/first"), text(" "), attribute("last")]);
    let listed = json!([attribute("first"), text(", "), attribute("middle"), text(", "), attribute("last")]);
    let nick = json!([attribute("first"), text(" ("), attribute("nick"), text(") "), attribute("last")]);
    let dn = json!([text("uid="), attribute("n/id"), text(",ou=people")]);
    let bare = json!([attribute("first"), attribute("last")]);
    for (parts, source, expect) in [
        (&name, json!({"first": " Ann ", "last": "Lee"}), json!("Ann Lee")),
        (&name, json!({"first": "Ann"}), json!("Ann")),
        (&name, json!({"first": null, "last": "Lee"}), json!("Lee")),
        (&name, json!({"first": "  ", "last": ""}), json!(null)),
        (&listed, json!({"first": "a", "middle": "b", "last": "c"}), json!("a, b, c")),
        (&listed, json!({"first": "a", "last": "c"}), json!("a, c")),
        (&listed, json!({"middle": "b"}), json!("b")),
        (&nick, json!({"first": "Ann", "nick": "A", "last": "Lee"}), json!("Ann (A) Lee")),
        (&nick, json!({"first": "Ann", "last": "Lee"}), json!("Ann Lee")),
        (&nick, json!({"nick": "A"}), json!("A")),
        (&dn, json!({"n": {"id": 7}}), json!("uid=7,ou=people")),
        (&dn, json!({"n": {}}), json!(null)),
        (&bare, json!({"first": ["a", "", "b"], "last": true}), json!("a, btrue")),
    ] {
        let m = mapping(json!([
            {"source": "", "target": "x", "transform": {"builtIn": "concat", "parts": parts}}
        ]));
        let got = m.evaluate(&NoScripts, Occasion::default(), &object(source.clone()), None).unwrap();
        assert_eq!(got.changes.first().map_or(&Value::Null, |c| &c.after), &expect, "{parts} of {source}");
    }
    let m = mapping(json!([{"target": "x", "transform": {"builtIn": "concat", "parts": name}}]));
    let error = m.evaluate(&NoScripts, Occasion::default(), &object(json!({"first": {"a": 1}})), None);
    assert_eq!(
        error.unwrap_err().reason,
        "mapping m, property x (concat): attribute first: {\"a\":1} is no text"
    );
}

#[test]
fn scripts_and_built_ins_stand_in_one_list() {
    let (m, words) = with_words(json!([
        {"source": "a", "target": "x", "transform": [{"builtIn": "trim"}, script("same"), {"builtIn": "upper"}]},
        {"source": "b", "target": "y", "transform": [{"builtIn": "trim"}, script("throw")]},
        {"source": "", "target": "z", "transform": [script("qualifier"), {"builtIn": "upper"}]},
    ]));
    let occasion = Occasion { qualifier: "adm", ..Occasion::default() };
    let source = object(json!({"a": " v ", "b": " "}));
    let got = m.evaluate(&words, occasion, &source, None).unwrap();
    let after: Vec<_> = got.changes.iter().map(|c| (c.attribute.as_str(), c.after.clone())).collect();
    // What became nothing on the way does not reach a later script.
    assert_eq!(after, [("x", json!("V")), ("z", json!("ADM"))]);
}

#[test]
fn a_country_without_phone_numbers_is_refused_when_the_mapping_is_checked() {
    let config = config(json!([
        {"source": "a", "target": "x", "transform": {"builtIn": "phoneE164", "country": "XX"}}
    ]));
    let error = Mapping::compile(config, None, &mut NoScripts).err().unwrap().to_string();
    assert_eq!(
        error,
        "mapping `m`, property `x`: the built-in transform `phoneE164`: `country` is XX, which has no phone numbers"
    );
}

#[test]
fn only_what_concat_names_is_read_from_the_source() {
    let m = mapping(json!([
        {"source": "", "target": "x", "transform": {"builtIn": "concat", "parts": [{"attribute": "name/first"}, {"attribute": "last"}]}}
    ]));
    assert_eq!(m.source_attributes().unwrap().into_iter().collect::<Vec<_>>(), ["last", "name"]);
    let whole = MappingConfig::from_value(json!({
        "name": "m", "source": "system/crm/contact", "target": "managed/user",
        "properties": [{"source": "", "target": "x", "transform": [script("same"), {"builtIn": "constant", "value": 1}]}],
    }));
    assert_eq!(whole.unwrap().source_attributes(), None);
}
