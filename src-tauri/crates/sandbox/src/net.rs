//! A loopback listener whose connections can be cut, and the check that a request was meant for it.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

const UNCUT: u64 = u64::MAX;

/// The handle by which a handler cuts the connection its request came in on.
#[derive(Clone, Debug)]
pub(crate) struct Cut {
    /// Bytes that may still be written before the connection breaks.
    left: Arc<AtomicU64>,
    /// Bytes of the next answer's body that may be written; counted from the end of its head.
    of_body: Arc<AtomicU64>,
}

impl Cut {
    /// Breaks the connection before another byte is sent; the peer sees a reset.
    pub(crate) fn now(&self) {
        self.left.store(0, Ordering::SeqCst);
    }

    /// Sends the next answer's head and `bytes` of its body, then closes.
    pub(crate) fn in_body(&self, bytes: u64) {
        self.of_body.store(bytes, Ordering::SeqCst);
    }

    fn uncut() -> Cut {
        Cut { left: Arc::new(AtomicU64::new(UNCUT)), of_body: Arc::new(AtomicU64::new(UNCUT)) }
    }

    /// Bytes that may still be written, now that `next` is about to be.
    fn left(&self, next: &[u8]) -> u64 {
        let of_body = self.of_body.load(Ordering::SeqCst);
        if of_body != UNCUT
            && let Some(head) = next.windows(4).position(|bytes| bytes == b"\r\n\r\n")
        {
            self.of_body.store(UNCUT, Ordering::SeqCst);
            self.left.store(of_body.saturating_add(head as u64 + 4), Ordering::SeqCst);
        }
        self.left.load(Ordering::SeqCst)
    }
}

pub(crate) struct CuttableStream {
    stream: TcpStream,
    cut: Cut,
}

impl AsyncRead for CuttableStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for CuttableStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let left = self.cut.left(buf);
        if left == UNCUT {
            return Pin::new(&mut self.stream).poll_write(cx, buf);
        }
        if left == 0 {
            // Without lingering the kernel answers with a reset instead of an orderly close.
            if let Err(error) = self.stream.set_zero_linger() {
                tracing::debug!(%error, "connection is closed instead of reset");
            }
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        let allowed = usize::try_from(left).unwrap_or(usize::MAX).min(buf.len());
        let part = buf.get(..allowed).unwrap_or(buf);
        let written = Pin::new(&mut self.stream).poll_write(cx, part);
        if let Poll::Ready(Ok(count)) = &written {
            let rest = left.saturating_sub(*count as u64);
            if rest == 0 {
                // Bytes already sent must arrive, so this one closes in order: the peer sees a short body.
                self.cut.left.store(1, Ordering::SeqCst);
                return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
            }
            self.cut.left.store(rest, Ordering::SeqCst);
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

pub(crate) struct Loopback {
    listener: TcpListener,
}

impl Loopback {
    /// Refuses a listener that other machines could reach.
    pub(crate) fn new(listener: TcpListener) -> io::Result<Loopback> {
        let address = listener.local_addr()?;
        if address.ip().is_loopback() {
            return Ok(Loopback { listener });
        }
        Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("the sandbox only listens on a loopback address, not on {address}; use 127.0.0.1"),
        ))
    }
}

impl Listener for Loopback {
    type Io = CuttableStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (CuttableStream, SocketAddr) {
        let (stream, address) = Listener::accept(&mut self.listener).await;
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "small answers may be slow");
        }
        (CuttableStream { stream, cut: Cut::uncut() }, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

impl Connected<IncomingStream<'_, Loopback>> for Cut {
    fn connect_info(stream: IncomingStream<'_, Loopback>) -> Cut {
        stream.io().cut.clone()
    }
}

/// Whether a `Host` header (or the authority of an `Origin`) names this machine.
pub(crate) fn names_loopback(authority: &str) -> bool {
    let host = match authority.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((inside, "")) => inside,
            Some((inside, port)) if is_port(port) => inside,
            _ => return false,
        },
        None => match authority.split_once(':') {
            Some((host, port)) if is_port(&format!(":{port}")) => host,
            Some(_) => return false,
            None => authority,
        },
    };
    host.eq_ignore_ascii_case("localhost") || host == "127.0.0.1" || host == "::1"
}

fn is_port(text: &str) -> bool {
    text.strip_prefix(':').is_some_and(|digits| digits.parse::<u16>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::names_loopback;

    #[test]
    fn only_this_machine_is_named() {
        for good in ["localhost", "LOCALHOST:80", "127.0.0.1:1", "[::1]", "[::1]:8080"] {
            assert!(names_loopback(good), "{good}");
        }
        for bad in [
            "",
            "evil.test",
            "localhost.evil.test",
            "127.0.0.1.evil.test:80",
            "127.0.0.1:x",
            "[::1",
            "a@localhost",
        ] {
            assert!(!names_loopback(bad), "{bad}");
        }
    }
}
