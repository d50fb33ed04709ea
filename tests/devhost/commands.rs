//! Carries the UI's calls to the use cases. The list is the `api` crate's, so a command that is missing here, or has
//! other types, does not compile.

use std::{pin::Pin, sync::Arc};

use api::{ApiError, App, ErrorCode, dto::*};
use axum::{
    Json,
    body::Bytes,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{ACCESS_TOKEN, Host};

/// `POST /api/<command>`: the answer, or the error with a status that is none of success.
pub async fn call(State(host): State<Arc<Host>>, Path(command): Path<String>, body: Bytes) -> Response {
    match answer(&host, &command, &body).await {
        Ok(answer) => Json(answer).into_response(),
        Err(refusal) => (StatusCode::UNPROCESSABLE_ENTITY, Json(refusal)).into_response(),
    }
}

/// `GET /__test/opened`: waits for the next page that the system's browser would have been shown.
pub async fn opened(State(host): State<Arc<Host>>) -> Result<String, StatusCode> {
    host.to_visit.lock().await.recv().await.ok_or(StatusCode::GONE)
}

async fn answer(host: &Host, command: &str, body: &[u8]) -> Result<Value, ApiError> {
    match command {
        "connector_authorize" => json(&authorize(host, request(command, body)?).await?),
        "connector_authorize_cancel" => {
            let ByName { name } = request(command, body)?;
            host.app.authorize_cancel(&name);
            json(&Empty {})
        }
        "sample_setup" => {
            let Empty {} = request(command, body)?;
            host.app.set_sandbox_url(Some(host.sandbox.clone()));
            json(&host.app.sample_setup(&host.sandbox, ACCESS_TOKEN).await?)
        }
        "serving_get" => {
            let Empty {} = request(command, body)?;
            json(&host.switch.state(&host.app).await?)
        }
        "serving_set" => json(&host.switch.set(&host.app, request(command, body)?).await?),
        "serving_password" => {
            let Empty {} = request(command, body)?;
            json(&host.switch.renew_password(&host.app).await?)
        }
        "sandbox_list" => {
            let Empty {} = request(command, body)?;
            json(&host.sandboxes().await)
        }
        "sandbox_start" | "sandbox_stop" => {
            let ByProvider { provider } = request(command, body)?;
            host.switch(&provider, command == "sandbox_start").await?;
            json(&host.sandboxes().await)
        }
        "sandbox_connect" => {
            let ByProvider { provider } = request(command, body)?;
            host.switch(&provider, true).await?;
            json(&host.app.sandbox_connector(&host.access(&provider).await?).await?)
        }
        _ => use_case(&host.app, command, body).await,
    }
}

macro_rules! use_cases {
    ($($name:ident($request:ty) -> $answer:ty;)*) => {
        async fn use_case(app: &App, command: &str, body: &[u8]) -> Result<Value, ApiError> {
            $(
                if command == stringify!($name) {
                    let carried_out = boxed(|| async {
                        let answer: $answer = app.$name(request::<$request>(command, body)?).await?;
                        json(&answer)
                    });
                    return carried_out.await;
                }
            )*
            Err(ApiError::new(ErrorCode::NotFound, format!("There is no command `{command}`.")))
        }
    };
}
api::with_commands!(use_cases);

/// A command on the heap. Without optimizations the stack has a place of its own for each that could be meant, and all of them
/// together leave too little of it to the one that is.
fn boxed<'a, F>(command: impl FnOnce() -> F) -> Pin<Box<dyn Future<Output = F::Output> + Send + 'a>>
where
    F: Future + Send + 'a,
{
    Box::pin(command())
}

async fn authorize(host: &Host, request: AuthorizeRequest) -> Result<AuthorizeResult, ApiError> {
    match request.method {
        AuthorizeMethod::Window => Err(ApiError::new(
            ErrorCode::Invalid,
            "This page runs in a browser, which has no embedded window. Authorize in the browser.",
        )),
        AuthorizeMethod::Browser => {
            let opened = host.opened.clone();
            let open = move |url: &url::Url| opened.send(url.to_string()).map_err(|gone| gone.to_string());
            host.app.authorize_in_browser(&request.name, open).await
        }
    }
}

fn request<T: DeserializeOwned>(command: &str, body: &[u8]) -> Result<T, ApiError> {
    serde_json::from_slice(body).map_err(|problem| {
        ApiError::new(ErrorCode::Invalid, format!("The request of `{command}` cannot be read: {problem}."))
    })
}

fn json<T: Serialize>(answer: &T) -> Result<Value, ApiError> {
    serde_json::to_value(answer).map_err(|problem| {
        ApiError::new(ErrorCode::Internal, format!("An answer cannot be written: {problem}."))
    })
}
