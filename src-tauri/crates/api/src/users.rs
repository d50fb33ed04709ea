//! Managed users, and the queue of their implicit syncs.

use std::collections::BTreeSet;

use model::{Attributes, ManagedObjectConfig};
use serde_json::Value;
use store::{AuditRow, QueueChange, QueueState};

use crate::{
    ApiError, App, ErrorCode, access,
    dto::{
        AuditTopic, ById, Empty, Fix, HistoryRequest, ObjectDelete, ObjectDraft, ObjectName, ObjectsRequest,
        QueuePage, QueueRequest, QueueRow, QueuedChange, SyncResult, SyncState, Trouble, UserAttribute,
        UserDelete, UserDetail, UserDraft, UserPage, UserRow, UserSaved, UserSchema, UsersRequest,
    },
    managed_types::policy_words,
};

const USER: &str = "user";

/// Rows of the queue in a page when nobody says how many.
const PAGE: usize = 100;
/// Rows of the queue in a page at most.
const LARGEST_PAGE: u32 = 1000;

impl App {
    /// The managed user's attributes in form order.
    pub async fn user_schema(&self, _: Empty) -> Result<UserSchema, ApiError> {
        let config = self.managed_config(USER).await?;
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
        let UsersRequest { search, filter, sort, after, limit } = request;
        let page = self
            .objects_list(ObjectsRequest {
                kind: USER.into(),
                search,
                filter,
                sort,
                after,
                limit,
                exact_total: false,
            })
            .await?;
        Ok(UserPage {
            users: page.objects,
            next: page.next,
            total: page.total,
            total_is_least: page.total_is_least.then_some(true),
        })
    }

    /// A user with what its editor needs.
    pub async fn user_get(&self, request: ById) -> Result<UserDetail, ApiError> {
        let history = HistoryRequest {
            kind: USER.into(),
            id: request.id.clone(),
            attribute: None,
            after: None,
            limit: None,
        };
        let detail = self.object_get(ObjectName { kind: USER.into(), id: request.id }).await?;
        Ok(UserDetail {
            user: detail.object,
            linked: detail.linked,
            sync: detail.sync,
            history: self.object_history(history).await?.rows,
        })
    }

    /// Makes or changes a user. What carries the change on is queued in the same transaction.
    pub async fn user_save(&self, request: UserDraft) -> Result<UserSaved, ApiError> {
        let UserDraft { id, rev, attributes } = request;
        let saved = self.object_save(ObjectDraft { kind: USER.into(), id, rev, attributes }).await?;
        Ok(UserSaved { user: Some(saved.object), sync: saved.sync })
    }

    /// Deletes a user. What becomes of its records elsewhere is for the mappings' SOURCE_MISSING policies.
    pub async fn user_delete(&self, request: UserDelete) -> Result<UserSaved, ApiError> {
        let UserDelete { id, rev } = request;
        let saved = self.object_delete(ObjectDelete { kind: USER.into(), id, rev }).await?;
        Ok(UserSaved { user: None, sync: saved.sync })
    }

    /// Delivers the implicit syncs of a user now and says how they stand at every target.
    pub async fn user_deliver(&self, id: &str) -> Result<Vec<SyncResult>, ApiError> {
        self.object_deliver(USER, id).await
    }

    /// A page of the queue of implicit syncs: what failed, then what waits, each oldest first.
    pub async fn queue_list(&self, request: QueueRequest) -> Result<QueuePage, ApiError> {
        let limit = request.limit.map_or(PAGE, |n| n.clamp(1, LARGEST_PAGE) as usize);
        let (page, refused, failed, waiting) = self
            .store
            .read(move |r| {
                Ok((
                    r.queue(request.after.as_deref(), limit)?,
                    access::refused_mappings(r)?,
                    r.queue_count_in(QueueState::Failed)?,
                    r.queue_count_in(QueueState::Waiting)?,
                ))
            })
            .await?;
        Ok(QueuePage {
            rows: page.rows.into_iter().map(|row| queue_row(row, &refused)).collect(),
            next: page.next,
            failed,
            waiting,
        })
    }

