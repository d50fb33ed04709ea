//! SOQL from query filters.
//!
//! SOQL compares texts without regard to case, has no order of its own for them and treats nulls in its own way. So a
//! filter becomes a condition that lets everything through that matches, and where it lets more through, the records
//! are checked here. Values never reach the text but through [`text_literal`] and its siblings.

use jiff::Timestamp;
use jiff::civil::Date;
use model::filter::Op;
use model::{Attributes, Filter, Pointer};
use serde_json::Value;

use super::describe::{Described, Field, Kind, number};
use super::ids;
use crate::port::RemoteObject;

/// A text between quotes, with everything escaped that would end it.
pub fn text_literal(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('\'');
    escape(text, &mut out);
    out.push('\'');
    out
}

fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\'' => out.push_str("\\'"),
            '"' => out.push_str("\\\""),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            c => out.push(c),
        }
    }
}

/// A pattern that holds this text, with `before` and `after` around it. A backslash escapes both in a literal and in a
/// pattern, and which comes first is written nowhere; any character in its place lets through enough.
pub fn like_literal(before: &str, text: &str, after: &str) -> String {
    let mut out = format!("'{before}");
    for c in text.chars() {
        match c {
            '%' | '_' => {
                out.push('\\');
                out.push(c);
            }
            '\\' => out.push('_'),
            c => escape(c.encode_utf8(&mut [0; 4]), &mut out),
        }
    }
    out.push_str(after);
    out.push('\'');
    out
}

/// A moment in whole seconds.
pub(crate) fn time_literal(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The moment in a text, in any of the notations that Salesforce and people use.
pub(crate) fn time(text: &str) -> Option<Timestamp> {
    text.parse().ok().or_else(|| Timestamp::strptime("%Y-%m-%dT%H:%M:%S%.f%z", text).ok())
}

/// What to ask Salesforce for a filter.
#[derive(Debug)]
pub(crate) enum Plan {
    /// Nothing can match: there is nothing to ask.
    Nothing,
    /// This condition, or everything; and the check of each record, where the condition lets too much through.
    Ask { condition: Option<String>, check: Option<LocalCheck> },
}

/// How names of a mapping lead to fields.
pub(crate) trait Names {
    /// The field behind an attribute.
    fn field<'n>(&'n self, attribute: &'n str) -> &'n str;

    /// A value of that attribute as Salesforce keeps it.
    fn outward(&self, field: &str, value: &str) -> String;
}

impl Plan {
    /// The error is the name of an attribute that the object type does not have.
    pub fn new(names: &dyn Names, described: &Described, filter: &Filter) -> Result<Self, String> {
        let unknown = filter
            .pointers()
            .into_iter()
            .find(|p| p.head().is_none_or(|head| described.field(names.field(head)).is_none()));
        if let Some(pointer) = unknown {
            return Err(pointer.to_string());
        }
        let writer = Writer { names, described };
        let part = writer.part(filter, false);
        Ok(match part {
            Part::Never => Self::Nothing,
            Part::Any { exact } => Self::Ask {
                condition: None,
                check: (!exact).then(|| LocalCheck::new(names, described, filter)),
            },
            Part::Only { condition, exact } => Self::Ask {
                condition: Some(condition),
                check: (!exact).then(|| LocalCheck::new(names, described, filter)),
            },
        })
    }
}

/// A condition that lets through at least what matches.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Never,
    /// No condition; `exact` when everything does match.
    Any {
        exact: bool,
    },
    Only {
        condition: String,
        exact: bool,
    },
}

fn exactly(condition: String) -> Part {
    Part::Only { condition, exact: true }
}

fn roughly(condition: String) -> Part {
    Part::Only { condition, exact: false }
}

const UNKNOWN: Part = Part::Any { exact: false };

struct Writer<'a> {
    names: &'a dyn Names,
    described: &'a Described,
}

