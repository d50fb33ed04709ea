//! `matches_filter(filter, id, rev, doc)`: the part of a query filter that no column answers, judged by the very code that
//! defines what filters mean.
//!
//! The filter travels as a flat JSON array in prefix order (`["and", 2, "pr", ["sn"], "not", "pr", ["mail"]]`), because the
//! text form cannot hold every attribute name and a nested document would meet the JSON reader's depth limit.

use std::vec;

use model::{Attributes, Filter, Pointer, filter::Op};
use rusqlite::{Connection, functions::FunctionFlags};
use serde_json::Value;

type Failure = Box<dyn std::error::Error + Send + Sync>;

pub(crate) const NAME: &str = "matches_filter";

const OPS: [Op; 7] = [Op::Eq, Op::Co, Op::Sw, Op::Lt, Op::Le, Op::Gt, Op::Ge];

/// Makes the function known to a connection.
pub(crate) fn register(connection: &Connection) -> rusqlite::Result<()> {
    let flags =
        FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_DIRECTONLY;
    connection.create_scalar_function(NAME, 4, flags, |context| {
        let filter =
            context.get_or_create_aux(0, |value| -> Result<Filter, Failure> { decode(value.as_str()?) })?;
        let mut object: Attributes = serde_json::from_str(context.get_raw(3).as_str()?).map_err(failed)?;
        for pointer in filter.pointers() {
            match pointer.head() {
                Some("_id") => object.insert("_id".into(), context.get::<String>(1)?.into()),
                Some("_rev") => object.insert("_rev".into(), context.get::<i64>(2)?.to_string().into()),
                _ => None,
            };
        }
        Ok(filter.matches(&Value::Object(object)))
    })
}

fn failed(error: serde_json::Error) -> rusqlite::Error {
    rusqlite::Error::UserFunctionError(error.into())
}

/// The filter as the function takes it.
pub(crate) fn encode(filter: &Filter) -> String {
    let mut words = Vec::new();
    write(filter, &mut words);
    Value::Array(words).to_string()
}

fn write(filter: &Filter, words: &mut Vec<Value>) {
    match filter {
        Filter::Always(value) => words.push((*value).into()),
        Filter::And(parts) | Filter::Or(parts) => {
            words.push(if matches!(filter, Filter::And(_)) { "and" } else { "or" }.into());
            words.push(parts.len().into());
            parts.iter().for_each(|part| write(part, words));
        }
        Filter::Not(part) => {
            words.push("not".into());
            write(part, words);
        }
        Filter::Present(pointer) => words.extend(["pr".into(), pointer.steps().to_vec().into()]),
        Filter::Compare(pointer, op, literal) => {
            words.extend([op.as_str().into(), pointer.steps().to_vec().into(), literal.clone()]);
        }
    }
}

fn decode(text: &str) -> Result<Filter, Failure> {
    read(&mut serde_json::from_str::<Vec<Value>>(text)?.into_iter())
}

fn read(words: &mut vec::IntoIter<Value>) -> Result<Filter, Failure> {
    let word = match words.next().ok_or("a filter ends early")? {
        Value::Bool(value) => return Ok(Filter::Always(value)),
        word => serde_json::from_value::<String>(word)?,
    };
    Ok(match word.as_str() {
        "and" => Filter::And(parts(words)?),
        "or" => Filter::Or(parts(words)?),
        "not" => Filter::Not(Box::new(read(words)?)),
        "pr" => Filter::Present(pointer(words)?),
        op => {
            let op = OPS.into_iter().find(|o| o.as_str() == op).ok_or("an unknown operator")?;
            Filter::Compare(pointer(words)?, op, words.next().ok_or("a filter ends early")?)
        }
    })
}

fn parts(words: &mut vec::IntoIter<Value>) -> Result<Vec<Filter>, Failure> {
    let count = words.next().and_then(|n| n.as_u64()).ok_or("a filter's count is missing")?;
    (0..count).map(|_| read(words)).collect()
}

fn pointer(words: &mut vec::IntoIter<Value>) -> Result<Pointer, Failure> {
    let steps: Vec<String> = serde_json::from_value(words.next().ok_or("a filter ends early")?)?;
    Ok(from_steps(&steps))
}

/// The pointer with these steps.
pub(crate) fn from_steps(steps: &[String]) -> Pointer {
    let text: String =
        steps.iter().map(|s| format!("/{}", s.replace('~', "~0").replace('/', "~1"))).collect();
    Pointer::parse(&text)
}

#[cfg(test)]
mod tests {
    use model::{Filter, filter::Op};
    use serde_json::json;

    use super::{decode, encode, from_steps};

    #[test]
    fn every_filter_survives_the_trip() {
        let deep = (0..250).fold(Filter::Always(true), |f, _| Filter::Not(Box::new(f)));
        let odd = from_steps(&["Employee \"No\"".into(), "a/b~c".into(), "0".into()]);
        for filter in [
            Filter::Always(false),
            Filter::And(vec![]),
            Filter::Or(vec![Filter::Present(odd.clone()), Filter::Compare(odd, Op::Ge, json!(1.5))]),
            deep,
        ] {
            assert_eq!(decode(&encode(&filter)).unwrap(), filter);
        }
        for text in ["[]", "[\"and\"]", "[\"and\",2,true]", "[\"like\",[],1]", "{}", "[\"eq\",[\"a\"]]"] {
            assert!(decode(text).is_err(), "{text}");
        }
    }
}
