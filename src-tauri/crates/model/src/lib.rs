//! The nouns of identity sync: resource paths, JSON pointers, query filters, connector, mapping and
//! managed-object configuration in IDM's JSON shapes, situations and actions.
//!
//! Invariants: pure values only. No I/O, no async, no clock, no randomness, so every other crate can
//! depend on this one and every rule here can be tested as a table. A configuration document keeps the keys
//! it does not know: what was read is written back, whoever wrote it.

pub mod clock;
pub mod connector_config;
pub mod filter;
pub mod managed;
pub mod mapping_config;
pub mod patch;
pub mod path;
pub mod pointer;
pub mod policy;
pub mod schedule_config;
pub mod schema_check;
pub mod secret;
pub mod situation;
pub mod system_actions;
pub mod transform;

pub use clock::Clock;
pub use connector_config::ConnectorConfig;
pub use filter::Filter;
pub use managed::{ManagedConfig, ManagedObjectConfig, Protection};
pub use mapping_config::{MappingConfig, SyncConfig};
pub use path::ResourcePath;
pub use pointer::Pointer;
pub use schedule_config::ScheduleConfig;
pub use secret::Secret;
pub use situation::{Action, Situation};

/// A JSON object with its keys in the order in which they arrived.
pub type Attributes = serde_json::Map<String, serde_json::Value>;

/// Whether a name is about the record (`_id`, `_rev`, `__UID__`, `__NAME__`) and not one of its attributes. Two underscores
/// alone do not make it so: connectors name attributes of their own like that (`__COMPANIES__`).
pub fn is_about_the_record(name: &str) -> bool {
    matches!(name, "__UID__" | "__NAME__") || (name.starts_with('_') && !name.starts_with("__"))
}
