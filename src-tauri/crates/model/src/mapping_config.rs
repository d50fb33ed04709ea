//! A mapping in the shape of an element of `sync.json`, with Concord's additions, all of them optional.

use std::collections::BTreeSet;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::{
    filter::{Filter, FilterError},
    path::{BadPath, ResourcePath},
    pointer::Pointer,
    situation::{Action, Situation, UnknownName},
    transform::{StepConfig, TransformConfig},
};

/// `sync.json`: every mapping, in the order of implicit sync.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct SyncConfig {
    /// The mappings.
    pub mappings: Vec<MappingConfig>,
    /// Everything else in the document.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// A script as IDM writes it: inline source or a file of the project, with globals.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScriptConfig {
    /// `text/javascript`; others are kept but cannot run here.
    #[serde(rename = "type", default = "javascript")]
    pub kind: String,
    /// The script.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// A file of the IDM project, when there is no `source`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Everything else, `globals` among it.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

fn javascript() -> String {
    "text/javascript".to_owned()
}

/// A query filter text or a script, wherever IDM takes either.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected a query filter or a script")]
pub enum ConditionConfig {
    /// A query filter.
    Filter(String),
    /// A script that gives a boolean.
    Script(ScriptConfig),
}

/// What an absent or empty source value does to the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum WhenEmpty {
    /// Leaves the target's value alone; a new target gets the default, if there is one.
    #[default]
    Leave,
    /// Clears the target's value.
    Clear,
    /// Sets the default.
    Default,
}

/// Which side wins an attribute that changed on both sides of a pair of mappings since they were last in sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ConflictRule {
    /// The source of the mapping that runs, as in IDM.
    #[default]
    Source,
    /// The target of the mapping that runs.
    Target,
    /// The source, but never over a value by an empty one or where the target has one and the source had none.
    SourceUnlessBlank,
    /// The side that was changed last.
    Newest,
    /// A person decides; until then neither side is written.
    Ask,
}

/// Whether a write waits for the delivery of what it sets off in this mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SyncMode {
    /// The write comes back at once; the change is delivered in the background.
    #[default]
    Background,
    /// The write comes back when the change was delivered once, with what came of it.
    Blocking,
}

/// Which accounts a source may have in the target, one link each.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected a list of names or a script")]
pub enum LinkQualifiersConfig {
    /// Always these.
    List(Vec<String>),
    /// What a script says, with the variables `mapping`, `object`, `oldValue`, `returnAll`.
    Script(ScriptConfig),
}

/// A narrowed query on the source or the target.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct QueryConfig {
    /// A query filter.
    #[serde(rename = "_queryFilter", default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    /// A stored query; only `query-all-ids` and its like, which mean everything.
    #[serde(rename = "_queryId", default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// A query in the system's own language, which nothing here can check.
    #[serde(rename = "_queryExpression", default, skip_serializing_if = "Option::is_none")]
    pub expression: Option<String>,
    /// Everything else.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

impl QueryConfig {
    /// Another collection than the mapping's that it wants to be asked. IDM asks that one; here the links and what is
    /// remembered of the records are those of the mapping's own.
    pub fn elsewhere(&self, resource: &str) -> Option<&str> {
        self.rest.get("resourceName").and_then(Value::as_str).filter(|name| *name != resource)
    }
}

/// When a property is written at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SetOn {
    /// On create and on every update.
    #[default]
    Always,
    /// Only when the target is created.
    Create,
    /// Only while the target has no value.
    Blank,
}

/// One entry of a mapping's `properties`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PropertyConfig {
    /// Where the value goes.
    pub target: String,
    /// Where the value comes from; `""` is the whole source, absent is no value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Changes the value on its way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transform: Option<TransformConfig>,
    /// Whether the property applies at all, on `/object/...` (source) and `/target/...`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<ConditionConfig>,
    /// The value for an empty source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
    /// What an empty source does. Absent means `leave`, or `default` when there is a default, as in IDM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when_empty: Option<WhenEmpty>,
    /// When the property is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set_on: Option<SetOn>,
    /// Who wins when both sides changed; absent means the mapping's rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conflict_rule: Option<ConflictRule>,
    /// Everything else.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

impl PropertyConfig {
    /// What an empty source value does.
    pub fn when_empty(&self) -> WhenEmpty {
        self.when_empty.unwrap_or(if self.default.is_some() { WhenEmpty::Default } else { WhenEmpty::Leave })
    }

