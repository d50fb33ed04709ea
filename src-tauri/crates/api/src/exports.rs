//! Runs and the audit as files for other programs. Page by page: a run of a million records takes no more memory than one of
//! a hundred.

mod objects;

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
    sync::PoisonError,
};

use serde_json::json;
use store::{Entry, EntryFilter, EntryStatus, StoredChange};

use crate::{
    ApiError, App, ErrorCode, csv,
    dto::{AuditExport, AuditTopic, EntriesRequest, ExportFormat, Exported, RunExport},
};

/// Rows that are held at once.
const PAGE: usize = 1000;
/// Spreadsheets take a file without it for one of their own old encodings.
const BYTE_ORDER_MARK: &str = "\u{feff}";
/// The titles of the columns of a run's table.
pub const RUN_COLUMNS: [&str; 11] = [
    "record",
    "situation",
    "action",
    "state",
    "source id",
    "target id",
    "link qualifier",
    "matches",
    "changes",
    "reason",
    "remedy",
];
const AUDIT_COLUMNS: [&str; 5] = ["at", "who", "topic", "object", "done"];

impl App {
    /// Where exports go: the person's folder for downloads, where the host knows it.
    pub fn set_download_folder(&self, folder: PathBuf) {
        *self.downloads.lock().unwrap_or_else(PoisonError::into_inner) = Some(folder);
    }

    /// Writes the entries of a run that a filter lets through into a file.
    pub async fn run_export(&self, request: RunExport) -> Result<Exported, ApiError> {
        let run = self.engine.run_row(&request.id).await?;
        let tail: String = run.id.chars().skip(run.id.chars().count().saturating_sub(6)).collect();
        let day: String = run.started.chars().take(10).collect();
        let name = format!("concord-run-{}-{day}-{tail}", run.mapping);
        let mut file = self.new_file(&name, request.format).await?;
        let mut rows = 0;
        let written = match request.format {
            ExportFormat::Csv => {
                file.attempt(|out| out.write_all(BYTE_ORDER_MARK.as_bytes()));
                file.attempt(|out| csv::write_row(out, RUN_COLUMNS));
                self.run_rows(&request, |row| {
                    rows += 1;
                    file.attempt(|out| csv::write_row(out, row.iter().map(String::as_str)));
                    file.is_sound()
                })
                .await
            }
            ExportFormat::Json => {
                let document = self.run_document(&run.id).await?;
                file.attempt(|out| write!(out, "{{\"run\":{document},\"entries\":["));
                let mapping = run.mapping.clone();
                let config = self.store.read(move |r| r.mapping(&mapping)).await?.map(|m| m.config);
                let read = self
                    .each_entry(&request, |entry| {
                        let document = engine::assoc_entry(&run, config.as_ref(), entry);
                        let comma = if rows == 0 { "\n" } else { ",\n" };
                        rows += 1;
                        file.attempt(|out| write!(out, "{comma}{document}"));
                        file.is_sound()
                    })
                    .await;
                file.attempt(|out| out.write_all(b"\n]}\n"));
                read
            }
        };
        let path = file.end(written)?;
        self.audit(AuditTopic::Run, &run.id, &format!("{rows} entries exported to {path}")).await?;
        Ok(Exported { path, rows })
    }

    /// Writes the lines of the audit that a filter lets through into a file, newest first.
    pub async fn audit_export(&self, request: AuditExport) -> Result<Exported, ApiError> {
        let day: String = self.at().chars().take(10).collect();
        let mut file = self.new_file(&format!("concord-audit-{day}"), request.format).await?;
        let json = request.format == ExportFormat::Json;
        if json {
            file.attempt(|out| out.write_all(b"["));
        } else {
            file.attempt(|out| out.write_all(BYTE_ORDER_MARK.as_bytes()));
            file.attempt(|out| csv::write_row(out, AUDIT_COLUMNS));
        }
        let (mut rows, mut before) = (0, None);
        let written = loop {
            let (topic, search) = (request.topic.clone(), request.search.clone());
            let page = match self
                .store
                .read(move |r| r.audit_page(topic.as_deref(), search.as_deref(), before, PAGE))
                .await
            {
                Ok(page) => page,
                Err(error) => break Err(error.into()),
            };
            for (_, line) in &page.rows {
                if json {
                    let document = json!({
                        "at": line.at, "who": line.who, "topic": line.topic, "object": line.object, "done": line.detail
                    });
                    let comma = if rows == 0 { "\n" } else { ",\n" };
                    file.attempt(|out| write!(out, "{comma}{document}"));
                } else {
                    let cells = [&line.at, &line.who, &line.topic, &line.object, &line.detail];
                    file.attempt(|out| csv::write_row(out, cells.into_iter().map(String::as_str)));
                }
                rows += 1;
            }
            match page.next.and_then(|next| next.parse().ok()).filter(|_| file.is_sound()) {
                Some(next) => before = Some(next),
                None => break Ok(()),
            }
        };
        if json {
            file.attempt(|out| out.write_all(b"\n]\n"));
        }
        let path = file.end(written)?;
        self.audit(AuditTopic::Configuration, "audit", &format!("{rows} lines exported to {path}")).await?;
        Ok(Exported { path, rows })
    }

    /// The entries of a run that a filter lets through, as rows under [`RUN_COLUMNS`], until `each` says no.
    pub async fn run_rows(
        &self,
        request: &RunExport,
        mut each: impl FnMut(&[String; 11]) -> bool,
    ) -> Result<(), ApiError> {
        self.each_entry(request, |entry| each(&cells(entry))).await
    }

