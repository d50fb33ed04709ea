//! Who paints the pages: the graphics card, or the processor.
//!
//! WebKitGTK paints its pages by OpenGL. Where there is no graphics card the processor emulates OpenGL, compiler and all, to
//! paint what it could have painted itself: there it is told to, and OpenGL only puts the parts of a page together. Without
//! that last step too (`WEBKIT_DISABLE_COMPOSITING_MODE`) a window waits up to half a second for its page before it goes on,
//! and the page waits for the window.

use std::path::Path;

/// WebKitGTK's own switch, read when its first page is made and handed on to its processes.
const SWITCH: &str = "WEBKIT_SKIA_ENABLE_CPU_RENDERING";

/// Chooses before the window system is started. Whoever has set the switch has chosen already.
#[cfg(target_os = "linux")]
pub fn choose() {
    if std::env::var_os(SWITCH).is_none() && !has_graphics_card(Path::new("/dev/dri")) {
        // The first thing that happens in this process: nobody else reads the environment yet.
        if let Err(problem) = gtk::glib::setenv(SWITCH, "1", false) {
            tracing::warn!(%problem, "pages are painted by OpenGL, although there is no graphics card");
        }
    }
}

/// Nothing to choose here.
#[cfg(not(target_os = "linux"))]
pub fn choose() {}

/// Whether something can draw: each card that can has a `renderD...` there. A screen alone has a `card...` only.
fn has_graphics_card(devices: &Path) -> bool {
    std::fs::read_dir(devices).is_ok_and(|found| {
        found.flatten().any(|device| device.file_name().as_encoded_bytes().starts_with(b"renderD"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_screen_alone_is_no_graphics_card() {
        let devices = tempfile::tempdir().unwrap();
        assert!(!has_graphics_card(&devices.path().join("none")));
        std::fs::write(devices.path().join("card0"), "").unwrap();
        assert!(!has_graphics_card(devices.path()));
        std::fs::write(devices.path().join("renderD128"), "").unwrap();
        assert!(has_graphics_card(devices.path()));
    }
}
