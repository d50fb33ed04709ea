//! Forms: what they carry, and the token that ties them to a browser.

use subtle::ConstantTimeEq as _;

/// The field that carries a form's token.
pub(crate) const TOKEN: &str = "form";
/// Most bytes of a form: dozens of values of full length, each character in up to twelve bytes.
pub(crate) const LARGEST: usize = 1 << 20;
/// Most fields of a form.
const FIELDS: usize = 500;
/// Most characters of a value.
pub(crate) const LONGEST: usize = 2000;

/// What was typed into a form.
#[derive(Debug, Default, Clone)]
pub(crate) struct Form(Vec<(String, String)>);

impl Form {
    pub fn read(body: &[u8]) -> Self {
        // One more, which tells that there were too many.
        Self(url::form_urlencoded::parse(body).into_owned().take(FIELDS + 1).collect())
    }

    pub fn text(&self, name: &str) -> &str {
        self.0.iter().find(|(n, _)| n == name).map_or("", |(_, value)| value)
    }

    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(n, _)| n == name)
    }

    /// Whether there are more fields, or a longer value, than any form needs.
    pub fn too_long(&self) -> bool {
        self.0.len() > FIELDS || self.0.iter().any(|(_, value)| value.chars().count() > LONGEST)
    }
}

/// A key of this process alone, under which forms belong to cookies.
pub(crate) struct Seal([u8; 32]);

impl Seal {
    pub fn new() -> std::io::Result<Self> {
        let mut key = [0; 32];
        getrandom::fill(&mut key).map_err(std::io::Error::other)?;
        Ok(Self(key))
    }

    /// The token of the forms that belong to a cookie.
    pub fn token(&self, cookie: &str) -> String {
        blake3::keyed_hash(&self.0, cookie.as_bytes()).to_hex().to_string()
    }

    /// Whether a form belongs to a cookie.
    pub fn fits(&self, cookie: &str, token: &str) -> bool {
        self.token(cookie).as_bytes().ct_eq(token.as_bytes()).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_belongs_to_one_cookie_and_one_process() {
        let (one, other) = (Seal::new().unwrap(), Seal::new().unwrap());
        let token = one.token("a");
        assert!(one.fits("a", &token));
        assert!(!one.fits("b", &token) && !other.fits("a", &token) && !one.fits("a", ""));
    }
}
