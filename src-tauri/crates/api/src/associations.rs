//! Links as people look at them: each source with the record that it is linked to, and records by name instead of by id.

use std::collections::HashMap;

use model::{Attributes, ResourcePath};
use serde_json::Value;
use store::{Association, InboxRow, LinkSpace, Reader, Standing, StoreError, Walk};

use crate::{
    ApiError, App, ErrorCode,
    dto::{
        AssociationPage, AssociationRow, AssociationStanding, AssociationsRequest, ByName, NamesRequest,
        RecordNames, SampleRecord,
    },
    mapping_lab::{names_among, path_of, sample_record, shown},
    mapping_trial::{blocking, compile, orientation, problem},
};

/// Rows in a page when nobody says how many.
const PAGE: usize = 50;
/// Rows in a page at most.
const LARGEST_PAGE: u32 = 200;
/// Open questions that the rows are compared with.
const QUESTIONS: usize = 1000;
/// Records whose names are read at once.
const MOST_NAMED: usize = 100;

impl App {
    /// The sources of a mapping, each with what it is linked to: as last seen, or those that a search finds now.
    pub async fn associations_list(&self, request: AssociationsRequest) -> Result<AssociationPage, ApiError> {
        let config = self.mapping_get(ByName { name: request.mapping.clone() }).await?.config;
        let config = model::MappingConfig::from_value(config)?;
        let all = self.store.read(|r| r.mappings()).await?.into_iter().map(|m| m.config).collect::<Vec<_>>();
        let (source, target) = (config.source_path()?, config.target_path()?);
        let compiled = config.clone();
        let qualifiers = blocking(move || {
            let (mapping, scripts) = compile(&compiled, None)?;
            mapping.all_qualifiers(&scripts).map_err(problem)
        })
        .await?;
        let qualifier = match request.link_qualifier {
            Some(asked) if qualifiers.contains(&asked) => asked,
            _ => qualifiers.first().cloned().unwrap_or_else(|| mapping::DEFAULT_QUALIFIER.to_owned()),
        };
        let walk = Walk {
            source: source.clone(),
            target: target.clone(),
            links: LinkSpace {
                kind: config.link_type().to_owned(),
                qualifier: qualifier.clone(),
                orientation: orientation(&config, &all),
            },
            version: 0,
            ids: None,
        };
        let limit = request.limit.map_or(PAGE, |n| n.clamp(1, LARGEST_PAGE) as usize);
        let standing = standing_of(request.standing);
        let words: Vec<String> =
            request.search.unwrap_or_default().split_whitespace().map(str::to_lowercase).collect();
        let never_read = {
            let walk = walk.clone();
            self.store.read(move |r| r.source_count(&walk)).await? == 0
        };
        let live = !words.is_empty() || (never_read && !source.is_managed());
        let after = request.after.unwrap_or_default();
        let mut more = false;
        let page = if live {
            let wanted =
                config.source_attributes().map(|names| names.into_iter().collect()).unwrap_or_default();
            let looked = self.look(&source, &words, wanted, limit).await?;
            more = looked.more;
            let records = looked.records;
            let at = walk.clone();
            let rows = self.store.read(move |r| beside_links(r, &at, records, standing)).await?;
            store::Page { rows, next: None }
        } else {
            let at = walk.clone();
            self.store.read(move |r| r.associations(&at, standing, &after, limit)).await?
        };
        let name = config.name.clone();
        let questions = self.store.read(move |r| r.inbox(Some(&name), 0, QUESTIONS)).await?.rows;
        let (source_type, target_type) = (self.private_of(&source).await?, self.private_of(&target).await?);
        let rows = page
            .rows
            .into_iter()
            .map(|row| row_of(row, &qualifier, &questions, source_type.as_ref(), target_type.as_ref()))
            .collect();
        Ok(AssociationPage { rows, next: page.next, link_qualifier: qualifier, qualifiers, live, more })
    }

    /// Records of a resource by their ids, with what people know them by. Where a remote system cannot be asked, they are as
    /// they were last seen.
    pub async fn records_named(&self, request: NamesRequest) -> Result<RecordNames, ApiError> {
        let path = path_of(&request.resource)?;
        if request.ids.len() > MOST_NAMED {
            return Err(ApiError::new(
                ErrorCode::Invalid,
                format!("at most {MOST_NAMED} records are named at once, not {}", request.ids.len()),
            ));
        }
        let mut stale = None;
        let mut found: HashMap<String, Attributes> = match &path {
            ResourcePath::System { connector, object_type } => {
                match self.read_names(connector, object_type, &request.ids).await {
                    Ok(found) => found,
                    Err(error) => {
                        stale = Some(error.message);
                        self.seen_before(&path, &request.ids).await?
                    }
                }
            }
            ResourcePath::Managed(_) | ResourcePath::Scim(_) => self.seen_before(&path, &request.ids).await?,
        };
        let private = self.private_of(&path).await?;
        let named = |id: String| {
            let attributes = found.remove(&id)?;
            Some(named(id, attributes, private.as_ref()))
        };
        let records = request.ids.into_iter().filter_map(named).collect();
        Ok(RecordNames { records, stale })
    }

