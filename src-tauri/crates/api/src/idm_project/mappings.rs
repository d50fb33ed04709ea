//! The mappings of an IDM project, in sync order, each told whether it can run here.

use std::collections::{BTreeMap, BTreeSet};

use model::{ManagedObjectConfig, MappingConfig, Pointer};
use serde_json::{Map, Value};

use super::{
    Note,
    files::{Document, Documents, Project, wrong},
    left_alone::LeftAlone,
    scripts::{self, Remark},
};
use crate::{ApiError, ErrorCode};

/// A mapping on its way in.
#[derive(Debug)]
pub(super) struct Incoming {
    pub config: MappingConfig,
    pub file: String,
    /// Whether it can run as it stands.
    pub runs: bool,
    pub notes: Vec<Note>,
    /// The mappings that have to come first, where its file says so.
    after: Vec<String>,
}

impl Incoming {
    /// Tells of attributes that nobody may read, at either end: they cannot be mapped.
    pub fn tell_protected(
        &mut self,
        source: Option<&ManagedObjectConfig>,
        target: Option<&ManagedObjectConfig>,
    ) {
        let about = format!("mapping `{}`", self.config.name);
        let is_protected = |kind: Option<&ManagedObjectConfig>, pointer: &str| {
            let pointer = Pointer::parse(pointer);
            kind.zip(pointer.head()).is_some_and(|(kind, head)| kind.protection(head).is_some())
        };
        for property in &self.config.properties {
            let place = format!("property `{}`", property.target);
            let what = if is_protected(target, &property.target) {
                self.runs = false;
                self.config.enable_sync = Some(false);
                "what it writes is kept where nobody can read it, and a plan shows what it writes: the mapping, and its implicit sync, does not run until \
                 this property is removed"
            } else if property.source.as_deref().is_some_and(|name| is_protected(source, name)) {
                // Its scripts find no value, so that they come to nothing of IDM's that would be missing.
                self.notes.retain(|note| !note.place.starts_with(&format!("{place}, ")));
                "what it reads is kept where no mapping can read it: there is never a value, so nothing is written"
            } else {
                continue;
            };
            self.notes.push(Note { about: about.clone(), place, what: what.to_owned() });
        }
    }
}

/// Every mapping in sync order: those of `sync.json` as they stand there, then those of files of their own, by
/// `syncAfter` and name. With them what stands beside the mappings in `sync.json`.
pub(super) fn read(
    documents: &mut Documents,
    project: &Project,
) -> Result<(Vec<Incoming>, Option<Map<String, Value>>), ApiError> {
    let mut rest = None;
    let mut left_out = BTreeSet::new();
    let mut listed = Vec::new();
    if let Some(Document { file, value }) = documents.sync.take() {
        let Value::Object(mut map) = value else {
            return Err(wrong(&file, "is not an object with `mappings`"));
        };
        map.shift_remove("_id");
        let Some(Value::Array(items)) = map.shift_remove("mappings") else {
            return Err(wrong(&file, "`mappings` is not a list"));
        };
        rest = Some(map);
        for item in items {
            if let Some(why) = foreign(&item) {
                documents.others.push(left_alone(&file, &item, why));
                left_out.insert(name_of(&item).to_owned());
                continue;
            }
            listed.push(Incoming { after: Vec::new(), ..read_one(item, &file, project)? });
        }
    }
    let mut single = Vec::new();
    for (name, Document { file, mut value }) in std::mem::take(&mut documents.mappings) {
        if let Some(map) = value.as_object_mut() {
            map.shift_remove("_id");
            map.entry("name").or_insert_with(|| name.into());
        }
        match foreign(&value) {
            Some(why) => {
                documents.others.push(left_alone(&file, &value, why));
                left_out.insert(name_of(&value).to_owned());
            }
            None => single.push(read_one(value, &file, project)?),
        }
    }
    let mut all = in_order(listed, single)?;
    keep_links(&mut all, &left_out);
    let mut names = BTreeSet::new();
    for mapping in &all {
        if !names.insert(mapping.config.name.to_lowercase()) {
            return Err(wrong(
                &mapping.file,
                format!("mapping `{}` stands twice in the project", mapping.config.name),
            ));
        }
    }
    Ok((all, rest))
}

