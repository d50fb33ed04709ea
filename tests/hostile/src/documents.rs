//! Mutations of the JSON documents within an input: a byte that is turned mostly makes a document that nobody reads, and what
//! lies behind its reading would hardly be tried.

use serde_json::{Map, Value, json};

use crate::mutations::{Chance, LONGEST};

/// No document is taken apart that has more values.
const MOST_VALUES: usize = 4000;

/// The input with a value of one of its documents changed, the same for the same number; `None` where it holds no document, or
/// where what comes of it is too long.
pub fn mutated(input: &[u8], number: u64, longest: usize) -> Option<Vec<u8>> {
    let mut chance = Chance::of(number);
    let all = documents(input);
    let (from, until) = *all.get(chance.below(all.len()))?;
    let mut document: Value = serde_json::from_slice(input.get(from..until)?).ok()?;
    for _ in 0..=chance.below(3) {
        change(&mut document, &mut chance);
    }
    let mut made = input.get(..from)?.to_vec();
    made.extend(serde_json::to_vec(&document).ok()?);
    made.extend(input.get(until..)?);
    (made.len() <= longest.min(LONGEST)).then_some(made)
}

/// Where whole documents begin and end, objects and lists, none within another.
fn documents(input: &[u8]) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut at = 0;
    // What begins like a document and is none is read to its flaw; so many of these are not worth it.
    let mut tries = 64;
    while let Some(next) = input.iter().skip(at).position(|byte| matches!(byte, b'{' | b'[')) {
        let from = at + next;
        let mut reader =
            serde_json::Deserializer::from_slice(input.get(from..).unwrap_or_default()).into_iter::<Value>();
        if matches!(reader.next(), Some(Ok(_))) {
            at = from + reader.byte_offset();
            found.push((from, at));
        } else {
            at = from + 1;
            tries -= 1;
            if tries == 0 {
                break;
            }
        }
    }
    found
}

/// Calls `with` with one of the values, each as likely as another.
fn at_one(document: &mut Value, chance: &mut Chance, with: impl FnOnce(&mut Value, &mut Chance)) {
    let mut which = chance.below(count(document).min(MOST_VALUES));
    if let Some(value) = nth(document, &mut which) {
        with(value, chance);
    }
}

fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(members) => members.values().map(count).sum(),
        _ => 0,
    }
}

fn nth<'v>(value: &'v mut Value, which: &mut usize) -> Option<&'v mut Value> {
    if *which == 0 {
        return Some(value);
    }
    *which -= 1;
    match value {
        Value::Array(items) => items.iter_mut().find_map(|item| nth(item, which)),
        Value::Object(members) => members.values_mut().find_map(|member| nth(member, which)),
        _ => None,
    }
}

/// One of the values, as it is.
fn some(document: &mut Value, chance: &mut Chance) -> Value {
    let mut found = Value::Null;
    at_one(document, chance, |value, _| found = value.clone());
    found
}

fn change(document: &mut Value, chance: &mut Chance) {
    match chance.below(7) {
        // Another value of the document in its place: of a wrong kind, or one that says something else.
        0 => {
            let other = some(document, chance);
            at_one(document, chance, |value, _| *value = other);
        }
        1 => at_one(document, chance, |value, chance| *value = edge(value, chance)),
        2 => at_one(document, chance, |value, chance| {
            let taken = value.take();
            *value = match (taken, chance.below(2)) {
                (Value::Array(mut items), 0) if items.len() == 1 => items.pop().unwrap_or_default(),
                (taken, 0) => json!([taken]),
                (taken, _) => json!({"value": taken}),
            };
        }),
        3 => at_container(document, chance, |value, chance| match value {
            Value::Array(items) => items.truncate(chance.below(items.len() + 1)),
            Value::Object(members) => {
                if let Some(name) = name(members, chance) {
                    members.shift_remove(&name);
                }
            }
            _ => {}
        }),
        4 => {
            let other = some(document, chance);
            at_container(document, chance, |value, chance| match value {
                Value::Array(items) => {
                    let at = chance.below(items.len() + 1);
                    let item = items.get(at).cloned().filter(|_| chance.below(2) == 0).unwrap_or(other);
                    items.insert(at, item);
                }
                Value::Object(members) => {
                    members.insert(word(chance), other);
                }
                _ => {}
            });
        }
        5 => at_container(document, chance, |value, chance| match value {
            Value::Array(items) if items.len() > 1 => {
                let (one, other) = (chance.below(items.len()), chance.below(items.len()));
                items.swap(one, other);
            }
            Value::Object(members) => {
                let new = match chance.below(2) {
                    0 => word(chance),
                    _ => name(members, chance).unwrap_or_default(),
                };
                if let Some(old) = name(members, chance)
                    && let Some(member) = members.remove(&old)
                {
                    members.insert(new, member);
                }
            }
            _ => {}
        }),
        _ => at_one(document, chance, |value, chance| {
            if let Value::String(text) = value {
                *text = written(text, chance);
            } else {
                *value = Value::String(written(&value.to_string(), chance));
            }
        }),
    }
}

