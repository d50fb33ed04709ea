//! Schema drift: every schema that is read is remembered, and what changed since a person last looked is told with the
//! mappings that it touches.
//!
//! Nothing here changes a mapping; a schema that cannot be read leaves what is remembered as it was.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use connector::{AttributeSchema, ObjectTypeSchema};
use jiff::Timestamp;
use model::{ConnectorConfig, MappingConfig, ResourcePath};
use serde_json::Value;
use store::{ConnectorRow, KnownSchema};

use crate::{
    ApiError, App, ErrorCode,
    dto::{AuditTopic, ByName, SchemaChange, SchemaChangeKind, SchemaDrift, SchemaRequest, TouchedMapping},
};

/// A run looks at a schema again when it was read longer ago than this.
const STALE: Duration = Duration::from_secs(6 * 3600);
/// What a run waits for a schema at most; without an answer it goes on.
const PATIENCE: Duration = Duration::from_secs(3);
/// Values of an option that are named.
const OPTIONS_NAMED: usize = 5;

/// Settings that say how a schema is read; schemas that were read in other ways are not comparable.
const READ_BY: &[&str] = &["readSchema", "apiVersion", "version"];

/// Whether a changed configuration reads another schema than before.
pub(crate) fn reads_another_schema(before: &ConnectorConfig, after: &ConnectorConfig) -> bool {
    let differs =
        |name: &&str| before.configuration_properties.get(*name) != after.configuration_properties.get(*name);
    before.address() != after.address() || READ_BY.iter().any(differs)
}

impl App {
    /// What changed in a connector's schemas since somebody last looked, as far as they were read.
    pub async fn connector_drift(&self, request: ByName) -> Result<Vec<SchemaDrift>, ApiError> {
        let row = self.connector_row(&request.name).await?;
        self.drift_of(&row.config.name).await
    }

    /// Marks what changed in an object type as seen, and gives what is left.
    pub async fn connector_drift_seen(&self, request: SchemaRequest) -> Result<Vec<SchemaDrift>, ApiError> {
        let name = self.connector_row(&request.name).await?.config.name;
        let (connector, object_type) = (name.clone(), request.object_type.clone());
        let found = self
            .store
            .write(move |w| {
                let Some(mut known) = w.known_schema(&connector, &object_type)? else { return Ok(false) };
                known.seen = known.latest.clone();
                known.changed = None;
                w.put_known_schema(&connector, &known)?;
                Ok(true)
            })
            .await?;
        if !found {
            return Err(ApiError::new(
                ErrorCode::NotFound,
                format!(
                    "the schema of `{}` of connector `{name}` was never read; open its object types first",
                    request.object_type
                ),
            ));
        }
        self.audit(
            AuditTopic::Connector,
            &name,
            &format!("changes of the schema of {} marked as seen", request.object_type),
        )
        .await?;
        self.drift_of(&name).await
    }

    /// How many changes of a connector's schemas nobody has looked at yet.
    pub(crate) async fn drift_count(&self, connector: &str) -> Result<u64, ApiError> {
        let name = connector.to_owned();
        let known = self.store.read(move |r| r.known_schemas(&name)).await?;
        Ok(known.iter().filter(|k| k.changed.is_some()).map(|k| differences(k).len() as u64).sum())
    }

    /// Reads the schema of an object type and remembers it.
    pub(crate) async fn read_schema(
        &self,
        row: &ConnectorRow,
        object_type: &str,
    ) -> Result<ObjectTypeSchema, ApiError> {
        let schema = self.pool.any(&row.config).await?.schema(object_type).await?;
        self.remember_schema(&row.config.name, &schema).await?;
        Ok(schema)
    }

