//! Record ids: 15 characters where case matters, and the 18-character form that survives programs that ignore case.

/// The 18-character form of an id; `None` for what is no id.
pub(crate) fn long(id: &str) -> Option<String> {
    let bytes = id.as_bytes();
    if !matches!(bytes.len(), 15 | 18) || !bytes.iter().all(u8::is_ascii_alphanumeric) {
        return None;
    }
    let core = bytes.get(..15)?;
    let mut text = String::from_utf8(core.to_vec()).ok()?;
    for group in core.chunks(5) {
        let bits =
            group.iter().enumerate().fold(0u8, |bits, (i, b)| bits | (u8::from(b.is_ascii_uppercase()) << i));
        text.push(char::from(if bits < 26 { b'A' + bits } else { b'0' + bits - 26 }));
    }
    // An 18-character id carries its own check.
    (bytes.len() == 15 || text.eq_ignore_ascii_case(id)).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::long;

    #[test]
    fn both_forms_become_the_long_one() {
        for (id, expect) in [
            ("00530000009hWLc", Some("00530000009hWLcAAM")),
            ("00530000009hWLcAAM", Some("00530000009hWLcAAM")),
            ("00DS0000003K4fU", Some("00DS0000003K4fUMAS")),
            ("00530000009hWLcAAX", None),
            ("00530000009hWL", None),
            ("0053000000'hWLc", None),
            ("", None),
        ] {
            assert_eq!(long(id).as_deref(), expect, "{id}");
        }
    }
}
