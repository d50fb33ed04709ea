//! The whole answer to a call, and what of it may be told.

use std::time::Duration;

use jiff::Timestamp;
use model::Secret;
use reqwest::header::{CONTENT_TYPE, DATE, HeaderMap, HeaderValue};
use serde::de::DeserializeOwned;

/// More than any provider means when it says how long to stay away.
const LONGEST_REST: Duration = Duration::from_secs(31 * 24 * 3600);

/// An answer, whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    /// `Retry-After`, in either of its forms.
    pub retry_after: Option<Duration>,
    pub body: Vec<u8>,
    /// What the call was made with.
    pub token: Option<Secret>,
}

impl Answer {
    /// The same without the token that the call was made with, for words that are handed on. Data is not read from it: a
    /// token that is a common word would change it.
    pub fn quotable(&self) -> Self {
        let Self { status, headers, retry_after, body, token } = self;
        let (body, headers) = (body.clone(), headers.clone());
        let mut quotable = Self { status: *status, headers, retry_after: *retry_after, body, token: None };
        if let Some(token) = token {
            quotable.scrub(token);
        }
        quotable
    }

    /// Blots a secret out of words that will be quoted: the body, and headers such as the address that a redirect leads to.
    pub(super) fn scrub(&mut self, secret: &Secret) {
        let secret = secret.expose().as_bytes();
        scrub(&mut self.body, secret);
        for value in self.headers.values_mut() {
            let mut bytes = value.as_bytes().to_vec();
            scrub(&mut bytes, secret);
            if bytes != value.as_bytes() {
                *value = HeaderValue::from_bytes(&bytes).unwrap_or_else(|_| HeaderValue::from_static(""));
            }
        }
    }

    /// The body as JSON of this shape. Where it `quotes`, `take` moves the words over from a copy without the token.
    pub fn json_quoting<T: DeserializeOwned>(
        &self,
        quotes: impl FnOnce(&T) -> bool,
        take: impl FnOnce(&mut T, T),
    ) -> Result<T, String> {
        let mut whole = self.json()?;
        if quotes(&whole) {
            take(&mut whole, self.quotable().json()?);
        }
        Ok(whole)
    }

    /// What the server's own clock said, where it told.
    pub fn date(&self) -> Option<Timestamp> {
        http_date(self.headers.get(DATE)?.to_str().ok()?)
    }

    /// The body as JSON of this shape. The error is a sentence without any of the content.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, String> {
        let kind = self.headers.get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
        if !kind.is_empty() && !kind.to_ascii_lowercase().contains("json") {
            let kind: String = kind.chars().filter(|c| !c.is_control()).take(60).collect();
            return Err(format!(
                "the answer is `{kind}` instead of JSON; a proxy or a sign-in page may stand in between"
            ));
        }
        serde_json::from_slice(&self.body).map_err(|e| {
            let what = match e.classify() {
                serde_json::error::Category::Eof => "ends too early",
                serde_json::error::Category::Data => "has an unexpected shape",
                _ => "is not JSON",
            };
            format!("the answer {what} (line {}, column {})", e.line(), e.column())
        })
    }
}

/// What `Retry-After` says, in seconds or as a date; never longer than anybody waits, so that it can be added to any time.
pub(super) fn retry_after(text: &str, now: Timestamp) -> Option<Duration> {
    let told = match text.trim().parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => Duration::try_from(http_date(text)?.duration_since(now)).unwrap_or(Duration::ZERO),
    };
    Some(told.min(LONGEST_REST))
}

fn http_date(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text.trim()).ok()
}

/// A shorter one would blot out half of what is told.
const SHORTEST_SECRET: usize = 4;

fn scrub(words: &mut [u8], secret: &[u8]) {
    if secret.len() < SHORTEST_SECRET {
        return;
    }
    let mut at = 0;
    while let Some(window) = words.get_mut(at..at + secret.len()) {
        if window == secret {
            window.fill(b'*');
            at += secret.len();
        } else {
            at += 1;
        }
    }
}
