//! The host of the browser tests: the built UI over the real engine, on this machine only.
//!
//! It does for a browser what the desktop shell does for its window: serves the UI under the same content security
//! policy, and carries each command to the use cases of [`api`]. A HubSpot sandbox runs beside it.
//!
//! Invariants: it listens on 127.0.0.1 alone and on a port of its own; a request under another host name or from
//! another page is refused; it ends when its standard input does, so none is left behind by a test that was killed.
//!
//! It must never be part of a build for people: whoever reaches its port may call every command.

#![allow(clippy::print_stdout, reason = "the tests read from it where the host and its sandbox are")]

mod commands;
mod files;
mod requests;
mod sandboxes;

use std::{io, net::Ipv4Addr, path::PathBuf, sync::Arc};

use api::{App, AppOptions};
use axum::{
    Router,
    extract::DefaultBodyLimit,
    middleware,
    routing::{get, post},
};
use clap::{Parser, ValueEnum};
use sandbox::hubspot::{self, Sandbox};
use server::Switch;
use tokio::{
    net::TcpListener,
    sync::{Mutex, mpsc, oneshot},
};

use crate::{files::Files, requests::Door};

/// Every sandbox knows this key; it opens nothing but made-up data.
const ACCESS_TOKEN: &str = "sandbox-service-key";
/// The same people in every test.
const SEED: u64 = 7;

/// Serves the built UI over the real engine for browser tests.
#[derive(Debug, Parser)]
struct Arguments {
    /// Where everything is kept; a folder that is forgotten at the end, if left out
    #[arg(long)]
    data_dir: Option<PathBuf>,
    /// The built UI
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../ui/dist"))]
    ui: PathBuf,
    /// Contacts in the sandbox
    #[arg(long, default_value_t = 40)]
    records: usize,
    /// What the sandbox's consent page does
    #[arg(long, value_enum, default_value_t = Consent::Ask)]
    consent: Consent,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Consent {
    Ask,
    Allow,
    Deny,
}

/// What the requests share.
struct Host {
    app: Arc<App>,
    /// Serves other systems, when a test switches it on.
    switch: Switch,
    sandbox: String,
    /// The Salesforce sandbox, once somebody started it; HubSpot's always runs.
    salesforce: Mutex<Option<sandbox::salesforce::Sandbox>>,
    /// Contacts in HubSpot's to begin with.
    records: usize,
    /// Pages that the system's browser would have been shown, for the test to visit in its own.
    opened: mpsc::UnboundedSender<String>,
    to_visit: Mutex<mpsc::UnboundedReceiver<String>>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments = Arguments::parse();
    let forgotten = tempfile::tempdir()?;
    let options = AppOptions {
        data_dir: arguments.data_dir.unwrap_or_else(|| forgotten.path().to_owned()),
        passphrase: std::env::var("CONCORD_PASSPHRASE").ok().filter(|given| !given.is_empty()),
    };
    let app = App::open(options).await?;
    let worker = app.start_worker();

    let sandbox = Sandbox::start(
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?,
        hubspot::Options {
            records: arguments.records,
            seed: SEED,
            access_token: Some(ACCESS_TOKEN.to_owned()),
            consent: match arguments.consent {
                Consent::Ask => hubspot::Consent::Ask,
                Consent::Allow => hubspot::Consent::Allow,
                Consent::Deny => hubspot::Consent::Deny,
            },
            ..hubspot::Options::default()
        },
    )
    .await?;

    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let door = Door::at(listener.local_addr()?);
    let where_it_is = serde_json::json!({ "url": door.origin(), "sandbox": sandbox.url() });

    let (opened, to_visit) = mpsc::unbounded_channel();
    let host = Host {
        app: Arc::clone(&app),
        switch: Switch::default(),
        sandbox: sandbox.url(),
        salesforce: Mutex::default(),
        records: arguments.records,
        opened,
        to_visit: Mutex::new(to_visit),
    };
    let routes = Router::new()
        .route("/api/{command}", post(commands::call))
        .route("/__test/opened", get(commands::opened))
        .layer(DefaultBodyLimit::max(1024 * 1024))
        .with_state(Arc::new(host))
        .fallback_service(get(files::serve).with_state(Arc::new(Files::new(arguments.ui)?)))
        .layer(middleware::from_fn_with_state(Arc::new(door), requests::guard));

    let mut serving = tokio::spawn(async move { axum::serve(listener, routes).await });
    // The last word of the beginning: nothing can fail any more under somebody who calls at once.
    println!("{where_it_is}");
    tokio::select! {
        served = &mut serving => served??,
        () = end_of_input() => serving.abort(),
    }
    drop(worker);
    app.close().await;
    sandbox.stop().await;
    Ok(())
}

/// The test that started this host holds the other end.
async fn end_of_input() {
    let (ended, end) = oneshot::channel::<()>();
    // A thread of its own, which a runtime that ends does not wait for.
    std::thread::spawn(move || {
        // Whatever is said is of no interest, only that nobody is there any more.
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        drop(ended);
    });
    let _ = end.await;
}
