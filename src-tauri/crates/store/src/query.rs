//! Query filters over managed objects as SQL. Values are always bound, never written into the text.
//!
//! A searchable attribute is compared as text without regard to the case of ASCII letters, on its column, so that an index
//! can serve it. Everything else means exactly what [`Filter::matches`] says, because that is what runs.

use model::{Filter, Pointer, filter::Op};
use rusqlite::types::Value as Sql;
use serde_json::Value;

use crate::filter_function;

/// How many searchable attributes have a column.
pub(crate) const SLOTS: usize = 8;

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

/// The column of a searchable attribute.
pub(crate) fn column_name(slot: usize) -> String {
    format!("o.a{slot}")
}

/// The condition on rows `o` of `managed_object`. `searchable` names what the columns a0..a7 hold.
pub(crate) fn condition(filter: &Filter, searchable: &[String]) -> Condition {
    let mut condition = Condition { sql: String::new(), values: Vec::new() };
    condition.push(filter, searchable);
    condition
}

/// The column that holds an attribute.
pub(crate) fn slot(attribute: &str, searchable: &[String]) -> Option<usize> {
    searchable.iter().take(SLOTS).position(|name| name == attribute)
}

/// A column that answers comparisons with texts.
struct Column {
    name: String,
    /// Compared without regard to the case of ASCII letters.
    folds: bool,
}

fn column(pointer: &Pointer, searchable: &[String]) -> Option<Column> {
    let [step] = pointer.steps() else { return None };
    if step == "_id" {
        return Some(Column { name: "o.id".into(), folds: false });
    }
    slot(step, searchable).map(|slot| Column { name: column_name(slot), folds: true })
}

impl Condition {
    fn push(&mut self, filter: &Filter, searchable: &[String]) {
        if !filter.pointers().into_iter().any(|p| column(p, searchable).is_some()) {
            return self.ask_function(filter);
        }
        match filter {
            Filter::Always(_) => self.ask_function(filter),
            Filter::And(parts) => self.join(parts, " AND ", searchable),
            Filter::Or(parts) => self.join(parts, " OR ", searchable),
            Filter::Not(part) => {
                self.sql.push_str("NOT coalesce(");
                self.push(part, searchable);
                self.sql.push_str(", 0)");
            }
            Filter::Present(pointer) => match column(pointer, searchable) {
                Some(Column { name, folds: true }) => {
                    // What is no text, number or flag has no column value; the document knows.
                    self.sql.push_str(&format!("({name} > '' OR ({name} IS NULL AND "));
                    self.ask_function(filter);
                    self.sql.push_str("))");
                }
                _ => self.ask_function(filter),
            },
            Filter::Compare(pointer, op, literal) => match column(pointer, searchable) {
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
    fn join(&mut self, parts: &[Filter], word: &str, searchable: &[String]) {
        match parts {
            [] => self.sql.push(if word == " AND " { '1' } else { '0' }),
            [part] => self.push(part, searchable),
            _ => {
                let (left, right) = parts.split_at(parts.len() / 2);
                self.sql.push('(');
                self.join(left, word, searchable);
                self.sql.push_str(word);
                self.join(right, word, searchable);
                self.sql.push(')');
            }
        }
    }

    fn compare(&mut self, filter: &Filter, column: &Column, op: Op, literal: &Value) {
        let name = &column.name;
        let text = match (literal, op) {
            (Value::String(text), _) => text.clone(),
            // Correlation by a number must not cost a walk over the table.
            (Value::Number(_) | Value::Bool(_), Op::Eq) if column.folds => literal.to_string(),
            (Value::Null, Op::Eq) if column.folds => {
                self.sql.push_str(&format!("({name} IS NULL AND "));
                self.ask_function(filter);
                self.sql.push(')');
                return;
            }
            _ => return self.ask_function(filter),
        };
        let word = match op {
            Op::Co => {
                let fold = if column.folds { "lower" } else { "" };
                self.sql.push_str(&format!("instr({fold}({name}), {fold}(?)) > 0"));
                self.values.push(Sql::Text(text));
                return;
            }
            Op::Sw => {
                let range = starts_with(name, column.folds, &text);
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
