//! Comma-separated values as Bulk API 2.0 writes and reads them: quoted where needed, quotes doubled, lines ended by LF.

/// What sets a field to null in an upload; an empty field leaves it as it is.
pub(crate) const NULL: &str = "#N/A";

/// Appends one line.
pub(crate) fn write_line<'a>(out: &mut Vec<u8>, fields: impl IntoIterator<Item = &'a str>) {
    for (at, field) in fields.into_iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        // Blanks at an end are kept by quoting too.
        if field.contains([',', '"', '\n', '\r']) || field.trim() != field {
            out.push(b'"');
            for byte in field.bytes() {
                if byte == b'"' {
                    out.push(b'"');
                }
                out.push(byte);
            }
            out.push(b'"');
        } else {
            out.extend_from_slice(field.as_bytes());
        }
    }
    out.push(b'\n');
}

/// Reads lines, one at a time, from a body that holds whole lines.
pub(crate) struct Lines<'b> {
    body: &'b [u8],
    at: usize,
}

impl<'b> Lines<'b> {
    pub fn new(body: &'b [u8]) -> Self {
        // A byte order mark is no part of the first name.
        Self { body: body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body), at: 0 }
    }

    /// Goes on at a [`Self::position`] of the same body.
    pub fn at(body: &'b [u8], at: usize) -> Self {
        Self { at, ..Self::new(body) }
    }

    /// How much was read.
    pub fn position(&self) -> usize {
        self.at
    }

    /// The next line's fields; `None` at the end. A quote that is never closed is an error: the body was cut.
    pub fn next_line(&mut self) -> Option<Result<Vec<String>, String>> {
        // Blank lines at the end are no records.
        while self.body.get(self.at).is_some_and(|b| matches!(b, b'\n' | b'\r')) {
            self.at += 1;
        }
        self.body.get(self.at)?;
        Some(self.read_line())
    }

    fn read_line(&mut self) -> Result<Vec<String>, String> {
        let mut fields = Vec::new();
        loop {
            let mut field = Vec::new();
            if self.body.get(self.at) == Some(&b'"') {
                self.at += 1;
                loop {
                    match (self.body.get(self.at), self.body.get(self.at + 1)) {
                        (None, _) => return Err("the CSV ends inside a quoted field".to_owned()),
                        (Some(b'"'), Some(b'"')) => {
                            field.push(b'"');
                            self.at += 2;
                        }
                        (Some(b'"'), _) => {
                            self.at += 1;
                            break;
                        }
                        (Some(byte), _) => {
                            field.push(*byte);
                            self.at += 1;
                        }
                    }
                }
            } else {
                while let Some(byte) = self.body.get(self.at).filter(|b| !matches!(b, b',' | b'\n' | b'\r')) {
                    field.push(*byte);
                    self.at += 1;
                }
            }
            fields.push(String::from_utf8(field).map_err(|_| "the CSV is not UTF-8".to_owned())?);
            match self.body.get(self.at) {
                Some(b',') => self.at += 1,
                None => return Ok(fields),
                Some(b'\r') if self.body.get(self.at + 1) == Some(&b'\n') => {
                    self.at += 2;
                    return Ok(fields);
                }
                Some(b'\n' | b'\r') => {
                    self.at += 1;
                    return Ok(fields);
                }
                Some(_) => return Err("the CSV has text behind a closing quote".to_owned()),
            }
        }
    }
}

/// How many lines there are, the head included; an error where the text is not whole.
pub(crate) fn count(body: &[u8]) -> Result<u64, String> {
    if !body.is_empty() && body.last() != Some(&b'\n') {
        return Err("the CSV does not end with its last line".to_owned());
    }
    let mut lines = Lines::new(body);
    let mut width = None;
    let mut count = 0;
    while let Some(line) = lines.next_line() {
        let found = line?.len();
        if *width.get_or_insert(found) != found {
            return Err(format!(
                "line {} of the CSV has {found} fields where the head has another number",
                count + 1
            ));
        }
        count += 1;
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Lines, count, write_line};

    fn read(text: &str) -> Result<Vec<Vec<String>>, String> {
        let mut lines = Lines::new(text.as_bytes());
        std::iter::from_fn(|| lines.next_line()).collect()
    }

    #[test]
    fn lines_are_read_as_they_come() {
        for (text, expect) in [
            ("", vec![]),
            ("\"Id\",\"Name\"\n\"1\",\"\"\n", vec![vec!["Id", "Name"], vec!["1", ""]]),
            ("a,b\r\nc,\r\n", vec![vec!["a", "b"], vec!["c", ""]]),
            ("a,\"b\"\"c\nd,e\"", vec![vec!["a", "b\"c\nd,e"]]),
            ("\u{feff}Id\n1\n\n", vec![vec!["Id"], vec!["1"]]),
        ] {
            assert_eq!(read(text).unwrap(), expect, "{text:?}");
        }
        for broken in ["a,\"b", "\"a\"b,c\n"] {
            assert!(read(broken).is_err(), "{broken:?}");
        }
    }

    #[test]
    fn a_cut_text_is_noticed() {
        assert_eq!(count(b"Id,A\n1,x\n2,y\n"), Ok(3));
        assert_eq!(count(b""), Ok(0));
        for cut in ["Id,A\n1,x\n2,", "Id,A\n1,x\n2\n", "Id,A\n1,\"x", "Id,A\n1,x\n2,y"] {
            assert!(count(cut.as_bytes()).is_err(), "{cut:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(rows in prop::collection::vec(prop::collection::vec("[a,\" \r\n#é]{0,8}", 2..5), 1..6)) {
            let width = rows[0].len();
            let rows: Vec<Vec<String>> = rows.into_iter().map(|mut r| { r.resize(width, "x".into()); r }).collect();
            let mut out = Vec::new();
            for row in &rows {
                write_line(&mut out, row.iter().map(String::as_str));
            }
            let text = String::from_utf8(out).unwrap();
            prop_assert_eq!(read(&text).unwrap(), rows.clone());
            prop_assert_eq!(count(text.as_bytes()), Ok(rows.len() as u64));
        }
    }
}
