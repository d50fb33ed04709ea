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
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
    sync::{Semaphore, oneshot},
    task::JoinHandle,
};
use tokio_rustls::TlsAcceptor;

use crate::{gate::Peer, tls::Certificate};

/// Connections at a time; further ones wait in the system's queue.
const CONNECTIONS: usize = 512;
/// How long a request's head, or the handshake before it, may take to arrive.
const HEAD_TIME: Duration = Duration::from_secs(15);
/// Largest head of a request.
const HEAD_SIZE: usize = 64 << 10;
/// How long requests under way may hold up the end.
const GRACE: Duration = Duration::from_secs(10);

/// A listener that is being served.
pub(crate) struct Listening {
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Listening {
    pub fn start(listener: TcpListener, routes: Router, certificate: Option<Certificate>) -> Self {
        let (stop, stopped) = oneshot::channel();
        let acceptor = certificate.map(|certificate| TlsAcceptor::from(certificate.config));
        let task = tokio::spawn(accept(listener, routes, acceptor, stopped));
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
    mut stopped: oneshot::Receiver<()>,
) {
    let connections = Arc::new(Semaphore::new(CONNECTIONS));
    let open = GracefulShutdown::new();
    loop {
        let next = async {
            let place = Arc::clone(&connections).acquire_owned().await.map_err(io::Error::other)?;
            Ok::<_, io::Error>((place, listener.accept().await?))
        };
        let (place, (stream, peer)) = tokio::select! {
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
        let (routes, acceptor, watcher) = (routes.clone(), acceptor.clone(), open.watcher());
        tokio::spawn(async move {
            let _place = place;
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "small answers may be slow");
            }
            match acceptor {
                None => serve(stream, peer, routes, watcher).await,
                Some(acceptor) => match tokio::time::timeout(HEAD_TIME, acceptor.accept(stream)).await {
                    Ok(Ok(stream)) => serve(stream, peer, routes, watcher).await,
                    Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
                    Err(_) => tracing::debug!("a TLS handshake took too long"),
                },
            }
        });
    }
    drop(listener);
    open.shutdown().await;
}

async fn serve<S>(stream: S, peer: SocketAddr, routes: Router, watcher: Watcher)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let routes = TowerToHyperService::new(routes);
    let with_peer = hyper::service::service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(Peer(peer.ip()));
        routes.call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(HEAD_SIZE)
        .serve_connection(TokioIo::new(stream), with_peer);
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(%error, "a connection ended early");
    }
}
