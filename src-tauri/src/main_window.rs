//! The main window: the embedded UI and nothing else.

use std::path::Path;

use tauri::{AppHandle, Manager as _, Runtime, WebviewWindowBuilder};
use url::Url;

use crate::{
    opening::Opening,
    page_end::{ask_page_to_end, when_page_ends},
    window_state,
};

/// The label that the capability names.
pub const LABEL: &str = "main";

/// Opens the main window where it stood last, at this address of the UI.
pub fn open<R: Runtime>(handle: &AppHandle<R>, data_dir: &Path, address: Option<&str>) -> tauri::Result<()> {
    let configured = handle.config().app.windows.iter().find(|window| window.label == LABEL);
    let Some(configured) = configured else {
        return Err(tauri::Error::WindowNotFound);
    };
    let place = window_state::last_place(handle, data_dir);
    let builder = WebviewWindowBuilder::from_config(handle, configured)?;
    let window = window_state::put(builder, place)
        .on_navigation(|url| {
            let own = is_own_page(url);
            if !own {
                tracing::warn!(scheme = url.scheme(), "the main window was kept from leaving the UI");
            }
            own
        })
        .on_download(|_, _| false)
        .on_page_load(|_, page| tracing::debug!(event = ?page.event(), "the page of the main window"))
        .build()?;
    tracing::debug!("the main window is there");
    window_state::watch(handle, data_dir, place);
    if let Some(address) = address {
        go_to(handle, address);
    }
    let handle = handle.clone();
    when_page_ends(&window, move || ended(&handle));
    Ok(())
}

/// Whether the page is asked before the window closes; it then closes the window itself, or stays.
pub fn asks<R: Runtime>(handle: &AppHandle<R>) -> bool {
    handle.get_webview_window(LABEL).is_some_and(|window| ask_page_to_end(&window))
}

/// The application ends with its main window: a consent window must not keep it alive on its own. Only a window that was
/// taken away leaves another in its place.
pub fn ended<R: Runtime>(handle: &AppHandle<R>) {
    if !handle.state::<Opening>().has_failed() {
        handle.exit(0);
    }
}

/// Takes the window away, because there is nothing that it could show.
pub fn take_away<R: Runtime>(handle: &AppHandle<R>) {
    if let Some(window) = handle.get_webview_window(LABEL)
        && let Err(problem) = window.destroy()
    {
        tracing::warn!(%problem, "the main window could not be taken away");
    }
}

/// Shows a screen of the UI by its address, such as `/runs/ID`. What is none shows the screen for that.
pub fn go_to<R: Runtime>(handle: &AppHandle<R>, address: &str) {
    let Some(window) = handle.get_webview_window(LABEL) else { return };
    let gone = window.url().and_then(|page| match screen(page, address) {
        Some(url) => window.navigate(url),
        None => Ok(()),
    });
    if let Err(problem) = gone {
        tracing::warn!(%problem, "the window could not be led to another screen");
    }
}

/// The page of the UI that shows the screen of this address. Only the part after `#` is another one.
fn screen(page: Url, address: &str) -> Option<Url> {
    let mut url = page;
    let plain = address.starts_with('/') && !address.chars().any(char::is_control);
    if !plain || !is_own_page(&url) {
        return None;
    }
    url.set_fragment(Some(address));
    Some(url)
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
    fn an_address_changes_the_screen_and_never_the_page() {
        let page: Url = "tauri://localhost/index.html#/mappings".parse().unwrap();
        for (address, url) in [
            ("/runs/019a", Some("tauri://localhost/index.html#/runs/019a")),
            ("/mappings/m?tab=runs", Some("tauri://localhost/index.html#/mappings/m?tab=runs")),
            ("https://evil.example/", None),
            ("javascript:alert(1)", None),
            ("/runs/\u{0}", None),
        ] {
            assert_eq!(screen(page.clone(), address).map(String::from).as_deref(), url, "{address}");
        }
        assert_eq!(screen("about:blank".parse().unwrap(), "/runs"), None);
    }

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
