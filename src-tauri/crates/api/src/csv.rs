//! Rows for spreadsheets: RFC 4180, and nothing in them that a spreadsheet would take for a formula.

use std::io::{self, Write};

/// What makes a spreadsheet calculate, or call out, when a cell begins with it.
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// Writes one row.
pub fn write_row<'c>(out: &mut impl Write, cells: impl IntoIterator<Item = &'c str>) -> io::Result<()> {
    for (i, cell) in cells.into_iter().enumerate() {
        if i > 0 {
            out.write_all(b",")?;
        }
        write_cell(out, cell)?;
    }
    out.write_all(b"\r\n")
}

fn write_cell(out: &mut impl Write, cell: &str) -> io::Result<()> {
    // An apostrophe is how spreadsheets say that what follows is text.
    let guard = if cell.starts_with(FORMULA) { "'" } else { "" };
    if guard.is_empty() && !cell.contains([',', '"', '\r', '\n']) {
        return out.write_all(cell.as_bytes());
    }
    write!(out, "\"{guard}{}\"", cell.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::write_row;

    #[test]
    fn no_cell_is_a_formula_or_breaks_its_row() {
        for (cells, row) in [
            (vec!["Ann", "Lee", ""], "Ann,Lee,"),
            (vec!["a,b", "say \"no\"", "two\nlines"], "\"a,b\",\"say \"\"no\"\"\",\"two\nlines\""),
            (vec!["=HYPERLINK(\"x\")"], "\"'=HYPERLINK(\"\"x\"\")\""),
            (
                vec!["+1 555", "-2", "@cmd", "\t=1", "\r=1"],
                "\"'+1 555\",\"'-2\",\"'@cmd\",\"'\t=1\",\"'\r=1\"",
            ),
            (vec!["a=1", " =1", "Zoë 李"], "a=1, =1,Zoë 李"),
        ] {
            let mut out = Vec::new();
            write_row(&mut out, cells.iter().copied()).unwrap();
            assert_eq!(String::from_utf8(out).unwrap(), format!("{row}\r\n"), "{cells:?}");
        }
    }
}
