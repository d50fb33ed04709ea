//! Query filters: `mail eq "x@y.org" and !(sn sw "B")`, IDM's grammar, as a tree that can be parsed, printed
//! and evaluated.
//!
//! Grammar (commons' query filter): `or` binds weaker than `and`, `!` binds strongest, keywords are
//! case-insensitive, a pointer may begin with `/`, a value is a number, `true`, `false`, `null` or a quoted
//! string with backslash escapes. An array attribute matches when any of its items does.

use std::fmt;

use serde_json::Value;

use crate::pointer::Pointer;

/// Deepest nesting that is read; deeper input is refused instead of exhausting the stack.
const MAX_DEPTH: usize = 256;

/// A query filter.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    /// `true` or `false`.
    Always(bool),
    /// Every part matches.
    And(Vec<Filter>),
    /// At least one part matches.
    Or(Vec<Filter>),
    /// The part does not match.
    Not(Box<Filter>),
    /// The attribute has a value: not absent, not null, not an empty text or list.
    Present(Pointer),
    /// A comparison of an attribute with a literal.
    Compare(Pointer, Op, Value),
}

/// The comparison operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    /// Equal.
    Eq,
    /// Contains.
    Co,
    /// Starts with.
    Sw,
    /// Less than.
    Lt,
    /// At most.
    Le,
    /// Greater than.
    Gt,
    /// At least.
    Ge,
}

impl Op {
    /// The operator as it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Eq => "eq",
            Self::Co => "co",
            Self::Sw => "sw",
            Self::Lt => "lt",
            Self::Le => "le",
            Self::Gt => "gt",
            Self::Ge => "ge",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        [Self::Eq, Self::Co, Self::Sw, Self::Lt, Self::Le, Self::Gt, Self::Ge]
            .into_iter()
            .find(|op| op.as_str().eq_ignore_ascii_case(word))
    }
}

/// Why a text is not a query filter.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "query filter `{text}`: {what} at character {at}; write for example `mail eq \"ann@example.org\"` or `sn pr`"
)]
pub struct FilterError {
    text: String,
    what: String,
    at: usize,
}

impl Filter {
    /// Reads a filter.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        let mut parser = Parser { text, tokens: Vec::new(), next: 0 };
        parser.tokenize()?;
        let filter = parser.or(0)?;
        match parser.peek() {
            None => Ok(filter),
            Some(token) => Err(parser.error("unexpected text", token.at)),
        }
    }

    /// Whether the object matches.
    pub fn matches(&self, object: &Value) -> bool {
        self.holds(&|pointer| pointer.get(object), Texts::AsWritten)
    }

    /// Whether it holds as a condition: the first step of each pointer names a variable, and texts that differ in case alone
    /// are the same, as IDM compares them in the conditions of a mapping
    /// (`openidm-util/.../filter/JsonValueFilterVisitor.java`).
    pub fn holds_among(&self, variables: &[(&str, &Value)]) -> bool {
        self.holds(&|pointer| pointer.get_among(variables), Texts::WithoutCase)
    }

    fn holds<'v>(&self, get: &impl Fn(&Pointer) -> Option<&'v Value>, texts: Texts) -> bool {
        match self {
            Self::Always(v) => *v,
            Self::And(parts) => parts.iter().all(|p| p.holds(get, texts)),
            Self::Or(parts) => parts.iter().any(|p| p.holds(get, texts)),
            Self::Not(part) => !part.holds(get, texts),
            Self::Present(pointer) => get(pointer).is_some_and(is_present),
            Self::Compare(pointer, op, literal) => match get(pointer) {
                Some(Value::Array(items)) => items.iter().any(|item| compare(item, *op, literal, texts)),
                Some(value) => compare(value, *op, literal, texts),
                None => compare(&Value::Null, *op, literal, texts),
            },
        }
    }

    /// Every pointer that the filter reads.
    pub fn pointers(&self) -> Vec<&Pointer> {
        match self {
            Self::Always(_) => Vec::new(),
            Self::And(parts) | Self::Or(parts) => parts.iter().flat_map(Self::pointers).collect(),
            Self::Not(part) => part.pointers(),
            Self::Present(p) | Self::Compare(p, ..) => vec![p],
        }
    }
}

