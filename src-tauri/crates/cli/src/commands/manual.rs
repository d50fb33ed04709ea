//! What a shell and `man` want to know of the command line, made from the command line itself.

use std::{fs, path::PathBuf};

use clap::{Args, CommandFactory};
use clap_complete::{Generator as _, Shell};
use serde_json::json;

use crate::{
    arguments::Arguments,
    exit::{Exit, Failure},
    output::Output,
};

/// Prints what a shell needs to complete commands and options
#[derive(Debug, Args)]
#[command(after_help = "For this session: source <(concord completions bash)")]
pub struct Completions {
    /// The shell
    shell: Shell,
}

/// Writes the manual pages and the completions of every shell into a folder, as packages install them
#[derive(Debug, Args)]
pub struct PackageFiles {
    /// The folder; it is made if need be
    dir: PathBuf,
}

/// `concord completions`.
pub fn completions(command: &Completions, output: &Output) -> Result<Exit, Failure> {
    let script = completion(command.shell)?;
    if output.is_json() {
        output.document(&json!({"shell": command.shell.to_string(), "script": script}))?;
    } else {
        let mut stream = output.stream();
        stream.text(&script);
        stream.end()?;
    }
    Ok(Exit::Done)
}

/// `concord package-files`.
pub fn package_files(command: &PackageFiles, output: &Output) -> Result<Exit, Failure> {
    let cannot = |problem: std::io::Error| {
        Failure::error(format!("the folder {} cannot be written ({problem})", command.dir.display()))
    };
    let pages = command.dir.join("man");
    fs::create_dir_all(&pages).map_err(cannot)?;
    clap_mangen::generate_to(Arguments::command(), &pages).map_err(cannot)?;
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        let name = shell.file_name("concord");
        fs::write(command.dir.join(name), completion(shell)?).map_err(cannot)?;
    }
    if output.is_json() {
        output.document(&json!({"dir": command.dir}))?;
    } else {
        output.line(format!("written to {}", command.dir.display()))?;
    }
    Ok(Exit::Done)
}

fn completion(shell: Shell) -> Result<String, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "concord", &mut script);
    String::from_utf8(script).map_err(|_| Failure::error("the completions are not text"))
}
