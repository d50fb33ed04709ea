//! Connectors: what Concord knows about the systems that it reads and writes.
//!
//! Invariants: every write is a batch (a single write is a batch of one) and gives one [`Outcome`] per item, in
//! order; a read that cannot prove itself complete is an error, never a short list; a token leaves only for the
//! configured host; nothing here knows mappings, links or the repository. A connector must never retry a write whose
//! answer was lost: it says [`Outcome::Unknown`] and leaves the question to the journal.

pub mod credentials;
mod denied;
mod error;
pub mod http;
pub mod hubspot;
pub mod oauth;
mod outcomes;
mod port;
pub mod salesforce;
pub mod scim;
mod token;

pub use credentials::{Credentials, Tokens};
pub use error::{ConnectorError, ErrorKind};
pub use port::*;

use std::sync::Arc;

use model::{Clock, ConnectorConfig, connector_config::Provider};

/// Builds the connector that a configuration asks for, behind what its document denies. Nothing is sent yet.
pub fn build(
    config: &ConnectorConfig,
    credentials: Arc<dyn Credentials>,
    clock: Arc<dyn Clock>,
) -> Result<Arc<dyn Connector>, ConnectorError> {
    let waiter = Arc::new(http::RealTime::new());
    let connector: Arc<dyn Connector> = match config.provider()? {
        Provider::Hubspot => Arc::new(hubspot::Hubspot::new(config, credentials, clock, waiter)?),
        Provider::Salesforce => Arc::new(salesforce::Salesforce::new(config, credentials, clock, waiter)?),
        Provider::Scim => Arc::new(scim::Scim::new(config, credentials, clock, waiter)?),
    };
    Ok(denied::guarded(config, connector))
}

/// Whether an address is one of this machine, where stand-ins are: they come and go, each time at another port.
pub fn is_on_this_machine(address: &str) -> bool {
    url::Url::parse(address).is_ok_and(|url| http::client::is_loopback(&url))
}