/// Whether a value counts as there: not null, not an empty text, not an empty list.
pub fn is_present(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(s) => !s.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => true,
    }
}

/// How two texts are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Texts {
    AsWritten,
    WithoutCase,
}

fn compare_texts(a: &str, op: Op, b: &str) -> bool {
    match op {
        Op::Eq => a == b,
        Op::Co => a.contains(b),
        Op::Sw => a.starts_with(b),
        Op::Lt => a < b,
        Op::Le => a <= b,
        Op::Gt => a > b,
        Op::Ge => a >= b,
    }
}

fn compare(value: &Value, op: Op, literal: &Value, texts: Texts) -> bool {
    match (value, literal) {
        (Value::String(a), Value::String(b)) => match texts {
            Texts::AsWritten => compare_texts(a, op, b),
            Texts::WithoutCase => compare_texts(&a.to_lowercase(), op, &b.to_lowercase()),
        },
        (Value::Number(a), Value::Number(b)) => {
            let (Some(a), Some(b)) = (a.as_f64(), b.as_f64()) else { return false };
            match op {
                Op::Eq => a == b,
                Op::Lt => a < b,
                Op::Le => a <= b,
                Op::Gt => a > b,
                Op::Ge => a >= b,
                Op::Co | Op::Sw => false,
            }
        }
        // CRMs hand out every value as text, so `active eq true` and `age gt 3` must match `"true"` and `"4"`.
        (Value::String(a), Value::Number(_)) => a
            .parse::<f64>()
            .ok()
            .and_then(serde_json::Number::from_f64)
            .is_some_and(|a| compare(&Value::Number(a), op, literal, texts)),
        (Value::String(a), Value::Bool(b)) => op == Op::Eq && a.parse() == Ok(*b),
        (Value::Bool(a), Value::Bool(b)) => op == Op::Eq && a == b,
        (Value::Null, Value::Null) => op == Op::Eq,
        _ => false,
    }
}

/// How tightly a part of a filter holds together with what stands around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Within {
    Nothing,
    Or,
    And,
    Not,
}

impl Filter {
    /// Writes it with the parentheses that it needs and no others: a filter that could be read is never nested more deeply
    /// when it is written.
    fn write(&self, f: &mut fmt::Formatter<'_>, around: Within) -> fmt::Result {
        let join = |f: &mut fmt::Formatter<'_>, parts: &[Filter], word: &str, within: Within| {
            let enclosed = around >= within;
            f.write_str(if enclosed { "(" } else { "" })?;
            for (i, part) in parts.iter().enumerate() {
                if i > 0 {
                    write!(f, " {word} ")?;
                }
                part.write(f, within)?;
            }
            f.write_str(if enclosed { ")" } else { "" })
        };
        match self {
            Self::Always(v) => write!(f, "{v}"),
            Self::And(parts) => join(f, parts, "and", Within::And),
            Self::Or(parts) => join(f, parts, "or", Within::Or),
            Self::Not(part) => {
                f.write_str("!")?;
                part.write(f, Within::Not)
            }
            Self::Present(p) => write!(f, "{} pr", slashed(p)),
            Self::Compare(p, op, v) => write!(f, "{} {} {v}", slashed(p), op.as_str()),
        }
    }
}

/// A pointer with its leading slash.
fn slashed(pointer: &Pointer) -> String {
    let text = pointer.to_string();
    if text.starts_with('/') { text } else { format!("/{text}") }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, Within::Nothing)
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Lexeme {
    Open,
    Close,
    Not,
    Word(String),
    Text(String),
}

#[derive(Debug, Clone)]
struct Token {
    lexeme: Lexeme,
    at: usize,
}

