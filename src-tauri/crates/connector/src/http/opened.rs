//! An answer whose head has come and whose body is still on its way.

use std::time::Duration;

use model::Secret;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Method, Response};
use tokio::sync::SemaphorePermit;
use url::Url;

use super::answer::retry_after;
use super::{Answer, BODY_LIMIT, Broken, Call, Http};
use crate::error::{ConnectorError, ErrorKind};

/// How long a body that is read piece by piece may be under way as a whole.
pub(super) const LONGEST: Duration = Duration::from_secs(2 * 3600);

/// An answer that has begun. What was compressed comes unpacked.
pub(crate) struct Opened<'h> {
    pub status: u16,
    pub headers: HeaderMap,
    http: &'h Http,
    method: Method,
    url: Url,
    /// When the call was sent, on the waiter's clock.
    sent: Duration,
    response: Response,
    /// Its place among the connections, while it counts as one.
    _connection: Option<SemaphorePermit<'h>>,
}

impl<'h> Opened<'h> {
    pub(super) fn new(
        http: &'h Http,
        call: &Call<'_>,
        url: Url,
        sent: Duration,
        response: Response,
        headers: HeaderMap,
        connection: Option<SemaphorePermit<'h>>,
    ) -> Self {
        let (status, method) = (response.status().as_u16(), call.method.clone());
        Self { status, headers, http, method, url, sent, response, _connection: connection }
    }

    /// The next part of the body; `None` after the last one.
    pub async fn chunk(&mut self) -> Result<Option<impl AsRef<[u8]> + use<>>, ConnectorError> {
        match tokio::time::timeout(self.http.network.timeout(), self.response.chunk()).await {
            Ok(Ok(chunk)) => Ok(chunk),
            Ok(Err(error)) => match self.http.broken(&self.method, &self.url, error) {
                Broken::NotSent(error) | Broken::Lost(error) | Broken::TooLarge(error) => Err(error),
            },
            Err(_) => Err(self.http.error(
                ErrorKind::Unreachable,
                format!("nothing more came of the answer to {} {}", self.method, self.url.path()),
            )),
        }
    }

    /// The whole answer. The limit is on what it holds once it is unpacked, so that a few bytes cannot fill the memory.
    pub(super) async fn whole(mut self, token: Option<&Secret>) -> Result<Answer, Broken> {
        let mut body = Vec::new();
        let broken = |e| self.http.broken(&self.method, &self.url, e);
        while let Some(chunk) = self.response.chunk().await.map_err(broken)? {
            if body.len() + chunk.len() > BODY_LIMIT {
                return Err(Broken::TooLarge(self.http.error(
                    ErrorKind::Untrusted,
                    format!(
                        "{} {}: the answer is larger than 32 MiB and was not read to its end",
                        self.method,
                        self.url.path()
                    ),
                )));
            }
            body.extend_from_slice(&chunk);
        }
        self.http.remember_latency(self.http.waiter.elapsed().saturating_sub(self.sent));
        let retry_after = self
            .headers
            .get(RETRY_AFTER)
            .and_then(|v| v.to_str().ok())
            .and_then(|v| retry_after(v, self.http.clock.now()));
        Ok(Answer { status: self.status, headers: self.headers, retry_after, body, token: token.cloned() })
    }
}
