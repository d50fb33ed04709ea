//! What can go wrong with the repository, in words.

use rusqlite::ffi::{self, ErrorCode as Sqlite};

/// What a caller may want to tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The disk is full.
    Full,
    /// Another process holds the database for too long.
    Busy,
    /// The file is damaged or is no database.
    Damaged,
    /// A newer program wrote it.
    TooNew,
    /// The file or folder cannot be read or written.
    Access,
    /// A value that must be unique is there already.
    Unique,
    /// The revision is not the one in force.
    Stale,
    /// No such thing.
    NotFound,
    /// Anything else.
    Other,
}

/// An error of the repository. The text says what to do next.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct StoreError {
    /// What kind.
    pub kind: ErrorKind,
    message: String,
}

impl StoreError {
    /// An error of this kind.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    /// There is no such thing.
    pub fn not_found(what: impl std::fmt::Display) -> Self {
        Self::new(ErrorKind::NotFound, format!("there is no {what}"))
    }

    pub(crate) fn damaged(what: impl std::fmt::Display) -> Self {
        Self::new(
            ErrorKind::Damaged,
            format!(
                "the repository holds something that cannot be read: {what}; restore the last copy from the data folder's `copies`"
            ),
        )
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        let code = error.sqlite_error_code();
        let (kind, message) = match code {
            Some(Sqlite::DiskFull) => (
                ErrorKind::Full,
                "the disk that holds the data folder is full; nothing of this step was kept. Free some space and run it again".to_owned(),
            ),
            Some(Sqlite::DatabaseBusy | Sqlite::DatabaseLocked) => (
                ErrorKind::Busy,
                "another Concord process is writing to this data folder for too long; wait for it to finish and try again".to_owned(),
            ),
            Some(Sqlite::DatabaseCorrupt | Sqlite::NotADatabase) => (
                ErrorKind::Damaged,
                format!("the repository file is damaged ({error}); restore the last copy from the data folder's `copies`"),
            ),
            Some(Sqlite::CannotOpen | Sqlite::PermissionDenied | Sqlite::ReadOnly) => {
                (ErrorKind::Access, format!("the repository in the data folder cannot be written: {error}; check the folder's permissions and the disk's space"))
            }
            Some(Sqlite::SystemIoFailure) => (
                ErrorKind::Access,
                format!("the disk that holds the data folder failed ({error}); check its space and health, then run it again"),
            ),
            Some(Sqlite::ConstraintViolation) if is_taken(&error) => {
                (ErrorKind::Unique, format!("a value that must be unique is there already ({error})"))
            }
            None if is_unreadable(&error) => return Self::damaged(error),
            _ => (ErrorKind::Other, format!("the repository failed: {error}")),
        };
        Self { kind, message }
    }
}

fn is_taken(error: &rusqlite::Error) -> bool {
    let extended = error.sqlite_error().map(|e| e.extended_code);
    extended.is_some_and(|code| {
        [ffi::SQLITE_CONSTRAINT_UNIQUE, ffi::SQLITE_CONSTRAINT_PRIMARYKEY, ffi::SQLITE_CONSTRAINT_ROWID]
            .contains(&code)
    })
}

/// A stored value that is not what its column holds.
fn is_unreadable(error: &rusqlite::Error) -> bool {
    use rusqlite::Error;
    matches!(
        error,
        Error::FromSqlConversionFailure(..)
            | Error::IntegralValueOutOfRange(..)
            | Error::InvalidColumnType(..)
            | Error::Utf8Error(..)
    )
}

#[cfg(test)]
mod tests {
    use rusqlite::{Error, ffi};

    use super::{ErrorKind, StoreError};

    /// SQLite has many words for a disk without space: which one depends on the file that it cannot make or lengthen, the
    /// database, its log, or the log's index.
    #[test]
    fn whatever_a_disk_without_space_is_called_its_space_is_named() {
        for (code, kind, words) in [
            (ffi::SQLITE_FULL, ErrorKind::Full, "is full; nothing of this step was kept. Free some space"),
            (ffi::SQLITE_CANTOPEN, ErrorKind::Access, "check the folder's permissions and the disk's space"),
            (
                ffi::SQLITE_CANTOPEN_FULLPATH,
                ErrorKind::Access,
                "check the folder's permissions and the disk's space",
            ),
            (
                ffi::SQLITE_READONLY_DIRECTORY,
                ErrorKind::Access,
                "check the folder's permissions and the disk's space",
            ),
            (ffi::SQLITE_IOERR_WRITE, ErrorKind::Access, "check its space and health, then run it again"),
            (ffi::SQLITE_IOERR_SHMSIZE, ErrorKind::Access, "check its space and health, then run it again"),
            (ffi::SQLITE_IOERR_SHMOPEN, ErrorKind::Access, "check its space and health, then run it again"),
        ] {
            let error = StoreError::from(Error::SqliteFailure(ffi::Error::new(code), None));
            assert_eq!(error.kind, kind, "{code}: {error}");
            assert!(error.to_string().contains(words), "{code}: {error}");
        }
    }
}
