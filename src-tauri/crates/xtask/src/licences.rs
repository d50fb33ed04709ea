//! `cargo xtask licences`: what others wrote and the programs hold, with its licences, into `docs/licences.json`.
//!
//! The About screen and the packages show that file. Which parts there are comes from the lock files (what is linked into
//! the programs on Linux, and what the built UI holds; not what only builds or tests them); the texts come from the parts
//! themselves, as they were fetched. A test compares the file with the lock files.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::{
    tool::{ask, cargo, line},
    workspace::root,
};

/// The system that the packages are for.
const PLATFORM: &str = "x86_64-unknown-linux-gnu";

/// The crates of the two programs.
const PROGRAMS: [(&str, Within); 2] = [("cli", Within::COMMAND), ("concord-desktop", Within::DESKTOP)];

/// How files with a licence are called; what follows the name does not matter.
const NAMES: [&str; 7] = ["license", "licence", "copying", "notice", "unlicense", "copyright", "ofl"];

/// Files that are called so and are no text.
const CODE: [&str; 9] = ["rs", "py", "c", "h", "js", "mjs", "ts", "html", "toml"];

/// Folders of a part that are not linked into anything.
const ASIDE: [&str; 6] = ["tests", "test", "examples", "benches", "node_modules", "target"];

/// Which of the programs hold a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Within(u8);

impl Within {
    /// `concord`.
    pub const COMMAND: Self = Self(1);
    /// `concord-desktop`.
    pub const DESKTOP: Self = Self(2);

    fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether it is in this program too.
    pub fn holds(self, program: Self) -> bool {
        self.0 & program.0 != 0
    }

    fn word(self) -> &'static str {
        match (self.holds(Self::COMMAND), self.holds(Self::DESKTOP)) {
            (true, true) => "both",
            (true, false) => "command",
            _ => "desktop",
        }
    }

    fn from_word(word: &str) -> Self {
        match word {
            "both" => Self::COMMAND.and(Self::DESKTOP),
            "command" => Self::COMMAND,
            _ => Self::DESKTOP,
        }
    }
}

/// A part that others wrote, as a lock file names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Part {
    name: String,
    version: String,
    /// `crate` or `npm`.
    kind: &'static str,
    /// In SPDX's words.
    licence: String,
    home: String,
    within: Within,
    /// Who it says wrote it.
    authors: String,
    folder: PathBuf,
}

/// Writes the file anew.
///
/// # Errors
/// When the parts are not there (build first), or one of them comes without a licence.
pub fn write() -> Result<(), String> {
    let parts = parts()?;
    let text = document(&parts)?;
    let path = file();
    fs::write(&path, &text).map_err(|problem| format!("{}: {problem}", path.display()))?;
    println!("Passed: docs/licences.json has {} parts, {:.0} kB.", parts.len(), text.len() as f64 / 1e3);
    Ok(())
}

/// The licences of a program and its parts as the text that a package installs.
///
/// # Errors
/// When the file cannot be read.
pub fn notice(program: Within) -> Result<String, String> {
    let own = root().join("LICENSE");
    let own = fs::read_to_string(&own).map_err(|problem| format!("{}: {problem}", own.display()))?;
    let kept = kept()?;
    let mut text = format!("Concord is licensed under the Apache License 2.0:\n\n{}\n\n", own.trim_end());
    text.push_str("It holds these parts, which others wrote; the numbers are those of the texts below.\n\n");
    let empty = Vec::new();
    let list = |name: &str| kept.get(name).and_then(Value::as_array).unwrap_or(&empty);
    let mut used = BTreeSet::new();
    for part in list("parts").iter().filter(|part| Within::from_word(word(part, "in")).holds(program)) {
        let numbers: Vec<u64> = part
            .get("texts")
            .and_then(Value::as_array)
            .unwrap_or(&empty)
            .iter()
            .filter_map(Value::as_u64)
            .collect();
        let numbered = numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        used.extend(numbers);
        let _ = writeln!(
            text,
            "{} {} ({}) {} [{numbered}]",
            word(part, "name"),
            word(part, "version"),
            word(part, "licence"),
            word(part, "home")
        );
    }
    for (number, words) in list("texts").iter().enumerate() {
        if used.contains(&(number as u64)) {
            let _ = write!(text, "\n--- {number} ---\n\n{}\n", words.as_str().unwrap_or_default());
        }
    }
    Ok(text)
}

