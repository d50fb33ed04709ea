//! A mapping tried before it is saved: what it would do with one record and why, and how many records its correlation
//! finds. Nothing is written, and every look at a remote system is bounded.

use connector::Search;
use engine::Scripts;
use futures::StreamExt as _;
use mapping::{
    Base, Correlation, DEFAULT_QUALIFIER, Decision, Mapping, Occasion, Validity,
    assess::{Link as LinkStanding, Matches, Source, assess_source},
};
use model::{Attributes, Filter, MappingConfig, Pointer, ResourcePath};
use serde_json::Value;
use store::{Link, LinkSpace, Orientation};

use crate::{
    ApiError, App, ErrorCode,
    dto::{
        ByResource, MatchExample, MatchReport, MatchRequest, SampleRecord, Trial, TrialRequest, TrialRow,
        TrialStep,
    },
    mapping_lab::{sample_record, shown},
};

/// Source records that a count of matches looks at.
const MATCH_SOURCES: usize = 300;
/// Target records that a count of matches compares with, where the target cannot be asked by value.
const MATCH_TARGETS: usize = 1000;
/// Examples that a count of matches names of each kind.
const EXAMPLES: usize = 5;
/// Targets of one source that are worth knowing: more than one is ambiguous.
const FEW: usize = 5;
/// Pages of a remote search that one source is worth.
const PAGES: usize = 5;

/// What a source asks the target for.
struct Asked {
    validity: Result<Validity, String>,
    correlation: Result<Correlation, String>,
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
            (config.clone(), source.clone(), request.link_qualifier.clone());
        let (qualifiers, qualifier, asked, names) = blocking(move || {
            let (mapping, scripts) = compile(&tried, None)?;
            let value = Value::Object(tried_source.clone());
            let qualifiers = mapping.qualifiers_of(&scripts, &value).map_err(problem)?;
            let qualifier = asked_for
                .filter(|q| qualifiers.contains(q))
                .unwrap_or_else(|| first_or_default(qualifiers.clone()));
            let asked = ask(&mapping, &scripts, &qualifier, &tried_source);
            Ok((qualifiers, qualifier, asked, mapping.target_attributes()))
        })
        .await?;
        let names: Vec<String> = names.into_iter().collect();
        let validity = asked.validity.map_err(|reason| ApiError::new(ErrorCode::Invalid, reason))?;
        let correlation = asked.correlation.map_err(|reason| ApiError::new(ErrorCode::Invalid, reason))?;

        let space = LinkSpace {
            kind: config.link_type().to_owned(),
            qualifier: qualifier.clone(),
            orientation: orientation(&config, &all),
        };
        let (lookup, id) = (space.clone(), request.source_id.clone());
        let linking = config.linking_enabled();
        let link =
            self.store.read(move |r| if linking { r.link_of_source(&lookup, &id) } else { Ok(None) }).await?;
        let found = match &link {
            Some(link) => {
                let target = self.one(&target_path, &link.target_id, names).await?;
                Found {
                    targets: target.map(|t| (link.target_id.clone(), t)).into_iter().collect(),
                    owner: None,
                }
            }
            None => self.correlated(&target_path, &correlation, names, &space, &request.source_id).await?,
        };

