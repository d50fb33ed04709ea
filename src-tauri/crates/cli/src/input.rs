//! Documents given as a file, or as `-` for stdin.

use std::{
    fs,
    io::{self, Read},
    path::Path,
};

use crate::exit::Failure;

/// Nobody writes a configuration of this size by hand; a larger file is the wrong file.
const LARGEST: u64 = 64 * 1024 * 1024;

/// What people call this document.
pub fn title(file: &Path) -> String {
    if is_stdin(file) { "stdin".into() } else { file.display().to_string() }
}

/// Whether `-` was given.
pub fn is_stdin(file: &Path) -> bool {
    file.as_os_str() == "-"
}

/// The text of a document.
pub fn read(file: &Path) -> Result<String, Failure> {
    let mut text = String::new();
    let read = if is_stdin(file) {
        io::stdin().take(LARGEST + 1).read_to_string(&mut text)
    } else {
        fs::File::open(file).and_then(|f| f.take(LARGEST + 1).read_to_string(&mut text))
    };
    match read {
        Ok(size) if size as u64 > LARGEST => Err(Failure::error(format!(
            "{} is larger than {} MiB; is it the right file?",
            title(file),
            LARGEST >> 20
        ))),
        Ok(_) => Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text)),
        Err(problem) => Err(Failure::error(format!("{} cannot be read ({problem})", title(file)))),
    }
}

/// A JSON document.
pub fn read_json(file: &Path) -> Result<serde_json::Value, Failure> {
    let text = read(file)?;
    serde_json::from_str(&text)
        .map_err(|problem| Failure::error(format!("{} is not valid JSON: {problem}", title(file))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_no_json_is_named_with_the_place() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("broken.json");
        fs::write(&file, "{\n  \"name\": ").unwrap();
        let lines = read_json(&file).unwrap_err().lines();
        assert!(
            lines[0].contains("broken.json is not valid JSON") && lines[0].contains("line 2"),
            "{lines:?}"
        );
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_text() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("marked.json");
        fs::write(&file, "\u{feff}{}").unwrap();
        assert_eq!(read_json(&file).unwrap(), serde_json::json!({}));
    }
}
