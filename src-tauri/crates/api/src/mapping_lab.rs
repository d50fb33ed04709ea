//! What the mapping editor tries before it saves: the resources to choose from, a few of their records, what the values of
//! an attribute look like, first drafts of a mapping, and the order of sync.
//!
//! Nothing here writes to either side of a mapping, and every look at a remote system is bounded.

use std::collections::{BTreeMap, HashSet};

use connector::Search;
use engine::Engine;
use futures::StreamExt as _;
use model::{Attributes, Filter, ManagedObjectConfig, Pointer, ResourcePath, filter::Op};
use serde_json::Value;
use store::ManagedQuery;

use crate::{
    ApiError, App, ErrorCode, arriving_groups, arriving_people,
    dto::{
        AttributeInfo, AttributeStats, AuditTopic, ByResource, Empty, MappingOrder, MappingSummary,
        ResourceInfo, ResourceStats, SamplePage, SampleRecord, SampleRequest, SchemaInfo, SchemaRequest,
        StatsRequest, ValueCount,
    },
    mappings::end_title,
};

/// Records that a list of samples shows, when the request does not say.
const SAMPLES: usize = 20;
/// Most records that a list of samples shows.
const MOST_SAMPLES: u32 = 100;
/// Records that statistics look at.
const STATS_SAMPLE: usize = 500;
/// Values that statistics name.
const TOP: usize = 8;
/// Characters of a value that statistics show.
const VALUE_SHOWN: usize = 120;
/// Pages that a search of a remote system reads at most, however few of their records fit.
const MOST_PAGES: usize = 10;
/// Attributes that a search of a remote system asks for; providers allow few alternatives in a query.
const SEARCHED: usize = 3;

/// What people are looked up by, best first, in the words of the systems that Concord knows.
const NAMES: &[&str] = &[
    "email",
    "lastname",
    "firstname",
    "Email",
    "LastName",
    "FirstName",
    "userName",
    "Username",
    "displayName",
    "name",
    "Name",
    "domain",
];

/// Records of a resource, and whether there are more.
#[derive(Debug)]
pub(crate) struct Looked {
    pub records: Vec<SampleRecord>,
    pub more: bool,
}

impl App {
    /// Everything that a mapping can join: the managed types, then each connector's object types.
    pub async fn resources_list(&self, _: Empty) -> Result<Vec<ResourceInfo>, ApiError> {
        let (rows, types) = self.store.read(|r| Ok((r.connectors()?, Engine::managed_types(r)))).await?;
        let mut resources: Vec<ResourceInfo> = types?
            .into_iter()
            .map(|config| {
                let kind = config.name;
                let path = ResourcePath::Managed(kind.clone()).to_string();
                ResourceInfo {
                    title: end_title(&path, &rows),
                    path,
                    object_type: kind,
                    connector: None,
                    problem: None,
                }
            })
            .collect();
        for row in &rows {
            let connector = row.config.name.clone();
            let problem = if row.config.enabled {
                row.test_error.clone()
            } else {
                Some(format!("connector `{connector}` is disabled"))
            };
            // A connector that cannot be built says so where it is configured.
            let Ok(built) =
                connector::build(&row.config, self.pool.credentials(&connector), self.clock.clone())
            else {
                continue;
            };
            resources.extend(built.descriptor().object_types.iter().map(|object_type| {
                let path = ResourcePath::System {
                    connector: connector.clone(),
                    object_type: object_type.name.clone(),
                }
                .to_string();
                ResourceInfo {
                    title: end_title(&path, &rows),
                    path,
                    object_type: object_type.name.clone(),
                    connector: Some(connector.clone()),
                    problem: problem.clone(),
                }
            }));
        }
        Ok(resources)
    }

    /// The attributes of a resource, of the repository or of a remote system.
    pub async fn resource_schema(&self, request: ByResource) -> Result<SchemaInfo, ApiError> {
        match path_of(&request.resource)? {
            ResourcePath::System { connector, object_type } => {
                self.connector_schema(SchemaRequest { name: connector, object_type }).await
            }
            ResourcePath::Scim(kind) if kind == "Group" => Ok(arriving_groups::schema()),
            ResourcePath::Scim(_) => Ok(arriving_people::schema()),
            ResourcePath::Managed(kind) => {
                let config = self.managed_kind(&kind).await?;
                let unique: HashSet<&str> = config.unique().collect();
                let attributes = config
                    .ordered()
                    .filter(|name| config.flag(name, "viewable", true))
                    .map(|name| AttributeInfo {
                        name: name.to_owned(),
                        label: config.title(name).to_owned(),
                        kind: kind_of(&config.schema.properties.get(name)),
                        required: config.schema.required.iter().any(|r| r == name),
                        writable: !config.flag(name, "isVirtual", false),
                        unique: unique.contains(name),
                        options: Vec::new(),
                    })
                    .collect();
                Ok(SchemaInfo { object_type: kind, attributes })
            }
        }
    }

