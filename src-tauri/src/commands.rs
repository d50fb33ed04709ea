//! The commands that the UI calls. Each is one line over [`api::App`]: the list is the `api` crate's, so a command that
//! is missing here, or has other types, does not compile.

use api::{ApiError, dto::*};
use server::Switch;
use tauri::{AppHandle, Runtime, State, ipc::Invoke};

use crate::{browser, oauth_window, opening::Opening, sandbox_host::SandboxHost};

macro_rules! commands {
    ($($name:ident($request:ty) -> $answer:ty;)*) => { $(
        #[tauri::command]
        async fn $name(opening: State<'_, Opening>, request: $request) -> Result<$answer, ApiError> {
            opening.app().await?.$name(request).await
        }
    )* };
}
api::with_commands!(commands);

/// Shows the provider's consent page and waits for the answer.
#[tauri::command]
async fn connector_authorize<R: Runtime>(
    handle: AppHandle<R>,
    opening: State<'_, Opening>,
    request: AuthorizeRequest,
) -> Result<AuthorizeResult, ApiError> {
    let app = opening.app().await?;
    match request.method {
        AuthorizeMethod::Window => oauth_window::authorize(&handle, &app, &request.name).await,
        AuthorizeMethod::Browser => app.authorize_in_browser(&request.name, browser::show).await,
    }
}

/// Ends a consent that is under way, in the window or in the browser.
#[tauri::command]
async fn connector_authorize_cancel<R: Runtime>(
    handle: AppHandle<R>,
    opening: State<'_, Opening>,
    request: ByName,
) -> Result<Empty, ApiError> {
    oauth_window::cancel(&handle, &request.name);
    opening.app().await?.authorize_cancel(&request.name);
    Ok(Empty {})
}

/// Starts the sandbox and makes the sample connector and mappings.
#[tauri::command]
async fn sample_setup(
    opening: State<'_, Opening>,
    sandbox: State<'_, SandboxHost>,
    request: Empty,
) -> Result<SampleSetup, ApiError> {
    let Empty {} = request;
    let app = opening.app().await?;
    sandbox.sample_setup(&app).await
}

/// The sandboxes of this program and how they stand.
#[tauri::command]
async fn sandbox_list(
    sandbox: State<'_, SandboxHost>,
    request: Empty,
) -> Result<Vec<SandboxState>, ApiError> {
    let Empty {} = request;
    Ok(sandbox.list().await)
}

/// Starts a sandbox, now and with every start of the program.
#[tauri::command]
async fn sandbox_start(
    opening: State<'_, Opening>,
    sandbox: State<'_, SandboxHost>,
    request: ByProvider,
) -> Result<Vec<SandboxState>, ApiError> {
    let app = opening.app().await?;
    sandbox.start(&app, &request).await
}

/// Stops a sandbox.
#[tauri::command]
async fn sandbox_stop(
    opening: State<'_, Opening>,
    sandbox: State<'_, SandboxHost>,
    request: ByProvider,
) -> Result<Vec<SandboxState>, ApiError> {
    let app = opening.app().await?;
    sandbox.end(&app, &request).await
}

/// Starts a sandbox if need be, and makes a connector to it.
#[tauri::command]
async fn sandbox_connect(
    opening: State<'_, Opening>,
    sandbox: State<'_, SandboxHost>,
    request: ByProvider,
) -> Result<ConnectorDetail, ApiError> {
    let app = opening.app().await?;
    sandbox.connect(&app, &request).await
}

/// Whether other systems are served, and where.
#[tauri::command]
async fn serving_get(
    opening: State<'_, Opening>,
    switch: State<'_, Switch>,
    request: Empty,
) -> Result<Serving, ApiError> {
    let Empty {} = request;
    let app = opening.app().await?;
    switch.state(&app).await
}

/// Switches serving on or off.
#[tauri::command]
async fn serving_set(
    opening: State<'_, Opening>,
    switch: State<'_, Switch>,
    request: ServingWanted,
) -> Result<Serving, ApiError> {
    let app = opening.app().await?;
    switch.set(&app, request).await
}

/// Makes another password for the administrator.
#[tauri::command]
async fn serving_password(
    opening: State<'_, Opening>,
    switch: State<'_, Switch>,
    request: Empty,
) -> Result<Serving, ApiError> {
    let Empty {} = request;
    let app = opening.app().await?;
    switch.renew_password(&app).await
}

/// Hands a call of the UI to its command.
pub fn handler<R: Runtime>() -> impl Fn(Invoke<R>) -> bool + Send + Sync + 'static {
    macro_rules! handler {
        ($($name:ident($request:ty) -> $answer:ty;)*) => {
            tauri::generate_handler![$($name,)* connector_authorize, connector_authorize_cancel, sample_setup,
                sandbox_list, sandbox_start, sandbox_stop, sandbox_connect, serving_get, serving_set, serving_password]
        };
    }
    api::with_commands!(handler)
}
