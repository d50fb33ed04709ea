//! The main window: the embedded UI and nothing else.

use tauri::{AppHandle, Manager as _, Runtime, WebviewWindowBuilder};
use url::Url;

use crate::page_end::when_page_ends;

/// The label that the capability names.
pub const LABEL: &str = "main";

/// Opens the main window as configured.
pub fn open<R: Runtime>(handle: &AppHandle<R>) -> tauri::Result<()> {
    let configured = handle.config().app.windows.iter().find(|window| window.label == LABEL);
    let Some(configured) = configured else {
        return Err(tauri::Error::WindowNotFound);
    };
    let window = WebviewWindowBuilder::from_config(handle, configured)?
        .on_navigation(|url| {
            let own = is_own_page(url);
            if !own {
                tracing::warn!(scheme = url.scheme(), "the main window was kept from leaving the UI");
            }
            own
        })
        .on_download(|_, _| false)
        .build()?;
    let handle = handle.clone();
    when_page_ends(&window, move || handle.exit(0));
    Ok(())
}

/// Brings the main window to the front.
pub fn focus<R: Runtime>(handle: &AppHandle<R>) {
    if let Some(window) = handle.get_webview_window(LABEL) {
        let shown = window.unminimize().and_then(|()| window.show()).and_then(|()| window.set_focus());
        if let Err(problem) = shown {
            tracing::warn!(%problem, "the main window could not be brought to the front");
        }
    }
}

/// The embedded UI, and the development server's while `tauri dev` runs.
fn is_own_page(url: &Url) -> bool {
    match (url.scheme(), url.host_str()) {
        ("tauri", Some("localhost")) => true,
        ("http" | "https", Some("tauri.localhost")) => cfg!(windows),
        ("http", Some("localhost" | "127.0.0.1")) => cfg!(dev),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_stays_in_the_ui() {
        for (url, own) in [
            ("tauri://localhost/", true),
            ("tauri://localhost/index.html#/mappings", true),
            ("tauri://elsewhere/", false),
            ("https://app.hubspot.com/", false),
            ("http://127.0.0.1:47811/", cfg!(dev)),
            ("file:///etc/passwd", false),
            ("about:blank", false),
            ("data:text/html,x", false),
        ] {
            assert_eq!(is_own_page(&url.parse().unwrap()), own, "{url}");
        }
    }
}
