//! CSV as the Bulk API reads and writes it: RFC 4180 with a choice of delimiters, spaces kept.

/// Reads all rows. Says in words why the text is no CSV.
pub(crate) fn read(text: &str, delimiter: char) -> Result<Vec<Vec<String>>, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut rows = Vec::new();
    let mut row = Vec::new();
    let mut cell = String::new();
    let mut chars = text.chars().peekable();
    // Whether anything of a row has been seen since the last line end.
    let mut begun = false;
    while let Some(c) = chars.next() {
        match c {
            '"' if cell.is_empty() => {
                begun = true;
                loop {
                    match chars.next() {
                        Some('"') if chars.peek() == Some(&'"') => {
                            chars.next();
                            cell.push('"');
                        }
                        Some('"') => break,
                        Some(inside) => cell.push(inside),
                        None => return Err(format!("a quote in row {} is never closed", rows.len() + 1)),
                    }
                }
            }
            c if c == delimiter => {
                begun = true;
                row.push(std::mem::take(&mut cell));
            }
            '\r' if chars.peek() == Some(&'\n') => {}
            '\n' | '\r' => {
                if begun {
                    row.push(std::mem::take(&mut cell));
                    rows.push(std::mem::take(&mut row));
                }
                begun = false;
            }
            c => {
                begun = true;
                cell.push(c);
            }
        }
    }
    if begun {
        row.push(cell);
        rows.push(row);
    }
    Ok(rows)
}

/// Adds one row; every cell is quoted, as Salesforce does.
pub(crate) fn write<'a>(
    out: &mut String,
    cells: impl IntoIterator<Item = &'a str>,
    delimiter: char,
    ending: &str,
) {
    for (at, cell) in cells.into_iter().enumerate() {
        if at > 0 {
            out.push(delimiter);
        }
        out.push('"');
        for c in cell.chars() {
            if c == '"' {
                out.push('"');
            }
            out.push(c);
        }
        out.push('"');
    }
    out.push_str(ending);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows() {
        for (text, expected) in [
            ("a,b\n1,2\n", vec![vec!["a", "b"], vec!["1", "2"]]),
            ("a,b\r\n1,\r\n", vec![vec!["a", "b"], vec!["1", ""]]),
            ("a\n\"x, \"\"y\"\"\nz\"", vec![vec!["a"], vec!["x, \"y\"\nz"]]),
            ("\u{feff}a,b\n,\n\n", vec![vec!["a", "b"], vec!["", ""]]),
            ("a\n\"\"\n 1 \n", vec![vec!["a"], vec![""], vec![" 1 "]]),
            ("", vec![]),
        ] {
            assert_eq!(read(text, ',').unwrap(), expected, "{text:?}");
        }
        assert!(read("a\n\"open", ',').is_err());
        assert_eq!(read("a|b", '|').unwrap(), [["a", "b"]]);
    }

    #[test]
    fn what_is_written_is_read() {
        let cells = ["plain", "", "with, comma", "with \"quotes\"", "two\nlines", " Zoë 🎉 "];
        let mut out = String::new();
        write(&mut out, cells, ';', "\r\n");
        assert_eq!(read(&out, ';').unwrap(), [cells]);
    }
}