    /// When it is written.
    pub fn set_on(&self) -> SetOn {
        self.set_on.unwrap_or_default()
    }
}

/// What to do in a situation: a name or a script that gives one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected an action's name or a script")]
pub enum ActionConfig {
    /// An action's name.
    Name(String),
    /// A script that gives an action's name.
    Script(ScriptConfig),
}

/// One entry of a mapping's `policies`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PolicyConfig {
    /// The situation's name.
    pub situation: String,
    /// What to do.
    pub action: ActionConfig,
    /// When this entry applies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<ConditionConfig>,
    /// A script that runs after the action.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub post_action: Option<ScriptConfig>,
    /// Everything else.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// Limits that a plan must keep before anything is written.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GuardsConfig {
    /// Most deletes and unlinks in a run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_deletes: Option<u64>,
    /// Most deletes and unlinks, in per cent of the linked records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_delete_percent: Option<f64>,
    /// Most updates, in per cent of the linked records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_update_percent: Option<f64>,
    /// Most creates in a run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_creates: Option<u64>,
}

/// A mapping from a source to a target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MappingConfig {
    /// Unique.
    pub name: String,
    /// The title that people see.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// Where records come from.
    pub source: String,
    /// Where they go.
    pub target: String,
    /// The mapping whose links this one shares.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub links: Option<String>,
    /// Whether changes flow by themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enable_sync: Option<bool>,
    /// Which attribute goes where.
    #[serde(default, deserialize_with = "list_or_null")]
    pub properties: Vec<PropertyConfig>,
    /// What to do in which situation; the first entry that applies wins.
    #[serde(default, deserialize_with = "list_or_null")]
    pub policies: Vec<PolicyConfig>,
    /// A filter on `/source/...` that a source must meet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_condition: Option<ConditionConfig>,
    /// A script that says whether a source qualifies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_source: Option<ScriptConfig>,
    /// A script that says whether a target qualifies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_target: Option<ScriptConfig>,
    /// How to find the target of a source that has no link: one entry or several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation_query: Option<Value>,
    /// A script that gives the ids of the targets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation_script: Option<ScriptConfig>,
    /// Whether targets that no source accounts for are looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_target_phase: Option<bool>,
    /// Whether an empty source is believed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow_empty_source_set: Option<bool>,
    /// Whether correlation is asked although the target had no records when the run began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlate_empty_target_set: Option<bool>,
    /// Whether links are kept; without them correlation decides every time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enable_linking: Option<bool>,
    /// Whether ids of the source that differ in case are different records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_ids_case_sensitive: Option<bool>,
    /// Whether ids of the target that differ in case are different records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_ids_case_sensitive: Option<bool>,
    /// The accounts that a source may have in the target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link_qualifiers: Option<LinkQualifiersConfig>,
    /// Which sources are looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_query: Option<QueryConfig>,
    /// Which targets are looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_query: Option<QueryConfig>,
    /// Changes a target before it is created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_create: Option<ScriptConfig>,
    /// Changes a target before it is updated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_update: Option<ScriptConfig>,
    /// Runs before a target is deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_delete: Option<ScriptConfig>,
    /// Runs before a link is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_link: Option<ScriptConfig>,
    /// Runs before a link is removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_unlink: Option<ScriptConfig>,
    /// Runs when a run begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_recon: Option<ScriptConfig>,
    /// Runs when a run ends, with its counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<ScriptConfig>,
    /// Changes a target after the properties.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_mapping: Option<ScriptConfig>,
    /// Runs after a target was created or updated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub post_mapping: Option<ScriptConfig>,
    /// Who wins an attribute that changed on both sides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conflict_rule: Option<ConflictRule>,
    /// Whether a managed-object write waits for this mapping.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sync_mode: Option<SyncMode>,
    /// Implicit sync only when one of these attributes changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger_sync_properties: Option<Vec<String>>,
    /// Finished runs that are kept with their entries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep_runs: Option<usize>,
    /// Limits on the plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guards: Option<GuardsConfig>,
    /// Threads on which a run's records are judged, though not more than there are processors; 0 and 1 are the run's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_threads: Option<usize>,
    /// Source records that a run looks at together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recon_source_query_page_size: Option<usize>,
    /// Target records that a run looks at together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recon_target_query_page_size: Option<usize>,
    /// Everything else: whatever a later IDM added.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// Why a mapping cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MappingConfigError {
    /// Not JSON or not of the shape.
    #[error("this is not a mapping: {0}; expected one mapping or a whole sync.json with `mappings`")]
    Shape(String),
    /// A name that cannot be used.
    #[error(
        "mapping name `{0}` cannot be used; use letters, digits, `_`, `-` and `.`, at most 100 characters"
    )]
    Name(String),
    /// Source or target is no resource path.
    #[error("mapping `{mapping}`, {end}: {error}")]
    Path {
        /// Which mapping.
        mapping: String,
        /// `source` or `target`.
        end: &'static str,
        /// What is wrong.
        error: BadPath,
    },
    /// A filter that cannot be read.
    #[error("mapping `{mapping}`, {place}: {error}")]
    Filter {
        /// Which mapping.
        mapping: String,
        /// Where in it.
        place: String,
        /// What is wrong.
        error: FilterError,
    },
    /// A situation or an action that does not exist.
    #[error("mapping `{mapping}`, policies: {error}")]
    Policy {
        /// Which mapping.
        mapping: String,
        /// What is wrong.
        error: UnknownName,
    },
    /// Anything else.
    #[error("mapping `{mapping}`, {place}: {what}")]
    Place {
        /// Which mapping.
        mapping: String,
        /// Where in it.
        place: String,
        /// What is wrong and what would be right.
        what: String,
    },
}

