//! Opening the repository: fresh, again, by two processes, and everything that must be refused in words.
#![allow(clippy::unwrap_used, reason = "a failed expectation in a helper is a failed test")]

mod common;

use std::{fs, thread};

use common::{AT, fresh};
use store::{ErrorKind, Store};

#[test]
fn what_was_written_is_there_after_reopening() {
    let (folder, store) = fresh();
    store.write_blocking(|w| w.set_setting("theme", "dark")).unwrap();
    drop(store);
    let store = Store::open(folder.path()).unwrap();
    assert_eq!(store.read_blocking(|r| r.setting("theme")).unwrap().as_deref(), Some("dark"));
    assert_eq!(store.read_blocking(|r| r.setting("absent")).unwrap(), None);
    assert_eq!(store.file(), folder.path().join("concord.db"));
    store.write_blocking(|w| w.remove_setting("theme")).unwrap();
    assert_eq!(store.read_blocking(|r| r.setting("theme")).unwrap(), None);
}

#[test]
fn the_bundled_sqlite_cannot_corrupt_its_log() {
    assert!(rusqlite::version_number() >= 3_051_003, "{}", rusqlite::version());
}

#[test]
fn the_file_is_kept_as_the_design_says() {
    let (_folder, store) = fresh();
    store.write_blocking(|w| w.set_setting("a", "b")).unwrap();
    let other = rusqlite::Connection::open(store.file()).unwrap();
    let text = |pragma: &str| other.pragma_query_value(None, pragma, |r| r.get::<_, String>(0)).unwrap();
    assert_eq!(text("journal_mode"), "wal");
    assert_eq!(text("integrity_check"), "ok");
}

#[cfg(unix)]
#[test]
fn nobody_else_may_read_the_files_whatever_the_folder_allows() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let chmod =
        |what: &std::path::Path, mode| fs::set_permissions(what, fs::Permissions::from_mode(mode)).unwrap();
    let mode = |what: &std::path::Path| fs::metadata(what).unwrap().permissions().mode() & 0o777;
    let all = [
        folder.path().join("concord.db"),
        folder.path().join("concord.db-wal"),
        folder.path().join("concord.db-shm"),
    ];
    chmod(folder.path(), 0o755);
    let store = Store::open(folder.path()).unwrap();
    store.write_blocking(|w| w.set_setting("a", "b")).unwrap();
    assert_eq!(all.each_ref().map(|file| mode(file)), [0o600; 3]);
    assert_eq!(mode(folder.path()), 0o755, "the folder is its owner's affair");
    // As an earlier version left them.
    let copy = folder.path().join("copies/format-1.db");
    fs::create_dir(folder.path().join("copies")).unwrap();
    fs::write(&copy, "").unwrap();
    all.iter().chain([&copy]).for_each(|file| chmod(file, 0o644));
    let again = Store::open(folder.path()).unwrap();
    assert_eq!(again.read_blocking(|r| r.setting("a")).unwrap().as_deref(), Some("b"));
    assert_eq!(all.each_ref().map(|file| mode(file)), [0o600; 3]);
    assert_eq!(mode(&copy), 0o600);
}

