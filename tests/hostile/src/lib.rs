//! Hostile input: every parser of data from outside, each behind a function that takes any bytes and panics where the parser
//! breaks a promise.
//!
//! Two runs share these functions: the short one, an ordinary test of this crate (the seeds and some thousand mutations of
//! them, the same ones every time), and the long one, `cargo xtask fuzz`, where libFuzzer looks for input that reaches new
//! code. A target must be quick, must not depend on what it was given before, and must never reach beyond this computer.
//!
//! What each promises: no panic, an end, bounded memory; and what its own page says, such as "what is printed reads the same".

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a check that does not hold, and a target that cannot set itself up, is a finding"
)]

mod answers;
mod blobs;
mod configuration;
mod documents;
mod filters;
mod mutations;
mod patches;
mod soql;
mod tables;

pub use documents::mutated;
pub use mutations::{Mutations, words};

/// What each target calls, by the target's name: a program of the long run holds no more than what it needs.
pub mod targets {
    pub use crate::answers::{
        hubspot as hubspot_answers, oauth as oauth_answers, salesforce as salesforce_answers,
        scim as scim_answers,
    };
    pub use crate::blobs::{database as stored_database, vault as vault_envelope};
    pub use crate::configuration::{
        connector as connector_config, managed as managed_config, mapping as mapping_config,
        project as idm_project, schedule as schedule_config,
    };
    pub use crate::filters::{query as query_filter, scim as scim_filter};
    pub use crate::patches::{crest as crest_patch, scim as scim_patch};
    pub use crate::soql::written as soql;
    pub use crate::tables::{bulk as bulk_csv, claims, export as export_csv};
}

/// One parser, or a family of them, with what it is given and what is checked.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name: of the fuzz target, of its folder of seeds.
    pub name: &'static str,
    /// What it reads, for people.
    pub about: &'static str,
    /// Takes any bytes; panics on a finding. Whether the input came past the door: it was read, and something was done with it.
    /// A target whose inputs are nearly all refused proves little.
    pub run: fn(&[u8]) -> bool,
    /// How many mutations the short run tries: fewer where one takes longer.
    pub short: usize,
}

/// Every target.
pub const TARGETS: &[Target] = &[
    Target { name: "query_filter", about: "IDM's query filters", run: targets::query_filter, short: 3000 },
    Target { name: "scim_filter", about: "SCIM filters that arrive", run: targets::scim_filter, short: 3000 },
    Target {
        name: "scim_patch",
        about: "SCIM patches, applied to a user",
        run: targets::scim_patch,
        short: 2000,
    },
    Target {
        name: "crest_patch",
        about: "IDM's patches, applied to an object",
        run: targets::crest_patch,
        short: 2000,
    },
    Target {
        name: "soql",
        about: "texts and filters written as SOQL, read by a parser",
        run: targets::soql,
        short: 400,
    },
    Target {
        name: "hubspot_answers",
        about: "HubSpot's answers, their headers and feed places",
        run: targets::hubspot_answers,
        short: 120,
    },
    Target {
        name: "salesforce_answers",
        about: "Salesforce's answers, their headers, CSV and feed places",
        run: targets::salesforce_answers,
        short: 120,
    },
    Target {
        name: "scim_answers",
        about: "answers of SCIM servers and their feed places",
        run: targets::scim_answers,
        short: 120,
    },
    Target {
        name: "oauth_answers",
        about: "token answers and redirects",
        run: targets::oauth_answers,
        short: 120,
    },
    Target {
        name: "connector_config",
        about: "provisioner files",
        run: targets::connector_config,
        short: 1000,
    },
    Target {
        name: "mapping_config",
        about: "mappings, carried out on a record",
        run: targets::mapping_config,
        short: 1000,
    },
    Target {
        name: "managed_config",
        about: "managed types, and an object judged by them",
        run: targets::managed_config,
        short: 600,
    },
    Target {
        name: "schedule_config",
        about: "schedules, their cron and their next times",
        run: targets::schedule_config,
        short: 1000,
    },
    Target {
        name: "idm_project",
        about: "a folder of IDM documents, imported",
        run: targets::idm_project,
        short: 60,
    },
    Target {
        name: "bulk_csv",
        about: "CSV of bulk jobs, whole and in parts",
        run: targets::bulk_csv,
        short: 3000,
    },
    Target {
        name: "export_csv",
        about: "CSV for spreadsheets, written and read back",
        run: targets::export_csv,
        short: 3000,
    },
    Target { name: "claims", about: "claims as JSON, XML and CSV", run: targets::claims, short: 3000 },
    Target {
        name: "vault_envelope",
        about: "sealed values, headers and recovery keys",
        run: targets::vault_envelope,
        short: 1500,
    },
    Target { name: "stored_database", about: "a damaged database", run: targets::stored_database, short: 60 },
];

/// The target of this name.
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}

/// The input as text; what is none is skipped.
fn text(input: &[u8]) -> Option<&str> {
    std::str::from_utf8(input).ok()
}

/// The parts of a text between lines that hold this mark alone.
fn parts<'t>(text: &'t str, mark: &str) -> Vec<&'t str> {
    text.split(&format!("\n{mark}\n")).collect()
}
