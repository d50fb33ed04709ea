//! A request's way through a stand-in: whether it was meant for it, how long it takes, what a fault makes of the answer,
//! and what is written down of it. Each provider brings the work itself.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{ConnectInfo, State};
use axum::http::header;
use axum::response::Response;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::answer::{Answer, uncompressed};
use crate::bend::{Dialect, Pages, instead};
use crate::calls::{Call, CallLog};
use crate::faults::{Action, FaultList};
use crate::limits::Limiter;
use crate::net::{Cut, Loopback, names_loopback};
use crate::request::{Request, pairs, segments};

/// How long open connections may hold up a stop.
const GRACE: Duration = Duration::from_secs(2);

/// Locks, also after another request panicked: that must not take the whole stand-in down with it.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What every stand-in keeps beside its provider's own state.
#[derive(Debug, Default)]
pub(crate) struct Frame {
    faults: Mutex<FaultList>,
    calls: Mutex<CallLog>,
    limiter: Mutex<Limiter>,
    pages: Mutex<Pages>,
    /// Added to every API answer.
    latency: Duration,
}

impl Frame {
    pub(crate) fn new(faults: FaultList, latency: Duration) -> Frame {
        Frame { faults: Mutex::new(faults), latency, ..Frame::default() }
    }

    pub(crate) fn faults(&self) -> MutexGuard<'_, FaultList> {
        lock(&self.faults)
    }

    pub(crate) fn calls(&self) -> MutexGuard<'_, CallLog> {
        lock(&self.calls)
    }

    pub(crate) fn limiter(&self) -> MutexGuard<'_, Limiter> {
        lock(&self.limiter)
    }
}

/// Why a request is turned away before anybody looks at what it asks.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Refusal {
    /// It was not addressed to this machine.
    ForeignHost,
    TooLarge,
    /// Its body says gzip and is none, or too large once it is unpacked.
    NotGzip,
}

impl Refusal {
    /// In words, and with the status that fits.
    pub(crate) fn told(self) -> (u16, &'static str) {
        match self {
            Refusal::ForeignHost => {
                (421, "The sandbox answers only requests for localhost, 127.0.0.1 or [::1].")
            }
            Refusal::TooLarge => (413, "The request body is too large."),
            Refusal::NotGzip => (400, "The request body is not gzip, or too large once it is unpacked."),
        }
    }
}

/// How long the head of a request is, in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lengths {
    /// The address with its query.
    pub address: usize,
    /// The address and all headers.
    pub head: usize,
}

/// A provider's part of the way.
pub(crate) trait StandIn: Dialect + Send + Sync + 'static {
    /// Bytes that a request's body may have.
    const MOST_BODY: usize;
    /// Whether bodies may come as gzip.
    const READS_GZIP: bool;

    fn frame(&self) -> &Frame;

    /// Epoch milliseconds.
    fn now(&self) -> i64;

    fn refuse(refusal: Refusal) -> Answer;

    /// Answers the paths that are the stand-in's and not the provider's: no call is counted, no fault touches them.
    fn own_path(self: &Arc<Self>, request: &Request) -> Option<Answer>;

    /// Whether the provider's edge turns the request away for its length.
    fn too_long(lengths: Lengths) -> bool;

    /// The call as the provider itself would answer it.
    fn work(&self, request: &Request) -> Answer;

    /// What every answer to a call goes through at last.
    fn finish(&self, request: &Request, answer: Answer) -> Answer;
}

/// A stand-in that answers. Dropping it ends it at once.
pub(crate) struct Serving {
    url: String,
    stop: Option<oneshot::Sender<()>>,
    server: JoinHandle<io::Result<()>>,
}

impl Serving {
    /// Answers on a loopback listener.
    ///
    /// # Errors
    /// When the listener is open to other machines.
    pub(crate) fn start<S: StandIn>(listener: Loopback, stand_in: Arc<S>) -> io::Result<Serving> {
        let address = axum::serve::Listener::local_addr(&listener)?;
        let app = Router::new().fallback(serve::<S>).with_state(stand_in);
        let (stop, stopped) = oneshot::channel::<()>();
        let server = tokio::spawn(async move {
            axum::serve(listener, app.into_make_service_with_connect_info::<Cut>())
                .with_graceful_shutdown(async {
                    // A dropped sender stops the server as well.
                    let _ = stopped.await;
                })
                .await
        });
        Ok(Serving { url: format!("http://{address}"), stop: Some(stop), server })
    }

