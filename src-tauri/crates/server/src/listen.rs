//! Connections: accepted, bounded in number and time, and ended in good order.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use hyper::{Request, body::Incoming, server::conn::http1, service::Service};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::{GracefulShutdown, Watcher},
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt as _},
    net::TcpListener,
    sync::{Semaphore, oneshot},
    task::JoinHandle,
};
use tokio_rustls::TlsAcceptor;

use crate::{
    gate::Peer,
    limits::{Limits, Sources, source},
    tls::Certificate,
};

/// Largest head of a request.
const HEAD_SIZE: usize = 64 << 10;
/// What a source hears that has too many connections already.
const TURNED_AWAY: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 5\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
/// How long requests under way may hold up the end.
const GRACE: Duration = Duration::from_secs(10);

/// A listener that is being served.
pub(crate) struct Listening {
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Listening {
    pub fn start(
        listener: TcpListener,
        routes: Router,
        certificate: Option<Certificate>,
        limits: Limits,
    ) -> Self {
        let (stop, stopped) = oneshot::channel();
        let acceptor = certificate.map(|certificate| TlsAcceptor::from(certificate.config));
        let task = tokio::spawn(accept(listener, routes, acceptor, limits, stopped));
        Self { stop: Some(stop), task }
    }

    pub async fn stop(mut self) {
        drop(self.stop.take());
        // What does not end in its grace is cut off when this is dropped.
        let _ = tokio::time::timeout(GRACE, &mut self.task).await;
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(
    listener: TcpListener,
    routes: Router,
    acceptor: Option<TlsAcceptor>,
    limits: Limits,
    mut stopped: oneshot::Receiver<()>,
) {
    let connections = Arc::new(Semaphore::new(limits.connections));
    let sources = Sources::new(limits.of_one_source);
    let open = GracefulShutdown::new();
    loop {
        let next = async {
            let place = Arc::clone(&connections).acquire_owned().await.map_err(io::Error::other)?;
            Ok::<_, io::Error>((place, listener.accept().await?))
        };
        let (place, (mut stream, peer)) = tokio::select! {
            _ = &mut stopped => break,
            next = next => match next {
                Ok(next) => next,
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    // Out of file descriptors, for one: an immediate retry would only spin.
                    #[allow(clippy::disallowed_methods)]
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            },
        };
        let Some(of_source) = sources.place(source(peer.ip())) else {
            tracing::debug!(%peer, "a connection too many was turned away");
            if acceptor.is_none() {
                // Who does not take so little at once does not want to hear it.
                let told = async move { stream.write_all(TURNED_AWAY).await };
                tokio::spawn(tokio::time::timeout(Duration::from_secs(1), told));
            }
            continue;
        };
        let (routes, acceptor, watcher) = (routes.clone(), acceptor.clone(), open.watcher());
        tokio::spawn(async move {
            let _places = (place, of_source);
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "small answers may be slow");
            }
            match acceptor {
                None => serve(stream, peer, routes, limits, watcher).await,
                Some(acceptor) => match tokio::time::timeout(limits.head_time, acceptor.accept(stream)).await
                {
                    Ok(Ok(stream)) => serve(stream, peer, routes, limits, watcher).await,
                    Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
                    Err(_) => tracing::debug!("a TLS handshake took too long"),
                },
            }
        });
    }
    drop(listener);
    open.shutdown().await;
}

async fn serve<S>(stream: S, peer: SocketAddr, routes: Router, limits: Limits, watcher: Watcher)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let routes = TowerToHyperService::new(routes);
    let from = Peer { source: source(peer.ip()), body_time: limits.body_time };
    let with_peer = hyper::service::service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(from);
        routes.call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_time)
        .max_buf_size(HEAD_SIZE)
        .serve_connection(TokioIo::new(stream), with_peer);
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(%error, "a connection ended early");
    }
}
