//! Filters of RFC 7644, 3.4.2.2: read, judged, and narrowed down to what the repository can look up.
//!
//! Names and operators are read in any case. `and` binds stronger than `or`. A text is compared without regard to case unless
//! its attribute says otherwise; a list matches when one of its values does.

use jiff::{Timestamp, civil::DateTime};
use model::{Filter as Query, Pointer, filter::Op as QueryOp};
use serde_json::{Map, Value};

use super::{
    path::Path,
    schema::{Attribute, Form, Kind},
};

/// WSO2 puts the name of the user store in front of a user's.
pub(crate) const USER_STORE: &str = "PRIMARY/";
/// Deepest nesting that is read.
const DEEPEST: usize = 64;
/// Most comparisons in one filter.
const MOST: usize = 1000;

/// A filter.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Filter {
    And(Vec<Filter>),
    Or(Vec<Filter>),
    Not(Box<Filter>),
    Present(Path),
    Compare(Path, Op, Value),
    /// One value of a list meets all of this.
    Has(Path, Box<Filter>),
}

/// The comparisons.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    Eq,
    Ne,
    Co,
    Sw,
    Ew,
    Gt,
    Ge,
    Lt,
    Le,
}

impl Op {
    fn read(word: &str) -> Option<Self> {
        Some(match word.to_ascii_lowercase().as_str() {
            "eq" => Self::Eq,
            "ne" => Self::Ne,
            "co" => Self::Co,
            "sw" => Self::Sw,
            "ew" => Self::Ew,
            "gt" => Self::Gt,
            "ge" => Self::Ge,
            "lt" => Self::Lt,
            "le" => Self::Le,
            _ => return None,
        })
    }

    /// The repository's word for it.
    fn query(self) -> Option<QueryOp> {
        Some(match self {
            Self::Eq => QueryOp::Eq,
            Self::Co => QueryOp::Co,
            Self::Sw => QueryOp::Sw,
            Self::Gt => QueryOp::Gt,
            Self::Ge => QueryOp::Ge,
            Self::Lt => QueryOp::Lt,
            Self::Le => QueryOp::Le,
            Self::Ne | Self::Ew => return None,
        })
    }
}

