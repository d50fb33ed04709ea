//! A mapping tried with one record before it is saved: what it would do with it, and why. Nothing is written, and every look at
//! a remote system is bounded.

use std::collections::HashSet;

use connector::{Connector, Search};
use engine::{Connectors as _, Scripts, TrialEnds, TrialRecord, Tried, newer_of, sameness, try_record};
use futures::StreamExt as _;
use mapping::{Correlation, DEFAULT_QUALIFIER, Mapping, canonical::Sameness};
use model::{Action, Attributes, Filter, MappingConfig, Pointer, ResourcePath, Situation};
use serde_json::Value;
use store::{LinkSpace, Orientation};

use crate::{
    ApiError, App, ErrorCode,
    dto::{ByResource, ChangeRow, Fix, Trial, TrialRequest, TrialRow, TrialStep},
    mapping_lab::{sample_record, shown},
};

/// Targets of one source that are worth knowing: more than one is ambiguous.
pub(crate) const FEW: usize = 5;
/// Pages of a remote search that one source is worth.
const PAGES: usize = 5;

/// One record as it is now.
struct Now {
    attributes: Attributes,
    /// When it was changed last, by its own account.
    changed: Option<String>,
}

impl App {
    /// What a mapping, saved or not, would do with one record.
    pub async fn mapping_try(&self, request: TrialRequest) -> Result<Trial, ApiError> {
        let config = MappingConfig::from_value(request.config)?;
        let all: Vec<MappingConfig> =
            self.store.read(|r| r.mappings()).await?.into_iter().map(|m| m.config).collect();
        let reverse = reverse_of(&config, &all).cloned();
        let (source_path, target_path) = (config.source_path()?, config.target_path()?);
        let wanted = self.source_attributes(&config).await?;
        let source = self.one(&source_path, &request.source_id, wanted).await?.ok_or_else(|| {
            ApiError::new(
                ErrorCode::NotFound,
                format!("there is no record `{}` in {}; choose another", request.source_id, config.source),
            )
        })?;
        let (tried, tried_source, asked_for) =
            (config.clone(), with_id(&source.attributes, &request.source_id), request.link_qualifier.clone());
        let (qualifiers, qualifier, correlation, names) = blocking(move || {
            let (mapping, scripts) = compile(&tried, None)?;
            let qualifiers =
                mapping.qualifiers_of(&scripts, &Value::Object(tried_source.clone())).map_err(problem)?;
            let qualifier = asked_for
                .filter(|q| qualifiers.contains(q))
                .unwrap_or_else(|| first_or_default(qualifiers.clone()));
            // A rule that fails is the judge's to tell; nothing is looked for by it.
            let correlation =
                mapping.correlate(&scripts, &qualifier, &tried_source).unwrap_or(Correlation::NoKey);
            Ok((qualifiers, qualifier, correlation, mapping.target_attributes()))
        })
        .await?;
        let names: Vec<String> = match names {
            Some(names) => names.into_iter().collect(),
            None => self.all_attributes(&config.target).await?,
        };

        let space = LinkSpace {
            kind: config.link_type().to_owned(),
            qualifier: qualifier.clone(),
            orientation: orientation(&config, &all),
        };
        let (lookup, id) = (space.clone(), request.source_id.clone());
        let linking = config.linking_enabled();
        let link =
            self.store.read(move |r| if linking { r.link_of_source(&lookup, &id) } else { Ok(None) }).await?;
        let linked = match &link {
            Some(link) => self.one(&target_path, &link.target_id, names.clone()).await?,
            None => None,
        };
        let found = match linked {
            Some(_) => Found::default(),
            None => {
                self.correlated(&source_path, &target_path, &correlation, names, &space, &request.source_id)
                    .await?
            }
        };
        let target_changed = match &linked {
            Some(linked) => linked.changed.clone(),
            None => found.changed,
        };
        let record = TrialRecord {
            qualifier,
            id: request.source_id,
            newer: newer_of(source.changed.as_deref(), target_changed.as_deref()),
            source: source.attributes,
            link,
            linked: linked.map(|linked| linked.attributes),
            matches: found.targets,
            owner: found.owner,
            owner_gone: found.owner_gone,
        };
        let managed = match &target_path {
            ResourcePath::Managed(kind) => Some(self.managed_kind(kind).await?),
            ResourcePath::System { .. } | ResourcePath::Scim(_) => None,
        };
        let key = match &target_path {
            ResourcePath::System { connector, object_type } => {
                let connector = self.pool.connector(connector).await?;
                let types = &connector.descriptor().object_types;
                types.iter().find(|t| t.name == *object_type).and_then(|t| t.natural_key.clone())
            }
            ResourcePath::Managed(_) | ResourcePath::Scim(_) => None,
        };
        let (store, sides) =
            (self.store.clone(), (self.sameness(&source_path).await?, self.sameness(&target_path).await?));
        blocking(move || {
            let (mapping, scripts) = compile(&config, reverse.as_ref())?;
            let mapping = mapping.telling_apart(sides.0, sides.1);
            let ends = TrialEnds {
                source: source_path.object_type(),
                target: target_path.object_type(),
                target_key: key.as_deref(),
                policies: managed.as_ref().map(|config| (&store, config)),
            };
            let tried = try_record(&mapping, &scripts, ends, &record)?;
            Ok(trial(tried, &record, &correlation, qualifiers))
        })
        .await
    }

