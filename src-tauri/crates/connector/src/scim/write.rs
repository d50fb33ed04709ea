//! Writing records: one call each, many at a time, one outcome per item in its order.

use std::sync::atomic::Ordering;
use std::time::Duration;

use model::Attributes;
use reqwest::Method as Verb;
use reqwest::header::{ETAG, LOCATION};
use serde_json::{Map, Value, json};

use super::answers::{Problem, id_of};
use super::names::Path;
use super::patch::{Assignment, is_delicate, needs_record, request, seen, unseen};
use super::read::is_id;
use super::settings::{Updating, UserDelete};
use super::shape::{find, get};
use super::{Kind, LAST_MODIFIED, Scim};
use crate::error::{ConnectorError, ErrorKind};
use crate::http::{Answer, Failure};
use crate::outcomes::not_done;
use crate::port::{Change, Creation, Outcome, RemoteObject};

/// How often a record is read again because somebody else changed it meanwhile.
const RACES: u32 = 3;

/// What a write was answered.
struct Written {
    /// The record as it is now, where the server shows it.
    resource: Option<Map<String, Value>>,
    location: Option<String>,
}

/// A record with the version that it had when it was read.
struct Fetched {
    resource: Map<String, Value>,
    version: Option<String>,
}

/// Why a write did not end in a record.
enum Setback {
    Settled(Outcome),
    /// Somebody changed the record between reading and writing it.
    Overtaken,
    /// The server does not understand how it was said.
    NotUnderstood(Problem),
    /// The server has no such operation.
    NoSuchVerb(ConnectorError),
}

impl Scim {
    pub(super) async fn create_batch(&self, kind: &Kind, batch: &[Creation]) -> Vec<Outcome> {
        self.together(batch.iter().map(|creation| self.create_one(kind, &creation.attributes)).collect())
            .await
    }

    pub(super) async fn update_batch(&self, kind: &Kind, batch: &[Change]) -> Vec<Outcome> {
        self.together(
            batch.iter().map(|change| self.update_one(kind, &change.uid, &change.attributes)).collect(),
        )
        .await
    }

    pub(super) async fn delete_batch(&self, kind: &Kind, uids: &[String]) -> Vec<Outcome> {
        self.together(uids.iter().map(|uid| self.delete_one(kind, uid)).collect()).await
    }

    async fn create_one(&self, kind: &Kind, attributes: &Attributes) -> Outcome {
        let changes = match self.assignments(kind, attributes) {
            Ok(changes) => changes,
            Err(rejected) => return rejected,
        };
        let body = Value::Object(new_resource(kind, &changes));
        let call = self.call(Verb::POST, self.url(&kind.path), &body, None);
        match self.http.send(&call, written).await {
            Ok(Ok(written)) => self.created(kind, &changes, written).await,
            Ok(Err(problem)) => self.not_created(kind, &changes, &problem).await,
            Err(Failure::Refused(refusal)) => {
                let problem = Problem::of_body(&refusal.body);
                if refusal.status == 409 || problem.is(&["uniqueness"]) {
                    self.not_created(
                        kind,
                        &changes,
                        &Problem { scim_type: "uniqueness".to_owned(), ..problem },
                    )
                    .await
                } else {
                    refused(&changes, refusal.status, &problem, &refusal.error)
                }
            }
            Err(Failure::Lost(error)) => Outcome::Unknown { reason: error.message },
            Err(Failure::NotDone(error)) => not_done(&error),
        }
    }

    async fn created(&self, kind: &Kind, changes: &[Assignment], written: Written) -> Outcome {
        let resource = written.resource.unwrap_or_default();
        let by_location = || {
            let location = written.location.as_deref()?.split(['?', '#']).next()?;
            let step = location.trim_end_matches('/').rsplit('/').next()?;
            // An escaped id is not taken apart here; it is looked up instead.
            (is_id(step) && !step.contains('%')).then(|| step.to_owned())
        };
        let uid = match id_of(&resource).or_else(by_location) {
            Some(uid) => Some(uid),
            None => self.holder_of_key(kind, changes).await,
        };
        match uid {
            Some(uid) => Outcome::Done(RemoteObject { attributes: told(kind, changes, &resource), uid }),
            None => Outcome::Unknown {
                reason: "the server says that it made the record, but not its id".to_owned(),
            },
        }
    }

