//! One request, taken apart once.

use axum::http::HeaderMap;
use serde_json::{Map, Value};

use super::problem::Problem;

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
    /// Epoch milliseconds on the sandbox's clock.
    pub now: i64,
}

impl Request {
    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// An option inside a header such as `Sforce-Query-Options: batchSize=500`.
    pub(crate) fn header_option(&self, header: &str, name: &str) -> Option<&str> {
        self.header(header)?.split([',', ';']).find_map(|part| {
            let (key, value) = part.split_once('=')?;
            key.trim().eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }

    /// A JSON object from the body.
    pub(crate) fn object(&self) -> Result<Map<String, Value>, Problem> {
        serde_json::from_slice(&self.body)
            .map_err(|error| Problem::json(format!("The HTTP entity body is not a JSON object: {error}")))
    }

    /// The fields of a form body.
    pub(crate) fn form(&self) -> Vec<(String, String)> {
        pairs(&self.body)
    }

    /// The method, unless a client that cannot send PATCH says which it means.
    pub(crate) fn meant_method(&self) -> &str {
        match self.query("_HTTP_METHOD") {
            Some(meant) if self.method == "POST" => meant,
            _ => &self.method,
        }
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
            ("/a/Ext__c/a+b%2Fc%20d=1&e", "a|Ext__c|a+b/c d=1&e"),
            ("//", ""),
        ] {
            assert_eq!(segments(path).join("|"), expected);
        }
    }
}
