//! `cargo xtask pictures`: the pictures of the screens, into `docs/pictures`, with the page that shows them all.
//!
//! The browser tests look at every screen over the real engine and leave a picture of it. This runs them, takes one of each
//! screen, and makes it small.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use crate::{
    node, packages,
    tool::{cargo, run, tool},
    workspace::{Workspace, program, root, short},
};

/// What all of them may weigh together: they are in everybody's clone.
const MOST_BYTES: u64 = 700_000;

/// A picture: how the browser tests call it, its name here, and what is to be seen.
struct Picture(&'static str, &'static str, &'static str);

const PICTURES: [Picture; 26] = [
    Picture(
        "story-1-preview",
        "preview",
        "A preview: the exact plan, record by record, before anything is written",
    ),
    Picture(
        "mapping-properties-light",
        "mapping-properties",
        "A mapping: which field becomes which attribute, and why a value comes out so",
    ),
    Picture("user-beside-light", "user", "A user, beside the record that another system has"),
    Picture("first-start-light", "first-start", "The first start"),
    Picture("dashboard-causes", "dashboard", "The dashboard: what needs you, errors by cause"),
    Picture("connectors-light", "connectors", "The connectors"),
    Picture("connector-new-light", "connector-new", "A new connector: which system"),
    Picture(
        "wizard-mapping-light",
        "connector-mapping",
        "A new connector: its first mapping, from a template",
    ),
    Picture("connector-data-light", "connector-data", "A connector: the records as they are there now"),
    Picture("mappings-light", "mappings", "The mappings, in the order of their delivery"),
    Picture(
        "mapping-association-light",
        "mapping-association",
        "A mapping: how a record finds its other half",
    ),
    Picture("mapping-behaviors-dark", "mapping-behaviors", "A mapping: what happens in each situation"),
    Picture("schedule-light", "mapping-scheduling", "A mapping: when it reconciles by itself"),
    Picture("mapping-advanced-light", "mapping-advanced", "A mapping: guards, paging, threads"),
    Picture("run-trace-light", "run", "A run: what was done to a record, and why its values came out so"),
    Picture("timeline-dark", "runs", "The runs of a day"),
    Picture("users-light", "users", "The users"),
    Picture("type-property-light", "managed-type", "The schema of a managed type"),
    Picture("inbox-light", "inbox", "The inbox: what only a person can decide"),
    Picture("queue-waiting", "queue", "The queue: changes that wait for a system"),
    Picture("audit-dark", "audit", "The audit"),
    Picture("schedules-light", "schedules", "All schedules"),
    Picture("settings-vault-light", "settings", "The settings"),
    Picture("vault", "vault", "A vault that is locked"),
    Picture("palette-dark", "palette", "The command palette"),
    Picture("people-profile-light", "self-service", "The pages for people and their own accounts"),
];

/// Makes the pictures anew. `--as-they-are` takes those that the last run of the browser tests left.
///
/// # Errors
/// When a browser test fails, leaves no such picture, or the pictures are too large together.
pub fn make(arguments: &[String]) -> Result<(), String> {
    let anew = match arguments {
        [] => true,
        [only] if only == "--as-they-are" => false,
        _ => return Err("cargo xtask pictures [--as-they-are]".to_owned()),
    };
    packages::ensure(&["webp"])?;
    let left = root().join("tests/pictures");
    if anew {
        for Picture(source, ..) in &PICTURES {
            // A picture of an earlier run must not pass for one of this.
            fs::remove_file(left_by_the_tests(&left, source)).ok();
        }
        test_the_screens()?;
    }
    let folder = root().join("docs/pictures");
    fs::create_dir_all(&folder).map_err(|problem| format!("{}: {problem}", folder.display()))?;
    let mut bytes = 0;
    for Picture(source, name, _) in &PICTURES {
        let source = left_by_the_tests(&left, source);
        if !source.is_file() {
            return Err(format!("The browser tests left no {}.", short(&source)));
        }
        let made = folder.join(format!("{name}.webp"));
        // Sharp writing on flat ground: without loss this is smaller than with it.
        run(tool("cwebp", &["-quiet", "-near_lossless", "40", "-z", "9"]).arg(&source).arg("-o").arg(&made))?;
        // A full disk leaves a file without a picture, and not always a failure.
        if !is_picture(&made) {
            return Err(format!("{} holds no picture; is the disk full?", short(&made)));
        }
        bytes += fs::metadata(&made).map(|about| about.len()).unwrap_or_default();
    }
    let page = folder.join("README.md");
    fs::write(&page, gallery()).map_err(|problem| format!("{}: {problem}", page.display()))?;
    if bytes > MOST_BYTES {
        return Err(format!(
            "The pictures have {} kB together, and may have {}.",
            bytes / 1_000,
            MOST_BYTES / 1_000
        ));
    }
    println!("Passed: {} pictures in docs/pictures, {} kB.", PICTURES.len(), bytes / 1_000);
    Ok(())
}

/// Whether a file is a whole WebP: its header says how many bytes follow it.
fn is_picture(file: &Path) -> bool {
    let Ok(bytes) = fs::read(file) else { return false };
    let says = bytes.get(4..8).and_then(|size| size.try_into().ok()).map(u32::from_le_bytes);
    bytes.starts_with(b"RIFF")
        && bytes.get(8..12) == Some(b"WEBP")
        && says.is_some_and(|size| size as usize + 8 == bytes.len())
}

fn left_by_the_tests(folder: &Path, source: &str) -> PathBuf {
    folder.join(format!("browser-{source}.png"))
}

/// The browser tests, which make the pictures on their way.
fn test_the_screens() -> Result<(), String> {
    packages::ensure(&packages::for_tests())?;
    node::check()?;
    let (ui, tests) = (root().join("ui"), root().join("tests/browser"));
    node::install(&ui)?;
    node::install(&tests)?;
    run(tool("npm", &["run", "build"]).current_dir(&ui))?;
    run(&mut cargo(&["build", "--package", "acceptance", "--bin", "devhost"]))?;
    let host = program(&Workspace::read()?.programs(), "devhost");
    run(tool("npm", &["run", "--silent", "test"]).current_dir(&tests).env("CONCORD_DEVHOST_BIN", host))
}

/// The page with all of them.
fn gallery() -> String {
    let mut page = String::from(
        "# The screens\n\nMade by `cargo xtask pictures` from the browser tests, with made-up people.\n",
    );
    for Picture(_, name, caption) in &PICTURES {
        let _ = write!(page, "\n{caption}:\n\n![{caption}]({name}.webp)\n");
    }
    page
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_picture_has_a_name_of_its_own() {
        let names: BTreeSet<&str> = PICTURES.iter().map(|Picture(_, name, _)| *name).collect();
        assert_eq!(names.len(), PICTURES.len());
    }

    #[test]
    fn the_pages_show_pictures_that_are_there() {
        let folder = root().join("docs/pictures");
        assert_eq!(fs::read_to_string(folder.join("README.md")).unwrap(), gallery());
        for Picture(_, name, _) in &PICTURES {
            let picture = folder.join(format!("{name}.webp"));
            assert!(is_picture(&picture), "{name}: run `cargo xtask pictures`");
        }
        let readme = fs::read_to_string(root().join("README.md")).unwrap();
        let shown: BTreeSet<&str> =
            readme.split("](docs/pictures/").skip(1).filter_map(|rest| rest.split(".webp)").next()).collect();
        let all: BTreeSet<&str> = PICTURES.iter().map(|Picture(_, name, _)| *name).collect();
        let differ: Vec<&&str> =
            shown.symmetric_difference(&all).filter(|name| !name.starts_with("README")).collect();
        assert!(differ.is_empty(), "the README shows other pictures than there are: {differ:?}");
    }
}
