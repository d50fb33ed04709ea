//! Numbered SQL files, applied in order, all pending ones in one transaction.

use std::{fs, path::Path};

use rusqlite::{Connection, TransactionBehavior};

use crate::{
    error::{ErrorKind, StoreError},
    private,
};

const MIGRATIONS: &[&str] = &[
    include_str!("../migrations/0001_first.sql"),
    include_str!("../migrations/0002_engine.sql"),
    include_str!("../migrations/0003_managed_types.sql"),
    include_str!("../migrations/0004_schemas.sql"),
    include_str!("../migrations/0005_schedules.sql"),
    include_str!("../migrations/0006_entries.sql"),
    include_str!("../migrations/0007_marks.sql"),
    include_str!("../migrations/0008_found.sql"),
    include_str!("../migrations/0009_undisturbed.sql"),
    include_str!("../migrations/0010_object_changes.sql"),
    include_str!("../migrations/0011_keys_and_queues.sql"),
    include_str!("../migrations/0012_journal.sql"),
    include_str!("../migrations/0013_settled.sql"),
];

/// Brings a database up to date. Before an existing one changes, a copy of it goes into `copies`.
pub(crate) fn migrate(connection: &mut Connection, file: &Path) -> Result<(), StoreError> {
    apply(connection, file, MIGRATIONS)
}

fn apply(connection: &mut Connection, file: &Path, migrations: &[&str]) -> Result<(), StoreError> {
    let newest = migrations.len();
    let found = version(connection, newest)?;
    if found == newest {
        return Ok(());
    }
    if found > 0 {
        keep_copy(connection, file, found)?;
    }
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have done it while this one waited for the lock.
    let found = version(&tx, newest)?;
    if found == 0 && tx.query_row("SELECT EXISTS (SELECT 1 FROM sqlite_schema)", [], |row| row.get(0))? {
        return Err(StoreError::new(
            ErrorKind::Damaged,
            format!(
                "{} is a database, but not one of Concord; move it away or use another data folder",
                file.display()
            ),
        ));
    }
    for sql in migrations.iter().skip(found) {
        tx.execute_batch(sql)?;
    }
    tx.pragma_update(None, "user_version", i64::try_from(newest).unwrap_or(i64::MAX))?;
    tx.commit()?;
    // Statistics that a migration wrote are read when a connection opens, and this one is open already.
    connection.execute_batch("ANALYZE sqlite_schema")?;
    Ok(())
}

/// Keeps a copy of a database of this version, in place of one that an earlier upgrade left: somebody who went back has worked on
/// since. It appears under its name only when it is whole.
fn keep_copy(connection: &Connection, file: &Path, version: usize) -> Result<(), StoreError> {
    let folder = file.with_file_name("copies");
    let kept = |e: std::io::Error| {
        StoreError::new(
            ErrorKind::Access,
            format!(
                "no copy of the repository can be kept in {}: {e}; check the folder's permissions and space",
                folder.display()
            ),
        )
    };
    let copy = folder.join(format!("format-{version}.db"));
    fs::create_dir_all(&folder).map_err(kept)?;
    let unfinished = folder.join(format!("format-{version}.{}.unfinished", std::process::id()));
    if unfinished.exists() {
        fs::remove_file(&unfinished).map_err(kept)?;
    }
    private::make(&unfinished);
    connection.execute("VACUUM INTO ?1", [unfinished.to_string_lossy()])?;
    let copied: i64 =
        Connection::open(&unfinished)?.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if usize::try_from(copied) != Ok(version) {
        // Another process was quicker: it has migrated the database, and its copy is the one of this version.
        return fs::remove_file(&unfinished).map_err(kept);
    }
    fs::rename(&unfinished, &copy).map_err(kept)
}

fn version(connection: &Connection, newest: usize) -> Result<usize, StoreError> {
    let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    usize::try_from(found).ok().filter(|found| *found <= newest).ok_or_else(|| {
        StoreError::new(
            ErrorKind::TooNew,
            format!(
                "this data folder was written by a newer Concord (format {found}, this program knows {newest}); install that version or use another data folder"
            ),
        )
    })
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::apply;

    const FIRST: &str = "CREATE TABLE person (name TEXT); INSERT INTO person VALUES ('Ann');";
    const SECOND: &str = "ALTER TABLE person ADD COLUMN age INTEGER;";

    fn columns(connection: &Connection) -> i64 {
        connection
            .query_row("SELECT count(*) FROM pragma_table_info('person')", [], |row| row.get(0))
            .unwrap()
    }

    #[test]
    fn an_older_database_is_copied_then_migrated() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("concord.db");
        let mut connection = Connection::open(&file).unwrap();
        apply(&mut connection, &file, &[FIRST]).unwrap();
        assert!(!folder.path().join("copies").exists(), "a fresh database needs no copy");
        apply(&mut connection, &file, &[FIRST, SECOND]).unwrap();
        assert_eq!(columns(&connection), 2);
        let copy = Connection::open(folder.path().join("copies/format-1.db")).unwrap();
        assert_eq!(columns(&copy), 1);
        assert_eq!(copy.query_row("SELECT name FROM person", [], |r| r.get::<_, String>(0)).unwrap(), "Ann");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let copy = std::fs::metadata(folder.path().join("copies/format-1.db")).unwrap();
            assert_eq!(copy.permissions().mode() & 0o777, 0o600, "a copy is for its owner alone");
        }
        assert!(apply(&mut connection, &file, &[FIRST]).unwrap_err().to_string().contains("newer Concord"));
    }

    #[test]
    fn who_went_back_and_upgrades_again_has_a_copy_of_what_was_done_since() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("concord.db");
        for name in ["Bob", "Cleo"] {
            let mut connection = Connection::open(&file).unwrap();
            apply(&mut connection, &file, &[FIRST]).unwrap();
            connection.execute("INSERT INTO person VALUES (?1)", [name]).unwrap();
            apply(&mut connection, &file, &[FIRST, SECOND]).unwrap();
            let copy = Connection::open(folder.path().join("copies/format-1.db")).unwrap();
            let last = "SELECT name FROM person ORDER BY rowid DESC LIMIT 1";
            assert_eq!(copy.query_row(last, [], |r| r.get::<_, String>(0)).unwrap(), name);
            // What another process has migrated meanwhile is no copy of this version.
            super::keep_copy(&connection, &file, 1).unwrap();
            assert_eq!(columns(&Connection::open(folder.path().join("copies/format-1.db")).unwrap()), 1);
            drop(connection);
            std::fs::remove_file(&file).unwrap();
        }
        assert_eq!(std::fs::read_dir(folder.path().join("copies")).unwrap().count(), 1);
    }

    #[test]
    fn a_migration_that_fails_leaves_the_database_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("concord.db");
        let mut connection = Connection::open(&file).unwrap();
        apply(&mut connection, &file, &[FIRST]).unwrap();
        apply(&mut connection, &file, &[FIRST, SECOND, "CREATE nonsense"]).unwrap_err();
        assert_eq!(columns(&connection), 1);
        apply(&mut connection, &file, &[FIRST, SECOND]).unwrap();
        assert_eq!(columns(&connection), 2);
    }
}
