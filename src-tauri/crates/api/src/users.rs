//! Managed users, and the queue of their implicit syncs.

use engine::ManagedChange;
use model::{Attributes, Filter, ManagedObjectConfig, ResourcePath};
use serde_json::Value;
use store::{LinkSpace, Managed, ManagedQuery, Orientation, QueueState};

use crate::{
    ApiError, App, ErrorCode,
    dto::{
        ById, Empty, HistoryRow, LinkedSystem, QueuePage, QueueRow, SyncResult, SyncState, UserAttribute,
        UserDelete, UserDetail, UserDraft, UserPage, UserRow, UserSaved, UserSchema, UsersRequest,
    },
};

const USER: &str = "user";
const PAGE: usize = 100;
const LARGEST_PAGE: u32 = 1000;
/// Changes shown of an object's history.
const HISTORY: usize = 100;

impl App {
    async fn user_type(&self) -> Result<ManagedObjectConfig, ApiError> {
        Ok(self.store.read(|r| Ok(engine::Engine::managed_type(r, USER))).await??)
    }

    /// The managed user's attributes in form order.
    pub async fn user_schema(&self, _: Empty) -> Result<UserSchema, ApiError> {
        let config = self.user_type().await?;
        let searchable = config.searchable();
        let attributes = config
            .ordered()
            .filter(|name| config.flag(name, "viewable", true))
            .map(|name| UserAttribute {
                name: name.to_owned(),
                title: config.title(name).to_owned(),
                kind: kind_of(&config, name),
                required: config.schema.required.iter().any(|r| r == name),
                searchable: searchable.iter().any(|s| s == name),
                // `userEditable` is about people editing their own profile; an administrator edits everything that is stored.
                editable: !config.flag(name, "isVirtual", false),
                policies: policies_of(&config, name),
            })
            .collect();
        Ok(UserSchema { attributes })
    }

    /// A page of users.
    pub async fn users_list(&self, request: UsersRequest) -> Result<UserPage, ApiError> {
        let config = self.user_type().await?;
        let filter = request
            .filter
            .as_deref()
            .filter(|f| !f.trim().is_empty())
            .map(Filter::parse)
            .transpose()
            .map_err(|e| ApiError::new(ErrorCode::Invalid, e.to_string()))?;
        let (sort, descending) = match request.sort.as_deref().filter(|s| !s.is_empty()) {
            Some(sort) => match sort.strip_prefix('-') {
                Some(name) => (Some(name.to_owned()), true),
                None => (Some(sort.trim_start_matches('+').to_owned()), false),
            },
            None => (None, false),
        };
        if let Some(name) = &sort
            && !config.searchable().contains(name)
        {
            return Err(ApiError::new(
                ErrorCode::Invalid,
                format!("users cannot be sorted by `{name}`; use one of {}", config.searchable().join(", ")),
            ));
        }
        let query = ManagedQuery {
            filter,
            search: request.search,
            sort,
            descending,
            after: request.after,
            limit: request.limit.map_or(PAGE, |n| n.clamp(1, LARGEST_PAGE) as usize),
        };
        let (page, total) = self
            .store
            .read(move |r| Ok((r.managed_page(&config, &query)?, r.managed_matching(&config, &query)?)))
            .await?;
        Ok(UserPage { users: page.rows.into_iter().map(row).collect(), next: page.next, total })
    }

    /// A user with what its editor needs.
    pub async fn user_get(&self, request: ById) -> Result<UserDetail, ApiError> {
        let id = request.id.clone();
        let (user, history) = self
            .store
            .read(move |r| {
                let user = r
                    .managed(USER, &id)?
                    .ok_or_else(|| store::StoreError::not_found(format!("user `{id}`")))?;
                Ok((user, r.history(USER, &id, HISTORY)?))
            })
            .await?;
        let history = history
            .into_iter()
            .flat_map(|h| {
                h.changes.clone().into_iter().map(move |c| HistoryRow {
                    at: h.at.clone(),
                    who: h.who.clone(),
                    attribute: c.attribute,
                    before: c.before,
                    after: c.after,
                    run: h.run.clone(),
                    mapping: h.mapping.clone(),
                })
            })
            .collect();
        Ok(UserDetail {
            linked: self.linked_systems(&request.id).await?,
            sync: self.sync_of(&request.id).await?,
            user: row(user),
            history,
        })
    }

