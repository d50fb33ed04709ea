//! Documents as the repository keeps them. Whoever writes many makes them ready on a thread of their own, because all writes go
//! through one.

use model::Attributes;

use crate::{NewLink, StoreError, StoredChange, links::base_text};

/// A document in the words in which it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text(pub(crate) String);

impl Text {
    /// Of an object.
    pub fn of_object(attributes: &Attributes) -> Result<Self, StoreError> {
        serde_json::to_string(attributes).map(Self).map_err(StoreError::damaged)
    }

    /// Of what changes.
    pub fn of_changes(changes: &[StoredChange]) -> Result<Self, StoreError> {
        serde_json::to_string(changes).map(Self).map_err(StoreError::damaged)
    }

    /// Of what a link remembers of both sides.
    pub fn of_base(link: &NewLink) -> Result<Self, StoreError> {
        base_text(link.space.orientation, &link.base_source, &link.base_target).map(Self)
    }
}
