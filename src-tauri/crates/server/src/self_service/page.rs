//! How the pages look: HTML without scripts, a style sheet of their own, and a policy that allows nothing else.

use std::fmt::Write as _;

use axum::{
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
};

use super::ROOT;

/// Nothing but our own style sheet and forms to ourselves.
const POLICY: &str =
    "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// A page on its way to a browser.
pub(crate) struct Sheet {
    pub status: StatusCode,
    title: String,
    body: String,
}

impl Sheet {
    pub fn new(title: &str) -> Self {
        Self { status: StatusCode::OK, title: title.to_owned(), body: String::new() }
    }

    pub fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// Markup of ours; what came from outside goes through [`text`] first.
    pub fn add(mut self, markup: &str) -> Self {
        self.body.push_str(markup);
        self
    }

    pub fn paragraph(self, words: &str) -> Self {
        self.add(&format!("<p>{}</p>", text(words)))
    }

    /// Says how something went, before everything else.
    pub fn said(self, words: Option<&str>) -> Self {
        match words {
            Some(words) => self.add(&format!("<p class=\"said\" role=\"status\">{}</p>", text(words))),
            None => self,
        }
    }

    /// What is wrong, each with a link to its field where it has one.
    pub fn wrong(self, problems: &[(String, String)]) -> Self {
        if problems.is_empty() {
            return self;
        }
        let mut list = String::from("<div class=\"wrong\" role=\"alert\"><h2>Please correct this</h2><ul>");
        for (field, words) in problems {
            let words = text(words);
            let _ = if field.is_empty() {
                write!(list, "<li>{words}</li>")
            } else {
                write!(list, "<li><a href=\"#{}\">{words}</a></li>", text(field))
            };
        }
        list.push_str("</ul></div>");
        self.add(&list)
    }
}

impl IntoResponse for Sheet {
    fn into_response(self) -> Response {
        let title = text(&self.title);
        let page = format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}</title>\n\
             <link rel=\"stylesheet\" href=\"{ROOT}/style.css\">\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n{}\n</main>\n</body>\n</html>\n",
            self.body
        );
        guarded((self.status, Html(page)).into_response())
    }
}

/// A page that says why there is no other.
pub(crate) fn problem(status: StatusCode, words: &str) -> Response {
    Sheet::new("This did not work").status(status).paragraph(words).into_response()
}

/// Sends the browser on to another page.
pub(crate) fn go(path: &str) -> Response {
    let mut answer = StatusCode::SEE_OTHER.into_response();
    if let Ok(place) = HeaderValue::from_str(&format!("{ROOT}{path}")) {
        answer.headers_mut().insert(header::LOCATION, place);
    }
    guarded(answer)
}

fn guarded(mut answer: Response) -> Response {
    let headers = answer.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        // Without a referrer, browsers would call a form's origin `null`, which is refused.
        (header::REFERRER_POLICY, "same-origin"),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (
            HeaderName::from_static("permissions-policy"),
            "interest-cohort=(), camera=(), microphone=(), geolocation=()",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    answer
}

/// The kind of a field with several lines.
pub(crate) const LINES: &str = "textarea";

/// A field of a form.
pub(crate) struct Input<'a> {
    pub name: &'a str,
    pub title: &'a str,
    pub kind: &'static str,
    pub value: &'a str,
    pub required: bool,
    pub autocomplete: &'static str,
    pub help: &'a str,
    /// What is wrong with its value.
    pub problems: Vec<&'a str>,
}

impl Input<'_> {
    pub fn markup(&self) -> String {
        let (name, title) = (text(self.name), text(self.title));
        let mut about = Vec::new();
        let mut below = String::new();
        if !self.problems.is_empty() {
            about.push(format!("{name}-problem"));
            let words = text(&self.problems.join("; "));
            let _ = write!(below, "<p class=\"problem\" id=\"{name}-problem\">{words}</p>");
        }
        if !self.help.is_empty() {
            about.push(format!("{name}-help"));
            let _ = write!(below, "<p class=\"help\" id=\"{name}-help\">{}</p>", text(self.help));
        }
        let mut more = String::new();
        if !about.is_empty() {
            let _ = write!(more, " aria-describedby=\"{}\"", about.join(" "));
        }
        if !self.problems.is_empty() {
            more.push_str(" aria-invalid=\"true\"");
        }
        if self.required {
            more.push_str(" required");
        }
        if !self.autocomplete.is_empty() {
            let _ = write!(more, " autocomplete=\"{}\"", self.autocomplete);
        }
        if self.kind == "checkbox" {
            let checked = if self.value == "true" { " checked" } else { "" };
            return format!(
                "<div class=\"field check\"><input id=\"{name}\" name=\"{name}\" type=\"checkbox\" value=\"true\"{checked}{more}> <label for=\"{name}\">{title}</label>{below}</div>"
            );
        }
        let optional = if self.required { "" } else { " <span class=\"optional\">(optional)</span>" };
        let value = if self.kind == "password" { String::new() } else { text(self.value) };
        let input = if self.kind == LINES {
            let rows = self.value.lines().count() + 1;
            // A browser takes away the first line break within it.
            format!("<textarea id=\"{name}\" name=\"{name}\" rows=\"{rows}\"{more}>\n{value}</textarea>")
        } else {
            format!("<input id=\"{name}\" name=\"{name}\" type=\"{}\" value=\"{value}\"{more}>", self.kind)
        };
        format!("<div class=\"field\"><label for=\"{name}\">{title}{optional}</label>{input}{below}</div>")
    }
}

/// A form with its token.
pub(crate) fn form(path: &str, token: &str, fields: &str, button: &str) -> String {
    format!(
        "<form method=\"post\" action=\"{ROOT}{path}\"><input type=\"hidden\" name=\"{}\" value=\"{}\">{fields}<button type=\"submit\">{}</button></form>",
        super::forms::TOKEN,
        text(token),
        text(button)
    )
}

/// Text as markup shows it.
pub(crate) fn text(plain: &str) -> String {
    let mut safe = String::with_capacity(plain.len());
    for c in plain.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}

/// The style sheet.
pub(crate) async fn style() -> Response {
    let kind = [(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, "max-age=3600")];
    (kind, include_str!("style.css")).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_from_outside_stays_text() {
        let hostile = "\"><script>alert('1')</script>&";
        let markup = Input {
            name: "sn",
            title: hostile,
            kind: "text",
            value: hostile,
            required: true,
            autocomplete: "",
            help: hostile,
            problems: vec![hostile],
        }
        .markup();
        assert!(!markup.contains("<script"), "{markup}");
        assert_eq!(markup.matches("&quot;&gt;&lt;script&gt;").count(), 4, "{markup}");
    }

    #[test]
    fn a_password_is_never_shown_again() {
        let markup = Input {
            name: "password",
            title: "Password",
            kind: "password",
            value: "Secret 12",
            required: true,
            autocomplete: "new-password",
            help: "",
            problems: vec![],
        }
        .markup();
        assert!(!markup.contains("Secret"), "{markup}");
    }
}
