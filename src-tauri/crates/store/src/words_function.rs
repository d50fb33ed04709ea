//! `holds_words(words, text, ...)`: whether one of the texts contains these words, whatever their case in any script. SQLite's
//! own `lower` knows the letters of English alone.

use rusqlite::{Connection, functions::FunctionFlags};

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Makes the function known to a connection.
pub(crate) fn register(connection: &Connection) -> rusqlite::Result<()> {
    let flags =
        FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_DIRECTONLY;
    connection.create_scalar_function("holds_words", -1, flags, |context| {
        let words = context
            .get_or_create_aux(0, |value| -> Result<String, Failure> { Ok(folded(value.as_str()?)) })?;
        for text in 1..context.len() {
            if context.get_raw(text).as_str_or_null()?.is_some_and(|text| folded(text).contains(&*words)) {
                return Ok(true);
            }
        }
        Ok(false)
    })
}

fn folded(text: &str) -> String {
    text.to_lowercase()
}
