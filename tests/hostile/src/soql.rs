//! What is written as SOQL, read by a parser of SOQL: no value ends its literal, and no condition holds a text that nobody gave.
//!
//! The grammar is Salesforce's SOQL reference: "Quoted String Escape Sequences", "WHERE", "Comparison Operators".

use connector::salesforce::{like_literal, text_literal};
use model::Filter;
use serde_json::Value;

use crate::{answers, text};

/// What a condition is made of.
#[derive(Debug, Clone, PartialEq)]
enum Token {
    Open,
    Close,
    /// `=`, `!=`, `<`, `<=`, `>`, `>=`.
    Sign(String),
    /// A name, a keyword, a number, a date.
    Word(String),
    /// A text between quotes, without its escapes; the places of `\%` and `\_` are as they were.
    Text(String),
}

/// The tokens of a condition; `None` where Salesforce would refuse it.
fn tokens(condition: &str) -> Option<Vec<Token>> {
    let mut found = Vec::new();
    let mut rest = condition.chars().peekable();
    while let Some(c) = rest.next() {
        found.push(match c {
            c if c.is_ascii_whitespace() => continue,
            '(' => Token::Open,
            ')' => Token::Close,
            '<' | '>' | '=' | '!' => {
                let mut sign = c.to_string();
                sign.extend(rest.next_if_eq(&'='));
                Token::Sign(sign)
            }
            '\'' => {
                let mut text = String::new();
                loop {
                    match rest.next()? {
                        '\'' => break,
                        '\\' => match rest.next()? {
                            'n' | 'N' => text.push('\n'),
                            'r' | 'R' => text.push('\r'),
                            't' | 'T' => text.push('\t'),
                            'b' | 'B' => text.push('\u{8}'),
                            'f' | 'F' => text.push('\u{c}'),
                            c @ ('\'' | '"' | '\\') => text.push(c),
                            c @ ('%' | '_') => text.extend(['\\', c]),
                            _ => return None,
                        },
                        '\n' | '\r' => return None,
                        c => text.push(c),
                    }
                }
                Token::Text(text)
            }
            c if c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '+' | '.' | ':') => {
                let mut word = c.to_string();
                let more = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '+' | '.' | ':');
                while let Some(c) = rest.next_if(more) {
                    word.push(c);
                }
                Token::Word(word)
            }
            _ => return None,
        });
    }
    Some(found)
}

/// Takes a condition off the front: comparisons, joined by one of `AND` and `OR`, in parentheses where they are mixed.
fn condition(tokens: &[Token]) -> Option<&[Token]> {
    let mut rest = simple(tokens)?;
    let mut join: Option<&str> = None;
    while let Some((Token::Word(word), more)) = rest.split_first() {
        let word = ["AND", "OR"].into_iter().find(|known| known == word)?;
        // Salesforce refuses a mix without parentheses.
        if join.is_some_and(|before| before != word) {
            return None;
        }
        join = Some(word);
        rest = simple(more)?;
    }
    Some(rest)
}

fn simple(tokens: &[Token]) -> Option<&[Token]> {
    match tokens {
        [Token::Open, rest @ ..] => match condition(rest)? {
            [Token::Close, rest @ ..] => Some(rest),
            _ => None,
        },
        [Token::Word(field), Token::Sign(_), Token::Word(_) | Token::Text(_), rest @ ..]
            if is_name(field) =>
        {
            Some(rest)
        }
        [Token::Word(field), Token::Word(like), Token::Text(_), rest @ ..]
            if is_name(field) && like == "LIKE" =>
        {
            Some(rest)
        }
        _ => None,
    }
}

fn is_name(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_alphabetic())
        && word.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.'))
}

/// The texts of a filter, as they may stand in a condition.
fn texts(filter: &Filter, found: &mut Vec<String>) {
    match filter {
        Filter::And(parts) | Filter::Or(parts) => parts.iter().for_each(|part| texts(part, found)),
        Filter::Not(part) => texts(part, found),
        Filter::Compare(_, _, Value::String(text)) => found.push(text.clone()),
        _ => {}
    }
}

/// A text as a pattern stands for it: a backslash became `_`, which stands for any character; wildcards of the text are
/// escaped.
fn as_pattern(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '%' => "\\%".to_owned(),
            '_' => "\\_".to_owned(),
            '\\' => "_".to_owned(),
            c => c.to_string(),
        })
        .collect()
}

/// The first byte says what the rest is: a text, or a filter.
pub fn written(input: &[u8]) -> bool {
    let Some((&what, rest)) = input.split_first() else { return false };
    let Some(given) = text(rest) else { return false };
    match what % 3 {
        0 => {
            let literal = text_literal(given);
            assert_eq!(tokens(&literal), Some(vec![Token::Text(given.to_owned())]), "{literal}");
        }
        1 => {
            let literal = like_literal("%", given, "%");
            let read = tokens(&literal);
            let expected = as_pattern(given);
            assert_eq!(read, Some(vec![Token::Text(format!("%{expected}%"))]), "{literal}");
        }
        _ => {
            let Ok(filter) = Filter::parse(given) else { return false };
            let mut known = Vec::new();
            texts(&filter, &mut known);
            let queries = answers::salesforce_queries(&filter);
            for soql in &queries {
                asked(soql, &known);
            }
            return !queries.is_empty();
        }
    }
    true
}

/// A query that went out: its condition is one, and its texts are those of the filter.
fn asked(soql: &str, known: &[String]) {
    let Some((head, rest)) = soql.split_once(" WHERE ") else {
        assert!(!soql.contains('\''), "{soql}");
        return;
    };
    assert!(head.starts_with("SELECT ") && head.ends_with(" FROM Contact"), "{soql}");
    let found = tokens(rest).unwrap_or_else(|| panic!("no SOQL: {soql}"));
    let left = condition(&found).unwrap_or_else(|| {
        // What follows the condition ends it as an unknown word would.
        let order = found.iter().position(|token| *token == Token::Word("ORDER".into()));
        let before = found.get(..order.unwrap_or(found.len())).unwrap_or_default();
        assert!(condition(before).is_some_and(<[Token]>::is_empty), "no condition: {soql}");
        &[]
    });
    assert!(left.is_empty(), "something follows the condition: {soql}");
    for token in &found {
        let Token::Text(text) = token else { continue };
        let fits = known.iter().any(|known| {
            let made = as_pattern(known);
            // An id of 15 characters becomes one of 18.
            text == known
                || (text.len() == 18 && text.get(..15) == Some(known))
                || *text == format!("%{made}%")
                || *text == format!("{made}%")
        });
        assert!(fits, "{text:?} is none of the filter's texts {known:?}: {soql}");
    }
}

#[cfg(test)]
mod tests {
    use super::{condition, tokens};

    #[test]
    fn the_parser_takes_what_salesforce_takes() {
        for (text, fine) in [
            ("Name = 'O\\'Brien'", true),
            ("(A = 1 AND B != null) OR C LIKE '%x\\%%'", true),
            ("A = 1 AND B = 2 AND C = 3", true),
            ("A = 1 AND B = 2 OR C = 3", false),
            ("Name = 'O'Brien'", false),
            ("Name = 'x' OR Id != null", true),
            ("Name = 'x\\q'", false),
            ("Name = 'x", false),
            ("Name = 'a\nb'", false),
            ("= 'x'", false),
            ("A = 1; DROP", false),
            ("CreatedDate >= 2026-01-01T00:00:00Z", true),
        ] {
            let found = tokens(text);
            let whole = found.as_deref().and_then(condition).is_some_and(<[_]>::is_empty);
            assert_eq!(whole, fine, "{text}");
        }
    }
}
