//! The tags of `If-Match` and `If-None-Match` (RFC 9110, 13.1).

use axum::http::{HeaderMap, HeaderName};

/// What a precondition names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Tags {
    /// `*`: whatever is there.
    Any,
    /// These revisions.
    These(Vec<String>),
}

impl Tags {
    /// The tags of a header, perhaps on several lines; `None` where there is none. Written `W/"3"`, `"3"` or `3`. One that is
    /// no text gives its name: what cannot be read must not be taken for no condition.
    pub fn read(headers: &HeaderMap, name: HeaderName) -> Result<Option<Self>, String> {
        let mut found = None;
        for line in headers.get_all(&name) {
            let line = line.to_str().map_err(|_| format!("the header {name} cannot be read"))?;
            match (&mut found, line.trim()) {
                (_, "*") | (Some(Self::Any), _) => found = Some(Self::Any),
                (Some(Self::These(tags)), line) => tags.extend(listed(line)),
                (None, line) => found = Some(Self::These(listed(line))),
            }
        }
        Ok(found)
    }

    /// Whether a revision is among them.
    pub fn hold(&self, revision: &str) -> bool {
        match self {
            Self::Any => true,
            Self::These(tags) => tags.iter().any(|tag| tag == revision),
        }
    }

    /// The revision that a write is to be based on, where this one is in force: this one if it is meant, else one that the
    /// write is refused for.
    pub fn base<'t>(&'t self, in_force: &'t str) -> &'t str {
        match self {
            Self::These(tags) if !self.hold(in_force) => tags.first().map_or("", String::as_str),
            _ => in_force,
        }
    }
}

fn listed(line: &str) -> Vec<String> {
    let (mut tags, mut rest) = (Vec::new(), line);
    loop {
        rest = rest.trim_start_matches(|c: char| c == ',' || c.is_whitespace());
        if rest.is_empty() {
            return tags;
        }
        let tag = rest.strip_prefix("W/").unwrap_or(rest);
        let quoted = tag.strip_prefix('"').and_then(|tag| tag.split_once('"'));
        let (tag, after) = quoted.unwrap_or_else(|| tag.split_at(tag.find(',').unwrap_or(tag.len())));
        tags.push(tag.trim_end().to_owned());
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderValue, header::IF_MATCH};

    use super::*;

    fn read(lines: &[&str]) -> Option<Tags> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(IF_MATCH, HeaderValue::from_str(line).unwrap());
        }
        Tags::read(&headers, IF_MATCH).unwrap()
    }

    #[test]
    fn tags_are_read_in_every_spelling() {
        for (lines, expect) in [
            (&["\"3\""][..], &["3"][..]),
            (&["W/\"3\""], &["3"]),
            (&["3"], &["3"]),
            (&["\"1\", W/\"2\",3 , "], &["1", "2", "3"]),
            (&["\"1\"", "\"2\""], &["1", "2"]),
            (&["\"a,1\", \"b c\""], &["a,1", "b c"]),
            (&["\"1"], &["\"1"]),
            (&[""], &[]),
        ] {
            let expect = Tags::These(expect.iter().map(|tag| (*tag).to_owned()).collect());
            assert_eq!(read(lines), Some(expect), "{lines:?}");
        }
        assert_eq!(
            (read(&[]), read(&[" * "]), read(&["\"1\"", "*"])),
            (None, Some(Tags::Any), Some(Tags::Any))
        );
        let unreadable = HeaderMap::from_iter([(IF_MATCH, HeaderValue::from_bytes(b"\"\xff\"").unwrap())]);
        assert!(Tags::read(&unreadable, IF_MATCH).is_err());
    }

    #[test]
    fn a_write_is_based_on_what_is_in_force_or_refused() {
        for (lines, base) in
            [(&["*"][..], "2"), (&["\"1\", \"2\""], "2"), (&["\"1\", \"3\""], "1"), (&[""], "")]
        {
            assert_eq!(read(lines).unwrap().base("2"), base, "{lines:?}");
        }
    }
}
