//! The mappings by which what others send here through SCIM becomes managed objects: people (`scim/User`) and groups
//! (`scim/Group`).
//!
//! Each is a mapping like every other, in the list and editable, made with defaults when it is first needed. Its source is a
//! record that the SCIM server makes of what a client sent.
//!
//! Read the other way round it says what of a managed object a client is shown: a property that takes one attribute, as it is
//! or only put into form, shows the managed value; everything else is kept as it came.

use engine::Scripts;
use mapping::{DEFAULT_QUALIFIER, Hook, Mapping, Occasion, Problem, Validity};
use model::{
    Attributes, MappingConfig, Pointer, ResourcePath,
    mapping_config::PropertyConfig,
    transform::{BuiltIn, StepConfig, TransformConfig},
};
use serde_json::{Map, Value};

use crate::{
    ApiError, App, ErrorCode,
    dto::{AttributeInfo, AuditTopic, SchemaInfo},
};

/// The one attribute of people that is a flag.
pub(crate) const ACTIVE: &str = "active";

/// How a managed value is shown to a client.
#[derive(Debug, Clone, PartialEq)]
enum Back {
    /// As it is.
    AsItIs,
    /// By the table of the property's transform, read the other way round.
    Listed(Map<String, Value>),
}

/// An attribute of the record and the managed attribute that stands for it.
#[derive(Debug, Clone, PartialEq)]
struct Pair {
    source: String,
    target: String,
    back: Back,
}

/// A mapping of what arrives, and what it says the other way round.
#[derive(Debug, Clone)]
pub struct Arrivals {
    config: MappingConfig,
    pairs: Vec<Pair>,
}

impl Arrivals {
    /// What a mapping from `scim/...` says.
    pub fn of(config: MappingConfig) -> Self {
        let mut pairs: Vec<Pair> = Vec::new();
        for property in &config.properties {
            if let Some(pair) = pair(property).filter(|p| pairs.iter().all(|other| other.source != p.source))
            {
                pairs.push(pair);
            }
        }
        Self { config, pairs }
    }

    /// The managed type that it leads to.
    pub fn managed_type(&self) -> &str {
        self.config.target.strip_prefix("managed/").unwrap_or(&self.config.target)
    }

    /// Whether anything of the mapping names an attribute of the record, scripts included.
    pub fn mentions(&self, attribute: &str) -> bool {
        serde_json::to_string(&self.config).is_ok_and(|text| text.contains(attribute))
    }

    /// The managed attribute that stands for an attribute of the record, as a pointer.
    pub fn target_of(&self, source: &str) -> Option<&str> {
        self.pairs.iter().find(|pair| pair.source == source).map(|pair| pair.target.as_str())
    }

    /// The managed attribute that holds an attribute of the record as it is; only there a value can be looked up by.
    pub fn column_of(&self, source: &str) -> Option<&str> {
        let pair = self.pairs.iter().find(|pair| pair.source == source)?;
        (pair.back == Back::AsItIs).then_some(pair.target.as_str())
    }

    /// The managed attribute that stands for a flag, and its value for `false`.
    pub fn off_value(&self, source: &str) -> Option<(&str, &Value)> {
        let pair = self.pairs.iter().find(|pair| pair.source == source)?;
        match &pair.back {
            Back::Listed(values) => Some((pair.target.as_str(), values.get("false")?)),
            Back::AsItIs => None,
        }
    }

    /// The attributes of the record that a managed attribute stands for.
    pub fn sources(&self) -> impl Iterator<Item = &str> {
        self.pairs.iter().map(|pair| pair.source.as_str())
    }

    /// The record that a managed object is shown as, without what no managed attribute stands for.
    pub fn record_of(&self, managed: &Attributes) -> Attributes {
        let mut record = Attributes::new();
        for pair in &self.pairs {
            let Some(value) = Pointer::parse(&pair.target).get_in(managed).filter(|v| !is_blank(v)) else {
                continue;
            };
            if let Some(value) = back(&pair.source, &pair.back, value) {
                Pointer::parse(&pair.source).set_in(&mut record, value);
            }
        }
        record
    }