    /// A value that must be unique is taken: by whom, is looked up.
    async fn not_created(&self, kind: &Kind, changes: &[Assignment], problem: &Problem) -> Outcome {
        let reason = in_words(problem);
        if problem.is(&["uniqueness"])
            && let Some(existing) = self.holder_of_key(kind, changes).await
        {
            return Outcome::Conflict { existing, reason };
        }
        Outcome::Rejected { reason, attribute: attribute_of(changes, problem) }
    }

    /// The record that has the natural key of these values already.
    async fn holder_of_key(&self, kind: &Kind, changes: &[Assignment]) -> Option<String> {
        let key = kind.key.as_ref()?;
        let value = changes.iter().find(|c| c.name == *key)?.value.as_str()?.to_owned();
        match self.read_keys(kind, &[value], std::slice::from_ref(key)).await {
            Ok(found) => found.into_iter().next().map(|object| object.uid),
            Err(error) => {
                tracing::debug!(connector = %self.name, "the holder of a key could not be looked up: {error}");
                None
            }
        }
    }

    async fn update_one(&self, kind: &Kind, uid: &str, attributes: &Attributes) -> Outcome {
        let changes = match self.assignments(kind, attributes) {
            Ok(changes) => changes,
            Err(rejected) => return rejected,
        };
        if !is_id(uid) {
            return Outcome::Gone;
        }
        if changes.is_empty() {
            return Outcome::Done(RemoteObject { uid: uid.to_owned(), ..RemoteObject::default() });
        }
        let patch = match self.settings.updating {
            Updating::Put => false,
            Updating::Patch => true,
            Updating::Auto => !self.without_patch.load(Ordering::Relaxed),
        };
        if !patch {
            return self.put_one(kind, uid, &changes).await;
        }
        match self.patch_one(kind, uid, &changes).await {
            Ok(outcome) => outcome,
            Err(error) if self.settings.updating == Updating::Auto => {
                tracing::info!(connector = %self.name, "changing records by PUT: {error}");
                self.without_patch.store(true, Ordering::Relaxed);
                self.put_one(kind, uid, &changes).await
            }
            Err(error) => Outcome::Rejected {
                reason: format!("{}; set updateMethod to PUT", error.message),
                attribute: None,
            },
        }
    }

    /// Changes a record by PATCH. The error says that the server has none.
    async fn patch_one(
        &self,
        kind: &Kind,
        uid: &str,
        changes: &[Assignment],
    ) -> Result<Outcome, ConnectorError> {
        if !needs_record(changes) {
            let body = request(unseen(changes));
            match self.change(Verb::PATCH, kind, uid, changes, &body, None).await {
                Ok(Some(resource))
                    if changes.iter().all(|c| c.shows_in(&resource)) || !is_delicate(changes) =>
                {
                    return Ok(done(kind, uid, changes, &resource));
                }
                // Without an answer to look at, it has to be looked up whether an element has arrived.
                Ok(None) if !is_delicate(changes) => return Ok(done(kind, uid, changes, &Map::new())),
                Ok(_) | Err(Setback::NotUnderstood(_)) => {}
                Err(Setback::Settled(outcome)) => return Ok(outcome),
                Err(Setback::NoSuchVerb(error)) => return Err(error),
                Err(Setback::Overtaken) => {}
            }
        }
        for _ in 0..=RACES {
            let fetched = match self.fetch(kind, uid).await {
                Ok(Some(fetched)) => fetched,
                Ok(None) => return Ok(Outcome::Gone),
                Err(error) => return Ok(not_done(&error)),
            };
            let operations = seen(changes, &fetched.resource);
            if operations.is_empty() {
                return Ok(done(kind, uid, changes, &fetched.resource));
            }
            let body = request(operations);
            match self.change(Verb::PATCH, kind, uid, changes, &body, fetched.version.as_deref()).await {
                Ok(resource) => return Ok(done(kind, uid, changes, &resource.unwrap_or_default())),
                Err(Setback::Overtaken) => {}
                Err(Setback::Settled(outcome)) => return Ok(outcome),
                Err(Setback::NoSuchVerb(error)) => return Err(error),
                Err(Setback::NotUnderstood(problem)) => {
                    return Ok(Outcome::Rejected {
                        reason: in_words(&problem),
                        attribute: attribute_of(changes, &problem),
                    });
                }
            }
        }
        Ok(overtaken())
    }

