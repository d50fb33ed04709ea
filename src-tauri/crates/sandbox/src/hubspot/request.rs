//! HubSpot's ways of asking.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::request::Request;

use super::problem::Problem;

impl Request {
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

    /// The query with one parameter replaced, as a paging link needs it.
    pub(crate) fn link_with(&self, name: &str, value: &str) -> String {
        let mut out = url::form_urlencoded::Serializer::new(String::new());
        out.extend_pairs(self.query.iter().filter(|(key, _)| key != name));
        out.append_pair(name, value);
        format!("{}{}?{}", self.base, self.path, out.finish())
    }
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
