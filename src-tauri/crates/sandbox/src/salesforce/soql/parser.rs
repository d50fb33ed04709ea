//! The grammar of SOQL, as far as an integration uses it. What is not understood is refused, never ignored.

use super::super::problem::Problem;
use super::lexer::{Placed, Token, words};
use super::refuse;

/// A name and where it stands in the query.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Name {
    pub text: String,
    pub at: usize,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Item {
    Field(Name),
    /// `FIELDS(ALL)` and its siblings.
    Fields(Name),
    /// `COUNT(Id)`, `MAX(SystemModstamp) newest`, ...
    Aggregate {
        function: Name,
        field: Option<Name>,
        alias: Option<String>,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Literal {
    Null,
    Flag(bool),
    Text(String),
    Number(String),
    /// A date, a date-time, or a word such as `TODAY` or `LAST_N_DAYS:3`.
    Bare(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compare {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Like,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Not(Box<Condition>),
    Compare {
        field: Name,
        by: Compare,
        value: Literal,
    },
    In {
        field: Name,
        not: bool,
        values: Vec<Literal>,
    },
    /// `Id IN (SELECT AssigneeId FROM ...)`
    InQuery {
        field: Name,
        not: bool,
        query: Box<Query>,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Order {
    pub field: Name,
    pub descending: bool,
    pub nulls_last: bool,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Query {
    pub items: Vec<Item>,
    pub from: Option<Name>,
    pub alias: Option<String>,
    pub condition: Option<Condition>,
    pub group: Vec<Name>,
    pub order: Vec<Order>,
    pub limit: Option<usize>,
    pub offset: usize,
}

/// SOQL's own bound on the length of a query.
const LONGEST: usize = 100_000;
/// Salesforce's bound on OFFSET.
const FARTHEST: usize = 2_000;
/// Deeper nesting than anybody writes would exhaust the stack.
const DEEPEST: usize = 64;

pub(crate) fn parse(soql: &str) -> Result<Query, Problem> {
    if soql.chars().count() > LONGEST {
        return Err(Problem::new(
            400,
            "QUERY_TOO_COMPLICATED",
            "SOQL query is longer than 100000 characters",
        ));
    }
    let words = words(soql)?;
    let mut parser = Parser { soql, words: &words, at: 0, depth: 0 };
    let query = parser.query()?;
    match parser.words.get(parser.at) {
        None => Ok(query),
        Some(_) => Err(parser.unexpected()),
    }
}

struct Parser<'a> {
    soql: &'a str,
    words: &'a [Placed],
    at: usize,
    depth: usize,
}

const CLAUSES: &[&str] =
    &["WHERE", "ORDER", "GROUP", "LIMIT", "OFFSET", "FROM", "FOR", "WITH", "HAVING", "USING"];

impl Parser<'_> {
    fn peek(&self) -> Option<&Token> {
        self.words.get(self.at).map(|(token, _)| token)
    }

    fn place(&self) -> usize {
        self.words.get(self.at).map_or(self.soql.len(), |(_, at)| *at)
    }

    fn malformed(&self, message: &str) -> Problem {
        refuse("MALFORMED_QUERY", self.soql, self.place(), message)
    }

    fn unexpected(&self) -> Problem {
        let found = match self.peek() {
            None => "<EOF>".to_owned(),
            Some(Token::Word(text) | Token::Text(text) | Token::Number(text)) => text.clone(),
            Some(Token::Sign(sign)) => (*sign).to_owned(),
        };
        self.malformed(&format!("unexpected token: '{found}'"))
    }

    fn is(&self, keyword: &str) -> bool {
        matches!(self.peek(), Some(Token::Word(word)) if word.eq_ignore_ascii_case(keyword))
    }

    fn eat(&mut self, keyword: &str) -> bool {
        let found = self.is(keyword);
        if found {
            self.at += 1;
        }
        found
    }

    fn need(&mut self, keyword: &str) -> Result<(), Problem> {
        if self.eat(keyword) { Ok(()) } else { Err(self.unexpected()) }
    }

    fn eat_sign(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Sign(next)) if *next == sign);
        if found {
            self.at += 1;
        }
        found
    }

    fn need_sign(&mut self, sign: &str) -> Result<(), Problem> {
        if self.eat_sign(sign) { Ok(()) } else { Err(self.unexpected()) }
    }

    fn name(&mut self) -> Result<Name, Problem> {
        match self.words.get(self.at) {
            Some((Token::Word(text), at)) if !CLAUSES.iter().any(|word| word.eq_ignore_ascii_case(text)) => {
                self.at += 1;
                Ok(Name { text: text.clone(), at: *at })
            }
            _ => Err(self.unexpected()),
        }
    }

    /// What stands after FROM is an object, even when it is called Group.
    fn object_name(&mut self) -> Result<Name, Problem> {
        match self.words.get(self.at) {
            Some((Token::Word(text), at)) => {
                self.at += 1;
                Ok(Name { text: text.clone(), at: *at })
            }
            _ => Err(self.unexpected()),
        }
    }

    fn whole_number(&mut self) -> Result<usize, Problem> {
        let number = match self.peek() {
            Some(Token::Number(text)) => text.parse().ok(),
            _ => None,
        };
        match number {
            Some(number) => {
                self.at += 1;
                Ok(number)
            }
            None => Err(self.unexpected()),
        }
    }

    fn deeper(&mut self) -> Result<(), Problem> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(Problem::new(400, "QUERY_TOO_COMPLICATED", "the query is nested too deeply"));
        }
        Ok(())
    }

    fn query(&mut self) -> Result<Query, Problem> {
        self.deeper()?;
        self.need("SELECT")?;
        let mut query = Query::default();
        loop {
            query.items.push(self.item()?);
            if !self.eat_sign(",") {
                break;
            }
        }
        self.need("FROM")?;
        query.from = Some(self.object_name()?);
        if matches!(self.peek(), Some(Token::Word(_))) {
            query.alias = self.name().ok().map(|name| name.text);
        }
        if self.eat("WHERE") {
            query.condition = Some(self.conditions()?);
        }
        if self.eat("GROUP") {
            self.need("BY")?;
            loop {
                query.group.push(self.name()?);
                if !self.eat_sign(",") {
                    break;
                }
            }
        }
        if self.eat("ORDER") {
            self.need("BY")?;
            loop {
                query.order.push(self.order()?);
                if !self.eat_sign(",") {
                    break;
                }
            }
        }
        if self.eat("LIMIT") {
            query.limit = Some(self.whole_number()?);
        }
        if self.eat("OFFSET") {
            query.offset = self.whole_number()?;
            if query.offset > FARTHEST {
                return Err(Problem::new(
                    400,
                    "NUMBER_OUTSIDE_VALID_RANGE",
                    "SOQL offset is larger than the maximum of 2000",
                ));
            }
        }
        self.depth -= 1;
        Ok(query)
    }

    fn item(&mut self) -> Result<Item, Problem> {
        if matches!(self.peek(), Some(Token::Sign("("))) {
            return Err(self.malformed("child relationship queries are not part of this sandbox"));
        }
        let name = self.name()?;
        if !self.eat_sign("(") {
            return Ok(Item::Field(name));
        }
        if name.text.eq_ignore_ascii_case("FIELDS") {
            let which = self.name()?;
            self.need_sign(")")?;
            return Ok(Item::Fields(which));
        }
        let field = if self.eat_sign(")") {
            None
        } else {
            let field = self.name()?;
            self.need_sign(")")?;
            Some(field)
        };
        let alias = match self.peek() {
            Some(Token::Word(word)) if !word.eq_ignore_ascii_case("FROM") => Some(self.name()?.text),
            _ => None,
        };
        Ok(Item::Aggregate { function: name, field, alias })
    }

    fn order(&mut self) -> Result<Order, Problem> {
        let field = self.name()?;
        let descending = self.eat("DESC");
        if !descending {
            self.eat("ASC");
        }
        let mut nulls_last = false;
        if self.eat("NULLS") {
            nulls_last = self.eat("LAST");
            if !nulls_last {
                self.need("FIRST")?;
            }
        }
        Ok(Order { field, descending, nulls_last })
    }

    /// Conditions joined by AND or by OR; to mix the two, SOQL wants parentheses.
    fn conditions(&mut self) -> Result<Condition, Problem> {
        self.deeper()?;
        let mut found = vec![self.condition()?];
        let word = ["AND", "OR"].into_iter().find(|word| self.is(word));
        if let Some(word) = word {
            while self.eat(word) {
                found.push(self.condition()?);
            }
            if self.is("AND") || self.is("OR") {
                return Err(self.unexpected());
            }
        }
        self.depth -= 1;
        Ok(match (found.pop(), word) {
            (Some(only), _) if found.is_empty() => only,
            (last, Some("OR")) => Condition::Any(found.into_iter().chain(last).collect()),
            (last, _) => Condition::All(found.into_iter().chain(last).collect()),
        })
    }

    fn condition(&mut self) -> Result<Condition, Problem> {
        if self.eat("NOT") {
            self.deeper()?;
            let inner = self.condition()?;
            self.depth -= 1;
            return Ok(Condition::Not(Box::new(inner)));
        }
        if self.eat_sign("(") {
            let inner = self.conditions()?;
            self.need_sign(")")?;
            return Ok(inner);
        }
        let field = self.name()?;
        if self.eat("NOT") {
            self.need("IN")?;
            return self.membership(field, true);
        }
        if self.eat("IN") {
            return self.membership(field, false);
        }
        if self.eat("LIKE") {
            return Ok(Condition::Compare { field, by: Compare::Like, value: self.literal()? });
        }
        let by = match self.peek() {
            Some(Token::Sign("=")) => Compare::Equal,
            Some(Token::Sign("!=" | "<>")) => Compare::NotEqual,
            Some(Token::Sign("<")) => Compare::Less,
            Some(Token::Sign("<=")) => Compare::LessOrEqual,
            Some(Token::Sign(">")) => Compare::Greater,
            Some(Token::Sign(">=")) => Compare::GreaterOrEqual,
            _ => return Err(self.unexpected()),
        };
        self.at += 1;
        Ok(Condition::Compare { field, by, value: self.literal()? })
    }

    fn membership(&mut self, field: Name, not: bool) -> Result<Condition, Problem> {
        self.need_sign("(")?;
        if self.is("SELECT") {
            let query = Box::new(self.query()?);
            self.need_sign(")")?;
            return Ok(Condition::InQuery { field, not, query });
        }
        let mut values = Vec::new();
        loop {
            values.push(self.literal()?);
            if !self.eat_sign(",") {
                break;
            }
        }
        self.need_sign(")")?;
        Ok(Condition::In { field, not, values })
    }

    fn literal(&mut self) -> Result<Literal, Problem> {
        let literal = match self.peek() {
            Some(Token::Text(text)) => Literal::Text(text.clone()),
            Some(Token::Number(number)) => Literal::Number(number.clone()),
            Some(Token::Word(word)) => match word.to_ascii_lowercase().as_str() {
                "null" => Literal::Null,
                "true" => Literal::Flag(true),
                "false" => Literal::Flag(false),
                _ => Literal::Bare(word.clone()),
            },
            _ => return Err(self.unexpected()),
        };
        self.at += 1;
        Ok(literal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes() {
        let query = parse(
            "select Id, Profile.Name from User u where IsActive = true and (Email like '%@x.org' or not Title = null) \
             order by LastName desc nulls last, Id limit 5 offset 10",
        )
        .unwrap();
        assert_eq!(query.items.len(), 2);
        assert_eq!(query.from.unwrap().text, "User");
        assert_eq!(query.alias.as_deref(), Some("u"));
        assert_eq!((query.limit, query.offset), (Some(5), 10));
        assert_eq!(
            query.order.iter().map(|by| (by.descending, by.nulls_last)).collect::<Vec<_>>(),
            [(true, true), (false, false)]
        );
        match query.condition.unwrap() {
            Condition::All(parts) => {
                assert_eq!(parts.len(), 2);
                assert!(matches!(&parts[1], Condition::Any(either) if either.len() == 2));
            }
            other => panic!("{other:?}"),
        }
        let query = parse(
            "SELECT COUNT() FROM User WHERE Id NOT IN (SELECT AssigneeId FROM PermissionSetAssignment)",
        );
        assert!(matches!(query.unwrap().condition, Some(Condition::InQuery { not: true, .. })));
    }

    #[test]
    fn what_is_not_soql_is_refused() {
        for soql in [
            "",
            "SELECT",
            "SELECT Id",
            "SELECT Id FROM",
            "SELECT Id FROM User WHERE",
            "SELECT Id FROM User WHERE A = 1 AND B = 2 OR C = 3",
            "SELECT Id FROM User WHERE Name = 'O'Brien'",
            "SELECT Id FROM User WHERE Name",
            "SELECT Id FROM User LIMIT x",
            "SELECT Id FROM User; DROP TABLE User",
            "SELECT Id FROM User WITH SECURITY_ENFORCED",
            "SELECT Id, (SELECT Id FROM Contacts) FROM Account",
            "SELECT Id FROM User OFFSET 2001",
        ] {
            assert!(parse(soql).is_err(), "{soql}");
        }
        let deep = format!("SELECT Id FROM User WHERE {}A = 1{}", "(".repeat(5000), ")".repeat(5000));
        assert!(parse(&deep).is_err());
        let deep = format!("SELECT Id FROM User WHERE {} A = 1", "NOT ".repeat(5000));
        assert!(parse(&deep).is_err());
    }
}