/// Where the attributes of a filter are looked up.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Scope {
    /// In a resource.
    Resource(&'static Kind),
    /// In one value of a list.
    Values(&'static Attribute),
}

impl Filter {
    /// Reads a filter. `bare_words` takes a text without quotes for what it is, as some clients send it.
    pub fn read(scope: Scope, text: &str, bare_words: bool) -> Result<Self, String> {
        let mut reader = Reader { scope, words: words(text)?, next: 0, bare_words, compared: 0 };
        let filter = reader.any(0)?;
        match reader.take() {
            None => Ok(filter),
            Some(word) => Err(format!("the filter goes on unexpectedly with `{}`", word.shown())),
        }
    }

    /// Whether a resource, or a value of a list, matches.
    pub fn matches(&self, document: &Map<String, Value>) -> bool {
        match self {
            Self::And(parts) => parts.iter().all(|part| part.matches(document)),
            Self::Or(parts) => parts.iter().any(|part| part.matches(document)),
            Self::Not(part) => !part.matches(document),
            Self::Present(path) => path.values(document).into_iter().any(is_there),
            Self::Compare(path, Op::Ne, literal) => !equal(path, literal, document),
            Self::Compare(path, Op::Eq, literal) => equal(path, literal, document),
            Self::Compare(path, op, literal) => {
                path.values(document).into_iter().any(|value| compare(path, value, *op, literal))
            }
            Self::Has(path, inner) => path
                .values(document)
                .into_iter()
                .any(|value| value.as_object().is_some_and(|value| inner.matches(value))),
        }
    }

    /// Whether it asks for anything of an attribute.
    pub fn mentions(&self, attribute: &str) -> bool {
        match self {
            Self::And(parts) | Self::Or(parts) => parts.iter().any(|part| part.mentions(attribute)),
            Self::Not(part) => part.mentions(attribute),
            Self::Present(path) | Self::Compare(path, ..) | Self::Has(path, _) => path.begins_with(attribute),
        }
    }

    /// The texts that a value must have to match: `type eq "work"` gives `(type, work)`. `None` where it asks for more.
    pub fn wanted(&self) -> Option<Vec<(&'static Attribute, Value)>> {
        match self {
            Self::Compare(path, Op::Eq, literal) if path.steps.len() == 1 => {
                Some(vec![(path.last()?, literal.clone())])
            }
            Self::And(parts) => {
                let mut found = Vec::new();
                for part in parts {
                    found.extend(part.wanted()?);
                }
                Some(found)
            }
            _ => None,
        }
    }

    /// A query that every match meets, and whether only matches meet it.
    pub fn narrowed(&self, columns: &dyn Columns) -> (Query, bool) {
        let all = || (Query::Always(true), false);
        match self {
            Self::And(parts) => {
                let (parts, exact) = narrowed_all(parts, columns);
                (Query::And(parts), exact)
            }
            Self::Or(parts) => {
                let (parts, exact) = narrowed_all(parts, columns);
                (Query::Or(parts), exact)
            }
            Self::Not(part) => match part.narrowed(columns) {
                (query, true) => (Query::Not(Box::new(query)), true),
                _ => all(),
            },
            Self::Compare(path, Op::Ne, literal) => {
                Self::Not(Box::new(Self::Compare(path.clone(), Op::Eq, literal.clone()))).narrowed(columns)
            }
            Self::Compare(path, op, literal) => {
                op.query().and_then(|op| columns.compare(path, op, literal)).unwrap_or_else(all)
            }
            Self::Present(_) | Self::Has(..) => all(),
        }
    }
}

fn narrowed_all(parts: &[Filter], columns: &dyn Columns) -> (Vec<Query>, bool) {
    let parts: Vec<(Query, bool)> = parts.iter().map(|part| part.narrowed(columns)).collect();
    let exact = parts.iter().all(|(_, exact)| *exact);
    (parts.into_iter().map(|(query, _)| query).collect(), exact)
}

/// What the repository can look up.
pub(crate) trait Columns {
    /// A comparison as a query that every match meets, and whether only matches meet it.
    fn compare(&self, path: &Path, op: QueryOp, literal: &Value) -> Option<(Query, bool)>;
}

/// A comparison with one attribute of a managed object.
pub(crate) fn query(attribute: &str, op: QueryOp, literal: Value) -> Query {
    Query::Compare(Pointer::parse(attribute), op, literal)
}

fn is_there(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(parts) => !parts.is_empty(),
        _ => true,
    }
}

fn equal(path: &Path, literal: &Value, document: &Map<String, Value>) -> bool {
    let values = path.values(document);
    if literal.is_null() {
        return !values.into_iter().any(is_there);
    }
    values.into_iter().any(|value| compare(path, value, Op::Eq, literal))
}

fn compare(path: &Path, value: &Value, op: Op, literal: &Value) -> bool {
    match (value, literal) {
        (Value::Bool(a), Value::Bool(b)) => op == Op::Eq && a == b,
        // Some clients write flags as texts.
        (Value::Bool(a), Value::String(b)) => op == Op::Eq && flag(b) == Some(*a),
        (Value::String(a), Value::String(b)) => {
            if path.last().is_some_and(|attribute| attribute.form == Form::Moment)
                && let (Ok(a), Ok(b)) = (a.parse::<Timestamp>(), b.parse::<Timestamp>())
            {
                // The same moment is written with or without fractions and in any time zone.
                return compare_values(&a, op, &b).unwrap_or(false);
            }
            if path.last().is_some_and(|attribute| attribute.exact) {
                compare_texts(a, op, b)
            } else {
                compare_texts(&a.to_lowercase(), op, &b.to_lowercase())
            }
        }
        _ => false,
    }
}

