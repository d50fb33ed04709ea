//! A HubSpot portal that runs on this machine.
//!
//! It answers the CRM v3 paths and the dated versions 2026-03 and 2026-09 for contacts and companies, the properties
//! and associations APIs, account information, and OAuth v1, v3 and dated. Facts come from HubSpot's public
//! documentation and from reports of its behaviour; where neither says anything the sandbox takes the stricter way.
//!
//! # Control paths
//!
//! | Request | Effect |
//! |---|---|
//! | `GET /`, `/look/...` | pages on which a person finds, changes, creates, archives, restores and merges records |
//! | `GET /__sandbox/state` | counts, calls, writes, faults |
//! | `GET /__sandbox/contacts?limit&after`, `GET /__sandbox/contacts/{id}` | records with all stored values |
//! | `POST /__sandbox/contacts` | creates a contact as a person in the CRM; the body is an object of properties |
//! | `POST /__sandbox/contacts/{id}`, `.../{id}/restore`, `DELETE .../{id}` | changes, restores, archives it |
//! | `POST /__sandbox/contacts/{id}/merge/{other}` | merges two; the answer has the new id |
//! | `POST /__sandbox/faults` | replaces the faults by those of a [fault document](crate::faults) |
//! | `POST /__sandbox/reset-calls` | forgets calls and writes |
//! | `POST /__sandbox/expire-tokens` | lets every access token expire |
//!
//! `companies` may stand for `contacts`. None of these counts as an API call and no fault or limit touches them.

use std::io;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

mod access;
mod account;
mod associations;
mod batch;
mod bend;
mod catalogue;
mod control;
mod crm;
mod oauth;
mod objects;
mod page;
mod portal;
mod problem;
mod properties;
mod record;
mod request;
mod routes;
mod save;
mod schema;
mod search;
mod seed;
mod server;
mod state;
mod time;
mod tokens;
mod view;

pub use crm::{Write, WriteKind};
pub use portal::{Portal, PortalError, RecordCopy};
pub use server::{Consent, Options};
pub use state::ObjectKind;
pub use time::is_time_zone;

pub use crate::calls::Call;
pub use crate::clock::Clock;
pub use crate::faults::{Action, Fault, load_faults};
pub use crate::limits::Limits;

use crate::frame::Serving;
use crate::net::Loopback;

/// How long changes are gathered before the state file is written.
const GATHER: Duration = Duration::from_millis(200);

/// A running sandbox. Dropping it ends the server without saving; [`Sandbox::stop`] saves.
pub struct Sandbox {
    portal: Portal,
    serving: Serving,
    saver: Option<JoinHandle<()>>,
}

impl Sandbox {
    /// Starts a portal on a loopback listener.
    ///
    /// # Errors
    /// When the listener is open to other machines, or the state file cannot be read.
    pub async fn start(listener: TcpListener, options: Options) -> io::Result<Sandbox> {
        let listener = Loopback::new(listener)?;
        let lag = i64::try_from(options.search_lag.as_millis()).unwrap_or(i64::MAX);
        let mut crm = crm::Crm::new((options.clock)().as_millisecond(), lag);
        let saved = match &options.state_file {
            Some(path) => save::load(path, &mut crm)?,
            None => None,
        };
        let tokens = saved.unwrap_or_else(|| {
            seed::fill(&mut crm, options.records, options.seed);
            tokens::Tokens::default()
        });
        let shared = Arc::new(server::Shared::new(options, crm, tokens));
        let serving = Serving::start(listener, shared.clone())?;
        let saver = shared.options.state_file.is_some().then(|| tokio::spawn(keep_saved(shared.clone())));
        Ok(Sandbox { portal: Portal { shared }, serving, saver })
    }

    /// `http://127.0.0.1:PORT`
    pub fn url(&self) -> String {
        self.serving.url()
    }

    /// A handle on the portal that stays valid while the sandbox runs.
    pub fn portal(&self) -> Portal {
        self.portal.clone()
    }

    /// Stops answering and saves the state file.
    pub async fn stop(mut self) {
        self.serving.stop().await;
        if let Some(saver) = self.saver.take() {
            saver.abort();
            save_now(&self.portal.shared).await;
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        if let Some(saver) = &self.saver {
            saver.abort();
        }
    }
}

async fn keep_saved(shared: Arc<server::Shared>) {
    loop {
        shared.changed.notified().await;
        // Many changes come together; one write of the file serves them all.
        #[allow(clippy::disallowed_methods)]
        tokio::time::sleep(GATHER).await;
        save_now(&shared).await;
    }
}

async fn save_now(shared: &Arc<server::Shared>) {
    if let Err(error) = save(shared).await {
        tracing::warn!(%error, "the sandbox state could not be saved");
    }
}

/// Writes the state file, if there is to be one. A save that was given up by who asked for it goes on, so the next one waits
/// for it and then writes what is so by now.
async fn save(shared: &Arc<server::Shared>) -> io::Result<()> {
    let Some(path) = shared.options.state_file.clone() else { return Ok(()) };
    let shared = shared.clone();
    let saving = tokio::task::spawn_blocking(move || {
        let _alone = shared.saving.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = save::bytes(&shared.crm(), &shared.tokens())?;
        save::write(&path, &bytes)
    });
    saving.await.map_err(io::Error::other)?
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn saves_at_the_same_time_do_not_disturb_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("portal.json");
        let options = Options { records: 50, state_file: Some(file.clone()), ..Options::default() };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let sandbox = Sandbox::start(listener, options).await.unwrap();
        let begin = || {
            let shared = sandbox.portal.shared.clone();
            tokio::spawn(async move { save(&shared).await })
        };
        let saves: Vec<_> = (0..40).map(|_| begin()).collect();
        for saved in saves {
            saved.await.unwrap().unwrap();
        }
        // One that nobody waits for any more goes on beside the last one.
        drop(begin());
        sandbox.portal().create(&[("email", "last@example.org")]).unwrap();
        sandbox.stop().await;
        assert!(std::fs::read_to_string(&file).unwrap().contains("last@example.org"));
    }
}
