//! `concord scim-token`: who may provision people by SCIM.

use api::{App, ScimProfile, ScimToken};
use clap::{Subcommand, ValueEnum};
use serde_json::json;

use crate::{
    exit::{Exit, Failure},
    output::Output,
};

use super::bearer_tokens::Kind;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Makes a bearer token and prints it, this once
    Create {
        /// What it is called in lists
        name: String,
        /// Whose habits the client has
        #[arg(long, value_enum, default_value_t)]
        profile: Profile,
    },
    /// Lists the tokens' names and profiles
    List,
    /// Makes a token worthless from now on
    Revoke { name: String },
}

/// The clients that are known.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub enum Profile {
    /// As the standard has it
    #[default]
    Generic,
    /// WSO2 Identity Server: filters without quotes, updates by a partial user
    Wso2,
    /// Okta
    Okta,
    /// Microsoft Entra ID: changed groups are answered without a body
    Entra,
}

const TOKENS: Kind = Kind {
    noun: "SCIM token",
    good_for: "profile",
    used: "Clients send it as a bearer token to /scim/v2 of `concord serve`.",
    none: "No SCIM client has a token; make one with `concord scim-token create NAME`.",
};

pub async fn run(command: &Command, app: &App, output: &Output) -> Result<Exit, Failure> {
    match command {
        Command::Create { name, profile } => {
            let profile = match profile {
                Profile::Generic => ScimProfile::Generic,
                Profile::Wso2 => ScimProfile::Wso2,
                Profile::Okta => ScimProfile::Okta,
                Profile::Entra => ScimProfile::Entra,
            };
            let token = app.scim_token_create(name, profile).await?;
            TOKENS.made(output, name, profile, &token)
        }
        Command::List => {
            let row = |token: ScimToken| (token.name, json!(token.profile), token.created);
            TOKENS.list(output, app.scim_tokens().await?, row)
        }
        Command::Revoke { name } => {
            app.scim_token_revoke(name).await?;
            TOKENS.revoked(output, name)
        }
    }
}
