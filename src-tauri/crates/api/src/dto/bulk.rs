//! Changes of many managed objects at once, and what deleting them would do elsewhere.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use ts_rs::TS;

dto! {
    /// Names managed objects of one type.
    pub struct ObjectNames { kind: String, ids: Vec<String>, }

    /// The same change of several managed objects.
    pub struct ObjectsChange {
        kind: String,
        ids: Vec<String>,
        /// The attributes that change; null removes.
        #[ts(type = "Record<string, unknown>")]
        attributes: Value,
    }

    /// Asks for a file with managed objects as a table.
    pub struct ObjectsExport {
        kind: String,
        #[serde(default)]
        search: Option<String>,
        /// A query filter.
        #[serde(default)]
        filter: Option<String>,
        /// A searchable attribute, with `-` before it for descending.
        #[serde(default)]
        sort: Option<String>,
        /// Only these objects, whatever the list shows.
        #[serde(default)]
        only_ids: bool,
        #[serde(default)]
        ids: Vec<String>,
        /// The attributes, beside the id.
        columns: Vec<String>,
    }

    /// An object that was left as it is.
    pub struct ObjectRefused { id: String, title: String, message: String, }

    /// What became of a change of several objects.
    pub struct ObjectsChanged { done: u64, refused: Vec<ObjectRefused>, }

    /// What would become of the records that one mapping keeps for some objects, if these were deleted.
    pub struct DeleteEffect {
        mapping: String,
        target: String,
        target_title: String,
        /// The action; empty where it cannot be told.
        action: String,
        situation: String,
        /// Records that it is about.
        count: u64,
        /// Some of them, by name.
        examples: Vec<String>,
        /// A person has to decide, or it would fail.
        needs_you: bool,
        /// Why, in words.
        reason: String,
    }

    /// What deleting some objects would do.
    pub struct DeleteForesight {
        /// Those of the objects that are there.
        objects: u64,
        /// Linked records elsewhere that no mapping carries the delete on to.
        left_alone: u64,
        /// By mapping and action; the mappings in the order of sync.
        effects: Vec<DeleteEffect>,
    }
}
