//! The log: a file a day in the data folder, and stderr.

use std::{
    fs,
    io::{IsTerminal as _, stderr},
    panic,
    path::Path,
};

use api::log::spoken;
use tracing_appender::{
    non_blocking::WorkerGuard,
    rolling::{RollingFileAppender, Rotation},
};
use tracing_subscriber::{
    Layer as _, filter::LevelFilter, fmt, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

const KEPT_FILES: usize = 7;

/// Starts logging to `<data_dir>/logs` until the guard is dropped. `CONCORD_LOG` names the level of Concord's own
/// parts: off, error, warn, info (the default), debug or trace.
///
/// A folder that cannot be written is no reason to end here: opening it will say so where people can see it.
pub fn start(data_dir: &Path) -> Option<WorkerGuard> {
    let named = std::env::var("CONCORD_LOG").ok().and_then(|level| level.parse().ok());
    let level = named.unwrap_or(LevelFilter::INFO);
    let (file, refusal) = match open(data_dir) {
        Ok(appender) => (Some(tracing_appender::non_blocking(appender)), None),
        Err(problem) => (None, Some(problem)),
    };
    let (writer, guard) = file.unzip();
    let into_file =
        writer.map(|file| fmt::layer().with_ansi(false).with_writer(file).with_filter(spoken(level)));
    let to_stderr =
        fmt::layer().with_writer(stderr).with_ansi(stderr().is_terminal()).with_filter(spoken(level));
    let started = tracing_subscriber::registry().with(into_file).with(to_stderr).try_init();
    // Only a host that has set up its own log gets here twice; then that one serves.
    started.ok();
    if let Some(problem) = refusal {
        tracing::error!("there is no log file: {problem}");
    }
    log_panics();
    guard
}

fn open(data_dir: &Path) -> Result<RollingFileAppender, String> {
    let folder = data_dir.join("logs");
    create_private(&folder).map_err(|problem| format!("{} cannot be made: {problem}", folder.display()))?;
    RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix("concord-desktop")
        .filename_suffix("log")
        .max_log_files(KEPT_FILES)
        .build(&folder)
        .map_err(|problem| problem.to_string())
}

/// Only the place goes into the log: the message of a panic may quote the value that caused it.
fn log_panics() {
    let usual = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        let place = panic.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
        tracing::error!("panicked at {place}");
        usual(panic);
    }));
}

#[cfg(unix)]
fn create_private(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(not(unix))]
fn create_private(folder: &Path) -> std::io::Result<()> {
    fs::create_dir_all(folder)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn nobody_else_may_read_the_folder() {
        use std::os::unix::fs::PermissionsExt as _;
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("data/logs");
        create_private(&folder).unwrap();
        for made in [&folder, &parent.path().join("data")] {
            assert_eq!(fs::metadata(made).unwrap().permissions().mode() & 0o777, 0o700, "{}", made.display());
        }
    }
}