impl Writer<'_> {
    fn part(&self, filter: &Filter, negated: bool) -> Part {
        match (filter, negated) {
            (Filter::Always(value), _) => {
                if *value != negated {
                    Part::Any { exact: true }
                } else {
                    Part::Never
                }
            }
            (Filter::Not(part), _) => self.part(part, !negated),
            (Filter::And(parts), false) | (Filter::Or(parts), true) => {
                all(parts.iter().map(|p| self.part(p, negated)))
            }
            (Filter::Or(parts), false) | (Filter::And(parts), true) => {
                any(parts.iter().map(|p| self.part(p, negated)))
            }
            (Filter::Present(pointer), _) => match self.target(pointer) {
                Some(field) if field.kind() == Kind::Boolean => {
                    if negated {
                        Part::Never
                    } else {
                        Part::Any { exact: true }
                    }
                }
                Some(field) => exactly(format!("{} {}= null", field.name, if negated { "" } else { "!" })),
                None => UNKNOWN,
            },
            (Filter::Compare(pointer, op, literal), _) => match self.target(pointer) {
                Some(field) => self.comparison(field, *op, literal, negated),
                None => UNKNOWN,
            },
        }
    }

    /// The field of a pointer that a condition can be about.
    fn target(&self, pointer: &Pointer) -> Option<&Field> {
        let [attribute] = pointer.steps() else { return None };
        let field = self.described.field(self.names.field(attribute))?;
        (field.filterable() && !matches!(field.kind(), Kind::Compound | Kind::Other)).then_some(field)
    }

    fn comparison(&self, field: &Field, op: Op, literal: &Value, negated: bool) -> Part {
        let name = &field.name;
        if literal.is_null() {
            return match op {
                Op::Eq if field.kind() == Kind::Boolean => {
                    if negated {
                        Part::Any { exact: true }
                    } else {
                        Part::Never
                    }
                }
                Op::Eq => exactly(format!("{name} {}= null", if negated { "!" } else { "" })),
                _ => UNKNOWN,
            };
        }
        match field.kind() {
            Kind::Boolean => match (op, boolean(literal)) {
                (Op::Eq, Some(flag)) => exactly(format!("{name} = {}", flag != negated)),
                _ => UNKNOWN,
            },
            // What is not there is neither less nor more nor different: negations are decided here.
            _ if negated => UNKNOWN,
            Kind::Number => match (operator(op), numeral(literal)) {
                (Some(sign), Some(value)) => exactly(format!("{name} {sign} {value}")),
                _ => UNKNOWN,
            },
            Kind::DateTime => {
                let (Some(sign), Some(at)) = (operator(op), literal.as_str().and_then(time)) else {
                    return UNKNOWN;
                };
                if at.subsec_nanosecond() == 0 {
                    return exactly(format!("{name} {sign} {}", time_literal(at)));
                }
                // Literals have whole seconds here, so the condition is a second wider.
                let (floor, ceiling) = (second(at, 0), second(at, 1));
                match op {
                    Op::Gt | Op::Ge => roughly(format!("{name} >= {floor}")),
                    Op::Lt | Op::Le => roughly(format!("{name} <= {ceiling}")),
                    _ => roughly(format!("({name} >= {floor} AND {name} <= {ceiling})")),
                }
            }
            Kind::Date => {
                let date = literal.as_str().and_then(|t| t.parse::<Date>().ok().filter(|_| t.len() == 10));
                match (operator(op), date) {
                    (Some(sign), Some(date)) => exactly(format!("{name} {sign} {date}")),
                    _ => UNKNOWN,
                }
            }
            Kind::Id => match (op, literal.as_str()) {
                (Op::Eq, Some(id)) => match ids::long(id) {
                    Some(id) => exactly(format!("{name} = {}", text_literal(&id))),
                    None => Part::Never,
                },
                _ => UNKNOWN,
            },
            Kind::Text => match (op, literal.as_str()) {
                (_, Some("")) => UNKNOWN,
                (Op::Eq, Some(text)) => {
                    roughly(format!("{name} = {}", text_literal(&self.names.outward(name, text))))
                }
                (Op::Co, Some(text)) => roughly(format!("{name} LIKE {}", like_literal("%", text, "%"))),
                (Op::Sw, Some(text)) => roughly(format!("{name} LIKE {}", like_literal("", text, "%"))),
                _ => UNKNOWN,
            },
            Kind::Several | Kind::Compound | Kind::Other => UNKNOWN,
        }
    }
}

