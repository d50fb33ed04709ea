//! The commands, a file for each noun.

use std::sync::Arc;

use api::{App, AppOptions};

pub mod api_token;
mod bearer_tokens;
pub mod claims;
pub mod connector;
pub mod demo;
pub mod idm;
pub mod inbox;
pub mod manual;
pub mod mapping;
pub mod queue;
pub mod recon;
pub mod run;
pub mod sandbox;
pub mod schedule;
pub mod scim_token;
pub mod serve;
pub mod user;
pub mod vault;

use crate::{
    arguments::{self, Arguments, Command},
    exit::{Exit, Failure},
    output::Output,
};

/// Carries out the command.
pub async fn run(arguments: Arguments, output: &Output) -> Result<Exit, Failure> {
    let open = async || -> Result<Arc<App>, Failure> {
        let options = AppOptions { data_dir: arguments.data_dir()?, passphrase: arguments::passphrase() };
        Ok(App::open(options).await?)
    };
    match &arguments.command {
        Command::Connector(command) => connector::run(command, &open().await?, output).await,
        Command::Mapping(command) => mapping::run(command, open().await?.as_ref(), output).await,
        Command::Recon(command) => recon::run(command, &open().await?, output).await,
        Command::Run(command) => run::run(command, &open().await?, output).await,
        Command::Schedule(command) => schedule::run(command, &open().await?, output).await,
        Command::User(command) => user::run(command, open().await?.as_ref(), output).await,
        Command::Inbox(command) => inbox::run(command, open().await?.as_ref(), output).await,
        Command::Link(command) => inbox::link(command, open().await?.as_ref(), output).await,
        Command::Queue(command) => queue::run(command, open().await?.as_ref(), output).await,
        Command::ApiToken(command) => api_token::run(command, open().await?.as_ref(), output).await,
        Command::AdminPassword(_) => api_token::admin_password(open().await?.as_ref(), output).await,
        Command::ImportIdm(command) => idm::import(command, open().await?.as_ref(), output).await,
        Command::ImportClaims(command) => claims::import(command, open().await?.as_ref(), output).await,
        Command::ExportIdm(command) => idm::export(command, open().await?.as_ref(), output).await,
        Command::Serve(command) => serve::run(command, &open().await?, output).await,
        Command::ScimToken(command) => scim_token::run(command, open().await?.as_ref(), output).await,
        Command::Vault(command) => vault::run(command, open().await?.as_ref(), output).await,
        // These keep nothing in the data folder.
        Command::Sandbox(command) => sandbox::run(command, output).await,
        Command::Demo => demo::run(output).await,
        Command::Completions(command) => manual::completions(command, output),
        Command::PackageFiles(command) => manual::package_files(command, output),
    }
}
