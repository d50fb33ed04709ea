//! The command line.

use std::path::PathBuf;

use clap::Parser;

/// Concord: keeps people in sync between CRMs and an identity repository.
#[derive(Debug, Parser)]
#[command(name = "concord-desktop", version, about)]
pub struct Arguments {
    /// Where everything is kept
    #[arg(long, env = "CONCORD_DATA_DIR", value_name = "DIR")]
    data_dir: Option<PathBuf>,

    /// Starts the built-in HubSpot sandbox and sets up the sample connector and mappings
    #[arg(long)]
    pub with_sandbox: bool,

    /// Opens at this screen, such as /runs/ID; one that runs already shows it
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    pub open: Option<String>,
}

fn address(text: &str) -> Result<String, &'static str> {
    if text.starts_with('/') { Ok(text.to_owned()) } else { Err("an address of a screen begins with /") }
}

impl Arguments {
    /// The folder asked for, or the usual one of this system, as an absolute path.
    pub fn data_dir(&self) -> Result<PathBuf, String> {
        let folder = match &self.data_dir {
            Some(folder) if !folder.as_os_str().is_empty() => folder.clone(),
            _ => dirs::data_dir()
                .ok_or("There is no folder for application data: HOME is not set. Name one with --data-dir.")?
                .join("concord"),
        };
        std::path::absolute(&folder)
            .map_err(|problem| format!("The data folder {} cannot be used: {problem}.", folder.display()))
    }
}

/// The vault's passphrase for machines without a keyring. Not an argument: those can be seen by others.
pub fn passphrase() -> Option<String> {
    std::env::var("CONCORD_PASSPHRASE").ok().filter(|passphrase| !passphrase.is_empty())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_folder_asked_for_is_used() {
        let given =
            Arguments::try_parse_from(["concord-desktop", "--data-dir", "/srv/concord", "--with-sandbox"])
                .unwrap();
        assert_eq!(given.data_dir().unwrap(), PathBuf::from("/srv/concord"));
        assert!(given.with_sandbox);
    }

    #[test]
    fn the_manual_page_knows_every_option() {
        let page = include_str!("../packaging/concord-desktop.1").replace('\\', "");
        let documented: std::collections::BTreeSet<&str> = page
            .lines()
            .filter_map(|line| {
                line.split_once("fB--").filter(|_| !line.starts_with('['))?.1.split("fR").next()
            })
            .collect();
        let mut command = Arguments::command();
        command.build();
        let there: std::collections::BTreeSet<&str> =
            command.get_arguments().filter_map(clap::Arg::get_long).collect();
        assert_eq!(documented, there);
    }

    #[test]
    fn a_relative_folder_becomes_absolute() {
        let given = Arguments::try_parse_from(["concord-desktop", "--data-dir", "here"]).unwrap();
        assert_eq!(given.data_dir().unwrap(), std::env::current_dir().unwrap().join("here"));
    }

    #[test]
    fn anything_else_is_refused() {
        for line in [&["file.json"][..], &["--open", "runs"], &["--open", "https://evil.example"]] {
            let all = std::iter::once("concord-desktop").chain(line.iter().copied());
            assert!(Arguments::try_parse_from(all).is_err(), "{line:?}");
        }
        let given = Arguments::try_parse_from(["concord-desktop", "--open", "/runs/1"]).unwrap();
        assert_eq!(given.open.as_deref(), Some("/runs/1"));
    }
}
