//! SCIM 2.0 under `/scim/v2` (RFC 7643, RFC 7644), and 1.1 for WSO2's connector "scim" under `/hubspot/contacts`.
//!
//! Users are managed users, groups are managed objects of the type that the mapping from `scim/Group` leads to. What is read and understood is pure (`filter`,
//! `patch`, `path`, `people`, `groups`, `projection`, `schema`, `tidy`); only `resources` and `list` ask the repository.
//!
//! A password that arrives goes to the repository's protected write and nowhere else: to no log, no error text, no answer.

pub(crate) mod bookmarks;
mod call;
mod door;
mod filter;
mod groups;
mod list;
mod lookup;
mod patch;
mod path;
mod people;
mod projection;
mod refusal;
mod resources;
mod schema;
mod tidy;
mod turns;

use std::sync::Arc;

use api::in_the_name_of;
use axum::{
    Router,
    extract::Request,
    http::{Method, StatusCode, header},
    routing::any,
};
use call::{Answer, Call, Dialect};
use filter::{Filter, Scope};
use list::Wanted;
use refusal::Refusal;
use schema::{KINDS, Kind, USERS};
use serde_json::Value;
pub(crate) use turns::Turns;

use crate::{Shared, gate};

pub(crate) const ROOT: &str = "/scim/v2";
pub(crate) const SEED_ROOT: &str = "/hubspot/contacts";

/// The routes. `scheme` is how this server is reached.
pub(crate) fn routes(shared: Arc<Shared>, scheme: &'static str) -> Router {
    let mut router = Router::new();
    for (root, dialect) in [(ROOT, Dialect::Two), (SEED_ROOT, Dialect::OneOne)] {
        for path in [root.to_owned(), format!("{root}/"), format!("{root}/{{*rest}}")] {
            let shared = Arc::clone(&shared);
            let handler = move |request: Request| {
                let shared = Arc::clone(&shared);
                async move {
                    answer(shared, request, root, dialect, scheme).await.map_or_else(
                        |refusal| call::refuse(refusal, dialect),
                        |answer| answer.respond(dialect),
                    )
                }
            };
            router = router.route(&path, any(handler));
        }
    }
    router
}

async fn answer(
    shared: Arc<Shared>,
    request: Request,
    root: &str,
    dialect: Dialect,
    scheme: &str,
) -> Result<Answer, Refusal> {
    let (peer, headers) = (gate::peer(&request), request.headers().clone());
    let client = door::pass(&shared, peer, &headers).await?;
    let _place = shared.room.place().await?;
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    let base = format!("{scheme}://{host}{root}");
    let mut path = segments(request.uri().path().get(root.len()..).unwrap_or_default())?;
    if dialect == Dialect::OneOne {
        path.insert(0, USERS.plural.to_owned());
    }
    let query = request.uri().query().unwrap_or_default();
    let query = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let method = if request.method() == Method::HEAD { Method::GET } else { request.method().clone() };
    let body = gate::body(request).await?;
    let (app, bookmarks) = (Arc::clone(&shared.app), Arc::clone(&shared.bookmarks));
    let turns = Arc::clone(&shared.scim_turns);
    let call = Call { app, bookmarks, turns, habits: client.habits, dialect, base, query, headers, body };
    in_the_name_of(client.name, dispatch(&call, &method, &path)).await
}

/// Whether a user, as SCIM shows one, meets a filter. `bare_words` takes texts without quotes, as some clients send them.
///
/// # Errors
/// With what is wrong with the filter, or when the user is no object.
pub fn filter_matches(filter: &str, user: &Value, bare_words: bool) -> Result<bool, String> {
    let user = user.as_object().ok_or("a user is an object")?;
    Ok(Filter::read(Scope::Resource(&USERS), filter, bare_words)?.matches(user))
}

/// A user, as SCIM shows one, after a patch. `partial` takes a partial user for a patch too, as SCIM 1.1 has it.
///
/// # Errors
/// With what is wrong with the patch, or when one of both is no object.
pub fn patched(user: &Value, patch: Value, partial: bool, bare_words: bool) -> Result<Value, String> {
    let user = user.as_object().ok_or("a user is an object")?;
    let Value::Object(patch) = patch else { return Err("a patch is an object".into()) };
    patch::apply(&USERS, user, patch, partial, bare_words)
        .map(Value::Object)
        .map_err(|refusal| refusal.detail)
}

