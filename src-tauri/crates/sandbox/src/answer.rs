//! One HTTP answer before it is sent, so that faults can still bend it.

use std::io::{Read as _, Write as _};

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde::Serialize;

/// Content type that HubSpot and Salesforce send for JSON.
pub(crate) const JSON: &str = "application/json;charset=utf-8";
pub(crate) const HTML: &str = "text/html;charset=utf-8";
/// Content type of Salesforce's bulk results.
pub(crate) const CSV: &str = "text/csv;charset=utf-8";

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub status: u16,
    pub content_type: &'static str,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(status: u16, body: &impl Serialize) -> Answer {
        match serde_json::to_vec(body) {
            Ok(body) => Answer { status, content_type: JSON, headers: Vec::new(), body },
            Err(error) => Answer {
                status: 500,
                content_type: JSON,
                headers: Vec::new(),
                body: format!(r#"{{"status":"error","message":"{error}"}}"#).into_bytes(),
            },
        }
    }

    pub(crate) fn html(status: u16, body: String) -> Answer {
        Answer { status, content_type: HTML, headers: Vec::new(), body: body.into_bytes() }
    }

    pub(crate) fn empty(status: u16) -> Answer {
        Answer { status, content_type: "", headers: Vec::new(), body: Vec::new() }
    }

    pub(crate) fn redirect(status: u16, location: &str) -> Answer {
        Answer::empty(status).with_header("location", location)
    }

    pub(crate) fn with_header(mut self, name: &str, value: impl Into<String>) -> Answer {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// The same with its body as gzip.
    pub(crate) fn compressed(self) -> Answer {
        let mut encoder = GzEncoder::new(Vec::with_capacity(self.body.len() / 8), Compression::fast());
        match encoder.write_all(&self.body).and_then(|()| encoder.finish()) {
            Ok(body) => Answer { body, ..self.with_header("content-encoding", "gzip") },
            // Writing to memory does not fail; should it ever, the answer is as good without.
            Err(_) => self,
        }
    }

    pub(crate) fn into_response(self) -> Response {
        let length = self.body.len();
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        if !self.content_type.is_empty() {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        }
        if self.status != 204 {
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        }
        if self.content_type == HTML {
            headers.insert(
                header::CONTENT_SECURITY_POLICY,
                HeaderValue::from_static(
                    "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
                ),
            );
            headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
        }
        for (name, value) in self.headers {
            // A fault document may name any header; one that HTTP cannot carry is left out.
            if let (Ok(name), Ok(value)) =
                (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(&value))
            {
                headers.insert(name, value);
            }
        }
        response
    }
}

/// What is inside of a gzip body; `None` when it is none, or has more than `most` bytes.
pub(crate) fn uncompressed(body: &[u8], most: usize) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    GzDecoder::new(body).take(limit).read_to_end(&mut out).ok()?;
    (out.len() <= most).then_some(out)
}
