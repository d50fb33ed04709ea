//! Attribute paths: `name.familyName`, `emails[type eq "work"].value`, `urn:...:User:manager.displayName`.

use serde_json::{Map, Value};

use super::{
    filter::{self, Filter},
    schema::{Attribute, Kind},
};

/// The way to an attribute. The part of an extension's path that is its URN is a step like any other.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Path {
    pub steps: Vec<&'static Attribute>,
    /// Which values of the first step are meant.
    pub filter: Option<Box<Filter>>,
}

impl Path {
    /// Reads a path that begins at a resource.
    pub fn read(kind: &Kind, text: &str, bare_words: bool) -> Result<Self, String> {
        let text = text.trim();
        let rest = match strip(text, kind.urn) {
            Some(rest) => rest.strip_prefix(':').unwrap_or(rest),
            None => text,
        };
        for extension in kind.extensions() {
            let Some(rest) = strip(rest, extension.name) else { continue };
            let mut steps = vec![extension];
            let rest = rest.trim_start_matches([':', '.']);
            if !rest.is_empty() {
                steps.extend(names(extension.sub(head(rest)), tail(rest), text)?);
            }
            return Ok(Self { steps, filter: None });
        }
        let Some((name, inside)) = rest.split_once('[') else {
            return Ok(Self { steps: names(kind.attribute(head(rest)), tail(rest), text)?, filter: None });
        };
        let (condition, rest) =
            inside.rsplit_once(']').ok_or_else(|| format!("the path `{text}` lacks a `]`"))?;
        let list = kind.attribute(name).filter(|a| a.many).ok_or_else(|| unknown(text))?;
        let filter = Filter::read(filter::Scope::Values(list), condition, bare_words)?;
        let mut steps = vec![list];
        if let Some(sub) = rest.strip_prefix('.') {
            steps.push(list.sub(sub).ok_or_else(|| unknown(text))?);
        } else if !rest.is_empty() {
            return Err(unknown(text));
        }
        Ok(Self { steps, filter: Some(Box::new(filter)) })
    }

    /// Reads a path that begins at one value of a list.
    pub fn read_within(list: &'static Attribute, text: &str) -> Result<Self, String> {
        Ok(Self { steps: names(list.sub(head(text)), tail(text), text)?, filter: None })
    }

    /// The last step.
    pub fn last(&self) -> Option<&'static Attribute> {
        self.steps.last().copied()
    }

    /// Whether it leads to an attribute, or to a part of it.
    pub fn begins_with(&self, attribute: &str) -> bool {
        self.steps.first().is_some_and(|step| step.name == attribute)
    }

    /// The path in SCIM's words, with an extension's URN as its first word.
    pub fn names(&self) -> Vec<&'static str> {
        self.steps.iter().map(|step| step.name).collect()
    }

    /// The values there, all those of a list.
    pub fn values<'d>(&self, document: &'d Map<String, Value>) -> Vec<&'d Value> {
        let Some((first, rest)) = self.steps.split_first() else { return Vec::new() };
        let mut here: Vec<&Value> = document.get(first.name).into_iter().collect();
        for step in rest {
            here = flat(here).into_iter().filter_map(|value| value.get(step.name)).collect();
        }
        flat(here)
    }
}

fn flat(values: Vec<&Value>) -> Vec<&Value> {
    let mut found = Vec::with_capacity(values.len());
    for value in values {
        match value {
            Value::Array(items) => found.extend(items),
            value => found.push(value),
        }
    }
    found
}

/// What follows a URN, if a text begins with it.
fn strip<'t>(text: &'t str, urn: &str) -> Option<&'t str> {
    let (begin, rest) = text.split_at_checked(urn.len())?;
    (begin.eq_ignore_ascii_case(urn) && (rest.is_empty() || rest.starts_with([':', '.']))).then_some(rest)
}

fn head(text: &str) -> &str {
    text.split('.').next().unwrap_or(text)
}

fn tail(text: &str) -> Option<&str> {
    text.split_once('.').map(|(_, rest)| rest)
}

fn names(
    first: Option<&'static Attribute>,
    rest: Option<&str>,
    whole: &str,
) -> Result<Vec<&'static Attribute>, String> {
    let mut steps = vec![first.ok_or_else(|| unknown(whole))?];
    for name in rest.into_iter().flat_map(|rest| rest.split('.')) {
        let next = steps.last().and_then(|step| step.sub(name)).ok_or_else(|| unknown(whole))?;
        steps.push(next);
    }
    Ok(steps)
}

fn unknown(text: &str) -> String {
    let text: String = text.chars().take(200).collect();
    format!("there is no attribute `{text}`; see /Schemas for those that there are")
}

#[cfg(test)]
mod tests {
    use super::{
        super::schema::{ENTERPRISE, GROUPS, USERS},
        *,
    };

    #[test]
    fn paths_are_read_in_every_form() {
        for (text, expect) in [
            ("userName", Some("userName")),
            ("USERNAME", Some("userName")),
            ("name.familyname", Some("name familyName")),
            ("urn:ietf:params:scim:schemas:core:2.0:User:name.givenName", Some("name givenName")),
            ("urn:ietf:params:scim:schemas:core:2.0:user:userName", Some("userName")),
            ("emails[type eq \"work\"].value", Some("emails value")),
            ("emails[type eq \"wo]rk\"]", Some("emails")),
            ("emails.value", Some("emails value")),
            (ENTERPRISE, Some(ENTERPRISE)),
            (
                "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.displayName",
                Some("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User manager displayName"),
            ),
            (
                "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User.department",
                Some("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User department"),
            ),
            ("nothing", None),
            ("name.nothing", None),
            ("userName.x", None),
            ("userName[value eq \"x\"]", None),
            ("emails[type eq \"work\"", None),
            ("emails[type eq \"work\"]x", None),
            ("emails[nothing eq \"x\"]", None),
            ("", None),
        ] {
            let read = Path::read(&USERS, text, false).ok().map(|path| path.names().join(" "));
            assert_eq!(read.as_deref(), expect, "{text}");
        }
        assert!(Path::read(&GROUPS, "members[value eq \"u1\"]", false).is_ok_and(|p| p.filter.is_some()));
    }
}
