//! The end of a page, by itself or because its window is to be closed.
//!
//! WebKitGTK takes away a page that closes itself and leaves its window standing empty, and takes away a window without
//! asking its page; elsewhere the window goes with its page.

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

/// Has the page close itself, which asks its person first where something is unsaved; a page that does not answer is
/// closed all the same, and so is one that still asks. False where the window is to be closed without it.
#[cfg(target_os = "linux")]
pub fn ask_page_to_end<R: Runtime>(window: &WebviewWindow<R>) -> bool {
    use webkit2gtk::WebViewExt as _;
    let asked = window.with_webview(|webview| webview.inner().try_close());
    if let Err(problem) = &asked {
        tracing::warn!(%problem, "the window is closed without a question about what is unsaved");
    }
    asked.is_ok()
}

/// The window is closed as it is.
#[cfg(not(target_os = "linux"))]
pub fn ask_page_to_end<R: Runtime>(_window: &WebviewWindow<R>) -> bool {
    false
}
