//! Managed objects of any type: what screens, the command line and the server ask for alike.

use async_trait::async_trait;
use engine::{Edit, Engine, EngineError, ObjectWrite, Sealer, Which};
use model::{
    Attributes, Filter, ManagedObjectConfig, Secret, patch,
    policy::{self, Violation},
};
use serde_json::Value;
use store::{Glance, HistoryRow as StoredHistory, Managed, ManagedQuery, SealedSecret};

use crate::{
    ApiError, App, ErrorCode, access,
    dto::{
        HistoryPage, HistoryRequest, HistoryRow, ObjectDelete, ObjectDetail, ObjectDraft, ObjectName,
        ObjectPage, ObjectSaved, ObjectsRequest, PolicyFailure, ProtectedValue, SyncResult, UserRow,
        ValidateRequest, Validation,
    },
    users::sync_result,
    vaulting::{Vaulting, for_engine},
};

const PAGE: usize = 100;
const LARGEST_PAGE: u32 = 1000;
/// Beyond, nobody minds how many matches there are.
const COUNTED: usize = 10_000;

#[async_trait]
impl Sealer for Vaulting {
    async fn seal(&self, owner: &str, field: &str, value: &Secret) -> Result<SealedSecret, EngineError> {
        Vaulting::seal(self, owner, field, value).await.map_err(for_engine)
    }
}

impl App {
    pub(crate) async fn managed_config(&self, kind: &str) -> Result<ManagedObjectConfig, ApiError> {
        let kind = kind.to_owned();
        Ok(self.store.read(move |r| Ok(Engine::managed_type(r, &kind))).await??)
    }

    /// A page of objects.
    pub async fn objects_list(&self, request: ObjectsRequest) -> Result<ObjectPage, ApiError> {
        self.list_objects(request, false).await
    }

    /// A page of objects for a screen, which would rather have a few at once than all of them late: where no index leads to
    /// the matches, a page may be short or empty and still have a next one.
    pub async fn objects_glance(&self, request: ObjectsRequest) -> Result<ObjectPage, ApiError> {
        self.list_objects(request, true).await
    }

    async fn list_objects(&self, request: ObjectsRequest, glance: bool) -> Result<ObjectPage, ApiError> {
        let config = self.managed_config(&request.kind).await?;
        let filter = request
            .filter
            .as_deref()
            .filter(|f| !f.trim().is_empty())
            .map(Filter::parse)
            .transpose()
            .map_err(|e| ApiError::new(ErrorCode::Invalid, e.to_string()))?;
        let (sort, descending) = match request.sort.as_deref().filter(|s| !s.is_empty()) {
            Some(sort) => match sort.strip_prefix('-') {
                Some(name) => (Some(name), true),
                None => (Some(sort.trim_start_matches('+')), false),
            },
            None => (None, false),
        };
        let sort =
            sort.map(|name| name.trim_start_matches('/')).filter(|name| *name != "_id").map(str::to_owned);
        let query = ManagedQuery {
            filter,
            search: request.search,
            sort,
            descending,
            after: request.after,
            limit: request.limit.map_or(PAGE, |n| n.clamp(1, LARGEST_PAGE) as usize),
        };
        let most = if request.exact_total { usize::MAX - 1 } else { COUNTED };
        self.store
            .read(move |r| {
                if let Some(name) = &query.sort {
                    let sortable = r.managed_sortable(&config)?;
                    if !sortable.contains(name) {
                        return Ok(Err(not_sortable(
                            &config,
                            name,
                            &sortable,
                            &r.managed_filling(&config.name)?,
                        )));
                    }
                }
                let Glance { page, total, least } = if glance {
                    r.managed_glance(&config, &query, COUNTED)?
                } else {
                    let page = r.managed_page(&config, &query)?;
                    let (total, exact) = r.managed_matching_up_to(&config, &query, most)?;
                    Glance { page, total, least: !exact }
                };
                let scanned = match &query.filter {
                    Some(filter) => r.managed_scans(&config, filter)?,
                    None => false,
                };
                Ok(Ok(ObjectPage {
                    objects: page.rows.into_iter().map(|object| row(&config, object)).collect(),
                    next: page.next,
                    total,
                    total_is_least: least,
                    scanned,
                }))
            })
            .await?
    }

    /// Whether an index keeps objects of this type in the order of this attribute, so that a list of any length can go by it.
    pub async fn objects_sort_by_index(&self, kind: &str, name: &str) -> Result<bool, ApiError> {
        let config = self.managed_config(kind).await?;
        let name = name.trim_start_matches('/').to_owned();
        Ok(self
            .store
            .read(move |r| Ok(name == "_id" || r.managed_sortable(&config)?.contains(&name)))
            .await?)
    }