    /// The schema of an object type as last read, else read now.
    pub(crate) async fn known_or_read_schema(
        &self,
        row: &ConnectorRow,
        object_type: &str,
    ) -> Result<ObjectTypeSchema, ApiError> {
        let (name, kind) = (row.config.name.clone(), object_type.to_owned());
        let known = self.store.read(move |r| r.known_schema(&name, &kind)).await?;
        match known.and_then(|known| serde_json::from_value(known.latest).ok()) {
            Some(schema) => Ok(schema),
            None => self.read_schema(row, object_type).await,
        }
    }

    /// Reads the schemas that mappings use or that were read before. One that cannot be read is no failure of the caller.
    pub(crate) async fn look_for_drift(&self, row: &ConnectorRow) -> Result<(), ApiError> {
        let connector = row.config.name.clone();
        let (known, mappings) =
            self.store.read(move |r| Ok((r.known_schemas(&connector)?, r.mappings()?))).await?;
        let mut types: BTreeSet<String> = known.into_iter().map(|k| k.object_type).collect();
        for mapping in &mappings {
            types.extend(mapping.config.object_types_of(&row.config.name));
        }
        for object_type in types {
            if let Err(error) = self.read_schema(row, &object_type).await {
                tracing::info!(connector = row.config.name, object_type, %error, "the schema was not read");
            }
        }
        Ok(())
    }

    /// Looks at the schemas of both ends of a mapping before it runs, where they were last read a while ago.
    pub(crate) async fn look_for_drift_before(&self, mapping: &str) {
        let looking = tokio::time::timeout(PATIENCE, self.look_at_ends_of(mapping)).await;
        if let Ok(Err(error)) = looking {
            tracing::info!(mapping, %error, "the schemas were not looked at before the run");
        }
    }

    async fn look_at_ends_of(&self, mapping: &str) -> Result<(), ApiError> {
        let config = self.mapping_config(mapping).await?;
        for end in [config.source_path()?, config.target_path()?] {
            let ResourcePath::System { connector: name, object_type } = end else { continue };
            let kind = object_type.clone();
            let (row, known) =
                self.store.read(move |r| Ok((r.connector(&name)?, r.known_schema(&name, &kind)?))).await?;
            let Some(row) = row.filter(|row| row.config.enabled) else { continue };
            let fresh = known
                .and_then(|k| k.read.parse::<Timestamp>().ok())
                .is_some_and(|read| self.clock.now().duration_since(read).unsigned_abs() < STALE);
            if !fresh {
                self.read_schema(&row, &object_type).await?;
            }
        }
        Ok(())
    }

    async fn remember_schema(&self, connector: &str, schema: &ObjectTypeSchema) -> Result<(), ApiError> {
        let latest =
            serde_json::to_value(schema).map_err(|e| ApiError::new(ErrorCode::Internal, e.to_string()))?;
        let (name, at, object_type) = (connector.to_owned(), self.at(), schema.object_type.clone());
        let news = self
            .store
            .write(move |w| {
                let before = w.known_schema(&name, &object_type)?;
                let known = after_reading(before.as_ref(), object_type, latest, at);
                w.put_known_schema(&name, &known)?;
                let is_news = before.is_some_and(|b| b.latest != known.latest) && known.changed.is_some();
                Ok(is_news.then(|| differences(&known)))
            })
            .await?;
        if let Some(changes) = news.filter(|changes| !changes.is_empty()) {
            let words: Vec<String> =
                changes.iter().take(OPTIONS_NAMED).map(|c| format!("{} {}", c.attribute, c.words)).collect();
            let more = changes.len().saturating_sub(words.len());
            let more = if more > 0 { format!(", and {more} more") } else { String::new() };
            self.audit(
                AuditTopic::Connector,
                connector,
                &format!("the schema of {} changed: {}{more}", schema.object_type, words.join(", ")),
            )
            .await?;
        }
        Ok(())
    }

