//! The desktop shell: a window over the use cases of [`api`], and the few things that need a desktop (a consent
//! window, the system's browser, the sandbox in this process).
//!
//! Invariants:
//! - Commands come from the list in [`api::commands`]; the shell adds no business rule of its own.
//! - Only the window `main` has a capability, and only for those commands. Pages of providers are shown in windows
//!   without any.
//! - The window `main` shows the embedded UI and nothing else; it never follows a link out of it.
//! - What goes wrong before the UI can show it is put into words in a window of its own, or on stderr without a display.
//!
//! It must never put a secret into a window title, a URL of its own, an event or the log.

mod arguments;
mod browser;
mod commands;
mod logging;
mod main_window;
mod notifier;
mod oauth_window;
mod opening;
mod page_end;
mod painting;
mod problem_window;
mod sandbox_host;
mod setup;
mod window_state;

use std::{path::Path, process::ExitCode, sync::Arc};

use api::App;
use clap::Parser as _;
use tauri::{AppHandle, Builder, Context, Manager as _, RunEvent, Runtime, WindowEvent};

use crate::{arguments::Arguments, opening::Opening, sandbox_host::SandboxHost};

/// Runs the application until its window is closed.
pub fn run() -> ExitCode {
    painting::choose();
    let arguments = Arguments::parse();
    match start(&arguments) {
        Ok(code) => code,
        Err(problem) => {
            complain(&problem);
            ExitCode::FAILURE
        }
    }
}

fn start(arguments: &Arguments) -> Result<ExitCode, String> {
    let data_dir = arguments.data_dir()?;
    // Held to the end: dropping it writes what is still in memory.
    let _log = logging::start(&data_dir);
    if let Err(problem) = api::write_no_core_file() {
        tracing::warn!(%problem, "a crash may leave a core file");
    }
    display_is_there()?;
    tracing::info!(version = env!("CARGO_PKG_VERSION"), data_dir = %data_dir.display(), "starting");

    let options = setup::Options {
        data_dir: data_dir.clone(),
        passphrase: arguments::passphrase(),
        with_sandbox: arguments.with_sandbox,
        open: arguments.open.clone(),
    };
    let mut builder = Builder::default();
    if session_bus_is_there() {
        builder = builder.plugin(
            tauri_plugin_single_instance::Builder::new()
                .dbus_id(setup::instance_name(&data_dir))
                .callback(|handle, arguments, _folder| {
                    main_window::focus(handle);
                    // The other one was started with arguments that it could read.
                    let open = Arguments::try_parse_from(arguments).ok().and_then(|given| given.open);
                    if let Some(address) = open {
                        main_window::go_to(handle, &address);
                    }
                })
                .build(),
        );
    }
    let application = shell(builder)
        .setup(move |application| {
            setup::begin(application.handle(), options);
            Ok(())
        })
        .build(context())
        .map_err(|problem| format!("The window system refused to start the application: {problem}"))?;

    let code = application.run_return(|handle, event| {
        if let RunEvent::Exit = event {
            window_state::keep(handle);
            setup::end(handle);
        }
    });
    tracing::info!(code, "ended");
    Ok(u8::try_from(code).map_or(ExitCode::FAILURE, ExitCode::from))
}

/// The application without the parts that need a desktop session: commands, the state behind them and the rules of
/// the windows. Tests run it over a runtime without a display.
pub fn shell<R: Runtime>(builder: Builder<R>) -> Builder<R> {
    problem_window::register(builder)
        .manage(oauth_window::Consent::default())
        .manage(setup::Running::default())
        .manage(window_state::Kept::default())
        .manage(server::Switch::default())
        .manage(Opening::default())
        .invoke_handler(commands::handler())
        .on_window_event(|window, event| {
            window_state::note(window, event);
            if window.label() == main_window::LABEL
                && let WindowEvent::CloseRequested { api, .. } = event
                && main_window::asks(window.app_handle())
            {
                api.prevent_close();
            }
            if window.label() == main_window::LABEL && matches!(event, WindowEvent::Destroyed) {
                main_window::ended(window.app_handle());
            }
        })
}

/// Says which data folder this is. No window may be there before.
pub fn prepare<R: Runtime>(handle: &AppHandle<R>, data_dir: &Path) {
    handle.manage(SandboxHost::new(data_dir));
}

/// Puts what was opened behind the commands; those that wait for it go on.
pub fn serve<R: Runtime>(handle: &AppHandle<R>, app: Arc<App>) {
    handle.state::<Opening>().succeeded(app);
}

/// The configuration, the capabilities and the UI that were built in.
pub fn context<R: Runtime>() -> Context<R> {
    tauri::generate_context!()
}

/// GTK ends the process with a panic where there is no display; say it in words instead.
fn display_is_there() -> Result<(), String> {
    let named = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    if cfg!(target_os = "linux") && !named("DISPLAY") && !named("WAYLAND_DISPLAY") {
        return Err("There is no display: neither DISPLAY nor WAYLAND_DISPLAY is set. Start it in a desktop session, \
                    or use the `concord` command in a terminal."
            .to_owned());
    }
    Ok(())
}

/// Without a session bus there is nobody to ask for another instance, and the plugin would only warn about it.
fn session_bus_is_there() -> bool {
    !cfg!(target_os = "linux")
        || std::env::var_os("DBUS_SESSION_BUS_ADDRESS").is_some_and(|value| !value.is_empty())
}

#[allow(clippy::print_stderr, reason = "there is no window and maybe no log yet; stderr is all that is left")]
fn complain(problem: &str) {
    tracing::error!("{problem}");
    eprintln!("concord-desktop: {problem}");
}
