//! What is left of a folder when the power goes: what was synced is there, and of the rest any part.
//!
//! A write that was not synced may be there, or not, or in some of its sectors. A name that was made, removed or changed may
//! have come to the disk, and then everything before it has too, because file systems keep the order of names.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::Path,
};

use crate::{dice::Dice, shim::Step};

const SECTOR: usize = 512;

#[derive(Debug, Clone)]
enum Change {
    Write { offset: usize, data: Vec<u8> },
    Cut(usize),
}

#[derive(Debug, Clone, Default)]
struct File {
    synced: Vec<u8>,
    since: Vec<Change>,
}

#[derive(Debug, Clone)]
enum Naming {
    Make(String, usize),
    Remove(String),
    Rename(String, String),
    Folder(String),
}

/// A folder as the disk has it. File names are paths below it; the folder itself is the empty one.
#[derive(Debug, Clone, Default)]
pub struct Disk {
    files: Vec<File>,
    /// The names that processes see.
    seen: BTreeMap<String, usize>,
    /// The names that stay.
    kept: BTreeMap<String, usize>,
    folders: BTreeSet<String>,
    namings: Vec<Naming>,
}

/// What is lost of what was not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    All,
    /// Everything after some step.
    Latest,
    /// Each write by itself.
    Some,
    /// Each sector of each write by itself.
    Sectors,
}

pub const LOSSES: [Loss; 4] = [Loss::All, Loss::Latest, Loss::Some, Loss::Sectors];

impl Disk {
    /// A folder whose files are all synced; none, if it is not there.
    pub fn of(folder: &Path) -> io::Result<Self> {
        let mut disk = Self::default();
        if folder.exists() {
            disk.folders.insert(String::new());
            disk.load(folder, "")?;
        }
        Ok(disk)
    }

    fn load(&mut self, folder: &Path, above: &str) -> io::Result<()> {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if name.ends_with("-shm") {
                continue;
            }
            let name = if above.is_empty() { name.to_owned() } else { format!("{above}/{name}") };
            if path.is_dir() {
                self.load(&path, &name)?;
                self.folders.insert(name);
            } else {
                self.files.push(File { synced: fs::read(&path)?, since: Vec::new() });
                self.seen.insert(name.clone(), self.files.len() - 1);
                self.kept.insert(name, self.files.len() - 1);
            }
        }
        Ok(())
    }

    fn file(&mut self, name: &str) -> Option<&mut File> {
        let at = *self.seen.get(name)?;
        self.files.get_mut(at)
    }

    pub fn take(&mut self, step: &Step) {
        match step {
            Step::Make(name) => {
                self.files.push(File::default());
                let at = self.files.len() - 1;
                self.seen.insert(name.clone(), at);
                self.namings.push(Naming::Make(name.clone(), at));
            }
            Step::Write { name, offset, data } => {
                if let Some(file) = self.file(name) {
                    file.since.push(Change::Write { offset: *offset, data: data.clone() });
                }
            }
            Step::Cut { name, length } => {
                if let Some(file) = self.file(name) {
                    file.since.push(Change::Cut(*length));
                }
            }
            Step::Sync(name) => self.sync(name),
            Step::Remove(name) => {
                self.seen.remove(name);
                self.namings.push(Naming::Remove(name.clone()));
            }
            Step::Rename { from, to } => {
                if let Some(at) = self.seen.remove(from) {
                    self.seen.insert(to.clone(), at);
                }
                self.namings.push(Naming::Rename(from.clone(), to.clone()));
            }
            Step::Folder(name) => self.namings.push(Naming::Folder(name.clone())),
            Step::Read | Step::Refused => {}
        }
    }

    fn sync(&mut self, name: &str) {
        let Some(&at) = self.seen.get(name) else {
            // A folder: its names stay.
            let all = self.namings.len();
            return self.keep_names(all);
        };
        let file = &mut self.files[at];
        for change in std::mem::take(&mut file.since) {
            change.on(&mut file.synced);
        }
        let made = |naming: &Naming| matches!(naming, Naming::Make(_, made) if *made == at);
        if let Some(last) = self.namings.iter().rposition(made) {
            self.keep_names(last + 1);
        }
    }

    fn keep_names(&mut self, count: usize) {
        for naming in self.namings.drain(..count) {
            match naming {
                Naming::Make(name, at) => drop(self.kept.insert(name, at)),
                Naming::Remove(name) => drop(self.kept.remove(&name)),
                Naming::Rename(from, to) => {
                    if let Some(at) = self.kept.remove(&from) {
                        self.kept.insert(to, at);
                    }
                }
                Naming::Folder(name) => drop(self.folders.insert(name)),
            }
        }
    }

    /// The power goes.
    pub fn cut(mut self, loss: Loss, dice: &mut Dice) -> Self {
        let names = if loss == Loss::All { 0 } else { dice.below(self.namings.len() + 1) };
        self.keep_names(names);
        for file in &mut self.files {
            let since = std::mem::take(&mut file.since);
            let upto = dice.below(since.len() + 1);
            for (number, change) in since.into_iter().enumerate() {
                match loss {
                    Loss::All => {}
                    Loss::Latest if number >= upto => {}
                    Loss::Some if dice.percent(50) => {}
                    Loss::Sectors => change.in_part(&mut file.synced, dice),
                    Loss::Latest | Loss::Some => change.on(&mut file.synced),
                }
            }
        }
        self
    }

    /// Puts what is left in the place of a folder.
    pub fn write(&self, folder: &Path) -> io::Result<()> {
        if folder.exists() {
            fs::remove_dir_all(folder)?;
        }
        for name in &self.folders {
            fs::create_dir_all(folder.join(name))?;
        }
        for (name, at) in &self.kept {
            let path = folder.join(name);
            // A file whose folder was lost is lost with it.
            if path.parent().is_some_and(Path::exists) {
                fs::write(path, &self.files[*at].synced)?;
            }
        }
        Ok(())
    }
}

impl Change {
    fn on(self, bytes: &mut Vec<u8>) {
        match self {
            Self::Write { offset, data } => put(bytes, offset, &data),
            Self::Cut(length) => bytes.resize(length, 0),
        }
    }

    fn in_part(self, bytes: &mut Vec<u8>, dice: &mut Dice) {
        match self {
            Self::Write { offset, data } => {
                let mut at = 0;
                while at < data.len() {
                    let to = (at + SECTOR - (offset + at) % SECTOR).min(data.len());
                    if dice.percent(50) {
                        put(bytes, offset + at, &data[at..to]);
                    }
                    at = to;
                }
            }
            Self::Cut(_) if dice.percent(50) => {}
            cut => cut.on(bytes),
        }
    }
}

fn put(bytes: &mut Vec<u8>, offset: usize, data: &[u8]) {
    if bytes.len() < offset + data.len() {
        bytes.resize(offset + data.len(), 0);
    }
    bytes[offset..offset + data.len()].copy_from_slice(data);
}