        let record = sample_record(request.source_id.clone(), source.clone());
        blocking(move || {
            let (mapping, scripts) = compile(&config, reverse.as_ref())?;
            judge(
                &mapping,
                &scripts,
                qualifier,
                qualifiers,
                &record,
                &source,
                validity,
                &correlation,
                link,
                found,
            )
        })
        .await
    }

    /// How the records of a bounded sample of the source match, by the rule of a mapping that is saved or not.
    pub async fn mapping_matches(&self, request: MatchRequest) -> Result<MatchReport, ApiError> {
        let config = MappingConfig::from_value(request.config)?;
        let (source_path, target_path) = (config.source_path()?, config.target_path()?);
        let wanted = self.source_attributes(&config).await?;
        let sources = self.look(&source_path, &[], wanted, MATCH_SOURCES).await?;
        let records = sources.records.clone();
        let (tried, asked_for) = (config.clone(), request.link_qualifier);
        let (asked, names) = blocking(move || {
            let (mapping, scripts) = compile(&tried, None)?;
            let qualifier = match asked_for {
                Some(qualifier) => qualifier,
                None => first_or_default(mapping.all_qualifiers(&scripts).map_err(problem)?),
            };
            let mut asked = Vec::with_capacity(records.len());
            for record in &records {
                let Value::Object(attributes) = &record.attributes else { continue };
                asked.push(ask(&mapping, &scripts, &qualifier, attributes));
            }
            Ok((asked, mapping.correlation_attributes()))
        })
        .await?;
        let names: Vec<String> = names.into_iter().collect();
        let targets = self.look(&target_path, &[], names, MATCH_TARGETS).await?;
        let folded: Vec<Value> = targets.records.iter().map(|t| fold(&t.attributes)).collect();
        let mut report = MatchReport {
            looked: sources.records.len() as u64,
            compared: targets.records.len() as u64,
            more: sources.more || targets.more,
            unqualified: 0,
            no_key: 0,
            none: 0,
            one: 0,
            several: 0,
            ambiguous: Vec::new(),
            matched: Vec::new(),
        };
        for (record, asked) in sources.records.into_iter().zip(asked) {
            if asked.validity.map_err(invalid)? != Validity::Valid {
                report.unqualified += 1;
                continue;
            }
            let matching: Vec<&SampleRecord> = match asked.correlation.map_err(invalid)? {
                Correlation::NotDefined => Vec::new(),
                Correlation::NoKey => {
                    report.no_key += 1;
                    continue;
                }
                Correlation::Ids(ids) => targets.records.iter().filter(|t| ids.contains(&t.id)).collect(),
                Correlation::Query(query) => {
                    let filter = fold_filter(query.filter);
                    let pairs = folded.iter().zip(&targets.records);
                    pairs.filter(|(value, _)| filter.matches(value)).map(|(_, record)| record).collect()
                }
            };
            let (count, examples) = match matching.len() {
                0 => {
                    report.none += 1;
                    continue;
                }
                1 => (&mut report.one, &mut report.matched),
                _ => (&mut report.several, &mut report.ambiguous),
            };
            *count += 1;
            if examples.len() < EXAMPLES {
                let targets = matching.into_iter().take(FEW).cloned().collect();
                examples.push(MatchExample { source: record, targets });
            }
        }
        Ok(report)
    }

    /// The attributes of the source that a mapping reads: all of them where a script may read any.
    async fn source_attributes(&self, config: &MappingConfig) -> Result<Vec<String>, ApiError> {
        match config.source_attributes() {
            Some(names) => Ok(names.into_iter().collect()),
            None => {
                let schema = self.resource_schema(ByResource { resource: config.source.clone() }).await?;
                Ok(schema.attributes.into_iter().map(|a| a.name).collect())
            }
        }
    }

    /// One record as it is now.
    async fn one(
        &self,
        path: &ResourcePath,
        id: &str,
        attributes: Vec<String>,
    ) -> Result<Option<Attributes>, ApiError> {
        match path {
            ResourcePath::Managed(kind) => {
                let config = self.managed_kind(kind).await?;
                let id = id.to_owned();
                let found = self
                    .store
                    .read(move |r| Ok(r.managed(&config.name, &id)?.map(|m| shown(&config, m.attributes))))
                    .await?;
                Ok(found)
            }
            ResourcePath::System { connector, object_type } => {
                let row = self.connector_row(connector).await?;
                let remote = self.pool.any(&row.config).await?;
                let found = remote.read(object_type, &[id.to_owned()], &attributes).await?;
                Ok(found.into_iter().next().map(|object| object.attributes))
            }
        }
    }

    /// The first few targets that correlation finds.
    async fn correlated(
        &self,
        path: &ResourcePath,
        correlation: &Correlation,
        attributes: Vec<String>,
        space: &LinkSpace,
        source_id: &str,
    ) -> Result<Found, ApiError> {
        let targets = match correlation {
            Correlation::NotDefined | Correlation::NoKey => Vec::new(),
            Correlation::Ids(ids) => {
                let mut targets = Vec::new();
                for id in ids.iter().take(FEW) {
                    let target = self.one(path, id, attributes.clone()).await?;
                    targets.extend(target.map(|t| (id.clone(), t)));
                }
                targets
            }
            Correlation::Query(query) => self.queried(path, &query.filter, attributes).await?,
        };
        let owner = match targets.as_slice() {
            [(id, _)] => {
                let (space, id) = (space.clone(), id.clone());
                let link = self.store.read(move |r| r.link_of_target(&space, &id)).await?;
                link.map(|l| l.source_id).filter(|owner| owner != source_id)
            }
            _ => None,
        };
        Ok(Found { targets, owner })
    }

    async fn queried(
        &self,
        path: &ResourcePath,
        filter: &Filter,
        attributes: Vec<String>,
    ) -> Result<Vec<(String, Attributes)>, ApiError> {
        match path {
            ResourcePath::Managed(kind) => {
                let (config, filter) = (self.managed_kind(kind).await?, filter.clone());
                let found = self
                    .store
                    .read(move |r| {
                        let mut found = Vec::new();
                        for id in r.managed_ids(&config, &filter, FEW)? {
                            let target = r.managed(&config.name, &id)?;
                            found.extend(target.map(|m| (id, shown(&config, m.attributes))));
                        }
                        Ok(found)
                    })
                    .await?;
                Ok(found)
            }
            ResourcePath::System { connector, object_type } => {
                let row = self.connector_row(connector).await?;
                let remote = self.pool.any(&row.config).await?;
                let search = Search {
                    object_type: object_type.clone(),
                    filter: Some(filter.clone()),
                    attributes,
                    after: None,
                };
                let mut pages = remote.search(search).take(PAGES);
                let mut found = Vec::new();
                while let Some(page) = pages.next().await {
                    found.extend(page?.objects.into_iter().map(|o| (o.uid, o.attributes)));
                    if found.len() > 1 {
                        break;
                    }
                }
                found.truncate(FEW);
                Ok(found)
            }
        }
    }
}