struct Parser<'t> {
    text: &'t str,
    tokens: Vec<Token>,
    next: usize,
}

impl Parser<'_> {
    fn error(&self, what: &str, at: usize) -> FilterError {
        let text: String = self.text.chars().take(200).collect();
        FilterError { text, what: what.to_owned(), at: at + 1 }
    }

    fn tokenize(&mut self) -> Result<(), FilterError> {
        let chars: Vec<char> = self.text.chars().collect();
        let mut i = 0;
        while let Some(&c) = chars.get(i) {
            let at = i;
            let lexeme = match c {
                c if c.is_whitespace() => {
                    i += 1;
                    continue;
                }
                '(' => Lexeme::Open,
                ')' => Lexeme::Close,
                '!' => Lexeme::Not,
                '"' | '\'' => {
                    let (text, end) = quoted(&chars, i).map_err(|what| self.error(what, at))?;
                    i = end;
                    Lexeme::Text(text)
                }
                _ => {
                    let end = chars
                        .iter()
                        .skip(i)
                        .position(|c| c.is_whitespace() || matches!(c, '(' | ')' | '"' | '\''))
                        .map_or(chars.len(), |n| i + n);
                    let word = chars.iter().skip(i).take(end - i).collect();
                    i = end - 1;
                    Lexeme::Word(word)
                }
            };
            self.tokens.push(Token { lexeme, at });
            i += 1;
        }
        Ok(())
    }

    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.next)
    }

    fn take(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.next).cloned();
        self.next += 1;
        token
    }

    fn take_word(&mut self, word: &str) -> bool {
        let hit = matches!(self.peek(), Some(Token { lexeme: Lexeme::Word(w), .. }) if w.eq_ignore_ascii_case(word));
        if hit {
            self.next += 1;
        }
        hit
    }

    fn end(&self) -> usize {
        self.text.chars().count()
    }

    fn or(&mut self, depth: usize) -> Result<Filter, FilterError> {
        self.list(depth, "or", Filter::Or, Self::and)
    }

    fn and(&mut self, depth: usize) -> Result<Filter, FilterError> {
        self.list(depth, "and", Filter::And, Self::primary)
    }

    fn list(
        &mut self,
        depth: usize,
        word: &str,
        join: fn(Vec<Filter>) -> Filter,
        part: fn(&mut Self, usize) -> Result<Filter, FilterError>,
    ) -> Result<Filter, FilterError> {
        let first = part(self, depth)?;
        let mut parts = vec![];
        while self.take_word(word) {
            parts.push(part(self, depth)?);
        }
        if parts.is_empty() {
            return Ok(first);
        }
        parts.insert(0, first);
        Ok(join(parts))
    }

    fn primary(&mut self, depth: usize) -> Result<Filter, FilterError> {
        let Some(token) = self.take() else { return Err(self.error("something is missing", self.end())) };
        if depth >= MAX_DEPTH {
            return Err(self.error("nested too deeply", token.at));
        }
        match token.lexeme {
            Lexeme::Open => {
                let inner = self.or(depth + 1)?;
                match self.take() {
                    Some(Token { lexeme: Lexeme::Close, .. }) => Ok(inner),
                    other => Err(self.error("a `)` is missing", other.map_or(self.end(), |t| t.at))),
                }
            }
            Lexeme::Not => Ok(Filter::Not(Box::new(self.primary(depth + 1)?))),
            Lexeme::Word(word) => self.after_word(&word, depth),
            Lexeme::Close | Lexeme::Text(_) => Err(self.error("an attribute name is missing", token.at)),
        }
    }

    fn after_word(&mut self, word: &str, depth: usize) -> Result<Filter, FilterError> {
        // `!mail` without a blank arrives as one word only when the `!` is inside it, so it never does.
        if word.eq_ignore_ascii_case("true") || word.eq_ignore_ascii_case("false") {
            return Ok(Filter::Always(word.eq_ignore_ascii_case("true")));
        }
        if word.eq_ignore_ascii_case("not") && matches!(self.peek(), Some(Token { lexeme: Lexeme::Open, .. }))
        {
            return Ok(Filter::Not(Box::new(self.primary(depth + 1)?)));
        }
        let pointer = Pointer::parse(word);
        let Some(token) = self.take() else { return Err(self.error("an operator is missing", self.end())) };
        let Lexeme::Word(op) = &token.lexeme else {
            return Err(self.error("an operator is missing", token.at));
        };
        if op.eq_ignore_ascii_case("pr") {
            return Ok(Filter::Present(pointer));
        }
        let Some(op) = Op::parse(op) else {
            return Err(self.error("unknown operator (use eq, co, sw, lt, le, gt, ge or pr)", token.at));
        };
        let Some(value) = self.take() else { return Err(self.error("a value is missing", self.end())) };
        let literal = match value.lexeme {
            Lexeme::Text(text) => Value::String(text),
            Lexeme::Word(word) => serde_json::from_str::<Value>(&word.to_ascii_lowercase())
                .ok()
                .filter(|v| !v.is_object() && !v.is_array())
                .map(|v| exact(v, &word))
                .ok_or_else(|| self.error("a text value needs quotes", value.at))?,
            _ => return Err(self.error("a value is missing", value.at)),
        };
        Ok(Filter::Compare(pointer, op, literal))
    }
}