    /// What the system at one end of a mapping takes for the same value.
    async fn sameness(&self, path: &ResourcePath) -> Result<Sameness, ApiError> {
        Ok(match path {
            ResourcePath::System { connector, object_type } => {
                sameness(self.pool.connector(connector).await?, object_type.clone())
            }
            ResourcePath::Managed(_) | ResourcePath::Scim(_) => Sameness::default(),
        })
    }

    /// The attributes of the source that a mapping reads: all of them where a script may read any.
    pub(crate) async fn source_attributes(&self, config: &MappingConfig) -> Result<Vec<String>, ApiError> {
        match config.source_attributes() {
            Some(names) => Ok(names.into_iter().collect()),
            None => self.all_attributes(&config.source).await,
        }
    }

    async fn all_attributes(&self, resource: &str) -> Result<Vec<String>, ApiError> {
        let schema = self.resource_schema(ByResource { resource: resource.to_owned() }).await?;
        Ok(schema.attributes.into_iter().map(|a| a.name).collect())
    }

    /// One record as it is now.
    async fn one(
        &self,
        path: &ResourcePath,
        id: &str,
        attributes: Vec<String>,
    ) -> Result<Option<Now>, ApiError> {
        match path {
            ResourcePath::Managed(kind) => {
                let config = self.managed_kind(kind).await?;
                let id = id.to_owned();
                let found =
                    self.store.read(move |r| r.managed(&config.name, &id).map(|m| (m, config))).await?;
                let (object, config) = found;
                Ok(object.map(|m| Now { attributes: shown(&config, m.attributes), changed: Some(m.updated) }))
            }
            ResourcePath::System { connector, object_type } => {
                let row = self.connector_row(connector).await?;
                let remote = self.pool.any(&row.config).await?;
                let modified = modified_attribute(remote.as_ref(), object_type);
                let mut attributes = attributes;
                attributes.extend(modified.clone());
                attributes.sort();
                attributes.dedup();
                let found = remote.read(object_type, &[id.to_owned()], &attributes).await?;
                Ok(found.into_iter().next().map(|object| Now {
                    changed: modified.and_then(|name| changed_at(&object.attributes, &name)),
                    attributes: object.attributes,
                }))
            }
            // What arrived is shown as a client is shown it.
            ResourcePath::Scim(kind) => {
                let arrivals = self.arrivals_of(kind).await?;
                let home = ResourcePath::Managed(arrivals.managed_type().to_owned());
                let managed = Box::pin(self.one(&home, id, attributes)).await?;
                Ok(managed.map(|now| Now { attributes: arrivals.record_of(&now.attributes), ..now }))
            }
        }
    }