/// One of the objects and lists.
fn at_container(document: &mut Value, chance: &mut Chance, with: impl FnOnce(&mut Value, &mut Chance)) {
    for _ in 0..8 {
        let mut which = chance.below(count(document).min(MOST_VALUES));
        if let Some(value @ (Value::Array(_) | Value::Object(_))) = nth(document, &mut which) {
            return with(value, chance);
        }
    }
    with(document, chance);
}

fn name(members: &Map<String, Value>, chance: &mut Chance) -> Option<String> {
    members.keys().nth(chance.below(members.len())).cloned()
}

/// A word that parsers know, without the signs that make it JSON in the dictionary.
fn word(chance: &mut Chance) -> String {
    let word = String::from_utf8_lossy(chance.word()).into_owned();
    word.trim_matches(|c| matches!(c, '"' | ':' | '{' | '[' | ',')).to_owned()
}

/// A value on an edge.
fn edge(value: &Value, chance: &mut Chance) -> Value {
    match chance.below(14) {
        0 => Value::Null,
        1 => json!(value.as_bool() != Some(true)),
        2 => json!(0),
        3 => json!(-1),
        4 => json!(u64::MAX),
        5 => json!(i64::MIN),
        6 => json!(1e300),
        7 => json!(0.1),
        8 => json!(""),
        9 => json!([]),
        10 => json!({}),
        // One more or less than what was said.
        11 => value.as_i64().map_or(json!("0"), |n| json!(n.saturating_add(1))),
        12 => value.as_i64().map_or(json!("-1"), |n| json!(n.saturating_sub(1))),
        _ => Value::String(word(chance)),
    }
}

/// The text with something put in, taken out, repeated or cut off; or another one.
fn written(text: &str, chance: &mut Chance) -> String {
    let places: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
    let place = |chance: &mut Chance| places.get(chance.below(places.len())).copied().unwrap_or_default();
    let (one, other) = (place(chance), place(chance));
    let (from, until) = (one.min(other), one.max(other));
    let (Some(before), Some(between), Some(after)) =
        (text.get(..from), text.get(from..until), text.get(until..))
    else {
        return text.to_owned();
    };
    match chance.below(5) {
        0 => format!("{before}{}{after}", word(chance)),
        1 => format!("{before}{after}"),
        2 => format!("{before}{between}{}{between}{after}", word(chance)),
        3 => word(chance),
        _ => text.chars().map(|c| if c.is_ascii_digit() { '9' } else { c }).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::{documents, mutated};

    #[test]
    fn documents_are_found_between_other_things() {
        for (text, expect) in [
            ("create contact\n207\n\n{\"a\":[1]}\n=====\n200\n\n[{}]", vec!["{\"a\":[1]}", "[{}]"]),
            ("{\"a\":{\"b\":1}", vec!["{\"b\":1}"]),
            ("mail eq \"x\"", vec![]),
            ("[[[[[[", vec![]),
        ] {
            let found = documents(text.as_bytes());
            let found: Vec<&str> = found.iter().filter_map(|(from, until)| text.get(*from..*until)).collect();
            assert_eq!(found, expect, "{text}");
        }
    }

    #[test]
    fn what_is_made_is_read_and_is_the_same_for_the_same_number() {
        let input = b"read contact\n200\n\n{\"results\":[{\"id\":\"101\",\"n\":7},null,[true]]}";
        let mut different = 0;
        for number in 0..500 {
            let made = mutated(input, number, 8192);
            assert_eq!(made, mutated(input, number, 8192));
            let Some(made) = made else { continue };
            let text = std::str::from_utf8(&made).unwrap();
            let (head, document) = text.split_once("\n\n").unwrap();
            assert_eq!(head, "read contact\n200");
            assert!(serde_json::from_str::<serde_json::Value>(document).is_ok(), "{document}");
            different += usize::from(made != input);
        }
        assert!(different > 400, "{different}");
        assert_eq!(mutated(b"no document", 1, 8192), None);
        assert_eq!(mutated(input, 1, 10), None);
    }
}
