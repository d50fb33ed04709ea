//! Comma-separated values as Bulk API 2.0 writes and reads them: quoted where needed, quotes doubled, lines ended by LF.

/// What sets a field to null in an upload; an empty field leaves it as it is.
pub const NULL: &str = "#N/A";

/// Appends one line.
pub fn write_line<'a>(out: &mut Vec<u8>, fields: impl IntoIterator<Item = &'a str>) {
    let before = out.len();
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
    if out.len() == before {
        // A blank line would be no record.
        out.extend_from_slice(b"\"\"");
    }
    out.push(b'\n');
}

/// Reads lines, one at a time, from a text that holds whole lines.
pub struct Lines<'b> {
    body: &'b [u8],
    at: usize,
}

impl<'b> Lines<'b> {
    /// Begins with a body.
    pub fn new(body: &'b [u8]) -> Self {
        Self { body, at: 0 }
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

/// A line cannot be longer: a record of Salesforce's has at most 400,000 characters.
const LONGEST_LINE: usize = 4 * 1024 * 1024;

/// What some programs put before the first name; it is no part of it.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Where in a line the reading is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Within {
    #[default]
    FieldStart,
    Plain,
    Quoted,
    /// Behind a quote inside of a quoted field: its end, or the first of two.
    Quote,
}

/// Reads lines from a body that comes in parts, of which it keeps no more than the line that is under way. Every line
/// has as many fields as the first one.
#[derive(Debug, Default)]
pub struct Decoder {
    buffer: Vec<u8>,
    /// Where the line that is under way begins, and how far it was looked at.
    start: usize,
    seen: usize,
    within: Within,
    /// Whether it is known what the body begins with.
    begun: bool,
    width: Option<usize>,
}

impl Decoder {
    /// Takes the next part of the body.
    pub fn push(&mut self, part: &[u8]) {
        self.buffer.drain(..self.start);
        self.seen -= self.start;
        self.start = 0;
        self.buffer.extend_from_slice(part);
    }

    /// The next whole line; `None` when more of the body is needed.
    pub fn next_line(&mut self) -> Result<Option<Vec<String>>, String> {
        if !self.begun {
            if self.buffer.len() < BYTE_ORDER_MARK.len() && BYTE_ORDER_MARK.starts_with(&self.buffer) {
                return Ok(None);
            }
            self.begun = true;
            if self.buffer.starts_with(BYTE_ORDER_MARK) {
                (self.start, self.seen) = (BYTE_ORDER_MARK.len(), BYTE_ORDER_MARK.len());
            }
        }
        while let Some(byte) = self.buffer.get(self.seen) {
            self.seen += 1;
            self.within = match (self.within, byte) {
                (Within::FieldStart | Within::Quote, b'"') => Within::Quoted,
                (Within::Quoted, b'"') => Within::Quote,
                (Within::Quoted, _) => Within::Quoted,
                (_, b',') => Within::FieldStart,
                // A line ends with either, or with both: then an empty one follows, which is no record.
                (_, b'\n' | b'\r') => {
                    self.within = Within::FieldStart;
                    let line = self.buffer.get(self.start..self.seen).unwrap_or_default();
                    let line = Lines::new(line).next_line().transpose()?;
                    self.start = self.seen;
                    match line {
                        Some(line) => return self.checked(line).map(Some),
                        // Blank lines are no records.
                        None => continue,
                    }
                }
                _ => Within::Plain,
            };
        }
        if self.seen - self.start > LONGEST_LINE {
            return Err("a line of the CSV does not end".to_owned());
        }
        Ok(None)
    }

    /// What is left at the end of the body: a last line that no line break ends.
    pub fn finish(mut self) -> Result<Option<Vec<String>>, String> {
        let rest = self.buffer.split_off(self.start);
        match Lines::new(&rest).next_line().transpose()? {
            Some(line) => self.checked(line).map(Some),
            None => Ok(None),
        }
    }

