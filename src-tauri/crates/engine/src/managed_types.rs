//! The types of managed objects: reading them, and changing them with the consequences known beforehand.

mod together;

use std::collections::BTreeMap;

use model::{
    Attributes, ManagedConfig, ManagedObjectConfig, MappingConfig, Pointer,
    filter::is_present,
    policy::{self, Violation},
    schema_check,
};
use serde_json::{Map, Value};
use store::{AuditRow, ErrorKind, ManagedQuery, Reader, StoreError};

use crate::{Engine, EngineError, title::title_of};

/// The setting that holds `managed.json`.
const SETTING: &str = "managed";
/// Objects read at a time.
const PAGE: usize = 1000;
/// Objects whose columns are filled in one transaction: a few milliseconds, so that nobody waits for it.
const FILLED_AT_ONCE: usize = 500;
/// Objects named as examples.
const EXAMPLES: usize = 5;

/// A change of a type.
#[derive(Debug, Clone)]
pub struct TypeChange {
    /// The type as it is to be.
    pub config: ManagedObjectConfig,
    /// The revision that the change is based on; `None` takes whatever is there.
    pub rev: Option<String>,
    /// Whether the consequences are known and meant.
    pub confirmed: bool,
    /// Who changes it.
    pub who: String,
}

/// How much a problem matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gravity {
    /// The type cannot be saved like this.
    Refused,
    /// It is saved when somebody says that this is meant.
    Confirm,
    /// Worth knowing.
    Note,
}

/// What stands in the way of a change of a type, or comes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypeProblem {
    /// How much it matters.
    pub gravity: Gravity,
    /// The attribute; `None` for the type itself.
    pub property: Option<String>,
    /// For people.
    pub message: String,
    /// How many objects it is about.
    pub objects: Option<u64>,
    /// Some of them, or of their values.
    pub examples: Vec<String>,
}

impl TypeProblem {
    fn new(gravity: Gravity, property: &str, message: String) -> Self {
        Self { gravity, property: Some(property.to_owned()), message, objects: None, examples: Vec::new() }
    }
}

/// What became of a change of a type.
#[derive(Debug, Clone)]
pub struct TypeSaved {
    /// The revision in force now; `None` where the type does not exist.
    pub rev: Option<String>,
    /// Whether it was saved.
    pub saved: bool,
    /// What stands in the way, or is worth knowing; the gravest first.
    pub problems: Vec<TypeProblem>,
    /// Whether columns are to be filled, by [`Engine::fill_columns`].
    pub to_fill: bool,
}

impl Engine {
    /// The schema of a managed type: as configured, else the default user.
    pub fn managed_type(reader: &Reader<'_>, name: &str) -> Result<ManagedObjectConfig, EngineError> {
        let mut types = Self::managed_types(reader)?;
        match types.iter().position(|t| t.name == name) {
            Some(n) => Ok(types.swap_remove(n)),
            None => {
                let known: Vec<String> = types.into_iter().map(|t| t.name).collect();
                Err(EngineError::NotFound(format!(
                    "there is no managed object type `{name}`; there are: {}",
                    known.join(", ")
                )))
            }
        }
    }

    /// Every managed type, in the order of the configuration; `user` is there even when nobody has configured it.
    pub fn managed_types(reader: &Reader<'_>) -> Result<Vec<ManagedObjectConfig>, EngineError> {
        let mut types = configured(reader)?.objects;
        if !types.iter().any(|t| t.name == "user") {
            types.insert(0, ManagedObjectConfig::default_user());
        }
        Ok(types)
    }

    /// The revision of a type: another one as soon as anything in it changes.
    pub fn managed_type_rev(config: &ManagedObjectConfig) -> String {
        let text = serde_json::to_string(config).unwrap_or_default();
        blake3::hash(text.as_bytes()).to_hex().chars().take(16).collect()
    }

