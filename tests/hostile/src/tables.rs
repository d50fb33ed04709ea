//! Tables: CSV of bulk jobs, CSV for spreadsheets, lists of claims.

use connector::salesforce::csv;

use crate::text;

/// How a body is cut does not change what is read, and what is written reads the same.
pub fn bulk(input: &[u8]) -> bool {
    let Some((&how, body)) = input.split_first() else { return false };
    let whole = csv::lines(body);
    let step = usize::from(how % 13) + 1;
    let mut decoder = csv::Decoder::default();
    let mut lines = Vec::new();
    let mut cut = || -> Result<Vec<Vec<String>>, String> {
        for part in body.chunks(step) {
            decoder.push(part);
            while let Some(line) = decoder.next_line()? {
                lines.push(line);
            }
        }
        lines.extend(std::mem::take(&mut decoder).finish()?);
        Ok(std::mem::take(&mut lines))
    };
    let parts = cut();
    assert_eq!(parts.is_ok(), whole.is_ok(), "in parts of {step}: {parts:?}, whole: {whole:?}");
    let Ok(whole) = whole else { return false };
    assert_eq!(parts.as_ref(), Ok(&whole), "in parts of {step}");
    // Nothing of the text is lost: every letter and digit of the body is in a field.
    let letters = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).count();
    let read: usize = whole.iter().flatten().map(|field| letters(field)).sum();
    let given = std::str::from_utf8(body).map_or(read, letters);
    assert_eq!(read, given, "text was lost: {whole:?}");
    // What is written begins with names, as every upload does.
    let head = vec!["Name".to_owned(); whole.first().map_or(1, Vec::len)];
    let whole: Vec<Vec<String>> = std::iter::once(head).chain(whole).collect();
    let mut written = Vec::new();
    for line in &whole {
        csv::write_line(&mut written, line.iter().map(String::as_str));
    }
    assert_eq!(
        csv::lines(&written).as_ref(),
        Ok(&whole),
        "written as {:?}",
        String::from_utf8_lossy(&written)
    );
    true
}

/// Every cell comes back as it was, or behind the apostrophe that keeps it from being a formula.
pub fn export(input: &[u8]) -> bool {
    let Some(text) = text(input) else { return false };
    let cells: Vec<&str> = text.split('\u{1f}').collect();
    let mut row = Vec::new();
    api::csv::write_row(&mut row, cells.iter().copied()).unwrap();
    let row = String::from_utf8(row).expect("text stays text");
    let read = spreadsheet_row(&row).unwrap_or_else(|| panic!("no row of RFC 4180: {row:?}"));
    assert_eq!(read.len(), cells.len(), "{row:?}");
    for (cell, read) in cells.iter().zip(&read) {
        assert!(!read.starts_with(['=', '+', '-', '@', '\t', '\r']), "a formula: {read:?}");
        assert!(read == cell || read.strip_prefix('\'') == Some(cell), "{cell:?} came back as {read:?}");
    }
    true
}

/// The one row of a text, as RFC 4180 has it.
fn spreadsheet_row(text: &str) -> Option<Vec<String>> {
    let mut rest = text.strip_suffix("\r\n")?;
    let mut cells = Vec::new();
    loop {
        if let Some(mut inside) = rest.strip_prefix('"') {
            let mut cell = String::new();
            loop {
                let (before, after) = inside.split_once('"')?;
                cell.push_str(before);
                match after.strip_prefix('"') {
                    Some(more) => {
                        cell.push('"');
                        inside = more;
                    }
                    None => {
                        rest = after;
                        break;
                    }
                }
            }
            cells.push(cell);
        } else {
            let (cell, after) = rest.split_at(rest.find([',', '\r', '\n', '"']).unwrap_or(rest.len()));
            cells.push(cell.to_owned());
            rest = after;
        }
        if rest.is_empty() {
            return Some(cells);
        }
        rest = rest.strip_prefix(',')?;
    }
}

/// Every claim has a URI, and the words of a refusal are a sentence, not the file.
pub fn claims(input: &[u8]) -> bool {
    let Some(text) = text(input) else { return false };
    match api::claims_in(text) {
        Ok(uris) => {
            assert!(uris.iter().all(|uri| !uri.is_empty()), "{uris:?}");
            true
        }
        Err(why) => {
            assert!(why.chars().count() < 2000, "{why}");
            false
        }
    }
}
