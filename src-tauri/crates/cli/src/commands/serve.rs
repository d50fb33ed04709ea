//! `concord serve`: IDM-compatible REST and SCIM for other systems, and pages for people and their own accounts.

use std::{net::SocketAddr, path::PathBuf, sync::Arc};

use api::{ApiError, App, ErrorCode, dto::VaultState};
use clap::Args;
use model::Secret;
use serde_json::json;
use server::{ADMINISTRATOR, Administrator, Certificate, HostNames, Options, OwnAccounts, Server};
use tokio::net::TcpListener;

use crate::{
    exit::{Exit, Failure},
    input,
    interrupt::asked_to_end,
    output::Output,
};

/// The fewest characters of a password that somebody chose.
const SHORTEST: usize = 8;

#[derive(Debug, Args)]
pub struct Serve {
    /// Where to listen. Port 0 takes any that is free
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080")]
    addr: SocketAddr,
    /// A file whose first line is the administrator's password, or - for stdin; without it the password is generated at
    /// first use and printed once
    #[arg(long, value_name = "FILE", conflicts_with = "new_admin_password")]
    admin_password_file: Option<PathBuf>,
    /// Generates another administrator's password and prints it
    #[arg(long)]
    new_admin_password: bool,
    /// Lets other machines in, when --addr is not an address of this machine alone; needs a certificate
    #[arg(long, requires = "tls_certificate")]
    open_to_network: bool,
    /// A PEM file with the server's certificate chain; from then on it speaks HTTPS
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_certificate: Option<PathBuf>,
    /// A PEM file with the certificate's private key
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    tls_key: Option<PathBuf>,
    /// A name or an address that others call this server by, besides localhost, 127.0.0.1 and [::1]
    #[arg(long, value_name = "NAME")]
    host_name: Vec<String>,
    /// Serves pages under /people on which people make an account of their own and keep it up to date
    #[arg(long)]
    self_service: bool,
    /// The privacy policy that people agree to, as plain text, in place of one that names the connected systems
    #[arg(long, value_name = "FILE", requires = "self_service")]
    privacy_policy: Option<PathBuf>,
}

pub async fn run(command: &Serve, app: &Arc<App>, output: &Output) -> Result<Exit, Failure> {
    let certificate = certificate(command)?;
    opened(app).await?;
    let refused = |problem: std::io::Error| {
        Failure::error(format!(
            "{} cannot be listened on ({problem}); name another address with --addr",
            command.addr
        ))
    };
    let listener = TcpListener::bind(command.addr).await.map_err(refused)?;
    let (administrator, fresh) = administrator(command, app).await?;
    let options = Options {
        administrator,
        hosts: HostNames::and(command.host_name.iter().cloned()),
        certificate,
        self_service: self_service(command)?,
    };
    let server = Server::start(Arc::clone(app), listener, options).map_err(refused)?;
    let (at, ending) = (server.addresses(), asked_to_end());
    if output.is_json() {
        let mut document = json!({
            "url": at.rest, "openapi": at.openapi, "scim": at.scim, "scimOld": at.scim_old, "selfService": at.self_service,
            "user": ADMINISTRATOR,
        });
        if let (Some(password), Some(document)) = (&fresh, document.as_object_mut()) {
            document.insert("password".into(), password.expose().into());
        }
        output.document(&document)?;
    } else {
        output.line(format!("REST:     {}", at.rest))?;
        output.line(format!("SCIM 2.0: {}", at.scim))?;
        output.line(format!("SCIM 1.1: {}", at.scim_old))?;
        if let Some(pages) = &at.self_service {
            output.line(format!("people:   {pages}"))?;
        }
        output.line(format!("user:     {ADMINISTRATOR}"))?;
        match &fresh {
            Some(password) => {
                output.line(format!("password: {}", password.expose()))?;
                output.hint("The password is shown this once; only a hash of it is kept.");
            }
            None if command.admin_password_file.is_some() => {}
            None => output
                .hint("The password was shown when it was made; --new-admin-password makes another one."),
        }
        output.hint("Runs until Ctrl-C.");
    }
    let asked = ending.await;
    server.stop().await;
    app.close().await;
    asked.map(|()| Exit::Done)
}

/// Nobody opens the vault while the server runs, and without its secrets it would refuse what it is asked for, one by one.
async fn opened(app: &App) -> Result<(), Failure> {
    let vault = app.vault_status().await?;
    match (vault.state, vault.message) {
        (VaultState::Locked, why) => {
            Err(ApiError::new(ErrorCode::Locked, why.unwrap_or_else(|| "the vault is locked".into())).into())
        }
        _ => Ok(()),
    }
}

/// Other machines are let in only by somebody who says so and brings a certificate.
fn certificate(command: &Serve) -> Result<Option<Certificate>, Failure> {
    if !command.addr.ip().is_loopback() && !command.open_to_network {
        return Err(Failure::Told(
            Exit::Usage,
            format!(
                "{} can be reached by other machines; say so with --open-to-network, and bring --tls-certificate and --tls-key",
                command.addr
            ),
        ));
    }
    let (Some(chain), Some(key)) = (&command.tls_certificate, &command.tls_key) else { return Ok(None) };
    Certificate::read(chain, key).map(Some).map_err(|problem| Failure::error(problem.to_string()))
}

fn self_service(command: &Serve) -> Result<Option<OwnAccounts>, Failure> {
    if !command.self_service {
        return Ok(None);
    }
    let privacy_policy = command.privacy_policy.as_deref().map(input::read).transpose()?;
    if let (Some(words), Some(file)) = (&privacy_policy, &command.privacy_policy)
        && words.trim().is_empty()
    {
        return Err(Failure::error(format!("{}: there is no privacy policy in it", input::title(file))));
    }
    Ok(Some(OwnAccounts { privacy_policy }))
}

/// Who signs in, and the password if it was made just now.
async fn administrator(command: &Serve, app: &Arc<App>) -> Result<(Administrator, Option<Secret>), Failure> {
    let Some(file) = &command.admin_password_file else {
        let account = app.rest_admin(command.new_admin_password).await?;
        return Ok((Administrator::Generated(account.proof), account.fresh));
    };
    let text = input::read(file)?;
    let password = text.lines().next().unwrap_or_default().trim_end_matches('\r');
    let refused = |why: String| Err(Failure::error(format!("{}: {why}", input::title(file))));
    if password.chars().count() < SHORTEST {
        return refused(format!("the administrator's password needs at least {SHORTEST} characters"));
    }
    if password == ADMINISTRATOR {
        return refused("IDM's default password is known to everybody; choose another one".into());
    }
    Ok((Administrator::Chosen(Secret::new(password)), None))
}