fn all(parts: impl Iterator<Item = Part>) -> Part {
    let (mut conditions, mut all_exact) = (Vec::new(), true);
    for part in parts {
        match part {
            Part::Never => return Part::Never,
            Part::Any { exact } => all_exact &= exact,
            Part::Only { condition, exact } => {
                conditions.push(condition);
                all_exact &= exact;
            }
        }
    }
    joined(conditions, " AND ")
        .map_or(Part::Any { exact: all_exact }, |condition| Part::Only { condition, exact: all_exact })
}

fn any(parts: impl Iterator<Item = Part>) -> Part {
    let (mut conditions, mut all_exact, mut open) = (Vec::new(), true, None);
    for part in parts {
        match part {
            Part::Never => {}
            Part::Any { exact: true } => return Part::Any { exact: true },
            Part::Any { exact: false } => open = Some(UNKNOWN),
            Part::Only { condition, exact } => {
                conditions.push(condition);
                all_exact &= exact;
            }
        }
    }
    open.unwrap_or_else(|| {
        joined(conditions, " OR ").map_or(Part::Never, |condition| Part::Only { condition, exact: all_exact })
    })
}

/// SOQL knows no precedence between AND and OR: every mix needs its parentheses.
fn joined(mut conditions: Vec<String>, word: &str) -> Option<String> {
    match conditions.len() {
        0 => None,
        1 => conditions.pop(),
        _ => Some(format!("({})", conditions.join(word))),
    }
}

fn operator(op: Op) -> Option<&'static str> {
    Some(match op {
        Op::Eq => "=",
        Op::Lt => "<",
        Op::Le => "<=",
        Op::Gt => ">",
        Op::Ge => ">=",
        Op::Co | Op::Sw => return None,
    })
}

