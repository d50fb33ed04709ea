//! The system's browser, for people who would rather consent there.

use url::Url;

use crate::oauth_window::is_web_page;

/// Shows a page in the system's browser. Anything but a web page is refused: the desktop would start whatever
/// program is registered for it.
pub fn show(url: &Url) -> Result<(), String> {
    if !is_web_page(url) {
        return Err(format!("{} is not a web page; check the connector's authorize URL.", url.scheme()));
    }
    open::that_detached(url.as_str()).map_err(|problem| {
        format!("No browser could be started ({problem}). Use the embedded window instead, or set a default browser.")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_web_pages_leave_the_application() {
        for url in
            ["file:///etc/passwd", "mailto:a@example.org", "concord://x", "http://crm.example.org/oauth"]
        {
            assert!(show(&url.parse().unwrap()).is_err(), "{url} must not be opened");
        }
    }
}
