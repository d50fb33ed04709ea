//! `concord sandbox`: a CRM on this machine.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use clap::{Args, Subcommand, ValueEnum};
use sandbox::{
    hubspot::{Consent, Limits, Options, Sandbox, is_time_zone, load_faults},
    salesforce,
};
use serde_json::json;
use tokio::net::TcpListener;

use crate::{
    exit::{Exit, Failure},
    input,
    interrupt::asked_to_end,
    output::Output,
};

/// The ports that are taken where none is asked for and they are free: a connector finds its sandbox again after a
/// restart.
const HUBSPOT_PORT: u16 = 47811;
const SALESFORCE_PORT: u16 = 47813;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// A HubSpot account with made-up people; runs until Ctrl-C
    Hubspot(Hubspot),
    /// A Salesforce org with made-up people; runs until Ctrl-C
    Salesforce(Salesforce),
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
    /// A fault document: how the sandbox misbehaves; --help shows its format
    ///
    /// {"faults": [{"method": "GET", "path": "*/contacts", "nth": 3, "times": 2, "action": ...}]} with nth (from 1), times (a
    /// number or "always"), method and path (* is any text) optional, and the action one of: {"answer": {"status": 503,
    /// "body": ..., "headers": {...}}}, {"answerAfterWork": {"status": 504}}, {"tooManyRequests": {"policy": "DAILY",
    /// "retryAfter": 5}}, {"redirect": {"to": "http://localhost:9"}}, {"delay": {"ms": 1000}}, "resetBeforeAnswer",
    /// "loseAnswer", "cutBody", "truncatedJson", "emptyObject", "html", "repeatPage", "overlapPage", "dropPaging",
    /// "selfCursor". It can be replaced while the sandbox runs: POST it to /__sandbox/faults.
    #[arg(long, value_name = "FILE")]
    faults: Option<PathBuf>,
    /// What the OAuth consent page does
    #[arg(long, value_enum, default_value_t = ConsentChoice::Ask)]
    consent: ConsentChoice,
    /// Milliseconds that every answer takes longer
    #[arg(long, value_name = "MS", default_value_t = 0)]
    latency: u64,
    /// Milliseconds for which searches go on showing what was before a write
    #[arg(long, value_name = "MS", default_value_t = 0)]
    search_lag: u64,
    /// Seconds until an access token expires
    #[arg(long, value_name = "SECONDS", default_value_t = 1800)]
    token_lifetime: i64,
    /// Every refresh token works once and comes back as a new one
    #[arg(long)]
    rotate: bool,
    /// Whose call limits hold
    #[arg(long, value_enum, default_value_t = LimitsChoice::None)]
    limits: LimitsChoice,
    /// Calls of one app in ten seconds, in place of the account's
    #[arg(long, value_name = "N")]
    ten_second_calls: Option<u32>,
    /// Calls of one day, in place of the account's
    #[arg(long, value_name = "N")]
    daily_calls: Option<u32>,
    /// Searches in one second, in place of the account's
    #[arg(long, value_name = "N")]
    searches: Option<u32>,
    /// Refusals over a limit say in Retry-After how long to wait
    #[arg(long)]
    retry_after: bool,
    /// The account's time zone: its day of calls ends at midnight there
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    time_zone: String,
    /// A contact property that the account's rules require; version 2026-09 enforces it. May be given several times
    #[arg(long = "required", value_name = "PROPERTY")]
    required: Vec<String>,
    /// Keeps the account in this file over restarts
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Salesforce {
    /// Where to listen; this machine only. Port 0 takes any that is free [default: 127.0.0.1:47813 or any free port]
    #[arg(long, value_name = "127.0.0.1:PORT")]
    addr: Option<SocketAddr>,
    /// Users to begin with; accounts, contacts and leads join them
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
    /// API calls of one day; no limit without it
    #[arg(long, value_name = "N")]
    daily_calls: Option<u32>,
    /// Refresh Token Rotation: every refresh token works once
    #[arg(long)]
    rotate: bool,
    /// Seconds until a session ends
    #[arg(long, value_name = "SECONDS", default_value_t = 7200)]
    session: i64,
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
    /// 190 calls in ten seconds, a million a day
    Enterprise,
    /// No limit
    None,
}

