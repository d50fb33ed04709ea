//! What only a person can decide, and who did what.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use ts_rs::TS;

words! {
    /// How a question is answered.
    pub enum InboxChoice {
        /// The source belongs to the record in `target`.
        Link,
        /// None of them: it gets a record of its own, or the one that is gone is made again.
        Create,
        /// The source is gone: the record is deleted.
        Delete,
        /// The source is gone: the record stays without a link.
        Unlink,
        /// The source's value stays.
        Source,
        /// The target's value stays.
        Target,
        /// Put away until it comes up again.
        Dismiss,
    }
}

dto! {
    /// Which questions.
    pub struct InboxRequest {
        #[serde(default)]
        mapping: Option<String>,
        #[serde(default)]
        after: Option<String>,
        #[serde(default)]
        limit: Option<u32>,
    }

    /// Questions, oldest first.
    pub struct InboxPage {
        questions: Vec<InboxQuestion>,
        next: Option<String>,
        #[ts(type = "number")]
        total: u64,
    }

    /// Something that only a person can decide.
    pub struct InboxQuestion {
        id: String,
        mapping: String,
        link_qualifier: String,
        /// `ambiguous`, `conflict`, `relink`, `targetGone`, `sourceGone` or `alreadyLinked`.
        kind: String,
        title: String,
        source: String,
        target: Option<String>,
        /// The records to choose from.
        targets: Vec<String>,
        /// For a conflict, `conflicts`: attribute, source, target and base of each.
        #[ts(type = "Record<string, unknown>")]
        detail: Value,
        reason: String,
        created: String,
        updated: String,
    }

    /// An answer.
    pub struct InboxAnswer {
        id: String,
        choice: InboxChoice,
        /// For `link`.
        #[serde(default)]
        target: Option<String>,
        /// For `source` and `target`: only this attribute of a conflict.
        #[serde(default)]
        attribute: Option<String>,
    }

    /// What was done, in words.
    pub struct Said { message: String, }

    /// A link to make or to remove.
    pub struct LinkChange {
        mapping: String,
        #[serde(default)]
        source: Option<String>,
        #[serde(default)]
        target: Option<String>,
        #[serde(default)]
        link_qualifier: Option<String>,
    }

    /// Which lines of the audit.
    pub struct AuditRequest {
        #[serde(default)]
        topic: Option<String>,
        #[serde(default)]
        search: Option<String>,
        #[serde(default)]
        after: Option<String>,
        #[serde(default)]
        limit: Option<u32>,
    }

    /// Lines of the audit, newest first.
    pub struct AuditPage { rows: Vec<AuditEntry>, next: Option<String>, }

    /// A line of the audit.
    pub struct AuditEntry {
        id: String,
        at: String,
        who: String,
        topic: String,
        object: String,
        detail: String,
    }
}
