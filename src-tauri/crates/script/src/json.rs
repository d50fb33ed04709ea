//! Values on their way into and out of the interpreter.

use rquickjs::{Ctx, Function, IntoJs, String as JsString, Type, Value as JsValue};
use serde_json::{Number, Value};

use crate::engine::{Failure, LONGEST_RESULT};

/// Beyond this a whole number cannot be told from its neighbours in a double.
const MAX_SAFE_INTEGER: f64 = 9_007_199_254_740_991.0;

/// A copy of `value` that the script may change as it likes.
pub(crate) fn into_js<'js>(ctx: &Ctx<'js>, value: &Value) -> rquickjs::Result<JsValue<'js>> {
    match value {
        Value::Null => Ok(JsValue::new_null(ctx.clone())),
        Value::Bool(truth) => truth.into_js(ctx),
        Value::Number(number) => number.as_f64().into_js(ctx),
        Value::String(text) => JsString::from_str(ctx.clone(), text).map(JsString::into_value),
        // JSON.parse makes every key an own property; setting them one by one would make `__proto__` something else.
        Value::Array(_) | Value::Object(_) => ctx.json_parse(value.to_string()),
    }
}

/// The JSON value of what a script gave; `undefined` is null.
pub(crate) fn from_js<'js>(
    ctx: &Ctx<'js>,
    value: JsValue<'js>,
    replacer: &Function<'js>,
) -> Result<Value, Failure> {
    let not_json = |what: &str| Err(Failure::NotJson(what.into()));
    match value.type_of() {
        Type::Undefined | Type::Null => Ok(Value::Null),
        Type::Bool => Ok(Value::Bool(value.as_bool().unwrap_or_default())),
        Type::Int => Ok(Value::from(value.as_int().unwrap_or_default())),
        Type::Float => number(value.as_float().unwrap_or(f64::NAN)),
        Type::String => match value.as_string().map(JsString::to_string) {
            Some(Ok(text)) if text.len() > LONGEST_RESULT => Err(Failure::TooLong(text.len())),
            Some(Ok(text)) => Ok(Value::String(text)),
            _ => not_json("a text with half a character in it"),
        },
        Type::Function | Type::Constructor => not_json("a function"),
        Type::Promise => not_json("a promise"),
        Type::Symbol => not_json("a symbol"),
        Type::BigInt => not_json("a BigInt"),
        _ => {
            let text = ctx
                .json_stringify_replacer(value, replacer.clone())
                .map_err(|error| not_json_or(ctx, error))?;
            let Some(text) = text else { return not_json("an object whose toJSON gives nothing") };
            let text = text.to_string().map_err(|error| Failure::of(ctx, error))?;
            if text.len() > LONGEST_RESULT {
                return Err(Failure::TooLong(text.len()));
            }
            serde_json::from_str(&text)
                .map_err(|error| Failure::NotJson(format!("an object that JSON cannot hold ({error})")))
        }
    }
}

fn number(number: f64) -> Result<Value, Failure> {
    if number.fract() == 0.0 && number.abs() <= MAX_SAFE_INTEGER {
        return Ok(Value::from(number as i64));
    }
    Number::from_f64(number).map(Value::Number).ok_or_else(|| {
        Failure::NotJson(match number {
            n if n.is_nan() => "NaN (not a number)".into(),
            n => format!("{}Infinity", if n < 0.0 { "-" } else { "" }),
        })
    })
}

/// What the replacer refused, or the engine for a cycle, is about the value; anything else is the script's own failure.
fn not_json_or(ctx: &Ctx<'_>, error: rquickjs::Error) -> Failure {
    match Failure::of(ctx, error) {
        Failure::Threw { message, .. } if message == "TypeError: circular reference" => {
            Failure::NotJson("an object that contains itself".into())
        }
        other => other,
    }
}