/// Refuses what no value could ever answer (RFC 7644, 3.4.2.2), rather than finding nothing.
fn can_be_compared(attribute: &Attribute, op: Op, literal: &Value) -> Result<(), String> {
    let name = attribute.name;
    let equality = matches!(op, Op::Eq | Op::Ne);
    let order = matches!(op, Op::Gt | Op::Ge | Op::Lt | Op::Le);
    match (attribute.form, literal) {
        (_, Value::Null) if !equality => {
            Err(format!("`{name}` can be compared with null by eq and ne alone"))
        }
        (_, Value::Null) => Ok(()),
        (Form::Complex, _) => {
            let part = attribute.subs.first().map(|part| part.name).unwrap_or_default();
            Err(format!("`{name}` is compared by one of its parts, such as `{name}.{part}`"))
        }
        (Form::Flag, _) if !equality => {
            Err(format!("`{name}` is true or false, which is compared by eq and ne alone"))
        }
        (Form::Flag, Value::Bool(_)) => Ok(()),
        (Form::Flag, Value::String(text)) if flag(text).is_some() => Ok(()),
        (Form::Flag, _) => Err(format!("`{name}` is true or false")),
        (Form::Moment, Value::String(text)) if order && !is_moment(text) => {
            Err(format!("`{name}` is a date and time; write for example \"2026-01-31T12:00:00Z\""))
        }
        (Form::Text | Form::Moment | Form::Reference(_), Value::String(_)) => Ok(()),
        (Form::Text | Form::Moment | Form::Reference(_), _) => {
            Err(format!("`{name}` is a text; compare it with one in quotes"))
        }
    }
}

/// A moment, or one without a time zone or a time of day.
fn is_moment(text: &str) -> bool {
    text.parse::<Timestamp>().is_ok() || text.parse::<DateTime>().is_ok()
}

/// A flag that is written as a text.
pub(crate) fn flag(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

fn compare_texts(a: &str, op: Op, b: &str) -> bool {
    match op {
        Op::Co => a.contains(b),
        Op::Sw => a.starts_with(b),
        Op::Ew => a.ends_with(b),
        op => compare_values(a, op, b).unwrap_or(false),
    }
}

/// Compares by order; `None` for what only texts can be asked.
fn compare_values<T: PartialOrd + ?Sized>(a: &T, op: Op, b: &T) -> Option<bool> {
    Some(match op {
        Op::Eq => a == b,
        Op::Ne => a != b,
        Op::Gt => a > b,
        Op::Ge => a >= b,
        Op::Lt => a < b,
        Op::Le => a <= b,
        Op::Co | Op::Sw | Op::Ew => return None,
    })
}

#[derive(Debug, Clone, PartialEq)]
enum Word {
    Open,
    Close,
    Begin,
    End,
    /// Without quotes.
    Bare(String),
    Quoted(String),
}

impl Word {
    fn shown(&self) -> String {
        match self {
            Self::Open => "(".into(),
            Self::Close => ")".into(),
            Self::Begin => "[".into(),
            Self::End => "]".into(),
            Self::Bare(text) | Self::Quoted(text) => text.chars().take(100).collect(),
        }
    }

    fn is(&self, word: &str) -> bool {
        matches!(self, Self::Bare(text) if text.eq_ignore_ascii_case(word))
    }
}

fn words(text: &str) -> Result<Vec<Word>, String> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let mark = match c {
            '(' => Some(Word::Open),
            ')' => Some(Word::Close),
            '[' => Some(Word::Begin),
            ']' => Some(Word::End),
            _ => None,
        };
        if let Some(mark) = mark {
            found.push(mark);
            rest = rest.get(1..).unwrap_or_default();
        } else if c.is_whitespace() {
            rest = rest.trim_start();
        } else if c == '"' {
            // A JSON text: its end is where the JSON reader finds it.
            let mut texts = serde_json::Deserializer::from_str(rest).into_iter::<String>();
            let quoted =
                texts.next().and_then(Result::ok).ok_or("a text in the filter lacks its closing quote")?;
            let end = texts.byte_offset();
            found.push(Word::Quoted(quoted));
            rest = rest.get(end..).unwrap_or_default();
        } else {
            let ends = |c: char| c.is_whitespace() || "()[]\"".contains(c);
            let (word, after) = rest.split_at(rest.find(ends).unwrap_or(rest.len()));
            found.push(Word::Bare(word.to_owned()));
            rest = after;
        }
    }
    Ok(found)
}

