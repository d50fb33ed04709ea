//! Serving from the window: switched on and off, on this machine only, and again after the next start if it was on.

use std::{net::Ipv4Addr, sync::Arc};

use api::{
    ApiError, App, ErrorCode, ServingChoice,
    dto::{Serving, ServingWanted},
};
use model::Secret;
use tokio::{net::TcpListener, sync::Mutex};

use crate::{ADMINISTRATOR, Administrator, HostNames, Options, OwnAccounts, Server};

/// A server that can be switched on and off.
#[derive(Default)]
pub struct Switch {
    now: Mutex<Now>,
}

#[derive(Default)]
struct Now {
    server: Option<Server>,
    /// Why it does not run although it should.
    problem: Option<String>,
}

impl Switch {
    /// How it stands.
    pub async fn state(&self, app: &App) -> Result<Serving, ApiError> {
        let now = self.now.lock().await;
        shown(app, &now, None).await
    }

    /// Switches it on or off, or over to another port.
    pub async fn set(&self, app: &Arc<App>, wanted: ServingWanted) -> Result<Serving, ApiError> {
        let ServingWanted { on, port, self_service } = wanted;
        let mut now = self.now.lock().await;
        if on && port == 0 {
            return Err(ApiError::new(ErrorCode::Invalid, "choose a port from 1 to 65535"));
        }
        if let Some(server) = now.server.take() {
            server.stop().await;
        }
        now.problem = None;
        let choice = ServingChoice { on, port, self_service };
        // What was switched off stays so even if it cannot be remembered; what cannot be started is not remembered as on.
        let started = if on { start(app, &mut now, choice, false).await } else { Ok(None) };
        let password = started.inspect_err(|error| now.problem = Some(error.message.clone()))?;
        app.remember_serving(choice).await?;
        shown(app, &now, password).await
    }

    /// Makes another password for the administrator; the old one is worthless from now on.
    pub async fn renew_password(&self, app: &Arc<App>) -> Result<Serving, ApiError> {
        let mut now = self.now.lock().await;
        let choice = app.serving_choice().await?;
        let password = if let Some(server) = now.server.take() {
            server.stop().await;
            start(app, &mut now, choice, true).await?
        } else {
            app.rest_admin(true).await?.fresh
        };
        shown(app, &now, password).await
    }

    /// Serves again if it did when the application was closed. What hinders it is told by [`Switch::state`].
    pub async fn start_again(&self, app: &Arc<App>) {
        let mut now = self.now.lock().await;
        let begun = match app.serving_choice().await {
            Ok(choice) if choice.on && now.server.is_none() => {
                start(app, &mut now, choice, false).await.map(|_| ())
            }
            Ok(_) => Ok(()),
            Err(error) => Err(error),
        };
        if let Err(error) = begun {
            tracing::warn!("serving could not be taken up again: {error}");
            now.problem = Some(error.message);
        }
    }

    /// Ends it in good order; it will be taken up again at the next start.
    pub async fn stop(&self) {
        if let Some(server) = self.now.lock().await.server.take() {
            server.stop().await;
        }
    }
}

/// Starts it, and gives the administrator's password if it was made just now.
async fn start(
    app: &Arc<App>,
    now: &mut Now,
    choice: ServingChoice,
    renew: bool,
) -> Result<Option<Secret>, ApiError> {
    let refused = |problem: std::io::Error| ApiError {
        field: Some("port".into()),
        ..ApiError::new(
            ErrorCode::Conflict,
            format!("127.0.0.1:{} cannot be listened on ({problem}); choose another port", choice.port),
        )
    };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, choice.port)).await.map_err(refused)?;
    let account = app.rest_admin(renew).await?;
    let options = Options {
        administrator: Administrator::Generated(account.proof),
        hosts: HostNames::default(),
        certificate: None,
        self_service: choice.self_service.then(OwnAccounts::default),
    };
    now.server = Some(Server::start(Arc::clone(app), listener, options).map_err(refused)?);
    Ok(account.fresh)
}

async fn shown(app: &App, now: &Now, password: Option<Secret>) -> Result<Serving, ApiError> {
    let choice = app.serving_choice().await?;
    Ok(Serving {
        addresses: now.server.as_ref().map(Server::addresses),
        port: choice.port,
        self_service: choice.self_service,
        administrator: ADMINISTRATOR.to_owned(),
        password: password.map(|password| password.expose().to_owned()),
        problem: now.problem.clone(),
    })
}
