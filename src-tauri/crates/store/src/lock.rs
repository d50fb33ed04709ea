//! What only one may do at a time, whichever process it is in: a lock file of the data folder, freed by the system when its
//! process dies.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::Path,
};

use crate::{ErrorKind, StoreError, private::private};

/// What is locked. Names differ by more than their case, as everywhere in the configuration.
#[derive(Debug, Clone, Copy)]
pub enum Locked<'a> {
    /// The work on the mapping of this name: what it plans and writes.
    Mapping(&'a str),
    /// The renewal of the tokens of the connector of this name.
    Tokens(&'a str),
}

/// A lock that is held until this is dropped.
#[derive(Debug)]
pub struct FileLock {
    _file: File,
}

impl Locked<'_> {
    /// Takes the lock in a data folder; `None` when somebody else has it.
    ///
    /// # Errors
    /// When the lock's file cannot be made or locked.
    pub fn try_lock(self, data_folder: &Path) -> Result<Option<FileLock>, StoreError> {
        let folder = data_folder.join("locks");
        fs::create_dir_all(&folder).map_err(|e| refused(&folder, &e))?;
        let path = folder.join(self.file_name());
        let file = private().create(true).truncate(false).write(true).open(&path);
        let file = file.map_err(|e| refused(&path, &e))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(FileLock { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(e)) => Err(refused(&path, &e)),
        }
    }

    /// Names are letters of any script; a hash makes them fit every file system.
    fn file_name(self) -> String {
        let (kind, name) = match self {
            Self::Mapping(name) => ("mapping", name),
            Self::Tokens(connector) => ("token", connector),
        };
        let hash = blake3::hash(name.to_lowercase().as_bytes()).to_hex();
        format!("{kind}-{}.lock", hash.chars().take(24).collect::<String>())
    }
}

fn refused(path: &Path, error: &io::Error) -> StoreError {
    StoreError::new(
        ErrorKind::Access,
        format!(
            "{} cannot be locked ({error}); check the data folder's permissions and the disk's space",
            path.display()
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_locked_is_locked_once() {
        let folder = tempfile::tempdir().unwrap();
        let lock = |what: Locked<'_>| what.try_lock(folder.path()).unwrap();
        let held = lock(Locked::Mapping("m"));
        assert!(held.is_some());
        #[cfg(unix)]
        for file in fs::read_dir(folder.path().join("locks")).unwrap() {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(file.unwrap().metadata().unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert!(lock(Locked::Mapping("M")).is_none(), "names differ only by case");
        assert!(lock(Locked::Mapping("other")).is_some());
        assert!(lock(Locked::Tokens("m")).is_some(), "a connector may have a mapping's name");
        drop(held);
        assert!(lock(Locked::Mapping("m")).is_some());
    }

    /// Else two versions of the program would work on one mapping side by side.
    #[test]
    fn the_files_have_the_names_that_they_always_had() {
        assert_eq!(Locked::Mapping("a/b Ü").file_name(), "mapping-71187a9d8c14b38b06daa7ba.lock");
        assert_eq!(Locked::Tokens("HubSpot").file_name(), "token-e8e667ade3a7e542f47c2d86.lock");
    }

    #[test]
    fn a_folder_that_takes_no_lock_is_named() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("locks"), "").unwrap();
        let error = Locked::Mapping("m").try_lock(folder.path()).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Access);
        assert!(error.to_string().contains("locks cannot be locked"), "{error}");
        assert!(error.to_string().contains("check the data folder's permissions"), "{error}");
    }
}