    /// The changes of a managed object (`None`: a new one) that a record makes, by pointer; null removes.
    ///
    /// # Errors
    /// [`ErrorCode::Invalid`] when the record is not one that the mapping takes in, with its reason, or cannot be mapped.
    pub async fn changes(
        &self,
        record: Attributes,
        before: Option<Attributes>,
    ) -> Result<Attributes, ApiError> {
        let config = self.config.clone();
        let mapped = tokio::task::spawn_blocking(move || {
            let mut scripts = Scripts::new();
            let mapping = Mapping::compile(config.clone(), None, &mut scripts)
                .map_err(|e| ApiError::new(ErrorCode::Invalid, e.to_string()))?;
            let problem = |problem: Problem| ApiError::new(ErrorCode::Invalid, problem.reason);
            let source = Value::Object(record);
            let validity = mapping.source_validity(&scripts, DEFAULT_QUALIFIER, &source).map_err(problem)?;
            if let Validity::Invalid(reason) = validity {
                let kind = config.source.rsplit('/').next().unwrap_or_default().to_lowercase();
                let what = format!("mapping `{}` does not take this {kind}: {reason}", config.name);
                return Err(ApiError::new(ErrorCode::Invalid, what));
            }
            let Value::Object(record) = &source else { return Ok(Attributes::new()) };
            let evaluation =
                mapping.evaluate(&scripts, Occasion::default(), record, before.as_ref()).map_err(problem)?;
            let mut changes: Attributes =
                evaluation.changes.into_iter().map(|change| (change.attribute, change.after)).collect();
            let event = if before.is_some() { Hook::Update } else { Hook::Create };
            for hook in [Hook::DefaultMapping, event] {
                if mapping.has_hook(hook) {
                    changes = shaped(&mapping, &scripts, hook, &source, before.as_ref(), changes)
                        .map_err(problem)?;
                }
            }
            Ok(changes)
        });
        mapped.await.map_err(|e| {
            ApiError::new(ErrorCode::Internal, format!("mapping what arrived ended unexpectedly: {e}"))
        })?
    }
}

/// The changes after a script of an event had its say.
fn shaped(
    mapping: &Mapping,
    scripts: &Scripts,
    hook: Hook,
    source: &Value,
    before: Option<&Attributes>,
    mut changes: Attributes,
) -> Result<Attributes, Problem> {
    let mut planned = before.cloned().unwrap_or_default();
    for (attribute, value) in &changes {
        let pointer = Pointer::parse(attribute);
        if value.is_null() {
            pointer.remove_in(&mut planned);
        } else {
            pointer.set_in(&mut planned, value.clone());
        }
    }
    let old = before.cloned().map_or(Value::Null, Value::Object);
    let (situation, qualifier) =
        (if before.is_some() { "CONFIRMED" } else { "ABSENT" }, Value::from(DEFAULT_QUALIFIER));
    let (situation, null) = (Value::from(situation), Value::Null);
    let config = serde_json::to_value(&mapping.config).unwrap_or_default();
    let variables = [
        ("source", source),
        ("oldTarget", &old),
        ("oldSource", &null),
        ("situation", &situation),
        ("linkQualifier", &qualifier),
        ("mappingConfig", &config),
        ("sourceId", &null),
        ("targetId", &null),
        ("context", &null),
    ];
    let after = mapping.run_hook(scripts, hook, &variables, &planned)?;
    for name in planned.keys().filter(|name| !after.contains_key(*name)) {
        changes.insert(name.clone(), Value::Null);
    }
    for (name, value) in after {
        if planned.get(&name) != Some(&value) {
            changes.insert(name, value);
        }
    }
    Ok(changes)
}

fn is_blank(value: &Value) -> bool {
    value.is_null() || value == ""
}

fn back(source: &str, back: &Back, value: &Value) -> Option<Value> {
    let plain = |value: &Value| match value {
        Value::Number(number) => Value::String(number.to_string()),
        other => other.clone(),
    };
    match back {
        Back::AsItIs => Some(plain(value)),
        // What is not switched off is on, whatever else the status says.
        Back::Listed(values) if source == ACTIVE => Some((values.get("false") != Some(value)).into()),
        Back::Listed(values) => Some(
            values
                .iter()
                .find(|(_, listed)| *listed == value)
                .map_or_else(|| plain(value), |(k, _)| k.as_str().into()),
        ),
    }
}

