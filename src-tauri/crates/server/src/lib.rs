//! What others reach over HTTP: IDM's REST under `/openidm` and SCIM under `/scim/v2` for systems, and pages under `/people` for
//! people and their own accounts, over the use cases of [`api`].
//!
//! Invariants:
//! - A request is looked at in this order, and the first refusal ends it: host, origin, credentials, room, route, body.
//!   Without credentials nothing is told but that there are none. The pages for people, which need none, have a room of their own.
//! - Every route is a row of a part's table; the OpenAPI document is made from the same rows.
//! - What comes in is bounded in size, depth, number and time. What goes out as a list is written page by page.
//! - Every refusal has a body in the shape of the part that was asked (CREST's under `/openidm`).
//!
//! It must never decide anything about synchronisation itself, never give a secret back, and never listen beyond this
//! machine without TLS.

mod access;
mod gate;
mod guesses;
mod limits;
mod listen;
mod precondition;
mod problem;
mod rest;
mod scim;
mod self_service;
mod switch;
mod tls;

use std::{io, sync::Arc};

use api::{App, dto::ServingAddresses};
use axum::Router;
use tokio::net::TcpListener;

pub use access::{Administrator, HostNames};
pub use limits::Limits;
pub use rest::ADMINISTRATOR;
pub use scim::{filter_matches as scim_filter_matches, patched as scim_patched};
pub use self_service::OwnAccounts;
pub use switch::Switch;
pub use tls::{Certificate, CertificateError};

use crate::{access::Access, gate::Room, listen::Listening, scim::bookmarks::Bookmarks};

/// How to serve.
pub struct Options {
    /// Who may do everything.
    pub administrator: Administrator,
    /// The names that a request may call this server by.
    pub hosts: HostNames,
    /// The server's certificate; without one it speaks plain HTTP, on loopback addresses only.
    pub certificate: Option<Certificate>,
    /// Pages on which people make accounts of their own; without it there are none.
    pub self_service: Option<OwnAccounts>,
}

/// What every part works with.
pub(crate) struct Shared {
    pub app: Arc<App>,
    pub access: Access,
    pub room: Room,
    pub bookmarks: Arc<Bookmarks>,
    pub turns: rest::Turns,
    pub scim_turns: Arc<scim::Turns>,
}

/// A running server. Dropping it ends it at once; [`Server::stop`] lets requests finish.
pub struct Server {
    listening: Listening,
    url: String,
    self_service: bool,
    /// Implicit syncs are delivered while it serves.
    _worker: api::app::Worker,
}

impl Server {
    /// Starts answering on a listener. One that other machines can reach needs a certificate.
    pub fn start(app: Arc<App>, listener: TcpListener, options: Options) -> io::Result<Self> {
        Self::start_within(app, listener, options, Limits::default())
    }

    /// The same with other limits than the usual ones.
    pub fn start_within(
        app: Arc<App>,
        listener: TcpListener,
        options: Options,
        limits: Limits,
    ) -> io::Result<Self> {
        let address = listener.local_addr()?;
        if options.certificate.is_none() && !address.ip().is_loopback() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("{address} can be reached by other machines, so it needs a certificate and its key"),
            ));
        }
        let scheme = if options.certificate.is_some() { "https" } else { "http" };
        let shared = Arc::new(Shared {
            app: Arc::clone(&app),
            access: Access::new(Arc::clone(&app), options.administrator, options.hosts, scheme)?,
            room: Room::default(),
            bookmarks: Arc::default(),
            turns: rest::Turns::default(),
            scim_turns: Arc::default(),
        });
        let self_service = options.self_service.is_some();
        let pages = match options.self_service {
            Some(wanted) => self_service::routes(Arc::clone(&shared), wanted, scheme)?,
            None => Router::new(),
        };
        let worker = app.start_worker();
        let listening =
            Listening::start(listener, routes(shared, scheme, pages), options.certificate, limits);
        Ok(Self { listening, url: format!("{scheme}://{address}"), self_service, _worker: worker })
    }

    /// Where each of its parts is.
    pub fn addresses(&self) -> ServingAddresses {
        let at = |path: &str| format!("{}{path}", self.url);
        ServingAddresses {
            rest: at("/openidm"),
            openapi: at("/openidm/openapi.json"),
            scim: at(scim::ROOT),
            scim_old: at(scim::SEED_ROOT),
            self_service: self.self_service.then(|| at(self_service::ROOT)),
        }
    }

    /// Where it answers: `http://127.0.0.1:PORT`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Takes no more connections and lets the requests under way finish, for a while.
    pub async fn stop(self) {
        self.listening.stop().await;
    }
}

/// Each part's routes behind the same gate.
fn routes(shared: Arc<Shared>, scheme: &'static str, pages: Router) -> Router {
    Router::new()
        .fallback(gate::nothing_here)
        .with_state(Arc::clone(&shared))
        .merge(rest::routes(Arc::clone(&shared)))
        .merge(scim::routes(Arc::clone(&shared), scheme))
        .merge(pages)
        .layer(axum::middleware::from_fn_with_state(shared, gate::pass))
}
