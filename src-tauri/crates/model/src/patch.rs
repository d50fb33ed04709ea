//! Patches of an object as CREST has them: a list of `{operation, field, value, from}`, carried out in order, all or nothing.
//!
//! Null and absent are the same here, so an operation that sets null removes. `replace` with null changes nothing, as in IDM.
//! Items of a list are named by their value, never by a position: a position that a client counted may be another item's by
//! the time the patch arrives.

use serde_json::{Map, Number, Value};

use crate::{Attributes, Pointer};

/// Most operations of one patch.
const MOST: usize = 1000;
/// Most values in an object after a patch, and the deepest that they may be nested.
const LARGEST: usize = 100_000;
const DEEPEST: usize = 100;

/// Whether a value is no deeper than this and leaves room.
fn fits(value: &Value, deepest: usize, room: &mut usize) -> bool {
    if deepest == 0 || *room == 0 {
        return false;
    }
    *room -= 1;
    match value {
        Value::Array(items) => items.iter().all(|item| fits(item, deepest - 1, room)),
        Value::Object(parts) => parts.values().all(|part| fits(part, deepest - 1, room)),
        _ => true,
    }
}

/// What is done to a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Sets a field; adds to a list what it does not hold yet, and with `/-` at the end of the field appends.
    Add,
    /// Removes a field; with a value, the items of a list that equal it, or the field if it equals it.
    Remove,
    /// Sets a field.
    Replace,
    /// Adds a number to a number.
    Increment,
    /// Sets a field to what another one holds.
    Copy,
    /// The same, and the other one is removed.
    Move,
}

impl Operation {
    fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "add" => Self::Add,
            "remove" => Self::Remove,
            "replace" => Self::Replace,
            "increment" => Self::Increment,
            "copy" => Self::Copy,
            "move" => Self::Move,
            _ => return None,
        })
    }
}

/// One step of a patch.
#[derive(Debug, Clone, PartialEq)]
pub struct PatchStep {
    /// What is done.
    pub operation: Operation,
    /// To which field; the root is the object itself.
    pub field: Pointer,
    /// With what; null where none was given.
    pub value: Value,
    /// From which field, for `copy` and `move`.
    pub from: Option<Pointer>,
}

/// Why a patch cannot be read or carried out. The text names the step, counted from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("patch, operation {step}: {what}")]
pub struct PatchError {
    step: usize,
    what: String,
}

/// Reads a patch: a list of operations, or a single one.
pub fn parse(document: &Value) -> Result<Vec<PatchStep>, PatchError> {
    let one;
    let steps: &[Value] = match document {
        Value::Array(steps) => steps,
        step => {
            one = [step.clone()];
            &one
        }
    };
    if steps.len() > MOST {
        let what = format!("there are {} of them; send at most {MOST} at a time", steps.len());
        return Err(PatchError { step: MOST + 1, what });
    }
    steps
        .iter()
        .enumerate()
        .map(|(n, step)| parse_step(step).map_err(|what| PatchError { step: n + 1, what }))
        .collect()
}

fn parse_step(step: &Value) -> Result<PatchStep, String> {
    let Value::Object(step) = step else {
        return Err("an operation is an object, as in {\"operation\": \"replace\", \"field\": \"/sn\", \"value\": \"Lee\"}".into());
    };
    let text = |key: &str| step.get(key).and_then(Value::as_str);
    let word = text("operation").ok_or("`operation` is missing")?;
    let operation = Operation::parse(word).ok_or_else(|| {
        format!("there is no operation `{word}` here; use add, remove, replace, increment, copy or move")
    })?;
    let field = Pointer::parse(text("field").ok_or("`field` is missing: a JSON pointer such as /sn")?);
    let from = text("from").map(Pointer::parse);
    if field.is_too_deep() || from.as_ref().is_some_and(Pointer::is_too_deep) {
        return Err(format!("a field of more than {} steps is none of an object", Pointer::DEEPEST));
    }
    if matches!(operation, Operation::Copy | Operation::Move) && from.is_none() {
        return Err(format!("`{word}` needs `from`: the field that the value is taken from"));
    }
    if operation == Operation::Increment && !step.get("value").is_some_and(Value::is_number) {
        return Err("`increment` needs a number as `value`".into());
    }
    Ok(PatchStep { operation, field, value: step.get("value").cloned().unwrap_or(Value::Null), from })
}

