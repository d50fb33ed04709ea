//! How many records the correlation of a mapping finds, before it is saved. Nothing is written, and every look at a remote
//! system is bounded.

use engine::Scripts;
use mapping::{Correlation, Mapping, Validity};
use model::{Attributes, Filter, ManagedObjectConfig, MappingConfig, Pointer, ResourcePath, filter::Op};
use serde_json::Value;

use crate::{
    ApiError, App,
    dto::{MatchExample, MatchReport, MatchRequest, SampleRecord},
    mapping_lab::{sample_record, shown},
    mapping_trial::{FEW, blocking, compile, first_or_default, invalid, problem, with_id},
};

/// Source records that a count of matches looks at.
const MATCH_SOURCES: usize = 300;
/// Target records that a count of matches compares with, where the target cannot be asked by value.
const MATCH_TARGETS: usize = 1000;
/// Examples that a count of matches names of each kind.
const EXAMPLES: usize = 5;

/// What a source asks the target for.
struct Asked {
    in_scope: bool,
    validity: Result<Validity, String>,
    correlation: Result<Correlation, String>,
}

/// Where the matches of a sample are looked for.
struct MatchTargets {
    compared: u64,
    more: bool,
    among: Among,
}

enum Among {
    Repository(Box<ManagedObjectConfig>),
    /// Each with its values in small letters.
    Sample(Vec<(Value, SampleRecord)>),
}

impl App {
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
                asked.push(ask(&mapping, &scripts, &qualifier, &with_id(attributes, &record.id)));
            }
            Ok((asked, mapping.correlation_attributes()))
        })
        .await?;
        let targets = self.match_targets(&target_path, names.into_iter().collect()).await?;
        let mut report = MatchReport {
            looked: sources.records.len() as u64,
            compared: targets.compared,
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
            if !asked.in_scope || asked.validity.map_err(invalid)? != Validity::Valid {
                report.unqualified += 1;
                continue;
            }
            let matching = match asked.correlation.map_err(invalid)? {
                Correlation::NotDefined => Vec::new(),
                Correlation::NoKey => {
                    report.no_key += 1;
                    continue;
                }
                Correlation::Ids(ids) => self.matching_ids(&targets, ids).await?,
                Correlation::Query(query) => self.matching(&targets, query.filter).await?,
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
                examples.push(MatchExample { source: record, targets: matching });
            }
        }
        Ok(report)
    }

    /// What the matches of a sample are looked for among: a managed type as a whole, which the repository answers by its
    /// indexes as in a run, or the first records of a remote system.
    async fn match_targets(&self, path: &ResourcePath, names: Vec<String>) -> Result<MatchTargets, ApiError> {
        if let ResourcePath::Managed(kind) = path {
            let config = self.managed_kind(kind).await?;
            let counted = config.name.clone();
            let compared = self.store.read(move |r| r.managed_count(&counted)).await?;
            return Ok(MatchTargets { compared, more: false, among: Among::Repository(Box::new(config)) });
        }
        let looked = self.look(path, &[], names, MATCH_TARGETS).await?;
        let compared = looked.records.len() as u64;
        let among = looked.records.into_iter().map(|record| (fold(&record.attributes), record)).collect();
        Ok(MatchTargets { compared, more: looked.more, among: Among::Sample(among) })
    }

    /// The first few targets that a correlation query finds.
    async fn matching(&self, targets: &MatchTargets, filter: Filter) -> Result<Vec<SampleRecord>, ApiError> {
        match &targets.among {
            Among::Repository(config) => {
                let config = config.as_ref().clone();
                let found = self
                    .store
                    .read(move |r| {
                        let ids = r.managed_ids(&config, &filter, FEW)?;
                        let found = ids.into_iter().map(|id| Ok((r.managed(&config.name, &id)?, id)));
                        let found = found.collect::<Result<Vec<_>, store::StoreError>>()?;
                        Ok(found
                            .into_iter()
                            .filter_map(|(object, id)| {
                                Some(sample_record(id, shown(&config, object?.attributes)))
                            })
                            .collect())
                    })
                    .await?;
                Ok(found)
            }
            Among::Sample(records) => {
                let filter = fold_filter(filter);
                let matching = records.iter().filter(|(value, _)| filter.matches(value));
                Ok(matching.take(FEW).map(|(_, record)| record.clone()).collect())
            }
        }
    }

    async fn matching_ids(
        &self,
        targets: &MatchTargets,
        ids: Vec<String>,
    ) -> Result<Vec<SampleRecord>, ApiError> {
        match &targets.among {
            Among::Repository(_) => {
                let each = ids
                    .into_iter()
                    .take(FEW)
                    .map(|id| Filter::Compare(Pointer::parse("_id"), Op::Eq, id.into()));
                self.matching(targets, Filter::Or(each.collect())).await
            }
            Among::Sample(records) => {
                let matching = records.iter().filter(|(_, record)| ids.contains(&record.id));
                Ok(matching.take(FEW).map(|(_, record)| record.clone()).collect())
            }
        }
    }
}

fn ask(mapping: &Mapping, scripts: &Scripts, qualifier: &str, source: &Attributes) -> Asked {
    let value = Value::Object(source.clone());
    Asked {
        in_scope: mapping.in_source_query(&value),
        validity: mapping.source_validity(scripts, qualifier, &value).map_err(|p| p.reason),
        correlation: mapping.correlate(scripts, qualifier, source).map_err(|p| p.reason),
    }
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn matching_does_not_tell_capitals_from_small_letters() {
        let filter = fold_filter(Filter::parse("mail eq \"Ann@X.org\" and !(sn pr)").unwrap());
        assert!(filter.matches(&fold(&json!({"mail": "ANN@x.ORG"}))));
    }
}