    async fn drift_of(&self, connector: &str) -> Result<Vec<SchemaDrift>, ApiError> {
        let name = connector.to_owned();
        let (known, mappings) =
            self.store.read(move |r| Ok((r.known_schemas(&name)?, r.mappings()?))).await?;
        let mappings: Vec<MappingConfig> = mappings.into_iter().map(|m| m.config).collect();
        Ok(known
            .into_iter()
            .map(|known| {
                let path = format!("system/{connector}/{}", known.object_type);
                let mut changes = differences(&known);
                for change in &mut changes {
                    change.mappings = touched(change, &path, &mappings);
                }
                SchemaDrift {
                    object_type: known.object_type,
                    read_at: known.read,
                    changed_at: known.changed,
                    changes,
                }
            })
            .collect())
    }
}

/// What is remembered once a schema was read: the first is taken as seen, and a change that was taken back is none.
fn after_reading(
    before: Option<&KnownSchema>,
    object_type: String,
    latest: Value,
    at: String,
) -> KnownSchema {
    let seen = before.map_or_else(|| latest.clone(), |b| b.seen.clone());
    let changed =
        (seen != latest).then(|| before.and_then(|b| b.changed.clone()).unwrap_or_else(|| at.clone()));
    KnownSchema { object_type, seen, latest, read: at, changed }
}

/// What differs between the schema that was seen and the one that was last read.
fn differences(known: &KnownSchema) -> Vec<SchemaChange> {
    let schema =
        |value: &Value| serde_json::from_value::<ObjectTypeSchema>(value.clone()).unwrap_or_default();
    between(&schema(&known.seen), &schema(&known.latest))
}

fn between(before: &ObjectTypeSchema, after: &ObjectTypeSchema) -> Vec<SchemaChange> {
    let by_name = |schema: &ObjectTypeSchema| -> BTreeMap<String, AttributeSchema> {
        schema.attributes.iter().map(|a| (a.name.clone(), a.clone())).collect()
    };
    let (old, new) = (by_name(before), by_name(after));
    let mut changes = Vec::new();
    for gone in before.attributes.iter().filter(|a| !new.contains_key(&a.name)) {
        changes.push(change(gone, SchemaChangeKind::Removed, "is gone".into()));
    }
    for attribute in &after.attributes {
        match old.get(&attribute.name) {
            None => {
                let kind = if attribute.required { ", and must be given on create" } else { "" };
                changes.push(change(
                    attribute,
                    SchemaChangeKind::Added,
                    format!("is new ({}{kind})", attribute.kind),
                ));
            }
            Some(was) => changes.extend(inside(was, attribute)),
        }
    }
    changes
}

fn inside(was: &AttributeSchema, is: &AttributeSchema) -> Vec<SchemaChange> {
    let mut changes = Vec::new();
    if was.kind != is.kind {
        let words = format!("holds {} now, and held {} before", is.kind, was.kind);
        changes.push(change(is, SchemaChangeKind::Type, words));
    }
    if let Some(words) = option_words(&was.options, &is.options) {
        changes.push(change(is, SchemaChangeKind::Options, words));
    }
    let flags = [
        (
            was.writable,
            is.writable,
            (SchemaChangeKind::Writable, "can be written now"),
            (SchemaChangeKind::ReadOnly, "became read-only"),
        ),
        (
            was.required,
            is.required,
            (SchemaChangeKind::Required, "must be given on create now"),
            (SchemaChangeKind::Optional, "may be left out now"),
        ),
        (
            was.unique,
            is.unique,
            (SchemaChangeKind::Unique, "is kept unique now"),
            (SchemaChangeKind::NotUnique, "is not kept unique any more"),
        ),
    ];
    for (before, now, on, off) in flags {
        if before != now {
            let (kind, words) = if now { on } else { off };
            changes.push(change(is, kind, words.into()));
        }
    }
    changes
}

fn change(attribute: &AttributeSchema, kind: SchemaChangeKind, words: String) -> SchemaChange {
    SchemaChange {
        attribute: attribute.name.clone(),
        label: attribute.label.clone(),
        kind,
        words,
        mappings: Vec::new(),
    }
}

