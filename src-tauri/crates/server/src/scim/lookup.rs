//! What the repository can look up of a filter or sort by.

use model::{Filter as Query, Pointer, filter::Op};
use serde_json::Value;

use super::{
    filter::{Columns, flag, query},
    groups,
    path::Path,
    people,
    resources::Behind,
};

/// A managed type behind a resource type.
pub(crate) struct Lookup<'c> {
    pub behind: &'c Behind,
}

impl<'c> Lookup<'c> {
    fn indexed(&self, attribute: &str) -> bool {
        self.behind.config.indexed().iter().any(|index| index.attribute == attribute && !index.number)
    }

    /// The managed attribute of a single value.
    fn attribute(&self, names: &[&'static str]) -> Option<&'c str> {
        people::column_of(&self.behind.arrivals, names)
    }

    /// The managed attribute whose index gives the order by a path.
    pub fn sorting(&self, path: &Path) -> Option<&'c str> {
        self.attribute(&path.names()).filter(|attribute| self.indexed(attribute))
    }
}

impl Columns for Lookup<'_> {
    fn compare(&self, path: &Path, op: Op, literal: &Value) -> Option<(Query, bool)> {
        let (names, arrivals) = (path.names(), &self.behind.arrivals);
        if names == ["active"] {
            let wanted = literal.as_bool().or_else(|| flag(literal.as_str()?))?;
            let (status, off) = arrivals.off_value("active")?;
            let known = op == Op::Eq && self.indexed(status);
            let inactive = query(status, Op::Eq, off.clone());
            let set = Query::Present(Pointer::parse(status));
            let found = if wanted { Query::And(vec![Query::Not(Box::new(inactive)), set]) } else { inactive };
            return known.then_some((found, true));
        }
        if !literal.is_string() {
            return None;
        }
        let exactly = |attribute: &str| Some((query(attribute, op, literal.clone()), true));
        if let Some(attribute) = self.attribute(&names) {
            let exact = path.last().is_some_and(|last| last.exact);
            return if exact || self.indexed(attribute) { exactly(attribute) } else { None };
        }
        match names.as_slice() {
            ["id"] if op == Op::Eq => exactly("_id"),
            ["externalId"] if arrivals.target_of("externalId").is_none() => exactly("scim/externalId"),
            ["members", "value"] if op == Op::Eq => {
                Some((Query::Compare(groups::members_place(arrivals), op, literal.clone()), true))
            }
            // One address is at home in an attribute of its own; further ones are kept with the list.
            ["emails", "value"] => {
                let mail = arrivals.column_of("email").filter(|mail| self.indexed(mail))?;
                let listed = Query::Present(Pointer::parse("scim/emails"));
                Some((Query::Or(vec![query(mail, op, literal.clone()), listed]), false))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            filter::{Filter, Scope},
            schema::{GROUPS, USERS},
        },
        *,
    };
    use api::Arrivals;
    use model::ManagedObjectConfig;

    #[test]
    fn filters_are_narrowed_to_what_can_be_looked_up() {
        let config = ManagedObjectConfig::default_user();
        let arrivals = Arrivals::of(api::people_mapping(&config).unwrap());
        let user = Behind { config, arrivals };
        let config: ManagedObjectConfig = serde_json::from_value(groups::managed_type()).unwrap();
        let arrivals = Arrivals::of(api::groups_mapping(&config).unwrap());
        let group = Behind { config, arrivals };
        for (kind, behind, text, expect, exact) in [
            (&USERS, &user, "userName eq \"a\"", "/userName eq \"a\"", true),
            (&USERS, &user, "userName ne \"a\"", "!/userName eq \"a\"", true),
            (
                &USERS,
                &user,
                "active eq true and name.familyName sw \"L\"",
                "(!/accountStatus eq \"inactive\" and /accountStatus pr) and /sn sw \"L\"",
                true,
            ),
            (&USERS, &user, "active eq \"False\"", "/accountStatus eq \"inactive\"", true),
            (
                &USERS,
                &user,
                "id eq \"7\" or externalId eq \"E\"",
                "/_id eq \"7\" or /scim/externalId eq \"E\"",
                true,
            ),
            (&USERS, &user, "emails.value eq \"a\"", "/mail eq \"a\" or /scim/emails pr", false),
            (&USERS, &user, "not (emails.value eq \"a\")", "true", false),
            (&USERS, &user, "userName eq \"a\" and nickName pr", "/userName eq \"a\" and true", false),
            (&USERS, &user, "title eq \"Boss\"", "true", false),
            (&USERS, &user, "userName ew \"a\"", "true", false),
            (&GROUPS, &group, "displayName eq \"g\"", "/displayName eq \"g\"", true),
            (&GROUPS, &group, "members eq \"u1\"", "/members eq \"u1\"", true),
        ] {
            let filter = Filter::read(Scope::Resource(kind), text, false).unwrap();
            let (query, is_exact) = filter.narrowed(&Lookup { behind });
            assert_eq!((query.to_string().as_str(), is_exact), (expect, exact), "{text}");
        }
    }
}