/// The targets of a source, and the other source that the only one of them is linked to.
struct Found {
    targets: Vec<(String, Attributes)>,
    owner: Option<String>,
}

/// Scripts cannot change threads and may take their time, so they run on a thread of their own.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ApiError> + Send + 'static,
) -> Result<T, ApiError> {
    tokio::task::spawn_blocking(work).await.map_err(|e| {
        ApiError::new(ErrorCode::Internal, format!("trying the mapping ended unexpectedly: {e}"))
    })?
}

fn first_or_default(qualifiers: Vec<String>) -> String {
    qualifiers.into_iter().next().unwrap_or_else(|| DEFAULT_QUALIFIER.to_owned())
}

fn ask(mapping: &Mapping, scripts: &Scripts, qualifier: &str, source: &Attributes) -> Asked {
    Asked {
        validity: mapping
            .source_validity(scripts, qualifier, &Value::Object(source.clone()))
            .map_err(|p| p.reason),
        correlation: mapping.correlate(scripts, qualifier, source).map_err(|p| p.reason),
    }
}

#[allow(
    clippy::too_many_arguments,
    reason = "everything that one record is judged by, gathered by the caller"
)]
fn judge(
    mapping: &Mapping,
    scripts: &Scripts,
    qualifier: String,
    qualifiers: Vec<String>,
    record: &SampleRecord,
    source: &Attributes,
    validity: Validity,
    correlation: &Correlation,
    link: Option<Link>,
    found: Found,
) -> Result<Trial, ApiError> {
    let target = match found.targets.as_slice() {
        [only] => Some(only),
        _ => None,
    };
    let source_value = Value::Object(source.clone());
    let target_value = target.map_or(Value::Null, |(_, t)| Value::Object(t.clone()));
    let standing = match (&link, target) {
        (None, _) => LinkStanding::None,
        (Some(_), Some(_)) => LinkStanding::ToTarget {
            valid: mapping.target_valid(scripts, &qualifier, &target_value).map_err(problem)?,
        },
        (Some(_), None) => LinkStanding::ToNothing,
    };
    let matches = match (correlation, found.targets.len()) {
        (Correlation::NotDefined, _) => Matches::NotAsked,
        (_, 0) => Matches::None,
        (_, 1) => Matches::One { linked_elsewhere: found.owner.is_some() },
        _ => Matches::Several,
    };
    let valid = validity == Validity::Valid;
    let situation = assess_source(Source::There { valid }, standing, matches).situation;
    let ids: Vec<String> = found.targets.iter().map(|(id, _)| id.clone()).collect();
    let decision = Decision {
        mapping: &mapping.config.name,
        run: "",
        qualifier: &qualifier,
        situation,
        from_source: true,
        source: &source_value,
        target: &target_value,
        source_id: Some(&record.id),
        target_id: target.map(|(id, _)| id.as_str()),
        ambiguous: if ids.len() > 1 { &ids } else { &[] },
    };
    let action = mapping.action(scripts, &decision).map_err(problem)?.action;
    let base = link
        .as_ref()
        .and_then(|l| Some(Base { source: l.base_source.clone()?, target: l.base_target.clone()? }));
    let occasion = Occasion { qualifier: &qualifier, base: base.as_ref(), newer: None };
    let trace = mapping.trace(scripts, occasion, source, target.map(|(_, t)| t));
    let properties = trace
        .properties
        .into_iter()
        .map(|p| TrialRow {
            source: p
                .source
                .as_deref()
                .map(Pointer::parse)
                .filter(|pointer| !pointer.is_root())
                .and_then(|pointer| pointer.get_in(source).cloned())
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
        })
        .collect();
    Ok(Trial {
        source: record.clone(),
        why: why(
            &validity,
            correlation,
            link.as_ref(),
            &found,
            target.map(|(id, t)| engine::title_of(t, id)),
        ),
        target: target.map(|(id, t)| sample_record(id.clone(), t.clone())),
        situation: situation.as_str().into(),
        meaning: situation.meaning().into(),
        action: action.as_str().into(),
        qualifiers,
        properties,
    })
}

