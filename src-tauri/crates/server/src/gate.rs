//! What every request passes before its part sees it: host and origin; and the room that a part has for requests.

use std::{net::IpAddr, sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures::StreamExt as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{Limits, Shared, problem::Problem};

/// Largest body of a request, in bytes.
pub(crate) const LARGEST_BODY: usize = 4 << 20;
/// Bytes of a body beyond that which are read and thrown away.
const PATIENTLY: usize = 32 << 20;
/// Requests that are worked on at a time.
const AT_A_TIME: usize = 64;
/// How long a request waits for its turn.
const PATIENCE: Duration = Duration::from_secs(10);
/// Requests that wait for their turn.
const QUEUE: usize = 256;

/// What is known of the connection that a request came over.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer {
    /// Where it comes from, as sources are counted.
    pub source: IpAddr,
    /// How long a body may take to arrive.
    pub body_time: Duration,
}

/// Room for requests.
pub(crate) struct Room {
    work: Arc<Semaphore>,
    queue: Arc<Semaphore>,
}

impl Default for Room {
    fn default() -> Self {
        Self { work: Arc::new(Semaphore::new(AT_A_TIME)), queue: Arc::new(Semaphore::new(QUEUE)) }
    }
}

impl Room {
    /// A place to work in, which is free again when it is dropped.
    pub async fn place(&self) -> Result<OwnedSemaphorePermit, Problem> {
        let busy = || {
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "too many requests at a time; wait and try again")
                .after(1)
        };
        let _queued = Arc::clone(&self.queue).try_acquire_owned().map_err(|_| busy())?;
        match tokio::time::timeout(PATIENCE, Arc::clone(&self.work).acquire_owned()).await {
            Ok(Ok(place)) => Ok(place),
            _ => Err(busy()),
        }
    }
}

/// Looks at host and origin before anything else does.
pub(crate) async fn pass(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let host = request
        .headers()
        .get(header::HOST)
        .map(HeaderValue::to_str)
        .transpose()
        .ok()
        .flatten()
        .or_else(|| request.uri().authority().map(|authority| authority.as_str()));
    let answer = match shared.access.meant_for_us(host, request.headers()) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    };
    with_common_headers(answer)
}

fn with_common_headers(mut answer: Response) -> Response {
    let headers = answer.headers_mut();
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
        (header::REFERRER_POLICY, "no-referrer"),
    ] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    answer
}

/// A path of no part. Who has not signed in learns no more than at any other path.
pub(crate) async fn nothing_here(State(shared): State<Arc<Shared>>, request: Request) -> Problem {
    let presented = crate::access::Presented::read(request.headers());
    match shared.access.caller(peer(&request), &presented).await {
        Ok(_) => Problem::not_found(format!("there is nothing at {}", request.uri().path())),
        Err(problem) => problem,
    }
}

/// Where a request comes from.
pub(crate) fn peer(request: &Request) -> IpAddr {
    request.extensions().get::<Peer>().map_or(IpAddr::from([0, 0, 0, 0]), |peer| peer.source)
}

/// The body of a request, of a size and in a time that are bearable.
pub(crate) async fn body(request: Request) -> Result<Vec<u8>, Problem> {
    let time = request.extensions().get::<Peer>().map_or(Limits::default().body_time, |peer| peer.body_time);
    tokio::time::timeout(time, read(request.into_body())).await.unwrap_or_else(|_| {
        Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "the request's body took too long to arrive"))
    })
}

async fn read(body: Body) -> Result<Vec<u8>, Problem> {
    let (mut chunks, mut bytes, mut thrown_away) = (body.into_data_stream(), Vec::new(), 0);
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|error| {
            Problem::bad_request(format!("the request's body could not be read ({error})"))
        })?;
        if thrown_away == 0 && bytes.len() + chunk.len() <= LARGEST_BODY {
            bytes.extend_from_slice(&chunk);
            continue;
        }
        // Who is still sending would not hear the refusal, so a little more is listened to.
        bytes = Vec::new();
        thrown_away += chunk.len();
        if thrown_away > PATIENTLY {
            break;
        }
    }
    if thrown_away == 0 {
        return Ok(bytes);
    }
    Err(Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        format!("the request's body is larger than {} MiB; send less at a time", LARGEST_BODY >> 20),
    ))
}
