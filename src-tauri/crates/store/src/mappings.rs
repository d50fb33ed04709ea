//! Mappings in sync order.

use std::collections::BTreeSet;

use model::MappingConfig;
use rusqlite::{OptionalExtension, params};

use crate::{Reader, StoreError, Writer, error::ErrorKind, limit::rows_at_most};

/// A stored mapping.
#[derive(Debug, Clone, PartialEq)]
pub struct MappingRow {
    /// Its configuration.
    pub config: MappingConfig,
    /// Changes with every change of the configuration, and is never used again.
    pub version: i64,
}

fn parse((config, version): (String, i64)) -> Result<MappingRow, StoreError> {
    let config =
        serde_json::from_str(&config).map_err(|e| StoreError::damaged(format!("a mapping ({e})")))?;
    Ok(MappingRow { config, version })
}

impl Reader<'_> {
    /// Every mapping in sync order.
    pub fn mappings(&self) -> Result<Vec<MappingRow>, StoreError> {
        let mut statement =
            self.connection.prepare_cached("SELECT config, version FROM mapping ORDER BY position, id")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        rows.map(|row| parse(row?)).collect()
    }

    /// One mapping.
    pub fn mapping(&self, name: &str) -> Result<Option<MappingRow>, StoreError> {
        let mut statement =
            self.connection.prepare_cached("SELECT config, version FROM mapping WHERE name = ?1")?;
        statement.query_row([name], |row| Ok((row.get(0)?, row.get(1)?))).optional()?.map(parse).transpose()
    }
}

impl Writer<'_> {
    /// Creates a mapping at the end of the sync order or changes it in its place. Gives its version.
    pub fn put_mapping(&self, config: &MappingConfig, at: &str) -> Result<i64, StoreError> {
        self.refuse_other_case(config)?;
        let text = serde_json::to_string(config).map_err(StoreError::damaged)?;
        let same: Option<i64> = self
            .connection
            .query_row(
                "SELECT version FROM mapping WHERE name = ?1 AND config = ?2",
                [&config.name, &text],
                |r| r.get(0),
            )
            .optional()?;
        if let Some(version) = same {
            return Ok(version);
        }
        // A version is never given twice, not even to a mapping that is removed and made again, because links keep it.
        let version: i64 = self.setting("mapping_version")?.and_then(|v| v.parse().ok()).unwrap_or(0) + 1;
        self.set_setting("mapping_version", &version.to_string())?;
        self.connection.execute(
            "INSERT INTO mapping (name, position, config, version, updated)
             VALUES (?1, (SELECT coalesce(max(position), 0) + 1 FROM mapping), ?2, ?3, ?4)
             ON CONFLICT (name) DO UPDATE SET config = excluded.config, version = excluded.version, updated = excluded.updated",
            params![config.name, text, version, at],
        )?;
        if config.source_ids_case_sensitive == Some(false) {
            self.fold_link_ids(&config.source)?;
        }
        if config.target_ids_case_sensitive == Some(false) {
            self.fold_link_ids(&config.target)?;
        }
        Ok(version)
    }

    /// Links know the records of a resource by their ids in lower case from now on, as its mirror does: a link that kept another
    /// spelling would lead to nobody, and its person be made a second time.
    fn fold_link_ids(&self, path: &str) -> Result<(), StoreError> {
        for row in self.mappings()? {
            let MappingConfig { name, source, target, .. } = &row.config;
            if row.config.link_type() != name {
                continue;
            }
            for (end, of) in [("first", source), ("second", target)] {
                if of == path && !of.starts_with("managed/") {
                    let sql = format!(
                        "UPDATE OR IGNORE link SET {end}_id = lower({end}_id), forward = NULL, backward = NULL
                         WHERE type = ?1 AND {end}_id <> lower({end}_id)"
                    );
                    self.connection.execute(&sql, [name])?;
                }
            }
        }
        Ok(())
    }

    /// Whether a mapping is still the one of this version; another one, or none, is an error of kind `Stale`.
    pub fn mapping_stands(&self, name: &str, version: i64) -> Result<(), StoreError> {
        let now = match self.mapping(name)? {
            Some(row) if row.version == version => return Ok(()),
            Some(row) => format!("revision {} now", row.version),
            None => "it is not there".to_owned(),
        };
        Err(StoreError::new(
            ErrorKind::Stale,
            format!(
                "mapping `{name}` has changed meanwhile ({now}, {version} expected); load it again and repeat the change"
            ),
        ))
    }

    /// Removes a mapping with its queue and its questions, and the links that it used when no other mapping shares them.
    pub fn remove_mapping(&self, name: &str) -> Result<(), StoreError> {
        let Some(MappingRow { config, .. }) = self.mapping(name)? else { return Ok(()) };
        for sql in [
            "DELETE FROM mapping WHERE name = ?1",
            "DELETE FROM queue WHERE mapping = ?1",
            "DELETE FROM sync_result WHERE mapping = ?1",
            "DELETE FROM inbox WHERE mapping = ?1",
            "DELETE FROM feed WHERE mapping = ?1",
        ] {
            self.connection.execute(sql, [&config.name])?;
        }
        let kind = config.link_type();
        if !self.mappings()?.iter().any(|m| m.config.link_type() == kind) {
            self.connection.execute("DELETE FROM link WHERE type = ?1", [&kind])?;
            self.connection.execute("DELETE FROM undisturbed WHERE type = ?1", [&kind])?;
            self.forget_linked_accounts(kind)?;
        }
        Ok(())
    }

    /// Puts the mappings in this order of sync. It names every mapping once: an order made from an older list is refused.
    pub fn reorder_mappings(&self, names: &[String]) -> Result<(), StoreError> {
        let known: BTreeSet<String> = self.mappings()?.into_iter().map(|m| m.config.name).collect();
        if names.len() != known.len() || names.iter().cloned().collect::<BTreeSet<_>>() != known {
            return Err(StoreError::new(
                ErrorKind::Stale,
                "the order does not name every mapping once; mappings were added or removed meanwhile, so look at the list again",
            ));
        }
        let mut statement =
            self.connection.prepare_cached("UPDATE mapping SET position = ?2 WHERE name = ?1")?;
        for (position, name) in names.iter().enumerate() {
            statement.execute(params![name, rows_at_most(position) + 1])?;
        }
        Ok(())
    }

    /// Names that differ in case alone would share a row here but not their links and queue.
    fn refuse_other_case(&self, config: &MappingConfig) -> Result<(), StoreError> {
        match self.mapping(&config.name)? {
            Some(there) if there.config.name != config.name => Err(StoreError::new(
                ErrorKind::Unique,
                format!(
                    "mapping `{}` cannot be stored: there is a mapping `{}` already; choose a name that differs in more than case",
                    config.name, there.config.name
                ),
            )),
            _ => Ok(()),
        }
    }
}