/// How the target was found, or why the record does not qualify.
fn why(
    validity: &Validity,
    correlation: &Correlation,
    link: Option<&Link>,
    found: &Found,
    title: Option<String>,
) -> String {
    if let Validity::Invalid(reason) = validity {
        return reason.clone();
    }
    let by = match correlation {
        Correlation::Query(query) => format!("by {}", query.filter),
        _ => "by the correlation script".to_owned(),
    };
    match (link, title, found.targets.len(), correlation) {
        (Some(_), Some(title), ..) => format!("linked to {title}"),
        (Some(link), None, ..) => format!("linked to {}, which is gone", link.target_id),
        (None, _, _, Correlation::NotDefined) => "no rule says how to find its other half".into(),
        (None, _, _, Correlation::NoKey) => "it has no value to compare by".into(),
        (None, Some(title), ..) => match &found.owner {
            None => format!("matches {title} {by}"),
            Some(owner) => format!("matches {title} {by}, who is linked to {owner}"),
        },
        (None, None, 0, _) => format!("no record matches {by}"),
        (None, None, count, _) => format!("{count} records match {by}"),
    }
}

fn reverse_of<'m>(config: &MappingConfig, all: &'m [MappingConfig]) -> Option<&'m MappingConfig> {
    all.iter().find(|m| {
        m.link_type() == config.link_type() && m.source == config.target && m.target == config.source
    })
}

fn orientation(config: &MappingConfig, all: &[MappingConfig]) -> Orientation {
    let kind = config.link_type();
    match all.iter().find(|m| m.name == kind) {
        Some(owner) if kind != config.name && owner.source == config.target => Orientation::Backward,
        _ => Orientation::Forward,
    }
}

fn invalid(reason: String) -> ApiError {
    ApiError::new(ErrorCode::Invalid, reason)
}

fn problem(problem: mapping::Problem) -> ApiError {
    invalid(problem.reason)
}

