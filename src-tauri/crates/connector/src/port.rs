//! The port that every connector implements.

use std::time::Duration;

use async_trait::async_trait;
use futures::stream::BoxStream;
use model::{Attributes, Filter};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::{ConnectorError, ErrorKind};

/// What a connector can do, told without a call.
#[derive(Debug, Clone, PartialEq)]
pub struct Descriptor {
    /// The provider's name for people: "HubSpot".
    pub title: String,
    /// The object types, for example `contact`.
    pub object_types: Vec<ObjectTypeDescriptor>,
}

/// A kind of write that a document can deny.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Write {
    /// Making records.
    Create,
    /// Changing them.
    Update,
    /// Deleting them.
    Delete,
}

impl Write {
    /// IDM's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "CREATE",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
        }
    }
}

/// What becomes of a record whose write is denied: IDM's `onDeny`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnDeny {
    /// It stays as it is, and nothing is wrong.
    DoNothing,
    /// It fails.
    Throw,
}

/// What is fixed about one object type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectTypeDescriptor {
    /// The name in resource paths.
    pub name: String,
    /// Most records in one write call.
    pub batch_size: usize,
    /// The attribute that the provider itself keeps unique and that a lost create can be found by, if there is one.
    pub natural_key: Option<String>,
    /// Whether records can be created, changed and deleted.
    pub writable: bool,
    /// Whether [`Connector::changes`] tells what changed in this type.
    pub change_feed: bool,
    /// The attribute that says when a record was changed last, if there is one.
    pub modified_attribute: Option<String>,
}

/// One record of a remote system. Attribute values are as the provider sends them.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct RemoteObject {
    /// `__UID__`: the provider's id, stable for the record's life.
    pub uid: String,
    /// The attributes that were asked for and exist; an attribute without value is null or absent.
    pub attributes: Attributes,
}

/// A page of a search.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Page {
    /// The records, each id at most once over the whole search.
    pub objects: Vec<RemoteObject>,
    /// Where to go on after this page; `None` on the last one. Can be stored and used by another process.
    pub next: Option<String>,
    /// Records that the provider delivered a second time and that were left out.
    pub repeated: u64,
}

/// What to search for.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Search {
    /// The object type.
    pub object_type: String,
    /// `None` lists everything.
    pub filter: Option<Filter>,
    /// The attributes to bring.
    pub attributes: Vec<String>,
    /// Where to start, from [`Page::next`].
    pub after: Option<String>,
}

/// A record to make.
#[derive(Debug, Clone, PartialEq)]
pub struct Creation {
    /// Our own id for this write, unique in its batch, so that answers can be told apart.
    pub trace: String,
    /// Attribute values; null and absent are the same.
    pub attributes: Attributes,
}

/// A change of a record: only these attributes.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Whose.
    pub uid: String,
    /// The new values; null clears.
    pub attributes: Attributes,
}

/// How one item of a batch ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// Done; the record as the provider now has it, as far as it told.
    Done(RemoteObject),
    /// Refused because the provider already has such a record.
    Conflict {
        /// Its id.
        existing: String,
        /// The provider's words.
        reason: String,
    },
    /// Refused for good; sending it again will not help.
    Rejected {
        /// Why, in the provider's words, with what to do where it is known.
        reason: String,
        /// The attribute at fault, where the provider names one.
        attribute: Option<String>,
    },
    /// Written, but for some values that are refused for good.
    Partly {
        /// The record as the provider now has it, as far as it told.
        object: Box<RemoteObject>,
        /// The attributes that were not written.
        refused: Vec<String>,
        /// Why, in the provider's words, with what to do where it is known.
        reason: String,
    },
    /// The record is not there (any more).
    Gone,
    /// Nothing was done; it may be tried again after this time.
    Retry {
        /// The least time to wait; [`Outcome::ONCE_AUTHORIZED`] where waiting alone does not help.
        after: Duration,
        /// Why.
        reason: String,
    },
    /// Sent, and the answer was lost: it may or may not have been done.
    Unknown {
        /// What happened to the answer.
        reason: String,
    },
}