    /// Changes a record by reading it and writing it back.
    async fn put_one(&self, kind: &Kind, uid: &str, changes: &[Assignment]) -> Outcome {
        for _ in 0..=RACES {
            let fetched = match self.fetch(kind, uid).await {
                Ok(Some(fetched)) => fetched,
                Ok(None) => return Outcome::Gone,
                Err(error) => return not_done(&error),
            };
            let mut resource = fetched.resource.clone();
            for change in changes {
                change.path.put(&mut resource, &change.value);
            }
            if resource == fetched.resource {
                return done(kind, uid, changes, &fetched.resource);
            }
            without_read_only(kind, &mut resource);
            with_schemas(kind, changes, &mut resource);
            let body = Value::Object(resource);
            match self.change(Verb::PUT, kind, uid, changes, &body, fetched.version.as_deref()).await {
                Ok(resource) => return done(kind, uid, changes, &resource.unwrap_or_default()),
                Err(Setback::Overtaken) => {}
                Err(Setback::Settled(outcome)) => return outcome,
                Err(Setback::NoSuchVerb(error)) => {
                    let reason = format!("{}; records of this type cannot be changed there", error.message);
                    return Outcome::Rejected { reason, attribute: None };
                }
                Err(Setback::NotUnderstood(problem)) => {
                    return Outcome::Rejected {
                        reason: in_words(&problem),
                        attribute: attribute_of(changes, &problem),
                    };
                }
            }
        }
        overtaken()
    }

    /// Sends a change. Gives the record as it is now, where the server shows it.
    async fn change(
        &self,
        verb: Verb,
        kind: &Kind,
        uid: &str,
        changes: &[Assignment],
        body: &Value,
        version: Option<&str>,
    ) -> Result<Option<Map<String, Value>>, Setback> {
        let call = self.call(verb, self.resource_url(kind, uid), body, version);
        let (status, problem, error) = match self.http.send(&call, written).await {
            Ok(Ok(written)) => return Ok(written.resource.filter(|r| id_of(r).is_some_and(|id| id == uid))),
            Ok(Err(problem)) => {
                let error = self.error(ErrorKind::Refused, in_words(&problem));
                (400, problem, error)
            }
            Err(Failure::Refused(refusal)) => {
                (refusal.status, Problem::of_body(&refusal.body), refusal.error)
            }
            Err(Failure::Lost(error)) => {
                return Err(Setback::Settled(Outcome::Unknown { reason: error.message }));
            }
            Err(Failure::NotDone(error)) => return Err(Setback::Settled(not_done(&error))),
        };
        let unclear = ["noTarget", "invalidPath", "invalidFilter", "invalidSyntax"];
        Err(match status {
            404 | 410 => Setback::Settled(Outcome::Gone),
            412 => Setback::Overtaken,
            405 | 501 => Setback::NoSuchVerb(error),
            400 if problem.is(&unclear) || problem.scim_type.is_empty() => Setback::NotUnderstood(problem),
            409 if problem.scim_type.is_empty() => {
                let problem = Problem { scim_type: "uniqueness".to_owned(), ..problem };
                Setback::Settled(refused(changes, status, &problem, &error))
            }
            _ => Setback::Settled(refused(changes, status, &problem, &error)),
        })
    }

