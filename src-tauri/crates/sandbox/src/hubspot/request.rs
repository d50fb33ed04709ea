//! One request, taken apart once.

use std::borrow::Cow;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::problem::Problem;

#[derive(Debug)]
pub(crate) struct Request {
    pub method: String,
    pub path: String,
    /// Path segments, percent-decoded.
    pub segments: Vec<String>,
    pub query: Vec<(String, String)>,
    pub authorization: Option<String>,
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

    /// A parameter that may be comma-joined or repeated.
    pub(crate) fn query_list(&self, name: &str) -> Vec<String> {
        self.query
            .iter()
            .filter(|(key, _)| key == name)
            .flat_map(|(_, value)| value.split(','))
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .map(str::to_owned)
            .collect()
    }

    /// HubSpot reads `True` as well, which is what its client for Python sends.
    pub(crate) fn query_flag(&self, name: &str) -> bool {
        self.query(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        serde_json::from_slice(&self.body).map_err(|error| {
            Problem::validation(format!(
                "Invalid input JSON on line {}, column {}: {error}",
                error.line(),
                error.column()
            ))
        })
    }

    /// The fields of a form body.
    pub(crate) fn form(&self) -> Vec<(String, String)> {
        pairs(&self.body)
    }

    /// The query with one parameter replaced, as a paging link needs it.
    pub(crate) fn link_with(&self, name: &str, value: &str) -> String {
        let mut out = url::form_urlencoded::Serializer::new(String::new());
        out.extend_pairs(self.query.iter().filter(|(key, _)| key != name));
        out.append_pair(name, value);
        format!("{}{}?{}", self.base, self.path, out.finish())
    }
}

/// Decodes `a=1&b=2`.
pub(crate) fn pairs(text: &[u8]) -> Vec<(String, String)> {
    url::form_urlencoded::parse(text).into_owned().collect()
}

/// Percent-decodes the segments of a path; `+` stays a plus there.
pub(crate) fn segments(path: &str) -> Vec<String> {
    path.split('/')
        .filter(|part| !part.is_empty())
        .map(|part| {
            let form = part.replace('+', "%2B");
            let decoded = url::form_urlencoded::parse(form.as_bytes()).next();
            // `=` splits a form pair, in a path it is an ordinary character.
            decoded.map_or_else(String::new, |(key, value)| match form.contains('=') {
                true => format!("{key}={value}"),
                false => Cow::into_owned(key),
            })
        })
        .collect()
}

/// Properties of a write: HubSpot takes numbers and booleans and keeps them as text; null clears.
pub(crate) fn properties(input: &Map<String, Value>) -> Result<Vec<(String, String)>, Problem> {
    input
        .iter()
        .map(|(name, value)| {
            let text = match value {
                Value::Null => String::new(),
                Value::String(text) => text.clone(),
                Value::Bool(_) | Value::Number(_) => value.to_string(),
                Value::Array(_) | Value::Object(_) => {
                    return Err(Problem::validation(format!(
                        "Invalid input JSON: Cannot deserialize value of type `java.lang.String` for property {name}"
                    )));
                }
            };
            Ok((name.clone(), text))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_decoded() {
        assert_eq!(segments("/crm/v3/a%40b+c.org/x%3Dy=1"), ["crm", "v3", "a@b+c.org", "x=y=1"]);
    }
}