/// Of mappings that share the links of one that is left alone, the first keeps them in its place: nobody else has any there.
fn keep_links(mappings: &mut [Incoming], left_out: &BTreeSet<String>) {
    let mut heirs: BTreeMap<String, String> = BTreeMap::new();
    for mapping in mappings {
        let config = &mut mapping.config;
        let Some(owner) = config.links.clone().filter(|owner| left_out.contains(owner)) else { continue };
        let heir = heirs.entry(owner.clone()).or_insert_with(|| config.name.clone());
        config.links = Some(heir.clone()).filter(|heir| *heir != config.name);
        let now = match &config.links {
            Some(heir) => format!("it shares those of `{heir}` instead"),
            None => "it keeps links of its own instead".to_owned(),
        };
        mapping.notes.push(Note {
            about: format!("mapping `{}`", config.name),
            place: "links".into(),
            what: format!("names mapping `{owner}`, which was left where it is; {now}"),
        });
    }
}

fn left_alone(file: &str, mapping: &Value, why: String) -> LeftAlone {
    LeftAlone { file: format!("{file}, mapping `{}`", name_of(mapping)), why }
}

fn name_of(mapping: &Value) -> &str {
    mapping.get("name").and_then(Value::as_str).unwrap_or("?")
}

fn read_one(mut value: Value, file: &str, project: &Project) -> Result<Incoming, ApiError> {
    let refused = |e: &dyn std::fmt::Display| wrong(file, e);
    let unfit = scripts::bring_in(&mut value, project);
    let asking = scripts::asking(&mut value);
    let own_links = value.get("links").is_some_and(|links| Some(links) == value.get("name"));
    if let Some(map) = value.as_object_mut().filter(|_| own_links) {
        map.shift_remove("links");
    }
    let mut config = MappingConfig::from_value(value.clone()).map_err(|e| refused(&e))?;

    // What cannot run here is not wrong; all the rest has to be right.
    let mut checked = value.clone();
    scripts::stand_in(&mut checked);
    let mut checked = MappingConfig::from_value(checked).map_err(|e| refused(&e))?;
    for query in [&mut checked.source_query, &mut checked.target_query].into_iter().flatten() {
        query.id = None;
        query.expression = None;
        query.rest.shift_remove("resourceName");
    }
    engine::check_mapping(&checked).map_err(|e| refused(&e))?;

    let about = format!("mapping `{}`", config.name);
    let note = |place: &str, what: String| Note { about: about.clone(), place: place.to_owned(), what };
    let unfit_is_told = !unfit.is_empty();
    let mut notes: Vec<Note> =
        unfit.into_iter().chain(asking).map(|Remark { place, what }| note(&place, what)).collect();
    let problem = engine::check_mapping(&config).err();
    let runs = problem.is_none();
    if let Some(problem) = problem {
        if !unfit_is_told {
            notes.push(note("", problem.to_string()));
        }
        let implicit = if config.sync_enabled() { "; its implicit sync is switched off" } else { "" };
        config.enable_sync = Some(false);
        notes.push(note("", format!("it is kept, and cannot run until this is changed{implicit}")));
    }
    if own_links {
        notes.push(note("links", "names the mapping itself, which says nothing; it was left out".into()));
    }
    notes.extend(unmapped_in_rules(&config).into_iter().map(|name| {
        let what = format!("`{name}` is in an expression tree and no property maps to it, so nothing matches by it, as in IDM");
        note("correlationQuery", what)
    }));
    notes.extend(overruled_rules(&config).into_iter().map(|qualifier| {
        let what = format!(
            "has several rules for the link qualifier `{qualifier}`, of which the last counts, as in IDM"
        );
        note("correlationQuery", what)
    }));
    for (key, value) in &mut config.rest.clone() {
        if !scripts::places(value).is_empty() {
            notes.push(note(key, "its script is kept and not run here".into()));
        }
        if key == "consentRequired" && value.as_bool() == Some(true) {
            notes.push(note(key, "is kept and not heeded: nobody's consent is looked at".into()));
        }
    }
    if value.to_string().contains("&{") {
        notes.push(note("", "it has `&{...}` in it, which is kept and not replaced by a value".into()));
    }
    let names = |value: &Value| value.as_str().map(str::to_owned);
    let after = config.rest.get("syncAfter").and_then(Value::as_array);
    let after = after.into_iter().flatten().filter_map(names).collect();
    Ok(Incoming { config, file: file.to_owned(), runs, notes, after })
}