    /// The first few targets that correlation finds.
    async fn correlated(
        &self,
        source_path: &ResourcePath,
        path: &ResourcePath,
        correlation: &Correlation,
        attributes: Vec<String>,
        space: &LinkSpace,
        source_id: &str,
    ) -> Result<Found, ApiError> {
        let mut found = match correlation {
            Correlation::NotDefined | Correlation::NoKey => Found::default(),
            Correlation::Ids(ids) => {
                let mut found = Found::default();
                for id in ids.iter().take(FEW) {
                    if let Some(target) = self.one(path, id, attributes.clone()).await? {
                        found.changed = target.changed;
                        found.targets.push((id.clone(), target.attributes));
                    }
                }
                found
            }
            Correlation::Query(query) => self.queried(path, &query.filter, attributes).await?,
        };
        if let [(id, _)] = found.targets.as_slice() {
            let (space, id) = (space.clone(), id.clone());
            let link = self.store.read(move |r| r.link_of_target(&space, &id)).await?;
            found.owner = link.map(|l| l.source_id).filter(|owner| owner != source_id);
        }
        if let Some(owner) = &found.owner {
            found.owner_gone = self.one(source_path, owner, Vec::new()).await?.is_none();
        }
        Ok(found)
    }

    async fn queried(
        &self,
        path: &ResourcePath,
        filter: &Filter,
        attributes: Vec<String>,
    ) -> Result<Found, ApiError> {
        let mut found = Found::default();
        match path {
            ResourcePath::Managed(kind) => {
                let (config, filter) = (self.managed_kind(kind).await?, filter.clone());
                let objects = self
                    .store
                    .read(move |r| {
                        let mut objects = Vec::new();
                        for id in r.managed_ids(&config, &filter, FEW)? {
                            let target = r.managed(&config.name, &id)?;
                            objects.extend(target.map(|m| (id, shown(&config, m.attributes), m.updated)));
                        }
                        Ok(objects)
                    })
                    .await?;
                for (id, attributes, updated) in objects {
                    found.changed = Some(updated);
                    found.targets.push((id, attributes));
                }
            }
            ResourcePath::System { connector, object_type } => {
                let row = self.connector_row(connector).await?;
                let remote = self.pool.any(&row.config).await?;
                let modified = modified_attribute(remote.as_ref(), object_type);
                let mut attributes = attributes;
                attributes.extend(modified.clone());
                attributes.sort();
                attributes.dedup();
                let search = Search {
                    object_type: object_type.clone(),
                    filter: Some(filter.clone()),
                    attributes,
                    after: None,
                };
                let mut pages = remote.search(search).take(PAGES);
                while let Some(page) = pages.next().await {
                    for object in page?.objects {
                        found.changed =
                            modified.as_ref().and_then(|name| changed_at(&object.attributes, name));
                        found.targets.push((object.uid, object.attributes));
                    }
                    if found.targets.len() > 1 {
                        break;
                    }
                }
                found.targets.truncate(FEW);
            }
            ResourcePath::Scim(_) => {}
        }
        Ok(found)
    }
}

/// The attribute in which a remote type keeps when a record was changed.
fn modified_attribute(remote: &dyn Connector, object_type: &str) -> Option<String> {
    let types = &remote.descriptor().object_types;
    types.iter().find(|t| t.name == object_type)?.modified_attribute.clone()
}

fn changed_at(attributes: &Attributes, name: &str) -> Option<String> {
    attributes.get(name)?.as_str().map(str::to_owned)
}

/// The targets of a source, and the other source that the only one of them is linked to.
#[derive(Default)]
struct Found {
    targets: Vec<(String, Attributes)>,
    owner: Option<String>,
    owner_gone: bool,
    /// When the last of the targets was changed.
    changed: Option<String>,
}

/// Scripts cannot change threads and may take their time, so they run on a thread of their own.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ApiError> + Send + 'static,
) -> Result<T, ApiError> {
    tokio::task::spawn_blocking(work).await.map_err(|e| {
        ApiError::new(ErrorCode::Internal, format!("trying the mapping ended unexpectedly: {e}"))
    })?
}

pub(crate) fn first_or_default(qualifiers: Vec<String>) -> String {
    qualifiers.into_iter().next().unwrap_or_else(|| DEFAULT_QUALIFIER.to_owned())
}