    /// A few records of a resource, or those that a text finds.
    pub async fn records_sample(&self, request: SampleRequest) -> Result<SamplePage, ApiError> {
        let path = path_of(&request.resource)?;
        let limit = request.limit.map_or(SAMPLES, |n| n.clamp(1, MOST_SAMPLES) as usize);
        let words: Vec<String> =
            request.search.unwrap_or_default().split_whitespace().map(str::to_lowercase).collect();
        let looked = self.look(&path, &words, request.attributes, limit).await?;
        Ok(SamplePage { records: looked.records })
    }

    /// What the values of some attributes look like, in the first few hundred records.
    pub async fn resource_stats(&self, request: StatsRequest) -> Result<ResourceStats, ApiError> {
        let path = path_of(&request.resource)?;
        let looked = self.look(&path, &[], request.attributes.clone(), STATS_SAMPLE).await?;
        let attributes = request.attributes.into_iter().map(|name| stats_of(name, &looked.records)).collect();
        Ok(ResourceStats { looked: looked.records.len() as u64, more: looked.more, attributes })
    }

    /// Puts the mappings in another order of sync.
    pub async fn mapping_reorder(&self, request: MappingOrder) -> Result<Vec<MappingSummary>, ApiError> {
        let names = request.names;
        let order = names.join(", ");
        self.store.write(move |w| w.reorder_mappings(&names)).await?;
        self.audit(AuditTopic::Mapping, &order, "put in this order").await?;
        self.mappings_list(Empty {}).await
    }

    /// The schema of a managed type.
    pub(crate) async fn managed_kind(&self, kind: &str) -> Result<ManagedObjectConfig, ApiError> {
        let kind = kind.to_owned();
        Ok(self.store.read(move |r| Ok(Engine::managed_type(r, &kind))).await??)
    }

    /// The first records of a resource in which every word starts some value.
    pub(crate) async fn look(
        &self,
        path: &ResourcePath,
        words: &[String],
        attributes: Vec<String>,
        limit: usize,
    ) -> Result<Looked, ApiError> {
        match path {
            // What arrived is shown as a client is shown it.
            ResourcePath::Scim(kind) => {
                let arrivals = self.arrivals_of(kind).await?;
                let managed = ResourcePath::Managed(arrivals.managed_type().to_owned());
                let mut looked = Box::pin(self.look(&managed, words, attributes, limit)).await?;
                for record in &mut looked.records {
                    if let Value::Object(managed) = &record.attributes {
                        record.attributes = Value::Object(arrivals.record_of(managed));
                    }
                }
                Ok(looked)
            }
            ResourcePath::Managed(kind) => {
                let query = ManagedQuery {
                    search: (!words.is_empty()).then(|| words.join(" ")),
                    limit,
                    ..ManagedQuery::default()
                };
                let config = self.managed_kind(kind).await?;
                let (page, config) =
                    self.store.read(move |r| Ok((r.managed_page(&config, &query)?, config))).await?;
                let more = page.next.is_some();
                let records = page
                    .rows
                    .into_iter()
                    .map(|row| sample_record(row.id, shown(&config, row.attributes)))
                    .collect();
                Ok(Looked { records, more })
            }
            ResourcePath::System { connector, object_type } => {
                let row = self.connector_row(connector).await?;
                let remote = self.pool.any(&row.config).await?;
                let mut attributes = attributes;
                let known = known(&remote.schema(object_type).await?);
                let searched = names_among(&known);
                // A system refuses to be asked for what it has not; a screen shows all the rest.
                if row.config.configuration_properties.get("readSchema") != Some(&Value::Bool(false)) {
                    attributes.retain(|name| {
                        name.split('/').next().is_some_and(|top| known.iter().any(|k| k == top))
                    });
                }
                attributes.extend(searched.iter().cloned());
                attributes.sort();
                attributes.dedup();
                let filter = words.first().and_then(|word| starts_filter(word, &searched));
                let search = Search { object_type: object_type.clone(), filter, attributes, after: None };
                let mut pages = remote.search(search);
                let mut looked = Looked { records: Vec::new(), more: false };
                let mut read = 0;
                while let Some(page) = pages.next().await {
                    let page = page?;
                    read += 1;
                    looked.more = page.next.is_some();
                    for object in page.objects {
                        if !words.iter().all(|word| some_starts(&object.attributes, word)) {
                            continue;
                        }
                        if looked.records.len() == limit {
                            looked.more = true;
                            return Ok(looked);
                        }
                        looked.records.push(sample_record(object.uid, object.attributes));
                    }
                    if looked.records.len() >= limit || read == MOST_PAGES {
                        break;
                    }
                }
                Ok(looked)
            }
        }
    }
}

pub(crate) fn path_of(text: &str) -> Result<ResourcePath, ApiError> {
    text.parse().map_err(|e: model::path::BadPath| ApiError::new(ErrorCode::Invalid, e.to_string()))
}

pub(crate) fn sample_record(id: String, attributes: Attributes) -> SampleRecord {
    SampleRecord { title: engine::title_of(&attributes, &id), id, attributes: Value::Object(attributes) }
}

