//! Who may come in: pages that this host served, under its own name.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, Method, StatusCode, header},
    middleware::Next,
    response::Response,
};

/// The one address under which this host answers.
pub struct Door {
    host: String,
}

impl Door {
    /// The door at a bound address.
    pub fn at(address: SocketAddr) -> Self {
        Self { host: address.to_string() }
    }

    /// `http://127.0.0.1:PORT`
    pub fn origin(&self) -> String {
        format!("http://{}", self.host)
    }

    /// Why a request is refused, if it is.
    fn refusal(&self, method: &Method, headers: &HeaderMap) -> Option<StatusCode> {
        let one = |name| {
            let mut values = headers.get_all(name).iter();
            let value = values.next().map(|value| value.to_str().unwrap_or_default());
            (value, values.next().is_some())
        };
        // A page elsewhere whose name was made to lead here comes under its own name.
        if one(header::HOST) != (Some(self.host.as_str()), false) {
            return Some(StatusCode::MISDIRECTED_REQUEST);
        }
        let origin = one(header::ORIGIN);
        let ours = origin == (Some(self.origin().as_str()), false);
        if !ours && (origin.0.is_some() || *method != Method::GET) {
            return Some(StatusCode::FORBIDDEN);
        }
        // A form of another page cannot send this type.
        if *method == Method::POST && one(header::CONTENT_TYPE).0 != Some("application/json") {
            return Some(StatusCode::UNSUPPORTED_MEDIA_TYPE);
        }
        None
    }
}

/// Turns away what has no business here.
pub async fn guard(
    State(door): State<Arc<Door>>,
    request: Request,
    next: Next,
) -> Result<Response, StatusCode> {
    match door.refusal(request.method(), request.headers()) {
        Some(status) => Err(status),
        None => Ok(next.run(request).await),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    const HOST: (HeaderName, &str) = (header::HOST, "127.0.0.1:4711");
    const OURS: (HeaderName, &str) = (header::ORIGIN, "http://127.0.0.1:4711");
    const JSON: (HeaderName, &str) = (header::CONTENT_TYPE, "application/json");

    #[test]
    fn only_our_own_pages_come_in() {
        let foreign = (header::ORIGIN, "http://evil.example");
        let rebound = (header::HOST, "evil.example:4711");
        let text = (header::CONTENT_TYPE, "text/plain");
        let door = Door::at("127.0.0.1:4711".parse().unwrap());
        for (method, headers, expected) in [
            (Method::GET, vec![HOST], None),
            (Method::GET, vec![HOST, OURS], None),
            (Method::GET, vec![HOST, foreign.clone()], Some(403)),
            (Method::GET, vec![rebound.clone()], Some(421)),
            (Method::GET, vec![], Some(421)),
            (Method::GET, vec![HOST, rebound], Some(421)),
            (Method::POST, vec![HOST, OURS, JSON], None),
            (Method::POST, vec![HOST, JSON], Some(403)),
            (Method::POST, vec![HOST, foreign.clone(), JSON], Some(403)),
            (Method::POST, vec![HOST, OURS, foreign, JSON], Some(403)),
            (Method::POST, vec![HOST, OURS, text], Some(415)),
            (Method::POST, vec![HOST, OURS], Some(415)),
            (Method::DELETE, vec![HOST], Some(403)),
        ] {
            let mut map = HeaderMap::new();
            for (name, value) in &headers {
                map.append(name, HeaderValue::from_static(value));
            }
            assert_eq!(
                door.refusal(&method, &map).map(|status| status.as_u16()),
                expected,
                "{method} {headers:?}"
            );
        }
    }
}
