//! The two cookies of the pages: one that ties forms to a browser, one that is a session.

use axum::http::{HeaderMap, HeaderValue, header};

use super::ROOT;

/// Ties forms to a browser before anybody has signed in.
pub(crate) const FORMS: &str = "concord_forms";
/// The session of who has signed in.
pub(crate) const SESSION: &str = "concord_session";

/// 32 random bytes as text.
pub(crate) fn random() -> std::io::Result<String> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(std::io::Error::other)?;
    Ok(blake3::Hash::from_bytes(bytes).to_hex().to_string())
}

/// The value of a cookie, if it is one of ours by its form.
pub(crate) fn read(headers: &HeaderMap, name: &str) -> Option<String> {
    let all = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let value = all.flat_map(|line| line.split(';')).find_map(|pair| {
        let (found, value) = pair.trim().split_once('=')?;
        (found == name).then_some(value)
    })?;
    let fits = value.len() == 64 && value.bytes().all(|b| b.is_ascii_hexdigit());
    fits.then(|| value.to_owned())
}

/// Sets a cookie until the browser is closed; no script and no other site's page can use it.
pub(crate) fn set(name: &str, value: &str, secure: bool) -> Option<HeaderValue> {
    let secure = if secure { "; Secure" } else { "" };
    HeaderValue::from_str(&format!("{name}={value}; Path={ROOT}; HttpOnly; SameSite=Strict{secure}")).ok()
}

/// Takes a cookie away.
pub(crate) fn end(name: &str, secure: bool) -> Option<HeaderValue> {
    let secure = if secure { "; Secure" } else { "" };
    HeaderValue::from_str(&format!("{name}=; Path={ROOT}; HttpOnly; SameSite=Strict; Max-Age=0{secure}")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_are_for_these_pages_alone_and_over_https_only_for_https() {
        for secure in [false, true] {
            for line in [set(SESSION, "x", secure), end(SESSION, secure)] {
                let line = line.unwrap();
                let line = line.to_str().unwrap();
                for part in ["Path=/people", "HttpOnly", "SameSite=Strict"] {
                    assert!(line.contains(part), "{line}");
                }
                assert_eq!(line.contains("; Secure"), secure, "{line}");
                assert!(!line.contains("Domain="), "this host alone: {line}");
            }
        }
    }

    #[test]
    fn only_cookies_of_our_form_are_read() {
        let value = random().unwrap();
        for (line, expect) in [
            (format!("{SESSION}={value}"), Some(value.clone())),
            (format!("a=b; {SESSION}={value} ; c=d"), Some(value.clone())),
            (format!("x{SESSION}={value}"), None),
            (format!("{SESSION}=short"), None),
            (format!("{SESSION}={}", "g".repeat(64)), None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::COOKIE, line.parse().unwrap());
            assert_eq!(read(&headers, SESSION), expect, "{line}");
        }
    }
}