#[test]
fn what_cannot_be_opened_says_why() {
    type Spoil = fn(&std::path::Path);
    let newer: Spoil = |folder| {
        drop(Store::open(folder).unwrap());
        let c = rusqlite::Connection::open(folder.join("concord.db")).unwrap();
        c.pragma_update(None, "user_version", 99).unwrap();
    };
    let negative: Spoil = |folder| {
        let c = rusqlite::Connection::open(folder.join("concord.db")).unwrap();
        c.pragma_update(None, "user_version", -3).unwrap();
    };
    let text: Spoil = |folder| fs::write(folder.join("concord.db"), "dear diary ".repeat(1000)).unwrap();
    let stranger: Spoil = |folder| {
        let c = rusqlite::Connection::open(folder.join("concord.db")).unwrap();
        c.execute_batch("CREATE TABLE song (title TEXT)").unwrap();
    };
    let no_folder: Spoil = |folder| fs::remove_dir(folder).unwrap();
    let folder_in_the_way: Spoil = |folder| fs::create_dir(folder.join("concord.db")).unwrap();
    let log_in_the_way: Spoil = |folder| fs::create_dir(folder.join("concord.db-wal")).unwrap();
    for (what, spoil, kind, words) in [
        ("newer", newer, ErrorKind::TooNew, "written by a newer Concord (format 99, this program knows "),
        ("negative", negative, ErrorKind::TooNew, "newer Concord"),
        ("text", text, ErrorKind::Damaged, "restore the last copy"),
        ("stranger", stranger, ErrorKind::Damaged, "not one of Concord"),
        ("no folder", no_folder, ErrorKind::Access, "check the folder's permissions"),
        ("folder in the way", folder_in_the_way, ErrorKind::Access, "check the folder's permissions"),
        ("no log can be made", log_in_the_way, ErrorKind::Access, "check its space and health"),
    ] {
        let outer = tempfile::tempdir().unwrap();
        let folder = outer.path().join("data");
        fs::create_dir(&folder).unwrap();
        spoil(&folder);
        let error = Store::open(&folder).err().unwrap_or_else(|| panic!("{what} was opened"));
        assert_eq!(error.kind, kind, "{what}: {error}");
        assert!(error.to_string().contains(words), "{what}: {error}");
    }
}

#[test]
fn a_refused_database_is_left_as_it_was() {
    let (folder, store) = fresh();
    drop(store);
    let file = folder.path().join("concord.db");
    let c = rusqlite::Connection::open(&file).unwrap();
    c.pragma_update(None, "user_version", 99).unwrap();
    drop(c);
    assert!(Store::open(folder.path()).is_err());
    let c = rusqlite::Connection::open(&file).unwrap();
    assert_eq!(c.pragma_query_value(None, "user_version", |r| r.get::<_, i64>(0)).unwrap(), 99);
}

#[test]
fn many_openers_of_a_new_folder_all_get_in() {
    let folder = tempfile::tempdir().unwrap();
    thread::scope(|scope| {
        let openers: Vec<_> = (0..8)
            .map(|n| {
                let folder = folder.path();
                scope.spawn(move || {
                    let store = Store::open(folder)?;
                    store.write_blocking(move |w| w.set_setting(&format!("opener {n}"), "was here"))
                })
            })
            .collect();
        for opener in openers {
            opener.join().unwrap().unwrap();
        }
    });
    let store = Store::open(folder.path()).unwrap();
    for n in 0..8 {
        assert!(store.read_blocking(|r| r.setting(&format!("opener {n}"))).unwrap().is_some(), "{n}");
    }
}

#[test]
fn two_stores_on_one_folder_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let stores = [Store::open(folder.path()).unwrap(), Store::open(folder.path()).unwrap()];
    stores[0].write_blocking(|w| w.set_setting("count", "0")).unwrap();
    thread::scope(|scope| {
        for store in &stores {
            scope.spawn(move || {
                for _ in 0..100 {
                    // Read, then write, in one transaction: an update between the two would be lost without its lock.
                    store
                        .write_blocking(|w| {
                            let count: u32 = w.setting("count")?.and_then(|v| v.parse().ok()).unwrap();
                            w.set_setting("count", &(count + 1).to_string())
                        })
                        .unwrap();
                }
            });
        }
    });
    for store in &stores {
        assert_eq!(store.read_blocking(|r| r.setting("count")).unwrap().as_deref(), Some("200"));
    }
}

#[test]
fn a_removed_secret_is_in_neither_file_after_a_checkpoint() {
    let (folder, store) = fresh();
    let needle = "sealed-needle-0001";
    let secret = store::SealedSecret {
        owner: "connector/hubspot".into(),
        field: "accessToken".into(),
        revision: 1,
        sealed: needle.repeat(40).into_bytes(),
        key: 1,
        updated: AT.into(),
    };
    store.write_blocking(move |w| w.put_secret(&secret)).unwrap();
    let found = |what: &str| {
        fs::read_dir(folder.path()).unwrap().any(|entry| {
            let bytes = fs::read(entry.unwrap().path()).unwrap();
            bytes.windows(what.len()).any(|w| w == what.as_bytes())
        })
    };
    assert!(found(needle), "the test must see what is there");
    store.write_blocking(|w| w.remove_secrets("connector/hubspot")).unwrap();
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(store.checkpoint()).unwrap();
    assert!(!found(needle));
}
