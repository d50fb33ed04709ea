//! Connectors besides their forms: budget, schema drift, live records, what depends on them, and the way to a first mapping.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use ts_rs::TS;

words! {
    /// What changed about an attribute since somebody last looked.
    pub enum SchemaChangeKind {
        /// It is new.
        Added,
        /// It is gone.
        Removed,
        /// It holds another type of value.
        Type,
        /// Values can be chosen that could not be before, or the other way round.
        Options,
        /// It can no longer be written.
        ReadOnly,
        /// It can be written now.
        Writable,
        /// It must be given on create now.
        Required,
        /// It may be left out now.
        Optional,
        /// The provider keeps it unique now.
        Unique,
        /// The provider does not keep it unique any more.
        NotUnique,
    }

    /// How a setting of a ready mapping is chosen.
    pub enum ParameterKind {
        /// A text.
        Text,
        /// The id of a record of another object type.
        Record,
    }
}

dto! {
    /// What a connection may still call, as far as the provider told.
    pub struct ConnectorUsage {
        /// Calls since this program began to use the connector.
        calls: u64,
        daily_used: Option<u64>,
        daily_limit: Option<u64>,
        /// In the provider's short interval, as of its last answer.
        interval_used: Option<u64>,
        interval_limit: Option<u64>,
        interval_seconds: Option<u64>,
        /// Until when it makes no calls because a limit was reached.
        rests_until: Option<String>,
    }

    /// A system that Concord can be connected to.
    pub struct ConnectorKind {
        /// What `connector_blank` takes.
        provider: String,
        title: String,
        text: String,
    }

    /// A mapping that a change of the schema touches, and what it means for it.
    pub struct TouchedMapping {
        mapping: String,
        /// What happens to it, and what to do.
        effect: String,
        /// Whether its next run would lose or refuse something.
        breaks: bool,
    }

    /// One change of an object type's schema.
    pub struct SchemaChange {
        attribute: String,
        label: String,
        kind: SchemaChangeKind,
        /// In words: "the type changed from string to number".
        words: String,
        mappings: Vec<TouchedMapping>,
    }

    /// What changed in an object type since somebody last looked.
    pub struct SchemaDrift {
        object_type: String,
        /// When the schema was last read.
        read_at: String,
        /// When it was first found changed.
        changed_at: Option<String>,
        changes: Vec<SchemaChange>,
    }

    /// Asks for live records of an object type.
    pub struct RecordsRequest {
        name: String,
        object_type: String,
        /// Words that values begin with.
        #[serde(default)]
        search: Option<String>,
        /// The attributes to bring.
        #[serde(default)]
        attributes: Vec<String>,
        /// The `next` of the page before.
        #[serde(default)]
        after: Option<String>,
        #[serde(default)]
        limit: Option<u32>,
    }

    /// A live record.
    pub struct RecordRow {
        id: String,
        #[ts(type = "Record<string, unknown>")]
        attributes: Value,
    }

    /// A page of live records.
    pub struct RecordPage {
        records: Vec<RecordRow>,
        next: Option<String>,
    }

    /// A mapping that needs a connector.
    pub struct DependentMapping { name: String, links: u64, queued: u64, }

    /// What goes with a connector when it is removed.
    pub struct ConnectorDependents {
        mappings: Vec<DependentMapping>,
        secrets: u64,
        /// Copies of remote records that were last seen.
        records: u64,
        authorized: bool,
    }

    /// Something that a ready mapping has to be told.
    pub struct ReadyParameter {
        name: String,
        label: String,
        help: String,
        kind: ParameterKind,
        /// The object type to choose from, when it is a record.
        object_type: Option<String>,
        required: bool,
        default: Option<String>,
    }

    /// A mapping that Concord brings along.
    pub struct ReadyMapping {
        name: String,
        source: String,
        target: String,
        source_title: String,
        target_title: String,
        /// The mapping whose links it shares; the two are a pair.
        links: Option<String>,
        /// What it does, in words.
        text: String,
        /// How records find each other before they are linked.
        correlation: String,
        #[ts(type = "{ source: string; target: string }[]")]
        properties: Value,
        parameters: Vec<ReadyParameter>,
        /// A mapping of this name is there already.
        there: bool,
        /// Why it cannot be added, in words: an object type that the connector does not have.
        problem: Option<String>,
    }

    /// Adds ready mappings for a connector.
    pub struct ReadyMappingsAdd {
        connector: String,
        names: Vec<String>,
        #[serde(default)]
        parameters: std::collections::BTreeMap<String, String>,
    }
}
