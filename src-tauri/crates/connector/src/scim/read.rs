//! Reading records: lists, single ones by id, and those with a key.

use std::collections::HashSet;
use std::sync::atomic::Ordering;

use async_stream::try_stream;
use futures::StreamExt as _;
use model::Attributes;
use serde_json::{Map, Value};

use super::answers::{Problem, id_of};
use super::filter::{Plan, equals};
use super::names::{Path, listed};
use super::walk::Walk;
use super::{Kind, Scim};
use crate::error::{ConnectorError, ErrorKind, NO_PLACE};
use crate::http::Failure;
use crate::port::{Page, Pages, RemoteObject, Search};

/// A record with its id.
type Record = (String, Map<String, Value>);

impl Scim {
    pub(super) fn pages(&self, search: Search) -> Pages<'_> {
        Box::pin(try_stream! {
            let kind = self.kind(&search.object_type).await?;
            let plan = match &search.filter {
                None => None,
                Some(filter) => {
                    Some(Plan::new(filter, &kind.shape).map_err(|name| self.no_attribute(&kind, &name))?)
                }
            };
            let wanted = self.wanted(&kind, &search.attributes)?;
            let mut read = wanted.clone();
            for name in plan.iter().flat_map(|p| &p.attributes) {
                if !read.iter().any(|(known, _)| known == name) {
                    let path = kind.path_of(name).map_err(|name| self.no_attribute(&kind, &name))?;
                    read.push((name.clone(), path));
                }
            }
            let asked = plan.as_ref().and_then(|p| p.asked.clone()).filter(|_| self.filters());
            let after = search.after.as_deref();
            let narrow = self.narrowed(&search.attributes, &read);
            let walk = Walk::new(self, &kind, narrow, asked, after).ok_or_else(|| {
                self.error(ErrorKind::Configuration, NO_PLACE)
            })?;
            let mut walk = walk.doubting();
            while let Some(step) = walk.step(self).await? {
                let mut objects = Vec::with_capacity(step.fresh.len());
                for (uid, resource) in step.fresh {
                    let attributes = flattened(&read, &resource);
                    if plan.as_ref().is_some_and(|plan| !plan.matches(&attributes)) {
                        continue;
                    }
                    let attributes = if read.len() > wanted.len() { flattened(&wanted, &resource) } else { attributes };
                    objects.push(RemoteObject { uid, attributes });
                }
                yield Page { objects, next: step.next, repeated: step.repeated };
            }
        })
    }

    /// The asked attributes with where they lead; all of them where none are named.
    pub(super) fn wanted(
        &self,
        kind: &Kind,
        attributes: &[String],
    ) -> Result<Vec<(String, Path)>, ConnectorError> {
        if attributes.is_empty() {
            let all: Vec<String> = listed(&kind.shape).into_iter().map(|a| a.name).collect();
            return kind.paths(&all).map_err(|name| self.no_attribute(kind, &name));
        }
        kind.paths(attributes).map_err(|name| self.no_attribute(kind, &name))
    }

    /// What `attributes=` says; `None` asks for all of them.
    pub(super) fn narrowed(&self, asked: &[String], read: &[(String, Path)]) -> Option<String> {
        if asked.is_empty() || !self.settings.narrow_reads {
            return None;
        }
        let mut tops: Vec<String> = read.iter().map(|(_, path)| path.top()).collect();
        tops.sort();
        tops.dedup();
        // The id comes along whatever is asked, and asking for nothing would bring everything.
        if tops.is_empty() { Some("id".to_owned()) } else { Some(tops.join(",")) }
    }

    /// Records by id; those that are not there are left out.
    pub(super) async fn read_ids(
        &self,
        kind: &Kind,
        uids: &[String],
        attributes: &[String],
    ) -> Result<Vec<RemoteObject>, ConnectorError> {
        let wanted = self.wanted(kind, attributes)?;
        let narrow = self.narrowed(attributes, &wanted);
        let mut seen = HashSet::new();
        let distinct: Vec<&String> = uids.iter().filter(|uid| seen.insert(uid.as_str())).collect();
        let (wanted, narrow) = (&wanted, narrow.as_deref());
        let calls = distinct.iter().map(|uid| self.resource(kind, uid, narrow)).collect();
        let mut objects = Vec::with_capacity(distinct.len());
        for (uid, resource) in distinct.iter().zip(self.together(calls).await) {
            if let Some(resource) = resource? {
                objects.push(RemoteObject { uid: (*uid).clone(), attributes: flattened(wanted, &resource) });
            }
        }
        Ok(objects)
    }

    /// One record; `None` where it is not there.
    pub(super) async fn resource(
        &self,
        kind: &Kind,
        uid: &str,
        narrow: Option<&str>,
    ) -> Result<Option<Map<String, Value>>, ConnectorError> {
        if !is_id(uid) {
            return Ok(None);
        }
        let mut url = self.resource_url(kind, uid);
        if let Some(narrow) = narrow {
            url.query_pairs_mut().append_pair("attributes", narrow);
        }
        let read = |answer: &crate::http::Answer| {
            let document: Value = answer.json()?;
            if let Some(problem) = Problem::of_document(&document) {
                return Err(format!(
                    "the server answered with an error in the place of the record: {}",
                    problem.words()
                ));
            }
            match document {
                Value::Object(resource) if id_of(&resource).is_some_and(|id| id == uid) => Ok(resource),
                Value::Object(_) => Err(format!("the answer is about another record than `{uid}`")),
                _ => Err("the answer is not a record".to_owned()),
            }
        };
        match self.http.send(&self.get(url), read).await {
            Ok(resource) => Ok(Some(resource)),
            Err(Failure::Refused(refusal)) if matches!(refusal.status, 404 | 410) => Ok(None),
            Err(Failure::Refused(refusal)) if refusal.status == 400 && narrow.is_some() => {
                // Not every server takes `attributes` here.
                Box::pin(self.resource(kind, uid, None)).await
            }
            Err(failure) => Err(failure.into()),
        }
    }

    /// Records by natural key. The key always comes along, so that the caller can tell which value led where.
    pub(super) async fn read_keys(
        &self,
        kind: &Kind,
        values: &[String],
        attributes: &[String],
    ) -> Result<Vec<RemoteObject>, ConnectorError> {
        let Some(key) = &kind.key else {
            return Err(self.error(
                ErrorKind::Unsupported,
                format!(
                    "nothing tells records of type {} apart but their ids; name an attribute in naturalKeys",
                    kind.name
                ),
            ));
        };
        let path = kind.path_of(key).map_err(|name| self.no_attribute(kind, &name))?;
        let mut names = attributes.to_vec();
        if !names.is_empty() && !names.contains(key) {
            names.push(key.clone());
        }
        let wanted = self.wanted(kind, &names)?;
        let narrow = self.narrowed(&names, &wanted);
        let mut values: Vec<&str> = values.iter().map(|v| v.trim()).filter(|v| !v.is_empty()).collect();
        values.sort_unstable();
        values.dedup();
        if values.is_empty() {
            return Ok(Vec::new());
        }
        let mut found = None;
        if self.filters() {
            found = self.ask_for_keys(kind, &path, &values, narrow.clone()).await?;
        }
        let found = match found {
            Some(found) => found,
            None => self.look_for_keys(kind, &path, &values, narrow).await?,
        };
        let mut seen = HashSet::new();
        Ok(found
            .into_iter()
            .filter(|(uid, _)| seen.insert(uid.clone()))
            .map(|(uid, resource)| RemoteObject { uid, attributes: flattened(&wanted, &resource) })
            .collect())
    }

    /// One question for each value. `None` where the server does not filter.
    async fn ask_for_keys(
        &self,
        kind: &Kind,
        path: &Path,
        values: &[&str],
        narrow: Option<String>,
    ) -> Result<Option<Vec<Record>>, ConnectorError> {
        let calls = values.iter().map(|value| self.ask_for_key(kind, path, value, narrow.clone())).collect();
        let mut found = Vec::new();
        for answer in self.together(calls).await {
            match answer? {
                Some(records) => found.extend(records),
                None => return Ok(None),
            }
        }
        Ok(Some(found))
    }

    async fn ask_for_key(
        &self,
        kind: &Kind,
        path: &Path,
        value: &str,
        narrow: Option<String>,
    ) -> Result<Option<Vec<Record>>, ConnectorError> {
        let Some(asked) = equals(path, value) else { return Ok(None) };
        let Some(mut walk) = Walk::new(self, kind, narrow, Some(asked), None) else { return Ok(None) };
        let mut found = Vec::new();
        while let Some(step) = walk.step(self).await? {
            let honest = step.fresh.iter().all(|(_, resource)| has_key(path, resource, &[value]));
            if !walk.is_filtered() || !honest {
                self.without_filter.store(true, Ordering::Relaxed);
                return Ok(None);
            }
            found.extend(step.fresh);
        }
        Ok(Some(found))
    }

    /// The same out of the whole list, for servers without filters.
    async fn look_for_keys(
        &self,
        kind: &Kind,
        path: &Path,
        values: &[&str],
        narrow: Option<String>,
    ) -> Result<Vec<Record>, ConnectorError> {
        tracing::info!(connector = %self.name, "the server does not filter; {} is read whole", kind.path);
        let mut found = Vec::new();
        let Some(walk) = Walk::new(self, kind, narrow, None, None) else { return Ok(found) };
        let mut walk = walk.doubting();
        while let Some(step) = walk.step(self).await? {
            found.extend(step.fresh.into_iter().filter(|(_, resource)| has_key(path, resource, values)));
        }
        Ok(found)
    }

    /// Carries out calls, as many at the same time as there may be connections; what came of each, in order.
    pub(super) async fn together<F: Future>(&self, calls: Vec<F>) -> Vec<F::Output> {
        let at_once = usize::try_from(self.http.connections()).unwrap_or(1).max(1);
        futures::stream::iter(calls).buffered(at_once).collect().await
    }
}

/// Whether an id can be a step of a path.
pub(super) fn is_id(uid: &str) -> bool {
    !matches!(uid, "" | "." | "..")
}

fn has_key(path: &Path, resource: &Map<String, Value>, values: &[&str]) -> bool {
    let found = path.read(resource);
    let Some(text) = found.as_ref().and_then(Value::as_str) else { return false };
    values.iter().any(|value| value.to_lowercase() == text.to_lowercase())
}

/// The attributes of a resource under the names that were asked for.
pub(super) fn flattened(wanted: &[(String, Path)], resource: &Map<String, Value>) -> Attributes {
    wanted.iter().filter_map(|(name, path)| Some((name.clone(), path.read(resource)?))).collect()
}