/// The number that a word says: the JSON reader may be off by the last bit, and then what is printed reads differently.
fn exact(literal: Value, word: &str) -> Value {
    match &literal {
        Value::Number(number) if number.is_f64() => {
            let read = word.parse().ok().and_then(serde_json::Number::from_f64);
            read.map_or(literal, Value::Number)
        }
        _ => literal,
    }
}

/// Reads a quoted text that starts at `start`; gives the text and the index of the closing quote.
fn quoted(chars: &[char], start: usize) -> Result<(String, usize), &'static str> {
    let quote = chars.get(start).copied().ok_or("a quote is missing")?;
    let mut text = String::new();
    let mut i = start + 1;
    loop {
        match chars.get(i).copied().ok_or("the closing quote is missing")? {
            c if c == quote => return Ok((text, i)),
            '\\' => {
                i += 1;
                match chars.get(i).copied().ok_or("the closing quote is missing")? {
                    'n' => text.push('\n'),
                    't' => text.push('\t'),
                    'r' => text.push('\r'),
                    'b' => text.push('\u{8}'),
                    'f' => text.push('\u{c}'),
                    'u' => {
                        let hex: String = chars.iter().skip(i + 1).take(4).collect();
                        let code = u32::from_str_radix(&hex, 16)
                            .map_err(|_| "a \\u escape needs four hex digits")?;
                        text.push(char::from_u32(code).unwrap_or('\u{fffd}'));
                        i += 4;
                    }
                    other => text.push(other),
                }
            }
            c => text.push(c),
        }
        i += 1;
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Filter;

    #[test]
    fn filters_match_as_written() {
        let object = json!({
            "mail": "ann@example.org", "sn": "O'Brien", "n": 3, "t": "4", "on": "true", "empty": "",
            "roles": ["admin", "user"], "nothing": null, "a": {"b": "c"}
        });
        for (text, expect) in [
            ("true", true),
            ("false", false),
            ("mail eq \"ann@example.org\"", true),
            ("/mail sw 'ann' and !(sn pr)", false),
            ("mail co \"@example\" or false", true),
            ("sn eq 'O\\'Brien'", true),
            ("n ge 3 and n lt 4", true),
            ("n eq 3.0", true),
            ("t gt 3", true),
            ("on eq true", true),
            ("empty pr", false),
            ("nothing pr", false),
            ("nothing eq null", true),
            ("absent eq null", true),
            ("absent eq 'x'", false),
            ("roles eq \"user\"", true),
            ("a/b eq \"c\"", true),
            ("/a/b SW \"c\" AND TRUE", true),
            ("false and false or true", true),
            ("false and (false or true)", false),
            ("!true", false),
            ("sn eq \"\\u004f'Brien\"", true),
        ] {
            assert_eq!(Filter::parse(text).unwrap().matches(&object), expect, "{text}");
        }
    }

    #[test]
    fn a_condition_takes_texts_that_differ_in_case_for_the_same() {
        let object = json!({"stage": "Customer", "roles": ["Admin", "user"], "n": "4", "on": "true"});
        let qualifier = json!("default");
        let variables = [("object", &object), ("linkQualifier", &qualifier)];
        for (text, condition, query) in [
            ("/object/stage eq \"customer\"", true, false),
            ("/object/stage eq \"CUSTOMER\"", true, false),
            ("/object/stage eq \"Customer\"", true, true),
            ("/object/stage co \"STOM\"", true, false),
            ("/object/stage sw \"c\"", true, false),
            ("/object/stage gt \"customer\"", false, false),
            ("/object/stage le \"customer\"", true, true),
            ("!(/object/stage eq \"customer\")", false, true),
            ("/object/roles eq \"ADMIN\"", true, false),
            ("/object/n ge 4", true, true),
            ("/object/on eq true", true, true),
            ("/linkQualifier eq \"Default\"", true, false),
            ("/object/stage eq \"lead\"", false, false),
        ] {
            let filter = Filter::parse(text).unwrap();
            assert_eq!(filter.holds_among(&variables), condition, "{text}, as a condition");
            let document = json!({"object": object, "linkQualifier": qualifier});
            assert_eq!(filter.matches(&document), query, "{text}, as a query");
        }
    }

    #[test]
    fn printing_and_reading_again_gives_the_same_filter() {
        for text in [
            "mail eq \"a\\\"b\" and (sn pr or n gt -1.5)",
            "!(a/b~1c co 'x') or true",
            "x eq null",
            "n lt -9223372036854675807.5",
            "a pr and b pr or c pr",
            "a pr and (b pr or c pr) and (d pr and e pr)",
            "(a pr or b pr) or c pr",
            "!(a pr and b pr)",
            "!!!a pr",
            "//x eq 1",
        ] {
            let filter = Filter::parse(text).unwrap();
            assert_eq!(Filter::parse(&filter.to_string()).unwrap(), filter, "{text} -> {filter}");
        }
    }

    #[test]
    fn a_filter_is_not_nested_more_deeply_when_it_is_written() {
        for text in [
            format!("a pr or {}b pr", "!".repeat(250)),
            format!("{}a pr and b pr or c pr{}", "(".repeat(250), ")".repeat(250)),
            format!("{}a pr and b pr or c pr{}", "!(".repeat(120), ")".repeat(120)),
        ] {
            let filter = Filter::parse(&text).unwrap();
            assert_eq!(Filter::parse(&filter.to_string()).unwrap(), filter, "{text}");
        }
    }

    #[test]
    fn broken_filters_say_where() {
        for (text, what) in [
            ("", "something is missing"),
            ("mail", "an operator is missing"),
            ("mail eq", "a value is missing"),
            ("mail eq bob", "needs quotes"),
            ("mail like 'x'", "unknown operator"),
            ("(mail pr", "`)` is missing"),
            ("mail pr)", "unexpected text"),
            ("mail eq \"x", "closing quote"),
            ("'x' eq 'y'", "attribute name"),
        ] {
            let error = Filter::parse(text).unwrap_err().to_string();
            assert!(error.contains(what), "{text}: {error}");
        }
    }

    #[test]
    fn deep_nesting_is_refused_not_overflowed() {
        let text = format!("{}true{}", "(".repeat(100_000), ")".repeat(100_000));
        assert!(Filter::parse(&text).unwrap_err().to_string().contains("nested too deeply"));
        let text = format!("{}true", "!".repeat(100_000));
        assert!(Filter::parse(&text).is_err());
    }
}
