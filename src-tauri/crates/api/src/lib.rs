//! The use cases: what the desktop shell, the command and the server ask for, as requests and answers.
//!
//! Invariants: every caller goes through here; errors leave as [`ApiError`] with a code and a sentence; no answer
//! holds a secret; nothing here knows a window or a terminal.

mod access;
mod api_tokens;
pub mod app;
mod arrivals;
mod arriving_groups;
mod arriving_people;
mod associations;
mod bearer_tokens;
mod bulk;
mod caller;
mod claims;
pub mod commands;
mod config_documents;
mod connector_script;
mod connectors;
mod consent;
pub mod csv;
pub mod dto;
mod error;
pub mod exports;
mod idm_project;
mod inbox;
mod linked;
mod live_counts;
pub mod log;
mod managed_objects;
mod managed_types;
mod mapping_lab;
mod mapping_matches;
mod mapping_templates;
mod mapping_trial;
mod mappings;
mod news;
mod object_times;
mod overview;
mod perform;
mod pool;
mod preferences;
mod program_settings;
mod ready_mappings;
mod ready_setup;
mod recon_documents;
mod remote_data;
mod rest_access;
mod runs;
mod samples;
mod sandbox_connector;
mod schedules;
mod schema_drift;
mod scim_tokens;
mod self_service;
mod serving;
mod sync_check;
mod users;
mod vaulting;

pub use api_tokens::{ApiScope, ApiToken};
pub use app::{App, AppOptions};
pub use arrivals::Arrivals;
pub use arriving_groups::{GROUP_TYPE, MEMBER_NAMES, groups_mapping};
pub use arriving_people::people_mapping;
pub use caller::in_the_name_of;
pub use claims::{ClaimsImport, ClaimsImported, claims_in};
pub use connector::RemoteObject;
pub use consent::{AuthorizationCode, Authorizing, Redirect};
pub use engine::{Edit, Which};
pub use error::{ApiError, ErrorCode};
pub use idm_project::{
    IdmExport, IdmExported, IdmImport, IdmImported, LeftAlone, LeftOut, Note, Taken, TakenHow, ToEnter,
};
pub use linked::LinkedObject;
pub use news::{News, Standing};
pub use object_times::{Holder, ObjectTimes};
pub use perform::PerformRequest;
pub use ready_mappings::{ready_mapping, ready_mapping_names, ready_type};
pub use recon_documents::AssocPage;
pub use remote_data::{RemotePage, RemoteQuery};
pub use rest_access::{PasswordProof, RestAdmin};
pub use sandbox_connector::SandboxAccess;
pub use scim_tokens::{ScimProfile, ScimToken};
pub use self_service::{Person, PersonField, PersonForm, PersonRefusal};
pub use serving::ServingChoice;
pub use users::rest_object;
pub use vault::{MemoryKept, Swap, keep_memory_private, memory_kept, write_no_core_file};
