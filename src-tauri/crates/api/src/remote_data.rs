//! The records of a remote system themselves: listed, read and changed through its connector, past every mapping.

use std::{sync::Arc, time::Duration};

use connector::{
    Change, Connector, ConnectorError, Creation, ErrorKind, Outcome, RemoteObject, Search, Write,
};
use engine::Connectors as _;
use futures::StreamExt as _;
use model::{Attributes, Filter};

use crate::{ApiError, App, ErrorCode, dto::AuditTopic};

/// Asks for records of a remote system.
#[derive(Debug, Clone)]
pub struct RemoteQuery {
    /// The connector.
    pub connector: String,
    /// The object type.
    pub object_type: String,
    /// Only what matches.
    pub filter: Option<Filter>,
    /// The attributes to bring; none brings all that the type has.
    pub attributes: Vec<String>,
    /// Where to go on, from [`RemotePage::next`].
    pub after: Option<String>,
    /// Most records in the page.
    pub limit: usize,
}

/// Records of a remote system.
#[derive(Debug, Clone, PartialEq)]
pub struct RemotePage {
    /// The records.
    pub objects: Vec<RemoteObject>,
    /// Where to go on, if there are more.
    pub next: Option<String>,
}

/// A type of a connector that is ready to be asked.
struct Reached {
    connector: Arc<dyn Connector>,
    object_type: String,
    /// For messages.
    name: String,
}

impl App {
    /// A page of records.
    pub async fn remote_page(&self, query: RemoteQuery) -> Result<RemotePage, ApiError> {
        let reached = self.reach(&query.connector, &query.object_type).await?;
        let attributes = reached.attributes(query.attributes).await?;
        let (mut skip, mut here) = position(query.after.as_deref())?;
        let mut pages = reached.connector.search(Search {
            object_type: query.object_type,
            filter: query.filter,
            attributes,
            after: here.clone(),
        });
        let mut objects = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(told)?;
            for (i, object) in page.objects.into_iter().enumerate().skip(skip) {
                if objects.len() == query.limit {
                    return Ok(RemotePage { objects, next: Some(cursor(i, here.as_deref())) });
                }
                objects.push(object);
            }
            skip = 0;
            here = page.next;
            match &here {
                Some(next) if objects.len() == query.limit => {
                    return Ok(RemotePage { objects, next: Some(cursor(0, Some(next))) });
                }
                Some(_) => {}
                None => break,
            }
        }
        Ok(RemotePage { objects, next: None })
    }

    /// One record.
    pub async fn remote_get(
        &self,
        connector: &str,
        object_type: &str,
        uid: &str,
        attributes: Vec<String>,
    ) -> Result<RemoteObject, ApiError> {
        let reached = self.reach(connector, object_type).await?;
        let attributes = reached.attributes(attributes).await?;
        reached.get(uid, &attributes).await
    }

    /// Makes a record.
    pub async fn remote_create(
        &self,
        connector: &str,
        object_type: &str,
        attributes: Attributes,
    ) -> Result<RemoteObject, ApiError> {
        let reached = self.reach(connector, object_type).await?;
        let creation = Creation { trace: "0".into(), attributes };
        let outcome = reached.connector.create(object_type, &[creation]).await.into_iter().next();
        let made = reached.done(Write::Create, "a new record", outcome)?;
        self.audit(AuditTopic::Data, &format!("{}/{}", reached.name, made.uid), "created by hand").await?;
        let attributes = reached.attributes(Vec::new()).await?;
        reached.get(&made.uid, &attributes).await
    }

    /// Changes these attributes of a record; null clears.
    pub async fn remote_update(
        &self,
        connector: &str,
        object_type: &str,
        uid: &str,
        attributes: Attributes,
    ) -> Result<RemoteObject, ApiError> {
        let reached = self.reach(connector, object_type).await?;
        if !attributes.is_empty() {
            let change = Change { uid: uid.to_owned(), attributes };
            let outcome = reached.connector.update(object_type, &[change]).await.into_iter().next();
            reached.done(Write::Update, uid, outcome)?;
            self.audit(AuditTopic::Data, &format!("{}/{uid}", reached.name), "changed by hand").await?;
        }
        let attributes = reached.attributes(Vec::new()).await?;
        reached.get(uid, &attributes).await
    }

    /// Deletes a record and gives what it was.
    pub async fn remote_delete(
        &self,
        connector: &str,
        object_type: &str,
        uid: &str,
    ) -> Result<RemoteObject, ApiError> {
        let reached = self.reach(connector, object_type).await?;
        let attributes = reached.attributes(Vec::new()).await?;
        let before = reached.get(uid, &attributes).await?;
        let outcome = reached.connector.delete(object_type, &[uid.to_owned()]).await.into_iter().next();
        reached.done(Write::Delete, uid, outcome)?;
        self.audit(AuditTopic::Data, &format!("{}/{uid}", reached.name), "deleted by hand").await?;
        Ok(before)
    }

    async fn reach(&self, connector: &str, object_type: &str) -> Result<Reached, ApiError> {
        let reached = self.pool.connector(connector).await?;
        let types = &reached.descriptor().object_types;
        if !types.iter().any(|t| t.name == object_type) {
            let known: Vec<&str> = types.iter().map(|t| t.name.as_str()).collect();
            return Err(ApiError::new(
                ErrorCode::NotFound,
                format!(
                    "connector `{connector}` has no object type `{object_type}`; it has {}",
                    known.join(", ")
                ),
            ));
        }
        Ok(Reached {
            connector: reached,
            object_type: object_type.to_owned(),
            name: format!("system/{connector}/{object_type}"),
        })
    }
}