    /// The whole queue, in the same order.
    pub async fn queue_rows(&self) -> Result<Vec<QueueRow>, ApiError> {
        let mut rows = Vec::new();
        let mut after = None;
        loop {
            let page = self.queue_list(QueueRequest { after, limit: Some(LARGEST_PAGE) }).await?;
            rows.extend(page.rows);
            after = page.next;
            if after.is_none() {
                return Ok(rows);
            }
        }
    }

    /// One row of the queue.
    pub async fn queue_get(&self, request: ById) -> Result<QueueRow, ApiError> {
        let seq = queue_id(&request.id)?.ok_or_else(|| no_such_row(&request.id))?;
        let (row, refused) =
            self.store.read(move |r| Ok((r.queue_row(seq)?, access::refused_mappings(r)?))).await?;
        row.map(|row| queue_row(row, &refused)).ok_or_else(|| no_such_row(&request.id))
    }

    /// Tries a row again now; an empty id means all.
    pub async fn queue_retry(&self, request: ById) -> Result<Empty, ApiError> {
        let seq = queue_id(&request.id)?;
        let now = self.clock.now().as_millisecond();
        self.store.write(move |w| w.retry_queue(seq, now)).await?;
        self.wake_worker();
        Ok(Empty {})
    }

    /// Drops a row.
    pub async fn queue_discard(&self, request: ById) -> Result<Empty, ApiError> {
        let seq = queue_id(&request.id)?
            .ok_or_else(|| ApiError::new(ErrorCode::Invalid, "name the queue row to discard"))?;
        let audit = self.audit_row(AuditTopic::Queue, &request.id, "discarded");
        self.store
            .write(move |w| {
                let row = w.queue_row(seq)?;
                w.discard_queue(seq)?;
                w.add_audit(&match row {
                    Some(row) => AuditRow {
                        object: row.title,
                        detail: format!("its change was discarded before {} delivered it", row.mapping),
                        ..audit
                    },
                    None => audit,
                })
            })
            .await?;
        Ok(Empty {})
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
    text.parse().map(Some).map_err(|_| no_such_row(text))
}

fn no_such_row(id: &str) -> ApiError {
    ApiError::new(ErrorCode::NotFound, format!("there is no queue row `{id}`"))
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

pub(crate) fn sync_result(result: engine::SyncResult, refused: &BTreeSet<String>) -> SyncResult {
    let (reason, fix) = Fix::apart(Some(result.message.clone()));
    SyncResult {
        trouble: trouble(result.ok == Some(false), fix.as_ref(), refused.contains(&result.mapping)),
        reason: reason.unwrap_or_default(),
        fix,
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

/// What to do about the system that a change goes to. One that has a remedy of its own, or that was not tried, asks for none.
fn trouble(failed: bool, fix: Option<&Fix>, refused: bool) -> Option<Trouble> {
    (failed && fix.is_none() && refused).then_some(Trouble::Authorize)
}

fn queue_row(row: store::QueueRow, refused: &BTreeSet<String>) -> QueueRow {
    let failed = row.state == QueueState::Failed;
    let (reason, fix) = Fix::apart(row.message.clone());
    QueueRow {
        trouble: trouble(row.attempts > 0, fix.as_ref(), refused.contains(&row.mapping)),
        id: row.seq.to_string(),
        mapping: row.mapping,
        kind: row.kind,
        object_id: row.object_id,
        title: row.title,
        change: match row.change {
            QueueChange::Create => QueuedChange::Create,
            QueueChange::Update => QueuedChange::Update,
            QueueChange::Delete => QueuedChange::Delete,
        },
        state: if failed { SyncState::Failed } else { SyncState::Waiting },
        attempts: u64::from(row.attempts),
        next_attempt_at: (!failed)
            .then(|| jiff::Timestamp::from_millisecond(row.next_ms).ok().map(engine::stamp))
            .flatten(),
        message: row.message,
        reason,
        fix,
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
        words.push(format!("at least {least} characters long"));
    }
    for policy in property.get("policies").and_then(Value::as_array).into_iter().flatten() {
        if let Some(id) = policy.get("policyId").and_then(Value::as_str) {
            words.push(policy_words(config, id, policy.get("params").unwrap_or(&Value::Null)));
        }
    }
    words
}