    async fn delete_one(&self, kind: &Kind, uid: &str) -> Outcome {
        if !is_id(uid) {
            return Outcome::Gone;
        }
        if kind.name == "User" && self.settings.user_delete == UserDelete::Deactivate {
            return self.update_one(kind, uid, &deactivated()).await;
        }
        let mut call = self.get(self.resource_url(kind, uid));
        call.method = Verb::DELETE;
        call.repeat = crate::http::Repeat::Never;
        match self.http.send(&call, written).await {
            Ok(Ok(_)) => Outcome::Done(RemoteObject { uid: uid.to_owned(), ..RemoteObject::default() }),
            Ok(Err(problem)) => Outcome::Rejected { reason: in_words(&problem), attribute: None },
            Err(Failure::Refused(refusal)) => match refusal.status {
                404 | 410 => Outcome::Gone,
                405 | 501 => {
                    let hint = if kind.name == "User" { "; set userDelete to deactivate" } else { "" };
                    Outcome::Rejected { reason: format!("{}{hint}", refusal.error.message), attribute: None }
                }
                status => refused(&[], status, &Problem::of_body(&refusal.body), &refusal.error),
            },
            Err(Failure::Lost(error)) => Outcome::Unknown { reason: error.message },
            Err(Failure::NotDone(error)) => not_done(&error),
        }
    }

    /// A record whole, with its version; `None` where it is not there.
    async fn fetch(&self, kind: &Kind, uid: &str) -> Result<Option<Fetched>, ConnectorError> {
        let call = self.get(self.resource_url(kind, uid));
        let read = |answer: &Answer| {
            let resource: Map<String, Value> = answer.json()?;
            if id_of(&resource).is_none_or(|id| id != uid) {
                return Err(format!("the answer is not the record `{uid}`"));
            }
            let header = answer.headers.get(ETAG).and_then(|v| v.to_str().ok()).map(str::to_owned);
            let meta = || {
                let version = get(get(&resource, "meta")?.as_object()?, "version")?.as_str()?;
                Some(version.to_owned())
            };
            let version =
                header.or_else(meta).filter(|v| !v.is_empty() && v.bytes().all(|b| b >= b' ' && b != 127));
            Ok(Fetched { resource, version })
        };
        match self.http.send(&call, read).await {
            Ok(fetched) => Ok(Some(fetched)),
            Err(Failure::Refused(refusal)) if matches!(refusal.status, 404 | 410) => Ok(None),
            Err(failure) => Err(failure.into()),
        }
    }

    /// Values with where they go. The error is the outcome of a record that cannot be sent like that.
    fn assignments(&self, kind: &Kind, attributes: &Attributes) -> Result<Vec<Assignment>, Outcome> {
        let rejected = |name: &str, what: &str| Outcome::Rejected {
            reason: format!("{} {what}", kind.name),
            attribute: Some(name.to_owned()),
        };
        attributes
            .iter()
            .filter(|(name, _)| !name.starts_with('_'))
            .map(|(name, value)| {
                let path = Path::parse(name, &kind.shape).ok_or_else(|| {
                    rejected(
                        name,
                        &format!("has no attribute `{name}`; read the schema again and correct the mapping"),
                    )
                })?;
                if path.read_only {
                    let what = format!("has `{name}` for reading only; take it out of the mapping");
                    return Err(rejected(name, &what));
                }
                Ok(Assignment { name: name.clone(), path, value: value.clone() })
            })
            .collect()
    }
}

/// An answer to a write: the record, nothing, or an error that came as a success.
/// What deactivates a user.
pub(super) fn deactivated() -> Attributes {
    Attributes::from_iter([("active".to_owned(), json!(false))])
}

fn written(answer: &Answer) -> Result<Result<Written, Problem>, String> {
    let location = answer.headers.get(LOCATION).and_then(|v| v.to_str().ok()).map(str::to_owned);
    if answer.body.iter().all(u8::is_ascii_whitespace) {
        return Ok(Ok(Written { resource: None, location }));
    }
    // Whatever else stands there, the write was accepted; a record is only taken from a proper document.
    let Ok(document) = answer.json::<Value>() else { return Ok(Ok(Written { resource: None, location })) };
    Ok(match Problem::of_document(&document) {
        Some(problem) => Err(problem),
        None => Ok(Written { resource: document.as_object().cloned(), location }),
    })
}

