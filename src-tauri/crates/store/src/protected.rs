//! Values of managed objects that nobody may read: hashes here, sealed ones among the secrets. They are never part of an
//! object, so lists, plans, history and the audit cannot show what they never had.

use rusqlite::{OptionalExtension, params};

use crate::{Reader, SealedSecret, StoreError, Writer, error::ErrorKind};

/// The owner of an object's sealed values.
pub fn secret_owner(kind: &str, id: &str) -> String {
    format!("managed/{kind}/{id}")
}

impl Reader<'_> {
    /// The hash of a protected attribute.
    pub fn protected_hash(
        &self,
        kind: &str,
        id: &str,
        attribute: &str,
    ) -> Result<Option<String>, StoreError> {
        Ok(self
            .connection
            .prepare_cached(
                "SELECT hash FROM managed_hash WHERE type = ?1 AND object_id = ?2 AND attribute = ?3",
            )?
            .query_row([kind, id, attribute], |row| row.get(0))
            .optional()?)
    }

    /// The protected attributes that an object has a value of, and since when.
    pub fn protected_set(&self, kind: &str, id: &str) -> Result<Vec<(String, String)>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT attribute, updated FROM managed_hash WHERE type = ?1 AND object_id = ?2
             UNION ALL SELECT field, updated FROM secret WHERE owner = ?3",
        )?;
        let rows =
            statement.query_map([kind, id, &secret_owner(kind, id)], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let mut set: Vec<(String, String)> = rows.collect::<Result<_, _>>()?;
        set.sort();
        Ok(set)
    }
}

impl Writer<'_> {
    /// Keeps the hash of a protected attribute in place of what is there.
    pub fn put_protected_hash(
        &self,
        kind: &str,
        id: &str,
        attribute: &str,
        hash: &str,
        at: &str,
    ) -> Result<(), StoreError> {
        self.remove_protected(kind, id, attribute)?;
        self.connection
            .prepare_cached(
                "INSERT INTO managed_hash (type, object_id, attribute, hash, updated) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![kind, id, attribute, hash, at])?;
        Ok(())
    }

    /// Keeps a sealed protected attribute in place of what is there.
    pub fn put_protected_seal(&self, kind: &str, id: &str, sealed: &SealedSecret) -> Result<(), StoreError> {
        if self.secret_revision(&sealed.owner, &sealed.field)? + 1 != sealed.revision {
            return Err(StoreError::new(
                ErrorKind::Stale,
                format!("{} of {kind} `{id}` was changed meanwhile; set it again", sealed.field),
            ));
        }
        self.remove_protected(kind, id, &sealed.field)?;
        self.put_secret(sealed)
    }

    /// Forgets the value of a protected attribute.
    pub fn remove_protected(&self, kind: &str, id: &str, attribute: &str) -> Result<(), StoreError> {
        self.connection
            .prepare_cached("DELETE FROM managed_hash WHERE type = ?1 AND object_id = ?2 AND attribute = ?3")?
            .execute([kind, id, attribute])?;
        self.remove_secret(&secret_owner(kind, id), attribute)
    }

    /// Forgets all of an object that is gone.
    pub(crate) fn forget_protected(&self, kind: &str, id: &str) -> Result<(), StoreError> {
        self.connection
            .prepare_cached("DELETE FROM managed_hash WHERE type = ?1 AND object_id = ?2")?
            .execute([kind, id])?;
        self.connection
            .prepare_cached("DELETE FROM secret WHERE owner = ?1")?
            .execute([secret_owner(kind, id)])?;
        Ok(())
    }
}
