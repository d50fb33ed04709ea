//! Words that have no place in the code.

use crate::sources::sources;

/// Ends of a name that say nothing about what a type does.
const EMPTY_NAMES: &[&str] = &["Manager", "Service", "Helper", "Helpers", "Util", "Utils", "Processor"];

/// The type that a line of Rust or TypeScript declares.
fn declared(line: &str) -> Option<&str> {
    let mut words = line.split_whitespace().skip_while(|word| {
        let word = word.split('(').next().unwrap_or_default();
        ["pub", "crate)", "export", "default", "declare", "abstract"].contains(&word)
    });
    let declares = ["struct", "enum", "trait", "class", "interface", "type"].contains(&words.next()?);
    words.next().filter(|_| declares)?.split(|char: char| !char.is_alphanumeric() && char != '_').next()
}

fn has_an_empty_name(line: &str) -> bool {
    declared(line).is_some_and(|name| EMPTY_NAMES.iter().any(|end| name.ends_with(end)))
}

/// A note to self without the words of its issue.
fn is_bare_note(line: &str) -> bool {
    // Put together, so that this file does not find itself.
    let notes = [["TO", "DO"].concat(), ["FIX", "ME"].concat(), ["XX", "X"].concat(), ["HA", "CK"].concat()];
    let mut words = line.split_whitespace().skip_while(|word| {
        !notes.iter().any(|note| word.trim_matches(|char: char| !char.is_alphanumeric()) == note)
    });
    words.next().is_some() && words.count() < 4
}

#[test]
fn names_say_what_a_type_does() {
    let mut found = Vec::new();
    for (folder, endings) in
        [("src-tauri", &[".rs"][..]), ("tests", &[".rs", ".ts"]), ("ui/src", &[".ts", ".tsx"])]
    {
        for file in sources(folder, endings) {
            found.extend(file.lines_with(has_an_empty_name));
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn nothing_is_left_to_do_without_words() {
    let mut found = Vec::new();
    for (folder, endings) in [
        ("src-tauri", &[".rs", ".toml", ".json", ".sql"][..]),
        ("tests", &[".rs", ".ts", ".toml"]),
        ("ui/src", &[".ts", ".tsx", ".css"]),
    ] {
        for file in sources(folder, endings) {
            found.extend(file.lines_with(is_bare_note));
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn the_rules_about_words_find_what_they_look_for() {
    let note = ["TO", "DO"].concat();
    for (line, bare) in [
        (format!("// {note}"), true),
        (format!("// {note}: later"), true),
        (format!("# {note} fix this"), true),
        (format!("// {note}: import links of a project whose links are in JDBC"), false),
        ("let todo_list = 1;".to_owned(), false),
    ] {
        assert_eq!(is_bare_note(&line), bare, "{line}");
    }
    for (line, empty) in [
        ("pub struct SyncManager {", true),
        ("pub(crate) trait TokenService {", true),
        ("export interface PageHelper {", true),
        ("type ColumnUtils<T> = T;", true),
        ("struct Managed;", false),
        ("pub enum Situation {", false),
        ("/// no struct Manager here", false),
        ("let manager = 1;", false),
    ] {
        assert_eq!(has_an_empty_name(line), empty, "{line}");
    }
}