struct Reader {
    scope: Scope,
    words: Vec<Word>,
    next: usize,
    bare_words: bool,
    compared: usize,
}

impl Reader {
    fn peek(&self) -> Option<&Word> {
        self.words.get(self.next)
    }

    fn take(&mut self) -> Option<Word> {
        let word = self.words.get(self.next).cloned();
        self.next += 1;
        word
    }

    fn any(&mut self, depth: usize) -> Result<Filter, String> {
        let mut parts = vec![self.all(depth)?];
        while self.peek().is_some_and(|word| word.is("or")) {
            self.next += 1;
            parts.push(self.all(depth)?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Filter::Or(parts) })
    }

    fn all(&mut self, depth: usize) -> Result<Filter, String> {
        let mut parts = vec![self.one(depth)?];
        while self.peek().is_some_and(|word| word.is("and")) {
            self.next += 1;
            parts.push(self.one(depth)?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Filter::And(parts) })
    }

    fn one(&mut self, depth: usize) -> Result<Filter, String> {
        if depth >= DEEPEST {
            return Err("the filter is nested too deeply".into());
        }
        match self.take() {
            Some(Word::Open) => self.group(depth),
            Some(word) if word.is("not") && self.peek() == Some(&Word::Open) => {
                self.next += 1;
                Ok(Filter::Not(Box::new(self.group(depth)?)))
            }
            Some(Word::Bare(name)) => self.comparison(&name, depth),
            Some(word) => Err(format!("an attribute is missing in the filter before `{}`", word.shown())),
            None => Err("the filter ends early; write for example userName eq \"ann\"".into()),
        }
    }

    fn group(&mut self, depth: usize) -> Result<Filter, String> {
        let inner = self.any(depth + 1)?;
        match self.take() {
            Some(Word::Close) => Ok(inner),
            _ => Err("the filter lacks a `)`".into()),
        }
    }

    fn path(&self, name: &str) -> Result<Path, String> {
        match self.scope {
            Scope::Resource(kind) => Path::read(kind, name, self.bare_words),
            Scope::Values(list) => Path::read_within(list, name),
        }
    }

    fn comparison(&mut self, name: &str, depth: usize) -> Result<Filter, String> {
        self.compared += 1;
        if self.compared > MOST {
            return Err(format!("the filter has more than {MOST} comparisons"));
        }
        let mut path = self.path(name)?;
        if self.peek() == Some(&Word::Begin) {
            return self.values(path, depth);
        }
        let Some(Word::Bare(word)) = self.take() else {
            return Err(format!("an operator is missing after `{}`", path.names().join(".")));
        };
        if word.eq_ignore_ascii_case("pr") {
            return Ok(Filter::Present(path));
        }
        let op = Op::read(&word).ok_or_else(|| {
            let word: String = word.chars().take(100).collect();
            format!("`{word}` is no operator; use eq, ne, co, sw, ew, pr, gt, ge, lt or le")
        })?;
        // A complex attribute is compared by its value.
        if let Some(value) = path.last().filter(|a| a.form == Form::Complex).and_then(|a| a.sub("value")) {
            path.steps.push(value);
        }
        let mut literal = match self.take() {
            Some(Word::Quoted(text)) => Value::String(text),
            Some(Word::Bare(word)) => self.literal(word, path.last())?,
            _ => return Err(format!("a value is missing after `{word}`")),
        };
        if let Some(attribute) = path.last() {
            can_be_compared(attribute, op, &literal)?;
        }
        // Whoever writes bare words also puts the user store in front of a name, as it did when it sent the user.
        if let Value::String(text) = &mut literal
            && self.bare_words
            && path.names() == ["userName"]
            && let Some(bare) = text.strip_prefix(USER_STORE)
        {
            *text = bare.to_owned();
        }
        Ok(Filter::Compare(path, op, literal))
    }