/// What a sandbox is reached by.
struct Access {
    name: &'static str,
    url: String,
    token: (&'static str, Option<String>),
    client_id: String,
    client_secret: String,
}

pub async fn run(command: &Command, output: &Output) -> Result<Exit, Failure> {
    match command {
        Command::Hubspot(asked) => hubspot(asked, output).await,
        Command::Salesforce(asked) => salesforce(asked, output).await,
    }
}

async fn hubspot(asked: &Hubspot, output: &Output) -> Result<Exit, Failure> {
    let listener = listen(asked.addr, HUBSPOT_PORT).await?;
    let options = options(asked)?;
    let (token, client_id, client_secret) =
        (options.access_token.clone(), options.client_id.clone(), options.client_secret.clone());
    let sandbox = Sandbox::start(listener, options).await.map_err(not_started)?;
    let (url, ending) = (sandbox.url(), asked_to_end());
    tell(output, &Access { name: "HubSpot", url, token: ("service key", token), client_id, client_secret })?;
    let asked = ending.await;
    sandbox.stop().await;
    asked.map(|()| Exit::Done)
}

async fn salesforce(asked: &Salesforce, output: &Output) -> Result<Exit, Failure> {
    let listener = listen(asked.addr, SALESFORCE_PORT).await?;
    let options = salesforce_options(asked)?;
    let (token, client_id, client_secret) =
        (options.access_token.clone(), options.client_id.clone(), options.client_secret.clone());
    let sandbox = salesforce::Sandbox::start(listener, options).await.map_err(not_started)?;
    let (url, ending) = (sandbox.url(), asked_to_end());
    tell(output, &Access { name: "Salesforce", url, token: ("session", token), client_id, client_secret })?;
    let asked = ending.await;
    sandbox.stop().await;
    asked.map(|()| Exit::Done)
}

fn not_started(problem: io::Error) -> Failure {
    Failure::error(format!("the sandbox cannot be started ({problem})"))
}

fn tell(output: &Output, access: &Access) -> Result<(), Failure> {
    let Access { name, url, token: (called, token), client_id, client_secret } = access;
    if output.is_json() {
        return output.document(&json!({
            "url": url, "accessToken": token, "clientId": client_id, "clientSecret": client_secret,
        }));
    }
    for (title, value) in [
        (format!("{name} sandbox:"), url.as_str()),
        (format!("{called}:"), token.as_deref().unwrap_or_default()),
        ("client id:".to_owned(), client_id),
        ("client secret:".to_owned(), client_secret),
    ] {
        output.line(format!("{title:<19} {value}"))?;
    }
    output.hint("Runs until Ctrl-C. Its address shows the records in a browser.");
    Ok(())
}

async fn listen(asked: Option<SocketAddr>, usual: u16) -> Result<TcpListener, Failure> {
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
    let usual = SocketAddr::from((Ipv4Addr::LOCALHOST, usual));
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
    let account = match asked.limits {
        LimitsChoice::Free => Limits::hubspot_free(),
        LimitsChoice::Professional => Limits::hubspot_professional(),
        LimitsChoice::Enterprise => Limits::hubspot_enterprise(),
        LimitsChoice::None => Limits::UNLIMITED,
    };
    if !is_time_zone(&asked.time_zone) {
        return Err(Failure::Told(
            Exit::Usage,
            format!("`{}` is no time zone; name one as in Europe/Berlin", asked.time_zone),
        ));
    }
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
        limits: Limits {
            per_ten_seconds: asked.ten_second_calls.or(account.per_ten_seconds),
            daily: asked.daily_calls.or(account.daily),
            searches_per_second: asked.searches.or(account.searches_per_second),
        },
        search_lag: Duration::from_millis(asked.search_lag),
        token_lifetime_secs: asked.token_lifetime,
        rotate_refresh_tokens: asked.rotate,
        retry_after: asked.retry_after,
        time_zone: asked.time_zone.clone(),
        required_properties: asked.required.clone(),
        ..Options::default()
    })
}

fn salesforce_options(asked: &Salesforce) -> Result<salesforce::Options, Failure> {
    let faults = match &asked.faults {
        Some(file) => salesforce::load_faults(&input::read(file)?)
            .map_err(|problem| Failure::error(format!("{}: {problem}", input::title(file))))?,
        None => salesforce::Faults::default(),
    };
    Ok(salesforce::Options {
        records: asked.records,
        seed: asked.seed,
        faults,
        latency: Duration::from_millis(asked.latency),
        consent: match asked.consent {
            ConsentChoice::Ask => salesforce::Consent::Ask,
            ConsentChoice::Allow => salesforce::Consent::Allow,
            ConsentChoice::Deny => salesforce::Consent::Deny,
        },
        limits: Limits { daily: asked.daily_calls, ..Limits::UNLIMITED },
        rotate_refresh_tokens: asked.rotate,
        session_lifetime_secs: asked.session,
        ..salesforce::Options::default()
    })
}
