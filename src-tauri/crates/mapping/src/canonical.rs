//! One form for values that mean the same, so that "changed" means changed.
//!
//! CRMs hand out every value as text and cannot tell null from empty; the repository keeps JSON types. A value that only
//! crossed that border has not changed.

use std::{fmt, sync::Arc};

use jiff::Timestamp;
use serde_json::{Number, Value};

use model::Attributes;

/// The hash of a record's attributes: 16 bytes of blake3 over the sorted, length-prefixed, non-empty attributes.
pub fn hash(attributes: &Attributes) -> [u8; 16] {
    let mut pairs: Vec<(&String, &Value)> = attributes
        .iter()
        .filter(|(name, value)| !model::is_about_the_record(name) && !is_empty(value))
        .collect();
    pairs.sort_unstable_by_key(|(name, _)| *name);
    let mut bytes = Vec::with_capacity(256);
    for (name, value) in pairs {
        put(&mut bytes, b'k', name.as_bytes());
        encode(&mut bytes, value);
    }
    let mut out = [0; 16];
    for (o, h) in out.iter_mut().zip(blake3::hash(&bytes).as_bytes()) {
        *o = *h;
    }
    out
}

fn put(bytes: &mut Vec<u8>, tag: u8, content: &[u8]) {
    bytes.push(tag);
    bytes.extend_from_slice(&(content.len() as u64).to_le_bytes());
    bytes.extend_from_slice(content);
}

fn encode(bytes: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Null => bytes.push(b'n'),
        Value::Array(items) => {
            put(bytes, b'a', &(items.len() as u64).to_le_bytes());
            items.iter().for_each(|item| encode(bytes, item));
        }
        Value::Object(map) => {
            let mut pairs: Vec<_> = map.iter().filter(|(_, v)| !is_empty(v)).collect();
            pairs.sort_unstable_by_key(|(name, _)| *name);
            put(bytes, b'o', &(pairs.len() as u64).to_le_bytes());
            for (name, value) in pairs {
                put(bytes, b'k', name.as_bytes());
                encode(bytes, value);
            }
        }
        Value::String(text) => put(bytes, b't', text.as_bytes()),
        Value::Bool(_) | Value::Number(_) => put(bytes, b't', value.to_string().as_bytes()),
    }
}

/// Whether there is nothing: null, an empty text, an empty list.
pub fn is_empty(value: &Value) -> bool {
    !model::filter::is_present(value)
}

/// Whether two values mean the same.
pub fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        _ if is_empty(a) || is_empty(b) => is_empty(a) && is_empty(b),
        (Value::String(text), Value::Bool(flag)) | (Value::Bool(flag), Value::String(text)) => {
            text.parse() == Ok(*flag)
        }
        (Value::String(text), Value::Number(number)) | (Value::Number(number), Value::String(text)) => {
            number.to_string().as_str() == text
                || text.parse::<Number>().is_ok_and(|written| same_number(&written, number))
        }
        (Value::Number(a), Value::Number(b)) => same_number(a, b),
        (Value::String(a), Value::String(b)) => a == b || same_moment(a, b),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            // Each pair is looked at once: twice would be four times one level deeper, and so on.
            a.iter().all(|(k, v)| same(v, b.get(k).unwrap_or(&Value::Null)))
                && b.iter().all(|(k, v)| a.contains_key(k) || is_empty(v))
        }
        _ => a == b,
    }
}

/// Salesforce writes the number 3 as `3.0`. Whole numbers too long for a double are compared digit by digit.
fn same_number(a: &Number, b: &Number) -> bool {
    let whole = |n: &Number| n.is_i64() || n.is_u64();
    if whole(a) && whole(b) { a == b } else { a.as_f64() == b.as_f64() }
}

/// HubSpot adds milliseconds to a time and Salesforce writes `+0000` for `Z`.
fn same_moment(a: &str, b: &str) -> bool {
    matches!((moment(a), moment(b)), (Some(a), Some(b)) if a == b)
}

fn moment(text: &str) -> Option<Timestamp> {
    let bytes = text.as_bytes();
    let may_be = bytes.len() >= 17 && bytes.get(4) == Some(&b'-') && bytes.get(10) == Some(&b'T');
    if may_be { text.parse().ok() } else { None }
}

/// What one system takes for the same value of an attribute, beyond what means the same everywhere.
#[derive(Clone, Default)]
pub struct Sameness(Option<Arc<Alike>>);

type Alike = dyn Fn(&str, &Value, &Value) -> bool + Send + Sync;

impl Sameness {
    /// Of a system that says itself whether it keeps two values of the attribute of this name as one.
    pub fn of(alike: impl Fn(&str, &Value, &Value) -> bool + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(alike)))
    }

    /// Whether two values of an attribute are the same to that system.
    pub fn same(&self, attribute: &str, a: &Value, b: &Value) -> bool {
        same(a, b) || self.0.as_ref().is_some_and(|alike| alike(attribute, a, b))
    }
}