    /// Saves a type, or says why not. Consequences for what is stored are counted first, and a change that has any is only
    /// saved when it is confirmed.
    pub async fn save_managed_type(&self, change: TypeChange) -> Result<TypeSaved, EngineError> {
        let config = normal(change.config);
        let asked = config.clone();
        let (old, mut problems) = self
            .store
            .read(move |r| {
                let types = match Self::managed_types(r) {
                    Ok(types) => types,
                    Err(error) => return Ok(Err(error)),
                };
                let old = types.into_iter().find(|t| t.name == asked.name);
                let mut problems = flaws(&asked);
                if let (Some(old), false) = (&old, problems.iter().any(|p| p.gravity == Gravity::Refused)) {
                    problems.extend(in_mappings(r, old, &asked)?);
                    problems.extend(in_objects(r, old, &asked)?);
                }
                Ok(Ok((old, problems)))
            })
            .await??;
        problems.sort_by_key(|p| p.gravity);
        let rev = old.as_ref().map(Self::managed_type_rev);
        if change.rev.is_some() && change.rev != rev {
            return Err(StoreError::new(
                ErrorKind::Stale,
                format!(
                    "the type {} has changed meanwhile; load it again and repeat the change",
                    config.name
                ),
            )
            .into());
        }
        let stopped = problems.iter().any(|p| match p.gravity {
            Gravity::Refused => true,
            Gravity::Confirm => !change.confirmed,
            Gravity::Note => false,
        });
        if stopped {
            return Ok(TypeSaved { rev, saved: false, problems, to_fill: false });
        }
        let audit = AuditRow {
            at: self.at(),
            who: change.who,
            topic: "managed".into(),
            object: config.name.clone(),
            detail: in_words(old.as_ref(), &config),
        };
        let new_rev = Self::managed_type_rev(&config);
        let to_fill = self
            .store
            .write(move |w| {
                let mut all = match configured(w) {
                    Ok(all) => all,
                    Err(error) => return Ok(Err(error)),
                };
                let now = match Self::managed_types(w) {
                    Ok(types) => types.into_iter().find(|t| t.name == config.name),
                    Err(error) => return Ok(Err(error)),
                };
                if now != old {
                    return Err(StoreError::new(
                        ErrorKind::Stale,
                        format!(
                            "the type {} has changed meanwhile; load it again and repeat the change",
                            config.name
                        ),
                    ));
                }
                let to_fill = w.set_columns(old.as_ref(), &config)?;
                match all.objects.iter_mut().find(|t| t.name == config.name) {
                    Some(slot) => *slot = config,
                    None => all.objects.push(config),
                }
                put(w, &all)?;
                w.add_audit(&audit)?;
                Ok(Ok(to_fill))
            })
            .await??;
        Ok(TypeSaved { rev: Some(new_rev), saved: true, problems, to_fill })
    }

    /// Removes a type that has no objects and that no mapping names.
    pub async fn remove_managed_type(&self, name: &str, who: &str) -> Result<(), EngineError> {
        let (name, at, who) = (name.to_owned(), self.at(), who.to_owned());
        self.store
            .write(move |w| {
                if let Err(error) = Self::removable(w, &name)? {
                    return Ok(Err(error));
                }
                Self::drop_managed_type(w, &name)?;
                w.add_audit(&AuditRow {
                    at,
                    who,
                    topic: "managed".into(),
                    object: name,
                    detail: "removed".into(),
                })?;
                Ok(Ok(()))
            })
            .await?
    }

    /// Fills the columns of attributes that became searchable, in small transactions, until none is left to fill, and builds
    /// the indexes that a load left behind which could not end.
    pub async fn fill_columns(&self) -> Result<(), EngineError> {
        self.store.build_column_indexes().await?;
        let types = self.store.read(|r| Ok(Self::managed_types(r))).await??;
        for config in types {
            let kind = config.name.clone();
            if self.store.read(move |r| r.managed_filling(&kind)).await?.is_empty() {
                continue;
            }
            loop {
                let config = config.clone();
                if !self.store.write(move |w| w.fill_columns(&config, FILLED_AT_ONCE)).await? {
                    break;
                }
            }
        }
        Ok(())
    }
}

