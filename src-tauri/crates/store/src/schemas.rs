//! The schemas of connectors: as a person last saw them, and as they were last read.

use rusqlite::{OptionalExtension, params};
use serde_json::Value;

use crate::{Reader, StoreError, Writer};

/// What is remembered of the schema of one object type.
#[derive(Debug, Clone, PartialEq)]
pub struct KnownSchema {
    /// The object type.
    pub object_type: String,
    /// As a person last saw it.
    pub seen: Value,
    /// As it was last read.
    pub latest: Value,
    /// When that was.
    pub read: String,
    /// When the two first differed; `None` while they are the same.
    pub changed: Option<String>,
}

const COLUMNS: &str = "SELECT object_type, seen, latest, read, changed FROM connector_schema";

type Columns = (String, String, String, String, Option<String>);

fn from_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Columns> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
}

fn parse((object_type, seen, latest, read, changed): Columns) -> Result<KnownSchema, StoreError> {
    let document = |text: &str| {
        serde_json::from_str(text)
            .map_err(|e| StoreError::damaged(format!("the schema of {object_type} ({e})")))
    };
    let (seen, latest) = (document(&seen)?, document(&latest)?);
    Ok(KnownSchema { object_type, seen, latest, read, changed })
}

impl Reader<'_> {
    /// What is remembered of a connector's schemas, by object type.
    pub fn known_schemas(&self, connector: &str) -> Result<Vec<KnownSchema>, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached(&format!("{COLUMNS} WHERE connector = ?1 ORDER BY object_type"))?;
        let rows = statement.query_map([connector], from_row)?;
        rows.map(|row| parse(row?)).collect()
    }

    /// What is remembered of one of them.
    pub fn known_schema(
        &self,
        connector: &str,
        object_type: &str,
    ) -> Result<Option<KnownSchema>, StoreError> {
        self.connection
            .prepare_cached(&format!("{COLUMNS} WHERE connector = ?1 AND object_type = ?2"))?
            .query_row([connector, object_type], from_row)
            .optional()?
            .map(parse)
            .transpose()
    }
}

impl Writer<'_> {
    /// Remembers a schema.
    pub fn put_known_schema(&self, connector: &str, known: &KnownSchema) -> Result<(), StoreError> {
        self.connection
            .prepare_cached(
                "INSERT INTO connector_schema (connector, object_type, seen, latest, read, changed)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                 ON CONFLICT (connector, object_type) DO UPDATE SET
                   seen = excluded.seen, latest = excluded.latest, read = excluded.read, changed = excluded.changed",
            )?
            .execute(params![
                connector,
                known.object_type,
                known.seen.to_string(),
                known.latest.to_string(),
                known.read,
                known.changed
            ])?;
        Ok(())
    }

    /// Forgets a connector's schemas: it is gone, or it reads another system from now on.
    pub fn forget_schemas(&self, connector: &str) -> Result<(), StoreError> {
        self.connection.execute("DELETE FROM connector_schema WHERE connector = ?1", [connector])?;
        Ok(())
    }
}
