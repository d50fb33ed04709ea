//! What is printed, and where.

use std::io::{self, BufWriter, IsTerminal, Write};

use api::csv;
use serde::Serialize;
use serde_json::Value;

use crate::exit::{Exit, Failure};

/// The terminal or the pipes of this command.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    json: bool,
}

impl Output {
    /// With `json`, stdout holds documents for programs in place of texts for people.
    pub fn new(json: bool) -> Self {
        Self { json }
    }

    /// Whether programs read stdout.
    pub fn is_json(&self) -> bool {
        self.json
    }

    /// A document on one line.
    pub fn document(&self, document: &impl Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string(document)
            .map_err(|problem| Failure::error(format!("the answer cannot be written as JSON ({problem})")))?;
        self.raw(&text)
    }

    /// What is shown this once: as `document` for programs, as `text` for people. It is in force already, so where it cannot be
    /// shown, `lost` says what that means and what to do.
    pub fn once(&self, document: &impl Serialize, text: &str, lost: &str) -> Result<(), Failure> {
        let shown = if self.json { self.document(document) } else { self.line(text) };
        shown.map_err(|failure| match failure {
            Failure::Told(exit, why) => Failure::Told(exit, format!("{why}; {lost}")),
            Failure::NobodyReads => Failure::error(format!("nobody reads the result; {lost}")),
            refused => refused,
        })
    }

    /// A line for people.
    pub fn line(&self, text: impl AsRef<str>) -> Result<(), Failure> {
        self.raw(&clean(text.as_ref()))
    }

    /// A table for people, with a hint on stderr where there is no row.
    pub fn table<const N: usize>(
        &self,
        titles: [&str; N],
        rows: &[[String; N]],
        hint_if_empty: &str,
    ) -> Result<(), Failure> {
        if rows.is_empty() {
            self.hint(hint_if_empty);
            return Ok(());
        }
        let rows: Vec<Vec<String>> = rows.iter().map(|row| row.to_vec()).collect();
        let table = Table::for_rows(&titles.map(str::to_owned), &rows);
        self.raw(&table.head())?;
        rows.iter().try_for_each(|row| self.raw(&table.row(row)))
    }

    /// A word beside the result, for a person.
    pub fn hint(&self, text: &str) {
        if !text.is_empty() {
            // Whoever closed stderr does not want to know.
            let _ = writeln!(io::stderr(), "{}", clean(text));
        }
    }

    /// A list that is too long to be held at once.
    pub fn stream(&self) -> Stream {
        Stream { out: BufWriter::new(io::stdout()), failure: None }
    }

    /// Tells a failure on stderr and gives the exit code.
    pub fn failed(&self, failure: &Failure) -> Exit {
        for (i, line) in failure.lines().iter().enumerate() {
            let line = clean(line);
            let _ = if i == 0 {
                writeln!(io::stderr(), "concord: {line}")
            } else {
                writeln!(io::stderr(), "{line}")
            };
        }
        failure.exit()
    }

    fn raw(&self, text: &str) -> Result<(), Failure> {
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes())
            .and_then(|()| out.write_all(b"\n"))
            .and_then(|()| out.flush())
            .map_err(unwritten)
    }
}

/// A long list on stdout. The first failure ends the writing and is given at the end.
pub struct Stream {
    out: BufWriter<io::Stdout>,
    failure: Option<io::Error>,
}

impl Stream {
    /// Text as it is.
    pub fn text(&mut self, text: &str) {
        if self.failure.is_none() {
            self.failure = self.out.write_all(text.as_bytes()).err();
        }
    }

    /// A row for spreadsheets.
    pub fn row<'c>(&mut self, cells: impl IntoIterator<Item = &'c str>) {
        if self.failure.is_none() {
            self.failure = csv::write_row(&mut self.out, cells).err();
        }
    }

    /// A line for people.
    pub fn line(&mut self, text: &str) {
        self.text(text);
        self.text("\n");
    }

    /// Whether anybody still reads.
    pub fn is_broken(&self) -> bool {
        self.failure.is_some()
    }

    /// Everything is written, or was not.
    pub fn end(mut self) -> Result<(), Failure> {
        match self.failure.take() {
            Some(problem) => Err(unwritten(problem)),
            None => self.out.flush().map_err(unwritten),
        }
    }
}

fn unwritten(problem: io::Error) -> Failure {
    if problem.kind() == io::ErrorKind::BrokenPipe {
        Failure::NobodyReads
    } else {
        Failure::error(format!("the result cannot be written to stdout ({problem})"))
    }
}

/// Columns of a table, as wide as their widest cell.
pub struct Table {
    titles: Vec<String>,
    widths: Vec<usize>,
}

/// A column that is no wider than this keeps tables readable; longer cells push the rest of their row.
const WIDEST: usize = 60;

impl Table {
    /// Columns for these rows. Further rows of the same list may be written with it too.
    pub fn for_rows(titles: &[String], rows: &[Vec<String>]) -> Self {
        let widths = titles
            .iter()
            .enumerate()
            .map(|(i, title)| {
                let cells = rows.iter().filter_map(|row| row.get(i)).map(|cell| clean(cell).chars().count());
                cells.chain([title.chars().count()]).max().unwrap_or(0).min(WIDEST)
            })
            .collect();
        Self { titles: titles.to_vec(), widths }
    }

    /// The titles.
    pub fn head(&self) -> String {
        self.row(&self.titles)
    }

    /// One row.
    pub fn row(&self, cells: &[String]) -> String {
        let mut line = String::new();
        for (cell, width) in cells.iter().zip(&self.widths) {
            let cell = clean(cell);
            line.push_str(&cell);
            let pad = width.saturating_sub(cell.chars().count()) + 2;
            line.extend(std::iter::repeat_n(' ', pad));
        }
        line.trim_end().to_owned()
    }
}

/// Text that came from elsewhere must not steer the terminal.
pub fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\t' || is_turning(c) { '\u{fffd}' } else { c }).collect()
}

/// Characters that make a line read in another order than it is written.
fn is_turning(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A value for people: texts without quotes, nothing for null.
pub fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A number of things, in the right number: `1 call`, `2 calls`.
pub fn counted(number: u64, thing: &str) -> String {
    if number == 1 { format!("1 {thing}") } else { format!("{number} {thing}s") }
}

/// Whether a person watches stderr.
pub fn is_watched() -> bool {
    io::stderr().is_terminal()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_does_not_steer_the_terminal() {
        for (text, shown) in [
            ("Ada\u{1b}[2J", "Ada\u{fffd}[2J"),
            ("two\nlines", "two\u{fffd}lines"),
            ("a\u{202e}b", "a\u{fffd}b"),
            ("Zoë 李", "Zoë 李"),
        ] {
            assert_eq!(clean(text), shown);
        }
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = vec![vec!["1".to_owned(), "short".into()], vec!["22".into(), "x".into()]];
        let table = Table::for_rows(&["N".to_owned(), "TEXT".into()], &rows);
        assert_eq!(table.head(), "N   TEXT");
        assert_eq!(table.row(&rows[0]), "1   short");
        assert_eq!(table.row(&rows[1]), "22  x");
    }
}