/// Names of keys that a screen of IDM is known to have leaked into `sync.json`; they are dropped on reading.
const LEAKED: &[&str] = &["recon", "reconAvailable", "syncDetails"];

/// IDM takes a list that is null for none.
fn list_or_null<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Vec<T>, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

/// Names the property, the policy or the key, if it is one that has not the shape.
fn misshapen(value: &Value, error: serde_json::Error) -> MappingConfigError {
    let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).unwrap_or("?").to_owned();
    let items = |key: &str| value.get(key).and_then(Value::as_array).into_iter().flatten();
    let property = items("properties").find_map(|p| {
        let error = PropertyConfig::deserialize(p).err()?;
        Some((format!("property `{}`", text(p, "target")), error))
    });
    let policy = || {
        items("policies").find_map(|p| {
            let error = PolicyConfig::deserialize(p).err()?;
            Some((format!("policy `{}`", text(p, "situation")), error))
        })
    };
    // Each key in a mapping that is right otherwise.
    let key = || {
        value.as_object()?.iter().find_map(|(key, value)| {
            let mut alone =
                Map::from_iter(["name", "source", "target"].map(|key| (key.to_owned(), "".into())));
            alone.insert(key.clone(), value.clone());
            Some((key.clone(), MappingConfig::deserialize(Value::Object(alone)).err()?))
        })
    };
    match property.or_else(policy).or_else(key) {
        None => MappingConfigError::Shape(error.to_string()),
        Some((place, error)) => {
            MappingConfigError::Place { mapping: text(value, "name"), place, what: error.to_string() }
        }
    }
}

impl MappingConfig {
    /// Reads one mapping or a whole `sync.json`, in order, and checks each.
    pub fn parse_all(text: &str) -> Result<Vec<Self>, MappingConfigError> {
        let value: Value =
            serde_json::from_str(text).map_err(|e| MappingConfigError::Shape(e.to_string()))?;
        let items = match value {
            Value::Object(mut map) if map.contains_key("mappings") => match map.shift_remove("mappings") {
                Some(Value::Array(items)) => items,
                _ => return Err(MappingConfigError::Shape("`mappings` is not a list".into())),
            },
            Value::Array(items) => items,
            other => vec![other],
        };
        let mappings = items.into_iter().map(Self::from_value).collect::<Result<Vec<_>, _>>()?;
        let mut names = BTreeSet::new();
        for mapping in &mappings {
            if !names.insert(mapping.name.as_str()) {
                return Err(mapping.place("name", "stands twice in this document; names are unique"));
            }
        }
        Ok(mappings)
    }

    /// Reads and checks one mapping.
    pub fn from_value(mut value: Value) -> Result<Self, MappingConfigError> {
        if let Value::Object(map) = &mut value {
            for key in LEAKED {
                map.shift_remove(*key);
            }
        }
        let mapping = Self::deserialize(&value).map_err(|e| misshapen(&value, e))?;
        mapping.check()?;
        Ok(mapping)
    }

