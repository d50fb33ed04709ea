//! IDM's REST under `/openidm`.

mod config;
mod dispatch;
mod fields;
mod info;
mod list;
mod managed;
mod openapi;
mod operation;
mod pieces;
mod policy;
mod recon;
mod schema;
mod shapes;
mod sync;
mod system;

use std::sync::Arc;

use axum::Router;
pub(crate) use config::Turns;
use operation::Operation;

use crate::Shared;

/// The one who may do everything, by IDM's name.
pub const ADMINISTRATOR: &str = "openidm-admin";

/// Every operation.
fn operations() -> Vec<Operation> {
    [
        info::operations(),
        openapi::operations(),
        system::operations(),
        recon::operations(),
        sync::operations(),
        managed::operations(),
        policy::operations(),
        schema::operations(),
        config::operations(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The routes of every operation.
pub(crate) fn routes(shared: Arc<Shared>) -> Router {
    dispatch::routes(operations(), shared)
}
