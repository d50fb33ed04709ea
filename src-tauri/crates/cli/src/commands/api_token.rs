//! `concord api-token` and `admin-password`: who may call IDM's REST.

use api::{ApiScope, ApiToken, App};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;
use server::ADMINISTRATOR;

use crate::{
    exit::{Exit, Failure},
    output::Output,
};

use super::bearer_tokens::Kind;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Makes a bearer token and prints it, this once
    Create {
        /// What it is called in lists and in the audit
        name: String,
        /// What it lets its owner do
        #[arg(long, value_enum, default_value_t)]
        scope: Scope,
    },
    /// Lists the tokens' names and scopes
    List,
    /// Makes a token worthless from now on
    Revoke { name: String },
}

/// What a token is good for.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub enum Scope {
    /// All that the administrator may
    #[default]
    Full,
    /// What changes nothing: reading, testing connectors, asking what policies would say
    Read,
}

/// Makes another password for openidm-admin and prints it, this once
///
/// A `concord serve` that is running asks for the new one from now on.
#[derive(Debug, Args)]
pub struct AdminPassword {}

const TOKENS: Kind = Kind {
    noun: "API token",
    good_for: "scope",
    used: "Scripts send it to `concord serve` as Authorization: Bearer TOKEN.",
    none: "No script has a token; make one with `concord api-token create NAME`.",
};

pub async fn run(command: &Command, app: &App, output: &Output) -> Result<Exit, Failure> {
    match command {
        Command::Create { name, scope } => {
            let scope = match scope {
                Scope::Full => ApiScope::Full,
                Scope::Read => ApiScope::Read,
            };
            let token = app.api_token_create(name, scope).await?;
            TOKENS.made(output, name, scope, &token)
        }
        Command::List => {
            let row = |token: ApiToken| (token.name, json!(token.scope), token.created);
            TOKENS.list(output, app.api_tokens().await?, row)
        }
        Command::Revoke { name } => {
            app.api_token_revoke(name).await?;
            TOKENS.revoked(output, name)
        }
    }
}

pub async fn admin_password(app: &App, output: &Output) -> Result<Exit, Failure> {
    let account = app.rest_admin(true).await?;
    let Some(password) = account.fresh else { return Err(Failure::error("no password was made; try again")) };
    output.once(
        &json!({"user": ADMINISTRATOR, "password": password.expose()}),
        password.expose(),
        "the password was changed all the same, and the one before is worthless: run it again for another",
    )?;
    if !output.is_json() {
        output.hint(
            "The password is shown this once; only a hash of it is kept. The one before is worthless from now on.",
        );
    }
    Ok(Exit::Done)
}