    /// Makes or changes a user. What carries the change on is queued in the same transaction.
    pub async fn user_save(&self, request: UserDraft) -> Result<UserSaved, ApiError> {
        let Value::Object(attributes) = request.attributes else {
            return Err(ApiError::new(ErrorCode::Invalid, "a user is a JSON object of attributes"));
        };
        let change = ManagedChange {
            kind: USER.into(),
            id: request.id,
            rev: revision(request.rev.as_deref())?,
            attributes,
            who: self.who.clone(),
        };
        let saved = self.engine.save_managed(change).await?;
        self.wake_worker();
        Ok(UserSaved { user: saved.object.map(row), sync: self.sync_of(&saved.id).await? })
    }

    /// Deletes a user. What becomes of its records elsewhere is for the mappings' SOURCE_MISSING policies.
    pub async fn user_delete(&self, request: UserDelete) -> Result<UserSaved, ApiError> {
        let rev = revision(request.rev.as_deref())?;
        let saved = self.engine.delete_managed(USER, &request.id, rev, &self.who).await?;
        self.wake_worker();
        Ok(UserSaved { user: None, sync: self.sync_of(&saved.id).await? })
    }

    /// Delivers the implicit syncs of a user now and says how they stand at every target.
    pub async fn user_deliver(&self, id: &str) -> Result<Vec<SyncResult>, ApiError> {
        Ok(self.engine.deliver_object(USER, id).await?.into_iter().map(sync_result).collect())
    }

    async fn sync_of(&self, id: &str) -> Result<Vec<SyncResult>, ApiError> {
        Ok(self.engine.sync_results(USER, id).await?.into_iter().map(sync_result).collect())
    }

    async fn linked_systems(&self, id: &str) -> Result<Vec<LinkedSystem>, ApiError> {
        let id = id.to_owned();
        let user_path = ResourcePath::Managed(USER.into()).to_string();
        let found = self
            .store
            .read(move |r| {
                let connectors = r.connectors()?;
                let mut systems: Vec<LinkedSystem> = Vec::new();
                for mapping in r.mappings()?.into_iter().map(|m| m.config) {
                    // Each link type once, by the mapping that owns it.
                    if mapping.link_type() != mapping.name {
                        continue;
                    }
                    let to_user = mapping.target == user_path;
                    let other = match (to_user, mapping.source == user_path) {
                        (true, _) => &mapping.source,
                        (false, true) => &mapping.target,
                        (false, false) => continue,
                    };
                    let Ok(ResourcePath::System { connector, object_type }) = other.parse() else { continue };
                    for link_qualifier in r.link_qualifiers(&mapping.name)? {
                        let space = LinkSpace {
                            kind: mapping.name.clone(),
                            qualifier: link_qualifier.clone(),
                            orientation: Orientation::Forward,
                        };
                        let link = if to_user {
                            r.link_of_target(&space, &id)?.map(|l| l.source_id)
                        } else {
                            r.link_of_source(&space, &id)?.map(|l| l.target_id)
                        };
                        let Some(uid) = link else { continue };
                        let seen = r.mirrored(other, &uid)?;
                        let title = connectors
                            .iter()
                            .find(|c| c.config.name == connector)
                            .map_or(connector.as_str(), |c| c.config.title());
                        systems.push(LinkedSystem {
                            mapping: mapping.name.clone(),
                            connector_title: title.to_owned(),
                            connector: connector.clone(),
                            object_type: object_type.clone(),
                            uid,
                            link_qualifier,
                            seen_at: seen.as_ref().map(|s| s.updated.clone()),
                            attributes: seen.map(|s| Value::Object(s.attributes)),
                        });
                    }
                }
                Ok(systems)
            })
            .await?;
        Ok(found)
    }

    /// The queue of implicit syncs.
    pub async fn queue_list(&self, _: Empty) -> Result<QueuePage, ApiError> {
        let rows = self.store.read(|r| r.queue(1000)).await?;
        Ok(QueuePage { rows: rows.into_iter().map(queue_row).collect() })
    }

    /// Tries a row again now; an empty id means all.
    pub async fn queue_retry(&self, request: ById) -> Result<QueuePage, ApiError> {
        let seq = queue_id(&request.id)?;
        let now = self.clock.now().as_millisecond();
        self.store.write(move |w| w.retry_queue(seq, now)).await?;
        self.wake_worker();
        self.queue_list(Empty {}).await
    }

