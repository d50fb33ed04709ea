//! Files for other programs, and what a person prefers.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

words! {
    /// What a file is written as.
    pub enum ExportFormat {
        /// A table for spreadsheets.
        Csv,
        /// Documents for programs.
        Json,
    }
}

dto! {
    /// Asks for a file with the entries of a run that a filter lets through.
    pub struct RunExport {
        id: String,
        format: ExportFormat,
        #[serde(default)]
        situation: Option<String>,
        #[serde(default)]
        action: Option<String>,
        #[serde(default)]
        failed: bool,
        #[serde(default)]
        stale: bool,
        #[serde(default)]
        search: Option<String>,
    }

    /// Asks for a file with the lines of the audit that a filter lets through.
    pub struct AuditExport {
        format: ExportFormat,
        #[serde(default)]
        topic: Option<String>,
        #[serde(default)]
        search: Option<String>,
    }

    /// A file that was written.
    pub struct Exported { path: String, rows: u64, }

    /// What a person prefers, on this data folder.
    pub struct Preferences {
        /// Whether the desktop says when a run is held or fails, or a connector stops working.
        notifications: bool,
    }
}
