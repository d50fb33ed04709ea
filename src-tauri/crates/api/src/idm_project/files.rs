//! Where an IDM project keeps what: its configuration documents and its scripts.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Component, Path, PathBuf},
};

use serde_json::Value;

use super::left_alone::{self, LeftAlone};
use crate::{ApiError, ErrorCode};

/// Nobody writes a configuration of this size by hand; a larger file is the wrong file.
const LARGEST: u64 = 16 * 1024 * 1024;
/// Where IDM looks for a script, the project's own first. Paths are also written from the project's folder on.
const SCRIPT_FOLDERS: [&str; 2] = ["script", "bin/defaults/script"];

/// A project's folders.
pub(super) struct Project {
    root: PathBuf,
    pub conf: PathBuf,
}

/// A document with the name of its file.
pub(super) struct Document {
    pub file: String,
    pub value: Value,
}

/// The documents of a project that mean something here.
#[derive(Default)]
pub(super) struct Documents {
    /// By the name in the file's name.
    pub connectors: Vec<(String, Document)>,
    pub sync: Option<Document>,
    /// By the name in the file's name.
    pub mappings: Vec<(String, Document)>,
    pub managed: Option<Document>,
    /// By the name in the file's name.
    pub schedules: Vec<(String, Document)>,
    /// The other files.
    pub others: Vec<LeftAlone>,
}