/// The record that these values make.
fn new_resource(kind: &Kind, changes: &[Assignment]) -> Map<String, Value> {
    let mut resource = Map::from_iter([("schemas".to_owned(), json!([kind.shape.core.id]))]);
    for change in changes {
        change.path.put(&mut resource, &change.value);
    }
    with_schemas(kind, changes, &mut resource);
    // Some servers insist on a primary address, and one alone is it.
    let emails = resource.get_mut("emails").and_then(Value::as_array_mut).filter(|_| kind.name == "User");
    if let Some([Value::Object(only)]) = emails.map(Vec::as_mut_slice) {
        only.entry("primary").or_insert(json!(true));
    }
    resource
}

/// Names the schemas that a record is of: its type's and those of the extensions in it.
fn with_schemas(kind: &Kind, changes: &[Assignment], resource: &mut Map<String, Value>) {
    let mut schemas: Vec<String> = get(resource, "schemas")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|s| s.as_str().map(str::to_owned))
        .collect();
    let extensions = kind.shape.extensions.iter().map(|e| e.id.clone());
    let changed = changes.iter().filter_map(|c| c.path.urn.clone());
    for urn in std::iter::once(kind.shape.core.id.clone()).chain(extensions).chain(changed) {
        let there = urn == kind.shape.core.id || get(resource, &urn).is_some();
        if there && !schemas.iter().any(|s| s.eq_ignore_ascii_case(&urn)) {
            schemas.push(urn);
        }
    }
    resource.insert("schemas".to_owned(), json!(schemas));
}

/// Takes out what only the server writes; there are servers that refuse it.
fn without_read_only(kind: &Kind, resource: &mut Map<String, Value>) {
    resource.retain(|name, _| {
        name.eq_ignore_ascii_case("id")
            || !find(&kind.shape.core.attributes, name).is_some_and(|declared| declared.is_read_only())
    });
}

fn done(kind: &Kind, uid: &str, changes: &[Assignment], resource: &Map<String, Value>) -> Outcome {
    Outcome::Done(RemoteObject { uid: uid.to_owned(), attributes: told(kind, changes, resource) })
}

/// What the server shows of what was sent.
fn told(kind: &Kind, changes: &[Assignment], resource: &Map<String, Value>) -> Attributes {
    let stamp = kind.path_of(LAST_MODIFIED).ok().and_then(|path| path.read(resource));
    changes
        .iter()
        .filter_map(|c| Some((c.name.clone(), c.path.read(resource)?)))
        .chain(stamp.map(|at| (LAST_MODIFIED.to_owned(), at)))
        .collect()
}

fn overtaken() -> Outcome {
    Outcome::Retry {
        after: Duration::from_secs(5),
        reason: "somebody else keeps changing the record at the same time".to_owned(),
    }
}

fn in_words(problem: &Problem) -> String {
    match problem.remedy() {
        Some(remedy) => format!("the server refused: {}; {remedy}", problem.words()),
        None => format!("the server refused: {}", problem.words()),
    }
}

/// The attribute that the server's words are about, if they name one that was sent.
fn attribute_of(changes: &[Assignment], problem: &Problem) -> Option<String> {
    let words: Vec<String> = problem
        .detail
        .split(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '$'))
        .map(str::to_ascii_lowercase)
        .collect();
    changes
        .iter()
        .find(|change| {
            let leaf = change.path.scim();
            let leaf = leaf.rsplit(['.', ':']).next().unwrap_or_default().to_ascii_lowercase();
            let leaf = if leaf == "value" { change.path.attribute.to_ascii_lowercase() } else { leaf };
            words.contains(&leaf)
        })
        .map(|change| change.name.clone())
}

/// The outcome of a record that the server refused.
fn refused(changes: &[Assignment], status: u16, problem: &Problem, error: &ConnectorError) -> Outcome {
    match error.kind {
        ErrorKind::Unauthorized => not_done(error),
        // Words about the address help nobody where the server has said what is wrong.
        _ if status < 500
            && (!problem.detail.is_empty() || !problem.scim_type.is_empty())
            && status != 403 =>
        {
            Outcome::Rejected { reason: in_words(problem), attribute: attribute_of(changes, problem) }
        }
        _ => not_done(error),
    }
}
