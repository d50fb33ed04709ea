//! Connector configurations, without secrets.

use model::ConnectorConfig;
use rusqlite::{OptionalExtension, params};

use crate::{Reader, StoreError, Writer, error::ErrorKind};

/// A stored connector.
#[derive(Debug, Clone, PartialEq)]
pub struct ConnectorRow {
    /// Its configuration.
    pub config: ConnectorConfig,
    /// When it was last tested.
    pub tested_at: Option<String>,
    /// What was wrong then, or what was refused since; `None` when the test passed.
    pub test_error: Option<String>,
}

const COLUMNS: &str = "SELECT config, tested_at, test_error FROM connector";

fn from_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<(String, Option<String>, Option<String>)> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
}

fn parse(
    (config, tested_at, test_error): (String, Option<String>, Option<String>),
) -> Result<ConnectorRow, StoreError> {
    let config =
        serde_json::from_str(&config).map_err(|e| StoreError::damaged(format!("a connector ({e})")))?;
    Ok(ConnectorRow { config, tested_at, test_error })
}

impl Reader<'_> {
    /// Every connector by name.
    pub fn connectors(&self) -> Result<Vec<ConnectorRow>, StoreError> {
        let mut statement = self.connection.prepare_cached(&format!("{COLUMNS} ORDER BY name"))?;
        let rows = statement.query_map([], from_row)?;
        rows.map(|row| parse(row?)).collect()
    }

    /// One connector.
    pub fn connector(&self, name: &str) -> Result<Option<ConnectorRow>, StoreError> {
        let mut statement = self.connection.prepare_cached(&format!("{COLUMNS} WHERE name = ?1"))?;
        statement.query_row([name], from_row).optional()?.map(parse).transpose()
    }
}

impl Writer<'_> {
    /// Creates or changes a connector. A change of configuration makes its last test void.
    pub fn put_connector(&self, config: &ConnectorConfig, at: &str) -> Result<(), StoreError> {
        // The two would share a row here but not their secrets.
        if let Some(there) = self.connector(&config.name)?.filter(|row| row.config.name != config.name) {
            return Err(StoreError::new(
                ErrorKind::Unique,
                format!(
                    "connector `{}` cannot be stored: there is a connector `{}` already; choose a name that differs in more than case",
                    config.name, there.config.name
                ),
            ));
        }
        let text = serde_json::to_string(config).map_err(StoreError::damaged)?;
        self.connection.execute(
            "INSERT INTO connector (name, config, updated) VALUES (?1, ?2, ?3)
             ON CONFLICT (name) DO UPDATE SET
               tested_at = CASE WHEN config IS excluded.config THEN tested_at END,
               test_error = CASE WHEN config IS excluded.config THEN test_error END,
               config = excluded.config, updated = excluded.updated",
            params![config.name, text, at],
        )?;
        Ok(())
    }

    /// Remembers how a test went.
    pub fn put_connector_test(&self, name: &str, at: &str, error: Option<&str>) -> Result<(), StoreError> {
        self.connection.execute(
            "UPDATE connector SET tested_at = ?2, test_error = ?3 WHERE name = ?1",
            params![name, at, error],
        )?;
        Ok(())
    }

    /// Remembers what a call beside any test showed: an error, or that there is none any more.
    pub fn put_connector_error(&self, name: &str, error: Option<&str>) -> Result<(), StoreError> {
        self.connection
            .execute("UPDATE connector SET test_error = ?2 WHERE name = ?1", params![name, error])?;
        Ok(())
    }

    /// Removes a connector, its secrets and what was last seen of its schemas and records.
    pub fn remove_connector(&self, name: &str) -> Result<(), StoreError> {
        let Some(ConnectorRow { config, .. }) = self.connector(name)? else { return Ok(()) };
        let name = &config.name;
        self.connection.execute("DELETE FROM connector WHERE name = ?1", [name])?;
        self.remove_secrets(&format!("connector/{name}"))?;
        self.forget_schemas(name)?;
        self.forget_mirrors(name)
    }
}