/// Carries out a patch. When a step fails the object is left as it was.
pub fn apply(steps: &[PatchStep], object: &mut Attributes) -> Result<(), PatchError> {
    let mut after = object.clone();
    for (n, step) in steps.iter().enumerate() {
        let wrong = |what| PatchError { step: n + 1, what };
        step.apply(&mut after).map_err(wrong)?;
        // A copy of a copy doubles what is there: a short patch could fill the memory.
        let mut room = LARGEST;
        let last = n + 1 == steps.len();
        if (last || matches!(step.operation, Operation::Copy | Operation::Move))
            && !after.values().all(|value| fits(value, DEEPEST, &mut room))
        {
            return Err(wrong("the object would become larger or deeper than one can be".into()));
        }
    }
    *object = after;
    Ok(())
}

impl PatchStep {
    /// The attributes that the step touches; none where it touches the whole object.
    pub fn attributes(&self) -> impl Iterator<Item = &str> {
        self.field.head().into_iter().chain(self.from.as_ref().and_then(Pointer::head))
    }

    fn apply(&self, object: &mut Attributes) -> Result<(), String> {
        if self.field.is_root() {
            return self.apply_to_all(object);
        }
        no_position(object, &self.field)?;
        match self.operation {
            Operation::Add => self.add(object),
            Operation::Replace if self.value.is_null() => Ok(()),
            Operation::Replace => put(object, &self.field, self.value.clone()),
            Operation::Remove => {
                self.remove(object);
                Ok(())
            }
            Operation::Increment => self.increment(object),
            Operation::Copy | Operation::Move => {
                let from = self.from.as_ref().ok_or("`from` is missing")?;
                no_position(object, from)?;
                let value = from
                    .get_in(object)
                    .cloned()
                    .ok_or_else(|| format!("/{from} has no value that could be taken"))?;
                if self.operation == Operation::Move {
                    from.remove_in(object);
                }
                put(object, &self.field, value)
            }
        }
    }

    fn apply_to_all(&self, object: &mut Attributes) -> Result<(), String> {
        let Value::Object(value) = &self.value else {
            return Err("the whole object can only be set to an object".into());
        };
        match self.operation {
            Operation::Add => object.extend(value.clone()),
            Operation::Replace => *object = value.clone(),
            _ => return Err("the whole object can only be the field of `add` and `replace`".into()),
        }
        Ok(())
    }

    fn add(&self, object: &mut Attributes) -> Result<(), String> {
        if let Some((last, list)) = self.field.steps().split_last()
            && last == "-"
            && !list.is_empty()
        {
            let list = Pointer::from_steps(list);
            return match find(object, &list) {
                None => put(object, &list, Value::Array(vec![self.value.clone()])),
                Some(Value::Array(items)) => {
                    items.push(self.value.clone());
                    Ok(())
                }
                Some(_) => Err(format!("/{list} is no list that could be appended to")),
            };
        }
        match (find(object, &self.field), &self.value) {
            (Some(Value::Array(items)), Value::Array(more)) => {
                for item in more {
                    if !items.contains(item) {
                        items.push(item.clone());
                    }
                }
                Ok(())
            }
            (Some(Value::Array(items)), item) => {
                if !items.contains(item) {
                    items.push(item.clone());
                }
                Ok(())
            }
            (_, Value::Null) => {
                self.field.remove_in(object);
                Ok(())
            }
            (_, value) => put(object, &self.field, value.clone()),
        }
    }

    fn remove(&self, object: &mut Attributes) {
        if self.value.is_null() {
            self.field.remove_in(object);
            return;
        }
        match find(object, &self.field) {
            Some(Value::Array(items)) => items.retain(|item| match &self.value {
                Value::Array(gone) => !gone.contains(item),
                gone => item != gone,
            }),
            Some(value) if *value == self.value => {
                self.field.remove_in(object);
            }
            _ => {}
        }
    }

    fn increment(&self, object: &mut Attributes) -> Result<(), String> {
        let wrong = || format!("/{} holds no number that could be incremented", self.field);
        let value = find(object, &self.field).ok_or_else(wrong)?;
        let sum = match (value.as_i64(), self.value.as_i64()) {
            (Some(a), Some(b)) => a.checked_add(b).map(Number::from),
            _ => value.as_f64().zip(self.value.as_f64()).and_then(|(a, b)| Number::from_f64(a + b)),
        };
        if !value.is_number() {
            return Err(wrong());
        }
        *value = Value::Number(
            sum.ok_or_else(|| format!("/{} would grow beyond what a number holds", self.field))?,
        );
        Ok(())
    }
}

