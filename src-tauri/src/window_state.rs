//! Where the main window stood, so that it opens there again. A file in the data folder; whoever has none, or a screen that
//! is not there any more, gets the window as configured.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use serde::{Deserialize, Serialize};
use tauri::{
    AppHandle, LogicalPosition, LogicalSize, Manager as _, Runtime, WebviewWindow, Window, WindowEvent,
};

use crate::main_window;

/// Of the window, this much must be on a screen for its place to be taken: enough to take hold of it.
const SEEN: f64 = 120.0;

/// Where a window stands, in logical pixels.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
struct Place {
    x: f64,
    y: f64,
    width: f64,
    height: f64,
    /// The rest is where it goes back to.
    maximized: bool,
}

/// A screen, in logical pixels.
#[derive(Debug, Clone, Copy)]
struct Screen {
    x: f64,
    y: f64,
    width: f64,
    height: f64,
}

impl Place {
    /// Whether somebody could take hold of it on one of these screens.
    fn is_on(&self, screens: &[Screen]) -> bool {
        screens.iter().any(|screen| {
            let across = (self.x + self.width).min(screen.x + screen.width) - self.x.max(screen.x);
            let down = (self.y + self.height).min(screen.y + screen.height) - self.y.max(screen.y);
            across >= SEEN && down >= SEEN && self.y >= screen.y
        })
    }

    fn is_sane(&self) -> bool {
        [self.x, self.y, self.width, self.height].iter().all(|n| n.is_finite())
            && self.width >= SEEN
            && self.height >= SEEN
    }
}

/// Where the window stands now, and where that is written.
#[derive(Default)]
pub struct Kept(Mutex<Option<(PathBuf, Place)>>);

impl Kept {
    fn change(&self, change: impl FnOnce(&mut Place)) {
        if let Some((_, place)) = self.0.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            change(place);
        }
    }
}

/// Puts the main window where it stood, and begins to watch it.
pub fn restore<R: Runtime>(window: &WebviewWindow<R>, data_dir: &Path) {
    let file = data_dir.join("window.json");
    let place = read(&file).filter(|place| place.is_sane() && place.is_on(&screens(window)));
    if let Some(place) = place {
        let moved = window
            .set_size(LogicalSize::new(place.width, place.height))
            .and_then(|()| window.set_position(LogicalPosition::new(place.x, place.y)))
            .and_then(|()| if place.maximized { window.maximize() } else { Ok(()) });
        if let Err(problem) = moved {
            tracing::warn!(%problem, "the window could not be put where it stood");
        }
    }
    let kept = window.state::<Kept>();
    *kept.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((file, place.unwrap_or_default()));
}

/// Notes where the main window went.
pub fn note<R: Runtime>(window: &Window<R>, event: &WindowEvent) {
    if window.label() != main_window::LABEL {
        return;
    }
    let (Ok(scale), Ok(maximized)) = (window.scale_factor(), window.is_maximized()) else { return };
    let kept = window.state::<Kept>();
    match event {
        WindowEvent::Resized(size) => kept.change(|place| {
            place.maximized = maximized;
            if !maximized && size.width > 0 {
                let size = size.to_logical::<f64>(scale);
                (place.width, place.height) = (size.width, size.height);
            }
        }),
        WindowEvent::Moved(position) if !maximized => kept.change(|place| {
            let position = position.to_logical::<f64>(scale);
            (place.x, place.y) = (position.x, position.y);
        }),
        _ => {}
    }
}

/// Writes down where the window stood at the end.
pub fn keep<R: Runtime>(handle: &AppHandle<R>) {
    let kept = handle.state::<Kept>();
    let kept = kept.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some((file, place)) = kept.filter(|(_, place)| place.is_sane())
        && let Err(problem) = write(&file, &place)
    {
        tracing::warn!(%problem, "where the window stood could not be written down");
    }
}

fn read(file: &Path) -> Option<Place> {
    serde_json::from_str(&fs::read_to_string(file).ok()?).ok()
}

fn write(file: &Path, place: &Place) -> std::io::Result<()> {
    fs::write(file, serde_json::to_string(place)?)
}

fn screens<R: Runtime>(window: &WebviewWindow<R>) -> Vec<Screen> {
    let monitors = window.available_monitors().unwrap_or_default();
    monitors
        .iter()
        .map(|monitor| {
            let scale = monitor.scale_factor();
            let (position, size) =
                (monitor.position().to_logical::<f64>(scale), monitor.size().to_logical::<f64>(scale));
            Screen { x: position.x, y: position.y, width: size.width, height: size.height }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEFT: Screen = Screen { x: 0.0, y: 0.0, width: 1920.0, height: 1080.0 };
    const RIGHT: Screen = Screen { x: 1920.0, y: 0.0, width: 1280.0, height: 1024.0 };

    fn at(x: f64, y: f64) -> Place {
        Place { x, y, width: 1280.0, height: 840.0, maximized: false }
    }

    #[test]
    fn a_place_counts_when_somebody_could_take_hold_of_it() {
        for (place, screens, seen) in [
            (at(10.0, 10.0), &[LEFT][..], true),
            (at(2000.0, 10.0), &[LEFT, RIGHT], true),
            // The second screen is not there any more.
            (at(2000.0, 10.0), &[LEFT], false),
            (at(-1270.0, 10.0), &[LEFT], false),
            (at(-600.0, 10.0), &[LEFT], true),
            // Its title bar would be above the screen.
            (at(10.0, -30.0), &[LEFT], false),
            (at(10.0, 1000.0), &[LEFT], false),
            (at(10.0, 10.0), &[], false),
        ] {
            assert_eq!(place.is_on(screens), seen, "{place:?}");
        }
    }

    #[test]
    fn what_was_written_is_read_and_nonsense_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("window.json");
        assert_eq!(read(&file), None);
        let place = Place { maximized: true, ..at(5.0, 6.0) };
        write(&file, &place).unwrap();
        assert_eq!(read(&file), Some(place));
        for text in ["", "[]", "{\"x\": \"left\"}"] {
            fs::write(&file, text).unwrap();
            assert!(read(&file).is_none_or(|place| !place.is_sane()), "{text}");
        }
        fs::write(&file, "{\"width\": 3}").unwrap();
        assert!(!read(&file).unwrap().is_sane());
    }
}
