//! The scripts that run at an event of a mapping.

use model::{MappingConfig, mapping_config::ScriptConfig};

/// An event at which a mapping's script runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hook {
    /// Before a target is created; may change it.
    Create,
    /// Before a target is updated; may change it.
    Update,
    /// Before a target is deleted; may refuse by throwing.
    Delete,
    /// Before a link is made.
    Link,
    /// Before a link is removed.
    Unlink,
    /// When a run begins.
    Recon,
    /// When a run ends.
    Result,
    /// After the properties; may change the target.
    DefaultMapping,
    /// After the target is worked out, the last one to change it.
    PostMapping,
}

impl Hook {
    pub(crate) const ALL: [Self; 9] = [
        Self::Create,
        Self::Update,
        Self::Delete,
        Self::Link,
        Self::Unlink,
        Self::Recon,
        Self::Result,
        Self::DefaultMapping,
        Self::PostMapping,
    ];

    /// The key under which it stands in a mapping.
    pub fn name(self) -> &'static str {
        match self {
            Self::Create => "onCreate",
            Self::Update => "onUpdate",
            Self::Delete => "onDelete",
            Self::Link => "onLink",
            Self::Unlink => "onUnlink",
            Self::Recon => "onRecon",
            Self::Result => "result",
            Self::DefaultMapping => "defaultMapping",
            Self::PostMapping => "postMapping",
        }
    }

    pub(crate) fn config(self, config: &MappingConfig) -> Option<&ScriptConfig> {
        config.hooks().into_iter().find(|(name, _)| *name == self.name()).and_then(|(_, script)| script)
    }
}
