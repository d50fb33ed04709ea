//! `concord scim-token`: who may provision people by SCIM.

use api::{App, ScimProfile};
use clap::{Subcommand, ValueEnum};
use serde_json::json;

use crate::{
    exit::{Exit, Failure},
    output::Output,
};

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
            if output.is_json() {
                output.document(&json!({"name": name, "profile": profile, "token": token.expose()}))?;
            } else {
                output.line(token.expose())?;
                output.hint("The token is shown this once; only a hash of it is kept. Clients send it as a bearer token to /scim/v2 of `concord serve`.");
            }
        }
        Command::List => {
            let tokens = app.scim_tokens().await?;
            if output.is_json() {
                output.document(&tokens)?;
            } else {
                let rows: Vec<[String; 3]> = tokens
                    .into_iter()
                    .map(|token| {
                        let profile = json!(token.profile).as_str().unwrap_or_default().to_owned();
                        [token.name, profile, token.created]
                    })
                    .collect();
                let hint = "No SCIM client has a token; make one with `concord scim-token create NAME`.";
                output.table(["NAME", "PROFILE", "CREATED"], &rows, hint)?;
            }
        }
        Command::Revoke { name } => {
            app.scim_token_revoke(name).await?;
            if output.is_json() {
                output.document(&json!({"name": name, "result": "revoked"}))?;
            } else {
                output.line(format!("SCIM token {name} revoked"))?;
            }
        }
    }
    Ok(Exit::Done)
}
