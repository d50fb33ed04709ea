//! The end of a page that closes itself.
//!
//! WebKitGTK then takes away the page and leaves its window standing empty; elsewhere the window goes with its page.

use tauri::{Runtime, WebviewWindow};

/// Calls `then` on the UI thread when the window's page is gone, whoever ended it.
#[cfg(target_os = "linux")]
pub fn when_page_ends<R: Runtime>(window: &WebviewWindow<R>, then: impl Fn() + Send + 'static) {
    use gtk::prelude::WidgetExt as _;
    let watching = window.with_webview(move |webview| {
        webview.inner().connect_destroy(move |_| then());
    });
    if let Err(problem) = watching {
        tracing::warn!(%problem, "a page that closes itself will leave an empty window");
    }
}

/// Nothing to do here.
#[cfg(not(target_os = "linux"))]
pub fn when_page_ends<R: Runtime>(_window: &WebviewWindow<R>, _then: impl Fn() + Send + 'static) {}
