//! The state file: a whole portal as JSON, for the desktop sandbox only.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::crm::Crm;
use super::properties::Property;
use super::record::{Record, Source};
use super::state::{ObjectKind, Table};
use super::tokens::Tokens;
use crate::values::Values;

const FORMAT: &str = "concord-sandbox-hubspot/1";

#[derive(Serialize, Deserialize)]
struct File {
    format: String,
    contacts: Objects,
    companies: Objects,
    links: Vec<(u64, u64)>,
    tokens: serde_json::Value,
}

#[derive(Serialize, Deserialize)]
struct Objects {
    next_id: u64,
    /// Only those that HubSpot does not define itself.
    properties: Vec<Property>,
    aliases: BTreeMap<u64, u64>,
    records: Vec<Saved>,
}

#[derive(Serialize, Deserialize)]
struct Saved {
    id: u64,
    created: i64,
    updated: i64,
    archived: Option<i64>,
    origin: Source,
    merged: Vec<u64>,
    values: BTreeMap<String, String>,
    /// Property, value, when, who.
    history: Vec<(String, Option<String>, i64, Source)>,
}

fn objects(table: &Table) -> Objects {
    let name = |id| table.properties.get(id).map(|property| property.name.clone());
    let saved = |record: &Record| Saved {
        id: record.id,
        created: record.created,
        updated: record.updated,
        archived: record.archived,
        origin: record.origin.clone(),
        merged: record.merged.clone(),
        values: record.values.iter().filter_map(|(id, text)| Some((name(id)?, text.to_owned()))).collect(),
        history: record
            .history
            .iter()
            .filter_map(|change| {
                let value = change.value.as_deref().map(str::to_owned);
                Some((name(change.property)?, value, change.at, change.source.clone()))
            })
            .collect(),
    };
    Objects {
        next_id: table.next_id,
        properties: table
            .properties
            .iter()
            .filter(|(_, property)| !property.hubspot_defined)
            .map(|(_, property)| property.clone())
            .collect(),
        aliases: table.aliases.iter().map(|(old, new)| (*old, *new)).collect(),
        records: table.live.values().chain(table.archived.values()).map(saved).collect(),
    }
}

fn put_back(table: &mut Table, objects: Objects) {
    for property in objects.properties {
        table.properties.add(property);
    }
    for saved in objects.records {
        let values: Vec<_> = saved
            .values
            .iter()
            .filter_map(|(name, text)| Some((table.properties.id(name)?, text.as_str())))
            .collect();
        let mut record = Record::new(saved.id, Values::pack(values), saved.created, saved.origin);
        record.updated = saved.updated;
        record.archived = saved.archived;
        record.merged = saved.merged;
        record.history = saved
            .history
            .into_iter()
            .filter_map(|(name, value, at, source)| {
                let property = table.properties.id(&name)?;
                Some(super::record::Change { property, value: value.map(Into::into), at, source })
            })
            .collect();
        if record.archived.is_some() {
            table.archived.insert(record.id, record);
        } else {
            table.insert(record);
        }
    }
    table.aliases = objects.aliases.into_iter().collect();
    table.next_id = objects.next_id;
}

/// The portal as the bytes of a state file.
pub(crate) fn bytes(crm: &Crm, tokens: &Tokens) -> io::Result<Vec<u8>> {
    let file = File {
        format: FORMAT.to_owned(),
        contacts: objects(crm.table(ObjectKind::Contact)),
        companies: objects(crm.table(ObjectKind::Company)),
        links: crm.links.pairs().collect(),
        tokens: serde_json::to_value(tokens)?,
    };
    Ok(serde_json::to_vec(&file)?)
}

/// Replaces the state file as a whole, so that a crash leaves the old one or the new one.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    use std::io::Write as _;
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let next = path.with_file_name(name);
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&next)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    drop(file);
    std::fs::rename(&next, path)
}

/// Reads a state file into an empty portal; nothing when there is none yet.
pub(crate) fn load(path: &Path, crm: &mut Crm) -> io::Result<Option<Tokens>> {
    let text = match std::fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let refused = |reason: String| {
        io::Error::new(
            io::ErrorKind::InvalidData,
            format!(
                "{} is not a sandbox state file: {reason}; move it away to start from the seed",
                path.display()
            ),
        )
    };
    let file: File = serde_json::from_slice(&text).map_err(|error| refused(error.to_string()))?;
    if file.format != FORMAT {
        return Err(refused(format!("its format is {}", file.format)));
    }
    let tokens = serde_json::from_value(file.tokens).map_err(|error| refused(error.to_string()))?;
    put_back(&mut crm.contacts, file.contacts);
    put_back(&mut crm.companies, file.companies);
    for (contact, company) in file.links {
        crm.links.link(contact, company);
    }
    Ok(Some(tokens))
}