    /// An object, without what its schema keeps private.
    pub async fn object_read(&self, kind: &str, id: &str) -> Result<UserRow, ApiError> {
        let config = self.managed_config(kind).await?;
        let id = id.to_owned();
        let object = self
            .store
            .read(move |r| {
                Ok(r.managed(&config.name, &id)?.map(|object| row(&config, object)).ok_or((config.name, id)))
            })
            .await?;
        object.map_err(|(kind, id)| ApiError::new(ErrorCode::NotFound, format!("there is no {kind} `{id}`")))
    }

    /// An object with what its editor needs.
    pub async fn object_get(&self, request: ObjectName) -> Result<ObjectDetail, ApiError> {
        let object = self.object_read(&request.kind, &request.id).await?;
        let config = self.managed_config(&request.kind).await?;
        let name = request.clone();
        let set = self.store.read(move |r| r.protected_set(&name.kind, &name.id)).await?;
        Ok(ObjectDetail {
            object,
            linked: self.linked_systems(&request.kind, &request.id).await?,
            sync: self.sync_of(&request.kind, &request.id).await?,
            protected: set
                .into_iter()
                .map(|(attribute, updated)| ProtectedValue {
                    title: config.title(&attribute).to_owned(),
                    attribute,
                    updated,
                })
                .collect(),
        })
    }

    /// Makes or changes an object, as a form does. What carries the change on is queued in the same transaction.
    pub async fn object_save(&self, request: ObjectDraft) -> Result<ObjectSaved, ApiError> {
        let Value::Object(attributes) = request.attributes else {
            return Err(ApiError::new(
                ErrorCode::Invalid,
                format!("a {} is a JSON object of attributes", request.kind),
            ));
        };
        let which = match request.id {
            Some(id) => Which::There(id),
            None => Which::New(None),
        };
        self.object_write(&request.kind, which, request.rev.as_deref(), Edit::Merge(attributes)).await
    }

    /// Carries out a patch of an object: a list of `{operation, field, value, from}`.
    pub async fn object_patch(
        &self,
        kind: &str,
        id: &str,
        rev: Option<&str>,
        steps: &Value,
    ) -> Result<ObjectSaved, ApiError> {
        let steps = patch::parse(steps).map_err(|e| ApiError::new(ErrorCode::Invalid, e.to_string()))?;
        self.object_write(kind, Which::There(id.to_owned()), rev, Edit::Patch(steps)).await
    }

    /// Makes or changes an object in any way. A revision that is not in force is [`ErrorCode::Stale`].
    pub async fn object_write(
        &self,
        kind: &str,
        which: Which,
        rev: Option<&str>,
        edit: Edit,
    ) -> Result<ObjectSaved, ApiError> {
        let write = ObjectWrite { kind: kind.to_owned(), which, rev: revision(rev)?, edit, who: self.who() };
        let config = self.managed_config(kind).await?;
        let saved = self.engine.write_object(write).await?;
        self.wake_worker();
        self.saved(&config, saved).await
    }

    /// Deletes an object. What becomes of its records elsewhere is for the mappings' SOURCE_MISSING policies.
    pub async fn object_delete(&self, request: ObjectDelete) -> Result<ObjectSaved, ApiError> {
        let rev = revision(request.rev.as_deref())?;
        let config = self.managed_config(&request.kind).await?;
        let saved = self.engine.delete_managed(&request.kind, &request.id, rev, &self.who()).await?;
        self.wake_worker();
        self.saved(&config, saved).await
    }

    /// What was written, and how it stands at every target. It is committed: what then keeps it from being carried on is no
    /// error of the write.
    async fn saved(
        &self,
        config: &ManagedObjectConfig,
        saved: engine::Saved,
    ) -> Result<ObjectSaved, ApiError> {
        let kind = config.name.as_str();
        let object = saved.object.ok_or_else(|| {
            ApiError::new(
                ErrorCode::Internal,
                format!("{kind} `{}` was written and cannot be read back", saved.id),
            )
        })?;
        self.deliver_blocking(kind, &saved.id).await;
        let sync = self.sync_of(kind, &saved.id).await.unwrap_or_else(|error| {
            tracing::warn!(%error, kind, id = saved.id, "how a change stands at its targets could not be read");
            Vec::new()
        });
        Ok(ObjectSaved { object: row(config, object), created: saved.created, sync })
    }

    /// Carries a change that was saved on to the targets that are to have it at once. Where that breaks off, it waits for the
    /// worker as any other.
    pub(crate) async fn deliver_blocking(&self, kind: &str, id: &str) {
        if let Err(error) = self.engine.deliver_blocking(kind, id).await {
            tracing::warn!(%error, kind, id, "a change that is to be carried on at once waits");
        }
    }

