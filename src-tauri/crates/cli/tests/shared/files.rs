//! Every file of a folder.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Every file under a folder.
pub fn files(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files(&path, into) } else { into.push(path) }
    }
}