fn option_words(was: &[String], is: &[String]) -> Option<String> {
    let (old, new): (BTreeSet<&String>, BTreeSet<&String>) = (was.iter().collect(), is.iter().collect());
    match (old.is_empty(), new.is_empty()) {
        (true, true) => return None,
        (true, false) => return Some(format!("takes only {} values now", new.len())),
        (false, true) => return Some("takes any value now".into()),
        (false, false) => {}
    }
    let named = |word: &str, values: Vec<&String>| {
        (!values.is_empty()).then(|| {
            let shown: Vec<String> = values.iter().take(OPTIONS_NAMED).map(|v| format!("`{v}`")).collect();
            let more = values.len().saturating_sub(shown.len());
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            format!("{word} {}{more}", shown.join(", "))
        })
    };
    let gone = named("takes no longer", was.iter().filter(|v| !new.contains(v)).collect());
    let fresh = named("takes also", is.iter().filter(|v| !old.contains(v)).collect());
    let words: Vec<String> = [gone, fresh].into_iter().flatten().collect();
    (!words.is_empty()).then(|| words.join("; "))
}

/// The mappings that a change touches, and how.
fn touched(change: &SchemaChange, path: &str, mappings: &[MappingConfig]) -> Vec<TouchedMapping> {
    mappings.iter().filter_map(|mapping| touches(change, path, mapping)).collect()
}

fn touches(change: &SchemaChange, path: &str, mapping: &MappingConfig) -> Option<TouchedMapping> {
    use SchemaChangeKind as Kind;
    let attribute = change.attribute.as_str();
    let same = |end: &str| end.eq_ignore_ascii_case(path);
    let reads = same(&mapping.source)
        && (mapping.source_attributes().is_some_and(|names| names.contains(attribute))
            || scripts_name(mapping, attribute));
    let writes = same(&mapping.target) && mapping.named_target_attributes().contains(attribute);
    let matches = same(&mapping.target)
        && mapping.correlation_query.as_ref().is_some_and(|query| names_text(query, attribute));
    let creates = same(&mapping.target)
        && matches!(change.kind, Kind::Required)
        && !mapping.named_target_attributes().contains(attribute);
    let (effect, breaks) = match change.kind {
        Kind::Removed if writes => (
            "writes it: those values have no place any more; take the property out or choose another target",
            true,
        ),
        Kind::Removed if reads => {
            ("reads it: the value will be missing; take the property out or choose another source", true)
        }
        Kind::Removed if matches => {
            ("finds records by it: nothing will match; choose another attribute for its correlation", true)
        }
        Kind::Type if writes => {
            ("writes it: values of the old type may be refused; check its transform with a preview", true)
        }
        Kind::Type if reads => ("reads it: check what becomes of the new values with a preview", false),
        Kind::Type if matches => ("finds records by it: check with a preview that they still match", true),
        Kind::Options if writes => {
            ("writes it: a value that is not offered is refused; check its transform", true)
        }
        Kind::Options if reads => ("reads it: values may arrive that it does not know", false),
        Kind::ReadOnly if writes => {
            ("writes it: the value will no longer be written; take the property out", true)
        }
        Kind::Required if creates => {
            ("creates records without it, which will be refused; add a property for it", true)
        }
        Kind::Required if writes => {
            ("writes it: records without a value will be refused; give it a default", true)
        }
        Kind::Unique if writes => ("writes it: a value that another record has is refused", false),
        Kind::NotUnique if matches => ("finds records by it: several may match now", false),
        Kind::Added | Kind::Writable if writes || reads => ("names it already, and can use it now", false),
        _ => return None,
    };
    Some(TouchedMapping { mapping: mapping.name.clone(), effect: effect.into(), breaks })
}

/// Whether a mapping whose scripts may read anything names this attribute somewhere.
fn scripts_name(mapping: &MappingConfig, attribute: &str) -> bool {
    mapping.source_attributes().is_none()
        && serde_json::to_value(mapping).is_ok_and(|document| names_text(&document, attribute))
}