    /// An error about one place of this mapping.
    pub fn place(&self, place: impl Into<String>, what: impl Into<String>) -> MappingConfigError {
        MappingConfigError::Place { mapping: self.name.clone(), place: place.into(), what: what.into() }
    }

    /// Whether its name and its parts can be used.
    pub fn check(&self) -> Result<(), MappingConfigError> {
        let name_fits = !self.name.is_empty()
            && self.name.chars().count() <= 100
            && self.name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'));
        if !name_fits {
            return Err(MappingConfigError::Name(self.name.clone()));
        }
        let (source, target) = (self.source_path()?, self.target_path()?);
        if source == target {
            return Err(self.place("target", "is the same as the source"));
        }
        for property in &self.properties {
            let place = || format!("property `{}`", property.target);
            if Pointer::parse(&property.target).is_root() {
                return Err(self.place(place(), "has no target attribute"));
            }
            if Pointer::parse(&property.target).is_too_deep() {
                let property: String = property.target.chars().take(40).collect();
                let what = format!("has a target of more than {} steps; name an attribute", Pointer::DEEPEST);
                return Err(self.place(format!("property `{property}...`"), what));
            }
            if property.when_empty() == WhenEmpty::Default && property.default.is_none() {
                return Err(self.place(place(), "`whenEmpty` is `default`, but there is no `default`"));
            }
            let one_attribute = property.source.as_deref().is_some_and(|s| !Pointer::parse(s).is_root());
            if property.conflict_rule.is_some_and(|rule| rule != ConflictRule::Source) && !one_attribute {
                return Err(self.place(
                    place(),
                    "`conflictRule` compares two attributes, so `source` must name one; for a value that is worked out, use `setOn` or a condition",
                ));
            }
            self.check_condition(property.condition.as_ref(), place)?;
            self.check_transform(property, place)?;
        }
        for policy in &self.policies {
            let wrong = |error| MappingConfigError::Policy { mapping: self.name.clone(), error };
            policy.situation.parse::<Situation>().map_err(wrong)?;
            if let ActionConfig::Name(action) = &policy.action {
                action.parse::<Action>().map_err(wrong)?;
            }
            self.check_condition(policy.condition.as_ref(), || format!("policy {}", policy.situation))?;
        }
        self.check_condition(self.source_condition.as_ref(), || "sourceCondition".into())?;
        for (hook, script) in self.hooks() {
            if let Some(script) = script {
                self.check_script(script, || hook.into())?;
            }
        }
        self.check_qualifiers()?;
        for (key, query) in [("sourceQuery", &self.source_query), ("targetQuery", &self.target_query)] {
            let Some(query) = query else { continue };
            if let Some(filter) = &query.filter {
                Filter::parse(filter).map_err(|error| MappingConfigError::Filter {
                    mapping: self.name.clone(),
                    place: key.into(),
                    error,
                })?;
            }
        }
        if self.correlation_query.is_some() && self.correlation_script.is_some() {
            return Err(self.place("correlationScript", "stands beside correlationQuery; use one of the two"));
        }
        if self.links.as_deref() == Some(self.name.as_str()) {
            return Err(self.place("links", "names the mapping itself; leave it out"));
        }
        Ok(())
    }

    fn check_qualifiers(&self) -> Result<(), MappingConfigError> {
        const LONGEST: usize = 50;
        match &self.link_qualifiers {
            None => Ok(()),
            Some(LinkQualifiersConfig::Script(script)) => {
                self.check_script(script, || "linkQualifiers".into())
            }
            Some(LinkQualifiersConfig::List(names)) => {
                let mut seen = BTreeSet::new();
                if names.is_empty() {
                    return Err(
                        self.place("linkQualifiers", "is an empty list; leave it out for the default")
                    );
                }
                for name in names {
                    if name.is_empty() || name.chars().count() > LONGEST {
                        return Err(self.place(
                            "linkQualifiers",
                            format!("`{name}` cannot be used; a qualifier has 1 to {LONGEST} characters"),
                        ));
                    }
                    if !seen.insert(name) {
                        return Err(self.place("linkQualifiers", format!("`{name}` stands twice")));
                    }
                }
                Ok(())
            }
        }
    }