fn configured(reader: &Reader<'_>) -> Result<ManagedConfig, EngineError> {
    let Some(text) = reader.setting(SETTING)? else {
        return Ok(ManagedConfig { objects: Vec::new(), rest: Map::new() });
    };
    serde_json::from_str(&text)
        .map_err(|e| EngineError::config(format!("the managed objects' configuration cannot be read: {e}")))
}

fn put(w: &store::Writer<'_>, all: &ManagedConfig) -> Result<(), StoreError> {
    let text = serde_json::to_string(all).map_err(|e| {
        StoreError::new(ErrorKind::Other, format!("the managed types cannot be written: {e}"))
    })?;
    w.set_setting(SETTING, &text)
}

/// The order names each property once, and nothing else; so does `required`.
fn normal(mut config: ManagedObjectConfig) -> ManagedObjectConfig {
    config.schema.order = config.ordered().map(str::to_owned).collect();
    let mut seen = std::collections::BTreeSet::new();
    config.schema.order.retain(|name| seen.insert(name.clone()));
    seen.clear();
    config.schema.required.retain(|name| seen.insert(name.clone()));
    config
}

fn flaws(config: &ManagedObjectConfig) -> Vec<TypeProblem> {
    let gravity = |fatal| if fatal { Gravity::Refused } else { Gravity::Note };
    schema_check::flaws(config)
        .into_iter()
        .map(|flaw| TypeProblem {
            gravity: gravity(flaw.fatal),
            property: flaw.property,
            message: flaw.message,
            objects: None,
            examples: Vec::new(),
        })
        .collect()
}

fn removed<'o>(old: &'o ManagedObjectConfig, new: &ManagedObjectConfig) -> Vec<&'o str> {
    old.ordered().filter(|name| !new.schema.properties.contains_key(*name)).collect()
}

/// What a change of the type means for the mappings that use it.
fn in_mappings(
    r: &Reader<'_>,
    old: &ManagedObjectConfig,
    new: &ManagedObjectConfig,
) -> Result<Vec<TypeProblem>, StoreError> {
    let mappings: Vec<MappingConfig> = r.mappings()?.into_iter().map(|m| m.config).collect();
    let using = |name: &str| -> Vec<String> {
        mappings.iter().filter(|m| uses(m, &old.name, name)).map(|m| m.name.clone()).collect()
    };
    let mut found = Vec::new();
    for name in removed(old, new) {
        let users = using(name);
        if !users.is_empty() {
            let message = format!(
                "{} is used by {}; that goes on reading and writing it outside of the schema until it is changed",
                old.title(name),
                users.join(", ")
            );
            found.push(TypeProblem::new(Gravity::Confirm, name, message));
        }
    }
    for name in new.ordered().filter(|name| new.protection(name).is_some() && old.protection(name).is_none())
    {
        let users = using(name);
        if !users.is_empty() {
            let message = format!(
                "{} is used by {}, and a mapping neither reads nor writes values that nobody may read; take it out of there first",
                new.title(name),
                users.join(", ")
            );
            found.push(TypeProblem::new(Gravity::Refused, name, message));
        }
    }
    Ok(found)
}

/// Whether a mapping reads or writes an attribute of a type, or names it in a condition or script.
fn uses(mapping: &MappingConfig, kind: &str, attribute: &str) -> bool {
    let path = format!("managed/{kind}");
    let (reads, writes) = (mapping.source == path, mapping.target == path);
    if !reads && !writes {
        return false;
    }
    let Ok(Value::Object(mut document)) = serde_json::to_value(mapping) else { return false };
    for key in ["name", "displayName", "source", "target", "links"] {
        document.remove(key);
    }
    let is_it = |value: Option<&Value>| {
        value.and_then(Value::as_str).is_some_and(|text| Pointer::parse(text).head() == Some(attribute))
    };
    if let Some(Value::Array(properties)) = document.get_mut("properties") {
        for property in properties {
            if (reads && is_it(property.get("source"))) || (writes && is_it(property.get("target"))) {
                return true;
            }
            if let Value::Object(property) = property {
                property.remove("source");
                property.remove("target");
            }
        }
    }
    mentions(&Value::Object(document), attribute)
}