/// The steps of a path, decoded. An empty last one is a slash too many.
fn segments(path: &str) -> Result<Vec<String>, Refusal> {
    let decoded = |step: &str| {
        let mut bytes = Vec::with_capacity(step.len());
        let mut rest = step.as_bytes();
        while let Some((&first, after)) = rest.split_first() {
            let digits = after.get(..2).filter(|_| first == b'%').and_then(|d| std::str::from_utf8(d).ok());
            match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
                Some(byte) => {
                    bytes.push(byte);
                    rest = after.get(2..).unwrap_or_default();
                }
                None => {
                    bytes.push(first);
                    rest = after;
                }
            }
        }
        String::from_utf8(bytes).map_err(|_| Refusal::syntax("the request's path is not UTF-8"))
    };
    path.split('/').filter(|step| !step.is_empty()).map(decoded).collect()
}

async fn dispatch(call: &Call, method: &Method, path: &[String]) -> Result<Answer, Refusal> {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    let verb = method.as_str();
    let nothing = || Refusal::not_found(format!("there is nothing at /{}", path.join("/")));
    let kind = |name: &str| -> Option<&'static Kind> {
        KINDS.into_iter().find(|kind| kind.plural.eq_ignore_ascii_case(name))
    };
    match path.as_slice() {
        [] if verb == "GET" => list::of_all(call, Wanted::of_query(call)?).await,
        [] => Err(Refusal::method("GET")),
        [".search"] if verb == "POST" => list::of_all(call, Wanted::of_body(&call.object()?)?).await,
        [".search"] => Err(Refusal::method("POST")),
        ["Me", ..] => Err(Refusal::new(
            StatusCode::NOT_IMPLEMENTED,
            None,
            "a client is no user here, so there is no /Me; ask /Users",
        )),
        ["Bulk"] => Err(Refusal::new(
            StatusCode::NOT_IMPLEMENTED,
            None,
            "operations cannot be sent in bulk; send them one by one",
        )),
        ["ServiceProviderConfig" | "ServiceProviderConfigs" | "ResourceTypes" | "Schemas", ..]
            if verb != "GET" =>
        {
            Err(Refusal::method("GET"))
        }
        ["ServiceProviderConfig" | "ServiceProviderConfigs"] => {
            Ok(Answer::ok(schema::service_provider_config(&call.base, list::LARGEST)))
        }
        ["ResourceTypes", id @ ..] => discovered(call, schema::resource_types(&call.base), id),
        ["Schemas", id @ ..] => discovered(call, schemas(call).await?, id),
        [name] => match (kind(name).ok_or_else(nothing)?, verb) {
            (kind, "GET") => list::of_kind(call, kind, Wanted::of_query(call)?).await,
            (kind, "POST") => resources::create(call, kind).await,
            _ => Err(Refusal::method("GET, POST")),
        },
        [name, ".search"] => match (kind(name).ok_or_else(nothing)?, verb) {
            (kind, "POST") => list::of_kind(call, kind, Wanted::of_body(&call.object()?)?).await,
            _ => Err(Refusal::method("POST")),
        },
        [name, id] => match (kind(name).ok_or_else(nothing)?, verb) {
            (kind, "GET") => resources::read(call, kind, id).await,
            (kind, "PUT") => resources::replace(call, kind, id).await,
            (kind, "PATCH") => resources::change(call, kind, id).await,
            (kind, "DELETE") => resources::delete(call, kind, id).await,
            _ => Err(Refusal::method("GET, PUT, PATCH, DELETE")),
        },
        _ => Err(nothing()),
    }
}

/// The schemas; which attributes are required is for the managed type to say.
async fn schemas(call: &Call) -> Result<Vec<Value>, Refusal> {
    let users = resources::behind(&call.app, &USERS).await?;
    Ok(schema::documents(&call.base, &|kind: &Kind, path: &str| {
        if kind == &USERS {
            users.as_ref().is_some_and(|users| people::is_required(&users.arrivals, &users.config, path))
        } else {
            path == "displayName"
        }
    }))
}

/// All documents, or the one of this id.
fn discovered(call: &Call, documents: Vec<Value>, id: &[&str]) -> Result<Answer, Refusal> {
    if call.parameter("filter").is_some() {
        return Err(Refusal::new(StatusCode::FORBIDDEN, None, "what this server can do cannot be filtered"));
    }
    match id {
        [] => Ok(Answer::list(documents.len(), 1, documents)),
        [id] => documents
            .into_iter()
            .find(|document| document.get("id").and_then(Value::as_str) == Some(id))
            .map(Answer::ok)
            .ok_or_else(|| Refusal::not_found(format!("there is no `{id}`"))),
        _ => Err(Refusal::not_found("there is nothing here")),
    }
}
