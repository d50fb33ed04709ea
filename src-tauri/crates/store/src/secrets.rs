//! What the vault hands out to keep: wrapped keys and sealed secrets. Only ciphertext comes here.

use rusqlite::{OptionalExtension, params};

use crate::{Reader, StoreError, Writer, error::ErrorKind};

/// A key, wrapped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredKey {
    /// The key's version.
    pub version: u32,
    /// What it is wrapped with: `keyring`, `passphrase`, `recovery` for the root key, `root` for a data key.
    pub kind: String,
    /// The vault's own text form of the wrapped key.
    pub wrapped: String,
}

/// A sealed secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedSecret {
    /// Whose it is: `connector/hubspot`.
    pub owner: String,
    /// Which of the owner's secrets.
    pub field: String,
    /// Counts up with every write; part of what the seal protects.
    pub revision: u64,
    /// The sealed bytes.
    pub sealed: Vec<u8>,
    /// The version of the data key they are sealed with; 0 where it was not told yet.
    pub key: u32,
    /// When it was set.
    pub updated: String,
}

impl Reader<'_> {
    /// Every wrapped key.
    pub fn vault_keys(&self) -> Result<Vec<StoredKey>, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT version, kind, wrapped FROM vault_key ORDER BY version, kind")?;
        let rows = statement.query_map([], |row| {
            Ok(StoredKey { version: row.get(0)?, kind: row.get(1)?, wrapped: row.get(2)? })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The secrets of an owner.
    pub fn secrets(&self, owner: &str) -> Result<Vec<SealedSecret>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT owner, field, revision, sealed, key, updated FROM secret WHERE owner = ?1 ORDER BY field",
        )?;
        let rows = statement.query_map([owner], sealed_from_row)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Every secret, for a change of keys.
    pub fn all_secrets(&self) -> Result<Vec<SealedSecret>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT owner, field, revision, sealed, key, updated FROM secret ORDER BY owner, field",
        )?;
        let rows = statement.query_map([], sealed_from_row)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The revision of a secret; 0 when it was never set.
    pub fn secret_revision(&self, owner: &str, field: &str) -> Result<u64, StoreError> {
        Ok(self
            .connection
            .prepare_cached("SELECT revision FROM secret WHERE owner = ?1 AND field = ?2")?
            .query_row([owner, field], |row| row.get::<_, i64>(0))
            .optional()?
            .map_or(0, |r| u64::try_from(r).unwrap_or(0)))
    }
}

fn sealed_from_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<SealedSecret> {
    Ok(SealedSecret {
        owner: row.get(0)?,
        field: row.get(1)?,
        revision: u64::try_from(row.get::<_, i64>(2)?).unwrap_or(0),
        sealed: row.get(3)?,
        key: row.get(4)?,
        updated: row.get(5)?,
    })
}

impl Writer<'_> {
    /// Puts the wrapped keys in place of all that are there.
    pub fn replace_vault_keys(&self, keys: &[StoredKey], at: &str) -> Result<(), StoreError> {
        self.connection.execute("DELETE FROM vault_key", [])?;
        for key in keys {
            self.connection
                .prepare_cached(
                    "INSERT INTO vault_key (version, kind, wrapped, created) VALUES (?1, ?2, ?3, ?4)",
                )?
                .execute(params![key.version, key.kind, key.wrapped, at])?;
        }
        Ok(())
    }

    /// Keeps a sealed secret in place of the one that is there. One whose data key is gone is refused as busy: whoever changed
    /// the keys meanwhile would leave it unreadable, and it can be sealed once more.
    pub fn put_secret(&self, secret: &SealedSecret) -> Result<(), StoreError> {
        let kept = self
            .connection
            .prepare_cached(
                "INSERT INTO secret (owner, field, revision, sealed, key, updated)
                 SELECT ?1, ?2, ?3, ?4, ?5, ?6 FROM vault_key WHERE kind = 'root' AND version = ?5
                 ON CONFLICT (owner, field) DO UPDATE
                 SET revision = excluded.revision, sealed = excluded.sealed, key = excluded.key, updated = excluded.updated",
            )?
            .execute(params![
                secret.owner,
                secret.field,
                secret.revision as i64,
                secret.sealed,
                secret.key,
                secret.updated
            ])?;
        if kept == 0 {
            return Err(StoreError::new(
                ErrorKind::Busy,
                "the keys of the vault were changed at the same moment; try again",
            ));
        }
        Ok(())
    }

    /// Forgets one secret.
    pub fn remove_secret(&self, owner: &str, field: &str) -> Result<(), StoreError> {
        self.connection.execute("DELETE FROM secret WHERE owner = ?1 AND field = ?2", [owner, field])?;
        Ok(())
    }

    /// Forgets every secret of an owner.
    pub fn remove_secrets(&self, owner: &str) -> Result<(), StoreError> {
        self.connection.execute("DELETE FROM secret WHERE owner = ?1", [owner])?;
        Ok(())
    }
}