fn word<'a>(part: &'a Value, name: &str) -> &'a str {
    part.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn file() -> PathBuf {
    root().join("docs/licences.json")
}

fn kept() -> Result<Value, String> {
    let path = file();
    let text = fs::read_to_string(&path).map_err(|problem| format!("{}: {problem}", path.display()))?;
    serde_json::from_str(&text).map_err(|problem| format!("{}: {problem}", path.display()))
}

/// All parts, from both lock files, in the order of their names.
fn parts() -> Result<Vec<Part>, String> {
    let mut command =
        cargo(&["metadata", "--locked", "--format-version", "1", "--filter-platform", PLATFORM]);
    let told = ask(&mut command).ok_or_else(|| format!("`{}` failed; run it to see why.", line(&command)))?;
    let told: Value = serde_json::from_str(&told).map_err(|problem| problem.to_string())?;
    let lock = root().join("ui/package-lock.json");
    let lock = fs::read_to_string(&lock).map_err(|problem| format!("{}: {problem}", lock.display()))?;
    let lock: Value = serde_json::from_str(&lock).map_err(|problem| problem.to_string())?;
    let mut parts = crates(&told);
    parts.extend(modules(&lock));
    parts.sort();
    Ok(parts)
}

/// The crates that the programs link, by cargo's metadata.
fn crates(told: &Value) -> Vec<Part> {
    let empty = Vec::new();
    let list = |value: &Value, names: &[&str]| -> Vec<Value> {
        let found = names.iter().try_fold(value, |value, name| value.get(name));
        found.and_then(Value::as_array).unwrap_or(&empty).clone()
    };
    let packages = list(told, &["packages"]);
    let mut links: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for node in list(told, &["resolve", "nodes"]) {
        let linked = list(&node, &["deps"]).into_iter().filter(|dependency| {
            // The kind of an ordinary dependency is null.
            list(dependency, &["dep_kinds"]).iter().any(|kind| kind.get("kind").is_none_or(Value::is_null))
        });
        let linked = linked.map(|dependency| word(&dependency, "pkg").to_owned()).collect();
        links.insert(word(&node, "id").to_owned(), linked);
    }
    let mut within: BTreeMap<String, Within> = BTreeMap::new();
    for (program, mark) in PROGRAMS {
        let own = packages.iter().find(|package| {
            word(package, "name") == program && package.get("source").is_none_or(Value::is_null)
        });
        let mut open: Vec<String> = own.map(|package| word(package, "id").to_owned()).into_iter().collect();
        while let Some(id) = open.pop() {
            let known = within.get(&id).copied();
            if known.is_some_and(|known| known.holds(mark)) {
                continue;
            }
            open.extend(links.get(&id).cloned().unwrap_or_default());
            within.insert(id, known.map_or(mark, |known| known.and(mark)));
        }
    }
    let of_others =
        packages.iter().filter(|package| package.get("source").is_some_and(|source| !source.is_null()));
    of_others
        .filter_map(|package| {
            let within = *within.get(word(package, "id"))?;
            let authors = list(package, &["authors"]);
            let authors: Vec<&str> = authors.iter().filter_map(Value::as_str).collect();
            Some(Part {
                name: word(package, "name").to_owned(),
                version: word(package, "version").to_owned(),
                kind: "crate",
                licence: spdx(word(package, "license")),
                home: word(package, "repository").trim_end_matches(".git").to_owned(),
                within,
                authors: authors.join(", "),
                folder: Path::new(word(package, "manifest_path")).parent().unwrap_or(root()).to_owned(),
            })
        })
        .collect()
}

