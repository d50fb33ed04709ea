//! `concord vault`: what keeps the secrets.

use std::io::{self, BufRead, IsTerminal};

use api::{
    App, MemoryKept, Swap,
    dto::{Empty, VaultPassphrase, VaultState, VaultStatus},
};
use clap::Subcommand;
use serde_json::json;

use crate::{
    exit::{Exit, Failure, PASSPHRASE_HINT},
    output::Output,
};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Says whether secrets can be read and written; exit code 5 if not
    Status,
    /// Protects the vault by a passphrase from now on; asks for it, or reads it from stdin
    SetPassphrase,
    /// Protects the vault by a key in this computer's keyring from now on, instead of a passphrase
    UseKeyring,
    /// Seals every secret with a fresh key
    Rotate,
    /// Makes a new recovery key in place of the old one and prints it, this once
    RecoveryKey,
}

pub async fn run(command: &Command, app: &App, output: &Output) -> Result<Exit, Failure> {
    match command {
        Command::Status => status(app, output).await,
        Command::SetPassphrase => set_passphrase(app, output).await,
        Command::UseKeyring => {
            let status = app.vault_use_keyring(Empty {}).await?;
            if output.is_json() {
                output.document(&status)?;
            } else {
                output.line("the vault is protected by this computer's keyring")?;
                output.hint("The passphrase opens nothing any more; the recovery key still does.");
            }
            Ok(Exit::Done)
        }
        Command::Rotate => {
            let sealed = app.vault_rotate().await?;
            if output.is_json() {
                output.document(&json!({"result": "rotated", "secrets": sealed}))?;
            } else {
                output.line(format!("{sealed} secrets sealed with a fresh key"))?;
            }
            Ok(Exit::Done)
        }
        Command::RecoveryKey => {
            let key = app.vault_recovery_key().await?;
            output.once(
                &json!({"recoveryKey": key.expose()}),
                key.expose(),
                "a new recovery key was made all the same, and the one before is void: run it again for another",
            )?;
            if !output.is_json() {
                output.hint("Keep it where no thief and no fire gets at it; it is not shown again, and the one before it is void.");
            }
            Ok(Exit::Done)
        }
    }
}

async fn status(app: &App, output: &Output) -> Result<Exit, Failure> {
    let status = app.vault_status().await?;
    let usable = matches!(status.state, VaultState::Unlocked | VaultState::New);
    let kept = api::memory_kept();
    if output.is_json() {
        let mut document = serde_json::to_value(&status).map_err(|e| Failure::error(e.to_string()))?;
        document["memory"] = json!({
            "coreFiles": !kept.no_core_file, "othersMayRead": !kept.nobody_attaches, "swap": swap(kept.swap).0,
        });
        output.document(&document)?;
    } else {
        output.line(in_words(&status))?;
        output.line(memory_in_words(kept))?;
    }
    if usable {
        return Ok(Exit::Done);
    }
    if let Some(message) = &status.message {
        output.hint(&format!("concord: {message}; {PASSPHRASE_HINT}"));
    }
    Ok(Exit::Locked)
}

fn in_words(status: &VaultStatus) -> String {
    let by =
        status.source.as_deref().map(|source| format!(", protected by the {source}")).unwrap_or_default();
    match status.state {
        VaultState::New => "no secret stored yet; the vault is made with the first one".into(),
        VaultState::NeedsPassphrase => {
            "no secret can be stored yet: there is no keyring and no passphrase".into()
        }
        VaultState::Unlocked => format!("open{by}"),
        VaultState::Locked => format!("locked{by}"),
    }
}

/// What this command's memory is kept from.
fn memory_in_words(kept: MemoryKept) -> String {
    let core = if kept.no_core_file { "no core file is written" } else { "the system may write core files" };
    let others = if kept.nobody_attaches {
        "no other program of yours can read it"
    } else {
        "other programs of yours may read it"
    };
    format!("memory: {core}, {others}; {}", swap(kept.swap).1)
}

/// The word and the sentence for what swap lies on.
fn swap(swap: Swap) -> (&'static str, &'static str) {
    match swap {
        Swap::Off => ("off", "there is no swap"),
        Swap::Protected => ("protected", "swap is encrypted or in memory"),
        Swap::Plain => (
            "plain",
            "swap is not encrypted as far as can be seen, so what was in memory may stay on the disk: encrypt it",
        ),
        Swap::Unknown => ("unknown", "whether swap is encrypted cannot be seen here"),
    }
}

async fn set_passphrase(app: &App, output: &Output) -> Result<Exit, Failure> {
    let passphrase = ask(output)?;
    let before = app.vault_status().await?;
    match before.state {
        VaultState::New | VaultState::NeedsPassphrase => {
            app.vault_unlock(VaultPassphrase { passphrase }).await?
        }
        VaultState::Unlocked | VaultState::Locked => app.vault_set_passphrase(passphrase).await?,
    };
    if output.is_json() {
        output.document(&app.vault_status().await?)?;
    } else {
        output.line("the vault is protected by the passphrase")?;
        output.hint("Set CONCORD_PASSPHRASE where `concord` is to open it.");
    }
    Ok(Exit::Done)
}

fn ask(output: &Output) -> Result<String, Failure> {
    let unread = |problem: io::Error| Failure::error(format!("the passphrase cannot be read ({problem})"));
    let given = if io::stdin().is_terminal() {
        let hidden = |prompt: &str| rpassword::prompt_password(prompt).map_err(unread);
        let first = hidden("New passphrase: ")?;
        if first != hidden("Once more: ")? {
            return Err(Failure::error("the two passphrases differ; nothing was changed"));
        }
        first
    } else {
        let mut line = String::new();
        io::stdin().lock().read_line(&mut line).map_err(unread)?;
        line.trim_end_matches(['\r', '\n']).to_owned()
    };
    if given.is_empty() {
        output.hint("A passphrase is read from the terminal, or as a line from stdin.");
        return Err(Failure::error("the passphrase is empty; nothing was changed"));
    }
    Ok(given)
}
