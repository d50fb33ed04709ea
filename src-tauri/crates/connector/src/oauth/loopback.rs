//! The listener that a browser comes back to after an authorization.
//!
//! It is bound to 127.0.0.1 only, takes GET only, checks the Host header, gives the same page to everybody without a
//! word of the request in it, and is gone after the first answer.

use std::future::Future;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use url::{Host, Url};

use super::{Authorization, AuthorizationCode, Redirect};
use crate::error::{ConnectorError, ErrorKind};

/// More than any redirect needs.
const REQUEST_LIMIT: usize = 16 * 1024;
/// Browsers open connections ahead of time and leave them silent.
const SILENCE_LIMIT: Duration = Duration::from_secs(10);
const OPEN_CONNECTIONS: usize = 32;

/// How an authorization ended without a code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuthorizationEnd {
    /// The provider or the person said no.
    #[error("the authorization was refused: {0}")]
    Denied(String),
    /// An answer came that does not belong to this authorization.
    #[error("{0}")]
    WrongState(String),
    /// Nobody answered in time.
    #[error("the authorization was not finished in time; start it again")]
    TimedOut,
    /// The caller gave up.
    #[error("the authorization was cancelled")]
    Cancelled,
}

/// A listener for one authorization.
#[derive(Debug)]
pub struct Loopback {
    listener: TcpListener,
    redirect_uri: Url,
}

