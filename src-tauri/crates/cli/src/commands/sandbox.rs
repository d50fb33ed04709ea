//! `concord sandbox`: a CRM on this machine.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use clap::{Args, Subcommand, ValueEnum};
use sandbox::hubspot::{Consent, Limits, Options, Sandbox, load_faults};
use serde_json::json;
use tokio::net::TcpListener;

use crate::{
    exit::{Exit, Failure},
    input,
    interrupt::asked_to_end,
    output::Output,
};

/// The port that is taken where none is asked for and it is free: a connector finds its sandbox again after a restart.
const USUAL_PORT: u16 = 47811;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// A HubSpot account with made-up people; runs until Ctrl-C
    Hubspot(Hubspot),
}

#[derive(Debug, Args)]
pub struct Hubspot {
    /// Where to listen; this machine only. Port 0 takes any that is free [default: 127.0.0.1:47811 or any free port]
    #[arg(long, value_name = "127.0.0.1:PORT")]
    addr: Option<SocketAddr>,
    /// Contacts to begin with
    #[arg(long, value_name = "N", default_value_t = 250)]
    records: usize,
    /// Decides who they are
    #[arg(long, value_name = "N", default_value_t = 7)]
    seed: u64,
    /// A fault document: how the sandbox misbehaves
    #[arg(long, value_name = "FILE")]
    faults: Option<PathBuf>,
    /// What the OAuth consent page does
    #[arg(long, value_enum, default_value_t = ConsentChoice::Ask)]
    consent: ConsentChoice,
    /// Milliseconds that every answer takes longer
    #[arg(long, value_name = "MS", default_value_t = 0)]
    latency: u64,
    /// Whose call limits hold
    #[arg(long, value_enum, default_value_t = LimitsChoice::None)]
    limits: LimitsChoice,
    /// Keeps the account in this file over restarts
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ConsentChoice {
    /// A page with two buttons
    Ask,
    /// Straight back with a code
    Allow,
    /// Straight back with a refusal
    Deny,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum LimitsChoice {
    /// 100 calls in ten seconds
    Free,
    /// 190 calls in ten seconds
    Professional,
    /// No limit
    None,
}

pub async fn run(command: &Command, output: &Output) -> Result<Exit, Failure> {
    let Command::Hubspot(asked) = command;
    let listener = listen(asked.addr).await?;
    let options = options(asked)?;
    let (token, client, secret) =
        (options.access_token.clone(), options.client_id.clone(), options.client_secret.clone());
    let sandbox = Sandbox::start(listener, options)
        .await
        .map_err(|problem| Failure::error(format!("the sandbox cannot be started ({problem})")))?;
    if output.is_json() {
        output.document(&json!({
            "url": sandbox.url(), "accessToken": token, "clientId": client, "clientSecret": secret,
        }))?;
    } else {
        output.line(format!("HubSpot sandbox: {}", sandbox.url()))?;
        output.line(format!("service key:     {}", token.unwrap_or_default()))?;
        output.line(format!("client id:       {client}"))?;
        output.line(format!("client secret:   {secret}"))?;
        output.hint("Runs until Ctrl-C. Its address shows the contacts in a browser.");
    }
    let asked = asked_to_end().await;
    sandbox.stop().await;
    asked.map(|()| Exit::Done)
}

async fn listen(asked: Option<SocketAddr>) -> Result<TcpListener, Failure> {
    let refused = |address: SocketAddr, problem: io::Error| {
        Failure::error(format!(
            "{address} cannot be listened on ({problem}); name another address with --addr"
        ))
    };
    if let Some(address) = asked {
        if !address.ip().is_loopback() {
            return Err(Failure::Told(
                Exit::Usage,
                format!("{address} is open to other machines; a sandbox listens on 127.0.0.1 or [::1] only"),
            ));
        }
        return TcpListener::bind(address).await.map_err(|problem| refused(address, problem));
    }
    let usual = SocketAddr::from((Ipv4Addr::LOCALHOST, USUAL_PORT));
    match TcpListener::bind(usual).await {
        Ok(listener) => Ok(listener),
        Err(_) => {
            let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
            TcpListener::bind(any).await.map_err(|problem| refused(any, problem))
        }
    }
}

fn options(asked: &Hubspot) -> Result<Options, Failure> {
    let faults = match &asked.faults {
        Some(file) => load_faults(&input::read(file)?)
            .map_err(|problem| Failure::error(format!("{}: {problem}", input::title(file))))?,
        None => Vec::new(),
    };
    Ok(Options {
        records: asked.records,
        seed: asked.seed,
        faults,
        state_file: asked.state.clone(),
        latency: Duration::from_millis(asked.latency),
        consent: match asked.consent {
            ConsentChoice::Ask => Consent::Ask,
            ConsentChoice::Allow => Consent::Allow,
            ConsentChoice::Deny => Consent::Deny,
        },
        limits: match asked.limits {
            LimitsChoice::Free => Limits::hubspot_free(),
            LimitsChoice::Professional => Limits::hubspot_professional(),
            LimitsChoice::None => Limits::UNLIMITED,
        },
        ..Options::default()
    })
}
