//! What the audit is about.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

words! {
    /// What a line of the audit is about. Older versions may have written others.
    pub enum AuditTopic {
        /// Projects and the audit itself, as files.
        Configuration,
        /// Connectors, their keys and their scripts.
        Connector,
        /// Records of a system that were written by hand.
        Data,
        /// Answers to questions.
        Inbox,
        /// Managed types.
        Managed,
        /// Mappings and their order.
        Mapping,
        /// Managed objects, many at once.
        Object,
        /// Deliveries.
        Queue,
        /// Who may use REST.
        Rest,
        /// Runs.
        Run,
        /// Schedules.
        Schedule,
        /// Who may use SCIM.
        Scim,
        /// REST and SCIM switched on and off.
        Serving,
        /// Settings of the program.
        Settings,
        /// The vault.
        Vault,
    }
}

impl AuditTopic {
    /// As it is stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Configuration => "configuration",
            Self::Connector => "connector",
            Self::Data => "data",
            Self::Inbox => "inbox",
            Self::Managed => "managed",
            Self::Mapping => "mapping",
            Self::Object => "object",
            Self::Queue => "queue",
            Self::Rest => "rest",
            Self::Run => "run",
            Self::Schedule => "schedule",
            Self::Scim => "scim",
            Self::Serving => "serving",
            Self::Settings => "settings",
            Self::Vault => "vault",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    fn is_topic(word: &str) -> bool {
        let read: Result<AuditTopic, _> = serde_json::from_value(word.into());
        read.is_ok_and(|topic| topic.as_str() == word)
    }

    /// Lines of the engine are written without this crate's types.
    #[test]
    fn every_topic_that_is_written_is_one() {
        let mut written = Vec::new();
        for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../engine/src")).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                let text = fs::read_to_string(&path).unwrap();
                let words = text.split("topic: ").skip(1).filter_map(|after| after.strip_prefix('"'));
                written.extend(words.map(|word| word.split('"').next().unwrap_or_default().to_owned()));
            }
        }
        assert!(written.iter().any(|word| word == "managed"), "the engine's lines are found");
        written.retain(|word| !is_topic(word));
        assert!(written.is_empty(), "these are no `AuditTopic`: {written:?}");
    }
}
