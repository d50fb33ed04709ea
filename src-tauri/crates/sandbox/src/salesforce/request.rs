//! Salesforce's ways of asking.

use serde_json::{Map, Value};

use crate::request::Request;

use super::problem::Problem;

impl Request {
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

    /// The method, unless a client that cannot send PATCH says which it means.
    pub(crate) fn meant_method(&self) -> &str {
        match self.query("_HTTP_METHOD") {
            Some(meant) if self.method == "POST" => meant,
            _ => &self.method,
        }
    }
}
