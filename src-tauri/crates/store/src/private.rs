//! Files for their owner alone.

use std::{
    fs::{self, File, OpenOptions},
    path::Path,
    sync::{Mutex, PoisonError},
};

/// How to open a file that nobody else may read where it is made now. Where there are no modes, the folder's rights decide.
pub fn private() -> OpenOptions {
    #[allow(unused_mut, reason = "changed on Unix")]
    let mut options = File::options();
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options
}

/// Makes an empty file for SQLite where there is none: its log and the log's index get the same mode. Whatever is in the way is
/// in SQLite's way too, which says so.
pub(crate) fn make(file: &Path) {
    static MAKING: Mutex<()> = Mutex::new(());
    // Closing a file gives up every lock that this process has on it, SQLite's too: nobody may come to use it in between.
    let _alone = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
    drop(private().write(true).create_new(true).open(file));
}

/// Takes what earlier versions left to everybody away from everybody else: the database, its log and its copies.
pub(crate) fn tighten(file: &Path) {
    let beside = |ending: &str| {
        let mut name = file.as_os_str().to_owned();
        name.push(ending);
        name.into()
    };
    let copies = fs::read_dir(file.with_file_name("copies")).into_iter().flatten().flatten();
    [file.to_owned(), beside("-wal"), beside("-shm")]
        .into_iter()
        .chain(copies.map(|copy| copy.path()))
        .for_each(|file| tighten_one(&file));
}

#[cfg(unix)]
fn tighten_one(file: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    let Ok(found) = fs::metadata(file) else { return };
    let mode = found.permissions().mode();
    if !found.is_file() || mode & 0o077 == 0 {
        return;
    }
    // A file of somebody else is theirs to close; it may be shared on purpose.
    if let Err(error) = fs::set_permissions(file, fs::Permissions::from_mode(mode & 0o600)) {
        tracing::warn!(%error, file = %file.display(), "others may read this file");
    }
}

#[cfg(not(unix))]
fn tighten_one(_: &Path) {}