/// The npm packages that are in the built UI, by npm's lock file.
fn modules(lock: &Value) -> Vec<Part> {
    let Some(packages) = lock.get("packages").and_then(Value::as_object) else { return Vec::new() };
    let only_builds = |package: &Value| {
        ["dev", "optional", "devOptional", "peer"]
            .iter()
            .any(|mark| package.get(mark).and_then(Value::as_bool) == Some(true))
    };
    let shipped = packages.iter().filter(|(path, package)| !path.is_empty() && !only_builds(package));
    shipped
        .filter_map(|(path, package)| {
            let name = path.rsplit_once("node_modules/")?.1;
            let folder = root().join("ui").join(path);
            Some(Part {
                name: name.to_owned(),
                version: word(package, "version").to_owned(),
                kind: "npm",
                licence: spdx(word(package, "license")),
                home: home_of_module(&folder),
                within: Within::DESKTOP,
                authors: format!("the authors of {name}"),
                folder,
            })
        })
        .collect()
}

/// Where an npm package is developed, as its own manifest says; empty when it does not.
fn home_of_module(folder: &Path) -> String {
    let manifest: Value = fs::read_to_string(folder.join("package.json"))
        .ok()
        .and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or_default();
    let repository = match manifest.get("repository") {
        Some(Value::String(short)) => short.as_str(),
        Some(long) => word(long, "url"),
        None => word(&manifest, "homepage"),
    };
    web_address(repository)
}

/// A repository's address for a browser: `git+ssh://git@host/a/b.git` and the short `a/b` are not.
fn web_address(repository: &str) -> String {
    let plain = repository.trim_start_matches("git+").trim_end_matches(".git");
    match plain.split_once("://") {
        Some((_, place)) => format!("https://{}", place.trim_start_matches("git@")),
        None if plain.is_empty() => String::new(),
        None => format!("https://github.com/{}", plain.trim_start_matches("github:")),
    }
}

/// Older crates write a slash for "or".
fn spdx(licence: &str) -> String {
    licence.split('/').map(str::trim).collect::<Vec<_>>().join(" OR ")
}

