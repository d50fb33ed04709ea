//! One call: what is asked, whether it may be asked twice, and whose token it carries.

use async_trait::async_trait;
use model::Secret;
use reqwest::Method;
use reqwest::header::{AUTHORIZATION, HeaderName};
use url::Url;

use crate::error::ConnectorError;

/// Whether a call may be sent twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// Sending it again does no harm.
    Safe,
    /// Sent again only when it is certain that nothing was done.
    Never,
}

/// What goes in the body.
pub(crate) enum Payload {
    None,
    /// Nothing, and the answer is wanted only if the resource changed after this HTTP date (`If-Modified-Since`); status
    /// 304 says that it did not.
    NoneSince(String),
    Json(Vec<u8>),
    /// JSON that is to be taken only while the resource has this version (`If-Match`).
    JsonIf {
        body: Vec<u8>,
        version: String,
    },
    /// A form, already encoded; held as a secret because token calls carry secrets in it.
    Form(Secret),
    Csv(Vec<u8>),
}

/// One call.
pub(crate) struct Call<'a> {
    pub method: Method,
    pub url: Url,
    pub payload: Payload,
    pub repeat: Repeat,
    /// Whether it also counts as a search.
    pub search: bool,
    /// Whose token it carries.
    pub bearer: Option<&'a dyn Bearer>,
    /// Further secrets in the payload, to be kept out of error texts.
    pub secrets: Vec<Secret>,
}

impl Call<'_> {
    /// A read, by GET, without a token.
    pub fn get(url: Url) -> Self {
        Self {
            method: Method::GET,
            url,
            payload: Payload::None,
            repeat: Repeat::Safe,
            search: false,
            bearer: None,
            secrets: Vec::new(),
        }
    }
}

/// Hands out the token of a connection.
#[async_trait]
pub(crate) trait Bearer: Send + Sync {
    /// The token to send now.
    async fn current(&self) -> Result<Secret, ConnectorError>;

    /// A better token after this one was refused; `None` when there is none. `expired` is the provider's word.
    async fn replace(&self, refused: &Secret, expired: bool) -> Result<Option<Secret>, ConnectorError>;

    /// The header that carries a token.
    fn header(&self, token: &Secret) -> (HeaderName, Secret) {
        bearer_header(token)
    }

    /// Where this token is good, if it came with an address of its own: a call that carries it goes there, whatever
    /// its own address says. Known once there is a token.
    fn home(&self) -> Option<Url> {
        None
    }
}

/// The header of a token that goes nowhere else.
pub(super) fn bearer_header(token: &Secret) -> (HeaderName, Secret) {
    (AUTHORIZATION, Secret::new(format!("Bearer {}", token.expose())))
}
