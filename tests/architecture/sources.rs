//! What the files of the project say, read as text.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The folder of the workspace.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// A file with its path as seen from the workspace.
pub struct Source {
    pub path: String,
    pub text: String,
}

impl Source {
    /// `path:line` of each line that passes.
    pub fn lines_with(&self, passes: impl Fn(&str) -> bool) -> Vec<String> {
        let found = self.text.lines().enumerate().filter(|(_, line)| passes(line));
        found.map(|(number, line)| format!("{}:{}: {}", self.path, number + 1, line.trim())).collect()
    }
}

/// All files below a folder with one of these endings, without what is generated or installed.
pub fn sources(folder: &str, endings: &[&str]) -> Vec<Source> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                if !["target", "node_modules", "dist", "gen", "pictures", "test-results", ".git"]
                    .contains(&name.as_str())
                {
                    folders.push(path);
                }
            } else if endings.iter().any(|ending| name.ends_with(ending)) {
                let text = fs::read_to_string(&path).unwrap();
                let path = path.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/");
                found.push(Source { path, text });
            }
        }
    }
    found.sort_by(|one, other| one.path.cmp(&other.path));
    assert!(!found.is_empty(), "there are no {endings:?} in {folder}: this test looks in the wrong place");
    found
}

#[track_caller]
fn nothing(found: Vec<String>, rule: &str) {
    assert!(found.is_empty(), "{rule}\n{found:#?}");
}

#[test]
fn only_the_backend_folder_of_the_ui_knows_tauri_and_the_network() {
    let screens = sources("ui/src", &[".ts", ".tsx"]);
    let outside = screens.iter().filter(|file| !file.path.starts_with("ui/src/backend/"));
    let found = outside.flat_map(|file| {
        file.lines_with(|line| {
            ["@tauri-apps", "__TAURI", "fetch(", "XMLHttpRequest", "WebSocket", "EventSource"]
                .iter()
                .any(|way| line.contains(way))
        })
    });
    // `refetch()` asks through the backend folder.
    let found = found.filter(|line| !line.contains("refetch(")).collect();
    nothing(found, "screens reach the program through ui/src/backend alone");
}

#[test]
fn no_screen_shows_foreign_text_as_markup() {
    let ways = [
        "dangerouslySetInnerHTML",
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "new Function",
    ];
    let screens = sources("ui/src", &[".ts", ".tsx"]);
    let found =
        screens.iter().flat_map(|file| file.lines_with(|line| ways.iter().any(|way| line.contains(way))));
    nothing(found.collect(), "what comes from a CRM is text");
}

#[test]
fn no_test_is_left_out() {
    // Put together, so that this file does not find itself.
    let ways = |stem: &[&str], ways: &[&str]| -> Vec<String> {
        stem.iter().flat_map(|stem| ways.iter().map(move |way| format!("{stem}{way}"))).collect()
    };
    let rust = ways(&["#[ignore"], &["]", " ="]);
    let script =
        ways(&["test", "it", "describe", "test.describe"], &[".skip(", ".only(", ".fixme(", ".todo("]);
    let mut found = Vec::new();
    for folder in ["src-tauri", "tests"] {
        for file in sources(folder, &[".rs"]) {
            found.extend(file.lines_with(|line| rust.iter().any(|way| line.trim_start().starts_with(way))));
        }
    }
    for folder in ["ui/src", "tests/browser"] {
        for file in sources(folder, &[".ts", ".tsx"]) {
            found.extend(file.lines_with(|line| script.iter().any(|way| line.trim_start().starts_with(way))));
        }
    }
    nothing(found, "a test runs, or is not there");
}

#[test]
fn every_crate_says_what_it_is_for() {
    let mut silent = Vec::new();
    for file in sources("src-tauri", &["lib.rs", "main.rs"]) {
        if file.path.ends_with("/src/lib.rs") || file.path.ends_with("/src/main.rs") {
            let words: Vec<&str> = file
                .text
                .lines()
                .map_while(|line| line.strip_prefix("//!"))
                .flat_map(str::split_whitespace)
                .collect();
            if words.len() < 8 {
                silent.push(file.path);
            }
        }
    }
    nothing(
        silent,
        "a crate opens with a doc comment: what it is for, its invariants, what it must never do",
    );
}

#[test]
fn time_and_waiting_come_in_from_outside() {
    let rules = fs::read_to_string(root().join("clippy.toml")).unwrap();
    for banned in [
        "std::time::SystemTime::now",
        "std::time::Instant::now",
        "jiff::Timestamp::now",
        "std::thread::sleep",
        "tokio::time::sleep",
    ] {
        assert!(rules.contains(&format!("path = \"{banned}\"")), "clippy.toml has to ban {banned}");
    }
    // The lint can be switched off where a real clock is needed, but never in the crates that are pure.
    for crate_ in ["model", "mapping", "script"] {
        let files = sources(&format!("src-tauri/crates/{crate_}/src"), &[".rs"]);
        let found =
            files.iter().flat_map(|file| file.lines_with(|line| line.contains("clippy::disallowed_methods")));
        let found = found.filter(|line| !allowed_clock(line)).collect();
        nothing(found, "the pure crates take the time as a parameter");
    }
}

/// The one door through which the real time comes in, and the interpreter's deadline.
fn allowed_clock(line: &str) -> bool {
    line.starts_with("src-tauri/crates/model/src/clock.rs:") || line.starts_with("src-tauri/crates/script/")
}

#[test]
fn capabilities_name_their_windows() {
    for file in sources("src-tauri/capabilities", &[".json", ".toml"]) {
        nothing(file.lines_with(|line| line.contains('*')), "a capability names what it opens, to whom");
    }
}