    async fn read_names(
        &self,
        connector: &str,
        object_type: &str,
        ids: &[String],
    ) -> Result<HashMap<String, Attributes>, ApiError> {
        let row = self.connector_row(connector).await?;
        let remote = self.pool.any(&row.config).await?;
        let known: Vec<String> =
            remote.schema(object_type).await?.attributes.into_iter().map(|a| a.name).collect();
        let found = remote.read(object_type, ids, &names_among(&known)).await?;
        Ok(found.into_iter().map(|object| (object.uid, object.attributes)).collect())
    }

    async fn seen_before(
        &self,
        path: &ResourcePath,
        ids: &[String],
    ) -> Result<HashMap<String, Attributes>, ApiError> {
        let (path, ids) = (path.clone(), ids.to_vec());
        let found = self
            .store
            .read(move |r| {
                let mut found = HashMap::new();
                for id in ids {
                    let attributes = match &path {
                        ResourcePath::Managed(kind) => r.managed(kind, &id)?.map(|m| m.attributes),
                        ResourcePath::System { .. } | ResourcePath::Scim(_) => {
                            r.mirrored(&path.to_string(), &id)?.map(|m| m.attributes)
                        }
                    };
                    found.extend(attributes.map(|attributes| (id, attributes)));
                }
                Ok(found)
            })
            .await?;
        Ok(found)
    }

    /// The type that says what of a resource's objects nobody may see; none for a remote system.
    async fn private_of(&self, path: &ResourcePath) -> Result<Option<model::ManagedObjectConfig>, ApiError> {
        match path {
            ResourcePath::Managed(kind) => Ok(Some(self.managed_kind(kind).await?)),
            ResourcePath::System { .. } | ResourcePath::Scim(_) => Ok(None),
        }
    }
}

fn standing_of(standing: AssociationStanding) -> Standing {
    match standing {
        AssociationStanding::Any => Standing::Any,
        AssociationStanding::Linked => Standing::Linked,
        AssociationStanding::Unlinked => Standing::Unlinked,
        AssociationStanding::Dangling => Standing::Dangling,
    }
}

/// Sources that were just read, with their links; those that stand as asked.
fn beside_links(
    r: &Reader<'_>,
    walk: &Walk,
    records: Vec<SampleRecord>,
    standing: Standing,
) -> Result<Vec<Association>, StoreError> {
    let mut rows = Vec::with_capacity(records.len());
    for record in records {
        let link = r.link_of_source(&walk.links, &record.id)?;
        let target = match &link {
            Some(link) => r.target(walk, &link.target_id)?.map(|(attributes, _)| attributes),
            None => None,
        };
        let fits = match standing {
            Standing::Any => true,
            Standing::Linked => link.is_some(),
            Standing::Unlinked => link.is_none(),
            Standing::Dangling => link.is_some() && target.is_none(),
        };
        if fits {
            rows.push(Association {
                id: record.id,
                attributes: match record.attributes {
                    Value::Object(attributes) => attributes,
                    _ => Attributes::new(),
                },
                target_id: link.map(|link| link.target_id),
                target,
            });
        }
    }
    Ok(rows)
}

fn row_of(
    row: Association,
    qualifier: &str,
    questions: &[InboxRow],
    source: Option<&model::ManagedObjectConfig>,
    target: Option<&model::ManagedObjectConfig>,
) -> AssociationRow {
    let asked =
        questions.iter().find(|q| q.question.source_id == row.id && q.question.qualifier == qualifier);
    let candidates = asked.and_then(|q| q.question.detail.get("targets")).and_then(Value::as_array);
    AssociationRow {
        target: row.target_id.clone().zip(row.target).map(|(id, attributes)| named(id, attributes, target)),
        target_id: row.target_id,
        question: asked.map(|q| q.seq.to_string()),
        candidates: candidates.map_or(0, |ids| ids.len() as u64),
        source: named(row.id, row.attributes, source),
    }
}

fn named(id: String, attributes: Attributes, kind: Option<&model::ManagedObjectConfig>) -> SampleRecord {
    match kind {
        Some(config) => sample_record(id, shown(config, attributes)),
        None => sample_record(id, attributes),
    }
}
