//! Query filters over managed objects as SQL. Values are always bound, never written into the text.
//!
//! A searchable attribute is compared on its column, so that an index can serve it: a text without regard to the case of ASCII
//! letters, a number by its size. Everything else means exactly what [`Filter::matches`] says, because that is what runs.

use model::{Filter, Pointer, filter::Op};
use rusqlite::types::Value as Sql;
use serde_json::Value;

use crate::{
    columns::{Columns, number_key},
    filter_function,
};

/// A condition and its bound values.
pub(crate) struct Condition {
    pub sql: String,
    pub values: Vec<Sql>,
}

impl Condition {
    /// The same condition, out of reach of the indexes: for walks whose order is worth more than any of them.
    pub(crate) fn without_index(self) -> Self {
        // Texts from outside never get into the SQL, so nothing but columns looks like one.
        Self { sql: self.sql.replace("o.a", "+o.a").replace("o.id", "+o.id"), ..self }
    }
}

/// The condition on rows `o` of `managed_object`, whose columns a0..a7 hold `columns`.
pub(crate) fn condition(filter: &Filter, columns: &Columns) -> Condition {
    let mut condition = Condition { sql: String::new(), values: Vec::new() };
    condition.push(filter, columns);
    condition
}

/// What a column is compared as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// As it is.
    Exact,
    /// Without regard to the case of ASCII letters.
    Folded,
    /// As a number.
    Number,
}

/// A column that answers comparisons.
struct Answering {
    name: String,
    form: Form,
}

fn column(pointer: &Pointer, columns: &Columns) -> Option<Answering> {
    let [step] = pointer.steps() else { return None };
    if step == "_id" {
        return Some(Answering { name: "o.id".into(), form: Form::Exact });
    }
    let column = columns.of_attribute(step)?;
    Some(Answering { name: column.name(), form: if column.number { Form::Number } else { Form::Folded } })
}

/// Whether some index leads to the objects that match.
pub(crate) fn narrows(filter: &Filter, columns: &Columns) -> bool {
    match filter {
        // All objects are asked for, or none.
        Filter::Always(_) => true,
        Filter::And(parts) => parts.iter().any(|part| narrows(part, columns)),
        Filter::Or(parts) => parts.iter().all(|part| narrows(part, columns)),
        Filter::Not(_) | Filter::Present(_) => false,
        Filter::Compare(pointer, op, literal) => {
            column(pointer, columns).is_some_and(|column| match literal {
                Value::String(_) => column.form != Form::Number && *op != Op::Co,
                Value::Number(_) if column.form == Form::Number => !matches!(op, Op::Co | Op::Sw),
                Value::Number(_) | Value::Bool(_) => column.form == Form::Folded && *op == Op::Eq,
                _ => false,
            })
        }
    }
}

impl Condition {
    fn push(&mut self, filter: &Filter, columns: &Columns) {
        if !filter.pointers().into_iter().any(|p| column(p, columns).is_some()) {
            return self.ask_function(filter);
        }
        match filter {
            Filter::Always(_) => self.ask_function(filter),
            Filter::And(parts) => self.join(parts, " AND ", columns),
            Filter::Or(parts) => self.join(parts, " OR ", columns),
            Filter::Not(part) => {
                self.sql.push_str("NOT coalesce(");
                self.push(part, columns);
                self.sql.push_str(", 0)");
            }
            Filter::Present(pointer) => match column(pointer, columns) {
                Some(Answering { name, form: Form::Folded | Form::Number }) => {
                    // What is no text, number or flag has no column value; the document knows.
                    self.sql.push_str(&format!("({name} > '' OR ({name} IS NULL AND "));
                    self.ask_function(filter);
                    self.sql.push_str("))");
                }
                _ => self.ask_function(filter),
            },
            Filter::Compare(pointer, op, literal) => match column(pointer, columns) {
                Some(column) => self.compare(filter, &column, *op, literal),
                None => self.ask_function(filter),
            },
        }
    }

    fn ask_function(&mut self, filter: &Filter) {
        match filter {
            Filter::Always(value) => self.sql.push(if *value { '1' } else { '0' }),
            _ => {
                self.sql.push_str(&format!("{}(?, o.id, o.rev, o.doc)", filter_function::NAME));
                self.values.push(Sql::Text(filter_function::encode(filter)));
            }
        }
    }

