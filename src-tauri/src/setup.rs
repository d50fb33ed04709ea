//! The beginning and the end: what is opened beside the main window, and closed after it.

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, Weak},
    time::Duration,
};

use api::{ApiError, App, AppOptions, ErrorCode, app::Worker};
use server::Switch;
use tauri::{AppHandle, Manager as _, Runtime, async_runtime};

use crate::{main_window, notifier, opening::Opening, problem_window, sandbox_host::SandboxHost};

/// How long a run may take to stop in good order when the application ends; the journal covers what is cut off.
const CLOSING: Duration = Duration::from_secs(10);

/// What the application was started with.
pub struct Options {
    /// Where everything is kept.
    pub data_dir: PathBuf,
    /// The vault's passphrase, where it was given.
    pub passphrase: Option<String>,
    /// Whether to start the sandbox and set up the sample.
    pub with_sandbox: bool,
    /// The screen to begin with.
    pub open: Option<String>,
}

/// The background delivery of implicit syncs, as long as the application runs.
#[derive(Default)]
pub struct Running(Mutex<Option<Worker>>);

/// One instance per data folder: the name under which a second one finds the first.
pub fn instance_name(data_dir: &Path) -> String {
    let mut hasher = DefaultHasher::new();
    data_dir.hash(&mut hasher);
    format!("org.concord.Concord.d{:016x}", hasher.finish())
}

/// Opens everything away from the UI thread (a migration or a locked keyring may take its time), and the main window at
/// the same time; or a window in its place that says why not.
pub fn begin<R: Runtime>(handle: &AppHandle<R>, options: Options) {
    end_on_signal(handle.clone());
    let (data_dir, address) = (options.data_dir.clone(), options.open.clone());
    crate::prepare(handle, &data_dir);
    let opening = async_runtime::spawn(open(handle.clone(), options));
    // Its commands wait until everything is open.
    if !told(handle, main_window::open(handle, &data_dir, address.as_deref())) {
        return;
    }
    let handle = handle.clone();
    async_runtime::spawn(async move {
        let opened = opening.await.unwrap_or_else(|problem| {
            let why = format!("Opening the data folder ended unexpectedly: {problem}");
            Err(ApiError::new(ErrorCode::Internal, why))
        });
        match opened {
            Ok(app) => crate::serve(&handle, app),
            Err(problem) => {
                tracing::error!(code = ?problem.code, "could not start: {problem}");
                handle.state::<Opening>().failed(problem.clone());
                told(&handle, problem_window::show(&handle, &problem.message, &data_dir));
                main_window::take_away(&handle);
            }
        }
    });
}

/// Whether there is a window. Without one the application ends.
fn told<R: Runtime>(handle: &AppHandle<R>, opened: tauri::Result<()>) -> bool {
    if let Err(problem) = &opened {
        tracing::error!("the window could not be opened: {problem}");
        handle.exit(1);
    }
    opened.is_ok()
}

async fn open<R: Runtime>(handle: AppHandle<R>, options: Options) -> Result<Arc<App>, ApiError> {
    let Options { data_dir, passphrase, with_sandbox, open: _ } = options;
    let app = App::open(AppOptions { data_dir, passphrase }).await?;
    tracing::debug!("the data folder is open");
    let sandbox = handle.state::<SandboxHost>();
    let begun = if with_sandbox {
        sandbox.sample_setup(&app).await.map(|_| ())
    } else {
        sandbox.start_again(&app).await
    };
    match begun {
        Err(problem) if with_sandbox && problem.code == ErrorCode::Locked => {
            tracing::info!("the sample waits for the vault: {problem}");
            app.once_unlocked(set_up_sample(handle.clone(), Arc::downgrade(&app)));
        }
        begun => note_sandbox(begun),
    }
    if let Ok(mut running) = handle.state::<Running>().0.lock() {
        *running = Some(app.start_worker());
    }
    if let Some(folder) = dirs::download_dir() {
        app.set_download_folder(folder);
    }
    notifier::watch(handle.clone(), Arc::clone(&app));
    handle.state::<Switch>().start_again(&app).await;
    Ok(app)
}

async fn set_up_sample<R: Runtime>(handle: AppHandle<R>, app: Weak<App>) {
    if let Some(app) = app.upgrade() {
        note_sandbox(handle.state::<SandboxHost>().sample_setup(&app).await.map(|_| ()));
    }
}

/// The rest works without it, and the dashboard shows that it is not there.
fn note_sandbox(begun: Result<(), ApiError>) {
    if let Err(problem) = begun {
        tracing::warn!(code = ?problem.code, "the sandbox could not be started: {problem}");
    }
}

/// Closes what [`begin`] opened.
pub fn end<R: Runtime>(handle: &AppHandle<R>) {
    if let Ok(mut running) = handle.state::<Running>().0.lock() {
        running.take();
    }
    let Some(app) = handle.state::<Opening>().opened() else { return };
    let closed = async_runtime::block_on(async {
        if let Some(switch) = handle.try_state::<Switch>() {
            switch.stop().await;
        }
        let closed = tokio::time::timeout(CLOSING, app.close()).await;
        if let Some(sandbox) = handle.try_state::<SandboxHost>() {
            sandbox.stop().await;
        }
        closed
    });
    if closed.is_err() {
        tracing::warn!(
            "a run did not stop within {} s; it will be resolved at the next start",
            CLOSING.as_secs()
        );
    }
}

/// A session that ends asks by signal; the same orderly end as closing the window.
#[cfg(unix)]
fn end_on_signal<R: Runtime>(handle: AppHandle<R>) {
    use tokio::signal::unix::{SignalKind, signal};
    async_runtime::spawn(async move {
        let (Ok(mut terminate), Ok(mut interrupt)) =
            (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
        else {
            tracing::warn!("signals cannot be watched; close the window to end in good order");
            return;
        };
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        handle.exit(0);
    });
}

#[cfg(not(unix))]
fn end_on_signal<R: Runtime>(_handle: AppHandle<R>) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_data_folder_has_its_own_instance() {
        let (one, other) = (instance_name(Path::new("/a")), instance_name(Path::new("/b")));
        assert_ne!(one, other);
        assert_eq!(one, instance_name(Path::new("/a")), "a second start must find the first");
    }
}
