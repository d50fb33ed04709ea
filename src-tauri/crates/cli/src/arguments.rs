//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::{
    commands::{
        api_token, claims, connector, idm, inbox, manual, mapping, queue, recon, run, sandbox, schedule,
        scim_token, serve, user, vault,
    },
    exit::Failure,
};

const AFTER: &str = "\
Exit codes: 0 done; 1 error; 2 wrong usage; 3 finished, but some records failed; 4 run held by a guard; 5 vault locked.

Environment: CONCORD_DATA_DIR, the folder where everything is kept; CONCORD_PASSPHRASE, the vault's passphrase where
there is no keyring; CONCORD_LOG, a log level (error, warn, info, debug) for stderr.

First steps: `concord demo` tells the whole story against sandboxes on this machine.";

/// Keeps people in sync between CRMs and an identity repository
#[derive(Debug, Parser)]
#[command(name = "concord", version, about, after_help = AFTER, arg_required_else_help = true)]
pub struct Arguments {
    /// Where everything is kept [default: the `concord` folder among the user's application data]
    #[arg(long, global = true, env = "CONCORD_DATA_DIR", value_name = "DIR", hide_env_values = true)]
    data_dir: Option<PathBuf>,

    /// Prints JSON on stdout
    #[arg(long, global = true)]
    pub json: bool,

    /// Says on stderr what is going on
    #[arg(long, short, global = true)]
    pub verbose: bool,

    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Connections to remote systems
    #[command(subcommand)]
    Connector(connector::Command),
    /// What becomes of what: mappings between a source and a target
    #[command(subcommand)]
    Mapping(mapping::Command),
    /// Reconciles a mapping: reads both sides, plans, checks the guards, carries the plan out
    Recon(recon::Recon),
    /// Runs: their plans, their entries, what to do with them
    #[command(subcommand)]
    Run(run::Command),
    /// What happens by itself, and when
    #[command(subcommand)]
    Schedule(schedule::Command),
    /// Managed users
    #[command(subcommand)]
    User(user::Command),
    /// What only a person can decide
    #[command(subcommand)]
    Inbox(inbox::Command),
    /// Links between records, by hand
    #[command(subcommand)]
    Link(inbox::LinkCommand),
    /// Implicit syncs that wait or failed
    #[command(subcommand)]
    Queue(queue::Command),
    ImportIdm(idm::Import),
    ExportIdm(idm::Export),
    ImportClaims(claims::Import),
    /// Answers other systems (IDM's REST and SCIM) and people with accounts of their own, until Ctrl-C
    Serve(serve::Serve),
    /// Tokens of the scripts that call IDM's REST
    #[command(subcommand)]
    ApiToken(api_token::Command),
    AdminPassword(api_token::AdminPassword),
    /// Tokens of the systems that provision people into Concord by SCIM
    #[command(subcommand)]
    ScimToken(scim_token::Command),
    /// A CRM on this machine, with made-up people, for first steps and tests
    #[command(subcommand)]
    Sandbox(sandbox::Command),
    /// The vault that keeps the secrets
    #[command(subcommand)]
    Vault(vault::Command),
    /// Tells the whole story in the terminal: two sandboxes, a preview, reconciliations, and changes each way
    Demo,
    Completions(manual::Completions),
    #[command(hide = true)]
    PackageFiles(manual::PackageFiles),
}

impl Arguments {
    /// The folder asked for, or the usual one of this system, as an absolute path.
    pub fn data_dir(&self) -> Result<PathBuf, Failure> {
        let folder = match &self.data_dir {
            Some(folder) if !folder.as_os_str().is_empty() => folder.clone(),
            _ => dirs::data_dir()
                .ok_or_else(|| {
                    Failure::error(
                        "there is no folder for application data, because HOME is not set; name one with --data-dir",
                    )
                })?
                .join("concord"),
        };
        std::path::absolute(&folder).map_err(|problem| {
            Failure::error(format!(
                "the data folder {} cannot be used ({problem}); choose another with --data-dir",
                folder.display()
            ))
        })
    }
}

/// The vault's passphrase. Not an argument: those can be seen by others.
pub fn passphrase() -> Option<String> {
    std::env::var("CONCORD_PASSPHRASE").ok().filter(|passphrase| !passphrase.is_empty())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn options_of_the_whole_may_stand_anywhere() {
        for line in [
            "concord --json --data-dir /srv/c run list",
            "concord run list --data-dir /srv/c --json",
            "concord run --json list --data-dir=/srv/c",
        ] {
            let arguments = Arguments::try_parse_from(line.split(' ')).unwrap();
            assert!(arguments.json, "{line}");
            assert_eq!(arguments.data_dir().unwrap(), PathBuf::from("/srv/c"), "{line}");
        }
    }

    #[test]
    fn wrong_usage_is_refused_before_anything_is_opened() {
        for line in [
            "concord",
            "concord conector list",
            "concord connector add",
            "concord recon",
            "concord recon m --allow deletes",
            "concord recon m --allow deletes=-1",
            "concord recon m --allow updates=3",
            "concord run entries r --situation LOST",
            "concord user set u",
            "concord user set u telephoneNumber",
            "concord user set u =x",
            "concord user list --limit few",
            "concord sandbox hubspot --limits platinum",
            "concord queue discard",
            "concord schedule enable",
        ] {
            assert!(Arguments::try_parse_from(line.split(' ')).is_err(), "{line}");
        }
    }
}