fn find<'o>(object: &'o mut Attributes, field: &Pointer) -> Option<&'o mut Value> {
    let (first, rest) = field.steps().split_first()?;
    rest.iter().try_fold(object.get_mut(first)?, |value, step| value.as_object_mut()?.get_mut(step))
}

/// Sets a field, making the objects in between; what is there already and is no object stays.
fn put(object: &mut Attributes, field: &Pointer, value: Value) -> Result<(), String> {
    let Some((last, parents)) = field.steps().split_last() else { return Err("a field is missing".into()) };
    let mut here = object;
    for step in parents {
        match here.entry(step.clone()).or_insert_with(|| Value::Object(Map::new())) {
            Value::Object(next) => here = next,
            _ => return Err(format!("/{field} cannot be set, because {step} is no object")),
        }
    }
    here.insert(last.clone(), value);
    Ok(())
}

/// Refuses a pointer that goes into a list by position.
fn no_position(object: &Attributes, field: &Pointer) -> Result<(), String> {
    let Some((first, rest)) = field.steps().split_first() else { return Ok(()) };
    let mut here = object.get(first);
    for (n, step) in rest.iter().enumerate() {
        let last = n + 1 == rest.len();
        match here {
            Some(Value::Array(_)) if !(last && step == "-") => {
                return Err(format!(
                    "/{field} names an item of a list by its position; name it by its value, or replace the list"
                ));
            }
            Some(Value::Object(map)) => here = map.get(step),
            _ => return Ok(()),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{apply, parse};

    fn patched(object: Value, patch: Value) -> Result<Value, String> {
        let Value::Object(mut object) = object else { panic!("an object") };
        let before = object.clone();
        let outcome = parse(&patch).and_then(|steps| apply(&steps, &mut object));
        if outcome.is_err() {
            assert_eq!(object, before, "a patch that fails changes nothing: {patch}");
        }
        outcome.map(|()| Value::Object(object)).map_err(|e| e.to_string())
    }

    #[test]
    fn each_operation_does_what_crest_says() {
        let step = |operation: &str, field: &str, value: Value| json!([{"operation": operation, "field": field, "value": value}]);
        for (object, patch, expect) in [
            (json!({}), step("add", "/sn", json!("Lee")), json!({"sn": "Lee"})),
            (json!({"sn": "Li"}), step("add", "sn", json!("Lee")), json!({"sn": "Lee"})),
            (json!({"sn": "Li"}), step("add", "sn", json!(null)), json!({})),
            (json!({}), step("add", "/a/b", json!(1)), json!({"a": {"b": 1}})),
            (json!({"l": ["a"]}), step("add", "/l/-", json!("a")), json!({"l": ["a", "a"]})),
            (json!({"l": ["a"]}), step("add", "/l/-", json!(["b"])), json!({"l": ["a", ["b"]]})),
            (json!({}), step("add", "/l/-", json!("a")), json!({"l": ["a"]})),
            (json!({"l": ["a"]}), step("add", "/l", json!("b")), json!({"l": ["a", "b"]})),
            (json!({"l": ["a"]}), step("add", "/l", json!(["a", "b"])), json!({"l": ["a", "b"]})),
            (json!({"a": 1}), step("add", "/", json!({"b": 2})), json!({"a": 1, "b": 2})),
            (json!({"a": 1, "b": 2}), step("remove", "/a", json!(null)), json!({"b": 2})),
            (json!({"b": 2}), step("remove", "/a", json!(null)), json!({"b": 2})),
            (json!({"l": ["a", "b", "a"]}), step("remove", "/l", json!("a")), json!({"l": ["b"]})),
            (json!({"l": ["a", "b", "c"]}), step("remove", "/l", json!(["a", "c"])), json!({"l": ["b"]})),
            (json!({"l": [{"_ref": "x"}]}), step("remove", "/l", json!({"_ref": "x"})), json!({"l": []})),
            (json!({"a": 1}), step("remove", "/a", json!(1)), json!({})),
            (json!({"a": 1}), step("remove", "/a", json!(2)), json!({"a": 1})),
            (json!({"a": {"b": 1}}), step("remove", "/a/b", json!(null)), json!({"a": {}})),
            (json!({"a": 1}), step("replace", "/a", json!([2])), json!({"a": [2]})),
            (json!({}), step("replace", "/a", json!(2)), json!({"a": 2})),
            (json!({"a": 1}), step("replace", "/a", json!(null)), json!({"a": 1})),
            (json!({"a": 1}), step("replace", "", json!({"b": 2})), json!({"b": 2})),
            (json!({"a": 1}), step("increment", "/a", json!(2)), json!({"a": 3})),
            (json!({"a": 1}), step("increment", "/a", json!(-0.5)), json!({"a": 0.5})),
            (
                json!({"a": 1}),
                json!({"operation": "copy", "from": "/a", "field": "/b"}),
                json!({"a": 1, "b": 1}),
            ),
            (
                json!({"a": 1}),
                json!({"operation": "move", "from": "a", "field": "/c/d"}),
                json!({"c": {"d": 1}}),
            ),
            (json!({"a~/b": 1}), step("replace", "/a~0~1b", json!(2)), json!({"a~/b": 2})),
            (json!({"a": 1}), json!([]), json!({"a": 1})),
        ] {
            assert_eq!(patched(object.clone(), patch.clone()).unwrap(), expect, "{object} {patch}");
        }
    }

    #[test]
    fn a_short_patch_makes_no_endless_object() {
        let again = |step: Value, times: usize| Value::Array(vec![step; times]);
        let deep = |steps: usize| "/x".repeat(steps);
        let nested = (0..120).fold(json!(1), |inner, _| json!([inner]));
        for (patch, words) in [
            (
                (0..60)
                    .map(|n| json!({"operation": "copy", "from": "/a", "field": format!("/a/{n}")}))
                    .collect(),
                "larger or deeper",
            ),
            (again(json!({"operation": "copy", "from": "/a", "field": "/a/b"}), 200), "larger or deeper"),
            (again(json!({"operation": "copy", "from": "/l", "field": "/l2"}), 3), ""),
            (json!([{"operation": "replace", "field": deep(33), "value": 1}]), "more than 32 steps"),
            (json!([{"operation": "move", "from": deep(40), "field": "/a"}]), "more than 32 steps"),
            (json!([{"operation": "add", "field": deep(20), "value": nested}]), "larger or deeper"),
            (again(json!({"operation": "remove", "field": "/a"}), 1001), "at most 1000"),
        ] {
            let object = json!({"a": {"c": 1}, "l": [1]});
            match patched(object, patch.clone()) {
                Err(why) => assert!(!words.is_empty() && why.contains(words), "{why}"),
                Ok(_) => assert!(words.is_empty(), "{words}"),
            }
        }
    }

    #[test]
    fn what_cannot_be_done_is_said_and_nothing_is_done() {
        let first = json!({"operation": "replace", "field": "/ok", "value": 1});
        for (step, what) in [
            (json!({"operation": "add", "field": "/l/0", "value": 1}), "by its position"),
            (json!({"operation": "remove", "field": "/l/0"}), "by its position"),
            (json!({"operation": "replace", "field": "/deep/l/0/x", "value": 1}), "by its position"),
            (json!({"operation": "add", "field": "/s/-", "value": 1}), "no list"),
            (json!({"operation": "add", "field": "/s/x", "value": 1}), "s is no object"),
            (json!({"operation": "increment", "field": "/s", "value": 1}), "no number"),
            (json!({"operation": "increment", "field": "/none", "value": 1}), "no number"),
            (json!({"operation": "increment", "field": "/big", "value": 1}), "beyond"),
            (json!({"operation": "increment", "field": "/s", "value": "1"}), "needs a number"),
            (json!({"operation": "copy", "field": "/a"}), "needs `from`"),
            (json!({"operation": "move", "field": "/a", "from": "/none"}), "no value"),
            (json!({"operation": "transform", "field": "/a", "value": {}}), "no operation `transform`"),
            (json!({"operation": "add", "value": 1}), "`field` is missing"),
            (json!({"field": "/a", "value": 1}), "`operation` is missing"),
            (json!({"operation": "remove", "field": ""}), "set to an object"),
            (json!({"operation": "copy", "field": "", "from": "/deep", "value": {}}), "only be the field of"),
            (json!("x"), "an operation is an object"),
        ] {
            let object = json!({"l": [1], "s": "x", "deep": {"l": [{}]}, "big": i64::MAX});
            let error = patched(object, json!([first, step])).unwrap_err();
            assert!(error.contains(what) && error.contains("operation 2"), "{step}: {error}");
        }
    }
}