/// What people may see of a managed object.
pub(crate) fn shown(config: &ManagedObjectConfig, mut attributes: Attributes) -> Attributes {
    attributes.retain(|name, _| !config.is_private(name));
    attributes
}

pub(crate) fn known(schema: &connector::ObjectTypeSchema) -> Vec<String> {
    schema.attributes.iter().map(|a| a.name.clone()).collect()
}

fn kind_of(property: &Option<&Value>) -> String {
    let kind = property.and_then(|p| p.get("type"));
    let word = match kind {
        Some(Value::Array(kinds)) => kinds.iter().find_map(|k| k.as_str().filter(|k| *k != "null")),
        Some(other) => other.as_str(),
        None => None,
    };
    word.unwrap_or("string").to_owned()
}

pub(crate) fn names_among(known: &[String]) -> Vec<String> {
    NAMES
        .iter()
        .filter(|name| known.iter().any(|k| k == *name))
        .take(SEARCHED)
        .map(|name| (*name).to_owned())
        .collect()
}

/// Addresses are written in small letters and names with a capital; filters tell them apart.
pub(crate) fn starts_filter(word: &str, attributes: &[String]) -> Option<Filter> {
    let mut letters = word.chars();
    let capital: String = letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect();
    let one = |name: &String, text: &str| {
        Filter::Compare(Pointer::parse(name), Op::Sw, Value::String(text.to_owned()))
    };
    let parts: Vec<Filter> = attributes
        .iter()
        .map(|name| {
            let lower = matches!(name.to_lowercase().as_str(), "email" | "username" | "domain");
            one(name, if lower { word } else { &capital })
        })
        .collect();
    (!parts.is_empty()).then_some(Filter::Or(parts))
}

pub(crate) fn some_starts(attributes: &Attributes, word: &str) -> bool {
    attributes.values().filter_map(Value::as_str).any(|text| text.to_lowercase().starts_with(word))
}

fn stats_of(name: String, records: &[SampleRecord]) -> AttributeStats {
    let pointer = Pointer::parse(&name);
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    let (mut filled, mut longest) = (0, 0);
    for value in records.iter().filter_map(|r| pointer.get(&r.attributes)) {
        if !model::filter::is_present(value) {
            continue;
        }
        filled += 1;
        let text = match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        longest = longest.max(text.chars().count() as u64);
        *counts.entry(text).or_default() += 1;
    }
    let distinct = counts.len() as u64;
    let mut top: Vec<ValueCount> = counts
        .into_iter()
        .map(|(value, count)| ValueCount { value: value.chars().take(VALUE_SHOWN).collect(), count })
        .collect();
    top.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.value.cmp(&b.value)));
    top.truncate(TOP);
    AttributeStats { name, filled, distinct, longest, top }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn record(attributes: Value) -> SampleRecord {
        sample_record("1".into(), attributes.as_object().cloned().unwrap())
    }

    #[tokio::test]
    async fn managed_types_that_cannot_be_read_are_not_told_as_gone() {
        let folder = tempfile::tempdir().unwrap();
        let options = crate::AppOptions { data_dir: folder.path().join("data"), passphrase: None };
        let app = App::open(options).await.unwrap();
        assert_eq!(app.resources_list(Empty {}).await.unwrap()[0].path, "managed/user");
        app.store.write(|w| w.set_setting("managed", "{")).await.unwrap();
        let refusal = app.resources_list(Empty {}).await.unwrap_err();
        assert!(refusal.message.contains("managed objects' configuration cannot be read"), "{refusal}");
    }

    #[test]
    fn statistics_count_what_is_there() {
        let records = [
            record(json!({"city": "Oslo", "n": 3})),
            record(json!({"city": "Oslo", "n": ""})),
            record(json!({"city": "Århus"})),
            record(json!({"city": null})),
        ];
        let stats = stats_of("city".into(), &records);
        assert_eq!((stats.filled, stats.distinct, stats.longest), (3, 2, 5));
        assert_eq!(
            stats.top,
            [ValueCount { value: "Oslo".into(), count: 2 }, ValueCount { value: "Århus".into(), count: 1 }]
        );
        assert_eq!(stats_of("n".into(), &records).filled, 1);
        assert_eq!(stats_of("absent".into(), &records).top, []);
    }

    #[test]
    fn a_word_is_searched_as_each_attribute_writes_it() {
        let filter = starts_filter("ann", &["email".into(), "lastname".into()]).unwrap();
        assert_eq!(filter.to_string(), "/email sw \"ann\" or /lastname sw \"Ann\"");
        assert_eq!(starts_filter("ann", &[]), None);
    }

    #[test]
    fn all_words_must_start_something() {
        let attributes =
            json!({"firstname": "Ann", "lastname": "Lee", "age": 3}).as_object().cloned().unwrap();
        for (words, fits) in [(vec!["ann", "le"], true), (vec!["ann", "x"], false), (vec!["nn"], false)] {
            assert_eq!(words.iter().all(|w| some_starts(&attributes, w)), fits, "{words:?}");
        }
    }
}