/// Correlation does not tell small letters from capitals; filters do.
fn fold(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(text.to_lowercase()),
        Value::Array(items) => Value::Array(items.iter().map(fold).collect()),
        Value::Object(map) => Value::Object(map.iter().map(|(k, v)| (k.clone(), fold(v))).collect()),
        other => other.clone(),
    }
}

fn fold_filter(filter: Filter) -> Filter {
    let each = |parts: Vec<Filter>| parts.into_iter().map(fold_filter).collect();
    match filter {
        Filter::And(parts) => Filter::And(each(parts)),
        Filter::Or(parts) => Filter::Or(each(parts)),
        Filter::Not(part) => Filter::Not(Box::new(fold_filter(*part))),
        Filter::Compare(pointer, op, literal) => Filter::Compare(pointer, op, fold(&literal)),
        other @ (Filter::Always(_) | Filter::Present(_)) => other,
    }
}

fn compile(config: &MappingConfig, reverse: Option<&MappingConfig>) -> Result<(Mapping, Scripts), ApiError> {
    let mut scripts = Scripts::new();
    let mapping = Mapping::compile(config.clone(), reverse, &mut scripts)
        .map_err(|e| ApiError::new(ErrorCode::Invalid, e.to_string()))?;
    Ok((mapping, scripts))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

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

    fn trial(
        config: &MappingConfig,
        source: Value,
        link: Option<Link>,
        targets: Vec<(String, Attributes)>,
    ) -> Trial {
        let (mapping, scripts) = compile(config, None).unwrap();
        let source = object(source);
        let asked = ask(&mapping, &scripts, "default", &source);
        judge(
            &mapping,
            &scripts,
            "default".into(),
            vec!["default".into()],
            &sample_record("1".into(), source.clone()),
            &source,
            asked.validity.unwrap(),
            &asked.correlation.unwrap(),
            link,
            Found { targets, owner: None },
        )
        .unwrap()
    }

    #[test]
    fn a_record_is_tried_without_being_written() {
        let config = config(json!({}));
        let ann = json!({"email": " ANN@x.org", "first": "Ann", "last": "Lee"});
        let new = trial(&config, ann.clone(), None, vec![]);
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
        let found = trial(&config, ann.clone(), None, vec![("u1".into(), target.clone())]);
        assert_eq!((found.situation.as_str(), found.action.as_str()), ("FOUND", "UPDATE"));
        assert_eq!(found.properties[0].outcome, "unchanged");
        assert_eq!(found.properties[1].before, json!("Ann"));

        let several = vec![("u1".into(), target.clone()), ("u2".into(), target)];
        assert_eq!(trial(&config, ann, None, several).situation, "AMBIGUOUS");
        let nobody = trial(&config, json!({"first": "Bo"}), None, vec![]);
        assert_eq!((nobody.situation.as_str(), nobody.action.as_str()), ("SOURCE_IGNORED", "IGNORE"));
        assert!(nobody.why.contains("no value for email"), "{}", nobody.why);
    }

    #[test]
    fn a_property_that_fails_does_not_hide_the_others() {
        let config = config(json!({"properties": [
            {"source": "email", "target": "sn", "transform": {"type": "text/javascript", "source": "source.nothing.more"}},
            {"source": "email", "target": "mail"},
        ]}));
        let tried = trial(&config, json!({"email": "a@x"}), None, vec![]);
        assert_eq!(
            tried.properties.iter().map(|p| p.outcome.as_str()).collect::<Vec<_>>(),
            ["failed", "written"]
        );
        assert!(tried.properties[0].why.contains("sn"), "{}", tried.properties[0].why);
    }

    #[test]
    fn a_script_that_cannot_be_read_says_where() {
        let config = config(json!({"validSource": {"type": "text/javascript", "source": "source.("}}));
        let Err(error) = compile(&config, None) else { panic!("it compiled") };
        assert!(error.message.contains("(validSource)"), "{}", error.message);
    }

    #[test]
    fn matching_does_not_tell_capitals_from_small_letters() {
        let filter = fold_filter(Filter::parse("mail eq \"Ann@X.org\" and !(sn pr)").unwrap());
        assert!(filter.matches(&fold(&json!({"mail": "ANN@x.ORG"}))));
    }
}