    /// A page of an object's history, newest first.
    pub async fn object_history(&self, request: HistoryRequest) -> Result<HistoryPage, ApiError> {
        let config = self.managed_config(&request.kind).await?;
        let limit = request.limit.map_or(PAGE, |n| n.clamp(1, LARGEST_PAGE) as usize);
        let page = self
            .store
            .read(move |r| {
                let HistoryRequest { kind, id, attribute, after, .. } = &request;
                r.history_page(kind, id, attribute.as_deref(), after.as_deref(), limit)
            })
            .await?;
        Ok(HistoryPage { rows: history_rows(&config, page.rows), next: page.next })
    }

    /// What an object would be refused for, without writing it.
    pub async fn object_validate(&self, request: ValidateRequest) -> Result<Validation, ApiError> {
        let Value::Object(object) = request.object else {
            return Err(ApiError::new(ErrorCode::Invalid, "`object` is a JSON object of attributes"));
        };
        let config = self.managed_config(&request.kind).await?;
        let property = request.property.as_deref();
        let found =
            self.engine.validate_managed(&request.kind, request.id.as_deref(), object, property).await?;
        let head = property.map(|p| p.trim_start_matches('/'));
        Ok(Validation {
            result: found.is_empty(),
            failed_policy_requirements: policy::failed_requirements(&found),
            policies: found.into_iter().map(policy_failure).collect(),
            unchecked: policy::unchecked(&config)
                .into_iter()
                .filter(|(attribute, _)| head.is_none_or(|head| head == attribute))
                .map(|(attribute, policy)| format!("{attribute}: {policy}"))
                .collect(),
        })
    }

    /// Delivers the implicit syncs of an object now and says how they stand at every target.
    pub async fn object_deliver(&self, kind: &str, id: &str) -> Result<Vec<SyncResult>, ApiError> {
        let results = self.engine.deliver_object(kind, id).await?;
        self.sync_words(results).await
    }

    pub(crate) async fn sync_of(&self, kind: &str, id: &str) -> Result<Vec<SyncResult>, ApiError> {
        let results = self.engine.sync_results(kind, id).await?;
        self.sync_words(results).await
    }

    async fn sync_words(&self, results: Vec<engine::SyncResult>) -> Result<Vec<SyncResult>, ApiError> {
        let refused = self.store.read(access::refused_mappings).await?;
        Ok(results.into_iter().map(|result| sync_result(result, &refused)).collect())
    }
}

fn not_sortable(
    config: &ManagedObjectConfig,
    name: &str,
    sortable: &[String],
    filling: &[String],
) -> ApiError {
    let kind = &config.name;
    let message = if filling.iter().any(|f| f == name) {
        format!(
            "{kind} objects cannot be sorted by `{name}` yet: its index is being built; try again in a moment"
        )
    } else if sortable.is_empty() {
        format!("{kind} objects cannot be sorted: make an attribute searchable first")
    } else {
        format!("{kind} objects cannot be sorted by `{name}`; use one of {}", sortable.join(", "))
    };
    ApiError::new(ErrorCode::Invalid, message)
}

pub(crate) fn history_rows(config: &ManagedObjectConfig, rows: Vec<StoredHistory>) -> Vec<HistoryRow> {
    // Of what nobody may read, history says only that it was set; what is merely private is not shown at all.
    let shown = |name: &str| {
        let head = model::Pointer::parse(name).head().unwrap_or_default().to_owned();
        config.protection(&head).is_some() || !config.is_private(&head)
    };
    let mut found = Vec::new();
    for row in rows {
        for change in row.changes.into_iter().filter(|change| shown(&change.attribute)) {
            found.push(HistoryRow {
                at: row.at.clone(),
                who: row.who.clone(),
                attribute: change.attribute,
                before: change.before,
                after: change.after,
                run: row.run.clone(),
                mapping: row.mapping.clone(),
            });
        }
    }
    found
}

pub(crate) fn policy_failure(violation: Violation) -> PolicyFailure {
    PolicyFailure {
        property: violation.property,
        policy: violation.requirement,
        message: violation.message,
        params: Some(Value::Object(violation.params)),
    }
}

/// The revision that a caller names; `*` is any.
pub(crate) fn revision(text: Option<&str>) -> Result<Option<i64>, ApiError> {
    text.filter(|t| !t.is_empty() && *t != "*").map(|t| t.trim_matches('"').parse()).transpose().map_err(
        |_| ApiError::new(ErrorCode::Stale, "this revision is none that Concord gave; load the object again"),
    )
}

/// An object as others see it.
pub(crate) fn row(config: &ManagedObjectConfig, managed: Managed) -> UserRow {
    let mut attributes: Attributes = managed.attributes;
    attributes.retain(|name, _| !config.is_private(name));
    UserRow { id: managed.id, rev: managed.rev.to_string(), attributes: Value::Object(attributes) }
}