/// Whether a text somewhere in the document has this word.
fn mentions(document: &Value, word: &str) -> bool {
    match document {
        Value::String(text) => {
            text.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '-')).any(|part| part == word)
        }
        Value::Array(items) => items.iter().any(|item| mentions(item, word)),
        Value::Object(map) => map.values().any(|item| mentions(item, word)),
        _ => false,
    }
}

#[derive(Default)]
struct Tally {
    message: String,
    objects: u64,
    examples: Vec<String>,
}

/// What a change of the type means for the objects that are stored. Looks at all of them, and only if a rule has changed.
fn in_objects(
    r: &Reader<'_>,
    old: &ManagedObjectConfig,
    new: &ManagedObjectConfig,
) -> Result<Vec<TypeProblem>, StoreError> {
    let gone = removed(old, new);
    let rules = |config: &ManagedObjectConfig, name: &str| {
        let property = config.schema.properties.get(name);
        let part = |key: &str| property.and_then(|p| p.get(key)).cloned();
        let keys = ["type", "minLength", "maxLength", "policies", "properties", "items"];
        (config.schema.required.iter().any(|r| r == name), keys.map(part))
    };
    let changed: Vec<&str> = new.ordered().filter(|name| rules(old, name) != rules(new, name)).collect();
    let hidden: Vec<&str> =
        new.ordered().filter(|n| new.protection(n).is_some() && old.protection(n).is_none()).collect();
    let mut found = Vec::new();
    for name in
        old.ordered().filter(|n| old.protection(n).is_some() && new.protection(n) != old.protection(n))
    {
        if new.schema.properties.contains_key(name) && r.managed_count(&old.name)? > 0 {
            let message = format!(
                "the values of {} are kept out of sight, and cannot be had back; remove the property and add another one",
                old.title(name)
            );
            found.push(TypeProblem::new(Gravity::Refused, name, message));
        }
    }
    for name in new.unique().filter(|name| !old.has_policy(name, "unique")) {
        let (objects, values) = r.managed_repeated(&new.name, name, EXAMPLES)?;
        if objects > 0 {
            found.push(TypeProblem {
                objects: Some(objects),
                examples: values.into_iter().map(|v| format!("{} ({} objects)", v.value, v.objects)).collect(),
                ..TypeProblem::new(
                    Gravity::Confirm,
                    name,
                    format!(
                        "{} is to be unique, and {objects} objects share their value with another one; they stay as they are",
                        new.title(name)
                    ),
                )
            });
        }
    }
    if gone.is_empty() && changed.is_empty() && hidden.is_empty() {
        return Ok(found);
    }
    let mut tallies: BTreeMap<(Gravity, String, String), Tally> = BTreeMap::new();
    let mut count =
        |gravity: Gravity, name: &str, what: &str, title: String, message: &dyn Fn() -> String| {
            let tally = tallies.entry((gravity, name.to_owned(), what.to_owned())).or_default();
            if tally.objects == 0 {
                tally.message = message();
            }
            tally.objects += 1;
            if tally.examples.len() < EXAMPLES {
                tally.examples.push(title);
            }
        };
    let mut query = ManagedQuery { limit: PAGE, ..ManagedQuery::default() };
    loop {
        let page = r.managed_page(old, &query)?;
        for object in &page.rows {
            let title = || title_of(&object.attributes, &object.id);
            let has = |name: &&&str| object.attributes.get(**name).is_some_and(is_present);
            for name in gone.iter().filter(has) {
                count(Gravity::Confirm, name, "", title(), &|| {
                    format!("{} has values; they stay in the objects and are shown no more", old.title(name))
                });
            }
            for name in hidden.iter().filter(has) {
                count(Gravity::Refused, name, "", title(), &|| {
                    format!(
                        "{} is to be kept out of sight, and objects hold it in the open; empty it first",
                        new.title(name)
                    )
                });
            }
            for name in &changed {
                for violation in newly_broken(old, new, &object.attributes, name) {
                    count(Gravity::Confirm, name, &violation.requirement, title(), &|| {
                        broken_in_words(new, name, &violation)
                    });
                }
            }
        }
        query.after = page.next;
        if query.after.is_none() {
            break;
        }
    }
    found.extend(tallies.into_iter().map(|((gravity, name, _), tally)| TypeProblem {
        objects: Some(tally.objects),
        examples: tally.examples,
        ..TypeProblem::new(gravity, &name, tally.message)
    }));
    Ok(found)
}