    async fn each_entry(
        &self,
        request: &RunExport,
        mut each: impl FnMut(&Entry) -> bool,
    ) -> Result<(), ApiError> {
        let run = self.engine.run_row(&request.id).await?;
        let mut filter = entry_filter(&EntriesRequest {
            id: request.id.clone(),
            situation: request.situation.clone(),
            action: request.action.clone(),
            failed: request.failed,
            stale: request.stale,
            search: request.search.clone(),
            after: None,
            limit: None,
        })?;
        filter.limit = PAGE;
        loop {
            let (seq, asked) = (run.seq, filter.clone());
            let page = self.store.read(move |r| r.entries(seq, &asked)).await?;
            if !page.rows.iter().all(&mut each) {
                return Ok(());
            }
            match page.next.and_then(|next| next.parse().ok()) {
                Some(after) => filter.after = after,
                None => return Ok(()),
            }
        }
    }

    async fn new_file(&self, name: &str, format: ExportFormat) -> Result<NewFile, ApiError> {
        let folder = self.downloads.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let folder = folder.unwrap_or_else(|| self.folder.join("exports"));
        let ending = match format {
            ExportFormat::Csv => "csv",
            ExportFormat::Json => "json",
        };
        let made = folder.clone();
        NewFile::make(&made, name, ending).map_err(|problem| unwritten(&folder, &problem))
    }
}

/// What the filter of a request asks the repository for.
pub(crate) fn entry_filter(request: &EntriesRequest) -> Result<EntryFilter, ApiError> {
    let word = |text: &Option<String>| text.as_deref().filter(|t| !t.is_empty()).map(str::to_owned);
    let unknown = |e: model::situation::UnknownName| ApiError::new(ErrorCode::Invalid, e.to_string());
    let status = match (request.failed, request.stale) {
        (true, _) => Some(EntryStatus::Failed),
        (_, true) => Some(EntryStatus::Stale),
        _ => None,
    };
    Ok(EntryFilter {
        situation: word(&request.situation).map(|s| s.parse()).transpose().map_err(unknown)?,
        action: word(&request.action).map(|a| a.parse()).transpose().map_err(unknown)?,
        status,
        search: word(&request.search),
        ..EntryFilter::default()
    })
}

fn cells(entry: &Entry) -> [String; 11] {
    let changes: Vec<String> = entry.changes.iter().map(StoredChange::in_words).collect();
    let id = |id: &Option<String>| id.clone().unwrap_or_default();
    [
        entry.title.clone(),
        entry.situation.to_string(),
        entry.action.to_string(),
        entry.status.as_str().to_owned(),
        id(&entry.source_id),
        id(&entry.target_id),
        entry.qualifier.clone(),
        entry.ambiguous.join(" "),
        changes.join("; "),
        entry.reason.clone(),
        id(&entry.remedy),
    ]
}

/// A file of a name that nobody has yet. The first failure ends the writing and is told at the end; what was begun and not ended
/// well is removed, because half a file would be taken for the whole.
struct NewFile {
    path: PathBuf,
    whole: bool,
    out: BufWriter<File>,
    failure: Option<io::Error>,
}

impl NewFile {
    fn make(folder: &Path, name: &str, ending: &str) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        // A mapping's name holds no more than this, but a file's must not either.
        let name: String = name
            .chars()
            .map(|c| if c.is_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '_' })
            .collect();
        for number in 1..1000 {
            let again = if number == 1 { String::new() } else { format!("-{number}") };
            let path = folder.join(format!("{name}{again}.{ending}"));
            // What people did and who they are is for the person alone who asked for it.
            match store::private().write(true).create_new(true).open(&path) {
                Ok(file) => return Ok(Self { path, whole: false, out: BufWriter::new(file), failure: None }),
                Err(problem) if problem.kind() == io::ErrorKind::AlreadyExists => {}
                Err(problem) => return Err(problem),
            }
        }
        Err(io::Error::other("there are a thousand files of this name already"))
    }

    fn attempt(&mut self, write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>) {
        if self.failure.is_none() {
            self.failure = write(&mut self.out).err();
        }
    }

    fn is_sound(&self) -> bool {
        self.failure.is_none()
    }

    fn end(mut self, read: Result<(), ApiError>) -> Result<String, ApiError> {
        self.attempt(|out| out.flush());
        let failure = self.failure.take().map(|problem| unwritten(&self.path, &problem));
        match read.err().or(failure) {
            Some(error) => Err(error),
            None => {
                self.whole = true;
                Ok(self.path.display().to_string())
            }
        }
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if !self.whole {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn unwritten(path: &Path, problem: &io::Error) -> ApiError {
    ApiError::new(
        ErrorCode::Storage,
        format!("{} cannot be written ({problem}); check the folder's permissions and space", path.display()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_takes_no_other_ones_name_and_half_a_file_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let make = || NewFile::make(folder.path(), "concord-run-a/b", "csv").unwrap();
        let name = |path: &str| Path::new(path).file_name().unwrap().to_str().unwrap().to_owned();
        let (first, second) = (make(), make());
        assert_eq!(name(&first.end(Ok(())).unwrap()), "concord-run-a_b.csv");
        let lost = second.path.clone();
        let read = ApiError::new(ErrorCode::Storage, "the repository went away");
        assert_eq!(second.end(Err(read.clone())).unwrap_err(), read);
        assert!(!lost.exists());
        let mut full = make();
        full.attempt(|_| Err(io::ErrorKind::StorageFull.into()));
        assert!(!full.is_sound());
        let told = full.end(Ok(())).unwrap_err();
        assert!(told.message.contains("space") && told.code == ErrorCode::Storage, "{told}");
        let left = make();
        let begun = left.path.clone();
        drop(left);
        assert!(!begun.exists(), "what was given up before its end");
    }
}