    /// `http://127.0.0.1:PORT`
    pub(crate) fn url(&self) -> String {
        self.url.clone()
    }

    /// Stops answering.
    pub(crate) async fn stop(&mut self) {
        drop(self.stop.take());
        if tokio::time::timeout(GRACE, &mut self.server).await.is_err() {
            self.server.abort();
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Answers one HTTP request.
async fn serve<S: StandIn>(
    State(stand_in): State<Arc<S>>,
    ConnectInfo(cut): ConnectInfo<Cut>,
    incoming: axum::extract::Request,
) -> Response {
    let answer = match receive::<S>(incoming, stand_in.now()).await {
        Ok((request, lengths)) => match stand_in.own_path(&request) {
            Some(answer) => answer,
            None => answer_call(&*stand_in, &request, lengths, &cut).await,
        },
        Err(refusal) => S::refuse(refusal),
    };
    answer.into_response()
}

async fn receive<S: StandIn>(
    incoming: axum::extract::Request,
    now: i64,
) -> Result<(Request, Lengths), Refusal> {
    let (parts, body) = incoming.into_parts();
    let text = |name| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let host =
        text(header::HOST).or(parts.uri.authority().map(|authority| authority.as_str())).unwrap_or_default();
    // A page of another site must not reach the stand-in by pointing its own name at this machine, nor by a form.
    let origin = text(header::ORIGIN).map(|origin| origin.trim_start_matches("http://"));
    if !names_loopback(host) || origin.is_some_and(|origin| !names_loopback(origin)) {
        return Err(Refusal::ForeignHost);
    }
    let base = format!("http://{host}");
    let body = to_bytes(body, S::MOST_BODY).await.map_err(|_| Refusal::TooLarge)?;
    let compressed = text(header::CONTENT_ENCODING).is_some_and(|name| name.eq_ignore_ascii_case("gzip"));
    let body = if compressed && S::READS_GZIP {
        uncompressed(&body, S::MOST_BODY).ok_or(Refusal::NotGzip)?
    } else {
        body.to_vec()
    };
    let headers = parts.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4);
    let lengths = Lengths {
        address: parts.uri.path_and_query().map_or(0, |address| address.as_str().len()),
        head: parts.uri.to_string().len() + headers.sum::<usize>(),
    };
    let request = Request {
        method: parts.method.as_str().to_owned(),
        path: parts.uri.path().to_owned(),
        segments: segments(parts.uri.path()),
        query: pairs(parts.uri.query().unwrap_or_default().as_bytes()),
        headers: parts.headers,
        base,
        body,
        now,
        id: uuid::Uuid::new_v4().to_string(),
    };
    Ok((request, lengths))
}

async fn answer_call<S: StandIn>(stand_in: &S, request: &Request, lengths: Lengths, cut: &Cut) -> Answer {
    let frame = stand_in.frame();
    let hit = frame.faults().hit(&request.method, &request.path);
    let delay = frame.latency + Duration::from_millis(hit.delay_ms);
    if !delay.is_zero() {
        // A slow answer is what was asked for.
        #[allow(clippy::disallowed_methods)]
        tokio::time::sleep(delay).await;
    }
    let action = hit.action.as_ref();
    let mut answer = match action.and_then(|action| instead::<S>(action, request)) {
        Some(answer) => answer,
        None if S::too_long(lengths) => {
            Answer::html(414, "<html><body><h1>414 URI Too Long</h1></body></html>".to_owned())
        }
        None => stand_in.work(request),
    };
    if let Some(action) = action {
        answer = lock(&frame.pages).bend::<S>(action, request, answer);
    }
    if !frame.faults().is_empty() {
        lock(&frame.pages).remember::<S>(request, &answer);
    }
    let answer = stand_in.finish(request, answer);
    let lost = match action {
        Some(Action::ResetBeforeAnswer | Action::LoseAnswer) => {
            cut.now();
            true
        }
        Some(Action::CutBody) => {
            cut.in_body(u64::try_from(answer.body.len() / 2).unwrap_or_default());
            true
        }
        _ => false,
    };
    let status = if lost { 0 } else { answer.status };
    frame.calls().add(Call { method: request.method.clone(), path: request.path.clone(), status });
    answer
}