/// The file: one line for each part and for each text, so that a change of one is a change of a line.
fn document(parts: &[Part]) -> Result<String, String> {
    let found: Vec<Vec<String>> = parts.iter().map(|part| texts_in(&part.folder, 2)).collect();
    let mut numbers: BTreeMap<String, usize> = BTreeMap::new();
    let mut texts: Vec<String> = Vec::new();
    let mut lines = Vec::new();
    for (part, own) in parts.iter().zip(&found) {
        let own = if own.is_empty() { in_its_place(part, parts, &found)? } else { own.clone() };
        let mut theirs = BTreeSet::new();
        for text in own {
            // Line breaks differ where the words do not.
            let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
            let number = *numbers.entry(words).or_insert_with(|| {
                texts.push(text);
                texts.len() - 1
            });
            theirs.insert(number);
        }
        lines.push(format!(
            "{{\"name\":{},\"version\":{},\"kind\":{},\"licence\":{},\"home\":{},\"in\":{},\"texts\":{:?}}}",
            quoted(&part.name),
            quoted(&part.version),
            quoted(part.kind),
            quoted(&part.licence),
            quoted(&part.home),
            quoted(part.within.word()),
            theirs.into_iter().collect::<Vec<_>>(),
        ));
    }
    let texts: Vec<String> = texts.iter().map(|text| quoted(text)).collect();
    Ok(format!(
        "{{\"madeBy\":\"cargo xtask licences\",\n\"parts\":[\n{}\n],\n\"texts\":[\n{}\n]}}\n",
        lines.join(",\n"),
        texts.join(",\n")
    ))
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// The licence files of a folder and of those in it, so deep.
fn texts_in(folder: &Path, depth: usize) -> Vec<String> {
    let Ok(files) = fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = files.flatten().map(|file| file.path()).collect();
    paths.sort();
    let mut texts = Vec::new();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        let ending = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
        if path.is_dir() {
            if depth > 0 && !ASIDE.contains(&name.as_str()) {
                texts.extend(texts_in(&path, depth - 1));
            }
        } else if is_licence(&name, &ending, folder) {
            let text = fs::read(&path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
            let text = text.unwrap_or_default();
            let text = text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
            if !text.trim().is_empty() {
                texts.push(text.trim_matches('\n').to_owned());
            }
        }
    }
    texts
}

fn is_licence(name: &str, ending: &str, folder: &Path) -> bool {
    let in_a_folder_of_them =
        folder.file_name().is_some_and(|name| ["licenses", "LICENSES"].iter().any(|known| name == *known));
    let named = NAMES.iter().any(|known| name.starts_with(known));
    (named && !CODE.contains(&ending)) || (in_a_folder_of_them && ending == "txt")
}

/// For a part that was published without its licence: that of another part of the same project under the same one; the text of
/// a licence that reads the same for everybody; for MIT, its words under the names of the authors.
fn in_its_place(part: &Part, parts: &[Part], found: &[Vec<String>]) -> Result<Vec<String>, String> {
    let others = || parts.iter().zip(found).filter(|(_, texts)| !texts.is_empty());
    let project = |part: &Part| part.home.split("/tree/").next().unwrap_or_default().to_owned();
    let siblings = others().find(|(other, _)| {
        other.kind == part.kind
            && other.licence == part.licence
            && !part.home.is_empty()
            && project(other) == project(part)
    });
    if let Some((_, texts)) = siblings {
        return Ok(texts.clone());
    }
    for (licence, title) in
        [("Apache-2.0", "Apache License"), ("MPL-2.0", "Mozilla Public License Version 2.0")]
    {
        if part.licence.split(" OR ").any(|named| named == licence) {
            let text =
                others().flat_map(|(_, texts)| texts).find(|text| text.trim_start().starts_with(title));
            if let Some(text) = text {
                return Ok(vec![text.clone()]);
            }
        }
    }
    let words = others().flat_map(|(_, texts)| texts).find_map(|text| {
        let words = text.get(text.find("Permission is hereby granted")?..)?;
        // No more than the licence itself.
        let end = words.find("DEALINGS IN THE SOFTWARE.")? + "DEALINGS IN THE SOFTWARE.".len();
        words.get(..end).filter(|words| words.len() < 1_200)
    });
    match words {
        Some(words) if part.licence.split(" OR ").any(|named| named == "MIT") => {
            let authors = if part.authors.is_empty() { &part.name } else { &part.authors };
            Ok(vec![format!("Copyright (c) {authors}\n\n{words}")])
        }
        _ => Err(format!(
            "{} {} ({}) comes without a text of its licence: teach `cargo xtask licences` where to find it.",
            part.name, part.version, part.licence
        )),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_file_is_of_these_lock_files() {
        let named = |part: &Part| {
            [&part.name, &part.version, part.kind, &part.licence, part.within.word()].map(str::to_owned)
        };
        let wanted: BTreeSet<_> = parts().unwrap().iter().map(named).collect();
        let kept = kept().unwrap();
        let texts = kept["texts"].as_array().unwrap();
        let mut found = BTreeSet::new();
        for part in kept["parts"].as_array().unwrap() {
            let numbers = part["texts"].as_array().unwrap();
            assert!(!numbers.is_empty(), "{part}");
            assert!(numbers.iter().all(|number| (number.as_u64().unwrap() as usize) < texts.len()), "{part}");
            found
                .insert(["name", "version", "kind", "licence", "in"].map(|name| word(part, name).to_owned()));
        }
        let differ: Vec<_> = wanted.symmetric_difference(&found).collect();
        assert!(differ.is_empty(), "after a change of dependencies run `cargo xtask licences`: {differ:#?}");
    }

    #[test]
    fn a_package_tells_only_of_its_own_parts() {
        let (command, desktop) = (notice(Within::COMMAND).unwrap(), notice(Within::DESKTOP).unwrap());
        assert!(desktop.contains("\ntauri 2") && desktop.contains("\nreact 19"));
        assert!(!command.contains("\ntauri 2") && !command.contains("\nreact 19"));
        for text in [&command, &desktop] {
            assert!(text.contains("\nrusqlite ") && text.contains("Permission is hereby granted"));
        }
        assert!(command.len() < desktop.len());
    }

    #[test]
    fn what_only_builds_or_tests_is_no_part() {
        let package = |name: &str, source: Value| {
            json!({
                "id": name, "name": name, "version": "1.0.0", "license": "MIT/Apache-2.0", "source": source,
                "repository": "https://example.org/a.git", "authors": ["A"], "manifest_path": format!("/r/{name}/Cargo.toml"),
            })
        };
        let needs = |id: &str, kinds: Value| json!({ "pkg": id, "dep_kinds": kinds });
        let linked = || json!([{ "kind": null }]);
        let told = json!({
            "packages": [
                package("cli", Value::Null), package("concord-desktop", Value::Null), package("store", Value::Null),
                package("linked", json!("registry")), package("window", json!("registry")),
                package("builds", json!("registry")), package("tests", json!("registry")),
            ],
            "resolve": { "nodes": [
                { "id": "cli", "deps": [needs("store", linked()), needs("tests", json!([{ "kind": "dev" }]))] },
                { "id": "store", "deps": [needs("linked", linked()), needs("builds", json!([{ "kind": "build" }]))] },
                { "id": "concord-desktop", "deps": [needs("store", linked()), needs("window", linked())] },
            ] },
        });
        let parts = crates(&told);
        let seen: Vec<_> = parts.iter().map(|part| (part.name.as_str(), part.within.word())).collect();
        assert_eq!(seen, [("linked", "both"), ("window", "desktop")]);
        assert_eq!(parts[0].licence, "MIT OR Apache-2.0");
        assert_eq!(parts[0].home, "https://example.org/a");

        let lock = json!({ "packages": {
            "": { "name": "ui" },
            "node_modules/react": { "version": "19.0.0", "license": "MIT" },
            "node_modules/a/node_modules/@scope/b": { "version": "2.0.0", "license": "ISC" },
            "node_modules/vite": { "version": "7.0.0", "license": "MIT", "dev": true },
            "node_modules/typescript": { "version": "7.0.0", "license": "Apache-2.0", "devOptional": true },
        } });
        let seen: BTreeSet<_> = modules(&lock).into_iter().map(|part| part.name).collect();
        assert_eq!(seen.iter().collect::<Vec<_>>(), ["@scope/b", "react"]);
    }

    #[test]
    fn a_repository_is_told_as_a_browser_takes_it() {
        for (told, address) in [
            ("git+https://example.org/a/b.git", "https://example.org/a/b"),
            ("git+ssh://git@example.org/a/b.git", "https://example.org/a/b"),
            ("git://example.org/a/b.git", "https://example.org/a/b"),
            ("a/b", "https://github.com/a/b"),
            ("github:a/b", "https://github.com/a/b"),
            ("", ""),
        ] {
            assert_eq!(web_address(told), address, "{told}");
        }
    }

    #[test]
    fn licence_files_are_known_by_their_names() {
        let part = Path::new("/r/part-1.0.0");
        for (name, ending, folder, known) in [
            ("license", "", part, true),
            ("license-mit", "", part, true),
            ("license.apache-2.0", "0", part, true),
            ("copying.md", "md", part, true),
            ("notice.txt", "txt", part, true),
            ("mit.txt", "txt", Path::new("/r/part/LICENSES"), true),
            ("license.rs", "rs", part, false),
            ("readme.md", "md", part, false),
            ("mit.txt", "txt", part, false),
        ] {
            assert_eq!(is_licence(name, ending, folder), known, "{name}");
        }
    }
}
