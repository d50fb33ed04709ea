//! What scripts written for IDM may ask for and do not find here.

/// The names that a script uses for something that it cannot have, and why not.
const ABSENT: &[(&[&str], &str)] = &[
    (
        &["openidm"],
        "a mapping's script sees one record and cannot read, change or decrypt others; map the attribute that it needs",
    ),
    (
        &["java", "javax", "org", "com", "Packages", "JavaImporter", "importPackage", "importClass"],
        "scripts are plain JavaScript without Java classes",
    ),
    (
        &["require", "module", "exports"],
        "a script cannot load files or modules; put all of its text under `source`",
    ),
    (&["identityServer"], "put the value that the script needs into its `globals`"),
    (&["fetch", "XMLHttpRequest", "http", "httpClient"], "scripts have no network"),
    (
        &["setTimeout", "setInterval", "setImmediate", "queueMicrotask"],
        "a script ends when its last line has run",
    ),
];

/// What to say of a `ReferenceError`: its `message` is the engine's, `visible` are the variables that there are.
pub(crate) fn explain(message: &str, visible: &[&str]) -> Option<String> {
    let name = message.strip_prefix("ReferenceError: ")?.strip_suffix(" is not defined")?;
    let known = ABSENT.iter().find(|(names, _)| names.contains(&name));
    Some(match known {
        Some((_, why)) => format!("`{name}` is not there: {why}"),
        None if visible.is_empty() => format!("{message}; there are no variables here"),
        None => format!("{message}; the variables here are {}", visible.join(", ")),
    })
}
