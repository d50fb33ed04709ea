//! Where the main window stood, so that it opens there again. A file in the data folder; whoever has none gets the window as
//! configured, and whoever has taken a screen away gets it on one that is there.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use serde::{Deserialize, Serialize};
use tauri::{AppHandle, Manager, Runtime, WebviewWindowBuilder, Window, WindowEvent};

use crate::main_window;

/// Of the window, this much must be on a screen for its place to be taken: enough to take hold of it.
const SEEN: f64 = 120.0;

/// Beside the repository, because it is of this data folder.
const FILE: &str = "window.json";

/// Where a window stands, in logical pixels.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Place {
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

    /// This place, or the nearest to it that somebody can reach. A screen that was taken away leaves its windows to the
    /// first of those that are there, and none is larger than its screen.
    fn on_one_of(self, screens: &[Screen]) -> Option<Self> {
        let seen = screens.iter().find(|screen| self.is_on(std::slice::from_ref(screen)));
        let screen = seen.or(screens.first())?;
        let (width, height) = (self.width.min(screen.width), self.height.min(screen.height));
        let (x, y) = match seen {
            Some(_) => (self.x, self.y),
            None => (screen.x + (screen.width - width) / 2.0, screen.y + (screen.height - height) / 2.0),
        };
        Some(Self { x, y, width, height, ..self })
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

/// Where the main window stood last, moved onto a screen of today.
pub fn last_place<R: Runtime>(handle: &AppHandle<R>, data_dir: &Path) -> Option<Place> {
    read(&data_dir.join(FILE)).filter(Place::is_sane)?.on_one_of(&screens(handle))
}

/// Has the main window open there at once: a window that moves later lays out its page twice.
pub fn put<'a, R: Runtime, M: Manager<R>>(
    window: WebviewWindowBuilder<'a, R, M>,
    place: Option<Place>,
) -> WebviewWindowBuilder<'a, R, M> {
    match place {
        Some(place) => {
            window.inner_size(place.width, place.height).position(place.x, place.y).maximized(place.maximized)
        }
        None => window,
    }
}

/// Begins to watch the main window, which opened at this place.
pub fn watch<R: Runtime>(handle: &AppHandle<R>, data_dir: &Path, place: Option<Place>) {
    let kept = handle.state::<Kept>();
    let mut kept = kept.0.lock().unwrap_or_else(PoisonError::into_inner);
    *kept = Some((data_dir.join(FILE), place.unwrap_or_default()));
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

fn screens<R: Runtime>(handle: &AppHandle<R>) -> Vec<Screen> {
    let monitors = handle.available_monitors().unwrap_or_default();
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
    fn a_place_that_is_gone_becomes_one_that_is_there() {
        let large = Place { width: 2500.0, height: 1400.0, ..at(10.0, 20.0) };
        for (place, screens, expected) in [
            (at(2000.0, 10.0), &[LEFT, RIGHT][..], Some((2000.0, 10.0, 1280.0, 840.0))),
            (at(2000.0, 10.0), &[LEFT], Some((320.0, 120.0, 1280.0, 840.0))),
            (at(-5000.0, -5000.0), &[LEFT, RIGHT], Some((320.0, 120.0, 1280.0, 840.0))),
            (at(10.0, -30.0), &[RIGHT], Some((1920.0, 92.0, 1280.0, 840.0))),
            (large, &[LEFT], Some((10.0, 20.0, 1920.0, 1080.0))),
            (at(10.0, 10.0), &[], None),
        ] {
            let put = place.on_one_of(screens);
            assert_eq!(put.map(|put| (put.x, put.y, put.width, put.height)), expected, "{place:?}");
        }
        let maximized = Place { maximized: true, ..at(9000.0, 0.0) };
        assert!(maximized.on_one_of(&[LEFT]).is_some_and(|put| put.maximized), "that is not a place");
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