    /// Drops a row.
    pub async fn queue_discard(&self, request: ById) -> Result<QueuePage, ApiError> {
        let seq = queue_id(&request.id)?
            .ok_or_else(|| ApiError::new(ErrorCode::Invalid, "name the queue row to discard"))?;
        self.store.write(move |w| w.discard_queue(seq)).await?;
        self.audit("queue", &request.id, "discarded").await?;
        self.queue_list(Empty {}).await
    }

    /// Delivers everything in the queue that is due, until nothing is.
    pub async fn queue_deliver(&self) -> Result<(), ApiError> {
        loop {
            let delivery = self.engine.deliver_due().await?;
            if delivery.delivered == 0 {
                return Ok(());
            }
        }
    }
}

fn queue_id(text: &str) -> Result<Option<i64>, ApiError> {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse()
        .map(Some)
        .map_err(|_| ApiError::new(ErrorCode::NotFound, format!("there is no queue row `{text}`")))
}

fn revision(text: Option<&str>) -> Result<Option<i64>, ApiError> {
    text.filter(|t| !t.is_empty()).map(|t| t.trim_matches('"').parse()).transpose().map_err(|_| {
        ApiError::new(ErrorCode::Stale, "this revision is none that Concord gave; load the user again")
    })
}

fn row(managed: Managed) -> UserRow {
    UserRow { id: managed.id, rev: managed.rev.to_string(), attributes: Value::Object(managed.attributes) }
}

/// A user as IDM's REST shows it: `_id` and `_rev` before the attributes, and only the wanted ones.
pub fn rest_object(user: &UserRow, fields: &[String]) -> Value {
    let mut object = Attributes::new();
    object.insert("_id".into(), user.id.clone().into());
    object.insert("_rev".into(), user.rev.clone().into());
    if let Value::Object(attributes) = &user.attributes {
        for (name, value) in attributes {
            if fields.is_empty() || fields.iter().any(|f| f == name || f == "*") {
                object.insert(name.clone(), value.clone());
            }
        }
    }
    Value::Object(object)
}

fn sync_result(result: engine::SyncResult) -> SyncResult {
    SyncResult {
        mapping: result.mapping,
        target: result.target,
        state: match result.ok {
            Some(true) => SyncState::Synced,
            Some(false) => SyncState::Failed,
            None => SyncState::Waiting,
        },
        message: result.message,
    }
}

fn queue_row(row: store::QueueRow) -> QueueRow {
    let failed = row.state == QueueState::Failed;
    QueueRow {
        id: row.seq.to_string(),
        mapping: row.mapping,
        object_id: row.object_id,
        title: row.title,
        change: row.change.as_str().into(),
        state: if failed { SyncState::Failed } else { SyncState::Waiting },
        attempts: u64::from(row.attempts),
        next_attempt_at: (!failed)
            .then(|| jiff::Timestamp::from_millisecond(row.next_ms).ok().map(engine::stamp))
            .flatten(),
        message: row.message,
        created: row.created,
    }
}

fn kind_of(config: &ManagedObjectConfig, name: &str) -> String {
    match config.schema.properties.get(name).and_then(|p| p.get("type")) {
        Some(Value::String(kind)) => kind.clone(),
        Some(Value::Array(kinds)) => {
            kinds.iter().filter_map(Value::as_str).find(|k| *k != "null").unwrap_or("string").to_owned()
        }
        _ => "string".into(),
    }
}

fn policies_of(config: &ManagedObjectConfig, name: &str) -> Vec<String> {
    let Some(property) = config.schema.properties.get(name) else { return Vec::new() };
    let mut words: Vec<String> = Vec::new();
    if let Some(least) = property.get("minLength").and_then(Value::as_u64).filter(|least| *least > 1) {
        words.push(format!("at least {least} characters"));
    }
    for policy in property.get("policies").and_then(Value::as_array).into_iter().flatten() {
        match policy.get("policyId").and_then(Value::as_str) {
            Some("unique") => words.push("unique".into()),
            Some("valid-email-address-format") => words.push("an e-mail address".into()),
            Some("cannot-contain-characters") => words.push("no forbidden characters".into()),
            Some(other) => words.push(other.replace('-', " ")),
            None => {}
        }
    }
    words
}