impl Outcome {
    /// Not before a person has authorized the connection again.
    pub const ONCE_AUTHORIZED: Duration = Duration::MAX;

    /// Nothing was done, and it may be tried again when the cause of this error has passed. `usual` is the least time to
    /// wait where the error does not tell.
    pub(crate) fn retry(error: &ConnectorError, usual: Duration) -> Self {
        let after = match error.kind {
            ErrorKind::Unauthorized => Self::ONCE_AUTHORIZED,
            _ => error.retry_after.unwrap_or(usual),
        };
        Self::Retry { after, reason: error.message.clone() }
    }
}

/// What a test found.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TestReport {
    /// Each thing that was checked, in order, in words: "reached api.hubapi.com", "token accepted".
    pub checked: Vec<String>,
    /// The account on the other side in words, where it tells ("portal 123, time zone Europe/Berlin").
    pub account: Option<String>,
    /// The same by its id alone, as [`Connector::account`] tells it.
    pub account_id: Option<String>,
    /// Scopes that the connection lacks, by name.
    pub missing_scopes: Vec<String>,
}

/// The attributes of an object type.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ObjectTypeSchema {
    /// The object type.
    pub object_type: String,
    /// Its attributes, in the provider's order.
    pub attributes: Vec<AttributeSchema>,
}

/// One attribute of an object type.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct AttributeSchema {
    /// The name that mappings use.
    pub name: String,
    /// The provider's title.
    pub label: String,
    /// The provider's type: `string`, `number`, `enumeration`, ...
    pub kind: String,
    /// Must be given on create.
    pub required: bool,
    /// Can be written.
    pub writable: bool,
    /// The provider keeps it unique.
    pub unique: bool,
    /// The allowed values, empty when free.
    pub options: Vec<String>,
}

/// Calls that a connection has made and the budget that the provider told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Usage {
    /// Calls sent since the connector was built.
    pub calls: u64,
    /// Calls left today, where told.
    pub daily_remaining: Option<u64>,
    /// Calls allowed a day, where told.
    pub daily_limit: Option<u64>,
    /// Calls left in the provider's short interval (HubSpot: ten seconds), where told.
    #[serde(default)]
    pub interval_remaining: Option<u64>,
    /// Calls allowed in that interval.
    #[serde(default)]
    pub interval_limit: Option<u64>,
    /// Its length.
    #[serde(default)]
    pub interval_seconds: Option<u64>,
    /// How long the connection still rests because a limit was reached; `None` when it does not.
    #[serde(default)]
    pub resting_seconds: Option<u64>,
}

/// A stream of pages. It ends after the last page or with the first error.
pub type Pages<'a> = BoxStream<'a, Result<Page, ConnectorError>>;

/// What to ask a change feed for.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Feed {
    /// The object type.
    pub object_type: String,
    /// The attributes to bring.
    pub attributes: Vec<String>,
    /// The cursor of the last page that was committed. `None` starts the feed: one page without records, whose cursor
    /// stands for now (as IDM's first liveSync only stores the newest token).
    pub since: Option<String>,
}

/// A page of a change feed.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ChangePage {
    /// Records that are new or changed, as they stand now; a record may come again on a later page.
    pub objects: Vec<RemoteObject>,
    /// Ids that are deleted, archived or merged away.
    pub deleted: Vec<String>,
    /// Where to go on once this page is committed. Can be stored and used by another process.
    pub cursor: String,
}

/// A stream of change pages. It ends when everything up to its start is told, or with the first error.
pub type Changes<'a> = BoxStream<'a, Result<ChangePage, ConnectorError>>;

/// A connection to a remote system.
#[async_trait]
pub trait Connector: Send + Sync {
    /// What it can do.
    fn descriptor(&self) -> &Descriptor;

    /// Calls so far.
    fn usage(&self) -> Usage;

    /// Reaches the system with the stored credentials and says what was checked.
    async fn test(&self) -> Result<TestReport, ConnectorError>;