    fn literal(&self, word: String, attribute: Option<&Attribute>) -> Result<Value, String> {
        let read = serde_json::from_str::<Value>(&word.to_ascii_lowercase()).ok();
        // A bare word for a text may be a number: that is its spelling.
        let is_text = self.bare_words && attribute.is_some_and(|attribute| attribute.form == Form::Text);
        match read.filter(|value| !value.is_string() && (value.is_null() || !is_text)) {
            Some(value) => Ok(value),
            None if self.bare_words => Ok(Value::String(word)),
            None => {
                let word: String = word.chars().take(100).collect();
                Err(format!("a text needs quotes in a filter: \"{word}\""))
            }
        }
    }

    /// `emails[type eq "work"]`, perhaps followed by `.value eq "x"`.
    fn values(&mut self, path: Path, depth: usize) -> Result<Filter, String> {
        let list = path.last().filter(|a| a.many && path.steps.len() == 1).ok_or("only lists take a `[`")?;
        self.next += 1;
        let outer = std::mem::replace(&mut self.scope, Scope::Values(list));
        let mut inner = self.any(depth + 1)?;
        if self.take() != Some(Word::End) {
            return Err("the filter lacks a `]`".into());
        }
        if let Some(Word::Bare(word)) = self.peek()
            && let Some(sub) = word.strip_prefix('.').map(str::to_owned)
        {
            self.next += 1;
            let more = self.comparison(&sub, depth + 1)?;
            inner = Filter::And(vec![inner, more]);
        }
        self.scope = outer;
        Ok(Filter::Has(path, Box::new(inner)))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{super::schema::USERS, *};

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap()
    }

