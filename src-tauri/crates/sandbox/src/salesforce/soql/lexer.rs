//! The words of a SOQL query.

use super::super::problem::Problem;
use super::refuse;

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Token {
    /// A name, a path, a keyword, or a literal without quotes: `Profile.Name`, `AND`, `2013-05-20T20:49:32Z`.
    Word(String),
    /// Text between quotes, unescaped. For LIKE the escapes of `%` and `_` are kept as they are.
    Text(String),
    Number(String),
    /// One of `( ) , = != <> < <= > >=`.
    Sign(&'static str),
}

/// A word and where it begins.
pub(crate) type Placed = (Token, usize);

const SIGNS: &[&str] = &["!=", "<>", "<=", ">=", "(", ")", ",", "=", "<", ">"];

pub(crate) fn words(soql: &str) -> Result<Vec<Placed>, Problem> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(next) = soql.get(at..).and_then(|rest| rest.chars().next()) {
        let rest = soql.get(at..).unwrap_or_default();
        if next.is_whitespace() {
            at += next.len_utf8();
        } else if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            found.push((Token::Sign(sign), at));
            at += sign.len();
        } else if next == '\'' {
            let (text, length) = quoted(rest).ok_or_else(|| {
                refuse("MALFORMED_QUERY", soql, at, "unexpected token: '<EOF>' inside a string")
            })?;
            found.push((Token::Text(text), at));
            at += length;
        } else {
            let length = rest
                .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | ':' | '-' | '+')))
                .unwrap_or(rest.len());
            let word = rest.get(..length).unwrap_or_default();
            if word.is_empty() {
                return Err(refuse("MALFORMED_QUERY", soql, at, &format!("unexpected char: '{next}'")));
            }
            let number = word.parse::<f64>().is_ok() && !word.starts_with(|c: char| c.is_ascii_alphabetic());
            let word = word.to_owned();
            found.push((if number { Token::Number(word) } else { Token::Word(word) }, at));
            at += length;
        }
    }
    Ok(found)
}

/// The text of a quoted string and how long it was with its quotes.
fn quoted(rest: &str) -> Option<(String, usize)> {
    let mut text = String::new();
    let mut chars = rest.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            '\'' => return Some((text, at + 1)),
            '\\' => match chars.next()?.1 {
                'n' | 'N' => text.push('\n'),
                'r' | 'R' => text.push('\r'),
                't' | 'T' => text.push('\t'),
                'b' | 'B' => text.push('\u{8}'),
                'f' | 'F' => text.push('\u{c}'),
                quoted @ ('\'' | '"' | '\\') => text.push(quoted),
                wild @ ('%' | '_') => text.extend(['\\', wild]),
                _ => return None,
            },
            c => text.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes() {
        for (text, expected) in [
            (r"'O\'Brien'", Some("O'Brien")),
            (r"'a\\b\n'", Some("a\\b\n")),
            (r"'50\%'", Some(r"50\%")),
            (r"'Zoë 🎉'", Some("Zoë 🎉")),
            (r"'\x'", None),
            (r"'open", None),
        ] {
            let got = words(text).ok().and_then(|words| words.first().cloned());
            assert_eq!(got, expected.map(|text| (Token::Text(text.to_owned()), 0)), "{text}");
        }
    }

    #[test]
    fn literals_stay_whole() {
        let got = words("a>=2013-05-20T20:49:32+00:00 AND b<-1.5").unwrap();
        let expected = [
            Token::Word("a".into()),
            Token::Sign(">="),
            Token::Word("2013-05-20T20:49:32+00:00".into()),
            Token::Word("AND".into()),
            Token::Word("b".into()),
            Token::Sign("<"),
            Token::Number("-1.5".into()),
        ];
        assert_eq!(got.into_iter().map(|(token, _)| token).collect::<Vec<_>>(), expected);
    }
}
