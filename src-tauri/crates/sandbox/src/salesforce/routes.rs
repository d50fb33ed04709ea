//! Which path means what, below `/services/data/vNN.0/`.

use serde_json::json;

use crate::answer::Answer;
use crate::request::Request;

use super::catalogue::{ObjectType, find};
use super::problem::Problem;
use super::server::Shared;
use super::{bulk, collections, composite, describe, query, quota, replicate, rows, tree};

/// The oldest version in the list of versions. Salesforce has retired the ones before it; programs that were written
/// for them are answered all the same.
const OLDEST: u16 = 31;
/// The newest one; later ones are answered as well.
const NEWEST: u16 = 68;

/// The number in `v66.0`.
pub(crate) fn version(text: &str) -> Option<u16> {
    text.strip_prefix('v')?.strip_suffix(".0")?.parse().ok()
}

/// `GET /services/data/`, for which nobody needs a session.
pub(crate) fn versions() -> Answer {
    let seasons = ["Spring", "Summer", "Winter"];
    let all: Vec<_> = (OLDEST..=NEWEST)
        .map(|version| {
            // Three releases a year; version 44 was Winter '19.
            let steps = usize::from(version + 3) % 3;
            let year = (i32::from(version) - 44).div_euclid(3) + 19;
            let label = match steps {
                2 => format!("{} '{year}", seasons[2]),
                0 => format!("{} '{year}", seasons[0]),
                _ => format!("{} '{year}", seasons[1]),
            };
            let url = format!("/services/data/v{version}.0");
            json!({"label": label, "url": url, "version": format!("{version}.0")})
        })
        .collect();
    Answer::json(200, &all)
}

pub(crate) fn object(name: &str) -> Result<&'static ObjectType, Problem> {
    find(name).ok_or_else(Problem::not_found)
}

pub(crate) fn route(
    shared: &Shared,
    request: &Request,
    version: u16,
    tail: &[&str],
) -> Result<Answer, Problem> {
    let method = request.meant_method();
    match (method, tail) {
        ("GET", []) => Ok(resources(version)),
        ("GET", ["sobjects"]) => Ok(describe::global(request, version)),
        ("GET", ["sobjects", name]) => Ok(describe::basic(version, object(name)?)),
        ("GET", ["sobjects", name, "describe"]) => describe::full(request, version, object(name)?),
        ("GET", ["sobjects", name, "updated"]) => replicate::updated(shared, request, object(name)?),
        ("GET", ["sobjects", name, "deleted"]) => replicate::deleted(shared, request, object(name)?),
        ("POST", ["sobjects", name]) => rows::create(shared, request, version, object(name)?),
        ("GET", ["sobjects", name, id]) => rows::read(shared, request, version, object(name)?, id),
        ("PATCH", ["sobjects", name, id]) => rows::update(shared, request, object(name)?, id),
        ("DELETE", ["sobjects", name, id]) => rows::delete(shared, request, object(name)?, id),
        ("GET", ["sobjects", name, key, value]) => {
            rows::read_by(shared, request, version, object(name)?, key, value)
        }
        ("PATCH", ["sobjects", name, key, value]) => {
            rows::upsert(shared, request, version, object(name)?, key, value)
        }
        (_, ["sobjects"]) => Err(Problem::method(method, "GET,HEAD")),
        (_, ["sobjects", _]) => Err(Problem::method(method, "GET,HEAD,POST")),
        (_, ["sobjects", _, _] | ["sobjects", _, _, _]) => {
            Err(Problem::method(method, "GET,HEAD,PATCH,DELETE"))
        }
        ("GET", ["query"]) => query::start(shared, request, version, false),
        ("GET", ["queryAll"]) => query::start(shared, request, version, true),
        ("GET", ["query" | "queryAll", locator]) => query::next(shared, request, version, locator),
        ("DELETE", ["query" | "queryAll", locator]) => query::close(shared, locator),
        ("GET", ["limits"]) => Ok(quota::limits(shared, request)),
        ("GET", ["limits", "recordCount"]) => Ok(quota::record_count(shared, request)),
        (_, ["jobs", tail @ ..]) => bulk::route(shared, request, version, method, tail),
        (_, ["composite", "sobjects", tail @ ..]) => {
            collections::route(shared, request, version, method, tail)
        }
        ("POST", ["composite", "tree", name]) => tree::create(shared, request, object(name)?),
        (_, ["composite", tail @ ..]) => composite::route(shared, request, version, method, tail),
        _ => Err(Problem::not_found()),
    }
}

fn resources(version: u16) -> Answer {
    let url = |name: &str| format!("/services/data/v{version}.0/{name}");
    let names = ["sobjects", "query", "queryAll", "composite", "limits", "jobs"];
    let all: serde_json::Map<_, _> =
        names.iter().map(|name| ((*name).to_owned(), url(name).into())).collect();
    Answer::json(200, &all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_have_their_seasons() {
        let answer: serde_json::Value = serde_json::from_slice(&versions().body).unwrap();
        let label = |version: &str| {
            let all = answer.as_array().unwrap();
            all.iter().find(|one| one["version"] == version).unwrap()["label"].as_str().unwrap().to_owned()
        };
        assert_eq!(label("44.0"), "Winter '19");
        assert_eq!(label("65.0"), "Winter '26");
        assert_eq!(label("66.0"), "Spring '26");
        assert_eq!(label("67.0"), "Summer '26");
        assert_eq!(label("68.0"), "Winter '27");
        assert_eq!(version("v66.0"), Some(66));
        assert_eq!(version("v66"), None);
    }
}