    fn checked(&mut self, line: Vec<String>) -> Result<Vec<String>, String> {
        let width = *self.width.get_or_insert(line.len());
        if line.len() == width {
            Ok(line)
        } else {
            Err(format!("a line of the CSV has {} fields and its head {width}", line.len()))
        }
    }
}

/// Every line of a body that is there as a whole, the head first.
pub fn lines(body: &[u8]) -> Result<Vec<Vec<String>>, String> {
    let mut decoder = Decoder::default();
    decoder.push(body);
    let mut lines = Vec::new();
    while let Some(line) = decoder.next_line()? {
        lines.push(line);
    }
    lines.extend(decoder.finish()?);
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Decoder, Lines, lines, write_line};

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
        ] {
            assert_eq!(read(text).unwrap(), expect, "{text:?}");
        }
        for broken in ["a,\"b", "\"a\"b,c\n"] {
            assert!(read(broken).is_err(), "{broken:?}");
        }
    }

    #[test]
    fn a_record_without_a_value_stays_one() {
        let mut out = Vec::new();
        for line in [["Name"], [""], ["x"]] {
            write_line(&mut out, line);
        }
        assert_eq!(lines(&out), Ok(vec![vec!["Name".into()], vec![String::new()], vec!["x".into()]]));
    }

    #[test]
    fn a_cut_text_is_noticed() {
        for (text, expect) in
            [("Id,A\n1,x\n2,y\n", 3), ("Id,A\n1,x\n2,y", 3), ("\u{feff}Id\r\n\r\n1\r\n", 2), ("", 0)]
        {
            assert_eq!(lines(text.as_bytes()).map(|all| all.len()), Ok(expect), "{text:?}");
        }
        for (text, expect) in [
            ("Id,A\r1,x\r2,y", vec![vec!["Id", "A"], vec!["1", "x"], vec!["2", "y"]]),
            ("Id\r\n1\r2\n", vec![vec!["Id"], vec!["1"], vec!["2"]]),
            ("\u{feff}\"Id\",A\n\u{feff}1,\"x\ry\"\n", vec![vec!["Id", "A"], vec!["\u{feff}1", "x\ry"]]),
        ] {
            let read = lines(text.as_bytes()).unwrap();
            assert_eq!(read, expect, "{text:?}: no text is lost, whatever ends the lines");
        }
        for cut in ["Id,A\n1,x\ry\n", "Id,A\n1,x\n2\n", "Id,A\n1,\"x", "Id,A\n1,x\n2"] {
            assert!(lines(cut.as_bytes()).is_err(), "{cut:?}");
        }
        let mut endless = Decoder::default();
        endless.push(b"Id,A\n1,\"");
        for _ in 0..5 {
            endless.push(&[b'x'; 1024 * 1024]);
            if endless.next_line().is_err() {
                return;
            }
        }
        panic!("a line without an end is kept");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(rows in prop::collection::vec(prop::collection::vec("[a,\" \r\n#é]{0,8}", 2..5), 1..6), size in 1usize..20) {
            let width = rows[0].len();
            let rows: Vec<Vec<String>> = rows.into_iter().map(|mut r| { r.resize(width, "x".into()); r }).collect();
            let mut out = Vec::new();
            for row in &rows {
                write_line(&mut out, row.iter().map(String::as_str));
            }
            let text = String::from_utf8(out.clone()).unwrap();
            prop_assert_eq!(read(&text).unwrap(), rows.clone());
            // In parts of any size, as it comes over the network.
            let mut decoder = Decoder::default();
            let mut parts = Vec::new();
            for part in out.chunks(size) {
                decoder.push(part);
                while let Some(line) = decoder.next_line().unwrap() {
                    parts.push(line);
                }
            }
            prop_assert_eq!(decoder.finish(), Ok(None));
            prop_assert_eq!(parts, rows);
        }
    }
}