/// Whether any text in a document names this attribute, alone or as a word of a script or a filter.
fn names_text(document: &Value, attribute: &str) -> bool {
    match document {
        Value::String(text) => text
            .split(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | '$' | '-'))
            .any(|word| word == attribute),
        Value::Array(items) => items.iter().any(|item| names_text(item, attribute)),
        Value::Object(map) => map.values().any(|value| names_text(value, attribute)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::samples;

    fn attribute(name: &str) -> AttributeSchema {
        AttributeSchema {
            name: name.into(),
            label: name.into(),
            kind: "string".into(),
            writable: true,
            ..AttributeSchema::default()
        }
    }

    fn schema(attributes: Vec<AttributeSchema>) -> ObjectTypeSchema {
        ObjectTypeSchema { object_type: "contact".into(), attributes }
    }

    fn options(name: &str, values: &[&str]) -> AttributeSchema {
        AttributeSchema { options: values.iter().map(|v| (*v).to_owned()).collect(), ..attribute(name) }
    }

    #[test]
    fn schemas_of_two_systems_are_not_compared() {
        for (template, setting, value) in [
            (samples::hubspot_connector("a", None), "apiBaseUrl", "https://other.example.org"),
            (samples::hubspot_connector("a", None), "apiVersion", "v3"),
            (samples::salesforce_connector("a"), "loginUrl", "https://test.salesforce.com"),
            (samples::scim_connector("a"), "SCIMEndpoint", "https://other.example.org/scim/v2"),
        ] {
            let before: ConnectorConfig = serde_json::from_value(template).unwrap();
            let mut after = before.clone();
            after.configuration_properties.insert("permitsPerSecond".into(), json!(3));
            assert!(!reads_another_schema(&before, &after), "{setting}");
            after.configuration_properties.insert(setting.into(), json!(value));
            assert!(reads_another_schema(&before, &after), "{setting}");
        }
    }

    #[test]
    fn each_kind_of_change_is_told_in_words() {
        use SchemaChangeKind as Kind;
        let read_only = AttributeSchema { writable: false, ..attribute("a") };
        let required = AttributeSchema { required: true, ..attribute("a") };
        let unique = AttributeSchema { unique: true, ..attribute("a") };
        let number = AttributeSchema { kind: "number".into(), ..attribute("a") };
        let relabelled = AttributeSchema { label: "Another title".into(), ..attribute("a") };
        for (before, after, expect) in [
            (vec![attribute("a")], vec![attribute("a")], vec![]),
            (vec![attribute("a")], vec![relabelled], vec![]),
            (vec![attribute("a")], vec![], vec![(Kind::Removed, "is gone")]),
            (vec![], vec![attribute("a")], vec![(Kind::Added, "is new (string)")]),
            (
                vec![],
                vec![required.clone()],
                vec![(Kind::Added, "is new (string, and must be given on create)")],
            ),
            (
                vec![attribute("a")],
                vec![number],
                vec![(Kind::Type, "holds number now, and held string before")],
            ),
            (vec![attribute("a")], vec![read_only.clone()], vec![(Kind::ReadOnly, "became read-only")]),
            (vec![read_only], vec![attribute("a")], vec![(Kind::Writable, "can be written now")]),
            (
                vec![attribute("a")],
                vec![required.clone()],
                vec![(Kind::Required, "must be given on create now")],
            ),
            (vec![required], vec![attribute("a")], vec![(Kind::Optional, "may be left out now")]),
            (vec![attribute("a")], vec![unique.clone()], vec![(Kind::Unique, "is kept unique now")]),
            (vec![unique], vec![attribute("a")], vec![(Kind::NotUnique, "is not kept unique any more")]),
            (
                vec![options("a", &["x", "y"])],
                vec![options("a", &["y", "z"])],
                vec![(Kind::Options, "takes no longer `x`; takes also `z`")],
            ),
            (vec![options("a", &["x"])], vec![attribute("a")], vec![(Kind::Options, "takes any value now")]),
            (
                vec![attribute("a")],
                vec![options("a", &["x"])],
                vec![(Kind::Options, "takes only 1 values now")],
            ),
            (vec![options("a", &["x", "y"])], vec![options("a", &["y", "x"])], vec![]),
        ] {
            let found = between(&schema(before.clone()), &schema(after.clone()));
            let found: Vec<(Kind, &str)> = found.iter().map(|c| (c.kind, c.words.as_str())).collect();
            assert_eq!(found, expect, "{before:?} -> {after:?}");
        }
    }

    #[test]
    fn a_change_stays_news_until_it_is_seen_or_taken_back() {
        let value = |names: &[&str]| {
            serde_json::to_value(schema(names.iter().map(|n| attribute(n)).collect())).unwrap()
        };
        let read = |before: Option<&KnownSchema>, names: &[&str], at: &str| {
            after_reading(before, "contact".into(), value(names), at.into())
        };
        let first = read(None, &["a", "b"], "1");
        assert_eq!(first.changed, None, "what is read first is no change");
        let second = read(Some(&first), &["a"], "2");
        assert_eq!(second.changed.as_deref(), Some("2"));
        let third = read(Some(&second), &["a"], "3");
        assert_eq!(third.changed.as_deref(), Some("2"), "found once, it keeps its time");
        assert_eq!(differences(&third).len(), 1);
        let back = read(Some(&third), &["a", "b"], "4");
        assert_eq!((back.changed, differences(&read(Some(&third), &["a", "b"], "4"))), (None, vec![]));
    }

    fn mapping(document: Value) -> MappingConfig {
        MappingConfig::from_value(document).unwrap()
    }

    #[test]
    fn the_mappings_that_a_change_touches_are_told_what_to_do() {
        use SchemaChangeKind as Kind;
        let inbound = mapping(json!({
            "name": "in", "source": "system/crm/contact", "target": "managed/user",
            "properties": [{"source": "email", "target": "mail"}],
        }));
        let scripted = mapping(json!({
            "name": "scripted", "source": "system/crm/contact", "target": "managed/user",
            "properties": [{"source": "", "target": "sn", "transform": {"type": "text/javascript", "source": "source.lastname + source.middle_name"}}],
        }));
        let outbound = mapping(json!({
            "name": "out", "source": "managed/user", "target": "system/crm/contact",
            "correlationQuery": [{"linkQualifier": "default", "expressionTree": {"all": ["hs_email"]}}],
            "properties": [{"source": "mail", "target": "email"}],
        }));
        let all = [inbound, scripted, outbound];
        for (name, kind, expect) in [
            ("email", Kind::Removed, vec![("in", true), ("out", true)]),
            ("lastname", Kind::Removed, vec![("scripted", true)]),
            ("name", Kind::Removed, vec![]),
            ("hs_email", Kind::Removed, vec![("out", true)]),
            ("hs_email", Kind::NotUnique, vec![("out", false)]),
            ("email", Kind::ReadOnly, vec![("out", true)]),
            ("email", Kind::Options, vec![("in", false), ("out", true)]),
            ("city", Kind::Required, vec![("out", true)]),
            ("email", Kind::Required, vec![("out", true)]),
            ("city", Kind::Added, vec![]),
            ("email", Kind::Optional, vec![]),
        ] {
            let change = change(&attribute(name), kind, String::new());
            let found = touched(&change, "system/crm/contact", &all);
            let found: Vec<(&str, bool)> = found.iter().map(|t| (t.mapping.as_str(), t.breaks)).collect();
            assert_eq!(found, expect, "{name} {kind:?}");
            assert_eq!(touched(&change, "system/other/contact", &all), [], "another connector's");
        }
    }
}