    fn check_condition(
        &self,
        condition: Option<&ConditionConfig>,
        place: impl Fn() -> String,
    ) -> Result<(), MappingConfigError> {
        match condition {
            Some(ConditionConfig::Filter(text)) => Filter::parse(text).map(|_| ()).map_err(|error| {
                MappingConfigError::Filter { mapping: self.name.clone(), place: place(), error }
            }),
            Some(ConditionConfig::Script(script)) => self.check_script(script, place),
            None => Ok(()),
        }
    }

    fn check_transform(
        &self,
        property: &PropertyConfig,
        place: impl Fn() -> String,
    ) -> Result<(), MappingConfigError> {
        let Some(transform) = &property.transform else { return Ok(()) };
        let [first, ..] = transform.steps() else {
            return Err(self.place(place(), "`transform` is an empty list; leave it out"));
        };
        for step in transform.steps() {
            match step {
                StepConfig::Script(script) => self.check_script(script, &place)?,
                StepConfig::BuiltIn(step) => {
                    step.parse().map_err(|what| self.place(place(), what))?;
                }
            }
        }
        let whole = property.source.as_deref().is_some_and(|source| Pointer::parse(source).is_root());
        match first {
            StepConfig::BuiltIn(step) if whole && transform.reads_source() => Err(self.place(
                place(),
                format!("`source` is the whole record, which {step} cannot change; name one attribute"),
            )),
            _ => Ok(()),
        }
    }

    fn check_script(
        &self,
        script: &ScriptConfig,
        place: impl Fn() -> String,
    ) -> Result<(), MappingConfigError> {
        match (&script.source, &script.file) {
            (None, None) => Err(self.place(place(), "a script needs `source` or `file`")),
            _ => Ok(()),
        }
    }

    /// The source as a path.
    pub fn source_path(&self) -> Result<ResourcePath, MappingConfigError> {
        self.path(&self.source, "source")
    }

    /// The target as a path.
    pub fn target_path(&self) -> Result<ResourcePath, MappingConfigError> {
        self.path(&self.target, "target")
    }

    fn path(&self, text: &str, end: &'static str) -> Result<ResourcePath, MappingConfigError> {
        text.parse().map_err(|error| MappingConfigError::Path { mapping: self.name.clone(), end, error })
    }

    /// The object types of a connector that it reads or writes.
    pub fn object_types_of(&self, connector: &str) -> impl Iterator<Item = String> {
        let ends = [self.source_path(), self.target_path()].into_iter().flatten();
        ends.filter(move |end| end.is_of(connector)).map(|end| end.object_type().to_owned())
    }

    /// Whether it goes from another one's target back to its source.
    pub fn is_back_of(&self, other: &Self) -> bool {
        self.source == other.target && self.target == other.source
    }

    /// Whether it can share the links of another one: it joins the same two ends, in either direction.
    pub fn can_share_links_of(&self, owner: &Self) -> bool {
        self.is_back_of(owner) || (self.source == owner.source && self.target == owner.target)
    }

    /// The link type: the mapping whose links it shares, else itself.
    pub fn link_type(&self) -> &str {
        self.links.as_deref().filter(|l| !l.is_empty()).unwrap_or(&self.name)
    }

    /// The title for people.
    pub fn title(&self) -> &str {
        self.display_name.as_deref().filter(|t| !t.is_empty()).unwrap_or(&self.name)
    }

    /// Whether implicit sync is on (IDM's default).
    pub fn sync_enabled(&self) -> bool {
        self.enable_sync.unwrap_or(true)
    }

    /// Whether links are kept (IDM's default).
    pub fn linking_enabled(&self) -> bool {
        self.enable_linking.unwrap_or(true)
    }