fn boolean(literal: &Value) -> Option<bool> {
    match literal {
        Value::Bool(flag) => Some(*flag),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

fn numeral(literal: &Value) -> Option<String> {
    match literal {
        Value::Number(n) => Some(n.to_string()),
        Value::String(text) => number(text).map(|n| n.to_string()),
        _ => None,
    }
    // SOQL has no exponents.
    .filter(|text| !text.contains(['e', 'E']))
}

fn second(at: Timestamp, later: i64) -> String {
    time_literal(Timestamp::from_second(at.as_second() + later).unwrap_or(at))
}

/// A filter that is evaluated here.
#[derive(Debug)]
pub(crate) struct LocalCheck {
    filter: Filter,
    /// The attributes that it reads, and the kind of each.
    attributes: Vec<(String, Kind)>,
}

impl LocalCheck {
    fn new(names: &dyn Names, described: &Described, filter: &Filter) -> Self {
        let mut attributes: Vec<(String, Kind)> = Vec::new();
        for pointer in filter.pointers() {
            if let Some(head) = pointer.head()
                && !attributes.iter().any(|(name, _)| name == head)
            {
                let kind = described.field(names.field(head)).map_or(Kind::Other, Field::kind);
                attributes.push((head.to_owned(), kind));
            }
        }
        Self { filter: comparable_filter(&attributes, filter), attributes }
    }

    /// The attributes that the filter reads.
    pub fn attributes(&self) -> impl Iterator<Item = &String> {
        self.attributes.iter().map(|(name, _)| name)
    }

    pub fn matches(&self, object: &RemoteObject) -> bool {
        let mut document = Attributes::new();
        for (name, kind) in &self.attributes {
            if let Some(value) = object.attributes.get(name) {
                document.insert(name.clone(), comparable(*kind, value));
            }
        }
        self.filter.matches(&Value::Object(document))
    }
}

fn comparable_filter(attributes: &[(String, Kind)], filter: &Filter) -> Filter {
    let each = |parts: &[Filter]| parts.iter().map(|p| comparable_filter(attributes, p)).collect();
    match filter {
        Filter::And(parts) => Filter::And(each(parts)),
        Filter::Or(parts) => Filter::Or(each(parts)),
        Filter::Not(part) => Filter::Not(Box::new(comparable_filter(attributes, part))),
        Filter::Compare(pointer, op, literal) => {
            let kind = pointer
                .head()
                .and_then(|head| attributes.iter().find(|(name, _)| name == head))
                .map_or(Kind::Other, |(_, kind)| *kind);
            // A literal stays one value, whatever the field holds.
            let literal = if kind == Kind::Several { literal.clone() } else { comparable(kind, literal) };
            Filter::Compare(pointer.clone(), *op, literal)
        }
        other => other.clone(),
    }
}

/// A value in the form in which values of its kind compare rightly.
fn comparable(kind: Kind, value: &Value) -> Value {
    let Value::String(text) = value else { return value.clone() };
    let other = match kind {
        Kind::Boolean => text.parse().ok().map(Value::Bool),
        Kind::Number => number(text).map(Value::Number),
        Kind::DateTime => time(text).map(|at| Value::String(format!("{at:.9}"))),
        Kind::Id => ids::long(text).map(Value::String),
        // Several values of one field; a filter matches when any of them does.
        Kind::Several => {
            Some(Value::Array(text.split(';').map(|v| Value::String(v.trim().to_owned())).collect()))
        }
        _ => None,
    };
    other.unwrap_or_else(|| value.clone())
}

#[cfg(test)]
mod tests {
    use model::Filter;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::{LocalCheck, Names, Plan, like_literal, text_literal};
    use crate::port::RemoteObject;
    use crate::salesforce::describe::tests::user;

    struct Plain;

    impl Names for Plain {
        fn field<'n>(&'n self, attribute: &'n str) -> &'n str {
            match attribute {
                "__NAME__" => "Username",
                "_id" | "__UID__" => "Id",
                other => other,
            }
        }

        fn outward(&self, _field: &str, value: &str) -> String {
            value.to_owned()
        }
    }

    fn plan(text: &str) -> String {
        match Plan::new(&Plain, &user(), &Filter::parse(text).unwrap()) {
            Err(unknown) => format!("unknown {unknown}"),
            Ok(Plan::Nothing) => "nothing".to_owned(),
            Ok(Plan::Ask { condition, check }) => {
                format!(
                    "{}{}",
                    condition.unwrap_or_else(|| "everything".to_owned()),
                    if check.is_some() { " +check" } else { "" }
                )
            }
        }
    }

    #[test]
    fn filters_become_conditions_with_the_literals_of_their_fields() {
        for (text, expect) in [
            ("true", "everything"),
            ("false", "nothing"),
            ("false or true", "everything"),
            ("LastName eq \"O'Brien\"", "LastName = 'O\\'Brien' +check"),
            ("__NAME__ eq 'a@x.org'", "Username = 'a@x.org' +check"),
            ("IsActive eq true", "IsActive = true"),
            ("IsActive eq 'false'", "IsActive = false"),
            ("!(IsActive eq true)", "IsActive = false"),
            ("IsActive pr", "everything"),
            ("Age__c gt 3", "Age__c > 3"),
            ("Age__c eq '4.5'", "Age__c = 4.5"),
            ("Age__c co 3", "everything +check"),
            ("CreatedDate ge '2026-01-01T00:00:00Z'", "CreatedDate >= 2026-01-01T00:00:00Z"),
            ("CreatedDate ge '2026-01-01T01:00:00.000+0100'", "CreatedDate >= 2026-01-01T00:00:00Z"),
            ("CreatedDate lt '2026-01-01T00:00:00.5Z'", "CreatedDate <= 2026-01-01T00:00:01Z +check"),
            ("Start__c le '2026-02-03'", "Start__c <= 2026-02-03"),
            ("Start__c le 'x OR Id != null'", "everything +check"),
            ("_id eq '00530000009hWLc'", "Id = '00530000009hWLcAAM'"),
            ("_id eq 'nonsense'", "nothing"),
            ("FirstName co '50%_x'", "FirstName LIKE '%50\\%\\_x%' +check"),
            ("FirstName sw 'An'", "FirstName LIKE 'An%' +check"),
            ("FirstName sw ''", "everything +check"),
            ("FirstName pr", "FirstName != null"),
            ("!(FirstName pr)", "FirstName = null"),
            ("FirstName eq null", "FirstName = null"),
            ("FirstName lt 'm'", "everything +check"),
            ("!(FirstName eq 'Ann')", "everything +check"),
            ("AboutMe eq 'x'", "everything +check"),
            ("Address pr", "everything +check"),
            ("Languages__c eq 'de'", "everything +check"),
            ("IsActive eq true and FirstName pr", "(IsActive = true AND FirstName != null)"),
            ("IsActive eq true and !(FirstName eq 'x')", "IsActive = true +check"),
            (
                "Age__c gt 3 or Age__c lt 1 and IsActive eq true",
                "(Age__c > 3 OR (Age__c < 1 AND IsActive = true))",
            ),
            ("Age__c gt 3 or AboutMe pr", "everything +check"),
            ("!(Age__c gt 3 or IsActive eq true)", "IsActive = false +check"),
            ("Nonsense eq 1", "unknown Nonsense"),
        ] {
            assert_eq!(plan(text), expect, "{text}");
        }
    }

    #[test]
    fn checks_here_compare_as_the_filter_means() {
        let attributes = json!({"LastName": "Kim", "Age__c": 4.0, "IsActive": true, "CreatedDate": "2026-01-01T00:00:00.123+0000", "Languages__c": "de;en", "_id": "00530000009hWLcAAM"});
        let object = RemoteObject { uid: String::new(), attributes: attributes.as_object().unwrap().clone() };
        for (text, expect) in [
            ("LastName eq 'kim'", false),
            ("!(LastName eq 'kim')", true),
            ("LastName gt 'A'", true),
            ("Age__c eq '4'", true),
            ("IsActive eq 'true'", true),
            ("CreatedDate gt '2026-01-01T00:00:00Z'", true),
            ("CreatedDate le '2026-01-01T01:00:00.123+01:00'", true),
            ("Languages__c eq 'en'", true),
            ("_id eq '00530000009hWLc'", true),
            ("FirstName pr", false),
        ] {
            let check = LocalCheck::new(&Plain, &user(), &Filter::parse(text).unwrap());
            assert_eq!(check.matches(&object), expect, "{text}");
        }
    }

    /// What Salesforce reads: a condition parsed into tokens, quoted texts as what they stand for.
    fn tokens(condition: &str) -> Option<Vec<Value>> {
        let mut found = Vec::new();
        let mut rest = condition.chars().peekable();
        while let Some(c) = rest.next() {
            match c {
                '\'' => {
                    let mut text = String::new();
                    loop {
                        match rest.next()? {
                            '\'' => break,
                            '\\' => match rest.next()? {
                                'n' => text.push('\n'),
                                'r' => text.push('\r'),
                                't' => text.push('\t'),
                                'b' => text.push('\u{8}'),
                                'f' => text.push('\u{c}'),
                                c @ ('\'' | '"' | '\\') => text.push(c),
                                // Only patterns have these.
                                c @ ('%' | '_') => text.push(c),
                                _ => return None,
                            },
                            '\n' | '\r' => return None,
                            c => text.push(c),
                        }
                    }
                    found.push(json!(["text", text]));
                }
                c if c.is_whitespace() => {}
                '(' | ')' => found.push(json!(c.to_string())),
                c => {
                    let mut word = String::from(c);
                    while let Some(c) = rest.next_if(|c| !c.is_whitespace() && !matches!(c, '(' | ')' | '\''))
                    {
                        word.push(c);
                    }
                    found.push(json!(word));
                }
            }
        }
        Some(found)
    }

    proptest! {
        #[test]
        fn no_text_breaks_out_of_its_literal(text in any::<String>()) {
            prop_assert_eq!(tokens(&text_literal(&text)), Some(vec![json!(["text", &text])]));
            let condition = format!("A LIKE {} AND B = {}", like_literal("%", &text, "%"), text_literal(&text));
            let found = tokens(&condition).unwrap();
            prop_assert_eq!(found.len(), 7);
            prop_assert_eq!(&found[2], &json!(["text", format!("%{}%", text.replace('\\', "_"))]));
        }

        #[test]
        fn any_filter_gives_a_condition_that_stays_in_its_grammar(value in any::<String>(), op in 0usize..7, field in 0usize..4) {
            use model::filter::Op;
            let op = [Op::Eq, Op::Co, Op::Sw, Op::Lt, Op::Le, Op::Gt, Op::Ge][op];
            let field = ["LastName", "Age__c", "CreatedDate", "_id"][field];
            let filter = Filter::Compare(model::Pointer::parse(field), op, json!(value));
            if let Ok(Plan::Ask { condition: Some(condition), .. }) = Plan::new(&Plain, &user(), &filter) {
                let found = tokens(&condition);
                prop_assert!(matches!(found.as_deref(), Some([_, _, _])) || field == "CreatedDate", "{condition}");
            }
        }
    }
}