    /// The account on the other side by its id ("portal 123"): two accounts of one provider have one address. `None` where the
    /// other side does not tell it.
    async fn account(&self) -> Result<Option<String>, ConnectorError> {
        Ok(None)
    }

    /// An id as a person or a script may write it, in the one form that this connector gives ids in. Systems with one way
    /// to write an id have nothing to do.
    fn canonical_id(&self, id: String) -> String {
        id
    }

    /// Whether the system keeps two values of an attribute as one, such as an e-mail address in other letters or a time in
    /// another notation: what is read back is not always written as it was sent. Answered from what is known without a call.
    fn keeps_alike(&self, _object_type: &str, _attribute: &str, _a: &Value, _b: &Value) -> bool {
        false
    }

    /// Whether the system gives this attribute a value by itself where a new record comes without one. Such a value is nobody's
    /// work. Answered from what is known without a call.
    fn fills_in(&self, _object_type: &str, _attribute: &str) -> bool {
        false
    }

    /// What a delete writes where records of a type are kept for good, as a user who is deactivated; nothing where what it does
    /// is no attribute. `None` where deleted records go.
    fn delete_writes(&self, _object_type: &str) -> Option<Attributes> {
        None
    }

    /// What becomes of a record of this type for which a write is asked that the connector's document denies; `None` where it
    /// denies none.
    fn denies(&self, _object_type: &str, _write: Write) -> Option<OnDeny> {
        None
    }

    /// Gives the connection's authorization back to the provider, so that nobody can use it any more. Called when the
    /// connection is removed; the caller forgets the stored tokens. Connections without an authorization of their own
    /// (service keys) have nothing to give back.
    async fn revoke(&self) -> Result<(), ConnectorError> {
        Ok(())
    }

    /// The attributes of an object type of the system, also of one that this connector does not use.
    async fn schema(&self, object_type: &str) -> Result<ObjectTypeSchema, ConnectorError>;

    /// Every record that matches, page by page, in any order. A read that ends early, repeats its cursor or has an
    /// unexpected shape ends in an error.
    fn search(&self, search: Search) -> Pages<'_>;

    /// What is new, changed or deleted since a cursor. Types without a change feed end in an error.
    fn changes(&self, feed: Feed) -> Changes<'_> {
        let error = ConnectorError::unsupported(
            &self.descriptor().title,
            format!("change feeds of `{}`", feed.object_type),
        );
        Box::pin(futures::stream::once(async move { Err(error) }))
    }

    /// The records with these ids, in no order; ids that are not there are left out.
    async fn read(
        &self,
        object_type: &str,
        uids: &[String],
        attributes: &[String],
    ) -> Result<Vec<RemoteObject>, ConnectorError>;

    /// Where records went that are no longer kept under these ids, because they were merged into others: pairs of an
    /// asked id and the id that its record has now. Ids that stayed or that are gone are left out.
    async fn moved(
        &self,
        _object_type: &str,
        _uids: &[String],
    ) -> Result<Vec<(String, String)>, ConnectorError> {
        Ok(Vec::new())
    }

    /// The records whose natural key has one of these values, read consistently (not from a lagging search index).
    async fn find_by_key(
        &self,
        object_type: &str,
        values: &[String],
        attributes: &[String],
    ) -> Result<Vec<RemoteObject>, ConnectorError>;

    /// What the system still works on behind answers that it has given, where that may yet write records of this type for
    /// this connection, in words; `None` when there is nothing. While there is, what cannot be found may still come. Systems
    /// that answer when a write is done have nothing, and are asked nothing.
    async fn under_way(&self, _object_type: &str) -> Result<Option<String>, ConnectorError> {
        Ok(None)
    }

    /// Makes records: one outcome per item, in order. At most the type's batch size.
    async fn create(&self, object_type: &str, batch: &[Creation]) -> Vec<Outcome>;

    /// Changes records: one outcome per item, in order.
    async fn update(&self, object_type: &str, batch: &[Change]) -> Vec<Outcome>;

    /// Deletes records (HubSpot: archives): one outcome per item, in order.
    async fn delete(&self, object_type: &str, uids: &[String]) -> Vec<Outcome>;
}
