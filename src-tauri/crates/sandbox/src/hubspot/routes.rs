//! Which path means what. Version 3, version 4 of associations, and the dated versions differ in the prefix only.

use crate::answer::Answer;
use crate::request::Request;

use super::access::Caller;
use super::problem::Problem;
use super::server::Shared;
use super::state::ObjectKind;
use super::{account, associations, batch, objects, schema, search};

/// A path below the version prefix.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Target<'a> {
    /// `objects`, `properties`, `associations`, `owners`, `account-info`.
    pub api: &'a str,
    pub version: &'a str,
    pub tail: Vec<&'a str>,
}

/// Versions named by their date.
pub(crate) const DATED: &[&str] = &["2026-03", "2026-09"];

pub(crate) fn target<'a>(segments: &[&'a str]) -> Option<Target<'a>> {
    let (version, api, tail) = match segments {
        ["crm", version @ ("v3" | "v4"), api, tail @ ..] => (version, api, tail),
        ["crm", api, version, tail @ ..] if DATED.contains(version) => (version, api, tail),
        [api @ "account-info", version, tail @ ..] => (version, api, tail),
        _ => return None,
    };
    Some(Target { api, version, tail: tail.to_vec() })
}

/// Whether the target is a search, which has a limit of its own.
pub(crate) fn is_search(target: &Target<'_>) -> bool {
    target.api == "objects" && target.tail.get(1) == Some(&"search")
}

pub(crate) fn route(
    shared: &Shared,
    request: &Request,
    caller: &Caller,
    target: &Target<'_>,
) -> Result<Answer, Problem> {
    let kind = |name: &str| ObjectKind::parse(name).ok_or_else(|| Problem::kind(name));
    let method = request.method.as_str();
    match (target.api, target.tail.as_slice()) {
        ("objects", [name, tail @ ..]) => object_route(shared, request, caller, kind(name)?, tail),
        ("properties", [name, tail @ ..]) => {
            schema::route(&mut shared.crm_mut(), request, caller, kind(name)?, tail)
        }
        ("associations", [from, to, tail @ ..]) => {
            associations::route(shared, request, caller, [from, to], tail, target.version == "v3")
        }
        ("owners", tail) if method == "GET" => {
            caller.needs(&["crm.objects.owners.read", "crm.objects.contacts.read"])?;
            match tail {
                [] => account::owners(request),
                [id] => account::owner(id),
                _ => Err(Problem::not_found()),
            }
        }
        ("account-info", ["details"]) if method == "GET" => Ok(account::details(shared, request)),
        ("account-info", ["api-usage", "daily", "private-apps"] | ["api-usage", "daily"])
            if method == "GET" =>
        {
            Ok(account::usage(shared, request))
        }
        _ => Err(Problem::not_found()),
    }
}

fn object_route(
    shared: &Shared,
    request: &Request,
    caller: &Caller,
    kind: ObjectKind,
    tail: &[&str],
) -> Result<Answer, Problem> {
    let method = request.method.as_str();
    let reading = method == "GET" || matches!(tail, ["search"] | ["batch", "read"]);
    if reading {
        caller.needs_read(kind)?
    } else {
        caller.needs_write(kind)?
    }
    match (method, tail) {
        ("GET", []) => objects::list(&shared.crm(), request, kind),
        ("POST", []) => objects::create(&mut shared.crm_mut(), request, caller, kind),
        ("POST", ["search"]) => search::search(&shared.crm(), request, kind),
        ("POST", ["merge"]) => objects::merge(&mut shared.crm_mut(), request, caller, kind),
        ("POST", ["gdpr-delete"]) if kind == ObjectKind::Contact => {
            objects::erase(&mut shared.crm_mut(), request, caller, kind)
        }
        ("POST", ["batch", "read"]) => batch::read(&shared.crm(), request, kind),
        ("POST", ["batch", "create"]) => batch::create(&mut shared.crm_mut(), request, caller, kind),
        ("POST", ["batch", "update"]) => batch::update(&mut shared.crm_mut(), request, caller, kind),
        ("POST", ["batch", "upsert"]) => batch::upsert(&mut shared.crm_mut(), request, caller, kind),
        ("POST", ["batch", "archive"]) => batch::archive(&mut shared.crm_mut(), request, caller, kind),
        (_, ["batch", ..] | ["search" | "merge" | "gdpr-delete"]) => Err(Problem::method()),
        ("GET", [id]) => objects::read(&shared.crm(), request, kind, id),
        ("PATCH", [id]) => objects::update(&mut shared.crm_mut(), request, caller, kind, id),
        ("DELETE", [id]) => Ok(objects::archive(&mut shared.crm_mut(), request, caller, kind, id)),
        (_, [] | [_]) => Err(Problem::method()),
        (_, [id, "associations", rest @ ..]) => associations::of_record(shared, request, kind, id, rest),
        _ => Err(Problem::not_found()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_differ_in_the_prefix_only() {
        for (path, api, version, tail) in [
            ("crm/v3/objects/contacts", "objects", "v3", "contacts"),
            ("crm/objects/2026-03/0-1/batch/read", "objects", "2026-03", "0-1/batch/read"),
            ("crm/properties/2026-09/companies", "properties", "2026-09", "companies"),
            (
                "crm/v4/associations/contacts/companies/batch/read",
                "associations",
                "v4",
                "contacts/companies/batch/read",
            ),
            ("account-info/v3/details", "account-info", "v3", "details"),
        ] {
            let segments: Vec<&str> = path.split('/').collect();
            let found = target(&segments).unwrap();
            assert_eq!(
                (found.api, found.version, found.tail.join("/").as_str()),
                (api, version, tail),
                "{path}"
            );
        }
        assert_eq!(target(&["crm", "objects", "2019-01", "contacts"]), None);
    }
}