impl Reached {
    async fn attributes(&self, wanted: Vec<String>) -> Result<Vec<String>, ApiError> {
        if !wanted.is_empty() {
            return Ok(wanted);
        }
        let schema = self.connector.schema(&self.object_type).await.map_err(told)?;
        Ok(schema.attributes.into_iter().map(|attribute| attribute.name).collect())
    }

    async fn get(&self, uid: &str, attributes: &[String]) -> Result<RemoteObject, ApiError> {
        let found =
            self.connector.read(&self.object_type, &[uid.to_owned()], attributes).await.map_err(told)?;
        found.into_iter().next().ok_or_else(|| self.gone(uid))
    }

    fn gone(&self, uid: &str) -> ApiError {
        ApiError::new(ErrorCode::NotFound, format!("there is no `{uid}` in {}", self.name))
    }

    fn done(&self, write: Write, uid: &str, outcome: Option<Outcome>) -> Result<RemoteObject, ApiError> {
        let refused = |code, reason: &str| Err(ApiError::new(code, format!("{}: {reason}", self.name)));
        match outcome {
            Some(Outcome::Done(object)) => Ok(object),
            Some(Outcome::Conflict { existing, reason }) => {
                refused(ErrorCode::Conflict, &format!("{reason} (there is `{existing}` already)"))
            }
            Some(Outcome::Rejected { reason, .. })
                if self.connector.denies(&self.object_type, write).is_some() =>
            {
                refused(ErrorCode::Forbidden, &reason)
            }
            Some(Outcome::Rejected { reason, attribute }) => {
                refused(ErrorCode::Invalid, &reason).map_err(|mut error: ApiError| {
                    error.field = attribute;
                    error
                })
            }
            Some(Outcome::Partly { refused: attributes, reason, .. }) => refused(ErrorCode::Invalid, &reason)
                .map_err(|mut error: ApiError| {
                    error.field = attributes.into_iter().next();
                    error
                }),
            Some(Outcome::Gone) => Err(self.gone(uid)),
            Some(Outcome::Retry { after: Outcome::ONCE_AUTHORIZED, reason }) => {
                refused(ErrorCode::Unauthorized, &reason)
            }
            Some(Outcome::Retry { after, reason }) => {
                refused(ErrorCode::Remote, &reason).map_err(|mut error: ApiError| {
                    error.retry_after = Some(after.max(Duration::from_secs(1)).as_secs());
                    error
                })
            }
            Some(Outcome::Unknown { reason }) => refused(
                ErrorCode::Remote,
                &format!("{reason}; it may or may not have been done, so look before you repeat it"),
            ),
            None => refused(ErrorCode::Internal, "the connector gave no outcome"),
        }
    }
}

/// What the other system refuses is the request's fault, not a failure of either.
fn told(error: ConnectorError) -> ApiError {
    let refused = matches!(error.kind, ErrorKind::Refused | ErrorKind::Forbidden);
    let mut error = ApiError::from(error);
    if refused {
        error.code = ErrorCode::Invalid;
    }
    error
}

/// A place in a list: so many records into the page at this cursor of the provider.
pub(crate) fn cursor(skip: usize, page: Option<&str>) -> String {
    format!("{skip}:{}", page.unwrap_or_default())
}

pub(crate) fn position(cursor: Option<&str>) -> Result<(usize, Option<String>), ApiError> {
    let Some(cursor) = cursor else { return Ok((0, None)) };
    cursor
        .split_once(':')
        .and_then(|(skip, page)| Some((skip.parse().ok()?, (!page.is_empty()).then(|| page.to_owned()))))
        .ok_or_else(|| ApiError::new(ErrorCode::Invalid, "this page cursor is none that this list gave"))
}