impl Loopback {
    /// Listens where the redirect address points, which is this computer by http. Port 0 takes any free one.
    pub async fn bind(redirect_uri: &Url) -> Result<Self, ConnectorError> {
        let here = match redirect_uri.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(ip)) => ip.octets() == [127, 0, 0, 1],
            _ => false,
        };
        if redirect_uri.scheme() != "http" || !here {
            return Err(ConnectorError::new(
                ErrorKind::Configuration,
                format!(
                    "redirectUri `{redirect_uri}` does not lead to this computer by http, so no browser can come back to it here; use for example `http://localhost:47812/oauth/callback`"
                ),
            ));
        }
        let port = redirect_uri.port_or_known_default().unwrap_or(0);
        let unavailable = |e: std::io::Error| {
            ConnectorError::new(
                ErrorKind::Configuration,
                format!(
                    "port {port} on this computer cannot be listened on ({e}); close the program that uses it or change redirectUri"
                ),
            )
        };
        let listener = TcpListener::bind(("127.0.0.1", port)).await.map_err(unavailable)?;
        let mut redirect_uri = redirect_uri.clone();
        let port = listener.local_addr().map_err(unavailable)?.port();
        // A http address always takes a port.
        let _ = redirect_uri.set_port(Some(port));
        Ok(Self { listener, redirect_uri })
    }

    /// The redirect address with the port that is listened on.
    pub fn redirect_uri(&self) -> &Url {
        &self.redirect_uri
    }

    /// Waits for the browser. Ends at the first answer to the redirect address, at the timeout, or when `cancel` does.
    pub async fn wait(
        self,
        authorization: &Authorization,
        timeout: Duration,
        cancel: impl Future<Output = ()>,
    ) -> Result<AuthorizationCode, AuthorizationEnd> {
        tokio::select! {
            biased;
            () = cancel => Err(AuthorizationEnd::Cancelled),
            answered = tokio::time::timeout(timeout, self.answer(authorization)) => {
                answered.unwrap_or(Err(AuthorizationEnd::TimedOut))
            }
        }
    }

    async fn answer(&self, authorization: &Authorization) -> Result<AuthorizationCode, AuthorizationEnd> {
        let mut open = FuturesUnordered::new();
        loop {
            tokio::select! {
                accepted = self.listener.accept(), if open.len() < OPEN_CONNECTIONS => {
                    if let Ok((stream, _)) = accepted {
                        open.push(tokio::time::timeout(SILENCE_LIMIT, self.serve(stream, authorization)));
                    }
                }
                // Anything else was somebody who came by, or who said nothing: the browser may still come.
                Some(served) = open.next() => if let Ok(Some(end)) = served {
                    return end;
                },
            }
        }
    }

    /// Answers one connection; gives the end of the authorization if it was that.
    async fn serve(
        &self,
        mut stream: TcpStream,
        authorization: &Authorization,
    ) -> Option<Result<AuthorizationCode, AuthorizationEnd>> {
        let head = read_head(&mut stream).await?;
        let url = match self.target(&head) {
            Ok(url) => url,
            Err(status) => {
                reply(&mut stream, status, "Nothing to see here.").await;
                return None;
            }
        };
        let (status, words, end) = match authorization.match_redirect(&url) {
            Redirect::Elsewhere => {
                reply(&mut stream, "404 Not Found", "Nothing to see here.").await;
                return None;
            }
            Redirect::Code(code) => ("200 OK", "You can close this window and go back to Concord.", Ok(code)),
            Redirect::Denied(words) => (
                "200 OK",
                "The authorization was refused. You can close this window and go back to Concord.",
                Err(AuthorizationEnd::Denied(words)),
            ),
            Redirect::Rejected(words) => (
                "400 Bad Request",
                "This answer does not fit. Close this window, go back to Concord and start again.",
                Err(AuthorizationEnd::WrongState(words)),
            ),
        };
        reply(&mut stream, status, words).await;
        Some(end)
    }

    /// The address that a request asks for, or the status to refuse it with.
    fn target(&self, head: &str) -> Result<Url, &'static str> {
        let mut lines = head.split("\r\n");
        let mut request = lines.next().unwrap_or_default().split(' ');
        let (method, target) = (request.next().unwrap_or_default(), request.next().unwrap_or_default());
        if !matches!((request.next(), request.next()), (Some("HTTP/1.1" | "HTTP/1.0"), None))
            || !target.starts_with('/')
        {
            return Err("400 Bad Request");
        }
        if method != "GET" {
            return Err("405 Method Not Allowed");
        }
        let mut hosts = lines
            .filter_map(|line| line.split_once(':'))
            .filter(|(name, _)| name.eq_ignore_ascii_case("host"))
            .map(|(_, value)| value.trim());
        // A page elsewhere that had its name resolved to 127.0.0.1 would come under its own name.
        let expected = match self.redirect_uri.port() {
            Some(port) => format!("{}:{port}", self.redirect_uri.host_str().unwrap_or_default()),
            None => self.redirect_uri.host_str().unwrap_or_default().to_owned(),
        };
        match (hosts.next(), hosts.next()) {
            (Some(host), None) if host.eq_ignore_ascii_case(&expected) => {}
            _ => return Err("403 Forbidden"),
        }
        Url::parse(&format!("http://{expected}{target}")).map_err(|_| "400 Bad Request")
    }
}

async fn read_head(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    let mut chunk = [0u8; 2048];
    while !head.windows(4).any(|w| w == b"\r\n\r\n") {
        let n = stream.read(&mut chunk).await.ok()?;
        if n == 0 || head.len() + n > REQUEST_LIMIT {
            return None;
        }
        head.extend_from_slice(chunk.get(..n)?);
    }
    String::from_utf8(head).ok()
}

async fn reply(stream: &mut TcpStream, status: &str, words: &str) {
    let page = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Concord</title><body style=\"font-family:system-ui;margin:4rem\"><h1>Concord</h1><p>{words}</p></body></html>"
    );
    let answer = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\nCache-Control: no-store\r\nReferrer-Policy: no-referrer\r\nX-Content-Type-Options: nosniff\r\nContent-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'\r\nConnection: close\r\n\r\n{page}",
        page.len()
    );
    // The browser may be gone already; the authorization has its answer either way.
    let _ = stream.write_all(answer.as_bytes()).await;
    let _ = stream.shutdown().await;
}