/// What a file of `conf/` is, by its name.
enum Kind<'f> {
    Connector(&'f str),
    Sync,
    Mapping(&'f str),
    Managed,
    Schedule(&'f str),
}

fn kind(file: &str) -> Option<Kind<'_>> {
    let stem = file.strip_suffix(".json")?;
    match stem {
        "sync" => Some(Kind::Sync),
        "managed" => Some(Kind::Managed),
        _ => stem
            .strip_prefix("provisioner.openicf-")
            // IDM's older connector to Salesforce has a kind of file of its own, with the same content.
            .or_else(|| stem.strip_prefix("provisioner.salesforce-"))
            .map(Kind::Connector)
            .or_else(|| stem.strip_prefix("mapping-").map(Kind::Mapping))
            .or_else(|| stem.strip_prefix("schedule-").map(Kind::Schedule)),
    }
}

/// The name of a schedule's file.
pub(super) fn schedule_file(name: &str) -> String {
    format!("schedule-{name}.json")
}

/// The name of a connector's file.
pub(super) fn connector_file(name: &str) -> String {
    format!("provisioner.openicf-{name}.json")
}

impl Project {
    /// The project that this folder is, or whose `conf` it is.
    pub fn open(folder: &Path) -> Result<Self, ApiError> {
        let folder = fs::canonicalize(folder).map_err(|e| unreadable(folder, &e))?;
        Ok(Self::laid_out(folder))
    }

    /// The same for a folder that is made if it is not there yet.
    pub fn make(folder: &Path) -> Result<Self, ApiError> {
        let not_made = |path: &Path, e: &io::Error| {
            let what = format!("the folder {} cannot be made ({e}); choose another one", path.display());
            ApiError::new(ErrorCode::Invalid, what)
        };
        fs::create_dir_all(folder).map_err(|e| not_made(folder, &e))?;
        let mut project = Self::open(folder)?;
        let is_conf = project.conf.file_name().is_some_and(|name| name == "conf");
        if !is_conf && project.configured()?.is_empty() {
            project.conf.push("conf");
            fs::create_dir_all(&project.conf).map_err(|e| not_made(&project.conf, &e))?;
        }
        Ok(project)
    }

    fn laid_out(folder: PathBuf) -> Self {
        let inside = folder.join("conf");
        if inside.is_dir() {
            return Self { root: folder, conf: inside };
        }
        let root = match folder.parent() {
            Some(parent) if folder.file_name().is_some_and(|name| name == "conf") => parent.to_owned(),
            _ => folder.clone(),
        };
        Self { root, conf: folder }
    }

    /// The names of the JSON files in `conf/`, in order.
    fn names(&self) -> Result<Vec<String>, ApiError> {
        let list = || -> io::Result<Vec<String>> {
            let mut names = Vec::new();
            for entry in fs::read_dir(&self.conf)? {
                let entry = entry?;
                let name = entry.file_name().to_string_lossy().into_owned();
                if name.ends_with(".json") && entry.path().is_file() {
                    names.push(name);
                }
            }
            names.sort();
            Ok(names)
        };
        list().map_err(|e| unreadable(&self.conf, &e))
    }

    /// The files of `conf/` that an import would read.
    pub fn configured(&self) -> Result<Vec<String>, ApiError> {
        Ok(self.names()?.into_iter().filter(|name| kind(name).is_some()).collect())
    }

    /// Every document that means something here.
    pub fn documents(&self) -> Result<Documents, ApiError> {
        let mut found = Documents::default();
        for file in self.names()? {
            let Some(kind) = kind(&file) else {
                // What is no JSON is none of ours to complain about.
                let holds_mappings =
                    self.json(&file).is_ok_and(|value| value.get("mappings").is_some_and(Value::is_array));
                found.others.push(left_alone::document(file, holds_mappings));
                continue;
            };
            let document = Document { value: self.json(&file)?, file: file.clone() };
            match kind {
                Kind::Connector(name) => found.connectors.push((name.to_owned(), document)),
                Kind::Mapping(name) => found.mappings.push((name.to_owned(), document)),
                Kind::Sync => found.sync = Some(document),
                Kind::Managed => found.managed = Some(document),
                Kind::Schedule(name) => found.schedules.push((name.to_owned(), document)),
            }
        }
        let none = found.connectors.is_empty()
            && found.mappings.is_empty()
            && found.sync.is_none()
            && found.managed.is_none()
            && found.schedules.is_empty();
        if none {
            return Err(ApiError::new(
                ErrorCode::NotFound,
                format!(
                    "{} holds no provisioner.openicf-NAME.json, sync.json, mapping-NAME.json, managed.json or schedule-NAME.json; name the folder of an IDM project, or its conf folder",
                    self.conf.display()
                ),
            ));
        }
        found.others.extend(self.workflows().iter().map(|file| left_alone::workflow(file)));
        Ok(found)
    }

    /// The names of the files in `workflow/`, in order. A project without that folder has none.
    fn workflows(&self) -> Vec<String> {
        let files = fs::read_dir(self.root.join("workflow")).into_iter().flatten().flatten();
        let mut names: Vec<String> = files
            .filter(|entry| entry.path().is_file())
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    fn json(&self, file: &str) -> Result<Value, ApiError> {
        let text =
            text_of(&self.conf.join(file)).map_err(|e| wrong(file, format!("cannot be read ({e})")))?;
        serde_json::from_str(&text).map_err(|e| wrong(file, format!("is not valid JSON: {e}")))
    }

    /// The text of a script that a document names, or why there is none.
    pub fn script(&self, file: &str) -> Result<String, String> {
        let path = Path::new(file);
        if !path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir)) {
            return Err(format!("its file `{file}` is not inside the project"));
        }
        let written_out = SCRIPT_FOLDERS.iter().any(|folder| path.starts_with(folder));
        let folders = SCRIPT_FOLDERS.iter().copied().chain(written_out.then_some(""));
        let Some(found) = folders.map(|folder| self.root.join(folder).join(path)).find(|p| p.is_file())
        else {
            let looked = SCRIPT_FOLDERS.join("/ and ");
            return Err(format!("its file `{file}` is missing; looked in {looked}/ of the project"));
        };
        // A link must not bring in a file of somebody else.
        match fs::canonicalize(&found) {
            Ok(real) if real.starts_with(&self.root) => {
                text_of(&real).map_err(|e| format!("its file `{file}` cannot be read ({e})"))
            }
            Ok(_) => Err(format!("its file `{file}` is a link that leads out of the project")),
            Err(e) => Err(format!("its file `{file}` cannot be read ({e})")),
        }
    }

    /// Writes documents into `conf/`: all of them are on the disk before the first takes its place.
    pub fn write(&self, documents: &[(String, String)]) -> Result<(), ApiError> {
        let unwritten = |file: &str, e: &io::Error| {
            ApiError::new(
                ErrorCode::Invalid,
                format!(
                    "{} cannot be written ({e}); check the folder's permissions and space",
                    self.conf.join(file).display()
                ),
            )
        };
        let part = |file: &str| self.conf.join(format!(".{file}.part"));
        let staged = documents
            .iter()
            .try_for_each(|(file, text)| fs::write(part(file), text).map_err(|e| unwritten(file, &e)));
        let done = staged.and_then(|()| {
            documents.iter().try_for_each(|(file, _)| {
                fs::rename(part(file), self.conf.join(file)).map_err(|e| unwritten(file, &e))
            })
        });
        if done.is_err() {
            for (file, _) in documents {
                // Those that were never made or have taken their place are not there.
                let _ = fs::remove_file(part(file));
            }
        }
        done
    }
}

/// An error about one file.
pub(super) fn wrong(file: &str, what: impl std::fmt::Display) -> ApiError {
    ApiError::new(ErrorCode::Invalid, format!("{file}: {what}; nothing was imported"))
}

fn unreadable(folder: &Path, e: &io::Error) -> ApiError {
    ApiError::new(ErrorCode::NotFound, format!("the folder {} cannot be read ({e})", folder.display()))
}

fn text_of(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    let size = File::open(path)?.take(LARGEST + 1).read_to_string(&mut text)?;
    if size as u64 > LARGEST {
        return Err(io::Error::other(format!("it is larger than {} MiB", LARGEST >> 20)));
    }
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}