impl fmt::Debug for Sameness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Sameness(its own)" } else { "Sameness(everywhere)" })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Sameness, hash, same};

    #[test]
    fn a_system_may_take_more_for_the_same_but_never_less() {
        let lower = |v: &Value| v.as_str().map(str::to_lowercase);
        let mail = Sameness::of(move |name, a, b| name == "mail" && lower(a) == lower(b));
        assert!(mail.same("mail", &json!("A@x"), &json!("a@x")));
        assert!(!mail.same("name", &json!("A"), &json!("a")));
        assert!(mail.same("name", &json!(3), &json!("3")));
        assert!(!Sameness::default().same("mail", &json!("A@x"), &json!("a@x")));
    }

    fn hash_of(value: Value) -> [u8; 16] {
        let Value::Object(map) = value else { panic!("an object") };
        hash(&map)
    }

    #[test]
    fn what_means_the_same_hashes_the_same() {
        let base = hash_of(json!({"a": "1", "b": "x"}));
        for same_again in [
            json!({"b": "x", "a": "1"}),
            json!({"a": 1, "b": "x", "c": null, "d": ""}),
            json!({"_id": "7", "_rev": "2", "a": "1", "b": "x"}),
        ] {
            assert_eq!(hash_of(same_again), base);
        }
        for other in
            [json!({"a": "1", "b": "y"}), json!({"a": "1x", "b": ""}), json!({"a": "1"}), json!({"ab": "1x"})]
        {
            assert_ne!(hash_of(other), base);
        }
    }

    /// Else a record that is kept would differ from the one that came, and a value would change on its way.
    #[test]
    fn a_number_is_the_same_when_it_was_written_down_and_read_again() {
        let check = |text: &str| {
            let read: Value = serde_json::from_str(text).unwrap();
            assert_eq!(read.as_f64(), text.parse().ok(), "{text} was read as {read}");
            let again: Value = serde_json::from_str(&read.to_string()).unwrap();
            assert!(same(&read, &again), "{text}: {read} became {again}");
            assert!(same(&read, &json!(text)), "{text}: {read}");
            assert_eq!(
                hash_of(json!({"n": read})),
                hash_of(json!({"n": again})),
                "{text}: {read} became {again}"
            );
        };
        for text in [
            "0.1",
            "0.30000000000000004",
            "11.381699339072611",
            "112.89632774615143",
            "52.516274538476131",
            "9007199254740993.0",
            "1e23",
            "5.164466425822488e-228",
            "-2.3293092250360917e+231",
            "5e-324",
            "1.7976931348623157e308",
        ] {
            check(text);
        }
        // Places on earth, as precisely as a double has them.
        let mut bits = 1_u64;
        for _ in 0..20_000 {
            bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            check(&format!("{}", (bits >> 11) as f64 / (1_u64 << 53) as f64 * 180.0));
        }
    }

    /// It would go on for years if each level were looked at twice.
    #[test]
    fn what_is_nested_deeply_is_compared_in_one_pass() {
        let nested = |value: Value| (0..100).fold(value, |within, _| json!({"a": [within]}));
        assert!(same(&nested(json!(1)), &nested(json!("1"))));
        assert!(!same(&nested(json!(1)), &nested(json!(2))));
    }

    #[test]
    fn sameness_crosses_the_border_of_types() {
        for (a, b, expect) in [
            (json!(null), json!(""), true),
            (json!(true), json!("true"), true),
            (json!(3), json!("3"), true),
            (json!(3.0), json!(3), true),
            (json!("3.0"), json!(3), true),
            (json!("3.50"), json!(3.5), true),
            (json!("3.0"), json!("3"), false),
            (json!("0049"), json!(49), false),
            (json!("nan"), json!(0), false),
            (json!("2026-01-02T03:04:05Z"), json!("2026-01-02T03:04:05.000Z"), true),
            (json!("2026-01-02T03:04:05Z"), json!("2026-01-02T03:04:05.000+0000"), true),
            (json!("2026-01-02T03:04:05Z"), json!("2026-01-02T04:04:05+01:00"), true),
            (json!("2026-01-02T03:04:05Z"), json!("2026-01-02T03:04:05.001Z"), false),
            (json!("2026-01-02T03:04:05"), json!("2026-01-02T03:04:05Z"), false),
            (json!("2026-01-02"), json!("2026-01-02T00:00:00Z"), false),
            (json!(9007199254740993_u64), json!("9007199254740992"), false),
            (json!("a"), json!("A"), false),
            (json!([]), json!(null), true),
            (json!({"x": null}), json!({}), true),
            (json!({"x": 1}), json!({}), false),
        ] {
            assert_eq!(same(&a, &b), expect, "{a} {b}");
            assert_eq!(same(&b, &a), expect, "{b} {a}");
        }
    }
}
