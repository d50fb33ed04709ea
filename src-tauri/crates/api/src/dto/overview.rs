//! The dashboard and the settings.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::Fix;

dto! {
    /// A day (UTC) of the dashboard's chart.
    pub struct DayFigures {
        /// `2026-11-21`.
        day: String,
        /// Users at its end; `None` when nobody looked on that day.
        users: Option<u64>,
    }

    /// One cause of failures in the last runs.
    pub struct FailureCause {
        /// Why, without what is particular to a record.
        reason: String,
        /// What to do about it, where that is known.
        remedy: Option<String>,
        /// The same for a button.
        fix: Option<Fix>,
        count: u64,
        mapping: String,
        run: String,
    }

    /// What the dashboard draws.
    pub struct Overview {
        /// The last weeks, oldest first, without gaps.
        days: Vec<DayFigures>,
        /// What went wrong in the last run of each mapping, commonest first.
        causes: Vec<FailureCause>,
        /// Questions that wait for a person.
        inbox: u64,
    }

    /// The recovery key of the vault, shown this once.
    pub struct RecoveryKey { key: String, }

    /// How many secrets were sealed with a fresh key.
    pub struct VaultRotated { secrets: u64, }

    /// The way to the network that connectors take unless they have one of their own.
    pub struct NetworkSettings {
        proxy_host: Option<String>,
        proxy_port: Option<u16>,
        proxy_user: Option<String>,
        /// A PEM file with a certificate authority.
        ca_file: Option<String>,
        /// Whether a password for the proxy is stored.
        proxy_password_set: bool,
    }

    /// Changes the way to the network.
    pub struct NetworkDraft {
        #[serde(default)]
        proxy_host: Option<String>,
        #[serde(default)]
        proxy_port: Option<u16>,
        #[serde(default)]
        proxy_user: Option<String>,
        #[serde(default)]
        ca_file: Option<String>,
        /// A new password; left out it stays, an empty text removes it.
        #[serde(default)]
        proxy_password: Option<String>,
    }

    /// What this program is and where it keeps things.
    pub struct About {
        version: String,
        data_dir: String,
        logs_dir: String,
        licence: String,
        /// Bytes of the repository.
        repository_size: u64,
    }

    /// Names a system.
    pub struct ByProvider { provider: String, }

    /// A made-up system that this program can run.
    pub struct SandboxState {
        /// `hubspot` or `salesforce`.
        provider: String,
        title: String,
        /// Its address while it runs; a page to look at its records.
        url: Option<String>,
        /// Records that it holds while it runs.
        records: u64,
        /// Whether its records outlive it.
        kept: bool,
    }
}