/// Why a mapping has no place here at all, if so: it is left in its file, and all the rest comes in.
fn foreign(value: &Value) -> Option<String> {
    let end = |key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default();
    let of_the_server = |path: &&str| path.starts_with("repo/") || path.starts_with("internal/");
    if let Some(path) = [end("source"), end("target")].into_iter().find(of_the_server) {
        return Some(format!("`{path}` is a resource of the IDM server's own, which nothing here holds"));
    }
    let policies = value.get("policies").and_then(Value::as_array).into_iter().flatten();
    let mut actions = policies.filter_map(|policy| policy.get("action")?.as_str());
    actions.any(|action| action == "ONBOARD").then(|| {
        "its action ONBOARD belongs to IDM's governance, which is not here; choose another action".to_owned()
    })
}

/// The target attributes that expression trees ask for and no property gives.
fn unmapped_in_rules(config: &MappingConfig) -> BTreeSet<String> {
    fn leaves(tree: &Value, found: &mut BTreeSet<String>) {
        match tree {
            Value::String(name) => drop(found.insert(name.trim_start_matches('/').to_owned())),
            Value::Array(parts) => parts.iter().for_each(|part| leaves(part, found)),
            Value::Object(map) => map.values().for_each(|part| leaves(part, found)),
            _ => {}
        }
    }
    let mut names = BTreeSet::new();
    let trees = config.correlation_queries().iter().filter_map(|rule| rule.get("expressionTree"));
    trees.for_each(|tree| leaves(tree, &mut names));
    let is_mapped = |name: &str| config.properties.iter().any(|p| p.target.trim_start_matches('/') == name);
    names.retain(|name| !is_mapped(name));
    names
}

/// The link qualifiers that have more than one rule.
fn overruled_rules(config: &MappingConfig) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    let qualifier =
        |rule: &Value| rule.get("linkQualifier").and_then(Value::as_str).unwrap_or("default").to_owned();
    config.correlation_queries().iter().map(qualifier).filter(|of| !seen.insert(of.clone())).collect()
}

/// Puts mappings of files of their own behind those of the list and behind those that they name.
fn in_order(mut done: Vec<Incoming>, mut waiting: Vec<Incoming>) -> Result<Vec<Incoming>, ApiError> {
    while !waiting.is_empty() {
        let held = |m: &Incoming| {
            waiting
                .iter()
                .any(|other| other.config.name != m.config.name && m.after.contains(&other.config.name))
        };
        let Some(next) = waiting.iter().position(|m| !held(m)) else {
            let names: Vec<&str> = waiting.iter().map(|m| m.config.name.as_str()).collect();
            return Err(ApiError::new(
                ErrorCode::Invalid,
                format!(
                    "the mappings {} wait for each other by `syncAfter`; nothing was imported",
                    names.join(", ")
                ),
            ));
        };
        done.push(waiting.remove(next));
    }
    Ok(done)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Incoming, MappingConfig, in_order};

    fn mappings(of: &[(&str, &[&str])]) -> Vec<Incoming> {
        of.iter()
            .map(|(name, after)| Incoming {
                config: MappingConfig::from_value(
                    json!({"name": name, "source": "managed/user", "target": "system/x/y"}),
                )
                .unwrap(),
                file: String::new(),
                runs: true,
                notes: Vec::new(),
                after: after.iter().map(|s| (*s).to_owned()).collect(),
            })
            .collect()
    }

    #[test]
    fn mappings_come_after_those_that_they_name() {
        for (listed, single, expect) in [
            (&["z"][..], &[("b", &["c"][..]), ("c", &["z", "elsewhere"])][..], Some("z c b")),
            (&[], &[("a", &["b", "c"]), ("b", &["c"]), ("c", &[])], Some("c b a")),
            (&[], &[("a", &["a"]), ("b", &[])], Some("a b")),
            (&["z"], &[("a", &["b"]), ("b", &["a"])], None),
        ] {
            let listed: Vec<(&str, &[&str])> = listed.iter().map(|name| (*name, &[][..])).collect();
            let order = in_order(mappings(&listed), mappings(single)).ok();
            let names =
                order.map(|all| all.iter().map(|m| m.config.name.clone()).collect::<Vec<_>>().join(" "));
            assert_eq!(names.as_deref(), expect, "{single:?}");
        }
    }
}