    #[test]
    fn filters_match_as_written() {
        let ann = object(json!({
            "id": "1", "userName": "Ann", "externalId": "E1", "active": true, "title": "",
            "name": {"familyName": "O'Brien"},
            "emails": [{"type": "work", "value": "ann@example.org"}, {"type": "home", "value": "a@home.test"}],
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "Sales", "manager": {"value": "7"}},
            "meta": {"created": "2026-01-02T03:04:05Z"},
        }));
        for (text, expect) in [
            ("userName eq \"ann\"", true),
            ("USERNAME Eq \"ANN\"", true),
            ("userName ne \"ann\"", false),
            ("userName sw \"A\" and userName ew \"n\" and userName co \"n\"", true),
            ("externalId eq \"e1\"", false),
            ("externalId eq \"E1\"", true),
            ("title pr", false),
            ("not (title pr)", true),
            ("title eq null", true),
            ("nickName ne \"x\"", true),
            ("active eq true", true),
            ("active eq \"False\"", false),
            ("name.familyName co \"o'b\"", true),
            ("emails pr", true),
            ("emails co \"home.test\"", true),
            ("emails eq \"A@HOME.test\"", true),
            ("name pr", true),
            ("addresses pr", false),
            ("addresses eq null", true),
            ("emails.value eq \"ann@example.org\"", true),
            ("emails[type eq \"work\" and value co \"@example\"]", true),
            ("emails[type eq \"work\" and value co \"@home\"]", false),
            ("emails[type eq \"work\"].value eq \"ann@example.org\"", true),
            ("emails[type eq \"home\"].value eq \"ann@example.org\"", false),
            ("emails[not (type eq \"work\")]", true),
            ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department eq \"sales\"", true),
            ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager eq \"7\"", true),
            ("urn:ietf:params:scim:schemas:core:2.0:User:userName eq \"ann\"", true),
            ("meta.created gt \"2025-01-01T00:00:00Z\"", true),
            ("meta.created lt \"2025-01-01T00:00:00Z\"", false),
            ("meta.created eq \"2026-01-02T04:04:05.000+01:00\"", true),
            ("meta.created lt \"2026-01-02T03:04:05.123Z\"", true),
            ("meta.created ge \"2026-01-02T03:04:05Z\" and meta.created le \"2026-01-02T03:04:05Z\"", true),
            ("meta.created sw \"2026-01\"", true),
            ("meta.created ge \"2026-01-02\" and meta.created lt \"2026-01-02T03:05\"", true),
            ("meta.created ne null", true),
            ("active ne false", true),
            ("userName eq \"x\" and userName eq \"y\" or active eq true", true),
            ("userName eq \"x\" and (userName eq \"y\" or active eq true)", false),
        ] {
            let filter = Filter::read(Scope::Resource(&USERS), text, false);
            assert_eq!(filter.map(|f| f.matches(&ann)), Ok(expect), "{text}");
        }
    }

    #[test]
    fn what_is_no_filter_is_refused() {
        let deep = format!("{}userName pr{}", "(".repeat(100), ")".repeat(100));
        let long = vec!["userName pr"; 2000].join(" or ");
        for text in [
            "",
            "userName",
            "SOMETHING",
            "userName eq",
            "userName is \"x\"",
            "nothing eq \"x\"",
            "userName eq \"x",
            "userName eq \"x\" and",
            "(userName pr",
            "userName pr)",
            "emails[type eq \"work\"",
            "userName[value pr]",
            "eq \"x\"",
            "userName eq (",
            "not userName pr",
            &deep,
            &long,
        ] {
            assert!(Filter::read(Scope::Resource(&USERS), text, true).is_err(), "{text}");
        }
    }

    #[test]
    fn comparisons_that_no_value_could_answer_are_refused() {
        for text in [
            "active gt true",
            "active co \"tr\"",
            "active sw true",
            "active eq \"perhaps\"",
            "active eq 1",
            "emails[primary ge true]",
            "emails.primary lt false",
            "meta.created gt \"yesterday\"",
            "meta.lastModified le \"\"",
            "meta.created eq 5",
            "userName eq 7",
            "userName eq true",
            "emails co 7",
            "userName gt null",
            "userName eq \"ann\" or active gt true",
            "name eq \"Ann Lee\"",
            "addresses co \"Bern\"",
            "meta gt \"2026-01-01T00:00:00Z\"",
        ] {
            assert!(Filter::read(Scope::Resource(&USERS), text, false).is_err(), "{text}");
        }
    }

    #[test]
    fn bare_words_are_for_those_who_send_them() {
        let ann = object(json!({"userName": "robin"}));
        let text = "userName Eq robin";
        assert!(Filter::read(Scope::Resource(&USERS), text, false).is_err());
        assert!(Filter::read(Scope::Resource(&USERS), text, true).is_ok_and(|f| f.matches(&ann)));
        let text = "userName Eq PRIMARY/robin";
        assert!(Filter::read(Scope::Resource(&USERS), text, true).is_ok_and(|f| f.matches(&ann)));
        assert!(Filter::read(Scope::Resource(&USERS), "active eq TRUE", false).is_ok());
        for (name, text) in [("007", "userName Eq 007"), ("true", "userName Eq true")] {
            let user = object(json!({"userName": name}));
            assert!(
                Filter::read(Scope::Resource(&USERS), text, true).is_ok_and(|f| f.matches(&user)),
                "{text}"
            );
        }
    }
}
