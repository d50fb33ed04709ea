//! Query filters in SCIM's words (RFC 7644, section 3.4.2.2).
//!
//! What the server is asked brings at least what matches: texts do not differ by case there, and not every condition can
//! be said. So every record is looked at again here.

use model::filter::{Filter, Op};
use model::{Attributes, Pointer};
use serde_json::{Value, json};

use super::names::{Path, Place, Which};
use super::shape::Shape;

/// A filter, split into what the server is asked and what is checked here.
#[derive(Debug, PartialEq)]
pub(super) struct Plan {
    /// `None` asks for everything.
    pub asked: Option<String>,
    check: Filter,
    /// The attributes that the check reads.
    pub attributes: Vec<String>,
}

impl Plan {
    /// The error is the name of an attribute that the type has not.
    pub fn new(filter: &Filter, shape: &Shape) -> Result<Self, String> {
        let mut attributes: Vec<String> = Vec::new();
        for pointer in filter.pointers() {
            let name = name_of(pointer);
            Path::parse(&name, shape).ok_or_else(|| name.clone())?;
            if !attributes.contains(&name) {
                attributes.push(name);
            }
        }
        Ok(Self { asked: asked(filter, shape), check: named(filter), attributes })
    }

    /// Whether a record matches, by the attributes that the plan names.
    pub fn matches(&self, attributes: &Attributes) -> bool {
        self.check.matches(&Value::Object(attributes.clone()))
    }
}

/// The name that mappings use; `name/givenName` and `name.givenName` are the same.
fn name_of(pointer: &Pointer) -> String {
    pointer.steps().join(".")
}

/// The filter over attributes under their names.
fn named(filter: &Filter) -> Filter {
    let flat = |pointer: &Pointer| Pointer::from_steps(&[name_of(pointer)]);
    match filter {
        Filter::Always(always) => Filter::Always(*always),
        Filter::And(parts) => Filter::And(parts.iter().map(named).collect()),
        Filter::Or(parts) => Filter::Or(parts.iter().map(named).collect()),
        Filter::Not(part) => Filter::Not(Box::new(named(part))),
        Filter::Present(pointer) => Filter::Present(flat(pointer)),
        Filter::Compare(pointer, op, value) => Filter::Compare(flat(pointer), *op, value.clone()),
    }
}

/// What the server can be asked; `None` where that would be everything.
fn asked(filter: &Filter, shape: &Shape) -> Option<String> {
    match filter {
        // What does not match by the server's rules may match by ours, so nothing is asked the other way round.
        Filter::Always(_) | Filter::Not(_) => None,
        Filter::And(parts) => {
            let parts: Vec<String> = parts.iter().filter_map(|p| asked(p, shape)).collect();
            joined(parts, "and")
        }
        Filter::Or(parts) => {
            let parts: Option<Vec<String>> = parts.iter().map(|p| asked(p, shape)).collect();
            joined(parts?, "or")
        }
        Filter::Present(pointer) => condition(&Path::parse(&name_of(pointer), shape)?, "pr", None),
        Filter::Compare(pointer, op, value) => {
            let path = Path::parse(&name_of(pointer), shape)?;
            match value {
                // Absent, in words that not every server knows.
                Value::Null => None,
                value => condition(&path, op.as_str(), Some(value)),
            }
        }
    }
}

fn joined(mut parts: Vec<String>, word: &str) -> Option<String> {
    match parts.len() {
        0 => None,
        1 => parts.pop(),
        _ => Some(parts.iter().map(|p| format!("({p})")).collect::<Vec<_>>().join(&format!(" {word} "))),
    }
}

fn condition(path: &Path, op: &str, value: Option<&Value>) -> Option<String> {
    let literal = value.map(|v| format!(" {v}")).unwrap_or_default();
    let top = path.top();
    Some(match &path.place {
        Place::Whole if path.multi => format!("{top}.value {op}{literal}"),
        Place::Whole => format!("{top} {op}{literal}"),
        Place::Sub(sub) | Place::Values(sub) => format!("{top}.{sub} {op}{literal}"),
        // The first one stands in for a primary that is not there, and filters cannot say "first".
        Place::Element { which: Which::Primary, sub } => format!("{top}.{sub} {op}{literal}"),
        Place::Element { which: Which::Where(name, wanted), sub } => {
            format!("{top}[{name} eq {wanted} and {sub} {op}{literal}]")
        }
    })
}

/// `attribute eq "value"`, the one filter that every server with filters knows.
pub(super) fn equals(path: &Path, value: &str) -> Option<String> {
    condition(path, Op::Eq.as_str(), Some(&json!(value)))
}

#[cfg(test)]
mod tests {
    use model::Filter;
    use serde_json::json;

    use super::Plan;
    use crate::scim::shape::Shape;

    fn plan(filter: &str) -> Result<Plan, String> {
        Plan::new(&Filter::parse(filter).unwrap(), &Shape::assumed("User"))
    }

    #[test]
    fn filters_are_asked_in_scims_words() {
        let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
        for (filter, expect) in [
            (r#"userName eq "ann""#, Some(r#"userName eq "ann""#.to_owned())),
            (r#"userName eq "a\"b\\c""#, Some(r#"userName eq "a\"b\\c""#.to_owned())),
            (r#"name.familyName sw "B""#, Some(r#"name.familyName sw "B""#.to_owned())),
            (r#"/name/familyName co "B""#, Some(r#"name.familyName co "B""#.to_owned())),
            ("active eq true", Some("active eq true".to_owned())),
            (
                r#"emails.work.value eq "a@b""#,
                Some(r#"emails[type eq "work" and value eq "a@b"]"#.to_owned()),
            ),
            (r#"emails.primary.value eq "a@b""#, Some(r#"emails.value eq "a@b""#.to_owned())),
            (r#"emails eq "a@b""#, Some(r#"emails.value eq "a@b""#.to_owned())),
            ("externalId pr", Some("externalId pr".to_owned())),
            (
                &format!(r#"{enterprise}:department eq "Sales""#),
                Some(format!(r#"{enterprise}:department eq "Sales""#)),
            ),
            (
                r#"userName eq "a" and (title pr or title eq "x")"#,
                Some(r#"(userName eq "a") and ((title pr) or (title eq "x"))"#.to_owned()),
            ),
            // What cannot be said is checked here, and what may then bring too little is not said.
            (r#"!(userName eq "ann")"#, None),
            (r#"title eq null"#, None),
            (r#"userName eq "a" and !(title pr)"#, Some(r#"userName eq "a""#.to_owned())),
            (r#"userName eq "a" or !(title pr)"#, None),
            ("true", None),
        ] {
            assert_eq!(plan(filter).unwrap().asked, expect, "{filter}");
        }
        let told = Shape { told: true, ..Shape::assumed("User") };
        let filter = Filter::parse(r#"shoeSize eq 3"#).unwrap();
        assert_eq!(Plan::new(&filter, &told), Err("shoeSize".to_owned()));
    }

    #[test]
    fn what_comes_is_looked_at_again() {
        let plan = plan(r#"userName eq "ann" and /name/givenName pr"#).unwrap();
        assert_eq!(plan.attributes, ["userName", "name.givenName"]);
        for (record, expect) in [
            (json!({"userName": "ann", "name.givenName": "A"}), true),
            (json!({"userName": "ANN", "name.givenName": "A"}), false),
            (json!({"userName": "ann"}), false),
        ] {
            assert_eq!(plan.matches(record.as_object().unwrap()), expect, "{record}");
        }
    }
}
