//! Stub while the engine is being written; the lead replaces it. Signatures are fixed.
#![allow(missing_docs, unused_variables, clippy::unused_async)]
use std::{path::PathBuf, sync::Arc};

use url::Url;

use crate::{ApiError, ErrorCode, dto::*};

pub struct AppOptions {
    /// Where everything is kept.
    pub data_dir: PathBuf,
    /// CONCORD_PASSPHRASE, where there is no keyring.
    pub passphrase: Option<String>,
}

/// A consent that is under way.
pub struct Authorizing {
    /// The provider's consent page, to be shown to the person.
    pub url: Url,
    /// Where the provider will send the person back to.
    pub redirect_uri: Url,
    /// The connector.
    pub connector: String,
    /// For window titles: "HubSpot".
    pub provider_title: String,
}

/// What a navigation means for a consent under way.
pub enum Redirect {
    /// Not the redirect URI: let it load.
    Elsewhere,
    /// The redirect, with everything in order; stop the navigation and call `authorize_finish`.
    Code(AuthorizationCode),
    /// The redirect, but consent was denied or the state is wrong: the message to show.
    Refused(String),
}

pub struct AuthorizationCode(());

impl Authorizing {
    /// Cheap and non-blocking: may be called on the UI thread for every navigation. A code is given out once.
    pub fn check(&self, url: &Url) -> Redirect {
        Redirect::Elsewhere
    }
}

pub struct App(());

macro_rules! handlers {
    ($($name:ident($request:ty) -> $answer:ty;)*) => {
        impl App { $(pub async fn $name(&self, request: $request) -> Result<$answer, ApiError> {
            Err(ApiError::new(ErrorCode::Internal, "stub"))
        })* }
    };
}
crate::with_commands!(handlers);

impl App {
    /// Opens (or creates) the data folder.
    pub async fn open(options: AppOptions) -> Result<Arc<App>, ApiError> {
        Ok(Arc::new(App(())))
    }
    /// Starts delivering implicit syncs in the background until the returned guard is dropped.
    pub fn start_worker(self: &Arc<Self>) -> Worker {
        Worker(())
    }
    pub async fn authorize_begin(&self, connector: &str) -> Result<Authorizing, ApiError> {
        Err(ApiError::new(ErrorCode::Internal, "stub"))
    }
    pub async fn authorize_finish(&self, authorizing: Arc<Authorizing>, code: AuthorizationCode) -> Result<AuthorizeResult, ApiError> {
        Err(ApiError::new(ErrorCode::Internal, "stub"))
    }
    /// The same in the system's browser: `open` shows the page, a loopback listener catches the redirect.
    pub async fn authorize_in_browser(
        &self,
        connector: &str,
        open: impl FnOnce(&Url) -> Result<(), String> + Send,
    ) -> Result<AuthorizeResult, ApiError> {
        Err(ApiError::new(ErrorCode::Internal, "stub"))
    }
    /// Ends a consent in the browser that is under way.
    pub fn authorize_cancel(&self, connector: &str) {}
    /// Makes connector `hubspot` for a sandbox at `url` (static token given) and the two sample mappings, unless there.
    pub async fn sample_setup(&self, url: &str, access_token: &str) -> Result<SampleSetup, ApiError> {
        Err(ApiError::new(ErrorCode::Internal, "stub"))
    }
    /// The URL shown as `sandboxUrl` in the status.
    pub fn set_sandbox_url(&self, url: Option<String>) {}
    /// Stops runs and the worker in good order.
    pub async fn close(&self) {}
}

pub struct Worker(());
