//! One request, taken apart once.

use axum::http::HeaderMap;

/// A request as every stand-in reads it; each provider adds the ways of its own in an `impl` block beside its routes.
#[derive(Debug)]
pub(crate) struct Request {
    pub method: String,
    pub path: String,
    /// Path segments, percent-decoded; a slash at the end makes no difference.
    pub segments: Vec<String>,
    pub query: Vec<(String, String)>,
    pub headers: HeaderMap,
    /// `http://host:port` as the client addressed it.
    pub base: String,
    pub body: Vec<u8>,
    /// Epoch milliseconds on the stand-in's clock.
    pub now: i64,
    /// A name of its own, which some providers tell with every answer.
    pub id: String,
}

impl Request {
    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The token behind one of these schemes in the `Authorization` header.
    pub(crate) fn token(&self, schemes: &[&str]) -> Option<&str> {
        let (scheme, token) = self.header("authorization")?.split_once(' ')?;
        schemes.iter().any(|known| scheme.eq_ignore_ascii_case(known)).then(|| token.trim())
    }

    /// The fields of a form body.
    pub(crate) fn form(&self) -> Vec<(String, String)> {
        pairs(&self.body)
    }

    /// The same path and query on another host.
    pub(crate) fn elsewhere(&self, host: &str) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        let query = query.extend_pairs(&self.query).finish();
        let mark = if query.is_empty() { "" } else { "?" };
        format!("{}{}{mark}{query}", host.trim_end_matches('/'), self.path)
    }

    /// Whether the answer may come as gzip.
    pub(crate) fn takes_gzip(&self) -> bool {
        self.header("accept-encoding").is_some_and(|all| {
            all.split(',').any(|one| {
                let (name, quality) = one.split_once(';').unwrap_or((one, ""));
                name.trim().eq_ignore_ascii_case("gzip") && quality.replace(' ', "") != "q=0"
            })
        })
    }
}

/// Decodes `a=1&b=2`.
pub(crate) fn pairs(text: &[u8]) -> Vec<(String, String)> {
    url::form_urlencoded::parse(text).into_owned().collect()
}

/// The value of a form field, empty when it is not there.
pub(crate) fn field<'a>(fields: &'a [(String, String)], name: &str) -> &'a str {
    fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str()).unwrap_or_default()
}

/// Percent-decodes the segments of a path; `+` stays a plus there.
pub(crate) fn segments(path: &str) -> Vec<String> {
    // Everything that means something inside a form is protected, so that the form decoder only undoes the escapes.
    let protect = |part: &str| part.replace('+', "%2B").replace('=', "%3D").replace('&', "%26");
    path.split('/')
        .filter(|part| !part.is_empty())
        .map(|part| {
            pairs(protect(part).as_bytes()).into_iter().next().map_or_else(String::new, |(key, _)| key)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_decoded() {
        for (path, expected) in [
            ("/services/data/v66.0/sobjects/User/", "services|data|v66.0|sobjects|User"),
            ("/crm/v3/a%40b+c.org/x%3Dy=1", "crm|v3|a@b+c.org|x=y=1"),
            ("/a/Ext__c/a+b%2Fc%20d=1&e", "a|Ext__c|a+b/c d=1&e"),
            ("//", ""),
        ] {
            assert_eq!(segments(path).join("|"), expected);
        }
    }
}
