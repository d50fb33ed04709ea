//! One run per mapping at a time, whichever process it is in: a lock file per mapping, freed by the system when its process
//! dies.

use std::{
    fs::{self, File, TryLockError},
    path::Path,
};

use crate::EngineError;

/// Held while a mapping is worked on.
pub struct MappingLock {
    _file: File,
}

/// Takes the lock of a mapping; `None` when somebody else has it.
pub(crate) fn try_lock(folder: &Path, mapping: &str) -> Result<Option<MappingLock>, EngineError> {
    let folder = folder.join("locks");
    let denied = |what: &Path, e: std::io::Error| {
        EngineError::config(format!(
            "{} cannot be written ({e}); check the data folder's permissions",
            what.display()
        ))
    };
    fs::create_dir_all(&folder).map_err(|e| denied(&folder, e))?;
    // Names are letters of any script; a hash makes them fit every file system.
    let hash = blake3::hash(mapping.to_lowercase().as_bytes()).to_hex();
    let path = folder.join(format!("mapping-{}.lock", hash.chars().take(24).collect::<String>()));
    let file = store::private()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(|e| denied(&path, e))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(MappingLock { _file: file })),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(e)) => Err(denied(&path, e)),
    }
}

#[cfg(test)]
mod tests {
    use super::try_lock;

    #[test]
    fn a_mapping_is_locked_once() {
        let folder = tempfile::tempdir().unwrap();
        let held = try_lock(folder.path(), "m").unwrap();
        assert!(held.is_some());
        #[cfg(unix)]
        for file in std::fs::read_dir(folder.path().join("locks")).unwrap() {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(file.unwrap().metadata().unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert!(try_lock(folder.path(), "M").unwrap().is_none(), "names differ only by case");
        assert!(try_lock(folder.path(), "other").unwrap().is_some());
        drop(held);
        assert!(try_lock(folder.path(), "m").unwrap().is_some());
    }
}