    /// The scripts that run at an event of the mapping, by name.
    pub fn hooks(&self) -> [(&'static str, Option<&ScriptConfig>); 9] {
        [
            ("onCreate", self.on_create.as_ref()),
            ("onUpdate", self.on_update.as_ref()),
            ("onDelete", self.on_delete.as_ref()),
            ("onLink", self.on_link.as_ref()),
            ("onUnlink", self.on_unlink.as_ref()),
            ("onRecon", self.on_recon.as_ref()),
            ("result", self.result.as_ref()),
            ("defaultMapping", self.default_mapping.as_ref()),
            ("postMapping", self.post_mapping.as_ref()),
        ]
    }

    /// Whether a condition or a script of it asks what the source was before the change that is carried on.
    pub fn asks_for_old_source(&self) -> bool {
        let asks = |text: &str| text.contains("oldSource");
        let in_condition = |condition: &ConditionConfig| match condition {
            ConditionConfig::Filter(text) => asks(text),
            ConditionConfig::Script(script) => script.source.as_deref().is_some_and(asks),
        };
        let in_script = |script: &ScriptConfig| script.source.as_deref().is_some_and(asks);
        self.properties.iter().filter_map(|property| property.condition.as_ref()).any(in_condition)
            || self.hooks().iter().filter_map(|(_, script)| *script).any(in_script)
    }

    /// The source attributes that the mapping reads: properties, conditions and the source condition. `None` when a
    /// script or a whole-object property may read any of them.
    pub fn source_attributes(&self) -> Option<BTreeSet<String>> {
        let (names, all) = self.source_reads();
        all.then_some(names)
    }

    /// The source attributes that the mapping names, whatever else a script of it may read.
    pub fn named_source_attributes(&self) -> BTreeSet<String> {
        self.source_reads().0
    }

    /// The source attributes that it names, and whether these are all that it reads.
    fn source_reads(&self) -> (BTreeSet<String>, bool) {
        let mut names = BTreeSet::new();
        let mut add_filter = |condition: Option<&ConditionConfig>, variables: &[&str]| match condition {
            None => true,
            Some(ConditionConfig::Script(_)) => false,
            Some(ConditionConfig::Filter(text)) => {
                let Ok(filter) = Filter::parse(text) else { return false };
                for pointer in filter.pointers() {
                    if pointer.head().is_some_and(|h| variables.contains(&h)) {
                        names.extend(pointer.tail().head().map(str::to_owned));
                    }
                }
                true
            }
        };
        let mut bounded = add_filter(self.source_condition.as_ref(), &["source", "object"]);
        for policy in &self.policies {
            bounded &= add_filter(policy.condition.as_ref(), &["object", "source"]);
            bounded &= matches!(policy.action, ActionConfig::Name(_));
        }
        for property in &self.properties {
            bounded &= add_filter(property.condition.as_ref(), &["object", "source"]);
        }
        for property in &self.properties {
            if let Some(pointer) = property.source.as_deref().map(Pointer::parse) {
                match pointer.head() {
                    Some(head) => {
                        names.insert(head.to_owned());
                    }
                    None => bounded &= property.transform.as_ref().is_some_and(|t| !t.reads_source()),
                }
            }
            for read in property.transform.iter().flat_map(TransformConfig::attributes) {
                names.extend(Pointer::parse(&read).head().map(str::to_owned));
            }
        }
        names.extend(queried_attributes(self.source_query.as_ref()));
        bounded &= self.valid_source.is_none() && self.correlation_script.is_none();
        bounded &= self.correlation_queries().iter().all(|rule| rule.get("expressionTree").is_some());
        bounded &= !matches!(self.link_qualifiers, Some(LinkQualifiersConfig::Script(_)));
        bounded &= self.hooks().iter().all(|(_, script)| script.is_none());
        bounded &= self.policies.iter().all(|policy| policy.post_action.is_none());
        (names, bounded)
    }

    /// The target attributes that the mapping reads or writes. `None` when a script of it may read any of them.
    pub fn target_attributes(&self) -> Option<BTreeSet<String>> {
        (!self.shows_target_to_scripts()).then(|| self.named_target_attributes())
    }

    /// Whether a script is handed the target as it stands in its system. What `onCreate` is handed is only being made, and
    /// what runs for a whole run is handed no target.
    fn shows_target_to_scripts(&self) -> bool {
        const NO_TARGET_YET: &[&str] = &["onCreate", "onRecon", "result"];
        let is_script =
            |condition: &Option<ConditionConfig>| matches!(condition, Some(ConditionConfig::Script(_)));
        self.valid_target.is_some()
            || self.properties.iter().any(|property| is_script(&property.condition))
            || self.policies.iter().any(|policy| {
                matches!(policy.action, ActionConfig::Script(_)) || policy.post_action.is_some()
            })
            || self.hooks().iter().any(|(hook, script)| script.is_some() && !NO_TARGET_YET.contains(hook))
    }

    /// The target attributes that the mapping writes, and those that conditions of its properties and its `targetQuery`
    /// name, whatever else a script of it may read.
    pub fn named_target_attributes(&self) -> BTreeSet<String> {
        let mut names: BTreeSet<String> = self
            .properties
            .iter()
            .filter_map(|p| Pointer::parse(&p.target).head().map(str::to_owned))
            .collect();
        for property in &self.properties {
            let Some(ConditionConfig::Filter(text)) = &property.condition else { continue };
            let Ok(filter) = Filter::parse(text) else { continue };
            let is_target =
                |p: &&Pointer| p.head().is_some_and(|head| matches!(head, "target" | "oldTarget"));
            let read = filter.pointers().into_iter().filter(is_target);
            names.extend(read.filter_map(|p| p.tail().head().map(str::to_owned)));
        }
        names.extend(queried_attributes(self.target_query.as_ref()));
        names
    }

    /// The entries of `correlationQuery`, of which IDM writes one alone or several in a list.
    pub fn correlation_queries(&self) -> &[Value] {
        match &self.correlation_query {
            None => &[],
            Some(Value::Array(entries)) => entries,
            Some(single) => std::slice::from_ref(single),
        }
    }
}

/// The attributes that a query's filter asks for.
fn queried_attributes(query: Option<&QueryConfig>) -> BTreeSet<String> {
    let filter = query.and_then(|query| query.filter.as_deref()).and_then(|text| Filter::parse(text).ok());
    filter.iter().flat_map(Filter::pointers).filter_map(Pointer::head).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::MappingConfig;

    fn mapping() -> serde_json::Value {
        json!({
            "name": "systemHubspotContact_managedUser",
            "source": "system/hubspot/contact",
            "target": "managed/user",
            "taskThreads": 10,
            "sourceCondition": "/source/email pr",
            "properties": [
                {"source": "email", "target": "mail", "transform": {"type": "text/javascript", "source": "source.toLowerCase()"}},
                {"source": "lastname", "target": "sn", "default": "-", "note": "ours"},
                {"source": "phone", "target": "telephoneNumber", "condition": "/object/mobilephone pr"}
            ],
            "policies": [{"situation": "CONFIRMED", "action": "UPDATE", "mark": null}]
        })
    }

    #[test]
    fn a_mapping_round_trips_with_its_unknown_keys() {
        let document = json!({"mappings": [mapping()]}).to_string();
        let mappings = MappingConfig::parse_all(&document).unwrap();
        assert_eq!(serde_json::to_value(&mappings[0]).unwrap(), mapping());
        assert_eq!(MappingConfig::parse_all(&mapping().to_string()).unwrap(), mappings);
    }

    #[test]
    fn it_knows_which_attributes_it_reads_and_writes() {
        let m = MappingConfig::from_value(mapping()).unwrap();
        let read: Vec<_> = m.source_attributes().unwrap().into_iter().collect();
        assert_eq!(read, ["email", "lastname", "mobilephone", "phone"]);
        assert_eq!(
            m.target_attributes().unwrap().into_iter().collect::<Vec<_>>(),
            ["mail", "sn", "telephoneNumber"]
        );
        let mut whole = mapping();
        whole["properties"][0]["source"] = json!("");
        assert_eq!(MappingConfig::from_value(whole).unwrap().source_attributes(), None);
    }

    #[test]
    fn what_a_built_in_transform_reads_is_known() {
        let mut m = mapping();
        m["properties"] = json!([
            {"source": "", "target": "displayName", "condition": "!(/target/kind eq \"locked\")", "transform": [
                {"builtIn": "concat", "parts": [{"attribute": "/name/first"}, {"text": " "}, {"attribute": "last"}]},
                {"builtIn": "lower"}
            ]},
            {"source": "", "target": "kind", "transform": {"builtIn": "constant", "value": "x"}}
        ]);
        let m = MappingConfig::from_value(m).unwrap();
        let read: Vec<_> = m.source_attributes().unwrap().into_iter().collect();
        assert_eq!(read, ["email", "last", "name"]);
        assert_eq!(m.target_attributes().unwrap().into_iter().collect::<Vec<_>>(), ["displayName", "kind"]);
    }

    #[test]
    fn the_queries_and_the_correlation_read_too() {
        let with = |key: &str, value: serde_json::Value| {
            let mut m = mapping();
            m[key] = value;
            MappingConfig::from_value(m).unwrap()
        };
        let queried =
            with("sourceQuery", json!({"_queryFilter": "/country eq \"NO\" and !(/address/city pr)"}));
        let read = queried.source_attributes().unwrap();
        assert!(read.contains("country") && read.contains("address"), "{read:?}");
        let queried = with("targetQuery", json!({"_queryFilter": "country eq \"NO\""}));
        assert!(queried.target_attributes().unwrap().contains("country"));
        let tree = json!({"expressionTree": {"all": ["mail"]}, "type": "text/javascript", "file": "x.js"});
        let script = json!({"type": "text/javascript", "source": "({'_queryFilter': 'mail eq \"' + source.x + '\"'})"});
        for (query, any) in [
            (tree.clone(), false),
            (script.clone(), true),
            (json!([tree.clone()]), false),
            (json!([tree, script]), true),
        ] {
            assert_eq!(with("correlationQuery", query.clone()).source_attributes().is_none(), any, "{query}");
        }
    }

    #[test]
    fn a_script_that_is_handed_the_target_may_read_any_of_it() {
        let js = json!({"type": "text/javascript", "source": "true"});
        for (key, value, any) in [
            ("validSource", js.clone(), false),
            ("sourceCondition", js.clone(), false),
            ("onCreate", js.clone(), false),
            ("onRecon", js.clone(), false),
            ("result", js.clone(), false),
            ("validTarget", js.clone(), true),
            ("onUpdate", js.clone(), true),
            ("onDelete", js.clone(), true),
            ("onLink", js.clone(), true),
            ("onUnlink", js.clone(), true),
            ("defaultMapping", js.clone(), true),
            ("postMapping", js.clone(), true),
            ("policies", json!([{"situation": "FOUND", "action": "UPDATE", "condition": js}]), false),
            ("policies", json!([{"situation": "FOUND", "action": js}]), true),
            ("policies", json!([{"situation": "FOUND", "action": "UPDATE", "postAction": js}]), true),
            ("properties", json!([{"source": "a", "target": "mail", "transform": js}]), false),
            ("properties", json!([{"source": "a", "target": "mail", "condition": js}]), true),
        ] {
            let mut m = mapping();
            m[key] = value.clone();
            let m = MappingConfig::from_value(m).unwrap();
            assert_eq!(m.target_attributes().is_none(), any, "{key}: {value}");
            assert!(m.named_target_attributes().contains("mail"), "{key}");
        }
    }

    #[test]
    fn broken_mappings_say_where() {
        let change = |pointer: &str, value: serde_json::Value| {
            let mut m = mapping();
            *m.pointer_mut(pointer).unwrap() = value;
            m.to_string()
        };
        for (text, what) in [
            ("nonsense".to_owned(), "this is not a mapping"),
            ("{}".to_owned(), "this is not a mapping"),
            (change("/name", json!("")), "cannot be used"),
            (change("/source", json!("hubspot")), "is not a resource path"),
            (change("/target", json!("system/hubspot/contact")), "same as the source"),
            (change("/sourceCondition", json!("email is there")), "sourceCondition"),
            (change("/policies/0/situation", json!("CONFUSED")), "CONFUSED"),
            (change("/policies/0/action", json!("EXPLODE")), "EXPLODE"),
            (change("/properties/0/target", json!("")), "no target attribute"),
            (change("/properties/0/target", json!("a/".repeat(100))), "more than 32 steps"),
            (
                change("/properties/0/transform", json!({"type": "text/javascript"})),
                "needs `source` or `file`",
            ),
            (change("/properties/0/transform", json!("lower")), "property `mail`: \"lower\" is no transform"),
            (
                change("/properties/0", json!({"source": "", "target": "x", "conflictRule": "ask"})),
                "property `x`: `conflictRule` compares two attributes",
            ),
            (
                change("/policies/0/action", json!(null)),
                "policy `CONFIRMED`: expected an action's name or a script",
            ),
            (change("/sourceCondition", json!(1)), "sourceCondition: expected a query filter or a script"),
            (
                change("/taskThreads", json!("4")),
                "mapping `systemHubspotContact_managedUser`, taskThreads: invalid type: string",
            ),
            (change("/properties/0/transform", json!([])), "property `mail`: `transform` is an empty list"),
            (change("/properties/0/transform", json!({"builtIn": "lowr"})), "property `mail`: there is no"),
            (
                change(
                    "/properties/0",
                    json!({"source": "", "target": "x", "transform": {"builtIn": "trim"}}),
                ),
                "property `x`: `source` is the whole record, which trim cannot change",
            ),
        ] {
            let error = MappingConfig::parse_all(&text).unwrap_err().to_string();
            assert!(error.contains(what), "{text}: {error}");
        }
    }
}