/// What a property says the other way round, if anything.
fn pair(property: &PropertyConfig) -> Option<Pair> {
    let source = property.source.as_deref().map(|s| s.trim_start_matches('/')).filter(|s| !s.is_empty())?;
    let back = match &property.transform {
        None => Back::AsItIs,
        Some(transform) => back_of(transform)?,
    };
    let target = property.target.trim_start_matches('/').to_owned();
    Some(Pair { source: source.to_owned(), target, back })
}

fn back_of(transform: &TransformConfig) -> Option<Back> {
    let mut found = Back::AsItIs;
    for step in transform.steps() {
        let StepConfig::BuiltIn(step) = step else { return None };
        match step.parse().ok()? {
            // The stored form is the one to show.
            BuiltIn::Lower | BuiltIn::Upper | BuiltIn::Trim | BuiltIn::PhoneE164 { .. } => {}
            BuiltIn::Map { values, .. } if transform.steps().len() == 1 => found = Back::Listed(values),
            _ => return None,
        }
    }
    Some(found)
}

/// The attributes of a record that arrives, for whoever edits the mapping: name, title, kind.
pub(crate) fn schema(
    object_type: &str,
    key: &str,
    attributes: impl Iterator<Item = (&'static str, &'static str, &'static str)>,
) -> SchemaInfo {
    let attributes = attributes
        .map(|(name, label, kind)| AttributeInfo {
            name: name.to_owned(),
            label: label.to_owned(),
            kind: kind.to_owned(),
            required: name == key,
            writable: false,
            unique: name == key,
            options: Vec::new(),
        })
        .collect();
    SchemaInfo { object_type: object_type.to_owned(), attributes }
}

impl App {
    /// The first mapping from a resource type of SCIM that leads to managed objects, or to those of one type.
    pub(crate) async fn arrivals_from(
        &self,
        object_type: &str,
        managed: Option<&str>,
    ) -> Result<Option<Arrivals>, ApiError> {
        let found = self.store.read(|r| r.mappings()).await?;
        let fits = |config: &MappingConfig| {
            matches!(config.source_path(), Ok(ResourcePath::Scim(kind)) if kind == object_type)
                && config.target_path().is_ok_and(|target| {
                    target.is_managed() && managed.is_none_or(|managed| target.object_type() == managed)
                })
        };
        Ok(found.into_iter().map(|row| row.config).find(fits).map(Arrivals::of))
    }

    /// Stores a mapping of what arrives, unless one of its name is there.
    pub(crate) async fn arrivals_made(&self, config: MappingConfig) -> Result<Arrivals, ApiError> {
        let (made, at) = (config.clone(), self.at());
        let stored = self
            .store
            .write(move |w| {
                // Two requests may come at the same moment; the first one's stays.
                if let Some(row) = w.mapping(&made.name)? {
                    return Ok(Some(row.config));
                }
                w.put_mapping(&made, &at)?;
                Ok(None)
            })
            .await?;
        if let Some(there) = stored {
            if there.source == config.source {
                return Ok(Arrivals::of(there));
            }
            return Err(ApiError::new(
                ErrorCode::Conflict,
                format!(
                    "mapping `{}` exists and is about {}; give it another name, so that the one for {} can be made",
                    there.name, there.source, config.source
                ),
            ));
        }
        self.audit(AuditTopic::Mapping, &config.name, "made for what arrives through SCIM").await?;
        Ok(Arrivals::of(config))
    }

    /// The mapping of what arrives as this resource type, as it is or would be made.
    pub(crate) async fn arrivals_of(&self, object_type: &str) -> Result<Arrivals, ApiError> {
        if object_type != "Group" {
            return self.arriving_people().await;
        }
        self.arriving_groups().await?.ok_or_else(|| {
            ApiError::new(
                ErrorCode::NotFound,
                "no group has arrived through SCIM yet, and no mapping takes groups",
            )
        })
    }
}
