//! A Salesforce org that runs on this machine.
//!
//! It answers OAuth (web server flow with PKCE, refresh with and without rotation, client credentials, introspection,
//! revocation, identity), and of the REST API describe, single records, sObject Collections and Tree, composite calls,
//! batches and graphs, SOQL with its cursors, `getUpdated` and `getDeleted`, limits, and Bulk API 2.0, for any version.
//! Answers are compressed for those who take gzip, and compressed requests are read. Facts come from Salesforce's public
//! documentation and from reports of its behaviour; where neither says anything the sandbox takes the stricter way.
//!
//! # Control paths
//!
//! | Request | Effect |
//! |---|---|
//! | `GET /` | the records of every type, for a person |
//! | `GET /__sandbox/state` | counts, tokens, faults |
//! | `GET /__sandbox/calls`, `GET /__sandbox/writes` | what was asked and what was written |
//! | `GET /__sandbox/{Type}?limit&after`, `GET /__sandbox/{Type}/{id}` | records with all stored values |
//! | `POST /__sandbox/{Type}` | creates a record as a person in the org; the body is an object of fields |
//! | `POST /__sandbox/{Type}/{id}`, `.../{id}/undelete`, `DELETE .../{id}` | changes, brings back, deletes it |
//! | `POST /__sandbox/faults` | replaces the faults by those of a [fault document](faults) |
//! | `POST /__sandbox/clock` | `{"advanceMs": 60000}` puts the clock forward |
//! | `POST /__sandbox/instance-url` | `{"url": "http://localhost:1234"}` is sent with tokens; null ends it |
//! | `POST /__sandbox/reset` | back to the seed |
//! | `POST /__sandbox/reset-calls` | forgets calls and writes |
//! | `POST /__sandbox/expire-sessions`, `/revoke-all`, `/expire-cursors` | ends what its name says |
//!
//! None of these counts as an API call and no fault or limit touches them.

use std::io;
use std::sync::Arc;

use tokio::net::TcpListener;

pub mod faults;

mod bend;
mod bulk;
mod catalogue;
mod collections;
mod composite;
mod control;
mod csv;
mod describe;
mod field;
mod id;
mod input;
mod oauth;
mod org;
mod page;
mod picklists;
mod problem;
mod query;
mod quota;
mod record;
mod replicate;
mod request;
mod routes;
mod rows;
mod rules;
mod seed;
mod server;
mod soql;
mod tables;
mod time;
mod tokens;
mod tree;
mod write;

pub use faults::{CursorFault, Faults, JobFault, PageFault, RowFault, load_faults};
pub use org::{Org, OrgError, RecordCopy, TokenCounts};
pub use server::{Consent, Options};
pub use tables::{Write, WriteKind};

pub use crate::calls::Call;
pub use crate::clock::Clock;
pub use crate::faults::{Action, Fault};
pub use crate::limits::Limits;

use crate::frame::Serving;
use crate::net::Loopback;

/// A running sandbox. Dropping it ends the server.
pub struct Sandbox {
    org: Org,
    serving: Serving,
}

impl Sandbox {
    /// Starts an org on a loopback listener.
    ///
    /// # Errors
    /// When the listener is open to other machines.
    pub async fn start(listener: TcpListener, options: Options) -> io::Result<Sandbox> {
        let listener = Loopback::new(listener)?;
        let mut tables = tables::Tables::default();
        seed::fill(&mut tables, options.records, options.seed, options.licenses);
        let shared = Arc::new(server::Shared::new(options, tables));
        let serving = Serving::start(listener, shared.clone())?;
        Ok(Sandbox { org: Org { shared }, serving })
    }

    /// `http://127.0.0.1:PORT`
    pub fn url(&self) -> String {
        self.serving.url()
    }

    /// A handle on the org that stays valid while the sandbox runs.
    pub fn org(&self) -> Org {
        self.org.clone()
    }

    /// Stops answering.
    pub async fn stop(mut self) {
        self.serving.stop().await;
    }
}