/// Attributes as scripts and filters see them.
pub(crate) fn with_id(attributes: &Attributes, id: &str) -> Attributes {
    let mut all = attributes.clone();
    all.insert("_id".into(), id.into());
    all
}

/// What the judge said, as the screen shows it.
fn trial(tried: Tried, record: &TrialRecord, correlation: &Correlation, qualifiers: Vec<String>) -> Trial {
    let mapped: HashSet<String> =
        tried.trace.properties.iter().map(|p| p.target.trim_start_matches('/').to_owned()).collect();
    let rows = tried.trace.properties.into_iter().map(|p| TrialRow {
        source: p
            .source
            .as_deref()
            .map(Pointer::parse)
            .filter(|pointer| !pointer.is_root())
            .and_then(|pointer| pointer.get_in(&record.source).cloned())
            .unwrap_or(Value::Null),
        target: p.target,
        before: p.before,
        after: p.after,
        outcome: p.outcome.name().into(),
        why: p.outcome.words(),
        steps: p
            .steps
            .iter()
            .map(|s| TrialStep {
                name: s.name().into(),
                text: s.words(),
                value: s.value().cloned().unwrap_or(Value::Null),
            })
            .collect(),
    });
    let properties = rows.collect();
    let by_scripts = tried
        .changes
        .into_iter()
        // What a delete takes away is no work of a script.
        .filter(|_| matches!(tried.action, Some(Action::Create | Action::Update)))
        .filter(|change| !mapped.contains(change.attribute.trim_start_matches('/')))
        .map(|change| ChangeRow { attribute: change.attribute, before: change.before, after: change.after })
        .collect();
    Trial {
        source: sample_record(record.id.clone(), record.source.clone()),
        why: why(tried.situation, record, correlation).unwrap_or_else(|| tried.reason.clone()),
        target: record.target().map(|(id, target)| sample_record(id.to_owned(), target.clone())),
        candidates: record.matches.iter().map(|(id, t)| sample_record(id.clone(), t.clone())).collect(),
        situation: tried.situation.map_or_else(String::new, |s| s.as_str().into()),
        meaning: tried.situation.map_or_else(|| tried.reason.clone(), |s| s.meaning().into()),
        action: tried.action.map_or_else(String::new, |a| a.as_str().into()),
        outcome: tried.outcome.name().into(),
        reason: tried.reason,
        fix: Fix::read(tried.remedy.as_deref()),
        remedy: tried.remedy,
        qualifiers,
        properties,
        by_scripts,
    }
}

/// How the target was found, where the situation is about that.
fn why(situation: Option<Situation>, record: &TrialRecord, correlation: &Correlation) -> Option<String> {
    let title = record.target().map(|(id, target)| engine::title_of(target, id));
    let by = || match correlation {
        Correlation::Query(query) => format!("by {}", query.filter),
        _ => "by the correlation script".to_owned(),
    };
    let count = record.matches.len();
    match (situation?, title) {
        (Situation::Confirmed, Some(title)) => Some(format!("linked to {title}")),
        (Situation::Found, Some(title)) => Some(format!("matches {title} {}", by())),
        (Situation::FoundAlreadyLinked, Some(title)) => {
            let owner = record.owner.as_deref().unwrap_or_default();
            let gone = if record.owner_gone { ", which is gone" } else { "" };
            Some(format!("matches {title} {}, who is linked to {owner}{gone}", by()))
        }
        (Situation::Ambiguous, _) => Some(format!("{count} records match {}", by())),
        (Situation::Missing, other) => {
            let gone = record.link.as_ref().map_or("", |link| &link.target_id);
            let instead = other.map_or_else(String::new, |title| format!("; {title} matches {}", by()));
            Some(format!("linked to {gone}, which is gone{instead}"))
        }
        (Situation::Absent, _) => Some(match correlation {
            Correlation::NotDefined => "no rule says how to find its other half".to_owned(),
            Correlation::NoKey => "it has no value to compare by".to_owned(),
            Correlation::Query(_) | Correlation::Ids(_) => format!("no record matches {}", by()),
        }),
        _ => None,
    }
}