fn newly_broken(
    old: &ManagedObjectConfig,
    new: &ManagedObjectConfig,
    object: &Attributes,
    name: &str,
) -> Vec<Violation> {
    let mut found = policy::violations_of(new, object, name);
    if !found.is_empty() {
        let before = policy::violations_of(old, object, name);
        found.retain(|v| !before.iter().any(|b| b.property == v.property && b.requirement == v.requirement));
        // What nobody may read is not in the object, so that it may well be there.
        found.retain(|v| new.protection(&v.property).is_none());
    }
    found
}

/// A rule that stored objects break, without one object's value.
fn broken_in_words(config: &ManagedObjectConfig, name: &str, violation: &Violation) -> String {
    let title = config.title(name);
    let what = match violation.requirement.as_str() {
        "REQUIRED" => "have no value".to_owned(),
        "VALID_TYPE" => {
            let types: Vec<&str> = config.kinds(name);
            format!("hold something else than {}", types.join(" or "))
        }
        other => format!("break {other}"),
    };
    format!("{title}: objects {what}; they stay as they are, and the next change of it has to put it right")
}

/// What a change of a type was, for the audit.
fn in_words(old: Option<&ManagedObjectConfig>, new: &ManagedObjectConfig) -> String {
    let Some(old) = old else { return format!("created with {} properties", new.schema.properties.len()) };
    let mut parts = Vec::new();
    let mut part = |what: &str, names: Vec<&str>| {
        if !names.is_empty() {
            parts.push(format!("{what} {}", names.join(", ")));
        }
    };
    part("added", removed(new, old));
    part("removed", removed(old, new));
    let changed = |name: &&str| {
        old.schema
            .properties
            .get(*name)
            .is_some_and(|property| new.schema.properties.get(*name) != Some(property))
    };
    part("changed", new.ordered().filter(changed).collect());
    if old.schema.required != new.schema.required {
        parts.push(format!("requires {}", new.schema.required.join(", ")));
    }
    if parts.is_empty() { "saved".to_owned() } else { parts.join("; ") }
}

#[cfg(test)]
mod tests {
    use model::MappingConfig;
    use serde_json::json;

    use super::uses;

    #[test]
    fn a_mapping_uses_what_it_reads_writes_or_mentions() {
        let mapping = json!({
            "name": "city_mapping", "source": "system/hubspot/contact", "target": "managed/user",
            "sourceCondition": "/source/nickname pr",
            "properties": [
                {"source": "sn", "target": "mail"},
                {"source": "x", "target": "/preferences/updates",
                 "condition": {"type": "text/javascript", "source": "target.accountStatus === 'active'"}}
            ],
        });
        let mapping = MappingConfig::from_value(mapping).unwrap();
        for (kind, attribute, expect) in [
            ("user", "mail", true),
            ("user", "preferences", true),
            ("user", "accountStatus", true),
            ("user", "nickname", true),
            ("user", "sn", false),
            ("user", "city", false),
            ("user", "Status", false),
            ("device", "mail", false),
        ] {
            assert_eq!(uses(&mapping, kind, attribute), expect, "{kind} {attribute}");
        }
    }
}