    /// Joins by halves, so that a list of thousands stays within SQLite's depth of expressions.
    fn join(&mut self, parts: &[Filter], word: &str, columns: &Columns) {
        match parts {
            [] => self.sql.push(if word == " AND " { '1' } else { '0' }),
            [part] => self.push(part, columns),
            _ => {
                let (left, right) = parts.split_at(parts.len() / 2);
                self.sql.push('(');
                self.join(left, word, columns);
                self.sql.push_str(word);
                self.join(right, word, columns);
                self.sql.push(')');
            }
        }
    }

    fn compare(&mut self, filter: &Filter, column: &Answering, op: Op, literal: &Value) {
        let name = &column.name;
        let text = match (literal, column.form, op) {
            (Value::Null, Form::Folded | Form::Number, Op::Eq) => {
                self.sql.push_str(&format!("({name} IS NULL AND "));
                self.ask_function(filter);
                self.sql.push(')');
                return;
            }
            (Value::Number(number), Form::Number, Op::Eq | Op::Lt | Op::Le | Op::Gt | Op::Ge) => {
                match number.as_f64() {
                    Some(number) => number_key(number),
                    None => return self.ask_function(filter),
                }
            }
            (_, Form::Number, _) => return self.ask_function(filter),
            (Value::String(text), ..) => text.clone(),
            // Correlation by a number must not cost a walk over the table.
            (Value::Number(_) | Value::Bool(_), Form::Folded, Op::Eq) => literal.to_string(),
            _ => return self.ask_function(filter),
        };
        let folds = column.form == Form::Folded;
        let word = match op {
            Op::Co => {
                let fold = if folds { "lower" } else { "" };
                self.sql.push_str(&format!("instr({fold}({name}), {fold}(?)) > 0"));
                self.values.push(Sql::Text(text));
                return;
            }
            Op::Sw => {
                let range = starts_with(name, folds, &text);
                self.sql.push_str(&range.sql);
                self.values.extend(range.values);
                return;
            }
            Op::Eq => "=",
            Op::Lt => "<",
            Op::Le => "<=",
            Op::Gt => ">",
            Op::Ge => ">=",
        };
        self.sql.push_str(&format!("{name} {word} ?"));
        self.values.push(Sql::Text(text));
    }
}

/// The rows whose column starts with this text: a range instead of LIKE, so that the column's index serves it.
pub(crate) fn starts_with(column: &str, folds: bool, text: &str) -> Condition {
    let from = Sql::Text(text.to_owned());
    match first_beyond(text, folds) {
        Some(end) => {
            Condition { sql: format!("({column} >= ? AND {column} < ?)"), values: vec![from, Sql::Text(end)] }
        }
        None => Condition { sql: format!("{column} >= ?"), values: vec![from] },
    }
}

/// The least text that is greater than every text that starts with this one; `None` when there is no such text.
fn first_beyond(text: &str, folds: bool) -> Option<String> {
    let mut text = if folds { text.to_ascii_lowercase() } else { text.to_owned() };
    while let Some(last) = text.pop() {
        let next = match last {
            // Capitals count as small letters there, so they are not what follows `@`.
            '@' if folds => Some('['),
            // The surrogates are no characters.
            '\u{d7ff}' => Some('\u{e000}'),
            _ => char::from_u32(u32::from(last) + 1),
        };
        if let Some(next) = next {
            text.push(next);
            return Some(text);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::first_beyond;

    #[test]
    fn a_prefix_ends_where_the_next_one_begins() {
        for (text, folds, expect) in [
            ("ab", false, Some("ac")),
            ("aZ", true, Some("a{")),
            ("a@", true, Some("a[")),
            ("a@", false, Some("aA")),
            ("\u{d7ff}", true, Some("\u{e000}")),
            ("a\u{10ffff}", true, Some("b")),
            ("\u{10ffff}\u{10ffff}", true, None),
            ("", true, None),
        ] {
            assert_eq!(first_beyond(text, folds).as_deref(), expect, "{text:?}");
        }
    }
}