fn reverse_of<'m>(config: &MappingConfig, all: &'m [MappingConfig]) -> Option<&'m MappingConfig> {
    all.iter().find(|m| m.link_type() == config.link_type() && m.is_back_of(config))
}

pub(crate) fn orientation(config: &MappingConfig, all: &[MappingConfig]) -> Orientation {
    let kind = config.link_type();
    match all.iter().find(|m| m.name == kind) {
        Some(owner) if kind != config.name && config.is_back_of(owner) => Orientation::Backward,
        _ => Orientation::Forward,
    }
}

pub(crate) fn invalid(reason: String) -> ApiError {
    ApiError::new(ErrorCode::Invalid, reason)
}

pub(crate) fn problem(problem: mapping::Problem) -> ApiError {
    invalid(problem.reason)
}

pub(crate) fn compile(
    config: &MappingConfig,
    reverse: Option<&MappingConfig>,
) -> Result<(Mapping, Scripts), ApiError> {
    let mut scripts = Scripts::new();
    let mapping = Mapping::compile(config.clone(), reverse, &mut scripts)
        .map_err(|e| ApiError::new(ErrorCode::Invalid, e.to_string()))?;
    Ok((mapping, scripts))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use store::Link;

    use super::*;

    fn config(more: Value) -> MappingConfig {
        let mut document = json!({
            "name": "m", "source": "system/hubspot/contact", "target": "managed/user",
            "sourceCondition": "/source/email pr",
            "correlationQuery": [{"expressionTree": {"all": ["mail"]}}],
            "properties": [
                {"source": "email", "target": "mail", "transform": [{"builtIn": "trim"}, {"builtIn": "lower"}]},
                {"source": "", "target": "displayName",
                 "transform": {"type": "text/javascript", "source": "source.first + ' ' + source.last"}},
            ],
        });
        for (key, value) in more.as_object().cloned().unwrap_or_default() {
            document[key] = value;
        }
        MappingConfig::from_value(document).unwrap()
    }

    fn object(value: Value) -> Attributes {
        value.as_object().cloned().unwrap()
    }

    fn tried(config: &MappingConfig, source: Value, record: TrialRecord) -> Trial {
        let (mapping, scripts) = compile(config, None).unwrap();
        let source = object(source);
        let correlation = mapping.correlate(&scripts, "default", &source).unwrap_or(Correlation::NoKey);
        let record = TrialRecord { qualifier: "default".into(), id: "1".into(), source, ..record };
        let ends = TrialEnds { source: "contact", target: "user", target_key: None, policies: None };
        let tried = try_record(&mapping, &scripts, ends, &record).unwrap();
        trial(tried, &record, &correlation, vec!["default".into()])
    }

    fn matching(ids: &[&str], target: &Attributes) -> TrialRecord {
        let matches = ids.iter().map(|id| ((*id).to_owned(), target.clone())).collect();
        TrialRecord { matches, ..TrialRecord::default() }
    }

    fn linked(target: Option<Attributes>) -> TrialRecord {
        let link = Link {
            source_id: "1".into(),
            target_id: "u1".into(),
            source_hash: None,
            target_hash: None,
            version: None,
            base_source: None,
            base_target: None,
        };
        TrialRecord { link: Some(link), linked: target, ..TrialRecord::default() }
    }

    #[test]
    fn a_record_is_tried_without_being_written() {
        let config = config(json!({}));
        let ann = json!({"email": " ANN@x.org", "first": "Ann", "last": "Lee"});
        let new = tried(&config, ann.clone(), TrialRecord::default());
        assert_eq!((new.situation.as_str(), new.action.as_str()), ("ABSENT", "CREATE"));
        assert_eq!(new.why, "no record matches by /mail eq \"ann@x.org\"");
        let mail = &new.properties[0];
        assert_eq!((mail.outcome.as_str(), &mail.after), ("written", &json!("ann@x.org")));
        assert_eq!(
            mail.steps.iter().map(|s| s.name.as_str()).collect::<Vec<_>>(),
            ["source", "transform", "transform"]
        );
        assert_eq!((&mail.source, &new.properties[1].source), (&json!(" ANN@x.org"), &Value::Null));
        assert_eq!(new.properties[1].after, json!("Ann Lee"));

        let target = object(json!({"mail": "ann@x.org", "displayName": "Ann"}));
        let found = tried(&config, ann.clone(), matching(&["u1"], &target));
        assert_eq!((found.situation.as_str(), found.action.as_str()), ("FOUND", "UPDATE"));
        assert_eq!((found.outcome.as_str(), found.candidates.len()), ("planned", 1));
        assert_eq!(found.properties[0].outcome, "unchanged");
        assert_eq!(found.properties[1].before, json!("Ann"));

        let several = tried(&config, ann.clone(), matching(&["u1", "u2"], &target));
        assert_eq!((several.situation.as_str(), several.outcome.as_str()), ("AMBIGUOUS", "needsYou"));
        assert_eq!(several.candidates.len(), 2);
        let nobody = tried(&config, json!({"first": "Bo"}), TrialRecord::default());
        assert_eq!((nobody.situation.as_str(), nobody.action.as_str()), ("SOURCE_IGNORED", "IGNORE"));
        assert!(nobody.why.contains("no value for email"), "{}", nobody.why);
    }

    #[test]
    fn a_property_that_fails_does_not_hide_the_others() {
        let config = config(json!({"properties": [
            {"source": "email", "target": "sn", "transform": {"type": "text/javascript", "source": "source.nothing.more"}},
            {"source": "email", "target": "mail"},
        ]}));
        let tried = tried(&config, json!({"email": "a@x"}), TrialRecord::default());
        assert_eq!(
            tried.properties.iter().map(|p| p.outcome.as_str()).collect::<Vec<_>>(),
            ["failed", "written"]
        );
        assert!(tried.properties[0].why.contains("sn"), "{}", tried.properties[0].why);
    }

    #[test]
    fn links_scripts_and_scope_count_as_in_a_run() {
        let config = config(json!({
            "sourceQuery": {"_queryFilter": "email co \"x.org\""},
            "onUpdate": {"type": "text/javascript", "source": "target.note = 'seen ' + source._id"},
        }));
        let ann = json!({"email": "ann@x.org", "first": "Ann", "last": "Lee"});
        let there = object(json!({"mail": "ann@x.org", "displayName": "Ann Lee"}));
        let confirmed = tried(&config, ann.clone(), linked(Some(there.clone())));
        assert_eq!(
            (confirmed.situation.as_str(), confirmed.why.as_str()),
            ("CONFIRMED", "linked to Ann Lee")
        );
        // No property writes it; the script does.
        let note = ChangeRow { attribute: "note".into(), before: Value::Null, after: json!("seen 1") };
        assert_eq!((confirmed.outcome.as_str(), confirmed.by_scripts), ("planned", vec![note]));
        let noted = object(json!({"mail": "ann@x.org", "displayName": "Ann Lee", "note": "seen 1"}));
        assert_eq!(tried(&config, ann.clone(), linked(Some(noted))).outcome, "inSync");

        let missing =
            tried(&config, ann, TrialRecord { matches: vec![("u2".into(), there)], ..linked(None) });
        assert_eq!((missing.situation.as_str(), missing.outcome.as_str()), ("MISSING", "needsYou"));
        assert!(missing.why.starts_with("linked to u1, which is gone; Ann Lee matches"), "{}", missing.why);

        let outside = tried(&config, json!({"email": "ann@elsewhere.org"}), TrialRecord::default());
        assert_eq!((outside.outcome.as_str(), outside.situation.as_str()), ("outside", ""));
        assert!(outside.reason.contains("sourceQuery"), "{}", outside.reason);
    }

    #[test]
    fn a_script_that_cannot_be_read_says_where() {
        let config = config(json!({"validSource": {"type": "text/javascript", "source": "source.("}}));
        let Err(error) = compile(&config, None) else { panic!("it compiled") };
        assert!(error.message.contains("(validSource)"), "{}", error.message);
    }
}
